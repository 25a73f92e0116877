/** When something is due, and how it stands: pure, from a timescale and a calendar. */
import { addDays, addMonths, addWeeks, addWorkingDays, type Calendar } from './calendar.ts';

/** `WD`: England's working days. */
export const UNITS = ['WD', 'days', 'weeks', 'months'] as const;

export type Unit = (typeof UNITS)[number];

/** What of a timescale decides a date. */
export type Limit = {
  /** Null: nobody has set one, and nothing is due. */
  limit: number | null;
  unit: Unit | null;
  /** So many days before the last one it is due soon: working days where the limit is of these, calendar days elsewhere. */
  dueSoon: number;
  /** The day it starts is day 0, as is usual; else that day is the first of those counted. */
  countsFromNextDay: boolean;
};

export type Due = { dueOn: string; dueSoonOn: string };

function lastDay(calendar: Calendar, from: string, limit: number, unit: Unit, countsFromNextDay: boolean): string {
  if (limit === 0) return from;
  if (unit === 'WD') return addWorkingDays(calendar, countsFromNextDay ? from : addDays(from, -1), limit);
  const add = { days: addDays, weeks: addWeeks, months: addMonths }[unit];
  return addDays(add(from, limit), countsFromNextDay ? 0 : -1);
}

/**
 * The last day that is in time, and the day from which it is due soon, for what starts on `from`.
 *
 * @returns null where the timescale sets no limit.
 * @throws OutsideCalendar where working days are to be counted in a year whose bank holidays are not known.
 */
export function dueOf({ limit, unit, dueSoon, countsFromNextDay }: Limit, from: string, calendar: Calendar): Due | null {
  if (limit === null || unit === null) return null;
  const dueOn = lastDay(calendar, from, limit, unit, countsFromNextDay);
  const soon = dueSoon === 0 ? dueOn : unit === 'WD' ? addWorkingDays(calendar, dueOn, -dueSoon) : addDays(dueOn, -dueSoon);
  // Nothing is due soon before it has begun.
  return { dueOn, dueSoonOn: soon < from ? from : soon };
}

const TODAY = `(now() at time zone 'Europe/London')::date`;

const open = (row: string, dueSoonOn: string) =>
  `when ${TODAY} > ${row}.due_on then 'LATE' when ${TODAY} >= ${dueSoonOn} then 'DUE_SOON' else 'IN_TIME' end`;

const met = (row: string, column: string) =>
  `case when ${row}.${column} <= ${row}.due_on then 'MET' when ${row}.${column} is not null then 'MET_LATE'`;

/** SQL for the state of a row of `clock`, today. */
export function clockState(row: string): string {
  return `${met(row, 'met_on')} when ${row}.ended_on is not null then 'ENDED' ${open(row, `${row}.due_soon_on`)}`;
}

/** SQL for the state of a row of `task`, today; it is due soon from the day before. */
export function taskState(row: string): string {
  return `${met(row, 'done_on')} ${open(row, `${row}.due_on - 1`)}`;
}
