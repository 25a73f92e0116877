/** Cohorts: who is in them, how they fared, and that nobody small of them is shown; worked out from the record, whatever was corrected. */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import type { Highs } from 'highs';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPapers } from '../../src/db/papers.ts';
import { loadReference, readReference } from '../../src/db/reference.ts';
import { OUTCOME_FILES, outcomeFault } from '../../src/modules/outcome/reference.ts';
import { type Counted, countFigures } from '../../src/outcome/count.ts';
import { publishEdition, withheldOf } from '../../src/outcome/edition.ts';
import { ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const TODAY = '2026-11-22';
const MONTHS = 6;
const WINDOWS: [code: string, from: string, until: string | null][] = [
  ['TOLD', '2018-04-01', '2018-12-31'],
  ['TOLD_AGAIN', '2019-01-01', '2019-12-31'],
  ['BEFORE', '2024-04-01', '2025-01-31'],
  ['DURING', '2025-02-01', '2025-05-31'],
  ['AFTER', '2025-06-01', null],
];

let owner: pg.Client;
let server: TestServer;
let controller: number;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_cohorts');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  await owner.query('delete from fsp.cohort');
  for (const [code, from, until] of WINDOWS)
    await owner.query(
      `insert into fsp.cohort (code, name, entered_from, entered_until, follow_up_months, source, status) values ($1, $1, $2, $3, $4, 'of the test', 'authority')`,
      [code, from, until, MONTHS],
    );
  controller = (await owner.query(`select id from fsp.organisation where code = 'occ'`)).rows[0].id;
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

type Figure = { first: string; second: string; starts: string; num: number; den: number | null; units: number };

/** Exact figures of a breakdown that are not 0. */
const figures = async (code: string, breakdown = 'COHORT'): Promise<Figure[]> =>
  (
    await owner.query(
      `select first, second, starts::text, numerator::float8 as num, denominator::float8 as den, units from fsp.figure_exact x
       join fsp.outcome_indicator i on i.id = x.indicator where i.code = $1 and breakdown = $2 and x.grain = 'YEAR' and numerator + coalesce(denominator, 0) > 0
       order by first, second, starts`,
      [code, breakdown],
    )
  ).rows;

const add = (table: string, row: Record<string, unknown>) => {
  const names = Object.keys(row);
  return owner.query(
    `insert into fsp.${table} (${names.map((name) => `"${name}"`).join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')}) returning id`,
    Object.values(row),
  );
};
type Child = { family: number; person: number };
const children = async (limit: number, offset = 0): Promise<Child[]> =>
  (
    await owner.query(
      `select distinct on (family) family::int, person::int from fsp.membership where role = 'child' and family > 3 order by family, person limit $1 offset $2`,
      [limit, offset],
    )
  ).rows;
const episode = (child: Child, from: string, until: string | null, nfa = false) =>
  add('episode', { ...child, controller, source: '1A', referred_on: from, closed_on: until, no_further_action: nfa });
const plan = (child: Child, kind: string, from: string, until: string | null) =>
  add('plan', { ...child, controller, kind, status: until ? 'ENDED' : 'OPEN', started: from, ended: until });
const placement = (child: Child, from: string, until: string | null) =>
  add('placement', {
    ...child,
    controller,
    legal_status: 'V2',
    placement_type: 'U1',
    started_on: from,
    looked_after_since: from,
    ended_on: until,
  });
const step = (child: Child, direction: string, from: string | null, to: string, on: string) =>
  add('step_event', { ...child, controller, direction, from, to, stepped_on: on });

describe('a cohort', () => {
  let ada: Child;
  let ben: Child;
  beforeAll(async () => {
    [ada, ben] = (await children(2)) as [Child, Child];
    // Ada comes in May, is on a protection plan over the summer and ten days in care; comes again in January, with nothing open between.
    await episode(ada, '2018-05-10', '2018-09-01');
    await plan(ada, 'CHILD_IN_NEED', '2018-05-20', '2018-07-01');
    await plan(ada, 'CHILD_PROTECTION', '2018-07-01', '2018-09-01');
    await placement(ada, '2018-08-20', '2018-08-30');
    await step(ada, 'UP', 'CHILD_IN_NEED', 'CHILD_PROTECTION', '2018-07-01');
    // After her follow-up: in no figure of it.
    await step(ada, 'DOWN', 'CHILD_PROTECTION', 'CHILD_IN_NEED', '2018-11-20');
    await episode(ada, '2019-01-15', '2019-02-15');
    // Ben comes in June by a plan alone, and goes on by a referral on the day on which it ends: he came once. Early help before is not it.
    await plan(ben, 'EARLY_HELP', '2018-04-02', '2018-06-01');
    await episode(ben, '2018-04-10', '2018-04-20', true);
    await plan(ben, 'CHILD_IN_NEED', '2018-06-10', '2018-06-30');
    await episode(ben, '2018-06-30', '2018-07-10');
    await episode(ben, '2018-10-01', null);
    await step(ben, 'DOWN', 'CHILD_PROTECTION', 'CHILD_IN_NEED', '2018-06-15');
    await owner.query(
      `insert into fsp.involvement (family, controller, organisation, role, practitioner, lead, "from", until) values
       ($1, $2, $2, 'lead-practitioner', 'A', true, '2018-05-01', '2018-07-01'), ($1, $2, $2, 'lead-practitioner', 'B', true, '2018-07-01', '2018-08-01'),
       ($1, $2, $2, 'lead-practitioner', 'A', true, '2018-08-01', '2018-09-01'),
       ($1, $2, $2, 'adult-facing-practitioner', 'C', false, '2018-05-15', '2018-07-15'), ($1, $2, $2, 'provider-practitioner', 'D', false, '2018-05-15', '2018-06-15')`,
      [ada.family, controller],
    );
    const { rows } = await owner.query(
      `insert into fsp.workbook_entry (family, controller, worker, module, discipline, session_type, occurred_at, author, narrative)
       select $1, $2, 'w', 'Getting started', 'social-worker', 'individual', at::timestamptz, 'A', 'x' from unnest(array['2018-05-20T10:00Z', '2018-07-25T10:00Z', '2019-05-01T10:00Z']) at returning id`,
      [ada.family, controller],
    );
    await owner.query(`insert into fsp.workbook_mi_practice (entry, family, controller, principles) values ($1, $2, $3, '{affirmation}')`, [
      rows[0].id,
      ada.family,
      controller,
    ]);
    await add('group_supervision', { family: ada.family, controller, team: controller, kind: 'GROUP', held_on: '2018-06-12', led_by: 'A' });
    await countFigures(owner, TODAY, { since: '2024-04-01' });
  });
  const told = async (code: string, breakdown?: string) =>
    (await figures(code, breakdown))
      .filter(({ first }) => first.startsWith('TOLD'))
      .map(({ starts, ...of }) => [starts, ...Object.values(of)]);

  it('has who came in its days when nothing was open, in the year in which their follow-up ended, and whoever came again once more', async () => {
    expect(await told('cohort-children')).toEqual([
      ['2018-04-01', 'TOLD', '', 2, null, 2],
      ['2019-04-01', 'TOLD_AGAIN', '', 1, null, 1],
    ]);
    expect(await told('cohort-families')).toEqual([
      ['2018-04-01', 'TOLD', '', 2, null, 2],
      ['2019-04-01', 'TOLD_AGAIN', '', 1, null, 1],
    ]);
  });
  it('says how many days they were in need, on plan and in care: each day once', async () => {
    // Ada: 10 May to 31 August, 114 days; Ben: 10 June to 9 July, and from October on to 9 December, 30 + 70.
    expect((await told('days-in-need'))[0]).toEqual(['2018-04-01', 'TOLD', '', 214, 2, 2]);
    expect(await told('days-on-plan')).toContainEqual(['2018-04-01', 'TOLD', '', 62, 2, 1]);
    expect(await told('days-in-care')).toContainEqual(['2018-04-01', 'TOLD', '', 10, 2, 1]);
    expect(await told('days-in-need')).toContainEqual(['2019-04-01', 'TOLD_AGAIN', '', 31, 1, 1]);
  });
  it('says how far they came, and by which steps', async () => {
    expect(await told('cohort-children', 'COHORT+REACHED')).toEqual([
      ['2018-04-01', 'TOLD', 'CHILD_IN_NEED', 1, null, 1],
      ['2018-04-01', 'TOLD', 'LOOKED_AFTER', 1, null, 1],
      ['2019-04-01', 'TOLD_AGAIN', 'CHILD_IN_NEED', 1, null, 1],
    ]);
    expect(await told('cohort-step-ups')).toContainEqual(['2018-04-01', 'TOLD', '', 1, 2, 1]);
    expect(await told('cohort-step-downs')).toContainEqual(['2018-04-01', 'TOLD', '', 1, 2, 1]);
  });
  it('says whether they had what the model is made of', async () => {
    // Ada was open at four ends of months, Ben at three: at the end of June, and of October and November.
    // Behind a part there is one family, whoever is behind the rest.
    expect(await told('cohort-multi-disciplinary-team')).toContainEqual(['2018-04-01', 'TOLD', '', 1, 7, 1]);
    expect((await told('cohort-workbook-use')).map((row) => row.slice(0, 5))).toContainEqual(['2018-04-01', 'TOLD', '', 2, 7]);
    expect((await told('cohort-group-supervision')).map((row) => row.slice(0, 5))).toContainEqual(['2018-04-01', 'TOLD', '', 1, 7]);
    expect(await told('cohort-motivational-interviewing')).toContainEqual(['2018-04-01', 'TOLD', '', 1, 2, 1]);
    expect(await told('cohort-worker-changes')).toContainEqual(['2018-04-01', 'TOLD', '', 2, 2, 1]);
  });
  it('is told by whoever asks, with its days and who set them', async () => {
    const { body } = await server.ask('evaluator', '{ cohorts { code enteredFrom enteredUntil followUpMonths status } }');
    expect(body.errors).toBeUndefined();
    expect(body.data.cohorts[0]).toEqual({
      code: 'AFTER',
      enteredFrom: '2025-06-01',
      enteredUntil: null,
      followUpMonths: MONTHS,
      status: 'authority',
    });
  });
});

// -- A recount, day by day ---------------------------------------------------------------------------------------------------

const next = (day: string, days = 1) => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);
const later = (day: string, months: number) => {
  const [year, month, date] = day.split('-').map(Number) as [number, number, number];
  const last = new Date(Date.UTC(year, month - 1 + months + 1, 0)).getUTCDate();
  return new Date(Date.UTC(year, month - 1 + months, Math.min(date, last))).toISOString().slice(0, 10);
};
const END = '2027-01-01';

