/** Help for one person, from the request to what has held a year later: who writes it, and who sees what of it. */
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
  ownerUrl = await ownDatabase('fsp_interventions');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const father = encodeId('Person', storyPerson(1, 'father'));
const organisation = (code: string) => encodeId('Organisation', organisationId(code));
const moira: Caller = { client: 'turning-point-casework', user: 'moira.fenwick', purpose: 'SAFEGUARDING' };
const vincent: Caller = { client: 'elmore-perpetrators-casework', user: 'vincent.hale', purpose: 'SAFEGUARDING' };
const isolde: Caller = { client: 'oxfordshire-mind-casework', user: 'isolde.marsh', purpose: 'SAFEGUARDING' };
const saira: Caller = { client: 'elmore-victims-casework', user: 'saira.bhatt', purpose: 'SAFEGUARDING' };

const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
/** Performs a command; gives its payload. */
async function does(
  who: PersonaName | Caller,
  field: string,
  input: object,
  selection: string,
  idempotencyKey = `key-${keys++}`,
): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code message path rule currentVersion } warnings { path } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const sees = async (who: PersonaName | Caller, id: string, selection: string) =>
  (await server.ask(who, `query($id: ID!) { node(id: $id) { ... on Intervention { ${selection} } } }`, { id })).body.data?.node;

const WHOLE =
  'intervention { id status version worker requested accepted started ended provider { code } programme { code } reason agreed }';
const asked = (over: object = {}) => ({
  family,
  person: mother,
  programme: encodeId('Programme', 6),
  provider: organisation('elmore-victims'),
  reason: 'She asked for help.',
  agreed: true,
  requested: '2026-11-02',
  ...over,
});

describe('requestIntervention', () => {
  it('asks a provider, which then sees whom, and starts its clock', async () => {
    const payload = await does('socialWorker', 'requestIntervention', asked(), WHOLE, 'asked-once');
    expect(payload).toMatchObject({
      intervention: {
        status: 'REQUESTED',
        version: 1,
        worker: null,
        requested: '2026-11-02',
        programme: { code: 'domestic-abuse-recovery' },
        provider: { code: 'elmore-victims' },
        reason: 'She asked for help.',
        agreed: true,
      },
      userErrors: [],
      warnings: [],
    });
    const { id } = payload.intervention;
    // Nobody there has taken it up: it is anybody's there, and nobody's elsewhere.
    expect(await sees(saira, id, 'status person { givenName } events { kind } family { id }')).toMatchObject({
      status: 'REQUESTED',
      person: { givenName: expect.any(String) },
      events: [{ kind: 'REQUESTED' }],
    });
    expect(await sees(vincent, id, 'status')).toBeNull();
    const { rows } = await owner.query('select rule, started_on::text, due_on::text, assigned from fsp.clock where subject_id = $1', [
      id.split('-')[1],
    ]);
    expect(rows).toEqual([
      { rule: 'INTERVENTION_REQUEST', started_on: '2026-11-02', due_on: '2026-11-09', assigned: organisationId('elmore-victims') },
    ]);
    const again = await does('socialWorker', 'requestIntervention', asked(), WHOLE, 'asked-once');
    expect(again.intervention.id).toBe(id);
  });
  it('knows no sex by role: a man may recover from abuse, and a woman learn to stop it', async () => {
    const recovers = await does('socialWorker', 'requestIntervention', asked({ person: father }), WHOLE);
    expect(recovers.userErrors).toEqual([]);
    const stops = await does(
      'socialWorker',
      'requestIntervention',
      asked({ programme: encodeId('Programme', 7), provider: organisation('elmore-perpetrators') }),
      WHOLE,
    );
    expect(stops.userErrors).toEqual([]);
  });
  it('names what is wrong', async () => {
    const bad = await does(
      'socialWorker',
      'requestIntervention',
      asked({
        person: encodeId('Person', 401),
        provider: organisation('turning-point'),
        team: organisation('team-01'),
        reason: ' ',
        agreed: false,
      }),
      WHOLE,
    );
    expect(bad.userErrors.map((e: any) => [e.code, e.path.join('.')])).toEqual([
      ['NOT_FOUND', 'person'],
      ['NOT_FOUND', 'team'],
      ['INVALID', 'reason'],
      ['INVALID', 'provider'],
    ]);
    const warned = await does('socialWorker', 'requestIntervention', asked({ agreed: false }), WHOLE);
    expect([warned.userErrors, warned.warnings]).toEqual([[], [{ path: ['agreed'] }]]);
  });
  it('is hidden of a family that is not the caller’s', async () => {
    const { rows } = await owner.query(
      "select subject from fsp.team_member tm join fsp.organisation o on o.id = tm.organisation where o.code = 'team-01' limit 1",
    );
    const stranger = { client: 'team-01-workbook', user: rows[0].subject, purpose: 'SAFEGUARDING' };
    const [hidden, never] = [
      await does(stranger, 'requestIntervention', asked(), WHOLE),
      await does(stranger, 'requestIntervention', asked({ family: encodeId('Family', 999_999) }), WHOLE),
    ];
    expect(hidden).toEqual(never);
    expect(hidden.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['family'] }]);
  });
  it.each(['healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)('is not for %s', async (name) => {
    expect(await does(name, 'requestIntervention', asked(), WHOLE)).toMatchObject({
      refused: { code: 'FORBIDDEN', field: 'Mutation.requestIntervention', reason: 'NOT_YOURS_TO_WRITE' },
    });
  });
});

