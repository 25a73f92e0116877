/** The disclosure record: insert-only batches, each carrying the hash of the one before. */
import { bigint, customType, integer, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { classify, fsp, moment } from '../db/classified.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** A chain is one process's life; (chain, sequence) is unique, so a batch tried again never forks it. */
export const disclosure = classify(
  fsp.table(
    'disclosure',
    {
      chain: uuid('chain').notNull(),
      sequence: bigint('sequence', { mode: 'number' }).notNull(),
      at: moment('at').notNull().defaultNow(),
      previous: bytea('previous').notNull(),
      hash: bytea('hash').notNull(),
      count: integer('count').notNull(),
      /** The batch's records as JSON text, byte for byte what was hashed. */
      records: text('records').notNull(),
    },
    (t) => [primaryKey({ columns: [t.chain, t.sequence] })],
  ),
  'OPERATION',
);
