/** Calling a meeting, putting it on record, sending its minutes. */
import { and, eq, inArray } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { each, eachOf, keysOf, membersNamed } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type {
  AgreeSafeWorkingInput,
  CirculateMinutesInput,
  CompleteMeetingActionInput,
  MeetingGuestInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { meetClock, startClock } from '../clock/service.ts';
import { plan } from '../plan/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { type CallInput, checkCall, checkRecord, checkSafeWorking, type RecordInput } from './rules.ts';
import {
  meeting,
  meetingAction,
  meetingAttendance,
  meetingCirculation,
  meetingKind,
  meetingMinutes,
  meetingPerson,
  meetingPlace,
  safeWorkingAgreement,
} from './tables.ts';

/** The organisations named, by their ids; a fault for each that is none. */
async function organisationsNamed(
  tx: Transaction,
  named: [id: string, path: string[]][],
): Promise<{ keys: Map<string, number>; errors: UserError[] }> {
  const asked = named.map(([id, path]) => ({ id, path, key: keyOf('Organisation', id) }));
  const wanted = [...new Set(asked.flatMap(({ key }) => (key === null ? [] : [key])))];
  const found =
    wanted.length === 0 ? [] : await tx.select({ id: organisation.id }).from(organisation).where(inArray(organisation.id, wanted));
  const there = new Set(found.map(({ id }) => id));
  const keys = new Map(asked.flatMap(({ id, key }) => (key !== null && there.has(key) ? [[id, key] as const] : [])));
  return { keys, errors: asked.filter(({ id }) => !keys.has(id)).map(({ path }) => notFound('organisation', ...path)) };
}

type Guests = readonly MeetingGuestInput[] | null | undefined;

const organisationsOf = (field: string, guests: Guests): [string, string[]][] =>
  (guests ?? []).flatMap(({ organisation: id }, i): [string, string[]][] => (id ? [[id, [field, String(i), 'organisation']]] : []));

export const callMeeting: Command = async (tx, raw, client) => {
  const input = raw as unknown as CallInput;
  const errors = checkCall(input);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const [kind] = await tx.select().from(meetingKind).where(eq(meetingKind.code, input.kind));
  if (!kind) errors.push({ code: 'INVALID', message: `${input.kind} is not a kind of meeting.`, path: ['kind'] });
  const members = await membersNamed(tx, family, [...each('persons', input.persons), ...eachOf('invited', input.invited)], errors);
  const organisations = await organisationsNamed(tx, organisationsOf('invited', input.invited));
  errors.push(...organisations.errors);
  const planKey = input.plan ? keyOf('Plan', input.plan) : null;
  const about = input.plan ? await visibleRow(tx, plan, planKey, client) : null;
  if (input.plan && about?.family !== family) errors.push(notFound('plan of this family', 'plan'));
  if (errors.length > 0 || !kind) return { userErrors: errors };

  const owned = { family, controller: client.organisation.id, meetingKind: kind.id, rowMask: 0 };
  const [called] = await tx
    .insert(meeting)
    .values({
      ...owned,
      worker: client.user,
      status: 'CALLED',
      meetsAt: new Date(input.at),
      chair: input.chair ?? null,
      plan: planKey,
    })
    .returning({ id: meeting.id });
  const id = (called as { id: number }).id;
  const of = { ...owned, meeting: id };
  await tx.insert(meetingPlace).values({ ...of, worker: client.user, place: input.place ?? null });
  const people = keysOf(members, input.persons);
  await tx.insert(meetingPerson).values(people.map((person) => ({ ...of, worker: client.user, person })));
  const guests = input.invited.map((guest) => guestRow(guest, members, organisations.keys));
  if (guests.length > 0) await tx.insert(meetingAttendance).values(guests.map((guest) => ({ ...of, ...guest, status: 'INVITED' })));
  return {
    change: {
      action: 'callMeeting',
      entity: 'Meeting',
      id,
      family,
      persons: people,
      dataClasses: input.place ? ['CASE', 'WHEREABOUTS'] : ['CASE'],
    },
  };
};

const guestRow = (guest: MeetingGuestInput, persons: Map<string, number>, organisations: Map<string, number>) => ({
  person: guest.person ? (persons.get(guest.person) as number) : null,
  organisation: guest.organisation ? (organisations.get(guest.organisation) as number) : null,
  worker: guest.user ?? null,
  name: guest.name ?? null,
});

export const recordMeeting: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as RecordInput;
  const key = keyOf('Meeting', input.meeting);
  const row = await visibleRow(tx, meeting, key, client);
  if (!row) return { userErrors: [notFound('meeting', 'meeting')] };
  // Of a meeting that has moved on, the caller is told so first.
  const stands = row.version === input.expectedVersion ? row : { ...row, status: 'CALLED' };
  const errors = checkRecord(input, stands, now);
  const members = await membersNamed(
    tx,
    row.family,
    [...eachOf('attended', input.attended), ...eachOf('apologies', input.apologies), ...each('minutesKeptFrom', input.minutesKeptFrom)],
    errors,
  );
  const organisations = await organisationsNamed(tx, [
    ...organisationsOf('attended', input.attended),
    ...organisationsOf('apologies', input.apologies),
    ...(input.actions ?? []).flatMap(({ organisation: id }, i): [string, string[]][] =>
      id ? [[id, ['actions', String(i), 'organisation']]] : [],
    ),
  ]);
  errors.push(...organisations.errors);
  if (errors.length > 0) return { userErrors: errors };

  const meetsAt = input.at ? new Date(input.at) : row.meetsAt;
  const refused = await amend(
    tx,
    client,
    meeting,
    key,
    input.expectedVersion,
    { status: 'HELD', meetsAt, chair: input.chair ?? row.chair, notes: input.notes ?? null },
    { name: 'meeting', path: ['meeting'] },
  );
  if (refused) return { userErrors: [refused] };

  const of = { meeting: row.id, family: row.family, controller: row.controller, meetingKind: row.meetingKind, rowMask: 0 };
  await recordAttendance(tx, client, of, [
    ...input.attended.map((guest) => ({ ...guestRow(guest, members, organisations.keys), status: 'ATTENDED' })),
    ...(input.apologies ?? []).map((guest) => ({ ...guestRow(guest, members, organisations.keys), status: 'APOLOGIES' })),
  ]);
  if (input.actions?.length) {
    await tx.insert(meetingAction).values(
      input.actions.map(({ what, who, organisation: by, dueOn }) => ({
        ...of,
        what,
        who,
        organisation: by ? (organisations.keys.get(by) as number) : null,
        dueOn,
      })),
    );
  }
  if (input.minutes) {
    const keptFrom = keysOf(members, input.minutesKeptFrom);
    await tx
      .insert(meetingMinutes)
      .values({ ...of, worker: client.user, keptFrom, minutes: input.minutes, author: client.userName ?? client.id });
  }
  await moveClocks(tx, client, row, today(meetsAt));
  return {
    change: { action: 'recordMeeting', entity: 'Meeting', id: row.id, family: row.family, persons: [], dataClasses: ['CASE'] },
  };
};

