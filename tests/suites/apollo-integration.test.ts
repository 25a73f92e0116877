/**
 * Apollo Server's own suite for integrations, against the HTTP layer. The suite brings its schemas, which the compiled
 * reads cannot answer, so each of its servers is Apollo's executor behind our hooks, our route and our switches.
 */
import { ApolloServer, type ApolloServerOptions, type BaseContext } from '@apollo/server';
import { type CreateServerForIntegrationTests, defineIntegrationTestSuite } from '@apollo/server-integration-testsuite';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import pino from 'pino';
import { beforeEach, describe, expect, type RunnerTask, test } from 'vitest';
import { APOLLO_SWITCHES } from '../../src/graphql/apollo.ts';
import { documentLimits } from '../../src/graphql/limits.ts';
import { createHttp } from '../../src/http.ts';

/** Tests, or groups of them, that ask for what this product does not do. */
const NOT_OURS: { because: string; tests: string[] }[] = [
  {
    because: 'Persisted queries are off: whoever may fill the store could spend its memory.',
    tests: [
      "apolloServerTests.ts > lifecycle > for Apollo usage reporting > traces > doesn't internal server error on an APQ",
      'apolloServerTests.ts > Persisted Queries > returns PersistedQueryNotFound on the first try',
      'apolloServerTests.ts > Persisted Queries > returns result on the second try',
      'apolloServerTests.ts > Persisted Queries > returns result on the persisted query',
      'apolloServerTests.ts > Persisted Queries > returns error when hash does not match',
      'httpServerTests.ts > graphqlHTTP > returns PersistedQueryNotFound to a GET request',
      'httpServerTests.ts > graphqlHTTP > returns PersistedQueryNotFound to a POST request',
      'httpServerTests.ts > Persisted Queries',
    ],
  },
  {
    because: 'Batches are off: one request is one operation, in the budget and on record.',
    tests: [
      'httpServerTests.ts > graphqlHTTP > cache-control > applies cacheControl Headers for batched operation',
      'httpServerTests.ts > graphqlHTTP > can handle batch requests',
      'httpServerTests.ts > graphqlHTTP > can handle batch requests with one element',
      'httpServerTests.ts > graphqlHTTP > returns an error on batch requests with no elements',
      'httpServerTests.ts > graphqlHTTP > can handle batch requests in parallel',
      'httpServerTests.ts > graphqlHTTP > clones batch context',
      'httpServerTests.ts > graphqlHTTP > executes batch context if it is a function',
    ],
  },
  {
    because: 'Introspection is on for everybody who has a token; each agency is shown its own schema.',
    tests: [
      'apolloServerTests.ts > constructor > validation rules > accepts additional rules',
      'apolloServerTests.ts > constructor > validation rules > prevents introspection by default during production',
    ],
  },
  {
    because: 'It is always production: no stack traces, no landing page.',
    tests: [
      'apolloServerTests.ts > lifecycle > propagates error codes in dev mode',
      'apolloServerTests.ts > renderLandingPage > defaults to LocalDefault',
    ],
  },
  {
    because: 'Errors name nothing of the schema that was not asked for.',
    tests: [
      'apolloServerTests.ts > Gateway > receives schema updates from the gateway (with document store: true)',
      'apolloServerTests.ts > Gateway > receives schema updates from the gateway (with document store: false)',
    ],
  },
  {
    because: 'CSRF prevention cannot be set otherwise, or off; the GETs pass with its header in graphql-http.test.ts.',
    tests: [
      'apolloServerTests.ts > CSRF prevention > csrfPrevention: {requestHeaders}',
      'apolloServerTests.ts > CSRF prevention > csrfPrevention: false',
      'httpSpecTests.ts > MAY accept application/x-www-form-urlencoded formatted GET requests',
      'httpSpecTests.ts > MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
      'httpSpecTests.ts > MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
    ],
  },
  {
    because: 'A body that is not JSON is a 415 in our words, before Apollo Server sees it: below, in "our own answers".',
    tests: [
      'apolloServerTests.ts > CSRF prevention > default',
      'httpServerTests.ts > graphqlHTTP > throws an error if POST body is empty',
      'httpServerTests.ts > graphqlHTTP > throws an error if invalid content-type',
      'httpServerTests.ts > graphqlHTTP > throws an error if POST JSON is malformed',
    ],
  },
  {
    because: 'Every answer is no-store: below, in "our own answers".',
    tests: [
      'httpServerTests.ts > graphqlHTTP > cache-control > runs when cache-control is disabled',
      'httpServerTests.ts > graphqlHTTP > cache-control not set without any hints with if-cacheable',
    ],
  },
  {
    because: 'The suite itself runs these with graphql 17 only.',
    tests: ['httpServerTests.ts > incremental delivery > tests that require graphql@17'],
  },
];

