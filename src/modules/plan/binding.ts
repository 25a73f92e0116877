import { type Binding, byId, code, column, list, one } from '../../read/binding.ts';
import { plan, planCategory, planReview } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'Plan',
    anchor: plan,
    id: 'id',
    sides: [[planCategory, planCategory.plan]],
    event: { at: plan.started },
    fields: {
      kind: column(plan.kind),
      status: column(plan.status),
      person: one('Person', plan.person, 'person', { samePerson: true }),
      categoryOfAbuse: code('category-of-abuse', planCategory.category),
      started: column(plan.started),
      ended: column(plan.ended),
      nextReviewDue: column(plan.nextReviewDue),
      reviews: list('PlanReview', 'plan', 'id', byId, { sameFamily: true, samePerson: true }),
      family: one('Family', plan.family, 'family'),
    },
  },
  {
    type: 'PlanReview',
    anchor: planReview,
    fields: { due: column(planReview.due), held: column(planReview.held), outcome: column(planReview.outcome) },
  },
];
