/** A child's way through the law: episodes, strategy discussions, enquiries, conferences, visits. */
import { and, eq, gte, isNull } from 'drizzle-orm';
import { amend } from '../../../change/amend.ts';
import { checkCodes } from '../../../change/codes.ts';
import type { Command } from '../../../change/command.ts';
import { faults } from '../../../change/errors.ts';
import { keptFromNamed } from '../../../change/kept-from.ts';
import { keyOf, notFound, visibleRow, visibleRows } from '../../../change/visible.ts';
import type {
  CloseEpisodeInput,
  DecideStrategyDiscussionInput,
  EndSection47Input,
  OpenEpisodeInput,
  RecordConferenceInput,
  RecordStrategyDiscussionInput,
  RecordVisitInput,
  StartSection47Input,
} from '../../../graphql/generated.ts';
import { assessment } from '../../assessment/tables.ts';
import { openEpisode as opened } from '../episode.ts';
import { childIn, NEW } from '../history.ts';
import {
  conference,
  conferenceView,
  episode,
  placement,
  section47,
  section47Outcome,
  strategyDiscussion,
  strategyOutcome,
  visit,
  visitPlace,
} from '../legal.ts';
import { type History, nextVisitRule } from '../rules.ts';
import { restage } from '../stage.ts';
import { plan, planReview } from '../tables.ts';
import {
  attendance,
  beginPlan,
  childRowIn,
  command,
  done,
  endClock,
  finishPlan,
  isQuorate,
  judged,
  meetClock,
  runClock,
  write,
  writeSide,
  wrong,
} from './shared.ts';

export const openEpisode: Command = command<OpenEpisodeInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { errors, past } = faults();
  past(input.referred, now, 'referred');
  if (errors.length > 0) return { userErrors: errors };
  const made = await opened(tx, client, {
    ...child,
    on: input.referred,
    source: input.source,
    primaryNeed: input.primaryNeed ?? null,
    noFurtherAction: input.noFurtherAction ?? false,
    historical: input.historical ?? false,
  });
  if ('errors' in made) return { userErrors: made.errors.map((each) => (each.path[0] === 'on' ? { ...each, path: ['referred'] } : each)) };
  await restage(tx, child.family, now);
  return done('openEpisode', 'Episode', made.id, { family: child.family, persons: [child.person] }, ['CASE', 'ASSESSMENT'], made.warnings);
});

export const closeEpisode: Command = command<CloseEpisodeInput>(async (tx, input, client, now) => {
  const found = await childRowIn(tx, client, episode, 'Episode', 'episode', input.episode, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past } = faults();
  past(input.closed, now, 'closed');
  if (row.closedOn !== null) invalid('The episode is closed.', 'episode');
  errors.push(...(await checkCodes(tx, input.closed, [{ list: 'closure-reason', value: input.reason, path: ['reason'] }])));
  const said = await judged(
    tx,
    client,
    { person: row.person, historical: input.historical },
    (h) => ({
      ...h,
      episodes: h.episodes.map((each) => (each.id === row.id ? { ...each, closed: input.closed, reason: input.reason ?? null } : each)),
    }),
    { fields: { 8805: 'reason', 2990: 'reason', '8825Q': 'reason', 8867: 'episode', 8868: 'episode' }, otherwise: 'closed' },
  );
  errors.push(...said.errors);
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    episode,
    row.id,
    input.expectedVersion,
    { closedOn: input.closed, closureReason: input.reason ?? null },
    {
      name: 'episode',
      path: ['episode'],
    },
  );
  if (refused) return { userErrors: [refused] };
  // What was still to come in it, where the rules only warned of that.
  for (const { id } of await visibleRows(tx, assessment, and(eq(assessment.episode, row.id), eq(assessment.status, 'OPEN')), client))
    await endClock(tx, { subject: { type: 'Assessment', id }, on: input.closed });
  const enquiries = and(eq(section47.person, row.person), gte(section47.startedOn, row.referredOn), isNull(section47.conferenceOn));
  for (const { id } of await visibleRows(tx, section47, enquiries, client))
    await endClock(tx, { subject: { type: 'Section47', id }, on: input.closed });
  await restage(tx, row.family, now);
  return done('closeEpisode', 'Episode', row.id, { family: row.family, persons: [row.person] }, ['CASE'], said.warnings);
});

