/** Starting, reviewing and ending a child's plans; stepping up and down. */

import { eq } from 'drizzle-orm';
import { amend } from '../../../change/amend.ts';
import { checkCodes } from '../../../change/codes.ts';
import type { Command } from '../../../change/command.ts';
import { faults } from '../../../change/errors.ts';
import { keptFromNamed } from '../../../change/kept-from.ts';
import { keyOf, notFound, visibleRow, visibleRows } from '../../../change/visible.ts';
import type {
  AmendPlanInput,
  EndPlanInput,
  RecordReviewInput,
  StartPlanInput,
  StepDownInput,
  StepUpInput,
} from '../../../graphql/generated.ts';
import { today } from '../../clock/calendar.ts';
import { workbookEntry } from '../../workbook/tables.ts';
import { childIn, NEW } from '../history.ts';
import { direction, type History, nextReviewRule, type PlanFact } from '../rules.ts';
import { restage } from '../stage.ts';
import { plan, planCategory, planReview, stepEvent, stepEvidence, stepReason } from '../tables.ts';
import {
  attendance,
  beginPlan,
  childRowIn,
  command,
  done,
  finishPlan,
  type In,
  isQuorate,
  judged,
  meetClock,
  planFaults,
  runClock,
  write,
  wrong,
} from './shared.ts';

const withPlan = (h: History, given: Omit<PlanFact, 'id' | 'ended'>): History => ({
  ...h,
  plans: [...h.plans, { id: NEW, ended: null, ...given, category: given.category ?? null }],
});
const withoutPlan = (h: History, id: number, ended: string): History => ({
  ...h,
  plans: h.plans.map((each) => (each.id === id ? { ...each, ended } : each)),
});

/** Fields of the inputs in which the rules of the census find fault, by rule. */
const START_FIELDS = { 8905: 'category' };

export const startPlan: Command = command<StartPlanInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { kind, started, category } = input;
  const { errors, past } = faults();
  past(started, now, 'started');
  errors.push(...(await planFaults(tx, input)));
  const said = await judged(
    tx,
    client,
    { person: child.person, historical: input.historical },
    (h) => withPlan(h, { kind, started, category }),
    {
      fields: START_FIELDS,
      otherwise: 'started',
    },
  );
  errors.push(...said.errors);
  if (said.history.plans.some((each) => each.kind === kind && each.ended === null) && !['CHILD_IN_NEED', 'CHILD_PROTECTION'].includes(kind))
    errors.push(wrong('The child has an open plan of this kind.', 'kind'));
  if (errors.length > 0) return { userErrors: errors };
  const id = await beginPlan(tx, client, child, input, said.history);
  await restage(tx, child.family, now);
  return done(
    'startPlan',
    'Plan',
    id,
    { family: child.family, persons: [child.person] },
    category ? ['CASE', 'ASSESSMENT'] : ['CASE'],
    said.warnings,
  );
});

export const amendPlan: Command = command<AmendPlanInput>(async (tx, input, client, now) => {
  const found = await childRowIn(tx, client, plan, 'Plan', 'plan', input.plan, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid } = faults();
  if (row.status !== 'OPEN') invalid('The plan has ended.', 'plan');
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'category-of-abuse', value: input.category, path: ['category'] }])));
  if (input.category && row.kind !== 'CHILD_PROTECTION') invalid('Only a child protection plan has a category of abuse.', 'category');
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    plan,
    row.id,
    input.expectedVersion,
    { nextReviewDue: input.nextReviewDue ?? row.nextReviewDue },
    {
      name: 'plan',
      path: ['plan'],
    },
  );
  if (refused) return { userErrors: [refused] };
  if (input.category) {
    const { rowCount } = await tx.update(planCategory).set({ category: input.category }).where(eq(planCategory.plan, row.id));
    if (rowCount === 0) {
      const owned = { family: row.family, person: row.person, controller: client.organisation.id };
      await tx.insert(planCategory).values({ ...owned, plan: row.id, category: input.category, initial: input.category });
    }
  }
  return done(
    'amendPlan',
    'Plan',
    row.id,
    { family: row.family, persons: [row.person] },
    input.category ? ['CASE', 'ASSESSMENT'] : ['CASE'],
  );
});

export const endPlan: Command = command<EndPlanInput>(async (tx, input, client, now) => {
  const found = await childRowIn(tx, client, plan, 'Plan', 'plan', input.plan, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past } = faults();
  past(input.ended, now, 'ended');
  if (row.status !== 'OPEN') invalid('The plan has ended.', 'plan');
  if (input.ended < row.started && !['CHILD_IN_NEED', 'CHILD_PROTECTION'].includes(row.kind))
    invalid('A plan does not end before it begins.', 'ended');
  errors.push(...(await checkCodes(tx, input.ended, [{ list: 'plan-end-reason', value: input.reason, path: ['reason'] }])));
  const said = await judged(tx, client, { person: row.person, historical: input.historical }, (h) => withoutPlan(h, row.id, input.ended), {
    otherwise: 'ended',
  });
  errors.push(...said.errors);
  if (errors.length > 0) return { userErrors: errors };
  await finishPlan(tx, client, row, input.ended, input.reason);
  await restage(tx, row.family, now);
  return done('endPlan', 'Plan', row.id, { family: row.family, persons: [row.person] }, ['CASE', 'ASSESSMENT'], said.warnings);
});

