/** What a victim tells is kept from those recorded as harming them, whoever writes it down; a manager lifts it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACTS, levelOf, WRITERS } from '../../src/access/agreement.ts';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const caller = (client: string, user: string, purpose = 'CHILD_IN_NEED'): Caller => ({ client, user, purpose });
const county = caller('occ-social-care', 'marcus.oyelaran');
const manager = caller('occ-team-management', 'bethan.rowe');
const niamh = caller('team-07-workbook', 'niamh.carroll');
/** Works with the mother's partner, and with nobody else of the family. */
const ruth = caller('team-07-workbook', 'ruth.ellery');

const key = (name: string) => storyPerson(3, name);
const who = (name: string) => encodeId('Person', key(name));
const dunmore = encodeId('Family', 3);

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_kept_from');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(as: Caller, field: string, selection: string, input: object): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: `k${++keys}`, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const node = async (as: Caller, id: string) =>
  (await server.ask(as, 'query($id: ID!) { node(id: $id) { id } }', { id })).body.data.node?.id ?? null;
const keptFrom = async (table: string, where: string, id: string): Promise<string[]> =>
  (await owner.query(`select kept_from from fsp.${table} where ${where} = $1`, [id.split('-').at(-1)])).rows.flatMap(
    (row) => row.kept_from,
  );
const CHECKS = Array.from({ length: 24 }, (_, i) => (i < 10 ? 'YES' : 'UNKNOWN'));
const partner = () => [String(key('partner'))];

const entry = (extra: object = {}) => ({
  family: dunmore,
  module: 'Module 3',
  discipline: 'social-worker',
  sessionType: 'individual',
  occurred: '2026-11-10T10:00:00.000Z',
  persons: [who('mother')],
  narrative: 'What she told.',
  ...extra,
});
const ENTRY = 'entry { id version keptFrom { givenName } }';
const said = (name: string) => ({ family: dunmore, person: who(name), words: 'He came back.', medium: 'said', on: '2026-11-10' });

describe('before any harm is on record', () => {
  it('what is told is kept from nobody', async () => {
    const { entry: made } = await run(county, 'addWorkbookEntry', ENTRY, entry());
    expect(made.keptFrom).toEqual([]);
    expect(await node(ruth, made.id)).toBe(made.id);
  });
});

