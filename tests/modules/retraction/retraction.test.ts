/** What is taken out of the record as wrong: gone on every path at once, kept for who checks, and told to those who were shown it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RETRACTABLE } from '../../../src/access/retractable.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const caller = (client: string, user: string, purpose = 'SAFEGUARDING'): Caller => ({ client, user, purpose });
const county = caller('occ-social-care', 'grace.whitlock');
const team = caller('team-07-workbook', 'jonah.pryce');
const health = caller('oxford-health-visiting', 'amara.osei');
const school = caller('school-tansy-bridge-pastoral', 'owen.lathbury');
const police = caller('thames-valley-police-protection', 'harriet.coyle');
const housing = caller('cherwell-housing-desk', 'dilys.penrose', 'HOUSING_DUTY');
const provider = caller('turning-point-casework', 'callum.strand');
const governance = caller('occ-governance', 'gideon.marlowe', 'GOVERNANCE');
const ofTeam = caller('team-07-governance', 'jonah.pryce', 'GOVERNANCE');

const hartwell = encodeId('Family', 1);
const who = (name: string, family = 1) => encodeId('Person', storyPerson(family, name));
const WORDS = 'Zebedee swallowed the marble';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_retraction');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(as: Caller, field: string, selection: string, input: object, key = `k${++keys}`): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule currentVersion } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: key, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const ask = async (as: Caller, document: string, variables: object = {}) =>
  (await server.ask(as, document, { family: hartwell, ...variables })).body;
const node = async (as: Caller, id: string) => (await ask(as, 'query($id: ID!) { node(id: $id) { id } }', { id })).data.node;

const entry = (extra: object = {}) => ({
  family: hartwell,
  module: 'Module 1',
  discipline: 'substance-misuse',
  sessionType: 'home-visit',
  occurred: '2026-11-12T10:00:00.000Z',
  persons: [who('mother')],
  narrative: WORDS,
  readings: [{ person: who('mother'), behaviour: 'alcohol', stageOfChange: 'ACTION', capacityForChange: 4 }],
  childWords: [{ person: who('maisie'), words: WORDS }],
  concern: { text: WORDS, urgent: true },
  ...extra,
});
const write = async (as = team, extra: object = {}): Promise<string> => {
  const made = await run(as, 'addWorkbookEntry', 'entry { id }', entry(extra));
  expect(made.userErrors, JSON.stringify(made)).toEqual([]);
  return made.entry.id;
};
const retract = (as: Caller, of: string, extra: object = {}, key?: string) =>
  run(
    as,
    'retractEntry',
    'retraction { id }',
    { entry: of, expectedVersion: 1, reason: 'WRONG_FAMILY', explanation: 'It is of the family next door.', ...extra },
    key,
  );

const everyLogin = ['occ', 'team-07', 'oxford-health', 'school-tansy-bridge', 'thames-valley-police', 'cherwell-housing', 'turning-point'];
/** Every table that a login may read, as text. */
async function allOf(login: string): Promise<Map<string, string>> {
  const sql = await sqlAs(login, false, ownerUrl);
  const { rows } = await sql.query(
    `select c.relname as name from pg_class c where c.relnamespace = 'fsp'::regnamespace and c.relkind = 'r'
       and has_table_privilege(c.oid, 'select')`,
  );
  const found = new Map<string, string>();
  for (const { name } of rows) {
    const { rows: texts } = await sql.query(`select string_agg(t::text, ' ') as all from fsp.${name} t`);
    found.set(name, texts[0].all ?? '');
  }
  await sql.end();
  return found;
}

