/** Changing a row that others may be changing too. */
import { and, eq } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Client } from '../access/client.ts';
import type { Transaction } from '../db/transactions.ts';
import type { UserError } from './command.ts';
import { notFound, visibleRow } from './visible.ts';

type Versioned = PgTable & { id: PgColumn; version: PgColumn };

/** The words for a row that somebody else has changed since the caller read it. */
export const conflict = (currentVersion: number): UserError => ({
  code: 'CONFLICT',
  message: `Somebody else has changed this meanwhile: it is at version ${currentVersion} now. Read it again and decide anew.`,
  path: ['expectedVersion'],
  currentVersion,
});

/**
 * Changes a row of a table of people, if it is still at the version that the caller read. The database counts the version
 * and keeps what the row was before.
 *
 * @param what how the caller names such a row, and where in `input` its id stands: for the words of a refusal.
 * @returns what the caller can mend; null when the row was changed.
 */
export async function amend<T extends Versioned>(
  tx: Transaction,
  client: Client,
  table: T,
  key: number | null,
  expectedVersion: number,
  set: Partial<T['$inferInsert']>,
  what: { name: string; path: string[] },
): Promise<UserError | null> {
  const row = await visibleRow(tx, table, key, client);
  if (!row) return notFound(what.name, ...what.path);
  const changed = await tx
    .update(table as PgTable)
    .set(set as never)
    .where(and(eq(table.id, key), eq(table.version, expectedVersion)));
  if (changed.rowCount === 1) return null;
  const now = (await visibleRow(tx, table, key, client)) as { version: number } | null;
  // Visible, at the version asked for, and still not changed: it is another organisation's to change.
  if (!now || now.version === expectedVersion) return notFound(`${what.name} of yours`, ...what.path);
  if (now.version < expectedVersion)
    return {
      code: 'INVALID',
      message: `There is no version ${expectedVersion} of it yet: it is at version ${now.version}.`,
      path: ['expectedVersion'],
    };
  return conflict(now.version);
}
