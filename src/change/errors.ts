/** Words for what a caller can mend. */
import { today } from '../modules/clock/calendar.ts';
import type { UserError } from './command.ts';

/** Gathers what is wrong with an input, each with where it is. */
export type Faults = {
  errors: UserError[];
  invalid(message: string, ...path: (string | number)[]): void;
  /** Breaks a rule of the domain, as its source numbers it. */
  rule(rule: string, message: string, ...path: (string | number)[]): void;
  /** A text: not empty, and at most so long. Null and undefined pass. */
  text(value: string | null | undefined, longest: number, ...path: (string | number)[]): void;
  /** A list: at most so long. Null and undefined pass. */
  list(value: readonly unknown[] | null | undefined, longest: number, ...path: (string | number)[]): void;
  /** A day (or moment) that has come. A clock of another machine may run ahead by five minutes. */
  past(value: string | null | undefined, now: Date, ...path: (string | number)[]): void;
};

const AHEAD_MILLISECONDS = 5 * 60_000;

export function faults(): Faults {
  const errors: UserError[] = [];
  const invalid: Faults['invalid'] = (message, ...path) => errors.push({ code: 'INVALID', message, path: path.map(String) });
  return {
    errors,
    invalid,
    rule: (rule, message, ...path) => errors.push({ code: 'RULE', message, path: path.map(String), rule }),
    text(value, longest, ...path) {
      if (value === null || value === undefined) return;
      if (value.trim() === '') invalid('Must not be empty.', ...path);
      if (value.length > longest) invalid(`Must have at most ${longest} characters.`, ...path);
    },
    list(value, longest, ...path) {
      if (value && value.length > longest) invalid(`Must have at most ${longest} items.`, ...path);
    },
    past(value, now, ...path) {
      if (value === null || value === undefined) return;
      const ahead = value.includes('T')
        ? new Date(value).getTime() > now.getTime() + AHEAD_MILLISECONDS
        : value > today(new Date(now.getTime() + AHEAD_MILLISECONDS));
      if (ahead) invalid('Must not be in the future.', ...path);
    },
  };
}
