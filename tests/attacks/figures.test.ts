/**
 * A partner asks for every figure that there is of a year, by everything that figures are shown by, and puts all of it into one linear program.
 * No count that is withheld for being small may come out narrower than the rule leaves it. `FC_ALL=1` looks at every one of them.
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateFamilies } from '../../src/db/generate.ts';
import { BREAKDOWNS, breakdownCode, type FixedBreakdown } from '../../src/modules/outcome/breakdowns.ts';
import { countFigures } from '../../src/outcome/count.ts';
import { publishEdition } from '../../src/outcome/edition.ts';
import { FACTS } from '../../src/outcome/facts.ts';
import { boundsOf, type Fact, type Sum } from '../support/bounds.ts';
import { type Caller, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const PARTNER: Caller = { client: 'thames-valley-police-performance', purpose: 'PERFORMANCE' };
const YEAR = '2025-04-01';
const [LOWEST, HIGHEST] = [1, 5];
/** So many of the small figures of one group are looked at. */
const LOOKED_AT = process.env.FC_ALL ? Number.POSITIVE_INFINITY : 12;

let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  const url = await ownDatabase('fsp_figures_attacked');
  owner = await sqlAsOwner(url);
  server = await testServer(url);
  await generateFamilies(owner, { families: 500, seed: 7, firstId: 100_000 });
  for (const facts of FACTS_OF_A_COUNTY) await owner.query(facts);
  await countFigures(owner, '2026-11-22', { since: '2024-04-01' });
  await publishEdition(owner, '2026-09-30', 'of the attack');
}, 180_000);
afterAll(async () => {
  await server.close();
  await owner.end();
});

/** Seldom, often, in one month alone: a number below `n` that a row's id and a word decide. */
const die = (word: string, n: number) => `mod(abs(hashint8(c.person) # hashtext('${word}')), ${n})`;
const CHILDREN = `(select m.family, m.person, f.controller from fsp.membership m join fsp.family f on f.id = m.family where f.id >= 100000 and m.role = 'child') c`;
const FACTS_OF_A_COUNTY = [
  `insert into fsp.episode (family, person, controller, source, referred_on, no_further_action, re_referral, closed_on, closure_reason)
   select c.family, c.person, c.controller, (select code from fsp.code where list = 'referral-source' order by code limit 1),
     date '2024-03-01' + ${die('referred', 800)}, ${die('nothing', 9)} = 0, ${die('again', 6)} = 0,
     case when ${die('closed', 3)} = 0 then date '2024-04-01' + ${die('referred', 800)} + ${die('long', 150)} end,
     case when ${die('closed', 3)} = 0 then (select code from fsp.code where list = 'closure-reason' order by code limit 1) end from ${CHILDREN}`,
  `insert into fsp.placement (family, person, controller, legal_status, placement_type, started_on, looked_after_since)
   select c.family, c.person, c.controller, 'C2', 'U1', day, day from ${CHILDREN}, lateral (select date '2024-06-01' + ${die('care', 800)} as day) d where ${die('cared', 5)} = 0`,
  `update fsp.plan p set previous_plans = mod(p.id, 5) / 4 where family >= 100000`,
  `with run as (insert into fsp.observation_run (organisation, lines, created, corrected, unchanged) select id, 1, 1, 0, 0 from fsp.organisation where code = 'occ' returning id, organisation)
   insert into fsp.observation (run, indicator, family, person, controller, row_mask, starts, count, base)
   select run.id, i.id, c.family, case when i.observed_by = 'PERSON' then c.person end, run.organisation, 1, m.month::date,
     case when i.kind = 'PROPORTION' then 20 - ${die('absent', 8)} else ${die('often', 3)} end, case when i.kind = 'PROPORTION' then 20 end
   from run, ${CHILDREN}, fsp.outcome_indicator i, generate_series(date '2024-04-01', date '2026-09-01', interval '1 month') m (month)
   where i.observed_by in ('PERSON', 'FAMILY') and i.grain = 'MONTH' and mod(abs(hashint8(c.person) # hashtext(i.code || extract(month from m.month))), 11) = 0
   on conflict do nothing`,
];

