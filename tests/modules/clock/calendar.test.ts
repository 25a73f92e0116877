/** The calendar against a naive loop over days, and against what must hold of any calendar. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNational } from '../../../src/db/reference.ts';
import {
  addDays,
  addMonths,
  addWeeks,
  addWorkingDays,
  addYears,
  calendarOf,
  dayNumber,
  daysBetween,
  isWorkingDay,
  OutsideCalendar,
  today,
  workingDaysBetween,
} from '../../../src/modules/clock/calendar.ts';

const { calendar } = readNational();

/** Days from which a year of working days stays inside the calendar, both ways. */
const day = fc.integer({ min: dayNumber('2018-01-01'), max: dayNumber('2026-12-31') }).map((n) => addDays('1970-01-01', n));
const count = fc.integer({ min: 1, max: 120 });
const ways = fc.constantFrom(1, -1);

// Written another way on purpose: local noon of JavaScript's own dates, one day after the other.
const noon = (date: string) => new Date(`${date}T12:00:00`);
const iso = (date: Date) =>
  [String(date.getFullYear()).padStart(4, '0'), String(date.getMonth() + 1).padStart(2, '0'), String(date.getDate()).padStart(2, '0')].join(
    '-',
  );
const naivelyWorking = (date: Date) => date.getDay() !== 0 && date.getDay() !== 6 && !calendar.holidays.has(iso(date));
function naively(from: string, days: number): string {
  const date = noon(from);
  for (let left = Math.abs(days); left > 0; ) {
    date.setDate(date.getDate() + Math.sign(days));
    if (naivelyWorking(date)) left--;
  }
  return iso(date);
}

describe('working days', () => {
  it('are counted as they were added', () => {
    fc.assert(
      fc.property(day, count, ways, (from, n, way) => {
        const to = addWorkingDays(calendar, from, way * n);
        if (way > 0) expect(workingDaysBetween(calendar, from, to)).toBe(n);
        else expect(workingDaysBetween(calendar, addDays(to, -1), addDays(from, -1))).toBe(n);
      }),
    );
  });
  it('never end on a weekend or a bank holiday, and agree with a loop over days', () => {
    fc.assert(
      fc.property(day, count, ways, (from, n, way) => {
        const to = addWorkingDays(calendar, from, way * n);
        expect(isWorkingDay(calendar, to)).toBe(true);
        expect([0, 6]).not.toContain(noon(to).getDay());
        expect(calendar.holidays.has(to)).toBe(false);
        expect(to).toBe(naively(from, way * n));
      }),
    );
  });
  it('come later the later they start and the more they are', () => {
    fc.assert(
      fc.property(day, fc.nat(40), count, count, (from, later, n, more) => {
        const due = addWorkingDays(calendar, from, n);
        expect(addWorkingDays(calendar, addDays(from, later), n) >= due).toBe(true);
        expect(addWorkingDays(calendar, from, n + more) > due).toBe(true);
      }),
    );
  });
  it('add up, and counting there and back is the same', () => {
    fc.assert(
      fc.property(day, count, count, (from, a, b) => {
        expect(addWorkingDays(calendar, addWorkingDays(calendar, from, a), b)).toBe(addWorkingDays(calendar, from, a + b));
        const to = addWorkingDays(calendar, from, a);
        expect(workingDaysBetween(calendar, to, from)).toBe(-a);
      }),
    );
  });
  it('none added is the day itself, or the next that is one', () => {
    expect(addWorkingDays(calendar, '2026-11-20', 0)).toBe('2026-11-20');
    expect(addWorkingDays(calendar, '2026-12-25', 0)).toBe('2026-12-29');
    expect(() => addWorkingDays(calendar, '2026-11-20', 1.5)).toThrow('1.5 is not a number of days.');
  });
  it.each([
    ['over Easter 2026', '2026-04-02', 1, '2026-04-07'],
    ['from Good Friday', '2026-04-03', 1, '2026-04-07'],
    ['over Christmas and New Year', '2026-12-24', 5, '2027-01-05'],
    ['over the substitute days of 2027', '2027-12-24', 1, '2027-12-29'],
    ['over the bank holiday of a coronation', '2023-05-05', 1, '2023-05-09'],
    ['over the start of summer time', '2026-03-27', 1, '2026-03-30'],
    ['over the end of summer time', '2026-10-23', 1, '2026-10-26'],
    ['back over a weekend', '2026-11-23', -1, '2026-11-20'],
  ])('%s', (_what, from, n, to) => expect(addWorkingDays(calendar, from, n)).toBe(to));
});

