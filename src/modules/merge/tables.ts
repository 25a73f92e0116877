/** Two records of one person: a link between them, which needs two people, and which can be undone. */
import { sql } from 'drizzle-orm';
import { check, date, index, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, personKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';

const other = (name: string) =>
  key(name)
    .notNull()
    .references(() => person.id);

/**
 * That somebody takes two persons for one, that somebody else agreed, that it was undone. Every row stays under its own
 * person: restrictions of either count for both, and what opens one opens the other to nobody.
 */
export const personMerge = classify(
  fsp.table(
    'person_merge',
    {
      id: id(),
      /** The record that goes on under its own id. */
      survivor: other('survivor'),
      merged: other('merged'),
      controller: controller(),
      reason: text('reason').notNull(),
      proposedBy: text('proposed_by').notNull(),
      proposedByName: text('proposed_by_name').notNull(),
      confirmedBy: text('confirmed_by'),
      confirmedByName: text('confirmed_by_name'),
      confirmedAt: moment('confirmed_at'),
      unmergedBy: text('unmerged_by'),
      unmergedByName: text('unmerged_by_name'),
      unmergedAt: moment('unmerged_at'),
      unmergeReason: text('unmerge_reason'),
      version: version(),
      ...times(),
    },
    (t) => [
      check('person_merge_two_persons', sql`survivor <> merged`),
      check('person_merge_two_people', sql`confirmed_by is null or confirmed_by <> proposed_by`),
      check(
        'person_merge_in_order',
        sql`(confirmed_at is null) = (confirmed_by is null) and (unmerged_at is null or confirmed_at is not null)`,
      ),
      index('person_merge_survivor').on(t.survivor),
      index('person_merge_merged').on(t.merged),
      // Of two persons one proposal is open or in force, whichever is named first.
      uniqueIndex('person_merge_once').on(sql`least(survivor, merged)`, sql`greatest(survivor, merged)`).where(sql`unmerged_at is null`),
    ],
  ),
  'SHARING',
  { person: 'merged', other: 'survivor', own: { columns: ['controller'] }, sealed: true },
);

/** Each pair of persons who are one today, in both directions; there for those who see both. Follows from `person_merge`. */
export const personSame = classify(
  fsp.table('person_same', { id: id(), person: personKey(), other: other('other'), controller: controller() }, (t) => [
    index('person_same_person').on(t.person, t.other),
  ]),
  'IDENTITY',
  { other: 'other', sealed: true },
);

/**
 * The record of a child before an adoption. The child is a new person, of whom nothing here or anywhere says that they are this
 * one: a record that stands here is matched, looked up and merged with nobody. Written by the database (`fsp.record_adoption`),
 * read by no login.
 */
export const adoption = classify(
  fsp.table('adoption', {
    person: key('person')
      .primaryKey()
      .references(() => person.id),
    at: moment('at').notNull().defaultNow(),
    family: key('family').notNull(),
    orderedOn: date('ordered_on').notNull(),
    reason: text('reason').notNull(),
    recordedBy: text('recorded_by').notNull(),
  }),
  'OPERATION',
);

/** Whom a row is kept from only because it is kept from the same person under another id (`because`). */
export const mergeKeptFrom = classify(
  fsp.table(
    'merge_kept_from',
    {
      id: id(),
      at: moment('at').notNull().defaultNow(),
      subjectTable: text('subject_table').notNull(),
      rowKey: key('row_key').notNull(),
      person: key('person').notNull(),
      because: key('because').notNull(),
    },
    (t) => [index('merge_kept_from_row').on(t.subjectTable, t.rowKey), index('merge_kept_from_person').on(t.person, t.because)],
  ),
  'OPERATION',
);