type Indicator = { code: string; kind: 'COUNT' | 'RATE' | 'PROPORTION' | 'MEAN'; stock: boolean };
type Figure = {
  of: Indicator;
  by: FixedBreakdown;
  grain: string;
  from: string;
  first: string;
  second: string;
  numerator: string | null;
  denominator: string | null;
  value: string | null;
  marker: string | null;
  yearBefore: string | null;
};

const INDICATORS = '{ outcomeIndicators(first: 100) { nodes { code kind stock } } }';
const SERIES = `query Everything($code: String!, $by: [Breakdown!]!, $period: Period!, $from: Date!, $to: Date!) { indicator(code: $code) {
  series(by: $by, period: $period, from: $from, to: $to) { period from first second numerator denominator value marker yearBefore } } }`;

/** Everything of the year that begins on a day, as a partner reads it. */
async function everything(from: string, codes?: string[]): Promise<Figure[]> {
  const { body } = await server.ask(PARTNER, INDICATORS);
  const to = `${Number(from.slice(0, 4)) + 1}-03-31`;
  const found: Figure[] = [];
  for (const of of body.data.outcomeIndicators.nodes as Indicator[]) {
    if (codes && !codes.includes(of.code)) continue;
    for (const by of BREAKDOWNS)
      for (const period of by.grains) {
        const reply = await server.ask(PARTNER, SERIES, { code: of.code, by: by.dimensions, period, from, to });
        expect(reply.body.errors).toBeUndefined();
        // Of an indicator that has none so short, longer ones come: those are asked for by themselves.
        for (const { period: grain, ...figure } of reply.body.data.indicator.series)
          if (grain === period) found.push({ ...figure, of, by, grain });
      }
  }
  return found;
}

/** What it is of, and of what cases: figures of the same cases are attacked together. */
const casesOf = ({ code }: Indicator) => FACTS[code]?.cases ?? code;
/** What is counted: rates and counts of the same cases count the same; a part of something has the whole beside it. */
const numeratorOf = (of: Indicator) => (of.kind === 'COUNT' || of.kind === 'RATE' ? 'them' : of.code);
const WHOLE = 'whole';

const monthIn = (day: string) => (Number(day.slice(5, 7)) + 8) % 12;
const MONTHS = { MONTH: 1, QUARTER: 3, YEAR: 12 } as Record<string, number>;

/** The parts of a period of which nothing smaller is shown: months, by their place in the year; of what is shown by the year, that. */
function leaves({ of, by, grain, from }: Figure): string[] {
  if (by.grains.length === 1) return ['year'];
  const months = Array.from({ length: MONTHS[grain] as number }, (_, month) => String(monthIn(from) + month));
  return of.stock ? months.slice(-1) : months;
}

/** Unknown counts by their names, and what is known of them. */
class Book {
  readonly #index = new Map<string, number>();
  readonly facts: Fact[] = [];
  at(...name: string[]): number {
    const key = name.join('|');
    const index = this.#index.get(key) ?? this.#index.size;
    this.#index.set(key, index);
    return index;
  }
  get size(): number {
    return this.#index.size;
  }
  same(of: number[], less: number[]): void {
    this.facts.push({ of, less, least: 0, most: 0 });
  }
  within(part: number[], whole: number[]): void {
    this.facts.push({ of: whole, less: part, least: 0, most: Number.POSITIVE_INFINITY });
  }
}

/** The parts of which a figure is the sum. */
const sumOf = (book: Book, what: string, figure: Figure): number[] =>
  leaves(figure).map((leaf) => book.at(what, breakdownCode(figure.by.dimensions), figure.first, figure.second, leaf));

