/** The disclosure record: insert-only batches, each carrying the hash of the one before. */
import { bigint, boolean, customType, date, index, integer, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { classify, fsp, moment } from '../db/classified.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/**
 * A chain is one process's life within one month; (month, chain, sequence) is unique, so a batch tried again never forks
 * it. Partitioned by month (`drizzle/0002_disclosure_months.sql`); a month's partition is made when its first chain begins.
 */
export const disclosure = classify(
  fsp.table(
    'disclosure',
    {
      month: date('month').notNull(),
      chain: uuid('chain').notNull(),
      sequence: bigint('sequence', { mode: 'number' }).notNull(),
      at: moment('at').notNull().defaultNow(),
      previous: bytea('previous').notNull(),
      hash: bytea('hash').notNull(),
      count: integer('count').notNull(),
      /** The batch's records as JSON text, byte for byte what was hashed. */
      records: text('records').notNull(),
    },
    (t) => [primaryKey({ columns: [t.month, t.chain, t.sequence] })],
  ),
  'OPERATION',
);

/** Chains that were begun, and how far each of them can be read by those who may (`fsp.index_disclosures`). */
export const disclosureChain = classify(
  fsp.table(
    'disclosure_chain',
    {
      chain: uuid('chain').primaryKey(),
      month: date('month').notNull(),
      begun: moment('begun').notNull().defaultNow(),
      /** The last batch that was made readable; -1: none yet. */
      indexed: bigint('indexed', { mode: 'number' }).notNull().default(-1),
      /** Its month is over, and all of it can be read. */
      done: boolean('done').notNull().default(false),
      /** Its batches were written to a file and dropped. */
      archivedAt: moment('archived_at'),
    },
    (t) => [index('disclosure_chain_month').on(t.month)],
  ),
  'OPERATION',
);
