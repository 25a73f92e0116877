/** Putting families on record: who may, what must be right, and what each agency sees of it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { encodeId, FRONT_DOOR, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_families');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const fails = 'userErrors { code message path rule currentVersion } warnings { code rule path }';
const documents = {
  registerFamily: `family { id reference name members { version role { code } person { id givenName familyName sex { code } nhsNumber upn interpreter accessNeeds religion { code } ethnicity { code } version } } households { address postcode district { code } members { person { givenName } } until } relationships { id version kind { code } parentalResponsibility protective person { id givenName } other { id givenName } } }`,
  addFamilyMember: 'person { id givenName }',
  endMembership: 'family { members { version until person { id } } }',
  recordUnbornChild: 'person { id expectedDate dateOfBirth sex { code } }',
  recordBirth: 'person { id givenName dateOfBirth sex { code } }',
  moveHousehold: 'family { households { address until members { person { givenName } until } } }',
  recordRelationship:
    'relationship { id version kind { code } protective parentalResponsibility person { id } other { id } family { id } }',
  amendRelationship: 'relationship { id version protective until }',
  correctPerson: 'person { version givenName interpreter nhsNumber religion { code } }',
  recordDisabilities: 'person { disabilities { disability { code label } since } }',
};
let keys = 0;
async function run(caller: Parameters<TestServer['ask']>[0], name: keyof typeof documents, input: object, key = `key-${keys++}`) {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const { body } = await server.ask(caller, `mutation($input: ${type}!) { ${name}(input: $input) { ${documents[name]} ${fails} } }`, {
    input: { idempotencyKey: key, ...input },
  });
  return { ...body, payload: body.data?.[name] };
}

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const newFamily = {
  name: 'Quillfeather',
  members: [
    {
      givenName: 'Ottoline',
      familyName: 'Quillfeather',
      dateOfBirth: '1990-05-04',
      sex: 'F',
      role: 'mother',
      parentalResponsibility: true,
      interpreter: 'Polish',
      accessNeeds: 'Letters in large print',
      religion: 'no-religion',
    },
    {
      givenName: 'Barnaby',
      familyName: 'Quillfeather',
      dateOfBirth: '2018-02-03',
      sex: 'M',
      role: 'child',
      ethnicity: 'WBRI',
      nhsNumber: '999 999 9484',
    },
    { givenName: 'Hester', familyName: 'Quillfeather', dateOfBirth: '1985-01-01', sex: 'F', role: 'aunt' },
  ],
  household: { address: '3 Invented Close, Banbury', postcode: 'OX16 5QQ', district: 'E07000177', from: '2024-01-01', members: [0, 1] },
};
let made: any;
const personNamed = (name: string): any => made.members.find((m: any) => m.person.givenName === name).person;

describe('registerFamily', () => {
  it('makes the family, its members, who has responsibility and where they live, and reads it back', async () => {
    const { payload, errors } = await run('socialWorker', 'registerFamily', newFamily, 'register');
    expect(errors).toBeUndefined();
    expect(payload.userErrors).toEqual([]);
    made = payload.family;
    expect(made).toMatchObject({
      name: 'Quillfeather',
      reference: expect.stringMatching(/^FSP-\d{7}$/),
      households: [{ postcode: 'OX16 5QQ', district: { code: 'E07000177' }, members: [{ person: {} }, { person: {} }], until: null }],
      relationships: [
        { kind: { code: 'parent' }, parentalResponsibility: true, person: { givenName: 'Ottoline' }, other: { givenName: 'Barnaby' } },
      ],
    });
    expect(personNamed('Ottoline')).toMatchObject({
      interpreter: 'Polish',
      accessNeeds: 'Letters in large print',
      religion: { code: 'no-religion' },
      ethnicity: { code: 'NOBT' },
      version: 1,
    });
    expect(personNamed('Barnaby')).toMatchObject({ nhsNumber: '9999999484', ethnicity: { code: 'WBRI' } });
  });
  it('has one effect for one key', async () => {
    const { payload } = await run('socialWorker', 'registerFamily', newFamily, 'register');
    expect(payload.family.id).toBe(made.id);
  });
  it('names everything that is wrong, with the census rule, and writes nothing', async () => {
    const before = await owner.query('select count(*) from fsp.family');
    const { payload } = await run('socialWorker', 'registerFamily', {
      name: ' ',
      members: [
        {
          givenName: 'A',
          familyName: 'B',
          dateOfBirth: '2099-01-01',
          sex: 'X',
          role: 'wizard',
          nhsNumber: '9999999998',
          upn: 'A931000000002',
        },
        { givenName: 'A', familyName: 'B', dateOfBirth: '2020-01-01', sex: 'M', role: 'unborn-child' },
      ],
      household: { address: 'x', postcode: 'nowhere', district: 'E00000000', from: '2024-01-01', members: [7] },
    });
    expect(payload.family).toBeNull();
    expect(payload.userErrors.map((e: any) => [e.path.join('.'), e.rule]).sort()).toEqual([
      ['household.district', null],
      ['household.members.0', null],
      ['household.postcode', null],
      ['members.0.dateOfBirth', null],
      ['members.0.nhsNumber', null],
      ['members.0.role', null],
      ['members.0.sex', null],
      ['members.0.upn', '1510'],
      ['members.1.role', '8525Q'],
      ['name', null],
    ]);
    expect((await owner.query('select count(*) from fsp.family')).rows).toEqual(before.rows);
  });
  it('says that somebody whom the caller sees has the number', async () => {
    const { payload } = await run('socialWorker', 'registerFamily', { ...newFamily, household: null });
    expect(payload.userErrors).toMatchObject([{ code: 'CONFLICT', path: ['members', '1', 'nhsNumber'] }]);
  });
  it('does not tell of a number, a pupil number or a reference of a hidden family, and notes the match', async () => {
    const hidden = 4;
    await owner.query('update fsp.family set restricted = true where id = $1', [hidden]);
    const { rows } = await owner.query(
      'select n.nhs_number, m.person from fsp.person_nhs_number n join fsp.membership m on m.person = n.person where m.family = $1 limit 1',
      [hidden],
    );
    const { reference } = (await owner.query('select reference from fsp.family_name where family = $1', [hidden])).rows[0];
    const { payload } = await run('socialWorker', 'registerFamily', {
      name: 'Elsewhere',
      reference,
      members: [{ ...newFamily.members[2], nhsNumber: rows[0].nhs_number }],
    });
    expect(payload.userErrors).toEqual([]);
    expect(payload.family).toMatchObject({ reference, members: [{ person: { nhsNumber: rows[0].nhs_number } }] });
    const found = await owner.query('select subject_table, other from fsp.match_candidate order by subject_table');
    expect(found.rows).toEqual([
      { subject_table: 'family_name', other: String(hidden) },
      { subject_table: 'person_nhs_number', other: rows[0].person },
    ]);
    const county = await sqlAs('occ', false, ownerUrl);
    // To the login that may not see one of the two there is no match.
    expect((await county.query('select * from fsp.match_candidate')).rows).toEqual([]);
    await county.end();
    await owner.query('update fsp.family set restricted = false where id = $1', [hidden]);
  });
  it.each(['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)(
    'is not for %s',
    async (name) => {
      const { data, errors } = await run(name, 'registerFamily', newFamily);
      expect(data).toEqual({ registerFamily: null });
      expect(errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
    },
  );
  it('is not there for anybody outside the county', async () => {
    for (const name of ['teamSpecialist', 'healthVisitor', 'police', 'provider'] as const) {
      const { body } = await server.ask(name, 'query($id: ID!) { node(id: $id) { id } family(id: $id) { name } }', { id: made.id });
      expect(body.data).toEqual({ node: null, family: null });
    }
  });
});

describe('members', () => {
  it('are added, new or known, and end; a version that is stale is a conflict', async () => {
    const added = await run('socialWorker', 'addFamilyMember', {
      family: made.id,
      from: '2026-01-01',
      member: { givenName: 'Linus', familyName: 'Quillfeather', dateOfBirth: '1988-09-09', sex: 'M', role: 'uncle' },
    });
    expect(added.payload).toMatchObject({ person: { givenName: 'Linus' }, userErrors: [] });
    const known = { family: made.id, person: mother, role: 'other-relative', from: '2026-01-01' };
    expect((await run('socialWorker', 'addFamilyMember', known)).payload.userErrors).toEqual([]);
    expect((await run('socialWorker', 'addFamilyMember', known)).payload.userErrors).toMatchObject([
      { code: 'CONFLICT', path: ['person'] },
    ]);
    const end = { family: made.id, person: mother, until: '2026-02-01' };
    const ended = await run('socialWorker', 'endMembership', { ...end, expectedVersion: 1 });
    expect(ended.payload.userErrors).toEqual([]);
    expect(ended.payload.family.members.find((m: any) => m.person.id === mother)).toMatchObject({ until: '2026-02-01', version: 2 });
    const again = { family: made.id, person: added.payload.person.id, until: '2026-03-01' };
    expect((await run('socialWorker', 'endMembership', { ...again, expectedVersion: 0 })).payload.userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: 1 },
    ]);
  });
  it('of a family that is hidden and one that never was read alike', async () => {
    const ask = (id: string) =>
      run('socialWorker', 'endMembership', { family: id, person: mother, expectedVersion: 1, until: '2026-02-01' });
    await owner.query('update fsp.family set restricted = true where id = 5');
    expect((await ask(encodeId('Family', 5))).payload).toEqual((await ask(encodeId('Family', 999_999))).payload);
    await owner.query('update fsp.family set restricted = false where id = 5');
  });
  it('move together, and the household that is left empty ends', async () => {
    const members = ['Ottoline', 'Barnaby'].map((name) => personNamed(name).id);
    const { payload } = await run('socialWorker', 'moveHousehold', {
      family: made.id,
      members,
      address: '8 Imaginary Row, Bicester',
      postcode: 'OX26 1ZZ',
      district: 'E07000177',
      from: '2026-06-01',
    });
    expect(payload.userErrors).toEqual([]);
    expect(payload.family.households).toMatchObject([
      { until: '2026-06-01', members: [{ until: '2026-06-01' }, { until: '2026-06-01' }] },
      { address: '8 Imaginary Row, Bicester', until: null, members: [{ until: null }, { until: null }] },
    ]);
  });
  it('do not where their home is on another organisation’s record', async () => {
    const keys = ['Ottoline', 'Barnaby'].map((name) => personNamed(name).id.split('-')[1]);
    const change = 'update fsp.household_member set controller = $1 where person = any ($2) and until is null';
    const move = {
      family: made.id,
      members: [personNamed('Ottoline').id],
      address: '9 Imaginary Row',
      postcode: 'OX26 1ZZ',
      district: 'E07000177',
      from: '2026-06-02',
    };
    await owner.query(change, [201, keys]);
    const { payload } = await run('socialWorker', 'moveHousehold', move);
    expect(payload.userErrors).toMatchObject([{ rule: 'NOT_YOURS', path: ['members'] }]);
    await owner.query(change, [1, keys]);
  });
});

describe('relationships', () => {
  it('are recorded, amended and ended; the aunt protects', async () => {
    const input = {
      family: made.id,
      person: personNamed('Hester').id,
      other: personNamed('Barnaby').id,
      kind: 'aunt-or-uncle',
      protective: true,
    };
    const { payload } = await run('socialWorker', 'recordRelationship', input);
    expect(payload).toMatchObject({
      relationship: { kind: { code: 'aunt-or-uncle' }, protective: true, parentalResponsibility: false, version: 1 },
      userErrors: [],
    });
    const amended = await run('socialWorker', 'amendRelationship', {
      relationship: payload.relationship.id,
      expectedVersion: 1,
      protective: false,
      until: '2026-10-01',
    });
    expect(amended.payload.relationship).toMatchObject({ version: 2, protective: false, until: '2026-10-01' });
    const stale = await run('socialWorker', 'amendRelationship', { relationship: payload.relationship.id, expectedVersion: 1 });
    expect(stale.payload.userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
  });
  it('are between two people of the family', async () => {
    const { payload } = await run('socialWorker', 'recordRelationship', { family, person: mother, other: mother, kind: 'nemesis' });
    expect(payload.userErrors.map((e: any) => e.path.join('.')).sort()).toEqual(['kind', 'other']);
    const stranger = { family, person: mother, other: personNamed('Barnaby').id, kind: 'parent' };
    expect((await run('socialWorker', 'recordRelationship', stranger)).payload.userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['other'] },
    ]);
  });
  it('with somebody whom the caller does not see are not there', async () => {
    const child = encodeId('Person', storyPerson(1, 'mother') + 2);
    const { payload } = await run('socialWorker', 'recordRelationship', { family, person: mother, other: child, kind: 'parent' });
    const { id } = payload.relationship;
    const { rows } = await owner.query('select other from fsp.relationship order by id desc limit 1');
    const see = (document: string) => server.ask('provider', document, { id, family });
    const whole = await see(
      'query($id: ID!, $family: ID!) { node(id: $id) { id } family(id: $family) { relationships { id } members { person { id } } } }',
    );
    const seesChild = JSON.stringify(whole.body.data.family?.members ?? []).includes(child);
    expect(whole.body.data.node === null).toBe(!seesChild);
    // The same by plain SQL, on the login of a provider that works with one person only.
    const login = await sqlAs('turning-point', false, ownerUrl);
    const seen = await login.query('select person from fsp.person_grant where person = $1 and starts <= now() and ends > now()', [
      rows[0].other,
    ]);
    const there = await login.query('select id from fsp.relationship where other = $1', [rows[0].other]);
    expect(there.rowCount).toBe(seen.rowCount === 0 ? 0 : there.rowCount);
    await login.end();
  });
});

describe('an unborn child', () => {
  let unborn: string;
  it('is put on record by the county and by those who treat the mother', async () => {
    const { payload } = await run('socialWorker', 'recordUnbornChild', { family: made.id, expectedDate: '2027-02-01' });
    expect(payload).toMatchObject({ person: { expectedDate: '2027-02-01', dateOfBirth: null, sex: { code: 'U' } }, userErrors: [] });
    unborn = payload.person.id;
    const health = await run('healthVisitor', 'recordUnbornChild', { family, expectedDate: '2027-03-01' });
    expect(health.errors).toBeUndefined();
    expect(health.payload).toMatchObject({ person: { expectedDate: '2027-03-01', sex: { code: 'U' } }, userErrors: [] });
    for (const name of ['school', 'police', 'housingDesk'] as const) {
      const { body } = await server.ask(name, 'query($id: ID!) { node(id: $id) { id } }', { id: health.payload.person.id });
      expect(body.data.node).toBeNull();
    }
  });
  it('is refused more than 40 weeks before birth (8606) and with a sex (8750); an expected day that is past warns (8525Q)', async () => {
    const refused = await run('socialWorker', 'recordUnbornChild', { family: made.id, expectedDate: '2099-01-01', sex: 'F' });
    expect(refused.payload.userErrors.map((e: any) => e.rule)).toEqual(['8606', '8750']);
    const late = await run(FRONT_DOOR, 'recordUnbornChild', { family: encodeId('Family', 2), expectedDate: '2026-01-01' });
    expect(late.payload).toMatchObject({ userErrors: [], warnings: [{ rule: '8525Q' }] });
  });
  it('is for no provider, school or police', async () => {
    for (const name of ['school', 'police', 'housingDesk'] as const)
      expect((await run(name, 'recordUnbornChild', { family, expectedDate: '2027-03-01' })).errors?.[0].extensions.reason).toBe(
        'NOT_YOURS_TO_WRITE',
      );
    const team = await run('teamSpecialist', 'recordUnbornChild', { family, expectedDate: '2027-03-01' });
    expect(team.payload.userErrors[0].message).toMatch(/by the county, or by those who treat the mother/);
  });
  it('is born, and a member like any other', async () => {
    const birth = { person: unborn, dateOfBirth: '2026-11-01', sex: 'F', givenName: 'Wren', familyName: 'Quillfeather' };
    const { payload } = await run('socialWorker', 'recordBirth', birth);
    expect(payload).toMatchObject({ person: { givenName: 'Wren', dateOfBirth: '2026-11-01', sex: { code: 'F' } }, userErrors: [] });
    expect((await run('socialWorker', 'recordBirth', birth)).payload.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    const { body } = await server.ask(
      'socialWorker',
      'query($id: ID!) { family(id: $id) { members { role { code } until person { id } } } }',
      {
        id: made.id,
      },
    );
    expect(body.data.family.members.filter((m: any) => m.person.id === unborn)).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ role: { code: 'child' }, until: null })]),
    );
  });
});

describe('who somebody is', () => {
  it('is corrected at the version that was read', async () => {
    const { id } = personNamed('Ottoline');
    const first = await run('socialWorker', 'correctPerson', {
      person: id,
      expectedVersion: 1,
      interpreter: null,
      religion: 'hindu',
      nhsNumber: '9999999491',
    });
    expect(first.payload.userErrors).toMatchObject([{ path: ['nhsNumber'] }]);
    const right = await run('socialWorker', 'correctPerson', { person: id, expectedVersion: 1, interpreter: null, religion: 'hindu' });
    expect(right.payload.person).toMatchObject({ version: 2, interpreter: null, religion: { code: 'hindu' } });
    const stale = await run('socialWorker', 'correctPerson', { person: id, expectedVersion: 1, givenName: 'Other' });
    expect(stale.payload.userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
  });
  it('of a stranger reads as nobody', async () => {
    const ask = (id: string) => run('socialWorker', 'correctPerson', { person: id, expectedVersion: 1, givenName: 'Other' });
    await owner.query('update fsp.family set restricted = true where id = 6');
    const { rows } = await owner.query('select person from fsp.membership where family = 6 limit 1');
    expect((await ask(encodeId('Person', Number(rows[0].person)))).payload).toEqual((await ask(encodeId('Person', 888_888_888))).payload);
    await owner.query('update fsp.family set restricted = false where id = 6');
  });
  it('has disabilities by the census codes: no repeats (8794), NONE alone (8790)', async () => {
    const { id: person } = personNamed('Barnaby');
    const wrong = await run('socialWorker', 'recordDisabilities', { person, disabilities: ['NONE', 'LD', 'LD'] });
    expect(wrong.payload.userErrors.map((e: any) => e.rule).sort()).toEqual(['8790', '8794']);
    const two = await run('socialWorker', 'recordDisabilities', { person, disabilities: ['LD', 'AUT'] });
    expect(two.payload.person.disabilities.map((d: any) => d.disability.code)).toEqual(['LD', 'AUT']);
    const one = await run('socialWorker', 'recordDisabilities', { person, disabilities: ['AUT'] });
    expect(one.payload.person.disabilities.map((d: any) => d.disability.code)).toEqual(['AUT']);
    // What is another organisation's it says, and leaves everything as it is.
    await owner.query('update fsp.person_disability set controller = 201 where person = $1 and until is null', [person.split('-')[1]]);
    const another = await run('socialWorker', 'recordDisabilities', { person, disabilities: ['LD'] });
    expect(another.payload.userErrors).toMatchObject([{ rule: 'NOT_YOURS', path: ['disabilities'] }]);
    const both = await run('socialWorker', 'recordDisabilities', { person, disabilities: ['AUT', 'LD'] });
    expect(both.payload.person.disabilities.map((d: any) => d.disability.code)).toEqual(['AUT', 'LD']);
  });
  it('is not changed by plain SQL of another agency', async () => {
    const health = await sqlAs('oxford-health', false, ownerUrl);
    await expect(health.query("update fsp.person_identity set given_name = 'x'")).rejects.toThrow(/permission denied/);
    await expect(
      health.query("insert into fsp.relationship (family, person, other, controller, kind) values (1, $1, $1, 201, 'parent')", [
        storyPerson(1, 'mother'),
      ]),
    ).rejects.toThrow(/permission denied/);
    await expect(health.query("select fsp.record_birth($1, 'child', current_date)", [storyPerson(1, 'mother')])).rejects.toThrow(
      /No such child/,
    );
    await health.end();
  });
});

it('counts how often the lead practitioner has changed', async () => {
  const ask = async () =>
    (
      await server.ask(
        'socialWorker',
        'query($id: ID!) { family(id: $id) { leadPractitioner { practitioner leadPractitionerChanges } } }',
        { id: family },
      )
    ).body.data.family.leadPractitioner;
  expect(await ask()).toMatchObject({ leadPractitionerChanges: 0 });
  await owner.query(
    `insert into fsp.involvement (family, controller, worker, organisation, role, practitioner, lead, "from", until)
     values (1, 1, 'somebody.before', 1, 'lead-practitioner', 'Somebody Before', true, '2020-01-01', '2020-06-01')`,
  );
  expect(await ask()).toMatchObject({ leadPractitionerChanges: 1 });
});
