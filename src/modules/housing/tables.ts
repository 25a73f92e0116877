/**
 * Housing sought without a name: what a council reads before the county has accepted an offer of its, and what it reads then.
 *
 * Nothing in a row that the council reads joins it to a family: no key, no user, no moment, no words of the county's. Ids are drawn.
 */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, foreignKey, index, integer, type PgColumn, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, key, type Own, type Standing, standing, version } from '../../db/classified.ts';
import { service } from '../district/tables.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';

/** 48 bits that nobody can guess or count, exact in a double. `fsp.stamp` draws anew for what a login writes. */
export const drawn = () =>
  bigint('id', { mode: 'number' })
    .primaryKey()
    .default(sql`(('x' || left(replace(gen_random_uuid()::text, '-', ''), 12))::bit(48)::bigint)`);

const toOrganisation = (name: string) =>
  integer(name)
    .notNull()
    .references(() => organisation.id);

/** The county's side is its sealed login's where the family is restricted; the council sees no difference. */
const ofNeed = (county: string, council: string, need: string): Own => ({
  columns: [],
  through: (row, org) => `(${row}.${council} = ${org} or (${row}.${county} = ${org} and fsp.housing_open(${row}.${need})))`,
  families: (row) => `fsp.housing_families(${row}.${need})`,
});

/** Either of the two says how it stands; what the other has written is not theirs to change. */
const AMENDED = ['status', 'reason'];

export type NeedStatus = 'OPEN' | 'ACCEPTED' | 'WITHDRAWN' | 'ENDED';

