/** Asking for help, and saying how it goes. */

import { and, eq, gt, isNull, lte, or } from 'drizzle-orm';
import type { DataClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { amend, conflict } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, Decision, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { bornKeptFrom, keptFromNamed, together } from '../../change/kept-from.ts';
import { familyVisible, keyOf, notFound, visibleMembers, visibleRow, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { InterventionStatus, RecordAbstinenceInput, RecordLapseInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { endClock, meetClock, startClock } from '../clock/service.ts';
import { involvement } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';
import {
  afterMove,
  answers,
  checkMove,
  checkOnward,
  checkOutcome,
  checkRelapse,
  checkRequest,
  checkSession,
  checkTest,
  isEnd,
  type MoveInput,
  type OnwardInput,
  type OutcomeInput,
  type RelapseInput,
  type RequestInput,
  type SessionInput,
  type Standing,
  type TestInput,
} from './rules.ts';
import {
  abstinence,
  groupProgramme,
  groupSession,
  intervention,
  interventionEvent,
  interventionLink,
  interventionOutcome,
  interventionProgress,
  interventionSession,
  interventionTest,
  onwardActivity,
  programme,
  programmeProvider,
  relapseDetail,
} from './tables.ts';

const REQUEST_CLOCK = 'INTERVENTION_REQUEST';

const idOf = (rows: { id: number }[]) => (rows[0] as { id: number }).id;

async function givesProgramme(tx: Transaction, programmeKey: number, provider: number, on: string): Promise<boolean> {
  const found = await tx
    .select({ organisation: programmeProvider.organisation })
    .from(programmeProvider)
    .where(
      and(
        eq(programmeProvider.programme, programmeKey),
        eq(programmeProvider.organisation, provider),
        lte(programmeProvider.validFrom, on),
        or(isNull(programmeProvider.validTo), gt(programmeProvider.validTo, on)),
      ),
    );
  return found.length > 0;
}

/** The team assigned works with the family; a team assigns itself only. */
async function teamWorks(tx: Transaction, team: number | null, family: number, client: Client): Promise<boolean> {
  if (team === null) return false;
  if (client.agency === 'TEAM') return team === client.organisation.id;
  const found = await tx
    .select({ organisation: involvement.organisation })
    .from(involvement)
    .innerJoin(organisation, eq(organisation.id, involvement.organisation))
    .where(
      and(eq(involvement.family, family), eq(involvement.organisation, team), isNull(involvement.until), eq(organisation.agency, 'TEAM')),
    );
  return found.length > 0;
}

export const requestIntervention: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as RequestInput;
  input.historical ||= client.purpose === 'RECORD_SYNC';
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const person = keyOf('Person', input.person);
  const programmeKey = keyOf('Programme', input.programme);
  const provider = keyOf('Organisation', input.provider);
  const errors: UserError[] = [];
  const members = await visibleMembers(tx, family, person === null ? [] : [person]);
  if (person === null || !members.has(person)) errors.push(notFound('member of this family', 'person'));
  const [asked] = programmeKey === null ? [] : await tx.select().from(programme).where(eq(programme.id, programmeKey));
  if (!asked) errors.push(notFound('programme', 'programme'));
  const team = input.team ? keyOf('Organisation', input.team) : null;
  if (input.team && !(await teamWorks(tx, team, family, client))) errors.push(notFound('team of this family', 'team'));
  const gives = asked !== undefined && provider !== null && (await givesProgramme(tx, asked.id, provider, input.requested));
  const [named] = provider === null ? [] : await tx.select().from(organisation).where(eq(organisation.id, provider));
  if (!named) errors.push(notFound('organisation', 'provider'));
  // Of a programme that is none nobody can say who gives it.
  const checked = checkRequest(input, gives || !asked || !named, now);
  errors.push(...checked.errors);
  if (errors.length > 0 || person === null || !asked || provider === null) return { userErrors: errors };

  const owned = { family, person, controller: client.organisation.id, worker: input.worker ?? null };
  const id = idOf(await tx.insert(intervention).values(owned).returning({ id: intervention.id }));
  await tx.insert(interventionLink).values({
    ...owned,
    intervention: id,
    // The database sets it from the programme.
    rowMask: 0,
    programme: asked.id,
    provider,
    assigned: team,
    reason: input.reason,
    agreed: input.agreed,
  });
  await tx.insert(interventionProgress).values({ ...owned, intervention: id, status: 'REQUESTED', requested: input.requested });
  await tx.insert(interventionEvent).values({ ...owned, intervention: id, kind: 'REQUESTED', happenedOn: input.requested });
  await startClock(tx, client, {
    rule: REQUEST_CLOCK,
    family,
    person,
    subject: { type: 'Intervention', id },
    from: input.requested,
    assigned: team ?? provider,
    worker: input.worker ?? null,
  });
  return {
    change: {
      action: 'requestIntervention',
      entity: 'Intervention',
      id,
      family,
      persons: [person],
      dataClasses: ['INVOLVEMENT', 'PROGRESS'],
    },
    warnings: checked.warnings,
  };
};

type Found = {
  row: typeof intervention.$inferSelect;
  at: typeof interventionProgress.$inferSelect & Standing;
  /** Null where its class is closed to the caller. */
  link: typeof interventionLink.$inferSelect | null;
  /** It is theirs to give: they provide it, or their team's practitioner does. */
  theirs: boolean;
};

/** The intervention that a command speaks of, as far as its caller may write about it; null where it is none of theirs. */
async function interventionOf(tx: Transaction, id: string, client: Client): Promise<Found | null> {
  const row = await visibleRow(tx, intervention, keyOf('Intervention', id), client);
  if (!row) return null;
  const [at] = await visibleRows(tx, interventionProgress, eq(interventionProgress.intervention, row.id), client);
  const [link] = await visibleRows(tx, interventionLink, eq(interventionLink.intervention, row.id), client);
  const theirs = link !== undefined && (link.provider === client.organisation.id || link.assigned === client.organisation.id);
  // A provider that works with the family sees that there is other help, and writes of its own.
  if (!at || (client.agency === 'PROVIDER' && !theirs)) return null;
  return { row, at: at as Found['at'], link: link ?? null, theirs };
}

const missing = (): Decision => ({ userErrors: [notFound('intervention', 'intervention')] });

/** The keys of a row of an intervention. It is the practitioner's who works on it, whoever writes it. */
const ofIntervention = ({ row, at }: Found, client: Client) => ({
  intervention: row.id,
  family: row.family,
  person: row.person,
  controller: client.organisation.id,
  worker: at.worker,
});

const changed = (action: string, entity: string, id: number, { row }: Found, ...dataClasses: DataClass[]): Decision => ({
  change: { action, entity, id, family: row.family, persons: [row.person], dataClasses },
});

export const moveIntervention: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as MoveInput;
  input.historical ||= client.purpose === 'RECORD_SYNC';
  const found = await interventionOf(tx, input.intervention, client);
  if (!found) return missing();
  const { row, at, theirs } = found;
  // What somebody else has done meanwhile comes before what it would make of this step.
  if (at.version !== input.expectedVersion) return { userErrors: [conflict(at.version)] };
  const { errors, warnings } = checkMove(input, at, now);
  const named = await keptFromNamed(tx, row.family, input.keptFrom, errors);
  if (errors.length > 0) return { userErrors: errors };
  const worker = input.worker ?? at.worker ?? (theirs ? client.user : null);
  const moved = await tx
    .update(interventionProgress)
    .set({ ...afterMove(input.to, input.on, at), worker, ...(input.outcome ? { outcome: input.outcome } : {}) })
    .where(and(eq(interventionProgress.intervention, row.id), eq(interventionProgress.version, input.expectedVersion)));
  if (moved.rowCount !== 1) {
    const [late] = await visibleRows(tx, interventionProgress, eq(interventionProgress.intervention, row.id), client);
    const other = late && late.version !== input.expectedVersion;
    return { userErrors: [other ? conflict(late.version) : notFound('intervention of yours', 'intervention')] };
  }
  // The step is for everybody who may know of it; a note on it is what the person told.
  const born = input.note ? await bornKeptFrom(tx, row.family, [row.person]) : [];
  await tx.insert(interventionEvent).values({
    ...ofIntervention(found, client),
    worker,
    keptFrom: together(named, born),
    kind: input.to,
    happenedOn: input.on,
    note: input.note ?? null,
  });
  const subject = { type: 'Intervention', id: row.id };
  if (answers(input.to)) await meetClock(tx, { rule: REQUEST_CLOCK, subject, on: input.on });
  else if (isEnd(input.to as InterventionStatus)) await endClock(tx, { rule: REQUEST_CLOCK, subject, on: input.on });
  return { ...changed('moveIntervention', 'Intervention', row.id, found, 'PROGRESS'), warnings };
};

export const recordInterventionSession: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as SessionInput;
  const found = await interventionOf(tx, input.intervention, client);
  if (!found) return missing();
  const errors: UserError[] = [];
  const key = input.groupSession ? keyOf('GroupSession', input.groupSession) : null;
  const [group] =
    key === null
      ? []
      : await tx
          .select({ id: groupSession.id, programme: groupProgramme.programme })
          .from(groupSession)
          .innerJoin(groupProgramme, eq(groupProgramme.id, groupSession.groupProgramme))
          .where(eq(groupSession.id, key));
  if (input.groupSession && !group) errors.push(notFound('meeting of a group', 'groupSession'));
  // Whom its class hides the programme from cannot be told that the group is of another.
  const fits = group ? { fits: found.link === null || found.link.programme === group.programme } : null;
  errors.push(...checkSession(input, found.at, fits, now));
  if (errors.length > 0) return { userErrors: errors };
  const id = idOf(
    await tx
      .insert(interventionSession)
      .values({
        ...ofIntervention(found, client),
        heldOn: input.on,
        kind: input.kind,
        attendance: input.attendance,
        groupSession: group?.id ?? null,
        jointWith: input.jointWith ?? null,
        ownVolition: input.ownVolition ?? null,
        motivation: input.motivation ?? null,
      })
      .returning({ id: interventionSession.id }),
  );
  return changed('recordInterventionSession', 'InterventionSession', id, found, 'PROGRESS');
};

