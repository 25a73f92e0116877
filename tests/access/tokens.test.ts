/** Every way to make a token say more than its issuer did. Numbers: attacks on tokens. */
import { createHmac, type KeyObject, randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { remoteVerifier, type VerifyToken } from '../../src/access/tokens.ts';
import { LIMITS } from '../../src/limits.ts';
import type { Server } from '../../src/server.ts';
import {
  AUDIENCE,
  askWith,
  compact,
  countingServer,
  headerOf,
  type IdentityProvider,
  identityProvider,
  type Key,
  newKey,
  payloadOf,
  signedBy,
  statusOf,
  trustingServer,
} from '../support/issuer.ts';

const keys = [newKey('ES256'), newKey('RS256')] as const;
const [key, rsa] = keys;
const stranger = newKey('ES256');
let provider: IdentityProvider;
let server: Server;
let verify: VerifyToken;
/** What the provider gave, and what is in it. */
let given: string;
let header: Record<string, any>;
let claims: Record<string, any>;
beforeAll(async () => {
  provider = await identityProvider(...keys);
  server = await trustingServer(inject('ownerUrl'), provider);
  verify = remoteVerifier(provider.jwksUrl, { issuer: provider.issuer, audience: AUDIENCE });
  given = (await provider.signIn('occ-social-care', 'grace.whitlock')).access;
  header = headerOf(given);
  claims = payloadOf(given);
});
afterAll(async () => {
  await server.close();
  await provider.close();
});

type Changes = Record<string, unknown>;

/** The provider's token with changes, signed as the provider signs. Undefined: left out. */
const signed = (changes: Changes = {}, headers: Changes = {}, by: Key = key) =>
  compact({ ...header, ...headers }, { ...claims, jti: randomUUID(), ...changes }, signedBy(by));

const now = () => Math.floor(Date.now() / 1000);
const HOUR = 3600;

describe('what the provider signs', () => {
  it('is taken, and so is the same made by hand', async () => {
    expect(header).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: key.kid });
    for (const token of [given, signed(), signed({}, { typ: 'application/at+jwt' }), signed({}, { alg: 'RS256', kid: rsa.kid }, rsa)])
      expect(await statusOf(server, token)).toBe(200);
  });
  it('is taken without a scope, which then gives none', async () => {
    const { body } = await askWith(server, `Bearer ${signed({ scope: undefined })}`, '{ viewer { scopes } }');
    expect(body.data).toEqual({ viewer: { scopes: [] } });
  });
});

describe('113 a signature that is none', () => {
  it.each(['none', 'None', 'NONE', 'nOnE', '', undefined, null])('alg %j', async (alg) => {
    const bare = compact({ ...header, alg }, claims, () => Buffer.alloc(0));
    const last = given.slice(given.lastIndexOf('.') + 1);
    for (const token of [bare, bare.slice(0, -1), bare + last]) expect(await statusOf(server, token), token).toBe(401);
  });
  it.each([
    ['taken away with its dot', () => given.slice(0, given.lastIndexOf('.'))],
    ['taken away', () => given.slice(0, given.lastIndexOf('.') + 1)],
    ['of zeros', () => compact(header, claims, () => Buffer.alloc(64))],
    ['cut short', () => given.slice(0, -2)],
    ['of another token', () => `${given.slice(0, given.lastIndexOf('.'))}${signed().slice(signed().lastIndexOf('.'))}`],
    ['of a stranger', () => signed({}, {}, stranger)],
  ])('%s', async (_what, token) => {
    expect(await statusOf(server, token())).toBe(401);
  });
});

