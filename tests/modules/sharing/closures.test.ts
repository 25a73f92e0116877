/** What closes a family, or where somebody is, to those who must not know. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEAK_GROUP } from '../../../src/access/agreement.ts';
import { isPersonal } from '../../../src/access/classes.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { BINDINGS } from '../../../src/modules/index.ts';
import { productSchema } from '../../../src/server.ts';
import {
  type Caller,
  encodeId,
  loginAt,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_closures');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const organisation = (code: string) => encodeId('Organisation', organisationId(code));
const marcus: Caller = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
const manager: Caller = { client: 'occ-team-management', user: 'bethan.rowe', purpose: 'SAFEGUARDING' };
const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const ofFamily = async (who: PersonaName | Caller, selection: string, id = family) =>
  (await server.ask(who, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id })).body.data?.family;
/** Servers hear of new named users without being asked; what they have heard is not known here. */
const untilHeard = async (heard: () => Promise<boolean>) => {
  for (let left = 50; left > 0 && !(await heard()); left--) await new Promise((resolve) => setTimeout(resolve, 100));
};
const families = async (who: PersonaName | Caller) =>
  (await server.ask(who, '{ families(first: 100) { totalCount { value } nodes { id } } }')).body.data.families;

describe('protected whereabouts', () => {
  const classesShown = async (login: string) => {
    const client = await sqlAs(login, false, ownerUrl);
    const seen: string[] = [];
    for (const { anchor, type } of BINDINGS.values()) {
      if (typeof anchor === 'string' || Array.isArray(anchor)) continue;
      const { classOf } = await import('../../../src/db/classified.ts');
      const entry = classOf(anchor);
      if (!isPersonal(entry.dataClass) || entry.family !== 'family') continue;
      const { rows } = await client
        .query(
          `select count(*)::int as n from fsp.${entry.name} where family = 1 and ${organisationId(login)} not in (${(entry.own?.columns ?? ['controller']).join(', ')})`,
        )
        .catch(() => ({ rows: [{ n: 0 }] }));
      if (rows[0].n > 0) seen.push(`${entry.dataClass} ${type}`);
    }
    await client.end();
    return seen.sort();
  };
  const leaking = (seen: string[]) => seen.filter((each) => (LEAK_GROUP as readonly string[]).includes(each.split(' ')[0] as string));

  it('close the whole leak group to everybody who is not named with that very person; a council has no family at all', async () => {
    expect(leaking(await classesShown('oxford-health')).length).toBeGreaterThan(3);
    expect((await ofFamily('housingDesk', 'id'))?.id).toBe(family);
    const before = (await families(marcus)).totalCount.value;
    const { protection, userErrors } = await does(
      'socialWorker',
      'protectWhereabouts',
      { family, person: mother, reason: 'He is looking for her.' },
      'protection { id person { id } }',
    );
    expect(userErrors).toEqual([]);
    expect(protection.person.id).toBe(mother);

    // By plain SQL: of others' rows nothing of the group, for any organisation that works with the family but not with her.
    for (const login of ['oxford-health', 'school-tansy-bridge', 'thames-valley-police', 'elmore-perpetrators'])
      expect(leaking(await classesShown(login)), login).toEqual([]);
    // Through the API the same, said alike to everybody outside the team.
    const health = await ofFamily(
      'healthVisitor',
      'name members { person { givenName } } households { __typename } workbook { totalCount { value } } involvements { practitioner } withheld { field reason }',
    );
    // Of who works with the family the list is cut to the organisation's own.
    expect(health).toMatchObject({ name: 'Hartwell', households: null, involvements: [{ practitioner: 'Amara Osei' }] });
    expect(health.members.length).toBeGreaterThan(2);
    for (const { reason } of health.withheld) expect(reason).toBe('NOT_AVAILABLE');
    // A council is not named by working with her house: it was named with her, and stays.
    expect((await ofFamily('housingDesk', 'id'))?.id).toBe(family);

    // At the county who protected her is named; a colleague is not, and is told why.
    expect((await ofFamily('socialWorker', 'households { __typename }')).households.length).toBeGreaterThan(0);
    const colleague = await ofFamily(
      marcus,
      'name stage households { __typename } chronology(first: 5) { totalCount { value } } withheld { field reason }',
    );
    expect(colleague).toMatchObject({ name: 'Hartwell', stage: null, households: null });
    expect(colleague.withheld).toContainEqual({ field: 'households', reason: 'WHEREABOUTS_PROTECTED' });
    expect((await families(marcus)).totalCount.value).toBe(before);
    const node = await server.ask(marcus, 'query($id: ID!) { node(id: $id) { ... on Person { givenName nhsNumber } } }', { id: mother });
    expect(node.body.data?.node).toMatchObject({ givenName: expect.any(String), nhsNumber: null });

    // A named involvement opens it again: to that user and no other.
    const opened = await does(
      'socialWorker',
      'openInvolvement',
      {
        family,
        person: mother,
        organisation: organisation('occ'),
        role: 'named-practitioner',
        practitioner: 'Marcus Oyelaran',
        user: 'marcus.oyelaran',
      },
      'involvement { id }',
    );
    expect(opened.userErrors).toEqual([]);
    expect((await ofFamily(marcus, 'households { __typename }')).households.length).toBeGreaterThan(0);
    expect((await ofFamily(manager, 'households { __typename }')).households).toBeNull();
    await does('socialWorker', 'endInvolvement', { involvement: opened.involvement.id }, 'involvement { id }');
    expect((await ofFamily(marcus, 'households { __typename }')).households).toBeNull();

    // Who is not named ends it no more than anybody else.
    expect(
      (await does(marcus, 'endWhereaboutsProtection', { protection: protection.id, reason: 'x' }, 'protection { id }')).userErrors,
    ).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect(
      (
        await does(
          'socialWorker',
          'endWhereaboutsProtection',
          { protection: protection.id, reason: 'It is safe.' },
          'protection { endedFor }',
        )
      ).protection,
    ).toEqual({ endedFor: 'It is safe.' });
    expect((await ofFamily(marcus, 'households { __typename }')).households.length).toBeGreaterThan(0);
    expect(leaking(await classesShown('oxford-health')).length).toBeGreaterThan(3);
  });

  it('is in the leak group by name: every field that holds where somebody is, or words that may say it', () => {
    const { schema, classes } = productSchema();
    const telling =
      /address|postcode|uprn|district|phone|email|school|venue|place|household|narrative|words|account|practitioner|provider|minutes/i;
    const outside: string[] = [];
    for (const type of Object.values(schema.getTypeMap())) {
      if (!('getFields' in type) || !BINDINGS.has(type.name)) continue;
      for (const field of Object.keys(type.getFields())) {
        const dataClass = classes.fieldClass(type.name, field);
        if (telling.test(field) && isPersonal(dataClass) && !LEAK_GROUP.includes(dataClass)) outside.push(`${type.name}.${field}`);
      }
    }
    expect(outside).toEqual([]);
  });

  it('in a restricted family tell nothing of it where a member of it is seen in another', async () => {
    const sibling = storyPerson(1, 'maisie');
    const county = organisationId('occ');
    await owner.query(`insert into fsp.membership (family, person, controller, role, "from") values (3, $1, $2, 'child', '2026-01-01')`, [
      sibling,
      county,
    ]);
    await owner.query(
      'insert into fsp.whereabouts_protection (family, person, controller, reason, "from") values (1, $1, $2, \'x\', now())',
      [storyPerson(1, 'mother'), county],
    );
    const asked = async () =>
      (
        await server.ask(marcus, 'query($id: ID!) { node(id: $id) { ... on Person { upn withheld { reason } } } }', {
          id: encodeId('Person', sibling),
        })
      ).body.data.node;
    expect(await asked()).toMatchObject({ upn: null });
    await owner.query('update fsp.family set restricted = true where id = 1');
    const told = await asked();
    expect(told.upn).toEqual(expect.any(String));
    expect(told.withheld).not.toContainEqual({ reason: 'WHEREABOUTS_PROTECTED' });
    await owner.query('update fsp.family set restricted = false where id = 1');
    await owner.query("delete from fsp.whereabouts_protection where reason = 'x' and until is null");
    await owner.query('delete from fsp.membership where family = 3 and person = $1', [sibling]);
  });

  it('needs somebody to be named: a client without a user protects nobody', async () => {
    const machine: Caller = { client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC', scopes: ['family:read', 'sharing:write'] };
    const answer = await does(machine, 'protectWhereabouts', { family, person: mother, reason: 'x' }, 'protection { id }');
    expect(answer.refused ?? answer.userErrors[0]).toMatchObject({});
    for (const who of ['teamSpecialist', 'healthVisitor', 'police', 'provider'] as const)
      expect(
        (await does(who, 'protectWhereabouts', { family, person: mother, reason: 'x' }, 'protection { id }')).refused,
        who,
      ).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('a restricted family', () => {
  it('76 is there for named users alone, of whom there are two, one on the rota', async () => {
    const restrict = { family, cause: 'HIGH_RISK', reason: 'A member is a witness.' };
    expect((await does('socialWorker', 'restrictFamily', restrict, 'restriction { id }')).userErrors).toMatchObject([
      { rule: 'TEAM_MANAGER' },
    ]);
    expect((await does(manager, 'restrictFamily', restrict, 'restriction { id }')).userErrors).toMatchObject([{ rule: 'NAMED_USERS' }]);
    await owner.query("insert into fsp.sealed_user (organisation, subject, on_rota) values ($1, 'bethan.rowe', true)", [
      organisationId('occ'),
    ]);
    expect((await does(manager, 'restrictFamily', restrict, 'restriction { id }')).userErrors).toMatchObject([{ rule: 'NAMED_USERS' }]);
    await owner.query("insert into fsp.sealed_user (organisation, subject) values ($1, 'philippa.nunn')", [organisationId('occ')]);
    const absent = encodeId('Family', 99_999_999);
    const sealed = loginAt(ownerUrl, 'occ', 'sealed');
    const onSealed = async () =>
      (await owner.query('select from pg_stat_activity where datname = current_database() and usename = $1', [sealed])).rowCount !== 0 &&
      (await ofFamily(manager, 'id')) !== null;
    await untilHeard(onSealed);
    const { restriction, userErrors } = await does(manager, 'restrictFamily', restrict, 'restriction { id cause }');
    expect(userErrors).toEqual([]);
    expect(restriction).toMatchObject({ cause: 'HIGH_RISK' });
    // To everybody else as if it had never been: the same bytes.
    for (const who of ['socialWorker', 'teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider'] as const) {
      const ask = (id: string) => server.ask(who, 'query($id: ID!) { family(id: $id) { id name } node(id: $id) { id } }', { id });
      expect((await ask(family)).text, who).toBe((await ask(absent)).text);
    }
    expect((await ofFamily(manager, 'name')).name).toBe('Hartwell');
    for (const login of ['occ', 'team-07', 'oxford-health', 'thames-valley-police']) {
      const client = await sqlAs(login, false, ownerUrl);
      const { rows } = await client.query('select count(*)::int as n from fsp.plan where family = 1');
      await client.end();
      expect(rows[0].n, login).toBe(0);
    }
    // It is looked at again within 90 days, and lifted by who may see it.
    const due = async () =>
      (await owner.query("select (due_on - started_on) as days, met_on from fsp.clock where rule = 'RESTRICTED_REVIEW' order by id")).rows;
    expect(await due()).toMatchObject([{ days: 90, met_on: null }]);
    expect(
      (await does(manager, 'reviewRestriction', { restriction: restriction.id, reason: 'It stands.' }, 'restriction { id }')).userErrors,
    ).toEqual([]);
    expect(await due()).toMatchObject([{ met_on: expect.anything() }, { met_on: null }]);
    expect(
      (await does('socialWorker', 'liftRestriction', { restriction: restriction.id, reason: 'x' }, 'restriction { id }')).userErrors,
    ).toContainEqual(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(
      (await does(manager, 'liftRestriction', { restriction: restriction.id, reason: 'The trial is over.' }, 'restriction { liftedFor }'))
        .restriction,
    ).toEqual({ liftedFor: 'The trial is over.' });
    expect((await ofFamily('socialWorker', 'name')).name).toBe('Hartwell');
    await owner.query('delete from fsp.sealed_user where organisation = $1', [organisationId('occ')]);
  });

  it('may be restricted in the partner for whom a member works, and stays what it is for the rest', async () => {
    const police = organisationId('thames-valley-police');
    await owner.query("insert into fsp.sealed_user (organisation, subject, on_rota) values ($1, 'harriet.coyle', true), ($1, 'x', false)", [
      police,
    ]);
    const others = (
      await owner.query('select subject from fsp.app_user where organisation = $1 and subject <> $2 limit 1', [police, 'harriet.coyle'])
    ).rows[0];
    const colleague: Caller = { client: 'thames-valley-police-protection', user: others.subject, purpose: 'SAFEGUARDING' };
    expect((await ofFamily(colleague, 'name')).name).toBe('Hartwell');
    const sealed = loginAt(ownerUrl, 'thames-valley-police', 'sealed');
    await untilHeard(
      async () =>
        (await ofFamily('police', 'id')) !== null &&
        (await owner.query('select from pg_stat_activity where datname = current_database() and usename = $1', [sealed])).rowCount !== 0,
    );
    const { restriction } = await does(
      manager,
      'restrictFamily',
      { family, cause: 'PARTNER_STAFF', reason: 'The father is a constable.', organisation: organisation('thames-valley-police') },
      'restriction { id organisation { code } }',
    );
    expect(restriction.organisation).toEqual({ code: 'thames-valley-police' });
    expect(await ofFamily(colleague, 'name')).toBeNull();
    expect((await ofFamily('police', 'name')).name).toBe('Hartwell');
    expect((await ofFamily('healthVisitor', 'name')).name).toBe('Hartwell');
    await does(manager, 'liftRestriction', { restriction: restriction.id, reason: 'He has left.' }, 'restriction { id }');
    expect((await ofFamily(colleague, 'name')).name).toBe('Hartwell');
    await owner.query('delete from fsp.sealed_user where organisation = $1', [police]);
  });
});

describe('a conflict of interest', () => {
  it('77 hides the family, and who belongs to it, from that user on every path, and from nobody else', async () => {
    const paths = async (who: Caller) => {
      const { body } = await server.ask(
        who,
        `query($family: ID!, $person: ID!) {
          family(id: $family) { name } person: node(id: $person) { id } node(id: $family) { id }
          families(first: 100) { nodes { id } } emergencyAccesses(first: 100) { nodes { family { id } } }
        }`,
        { family, person: mother },
      );
      return body.data;
    };
    expect((await paths(marcus)).family).toEqual({ name: 'Hartwell' });
    const made = await does(
      manager,
      'recordConflictOfInterest',
      { family, user: 'marcus.oyelaran', reason: 'A cousin of the father.' },
      'conflict { id user }',
    );
    expect(made).toMatchObject({ conflict: { user: 'marcus.oyelaran' }, userErrors: [] });
    const barred = await paths(marcus);
    expect(barred).toMatchObject({ family: null, person: null, node: null });
    expect(JSON.stringify(barred)).not.toContain(`"${family}"`);
    expect((await paths(manager)).family).toEqual({ name: 'Hartwell' });
    // Nor does somebody of it show in another family of theirs, which he may see.
    await owner.query(
      `insert into fsp.membership (family, person, controller, role, "from") values (3, $1, $2, 'other-relative', '2026-01-01')`,
      [storyPerson(1, 'mother'), organisationId('occ')],
    );
    const named = async (who: Caller) =>
      JSON.stringify(
        await ofFamily(who, 'members { person { id givenName } } relationships { person { id } other { id } }', encodeId('Family', 3)),
      );
    expect(await named(manager)).toContain(`"${mother}"`);
    expect(await named(marcus)).not.toContain(`"${mother}"`);
    // Nor what is told of them there.
    await owner.query(
      `insert into fsp.adult_voice (family, person, controller, words, medium, said_on, heard_by) values (3, $1, $2, 'x', 'x', '2026-01-01', 'x')`,
      [storyPerson(1, 'mother'), organisationId('occ')],
    );
    const heard = async (who: Caller) => (await ofFamily(who, 'adultVoices { nodes { words } }', encodeId('Family', 3))).adultVoices.nodes;
    expect(await heard(manager)).toContainEqual({ words: 'x' });
    expect(await heard(marcus)).not.toContainEqual({ words: 'x' });
    await owner.query("delete from fsp.adult_voice where words = 'x'");
    await owner.query('delete from fsp.membership where family = 3 and person = $1', [storyPerson(1, 'mother')]);
    // He neither reads of it nor ends it, and works on the family no more.
    const end = (who: Caller) => does(who, 'endConflictOfInterest', { conflict: made.conflict.id }, 'conflict { id }');
    expect((await end(marcus)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    const write = await does(
      marcus,
      'nameTrustedAdult',
      { family, person: mother, name: 'x', role: 'x', from: '2026-11-02' },
      'trustedAdult { id }',
    );
    expect(write.userErrors).toContainEqual(expect.objectContaining({ code: 'NOT_FOUND', path: ['family'] }));
    // Through the team as well, for whom he works.
    const inTeam: Caller = { client: 'team-07-workbook', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
    expect((await paths(inTeam)).family).toBeNull();
    expect((await end(manager)).userErrors).toEqual([]);
    expect((await paths(marcus)).family).toEqual({ name: 'Hartwell' });
  });
  it('is of an own user', async () => {
    const record = (who: PersonaName | Caller, user: string) =>
      does(who, 'recordConflictOfInterest', { family, user, reason: 'x' }, 'conflict { id }');
    expect((await record(manager, 'harriet.coyle')).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['user'] }]);
    expect((await record('police', 'harriet.coyle')).userErrors).toEqual([]);
    expect(await ofFamily('police', 'name')).toBeNull();
    expect((await ofFamily(manager, 'name')).name).toBe('Hartwell');
  });
});
