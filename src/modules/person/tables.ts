/** A person's tables, one for each class of what is known about them. */
import { date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { organisation } from '../sharing/tables.ts';

const controller = () =>
  integer('controller')
    .notNull()
    .references(() => organisation.id);

/** A person's key. */
export const person = classify(fsp.table('person', { id: id(), controller: controller(), version: version(), ...times() }), 'STRUCTURE', {
  person: 'id',
});

const personKey = () =>
  key('person')
    .primaryKey()
    .references(() => person.id);
const own = { own: { columns: ['controller'] } };

export const personIdentity = classify(
  fsp.table('person_identity', {
    person: personKey(),
    controller: controller(),
    givenName: text('given_name'),
    familyName: text('family_name'),
    dateOfBirth: date('date_of_birth'),
    sex: text('sex').notNull(),
    /** Language of an interpreter, where one is needed. */
    interpreter: text('interpreter'),
    /** What meetings and letters must allow for. */
    accessNeeds: text('access_needs'),
    version: version(),
  }),
  'IDENTITY',
  own,
);

/** The expected date of an unborn child. */
export const personExpected = classify(
  fsp.table('person_expected', { person: personKey(), controller: controller(), expectedDate: date('expected_date').notNull() }),
  'CLINICAL',
  own,
);

export const personNhsNumber = classify(
  fsp.table('person_nhs_number', { person: personKey(), controller: controller(), nhsNumber: text('nhs_number').notNull() }, (t) => [
    // No constraint: its refusal would tell a caller that a hidden person has the number. See fsp.match_candidate.
    index('person_nhs_number_value').on(t.nhsNumber),
  ]),
  'NHS_NUMBER',
  own,
);

/** Unique pupil number. */
export const personUpn = classify(
  fsp.table('person_upn', { person: personKey(), controller: controller(), upn: text('upn').notNull() }, (t) => [
    index('person_upn_value').on(t.upn),
  ]),
  'UPN',
  own,
);

/** The census's code for an ethnicity that is not known yet. */
export const NOT_OBTAINED = 'NOBT';

export const personEquality = classify(
  fsp.table('person_equality', {
    person: personKey(),
    controller: controller(),
    ethnicity: text('ethnicity').notNull(),
    religion: text('religion'),
  }),
  'EQUALITY',
  own,
);

/** A disability of a person, by its code; `NONE` stands alone (CIN census rules 8790, 8794). */
export const personDisability = classify(
  fsp.table(
    'person_disability',
    {
      id: id(),
      person: key('person')
        .notNull()
        .references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      disability: text('disability').notNull(),
      since: date('since').notNull(),
      /** Recorded no longer from this day on. */
      until: date('until'),
      version: version(),
      ...times(),
    },
    (t) => [index('person_disability_person').on(t.person, t.id)],
  ),
  'EQUALITY',
  own,
);

/**
 * A family name that somebody took later. It tells where they are to who looks for them, and stands apart from the name by which
 * they were known (`person_identity`), which stays what everybody sees.
 */
export const personNewName = classify(
  fsp.table(
    'person_new_name',
    {
      id: id(),
      person: key('person')
        .notNull()
        .references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      familyName: text('family_name').notNull(),
      since: date('since').notNull(),
      /** Borne no longer from this day on. */
      until: date('until'),
      version: version(),
      ...times(),
    },
    (t) => [index('person_new_name_person').on(t.person, t.since)],
  ),
  'WHEREABOUTS',
);

/**
 * Numbers that two rows have, one of which whoever wrote the other may not have seen: for information governance, who
 * may find that they are one person or one family. Written by the database (`fsp.note_match`), read by no login.
 */
export const matchCandidate = classify(
  fsp.table('match_candidate', {
    id: id(),
    at: moment('at').notNull().defaultNow(),
    subjectTable: text('subject_table').notNull(),
    rowKey: key('row_key').notNull(),
    other: key('other').notNull(),
  }),
  'OPERATION',
);
