/** What record systems push in: under which of their ids they know what, in which state, and what became of each batch. */
import { index, integer, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';

/** The state of a record that was last taken from its system. */
const taken = () => ({
  controller: controller(),
  system: text('system').notNull(),
  sourceId: text('source_id').notNull(),
  /** Counts the changes there, where the system does; else 0. */
  sourceVersion: integer('source_version').notNull(),
  changedAt: moment('changed_at').notNull(),
  /** SHA-256 of what the record says, whatever its ids and times are. */
  digest: text('digest').notNull(),
  version: version(),
  ...times(),
});

export const personSource = classify(
  fsp.table('person_source', { id: id(), person: personKey(), ...taken() }, (t) => [
    unique('person_source_once').on(t.controller, t.system, t.sourceId),
    index('person_source_person').on(t.person),
  ]),
  'NHS_NUMBER',
  { own: { columns: ['controller'] } },
);

/** Of a family, and of what stands in it: `entity` is a GraphQL type, `entityId` the key of its row. */
export const recordSource = classify(
  fsp.table(
    'record_source',
    { id: id(), family: familyKey(), entity: text('entity').notNull(), entityId: key('entity_id').notNull(), ...taken() },
    (t) => [
      unique('record_source_once').on(t.controller, t.system, t.entity, t.sourceId),
      index('record_source_family').on(t.family, t.id),
      index('record_source_entity').on(t.entity, t.entityId),
    ],
  ),
  'NHS_NUMBER',
);

export const recordRun = classify(
  fsp.table('record_run', {
    id: id(),
    controller: controller(),
    system: text('system').notNull(),
    at: moment('at').notNull().defaultNow(),
    created: integer('created').notNull(),
    updated: integer('updated').notNull(),
    unchanged: integer('unchanged').notNull(),
    failed: integer('failed').notNull(),
  }),
  'NHS_NUMBER',
);

/** What was said of one line. It goes with its family: of a family that is hidden since, no line tells. */
export const recordRunLine = classify(
  fsp.table(
    'record_run_line',
    {
      id: id(),
      run: key('run')
        .notNull()
        .references(() => recordRun.id, { onDelete: 'cascade' }),
      family: key('family'),
      controller: controller(),
      line: integer('line').notNull(),
      sourceId: text('source_id').notNull(),
      result: text('result').notNull(),
      /** Id of the row that the line is about. */
      record: text('record'),
      path: text('path'),
      rule: text('rule'),
      message: text('message'),
    },
    (t) => [index('record_run_line_run').on(t.run, t.id), index('record_run_line_family').on(t.family)],
  ),
  'NHS_NUMBER',
);
