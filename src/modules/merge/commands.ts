/** Finding that two persons are one, and that they are two after all. */
import { sql } from 'drizzle-orm';
import { ADOPTION_ROLE } from '../../access/agreement.ts';
import { type Client, hasRole } from '../../access/client.ts';
import { conflict } from '../../change/amend.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, personVisible, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { MergePersonsInput, ProposeMergeInput, RecordAdoptionInput, UnmergePersonsInput } from '../../graphql/generated.ts';
import { memberOf } from '../sharing/named.ts';
import { checkConfirmation, checkProposal, checkUnmerge } from './rules.ts';
import { personMerge } from './tables.ts';

const changed = (action: string, id: number, persons: number[]) => ({
  change: { action, entity: 'PersonMerge', id, family: null, persons, dataClasses: ['SHARING' as const] },
});

export const proposeMerge: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<ProposeMergeInput, 'idempotencyKey'>;
  const errors = checkProposal(input, client.user);
  const keys: number[] = [];
  for (const field of ['survivor', 'merged'] as const) {
    const key = keyOf('Person', input[field]);
    if (key === null || !(await personVisible(tx, key, client))) errors.push(notFound('person', field));
    else keys.push(key);
  }
  const [survivor, merged] = keys;
  if (errors.length > 0 || survivor === undefined || merged === undefined) return { userErrors: errors };
  const { rows } = await tx.execute<{ id: string | null }>(
    sql`select fsp.propose_merge(${survivor}::bigint, ${merged}::bigint, ${input.reason}, ${client.user}, ${client.userName ?? client.id}) as id`,
  );
  const id = rows[0]?.id;
  if (!id)
    return { userErrors: [{ code: 'RULE', rule: 'MERGE_ONCE', message: 'They are one already, or that is proposed.', path: ['merged'] }] };
  return changed('proposeMerge', Number(id), keys);
};

const what = 'merge';
type Found = { row: typeof personMerge.$inferSelect } | { userErrors: UserError[] };

async function found(tx: Transaction, client: Client, id: string, expectedVersion: number): Promise<Found> {
  const row = await visibleRow(tx, personMerge, keyOf('PersonMerge', id), client);
  if (!row) return { userErrors: [notFound(what, what)] };
  return row.version === expectedVersion ? { row } : { userErrors: [conflict(row.version)] };
}

export const mergePersons: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<MergePersonsInput, 'idempotencyKey'>;
  const at = await found(tx, client, input.merge, input.expectedVersion);
  if ('userErrors' in at) return at;
  const errors = checkConfirmation(at.row, client.user);
  if (errors.length > 0) return { userErrors: errors };
  const { id, survivor, merged } = at.row;
  const { rows } = await tx.execute<{ done: boolean }>(
    sql`select fsp.merge_persons(${id}::bigint, ${client.user}, ${client.userName ?? client.id}) as done`,
  );
  if (!rows[0]?.done) return { userErrors: [conflict(at.row.version + 1)] };
  return changed('mergePersons', id, [survivor, merged]);
};

export const unmergePersons: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<UnmergePersonsInput, 'idempotencyKey'>;
  const { errors, text } = faults();
  text(input.reason, 2_000, 'reason');
  const at = await found(tx, client, input.merge, input.expectedVersion);
  if ('userErrors' in at) return { userErrors: [...errors, ...at.userErrors] };
  errors.push(...checkUnmerge(at.row));
  if (errors.length > 0) return { userErrors: errors };
  const { id, survivor, merged } = at.row;
  const { rows } = await tx.execute<{ done: boolean }>(
    sql`select fsp.unmerge_persons(${id}::bigint, ${input.reason}, ${client.user}, ${client.userName ?? client.id}) as done`,
  );
  if (!rows[0]?.done) return { userErrors: [conflict(at.row.version + 1)] };
  return changed('unmergePersons', id, [survivor, merged]);
};

const UNMET: Record<string, string> = {
  ADOPTION_RESTRICTION: 'Restrict the family first, for the cause ADOPTION.',
  MERGED: 'Two records of the child are one: take them apart first, and say it of each.',
  ADOPTION_ONCE: 'It is on record already.',
};

export const recordAdoption: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordAdoptionInput, 'idempotencyKey'>;
  const { errors, text, past, rule } = faults();
  text(input.reason, 2_000, 'reason');
  past(input.orderedOn, now, 'orderedOn');
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const person = await memberOf(tx, family, input.person, client);
  if (person === null) errors.push(notFound('member of this family', 'person'));
  if (!hasRole(client, ADOPTION_ROLE)) rule('ADOPTION_ROLE', 'Who has the adoption role does this.', 'person');
  if (client.user === null) rule('USER', 'A user does this: sign in.', 'person');
  if (errors.length > 0 || person === null) return { userErrors: errors };
  const { rows } = await tx.execute<{ unmet: string | null }>(
    sql`select fsp.record_adoption(${family}::bigint, ${person}::bigint, ${input.orderedOn}::date, ${input.reason}, ${client.user}) as unmet`,
  );
  const unmet = rows[0]?.unmet;
  if (unmet) return { userErrors: [{ code: 'RULE', rule: unmet, message: UNMET[unmet] as string, path: ['person'] }] };
  return { change: { action: 'recordAdoption', entity: 'Person', id: person, family, persons: [person], dataClasses: ['SHARING'] } };
};
