/** Before the court: pre-proceedings, the application, family group decision making; and MARAC. */

import { and, eq, isNull } from 'drizzle-orm';
import { amend } from '../../../change/amend.ts';
import { checkCodes } from '../../../change/codes.ts';
import type { Command } from '../../../change/command.ts';
import { faults } from '../../../change/errors.ts';
import { bornKeptFrom, keptFromNamed, together } from '../../../change/kept-from.ts';
import { familyVisible, keyOf, notFound, visibleRow, visibleRows } from '../../../change/visible.ts';
import type {
  AskPreparatoryAssessmentInput,
  CloseMaracInput,
  OfferFamilyGroupInput,
  OpenMaracInput,
  ReceivePreparatoryAssessmentInput,
  RecordCourtApplicationInput,
  RecordFamilyGroupInput,
  RecordPreProceedingsInput,
  StartPreProceedingsInput,
} from '../../../graphql/generated.ts';
import { today } from '../../clock/calendar.ts';
import { membership } from '../../family/tables.ts';
import { organisation } from '../../sharing/tables.ts';
import { childIn, NEW } from '../history.ts';
import {
  familyGroup,
  marac,
  maracContent,
  preProceedings,
  preProceedingsCourt,
  preProceedingsOutcome,
  preparatoryAssessment,
} from '../legal.ts';
import type { PreProceedingsFact } from '../rules.ts';
import { oneAtATime, restage } from '../stage.ts';
import { childRowIn, command, done, endClock, familyRowIn, judged, meetClock, rowIn, runClock, write, writeSide } from './shared.ts';

/** Which field of the inputs holds what a rule of module 5 speaks of. */
const MODULE_5 = {
  9006: 'letterSent',
  9007: 'familyGroupOffered',
  9008: 'firstMeeting',
  9009: 'stepDecision',
  '9010Q': 'familyGroupFacilitated',
  9012: 'applied',
  9013: 'letterSent',
  '9015Q': 'reviewMeetings',
};

const NOTHING_YET: PreProceedingsFact = {
  id: NEW,
  started: '',
  letterSent: null,
  fgdmOffered: null,
  fgdmFacilitated: null,
  firstMeeting: null,
  reviewMeetings: null,
  stepDecision: null,
  outcome: null,
  courtApplied: null,
  courtLetter: null,
};

export const startPreProceedings: Command = command<StartPreProceedingsInput>(async (tx, input, client, now) => {
  const child = await childIn(tx, client, input, now);
  if ('userErrors' in child) return child;
  const { family, person } = child;
  const { errors, invalid, past } = faults();
  past(input.started, now, 'started');
  const said = await judged(
    tx,
    client,
    { person, historical: input.historical },
    (h) => ({ ...h, preProceedings: [...h.preProceedings, { ...NOTHING_YET, started: input.started }] }),
    { otherwise: 'started' },
  );
  errors.push(...said.errors);
  const open = and(eq(preProceedings.person, person), isNull(preProceedings.endedOn));
  if ((await visibleRows(tx, preProceedings, open, client)).length > 0) invalid('Pre-proceedings are open for the child.', 'person');
  if (errors.length > 0) return { userErrors: errors };
  const id = await write(tx, preProceedings, { family, person, controller: client.organisation.id, startedOn: input.started });
  const subject = { type: 'PreProceedings', id };
  for (const rule of ['PRE_PROCEEDINGS', 'PRE_PROCEEDINGS_LETTER'])
    await runClock(tx, client, { rule, family, person, subject, from: input.started });
  await restage(tx, family, now);
  return done('startPreProceedings', 'PreProceedings', id, { family, persons: [person] }, ['CASE'], said.warnings);
});

