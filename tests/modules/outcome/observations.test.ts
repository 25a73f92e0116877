/** What agencies report for the outcome framework: by whom, of whom, in what form; and what the framework says of itself. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { readReference } from '../../../src/db/reference.ts';
import { LIMITS } from '../../../src/limits.ts';
import { type OutcomeData, outcomeFault } from '../../../src/modules/outcome/reference.ts';
import { type Caller, encodeId, FRONT_DOOR, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_observations');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const reports = (organisation: string, user: string | null = null): Caller => ({
  client: `${organisation}-performance`,
  ...(user ? { user } : {}),
  purpose: 'PERFORMANCE',
});
const police = reports('thames-valley-police');
const school = reports('school-tansy-bridge');
const health = reports('oxford-health');
const analyst: Caller = { client: 'occ-analyst', user: 'agnes.thorley', purpose: 'PERFORMANCE' };

const FAMILY = encodeId('Family', 1);
const who = (name: string) => encodeId('Person', storyPerson(1, name));

type Line = Record<string, unknown>;
const arrests = (more: Line = {}): Line => ({
  indicator: 'parental-arrests',
  family: FAMILY,
  person: who('father'),
  from: '2026-01-01',
  to: '2026-01-31',
  count: '1',
  ...more,
});
const attendance = (more: Line = {}): Line => ({
  indicator: 'school-attendance',
  family: FAMILY,
  person: who('maisie'),
  from: '2026-01-01',
  to: '2026-01-31',
  count: '30',
  base: '40',
  ...more,
});
const atHome = (more: Line = {}): Line => ({
  indicator: 'elective-home-education',
  area: 'E07000177',
  from: '2026-01-01',
  to: '2026-03-31',
  count: '200',
  ...more,
});

let keys = 0;
const MUTATION = `mutation($input: RecordObservationsInput!) {
  recordObservations(input: $input) { run { id at lines created corrected unchanged } userErrors { code message path rule } warnings { code } }
}`;
async function record(caller: Parameters<TestServer['ask']>[0], lines: Line[], idempotencyKey = `observed-${keys++}`) {
  const { body, text } = await server.ask(caller, MUTATION, { input: { idempotencyKey, lines } });
  return { ...body, text, payload: body.data?.recordObservations };
}
const rulesOf = async (caller: Caller, ...lines: Line[]) =>
  ((await record(caller, lines)).payload?.userErrors ?? []).map(
    ({ path, rule, code }: any) => `${path.slice(1).join('.')} ${rule ?? code}`,
  );

const TABLES = ['observation', 'observation_area', 'observation_run', 'figure_dirty', 'outbox', 'idempotency'];
const rows = async (): Promise<string> => {
  const { rows: counted } = await owner.query(
    TABLES.map((name) => `select '${name}' as name, count(*) as n, max(xmin::text::bigint) as last from fsp.${name}`).join(' union all '),
  );
  return JSON.stringify(counted);
};
/** Runs what is to change nothing. */
async function unchanged<T>(work: () => Promise<T>): Promise<T> {
  const before = await rows();
  const done = await work();
  expect(await rows()).toBe(before);
  return done;
}
const standing = async (where: string) =>
  (await owner.query(`select * from fsp.observation where ${where} order by id`)).rows as Record<string, any>[];

describe('who may not report', () => {
  it.each([
    [
      'a team',
      { client: 'team-07-workbook', user: 'jonah.pryce', purpose: 'SAFEGUARDING', scopes: ['outcome:write'] },
      'NOT_YOURS_TO_WRITE',
    ],
    ['the evaluator', { client: 'oxford-university-evaluation', purpose: 'EVALUATION', scopes: ['outcome:write'] }, 'NOT_YOURS_TO_WRITE'],
    [
      'an application that is for something else',
      { client: 'thames-valley-police-protection', user: 'harriet.coyle' },
      'NOT_FOR_THIS_ROLE',
    ],
  ] as [string, Caller, string][])('%s', async (_what, caller, reason) => {
    const { data, errors } = await unchanged(() => record({ purpose: 'SAFEGUARDING', ...caller }, [arrests()]));
    expect(data.recordObservations).toBeNull();
    expect(errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field: 'Mutation.recordObservations', reason });
  });
  it('who does not own the indicator, and whoever types in what is worked out', async () => {
    await unchanged(async () => {
      expect(await rulesOf(school, arrests())).toEqual(['0.indicator OWNER']);
      expect(await rulesOf(police, atHome())).toEqual(['0.indicator OWNER']);
      expect(await rulesOf(analyst, arrests())).toEqual(['0.indicator OWNER']);
      expect(await rulesOf(analyst, { indicator: 'repeat-referrals', from: '2026-01-01', to: '2026-01-31', count: '1' })).toEqual([
        '0.indicator OWNER',
      ]);
      expect(await rulesOf(police, arrests({ indicator: 'no-such-thing' }))).toEqual(['0.indicator NOT_FOUND']);
    });
  });
});

