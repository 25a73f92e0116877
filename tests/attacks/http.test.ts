/** Cases 45 to 59: the request as bytes, before anything of it is GraphQL; and the one shape of every refusal. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerIn, expectShape, headersOf, open, raw, received, send } from '../support/attack.ts';
import { ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const FRIEND = 'https://desk.example';

let server: TestServer;
let owner: pg.Client;
let address: string;
let authorization: string;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_http');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl, { allowedOrigins: [FRIEND] });
  address = await server.listen({ host: '127.0.0.1', port: 0 });
  authorization = (await headersOf(server, 'socialWorker')).authorization as string;
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const asked = '{"query":"{ viewer { organisation } }"}';
const answered = '"organisation":"occ"';
const search = `/graphql?${new URLSearchParams({ query: '{ viewer { organisation } }' })}`;
const bare = { 'content-type': '' };

/** A request line by line, with a good token; the connection is closed after the answer. */
const lines = (first: string, headers: string[], body = '') =>
  [first, `authorization: ${authorization}`, 'x-purpose-of-use: SAFEGUARDING', ...headers, 'connection: close', '', body].join('\r\n');

describe('requests that a page of another site can make a browser send', () => {
  it('45 a GET as bare as a link is refused', async () => {
    expectShape(await send(server, { method: 'GET', url: search, headers: bare }), 'BAD_REQUEST');
  });
  it('46 a POST of a form or of text is refused', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
      expectShape(await send(server, { body: asked, headers: { 'content-type': type } }), 'UNSUPPORTED_MEDIA_TYPE');
      expectShape(await send(server, { headers: { 'content-type': type } }), ['UNSUPPORTED_MEDIA_TYPE', 'BAD_REQUEST']);
    }
  });
  it('47 a GET with a content type that browsers once let through is refused', async () => {
    for (const type of ['message/x', 'text/plain', 'invalid', 'application/x-json']) {
      const answer = await send(server, { method: 'GET', url: search, headers: { 'content-type': type } });
      expectShape(answer, ['UNSUPPORTED_MEDIA_TYPE', 'BAD_REQUEST']);
    }
  });
  it('48 a mutation by GET is refused, and told the way', async () => {
    const query = 'mutation { offerService(input: {}) { userErrors { code } } }'
      .replace('{}', '$i')
      .replace('n {', 'n($i: OfferServiceInput!) {');
    const headers = { ...bare, 'apollo-require-preflight': '1' };
    const answer = await send(server, { method: 'GET', url: `/graphql?${new URLSearchParams({ query })}`, headers });
    expectShape(answer, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.allow).toBe('POST');
  });
  it('57 pages of other origins are told nothing; none is ever told credentials', async () => {
    const origins: [string, boolean][] = [
      ['null', false],
      ['https://evil.example', false],
      [`${FRIEND}.evil.example`, false],
      [FRIEND.toUpperCase(), false],
      [FRIEND, true],
    ];
    for (const [origin, friend] of origins) {
      for (const method of ['OPTIONS', 'POST'] as const) {
        const { headers } = await send(server, { method, headers: { origin }, ...(method === 'POST' ? { body: asked } : {}) });
        expect(headers['access-control-allow-origin'], origin).toBe(friend ? FRIEND : undefined);
        expect(headers).not.toHaveProperty('access-control-allow-credentials');
      }
    }
  });
});

