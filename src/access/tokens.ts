/** Access tokens (RFC 9068 `at+jwt`): their checking, and the development issuer that makes them on a desk. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { z } from 'zod';

export type Claims = { jti: string; subject: string; clientId: string; organisation: string; scopes: string[]; expires: number };

/** Checks a token. Null: it is not valid; why is not said. */
export type VerifyToken = (token: string) => Promise<Claims | null>;

const Payload = z.object({
  jti: z.string().min(1).max(200),
  sub: z.string().min(1).max(200),
  client_id: z.string().min(1).max(200),
  organisation: z.string().min(1).max(100),
  scope: z.string().max(2000),
  exp: z.number(),
  iat: z.number(),
});

/** jose forgives white space in a token; we do not. */
const SHAPE = /^[A-Za-z0-9_-]{1,2000}\.[A-Za-z0-9_-]{1,6000}\.[A-Za-z0-9_-]{1,1000}$/;

const ALGORITHMS = ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA'];
const KEPT_MILLISECONDS = 60_000;
const MAX_KEPT = 10_000;

export type Issuer = { issuer: string; audience: string };

type KeySet = Parameters<typeof jwtVerify>[1];

/**
 * A checker for one issuer. The signature of a token that was checked within the last minute is not checked again;
 * whether it was revoked is asked elsewhere, for every request.
 */
export function createVerifier(keys: KeySet, { issuer, audience }: Issuer): VerifyToken {
  const kept = new Map<string, { claims: Claims; until: number }>();
  return async (token) => {
    if (!SHAPE.test(token)) return null;
    const found = kept.get(token);
    const now = Date.now();
    if (found && found.until > now) return found.claims;
    try {
      const { payload } = await jwtVerify(token, keys as never, {
        issuer,
        audience,
        typ: 'at+jwt',
        algorithms: ALGORITHMS,
        clockTolerance: 5,
        requiredClaims: ['iss', 'aud', 'exp', 'iat', 'jti', 'sub', 'client_id', 'organisation'],
        maxTokenAge: '24h',
      });
      const claims = Payload.parse(payload);
      const checked: Claims = {
        jti: claims.jti,
        subject: claims.sub,
        clientId: claims.client_id,
        organisation: claims.organisation,
        scopes: claims.scope.split(' ').filter(Boolean),
        expires: claims.exp,
      };
      if (kept.size >= MAX_KEPT) kept.clear();
      kept.set(token, { claims: checked, until: Math.min(now + KEPT_MILLISECONDS, claims.exp * 1000) });
      return checked;
    } catch {
      return null;
    }
  };
}

/** A checker for an identity provider's published keys. */
export function remoteVerifier(jwksUrl: string, issuer: Issuer): VerifyToken {
  return createVerifier(createRemoteJWKSet(new URL(jwksUrl), { cooldownDuration: 30_000 }) as KeySet, issuer);
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
