/** A child's plans and their reviews. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { workbookEntry } from '../workbook/tables.ts';

export const plan = classify(
  fsp.table(
    'plan',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      kind: text('kind').notNull(),
      status: text('status').notNull(),
      started: date('started').notNull(),
      ended: date('ended'),
      nextReviewDue: date('next_review_due'),
      /** How many child protection plans the child had before this one; null for other kinds. */
      previousPlans: integer('previous_plans'),
      version: version(),
      ...times(),
    },
    (t) => [index('plan_family').on(t.family, t.id)],
  ),
  'CASE',
);

const planKey = () =>
  key('plan')
    .notNull()
    .references(() => plan.id);

/** Why the child is on a protection plan: a finding about harm, not the plan's existence. */
export const planCategory = classify(
  fsp.table('plan_category', {
    plan: planKey().primaryKey(),
    family: familyKey(),
    person: personKey(),
    controller: controller(),
    /** The latest. */
    category: text('category').notNull(),
    /** With which the plan began; null: with the latest. */
    initial: text('initial'),
  }),
  'ASSESSMENT',
);

/** Why a plan ended. */
export const planEnd = classify(
  fsp.table('plan_end', {
    plan: planKey().primaryKey(),
    family: familyKey(),
    person: personKey(),
    controller: controller(),
    /** Code list `plan-end-reason`. */
    reason: text('reason').notNull(),
  }),
  'ASSESSMENT',
);

export const planReview = classify(
  fsp.table(
    'plan_review',
    {
      id: id(),
      plan: planKey(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      due: date('due').notNull(),
      held: date('held'),
      outcome: text('outcome'),
      /** Codes of the list `attending-agency`. */
      attended: text('attended').array().notNull().default(sql`'{}'::text[]`),
      /** Children's social care and at least two other agencies were there. */
      quorate: boolean('quorate'),
      /** Code list `review-participation`: PN0 to PN7. */
      participation: text('participation'),
      continues: boolean('continues'),
    },
    (t) => [index('plan_review_plan').on(t.plan)],
  ),
  'CASE',
);

/** A child's plan stepped up or down: from which kind to which, on which day. */
export const stepEvent = classify(
  fsp.table(
    'step_event',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      direction: text('direction').notNull(),
      from: text('from'),
      to: text('to').notNull(),
      steppedOn: date('stepped_on').notNull(),
      ended: key('ended').references(() => plan.id),
      started: key('started').references(() => plan.id),
      version: version(),
      ...times(),
    },
    (t) => [index('step_event_family').on(t.family, t.steppedOn, t.id)],
  ),
  'CASE',
);

const stepKey = () =>
  key('step')
    .notNull()
    .references(() => stepEvent.id);

/** Why it was stepped, and what was decided. */
export const stepReason = classify(
  fsp.table('step_reason', {
    step: stepKey().primaryKey(),
    family: familyKey(),
    person: personKey(),
    controller: controller(),
    keptFrom: bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`),
    /** Code list `step-reason`. */
    reason: text('reason').notNull(),
    decision: text('decision').notNull(),
  }),
  'ASSESSMENT',
);

/** The Workbook entries on which a step rests. */
export const stepEvidence = classify(
  fsp.table(
    'step_evidence',
    {
      id: id(),
      step: stepKey(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      entry: key('entry')
        .notNull()
        .references(() => workbookEntry.id),
    },
    (t) => [index('step_evidence_step').on(t.step, t.id)],
  ),
  'ASSESSMENT',
);
