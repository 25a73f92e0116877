/** A server on the tests' database, and callers who ask it. */
import { type DocumentNode, print } from 'graphql';
import pg from 'pg';
import pino from 'pino';
import { inject } from 'vitest';
import { type DevelopmentIssuer, developmentIssuer } from '../../src/access/tokens.ts';
import { type DatabaseServer, parseDatabaseServer } from '../../src/config.ts';
import { type LoginKind, loginName, loginPassword, machineLogin } from '../../src/db/logins.ts';
import { CLIENTS, PERSONAS } from '../../src/db/personas.ts';
import { prepareDatabase } from '../../src/db/prepare.ts';
import type { AskAs } from '../../src/exchange/record-system.ts';
import { encodeId } from '../../src/read/ids.ts';
import { createServer, type Server, type ServerOptions } from '../../src/server.ts';
import { LOGIN_SECRET, SEEDS } from './global.ts';

export { LOGIN_SECRET, PERSONAS };

export type PersonaName = keyof typeof PERSONAS;

/** Who asks: a persona, or a client by name. */
export type Caller = { client: string; user?: string | null; purpose?: string | null; scopes?: string[]; organisation?: string };

export type Reply = { status: number; headers: Record<string, unknown>; text: string; body: { data?: any; errors?: any[] } };

export type TestServer = Server & {
  issuer: DevelopmentIssuer;
  ownerUrl: string;
  /** Asks GraphQL as somebody, inside the process. */
  ask(
    caller: PersonaName | Caller,
    document: string | DocumentNode,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Reply>;
  token(caller: PersonaName | Caller): Promise<string>;
};

export const callerOf = (caller: PersonaName | Caller): Caller => (typeof caller === 'string' ? PERSONAS[caller] : caller);

/** Where a database is. A copy has no logins of its own: its owner says by which database they are named. */
export function serverOf(ownerUrl: string): DatabaseServer {
  return { ...parseDatabaseServer(ownerUrl), logins: new URL(ownerUrl).username.replace(/_owner$/, '') };
}

/** A login of an organisation, there. */
export const loginAt = (ownerUrl: string, organisation: string, kind: LoginKind = 'daily'): string =>
  loginName(serverOf(ownerUrl).logins as string, organisation, kind);

/** Who sees the families of every team. */
export const FRONT_DOOR: Caller = { client: 'occ-front-door', user: 'philippa.nunn', purpose: 'SAFEGUARDING' };

/** A server on a database that is ready; the tests' common one unless another is named. */
export async function testServer(ownerUrl: string = inject('ownerUrl'), options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const issuer = await developmentIssuer(null);
  const server = await createServer({
    database: { server: serverOf(ownerUrl), loginSecret: LOGIN_SECRET },
    verify: issuer.verify,
    log: pino({ level: process.env.LOG_LEVEL ?? 'silent' }),
    // The tests of one file ask as few clients; those of budgets give their own.
    budget: { units: 1e9, restorePerSecond: 1e9 },
    familyBudget: { perUser: 1e9, perSync: 1e9 },
    ...options,
  });
  const tokens = new Map<string, Promise<string>>();
  const token = (who: PersonaName | Caller): Promise<string> => {
    const caller = callerOf(who);
    const client = CLIENTS.find(({ id }) => id === caller.client);
    const request = {
      clientId: caller.client,
      organisation: caller.organisation ?? client?.organisation ?? 'nobody',
      scopes: caller.scopes ?? client?.scopes ?? [],
      user: caller.user ?? null,
    };
    const key = JSON.stringify(request);
    if (!tokens.has(key)) tokens.set(key, issuer.sign(request));
    return tokens.get(key) as Promise<string>;
  };
  return {
    ...server,
    issuer,
    ownerUrl,
    token,
    async ask(who, document, variables = {}, headers = {}) {
      const caller = callerOf(who);
      const response = await server.app.inject({
        method: 'POST',
        url: '/graphql',
        headers: {
          authorization: `Bearer ${await token(who)}`,
          'content-type': 'application/json',
          ...(caller.purpose ? { 'x-purpose-of-use': caller.purpose } : {}),
          ...headers,
        },
        payload: { query: typeof document === 'string' ? document : print(document), variables },
      });
      let body: Reply['body'];
      try {
        body = JSON.parse(response.body);
      } catch {
        body = {};
      }
      return { status: response.statusCode, headers: response.headers, text: response.body, body };
    },
  };
}

/** A connection on an organisation's own login: what plain SQL can see. */
export async function sqlAs(
  organisation: string,
  kind: LoginKind | boolean = 'daily',
  ownerUrl: string = inject('ownerUrl'),
): Promise<pg.Client> {
  const server = serverOf(ownerUrl);
  const { host, port, database } = server;
  const user =
    organisation === 'gate' || organisation === 'recorder'
      ? machineLogin(server, organisation)
      : loginAt(ownerUrl, organisation, kind === true ? 'sealed' : kind === false ? 'daily' : kind);
  const client = new pg.Client({ host, port, database, user, password: loginPassword(LOGIN_SECRET, user) });
  await client.connect();
  return client;
}

/** A connection as the database's owner. */
export async function sqlAsOwner(ownerUrl: string = inject('ownerUrl')): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  return client;
}

