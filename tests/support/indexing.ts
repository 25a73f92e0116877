/** An erasure while looks are being made readable (`fsp.index_disclosures`): one pass holds its lock, and then puts a look at the family. */
import type pg from 'pg';
import { INDEXING } from '../../src/db/erasing.ts';
import { organisationId } from '../../src/db/personas.ts';
import { sqlAsOwner } from './server.ts';

/**
 * @param eraser the connection on which `erase` works.
 * @returns what `erase` does, which ends after the pass; rejects where one of the two stands in the other's way.
 */
export async function whileIndexing<T>(ownerUrl: string, eraser: pg.Client, family: number, erase: () => Promise<T>): Promise<T> {
  const indexing = await sqlAsOwner(ownerUrl);
  try {
    const { rows } = await eraser.query('select pg_backend_pid() as pid');
    await indexing.query('begin');
    await indexing.query('select pg_advisory_xact_lock($1)', [INDEXING]);
    let isOver = false;
    const erased = erase().finally(() => {
      isOver = true;
    });
    // Awaited below, where the pass fails as well.
    erased.catch(() => {});
    const isWaiting = async () =>
      (await indexing.query('select pg_backend_pid() = any (pg_blocking_pids($1)) as waits', [rows[0].pid])).rows[0].waits;
    while (!isOver && !(await isWaiting())) await new Promise((resolve) => setTimeout(resolve, 20));
    await indexing.query(
      `insert into fsp.access_look (family, addressee, worker, organisation, kind, day, due, count, first_at, last_at, purposes)
       values ($1, $2, 'x', $2, 'DAILY', current_date, now() + interval '1 day', 1, now(), now(), '{SAFEGUARDING}')`,
      [family, organisationId('occ')],
    );
    await indexing.query('commit');
    return await erased;
  } finally {
    await indexing.end();
  }
}
