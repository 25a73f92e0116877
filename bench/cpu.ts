/**
 * What a question costs in processor time, which says where the time goes and which other work on the machine disturbs
 * less than it does a clock. Linux alone tells it (`/proc`); elsewhere there is nothing to show.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts in hundredths of a second, on every Linux that Node.js runs on. */
const TICK_MS = 10;

type Stat = { parent: number; ms: number };

function statOf(pid: number | string): Stat | null {
  try {
    // The name, in brackets, may hold anything; what follows it is numbers. Fields: proc_pid_stat(5).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return { parent: Number(fields[1]), ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return null;
  }
}

/** Processor time of a process so far, in milliseconds; 0 where the system does not tell. */
export const processMs = (pid: number): number => statOf(pid)?.ms ?? 0;

/** Processor time of a process and its children that live, in milliseconds. */
export function familyMs(pid: number): number {
  let total = processMs(pid);
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
