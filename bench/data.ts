/**
 * One PostgreSQL data folder for each size, made once and kept: migrated, with reference data, logins and the
 * demonstration, and generated families up to the size.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { AGREEMENT_VERSION } from '../src/access/agreement.ts';
import { maskOf } from '../src/access/classes.ts';
import { type Embedded, startEmbedded } from '../src/db/embedded.ts';
import { generateFamilies, withoutForeignKeys } from '../src/db/generate.ts';
import { PERSONAS } from '../src/db/personas.ts';
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
  for (const file of [...filesIn(path.join(root, 'drizzle')), path.join(root, 'src/db/generate.ts'), fileURLToPath(import.meta.url)])
    hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

/** As many families' grants are made at once. */
const GRANTS_AT_ONCE = 400;

/**
 * Gives every tenth family a decision to share, one to withhold about one person, and protected whereabouts of a member with whom the
 * bench's own user is named: the rules about them are asked of every row, and everybody is answered as before.
 */
async function decide(owner: pg.Client, user: string): Promise<void> {
  const tenth = `fsp.family f join lateral (select m.person from fsp.membership m join fsp.person_identity i on i.person = m.person
      where m.family = f.id and m.role in ('mother', 'father', 'child') order by i.date_of_birth limit 1) who on true
    where f.id % 10 = 0 and f.id >= ${FIRST_ID}`;
  const ledger = (about: string, dataClass: 'PROGRESS' | 'EDUCATION', effect: string, agency: string) =>
    `insert into fsp.sharing_decision (family, person, controller, data_classes, mask, effect, agency, gateway, reason, decided_by, "from", agreement_version)
     select f.id, ${about}, f.controller, array['${dataClass}'], ${maskOf([dataClass])}, '${effect}', '${agency}', 'CA1989-s17', 'x', 'x',
       now() - interval '30 days', '${AGREEMENT_VERSION}' from ${tenth}`;
  const named = (person: string) =>
    `insert into fsp.involvement (family, person, controller, worker, organisation, role, "from")
     select f.id, ${person}, f.controller, '${user}', f.controller, 'named-practitioner', now() - interval '30 days' from ${tenth}`;
  await owner.query('begin');
  await owner.query("select set_config('fsp.defer_grants', 'on', true)");
  await owner.query(ledger('null', 'PROGRESS', 'SHARE', 'HEALTH'));
  await owner.query(ledger('who.person', 'EDUCATION', 'WITHHOLD', 'EDUCATION'));
  await owner.query(named('null'));
  await owner.query(named('who.person'));
  await owner.query(
    `insert into fsp.whereabouts_protection (family, person, controller, reason, "from")
     select f.id, who.person, f.controller, 'x', now() - interval '30 days' from ${tenth}`,
  );
  await owner.query('commit');
  const { rows } = await owner.query<{ id: string }>(`select f.id from ${tenth} order by f.id`);
  for (let from = 0; from < rows.length; from += GRANTS_AT_ONCE)
    await owner.query('select fsp.rebuild_grants($1::bigint[])', [rows.slice(from, from + GRANTS_AT_ONCE).map(({ id }) => id)]);
}

async function fill(ownerUrl: string, families: number, decisions: boolean, say: (line: string) => void): Promise<void> {
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
    if (decisions) await decide(owner, PERSONAS.socialWorker.user);
    await owner.query('vacuum analyze');
    await owner.query('checkpoint').catch(() => {});
  } finally {
    await Promise.all([owner.end(), helper.end()]);
  }
}

/**
 * Starts the server of a size, and fills it where that has not been done. The caller stops it.
 *
 * @param decisions with decisions and protected whereabouts on every tenth family; a folder of its own.
 */
export async function openDataset(folder: string, families: number, say: (line: string) => void, decisions = false): Promise<Dataset> {
  const key = dataKey();
  const kind = decisions ? `${families}-decided-` : `${families}-`;
  const name = `${kind}${key}`;
  for (const other of existsSync(folder) ? readdirSync(folder) : []) {
    if (other.replace(/[0-9a-f]{12}$/, '') === kind && other !== name) rmSync(path.join(folder, other), { recursive: true, force: true });
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
      await fill(embedded.databaseUrl, families, decisions, say);
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
