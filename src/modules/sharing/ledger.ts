/** What decides who sees a family: written by the database's own functions alone (src/access/sharing.sql), each with its reason. */
import { bigint, date, index, integer, text } from 'drizzle-orm/pg-core';
import type { Agency } from '../../access/classes.ts';
import { classify, fsp, id, key, moment } from '../../db/classified.ts';
import { organisation } from './tables.ts';

const ofFamily = () => key('family').notNull();
const ofOrganisation = (name: string) =>
  integer(name)
    .notNull()
    .references(() => organisation.id);

/**
 * The ledger of decisions to share and not to share. Append-only: its end, by being withdrawn or with the event that its bundle
 * belongs to, is all that is ever set later, and by the database's own functions alone (drizzle/access.sql, `decide`).
 */
export const sharingDecision = classify(
  fsp.table(
    'sharing_decision',
    {
      id: id(),
      family: ofFamily(),
      /** Null: the decision is about the whole family. */
      person: key('person'),
      controller: ofOrganisation('controller'),
      worker: text('worker'),
      dataClasses: text('data_classes').array().notNull(),
      /** The data classes' bits as a mask. */
      mask: bigint('mask', { mode: 'bigint' }).notNull(),
      effect: text('effect').$type<'SHARE' | 'WITHHOLD'>().notNull(),
      /** The named set of classes that was chosen; it ends when the family is no longer at its stages. */
      bundle: text('bundle'),
      /** To one organisation, or (null) to every organisation of `agency`. */
      organisation: integer('organisation').references(() => organisation.id),
      agency: text('agency').$type<Agency>(),
      gateway: text('gateway').notNull(),
      /** Whether sharing would harm the child more than not sharing. */
      harm: text('harm'),
      /** What the family was told of it, or why not. */
      told: text('told'),
      reason: text('reason').notNull(),
      decidedBy: text('decided_by').notNull(),
      from: moment('from').notNull(),
      until: moment('until'),
      withdrawnAt: moment('withdrawn_at'),
      withdrawnBy: text('withdrawn_by'),
      withdrawnFor: text('withdrawn_for'),
      agreementVersion: text('agreement_version').notNull(),
    },
    (t) => [index('sharing_decision_family').on(t.family), index('sharing_decision_person').on(t.person)],
  ),
  'SHARING',
  { sealed: true },
);

/** What was told of a family by other means than this platform: a court's order, a statutory notice. */
export const disclosureElsewhere = classify(
  fsp.table(
    'disclosure_elsewhere',
    {
      id: id(),
      family: ofFamily(),
      person: key('person'),
      controller: ofOrganisation('controller'),
      worker: text('worker'),
      recipient: text('recipient').notNull(),
      dataClasses: text('data_classes').array().notNull(),
      gateway: text('gateway').notNull(),
      what: text('what').notNull(),
      reason: text('reason').notNull(),
      disclosedOn: date('disclosed_on').notNull(),
      disclosedBy: text('disclosed_by').notNull(),
    },
    (t) => [index('disclosure_elsewhere_family').on(t.family)],
  ),
  'SHARING',
  { acts: ['recordDisclosureElsewhere'], amendedBy: [] },
);

/** Somebody whose whereabouts may put them in danger: nobody learns them but those named as working with this very person. */
export const whereaboutsProtection = classify(
  fsp.table(
    'whereabouts_protection',
    {
      id: id(),
      family: ofFamily(),
      person: key('person').notNull(),
      controller: ofOrganisation('controller'),
      worker: text('worker'),
      reason: text('reason').notNull(),
      from: moment('from').notNull(),
      until: moment('until'),
      endedFor: text('ended_for'),
    },
    (t) => [index('whereabouts_protection_family').on(t.family), index('whereabouts_protection_person').on(t.person)],
  ),
  'SHARING',
  { sealed: true },
);

/** A family that is not there for an organisation but for its named users; of the county's own, for nobody else at all. */
export const familyRestriction = classify(
  fsp.table(
    'family_restriction',
    {
      id: id(),
      family: ofFamily(),
      controller: ofOrganisation('controller'),
      worker: text('worker'),
      /** The partner for whom alone it is restricted; null: everywhere. */
      organisation: integer('organisation').references(() => organisation.id),
      cause: text('cause').notNull(),
      reason: text('reason').notNull(),
      from: moment('from').notNull(),
      until: moment('until'),
      liftedFor: text('lifted_for'),
    },
    (t) => [index('family_restriction_family').on(t.family)],
  ),
  'SHARING',
  { sealed: true },
);

/** An organisation's own user who must not see a family: a relative, a neighbour, a party to its case. */
export const conflictOfInterest = classify(
  fsp.table(
    'conflict_of_interest',
    {
      id: id(),
      family: ofFamily(),
      controller: ofOrganisation('controller'),
      subject: text('subject').notNull(),
      reason: text('reason').notNull(),
      from: moment('from').notNull(),
      until: moment('until'),
    },
    (t) => [index('conflict_of_interest_family').on(t.family)],
  ),
  'SHARING',
  { sealed: true },
);

/** A family opened in an emergency, for the user who asked, for a time; and what a second person made of it. */
export const emergencyAccess = classify(
  fsp.table(
    'emergency_access',
    {
      id: id(),
      family: ofFamily(),
      controller: ofOrganisation('controller'),
      worker: text('worker').notNull(),
      dataClasses: text('data_classes').array().notNull(),
      mask: bigint('mask', { mode: 'bigint' }).notNull(),
      reasonCode: text('reason_code').notNull(),
      reason: text('reason').notNull(),
      from: moment('from').notNull(),
      until: moment('until').notNull(),
      reviewedAt: moment('reviewed_at'),
      reviewedBy: text('reviewed_by'),
      finding: text('finding'),
      findings: text('findings'),
    },
    (t) => [index('emergency_access_family').on(t.family)],
  ),
  'SHARING',
  { sealed: true },
);
