/**
 * Makes an edition: from the figures as they are (`figure_exact`) those that everybody may read (`figure`), with what is small, and what it could
 * be worked out from, left out. What is withheld is not in the table: no way of reading it gives it. An edition is of whole quarters, each of
 * which is protected by itself, so that the next edition changes nothing of it: what was withheld is not to be had from two editions either.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { inTransaction } from '../db/owner.ts';
import { BREAKDOWNS, breakdownCode } from '../modules/outcome/breakdowns.ts';
import { continueTrajectories } from './continuing.ts';
import { type Counted, INDICATORS, isOfSeveral } from './count.ts';
import { FACTS } from './facts.ts';
import {
  type Counts,
  monthCell,
  type Pattern,
  protectPair,
  protectRows,
  protectStock,
  protectTotals,
  type Rule,
  rest,
  shown,
} from './protect.ts';

type Exact = {
  id: string;
  breakdown: string;
  grain: 'MONTH' | 'QUARTER' | 'YEAR';
  starts: string;
  first: string;
  second: string;
  numerator: number;
  denominator: number | null;
  /** People behind each layer, or behind all of them; null where people are counted. */
  behind: number[] | null;
  /** False: nobody reported anything of its period. */
  reported?: boolean;
};

/** Withheld figures, by their ids. */
type Withheld = Set<string>;

type Published = Rule & { code: string; decimals: number };

const RULE = `select code, marker, lowest, highest, cover, round_to as "roundTo", decimals from fsp.suppression_rule where chosen`;

const EXACT = `
  select id::text as id, breakdown, grain, starts::text as starts, first, second, coalesce(numerator, 0)::float8 as numerator,
    denominator::float8 as denominator, behind, numerator is not null as reported
  from fsp.figure_exact where indicator = $1 and starts >= $2 and starts < $3 and starts + case grain when 'MONTH' then interval '1 month'
    when 'QUARTER' then interval '3 months' else interval '1 year' end <= $4::date + 1`;

const PUBLISH = `
  insert into fsp.figure (id, indicator, breakdown, grain, starts, first, second, numerator, denominator, value, marker, edition)
  select x.id, x.indicator, x.breakdown, x.grain, x.starts, x.first, x.second, r.num, r.den, r.value, r.marker, $2
  from jsonb_to_recordset($1::jsonb) as r (id bigint, num numeric, den numeric, value numeric, marker text) join fsp.figure_exact x on x.id = r.id`;

/**
 * Whether a breakdown is for analysts alone. So is all but the district of what an agency reports of families and persons: it knows each of its own
 * lines, and by counts that it chose it could work out of a sum whose they are, of people of whom it is not to know with whom they work.
 */
const isExactOnly = ({ observed_by }: Counted, { dimensions, exactOnly }: (typeof BREAKDOWNS)[number]): boolean =>
  exactOnly === true || ((observed_by === 'PERSON' || observed_by === 'FAMILY') && !['', 'DISTRICT'].includes(breakdownCode(dimensions)));

const placeOf = ({ breakdown, grain, starts, first, second }: Exact) => [breakdown, grain, starts, first, second].join(' ');

/** The month of a year that begins in April, 0 to 11. */
const monthIn = (starts: string) => (Number(starts.slice(5, 7)) + 8) % 12;

/** The figures that stand for a case: those it is true of and the rest; or how many there are and their sum. */
const layersOf = ({ kind }: Counted, { numerator, denominator }: Pick<Exact, 'numerator' | 'denominator'>): number[] =>
  kind === 'PROPORTION' ? [numerator, (denominator ?? 0) - numerator] : kind === 'MEAN' ? [denominator ?? 0, numerator] : [numerator];

/** One category of a breakdown over a year. */
function countsOf(indicator: Counted, figures: Exact[], months = 12): Counts {
  const at = (grain: Exact['grain'], place: (figure: Exact) => number, length: number) => {
    const found = Array.from({ length }, (): Exact | undefined => undefined);
    for (const figure of figures) if (figure.grain === grain) found[place(figure)] = figure;
    return found;
  };
  const quarters = at('QUARTER', ({ starts }) => monthIn(starts) / 3, 4);
  const [year] = at('YEAR', () => 0, 1);
  // Of what is reported by the quarter the quarter is its last month; of the year, the last.
  const byMonth =
    indicator.grain === 'MONTH'
      ? at('MONTH', ({ starts }) => monthIn(starts), months)
      : Array.from({ length: months }, (_, month) =>
          indicator.grain === 'QUARTER' ? (month % 3 === 2 ? quarters[(month - 2) / 3] : undefined) : month === 11 ? year : undefined,
        );
  const layers = layersOf(indicator, { numerator: 0, denominator: 0 }).map((_, layer) =>
    byMonth.map((figure) => (figure ? (layersOf(indicator, figure)[layer] as number) : 0)),
  );
  const byQuarter = indicator.grain === 'YEAR' ? [undefined, undefined, undefined, year] : quarters;
  return { layers, units: unitsOf(indicator, byMonth, byQuarter, year) };
}

