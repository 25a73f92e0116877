/** Bad input: a clear error with a stable code and the right status; no stack, no SQL, no suggestion. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEVELOPMENT } from '../../src/access/tokens.ts';
import { encodeId, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let good: string;
beforeAll(async () => {
  server = await testServer();
  good = await server.token('socialWorker');
});
afterAll(() => server.close());

const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
  server.app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { authorization: `Bearer ${good}`, 'content-type': 'application/json', ...headers },
    payload,
  });
const clean = (text: string) => expect(text).not.toMatch(/did you mean|select |from fsp|stack|node_modules|\.ts:|TypeError|postgres/i);
const codeOf = (text: string) => JSON.parse(text).errors[0].extensions.code;

describe('a body', () => {
  it.each([
    ['malformed JSON', '{"query": ', 400, 'BAD_REQUEST'],
    ['not an object', '[]', 400, 'BAD_REQUEST'],
    ['a batch', '[{"query":"{ __typename }"}]', 400, 'BAD_REQUEST'],
    ['no query', '{}', 400, 'BAD_REQUEST'],
    ['query of another type', '{"query": 1}', 400, 'BAD_REQUEST'],
    ['variables as text', '{"query":"{ __typename }","variables":"{}"}', 400, 'BAD_REQUEST'],
    ['a poisoned key', '{"query":"{ __typename }","variables":{"__proto__":{"a":1}}}', 400, 'BAD_REQUEST'],
    ['a persisted query', '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}', 200, 'BAD_REQUEST'],
    ['a syntax error', '{"query":"{ families("}', 400, 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{"query":"{ familie { id } }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown argument', '{"query":"{ family(idd: 1) { id } }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown enum value', '{"query":"{ families(orderBy: NAMES) { nodes { id } } }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['no selection', '{"query":"{ families }"}', 400, 'GRAPHQL_VALIDATION_FAILED'],
    ['two operations and no name', '{"query":"query A { __typename } query B { __typename }"}', 400, 'OPERATION_RESOLUTION_FAILURE'],
  ])('%s', async (what, payload, status, code) => {
    const response = await post(payload);
    clean(response.body);
    if (what === 'a persisted query') expect(JSON.parse(response.body).errors).toHaveLength(1);
    else expect([response.statusCode, codeOf(response.body)]).toEqual([status, code]);
    expect(JSON.parse(response.body).data ?? undefined).toBeUndefined();
  });
  it('that is too large is a 413, of another type a 415', async () => {
    expect((await post(`{"query":"{ __typename }","variables":{"a":"${'x'.repeat(300_000)}"}}`)).statusCode).toBe(413);
    expect((await post('query=%7B__typename%7D', { 'content-type': 'application/x-www-form-urlencoded' })).statusCode).toBe(415);
  });
  it('sent to a place that is none is a 404 in the same shape', async () => {
    const response = await server.app.inject('/nothing');
    expect([response.statusCode, codeOf(response.body)]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('a variable', () => {
  const ask = (type: string, value: unknown, document: string) => server.ask('socialWorker', document.replace('$T', type), { v: value });
  it.each([
    ['an id of another JSON type', { a: 1 }],
    ['an id that is none', 'not-an-id'],
    ['an empty id', ''],
    ['a number', 1.5],
    ['true', true],
    ['a list', [1]],
    ['a very long id', 'A'.repeat(5000)],
    ['an id with white space', `${encodeId('Family', 1)} `],
    ['an id in another writing', `${encodeId('Family', 1)}==`],
    ['an id with an overlong key', encodeId('Family', '9'.repeat(30))],
  ])('%s is a 400', async (_what, value) => {
    const { status, text, body } = await ask('ID!', value, 'query($v: $T) { family(id: $v) { id } }');
    expect(status).toBe(400);
    expect(['BAD_ID', 'BAD_USER_INPUT']).toContain(body.errors?.[0].extensions.code);
    clean(text);
  });
  it('a well-formed id of another type, or of nothing, is null', async () => {
    for (const id of [encodeId('Plan', 1), encodeId('Family', 999_999_999), encodeId('Nothing', 1), encodeId('Person', 100)]) {
      const { status, body } = await ask('ID!', id, 'query($v: $T) { family(id: $v) { id } }');
      expect([status, body.data]).toEqual([200, { family: null }]);
    }
    expect((await ask('ID!', encodeId('Nothing', 1), 'query($v: $T) { node(id: $v) { id } }')).body.data).toEqual({ node: null });
  });
  it('with a null byte or a lone surrogate is a 400, in a literal too', async () => {
    for (const value of ['a\u0000b', '\ud800']) {
      const { status, body } = await ask('String!', value, 'query($v: $T) { familyByReference(reference: $v) { id } }');
      expect([status, body.errors?.[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
    }
    const literal = await server.ask('socialWorker', '{ familyByReference(reference: "a\\u0000b") { id } }');
    expect(literal.status).toBe(400);
  });
  it('of an enum or input object is refused without naming what there is', async () => {
    for (const [type, value] of [
      ['FamilyOrder', 'NAMES'],
      ['FamilyFilter', { stag: 'x' }],
      ['FamilyFilter', { stage: 'CLOSE_' }],
    ] as const) {
      const document =
        type === 'FamilyOrder'
          ? 'query($v: $T) { families(orderBy: $v) { nodes { id } } }'
          : 'query($v: $T) { families(filter: $v) { nodes { id } } }';
      const { status, text, body } = await ask(type, value, document);
      expect([status, body.errors?.[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
      clean(text);
      expect(text).not.toMatch(/"ID"|CLOSED|district/);
    }
  });
  it.each(['0000-00-00', '2026-02-30', 'infinity', '20000-01-01', '2026-1-1', 20260101])('the date %s is a 400', async (offered) => {
    const { status, body } = await server.ask(
      'socialWorker',
      'mutation($i: OfferServiceInput!) { offerService(input: $i) { userErrors { code } } }',
      {
        i: {
          idempotencyKey: 'd',
          family: encodeId('Family', 1),
          person: encodeId('Person', 100),
          service: encodeId('Service', 1),
          offered,
        },
      },
    );
    expect([status, body.errors?.[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
  });
  it('107 text that is SQL is text', async () => {
    const { body } = await ask('String!', "x'; drop table fsp.family; --", 'query($v: $T) { familyByReference(reference: $v) { id } }');
    expect([body.data, body.errors]).toEqual([{ familyByReference: null }, undefined]);
  });
});

describe('an alias', () => {
  it('of 63 characters keeps them all, a longer one is a 400', async () => {
    const [long, longer] = ['a'.repeat(63), 'a'.repeat(64)];
    expect((await server.ask('socialWorker', `{ ${long}: districts { ${long}: code } }`)).body.data[long][0]).toHaveProperty(long);
    for (const document of [`{ ${longer}: districts { code } }`, `{ districts { ${longer}: code } }`]) {
      const { status, body } = await server.ask('socialWorker', document);
      expect([status, body.errors?.[0].extensions.code]).toEqual([400, 'OPERATION_TOO_LARGE']);
    }
  });
});

describe('a token', () => {
  const claims = { client_id: 'occ-social-care', organisation: 'occ', scope: 'family:read' };
  const asked = async (token: string | null) => {
    const response = await server.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: token }) },
      payload: '{"query":"{ __typename }"}',
    });
    return [response.statusCode, response.body] as const;
  };
  type Change = (jwt: SignJWT) => SignJWT;
  const signed = (change: Change, header: object = {}, extra: object = {}) =>
    change(
      new SignJWT({ ...claims, ...extra })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: server.issuer.jwk.kid as string, ...header })
        .setIssuer(DEVELOPMENT.issuer)
        .setAudience(DEVELOPMENT.audience)
        .setSubject('grace.whitlock')
        .setJti('j')
        .setIssuedAt()
        .setExpirationTime('5m'),
    ).sign(server.issuer.key);
  const none = () =>
    `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify({ ...claims, iss: DEVELOPMENT.issuer, aud: DEVELOPMENT.audience, sub: 'x', jti: 'x', iat: 1, exp: 9e9 })).toString('base64url')}`;
  const hs256 = () => {
    const head = `${Buffer.from('{"alg":"HS256","typ":"at+jwt"}').toString('base64url')}.${none().split('.')[1]}`;
    return `${head}.${createHmac('sha256', JSON.stringify(server.issuer.jwk)).update(head).digest('base64url')}`;
  };

  it('that is right is taken', async () => {
    expect((await asked(`Bearer ${await signed((jwt) => jwt)}`))[0]).toBe(200);
  });
  it('with any fault is a 401, all in the same words', async () => {
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    const faults: Record<string, string | null> = {
      missing: null,
      empty: '',
      'another scheme': `Basic ${good}`,
      nonsense: 'Bearer x',
      'two spaces': `Bearer  ${good}`,
      'white space inside': `Bearer ${good.slice(0, 20)}\t${good.slice(20)}`,
      'alg none': `Bearer ${none()}.`,
      'alg none without a dot': `Bearer ${none()}`,
      HS256: `Bearer ${hs256()}`,
      expired: `Bearer ${await signed((jwt) => jwt.setExpirationTime(Math.floor(Date.now() / 1000) - 60))}`,
      'from the future': `Bearer ${await signed((jwt) => jwt.setIssuedAt(Math.floor(Date.now() / 1000) + 600))}`,
      'another audience': `Bearer ${await signed((jwt) => jwt.setAudience('https://elsewhere.example'))}`,
      'another issuer': `Bearer ${await signed((jwt) => jwt.setIssuer('https://elsewhere.example'))}`,
      'an id token': `Bearer ${await signed((jwt) => jwt, { typ: 'JWT' })}`,
      'an unknown key': `Bearer ${await signed((jwt) => jwt, { kid: '../../dev/null' })}`,
      'another key': `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' }).setIssuer(DEVELOPMENT.issuer).setAudience(DEVELOPMENT.audience).setSubject('x').setJti('x').setIssuedAt().setExpirationTime('5m').sign(stranger)}`,
      'an unknown client': `Bearer ${await signed((jwt) => jwt, {}, { client_id: 'nobody' })}`,
      'an unknown user': `Bearer ${await signed((jwt) => jwt.setSubject('nobody'))}`,
      'another organisation': `Bearer ${await signed((jwt) => jwt, {}, { organisation: 'thames-valley-police' })}`,
      'a list for a client': `Bearer ${await signed((jwt) => jwt, {}, { client_id: ['occ-social-care'] })}`,
      'no jti': `Bearer ${await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' }).setIssuer(DEVELOPMENT.issuer).setAudience(DEVELOPMENT.audience).setSubject('grace.whitlock').setIssuedAt().setExpirationTime('5m').sign(server.issuer.key)}`,
    };
    for (const [what, header] of Object.entries(faults)) {
      expect(await asked(header), what).toEqual([
        401,
        '{"errors":[{"message":"A valid access token is needed.","extensions":{"code":"UNAUTHENTICATED"}}]}',
      ]);
    }
  });
  it('is asked for before the document is read', async () => {
    const response = await server.app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: '{"query":"{ nonsense"}',
    });
    expect(response.statusCode).toBe(401);
  });
  it('gives no scope that the client does not have', async () => {
    const { body } = await server.ask(
      { client: 'occ-analyst', user: null, scopes: ['family:read', 'role:analyst'] },
      '{ viewer { scopes } families { nodes { id } } }',
    );
    expect(body.data.viewer.scopes).toEqual(['role:analyst']);
    expect(body.data.families).toBeNull();
  });
});

describe('a request', () => {
  it('112 without a purpose, or for one that is none, is a 403', async () => {
    for (const purpose of ['NOSUCH', 'toString', '', 'SAFEGUARDING, EVALUATION']) {
      const { status, body } = await server.ask('police', '{ __typename }', {}, { 'x-purpose-of-use': purpose });
      expect([status, body.errors?.[0].extensions.code], purpose).toEqual([403, 'PURPOSE_NOT_ALLOWED']);
    }
  });
  it('is answered without a trace of what answers', async () => {
    const { headers } = await server.ask('socialWorker', '{ __typename }');
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers['cache-control']).toBe('no-store');
  });
  it('from a host that is none is a 400', async () => {
    for (const host of ['a b', '[', 'x/y', '<script>']) {
      expect((await server.app.inject({ method: 'GET', url: '/livez', headers: { host } })).statusCode, host).toBe(400);
    }
  });
});
