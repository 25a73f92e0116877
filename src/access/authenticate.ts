/** A request's headers → Client. */
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { connectionLost } from '../db/pools.ts';
import { PublicError, Unauthenticated } from '../errors.ts';
import { PURPOSES, type Purpose } from './agreement.ts';
import type { Client } from './client.ts';
import type { Gate, KnownClient, Standing } from './gate.ts';
import type { Claims, VerifyToken } from './tokens.ts';

export type Asking = { headers: IncomingHttpHeaders; address: string };

/** What an authenticated request was refused for, so that the refusal can be put on record. */
export class PurposeRefused extends PublicError {
  readonly client: Client;
  constructor(code: 'PURPOSE_REQUIRED' | 'PURPOSE_NOT_ALLOWED', client: Client) {
    super(code);
    this.client = client;
  }
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const CORRELATION = /^[A-Za-z0-9._:-]{1,100}$/;

const single = (value: string | string[] | undefined): string | null => (typeof value === 'string' ? value : null);

/** The id that is mirrored and stands in every record of the request: the caller's, if it is a UUID. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = single(headers['x-request-id']);
  return given && UUID.test(given) ? given : randomUUID();
}

/** The caller's correlation id, if it can be written down. */
export function correlationIdOf(headers: IncomingHttpHeaders): string | null {
  const given = single(headers['x-correlation-id']);
  return given && CORRELATION.test(given) ? given : null;
}

const knownScopes = new WeakMap<Claims, { client: KnownClient; scopes: ReadonlySet<string>; scopeKey: string }>();

/** The scopes that both token and client have; worked out once for each token that is asked with again. */
function scopesOf(claims: Claims, client: KnownClient): { scopes: ReadonlySet<string>; scopeKey: string } {
  const known = knownScopes.get(claims);
  if (known?.client === client) return known;
  const both = claims.scopes.filter((scope) => client.scopes.includes(scope)).sort();
  const made = { client, scopes: new Set(both), scopeKey: both.join(' ') };
  knownScopes.set(claims, made);
  return made;
}

/**
 * Who asks.
 *
 * @throws PublicError UNAUTHENTICATED for any fault of the token; PurposeRefused for a purpose that is missing or not
 *   the client's; UNAVAILABLE when the database cannot be asked.
 */
export async function authenticate(asking: Asking, verify: VerifyToken, gate: Gate, requestId: string): Promise<Client> {
  const header = single(asking.headers.authorization);
  const match = header ? /^Bearer ([^\s]+)$/.exec(header) : null;
  let why = 'there is no bearer token';
  const claims = match ? await verify(match[1] as string, (fault) => (why = fault)) : null;
  if (!claims) throw new Unauthenticated(why);
  // A token whose subject is the client itself is of no person.
  const user = claims.subject === claims.clientId ? null : claims.subject;
  let standing: Standing;
  try {
    standing = await gate.standing(claims.clientId, user, claims.jti);
  } catch (error) {
    const failed = new PublicError(connectionLost(error) ? 'UNAVAILABLE' : 'INTERNAL');
    failed.cause = error;
    throw failed;
  }
  const { client, login: daily, emergencyLogin } = standing;
  if (!client || !daily || !emergencyLogin) throw new Unauthenticated('the client is not known, or disabled');
  if (standing.revoked) throw new Unauthenticated('the token is revoked');
  if (client.organisation.code !== claims.organisation) throw new Unauthenticated("the token's organisation is not the client's");
  if (standing.user && standing.user.name === null)
    throw new Unauthenticated("the user is not known to the client's organisation, or disabled");
  const asked = single(asking.headers['x-purpose-of-use']);
  const purpose = asked ?? client.defaultPurpose;
  const { scopes, scopeKey } = scopesOf(claims, client);
  const made = (chosen: Purpose): Client =>
    clientOf(client, chosen === 'EMERGENCY' ? emergencyLogin : daily, chosen, scopes, scopeKey, {
      user,
      userName: standing.user?.name ?? null,
      token: claims.jti,
      requestId,
      correlationId: correlationIdOf(asking.headers),
      address: asking.address,
    });
  if (purpose === null) throw new PurposeRefused('PURPOSE_REQUIRED', made('PERFORMANCE'));
  if (!Object.hasOwn(PURPOSES, purpose) || !client.purposes.includes(purpose as Purpose))
    throw new PurposeRefused('PURPOSE_NOT_ALLOWED', made('PERFORMANCE'));
  return made(purpose as Purpose);
}

function clientOf(
  client: KnownClient,
  login: Client['login'],
  purpose: Purpose,
  scopes: ReadonlySet<string>,
  scopeKey: string,
  asking: Pick<Client, 'user' | 'userName' | 'token' | 'requestId' | 'correlationId' | 'address'>,
): Client {
  return Object.freeze({
    id: client.id,
    organisation: Object.freeze(client.organisation),
    agency: client.agency,
    login: Object.freeze(login),
    scopes,
    purposes: client.purposes,
    honoursRestrictions: client.honoursRestrictions,
    purpose,
    planKey: `${login.id}|${asking.user === null ? '-' : 'u'}|${purpose}|${scopeKey}|${client.honoursRestrictions ? 'h' : '-'}`,
    ...asking,
  });
}

/**
 * A client of an organisation, as it stands today, for what the server tells it without being asked: without a user, with all of its
 * scopes. Null: it is disabled, gone, another organisation's, or has the purpose no longer.
 */
export async function standingClient(
  gate: Gate,
  id: string,
  organisation: number,
  purpose: string,
  address: string,
): Promise<Client | null> {
  const { client, login, emergencyLogin } = await gate.standing(id, null, '');
  if (!client || !login || !emergencyLogin || client.organisation.id !== organisation) return null;
  if (!Object.hasOwn(PURPOSES, purpose) || !client.purposes.includes(purpose as Purpose)) return null;
  const scopes = client.scopes.toSorted();
  const asking = { user: null, userName: null, token: '', requestId: randomUUID(), correlationId: null, address };
  return clientOf(client, purpose === 'EMERGENCY' ? emergencyLogin : login, purpose as Purpose, new Set(scopes), scopes.join(' '), asking);
}
