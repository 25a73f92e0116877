/** The family at the centre: who belongs to it, where it lives, who works with it. */
import { sql } from 'drizzle-orm';
import { boolean, date, index, integer, type PgColumn, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';

/** A family's key. Whether a caller may know of it is its grant's to say; everything it says is in other tables. */
export const family = classify(
  fsp.table(
    'family',
    {
      id: id(),
      controller: integer('controller')
        .notNull()
        .references(() => organisation.id),
      /** Granted to sealed logins only. */
      restricted: boolean('restricted').notNull().default(false),
      version: version(),
      ...times(),
    },
    (t) => [index('family_restricted').on(t.id).where(sql`restricted`)],
  ),
  'STRUCTURE',
  { family: 'id' },
);

const familyKey = () =>
  key('family')
    .notNull()
    .references(() => family.id);
const personKey = () =>
  key('person')
    .notNull()
    .references(() => person.id);
const controller = () =>
  integer('controller')
    .notNull()
    .references(() => organisation.id);

export const familyName = classify(
  fsp.table(
    'family_name',
    {
      family: familyKey().primaryKey(),
      controller: controller(),
      reference: text('reference').notNull(),
      name: text('name').notNull(),
    },
    // No constraint: its refusal would tell a caller that a hidden family has the number. See fsp.match_candidate.
    (t) => [index('family_name_reference').on(t.reference), index('family_name_order').on(t.name, t.family)],
  ),
  'FAMILY',
);

export const familyStage = classify(
  fsp.table(
    'family_stage',
    {
      family: familyKey().primaryKey(),
      controller: controller(),
      stage: text('stage').notNull(),
      marac: boolean('marac').notNull().default(false),
      since: moment('since').notNull(),
    },
    (t) => [index('family_stage_stage').on(t.stage, t.family)],
  ),
  'CASE',
);

/** Who belongs to a family, as what, and when. */
const belonging = () => ({
  id: id(),
  family: familyKey(),
  person: personKey(),
  controller: controller(),
  role: text('role').notNull(),
  from: date('from'),
  until: date('until'),
  version: version(),
});
const byBoth = (name: string) => (t: { family: PgColumn; person: PgColumn }) => [
  index(`${name}_family`).on(t.family as never),
  index(`${name}_person`).on(t.person as never),
];

export const membership = classify(fsp.table('membership', belonging(), byBoth('membership')), 'FAMILY');

/** An unborn member: the membership itself is health data about the mother. */
export const unbornMembership = classify(fsp.table('unborn_membership', belonging(), byBoth('unborn_membership')), 'CLINICAL', {
  // Written by `fsp.new_member` and `fsp.record_birth` alone: who treats somebody makes nobody a member of a family.
  sealed: true,
});

export const household = classify(
  fsp.table(
    'household',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      address: text('address').notNull(),
      postcode: text('postcode').notNull(),
      uprn: text('uprn'),
      district: text('district').notNull(),
      from: date('from').notNull(),
      until: date('until'),
      version: version(),
    },
    (t) => [index('household_family').on(t.family), index('household_district').on(t.district, t.family)],
  ),
  'WHEREABOUTS',
  { people: (alias) => `(select living.person from fsp.household_member living where living.household = ${alias}.id)` },
);

export const householdMember = classify(
  fsp.table(
    'household_member',
    {
      id: id(),
      household: key('household')
        .notNull()
        .references(() => household.id),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      from: date('from').notNull(),
      until: date('until'),
      version: version(),
    },
    (t) => [index('household_member_household').on(t.household), index('household_member_person').on(t.person)],
  ),
  'WHEREABOUTS',
);

/**
 * What one member is to another: kin, parental responsibility, who protects. It is there for those who see both
 * (`other`), because to see one end of it is to know that there is another.
 */
export const relationship = classify(
  fsp.table(
    'relationship',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      other: key('other')
        .notNull()
        .references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      kind: text('kind').notNull(),
      parentalResponsibility: boolean('parental_responsibility').notNull().default(false),
      protective: boolean('protective').notNull().default(false),
      from: date('from'),
      until: date('until'),
      version: version(),
      ...times(),
    },
    (t) => [
      index('relationship_family').on(t.family, t.id),
      index('relationship_person').on(t.person),
      index('relationship_other').on(t.other),
    ],
  ),
  'FAMILY',
  { other: 'other' },
);

/**
 * Which services work with the family. A row whose organisation tells of health or abuse needs that class too
 * (`row_mask`). `person` null: with the whole family.
 */
export const involvement = classify(
  fsp.table(
    'involvement',
    {
      id: id(),
      family: familyKey(),
      person: key('person').references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      rowMask: key('row_mask').notNull().default(0),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      role: text('role').notNull(),
      practitioner: text('practitioner'),
      lead: boolean('lead').notNull().default(false),
      /** The person agreed to this organisation's involvement. */
      agreed: boolean('agreed').notNull().default(false),
      from: moment('from').notNull(),
      until: moment('until'),
    },
    (t) => [
      index('involvement_family').on(t.family),
      index('involvement_organisation').on(t.organisation, t.family),
      index('involvement_person').on(t.person),
    ],
  ),
  'INVOLVEMENT',
  { own: { columns: ['organisation', 'controller'] }, sealed: true },
);

export { controller, familyKey, personKey };

/** The month in which an organisation last met the family: all that some may know of its work. The database keeps it (`note_contact`). */
export const involvementContact = classify(
  fsp.table(
    'involvement_contact',
    {
      involvement: key('involvement')
        .primaryKey()
        .references(() => involvement.id, { onDelete: 'cascade' }),
      family: familyKey(),
      person: key('person').references(() => person.id),
      controller: controller(),
      rowMask: key('row_mask').notNull().default(0),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      /** Its first day; null: not yet. */
      month: date('month'),
    },
    (t) => [index('involvement_contact_family').on(t.family), index('involvement_contact_person').on(t.person)],
  ),
  'INVOLVEMENT',
  { own: { columns: ['organisation', 'controller'] }, sealed: true },
);
