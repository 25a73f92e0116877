/** Writes a month of the disclosure record to a file, proves the file, and drops the month from the database. */
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { inTransaction } from '../db/owner.ts';
import { batchesIn, batchesOf, batchLine, lastLine } from './batches.ts';
import { faultWords, followChains, headsOf, nothingFound } from './verify.ts';

export type Archived = { file: string; chains: number; batches: number; records: number };

/**
 * Archives a month, as the owner.
 *
 * @param month first day of it.
 * @throws where the month is not over, is not there, or is not whole; the database is then as it was.
 */
export async function archiveMonth(client: pg.Client, month: string, folder: string): Promise<Archived> {
  const { rows } = await client.query<{ over: boolean; partition: string | null }>(
    `select $1::date < date_trunc('month', (now() - interval '1 hour') at time zone 'UTC') as over,
       to_regclass(to_char($1::date, '"fsp.disclosure_"YYYY_MM'))::text as partition`,
    [month],
  );
  const { over, partition } = rows[0] as { over: boolean; partition: string | null };
  if (!over) throw new Error(`The month ${month.slice(0, 7)} is not over, or has been for less than an hour.`);
  if (!partition) throw new Error(`The database has no record of ${month.slice(0, 7)}.`);
  const file = path.join(folder, `disclosure-${month.slice(0, 7)}.ndjson`);
  if (existsSync(file)) throw new Error(`There is a file ${file} already.`);
  try {
    return await inTransaction(client, async () => {
      const inDatabase = await writeFile(client, month, file);
      const found = nothingFound();
      const fault = await followChains(batchesIn(file), found);
      if (fault) throw new Error(faultWords(fault));
      if (found.batches !== inDatabase) throw new Error(`${file} does not hold what the database does.`);
      await client.query("set local lock_timeout = '5s'");
      await client.query(`alter table fsp.disclosure detach partition ${partition}`);
      await client.query(`drop table ${partition}`);
      await client.query('update fsp.disclosure_chain set archived_at = now(), done = true where month = $1', [month]);
      return { file, chains: found.chains.size, batches: found.batches, records: found.records };
    });
  } catch (error) {
    rmSync(file, { force: true });
    throw error;
  }
}

/** Writes the file, durably. @returns how many batches the database has of the month. */
async function writeFile(client: pg.Client, month: string, file: string): Promise<number> {
  const out = openSync(file, 'wx', 0o600);
  try {
    const found = nothingFound();
    const fault = await followChains(batchesOf(client, month), found, (batch) => {
      writeSync(out, `${batchLine(batch)}\n`);
      return null;
    });
    if (fault) throw new Error(faultWords(fault));
    writeSync(out, `${lastLine(found.batches, headsOf(found))}\n`);
    fsyncSync(out);
    const { rows } = await client.query<{ n: number }>('select count(*)::int as n from fsp.disclosure where month = $1', [month]);
    return rows[0]?.n ?? 0;
  } finally {
    closeSync(out);
  }
}
