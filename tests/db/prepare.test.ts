/** What a start does to a database besides its tables: reference data, and the demonstration where it belongs. */
import { expect, it, vi } from 'vitest';
import { prepareDatabase } from '../../src/db/prepare.ts';
import { createdDatabase, LOGIN_SECRET, preparedDatabase, sqlAsOwner } from '../support/server.ts';

it('loads the families of the demonstration for their own authority only, and says so; elsewhere its callers alone', async () => {
  const said = vi.spyOn(console, 'log').mockImplementation(() => {});
  const ownerUrl = await createdDatabase('fsp_prepare_somerset');
  const prepare = () => prepareDatabase(ownerUrl, { authority: 'somerset', loginSecret: LOGIN_SECRET, demonstration: true });
  expect(await prepare()).toBe(false);
  expect(said.mock.calls).toEqual([[expect.stringMatching(/^The record is empty: .* AUTHORITY is somerset\.$/)]]);
  said.mockClear();
  const owner = await sqlAsOwner(ownerUrl);
  const count = async (table: string) => Number((await owner.query(`select count(*) as n from fsp.${table}`)).rows[0].n);
  const before = [await count('client'), await count('app_user'), await count('team_member')];
  expect(Math.min(...before)).toBeGreaterThan(0);
  expect(await count('family')).toBe(0);
  expect(await prepare()).toBe(false);
  expect([await count('client'), await count('app_user'), await count('team_member')]).toEqual(before);
  expect(said).not.toHaveBeenCalled();
  await owner.end();
  said.mockRestore();
});

it('refuses reference data that would give an id or a code to another organisation', async () => {
  const ownerUrl = await preparedDatabase('fsp_prepare', false);
  const owner = await sqlAsOwner(ownerUrl);
  const prepare = () => prepareDatabase(ownerUrl, { authority: 'oxfordshire', loginSecret: LOGIN_SECRET, demonstration: false });
  try {
    await owner.query("update fsp.organisation set code = 'heron-trust' where id = 601");
    await expect(prepare()).rejects.toThrow(
      'organisations.json: turning-point has the id 601; the database has heron-trust with the id 601.',
    );
    await owner.query("update fsp.organisation set code = 'turning-point' where id = 601");
    await owner.query(
      "insert into fsp.organisation (id, code, name, agency, kind) values (1000000, 'gate', 'Gate', 'HEALTH', 'nhs-trust')",
    );
    await expect(prepare()).rejects.toThrow("The PostgreSQL role fsp_prepare_gate is there already and is no organisation's");
  } finally {
    await owner.end();
  }
});
