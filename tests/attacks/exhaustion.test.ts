/** Cases 18 to 44: asking for more than there is, more than is good, or without end. */
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_BUDGET } from '../../src/access/budget.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { LIMITS } from '../../src/limits.ts';
import { createLog } from '../../src/watch.ts';
import { type Answer, answerIn, expectShape, headersOf, open, received, send, watchLogin } from '../support/attack.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
  type PersonaName,
  preparedDatabase,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let address: string;
let logged = '';
/** The login of the one who asks only for what must never reach the database. */
let login: Awaited<ReturnType<typeof watchLogin>>;
beforeAll(async () => {
  ownerUrl = await preparedDatabase('fsp_exhaustion');
  owner = await sqlAsOwner(ownerUrl);
  login = await watchLogin(ownerUrl, 'oxford-health');
  const log = createLog('info', {
    write(line) {
      logged += line;
    },
  });
  server = await testServer(ownerUrl, { log, budget: DEFAULT_BUDGET });
  address = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  await Promise.all([owner.end(), login.end()]);
});

const family = encodeId('Family', 1);
const times = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join(' ');
const pages = 'query($n: Int) { families(first: $n) { nodes { id } } }';

/** Refused with a 400, and no statement of this login has ever reached the database. */
async function unread(document: string, code: ErrorCode | ErrorCode[], variables: Record<string, unknown> = {}): Promise<any> {
  const answer = await server.ask('healthVisitor', document, variables);
  expect(answer.status, answer.text).toBe(400);
  expectShape(answer, code);
  expect(await login.connections()).toBe(0);
  return answer.body.errors?.[0];
}

const statements = async (): Promise<string> =>
  (await server.metrics.registry.getSingleMetric('fsp_pool_statements')?.get())?.values.map(({ value }) => value).join() ?? '';

/** Keeps every reader of families waiting for as long as the work takes. */
async function locked(work: () => Promise<void>): Promise<void> {
  await owner.query('begin');
  try {
    await owner.query('lock table fsp.family_grant in access exclusive mode');
    await work();
  } finally {
    await owner.query('rollback');
  }
}

