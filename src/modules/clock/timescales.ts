/** What timescales must be before anybody is held to them. */
import { addDays, type Calendar, OutsideCalendar } from './calendar.ts';
import { dueOf, type Limit } from './rules.ts';

/** A timescale as its file gives it: England's, or an authority's own. */
export type Timescale = Limit & {
  code: string;
  version: string;
  from: string;
  to: string;
  kind: 'STATUTORY' | 'LOCAL';
  status: 'verified' | 'believed' | 'local';
  source: string;
  validFrom: string;
  validTo: string | null;
};

const named = ({ limit, unit }: Timescale) => (limit === null ? 'no limit' : `${limit} ${unit}`);

const overlap = (a: Timescale, b: Timescale) =>
  (a.validTo === null || b.validFrom < a.validTo) && (b.validTo === null || a.validFrom < b.validTo);

/**
 * Whether one is never due later than the other, and sometimes sooner. Days, working days, weeks and months have no
 * common measure, so every day that the calendar covers is tried.
 */
function isShorter(one: Timescale, other: Timescale, calendar: Calendar): boolean {
  let sooner = false;
  try {
    for (let day = `${calendar.firstYear}-01-01`; day <= `${calendar.lastYear}-12-31`; day = addDays(day, 1)) {
      const a = dueOf(one, day, calendar);
      const b = dueOf(other, day, calendar);
      if (!a || !b || a.dueOn > b.dueOn) return false;
      sooner ||= a.dueOn < b.dueOn;
    }
  } catch (error) {
    // The last days of the calendar: their working days run beyond it.
    if (!(error instanceof OutsideCalendar)) throw error;
  }
  return sooner;
}

/**
 * What is wrong with England's timescales, or with an authority's own beside them: the entry and the words, or null.
 * An authority sets what the law leaves to it, and may be stricter than the law, never laxer.
 */
export function timescaleFault(national: Timescale[], own: Timescale[], calendar: Calendar): { entry: Timescale; words: string } | null {
  for (const list of [national, own]) {
    for (const [index, entry] of list.entries()) {
      const fault = (words: string) => ({ entry, words });
      if ((entry.limit === null) !== (entry.unit === null)) return fault('limit and unit are given together, or neither.');
      if (entry.validTo !== null && entry.validTo <= entry.validFrom) return fault('validTo must be after validFrom.');
      const before = list.slice(0, index).filter(({ code }) => code === entry.code);
      if (before.some((other) => overlap(entry, other))) return fault('another version of it is valid at the same time.');
      const known = list === own ? [...before, ...national.filter(({ code }) => code === entry.code)] : before;
      if (known.some(({ version }) => version === entry.version)) return fault(`another entry has the code and version ${entry.version}.`);
    }
  }
  for (const entry of own) {
    if (entry.kind !== 'LOCAL') return { entry, words: "an authority's own timescale is LOCAL: what is statutory is England's." };
    const law = national.find((other) => other.code === entry.code && other.kind === 'STATUTORY' && overlap(entry, other));
    if (law && !isShorter(entry, law, calendar))
      return {
        entry,
        words: `${named(entry)} is not shorter than the statutory ${named(law)}: a statutory limit may only be made shorter.`,
      };
  }
  return null;
}
