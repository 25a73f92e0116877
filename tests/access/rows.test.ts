/** The database's wall on its own: every organisation's login, every table, every row, by plain SQL. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isPersonal } from '../../src/access/classes.ts';
import { classifiedTables } from '../../src/db/classified.ts';
import '../../src/modules/tables.ts';
import { oracle, readWorld, type World } from '../support/oracle.ts';
import { sqlAs, sqlAsOwner } from '../support/server.ts';

const ORGANISATIONS = [
  'occ',
  'team-07',
  'oxford-health',
  'school-tansy-bridge',
  'thames-valley-police',
  'cherwell-housing',
  'turning-point',
  'elmore-perpetrators',
  'oxford-university',
];
const tables = classifiedTables().filter(({ name, dataClass }) => isPersonal(dataClass) || name === 'family' || name === 'person');
const url = new URL(inject('ownerUrl'));
const database = url.pathname.slice(1);
const key = (row: Record<string, unknown>) => JSON.stringify(row);

let owner: pg.Client;
let world: World;
beforeAll(async () => {
  owner = await sqlAsOwner();
  world = await readWorld(owner);
});
afterAll(() => owner.end());

describe.each(ORGANISATIONS)('75 %s by plain SQL', (code) => {
  let client: pg.Client;
  beforeAll(async () => {
    client = await sqlAs(code);
  });
  afterAll(() => client.end());

  it.each(tables.map((table) => [table.name, table] as const))(
    'reads of %s what the agreement opens, and not a row more',
    async (_name, table) => {
      const organisation = [...world.organisations.values()].find((o) => o.code === code) as { id: number };
      const may = oracle(world, organisation.id);
      const asked = client.query(`select * from fsp.${table.name}`);
      if (may.table(table) === 'denied') {
        await expect(asked).rejects.toMatchObject({ code: '42501' });
        return;
      }
      const everything = (await owner.query(`select * from fsp.${table.name}`)).rows;
      const expected = everything
        .filter((row) => may.sees(table, row))
        .map(key)
        .sort();
      expect((await asked).rows.map(key).sort()).toEqual(expected);
    },
  );

  it('reads nothing of clients, users, decisions, disclosures or other organisations’ grants', async () => {
    for (const table of ['client', 'app_user', 'revoked_token', 'sealed_user', 'disclosure', 'outbox']) {
      await expect(client.query(`select * from fsp.${table}`)).rejects.toMatchObject({ code: '42501' });
    }
    for (const table of ['family_grant', 'person_grant', 'user_focus', 'user_rule']) {
      const { rows } = await client.query(`select distinct l.name from fsp.${table} g join fsp.login l on l.id = g.login`);
      expect(rows.every(({ name }) => name === `${database}_${code}`)).toBe(true);
    }
  });

  it('99 cannot become anybody else, nor write what it may not', async () => {
    const other = `"${database}_${code === 'occ' ? 'team-07' : 'occ'}"`;
    for (const statement of [
      `set session authorization ${url.username}`,
      `set role ${url.username}`,
      `set role ${other}`,
      `grant ${other} to "${database}_${code}"`,
      // Before PostgreSQL 15 a login could make others members of itself, and so of its agency.
      `grant "${database}_${code}" to ${other}`,
    ]) {
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
    await client.query("set fsp.defer_grants = 'on'");
    await expect(client.query('select fsp.rebuild_grants(array[1::bigint])')).rejects.toMatchObject({ code: '42501' });
    for (const statement of [
      'update fsp.family_grant set shared = -1',
      'delete from fsp.workbook_entry',
      'insert into fsp.sharing_decision (family) values (1)',
      'truncate fsp.disclosure',
      'update fsp.involvement set until = null',
      'insert into fsp.involvement (family, controller, organisation, role, "from") values (1, 1, 1, \'x\', now())',
      "update fsp.service set name = 'x'",
    ]) {
      await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
    // As its agency alone it is nobody: policies go by the login.
    const { rows } = await client.query("select current_setting('role') as role");
    expect(rows[0].role).toBe('none');
  });
});
