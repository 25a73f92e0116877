/** The front door: what partners and the public tell, what the county decides on it, what it asks of others and is asked. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, foreignKey, index, integer, type PgColumn, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, type Own, times, version } from '../../db/classified.ts';
import { controller, family } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';

const toOrganisation = (name: string) =>
  integer(name)
    .notNull()
    .references(() => organisation.id);
const worker = () => text('worker');
const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);

// ---------------------------------------------------------------------------------------------------------------------
// Between organisations: a referral and what is said back

/**
 * A row about a referral is its sender's, and the addressee's as long as it is not about a restricted family: then it is
 * the addressee's sealed login's. The sender sees no difference.
 */
const ofReferral = (sender: string, addressee: string, referral: string): Own => ({
  columns: [],
  through: (row, org) =>
    `((${row}.${sender} = ${org} and ${row}.${sender} <> ${row}.${addressee}) or (${row}.${addressee} = ${org} and fsp.referral_open(${row}.${referral})))`,
  families: (row) => `fsp.referral_families(${row}.${referral})`,
});

/** What a partner tells the county of its worry about a child. It names no family: whose it is, the county finds out. */
export const referral = classify(
  fsp.table(
    'referral',
    {
      id: id(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      /** The user who sent it. */
      worker: worker(),
      madeOn: date('made_on').notNull(),
      /** Code list `primary-need`: what the sender takes it to be. */
      need: text('need'),
      concern: text('concern').notNull(),
      familyKnows: text('family_knows').$type<FamilyKnows>().notNull(),
      agreed: boolean('agreed').notNull(),
      whyNotTold: text('why_not_told'),
      referrer: text('referrer').notNull(),
      phone: text('phone').notNull(),
      /** What the sender is told, and all that it is told: set when the county has decided. */
      status: text('status').$type<'RECEIVED' | 'DECIDED'>().notNull().default('RECEIVED'),
      outcome: text('outcome'),
      nextStep: text('next_step'),
      version: version(),
      ...times(),
    },
    (t) => [
      index('referral_sender').on(t.sender, t.madeOn, t.id),
      index('referral_addressee').on(t.addressee, t.madeOn, t.id),
      unique('referral_of_both').on(t.id, t.sender, t.addressee),
    ],
  ),
  'CASE',
  { own: ofReferral('sender', 'addressee', 'id'), writer: 'sender', acts: ['makeReferral'], amendedBy: ['addressee'] },
);

export type FamilyKnows = 'TOLD' | 'NOT_TOLD' | 'NOT_SAFE_TO_TELL';

/** Keys of what belongs to a referral: its sender and addressee are the referral's own. */
const withReferral = (name: string, t: { referral: PgColumn; sender: PgColumn; addressee: PgColumn }) =>
  foreignKey({
    name: `${name}_of_referral`,
    columns: [t.referral as never, t.sender as never, t.addressee as never],
    foreignColumns: [referral.id, referral.sender, referral.addressee],
  });

/** A child as the referral names it. */
export const referralChild = classify(
  fsp.table(
    'referral_child',
    {
      id: id(),
      referral: key('referral').notNull(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      worker: worker(),
      givenName: text('given_name').notNull(),
      familyName: text('family_name').notNull(),
      dateOfBirth: date('date_of_birth'),
    },
    (t) => [
      index('referral_child_referral').on(t.referral, t.id),
      unique('referral_child_of_both').on(t.id, t.sender, t.addressee),
      withReferral('referral_child', t),
    ],
  ),
  'IDENTITY',
  { own: ofReferral('sender', 'addressee', 'referral'), writer: 'sender', acts: ['makeReferral'], amendedBy: [] },
);

/** Where a child of a referral lives and goes to school, as told; always written beside the child. */
export const referralChildPlace = classify(
  fsp.table(
    'referral_child_place',
    {
      child: key('child').primaryKey(),
      referral: key('referral').notNull(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      worker: worker(),
      address: text('address'),
      school: text('school'),
    },
    (t) => [
      withReferral('referral_child_place', t),
      foreignKey({
        name: 'referral_child_place_of_child',
        columns: [t.child, t.sender, t.addressee],
        foreignColumns: [referralChild.id, referralChild.sender, referralChild.addressee],
      }),
    ],
  ),
  'WHEREABOUTS',
  { own: ofReferral('sender', 'addressee', 'referral'), writer: 'sender', acts: ['makeReferral'], amendedBy: [] },
);

/** What the county tells the sender of a referral: outcome and next step, never more. Never changed. */
export const referralFeedback = classify(
  fsp.table(
    'referral_feedback',
    {
      id: id(),
      referral: key('referral')
        .notNull()
        .references(() => referral.id),
      controller: controller(),
      recipient: toOrganisation('recipient'),
      /** The user who sent the referral. */
      worker: worker(),
      kind: text('kind').$type<'DECISION' | 'AFTER_ASSESSMENT'>().notNull(),
      /** Code list `contact-outcome`. */
      outcome: text('outcome').notNull(),
      nextStep: text('next_step'),
      givenOn: date('given_on').notNull(),
    },
    (t) => [unique('referral_feedback_kind').on(t.referral, t.kind)],
  ),
  'CASE',
  { own: ofReferral('recipient', 'controller', 'referral'), amendedBy: [] },
);

/** Whether the sender could use what it was told. */
export const referralFeedbackAnswer = classify(
  fsp.table(
    'referral_feedback_answer',
    {
      id: id(),
      feedback: key('feedback')
        .notNull()
        .unique()
        .references(() => referralFeedback.id),
      referral: key('referral')
        .notNull()
        .references(() => referral.id),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      worker: worker(),
      useful: boolean('useful').notNull(),
      comment: text('comment'),
      answeredOn: date('answered_on').notNull(),
    },
    (t) => [index('referral_feedback_answer_referral').on(t.referral)],
  ),
  'CASE',
  { own: ofReferral('sender', 'addressee', 'referral'), writer: 'sender', acts: ['answerFeedback'], amendedBy: [] },
);

// ---------------------------------------------------------------------------------------------------------------------
// The county's own row of what reached it

/** Whose a row about a contact is: the county's alone until it is known which family it is of. */
const ofContact = () => ({
  family: key('family').references(() => family.id),
  controller: controller(),
  worker: worker(),
  keptFrom: keptFrom(),
});
const contactKey = () =>
  key('contact')
    .notNull()
    .references(() => contact.id);

export type EarlyHelp = 'OFFERED' | 'ACCEPTED' | 'DECLINED';

/** What reached the front door, and what was decided on it. */
export const contact = classify(
  fsp.table(
    'contact',
    {
      id: id(),
      ...ofContact(),
      receivedOn: date('received_on').notNull(),
      /** Code list `contact-channel`. */
      channel: text('channel').notNull(),
      referral: key('referral')
        .unique()
        .references(() => referral.id),
      /** A referral of the same family was taken, or an episode of one of its children closed, within twelve months before. */
      repeat: boolean('repeat').notNull().default(false),
      /** Code list `contact-outcome`; null until it is decided. */
      outcome: text('outcome'),
      decidedOn: date('decided_on'),
      nextStep: text('next_step'),
      signpostedTo: text('signposted_to'),
      earlyHelp: text('early_help').$type<EarlyHelp>(),
      version: version(),
      ...times(),
    },
    (t) => [
      index('contact_family').on(t.family, t.receivedOn, t.id),
      index('contact_received').on(t.receivedOn, t.id),
      index('contact_undecided').on(t.receivedOn, t.id).where(sql`decided_on is null`),
    ],
  ),
  'CASE',
);

/**
 * Where it came from, as the census counts it. That a neighbour or a relative called is theirs to have kept: those rows
 * need INFORMANT too (`row_mask`).
 */
export const contactSource = classify(
  fsp.table(
    'contact_source',
    {
      contact: contactKey().primaryKey(),
      ...ofContact(),
      rowMask: key('row_mask').notNull().default(0),
      /** Code list `referral-source`. */
      source: text('source').notNull(),
    },
    (t) => [index('contact_source_source').on(t.source)],
  ),
  'CASE',
);

/** What the worry is, and why it was decided as it was. */
export const contactConcern = classify(
  fsp.table('contact_concern', {
    contact: contactKey().primaryKey(),
    ...ofContact(),
    concern: text('concern').notNull(),
    reason: text('reason'),
  }),
  'ASSESSMENT',
);

/** Somebody of the public who told; never shown outside the roles for it. */
export const contactInformant = classify(
  fsp.table('contact_informant', {
    contact: contactKey().primaryKey(),
    ...ofContact(),
    name: text('name'),
    phone: text('phone'),
    relation: text('relation'),
    anonymous: boolean('anonymous').notNull(),
  }),
  'INFORMANT',
);

/** A child as the contact names it, and who it is once that is known. */
export const contactChild = classify(
  fsp.table(
    'contact_child',
    {
      id: id(),
      contact: contactKey(),
      ...ofContact(),
      person: key('person').references(() => person.id),
      givenName: text('given_name').notNull(),
      familyName: text('family_name').notNull(),
      dateOfBirth: date('date_of_birth'),
    },
    (t) => [index('contact_child_contact').on(t.contact, t.id), index('contact_child_person').on(t.person)],
  ),
  'IDENTITY',
);

// ---------------------------------------------------------------------------------------------------------------------
// Information asked of an organisation

export type RequestPurpose = 'MASH' | 'STRATEGY_DISCUSSION' | 'ASSESSMENT';

/** A row about a request is the asker's and the addressee's; of a restricted family, their sealed logins'. */
const ofRequest = (asker: string, addressee: string, request: string, user: string): Own => ({
  columns: [],
  through: (row, org) => `(${org} in (${row}.${asker}, ${row}.${addressee}) and fsp.request_open(${row}.${request}))`,
  families: (row) => `fsp.request_families(${row}.${request})`,
  user,
});

/**
 * What the county asks of an organisation. The family is named for the asker's own use: it is no key of the row, because
 * whom the county asks about a family is not every partner's to know.
 */
export const informationRequest = classify(
  fsp.table(
    'information_request',
    {
      id: id(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      worker: worker(),
      /** The user who is asked, at a team or provider, where rows are given to users. */
      recipient: text('recipient'),
      aboutFamily: key('about_family'),
      contact: key('contact').references(() => contact.id),
      purpose: text('purpose').$type<RequestPurpose>().notNull(),
      question: text('question').notNull(),
      askedOn: date('asked_on').notNull(),
      dueOn: date('due_on').notNull(),
    },
    (t) => [
      index('information_request_addressee').on(t.addressee, t.dueOn, t.id),
      index('information_request_sender').on(t.sender, t.dueOn, t.id),
      index('information_request_family').on(t.aboutFamily),
      unique('information_request_of_both').on(t.id, t.sender, t.addressee),
    ],
  ),
  'CASE',
  { own: ofRequest('sender', 'addressee', 'id', 'recipient'), writer: 'sender', amendedBy: [] },
);

/** Whom a request is about, as the request names them. */
export const informationRequestPerson = classify(
  fsp.table(
    'information_request_person',
    {
      id: id(),
      request: key('request').notNull(),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      recipient: text('recipient'),
      aboutPerson: key('about_person'),
      givenName: text('given_name').notNull(),
      familyName: text('family_name').notNull(),
      dateOfBirth: date('date_of_birth'),
    },
    (t) => [
      index('information_request_person_request').on(t.request, t.id),
      foreignKey({
        name: 'information_request_person_of_request',
        columns: [t.request, t.sender, t.addressee],
        foreignColumns: [informationRequest.id, informationRequest.sender, informationRequest.addressee],
      }),
    ],
  ),
  'IDENTITY',
  { own: ofRequest('sender', 'addressee', 'request', 'recipient'), writer: 'sender', amendedBy: [] },
);

/** What the addressee answers, or why it does not. Its own row; nobody else than the two sees it. */
export const informationAnswer = classify(
  fsp.table(
    'information_answer',
    {
      id: id(),
      request: key('request')
        .notNull()
        .unique()
        .references(() => informationRequest.id),
      sender: toOrganisation('sender'),
      addressee: toOrganisation('addressee'),
      worker: worker(),
      keptFrom: keptFrom(),
      answer: text('answer'),
      /** Code list `refusal-reason`. */
      refusalReason: text('refusal_reason'),
      reason: text('reason'),
      answeredOn: date('answered_on').notNull(),
      answeredBy: text('answered_by').notNull(),
    },
    (t) => [index('information_answer_addressee').on(t.addressee)],
  ),
  'CASE',
  { own: ofRequest('sender', 'addressee', 'request', 'worker'), writer: 'sender', acts: ['answerInformationRequest'], amendedBy: [] },
);

// ---------------------------------------------------------------------------------------------------------------------
// Looking up whom to ring

/**
 * A question by an exact identifier, and what the database answered. The identifier itself is not kept: `asked` is taken
 * and emptied as the row is written (`fsp.answer_look_up`).
 */
export const lookUp = classify(
  fsp.table(
    'look_up',
    {
      id: id(),
      sender: toOrganisation('sender'),
      worker: worker(),
      identifier: text('identifier').$type<'NHS_NUMBER' | 'UPN'>().notNull(),
      asked: text('asked'),
      reason: text('reason').notNull(),
      childProtectionPlan: boolean('child_protection_plan').notNull().default(false),
      lookedAfter: boolean('looked_after').notNull().default(false),
      unbornPlan: boolean('unborn_plan').notNull().default(false),
      ring: text('ring').notNull().default(''),
      at: moment('at').notNull().defaultNow(),
    },
    (t) => [index('look_up_sender').on(t.sender)],
  ),
  'CASE',
  { own: { columns: ['sender'] }, writer: 'sender', acts: ['lookUp'], amendedBy: [] },
);

/** Who looked a family's child up, and when; written by the database with the look-up itself. */
export const lookUpReceipt = classify(
  fsp.table(
    'look_up_receipt',
    {
      id: id(),
      family: key('family')
        .notNull()
        .references(() => family.id),
      controller: controller(),
      organisation: toOrganisation('organisation'),
      at: moment('at').notNull().defaultNow(),
    },
    (t) => [index('look_up_receipt_family').on(t.family, t.id)],
  ),
  'INVOLVEMENT',
  { sealed: true },
);
