/** The directory as Open Referral UK: what anybody reads of it, in the profile's shape, and by its filters. */
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFeed } from '../../src/db/provision.ts';
import { faultsOf, type ProfileType } from '../../src/exchange/open-referral/profile.ts';
import { type Ask, beginRun, endRun, publish } from '../../src/exchange/open-referral/publish.ts';
import { payerOf } from '../../src/exchange/open-referral/serve.ts';
import { madeService } from '../support/feed.ts';
import { ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let feed: { id: number; code: string };
const ask: Ask = async (text, values) => (await owner.query(text, values)).rows[0];

const term = (name: string, n: number) => ({
  id: madeService(n).id,
  taxonomy_term: { id: madeService(1_000 + n).id, name, description: name, taxonomy: 'Kinds of made things' },
});
const at = (n: number, latitude: number, longitude: number) => ({
  id: madeService(2_000 + n).id,
  location: {
    id: madeService(3_000 + n).id,
    location_type: 'physical',
    name: `Place ${n}`,
    latitude,
    longitude,
    addresses: [
      {
        id: madeService(4_000 + n).id,
        address_1: `${n} High Street`,
        city: 'Banbury',
        state_province: 'Oxfordshire',
        postal_code: 'OX16 5QD',
        country: 'GB',
        address_type: 'physical',
      },
    ],
  },
});
const open = (n: number, byday: string, opens: string, closes: string) => ({
  id: madeService(5_000 + n).id,
  freq: 'WEEKLY',
  byday,
  opens_at: opens,
  closes_at: closes,
});

const SERVICES = [
  madeService(1, {
    name: 'Trampoline mornings',
    minimum_age: 3,
    maximum_age: 9,
    attributes: [term('Bouncing', 1)],
    schedules: [open(1, 'MO,WE', '09:30', '11:00')],
    service_at_locations: [at(1, 52.061, -1.336)],
    last_modified: '2026-11-01T10:00:00Z',
  }),
  madeService(2, {
    name: 'Trampoline evenings',
    minimum_age: 16,
    attributes: [term('Bouncing', 1), term('Evening', 2)],
    schedules: [open(2, 'TU', '18:00', '20:00')],
    service_at_locations: [at(2, 51.752, -1.258), at(3, 52.063, -1.337)],
  }),
  JSON.parse(readFileSync(new URL('../../reference/england/open-referral/examples/service_full.json', import.meta.url), 'utf8')),
];

beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_serve');
  owner = await sqlAsOwner(ownerUrl);
  await addFeed(owner, { code: 'made', organisation: 'cherwell', district: 'E07000177' });
  feed = (await owner.query("select id, code from fsp.service_feed where code = 'made'")).rows[0];
  const run = await beginRun(ask, feed);
  await publish(ask, feed, run, SERVICES, new Set(), 1);
  await endRun(ask, run, true, null);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const get = (path: string, headers: Record<string, string> = {}) =>
  server.app.inject({ method: 'GET', url: `/open-referral${path}`, headers });
async function page(path: string): Promise<any> {
  const response = await get(path);
  expect(response.statusCode, response.body).toBe(200);
  return response.json();
}
const namesOf = ({ contents }: any) => contents.map(({ name }: any) => name).sort();

describe('to anybody', () => {
  it('says which version it is of', async () => {
    for (const path of ['', '/'])
      expect(await page(path)).toMatchObject({
        version: 'HSDS-UK-3.0',
        profile: expect.stringMatching(/^https:/),
        openapi_url: expect.stringMatching(/^https:/),
      });
  });
  it('from any origin, with no token, and mirrors the id of the request', async () => {
    const response = await get('/services', { origin: 'https://anywhere.example', 'x-correlation-id': 'abc-1' });
    expect(response.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'x-correlation-id': 'abc-1',
      'content-type': 'application/json; charset=utf-8',
    });
    const preflight = await server.app.inject({
      method: 'OPTIONS',
      url: '/open-referral/services',
      headers: { origin: 'https://anywhere.example' },
    });
    expect(preflight.statusCode).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('*');
  });
  it('and to nobody beyond the budget of an address', async () => {
    const narrow = await testServer(ownerUrl, { publicBudget: { units: 3, restorePerSecond: 0.001 } });
    const answers = await Promise.all([1, 2, 3, 4].map(() => narrow.app.inject({ url: '/open-referral/' })));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, 200, 200, 429]);
    expect(answers.find(({ statusCode }) => statusCode === 429)?.headers['retry-after']).toMatch(/^\d+$/);
    await narrow.close();
  });
  it('is not written to', async () => {
    for (const method of ['POST', 'PUT', 'DELETE'] as const)
      expect((await server.app.inject({ method, url: '/open-referral/services' })).statusCode).toBe(404);
  });
});