/** How many people are behind each layer of the figures of a year. */
function unitsOf(
  indicator: Counted,
  months: (Exact | undefined)[],
  quarters: (Exact | undefined)[],
  year: Exact | undefined,
): Counts['units'] {
  if (!isOfSeveral(indicator)) return null;
  const layers = Math.max(1, ...[...months, ...quarters, year].map((figure) => figure?.behind?.length ?? 0));
  return Array.from({ length: layers }, (_, layer) => {
    const people = (figure: Exact | undefined) => figure?.behind?.[layer] ?? 0;
    return { months: months.map(people), quarters: quarters.map(people), year: people(year) };
  });
}

const NOTHING_SHOWN: Pattern = { months: [], quarters: [], year: true };

const isWithheld = (pattern: Pattern, { grain, starts }: Exact): boolean =>
  (grain === 'MONTH' ? pattern.months[monthIn(starts)] : grain === 'QUARTER' ? pattern.quarters[monthIn(starts) / 3] : pattern.year) ??
  true;

function groupBy<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) found.set(key(row), [...(found.get(key(row)) ?? []), row]);
  return found;
}

/**
 * Which figures of one indicator and year are withheld.
 *
 * @param order of the categories that cover for others: one that nobody knows and that stays the same.
 */
export function withheldOf(indicator: Counted, exact: Exact[], rule: Rule, order: (code: string) => string): Withheld {
  const withheld: Withheld = new Set();
  const by = groupBy(exact, ({ breakdown }) => breakdown);
  const whole = by.get('') ?? [];
  const months = Math.max(1, ...whole.filter(({ grain }) => grain === 'MONTH').map(({ starts }) => monthIn(starts) + 1));
  const isStock = indicator.stock && indicator.grain === 'MONTH';
  const total = countsOf(indicator, whole, isStock ? months : 12);
  const totals = isStock ? protectStock({ rows: [], total, partition: true }, rule).totals : protectTotals(total, rule, 'QUARTER');
  const hide = (figures: Exact[], pattern: Pattern) => {
    for (const figure of figures) if (isWithheld(pattern, figure)) withheld.add(figure.id);
  };
  hide(whole, totals);
  /** Categories of one dimension that are withheld for the year as a whole. */
  const years = new Map<string, Set<string>>();
  for (const fixed of BREAKDOWNS) {
    const { dimensions, grains, partition } = fixed;
    const code = breakdownCode(dimensions);
    const figures = by.get(code);
    if (dimensions.length !== 1 || !figures) continue;
    if (isExactOnly(indicator, fixed)) {
      hide(figures, NOTHING_SHOWN);
      continue;
    }
    const rows = [...groupBy(figures, ({ first }) => first)].sort((a, b) => (order(a[0]) < order(b[0]) ? -1 : 1));
    const byYear = grains.length === 1;
    const sheet = byYear
      ? { total: yearAlone(indicator, whole), rows: rows.map(([name, of]) => ({ code: name, ...yearAlone(indicator, of) })), partition }
      : { total, rows: rows.map(([name, of]) => ({ code: name, ...countsOf(indicator, of, isStock ? months : 12) })), partition };
    // Where the year is withheld because of a quarter, what adds up to it would give that quarter away.
    const patterns =
      byYear && totals.year ? null : byYear || isStock ? protectStock(sheet, rule).rows : protectRows(sheet, totals, rule, 'QUARTER');
    for (const [name, of] of rows) hide(of, patterns?.get(name) ?? NOTHING_SHOWN);
    years.set(code, new Set(rows.flatMap(([name]) => ((patterns?.get(name) ?? NOTHING_SHOWN).year ? [name] : []))));
  }
  for (const fixed of BREAKDOWNS) {
    const { dimensions, partition } = fixed;
    const figures = by.get(breakdownCode(dimensions));
    if (dimensions.length !== 2 || !figures) continue;
    if (isExactOnly(indicator, fixed)) {
      hide(figures, NOTHING_SHOWN);
      continue;
    }
    const [rows, columns] = dimensions.map((name) => [
      ...new Set(figures.map((one) => (name === dimensions[0] ? one.first : one.second))),
    ]) as [string[], string[]];
    rows.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    const [hiddenRows, hiddenColumns] = dimensions.map((name) => years.get(name) ?? new Set<string>()) as [Set<string>, Set<string>];
    const countsAt = (row: string, column: string): Counts =>
      yearAlone(
        indicator,
        figures.filter(({ first, second }) => first === row && second === column),
      );
    const closed = new Set([...rows.keys()].filter((at) => hiddenRows.has(rows[at] as string)));
    const ofRows = by.get(dimensions[0] as string) ?? [];
    const hideColumn = (column: string, hidden: boolean[] | null) => {
      for (const [at, row] of rows.entries()) {
        const figure = figures.find(({ first, second }) => first === row && second === column);
        if (figure && (hidden?.[at] ?? true)) withheld.add(figure.id);
      }
    };
    if (partition) {
      const shut = new Set([...columns.keys()].filter((at) => hiddenColumns.has(columns[at] as string)));
      const cells = rows.map((row) => columns.map((column) => monthCell(countsAt(row, column), 0)));
      const pair = protectPair(cells, closed, shut, rule);
      for (const [at, column] of columns.entries()) hideColumn(column, pair?.map((row) => row[at] as boolean) ?? null);
    } else {
      for (const column of columns) {
        const cells = rows.map((row) => {
          const cell = countsAt(row, column);
          const all = yearAlone(
            indicator,
            ofRows.filter(({ first }) => first === row),
          );
          return [cell, rest(all, cell)].map((counts) => monthCell(counts, 0));
        });
        const pair = protectPair(cells, closed, hiddenColumns.has(column) ? new Set([0, 1]) : new Set(), rule);
        hideColumn(column, pair?.map((row) => row[0] as boolean) ?? null);
      }
    }
  }
  return withheld;
}