describe('a document', () => {
  it('18 alias overload: a root field 101 times', () =>
    unread(`{ ${times(101, (i) => `a${i}: districts { code }`)} }`, 'OPERATION_TOO_LARGE'));
  it('19 alias overload with what costs nothing: __typename 1,000 times', () =>
    unread(`{ ${times(1000, (i) => `a${i}: __typename`)} }`, 'OPERATION_TOO_LARGE'));
  it('20 a batch of operations in one request', async () => {
    for (const body of ['[{"query":"{ __typename }"},{"query":"{ __typename }"}]', '[{"query":"{ __typename }"}]', '[]']) {
      expectShape(await send(server, { body }), 'BAD_REQUEST');
    }
  });
  it('21 ids tried by aliases cost one by one, and everybody found is on record', async () => {
    const families = times(50, (i) => `a${i}: family(id: "${encodeId('Family', i + 1)}") { name }`);
    const { body, headers } = await server.ask('socialWorker', `{ ${families} }`);
    const found = Object.values(body.data).filter((each) => each !== null).length;
    expect(found).toBeGreaterThan(0);
    expect((body as any).extensions.cost).toMatchObject({
      requested: Math.ceil(1 + 50 * (1 + 1 / LIMITS.fieldsPerUnit)),
      actual: found + 1,
    });
    const { rows } = await owner.query('select records from fsp.disclosure');
    const record = rows.flatMap(({ records }) => JSON.parse(records)).find(({ request }) => request === headers['x-request-id']);
    expect(record.families).toHaveLength(found);
  });
  it('22 fields 30 deep', () =>
    unread(`{ organisations(first: 1) { nodes { ${'parent { '.repeat(30)}code${' }'.repeat(30)} } } }`, 'OPERATION_TOO_LARGE'));
  it('23 the same depth, split over 30 fragments', async () => {
    const fragments = times(30, (i) => `fragment F${i} on Organisation { parent { ${i === 29 ? 'code' : `...F${i + 1}`} } }`);
    const { extensions } = await unread(`{ organisations(first: 1) { nodes { ...F0 } } } ${fragments}`, 'OPERATION_TOO_LARGE');
    expect(extensions.limit).toBe('depth');
  });
  it('24 fragments in circles, of 2 and of 500', async () => {
    for (const count of [2, 500]) {
      const fragments = times(count, (i) => `fragment F${i} on Query { ...F${(i + 1) % count} }`);
      await unread(`{ ...F0 } ${fragments}`, 'GRAPHQL_VALIDATION_FAILED');
    }
  });
  it('25 a bomb of fragments that double each other', async () => {
    const fragments = times(12, (i) => `fragment F${i} on Query { ${i === 11 ? '__typename' : `...F${i + 1} ...F${i + 1}`} }`);
    await unread(`{ ...F0 } ${fragments}`, ['GRAPHQL_VALIDATION_FAILED', 'OPERATION_TOO_LARGE']);
  });
  it('26 one field 3,000 times', () => unread(`{ families { nodes { ${'id '.repeat(3000)} } } }`, 'GRAPHQL_VALIDATION_FAILED'));
  it('27 inline fragments that have to be compared with each other', async () => {
    await unread(`{ ${'...{families{...{nodes{id}}}}'.repeat(350)} }`, 'GRAPHQL_VALIDATION_FAILED');
    await unread(`{ ${'...{families{...{nodes{id}}}}'.repeat(1000)} }`, 'GRAPHQL_PARSE_FAILED');
    await unread(`{ ${'...{families{...{nodes{id}}}}'.repeat(5000)} }`, 'OPERATION_TOO_LARGE');
  });
  it('28 directives beyond number, or that never were', async () => {
    await unread(`{ families ${'@include(if: true) '.repeat(50)} { nodes { id } } }`, 'GRAPHQL_VALIDATION_FAILED');
    await unread(`{ families ${'@aa '.repeat(10)} { nodes { id } } }`, 'GRAPHQL_VALIDATION_FAILED');
    await unread(`{ families { nodes { ${times(101, (i) => `a${i}: id @include(if: true)`)} } } }`, 'OPERATION_TOO_LARGE');
  });
  it('32 a flood of 100,000 tokens, or of as many as its length allows', async () => {
    await unread(`{ ${'a '.repeat(100_000)} }`, 'OPERATION_TOO_LARGE');
    await unread(`{ ${'a '.repeat(10_000)} }`, 'GRAPHQL_PARSE_FAILED');
  });
  it('35 a value, a selection or a type 1,600 deep', async () => {
    const deep = (opening: string, closing: string) => `${opening.repeat(1600)}${closing.repeat(1600)}`;
    await unread(`{ family(id: ${deep('[', ']')}) { id } }`, ['GRAPHQL_VALIDATION_FAILED', 'OPERATION_TOO_LARGE']);
    await unread(`{ families(filter: ${'{stage:'.repeat(1200)}1${'}'.repeat(1200)}) { nodes { id } } }`, [
      'GRAPHQL_VALIDATION_FAILED',
      'OPERATION_TOO_LARGE',
    ]);
    await unread(`{ ${'node{'.repeat(1600)}id${'}'.repeat(1600)} }`, ['GRAPHQL_VALIDATION_FAILED', 'OPERATION_TOO_LARGE']);
    await unread(`query($v: ${'['.repeat(1600)}ID${']'.repeat(1600)}) { family(id: $v) { id } }`, 'GRAPHQL_VALIDATION_FAILED');
  });
  it('42 a document of 1,500 unknown fields is told of three errors at most', () =>
    unread(`{ ${times(1500, (i) => `wrong${i}`)} }`, 'GRAPHQL_VALIDATION_FAILED'));
});