export const recordStrategyDiscussion: Command = command<RecordStrategyDiscussionInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  const { errors, invalid, past, text } = faults();
  past(input.held, now, 'held');
  past(input.decided, now, 'decided');
  text(input.reasons, 5_000, 'reasons');
  if ((input.decided ?? null) === null ? input.outcome : !input.outcome)
    invalid('The outcome and the day of the decision come together.', 'outcome');
  if (input.decided && input.decided < input.held) invalid('It is not decided before it is held.', 'decided');
  errors.push(...(await checkCodes(tx, input.held, [{ list: 'strategy-outcome', value: input.outcome, path: ['outcome'] }])));
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const owned = { family, person, controller: client.organisation.id };
  const id = await write(tx, strategyDiscussion, { ...owned, heldOn: input.held, decidedOn: input.decided ?? null });
  if (input.outcome)
    await tx.insert(strategyOutcome).values({ ...owned, keptFrom, discussion: id, outcome: input.outcome, reasons: input.reasons ?? null });
  await restage(tx, family, now);
  return done('recordStrategyDiscussion', 'StrategyDiscussion', id, { family, persons: [person] }, ['CASE', 'ASSESSMENT']);
});

export const decideStrategyDiscussion: Command = command<DecideStrategyDiscussionInput>(async (tx, input, client, now) => {
  const { strategyDiscussion: asked, expectedVersion } = input;
  const found = await childRowIn(tx, client, strategyDiscussion, 'StrategyDiscussion', 'strategyDiscussion', asked, expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { family, person } = row;
  const { errors, invalid, past, text } = faults();
  past(input.decided, now, 'decided');
  text(input.reasons, 5_000, 'reasons');
  if (row.decidedOn !== null) invalid('It is decided.', 'strategyDiscussion');
  if (input.decided < row.heldOn) invalid('It is not decided before it is held.', 'decided');
  errors.push(...(await checkCodes(tx, input.decided, [{ list: 'strategy-outcome', value: input.outcome, path: ['outcome'] }])));
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    strategyDiscussion,
    row.id,
    expectedVersion,
    { decidedOn: input.decided },
    {
      name: 'strategy discussion',
      path: ['strategyDiscussion'],
    },
  );
  if (refused) return { userErrors: [refused] };
  const owned = { family, person, controller: client.organisation.id };
  await tx
    .insert(strategyOutcome)
    .values({ ...owned, keptFrom, discussion: row.id, outcome: input.outcome, reasons: input.reasons ?? null });
  await restage(tx, family, now);
  return done('decideStrategyDiscussion', 'StrategyDiscussion', row.id, { family, persons: [person] }, ['CASE', 'ASSESSMENT']);
});

export const startSection47: Command = command<StartSection47Input>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  const { errors, past } = faults();
  past(input.started, now, 'started');
  const discussion = input.strategyDiscussion
    ? await visibleRow(tx, strategyDiscussion, keyOf('StrategyDiscussion', input.strategyDiscussion), client)
    : null;
  if (input.strategyDiscussion && (discussion?.family !== family || discussion.person !== person))
    errors.push(notFound('strategy discussion of this child', 'strategyDiscussion'));
  const said = await judged(
    tx,
    client,
    { person, historical: input.historical },
    (h) => ({
      ...h,
      sections47: [
        ...h.sections47,
        { id: NEW, started: input.started, ended: null, conferenceNotRequired: false, conferenceOn: null, conferenceTarget: null },
      ],
    }),
    { otherwise: 'started' },
  );
  errors.push(...said.errors);
  if (errors.length > 0) return { userErrors: errors };
  const id = await write(tx, section47, {
    family,
    person,
    controller: client.organisation.id,
    strategyDiscussion: discussion?.id ?? null,
    startedOn: input.started,
  });
  // Fifteen working days count from the strategy discussion that led to it.
  const from = discussion?.heldOn ?? input.started;
  const due = await runClock(tx, client, { rule: 'STRAT_TO_ICPC', family, person, subject: { type: 'Section47', id }, from });
  if (due) await tx.update(section47).set({ conferenceTarget: due }).where(eq(section47.id, id));
  await restage(tx, family, now);
  return done('startSection47', 'Section47', id, { family, persons: [person] }, ['CASE'], said.warnings);
});

