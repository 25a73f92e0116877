/** Looked-after children: placements, time with parents and relatives, the way back home. */
import { and, eq, isNull } from 'drizzle-orm';
import { amend } from '../../../change/amend.ts';
import { checkCodes } from '../../../change/codes.ts';
import type { Command } from '../../../change/command.ts';
import { faults } from '../../../change/errors.ts';
import { keptFromNamed } from '../../../change/kept-from.ts';
import { notFound, visibleRows } from '../../../change/visible.ts';
import type {
  ArrangeContactInput,
  CompleteReturnHomeInput,
  EndContactArrangementInput,
  EndPlacementInput,
  MoveReturnStageInput,
  PlanReturnHomeInput,
  StartPlacementInput,
} from '../../../graphql/generated.ts';
import { district } from '../../district/tables.ts';
import { contactArrangement, contactPlace, returnHome, returnStage } from '../care.ts';
import { childIn, personsIn } from '../history.ts';
import { placement, placementPlace } from '../legal.ts';
import { VISIT_RULES } from '../rules.ts';
import { oneAtATime, restage } from '../stage.ts';
import { childRowIn, command, done, endClock, runClock, write } from './shared.ts';

export const startPlacement: Command = command<StartPlacementInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  await oneAtATime(tx, 'person', person);
  const { errors, invalid, past, text } = faults();
  past(input.started, now, 'started');
  text(input.address, 300, 'address');
  text(input.postcode, 10, 'postcode');
  errors.push(
    ...(await checkCodes(tx, input.started, [
      { list: 'legal-status', value: input.legalStatus, path: ['legalStatus'] },
      { list: 'placement-type', value: input.placementType, path: ['placementType'] },
      { list: 'placement-change-reason', value: input.changeReason, path: ['changeReason'] },
    ])),
  );
  const [carer] = await personsIn(tx, client, family, [{ id: input.carer, path: ['carer'] }], errors);
  if (carer === person) invalid('A child is not its own carer.', 'carer');
  if (input.district) {
    const [known] = await tx.select({ code: district.code }).from(district).where(eq(district.code, input.district));
    if (!known) errors.push(notFound('district', 'district'));
  }
  const [before] = await visibleRows(tx, placement, and(eq(placement.person, person), isNull(placement.endedOn)), client);
  if (before && !input.changeReason) invalid('The child has a placement; a change of it has a reason.', 'changeReason');
  if (before && input.started < before.startedOn) invalid('The placement before it began later.', 'started');
  if (errors.length > 0) return { userErrors: errors };
  if (before) {
    // SSDA903: one episode ends and the next begins on the same day.
    const ended = { endedOn: input.started, endReason: 'X1', changeReason: input.changeReason ?? null };
    await tx.update(placement).set(ended).where(eq(placement.id, before.id));
    await endClock(tx, { subject: { type: 'Placement', id: before.id }, on: input.started });
  }
  const owned = { family, person, controller: client.organisation.id };
  const lookedAfterSince = before?.lookedAfterSince ?? input.started;
  const id = await write(tx, placement, {
    ...owned,
    legalStatus: input.legalStatus,
    placementType: input.placementType,
    visitRule: input.visitRule,
    startedOn: input.started,
    lookedAfterSince,
  });
  if (carer || input.address || input.postcode || input.district)
    await tx.insert(placementPlace).values({
      ...owned,
      placement: id,
      carer: carer ?? null,
      address: input.address ?? null,
      postcode: input.postcode ?? null,
      district: input.district ?? null,
    });
  const subject = { type: 'Placement', id };
  const first = VISIT_RULES[input.visitRule ?? 'STANDARD']?.first ?? 'LAC_VISIT_FIRST';
  await runClock(tx, client, { rule: first, family, person, subject, from: input.started });
  await restage(tx, family, now);
  return done('startPlacement', 'Placement', id, { family, persons: [person] }, ['CASE', 'WHEREABOUTS']);
});

