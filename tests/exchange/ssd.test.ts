/** The Standard Safeguarding Dataset and Annex A: the published headers, every code in its time, the same bytes twice, and on record who read. */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { readCsv } from '../../src/exchange/csv.ts';
import type { AskAs } from '../../src/exchange/record-system.ts';
import { ANNEX_A, ageOn, ukDay } from '../../src/exchange/ssd/annex-a.ts';
import { type Exported, exportDataset, forPeople } from '../../src/exchange/ssd/export.ts';
import { SSD_FIELDS } from '../../src/exchange/ssd/spec.ts';
import { askOf, type Caller, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const SYSTEM: Caller = { client: 'occ-record-system', purpose: 'RECORD_SYNC' };
const folder = mkdtempSync(path.join(tmpdir(), 'fsp-ssd-'));
const DAY = '2026-11-20';

let owner: pg.Client;
let server: TestServer;
let told: Exported;
beforeAll(async () => {
  const url = await ownDatabase('fsp_ssd', true);
  owner = await sqlAsOwner(url);
  server = await testServer(url);
  told = await exportDataset(askOf(server), path.join(folder, 'first'), 'liquidlogic', DAY);
});
afterAll(async () => {
  await server.close();
  await owner.end();
  rmSync(folder, { recursive: true, force: true });
});

const text = (name: string, run = 'first') => readFileSync(path.join(folder, run, `${name}.csv`), 'utf8');
async function rows(name: string, run = 'first'): Promise<Record<string, string>[]> {
  const found: Record<string, string>[] = [];
  for await (const row of readCsv(
    (async function* () {
      yield text(name, run);
    })(),
  ))
    found.push(row);
  return found;
}
const spec = readFileSync(path.join(import.meta.dirname, '../../reference/england/ssd/fields.csv'), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','));

describe('the files', () => {
  it('have the published tables and fields in their order, and no others', () => {
    const published = new Map<string, string[]>();
    for (const [table = '', , field = ''] of spec) published.set(table, [...(published.get(table) ?? []), field]);
    expect(published.size).toBe(50);
    for (const [table, fields] of published) expect(text(table).split('\r\n')[0], table).toBe(fields.join(','));
    expect(readdirSync(path.join(folder, 'first')).sort()).toEqual(
      [...published.keys(), ...Object.keys(ANNEX_A)].map((name) => `${name}.csv`).sort(),
    );
  });
  it('are for their owner alone, and every row is as wide as its header', async () => {
    expect(statSync(path.join(folder, 'first')).mode & 0o077).toBe(0);
    for (const name of told.rows.keys()) {
      expect(statSync(path.join(folder, 'first', `${name}.csv`)).mode & 0o077, name).toBe(0);
      expect((await rows(name)).length, name).toBe(told.rows.get(name));
    }
  });
  it('are the same bytes a second time', async () => {
    await exportDataset(askOf(server), path.join(folder, 'second'), 'liquidlogic', DAY);
    for (const name of told.rows.keys()) expect(text(name, 'second'), name).toBe(text(name));
  });
  it('are written into a folder of their own', async () => {
    const other = mkdtempSync(path.join(tmpdir(), 'fsp-ssd-other-'));
    writeFileSync(path.join(other, 'budget.xlsx'), 'x');
    await expect(exportDataset(askOf(server), other, 'liquidlogic', DAY)).rejects.toThrow('has other files in it (budget.xlsx)');
    rmSync(other, { recursive: true });
  });
});

