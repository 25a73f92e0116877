/** What record systems push in: each line by itself, the same twice without effect, and never an older state over a newer one. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Caller, encodeId, FRONT_DOOR, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const SYSTEM: Caller = { client: 'occ-record-system', purpose: 'RECORD_SYNC' };
const RUN = `run { created updated unchanged failed lines(first: 100) { nodes { line sourceId result record path rule message } } } userErrors { code message path }`;

let owner: pg.Client;
let server: TestServer;
let key = 0;
beforeAll(async () => {
  const url = await ownDatabase('fsp_push');
  owner = await sqlAsOwner(url);
  server = await testServer(url);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

type Lines = { line: number; sourceId: string; result: string; record: string | null; path: string | null; rule: string | null }[];
type Pushed = { created: number; updated: number; unchanged: number; failed: number; lines: Lines };

const capital = (text: string) => `${text[0]?.toUpperCase()}${text.slice(1)}`;
async function push(field: string, input: Record<string, unknown>, as: Caller = SYSTEM): Promise<Pushed> {
  const text = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${RUN} } }`;
  const { body } = await server.ask(as, text, { input: { idempotencyKey: `push-${key++}`, system: 'liquidlogic', ...input } });
  const done = body.data?.[field];
  if (!done?.run) throw new Error(JSON.stringify(body));
  expect(done.userErrors).toEqual([]);
  return { ...done.run, lines: done.run.lines.nodes };
}
const families = (...lines: unknown[]) => push('upsertFamilies', { families: lines });
const persons = (...lines: unknown[]) => push('upsertPersons', { persons: lines });
const entries = (...lines: unknown[]) => push('upsertWorkbookEntries', { entries: lines });
const results = ({ lines }: Pushed) => lines.map(({ result }) => result);

const T1 = '2026-10-01T08:00:00.000Z';
const T2 = '2026-10-02T08:00:00.000Z';
const T3 = '2026-10-03T08:00:00.000Z';
const person = (sourceId: string, more: Record<string, unknown> = {}) => ({
  sourceId,
  changed: T1,
  givenName: 'Ada',
  familyName: 'Fenwick',
  dateOfBirth: '2015-04-05',
  sex: 'F',
  ...more,
});
const family = (sourceId: string, members: unknown[], more: Record<string, unknown> = {}) => ({
  sourceId,
  changed: T1,
  name: 'Fenwick',
  members,
  ...more,
});
const mother = (sourceId: string, more: Record<string, unknown> = {}) => ({
  role: 'mother',
  parentalResponsibility: true,
  person: person(sourceId, { givenName: 'Beth', dateOfBirth: '1990-01-02', ...more }),
});
const child = (sourceId: string, more: Record<string, unknown> = {}) => ({ role: 'child', person: person(sourceId, more) });

const whole = async (id: string) =>
  (
    await server.ask(
      SYSTEM,
      `query($id: ID!) { family(id: $id) { name reference recordIds { nodes { system entity sourceId } }
        members { role { code } until person { id givenName familyName dateOfBirth ethnicity { code } recordIds { system sourceId } } }
        relationships { parentalResponsibility person { givenName } other { givenName } }
        households { postcode until members { person { givenName } } } } }`,
      { id },
    )
  ).body;
const counts = async () =>
  (
    await owner.query(
      `select (select count(*) from fsp.family) as families, (select count(*) from fsp.person) as persons, (select count(*) from fsp.membership) as members,
        (select count(*) from fsp.relationship) as ties, (select count(*) from fsp.household) as homes, (select count(*) from fsp.workbook_entry) as entries,
        (select count(*) from fsp.workbook_reading) as readings, (select count(*) from fsp.earlier) as earlier`,
    )
  ).rows[0];

describe('families', () => {
  const home = { address: '1 Mill Lane, Bicester', postcode: 'OX26 6AA', district: 'E07000177', from: '2026-09-01' };
  const first = family('F-1', [mother('P-1'), child('P-2', { ethnicity: 'WBRI', disabilities: ['HEAR'] })], { household: home });
  let id: string;

  it('come in under the system’s ids, with members, parental responsibility and home', async () => {
    const run = await families(first);
    expect(run).toMatchObject({ created: 1, failed: 0 });
    id = run.lines[0]?.record as string;
    const { data, errors } = await whole(id);
    expect(errors).toBeUndefined();
    expect(data.family).toMatchObject({ name: 'Fenwick', reference: 'F-1' });
    expect(data.family.recordIds.nodes).toEqual([{ system: 'liquidlogic', entity: 'Family', sourceId: 'F-1' }]);
    expect(data.family.members.map((each: any) => [each.role.code, each.person.givenName, each.person.recordIds[0].sourceId])).toEqual([
      ['mother', 'Beth', 'P-1'],
      ['child', 'Ada', 'P-2'],
    ]);
    expect(data.family.relationships).toEqual([
      { parentalResponsibility: true, person: { givenName: 'Beth' }, other: { givenName: 'Ada' } },
    ]);
    expect(data.family.households).toMatchObject([{ postcode: 'OX26 6AA', until: null }]);
  });

  it('the same batch twice changes nothing, whatever its key and the order of its members', async () => {
    const before = await counts();
    expect(results(await families(first, { ...first, members: [...first.members].reverse() }))).toEqual(['UNCHANGED', 'UNCHANGED']);
    expect(await counts()).toEqual(before);
  });

  it('a later state is taken, an older one is not, and another under the same version is refused', async () => {
    const later = family('F-1', [mother('P-1', { changed: T2, givenName: 'Bethan' }), child('P-2', { changed: T2 })], {
      changed: T2,
      name: 'Fenwick-Hale',
    });
    expect(results(await families(later))).toEqual(['UPDATED']);
    const old = await families({ ...first, changed: T1 });
    expect(old.lines.map(({ result, path, rule }) => [result, path, rule])).toEqual([
      ['UNCHANGED', '/changed', 'OLDER_VERSION'],
      ['UNCHANGED', '/members/0/person/changed', 'OLDER_VERSION'],
      ['UNCHANGED', '/members/1/person/changed', 'OLDER_VERSION'],
    ]);
    const clash = await families({ ...later, name: 'Somebody else' });
    expect(clash.lines).toMatchObject([{ result: 'FAILED', path: '/changed', rule: 'SAME_VERSION', record: null }]);
    const { data } = await whole(id);
    expect([data.family.name, data.family.members[0].person.givenName]).toEqual(['Fenwick-Hale', 'Bethan']);
  });

  it('where they live stays where it is known better here, and the line says so; the rest of it is taken', async () => {
    const at = (day: number, address: string, name: string) => ({
      ...family('F-home', [child('P-home')], { household: { ...home, address } }),
      changed: `2026-10-0${day}T08:00:00.000Z`,
      name,
    });
    const { record } = (await families(at(1, '1 Mill Lane, Bicester', 'One'))).lines[0] as Lines[number];
    const key = Number(record?.split('-')[1]);
    const person = (await whole(record as string)).data.family.members[0].person.id;
    const moved = { family: record, members: [person], ...home, address: '2 High Street, Bicester', from: '2026-09-20' };
    const { body } = await server.ask(
      FRONT_DOOR,
      'mutation($input: MoveHouseholdInput!) { moveHousehold(input: $input) { userErrors { message } } }',
      { input: { idempotencyKey: 'moved-here', ...moved } },
    );
    expect(body.data.moveHousehold.userErrors).toEqual([]);
    const stands = async () =>
      (
        await owner.query(
          'select n.name, h.address from fsp.family_name n join fsp.household h using (family) where family = $1 and until is null',
          [key],
        )
      ).rows;
    expect((await families(at(2, '1 Mill Lane, Bicester', 'Two'))).lines).toMatchObject([
      { result: 'UPDATED', record, path: '/household/from', rule: 'STAYS' },
    ]);
    expect(await stands()).toEqual([{ name: 'Two', address: '2 High Street, Bicester' }]);
    await owner.query(
      `update fsp.household_member set "from" = '2026-08-01', controller = (select id from fsp.organisation where agency = 'DISTRICT' order by id limit 1)
       where family = $1 and until is null`,
      [key],
    );
    expect((await families(at(3, '3 Far Road, Bicester', 'Three'))).lines).toMatchObject([
      { result: 'UPDATED', record, path: '/household', rule: 'STAYS' },
    ]);
    expect(await stands()).toEqual([{ name: 'Three', address: '2 High Street, Bicester' }]);
  });

  it('what is another organisation’s to change fails the line, by path and reason', async () => {
    await families(family('F-own', [mother('P-own')], { name: 'Before' }));
    const unborn = (more: Record<string, unknown>) => ({
      family: 'F-own',
      role: 'unborn-child',
      person: { sourceId: 'P-own-2', changed: T1, expectedDate: '2026-12-20', ...more },
    });
    await persons(unborn({}));
    for (const [table, of] of [
      ['family_name', "family = (select family from fsp.record_source where source_id = 'F-own')"],
      ...['person_expected', 'person_identity'].map((name) => [
        name,
        "person = (select person from fsp.person_source where source_id = 'P-own-2')",
      ]),
    ])
      await owner.query(
        `update fsp.${table} set controller = (select id from fsp.organisation where agency = 'TEAM' order by id limit 1) where ${of}`,
      );
    const before = await counts();
    const refused = [
      ...(await families({ ...family('F-own', [mother('P-own')], { name: 'After' }), changed: T2 })).lines,
      ...(await persons(unborn({ changed: T2, expectedDate: '2026-12-21' }))).lines,
      ...(await persons(unborn({ changed: T2, givenName: 'Fay', familyName: 'Fenwick', dateOfBirth: '2026-10-01', sex: 'F' }))).lines,
    ];
    expect(refused.map(({ result, path, rule, record }) => [result, path, rule, record])).toEqual(
      ['/name', '/person/expectedDate', '/person/dateOfBirth'].map((path) => ['FAILED', path, 'NOT_YOURS', null]),
    );
    expect(await counts()).toEqual(before);
  });

  it('who has left has left, who is new is new, and parental responsibility may end', async () => {
    const state = family(
      'F-1',
      [
        { ...mother('P-1', { changed: T2, givenName: 'Bethan' }), parentalResponsibility: false },
        child('P-2', { changed: T2 }),
        child('P-3', { givenName: 'Cyril', changed: T3 }),
      ],
      {
        changed: T3,
        name: 'Fenwick-Hale',
      },
    );
    expect(results(await families(state))).toEqual(['UPDATED']);
    const left = { ...child('P-3', { givenName: 'Cyril', changed: T3 }), until: '2026-10-04' };
    const gone = { ...state, changed: '2026-10-04T08:00:00.000Z', members: [...state.members.slice(0, 2), left] };
    expect(results(await families(gone))).toEqual(['UPDATED']);
    const { data } = await whole(id);
    expect(data.family.members.map((each: any) => [each.person.givenName, each.until])).toEqual([
      ['Bethan', null],
      ['Ada', null],
      ['Cyril', '2026-10-04'],
    ]);
    expect(data.family.relationships[0].parentalResponsibility).toBe(false);
  });

  it('one bad line fails alone, with path, rule and reason; nothing of it remains', async () => {
    const before = await counts();
    const run = await families(
      family('F-bad-upn', [mother('P-b1'), child('P-b2', { upn: 'A123456789123' })]),
      family('F-bad-role', [{ role: 'wizard', person: person('P-b3') }]),
      family('F-bad-nobody', []),
      family('F-good', [child('P-g1')]),
      family('F-bad-later', [child('P-b4')], { changed: '2099-01-01T00:00:00.000Z' }),
      family('F-bad-day', [child('P-b5', { dateOfBirth: '2015-02-30' })], { changed: 'yesterday' }),
    );
    expect(run).toMatchObject({ created: 1, failed: 5 });
    expect(run.lines.map(({ line, result, path, rule }) => [line, result, path, rule])).toEqual([
      [1, 'FAILED', '/members/1/person/upn', '1510'],
      [2, 'FAILED', '/members/0/person/role', 'INVALID'],
      [3, 'FAILED', '/members', 'INVALID'],
      [4, 'CREATED', null, null],
      [5, 'FAILED', '/changed', 'INVALID'],
      [6, 'FAILED', '/changed', 'INVALID'],
      [6, 'FAILED', '/members/0/person/dateOfBirth', 'INVALID'],
    ]);
    const now = await counts();
    expect([now.families - before.families, now.persons - before.persons]).toEqual([1, 1]);
  });

  it('a family that is here by its number is known again, and so are its members', async () => {
    const made = await server.ask(
      FRONT_DOOR,
      `mutation($input: RegisterFamilyInput!) { registerFamily(input: $input) { family { id } userErrors { message } } }`,
      {
        input: {
          idempotencyKey: 'by-hand',
          name: 'Dray',
          reference: 'LL-77',
          members: [{ givenName: 'Edith', familyName: 'Dray', dateOfBirth: '2012-02-03', sex: 'F', role: 'child' }],
        },
      },
    );
    const known = made.body.data.registerFamily.family.id;
    const before = await counts();
    const run = await families({
      ...family('LL-77', [child('P-77', { givenName: 'Edith', familyName: 'Dray', dateOfBirth: '2012-02-03', ethnicity: 'WBRI' })]),
      name: 'Dray',
    });
    expect(run.lines).toMatchObject([{ result: 'UPDATED', record: known }]);
    const now = await counts();
    expect([now.families, now.persons]).toEqual([before.families, before.persons]);
    const twin = await families(family('LL-78', [child('P-78')], { reference: 'LL-77' }));
    expect(twin.lines).toMatchObject([{ result: 'FAILED', path: '/reference', rule: 'CONFLICT' }]);
  });

  it('of a family that is hidden since, a line says what it would say of one that is not there', async () => {
    const run = await families(family('F-hidden', [child('P-hidden')]));
    const key = Number(run.lines[0]?.record?.split('-')[1]);
    await owner.query('update fsp.family set restricted = true where id = $1', [key]);
    const before = await counts();
    const hidden = await families(family('F-hidden', [child('P-hidden')], { changed: T2, name: 'Other' }));
    expect(hidden.lines).toMatchObject([{ result: 'FAILED', rule: 'NOT_FOUND', record: null, path: '/sourceId' }]);
    const [said] = hidden.lines as unknown as { message: string }[];
    expect(said?.message).toBe('There is no such family for you.');
    expect((await persons({ person: person('P-hidden', { changed: T3, givenName: 'X' }) })).lines).toMatchObject([
      { result: 'FAILED', rule: 'NOT_FOUND', path: '/person/sourceId' },
    ]);
    // Nor can it be brought in anew as somebody of another family.
    expect((await families(family('F-other', [child('P-hidden')]))).lines).toMatchObject([{ result: 'FAILED', rule: 'NOT_FOUND' }]);
    expect(await counts()).toEqual(before);
    const { body } = await server.ask(SYSTEM, `query($id: ID!) { node(id: $id) { ... on RecordRun { lines { nodes { sourceId } } } } }`, {
      id: encodeId('RecordRun', Number((await owner.query('select run from fsp.record_run_line where family = $1', [key])).rows[0].run)),
    });
    expect(body.data.node.lines.nodes).toEqual([]);
  });

  it('a batch has at most a hundred lines, and its system a name', async () => {
    const ask = (input: Record<string, unknown>) =>
      server.ask(SYSTEM, 'mutation($input: UpsertFamiliesInput!) { upsertFamilies(input: $input) { run { id } userErrors { path } } }', {
        input: { idempotencyKey: `push-${key++}`, system: 'liquidlogic', ...input },
      });
    const many = Array.from({ length: 101 }, (_, i) => family(`M-${i}`, [child(`MP-${i}`)]));
    expect((await ask({ families: many })).body.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
    expect((await ask({ system: 'Our System', families: [] })).body.data.upsertFamilies.userErrors).toEqual([{ path: ['system'] }]);
  });

  it('is refused to who writes no family, and each class that one may not write is named', async () => {
    const text = 'mutation($input: UpsertFamiliesInput!) { upsertFamilies(input: $input) { run { id } } }';
    const input = {
      idempotencyKey: 'x',
      system: 'liquidlogic',
      families: [family('N-1', [child('NP-1', { expectedDate: '2026-12-01' })])],
    };
    const police = await server.ask('police', text, { input });
    expect(police.body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
    const narrow: Caller = { ...SYSTEM, scopes: ['family:read', 'family:write'] };
    const clinical = await server.ask(narrow, text, { input });
    expect(clinical.body.errors?.map(({ extensions }) => extensions.field)).toEqual(['PersonRecordInput.expectedDate']);
  });
});

describe('persons', () => {
  it('somebody new comes with their family, an expected child is born, and who is nobody is refused', async () => {
    await families(family('G-1', [mother('GP-1')]));
    const expected = { family: 'G-1', role: 'unborn-child', person: { sourceId: 'GP-2', changed: T1, expectedDate: '2026-12-20' } };
    expect(results(await persons(expected, { person: person('GP-9') }))).toEqual(['CREATED', 'FAILED']);
    expect(results(await persons(expected))).toEqual(['UNCHANGED']);
    const born = { person: person('GP-2', { changed: T3, givenName: 'Fay', dateOfBirth: '2026-10-02' }) };
    expect(results(await persons(born))).toEqual(['UPDATED']);
    expect(results(await persons(born, expected))).toEqual(['UNCHANGED', 'UNCHANGED']);
    const { rows } = await owner.query(
      `select i.given_name, i.date_of_birth::text, m.role from fsp.person_source s join fsp.person_identity i using (person) join fsp.membership m using (person) where s.source_id = 'GP-2'`,
    );
    expect(rows).toEqual([{ given_name: 'Fay', date_of_birth: '2026-10-02', role: 'child' }]);
  });
  it('a later state that says nothing else writes nothing', async () => {
    const said = child('UP-1', { ethnicity: 'WBRI', disabilities: ['HEAR'] });
    await families(family('U-1', [mother('UP-2'), said]));
    await persons({ family: 'U-1', role: 'unborn-child', person: { sourceId: 'UP-3', changed: T1, expectedDate: '2026-12-20' } });
    const before = await counts();
    const now = (await owner.query('select count(*) as n from fsp.outbox')).rows[0].n;
    const bare = { sourceId: 'UP-1', changed: T2, disabilities: ['HEAR'], dateOfBirth: '2015-04-05', sex: 'F' };
    const run = await families({ ...family('U-1', [mother('UP-2', { changed: T2 }), { role: 'child', person: bare }]), changed: T2 });
    expect(results(run)).toEqual(['UNCHANGED']);
    const awaited = { sourceId: 'UP-3', changed: T2, version: 1, expectedDate: '2026-12-20' };
    expect(results(await persons({ person: { ...bare, changed: T3, ethnicity: 'WBRI' } }, { person: awaited }))).toEqual([
      'UNCHANGED',
      'UNCHANGED',
    ]);
    // When the system last told of them is kept, with when it told before.
    expect(await counts()).toEqual({ ...before, earlier: expect.anything() });
    // Two batches, and nothing else, are on the record of changes.
    expect((await owner.query('select count(*) as n from fsp.outbox')).rows[0].n - now).toBe(2);
    expect(results(await persons({ person: { ...bare, version: 2, disabilities: ['HEAR', 'MOB'] } }))).toEqual(['UPDATED']);
  });
  it('a version counts more than a time', async () => {
    const state = (version: number, changed: string, givenName: string) => ({ person: person('GP-1', { version, changed, givenName }) });
    expect(results(await persons(state(7, T2, 'Seven')))).toEqual(['UPDATED']);
    expect(results(await persons(state(6, T3, 'Six')))).toEqual(['UNCHANGED']);
    expect(results(await persons(state(8, T1, 'Eight')))).toEqual(['UPDATED']);
  });
});

describe('Workbook entries', () => {
  const entry = (more: Record<string, unknown> = {}) => ({
    sourceId: 'E-1',
    changed: T1,
    author: 'Olive Penn',
    module: 'Module 1',
    discipline: 'social-worker',
    sessionType: 'individual',
    occurred: '2026-09-30T13:00:00.000Z',
    persons: ['WP-1'],
    narrative: 'She talked about the mornings.',
    readings: [{ person: 'WP-1', behaviour: 'alcohol', stageOfChange: 'CONTEMPLATION', capacityForChange: 2 }],
    parentWords: [{ person: 'WP-1', words: 'I want mornings without it.' }],
    ...more,
  });
  const shown = async (id: string) =>
    (
      await server.ask(
        SYSTEM,
        `query($id: ID!) { node(id: $id) { ... on WorkbookEntry { author narrative readings { stageOfChange capacityForChange } parentWords { words } amendments { was reason } persons { givenName } } } }`,
        { id },
      )
    ).body.data.node;
  let id: string;

  it('come in for the one family of whom they are about, in the practitioner’s name', async () => {
    await families(family('W-1', [mother('WP-1'), child('WP-2')]));
    const run = await entries(entry(), entry({ sourceId: 'E-2', persons: ['nobody'] }), entry({ sourceId: 'E-3', discipline: 'wizardry' }));
    expect(run.lines.map(({ result, path, rule }) => [result, path, rule])).toEqual([
      ['CREATED', null, null],
      ['FAILED', '/persons/0', 'NOT_FOUND'],
      ['FAILED', '/discipline', 'INVALID'],
    ]);
    id = run.lines[0]?.record as string;
    expect(await shown(id)).toMatchObject({ author: 'Olive Penn', narrative: 'She talked about the mornings.' });
  });

  it('the same again changes nothing; a later state is an amendment, and what stood before is kept', async () => {
    const before = await counts();
    expect(results(await entries(entry(), entry({ readings: [...entry().readings] })))).toEqual(['UNCHANGED', 'UNCHANGED']);
    expect(await counts()).toEqual(before);
    const later = entry({
      changed: T2,
      narrative: 'She talked about the mornings, and rang her sister.',
      persons: ['WP-1', 'WP-2'],
      readings: [{ person: 'WP-1', behaviour: 'alcohol', stageOfChange: 'PREPARATION', capacityForChange: 3 }],
      parentWords: [],
    });
    const run = await entries(later);
    expect(run.lines).toMatchObject([{ result: 'UPDATED', rule: 'STAYS', path: '/parentWords' }]);
    expect(await shown(id)).toEqual({
      author: 'Olive Penn',
      narrative: 'She talked about the mornings, and rang her sister.',
      readings: [{ stageOfChange: 'PREPARATION', capacityForChange: 3 }],
      parentWords: [{ words: 'I want mornings without it.' }],
      amendments: [{ was: 'She talked about the mornings.', reason: 'Changed in liquidlogic.' }],
      persons: [{ givenName: 'Beth' }, { givenName: 'Ada' }],
    });
    expect(results(await entries(entry()))).toEqual(['UNCHANGED']);
    expect((await shown(id)).readings).toEqual([{ stageOfChange: 'PREPARATION', capacityForChange: 3 }]);
  });

  it('a later state that says nothing else writes nothing, and the feed tells of nothing', async () => {
    const left = entry({ sourceId: 'E-left', family: 'W-1' });
    const { record } = (await entries(left)).lines[0] as Lines[number];
    // The reading of the feed is a reading of everything that stands, once.
    let cursor: string | null = null;
    const next = async () => {
      const told: string[] = [];
      for (let more = true; more; ) {
        const { body } = await server.ask(
          SYSTEM,
          'query($after: String) { workbookChanges(first: 100, after: $after) { nodes { id } cursor hasMore } }',
          { after: cursor },
        );
        told.push(...body.data.workbookChanges.nodes.map((node: any) => node.id));
        ({ cursor, hasMore: more } = body.data.workbookChanges);
      }
      return told;
    };
    expect(await next()).toContain(record);
    await next();
    const { readings: _readings, ...unsaid } = left;
    const { parentWords, ...others } = unsaid;
    expect(results(await entries({ ...unsaid, changed: T2 }, { ...others, version: 1, changed: T3 }))).toEqual(['UNCHANGED', 'UNCHANGED']);
    expect((await entries({ ...unsaid, version: 2, parentWords: [] })).lines).toMatchObject([{ result: 'UNCHANGED', rule: 'STAYS' }]);
    expect(await next()).toEqual([]);
    const spoken = [{ ...parentWords[0], words: 'I want mornings.' }];
    expect(results(await entries({ ...left, version: 3, parentWords: spoken }))).toEqual(['UPDATED']);
    await expect.poll(next, { timeout: 15_000 }).toContain(record);
    // An older one is passed over still, though the one between wrote nothing.
    expect((await entries({ ...left, version: 2, narrative: 'Older.' })).lines).toMatchObject([{ rule: 'OLDER_VERSION' }]);
  });

  it('a later state says nothing of somebody of another family', async () => {
    await families(family('W-2', [mother('WQ-1', { givenName: 'Cora' })], { name: 'Other' }));
    const reading = { behaviour: 'alcohol', stageOfChange: 'ACTION' };
    const before = await counts();
    const version = 9;
    for (const [path, more] of Object.entries({
      '/persons/1': { persons: ['WP-1', 'WQ-1'] },
      '/keptFrom/0': { keptFrom: ['WQ-1'] },
      '/readings/0/person': { readings: [{ person: 'WQ-1', ...reading }] },
      '/childWords/0/person': { childWords: [{ person: 'WQ-1', words: 'x' }] },
      '/parentWords/1/person': { parentWords: [...entry().parentWords, { person: 'WQ-1', words: 'x' }] },
    }))
      expect((await entries(entry({ version, changed: T3, ...more }))).lines, path).toMatchObject([
        { result: 'FAILED', rule: 'NOT_FOUND', path },
      ]);
    expect(await counts()).toEqual(before);
  });

  it('of the same version with another author, moment or family nothing is new', async () => {
    const line = entry({ sourceId: 'E-9', family: 'W-1' });
    expect(results(await entries(line))).toEqual(['CREATED']);
    const other = { author: 'Somebody Else', occurred: '2026-09-29T13:00:00.000Z', family: null };
    expect(results(await entries({ ...line, ...other }, { ...line, ...other, changed: T2 }))).toEqual(['UNCHANGED', 'UNCHANGED']);
  });

  it('what was taken out as wrong does not come back', async () => {
    await owner.query(`delete from fsp.workbook_entry_version; delete from fsp.workbook_reading where entry = ${id.split('-')[1]}`);
    for (const table of ['workbook_entry_person', 'workbook_parent_words'])
      await owner.query(`delete from fsp.${table} where entry = $1`, [id.split('-')[1]]);
    await owner.query('delete from fsp.workbook_entry where id = $1', [id.split('-')[1]]);
    expect((await entries(entry({ changed: T3 }))).lines).toMatchObject([{ result: 'FAILED', rule: 'NOT_FOUND', path: '/sourceId' }]);
  });
});

it('who is not the master of a noun pushes none of it in', async () => {
  const line = family('MA-1', [child('MAP-1')]);
  const refused = async () => {
    const text = 'mutation($input: UpsertFamiliesInput!) { upsertFamilies(input: $input) { run { id } userErrors { rule } } }';
    const { body } = await server.ask(SYSTEM, text, {
      input: { idempotencyKey: `push-${key++}`, system: 'liquidlogic', families: [line] },
    });
    return body.data.upsertFamilies;
  };
  const master = (client: string | null) =>
    owner.query(`update fsp.noun_master set client = $1, system = $1 where noun = 'person'`, [client]);
  await master('occ-social-care');
  const before = await counts();
  expect(await refused()).toEqual({ run: null, userErrors: [{ rule: 'MASTERED_ELSEWHERE' }] });
  expect(await counts()).toEqual(before);
  await master('occ-record-system');
  expect(results(await families(line))).toEqual(['CREATED']);
  await master(null);
});

it('the latest batch is read first', async () => {
  await families(family('RR-1', [child('RRP-1')]));
  const { body } = await server.ask(
    SYSTEM,
    '{ recordRuns(first: 1) { nodes { system created lines { nodes { sourceId family { name } } } } } }',
  );
  expect(body.data.recordRuns.nodes).toEqual([
    { system: 'liquidlogic', created: 1, lines: { nodes: [{ sourceId: 'RR-1', family: { name: 'Fenwick' } }] } },
  ]);
});

it('each line is a change of its own in the outbox', async () => {
  const { rows } = await owner.query(
    `select entity, count(*)::int as n from fsp.outbox where action like 'upsert%' group by entity order by entity`,
  );
  expect(rows.map(({ entity }) => entity)).toEqual(expect.arrayContaining(['Family', 'Person', 'RecordRun', 'WorkbookEntry']));
});

it('whatever the order, the batches and the repeats, what stands in the end is each record’s latest state', async () => {
  let round = 0;
  const state = fc.record({ who: fc.integer({ min: 0, max: 2 }), at: fc.integer({ min: 0, max: 9 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(state, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 5 }), async (states, size) => {
      const tag = `Q${round++}`;
      // What a state says follows from its time: the same state says the same.
      const line = ({ who, at }: { who: number; at: number }) => {
        const changed = `2026-10-0${at < 9 ? at + 1 : 9}T${at === 9 ? '20' : '08'}:00:00.000Z`;
        const member = child(`${tag}-P${who}`, { changed, givenName: `Name ${at}`, familyName: `${tag} ${who}`, sex: at % 2 ? 'F' : 'M' });
        return { ...family(`${tag}-F${who}`, [member]), changed, name: `Name ${at}` };
      };
      const lines = states.map(line);
      const run = async (all: typeof lines) => {
        for (let i = 0; i < all.length; i += size) {
          const { failed } = await families(...all.slice(i, i + size));
          expect(failed).toBe(0);
        }
      };
      await run(lines);
      await run([...lines].reverse());
      const { rows } = await owner.query<{ source_id: string; name: string; given_name: string }>(
        `select s.source_id, n.name, i.given_name from fsp.record_source s join fsp.family_name n using (family)
         join fsp.membership m using (family) join fsp.person_identity i using (person) where s.source_id like $1 order by 1`,
        [`${tag}-%`],
      );
      const latest = new Map<number, number>();
      for (const { who, at } of states) latest.set(who, Math.max(at, latest.get(who) ?? -1));
      expect(rows).toEqual(
        [...latest]
          .sort(([a], [b]) => a - b)
          .map(([who, at]) => ({ source_id: `${tag}-F${who}`, name: `Name ${at}`, given_name: `Name ${at}` })),
      );
    }),
    { numRuns: 12 },
  );
});
