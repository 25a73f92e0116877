/** Subscriptions over real sockets: once each and in order, under the rights of that moment, and nothing lost by whoever is cut off. */
import fc from 'fast-check';
import type { Client } from 'graphql-ws';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLASS_BIT } from '../../src/access/classes.ts';
import { createGate } from '../../src/access/gate.ts';
import { LIMITS } from '../../src/limits.ts';
import { LOGIN_SECRET } from '../support/global.ts';
import { type Caller, encodeId, ownDatabase, serverOf, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';
import { connect, params, raw, recognised, type Subscribed, socketUrl, subscribe } from '../support/subscriber.ts';

const county: Caller = { client: 'occ-front-door', user: 'philippa.nunn', purpose: 'SAFEGUARDING' };
const recordSystem: Caller = { client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC' };
const health: Caller = { client: 'oxford-health-visiting', user: 'amara.osei', purpose: 'SAFEGUARDING' };
/** A family with whom the trust does not work until a test says so. */
let family: number;
let other: number;

const FAMILY = 'subscription Follow($id: ID!, $after: String) { familyChanged(id: $id, after: $after) { id name stage plans { kind } } }';
const ENTRIES =
  'subscription Entries($family: ID!, $after: String) { workbookEntryAdded(family: $family, after: $after) { id narrative family { id } } }';
const INBOX =
  'subscription Inbox($after: String) { inboxChanged(after: $after) { __typename id ... on Referral { concern status } ... on ServiceOffer { taken: status } } }';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let address: string;
let organisations: Map<string, number>;
const clients: Client[] = [];
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_subscriptions');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  address = await server.listen({ host: '127.0.0.1', port: 0 });
  const { rows } = await owner.query('select code, id from fsp.organisation');
  organisations = new Map(rows.map(({ code, id }) => [code, id]));
  const { rows: last } = await owner.query('select id from fsp.family where id > 3 and not restricted order by id desc limit 2');
  [family, other] = last.map(({ id }) => Number(id)) as [number, number];
  await owner.query('update fsp.involvement set until = least("from", now()) where organisation = $1 and family = any ($2)', [
    org('oxford-health'),
    [family, other],
  ]);
  await owner.query("update fsp.family_stage set stage = 'CHILD_PROTECTION' where family = any ($1)", [[family, other]]);
});
afterAll(async () => {
  for (const client of clients) await client.dispose();
  await server.close();
  await owner.end();
});

const org = (code: string) => organisations.get(code) as number;
const id = (of: number) => encodeId('Family', of);
const open = async (who: Caller, at = address): Promise<Client> => {
  const client = connect(at, await params(server, who));
  clients.push(client);
  return client;
};
const until = (what: () => unknown) => expect.poll(what, { timeout: 15_000, interval: 20 });
/** Once it was told where the telling begins. */
const begun = async (subscribed: Subscribed): Promise<Subscribed> => {
  await until(() => subscribed.told.length + (subscribed.ended ? 1 : 0)).toBeGreaterThan(0);
  return subscribed;
};
const cursorOf = (subscribed: Subscribed): string => subscribed.told.at(-1)?.extensions.cursor;
const narratives = ({ told }: Subscribed): string[] => told.flatMap(({ data }) => data.workbookEntryAdded?.narrative ?? []);
/** Nobody may be told of what is not there: until something that comes later has come. */
const settled = async (watch: Subscribed, of = family) => {
  const word = `after ${Math.random()}`;
  await addEntry(of, word);
  await until(() => narratives(watch)).toContain(word);
};

async function addEntry(of: number, narrative: string, by: pg.Client = owner, keptFrom: number[] = []): Promise<string> {
  const { rows } = await by.query(
    `insert into fsp.workbook_entry (family, controller, kept_from, module, discipline, session_type, occurred_at, author, narrative)
     values ($1, $2, $3, 'Engagement', 'social-work', 'home-visit', now(), 'A. Writer', $4) returning id`,
    [of, org('occ'), keptFrom, narrative],
  );
  return encodeId('WorkbookEntry', rows[0].id);
}
async function involve(organisation: string, of: number, ends: string | null = null): Promise<number> {
  const { rows } = await owner.query(
    `insert into fsp.involvement (family, controller, organisation, role, agreed, "from", until)
     values ($1, $2, $3, 'health-visitor', false, now() - interval '1 hour', $4::timestamptz) returning id`,
    [of, org('occ'), org(organisation), ends],
  );
  return Number(rows[0].id);
}
const end = (involvement: number) => owner.query('update fsp.involvement set until = now() where id = $1', [involvement]);

/** What the server has counted. */
const figure = async (name: string): Promise<number> =>
  (await server.metrics.registry.getSingleMetric(name)?.get())?.values[0]?.value as number;