describe('of whom', () => {
  it('a family that is hidden reads as one that never was, byte for byte', async () => {
    const { rows: hidden } = await owner.query(
      `select m.family, m.person from fsp.membership m where not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
         where g.family = m.family and l.organisation = $1) order by 1, 2 limit 1`,
      [organisationId('thames-valley-police')],
    );
    const said = async (family: number, person: number) =>
      (await record(police, [arrests({ family: encodeId('Family', family), person: encodeId('Person', person) })])).text;
    await unchanged(async () => {
      const there = await said(hidden[0].family, hidden[0].person);
      expect(there).toBe(await said(99_999_999, 99_999_999));
      expect(there).toContain('There is no such family for you.');
      // Nor is a person of another family anybody's of this one.
      expect(await rulesOf(police, arrests({ person: encodeId('Person', hidden[0].person) }))).toEqual(['0.person NOT_FOUND']);
      expect(await rulesOf(police, arrests({ person: encodeId('Person', 99_999_999) }))).toEqual(['0.person NOT_FOUND']);
      expect(await rulesOf(police, arrests({ family: who('father') }))).toEqual(['0.family NOT_FOUND', '0.person NOT_FOUND']);
    });
  });
  it('so does one that was restricted since, whatever was reported of it before', async () => {
    const incidents = (family: string, count: string) => [
      { indicator: 'domestic-abuse-incidents', family, from: '2025-03-01', to: '2025-03-31', count },
    ];
    expect((await record(police, incidents(FAMILY, '2'))).payload.userErrors).toEqual([]);
    const said = async (family: string) => (await record(police, incidents(family, '7'))).text;
    await owner.query('update fsp.family set restricted = true where id = 1');
    try {
      await unchanged(async () => expect(await said(FAMILY)).toBe(await said(encodeId('Family', 99_999_999))));
    } finally {
      await owner.query('update fsp.family set restricted = false where id = 1');
    }
    expect(JSON.parse(await said(FAMILY)).data.recordObservations.userErrors).toMatchObject([{ rule: 'REASON' }]);
  });
  it('and one from whom the user is barred', async () => {
    const caller = reports('thames-valley-police', 'harriet.coyle');
    const { rows: login } = await owner.query("select id from fsp.login where name like '%thames-valley-police'");
    await owner.query(
      `insert into fsp.user_rule (login, kind, family, subjects, starts, ends)
       select $1, 'barred', 1, array['harriet.coyle'], now() - interval '1 hour', 'infinity'`,
      [login[0].id],
    );
    await unchanged(async () => expect(await rulesOf(caller, arrests())).toEqual(['0.family NOT_FOUND', '0.person NOT_FOUND']));
    await owner.query("delete from fsp.user_rule where kind = 'barred' and subjects = array['harriet.coyle']");
  });
});