export const recordRelapse: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as RelapseInput;
  const found = await interventionOf(tx, input.intervention, client);
  if (!found) return missing();
  const errors = checkRelapse(input, found.at, now);
  const named = await keptFromNamed(tx, found.row.family, input.keptFrom, errors);
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'substance', value: input.substance, path: ['substance'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const keptFrom = together(named, await bornKeptFrom(tx, found.row.family, [found.row.person]));
  const of = { ...ofIntervention(found, client), keptFrom };
  const id = idOf(
    await tx
      .insert(interventionEvent)
      .values({ ...of, kind: 'RELAPSE', happenedOn: input.on, note: input.note })
      .returning({ id: interventionEvent.id }),
  );
  const told = Boolean(input.substance || input.detail);
  if (told) await tx.insert(relapseDetail).values({ ...of, event: id, substance: input.substance ?? null, detail: input.detail ?? null });
  if (input.substance) {
    const running = and(
      eq(abstinence.family, found.row.family),
      eq(abstinence.person, found.row.person),
      eq(abstinence.substance, input.substance),
      eq(abstinence.controller, client.organisation.id),
      isNull(abstinence.lapsedOn),
      lte(abstinence.since, input.on),
    );
    await tx.update(abstinence).set({ lapsedOn: input.on }).where(running);
  }
  return changed('recordRelapse', 'InterventionEvent', id, found, 'PROGRESS', ...(told ? (['CLINICAL'] as const) : []));
};

