/**
 * Days as they are counted in England. A day is a string `YYYY-MM-DD` and nothing else: no time, no zone, so that no
 * change of the clocks moves it. Inside it is a number of days since 1970, where a day more is always one more.
 */

/** The bank holidays of whole years: what a working day is, is known for these years only. */
export type Calendar = { holidays: ReadonlySet<string>; firstYear: number; lastYear: number };

/** A working day was asked of a year whose bank holidays are not known. */
export class OutsideCalendar extends Error {
  readonly firstYear: number;
  readonly lastYear: number;
  constructor(date: string, { firstYear, lastYear }: Calendar) {
    super(`The bank holidays of ${date.slice(0, 4)} are not known: they are for the years ${firstYear} to ${lastYear}.`);
    this.firstYear = firstYear;
    this.lastYear = lastYear;
  }
}

const DAY_MILLISECONDS = 86_400_000;

/** Days since 1970-01-01. @throws RangeError for what is not a day of the calendar. */
export function dayNumber(date: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  const number = at / DAY_MILLISECONDS;
  // Some engines read 30 February as 2 March.
  if (Number.isNaN(number) || dateOf(number) !== date) throw new RangeError(`"${date}" is not a day: it must be a real date, YYYY-MM-DD.`);
  return number;
}

function dateOf(number: number): string {
  return new Date(number * DAY_MILLISECONDS).toISOString().slice(0, 10);
}

/**
 * A calendar of these bank holidays; it covers the years from the first to the last of them.
 *
 * @throws Error where a year between them has none: England has no such year, so the list would be incomplete.
 */
export function calendarOf(holidays: Iterable<string>): Calendar {
  const days = new Set(holidays);
  for (const day of days) dayNumber(day);
  const years = new Set([...days].map((day) => Number(day.slice(0, 4))));
  if (years.size === 0) throw new Error('There are no bank holidays.');
  const firstYear = Math.min(...years);
  const lastYear = Math.max(...years);
  for (let year = firstYear; year <= lastYear; year++)
    if (!years.has(year)) throw new Error(`There are no bank holidays for the year ${year}.`);
  return { holidays: days, firstYear, lastYear };
}

function isWorking(calendar: Calendar, number: number): boolean {
  const date = dateOf(number);
  const year = Number(date.slice(0, 4));
  if (year < calendar.firstYear || year > calendar.lastYear) throw new OutsideCalendar(date, calendar);
  // 1970-01-01 was a Thursday: 0 is Monday.
  const weekday = (((number + 3) % 7) + 7) % 7;
  return weekday < 5 && !calendar.holidays.has(date);
}

/** Whether a day is neither of a weekend nor a bank holiday. @throws OutsideCalendar */
export function isWorkingDay(calendar: Calendar, date: string): boolean {
  return isWorking(calendar, dayNumber(date));
}

/**
 * The day that is `count` working days after a date, which itself is day 0 whatever day it is: the first working day
 * after it is day 1. Negative counts go back. 0 is the date itself, or the next working day where it is none.
 *
 * @throws OutsideCalendar
 */
export function addWorkingDays(calendar: Calendar, date: string, count: number): string {
  if (!Number.isInteger(count)) throw new RangeError(`${count} is not a number of days.`);
  let number = dayNumber(date);
  if (count === 0) {
    while (!isWorking(calendar, number)) number++;
    return dateOf(number);
  }
  const step = Math.sign(count);
  for (let left = Math.abs(count); left > 0; ) {
    number += step;
    if (isWorking(calendar, number)) left--;
  }
  return dateOf(number);
}

/** The working days after `from`, up to and with `to`; negative where `to` comes first. @throws OutsideCalendar */
export function workingDaysBetween(calendar: Calendar, from: string, to: string): number {
  const start = dayNumber(from);
  const end = dayNumber(to);
  if (end < start) return -workingDaysBetween(calendar, to, from);
  let count = 0;
  for (let number = start + 1; number <= end; number++) if (isWorking(calendar, number)) count++;
  return count;
}

export function addDays(date: string, count: number): string {
  return dateOf(dayNumber(date) + count);
}

export function addWeeks(date: string, count: number): string {
  return addDays(date, 7 * count);
}

/** Calendar days from one day to another. */
export function daysBetween(from: string, to: string): number {
  return dayNumber(to) - dayNumber(from);
}

/**
 * The same day of a later month (earlier, where negative), or that month's last day where it has no such day: three
 * months after 30 November is 28 or 29 February. So a period of months never runs into the month after.
 */
export function addMonths(date: string, count: number): string {
  dayNumber(date);
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  const months = 12 * year + (month - 1) + count;
  const inYear = Math.floor(months / 12);
  const inMonth = months - 12 * inYear;
  // Day 0 of the month after is the last of this one.
  const last = new Date(Date.UTC(inYear, inMonth + 1, 0)).getUTCDate();
  return dateOf(Date.UTC(inYear, inMonth, Math.min(day, last)) / DAY_MILLISECONDS);
}

/** As `addMonths`: a year after 29 February is 28 February. */
export function addYears(date: string, count: number): string {
  return addMonths(date, 12 * count);
}

// Swedish dates are written as ISO's are.
const london = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/London', year: 'numeric', month: '2-digit', day: '2-digit' });

/** The day it is in England. */
export function today(now: Date): string {
  return london.format(now);
}