export const endPlacement: Command = command<EndPlacementInput>(async (tx, input, client, now) => {
  const found = await childRowIn(tx, client, placement, 'Placement', 'placement', input.placement, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past } = faults();
  past(input.ended, now, 'ended');
  if (row.endedOn !== null) invalid('The placement has ended.', 'placement');
  if (input.ended < row.startedOn) invalid('It does not end before it begins.', 'ended');
  if (input.reason === 'X1') invalid('X1 stands where another placement begins: start that one.', 'reason');
  errors.push(...(await checkCodes(tx, input.ended, [{ list: 'care-end-reason', value: input.reason, path: ['reason'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const set = { endedOn: input.ended, endReason: input.reason };
  const refused = await amend(tx, client, placement, row.id, input.expectedVersion, set, { name: 'placement', path: ['placement'] });
  if (refused) return { userErrors: [refused] };
  await endClock(tx, { subject: { type: 'Placement', id: row.id }, on: input.ended });
  await restage(tx, row.family, now);
  return done('endPlacement', 'Placement', row.id, { family: row.family, persons: [row.person] }, ['CASE']);
});

export const arrangeContact: Command = command<ArrangeContactInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  const { errors, invalid, text } = faults();
  text(input.frequency, 200, 'frequency');
  text(input.venue, 300, 'venue');
  const [other] = await personsIn(tx, client, family, [{ id: input.with, path: ['with'] }], errors);
  if (other === person) invalid('With somebody else than the child.', 'with');
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0 || !other) return { userErrors: errors };
  const owned = { family, person, controller: client.organisation.id, keptFrom };
  const id = await write(tx, contactArrangement, {
    ...owned,
    with: other,
    mode: input.mode,
    supervision: input.supervision,
    outOfHome: input.outOfHome,
    frequency: input.frequency,
    startedOn: input.started,
  });
  if (input.venue) await tx.insert(contactPlace).values({ ...owned, arrangement: id, venue: input.venue });
  return done('arrangeContact', 'ContactArrangement', id, { family, persons: [person, other] }, ['CASE', 'WHEREABOUTS']);
});

export const endContactArrangement: Command = command<EndContactArrangementInput>(async (tx, input, client) => {
  const { contactArrangement: asked, expectedVersion } = input;
  const found = await childRowIn(tx, client, contactArrangement, 'ContactArrangement', 'contactArrangement', asked, expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid } = faults();
  if (row.endedOn !== null) invalid('It has ended.', 'contactArrangement');
  if (input.ended < row.startedOn) invalid('It does not end before it begins.', 'ended');
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'contact arrangement', path: ['contactArrangement'] };
  const refused = await amend(tx, client, contactArrangement, row.id, expectedVersion, { endedOn: input.ended }, what);
  if (refused) return { userErrors: [refused] };
  return done('endContactArrangement', 'ContactArrangement', row.id, { family: row.family, persons: [row.person, row.with] }, ['CASE']);
});

export const planReturnHome: Command = command<PlanReturnHomeInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  await oneAtATime(tx, 'person', person);
  const { errors, invalid, past, text, list } = faults();
  past(input.decided, now, 'decided');
  list(input.stages, 20, 'stages');
  if (input.stages.length === 0) invalid('A gradual return has at least one stage.', 'stages');
  let last = input.decided;
  for (const [i, stage] of input.stages.entries()) {
    text(stage.what, 2_000, 'stages', i, 'what');
    if (stage.starts < last) invalid('Stages follow one another, none before the decision.', 'stages', i, 'starts');
    if (stage.until && stage.until < stage.starts) invalid('It does not end before it begins.', 'stages', i, 'until');
    last = stage.until ?? stage.starts;
  }
  const open = and(eq(returnHome.person, person), isNull(returnHome.completedOn), isNull(returnHome.abandonedOn));
  if ((await visibleRows(tx, returnHome, open, client)).length > 0) invalid('A return home is under way for the child.', 'person');
  const named = input.stages.map(({ protector }, i) => ({ id: protector, path: ['stages', i, 'protector'] }));
  const protectors = await personsIn(tx, client, family, named, errors);
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const owned = { family, person, controller: client.organisation.id, keptFrom };
  const id = await write(tx, returnHome, { ...owned, decidedOn: input.decided });
  for (const [i, stage] of input.stages.entries())
    await write(tx, returnStage, {
      ...owned,
      returnHome: id,
      what: stage.what,
      startsOn: stage.starts,
      until: stage.until ?? null,
      reviewOn: stage.reviewOn ?? null,
      protector: protectors[i] ?? null,
    });
  return done('planReturnHome', 'ReturnHome', id, { family, persons: [person] }, ['CASE']);
});

export const moveReturnStage: Command = command<MoveReturnStageInput>(async (tx, input, client) => {
  const found = await childRowIn(tx, client, returnStage, 'ReturnStage', 'returnStage', input.returnStage, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const set = { until: input.until ?? row.until, reviewOn: input.reviewOn ?? row.reviewOn };
  const { errors, invalid } = faults();
  if (set.until !== null && set.until < row.startsOn) invalid('It does not end before it begins.', 'until');
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'stage', path: ['returnStage'] };
  const refused = await amend(tx, client, returnStage, row.id, input.expectedVersion, set, what);
  if (refused) return { userErrors: [refused] };
  return done('moveReturnStage', 'ReturnStage', row.id, { family: row.family, persons: [row.person] }, ['CASE']);
});

export const completeReturnHome: Command = command<CompleteReturnHomeInput>(async (tx, input, client, now) => {
  const found = await childRowIn(tx, client, returnHome, 'ReturnHome', 'returnHome', input.returnHome, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past } = faults();
  past(input.completed, now, 'completed');
  past(input.abandoned, now, 'abandoned');
  if (row.completedOn !== null || row.abandonedOn !== null) invalid('It is over.', 'returnHome');
  if (Boolean(input.completed) === Boolean(input.abandoned)) invalid('Either the child is home, or the return was given up.', 'completed');
  if ((input.completed ?? input.abandoned ?? row.decidedOn) < row.decidedOn) invalid('It is not over before it was decided.', 'completed');
  if (errors.length > 0) return { userErrors: errors };
  const set = { completedOn: input.completed ?? null, abandonedOn: input.abandoned ?? null };
  const refused = await amend(tx, client, returnHome, row.id, input.expectedVersion, set, { name: 'return home', path: ['returnHome'] });
  if (refused) return { userErrors: [refused] };
  return done('completeReturnHome', 'ReturnHome', row.id, { family: row.family, persons: [row.person] }, ['CASE']);
});