describe('114 a public key taken for a secret', () => {
  const pem = ({ public: open }: Key) => open.export({ type: 'spki', format: 'pem' }) as string;
  const secrets: [string, string | Buffer | KeyObject][] = keys.flatMap((one): [string, string | Buffer][] => [
    [`${one.alg}, PEM`, pem(one)],
    [`${one.alg}, PEM without its last line break`, pem(one).trimEnd()],
    [`${one.alg}, PEM with white space in front`, ` \n${pem(one)}`],
    [`${one.alg}, DER`, one.public.export({ type: 'spki', format: 'der' })],
    [`${one.alg}, JWK`, JSON.stringify(one.jwk)],
    [`${one.alg}, JWK with white space in front`, `\n ${JSON.stringify(one.jwk)}`],
  ]);
  it.each(secrets)('%s', async (_what, secret) => {
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
    ] as const) {
      for (const kid of [key.kid, rsa.kid, undefined]) {
        const token = compact({ ...header, alg, kid }, claims, (input) => createHmac(hash, secret).update(input).digest());
        expect(await statusOf(server, token)).toBe(401);
      }
    }
  });
  it('a key of another kind than the header says', async () => {
    for (const [alg, kid] of [
      ['RS256', key.kid],
      ['PS256', rsa.kid],
      ['ES384', key.kid],
      ['RS512', rsa.kid],
      ['ES256', rsa.kid],
    ]) {
      for (const by of keys) expect(await statusOf(server, signed({}, { alg, kid }, by)), `${alg} ${kid}`).toBe(401);
    }
  });
});

describe('115 a key’s id', () => {
  const ids: unknown[] = [
    '../../dev/null',
    '/dev/null',
    "' or 1=1 --",
    '',
    '*',
    '__proto__',
    'constructor',
    0,
    [],
    {},
    null,
    'x'.repeat(3000),
  ];
  it.each(ids)('%j opens nothing', async (kid) => {
    expect(await statusOf(server, signed({}, { kid }, stranger))).toBe(401);
    // Not even with the right key: what names no key of the provider's is not the provider's.
    expect(await statusOf(server, signed({}, { kid }))).toBe(401);
  });
  it('two hundred unknown ones have the keys fetched once at most', async () => {
    const before = provider.keysAsked();
    const answers = await Promise.all(Array.from({ length: 200 }, () => statusOf(server, signed({}, { kid: randomUUID() }, stranger))));
    expect(new Set(answers)).toEqual(new Set([401]));
    expect(provider.keysAsked() - before).toBeLessThanOrEqual(1);
  });
});

describe('116 a key that the token brings along', () => {
  it.each(['jku', 'x5u', 'jwk', 'x5c', 'all'])('%s is not looked at, and nothing is fetched', async (which) => {
    const trap = await countingServer((_request, response) => void response.end(JSON.stringify({ keys: [stranger.jwk] })));
    try {
      const offers: Changes = {
        jku: `${trap.url}/jwks`,
        x5u: `${trap.url}/certificate`,
        jwk: stranger.jwk,
        x5c: [stranger.public.export({ type: 'spki', format: 'der' }).toString('base64')],
      };
      const offered = which === 'all' ? offers : { [which]: offers[which] };
      for (const kid of [key.kid, stranger.kid, undefined])
        expect(await statusOf(server, signed({}, { ...offered, kid }, stranger))).toBe(401);
      expect(trap.counts.size).toBe(0);
    } finally {
      await trap.close();
    }
  });
});

