/** What every server of the bench has in common: it is a process of its own, told what to serve and when to stop. */
import type { DatabaseServer } from '../../src/config.ts';

/** What the parent gives as the one argument. */
export type Settings = { server: DatabaseServer; loginSecret: string; organisation: string; loginId: number; dataDir: string };

export type Running = { url: string; close(): Promise<void> };

/** Told to the parent: where the server listens, or how much memory it has had. */
export type Told = { url: string } | { peakBytes: number; nowBytes: number };

/** Every server may use as many connections for reading. */
export const CONNECTIONS = 10;

/** Starts a server as the parent asked and obeys the parent until it goes. */
export async function serve(start: (settings: Settings) => Promise<Running>): Promise<void> {
  const running = await start(JSON.parse(process.argv[2] as string) as Settings);
  const tell = (told: Told) => process.send?.(told);
  const stop = async () => {
    await running.close().catch(() => {});
    process.exit(0);
  };
  process.on('disconnect', stop);
  process.on('message', (message) => {
    if (message === 'stop') void stop();
    if (message === 'memory') tell({ peakBytes: process.resourceUsage().maxRSS * 1024, nowBytes: process.memoryUsage.rss() });
  });
  tell({ url: running.url });
}
