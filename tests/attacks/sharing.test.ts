/** docs/security.md, what is tried: the sharing model, attacked by those whom it lets in for something else. */

import { readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { eraseFamily } from '../../src/db/erasing.ts';
import { inTransaction } from '../../src/db/owner.ts';
import { organisationId } from '../../src/db/personas.ts';
import { whileIndexing } from '../support/indexing.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_attack_sharing');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const caller = (client: string, user: string, purpose = 'SAFEGUARDING'): Caller => ({ client, user, purpose });
const grace = caller('occ-social-care', 'grace.whitlock');
const marcus = caller('occ-social-care', 'marcus.oyelaran');
const bethan = caller('occ-team-management', 'bethan.rowe');
const gideon = caller('occ-governance', 'gideon.marlowe', 'GOVERNANCE');
const agnes = caller('occ-governance', 'agnes.thorley', 'GOVERNANCE');
const forAccess = (who: Caller): Caller => ({ ...who, purpose: 'SUBJECT_ACCESS' });

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const organisation = (code: string) => encodeId('Organisation', organisationId(code));
const key = (id: string) => id.split('-').at(-1) as string;
const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
async function made(who: PersonaName | Caller, field: string, what: string, input: object, more = ''): Promise<any> {
  const answer = await does(who, field, input, `${what} { id ${more} }`);
  expect(answer.userErrors, JSON.stringify(answer)).toEqual([]);
  return answer[what];
}
const ofFamily = async (who: PersonaName | Caller, selection: string, id = family) =>
  (await server.ask(who, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id })).body.data?.family;
/** One row, by the owner's sight. */
const one = async (sql: string, values: unknown[] = []) => (await owner.query(sql, values)).rows[0];
const protectedNow = () => made(grace, 'protectWhereabouts', 'protection', { family, person: mother, reason: 'He is looking for her.' });
/** What a test did to the families is undone. */
afterEach(async () => {
  for (const table of [
    'person_merge',
    'person_same',
    'merge_kept_from',
    'whereabouts_protection',
    'conflict_of_interest',
    'emergency_access',
    'sealed_user',
  ])
    await owner.query(`delete from fsp.${table}`);
  await owner.query(
    "delete from fsp.involvement_contact c using fsp.involvement i where i.id = c.involvement and i.role = 'named-practitioner'",
  );
  await owner.query("delete from fsp.involvement where role = 'named-practitioner'");
  await owner.query("delete from fsp.sharing_decision where reason = 'x'");
  await owner.query("delete from fsp.membership where role = 'other-relative' and family = 3");
  await owner.query('update fsp.family set restricted = false where restricted');
});

