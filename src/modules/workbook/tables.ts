/** The family's electronic Workbook: one record that every discipline writes. */

import { sql } from 'drizzle-orm';
import { bigint, foreignKey, index, integer, type PgColumn, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';

/** The persons from whom a row is kept; see SHARING, kept from. */
const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);
const worker = () => text('worker');

export const workbookEntry = classify(
  fsp.table(
    'workbook_entry',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: worker(),
      keptFrom: keptFrom(),
      module: text('module').notNull(),
      discipline: text('discipline').notNull(),
      sessionType: text('session_type').notNull(),
      occurredAt: moment('occurred_at').notNull(),
      author: text('author').notNull(),
      narrative: text('narrative'),
      version: version(),
      ...times(),
    },
    (t) => [
      index('workbook_entry_family').on(t.family, t.occurredAt, t.id),
      unique('workbook_entry_of_writer').on(t.id, t.family, t.controller),
    ],
  ),
  'WORKBOOK',
);

/** Keys of a row that belongs to an entry and is as guarded as the entry itself. */
const ofEntry = () => ({
  id: id(),
  entry: key('entry').notNull(),
  family: familyKey(),
  person: personKey(),
  controller: controller(),
  worker: worker(),
  keptFrom: keptFrom(),
});

/**
 * An entry's rows are of its family and its writer: the key of all three, so that nobody can hang a row on an entry
 * that is not theirs, nor learn from a refusal that there is one.
 */
const withEntry = (name: string, t: { id: PgColumn; entry: PgColumn; family: PgColumn; controller: PgColumn }) => [
  index(`${name}_entry`).on(t.entry as never, t.id as never),
  foreignKey({
    name: `${name}_of_entry`,
    columns: [t.entry as never, t.family as never, t.controller as never],
    foreignColumns: [workbookEntry.id, workbookEntry.family, workbookEntry.controller],
  }),
];

export const workbookEntryPerson = classify(
  fsp.table('workbook_entry_person', ofEntry(), (t) => withEntry('workbook_entry_person', t)),
  'WORKBOOK',
);

/** Stage of change and capacity for change of one person for one behaviour. */
export const workbookReading = classify(
  fsp.table(
    'workbook_reading',
    {
      ...ofEntry(),
      behaviour: text('behaviour').notNull(),
      stageOfChange: text('stage_of_change').notNull(),
      capacityForChange: integer('capacity_for_change'),
    },
    (t) => withEntry('workbook_reading', t),
  ),
  'WORKBOOK',
);

export const workbookChildWords = classify(
  fsp.table('workbook_child_words', { ...ofEntry(), words: text('words').notNull() }, (t) => withEntry('workbook_child_words', t)),
  'CHILD_VOICE',
);

export const workbookParentWords = classify(
  fsp.table('workbook_parent_words', { ...ofEntry(), words: text('words').notNull() }, (t) => withEntry('workbook_parent_words', t)),
  'ADULT_VOICE',
);
