import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodeId, PERSONAS, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());
it('smoke', async () => {
  for (const who of ['socialWorker', 'schoolLead', 'healthVisitor', 'evaluator'].filter((w) => w in PERSONAS)) {
    const { body } = await server.ask(
      who as never,
      `{ family(id: "${encodeId('Family', 1)}") { chronology(first: 4, types: [PLAN, WORKBOOK_ENTRY, INTERVENTION], from: "2020-01-01", to: "2027-01-01") { nodes { __typename ... on Node { id } ... on Plan { kind started person { givenName } } ... on Intervention { requested } ... on WorkbookEntry { occurred } } edges { cursor } totalCount { value } pageInfo { hasNextPage } } } }`,
    );
    console.log(JSON.stringify(body, null, 1).slice(0, 3000));
  }
});
