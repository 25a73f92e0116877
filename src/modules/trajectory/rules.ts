/**
 * The arithmetic of trajectories. What a paper prints stands as it is printed, and has to add up; only what no paper
 * prints is worked out, and says so.
 */

/** What is worked out where it is not printed; the actual number is the county's own, as everybody is shown it. */
export type Worked = 'actual' | 'fsm1' | 'fsm2' | 'reduction' | 'variation' | 'adjustedVariation';

/** One day of a measure as a file gives it. Counts are of children (open cases: of cases). */
export type Printed = {
  at: string;
  asIs: number | null;
  fsm1: number | null;
  fsm2: number | null;
  reduction: number | null;
  target: number | null;
  actual: number | null;
  variation: number | null;
  adjustedTarget: number | null;
  adjustedReason: string | null;
  adjustedVariation: number | null;
  /** Children under 18 of the authority on that day. */
  children: number | null;
  /** The rate at the top of the lowest quartile of the statistical neighbours, of 10,000 children. */
  neighboursRate: number | null;
};

/** Where FSM 1 begins: so many, of so many children. */
export type Beginning = { at: string; children: number; number: number };

/** What is left of a number after a year of the model: "a decrease of 5 % year on year". */
const YEARLY = 0.95;

/** By how many percent an actual number is over its target; whole, halves away from zero, in whole numbers throughout. */
export function variationOf(actual: number, target: number): number {
  const over = actual - target;
  return Math.sign(over) * Math.floor((200 * Math.abs(over) + target) / (2 * target)) + 0;
}

const yearsBetween = (from: string, to: string): number =>
  Number(to.slice(0, 4)) - Number(from.slice(0, 4)) + (Number(to.slice(5, 7)) - Number(from.slice(5, 7))) / 12;

/** Reduction and variations that follow from a day's other numbers. */
function followed(point: Printed): Partial<Record<Worked, number>> {
  const { asIs, fsm2, actual, target, adjustedTarget } = point;
  return {
    ...(asIs !== null && fsm2 !== null && { reduction: asIs - fsm2 }),
    ...(actual !== null && target !== null && { variation: variationOf(actual, target) }),
    ...(actual !== null && adjustedTarget !== null && { adjustedVariation: variationOf(actual, adjustedTarget) }),
  };
}

/** What does not add up in a day's printed numbers, in words; undefined where all does. */
export function pointFault(point: Printed): string | undefined {
  if (point.adjustedTarget !== null && point.adjustedReason === null) return 'adjustedReason: an adjusted target has a reason.';
  const follows = followed(point);
  for (const field of ['reduction', 'variation', 'adjustedVariation'] as const) {
    const printed = point[field];
    if (printed === null || printed === follows[field]) continue;
    return `${field}: ${printed} is printed, and ${follows[field] ?? 'nothing'} follows from the other numbers.`;
  }
  return undefined;
}

/**
 * The days of one measure, each with what can be worked out and with the names of what was.
 *
 * FSM 1 begins on the first day that has both a number and a population: with the printed FSM 1, else the actual, else
 * the expected number. From there it loses 5 % a year and moves with the population. FSM 2 is the same, and never less
 * than the neighbours' rate gives. The chain is kept unrounded; what is shown is rounded to whole.
 * Source: Cabinet report of July 2019, "The Business Case for Implementing Family Safeguarding Plus".
 *
 * @param from where it begins instead: a day of which no number of it is shown.
 */
export function completed<P extends Printed>(points: readonly P[], from?: Beginning): (P & { computed: Worked[] })[] {
  let before = from;
  return [...points]
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map((point) => {
      const worked: Partial<Record<Worked, number>> = {};
      if (point.children !== null) {
        const chained = before && before.number * YEARLY ** yearsBetween(before.at, point.at) * (point.children / before.children);
        const number = point.fsm1 ?? chained ?? point.actual ?? point.asIs;
        if (number !== null) {
          before = { at: point.at, children: point.children, number };
          worked.fsm1 = Math.round(number);
          if (point.neighboursRate !== null) worked.fsm2 = Math.round(Math.max(number, (point.neighboursRate * point.children) / 10_000));
        }
      }
      Object.assign(worked, followed({ ...point, fsm2: point.fsm2 ?? worked.fsm2 ?? null }));
      const computed = (Object.keys(worked) as Worked[]).filter((field) => point[field] === null);
      return { ...point, ...Object.fromEntries(computed.map((field) => [field, worked[field]])), computed };
    });
}

/** One own number, at the end of a month: null where it is withheld, and then with the marker. */
export type Own = { at: string; actual: number | null; marker: string | null; source: string };

/** What the authority has set or knows of a day besides. */
export type Known = Pick<Printed, 'target' | 'adjustedTarget' | 'adjustedReason' | 'children'>;

export type Point = Printed & { marker: string | null; printed: boolean; source: string };

/**
 * The printed days of a measure, and the county's own numbers after the last that a paper prints. Where both fall on one day what is printed
 * stands, and the own number stands beside it. FSM 1 then begins on the first printed day with a number of which the population is known,
 * unless the papers' file gives populations of its own.
 */
export function continued(
  printed: readonly Point[],
  own: readonly Own[],
  known: (at: string) => Known,
): (Point & { computed: Worked[] })[] {
  const last = printed.reduce((day, { at, actual }) => (actual !== null && at > day ? at : day), '');
  const later = own.filter(({ at }) => at > last);
  const on = new Map(later.map((each) => [each.at, each]));
  const rates = printed.filter(({ neighboursRate }) => neighboursRate !== null);
  const rateOn = (day: string) => rates.findLast(({ at }) => at <= day)?.neighboursRate ?? null;
  const nothing = { asIs: null, fsm1: null, fsm2: null, reduction: null, variation: null, adjustedVariation: null };
  const points = [
    ...printed.map((point) => {
      const found = on.get(point.at);
      return found ? { ...point, actual: found.actual, marker: found.marker, source: `${point.source}; ${found.source}` } : point;
    }),
    ...later
      .filter(({ at }) => !printed.some((point) => point.at === at))
      .map((each) => ({ ...nothing, ...each, ...known(each.at), neighboursRate: rateOn(each.at), printed: false })),
  ];
  const begins = printed.some(({ children }) => children !== null)
    ? undefined
    : printed.flatMap(({ at, fsm1, actual, asIs }) => {
        const number = fsm1 ?? actual ?? asIs;
        const { children } = known(at);
        return number === null || children === null ? [] : [{ at, children, number }];
      })[0];
  return completed(points, begins).map((point) => {
    const isOwn = point.actual !== null && on.has(point.at);
    return isOwn ? { ...point, computed: ['actual', ...point.computed] } : point;
  });
}
