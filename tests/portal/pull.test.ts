/** The published documents over plain HTTP: the same answers, limits and record as at /graphql; lines that can be gone on from. */
import { readdirSync, readFileSync } from 'node:fs';
import { request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, encodeId, ownDatabase, type PersonaName, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const recordSystem: Caller = { client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC' };

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_pull');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const headersOf = async (as: Caller | PersonaName | null, more: Record<string, string> = {}) => ({
  ...(as === null ? {} : { authorization: `Bearer ${await server.token(as)}` }),
  ...(typeof as === 'object' && as?.purpose ? { 'x-purpose-of-use': as.purpose } : {}),
  ...more,
});
const get = async (as: Caller | PersonaName | null, url: string, more: Record<string, string> = {}) =>
  server.app.inject({ method: 'GET', url, headers: await headersOf(as, more) });
const codes = (body: string) => (JSON.parse(body).errors ?? []).map(({ extensions }: any) => extensions.code);
const source = (name: string) => readFileSync(new URL(`../../operations/${name}.graphql`, import.meta.url), 'utf8');
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('GET /operations/<name>', () => {
  it('answers what /graphql answers, with its variables from the query string', async () => {
    const id = encodeId('Family', 1);
    for (const who of ['socialWorker', 'police', 'housingDesk'] as const) {
      const here = await get(who, `/operations/one-family?id=${id}`);
      const there = await server.ask(who, source('one-family'), { id });
      expect(JSON.parse(here.body).data).toEqual(there.body.data);
      expect(JSON.parse(here.body).errors).toEqual(there.body.errors);
      expect([here.statusCode, here.headers['content-type'], here.headers['cache-control']]).toEqual([
        200,
        'application/json; charset=utf-8',
        'no-store',
      ]);
      expect(here.headers.ratelimit).toMatch(/^"client";r=/);
    }
    const filtered = await get('socialWorker', '/operations/families?first=2&filter.stage=LOOKED_AFTER&orderBy=NAME');
    expect(JSON.parse(filtered.body).data.families.nodes.every(({ stage }: any) => stage === 'LOOKED_AFTER')).toBe(true);
  });
  it('refuses as every door does, and what is no parameter by its fault', async () => {
    expect([(await get(null, '/operations/viewer')).statusCode, (await get(null, '/operations/no-such')).statusCode]).toEqual([401, 401]);
    expect((await get('socialWorker', '/operations/no-such')).statusCode).toBe(404);
    expect((await get('socialWorker', '/operations/__proto__')).statusCode).toBe(404);
    for (const wrong of [
      'secret=1',
      'first=two',
      'first=1&first=2',
      'filter=x',
      'filter.no=1',
      '__proto__.x=1',
      'first=1000',
      'filter.stage=NONE',
    ]) {
      const { statusCode, body } = await get('socialWorker', `/operations/families?${wrong}`);
      expect([statusCode, codes(body)], wrong).toEqual([400, ['BAD_USER_INPUT']]);
    }
    expect((await get('socialWorker', '/operations/viewer', { accept: 'text/html' })).statusCode).toBe(406);
    expect((await get('socialWorker', '/operations/viewer', { accept: 'application/x-ndjson' })).statusCode).toBe(406);
    expect((await get({ ...recordSystem, purpose: 'SAFEGUARDING' }, '/operations/viewer')).statusCode).toBe(403);
  });
  it('is on record as /graphql is', async () => {
    const { headers } = await get('police', `/operations/one-family?id=${encodeId('Family', 1)}`);
    const { rows } = await owner.query('select records from fsp.disclosure');
    const record = rows.flatMap(({ records }) => JSON.parse(records)).find(({ request }) => request === headers['x-request-id']);
    expect(record).toMatchObject({ organisation: 'thames-valley-police', operation: 'OneFamily' });
    expect(record.families.map(String)).toEqual(['1']);
  });
  it('counts against the budget', async () => {
    const poor = await testServer(ownerUrl, { budget: { units: 60, restorePerSecond: 0.001 } });
    try {
      const once = async () =>
        (
          await poor.app.inject({
            method: 'GET',
            url: '/operations/viewer',
            headers: { authorization: `Bearer ${await poor.token('socialWorker')}` },
          })
        ).statusCode;
      const seen: number[] = [];
      for (let i = 0; i < 80 && !seen.includes(429); i++) seen.push(await once());
      expect(seen.includes(429)).toBe(true);
    } finally {
      await poor.close();
    }
  });
  it('never changes anything: a mutation is sent as its variables', async () => {
    const got = await get('socialWorker', '/operations/offer-service');
    expect([got.statusCode, got.headers.allow]).toEqual([405, 'POST']);
    const sent = await server.app.inject({
      method: 'POST',
      url: '/operations/offer-service',
      headers: await headersOf('socialWorker', { 'content-type': 'application/json' }),
      payload: { input: { idempotencyKey: 'x', family: 'Family-0', person: 'Person-0', service: 'Service-106', offered: '2026-11-02' } },
    });
    expect(JSON.parse(sent.body).data.offerService.userErrors[0].code).toBe('NOT_FOUND');
    const put = await server.app.inject({
      method: 'POST',
      url: '/operations/viewer',
      headers: await headersOf('socialWorker', { 'content-type': 'application/json' }),
      payload: {},
    });
    expect([put.statusCode, put.headers.allow]).toEqual([405, 'GET']);
  });
});

