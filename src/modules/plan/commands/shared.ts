/** What the commands about plans and the legal path have in common. */
import { eq } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { DataClass } from '../../../access/classes.ts';
import type { Client } from '../../../access/client.ts';
import { conflict } from '../../../change/amend.ts';
import { checkCodes } from '../../../change/codes.ts';
import type { Command, Decision, UserError } from '../../../change/command.ts';
import { keyOf, notFound, visibleRow } from '../../../change/visible.ts';
import type { Transaction } from '../../../db/transactions.ts';
import { endClock, meetClock, type StartClock, startClock } from '../../clock/service.ts';
import { historyOf, isLenient, pathOf } from '../history.ts';
import { type History, INTENSITY, isQuorate, judge, nextReviewRule, previousPlans } from '../rules.ts';
import { oneAtATime } from '../stage.ts';
import { plan, planCategory, planEnd } from '../tables.ts';

/** A command's input without its idempotency key. */
export type In<T> = Omit<T, 'idempotencyKey'>;

/** A command whose input is of this type. */
export const command =
  <T>(decide: (tx: Transaction, input: In<T>, client: Client, now: Date) => Promise<Decision>): Command =>
  (tx, input, client, now) =>
    decide(tx, input as unknown as In<T>, client, now);

/** Writes a row and gives its key. */
export async function write<T extends PgTable & { id: PgColumn }>(tx: Transaction, table: T, values: T['$inferInsert']): Promise<number> {
  const [row] = await tx
    .insert(table as PgTable)
    .values(values as never)
    .returning({ id: table.id });
  return (row as { id: number }).id;
}

/** Writes the row of a side table, or what it says now. `by`: its key. */
export async function writeSide<T extends PgTable>(tx: Transaction, table: T, by: PgColumn, row: T['$inferInsert']): Promise<void> {
  const key = (row as Record<string, number>)[keyName(table, by)] as number;
  const changed = await tx
    .update(table as PgTable)
    .set(row as never)
    .where(eq(by, key));
  if (changed.rowCount === 0) await tx.insert(table as PgTable).values(row as never);
}

const keyName = (table: PgTable, by: PgColumn): string => Object.entries(table).find(([, column]) => column === by)?.[0] ?? by.name;

