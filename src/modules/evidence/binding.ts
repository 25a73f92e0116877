import { type Binding, byId, column, type FieldBinding, type Order, one, page, type RelationField } from '../../read/binding.ts';
import { interventionProgress } from '../intervention/tables.ts';
import { latestBy } from '../meeting/binding.ts';
import { isLatest } from '../tool/change.ts';
import { evidencePack } from './tables.ts';

/** Ends of a pack's period; one that has none is without end. */
const FROM = (pack: string) => `coalesce(${pack}.period_from, '-infinity'::date)`;
const TO = (pack: string) => `coalesce(${pack}.period_to, 'infinity'::date)`;

/** SQL that a day falls into a pack's period. */
const within = (pack: string, day: string) => `${day} >= ${FROM(pack)} and ${day} <= ${TO(pack)}`;

/** The same of a moment; days begin at midnight, UTC. */
const momentWithin = (pack: string, at: string) =>
  `${at} >= (${FROM(pack)}::timestamp at time zone 'UTC') and ${at} < ((${TO(pack)}::date + 1)::timestamp at time zone 'UTC')`;

/** SQL that what began on a day, and may have ended, went on in a pack's period. */
const during = (pack: string, began: string, ended: string) =>
  `${began} <= ${TO(pack)} and coalesce(${ended}, 'infinity') >= ${FROM(pack)}`;

type When = (pack: string, row: string) => string;

const on =
  (column: string): When =>
  (pack, row) =>
    within(pack, `${row}.${column}`);
const at =
  (column: string): When =>
  (pack, row) =>
    momentWithin(pack, `${row}.${column}`);
const between =
  (began: string, ended: string): When =>
  (pack, row) =>
    during(pack, `${row}.${began}`, `${row}.${ended}`);

/** Rows of the pack's family, as far as they are of its period. */
const shown = (kind: 'list' | 'page', to: string, when: When, order: Order, extra: Partial<RelationField> = {}): RelationField => ({
  kind,
  to,
  on: (pack, row) => `${row}.family = ${pack}.family and ${when(pack, row)}`,
  order,
  sameFamily: true,
  ...extra,
});

const earliest = (day: string): Order => ({ ...latestBy(day, 'date'), descending: false });

export const bindings: Binding[] = [
  {
    type: 'EvidencePack',
    anchor: evidencePack,
    id: 'id',
    shownTo: evidencePack.recipientPersons,
    event: { at: evidencePack.createdAt },
    fields: {
      purpose: column(evidencePack.purpose),
      recipient: { kind: 'one', to: 'EvidenceRecipient', on: (pack, r) => `${r}.id = ${pack}.id`, sameFamily: true },
      from: column(evidencePack.periodFrom),
      to: column(evidencePack.periodTo),
      preparedAt: column(evidencePack.createdAt),
      preparedBy: column(evidencePack.preparedBy),
      organisation: one('Organisation', evidencePack.controller, 'id'),
      family: one('Family', evidencePack.family, 'family'),
      plans: shown('list', 'Plan', between('started', 'ended'), earliest('started')),
      steps: shown('list', 'StepEvent', on('stepped_on'), earliest('stepped_on')),
      strategyDiscussions: shown('list', 'StrategyDiscussion', on('held_on'), earliest('held_on')),
      sections47: shown('list', 'Section47', between('started_on', 'ended_on'), earliest('started_on')),
      conferences: shown('list', 'Conference', on('held_on'), earliest('held_on')),
      preProceedings: shown('list', 'PreProceedings', between('started_on', 'ended_on'), earliest('started_on')),
      assessments: shown(
        'page',
        'Assessment',
        (pack, row) => during(pack, `${row}.started`, `coalesce(${row}.authorised_on, ${row}.cancelled_on)`),
        latestBy('started', 'date'),
      ),
      specialistAssessments: shown('page', 'SpecialistAssessment', between('ordered_on', 'received_on'), latestBy('ordered_on', 'date')),
      capacityForChange: shown('page', 'WorkbookReading', on('observed_on'), latestBy('observed_on', 'date')),
      workbook: shown('page', 'WorkbookEntry', at('occurred_at'), latestBy('occurred_at', 'timestamptz')),
      toolReadings: shown(
        'page',
        'ToolReading',
        (pack, row) => `not ${row}.withdrawn and ${within(pack, `${row}.read_on`)}`,
        latestBy('read_on', 'date'),
      ),
      toolChanges: shown(
        'list',
        'ToolChange',
        (pack, row) => `not ${row}.withdrawn and ${within(pack, `${row}.read_on`)}`,
        {
          keys: [
            { column: 'tool', type: 'integer' },
            { column: 'id', type: 'bigint' },
          ],
        },
        // Later readings are of no account, once the period is over.
        { among: (row, sub, pack) => isLatest(row, sub, (other) => `${other}.read_on <= ${TO(pack)}`) },
      ),
      interventions: shown('page', 'Intervention', () => 'true', byId, {
        among: (row, sub, pack) =>
          `((${pack}.period_from is null and ${pack}.period_to is null) or (select true ${sub(interventionProgress, 'ran')} and ran.intervention = ${row}.id and ${during(pack, 'ran.requested', 'ran.ended')}))`,
      }),
      meetings: shown(
        'page',
        'Meeting',
        (pack, row) => `${row}.status = 'HELD' and ${momentWithin(pack, `${row}.meets_at`)}`,
        latestBy('meets_at', 'timestamptz'),
      ),
      decisions: shown('page', 'Decision', on('decided_on'), latestBy('decided_on', 'date')),
      childVoices: shown('page', 'ChildVoice', on('said_on'), latestBy('said_on', 'date')),
      adultVoices: shown('page', 'AdultVoice', on('said_on'), latestBy('said_on', 'date')),
      safety: shown(
        'list',
        'SafetyCondition',
        (pack, row) => during(pack, `${row}."from"`, `least(${row}.until, ${row}.ended_on)`),
        earliest('from'),
      ),
      familyPlans: shown('list', 'FamilyPlan', between('opened_on', 'ended_on'), earliest('opened_on')),
    },
  },
  {
    type: 'EvidenceRecipient',
    anchor: evidencePack,
    fields: {
      organisation: one('Organisation', evidencePack.recipientOrganisation, 'id'),
      person: one('Person', evidencePack.recipientPerson, 'person'),
      name: column(evidencePack.recipientName),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: { evidencePacks: page('EvidencePack', 'family', 'family', latestBy('created_at', 'timestamptz'), { sameFamily: true }) },
};