describe('the dataset', () => {
  it('has every family with what happened to its children, under the record system’s ids where it knows them', async () => {
    expect(told.families).toBe(Number((await owner.query('select count(*) as n from fsp.family where not restricted')).rows[0].n));
    const persons = await rows('ssd_person');
    const maisie = persons.find(({ pers_forename, pers_surname }) => pers_forename === 'Maisie' && pers_surname === 'Hartwell');
    expect(maisie).toMatchObject({
      pers_person_id: '300102',
      pers_legacy_id: `Person${storyPerson(1, 'maisie')}`,
      pers_sex: 'F',
      pers_dob: '2016-09-14',
      pers_ethnicity: 'WBRI',
    });
    expect(new Set(persons.map(({ pers_person_id }) => pers_person_id)).size).toBe(persons.length);
    const own = async (table: string, who: string) => (await rows(table)).filter((row) => row[who] === '300102');
    expect(await own('ssd_family', 'fami_person_id')).toMatchObject([{ fami_family_id: 'FSP-0000001' }]);
    expect((await own('ssd_cin_episodes', 'cine_person_id'))[0]).toMatchObject({
      cine_referral_date: '2025-01-31',
      cine_referral_source_code: '2A',
      cine_cin_primary_need_code: 'N5',
      cine_close_date: '2025-09-19',
      cine_close_reason: 'RC7',
    });
    for (const table of [
      'ssd_cla_placement',
      'ssd_pre_proceedings',
      'ssd_s47_enquiry',
      'ssd_cin_assessments',
      'ssd_address',
      'ssd_contacts',
      'ssd_involvements',
      'ssd_cp_plans',
    ])
      expect(told.rows.get(table), table).toBeGreaterThan(0);
  });
  it('names nobody and nothing that is not in it', async () => {
    const persons = new Set((await rows('ssd_person')).map(({ pers_person_id }) => pers_person_id));
    const referrals = new Set((await rows('ssd_cin_episodes')).map(({ cine_referral_id }) => cine_referral_id));
    for (const [table, fields] of SSD_FIELDS) {
      for (const row of await rows(table)) {
        for (const field of fields) {
          if (/_person_id$/.test(field) && table !== 'ssd_person' && row[field]) expect(persons, `${table}.${field}`).toContain(row[field]);
          if (/_referral_id$/.test(field) && row[field]) expect(referrals, `${table}.${field}`).toContain(row[field]);
          expect((row[field] ?? '').length, `${table}.${field}`).toBeLessThanOrEqual(/_json$|_desc$|_name$/.test(field) ? 1000 : 48);
        }
      }
    }
  });
  it('has what no family of the asker’s is of: nothing of one that is restricted', async () => {
    await owner.query('update fsp.family set restricted = true where id = 1');
    const hidden = await exportDataset(askOf(server), path.join(folder, 'hidden'), 'liquidlogic', DAY);
    expect(hidden.families).toBe(told.families - 1);
    for (const name of told.rows.keys()) expect(text(name, 'hidden'), name).not.toMatch(/Maisie|300102|FSP-0000001/);
    await owner.query('update fsp.family set restricted = false where id = 1');
  });
  it('leaves out a code that was none on its day, and says so', async () => {
    await owner.query(`update fsp.code set valid_to = '2025-01-01' where list = 'referral-source' and code = '2A'`);
    const odd = await exportDataset(askOf(server), path.join(folder, 'odd'), 'liquidlogic', DAY);
    await owner.query(`update fsp.code set valid_to = null where list = 'referral-source' and code = '2A'`);
    expect(odd.odd.find((words) => words.startsWith('ssd_cin_episodes') && words.includes('2A was no code on 2025-01-31'))).toMatch(
      /^ssd_cin_episodes Episode\d+ cine_referral_source_code/,
    );
    const maisie = (await rows('ssd_cin_episodes', 'odd')).find(
      (row) => row.cine_person_id === '300102' && row.cine_referral_date === '2025-01-31',
    );
    expect(maisie?.cine_referral_source_code).toBe('');
    expect(told.odd).toEqual([]);
  });
  it('is empty where the asker may not read, and names the fields', async () => {
    const asker: Caller = { ...SYSTEM, scopes: [] };
    await expect(exportDataset(askOf(server, asker), path.join(folder, 'nobody'), 'liquidlogic', DAY)).rejects.toThrow('cannot be read');
    expect(readdirSync(path.join(folder, 'nobody')).every((name) => name.endsWith('.csv.part'))).toBe(true);
    const closed: AskAs = async (query, variables) => {
      const { data, errors } = await askOf(server)<{ families: { nodes: { members: { person: { upn: string | null } | null }[] }[] } }>(
        query,
        variables,
      );
      for (const { members } of data?.families?.nodes ?? []) for (const { person } of members) if (person) person.upn = null;
      return { data: data as never, errors: [...errors, { message: 'No.', extensions: { code: 'FORBIDDEN', field: 'Person.upn' } }] };
    };
    const narrow = await exportDataset(closed, path.join(folder, 'narrow'), 'liquidlogic', DAY);
    expect(narrow.refused).toEqual(['Person.upn']);
    expect((await rows('ssd_person', 'narrow')).every(({ pers_upn }) => pers_upn === '')).toBe(true);
  });
  it('is on record: who read which families, for which purpose', async () => {
    const { rows: records } = await owner.query<{ r: string }>(
      `select r::text from fsp.disclosure d, json_array_elements(d.records::json) r where r ->> 'client' = 'occ-record-system'`,
    );
    const shown = records.map(({ r }) => r).filter((r) => r.includes('StandardSafeguardingDataset'));
    expect(shown.length).toBeGreaterThan(10);
    expect(shown[0]).toContain('RECORD_SYNC');
  });
});

