/** The processes of a run: servers and the load, each told by messages. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Contender } from './contenders.ts';
import type { Job, Measured } from './load.ts';
import type { Settings, Told } from './servers/child.ts';

const here = (module: string) => fileURLToPath(new URL(module, import.meta.url));

/** The next message of a child; rejects when it ends first. */
function heard<T>(child: ChildProcess, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${what} ended (${code}).`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

export type Process = { url: URL; pid: number; peakBytes(): Promise<number>; stop(): Promise<void> };

const stopped = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.send('stop');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  });

export async function startServer(contender: Contender, settings: Settings, execArgv: string[] = []): Promise<Process> {
  const child = fork(here(contender.module), [JSON.stringify(settings), ...contender.args], {
    execArgv,
    env: { ...process.env, NODE_ENV: 'production', GRAPHILE_ENV: 'production' },
  });
  const told = await heard<{ url: string }>(child, contender.name);
  return {
    url: new URL(told.url),
    pid: child.pid as number,
    async peakBytes() {
      child.send('memory');
      const memory = await heard<Told>(child, contender.name);
      return 'peakBytes' in memory ? memory.peakBytes : 0;
    },
    stop: () => stopped(child),
  };
}

export type Load = { run(job: Job): Promise<Measured>; stop(): void };

export function startLoad(): Load {
  const child = fork(here('load.ts'));
  return {
    async run(job) {
      child.send(job);
      const measured = await heard<Measured | { error: string }>(child, 'The load');
      if ('error' in measured) throw new Error(`The load failed: ${measured.error}`);
      return measured;
    },
    stop: () => child.disconnect(),
  };
}
