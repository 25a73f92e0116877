/** Values that must be in a code list today. */
import { and, gt, inArray, isNull, lte, or } from 'drizzle-orm';
import type { Transaction } from '../db/transactions.ts';
import { code } from '../modules/sharing/tables.ts';
import type { UserError } from './command.ts';

export type Coded = { list: string; value: string | null | undefined; path: string[] };

/**
 * What of these values is in no code list on a day. A value that is not given is not wrong.
 *
 * @param day ISO date; a code that ended before it, or begins after it, is none.
 */
export async function checkCodes(tx: Transaction, day: string, coded: Coded[]): Promise<UserError[]> {
  const given = coded.filter(({ value }) => value !== null && value !== undefined);
  if (given.length === 0) return [];
  const rows = await tx
    .select({ list: code.list, code: code.code })
    .from(code)
    .where(
      and(
        inArray(code.list, [...new Set(given.map(({ list }) => list))]),
        lte(code.validFrom, day),
        or(isNull(code.validTo), gt(code.validTo, day)),
      ),
    );
  const known = new Set(rows.map((row) => `${row.list} ${row.code}`));
  return given
    .filter(({ list, value }) => !known.has(`${list} ${value}`))
    .map(({ list, value, path }) => ({
      code: 'INVALID',
      message: `${value} is not a code of the list ${list} on ${day}: codes(list: "${list}") { code label validFrom } has them.`,
      path,
    }));
}
