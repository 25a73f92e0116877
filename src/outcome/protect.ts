/**
 * Disclosure control of figures about people: which cells of a fixed set of tables are withheld, so that no small number is
 * shown and none can be got by subtraction. Pure: counts in, patterns out; it reads nothing and knows no reader.
 *
 * Rules (Department for Education, children in need statistics: 1 to 5 withheld, zero shown, with secondary suppression;
 * NHS England, HES and ECDS: 1 to 7 withheld, the rest rounded to 5) are data. Both are covered here: rounding alone leaves
 * `total 33 → 35, other 26 → 25` a hidden 7 within 6 and 14.
 *
 * What is promised, of linear bounds over everything that is shown: a withheld count of 1 to `highest` could as well be 1, or
 * 0, and as well be `highest`, or more; no withheld count is fixed, but where a shown 0 fixes it at 0.
 *
 * Why it holds. Time is a tree: a year, its quarters, their months. Of each table (rows by the parts of a period) the same
 * rows show nothing of any part, so what is left open is a two-way table of known margins, and for those Fréchet's bounds are
 * exact: a cell lies between `row + column − all` and the lesser of row and column. Each is looked at. A finer table never
 * narrows a coarser one, as every two-way table of these margins can be filled. Two breakdowns meet in their totals alone.
 * So the breakdowns that are published may not run in a circle (`circles`).
 *
 * Which row covers for another goes by the order they are given in, never by their figures. Who knew that order would learn
 * from the choice (of 20, 5 and 5 the first is shown, though it would have covered: so both others are small). Give them in
 * one that nobody knows and that stays the same: by a keyed hash of the indicator, the year and the code. Of the parts of a
 * period there is no choice: all of them are withheld, or none.
 */

/** `lowest`..`highest` are small; `cover`: withhold others, too, so that nothing is got by subtraction; `roundTo`: of what is shown. */
export type Rule = { lowest: number; highest: number; cover: boolean; roundTo: number | null; marker: string };

/** How many people are behind a figure's layer, each counted once, where the figure counts something else: events, sessions. */
export type Units = { months: number[]; quarters: number[]; year: number };

/**
 * Figures that are shown and withheld together, by month: `layers[layer][month]`, none below 0. A count or a rate has one
 * layer. A proportion has two: those it is true of, and the rest. So has a mean: how many, and their sum, as the mean times
 * the number gives the sum away.
 *
 * `units`: of each layer, as few may be behind either; or one for all of them; null where the figure counts people.
 */
export type Counts = { layers: number[][]; units: Units[] | null };

/**
 * `partition`: each is counted in one row; else each row stands beside all others of the total, and none is part of another or
 * the sum of some: who is given `drink` and `drink and violence` has `drink without violence`.
 */
export type Sheet = { rows: (Counts & { code: string })[]; total: Counts; partition: boolean };

/**
 * What is kept where not all can be shown. YEAR: the year, then its quarters, then their months; published whole, after the
 * year's end, as its last month may say what its first may show. QUARTER: each quarter by itself, published as it ends; a year
 * is withheld where one of its quarters is, and as each of those is 1 or more, it is known to be as many as they are. Which of
 * the two it is, a breakdown keeps for good: both together say more than each.
 */
export type First = 'YEAR' | 'QUARTER';

/** True: withheld. */
export type Pattern = { months: boolean[]; quarters: boolean[]; year: boolean };

/** One figure: its layers, and the people behind it (Infinity where the figure counts people). */
export type Cell = { layers: number[]; units: number };

/** Sums of fractions are as good as nothing below this. */
const NOTHING = 1e-9;
const QUARTERS = [0, 1, 2, 3];
const QUARTER_ENDS = [2, 5, 8, 11];
const EVERYTHING: Pattern = { months: Array(12).fill(true), quarters: Array(4).fill(true), year: true };

const monthsOf = (quarter: number) => [0, 1, 2].map((month) => quarter * 3 + month);
const isZero = (cell: Cell) => cell.layers.every((value) => value < NOTHING);
const isSmallCount = (value: number, rule: Rule) => value > Math.max(rule.lowest - 1, NOTHING) && value <= rule.highest;
const isSmall = (cell: Cell, rule: Rule) =>
  cell.layers.some((value) => isSmallCount(value, rule)) || (cell.units <= rule.highest && !isZero(cell));