/** A need profile, as one council is shown it. Which of its make-up and area is said follows from how many it could be (`fsp.housing_profile`). */
export const housingNeed = classify(
  fsp.table(
    'housing_need',
    {
      id: drawn(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      /** Code list `housing-need`. */
      need: text('need').notNull(),
      /** Code list `housing-within`: how soon. */
      within: text('within').notNull(),
      adults: integer('adults'),
      children: integer('children'),
      aged0To4: integer('aged_0_4'),
      aged5To10: integer('aged_5_10'),
      aged11To15: integer('aged_11_15'),
      aged16To17: integer('aged_16_17'),
      /** A postcode area (`OX16`), a district's ONS code; null: somewhere in the county. */
      area: text('area'),
      /** The Monday of the week in which it was asked: the day would tell more. */
      week: date('week').notNull(),
      status: text('status').$type<NeedStatus>().notNull().default('OPEN'),
      /** Code list `offer-reason`: why the county asks no longer. */
      reason: text('reason'),
      version: version(),
    },
    (t) => [
      index('housing_need_addressee').on(t.addressee, t.week, t.id),
      index('housing_need_sender').on(t.sender, t.week, t.id),
      unique('housing_need_of_both').on(t.id, t.sender, t.addressee),
    ],
  ),
  'OFFER',
  {
    own: ofNeed('sender', 'addressee', 'id'),
    writer: 'sender',
    acts: ['askForHousing'],
    amendingActs: ['closeHousingNeed'],
    amendedBy: ['sender'],
    amendedColumns: AMENDED,
    blind: true,
  },
);

/** Whose need it is: the county's alone, before an offer is accepted and after. */
export const housingOrigin = classify(
  fsp.table(
    'housing_origin',
    {
      need: key('need')
        .primaryKey()
        .references(() => housingNeed.id),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
    },
    (t) => [index('housing_origin_family').on(t.family), index('housing_origin_person').on(t.person)],
  ),
  'OFFER',
  { ownOnly: true, acts: ['askForHousing'], amendedBy: [] },
);

export type AnswerStatus = 'OFFERED' | 'WAITING' | 'DECLINED' | 'ACCEPTED' | 'REFUSED' | 'TAKEN_UP' | 'WITHDRAWN' | 'ENDED';

/** Keys of what belongs to a need: its county and its council are the need's own. */
const withNeed = (name: string, t: { need: PgColumn }, county: PgColumn, council: PgColumn) =>
  foreignKey({
    name: `${name}_of_need`,
    columns: [t.need as never, county as never, council as never],
    foreignColumns: [housingNeed.id, housingNeed.sender, housingNeed.addressee],
  });

/** What a council answers: an offer, that there will be one, or that there is none. */
export const housingAnswer = classify(
  fsp.table(
    'housing_answer',
    {
      id: drawn(),
      need: key('need').notNull(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      /** The user of the desk who answers. */
      worker: text('worker'),
      status: text('status').$type<AnswerStatus>().notNull(),
      /** Code list `housing-offer`; null: none is made. */
      kind: text('kind'),
      service: integer('service').references(() => service.id),
      bedrooms: integer('bedrooms'),
      availableFrom: date('available_from'),
      heldUntil: date('held_until'),
      note: text('note'),
      /** Code list `offer-reason`. */
      reason: text('reason'),
      answeredOn: date('answered_on').notNull(),
      version: version(),
    },
    (t) => [
      index('housing_answer_need').on(t.need, t.id),
      unique('housing_answer_of_both').on(t.id, t.need, t.sender, t.addressee),
      withNeed('housing_answer', t, t.addressee, t.sender),
    ],
  ),
  'OFFER',
  {
    own: ofNeed('addressee', 'sender', 'need'),
    writer: 'sender',
    acts: ['answerHousingNeed'],
    amendingActs: ['acceptHousingOffer', 'refuseHousingOffer', 'recordHousingAnswer'],
    amendedBy: ['sender', 'addressee'],
    amendedColumns: AMENDED,
  },
);

/** Who it is: written when the county has accepted an offer and the person agrees to be named to this council. Never changed. */
export const housingIntroduction = classify(
  fsp.table(
    'housing_introduction',
    {
      answer: key('answer').primaryKey(),
      need: key('need').notNull().unique(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      aboutFamily: key('about_family').notNull(),
      aboutPerson: key('about_person').notNull(),
      /** The person's involvement with the council that it opened, and that ends with it. */
      involvement: key('involvement').notNull(),
      agreedOn: date('agreed_on').notNull(),
      contactAgreed: boolean('contact_agreed').notNull(),
      introducedOn: date('introduced_on').notNull(),
    },
    (t) => [
      foreignKey({
        name: 'housing_introduction_of_answer',
        columns: [t.answer, t.need, t.addressee, t.sender],
        foreignColumns: [housingAnswer.id, housingAnswer.need, housingAnswer.sender, housingAnswer.addressee],
      }),
    ],
  ),
  'OFFER',
  { own: ofNeed('sender', 'addressee', 'need'), writer: 'sender', acts: ['acceptHousingOffer'], amendedBy: [] },
);

export type ReferralStatus = 'SENT' | 'ACCEPTED' | 'WAITING' | 'TAKEN_UP' | 'DECLINED' | 'ENDED' | 'WITHDRAWN';

/** A row of a referral is its council's, and the county's as above. */
const ofReferral = (referral: string): Own => ({
  columns: [],
  through: (row, org) => `(${row}.addressee = ${org} or (${row}.sender = ${org} and fsp.housing_referral_open(${row}.${referral})))`,
  families: (row) => `fsp.housing_referral_families(${row}.${referral})`,
});

/** States after which nothing follows. */
export const OVER: readonly ReferralStatus[] = ['DECLINED', 'ENDED', 'WITHDRAWN'];

/** What stands beside a referral and is the county's alone. */
const ofSender: Own = {
  ...ofReferral('referral'),
  through: (row, org) => `(${row}.sender = ${org} and fsp.housing_referral_open(${row}.referral))`,
};

const WHILE_IT_STANDS: Standing = { column: 'addressee', table: 'housing_referral', key: 'referral', over: OVER };

const ofContact: Own = {
  ...ofSender,
  standing: WHILE_IT_STANDS,
  through: (row, org) => `(${standing(WHILE_IT_STANDS, row, org)} or ${ofSender.through?.(row, org)})`,
};

/** What the county tells a council under the duty to refer: with the person's consent, and to the council that the person chose. */
export const housingReferral = classify(
  fsp.table(
    'housing_referral',
    {
      id: drawn(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      worker: text('worker'),
      aboutFamily: key('about_family').notNull(),
      aboutPerson: key('about_person').notNull(),
      opinion: text('opinion').$type<'HOMELESS' | 'THREATENED'>().notNull(),
      madeOn: date('made_on').notNull(),
      /** The person's consent: when, and how it was given (code list `told-how`). Null: it was made without, on the ground below. */
      consentedOn: date('consented_on'),
      consentedHow: text('consented_how'),
      /** Code list `sharing-gateway`. */
      gateway: text('gateway').notNull(),
      /** The person's involvement with the council that it opened, and that ends with it. */
      involvement: key('involvement').notNull(),
      status: text('status').$type<ReferralStatus>().notNull(),
      /** Code list `offer-reason`. */
      reason: text('reason'),
      version: version(),
    },
    (t) => [
      index('housing_referral_addressee').on(t.addressee, t.madeOn, t.id),
      index('housing_referral_sender').on(t.sender, t.madeOn, t.id),
      index('housing_referral_family').on(t.aboutFamily),
      unique('housing_referral_of_both').on(t.id, t.sender, t.addressee),
      unique('housing_referral_of_sender').on(t.id, t.sender),
    ],
  ),
  'OFFER',
  {
    own: ofReferral('id'),
    writer: 'sender',
    acts: ['referForHousing'],
    amendingActs: ['answerHousingReferral', 'withdrawHousingReferral'],
    amendedBy: ['sender', 'addressee'],
    amendedColumns: AMENDED,
  },
);

/** How the person agreed to be reached: the council's as long as the referral stands. */
export const housingReferralContact = classify(
  fsp.table(
    'housing_referral_contact',
    {
      referral: key('referral').primaryKey(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      contact: text('contact').notNull(),
    },
    (t) => [
      foreignKey({
        name: 'housing_referral_contact_of_referral',
        columns: [t.referral, t.sender, t.addressee],
        foreignColumns: [housingReferral.id, housingReferral.sender, housingReferral.addressee],
      }),
    ],
  ),
  'WHEREABOUTS',
  { own: ofContact, writer: 'sender', acts: ['referForHousing'], amendedBy: [] },
);

/** Why somebody is referred who did not agree: for the county's own record. The council reads the ground, and not this. */
export const housingReferralWhy = classify(
  fsp.table(
    'housing_referral_why',
    {
      referral: key('referral').primaryKey(),
      sender: toOrganisation('sender'),
      whyWithout: text('why_without').notNull(),
    },
    (t) => [
      foreignKey({
        name: 'housing_referral_why_of_referral',
        columns: [t.referral, t.sender],
        foreignColumns: [housingReferral.id, housingReferral.sender],
      }),
    ],
  ),
  'OFFER',
  { own: ofSender, writer: 'sender', acts: ['referForHousing'], amendedBy: [] },
);
