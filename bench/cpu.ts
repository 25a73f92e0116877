/**
 * What a question costs in processor time, which says where the time goes and which other work on the machine disturbs
 * less than it does a clock. Linux alone tells it (`/proc`); elsewhere there is nothing to show.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second, on every Linux that Node.js runs on. */
const TICK_MS = 10;

/** `gone`: of children that have ended. */
type Stat = { parent: number; ms: number; gone: number };

function statOf(pid: number | string): Stat | null {
  try {
    // The name, in brackets, may hold anything; what follows it is numbers. Fields: proc_pid_stat(5).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const ticks = (at: number) => Number(fields[at]) + Number(fields[at + 1]);
    return { parent: Number(fields[1]), ms: ticks(11) * TICK_MS, gone: ticks(13) * TICK_MS };
  } catch {
    return null;
  }
}

/** Processor time of a process so far, in milliseconds; 0 where the system does not tell. */
export const processMs = (pid: number): number => statOf(pid)?.ms ?? 0;

/** Processor time of a process and of its children, those that have ended with them, in milliseconds. */
export function familyMs(pid: number): number {
  const own = statOf(pid);
  let total = own ? own.ms + own.gone : 0;
  try {
    for (const name of readdirSync('/proc')) {
      const stat = /^\d+$/.test(name) ? statOf(name) : null;
      if (stat?.parent === pid) total += stat.ms;
    }
  } catch {
    return 0;
  }
  return total;
}