const add = (cells: Cell[], units: number): Cell => ({
  layers: (cells[0]?.layers ?? []).map((_, layer) => cells.reduce((sum, cell) => sum + (cell.layers[layer] ?? 0), 0)),
  units,
});
/** Several periods of one row: they may be the same people each time. */
const overTime = (cells: Cell[]) => add(cells, Math.max(...cells.map(({ units }) => units)));
/** Several rows of one period: they are others. */
const overRows = (cells: Cell[]) =>
  add(
    cells,
    cells.reduce((sum, { units }) => sum + units, 0),
  );

/** The fewest that are behind any layer that is not 0. */
function unitsOf({ units }: Counts, layers: number[], at: (units: Units) => number | undefined): number {
  if (units === null) return Infinity;
  const behind = units.filter((_, layer) => units.length === 1 || (layers[layer] ?? 0) > NOTHING).map((each) => at(each) ?? Infinity);
  return behind.length > 0 ? Math.min(...behind) : 0;
}
/** One month of a row or a total. */
export function monthCell(counts: Counts, month: number): Cell {
  const layers = counts.layers.map((layer) => layer[month] ?? 0);
  return { layers, units: unitsOf(counts, layers, ({ months }) => months[month]) };
}
function quarterCell(counts: Counts, quarter: number): Cell {
  const { layers } = overTime(monthsOf(quarter).map((month) => monthCell(counts, month)));
  return { layers, units: unitsOf(counts, layers, ({ quarters }) => quarters[quarter]) };
}
function yearCell(counts: Counts): Cell {
  const { layers } = overTime(QUARTERS.map((quarter) => quarterCell(counts, quarter)));
  return { layers, units: unitsOf(counts, layers, ({ year }) => year) };
}
/**
 * Which rows of a shown sum are withheld. A row of 0 is shown while any is, so each withheld one is 1 or more: of a sum of
 * `highest` plus their number, any of them may be anything from 1 to more than `highest`.
 *
 * @param held indexes that are withheld in any case.
 */
function line(parts: Cell[], rule: Rule, held: Iterable<number> = []): boolean[] {
  const withheld = new Set([...held, ...[...parts.keys()].filter((index) => isSmall(parts[index] as Cell, rule))]);
  const others = [...parts.keys()].filter((index) => !withheld.has(index) && !isZero(parts[index] as Cell));
  const isEnough = () => {
    const cells = [...withheld].map((index) => parts[index] as Cell);
    const all = overRows(cells);
    return (
      cells.length > 1 && all.units > rule.highest && all.layers.every((value) => value < NOTHING || value >= rule.highest + cells.length)
    );
  };
  while (rule.cover && withheld.size > 0 && !isEnough()) {
    const next = others.shift();
    if (next === undefined) return parts.map(() => true);
    withheld.add(next);
  }
  return parts.map((_, index) => withheld.has(index));
}

/** Withholds what is small, each figure for itself: where `cover` is off. */
const bare = (counts: Counts, rule: Rule): Pattern => ({
  months: (counts.layers[0] ?? []).map((_, month) => isSmall(monthCell(counts, month), rule)),
  quarters: QUARTERS.map((quarter) => isSmall(quarterCell(counts, quarter), rule)),
  year: isSmall(yearCell(counts), rule),
});

/**
 * What of an indicator's own totals is withheld: asked first, and once for all breakdowns.
 *
 * @param total twelve months, April to March, that add up to quarters and to the year.
 */
export function protectTotals(total: Counts, rule: Rule, first: First = 'YEAR'): Pattern {
  if (!rule.cover) return bare(total, rule);
  const isAnySmall = (cells: Cell[]) => cells.some((cell) => isSmall(cell, rule));
  const cells = QUARTERS.map((quarter) => quarterCell(total, quarter));
  const isYearSmall = isSmall(yearCell(total), rule);
  const quarters = cells.map((cell) => (first === 'QUARTER' ? isSmall(cell, rule) : isYearSmall || isAnySmall(cells)));
  const months = QUARTERS.flatMap((quarter) => {
    const inside = monthsOf(quarter).map((month) => monthCell(total, month));
    return inside.map(() => quarters[quarter] || isAnySmall(inside));
  });
  return { months, quarters, year: first === 'QUARTER' ? quarters.includes(true) : isYearSmall };
}

/**
 * What of the rows of a breakdown is withheld, by code.
 *
 * @param totals what `protectTotals` said of the total, by the same `first`: rows show nothing of a period where it does not.
 */