describe('lines', () => {
  const ndjson = { accept: 'application/x-ndjson' };
  it('hold every row once, and say where to go on and where the end is', async () => {
    const { statusCode, headers, body } = await get(recordSystem, '/operations/families?first=7', ndjson);
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    const all = lines(body);
    const ids = all.flatMap(({ node }) => (node ? [node.id] : []));
    const { rows } = await owner.query('select count(*)::int as n from fsp.family where not restricted');
    expect([ids.length, new Set(ids).size]).toEqual([rows[0].n, rows[0].n]);
    expect(all.at(-1)).toMatchObject({ end: true });
    expect(all.filter(({ cursor }) => cursor).length).toBe(Math.ceil(ids.length / 7));
  });
  it('that break off anywhere are gone on from', async () => {
    const url = '/operations/workbook-changes?first=20';
    const { body: whole } = await get(recordSystem, url, ndjson);
    const expected = new Set(lines(whole).flatMap(({ node }) => (node ? [node.id] : [])));
    expect(expected.size).toBeGreaterThan(40);
    for (const part of [0.1, 0.37, 0.5, 0.93]) {
      const copy = new Set<string>();
      let cursor: string | undefined;
      for (const line of whole
        .slice(0, Math.floor(whole.length * part))
        .split('\n')
        .slice(0, -1)) {
        const told = JSON.parse(line);
        if (told.node) copy.add(told.node.id);
        cursor = told.node?.cursor ?? told.cursor ?? cursor;
      }
      const { body } = await get(recordSystem, `${url}${cursor ? `&after=${cursor}` : ''}`, ndjson);
      for (const { node } of lines(body)) if (node) copy.add(node.id);
      expect([...copy].sort(), String(part)).toEqual([...expected].sort());
    }
  });
  it('are refused with a status where the first page is', async () => {
    const { statusCode, body } = await get(recordSystem, '/operations/changes?after=x', ndjson);
    expect([statusCode, codes(body)]).toEqual([400, ['BAD_CURSOR']]);
    const person = await get('socialWorker', '/operations/changes', ndjson);
    expect([person.statusCode, codes(person.body)]).toEqual([200, ['FORBIDDEN']]);
  });
  it('end with a reason when the token is revoked between two pages, and are asked for no faster than they are taken', async () => {
    const own = await testServer(ownerUrl);
    await own.listen({ host: '127.0.0.1', port: 0 });
    await owner.query(
      `insert into fsp.workbook_entry (family, controller, module, discipline, session_type, occurred_at, author, narrative)
       select 12, (select id from fsp.organisation where code = 'occ'), 'Engagement', 'social-work', 'home-visit', now(), 'A. Writer', repeat('x', 8000)
       from generate_series(1, 3000)`,
    );
    try {
      const { port } = own.app.server.address() as AddressInfo;
      const token = await own.issuer.sign({ clientId: 'occ-record-system', organisation: 'occ', scopes: ['family:read'], user: null });
      const pages = async (id: unknown) => {
        const { rows } = await owner.query('select records from fsp.disclosure');
        return rows.flatMap(({ records }) => JSON.parse(records)).filter(({ request }) => request === id).length;
      };
      const { rows } = await owner.query('select count(*)::int as n from fsp.workbook_entry');
      const whole = rows[0].n / 100;
      const text = await new Promise<string>((resolve, reject) => {
        const url = `http://127.0.0.1:${port}/operations/workbook-changes`;
        const headers = { authorization: `Bearer ${token}`, 'x-purpose-of-use': 'RECORD_SYNC', ...ndjson };
        ask(url, { headers }, (response) => {
          response.setEncoding('utf8');
          let got = '';
          response.once('data', (first: string) => {
            got = first;
            // Nothing is taken for a while: 24 MB are not made meanwhile.
            response.pause();
            setTimeout(async () => {
              try {
                const id = response.headers['x-request-id'];
                let taken = -1;
                for (let now = await pages(id); now !== taken; now = await pages(id)) {
                  taken = now;
                  await new Promise((wait) => setTimeout(wait, 1000));
                }
                // What stands on the line is the kernel's.
                expect(taken).toBeGreaterThan(0);
                expect(taken).toBeLessThan(whole - 10);
                const jti = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()).jti;
                await owner.query("insert into fsp.revoked_token (jti, expires) values ($1, now() + interval '1 day')", [jti]);
                await new Promise((wait) => setTimeout(wait, 300));
              } catch (error) {
                reject(error);
              }
              response.on('data', (more: string) => {
                got += more;
              });
              response.on('end', () => resolve(got));
              response.on('error', reject);
              response.resume();
            }, 1500);
          });
        })
          .on('error', reject)
          .end();
      });
      expect(lines(text).at(-1)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    } finally {
      await own.close();
    }
  }, 60_000);
});

