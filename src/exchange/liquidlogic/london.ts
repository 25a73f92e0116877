/** Times as LiquidLogic keeps them: what a clock in London showed, without a zone. */

const LOCAL = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?$/;
const HOUR = 3_600_000;

const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'Europe/London',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** What a clock in London shows at a moment, as if it were UTC: milliseconds. */
function shown(moment: number): number {
  const part = Object.fromEntries(clock.formatToParts(moment).map(({ type, value }) => [type, Number(value)])) as Record<string, number>;
  const { year, month, day, hour, minute, second } = part as { [name: string]: number } & Record<'year' | 'month' | 'day', number>;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((moment % 1000) + 1000) % 1000);
}

export type Local = {
  /** The moment, in milliseconds; in an hour that comes twice its first time. */
  moment: number;
  /** Whether the clock showed it twice: on the last Sunday of October from 1:00 to 1:59:59. */
  twice: boolean;
};

/**
 * Reads a local time; a day alone is its beginning. A time that the clock skipped (the last Sunday of March from 1:00 to 1:59:59) is
 * that of a clock which had not been put forward yet.
 *
 * @returns null for what is no time.
 */
export function fromLondon(text: string): Local | null {
  const found = LOCAL.exec(text.trim());
  if (!found) return null;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const local = Date.UTC(year, month - 1, day, hour, minute, second, Number((found[7] ?? '').padEnd(3, '0').slice(0, 3)));
  const is = new Date(local);
  if (is.getUTCMonth() !== month - 1 || is.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return null;
  const summer = shown(local - HOUR) === local;
  const winter = shown(local) === local;
  return { moment: summer ? local - HOUR : local, twice: summer && winter };
}

/** The second time that the clock showed it. */
export const again = ({ moment }: Local): number => moment + HOUR;

/** A moment as the clock in London shows it: `2026-10-25T01:30:00.000`. */
export const toLondon = (moment: number): string => new Date(shown(moment)).toISOString().slice(0, -1);
