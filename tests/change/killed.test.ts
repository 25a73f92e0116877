/** A command whose backend dies in its midst: nothing of it is left, and the same key asks again without a second effect. */
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { encodeId, loginAt, ownDatabase, PERSONAS, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let holder: pg.Client;
/** Who may end others' connections. */
let admin: pg.Client;
let login: string;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_killed');
  login = loginAt(ownerUrl, 'occ');
  admin = new pg.Client({ connectionString: inject('superuserUrl') });
  await admin.connect();
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
  holder = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
  await holder.end();
  await admin.end();
});

const rows = async (sql: string) => (await owner.query(sql)).rows;
const grants = () =>
  rows('select login, family, period, shared, withheld, purposes, only_with, guarded from fsp.family_grant where family = 1 order by 1, 3');
const persons = () =>
  rows(
    `select login, person, period, shared, withheld, family_shared, family_withheld, needs, agreed, purposes, guarded from fsp.person_grant
     where person in (select person from fsp.membership where family = 1) order by 1, 2, 3`,
  );
const rules = () =>
  rows('select login, kind, family, person, about, subjects, starts, ends from fsp.user_rule where family = 1 order by 1, 2, 4, 5');

// The decision, the grants that follow from it, and the rules of users: written one after the other, in this order.
const POINTS = [
  ['fsp.sharing_decision', 'before anything is written'],
  ['fsp.person_grant', 'between the grants of the family and of its members'],
  ['fsp.user_rule', 'as the last of it is written'],
];
it.each(POINTS)('133 a decision whose backend dies at %s, %s', async (table) => {
  const reason = `A test of ${table}.`;
  const input = {
    idempotencyKey: `killed-${table}`,
    family: encodeId('Family', 1),
    effect: 'WITHHOLD',
    classes: ['WHEREABOUTS'],
    agency: 'HEALTH',
    gateway: 'CA1989-s17',
    told: 'They know.',
    reason,
  };
  const decide = () =>
    server.ask(
      'socialWorker',
      'mutation($input: RecordSharingDecisionInput!) { recordSharingDecision(input: $input) { decision { id } userErrors { code } } }',
      {
        input,
      },
    );
  const before = [await grants(), await persons(), await rules()];
  await holder.query('begin');
  await holder.query(`lock table ${table} in share row exclusive mode`);
  const dying = decide();
  const waiting = `select pid from pg_stat_activity where datname = 'fsp_killed' and wait_event_type = 'Lock' and usename = $1`;
  let found: { pid: number }[] = [];
  for (let left = 100; found.length === 0 && left > 0; left--) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = (await admin.query(waiting, [login])).rows;
  }
  expect(found).toHaveLength(1);
  await admin.query('select pg_terminate_backend($1)', [found[0]?.pid]);
  const answer = await dying;
  await holder.query('rollback');
  expect(answer.body.data?.recordSharingDecision ?? null).toBeNull();
  expect(JSON.stringify(answer.body)).not.toMatch(/terminat|backend|sql/i);
  expect(await rows(`select id from fsp.sharing_decision where reason = '${reason}'`)).toEqual([]);
  expect([await grants(), await persons(), await rules()]).toEqual(before);

  const again = await decide();
  expect(again.body.data.recordSharingDecision).toMatchObject({ decision: { id: expect.any(String) }, userErrors: [] });
  expect((await decide()).body.data.recordSharingDecision.decision).toEqual(again.body.data.recordSharingDecision.decision);
  expect(await rows(`select id from fsp.sharing_decision where reason = '${reason}'`)).toHaveLength(1);
  const shown = await server.ask('healthVisitor', '{ family(id: "Family-1") { households { __typename } } }');
  expect(shown.body.data.family.households, PERSONAS.healthVisitor.label).toBeNull();
  await owner.query('update fsp.sharing_decision set withdrawn_at = now() where reason = $1', [reason]);
});
