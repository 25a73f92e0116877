/** Grants follow what decides them, in the same transaction, and are never lost; restricted families are the sealed login's. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maskOf, type PersonalClass } from '../../src/access/classes.ts';
import { organisationId } from '../../src/db/personas.ts';
import { encodeId, loginAt, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_grants');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

type Decision = {
  family: number;
  person?: number | null;
  dataClass: PersonalClass;
  effect: 'SHARE' | 'WITHHOLD';
  organisation?: string;
  until?: Date;
};
const decide = (client: pg.Client, { family, person = null, dataClass, effect, organisation = 'thames-valley-police', until }: Decision) =>
  client.query(
    `insert into fsp.sharing_decision (family, person, data_classes, mask, effect, organisation, gateway, reason, decided_by, controller, "from", until, agreement_version)
     values ($1, $2, array[$3], $4, $5, $6, 'test', 'test', 'test', $7, now() - interval '1 minute', $8, 'test') returning id`,
    [family, person, dataClass, maskOf([dataClass]).toString(), effect, organisationId(organisation), organisationId('occ'), until ?? null],
  );

const count = async (organisation: string, sql: string, sealed = false): Promise<number> => {
  const client = await sqlAs(organisation, sealed, ownerUrl);
  try {
    return Number((await client.query(sql)).rows[0].n);
  } finally {
    await client.end();
  }
};
const progress = 'select count(*) as n from fsp.intervention_progress where family = 1';
const plans = 'select count(*) as n from fsp.plan where family = 1';

describe('a decision', () => {
  it('opens a class of one family for one organisation, until it is withdrawn', async () => {
    expect(await count('thames-valley-police', progress)).toBe(0);
    const { rows } = await decide(owner, { family: 1, dataClass: 'PROGRESS', effect: 'SHARE' });
    expect(await count('thames-valley-police', progress)).toBeGreaterThan(0);
    expect(await count('oxford-health', progress)).toBe(0);
    await owner.query("update fsp.sharing_decision set withdrawn_at = now() - interval '1 second' where id = $1", [rows[0].id]);
    expect(await count('thames-valley-police', progress)).toBe(0);
  });
  it('that withholds wins over the agreement and over a decision that shares', async () => {
    expect(await count('oxford-health', plans)).toBeGreaterThan(0);
    await decide(owner, { family: 1, dataClass: 'CASE', effect: 'SHARE', organisation: 'oxford-health' });
    const { rows } = await decide(owner, { family: 1, dataClass: 'CASE', effect: 'WITHHOLD', organisation: 'oxford-health' });
    expect(await count('oxford-health', plans)).toBe(0);
    await owner.query("update fsp.sharing_decision set withdrawn_at = now() - interval '1 second' where id = $1", [rows[0].id]);
    expect(await count('oxford-health', plans)).toBeGreaterThan(0);
  });
  it('about one person opens no more than that person’s rows', async () => {
    const mother = Number((await owner.query("select person from fsp.membership where family = 1 and role = 'mother'")).rows[0].person);
    const { rows } = await decide(owner, { family: 1, person: mother, dataClass: 'PROGRESS', effect: 'SHARE' });
    const client = await sqlAs('thames-valley-police', false, ownerUrl);
    const seen = await client.query('select distinct person from fsp.intervention_progress where family = 1');
    await client.end();
    expect(seen.rows).toEqual([{ person: String(mother) }]);
    await owner.query("update fsp.sharing_decision set withdrawn_at = now() - interval '1 second' where id = $1", [rows[0].id]);
  });
  it('never opens what is never shared through this platform', async () => {
    await decide(owner, { family: 1, dataClass: 'WORKBOOK', effect: 'SHARE' });
    const client = await sqlAs('thames-valley-police', false, ownerUrl);
    await expect(client.query('select * from fsp.workbook_entry')).rejects.toMatchObject({ code: '42501' });
    await client.end();
  });
  it('ends with its day', async () => {
    await decide(owner, { family: 1, dataClass: 'ASSESSMENT', effect: 'SHARE', until: new Date(Date.now() - 10_000) });
    expect(await count('thames-valley-police', 'select count(*) as n from fsp.plan_category where family = 1')).toBe(0);
  });
  it('is not lost when twenty are made at once', async () => {
    const classes: PersonalClass[] = [
      'SAFETY',
      'INVOLVEMENT',
      'IDENTITY',
      'FAMILY',
      'WHEREABOUTS',
      'CASE',
      'OFFENCE',
      'NHS_NUMBER',
      'PROGRESS',
      'ASSESSMENT',
    ];
    const clients = await Promise.all(Array.from({ length: 20 }, () => sqlAsOwner(ownerUrl)));
    await Promise.all(
      clients.map(async (client, i) => {
        await client.query('begin');
        await decide(client, {
          family: 2,
          dataClass: classes[i % 10] as PersonalClass,
          effect: 'WITHHOLD',
          organisation: i < 10 ? 'thames-valley-police' : 'oxford-health',
        });
        await client.query('commit');
        await client.end();
      }),
    );
    const { rows } = await owner.query(
      'select distinct g.withheld from fsp.family_grant g join fsp.login l on l.id = g.login where g.family = 2 and l.name = any ($1) and period @> now()',
      [['thames-valley-police', 'oxford-health'].map((code) => loginAt(ownerUrl, code))],
    );
    expect(rows).toEqual([{ withheld: maskOf(classes).toString() }]);
  });
});

describe('an involvement', () => {
  it('that ends closes the family, and what the organisation wrote stays with it', async () => {
    const teamEntries = 'select count(*) as n from fsp.workbook_entry where family = 1';
    const own = Number(
      (await owner.query('select count(*) as n from fsp.workbook_entry where family = 1 and controller = $1', [organisationId('team-07')]))
        .rows[0].n,
    );
    expect(await count('team-07', teamEntries)).toBeGreaterThan(own);
    await owner.query("update fsp.involvement set until = now() - interval '1 second' where family = 1 and organisation = $1", [
      organisationId('team-07'),
    ]);
    expect(await count('team-07', 'select count(*) as n from fsp.family_grant where family = 1 and period @> now()')).toBe(0);
    expect(await count('team-07', teamEntries)).toBe(own);
    const entry = (await owner.query("select id from fsp.workbook_entry where family = 1 and worker = 'jonah.pryce' limit 1")).rows[0].id;
    const { body } = await server.ask(
      'teamSpecialist',
      'query($id: ID!) { node(id: $id) { ... on WorkbookEntry { module family { id } } } }',
      { id: encodeId('WorkbookEntry', entry) },
    );
    expect(body.data.node).toMatchObject({ module: expect.any(String), family: null });
    await owner.query('update fsp.involvement set until = null where family = 1 and organisation = $1', [organisationId('team-07')]);
  });
});

describe('a restricted family', () => {
  const document = 'query($id: ID!) { family(id: $id) { id name } families(first: 100) { totalCount { value } } }';
  const manager = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'CHILD_IN_NEED' };
  it('does not exist but for the sealed login and its named users', async () => {
    const before = (await server.ask('socialWorker', document, { id: encodeId('Family', 3) })).body.data;
    expect(before.family).not.toBeNull();
    await owner.query("insert into fsp.sealed_user (organisation, subject) values ($1, 'marcus.oyelaran')", [organisationId('occ')]);
    await owner.query('update fsp.family set restricted = true where id = 3');

    const hidden = await server.ask('socialWorker', 'query($id: ID!) { family(id: $id) { id name } }', { id: encodeId('Family', 3) });
    const never = await server.ask('socialWorker', 'query($id: ID!) { family(id: $id) { id name } }', { id: encodeId('Family', 987_654) });
    expect(hidden.text).toBe(never.text);
    expect(hidden.status).toBe(never.status);
    const after = (await server.ask('socialWorker', document, { id: encodeId('Family', 3) })).body.data;
    expect(after.families.totalCount.value).toBe(before.families.totalCount.value - 1);

    const named = (await server.ask(manager, document, { id: encodeId('Family', 3) })).body.data;
    expect(named.family).toMatchObject({ name: expect.any(String) });
    // The named user works with the other families in the same place.
    expect(named.families.totalCount.value).toBeGreaterThan(1);
    for (const table of ['plan', 'workbook_entry', 'membership', 'household', 'intervention']) {
      const sql = `select count(*) as n from fsp.${table} where family = 3`;
      expect(await count('occ', sql), table).toBe(0);
      expect(await count('oxford-health', sql, false).catch(() => 0), table).toBe(0);
      expect(await count('occ', sql, true), table).toBeGreaterThan(0);
    }
    expect(
      await count(
        'occ',
        'select count(*) as n from fsp.person_identity p join fsp.person x on x.id = p.person where p.person between 300 and 399',
      ),
    ).toBe(0);
  });
});