export const recordPreProceedings: Command = command<RecordPreProceedingsInput>(async (tx, input, client, now) => {
  const found = await childRowIn(
    tx,
    client,
    preProceedings,
    'PreProceedings',
    'preProceedings',
    input.preProceedings,
    input.expectedVersion,
  );
  if ('userErrors' in found) return found;
  const { row } = found;
  const { family, person } = row;
  const { errors, invalid, past, text } = faults();
  for (const field of ['letterSent', 'firstMeeting', 'stepDecision', 'ended'] as const) past(input[field], now, field);
  text(input.outcomeReasons, 5_000, 'outcomeReasons');
  const set = {
    letterSentOn: input.letterSent ?? row.letterSentOn,
    fgdmOffered: input.familyGroupOffered ?? row.fgdmOffered,
    fgdmFacilitated: input.familyGroupFacilitated ?? row.fgdmFacilitated,
    firstMeetingOn: input.firstMeeting ?? row.firstMeetingOn,
    reviewMeetings: input.reviewMeetings ?? row.reviewMeetings,
    stepDecisionOn: input.stepDecision ?? row.stepDecisionOn,
    endedOn: input.ended ?? row.endedOn,
  };
  if (set.reviewMeetings !== null && (set.reviewMeetings < 0 || set.reviewMeetings > 99))
    invalid('Must be from 0 to 99.', 'reviewMeetings');
  if (set.endedOn !== null && set.endedOn < row.startedOn) invalid('They do not end before they begin.', 'ended');
  if (input.outcome && set.stepDecisionOn === null) invalid('The outcome comes with the decision to step up or down.', 'outcome');
  const unknown = await checkCodes(tx, today(now), [{ list: 'pre-proceedings-outcome', value: input.outcome, path: ['outcome'] }]);
  errors.push(...unknown.map((each) => ({ ...each, rule: '9011' })));
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  const said = await judged(
    tx,
    client,
    { person, historical: input.historical },
    (h) => ({
      ...h,
      preProceedings: h.preProceedings.map((each) =>
        each.id === row.id
          ? {
              ...each,
              letterSent: set.letterSentOn,
              fgdmOffered: set.fgdmOffered,
              fgdmFacilitated: set.fgdmFacilitated,
              firstMeeting: set.firstMeetingOn,
              reviewMeetings: set.reviewMeetings,
              stepDecision: set.stepDecisionOn,
              outcome: input.outcome ?? each.outcome,
            }
          : each,
      ),
    }),
    { fields: { ...MODULE_5, 9012: 'stepDecision' }, otherwise: 'preProceedings' },
  );
  errors.push(...said.errors);
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'pre-proceedings', path: ['preProceedings'] };
  const refused = await amend(tx, client, preProceedings, row.id, input.expectedVersion, set, what);
  if (refused) return { userErrors: [refused] };
  const owned = { family, person, controller: client.organisation.id };
  if (input.outcome)
    await writeSide(tx, preProceedingsOutcome, preProceedingsOutcome.preProceedings, {
      ...owned,
      keptFrom,
      preProceedings: row.id,
      outcome: input.outcome,
      reasons: input.outcomeReasons ?? null,
    });
  const subject = { type: 'PreProceedings', id: row.id };
  if (input.letterSent) {
    await meetClock(tx, { rule: 'PRE_PROCEEDINGS_LETTER', subject, on: input.letterSent });
    if (!set.firstMeetingOn)
      await runClock(tx, client, { rule: 'PRE_PROCEEDINGS_MEETING', family, person, subject, from: input.letterSent });
  }
  if (input.firstMeeting) await meetClock(tx, { rule: 'PRE_PROCEEDINGS_MEETING', subject, on: input.firstMeeting });
  if (input.stepDecision) await meetClock(tx, { rule: 'PRE_PROCEEDINGS', subject, on: input.stepDecision });
  if (input.ended)
    for (const rule of ['PRE_PROCEEDINGS', 'PRE_PROCEEDINGS_LETTER', 'PRE_PROCEEDINGS_MEETING'])
      await endClock(tx, { rule, subject, on: input.ended });
  await restage(tx, family, now);
  return done('recordPreProceedings', 'PreProceedings', row.id, { family, persons: [person] }, ['CASE', 'ASSESSMENT'], said.warnings);
});