/**
 * A copy of the tests' common database, for a file that changes what others read; gives its owner's address. Its logins are the
 * common ones: a file that changes these has a database made for it (`preparedDatabase`).
 *
 * @param record with what the demonstration's families have by commands too.
 */
export async function ownDatabase(name: string, record = false): Promise<string> {
  const url = new URL(inject('ownerUrl'));
  const creator = new pg.Client({ connectionString: inject('creatorUrl').replace(/[^/]*$/, 'postgres') });
  await creator.connect();
  try {
    await creator.query(`drop database if exists ${name} with (force)`);
    await creator.query(`create database ${name} template ${record ? SEEDS.told : SEEDS.bare} owner ${url.username}`);
  } finally {
    await creator.end();
  }
  url.pathname = `/${name}`;
  return url.toString();
}

/**
 * A database of its own on the tests' server, with logins of its own; gives its owner's address. The owner has what
 * docs/operators.md says and no more, whoever made it: a superuser, or a role with CREATEROLE and CREATEDB.
 *
 * @param record what the demonstration's families have by commands too: it takes a while.
 */
export async function preparedDatabase(name: string, demonstration = true, record = false): Promise<string> {
  const ownerUrl = await createdDatabase(name);
  await prepareDatabase(ownerUrl, { authority: 'oxfordshire', loginSecret: LOGIN_SECRET, demonstration, record });
  return ownerUrl;
}

/** The same, with nothing in it. */
export async function createdDatabase(name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: inject('creatorUrl') });
  await admin.connect();
  const secret = 'owner';
  try {
    const { rows } = await admin.query('select from pg_roles where rolname = $1', [`${name}_owner`]);
    if (rows.length === 0) await admin.query(`create role ${name}_owner login createrole nosuperuser password '${secret}'`);
    // Only a member of a role can give it a database.
    await admin.query(`grant ${name}_owner to current_user`);
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.query(`create database ${name} owner ${name}_owner`);
  } finally {
    await admin.end();
  }
  const url = new URL(inject('creatorUrl'));
  url.username = `${name}_owner`;
  url.password = secret;
  url.pathname = `/${name}`;
  return url.toString();
}

/** How what comes from a record system asks, inside the process. */
export const askOf =
  (server: TestServer, caller: Caller = { client: 'occ-record-system', purpose: 'RECORD_SYNC' }): AskAs =>
  async (query, variables) => {
    const { body } = await server.ask(caller, query, variables);
    return { data: body.data ?? null, errors: body.errors ?? [] };
  };

export { encodeId };