/** A year as one period of its own. */
function yearAlone(indicator: Counted, figures: Exact[]): Counts {
  const year = figures.find(({ grain }) => grain === 'YEAR');
  return {
    layers: layersOf(indicator, year ?? { numerator: 0, denominator: 0 }).map((value) => [value]),
    units: unitsOf(indicator, [year], [], year),
  };
}

/** What is shown of a figure that is not withheld: worked out from what is shown. */
function shownOf({ kind, per }: Counted & { per: number | null }, { numerator, denominator, reported = true }: Exact, rule: Published) {
  if (!reported) return { num: null, den: null, value: null, marker: ':' };
  const [num, den] = [shown(numerator, rule), denominator === null ? null : kind === 'RATE' ? denominator : shown(denominator, rule)];
  const raw =
    kind === 'COUNT'
      ? num
      : den === null || den === 0
        ? null
        : kind === 'RATE'
          ? (num * (per ?? 1)) / den
          : kind === 'PROPORTION'
            ? (100 * num) / den
            : num / den;
  const value = raw === null ? null : kind === 'COUNT' ? raw : Number(raw.toFixed(rule.decimals));
  // Nothing to reckon: nobody was counted, or nobody says how many people there are.
  const marker = value !== null ? null : kind === 'RATE' ? ':' : 'z';
  return { num: marker ? null : num, den: marker ? null : den, value, marker };
}

/** Figures of the categories in which anything was counted by then: one that comes with a later day is not told of. */
function counted({ kind }: Counted, figures: Exact[]): Exact[] {
  const nameOf = ({ breakdown, first, second }: Exact) => [breakdown, first, second].join(' ');
  const there = new Set(
    figures.filter(({ numerator, denominator }) => numerator !== 0 || (kind !== 'RATE' && (denominator ?? 0) !== 0)).map(nameOf),
  );
  return figures.filter((figure) => figure.breakdown === '' || there.has(nameOf(figure)));
}

/** The key of the order in which categories cover for others: made once and kept, as another would show what this one withheld. */
async function orderKey(client: pg.Client): Promise<string> {
  await client.query('insert into fsp.figure_key (one, key) values (true, $1) on conflict (one) do nothing', [
    randomBytes(32).toString('hex'),
  ]);
  const { rows } = await client.query<{ key: string }>('select key from fsp.figure_key');
  return (rows[0] as { key: string }).key;
}

