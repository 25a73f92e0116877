/** The whole family's one plan, which joins its children's plans: goals, who does what by when, reviews. */
import { sql } from 'drizzle-orm';
import { bigint, date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { service, serviceOffer } from '../district/tables.ts';
import { controller, familyKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';

/** Keys of a row of the plan; free text may be kept from persons. */
const ofPlan = () => ({
  id: id(),
  family: familyKey(),
  controller: controller(),
  keptFrom: bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`),
  version: version(),
  ...times(),
});

export const familyPlan = classify(
  fsp.table(
    'family_plan',
    {
      ...ofPlan(),
      openedOn: date('opened_on').notNull(),
      endedOn: date('ended_on'),
      nextReviewDue: date('next_review_due'),
      /** What the family wants of it, as it was written down with them. */
      familySaid: text('family_said'),
    },
    (t) => [index('family_plan_family').on(t.family, t.openedOn, t.id)],
  ),
  'CASE',
);

const planKey = () =>
  key('family_plan')
    .notNull()
    .references(() => familyPlan.id);

export const familyGoal = classify(
  fsp.table(
    'family_goal',
    {
      ...ofPlan(),
      familyPlan: planKey(),
      /** Whom the goal is for; null: the whole family. */
      person: key('person').references(() => person.id),
      goal: text('goal').notNull(),
      reachedOn: date('reached_on'),
    },
    (t) => [index('family_goal_plan').on(t.familyPlan, t.id)],
  ),
  'CASE',
);

export const familyAction = classify(
  fsp.table(
    'family_action',
    {
      ...ofPlan(),
      goal: key('goal')
        .notNull()
        .references(() => familyGoal.id),
      /** Who does it: a member of the family, or an organisation and its practitioner. */
      person: key('person').references(() => person.id),
      organisation: integer('organisation').references(() => organisation.id),
      practitioner: text('practitioner'),
      action: text('action').notNull(),
      dueOn: date('due_on').notNull(),
      doneOn: date('done_on'),
    },
    (t) => [index('family_action_goal').on(t.goal, t.dueOn, t.id)],
  ),
  'CASE',
);

/** The service that supports an action: a part of one package of the county's and the districts' help. */
export const familyActionService = classify(
  fsp.table('family_action_service', {
    action: key('action')
      .primaryKey()
      .references(() => familyAction.id),
    family: familyKey(),
    controller: controller(),
    rowMask: key('row_mask').notNull().default(0),
    service: integer('service')
      .notNull()
      .references(() => service.id),
    offer: key('offer').references(() => serviceOffer.id),
  }),
  'OFFER',
  { rowClassOf: 'service' },
);

export const familyPlanReview = classify(
  fsp.table(
    'family_plan_review',
    {
      ...ofPlan(),
      familyPlan: planKey(),
      reviewedOn: date('reviewed_on').notNull(),
      outcome: text('outcome').notNull(),
      /** Codes of the list `attending-agency`. */
      attended: text('attended').array().notNull(),
      familySaid: text('family_said'),
    },
    (t) => [index('family_plan_review_plan').on(t.familyPlan, t.reviewedOn, t.id)],
  ),
  'CASE',
);
