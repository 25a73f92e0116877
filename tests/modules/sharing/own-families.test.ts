/** Inside the county: practitioners see the families of their own teams and those that name them; the front door sees whoever comes. */
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { inTeam, organisationId } from '../../../src/db/personas.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
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
  ownerUrl = await ownDatabase('fsp_own_families');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

// The Hartwells are team 7's. Nobody of team 1 has to do with them.
const family = encodeId('Family', 1);
const subjectIn = (team: string, discipline: string) => inTeam(team, discipline)[0]?.subject as string;
const outsider = subjectIn('team-01', 'social-worker');
const elsewhere: Caller = { client: 'occ-social-care', user: outsider, purpose: 'SAFEGUARDING' };
const managerElsewhere: Caller = { client: 'occ-team-management', user: subjectIn('team-01', 'team-manager'), purpose: 'SAFEGUARDING' };
const governance: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const recordSystem: Caller = { client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC' };

const COUNT = '{ families { totalCount { value } } }';
const count = async (who: PersonaName | Caller): Promise<number> => (await server.ask(who, COUNT)).body.data.families.totalCount.value;
const sees = async (who: PersonaName | Caller, id = family): Promise<boolean> =>
  (await server.ask(who, 'query($id: ID!) { family(id: $id) { id } }', { id })).body.data.family !== null;

describe('a practitioner of another team', () => {
  it('finds nothing of the family, on no path; their colleagues, the front door, governance and the record system do', async () => {
    const { rows } = await owner.query(
      `select (select min(person) from fsp.membership where family = 1) as person, (select min(id) from fsp.workbook_entry where family = 1) as entry,
        (select reference from fsp.family_name where family = 1) as reference`,
    );
    const ids = [family, encodeId('Person', rows[0].person), encodeId('WorkbookEntry', rows[0].entry)];
    for (const [who, there] of [
      ['socialWorker', true],
      [FRONT_DOOR, true],
      [recordSystem, true],
      [elsewhere, false],
      [managerElsewhere, false],
    ] as const) {
      const at = JSON.stringify(who);
      expect(await sees(who), at).toBe(there);
      for (const id of ids) {
        const { body } = await server.ask(who, 'query($id: ID!) { node(id: $id) { id } }', { id });
        expect(body.data.node, `${at} ${id}`).toEqual(there ? { id } : null);
      }
      const byReference = await server.ask(who, 'query($of: String!) { familyByReference(reference: $of) { id } }', {
        of: rows[0].reference,
      });
      expect(byReference.body.data.familyByReference, at).toEqual(there ? { id: family } : null);
    }
    expect(await sees(governance)).toBe(true);
  });

  it('has own lists and counts: of the families of the team, and no others', async () => {
    const { rows } = await owner.query(
      `select i.family from fsp.involvement i where i.organisation = $1 and i."from" <= now() and coalesce(i.until, 'infinity') > now() order by 1`,
      [organisationId('team-01')],
    );
    const teams = [...new Set(rows.map((row) => encodeId('Family', Number(row.family))))];
    expect(teams.length).toBeGreaterThan(3);
    for (const who of [elsewhere, managerElsewhere]) {
      const { nodes, totalCount } = (await server.ask(who, '{ families(first: 100) { totalCount { value } nodes { id } } }')).body.data
        .families;
      expect(nodes.map(({ id }: { id: string }) => id).sort()).toEqual([...teams].sort());
      expect(totalCount.value).toBe(teams.length);
    }
    expect(await count(FRONT_DOOR)).toBeGreaterThan(teams.length * 5);
    const due = await server.ask(elsewhere, '{ dueItems(first: 100) { nodes { family { id } } } }');
    for (const { family } of due.body.data.dueItems.nodes) expect(family === null || teams.includes(family.id)).toBe(true);
  });

  it('writes nothing about it, in the same words as about a family that never was', async () => {
    const write = async (id: string) =>
      (
        await server.ask(
          elsewhere,
          'mutation($input: AddWorkbookEntryInput!) { addWorkbookEntry(input: $input) { entry { id } userErrors { code message path } } }',
          {
            input: {
              idempotencyKey: `elsewhere-${id}`,
              family: id,
              module: 'Module 3',
              discipline: 'social-worker',
              persons: [encodeId('Person', storyPerson(1, 'mother'))],
              sessionType: 'joint-home-visit',
              occurred: '2026-02-03T10:00:00Z',
              narrative: 'Not mine.',
            },
          },
        )
      ).body;
    const hidden = await write(family);
    expect(hidden.data.addWorkbookEntry).toEqual((await write(encodeId('Family', 999_999))).data.addWorkbookEntry);
    expect(hidden.data.addWorkbookEntry.userErrors[0].code).toBe('NOT_FOUND');
  });

  it('is explained as a rule about the user', async () => {
    const { body } = await server.ask(
      governance,
      `query($family: ID!, $user: String) { explainAccess(client: "occ-social-care", family: $family, field: "Family.name", user: $user, purpose: "SAFEGUARDING") {
        verdict steps { rule verdict } } }`,
      { family, user: outsider },
    );
    const steps = body.data?.explainAccess.steps as { rule: string; verdict: string }[];
    expect(steps).toContainEqual({ rule: 'USER', verdict: 'CLOSES' });
    const own = await server.ask(
      governance,
      `query($family: ID!, $user: String) { explainAccess(client: "occ-social-care", family: $family, field: "Family.name", user: $user, purpose: "SAFEGUARDING") { verdict } }`,
      { family, user: 'grace.whitlock' },
    );
    expect(own.body.data.explainAccess.verdict).toBe('SEEN');
  });
});

describe('a family is a practitioner’s', () => {
  const opened: string[] = [];
  beforeEach(async () => {
    if (opened.length > 0) await owner.query('delete from fsp.involvement where id = any ($1::bigint[])', [opened.splice(0)]);
    await owner.query(`delete from fsp.team_member where subject = 'somebody.new'`);
    await owner.query(`delete from fsp.app_user where subject = 'somebody.new'`);
  });
  const involve = async (organisation: string, worker: string | null, from: string, until: string | null) => {
    const { rows } = await owner.query(
      `insert into fsp.involvement (family, controller, organisation, worker, role, "from", until)
       values (1, $1, $2, $3, 'family-team', now() + $4::interval, now() + $5::interval) returning id`,
      [organisationId('occ'), organisationId(organisation), worker, from, until],
    );
    opened.push(rows[0].id);
  };

  it.each([
    ['while their team works with it', 'team-01', null, '-1 day', null, true],
    ['not when their team’s work has ended', 'team-01', null, '-2 days', '-1 day', false],
    ['not before their team’s work begins', 'team-01', null, '1 day', null, false],
    ['while it names them', 'occ', outsider, '-1 day', '1 day', true],
    ['not when it named them once', 'occ', outsider, '-2 days', '-1 day', false],
    ['not because it names a colleague', 'occ', 'somebody.else', '-1 day', null, false],
    ['not because another organisation names one whose name is theirs', 'oxford-health', outsider, '-1 day', null, false],
  ])('%s', async (_, organisation, worker, from, until, there) => {
    await involve(organisation, worker, from, until);
    expect(await sees(elsewhere)).toBe(there);
    expect(await sees('socialWorker')).toBe(true);
  });

  it('while they are named in its team, and no longer', async () => {
    const newcomer: Caller = { client: 'occ-social-care', user: 'somebody.new', purpose: 'SAFEGUARDING' };
    await owner.query(`insert into fsp.app_user (organisation, subject, name) values ($1, 'somebody.new', 'Somebody New')`, [
      organisationId('occ'),
    ]);
    expect(await count(newcomer)).toBe(0);
    const name = (from: string, until: string | null) =>
      owner.query(
        `insert into fsp.team_member (organisation, subject, discipline, "from", until) values ($1, 'somebody.new', 'social-worker', now() + $2::interval, now() + $3::interval)`,
        [organisationId('team-07'), from, until],
      );
    await name('1 day', null);
    await name('-2 days', '-1 day');
    expect(await sees(newcomer)).toBe(false);
    await name('-1 hour', null);
    expect(await sees(newcomer)).toBe(true);
    await owner.query(`update fsp.team_member set until = now() where subject = 'somebody.new' and until is null`);
    expect(await sees(newcomer)).toBe(false);
  });

  it('when they registered it themselves', async () => {
    const { body } = await server.ask(
      elsewhere,
      `mutation($input: RegisterFamilyInput!) { registerFamily(input: $input) { family { id leadPractitioner { practitioner } members { person { givenName } } } userErrors { code message path } } }`,
      {
        input: {
          idempotencyKey: 'registered-elsewhere',
          name: 'Winterbourne',
          members: [{ role: 'child', givenName: 'Ada', familyName: 'Winterbourne', dateOfBirth: '2019-04-01', sex: 'F' }],
        },
      },
    );
    expect(body.data.registerFamily.userErrors).toEqual([]);
    const made = body.data.registerFamily.family;
    expect(made).toMatchObject({ leadPractitioner: { practitioner: expect.any(String) }, members: [{ person: { givenName: 'Ada' } }] });
    expect(await sees(elsewhere, made.id)).toBe(true);
    expect(await sees(managerElsewhere, made.id)).toBe(false);
    expect(await sees('socialWorker', made.id)).toBe(false);
    expect(await sees(FRONT_DOOR, made.id)).toBe(true);
  });
});

it('a restricted family is its named users’, whose team it is or not', async () => {
  await owner.query('update fsp.family set restricted = true where id = 1');
  await owner.query(`insert into fsp.sealed_user (organisation, subject, on_rota) values ($1, $2, true)`, [
    organisationId('occ'),
    outsider,
  ]);
  try {
    for (let left = 50; left > 0 && !(await sees(elsewhere)); left--) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await sees(elsewhere)).toBe(true);
    expect(await sees('socialWorker')).toBe(false);
    // Of what is not restricted a named user has what they had.
    expect(await sees(elsewhere, encodeId('Family', 2))).toBe(false);
  } finally {
    await owner.query('delete from fsp.sealed_user where subject = $1', [outsider]);
    await owner.query('update fsp.family set restricted = false where id = 1');
  }
});

it('who is in the county’s teams, its login may know, and of other organisations nothing', async () => {
  const county = await sqlAs('occ', false, ownerUrl);
  const health = await sqlAs('oxford-health', false, ownerUrl);
  const team = await sqlAs('team-07', false, ownerUrl);
  const organisations = async (client: pg.Client) =>
    (await client.query('select distinct m.organisation from fsp.team_member m')).rows.map(({ organisation }) => organisation);
  expect((await organisations(county)).length).toBe(22);
  expect(await organisations(health)).toEqual([]);
  expect(await organisations(team)).toEqual([organisationId('team-07')]);
  await Promise.all([county, health, team].map((client) => client.end()));
});
