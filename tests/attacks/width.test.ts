/** Answers that are wide, long or counted wrongly, of documents that are small. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/limits.ts';
import { encodeId, ownDatabase, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer(await ownDatabase('fsp_width'));
});
afterAll(() => server.close());

const times = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join(' ');
const costOf = (body: unknown) => (body as { extensions: { cost: { requested: number; actual: number } } }).extensions.cost;
const refusal = (body: { errors?: any[] }) => body.errors?.[0].extensions;

describe('one field under many aliases', () => {
  const wide = (count: number) => `{ families(first: 1) { nodes { ${times(count, (i) => `a${i}: name`)} } } }`;
  it('stands in an object so often and no more', async () => {
    expect((await server.ask('socialWorker', wide(LIMITS.sameField))).status).toBe(200);
    const { status, body } = await server.ask('socialWorker', wide(LIMITS.sameField + 1));
    expect([status, refusal(body)]).toEqual([400, { code: 'OPERATION_TOO_LARGE', limit: 'sameField' }]);
  });
  it('also where it comes in pieces that are one object', async () => {
    const pieces = times(LIMITS.sameField + 1, (i) => `families(first: 1) { nodes { a${i}: name } }`);
    expect(refusal((await server.ask('socialWorker', `{ ${pieces} }`)).body)?.limit).toBe('sameField');
  });
});

describe('the cost of an operation', () => {
  it('grows with the fields of its objects, and with what they say is withheld', async () => {
    const requested = async (fields: string) =>
      costOf((await server.ask('socialWorker', `{ families(first: 100) { nodes { ${fields} } } }`)).body).requested;
    const narrow = await requested('id');
    expect(await requested('id reference name stage __typename')).toBeGreaterThan(narrow);
    expect(await requested('id withheld { field }')).toBeGreaterThan(narrow + 90);
  });
  it('grows with each field of introspection and of the sharing matrix', async () => {
    const many = `{ sharingMatrix { ${times(400, (i) => `a${i}: fields`)} } }`;
    const { status, body } = await server.ask('socialWorker', many);
    expect([status, refusal(body)?.limit]).toEqual([400, 'cost']);
  });
  it('90 is the same for what is hidden as for what never was', async () => {
    for (const persona of ['police', 'school', 'housingDesk', 'provider', 'evaluator'] as const) {
      const seen = (await server.ask(persona, '{ families(first: 100) { nodes { id } } }')).body.data?.families?.nodes ?? [];
      const visible = new Set(seen.map(({ id }: { id: string }) => id));
      const hidden = Array.from({ length: 203 }, (_, i) => encodeId('Family', i + 1))
        .filter((id) => !visible.has(id))
        .slice(0, 3);
      expect(hidden.length).toBeGreaterThan(0);
      for (const root of ['node', 'family']) {
        const document = `query($id: ID!) { found: ${root}(id: $id) { ... on Family { id name members { role { label } } } } }`;
        const told = async (id: string) => {
          const { status, body } = await server.ask(persona, document, { id });
          const { requested, actual } = costOf(body);
          return [status, body.data, body.errors, requested, actual];
        };
        const never = await told(encodeId('Family', 999_999));
        for (const id of hidden) expect(await told(id), `${persona} ${root} ${id}`).toEqual(never);
      }
    }
  });
  it('is never more than was asked for, whatever an answer says', async () => {
    const input = {
      idempotencyKey: 'braces',
      family: encodeId('Family', 1),
      module: 'Getting started',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: '2026-11-02T10:00:00.000Z',
      persons: [encodeId('Person', 100)],
      narrative: ',{'.repeat(5_000),
    };
    const written = await server.ask(
      'socialWorker',
      'mutation Add($input: AddWorkbookEntryInput!) { addWorkbookEntry(input: $input) { entry { narrative } userErrors { message } } }',
      { input },
    );
    expect(written.body.data.addWorkbookEntry.entry.narrative).toHaveLength(10_000);
    const { requested, actual } = costOf(written.body);
    expect(actual).toBeLessThanOrEqual(requested);
  });
});