export function protectRows(sheet: Sheet, totals: Pattern, rule: Rule, first: First = 'YEAR'): Map<string, Pattern> {
  const { rows, total } = sheet;
  const protect = first === 'YEAR' ? byYear : byQuarter;
  if (!rule.cover) return new Map(rows.map((row) => [row.code, bare(row, rule)]));
  if (sheet.partition) {
    const patterns = protect(rows, totals, rule);
    return new Map(rows.map((row, index) => [row.code, patterns[index] as Pattern]));
  }
  // Whoever knows the total and a row knows all the others of it.
  return new Map(rows.map((row) => [row.code, protect([row, rest(total, row)], totals, rule)[0] as Pattern]));
}

/**
 * The same of figures that do not add up over time: a stock at the end of each month, or one period alone. A quarter shows its
 * last month, a year its last one.
 *
 * @param sheet with any number of months.
 */
export function protectStock(sheet: Sheet, rule: Rule): { totals: Pattern; rows: Map<string, Pattern> } {
  const { rows, total } = sheet;
  const months = [...(total.layers[0] ?? []).keys()];
  const pattern = (withheld: boolean[]): Pattern => ({
    months: withheld,
    quarters: QUARTER_ENDS.filter((month) => month < withheld.length).map((month) => withheld[month] as boolean),
    year: withheld.at(-1) ?? false,
  });
  const totals = months.map((month) => isSmall(monthCell(total, month), rule));
  const at = (parts: Counts[], month: number) => {
    const cells = parts.map((part) => monthCell(part, month));
    if (!rule.cover) return cells.map((cell) => isSmall(cell, rule));
    return totals[month] ? cells.map(() => true) : line(cells, rule);
  };
  const shared = months.map((month) => (sheet.partition ? at(rows, month) : []));
  const of = (row: Counts, index: number) =>
    months.map((month) => (sheet.partition ? shared[month]?.[index] : at([row, rest(total, row)], month)[0]) ?? true);
  return { totals: pattern(totals), rows: new Map(rows.map((row, index) => [row.code, pattern(of(row, index))])) };
}

/**
 * What of a pair of breakdowns is withheld, for one period; of a second one that is no partition, ask for each of its rows and
 * the rest.
 *
 * @param cells by row and column, of all rows and columns: the margins are their sums.
 * @param rowsWithheld rows that are withheld at this period on their own; so are columns.
 * @returns true: withheld; null where the pair cannot be shown at all.
 */
export function protectPair(cells: Cell[][], rowsWithheld: Set<number>, columnsWithheld: Set<number>, rule: Rule): boolean[][] | null {
  if (!rule.cover) return cells.map((row) => row.map((cell) => isSmall(cell, rule)));
  const turn = <T>(table: T[][]): T[][] => (table[0] ?? []).map((_, column) => table.map((row) => row[column] as T));
  const count = (table: boolean[][]) => table.flat().filter((withheld) => withheld).length;
  const byRow = hideRows(cells, rowsWithheld, columnsWithheld, rule);
  const byColumn = hideRows(turn(cells), columnsWithheld, rowsWithheld, rule);
  if (byRow === null || byColumn === null) return byRow ?? (byColumn && turn(byColumn));
  return count(byColumn) < count(byRow) ? turn(byColumn) : byRow;
}

/** Hides whole rows of a pair. */
function hideRows(cells: Cell[][], rowsWithheld: Set<number>, columnsWithheld: Set<number>, rule: Rule): boolean[][] | null {
  const columns = [...(cells[0] ?? []).keys()];
  // Of these an outsider knows the sums: of each column that is shown, and of all that are withheld together.
  const together = columns.filter((column) => columnsWithheld.has(column));
  const apart = columns.filter((column) => !columnsWithheld.has(column)).map((column) => [column]);
  const parts = together.length > 0 ? [...apart, together] : apart;
  const table = cells.map((row) => parts.map((part) => overRows(part.map((column) => row[column] as Cell))));
  const block = blockOf(table, rowsWithheld, new Set(), () => 0, rule);
  if (block.exposed.length > 0) return null;
  const isHidden = (row: number, column: number) => {
    const part = parts.findIndex((members) => members.includes(column));
    return !block.isNothing(row, part) && (block.hidden.has(row) || columnsWithheld.has(column));
  };
  return cells.map((_, row) => columns.map((column) => isHidden(row, column)));
}

