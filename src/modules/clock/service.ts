/** What commands call, inside their transaction, where something falls due or is done. */
import { and, desc, eq, gt, isNull, lte, or, sql } from 'drizzle-orm';
import { maskOf, type PersonalClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import type { Transaction } from '../../db/transactions.ts';
import { type Calendar, calendarOf } from './calendar.ts';
import { dueOf, type Limit } from './rules.ts';
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

/** The timescale of this code in force on a day: the authority's own where it has one. @throws Error where there is none. */
export async function timescaleInForce(tx: Transaction, rule: string, on: string): Promise<InForce> {
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
  if (!found) throw new Error(`There is no timescale ${rule} in force on ${on}.`);
  return found;
}

/** England's bank holidays as the database has them. */
export async function calendarIn(tx: Transaction): Promise<Calendar> {
  const rows = await tx.select({ day: bankHoliday.day }).from(bankHoliday);
  return calendarOf(rows.map(({ day }) => day));
}

/**
 * Starts a clock. Where one of the same rule already runs for the subject it runs on: fifteen working days count from
 * the first strategy discussion, not from the latest.
 *
 * @returns when it is due; null, and no clock, where the authority has set no limit.
 * @throws OutsideCalendar where working days would have to be counted in a year whose bank holidays are not known.
 */
export async function startClock(
  tx: Transaction,
  client: Client,
  { rule, family, person, subject, from, assigned, worker }: StartClock,
): Promise<{ dueOn: string | null }> {
  const inForce = await timescaleInForce(tx, rule, from);
  const due = dueOf(inForce, from, await calendarIn(tx));
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
  const { rowCount } = await tx.update(clock).set({ metOn: on }).where(isRunning({ rule, subject }));
  return rowCount === 1;
}

/** What the clocks waited for is no longer to come (the plan ended, the referral was closed): without `rule`, all of the subject. */
export async function endClock(tx: Transaction, { on, ...which }: Omit<OfClock, 'rule'> & { rule?: string }): Promise<void> {
  await tx.update(clock).set({ endedOn: on }).where(isRunning(which));
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
