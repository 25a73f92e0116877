/**
 * Counts the framework's figures anew, as they are, into `figure_exact`: an indicator's whole year at a time, in one statement, straight from the
 * record. Nothing is added to what was counted before, so that a figure is always what a recount gives.
 */
import type pg from 'pg';
import { inTransaction } from '../db/owner.ts';
import { BREAKDOWNS, breakdownCode, type FixedBreakdown } from '../modules/outcome/breakdowns.ts';
import { AGES, DIMENSIONS } from './dimensions.ts';
import { FACTS, observed, observedOfAreas } from './facts.ts';

/** What of an indicator decides how it is counted. */
export type Counted = {
  id: number;
  code: string;
  kind: 'COUNT' | 'RATE' | 'PROPORTION' | 'MEAN';
  stock: boolean;
  derived: boolean;
  counts: 'CHILD' | 'PARENT' | 'FAMILY' | 'EVENT' | 'ANSWER' | 'MEMBERSHIP';
  per: number | null;
  observed_by: 'PERSON' | 'FAMILY' | 'AREA' | null;
  grain: 'MONTH' | 'QUARTER' | 'YEAR';
};

export const INDICATORS = 'select id, code, kind, stock, derived, counts, per, observed_by, grain from fsp.outcome_indicator order by id';

/** The year, April to March, that a day is in: its first day. */
export const yearOf = (day: string): string => `${Number(day.slice(0, 4)) - (day.slice(5, 7) < '04' ? 1 : 0)}-04-01`;

const nextYear = (start: string): string => `${Number(start.slice(0, 4)) + 1}-04-01`;

/** The first day of the month that a day is in: what is before it is whole. */
const monthOf = (day: string): string => `${day.slice(0, 7)}-01`;

const LENGTHS = { MONTH: 1, QUARTER: 3, YEAR: 12 } as const;

const isOfPersons = ({ code, observed_by }: Counted) => observed_by === 'PERSON' || FACTS[code]?.persons === true;

/**
 * Whether people may be counted several times: sessions of one pupil, a family in each of its months. Then how many they are is kept beside it. What
 * stands on a day, and is not reported, counts each once; how many people are behind what is reported of an area its reporter says.
 */
export const isOfSeveral = ({ counts, stock, observed_by }: Counted): boolean =>
  counts === 'EVENT' || counts === 'ANSWER' || counts === 'MEMBERSHIP' || (observed_by === null ? !stock : observed_by !== 'AREA');

const isOfCohorts = ({ code }: Counted) => FACTS[code]?.gives?.includes('COHORT') === true;

/**
 * The breakdowns by which an indicator is counted, each with the periods that it has. Cohorts are paired with what no district is paired with
 * there: the concerns of both would say of each other what neither table does (`circles`).
 */
export function breakdownsOf(indicator: Counted): FixedBreakdown[] {
  const isThere = (name: string) => {
    const dimension = DIMENSIONS[name];
    if (!dimension) return false;
    if (dimension.given) return FACTS[indicator.code]?.gives?.includes(dimension.given) === true;
    return isOfPersons(indicator) || !dimension.ofPersons;
  };
  const fits = ({ dimensions }: FixedBreakdown) =>
    indicator.observed_by === 'AREA'
      ? ['', 'DISTRICT'].includes(breakdownCode(dimensions))
      : dimensions.every(isThere) && (dimensions.length < 2 || dimensions.includes('COHORT') === isOfCohorts(indicator));
  return BREAKDOWNS.filter(fits).map((one) => ({
    ...one,
    grains: one.grains.filter((grain) => LENGTHS[grain] >= LENGTHS[indicator.grain]),
  }));
}

