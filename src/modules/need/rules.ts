/** The arithmetic of need, provision and gap. Printed numbers stay as they are printed, also where they do not add up. */
import type { Concern } from '../assessment/concerns.ts';

/** From all there are thought to be, by those whom a service sees, to those whom social care knows. */
export const LEVELS = ['ESTIMATE', 'IN_SERVICE', 'SOCIAL_CARE'] as const;
export type Level = (typeof LEVELS)[number];

/** One kind of figure as a file gives it: the county's number, and those of its districts where they are printed. */
export type NeedEntry = {
  concern: Concern;
  code: string;
  name: string;
  level: Level;
  total: number;
  /** Whether it stands in the paper's picture of need, provision and gap. */
  pictured: boolean;
  rounded: number | null;
  share: number | null;
  districts: Record<string, number>;
  shares: Record<string, number>;
  /** First and last day; null where the paper names none. */
  starts: string | null;
  ends: string | null;
  period: string;
  method: string;
  source: string;
};

export type NeedRow = Omit<NeedEntry, 'total' | 'districts' | 'shares'> & {
  id: number;
  district: string | null;
  value: number;
  baseLowest: number | null;
  baseHighest: number | null;
  districtsSum: number | null;
  gapToNext: number | null;
  nextPercent: string | null;
};

/**
 * The lowest and the highest whole number of which `part` is a share that is printed as whole `percent`. A half may
 * have been rounded either way.
 */
export function bases(part: number, percent: number): { lowest: number; highest: number } {
  // percent - 1/2 <= 100 * part / base <= percent + 1/2, in whole numbers.
  return { lowest: Math.ceil((200 * part) / (2 * percent + 1)), highest: Math.floor((200 * part) / (2 * percent - 1)) };
}

const rowsOf = ({ total, districts, shares, ...entry }: NeedEntry, index: number): NeedRow[] => {
  const base = entry.share === null ? null : bases(total, entry.share);
  const row = (place: number, district: string | null, value: number, of: Partial<NeedRow>): NeedRow => ({
    ...entry,
    id: (index + 1) * 100 + place,
    district,
    value,
    rounded: null,
    share: null,
    baseLowest: null,
    baseHighest: null,
    districtsSum: null,
    gapToNext: null,
    nextPercent: null,
    ...of,
  });
  const values = Object.entries(districts);
  const county = row(0, null, total, {
    rounded: entry.rounded,
    share: entry.share,
    baseLowest: base?.lowest ?? null,
    baseHighest: base?.highest ?? null,
    districtsSum: values.length > 0 ? values.reduce((sum, [, value]) => sum + value, 0) : null,
  });
  return [county, ...values.map(([code, value], place) => row(place + 1, code, value, { share: shares[code] ?? null }))];
};

/**
 * A row for each printed number. A pictured number's gap is to the next level's of the same concern and place: a gap of
 * numbers, because an estimate counts people, and a referral or a notification is an event.
 */
export function needRows(entries: readonly NeedEntry[]): NeedRow[] {
  const rows = entries.flatMap(rowsOf);
  return rows.map((row) => {
    const level = LEVELS[LEVELS.indexOf(row.level) + 1];
    const isNext = (other: NeedRow) =>
      other.pictured && other.concern === row.concern && other.level === level && other.district === row.district;
    const next = row.pictured ? rows.find(isNext) : undefined;
    if (!next) return row;
    return { ...row, gapToNext: row.value - next.value, nextPercent: (Math.round((1000 * next.value) / row.value) / 10).toFixed(1) };
  });
}

const overlap = (a: NeedEntry, b: NeedEntry): boolean =>
  a.starts === null || b.starts === null || ((a.ends === null || b.starts <= a.ends) && (b.ends === null || a.starts <= b.ends));

/** What is wrong among the entries: the one it is wrong with, and the words; undefined where all fits. */
export function needFault(entries: readonly NeedEntry[], areas: ReadonlySet<string>): { index: number; words: string } | undefined {
  for (const [index, entry] of entries.entries()) {
    const unknown = [...Object.keys(entry.districts), ...Object.keys(entry.shares)].find((code) => !areas.has(code));
    if (unknown) return { index, words: `districts: there is no district "${unknown}".` };
    const nowhere = Object.keys(entry.shares).find((code) => entry.districts[code] === undefined);
    if (nowhere) return { index, words: `shares: ${nowhere} has a share and no number.` };
    for (const [code, share] of Object.entries(entry.shares)) {
      const value = entry.districts[code] as number;
      if (Math.round((100 * value) / entry.total) !== share)
        return { index, words: `shares: ${share} % is printed for ${code}, and ${value} of ${entry.total} is another share.` };
    }
    if (entry.starts !== null && entry.ends !== null && entry.ends < entry.starts)
      return { index, words: 'ends: the period ends before it starts.' };
    const alike = entries.findIndex((other, at) => at < index && other.code === entry.code && overlap(entry, other));
    if (alike !== -1) return { index, words: `starts: the period overlaps that of entry ${alike + 1}.` };
    // A gap goes to one number.
    const beside = entries.findIndex(
      (other, at) => at < index && other.pictured && other.concern === entry.concern && other.level === entry.level,
    );
    if (entry.pictured && entry.level !== 'ESTIMATE' && beside !== -1)
      return { index, words: `pictured: entry ${beside + 1} is pictured at the same level.` };
  }
  return undefined;
}
