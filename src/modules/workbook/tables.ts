/** The family's electronic Workbook: one record that every discipline writes. */
import { bigint, index, integer, text } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
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
    (t) => [index('workbook_entry_family').on(t.family, t.occurredAt, t.id)],
  ),
  'WORKBOOK',
);

const entryKey = () =>
  key('entry')
    .notNull()
    .references(() => workbookEntry.id);

/** Keys of a row that belongs to an entry and is as guarded as the entry itself. */
const ofEntry = () => ({
  id: id(),
  entry: entryKey(),
  family: familyKey(),
  person: personKey(),
  controller: controller(),
  worker: worker(),
  keptFrom: keptFrom(),
});

export const workbookEntryPerson = classify(
  fsp.table('workbook_entry_person', ofEntry(), (t) => [index('workbook_entry_person_entry').on(t.entry)]),
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
    (t) => [index('workbook_reading_entry').on(t.entry)],
  ),
  'WORKBOOK',
);

export const workbookChildWords = classify(
  fsp.table('workbook_child_words', { ...ofEntry(), words: text('words').notNull() }, (t) => [
    index('workbook_child_words_entry').on(t.entry),
  ]),
  'CHILD_VOICE',
);

export const workbookParentWords = classify(
  fsp.table('workbook_parent_words', { ...ofEntry(), words: text('words').notNull() }, (t) => [
    index('workbook_parent_words_entry').on(t.entry),
  ]),
  'ADULT_VOICE',
);