describe('born kept', () => {
  let before: string;
  let told: string;
  beforeAll(async () => {
    before = (await run(county, 'addWorkbookEntry', ENTRY, entry({ childWords: [{ person: who('daughter'), words: 'x' }] }))).entry.id;
    const { userErrors } = await run(county, 'recordSafetyCondition', 'condition { id }', {
      family: dunmore,
      kind: 'no-contact',
      instruction: 'No contact with the mother.',
      issuer: "Magistrates' court",
      persons: [
        { person: who('partner'), part: 'BOUND' },
        { person: who('mother'), part: 'PROTECTED' },
      ],
      from: '2026-11-01',
      victimReason: 'She told of April.',
    });
    expect(userErrors).toEqual([]);
    const incident = { family: dunmore, kind: 'call-out', basis: 'REPORTED', outcome: 'not-known', on: '2026-11-02' };
    for (const [name, part] of [
      ['partner', 'SUSPECT'],
      ['daughter', 'VICTIM'],
    ] as const)
      expect((await run(county, 'recordIncident', 'incident { id }', { ...incident, person: who(name), part })).userErrors).toEqual([]);
  });

  it('is an entry with all that belongs to it: of the protected, of the victim, and not of the one who harms', async () => {
    const parts = { readings: [{ person: who('mother'), behaviour: 'alcohol', stageOfChange: 'ACTION', capacityForChange: 3 }] };
    const { entry: made, userErrors } = await run(county, 'addWorkbookEntry', ENTRY, entry(parts));
    expect(userErrors).toEqual([]);
    told = made.id;
    expect(made.keptFrom).toEqual([{ givenName: 'Craig' }]);
    expect(await keptFrom('workbook_reading', 'entry', told)).toEqual(partner());
    const child = await run(county, 'addWorkbookEntry', ENTRY, entry({ persons: [who('daughter')] }));
    expect(child.entry.keptFrom).toEqual([{ givenName: 'Craig' }]);
    const his = await run(county, 'addWorkbookEntry', ENTRY, entry({ persons: [who('partner')] }));
    expect(his.entry.keptFrom).toEqual([]);
    // Kept from nobody else: the younger child is neither protected nor a victim.
    const younger = await run(county, 'addWorkbookEntry', ENTRY, entry({ persons: [who('younger')] }));
    expect(younger.entry.keptFrom).toEqual([]);
  });
  it('does not exist for who works with him only, and stands for who works with her', async () => {
    expect(await node(ruth, told)).toBeNull();
    expect(await node(niamh, told)).toBe(told);
    const sql = await sqlAs('elmore-perpetrators', false, ownerUrl);
    expect((await sql.query('select from fsp.workbook_entry where id = $1', [told.split('-')[1]])).rowCount).toBe(0);
    await sql.end();
  });
  it('also where the writer works with him only: it is written, and not there for the writer', async () => {
    const answer = await run(ruth, 'addWorkbookEntry', ENTRY, entry());
    expect(answer).toEqual({ entry: null, userErrors: [] });
    const { rows } = await owner.query('select kept_from, worker from fsp.workbook_entry order by id desc limit 1');
    expect(rows).toEqual([{ kept_from: partner(), worker: 'ruth.ellery' }]);
    expect((await run(ruth, 'addWorkbookEntry', ENTRY, entry({ persons: [who('partner')] }))).entry.keptFrom).toEqual([]);
  });
  it('is named beside those whom the writer names', async () => {
    const { entry: made } = await run(county, 'addWorkbookEntry', ENTRY, entry({ keptFrom: [who('mother'), who('partner')] }));
    expect(made.keptFrom.map(({ givenName }: any) => givenName)).toEqual(['Shelley', 'Craig']);
  });
  it.each([
    ['recordChildVoice', 'voice { id }', said('daughter'), 'child_voice'],
    ['recordAdultVoice', 'voice { id }', said('mother'), 'adult_voice'],
    [
      'nameTrustedAdult',
      'trustedAdult { id }',
      { family: dunmore, person: who('daughter'), name: 'Mrs Aldous', role: 'Teacher', from: '2026-09-07' },
      'trusted_adult',
    ],
    [
      'recordToolReading',
      'reading { id }',
      { family: dunmore, person: who('mother'), tool: 'DASH', on: '2026-11-12', checks: CHECKS },
      'tool_reading',
    ],
    [
      'recordIncident',
      'incident { id }',
      {
        family: dunmore,
        person: who('mother'),
        kind: 'call-out',
        basis: 'REPORTED',
        part: 'VICTIM',
        outcome: 'not-known',
        on: '2026-11-03',
      },
      'incident',
    ],
  ])('%s', async (field, selection, input, table) => {
    const answer = await run(county, field, selection, input);
    expect(answer.userErrors).toEqual([]);
    const [row] = Object.values(answer) as { id: string }[];
    expect(await keptFrom(table, 'id', row?.id as string)).toEqual(partner());
    expect(await node(ruth, row?.id as string)).toBeNull();
  });
  it('why a condition protects her, and not what everybody has to do', async () => {
    const { rows } = await owner.query(
      'select c.id, c.kept_from, r.kept_from as why from fsp.safety_condition c join fsp.safety_victim_reason r on r.condition = c.id',
    );
    expect(rows).toMatchObject([{ kept_from: [], why: partner() }]);
    expect(await node(ruth, encodeId('SafetyCondition', rows[0].id))).toBe(encodeId('SafetyCondition', rows[0].id));
  });
  it('the reasons of a MARAC, of whichever victim they tell', async () => {
    const { marac, userErrors } = await run(county, 'openMarac', 'marac { id version }', {
      family: dunmore,
      opened: '2026-11-12',
      reasons: 'High risk.',
    });
    expect(userErrors).toEqual([]);
    expect(await keptFrom('marac_content', 'marac', marac.id)).toEqual(partner());
  });
  it('an entry that is amended after the harm came on record, with its parts, and what it said before', async () => {
    const amend = { entry: before, expectedVersion: 1, reason: 'She told more.', narrative: 'What else she told.' };
    const { entry: amended, userErrors } = await run(county, 'amendWorkbookEntry', ENTRY, amend);
    expect(userErrors).toEqual([]);
    expect(amended).toMatchObject({ version: 2, keptFrom: [{ givenName: 'Craig' }] });
    for (const part of ['workbook_child_words', 'workbook_entry_person', 'workbook_entry_version'])
      expect(await keptFrom(part, 'entry', before), part).toEqual(partner());
    expect(await node(ruth, before)).toBeNull();
  });

  it('is lifted by a manager, with a reason, and stays lifted when the row is amended', async () => {
    const LIFT = 'decision { id reason }';
    const lift = { of: told, person: who('partner'), reason: 'He was there when she told it.' };
    expect((await run(county, 'liftKeptFrom', LIFT, lift)).userErrors).toMatchObject([{ rule: 'TEAM_MANAGER' }]);
    expect((await run(manager, 'liftKeptFrom', LIFT, lift)).userErrors).toEqual([]);
    expect(await node(ruth, told)).toBe(told);
    const [{ version }] = (await owner.query('select version from fsp.workbook_entry where id = $1', [told.split('-')[1]])).rows;
    const amend = { entry: told, expectedVersion: version, reason: 'A word.', narrative: 'What she told him.' };
    expect((await run(county, 'amendWorkbookEntry', ENTRY, amend)).entry.keptFrom).toEqual([]);
    expect(await keptFrom('workbook_reading', 'entry', told)).toEqual([]);
    expect(await node(ruth, told)).toBe(told);
  });
  it('is lifted from a side alone, too', async () => {
    const [{ id }] = (await owner.query('select id from fsp.safety_condition')).rows;
    const lift = { of: encodeId('SafetyCondition', id), person: who('partner'), reason: 'It was read out in court.' };
    expect((await run(manager, 'liftKeptFrom', 'decision { id }', lift)).userErrors).toEqual([]);
    expect(await keptFrom('safety_victim_reason', 'condition', String(id))).toEqual([]);
    expect((await run(manager, 'liftKeptFrom', 'decision { id }', lift)).userErrors).toMatchObject([{ code: 'INVALID', path: ['person'] }]);
  });
});

