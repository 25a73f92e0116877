/** PostgreSQL logins: their names, their passwords, and their making. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import pg from 'pg';
import type { Agency } from '../access/classes.ts';
import type { DatabaseServer } from '../config.ts';
import { LIMITS } from '../limits.ts';
import { inTransaction } from './owner.ts';

/** What a login of an organisation is for: its daily work, its restricted records, its emergencies. */
export type LoginKind = 'daily' | 'sealed' | 'emergency';

export const LOGIN_KINDS: readonly LoginKind[] = ['daily', 'sealed', 'emergency'];

/** The name of an organisation's login. */
export function loginName(database: string, organisation: string, kind: LoginKind): string {
  return `${database}_${organisation}${kind === 'daily' ? '' : `_${kind}`}`;
}

/** The login of a part of the machinery. */
export const machineLogin = (server: DatabaseServer, part: 'gate' | 'recorder'): string => `${server.logins ?? server.database}_${part}`;

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
  statement_timeout: `${LIMITS.statementSeconds}s`,
  lock_timeout: `${LIMITS.lockSeconds}s`,
  idle_in_transaction_session_timeout: `${LIMITS.idleInTransactionSeconds}s`,
  timezone: 'UTC',
  search_path: 'fsp, pg_catalog',
};

/** New logins, by their role's object id. */
const REGISTER = `
  insert into fsp.login (id, name, organisation, sealed, emergency)
  select r.oid::bigint, w.name, w.organisation, w.kind = 'sealed', w.kind = 'emergency'
  from unnest($1::text[], $2::integer[], $3::text[]) as w (name, organisation, kind)
  join pg_roles r on r.rolname = w.name
  on conflict (name) do update set organisation = excluded.organisation, sealed = excluded.sealed, emergency = excluded.emergency`;

/** After a restore into another cluster the roles have new object ids: the grants follow them, through negative ids so that no two meet. */
const RENEW = `
  do $$
  declare
    grants text;
  begin
    if not exists (select from fsp.login l join pg_roles r on r.rolname = l.name where l.id <> r.oid::bigint) then return; end if;
    foreach grants in array array['family_grant', 'person_grant', 'user_focus', 'user_rule', 'idempotency'] loop
      execute format('update fsp.%I g set login = -(r.oid::bigint) from fsp.login l join pg_roles r on r.rolname = l.name where g.login = l.id', grants);
      execute format('update fsp.%I set login = -login where login < 0', grants);
    end loop;
    update fsp.login l set id = -(r.oid::bigint) from pg_roles r where r.rolname = l.name;
    update fsp.login set id = -id where id < 0;
  end
  $$`;

type OrganisationRow = { id: number; code: string; agency: Agency };

/** Roles by these names that are there, and the agencies' roles they work as. Their maker, the owner, only administers them. */
const THERE = `
  select r.rolname as name, array_remove(array_agg(g.rolname::text), null) as agencies
  from pg_roles r
  left join pg_auth_members m on m.member = r.oid and not m.admin_option and r.rolname <> current_user
  left join pg_roles g on g.oid = m.roleid and starts_with(g.rolname, $2)
  where r.rolname = any ($1)
  group by r.rolname`;

async function databaseName(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ database: string }>('select current_database() as database');
  return (rows[0] as { database: string }).database;
}

/** Of one login at a time: enough for five servers (ten for reading and a few for writing each; of the gate's, eight). */
const CONNECTIONS = 60;

/** What makes a login, or brings the one that is there to this version. */
function loginStatements(verb: 'create' | 'alter', secret: string, name: string): string[] {
  const role = pg.escapeIdentifier(name);
  return [
    `${verb} role ${role} login connection limit ${CONNECTIONS} password ${pg.escapeLiteral(scramVerifier(secret, name))}`,
    ...Object.entries(SETTINGS).map(
      ([setting, value]) => `alter role ${role} set ${setting} = ${setting === 'search_path' ? value : pg.escapeLiteral(value)}`,
    ),
  ];
}

