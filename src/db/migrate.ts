/** Brings a database to this version: tables (drizzle's migrations), then access SQL. And says whether it is there. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';

const folder = new URL('../../drizzle/', import.meta.url);

/** Any two migrators of the product meet on this lock. */
const LOCK = 7_246_337_001;

const accessTemplate = () => readFileSync(new URL('access.sql', folder), 'utf8');
const hash = (text: string) => createHash('sha256').update(text).digest('hex');

/** What PostgreSQL itself says of policies, grants, forced row-level security and our functions, as one digest. */
const DIGEST = 'select fsp.access_digest() as digest';

/** Applies what is missing, as the owner, one migrator at a time. */
export async function migrateDatabase(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await migrate(drizzle(client), { migrationsFolder: fileURLToPath(folder), migrationsSchema: 'fsp', migrationsTable: 'migration' });
    await mustAdminister(client);
    await applyAccess(client);
  } finally {
    await client.end();
  }
}

/**
 * From PostgreSQL 16 on an owner changes the roles that it made, or that a superuser lets it administer; to PostgreSQL 15
 * CREATEROLE was enough. Roles that came with a dump, or through an upgrade from 15, were made by another.
 */
async function mustAdminister(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select r.rolname as name from pg_roles r
     where current_setting('server_version_num')::int >= 160000
       and (starts_with(r.rolname, current_database() || '_agency_')
         or r.rolname in (current_database() || '_gate', current_database() || '_recorder')
         or r.rolname in (select l.name from fsp.login l))
       and not pg_has_role(current_user, r.oid, 'member with admin option')
     order by r.rolname`,
  );
  const first = rows[0];
  if (!first) return;
  throw new Error(
    `${rows.length} of the PostgreSQL roles (${first.name} is the first) were made by somebody else than the database's owner, who may ` +
      'not change them: a superuser gives them over as docs/operators.md says under "Moving it".',
  );
}

/** The part of the access SQL by which grants are written; when it changes, the grants there are were written by another. */
function grantsRule(template: string): string {
  const start = template.indexOf('create or replace function fsp.rebuild_grants');
  return hash(template.slice(start, template.indexOf('revoke all on function fsp.rebuild_grants', start)));
}

/** Families whose grants are rewritten in one transaction. */
const REBUILD_BATCH = 400;

/** Writes all grants anew, as a changed agreement or a changed rule wants them. */
async function rebuildGrants(client: pg.Client): Promise<void> {
  for (let after = 0; ; ) {
    const { rows } = await client.query<{ last: string | null }>(
      `with batch as (select id from fsp.family where id > $1 order by id limit ${REBUILD_BATCH}),
        rebuilt as materialized (select fsp.rebuild_grants(array(select id from batch)))
       select (select max(id) from batch) as last from rebuilt`,
      [after],
    );
    if (rows[0]?.last === null || rows[0]?.last === undefined) return;
    after = Number(rows[0].last);
  }
}

async function applyAccess(client: pg.Client): Promise<void> {
  const template = accessTemplate();
  await client.query(
    'create table if not exists fsp.access_state (one boolean primary key default true check (one), hash text not null, digest text not null, grants text not null)',
  );
  const { rows: state } = await client.query<{ hash: string; digest: string; grants: string }>(
    'select hash, digest, grants from fsp.access_state',
  );
  const digest = async () => (await client.query<{ digest: string }>(DIGEST)).rows[0]?.digest;
  const applied = state[0]?.hash === hash(template) && state[0].digest === (await digest().catch(() => null));
  if (!applied) await writeAccess(client, template, digest);
  // Noted when it is done: a migration that was broken off goes on here at its next run.
  const { rows: written } = await client.query<{ grants: string }>('select grants from fsp.access_state');
  if (written[0]?.grants === grantsRule(template)) return;
  await rebuildGrants(client);
  await client.query('update fsp.access_state set grants = $1', [grantsRule(template)]);
}

async function writeAccess(client: pg.Client, template: string, digest: () => Promise<string | undefined>): Promise<void> {
  const { rows } = await client.query<{ db: string; owner: string }>('select current_database() as db, current_user as owner');
  const { db, owner } = rows[0] as { db: string; owner: string };
  if (!/^[a-z][a-z0-9_]{0,29}$/.test(db)) {
    throw new Error(`The database's name must be at most 30 of a-z, 0-9 and _ (it names the logins); it is "${db}".`);
  }
  await client.query('begin');
  try {
    await client.query(template.replaceAll('{{db}}', db).replaceAll('{{owner}}', owner));
    await client.query(`grant select on fsp.access_state, fsp.migration to "${db}_gate"`);
    await client.query(
      'insert into fsp.access_state (hash, digest, grants) values ($1, $2, $3) on conflict (one) do update set hash = excluded.hash, digest = excluded.digest',
      [hash(template), await digest(), grantsRule(template)],
    );
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

/** How many migrations this version ships. */
function shippedMigrations(): number {
  const journal = JSON.parse(readFileSync(new URL('meta/_journal.json', folder), 'utf8')) as { entries: unknown[] };
  return journal.entries.length;
}

/**
 * What keeps this version from serving a database, in words; null when nothing does. Runs on the gate's login.
 *
 * @param query runs a statement and gives its rows.
 */
export async function databaseFault(query: (sql: string) => Promise<Record<string, unknown>[]>): Promise<string | null> {
  const migrations = Number((await query('select count(*)::int as n from fsp.migration'))[0]?.n);
  if (migrations !== shippedMigrations()) {
    return `The database has ${migrations} migrations and this version ships ${shippedMigrations()}: run "npm run db:migrate".`;
  }
  const state = (await query('select hash, digest, grants from fsp.access_state'))[0];
  if (state?.hash !== hash(accessTemplate())) return 'The access policies are of another version: run "npm run db:migrate".';
  if (state.digest !== (await query(DIGEST))[0]?.digest) {
    return 'The access policies in the database were changed by hand: run "npm run db:migrate" to put them back.';
  }
  const moved = await query(
    'select from fsp.login l where not exists (select from pg_roles r where r.rolname = l.name and r.oid::bigint = l.id) limit 1',
  );
  if (moved.length > 0)
    return 'The database was restored among roles with other ids, and its grants are nobody\'s: run "npm run db:migrate".';
  if (state.grants !== grantsRule(accessTemplate())) return 'The grants were written by another version: run "npm run db:migrate".';
  return null;
}
