/** Extracts for those who evaluate the model: who may have which, its rows, and what each column means. */
import { sql } from 'drizzle-orm';
import { boolean, check, date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';
import type { RowKind } from './rules.ts';

/** Nobody else has work with them. */
const PURPOSES = { purposes: ['GOVERNANCE', 'EVALUATION'] as const };

/** One extract for one recipient. Written by the database (`src/access/extract.sql`). */
export const extract = classify(
  fsp.table(
    'extract',
    {
      id: id(),
      controller: controller(),
      recipient: integer('recipient')
        .notNull()
        .references(() => organisation.id),
      purpose: text('purpose').notNull(),
      /** The days of entry of whose children it is. */
      enteredFrom: date('entered_from').notNull(),
      enteredUntil: date('entered_until').notNull(),
      /** The day that it was made of the record. */
      asAt: date('as_at').notNull(),
      /** How long each child is followed from its entry on. */
      followUpDays: integer('follow_up_days').notNull(),
      status: text('status').$type<'PREPARED' | 'RELEASED' | 'WITHDRAWN'>().notNull(),
      preparedAt: moment('prepared_at').notNull().defaultNow(),
      preparedBy: text('prepared_by').notNull(),
      /** The user's subject: the same user does not release it. */
      preparedUser: text('prepared_user').notNull(),
      releasedAt: moment('released_at'),
      releasedBy: text('released_by'),
      withdrawnAt: moment('withdrawn_at'),
      withdrawnBy: text('withdrawn_by'),
      withdrawnFor: text('withdrawn_for'),
      /** What the check found: see `AnonymityReport`. */
      k: integer('k').notNull(),
      children: integer('children').notNull(),
      smallestGroup: integer('smallest_group').notNull(),
      uniqueChildren: integer('unique_children').notNull(),
      generalised: text('generalised').array().notNull(),
      withheldChildren: integer('withheld_children').notNull(),
      leastVariety: integer('least_variety').notNull(),
      passed: boolean('passed').notNull(),
    },
    (t) => [
      index('extract_recipient').on(t.recipient, t.id),
      check(
        'extract_released',
        sql`(status = 'PREPARED') <= (released_at is null) and (status = 'RELEASED') <= (released_at is not null and passed)`,
      ),
    ],
  ),
  'RESEARCH',
  { ...PURPOSES, sealed: true },
);

/**
 * Its rows. `family` and `person` say whom a row is of: to the disclosure record, and to erasure; no field shows them. Which columns a kind
 * has the dictionary says.
 */
export const extractRow = classify(
  fsp.table(
    'extract_row',
    {
      id: id(),
      extract: key('extract')
        .notNull()
        .references(() => extract.id),
      family: familyKey(),
      person: personKey(),
      kind: text('kind').$type<RowKind>().notNull(),
      child: text('child').notNull(),
      born: integer('born'),
      sex: text('sex'),
      ethnicGroup: text('ethnic_group'),
      disabled: text('disabled'),
      district: text('district'),
      entered: date('entered'),
      knownBefore: boolean('known_before'),
      concerns: text('concerns').array(),
      highest: text('highest'),
      daysInNeed: integer('days_in_need'),
      daysOnPlan: integer('days_on_plan'),
      daysPreProceedings: integer('days_pre_proceedings'),
      daysInCare: integer('days_in_care'),
      referrals: integer('referrals'),
      stepsUp: integer('steps_up'),
      stepsDown: integer('steps_down'),
      status: text('status'),
      startMonth: integer('start_month'),
      endMonth: integer('end_month'),
      event: text('event'),
      month: integer('month'),
    },
    (t) => [
      index('extract_row_kind').on(t.extract, t.kind, t.id),
      index('extract_row_family').on(t.family),
      index('extract_row_person').on(t.person),
    ],
  ),
  'RESEARCH',
  { ...PURPOSES, sealed: true },
);

/** The data dictionary: a column of a kind of row, and how coarse it is. */
export const extractColumn = classify(
  fsp.table('extract_column', {
    id: integer('id').primaryKey(),
    kind: text('kind').$type<RowKind>().notNull(),
    name: text('name').notNull(),
    type: text('type').notNull(),
    meaning: text('meaning').notNull(),
    coarsened: text('coarsened'),
    /** Somebody may know it from elsewhere: the check before release is of these. */
    checked: boolean('checked').notNull(),
  }),
  'DIRECTORY',
);
