/** What was assessed about a child or a family: that it was, what was found, and what else was asked of specialists. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, index, integer, primaryKey, text, unique, uniqueIndex } from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { episode } from '../plan/legal.ts';
import { organisation } from '../sharing/tables.ts';
import { workbookEntry } from '../workbook/tables.ts';

/** The child; null where the whole family was assessed. */
const childKey = () => key('person').references(() => person.id);

export const assessment = classify(
  fsp.table(
    'assessment',
    {
      id: id(),
      family: familyKey(),
      person: childKey(),
      controller: controller(),
      worker: text('worker'),
      /** The episode of need that it assesses. */
      episode: key('episode').references(() => episode.id),
      /** From the code list `assessment-kind`. */
      kind: text('kind').notNull(),
      /** OPEN, COMPLETED or CANCELLED. */
      status: text('status').notNull(),
      /** The day of the referral: its clock counts from here. */
      referred: date('referred').notNull(),
      started: date('started').notNull(),
      /** The day that the completed assessment was authorised. */
      authorisedOn: date('authorised_on'),
      cancelledOn: date('cancelled_on'),
      /** The multi-disciplinary team that assesses. */
      team: integer('team').references(() => organisation.id),
      version: version(),
      ...times(),
    },
    (t) => [index('assessment_family').on(t.family, t.started, t.id), index('assessment_person').on(t.person, t.status)],
  ),
  'CASE',
);

const assessmentKey = () =>
  key('assessment')
    .notNull()
    .references(() => assessment.id);

const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);

/** What a row of an assessment's findings is of. `person` is the child that was assessed, whoever a finding is about. */
const ofAssessment = () => ({
  assessment: assessmentKey(),
  family: familyKey(),
  person: childKey(),
  controller: controller(),
  /** The persons from whom it is kept. */
  keptFrom: keptFrom(),
});

/** What a completed assessment found. The day is here too: a family's trio is read from tables of this class alone. */
export const assessmentFinding = classify(
  fsp.table(
    'assessment_finding',
    {
      ...ofAssessment(),
      id: id(),
      authorisedOn: date('authorised_on').notNull(),
      /** Null: the source of what was entered late does not say. */
      childSeen: boolean('child_seen'),
      seenAlone: boolean('seen_alone'),
      analysis: text('analysis'),
      version: version(),
      ...times(),
    },
    (t) => [unique('assessment_finding_one').on(t.assessment), index('assessment_finding_family').on(t.family, t.authorisedOn)],
  ),
  'ASSESSMENT',
);

export const assessmentOutcome = classify(
  fsp.table(
    'assessment_outcome',
    {
      ...ofAssessment(),
      id: id(),
      code: text('code').notNull(),
      withdrawn: boolean('withdrawn').notNull().default(false),
    },
    (t) => [uniqueIndex('assessment_outcome_once').on(t.assessment, t.code).where(sql`not withdrawn`)],
  ),
  'ASSESSMENT',
);

/** A factor found. `about`: whom it is about, where one person is meant. */
export const assessmentFactor = classify(
  fsp.table(
    'assessment_factor',
    {
      ...ofAssessment(),
      id: id(),
      code: text('code').notNull(),
      about: key('about').references(() => person.id),
      /** A factor that an amendment took back; what was found first stays on record. */
      withdrawn: boolean('withdrawn').notNull().default(false),
    },
    (t) => [
      uniqueIndex('assessment_factor_once').on(t.assessment, t.code).where(sql`not withdrawn`),
      index('assessment_factor_family').on(t.family),
    ],
  ),
  'ASSESSMENT',
);

/** Adverse childhood experiences of one member of the family, as told: how many, never which. */
export const assessmentAce = classify(
  fsp.table(
    'assessment_ace',
    {
      ...ofAssessment(),
      id: id(),
      about: key('about')
        .notNull()
        .references(() => person.id),
      count: integer('count').notNull(),
      withdrawn: boolean('withdrawn').notNull().default(false),
    },
    (t) => [uniqueIndex('assessment_ace_once').on(t.assessment, t.about).where(sql`not withdrawn`)],
  ),
  'ASSESSMENT',
);

