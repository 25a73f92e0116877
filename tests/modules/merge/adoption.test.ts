/** A child who is adopted is somebody new: nothing says, matches or merges them with who they were. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
  loginAt,
  ownDatabase,
  PERSONAS,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

const grace: Caller = PERSONAS.socialWorker;
const bethan: Caller = { client: 'occ-team-management', user: 'bethan.rowe', purpose: 'SAFEGUARDING' };
const adoption: Caller = { client: 'occ-adoption', user: 'philippa.nunn', purpose: 'SAFEGUARDING' };
const governance: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const subjectAccess: Caller = { ...governance, purpose: 'SUBJECT_ACCESS' };

const family = encodeId('Family', 1);
const before = storyPerson(1, 'maisie');
const person = encodeId('Person', before);
const NAME = { givenName: 'Maisie', familyName: 'Thistlewood', dateOfBirth: '2019-03-14', sex: 'F' };

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let numbers: { nhsNumber: string; upn: string };
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_adoption');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  await owner.query(
    "insert into fsp.sealed_user (organisation, subject, on_rota) values ($1, 'bethan.rowe', true), ($1, 'philippa.nunn', false)",
    [organisationId('occ')],
  );
  // Servers hear of new named users without being asked.
  const sealed = loginAt(ownerUrl, 'occ', 'sealed');
  for (let left = 50; left > 0; left--) {
    await ofFamily(bethan, 'id');
    await ofFamily(adoption, 'id');
    if ((await owner.query('select from pg_stat_activity where datname = current_database() and usename = $1', [sealed])).rowCount) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rows } = await owner.query(
    'select n.nhs_number as "nhsNumber", u.upn from fsp.person_nhs_number n join fsp.person_upn u on u.person = n.person where n.person = $1',
    [before],
  );
  numbers = rows[0];
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const ofFamily = async (who: PersonaName | Caller, selection: string, id = family) =>
  (await server.ask(who, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id })).body.data?.family ?? null;
const record = (who: PersonaName | Caller, input: object = {}) =>
  does(who, 'recordAdoption', { family, person, orderedOn: '2026-10-01', reason: 'The court made the order.', ...input }, 'person { id }');
const worry = (children: object[]) => ({
  madeOn: '2026-11-02',
  concern: 'She came to school hungry, again.',
  need: 'N1',
  familyKnows: 'TOLD',
  agreed: true,
  phone: '07700 900321',
  children,
});
const alerts = async () =>
  (await owner.query("select count(*)::int as n from fsp.task where family = 1 and kind = 'restricted-match'")).rows[0].n;

describe('the record before an adoption', () => {
  it('ends by the adoption role, once the family is restricted for that cause', async () => {
    for (const who of ['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)
      expect((await record(who)).refused, who).toMatchObject({ code: 'FORBIDDEN', field: 'Mutation.recordAdoption' });
    expect((await record(grace)).userErrors).toMatchObject([{ rule: 'ADOPTION_ROLE' }]);
    expect((await record(adoption)).userErrors).toMatchObject([{ rule: 'ADOPTION_RESTRICTION' }]);
    expect((await record(adoption, { orderedOn: '2027-01-01', reason: ' ' })).userErrors).toMatchObject([
      { path: ['reason'] },
      { path: ['orderedOn'] },
    ]);
    expect((await record(adoption, { person: encodeId('Person', 99_999_999) })).userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['person'] },
    ]);
    // It was matched with somebody once, and somebody proposed a merge.
    const other = storyPerson(3, 'mother');
    await owner.query("insert into fsp.match_candidate (subject_table, row_key, other) values ('person_upn', $1, $2)", [before, other]);
    const proposed = await does(
      grace,
      'proposeMerge',
      { survivor: person, merged: encodeId('Person', other), reason: 'x' },
      'merge { id version }',
    );
    expect(proposed.userErrors).toEqual([]);

    const restrict = { family, cause: 'ADOPTION', reason: 'Her record is closed.' };
    expect((await does(adoption, 'restrictFamily', restrict, 'restriction { cause }')).restriction).toEqual({ cause: 'ADOPTION' });
    expect((await record(adoption)).userErrors).toEqual([]);
    expect((await record(adoption)).userErrors).toMatchObject([{ rule: 'ADOPTION_ONCE' }]);
    expect((await owner.query('select from fsp.match_candidate where $1 in (row_key, other)', [before])).rowCount).toBe(0);
    expect((await owner.query('select from fsp.person_merge where $1 in (survivor, merged)', [before])).rowCount).toBe(0);
  });
  it('is there for the adoption role alone: to other named users, and to everybody else, as if it had never been', async () => {
    expect((await ofFamily(adoption, 'name')).name).toBe('Hartwell');
    const ask = async (who: Caller, id: string, of: string) =>
      (
        await server.ask(
          who,
          'query($id: ID!, $of: ID!) { family(id: $id) { id } node(id: $of) { id } families(first: 100) { totalCount { value } } }',
          { id, of },
        )
      ).text;
    for (const who of [bethan, grace, PERSONAS.healthVisitor, PERSONAS.police])
      expect(await ask(who, family, person), who.client).toBe(
        await ask(who, encodeId('Family', 99_999_999), encodeId('Person', 99_999_999)),
      );
    // Her mother is somebody's mother still, in other families of hers.
    expect(JSON.stringify(await ofFamily(adoption, 'members { person { id } }'))).toContain(person);
  });
});

describe('who was adopted', () => {
  let now: string;
  let key: number;
  it('is put on record as anybody new, with whatever number, also by who sees the old record', async () => {
    const { family: made, userErrors } = await does(
      adoption,
      'registerFamily',
      { name: 'Thistlewood', members: [{ ...NAME, ...numbers, role: 'child' }] },
      'family { id members { person { id } } }',
    );
    expect(userErrors).toEqual([]);
    now = made.members[0].person.id;
    key = Number(now.split('-').at(-1));
    expect(key).not.toBe(before);
    expect(
      (await owner.query('select from fsp.match_candidate where $1 in (row_key, other) or $2 in (row_key, other)', [before, key])).rowCount,
    ).toBe(0);
    // Nor when the old record's number is written again, by whomever.
    await owner.query('update fsp.person_nhs_number set nhs_number = nhs_number where person = $1', [before]);
    await owner.query('update fsp.person_upn set upn = upn where person in ($1, $2)', [before, key]);
    expect((await owner.query('select from fsp.match_candidate')).rowCount).toBe(0);
  });
  it('is who a look-up finds: the old record neither answers nor hears of it', async () => {
    const told = await alerts();
    const receipts = async () => (await owner.query('select from fsp.look_up_receipt where family = 1')).rowCount;
    const heard = await receipts();
    const look = `mutation($input: LookUpInput!) { lookUp(input: $input) { lookUp { childProtectionPlan lookedAfter ring } userErrors { code } } }`;
    const { body } = await server.ask('police', look, {
      input: { idempotencyKey: 'look', nhsNumber: numbers.nhsNumber, reason: 'x' },
    });
    expect(body.errors).toBeUndefined();
    expect(body.data.lookUp).toMatchObject({ lookUp: { childProtectionPlan: false, lookedAfter: false }, userErrors: [] });
    expect((await owner.query('select from fsp.look_up_receipt where family <> 1')).rowCount).toBeGreaterThan(0);
    expect([await alerts(), await receipts()]).toEqual([told, heard]);
  });
  it('by their old name is told to nobody as a match of the old record', async () => {
    const told = await alerts();
    const { rows } = await owner.query(
      'select given_name, family_name, date_of_birth::text as born from fsp.person_identity where person = $1',
      [before],
    );
    const [{ given_name: givenName, family_name: familyName, born: dateOfBirth }] = rows;
    const sent = await does('school', 'makeReferral', worry([{ givenName, familyName, dateOfBirth }]), 'referral { id }');
    expect(sent.userErrors).toEqual([]);
    expect(await alerts()).toBe(told);
  });
  it('is merged with who they were by nobody, who sees both included; that it is refused tells nothing of the two', async () => {
    const propose = (who: Caller, survivor: string, merged: string) =>
      does(who, 'proposeMerge', { survivor, merged, reason: 'x' }, 'merge { id }');
    const refused = await propose(adoption, now, person);
    expect(refused.userErrors).toMatchObject([{ rule: 'MERGE_ONCE' }]);
    expect(await propose(adoption, encodeId('Person', storyPerson(3, 'mother')), person)).toEqual(refused);
    expect((await propose({ ...FRONT_DOOR, user: 'grace.whitlock' }, now, person)).userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['merged'] },
    ]);
    const sealed = await sqlAs('occ', true, ownerUrl);
    const { rows } = await sealed.query("select fsp.propose_merge($1, $2, 'x', 'philippa.nunn', 'x') as made", [key, before]);
    expect(rows).toEqual([{ made: null }]);
    await sealed.end();
    expect(
      (await owner.query('select same::int from fsp.same_persons(array[$1::bigint, $2::bigint])', [key, before])).rows
        .map((row) => row.same)
        .sort(),
    ).toEqual([before, key].sort());
    const node = await server.ask(adoption, 'query($id: ID!) { node(id: $id) { ... on Person { sameAs { id } } } }', { id: now });
    expect(node.body.data.node.sameAs).toEqual([]);
  });
  it('is explained by itself, and asks for data of their own', async () => {
    const explain =
      'query($family: ID!, $person: ID) { explainAccess(client: "occ-social-care", family: $family, person: $person, field: "Person.givenName") { verdict } }';
    expect((await server.ask(governance, explain, { family, person })).body.data).toEqual({ explainAccess: null });
    const { request, userErrors } = await does(
      subjectAccess,
      'requestSubjectAccess',
      { person: now, requester: 'SELF', received: '2026-11-02', identityChecked: '2026-11-03' },
      'request { id version }',
    );
    expect(userErrors).toEqual([]);
    expect(
      (await does(subjectAccess, 'prepareSubjectAccess', { request: request.id, expectedVersion: request.version }, 'request { id }'))
        .userErrors,
    ).toEqual([]);
    const { rows } = await owner.query(
      `select f.value from fsp.subject_access_field f join fsp.subject_access_item i on i.id = f.item where i.request = $1`,
      [request.id.split('-')[1]],
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map(({ value }) => value).join(' ')).not.toContain('Hartwell');
  });
});

it('no row of any table names both', async () => {
  const { rows: made } = await owner.query("select person::int from fsp.person_identity where family_name = 'Thistlewood'");
  const { rows: tables } = await owner.query(
    // A batch of the disclosure record holds the records of many requests; each is looked at by itself, as disclosure_entry.
    "select c.relname as name from pg_class c where c.relnamespace = 'fsp'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'disclosure'",
  );
  const both: string[] = [];
  for (const { name } of tables) {
    const { rows } = await owner.query(`select count(*)::int as n from fsp.${name} t where t::text ~ $1 and t::text ~ $2`, [
      `\\m${before}\\M`,
      `\\m${made[0].person}\\M`,
    ]);
    if (rows[0].n > 0) both.push(name);
  }
  expect(both).toEqual([]);
  // Nor may any login read which records have ended so.
  for (const [code, sealed] of [
    ['occ', false],
    ['occ', true],
    ['oxford-health', false],
    ['team-07', false],
  ] as const) {
    const client = await sqlAs(code, sealed, ownerUrl);
    await expect(client.query('select * from fsp.adoption')).rejects.toMatchObject({ code: '42501' });
    await client.end();
  }
  for (const code of ['oxford-health', 'team-07', 'thames-valley-police']) {
    const client = await sqlAs(code, false, ownerUrl);
    await expect(client.query("select fsp.record_adoption(1, $1, '2026-01-01', 'x', 'x')", [before])).rejects.toMatchObject({
      code: '42501',
    });
    await client.end();
  }
});
