/** Making an extract for an evaluator, letting it out as a second person, and taking it back. The database asks again (`src/access/extract.sql`). */
import { and, eq, gte, isNotNull, lte, sql } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import type { Change, Command, Decision, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound } from '../../change/visible.ts';
import { derivedKey, type Transaction } from '../../db/transactions.ts';
import type { PrepareExtractInput, ReleaseExtractInput, WithdrawExtractInput } from '../../graphql/generated.ts';
import { LIMITS } from '../../limits.ts';
import { today } from '../clock/calendar.ts';
import { organisation } from '../sharing/tables.ts';
import { CHECK, extractOf, type Facts, followUp } from './rules.ts';
import { extract } from './tables.ts';

type Input<T> = Omit<T, 'idempotencyKey'>;

const by = (client: Client): string => client.userName ?? client.id;
const changed = (action: string, id: number): Change => ({
  action,
  entity: 'Extract',
  id,
  family: null,
  persons: [],
  dataClasses: ['RESEARCH'],
});
const rule = (code: string, message: string, path: string): UserError => ({ code: 'RULE', rule: code, message, path: [path] });

const REFUSED: Record<string, string> = {
  EXTRACT_STATUS: 'Somebody was quicker: look at it again.',
  EXTRACT_SECOND_PERSON: 'Who prepared it does not release it.',
  EXTRACT_CHECK: 'It did not pass the check: too few children have in common what may be known of them.',
  EXTRACT_OVERLAP: 'Its days overlap with those of another that its recipient was given: choose the very same days, or others.',
  EXTRACT_STALE: 'What may be told has changed since it was prepared: prepare it anew.',
};

/** The children who entered, some thousands at a time, each followed for so many days; null: more than an extract has. */
async function gather(tx: Transaction, from: string, until: string, days: number): Promise<Facts[] | null> {
  const all: Facts[] = [];
  for (let after = 0; ; after = all.at(-1)?.person ?? 0) {
    const { rows } = await tx.execute<{ facts: Facts[] }>(
      sql`select fsp.extract_facts(${from}::date, ${until}::date, ${days}::int, ${after}::bigint, ${LIMITS.extractChunk}::int) as facts`,
    );
    const found = rows[0]?.facts ?? [];
    all.push(...found);
    if (all.length > LIMITS.extractChildren) return null;
    if (found.length < LIMITS.extractChunk) return all;
  }
}

/**
 * Each recipient's pseudonyms have a key of their own, made of the servers' secret and kept nowhere: one recipient's extracts belong
 * together, two recipients' do not.
 */
const keyFor = (tx: Transaction, recipient: string): Buffer => derivedKey(tx, `extract pseudonyms ${recipient}`);