/** Makes and registers the logins of organisations, inside the caller's transaction. */
async function makeLogins(client: pg.Client, secret: string, database: string, organisations: OrganisationRow[]): Promise<void> {
  const wanted = organisations.flatMap(({ id, code, agency }) =>
    LOGIN_KINDS.map((kind) => ({ name: loginName(database, code, kind), organisation: id, agency, kind })),
  );
  const long = wanted.find(({ name }) => name.length > 63);
  if (long) throw new Error(`The login name ${long.name} is longer than the 63 characters PostgreSQL keeps.`);
  const prefix = `${database}_agency_`;
  const names = wanted.map(({ name }) => name);
  const look = async () => {
    const { rows } = await client.query<{ name: string; agencies: string[] }>(THERE, [names, prefix]);
    return new Map(rows.map(({ name, agencies }) => [name, agencies]));
  };
  const there = await look();
  const ownRole = (agency: Agency) => `${prefix}${agency.toLowerCase()}`;
  const statements = wanted.flatMap(({ name, agency }) => {
    const agencies = there.get(name);
    // The gate, the database's owner, somebody else's role: a password of ours would be the end of theirs.
    if (agencies?.length === 0)
      throw new Error(`The PostgreSQL role ${name} is there already and is no organisation's: take another code.`);
    const own = ownRole(agency);
    return [
      ...loginStatements(agencies ? 'alter' : 'create', secret, name),
      // Left from a database of this name that was dropped or restored: it must not open another agency's rows as well.
      ...(agencies ?? [])
        .filter((role) => role !== own)
        .map((role) => `revoke ${pg.escapeIdentifier(role)} from ${pg.escapeIdentifier(name)}`),
      `grant ${pg.escapeIdentifier(own)} to ${pg.escapeIdentifier(name)}`,
    ];
  });
  await client.query(statements.join(';\n'));
  // What another role gave, this one cannot take away: PostgreSQL only warns of it.
  const made = await look();
  const both = wanted.find(({ name, agency }) => made.get(name)?.some((role) => role !== ownRole(agency)));
  if (both) throw new Error(`The PostgreSQL role ${both.name} is of another agency as well, and not by its owner's doing: drop it first.`);
  await client.query(REGISTER, [names, wanted.map(({ organisation }) => organisation), wanted.map(({ kind }) => kind)]);
}

/**
 * Makes the logins of all organisations (and the gate's and the recorder's), as the database's owner. Safe to run at
 * every start.
 */
export async function provisionLogins(client: pg.Client, secret: string): Promise<void> {
  const database = await databaseName(client);
  const { rows: organisations } = await client.query<OrganisationRow>('select id, code, agency from fsp.organisation order by id');
  const machinery = ['gate', 'recorder'].map((part) => `${database}_${part}`);
  const { rows: there } = await client.query<{ name: string }>('select rolname as name from pg_roles where rolname = any ($1)', [
    machinery,
  ]);
  const verb = (role: string) => (there.some(({ name }) => name === role) ? 'alter' : 'create');
  await inTransaction(client, async () => {
    await client.query(machinery.flatMap((name) => loginStatements(verb(name), secret, name)).join(';\n'));
    await makeLogins(client, secret, database, organisations);
    await client.query(RENEW);
  });
}

/**
 * Makes the logins of one organisation, inside the caller's transaction.
 *
 * @throws when the secret is not the one that the other logins' passwords were derived from: the servers could not use
 *   what would be made.
 */
export async function provisionOrganisation(client: pg.Client, secret: string, organisation: OrganisationRow): Promise<void> {
  const database = await databaseName(client);
  const user = `${database}_gate`;
  const gate = new pg.Client({
    host: client.host,
    port: client.port,
    ssl: client.ssl,
    database,
    user,
    password: loginPassword(secret, user),
  });
  try {
    await gate.connect();
  } catch (error) {
    if ((error as { code?: string }).code !== '28P01') throw error;
    throw new Error('LOGIN_SECRET is not the one this database was migrated with: set the one that the servers have.');
  } finally {
    await gate.end().catch(() => {});
  }
  await makeLogins(client, secret, database, [organisation]);
}
