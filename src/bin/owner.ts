import type pg from 'pg';
import { type Config, readConfig } from '../config.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { asOwner } from '../db/owner.ts';

/**
 * Runs a command's work as the database's owner: on the configured database, or on the embedded one, whether or not a
 * server is running on it.
 */
export async function commandAsOwner<T>(
  env: NodeJS.ProcessEnv,
  work: (client: pg.Client, opened: { config: Config; database: Database }) => Promise<T>,
): Promise<T> {
  const config = readConfig(env);
  const database = await openDatabase(config, true);
  try {
    if (!database.ownerUrl) throw new Error('DATABASE_URL is not set: this is the work of the database’s owner.');
    return await asOwner(database.ownerUrl, (client) => work(client, { config, database }));
  } finally {
    await database.stop();
  }
}
