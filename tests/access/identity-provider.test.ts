/** Tokens of a real identity provider, from its token endpoint to an answer; and what becomes of them. Numbers: attacks on tokens. */
import { createHash, randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { remoteVerifier } from '../../src/access/tokens.ts';
import { CLIENTS, organisationId } from '../../src/db/personas.ts';
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
import { ownDatabase, sqlAsOwner } from '../support/server.ts';

const keys = [newKey('ES256'), newKey('RS256')] as const;
let ownerUrl: string;
let owner: pg.Client;
let provider: IdentityProvider;
let server: Server;
let second: Server;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_identity');
  owner = await sqlAsOwner(ownerUrl);
  provider = await identityProvider(...keys);
  server = await trustingServer(ownerUrl, provider);
  second = await trustingServer(ownerUrl, provider);
});
afterAll(async () => {
  await Promise.all([server.close(), second.close()]);
  await Promise.all([provider.close(), owner.end()]);
});

const viewer = '{ viewer { client user organisation scopes } }';
const families = '{ families(first: 3) { nodes { id name } } }';

describe('a token from the provider’s token endpoint', () => {
  it.each([
    ['occ-record-system', 'occ'],
    ['thames-valley-police-protection', 'thames-valley-police'],
    ['oxford-health-visiting', 'oxford-health'],
    ['cherwell-directory', 'cherwell'],
  ])('by client credentials: %s asks as an application without a user', async (client, organisation) => {
    const scopes = CLIENTS.find(({ id }) => id === client)?.scopes.toSorted();
    const token = await provider.token(client);
    const { status, body } = await askWith(server, `Bearer ${token}`, viewer);
    expect([status, body.errors, body.data]).toEqual([200, undefined, { viewer: { client, user: null, organisation, scopes } }]);
  });
  it('by client credentials: is answered with data', async () => {
    const { status, body } = await askWith(server, `Bearer ${await provider.token('occ-record-system')}`, families);
    expect([status, body.errors, body.data.families.nodes.length]).toEqual([200, undefined, 3]);
  });
  it('by authorization code: asks as the person who signed in', async () => {
    const { access } = await provider.signIn('occ-social-care', 'grace.whitlock');
    const { body } = await askWith(server, `Bearer ${access}`, `{ viewer { client user } ${families.slice(2)}`);
    expect(body.data.viewer).toEqual({ client: 'occ-social-care', user: 'grace.whitlock' });
    expect(body.data.families.nodes).toHaveLength(3);
  });
  it('of somebody who does not work for the client’s organisation is a 401', async () => {
    expect(await statusOf(server, (await provider.signIn('occ-social-care', 'harriet.coyle')).access)).toBe(401);
  });
  it('118 is no access token if it is an ID token', async () => {
    const { id } = await provider.signIn('occ-social-care', 'grace.whitlock');
    expect(payloadOf(id)).toMatchObject({ iss: provider.issuer, sub: 'grace.whitlock', aud: 'occ-social-care' });
    expect(await statusOf(server, id)).toBe(401);
  });
  it('122 is refused if it is bound to a key that the caller has not shown', async () => {
    const key = newKey('ES256');
    const { kty, crv, x, y } = key.jwk;
    const proof = compact(
      { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } },
      { jti: randomUUID(), htm: 'POST', htu: provider.tokenUrl, iat: Math.floor(Date.now() / 1000) },
      signedBy(key),
    );
    const token = await provider.token('occ-record-system', { dpop: proof });
    const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
    expect(payloadOf(token).cnf).toEqual({ jkt: thumbprint });
    expect(await statusOf(server, token)).toBe(401);
    expect((await askWith(server, `DPoP ${token}`)).status).toBe(401);
  });
});

/** Both servers' answers to a token. */
const everywhere = async (token: string) => [await statusOf(server, token), await statusOf(second, token)];

describe('121 on every server at once, from the next request', () => {
  it('a revoked token is a 401, and no other token of the client', async () => {
    const [token, other] = [await provider.token('occ-record-system'), await provider.token('occ-record-system')];
    expect(await everywhere(token)).toEqual([200, 200]);
    await owner.query("insert into fsp.revoked_token (jti, expires) values ($1, now() + interval '1 hour')", [payloadOf(token).jti]);
    await expect.poll(() => everywhere(token), { interval: 20 }).toEqual([401, 401]);
    expect(await everywhere(token)).toEqual([401, 401]);
    expect(await everywhere(other)).toEqual([200, 200]);
  });
  it('a disabled client is a 401 until it is enabled', async () => {
    const token = await provider.token('thames-valley-police-protection');
    const enable = (enabled: boolean) =>
      owner.query('update fsp.client set enabled = $1 where id = $2', [enabled, 'thames-valley-police-protection']);
    expect(await everywhere(token)).toEqual([200, 200]);
    await enable(false);
    await expect.poll(() => everywhere(token), { interval: 20 }).toEqual([401, 401]);
    await enable(true);
    await expect.poll(() => everywhere(token), { interval: 20 }).toEqual([200, 200]);
  });
  it('a disabled user is a 401, and nobody else of the client', async () => {
    const { access: grace } = await provider.signIn('occ-social-care', 'grace.whitlock');
    const { access: marcus } = await provider.signIn('occ-social-care', 'marcus.oyelaran');
    expect(await everywhere(grace)).toEqual([200, 200]);
    await owner.query("update fsp.app_user set enabled = false where subject = 'grace.whitlock' and organisation = $1", [
      organisationId('occ'),
    ]);
    await expect.poll(() => everywhere(grace), { interval: 20 }).toEqual([401, 401]);
    expect(await everywhere(marcus)).toEqual([200, 200]);
  });
});

