/** A person's tables, one for each class of what is known about them. */
import { date, integer, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
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
    unique('person_nhs_number_value').on(t.nhsNumber),
  ]),
  'NHS_NUMBER',
  own,
);

/** Unique pupil number. */
export const personUpn = classify(
  fsp.table('person_upn', { person: personKey(), controller: controller(), upn: text('upn').notNull() }, (t) => [
    unique('person_upn_value').on(t.upn),
  ]),
  'UPN',
  own,
);

export const personEquality = classify(
  fsp.table('person_equality', { person: personKey(), controller: controller(), ethnicity: text('ethnicity').notNull() }),
  'EQUALITY',
  own,
);
