/** `npm run demo`: one document about one family, asked as every agency, and the answers side by side. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import pino from 'pino';
import { type DevelopmentIssuer, developmentIssuer } from '../access/tokens.ts';
import { type Config, readConfig } from '../config.ts';
import { DEMONSTRATION_AUTHORITY } from '../db/callers.ts';
import { type Database, openDatabase } from '../db/database.ts';
import { defaultDataDir } from '../db/embedded.ts';
import { PERSONAS, type Persona } from '../db/personas.ts';
import { prepareDatabase } from '../db/prepare.ts';
import { SideBySideDocument } from '../graphql/operations/graphql.ts';
import { DEMONSTRATION_FAMILY, demonstrationToken } from '../portal/demonstration.ts';
import { type Answered, sideBySide } from '../portal/side-by-side.ts';
import { createServer } from '../server.ts';
import { command } from './command.ts';

/** Who is asked for, and the words above their column. */
const CALLERS: [Persona, string][] = [
  [PERSONAS.socialWorker, 'Social worker'],
  [PERSONAS.teamSpecialist, 'Team specialist'],
  [PERSONAS.healthVisitor, 'Health visitor'],
  [PERSONAS.school, 'School'],
  [PERSONAS.police, 'Police'],
  [PERSONAS.housingDesk, 'Cherwell housing'],
  [PERSONAS.provider, 'Turning Point'],
];

type Reply = { status: number; body: string };

/** Posts one GraphQL request. */
type Post = (headers: Record<string, string>, payload: string) => Promise<Reply>;

type Result<Data> = { data?: Data | null; errors?: Answered['errors'] };

/** Asks a typed document as somebody: what a client of the platform does. */
async function ask<Data, Variables>(
  post: Post,
  token: string,
  purpose: string,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Result<Data>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-purpose-of-use': purpose };
  const { status, body } = await post(headers, JSON.stringify({ query: print(document), variables }));
  const result = JSON.parse(body) as Result<Data>;
  if (status !== 200) throw new Error(`The server answered ${status}: ${result.errors?.[0]?.message ?? 'without a reason'}`);
  return result;
}

async function show(post: Post, issuer: DevelopmentIssuer): Promise<void> {
  const answers: Answered[] = [];
  for (const [{ client, user, purpose, agency }, head] of CALLERS) {
    const token = await demonstrationToken(issuer, client, user);
    const { data, errors } = await ask(post, token, purpose, SideBySideDocument, { id: DEMONSTRATION_FAMILY });
    answers.push({ head: [head, agency, purpose], ...(data ? { data } : {}), ...(errors ? { errors } : {}) });
  }
  console.log('One family, one document (operations/side-by-side.graphql), seven callers.\n');
  console.log(sideBySide(answers, 178));
}

/** Asks inside this process, on the database that the server would use. */
async function inProcess(config: Config, database: Database): Promise<void> {
  if (database.ownerUrl)
    await prepareDatabase(database.ownerUrl, { authority: config.authority, loginSecret: database.loginSecret, demonstration: true });
  const issuer = await developmentIssuer(database.dataDir);
  const server = await createServer({
    database,
    verify: issuer.verify,
    log: pino({ level: 'error' }, pino.destination(2)),
    prepare: config.prepare,
  });
  try {
    await show(async (headers, payload) => {
      const { statusCode, body } = await server.app.inject({ method: 'POST', url: '/graphql', headers, payload });
      return { status: statusCode, body };
    }, issuer);
  } finally {
    await server.close();
  }
}

/** Asks the server that is running on the same data folder. */
async function overHttp(config: Config, why: Error): Promise<void> {
  const issuer = await developmentIssuer(config.dataDir ?? defaultDataDir());
  const host = config.host === '0.0.0.0' ? '127.0.0.1' : config.host;
  const address = `http://${host.includes(':') ? `[${host}]` : host}:${config.port}`;
  await fetch(`${address}/livez`).catch(() => {
    throw new Error(`${why.message} (Nor does anything answer on ${address}, where the demo would have asked.)`);
  });
  await show(async (headers, payload) => {
    const response = await fetch(`${address}/graphql`, { method: 'POST', headers, body: payload });
    return { status: response.status, body: await response.text() };
  }, issuer);
}

await command(async () => {
  const config = readConfig(process.env);
  if (config.production || config.identity)
    throw new Error('The demo needs the development issuer: it is refused with NODE_ENV=production or JWKS_URL.');
  if (config.authority !== DEMONSTRATION_AUTHORITY)
    throw new Error(`The demo asks about families of ${DEMONSTRATION_AUTHORITY}; AUTHORITY is ${config.authority}.`);
  let database: Database;
  try {
    database = await openDatabase(config);
  } catch (error) {
    if (!(error as Error).message.startsWith('Another server')) throw error;
    return overHttp(config, error as Error);
  }
  try {
    await inProcess(config, database);
  } finally {
    await database.stop();
  }
});
