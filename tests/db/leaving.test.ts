/** Callers who leave at any moment take nobody's connection with them, and nobody gets an answer that was another's. */
import { request } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownDatabase, type TestServer, testServer } from '../support/server.ts';

const FAMILY = 'query($id: ID!) { family(id: $id) { id name members { person { id givenName } } involvements { practitioner } } }';

let server: TestServer;
let address: string;
let headers: Record<string, string>[];

beforeAll(async () => {
  server = await testServer(await ownDatabase('fsp_leaving'));
  address = await server.listen({ host: '127.0.0.1', port: 0 });
  // Two users of one organisation share its login's connections.
  headers = await Promise.all(
    ['amara.osei', 'felicity.garside'].map(async (user) => ({
      authorization: `Bearer ${await server.token({ client: 'oxford-health-visiting', user })}`,
      'content-type': 'application/json',
      'x-purpose-of-use': 'SAFEGUARDING',
    })),
  );
});
afterAll(() => server.close());

/** Asks over HTTP and, if told so, leaves after some milliseconds; null: there was no answer. */
const ask = (user: 0 | 1, query: string, id: string, leaveAfter: number | null) =>
  new Promise<{ data: any } | null>((resolve) => {
    const asked = request(`${address}/graphql`, { method: 'POST', headers: headers[user] as Record<string, string> }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve(JSON.parse(text)));
      response.on('error', () => resolve(null));
    });
    asked.on('error', () => resolve(null));
    asked.end(JSON.stringify({ query, variables: { id } }));
    if (leaveAfter !== null) setTimeout(() => asked.destroy(), leaveAfter);
  });

it('while connections are being made, and while statements run', async () => {
  for (const leaveAfter of [1, 3, 6, 10, 18]) await Promise.all(Array.from({ length: 9 }, () => ask(0, FAMILY, 'Family-1', leaveAfter)));
  const list = await ask(1, 'query($id: ID!) { families(first: 50) { nodes { id } } family(id: $id) { id } }', 'Family-1', null);
  const ids: string[] = list?.data.families.nodes.map(({ id }: { id: string }) => id) ?? [];
  expect(ids.length).toBeGreaterThan(10);
  let answered = 0;
  let leaving = true;
  await Promise.all([
    ...Array.from({ length: 5 }, async (_, k) => {
      for (let n = k; leaving; n++) await ask(0, FAMILY, ids[n % ids.length] as string, 2 + (n % 8));
    }),
    (async () => {
      await Promise.all(
        Array.from({ length: 4 }, async (_, k) => {
          for (let n = 0; n < 250; n++) {
            const id = ids[(n * 7 + k) % ids.length] as string;
            expect((await ask(1, FAMILY, id, null))?.data.family.id).toBe(id);
            answered++;
          }
        }),
      ).finally(() => {
        leaving = false;
      });
    })(),
  ]);
  expect(answered).toBe(1000);
});
