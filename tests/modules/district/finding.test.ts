/** Finding a service, and publishing one: by words, age, place, hour and cost; and who may publish what. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFeed } from '../../../src/db/provision.ts';
import { type Ask, beginRun, endRun, publish } from '../../../src/exchange/open-referral/publish.ts';
import { madeService } from '../../support/feed.ts';
import { type Caller, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let owner: pg.Client;
let ownerUrl: string;
let server: TestServer;
const council: Caller = { client: 'cherwell-directory', purpose: 'PERFORMANCE' };
const other: Caller = { client: 'oxford-directory', purpose: 'PERFORMANCE' };

const place = (n: number, location: Record<string, unknown>) => ({
  id: madeService(n).id,
  location: { id: madeService(n).id, location_type: 'physical', ...location },
});
const open = (n: number, more: Record<string, unknown>) => ({ id: madeService(n).id, ...more });
const SERVICES = [
  madeService(1, {
    name: 'Zorbing for toddlers',
    maximum_age: 4,
    fees: 'free',
    service_at_locations: [place(101, { latitude: 52.0601, longitude: -1.3381 })],
  }),
  madeService(2, {
    name: 'Zorbing for parents',
    minimum_age: 18,
    fees: '£4',
    service_at_locations: [place(102, { latitude: 51.752, longitude: -1.258 }), place(103, { latitude: 52.07, longitude: -1.338 })],
    schedules: [open(201, { freq: 'WEEKLY', byday: 'SU', opens_at: '22:00', closes_at: '02:00' })],
  }),
  madeService(3, {
    name: 'Zorbing, second Mondays',
    description: 'With tea.',
    fees: 'reduced price on benefits',
    service_at_locations: [
      place(104, {
        addresses: [
          {
            id: madeService(105).id,
            address_1: '1 Mill Lane',
            city: 'Witney',
            state_province: 'Oxfordshire',
            postal_code: 'OX28 6AA',
            country: 'GB',
            address_type: 'physical',
          },
        ],
      }),
    ],
    schedules: [open(202, { freq: 'MONTHLY', byday: '2MO', opens_at: '10:00', closes_at: '12:00', valid_to: '2026-12-31' })],
  }),
];

beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_finding');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
const register = (as: Caller, input: Record<string, unknown>) =>
  server.ask(
    as,
    'mutation($input: RegisterServiceFeedInput!) { registerServiceFeed(input: $input) { feed { code url organisation { code } } userErrors { code message path } } }',
    {
      input: { idempotencyKey: `feed-${keys++}`, ...input },
    },
  );
const RUN =
  'run { created updated unchanged failed retired complete lines(first: 100) { nodes { line sourceId result path rule } } } userErrors { code path }';
const push = (as: Caller, services: unknown[], more: Record<string, unknown> = {}) =>
  server.ask(as, `mutation($input: PublishServicesInput!) { publishServices(input: $input) { ${RUN} } }`, {
    input: {
      idempotencyKey: `push-${keys++}`,
      feed: 'cherwell-made',
      services: services.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))),
      ...more,
    },
  });
async function find(filter: Record<string, unknown>, as: Caller = other): Promise<string[]> {
  const { body } = await server.ask(as, 'query($filter: ServiceFilter) { services(filter: $filter, first: 100) { nodes { name } } }', {
    filter,
  });
  expect(body.errors).toBeUndefined();
  return body.data?.services.nodes.map(({ name }: any) => name);
}
const zorbing = (filter: Record<string, unknown>) => find({ text: 'zorbing', ...filter });

describe('a council', () => {
  it('registers its feed, once', async () => {
    const { body } = await register(council, { code: 'cherwell-made', district: 'E07000177' });
    expect(body.data?.registerServiceFeed).toEqual({
      feed: { code: 'cherwell-made', url: null, organisation: { code: 'cherwell' } },
      userErrors: [],
    });
  });
  it('does not switch on what the operator has switched off', async () => {
    const feed = { code: 'cherwell-off', organisation: 'cherwell' };
    await addFeed(owner, feed);
    await owner.query("update fsp.service_feed set enabled = false where code = 'cherwell-off'");
    const { body } = await register(council, { code: 'cherwell-off' });
    expect(body.data?.registerServiceFeed).toMatchObject({ feed: null, userErrors: [{ code: 'CONFLICT', path: ['code'] }] });
    const enabled = async () => (await owner.query("select enabled from fsp.service_feed where code = 'cherwell-off'")).rows[0].enabled;
    expect(await enabled()).toBe(false);
    await addFeed(owner, feed);
    expect(await enabled()).toBe(true);
  });
  it('registers addresses as its own, not as the operator’s', async () => {
    const url = 'https://directory.inside.example/api';
    const named = async () =>
      (await owner.query("select by_operator from fsp.service_feed where code = 'cherwell-named'")).rows[0].by_operator;
    await register(council, { code: 'cherwell-named', url });
    expect(await named()).toBe(false);
    await addFeed(owner, { code: 'cherwell-named', organisation: 'cherwell', url });
    expect(await named()).toBe(true);
    await register(council, { code: 'cherwell-named', url });
    expect(await named()).toBe(true);
    await register(council, { code: 'cherwell-named', url: `${url}/other` });
    expect(await named()).toBe(false);
  });
  it('does not take another’s, nor an address that is not a public one', async () => {
    const taken = await register(other, { code: 'cherwell-made' });
    expect(taken.body.data?.registerServiceFeed).toMatchObject({ feed: null, userErrors: [{ code: 'CONFLICT', path: ['code'] }] });
    for (const url of ['http://example.org/', 'https://127.0.0.1/', 'https://a:b@example.org/', 'nowhere']) {
      const { body } = await register(council, { code: 'cherwell-other', url });
      expect(body.data?.registerServiceFeed.userErrors, url).toMatchObject([{ code: 'INVALID', path: ['url'] }]);
    }
    const unknown = await register(council, { code: 'cherwell-other', district: 'E99999999' });
    expect(unknown.body.data?.registerServiceFeed.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['district'] }]);
  });
  it('pushes services in: each has its own result, and the same batch twice changes nothing', async () => {
    const batch = [
      ...SERVICES,
      'not JSON',
      { id: 'x', name: 'A refuge', status: 'active' },
      { ...SERVICES[0], id: madeService(4).id, url: 'nowhere' },
    ];
    const { body } = await push(council, batch);
    const { run, userErrors } = body.data?.publishServices ?? {};
    expect(userErrors).toEqual([]);
    expect(run).toMatchObject({ created: 4, updated: 0, unchanged: 0, failed: 2, retired: 0 });
    expect(run.lines.nodes).toEqual([
      ...SERVICES.map(({ id }, i) => ({ line: i + 1, sourceId: id, result: 'CREATED', path: null, rule: null })),
      { line: 4, sourceId: null, result: 'FAILED', path: '', rule: 'NOT_AN_OBJECT' },
      { line: 5, sourceId: null, result: 'FAILED', path: '', rule: 'SECRET_PLACE' },
      { line: 6, sourceId: madeService(4).id, result: 'CREATED', path: '/url', rule: 'format' },
    ]);
    const again = await push(council, batch);
    expect(again.body.data?.publishServices.run).toMatchObject({ created: 0, updated: 0, unchanged: 4, failed: 2 });
  });
  it('takes services out: by their ids, or by saying that these are all', async () => {
    const one = await push(council, [], { withdraw: [madeService(4).id] });
    expect(one.body.data?.publishServices.run).toMatchObject({ retired: 1 });
    await push(council, [madeService(5, { name: 'Zorbing for a day' })]);
    const all = await push(council, SERVICES, { complete: true });
    expect(all.body.data?.publishServices.run).toMatchObject({ unchanged: 3, retired: 1, complete: true });
    expect((await zorbing({})).length).toBe(3);
  });
  it('writes into no feed of another, by no way', async () => {
    const { body } = await push(other, [madeService(6)]);
    expect(body.data?.publishServices).toEqual({ run: null, userErrors: [{ code: 'NOT_FOUND', path: ['feed'] }] });
    const police = await push({ client: 'thames-valley-police-protection', user: null, purpose: 'SAFEGUARDING' }, []);
    expect(police.body.data?.publishServices ?? null).toBeNull();
    const login = await sqlAs('oxford', 'daily', ownerUrl);
    const id = (await owner.query("select id from fsp.service_feed where code = 'cherwell-made'")).rows[0].id;
    const run = (await owner.query('select max(id) as id from fsp.service_run')).rows[0].id;
    const statements: [string, unknown[]][] = [
      ['select fsp.begin_service_run($1)', [id]],
      ['select fsp.write_service($1, $2)', [run, '{}']],
      ['select fsp.retire_services($1, $2)', [run, [madeService(1).id]]],
      ["update fsp.service set name = 'mine'", []],
      ['delete from fsp.service_location', []],
    ];
    for (const [text, values] of statements)
      await expect(login.query(text, values), text).rejects.toThrow(/permission denied|not a (?:feed|run) of this organisation/);
    await login.end();
  });
});

describe('services are found', () => {
  const [toddlers, parents, mondays] = SERVICES.map(({ name }) => name);
  it('by their words, in any form', async () => {
    expect(await find({ text: 'parent zorbing' })).toEqual([parents]);
    expect(await find({ text: 'zorbing -parents tea' })).toEqual([mondays]);
    expect(await find({ text: "'); drop table fsp.service;--" })).toEqual([]);
  });
  it('by age', async () => {
    expect(await zorbing({ age: 3 })).toEqual([toddlers, mondays]);
    expect(await zorbing({ age: 30 })).toEqual([parents, mondays]);
  });
  it('by what they cost', async () => {
    expect(await zorbing({ freeOrDiscounted: true })).toEqual([toddlers, mondays]);
    expect(await zorbing({ freeOrDiscounted: false })).toEqual([parents]);
  });
  it('near a postcode or a point, the nearest first', async () => {
    expect(await zorbing({ near: { postcode: 'OX16 5QD', within: 5_000 } })).toEqual([toddlers, parents]);
    expect(await zorbing({ near: { postcode: 'ox16 5qd', within: 500 } })).toEqual([toddlers]);
    expect(await zorbing({ near: { latitude: 51.75, longitude: -1.257, within: 60_000 } })).toEqual([parents, mondays, toddlers]);
    // The feed says no point: the middle of the postcode's area stands for it.
    expect(await zorbing({ near: { postcode: 'OX28', within: 1_000 } })).toEqual([mondays]);
    expect(await zorbing({ near: { postcode: 'ZZ9 9ZZ', within: 100_000 } })).toEqual([]);
    expect(await zorbing({ near: { within: 100_000 } })).toEqual([]);
  });
  it('page by page by distance, without a gap or a double', async () => {
    const found: string[] = [];
    let after: string | null = null;
    do {
      const { body } = await server.ask(
        other,
        'query($after: String) { services(filter: { text: "zorbing", near: { latitude: 51.75, longitude: -1.257, within: 60000 } }, first: 1, after: $after) { nodes { name } pageInfo { hasNextPage endCursor } totalCount { value } } }',
        { after },
      );
      const { nodes, pageInfo, totalCount } = body.data?.services ?? {};
      expect(totalCount.value).toBe(3);
      found.push(...nodes.map(({ name }: any) => name));
      after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
    } while (after);
    expect(found).toEqual([parents, mondays, toddlers]);
  });
  it.each([
    // Sundays from ten in the evening until two.
    ['2026-11-22T22:30:00.000Z', ['Zorbing for parents']],
    ['2026-11-23T01:59:00.000Z', ['Zorbing for parents']],
    ['2026-11-23T02:00:00.000Z', []],
    ['2026-11-22T21:59:00.000Z', []],
    // The clock in England is an hour on in summer.
    ['2026-07-05T21:00:00.000Z', ['Zorbing for parents']],
    ['2026-07-05T20:59:00.000Z', []],
    // The night in which the clocks go back, and the one in which they go on.
    ['2026-10-25T22:00:00.000Z', ['Zorbing for parents']],
    ['2026-03-29T21:00:00.000Z', ['Zorbing for parents']],
    // The second Monday of the month, to the end of the year.
    ['2026-11-09T10:00:00.000Z', ['Zorbing, second Mondays']],
    ['2026-11-09T12:00:00.000Z', []],
    ['2026-11-16T10:30:00.000Z', []],
    ['2027-01-11T10:30:00.000Z', []],
  ])('that are open at %s', async (openAt, names) => expect(await zorbing({ openAt })).toEqual(names));
  it('with everything that hangs on them, in one statement', async () => {
    const { body } = await server.ask(
      other,
      `{ services(filter: { text: "zorbing" }) { nodes { publicId status free discounted feed { code } provider { name } locations { postcode latitude approximate }
         schedules { days frequency opens closes } costs { amount } areas { name } contacts { name } terms { name taxonomy } retired } } }`,
    );
    expect(body.errors).toBeUndefined();
    expect(body.data?.services.nodes[2]).toMatchObject({
      publicId: madeService(3).id,
      status: 'active',
      free: false,
      discounted: true,
      feed: { code: 'cherwell-made' },
      locations: [{ postcode: 'OX28 6AA', latitude: 51.786, approximate: true }],
      schedules: [{ days: ['2MO'], frequency: 'MONTHLY', opens: '10:00:00', closes: '12:00:00' }],
      retired: null,
    });
  });
  it('until they have gone: then by their id alone, for those who hold an offer of it', async () => {
    const { body } = await server.ask(other, '{ services(filter: { text: "parents zorbing" }) { nodes { id } } }');
    const { id } = body.data?.services.nodes[0] ?? {};
    await push(council, [], { withdraw: [madeService(2).id] });
    expect(await zorbing({})).toEqual([toddlers, mondays]);
    const { body: gone } = await server.ask(
      other,
      'query($id: ID!) { node(id: $id) { ... on Service { name retired active locations { postcode } } } }',
      { id },
    );
    expect(gone.data?.node).toMatchObject({ name: parents, active: false, locations: [] });
    expect(gone.data?.node.retired).not.toBeNull();
  });
});

it('a fault of one service undoes no other: the owner writes into every feed', async () => {
  const ask: Ask = async (text, values) => (await owner.query(text, values)).rows[0];
  const { rows } = await owner.query("select id, code from fsp.service_feed where code = 'cherwell-made'");
  const run = await beginRun(ask, rows[0]);
  const lines = await publish(ask, rows[0], run, [madeService(70), null, madeService(71)], new Set(), 1);
  await endRun(ask, run, false, null);
  expect(lines.map(({ result }) => result)).toEqual(['CREATED', 'FAILED', 'CREATED']);
});