/** Each day on which a child was open, with the rungs that stood on it; told from the rows by themselves. */
async function recount() {
  const { rows } = await owner.query(
    `select person::int, 1 as rung, referred_on::text as since, closed_on::text as until from fsp.episode where not no_further_action
     union all select person::int, case kind when 'CHILD_IN_NEED' then 1 when 'CHILD_PROTECTION' then 2 when 'PRE_PROCEEDINGS' then 3 when 'LOOKED_AFTER' then 4 end, started::text, ended::text
       from fsp.plan where kind <> 'EARLY_HELP'
     union all select person::int, 3, started_on::text, ended_on::text from fsp.pre_proceedings
     union all select person::int, 4, started_on::text, ended_on::text from fsp.placement`,
  );
  const same = new Map<number, number>();
  for (const { person, other } of (await owner.query('select person::int, other::int from fsp.person_same')).rows)
    same.set(person, Math.min(same.get(person) ?? person, other));
  const ups = (await owner.query(`select person::int, stepped_on::text as on from fsp.step_event where direction = 'UP'`)).rows;
  const days = new Map<number, Map<string, Set<number>>>();
  for (const { person, rung, since, until } of rows) {
    const of = same.get(person) ?? person;
    const own = days.get(of) ?? new Map<string, Set<number>>();
    days.set(of, own);
    for (let day = since; day < (until ?? END); day = next(day)) own.set(day, (own.get(day) ?? new Set()).add(rung));
  }
  const sums = new Map<string, number[]>();
  const reached = new Map<string, number>();
  for (const [person, own] of days)
    for (const [code, from, until] of WINDOWS) {
      const came = [...own.keys()].sort().find((day) => day >= from && day <= (until ?? END) && !own.has(next(day, -1)));
      if (!came) continue;
      const end = later(came, MONTHS);
      if (end >= '2026-11-01') continue;
      const year = Number(end.slice(0, 4)) - (end.slice(5, 7) < '04' ? 1 : 0);
      // A year is counted when it is over.
      if (year > 2025) continue;
      const within = [...own].filter(([day]) => day >= came && day < end);
      const steps = ups.filter(({ person: who, on }) => (same.get(who) ?? who) === person && on >= came && on < end).length;
      const count = (rung: number) => within.filter(([, rungs]) => rungs.has(rung)).length;
      const key = `${code} ${year}-04-01`;
      const sum = sums.get(key) ?? [0, 0, 0, 0, 0];
      sums.set(
        key,
        [1, within.length, count(2), count(4), steps].map((value, i) => value + (sum[i] as number)),
      );
      const highest = ['', 'CHILD_IN_NEED', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'][
        Math.max(...within.flatMap(([, rungs]) => [...rungs]))
      ];
      reached.set(`${key} ${highest}`, (reached.get(`${key} ${highest}`) ?? 0) + 1);
    }
  return { sums: new Map([...sums].sort()), reached: new Map([...reached].sort()) };
}