export const recordInterventionOutcome: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as OutcomeInput;
  const found = await interventionOf(tx, input.intervention, client);
  if (!found) return missing();
  const same = and(eq(interventionOutcome.intervention, found.row.id), eq(interventionOutcome.months, input.months));
  const again = (await visibleRows(tx, interventionOutcome, same, client)).length > 0;
  const errors = checkOutcome(input, found.at, again, now);
  if (errors.length > 0) return { userErrors: errors };
  const id = idOf(
    await tx
      .insert(interventionOutcome)
      .values({
        ...ofIntervention(found, client),
        months: input.months,
        observedOn: input.on,
        result: input.result,
        note: input.note ?? null,
      })
      .returning({ id: interventionOutcome.id }),
  );
  return changed('recordInterventionOutcome', 'InterventionOutcome', id, found, 'PROGRESS');
};

export const recordOnwardActivity: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as OnwardInput;
  const found = await interventionOf(tx, input.intervention, client);
  if (!found) return missing();
  const errors = [
    ...checkOnward(input, now),
    ...(await checkCodes(tx, today(now), [{ list: 'onward-activity', value: input.kind, path: ['kind'] }])),
  ];
  if (errors.length > 0) return { userErrors: errors };
  const id = idOf(
    await tx
      .insert(onwardActivity)
      .values({ ...ofIntervention(found, client), kind: input.kind, name: input.name, from: input.from, until: input.until ?? null })
      .returning({ id: onwardActivity.id }),
  );
  return changed('recordOnwardActivity', 'OnwardActivity', id, found, 'PROGRESS');
};