describe('what is wrong with a line is said of that line, and nothing of the batch is taken in', () => {
  const maisie = { family: FAMILY, person: who('maisie') };
  it.each<[what: string, as: () => Caller, line: Line, faults: string[]]>([
    ['a day that no definition has', () => police, arrests({ from: '2016-01-01', to: '2016-01-31' }), ['from VALIDITY']],
    ['a period that ends before it begins', () => police, arrests({ from: '2026-02-01', to: '2026-01-31' }), ['to PERIOD']],
    ['a period that begins in between', () => police, arrests({ from: '2026-01-02' }), ['from PERIOD']],
    ['a period that ends too early', () => police, arrests({ to: '2026-01-30' }), ['to PERIOD']],
    ['two months for one', () => police, arrests({ to: '2026-02-28' }), ['to PERIOD']],
    ['a quarter that is none', () => analyst, atHome({ from: '2026-02-01', to: '2026-04-30' }), ['from PERIOD']],
    ['what is not over', () => police, arrests({ from: '2099-01-01', to: '2099-01-31' }), ['to FUTURE']],
    ['no person where one is counted', () => police, arrests({ person: null }), ['person SUBJECT']],
    ['an area for a person', () => police, arrests({ area: 'E07000177' }), ['person SUBJECT']],
    [
      'a person for a family',
      () => police,
      { ...arrests({ indicator: 'domestic-abuse-incidents' }), from: '2024-01-01', to: '2024-01-31' },
      ['family SUBJECT'],
    ],
    ['a family for an area', () => analyst, atHome({ family: FAMILY }), ['area SUBJECT']],
    ['nobody at all', () => analyst, atHome({ area: null }), ['area SUBJECT']],
    ['an area that is unknown', () => analyst, atHome({ area: 'E07999999' }), ['area AREA']],
    ['what is no number', () => police, arrests({ count: 'three' }), ['count INVALID']],
    ['a number that is too long', () => police, arrests({ count: '1.00001' }), ['count INVALID']],
    ['less than nothing', () => police, arrests({ count: '-1' }), ['count NEGATIVE']],
    ['a population of nought', () => school, attendance({ count: '0', base: '0' }), ['base BASE']],
    ['more than the whole', () => school, attendance({ count: '41' }), ['count BASE']],
    ['a part of nobody knows what', () => school, attendance({ base: null }), ['base BASE']],
    ['a base where there is none', () => police, arrests({ base: '3' }), ['base BASE']],
    ['persons behind one person', () => police, arrests({ persons: 3 }), ['persons SUBJECT']],
    ['taking back what was not reported', () => police, arrests({ count: null }), ['count REASON']],
    ['a reason of a page', () => police, arrests({ correctionReason: 'x'.repeat(501) }), ['correctionReason INVALID']],
  ])('%s', async (_what, as, line, faults) => {
    const good =
      as() === police
        ? arrests({ from: '2024-05-01', to: '2024-05-31' })
        : as() === school
          ? attendance({ from: '2024-05-01', to: '2024-05-31' })
          : atHome({ area: 'E07000178' });
    const said = await unchanged(() => rulesOf(as(), good, line));
    expect(said).toEqual(faults.map((fault) => `1.${fault}`));
  });
  it('the same twice, of each line', async () => {
    expect(
      await unchanged(() => rulesOf(police, arrests(), arrests({ from: '2024-05-01', to: '2024-05-31' }), arrests({ count: '2' }))),
    ).toEqual(['0.from OVERLAP', '2.from OVERLAP']);
  });
  it('every fault of every line', async () => {
    const said = await unchanged(() =>
      rulesOf(school, attendance({ count: '-3', from: '2026-01-05' }), attendance({ ...maisie, base: '0', count: '0' })),
    );
    expect(said).toEqual(['0.count NEGATIVE', '0.from PERIOD', '1.base BASE']);
  });
  it('an empty batch, and one of more than 1,000 lines', async () => {
    await unchanged(async () => {
      expect((await record(police, [])).payload.userErrors).toMatchObject([{ code: 'INVALID', path: ['lines'] }]);
      const { errors } = await record(
        police,
        Array.from({ length: LIMITS.observationLines + 1 }, () => arrests()),
      );
      expect(errors).toMatchObject([
        { message: 'A list has at most 1,000 items; this has 1,001.', extensions: { code: 'BAD_USER_INPUT' } },
      ]);
    });
  });
});