const SUITE = 'integration tests';
const names = (task: RunnerTask): string[] => (task.type === 'suite' ? task.tasks.flatMap(names) : [task.fullTestName]);
const isOf = (name: string, row: string) => name === `${SUITE} > ${row}` || name.startsWith(`${SUITE} > ${row} > `);

const createServer: CreateServerForIntegrationTests = async (config, options) => {
  const validationRules = [...(config.validationRules ?? []), documentLimits];
  const server = new ApolloServer({ ...config, ...APOLLO_SWITCHES, validationRules } as ApolloServerOptions<BaseContext>);
  await server.start();
  const app = await createHttp({ log: pino({ level: 'silent' }) });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler: fastifyApolloHandler(server, { context: options?.context ?? (async () => ({})) }),
  });
  // The suite asks at the root.
  app.server.prependListener('request', (request) => {
    request.url = `/graphql${request.url?.slice(1)}`;
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { server, url, extraCleanup: () => app.close() };
};

beforeEach(({ task, skip }) => {
  const row = NOT_OURS.find(({ tests }) => tests.some((name) => isOf(task.fullTestName, name)));
  if (row) skip(row.because);
});

test('every test that is not ours is one of the suite', ({ task }) => {
  const all = task.file.tasks.flatMap(names);
  const stale = NOT_OURS.flatMap(({ tests }) => tests).filter((row) => !all.some((name) => isOf(name, row)));
  expect(stale).toEqual([]);
});

describe('our own answers', () => {
  const body = JSON.stringify({ query: '{ __typename }' });
  const ask = async (request: RequestInit, query = '') => {
    const { server, url, extraCleanup } = await createServer({ typeDefs: 'type Query { x: ID }' });
    const response = await fetch(`${url}/${query}`, request);
    const answer = { status: response.status, caching: response.headers.get('cache-control'), text: await response.text() };
    await server.stop();
    await extraCleanup?.();
    return answer;
  };
  const json = { 'content-type': 'application/json' };
  const get = '?query={__typename}';

  test.each([
    ['text', { method: 'POST', headers: { 'content-type': 'text/plain' }, body }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a form', { method: 'POST', body: new URLSearchParams({ query: '{ __typename }' }) }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['what has no type', { method: 'POST', body: new TextEncoder().encode(body) }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['malformed JSON', { method: 'POST', headers: json, body: '{foo' }, 400, 'BAD_REQUEST'],
    ['a batch', { method: 'POST', headers: json, body: `[${body}]` }, 400, 'BAD_REQUEST'],
  ] as const)('a POST of %s is refused', async (_what, request, status, code) => {
    const answer = await ask(request);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).errors[0].extensions.code).toBe(code);
    expect(answer.caching).toBe('no-store');
  });

  test.each([
    ['bare', {}, 400],
    ['of text', { 'content-type': 'text/plain' }, 400],
    ['of text with a parameter', { 'content-type': '   text/plain  ; charset=utf-8' }, 400],
    ['with a header nobody asked for', { 'please-preflight-me': 'yes' }, 400],
    ['of no such type', { 'content-type': 'invalid' }, 415],
    ['of JSON', json, 200],
    ['of JSON with a parameter', { 'content-type': '   application/json  ; charset=utf-8' }, 200],
    ['with the header for it', { 'apollo-require-preflight': 'yes' }, 200],
    ['with a name for the operation', { 'x-apollo-operation-name': 'one' }, 200],
  ] as const)('a GET %s: CSRF prevention', async (_what, headers, status) => {
    const answer = await ask({ headers }, get);
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.text).toContain('"Query"');
    else expect(answer.text).toMatch(status === 400 ? /This operation has been blocked/ : /GET requests may not have a content-type/);
    expect(answer.caching).toBe('no-store');
  });
});

defineIntegrationTestSuite(createServer);