describe('an event', () => {
  it('comes once, in order, when something is added to a family; amendments and other families bring none', async () => {
    const watch = await begun(subscribe(await open(county), ENTRIES, { family: id(family) }));
    expect(watch.told[0]).toEqual({ data: { workbookEntryAdded: null }, extensions: { cursor: expect.any(String) } });
    const first = await addEntry(family, 'one');
    await owner.query('update fsp.workbook_entry set narrative = $2, version = 2 where id = $1', [first.split('-')[1], 'one, amended']);
    await addEntry(other, 'elsewhere');
    await owner.query('begin');
    for (const word of ['two', 'three', 'four']) await addEntry(family, word);
    await owner.query('commit');
    await until(() => narratives(watch).length).toBe(4);
    expect(narratives(watch)).toEqual([expect.stringMatching(/^one/), 'two', 'three', 'four']);
    expect(watch.told[1]).toMatchObject({
      data: { workbookEntryAdded: { id: first, family: { id: id(family) } } },
      extensions: { cost: { requested: expect.any(Number) } },
    });
    watch.stop();
  });
  it('waits until no transaction before it is under way', async () => {
    const watch = await begun(subscribe(await open(county), ENTRIES, { family: id(family) }));
    const slow = await sqlAsOwner(ownerUrl);
    await slow.query('begin');
    await addEntry(family, 'begun first, ended last', slow);
    await addEntry(family, 'begun last, ended first');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(narratives(watch)).toEqual([]);
    await slow.query('commit');
    await slow.end();
    await until(() => narratives(watch)).toEqual(['begun first, ended last', 'begun last, ended first']);
    watch.stop();
  });
  it('of a family shows it as it stands: at first, and whenever something of it or of the caller’s rights changed', async () => {
    const involvement = await involve('oxford-health', family);
    const watch = await begun(subscribe(await open(health), FAMILY, { id: id(family) }));
    expect(watch.told[0]?.data.familyChanged).toMatchObject({ id: id(family), stage: 'CHILD_PROTECTION' });
    await owner.query("update fsp.family_name set name = 'Renamed' where family = $1", [family]);
    await until(() => watch.told.at(-1)?.data.familyChanged.name).toBe('Renamed');
    const before = watch.told.length;
    await owner.query(
      `insert into fsp.sharing_decision (family, data_classes, mask, effect, organisation, gateway, reason, decided_by, controller, "from", agreement_version)
       select $1, array['CASE'], 1::bigint << $4, 'WITHHOLD', $2, 'CA2004-s16LA', 'Asked.', 'A. Lead', $3, now(), '1'`,
      [family, org('oxford-health'), org('occ'), CLASS_BIT.CASE],
    );
    await until(() => watch.told.length).toBeGreaterThan(before);
    await until(() => watch.told.at(-1)?.data.familyChanged.plans).toBeNull();
    watch.stop();
    await end(involvement);
  });
  it('is on record with its families for each who was shown it, and nothing is on record of what nobody was shown', async () => {
    const watch = await begun(subscribe(await open(county), ENTRIES, { family: id(family) }));
    await addEntry(family, 'on record');
    await until(() => narratives(watch)).toEqual(['on record']);
    const { rows } = await owner.query(
      `select r.record from fsp.disclosure b, jsonb_array_elements(b.records::jsonb) as r (record) where r.record ->> 'operation' = 'Entries'`,
    );
    const records = rows.map(({ record }) => record).filter(({ families }) => families.includes(family));
    expect(records.at(-1)).toMatchObject({
      client: 'occ-front-door',
      user: 'philippa.nunn',
      purpose: 'SAFEGUARDING',
      classes: ['WORKBOOK'],
    });
    watch.stop();
  });
  it('of a family is told where what the caller sees of it differs; a cursor says nothing of what it does not see', async () => {
    const involvement = await involve('oxford-health', family);
    const watch = await begun(subscribe(await open(health), FAMILY, { id: id(family) }));
    const entries = await begun(subscribe(await open(county), ENTRIES, { family: id(family) }));
    const from = cursorOf(watch);
    const quiet = await begun(subscribe(await open(health), FAMILY, { id: id(family), after: from }));
    await settled(entries);
    const late = await begun(subscribe(await open(health), FAMILY, { id: id(family), after: from }));
    for (const { told } of [quiet, late]) expect(told.map(({ data }) => data)).toEqual(watch.told.map(({ data }) => data));
    await owner.query("update fsp.family_name set name = 'Seen by all' where family = $1", [family]);
    for (const each of [watch, quiet, late]) {
      await until(() => each.told.at(-1)?.data.familyChanged.name).toBe('Seen by all');
      expect(each.told).toHaveLength(2);
      each.stop();
    }
    entries.stop();
    await end(involvement);
  });
  it('of what the caller does not see takes nothing from its budget and leaves nothing on its record', async () => {
    const involvement = await involve('oxford-health', family);
    const counted = await testServer(ownerUrl, { verify: server.issuer.verify, budget: { units: 1000, restorePerSecond: 1e-6 } });
    const at = await counted.listen({ host: '127.0.0.1', port: 0 });
    const left = async (): Promise<number> => {
      const headers = { authorization: `Bearer ${await server.token(health)}`, 'x-purpose-of-use': health.purpose ?? '' };
      const { body } = await counted.app.inject({ method: 'POST', url: '/graphql', headers, payload: { query: '{ viewer { agency } }' } });
      return JSON.parse(body).extensions.cost.remaining;
    };
    const records = async () => {
      const { rows } = await owner.query(
        `select count(*)::int as n from fsp.disclosure b, jsonb_array_elements(b.records::jsonb) as r (record) where r.record ->> 'client' = $1 and r.record -> 'families' @> '[]' and r.record -> 'families' <> '[]'`,
        [health.client],
      );
      return rows[0].n;
    };
    const watch = await begun(subscribe(await open(health, at), FAMILY, { id: id(family) }));
    const entries = await begun(subscribe(await open(county, at), ENTRIES, { family: id(family) }));
    const each = (await left()) - (await left());
    const [before, recorded] = [await left(), await records()];
    await settled(entries);
    await settled(entries);
    expect(await left()).toBe(before - each);
    expect(await records()).toBe(recorded);
    await owner.query("update fsp.family_name set name = 'Seen again' where family = $1", [family]);
    await until(() => watch.told.at(-1)?.data.familyChanged.name).toBe('Seen again');
    expect(await left()).toBeLessThan(before - 2 * each);
    for (const each of [watch, entries]) each.stop();
    await counted.close();
    await end(involvement);
  });
  it('need not come for a family to be opened: that it is there is on record, and counts', async () => {
    const strict = await testServer(ownerUrl, { verify: server.issuer.verify, familyBudget: { perUser: 1, perSync: 1 } });
    const at = await strict.listen({ host: '127.0.0.1', port: 0 });
    const standings = async () => {
      const { rows } = await owner.query(
        `select r.record from fsp.disclosure b, jsonb_array_elements(b.records::jsonb) as r (record) where r.record ->> 'operation' = 'Standing'`,
      );
      return rows.map(({ record }) => record).filter(({ failed }) => !failed);
    };
    const before = (await standings()).length;
    const client = await open(county, at);
    const watch = await begun(subscribe(client, ENTRIES, { family: id(family) }));
    expect(watch.ended).toBeNull();
    expect((await standings()).slice(before)).toMatchObject([{ client: 'occ-front-door', user: 'philippa.nunn', families: [family] }]);
    const beyond = await begun(subscribe(client, ENTRIES, { family: id(other) }));
    expect(beyond.ended?.errors).toMatchObject([{ extensions: { code: 'DISCLOSURE_BUDGET' } }]);
    expect(await standings()).toHaveLength(before + 1);
    watch.stop();
    await strict.close();
  });
});