export const endSection47: Command = command<EndSection47Input>(async (tx, input, client, now) => {
  const found = await childRowIn(tx, client, section47, 'Section47', 'section47', input.section47, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { family, person } = row;
  const { errors, invalid, past, text } = faults();
  past(input.ended, now, 'ended');
  text(input.reasons, 5_000, 'reasons');
  if (row.endedOn !== null) invalid('The enquiry has ended.', 'section47');
  if (input.ended < row.startedOn) invalid('It does not end before it begins.', 'ended');
  errors.push(...(await checkCodes(tx, input.ended, [{ list: 'section47-outcome', value: input.outcome, path: ['outcome'] }])));
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  const { conferenceNotRequired } = input;
  const said = await judged(
    tx,
    client,
    { person, historical: input.historical },
    (h) => ({
      ...h,
      sections47: h.sections47.map((each) => (each.id === row.id ? { ...each, ended: input.ended, conferenceNotRequired } : each)),
    }),
    { otherwise: 'ended' },
  );
  errors.push(...said.errors);
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    section47,
    row.id,
    input.expectedVersion,
    { endedOn: input.ended, conferenceNotRequired },
    {
      name: 'enquiry',
      path: ['section47'],
    },
  );
  if (refused) return { userErrors: [refused] };
  const owned = { family, person, controller: client.organisation.id };
  await writeSide(tx, section47Outcome, section47Outcome.enquiry, {
    ...owned,
    keptFrom,
    enquiry: row.id,
    outcome: input.outcome,
    reasons: input.reasons ?? null,
  });
  if (conferenceNotRequired) await endClock(tx, { rule: 'STRAT_TO_ICPC', subject: { type: 'Section47', id: row.id }, on: input.ended });
  await restage(tx, family, now);
  return done('endSection47', 'Section47', row.id, { family, persons: [person] }, ['CASE', 'ASSESSMENT'], said.warnings);
});

const PROTECTION = 'child-protection-plan';

export const recordConference: Command = command<RecordConferenceInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  const { errors, invalid, past, text, list } = faults();
  const { kind, held, outcome, category } = input;
  past(held, now, 'held');
  text(input.chair, 200, 'chair');
  text(input.chairsView, 5_000, 'chairsView');
  list(input.attended, 30, 'attended');
  errors.push(
    ...(await checkCodes(tx, held, [
      { list: 'conference-outcome', value: outcome, path: ['outcome'] },
      { list: 'category-of-abuse', value: category, path: ['category'] },
      ...attendance(input.attended),
    ])),
  );
  const begins = outcome === PROTECTION && kind !== 'REVIEW';
  if (outcome === PROTECTION && kind === 'REVIEW') invalid('A review lets a plan continue; it begins none.', 'outcome');
  if (!begins && category) invalid('Only a child protection plan has a category of abuse.', 'category');
  const enquiry = input.section47 ? await visibleRow(tx, section47, keyOf('Section47', input.section47), client) : null;
  if (input.section47 && (enquiry?.family !== family || enquiry.person !== person))
    errors.push(notFound('enquiry of this child', 'section47'));
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  const initial = kind !== 'REVIEW';
  const change = (h: History): History => ({
    ...h,
    conferences: [...h.conferences, { id: NEW, kind, held, target: input.target ?? null }],
    sections47: h.sections47.map((each) =>
      initial && each.id === enquiry?.id ? { ...each, conferenceOn: held, ended: each.ended ?? held } : each,
    ),
    plans: begins
      ? [
          // The child in need plan ends on the day on which the child protection plan begins.
          ...h.plans.map((each) => (each.kind === 'CHILD_IN_NEED' && each.ended === null ? { ...each, ended: held } : each)),
          { id: NEW, kind: 'CHILD_PROTECTION', started: held, ended: null, category: category ?? null },
        ]
      : h.plans,
  });
  const said = await judged(tx, client, { person, historical: input.historical }, change, {
    fields: { 8905: 'category', '8870Q': 'target', 8935: 'outcome', 8615: 'section47' },
    otherwise: 'held',
  });
  errors.push(...said.errors);
  if (errors.length > 0) return { userErrors: errors };
  const quorate = isQuorate(input.attended);
  const { warnings } = said;
  if (!quorate) warnings.push(wrong('Not quorate: children’s social care and at least two other agencies have to be there.', 'attended'));
  const owned = { family, person, controller: client.organisation.id };
  const id = await write(tx, conference, {
    ...owned,
    kind,
    section47: enquiry?.id ?? null,
    targetOn: input.target ?? enquiry?.conferenceTarget ?? null,
    heldOn: held,
    chair: input.chair,
    attended: input.attended,
    quorate,
  });
  await tx.insert(conferenceView).values({ ...owned, keptFrom, conference: id, outcome, chairsView: input.chairsView ?? null });
  if (enquiry && initial) {
    await tx
      .update(section47)
      .set({ conferenceOn: held, endedOn: enquiry.endedOn ?? held })
      .where(eq(section47.id, enquiry.id));
    await meetClock(tx, { rule: 'STRAT_TO_ICPC', subject: { type: 'Section47', id: enquiry.id }, on: held });
  }
  if (begins) {
    const open = and(eq(plan.person, person), eq(plan.kind, 'CHILD_IN_NEED'), eq(plan.status, 'OPEN'));
    for (const need of await visibleRows(tx, plan, open, client)) await finishPlan(tx, client, need, held, 'stepped-up');
    await beginPlan(tx, client, child, { kind: 'CHILD_PROTECTION', started: held, category }, said.history);
  }
  await restage(tx, family, now);
  return done('recordConference', 'Conference', id, { family, persons: [person] }, ['CASE', 'ASSESSMENT'], warnings);
});

