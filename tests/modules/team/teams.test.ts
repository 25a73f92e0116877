/** Teams, their posts and who holds them: planned against filled, and seen by team managers alone. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faults } from '../../../src/change/errors.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { checkShares, hundredths } from '../../../src/modules/team/rules.ts';
import { encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_teams');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const manager = { client: 'occ-team-management', user: 'grace.whitlock', purpose: 'SAFEGUARDING' };
const organisation = (code: string) => encodeId('Organisation', organisationId(code));
const team = organisation('team-07');
const fails = 'userErrors { code message path currentVersion } warnings { code }';
const documents = {
  planPosts: 'teamDiscipline { id plannedCaseload plannedFte version }',
  recordPost:
    'post { id version vacant fte seconded fundedUntil discipline { code label } employer { code } funder { code } shares { team { code } fte until } holdings { name } }',
  sharePost: 'post { version shares { team { code } fte until } }',
  fillPost: 'holding { id version name holder locum families plannedCaseload abovePlanPercent post { id vacant } }',
  leavePost: 'holding { until version }',
  recordTraining: 'training { programme { code } level { code } trainee completed }',
  recordConfidence: 'answer { discipline { code } partner { code } needArea { code } score }',
};
let keys = 0;
async function run(caller: Parameters<TestServer['ask']>[0], name: keyof typeof documents, input: object) {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const { body } = await server.ask(caller, `mutation($input: ${type}!) { ${name}(input: $input) { ${documents[name]} ${fails} } }`, {
    input: { idempotencyKey: `key-${keys++}`, ...input },
  });
  return { ...body, payload: body.data?.[name] };
}
const workforce = async (): Promise<Record<string, any>> => {
  const { body } = await server.ask(
    manager,
    'query($team: ID!) { workforce(team: $team) { discipline { code } plannedPosts plannedFte plannedCaseload filledPosts filledFte vacantPosts vacancyPercent locums families abovePlanPercent version team { code } } }',
    { team },
  );
  expect(body.errors).toBeUndefined();
  return Object.fromEntries(body.data.workforce.map((row: any) => [row.discipline.code, row]));
};

describe('the directory', () => {
  it('says to everybody which kinds of team there are, and where each works', async () => {
    for (const caller of ['socialWorker', 'school', 'evaluator'] as const) {
      const { body } = await server.ask(
        caller,
        '{ teamTypes { code name posts { discipline { code } posts fte shared } } organisations(agency: TEAM, first: 30) { nodes { code team { area location gpNetwork colocatedWith type { code } } } } }',
      );
      expect(body.errors).toBeUndefined();
      expect(body.data.teamTypes).toMatchObject([{ code: 'family-solutions-plus' }]);
      const posts = Object.fromEntries(body.data.teamTypes[0].posts.map((p: any) => [p.discipline.code, [p.posts, p.fte, p.shared]]));
      expect(posts).toEqual({
        'team-manager': [1, '1.00', false],
        'social-worker': [6, '6.00', false],
        'family-support': [2, '2.00', false],
        'business-support': [1, '1.00', false],
        'mental-health': [1, '0.45', true],
        'domestic-abuse': [1, '0.45', true],
        'substance-misuse': [1, '0.45', true],
      });
      const teams = body.data.organisations.nodes;
      expect(teams).toHaveLength(22);
      expect(teams.every((each: any) => each.team.type.code === 'family-solutions-plus' && each.team.gpNetwork && each.team.location)).toBe(
        true,
      );
    }
  });
});

describe('posts', () => {
  let shared: any;
  it('are vacant until somebody holds them', async () => {
    expect(await workforce()).toMatchObject({
      'social-worker': {
        plannedPosts: 6,
        plannedFte: '6.00',
        filledPosts: 0,
        vacantPosts: 6,
        vacancyPercent: '100.0',
        families: 0,
        team: { code: 'team-07' },
      },
    });
  });
  it('are shared across teams, with their funder, employer and end of funding', async () => {
    const { payload, errors } = await run(manager, 'recordPost', {
      discipline: 'substance-misuse',
      employer: organisation('turning-point'),
      funder: organisation('oxford-health'),
      fundedFrom: '2020-11-01',
      fundedUntil: '2022-05-01',
      fte: '1',
      seconded: true,
      backfill: true,
      from: '2020-11-01',
      shares: [
        { team, fte: '0.45' },
        { team: organisation('team-08'), fte: '0.45' },
      ],
    });
    expect(errors).toBeUndefined();
    expect(payload).toMatchObject({
      post: {
        version: 1,
        vacant: true,
        fte: '1.00',
        seconded: true,
        fundedUntil: '2022-05-01',
        employer: { code: 'turning-point' },
        funder: { code: 'oxford-health' },
        shares: [{ team: { code: 'team-07' }, fte: '0.45' }, { team: { code: 'team-08' } }],
      },
      userErrors: [],
    });
    shared = payload.post;
  });
  it('are filled once, and the figures follow; two at once: one is a conflict', async () => {
    const input = { post: shared.id, expectedVersion: 1, holder: 'jonah.pryce', name: 'Jonah Pryce', from: '2024-01-01' };
    const both = await Promise.all([run(manager, 'fillPost', input), run(manager, 'fillPost', { ...input, name: 'Somebody Else' })]);
    const refused = both.filter(({ payload }) => payload.userErrors.length > 0);
    expect(refused).toHaveLength(1);
    const { payload } = both.find((each) => each.payload.userErrors.length === 0) as any;
    expect(payload.holding).toMatchObject({ holder: 'jonah.pryce', locum: false, version: 1, post: { vacant: false } });
    expect(await workforce()).toMatchObject({
      'substance-misuse': { plannedFte: '0.45', filledPosts: 1, filledFte: '0.45', vacantPosts: 0, vacancyPercent: '0.0', locums: 0 },
    });
    const stale = await run(manager, 'sharePost', {
      post: shared.id,
      expectedVersion: 1,
      from: '2025-01-01',
      shares: [{ team, fte: '0.5' }],
    });
    expect(stale.payload.userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
    const anew = await run(manager, 'sharePost', {
      post: shared.id,
      expectedVersion: 2,
      from: '2025-01-01',
      shares: [{ team, fte: '0.5' }],
    });
    expect(anew.payload.post.shares.map((s: any) => [s.team.code, s.fte, s.until])).toEqual([
      ['team-07', '0.45', '2025-01-01'],
      ['team-08', '0.45', '2025-01-01'],
      ['team-07', '0.50', null],
    ]);
    const left = await run(manager, 'leavePost', { holding: payload.holding.id, expectedVersion: 1, until: '2026-01-01' });
    expect(left.payload).toMatchObject({ holding: { until: '2026-01-01', version: 2 }, userErrors: [] });
    expect((await workforce())['substance-misuse']).toMatchObject({ filledPosts: 0, vacantPosts: 1 });
  });
  it('show caseload against plan, worker by worker', async () => {
    const planned = await run(manager, 'planPosts', {
      team,
      discipline: 'social-worker',
      expectedVersion: 1,
      posts: 6,
      fte: '6',
      caseload: 10,
    });
    expect(planned.payload).toMatchObject({ teamDiscipline: { plannedCaseload: 10, version: 2 }, userErrors: [] });
    const made = await run(manager, 'recordPost', {
      discipline: 'social-worker',
      employer: organisation('occ'),
      fte: '1',
      from: '2020-11-01',
      shares: [{ team, fte: '1' }],
    });
    const filled = await run(manager, 'fillPost', {
      post: made.payload.post.id,
      expectedVersion: 1,
      holder: 'grace.whitlock',
      name: 'Grace Whitlock',
      locum: true,
      from: '2020-11-01',
    });
    const { rows } = await owner.query(
      `select count(distinct family)::integer as n from fsp.involvement where worker = 'grace.whitlock' and "from" <= now() and (until is null or until > now())`,
    );
    const { n } = rows[0];
    expect(n).toBeGreaterThan(0);
    expect(filled.payload.holding).toMatchObject({ families: n, plannedCaseload: 10, abovePlanPercent: n * 10 - 100, locum: true });
    const { body } = await server.ask(
      manager,
      'query($team: ID!) { caseloads(team: $team) { nodes { name families } totalCount { value } } }',
      { team },
    );
    expect(body.data.caseloads).toMatchObject({ nodes: [{ name: 'Grace Whitlock', families: n }], totalCount: { value: 1 } });
    expect((await workforce())['social-worker']).toMatchObject({
      filledPosts: 1,
      locums: 1,
      vacantPosts: 5,
      vacancyPercent: '83.3',
      plannedCaseload: 10,
    });
  });
  it('refuse what is wrong, naming it', async () => {
    const { payload } = await run(manager, 'recordPost', {
      discipline: 'astrology',
      employer: encodeId('Organisation', 99_999),
      fte: '0.5',
      backfill: true,
      from: '2024-01-01',
      until: '2023-01-01',
      shares: [{ team: organisation('turning-point'), fte: '0.6' }],
    });
    expect(payload.userErrors.map((e: any) => e.path.join('.')).sort()).toEqual([
      'backfill',
      'discipline',
      'employer',
      'shares',
      'shares.0.team',
      'until',
    ]);
  });
});

describe('learning', () => {
  it('is recorded by programme and level, and confidence without a name', async () => {
    const trained = await run(manager, 'recordTraining', {
      trainee: 'grace.whitlock',
      programme: 'motivational-interviewing',
      level: 'practitioner',
      completed: '2026-03-01',
    });
    expect(trained.payload).toMatchObject({
      training: { programme: { code: 'motivational-interviewing' }, level: { code: 'practitioner' } },
    });
    const answered = await run(manager, 'recordConfidence', {
      partner: organisation('school-tansy-bridge'),
      needArea: 'domestic-abuse',
      score: 2,
      answered: '2026-03-01',
    });
    expect(answered.payload).toMatchObject({ answer: { partner: { code: 'school-tansy-bridge' }, score: 2 }, userErrors: [] });
    const { body } = await server.ask(
      manager,
      '{ trainings(filter: { trainee: "grace.whitlock" }) { nodes { programme { label } } } confidenceAnswers(needArea: "domestic-abuse") { nodes { score } } }',
    );
    expect(body.data).toEqual({
      trainings: { nodes: [{ programme: { label: 'Motivational interviewing' } }] },
      confidenceAnswers: { nodes: [{ score: 2 }] },
    });
    const wrong = await run(manager, 'recordConfidence', { needArea: 'x', score: 9, answered: '2099-01-01' });
    expect(wrong.payload.userErrors.map((e: any) => e.path.join('.')).sort()).toEqual(['answered', 'discipline', 'needArea', 'score']);
  });
});

describe('staff data', () => {
  const training = { trainee: 'a', programme: 'workbook', level: 'introduction', completed: '2026-01-01' };
  it('is for the county’s managers: a practitioner is refused by role', async () => {
    const { body } = await server.ask('socialWorker', 'query($team: ID!) { workforce(team: $team) { filledPosts } }', { team });
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', class: 'STAFF', reason: 'NOT_FOR_THIS_ROLE' });
    expect((await run('socialWorker', 'recordTraining', training)).errors?.[0].extensions.code).toBe('FORBIDDEN');
  });
  it.each(['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)(
    'is nothing for %s',
    async (name) => {
      const { body } = await server.ask(name, '{ posts { nodes { id } } }');
      expect(body.data).toEqual({ posts: null });
      expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_SHARED_WITH_AGENCY' });
      expect((await run(name, 'recordTraining', training)).errors?.[0].extensions.reason).toBe('NOT_YOURS_TO_WRITE');
    },
  );
  it('is not there for a team or a provider by plain SQL', async () => {
    for (const code of ['team-07', 'turning-point']) {
      const login = await sqlAs(code, false, ownerUrl);
      await expect(login.query('select * from fsp.post')).rejects.toThrow(/permission denied/);
      await expect(
        login.query(
          "insert into fsp.training (controller, trainee, programme, level, completed_on) values (1, 'a', 'b', 'c', current_date)",
        ),
      ).rejects.toThrow(/permission denied/);
      await login.end();
    }
  });
});

describe('shares', () => {
  it('are exact hundredths', () => {
    expect(['1', '0.45', '12.5', '0', '1.234', '-1', 'one'].map(hundredths)).toEqual([100, 45, 1250, 0, null, null, null]);
  });
  it('add up to the post at most, each team once', () => {
    const found = faults();
    checkShares(
      [
        { team: 'a', fte: '0.7' },
        { team: 'a', fte: '0.31' },
      ],
      100,
      found,
    );
    expect(found.errors.map(({ path }) => path.join('.'))).toEqual(['shares.1.team', 'shares']);
  });
});