describe('an inbox', () => {
  const worry = {
    idempotencyKey: 'sub-referral',
    madeOn: '2026-11-02',
    concern: 'She came to school hungry.',
    familyKnows: 'TOLD',
    agreed: true,
    phone: '07700 900321',
    children: [{ givenName: 'Tilly', familyName: 'Vane', dateOfBirth: '2017-04-04' }],
  };
  it('is told of what came to it and of what it sent, and other organisations of neither', async () => {
    const school: Caller = { client: 'school-tansy-bridge-pastoral', user: 'owen.lathbury', purpose: 'SAFEGUARDING' };
    const all = [county, school, health, { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' }];
    const watches = await Promise.all(all.map(async (who) => begun(subscribe(await open(who), INBOX))));
    const { body, text } = await server.ask(
      school,
      'mutation($input: MakeReferralInput!) { makeReferral(input: $input) { referral { id } userErrors { message path } } }',
      { input: worry },
    );
    const referral = body.data?.makeReferral?.referral?.id;
    expect(referral, text).toBeTruthy();
    const seen = (watch: Subscribed) => watch.told.flatMap(({ data }) => data.inboxChanged?.id ?? []);
    await until(() => watches.slice(0, 2).map(seen)).toEqual([[referral], [referral]]);
    expect(watches[0]?.told.at(-1)?.data.inboxChanged).toMatchObject({
      __typename: 'Referral',
      concern: worry.concern,
      status: 'RECEIVED',
    });
    await owner.query("update fsp.referral set status = 'DECIDED', outcome = 'REFERRAL' where id = $1", [referral.split('-')[1]]);
    await until(() => watches[1]?.told.at(-1)?.data.inboxChanged.status).toBe('DECIDED');
    expect(watches.slice(2).map(seen)).toEqual([[], []]);
    for (const watch of watches) watch.stop();
  });
  it('of a district council’s desk is told of offers of its services', async () => {
    const desk: Caller = { client: 'cherwell-housing-desk', user: 'dilys.penrose', purpose: 'EARLY_HELP' };
    const watch = await begun(subscribe(await open(desk), INBOX));
    const { rows } = await owner.query(
      `select l.offer from fsp.service_offer_link l join fsp.organisation o on o.id = l.provider where o.code = 'cherwell-housing' order by 1 limit 1`,
    );
    await owner.query("update fsp.service_offer set outcome = 'Seen.' where id = $1", [rows[0].offer]);
    const there = (await server.ask(desk, 'query($id: ID!) { node(id: $id) { id } }', { id: encodeId('ServiceOffer', rows[0].offer) }))
      .body;
    expect(there.data.node).not.toBeNull();
    await until(() => watch.ended ?? watch.told.at(-1)?.data.inboxChanged?.id).toBe(encodeId('ServiceOffer', rows[0].offer));
    watch.stop();
  });
});

describe('whoever is cut off', () => {
  it('goes on from its last cursor, whatever it had stored: nothing is lost, nothing comes twice', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 3, maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        async (writes, stops) => {
          const word = `cut ${++round}:`;
          const whole = await begun(subscribe(await open(county), ENTRIES, { family: id(family) }));
          const kept: string[] = [];
          let after = cursorOf(whole);
          const writing = (async () => {
            for (const [w, count] of writes.entries()) {
              await owner.query('begin');
              for (let n = 0; n < count; n++) await addEntry(family, `${word} ${w}.${n}`);
              await owner.query('commit');
            }
          })();
          const total = writes.reduce((sum, count) => sum + count, 0);
          for (let tries = 0; kept.length < total && tries < 100; tries++) {
            const client = await open(county);
            let taken = 0;
            const part = subscribe(client, ENTRIES, { family: id(family), after }, ({ data, extensions }) => {
              // What arrives after it stopped was not stored.
              if (taken >= stops || !data.workbookEntryAdded) return;
              taken++;
              kept.push(data.workbookEntryAdded.narrative);
              after = extensions.cursor;
              if (taken >= stops) client.terminate();
            });
            await until(() => taken >= stops || kept.length >= total || part.ended).toBeTruthy();
            client.terminate();
          }
          await writing;
          await until(() => narratives(whole).length).toBe(total);
          expect(kept).toEqual(narratives(whole));
          whole.stop();
        },
      ),
      { numRuns: 6 },
    );
  });
  it('is told by a stopping server to come again, and misses nothing of what was written while it was away', async () => {
    const second = await testServer(ownerUrl, { verify: server.issuer.verify });
    const at = await second.listen({ host: '127.0.0.1', port: 0 });
    const watch = await begun(subscribe(await open(county, at), ENTRIES, { family: id(family) }));
    await addEntry(family, 'before the restart');
    await until(() => narratives(watch)).toEqual(['before the restart']);
    await second.close();
    await until(() => watch.ended).toMatchObject({ code: 1012, reason: expect.stringContaining('cursor') });
    await addEntry(family, 'while it was away');
    const again = await begun(subscribe(await open(county), ENTRIES, { family: id(family), after: cursorOf(watch) }));
    await until(() => narratives(again)).toEqual(['while it was away']);
    again.stop();
  });
  it('goes on from a cursor of the change feed as well; another’s and an altered one are refused', async () => {
    const { body } = await server.ask(recordSystem, '{ workbookChanges(first: 1) { cursor } }');
    await addEntry(family, 'since the page');
    const watch = await begun(
      subscribe(await open(recordSystem), ENTRIES, { family: id(family), after: body.data.workbookChanges.cursor }),
    );
    await until(() => narratives(watch)).toContain('since the page');
    for (const after of [cursorOf(watch), body.data.workbookChanges.cursor, 'x'.repeat(80), 'é']) {
      const foreign = await begun(subscribe(await open(county), ENTRIES, { family: id(family), after }));
      expect(foreign.ended?.errors).toMatchObject([{ extensions: { code: 'BAD_CURSOR' } }]);
    }
    const feed = await server.ask(recordSystem, 'query($after: String) { changes(after: $after) { cursor } }', { after: cursorOf(watch) });
    expect(feed.body.errors?.[0].extensions.code).toBe('BAD_CURSOR');
    watch.stop();
  });
  it('is told that its cursor is too old where changes are no longer kept', async () => {
    const watch = await begun(subscribe(await open(county), ENTRIES, { family: id(family) }));
    await settled(watch);
    const old = cursorOf(watch);
    watch.stop();
    const { rows } = await owner.query('select swept from fsp.feed_state');
    await owner.query('update fsp.feed_state set swept = pg_snapshot_xmin(pg_current_snapshot())');
    const late = await begun(subscribe(await open(county), ENTRIES, { family: id(family), after: old }));
    expect(late.ended?.errors).toMatchObject([{ message: expect.stringContaining('too old'), extensions: { code: 'BAD_CURSOR' } }]);
    await owner.query('update fsp.feed_state set swept = $1', [rows[0].swept]);
  });
});

