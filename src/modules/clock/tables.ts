/** What is due: the timescales and bank holidays it is reckoned by, the clocks that run, the tasks people have. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, foreignKey, index, integer, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, family, familyKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';
import type { Unit } from './rules.ts';

/** How long something may take, as a law, its guidance or the authority has it. What an authority sets goes before England's. */
export const timescale = classify(
  fsp.table(
    'timescale',
    {
      code: text('code').notNull(),
      version: text('version').notNull(),
      /** The folder of reference data it is from: `england`, or the authority's. */
      authority: text('authority').notNull(),
      fromEvent: text('from_event').notNull(),
      toEvent: text('to_event').notNull(),
      amount: integer('amount'),
      unit: text('unit').$type<Unit>(),
      dueSoon: integer('due_soon').notNull(),
      countsFromNextDay: boolean('counts_from_next_day').notNull(),
      kind: text('kind').$type<'STATUTORY' | 'LOCAL'>().notNull(),
      status: text('status').$type<'verified' | 'believed' | 'local'>().notNull(),
      source: text('source').notNull(),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
    },
    (t) => [primaryKey({ columns: [t.code, t.version] })],
  ),
  'DIRECTORY',
);

export const bankHoliday = classify(
  fsp.table('bank_holiday', { day: date('day').primaryKey(), status: text('status').notNull() }),
  'DIRECTORY',
);

/** Whom and what a clock or a task is about. `subject` is the row of another table: its GraphQL type and its key. */
const about = () => ({
  id: id(),
  person: key('person').references(() => person.id),
  controller: controller(),
  worker: text('worker'),
  /** Whose it is to do. */
  assigned: integer('assigned')
    .notNull()
    .references(() => organisation.id),
  subjectType: text('subject_type').notNull(),
  subjectId: key('subject_id').notNull(),
  dueOn: date('due_on').notNull(),
  version: version(),
  ...times(),
});

export const clock = classify(
  fsp.table(
    'clock',
    {
      ...about(),
      /** Null until it is known: a referral has to be decided on before anybody knows which family it is of. */
      family: key('family').references(() => family.id),
      /** As the row is that it is about: taken from there by the database. */
      keptFrom: bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`),
      rule: text('rule').notNull(),
      ruleVersion: text('rule_version').notNull(),
      startedOn: date('started_on').notNull(),
      dueSoonOn: date('due_soon_on').notNull(),
      metOn: date('met_on'),
      /** Stopped without being met. */
      endedOn: date('ended_on'),
    },
    (t) => [
      index('clock_family').on(t.family, t.dueOn, t.id),
      index('clock_due').on(t.dueOn, t.id),
      index('clock_assigned').on(t.assigned, t.dueOn, t.id),
      // Of one rule one clock runs for a subject, whoever starts it twice.
      uniqueIndex('clock_running').on(t.subjectType, t.subjectId, t.rule).where(sql`met_on is null and ended_on is null`),
      foreignKey({ name: 'clock_of_rule', columns: [t.rule, t.ruleVersion], foreignColumns: [timescale.code, timescale.version] }),
    ],
  ),
  'CASE',
  // Who sends a referral starts the county's clock, and who is asked for information stops the one that it has.
  {
    own: { columns: ['controller', 'assigned'] },
    acts: ['makeReferral', 'answerInformationRequest'],
    amendedBy: ['controller', 'assigned'],
  },
);

/** Something one person is to do. `worker` is whom it was given to; a task that tells of health or abuse needs that class too. */
export const task = classify(
  fsp.table(
    'task',
    {
      ...about(),
      family: familyKey(),
      rowMask: key('row_mask').notNull().default(0),
      /** The persons from whom it is kept; see SHARING, kept from. */
      keptFrom: bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`),
      kind: text('kind').notNull(),
      title: text('title').notNull(),
      doneOn: date('done_on'),
      doneBy: text('done_by'),
      outcome: text('outcome'),
    },
    (t) => [
      index('task_family').on(t.family, t.dueOn, t.id),
      index('task_due').on(t.dueOn, t.id),
      index('task_assigned').on(t.assigned, t.dueOn, t.id),
    ],
  ),
  'WORKBOOK',
  { own: { columns: ['controller', 'assigned'] }, amendingActs: ['completeTask'], amendedBy: ['controller', 'assigned'], ownRows: true },
);
