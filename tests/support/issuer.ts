/** A real identity provider on loopback, a server that trusts it alone, and tokens made by hand with the provider's own keys. */
import { createHash, generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes, randomUUID, sign as signBytes } from 'node:crypto';
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Adapter, type AdapterPayload, type Configuration, Provider } from 'oidc-provider';
import pino from 'pino';
import { remoteVerifier } from '../../src/access/tokens.ts';
import { CLIENTS } from '../../src/db/personas.ts';
import { createServer, type Server } from '../../src/server.ts';
import { LOGIN_SECRET } from './global.ts';
import { serverOf } from './server.ts';

/** What the tokens are for. */
export const AUDIENCE = 'https://api.example/graphql';

const REDIRECT = 'https://application.example/back';
const SECRET = "an application's secret";

/** A signing key with its id. */
export type Key = { alg: 'ES256' | 'RS256'; kid: string; private: KeyObject; public: KeyObject; jwk: JsonWebKey };

export function newKey(alg: Key['alg']): Key {
  const { privateKey, publicKey } =
    alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  return { alg, kid, private: privateKey, public: publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' } };
}

const part = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token of any header and payload, signed (or not) by whatever is given. A value that is undefined is left out. */
export function compact(header: object, payload: unknown, signature: (input: string) => Buffer): string {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${signature(input).toString('base64url')}`;
}

/** A signature by a key, as JOSE writes it. */
export const signedBy = (key: Key) => (input: string) =>
  signBytes('sha256', Buffer.from(input), { key: key.private, dsaEncoding: 'ieee-p1363' });

const partOf = (token: string, index: number): Record<string, any> =>
  JSON.parse(Buffer.from(token.split('.')[index] as string, 'base64url').toString());

/** A token's header and payload, unchecked. */
export const headerOf = (token: string) => partOf(token, 0);
export const payloadOf = (token: string) => partOf(token, 1);

/** A server on loopback that counts what it is asked for. */
export async function countingServer(
  answer: RequestListener,
): Promise<{ url: string; counts: Map<string, number>; close(): Promise<void> }> {
  const counts = new Map<string, number>();
  const http: HttpServer = createHttpServer((request, response) => {
    const path = (request.url as string).split('?')[0] as string;
    counts.set(path, (counts.get(path) ?? 0) + 1);
    answer(request, response);
  });
  await new Promise<void>((listening) => http.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    counts,
    close: () =>
      new Promise((closed) => {
        http.close(() => closed());
        http.closeAllConnections();
      }),
  };
}

/** Where the provider keeps its grants and sessions. Its own in-memory store warns on every start. */
function storeIn(kept: Map<string, AdapterPayload>) {
  return (model: string): Adapter => ({
    find: async (id) => kept.get(`${model}:${id}`),
    findByUid: async (uid) => [...kept.values()].find((payload) => payload.uid === uid),
    findByUserCode: async () => undefined,
    upsert: async (id, payload) => void kept.set(`${model}:${id}`, payload),
    consume: async (id) => void kept.set(`${model}:${id}`, { ...kept.get(`${model}:${id}`), consumed: Math.floor(Date.now() / 1000) }),
    destroy: async (id) => void kept.delete(`${model}:${id}`),
    revokeByGrantId: async () => {},
  });
}

const SCOPES = [...new Set(CLIENTS.flatMap(({ scopes }) => scopes))].join(' ');

/** The provider's rules: the demonstration's clients, tokens as JWT for one audience, the organisation as a claim. */
function configuration(keys: Key[], kept: Map<string, AdapterPayload>): Configuration {
  const hour = 3600;
  return {
    adapter: storeIn(kept),
    jwks: { keys: keys.map((key) => ({ ...key.private.export({ format: 'jwk' }), kid: key.kid, alg: key.alg, use: 'sig' })) },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: CLIENTS.map(({ id, scopes }) => ({
      client_id: id,
      client_secret: SECRET,
      grant_types: ['client_credentials', 'authorization_code'],
      redirect_uris: [REDIRECT],
      scope: ['openid', ...scopes].join(' '),
      id_token_signed_response_alg: 'ES256',
    })),
    scopes: ['openid', ...SCOPES.split(' ')],
    findAccount: async (_context, subject) => ({ accountId: subject, claims: async () => ({ sub: subject }) }),
    extraTokenClaims: async (_context, token) => ({ organisation: CLIENTS.find(({ id }) => id === token.clientId)?.organisation }),
    interactions: { url: () => '/sign-in' },
    async loadExistingGrant(context) {
      const { client, session, provider } = context.oidc;
      const grant = new provider.Grant({ clientId: client?.clientId as string, accountId: session?.accountId as string });
      grant.addOIDCScope(`openid ${SCOPES}`);
      grant.addResourceScope(AUDIENCE, SCOPES);
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, _resource, client) => ({
          scope: SCOPES,
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          // One agency's applications on RSA, so that both kinds of key are met.
          jwt: { sign: { alg: client.clientId.startsWith('oxford-health') ? 'RS256' : 'ES256' } },
        }),
      },
    },
    ttl: {
      AccessToken: hour,
      AuthorizationCode: 60,
      ClientCredentials: hour,
      Grant: hour,
      IdToken: hour,
      Interaction: hour,
      Session: hour,
    },
  };
}

export type IdentityProvider = {
  issuer: string;
  jwksUrl: string;
  /** How often its keys were asked for. */
  keysAsked(): number;
  /** What it answers when its keys are asked for, instead of them; null: the keys. */
  answerKeysWith(answer: RequestListener | null): void;
  /** Publishes these keys from now on, and signs with the first of each kind. */
  rotate(...keys: Key[]): void;
  /** A token by the client credentials grant. */
  token(client: string, headers?: Record<string, string>): Promise<string>;
  /** Somebody signs in by the authorization code grant. */
  signIn(client: string, subject: string): Promise<{ access: string; id: string }>;
  tokenUrl: string;
  close(): Promise<void>;
};

export async function identityProvider(...keys: Key[]): Promise<IdentityProvider> {
  const kept = new Map<string, AdapterPayload>();
  let provider: Provider;
  let listener: RequestListener;
  let insteadOfKeys: RequestListener | null = null;
  let signingIn = '';
  const http = await countingServer((request, response) => {
    const { url = '' } = request;
    if (insteadOfKeys && url === '/jwks') insteadOfKeys(request, response);
    else if (url === '/sign-in') void provider.interactionFinished(request, response, { login: { accountId: signingIn } });
    else listener(request, response);
  });
  const rotate = (...next: Key[]) => {
    provider = new Provider(http.url, configuration(next, kept));
    listener = provider.callback();
  };
  rotate(...keys);

  const basic = (client: string) => ({
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(SECRET)}`).toString('base64')}`,
  });
  const grant = async (client: string, body: Record<string, string>, headers: Record<string, string> = {}) => {
    const response = await fetch(`${http.url}/token`, {
      method: 'POST',
      headers: { ...basic(client), ...headers },
      body: new URLSearchParams({ resource: AUDIENCE, ...body }),
    });
    const granted = (await response.json()) as { access_token: string; id_token: string };
    if (!response.ok) throw new Error(JSON.stringify(granted));
    return granted;
  };
  const scopeOf = (client: string) => CLIENTS.find(({ id }) => id === client)?.scopes.join(' ') ?? '';

  return {
    issuer: http.url,
    jwksUrl: `${http.url}/jwks`,
    tokenUrl: `${http.url}/token`,
    keysAsked: () => http.counts.get('/jwks') ?? 0,
    answerKeysWith: (answer) => {
      insteadOfKeys = answer;
    },
    rotate,
    token: async (client, headers) =>
      (await grant(client, { grant_type: 'client_credentials', scope: scopeOf(client) }, headers)).access_token,
    async signIn(client, subject) {
      signingIn = subject;
      const verifier = randomBytes(32).toString('base64url');
      const asked = new URLSearchParams({
        client_id: client,
        response_type: 'code',
        redirect_uri: REDIRECT,
        resource: AUDIENCE,
        scope: `openid ${scopeOf(client)}`,
        code_challenge_method: 'S256',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      });
      // What a browser does: it follows, and brings its cookies along, until it is sent back to the application.
      const cookies = new Map<string, string>();
      let next = `${http.url}/auth?${asked}`;
      for (let hops = 0; hops < 10 && !next.startsWith(REDIRECT); hops++) {
        const response = await fetch(next, {
          redirect: 'manual',
          headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        });
        for (const cookie of response.headers.getSetCookie()) {
          const [name, value] = (cookie.split(';')[0] as string).split('=') as [string, string];
          cookies.set(name, value);
        }
        const location = response.headers.get('location');
        if (!location) throw new Error(`${next}: ${response.status} ${await response.text()}`);
        next = new URL(location, http.url).toString();
      }
      const code = new URL(next).searchParams.get('code');
      if (!next.startsWith(REDIRECT) || !code) throw new Error(`Nobody was signed in: ${next}`);
      const granted = await grant(client, { grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier });
      return { access: granted.access_token, id: granted.id_token };
    },
    close: http.close,
  };
}

/** A server that takes tokens of the provider, and of nobody else. */
export function trustingServer(ownerUrl: string, provider: { issuer: string; jwksUrl: string }): Promise<Server> {
  return createServer({
    database: { server: serverOf(ownerUrl), loginSecret: LOGIN_SECRET },
    verify: remoteVerifier(provider.jwksUrl, { issuer: provider.issuer, audience: AUDIENCE }),
    log: pino({ level: process.env.LOG_LEVEL ?? 'silent' }),
  });
}

/** Asks, inside the process, with what stands in the header Authorization. */
export async function askWith(server: Server, authorization: string | null, query = '{ __typename }') {
  const response = await server.app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', ...(authorization === null ? {} : { authorization }) },
    payload: { query },
  });
  return { status: response.statusCode, text: response.body, body: JSON.parse(response.body) as { data?: any; errors?: any[] } };
}

/** The status of an answer to a token. */
export const statusOf = async (server: Server, token: string) => (await askWith(server, `Bearer ${token}`)).status;