/** What else is known of the family's situation. That something is not known is an answer, too. */
export const contextFact = classify(
  fsp.table(
    'context_fact',
    {
      ...ofAssessment(),
      id: id(),
      /** From the code list `context-fact`. */
      code: text('code').notNull(),
      /** YES, SOME, NO or UNKNOWN. */
      value: text('value').notNull(),
      withdrawn: boolean('withdrawn').notNull().default(false),
    },
    (t) => [uniqueIndex('context_fact_once').on(t.assessment, t.code).where(sql`not withdrawn`)],
  ),
  'ASSESSMENT',
);

/**
 * Where a trio of concerns stands: of one assessment, or (`assessment` null) of a family from what its children's latest
 * assessments found. It holds no finding: those are worked out from the factors and the mapping in force.
 */
export const trio = classify(
  fsp.table(
    'trio',
    {
      id: id(),
      family: familyKey(),
      person: childKey(),
      controller: controller(),
      assessment: key('assessment').references(() => assessment.id),
      /** ANY_IN_HOUSEHOLD or PARENT_ONLY. */
      variant: text('variant').notNull(),
    },
    (t) => [
      uniqueIndex('trio_of_assessment').on(t.assessment, t.variant).where(sql`assessment is not null`),
      uniqueIndex('trio_of_family').on(t.family, t.variant).where(sql`assessment is null`),
    ],
  ),
  'ASSESSMENT',
);

/** Which factor is which concern of the trio, from when until when. */
export const factorConcern = classify(
  fsp.table(
    'factor_concern',
    {
      factor: text('factor').notNull(),
      /** SUBSTANCE_MISUSE, DOMESTIC_ABUSE or PARENTAL_MENTAL_HEALTH. */
      concern: text('concern').notNull(),
      variant: text('variant').notNull(),
      source: text('source').notNull(),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
    },
    (t) => [primaryKey({ columns: [t.factor, t.concern, t.variant, t.validFrom] })],
  ),
  'DIRECTORY',
);

/** How much more often an adult with so many adverse childhood experiences was found to have something than one with none. */
export const aceAssociation = classify(
  fsp.table('ace_association', {
    code: text('code').primaryKey(),
    label: text('label').notNull(),
    band: text('band').notNull(),
    times: integer('times').notNull(),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);

/** Kinds of specialist assessment. `dataClass` is what its being asked for tells about a person. */
export const specialistKind = classify(
  fsp.table('specialist_kind', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    dataClass: text('data_class').$type<PersonalClass>().notNull(),
  }),
  'DIRECTORY',
);

export const specialistAssessment = classify(
  fsp.table(
    'specialist_assessment',
    {
      id: id(),
      family: familyKey(),
      person: key('person')
        .notNull()
        .references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      rowMask: key('row_mask').notNull(),
      keptFrom: keptFrom(),
      specialistKind: integer('specialist_kind')
        .notNull()
        .references(() => specialistKind.id),
      orderedOn: date('ordered_on').notNull(),
      /** Who makes it, where that is an organisation of the platform; by name where it is not. */
      assessor: integer('assessor').references(() => organisation.id),
      assessorName: text('assessor_name'),
      question: text('question'),
      receivedOn: date('received_on'),
      conclusion: text('conclusion'),
      /** The entry of the Workbook in which it is recorded. */
      entry: key('entry').references(() => workbookEntry.id),
      version: version(),
      ...times(),
    },
    (t) => [index('specialist_assessment_family').on(t.family, t.orderedOn, t.id)],
  ),
  'ASSESSMENT',
  { own: { columns: ['controller', 'assessor'] }, rowClassOf: 'specialist_kind', ownRows: true },
);