describe('117 signed by the provider, and not for us, not now or not whole', () => {
  it.each<[string, () => Changes]>([
    ['another audience', () => ({ aud: 'https://elsewhere.example/graphql' })],
    ['an audience that begins like ours', () => ({ aud: `${AUDIENCE}/more` })],
    ['our audience in other letters', () => ({ aud: AUDIENCE.toUpperCase() })],
    ['several audiences, none ours', () => ({ aud: ['https://elsewhere.example', 'https://api.example'] })],
    ['a list of no audience', () => ({ aud: [] })],
    ['another issuer', () => ({ iss: 'https://elsewhere.example/' })],
    ['the issuer with a slash', () => ({ iss: `${provider.issuer}/` })],
    ['expired', () => ({ iat: now() - 2 * HOUR, exp: now() - HOUR })],
    ['expires, in text', () => ({ exp: String(now() + HOUR) })],
    ['not good yet', () => ({ nbf: now() + HOUR })],
    ['not good yet, in text', () => ({ nbf: '0' })],
    ['issued in the future', () => ({ iat: now() + HOUR, exp: now() + 2 * HOUR })],
    ['too old, though it does not expire', () => ({ iat: now() - 25 * HOUR, exp: now() + HOUR })],
    ...['aud', 'iss', 'exp', 'iat', 'jti', 'sub', 'client_id', 'organisation'].map((claim): [string, () => Changes] => [
      `without ${claim}`,
      () => ({ [claim]: undefined }),
    ]),
    ['a client that is not known', () => ({ client_id: 'nobody' })],
    ['a user who is not known', () => ({ sub: 'nobody' })],
    ['another organisation than the client’s', () => ({ organisation: 'thames-valley-police' })],
  ])('%s', async (_what, changes) => {
    expect(await statusOf(server, signed(changes()))).toBe(401);
  });
  it('an exponent that never ends', async () => {
    const payload = JSON.stringify({ ...claims, exp: 0 }).replace('"exp":0', '"exp":1e999');
    expect(await statusOf(server, compact(header, payload, signedBy(key)))).toBe(401);
  });
  it.each(['null', '[]', '"text"', '1', 'nonsense', '{}'])('the payload %s', async (payload) => {
    expect(await statusOf(server, compact(header, payload, signedBy(key)))).toBe(401);
  });
});

describe('118 a token of another kind', () => {
  it.each(['JWT', 'jwt', 'id_token', 'dpop+jwt', 'logout+jwt', 'at+jwt2', '', undefined, null, ['at+jwt']])('typ %j', async (typ) => {
    expect(await statusOf(server, signed({}, { typ }))).toBe(401);
  });
});

describe('119 a header that must be understood', () => {
  it.each<[string, Changes]>([
    ['unknown', { crit: ['x'], x: 1 }],
    ['not there', { crit: ['x'] }],
    ['empty', { crit: [] }],
    ['text', { crit: 'x', x: 1 }],
    ['a payload as it is', { crit: ['b64'], b64: false }],
  ])('%s', async (_what, headers) => {
    expect(await statusOf(server, signed({}, headers))).toBe(401);
  });
});

describe('120 the same token in another writing', () => {
  const at = (index: number, text: string) => (parts: string[]) =>
    parts.map((part, place) => (place === index ? `${part.slice(0, 10)}${text}${part.slice(10)}` : part)).join('.');
  const forms: [string, (parts: string[]) => string][] = [
    ...[0, 1, 2].flatMap((index) =>
      [' ', '\t', '\n', '\r\n', '\u00a0', '\u200b', '\0', '=', '+', '/', '%20'].map((text): [string, (parts: string[]) => string] => [
        `${JSON.stringify(text)} in part ${index + 1}`,
        at(index, text),
      ]),
    ),
    ['white space in front', (parts) => ` ${parts.join('.')}`],
    ['white space behind', (parts) => `${parts.join('.')} `],
    ['a line break behind', (parts) => `${parts.join('.')}\n`],
    ['padded', (parts) => parts.map((part) => part.padEnd(Math.ceil(part.length / 4) * 4, '=')).join('.')],
    ['base64', (parts) => parts.map((part) => Buffer.from(part, 'base64url').toString('base64')).join('.')],
    ['dots by percent', (parts) => parts.join('%2E')],
    ['a dot in front', (parts) => `.${parts.join('.')}`],
    ['a dot behind', (parts) => `${parts.join('.')}.`],
    ['an empty part', (parts) => `${parts[0]}..${parts[2]}`],
    ['five parts', (parts) => `${parts.join('.')}.${parts[1]}.${parts[2]}`],
    ['quoted', (parts) => `"${parts.join('.')}"`],
    ['as JSON', ([head, payload, signature]) => JSON.stringify({ protected: head, payload, signature })],
  ];
  it.each(forms)('%s', async (_what, write) => {
    expect(await verify(write(given.split('.')))).toBeNull();
  });
  it('with any one letter changed, even where the bytes stay the same', async () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (let index = 0; index < given.length; index++) {
      if (given[index] === '.') continue;
      const other = letters[letters.indexOf(given[index] as string) ^ 1];
      expect(await verify(given.slice(0, index) + other + given.slice(index + 1)), `letter ${index}`).toBeNull();
    }
  });
  it('is read up to its longest, and no further', async () => {
    const letters = (padding: number) => signed({ padding: 'x'.repeat(padding) });
    let padding = LIMITS.tokenCharacters / 2;
    while (letters(padding + 1).length <= LIMITS.tokenCharacters) padding++;
    expect(await verify(letters(padding))).not.toBeNull();
    expect(await verify(letters(padding + 1))).toBeNull();
  });
});