describe('what a body is', () => {
  it('49 JSON in every writing of its type is read, and nothing else is', async () => {
    const types = [
      ['application/json\t', true],
      ['application/json; charset=utf-8', true],
      ['APPLICATION/JSON;CHARSET="UTF-8"', true],
      ['application/graphql+json', true],
      ['application/json; charset=', false],
      ['APPLICATION/JSON ;a=b', false],
      ['application/json, text/plain', false],
      ['application/jsonp', false],
      ['application/json;;', false],
    ] as const;
    for (const [type, read] of types) {
      const answer = await send(server, { body: asked, headers: { 'content-type': type } });
      if (read) expect([answer.status, answer.text.includes(answered)], type).toEqual([200, true]);
      else expectShape(answer, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });
  it('50 another encoding of text is refused; a mark of UTF-8 before it is UTF-8', async () => {
    const utf16 = Buffer.from(`\ufeff${asked}`, 'utf16le');
    for (const charset of ['utf-16', 'utf-16le', 'iso-8859-1', 'utf-7'])
      expectShape(
        await send(server, { body: utf16, headers: { 'content-type': `application/json; charset=${charset}` } }),
        'UNSUPPORTED_MEDIA_TYPE',
      );
    expectShape(await send(server, { body: utf16 }), 'BAD_REQUEST');
    expect((await send(server, { body: `\ufeff${asked}` })).text).toContain(answered);
  });
  it('51 broken UTF-8 is refused, not mended', async () => {
    for (const bytes of [
      [0xff, 0xfe],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f],
    ]) {
      const body = Buffer.concat([Buffer.from('{"query":"{ __typename }","variables":{"a":"'), Buffer.from(bytes), Buffer.from('"}}')]);
      expectShape(await send(server, { body }), 'BAD_REQUEST');
    }
  });
  it('56 a parameter twice is refused; of a member twice the last is asked, and that one is on record', async () => {
    const twice = `/graphql?query=${encodeURIComponent('{ __typename }')}&query=${encodeURIComponent('{ viewer { user } }')}`;
    expectShape(await send(server, { method: 'GET', url: twice }), 'BAD_REQUEST');
    const [first, last] = ['{ __typename }', '{ families(first: 1) { nodes { name } } }'];
    const body = `{"query":${JSON.stringify(first)},"query":${JSON.stringify(last)}}`;
    const answer = await send(server, { body });
    expect(JSON.parse(answer.text).data.families.nodes).toHaveLength(1);
    const { rows } = await owner.query('select records from fsp.disclosure');
    const record = rows.flatMap(({ records }) => JSON.parse(records)).find(({ request }) => request === answer.headers['x-request-id']);
    expect(record.document).toBe(createHash('sha256').update(last).digest('hex'));
  });
});

describe('who and where', () => {
  it('52 a Host that is none is refused, never a 500', async () => {
    const hosts = ['a b', '[', ']', 'x/y', '999.999.999.999', 'a:99999', 'a..b@c', 'xn--\u0301', '%zz', '[::g]', ''];
    for (const host of hosts) expectShape(await send(server, { body: asked, headers: { host: host || ' ' } }), 'BAD_REQUEST');
    const post = (first: string, headers: string[]) =>
      raw(address, lines(first, [...headers, 'content-type: application/json', `content-length: ${asked.length}`], asked));
    expectShape(await post('POST /graphql HTTP/1.1', []), 'BAD_REQUEST');
    expectShape(await post('POST /graphql HTTP/1.1', ['host:']), 'BAD_REQUEST');
    expectShape(await post('POST http://elsewhere.example/graphql HTTP/1.1', ['host: localhost']), 'BAD_REQUEST');
    expectShape(await raw(address, lines('OPTIONS * HTTP/1.1', ['host: localhost'])), 'BAD_REQUEST');
    const named = await testServer(undefined, { allowedHosts: ['api.example'] });
    try {
      expectShape(await send(named, { body: asked, headers: { host: 'localhost' } }), 'MISDIRECTED');
      expect((await send(named, { body: asked, headers: { host: 'api.example:8443' } })).status).toBe(200);
    } finally {
      await named.close();
    }
  });
  it('53 headers that say who or where somebody is change nothing', async () => {
    const forged = {
      'x-forwarded-for': '10.9.8.7',
      forwarded: 'for=10.9.8.7;host=elsewhere.example',
      'x-forwarded-host': 'elsewhere.example',
      'x-forwarded-proto': 'https',
      'x-real-ip': '10.9.8.7',
      'x-tenant': 'thames-valley-police',
      'x-client-role': 'information-governance',
      'x-user-id': 'agnes.thorley',
    };
    const query = '{ viewer { organisation user scopes } families(first: 1) { nodes { name } } }';
    const plain = await send(server, { body: JSON.stringify({ query }) });
    const answer = await send(server, { body: JSON.stringify({ query }), headers: forged });
    expect(JSON.parse(answer.text).data).toEqual(JSON.parse(plain.text).data);
    const { rows } = await owner.query('select records from fsp.disclosure');
    const record = rows.flatMap(({ records }) => JSON.parse(records)).find(({ request }) => request === answer.headers['x-request-id']);
    expect(record).toMatchObject({ address: '127.0.0.1', user: 'grace.whitlock', organisation: 'occ' });
  });
  it('54 other methods are refused, by whatever header they are named', async () => {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      const answer = await send(server, { method, headers: { 'content-type': '' } });
      expectShape(answer, 'METHOD_NOT_ALLOWED');
      expect(answer.headers.allow).toBe('GET, POST');
    }
    expect((await send(server, { method: 'HEAD' })).status).toBe(405);
    expectShape(await raw(address, lines('TRACE /graphql HTTP/1.1', ['host: localhost'])), 'METHOD_NOT_ALLOWED');
    expectShape(await raw(address, lines('BREW /graphql HTTP/1.1', ['host: localhost'])), 'BAD_REQUEST');
    expectShape(await raw(address, lines('PROPFIND /graphql HTTP/1.1', ['host: localhost'])), ['NOT_FOUND', 'METHOD_NOT_ALLOWED']);
    // Node gives a tunnel no answer at all.
    const tunnel = await open(address);
    const end = received(tunnel);
    tunnel.write(lines('CONNECT elsewhere.example:443 HTTP/1.1', ['host: localhost']));
    expect(await end).toBe('');
    const override = { 'x-http-method-override': 'POST', 'x-method-override': 'POST', 'x-http-method': 'POST' };
    expectShape(await send(server, { method: 'GET', url: '/graphql?_method=POST', headers: { ...bare, ...override } }), 'BAD_REQUEST');
  });
  it('58 an answer is kept by nobody, and differs by token', async () => {
    for (const as of ['socialWorker', 'police'] as const) {
      const get = await send(server, { method: 'GET', url: search, as });
      const post = await send(server, { body: asked, as });
      for (const { status, headers } of [get, post]) {
        expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
        expect(headers.vary).toMatch(/\bAuthorization\b/);
        expect(headers).not.toHaveProperty('etag');
      }
    }
  });
  it('59 other writings of the path are nothing, or the same door', async () => {
    for (const url of ['/graphql/', '//graphql', '/GRAPHQL?x', '/./graphql/.', '/graphql%2f', '/graphql;x', '/x/../graphql%00']) {
      const answer = await send(server, { body: asked, url, headers: { authorization: '' } });
      expectShape(answer, ['NOT_FOUND', 'UNAUTHENTICATED']);
      expectShape(await send(server, { body: asked, url }), 'NOT_FOUND');
    }
    expectShape(await send(server, { body: asked, url: '/%67raphql', headers: { authorization: '' } }), 'UNAUTHENTICATED');
    expect((await send(server, { body: asked, url: '/%67raphql' })).text).toContain(answered);
  });
});