/** A figure as it is shown: rounded where the rule rounds. Rates, percentages and means are worked out from what is shown. */
export const shown = (value: number, { roundTo }: Rule): number => (roundTo === null ? value : Math.round(value / roundTo) * roundTo);

/**
 * Breakdowns whose figures together say more than each of them. Figures of districts by month, ages by month and districts by
 * age bound each other in ways that no look at each table finds; so what is published by the parts of a year, and in pairs,
 * may not run in a circle: the second of a pair is published by whole years.
 *
 * @returns the codes of those that close a circle.
 */
export function circles(breakdowns: { code: string; dimensions: string[]; grains: string[] }[]): string[] {
  const root = new Map<string, string>();
  const find = (name: string): string => {
    const up = root.get(name);
    return up === undefined ? name : find(up);
  };
  return breakdowns.flatMap(({ code, dimensions, grains }) => {
    const isByPart = grains.some((grain) => grain === 'MONTH' || grain === 'QUARTER');
    const ends = [...(isByPart ? ['time'] : []), ...dimensions].map(find);
    if (new Set(ends).size < ends.length) return [code];
    for (const end of ends.slice(1)) root.set(end, ends[0] as string);
    return [];
  });
}

/** All of a total that is not in a row. */
export function rest(total: Counts, row: Counts): Counts {
  const less = (from: number[], part: number[]) => from.map((value, index) => value - (part[index] ?? 0));
  const layers = total.layers.map((layer, index) => less(layer, row.layers[index] ?? []));
  if (layers.flat().some((value) => value < -NOTHING)) throw new RangeError('a row counts more than its total');
  // Somebody may be in both: at least so many are in the rest alone.
  const fewest = (from: number[], part: number[]) => less(from, part).map((value) => Math.max(0, value));
  return {
    layers: layers.map((layer) => layer.map((value) => Math.max(0, value))),
    units:
      total.units?.map((of, layer) => {
        const part = row.units?.[layer];
        return {
          months: fewest(of.months, part?.months ?? []),
          quarters: fewest(of.quarters, part?.quarters ?? []),
          year: Math.max(0, of.year - (part?.year ?? 0)),
        };
      }) ?? null,
  };
}

function byYear(rows: Counts[], totals: Pattern, rule: Rule): Pattern[] {
  if (totals.year) return rows.map(() => EVERYTHING);
  const years = rows.map(yearCell);
  const quarters = rows.map((row) => QUARTERS.map((quarter) => quarterCell(row, quarter)));
  const months = QUARTERS.map((quarter) => rows.map((row) => monthsOf(quarter).map((month) => monthCell(row, month))));

  // Rows that show no year, and those that show no quarters. They only grow, so it ends.
  let closed = new Set<number>();
  const shut = new Set<number>();
  for (;;) {
    const held = line(years, rule, closed);
    closed = new Set([...rows.keys()].filter((row) => held[row]));
    const outer = totals.quarters[0] ? null : blockOf(quarters, closed, shut, () => 0, rule);
    for (const row of outer?.hidden ?? []) shut.add(row);
    const inner = months.map((cells, quarter) => {
      const least = (row: number, layer: number) => (closed.has(row) ? 0 : (outer?.least(row, quarter, layer) ?? 0));
      return totals.months[quarter * 3] ? null : blockOf(cells, shut, new Set(), least, rule);
    });
    const exposed = [outer, ...inner].flatMap((block) => block?.exposed ?? []);
    if (exposed.length === 0) return rows.map((_, row) => patternOf(row, outer, inner));
    for (const row of exposed) (shut.has(row) ? closed : shut).add(row);
  }

  /** What is 0 by what is shown, is shown as 0. */
  function patternOf(row: number, outer: Block | null, inner: (Block | null)[]): Pattern {
    const isNothing = (quarter: number) => (isZero(years[row] as Cell) && !closed.has(row)) || (outer?.isNothing(row, quarter) ?? false);
    const isHidden = (quarter: number, month: number) => {
      const block = inner[quarter];
      return block ? block.hidden.has(row) && !block.isNothing(row, month) : true;
    };
    return {
      months: QUARTERS.flatMap((quarter) => [0, 1, 2].map((month) => !isNothing(quarter) && isHidden(quarter, month))),
      quarters: QUARTERS.map((quarter) => !isNothing(quarter) && (outer === null || shut.has(row))),
      year: closed.has(row),
    };
  }
}