describe('what is taken in', () => {
  it('a correction keeps what stood, says why, and has the month counted anew', async () => {
    const month = { from: '2025-06-01', to: '2025-06-30' };
    const first = await record(police, [arrests({ ...month, count: '2', sourceRef: 'NICHE-1' })]);
    expect(first.payload).toMatchObject({ run: { lines: 1, created: 1, corrected: 0, unchanged: 0 }, userErrors: [] });
    await owner.query('delete from fsp.figure_dirty');
    expect(await unchanged(() => rulesOf(police, arrests({ ...month, count: '1' })))).toEqual(['0.correctionReason REASON']);
    const again = await record(police, [arrests({ ...month, count: '2.0' })]);
    expect(again.payload.run).toMatchObject({ created: 0, corrected: 0, unchanged: 1 });
    expect((await owner.query('select from fsp.figure_dirty')).rowCount).toBe(0);
    const second = await record(police, [arrests({ ...month, count: '1', correctionReason: 'Counted twice.' })]);
    expect(second.payload.run).toMatchObject({ created: 0, corrected: 1, unchanged: 0 });
    const dirty = await owner.query(
      `select distinct i.code, d.month::text from fsp.figure_dirty d join fsp.outcome_indicator i on i.id = d.indicator`,
    );
    expect(dirty.rows).toEqual([{ code: 'parental-arrests', month: '2025-06-01' }]);
    const back = await record(police, [arrests({ ...month, count: null, correctionReason: 'It was somebody else.' })]);
    expect(back.payload.run).toMatchObject({ corrected: 1 });
    const kept = await standing("starts = '2025-06-01'");
    expect(kept.map(({ count, current, version, correction_reason: why }) => [count, current, version, why])).toEqual([
      ['2', false, 1, null],
      ['1', false, 2, 'Counted twice.'],
      [null, true, 3, 'It was somebody else.'],
    ]);
    expect(kept.map(({ supersedes }) => supersedes)).toEqual([null, kept[0]?.id, kept[1]?.id]);
    const { body } = await server.ask(
      'police',
      `{ observations(filter: { indicator: "parental-arrests", current: true, from: "2025-06-01", to: "2025-06-01" }) { nodes {
        count base current correctionReason from to indicator { code } person { id } family { id } organisation { code } earlier { count current correctionReason } } } }`,
    );
    expect(body.data.observations.nodes).toEqual([
      {
        count: null,
        base: null,
        current: true,
        correctionReason: 'It was somebody else.',
        from: '2025-06-01',
        to: '2025-06-30',
        indicator: { code: 'parental-arrests' },
        person: { id: who('father') },
        family: { id: FAMILY },
        organisation: { code: 'thames-valley-police' },
        earlier: [
          { count: '1', current: false, correctionReason: 'Counted twice.' },
          { count: '2', current: false, correctionReason: null },
        ],
      },
    ]);
  });
  it('is once what is sent twice under one key', async () => {
    const line = arrests({ from: '2025-07-01', to: '2025-07-31' });
    const one = await record(police, [line], 'observed-twice');
    const before = await rows();
    const other = await record(police, [line], 'observed-twice');
    expect(other.payload).toEqual(one.payload);
    expect(await rows()).toBe(before);
    expect(
      (await record(police, [arrests({ from: '2025-07-01', to: '2025-07-31', count: '9' })], 'observed-twice')).payload.userErrors,
    ).toMatchObject([{ code: 'CONFLICT', path: ['idempotencyKey'] }]);
  });
  it('two batches at once of the same are one row and one that finds it', async () => {
    const line = arrests({ from: '2025-08-01', to: '2025-08-31' });
    const done = await Promise.all([record(police, [line]), record(police, [line]), record(police, [line])]);
    expect(done.map(({ payload }) => payload.run.created).sort()).toEqual([0, 0, 1]);
    expect((await standing("starts = '2025-08-01'")).length).toBe(1);
  });
  it('1,000 lines in one request', async () => {
    const { rows: families } = await owner.query(
      `select g.family from fsp.family_grant g join fsp.login l on l.id = g.login
       where l.organisation = $1 and g.starts <= now() and g.ends > now() order by 1 limit 25`,
      [organisationId('thames-valley-police')],
    );
    const months = Array.from({ length: Math.ceil(1000 / families.length) }, (_, i) => new Date(Date.UTC(2022, 11 - i, 1)));
    const lines = months
      .flatMap((month) =>
        families.map(({ family }) => ({
          indicator: 'domestic-abuse-incidents',
          family: encodeId('Family', family),
          from: month.toISOString().slice(0, 10),
          to: new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 0)).toISOString().slice(0, 10),
          count: '1',
        })),
      )
      .slice(0, 1000);
    expect((await record(police, lines)).payload).toMatchObject({ run: { lines: 1000, created: 1000 }, userErrors: [] });
  });
  it('of areas: by whom it is reported, and how many are behind it', async () => {
    const { payload } = await record(analyst, [atHome({ persons: 200 }), atHome({ area: 'E07000178', count: '3' })]);
    expect(payload.run).toMatchObject({ created: 2 });
    const ask = (caller: Caller | 'police') =>
      server.ask(
        caller,
        '{ areaObservations(filter: { from: "2026-01-01", to: "2026-01-01" }) { nodes { area { name } count persons from to } } }',
      );
    expect((await ask(analyst)).body.data.areaObservations.nodes).toEqual([
      { area: { name: 'Oxford' }, count: '3', persons: null, from: '2026-01-01', to: '2026-03-31' },
      { area: { name: 'Cherwell' }, count: '200', persons: 200, from: '2026-01-01', to: '2026-03-31' },
    ]);
    expect((await ask('police')).body.data.areaObservations.nodes).toEqual([]);
  });
  it('what is erased has its months counted anew', async () => {
    await owner.query('begin');
    await owner.query('delete from fsp.figure_dirty');
    await owner.query("delete from fsp.observation where starts = '2025-08-01'");
    expect((await owner.query('select month::text from fsp.figure_dirty')).rows).toEqual([{ month: '2025-08-01' }]);
    await owner.query('rollback');
  });
});

