/** The disclosure record as it can be read: who looked, by whom it may be read, and that a reader misses nothing. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisationId } from '../../../src/db/personas.ts';
import { chainHash } from '../../../src/disclosure/recorder.ts';
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

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_record');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const COUNTY: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const POLICE: Caller = { client: 'thames-valley-police-governance', user: 'harriet.coyle', purpose: 'GOVERNANCE' };
const HOUSING: Caller = { client: 'cherwell-housing-governance', user: 'dilys.penrose', purpose: 'GOVERNANCE' };

const NAME = 'query Look($id: ID!) { family(id: $id) { name } }';
const LOOKS = `query Looks($filter: DisclosureFilter, $after: String, $first: Int) {
  disclosures(filter: $filter, first: $first, after: $after) {
    nodes { at organisation { code } client user purpose category operation classes fields refused families { id } persons { id } failed alert reason count request }
    pageInfo { hasNextPage endCursor } totalCount { value }
  }
}`;
const look = async (who: PersonaName | Caller, family = 1) => {
  const request = randomUUID();
  expect((await server.ask(who, NAME, { id: encodeId('Family', family) }, { 'x-request-id': request })).status).toBe(200);
  return request;
};
const looks = async (who: Caller, filter: Record<string, unknown> = {}) => {
  const { body } = await server.ask(who, LOOKS, { filter, first: 100 });
  expect(body.errors).toBeUndefined();
  return body.data.disclosures.nodes as any[];
};
const requests = async (who: Caller, filter?: Record<string, unknown>) => (await looks(who, filter)).map(({ request }) => request);

describe('who looked', () => {
  it('is read at once, newest first, without a value', async () => {
    const first = await look('socialWorker');
    const second = await look('police');
    const [newest, next] = await looks(COUNTY, { family: encodeId('Family', 1) });
    expect(newest).toMatchObject({
      organisation: { code: 'thames-valley-police' },
      user: 'harriet.coyle',
      purpose: 'SAFEGUARDING',
      category: 'DISCLOSURE',
      operation: 'Look',
      fields: ['Family.name'],
      families: [{ id: encodeId('Family', 1) }],
      failed: null,
      count: 1,
      request: second,
    });
    expect(next).toMatchObject({ organisation: { code: 'occ' }, user: 'grace.whitlock', category: 'CONSULTATION', request: first });
    expect(JSON.stringify([newest, next])).not.toContain('Hartwell');
    const { rows } = await owner.query('select at from fsp.disclosure where records like $1', [`%${second}%`]);
    expect(newest.at).toBe(rows[0].at.toISOString());
  });
  it('is answered by the family too', async () => {
    const request = await look('police');
    const { body } = await server.ask(
      COUNTY,
      'query($id: ID!) { family(id: $id) { disclosures(first: 1) { nodes { request organisation { code } } totalCount { value } } } }',
      { id: encodeId('Family', 1) },
    );
    expect(body.data.family.disclosures.nodes).toEqual([{ request, organisation: { code: 'thames-valley-police' } }]);
    expect(body.data.family.disclosures.totalCount.value).toBeGreaterThan(1);
  });
  it('is for information governance', async () => {
    for (const who of [
      'socialWorker',
      'police',
      { client: 'occ-team-management', user: 'grace.whitlock', purpose: 'SAFEGUARDING' },
    ] as const) {
      const { body } = await server.ask(
        who,
        `{ disclosures { nodes { user } } family(id: "${encodeId('Family', 1)}") { disclosures { nodes { user } } } }`,
      );
      expect(body.data).toMatchObject({ disclosures: null });
      expect(body.errors?.map(({ extensions }) => [extensions.field, extensions.reason])).toEqual([
        ['Query.disclosures', 'NOT_FOR_THIS_ROLE'],
        ['Family.disclosures', 'NOT_FOR_THIS_ROLE'],
      ]);
    }
  });
  it('110 outside the county is one’s own users alone', async () => {
    const [county, police] = [await look('socialWorker'), await look('police')];
    const [seen, all] = [await requests(POLICE), await requests(COUNTY)];
    expect(seen).toContain(police);
    expect(seen).not.toContain(county);
    expect(all).toEqual(expect.arrayContaining([county, police]));
    expect((await looks(POLICE)).every(({ organisation }) => organisation.code === 'thames-valley-police')).toBe(true);
    expect(await looks(POLICE, { organisation: encodeId('Organisation', organisationId('occ')) })).toEqual([]);
  });
  it('of a family that is no longer seen stays, without the family', async () => {
    const request = await look('housingDesk');
    const of = async () => (await looks(HOUSING)).find((each) => each.request === request);
    expect((await of()).families).toEqual([{ id: encodeId('Family', 1) }]);
    await owner.query('update fsp.involvement set until = now() where family = 1 and organisation = $1 and until is null', [
      organisationId('cherwell-housing'),
    ]);
    expect(await of()).toMatchObject({ families: [], persons: [], user: 'dilys.penrose' });
    expect(await requests(COUNTY, { family: encodeId('Family', 1) })).toContain(request);
  });
  it('by a person alone is of the person’s families', async () => {
    const request = randomUUID();
    const person = encodeId('Person', 101);
    await server.ask(
      'police',
      'query($id: ID!) { node(id: $id) { ... on Person { givenName } } }',
      { id: person },
      { 'x-request-id': request },
    );
    for (const filter of [{ family: encodeId('Family', 1) }, { person }]) {
      const [newest] = await looks(COUNTY, { ...filter, user: 'harriet.coyle' });
      expect(newest).toMatchObject({ request, persons: [{ id: person }], families: [{ id: encodeId('Family', 1) }] });
    }
    expect(await requests(COUNTY, { person: encodeId('Person', 200) })).not.toContain(request);
  });
  it('is chosen by user, purpose, time, failure, and paged', async () => {
    const request = await look('police', 2);
    const [{ at }] = await looks(COUNTY, { user: 'harriet.coyle' });
    expect((await requests(COUNTY, { user: 'harriet.coyle', purpose: 'SAFEGUARDING', failed: false, from: at }))[0]).toBe(request);
    expect(await requests(COUNTY, { user: 'harriet.coyle', until: at })).not.toContain(request);
    expect(await looks(COUNTY, { purpose: 'HOUSING_DUTY', user: 'harriet.coyle' })).toEqual([]);
    expect(await looks(COUNTY, { emergencyOnly: true })).toEqual([]);
    const all = await requests(COUNTY, { until: at });
    const paged: string[] = [];
    for (let after: string | null = null; ; ) {
      const { disclosures }: any = (await server.ask(COUNTY, LOOKS, { filter: { until: at }, first: 3, after })).body.data;
      paged.push(...disclosures.nodes.map((node: any) => node.request));
      if (!disclosures.pageInfo.hasNextPage) break;
      after = disclosures.pageInfo.endCursor;
    }
    expect(paged).toEqual(all);
  });
  it('that it was read is on record too', async () => {
    const request = randomUUID();
    await server.ask(COUNTY, LOOKS, { filter: { family: encodeId('Family', 1) }, first: 2 }, { 'x-request-id': request });
    const [newest] = await looks(COUNTY);
    expect(newest).toMatchObject({ request, user: 'gideon.marlowe', purpose: 'GOVERNANCE', classes: ['OPERATION'] });
    expect(newest.fields).toEqual(expect.arrayContaining(['Disclosure.user', 'Query.disclosures']));
  });
  it('is not to be had by plain SQL beyond this', async () => {
    await looks(COUNTY);
    const count = async (code: string, table: string, where = 'true') => {
      const client = await sqlAs(code, false, ownerUrl);
      const { rows } = await client.query(`select count(*)::int as n from fsp.${table} where ${where}`);
      await client.end();
      return rows[0].n;
    };
    const police = organisationId('thames-valley-police');
    const others = `organisation is distinct from ${police}`;
    expect(await count('thames-valley-police', 'disclosure_entry')).toBeGreaterThan(0);
    expect(await count('thames-valley-police', 'disclosure_entry', others)).toBe(0);
    expect(await count('thames-valley-police', 'disclosure_family', others)).toBe(0);
    expect(await count('occ', 'disclosure_entry', others)).toBeGreaterThan(0);
    const client = await sqlAs('thames-valley-police', false, ownerUrl);
    for (const statement of [
      'select fsp.index_disclosures()',
      "select fsp.shown_to(1, null, 'FAMILY', '-infinity')",
      'select * from fsp.access_look',
      'select * from fsp.notice_delay',
      'update fsp.disclosure_entry set subject = null',
      'delete from fsp.disclosure_family',
    ])
      await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    await client.end();
  });
});

describe('what failed', () => {
  it('is on record with its code, and with nobody', async () => {
    const ask = async (document: string, variables = {}) => {
      const request = randomUUID();
      const { status } = await server.ask('socialWorker', document, variables, { 'x-request-id': request });
      expect(status).toBe(400);
      return (await looks(COUNTY, { failed: true })).find((each) => each.request === request);
    };
    const nothing = { families: [], persons: [], fields: [], classes: [], user: 'grace.whitlock' };
    expect(await ask('query Cursor { families(after: "x") { nodes { name } } }')).toMatchObject({
      ...nothing,
      operation: 'Cursor',
      failed: 'BAD_CURSOR',
    });
    expect(await ask('query Id { node(id: "x") { id } }')).toMatchObject({ ...nothing, failed: 'BAD_ID' });
  });
  it('because nobody was recognised is counted: once a minute for each reason', async () => {
    const other = await testServer(ownerUrl);
    const send = (headers: Record<string, string>) => other.app.inject({ method: 'POST', url: '/graphql', headers, payload: {} });
    for (let i = 0; i < 7; i++) expect((await send({ authorization: 'Bearer a.b.c' })).statusCode).toBe(401);
    for (let i = 0; i < 2; i++) expect((await send({})).statusCode).toBe(401);
    const before = (await looks(COUNTY, { failed: true })).filter(({ organisation }) => organisation === null);
    expect(before).toEqual([]);
    await other.close();
    const found = (await looks(COUNTY, { failed: true })).filter(({ organisation }) => organisation === null);
    expect(found.map(({ reason, count, failed }) => [reason, count, failed]).sort((a, b) => a[1] - b[1])).toEqual([
      ['there is no bearer token', 2, 'UNAUTHENTICATED'],
      [expect.any(String), 7, 'UNAUTHENTICATED'],
    ]);
    expect((await looks(POLICE, { failed: true })).some(({ organisation }) => organisation === null)).toBe(false);
  });
});

describe('the pass that makes it readable', () => {
  const records = async () => Number((await owner.query('select sum(count) as n from fsp.disclosure')).rows[0].n);
  const entries = async () =>
    (await owner.query('select count(*)::int as n, count(distinct (chain, sequence, position))::int as m from fsp.disclosure_entry'))
      .rows[0];
  const pass = (client: pg.Client) => client.query('select fsp.index_disclosures() as more');
  it('passes nothing over and takes nothing twice, however many run at once', async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => sqlAs('recorder', false, ownerUrl)));
    await Promise.all([
      ...clients.flatMap((client) => [pass(client), pass(client), pass(client)]),
      ...Array.from({ length: 40 }, () => look('socialWorker')),
      looks(COUNTY),
    ]);
    for (const client of clients) await pass(client);
    await Promise.all(clients.map((client) => client.end()));
    expect(await entries()).toEqual({ n: await records(), m: await records() });
  });
  it('passes nothing over that commits late', async () => {
    const chain = randomUUID();
    const late = await sqlAsOwner(ownerUrl);
    const { rows } = await late.query('select fsp.begin_chain($1)::text as month', [chain]);
    const text = '[{"organisation":"occ","client":"late","families":[1],"persons":[]}]';
    await late.query('begin');
    await late.query(
      'insert into fsp.disclosure (month, chain, sequence, previous, hash, count, records) values ($1, $2, 0, $3, $4, 1, $5)',
      [rows[0].month, chain, Buffer.alloc(32), chainHash(Buffer.alloc(32), text), text],
    );
    await look('socialWorker');
    await looks(COUNTY);
    await late.query('commit');
    await late.end();
    expect((await looks(COUNTY)).some(({ client }) => client === 'late')).toBe(true);
  });
  it('goes on past a batch that is none', async () => {
    const { rows } = await owner.query('select fsp.begin_chain(gen_random_uuid())::text as month');
    for (const [i, text] of ['nonsense', '{"a":1}', '[1, "\\u0000", {"families":"x","persons":[{}]}]'].entries())
      await owner.query(
        "insert into fsp.disclosure (month, chain, sequence, previous, hash, count, records) select month, chain, $2, '', '', 1, $3 from fsp.disclosure_chain where month = $1 order by begun desc limit 1",
        [rows[0].month, i, text],
      );
    const request = await look('police');
    expect(await requests(COUNTY)).toContain(request);
    await owner.query('alter table fsp.disclosure disable trigger guard');
    await owner.query("delete from fsp.disclosure where hash = ''");
    await owner.query('alter table fsp.disclosure enable trigger guard');
  });
  it('tells to whom a class was shown since when', async () => {
    await looks(COUNTY);
    const shown = async (...values: unknown[]) =>
      (await owner.query('select fsp.shown_to($1, $2, $3, $4) as o order by 1', values)).rows.map(({ o }) => o);
    const [county, police] = [organisationId('occ'), organisationId('thames-valley-police')];
    expect(await shown(2, null, 'FAMILY', '-infinity')).toEqual([police]);
    expect(await shown(1, null, 'FAMILY', '-infinity')).toEqual(expect.arrayContaining([county, police]));
    expect(await shown(1, null, 'WORKBOOK', '-infinity')).toEqual([]);
    expect(await shown(1, null, 'FAMILY', 'infinity')).toEqual([]);
    expect(await shown(null, 101, 'IDENTITY', '-infinity')).toEqual([police]);
    expect(await shown(1, 101, 'IDENTITY', '-infinity')).toEqual([police]);
    expect(await shown(1, 102, 'IDENTITY', '-infinity')).toEqual([]);
  });
});

describe('looks at a restricted family', () => {
  const sealed: Caller = { ...COUNTY, user: 'agnes.thorley' };
  afterAll(async () => {
    await owner.query('update fsp.family set restricted = false where id = 3');
    await owner.query("delete from fsp.sealed_user where subject = 'agnes.thorley'");
  });
  it('are read through the sealed login alone; of a list the rest is read by everybody', async () => {
    const one = await look('socialWorker', 3);
    const several = randomUUID();
    await server.ask(
      'socialWorker',
      `{ a: family(id: "${encodeId('Family', 3)}") { name } b: family(id: "${encodeId('Family', 1)}") { name } }`,
      {},
      { 'x-request-id': several },
    );
    await owner.query(
      "insert into fsp.sealed_user (organisation, subject) select id, 'agnes.thorley' from fsp.organisation where code = 'occ'",
    );
    await owner.query('update fsp.family set restricted = true where id = 3');
    expect(await requests(COUNTY)).not.toContain(one);
    expect(await requests(COUNTY, { family: encodeId('Family', 3) })).toEqual([]);
    expect((await looks(COUNTY)).find(({ request }) => request === several).families).toEqual([{ id: encodeId('Family', 1) }]);
    await expect.poll(() => requests(sealed)).toEqual(expect.arrayContaining([one, several]));
    expect(await requests(sealed, { family: encodeId('Family', 3) })).toEqual(expect.arrayContaining([one, several]));
    await owner.query('update fsp.family set restricted = false where id = 3');
    expect(await requests(COUNTY)).toContain(one);
  });
  it('for one organisation alone are read there through its sealed login, and by the county as ever', async () => {
    const request = await look('police', 2);
    const lift = () => owner.query('delete from fsp.family_restriction');
    expect(await requests(POLICE, { family: encodeId('Family', 2) })).toContain(request);
    await owner.query(
      `insert into fsp.family_restriction (family, controller, worker, organisation, cause, reason, "from")
       select 2, c.id, 'x', p.id, 'x', 'x', now() from fsp.organisation c, fsp.organisation p where c.code = 'occ' and p.code = 'thames-valley-police'`,
    );
    expect(await requests(POLICE, { family: encodeId('Family', 2) })).toEqual([]);
    expect(await requests(POLICE)).not.toContain(request);
    expect(await requests(COUNTY, { family: encodeId('Family', 2) })).toContain(request);
    await owner.query('update fsp.family_restriction set until = now()');
    expect(await requests(POLICE)).toContain(request);
    await lift();
  });
});