describe('protected whereabouts', () => {
  it('a colleague does not name themselves with the person, nor take the place of who is named', async () => {
    await protectedNow();
    const name = (who: Caller, user: string) =>
      does(
        who,
        'openInvolvement',
        { family, person: mother, organisation: organisation('occ'), role: 'named-practitioner', practitioner: 'x', user },
        'involvement { id }',
      );
    const refused = await name(marcus, 'marcus.oyelaran');
    expect(refused.userErrors).not.toEqual([]);
    expect((await ofFamily(marcus, 'households { address }')).households).toBeNull();
    const { id } = await one("select id from fsp.involvement where role = 'named-practitioner'");
    const ended = await does(marcus, 'endInvolvement', { involvement: encodeId('Involvement', id) }, 'involvement { id }');
    expect(ended.userErrors).not.toEqual([]);
    await owner.query('update fsp.involvement set lead = (id = $1) where family = 1', [id]);
    const leads = { family, organisation: organisation('occ'), role: 'named-practitioner', user: 'marcus.oyelaran', lead: true };
    expect((await does(marcus, 'openInvolvement', leads, 'involvement { id }')).userErrors).toEqual([]);
    await does(marcus, 'protectWhereabouts', { family, person: mother, reason: 'x' }, 'protection { id }');
    expect((await ofFamily(marcus, 'households { address }')).households).toBeNull();
    expect((await ofFamily(grace, 'households { address }')).households.length).toBeGreaterThan(0);
  });

  it('the same person under another id is protected from the same colleagues', async () => {
    // Grace works with both; Marcus with neither.
    const other = storyPerson(3, 'mother');
    await owner.query(
      `insert into fsp.involvement (family, person, controller, worker, organisation, role, practitioner, "from")
       values (3, $1, $2, 'grace.whitlock', $2, 'named-practitioner', 'Grace Whitlock', now() - interval '1 day')`,
      [other, organisationId('occ')],
    );
    await protectedNow();
    expect((await ofFamily(marcus, 'households { address }', encodeId('Family', 3))).households.length).toBeGreaterThan(0);
    const merge = await made(
      bethan,
      'proposeMerge',
      'merge',
      { survivor: mother, merged: encodeId('Person', other), reason: 'x' },
      'version',
    );
    expect((await does(grace, 'mergePersons', { merge: merge.id, expectedVersion: merge.version }, 'merge { id }')).userErrors).toEqual([]);
    expect((await ofFamily(marcus, 'households { address }', encodeId('Family', 3)))?.households).toBeNull();
  });

  it('a lead worker who is not named is told of no service that looks at the family', async () => {
    await owner.query('update fsp.involvement set lead = false where family = 1');
    await owner.query(
      `insert into fsp.involvement (family, controller, worker, organisation, role, practitioner, lead, "from")
       values (1, $1, 'marcus.oyelaran', $2, 'named-practitioner', 'Marcus Oyelaran', true, now() - interval '1 day')`,
      [organisationId('occ'), organisationId('team-07')],
    );
    const lead = caller('team-07-workbook', 'marcus.oyelaran');
    const notices = async () =>
      (await server.ask(lead, '{ accessNotices { totalCount { value } } }')).body.data.accessNotices.totalCount.value;
    await server.ask('healthVisitor', 'query($id: ID!) { family(id: $id) { name } }', { id: family });
    await notices();
    await owner.query("update fsp.access_look set due = now() - interval '1 minute'");
    expect(await notices()).toBe(1);
    const team = await sqlAs('team-07', false, ownerUrl);
    const rows = async () => (await team.query('select 1 from fsp.access_notice')).rowCount;
    expect(await rows()).toBe(1);
    // The team has somebody who is named with the mother, and nobody who is named with the child.
    await protectedNow();
    expect(await notices()).toBe(0);
    await made(grace, 'protectWhereabouts', 'protection', { family, person: encodeId('Person', storyPerson(1, 'maisie')), reason: 'x' });
    expect(await rows()).toBe(0);
    await team.end();
  });

  it('a new surname is not put where everybody reads it', async () => {
    await protectedNow();
    const { version } = await one('select version from fsp.person_identity where person = $1', [key(mother)]);
    const { userErrors } = await does(
      grace,
      'correctPerson',
      { person: mother, expectedVersion: version, familyName: 'Fairweather' },
      'person { id }',
    );
    expect(userErrors).toMatchObject([{ code: 'RULE', rule: 'WHEREABOUTS_PROTECTED', path: ['familyName'] }]);
    expect(
      (await does(grace, 'correctPerson', { person: mother, expectedVersion: version, givenName: 'Rachel' }, 'person { id }')).userErrors,
    ).toEqual([]);
  });

  it('who does not see the record takes it from nobody by what they do not see', async () => {
    const stands = async () => (await owner.query('select stage, marac from fsp.family_stage where family = 1')).rows[0];
    const before = await stands();
    expect(before.stage).toBe('LOOKED_AFTER');
    const homes = async () => (await owner.query('select id, until from fsp.household_member where family = 1 order by id')).rows;
    const lived = await homes();
    await protectedNow();
    const begun = await does(marcus, 'startAssessment', { family, referred: '2026-11-16', started: '2026-11-17' }, 'assessment { id }');
    expect(begun.userErrors).toEqual([]);
    expect(await stands()).toEqual(before);
    const moved = await does(
      marcus,
      'moveHousehold',
      { family, members: [mother], address: '1 Nowhere', postcode: 'OX1 1AA', district: 'E07000177', from: '2026-11-18' },
      'family { id }',
    );
    expect(moved.userErrors, JSON.stringify(moved)).toMatchObject([{ rule: 'WHEREABOUTS_PROTECTED' }]);
    expect(await homes()).toEqual(lived);
    await owner.query("delete from fsp.assessment where family = 1 and referred = '2026-11-16'");
  });

  it('a recall does not name the service that works with the person', async () => {
    await protectedNow();
    // The team that works with her now takes out an entry; the police had asked for entries that they may not see.
    const jonah = caller('team-07-workbook', 'jonah.pryce');
    const entry = await made(jonah, 'addWorkbookEntry', 'entry', {
      family,
      module: 'Module 3',
      discipline: 'substance-misuse',
      sessionType: 'individual',
      occurred: '2026-11-10T10:00:00.000Z',
      persons: [mother],
    });
    await server.ask('healthVisitor', 'query($id: ID!) { family(id: $id) { name workbook { nodes { id } } } }', { id: family });
    await made(jonah, 'retractEntry', 'retraction', { entry: entry.id, expectedVersion: 1, reason: 'UNSAFE', explanation: 'x' });
    const { body } = await server.ask('healthVisitor', '{ recallNotices { nodes { from { code } kind } } }');
    expect(JSON.stringify(body.data.recallNotices.nodes)).not.toContain('team-07');
  });
});

