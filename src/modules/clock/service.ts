/** What commands call, inside their transaction, where something falls due or is done. */
import { and, desc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import { maskOf, type PersonalClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { remark } from '../../change/remarks.ts';
import type { Transaction } from '../../db/transactions.ts';
import { addDays, addWorkingDays, type Calendar, calendarOf, OutsideCalendar } from './calendar.ts';
import { type Due, dueOf, type Limit } from './rules.ts';
import { bankHoliday, clock, task, timescale } from './tables.ts';

/** The row that a clock or task is about: its GraphQL type and its key. */
export type Subject = { type: string; id: number };

/** Days are `YYYY-MM-DD`. */
export type StartClock = {
  rule: string;
  /** Null until it is known. */
  family: number | null;
  person?: number | null;
  subject: Subject;
  from: string;
  /** The organisation whose it is to do; the caller's own where none is named. */
  assigned?: number;
  /** The user whose it is to do; the caller where the organisation is the caller's own. */
  worker?: string | null;
};

/** A timescale as it is in force on a day. */
export type InForce = Limit & { code: string; version: string };

/**
 * The timescale of this code in force on a day: the authority's own where it has one; null before any of them was.
 *
 * @throws Error where nobody has ever set such a timescale.
 */
export async function timescaleInForce(tx: Transaction, rule: string, on: string): Promise<InForce | null> {
  const [found] = await tx
    .select({
      code: timescale.code,
      version: timescale.version,
      limit: timescale.amount,
      unit: timescale.unit,
      dueSoon: timescale.dueSoon,
      countsFromNextDay: timescale.countsFromNextDay,
    })
    .from(timescale)
    .where(and(eq(timescale.code, rule), lte(timescale.validFrom, on), or(isNull(timescale.validTo), gt(timescale.validTo, on))))
    .orderBy(sql`${timescale.authority} = 'england'`, desc(timescale.validFrom))
    .limit(1);
  if (found) return found;
  const [ever] = await tx.select({ code: timescale.code }).from(timescale).where(eq(timescale.code, rule)).limit(1);
  if (!ever) throw new Error(`There is no timescale ${rule}.`);
  return null;
}

/** England's bank holidays as the database has them. */
export async function calendarIn(tx: Transaction): Promise<Calendar> {
  const rows = await tx.select({ day: bankHoliday.day }).from(bankHoliday);
  return calendarOf(rows.map(({ day }) => day));
}

type Reckoned = { inForce: InForce; due: Due | null };

/** When something is due by a timescale; null where nobody can say: the day is outside the calendar, or before the timescale. */
async function reckon(tx: Transaction, rule: string, from: string): Promise<Reckoned | null> {
  const inForce = await timescaleInForce(tx, rule, from);
  if (!inForce) return null;
  try {
    return { inForce, due: dueOf(inForce, from, await calendarIn(tx)) };
  } catch (error) {
    if (error instanceof OutsideCalendar) return null;
    throw error;
  }
}

/** The last day that is in time; null where no limit is set, and where nobody can say. */
export async function dueOn(tx: Transaction, rule: string, from: string): Promise<string | null> {
  return (await reckon(tx, rule, from))?.due?.dueOn ?? null;
}

/** The working day after a day; the day after it, where nobody knows which days are worked. */
export async function nextWorkingDay(tx: Transaction, day: string): Promise<string> {
  try {
    return addWorkingDays(await calendarIn(tx), day, 1);
  } catch (error) {
    if (error instanceof OutsideCalendar) return addDays(day, 1);
    throw error;
  }
}

/**
 * Starts a clock. Where one of the same rule already runs for the subject it runs on: fifteen working days count from
 * the first strategy discussion, not from the latest.
 *
 * What happened is written although nobody can say when something was due on it: it has no clock then, and the command warns.
 *
 * @returns when it is due; null, and no clock, where the authority has set no limit or nobody can say.
 */
export async function startClock(
  tx: Transaction,
  client: Client,
  { rule, family, person, subject, from, assigned, worker }: StartClock,
): Promise<{ dueOn: string | null }> {
  const reckoned = await reckon(tx, rule, from);
  if (!reckoned) {
    const message = `No clock runs from ${from}: the bank holidays, or the timescale ${rule}, are not known for so early or so late a day.`;
    remark(tx, { code: 'RULE', rule, message, path: [] });
    return { dueOn: null };
  }
  const { inForce, due } = reckoned;
  if (!due) return { dueOn: null };
  const started = await tx
    .insert(clock)
    .values({
      family,
      person: person ?? null,
      controller: client.organisation.id,
      assigned: assigned ?? client.organisation.id,
      worker: worker ?? (assigned === undefined || assigned === client.organisation.id ? client.user : null),
      rule,
      ruleVersion: inForce.version,
      subjectType: subject.type,
      subjectId: subject.id,
      startedOn: from,
      ...due,
    })
    .onConflictDoNothing();
  if (started.rowCount === 1) return { dueOn: due.dueOn };
  const [running] = await tx.select({ dueOn: clock.dueOn }).from(clock).where(isRunning({ rule, subject }));
  return { dueOn: running?.dueOn ?? due.dueOn };
}

const isRunning = ({ rule, subject }: { rule?: string; subject: Subject }) =>
  and(
    eq(clock.subjectType, subject.type),
    eq(clock.subjectId, subject.id),
    rule === undefined ? undefined : eq(clock.rule, rule),
    isNull(clock.metOn),
    isNull(clock.endedOn),
  );

/** Days are `YYYY-MM-DD`. */
export type OfClock = { rule: string; subject: Subject; on: string };

/** What the clock waited for has happened. Whether it was in time is read from the dates. @returns whether a clock ran. */
export async function meetClock(tx: Transaction, { rule, subject, on }: OfClock): Promise<boolean> {
  return (await stop(tx, rule, subject, on, null)) > 0;
}

/** What the clocks waited for is no longer to come (the plan ended, the referral was closed): without `rule`, all of the subject. */
export async function endClock(tx: Transaction, { on, ...which }: Omit<OfClock, 'rule'> & { rule?: string }): Promise<void> {
  await stop(tx, which.rule ?? null, which.subject, null, on);
}

/**
 * County and team stop each other's clocks of a family with which both work: who holds the next supervision is not always who
 * held the last one. Everybody else stops their own.
 */
async function stop(tx: Transaction, rule: string | null, subject: Subject, met: string | null, ended: string | null): Promise<number> {
  const { rows } = await tx.execute<{ stopped: number }>(
    sql`select fsp.stop_clocks(${rule}::text, ${subject.type}::text, ${subject.id}::bigint, ${met}::date, ${ended}::date) as stopped`,
  );
  return rows[0]?.stopped ?? 0;
}

/** The family of a subject is known now: its clocks are that family's. */
export async function placeClocks(
  tx: Transaction,
  { subject, family, person }: { subject: Subject; family: number; person?: number | null },
): Promise<void> {
  await tx
    .update(clock)
    .set({ family, ...(person ? { person } : {}) })
    .where(and(eq(clock.subjectType, subject.type), eq(clock.subjectId, subject.id), isNull(clock.family)));
}

export type AddTask = {
  family: number;
  person?: number | null;
  /** Whose it is to do: an organisation, and the user's subject where one person is meant. */
  assigned: { organisation: number; worker: string | null };
  /** From the code list `task-kind`. */
  kind: string;
  title: string;
  dueOn: string;
  subject: Subject;
  /** What knowing of the task tells, beside that there is one: PHQ-9's is CLINICAL. */
  classes?: PersonalClass[];
  keptFrom?: number[];
};

/** Gives somebody a task. @returns its key. */
export async function addTask(
  tx: Transaction,
  client: Client,
  { assigned, classes, keptFrom, person, subject, ...given }: AddTask,
): Promise<number> {
  const [row] = await tx
    .insert(task)
    .values({
      ...given,
      person: person ?? null,
      controller: client.organisation.id,
      worker: assigned.worker,
      assigned: assigned.organisation,
      rowMask: Number(maskOf(classes ?? [])),
      keptFrom: keptFrom ?? [],
      subjectType: subject.type,
      subjectId: subject.id,
    })
    .returning({ id: task.id });
  return (row as { id: number }).id;
}
