/** Taking what is wrong out of the record, and reading that it was. */
import { sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { RETRACTABLE, typeOfTable } from '../../access/retractable.ts';
import { conflict } from '../../change/amend.ts';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound, visibleRow } from '../../change/visible.ts';
import { classifiedTables } from '../../db/classified.ts';
import type { AcknowledgeRecallInput, RetractEntryInput } from '../../graphql/generated.ts';
import { decodeId } from '../../read/ids.ts';
import { type RetractionReason, recallNotice } from './tables.ts';

type Retractable = PgTable & { id: PgColumn };
type Row = { id: number; family: number | null; controller: number; version: number };

/** What can be taken out, by its GraphQL type. */
const tables = (): Map<string, Retractable> =>
  new Map(
    classifiedTables()
      .filter(({ name }) => (RETRACTABLE as readonly string[]).includes(name))
      .map(({ name, table }) => [typeOfTable(name), table as Retractable]),
  );

/** What those who were shown it are told: what to do, and nothing of what it said. */
const TOLD: Record<RetractionReason, string> = {
  WRONG_PERSON: 'Something in a record that was open to you was about another person. It has been taken out.',
  WRONG_FAMILY: 'Something in a record that was open to you was of another family. It has been taken out.',
  UNSAFE: 'Something in a record that was open to you was not safe to be read. It has been taken out.',
};
const AND_DO = ' Delete what you kept of it, tell those to whom you passed it on, and do not rely on it.';

/** Raised by the database where something rests on the row that is not to go with it. */
const RESTS_ON_IT = 'FS001';

const codeOf = (error: unknown): string | undefined => {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code ?? (cause ? codeOf(cause) : undefined);
};

export const retractEntry: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<RetractEntryInput, 'idempotencyKey'>;
  const { errors, text } = faults();
  text(input.explanation, 2_000, 'explanation');
  const { type } = decodeId(input.entry);
  const table = tables().get(type);
  const key = keyOf(type, input.entry);
  const row = table ? ((await visibleRow(tx, table, key, client)) as Row | null) : null;
  // What is another organisation's is theirs to take out.
  if (!table || row?.controller !== client.organisation.id)
    return { userErrors: [...errors, notFound('row of yours that can be taken out', 'entry')] };
  if (errors.length > 0) return { userErrors: errors };
  if (row.version !== input.expectedVersion) return { userErrors: [conflict(row.version)] };
  const name = RETRACTABLE.find((each) => typeOfTable(each) === type) as string;
  const by = client.userName ?? client.id;
  let id: string | null;
  try {
    const { rows } = await tx.execute<{ id: string | null }>(
      sql`select fsp.retract(${name}, ${row.id}::bigint, ${input.expectedVersion}::integer, ${input.reason}, ${input.explanation}, ${by}, ${client.user}, ${TOLD[input.reason] + AND_DO}) as id`,
    );
    id = rows[0]?.id ?? null;
  } catch (error) {
    if (codeOf(error) !== RESTS_ON_IT) throw error;
    const message = 'Something that people are safe by rests on it: end that first, or put it on record anew.';
    return { userErrors: [{ code: 'RULE', rule: 'RESTS_ON_IT', message, path: ['entry'] }] };
  }
  if (id === null) return { userErrors: [conflict(row.version + 1)] };
  return {
    change: { action: 'retractEntry', entity: 'Retraction', id: Number(id), family: row.family, persons: [], dataClasses: ['OPERATION'] },
  };
};

export const acknowledgeRecall: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<AcknowledgeRecallInput, 'idempotencyKey'>;
  const row = await visibleRow(tx, recallNotice, keyOf('RecallNotice', input.notice), client);
  if (!row) return { userErrors: [notFound('recall', 'notice')] };
  const { rows } = await tx.execute<{ said: boolean }>(
    sql`select fsp.acknowledge_recall(${row.id}::bigint, ${client.userName ?? client.id}, ${client.user}) as said`,
  );
  if (!rows[0]?.said)
    return { userErrors: [{ code: 'RULE', rule: 'ACKNOWLEDGED', message: 'It was acknowledged already.', path: ['notice'] }] };
  return {
    change: { action: 'acknowledgeRecall', entity: 'RecallNotice', id: row.id, family: null, persons: [], dataClasses: ['SHARING'] },
  };
};
