/** What people were told about their data, and what they asked of those who hold it. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, foreignKey, index, integer, jsonb, primaryKey, text, unique, uniqueIndex } from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, family, familyKey, personKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';
import type { FromEvent } from './retention.ts';

/** The persons from whom a row is kept; see SHARING, kept from. */
const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);

/** That somebody of the family was told something about their data; or that it was not safe to tell them, and why. */
export const toldFamily = classify(
  fsp.table(
    'told_family',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      notice: text('notice').notNull(),
      /** The day on which they were told, or on which it was decided not to tell them. */
      toldOn: date('told_on').notNull(),
      toldBy: text('told_by').notNull(),
      /** Null: they were not told. */
      how: text('how'),
      whyNot: text('why_not'),
      version: version(),
      ...times(),
    },
    (t) => [index('told_family_family').on(t.family, t.toldOn, t.id), unique('told_family_of_writer').on(t.id, t.family, t.controller)],
  ),
  'SHARING',
  {
    acts: ['recordToldFamily'],
    amendedBy: [],
    people: (alias) => `(select named.person from fsp.told_family_person named where named.told = ${alias}.id)`,
  },
);

/** Whom it was for. */
export const toldFamilyPerson = classify(
  fsp.table(
    'told_family_person',
    {
      id: id(),
      told: key('told').notNull(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
    },
    (t) => [
      index('told_family_person_told').on(t.told, t.id),
      index('told_family_person_person').on(t.person),
      // Of its family and its writer, so that nobody hangs one on a row that is not theirs.
      foreignKey({
        name: 'told_family_person_of_told',
        columns: [t.told, t.family, t.controller],
        foreignColumns: [toldFamily.id, toldFamily.family, toldFamily.controller],
      }),
    ],
  ),
  'SHARING',
  { acts: ['recordToldFamily'], amendedBy: [] },
);

/**
 * A request for one's own data, or a child's, or somebody's for whom one speaks. What was gathered for it stands in the tables
 * below, sealed: written by the database (`fsp.gather_subject_access`), and read under its purpose alone.
 */
export const subjectAccess = classify(
  fsp.table(
    'subject_access',
    {
      id: id(),
      person: personKey(),
      controller: controller(),
      requester: text('requester').$type<'SELF' | 'PARENT' | 'REPRESENTATIVE'>().notNull(),
      requesterPerson: key('requester_person').references(() => person.id),
      requesterName: text('requester_name'),
      receivedOn: date('received_on').notNull(),
      identityOn: date('identity_on'),
      dueOn: date('due_on'),
      extendedOn: date('extended_on'),
      extensionReason: text('extension_reason'),
      /** The families that it was gathered from: who does not see them all does not see what was gathered. */
      families: bigint('families', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`),
      preparedAt: moment('prepared_at'),
      preparedBy: text('prepared_by'),
      /** The user's subject: the same user does not sign. */
      preparedUser: text('prepared_user'),
      opinion: text('opinion').$type<'NO_SERIOUS_HARM' | 'SERIOUS_HARM'>(),
      opinionBy: text('opinion_by'),
      opinionOn: date('opinion_on'),
      signedAt: moment('signed_at'),
      signedBy: text('signed_by'),
      sentOn: date('sent_on'),
      sentHow: text('sent_how'),
      closedOn: date('closed_on'),
      closedAs: text('closed_as').$type<'WITHDRAWN' | 'REFUSED'>(),
      closureReason: text('closure_reason'),
      version: version(),
      ...times(),
    },
    (t) => [index('subject_access_received').on(t.receivedOn, t.id), index('subject_access_person').on(t.person)],
  ),
  'OPERATION',
);

/** What every row of a gathering says of itself. */
const gathered = () => ({
  id: id(),
  request: key('request')
    .notNull()
    .references(() => subjectAccess.id),
  person: personKey(),
  controller: controller(),
});

const SEALED = { sealed: true, purposes: ['SUBJECT_ACCESS'] as const };

/** One table's part of what was gathered. */
export const subjectAccessSection = classify(
  fsp.table(
    'subject_access_section',
    { ...gathered(), source: text('source').notNull(), noun: text('noun').notNull(), dataClass: text('data_class').notNull() },
    (t) => [unique('subject_access_section_once').on(t.request, t.source)],
  ),
  'OPERATION',
  SEALED,
);

const section = () =>
  key('section')
    .notNull()
    .references(() => subjectAccessSection.id);

export type ItemStatus = 'INCLUDED' | 'REVIEW' | 'AWAITS_OPINION' | 'EXCLUDED';

/** One row about the person, as it was when it was gathered. */
export const subjectAccessItem = classify(
  fsp.table(
    'subject_access_item',
    {
      ...gathered(),
      section: section(),
      sourceKey: text('source_key').notNull(),
      /** About others, too: somebody has to read it before it goes out. */
      several: boolean('several').notNull(),
      status: text('status').$type<ItemStatus>().notNull(),
      exemption: text('exemption'),
      reason: text('reason'),
      decidedBy: text('decided_by'),
      decidedAt: moment('decided_at'),
    },
    (t) => [index('subject_access_item_section').on(t.section, t.id), index('subject_access_item_request').on(t.request, t.status)],
  ),
  'OPERATION',
  SEALED,
);

/** One value of it. What names others is held back until somebody says otherwise. */
export const subjectAccessField = classify(
  fsp.table(
    'subject_access_field',
    {
      ...gathered(),
      item: key('item')
        .notNull()
        .references(() => subjectAccessItem.id),
      name: text('name').notNull(),
      value: text('value').notNull(),
      held: boolean('held').notNull(),
    },
    (t) => [index('subject_access_field_item').on(t.item, t.id), index('subject_access_field_request').on(t.request)],
  ),
  'OPERATION',
  SEALED,
);

/** That something of a section was left out, and why; never how much. */
export const subjectAccessExclusion = classify(
  fsp.table('subject_access_exclusion', { ...gathered(), section: section(), exemption: text('exemption').notNull() }, (t) => [
    unique('subject_access_exclusion_once').on(t.section, t.exemption),
    index('subject_access_exclusion_request').on(t.request),
  ]),
  'OPERATION',
  SEALED,
);

/** Tells another organisation that somebody asked for their data, of which it controls its own part. */
export const subjectAccessNotice = classify(
  fsp.table(
    'subject_access_notice',
    {
      id: id(),
      /** A number to speak of it by: the request itself is its county's. */
      request: bigint('request', { mode: 'number' }).notNull(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      assigned: integer('assigned')
        .notNull()
        .references(() => organisation.id),
      askedOn: date('asked_on').notNull(),
      ...times(),
    },
    (t) => [
      unique('subject_access_notice_once').on(t.request, t.assigned),
      index('subject_access_notice_family').on(t.family),
      index('subject_access_notice_person').on(t.person),
      index('subject_access_notice_assigned').on(t.assigned, t.askedOn, t.id),
    ],
  ),
  'SHARING',
  { sealed: true, own: { columns: ['controller', 'assigned'], user: 'worker', unassigned: true } },
);

/** That somebody asked to have a fact put right, or objects to what is done with their data; and what was decided. */
export const rightsRequest = classify(
  fsp.table(
    'rights_request',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      kind: text('kind').$type<'RECTIFICATION' | 'OBJECTION'>().notNull(),
      /** Of a rectification: the fact, as the type and key of its row, and its version when it was disputed. */
      subjectType: text('subject_type'),
      subjectId: key('subject_id'),
      subjectVersion: integer('subject_version'),
      /** Of an objection: what kind of data it is about. */
      dataClass: text('data_class').$type<PersonalClass>(),
      statement: text('statement').notNull(),
      askedOn: date('asked_on').notNull(),
      outcome: text('outcome').$type<'CORRECTED' | 'COMPLETED' | 'UPHELD' | 'REFUSED'>(),
      reason: text('reason'),
      decidedOn: date('decided_on'),
      decidedBy: text('decided_by'),
      version: version(),
      ...times(),
    },
    (t) => [
      index('rights_request_family').on(t.family, t.askedOn, t.id),
      index('rights_request_person').on(t.person),
      index('rights_request_subject').on(t.subjectType, t.subjectId),
    ],
  ),
  'SHARING',
);

/** Data of one kind about a person that is stored, and used for nothing but legal claims and the protection of others. */
export const processingRestriction = classify(
  fsp.table(
    'processing_restriction',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      dataClass: text('data_class').$type<PersonalClass>().notNull(),
      ground: text('ground').notNull(),
      reason: text('reason').notNull(),
      from: date('from').notNull(),
      liftedOn: date('lifted_on'),
      liftedBy: text('lifted_by'),
      liftedFor: text('lifted_for'),
      /** The decisions of the ledger by which it is withheld. */
      decisions: bigint('decisions', { mode: 'number' }).array().notNull(),
      version: version(),
      ...times(),
    },
    (t) => [index('processing_restriction_family').on(t.family, t.id), index('processing_restriction_person').on(t.person)],
  ),
  'SHARING',
);

/** How long a kind of record is kept, from which event, and who says so. */
export const retentionRule = classify(
  fsp.table(
    'retention_rule',
    {
      code: text('code').notNull(),
      version: text('version').notNull(),
      name: text('name').notNull(),
      /** Null: it is decided in each case. */
      years: integer('years'),
      fromEvent: text('from_event').$type<FromEvent>().notNull(),
      status: text('status').$type<'verified' | 'authority'>().notNull(),
      source: text('source').notNull(),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
    },
    (t) => [primaryKey({ columns: [t.code, t.version] })],
  ),
  'DIRECTORY',
);

/** Nothing of a family, or (null) of anybody, is erased while it stands: an inquiry, a claim. */
export const retentionHold = classify(
  fsp.table(
    'retention_hold',
    {
      id: id(),
      family: key('family').references(() => family.id),
      controller: controller(),
      cause: text('cause').notNull(),
      reason: text('reason').notNull(),
      placedOn: date('placed_on').notNull(),
      placedBy: text('placed_by').notNull(),
      liftedOn: date('lifted_on'),
      liftedBy: text('lifted_by'),
      liftedFor: text('lifted_for'),
      version: version(),
      ...times(),
    },
    (t) => [index('retention_hold_family').on(t.family)],
  ),
  'OPERATION',
);

/** That a family's record is due to be erased, by which rule; and what a second person said to it. Goes with the record itself. */
export const erasureProposal = classify(
  fsp.table(
    'erasure_proposal',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      rule: text('rule').notNull(),
      ruleVersion: text('rule_version').notNull(),
      dueOn: date('due_on').notNull(),
      reason: text('reason'),
      proposedOn: date('proposed_on').notNull(),
      proposedBy: text('proposed_by').notNull(),
      /** The user's subject; null: the job proposed it. */
      proposedUser: text('proposed_user'),
      status: text('status').$type<'PROPOSED' | 'APPROVED' | 'REJECTED'>().notNull(),
      decidedOn: date('decided_on'),
      decidedBy: text('decided_by'),
      decidedFor: text('decided_for'),
      version: version(),
      ...times(),
    },
    (t) => [
      index('erasure_proposal_due').on(t.dueOn, t.id),
      uniqueIndex('erasure_proposal_open').on(t.family).where(sql`status <> 'REJECTED'`),
      foreignKey({
        name: 'erasure_proposal_of_rule',
        columns: [t.rule, t.ruleVersion],
        foreignColumns: [retentionRule.code, retentionRule.version],
      }),
    ],
  ),
  'OPERATION',
);

/** That a record was erased: of what kind, how many rows, by which rule, who approved it. It says nothing of anybody. */
export const erasure = classify(
  fsp.table(
    'erasure',
    {
      id: id(),
      controller: controller(),
      /** The number of the proposal, which went with the record. */
      proposal: bigint('proposal', { mode: 'number' }).notNull(),
      rule: text('rule').notNull(),
      ruleVersion: text('rule_version').notNull(),
      dueOn: date('due_on').notNull(),
      approvedBy: text('approved_by').notNull(),
      approvedOn: date('approved_on').notNull(),
      erasedAt: moment('erased_at').notNull().defaultNow(),
      rows: integer('rows').notNull(),
      /** Rows by table. */
      tables: jsonb('tables').notNull(),
    },
    (t) => [index('erasure_erased').on(t.erasedAt, t.id), unique('erasure_of_proposal').on(t.proposal)],
  ),
  'OPERATION',
  { sealed: true },
);
