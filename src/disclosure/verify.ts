/** Proves the disclosure record: every batch's hash, every chain without a gap. */
import type pg from 'pg';
import { chainHash } from './recorder.ts';

export type Fault = { chain: string; sequence: number; what: string };

export type Verified = {
  chains: number;
  batches: number;
  records: number;
  heads: { chain: string; sequence: number; hash: string }[];
  fault: Fault | null;
};

type Row = { chain: string; sequence: string; previous: Buffer; hash: Buffer; count: number; records: string };

/**
 * Reads all chains in order, as the owner.
 *
 * @param heads heads kept elsewhere: a chain that ends before its head has lost its tail.
 */
export async function verifyDisclosures(
  client: pg.Client,
  heads: { chain: string; sequence: number; hash: string }[] = [],
): Promise<Verified> {
  const found: Verified = { chains: 0, batches: 0, records: 0, heads: [], fault: null };
  let last: { chain: string; sequence: number; hash: Buffer } | null = null;
  const keep = () => {
    if (last) found.heads.push({ chain: last.chain, sequence: last.sequence, hash: last.hash.toString('hex') });
  };
  let after: [string, number] = ['00000000-0000-0000-0000-000000000000', -1];
  for (;;) {
    const { rows } = await client.query<Row>(
      'select chain, sequence, previous, hash, count, records from fsp.disclosure where (chain, sequence) > ($1, $2) order by chain, sequence limit 1000',
      after,
    );
    for (const row of rows) {
      const sequence = Number(row.sequence);
      const follows: boolean = last !== null && last.chain === row.chain;
      if (!follows) {
        keep();
        found.chains++;
      }
      const expected: { sequence: number; hash: Buffer } =
        follows && last ? { sequence: last.sequence + 1, hash: last.hash } : { sequence: 0, hash: Buffer.alloc(32) };
      const what = faultOf(row, sequence, expected);
      if (what) return { ...found, fault: { chain: row.chain, sequence, what } };
      found.batches++;
      found.records += row.count;
      last = { chain: row.chain, sequence, hash: row.hash };
      after = [row.chain, sequence];
    }
    if (rows.length < 1000) break;
  }
  keep();
  for (const head of heads) {
    const now = found.heads.find(({ chain }) => chain === head.chain);
    if (!now || now.sequence < head.sequence) {
      return {
        ...found,
        fault: {
          chain: head.chain,
          sequence: (now?.sequence ?? -1) + 1,
          what: `is missing: the chain was known to reach ${head.sequence}`,
        },
      };
    }
  }
  return found;
}

function faultOf(row: Row, sequence: number, expected: { sequence: number; hash: Buffer }): string | null {
  if (sequence !== expected.sequence) return `follows ${expected.sequence - 1}: batch ${expected.sequence} is missing`;
  if (!row.previous.equals(expected.hash)) return 'does not follow the batch before it';
  if (!chainHash(row.previous, row.records).equals(row.hash)) return 'was changed after it was written';
  if ((JSON.parse(row.records) as unknown[]).length !== row.count) return 'does not hold as many records as it says';
  return null;
}
