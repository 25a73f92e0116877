/** The persons whom an input names, as members of the family it is about. */
import type { Transaction } from '../db/transactions.ts';
import type { UserError } from './command.ts';
import { keyOf, notFound, visibleMembers } from './visible.ts';

/** An id, and where in `input` it stands. */
export type Named = { id: string; path: string[] };

/** A list of persons under one field: `persons`. */
export const each = (field: string, ids: readonly string[] | null | undefined): Named[] =>
  (ids ?? []).map((id, i) => ({ id, path: [field, String(i)] }));

/** The persons of a list of things under one field: `readings.0.person`. Things that name none are left out. */
export const eachOf = (field: string, things: readonly { person?: string | null }[] | null | undefined, of = 'person'): Named[] =>
  (things ?? []).flatMap(({ person }, i) => (person ? [{ id: person, path: [field, String(i), of] }] : []));

/** One person under one field, or nobody. */
export const one = (field: string, id: string | null | undefined): Named[] => (id ? [{ id, path: [field] }] : []);

/**
 * The keys of the persons named, by their ids. Who is no member of the family for the caller has none, and a fault in `errors` at
 * each place where they are named.
 *
 * @param family null: not known yet, so that nobody is a member.
 */
export async function membersNamed(
  tx: Transaction,
  family: number | null,
  named: readonly Named[],
  errors: UserError[],
): Promise<Map<string, number>> {
  const keys = new Map(named.map(({ id }) => [id, keyOf('Person', id)]));
  const known = [...keys.values()].filter((key) => key !== null);
  const members = family === null ? new Set<number>() : await visibleMembers(tx, family, known);
  for (const { id, path } of named) {
    const key = keys.get(id) ?? null;
    if (key !== null && members.has(key)) continue;
    keys.delete(id);
    errors.push(notFound('member of this family', ...path));
  }
  return new Map([...keys].flatMap(([id, key]) => (key === null ? [] : [[id, key] as const])));
}

/** The keys of some of them, each once. */
export const keysOf = (members: ReadonlyMap<string, number>, ids: readonly string[] | null | undefined): number[] => [
  ...new Set((ids ?? []).flatMap((id) => members.get(id) ?? [])),
];
