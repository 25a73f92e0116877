import { type Binding, column, computed, type Order, one, type RootBinding } from '../../read/binding.ts';
import { recallNotice, retraction } from './tables.ts';

const latest = (): Order => ({
  keys: [
    { column: 'at', type: 'timestamptz' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
});
const subject = (row: string) => `${row}.entity || '-' || ${row}.entity_id`;

export const bindings: Binding[] = [
  {
    type: 'Retraction',
    anchor: retraction,
    id: 'id',
    fields: {
      entity: column(retraction.entity),
      subject: computed(retraction, subject),
      reason: column(retraction.reason),
      explanation: column(retraction.explanation),
      by: column(retraction.by),
      at: column(retraction.at),
      content: computed(retraction, (row) => `${row}.content::text`),
      shown: {
        kind: 'list',
        to: 'Organisation',
        on: (r, o) => `${o}.id = any (${r}.shown)`,
        order: { keys: [{ column: 'id', type: 'integer' }] },
      },
      persons: {
        kind: 'list',
        to: 'Person',
        on: (r, p) => `${p}.person = any (${r}.persons)`,
        order: { keys: [{ column: 'person', type: 'bigint' }] },
      },
      family: one('Family', retraction.family, 'family'),
    },
  },
  {
    type: 'RecallNotice',
    anchor: recallNotice,
    id: 'id',
    fields: {
      kind: column(recallNotice.kind),
      from: one('Organisation', recallNotice.origin, 'id'),
      entity: column(recallNotice.entity),
      subject: computed(recallNotice, subject),
      words: column(recallNotice.words),
      at: column(recallNotice.at),
      acknowledgedAt: column(recallNotice.acknowledgedAt),
      acknowledgedBy: column(recallNotice.acknowledgedBy),
      family: one('Family', recallNotice.about, 'family'),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  retractions: { kind: 'page', to: 'Retraction', order: latest, filters: {} },
  recallNotices: {
    kind: 'page',
    to: 'RecallNotice',
    order: latest,
    filters: { acknowledged: { decode: 'text', where: (n, p) => `(${n}.acknowledged_at is not null) = ${p}::boolean` } },
  },
};