describe('the provider’s keys', () => {
  // The clock stands, so that a test can say what time it is.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());
  const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

  /** A provider of its own, and a checker that has asked it for nothing yet. */
  const fresh = async (...signing: Key[]) => {
    const own = await identityProvider(...signing);
    onTestFinished(own.close);
    const verify = remoteVerifier(own.jwksUrl, { issuer: own.issuer, audience: AUDIENCE });
    const token = () => own.token('occ-record-system');
    return { own, verify, token };
  };
  const strange = (issuer: string) => {
    const key = newKey('ES256');
    return compact({ alg: 'ES256', typ: 'at+jwt', kid: key.kid }, { iss: issuer }, signedBy(key));
  };

  it('115 are asked for once, however many unknown keys are named', async () => {
    const { own, verify, token } = await fresh(...keys);
    const flood = () => Promise.all(Array.from({ length: 200 }, () => verify(strange(own.issuer))));
    expect(new Set(await flood())).toEqual(new Set([null]));
    for (let index = 0; index < 20; index++) expect(await verify(strange(own.issuer))).toBeNull();
    expect(own.keysAsked()).toBe(1);
    expect(await verify(await token())).not.toBeNull();
    later(31);
    await flood();
    expect(own.keysAsked()).toBe(2);
  });
  it('115 are asked for once if they cannot be had, and again a little later', async () => {
    const { own, verify, token } = await fresh(...keys);
    own.answerKeysWith((_request, response) => void response.writeHead(500).end());
    for (let index = 0; index < 20; index++) await expect(verify(strange(own.issuer))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(own.keysAsked()).toBe(1);
    own.answerKeysWith(null);
    later(6);
    expect(await verify(await token())).not.toBeNull();
    expect(own.keysAsked()).toBe(2);
  });
  it.each<[string, RequestListener]>([
    ['an error', (_request, response) => void response.writeHead(503).end()],
    ['no JSON', (_request, response) => void response.end('<html>')],
    ['no keys', (_request, response) => void response.end('{}')],
    ['nothing', (request) => void request.socket.destroy()],
  ])('are not to be had: %s is a 503, for a good token is not to be thrown away', async (_what, answer) => {
    const { own, token } = await fresh(...keys);
    own.answerKeysWith(answer);
    const trusting = await trustingServer(ownerUrl, own);
    onTestFinished(trusting.close);
    const { status, body } = await askWith(trusting, `Bearer ${await token()}`);
    expect([status, body.errors?.[0].extensions.code]).toEqual([503, 'UNAVAILABLE']);
  });
  it('are not fetched from where a redirect leads', async () => {
    const trap = await countingServer((_request, response) => void response.end(JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })));
    onTestFinished(trap.close);
    const { own, verify, token } = await fresh(...keys);
    own.answerKeysWith((_request, response) => void response.writeHead(302, { location: `${trap.url}/jwks` }).end());
    await expect(verify(await token())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(trap.counts.size).toBe(0);
  });

  it('123 old and new are both good while both are published', async () => {
    const [old, next] = [newKey('ES256'), newKey('ES256')];
    const { own, verify, token } = await fresh(old);
    const before = await token();
    expect(await verify(before)).not.toBeNull();
    own.rotate(next, old);
    later(31);
    const after = await token();
    expect([headerOf(before).kid, headerOf(after).kid]).toEqual([old.kid, next.kid]);
    for (const good of [after, before, await token()]) expect(await verify(good)).not.toBeNull();
  });
  it('123 withdrawn are good for nothing as soon as another is met', async () => {
    const [old, next] = [newKey('ES256'), newKey('ES256')];
    const { own, verify, token } = await fresh(old);
    const [before, unseen] = [await token(), await token()];
    expect(await verify(before)).not.toBeNull();
    own.rotate(next);
    later(61);
    expect(await verify(await token())).not.toBeNull();
    expect([await verify(before), await verify(unseen)]).toEqual([null, null]);
  });
  it('123 withdrawn are good for ten minutes at most, and a checked token for one more', async () => {
    const [old, next] = [newKey('ES256'), newKey('ES256')];
    const { own, verify, token } = await fresh(old);
    const [asking, unseen] = [await token(), await token()];
    await verify(asking);
    own.rotate(next);
    later(10 * 60 - 1);
    await verify(asking);
    later(1);
    expect(await verify(unseen)).toBeNull();
    later(59);
    expect(await verify(asking)).toBeNull();
  });
  it('123 are not used longer because the provider is away', async () => {
    const { own, verify, token } = await fresh(...keys);
    const good = await token();
    await verify(good);
    own.answerKeysWith((request) => void request.socket.destroy());
    later(11 * 60);
    await expect(verify(good)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
