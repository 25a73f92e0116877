/** A mutation's way: one transaction on the organisation's login, at most one effect for each idempotency key. */
import { createHash } from 'node:crypto';
import { and, eq } from 'drizzle-orm';
import type { DataClass } from '../access/classes.ts';
import type { Client } from '../access/client.ts';
import { databaseError } from '../db/pools.ts';
import type { Transaction, Transactions } from '../db/transactions.ts';
import { PublicError } from '../errors.ts';
import { masteredElsewhere } from './masters.ts';
import { remarksOf } from './remarks.ts';
import { idempotency, outbox } from './tables.ts';

export type UserErrorCode = 'INVALID' | 'NOT_FOUND' | 'CONFLICT' | 'RULE';

/**
 * What the caller can mend.
 *
 * - `path`: where in `input`.
 * - `rule`: code of the rule that it breaks, as its source numbers it (a CIN census rule: `8805`).
 * - `currentVersion`: of a row that somebody else has changed meanwhile.
 */
export type UserError = { code: UserErrorCode; message: string; path: string[]; rule?: string; currentVersion?: number };

/** The key of what was written, or what the caller can mend; and what was written all the same, but looks wrong. */
export type CommandResult = {
  id: string | null;
  userErrors: UserError[];
  warnings: UserError[];
  once?: Record<string, string>;
  disclosed?: Disclosed;
};

/** What was written. `family` null: rows between organisations, or of the county's own house. */
export type Change = {
  action: string;
  entity: string;
  id: number;
  family: number | null;
  persons: number[];
  dataClasses: DataClass[];
};

/** Families and persons of whom a command told somebody something, beside what its payload shows. */
export type Disclosed = { families: number[]; persons: number[] };

/**
 * What a command decides: what to mend, or what it wrote.
 *
 * - `also`: what a batch wrote line by line.
 * - `disclosed`: of whom it told somebody else; it goes on record with the answer.
 * - `once`: values of its payload that are kept nowhere, and told in the first answer alone.
 */
export type Decision =
  | { userErrors: UserError[] }
  | { change: Change; also?: Change[]; warnings?: UserError[]; once?: Record<string, string>; disclosed?: Disclosed };

/**
 * Loads, decides by pure rules, writes; in the transaction it is given.
 *
 * @param now when it was asked: rules take the time from here and from nowhere else.
 */
export type Command = (tx: Transaction, input: Record<string, unknown>, client: Client, now: Date) => Promise<Decision>;

/** The fingerprint of an input by a user: the same for the same values in any order of keys. */
export function fingerprint(field: string, user: string | null, input: Record<string, unknown>): Buffer {
  const normal = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.map(normal)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(
            Object.entries(value)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([k, v]) => [k, normal(v)]),
          )
        : value;
  return createHash('sha256')
    .update(JSON.stringify([field, user, normal(input)]))
    .digest();
}

/** Thrown inside the transaction so that nothing of a refused command remains. */
class Refused extends Error {
  readonly userErrors: UserError[];
  constructor(userErrors: UserError[]) {
    super('The command was refused.');
    this.userErrors = userErrors;
  }
}

/**
 * Runs a command.
 *
 * @param now when it was asked; the demonstration tells of days that are past.
 * @throws PublicError when the database fails: whether the command took effect is then not known, and the same key
 *   asks again without a second effect.
 */
export async function runCommand(
  transactions: Transactions,
  commands: ReadonlyMap<string, Command>,
  field: string,
  input: Record<string, unknown>,
  client: Client,
  now = new Date(),
): Promise<CommandResult> {
  const command = commands.get(field);
  if (!command) throw new Error(`Mutation.${field} has no command.`);
  const { idempotencyKey, ...rest } = input as { idempotencyKey: string };
  if (idempotencyKey.length < 1 || idempotencyKey.length > 200) {
    const message = 'The key must have 1 to 200 characters.';
    return { id: null, userErrors: [{ code: 'INVALID', message, path: ['idempotencyKey'] }], warnings: [] };
  }
  const mark = fingerprint(field, client.user, rest);
  try {
    return await transactions.run(client.login.name, async (tx) => {
      // The key first: a second request with it waits here until the first has committed or rolled back.
      const claimed = await tx
        .insert(idempotency)
        .values({ organisation: client.organisation.id, client: client.id, key: idempotencyKey, fingerprint: mark, result: {} })
        .onConflictDoNothing();
      if (claimed.rowCount === 0) return replay(tx, idempotencyKey, mark, client);
      const decision = await command(tx, rest, client, now);
      if ('userErrors' in decision) throw new Refused(decision.userErrors);
      const { change } = decision;
      const elsewhere = await masteredElsewhere(tx, client, field, change.entity);
      if (elsewhere) throw new Refused([elsewhere]);
      const warnings = [...(decision.warnings ?? []), ...remarksOf(tx)];
      await tx.insert(outbox).values(
        [change, ...(decision.also ?? [])].map((each) => ({
          organisation: client.organisation.id,
          client: client.id,
          subject: client.user,
          purpose: client.purpose,
          requestId: client.requestId,
          action: each.action,
          entity: each.entity,
          entityId: each.id,
          family: each.family,
          persons: each.persons,
          dataClasses: each.dataClasses,
        })),
      );
      await tx
        .update(idempotency)
        .set({ result: { id: String(change.id), warnings } })
        .where(and(eq(idempotency.client, client.id), eq(idempotency.key, idempotencyKey)));
      const { once, disclosed } = decision;
      return { id: String(change.id), userErrors: [], warnings, ...(once ? { once } : {}), ...(disclosed ? { disclosed } : {}) };
    });
  } catch (error) {
    if (error instanceof Refused) return { id: null, userErrors: error.userErrors, warnings: [] };
    if (error instanceof PublicError) throw error;
    throw databaseError((error as { cause?: unknown }).cause ?? error);
  }
}

/** The payload is read anew, under today's rights; only what was written is remembered. */
async function replay(tx: Transaction, key: string, mark: Buffer, client: Client): Promise<CommandResult> {
  const [stored] = await tx
    .select()
    .from(idempotency)
    .where(and(eq(idempotency.client, client.id), eq(idempotency.key, key)));
  if (!stored?.fingerprint.equals(mark)) {
    const message = 'This key was used with other input, or by somebody else; choose a new key for a new request.';
    return { id: null, userErrors: [{ code: 'CONFLICT', message, path: ['idempotencyKey'] }], warnings: [] };
  }
  const { id = null, warnings = [] } = stored.result as { id?: string; warnings?: UserError[] };
  return { id, userErrors: [], warnings };
}
