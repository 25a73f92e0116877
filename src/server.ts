/** Composition root: everything the server is made of, put together once. */

import { createHmac } from 'node:crypto';
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { type Asking, authenticate, correlationIdOf, PurposeRefused } from './access/authenticate.ts';
import { type Budget, createBudgets, rateLimitHeaders } from './access/budget.ts';
import type { Agency } from './access/classes.ts';
import type { Client } from './access/client.ts';
import { createGate } from './access/gate.ts';
import { deriveRules } from './access/rules.ts';
import type { VerifyToken } from './access/tokens.ts';
import { viewFor } from './access/view.ts';
import { runCommand } from './change/command.ts';
import { createFeed } from './change/feed.ts';
import { createNews } from './change/news.ts';
import { webhookSecret } from './change/standard-webhooks.ts';
import { createDeliverer, type WebhookOptions } from './change/webhooks.ts';
import type { DatabaseServer } from './config.ts';
import { databaseFault } from './db/migrate.ts';
import { createPools, databaseError } from './db/pools.ts';
import { createTransactions } from './db/transactions.ts';
import { createFamilies, type FamilyBudget } from './disclosure/budget.ts';
import { createHeads, type HeadKeeper } from './disclosure/heads.ts';
import { createIndexer } from './disclosure/indexer.ts';
import { NOBODY, planRecord, recordText, strangersRecord } from './disclosure/record.ts';
import { createRecorder } from './disclosure/recorder.ts';
import { createStore } from './disclosure/store.ts';
import { createTally } from './disclosure/tally.ts';
import { PublicError, Unauthenticated } from './errors.ts';
import { addOpenReferral } from './exchange/open-referral/serve.ts';
import { APOLLO_SWITCHES, apolloError } from './graphql/apollo.ts';
import { schemaFaults } from './graphql/check.ts';
import { documentLimits } from './graphql/limits.ts';
import { type AssembledSchema, assembleSchema } from './graphql/schema.ts';
import { createHttp, type Identified, sendError } from './http.ts';
import { LIMITS } from './limits.ts';
import { explainResolvers } from './modules/explain/resolvers.ts';
import { BINDINGS, COMMANDS, ROOTS } from './modules/index.ts';
import { sharingResolvers } from './modules/sharing/resolvers.ts';
import { addEvidencePages, type PageOptions } from './portal/evidence-pack.ts';
import { addOutcomesPages } from './portal/outcomes.ts';
import { addPulledDocuments } from './portal/pull.ts';
import { addSharingPages, type SharingReaders } from './portal/sharing.ts';
import { addSubjectAccessPages } from './portal/subject-access.ts';
import { openTypes } from './read/feed.ts';
import { createPlanner } from './read/plan.ts';
import { Answer, budgetSpent, compiledReads, type RequestContext, spentRecord } from './read/run.ts';
import { addSubscriptions } from './subscriptions/connections.ts';
import { createMetrics, type Metrics, nothingTold } from './watch.ts';

export type ServerOptions = {
  database: { server: DatabaseServer; loginSecret: string };
  verify: VerifyToken;
  log: Logger;
  prepare?: boolean;
  allowedHosts?: string[];
  allowedOrigins?: string[];
  /** What each client may ask within a time. */
  budget?: Budget;
  /** What anybody may ask of the public directory, for each address. */
  publicBudget?: Budget;
  /** How many families a user may open within an hour. */
  familyBudget?: FamilyBudget;
  /** Where the record's heads are kept, signed; absent: nowhere. */
  heads?: HeadKeeper;
  /** Delivers webhooks, as long as no other server does; absent: not. */
  webhooks?: WebhookOptions;
  /** As whom the page of who checks may be opened without a token; absent, as in production: as nobody. */
  readers?: SharingReaders;
  /** As whom the pictures of the outcome framework may be seen without a token; absent, as in production: as nobody. */
  outcomeReaders?: SharingReaders;
  /** Off for the bench alone, which measures what it costs. */
  disclosure?: boolean;
};

export type Server = {
  app: FastifyInstance;
  metrics: Metrics;
  /** Listens; gives the address. */
  listen(options: { host: string; port: number }): Promise<string>;
  /** Stops taking requests, finishes those under way, closes every connection. */
  close(): Promise<void>;
};