async function counted() {
  const sums = new Map<string, number[]>();
  const codes = ['cohort-children', 'days-in-need', 'days-on-plan', 'days-in-care', 'cohort-step-ups'];
  for (const [index, code] of codes.entries())
    for (const { first, starts, num } of await figures(code)) {
      const key = `${first} ${starts}`;
      const sum = sums.get(key) ?? [0, 0, 0, 0, 0];
      sum[index] = num;
      sums.set(key, sum);
    }
  const reached = (await figures('cohort-children', 'COHORT+REACHED')).map(({ first, second, starts, num }): [string, number] => [
    `${first} ${starts} ${second}`,
    num,
  ]);
  return { sums: new Map([...sums].sort()), reached: new Map(reached.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

const day = fc.integer({ min: 0, max: 800 }).map((n) => next('2024-04-01', n));
const act = fc.record({
  what: fc.constantFrom('begin', 'end', 'move', 'refer', 'place', 'step', 'retract', 'merge'),
  pick: fc.nat(1000),
  day,
  length: fc.integer({ min: 0, max: 300 }),
});
type Act = { what: string; pick: number; day: string; length: number };

/** Changes the record, as work and corrections do. */
async function perform(all: Child[], { what, pick, day: on, length }: Act): Promise<void> {
  const child = all[pick % all.length] as Child;
  const until = pick % 4 === 0 ? null : next(on, length);
  const nth = (table: string) =>
    `(select id from fsp.${table} order by id offset ${pick} % greatest(1, (select count(*) from fsp.${table})) limit 1)`;
  const kind = ['CHILD_IN_NEED', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER', 'EARLY_HELP'][pick % 5] as string;
  if (what === 'begin') await plan(child, kind, on, until);
  else if (what === 'end')
    await owner.query(`update fsp.plan set status = 'ENDED', ended = greatest(started, $1::date) where id = ${nth('plan')}`, [on]);
  else if (what === 'move')
    await owner.query(`update fsp.plan set started = least(coalesce(ended, $1::date), $1::date), kind = $2 where id = ${nth('plan')}`, [
      on,
      kind,
    ]);
  else if (what === 'refer') await episode(child, on, until, pick % 7 === 0);
  else if (what === 'place') await placement(child, on, until);
  else if (what === 'step') await step(child, 'UP', 'CHILD_IN_NEED', 'CHILD_PROTECTION', on);
  else if (what === 'retract') await owner.query(`delete from fsp.episode where id = ${nth('episode')}`);
  else {
    const other = all[(pick + 1) % all.length] as Child;
    const pair = [child.person, other.person, controller];
    const { rowCount } = await owner.query('select from fsp.person_same where person = any ($1) or other = any ($1)', [
      [child.person, other.person],
    ]);
    if (child.person !== other.person && rowCount === 0)
      await owner.query('insert into fsp.person_same (person, other, controller) values ($1, $2, $3), ($2, $1, $3)', pair);
  }
}

describe('its figures', () => {
  it('are what a recount of the days gives, whatever was corrected', async () => {
    const all = await children(60, 2);
    for (const [index, child] of all.entries())
      await episode(child, next('2024-04-05', index * 9), next('2024-04-05', index * 9 + 40 + index));
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 6, maxLength: 14 }), async (acts) => {
        for (const each of acts) await perform(all, each);
        await countFigures(owner, TODAY);
        const [expected, got] = [await recount(), await counted()];
        expect([...got.sums]).toEqual([...expected.sums]);
        expect([...got.reached]).toEqual([...expected.reached]);
      }),
      { seed: Number(process.env.FC_SEED ?? 20261122), numRuns: Number(process.env.FC_RUNS ?? 3), endOnFailure: true },
    );
    const { sums } = await recount();
    expect(sums.size).toBeGreaterThan(5);
    expect([...sums.values()].flat().every((value) => value >= 0)).toBe(true);
  });
});

