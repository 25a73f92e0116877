/** The demonstration callers, for the playground, the demo and the welcome text. Never in production. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { PURPOSE_NAMES } from '../access/agreement.ts';
import type { DevelopmentIssuer } from '../access/tokens.ts';
import { callersOf, DEMONSTRATION_AUTHORITY } from '../db/callers.ts';
import type { Persona } from '../db/personas.ts';
import { encodeId } from '../read/ids.ts';
import { type PlaygroundClient, registerPlayground } from './playground.ts';
import type { SharingReaders } from './sharing.ts';

/** The family that every demonstration caller has to do with. */
export const DEMONSTRATION_FAMILY = encodeId('Family', 1);

/** A published document by its name. */
export function operation(name: string): string {
  return readFileSync(new URL(`../../operations/${name}.graphql`, import.meta.url), 'utf8');
}

/** A token for a demonstration client. @throws naming the clients there are. */
export async function demonstrationToken(
  issuer: DevelopmentIssuer,
  clientId: string,
  user: string | null,
  authority: string = DEMONSTRATION_AUTHORITY,
): Promise<string> {
  const { clients, users } = callersOf(authority);
  const client = clients.find(({ id }) => id === clientId);
  if (!client) throw new Error(`There is no client ${clientId}; "npm run token -- --list" names them.`);
  if (user !== null && !users.some(({ organisation, subject }) => organisation === client.organisation && subject === user)) {
    throw new Error(`${user} does not work through ${clientId}; "npm run token -- --list" names who does.`);
  }
  return issuer.sign({ clientId, organisation: client.organisation, scopes: client.scopes, user });
}

/** Adds the playground: with the demonstration callers to switch between, or (no issuer) for a token of one's own. */
export async function addPlayground(
  app: FastifyInstance,
  issuer: DevelopmentIssuer | null,
  authority: string = DEMONSTRATION_AUTHORITY,
): Promise<void> {
  const clients = issuer ? playgroundClients(authority) : [];
  // Elsewhere there is no family to begin with.
  const told = issuer !== null && authority === DEMONSTRATION_AUTHORITY;
  await registerPlayground(app, {
    endpoint: '/graphql',
    clients: async () => clients,
    token: (id, user) => demonstrationToken(issuer as DevelopmentIssuer, id, user, authority),
    purposes: PURPOSE_NAMES,
    document: operation(told ? 'one-family' : 'viewer'),
    variables: told ? JSON.stringify({ id: DEMONSTRATION_FAMILY }, null, 2) : '{}',
  });
}

/** Those as whom a reader without a token may open the page of who checks; by the playground's switch, and never in production. */
export const demonstrationReaders = (issuer: DevelopmentIssuer, authority: string = DEMONSTRATION_AUTHORITY): SharingReaders =>
  readersOf(callersOf(authority).governance, issuer, authority);

/** The same for the pictures of the outcome framework: one of each agency. */
export const demonstrationOutcomeReaders = (issuer: DevelopmentIssuer, authority: string = DEMONSTRATION_AUTHORITY): SharingReaders =>
  readersOf(callersOf(authority).personas, issuer, authority);

function readersOf(personas: readonly Persona[], issuer: DevelopmentIssuer, authority: string): SharingReaders {
  return {
    people: personas.map(({ client, label }) => ({ client, label })),
    async token(client) {
      const reader = personas.find((persona) => persona.client === client);
      return reader ? demonstrationToken(issuer, reader.client, reader.user, authority) : null;
    },
  };
}

function playgroundClients(authority: string): PlaygroundClient[] {
  const { clients, users, personas, governance } = callersOf(authority);
  return [...personas, ...governance.slice(0, 1)].map((persona) => {
    const client = clients.find(({ id }) => id === persona.client);
    const user = users.find(({ subject }) => subject === persona.user);
    if (!client) throw new Error(`There is no client ${persona.client}.`);
    return {
      id: persona.client,
      label: persona.label,
      agency: persona.agency,
      user: persona.user,
      userLabel: user?.name ?? null,
      purposes: client.purposes,
      defaultPurpose: persona.purpose,
    };
  });
}