describe('outside the years whose bank holidays are known', () => {
  it.each(['2016-12-30', '2028-01-03'])('%s is no answer but an error that names them', (date) => {
    expect(() => isWorkingDay(calendar, date)).toThrow(OutsideCalendar);
    expect(() => isWorkingDay(calendar, date)).toThrow(
      `The bank holidays of ${date.slice(0, 4)} are not known: they are for the years 2017 to 2027.`,
    );
  });
  it('nor is a count that runs out of them', () => {
    expect(() => addWorkingDays(calendar, '2027-12-20', 45)).toThrow(OutsideCalendar);
    expect(() => workingDaysBetween(calendar, '2016-12-01', '2017-02-01')).toThrow(OutsideCalendar);
  });
  it('days, weeks and months are counted all the same', () => {
    expect(addMonths('2031-08-31', 6)).toBe('2032-02-29');
    expect(addWeeks('2028-01-01', 26)).toBe('2028-07-01');
  });
  it('a list with a year left out, or with what is no day, is no calendar', () => {
    expect(() => calendarOf(['2025-01-01', '2027-01-01'])).toThrow('There are no bank holidays for the year 2026.');
    expect(() => calendarOf([])).toThrow('There are no bank holidays.');
    expect(() => calendarOf(['2026-02-30'])).toThrow(RangeError);
  });
});

describe('the bank holidays', () => {
  /** Easter Sunday: Meeus, Jones and Butcher. */
  function easter(year: number): string {
    const a = year % 19;
    const [b, c] = [Math.floor(year / 100), year % 100];
    const [d, e] = [Math.floor(b / 4), b % 4];
    const g = Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3);
    const h = (19 * a + b - d - g + 15) % 30;
    const l = (32 + 2 * e + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
    const m = Math.floor((a + 11 * h + 22 * l) / 451);
    const n = h + l - 7 * m + 114;
    return `${year}-${String(Math.floor(n / 31)).padStart(2, '0')}-${String((n % 31) + 1).padStart(2, '0')}`;
  }
  it('of every year are at least eight, on weekdays, with Good Friday and Easter Monday', () => {
    for (let year = calendar.firstYear; year <= calendar.lastYear; year++) {
      const days = [...calendar.holidays].filter((date) => date.startsWith(String(year)));
      expect(days.length).toBeGreaterThanOrEqual(8);
      for (const date of days) expect([0, 6]).not.toContain(noon(date).getDay());
      expect(days).toContain(addDays(easter(year), -2));
      expect(days).toContain(addDays(easter(year), 1));
    }
  });
});

describe('days, weeks, months and years', () => {
  it('go there and back', () => {
    fc.assert(
      fc.property(day, fc.integer({ min: -4000, max: 4000 }), (from, n) => {
        expect(daysBetween(from, addDays(from, n))).toBe(n);
        expect(addWeeks(from, n)).toBe(addDays(from, 7 * n));
        const date = noon(from);
        date.setDate(date.getDate() + n);
        expect(addDays(from, n)).toBe(iso(date));
      }),
    );
  });
  it('a month later is the same day, or the last of a shorter month, and never in the month after', () => {
    fc.assert(
      fc.property(day, fc.integer({ min: -60, max: 60 }), (from, n) => {
        const to = addMonths(from, n);
        const months = (date: string) => 12 * Number(date.slice(0, 4)) + Number(date.slice(5, 7));
        expect(months(to) - months(from)).toBe(n);
        if (to.slice(8) !== from.slice(8)) {
          expect(to.slice(8) < from.slice(8)).toBe(true);
          expect(addDays(to, 1).slice(8)).toBe('01');
        }
      }),
    );
  });
  it.each([
    [addMonths('2026-11-30', 3), '2027-02-28'],
    [addMonths('2023-11-30', 3), '2024-02-29'],
    [addMonths('2026-12-31', 6), '2027-06-30'],
    [addMonths('2026-03-31', -1), '2026-02-28'],
    [addYears('2024-02-29', 1), '2025-02-28'],
    [addYears('2024-02-29', 4), '2028-02-29'],
    [addDays('2024-02-28', 1), '2024-02-29'],
    [addDays('2026-02-28', 1), '2026-03-01'],
    [addDays('2026-03-28', 2), '2026-03-30'],
    [addDays('2026-10-24', 2), '2026-10-26'],
  ])('%s', (is, expected) => expect(is).toBe(expected));
  it.each(['2026-02-29', '2026-13-01', '2026-1-1', '20260101', '2026-01-01T00:00:00Z', ''])('"%s" is not a day', (wrong) => {
    expect(() => addDays(wrong, 1)).toThrow(RangeError);
    expect(() => addMonths(wrong, 1)).toThrow(RangeError);
  });
});

describe('today in England', () => {
  it.each([
    ['in winter its midnight is that of UTC', '2026-01-15T23:59:59.999Z', '2026-01-15'],
    ['and the day after begins with it', '2026-01-16T00:00:00.000Z', '2026-01-16'],
    ['in summer the day begins an hour sooner', '2026-07-15T23:00:00.000Z', '2026-07-16'],
    ['and not before', '2026-07-15T22:59:59.999Z', '2026-07-15'],
    ['before the clocks go forward', '2026-03-29T00:59:59.999Z', '2026-03-29'],
    ['on the evening after', '2026-03-29T23:00:00.000Z', '2026-03-30'],
    ['on the evening before they go back', '2026-10-24T23:00:00.000Z', '2026-10-25'],
    ['on the evening of the day they went back', '2026-10-25T23:30:00.000Z', '2026-10-25'],
  ])('%s', (_what, now, date) => expect(today(new Date(now))).toBe(date));
});