/** The last day of the quarter that was over before a day. */
export function quarterBefore(today: string): string {
  const day = new Date(`${today.slice(0, 7)}-01T00:00:00Z`);
  day.setUTCMonth(Math.floor(day.getUTCMonth() / 3) * 3, 0);
  return day.toISOString().slice(0, 10);
}

/** What an edition holds. */
export type Made = { edition: number; asAt: string; cells: number; withheld: number };

/**
 * Makes one, and puts it in the place of the last.
 *
 * @param client the database's owner.
 * @param asAt the last day of a quarter: what is later is not in it.
 * @param key of the order in which categories cover for others; without it the one that is kept.
 */
export async function publishEdition(client: pg.Client, asAt: string, key?: string): Promise<Made> {
  if (!/-(03-31|06-30|09-30|12-31)$/.test(asAt)) throw new RangeError(`${asAt} is not the last day of a quarter.`);
  const { rows: rules } = await client.query<Published>(RULE);
  const rule = rules[0];
  if (!rule) throw new Error('No rule of suppression is chosen: nothing may be shown.');
  const { rows: indicators } = await client.query<Counted>(INDICATORS);
  return inTransaction(client, async () => {
    const secret = key ?? (await orderKey(client));
    const { rows: made } = await client.query<{ id: string }>(
      'insert into fsp.figure_edition (as_at, rule, indicators, cells, withheld_cells) values ($1, $2, $3, 0, 0) returning id',
      [asAt, rule.code, indicators.length],
    );
    const edition = Number(made[0]?.id);
    await client.query('delete from fsp.figure');
    let cells = 0;
    let hidden = 0;
    for (const together of groupBy(indicators, ({ code }) => FACTS[code]?.cases ?? code).values()) {
      const ids = together.map(({ id }) => id);
      const { rows: years } = await client.query<{ year: string }>(
        `select distinct fsp.period_start('YEAR', starts)::text as year from fsp.figure_exact where indicator = any ($1) order by 1`,
        [ids],
      );
      for (const { year } of years) {
        const order = (code: string) => createHmac('sha256', secret).update(`figures ${together[0]?.code} ${year} ${code}`).digest('hex');
        const read: { indicator: Counted; exact: Exact[] }[] = [];
        for (const indicator of together)
          read.push({
            indicator,
            exact: counted(
              indicator,
              (await client.query<Exact>(EXACT, [indicator.id, year, `${Number(year.slice(0, 4)) + 1}-04-01`, asAt])).rows,
            ),
          });
        // More that is withheld gives away no more: what is of one is of all that count the same. Only the sum of a mean is its own, where
        // the cases are an indicator by themselves: what is withheld of that, all of them withhold, and so nothing of their cases is told.
        const isByItself = read.some(({ indicator }) => indicator.kind === 'COUNT');
        const own = read.map(({ indicator, exact }) => {
          const ids = withheldOf(indicator, exact, rule, order);
          return { indicator, places: exact.filter(({ id }) => ids.has(id)).map(placeOf) };
        });
        const flows = read.flatMap(({ exact }) => exact.filter(({ breakdown }) => breakdown === 'FLOW').map(placeOf));
        const isFlowClosed = own.some(({ places }) => places.some((place) => flows.includes(place)));
        for (const { indicator, exact } of read) {
          const withheld = new Set([
            ...(isFlowClosed ? flows : []),
            ...own.flatMap((other) =>
              other.indicator === indicator || !isByItself || other.indicator.kind !== 'MEAN' ? other.places : [],
            ),
          ]);
          const rows = exact.map((figure) => {
            const of =
              figure.reported !== false && withheld.has(placeOf(figure))
                ? { num: null, den: null, value: null, marker: rule.marker }
                : shownOf(indicator, figure, rule);
            return { id: figure.id, ...of };
          });
          await client.query(PUBLISH, [JSON.stringify(rows), edition]);
          cells += rows.length;
          hidden += rows.filter(({ marker }) => marker === rule.marker).length;
        }
      }
    }
    await client.query('update fsp.figure_edition set cells = $2, withheld_cells = $3 where id = $1', [edition, cells, hidden]);
    await client.query(
      'insert into fsp.figure_state (one, edition) values (true, $1) on conflict (one) do update set edition = excluded.edition',
      [edition],
    );
    await continueTrajectories(client);
    return { edition, asAt, cells, withheld: hidden };
  });
}
