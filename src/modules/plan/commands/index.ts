/** The commands of this module, each named as its mutation field. */
export * from './care.ts';
export * from './legal.ts';
export { amendPlan, endPlan, recordReview, startPlan, stepDown, stepUp } from './plans.ts';
export * from './proceedings.ts';
export * from './whole-family.ts';
