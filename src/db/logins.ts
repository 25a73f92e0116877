/** PostgreSQL logins: their names, their passwords, and their making. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import pg from 'pg';
import type { Agency } from '../access/classes.ts';

/** The login of an organisation; its second, sealed one is for restricted records. */
export function loginName(database: string, organisation: string, sealed: boolean): string {
  return `${database}_${organisation}${sealed ? '_sealed' : ''}`;
}

/** A login's password, derived from the one secret. */
export function loginPassword(secret: string, login: string): string {
  return createHmac('sha256', secret).update(login).digest('base64url');
}

/**
 * The SCRAM-SHA-256 verifier that PostgreSQL stores (RFC 5803), made here so that no password is ever in an SQL text
 * or a log. The salt is derived too, so that provisioning again changes nothing.
 */
export function scramVerifier(secret: string, login: string): string {
  const salt = createHmac('sha256', secret).update(`salt:${login}`).digest().subarray(0, 16);
  const iterations = 4096;
  const salted = pbkdf2Sync(loginPassword(secret, login), salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const stored = createHash('sha256').update(clientKey).digest('base64');
  const server = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`;
}

/**
 * Settings of every organisation's login. Generic plans, because a list with `limit $n` would be planned anew at each
 * execution; no JIT, because a plan that runs for 200 µs is not worth compiling.
 */
const SETTINGS: Record<string, string> = {
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  statement_timeout: '10s',
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '15s',
  timezone: 'UTC',
  search_path: 'fsp, pg_catalog',
};

/** New logins, by their role's object id. */
const REGISTER = `
  insert into fsp.login (id, name, organisation, sealed)
  select r.oid::bigint, w.name, w.organisation, w.sealed
  from unnest($1::text[], $2::integer[], $3::boolean[]) as w (name, organisation, sealed)
  join pg_roles r on r.rolname = w.name
  on conflict (name) do update set organisation = excluded.organisation, sealed = excluded.sealed`;

/** After a restore into another cluster the roles have new object ids: the grants follow them, through negative ids so that no two meet. */
const RENEW = `
  do $$
  declare
    grants text;
  begin
    if not exists (select from fsp.login l join pg_roles r on r.rolname = l.name where l.id <> r.oid::bigint) then return; end if;
    foreach grants in array array['family_grant', 'person_grant', 'user_focus'] loop
      execute format('update fsp.%I g set login = -(r.oid::bigint) from fsp.login l join pg_roles r on r.rolname = l.name where g.login = l.id', grants);
      execute format('update fsp.%I set login = -login where login < 0', grants);
    end loop;
    update fsp.login l set id = -(r.oid::bigint) from pg_roles r where r.rolname = l.name;
    update fsp.login set id = -id where id < 0;
  end
  $$`;

type OrganisationRow = { id: number; code: string; agency: Agency };

/**
 * Makes the logins of all organisations (and the gate's and the recorder's), as the database's owner. Safe to run at
 * every start.
 */
export async function provisionLogins(client: pg.Client, secret: string): Promise<void> {
  const { rows: names } = await client.query<{ database: string }>('select current_database() as database');
  const database = (names[0] as { database: string }).database;
  const { rows: organisations } = await client.query<OrganisationRow>('select id, code, agency from fsp.organisation order by id');
  const wanted = organisations.flatMap(({ id, code, agency }) =>
    [false, true].map((sealed) => ({ name: loginName(database, code, sealed), organisation: id, agency, sealed })),
  );
  const long = wanted.find(({ name }) => name.length > 63);
  if (long) throw new Error(`The login name ${long.name} is longer than the 63 characters PostgreSQL keeps.`);
  const machinery = ['gate', 'recorder'].map((part) => `${database}_${part}`);
  const { rows: roles } = await client.query<{ rolname: string; member: boolean }>(
    'select rolname from pg_roles where rolname = any ($1)',
    [[...wanted.map(({ name }) => name), ...machinery]],
  );
  const existing = new Set(roles.map(({ rolname }) => rolname));
  const statements: string[] = [];
  const make = (name: string, limit: number) => {
    const role = pg.escapeIdentifier(name);
    statements.push(
      `${existing.has(name) ? 'alter' : 'create'} role ${role} login connection limit ${limit} password ${pg.escapeLiteral(scramVerifier(secret, name))}`,
    );
    for (const [setting, value] of Object.entries(SETTINGS)) {
      statements.push(`alter role ${role} set ${setting} = ${setting === 'search_path' ? value : pg.escapeLiteral(value)}`);
    }
    return role;
  };
  for (const { name, agency } of wanted) {
    const role = make(name, 60);
    statements.push(`grant ${pg.escapeIdentifier(`${database}_agency_${agency.toLowerCase()}`)} to ${role}`);
  }
  for (const name of machinery) make(name, 20);
  await client.query('begin');
  try {
    await client.query(statements.join(';\n'));
    await client.query(REGISTER, [
      wanted.map(({ name }) => name),
      wanted.map(({ organisation }) => organisation),
      wanted.map(({ sealed }) => sealed),
    ]);
    await client.query(RENEW);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
