/**
 * One PostgreSQL data folder for each size, made once and kept: migrated, with reference data, logins and the
 * demonstration, and generated families up to the size.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Embedded, startEmbedded } from '../src/db/embedded.ts';
import { generateFamilies, withoutForeignKeys } from '../src/db/generate.ts';
import { prepareDatabase } from '../src/db/prepare.ts';

export const DATABASE = 'bench';
export const LOGIN_SECRET = 'the secret of the logins of a bench on loopback';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const SEED = 20261101;
/** Below this id are the families of the demonstration. */
const FIRST_ID = 100_000;

/** What the server would have on a machine of its own; durability as in production. */
const SETTINGS = {
  shared_buffers: '2GB',
  effective_cache_size: '6GB',
  maintenance_work_mem: '512MB',
  max_wal_size: '8GB',
  fsync: 'on',
  synchronous_commit: 'on',
};

export type Dataset = { families: number; dataDir: string; embedded: Embedded; ownerUrl: string; made: Made };

/** How the data came to be: seconds it took, size on disk in bytes. */
export type Made = { families: number; seconds: number; bytes: number };

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** Changes with everything that decides what is in the database. */
export function dataKey(): string {
  const hash = createHash('sha256');
  for (const file of [...filesIn(path.join(root, 'drizzle')), path.join(root, 'src/db/generate.ts')]) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

async function fill(ownerUrl: string, families: number, say: (line: string) => void): Promise<void> {
  await prepareDatabase(ownerUrl, { authority: 'oxfordshire', loginSecret: LOGIN_SECRET, demonstration: true });
  const owner = await connect(ownerUrl);
  const helper = await connect(ownerUrl);
  try {
    const { rows } = await owner.query<{ n: number }>('select count(*)::int as n from fsp.family');
    const missing = families - (rows[0]?.n ?? 0);
    let told = Date.now();
    const onProgress = (done: number) => {
      if (Date.now() - told < 10_000) return;
      told = Date.now();
      say(`  ${done.toLocaleString('en')} of ${missing.toLocaleString('en')} families written`);
    };
    await withoutForeignKeys(owner, () =>
      generateFamilies(owner, { families: missing, seed: SEED, firstId: FIRST_ID, onProgress, helpers: [helper] }),
    );
    await owner.query('vacuum analyze');
    await owner.query('checkpoint').catch(() => {});
  } finally {
    await Promise.all([owner.end(), helper.end()]);
  }
}

/** Starts the server of a size, and fills it where that has not been done. The caller stops it. */
export async function openDataset(folder: string, families: number, say: (line: string) => void): Promise<Dataset> {
  const key = dataKey();
  const name = `${families}-${key}`;
  for (const other of existsSync(folder) ? readdirSync(folder) : []) {
    if (other.startsWith(`${families}-`) && other !== name) rmSync(path.join(folder, other), { recursive: true, force: true });
  }
  const dataDir = path.join(folder, name);
  const mark = path.join(dataDir, 'made.json');
  // Half a database is no database.
  if (existsSync(dataDir) && !existsSync(mark)) rmSync(dataDir, { recursive: true, force: true });
  const embedded = await startEmbedded(dataDir, DATABASE, SETTINGS);
  try {
    if (!existsSync(mark)) {
      say(`Writing ${families.toLocaleString('en')} families (once; kept for the next run)`);
      const started = Date.now();
      await fill(embedded.databaseUrl, families, say);
      const seconds = Math.round((Date.now() - started) / 1000);
      const owner = await connect(embedded.databaseUrl);
      const { rows } = await owner.query<{ bytes: string }>('select pg_database_size(current_database()) as bytes');
      await owner.end();
      writeFileSync(mark, JSON.stringify({ families, seconds, bytes: Number(rows[0]?.bytes) } satisfies Made));
    }
    const made = JSON.parse(readFileSync(mark, 'utf8')) as Made;
    return { families, dataDir, embedded, ownerUrl: embedded.databaseUrl, made };
  } catch (error) {
    await embedded.stop();
    throw error;
  }
}