/** The cases with their categories, each under the name of its dimension. */
function placed(indicator: Counted): string {
  if (indicator.observed_by === 'AREA') return `select f.*, f.area as "DISTRICT" from (${observedOfAreas(indicator)}) f`;
  const names = [...new Set(breakdownsOf(indicator).flatMap(({ dimensions }) => dimensions))];
  const columns = names.map((name) => `${DIMENSIONS[name]?.sql} as "${name}"`);
  const facts = indicator.derived ? FACTS[indicator.code]?.sql : observed(indicator);
  if (!facts) throw new Error(`Nothing says what the indicator ${indicator.code} counts.`);
  return `select ${['f.*', 'coalesce(f.person, f.family) as unit', ...columns].join(', ')} from (${facts}) f`;
}

/** The periods that a case counts in: what stands is counted at their end. */
function periodsOf({ stock, grain }: Counted): string {
  const of = (name: keyof typeof LENGTHS, ends: string) =>
    LENGTHS[name] < LENGTHS[grain] ? [] : [`('${name}', fsp.period_start('${name}', p.day), ${stock ? ends : 'true'})`];
  return [
    ...of('MONTH', 'true'),
    ...of('QUARTER', `extract(month from p.day) in (3, 6, 9, 12)`),
    ...of('YEAR', 'extract(month from p.day) = 3'),
  ].join(', ');
}

/**
 * SQL of how many people are behind a figure's layers, those who add to it, and not those of whom nought was counted: behind a part and behind its
 * rest, as either could be told of them; behind how many there are and behind their sum. What is reported of an area says it itself.
 */
function behind({ kind, counts, observed_by }: Counted): string {
  if (observed_by === 'AREA') return 'array[least(sum(c.units), 2147483647)::int]';
  const people = (who: string) => `count(distinct c.unit) filter (where ${who})::int`;
  if (kind === 'PROPORTION') return `array[${people('c.num <> 0')}, ${people('c.den <> c.num')}]`;
  // How many a cohort has is a figure by itself.
  if (kind === 'MEAN' && counts !== 'MEMBERSHIP') return `array[count(distinct c.unit)::int, ${people('c.num <> 0')}]`;
  return `array[${people('c.num <> 0')}]`;
}

/** The figures of one breakdown. */
function cells(indicator: Counted, { dimensions, grains }: FixedBreakdown): string {
  const category = (name: string, place: number) =>
    DIMENSIONS[name]?.many
      ? { value: `d${place}.value`, join: `cross join lateral unnest(c."${name}") d${place} (value)` }
      : { value: `c."${name}"`, join: '' };
  const [first, second] = dimensions.map(category);
  return `select '${breakdownCode(dimensions)}' as breakdown, c.grain, c.starts, ${first?.value ?? "''"} as first, ${second?.value ?? "''"} as second,
      sum(c.num) as num, sum(c.den) as den, ${behind(indicator)} as behind
    from cases c ${first?.join ?? ''} ${second?.join ?? ''} where c.grain in (${grains.map((grain) => `'${grain}'`).join(', ')}) group by 2, 3, 4, 5`;
}

/** SQL of the people that a rate is reckoned on, on a period's last day; null where nobody says how many there are. */
function baseOf(code: string): string | null {
  const [from, to] = [0, 1].map(
    (end) =>
      `case k.first ${Object.entries(AGES)
        .map(([band, ages]) => `when '${band}' then ${ages[end]}`)
        .join(' ')} end`,
  );
  const [of, ages, sex] =
    code === ''
      ? ['null', '0 and b.age_to = 17', 'null']
      : code === 'DISTRICT'
        ? ['k.first', '0 and b.age_to = 17', 'null']
        : code === 'AGE'
          ? ['null', `${from} and b.age_to = ${to}`, 'null']
          : code === 'SEX'
            ? ['null', '0 and b.age_to = 17', 'k.first']
            : code === 'DISTRICT+AGE'
              ? ['k.first', `${from?.replaceAll('k.first', 'k.second')} and b.age_to = ${to?.replaceAll('k.first', 'k.second')}`, 'null']
              : [null, null, null];
  if (of === null) return null;
  return `(select b.value from fsp.population b where b.area is not distinct from ${of} and b.age_from = ${ages} and b.sex is not distinct from ${sex}
    and b.valid_from < fsp.period_end(k.grain, k.starts) and (b.valid_to is null or b.valid_to >= fsp.period_end(k.grain, k.starts)))`;
}