describe('every answer is valid by the profile', () => {
  const lists: [string, ProfileType][] = [
    ['/services', 'service'],
    ['/service_at_locations', 'service_at_location'],
    ['/taxonomies', 'taxonomy'],
    ['/taxonomy_terms', 'taxonomy_term'],
  ];
  it.each(lists)('%s, page by page, and each record of it by itself', async (path, type) => {
    const seen: string[] = [];
    for (let number = 1; ; number++) {
      const answer = await page(`${path}?page=${number}&per_page=20`);
      expect(answer).toMatchObject({
        page_number: number,
        first_page: number === 1,
        size: answer.contents.length,
        empty: answer.contents.length === 0,
      });
      expect(answer.total_pages).toBe(Math.max(1, Math.ceil(answer.total_items / 20)));
      for (const record of answer.contents) {
        expect(faultsOf(type, record)).toEqual([]);
        seen.push(record.id);
        const whole = await get(`${path}/${record.id}`);
        expect(whole.statusCode, whole.body).toBe(200);
        expect(faultsOf(type, whole.json())).toEqual([]);
      }
      if (answer.last_page) {
        expect(seen.length).toBe(answer.total_items);
        break;
      }
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(0);
  });
  it('a list has what is once to each, a record everything', async () => {
    const { id } = SERVICES[0] as any;
    const { contents } = await page('/services?search=mornings');
    expect(contents[0]).toMatchObject({ id, name: 'Trampoline mornings', last_modified: '2026-11-01T10:00:00Z' });
    expect(contents[0]).not.toHaveProperty('schedules');
    expect(await page(`/services/${id}`)).toEqual(SERVICES[0]);
    const [place] = (await page('/service_at_locations?search=mornings')).contents;
    expect(place).toMatchObject({ location: { name: 'Place 1' }, service: { id, name: 'Trampoline mornings' } });
    expect(place.location).not.toHaveProperty('addresses');
    expect((await page(`/service_at_locations/${place.id}`)).location.addresses[0]).toMatchObject({ postal_code: 'OX16 5QD' });
  });
});

describe('the filters of the profile', () => {
  const both = ['Trampoline evenings', 'Trampoline mornings'];
  const [mornings, evenings] = [['Trampoline mornings'], ['Trampoline evenings']];
  const bouncing = term('Bouncing', 1).taxonomy_term.id;
  const evening = term('Evening', 2).taxonomy_term.id;
  it.each([
    ['search=trampolines', both],
    ['search=trampoline+-evenings', mornings],
    ['search=%22trampoline+evenings%22', evenings],
    ['search=trampoline&minimum_age=4', evenings],
    ['search=trampoline&minimum_age=3', both],
    ['search=trampoline&maximum_age=9', mornings],
    ['search=trampoline&maximum_age=8', []],
    [`taxonomy_term_id=${bouncing}`, both],
    [`taxonomy_term_id=${bouncing}&day=TU`, evenings],
    [`taxonomy_term_id=${evening}`, evenings],
    ['search=trampoline&day=monday', mornings],
    ['search=trampoline&day=SU', []],
    ['search=trampoline&start_time=09:00&end_time=12:00', mornings],
    ['search=trampoline&start_time=18:00', evenings],
    // Mondays, and something that begins at six: of two services, and of none.
    ['search=trampoline&day=MO&start_time=18:00', []],
    ['search=%27%3B+drop+table+fsp.service--', []],
  ])('%s', async (query, names) => expect(namesOf(await page(`/services?${query}`))).toEqual([...names].sort()));
  it('taxonomy_id', async () => {
    const taxonomy = (await page('/taxonomies')).contents.find(({ name }: any) => name === 'Kinds of made things');
    expect(namesOf(await page(`/services?taxonomy_id=${taxonomy.id}`))).toEqual(both);
  });
  it.each([
    ['postcode=OX16+5QD&proximity=2000', ['Place 1', 'Place 3']],
    ['postcode=ox1&proximity=5000', ['Place 2']],
    ['postcode=OX16+5QD&proximity=2000&day=TU', ['Place 3']],
  ])('of places: %s', async (query, names) => {
    const { contents } = await page(`/service_at_locations?${query}`);
    expect(contents.map(({ location }: any) => location.name).sort()).toEqual(names);
  });
  it.each([
    ...[
      'per_page=0',
      'per_page=101',
      'per_page=x',
      'page=0',
      'page=-1',
      'page=1&page=2',
      'day=someday',
      'minimum_age=old',
      'start_time=late',
    ],
    ...['taxonomy_id=1', 'taxonomy_term_id=x', 'search=%00'],
  ])('what is none is a 400 that says so: %s', async (query) => {
    const response = await get(`/services?${query}`);
    expect(response.statusCode).toBe(400);
    expect(response.json().errors[0].extensions.code).toBe('BAD_REQUEST');
  });
  it('a postcode that nobody here knows', async () => {
    expect((await get('/service_at_locations?postcode=ZZ1+1ZZ')).statusCode).toBe(400);
    expect((await get('/service_at_locations?proximity=5')).statusCode).toBe(400);
  });
});

describe('what does not go out', () => {
  it('is what is not there, in the same words', async () => {
    const [missing, none] = await Promise.all([get(`/services/${madeService(99).id}`), get('/services/x')]);
    expect([missing.statusCode, none.statusCode]).toEqual([404, 404]);
    expect(missing.json().errors[0].message).toBe(none.json().errors[0].message);
  });
  it('is what has been retired', async () => {
    const run = await beginRun(ask, feed);
    const { id } = madeService(50);
    await publish(ask, feed, run, [madeService(50, { attributes: [term('Only here', 50)] })], new Set(), 1);
    expect((await get(`/services/${id}`)).statusCode).toBe(200);
    await owner.query('select fsp.retire_services($1, $2)', [run, [id]]);
    expect((await get(`/services/${id}`)).statusCode).toBe(404);
    expect((await page('/taxonomy_terms')).contents.map(({ name }: any) => name)).not.toContain('Only here');
  });
  it('is a refuge, even where it came in past the first guard', async () => {
    const { id } = madeService(60);
    const run = await beginRun(ask, feed);
    await publish(ask, feed, run, [madeService(60, { name: 'Trampoline house', service_at_locations: [at(60, 52, -1)] })], new Set(), 1);
    expect((await get(`/services/${id}`)).statusCode).toBe(200);
    const counted = async () =>
      Promise.all(['/services', '/service_at_locations'].map(async (path) => (await page(`${path}?per_page=1`)).total_items));
    const before = await counted();
    await owner.query(
      `update fsp.service_document set document = document || '{"description": "Our refuge for families."}' where service = (select id from fsp.service where public_id = $1)`,
      [id],
    );
    expect((await get(`/services/${id}`)).statusCode).toBe(404);
    for (const path of ['/services', '/service_at_locations']) expect((await get(`${path}?per_page=100`)).body).not.toContain('refuge');
    expect((await get(`/service_at_locations/${at(60, 0, 0).id}`)).statusCode).toBe(404);
    // Nor do the counts tell that one is hidden.
    expect(await counted()).toEqual(before.map((total) => total - 1));
    for (const name of [
      'The Refuge',
      'Safe\u200bhouse',
      'Willow re\u00adfuge',
      'Women_refuge',
      'Ｒｅｆｕｇｅ',
      'Domestic&nbsp;abuse accommodation',
    ])
      await expect(owner.query('update fsp.service set name = $2 where public_id = $1', [id, name]), name).rejects.toThrow(
        'service_is_no_refuge',
      );
  });
  it('is a taxonomy or a term that is called one', async () => {
    const run = await beginRun(ask, feed);
    await publish(ask, feed, run, [madeService(61, { attributes: [term('Quiet places', 61)] })], new Set(), 1);
    const { id } = term('Quiet places', 61).taxonomy_term;
    expect((await get(`/taxonomy_terms/${id}`)).statusCode).toBe(200);
    const counted = async (path: string) => (await page(`${path}?per_page=1`)).total_items;
    const [terms, taxonomies] = [await counted('/taxonomy_terms'), await counted('/taxonomies')];
    await owner.query(`update fsp.directory_term set document = document || '{"name": "Willow ref\u00aduge"}' where id = $1`, [id]);
    expect((await get(`/taxonomy_terms/${id}`)).statusCode).toBe(404);
    expect((await get('/taxonomy_terms?per_page=100')).body).not.toContain(id);
    expect(await counted('/taxonomy_terms')).toBe(terms - 1);
    const [taxonomy] = (await owner.query('select taxonomy as id from fsp.directory_term where id = $1', [id])).rows;
    expect((await get(`/taxonomies/${taxonomy.id}`)).body).not.toContain(id);
    await owner.query(`update fsp.directory_taxonomy set document = document || '{"name": "Safe houses"}' where id = $1`, [taxonomy.id]);
    expect((await get(`/taxonomies/${taxonomy.id}`)).statusCode).toBe(404);
    expect((await get('/taxonomies?per_page=100')).body).not.toContain('Safe houses');
    expect(await counted('/taxonomies')).toBe(taxonomies - 1);
  });
});

it.each([
  ['192.0.2.7', '192.0.2.7'],
  ['2001:db8::1:2', '2001:db8:0:0'],
  ['2001:db8::2:3', '2001:db8:0:0'],
  ['2001:db8:0:0:1::9', '2001:db8:0:0'],
  ['2001:db8:a:b:1:2:3:4', '2001:db8:a:b'],
  ['2001:db8:a:b::', '2001:db8:a:b'],
  ['::1', '0:0:0:0'],
])('the budget of %s is that of %s', (address, payer) => expect(payerOf(address)).toBe(payer));
