/** Whom a row is kept from: those its writer names, and those recorded as harming whoever tells. */
import { sql } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import { classOf } from '../db/classified.ts';
import type { Transaction } from '../db/transactions.ts';
import type { UserError } from './command.ts';
import { each, keysOf, membersNamed } from './members.ts';

/** The persons under `keptFrom` of an input. */
export async function keptFromNamed(
  tx: Transaction,
  family: number,
  ids: readonly string[] | null | undefined,
  errors: UserError[],
): Promise<number[]> {
  return keysOf(await membersNamed(tx, family, each('keptFrom', ids), errors), ids);
}

/**
 * Members of the family who are recorded as harming any of those who tell: a row that holds what they told is born kept from
 * them, and a manager lifts it (`liftKeptFrom`). The database answers, also where the writer may not read that record: what a
 * victim tells is kept from who harms them whoever writes it down.
 *
 * @param tellers whose words, or whose state in their own words, the row holds.
 */
export async function bornKeptFrom(tx: Transaction, family: number, tellers: readonly number[]): Promise<number[]> {
  if (tellers.length === 0) return [];
  const told = sql.raw(`array[${[...new Set(tellers)].map(Number).join(', ')}]::bigint[]`);
  const { rows } = await tx.execute<{ person: string }>(
    sql`select unnest(fsp.recorded_as_harming(${family}::bigint, ${told}))::text as person`,
  );
  return rows.map(({ person }) => Number(person));
}

/** Those named and those recorded, each once. */
export const together = (...persons: readonly (readonly number[])[]): number[] => [...new Set(persons.flat())];

/** An own row, and what belongs to it, is kept from these as well. Whom a manager has lifted it from stays lifted. */
export async function keepFrom(tx: Transaction, table: PgTable, id: number, persons: readonly number[]): Promise<void> {
  if (persons.length === 0) return;
  const whom = sql.raw(`array[${persons.map(Number).join(', ')}]::bigint[]`);
  await tx.execute(sql`select fsp.keep_from(${classOf(table).name}, ${id}::bigint, ${whom})`);
}
