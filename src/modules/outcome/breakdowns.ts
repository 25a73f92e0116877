/**
 * By what figures are shown, and of which periods: fixed (`reference/england/breakdowns.json`), because whoever could ask by anything else,
 * or from any day, could subtract one answer from another.
 */
import file from '../../../reference/england/breakdowns.json' with { type: 'json' };
import { PublicError } from '../../errors.ts';
import type { Breakdown, Period } from '../../graphql/generated.ts';
import { LIMITS } from '../../limits.ts';

/**
 * `partition`: each case is in one category of it, so that the categories add up to the whole. `exactOnly`: for analysts alone, as who knows of
 * another breakdown's categories that they are sums of this one's could subtract: a district's teams from the district.
 */
export type FixedBreakdown = { dimensions: Breakdown[]; grains: Period[]; partition: boolean; exactOnly?: true };

export const BREAKDOWNS = file.entries as FixedBreakdown[];

/** How a breakdown is written in the tables of figures: `DISTRICT+FACTOR`; of the whole nothing. */
export const breakdownCode = (dimensions: readonly string[]): string => dimensions.join('+');

const MONTHS: Record<Period, number> = { MONTH: 1, QUARTER: 3, YEAR: 12 };

type SeriesArguments = { by: Breakdown[]; period: Period; from?: string | null; to?: string | null };

const monthsBetween = (from: string, to: string) =>
  (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(to.slice(5, 7)) - Number(from.slice(5, 7)) + 1;

/**
 * How many figures a series may hold: for the cost.
 *
 * @throws PublicError BAD_USER_INPUT where figures are not shown like that, or not of so long a time.
 */
export function seriesRows(args: Record<string, unknown>): number {
  const { by, period, from, to } = args as SeriesArguments;
  const fixed = BREAKDOWNS.find(({ dimensions }) => breakdownCode(dimensions) === breakdownCode(by));
  if (!fixed?.grains.includes(period)) {
    const all = BREAKDOWNS.filter(({ grains }) => grains.includes(period)).map(({ dimensions }) => `[${dimensions.join(', ')}]`);
    throw new PublicError('BAD_USER_INPUT', `Figures of a ${period} are shown by one of these alone: ${all.join(' ')}.`);
  }
  const most = LIMITS.seriesYears * 12;
  const months = from && to ? monthsBetween(from, to) : most;
  if (months > most) throw new PublicError('BAD_USER_INPUT', `A series has at most ${LIMITS.seriesYears} years.`);
  return Math.max(1, Math.ceil(months / MONTHS[period])) * LIMITS.costOfList ** by.length;
}
