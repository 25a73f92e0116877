/** Vouchers: one use each, at the desk that gives the service, which learns nothing else. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { LIMITS } from '../../../src/limits.ts';
import { fingerprintOf, newCode, readCode } from '../../../src/modules/voucher/codes.ts';
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
  url = await ownDatabase('fsp_voucher');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const desk: Caller = { client: 'cherwell-leisure-desk', purpose: 'EARLY_HELP' };
const otherDesk: Caller = { client: 'oxford-leisure-desk', purpose: 'EARLY_HELP' };
const LEISURE = organisationId('cherwell-leisure');
const inYear = new Date(Date.now() + 200 * 86_400_000).toISOString().slice(0, 10);
let keys = 0;
const idempotencyKey = () => `voucher-${keys++}`;
const service = async (code: string) =>
  encodeId('Service', (await owner.query('select id from fsp.service where code = $1', [code])).rows[0].id);
const offer = async (code = 'cherwell-swimming') => {
  const input = {
    idempotencyKey: idempotencyKey(),
    family: encodeId('Family', 1),
    person: encodeId('Person', storyPerson(1, 'maisie')),
    service: await service(code),
    offered: '2026-11-02',
  };
  const { body } = await server.ask(
    'socialWorker',
    'mutation($input: OfferServiceInput!) { offerService(input: $input) { offer { id service { byVoucher } } userErrors { message } } }',
    { input },
  );
  return body.data.offerService.offer.id as string;
};
const ISSUE = `mutation($input: IssueVoucherInput!) { issueVoucher(input: $input) { voucher { id status expires offer { status } } code userErrors { code path rule } } }`;
const issue = async (of: string, key = idempotencyKey(), who: PersonaName | Caller = 'socialWorker', expires = inYear) =>
  (await server.ask(who, ISSUE, { input: { idempotencyKey: key, offer: of, expires } })).body;
const issued = async (of?: string) => (await issue(of ?? (await offer()))).data.issueVoucher as { voucher: { id: string }; code: string };
const REDEEM = `mutation($input: RedeemVoucherInput!) { redeemVoucher(input: $input) {
  redemption { id result service { code } expires tried withheld { field } } userErrors { code path rule message } } }`;
const redeem = async (code: string, who: Caller = desk, key = idempotencyKey()) =>
  (await server.ask(who, REDEEM, { input: { idempotencyKey: key, code } })).body;
const resultOf = async (code: string, who: Caller = desk) => (await redeem(code, who)).data.redeemVoucher.redemption?.result;

describe('a code', () => {
  it('has 80 random bits, and is read as it was meant', () => {
    const codes = Array.from({ length: 2_000 }, newCode);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) {
      expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/);
      expect(readCode(code.toLowerCase().replaceAll('-', ' '))).toBe(code.replaceAll('-', ''));
    }
    // Every place takes every letter: none is a mark of whose it is.
    for (let place = 0; place < 16; place++) expect(new Set(codes.map((code) => code.replaceAll('-', '')[place])).size).toBe(32);
    expect(readCode('o0il-1111-2222-3333')).toBe('0011111122223333');
    for (const none of ['', 'x', 'U000-0000-0000-0000', '0000-0000-0000-000', '0000-0000-0000-00000']) expect(readCode(none)).toBeNull();
    expect(fingerprintOf('0011111122223333')).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('issuing', () => {
  it('tells the code once, and keeps its fingerprint alone', async () => {
    const of = await offer();
    const key = idempotencyKey();
    const told = await issue(of, key);
    const { voucher, code } = told.data.issueVoucher;
    expect(voucher).toMatchObject({ status: 'ISSUED', expires: inYear, offer: { status: 'OFFERED' } });
    expect(readCode(code)).not.toBeNull();
    const again = await issue(of, key);
    expect(again.data.issueVoucher).toMatchObject({ voucher: { id: voucher.id }, code: null, userErrors: [] });
    const { rows: tables } = await owner.query(
      `select table_name as name from information_schema.tables where table_schema = 'fsp' and table_type = 'BASE TABLE'`,
    );
    for (const { name } of tables)
      for (const spelling of [code, readCode(code)])
        expect((await owner.query(`select from fsp."${name}" r where r::text like $1`, [`%${spelling}%`])).rowCount, name).toBe(0);
    // Another in its place ends it.
    const next = await issued(of);
    expect(await resultOf(code)).toBe('NOT_KNOWN');
    expect(await resultOf(next.code)).toBe('ACCEPTED');
  });
  it('is refused for what is not given by voucher, for another’s offer, for too long, and to who offers nothing', async () => {
    const housing = await offer('cherwell-homelessness-prevention');
    expect((await issue(housing)).data.issueVoucher.userErrors).toMatchObject([{ code: 'INVALID', path: ['offer'] }]);
    const mine = await offer();
    expect((await issue(mine, idempotencyKey(), 'teamSpecialist')).data.issueVoucher.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect((await issue(mine, idempotencyKey(), 'socialWorker', '2099-01-01')).data.issueVoucher.userErrors).toMatchObject([
      { path: ['expires'] },
    ]);
    for (const who of [desk, 'housingDesk', 'school', 'police', 'provider'] as const)
      expect((await issue(mine, idempotencyKey(), who)).errors?.[0].extensions.reason, JSON.stringify(who)).toBe('NOT_YOURS_TO_WRITE');
    const used = await issued(mine);
    await redeem(used.code);
    expect((await issue(mine)).data.issueVoucher.userErrors).toMatchObject([{ rule: 'OFFER_STEP' }]);
  });
});

describe('the desk', () => {
  /** All that the desk's login can read, but the directory. */
  const readable = async (client: pg.Client) => {
    const { rows: tables } = await owner.query(
      `select table_name as name from information_schema.tables where table_schema = 'fsp' and table_type = 'BASE TABLE' order by 1`,
    );
    const found = new Map<string, Set<string>>();
    for (const { name } of tables) {
      // Its own looks.
      if (name.startsWith('disclosure_')) continue;
      const { rows } = await client.query(`select r::text as row from fsp."${name}" r`).catch(() => ({ rows: [] }));
      found.set(name, new Set(rows.map(({ row }: any) => row)));
    }
    return found;
  };
  it('learns by an offer, a voucher and its redemption no more than one row of its own, in which nobody is', async () => {
    const client = await sqlAs('cherwell-leisure', false, url);
    const before = await readable(client);
    const { code, voucher } = await issued();
    // That something was offered, and a code issued, is not there for it at all.
    expect(await readable(client)).toEqual(before);
    const { data, errors } = await redeem(code);
    expect(errors).toBeUndefined();
    expect(data.redeemVoucher.redemption).toMatchObject({
      result: 'ACCEPTED',
      service: { code: 'cherwell-swimming' },
      expires: inYear,
      withheld: [],
    });
    const after = await readable(client);
    const gained = [...after].flatMap(([name, rows]) =>
      [...rows].filter((row) => !before.get(name)?.has(row)).map((row) => ({ name, row })),
    );
    // The key under which it asked is its own, too.
    expect(gained.map(({ name }) => name).sort()).toEqual(['idempotency', 'voucher_redemption']);
    const { rows } = await client.query('select * from fsp.voucher_redemption order by at desc limit 1');
    expect(Object.keys(rows[0]).sort()).toEqual('at expires_on id result sender service tried_on worker'.split(' '));
    expect(rows[0]).toMatchObject({ sender: LEISURE, result: 'ACCEPTED', worker: null });
    expect(String(rows[0].id)).not.toBe(voucher.id.split('-')[1]);
    for (const table of ['voucher', 'service_offer', 'service_offer_link'])
      expect((await client.query(`select from fsp.${table} where family = 1`)).rowCount, table).toBe(0);
    await expect(
      client.query(`insert into fsp.voucher_redemption (sender, result, tried_on) values ($1, 'ACCEPTED', now())`, [LEISURE]),
    ).rejects.toMatchObject({ code: '42501' });
    await client.end();
    // Who offered it reads that it was used, and the offer stands as taken up.
    const { body } = await server.ask(
      'socialWorker',
      'query($id: ID!) { node(id: $id) { ... on Voucher { status redeemed offer { status takenUp vouchers { status } } } } }',
      { id: voucher.id },
    );
    expect(body.data.node).toMatchObject({ status: 'REDEEMED', offer: { status: 'TAKEN_UP', vouchers: [{ status: 'REDEEMED' }] } });
    expect(body.data.node.redeemed).toBe(body.data.node.offer.takenUp);
  });
  it('asks for no voucher and no offer, by id, list or node, and the record of its looks names nobody', async () => {
    const of = await offer();
    const { voucher, code } = await issued(of);
    await redeem(code);
    const never = await server.ask(desk, 'query($id: ID!) { node(id: $id) { __typename } }', { id: encodeId('Voucher', 99_999) });
    for (const id of [voucher.id, of])
      expect((await server.ask(desk, 'query($id: ID!) { node(id: $id) { __typename } }', { id })).body).toEqual(never.body);
    const { body } = await server.ask(
      desk,
      '{ offers { nodes { id service { byVoucher } } } voucherRedemptions { nodes { id result } totalCount { value } } }',
    );
    expect(body.data.offers.nodes.every(({ service: given }: any) => given.byVoucher === false)).toBe(true);
    expect(body.data.voucherRedemptions.totalCount.value).toBeGreaterThan(0);
    const { rows } = await owner.query(`select family, persons from fsp.outbox where action = 'redeemVoucher'`);
    for (const each of rows) expect(each).toEqual({ family: null, persons: [] });
    const elsewhere = await server.ask(otherDesk, '{ voucherRedemptions { nodes { id } } }');
    expect(elsewhere.body.data.voucherRedemptions.nodes).toEqual([]);
  });
  it('redeems a code exactly once, however many ask at the same time', async () => {
    const { code } = await issued();
    const spellings = [code, code.toLowerCase(), code.replaceAll('-', ''), ` ${code} `];
    const results = await Promise.all(Array.from({ length: 12 }, (_, n) => resultOf(spellings[n % 4] as string)));
    expect(results.filter((result) => result === 'ACCEPTED')).toHaveLength(1);
    expect(results.filter((result) => result === 'USED')).toHaveLength(11);
    // And so on the desk's own connections, without a server between.
    const second = await issued();
    const clients = await Promise.all(Array.from({ length: 6 }, () => sqlAs('cherwell-leisure', false, url)));
    const hash = fingerprintOf(readCode(second.code) as string);
    const made = await Promise.all(clients.map((client) => client.query('select fsp.redeem_voucher($1, null) as id', [hash])));
    const ids = made.map(({ rows }) => rows[0].id);
    const { rows } = await owner.query(
      'select result, count(*)::int as n from fsp.voucher_redemption where id = any ($1) group by 1 order by 1',
      [ids],
    );
    expect(rows).toEqual([
      { result: 'ACCEPTED', n: 1 },
      { result: 'USED', n: 5 },
    ]);
    await Promise.all(clients.map((client) => client.end()));
  });
  it('and who declines the offer at the same moment wait for each other, and never in a ring', async () => {
    const [county, counter] = await Promise.all([sqlAs('occ', false, url), sqlAs('cherwell-leisure', false, url)]);
    const pids = (await Promise.all([county, counter].map((client) => client.query('select pg_backend_pid() as pid')))).map(
      ({ rows }) => rows[0].pid as number,
    );
    const waiting = async (pid: number | undefined) => {
      while ((await owner.query('select from pg_locks where pid = $1 and not granted', [pid])).rowCount === 0);
    };
    const seen = new Set<string>();
    for (let round = 0; round < 16; round++) {
      const of = await offer();
      const { code, voucher } = await issued(of);
      const decline = () => county.query(`update fsp.service_offer set status = 'DECLINED' where id = $1`, [of.split('-')[1]]);
      const use = () => counter.query('select fsp.redeem_voucher($1, null) as id', [fingerprintOf(readCode(code) as string)]);
      let both: Promise<unknown>;
      if (round % 4 === 3) both = Promise.all([decline(), use()]);
      else {
        // Somebody else holds the voucher until both have come for it, the one before the other.
        const acts = round % 2 === 0 ? ([use, decline] as const) : ([decline, use] as const);
        const order = round % 2 === 0 ? [pids[1], pids[0]] : pids;
        await owner.query('begin');
        await owner.query('select from fsp.voucher where id = $1 for update', [voucher.id.split('-')[1]]);
        const first = acts[0]();
        await waiting(order[0]);
        const second = acts[1]();
        await waiting(order[1]);
        both = Promise.all([first, second]);
        await owner.query('commit');
      }
      await both;
      const { rows } = await owner.query(
        `select o.status as offer, v.status as voucher, (select count(*)::int from fsp.service_place p where p.held_by = 'voucher' and p.held_key = v.id) as places
         from fsp.voucher v join fsp.service_offer o on o.id = v.offer where v.id = $1`,
        [voucher.id.split('-')[1]],
      );
      expect(rows[0]).toMatchObject({ voucher: expect.stringMatching(/^(REDEEMED|VOID)$/), offer: 'DECLINED', places: 0 });
      seen.add(rows[0].voucher);
    }
    expect([...seen].sort()).toEqual(['REDEEMED', 'VOID']);
    // Nor is a voucher issued for an offer that is declined while it is being written.
    const of = await offer();
    await county.query('begin');
    await county.query(`update fsp.service_offer set status = 'DECLINED' where id = $1`, [of.split('-')[1]]);
    const asked = issue(of);
    while ((await owner.query('select from pg_locks where not granted')).rowCount === 0);
    await county.query('commit');
    expect((await asked).data.issueVoucher).toMatchObject({ voucher: null, code: null, userErrors: [{ rule: 'OFFER_STEP' }] });
    await Promise.all([county.end(), counter.end()]);
  });
  it('the same key asked again has no second effect, and reads its answer anew', async () => {
    const { code } = await issued();
    const key = idempotencyKey();
    const [one, other] = [await redeem(code, desk, key), await redeem(code, desk, key)];
    expect(one.data).toEqual(other.data);
    expect(one.data.redeemVoucher.redemption.result).toBe('ACCEPTED');
  });
});