const SERIES = `query($code: String!, $by: [Breakdown!]) { indicator(code: $code) {
  series(by: $by, period: YEAR, from: "2018-04-01", to: "2026-03-31") { from first firstLabel second value numerator denominator marker } } }`;
const series = async (code: string, by: string[]): Promise<any[]> => {
  const { body } = await server.ask('police', SERIES, { code, by });
  expect(body.errors).toBeUndefined();
  return body.data.indicator.series;
};

describe('an edition of them', () => {
  beforeAll(async () => {
    await owner.query('delete from fsp.person_same');
    await owner.query('truncate fsp.step_event cascade');
    // Enough who came how they did, that something of it may be shown.
    const all = await children(150, 2);
    for (const [index, child] of all.entries()) {
      const came = next('2024-04-02', (index * 37) % 500);
      await episode(child, came, next(came, 100));
      await plan(child, 'CHILD_IN_NEED', next(came, 5), next(came, 30));
      await step(child, 'UP', null, 'CHILD_IN_NEED', next(came, 5));
      if (index % 3 === 0) {
        await plan(child, 'CHILD_PROTECTION', next(came, 30), next(came, 90));
        await step(child, 'UP', 'CHILD_IN_NEED', 'CHILD_PROTECTION', next(came, 30));
      }
      if (index % 60 === 0 && came < '2025-01-01') await step(child, 'UP', 'CHILD_PROTECTION', 'LOOKED_AFTER', next(came, 60));
      if (index % 50 === 0) await placement(child, next(came, 40), next(came, 50));
    }
    await countFigures(owner, TODAY, { since: '2024-04-01' });
    await publishEdition(owner, '2026-09-30', 'of the test');
  });
  it('shows large cohorts, and of no small one anything', async () => {
    const shown = await series('cohort-children', ['COHORT']);
    expect(shown.filter(({ first }) => first.startsWith('TOLD')).every(({ marker, value }) => marker === 'c' && value === null)).toBe(true);
    const before = shown.find(({ first, from }) => first === 'BEFORE' && from === '2025-04-01');
    expect(Number(before.value)).toBeGreaterThan(20);
    expect(before.firstLabel).toBe('BEFORE');
    const { rows } = await owner.query(
      `select i.code, i.kind, f.breakdown, f.first, f.second, x.numerator::float8 as num, x.denominator::float8 as den, x.units from fsp.figure f join fsp.figure_exact x using (id)
       join fsp.outcome_indicator i on i.id = f.indicator where i.id between 28 and 42 and f.marker is null and x.numerator + coalesce(x.denominator, 0) > 0`,
    );
    expect(rows.length).toBeGreaterThan(50);
    for (const row of rows) {
      expect(row.num === 0 || row.num > 5, JSON.stringify(row)).toBe(true);
      // A mean is shown of six children at the least, and where six of them add to it.
      if (row.kind === 'MEAN') expect(row.den > 5 && row.units > 5, JSON.stringify(row)).toBe(true);
      expect(row.units > 5, JSON.stringify(row)).toBe(true);
    }
  });
  it('withholds the sums of a mean that few add to, and not for that how many children there are', async () => {
    const [care, all] = [await series('days-in-care', ['COHORT']), await series('cohort-children', ['COHORT'])];
    const hidden = care.filter(({ marker, first, from }) => {
      const children = all.find((one) => one.first === first && one.from === from);
      return marker === 'c' && children.marker === null;
    });
    expect(hidden.length).toBeGreaterThan(0);
    for (const { denominator } of hidden) expect(denominator).toBeNull();
    // And what is withheld of the children, each mean of them withholds.
    for (const code of ['days-in-need', 'days-on-plan', 'days-in-care', 'cohort-step-ups', 'cohort-step-downs'])
      for (const { first, from, marker } of await series(code, ['COHORT']))
        if (all.some((one) => one.first === first && one.from === from && one.marker === 'c'))
          expect(marker, `${code} ${first} ${from}`).toBe('c');
  });
  it('shows the flow of steps, from which plan to which, as safely', async () => {
    const flow = await series('step-up', ['FLOW']);
    const of = (year: string) => flow.filter(({ from }) => from === year);
    expect(of('2024-04-01').find(({ first }) => first === 'CHILD_PROTECTION>LOOKED_AFTER')).toMatchObject({ value: null, marker: 'c' });
    // How many plans of a kind began is shown elsewhere: with one flow that is withheld all of the year are.
    expect(of('2024-04-01').filter(({ value }) => value !== null)).toEqual([]);
    expect(of('2025-04-01').length).toBeGreaterThan(1);
    expect(of('2025-04-01').filter(({ value }) => value === null)).toEqual([]);
    expect((await server.ask('police', SERIES, { code: 'step-up', by: ['COHORT'] })).body.data.indicator.series).toEqual([]);
    const asked = await server.ask('police', SERIES.replace('YEAR', 'MONTH'), { code: 'step-up', by: ['FLOW'] });
    expect(asked.body.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe('a trajectory', () => {
  const FIELDS =
    'at asIs fsm1 fsm2 target actual variation adjustedTarget adjustedReason adjustedVariation children computed printed marker source';
  const points = async (): Promise<any[]> => {
    const { body } = await server.ask('evaluator', `{ trajectories(measure: PROTECTION_PLANS) { points { ${FIELDS} } } }`);
    expect(body.errors).toBeUndefined();
    return body.data.trajectories[0].points;
  };
  it('goes on with what the edition shows of the county’s own, month by month, and leaves what is printed', async () => {
    const { rows } = await owner.query(`select id from fsp.outcome_indicator where code = 'protection-plans'`);
    const target = async (from: string, value: number, adjusts: number | null, reason: string | null) =>
      (
        await owner.query(
          `insert into fsp.indicator_target (indicator, starts, ends, value, adjusts, reason) values ($1, $2, '2026-12-31', $3, $4, $5) returning id`,
          [rows[0].id, from, value, adjusts, reason],
        )
      ).rows[0].id;
    const first = await target('2025-01-01', 21, null, null);
    await target('2026-01-01', 27, first, 'More came than were expected.');
    const printed = (await points()).filter((point) => point.printed && !point.computed.includes('actual'));
    await publishEdition(owner, '2026-09-30', 'of the test');
    const all = await points();
    for (const point of printed) expect(all).toContainEqual(point);
    const own = all.filter((point) => !point.printed);
    expect(own.every(({ at }) => at > '2021-06-30' && at <= '2026-09-30')).toBe(true);
    const { body } = await server.ask(
      'evaluator',
      '{ indicator(code: "protection-plans") { series(period: MONTH, from: "2024-04-01", to: "2026-09-30") { to value marker } } }',
    );
    const shown: { to: string; value: string | null; marker: string | null }[] = body.data.indicator.series;
    expect(shown.some(({ value }) => Number(value) > 20)).toBe(true);
    for (const { to, value, marker } of shown) {
      const point = all.find(({ at }) => at === to);
      expect([point.actual, point.marker]).toEqual([value === null ? null : Number(value), marker]);
      if (point.printed || value === null) continue;
      const over = (of: number) => Math.sign(Number(value) - of) * Math.round(Math.abs((100 * (Number(value) - of)) / of) + 1e-9) + 0;
      expect([point.target, point.variation]).toEqual(to < '2025-01-01' ? [null, null] : [21, over(21)]);
      expect([point.adjustedTarget, point.adjustedVariation]).toEqual(to < '2026-01-01' ? [null, null] : [27, over(27)]);
      // From the 541 of March 2020, 5 % a year; of as many children.
      const years = Number(to.slice(0, 4)) - 2020 + (Number(to.slice(5, 7)) - 3) / 12;
      expect([point.fsm1, point.fsm2, point.children]).toEqual([Math.round(541 * 0.95 ** years), null, 145_000]);
      expect(point.computed).toContain('actual');
      expect(point.source).toContain('edition as at 2026-09-30');
    }
  });
  it('is the same after the papers were loaded again', async () => {
    const before = await points();
    await loadPapers(owner, readReference('oxfordshire'));
    expect(await points()).toEqual(before);
    await publishEdition(owner, '2026-09-30', 'of the test');
    expect(await points()).toEqual(before);
  });
});

describe('a file of cohorts', () => {
  const good = readReference('oxfordshire');
  const entry = {
    code: 'BEFORE',
    name: 'Before',
    enteredFrom: '2019-01-01',
    enteredUntil: '2020-10-31',
    followUpMonths: 12,
    source: 's',
    status: 'authority' as const,
  };
  it.each([
    ['overlap', [entry, { ...entry, code: 'DURING', enteredFrom: '2020-10-31', enteredUntil: null }], 1, 'has days in common with BEFORE.'],
    ['end before they begin', [{ ...entry, enteredUntil: '2018-12-31' }], 0, 'enteredUntil: is before enteredFrom.'],
    ['have one name', [entry, { ...entry, enteredFrom: '2021-01-01', enteredUntil: null }], 1, 'another entry has the code BEFORE.'],
  ])('whose cohorts %s is not loaded', (_what, cohorts, index, words) => {
    expect(outcomeFault(good)).toBeNull();
    expect(outcomeFault({ ...good, cohorts })).toEqual({ file: 'cohorts', index, words });
  });
  it('says what is to be set, and takes nothing away that was', async () => {
    expect(good.cohorts.map(({ code, status }) => [code, status])).toEqual([
      ['BEFORE', 'to-set'],
      ['DURING', 'to-set'],
      ['AFTER', 'to-set'],
    ]);
    expect(OUTCOME_FILES.cohorts.safeParse({ ...entry, followUpMonths: null }).error?.issues[0]?.message).toContain('is to be set');
    const set = async () => (await owner.query('select * from fsp.cohort order by code')).rows;
    const before = await set();
    await loadReference(owner, 'oxfordshire');
    expect(await set()).toEqual(before);
    await expect(
      owner.query(
        `insert into fsp.cohort (code, name, entered_from, follow_up_months, source, status) values ('X', 'x', '2024-05-01', 12, 's', 'authority')`,
      ),
    ).rejects.toThrow('cohort_no_overlap');
  });
});

// -- Attacked ----------------------------------------------------------------------------------------------------------------

const INDICATOR: Counted = {
  id: 28,
  code: 'cohort-children',
  kind: 'COUNT',
  stock: false,
  derived: true,
  counts: 'MEMBERSHIP',
  per: null,
  observed_by: null,
  grain: 'YEAR',
};
const RULE = { lowest: 1, highest: 5, cover: true, roundTo: null, marker: 'c' };
const CONCERNS = ['F', 'G'];
const sum = (values: number[]) => values.reduce((all, value) => all + value, 0);

describe('who knows everything that is shown of a year', () => {
  let highs: Highs;
  beforeAll(async () => {
    highs = await createRequire(import.meta.url)('highs')();
  });
  /** How many of each cohort came how far, and how many of each had each concern. */
  const table = fc.record({ cohorts: fc.integer({ min: 1, max: 3 }), rungs: fc.integer({ min: 1, max: 4 }) }).chain(({ cohorts, rungs }) =>
    fc.record({
      reached: fc.array(fc.array(fc.oneof(fc.nat(8), fc.nat(60)), { minLength: rungs, maxLength: rungs }), {
        minLength: cohorts,
        maxLength: cohorts,
      }),
      shares: fc.array(fc.array(fc.nat(100), { minLength: 2, maxLength: 2 }), { minLength: cohorts, maxLength: cohorts }),
      secret: fc.nat(1000),
    }),
  );
  it('cannot tell a small number that is withheld', () => {
    fc.assert(
      fc.property(table, ({ reached, shares, secret }) => {
        const [cohorts, rungs] = [reached.length, (reached[0] as number[]).length];
        const rows = [...Array(cohorts).keys()];
        const columns = [...Array(rungs).keys()];
        const all = reached.map(sum);
        const concerns = shares.map((of, row) => of.map((share) => Math.floor(((all[row] as number) * share) / 100)));
        // Unknown: who of which cohort came how far; who of it has which concern.
        const cell = (row: number, column: number) => row * rungs + column;
        const has = (row: number, concern: number) => cohorts * rungs + row * CONCERNS.length + concern;
        const unknowns = cohorts * (rungs + CONCERNS.length);
        const every = rows.flatMap((row) => columns.map((column) => cell(row, column)));
        type Figure = { breakdown: string; first: string; second: string; value: number; of: number[] };
        const figures: Figure[] = [
          { breakdown: '', first: '', second: '', value: sum(all), of: every },
          ...rows.map((row) => ({
            breakdown: 'COHORT',
            first: `${row}`,
            second: '',
            value: all[row] as number,
            of: columns.map((c) => cell(row, c)),
          })),
          ...columns.map((column) => {
            const of = rows.map((row) => cell(row, column));
            return {
              breakdown: 'REACHED',
              first: `${column}`,
              second: '',
              value: sum(rows.map((row) => reached[row]?.[column] as number)),
              of,
            };
          }),
          ...CONCERNS.map((name, at) => {
            const of = rows.map((row) => has(row, at));
            return { breakdown: 'FACTOR', first: name, second: '', value: sum(rows.map((row) => concerns[row]?.[at] as number)), of };
          }),
          ...rows.flatMap((row) => [
            ...columns.map((c) => ({
              breakdown: 'COHORT+REACHED',
              first: `${row}`,
              second: `${c}`,
              value: reached[row]?.[c] as number,
              of: [cell(row, c)],
            })),
            ...CONCERNS.map((name, at) => ({
              breakdown: 'COHORT+FACTOR',
              first: `${row}`,
              second: name,
              value: concerns[row]?.[at] as number,
              of: [has(row, at)],
            })),
          ]),
        ];
        const exact = figures.map(({ breakdown, first, second, value }, id) => ({
          id: `${id}`,
          breakdown,
          grain: 'YEAR' as const,
          starts: '2025-04-01',
          first,
          second,
          numerator: value,
          denominator: null,
          behind: [value],
        }));
        const withheld = withheldOf(INDICATOR, exact, RULE, (code) => `${(code.charCodeAt(0) * 7919 + secret * 104729) % 1009}`);
        const facts = figures.flatMap(({ of, value }, id) =>
          withheld.has(`${id}`) ? [] : [{ of, less: [] as number[], least: value, most: value }],
        );
        // Whoever has a concern is somebody of the cohort.
        for (const row of rows)
          for (const at of CONCERNS.keys()) facts.push({ of: columns.map((c) => cell(row, c)), less: [has(row, at)], least: 0, most: 1e8 });
        const starts = [0];
        for (const { of, less } of facts) starts.push((starts.at(-1) as number) + of.length + less.length);
        const model = highs.createModel({
          numCols: unknowns,
          numRows: facts.length,
          colCost: new Array(unknowns).fill(0),
          colLower: new Array(unknowns).fill(0),
          colUpper: new Array(unknowns).fill(1e6),
          rowLower: facts.map(({ least }) => least),
          rowUpper: facts.map(({ most }) => most),
          matrix: {
            format: 'csr',
            numRows: facts.length,
            numCols: unknowns,
            starts,
            indices: facts.flatMap(({ of, less }) => [...of, ...less]),
            values: facts.flatMap(({ of, less }) => [...of.map(() => 1), ...less.map(() => -1)]),
          },
        });
        model.options.set('output_flag', false);
        const extreme = (of: number[], less: number[], sign: number) => {
          for (const index of of) model.changeColCost(index, sign);
          for (const index of less) model.changeColCost(index, -sign);
          model.run();
          expect(model.getModelStatus()).toBe(highs.constants.modelStatus.optimal);
          const value = sign * model.getObjectiveValue();
          for (const index of [...of, ...less]) model.changeColCost(index, 0);
          return value;
        };
        try {
          // A pair that is not there at all has no cells; what two shown margins say of them, they say.
          const isThere = ({ breakdown, second }: Figure) =>
            !breakdown.includes('+') ||
            figures.some(
              (one, id) =>
                one.breakdown === breakdown && (breakdown.endsWith('REACHED') || one.second === second) && !withheld.has(`${id}`),
            );
          const rests = figures.filter(isThere).flatMap(({ breakdown, first, value, of }) => {
            const whole =
              breakdown === 'FACTOR'
                ? figures[0]
                : breakdown === 'COHORT+FACTOR'
                  ? figures.find((one) => one.breakdown === 'COHORT' && one.first === first)
                  : null;
            return whole ? [{ of: whole.of, less: of, value: whole.value - value }] : [];
          });
          for (const { of, less, value } of [...figures.filter(isThere).map((one) => ({ ...one, less: [] as number[] })), ...rests])
            if (value >= 1 && value <= 5) {
              const [least, most] = [extreme(of, less, 1), extreme(of, less, -1)];
              expect([least <= 1 + 1e-6, most >= 5 - 1e-6], JSON.stringify({ value, least, most })).toEqual([true, true]);
            }
        } finally {
          model.dispose();
        }
      }),
      { seed: Number(process.env.FC_SEED ?? 20261122), numRuns: Number(process.env.FC_RUNS ?? 4) * 60 },
    );
  });
});