export const recordCourtApplication: Command = command<RecordCourtApplicationInput>(async (tx, input, client, now) => {
  const found = await childRowIn(
    tx,
    client,
    preProceedings,
    'PreProceedings',
    'preProceedings',
    input.preProceedings,
    input.expectedVersion,
  );
  if ('userErrors' in found) return found;
  const { row } = found;
  const { family, person } = row;
  const { errors, invalid, past, text } = faults();
  for (const field of ['applied', 'letterSent', 'finalOrder', 'withdrawn'] as const) past(input[field], now, field);
  text(input.reference, 100, 'reference');
  text(input.papers, 5_000, 'papers');
  if (input.finalOrder && input.finalOrder < input.applied) invalid('The final order does not come before the application.', 'finalOrder');
  if (input.withdrawn && input.withdrawn < input.applied) invalid('They are not withdrawn before the application.', 'withdrawn');
  if (input.withdrawn && input.finalOrder) invalid('Care proceedings end with a final order, or without one.', 'withdrawn');
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  const said = await judged(
    tx,
    client,
    { person, historical: input.historical },
    (h) => ({
      ...h,
      preProceedings: h.preProceedings.map((each) =>
        each.id === row.id ? { ...each, courtApplied: input.applied, courtLetter: input.letterSent ?? each.courtLetter } : each,
      ),
    }),
    { fields: MODULE_5, otherwise: 'applied' },
  );
  errors.push(...said.errors);
  // The law: who may be a carer in the family is asked before a court is (Children Act 1989 s.31ZA).
  const offers = await visibleRows(tx, familyGroup, eq(familyGroup.family, family), client);
  if (row.fgdmOffered !== true && !offers.some(({ offeredOn }) => offeredOn <= input.applied))
    said.warnings.push({
      code: 'RULE',
      message: 'No family group decision making meeting was offered before the application.',
      path: ['applied'],
      rule: 'CA1989-31ZA',
    });
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'pre-proceedings', path: ['preProceedings'] };
  const refused = await amend(tx, client, preProceedings, row.id, input.expectedVersion, { stepDecisionOn: row.stepDecisionOn }, what);
  if (refused) return { userErrors: [refused] };
  const owned = { family, person, controller: client.organisation.id };
  const [before] = await visibleRows(tx, preProceedingsCourt, eq(preProceedingsCourt.preProceedings, row.id), client);
  await writeSide(tx, preProceedingsCourt, preProceedingsCourt.preProceedings, {
    ...owned,
    keptFrom,
    preProceedings: row.id,
    appliedOn: input.applied,
    letterSentOn: input.letterSent ?? before?.letterSentOn ?? null,
    reference: input.reference ?? before?.reference ?? null,
    finalOrderOn: input.finalOrder ?? before?.finalOrderOn ?? null,
    withdrawnOn: input.withdrawn ?? before?.withdrawnOn ?? null,
    papers: input.papers ?? before?.papers ?? null,
  });
  const subject = { type: 'PreProceedings', id: row.id };
  if (!before) await runClock(tx, client, { rule: 'CARE_PROCEEDINGS', family, person, subject, from: input.applied });
  if (input.finalOrder) await meetClock(tx, { rule: 'CARE_PROCEEDINGS', subject, on: input.finalOrder });
  if (input.withdrawn) await endClock(tx, { rule: 'CARE_PROCEEDINGS', subject, on: input.withdrawn });
  return done('recordCourtApplication', 'PreProceedings', row.id, { family, persons: [person] }, ['COURT'], said.warnings);
});