/** What anybody knows who reads the figures of one group of cases. */
function read(figures: Figure[]): Book {
  const book = new Book();
  const whats = (of: Indicator) => [numeratorOf(of), ...(of.kind === 'PROPORTION' || of.kind === 'MEAN' ? [WHOLE] : [])];
  const all = new Set(figures.flatMap(({ of }) => whats(of)));
  const isStock = figures.some(({ of }) => of.stock);
  const yearOf = (what: string, by: string, first: string, hasMonths: boolean) =>
    hasMonths
      ? (isStock ? ['11'] : Array.from({ length: 12 }, (_, month) => String(month))).map((leaf) => book.at(what, by, first, '', leaf))
      : [book.at(what, by, first, '', 'year')];
  for (const what of all) {
    for (const fixed of BREAKDOWNS) {
      const by = breakdownCode(fixed.dimensions);
      const of = figures.filter((figure) => figure.by === fixed);
      const [firsts, seconds] = [new Set(of.map(({ first }) => first)), new Set(of.map(({ second }) => second))];
      if (fixed.dimensions.length === 1) {
        const parts = new Set(of.flatMap(leaves));
        for (const leaf of parts) {
          const rows = [...firsts].map((first) => book.at(what, by, first, '', leaf));
          const total = leaf === 'year' ? yearOf(what, '', '', true) : [book.at(what, '', '', '', leaf)];
          if (fixed.partition) book.same(rows, total);
          else for (const row of rows) book.within([row], total);
        }
      } else if (fixed.dimensions.length === 2) {
        const [one, other] = fixed.dimensions as [string, string];
        const hasMonths = (name: string) =>
          (BREAKDOWNS.find(({ dimensions }) => breakdownCode(dimensions) === name)?.grains.length ?? 1) > 1;
        const cell = (first: string, second: string) => book.at(what, by, first, second, 'year');
        for (const second of seconds)
          book.same(
            [...firsts].map((first) => cell(first, second)),
            yearOf(what, other, second, hasMonths(other)),
          );
        for (const first of firsts) {
          const total = yearOf(what, one, first, hasMonths(one));
          if (fixed.partition)
            book.same(
              [...seconds].map((second) => cell(first, second)),
              total,
            );
          else for (const second of seconds) book.within([cell(first, second)], total);
        }
      }
    }
  }
  for (const figure of figures) {
    const [what, whole] = whats(figure.of) as [string, string?];
    const num = sumOf(book, what, figure);
    if (figure.numerator !== null) book.facts.push({ of: num, least: Number(figure.numerator), most: Number(figure.numerator) });
    if (!whole) continue;
    const den = sumOf(book, whole, figure);
    if (figure.denominator !== null) book.facts.push({ of: den, least: Number(figure.denominator), most: Number(figure.denominator) });
    if (figure.of.kind === 'PROPORTION') for (const [at, part] of num.entries()) book.within([part], [den[at] as number]);
  }
  return book;
}

type Target = { figure: Figure; value: number; sum: Sum };

/** Small counts behind what is withheld, told from the figures as they are. */
async function small(figures: Figure[], book: Book): Promise<Target[]> {
  const { rows } = await owner.query(
    `select i.code, x.breakdown, x.grain, x.starts::text as starts, x.first, x.second, x.numerator::float8 as num, x.denominator::float8 as den
     from fsp.figure_exact x join fsp.outcome_indicator i on i.id = x.indicator where i.code = any ($1)`,
    [[...new Set(figures.map(({ of }) => of.code))]],
  );
  const key = (...parts: string[]) => parts.join('|');
  const exact = new Map(rows.map((row) => [key(row.code, row.breakdown, row.grain, row.starts, row.first, row.second), row]));
  return figures.flatMap((figure) => {
    const { of, by, grain, from, first, second } = figure;
    const row = exact.get(key(of.code, breakdownCode(by.dimensions), grain, from, first, second));
    if (!row) throw new Error(`A figure that nobody counted: ${JSON.stringify(figure)}`);
    if (figure.numerator !== null) expect(Number(figure.numerator)).toBe(row.num);
    const num = sumOf(book, numeratorOf(of), figure);
    const whole = of.kind === 'PROPORTION' || of.kind === 'MEAN' ? sumOf(book, WHOLE, figure) : [];
    const layers: [number, Sum][] = [
      [row.num, { of: num }],
      ...(of.kind === 'PROPORTION' ? [[row.den - row.num, { of: whole, less: num }] as [number, Sum]] : []),
      ...(of.kind === 'MEAN' ? [[row.den, { of: whole }] as [number, Sum]] : []),
    ];
    return layers.filter(([value]) => value >= LOWEST && value <= HIGHEST).map(([value, sum]) => ({ figure, value, sum }));
  });
}

