import { type Binding, column, computed, type FieldBinding, type Order, one, type RootBinding } from '../../read/binding.ts';
import { matchCandidate } from '../person/tables.ts';
import { personMerge } from './tables.ts';

const latest = (): Order => ({ keys: [{ column: 'id', type: 'bigint' }], descending: true });
const inForce = (m: string) => `(${m}.confirmed_at is not null and ${m}.unmerged_at is null)`;
const ofFamilies = (c: string) => `${c}.subject_table = 'family_name'`;

export const bindings: Binding[] = [
  {
    type: 'PersonMerge',
    anchor: personMerge,
    id: 'id',
    fields: {
      status: computed(
        personMerge,
        (m) =>
          `case when ${m}.unmerged_at is not null then 'UNMERGED' when ${m}.confirmed_at is not null then 'MERGED' else 'PROPOSED' end`,
      ),
      survivor: one('Person', personMerge.survivor, 'person'),
      merged: one('Person', personMerge.merged, 'person', { samePerson: true }),
      reason: column(personMerge.reason),
      proposedBy: column(personMerge.proposedByName),
      confirmedBy: column(personMerge.confirmedByName),
      confirmedAt: column(personMerge.confirmedAt),
      unmergedBy: column(personMerge.unmergedByName),
      unmergedAt: column(personMerge.unmergedAt),
      unmergeReason: column(personMerge.unmergeReason),
      version: column(personMerge.version),
    },
  },
  {
    type: 'MatchCandidate',
    anchor: matchCandidate,
    id: 'id',
    fields: {
      kind: computed(
        matchCandidate,
        (c) =>
          `case ${c}.subject_table when 'person_nhs_number' then 'NHS_NUMBER' when 'person_upn' then 'UPN' else 'FAMILY_REFERENCE' end`,
      ),
      at: column(matchCandidate.at),
      persons: {
        kind: 'list',
        to: 'Person',
        on: (c, p) => `not ${ofFamilies(c)} and ${p}.person in (${c}.row_key, ${c}.other)`,
        order: { keys: [{ column: 'person', type: 'bigint' }] },
      },
      families: {
        kind: 'list',
        to: 'Family',
        on: (c, f) => `${ofFamilies(c)} and ${f}.family in (${c}.row_key, ${c}.other)`,
        order: { keys: [{ column: 'family', type: 'bigint' }] },
      },
    },
  },
];

export const roots: Record<string, RootBinding> = {
  personMerges: {
    kind: 'page',
    to: 'PersonMerge',
    order: latest,
    filters: { merged: { decode: 'text', where: (m, p) => `${inForce(m)} = ${p}::boolean` } },
  },
  matchCandidates: { kind: 'page', to: 'MatchCandidate', order: latest, filters: {} },
};

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Person: {
    sameAs: {
      kind: 'list',
      to: 'Person',
      on: (person, p) => `${p}.person in (select same.other from fsp.person_same same where same.person = ${person}.person)`,
      order: { keys: [{ column: 'person', type: 'bigint' }] },
    },
  },
};