export const askPreparatoryAssessment: Command = command<AskPreparatoryAssessmentInput>(async (tx, input, client, now) => {
  const found = await rowIn(tx, client, preProceedings, 'PreProceedings', 'preProceedings', input.preProceedings);
  if ('userErrors' in found) return found;
  const { family, person, id: of, startedOn } = found.row;
  const { errors, invalid, past } = faults();
  past(input.asked, now, 'asked');
  if (input.asked < startedOn) invalid('Pre-proceedings began later.', 'asked');
  errors.push(...(await checkCodes(tx, input.asked, [{ list: 'preparatory-assessment', value: input.kind, path: ['kind'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const id = await write(tx, preparatoryAssessment, {
    family,
    person,
    controller: client.organisation.id,
    preProceedings: of,
    kind: input.kind,
    askedOn: input.asked,
  });
  return done('askPreparatoryAssessment', 'PreparatoryAssessment', id, { family, persons: [person] }, ['ASSESSMENT']);
});

export const receivePreparatoryAssessment: Command = command<ReceivePreparatoryAssessmentInput>(async (tx, input, client, now) => {
  const found = await rowIn(
    tx,
    client,
    preparatoryAssessment,
    'PreparatoryAssessment',
    'assessment',
    input.assessment,
    input.expectedVersion,
  );
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past } = faults();
  past(input.received, now, 'received');
  if (input.received < row.askedOn) invalid('It does not come before it is asked for.', 'received');
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'assessment', path: ['assessment'] };
  const refused = await amend(tx, client, preparatoryAssessment, row.id, input.expectedVersion, { receivedOn: input.received }, what);
  if (refused) return { userErrors: [refused] };
  return done('receivePreparatoryAssessment', 'PreparatoryAssessment', row.id, { family: row.family, persons: [row.person] }, [
    'ASSESSMENT',
  ]);
});

export const offerFamilyGroup: Command = command<OfferFamilyGroupInput>(async (tx, input, client, now) => {
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const { errors, past } = faults();
  past(input.offered, now, 'offered');
  const before = input.preProceedings ? await visibleRow(tx, preProceedings, keyOf('PreProceedings', input.preProceedings), client) : null;
  if (input.preProceedings && before?.family !== family) errors.push(notFound('pre-proceedings of this family', 'preProceedings'));
  if (errors.length > 0) return { userErrors: errors };
  const id = await write(tx, familyGroup, {
    family,
    controller: client.organisation.id,
    preProceedings: before?.id ?? null,
    person: before?.person ?? null,
    offeredOn: input.offered,
  });
  return done('offerFamilyGroup', 'FamilyGroup', id, { family, persons: [] }, ['CASE']);
});

export const recordFamilyGroup: Command = command<RecordFamilyGroupInput>(async (tx, input, client, now) => {
  const found = await familyRowIn(tx, client, familyGroup, 'FamilyGroup', 'familyGroup', input.familyGroup, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past, text } = faults();
  past(input.held, now, 'held');
  text(input.facilitator, 200, 'facilitator');
  text(input.familyPlan, 10_000, 'familyPlan');
  const set = {
    accepted: input.accepted ?? row.accepted,
    heldOn: input.held ?? row.heldOn,
    facilitator: input.facilitator ?? row.facilitator,
    planAgreed: input.planAgreed ?? row.planAgreed,
    familyPlan: input.familyPlan ?? row.familyPlan,
  };
  if (set.heldOn !== null && set.heldOn < row.offeredOn) invalid('It is not held before it is offered.', 'held');
  if (set.heldOn !== null && set.accepted !== true) invalid('A meeting that was held was accepted.', 'accepted');
  if (set.planAgreed !== null && set.heldOn === null) invalid('What the family agreed comes from a meeting that was held.', 'planAgreed');
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(tx, client, familyGroup, row.id, input.expectedVersion, set, { name: 'family group', path: ['familyGroup'] });
  if (refused) return { userErrors: [refused] };
  return done('recordFamilyGroup', 'FamilyGroup', row.id, { family: row.family, persons: [] }, ['CASE']);
});

export const openMarac: Command = command<OpenMaracInput>(async (tx, input, client, now) => {
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const { errors, invalid, past, text } = faults();
  past(input.opened, now, 'opened');
  text(input.reasons, 5_000, 'reasons');
  await oneAtATime(tx, 'family', family);
  const referrer = input.referrer ? keyOf('Organisation', input.referrer) : null;
  if (input.referrer) {
    const [known] =
      referrer === null ? [] : await tx.select({ id: organisation.id }).from(organisation).where(eq(organisation.id, referrer));
    if (!known) errors.push(notFound('organisation', 'referrer'));
  }
  const open = await visibleRows(tx, marac, and(eq(marac.family, family), isNull(marac.closedOn)), client);
  if (open.length > 0) invalid('One is open for the family.', 'family');
  const named = await keptFromNamed(tx, family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const owned = { family, controller: client.organisation.id };
  const id = await write(tx, marac, { ...owned, openedOn: input.opened });
  // Of whichever victim it tells, it is kept from whoever harms one of the family.
  const everybody = (await tx.select({ person: membership.person }).from(membership).where(eq(membership.family, family))).map(
    ({ person }) => person,
  );
  const keptFrom = together(named, await bornKeptFrom(tx, family, everybody));
  await tx.insert(maracContent).values({ ...owned, keptFrom, marac: id, referrer, reasons: input.reasons ?? null });
  await restage(tx, family, now);
  return done('openMarac', 'Marac', id, { family, persons: [] }, ['CASE', 'VICTIM']);
});

export const closeMarac: Command = command<CloseMaracInput>(async (tx, input, client, now) => {
  const found = await familyRowIn(tx, client, marac, 'Marac', 'marac', input.marac, input.expectedVersion);
  if ('userErrors' in found) return found;
  const { row } = found;
  const { errors, invalid, past, text } = faults();
  past(input.closed, now, 'closed');
  text(input.actions, 5_000, 'actions');
  if (row.closedOn !== null) invalid('It is closed.', 'marac');
  if (input.closed < row.openedOn) invalid('It does not close before it opens.', 'closed');
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    marac,
    row.id,
    input.expectedVersion,
    { closedOn: input.closed },
    { name: 'MARAC', path: ['marac'] },
  );
  if (refused) return { userErrors: [refused] };
  if (input.actions) await tx.update(maracContent).set({ actions: input.actions }).where(eq(maracContent.marac, row.id));
  await restage(tx, row.family, now);
  return done('closeMarac', 'Marac', row.id, { family: row.family, persons: [] }, ['CASE', 'VICTIM']);
});