type Attendance = { person: number | null; organisation: number | null; worker: string | null; name: string | null; status: string };

/** Marks those who were asked, adds those who came unasked; who was asked and is not named did not come. */
async function recordAttendance(
  tx: Transaction,
  client: Client,
  of: Omit<typeof meetingAttendance.$inferInsert, 'status'>,
  came: Attendance[],
): Promise<void> {
  const asked = await visibleRows(tx, meetingAttendance, eq(meetingAttendance.meeting, of.meeting), client);
  const left = new Map(asked.map((row) => [row.id, row]));
  for (const guest of came) {
    const match = [...left.values()].find(
      (row) =>
        row.person === guest.person &&
        row.organisation === guest.organisation &&
        (!guest.worker || !row.worker || row.worker === guest.worker),
    );
    if (!match) {
      await tx.insert(meetingAttendance).values({ ...of, ...guest });
      continue;
    }
    left.delete(match.id);
    const set = { status: guest.status, worker: guest.worker ?? match.worker, name: guest.name ?? match.name };
    await tx.update(meetingAttendance).set(set).where(eq(meetingAttendance.id, match.id));
  }
  const absent = [...left.keys()];
  if (absent.length > 0) await tx.update(meetingAttendance).set({ status: 'ABSENT' }).where(inArray(meetingAttendance.id, absent));
}

/** A core group meets the clock of every plan that it is about, and starts the one until the next of a protection plan. */
async function moveClocks(tx: Transaction, client: Client, row: typeof meeting.$inferSelect, on: string): Promise<void> {
  const [kind] = await tx.select().from(meetingKind).where(eq(meetingKind.id, row.meetingKind));
  if (!kind || (kind.meets.length === 0 && kind.starts === null)) return;
  const persons = (await visibleRows(tx, meetingPerson, eq(meetingPerson.meeting, row.id), client)).map(({ person }) => person);
  const plans = await visibleRows(
    tx,
    plan,
    row.plan !== null
      ? eq(plan.id, row.plan)
      : and(
          eq(plan.family, row.family),
          inArray(plan.kind, ['CHILD_PROTECTION', 'CHILD_IN_NEED']),
          eq(plan.status, 'OPEN'),
          inArray(plan.person, persons),
        ),
    client,
  );
  for (const { id, person, kind: of, status } of plans) {
    const subject = { type: 'Plan', id };
    for (const rule of kind.meets) await meetClock(tx, { rule, subject, on });
    if (kind.starts && of === 'CHILD_PROTECTION' && status === 'OPEN')
      await startClock(tx, client, { rule: kind.starts, family: row.family, person, subject, from: on });
  }
}

