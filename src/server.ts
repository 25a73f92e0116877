/** Composition root: everything the server is made of, put together once. */

import { createHmac } from 'node:crypto';
import { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import postgres from 'postgres';
import { authenticate, correlationIdOf, PurposeRefused, requestIdOf } from './access/authenticate.ts';
import type { Agency } from './access/classes.ts';
import type { Client } from './access/client.ts';
import { createGate } from './access/gate.ts';
import { deriveRules } from './access/rules.ts';
import type { VerifyToken } from './access/tokens.ts';
import { viewFor } from './access/view.ts';
import { runCommand } from './change/command.ts';
import type { DatabaseServer } from './config.ts';
import { databaseFault } from './db/migrate.ts';
import { clientOptions, createPools } from './db/pools.ts';
import { createTransactions } from './db/transactions.ts';
import { planRecord, recordText } from './disclosure/record.ts';
import { type Batch, createRecorder } from './disclosure/recorder.ts';
import { ERRORS, type ErrorCode, errorBody, type FormattedError, formatError, PublicError } from './errors.ts';
import { schemaFaults } from './graphql/check.ts';
import { type AssembledSchema, assembleSchema } from './graphql/schema.ts';
import { BINDINGS, COMMANDS, ROOTS } from './modules/index.ts';
import { sharingResolvers } from './modules/sharing/resolvers.ts';
import { createPlanner } from './read/plan.ts';
import { Answer, compiledReads, type RequestContext, scrub } from './read/run.ts';

export type ServerOptions = {
  database: { server: DatabaseServer; loginSecret: string };
  verify: VerifyToken;
  log: Logger;
  prepare?: boolean;
  allowedHosts?: string[];
  allowedOrigins?: string[];
  /** Off for the bench alone, which measures what it costs. */
  disclosure?: boolean;
};

export type Server = {
  app: FastifyInstance;
  /** Listens; gives the address. */
  listen(options: { host: string; port: number }): Promise<string>;
  /** Stops taking requests, finishes those under way, closes every connection. */
  close(): Promise<void>;
};

/** The product's schema, checked. @throws naming everything that was forgotten. */
export function productSchema(): AssembledSchema {
  const assembled: AssembledSchema = assembleSchema(sharingResolvers(() => assembled.classes) as never);
  const faults = schemaFaults(assembled, BINDINGS, ROOTS, COMMANDS);
  if (faults.length > 0) throw new Error(`The schema cannot be served:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  return assembled;
}

/** Largest request body, in bytes. */
const BODY_LIMIT = 256 * 1024;

const HOST = /^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$|^\[[0-9a-fA-F:]{2,45}\](:\d{1,5})?$/;

/**
 * Makes a server. It refuses to be made when the schema is not whole, or the database is not of this version.
 *
 * @throws with every reason in words.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { database, verify, log } = options;
  const assembled = productSchema();
  const rules = deriveRules(assembled.schema, assembled.classes);
  const secret = database.loginSecret;
  const name = database.server.database;

  const gate = createGate(database.server, name, secret);
  const fault = await databaseFault(gate.query).catch(async (error) => {
    await gate.end();
    throw error;
  });
  if (fault) {
    await gate.end();
    throw new Error(fault);
  }
  const pools = createPools(database.server, secret);
  const transactions = createTransactions(database.server, secret);
  const recorderSql = postgres(clientOptions(database.server, `${name}_recorder`, secret, 2));
  const recorder = createRecorder(async (batch: Batch) => {
    await recorderSql.unsafe(
      "insert into fsp.disclosure (chain, sequence, previous, hash, count, records) values ($1::uuid, $2::bigint, decode($3::text, 'hex'), decode($4::text, 'hex'), $5::int, $6::text) on conflict do nothing",
      [
        batch.chain,
        String(batch.sequence),
        batch.previous.toString('hex'),
        batch.hash.toString('hex'),
        String(batch.count),
        batch.records,
      ] as never[],
      { prepare: options.prepare ?? true },
    );
  });

  const views = new Map<Agency, GraphQLSchema>();
  const staticSchema = (agency: Agency) => {
    let view = views.get(agency);
    if (!view) {
      view = rules.guard(viewFor(assembled.schema, assembled.classes, agency));
      views.set(agency, view);
    }
    return view;
  };

  const logFailure = (error: unknown, client: Client) =>
    log.error({ err: error, request: client.requestId, client: client.id }, 'request failed');
  const apollo = new ApolloServer<RequestContext>({
    schema: assembled.schema,
    introspection: true,
    persistedQueries: false,
    allowBatchedHttpRequests: false,
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: true,
    stopOnTerminationSignals: false,
    maxRecursiveSelections: 1000,
    parseOptions: { maxTokens: 5000 },
    validationOptions: { maxErrors: 3 },
    nodeEnv: 'production',
    logger: { debug: () => {}, info: () => {}, warn: (m) => log.warn(m), error: (m) => log.error(m) },
    stringifyResult: (result) =>
      (result.data as unknown) instanceof Answer ? (result.data as unknown as Answer).text : JSON.stringify(result),
    formatError: (formatted) => ({
      ...apolloError(formatted.extensions?.code, formatted.message),
      ...(formatted.locations ? { locations: formatted.locations } : {}),
    }),
    plugins: [
      compiledReads({
        pools,
        planner: createPlanner(assembled, BINDINGS, ROOTS, rules, options.disclosure !== false),
        schema: assembled.schema,
        recorder: options.disclosure === false ? null : recorder,
        cursorSecret: createHmac('sha256', secret).update('cursors').digest(),
        prepare: options.prepare ?? true,
        staticSchema,
        command: (field, input, client) => runCommand(transactions, COMMANDS, field, input, client),
        log: logFailure,
      }),
    ],
  });
  await apollo.start();

  const app = Fastify({
    bodyLimit: BODY_LIMIT,
    trustProxy: false,
    logger: false,
    routerOptions: { maxParamLength: 200 },
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    requestTimeout: 30_000,
  });
  // An API has no page to protect: of helmet's headers those that say so, each of which is written for every answer.
  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginOpenerPolicy: false,
    dnsPrefetchControl: false,
    frameguard: false,
    ieNoOpen: false,
    originAgentCluster: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
  });
  const sendErrors = (reply: FastifyReply, status: number, errors: FormattedError[]) =>
    reply.code(status).type('application/json; charset=utf-8').send(errorBody(errors));
  const sendError = (reply: FastifyReply, error: unknown) => {
    const { status, ...shown } = formatError(error);
    return sendErrors(reply, status, [shown]);
  };

  app.addHook('onRequest', async (request, reply) => {
    const id = requestIdOf(request.headers);
    (request as Identified).requestId = id;
    void reply.header('x-request-id', id);
    const correlation = correlationIdOf(request.headers);
    if (correlation) void reply.header('x-correlation-id', correlation);
    void reply.header('cache-control', 'no-store');
    const host = request.headers.host ?? '';
    const allowed = options.allowedHosts ?? [];
    if (!HOST.test(host) || (allowed.length > 0 && !allowed.includes(host.replace(/:\d+$/, '')) && !allowed.includes(host))) {
      return sendError(reply, new PublicError('BAD_REQUEST', 'This host is not served here.'));
    }
    const { origin } = request.headers;
    if (origin && (options.allowedOrigins ?? []).includes(origin)) {
      void reply
        .header('access-control-allow-origin', origin)
        .header('vary', 'Origin')
        .header('access-control-expose-headers', 'x-request-id, x-correlation-id');
      if (request.method === 'OPTIONS') {
        return reply
          .code(204)
          .header('access-control-allow-methods', 'POST')
          .header('access-control-allow-headers', 'authorization, content-type, x-purpose-of-use, x-request-id, x-correlation-id')
          .header('access-control-max-age', '600')
          .send();
      }
    }
  });
  app.setNotFoundHandler((_request, reply) => sendError(reply, new PublicError('NOT_FOUND')));
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof PublicError) return sendError(reply, error);
    const status = (error as { statusCode?: number }).statusCode ?? 500;
    if (status === 413) return sendError(reply, new PublicError('PAYLOAD_TOO_LARGE'));
    if (status === 415) return sendError(reply, new PublicError('UNSUPPORTED_MEDIA_TYPE'));
    if (status >= 400 && status < 500) return sendError(reply, new PublicError('BAD_REQUEST'));
    if (status === 503) return sendError(reply, new PublicError('UNAVAILABLE'));
    log.error({ err: error, request: (request as Identified).requestId }, 'request failed');
    return sendError(reply, error);
  });

  app.get('/livez', async () => ({ status: 'live' }));
  app.get('/readyz', async (_request, reply) => {
    try {
      const why = await databaseFault(gate.query);
      if (why) throw new Error(why);
      // The recorder's own INSERT, of a batch that is always there already or is empty.
      await recorderSql.unsafe(
        "insert into fsp.disclosure (chain, sequence, previous, hash, count, records) select '00000000-0000-0000-0000-000000000000'::uuid, 0, ''::bytea, ''::bytea, 0, '[]' where false",
      );
      return { status: 'ready' };
    } catch (error) {
      log.warn({ err: error }, 'not ready');
      return sendError(reply, new PublicError('UNAVAILABLE'));
    }
  });

  const authenticated = async (request: FastifyRequest, reply: FastifyReply) => {
    const asking = request as Identified;
    try {
      asking.client = await authenticate({ headers: request.headers, address: request.ip }, verify, gate, asking.requestId);
    } catch (error) {
      if (error instanceof PurposeRefused) await recordRefusal(error);
      else if (!(error instanceof PublicError) || error.cause)
        log.error({ err: (error as Error).cause ?? error, request: asking.requestId }, 'authentication failed');
      if (error instanceof PublicError && error.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer');
      return sendError(reply, error);
    }
  };
  const recordRefusal = (refused: PurposeRefused) =>
    recorder.record(
      recordText(
        refused.client,
        planRecord(null, '', [], [], [{ field: 'Query', class: 'STRUCTURE', reason: 'NOT_FOR_THIS_PURPOSE', at: '' }]),
        { families: [], persons: [] },
      ),
    );

  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    onRequest: authenticated,
    handler: fastifyApolloHandler(apollo, {
      context: async (request) => Object.freeze({ client: (request as Identified).client as Client }),
    }),
  });

  return {
    app,
    listen: (address) => app.listen(address),
    async close() {
      await app.close();
      await apollo.stop();
      await recorder.end();
      await Promise.all([pools.end(), transactions.end(), gate.end(), recorderSql.end({ timeout: 5 })]);
    },
  };
}

type Identified = FastifyRequest & { requestId: string; client?: Client };

/** An error that Apollo Server made (parse, validation, HTTP), with nothing in it that names what the caller cannot see. */
function apolloError(code: unknown, message: string): FormattedError {
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL';
  const said = known === 'INTERNAL' ? ERRORS.INTERNAL.words : scrub(message);
  return { message: said, extensions: { code: known } };
}
