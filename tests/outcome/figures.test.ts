/** Figures are what a plain recount gives, after whatever was corrected; and of an edition nobody reads more than it shows. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENTS, PERSONAS } from '../../src/db/personas.ts';
import { BREAKDOWNS, breakdownCode } from '../../src/modules/outcome/breakdowns.ts';
import { countFigures } from '../../src/outcome/count.ts';
import { publishEdition, quarterBefore } from '../../src/outcome/edition.ts';
import { FACTS } from '../../src/outcome/facts.ts';
import { circles } from '../../src/outcome/protect.ts';
import { type Caller, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const TODAY = '2026-11-22';
const SINCE = '2024-04-01';
const AS_AT = '2026-09-30';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_figures');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  await countFigures(owner, TODAY, { since: SINCE });
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

type Cell = [breakdown: string, grain: string, starts: string, first: string, numerator: number, denominator: number | null];

const exact = async (code: string, breakdowns: string[], grains = ['MONTH', 'QUARTER', 'YEAR']): Promise<string[]> => {
  const { rows } = await owner.query(
    `select breakdown, x.grain, starts::text, first, numerator::float8, denominator::float8 from fsp.figure_exact x join fsp.outcome_indicator i on i.id = x.indicator
     where i.code = $1 and breakdown = any ($2) and x.grain = any ($3) and numerator + coalesce(denominator, 0) > 0`,
    [code, breakdowns, grains],
  );
  return rows.map((row) => JSON.stringify(Object.values(row))).sort();
};

/** The month, the quarter and the year from April that a day is in. */
const periodsOf = (day: string): [string, string][] => {
  const [year, month] = [Number(day.slice(0, 4)), Number(day.slice(5, 7))];
  const quarter = String(Math.floor((month - 1) / 3) * 3 + 1).padStart(2, '0');
  return [
    ['MONTH', `${day.slice(0, 7)}-01`],
    ['QUARTER', `${year}-${quarter}-01`],
    ['YEAR', `${month < 4 ? year - 1 : year}-04-01`],
  ];
};
const monthEnds = (): string[] => {
  const ends: string[] = [];
  for (let month = 4; ; month++) {
    const end = new Date(Date.UTC(2024, month, 0)).toISOString().slice(0, 10);
    if (end >= TODAY) return ends;
    ends.push(end);
  }
};

/** A sum by cell, of periods that are over. */
class Sums {
  readonly #sums = new Map<string, [number, number]>();
  add(breakdown: string, grain: string, starts: string, first: string, num: number, den: number): void {
    const months = { MONTH: 1, QUARTER: 3, YEAR: 12 }[grain] as number;
    const end = new Date(Date.UTC(Number(starts.slice(0, 4)), Number(starts.slice(5, 7)) - 1 + months, 1)).toISOString().slice(0, 10);
    if (starts < SINCE || end > `${TODAY.slice(0, 7)}-01`) return;
    const key = JSON.stringify([breakdown, grain, starts, first]);
    const [n, d] = this.#sums.get(key) ?? [0, 0];
    this.#sums.set(key, [n + num, d + den]);
  }
  cells(ofSome: boolean): string[] {
    const found = [...this.#sums].map(
      ([key, [num, den]]): Cell => [...(JSON.parse(key) as [string, string, string, string]), num, ofSome ? den : null],
    );
    return found
      .filter(([, , , , num, den]) => num + (den ?? 0) > 0)
      .map((cell) => JSON.stringify(cell))
      .sort();
  }
}

const holds = (day: string, from: string, until: string | null) => from <= day && (until === null || until > day);

/** Where each family lived when. */
async function districtOn(): Promise<(family: number, day: string) => string> {
  const { rows } = await owner.query('select family, district, "from"::text, until::text, id from fsp.household order by "from" desc, id');
  return (family, day) => rows.find((row) => row.family === String(family) && holds(day, row.from, row.until))?.district ?? 'UNKNOWN';
}