describe('who sees it', () => {
  beforeAll(async () => {
    const ae = {
      indicator: 'parental-ae-attendance',
      family: FAMILY,
      person: who('mother'),
      from: '2026-01-01',
      to: '2026-01-31',
      count: '4',
    };
    for (const [as, line] of [
      [police, arrests()],
      [school, attendance()],
      [health, ae],
    ] as [Caller, Line][])
      expect((await record(as, [line])).payload.userErrors).toEqual([]);
  });
  const sees = async (caller: Parameters<TestServer['ask']>[0]) => {
    const { body } = await server.ask(
      caller,
      '{ observations(first: 100, filter: { from: "2026-01-01", to: "2026-01-01", current: true }) { nodes { indicator { code } count } } }',
    );
    return body.errors
      ? body.errors[0].extensions.reason
      : body.data.observations.nodes.map((row: any) => `${row.indicator.code} ${row.count}`).sort();
  };
  it('whose it is; the county, but of what is clinical nothing without a decision', async () => {
    expect(await sees('police')).toEqual(expect.arrayContaining(['parental-arrests 1']));
    expect((await sees('police')).every((row: string) => /^(parental-arrests|domestic)/.test(row))).toBe(true);
    expect(await sees('school')).toEqual(['school-attendance 30']);
    expect(await sees('healthVisitor')).toEqual(['parental-ae-attendance 4']);
    const county: string[] = await sees(FRONT_DOOR);
    expect(county).toEqual(expect.arrayContaining(['parental-arrests 1', 'school-attendance 30']));
    expect(county.filter((row) => row.startsWith('parental-ae'))).toEqual([]);
  });
  it('no team, no other agency, nobody for figures', async () => {
    expect(await sees('teamSpecialist')).toEqual([]);
    expect(await sees('provider')).toEqual([]);
    expect(await sees('evaluator')).toBe('NOT_SHARED_WITH_AGENCY');
    expect(await sees(analyst)).toBe('NOT_FOR_THIS_ROLE');
    expect(await sees(police)).toBe('NOT_FOR_THIS_ROLE');
  });
  it('by plain SQL: nobody writes the tables, names the exact figures, or reports for others', async () => {
    for (const [code, agency] of [
      ['occ', 'LA'],
      ['thames-valley-police', 'POLICE'],
      ['school-tansy-bridge', 'EDUCATION'],
      ['team-07', 'TEAM'],
      ['oxford-university', 'EVALUATOR'],
    ]) {
      const login = await sqlAs(code as string, false, ownerUrl);
      for (const statement of [
        'insert into fsp.observation (id) values (1)',
        'update fsp.observation set count = 0',
        'delete from fsp.observation_area',
        'insert into fsp.observation_run (id) values (1)',
        'insert into fsp.indicator_target (id) values (1)',
        'update fsp.outcome_indicator set unit = null',
        'insert into fsp.figure (id) values (1)',
        'update fsp.figure_exact set value = 1',
        'select * from fsp.figure_dirty',
        ...(agency === 'LA'
          ? []
          : ['select * from fsp.figure_exact', "select fsp.set_target(2, null, '2027-04-01', '2028-03-31', 1, null, null, 'x')"]),
      ])
        await expect(login.query(statement), `${code}: ${statement}`).rejects.toMatchObject({ code: '42501' });
      const own = await login.query(
        'select distinct organisation from fsp.observation_area union select distinct organisation from fsp.observation_run',
      );
      expect(own.rows.every(({ organisation }) => organisation === organisationId(code as string))).toBe(true);
      if (agency !== 'POLICE') {
        const line = { indicator: 'domestic-abuse-incidents', family: 1, from: '2024-01-01', to: '2024-01-31', count: '1' };
        const { rows: said } = await login.query("select fsp.record_observations($1::jsonb, 'x', current_date) as done", [
          JSON.stringify([line]),
        ]);
        expect(said[0].done.faults).toContainEqual(expect.objectContaining({ path: 'indicator', rule: 'OWNER' }));
      }
      await login.end();
    }
  });
});