describe('values', () => {
  it('29 pages of 2147483647, -1, 0 or null rows, however it is said', async () => {
    for (const first of [2_147_483_647, 101, -1, 0, null]) {
      await unread(`{ families(first: ${first}) { nodes { id } } }`, 'BAD_USER_INPUT');
      await unread(pages, 'BAD_USER_INPUT', { n: first });
      await unread(`query($n: Int = ${first}) { families(first: $n) { nodes { id } } }`, 'BAD_USER_INPUT');
    }
    for (const n of [1.5, '20', true, [20], 9e9]) await unread(pages, 'BAD_USER_INPUT', { n });
  });
  it('30 lists within lists are refused by what they may cost, with the values of the variables', async () => {
    const nested =
      'query($n: Int = 100) { families(first: $n) { nodes { workbook(first: $n) { nodes { family { workbook(first: $n) { nodes { family { offers(first: $n) { nodes { id } } } } } } } } } } }';
    for (const [document, variables] of [
      [nested, {}],
      [nested, { n: 100 }],
      [nested.replaceAll('$n)', '100)').replace('($n: Int = 100)', ''), {}],
    ] as const) {
      const { extensions } = await unread(document, 'OPERATION_TOO_LARGE', variables);
      expect(extensions).toMatchObject({ limit: 'cost', cost: { requested: expect.any(Number) } });
      expect(extensions.cost.requested).toBeGreaterThan(1_000_000);
    }
    expect((await server.ask('socialWorker', nested, { n: 1 })).status).toBe(200);
  });
  it('31 a list of more than 100 items, or of 10,000', async () => {
    const add = (keptFrom: string) =>
      `mutation { addWorkbookEntry(input: { idempotencyKey: "k", family: "${family}", module: "m", discipline: "d", sessionType: "s", occurred: "2026-11-01T10:00:00Z", persons: [], keptFrom: ${keptFrom} }) { userErrors { code } } }`;
    const person = encodeId('Person', 100);
    await unread(add(`[${`"${person}" `.repeat(101)}]`), 'OPERATION_TOO_LARGE');
    const variable = add('$v').replace('mutation', 'mutation($v: [ID!])');
    for (const count of [101, 10_000]) await unread(variable, 'BAD_USER_INPUT', { v: Array(count).fill(person) });
  });
  it('34 variables of 100,000 arrays in each other', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    for (const name of ['id', 'unasked']) {
      const body = `{"query":"query($id: ID = 1) { family(id: $id) { id } }","variables":{"${name}":${deep}}}`.replace('ID = 1', 'ID! = 1');
      expectShape(await send(server, { as: 'healthVisitor', body }), 'BAD_USER_INPUT');
    }
    expect(await login.connections()).toBe(0);
  });
  it('36 a text without end; and what would be a pattern is a text', async () => {
    const find = 'query($r: String!) { familyByReference(reference: $r) { id } }';
    await unread(find, 'BAD_USER_INPUT', { r: 'a'.repeat(LIMITS.textCharacters + 1) });
    await unread(`{ familyByReference(reference: "${'a'.repeat(LIMITS.textCharacters + 1)}") { id } }`, 'OPERATION_TOO_LARGE');
    const needle = await server.ask('healthVisitor', find, { r: '%a'.repeat(500_000) });
    expectShape(needle, 'PAYLOAD_TOO_LARGE');
    for (const r of ['%', '_', '.*', '%a%b%c%']) {
      expect((await server.ask('socialWorker', find, { r })).body.data).toEqual({ familyByReference: null });
    }
  });
  it('the login that asked for all of this has no connection; it gets one with its first good question', async () => {
    expect(await login.connections()).toBe(0);
    expect((await server.ask('healthVisitor', pages, { n: 1 })).status).toBe(200);
    expect(await login.connections()).toBe(1);
  });
});