/** The row that an input names, at the version its caller read; or what to mend. */
export async function rowIn<T extends PgTable & { id: PgColumn; version: PgColumn }>(
  tx: Transaction,
  client: Client,
  table: T,
  type: string,
  field: string,
  id: string,
  expectedVersion?: number,
): Promise<{ row: T['$inferSelect'] } | { userErrors: UserError[] }> {
  const row = await visibleRow(tx, table, keyOf(type, id), client);
  if (!row)
    return {
      userErrors: [
        notFound(
          field.replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`),
          field,
        ),
      ],
    };
  const { version } = row as { version: number };
  if (expectedVersion !== undefined && version !== expectedVersion) return { userErrors: [conflict(version)] };
  return { row };
}

/** The row of a child that an input names, read when nobody else decides about the child any more. */
export async function childRowIn<T extends PgTable & { id: PgColumn; version: PgColumn; person: PgColumn }>(
  tx: Transaction,
  client: Client,
  table: T,
  type: string,
  field: string,
  id: string,
  expectedVersion: number,
): Promise<{ row: T['$inferSelect'] } | { userErrors: UserError[] }> {
  const found = await rowIn(tx, client, table, type, field, id);
  if ('userErrors' in found) return found;
  await oneAtATime(tx, 'person', (found.row as { person: number }).person);
  return rowIn(tx, client, table, type, field, id, expectedVersion);
}

/** The same of a family's row. */
export async function familyRowIn<T extends PgTable & { id: PgColumn; version: PgColumn; family: PgColumn }>(
  tx: Transaction,
  client: Client,
  table: T,
  type: string,
  field: string,
  id: string,
  expectedVersion: number,
): Promise<{ row: T['$inferSelect'] } | { userErrors: UserError[] }> {
  const found = await rowIn(tx, client, table, type, field, id);
  if ('userErrors' in found) return found;
  await oneAtATime(tx, 'family', (found.row as { family: number }).family);
  return rowIn(tx, client, table, type, field, id, expectedVersion);
}

/**
 * Judges a change of a child's history by the census' rules; the child is locked to the end of the transaction, so that
 * nobody else decides about the child meanwhile.
 */
export async function judged(
  tx: Transaction,
  client: Client,
  { person, historical }: { person: number; historical?: boolean | null | undefined },
  change: (history: History) => History,
  { fields = {}, otherwise }: { fields?: Record<string, string>; otherwise: string },
): Promise<{ errors: UserError[]; warnings: UserError[]; history: History }> {
  await oneAtATime(tx, 'person', person);
  const history = await historyOf(tx, client, person);
  const said = judge(history, change(history), {
    lenient: isLenient(client, { historical: historical ?? false }),
    path: pathOf(fields, otherwise),
  });
  return { ...said, history };
}

/** Runs a clock where the law or the authority sets a time. @returns when it is due. */
export const runClock = async (tx: Transaction, client: Client, clock: StartClock): Promise<string | null> =>
  (await startClock(tx, client, clock)).dueOn;

/** What an error of the census tells of a change that was made all the same, or nothing. */
export const done = (
  action: string,
  entity: string,
  id: number,
  { family, persons }: { family: number; persons: number[] },
  dataClasses: DataClass[],
  warnings: UserError[] = [],
): Decision => ({ change: { action, entity, id, family, persons, dataClasses }, warnings });

export type OfChild = { family: number; person: number };

/** Clocks that begin with a plan of a kind, beside that of its first review. */
const WITH_PLAN: Record<string, string[]> = {
  CHILD_PROTECTION: ['ICPC_TO_CORE', 'CP_VISIT'],
  CHILD_IN_NEED: ['CIN_FIRST_MEETING', 'CIN_VISIT'],
};

/** Begins a plan: its row, its category, its clocks. What the rules say of it is judged before. */
export async function beginPlan(
  tx: Transaction,
  client: Client,
  { family, person }: OfChild,
  given: { kind: string; started: string; category?: string | null | undefined; nextReviewDue?: string | null | undefined },
  history: History,
): Promise<number> {
  const owned = { family, person, controller: client.organisation.id };
  const { kind, started, category } = given;
  const id = await write(tx, plan, {
    ...owned,
    kind,
    status: 'OPEN',
    started,
    nextReviewDue: given.nextReviewDue ?? null,
    previousPlans: kind === 'CHILD_PROTECTION' ? previousPlans(history.plans, started) : null,
  });
  if (category) await tx.insert(planCategory).values({ ...owned, plan: id, category, initial: category });
  const subject = { type: 'Plan', id };
  for (const rule of WITH_PLAN[kind] ?? []) await runClock(tx, client, { rule, family, person, subject, from: started });
  const review = nextReviewRule(kind, 0);
  const due = review === null ? null : await runClock(tx, client, { rule: review, family, person, subject, from: started });
  if (due && !given.nextReviewDue) await tx.update(plan).set({ nextReviewDue: due }).where(eq(plan.id, id));
  return id;
}

/** Ends a plan: its row, its reason, its clocks. */
export async function finishPlan(
  tx: Transaction,
  client: Client,
  row: { id: number; family: number; person: number },
  ended: string,
  reason: string,
): Promise<void> {
  await tx.update(plan).set({ status: 'ENDED', ended }).where(eq(plan.id, row.id));
  await tx.insert(planEnd).values({ plan: row.id, family: row.family, person: row.person, controller: client.organisation.id, reason });
  await endClock(tx, { subject: { type: 'Plan', id: row.id }, on: ended });
}

/** What of a plan to begin is wrong beside the rules of the census. */
export async function planFaults(
  tx: Transaction,
  { kind, started, category }: { kind: string; started: string; category?: string | null | undefined },
): Promise<UserError[]> {
  const errors = await checkCodes(tx, started, [{ list: 'category-of-abuse', value: category, path: ['category'] }]);
  if (category && kind !== 'CHILD_PROTECTION')
    errors.push({ code: 'INVALID', message: 'Only a child protection plan has a category of abuse.', path: ['category'] });
  if (!INTENSITY.includes(kind)) errors.push({ code: 'INVALID', message: 'There is no such kind of plan.', path: ['kind'] });
  return errors;
}

/** The agencies at a meeting: each a code, none twice. */
export const attendance = (attended: string[]) =>
  attended.map((value, i) => ({ list: 'attending-agency', value, path: ['attended', String(i)] }));

export const wrong = (message: string, ...path: string[]): UserError => ({ code: 'INVALID', message, path });

export { endClock, isQuorate, meetClock };
