/** Cases 60 to 73: documents and values that are well-formed and mean something else. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { expectShape, send } from '../support/attack.ts';
import { encodeId, ownDatabase, type Reply, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_operations');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const recordOf = async ({ headers }: { headers: Record<string, unknown> }): Promise<any> => {
  const { rows } = await owner.query('select records from fsp.disclosure');
  return rows.flatMap(({ records }) => JSON.parse(records)).find(({ request }) => request === headers['x-request-id']);
};
const refusals = ({ body }: Reply) => (body.errors ?? []).map(({ extensions }: any) => `${extensions.code} ${extensions.field}`);

describe('a document', () => {
  it('60 a hash with another text: persisted queries are not kept, whatever the hash', async () => {
    const query = '{ viewer { organisation } }';
    for (const sha256Hash of [hash('{ __typename }'), hash(query)]) {
      const body = JSON.stringify({ query, extensions: { persistedQuery: { version: 1, sha256Hash } } });
      expectShape(await send(server, { body }), 'PERSISTED_QUERY_NOT_SUPPORTED');
    }
  });
  it('61 a hash that another client sent opens nothing', async () => {
    const query = '{ families(first: 1) { nodes { members { person { upn } } } } }';
    const extensions = { persistedQuery: { version: 1, sha256Hash: hash(query) } };
    await send(server, { as: 'socialWorker', body: JSON.stringify({ query, extensions }) });
    expectShape(await send(server, { as: 'police', body: JSON.stringify({ extensions }) }), 'PERSISTED_QUERY_NOT_SUPPORTED');
  });
  it('62 the same text is decided for each client, whoever sent it first', async () => {
    const document = 'query($id: ID!) { family(id: $id) { members { person { upn } } } }';
    const ask = (who: 'socialWorker' | 'police') => server.ask(who, document, { id: family });
    for (const _ of [1, 2]) {
      const county = await ask('socialWorker');
      expect(refusals(county)).toEqual([]);
      expect(county.text).toMatch(/"upn":"/);
      const police = await ask('police');
      expect(refusals(police)).toEqual(['FORBIDDEN Person.upn']);
      expect(police.text).not.toMatch(/"upn":"/);
    }
  });
  it('63 of several operations one is run, and that one is on record; limits hold for all', async () => {
    const query = 'query Harmless { __typename } query Families { families(first: 1) { nodes { name } } }';
    const run = (operationName?: string) => send(server, { body: JSON.stringify({ query, operationName }) });
    const families = await run('Families');
    expect(JSON.parse(families.text).data.families.nodes).toHaveLength(1);
    expect(await recordOf(families)).toMatchObject({ operation: 'Families', fields: ['Family.name'] });
    const harmless = await run('Harmless');
    expect(JSON.parse(harmless.text).data).toEqual({ __typename: 'Query' });
    expect(await recordOf(harmless)).toBeUndefined();
    for (const name of [undefined, '', 'Nobody', '__proto__']) expectShape(await run(name), 'OPERATION_RESOLUTION_FAILURE');
    const wide = `query A { __typename } query B { ${Array.from({ length: 51 }, (_, i) => `a${i}: __typename`).join(' ')} }`;
    expectShape(await send(server, { body: JSON.stringify({ query: wide, operationName: 'A' }) }), 'OPERATION_TOO_LARGE');
    const twice = 'query A { __typename } query A { viewer { user } }';
    expectShape(await send(server, { body: JSON.stringify({ query: twice, operationName: 'A' }) }), 'GRAPHQL_VALIDATION_FAILED');
  });
  it('64 a field that is left out is not asked for; the same text with it is', async () => {
    const document = (how: string) =>
      `query($id: ID!, $x: Boolean!) { family(id: $id) { id members { person { id upn ${how} ... on Person ${how} { upn } } } } }`;
    const ask = (how: string, x: boolean) => server.ask('police', document(how), { id: family, x });
    for (const _ of [1, 2]) {
      expect(refusals(await ask('@include(if: $x)', false))).toEqual([]);
      expect(refusals(await ask('@skip(if: $x)', true))).toEqual([]);
      for (const shown of [await ask('@include(if: $x)', true), await ask('@skip(if: $x)', false)]) {
        expect(refusals(shown)).toEqual(['FORBIDDEN Person.upn']);
        expect(shown.text).not.toMatch(/"upn":"/);
      }
    }
  });
  it('65 answers in parts are not served: @defer and @stream are no directives here', async () => {
    for (const query of ['{ ... @defer { families { nodes { name } } } }', '{ districts @stream { code } }']) {
      const headers = { accept: 'multipart/mixed; deferSpec=20220824, application/json' };
      expectShape(await send(server, { body: JSON.stringify({ query }), headers }), 'GRAPHQL_VALIDATION_FAILED');
      expectShape(await send(server, { body: JSON.stringify({ query }), headers: { accept: 'multipart/mixed' } }), 'NOT_ACCEPTABLE');
    }
  });
  it('67 extensions of a request change nothing', async () => {
    const extensions = { role: 'admin', http: { status: 201, headers: { 'x-role': 'admin' } }, code: 'X', cost: 0, tracing: true };
    const query = '{ viewer { organisation user scopes } }';
    const plain = await send(server, { body: JSON.stringify({ query }) });
    const answer = await send(server, { body: JSON.stringify({ query, extensions }) });
    expect([answer.status, answer.text]).toEqual([200, plain.text]);
    expect(answer.headers).not.toHaveProperty('x-role');
    for (const given of ['[]', '"x"', '1']) {
      expectShape(await send(server, { body: `{"query":"{ __typename }","extensions":${given}}` }), 'BAD_REQUEST');
    }
  });
  it('73 a mutation 20 times by aliases is refused whole', async () => {
    const before = (await owner.query('select count(*) as n from fsp.workbook_entry')).rows[0].n;
    const input = `{ idempotencyKey: "k", family: "${family}", module: "m", discipline: "social-worker", sessionType: "individual", occurred: "2026-11-01T10:00:00Z", persons: ["${encodeId('Person', storyPerson(1, 'mother'))}"] }`;
    const one = (i: number, key: string) => `a${i}: addWorkbookEntry(input: ${input.replace('"k"', `"${key}"`)}) { userErrors { code } }`;
    for (const count of [2, 20]) {
      for (const key of [(i: number) => `k${i}`, () => 'k']) {
        const fields = Array.from({ length: count }, (_, i) => one(i, key(i))).join(' ');
        expectShape(await server.ask('socialWorker', `mutation { ${fields} }`), 'MULTIPLE_MUTATIONS');
        expectShape(await server.ask('socialWorker', `mutation { ...F } fragment F on Mutation { ${fields} }`), 'MULTIPLE_MUTATIONS');
      }
    }
    expect((await owner.query('select count(*) as n from fsp.workbook_entry')).rows[0].n).toBe(before);
  });
});

describe('variables', () => {
  const byId = 'query($id: ID!) { family(id: $id) { id } }';
  const raw = (variables: string, query = byId) => send(server, { body: `{"query":${JSON.stringify(query)},"variables":${variables}}` });

  it('66 that are no object, or that name a prototype', async () => {
    for (const variables of ['"{}"', '[]', '[{"id":"x"}]', '1', 'true']) expectShape(await raw(variables), 'BAD_REQUEST');
    const poisoned = ['{"__proto__":{"id":"x"}}', '{"id":"x","constructor":{"prototype":{"id":"x"}}}', '{"id":{"__proto__":{"a":1}}}'];
    for (const variables of poisoned) {
      expectShape(await raw(variables), 'BAD_REQUEST');
      const url = `/graphql?${new URLSearchParams({ query: byId, variables })}`;
      const answer = await send(server, { method: 'GET', url });
      expectShape(answer, ['BAD_REQUEST', 'BAD_USER_INPUT', 'BAD_ID']);
    }
    const filter = 'query($f: FamilyFilter) { families(filter: $f) { nodes { id } } }';
    for (const f of [{ toString: 1 }, { hasOwnProperty: null }]) {
      expectShape(await server.ask('socialWorker', filter, { f }), 'BAD_USER_INPUT');
    }
    expect(({} as any).id).toBeUndefined();
  });
  it('68 an id in another type or writing is refused, and never another row', async () => {
    const wrong = [
      [1],
      [family],
      {},
      true,
      1.5,
      '1 ',
      ` ${family}`,
      `${family}\n`,
      `${family}x`,
      family.toLowerCase(),
      'Family-1e0',
      'Family-٣',
      'Family-01',
      'Family-+1',
      `Family-${'9'.repeat(5000)}`,
      'Family--1',
      'Family-',
      '',
    ];
    for (const id of wrong) {
      const answer = await server.ask('socialWorker', byId, { id });
      if (answer.status === 200) expect(answer.body.data, String(id)).toEqual({ family: null });
      else expectShape(answer, ['BAD_ID', 'BAD_USER_INPUT']);
    }
  });
  it('69 numbers beyond number', async () => {
    const pages = 'query($n: Int) { families(first: $n) { nodes { id } } }';
    for (const n of ['9999999999999999999', '1e400', '-1e400', '-0', '1e-9', '2147483648']) {
      expectShape(await raw(`{"n":${n}}`, pages), 'BAD_USER_INPUT');
    }
    for (const n of ['NaN', 'Infinity', '0x10', '01', '+1', '1.']) expectShape(await raw(`{"n":${n}}`, pages), 'BAD_REQUEST');
    for (const n of ['9999999999999999999', '1e400', '-0', '1.0']) {
      expectShape(await server.ask('socialWorker', pages.replace('($n: Int)', '').replace('$n', n)), [
        'GRAPHQL_VALIDATION_FAILED',
        'BAD_USER_INPUT',
      ]);
    }
  });
  it('70 a null byte, wherever it stands', async () => {
    const find = 'query($r: String!) { familyByReference(reference: $r) { id } }';
    expectShape(await raw('{"r":"a\\u0000b"}', find), 'BAD_USER_INPUT');
    expectShape(await server.ask('socialWorker', '{ familyByReference(reference: "a\\u0000b") { id } }'), 'BAD_USER_INPUT');
    expectShape(await server.ask('socialWorker', '{ familyByReference(reference: """a\0b""") { id } }'), [
      'GRAPHQL_PARSE_FAILED',
      'BAD_USER_INPUT',
    ]);
    expectShape(await server.ask('socialWorker', byId, { id: `${family}\0` }), ['BAD_ID', 'BAD_USER_INPUT']);
    const filter = 'query($d: String) { families(filter: { district: $d }) { nodes { id } } }';
    expectShape(await server.ask('socialWorker', filter, { d: 'E07\0' }), 'BAD_USER_INPUT');
    expectShape(await server.ask('socialWorker', 'query($a: String) { families(after: $a) { nodes { id } } }', { a: '\0' }), [
      'BAD_USER_INPUT',
      'BAD_CURSOR',
    ]);
  });
  it('71 half a character is refused; every whole one comes back as it was sent', async () => {
    const add =
      'mutation($input: AddWorkbookEntryInput!) { addWorkbookEntry(input: $input) { entry { narrative module } userErrors { code } } }';
    const input = (idempotencyKey: string, narrative: string) => ({
      idempotencyKey,
      family,
      module: 'm',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: '2026-11-01T10:00:00Z',
      persons: [encodeId('Person', storyPerson(1, 'mother'))],
      narrative,
    });
    for (const half of ['\ud800', 'a\udc00b', '\udc00\ud800']) {
      expectShape(await server.ask('socialWorker', add, { input: input('half', half) }), 'BAD_USER_INPUT');
      const literal = JSON.stringify(half);
      expectShape(await server.ask('socialWorker', `{ familyByReference(reference: ${literal}) { id } }`), [
        'GRAPHQL_PARSE_FAILED',
        'BAD_USER_INPUT',
      ]);
    }
    const whole = ['Zoë 👩‍👧 𝒜', '\u202egnirts\u202c', '\u200b\ufeffx', 'раура', 'e\u0301 é'];
    for (const [i, narrative] of whole.entries()) {
      const { body } = await server.ask('socialWorker', add, { input: input(`whole-${i}`, narrative) });
      expect(body.data.addWorkbookEntry).toEqual({ entry: { narrative, module: 'm' }, userErrors: [] });
    }
  });
  it('72 dates that no calendar has', async () => {
    const offer = 'mutation($input: OfferServiceInput!) { offerService(input: $input) { userErrors { code } } }';
    const days = [
      '0000-00-00',
      'infinity',
      '-infinity',
      '2026-02-30',
      '20000-01-01',
      '1899-12-31',
      '2026-1-1',
      '2026-11-01T00:00:00Z',
      'now',
      'epoch',
      '',
      0,
      null,
    ];
    for (const offered of days) {
      const input = { idempotencyKey: 'd', family, person: family, service: encodeId('Service', 1), offered };
      expectShape(await server.ask('socialWorker', offer, { input }), 'BAD_USER_INPUT');
    }
    const add =
      'mutation($at: DateTime!) { addWorkbookEntry(input: { idempotencyKey: "d", family: "Family-1", module: "m", discipline: "d", sessionType: "s", occurred: $at, persons: [] }) { userErrors { code } } }';
    for (const at of [
      '2026-02-30T10:00:00Z',
      '2026-11-01T24:00:00Z',
      '2026-11-01T10:00:60Z',
      '2026-11-01',
      '2026-11-01T10:00:00',
      '+020000-01-01T00:00:00Z',
      'infinity',
    ]) {
      expectShape(await server.ask('socialWorker', add, { at }), 'BAD_USER_INPUT');
    }
  });
});
