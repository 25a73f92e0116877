/**
 * The tests on the embedded PostgreSQL and then, where it can be had, on the oldest that is supported. Arguments go to
 * Vitest. Ends with one line, `N passed, N failed`: the sum of both runs.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const given = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), 'fsp-counts-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** What `tests/support/pg15.sh` ends with where there is no such server. */
const LEFT_OUT = 77;

type Counts = { passed: number; failed: number };

/** Runs a command that runs Vitest; its counts come back through a file. */
function counted(name: string, command: string, args: string[]): Promise<Counts> {
  console.log(`\n${name}`);
  const file = path.join(folder, `${path.basename(command)}.json`);
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, TEST_COUNTS: file } });
  // Who breaks this off has the run put away what it started, and wants no other.
  let broken = false;
  const breakOff = (signal: NodeJS.Signals) => {
    broken = true;
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, breakOff);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      for (const signal of signals) process.off(signal, breakOff);
      if (broken) process.exit(1);
      if (code === LEFT_OUT) return resolve({ passed: 0, failed: 0 });
      let counts: Counts = { passed: 0, failed: 0 };
      try {
        counts = JSON.parse(readFileSync(file, 'utf8')) as Counts;
      } catch {
        // It ended before there was anything to count.
      }
      // A run that failed has a failure, whatever it counted.
      if (code !== 0) counts.failed = Math.max(1, counts.failed);
      resolve(counts);
    });
  });
}

const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
const runs = [
  await counted('The tests on the embedded PostgreSQL', process.execPath, [vitest, 'run', ...given]),
  // A file that is left out there may be the only one that was asked for.
  await counted('The tests on PostgreSQL 15', 'sh', [
    path.join('tests', 'support', 'pg15.sh'),
    ...(given.length > 0 ? ['--passWithNoTests', ...given] : []),
  ]),
];
const sum = (part: keyof Counts) => runs.reduce((total, counts) => total + counts[part], 0);
if (sum('failed') > 0) process.exitCode = 1;
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
