/** What was tried against the walls, by plain SQL and through the API, and must go on holding. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { organisationId } from '../../src/db/personas.ts';
import { encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_attacks');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const as = async <T>(organisation: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = await sqlAs(organisation, false, ownerUrl);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};
const records = async (): Promise<any[]> =>
  (await owner.query('select records from fsp.disclosure order by at, chain, sequence')).rows.flatMap(({ records }) => JSON.parse(records));
const entriesOf = async (user: string) =>
  (
    await server.ask(
      { client: 'team-07-workbook', user, purpose: 'CHILD_IN_NEED' },
      'query($id: ID!) { family(id: $id) { workbook { totalCount { value } } } }',
      { id: encodeId('Family', 3) },
    )
  ).body.data.family.workbook.totalCount.value as number;

describe('kept from', () => {
  it('comes back by itself when an involvement with the whole family ends', async () => {
    const narrowed = await entriesOf('ruth.ellery');
    await owner.query(
      `insert into fsp.involvement (family, controller, worker, organisation, role, "from", until) values (3, $1, 'ruth.ellery', $2, 'family-team', now() - interval '1 day', now() + interval '2 seconds')`,
      [organisationId('occ'), organisationId('team-07')],
    );
    expect(await entriesOf('ruth.ellery')).toBeGreaterThan(narrowed);
    await expect.poll(() => entriesOf('ruth.ellery'), { timeout: 10_000 }).toBe(narrowed);
  });
  it('holds for a worker whose only work is an intervention with that person', async () => {
    const whole = await entriesOf('bethan.rowe');
    const { rows } = await owner.query(
      'insert into fsp.intervention (family, person, controller, worker) values (3, $1, $2, $3) returning id',
      [storyPerson(3, 'partner'), organisationId('occ'), 'bethan.rowe'],
    );
    await owner.query(
      'insert into fsp.intervention_link (intervention, family, person, controller, worker, row_mask, programme, provider, assigned) values ($1, 3, $2, $3, $4, 0, 1, $5, $5)',
      [rows[0].id, storyPerson(3, 'partner'), organisationId('occ'), 'bethan.rowe', organisationId('team-07')],
    );
    expect(await entriesOf('bethan.rowe')).toBeLessThan(whole);
    expect(await entriesOf('bethan.rowe')).toBe(await entriesOf('ruth.ellery'));
  });
});

describe('a person who was put into the wrong family', () => {
  it('is gone from every agency with the membership', async () => {
    const gone = storyPerson(2, 'father');
    const ask = () =>
      server.ask('police', 'query($id: ID!) { node(id: $id) { ... on Person { givenName } } }', { id: encodeId('Person', gone) });
    expect((await ask()).body.data.node).not.toBeNull();
    await owner.query('begin');
    await owner.query('delete from fsp.membership where family = 2 and person = $1', [gone]);
    await owner.query('commit');
    expect((await ask()).body.data.node).toBeNull();
    expect((await owner.query('select count(*) as n from fsp.person_grant where person = $1', [gone])).rows[0].n).toBe('0');
  });
});

describe('by plain SQL', () => {
  it('an unborn child, a stage or a MARAC is not told by the grants', async () => {
    for (const organisation of ['thames-valley-police', 'school-tansy-bridge', 'cherwell-housing', 'turning-point']) {
      await as(organisation, async (client) => {
        expect((await client.query('select * from fsp.person_grant where needs <> 0')).rows).toEqual([]);
        const { fields } = await client.query('select * from fsp.family_grant limit 0');
        expect(fields.map(({ name }) => name)).not.toEqual(expect.arrayContaining(['stage']));
      });
    }
  });
  it('what a login may ask of families not its own says nothing', async () => {
    await owner.query('update fsp.family set restricted = true where id = 4');
    await as('oxford-university', async (client) => {
      const { rows } = await client.query(
        'select distinct fsp.own_open(i) as family, fsp.own_open_person(i) as person from generate_series(1::bigint, 500) i',
      );
      expect(rows).toEqual([{ family: false, person: false }]);
      for (const table of ['family', 'person'])
        await expect(client.query(`select * from fsp.${table}`)).rejects.toMatchObject({ code: '42501' });
    });
    await as('elmore-perpetrators', async (client) => {
      await owner.query('update fsp.family set restricted = true where id = 3');
      expect((await client.query('select * from fsp.user_focus where family = 3')).rows).toEqual([]);
      await owner.query('update fsp.family set restricted = false where id in (3, 4)');
    });
  });
  it('100 keys, times and writers are not a login’s to choose', async () => {
    await as('oxford-university', async (client) => {
      await expect(
        client.query(
          "insert into fsp.outbox (organisation, client, purpose, request_id, action, entity, entity_id, persons, data_classes) values ($1, 'x', 'x', 'x', 'x', 'x', 1, '{}', '{}')",
          [organisationId('oxford-university')],
        ),
      ).rejects.toMatchObject({ code: '42501' });
    });
    await as('team-07', async (client) => {
      const outbox = (who: string) =>
        client.query(
          "insert into fsp.outbox (id, at, organisation, client, purpose, request_id, action, entity, entity_id, persons, data_classes) values (900000, '2001-01-01', $1, $2, 'x', 'x', 'forged', 'x', 1, '{}', '{}')",
          [organisationId('team-07'), who],
        );
      await expect(outbox('occ-social-care')).rejects.toMatchObject({ code: '42501' });
      await outbox('team-07-workbook');
      const { rows } = await client.query(
        "insert into fsp.workbook_entry (id, created_at, version, family, controller, module, discipline, session_type, occurred_at, author) values (1, '1999-01-01', 99, 1, $1, 'm', 'social-worker', 'individual', now(), 'a') returning id, created_at, version",
        [organisationId('team-07')],
      );
      expect(Number(rows[0].id)).toBeGreaterThan(1);
      expect([rows[0].version, rows[0].created_at.getFullYear()]).toEqual([1, new Date().getFullYear()]);
      // A row on an entry of another writer, or of a family that is not there: the same refusal.
      const words = (entry: number) =>
        client.query("insert into fsp.workbook_child_words (entry, family, person, controller, words) values ($1, 1, $2, $3, 'forged')", [
          entry,
          storyPerson(1, 'mother'),
          organisationId('team-07'),
        ]);
      const theirs = (
        await owner.query('select id from fsp.workbook_entry where family = 1 and controller = $1 limit 1', [organisationId('occ')])
      ).rows[0].id;
      for (const entry of [theirs, 99_999_999]) await expect(words(entry)).rejects.toMatchObject({ code: '23503' });
    });
    const { rows } = await owner.query("select id, at from fsp.outbox where action = 'forged'");
    expect(Number(rows[0].id)).toBeLessThan(900_000);
    expect(rows[0].at.getFullYear()).toBe(new Date().getFullYear());
  });
  it('an open transaction does not keep a decision from being made', async () => {
    await as('team-07', async (client) => {
      await client.query('begin');
      await client.query(
        "insert into fsp.workbook_entry (family, controller, module, discipline, session_type, occurred_at, author) values (1, $1, 'm', 'social-worker', 'individual', now(), 'a')",
        [organisationId('team-07')],
      );
      await owner.query("set lock_timeout = '3s'");
      await owner.query('update fsp.family_stage set since = now() where family = 1');
      await client.query('rollback');
    });
  });
});

describe('through the API', () => {
  it('names in cursors, and counts of what was filtered, are on record', async () => {
    const { body } = await server.ask('socialWorker', '{ families(orderBy: NAME, first: 3) { edges { cursor } } }');
    expect(body.data.families.edges).toHaveLength(3);
    expect((await records()).at(-1)).toMatchObject({
      fields: expect.arrayContaining(['Family.name']),
      families: expect.arrayContaining([expect.any(Number)]),
    });
    await server.ask('socialWorker', '{ families(filter: { district: "E07000177", stage: SECTION_47 }) { totalCount { value } } }');
    expect((await records()).at(-1)).toMatchObject({
      classes: ['CASE', 'WHEREABOUTS'],
      fields: ['Query.families(filter.district)', 'Query.families(filter.stage)'],
    });
    await server.ask('socialWorker', 'query($id: ID!) { family(id: $id) { id } }', { id: encodeId('Family', 987_654) });
    expect((await records()).at(-1)).toMatchObject({ families: [], user: 'grace.whitlock' });
  });
  it('a purpose’s stages hold for rows entered by their id', async () => {
    const { rows } = await owner.query(
      "select p.id, p.person from fsp.plan p join fsp.family_stage s on s.family = p.family where s.stage = 'EARLY_HELP' limit 1",
    );
    const caller = { client: 'occ-social-care', user: 'grace.whitlock', purpose: 'CHILD_IN_NEED' };
    const ask = (id: string) => server.ask(caller, 'query($id: ID!) { node(id: $id) { id } }', { id });
    expect((await ask(encodeId('Plan', rows[0].id))).body.data.node).toBeNull();
    expect((await ask(encodeId('Person', rows[0].person))).body.data.node).toBeNull();
  });
  it('subject access asks for one person and no list', async () => {
    const caller = { client: 'occ-governance', user: 'agnes.thorley', purpose: 'SUBJECT_ACCESS' };
    const list = await server.ask(caller, '{ families { nodes { id } } }');
    expect(list.body).toMatchObject({
      data: { families: null },
      errors: [{ extensions: { code: 'FORBIDDEN', reason: 'NOT_FOR_THIS_PURPOSE' } }],
    });
  });
  it('many aliases, deep documents, subscriptions and large ids are answered in words', async () => {
    const roots = (count: number) => `{ ${Array.from({ length: count }, (_, i) => `a${i}: districts { code }`).join(' ')} }`;
    const wide = await server.ask('socialWorker', roots(50));
    expect([wide.status, Object.keys(wide.body.data).length]).toEqual([200, 50]);
    const wider = await server.ask('socialWorker', roots(51));
    expect([wider.status, wider.body.errors?.[0].extensions.code]).toEqual([400, 'OPERATION_TOO_LARGE']);
    const deep = await server.ask(
      'socialWorker',
      `{ organisations(first: 1) { nodes { ${'parent { '.repeat(40)}code${' }'.repeat(40)} } } }`,
    );
    expect([deep.status, deep.body.errors?.[0].extensions.code]).toEqual([400, 'OPERATION_TOO_LARGE']);
    for (const document of ['subscription { x }', 'subscription { ... on Query { families(first: 1) { nodes { name } } } }']) {
      const { status, body } = await server.ask('socialWorker', document);
      expect(status, document).toBe(400);
      expect(body.data).toBeUndefined();
    }
    const offer = await server.ask(
      'socialWorker',
      'mutation($i: OfferServiceInput!) { offerService(input: $i) { userErrors { code path } } }',
      {
        i: {
          idempotencyKey: 'large',
          family: encodeId('Family', 1),
          person: encodeId('Person', storyPerson(1, 'mother')),
          service: encodeId('Service', '99999999999'),
          offered: '2026-11-01',
        },
      },
    );
    expect(offer.body.data.offerService.userErrors).toEqual([{ code: 'NOT_FOUND', path: ['service'] }]);
  });
  it('one user’s key is not another’s', async () => {
    const add = 'mutation($input: AddWorkbookEntryInput!) { addWorkbookEntry(input: $input) { entry { id } userErrors { code } } }';
    const input = {
      idempotencyKey: 'shared',
      family: encodeId('Family', 1),
      module: 'm',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: '2026-11-01T10:00:00Z',
      persons: [encodeId('Person', storyPerson(1, 'mother'))],
    };
    const first = await server.ask('socialWorker', add, { input });
    expect(first.body.data.addWorkbookEntry.userErrors).toEqual([]);
    const other = await server.ask({ client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' }, add, { input });
    expect(other.body.data.addWorkbookEntry).toEqual({ entry: null, userErrors: [{ code: 'CONFLICT' }] });
  });
});
