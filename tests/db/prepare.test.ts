/** What a start does to a database besides its tables: reference data, and the demonstration where it belongs. */
import { expect, it, vi } from 'vitest';
import { prepareDatabase } from '../../src/db/prepare.ts';
import { LOGIN_SECRET, ownDatabase, sqlAsOwner } from '../support/server.ts';

// Another authority whose organisations are, for the test, those of Oxfordshire.
vi.mock(import('../../src/db/reference.ts'), async (original) => {
  const actual = await original();
  return { ...actual, loadReference: (client) => actual.loadReference(client, 'oxfordshire') };
});

it('loads the demonstration for its own authority only, and says so', async () => {
  const ownerUrl = await ownDatabase('fsp_prepare', false);
  const said = vi.spyOn(console, 'log').mockImplementation(() => {});
  const prepare = (authority: string) => prepareDatabase(ownerUrl, { authority, loginSecret: LOGIN_SECRET, demonstration: true });
  expect(await prepare('elsewhere')).toBe(false);
  expect(said.mock.calls).toEqual([[expect.stringMatching(/^No demonstration is loaded: .* AUTHORITY is elsewhere\.$/)]]);
  said.mockClear();
  expect(await prepare('oxfordshire')).toBe(true);
  expect(said).not.toHaveBeenCalled();
  said.mockRestore();
});

it('refuses reference data that would give an id or a code to another organisation', async () => {
  const ownerUrl = await ownDatabase('fsp_prepare', false);
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
