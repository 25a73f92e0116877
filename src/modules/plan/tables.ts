/** A child's plans and their reviews. */
import { date, index, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';

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
    category: text('category').notNull(),
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
    },
    (t) => [index('plan_review_plan').on(t.plan)],
  ),
  'CASE',
);
