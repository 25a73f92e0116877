/** The whole family's one plan. */
import { and, eq, isNull } from 'drizzle-orm';
import { maskOf } from '../../../access/classes.ts';
import { amend } from '../../../change/amend.ts';
import { checkCodes } from '../../../change/codes.ts';
import type { Command } from '../../../change/command.ts';
import { faults } from '../../../change/errors.ts';
import { keptFromNamed } from '../../../change/kept-from.ts';
import { familyVisible, keyOf, notFound, visibleRow, visibleRows } from '../../../change/visible.ts';
import type {
  AddActionInput,
  AddGoalInput,
  CompleteActionInput,
  EndFamilyPlanInput,
  OpenFamilyPlanInput,
  ReachGoalInput,
  ReviewFamilyPlanInput,
} from '../../../graphql/generated.ts';
import { service, serviceOffer, serviceOfferLink } from '../../district/tables.ts';
import { organisation } from '../../sharing/tables.ts';
import { familyAction, familyActionService, familyGoal, familyPlan, familyPlanReview } from '../family-plan.ts';
import { personsIn } from '../history.ts';
import { oneAtATime } from '../stage.ts';
import { attendance, command, done, endClock, familyRowIn, meetClock, rowIn, runClock, write } from './shared.ts';

const LONGEST = 5_000;

export const openFamilyPlan: Command = command<OpenFamilyPlanInput>(async (tx, input, client, now) => {
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  await oneAtATime(tx, 'family', family);
  const { errors, invalid, past, text } = faults();
  past(input.opened, now, 'opened');
  text(input.familySaid, LONGEST, 'familySaid');
  const open = await visibleRows(tx, familyPlan, and(eq(familyPlan.family, family), isNull(familyPlan.endedOn)), client);
  if (open.length > 0) invalid('The family has a plan that is open.', 'family');
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const id = await write(tx, familyPlan, {
    family,
    controller: client.organisation.id,
    keptFrom,
    openedOn: input.opened,
    familySaid: input.familySaid ?? null,
    nextReviewDue: input.nextReviewDue ?? null,
  });
  const due = await runClock(tx, client, { rule: 'FAMILY_PLAN_REVIEW', family, subject: { type: 'FamilyPlan', id }, from: input.opened });
  if (due && !input.nextReviewDue) await tx.update(familyPlan).set({ nextReviewDue: due }).where(eq(familyPlan.id, id));
  return done('openFamilyPlan', 'FamilyPlan', id, { family, persons: [] }, ['CASE']);
});

export const endFamilyPlan: Command = command<EndFamilyPlanInput>(async (tx, input, client, now) => {
  const found = await familyRowIn(tx, client, familyPlan, 'FamilyPlan', 'familyPlan', input.familyPlan, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past } = faults();
  past(input.ended, now, 'ended');
  if (row.endedOn !== null) invalid('The plan has ended.', 'familyPlan');
  if (input.ended < row.openedOn) invalid('It does not end before it begins.', 'ended');
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'family plan', path: ['familyPlan'] };
  const refused = await amend(tx, client, familyPlan, row.id, input.expectedVersion, { endedOn: input.ended, nextReviewDue: null }, what);
  if (refused) return { userErrors: [refused] };
  await endClock(tx, { subject: { type: 'FamilyPlan', id: row.id }, on: input.ended });
  return done('endFamilyPlan', 'FamilyPlan', row.id, { family: row.family, persons: [] }, ['CASE']);
});

export const addGoal: Command = command<AddGoalInput>(async (tx, input, client) => {
  const found = await rowIn(tx, client, familyPlan, 'FamilyPlan', 'familyPlan', input.familyPlan);
  if ('userErrors' in found) return found;
  const { family, id: of, endedOn } = found.row;
  const { errors, invalid, text } = faults();
  if (endedOn !== null) invalid('The plan has ended.', 'familyPlan');
  text(input.goal, LONGEST, 'goal');
  const [person] = await personsIn(tx, client, family, [{ id: input.person, path: ['person'] }], errors);
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const owned = { family, controller: client.organisation.id, keptFrom: [...new Set([...found.row.keptFrom, ...keptFrom])] };
  const id = await write(tx, familyGoal, { ...owned, familyPlan: of, person: person ?? null, goal: input.goal });
  return done('addGoal', 'FamilyGoal', id, { family, persons: person ? [person] : [] }, ['CASE']);
});

export const reachGoal: Command = command<ReachGoalInput>(async (tx, input, client, now) => {
  const found = await familyRowIn(tx, client, familyGoal, 'FamilyGoal', 'goal', input.goal, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, past } = faults();
  past(input.reached, now, 'reached');
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    familyGoal,
    row.id,
    input.expectedVersion,
    { reachedOn: input.reached },
    { name: 'goal', path: ['goal'] },
  );
  if (refused) return { userErrors: [refused] };
  return done('reachGoal', 'FamilyGoal', row.id, { family: row.family, persons: row.person ? [row.person] : [] }, ['CASE']);
});

