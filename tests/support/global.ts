/**
 * One PostgreSQL for the run, with the demonstration loaded: the embedded one, or the one that `TEST_DATABASE_URL` names.
 * The database's owner is no superuser on either. Files that change what others read make a database of their own
 * (`ownDatabase`).
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbedded } from '../../src/db/embedded.ts';
import { prepareDatabase } from '../../src/db/prepare.ts';

export const LOGIN_SECRET = 'a secret for tests that is long enough to be one';

declare module 'vitest' {
  export interface ProvidedContext {
    ownerUrl: string;
    /** Who may make databases and their owners. */
    creatorUrl: string;
    /** Who may end other roles' connections. */
    superuserUrl: string;
  }
}

const preparation = { authority: 'oxfordshire', loginSecret: LOGIN_SECRET, demonstration: true };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const ownerUrl = process.env.TEST_DATABASE_URL;
  if (ownerUrl) {
    const superuserUrl = process.env.TEST_SUPERUSER_URL;
    // Left out in silence, the storm would be missed by nobody.
    if (!superuserUrl) throw new Error('TEST_DATABASE_URL wants TEST_SUPERUSER_URL beside it: the storm ends other roles’ connections.');
    await prepareDatabase(ownerUrl, preparation);
    project.provide('ownerUrl', ownerUrl);
    project.provide('creatorUrl', ownerUrl);
    project.provide('superuserUrl', superuserUrl);
    return async () => {};
  }
  const dataDir = path.join(tmpdir(), `fsp-test-${process.pid}`);
  const embedded = await startEmbedded(dataDir, 'fsp_test', { fsync: 'off' });
  await prepareDatabase(embedded.databaseUrl, preparation);
  project.provide('ownerUrl', embedded.databaseUrl);
  project.provide('creatorUrl', embedded.superuserUrl('postgres'));
  project.provide('superuserUrl', embedded.superuserUrl('postgres'));
  return async () => {
    await embedded.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