const spread = <T>(list: T[], most: number): T[] => list.filter((_, index) => index % Math.max(1, Math.ceil(list.length / most)) === 0);

describe('whoever reads every figure of a year', () => {
  it('learns of no small count more than that it is small, or nothing', { timeout: 300_000 }, async () => {
    const figures = await everything(YEAR);
    expect(figures.length).toBeGreaterThan(2_000);
    const groups = Map.groupBy(figures, ({ of }) => casesOf(of));
    let looked = 0;
    const learnt: unknown[] = [];
    for (const [cases, group] of groups) {
      const book = read(group);
      const targets = await small(group, book);
      expect(targets.filter(({ figure }) => figure.marker === null)).toEqual([]);
      const { bounds, done } = boundsOf(book.size, book.facts);
      for (const { figure, value, sum } of spread(targets, LOOKED_AT)) {
        looked++;
        const [least, most] = bounds(sum);
        if (least > LOWEST + 1e-6 || most < HIGHEST - 1e-6)
          learnt.push([
            cases,
            figure.of.code,
            figure.by.dimensions,
            figure.grain,
            figure.from,
            figure.first,
            figure.second,
            value,
            least,
            most,
          ]);
      }
      done();
    }
    expect(learnt).toEqual([]);
    expect(looked).toBeGreaterThan(100);
  });

  it('would learn it, were a figure shown that covers for another', async () => {
    const figures = await everything(YEAR, ['protection-plans', 'protection-plan-rate']);
    const covered = figures.filter(
      ({ by, grain, of, marker, first }) =>
        marker !== null && of.kind === 'COUNT' && grain === 'MONTH' && by.partition && by.dimensions.length === 1 && first !== '',
    );
    const book = read(figures);
    const [target] = await small(covered, book);
    if (!target) throw new Error('There is nothing small in a month.');
    const { rows } = await owner.query(
      `select x.first, x.numerator::float8 as num from fsp.figure_exact x join fsp.outcome_indicator i on i.id = x.indicator
       where i.code = 'protection-plans' and x.breakdown in ('', $2) and x.grain = 'MONTH' and x.starts = $1`,
      [target.figure.from, breakdownCode(target.figure.by.dimensions)],
    );
    for (const { first, num } of rows) {
      if (first === target.figure.first) continue;
      const of =
        first === ''
          ? [book.at('them', '', '', '', String(monthIn(target.figure.from)))]
          : sumOf(book, 'them', { ...target.figure, first });
      book.facts.push({ of, least: num, most: num });
    }
    const { bounds, done } = boundsOf(book.size, book.facts);
    expect(bounds(target.sum).map(Math.round)).toEqual([target.value, target.value]);
    done();
  });

  it('is told of the year before what was published of it, and nothing else', async () => {
    const codes = ['protection-plans', 'repeat-referrals', 'school-attendance'];
    const before = await everything('2024-04-01', codes);
    const place = ({ of, by, grain, from, first, second }: Figure) =>
      [of.code, breakdownCode(by.dimensions), grain, from.slice(4), first, second].join('|');
    const shown = new Map(before.map((figure) => [place(figure), figure.value]));
    const later = await everything(YEAR, codes);
    expect(later.some(({ yearBefore }) => yearBefore !== null)).toBe(true);
    for (const figure of later) expect(figure.yearBefore, place(figure)).toBe(shown.get(place(figure)) ?? null);
  });
});
