/** Where modules meet: stages, clocks that others stop, and days of which nobody knows when something is due. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const county: Caller = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
const dunmore = encodeId('Family', 3);
const daughter = encodeId('Person', storyPerson(3, 'daughter'));

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_seams');
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
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path } warnings { rule message } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: `k${++keys}`, ...input } });
  const answer = body.data?.[field];
  expect(answer?.userErrors, JSON.stringify(body)).toEqual([]);
  return answer;
}
const stageOf = async (family: string) =>
  (await owner.query('select stage from fsp.family_stage where family = $1', [family.split('-')[1]])).rows[0]?.stage;
const running = async (rule: string) =>
  (await owner.query('select started_on::text as "from" from fsp.clock where rule = $1 and met_on is null and ended_on is null', [rule]))
    .rows;

describe('a family’s stage', () => {
  it('stands from its registration, follows an assessment without a referral, and closes after it', async () => {
    const member = { givenName: 'Bo', familyName: 'Lark', dateOfBirth: '2019-01-01', sex: 'F', role: 'child' };
    const { family } = await run(county, 'registerFamily', 'family { id stage }', { name: 'Lark', members: [member] });
    expect(family.stage).toBe('EARLY_HELP');
    const { assessment } = await run(county, 'startAssessment', 'assessment { id version }', {
      family: family.id,
      started: '2026-11-02',
      referred: '2026-11-02',
    });
    expect(await stageOf(family.id)).toBe('ASSESSMENT');
    await run(county, 'cancelAssessment', 'assessment { id }', {
      assessment: assessment.id,
      expectedVersion: assessment.version,
      on: '2026-11-03',
    });
    expect(await stageOf(family.id)).toBe('CLOSED');
  });
});

describe('clocks', () => {
  it('are stopped by county and team for each other, and by others only where they are their own', async () => {
    const { rows } = await owner.query("select id from fsp.organisation where code = 'team-07'");
    await owner.query(
      `insert into fsp.clock (family, controller, assigned, rule, rule_version, subject_type, subject_id, started_on, due_on, due_soon_on)
       select 3, $1, $1, t.code, t.version, 'Family', 3, '2026-09-01', '2026-10-01', '2026-09-24'
       from fsp.timescale t where t.code = 'GROUP_SUPERVISION' order by authority = 'england' limit 1`,
      [rows[0].id],
    );
    const stop = "select fsp.stop_clocks('GROUP_SUPERVISION', 'Family', 3, '2026-09-30', null) as n";
    const health = await sqlAs('oxford-health', false, ownerUrl);
    expect((await health.query(stop)).rows).toEqual([{ n: 0 }]);
    await health.end();
    const held = {
      family: dunmore,
      team: encodeId('Organisation', rows[0].id),
      heldOn: '2026-11-12',
      ledBy: 'Bethan Rowe',
      participants: ['Niamh Carroll', 'Ruth Ellery'].map((name) => ({
        organisation: encodeId('Organisation', rows[0].id),
        name,
        discipline: 'mental-health',
      })),
    };
    await run(county, 'recordGroupSupervision', 'supervision { id }', held);
    expect(await running('GROUP_SUPERVISION')).toEqual([{ from: '2026-11-12' }]);
    const team = await sqlAs('team-07', false, ownerUrl);
    expect((await team.query(stop)).rows).toEqual([{ n: 1 }]);
    await team.end();
    expect(await running('GROUP_SUPERVISION')).toEqual([]);
  });
  it('of a child in need plan’s first meeting are met by that meeting', async () => {
    await owner.query(
      `insert into fsp.clock (family, person, controller, assigned, rule, rule_version, subject_type, subject_id, started_on, due_on, due_soon_on)
       select p.family, p.person, p.controller, p.controller, t.code, t.version, 'Plan', p.id, '2026-10-14', '2026-11-11', '2026-11-04'
       from fsp.plan p cross join lateral (select * from fsp.timescale t where t.code = 'CIN_FIRST_MEETING' order by authority = 'england' limit 1) t
       where p.person = $1 and p.kind = 'CHILD_IN_NEED' and p.status = 'OPEN'`,
      [storyPerson(3, 'daughter')],
    );
    const called = { family: dunmore, kind: 'child-in-need-meeting', at: '2026-11-05T10:00:00.000Z', persons: [daughter], invited: [] };
    const attended = [{ person: daughter }];
    const { meeting } = await run(county, 'callMeeting', 'meeting { id version }', called);
    await run(county, 'recordMeeting', 'meeting { id }', { meeting: meeting.id, expectedVersion: meeting.version, attended });
    expect((await owner.query("select met_on::text as met from fsp.clock where rule = 'CIN_FIRST_MEETING'")).rows).toEqual([
      { met: '2026-11-05' },
    ]);
  });
  it('do not run from a day of which nobody knows when it is due: what happened is written, and warned of', async () => {
    const { familyPlan, warnings } = await run(county, 'openFamilyPlan', 'familyPlan { id }', { family: dunmore, opened: '2015-03-02' });
    expect(familyPlan.id).toEqual(expect.any(String));
    expect(warnings.map(({ rule }: any) => rule)).toEqual(['FAMILY_PLAN_REVIEW']);
  });
});