/**
 * The statement that counts a year of an indicator. `$1`: its first day; `$2`: the day after the last that is counted, the first of a month.
 * A category that was counted once in the year has a figure in each of its periods, be it 0: what is not there would tell that it is 0. A period
 * of which nobody reported anything has none.
 */
export function countSql(indicator: Counted): string {
  const fixed = breakdownsOf(indicator);
  const shapes = fixed.flatMap(({ dimensions, grains }) => grains.map((grain) => `('${breakdownCode(dimensions)}', '${grain}')`));
  const bases = fixed.flatMap(({ dimensions }) => {
    const base = indicator.kind === 'RATE' ? baseOf(breakdownCode(dimensions)) : null;
    return base === null ? [] : [`when '${breakdownCode(dimensions)}' then ${base}`];
  });
  const base = bases.length > 0 ? `case k.breakdown ${bases.join(' ')} end` : 'null::numeric';
  const value = {
    COUNT: 'k.num',
    RATE: `k.num * ${indicator.per} / nullif(k.base, 0)`,
    PROPORTION: '100 * k.num / nullif(k.den, 0)',
    MEAN: 'k.num / nullif(k.den, 0)',
  }[indicator.kind];
  const denominator = { COUNT: 'null', RATE: 'k.base', PROPORTION: 'k.den', MEAN: 'k.den' }[indicator.kind];
  return `with placed as materialized (${placed(indicator)}),
    cases as materialized (select p.*, g.grain, g.starts from placed p
      cross join lateral (values ${periodsOf(indicator)}) g (grain, starts, counts) where g.counts),
    counted as materialized (${fixed.map((one) => cells(indicator, one)).join('\n union all ')}),
    periods as (select g.grain, s.starts::date as starts from (values ('MONTH', interval '1 month'), ('QUARTER', interval '3 months'), ('YEAR', interval '1 year')) g (grain, length)
      cross join lateral generate_series($1::date, $2::date - g.length, g.length) s (starts)),
    categories as (select '' as breakdown, '' as first, '' as second union select breakdown, first, second from counted
      union select e.breakdown, e.first, e.second from fsp.figure_exact e
        where e.indicator = ${indicator.id} and e.starts >= $1 and e.starts < $2),
    kept as (select c.breakdown, p.grain, p.starts, c.first, c.second, ${indicator.derived ? 'coalesce(n.num, 0)' : 'case when w.num is not null then coalesce(n.num, 0) end'} as num, coalesce(n.den, 0) as den, coalesce(n.behind, '{0}') as behind
      from categories c join (values ${shapes.join(', ')}) shape (breakdown, grain) on shape.breakdown = c.breakdown
      join periods p on p.grain = shape.grain
      left join counted n on n.breakdown = c.breakdown and n.grain = p.grain and n.starts = p.starts and n.first = c.first and n.second = c.second
      left join counted w on w.breakdown = '' and w.grain = p.grain and w.starts = p.starts),
    based as (select k.*, ${base} as base from kept k)
    insert into fsp.figure_exact as x (indicator, breakdown, grain, starts, first, second, numerator, denominator, behind, units, value)
      select ${indicator.id}, k.breakdown, k.grain, k.starts, k.first, k.second, k.num, ${denominator}, ${isOfSeveral(indicator) ? 'k.behind, (select coalesce(min(nullif(b, 0)), 0) from unnest(k.behind) b)' : 'null, null'}, ${value} from based k
    on conflict (indicator, breakdown, grain, starts, first, second) do update
      set numerator = excluded.numerator, denominator = excluded.denominator, behind = excluded.behind, units = excluded.units, value = excluded.value, counted_at = now()`;
}

