/** A family opened in an emergency: for one user, for what was asked, for a time; and looked at afterwards by somebody else. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
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
  ownerUrl = await ownDatabase('fsp_emergency');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

// The police have nothing to do with the Dunmores any more.
const family = encodeId('Family', 3);
const mother = encodeId('Person', storyPerson(3, 'mother'));
const officer: Caller = { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'EMERGENCY' };
const governance: Caller = { client: 'thames-valley-police-governance', user: 'harriet.coyle', purpose: 'GOVERNANCE' };
const marcus: Caller = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
const countyGovernance: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const emergency = {
  family,
  classes: ['IDENTITY', 'FAMILY', 'SAFETY', 'WHEREABOUTS'],
  reasonCode: 'RISK_TO_LIFE',
  reason: 'Shouting, then silence.',
};
const open = (who: Caller, input: object = {}) =>
  does(who, 'openEmergencyAccess', { ...emergency, ...input }, 'emergency { id classes until family { id name } }');
const read = async (who: Caller, selection = 'name stage households { __typename } members { person { givenName } }') =>
  (await server.ask(who, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id: family })).body.data?.family ?? null;

const emergencySql = (code: string) => sqlAs(code, 'emergency', ownerUrl);

describe('an emergency', () => {
  it('111 opens what was asked for and no more, to that user and no other, until it ends', async () => {
    expect(await read(officer)).toBeNull();
    const { emergency: opened, userErrors } = await open(officer);
    expect(userErrors).toEqual([]);
    expect(opened).toMatchObject({ classes: emergency.classes, family: { id: family, name: 'Dunmore' } });
    const seen = await read(officer);
    expect(seen).toMatchObject({ name: 'Dunmore', stage: null });
    expect(seen.households.length).toBeGreaterThan(0);
    expect(seen.members.length).toBeGreaterThan(2);
    // The same officer without the purpose, a colleague with it: nothing.
    expect(await read({ ...officer, purpose: 'SAFEGUARDING' })).toBeNull();
    const { rows: others } = await owner.query('select subject from fsp.app_user where organisation = $1 and subject <> $2 limit 1', [
      organisationId('thames-valley-police'),
      'harriet.coyle',
    ]);
    expect(await read({ ...officer, user: others[0].subject })).toBeNull();
    expect(await read({ ...officer, user: null })).toBeNull();
    // Nor another family, nor a list of any.
    const list = await server.ask(officer, '{ families(first: 50) { nodes { id } } }');
    expect(list.body.data.families.nodes).toEqual([{ id: family }]);
    // By plain SQL the emergency login has this family, these classes, and nothing else.
    const login = await emergencySql('thames-valley-police');
    const count = async (sql: string) => Number((await login.query(sql)).rows[0].n);
    expect(await count('select count(distinct family) as n from fsp.membership')).toBe(1);
    expect(await count('select count(*) as n from fsp.plan')).toBe(0);
    expect(await count('select count(*) as n from fsp.incident')).toBe(0);
    await login.end();
    // Over.
    await owner.query(
      "update fsp.emergency_access set \"from\" = now() - interval '2 hours', until = now() - interval '1 second' where id = $1",
      [opened.id.split('-')[1]],
    );
    expect(await read(officer)).toBeNull();
    const after = await emergencySql('thames-valley-police');
    expect((await after.query('select from fsp.membership')).rowCount).toBe(0);
    await after.end();
  });
  it('is opened by the family’s reference, where its id is not known', async () => {
    const { rows } = await owner.query('select reference from fsp.family_name where family = 3');
    const { emergency: opened } = await open(officer, { family: undefined, reference: rows[0].reference, minutes: 5 });
    expect(opened.family.id).toBe(family);
  });
  it('opens nothing that is never the agency’s, no restricted family, and none from which the user is barred', async () => {
    expect((await open(officer, { classes: ['WORKBOOK'] })).userErrors).toMatchObject([{ rule: 'NEVER', path: ['classes', '0'] }]);
    const absent = (await open(officer, { family: encodeId('Family', 99_999_999) })).userErrors;
    expect(absent).toMatchObject([{ code: 'NOT_FOUND', path: ['family'] }]);
    await owner.query('update fsp.family set restricted = true where id = 3');
    expect((await open(officer)).userErrors).toEqual(absent);
    expect(await read(officer)).toBeNull();
    await owner.query('update fsp.family set restricted = false where id = 3');
    await owner.query(
      `insert into fsp.conflict_of_interest (family, controller, subject, reason, "from") values (3, $1, 'harriet.coyle', 'x', now() - interval '1 day')`,
      [organisationId('thames-valley-police')],
    );
    expect((await open(officer)).userErrors).toEqual(absent);
    await owner.query('update fsp.conflict_of_interest set until = now() where subject = $1', ['harriet.coyle']);
  });
  it('does not reach past a decision to withhold, nor to protected whereabouts', async () => {
    const withhold = { family, effect: 'WITHHOLD', classes: ['SAFETY'], agency: 'POLICE', gateway: 'CA1989-s17', told: 'x', reason: 'x' };
    const { decision } = await does(marcus, 'recordSharingDecision', withhold, 'decision { id }');
    const { protection } = await does(marcus, 'protectWhereabouts', { family, person: mother, reason: 'x' }, 'protection { id }');
    await open(officer);
    expect(await read(officer)).toMatchObject({ name: 'Dunmore', households: null });
    await does(marcus, 'endWhereaboutsProtection', { protection: protection.id, reason: 'x' }, 'protection { id }');
    await does(marcus, 'withdrawSharingDecision', { decision: decision.id, reason: 'x' }, 'decision { id }');
  });
  it('of one family takes nothing from an emergency of another, of whoever belongs to both', async () => {
    const login = await emergencySql('oxford-health');
    const known = async () =>
      (
        await login.query(
          'select (select count(*)::int from fsp.person_identity where person = $1) as named, (select count(*)::int from fsp.person_nhs_number where person = $1) as numbered',
          [storyPerson(3, 'mother')],
        )
      ).rows[0];
    await owner.query(
      `insert into fsp.membership (family, person, controller, role, "from") values (2, $1, $2, 'other-relative', '2026-01-01')`,
      [storyPerson(3, 'mother'), organisationId('occ')],
    );
    const nurse: Caller = { client: 'oxford-health-visiting', user: 'amara.osei', purpose: 'EMERGENCY' };
    expect((await open(nurse, { classes: ['IDENTITY'] })).userErrors).toEqual([]);
    expect(await known()).toEqual({ named: 1, numbered: 0 });
    expect((await open(nurse, { family: encodeId('Family', 2), classes: ['NHS_NUMBER'] })).userErrors).toEqual([]);
    expect(await known()).toEqual({ named: 1, numbered: 1 });
    // What a decision withholds of either stays withheld.
    const withhold = { family, effect: 'WITHHOLD', classes: ['IDENTITY'], agency: 'HEALTH', gateway: 'CA1989-s17', told: 'x', reason: 'x' };
    const { decision } = await does(marcus, 'recordSharingDecision', withhold, 'decision { id }');
    expect(await known()).toEqual({ named: 0, numbered: 1 });
    await does(marcus, 'withdrawSharingDecision', { decision: decision.id, reason: 'x' }, 'decision { id }');
    await owner.query("delete from fsp.membership where family = 2 and person = $1 and role = 'other-relative'", [
      storyPerson(3, 'mother'),
    ]);
    await owner.query("delete from fsp.emergency_access where worker = 'amara.osei'");
    await login.end();
  });
  it('is asked for in full: a reason, a time, a person, a scope', async () => {
    const wrong = async (input: object, who = officer) => (await open(who, input)).userErrors?.map(({ path }: any) => path[0]);
    expect(await wrong({ reason: ' ' })).toContain('reason');
    expect(await wrong({ minutes: 241 })).toEqual(['minutes']);
    expect(await wrong({ minutes: 0 })).toEqual(['minutes']);
    expect(await wrong({ reasonCode: 'x' })).toEqual(['reasonCode']);
    expect(await wrong({ classes: [] })).toEqual(['classes']);
    expect(await wrong({ classes: ['DIRECTORY'] })).toEqual(['classes']);
    expect(await wrong({ reference: 'x' })).toEqual(['family']);
    expect(await wrong({}, { ...officer, user: null })).toEqual(['reason']);
    expect((await open({ ...officer, scopes: ['family:read'] })).refused).toMatchObject({ code: 'FORBIDDEN' });
    expect((await open({ client: 'oxford-university-evaluation', user: 'cornelius.bright', purpose: 'EVALUATION' })).refused).toMatchObject(
      { code: 'FORBIDDEN' },
    );
  });
  it('is told at once to whom leads the work, and looked at by a second person', async () => {
    const { emergency: opened } = await open(officer);
    const tasks = await owner.query("select worker, title from fsp.task where kind = 'emergency-access' and subject_id = $1", [
      opened.id.split('-')[1],
    ]);
    expect(tasks.rows).toEqual([{ worker: 'marcus.oyelaran', title: 'Somebody opened this family in an emergency.' }]);
    const review = (who: Caller) =>
      does(
        who,
        'reviewEmergencyAccess',
        { emergency: opened.id, finding: 'JUSTIFIED', findings: 'A child was hurt.' },
        'emergency { finding { code } reviewedBy }',
      );
    expect((await review(governance)).userErrors).toMatchObject([{ rule: 'SECOND_PERSON' }]);
    expect((await review(marcus)).refused).toMatchObject({ code: 'FORBIDDEN' });
    const queue = async (who: Caller) =>
      (
        await server.ask(who, '{ emergencyAccesses(filter: { reviewed: false }, first: 50) { nodes { id } } }')
      ).body.data.emergencyAccesses.nodes.map(({ id }: any) => id);
    expect(await queue(countyGovernance)).toContain(opened.id);
    expect(await queue(governance)).toContain(opened.id);
    expect(await queue({ client: 'oxford-health-governance', user: 'amara.osei', purpose: 'GOVERNANCE' })).toEqual([]);
    expect(await review(countyGovernance)).toMatchObject({ emergency: { finding: { code: 'JUSTIFIED' }, reviewedBy: 'Gideon Marlowe' } });
    expect(await queue(countyGovernance)).not.toContain(opened.id);
    expect((await review(countyGovernance)).userErrors).toMatchObject([{ rule: 'REVIEWED' }]);
  });
});

describe('figures of emergencies', () => {
  const FIGURES = `query($from: Date!, $until: Date!, $days: Int!) { emergencyFigures(from: $from, until: $until, reviewWithinDays: $days) {
    organisation organisationCode opened minutes longestMinutes reviewed waiting overdue disclosures
    byReason { code label count } byFinding { code label count } } }`;
  const ask = (who: PersonaName | Caller, variables: object = {}) =>
    server.ask(who, FIGURES, { from: '2020-01-01', until: '2099-12-31', days: 3, ...variables });
  const figures = async (who: PersonaName | Caller, variables: object = {}) => (await ask(who, variables)).body.data.emergencyFigures;
  const health: Caller = { client: 'oxford-health-governance', user: 'amara.osei', purpose: 'GOVERNANCE' };
  const visitor: Caller = { client: 'oxford-health-visiting', user: 'felicity.garside', purpose: 'EMERGENCY' };

  it('are for who checks them: nobody else is told, and an evaluator has no such field', async () => {
    for (const who of ['socialWorker', 'teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider'] as const) {
      const { body } = await ask(who);
      expect(body.data.emergencyFigures, who).toBeNull();
      expect(body.errors?.[0].extensions, who).toMatchObject({ code: 'FORBIDDEN', field: 'Query.emergencyFigures', class: 'OPERATION' });
    }
    expect((await ask('evaluator')).body.data?.emergencyFigures ?? null).toBeNull();
  });
  it('count what an organisation opened: why, for how long, what came of it, what was read under it', async () => {
    const [mine, ...others] = await figures(governance);
    expect(others).toEqual([]);
    const { rows } = await owner.query(
      `select count(*)::int as opened, count(reviewed_at)::int as reviewed, round(sum(extract(epoch from until - "from")) / 60)::int as minutes,
        (select count(*)::int from fsp.disclosure_entry d where d.emergency is not null and d.organisation = $1) as disclosures
       from fsp.emergency_access where controller = $1`,
      [organisationId('thames-valley-police')],
    );
    expect(mine).toMatchObject({ organisationCode: 'thames-valley-police', ...rows[0], longestMinutes: expect.any(Number) });
    expect(mine.disclosures).toBeGreaterThan(0);
    expect(mine.byReason).toEqual([{ code: 'RISK_TO_LIFE', label: 'Immediate risk to life', count: mine.opened }]);
    expect(mine.byFinding).toEqual([{ code: 'JUSTIFIED', label: 'Justified', count: 1 }]);
    expect(mine.reviewed + mine.waiting + mine.overdue).toBe(mine.opened);
    // One that ended long ago is overdue; nobody is named in any of it.
    expect(mine.overdue).toBe(0);
    expect((await figures(governance, { days: 0 }))[0].overdue).toBeGreaterThan(0);
    expect(JSON.stringify(mine)).not.toMatch(/Family-|Person-|harriet/);
  });
  it('are of a period, both days in it', async () => {
    expect(await figures(governance, { from: '2020-01-01', until: '2020-12-31' })).toEqual([]);
    expect((await ask(governance, { from: '2026-02-01', until: '2026-01-01' })).body.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
    expect((await ask(governance, { days: -1 })).body.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
  });
  it('are of one’s own organisation; the county has them by organisation, of its families', async () => {
    expect(await figures(health)).toEqual([]);
    expect((await open(visitor, { classes: ['IDENTITY'], reasonCode: 'URGENT_CARE', minutes: 5 })).userErrors).toEqual([]);
    expect(await figures(health)).toMatchObject([
      {
        organisationCode: 'oxford-health',
        opened: 1,
        minutes: 5,
        waiting: 1,
        byReason: [{ code: 'URGENT_CARE', count: 1 }],
        byFinding: [],
      },
    ]);
    expect((await figures(governance)).map((each: any) => each.organisationCode)).toEqual(['thames-valley-police']);
    const [own] = await figures(governance);
    const county = await figures(countyGovernance);
    expect(county.map((each: any) => each.organisationCode)).toEqual(['oxford-health', 'thames-valley-police']);
    expect(county[1]).toEqual(own);
    // A family that the county's lead is barred from is not in them, nor one that is restricted.
    await owner.query(
      `insert into fsp.conflict_of_interest (family, controller, subject, reason, "from") values (3, $1, 'gideon.marlowe', 'x', now() - interval '1 day')`,
      [organisationId('occ')],
    );
    expect(await figures(countyGovernance)).toEqual([]);
    await owner.query("update fsp.conflict_of_interest set until = now() where subject = 'gideon.marlowe'");
    await owner.query('update fsp.family set restricted = true where id = 3');
    expect(await figures(countyGovernance)).toEqual([]);
    expect(await figures(health)).toEqual([]);
    await owner.query('update fsp.family set restricted = false where id = 3');
    expect((await figures(countyGovernance)).length).toBe(2);
  });
});

describe('who checks', () => {
  it.each([
    ['elmore-perpetrators', 'elmore-perpetrators-casework'],
    ['team-01', 'team-01-workbook'],
  ])('%s looks at what all its users opened, who see each their own', async (organisation, client) => {
    const { rows } = await owner.query('select subject from fsp.app_user where organisation = $1 and enabled order by subject', [
      organisationId(organisation),
    ]);
    const [worker, lead] = rows.map(({ subject }) => subject as string);
    const checks: Caller = { client: `${organisation}-governance`, user: lead as string, purpose: 'GOVERNANCE' };
    const { emergency: opened, userErrors } = await open({ client, user: worker as string, purpose: 'EMERGENCY' });
    expect(userErrors).toEqual([]);
    const queue = async () =>
      (await server.ask(checks, '{ emergencyAccesses(filter: { reviewed: false }) { nodes { id } } }')).body.data.emergencyAccesses.nodes;
    expect(await queue()).toEqual([{ id: opened.id }]);
    const said = await does(
      checks,
      'reviewEmergencyAccess',
      { emergency: opened.id, finding: 'JUSTIFIED', findings: 'A child was hurt.' },
      'emergency { finding { code } }',
    );
    expect(said).toMatchObject({ emergency: { finding: { code: 'JUSTIFIED' } }, userErrors: [] });
    expect(await queue()).toEqual([]);
  });
});