describe('targets', () => {
  const TARGET = `mutation($input: SetTargetInput!) { setTarget(input: $input) {
    target { id indicator { code } area { code } from to value reason adjusts { value } } userErrors { code path rule message } } }`;
  const set = async (caller: Caller, input: Line) => {
    const { body } = await server.ask(caller, TARGET, {
      input: {
        idempotencyKey: `target-${keys++}`,
        indicator: 'parental-arrests',
        from: '2026-04-01',
        to: '2027-03-31',
        value: '40',
        ...input,
      },
    });
    return { ...body, payload: body.data?.setTarget };
  };
  it('are the county’s to set', async () => {
    const { errors } = await set(police, {});
    expect(errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
  });
  it('do not overlap, are of a known area and days in order, and are adjusted with a reason', async () => {
    const { payload } = await set(analyst, {});
    expect(payload).toMatchObject({
      target: { indicator: { code: 'parental-arrests' }, area: null, value: '40', adjusts: null },
      userErrors: [],
    });
    const adjusts = payload.target.id;
    const refused = async (input: Line) =>
      (await set(analyst, input)).payload.userErrors.map(({ path, code, rule }: any) => `${path} ${rule ?? code}`);
    expect(await refused({ from: '2027-03-01', to: '2027-12-31' })).toEqual(['from OVERLAP']);
    expect(await refused({ area: 'E07999999' })).toEqual(['area NOT_FOUND']);
    expect(await refused({ from: '2028-04-01', to: '2028-03-31' })).toEqual(['to PERIOD']);
    expect(await refused({ value: 'many' })).toEqual(['value INVALID']);
    expect(await refused({ indicator: 'nothing' })).toEqual(['indicator NOT_FOUND']);
    expect(await refused({ adjusts })).toEqual(['reason REASON']);
    expect(await refused({ adjusts, reason: 'x', area: 'E07000177' })).toEqual(['adjusts NOT_FOUND']);
    expect(await refused({ adjusts, reason: 'x', to: '2027-04-30' })).toEqual(['from PERIOD']);
    const adjusted = await set(analyst, { adjusts, from: '2026-10-01', value: '44.5', reason: 'A station was closed.' });
    expect(adjusted.payload.target).toMatchObject({ value: '44.5', reason: 'A station was closed.', adjusts: { value: '40' } });
    expect((await set(analyst, { area: 'E07000177', value: '9' })).payload.userErrors).toEqual([]);
  });
});

describe('the framework', () => {
  const indicator = async (code: string, selection: string, caller: Parameters<TestServer['ask']>[0] = 'evaluator') =>
    (await server.ask(caller, `query($code: String!) { indicator(code: $code) { ${selection} } }`, { code })).body;
  it('tells everybody of each indicator what it means, whose it is, and what is meant to move it', async () => {
    const { data } = await indicator(
      'home-environment',
      'definition kind stock derived counts observedBy period ownerAgency inCountyGift publicHealthOutcomes version versions { version definition validFrom validTo source } movedBy { nodes { kind { code } } }',
    );
    expect(data.indicator).toMatchObject({
      kind: 'MEAN',
      derived: true,
      observedBy: null,
      period: 'QUARTER',
      ownerAgency: 'LA',
      inCountyGift: false,
      versions: [{ version: '1', validFrom: '2017-04-01', validTo: null }],
    });
    expect(data.indicator.versions[0].definition).toBe(data.indicator.definition);
    const kinds = data.indicator.movedBy.nodes.map(({ kind }: any) => kind.code);
    expect(new Set(kinds)).toEqual(new Set(['housing', 'employment']));
    const { data: housing } = await indicator('families-without-a-home', 'ownerAgency observedBy stock');
    expect(housing.indicator).toEqual({ ownerAgency: 'DISTRICT', observedBy: 'FAMILY', stock: true });
    const { data: process } = await indicator('group-supervision-held', 'derived ingredient');
    expect(process.indicator).toEqual({ derived: true, ingredient: 'GROUP_SUPERVISION' });
    expect((await indicator('nothing', 'code')).data.indicator).toBeNull();
  });
  it('has the sixteen indicators of the paper in four groups, each with one owner', async () => {
    const { body } = await server.ask('school', '{ outcomeIndicators(first: 100) { nodes { code factorGroup ownerAgency source } } }');
    const table2 = body.data.outcomeIndicators.nodes.filter(({ source }: any) => source.endsWith('Table 2 (performance framework)'));
    const sizes = Object.fromEntries(
      Object.entries(Object.groupBy(table2, ({ factorGroup }: any) => factorGroup)).map(([group, of]) => [group, of?.length]),
    );
    expect(sizes).toEqual({ CHILDREN_AND_YOUNG_PEOPLE: 5, PARENTAL: 4, PARTNERSHIP: 3, PROCESS: 4 });
  });
  it('sets both figures of Hertfordshire beside it, each with its source', async () => {
    const { data } = await indicator('protection-plan-rate', 'benchmarks { body changePercent asPrinted edition source }');
    expect(data.indicator.benchmarks.map((each: any) => [each.body, each.changePercent, each.edition])).toEqual([
      ['Hertfordshire', '-50', 'SOURCE_PAPER'],
      ['Hertfordshire', '-49', 'EVALUATION'],
    ]);
    const { body } = await server.ask('provider', '{ outcomeBenchmarks { asPrinted value indicator { code } } }');
    expect(body.data.outcomeBenchmarks).toContainEqual(expect.objectContaining({ value: '2600000', indicator: null }));
  });
  it('has one rule for small figures, and says which', async () => {
    const { body } = await server.ask(
      'police',
      '{ suppressionRules { code chosen lowest highest secondary cover roundTo } populations { ageTo value invented area { code } } }',
    );
    expect(body.data.suppressionRules.filter(({ chosen }: any) => chosen)).toEqual([
      { code: 'DFE_CIN', chosen: true, lowest: 1, highest: 5, secondary: true, cover: true, roundTo: null },
    ]);
    expect(body.data.populations.every(({ invented }: any) => invented)).toBe(true);
  });

  const figures =
    'first value numerator denominator marker from to target fromTarget yearBefore changePercent edition { asAt rule { code } }';
  it('shows figures by what is fixed, with the year before and the target, and the exact ones to an analyst alone', async () => {
    await owner.query(
      `insert into fsp.figure_edition (id, as_at, rule, indicators, cells, withheld_cells) values (1, '2026-10-31', 'DFE_CIN', 1, 4, 1)`,
    );
    await owner.query(`insert into fsp.figure_exact (id, indicator, breakdown, grain, starts, first, numerator, units, value)
      select w.id, 10, w.breakdown, 'MONTH', w.starts::date, w.first, w.n, w.n, w.n from (values
        (1, '', '2026-09-01', '', 50), (2, '', '2025-09-01', '', 40), (3, 'DISTRICT', '2026-09-01', 'E07000177', 46), (4, 'DISTRICT', '2026-09-01', 'E07000178', 4)) w (id, breakdown, starts, first, n)`);
    await owner.query(`insert into fsp.figure (id, indicator, breakdown, grain, starts, first, numerator, value, marker, edition)
      select e.id, e.indicator, e.breakdown, e.grain, e.starts, e.first, case when e.value > 5 then e.numerator end, case when e.value > 5 then e.value end,
        case when e.value <= 5 then 'c' end, 1 from fsp.figure_exact e`);
    await owner.query(`insert into fsp.figure_state (counted_at, edition) values ('2026-11-02', 1)`);
    const { data } = await indicator('parental-arrests', `series(from: "2026-04-01", to: "2027-03-31") { ${figures} }`);
    expect(data.indicator.series).toEqual([
      {
        first: '',
        value: '50',
        numerator: '50',
        denominator: null,
        marker: null,
        from: '2026-09-01',
        to: '2026-09-30',
        target: '40',
        fromTarget: '10',
        yearBefore: '40',
        changePercent: '25.0',
        edition: { asAt: '2026-10-31', rule: { code: 'DFE_CIN' } },
      },
    ]);
    const byDistrict = 'series(by: DISTRICT) { first firstLabel value marker target fromTarget exact { value units } }';
    const withheld = { first: 'E07000178', value: null, marker: 'c', target: null, fromTarget: null };
    const partner = await indicator('parental-arrests', byDistrict, 'police');
    expect(partner.data.indicator.series).toMatchObject([
      { value: '46', target: '9', exact: null },
      { ...withheld, exact: null },
    ]);
    expect(partner.errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN', field: 'Figure.exact', class: 'EXACT', reason: 'NOT_SHARED_WITH_AGENCY' } },
    ]);
    const manager = await indicator('parental-arrests', byDistrict, 'socialWorker');
    expect(manager.errors?.[0].extensions).toMatchObject({ field: 'Figure.exact', reason: 'NOT_FOR_THIS_ROLE' });
    const mine = await server.ask(
      analyst,
      `{ indicator(code: "parental-arrests") { ${byDistrict} } outcomeFreshness { counted waitingSince edition { withheldCells } } }`,
    );
    expect(mine.body.data.indicator.series[1]).toMatchObject({ ...withheld, exact: { value: '4', units: 4 } });
    expect(mine.body.data.outcomeFreshness).toEqual({
      counted: '2026-11-02T00:00:00.000Z',
      waitingSince: null,
      edition: { withheldCells: 1 },
    });
    const { rows: records } = await owner.query("select records from fsp.disclosure where records like '%ExactFigure.value%'");
    expect(records.length).toBe(1);
  });
  it('shows quarters where a month is asked for and there are none; and says categories in words', async () => {
    await owner.query(
      `with made as (insert into fsp.figure_exact (id, indicator, breakdown, grain, starts, first, second, numerator, value)
         select 100 + row_number() over (), i.id, w.breakdown, w.grain, w.starts::date, w.first, w.second, 9, 9 from (values
           ('learner-engagement', '', 'QUARTER', '2026-07-01', '', ''), ('learner-engagement', '', 'YEAR', '2026-04-01', '', ''),
           ('protection-plans', 'AGE', 'YEAR', '2025-04-01', '1-4', ''), ('protection-plans', 'AGE', 'YEAR', '2025-04-01', 'UNKNOWN', ''),
           ('protection-plans', 'SEX', 'YEAR', '2025-04-01', 'F', ''), ('protection-plans', 'ETHNICITY', 'YEAR', '2025-04-01', 'M', ''),
           ('protection-plans', 'DISABILITY', 'YEAR', '2025-04-01', 'YES', ''), ('step-up', 'FLOW', 'YEAR', '2025-04-01', 'NONE>CHILD_IN_NEED', ''),
           ('protection-plans', 'DISTRICT+FACTOR', 'YEAR', '2025-04-01', 'E07000177', 'DOMESTIC_ABUSE'),
           ('cohort-children', 'REACHED', 'YEAR', '2025-04-01', 'LOOKED_AFTER', '')) w (code, breakdown, grain, starts, first, second)
         join fsp.outcome_indicator i on i.code = w.code returning *)
       insert into fsp.figure (id, indicator, breakdown, grain, starts, first, second, numerator, value, edition)
         select id, indicator, breakdown, grain, starts, first, second, numerator, value, 1 from made`,
    );
    const of = async (code: string, rest: string) =>
      (await indicator(code, `series(${rest}, from: "2025-04-01", to: "2026-12-31") { period from firstLabel secondLabel }`)).data.indicator
        .series;
    expect(await of('learner-engagement', 'period: MONTH')).toEqual([
      { period: 'QUARTER', from: '2026-07-01', firstLabel: null, secondLabel: null },
    ]);
    expect((await of('learner-engagement', 'period: YEAR')).map(({ period }: any) => period)).toEqual(['YEAR']);
    const words = async (code: string, by: string) =>
      (await of(code, `by: [${by}], period: YEAR`)).map(({ firstLabel, secondLabel }: any) =>
        [firstLabel, secondLabel].filter(Boolean).join(', '),
      );
    expect(await words('protection-plans', 'AGE')).toEqual(['1 to 4', 'Not known']);
    expect(await words('protection-plans', 'SEX')).toEqual(['Female']);
    expect(await words('protection-plans', 'ETHNICITY')).toEqual(['Mixed or multiple ethnic groups']);
    expect(await words('protection-plans', 'DISABILITY')).toEqual(['Disabled']);
    expect(await words('step-up', 'FLOW')).toEqual(['none to child in need']);
    expect(await words('protection-plans', 'DISTRICT, FACTOR')).toEqual(['Cherwell, Domestic abuse']);
    expect(await words('cohort-children', 'REACHED')).toEqual(['Looked after']);
  });
  it.each([
    ['[AGE, SEX]', 'MONTH', 'Figures of a MONTH are shown by one of these alone: [] [DISTRICT]'],
    ['[DISTRICT, AGE]', 'MONTH', 'Figures of a MONTH are shown by one of these alone: [] [DISTRICT]'],
    ['[AGE, DISTRICT]', 'YEAR', '[DISTRICT, FACTOR] [DISTRICT, AGE] ['],
  ])('refuses %s by the %s, and names what is fixed', async (by, period, words) => {
    const { errors } = await indicator('parental-arrests', `series(by: ${by}, period: ${period}) { value }`);
    expect(errors?.[0]).toMatchObject({ message: expect.stringContaining(words), extensions: { code: 'BAD_USER_INPUT' } });
  });
  it('of at most ten years at once', async () => {
    const { errors } = await indicator('parental-arrests', 'series(from: "2010-01-01", to: "2020-01-31") { value }');
    expect(errors?.[0]).toMatchObject({ message: 'A series has at most 10 years.', extensions: { code: 'BAD_USER_INPUT' } });
  });
});