export const recordReview: Command = command<RecordReviewInput>(async (tx, input, client, now) => {
  const found = await childRowIn(tx, client, plan, 'Plan', 'plan', input.plan, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past, text, list } = faults();
  past(input.held, now, 'held');
  text(input.outcome, 200, 'outcome');
  list(input.attended, 30, 'attended');
  if (row.status !== 'OPEN' && !input.historical) invalid('The plan has ended.', 'plan');
  errors.push(
    ...(await checkCodes(tx, input.held, [
      { list: 'review-participation', value: input.participation, path: ['participation'] },
      { list: 'review-outcome', value: input.outcome, path: ['outcome'] },
      ...attendance(input.attended),
    ])),
  );
  const said = await judged(
    tx,
    client,
    { person: row.person, historical: input.historical },
    (h) => ({ ...h, reviews: [...h.reviews, { plan: row.id, held: input.held }] }),
    { otherwise: 'held' },
  );
  errors.push(...said.errors);
  if (errors.length > 0) return { userErrors: errors };
  const quorate = isQuorate(input.attended);
  const { warnings } = said;
  if (!quorate && row.kind === 'CHILD_PROTECTION')
    warnings.push(wrong('Not quorate: children’s social care and at least two other agencies have to be there.', 'attended'));
  const held = (await visibleRows(tx, planReview, eq(planReview.plan, row.id), client)).filter((each) => each.held !== null);
  const subject = { type: 'Plan', id: row.id };
  const before = nextReviewRule(row.kind, held.length);
  if (before) await meetClock(tx, { rule: before, subject, on: input.held });
  const next = nextReviewRule(row.kind, held.length + 1);
  const due =
    next && input.continues
      ? await runClock(tx, client, { rule: next, family: row.family, person: row.person, subject, from: input.held })
      : null;
  const set = { nextReviewDue: input.continues ? (input.nextReviewDue ?? due ?? null) : null };
  const refused = await amend(tx, client, plan, row.id, input.expectedVersion, set, { name: 'plan', path: ['plan'] });
  if (refused) return { userErrors: [refused] };
  await tx.insert(planReview).values({
    plan: row.id,
    family: row.family,
    person: row.person,
    controller: client.organisation.id,
    due: row.nextReviewDue ?? input.held,
    held: input.held,
    outcome: input.outcome,
    attended: input.attended,
    quorate,
    participation: input.participation,
    continues: input.continues,
  });
  return done('recordReview', 'Plan', row.id, { family: row.family, persons: [row.person] }, ['CASE'], warnings);
});

/** One plan ends and the other begins on the same day: both or neither. */
const step =
  (way: 'UP' | 'DOWN', action: 'stepUp' | 'stepDown') =>
  async (...[tx, input, client, now]: Parameters<Parameters<typeof command<StepUpInput | StepDownInput>>[0]>) => {
    const child = await childIn(tx, client, input as In<StepUpInput>, now);
    if ('userErrors' in child) return child;
    const { family, person } = child;
    const { errors, invalid, past, text, list } = faults();
    past(input.on, now, 'on');
    text(input.decision, 5_000, 'decision');
    list(input.evidence, 50, 'evidence');
    if (input.evidence.length === 0) invalid('A step rests on at least one Workbook entry.', 'evidence');
    let from: typeof plan.$inferSelect | null = null;
    if (input.plan) {
      const found = await childRowIn(tx, client, plan, 'Plan', 'plan', input.plan, input.expectedVersion ?? -1);
      if ('userErrors' in found) return found;
      from = found.row;
      if (from.family !== family || from.person !== person) return { userErrors: [notFound('plan', 'plan')] };
      if (from.status !== 'OPEN') invalid('The plan has ended.', 'plan');
    }
    if (direction(from?.kind ?? null, input.to) !== way)
      invalid(`From ${from?.kind ?? 'no plan'} to ${input.to} is no step ${way.toLowerCase()}.`, 'to');
    errors.push(
      ...(await planFaults(tx, { kind: input.to, started: input.on, category: input.category })),
      ...(await checkCodes(tx, input.on, [{ list: 'step-reason', value: input.reason, path: ['reason'] }])),
    );
    const evidence: number[] = [];
    for (const [i, id] of input.evidence.entries()) {
      const entry = await visibleRow(tx, workbookEntry, keyOf('WorkbookEntry', id), client);
      if (entry?.family === family) evidence.push(entry.id);
      else errors.push(notFound('entry of this family', 'evidence', String(i)));
    }
    const kept = await keptFromNamed(tx, family, input.keptFrom, errors);
    const said = await judged(
      tx,
      client,
      { person, historical: input.historical },
      (h) => withPlan(from ? withoutPlan(h, from.id, input.on) : h, { kind: input.to, started: input.on, category: input.category }),
      { fields: { ...START_FIELDS, 4001: 'plan' }, otherwise: 'on' },
    );
    errors.push(...said.errors);
    if (errors.length > 0) return { userErrors: errors };
    if (from) await finishPlan(tx, client, from, input.on, way === 'UP' ? 'stepped-up' : 'stepped-down');
    const started = await beginPlan(tx, client, child, { ...input, kind: input.to, started: input.on }, said.history);
    const owned = { family, person, controller: client.organisation.id };
    const id = await write(tx, stepEvent, {
      ...owned,
      direction: way,
      from: from?.kind ?? null,
      to: input.to,
      steppedOn: input.on,
      ended: from?.id ?? null,
      started,
    });
    await tx.insert(stepReason).values({ ...owned, step: id, keptFrom: kept, reason: input.reason, decision: input.decision });
    await tx.insert(stepEvidence).values(evidence.map((entry) => ({ ...owned, step: id, entry })));
    await restage(tx, family, now);
    return done(action, 'StepEvent', id, { family, persons: [person] }, ['CASE', 'ASSESSMENT'], said.warnings);
  };

export const stepUp: Command = command<StepUpInput>(step('UP', 'stepUp'));
export const stepDown: Command = command<StepDownInput>(step('DOWN', 'stepDown'));
