/**
 * One PostgreSQL for the run: the embedded one, whose database owner is no superuser, with the demonstration loaded.
 * Files that change what others read make a database of their own (`ownDatabase`).
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
    superuserUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = path.join(tmpdir(), `fsp-test-${process.pid}`);
  const embedded = await startEmbedded(dataDir, 'fsp_test', { fsync: 'off' });
  await prepareDatabase(embedded.databaseUrl, { authority: 'oxfordshire', loginSecret: LOGIN_SECRET, demonstration: true });
  project.provide('ownerUrl', embedded.databaseUrl);
  project.provide('superuserUrl', embedded.superuserUrl('postgres'));
  return async () => {
    await embedded.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
