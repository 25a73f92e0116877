/** Brings a database from nothing to where it can be served from: migrations, reference data, logins, demonstration. */
import pg from 'pg';
import { loadDemonstration } from './demonstration.ts';
import { provisionLogins } from './logins.ts';
import { migrateDatabase } from './migrate.ts';
import { loadReference } from './reference.ts';

export type Preparation = {
  authority: string;
  loginSecret: string;
  /** Load the demonstration families into an empty database. */
  demonstration: boolean;
};

/** Safe to run at every start. @returns whether the demonstration families were loaded now. */
export async function prepareDatabase(ownerUrl: string, { authority, loginSecret, demonstration }: Preparation): Promise<boolean> {
  await migrateDatabase(ownerUrl);
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await loadReference(client, authority);
    await provisionLogins(client, loginSecret);
    const { rows } = await client.query<{ empty: boolean }>(
      'select not exists (select from fsp.family) and not exists (select from fsp.client) as empty',
    );
    if (!demonstration || !rows[0]?.empty) return false;
    await loadDemonstration(client);
    await client.query('analyze');
    return true;
  } finally {
    await client.end();
  }
}
