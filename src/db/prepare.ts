/** Brings a database from nothing to where it can be served from: migrations, reference data, logins, demonstration. */
import { loadDemonstration } from './demonstration/load.ts';
import { provisionLogins } from './logins.ts';
import { migrateDatabase } from './migrate.ts';
import { asOwner } from './owner.ts';
import { loadReference } from './reference.ts';

/** The authority whose organisations the demonstration's families are told with. */
export const DEMONSTRATION_AUTHORITY = 'oxfordshire';

export type Preparation = {
  authority: string;
  loginSecret: string;
  /** Load the demonstration families into an empty database. */
  demonstration: boolean;
};

/** Safe to run at every start. @returns whether the demonstration families were loaded now. */
export async function prepareDatabase(ownerUrl: string, { authority, loginSecret, demonstration }: Preparation): Promise<boolean> {
  await migrateDatabase(ownerUrl);
  return asOwner(ownerUrl, async (client) => {
    await loadReference(client, authority);
    await provisionLogins(client, loginSecret);
    const { rows } = await client.query<{ empty: boolean }>(
      'select not exists (select from fsp.family) and not exists (select from fsp.client) as empty',
    );
    if (!demonstration || !rows[0]?.empty) return false;
    if (authority !== DEMONSTRATION_AUTHORITY) {
      console.log(`No demonstration is loaded: its families are of ${DEMONSTRATION_AUTHORITY}, and AUTHORITY is ${authority}.`);
      return false;
    }
    await loadDemonstration(client);
    await client.query('analyze');
    return true;
  });
}
