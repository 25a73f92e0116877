/** Access tokens (RFC 9068 `at+jwt`): their checking, and the development issuer that makes them on a desk. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTVerifyGetKey,
  jwtVerify,
  SignJWT,
} from 'jose';
import { z } from 'zod';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export type Claims = { jti: string; subject: string; clientId: string; organisation: string; scopes: string[]; expires: number };

/**
 * Checks a token. Null: it is not valid; why is told to `refused`, for the operator's log, and never to the caller.
 *
 * @throws PublicError UNAVAILABLE when the issuer's keys cannot be had, so that nobody throws a good token away.
 */
export type VerifyToken = (token: string, refused?: (why: string) => void) => Promise<Claims | null>;

/** Text that the database can be asked about: it knows no null byte and no lone surrogate. */
const name = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}\p{Cs}]+$/u);

const Payload = z.object({
  jti: name(200),
  sub: name(200),
  client_id: name(200),
  organisation: name(100),
  // An issuer leaves it out of a token without any scope.
  scope: z.string().max(2000).default(''),
  exp: z.number(),
  iat: z.number(),
});

/** jose forgives white space in a token; we do not. */
const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Three parts, none empty, and a signature in its one right writing: others would be the same bytes in another text. */
function wellFormed(token: string): boolean {
  if (token.length > LIMITS.tokenCharacters || !SHAPE.test(token)) return false;
  const signature = token.slice(token.lastIndexOf('.') + 1);
  return Buffer.from(signature, 'base64url').toString('base64url') === signature;
}

const ALGORITHMS = ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'];

export type Issuer = { issuer: string; audience: string };

type KeySet = Parameters<typeof jwtVerify>[1];

/**
 * A checker for one issuer. The signature of a token that was checked within the last minute is not checked again;
 * whether it was revoked is asked elsewhere, for every request.
 */
export function createVerifier(keys: KeySet, { issuer, audience }: Issuer): VerifyToken {
  const kept = new Map<string, { claims: Claims; until: number }>();
  return async (token, refused = () => {}) => {
    const found = kept.get(token);
    const now = Date.now();
    if (found && found.until > now) return found.claims;
    if (!wellFormed(token)) {
      refused('the token is not three parts of base64url');
      return null;
    }
    try {
      const { payload } = await jwtVerify(token, keys as never, {
        issuer,
        audience,
        typ: 'at+jwt',
        algorithms: ALGORITHMS,
        clockTolerance: LIMITS.clockSkewSeconds,
        requiredClaims: ['iss', 'aud', 'exp', 'iat', 'jti', 'sub', 'client_id', 'organisation'],
        maxTokenAge: `${LIMITS.tokenHours}h`,
      });
      // Bound to a key or certificate of its holder (RFC 7800, 8705, 9449). TLS ends in front of us, so we cannot see whether
      // the caller has it; taken as a bearer token it would serve a thief as well as its holder.
      if (Object.hasOwn(payload, 'cnf')) {
        refused('the token is bound to its holder (cnf)');
        return null;
      }
      const claims = Payload.parse(payload);
      const checked: Claims = {
        jti: claims.jti,
        subject: claims.sub,
        clientId: claims.client_id,
        organisation: claims.organisation,
        scopes: claims.scope.split(' ').filter(Boolean),
        expires: claims.exp,
      };
      if (kept.size >= LIMITS.tokensKept) kept.clear();
      kept.set(token, { claims: checked, until: Math.min(now + LIMITS.tokenKeptSeconds * 1000, claims.exp * 1000) });
      return checked;
    } catch (error) {
      if (error instanceof PublicError) throw error;
      refused(faultOf(error));
      return null;
    }
  };
}

/** What was wrong with a token: jose's code or the claims' names, never a value. */
function faultOf(error: unknown): string {
  if (error instanceof z.ZodError) return `the token's ${error.issues.map(({ path }) => path.join('.')).join(', ')}`;
  const { code = 'unknown', claim } = error as { code?: string; claim?: string };
  return claim ? `${code} (${claim})` : code;
}

/** The token names no key of the set. Anything else is a fault of the set, or of the way to it. */
const NO_SUCH_KEY = [errors.JWKSNoMatchingKey, errors.JWKSMultipleMatchingKeys, errors.JOSENotSupported];

/** An issuer's published keys. */
function publishedKeys(jwksUrl: string): JWTVerifyGetKey {
  let askedAt = Number.NEGATIVE_INFINITY;
  const published = createRemoteJWKSet(new URL(jwksUrl), {
    cacheMaxAge: LIMITS.keysKeptSeconds * 1000,
    cooldownDuration: LIMITS.unknownKeySeconds * 1000,
    [customFetch]: async (url, options) => {
      const now = Date.now();
      if (now < askedAt + LIMITS.keyFetchGapSeconds * 1000) throw new Error("The identity provider's keys could not be had a moment ago.");
      askedAt = now;
      return fetch(url, options);
    },
  });
  return async (header, token) => {
    try {
      return await published(header, token);
    } catch (error) {
      if (NO_SUCH_KEY.some((kind) => error instanceof kind)) throw error;
      const failed = new PublicError('UNAVAILABLE');
      failed.cause = error;
      throw failed;
    }
  };
}

/** A checker for an identity provider's published keys. */
export function remoteVerifier(jwksUrl: string, issuer: Issuer): VerifyToken {
  return createVerifier(publishedKeys(jwksUrl), issuer);
}

export const DEVELOPMENT: Issuer = { issuer: 'https://development.example/', audience: 'https://api.example/graphql' };

export type TokenRequest = { clientId: string; organisation: string; scopes: string[]; user: string | null; seconds?: number };

export type DevelopmentIssuer = { verify: VerifyToken; sign(request: TokenRequest): Promise<string>; key: CryptoKey; jwk: JWK };

/** The issuer for development and tests; its key is kept in a file, or in memory only. Never used in production. */
export async function developmentIssuer(dataDir: string | null): Promise<DevelopmentIssuer> {
  const file = dataDir === null ? null : path.join(dataDir, 'issuer.jwk.json');
  let jwk: JWK;
  if (file && existsSync(file)) jwk = JSON.parse(readFileSync(file, 'utf8')) as JWK;
  else {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    jwk = { ...(await exportJWK(privateKey)), kid: randomUUID(), alg: 'ES256' };
    if (file && dataDir) {
      mkdirSync(dataDir, { recursive: true });
      writeFileSync(file, JSON.stringify(jwk), { mode: 0o600 });
    }
  }
  const { d: _private, ...open } = jwk;
  const key = (await importJWK(jwk, 'ES256')) as CryptoKey;
  return {
    key,
    jwk: open,
    verify: createVerifier(createLocalJWKSet({ keys: [open] }) as KeySet, DEVELOPMENT),
    sign: ({ clientId, organisation, scopes, user, seconds = 8 * 3600 }) =>
      new SignJWT({ client_id: clientId, organisation, scope: scopes.join(' ') })
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk.kid as string })
        .setIssuer(DEVELOPMENT.issuer)
        .setAudience(DEVELOPMENT.audience)
        .setSubject(user ?? clientId)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime(`${seconds}s`)
        .sign(key),
  };
}