describe('bytes', () => {
  const hidden = 'GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n';
  const post = (headers: string[], body: string) =>
    raw(address, lines('POST /graphql HTTP/1.1', ['host: localhost', 'content-type: application/json', ...headers], body));
  it('55 a request that two servers could read as two is refused, and the connection closed', async () => {
    const requests: [string[], string][] = [
      [['content-length: 6', 'transfer-encoding: chunked'], `0\r\n\r\n${hidden}`],
      [['transfer-encoding: chunked', 'content-length: 6'], `0\r\n\r\n${hidden}`],
      [[`content-length: ${asked.length}`, 'content-length: 0'], asked + hidden],
      [['transfer-encoding: chunked'], `zz\r\n${asked}\r\n0\r\n\r\n`],
      [['transfer-encoding: xchunked'], `0\r\n\r\n${hidden}`],
      [['content-length: +5'], hidden],
      [['content-length : 5'], hidden],
      [['x: a\n content-length: 5'], hidden],
      [['transfer-encoding: chunked'], `5;${'x'.repeat(20_000)}\r\n`],
    ];
    for (const [headers, body] of requests) {
      const socket = await open(address);
      const all = received(socket);
      socket.write(lines('POST /graphql HTTP/1.1', ['host: localhost', 'content-type: application/json', ...headers], body));
      const text = await all;
      expectShape(answerIn(text), ['BAD_REQUEST', 'PAYLOAD_TOO_LARGE']);
      expect(text.match(/HTTP\/1\.1 /g), headers.join()).toHaveLength(1);
    }
  });
  it('headers without end, a long address, an expectation and no HTTP at all are refused in the same shape', async () => {
    expectShape(await post([`x: ${'x'.repeat(20_000)}`], ''), 'HEADERS_TOO_LARGE');
    expectShape(await raw(address, lines(`GET /${'x'.repeat(20_000)} HTTP/1.1`, ['host: localhost'])), 'HEADERS_TOO_LARGE');
    expectShape(await post(['expect: the-unexpected', `content-length: ${asked.length - 1}`], asked.slice(1)), 'BAD_REQUEST');
    expectShape(await raw(address, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'), 'BAD_REQUEST');
    expectShape(await raw(address, 'GET /graphql\r\n\r\n'), 'BAD_REQUEST');
    expectShape(await raw(address, 'GET /graphql HTTP/9.9\r\nhost: localhost\r\n\r\n'), 'BAD_REQUEST');
    expectShape(await send(server, { method: 'GET', url: '/%zz' }), 'BAD_REQUEST');
    expectShape(await send(server, { body: asked, headers: { accept: 'image/png' } }), 'NOT_ACCEPTABLE');
    expectShape(await send(server, { body: asked, headers: { accept: 'application/json;q=0' } }), 'NOT_ACCEPTABLE');
    for (const body of [
      '',
      '{}',
      '[]',
      'null',
      '1',
      '"x"',
      '{"query":null}',
      '{"query":1}',
      '{"query":{}}',
      '{"query":{"kind":"Document"}}',
    ]) {
      expectShape(await send(server, { body }), 'BAD_REQUEST');
    }
  });
  it('a server that stops answers in the same shape', async () => {
    const stopping = await testServer();
    let begun = false;
    stopping.app.server.on('request', () => {
      begun = true;
    });
    const socket = await open(await stopping.listen({ host: '127.0.0.1', port: 0 }));
    const all = received(socket);
    // A request whose body is under way holds the connection; the next one comes over it when the server is stopping.
    const token = await stopping.token('socialWorker');
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\nx-purpose-of-use: SAFEGUARDING\r\ncontent-type: application/json\r\ncontent-length: ${asked.length}\r\n\r\n`,
    );
    await expect.poll(() => begun).toBe(true);
    const stopped = stopping.close();
    await expect.poll(() => stopping.app.server.listening).toBe(false);
    socket.write(`${asked}GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    const text = await all;
    await stopped;
    expect(answerIn(text)).toMatchObject({ status: 200, text: expect.stringContaining(answered) });
    expectShape(answerIn(text.slice(text.lastIndexOf('HTTP/1.1 '))), 'UNAVAILABLE');
  });
});