describe('GET /openapi.json', () => {
  type Schema = Record<string, any>;
  /** The first place where a value is not of its schema; null: it is. */
  const misfit = (schema: Schema, value: unknown, at = ''): string | null => {
    if (schema.anyOf) return schema.anyOf.some((each: Schema) => misfit(each, value, at) === null) ? null : at;
    const types = [schema.type].flat();
    const is = value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
    if (schema.type && !types.includes(is) && !(is === 'integer' && types.includes('number'))) return `${at}: ${is}`;
    if (schema.enum && !schema.enum.includes(value)) return `${at}: ${value}`;
    if (is === 'array')
      return (value as unknown[]).reduce<string | null>((found, each, i) => found ?? misfit(schema.items, each, `${at}.${i}`), null);
    if (is !== 'object' || !schema.properties) return null;
    const object = value as Record<string, unknown>;
    for (const name of schema.required ?? []) if (!Object.hasOwn(object, name)) return `${at}.${name} is missing`;
    for (const [name, inner] of Object.entries(object)) {
      if (!Object.hasOwn(schema.properties, name)) {
        if (schema.additionalProperties === false) return `${at}.${name} is not there`;
        continue;
      }
      const found = misfit(schema.properties[name], inner, `${at}.${name}`);
      if (found) return found;
    }
    return null;
  };

  it('describes every published document, and the answers are as it says', async () => {
    const { statusCode, body } = await get(null, '/openapi.json');
    expect(statusCode).toBe(200);
    const described = JSON.parse(body);
    expect(described.openapi).toBe('3.1.0');
    const names = readdirSync(new URL('../../operations/', import.meta.url)).map((file) => file.replace('.graphql', ''));
    expect(Object.keys(described.paths).sort()).toEqual(names.map((name) => `/operations/${name}`).sort());
    const given: Record<string, string> = {
      'one-family': 'id=Family-1',
      'late-items': `team=${encodeId('Organisation', 107)}`,
      'since-last-review': 'family=Family-1',
      'capacity-moved': `since=2026-01-01&team=${encodeId('Organisation', 107)}`,
      'side-by-side': 'id=Family-1',
    };
    let compared = 0;
    for (const [path, { get: operation }] of Object.entries<any>(described.paths)) {
      if (!operation) continue;
      const name = path.split('/')[2] as string;
      const schema = operation.responses[200].content['application/json'].schema;
      for (const who of [recordSystem, 'socialWorker' as const]) {
        const answer = await get(who, `${path}?${given[name] ?? ''}`);
        if (answer.statusCode !== 200) continue;
        expect(misfit(schema.properties.data, JSON.parse(answer.body).data), `${name}`).toBeNull();
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(12);
  });
});