/** What is the same at every call is made at the first. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The product's schema, checked; made once. @throws naming everything that was forgotten. */
export const productSchema = once((): AssembledSchema => {
  const assembled: AssembledSchema = assembleSchema({
    Query: {
      ...sharingResolvers(() => assembled.classes).Query,
      ...explainResolvers(() => ({ schema: assembled.schema, classes: assembled.classes, bindings: BINDINGS })).Query,
    },
  } as never);
  const faults = schemaFaults(assembled, BINDINGS, ROOTS, COMMANDS);
  if (faults.length > 0) throw new Error(`The schema cannot be served:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  return assembled;
});

/** The rules of each field, and the schemas that each agency's static roots are answered from, under these rules; made once. */
const guarded = once(() => {
  const { schema, classes } = productSchema();
  const rules = deriveRules(schema, classes);
  const views = new Map<Agency, GraphQLSchema>();
  const viewOf = (agency: Agency): GraphQLSchema => {
    const view = views.get(agency) ?? rules.guard(viewFor(schema, classes, agency));
    views.set(agency, view);
    return view;
  };
  return { rules, viewOf };
});

/**
 * Makes a server. It refuses to be made when the schema is not whole, or the database is not of this version.
 *
 * @throws with every reason in words.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { database, verify, log } = options;
  const assembled = productSchema();
  const { rules, viewOf } = guarded();
  const secret = database.loginSecret;
  const cursorSecret = createHmac('sha256', secret).update('cursors').digest();

  const gate = createGate(database.server, secret);
  const fault = await databaseFault(gate.query).catch(async (error) => {
    await gate.end();
    throw error;
  });
  if (fault) {
    await gate.end();
    throw new Error(fault);
  }
  const metrics = createMetrics(() => pools.load());
  const pools = createPools(database.server, secret, metrics.waited, metrics.ran);
  const budgets = createBudgets(options.budget);
  const transactions = createTransactions(database.server, secret);
  const store = createStore(database.server, secret, options.prepare ?? true, metrics.disclosed);
  const indexer = createIndexer(store.index, (error) => log.warn({ err: error }, 'the disclosure record was not made readable'));
  const heads =
    options.heads && createHeads(options.heads, (error) => log.error({ err: error }, 'the heads of the record could not be kept'));
  const recorder = createRecorder(store, {
    durable(batch) {
      indexer.noted();
      heads?.durable(batch);
    },
  });
  const tally = createTally(recorder.record);

  const logFailure = (error: unknown, client: Client) =>
    log.error({ err: error, request: client.requestId, correlation: client.correlationId, client: client.id }, 'request failed');
  const feed = createFeed(gate, cursorSecret);
  const apollo = new ApolloServer<RequestContext>({
    schema: assembled.schema,
    ...APOLLO_SWITCHES,
    validationRules: [documentLimits],
    logger: { debug: () => {}, info: () => {}, warn: (m) => log.warn(m), error: (m) => log.error(m) },
    stringifyResult: (result) =>
      (result.data as unknown) instanceof Answer ? (result.data as unknown as Answer).text : JSON.stringify(result),
    formatError: apolloError,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      compiledReads({
        pools,
        planner: createPlanner(assembled, BINDINGS, ROOTS, rules, { discloses: options.disclosure !== false, planned: metrics.planned }),
        feed,
        budgets,
        families: createFamilies(options.familyBudget),
        alert: (alert, client) => {
          metrics.alerted(alert);
          log.warn(
            {
              alert,
              request: client.requestId,
              correlation: client.correlationId,
              client: client.id,
              organisation: client.organisation.code,
            },
            'more families than one person may open within an hour',
          );
        },
        schema: assembled.schema,
        recorder: options.disclosure === false ? null : recorder,
        tally,
        fresh: indexer.fresh,
        cursorSecret,
        prepare: options.prepare ?? true,
        staticSchema: viewOf,
        command: (field, input, client) => runCommand(transactions, COMMANDS, field, input, client),
        sources: (asker) => ({
          async ask(login, sql, parameters) {
            const rows = await pools
              .of(login)
              .query(sql, parameters, false, asker)
              .catch((error) => {
                throw databaseError(error);
              });
            return rows[0]?.j as string;
          },
          standing: (client, user) => gate.standing(client, user, ''),
          clients: () => gate.clients(),
          fresh: indexer.fresh,
          webhookSecret: (salt, generation) => webhookSecret(secret, salt, generation),
        }),
        log: logFailure,
      }),
    ],
  });
  await apollo.start();
  /** Asks from inside, as a page, a subscription or a webhook does. @returns the body as text: `data`, or `errors`. */
  const ask = async (request: { query: string; variables?: Record<string, unknown>; operationName?: string }, context: RequestContext) => {
    const { http, body } = await apollo.executeOperation(request, { contextValue: Object.freeze(context) });
    const result = body.kind === 'single' ? body.singleResult : {};
    const data: unknown = (result as { data?: unknown }).data;
    return { status: http.status ?? 200, headers: http.headers, text: data instanceof Answer ? data.text : JSON.stringify(result) };
  };

  const app = await createHttp({ ...options, metrics });
  app.get('/livez', async () => ({ status: 'live' }));
  app.get('/readyz', async (request, reply) => {
    try {
      const why = await databaseFault(gate.query);
      if (why) throw new Error(why);
      await store.ready();
      return { status: 'ready' };
    } catch (error) {
      log.warn({ err: error, request: (request as Identified).requestId }, 'not ready');
      return sendError(request, reply, new PublicError('UNAVAILABLE'));
    }
  });

  /** One unit before anything is read or put on record: what is malformed or refused is not free. */
  const charge = (client: Client) => {
    const { granted, wait } = budgets.take(client.id, 1);
    if (granted) return;
    tally.note(`BUDGET_SPENT ${client.id} ${client.user}`, (count) => spentRecord(client, count));
    throw budgetSpent(wait);
  };
  /** Who asks: that nobody was recognised, or a purpose refused, is put on record. @param paying told whose budget pays. */
  const recognise = async (asking: Asking, requestId: string, paying: (client: Client) => void = () => {}): Promise<Client> => {
    try {
      const client = await authenticate(asking, verify, gate, requestId).catch(async (error) => {
        if (error instanceof PurposeRefused) {
          paying(error.client);
          charge(error.client);
          await recordRefusal(error);
        }
        throw error;
      });
      paying(client);
      charge(client);
      return client;
    } catch (error) {
      if (!(error instanceof PublicError) || error.cause)
        log.error(
          { err: (error as Error).cause ?? error, request: requestId, correlation: correlationIdOf(asking.headers) },
          'authentication failed',
        );
      if (error instanceof Unauthenticated) tally.note(error.why, (count) => strangersRecord(error.why, count));
      throw error;
    }
  };
  const authenticated = async (request: FastifyRequest, reply: FastifyReply) => {
    const asking = request as Identified;
    try {
      asking.client = await recognise({ headers: request.headers, address: request.ip }, asking.requestId, (client) => {
        asking.payer = client.id;
        asking.asker.who = `${client.id} ${client.user ?? ''}`;
      });
    } catch (error) {
      if (error instanceof Unauthenticated) {
        asking.told.why = error.why;
        void reply.header('www-authenticate', 'Bearer');
      }
      return sendError(request, reply, error);
    }
  };
  const recordRefusal = (refused: PurposeRefused) =>
    recorder.record(
      recordText(
        refused.client,
        planRecord(null, '', [], [], [{ field: 'Query', class: 'STRUCTURE', reason: 'NOT_FOR_THIS_PURPOSE', at: '' }]),
        NOBODY,
        { failed: refused.code },
      ),
    );

  /** Before a mutation has had its effect, not after. */
  const acceptable = async (request: FastifyRequest, reply: FastifyReply) => {
    if (!ACCEPTS_JSON.test(request.headers.accept || '*/*')) return sendError(request, reply, new PublicError('NOT_ACCEPTABLE'));
  };
  /** Before it is parsed: what was parsed is kept with its text. */
  const sizeable = async (request: FastifyRequest, reply: FastifyReply) => {
    const { query } = ((request.method === 'GET' ? request.query : request.body) ?? {}) as { query?: unknown };
    if (typeof query !== 'string' || query.length <= LIMITS.documentCharacters) return;
    const words = `A document may have ${LIMITS.documentCharacters} characters.`;
    return sendError(request, reply, new PublicError('OPERATION_TOO_LARGE', words, { limit: 'documentCharacters' }));
  };
  app.route({
    method: app.supportedMethods.filter((method) => method !== 'GET' && method !== 'POST'),
    url: '/graphql',
    onRequest: async (request, reply) =>
      sendError(request, reply, new PublicError('METHOD_NOT_ALLOWED', undefined, {}, { allow: 'GET, POST' })),
    handler: async () => {},
  });
  const tellBudget = async (request: FastifyRequest, reply: FastifyReply) => {
    const { payer } = request as Identified;
    if (payer !== undefined) void reply.headers(rateLimitHeaders(budgets.budget, budgets.left(payer)));
  };
  const contextOf = (request: FastifyRequest): RequestContext => {
    const { client, asker, told } = request as Identified;
    return Object.freeze({ client: client as Client, asker, told });
  };
  app.route({
    method: ['GET', 'POST'],
    exposeHeadRoute: false,
    url: '/graphql',
    onRequest: [authenticated, acceptable],
    preHandler: sizeable,
    onSend: tellBudget,
    handler: fastifyApolloHandler(apollo, {
      context: async (request) => contextOf(request),
    }),
  });
  const pages: PageOptions = {
    onRequest: authenticated,
    onSend: tellBudget,
    async ask(request, query, variables) {
      const { status, headers, text } = await ask({ query, variables }, contextOf(request));
      return { status, headers: Object.fromEntries(headers), text };
    },
  };
  const news = createNews(gate, cursorSecret, (error) =>
    log.warn({ err: error }, 'the changes that subscriptions follow could not be read'),
  );
  const subscriptions = addSubscriptions(app, {
    news,
    log,
    metrics,
    allowedHosts: options.allowedHosts ?? [],
    allowedOrigins: options.allowedOrigins ?? [],
    recognise,
    again: (asking, requestId) => authenticate(asking, verify, gate, requestId),
    charge,
    onStanding: gate.onChange,
    async ask(client, asker, { query, variables, operationName }, event) {
      const told = nothingTold();
      const request = { query, ...(variables ? { variables } : {}), ...(operationName ? { operationName } : {}) };
      const { status, headers, text } = await ask(request, { client, asker, told, event });
      const wait = headers.get('retry-after');
      metrics.asked(told);
      return { status, retryAfter: wait === undefined ? null : Number(wait), text };
    },
  });
  app.addHook('preClose', subscriptions.close);
  addEvidencePages(app, pages);
  addSubjectAccessPages(app, pages);
  addSharingPages(app, assembled, pages, options.readers);
  addOutcomesPages(app, pages, options.outcomeReaders);
  addPulledDocuments(app, assembled, {
    ...pages,
    async again(request) {
      const asking = request as Identified;
      asking.client = await authenticate({ headers: request.headers, address: request.ip }, verify, gate, asking.requestId);
    },
  });
  const openReferral = addOpenReferral(app, {
    server: database.server,
    secret,
    budget: options.publicBudget,
    withheld: (id) => log.error({ service: id }, 'a service of the public directory looks like a secret place and was not shown'),
  });

  const deliverer = options.webhooks
    ? createDeliverer(
        {
          database,
          gate,
          feed,
          open: (client, types) => openTypes(BINDINGS, client, types),
          async ask(client, query, variables, of) {
            const asker = { who: `${client.id} `, gone: false, leave: null };
            const { text } = await ask({ query, variables }, { client, asker, told: nothingTold(), feed: of });
            return JSON.parse(text).data ?? null;
          },
          log: (error, webhook) => log.warn({ err: error, webhook }, 'webhooks were not delivered; they are tried again'),
          told: metrics.webhook,
        },
        options.webhooks,
      )
    : null;

  return {
    app,
    metrics,
    listen: (address) => app.listen(address),
    async close() {
      await Promise.all([app.close(), deliverer?.end()]);
      news.end();
      await apollo.stop();
      await tally.flush();
      await recorder.end();
      heads?.end();
      await indexer.end();
      await Promise.all([pools.end(), transactions.end(), gate.end(), store.end(), openReferral.end()]);
    },
  };
}

const ACCEPTS_JSON = /(?:^|[\s,])(?:\*\/\*|application\/(?:\*|json|graphql-response\+json))\s*(?:[;,]|$)/i;
