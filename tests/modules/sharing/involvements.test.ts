/** Who works with a family: what opens it to them, and what closes it again. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { checkInvolvement } from '../../../src/modules/sharing/rules.ts';
import {
  type Caller,
  encodeId,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_involvements');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const dunmore = encodeId('Family', 3);
const daughter = encodeId('Person', storyPerson(3, 'daughter'));
const mother = encodeId('Person', storyPerson(3, 'mother'));
const organisation = (code: string) => encodeId('Organisation', organisationId(code));
const county: Caller = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const open = (code: string, input: object) =>
  does(
    county,
    'openInvolvement',
    { family: dunmore, organisation: organisation(code), role: 'family-team', ...input },
    'involvement { id from until organisation { code } }',
  );
const end = (involvement: string, at?: string) => does(county, 'endInvolvement', { involvement, at }, 'involvement { until }');
const name = async (who: PersonaName | Caller) =>
  (await server.ask(who, 'query($id: ID!) { family(id: $id) { name } }', { id: dunmore })).body.data?.family?.name ?? null;

const desk: Caller = { client: 'cherwell-housing-desk', user: 'dilys.penrose', purpose: 'HOUSING_DUTY' };
const pastoral: Caller = { client: 'school-tansy-bridge-pastoral', user: 'owen.lathbury', purpose: 'CHILD_IN_NEED' };
const police: Caller = { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' };
const provider: Caller = { client: 'elmore-victims-casework', user: 'saira.bhatt', purpose: 'CHILD_IN_NEED' };
const team: Caller = { client: 'team-02-workbook', user: 'lorna.beckett', purpose: 'CHILD_IN_NEED' };

describe('an involvement', () => {
  it.each([
    ['team-02', {}, team],
    ['school-tansy-bridge', { person: daughter }, pastoral],
    ['elmore-victims', { person: mother }, provider],
  ] as const)('opens the family to %s, and ends', async (code, input, who) => {
    expect(await name(who)).toBeNull();
    const opened = await open(code, input);
    expect(opened).toMatchObject({ involvement: { organisation: { code }, until: null }, userErrors: [] });
    expect(await name(who)).toBe('Dunmore');
    const { involvement, userErrors } = await end(opened.involvement.id);
    expect(userErrors).toEqual([]);
    expect(involvement.until).not.toBeNull();
    expect(await name(who)).toBeNull();
    expect((await end(opened.involvement.id)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
  it('runs out by itself', async () => {
    const { involvement } = await open('team-02', { until: new Date(Date.now() + 3_600_000).toISOString() });
    expect(await name(team)).toBe('Dunmore');
    await owner.query(
      "update fsp.involvement set \"from\" = now() - interval '2 hours', until = now() - interval '1 second' where id = $1",
      [involvement.id.split('-')[1]],
    );
    expect(await name(team)).toBeNull();
  });
  it('of a council is with who chose it, and tells it no more than its own desk needs', async () => {
    expect((await open('cherwell-housing', { person: mother })).userErrors).toMatchObject([{ rule: 'S213B' }]);
    expect((await open('cherwell-housing', { agreed: true })).userErrors).toMatchObject([{ path: ['person'] }]);
    const { involvement } = await open('cherwell-housing', { person: mother, agreed: true });
    const { body } = await server.ask(desk, 'query($id: ID!) { family(id: $id) { name members { person { givenName } } } }', {
      id: dunmore,
    });
    expect(body.data.family.name).toBeNull();
    expect((await name({ ...desk, client: 'cherwell-leisure-desk', user: null })) ?? null).toBeNull();
    await end(involvement.id);
  });
  it('of the police stands for a process, and ends with it', async () => {
    const stage = (value: string, marac = false) =>
      owner.query('update fsp.family_stage set stage = $1, marac = $2 where family = 3', [value, marac]);
    await stage('CHILD_IN_NEED');
    expect((await open('thames-valley-police', {})).userErrors).toMatchObject([{ rule: 'PROCESS' }]);
    await stage('STRATEGY_DISCUSSION');
    expect((await open('thames-valley-police', {})).userErrors).toEqual([]);
    expect(await name(police)).toBe('Dunmore');
    await stage('SECTION_47');
    expect(await name(police)).toBe('Dunmore');
    await stage('CHILD_IN_NEED', true);
    expect(await name(police)).toBe('Dunmore');
    await stage('CHILD_IN_NEED');
    expect(await name(police)).toBeNull();
    // A new process does not bring them back by itself.
    await stage('SECTION_47');
    expect(await name(police)).toBeNull();
    await stage('CHILD_IN_NEED');
  });
  it('of a provider whose name tells of health is hidden from who may not know of it', async () => {
    expect((await open('turning-point', { person: mother })).userErrors).toEqual([]);
    const made = await owner.query('select max(id) as id from fsp.involvement where family = 3');
    const involvement = { id: encodeId('Involvement', made.rows[0].id) };
    const seen = async (login: string) => {
      const client = await sqlAs(login, false, ownerUrl);
      const { rows } = await client.query('select id from fsp.involvement where id = $1', [involvement.id.split('-')[1]]);
      await client.end();
      return rows.length;
    };
    expect(await seen('turning-point')).toBe(1);
    expect(await seen('school-larch-hollow')).toBe(0);
    // The county, who may not know either, ends what it opened.
    expect(await seen('occ')).toBe(0);
    expect(await end(involvement.id)).toMatchObject({ involvement: null, userErrors: [] });
    const { rows } = await owner.query('select until from fsp.involvement where id = $1', [involvement.id.split('-')[1]]);
    expect(rows[0].until).not.toBeNull();
  });
  it('leads, and the one that led ends', async () => {
    const lead = async () =>
      (
        await server.ask(county, 'query($id: ID!) { family(id: $id) { leadPractitioner { practitioner leadPractitionerChanges } } }', {
          id: dunmore,
        })
      ).body.data.family.leadPractitioner;
    const before = await lead();
    await open('occ', { role: 'lead-practitioner', lead: true, practitioner: 'Grace Whitlock', user: 'grace.whitlock' });
    expect(await lead()).toEqual({ practitioner: 'Grace Whitlock', leadPractitionerChanges: before.leadPractitionerChanges + 1 });
    const { rows } = await owner.query('select count(*)::int as n from fsp.involvement where family = 3 and lead and until is null');
    expect(rows[0].n).toBe(1);
    expect((await open('oxford-health', { lead: true })).userErrors).toMatchObject([{ path: ['lead'] }]);
  });
  it('is the county’s to open; others are refused by name, and by plain SQL', async () => {
    for (const who of ['teamSpecialist', 'healthVisitor', 'police', 'provider', 'evaluator'] as const)
      expect(
        (
          await does(
            who,
            'openInvolvement',
            { family: dunmore, organisation: organisation('occ'), role: 'family-team' },
            'involvement { id }',
          )
        ).refused,
        who,
      ).toMatchObject({
        code: 'FORBIDDEN',
        field: 'Mutation.openInvolvement',
      });
    const login = await sqlAs('thames-valley-police', false, ownerUrl);
    for (const family of [3, 99_999_999])
      await expect(
        login.query(
          `select fsp.open_involvement(${family}, null, ${organisationId('thames-valley-police')}, 'x', null, null, false, false, now(), null)`,
        ),
      ).rejects.toMatchObject({ code: '42501', message: 'No such family.' });
    expect((await login.query('select fsp.end_involvement(1, now())')).rows).toEqual([{ end_involvement: null }]);
    await login.end();
    expect((await open('team-02', { family: encodeId('Family', 99_999_999) })).userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['family'] },
    ]);
    expect((await open('team-02', { role: 'x' })).userErrors).toMatchObject([{ path: ['role'] }]);
    expect((await open('team-02', { until: '2020-01-01T00:00:00.000Z' })).userErrors).toMatchObject([{ path: ['until'] }]);
    expect((await open('oxford-university', {})).userErrors).toMatchObject([{ path: ['organisation'] }]);
  });
  it('tells in which month an organisation last met the family, and not what was said', async () => {
    const entry = {
      family: dunmore,
      module: (await owner.query('select code from fsp.workbook_module limit 1').catch(() => ({ rows: [{ code: 'x' }] }))).rows[0].code,
    };
    expect(entry.module).toBeTruthy();
    await owner.query(
      `insert into fsp.involvement_contact (involvement, family, person, controller, row_mask, organisation, month)
       select id, family, person, controller, row_mask, organisation, '2026-10-01' from fsp.involvement where family = 3 and until is null
       on conflict (involvement) do update set month = excluded.month`,
    );
    const ask = async (who: Caller) =>
      (
        await server.ask(who, 'query($id: ID!) { family(id: $id) { involvements { organisation { code } lastContactMonth } } }', {
          id: dunmore,
        })
      ).body.data.family.involvements;
    const seen = await ask({ client: 'oxford-health-visiting', user: 'amara.osei', purpose: 'CHILD_IN_NEED' });
    expect(seen).toContainEqual({ organisation: { code: 'team-07' }, lastContactMonth: '2026-10' });
  });
});

it('asks no more of an involvement than its agency’s rule', () => {
  const input = { family: 'f', organisation: 'o', role: 'other' };
  const now = new Date('2026-11-21T10:00:00Z');
  const rules = (agency: any, more = {}, atRisk = false) =>
    checkInvolvement({ ...input, ...more }, agency, atRisk, now).map(({ path }) => path[0]);
  expect(rules('LA')).toEqual([]);
  expect(rules('TEAM')).toEqual([]);
  expect(rules('HEALTH')).toEqual([]);
  expect(rules('POLICE')).toEqual(['organisation']);
  expect(rules('POLICE', {}, true)).toEqual([]);
  expect(rules('EDUCATION')).toEqual(['person']);
  expect(rules('PROVIDER')).toEqual(['person']);
  expect(rules('DISTRICT')).toEqual(['person', 'agreed']);
  expect(rules('EVALUATOR')).toEqual(['organisation']);
});