export const recordVisit: Command = command<RecordVisitInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  const { errors, invalid, past } = faults();
  past(input.visited, now, 'visited');
  if (input.seenAlone && !input.seen) invalid('A child who was seen alone was seen.', 'seenAlone');
  errors.push(...(await checkCodes(tx, input.visited, [{ list: 'visit-place', value: input.place, path: ['place'] }])));
  const found = input.plan ? await visibleRow(tx, plan, keyOf('Plan', input.plan), client) : null;
  if (input.plan && (found?.family !== family || found.person !== person)) errors.push(notFound('plan of this child', 'plan'));
  else if (found && (found.kind !== input.kind || input.visited < found.started))
    invalid('The plan is not of this kind, or begins later.', 'plan');
  const place = input.placement ? await visibleRow(tx, placement, keyOf('Placement', input.placement), client) : null;
  if (input.placement && (place?.family !== family || place.person !== person))
    errors.push(notFound('placement of this child', 'placement'));
  else if (place && (input.kind !== 'LOOKED_AFTER' || input.visited < place.startedOn))
    invalid('A visit in a placement is one to a looked-after child, not before the placement begins.', 'placement');
  if (!input.plan && !input.placement) invalid('A visit is made under a plan or in a placement.', 'plan');
  if (errors.length > 0) return { userErrors: errors };
  const owned = { family, person, controller: client.organisation.id };
  const id = await write(tx, visit, {
    ...owned,
    kind: input.kind,
    plan: found?.id ?? null,
    placement: place?.id ?? null,
    visitedOn: input.visited,
    seen: input.seen,
    seenAlone: input.seenAlone,
    bedroomSeen: input.bedroomSeen,
    practitioner: client.userName ?? client.id,
  });
  await tx.insert(visitPlace).values({ ...owned, visit: id, place: input.place });
  // A visit to a child under protection counts when the child was seen alone; one at which nobody saw the child never does.
  const rule = PLAN_VISITS[input.kind];
  if (found && rule && (input.kind === 'CHILD_PROTECTION' ? input.seenAlone : input.seen)) {
    const subject = { type: 'Plan', id: found.id };
    await meetClock(tx, { rule, subject, on: input.visited });
    if (found.status === 'OPEN') await runClock(tx, client, { rule, family, person, subject, from: input.visited });
  }
  if (place && input.seen) {
    const subject = { type: 'Placement', id: place.id };
    const reviews = await visibleRows(tx, planReview, eq(planReview.person, person), client);
    const reviewed = reviews.some(({ held }) => held !== null && held >= place.lookedAfterSince && held <= input.visited);
    for (const rule of PLACEMENT_VISITS) await meetClock(tx, { rule, subject, on: input.visited });
    const next = nextVisitRule(place.visitRule, place.startedOn, input.visited, reviewed);
    if (place.endedOn === null) await runClock(tx, client, { rule: next, family, person, subject, from: input.visited });
  }
  return done('recordVisit', 'Visit', id, { family, persons: [person] }, ['CASE', 'WHEREABOUTS']);
});

const PLAN_VISITS: Record<string, string> = { CHILD_PROTECTION: 'CP_VISIT', CHILD_IN_NEED: 'CIN_VISIT' };

const PLACEMENT_VISITS = [
  'LAC_VISIT_FIRST',
  'LAC_VISIT_Y1',
  'LAC_VISIT_LATER',
  'LAC_VISIT_TO_18',
  'LAC_VISIT_REG19',
  'LAC_VISIT_REG19_LATER',
  'LAC_VISIT_ICO_PARENT',
  'LAC_VISIT_ICO_PARENT_LATER',
  'LAC_VISIT_REG24',
  'LAC_VISIT_REG24_LATER',
  'LAC_VISIT_CARE_ORDER_HOME',
  'LAC_VISIT_CARE_ORDER_HOME_LATER',
];