/** The children with a protection plan at the end of each month, and what began, told from the rows by themselves. */
async function recount(): Promise<{ plans: string[]; repeats: string[]; attendance: string[] }> {
  const district = await districtOn();
  const { rows: plans } = await owner.query(
    `select family, person, started::text, ended::text, previous_plans as before from fsp.plan where kind = 'CHILD_PROTECTION'`,
  );
  const standing = new Sums();
  for (const day of monthEnds()) {
    const there = new Map(
      plans.filter(({ started, ended }) => holds(day, started, ended)).map((plan) => [`${plan.family} ${plan.person}`, plan]),
    );
    for (const { family } of there.values())
      for (const [grain, starts] of periodsOf(day)) {
        const month = day.slice(5, 7);
        if (grain === 'QUARTER' && !['03', '06', '09', '12'].includes(month)) continue;
        if (grain === 'YEAR' && month !== '03') continue;
        standing.add('', grain, starts, '', 1, 1);
        standing.add('DISTRICT', grain, starts, district(Number(family), day), 1, 1);
      }
  }
  const begun = new Sums();
  for (const { family, started, before } of plans)
    for (const [grain, starts] of periodsOf(started)) {
      begun.add('', grain, starts, '', before > 0 ? 1 : 0, 1);
      begun.add('DISTRICT', grain, starts, district(Number(family), started), before > 0 ? 1 : 0, 1);
    }
  const { rows: observed } = await owner.query(
    `select o.family, o.starts::text, o.count::float8 as count, o.base::float8 as base from fsp.observation o join fsp.outcome_indicator i on i.id = o.indicator
     where i.code = 'school-attendance' and o.current and o.count is not null`,
  );
  const attended = new Sums();
  for (const { family, starts: day, count, base } of observed)
    for (const [grain, starts] of periodsOf(day)) {
      attended.add('', grain, starts, '', count, base ?? 1);
      attended.add('DISTRICT', grain, starts, district(Number(family), day), count, base ?? 1);
    }
  return { plans: standing.cells(false), repeats: begun.cells(true), attendance: attended.cells(true) };
}

const same = async () => {
  const expected = await recount();
  expect(await exact('protection-plans', ['', 'DISTRICT'])).toEqual(expected.plans);
  expect(await exact('repeat-protection-plans', ['', 'DISTRICT'])).toEqual(expected.repeats);
  expect(await exact('school-attendance', ['', 'DISTRICT'])).toEqual(expected.attendance);
};

const day = fc.integer({ min: 0, max: 900 }).map((n) => new Date(Date.UTC(2024, 3, 1 + n)).toISOString().slice(0, 10));
const act = fc.oneof(
  fc.record({ what: fc.constant('end' as const), pick: fc.nat(1000), day }),
  fc.record({ what: fc.constant('begin' as const), pick: fc.nat(1000), day }),
  fc.record({ what: fc.constant('move' as const), pick: fc.nat(1000), day }),
  fc.record({ what: fc.constant('observe' as const), pick: fc.nat(1000), day }),
  fc.record({ what: fc.constant('takeBack' as const), pick: fc.nat(1000), day }),
);
type Act = { what: 'end' | 'begin' | 'move' | 'observe' | 'takeBack'; pick: number; day: string };

/** Changes the record, as corrections do. */
async function perform({ what, pick, day: on }: Act): Promise<void> {
  const ofPlan = `(select id from fsp.plan where kind = 'CHILD_PROTECTION' order by id offset ${pick} % (select count(*) from fsp.plan where kind = 'CHILD_PROTECTION') limit 1)`;
  if (what === 'end')
    await owner.query(`update fsp.plan set status = 'ENDED', ended = greatest(started, $1::date) where id = ${ofPlan}`, [on]);
  else if (what === 'begin')
    await owner.query(
      `update fsp.plan set started = least(coalesce(ended, $1::date), $1::date), previous_plans = $2 where id = ${ofPlan}`,
      [on, pick % 3],
    );
  else if (what === 'move')
    await owner.query(
      `update fsp.household set district = (select code from fsp.district where code <> district order by code offset $1 % 3 limit 1)
       where id = (select id from fsp.household order by id offset $1 % (select count(*) from fsp.household) limit 1)`,
      [pick],
    );
  else if (what === 'observe') {
    const { rows } = await owner.query(
      `insert into fsp.observation_run (organisation, lines, created, corrected, unchanged) select id, 1, 1, 0, 0 from fsp.organisation where agency = 'EDUCATION' limit 1 returning id, organisation`,
    );
    await owner.query(
      `insert into fsp.observation (run, indicator, family, person, controller, row_mask, starts, count, base)
       select $1, i.id, m.family, m.person, $2, 0, date_trunc('month', $3::date)::date, $4 % 20, 20 from fsp.outcome_indicator i,
         (select family, person from fsp.membership order by id offset $4 % (select count(*) from fsp.membership) limit 1) m
       where i.code = 'school-attendance' on conflict do nothing`,
      [rows[0].id, rows[0].organisation, on, pick],
    );
  } else
    await owner.query(
      `update fsp.observation set current = false where id = (select id from fsp.observation order by id offset $1 % greatest(1, (select count(*) from fsp.observation)) limit 1)`,
      [pick],
    );
}

