/** Home and school: what a council knows of a family's tenancy, and a school of a child's attendance. */
import { boolean, date, index, integer, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';

export const housingSituation = classify(
  fsp.table(
    'housing_situation',
    {
      id: id(),
      family: familyKey(),
      /** Whose tenancy or application it is; null: the whole family's. */
      person: key('person').references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      tenure: text('tenure').notNull(),
      duty: text('duty').notNull(),
      dutyAccepted: date('duty_accepted'),
      /** Whole pounds. */
      arrears: integer('arrears'),
      atRisk: boolean('at_risk').notNull(),
      from: date('from').notNull(),
      until: date('until'),
      note: text('note'),
      version: version(),
      ...times(),
    },
    (t) => [index('housing_situation_family').on(t.family, t.id)],
  ),
  'HOUSING',
);

export const schoolRecord = classify(
  fsp.table(
    'school_record',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      /** As the school names it: `2025-26 autumn`. */
      term: text('term').notNull(),
      possibleSessions: integer('possible_sessions').notNull(),
      attendedSessions: integer('attended_sessions').notNull(),
      exclusion: text('exclusion').notNull(),
      excludedDays: integer('excluded_days').notNull().default(0),
      version: version(),
      ...times(),
    },
    (t) => [index('school_record_family').on(t.family, t.id), unique('school_record_term').on(t.controller, t.family, t.person, t.term)],
  ),
  'EDUCATION',
);