describe('a right that ends', () => {
  it('103 ends what follows the family, in the words for a family that never was', async () => {
    const involvement = await involve('oxford-health', family);
    const client = await open(health);
    const [whole, entries] = [
      await begun(subscribe(client, FAMILY, { id: id(family) })),
      await begun(subscribe(client, ENTRIES, { family: id(family) })),
    ];
    expect([whole.told.length, entries.told.length]).toEqual([1, 1]);
    await end(involvement);
    await until(() => [whole.ended, entries.ended].every(Boolean)).toBe(true);
    await addEntry(family, 'after the end');
    const never = await begun(subscribe(await open(health), FAMILY, { id: 'Family-999999999' }));
    expect([whole.ended, entries.ended]).toEqual([never.ended, never.ended]);
    expect(never.ended).toEqual({
      errors: [{ message: 'There is nothing here for you, or not any more.', extensions: { code: 'NOT_FOUND' } }],
    });
    expect(narratives(entries)).toEqual([]);
  });
  it('by the clock alone does so too', async () => {
    const involvement = await involve('oxford-health', family, new Date(Date.now() + 4000).toISOString());
    const watch = await begun(subscribe(await open(health), FAMILY, { id: id(family) }));
    expect(watch.told).toHaveLength(1);
    await until(() => watch.ended).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
    await end(involvement);
  });
  it('of the token, the client or the user closes the connection: 4401, and nothing more is told', async () => {
    const short = await server.issuer.sign({
      clientId: 'oxford-health-visiting',
      organisation: 'oxford-health',
      scopes: ['family:read'],
      user: 'amara.osei',
    });
    const revoked = connect(address, { authorization: `Bearer ${short}`, 'x-purpose-of-use': 'SAFEGUARDING' });
    clients.push(revoked);
    const watch = await begun(subscribe(revoked, INBOX));
    const { jti } = JSON.parse(Buffer.from(short.split('.')[1] as string, 'base64url').toString());
    await owner.query("insert into fsp.revoked_token (jti, expires) values ($1, now() + interval '1 day')", [jti]);
    await until(() => watch.ended).toEqual({ code: 4401, reason: 'A valid access token is needed.' });

    for (const [off, on] of [
      [
        "update fsp.client set enabled = false where id = 'oxford-health-visiting'",
        "update fsp.client set enabled = true where id = 'oxford-health-visiting'",
      ],
      [
        "update fsp.app_user set enabled = false where subject = 'amara.osei'",
        "update fsp.app_user set enabled = true where subject = 'amara.osei'",
      ],
    ] as const) {
      const open1 = await begun(subscribe(await open(health), INBOX));
      await owner.query(off);
      await until(() => open1.ended).toMatchObject({ code: 4401 });
      await owner.query(on);
      // The server hears of it a little later.
      await expect
        .poll(
          async () => {
            const back = await begun(subscribe(await open(health), INBOX));
            back.stop();
            return back.told.length;
          },
          { timeout: 15_000, interval: 20 },
        )
        .toBe(1);
    }
    const purpose = await begun(subscribe(await open(health), INBOX));
    const { rows } = await owner.query("select purposes from fsp.client where id = 'oxford-health-visiting'");
    await owner.query("update fsp.client set purposes = array['CHILD_IN_NEED'] where id = 'oxford-health-visiting'");
    await until(() => purpose.ended).toMatchObject({ code: 4403 });
    await owner.query("update fsp.client set purposes = $1 where id = 'oxford-health-visiting'", [rows[0].purposes]);
  });
  it('of a token by its time closes the connection', async () => {
    const token = await server.issuer.sign({
      clientId: 'occ-front-door',
      organisation: 'occ',
      scopes: ['family:read'],
      user: 'philippa.nunn',
      seconds: 1,
    });
    const client = connect(address, { authorization: `Bearer ${token}`, 'x-purpose-of-use': 'SAFEGUARDING' });
    clients.push(client);
    const watch = await begun(subscribe(client, FAMILY, { id: id(family) }));
    expect(watch.told).toHaveLength(1);
    await until(() => watch.ended).toEqual({ code: 4401, reason: 'A valid access token is needed.' });
  });
});

