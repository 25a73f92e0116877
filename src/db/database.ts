/** The database a command or server works with: the one configured, or the embedded one. */
import path from 'node:path';
import type { Config, DatabaseServer } from '../config.ts';
import { parseDatabaseServer } from '../config.ts';
import { defaultDataDir, keptSecret, runningEmbedded, startEmbedded } from './embedded.ts';

export type Database = {
  server: DatabaseServer;
  /** Null on a server that only serves. */
  ownerUrl: string | null;
  loginSecret: string;
  embedded: boolean;
  dataDir: string;
  stop(): Promise<void>;
};

/**
 * Opens the configured database, or starts the embedded one.
 *
 * @param beside takes the embedded one as it is where another process runs it, which goes on with it afterwards.
 */
export async function openDatabase(config: Config, beside = false): Promise<Database> {
  const dataDir = config.dataDir ? path.resolve(config.dataDir) : defaultDataDir();
  if (config.databaseServer) {
    return {
      server: config.databaseServer,
      ownerUrl: config.databaseUrl,
      loginSecret: config.loginSecret as string,
      embedded: false,
      dataDir,
      stop: async () => {},
    };
  }
  const running = beside ? runningEmbedded(dataDir, 'fsp') : null;
  const embedded = running ? { databaseUrl: running, stop: async () => {} } : await startEmbedded(dataDir, 'fsp');
  return {
    server: parseDatabaseServer(embedded.databaseUrl),
    ownerUrl: embedded.databaseUrl,
    loginSecret: config.loginSecret ?? keptSecret(dataDir, 'login.secret'),
    embedded: true,
    dataDir,
    stop: embedded.stop,
  };
}
