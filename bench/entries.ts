/**
 * The Workbook entries that the mix writes: what they say, whether those who write them write the same rows, whether
 * all are there, and how they are taken away, so that the data kept for the next run stays as it was.
 */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Contender } from './contenders.ts';
import { difference } from './verify.ts';

/** One entry, about one person of a family. */
export type Entry = { idempotencyKey: string; family: string; person: string; occurred: string };

/** What every entry says; by its module it is known. */
export const SAYS = {
  module: 'Bench',
  discipline: 'social-worker',
  sessionType: 'home-visit',
  narrative:
    'Went through the last week day by day; two things went better than before. Bedtimes hold, school mornings are still rushed. We agreed who gets whom ready, wrote it on the kitchen calendar, and look at it again together next week.',
  behaviour: 'parenting',
  stageOfChange: 'ACTION',
  capacityForChange: 3,
} as const;

/** An entry with a key that no other request has. */
export const newEntry = (about: { family: string; person: string }): Entry => ({
  ...about,
  idempotencyKey: `bench-${randomUUID()}`,
  occurred: new Date().toISOString(),
});

/** Where an entry stands, and which of a table's rows are of it; the entry itself goes last. */
const ROWS = {
  workbook_entry_person: 'r.entry = any ($1::bigint[])',
  workbook_reading: 'r.entry = any ($1::bigint[])',
  outbox: "r.action = 'addWorkbookEntry' and r.entity_id = any ($1::bigint[])",
  idempotency: "r.key like 'bench-%' and (r.result ->> 'id')::bigint = any ($1::bigint[])",
  workbook_entry: 'r.id = any ($1::bigint[])',
};

async function entriesOf(owner: pg.Client): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>('select id from fsp.workbook_entry where module = $1', [SAYS.module]);
  return rows.map(({ id }) => id);
}

/** @throws unless so many entries are there, each with all of its rows. */
export async function checkWritten(owner: pg.Client, writes: number): Promise<void> {
  const entries = await entriesOf(owner);
  for (const [table, ofThese] of Object.entries(ROWS)) {
    const { rows } = await owner.query<{ n: number }>(`select count(*)::int as n from fsp.${table} r where ${ofThese}`, [entries]);
    if (rows[0]?.n !== writes) throw new Error(`${writes} writes were answered, and ${table} has ${rows[0]?.n} rows of them.`);
  }
}

/** Takes away what was written, and the room it took. */
export async function forgetWritten(owner: pg.Client): Promise<void> {
  const entries = await entriesOf(owner);
  if (entries.length === 0) return;
  await owner.query('begin');
  try {
    for (const [table, ofThese] of Object.entries(ROWS)) await owner.query(`delete from fsp.${table} r where ${ofThese}`, [entries]);
    await owner.query('commit');
  } catch (error) {
    await owner.query('rollback');
    throw error;
  }
  const tables = Object.keys(ROWS).map((table) => `fsp.${table}`);
  await owner.query(`vacuum ${tables.join(', ')}`);
}

/** What is another's in each row: keys, times, and the fingerprint of an input that each has in words of its own. */
const OTHER = '{id,entry,entity_id,at,created_at,updated_at,request_id,key,fingerprint,result}';

/** @throws naming the table in which two who write have other rows of the same entry. */
export async function verifySameWritten(
  owner: pg.Client,
  contenders: Contender[],
  about: { family: string; person: string },
  ask: (contender: Contender, path: string, body: string) => Promise<string>,
): Promise<void> {
  await forgetWritten(owner);
  try {
    const occurred = new Date().toISOString();
    for (const contender of contenders) {
      if (!contender.entry) continue;
      const text = await ask(contender, contender.entry.path, contender.entry.body({ ...newEntry(about), occurred }));
      if (!JSON.parse(text).data?.addWorkbookEntry?.entry) throw new Error(`${contender.name} did not write: ${text.slice(0, 500)}`);
    }
    await checkWritten(owner, contenders.filter(({ entry }) => entry).length);
    const entries = await entriesOf(owner);
    for (const [table, ofThese] of Object.entries(ROWS)) {
      const { rows } = await owner.query<{ row: unknown }>(
        `select to_jsonb(r) - '${OTHER}'::text[] as row from fsp.${table} r where ${ofThese}`,
        [entries],
      );
      for (const { row } of rows) {
        const differs = difference(rows[0]?.row, row);
        if (differs) throw new Error(`The rows written to ${table} differ. ${differs}`);
      }
    }
  } finally {
    await forgetWritten(owner);
  }
}