describe('Annex A', () => {
  it('has its lists, with British days, ages and names', async () => {
    for (const [name, columns] of Object.entries(ANNEX_A)) expect(text(name).split('\r\n')[0]).toBe(columns.join(','));
    const maisie = (await rows('annex_a_03_referrals')).filter((row) => row['Child Unique ID'] === '300102');
    expect(maisie[0]).toMatchObject({
      Gender: 'F',
      Ethnicity: 'WBRI',
      'Date of Birth': '14/09/2016',
      'Age of Child (Years)': '10',
      'Date of Referral': '31/01/2025',
      'Referral Source': '2A',
    });
    for (const list of [
      'annex_a_01_contacts',
      'annex_a_04_assessments',
      'annex_a_05_section_47',
      'annex_a_06_children_in_need',
      'annex_a_07_child_protection',
      'annex_a_08_looked_after',
    ])
      expect(told.rows.get(list), list).toBeGreaterThan(0);
  });
  it('writes days and ages as they are', () => {
    expect([ukDay('2026-11-21'), ukDay(null), ukDay('soon')]).toEqual(['21/11/2026', '', 'soon']);
    expect([ageOn('2016-11-20', DAY), ageOn('2016-11-21', DAY), ageOn('2027-01-01', DAY), ageOn(null, DAY)]).toEqual([10, 9, null, null]);
  });
  it('is not written through a link, nor into what an earlier export left', async () => {
    const into = path.join(folder, 'linked');
    mkdirSync(into);
    const aim = path.join(folder, 'aim.txt');
    writeFileSync(aim, 'as it was');
    symlinkSync(aim, path.join(into, 'ssd_person.csv.part'));
    writeFileSync(path.join(into, 'ssd_family.csv.part'), 'left over', { mode: 0o644 });
    await exportDataset(askOf(server), into, 'liquidlogic', DAY);
    expect(readFileSync(aim, 'utf8')).toBe('as it was');
    expect(lstatSync(path.join(into, 'ssd_person.csv')).isFile()).toBe(true);
    expect(lstatSync(path.join(into, 'ssd_family.csv')).mode & 0o777).toBe(0o600);
  });
  it('holds no formula, where people open it; what programs read stands as it is', async () => {
    expect(['=1+1', '+44', '-5', '@x', '\tx', 'Penn', 'a=b', 12, null].map(forPeople)).toEqual([
      "'=1+1",
      "'+44",
      "'-5",
      "'@x",
      "'\tx",
      'Penn',
      'a=b',
      12,
      null,
    ]);
    await owner.query(`update fsp.person_identity set given_name = '=HYPERLINK("x")' where person = $1`, [storyPerson(1, 'callum')]);
    await owner.query(`update fsp.involvement set practitioner = '=cmd' where family = 1 and lead`);
    await exportDataset(askOf(server), path.join(folder, 'formula'), 'liquidlogic', DAY);
    expect((await rows('ssd_person', 'formula')).find(({ pers_person_id }) => pers_person_id === '300103')?.pers_forename).toBe(
      '=HYPERLINK("x")',
    );
    const workers = (await rows('annex_a_03_referrals', 'formula')).map((row) => row['Allocated Worker']);
    expect(workers).toContain("'=cmd");
    for (const list of Object.keys(ANNEX_A))
      for (const row of await rows(list, 'formula')) for (const value of Object.values(row)) expect(value).not.toMatch(/^[=+\-@\t\r]/);
  });
});