describe('a conflict of interest', () => {
  it('holds for what governance reads: requests, looks, merges, what was taken out', async () => {
    const request = await made(
      forAccess(agnes),
      'requestSubjectAccess',
      'request',
      {
        person: mother,
        requester: 'SELF',
        received: '2026-11-02',
        identityChecked: '2026-11-03',
      },
      'version',
    );
    expect(
      (await does(forAccess(agnes), 'prepareSubjectAccess', { request: request.id, expectedVersion: request.version }, 'request { id }'))
        .userErrors,
    ).toEqual([]);
    await made(bethan, 'proposeMerge', 'merge', { survivor: mother, merged: encodeId('Person', storyPerson(3, 'mother')), reason: 'x' });
    const looks = async (who: Caller) =>
      (
        await server.ask(
          who,
          'query($f: ID!, $p: ID!) { a: disclosures(filter: {family: $f}) { totalCount { value } } b: disclosures(filter: {person: $p}) { totalCount { value } } personMerges { totalCount { value } } }',
          { f: family, p: mother },
        )
      ).body.data;
    const packs = async (who: Caller) =>
      (
        await server.ask(
          forAccess(who),
          '{ subjectAccessRequests { totalCount { value } nodes { id sections { id } items { nodes { id fields { value } } } } } }',
        )
      ).body.data.subjectAccessRequests;
    expect((await looks(gideon)).a.totalCount.value).toBeGreaterThan(0);
    expect((await packs(gideon)).totalCount.value).toBeGreaterThan(0);
    const item = (await one('select max(id) as id from fsp.subject_access_item')).id;
    await made(bethan, 'recordConflictOfInterest', 'conflict', { family, user: 'gideon.marlowe', reason: 'A brother.' });
    expect(await packs(gideon)).toEqual({ totalCount: { value: 0 }, nodes: [] });
    expect(await looks(gideon)).toEqual({
      a: { totalCount: { value: 0 } },
      b: { totalCount: { value: 0 } },
      personMerges: { totalCount: { value: 0 } },
    });
    for (const id of [encodeId('SubjectAccessItem', item), request.id]) {
      const node = await server.ask(forAccess(gideon), 'query($id: ID!) { node(id: $id) { id } }', { id });
      expect(node.body.data.node, id).toBeNull();
    }
  });

  it('holds at the front door: what was sent about the family is not there either', async () => {
    const before = (await server.ask(marcus, '{ referrals(first: 100) { nodes { id contact { family { id } } } } }')).body.data?.referrals
      ?.nodes;
    const matched = before?.find((r: any) => r.contact?.family?.id);
    expect(matched, JSON.stringify(before?.slice(0, 3))).toBeTruthy();
    const about = matched.contact.family.id;
    await made(bethan, 'recordConflictOfInterest', 'conflict', { family: about, user: 'marcus.oyelaran', reason: 'A cousin.' });
    const { body } = await server.ask(marcus, 'query($id: ID!) { referrals(first: 100) { nodes { id } } node(id: $id) { id } }', {
      id: matched.id,
    });
    expect(body.data.referrals.nodes).not.toContainEqual({ id: matched.id });
    expect(body.data.node).toBeNull();
  });

  it('follows a person who is one with somebody of the family', async () => {
    const other = storyPerson(3, 'mother');
    const merge = await made(
      bethan,
      'proposeMerge',
      'merge',
      { survivor: mother, merged: encodeId('Person', other), reason: 'x' },
      'version',
    );
    await does(grace, 'mergePersons', { merge: merge.id, expectedVersion: merge.version }, 'merge { id }');
    await made(bethan, 'recordConflictOfInterest', 'conflict', { family, user: 'marcus.oyelaran', reason: 'A cousin.' });
    const { body } = await server.ask(marcus, 'query($id: ID!) { node(id: $id) { id } }', { id: encodeId('Person', other) });
    expect(body.data.node).toBeNull();
  });
});

