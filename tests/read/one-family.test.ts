import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operation } from '../../src/portal/demonstration.ts';
import { encodeId, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const family = encodeId('Family', 1);

describe('one family, asked for by every agency with the same document', () => {
  it('answers the social worker in full', async () => {
    const { status, body } = await server.ask('socialWorker', operation('one-family'), { id: family });
    expect(status).toBe(200);
    expect(body.errors).toBeUndefined();
    expect(body.data.family).toMatchObject({ reference: 'FSP-0000001', name: 'Hartwell', stage: 'LOOKED_AFTER' });
  });
  it('has no family for the evaluator', async () => {
    const { body } = await server.ask('evaluator', operation('one-family'), { id: family });
    expect(body.data.family).toBeNull();
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field: 'Query.family', reason: 'NOT_SHARED_WITH_AGENCY' });
  });
});