export const addAction: Command = command<AddActionInput>(async (tx, input, client) => {
  const found = await rowIn(tx, client, familyGoal, 'FamilyGoal', 'goal', input.goal);
  if ('userErrors' in found) return found;
  const { family, id: goal } = found.row;
  const { errors, invalid, text } = faults();
  text(input.action, LONGEST, 'action');
  text(input.practitioner, 200, 'practitioner');
  if (Boolean(input.person) === Boolean(input.organisation)) invalid('Either a member of the family or an organisation does it.', 'person');
  if (input.practitioner && !input.organisation) invalid('A practitioner works for an organisation.', 'practitioner');
  const [person] = await personsIn(tx, client, family, [{ id: input.person, path: ['person'] }], errors);
  const org = input.organisation ? keyOf('Organisation', input.organisation) : null;
  if (input.organisation) {
    const [known] = org === null ? [] : await tx.select({ id: organisation.id }).from(organisation).where(eq(organisation.id, org));
    if (!known) errors.push(notFound('organisation', 'organisation'));
  }
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  const offer = input.offer ? await visibleRow(tx, serviceOffer, keyOf('ServiceOffer', input.offer), client) : null;
  if (input.offer && offer?.family !== family) errors.push(notFound('offer to this family', 'offer'));
  const [link] = offer ? await visibleRows(tx, serviceOfferLink, eq(serviceOfferLink.offer, offer.id), client) : [];
  const asked = input.service ? keyOf('Service', input.service) : (link?.service ?? null);
  const [supports] = asked === null ? [] : await tx.select().from(service).where(eq(service.id, asked));
  if (input.service && !supports) errors.push(notFound('service', 'service'));
  if (offer && link && supports && link.service !== supports.id) invalid('The offer is of another service.', 'service');
  if (offer && !supports) errors.push(notFound('service of the offer', 'offer'));
  if (errors.length > 0) return { userErrors: errors };
  const owned = { family, controller: client.organisation.id };
  const id = await write(tx, familyAction, {
    ...owned,
    keptFrom: [...new Set([...found.row.keptFrom, ...keptFrom])],
    goal,
    person: person ?? null,
    organisation: org,
    practitioner: input.practitioner ?? null,
    action: input.action,
    dueOn: input.due,
  });
  if (supports)
    await tx.insert(familyActionService).values({
      ...owned,
      action: id,
      service: supports.id,
      offer: offer?.id ?? null,
      rowMask: Number(maskOf([supports.dataClass])),
    });
  return done('addAction', 'FamilyAction', id, { family, persons: person ? [person] : [] }, supports ? ['CASE', 'OFFER'] : ['CASE']);
});

export const completeAction: Command = command<CompleteActionInput>(async (tx, input, client, now) => {
  const found = await familyRowIn(tx, client, familyAction, 'FamilyAction', 'action', input.action, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past } = faults();
  past(input.done, now, 'done');
  if (row.doneOn !== null) invalid('It is done.', 'action');
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    familyAction,
    row.id,
    input.expectedVersion,
    { doneOn: input.done },
    { name: 'action', path: ['action'] },
  );
  if (refused) return { userErrors: [refused] };
  return done('completeAction', 'FamilyAction', row.id, { family: row.family, persons: row.person ? [row.person] : [] }, ['CASE']);
});

export const reviewFamilyPlan: Command = command<ReviewFamilyPlanInput>(async (tx, input, client, now) => {
  const found = await familyRowIn(tx, client, familyPlan, 'FamilyPlan', 'familyPlan', input.familyPlan, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { family } = row;
  const { errors, invalid, past, text, list } = faults();
  past(input.reviewed, now, 'reviewed');
  text(input.outcome, LONGEST, 'outcome');
  text(input.familySaid, LONGEST, 'familySaid');
  list(input.attended, 30, 'attended');
  if (row.endedOn !== null) invalid('The plan has ended.', 'familyPlan');
  if (input.reviewed < row.openedOn) invalid('It is not reviewed before it begins.', 'reviewed');
  errors.push(...(await checkCodes(tx, input.reviewed, attendance(input.attended))));
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const subject = { type: 'FamilyPlan', id: row.id };
  await meetClock(tx, { rule: 'FAMILY_PLAN_REVIEW', subject, on: input.reviewed });
  const due = await runClock(tx, client, { rule: 'FAMILY_PLAN_REVIEW', family, subject, from: input.reviewed });
  const what = { name: 'family plan', path: ['familyPlan'] };
  const refused = await amend(tx, client, familyPlan, row.id, input.expectedVersion, { nextReviewDue: input.nextReviewDue ?? due }, what);
  if (refused) return { userErrors: [refused] };
  await write(tx, familyPlanReview, {
    family,
    controller: client.organisation.id,
    keptFrom,
    familyPlan: row.id,
    reviewedOn: input.reviewed,
    outcome: input.outcome,
    attended: input.attended,
    familySaid: input.familySaid ?? null,
  });
  return done('reviewFamilyPlan', 'FamilyPlan', row.id, { family, persons: [] }, ['CASE']);
});
