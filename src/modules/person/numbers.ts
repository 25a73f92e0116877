/** Numbers that are to be one person's: NHS number and unique pupil number. */
import { eq, sql } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import type { UserError } from '../../change/command.ts';
import { visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { plainNhsNumber } from './identifiers.ts';
import { personNhsNumber, personUpn } from './tables.ts';

export type Numbers = { nhsNumber?: string | null; upn?: string | null };

/**
 * Says which of these numbers somebody else has whom the caller sees. Of somebody whom the caller does not see it says
 * nothing: the number is taken, and the database notes the match for information governance.
 *
 * @param person who is to have the numbers; null for somebody new.
 */
export async function takenNumbers(
  tx: Transaction,
  { nhsNumber, upn }: Numbers,
  person: number | null,
  client: Client,
  ...path: (string | number)[]
): Promise<UserError[]> {
  const errors: UserError[] = [];
  // The record of a child before an adoption has nobody's number any more.
  const { rows: before } = await tx.execute<{ person: string }>(
    sql`select r.person::text as person from fsp.user_rule r where r.login = ${client.login.id} and r.kind = 'adoption' and r.person is not null`,
  );
  const ended = new Set(before.map((row) => Number(row.person)));
  const others = (rows: { person: number }[]) => rows.some((row) => row.person !== person && !ended.has(row.person));
  const words = 'Somebody whom you see has this number: add that person to the family, or find which of the two is wrong.';
  if (nhsNumber && others(await visibleRows(tx, personNhsNumber, eq(personNhsNumber.nhsNumber, plainNhsNumber(nhsNumber)), client)))
    errors.push({ code: 'CONFLICT', message: words, path: [...path, 'nhsNumber'].map(String) });
  if (upn && others(await visibleRows(tx, personUpn, eq(personUpn.upn, upn), client)))
    errors.push({ code: 'CONFLICT', message: words, path: [...path, 'upn'].map(String), rule: '1520' });
  return errors;
}