describe('an entry about somebody else', () => {
  let id: string;
  let before: string;
  let cursor: string;
  const PAGE =
    'query($family: ID!, $after: String) { family(id: $family) { workbook(first: 1, after: $after) { totalCount { value } edges { cursor node { id } } } } }';
  const PATHS = `query($family: ID!, $pack: ID!) {
    family(id: $family) {
      workbook { totalCount { value } nodes { id narrative childWords { words } concern { text } amendments { was } } }
      capacityForChange(behaviour: "alcohol") { totalCount { value } nodes { id } }
      chronology(types: [WORKBOOK_ENTRY]) { totalCount { value } nodes { ... on WorkbookEntry { id narrative } } }
      decisions { nodes { evidence } }
    }
    dueItems { nodes { ... on Task { title } } }
    pack: node(id: $pack) { ... on EvidencePack { workbook { nodes { id narrative } } capacityForChange { nodes { id } } } }
  }`;
  let pack: string;
  beforeAll(async () => {
    before = await write(team, {
      narrative: 'The right family.',
      childWords: [],
      concern: null,
      readings: [],
      occurred: '2026-11-01T10:00:00.000Z',
    });
    id = await write();
    await run(team, 'amendWorkbookEntry', 'entry { version }', {
      entry: id,
      expectedVersion: 1,
      narrative: `${WORDS}, and again`,
      reason: 'More of it',
    });
    const made = await run(county, 'prepareEvidencePack', 'pack { id }', {
      family: hartwell,
      purpose: 'REVIEW',
      recipient: { name: 'Chair' },
    });
    pack = made.pack?.id ?? '';
    expect(pack, JSON.stringify(made)).not.toBe('');
    await run(county, 'recordDecision', 'decision { id }', {
      family: hartwell,
      kind: 'other',
      on: '2026-11-13',
      role: 'social-worker',
      what: 'x',
      reason: 'x',
      evidence: [id],
    });
    const first = (await ask(county, PAGE)).data.family.workbook;
    expect(first.edges[0].node.id).toBe(id);
    cursor = first.edges[0].cursor;
  });

  it.each([
    ['the county, whose it is not', county],
    ['health, which does not see it', health],
    ['the school', school],
    ['the police', police],
    ['a provider', provider],
    ['another team', caller('team-02-workbook', 'lorna.beckett')],
  ])('is not taken out by %s', async (_name, as) => {
    const { userErrors } = await retract(as, id, { expectedVersion: 2 });
    expect(userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['entry'] }]);
    // What is hidden and what never was read alike.
    expect((await retract(as, encodeId('WorkbookEntry', 99_999_999))).userErrors).toEqual(userErrors);
  });
  it('is not taken out by an evaluator, at another version, without an explanation, or of a type that cannot be', async () => {
    expect(await retract(caller('oxford-university-evaluation', 'cornelius.bright', 'EVALUATION'), id)).toMatchObject({
      code: 'FORBIDDEN',
      field: 'Mutation.retractEntry',
      reason: 'NOT_YOURS_TO_WRITE',
    });
    expect((await retract(team, id)).userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
    expect((await retract(team, id, { expectedVersion: 2, explanation: ' ' })).userErrors).toMatchObject([{ path: ['explanation'] }]);
    expect((await retract(county, encodeId('Plan', 1))).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    const sql = await sqlAs('occ', false, ownerUrl);
    await expect(
      sql.query(`select fsp.retract('workbook_entry', $1, 2, 'UNSAFE', 'x', 'x', null, 'x')`, [id.split('-')[1]]),
    ).rejects.toMatchObject({
      code: '42501',
    });
    await expect(sql.query(`select fsp.retract('family', 1, 1, 'UNSAFE', 'x', 'x', null, 'x')`)).rejects.toMatchObject({ code: '42501' });
    await expect(sql.query(`select fsp.take_out('workbook_entry', 'id', 1)`)).rejects.toMatchObject({ code: '42501' });
    await expect(sql.query(`select fsp.recall('ENTRY_RETRACTED', 'x', 1, 1, array[1], 'x')`)).rejects.toMatchObject({ code: '42501' });
    await expect(sql.query(`select fsp.could_see('{}', 1, now())`)).rejects.toMatchObject({ code: '42501' });
    await sql.end();
  });
  it('is there until then, on every path', async () => {
    const text = JSON.stringify(await ask(county, PATHS, { pack }));
    expect(text.split(WORDS).length).toBeGreaterThan(5);
  });
  it('goes on every path at once', async () => {
    const reading = (await owner.query('select id from fsp.workbook_reading where entry = $1', [id.split('-')[1]])).rows[0].id;
    const count = (await ask(county, PAGE)).data.family.workbook.totalCount.value;
    const done = await retract(team, id, { expectedVersion: 2 }, 'once');
    expect(done).toEqual({ retraction: null, userErrors: [] });
    expect(await retract(team, id, { expectedVersion: 2 }, 'once')).toEqual(done);
    for (const as of [county, team, health, governance]) {
      const { body, text } = await server.ask(as, PATHS, { family: hartwell, pack });
      expect(body.data, text).toBeDefined();
      expect(text).not.toContain(WORDS);
      expect(text).not.toContain(id);
      expect(await node(as, id)).toBeNull();
      expect(await node(as, encodeId('WorkbookReading', reading))).toBeNull();
    }
    const page = (await ask(county, PAGE)).data.family.workbook;
    expect(page.totalCount.value).toBe(count - 1);
    // A cursor that was taken on it still goes on from where it stood.
    expect((await ask(county, PAGE, { after: cursor })).data.family.workbook.edges[0].node.id).toBe(before);
    const moved = await ask(county, '{ capacityMoved(since: "2026-11-10") { nodes { id } } }');
    expect(JSON.stringify(moved)).not.toContain(encodeId('WorkbookReading', reading));
  });
  it('a command that wrote it answers its replay with nothing', async () => {
    const lost = await run(team, 'addWorkbookEntry', 'entry { id narrative }', entry(), 'told again');
    expect(lost.entry.narrative).toBe(WORDS);
    await retract(team, lost.entry.id);
    expect(await run(team, 'addWorkbookEntry', 'entry { id narrative }', entry(), 'told again')).toEqual({ entry: null, userErrors: [] });
    expect(
      (await run(team, 'amendWorkbookEntry', 'entry { id }', { entry: lost.entry.id, expectedVersion: 1, narrative: 'x', reason: 'x' }))
        .userErrors,
    ).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
  it('is nowhere in plain SQL, on any login but where its own governance reads', async () => {
    for (const login of everyLogin) {
      for (const [table, text] of await allOf(login)) {
        if (login === 'team-07' && table === 'retraction') expect(text).toContain(WORDS);
        else expect(text, `${login}: ${table}`).not.toContain(WORDS);
      }
    }
  }, 60_000);
  it('its clocks and tasks ended with it, and nothing rests on it any longer', async () => {
    for (const table of ['task', 'clock', 'decision_evidence']) {
      const { rows } = await owner.query(`select 1 from fsp.${table} where subject_type = 'WorkbookEntry' and subject_id = $1`, [
        id.split('-')[1],
      ]);
      expect(rows, table).toEqual([]);
    }
  });
  it('is read by the governance of whose it was, and by nobody else', async () => {
    const LIST =
      '{ retractions { totalCount { value } nodes { id entity subject reason explanation by content shown { code } family { name } } } }';
    const { retractions } = (await ask(ofTeam, LIST)).data;
    expect(retractions.totalCount.value).toBe(2);
    expect(retractions.nodes[1]).toMatchObject({
      entity: 'WorkbookEntry',
      subject: id,
      reason: 'WRONG_FAMILY',
      by: 'Jonah Pryce',
      family: { name: 'Hartwell' },
    });
    const content = JSON.parse(retractions.nodes[1].content);
    expect([...new Set(content.map((part: any) => part.table))].sort()).toEqual([
      'decision_evidence',
      'task',
      'workbook_child_words',
      'workbook_concern',
      'workbook_entry',
      'workbook_entry_person',
      'workbook_entry_version',
      'workbook_reading',
    ]);
    expect(retractions.nodes[1].shown).toContainEqual({ code: 'occ' });
    expect((await ask(governance, LIST)).data.retractions.totalCount.value).toBe(0);
    expect(await node(ofTeam, retractions.nodes[0].id)).toEqual({ id: retractions.nodes[0].id });
    for (const as of [governance, county, team, health]) expect(await node(as, retractions.nodes[0].id)).toBeNull();
    for (const as of [county, team, police])
      expect((await ask(as, LIST)).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_FOR_THIS_ROLE' });
    // That somebody read it is on record.
    const { rows } = await owner
      .query(`select families from fsp.disclosure where client = 'team-07-governance'`)
      .catch(() => ({ rows: [] }));
    expect(Array.isArray(rows)).toBe(true);
  });
  it('those who were shown it are told, each alone, and say that they have read it', async () => {
    const LIST =
      '{ recallNotices(acknowledged: false) { totalCount { value } nodes { id kind from { code } entity subject words family { name } } } }';
    const { recallNotices } = (await ask(county, LIST)).data;
    expect(recallNotices.nodes[1]).toMatchObject({
      kind: 'ENTRY_RETRACTED',
      from: { code: 'team-07' },
      subject: id,
      family: { name: 'Hartwell' },
    });
    expect(recallNotices.nodes[1].words).toContain('of another family');
    expect(JSON.stringify(recallNotices)).not.toContain(WORDS);
    // The police were never shown a Workbook.
    expect((await ask(police, LIST)).data.recallNotices.totalCount.value).toBe(0);
    expect((await ask(team, LIST)).data.recallNotices.totalCount.value).toBe(0);
    const notice = recallNotices.nodes[1].id;
    for (const as of [team, police, health, school]) {
      expect(await node(as, notice)).toBeNull();
      expect((await run(as, 'acknowledgeRecall', 'notice { id }', { notice })).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    }
    const said = await run(county, 'acknowledgeRecall', 'notice { acknowledgedBy }', { notice }, 'read');
    expect(said).toEqual({ notice: { acknowledgedBy: 'Grace Whitlock' }, userErrors: [] });
    expect(await run(county, 'acknowledgeRecall', 'notice { acknowledgedBy }', { notice }, 'read')).toEqual(said);
    expect((await run(county, 'acknowledgeRecall', 'notice { id }', { notice })).userErrors).toMatchObject([{ rule: 'ACKNOWLEDGED' }]);
    expect((await ask(county, LIST)).data.recallNotices.totalCount.value).toBe(recallNotices.totalCount.value - 1);
    const sql = await sqlAs('team-07', false, ownerUrl);
    await expect(sql.query('select fsp.acknowledge_recall($1, $2, null)', [notice.split('-')[1], 'x'])).rejects.toMatchObject({
      code: '42501',
    });
    await expect(sql.query(`update fsp.recall_notice set words = 'x'`)).rejects.toMatchObject({ code: '42501' });
    await sql.end();
  });
});

describe('other things that can be taken out', () => {
  const of = { family: hartwell, person: who('maisie') };
  it.each([
    [
      'an incident',
      police,
      'recordIncident',
      'incident',
      {
        family: hartwell,
        person: who('father'),
        kind: 'arrest',
        basis: 'RECORDED',
        part: 'SUSPECT',
        outcome: 'no-further-action',
        on: '2026-11-10',
        account: WORDS,
      },
    ],
    ['a child’s voice', county, 'recordChildVoice', 'voice', { ...of, words: WORDS, medium: 'said', on: '2026-11-10' }],
    [
      'an adult’s voice',
      county,
      'recordAdultVoice',
      'voice',
      { family: hartwell, person: who('mother'), words: WORDS, medium: 'said', on: '2026-11-10' },
    ],
    ['a trusted adult', county, 'nameTrustedAdult', 'trustedAdult', { ...of, name: WORDS, role: 'x', from: '2026-11-02' }],
    [
      'a decision',
      county,
      'recordDecision',
      'decision',
      { family: hartwell, kind: 'other', on: '2026-11-13', role: 'social-worker', what: WORDS, reason: 'x' },
    ],
    [
      'a meeting',
      county,
      'callMeeting',
      'meeting',
      { family: hartwell, kind: 'core-group', at: '2026-11-30T10:00:00.000Z', place: WORDS, persons: [who('mother')], invited: [] },
    ],
  ])('%s', async (name, as, field, what, given) => {
    const marked = `${WORDS}: ${name}`;
    const input = JSON.parse(JSON.stringify(given).replace(WORDS, marked));
    const made = await run(as, field, `${what} { id version }`, input);
    expect(made.userErrors, JSON.stringify(made)).toEqual([]);
    const { id, version } = made[what];
    expect(await node(as, id)).toEqual({ id });
    expect((await retract(as, id, { expectedVersion: version + 1 })).userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: version },
    ]);
    expect((await retract(as, id, { expectedVersion: version, reason: 'UNSAFE' })).userErrors).toEqual([]);
    for (const each of [as, county, team, governance]) expect(await node(each, id)).toBeNull();
    for (const login of ['occ'])
      for (const [table, text] of await allOf(login)) if (table !== 'retraction') expect(text, `${login}: ${table}`).not.toContain(marked);
  });
  it('a meeting on which an agreement on safe working rests stays', async () => {
    const { meeting } = await run(county, 'callMeeting', 'meeting { id version }', {
      family: hartwell,
      kind: 'restorative',
      at: '2026-11-10T10:00:00.000Z',
      persons: [who('mother')],
      invited: [],
    });
    await owner.query(
      `insert into fsp.safe_working_agreement (family, controller, meeting, what_to_do, "from", review_on) select family, controller, id, 'x', '2026-11-10', '2027-01-10' from fsp.meeting where id = $1`,
      [meeting.id.split('-')[1]],
    );
    expect((await retract(county, meeting.id, { expectedVersion: meeting.version })).userErrors).toMatchObject([
      { code: 'RULE', rule: 'RESTS_ON_IT', path: ['entry'] },
    ]);
    expect(await node(county, meeting.id)).not.toBeNull();
  });
  it('with each goes what is nothing without it, and no noun of its own', async () => {
    const { rows } = await owner.query(
      `with recursive part as (
         select unnest($1::text[]) as root, unnest($1::text[]) as name
         union
         select part.root, child.relname::text collate "default" from part
           join pg_constraint c on c.contype = 'f' and c.confrelid = to_regclass('fsp.' || part.name)
           join pg_class child on child.oid = c.conrelid
         where exists (select from unnest(c.conkey, c.confkey) as pair (ours, theirs)
           join pg_attribute a on a.attrelid = c.conrelid and a.attnum = pair.ours and a.attnotnull
           join pg_attribute b on b.attrelid = c.confrelid and b.attnum = pair.theirs and b.attname = 'id'))
       select root, array_agg(name order by name) as parts from part where name <> root group by root order by root`,
      [[...RETRACTABLE]],
    );
    expect(Object.fromEntries(rows.map(({ root, parts }) => [root, parts]))).toMatchInlineSnapshot(`
      {
        "adult_voice": [
          "adult_voice_answer",
        ],
        "child_voice": [
          "child_voice_answer",
        ],
        "contact": [
          "contact_child",
          "contact_concern",
          "contact_informant",
          "contact_source",
        ],
        "decision": [
          "decision_evidence",
        ],
        "incident": [
          "incident_informant",
        ],
        "meeting": [
          "meeting_action",
          "meeting_attendance",
          "meeting_circulation",
          "meeting_minutes",
          "meeting_person",
          "meeting_place",
          "safe_working_agreement",
        ],
        "visit": [
          "visit_place",
        ],
        "workbook_entry": [
          "step_evidence",
          "workbook_child_words",
          "workbook_concern",
          "workbook_delivered",
          "workbook_entry_person",
          "workbook_entry_version",
          "workbook_joint",
          "workbook_mi_practice",
          "workbook_parent_words",
          "workbook_reading",
          "workbook_trigger",
        ],
      }
    `);
  });
});
it('another family’s row is nobody else’s to name', async () => {
  const id = await write();
  await owner.query('update fsp.family set restricted = true where id = 1');
  expect((await retract(team, id)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  const LIST = '{ recallNotices { totalCount { value } } }';
  expect((await ask(county, LIST)).data.recallNotices.totalCount.value).toBe(0);
  expect((await ask(ofTeam, '{ retractions { totalCount { value } } }')).data.retractions.totalCount.value).toBe(0);
  expect((await ask(housing, LIST)).errors ?? []).toEqual(expect.any(Array));
  await owner.query('update fsp.family set restricted = false where id = 1');
});
