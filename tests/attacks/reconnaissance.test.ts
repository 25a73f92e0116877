/** Cases 1 to 17: what a stranger, or a client that may see little, can learn of the rest. */
import { buildClientSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { viewFor } from '../../src/access/view.ts';
import { ERRORS } from '../../src/errors.ts';
import { productSchema } from '../../src/server.ts';
import { clean, expectShape, send } from '../support/attack.ts';
import { encodeId, PERSONAS, type PersonaName, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const family = encodeId('Family', 1);
const NAMES = Object.keys(PERSONAS) as PersonaName[];
const strangers = (query: string, headers: Record<string, string> = {}) =>
  send(server, { headers: { authorization: '', ...headers }, body: JSON.stringify({ query }) });
const typesSeenBy = async (who: PersonaName): Promise<string[]> =>
  (await server.ask(who, '{ __schema { types { name } } }')).body.data.__schema.types.map(({ name }: any) => name);

describe('the schema', () => {
  it('1 introspection without a token is a 401, before the document is read', async () => {
    for (const query of ['{ __schema { types { name } } }', '{ nonsense', '']) expectShape(await strangers(query), 'UNAUTHENTICATED');
  });
  it('2 introspection gives each client the schema of its agency, and no more', async () => {
    const { schema, classes } = productSchema();
    const print = (given: typeof schema) => printSchema(lexicographicSortSchema(given));
    const printed = new Set<string>();
    for (const who of NAMES) {
      const { body } = await server.ask(who, getIntrospectionQuery());
      const seen = print(buildClientSchema(body.data));
      expect(seen, who).toBe(print(viewFor(schema, classes, PERSONAS[who].agency)));
      printed.add(seen);
    }
    expect(printed.size).toBeGreaterThan(4);
  });
  it('3 no way around: fragments, aliases, names, white space and GET answer as plain introspection does', async () => {
    const types = await typesSeenBy('evaluator');
    expect(types).not.toContain('Person');
    const fields = '{ types { name } }';
    const ways = [
      `query __schema { x: __schema ${fields} }`,
      `{ ...__schema } fragment __schema on Query { x: __schema ${fields} }`,
      `{ ... on Query { x: __schema ${fields} } }`,
      `{ ... { ... @include(if: true) { x: __schema ${fields} } } }`,
      `{,,x\n:#comment\r\n__schema,${fields}}`,
      `query A { x: __schema ${fields} } query B { y: __schema ${fields} }`,
    ];
    const names = (text: string) => JSON.parse(text).data.x.types.map(({ name }: any) => name);
    for (const query of ways) {
      const operationName = query.includes('query B') ? 'A' : undefined;
      expect(names((await send(server, { as: 'evaluator', body: JSON.stringify({ query, operationName }) })).text), query).toEqual(types);
      const search = new URLSearchParams({ query, ...(operationName ? { operationName } : {}) });
      expect(names((await send(server, { as: 'evaluator', method: 'GET', url: `/graphql?${search}` })).text), query).toEqual(types);
      expectShape(await strangers(query), 'UNAUTHENTICATED');
    }
    expectShape(
      await send(server, { body: '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}' }),
      'PERSISTED_QUERY_NOT_SUPPORTED',
    );
  });
  it('4 a type that the agency is not shown is null, as one that never was', async () => {
    const ask = async (name: string) => (await server.ask('evaluator', `{ __type(name: "${name}") { name fields { name } } }`)).text;
    expect(await ask('WorkbookEntry')).toBe(await ask('Qqqqqqqqqqqqq'));
  });
  it('16 deprecated fields are asked for in vain where the agency has none of them', async () => {
    const { schema, classes } = productSchema();
    const view = viewFor(schema, classes, 'POLICE').getType('Person') as any;
    const { body } = await server.ask('police', '{ __type(name: "Person") { fields(includeDeprecated: true) { name } } }');
    expect(body.data.__type.fields.map(({ name }: any) => name).sort()).toEqual(Object.keys(view.getFields()).sort());
    expect(body.data.__type.fields).not.toContainEqual({ name: 'upn' });
  });
});

describe('errors', () => {
  const message = async (query: string, variables = {}) => {
    const answer = await server.ask('housingDesk', query, variables);
    expectShape(answer, ['GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);
    return answer.body.errors?.[0].message as string;
  };
  it('5 a field that is nearly right gets no suggestion', async () => {
    const near = await message('{ families { nodes { nam } } }');
    const far = await message('{ families { nodes { zzz } } }');
    expect(near.replace('nam', 'zzz')).toBe(far);
  });
  it('6 a field that is not shared is null with one error; one that never was is unknown; neither gets a suggestion', async () => {
    const hidden = await server.ask('police', '{ families { nodes { members { person { upn } } } } }');
    expect([hidden.status, hidden.body.errors]).toEqual([
      200,
      [
        {
          message: ERRORS.FORBIDDEN.words,
          extensions: expect.objectContaining({ code: 'FORBIDDEN', field: 'Person.upn', reason: 'NOT_SHARED_WITH_AGENCY' }),
        },
      ],
    ]);
    clean(hidden.text);
    expect(await message('{ families { nodes { members { person { upx } } } } }')).toBe('Cannot query field "upx" on type "Person".');
  });
  it('7 an input field in the document that is nearly right gets no suggestion', async () => {
    expect(await message('{ families(filter: { distric: "x" }) { nodes { id } } }')).toBe(
      'Field "distric" is not defined by type "FamilyFilter".',
    );
  });
  it('8 an input field or enum value in a variable gets no suggestion, and no list', async () => {
    const document = 'query($f: FamilyFilter) { families(filter: $f) { nodes { id } } }';
    for (const f of [{ distric: 'x' }, { stage: 'CLOSE' }, { stage: 'QQQ' }]) {
      expect(await message(document, { f })).not.toMatch(/district|CLOSED|EARLY_HELP/);
    }
    expect(await message('{ families(orderBy: NAM) { nodes { id } } }')).toBe('Value "NAM" does not exist in "FamilyOrder" enum.');
  });
  it('9 an argument that is nearly right gets no suggestion', async () => {
    expect(await message(`{ family(id: "${family}", idd: 1) { id } }`)).toBe('Unknown argument "idd" on field "Query.family".');
  });
  it('10 a field that is not shared says nothing of its row when it is asked for wrongly', async () => {
    const misused = (id: string) => message(`{ family(id: "${id}") { members { person { upn { x } } } } }`);
    expect(await misused(family)).toBe(await misused(encodeId('Family', 999_999)));
    const bare = (id: string) => message(`{ family(id: "${id}") { workbook } }`);
    expect(await bare(family)).toBe(await bare(encodeId('Family', 999_999)));
  });
  it('15 an answer says what it cost, and nothing of how it was made', async () => {
    const { body, text } = await server.ask('socialWorker', `{ family(id: "${family}") { name } }`);
    expect(Object.keys(body)).toEqual(['data', 'extensions']);
    expect(Object.keys((body as any).extensions)).toEqual(['cost']);
    clean(text);
  });
});

describe('types', () => {
  it('11 an interface never names the type of what the agency is not shown', async () => {
    const { body } = await server.ask('socialWorker', `{ family(id: "${family}") { workbook(first: 1) { nodes { id } } } }`);
    const { id } = body.data.family.workbook.nodes[0];
    const ask = (at: string) => server.ask('evaluator', 'query($id: ID!) { node(id: $id) { __typename id } }', { id: at });
    expect((await ask(id)).body.data).toEqual({ node: null });
    expect((await ask(id)).body.data).toEqual((await ask(encodeId('Nothing', 1))).body.data);
  });
  it('12 a fragment on a type that never was is refused without a suggestion; on one that is not shown it is empty', async () => {
    const answer = await server.ask('evaluator', `{ node(id: "${family}") { ... on Famil { id } } }`);
    expectShape(answer, 'GRAPHQL_VALIDATION_FAILED');
    expect(answer.body.errors?.[0].message).toBe('Unknown type "Famil".');
    expect((await server.ask('evaluator', `{ node(id: "${family}") { ... on Family { id } } }`)).body.data).toEqual({ node: null });
  });
  it('13 not even the name of the root type is given to strangers', async () => {
    expectShape(await strangers('{ __typename }'), 'UNAUTHENTICATED');
  });
});

describe('the address', () => {
  it('14 there is no page at /graphql, with a token or without', async () => {
    const html = { accept: 'text/html,application/xhtml+xml;q=0.9', 'content-type': '' };
    expectShape(await send(server, { method: 'GET', headers: html }), 'NOT_ACCEPTABLE');
    expectShape(await send(server, { method: 'GET', headers: { ...html, accept: 'text/html,*/*;q=0.8' } }), 'BAD_REQUEST');
    expectShape(await send(server, { method: 'GET', headers: { ...html, authorization: '' } }), 'UNAUTHENTICATED');
  });
  it('17 no header says what answers, and nothing is kept', async () => {
    const answers = [
      await send(server, { body: '{"query":"{ __typename }"}' }),
      await send(server, { method: 'GET', url: '/livez' }),
      await send(server, { method: 'GET', url: '/readyz' }),
      await send(server, { method: 'GET', url: '/nowhere' }),
      await send(server, { method: 'GET', url: '/%zz' }),
      await send(server, { method: 'PUT' }),
      await send(server, { headers: { authorization: '' } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 404, 400, 405, 401]);
    for (const { headers } of answers) {
      expect(headers['cache-control']).toBe('no-store');
      for (const name of ['x-powered-by', 'server', 'via']) expect(headers).not.toHaveProperty(name);
    }
  });
});
