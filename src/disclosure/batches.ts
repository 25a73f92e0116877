/** The batches of the disclosure record, in the order of their chains: from the database, or from a month's archive. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type pg from 'pg';
import { z } from 'zod';

export type StoredBatch = {
  month: string;
  chain: string;
  sequence: number;
  at: Date;
  previous: Buffer;
  hash: Buffer;
  count: number;
  records: string;
};

/** The last batch of a chain. */
export type Head = { chain: string; sequence: number; hash: string };

type Row = Omit<StoredBatch, 'sequence'> & { sequence: string };

/** Reads the database's batches as its owner; of one month where it is named. */
export async function* batchesOf(client: pg.Client, month: string | null = null): AsyncGenerator<StoredBatch> {
  let after: [string, string, number] = ['-infinity', '00000000-0000-0000-0000-000000000000', -1];
  for (;;) {
    const { rows } = await client.query<Row>(
      `select month::text, chain, sequence, at, previous, hash, count, records from fsp.disclosure
       where (month, chain, sequence) > ($1, $2, $3) and ($4::date is null or month = $4) order by month, chain, sequence limit 200`,
      [...after, month],
    );
    for (const row of rows) yield { ...row, sequence: Number(row.sequence) };
    const last = rows.at(-1);
    if (!last) return;
    after = [last.month, last.chain, Number(last.sequence)];
  }
}

const hex = z.string().regex(/^[0-9a-f]{64}$/);

export const HeadLine = z.object({ chain: z.uuid(), sequence: z.number().int().min(0), hash: hex });

const BatchLine = z.object({
  month: z.iso.date(),
  chain: z.uuid(),
  sequence: z.number().int().min(0),
  at: z.iso.datetime(),
  previous: hex,
  hash: hex,
  count: z.number().int(),
  records: z.string(),
});

const LastLine = z.object({ batches: z.number().int(), heads: z.array(HeadLine) });

/** A batch as a line of an archive. */
export function batchLine({ previous, hash, ...batch }: StoredBatch): string {
  return JSON.stringify({ ...batch, previous: previous.toString('hex'), hash: hash.toString('hex') });
}

/** An archive's last line, without which it is not whole. */
export const lastLine = (batches: number, heads: Head[]): string => JSON.stringify({ batches, heads });

/**
 * Reads an archive.
 *
 * @throws when a line is none of an archive's, or the last one does not fit what stands before it.
 */
export async function* batchesIn(file: string): AsyncGenerator<StoredBatch> {
  const heads = new Map<string, Head>();
  let batches = 0;
  let end: z.infer<typeof LastLine> | null = null;
  const parsed = <T>(schema: z.ZodType<T>, line: string): T | null => {
    try {
      return schema.parse(JSON.parse(line));
    } catch {
      return null;
    }
  };
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const batch = end ? null : parsed(BatchLine, line);
    if (batch) {
      batches++;
      heads.set(batch.chain, { chain: batch.chain, sequence: batch.sequence, hash: batch.hash });
      const { at, previous, hash } = batch;
      yield { ...batch, at: new Date(at), previous: Buffer.from(previous, 'hex'), hash: Buffer.from(hash, 'hex') };
      continue;
    }
    const last: z.infer<typeof LastLine> | null = end ? null : parsed(LastLine, line);
    if (!last) throw new Error(`Line ${batches + 1} of ${file} is not one that disclosure:archive wrote.`);
    end = last;
  }
  if (!end) throw new Error(`${file} has lost its end: it has no last line.`);
  const same = end.batches === batches && JSON.stringify(end.heads) === JSON.stringify([...heads.values()]);
  if (!same) throw new Error(`${file} does not hold the batches that its last line tells of.`);
}