describe('reference data that does not go together is refused by the entry’s place', () => {
  const good = readReference('oxfordshire') as OutcomeData;
  const people = { id: 1, area: null, ageFrom: 0, ageTo: 17, sex: null, validFrom: '2020-01-01', validTo: null, value: 9, source: 'x' };
  const [first] = good.indicators;
  it.each<[what: string, data: Partial<OutcomeData>, fault: object]>([
    [
      'two versions of one day',
      { indicators: [{ ...first, versions: [...(first?.versions ?? []), { ...first?.versions[0], version: '2' }] } as never] },
      { file: 'indicators', index: 0, words: 'version 2 stands beside another of the same days or name.' },
    ],
    [
      'a version that ends before it begins',
      { indicators: [{ ...first, versions: [{ ...first?.versions[0], validTo: '2017-01-01' }] } as never] },
      { file: 'indicators', words: 'version 1 ends before it begins.' },
    ],
    [
      'two numbers of the same people',
      { populations: [people, { ...people, id: 2, validFrom: '2025-01-01' }] },
      { file: 'populations', index: 1 },
    ],
    [
      'no rule that is chosen',
      { 'suppression-rules': good['suppression-rules'].map((rule) => ({ ...rule, chosen: false })) },
      { file: 'suppression-rules' },
    ],
    [
      'two of them',
      { 'suppression-rules': good['suppression-rules'].map((rule) => ({ ...rule, chosen: true })) },
      { file: 'suppression-rules', index: 1 },
    ],
  ])('%s', (_what, data, fault) => {
    expect(outcomeFault(good)).toBeNull();
    expect(outcomeFault({ ...good, ...data })).toMatchObject(fault);
  });
});