describe('a figure', () => {
  it('is what a plain recount gives, whatever was corrected since', async () => {
    await same();
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 12 }), async (acts) => {
        for (const each of acts) await perform(each as Act);
        await countFigures(owner, TODAY);
        await same();
      }),
      { seed: Number(process.env.FC_SEED ?? 20261122), numRuns: Number(process.env.FC_RUNS ?? 4), endOnFailure: true },
    );
  });
  it('is the same when it is counted again, and when everything is counted anew', async () => {
    const { rows } = await owner.query('select id from fsp.figure_exact order by id');
    const before = await exact('repeat-protection-plans', ['', 'DISTRICT', 'TEAM', 'AGE', 'SEX']);
    await countFigures(owner, TODAY, { since: SINCE });
    expect(await exact('repeat-protection-plans', ['', 'DISTRICT', 'TEAM', 'AGE', 'SEX'])).toEqual(before);
    expect((await owner.query('select id from fsp.figure_exact order by id')).rows).toEqual(rows);
  });
  it('that cannot be counted holds up no other, and waits for the next time', async () => {
    const of = async (code: string) =>
      (await owner.query('select id from fsp.outcome_indicator where code = $1 and not derived', [code])).rows[0].id;
    const [broken, other] = [await of('parental-arrests'), await of('parental-prosecutions')];
    await owner.query('delete from fsp.figure_dirty');
    await owner.query(`insert into fsp.figure_dirty (indicator, month) values ($1, '2026-05-01'), ($2, '2026-05-01')`, [broken, other]);
    await owner.query(
      `create function fsp.break_figure() returns trigger language plpgsql as $$ begin raise 'a fault of the test'; end $$`,
    );
    await owner.query(
      `create trigger break_figure before insert on fsp.figure_exact for each row when (new.indicator = ${broken}) execute function fsp.break_figure()`,
    );
    const waiting = async () => (await owner.query('select indicator from fsp.figure_dirty')).rows.map(({ indicator }) => indicator);
    await expect(countFigures(owner, TODAY, { reported: true })).rejects.toThrow(
      'parental-arrests could not be counted: a fault of the test; all others were counted.',
    );
    expect(await waiting()).toEqual([broken]);
    await owner.query('drop function fsp.break_figure() cascade');
    expect(await countFigures(owner, TODAY, { reported: true })).toMatchObject({ years: 1 });
    expect(await waiting()).toEqual([]);
  });
  it('adds up, by whatever it is broken down that is a partition', async () => {
    const { rows } = await owner.query(
      `select x.breakdown, x.indicator, x.grain, x.starts from fsp.figure_exact x
       where x.breakdown in ('DISTRICT', 'TEAM', 'AGE', 'SEX', 'ETHNICITY', 'DISABILITY') group by 1, 2, 3, 4
       having sum(x.numerator) <> (select w.numerator from fsp.figure_exact w where w.breakdown = '' and (w.indicator, w.grain, w.starts) = (x.indicator, x.grain, x.starts))`,
    );
    expect(rows).toEqual([]);
  });
  it('is worked out for every indicator that nobody reports', async () => {
    const { rows } = await owner.query('select code from fsp.outcome_indicator where derived order by code');
    expect(rows.length).toBeGreaterThan(10);
    for (const { code } of rows) expect(FACTS[code], code).toBeDefined();
  });
});

const SERIES = `query($code: String!, $by: [Breakdown!], $period: Period!) { indicator(code: $code) { series(by: $by, period: $period, from: "2024-04-01", to: "2026-11-30") {
  from first second value numerator denominator marker } } }`;
const EXACT = SERIES.replace('marker }', 'marker exact { value numerator } }');
const analyst: Caller = { client: 'occ-analyst', user: 'philippa.nunn', purpose: 'PERFORMANCE' };

