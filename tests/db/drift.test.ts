/** A database that is not what this version wrote is not served: changed policies, missing migrations, moved roles. */

import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provisionLogins } from '../../src/db/logins.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { LOGIN_SECRET, preparedDatabase, sqlAs, sqlAsOwner, testServer } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
beforeAll(async () => {
  ownerUrl = await preparedDatabase('fsp_drift');
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(() => owner.end());

const starts = async () => {
  const server = await testServer(ownerUrl);
  await server.close();
};

describe('a server', () => {
  it.each([
    ['a policy was replaced', 'alter policy police_select on fsp.plan using (true)'],
    ['a policy was added', 'create policy more on fsp.plan for select to fsp_drift_agency_evaluator using (true)'],
    ['row-level security was not forced', 'alter table fsp.plan no force row level security'],
    ['row-level security was switched off', 'alter table fsp.plan disable row level security'],
    ['a right was given', 'grant select on fsp.workbook_entry to fsp_drift_agency_police'],
    ['a trigger was switched off', 'alter table fsp.sharing_decision disable trigger grants_insert'],
    ['a function was changed', "create or replace function fsp.own_open(asked bigint) returns boolean language sql as 'select true'"],
  ])('refuses to start where %s, and the migration puts it back', async (_what, change) => {
    await starts();
    await owner.query(change);
    await expect(starts()).rejects.toThrow('The access policies in the database were changed by hand: run "npm run db:migrate"');
    await migrateDatabase(ownerUrl);
    await starts();
  });
  it('refuses to start where migrations are missing', async () => {
    await owner.query(
      'create temporary table kept as select * from fsp.migration; delete from fsp.migration where id = (select max(id) from fsp.migration)',
    );
    await expect(starts()).rejects.toThrow(/The database has \d+ migrations and this version ships \d+: run "npm run db:migrate"\./);
    await owner.query('delete from fsp.migration; insert into fsp.migration select * from kept');
    await starts();
  });
});

it('grants that another version wrote are written anew before anything is served', async () => {
  const grants = async () =>
    (await owner.query('select login, family, period, shared, withheld, purposes from fsp.family_grant order by login, family, period'))
      .rows;
  const before = await grants();
  await owner.query("update fsp.access_state set grants = 'another'; update fsp.family_grant set purposes = 7");
  await expect(starts()).rejects.toThrow('The grants were written by another version: run "npm run db:migrate".');
  await migrateDatabase(ownerUrl);
  expect(await grants()).toEqual(before);
  await starts();
});

it('grants follow the logins when a restore gives their roles new ids', async () => {
  const seen = async () => {
    const client = await sqlAs('cherwell-housing', false, ownerUrl);
    const { rows } = await client.query('select id from fsp.household order by id');
    await client.end();
    return rows;
  };
  const before = await seen();
  expect(before.length).toBeGreaterThan(0);
  // What a dump from another cluster looks like: every id is some other role's.
  await owner.query('update fsp.login set id = -id; update fsp.login set id = -id + 7');
  for (const table of ['family_grant', 'person_grant', 'user_focus'])
    await owner.query(`update fsp.${table} set login = -login; update fsp.${table} set login = -login + 7`);
  expect(await seen()).not.toEqual(before);
  await expect(starts()).rejects.toThrow('The database was restored among roles with other ids');
  await provisionLogins(owner, LOGIN_SECRET);
  expect(await seen()).toEqual(before);
  await starts();
});