describe('122 a token that is bound to its holder', () => {
  it.each<[string, unknown]>([
    ['by certificate', { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }],
    ['by key', { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }],
    ['by something else', { kid: 'x' }],
    ['by nothing', {}],
    ['by null', null],
  ])('%s is not taken from whoever bears it', async (_what, cnf) => {
    expect(await statusOf(server, signed({ cnf }))).toBe(401);
  });
});

describe('124 a token in another place', () => {
  const ask = (url: string, headers: Record<string, string>, payload?: string) =>
    server.app.inject({ method: payload === undefined ? 'GET' : 'POST', url, headers, ...(payload === undefined ? {} : { payload }) });
  const json = { 'content-type': 'application/json' };
  it.each<[string, () => ReturnType<typeof ask>]>([
    ['in the address of a GET', () => ask(`/graphql?query=%7B__typename%7D&access_token=${given}`, { 'apollo-require-preflight': '1' })],
    ['in the address of a POST', () => ask(`/graphql?access_token=${given}`, json, '{"query":"{ __typename }"}')],
    ['in the body', () => ask('/graphql', json, JSON.stringify({ query: '{ __typename }', access_token: given, authorization: given }))],
    ['in a form', () => ask('/graphql', { 'content-type': 'application/x-www-form-urlencoded' }, `access_token=${given}`)],
    ['in a cookie', () => ask('/graphql', { ...json, cookie: `access_token=${given}; authorization=Bearer ${given}` }, '{}')],
    ['for a proxy', () => ask('/graphql', { ...json, 'proxy-authorization': `Bearer ${given}` }, '{}')],
  ])('%s is not seen', async (_what, asked) => {
    expect((await asked()).statusCode).toBe(401);
  });
  it('beside a right one changes nothing', async () => {
    const response = await ask(`/graphql?access_token=x`, { ...json, authorization: `Bearer ${given}` }, '{"query":"{ __typename }"}');
    expect(response.statusCode).toBe(200);
  });
});

describe('124 two headers', () => {
  let port: number;
  beforeAll(async () => {
    port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port);
  });
  /** The status of an answer to these headers, written to the socket as they are. */
  const sent = (...headers: string[]) =>
    new Promise<number>((answered, failed) => {
      const body = '{"query":"{ __typename }"}';
      const lines = ['POST /graphql HTTP/1.1', 'Host: 127.0.0.1', 'Content-Type: application/json', `Content-Length: ${body.length}`];
      let text = '';
      connect(port, '127.0.0.1')
        .on('data', (data) => {
          text += data;
        })
        .on('end', () => answered(Number(text.split(' ')[1])))
        .on('error', failed)
        .write(`${[...lines, 'Connection: close', ...headers].join('\r\n')}\r\n\r\n${body}`);
    });
  const right = () => `Authorization: Bearer ${given}`;
  it('one is taken', async () => {
    expect(await sent(right())).toBe(200);
  });
  it('the right one last: neither', async () => {
    expect([400, 401]).toContain(await sent('Authorization: Bearer x', right()));
  });
  // Node keeps the first and drops the rest unless it is told to join them (`joinDuplicateHeaders`): still to be told.
  it.each<[string, () => string[]]>([
    ['the right one twice', () => [right(), right()]],
    ['the right one first', () => [right(), 'Authorization: Bearer x']],
    ['in other letters', () => [right(), `AUTHORIZATION: Bearer ${signed({ sub: 'marcus.oyelaran' })}`]],
    ['of another scheme', () => [right(), 'Authorization: Basic eDp5']],
    ['an empty one', () => [right(), 'Authorization:']],
  ])('%s: neither', async (_what, headers) => {
    expect([400, 401]).toContain(await sent(...headers()));
  });
  it('both in one: neither', async () => {
    for (const value of [`Bearer ${given}, Bearer ${given}`, `Bearer ${given},${given}`, `Bearer ${given} ${given}`])
      expect((await askWith(server, value)).status).toBe(401);
  });
});

