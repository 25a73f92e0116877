/** Brings a database from nothing to where it can be served from: migrations, reference data, logins, demonstration. */

import { countFigures } from '../outcome/count.ts';
import { publishEdition, quarterBefore } from '../outcome/edition.ts';
import { callersOf, DEMONSTRATION_AUTHORITY } from './callers.ts';
import { loadCohorts } from './demonstration/cohorts.ts';
import { loadCallers, loadDemonstration } from './demonstration/load.ts';
import { isRecordOpen, tellRecord } from './demonstration/telling.ts';
import { provisionLogins } from './logins.ts';
import { migrateDatabase } from './migrate.ts';
import { asOwner } from './owner.ts';
import { loadReference } from './reference.ts';

/** From when on the demonstration has figures. */
const FIGURES_SINCE = '2024-04-01';

export type Preparation = {
  authority: string;
  loginSecret: string;
  /** Load the demonstration's families into an empty database; of an authority that has none, who may ask. */
  demonstration: boolean;
  /** Tell the rest of the demonstration's record by commands, which takes some seconds; unless said otherwise. */
  record?: boolean;
};

/** Safe to run at every start. @returns whether the demonstration families were loaded now. */
export async function prepareDatabase(
  ownerUrl: string,
  { authority, loginSecret, demonstration, record = true }: Preparation,
): Promise<boolean> {
  await migrateDatabase(ownerUrl);
  return asOwner(ownerUrl, async (client) => {
    await loadReference(client, authority);
    await provisionLogins(client, loginSecret);
    const { rows } = await client.query<{ empty: boolean }>(
      'select not exists (select from fsp.family) and not exists (select from fsp.client) as empty',
    );
    // Broken off by the end of the process, say.
    if (demonstration && record && (await isRecordOpen(client))) await tellRecord(client, ownerUrl, loginSecret);
    if (!demonstration || !rows[0]?.empty) return false;
    if (authority !== DEMONSTRATION_AUTHORITY) {
      await loadCallers(client, callersOf(authority));
      console.log(`The record is empty: the demonstration's families are of ${DEMONSTRATION_AUTHORITY}, and AUTHORITY is ${authority}.`);
      return false;
    }
    await loadDemonstration(client);
    await client.query('analyze');
    if (record) {
      await tellRecord(client, ownerUrl, loginSecret);
      await loadCohorts(client);
      await client.query('analyze');
      const today = new Date().toISOString().slice(0, 10);
      await countFigures(client, today, { since: FIGURES_SINCE });
      await publishEdition(client, quarterBefore(today));
    }
    return true;
  });
}
