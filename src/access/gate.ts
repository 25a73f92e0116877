/**
 * What stands before a request has an organisation: clients, users, revoked tokens, read on the gate's login. Answers
 * are kept while the database can tell us of changes, and asked anew when it cannot.
 */
import postgres from 'postgres';
import type { DatabaseServer } from '../config.ts';
import { machineLogin } from '../db/logins.ts';
import { clientOptions } from '../db/pools.ts';
import { LIMITS } from '../limits.ts';
import type { Purpose } from './agreement.ts';
import type { Agency } from './classes.ts';

export type KnownClient = {
  id: string;
  name: string;
  organisation: { id: number; code: string; name: string };
  agency: Agency;
  scopes: string[];
  purposes: Purpose[];
  defaultPurpose: Purpose | null;
  honoursRestrictions: boolean;
};

export type Standing = {
  client: KnownClient | null;
  revoked: boolean;
  /** Null: no user was asked for. Without a name: there is no such user in the client's organisation. */
  user: { name: string | null } | null;
  login: Login | null;
  /** The organisation's login for emergencies. */
  emergencyLogin: Login | null;
};

type Login = { id: number; name: string; sealed: boolean };

export type Gate = {
  /** Who a token's client and user are now, and whether the token was revoked. */
  standing(clientId: string, user: string | null, jti: string): Promise<Standing>;
  /** Every client that is in use. */
  clients(): Promise<KnownClient[]>;
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** One statement of the feed with its parameters, over connections of its own. @throws what the database says */
  ask(sql: string, parameters: (string | null)[]): Promise<Record<string, unknown>[]>;
  /** Has somebody told whenever who stands where may have changed. */
  onChange(told: () => void): void;
  /** Listens to a channel; told as well when the connection was lost and is back, since nobody knows what was said meanwhile. */
  listen(channel: string, told: () => void): void;
  end(): Promise<void>;
};

// Lists as text: postgres.js would ask the server for the types of arrays, and a failure of that question is nobody's.
const STANDING = `
  select c.id, c.name, array_to_string(c.scopes, ' ') as scopes, array_to_string(c.purposes, ' ') as purposes, c.default_purpose, c.honours_restrictions, o.id as organisation, o.code, o.name as organisation_name, o.agency,
    (select true from fsp.revoked_token r where r.jti = $3::text) as revoked,
    (select u.name from fsp.app_user u where u.organisation = c.organisation and u.subject = $2::text and u.enabled) as user_name,
    l.id as login, l.name as login_name, l.sealed, e.id as emergency, e.name as emergency_name
  from fsp.client c
  join fsp.organisation o on o.id = c.organisation
  join fsp.login e on e.organisation = o.id and e.emergency
  join fsp.login l on l.organisation = o.id and not l.emergency
    and l.sealed = exists (select from fsp.sealed_user s where s.organisation = c.organisation and s.subject = $2::text)
  where c.id = $1::text and c.enabled`;

const CLIENTS = `
  select c.id, c.name, array_to_string(c.scopes, ' ') as scopes, array_to_string(c.purposes, ' ') as purposes, c.default_purpose, c.honours_restrictions, o.id as organisation, o.code, o.name as organisation_name, o.agency
  from fsp.client c
  join fsp.organisation o on o.id = c.organisation
  where c.enabled
  order by c.id`;

type ClientRow = {
  id: string;
  name: string;
  scopes: string;
  purposes: string;
  default_purpose: Purpose | null;
  honours_restrictions: boolean;
  organisation: number;
  code: string;
  organisation_name: string;
  agency: Agency;
};

type Row = ClientRow & {
  revoked: boolean | null;
  user_name: string | null;
  login: string;
  login_name: string;
  sealed: boolean;
  emergency: string;
  emergency_name: string;
};

export function createGate(server: DatabaseServer, secret: string): Gate {
  const options = clientOptions(server, machineLogin(server, 'gate'), secret, 3);
  const sql = postgres(options);
  // Whoever reads the feed waits for others who do, and nobody waits for them to be recognised.
  const feeds = postgres(options);
  let listening = false;
  // What was read before a change and comes after it must not be kept.
  let changes = 0;
  const kept = new Map<string, { standing: Standing; until: number }>();
  const hearers: (() => void)[] = [];
  const forget = () => {
    changes++;
    kept.clear();
    for (const told of hearers) told();
  };
  const listener = postgres({
    ...options,
    max: 1,
    idle_timeout: 0,
    onclose: () => {
      listening = false;
      forget();
    },
  });
  const channels: Promise<unknown>[] = [];
  const started = listener
    .listen('fsp_gate', forget, () => {
      forget();
      listening = true;
    })
    .catch(() => {});
  return {
    async standing(clientId, user, jti) {
      const key = JSON.stringify([clientId, user, jti]);
      const found = listening ? kept.get(key) : undefined;
      if (found && found.until > performance.now()) return found.standing;
      const before = changes;
      const rows = await sql.unsafe<Row[]>(STANDING, [clientId, user, jti] as never[], { prepare: false });
      const standing = standingOf(rows[0], user);
      if (listening && changes === before) {
        if (kept.size >= LIMITS.standingsKept) kept.clear();
        kept.set(key, { standing, until: performance.now() + LIMITS.standingKeptSeconds * 1000 });
      }
      return standing;
    },
    async clients() {
      return (await sql.unsafe<ClientRow[]>(CLIENTS, [], { prepare: false })).map(clientOf);
    },
    query: (text) => sql.unsafe(text) as unknown as Promise<Record<string, unknown>[]>,
    ask: (text, parameters) =>
      feeds.unsafe(text, parameters as never[], { prepare: false }) as unknown as Promise<Record<string, unknown>[]>,
    onChange: (told) => void hearers.push(told),
    listen: (channel, told) => void channels.push(listener.listen(channel, told, told).catch(() => {})),
    async end() {
      await Promise.all([started, ...channels]);
      await Promise.all([sql.end({ timeout: 2 }), feeds.end({ timeout: 2 }), listener.end({ timeout: 2 })]);
    },
  };
}

function clientOf(row: ClientRow): KnownClient {
  return {
    id: row.id,
    name: row.name,
    organisation: { id: row.organisation, code: row.code, name: row.organisation_name },
    agency: row.agency,
    scopes: row.scopes.split(' ').filter(Boolean),
    purposes: row.purposes.split(' ').filter(Boolean) as Purpose[],
    defaultPurpose: row.default_purpose,
    honoursRestrictions: row.honours_restrictions,
  };
}

function standingOf(row: Row | undefined, user: string | null): Standing {
  if (!row) return { client: null, revoked: false, user: null, login: null, emergencyLogin: null };
  return {
    client: clientOf(row),
    revoked: row.revoked === true,
    user: user === null ? null : { name: row.user_name },
    login: { id: Number(row.login), name: row.login_name, sealed: row.sealed },
    emergencyLogin: { id: Number(row.emergency), name: row.emergency_name, sealed: false },
  };
}