describe('a stranger', () => {
  it('with a code of another desk’s, good, used, expired or withdrawn, is told what is told of a code that never was', async () => {
    const good = await issued();
    const used = await issued();
    await redeem(used.code);
    const expired = await issued();
    await owner.query(`update fsp.voucher set expires_on = current_date - 2 where id = $1`, [expired.voucher.id.split('-')[1]]);
    const of = await offer();
    const withdrawn = await issued(of);
    await issued(of);
    const told = async (code: string) => {
      const { redemption, userErrors } = (await redeem(code, otherDesk)).data.redeemVoucher;
      return JSON.stringify([{ ...redemption, id: null }, userErrors]);
    };
    const never = await told(newCode());
    expect(never).toContain('NOT_KNOWN');
    for (const { code } of [good, used, expired, withdrawn]) expect(await told(code)).toBe(never);
    expect(await told('not a code at all')).toBe(never);
    // At its own desk each says what the family at the counter needs to know; and that strangers tried took nothing from it.
    expect(await resultOf(used.code)).toBe('USED');
    expect(await resultOf(expired.code)).toBe('EXPIRED');
    expect(await resultOf(withdrawn.code)).toBe('NOT_KNOWN');
    expect(await resultOf(good.code)).toBe('ACCEPTED');
    // Nor may others try at all.
    for (const who of ['socialWorker', 'teamSpecialist', 'school', 'police', 'healthVisitor'] as const)
      expect(
        (await server.ask(who, REDEEM, { input: { idempotencyKey: idempotencyKey(), code: good.code } })).body.errors?.[0].extensions
          .reason,
      ).toBe('NOT_YOURS_TO_WRITE');
  });
  it(`has ${LIMITS.voucherTries} tries an hour, also side by side; then good codes wait, too`, async () => {
    const west: Caller = { client: 'west-oxfordshire-leisure-desk', purpose: 'EARLY_HELP' };
    const org = organisationId('west-oxfordshire-leisure');
    await owner.query(
      `insert into fsp.voucher_redemption (sender, result, tried_on) select $1, 'NOT_KNOWN', current_date from generate_series(1, $2)`,
      [org, LIMITS.voucherTries - 3],
    );
    const tries = await Promise.all(Array.from({ length: 10 }, () => redeem(newCode(), west)));
    expect(tries.filter(({ data }) => data.redeemVoucher.redemption?.result === 'NOT_KNOWN')).toHaveLength(3);
    const refused = tries.filter(({ data }) => data.redeemVoucher.redemption === null);
    expect(refused).toHaveLength(7);
    for (const { data } of refused)
      expect(data.redeemVoucher.userErrors).toMatchObject([{ code: 'RULE', rule: 'VOUCHER_TRIES', path: ['code'] }]);
    await owner.query(`update fsp.voucher_redemption set at = now() - interval '61 minutes' where sender = $1`, [org]);
    expect(await resultOf(newCode(), west)).toBe('NOT_KNOWN');
  });
});
