/** Places of a service: none is promised twice, and they come back. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import {
  type Caller,
  encodeId,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let url: string;
beforeAll(async () => {
  url = await ownDatabase('fsp_places');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const desk: Caller = { client: 'cherwell-leisure-desk', purpose: 'EARLY_HELP' };
const today = new Date().toISOString().slice(0, 10);
const soon = new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10);
let keys = 0;
const does = async (who: PersonaName | Caller, name: string, what: string, input: object) => {
  const { body } = await server.ask(
    who,
    `mutation($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { ${what} userErrors { code path rule } } }`,
    { input: { idempotencyKey: `places-${keys++}`, ...input } },
  );
  return body.data?.[name] ?? { userErrors: [], errors: body.errors };
};
const service = async (code: string) =>
  encodeId('Service', (await owner.query('select id from fsp.service where code = $1', [code])).rows[0].id);
const offer = async (code: string) =>
  (
    await does('socialWorker', 'offerService', 'offer { id }', {
      family: encodeId('Family', 1),
      person: encodeId('Person', storyPerson(1, 'maisie')),
      service: await service(code),
      offered: '2026-11-02',
    })
  ).offer.id as string;
const record = (who: PersonaName | Caller, id: string, expectedVersion: number, status: string, more: object = {}) =>
  does(who, 'recordOfferOutcome', 'offer { status version heldUntil }', { offer: id, expectedVersion, status, on: today, ...more });
const left = async (code: string) => {
  const { body } = await server.ask('evaluator', 'query($id: ID!) { node(id: $id) { ... on Service { places placesLeft } } }', {
    id: await service(code),
  });
  return body.data.node;
};
const setPlaces = async (code: string, places: number | null, who: PersonaName | Caller = desk) =>
  does(who, 'setServicePlaces', 'service { places placesLeft }', { service: await service(code), places });

describe('places', () => {
  it('are said by who gives the service, and read by everybody', async () => {
    expect(await left('cherwell-holiday-club')).toEqual({ places: null, placesLeft: null });
    expect((await setPlaces('cherwell-holiday-club', 4)).service).toEqual({ places: 4, placesLeft: 4 });
    expect((await setPlaces('oxford-holiday-club', 4)).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['service'] }]);
    expect((await setPlaces('cherwell-holiday-club', -1)).userErrors).toMatchObject([{ code: 'INVALID', path: ['places'] }]);
    expect((await setPlaces('cherwell-holiday-club', 1, 'school')).errors?.[0].extensions.reason).toBe('NOT_YOURS_TO_WRITE');
    const other = await sqlAs('oxford-leisure', false, url);
    expect(
      (await other.query('select fsp.set_places((select id from fsp.service where code = $1), 99) as set', ['cherwell-holiday-club']))
        .rows[0].set,
    ).toBe(false);
    await expect(other.query('update fsp.service_capacity set places = 99')).rejects.toMatchObject({ code: '42501' });
    await expect(other.query('select * from fsp.service_place')).rejects.toMatchObject({ code: '42501' });
    await other.end();
  });
  it('are promised once: of many who accept at the same time as many stand as there are places', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 14; n++) ids.push(await offer('cherwell-holiday-club'));
    const results = await Promise.all(ids.slice(0, 8).map((id) => record(desk, id, 1, 'ACCEPTED')));
    expect(results.filter(({ offer: made }) => made?.status === 'ACCEPTED')).toHaveLength(4);
    for (const { offer: made, userErrors } of results)
      if (!made) expect(userErrors).toMatchObject([{ code: 'RULE', rule: 'NO_PLACE', path: ['status'] }]);
    expect(await left('cherwell-holiday-club')).toEqual({ places: 4, placesLeft: 0 });
    // The others wait; and a place that is given back is one of theirs.
    expect((await record(desk, ids[8] as string, 1, 'WAITING')).offer.status).toBe('WAITING');
    expect((await record(desk, ids[8] as string, 2, 'TAKEN_UP')).userErrors).toMatchObject([{ rule: 'NO_PLACE' }]);
    const first = ids[results.findIndex(({ offer: made }) => made)] as string;
    await record(desk, first, 2, 'DECLINED', { reason: 'family-declined' });
    expect((await left('cherwell-holiday-club')).placesLeft).toBe(1);
    // On the desk's own connections, without a server between: each in a transaction of its own, all at once.
    const rest = ids.slice(8);
    const clients = await Promise.all(rest.map(() => sqlAs('cherwell-leisure', false, url)));
    const outcomes = await Promise.all(
      clients.map((client, n) =>
        client.query(`update fsp.service_offer set status = 'ACCEPTED' where id = $1`, [(rest[n] as string).split('-')[1]]).then(
          ({ rowCount }) => rowCount,
          ({ code }) => code,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 1)).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'FSP01')).toHaveLength(5);
    await Promise.all(clients.map((client) => client.end()));
    const { rows } = await owner.query(
      `select count(*)::int as n from fsp.service_offer o join fsp.service_offer_link l on l.offer = o.id join fsp.service s on s.id = l.service
       where s.code = 'cherwell-holiday-club' and o.id = any ($1) and o.status in ('ACCEPTED', 'TAKEN_UP')`,
      [ids.map((id) => id.split('-')[1])],
    );
    expect(rows[0].n).toBe(4);
  });
  it('come back when they end, and when they are not taken up in time', async () => {
    const code = 'cherwell-healthy-eating';
    await setPlaces(code, 1);
    const [one, other] = [await offer(code), await offer(code)];
    const held = await record(desk, one, 1, 'ACCEPTED', { heldUntil: soon });
    expect(held.offer).toMatchObject({ heldUntil: soon });
    expect((await record(desk, other, 1, 'ACCEPTED')).userErrors).toMatchObject([{ rule: 'NO_PLACE' }]);
    await owner.query(`update fsp.service_place set until = current_date - 2 where held_by = 'service_offer' and held_key = $1`, [
      one.split('-')[1],
    ]);
    expect((await left(code)).placesLeft).toBe(1);
    expect((await record(desk, other, 1, 'TAKEN_UP')).offer.status).toBe('TAKEN_UP');
    // Who comes too late finds it given to somebody else.
    expect((await record(desk, one, 2, 'TAKEN_UP')).userErrors).toMatchObject([{ rule: 'NO_PLACE' }]);
    await record(desk, other, 2, 'COMPLETED');
    expect((await record(desk, one, 2, 'TAKEN_UP')).offer.status).toBe('TAKEN_UP');
    expect((await record(desk, await offer(code), 1, 'DECLINED', { reason: 'full', heldUntil: soon })).userErrors).toMatchObject([
      { path: ['heldUntil'] },
    ]);
    // Fewer places than are held take nobody's away.
    expect((await setPlaces(code, 0)).service).toEqual({ places: 0, placesLeft: 0 });
    expect((await setPlaces(code, null)).service).toEqual({ places: null, placesLeft: null });
    expect((await record(desk, await offer(code), 1, 'ACCEPTED')).offer.status).toBe('ACCEPTED');
  });
  it('are taken by vouchers as they are issued, and by housing as it is accepted', async () => {
    await setPlaces('cherwell-swimming', 2);
    const issue = async (of: string) => does('socialWorker', 'issueVoucher', 'voucher { id } code', { offer: of, expires: soon });
    const offers = await Promise.all([1, 2, 3, 4, 5].map(() => offer('cherwell-swimming')));
    const vouchers = await Promise.all(offers.map(issue));
    expect(vouchers.filter(({ code }) => code)).toHaveLength(2);
    for (const { code, userErrors } of vouchers) if (!code) expect(userErrors).toMatchObject([{ rule: 'NO_PLACE', path: ['offer'] }]);
    // One in place of another takes no second place; one that has expired gives its place back.
    const with_ = offers[vouchers.findIndex(({ code }) => code)] as string;
    expect((await issue(with_)).userErrors).toEqual([]);
    expect((await left('cherwell-swimming')).placesLeft).toBe(0);
    await owner.query(`update fsp.service_place set until = current_date - 2 where held_by = 'voucher'`);
    expect((await left('cherwell-swimming')).placesLeft).toBe(2);
  });
  it('of a voucher are kept though there are fewer now, and come back with the offer', async () => {
    const code = 'cherwell-swimming';
    const held = async () => {
      const { rows } = await owner.query(
        `select count(*)::int as n from fsp.service_place p join fsp.service s on s.id = p.service where s.code = $1 and coalesce(p.until, 'infinity') >= current_date`,
        [code],
      );
      return rows[0].n;
    };
    await setPlaces(code, 5);
    const issue = async (of: string) =>
      (await does('socialWorker', 'issueVoucher', 'voucher { id } code', { offer: of, expires: soon })).code;
    const redeem = async (voucher: string) =>
      (await does(desk, 'redeemVoucher', 'redemption { result }', { code: voucher })).redemption?.result;
    const before = await held();
    const [one, other] = [await offer(code), await offer(code)];
    const [good, lost] = [await issue(one), await issue(other)];
    expect(await held()).toBe(before + 2);
    // What was issued is honoured, however few places are said to be there since.
    await setPlaces(code, 0);
    expect(await redeem(good)).toBe('ACCEPTED');
    expect(await held()).toBe(before + 2);
    // An offer that comes to nothing takes its voucher and the place with it; a voucher that was used keeps its place until all is done.
    const reason = 'family-declined';
    expect((await record('socialWorker', other, 1, 'DECLINED', { reason })).userErrors).toEqual([]);
    expect(await redeem(lost)).toBe('NOT_KNOWN');
    expect(await held()).toBe(before + 1);
    expect((await record('socialWorker', one, 2, 'COMPLETED')).userErrors).toEqual([]);
    expect(await held()).toBe(before);
    await setPlaces(code, null);
  });
});

describe('what a service is meant to move', () => {
  const moved = async (code: string) => {
    const { body } = await server.ask('evaluator', 'query($id: ID!) { node(id: $id) { ... on Service { expectedToMove { code } } } }', {
      id: await service(code),
    });
    return body.data.node.expectedToMove.map(({ code: each }: any) => each);
  };
  const set = async (code: string, indicators: string[], who: PersonaName | Caller = desk) =>
    does(who, 'setServiceIndicators', 'service { expectedToMove { code } }', { service: await service(code), indicators });
  it('is what its kind is, until who gives it says more', async () => {
    expect(await moved('cherwell-holiday-club')).toEqual(['child-emotional-wellbeing']);
    const { service: now } = await set('cherwell-holiday-club', ['school-attendance', 'family-relationship']);
    expect(now.expectedToMove).toEqual([{ code: 'school-attendance' }, { code: 'family-relationship' }]);
    expect(await moved('oxford-holiday-club')).toEqual(['child-emotional-wellbeing']);
    expect((await set('cherwell-holiday-club', ['happiness'])).userErrors).toMatchObject([{ path: ['indicators', '0'] }]);
    expect((await set('oxford-holiday-club', [])).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['service'] }]);
    await set('cherwell-holiday-club', []);
    expect(await moved('cherwell-holiday-club')).toEqual(['child-emotional-wellbeing']);
  });
});