function byQuarter(rows: Counts[], totals: Pattern, rule: Rule): Pattern[] {
  const quarters = QUARTERS.map((quarter) => {
    if (totals.quarters[quarter]) return rows.map(() => [true, true, true, true]);
    const sums = rows.map((row) => quarterCell(row, quarter));
    const cells = rows.map((row) => monthsOf(quarter).map((month) => monthCell(row, month)));
    let closed = new Set<number>();
    for (;;) {
      const held = line(sums, rule, closed);
      closed = new Set([...rows.keys()].filter((row) => held[row]));
      const block = totals.months[quarter * 3] ? null : blockOf(cells, closed, new Set(), () => 0, rule);
      if (!block || block.exposed.length === 0) {
        const isHidden = (row: number, month: number) => (block ? block.hidden.has(row) && !block.isNothing(row, month) : true);
        const isNothing = (row: number) => isZero(sums[row] as Cell) && !closed.has(row);
        return rows.map((_, row) => [closed.has(row), ...[0, 1, 2].map((month) => !isNothing(row) && isHidden(row, month))]);
      }
      for (const row of block.exposed) closed.add(row);
    }
  });
  return rows.map((_, row) => {
    const own = quarters.map((each) => each[row] as boolean[]);
    return {
      months: own.flatMap(([, ...months]) => months),
      quarters: own.map(([quarter]) => quarter as boolean),
      year: own.some(([quarter]) => quarter),
    };
  });
}

type Block = {
  /** Rows that show nothing of any column. */
  hidden: Set<number>;
  /** Rows that would be given away, were their sums shown. */
  exposed: number[];
  /** What an outsider knows a hidden cell to be at least. */
  least(row: number, column: number, layer: number): number;
  /** A cell that is 0 by what is shown. */
  isNothing(row: number, column: number): boolean;
};

/**
 * A table of which all rows' and columns' sums are known, but those of the rows in `closed`: which rows have to be hidden.
 *
 * @param forced rows that are hidden in any case.
 * @param floor what an outsider knows the sum of a closed row to be at least.
 */
function blockOf(
  table: Cell[][],
  closed: ReadonlySet<number>,
  forced: ReadonlySet<number>,
  floor: (row: number, layer: number) => number,
  rule: Rule,
): Block {
  const cell = (row: number, column: number) => table[row]?.[column] as Cell;
  const columns = [...(table[0] ?? []).keys()];
  const sums = table.map(overTime);
  const filled = [...table.keys()].filter((row) => !isZero(sums[row] as Cell));
  const hidden = new Set([...closed, ...forced, ...filled.filter((row) => table[row]?.some((each) => isSmall(each, rule)))]);
  const others = filled.filter((row) => !hidden.has(row));
  const columnOf = (column: number) => overRows([...hidden].map((row) => cell(row, column)));
  const isCovered = () =>
    (filled.filter((row) => hidden.has(row)).length > 1 || filled.every((row) => !hidden.has(row) || closed.has(row))) &&
    columns.every((column) => !isSmall(columnOf(column), rule));
  while (!isCovered()) {
    const next = others.shift();
    if (next === undefined) break;
    hidden.add(next);
  }

  const sumOf = columns.map(columnOf);
  const all = overTime(sumOf);
  const least = (row: number, column: number, layer: number) => {
    const sum = closed.has(row) ? floor(row, layer) : (sums[row]?.layers[layer] ?? 0);
    return Math.max(0, sum + (sumOf[column]?.layers[layer] ?? 0) - (all.layers[layer] ?? 0));
  };
  const isExposed = (row: number, column: number, layer: number) => {
    const bound = least(row, column, layer);
    const value = cell(row, column).layers[layer] ?? 0;
    const most = Math.min(sums[row]?.layers[layer] ?? 0, sumOf[column]?.layers[layer] ?? 0);
    if (!closed.has(row) && bound > NOTHING && bound >= most - NOTHING) return true;
    return bound > rule.lowest + NOTHING && (isSmallCount(value, rule) || cell(row, column).units <= rule.highest);
  };
  const exposed = [...hidden].filter((row) => columns.some((column) => all.layers.some((_, layer) => isExposed(row, column, layer))));
  return { hidden, exposed, least, isNothing: (row, column) => isZero(hidden.has(row) ? (sumOf[column] as Cell) : cell(row, column)) };
}
