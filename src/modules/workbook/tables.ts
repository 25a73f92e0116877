/** The family's electronic Workbook: one record that every discipline writes. */

import { sql } from 'drizzle-orm';
import { bigint, boolean, date, foreignKey, index, integer, type PgColumn, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';

/** The persons from whom a row is kept; see SHARING, kept from. */
export const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);
const worker = () => text('worker');

/** A programme of work in one version: `validTo` ends it, and another begins. */
export const workbookProgramme = classify(
  fsp.table(
    'workbook_programme',
    {
      id: integer('id').primaryKey(),
      code: text('code').notNull(),
      version: text('version').notNull(),
      name: text('name').notNull(),
      source: text('source').notNull(),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
    },
    (t) => [unique('workbook_programme_version').on(t.code, t.version)],
  ),
  'DIRECTORY',
);

/** Its parts have ids that the loader makes of the programme's and their places. */
const part = (of: () => PgColumn) => ({
  id: integer('id').primaryKey(),
  parent: integer('parent').notNull().references(of),
  position: integer('position').notNull(),
  code: text('code').notNull(),
  name: text('name').notNull(),
});

export const workbookModule = classify(
  fsp.table(
    'workbook_module',
    part(() => workbookProgramme.id),
  ),
  'DIRECTORY',
);
export const workbookSession = classify(
  fsp.table(
    'workbook_session',
    part(() => workbookModule.id),
  ),
  'DIRECTORY',
);
/** What a session is to leave behind. */
export const workbookEvidence = classify(
  fsp.table(
    'workbook_evidence',
    part(() => workbookSession.id),
  ),
  'DIRECTORY',
);

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
      /** The session of the programme, where it was one. */
      session: integer('session').references(() => workbookSession.id),
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
const ofEntry = () => ({ ...ofWholeEntry(), person: personKey() });

/** The same of a row about nobody in particular. */
function ofWholeEntry() {
  return {
    id: id(),
    entry: key('entry').notNull(),
    family: familyKey(),
    controller: controller(),
    worker: worker(),
    keptFrom: keptFrom(),
  };
}

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
      /** How the person comes to the work: ambivalent, not ready, because obliged, asking for more. */
      engagement: text('engagement'),
      /** The day of the session. */
      observedOn: date('observed_on').notNull().default(sql`current_date`),
    },
    (t) => [
      ...withEntry('workbook_reading', t),
      index('workbook_reading_observed').on(t.observedOn, t.id),
      index('workbook_reading_course').on(t.family, t.observedOn, t.id),
      index('workbook_reading_person').on(t.person, t.behaviour, t.observedOn),
    ],
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

/** Practitioners of other disciplines who were there too: a joint home visit. */
export const workbookJoint = classify(
  fsp.table(
    'workbook_joint',
    {
      ...ofWholeEntry(),
      discipline: text('discipline').notNull(),
      name: text('name').notNull(),
      organisation: integer('organisation').references(() => organisation.id),
    },
    (t) => withEntry('workbook_joint', t),
  ),
  'WORKBOOK',
);

/** A worry raised in the moment, not kept for a meeting; at most one to an entry. */
export const workbookConcern = classify(
  fsp.table('workbook_concern', { ...ofWholeEntry(), concern: text('concern').notNull(), urgent: boolean('urgent').notNull() }, (t) => [
    ...withEntry('workbook_concern', t),
    unique('workbook_concern_once').on(t.entry),
  ]),
  'WORKBOOK',
);

/** How motivational interviewing was practised in the session; at most one to an entry. */
export const workbookMiPractice = classify(
  fsp.table(
    'workbook_mi_practice',
    {
      ...ofWholeEntry(),
      principles: text('principles').array().notNull(),
      changeTalk: integer('change_talk'),
      sustainTalk: integer('sustain_talk'),
      ownRating: integer('own_rating'),
    },
    (t) => [...withEntry('workbook_mi_practice', t), unique('workbook_mi_practice_once').on(t.entry)],
  ),
  'WORKBOOK',
);

/** What sets off a behaviour, and what the person does about it. */
export const workbookTrigger = classify(
  fsp.table('workbook_trigger', { ...ofEntry(), behaviour: text('behaviour'), sign: text('sign').notNull(), coping: text('coping') }, (t) =>
    withEntry('workbook_trigger', t),
  ),
  'WORKBOOK',
);

/** Evidence of the programme that the session left behind. */
export const workbookDelivered = classify(
  fsp.table(
    'workbook_delivered',
    {
      ...ofWholeEntry(),
      evidence: integer('evidence')
        .notNull()
        .references(() => workbookEvidence.id),
    },
    (t) => withEntry('workbook_delivered', t),
  ),
  'WORKBOOK',
);

/** What an entry said before it was amended, when, by whom and why. */
export const workbookEntryVersion = classify(
  fsp.table(
    'workbook_entry_version',
    {
      ...ofWholeEntry(),
      at: moment('at').notNull().defaultNow(),
      author: text('author').notNull(),
      reason: text('reason').notNull(),
      numbered: integer('numbered').notNull(),
      module: text('module').notNull(),
      sessionType: text('session_type').notNull(),
      narrative: text('narrative'),
    },
    (t) => withEntry('workbook_entry_version', t),
  ),
  'WORKBOOK',
);