describe('plain SQL', () => {
  const asked = (family: number, ...tellers: string[]) => [family, tellers.map(key)];
  const HARM = 'select fsp.recorded_as_harming($1, $2) as persons';
  it('is answered of families that the organisation works with, and of no others', async () => {
    for (const [organisation, persons] of [
      ['occ', partner()],
      ['team-07', partner()],
      ['team-01', []],
      ['school-tansy-bridge', []],
    ] as const) {
      const sql = await sqlAs(organisation, false, ownerUrl);
      expect((await sql.query(HARM, asked(3, 'mother'))).rows, organisation).toEqual([{ persons }]);
      // Of a family of which they are no members there is nothing to say.
      expect((await sql.query(HARM, asked(1, 'mother'))).rows, organisation).toEqual([{ persons: [] }]);
      await sql.end();
    }
  });
  it('keeps an own row from more, and from nobody less', async () => {
    const [{ id }] = (
      await owner.query("select id from fsp.workbook_entry where worker = 'ruth.ellery' and kept_from <> '{}' order by id limit 1")
    ).rows;
    const team = await sqlAs('team-07', false, ownerUrl);
    await team.query('update fsp.workbook_entry set kept_from = $2 where id = $1', [id, [key('mother')]]);
    await expect(team.query("select fsp.keep_from('organisation', 1, '{}')")).rejects.toMatchObject({ code: '42501' });
    await team.end();
    expect(new Set(await keptFrom('workbook_entry', 'id', String(id)))).toEqual(new Set([...partner(), String(key('mother'))]));
    const other = await sqlAs('oxford-health', false, ownerUrl);
    await expect(other.query("select fsp.keep_from('workbook_entry', $1, $2)", [id, [key('mother')]])).rejects.toMatchObject({
      code: '42501',
    });
    await other.end();
  });
  it('is written by agencies that may read what it rests on, or is shown to nobody of its writers', () => {
    // Providers write notes of their own work; the type that they read back has no list of whom it is kept from.
    const writers = [...(WRITERS.WORKBOOK?.agencies ?? []), ...(WRITERS.CHILD_VOICE?.agencies ?? []), ...(WRITERS.OFFENCE?.agencies ?? [])];
    for (const agency of new Set(writers)) expect(levelOf('OFFENCE', agency), agency).toBe('A');
    expect(Object.keys(ACTS)).not.toContain('addWorkbookEntry');
  });
});