/** What was counted: years of indicators, and figures. */
export type Done = { years: number; figures: number };

/**
 * Counts anew.
 *
 * @param client the database's owner.
 * @param today months that are not over by then have no figures yet.
 * @param since counts all from the year of this day on, and cohorts and steps from the first cohort on; null: what was reported or corrected since the last time, and, where it is worked out
 *   from the record, every year that was counted before, and the last two: any row of it may have been corrected.
 * @param reported only what was reported or corrected.
 * @throws AggregateError of the indicators that could not be counted, when all others have been.
 */
export async function countFigures(
  client: pg.Client,
  today: string,
  { since = null, reported = false }: { since?: string | null; reported?: boolean } = {},
): Promise<Done> {
  const until = monthOf(today);
  const { rows: indicators } = await client.query<Counted>(INDICATORS);
  const { rows: state } = await client.query<{ now: Date }>('select now() as now');
  const { rows: dirty } = await client.query<{ id: number; indicator: number; month: string }>(
    'select id, indicator, month::text as month from fsp.figure_dirty order by id',
  );
  const done: Done = { years: 0, figures: 0 };
  const failed = new Map<number, Error>();
  const { rows: counted } = await client.query<{ indicator: number; year: string }>(
    `select distinct indicator, fsp.period_start('YEAR', starts)::text as year from fsp.figure_exact`,
  );
  const { rows: cohorts } = await client.query<{ first: string | null }>(
    `select min(entered_from)::text as first from fsp.cohort where status <> 'to-set'`,
  );
  const latest = [yearOf(`${Number(until.slice(0, 4)) - 1}${until.slice(4)}`), yearOf(until)];
  const all = (first: string): string[] => (first > until ? [] : [first, ...all(nextYear(first))]);
  for (const indicator of indicators) {
    const touched = dirty.filter((one) => one.indicator === indicator.id).map(({ month }) => yearOf(month));
    const standing = [...counted.filter((one) => one.indicator === indicator.id).map(({ year }) => year), ...latest];
    // Cohorts, and the steps that they took, are compared with those who came before: all of them, or none.
    const first = FACTS[indicator.code]?.gives ? cohorts[0]?.first : null;
    const from = since !== null && first && first < since ? first : since;
    const years = from === null ? [...touched, ...(indicator.derived && !reported ? standing : [])] : [...touched, ...all(yearOf(from))];
    const sql = countSql(indicator);
    try {
      for (const year of [...new Set(years)].sort()) {
        if (year >= until) continue;
        const end = nextYear(year) < until ? nextYear(year) : until;
        const parameters = [year, end, ...(indicator.derived ? [] : [indicator.id])];
        const { rowCount } = await client.query(sql, parameters);
        done.years++;
        done.figures += rowCount ?? 0;
      }
    } catch (cause) {
      failed.set(indicator.id, new Error(`${indicator.code} could not be counted: ${(cause as Error).message}`, { cause }));
    }
  }
  await inTransaction(client, async () => {
    // What came meanwhile stays, what is of a month that is not over, and what could not be counted: for the next time.
    await client.query('delete from fsp.figure_dirty where id = any ($1)', [
      dirty.filter(({ month, indicator }) => month < until && !failed.has(indicator)).map(({ id }) => id),
    ]);
    await client.query(
      `insert into fsp.figure_state (one, counted_at, waiting_since) select true, $1::timestamptz, case when exists (select from fsp.figure_dirty) then $1::timestamptz end
       on conflict (one) do update set counted_at = excluded.counted_at, waiting_since = excluded.waiting_since`,
      [state[0]?.now],
    );
  });
  if (failed.size > 0)
    throw new AggregateError(failed.values(), `${[...failed.values()].map(({ message }) => message).join('; ')}; all others were counted.`);
  return done;
}
