/** What published figures have to be. */

export const STATEMENT_KINDS = [
  'NAME',
  'ELEMENT',
  'INGREDIENT',
  'AMBITION',
  'SCOPE',
  'GOVERNANCE',
  'DECISION',
  'EQUALITY',
  'RISK',
] as const;
export const FIGURE_UNITS = ['PERCENT', 'PERCENT_CHANGE', 'COUNT', 'CHANGE', 'PER_10000', 'TIMES', 'POUNDS', 'MONTHS', 'YEARS'] as const;

type Figure = { value: number; unit: (typeof FIGURE_UNITS)[number]; count: number | null; base: number | null };

/** What does not add up in a figure, in words: a percentage that names its count and its base has to be theirs. */
export function figureFault({ value, unit, count, base }: Figure): string | undefined {
  if (unit !== 'PERCENT' || count === null || base === null) return undefined;
  const decimals = String(value).split('.')[1]?.length ?? 0;
  const follows = (100 * count) / base;
  // A half may have been rounded either way.
  if (Math.abs(follows - value) <= 0.5 / 10 ** decimals + 1e-9) return undefined;
  return `value: ${value} % is printed, and ${count} of ${base} is ${follows.toFixed(decimals + 1)} %.`;
}