describe('from acceptance to a year after', () => {
  let id: string;
  const move = (who: PersonaName | Caller, to: string, on: string, expectedVersion: number, over: object = {}) =>
    does(who, 'moveIntervention', { intervention: id, expectedVersion, to, on, ...over }, WHOLE);
  beforeAll(async () => {
    const payload = await does(
      'teamSpecialist',
      'requestIntervention',
      asked({ person: mother, programme: encodeId('Programme', 1), provider: organisation('turning-point'), requested: '2026-01-05' }),
      WHOLE,
    );
    expect(payload.userErrors).toEqual([]);
    id = payload.intervention.id;
  });
  it('is taken up by one user of the provider, and is theirs from then on', async () => {
    expect(await sees('provider', id, 'status')).toEqual({ status: 'REQUESTED' });
    expect(await sees(moira, id, 'status')).toEqual({ status: 'REQUESTED' });
    const taken = await move(moira, 'ACCEPTED', '2026-01-07', 1);
    expect(taken).toMatchObject({ intervention: { status: 'ACCEPTED', accepted: '2026-01-07', worker: 'moira.fenwick', version: 2 } });
    const { rows } = await owner.query('select met_on::text from fsp.clock where subject_id = $1', [id.split('-')[1]]);
    expect(rows).toEqual([{ met_on: '2026-01-07' }]);
    // The provider works with the mother already, so its other user sees that there is help; how it goes is not theirs.
    expect((await sees('provider', id, 'status events { kind }'))?.status ?? null).toBeNull();
  });
  it('says CONFLICT to a stale version, and moves nothing', async () => {
    expect(await move(moira, 'STARTED', '2026-01-20', 1)).toMatchObject({
      intervention: null,
      userErrors: [{ code: 'CONFLICT', path: ['expectedVersion'], currentVersion: 2 }],
    });
  });
  it('refuses a step that is none, and other people’s steps', async () => {
    expect((await move(moira, 'COMPLETED', '2026-01-20', 2)).userErrors).toMatchObject([
      { code: 'RULE', rule: 'INTERVENTION_STEP', path: ['to'] },
    ]);
    expect((await move(vincent, 'STARTED', '2026-01-20', 2)).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['intervention'] }]);
    expect((await move('provider', 'STARTED', '2026-01-20', 2)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect(await move('healthVisitor', 'STARTED', '2026-01-20', 2)).toMatchObject({
      refused: { code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' },
    });
  });
  it('waits, starts, meets, tests, relapses and ends nothing by it', async () => {
    expect((await move(moira, 'WAITING', '2026-01-08', 2)).intervention).toMatchObject({ status: 'WAITING', version: 3 });
    expect((await move(moira, 'STARTED', '2026-01-20', 3)).intervention).toMatchObject({ status: 'STARTED', started: '2026-01-20' });
    const session = (over: object) =>
      does(
        moira,
        'recordInterventionSession',
        { intervention: id, on: '2026-02-01', kind: 'ONE_TO_ONE', attendance: 'ATTENDED', ...over },
        'session { id kind attendance motivation ownVolition jointWith group { number group { code } } }',
      );
    expect((await session({ motivation: 2, ownVolition: false })).session).toMatchObject({ motivation: 2, ownVolition: false });
    expect((await session({ on: '2026-02-08', attendance: 'NOT_ATTENDED' })).userErrors).toEqual([]);
    expect((await session({ on: '2026-02-15', kind: 'JOINT_VISIT', jointWith: 'Grace Whitlock' })).session.jointWith).toBe(
      'Grace Whitlock',
    );
    expect((await session({ kind: 'GROUP', groupSession: encodeId('GroupSession', 401) })).userErrors).toMatchObject([
      { path: ['groupSession'] },
    ]);
    const test = (over: object) =>
      does(
        moira,
        'recordInterventionTest',
        { intervention: id, kind: 'DRUG', substance: 'cocaine', result: 'NEGATIVE', on: '2026-02-02', ...over },
        'test { id kind substance { code label } result on organisation { code } }',
      );
    expect((await test({})).test).toMatchObject({
      kind: 'DRUG',
      substance: { code: 'cocaine' },
      result: 'NEGATIVE',
      organisation: { code: 'turning-point' },
    });
    expect((await test({ substance: 'moonshine' })).userErrors).toMatchObject([{ path: ['substance'] }]);
    const clean = await does(
      moira,
      'recordAbstinence',
      { family, person: mother, substance: 'cocaine', since: '2026-02-03' },
      'abstinence { id days version }',
    );
    expect(clean.abstinence.days).toBeGreaterThan(200);
    expect(
      (await does(moira, 'recordAbstinence', { family, person: mother, substance: 'cocaine', since: '2026-02-03' }, 'abstinence { id }'))
        .userErrors,
    ).toMatchObject([{ rule: 'ABSTINENCE_RUNS' }]);
    const relapse = await does(
      moira,
      'recordRelapse',
      { intervention: id, on: '2026-04-21', note: 'The children stayed with their aunt.', substance: 'cocaine', detail: 'Two days.' },
      'event { id kind on note substance { code } detail }',
    );
    expect(relapse.event).toMatchObject({ kind: 'RELAPSE', on: '2026-04-21', substance: { code: 'cocaine' }, detail: 'Two days.' });
    // 77 days, as counted from the first to the lapse.
    const { body } = await server.ask(moira, 'query($id: ID!) { node(id: $id) { ... on Abstinence { days lapsedOn } } }', {
      id: clean.abstinence.id,
    });
    expect(body.data.node).toEqual({ days: 77, lapsedOn: '2026-04-21' });
    const after = await sees(
      moira,
      id,
      'status sessions events { kind } tests { result } attendance { nodes { on } totalCount { value } }',
    );
    expect(after).toMatchObject({
      status: 'STARTED',
      sessions: 2,
      tests: [{ result: 'NEGATIVE' }],
      attendance: { totalCount: { value: 3 } },
    });
    expect(after.events.map(({ kind }: any) => kind)).toEqual(['REQUESTED', 'ACCEPTED', 'WAITING', 'STARTED', 'RELAPSE']);
  });
  it('shows each agency what is its to see', async () => {
    const query = 'status events { kind substance { code } } tests { id } attendance { nodes { id } } withheld { field }';
    const county = await sees('socialWorker', id, query);
    expect(county.events.at(-1)).toEqual({ kind: 'RELAPSE', substance: null });
    expect(county.tests ?? []).toEqual([]);
    expect(county.attendance.nodes).toHaveLength(3);
    expect(await sees('healthVisitor', id, 'status events { kind }')).toEqual({ status: null, events: null });
    expect((await server.ask('school', `{ node(id: "${id}") { ... on Intervention { status } } }`)).body.errors?.[0]?.extensions.code).toBe(
      'FORBIDDEN',
    );
    expect((await sees(vincent, id, 'status'))?.status ?? null).toBeNull();
  });
  it('is completed, and looked at again half a year later, when the family is closed to the provider', async () => {
    const done = await move(moira, 'COMPLETED', '2026-05-01', 4, { outcome: 'Kept all she set out to.' });
    expect(done.intervention).toMatchObject({ status: 'COMPLETED', ended: '2026-05-01' });
    const onward = await does(
      moira,
      'recordOnwardActivity',
      { intervention: id, kind: 'mutual-aid', name: 'Alcoholics Anonymous', from: '2026-05-04' },
      'activity { kind { code } name }',
    );
    expect(onward.activity).toEqual({ kind: { code: 'mutual-aid' }, name: 'Alcoholics Anonymous' });
    const held = (months: number, on = '2026-11-02') =>
      does(moira, 'recordInterventionOutcome', { intervention: id, months, on, result: 'SUSTAINED' }, 'outcome { months result }');
    expect((await held(6)).outcome).toEqual({ months: 6, result: 'SUSTAINED' });
    expect((await held(6)).userErrors).toMatchObject([{ rule: 'INTERVENTION_OUTCOME' }]);
    expect((await move(moira, 'STARTED', '2026-06-01', 5)).userErrors).toMatchObject([{ rule: 'INTERVENTION_STEP' }]);
  });
  it('shows a provider whom it helps for as long as it helps', async () => {
    const asking = asked({ programme: encodeId('Programme', 4), provider: organisation('oxfordshire-mind'), requested: '2026-10-01' });
    const one = (await does('socialWorker', 'requestIntervention', asking, WHOLE)).intervention;
    const open = async () =>
      (
        await owner.query(
          'select count(*)::int as n from fsp.involvement i join fsp.intervention_link k on k.involvement = i.id where k.intervention = $1 and i.until is null',
          [one.id.split('-')[1]],
        )
      ).rows[0].n;
    expect([await open(), await sees(isolde, one.id, 'family { id } programme { code }')]).toEqual([
      1,
      { family: { id: family }, programme: { code: 'adult-mental-health' } },
    ]);
    const declined = await does(
      isolde,
      'moveIntervention',
      { intervention: one.id, expectedVersion: 1, to: 'DECLINED', on: '2026-10-02', note: 'He moved away.' },
      WHOLE,
    );
    expect(declined).toMatchObject({ intervention: { status: 'DECLINED' }, userErrors: [] });
    expect([await open(), await sees(isolde, one.id, 'family { id } status')]).toEqual([0, { family: null, status: 'DECLINED' }]);
  });
  it('lets nobody write for others by plain SQL', async () => {
    const [elmore, point] = [await sqlAs('elmore-victims', false, ownerUrl), await sqlAs('turning-point', false, ownerUrl)];
    const row = [Number(id.split('-')[1]), 1, storyPerson(1, 'mother')];
    const insert = (login: pg.Client, by: string) =>
      login.query(
        "insert into fsp.intervention_session (intervention, family, person, controller, held_on, kind, attendance) values ($1, $2, $3, $4, '2026-03-01', 'ONE_TO_ONE', 'ATTENDED')",
        [...row, organisationId(by)],
      );
    await expect(insert(point, 'elmore-victims')).rejects.toMatchObject({ code: '42501' });
    await expect(insert(point, 'occ')).rejects.toMatchObject({ code: '42501' });
    await expect(point.query('update fsp.involvement set until = null')).rejects.toMatchObject({ code: '42501' });
    await expect(
      point.query("insert into fsp.provider_month (id, controller, provider, month) values (1, 1, 601, '2021-06-01')"),
    ).rejects.toMatchObject({ code: '42501' });
    await elmore.end();
    await point.end();
  });
});

describe('lists and figures', () => {
  it('lists who has waited longest', async () => {
    const list = `query($after: String) { interventions(filter: { waiting: true }, orderBy: WAITING_LONGEST, first: 3, after: $after) { nodes { id requested status waitedDays } pageInfo { endCursor hasNextPage } totalCount { value } } }`;
    const first = (await server.ask('socialWorker', list)).body.data.interventions;
    expect(first.nodes).toHaveLength(3);
    const next = (await server.ask('socialWorker', list, { after: first.pageInfo.endCursor })).body.data.interventions;
    const days = [...first.nodes, ...next.nodes].map(({ requested }: any) => requested);
    expect(days).toEqual([...days].sort());
    const { rows } = await owner.query('select count(*)::int as n from fsp.intervention_progress where started is null and ended is null');
    expect(first.totalCount.value).toBeLessThanOrEqual(rows[0].n);
    const theirs = (
      await server.ask(
        isolde,
        `{ interventions(filter: { provider: "${organisation('oxfordshire-mind')}", status: [DECLINED, STARTED] }) { nodes { status provider { code } } } }`,
      )
    ).body.data.interventions;
    expect(theirs.nodes.length).toBeGreaterThan(0);
    for (const each of theirs.nodes) expect(['DECLINED', 'STARTED']).toContain(each.status);
  });

  const FIGURES =
    'month open completed requests accepted begun begunPercent waiting oneToOnes groupAttendances jointVisits drugTests breathalysers hairStrandTests activities';
  const snapshot = async (who: PersonaName | Caller, provider: string, month: string, figures = FIGURES) =>
    (
      await server.ask(who, `query($p: ID!, $m: Date!) { providerSnapshot(provider: $p, month: $m) { ${figures} } }`, {
        p: organisation(provider),
        m: month,
      })
    ).body;

  /** So many interventions of a provider for one practitioner, told by the owner in bulk. */
  async function bulk(provider: string, programme: number, worker: string, open: number, completed: number): Promise<void> {
    await owner.query("set fsp.defer_grants = 'on'");
    const { rows } = await owner.query<{ id: string }>(
      `insert into fsp.intervention (family, person, controller, worker) select 1, $1, 1, $2 from generate_series(1, $3::int) returning id`,
      [storyPerson(1, 'mother'), worker, open + completed],
    );
    const ids = rows.map(({ id: key }) => Number(key));
    await owner.query(
      `insert into fsp.intervention_link (intervention, family, person, controller, worker, row_mask, programme, provider)
       select i, 1, $2, 1, $3, 1::bigint << 15, $4, $5 from unnest($1::bigint[]) i`,
      [ids, storyPerson(1, 'mother'), worker, programme, organisationId(provider)],
    );
    await owner.query(
      `insert into fsp.intervention_progress (intervention, family, person, controller, worker, status, requested, accepted, started, ended)
       select i, 1, $2, 1, $3, case when n <= $4 then 'STARTED' else 'COMPLETED' end, '2021-03-01', '2021-03-05', '2021-03-15',
         case when n > $4 then date '2021-06-20' end from unnest($1::bigint[]) with ordinality as u (i, n)`,
      [ids, storyPerson(1, 'mother'), worker, open],
    );
  }

  it.each([
    ['turning-point', 1, 'callum.strand', 'turning-point-casework', 188, 22],
    ['elmore-victims', 13, 'saira.bhatt', 'elmore-victims-casework', 105, 7],
    ['oxfordshire-mind', 4, 'isolde.marsh', 'oxfordshire-mind-casework', 96, 15],
  ])('gives the published month of %s from the records', async (provider, programme, user, client, open, completed) => {
    await bulk(provider, programme, user, open, completed);
    const { data } = await snapshot({ client, user, purpose: 'SAFEGUARDING' }, provider, '2021-06-17');
    expect(data?.providerSnapshot).toMatchObject({ month: '2021-06-01', open, completed, requests: 0, begunPercent: null });
  });
  it('counts requests, tests and meetings of the month, and no other', async () => {
    const { rows } = await owner.query(
      `select min(intervention)::int as id from fsp.intervention_link where provider = $1 and worker = 'callum.strand' and family = 1`,
      [organisationId('turning-point')],
    );
    const of = [rows[0].id, storyPerson(1, 'mother'), organisationId('turning-point')];
    const repeat = async (n: number, sql: string) => owner.query(`${sql} from generate_series(1, ${n})`, of);
    const test = (kind: string, on: string) =>
      `insert into fsp.intervention_test (intervention, family, person, controller, worker, kind, substance, result, taken_on) select $1, 1, $2, $3, 'callum.strand', '${kind}', 'alcohol', 'NEGATIVE', '${on}'`;
    const met = (kind: string, attendance: string) =>
      `insert into fsp.intervention_session (intervention, family, person, controller, worker, kind, attendance, held_on) select $1, 1, $2, $3, 'callum.strand', '${kind}', '${attendance}', '2021-06-10'`;
    await repeat(326, test('DRUG', '2021-06-01'));
    await repeat(214, test('BREATHALYSER', '2021-06-30'));
    await repeat(5, test('HAIR_STRAND', '2021-07-01'));
    await repeat(229, met('ONE_TO_ONE', 'ATTENDED'));
    await repeat(409, met('GROUP', 'ATTENDED'));
    await repeat(9, met('ONE_TO_ONE', 'NOT_ATTENDED'));
    const { data } = await snapshot('provider', 'turning-point', '2021-06-01');
    expect(data?.providerSnapshot).toMatchObject({
      activities: 1_178,
      drugTests: 326,
      breathalysers: 214,
      hairStrandTests: 0,
      oneToOnes: 229,
      groupAttendances: 409,
    });
  });
  it('is the county’s and the provider’s to ask', async () => {
    const county = (await snapshot('socialWorker', 'elmore-victims', '2021-06-01')).data?.providerSnapshot;
    expect(county).not.toBeNull();
    expect((await snapshot(vincent, 'turning-point', '2021-06-01')).data?.providerSnapshot).toBeNull();
    expect((await snapshot('teamSpecialist', 'turning-point', '2021-06-01')).data?.providerSnapshot).toBeNull();
    expect((await snapshot('school', 'turning-point', '2021-06-01')).errors?.[0].extensions.code).toBe('FORBIDDEN');
  });
  it('shows who leads a contract, with whom', async () => {
    const { body } = await server.ask(
      'evaluator',
      '{ contracts { code lead { code } partners { code } } programmes(first: 1) { nodes { providers { organisation { code } contract { code } } } } groupProgrammes(first: 1) { nodes { code sessions { number held } } } }',
    );
    expect(body.data.contracts[0]).toEqual({
      code: 'adult-mental-health',
      lead: { code: 'oxfordshire-mind' },
      partners: [{ code: 'elmore-victims' }, { code: 'elmore-perpetrators' }, { code: 'connections-support' }],
    });
    expect(body.data.programmes.nodes[0].providers).toContainEqual({
      organisation: { code: 'turning-point' },
      contract: { code: 'substance-misuse' },
    });
    expect(body.data.groupProgrammes.nodes[0].sessions.length).toBeGreaterThan(5);
  });
});