describe('bytes', () => {
  it('33 a body of 10 MB, and one that unpacks to as much', async () => {
    const large = JSON.stringify({ query: '{ __typename }', variables: { a: 'x'.repeat(10_000_000) } });
    expectShape(await send(server, { body: large }), 'PAYLOAD_TOO_LARGE');
    for (const encoding of ['gzip', 'br', 'deflate', 'GZIP, identity']) {
      expectShape(await send(server, { body: gzipSync(large), headers: { 'content-encoding': encoding } }), 'UNSUPPORTED_MEDIA_TYPE');
    }
    expect((await send(server, { body: '{"query":"{ __typename }"}', headers: { 'content-encoding': 'identity' } })).status).toBe(200);
  });
  it('39 headers and bodies that drip are cut off', async () => {
    const { server: node } = server.app;
    expect([node.headersTimeout, node.requestTimeout, node.keepAliveTimeout]).toEqual(
      [LIMITS.headersSeconds, LIMITS.requestSeconds, LIMITS.keepAliveSeconds].map((seconds) => seconds * 1000),
    );
    // The same, at a time that a test can wait for; Node looks every few seconds.
    node.headersTimeout = 200;
    node.requestTimeout = 200;
    const silent = await open(address);
    const dripping = await open(address);
    const body = await open(address);
    const ends = [silent, dripping, body].map(received);
    const drip = setInterval(() => {
      dripping.write('x');
      body.write('x');
    }, 100);
    dripping.write('POST /graphql HTTP/1.1\r\nhost: localhost\r\nx-');
    const { authorization } = await headersOf(server, 'socialWorker');
    body.write(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\nx-purpose-of-use: SAFEGUARDING\r\ncontent-type: application/json\r\ncontent-length: 10000\r\n\r\n`,
    );
    const texts = await Promise.all(ends);
    clearInterval(drip);
    node.headersTimeout = LIMITS.headersSeconds * 1000;
    node.requestTimeout = LIMITS.requestSeconds * 1000;
    for (const text of texts) expectShape(answerIn(text), 'REQUEST_TIMEOUT');
  });
  it('40 connections beyond the cap are closed at once, and there is room again when others leave', async () => {
    const { server: node } = server.app;
    expect(node.maxConnections).toBe(LIMITS.connections);
    node.closeAllConnections();
    const count = () => new Promise<number>((resolve, reject) => node.getConnections((error, n) => (error ? reject(error) : resolve(n))));
    await expect.poll(count).toBe(0);
    node.maxConnections = 3;
    try {
      const held = [await open(address), await open(address), await open(address)];
      await expect.poll(count).toBe(3);
      expect(await received(await open(address))).toBe('');
      for (const socket of held) socket.destroy();
      await expect.poll(count).toBe(0);
      expect((await fetch(`${address}/livez`)).status).toBe(200);
    } finally {
      node.maxConnections = LIMITS.connections;
    }
  });
  it('41 persisted queries are not kept, so there is no store to stuff', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } };
    for (const body of [{ extensions }, { extensions, query: '{ __typename }' }]) {
      expectShape(await send(server, { body: JSON.stringify(body) }), 'PERSISTED_QUERY_NOT_SUPPORTED');
    }
  });
});

describe('statements', () => {
  it('37 a slow question is cut off, and its place is free again', async () => {
    const slow = await watchLogin(ownerUrl, 'school-tansy-bridge');
    await owner.query(`alter role ${pg.escapeIdentifier(slow.login)} set statement_timeout = '300ms'`);
    const find = () => server.ask('school', 'query($r: String!) { familyByReference(reference: $r) { id } }', { r: 'Kingfisher' });
    await locked(async () => {
      const answer = await find();
      expectShape(answer, 'TIMEOUT');
      expect(answer.status).toBe(503);
      expect(await slow.working()).toBe(0);
      expect(await statements()).toBe('0,0');
    });
    expect((await find()).status).toBe(200);
    expect(logged).toContain('57014');
    expect(logged).not.toContain('Kingfisher');
    await slow.end();
  });
  it('38 statements of 200 callers who left are ended, and the login answers others', async () => {
    const left = await watchLogin(ownerUrl, 'thames-valley-police');
    const headers = await headersOf(server, 'police');
    const body = JSON.stringify({ query: pages, variables: { n: 5 } });
    await locked(async () => {
      const leaving = new AbortController();
      const asked = Array.from({ length: 200 }, () =>
        fetch(`${address}/graphql`, { method: 'POST', headers, body, signal: leaving.signal }).then(
          () => 'answered',
          (error) => error.name,
        ),
      );
      // As many run as one user may have; the others wait for them.
      await expect.poll(left.working, { timeout: 10_000 }).toBe(LIMITS.connectionsPerUser);
      await expect.poll(statements, { timeout: 10_000 }).toBe(`${LIMITS.connectionsPerUser},${200 - LIMITS.connectionsPerUser}`);
      leaving.abort();
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['AbortError']));
      await expect.poll(left.working, { timeout: 10_000 }).toBe(0);
      await expect.poll(statements, { timeout: 10_000 }).toBe('0,0');
    });
    const after = await fetch(`${address}/graphql`, { method: 'POST', headers, body });
    expect([after.status, ((await after.json()) as any).data.families.nodes.length]).toEqual([200, 5]);
    await left.end();
  });
});

describe('the log', () => {
  it('43 a line is short, one line, and says nobody’s name and no value', async () => {
    logged = '';
    const control = 'a\n{"level":60}\r\u001b[31m\u0000';
    const long = 'n'.repeat(200_000);
    const bodies = [
      { query: 'query Fine($r: String!) { familyByReference(reference: $r) { id } }', variables: { r: 'Kingfisher' } },
      { query: 'query($r: String!) { familyByReference(reference: $r) { id } }', variables: { r: 'King\0fisher' } },
      { query: `query ${'n'.repeat(101)} { familyByReference(reference: "Kingfisher") { id } }` },
      { query: `query ${long} { __typename }` },
      { query: '{ __typename }', operationName: long },
      { query: '{ __typename }', operationName: control },
    ];
    const statuses = [];
    for (const body of bodies) statuses.push((await send(server, { body: JSON.stringify(body) })).status);
    const url = `/graphql${encodeURIComponent(control)}${'x'.repeat(3000)}?query=Kingfisher`;
    statuses.push((await send(server, { url, headers: { 'x-correlation-id': 'a b\tKingfisher' }, method: 'GET' })).status);
    expect(statuses).toEqual([200, 400, 400, 400, 400, 400, 404]);
    const lines = logged.trimEnd().split('\n');
    expect(lines).toHaveLength(statuses.length);
    for (const line of lines) {
      expect(line.length).toBeLessThan(1000);
      expect(line).not.toMatch(/\p{Cc}/u);
      expect(JSON.parse(line)).toMatchObject({ level: 30, msg: 'answered' });
    }
    expect(JSON.parse(lines[0] as string)).toMatchObject({ operation: 'Fine', client: 'occ-social-care' });
    expect(logged).not.toMatch(/Kingfisher|whitlock/i);
  });
});

describe('a budget', () => {
  const one = 'query($n: Int = 50) { families(first: $n) { nodes { id } } }';
  const from = async (
    limited: TestServer,
    who: PersonaName | Caller,
    remoteAddress: string,
    document = one,
  ): Promise<Answer & { body: any }> => {
    const headers = await headersOf(limited, who);
    const payload = { query: document };
    const response = await limited.app.inject({ method: 'POST', url: '/graphql', headers, payload, remoteAddress });
    return { status: response.statusCode, headers: response.headers, text: response.body, body: response.json() };
  };
  it('44 is a client’s, from wherever it asks, and nobody else’s at the same address', async () => {
    const limited = await testServer(ownerUrl, { budget: { units: 120, restorePerSecond: 0.01 } });
    try {
      const first = await from(limited, FRONT_DOOR, '10.0.0.1');
      const { cost } = first.body.extensions;
      expect(cost).toEqual({
        requested: expect.any(Number),
        actual: expect.any(Number),
        remaining: expect.any(Number),
        restoreRate: 0.01,
      });
      expect(cost.requested).toBeGreaterThan(50);
      expect(first.headers['ratelimit-policy']).toBe('"client";q=120;w=12000');
      expect(first.headers.ratelimit).toMatch(new RegExp(`^"client";r=${cost.remaining};t=\\d+$`));
      expect(cost.remaining).toBe(120 - cost.actual);

      // The same client at another address, and another client at the same one.
      const again = await from(limited, FRONT_DOOR, '10.0.0.2');
      const spent = again.status === 429 ? again : await from(limited, FRONT_DOOR, '10.0.0.3');
      expectShape(spent, 'BUDGET_SPENT');
      expect(Number(spent.headers['retry-after'])).toBeGreaterThan(0);
      expect(spent.headers.ratelimit).toMatch(/^"client";r=\d+;t=\d+$/);
      expect(spent.body.errors[0].extensions.cost).toMatchObject({ requested: cost.requested, restoreRate: 0.01 });
      expect((await from(limited, 'police', '10.0.0.2')).status).toBe(200);
    } finally {
      await limited.close();
    }
  });
  it('44 is spent by what is refused for its purpose too, and then nothing more is put on record', async () => {
    const limited = await testServer(ownerUrl, { budget: { units: 3, restorePerSecond: 0.001 } });
    try {
      const headers = { ...(await headersOf(limited, 'police')), 'x-purpose-of-use': 'HOUSING_DUTY' };
      const ask = async () => (await limited.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query: one } })).statusCode;
      const recorded = async () => Number((await owner.query('select sum(count) as n from fsp.disclosure')).rows[0].n);
      const before = await recorded();
      expect([await ask(), await ask(), await ask(), await ask(), await ask()]).toEqual([403, 403, 403, 429, 429]);
      expect(await recorded()).toBe(before + 3);
    } finally {
      await limited.close();
    }
  });
  it('44 counts with the values of variables: literal, given, or by default', async () => {
    const requested = async (document: string, variables = {}) =>
      ((await server.ask('socialWorker', document, variables)).body as any).extensions.cost.requested;
    const fifty = await requested('{ families(first: 50) { nodes { id } } }');
    expect([await requested(one), await requested(one, { n: 50 }), await requested(pages, { n: 50 })]).toEqual([fifty, fifty, fifty]);
    // One for the asking, one for the list, and each object with its one field.
    const of = (rows: number) => Math.ceil(2 + rows * (1 + 1 / LIMITS.fieldsPerUnit));
    expect([fifty, await requested(one, { n: 1 }), await requested(pages)]).toEqual([of(50), of(1), of(LIMITS.firstDefault)]);
  });
});
