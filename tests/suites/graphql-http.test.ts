/** The audits of the GraphQL over HTTP specification against the server, once as each agency. */
import { serverAudits } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PERSONAS, type TestServer, testServer } from '../support/server.ts';

const STATUS_SAYS_IT =
  'A document that cannot be run is a 4xx in either media type, as in every Apollo Server: gateways and monitors count by status.';

/** Recommendations that are not followed, by the audit's id, and why. */
const NOT_FOLLOWED: Record<string, string> = {
  '572B': STATUS_SAYS_IT,
  FDE2: STATUS_SAYS_IT,
  '7B9B': STATUS_SAYS_IT,
};

let server: TestServer;
let origin: string;

beforeAll(async () => {
  server = await testServer();
  origin = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

type Caller = (typeof PERSONAS)[keyof typeof PERSONAS];

const auditsAs = (caller: Caller) =>
  serverAudits({
    url: () => `${origin}/graphql`,
    fetchFn: async (url: string, init: RequestInit = {}) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${await server.token(caller)}`);
      headers.set('x-purpose-of-use', caller.purpose);
      // The audits' GETs are as bare as a link on another site's page, which CSRF prevention refuses.
      if (init.method !== 'POST') headers.set('apollo-require-preflight', 'true');
      return fetch(url, { ...init, headers });
    },
  });

test('the list names recommendations only', () => {
  const audits = auditsAs(PERSONAS.socialWorker);
  expect(audits).toHaveLength(61);
  for (const id of Object.keys(NOT_FOLLOWED)) {
    expect(audits.find((audit) => audit.id === id)?.name, id).toMatch(/^(SHOULD|MAY) /);
  }
});

for (const caller of Object.values(PERSONAS)) {
  describe(caller.agency, () => {
    for (const { id, name, fn } of auditsAs(caller)) {
      const followed = !Object.hasOwn(NOT_FOLLOWED, id);
      test(`${id} ${name}${followed ? '' : ': not followed'}`, async () => {
        const result = await fn();
        const reason = result.status === 'ok' ? 'passes' : result.reason;
        if (followed) expect(result.status, reason).toBe('ok');
        else expect(result.status, reason).not.toBe('ok');
      });
    }
  });
}