describe('125 claims', () => {
  it.each<[string, () => Changes]>([
    ['another organisation', () => ({ organisation: 'thames-valley-police' })],
    ['another client', () => ({ client_id: 'occ-analyst' })],
    ['another user', () => ({ sub: 'marcus.oyelaran' })],
    ['a role more', () => ({ scope: `${claims.scope} role:information-governance` })],
    ['a longer life', () => ({ exp: claims.exp + HOUR })],
    ['another id', () => ({ jti: randomUUID() })],
    ['nothing but their order', () => Object.fromEntries(Object.entries(claims).reverse())],
  ])('%s, not signed again', async (_what, changes) => {
    const [head, , signature] = given.split('.');
    const changed = changes();
    const payload = Object.keys(changed).length > 1 ? changed : { ...claims, ...changed };
    expect(await statusOf(server, `${head}.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.${signature}`)).toBe(401);
  });
  describe.each(['iss', 'sub', 'client_id', 'organisation', 'jti', 'scope'])('%s', (claim) => {
    it.each<[string, (right: string) => unknown]>([
      ['a list of the right one', (right) => [right]],
      ['a list', (right) => [right, 'thames-valley-police']],
      ['an object', (right) => ({ value: right })],
      ['null', () => null],
      ['a number', () => 1],
      ['true', () => true],
    ])('as %s', async (_what, change) => {
      expect(await statusOf(server, signed({ [claim]: change(claims[claim]) }))).toBe(401);
    });
  });
  it.each(['sub', 'client_id', 'organisation', 'jti'])('%s that the database cannot be asked about', async (claim) => {
    for (const text of ['', `${claims[claim]}\0`, '\0', 'a\u0007b', '\ud800', 'x'.repeat(201)])
      expect(await statusOf(server, signed({ [claim]: text })), JSON.stringify(text)).toBe(401);
  });
  it('that are named like what every object has', async () => {
    const payload = `{"__proto__":${JSON.stringify(claims)}}`;
    expect(await statusOf(server, compact(header, payload, signedBy(key)))).toBe(401);
  });
});

describe('126 clocks that differ', () => {
  // The clock stands, so that a second is a second.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());
  const skewed: [string, (seconds: number) => Changes][] = [
    ['expired', (seconds) => ({ iat: now() - HOUR, exp: now() - seconds })],
    ['not good yet', (seconds) => ({ nbf: now() + seconds })],
    ['not issued yet', (seconds) => ({ iat: now() + seconds })],
    ['a day old', (seconds) => ({ iat: now() - 24 * HOUR - seconds })],
  ];
  describe.each(skewed)('%s', (_what, changes) => {
    it.each([
      [3, 200],
      [6, 401],
      [600, 401],
    ])('by %d seconds: %d', async (seconds, status) => {
      expect(await statusOf(server, signed(changes(seconds)))).toBe(status);
    });
  });
  it('a token that was checked is refused as soon as it expires', async () => {
    const token = signed({ exp: now() + 10 });
    expect(await statusOf(server, token)).toBe(200);
    vi.setSystemTime(Date.now() + 16_000);
    expect(await statusOf(server, token)).toBe(401);
  });
});