describe('what is not one’s own', () => {
  const CLIENTS: Caller[] = [
    health,
    { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' },
    { client: 'school-tansy-bridge-pastoral', user: 'owen.lathbury', purpose: 'SAFEGUARDING' },
    { client: 'cherwell-housing-desk', user: 'dilys.penrose', purpose: 'HOUSING_DUTY' },
    { client: 'turning-point-casework', user: 'callum.strand', purpose: 'SAFEGUARDING' },
    { client: 'team-07-workbook', user: 'jonah.pryce', purpose: 'SAFEGUARDING' },
    { client: 'oxford-university-evaluation', user: 'cornelius.bright', purpose: 'EVALUATION' },
  ];
  it('104 and what never was end alike, for every agency', async () => {
    for (const who of CLIENTS) {
      const { rows } = await owner.query(
        `select f.id from fsp.family f where not exists (
           select from fsp.family_grant g join fsp.login l on l.id = g.login join fsp.client c on c.organisation = l.organisation
           where c.id = $1 and g.family = f.id) order by f.id desc limit 1`,
        [who.client],
      );
      const hidden = Number(rows[0].id);
      const client = await open(who);
      for (const [query, name] of [
        [FAMILY, 'id'],
        [ENTRIES, 'family'],
      ] as const) {
        const ends = [];
        for (const asked of [id(hidden), 'Family-999999999', 'Person-1', 'Family-1x']) {
          const watch = await begun(subscribe(client, query, { [name]: asked }));
          expect(watch.told, who.client).toEqual([]);
          ends.push(watch.ended);
        }
        expect(ends[0], who.client).toEqual(ends[1]);
        expect(ends[2], who.client).toEqual(ends[1]);
        expect(['NOT_FOUND', 'FORBIDDEN']).toContain(ends[0]?.errors?.[0].extensions.code);
      }
    }
  });
  it('kept from a person is not told to whoever works with that person alone', async () => {
    const { rows } = await owner.query('select person from fsp.membership where family = $1 order by person limit 1', [family]);
    const sync = await begun(subscribe(await open(recordSystem), ENTRIES, { family: id(family) }));
    await addEntry(family, 'kept from somebody', owner, [Number(rows[0].person)]);
    await settled(sync);
    const { rows: promised } = await owner.query("select honours_restrictions as yes from fsp.client where id = 'occ-record-system'");
    expect(narratives(sync).includes('kept from somebody')).toBe(promised[0].yes);
    sync.stop();
  });
  it('is no class of the agency: the police are refused the Workbook by name', async () => {
    const watch = await begun(subscribe(await open(CLIENTS[1] as Caller), ENTRIES, { family: id(family) }));
    expect(watch.ended?.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', field: 'Subscription.workbookEntryAdded' } }]);
  });
});

describe('equal subscribers', () => {
  it('cost one statement for each change, on one connection and on several; each is put on record', async () => {
    const connections = [await open(recordSystem), await open(recordSystem)];
    const watches = await Promise.all(
      connections.flatMap((client) => Array.from({ length: 15 }, () => begun(subscribe(client, ENTRIES, { family: id(family) })))),
    );
    // All follow, and nothing is read for any of them alone.
    await addEntry(family, 'for all, to begin with');
    await until(() => watches.every((watch) => narratives(watch).length === 1)).toBe(true);
    const before = await figure('fsp_statements_total');
    await addEntry(family, 'for all');
    await until(() => watches.every((watch) => narratives(watch).length === 2)).toBe(true);
    expect((await figure('fsp_statements_total')) - before).toBe(1);
    expect(watches.filter(({ told }) => told.at(-1)?.extensions.cost.requested > 1)).toHaveLength(1);
    const { rows } = await owner.query(
      `select count(*) from fsp.disclosure b, jsonb_array_elements(b.records::jsonb) as r (record)
       where r.record ->> 'operation' = 'Entries' and r.record ->> 'client' = 'occ-record-system'`,
    );
    expect(Number(rows[0].count)).toBeGreaterThanOrEqual(60);
    for (const watch of watches) watch.stop();
  });
});

describe('reading the feed', () => {
  it('keeps nobody waiting who is to be recognised', async () => {
    const gate = createGate(serverOf(ownerUrl), LOGIN_SECRET);
    await owner.query('select pg_advisory_lock(471)');
    const reading = Array.from({ length: 6 }, () => gate.ask('select pg_advisory_xact_lock(471)', []));
    try {
      expect((await gate.standing('occ-front-door', 'philippa.nunn', 'none')).client?.id).toBe('occ-front-door');
    } finally {
      await owner.query('select pg_advisory_unlock(471)');
      await Promise.all(reading);
      await gate.end();
    }
  });
  it('is paid by whoever reads what others have had', async () => {
    const counted = await testServer(ownerUrl, { verify: server.issuer.verify, budget: { units: 1000, restorePerSecond: 1e-6 } });
    const at = await counted.listen({ host: '127.0.0.1', port: 0 });
    const watch = await begun(subscribe(await open(county, at), ENTRIES, { family: id(family) }));
    const after = cursorOf(watch);
    const left = ({ told }: Subscribed, n: number): number => told[n]?.extensions.cost.remaining;
    await settled(watch);
    await settled(watch);
    const each = left(watch, 1) - left(watch, 2);
    const late = await begun(subscribe(await open(county, at), ENTRIES, { family: id(family), after }));
    // Its connection, its beginning, that the family is there, what it missed.
    expect(left(watch, 2) - left(late, 0)).toBeGreaterThanOrEqual(each + 4);
    for (const subscribed of [watch, late]) subscribed.stop();
    await counted.close();
  });
});

describe('a connection', () => {
  it('is opened at one path, for our hosts and origins, in one protocol', async () => {
    const strict = await testServer(ownerUrl, { allowedHosts: ['fsp.example', '127.0.0.1'], allowedOrigins: ['https://desk.example'] });
    const at = await strict.listen({ host: '127.0.0.1', port: 0 });
    const status = (headers: Record<string, string>, where = at) =>
      raw(where, headers).then(
        ({ socket }) => {
          socket.terminate();
          return 101;
        },
        ({ status }) => status,
      );
    expect(await status({})).toBe(101);
    expect(await status({ origin: 'https://desk.example' })).toBe(101);
    expect(await status({ origin: at })).toBe(101);
    expect(await status({ origin: 'https://elsewhere.example' })).toBe(403);
    expect(await status({ origin: 'null' })).toBe(403);
    expect(await status({ host: 'elsewhere.example' })).toBe(421);
    expect(await status({ host: 'a b' })).toBe(400);
    expect(await status({}, `${at}/elsewhere`)).toBe(404);
    expect(await (await raw(at, {}, null)).closed).toMatchObject({ code: 4406 });
    // Who asks for another protocol in passing is answered in this one.
    const h2c = await fetch(`${at}/livez`, { headers: { connection: 'upgrade', upgrade: 'h2c' } }).catch(() => null);
    if (h2c) expect(h2c.status).toBe(200);
    await strict.close();
  });
  it('says in time who asks, once, with a token and a purpose', async () => {
    const closed = async (...messages: unknown[]) => {
      const made = await raw(address);
      for (const message of messages) made.send(message);
      return made.closed;
    };
    const token = await params(server, county);
    expect(await closed({ type: 'connection_init' })).toEqual({ code: 4401, reason: 'A valid access token is needed.' });
    expect(await closed({ type: 'connection_init', payload: { authorization: 'Bearer x.y.z' } })).toEqual({
      code: 4401,
      reason: 'A valid access token is needed.',
    });
    expect(await closed({ type: 'connection_init', payload: { authorization: [token.authorization] } })).toMatchObject({ code: 4401 });
    expect(await closed({ type: 'connection_init', payload: { ...token, Authorization: token.authorization } })).toMatchObject({
      code: 4401,
    });
    expect(await closed({ type: 'connection_init', payload: { ...token, 'x-purpose-of-use': 'EVALUATION' } })).toMatchObject({
      code: 4403,
    });
    expect(await closed({ type: 'subscribe', id: '1', payload: { query: INBOX } })).toMatchObject({ code: 4401 });
    expect(await closed({ type: 'connection_init', payload: token }, { type: 'connection_init', payload: token })).toMatchObject({
      code: 4429,
    });
    expect(await closed()).toMatchObject({ code: 4408 });
  });
  it('speaks the protocol and nothing else', async () => {
    const closed = async (message: string | Buffer) => {
      const made = await recognised(server, address, county);
      made.socket.send(message);
      return (await made.closed).code;
    };
    expect(await closed('{')).toBe(4400);
    expect(await closed('[]')).toBe(4400);
    expect(await closed('{"type":"next","id":"1","payload":{}}')).toBe(4400);
    expect(await closed('{"type":"ping","payload":{"__proto__":{}}}')).toBe(4400);
    expect(await closed(Buffer.from('{"type":"ping"}'))).toBe(4400);
    expect(await closed(JSON.stringify({ type: 'subscribe', id: 'x'.repeat(200), payload: { query: INBOX } }))).toBe(4400);
    expect(await closed(JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(LIMITS.bodyBytes) } }))).toBe(1009);
  });
  it('has the limits of operations that requests have, and answers each in words', async () => {
    const client = await open(county);
    const code = async (query: string, variables = {}) =>
      (await begun(subscribe(client, query, variables))).ended?.errors?.[0].extensions.code;
    expect(await code('query { codes { code } }')).toBe('OPERATION_RESOLUTION_FAILURE');
    expect(await code('subscription {')).toBe('GRAPHQL_PARSE_FAILED');
    expect(await code('subscription { nothing }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await code('subscription { inboxChanged { id } again: inboxChanged { id } }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await code('subscription { __typename }')).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await code(`subscription { inboxChanged { ${'a'.repeat(64)}: id } }`)).toBe('OPERATION_TOO_LARGE');
    const comment = `# ${'x'.repeat(LIMITS.documentCharacters)}\n`;
    expect(await code(`${comment}${INBOX}`)).toBe('OPERATION_TOO_LARGE');
    expect(await code(INBOX, { after: 'x'.repeat(LIMITS.keptVariables) })).toBe('OPERATION_TOO_LARGE');
    expect((await server.ask(county, `${comment}{ codes { code } }`)).body.errors).toMatchObject([
      { extensions: { code: 'OPERATION_TOO_LARGE', limit: 'documentCharacters' } },
    ]);
    expect(await code(FAMILY, { id: 'no id' })).toBe('BAD_ID');
    expect(await code(FAMILY)).toBe('BAD_USER_INPUT');
    const { body } = await server.ask(county, INBOX);
    expect(body.errors).toMatchObject([
      { message: 'Subscriptions are asked for over a WebSocket.', extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } },
    ]);
  });
  it('holds so many operations, and there are so many of a user', async () => {
    const made = await recognised(server, address, recordSystem);
    for (let n = 0; n <= LIMITS.subscriptions; n++) made.send({ type: 'subscribe', id: `${n}`, payload: { query: INBOX } });
    await until(() => made.received.find(({ type }) => type === 'error')).toMatchObject({
      id: `${LIMITS.subscriptions}`,
      payload: [{ extensions: { code: 'OPERATION_TOO_LARGE', limit: 'subscriptions' } }],
    });
    made.send({ type: 'subscribe', id: '0', payload: { query: INBOX } });
    expect(await made.closed).toMatchObject({ code: 4409 });
    const police: Caller = { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' };
    const many = await Promise.all(Array.from({ length: LIMITS.socketsPerUser }, () => recognised(server, address, police)));
    const more = await raw(address);
    more.send({ type: 'connection_init', payload: await params(server, police) });
    expect(await more.closed).toMatchObject({ code: 4429 });
    for (const { socket } of many) socket.terminate();
  });
  it('that floods is closed, and what it began is let go of', async () => {
    const made = await recognised(server, address, county);
    for (let n = 0; n <= LIMITS.messages; n++) made.send({ type: 'ping' });
    expect(await made.closed).toEqual({ code: 4429, reason: 'Too many messages.' });
    await until(() => figure('fsp_subscriptions')).toBe(0);
  });
  it('that is not read holds nothing in memory, others are told meanwhile, and it can go on where it stopped', async () => {
    const slow = await recognised(server, address, recordSystem);
    slow.send({ type: 'subscribe', id: 's', payload: { query: ENTRIES, variables: { family: id(other) } } });
    await until(() => slow.received.some(({ type }) => type === 'next')).toBe(true);
    const { cursor } = slow.received.find(({ type }) => type === 'next').payload.extensions;
    slow.socket.pause();
    const quick = await begun(subscribe(await open(recordSystem), ENTRIES, { family: id(other) }));
    const long = 'x'.repeat(200_000);
    const sockets = await figure('fsp_sockets');
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 120; n++) await addEntry(other, `${n} ${long}`);
    await until(() => narratives(quick).length).toBe(120);
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
    await expect.poll(() => figure('fsp_sockets'), { timeout: 40_000 }).toBe(sockets - 1);
    slow.socket.terminate();
    quick.stop();
    const again = await begun(subscribe(await open(recordSystem), ENTRIES, { family: id(other), after: cursor }));
    await until(() => narratives(again).length).toBe(120);
    expect(narratives(again).map((text) => Number(text.split(' ')[0]))).toEqual(Array.from({ length: 120 }, (_, n) => n));
    again.stop();
  }, 120_000);
  it('whose client has spent its budget waits, and is told then', async () => {
    const poor = await testServer(ownerUrl, { verify: server.issuer.verify, budget: { units: 40, restorePerSecond: 5 } });
    const at = await poor.listen({ host: '127.0.0.1', port: 0 });
    const watch = await begun(subscribe(await open(county, at), ENTRIES, { family: id(family) }));
    for (let n = 0; n < 12; n++) await addEntry(family, `poor ${n}`);
    await until(() => narratives(watch)).toEqual(Array.from({ length: 12 }, (_, n) => `poor ${n}`));
    watch.stop();
    await poor.close();
  });
});

it('every agency’s schema has the subscriptions that are for it', async () => {
  expect(socketUrl(address)).toMatch(/^ws:/);
  const fields = async (who: Caller) =>
    (await server.ask(who, '{ __schema { subscriptionType { fields { name description } } } }')).body.data.__schema.subscriptionType
      ?.fields;
  expect((await fields(county)).map(({ name }: any) => name)).toEqual(['familyChanged', 'workbookEntryAdded', 'inboxChanged']);
  expect((await fields(county))[1].description).toContain('Shared with:');
  const police = await fields({ client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' });
  expect(police.map(({ name }: any) => name)).toEqual(['familyChanged', 'inboxChanged']);
});
