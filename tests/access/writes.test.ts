/**
 * The database's wall against writing: every organisation's login, every table of people, by plain SQL. A row is written
 * by whose it is alone; what it was before a change is kept.
 */
import { getTableConfig } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTS, WRITERS } from '../../src/access/agreement.ts';
import { type Agency, isPersonal } from '../../src/access/classes.ts';
import { classifiedTables, type TableClass } from '../../src/db/classified.ts';
import '../../src/modules/tables.ts';
import { sqlAs, sqlAsOwner } from '../support/server.ts';

const CALLERS: [code: string, agency: Agency][] = [
  ['occ', 'LA'],
  ['team-07', 'TEAM'],
  ['oxford-health', 'HEALTH'],
  ['school-tansy-bridge', 'EDUCATION'],
  ['thames-valley-police', 'POLICE'],
  ['cherwell-housing', 'DISTRICT'],
  ['turning-point', 'PROVIDER'],
  ['oxford-university', 'EVALUATOR'],
];

const tables = classifiedTables().filter(({ dataClass }) => isPersonal(dataClass));

/** Restated from the agreement: the writers of the class, those of the table's acts; nobody where the table is sealed. */
const mayWrite = (table: TableClass, agency: Agency) =>
  !table.sealed && [WRITERS[table.dataClass], ...table.acts.map((act) => ACTS[act])].some((writers) => writers?.agencies.includes(agency));
const mayAmend = (table: TableClass, agency: Agency) =>
  mayWrite(table, agency) ||
  (!table.sealed && table.amendingActs.some((act) => (ACTS[act].agencies as readonly Agency[]).includes(agency)));

let owner: pg.Client;
const organisations = new Map<string, number>();
beforeAll(async () => {
  owner = await sqlAsOwner();
  for (const { id, code } of (await owner.query('select id, code from fsp.organisation')).rows) organisations.set(code, id);
});
afterAll(() => owner.end());

describe.each(CALLERS)('%s (%s) by plain SQL', (code, agency) => {
  let login: pg.Client;
  let me: number;
  beforeAll(async () => {
    login = await sqlAs(code);
    me = organisations.get(code) as number;
  });
  afterAll(() => login.end());

  /** Runs in a transaction that is always undone. */
  const tried = async <T>(work: () => Promise<T>): Promise<T> => {
    await login.query('begin');
    try {
      return await work();
    } finally {
      await login.query('rollback');
    }
  };

  it.each(tables.map((table) => [table.name, table] as const))('%s: others’ rows are neither made nor changed', async (_name, table) => {
    const copy = await owner.query(`select to_jsonb(t) as row from fsp.${table.name} t where ${table.writer} <> $1 order by 1 limit 1`, [
      me,
    ]);
    const insert = (row: unknown) =>
      login.query(`insert into fsp.${table.name} select * from jsonb_populate_record(null::fsp.${table.name}, $1)`, [row]);
    if (!mayWrite(table, agency)) {
      await expect(tried(() => insert(copy.rows[0]?.row ?? {}))).rejects.toMatchObject({ code: '42501' });
      if (!mayAmend(table, agency))
        await expect(tried(() => login.query(`update fsp.${table.name} set ${table.writer} = ${table.writer}`))).rejects.toMatchObject({
          code: '42501',
        });
    }
    if (mayAmend(table, agency)) {
      if (copy.rows[0] && mayWrite(table, agency))
        await expect(tried(() => insert(copy.rows[0].row))).rejects.toMatchObject({ code: '42501' });
      const through = table.amendedThrough;
      const changing = (column: string) =>
        tried(
          async () =>
            (await login.query(`update fsp.${table.name} set "${column}" = "${column}" returning to_jsonb(${table.name}) as row`)).rows,
        );
      const never = table.amendedBy.length === 0 && !through;
      for (const { name } of getTableConfig(table.table).columns) {
        const open = !never && (table.amendedColumns?.includes(name) ?? name === table.writer);
        // What nobody changes once it is written has no right to be changed at all; nor has a column that is not among those that are.
        if (!open) {
          if (never || table.amendedColumns) await expect(changing(name), name).rejects.toMatchObject({ code: '42501' });
          continue;
        }
        for (const { row } of await changing(name))
          if (!through)
            expect(
              table.amendedBy.map((column) => row[column]),
              table.name,
            ).toContain(me);
      }
    }
    await expect(tried(() => login.query(`delete from fsp.${table.name}`))).rejects.toMatchObject({ code: '42501' });
    await expect(tried(() => login.query(`truncate fsp.${table.name}`))).rejects.toMatchObject({ code: '42501' });
  });
});

it('keeps what a row was before a change, and moves no row to another family, controller or secrecy', async () => {
  const login = await sqlAs('occ');
  const [before] = (await owner.query('select * from fsp.plan order by id limit 1')).rows;
  await login.query('begin');
  await login.query(
    `update fsp.plan set kind = 'EARLY_HELP', id = 999999, controller = 201, family = 3, person = 1, version = 77, created_at = now() where id = $1`,
    [before.id],
  );
  const [after] = (await login.query('select * from fsp.plan where id = $1', [before.id])).rows;
  expect(after).toMatchObject({ ...before, kind: 'EARLY_HELP', version: before.version + 1, updated_at: expect.anything() });
  await login.query('commit');
  const [kept] = (await owner.query(`select * from fsp.earlier where subject_table = 'plan' and row_key = $1`, [before.id])).rows;
  expect(kept).toMatchObject({
    organisation: before.controller,
    was: { id: Number(before.id), kind: before.kind, version: before.version },
  });
  await expect(login.query('select * from fsp.earlier')).rejects.toMatchObject({ code: '42501' });
  await owner.query('update fsp.plan set kind = $2, version = $3 where id = $1', [before.id, before.kind, before.version]);
  await owner.query('delete from fsp.earlier');
  await login.end();
});
