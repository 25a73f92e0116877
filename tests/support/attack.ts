/** What the tests of attacks share: the shape that every refusal has, requests byte by byte, statements that reached the database. */
import { connect, type Socket } from 'node:net';
import pg from 'pg';
import { expect, inject } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { type Caller, callerOf, loginAt, type PersonaName, serverOf, type TestServer } from './server.ts';

export type Answer = { status: number; headers: Record<string, unknown>; text: string };

/** What answers, its language, its database, its source: none of it is anybody's business. */
const TELLS =
  /did you mean|apollo|graphql-js|fastify|node_modules|\.[jt]s:\d|\n\s+at |stacktrace|exception|postgres|select .* from|TypeError|RangeError|fsp\./i;

export const clean = (text: string): void => expect(text).not.toMatch(TELLS);

/** A refusal, wherever it was made: one shape, a code of our table with its status, nothing that tells of the inside, never kept. */
export function expectShape({ status, headers, text }: Answer, code?: ErrorCode | readonly ErrorCode[]): void {
  const body = JSON.parse(text);
  expect(Object.keys(body), text).toEqual(['errors']);
  expect(body.errors.length).toBeGreaterThan(0);
  expect(body.errors.length).toBeLessThanOrEqual(3);
  for (const error of body.errors) {
    expect(Object.keys(error).filter((key) => key !== 'locations')).toEqual(['message', 'extensions']);
    expect(error.message).toEqual(expect.stringMatching(/\S/));
    expect(Object.keys(ERRORS)).toContain(error.extensions.code);
    expect(status, text).toBe(ERRORS[error.extensions.code as ErrorCode].status);
  }
  if (code) expect([code].flat(), text).toContain(body.errors[0].extensions.code);
  clean(text);
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['content-type']).toMatch(/^application\/(graphql-response\+)?json; charset=utf-8$/);
  for (const name of ['x-powered-by', 'server']) expect(headers).not.toHaveProperty(name);
}

/** The headers of a caller who is known. */
export async function headersOf(server: TestServer, who: PersonaName | Caller): Promise<Record<string, string>> {
  return {
    authorization: `Bearer ${await server.token(who)}`,
    'content-type': 'application/json',
    'x-purpose-of-use': callerOf(who).purpose as string,
  };
}

/** Asks inside the process, with any method, address, headers and body; a header that is empty is left out. */
export async function send(
  server: TestServer,
  {
    method = 'POST',
    url = '/graphql',
    as = 'socialWorker',
    headers = {},
    body,
  }: {
    method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | 'HEAD';
    url?: string;
    as?: PersonaName;
    headers?: Record<string, string>;
    body?: string | Buffer;
  },
): Promise<Answer> {
  const all = Object.entries({ ...(await headersOf(server, as)), ...headers }).filter(([, value]) => value !== '');
  const response = await server.app.inject({
    method,
    url,
    headers: Object.fromEntries(all),
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: response.statusCode, headers: response.headers, text: response.body };
}

/** Opens a socket to a listening server. */
export function open(address: string): Promise<Socket> {
  const { hostname, port } = new URL(address);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** What a socket is sent until it is closed. */
export function received(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}

/** The first answer in what came over a socket. */
export function answerIn(raw: string): Answer {
  const end = raw.indexOf('\r\n\r\n');
  const [first = '', ...lines] = raw.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  return { status: Number(first.split(' ')[1]), headers, text: raw.slice(end + 4, length === undefined ? undefined : end + 4 + length) };
}

/** Sends bytes and gives the first answer, when the connection was closed. */
export async function raw(address: string, bytes: string | Buffer): Promise<Answer> {
  const socket = await open(address);
  const all = received(socket);
  socket.write(bytes);
  return answerIn(await all);
}

/** What the database knows of an organisation's login: how many connections it has, and how many of them work. */
export async function watchLogin(ownerUrl: string, organisation: string) {
  const admin = new pg.Client({ connectionString: inject('superuserUrl') });
  await admin.connect();
  const login = loginAt(ownerUrl, organisation);
  const count = async (condition: string) =>
    Number(
      (
        await admin.query(`select count(*) as n from pg_stat_activity where datname = $2 and usename = $1 and ${condition}`, [
          login,
          serverOf(ownerUrl).database,
        ])
      ).rows[0].n,
    );
  return {
    login,
    /** A login's connections are opened by its first statement; none means that no statement ever came. */
    connections: () => count('true'),
    working: () => count("state = 'active'"),
    end: () => admin.end(),
  };
}
