/** The persons whom an input names, as members of the family it is about. */
import type { Transaction } from '../db/transactions.ts';
import type { UserError } from './command.ts';
import { keyOf, notFound, visibleMembers } from './visible.ts';

/**
 * The keys of persons, each once; who is no member of the family for the caller is said at the place where they are named.
 *
 * @param named ids, and where in `input` each of them stands.
 */
export async function membersNamed(
  tx: Transaction,
  family: number,
  named: readonly { id: string; path: string[] }[],
  errors: UserError[],
): Promise<number[]> {
  const keys = named.map(({ id }) => keyOf('Person', id));
  const known = keys.filter((key) => key !== null);
  const members = await visibleMembers(tx, family, known);
  keys.forEach((key, i) => {
    if (key === null || !members.has(key)) errors.push(notFound('member of this family', ...(named[i] as { path: string[] }).path));
  });
  return [...new Set(known)];
}

/** A list of persons under one field: `keptFrom`. */
export const each = (field: string, ids: readonly string[] | null | undefined) =>
  (ids ?? []).map((id, i) => ({ id, path: [field, String(i)] }));
