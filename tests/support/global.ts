/**
 * One PostgreSQL for the run, with the demonstration loaded: the embedded one, or the one that `TEST_DATABASE_URL` names.
 * The database's owner is no superuser on either. Files that change what others read make a database of their own
 * (`ownDatabase`).
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
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

/** What a file's own database is copied from: the demonstration's first part, and with the record told to its end. */
export const SEEDS = { bare: 'fsp_seed_bare', told: 'fsp_seed_told' };

/** Prepares the common database, and leaves the two others beside it, as which it was before its record was told and after. */
async function prepareCommon(ownerUrl: string, creatorUrl: string): Promise<void> {
  const { pathname, username } = new URL(ownerUrl);
  const copy = async (name: string) => {
    const creator = new pg.Client({ connectionString: creatorUrl.replace(/[^/]*$/, 'postgres') });
    await creator.connect();
    try {
      await creator.query(`drop database if exists ${name}`);
      await creator.query(`create database ${name} template ${pathname.slice(1)} owner ${username}`);
    } finally {
      await creator.end();
    }
  };
  await prepareDatabase(ownerUrl, { ...preparation, record: false });
  await copy(SEEDS.bare);
  await prepareDatabase(ownerUrl, preparation);
  await copy(SEEDS.told);
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const ownerUrl = process.env.TEST_DATABASE_URL;
  if (ownerUrl) {
    const superuserUrl = process.env.TEST_SUPERUSER_URL;
    // Left out in silence, the storm would be missed by nobody.
    if (!superuserUrl) throw new Error('TEST_DATABASE_URL wants TEST_SUPERUSER_URL beside it: the storm ends other roles’ connections.');
    await prepareCommon(ownerUrl, ownerUrl);
    project.provide('ownerUrl', ownerUrl);
    project.provide('creatorUrl', ownerUrl);
    project.provide('superuserUrl', superuserUrl);
    return async () => {};
  }
  const dataDir = path.join(tmpdir(), `fsp-test-${process.pid}`);
  const embedded = await startEmbedded(dataDir, 'fsp_test', { fsync: 'off' });
  await prepareCommon(embedded.databaseUrl, embedded.superuserUrl('postgres'));
  project.provide('ownerUrl', embedded.databaseUrl);
  project.provide('creatorUrl', embedded.superuserUrl('postgres'));
  project.provide('superuserUrl', embedded.superuserUrl('postgres'));
  return async () => {
    await embedded.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}