describe('an emergency', () => {
  it('opens to each user the classes that they named, and not a colleague’s', async () => {
    const police = organisationId('thames-valley-police');
    const { subject } = await one('select subject from fsp.app_user where organisation = $1 and subject <> $2 limit 1', [
      police,
      'harriet.coyle',
    ]);
    const harriet = caller('thames-valley-police-protection', 'harriet.coyle', 'EMERGENCY');
    const colleague = { ...harriet, user: subject };
    const third = encodeId('Family', 3);
    const input = { family: third, reasonCode: 'RISK_TO_LIFE', reason: 'x' };
    await made(harriet, 'openEmergencyAccess', 'emergency', { ...input, classes: ['IDENTITY', 'FAMILY', 'WHEREABOUTS'] });
    await made(colleague, 'openEmergencyAccess', 'emergency', { ...input, classes: ['FAMILY'] });
    expect((await ofFamily(harriet, 'households { address }', third)).households.length).toBeGreaterThan(0);
    const seen = await ofFamily(colleague, 'name households { address } members { person { givenName } }', third);
    expect(seen).toMatchObject({ name: 'Dunmore', households: null });
    for (const { person } of seen.members) expect(person?.givenName ?? null).toBeNull();
  });
});

describe('a request for somebody’s own data', () => {
  it('that a named user gathered from a restricted family too is there for named users alone', async () => {
    // She belongs to a restricted family as well.
    await owner.query(
      `insert into fsp.membership (family, person, controller, role, "from") values (3, $1, $2, 'other-relative', '2026-01-01')`,
      [storyPerson(1, 'mother'), organisationId('occ')],
    );
    await owner.query(
      "insert into fsp.sealed_user (organisation, subject, on_rota) values ($1, 'agnes.thorley', true), ($1, 'bethan.rowe', false)",
      [organisationId('occ')],
    );
    await owner.query('update fsp.family set restricted = true where id = 3');
    for (let left = 50; left > 0; left--) {
      if (await ofFamily({ ...agnes }, 'id', encodeId('Family', 3))) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const request = await made(
      forAccess(agnes),
      'requestSubjectAccess',
      'request',
      {
        person: mother,
        requester: 'SELF',
        received: '2026-11-02',
        identityChecked: '2026-11-03',
      },
      'version',
    );
    expect(
      (await does(forAccess(agnes), 'prepareSubjectAccess', { request: request.id, expectedVersion: request.version }, 'request { id }'))
        .userErrors,
    ).toEqual([]);
    const packs = async (who: Caller) =>
      JSON.stringify(
        (await server.ask(forAccess(who), '{ subjectAccessRequests { nodes { id items { nodes { id } } } } }')).body.data
          .subjectAccessRequests.nodes,
      );
    expect(await packs(agnes)).toContain(request.id);
    expect(await packs(gideon)).not.toContain(`"${request.id}"`);
    const sql = await sqlAs('occ', false, ownerUrl);
    for (const table of ['item', 'section', 'field', 'exclusion'])
      expect((await sql.query(`select 1 from fsp.subject_access_${table} where request = $1`, [key(request.id)])).rowCount, table).toBe(0);
    await sql.end();
  });
});

describe('two at once', () => {
  const begin = async () => {
    const client = await sqlAsOwner(ownerUrl);
    await client.query('begin');
    return client;
  };
  it('a person protected while they join another family is protected there as well', async () => {
    const person = storyPerson(1, 'father');
    const joins = await begin();
    await joins.query(
      `insert into fsp.membership (family, person, controller, role, "from") values (3, $1, $2, 'other-relative', '2026-01-01')`,
      [person, organisationId('occ')],
    );
    const protects = await begin();
    const protecting = protects.query(
      `insert into fsp.whereabouts_protection (family, person, controller, reason, "from") values (1, $1, $2, 'x', now() - interval '1 minute')`,
      [person, organisationId('occ')],
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    await joins.query('commit');
    await protecting;
    await protects.query('commit');
    await Promise.all([joins.end(), protects.end()]);
    const open = async () =>
      (await owner.query('select login, starts, guarded, withheld from fsp.family_grant where family = 3 order by login, starts')).rows;
    const left = await open();
    await owner.query("select fsp.rebuild_grants('{3}')");
    expect(left).toEqual(await open());
    expect(left.filter(({ guarded }) => guarded).length).toBeGreaterThan(0);
  });
  it('twenty decisions about one person under two ids lose nothing, and none is refused', async () => {
    const other = storyPerson(3, 'mother');
    const merge = await made(
      bethan,
      'proposeMerge',
      'merge',
      { survivor: mother, merged: encodeId('Person', other), reason: 'x' },
      'version',
    );
    await does(grace, 'mergePersons', { merge: merge.id, expectedVersion: merge.version }, 'merge { id }');
    const classes = ['CASE', 'ASSESSMENT', 'WORKBOOK', 'PROGRESS', 'ADULT_VOICE', 'EQUALITY', 'VICTIM', 'COURT', 'OFFER', 'HOUSING'];
    const answers = await Promise.all(
      classes.flatMap((each) =>
        [
          [family, mother],
          [encodeId('Family', 3), encodeId('Person', other)],
        ].map(([f, p]) =>
          does(
            grace,
            'recordSharingDecision',
            { family: f, person: p, classes: [each], agency: 'HEALTH', effect: 'WITHHOLD', gateway: 'CA1989-s47', told: 'x', reason: 'x' },
            'decision { id }',
          ),
        ),
      ),
    );
    expect(answers.filter(({ userErrors }) => userErrors?.length !== 0)).toEqual([]);
  });
});

describe('a stolen login', () => {
  it('learns of no request about a restricted family, and reads no notice of it', async () => {
    const sql = await sqlAs('oxford-health', false, ownerUrl);
    const { id } = await one(
      `insert into fsp.information_request (sender, addressee, about_family, purpose, question, asked_on, due_on) values ($1, $2, 3, 'S47', 'x', '2026-11-01', '2026-11-05') returning id`,
      [organisationId('occ'), organisationId('oxford-health')],
    ).catch(async (error) => ({ id: null, error }));
    if (id !== null) {
      await owner.query('update fsp.family set restricted = true where id = 3');
      const { rows } = await sql.query('select fsp.request_open($1) as hidden, fsp.request_open(99999999) as absent', [id]);
      expect(rows[0].hidden).toBe(rows[0].absent);
    }
    await sql.end();
    expect(id).not.toBeNull();
  });
  it('counts no keys of what named users did', async () => {
    const [daily, sealed] = [await sqlAs('occ', false, ownerUrl), await sqlAs('occ', true, ownerUrl)];
    const keysOf = async (sql: pg.Client) => (await sql.query("select 1 from fsp.idempotency where key = 'sealed-key'")).rowCount;
    await sealed.query(
      `insert into fsp.idempotency (organisation, client, key, fingerprint, result) values ($1, 'occ-social-care', 'sealed-key', '\\x00', '{}')`,
      [organisationId('occ')],
    );
    expect([await keysOf(daily), await keysOf(sealed)]).toEqual([0, 1]);
    await Promise.all([daily.end(), sealed.end()]);
  });
  it('does not learn from what a row is kept from who is one with whom', async () => {
    const other = storyPerson(3, 'mother');
    const merge = await made(
      bethan,
      'proposeMerge',
      'merge',
      { survivor: mother, merged: encodeId('Person', other), reason: 'x' },
      'version',
    );
    await does(grace, 'mergePersons', { merge: merge.id, expectedVersion: merge.version }, 'merge { id }');
    const sql = await sqlAs('team-02', false, ownerUrl);
    const { rows } = await sql.query(
      `insert into fsp.workbook_entry (family, controller, worker, kept_from, module, discipline, session_type, occurred_at, author)
       values (2, $1, 'x', array[$2::bigint], 'Module 3', 'social-worker', 'individual', now(), 'x') returning kept_from`,
      [organisationId('team-02'), key(mother)],
    );
    expect(rows[0].kept_from.map(String)).toEqual([key(mother)]);
    await sql.end();
  });
});

describe('what is withheld', () => {
  const withhold = async (...classes: string[]) =>
    does(
      grace,
      'recordSharingDecision',
      { family, classes, agency: 'HEALTH', effect: 'WITHHOLD', gateway: 'CA1989-s47', told: 'x', reason: 'x' },
      'decision { id }',
    );
  const chosen = async (filter: string) => {
    const { body } = await server.ask(
      'healthVisitor',
      `{ families(first: 100, filter: { ${filter} }) { totalCount { value } nodes { id } } }`,
    );
    return { there: body.data.families.nodes.some(({ id }: any) => id === family), count: body.data.families.totalCount.value };
  };
  it('81 is not told by a filter through a relation', async () => {
    const { district } = await one('select district from fsp.household where family = 1 and until is null limit 1');
    const before = await chosen(`district: "${district}"`);
    expect(before.there).toBe(true);
    await withhold('WHEREABOUTS');
    expect(await chosen(`district: "${district}"`)).toEqual({ there: false, count: before.count - 1 });
  });
  it('83 takes no part in a count, whatever it is narrowed by', async () => {
    const { stage } = await one('select stage from fsp.family_stage where family = 1');
    const before = await chosen(`stage: ${stage}`);
    await withhold('CASE');
    expect(await chosen(`stage: ${stage}`)).toEqual({ there: false, count: before.count - 1 });
    expect((await chosen('')).there).toBe(true);
  });
  it('is not decided in a bundle whose event ends meanwhile', async () => {
    const [decides, leaves] = [await sqlAs('occ', false, ownerUrl), await sqlAsOwner(ownerUrl)];
    const { stage } = await one('select stage from fsp.family_stage where family = 1');
    await owner.query("update fsp.family_stage set stage = 'SECTION_47', marac = false where family = 1");
    await leaves.query('begin');
    await leaves.query("update fsp.family_stage set stage = 'EARLY_HELP' where family = 1");
    const deciding = decides
      .query(
        `select fsp.decide(1, null, '{HOUSING}', 'SHARE', 'STRATEGY_DISCUSSION', null, 'HEALTH', 'CA1989-s47', 'NOT_SHARING_HARMS_MORE', 'x', 'x', 'x', 'x', now(), null, 'x')`,
      )
      .then(
        () => 'decided',
        () => 'refused',
      );
    await new Promise((resolve) => setTimeout(resolve, 300));
    await leaves.query('commit');
    expect(await deciding).toBe('refused');
    await owner.query('update fsp.family_stage set stage = $1 where family = 1', [stage]);
    await Promise.all([decides.end(), leaves.end()]);
  });
});

describe('what another login, or nobody, can use', () => {
  it('88 an upsert says the same of a hidden row and of none', async () => {
    const sql = await sqlAs('occ', false, ownerUrl);
    await owner.query('update fsp.family set restricted = true where id = 3');
    const words = (id: number) =>
      sql
        .query(`insert into fsp.family_name (family, controller, name, reference) values ($1, $2, 'x', 'x') on conflict do nothing`, [
          id,
          organisationId('occ'),
        ])
        .then(
          ({ rowCount }) => String(rowCount),
          (error) => `${error.code} ${error.message}`,
        );
    expect(await words(3)).toBe(await words(99_999_999));
    const keyed = (id: number) =>
      sql
        .query(`insert into fsp.person_upn (person, controller, upn) values ($1, $2, 'x') on conflict (person) do update set upn = 'y'`, [
          id,
          organisationId('occ'),
        ])
        .then(
          ({ rowCount }) => String(rowCount),
          (error) => `${error.code} ${error.message}`,
        );
    expect(await keyed(storyPerson(3, 'daughter'))).toBe(await keyed(99_999_999));
    await sql.end();
  });
  it('92 a version says nothing of a row that is hidden', async () => {
    const { id } = await one('select max(id) as id from fsp.plan where family = 3');
    await owner.query('update fsp.family set restricted = true where id = 3');
    const words = async (hold: string) =>
      JSON.stringify(await does(gideon, 'liftHold', { hold, expectedVersion: 7, on: '2026-11-10', reason: 'x' }, 'hold { id }'));
    const { id: held } = await one(
      `insert into fsp.retention_hold (family, controller, cause, reason, placed_on, placed_by) values (3, $1, 'inquiry', 'x', '2026-11-01', 'x') returning id`,
      [organisationId('occ')],
    );
    expect(id).not.toBeNull();
    expect(await words(encodeId('RetentionHold', held))).toBe(await words(encodeId('RetentionHold', 99_999_999)));
    await owner.query('delete from fsp.retention_hold where id = $1', [held]);
  });
  it('95 callers who ask the same at once are each answered for themselves', async () => {
    const callers = ['socialWorker', 'police', 'healthVisitor', 'school', 'provider', 'teamSpecialist'] as const;
    const ask = async (who: PersonaName) =>
      (
        await server.ask(
          who,
          'query Same($id: ID!) { viewer { organisation } family(id: $id) { name stage workbook { totalCount { value } } withheld { field reason } } }',
          { id: family },
        )
      ).text.replace(/"extensions":\{"cost".*$/, '');
    const alone = new Map<string, string>();
    for (const who of callers) alone.set(who, await ask(who));
    const answers = await Promise.all(
      Array.from({ length: 120 }, (_, i) => callers[i % callers.length] as PersonaName).map(async (who) => [who, await ask(who)] as const),
    );
    for (const [who, text] of answers) expect(text, who).toBe(alone.get(who));
    expect(new Set(alone.values()).size).toBe(callers.length);
  });
  it('97 a request sets nothing in its connection: who asks is the login', () => {
    const folder = new URL('../../src/', import.meta.url);
    const files = readdirSync(folder, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith('.ts'));
    const setting = files.filter((name) => /set_config\(|\bset (local|session|role)\b/i.test(readFileSync(new URL(name, folder), 'utf8')));
    // The owner's own: a loader of families, and the archive.
    expect(setting.sort()).toEqual(['db/generate.ts', 'disclosure/archive.ts']);
  });
  it('98 a setting changes nothing of who asks', async () => {
    const sql = await sqlAs('school-tansy-bridge', false, ownerUrl);
    const counts = async () =>
      (
        await sql.query(
          'select fsp.current_login()::text as login, fsp.current_organisation() as organisation, (select count(*)::int from fsp.membership) as members',
        )
      ).rows[0];
    const before = await counts();
    for (const setting of ['fsp.defer_grants', 'fsp.organisation', 'fsp.login', 'app.tenant', 'row_security', 'search_path'])
      await sql.query('select set_config($1, $2, false)', [setting, setting === 'row_security' ? 'on' : 'on']).catch(() => {});
    await sql.query('set search_path = pg_temp, fsp, pg_catalog');
    await sql.query('create temporary table login (name text, organisation integer, sealed boolean, emergency boolean)').catch(() => {});
    expect(await counts()).toEqual(before);
    await sql.query('set row_security = off');
    await expect(sql.query('select count(*) from fsp.membership')).rejects.toMatchObject({ code: '42501' });
    await sql.end();
  });
  it('105 what listens hears that something changed, and nothing else', async () => {
    const sql = await sqlAs('turning-point', false, ownerUrl);
    const heard: (string | undefined)[] = [];
    sql.on('notification', ({ channel, payload }) => heard.push(`${channel}:${payload ?? ''}`));
    for (const { name } of (
      await owner.query("select distinct m[1] as name from pg_proc p, regexp_matches(p.prosrc, 'pg_notify\\(''([a-z_]+)''', 'g') m")
    ).rows)
      await sql.query(`listen ${name}`);
    await owner.query("insert into fsp.sealed_user (organisation, subject) values ($1, 'agnes.thorley')", [organisationId('occ')]);
    await made(grace, 'protectWhereabouts', 'protection', { family, person: mother, reason: 'x' });
    for (let left = 30; left > 0 && new Set(heard).size < 2; left--) await new Promise((resolve) => setTimeout(resolve, 100));
    await sql.query('select 1');
    expect(new Set(heard)).toEqual(new Set(['fsp_gate:', 'fsp_feed:']));
    await sql.end();
  });
  it('106 no view stands before the tables, and what works as the owner is pinned and not everybody’s', async () => {
    const { rows: views } = await owner.query(
      "select relname from pg_class where relnamespace = 'fsp'::regnamespace and relkind in ('v', 'm', 'f')",
    );
    expect(views).toEqual([]);
    const { rows: loose } = await owner.query(
      `select p.proname from pg_proc p where p.pronamespace = 'fsp'::regnamespace and p.prosecdef and not coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false)`,
    );
    expect(loose).toEqual([]);
    const { rows: open } = await owner.query(
      `select p.proname from pg_proc p where p.pronamespace = 'fsp'::regnamespace and p.prosecdef and p.prorettype <> 'trigger'::regtype
         and has_function_privilege('public', p.oid, 'execute') order by 1`,
    );
    expect(open.map(({ proname }) => proname)).toEqual([
      'current_organisation',
      'own_open',
      'own_open_person',
      'referral_open',
      'request_open',
    ]);
  });
  it('127 a failing database is told of in words of ours alone', async () => {
    await owner.query('alter table fsp.family_name rename column name to name_of_before');
    const { text, body, status } = await server.ask(grace, 'query Fails($id: ID!) { family(id: $id) { name } }', { id: family });
    await owner.query('alter table fsp.family_name rename column name_of_before to name');
    expect(body.data ?? null).toBeNull();
    expect([status, body.errors?.[0].extensions.code]).toEqual([500, 'INTERNAL']);
    expect(text).not.toMatch(/column|fsp\.|select|family_name|s\d\./i);
  });
  it('128 a database that does not let in is a refusal', async () => {
    const database = new URL(ownerUrl).pathname.slice(1);
    await owner.query(`alter database ${database} connection limit 0`);
    const { status, body } = await server.ask(
      { client: 'oxfordshire-mind-casework', user: 'isolde.marsh', purpose: 'SAFEGUARDING' },
      'query($id: ID!) { family(id: $id) { name } }',
      { id: family },
    );
    await owner.query(`alter database ${database} connection limit -1`);
    expect([status, body.data ?? null, body.errors?.[0].extensions.code]).toEqual([503, null, 'UNAVAILABLE']);
  });
});

describe('a family that is erased', () => {
  it('takes no protection from those who live on in another one', async () => {
    const person = storyPerson(2, 'mother');
    await owner.query(
      `insert into fsp.membership (family, person, controller, role, "from") values (3, $1, $2, 'other-relative', '2026-01-01')`,
      [person, organisationId('occ')],
    );
    await made({ ...FRONT_DOOR, user: 'grace.whitlock' }, 'protectWhereabouts', 'protection', {
      family: encodeId('Family', 2),
      person: encodeId('Person', person),
      reason: 'x',
    });
    await made({ ...FRONT_DOOR, user: 'grace.whitlock' }, 'recordSharingDecision', 'decision', {
      family: encodeId('Family', 2),
      person: encodeId('Person', person),
      classes: ['IDENTITY'],
      agency: 'HEALTH',
      effect: 'WITHHOLD',
      gateway: 'CA1989-s47',
      told: 'x',
      reason: 'x',
    });
    const guarded = async () =>
      (
        await one(
          'select bool_and(guarded) as all from fsp.family_grant g join fsp.login l on l.id = g.login where g.family = 3 and l.organisation <> $1 and g.ends > now()',
          [organisationId('occ')],
        )
      )?.all;
    const before = await guarded();
    expect(before).not.toBe(false);
    expect((await ofFamily(marcus, 'households { address }', encodeId('Family', 3))).households).toBeNull();
    await whileIndexing(ownerUrl, owner, 2, () => inTransaction(owner, () => eraseFamily(owner, '2')));
    await owner.query("select fsp.rebuild_grants('{3}')");
    expect(await guarded()).toBe(before);
    expect((await ofFamily(marcus, 'households { address }', encodeId('Family', 3))).households).toBeNull();
    const { withheld } = await one('select count(*)::int as withheld from fsp.sharing_decision where person = $1', [person]);
    expect(withheld).toBe(1);
  });
});
