/** docs/security.md, what is tried: records that are hidden, that share a number, or that are one person's. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLASS_BIT } from '../../src/access/classes.ts';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { nhsNumber } from '../../src/db/generate.ts';
import { type Caller, encodeId, FRONT_DOOR, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const caller = (client: string, user: string, purpose = 'SAFEGUARDING'): Caller => ({ client, user, purpose });
const grace = caller('occ-social-care', 'grace.whitlock');
const bethan = caller('occ-team-management', 'bethan.rowe');
const school = caller('school-tansy-bridge-pastoral', 'owen.lathbury');
const governance = caller('occ-governance', 'gideon.marlowe', 'GOVERNANCE');

const father = storyPerson(1, 'father');
const mother = encodeId('Person', storyPerson(1, 'mother'));
const partner = storyPerson(3, 'partner');
const key = (id: string) => id.split('-').at(-1) as string;

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_attack_merged');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(as: Caller, field: string, selection: string, input: object) {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path } warnings { code message } } }`;
  return server.ask(as, document, { input: { idempotencyKey: `k${++keys}`, ...input } });
}
const made = async (as: Caller, field: string, what: string, input: object): Promise<string> => {
  const { body, text } = await run(as, field, `${what} { id }`, input);
  expect(body.data?.[field]?.userErrors, text).toEqual([]);
  return body.data[field][what].id;
};
const restrict = (family: number, restricted: boolean) =>
  owner.query('update fsp.family set restricted = $2 where id = $1', [family, restricted]);

describe('a number that a hidden record has', () => {
  const correct = async (number: string) => {
    const { body } = await server.ask(grace, 'query($id: ID!) { node(id: $id) { ... on Person { version } } }', { id: mother });
    return run(grace, 'correctPerson', 'person { id nhsNumber }', {
      person: mother,
      expectedVersion: body.data.node.version,
      nhsNumber: number,
    });
  };
  it('87 is written as any other, in the same words', async () => {
    const hidden = nhsNumber(990_001) ?? (nhsNumber(990_002) as string);
    const unused = nhsNumber(990_003) ?? (nhsNumber(990_004) as string);
    await owner.query(
      `insert into fsp.person_nhs_number (person, controller, nhs_number) select id, controller, $2 from fsp.person where id = $1
       on conflict (person) do update set nhs_number = excluded.nhs_number`,
      [partner, hidden],
    );
    await restrict(3, true);
    const [first, second] = [await correct(hidden), await correct(unused)];
    expect([first.status, first.text.replace(hidden, 'n')]).toEqual([second.status, second.text.replace(unused, 'n')]);
    expect(first.body.data.correctPerson).toEqual({ person: { id: mother, nhsNumber: hidden }, userErrors: [], warnings: [] });
    // It is noted, and told to nobody who does not see both.
    await correct(hidden);
    expect((await owner.query('select 1 from fsp.match_candidate where $1 in (row_key, other)', [partner])).rowCount).toBeGreaterThan(0);
    const LIST = '{ matchCandidates { totalCount { value } } }';
    expect((await server.ask(governance, LIST)).body.data.matchCandidates.totalCount.value).toBe(0);
    const sql = await sqlAs('occ', false, ownerUrl);
    expect((await sql.query('select 1 from fsp.match_candidate')).rowCount).toBe(0);
    await sql.end();
    await restrict(3, false);
    expect((await server.ask(governance, LIST)).body.data.matchCandidates.totalCount.value).toBeGreaterThan(0);
    await correct(unused);
  });
});

describe('records of a restricted family', () => {
  it('108 are as if they never were, with all that stands beside them', async () => {
    const family = encodeId('Family', 1);
    const entry = await made(grace, 'addWorkbookEntry', 'entry', {
      family,
      module: 'Module 3',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: '2026-11-10T10:00:00.000Z',
      persons: [mother],
    });
    const decision = await made(grace, 'recordDecision', 'decision', {
      family,
      kind: 'other',
      on: '2026-11-10',
      role: 'x',
      what: 'x',
      reason: 'x',
    });
    const ids = {
      Dispute: await made(grace, 'disputeFact', 'dispute', {
        subject: entry,
        person: mother,
        statement: 'x',
        how: 'said',
        on: '2026-11-10',
      }),
      Disagreement: await made(grace, 'recordDisagreement', 'disagreement', { decision, role: 'x', reason: 'x' }),
      PersonMerge: await made(FRONT_DOOR, 'proposeMerge', 'merge', {
        survivor: encodeId('Person', father),
        merged: encodeId('Person', storyPerson(2, 'father')),
        reason: 'x',
      }),
    };
    const team = caller('team-07-workbook', 'jonah.pryce');
    const taken = await made(team, 'addWorkbookEntry', 'entry', {
      family,
      module: 'Module 3',
      discipline: 'substance-misuse',
      sessionType: 'individual',
      occurred: '2026-11-10T10:00:00.000Z',
      persons: [mother],
    });
    // The county was shown it.
    await server.ask(grace, 'query($id: ID!) { family(id: $id) { workbook { nodes { id narrative } } } }', { id: family });
    expect(
      (await run(team, 'retractEntry', 'retraction { id }', { entry: taken, expectedVersion: 1, reason: 'UNSAFE', explanation: 'x' })).body
        .data.retractEntry.userErrors,
    ).toEqual([]);
    const notice = (await server.ask(grace, '{ recallNotices { nodes { id } } }')).body.data.recallNotices.nodes[0].id;
    const retraction = encodeId('Retraction', (await owner.query('select max(id) as id from fsp.retraction')).rows[0].id);
    await restrict(1, true);
    const ask = async (as: Caller, id: string) => (await server.ask(as, 'query($id: ID!) { node(id: $id) { id } }', { id })).text;
    for (const id of [...Object.values(ids), notice]) {
      const [type] = id.split('-') as [string];
      expect(await ask(grace, id)).toBe(await ask(grace, encodeId(type, 99_999_999)));
    }
    const ofTeam = caller('team-07-governance', 'jonah.pryce', 'GOVERNANCE');
    expect(await ask(ofTeam, retraction)).toBe(await ask(ofTeam, encodeId('Retraction', 99_999_999)));
    for (const [as, list] of [
      [grace, 'recallNotices'],
      [grace, 'personMerges'],
      [ofTeam, 'retractions'],
    ] as const) {
      const { body } = await server.ask(as, `{ ${list} { totalCount { value } nodes { id } } }`);
      expect(
        body.data[list].nodes.filter(({ id }: any) => [...Object.values(ids), notice, retraction].includes(id)),
        list,
      ).toEqual([]);
    }
    for (const [field, what, input] of [
      ['disputeFact', 'dispute', (id: string) => ({ subject: id, person: mother, statement: 'x', how: 'said', on: '2026-11-10' })],
      ['retractEntry', 'retraction', (id: string) => ({ entry: id, expectedVersion: 1, reason: 'UNSAFE', explanation: 'x' })],
    ] as const) {
      const [hidden, absent] = [
        await run(grace, field, `${what} { id }`, input(entry)),
        await run(grace, field, `${what} { id }`, input(encodeId('WorkbookEntry', 99_999_999))),
      ];
      expect(hidden.text).toBe(absent.text);
    }
    for (const login of ['occ', 'team-07']) {
      const sql = await sqlAs(login, false, ownerUrl);
      for (const [type, id] of Object.entries({ ...ids, RecallNotice: notice, Retraction: retraction })) {
        const table = type.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
        expect((await sql.query(`select 1 from fsp.${table} where id = $1`, [key(id)])).rowCount, `${login}: ${table}`).toBe(0);
      }
      await sql.end();
    }
    await restrict(1, false);
  });
});

describe('two records of one person', () => {
  it('109 an old id is read by the rules of the merged record', async ({ skip }) => {
    const [a, b] = [encodeId('Person', father), encodeId('Person', partner)];
    const merge = await made(FRONT_DOOR, 'proposeMerge', 'merge', { survivor: b, merged: a, reason: 'x' });
    const read = async (as: Caller, id: string) =>
      (await server.ask(as, 'query($id: ID!) { node(id: $id) { id ... on Person { givenName sameAs { id } } } }', { id })).body.data.node;
    const before = await read(school, a);
    expect(before).toMatchObject({ id: a, givenName: expect.any(String), sameAs: [] });
    expect((await run(bethan, 'mergePersons', 'merge { id }', { merge, expectedVersion: 1 })).body.data.mergePersons.userErrors).toEqual(
      [],
    );
    // Who sees one is not told that there is another, and does not come to see it.
    expect(await read(school, a)).toEqual(before);
    expect(await read(school, b)).toBeNull();
    expect((await read(grace, a)).sameAs).toEqual([{ id: b }]);
    const { rows } = await owner.query(`select 1 from pg_proc where proname = 'rebuild_grants' and prosrc like '%same_persons%'`);
    if (rows.length === 0) skip();
    // What is withheld about the one is withheld about the other.
    await owner.query(
      `insert into fsp.sharing_decision (family, person, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
       select 3, $1, '{IDENTITY}', 1::bigint << $2::int, 'WITHHOLD', 'EDUCATION', 'test', 'test', 'test', id, now() - interval '1 minute', 'test' from fsp.organisation where code = 'occ'`,
      [partner, CLASS_BIT.IDENTITY],
    );
    expect(await read(school, a)).toEqual({ id: a, givenName: null, sameAs: null });
    await run(grace, 'unmergePersons', 'merge { id }', { merge, expectedVersion: 2, reason: 'x' });
    expect(await read(school, a)).toEqual(before);
  });
});
