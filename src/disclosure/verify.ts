/** Proves the disclosure record: every batch's hash, every chain without a gap and to its end. */
import type pg from 'pg';
import { batchesIn, batchesOf, type Head, type StoredBatch } from './batches.ts';
import type { KeptHeads } from './heads.ts';
import { chainHash } from './recorder.ts';

/** The first batch that does not fit; `records`, counted from 1, are those of it that are not what they were, where that can be told. */
export type Fault = { chain: string; sequence: number; what: string; records: number[] };

/** A fault in a sentence. */
export function faultWords({ chain, sequence, what, records }: Fault): string {
  const of = records.length > 0 ? ` (record ${records.join(', ')} of it)` : '';
  return `Chain ${chain}: batch ${sequence}${of} ${what}.`;
}

export type Verified = {
  chains: number;
  batches: number;
  records: number;
  heads: Head[];
  /** Chains that were archived, whose files were not given. */
  unread: number;
  /** Heads in the folder that nobody trusted has signed. */
  forged: string[];
  fault: Fault | null;
};

export type Known = {
  /** Heads kept elsewhere: a chain that ends before its head has lost its tail. */
  heads?: Head[];
  /** Heads that were signed when they were written. */
  signed?: KeptHeads | null;
  /** Files of months that were archived. */
  archives?: string[];
};

type Found = { chains: Map<string, StoredBatch>; batches: number; records: number };

/**
 * Holds batches, in the order of their chains, against the ones before them. Gives the first that does not fit.
 *
 * @param each what else is wrong with a batch.
 */
export async function followChains(
  batches: AsyncIterable<StoredBatch>,
  found: Found,
  each: (batch: StoredBatch) => string | null = () => null,
): Promise<Fault | null> {
  for await (const batch of batches) {
    const what = faultOf(batch, found.chains.get(batch.chain)) ?? each(batch);
    if (what) return { chain: batch.chain, sequence: batch.sequence, what, records: [] };
    found.chains.set(batch.chain, batch);
    found.batches++;
    found.records += batch.count;
  }
  return null;
}

export const nothingFound = (): Found => ({ chains: new Map(), batches: 0, records: 0 });

export const headsOf = ({ chains }: Found): Head[] =>
  [...chains.values()].map(({ chain, sequence, hash }) => ({ chain, sequence, hash: hash.toString('hex') }));

/** Reads all chains in order, as the owner, and those of the archives given. */
export async function verifyDisclosures(client: pg.Client, { heads = [], archives = [], signed = null }: Known = {}): Promise<Verified> {
  const found = nothingFound();
  const hashes = new Map(signed?.heads.map(({ chain, sequence, hash }) => [`${chain} ${sequence}`, hash]));
  /** The last batch of each chain that is as it was signed. */
  const sure = new Map<string, number>();
  const asSigned = ({ chain, sequence, hash }: StoredBatch): string | null => {
    const known = hashes.get(`${chain} ${sequence}`);
    if (known === undefined) return null;
    if (known !== hash.toString('hex')) return NOT_AS_SIGNED;
    sure.set(chain, sequence);
    return null;
  };
  let fault: Fault | null = null;
  for (const file of archives) fault ??= await followChains(batchesIn(file), found, asSigned);
  fault ??= await followChains(batchesOf(client), found, asSigned);
  if (fault) fault = await named(client, fault, (sure.get(fault.chain) ?? -1) + 1);
  const { rows: begun } = await client.query<{ chain: string; indexed: string; archived: boolean }>(
    'select chain, indexed, archived_at is not null as archived from fsp.disclosure_chain order by month, chain',
  );
  const unread = begun.filter(({ chain, archived }) => archived && !found.chains.has(chain));
  fault ??= endFault(found, begun, [...heads, ...(signed?.heads ?? [])], new Set(unread.map(({ chain }) => chain)));
  return {
    chains: found.chains.size,
    batches: found.batches,
    records: found.records,
    heads: headsOf(found),
    unread: unread.length,
    forged: signed?.forged ?? [],
    fault,
  };
}

const NOT_AS_SIGNED = 'or one between it and the head before is not what was signed';

/**
 * Which batch of those in question was changed, and which records of it, as far as what was made readable of them tells.
 * The owner who changed one may have hashed anew all that follow.
 */
async function named(client: pg.Client, fault: Fault, from: number): Promise<Fault> {
  const rewritten = fault.what === NOT_AS_SIGNED;
  if (!rewritten && fault.what !== CHANGED) return fault;
  const { rows } = await client.query<{ sequence: string; records: number[] }>(
    `select e.sequence, array_agg(e.position order by e.position) as records from fsp.disclosure_entry e
     where e.chain = $1 and e.sequence between $2 and $3 and not exists (
       select from fsp.disclosure_chain c join fsp.disclosure d on d.month = c.month and d.chain = c.chain
         cross join lateral fsp.records_of(d.records) r
       where c.chain = e.chain and d.sequence = e.sequence and r.position = e.position and r.digest = e.digest)
     group by e.sequence order by e.sequence limit 1`,
    [fault.chain, rewritten ? from : fault.sequence, fault.sequence],
  );
  const [first] = rows;
  if (!first) return fault;
  return { ...fault, sequence: Number(first.sequence), records: first.records, what: CHANGED };
}

/** A chain that does not reach as far as it was known to, or that nobody began. */
function endFault(
  { chains }: Found,
  begun: { chain: string; indexed: string; archived: boolean }[],
  heads: Head[],
  unread: Set<string>,
): Fault | null {
  const at = (chain: string, sequence: number, what: string): Fault => ({ chain, sequence, what, records: [] });
  const known = new Set(begun.map(({ chain }) => chain));
  for (const chain of chains.keys()) if (!known.has(chain)) return at(chain, 0, 'is of a chain that was never begun');
  const reached = begun.map(({ chain, indexed }) => ({ chain, sequence: Number(indexed) }));
  for (const { chain, sequence } of [...reached, ...heads]) {
    if (unread.has(chain)) continue;
    const last = chains.get(chain)?.sequence ?? -1;
    if (last < sequence) return at(chain, last + 1, `is missing: the chain was known to reach ${sequence}`);
  }
  for (const { chain, sequence, hash } of heads) {
    const last = chains.get(chain);
    if (last?.sequence === sequence && last.hash.toString('hex') !== hash) return at(chain, sequence, 'is not the one that was known');
  }
  return null;
}

const CHANGED = 'was changed after it was written';

/** What is wrong with a batch that follows another of its chain, or is its first. */
function faultOf(batch: StoredBatch, last: StoredBatch | undefined): string | null {
  const expected = last ? last.sequence + 1 : 0;
  if (batch.sequence !== expected) return `follows ${expected - 1}: batch ${expected} is missing`;
  if (!batch.previous.equals(last?.hash ?? Buffer.alloc(32))) return 'does not follow the batch before it';
  if (last && batch.month !== last.month) return 'is of another month than its chain';
  if (last && batch.at < last.at) return 'is of a time before the batch that it follows';
  if (!chainHash(batch.previous, batch.records).equals(batch.hash)) return CHANGED;
  if ((JSON.parse(batch.records) as unknown[]).length !== batch.count) return 'does not hold as many records as it says';
  return null;
}
