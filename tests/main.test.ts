/** The process: the first start from nothing, a second after `kill -9`, two on one folder, SIGTERM. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';

const dataDir = path.join(tmpdir(), `fsp-main-${process.pid}`);
const running = new Set<ChildProcess>();
afterAll(async () => {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all([...running].map((child) => new Promise((resolve) => child.once('exit', resolve))));
  rmSync(dataDir, { recursive: true, force: true });
});

type Started = { child: ChildProcess; output: () => string; url: string; exited: Promise<number | null> };

/** Starts the product and waits for its address, or for its end. */
function start(env: Record<string, string> = {}): Promise<Started> {
  const { NODE_ENV: _test, VITEST: _vitest, ...inherited } = process.env;
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { ...inherited, DATA_DIR: dataDir, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let text = '';
  const exited = new Promise<number | null>((resolve) =>
    child.once('exit', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  return new Promise((resolve) => {
    const done = (url: string) => resolve({ child, output: () => text, url, exited });
    const read = (chunk: Buffer) => {
      text += chunk;
      const address = /Serving (http:\S+)\/graphql/.exec(text);
      if (address) done(address[1] as string);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void exited.then(() => done(''));
  });
}

const status = async (url: string) => (await fetch(url)).status;

it('starts from nothing, recovers from kill -9, refuses a second on its folder, and stops in order', async () => {
  const first = await start();
  expect(first.url, first.output()).not.toBe('');
  expect(first.output()).toContain('/playground');
  for (const words of ['Thames Valley Police', 'Cherwell', 'Turning Point', 'npm run demo']) expect(first.output()).toContain(words);
  expect([await status(`${first.url}/livez`), await status(`${first.url}/readyz`), await status(`${first.url}/playground`)]).toEqual([
    200, 200, 200,
  ]);

  const second = await start();
  expect(await second.exited).toBe(1);
  expect(second.output()).toMatch(/Another server \(process \d+\) is using .* Stop it, or give this one its own DATA_DIR and PORT\./);
  expect(second.output()).not.toMatch(/ at .*\.ts/);
  expect(await status(`${first.url}/readyz`)).toBe(200);

  first.child.kill('SIGKILL');
  await first.exited;
  expect(existsSync(path.join(dataDir, 'postgresql', 'postmaster.pid'))).toBe(true);
  const third = await start();
  expect(third.url, third.output()).not.toBe('');
  expect(await status(`${third.url}/readyz`)).toBe(200);

  third.child.kill('SIGTERM');
  expect(await third.exited).toBe(0);
  expect(existsSync(path.join(dataDir, 'postgresql', 'postmaster.pid'))).toBe(false);
}, 180_000);

it('refuses the development issuer and the embedded database in production, with every fault at once', async () => {
  const refused = await start({ NODE_ENV: 'production', PORT: 'x' });
  expect(await refused.exited).toBe(1);
  expect(refused.output()).toContain('PORT');
  expect(refused.output()).toContain('the development issuer is refused');
  expect(refused.output()).toContain('the embedded database is refused');
});
