/** What a command may lean on: the rows that its caller could have read, under the same rules as a read. */
import { and, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import type { Client } from '../access/client.ts';
import { mayRead } from '../access/decide.ts';
import { familyEntry, personEntry, rowEntry, rowPredicates, USER, unguarded } from '../access/predicates.ts';
import { classOf } from '../db/classified.ts';
import type { Transaction } from '../db/transactions.ts';
import { membership } from '../modules/family/tables.ts';
import { decodeId } from '../read/ids.ts';
import type { UserError } from './command.ts';

/** Types whose key is 32-bit; every other key is exact in a double. What is beyond is nobody's. */
const SMALL_KEYS = new Set(['Service', 'Programme', 'Organisation', 'OutcomeIndicator', 'GroupProgramme', 'GroupSession', 'ServiceFeed']);

/** The key in an id of this type; null for an id of another. @throws PublicError BAD_ID for what is not an id. */
export function keyOf(type: string, id: string): number | null {
  const decoded = decodeId(id);
  const key = Number(decoded.key);
  return decoded.type === type && key <= 2 ** 53 && (!SMALL_KEYS.has(type) || key < 2 ** 31) ? key : null;
}

/** A plan's predicates for drizzle, with the user bound where a plan binds it. */
function bound(predicates: string[], client: Client): SQL {
  const pieces = predicates
    .join(' and ')
    .split(USER)
    .map((piece) => sql.raw(piece));
  return sql.join(pieces, sql`${client.user}::text`);
}

/** Whether the caller may enter the family now. One that is hidden and one that never was read alike. */
export async function familyVisible(tx: Transaction, family: number, client: Client): Promise<boolean> {
  const found = await tx.execute(
    sql`select from fsp.family_grant g where g.family = ${family} and ${bound(familyEntry(client, 'g'), client)}`,
  );
  return found.rowCount === 1;
}

/** Whether the caller sees the person now. */
export async function personVisible(tx: Transaction, person: number, client: Client): Promise<boolean> {
  const found = await tx.execute(
    sql`select from fsp.person_grant g where g.person = ${person} and ${bound(personEntry(client, 'g'), client)}`,
  );
  return found.rowCount === 1;
}

/** Whether protected whereabouts of a family, or of a person whom the caller sees, leave it open to the caller where they are. */
export async function whereaboutsOpen(tx: Transaction, of: 'family' | 'person', key: number, client: Client): Promise<boolean> {
  const rule = unguarded(client, 'WHEREABOUTS', of, 'asked.key');
  if (rule === null) return true;
  const found = await tx.execute(sql`select from (select ${key}::bigint as key) asked where ${bound([rule], client)}`);
  return found.rowCount === 1;
}

type Keyed = PgTable & { id: PgColumn };

/** The row of a table of people by its key, as the caller could have read it; null for what is hidden and what never was. */
export async function visibleRow<T extends Keyed>(
  tx: Transaction,
  table: T,
  key: number | null,
  client: Client,
): Promise<T['$inferSelect'] | null> {
  if (key === null) return null;
  const entry = classOf(table);
  // A table of a class that is never for the agency may not even be named by it.
  if (mayRead(client, entry.dataClass).open === false) return null;
  const predicates = [...rowPredicates(entry, entry.name, client), ...rowEntry(entry, entry.name, client)];
  const open = predicates.length > 0 ? bound(predicates, client) : undefined;
  const rows = await tx
    .select()
    .from(table as PgTable)
    .where(and(eq(table.id, key), open));
  return (rows[0] as T['$inferSelect'] | undefined) ?? null;
}

/** The rows of a table of people that the caller could have read, among those that `where` chooses. */
export async function visibleRows<T extends PgTable>(
  tx: Transaction,
  table: T,
  where: SQL | undefined,
  client: Client,
): Promise<T['$inferSelect'][]> {
  const entry = classOf(table);
  const predicates = rowPredicates(entry, entry.name, client);
  const open = predicates.length > 0 ? bound(predicates, client) : undefined;
  return (await tx
    .select()
    .from(table as PgTable)
    .where(and(where, open))) as T['$inferSelect'][];
}

/** The members of a family whom the caller sees, among the persons named. */
export async function visibleMembers(tx: Transaction, family: number, persons: number[]): Promise<Set<number>> {
  if (persons.length === 0) return new Set();
  const rows = await tx
    .select({ person: membership.person })
    .from(membership)
    .where(and(eq(membership.family, family), inArray(membership.person, persons)));
  return new Set(rows.map(({ person }) => person));
}

/** The same words for what is not there and what is not the caller's to see. */
export const notFound = (what: string, ...path: string[]): UserError => ({
  code: 'NOT_FOUND',
  message: `There is no such ${what} for you.`,
  path,
});
