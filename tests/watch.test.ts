/** What operators see: a line and a figure for each request, and no person in either. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import type { Logger } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createLog, serveMetrics } from '../src/watch.ts';
import { encodeId, ownDatabase, sqlAsOwner, type TestServer, testServer } from './support/server.ts';

let server: TestServer;
let log: Logger;
const lines: Record<string, any>[] = [];

beforeAll(async () => {
  const memory = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).split('\n')) if (line !== '') lines.push(JSON.parse(line));
      done();
    },
  });
  log = createLog('info', memory);
  server = await testServer(undefined, { log });
});
afterAll(() => server.close());
beforeEach(() => {
  lines.length = 0;
});

const REQUEST = '0b9ac7a5-6f0e-4a3c-9c0e-2f6d1a1b2c3d';
const NAMES = 'query Names($id: ID!) { family(id: $id) { name members { person { givenName familyName dateOfBirth } } } }';
const ids = { 'x-request-id': REQUEST, 'x-correlation-id': 'visit-7' };
const logged = async () => expect.poll(() => lines.length).toBeGreaterThan(0);

describe('a log line', () => {
  it('says of each request what was asked, by which client, with what outcome and cost, under both ids', async () => {
    await server.ask('socialWorker', NAMES, { id: encodeId('Family', 1) }, ids);
    await logged();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      request: REQUEST,
      correlation: 'visit-7',
      client: 'occ-social-care',
      organisation: 'occ',
      purpose: 'SAFEGUARDING',
      method: 'POST',
      path: '/graphql',
      operation: 'Names',
      status: 200,
      codes: [],
      cost: { requested: expect.any(Number), actual: expect.any(Number) },
    });
  });
  it('names what was refused by its code', async () => {
    await server.ask('police', '{ families(first: 1) { nodes { workbook(first: 1) { nodes { narrative } } } } }', {}, ids);
    await server.ask('socialWorker', '{ nothing }', {}, ids);
    await server.ask('socialWorker', '{', {}, ids);
    await server.app.inject({ method: 'POST', url: '/graphql?token=secret', headers: ids, payload: {} });
    await expect
      .poll(() => lines.map(({ codes }) => codes[0]))
      .toEqual(['FORBIDDEN', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_PARSE_FAILED', 'UNAUTHENTICATED']);
  });
  it('carries both ids whatever happens, and never a person, a value, a query string or a token', async () => {
    const { body } = await server.ask('socialWorker', NAMES, { id: encodeId('Family', 1) }, ids);
    const members = (body.data.family.members as { person: Record<string, string | null> }[]).flatMap(({ person }) =>
      Object.values(person),
    );
    const token = await server.token('socialWorker');
    await server.ask('socialWorker', 'query Find($r: String!) { familyByReference(reference: $r) { name } }', { r: 'a value sent' }, ids);
    await server.ask('socialWorker', NAMES, { id: 'not an id' }, ids);
    await server.ask('socialWorker', `query ${'N'.repeat(90)} { districts { code } }`, {}, ids);
    await server.app.inject({ method: 'GET', url: '/graphql?query={secret}', headers: { ...ids, authorization: 'Bearer nonsense' } });
    await expect.poll(() => lines.length).toBe(5);
    for (const line of lines) expect([line.request, line.correlation]).toEqual([REQUEST, 'visit-7']);
    const text = JSON.stringify(lines);
    for (const never of [...members, body.data.family.name, 'grace.whitlock', 'a value sent', 'not an id', token, 'secret', 'nonsense']) {
      if (never) expect(text).not.toContain(never);
    }
  });
  it('of a fault in the database has both ids, and no statement or parameter', async () => {
    const ownerUrl = await ownDatabase('fsp_watch');
    const owner = await sqlAsOwner(ownerUrl);
    const broken = await testServer(ownerUrl, { log });
    try {
      await owner.query('alter table fsp.family_name rename to family_name_elsewhere');
      const { status, body } = await broken.ask('socialWorker', NAMES, { id: encodeId('Family', 1) }, ids);
      expect([status, body.errors?.[0].extensions.code, body.data]).toEqual([500, 'INTERNAL', undefined]);
      await expect.poll(() => lines.length).toBe(2);
      expect(lines.map(({ msg, request, correlation }) => [msg, request, correlation])).toEqual([
        ['request failed', REQUEST, 'visit-7'],
        ['answered', REQUEST, 'visit-7'],
      ]);
      expect(lines[0]?.err.message).toContain('family_name');
      expect(JSON.stringify(lines)).not.toMatch(/select |grace|Family-1/);
    } finally {
      await broken.close();
      await owner.end();
    }
  });
});

describe('the figures', () => {
  const get = (port: number, path: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      request({ host: '127.0.0.1', port, path }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      })
        .on('error', reject)
        .end();
    });

  it('are served on a port of their own, and not by the API', async () => {
    const figures = await serveMetrics(server.metrics, { host: '127.0.0.1', port: 0 });
    try {
      const { port } = figures.address() as AddressInfo;
      await server.ask('socialWorker', 'query OneFamily($id: ID!) { family(id: $id) { name } }', { id: encodeId('Family', 1) });
      await server.ask('socialWorker', 'query MadeUpByACaller { districts { code } }');
      await server.ask('police', '{ families(first: 1) { nodes { workbook(first: 1) { nodes { narrative } } } } }');
      const { status, text } = await get(port, '/metrics');
      expect(status).toBe(200);
      for (const line of [
        /^fsp_request_seconds_count\{operation="OneFamily",status="200"\} 1$/m,
        /^fsp_request_seconds_count\{operation="other",status="200"\} \d+$/m,
        /^fsp_errors_total\{code="FORBIDDEN"\} [1-9]\d*$/m,
        /^fsp_plans_total\{how="made"\} [1-9]\d*$/m,
        /^fsp_disclosures_total [1-9]\d*$/m,
        /^fsp_disclosure_write_seconds_count [1-9]\d*$/m,
        /^fsp_pool_statements\{state="running"\} 0$/m,
        /^fsp_pool_wait_seconds_count \d+$/m,
        /^fsp_cost_units_total [1-9]\d*$/m,
      ]) {
        expect(text).toMatch(line);
      }
      expect(text).not.toContain('MadeUpByACaller');
      expect(text).not.toContain('grace');
      expect((await get(port, '/')).status).toBe(404);
      expect((await server.app.inject({ method: 'GET', url: '/metrics' })).statusCode).toBe(404);
    } finally {
      figures.close();
    }
  });
});
