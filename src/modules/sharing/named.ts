/** What the inputs of these commands name. */
import { and, eq, sql } from 'drizzle-orm';
import type { Agency } from '../../access/classes.ts';
import { type Client, hasRole } from '../../access/client.ts';
import { mayRead } from '../../access/decide.ts';
import { keyOf, personVisible } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { membership, unbornMembership } from '../family/tables.ts';
import { organisation } from './tables.ts';

/** Only who answers for the record closes it to colleagues, and opens what is closed to them. */
export const answersForRecord = (client: Client): boolean =>
  ['team-manager', 'information-governance'].some((role) => hasRole(client, role));

/** A list of words as an SQL array. */
export const words = (values: readonly string[]) => sql`array(select jsonb_array_elements_text(${JSON.stringify(values)}::jsonb))`;

/** The agency of an organisation; null where there is none by this id. */
export async function agencyOf(tx: Transaction, id: string | null | undefined): Promise<{ key: number; agency: Agency } | null> {
  const key = id ? keyOf('Organisation', id) : null;
  if (key === null) return null;
  const [row] = await tx.select({ agency: organisation.agency }).from(organisation).where(eq(organisation.id, key));
  return row ? { key, agency: row.agency } : null;
}

/** The key of a member of the family, born or not, whom the caller sees; null for anybody else. */
export async function memberOf(tx: Transaction, family: number, id: string | null | undefined, client: Client): Promise<number | null> {
  const key = id ? keyOf('Person', id) : null;
  if (key === null || !(await personVisible(tx, key, client))) return null;
  const belongs = async (table: typeof membership | typeof unbornMembership) =>
    (
      await tx
        .select({ id: table.id })
        .from(table as typeof membership)
        .where(and(eq(table.family, family), eq(table.person, key)))
    ).length > 0;
  return (await belongs(membership)) || (mayRead(client, 'CLINICAL').open !== false && (await belongs(unbornMembership))) ? key : null;
}

/**
 * Who may say who works with somebody whose whereabouts are protected: whoever is named with them, or answers for the record. Anybody else
 * would name themselves, or take the place of who is named. A record system holds the record whole.
 */
export async function maySayWho(tx: Transaction, client: Client, family: number, person: number | null): Promise<boolean> {
  if (person === null || answersForRecord(client) || client.purpose === 'RECORD_SYNC') return true;
  const { rowCount } = await tx.execute(sql`
    select from fsp.user_rule r where r.login = ${client.login.id}::bigint and r.kind = 'guarded' and r.family = ${family}::bigint
      and r.person is null and r.about = ${person}::bigint and r.starts <= now() and r.ends > now()
      and not exists (select from fsp.user_rule n where n.login = r.login and n.kind = 'named' and n.family = r.family and n.person is null
        and n.about = r.about and ${client.user}::text = any (n.subjects) and n.starts <= now() and n.ends > now())`);
  return rowCount === 0;
}