export const prepareExtract: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<PrepareExtractInput>;
  const { errors, rule: broken, text, past } = faults();
  text(input.purpose, 2_000, 'purpose');
  past(input.enteredUntil, now, 'enteredUntil');
  if (input.enteredFrom > input.enteredUntil) broken('PERIOD', 'The period ends before it begins.', 'enteredUntil');
  if (client.user === null) broken('EXTRACT_BY_PEOPLE', 'Somebody has to prepare it, so that somebody else can release it.', 'recipient');
  const key = keyOf('Organisation', input.recipient);
  const [recipient] = key === null ? [] : await tx.select().from(organisation).where(eq(organisation.id, key));
  if (!recipient) errors.push(notFound('organisation', 'recipient'));
  else if (recipient.agency !== 'EVALUATOR') broken('EXTRACT_RECIPIENT', 'An extract is for an evaluator.', 'recipient');
  if (errors.length > 0 || !recipient) return { userErrors: errors };
  const overlapping = await tx
    .select()
    .from(extract)
    .where(
      and(
        eq(extract.recipient, recipient.id),
        isNotNull(extract.releasedAt),
        lte(extract.enteredFrom, input.enteredUntil),
        gte(extract.enteredUntil, input.enteredFrom),
      ),
    );
  if (overlapping.some(({ enteredFrom, enteredUntil }) => enteredFrom !== input.enteredFrom || enteredUntil !== input.enteredUntil))
    return { userErrors: [rule('EXTRACT_OVERLAP', REFUSED.EXTRACT_OVERLAP as string, 'enteredFrom')] };
  const asAt = today(now);
  const days = followUp(input.enteredUntil, asAt);
  const all = await gather(tx, input.enteredFrom, input.enteredUntil, days);
  if (all === null) {
    const message = `An extract has at most ${LIMITS.extractChildren.toLocaleString('en-GB')} children: choose a shorter period.`;
    return { userErrors: [rule('EXTRACT_SIZE', message, 'enteredUntil')] };
  }
  const before = await tx.execute<{ child: string; given: string }>(sql`select child, given from fsp.given_before(${recipient.id})`);
  const given = new Map(before.rows.map((row) => [row.child, row.given]));
  const { rows, children, report } = extractOf(all, keyFor(tx, recipient.code), given);
  const made = await tx.execute<{ id: string }>(
    sql`select fsp.file_extract(${recipient.id}, ${input.purpose}, ${input.enteredFrom}::date, ${input.enteredUntil}::date, ${asAt}::date, ${days}::int,
      ${JSON.stringify({ ...report, k: CHECK.k, children })}::jsonb, ${by(client)}, ${client.user}) as id`,
  );
  const id = Number(made.rows[0]?.id);
  for (let at = 0; at < rows.length; at += LIMITS.extractChunk)
    await tx.execute(sql`select fsp.fill_extract(${id}::bigint, ${JSON.stringify(rows.slice(at, at + LIMITS.extractChunk))}::jsonb)`);
  return { change: changed('prepareExtract', id) };
};

const STANDS = {
  PREPARED: 'It was not released yet.',
  RELEASED: 'It was released already.',
  WITHDRAWN: 'It was withdrawn.',
} as const;

/** The extract that an input names, of the caller's own county, for update. */
async function found(tx: Transaction, id: string) {
  const key = keyOf('Extract', id);
  const [row] = key === null ? [] : await tx.select().from(extract).where(eq(extract.id, key));
  return row ?? null;
}

type Released = { refused: string } | { families: number[]; persons: number[] };

export const releaseExtract: Command = async (tx, raw, client): Promise<Decision> => {
  const input = raw as unknown as Input<ReleaseExtractInput>;
  const row = await found(tx, input.extract);
  if (!row) return { userErrors: [notFound('extract', 'extract')] };
  if (row.status !== 'PREPARED') return { userErrors: [rule('EXTRACT_STATUS', STANDS[row.status], 'extract')] };
  if (client.user === null) return { userErrors: [rule('EXTRACT_SECOND_PERSON', 'Somebody has to release it.', 'extract')] };
  const { rows } = await tx.execute<{ done: Released }>(
    sql`select fsp.release_extract(${row.id}::bigint, ${by(client)}, ${client.user}) as done`,
  );
  const done = rows[0]?.done as Released;
  if ('refused' in done) return { userErrors: [rule(done.refused, REFUSED[done.refused] as string, 'extract')] };
  return { change: changed('releaseExtract', row.id), disclosed: done };
};

export const withdrawExtract: Command = async (tx, raw, client) => {
  const input = raw as unknown as Input<WithdrawExtractInput>;
  const { errors, text } = faults();
  text(input.reason, 2_000, 'reason');
  const row = await found(tx, input.extract);
  if (!row) errors.push(notFound('extract', 'extract'));
  else if (row.status === 'WITHDRAWN') errors.push(rule('EXTRACT_STATUS', 'It was withdrawn already.', 'extract'));
  if (errors.length > 0 || !row) return { userErrors: errors };
  await tx.execute(sql`select fsp.withdraw_extract(${row.id}::bigint, ${input.reason}, ${by(client)})`);
  return { change: changed('withdrawExtract', row.id) };
};