export const recordInterventionTest: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as TestInput;
  const found = await interventionOf(tx, input.intervention, client);
  if (!found) return missing();
  const errors = [
    ...checkTest(input, now),
    ...(await checkCodes(tx, today(now), [{ list: 'substance', value: input.substance, path: ['substance'] }])),
  ];
  if (errors.length > 0) return { userErrors: errors };
  const id = idOf(
    await tx
      .insert(interventionTest)
      .values({
        ...ofIntervention(found, client),
        kind: input.kind,
        substance: input.substance,
        result: input.result,
        takenOn: input.on,
        detail: input.detail ?? null,
      })
      .returning({ id: interventionTest.id }),
  );
  return changed('recordInterventionTest', 'InterventionTest', id, found, 'CLINICAL');
};

export const recordAbstinence: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordAbstinenceInput, 'idempotencyKey'>;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const { errors, past, rule } = faults();
  const person = keyOf('Person', input.person);
  const members = await visibleMembers(tx, family, person === null ? [] : [person]);
  if (person === null || !members.has(person)) errors.push(notFound('member of this family', 'person'));
  past(input.since, now, 'since');
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'substance', value: input.substance, path: ['substance'] }])));
  if (errors.length > 0 || person === null) return { userErrors: errors };
  const running = and(
    eq(abstinence.family, family),
    eq(abstinence.person, person),
    eq(abstinence.substance, input.substance),
    eq(abstinence.controller, client.organisation.id),
    isNull(abstinence.lapsedOn),
  );
  if ((await visibleRows(tx, abstinence, running, client)).length > 0)
    rule('ABSTINENCE_RUNS', 'These days are being counted already; a lapse ends the count.', 'substance');
  if (errors.length > 0) return { userErrors: errors };
  const id = idOf(
    await tx
      .insert(abstinence)
      .values({ family, person, controller: client.organisation.id, worker: client.user, substance: input.substance, since: input.since })
      .returning({ id: abstinence.id }),
  );
  return { change: { action: 'recordAbstinence', entity: 'Abstinence', id, family, persons: [person], dataClasses: ['CLINICAL'] } };
};

export const recordLapse: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordLapseInput, 'idempotencyKey'>;
  const key = keyOf('Abstinence', input.abstinence);
  const row = await visibleRow(tx, abstinence, key, client);
  if (!row) return { userErrors: [notFound('time of abstinence', 'abstinence')] };
  const { errors, invalid, past, rule } = faults();
  past(input.on, now, 'on');
  if (input.on < row.since) invalid(`It began on ${row.since}.`, 'on');
  if (row.lapsedOn !== null && row.version === input.expectedVersion)
    rule('ABSTINENCE_RUNS', `It ended on ${row.lapsedOn}; begin a new count.`, 'abstinence');
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    abstinence,
    key,
    input.expectedVersion,
    { lapsedOn: input.on },
    {
      name: 'time of abstinence',
      path: ['abstinence'],
    },
  );
  if (refused) return { userErrors: [refused] };
  const { id, family, person } = row;
  return { change: { action: 'recordLapse', entity: 'Abstinence', id, family, persons: [person], dataClasses: ['CLINICAL'] } };
};
