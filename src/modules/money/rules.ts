/** The arithmetic of money: whole pounds; costs above nought and savings below it, as the papers print them. */
import type { Agency } from '../../access/classes.ts';
import type { Printed } from '../trajectory/rules.ts';

export const PARTS = ['PROJECT_COSTS', 'REQUIREMENT', 'ONGOING', 'SAVINGS', 'PLAN'] as const;
export type Part = (typeof PARTS)[number];

/** How a line counts in the business case: once, every year while it runs, or as a saving. */
export const COUNTS = ['ONE_OFF', 'ONGOING', 'SAVING'] as const;
export type Counts = (typeof COUNTS)[number];

export const COST_CASES = ['LOW', 'CENTRAL', 'HIGH'] as const;
export type CostCase = (typeof COST_CASES)[number];

export type MoneyEntry = {
  code: string;
  part: Part;
  name: string;
  /** Pounds by financial year, `2019/20`. */
  years: Record<string, number>;
  total: number | null;
  /** Lines that this one is the sum of, and those that are taken off it. */
  adds: string[];
  takes: string[];
  counts: Counts | null;
  funding: string | null;
  note: string | null;
  source: string;
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Whether it is a financial year that there is: `2019/20`. */
export const isYear = (year: string): boolean =>
  /^\d{4}\/\d{2}$/.test(year) && (Number(year.slice(0, 4)) + 1) % 100 === Number(year.slice(5));

/** First and last day of a financial year. */
export const daysOf = (year: string): { first: string; last: string } => ({
  first: `${year.slice(0, 4)}-04-01`,
  last: `${Number(year.slice(0, 4)) + 1}-03-31`,
});

/** What does not add up: the entry, and the words; undefined where all does. */
export function moneyFault(entries: readonly MoneyEntry[]): { index: number; words: string } | undefined {
  const lines = new Map(entries.map((entry) => [entry.code, entry]));
  if (lines.size < entries.length) {
    const index = entries.findIndex(({ code }, at) => entries.findIndex((other) => other.code === code) < at);
    return { index, words: `another entry has the code ${entries[index]?.code}.` };
  }
  for (const [index, entry] of entries.entries()) {
    const { years, total, adds, takes } = entry;
    const wrong = Object.keys(years).find((year) => !isYear(year));
    if (wrong) return { index, words: `years: ${wrong} is no financial year, like 2019/20.` };
    const unknown = [...adds, ...takes].find((code) => !lines.has(code));
    if (unknown) return { index, words: `adds: there is no line "${unknown}".` };
    if (total !== null && total !== sum(Object.values(years)))
      return { index, words: `total: ${total} is printed, and the years add up to ${sum(Object.values(years))}.` };
    if (adds.length === 0) continue;
    const part = (of: (line: MoneyEntry) => number) =>
      sum(adds.map((code) => of(lines.get(code) as MoneyEntry))) - sum(takes.map((code) => of(lines.get(code) as MoneyEntry)));
    const named = new Set(
      [entry, ...[...adds, ...takes].map((code) => lines.get(code) as MoneyEntry)].flatMap((line) => Object.keys(line.years)),
    );
    for (const year of named) {
      const follows = part((line) => line.years[year] ?? 0);
      if (follows !== (years[year] ?? 0))
        return { index, words: `years: ${year} is ${years[year] ?? 0}, and its lines add up to ${follows}.` };
    }
  }
  return undefined;
}

/** The business case by year, on printed numbers alone. It has broken even where nothing of what was spent is left to recover. */
export function businessYears(entries: readonly MoneyEntry[]) {
  const counted = entries.filter(({ counts }) => counts !== null);
  const years = [...new Set(counted.flatMap((entry) => Object.keys(entry.years)))].sort();
  let cumulative = 0;
  let cumulativeWithOngoing = 0;
  return years.map((year) => {
    const of = (as: Counts) => sum(counted.filter(({ counts }) => counts === as).map((entry) => entry.years[year] ?? 0));
    const [oneOff, ongoing, savings] = [of('ONE_OFF'), of('ONGOING'), of('SAVING')];
    cumulative += oneOff + savings;
    cumulativeWithOngoing += oneOff + ongoing + savings;
    return {
      year,
      oneOff,
      ongoing,
      savings,
      cumulative,
      cumulativeWithOngoing,
      brokenEven: cumulative <= 0,
      brokenEvenWithOngoing: cumulativeWithOngoing <= 0,
    };
  });
}

/** A range of one thing; money in pounds and pence as text, parts in whole percent. */
type Range<T> = { low: T; central: T; high: T };

export type UnitCostEntry = Range<string> & {
  code: string;
  name: string;
  partner: Agency;
  per: string;
  priceYear: string;
  validFrom: string;
  validTo: string | null;
  status: string;
  source: string;
};

/** What was avoided in a year, in units, and how much of that is the change's doing. */
export type BenefitEntry = {
  unitCost: string;
  year: string;
  /** Units that were avoided; null: as many as the trajectory's number was under the expected one on its last day of the year. */
  avoided: number | null;
  measure: string | null;
  /** How many units one child or case of the measure stands for. */
  unitsEach: number;
  share: Range<number>;
  source: string;
};

const priceOn = (costs: readonly UnitCostEntry[], code: string, on: string): UnitCostEntry | undefined =>
  costs.find((cost) => cost.code === code && cost.validFrom <= on && (cost.validTo === null || cost.validTo >= on));

const pence = (amount: string): number => Math.round(Number(amount) * 100);

/** What is wrong among the unit costs; undefined where all fits. */
export function unitCostFault(costs: readonly UnitCostEntry[]): { index: number; words: string } | undefined {
  for (const [index, cost] of costs.entries()) {
    if (cost.validTo !== null && cost.validTo < cost.validFrom) return { index, words: 'validTo: it ends before it begins.' };
    if (pence(cost.low) > pence(cost.central) || pence(cost.central) > pence(cost.high))
      return { index, words: 'low, central and high must not fall.' };
    const other = costs.findIndex(
      ({ code, validFrom, validTo }, at) =>
        at < index &&
        code === cost.code &&
        (validTo === null || cost.validFrom <= validTo) &&
        (cost.validTo === null || validFrom <= cost.validTo),
    );
    if (other !== -1) return { index, words: `validFrom: the period overlaps that of entry ${other + 1}.` };
  }
  return undefined;
}

/** What is wrong among the benefits; undefined where all fits. */
export function benefitFault(
  benefits: readonly BenefitEntry[],
  costs: readonly UnitCostEntry[],
  measures: ReadonlySet<string>,
): { index: number; words: string } | undefined {
  for (const [index, { unitCost, year, avoided, measure, share }] of benefits.entries()) {
    if (!isYear(year)) return { index, words: `year: ${year} is no financial year, like 2019/20.` };
    if (!priceOn(costs, unitCost, daysOf(year).first))
      return { index, words: `unitCost: there is no "${unitCost}" that is valid on ${daysOf(year).first}.` };
    if ((avoided === null) === (measure === null)) return { index, words: 'avoided or measure: one of the two.' };
    if (measure !== null && !measures.has(measure)) return { index, words: `measure: there is no trajectory "${measure}".` };
    if (share.low > share.central || share.central > share.high) return { index, words: 'share: low, central and high must not fall.' };
  }
  return undefined;
}

export type CostBenefitRow = {
  costCase: CostCase;
  position: number;
  year: string;
  partner: Agency | null;
  cost: number;
  benefit: number;
  net: number;
  cumulative: number;
  brokenEven: boolean;
  incomplete: boolean;
};

/**
 * Cost and benefit by case, partner and year, and of all partners together; empty without benefits. A case takes its
 * own end of the price and of the share alike. The county bears what the business case counts, one-off and ongoing.
 * `net` and `cumulative` are cost less benefit, so that a gain is below nought, as a saving is.
 */
export function costBenefits(
  lines: readonly MoneyEntry[],
  costs: readonly UnitCostEntry[],
  benefits: readonly BenefitEntry[],
  points: readonly (Printed & { measure: string })[],
): CostBenefitRow[] {
  if (benefits.length === 0) return [];
  const spent = new Map(businessYears(lines).map(({ year, oneOff, ongoing }) => [year, oneOff + ongoing]));
  const years = [
    ...new Set([...[...spent].flatMap(([year, cost]) => (cost === 0 ? [] : [year])), ...benefits.map(({ year }) => year)]),
  ].sort();
  const priced = benefits.map((benefit) => {
    const price = priceOn(costs, benefit.unitCost, daysOf(benefit.year).first) as UnitCostEntry;
    return { ...benefit, price, units: benefit.avoided ?? avoidedBy(points, benefit) };
  });
  const partners: (Agency | null)[] = [...new Set<Agency>(['LA', ...priced.map(({ price }) => price.partner)]), null];
  let position = 0;
  return COST_CASES.flatMap((costCase) => {
    const end = costCase.toLowerCase() as keyof Range<unknown>;
    return partners.flatMap((partner) => {
      let cumulative = 0;
      return years.map((year) => {
        const own = priced.filter((each) => each.year === year && (partner === null || each.price.partner === partner));
        const cost = partner === null || partner === 'LA' ? (spent.get(year) ?? 0) : 0;
        const benefit = Math.round(sum(own.map(({ units, price, share }) => (units ?? 0) * pence(price[end]) * share[end])) / 10_000);
        cumulative += cost - benefit;
        return {
          costCase,
          position: position++,
          year,
          partner,
          cost,
          benefit,
          net: cost - benefit,
          cumulative,
          brokenEven: cumulative <= 0,
          incomplete: own.some(({ units }) => units === null),
        };
      });
    });
  });
}

/** How many units a measure avoided by the last day of the year that has both numbers; null where there is none. */
function avoidedBy(points: readonly (Printed & { measure: string })[], { measure, year, unitsEach }: BenefitEntry): number | null {
  const { first, last } = daysOf(year);
  const [latest] = points
    .filter((point) => point.measure === measure && point.at >= first && point.at <= last && point.asIs !== null && point.actual !== null)
    .sort((a, b) => (a.at < b.at ? 1 : -1));
  return latest ? ((latest.asIs as number) - (latest.actual as number)) * unitsEach : null;
}