export const circulateMinutes: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<CirculateMinutesInput, 'idempotencyKey'>;
  const { errors, invalid, list, past } = faults();
  if (input.to.length === 0) invalid('Say to whom.', 'to');
  list(input.to, 50, 'to');
  past(input.on, now, 'on');
  const row = await visibleRow(tx, meeting, keyOf('Meeting', input.meeting), client);
  if (!row || row.controller !== client.organisation.id) return { userErrors: [...errors, notFound('meeting', 'meeting')] };
  const [minutes] = await visibleRows(tx, meetingMinutes, eq(meetingMinutes.meeting, row.id), client);
  if (!minutes) invalid('It has no minutes yet: recordMeeting takes them.', 'meeting');
  const organisations = await organisationsNamed(
    tx,
    input.to.map(({ organisation: id }, i): [string, string[]] => [id, ['to', String(i), 'organisation']]),
  );
  errors.push(...organisations.errors);
  if (errors.length > 0) return { userErrors: errors };
  await tx.insert(meetingCirculation).values(
    input.to.map(({ organisation: id, user }) => ({
      meeting: row.id,
      family: row.family,
      controller: row.controller,
      meetingKind: row.meetingKind,
      rowMask: 0,
      worker: user ?? null,
      organisation: organisations.keys.get(id) as number,
      sentOn: input.on,
    })),
  );
  return { change: { action: 'circulateMinutes', entity: 'Meeting', id: row.id, family: row.family, persons: [], dataClasses: ['CASE'] } };
};

export const completeMeetingAction: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<CompleteMeetingActionInput, 'idempotencyKey'>;
  const { errors, invalid, text, past } = faults();
  past(input.on, now, 'on');
  text(input.outcome, 2_000, 'outcome');
  const key = keyOf('MeetingAction', input.action);
  const row = await visibleRow(tx, meetingAction, key, client);
  if (!row) return { userErrors: [...errors, notFound('action', 'action')] };
  if (row.doneOn !== null && row.version === input.expectedVersion) invalid(`It was done on ${row.doneOn}.`, 'action');
  if (errors.length > 0) return { userErrors: errors };
  const set = { doneOn: input.on, outcome: input.outcome ?? null };
  const refused = await amend(tx, client, meetingAction, key, input.expectedVersion, set, { name: 'action', path: ['action'] });
  if (refused) return { userErrors: [refused] };
  return {
    change: {
      action: 'completeMeetingAction',
      entity: 'MeetingAction',
      id: row.id,
      family: row.family,
      persons: [],
      dataClasses: ['CASE'],
    },
  };
};

export const agreeSafeWorking: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<AgreeSafeWorkingInput, 'idempotencyKey'>;
  const row = await visibleRow(tx, meeting, keyOf('Meeting', input.meeting), client);
  const [kind] = row ? await tx.select({ code: meetingKind.code }).from(meetingKind).where(eq(meetingKind.id, row.meetingKind)) : [];
  const errors = checkSafeWorking(input, kind?.code ?? null);
  if (!row) return { userErrors: [...errors, notFound('meeting', 'meeting')] };
  if (errors.length > 0) return { userErrors: errors };
  const [agreed] = await tx
    .insert(safeWorkingAgreement)
    .values({
      family: row.family,
      controller: client.organisation.id,
      worker: client.user,
      meeting: row.id,
      whatToDo: input.whatToDo,
      from: input.from,
      reviewOn: input.reviewOn,
    })
    .returning({ id: safeWorkingAgreement.id });
  const id = (agreed as { id: number }).id;
  // What is agreed now goes before what was agreed earlier: that is looked at again by it.
  const earlier = await visibleRows(tx, safeWorkingAgreement, eq(safeWorkingAgreement.family, row.family), client);
  for (const agreement of earlier.filter((each) => each.id !== id))
    await meetClock(tx, { rule: 'SAFETY_REVIEW', subject: { type: 'SafeWorkingAgreement', id: agreement.id }, on: today(now) });
  await startClock(tx, client, {
    rule: 'SAFETY_REVIEW',
    family: row.family,
    subject: { type: 'SafeWorkingAgreement', id },
    from: input.from,
  });
  return {
    change: { action: 'agreeSafeWorking', entity: 'SafeWorkingAgreement', id, family: row.family, persons: [], dataClasses: ['SAFETY'] },
  };
};