describe('an edition', () => {
  beforeAll(async () => {
    await publishEdition(owner, AS_AT, 'of the test');
  });
  it('is of whole quarters', async () => {
    expect(quarterBefore('2026-11-22')).toBe('2026-09-30');
    expect(quarterBefore('2026-01-01')).toBe('2025-12-31');
    await expect(publishEdition(owner, '2026-10-31', 'x')).rejects.toThrow('not the last day of a quarter');
    const { rows } = await owner.query(`select max(fsp.period_end(grain, starts))::text as until from fsp.figure`);
    expect(rows[0].until).toBe('2026-10-01');
  });
  it('holds no small figure, and nothing of one that it withholds', async () => {
    const { rows } = await owner.query(
      `select f.*, x.numerator as num, x.denominator as den, x.units, i.kind, i.code from fsp.figure f join fsp.figure_exact x using (id) join fsp.outcome_indicator i on i.id = f.indicator`,
    );
    expect(rows.length).toBeGreaterThan(2000);
    const isSmall = (value: number) => value > 0 && value <= 5;
    const shown = rows.filter(({ marker }) => marker === null);
    expect(shown.length).toBeGreaterThan(500);
    for (const row of shown) {
      expect(isSmall(Number(row.numerator)), JSON.stringify(row)).toBe(false);
      if (row.kind === 'PROPORTION') expect(isSmall(Number(row.denominator) - Number(row.numerator)), JSON.stringify(row)).toBe(false);
      expect(row.numerator).toBe(row.num);
      // Of forty sessions of one pupil, of four readings of one family.
      expect(isSmall(row.units ?? 0), JSON.stringify(row)).toBe(false);
    }
    for (const row of rows.filter(({ marker }) => marker === 'c'))
      expect([row.value, row.numerator, row.denominator]).toEqual([null, null, null]);
    const { rows: kept } = await owner.query('select cells, withheld_cells from fsp.figure_edition order by id desc limit 1');
    expect(kept[0]).toEqual({ cells: rows.length, withheld_cells: rows.filter(({ marker }) => marker === 'c').length });
  });
  it('changes nothing of what the one before showed, where nothing was corrected', async () => {
    const shown = async () =>
      (await owner.query("select id, value, marker from fsp.figure where fsp.period_end(grain, starts) <= '2026-07-01' order by id")).rows;
    await publishEdition(owner, '2026-06-30', 'of the test');
    const before = await shown();
    await publishEdition(owner, AS_AT, 'of the test');
    // What came with a category that nobody had been counted in is new, and nothing of it is a number.
    const known = new Set(before.map(({ id }) => id));
    const after = await shown();
    expect(after.filter(({ id }) => known.has(id))).toEqual(before);
    expect(after.filter(({ id, value }) => !known.has(id) && Number(value ?? 0) !== 0)).toEqual([]);
  });
  it('is read by every agency alike; as it is by the county’s analysts alone, and that is on record', async () => {
    const variables = { code: 'protection-plans', by: ['DISTRICT'], period: 'MONTH' };
    const { body } = await server.ask(analyst, SERIES, variables);
    const series = body.data.indicator.series;
    expect(series.length).toBeGreaterThan(50);
    expect(series.some(({ marker }: any) => marker === 'c')).toBe(true);
    for (const who of Object.values(PERSONAS)) {
      const client = CLIENTS.find(({ id }) => id === who.client);
      const reply = await server.ask(who, SERIES, variables);
      expect(reply.body.data.indicator.series, client?.id).toEqual(series);
      const asked = await server.ask(who, EXACT, variables);
      const reasons = new Set(asked.body.errors?.map(({ extensions }: any) => extensions.reason));
      expect([...reasons], client?.id).toEqual([client?.organisation === 'occ' ? 'NOT_FOR_THIS_ROLE' : 'NOT_SHARED_WITH_AGENCY']);
      expect(asked.body.data.indicator.series.every(({ exact: of }: any) => of === null)).toBe(true);
    }
    const asked = await server.ask(analyst, EXACT, variables);
    expect(asked.body.errors).toBeUndefined();
    const small = asked.body.data.indicator.series.find(({ marker }: any) => marker === 'c');
    expect(small.value).toBeNull();
    expect(small.exact.numerator).toEqual(expect.any(String));
  });
  it('is all that another organisation’s login can read', async () => {
    for (const organisation of ['thames-valley-police', 'team-07', 'oxford-university', 'cherwell']) {
      const login = await sqlAs(organisation, false, ownerUrl);
      expect((await login.query('select count(*)::int as n from fsp.figure')).rows[0].n).toBeGreaterThan(2000);
      for (const table of ['figure_exact', 'figure_dirty'])
        await expect(login.query(`select * from fsp.${table}`), `${organisation} ${table}`).rejects.toThrow(/permission denied/);
      await login.end();
    }
  });
  it('is broken down by nothing that closes a circle, and by teams, or where an agency knows its own lines, for analysts alone', async () => {
    const published = BREAKDOWNS.filter(({ exactOnly }) => !exactOnly);
    expect(circles(published.map(({ dimensions, grains }) => ({ code: breakdownCode(dimensions), dimensions, grains })))).toEqual([]);
    const { rows } = await owner.query(
      `select f.value from fsp.figure f join fsp.outcome_indicator i on i.id = f.indicator
       where f.breakdown = 'TEAM' or (i.observed_by in ('PERSON', 'FAMILY') and f.breakdown not in ('', 'DISTRICT'))`,
    );
    expect(rows.length).toBeGreaterThan(1_000);
    expect(rows.filter(({ value }) => value !== null)).toEqual([]);
  });
  it('is asked by what is fixed alone', async () => {
    const { body } = await server.ask('socialWorker', SERIES, { code: 'protection-plans', by: ['DISTRICT', 'ETHNICITY'], period: 'MONTH' });
    expect(body.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
  });
});
