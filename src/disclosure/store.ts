/** Where the disclosure record is written: the database, on the recorder's own login. */
import postgres from 'postgres';
import type { DatabaseServer } from '../config.ts';
import { machineLogin } from '../db/logins.ts';
import { clientOptions } from '../db/pools.ts';
import type { Batch } from './recorder.ts';

export type Store = ReturnType<typeof createStore>;

const INSERT =
  "insert into fsp.disclosure (month, chain, sequence, previous, hash, count, records) values ($1::date, $2::uuid, $3::bigint, decode($4::text, 'hex'), decode($5::text, 'hex'), $6::int, $7::text) on conflict do nothing";

/** @param written told the records of each batch, and the seconds that it took. */
export function createStore(
  server: DatabaseServer,
  secret: string,
  prepare: boolean,
  written: (records: number, seconds: number) => void = () => {},
) {
  // One writes, one makes the record readable, one asks whether both can.
  const sql = postgres(clientOptions(server, machineLogin(server, 'recorder'), secret, 3));
  const text = async (query: string, parameters: string[] = []) =>
    ((await sql.unsafe(query, parameters as never[], { prepare: false })) as unknown as { value: string }[])[0]?.value as string;
  return {
    begin: (chain: string) => text('select fsp.begin_chain($1::uuid)::text as value', [chain]),
    month: () => text("select date_trunc('month', now() at time zone 'UTC')::date::text as value"),
    async write(batch: Batch): Promise<void> {
      const since = performance.now();
      const values = [
        batch.month,
        batch.chain,
        String(batch.sequence),
        batch.previous.toString('hex'),
        batch.hash.toString('hex'),
        String(batch.count),
        batch.records,
      ];
      await sql.unsafe(INSERT, values as never[], { prepare });
      written(batch.count, (performance.now() - since) / 1000);
    },
    /** Makes some of what is on record readable; gives whether there is more. */
    async index(): Promise<boolean> {
      return (await text('select fsp.index_disclosures()::text as value')) === 'true';
    },
    /** Throws unless the recorder may write: its own INSERT, of nothing. */
    async ready(): Promise<void> {
      await sql.unsafe(
        "insert into fsp.disclosure (month, chain, sequence, previous, hash, count, records) select current_date, '00000000-0000-0000-0000-000000000000'::uuid, 0, ''::bytea, ''::bytea, 0, '[]' where false",
      );
    },
    end: () => sql.end({ timeout: 5 }),
  };
}
