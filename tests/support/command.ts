/** Runs the product's commands as npm would: in a process of their own, with nothing of the test run's environment. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import { inherited } from './inherited.ts';

export const root = path.resolve(import.meta.dirname, '../..');

/** The data folder of a test file's commands. */
export const folder = mkdtempSync(path.join(tmpdir(), 'fsp-commands-'));
// Run as root, PostgreSQL works as another account, which must get there.
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export type Ran = { code: number; out: string; err: string };

/** The environment of a command: nothing else of the test run's own. */
export const environment = (extra: Record<string, string>) => ({ ...inherited(), DATA_DIR: folder, ...extra });

/** Runs a command of `src/bin`. */
export function run(name: string, args: string[] = [], extra: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [path.join('src/bin', `${name}.ts`), ...args],
      { cwd: root, env: environment(extra), maxBuffer: 1 << 26 },
      (error, out, err) => resolve({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    );
  });
}

/** A fault is one line of words. */
export const oneLine = expect.stringMatching(/^[^\n]+\n$/);
