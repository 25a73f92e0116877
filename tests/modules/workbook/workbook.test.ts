/** The Workbook: its programme, what an entry holds, capacity for change over time, amendments. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { checkAmendment, checkEntry, checkSession } from '../../../src/modules/workbook/rules.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const caller = (client: string, user: string): Caller => ({ client, user, purpose: 'CHILD_IN_NEED' });
const county = caller('occ-social-care', 'marcus.oyelaran');
const team = (user: string) => caller('team-07-workbook', user);
const health = caller('oxford-health-visiting', 'amara.osei');

const dunmore = encodeId('Family', 3);
const who = (name: string) => encodeId('Person', storyPerson(3, name));

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let teamId: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_workbook');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  teamId = encodeId('Organisation', (await owner.query("select id from fsp.organisation where code = 'team-07'")).rows[0].id);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(as: Caller, field: string, selection: string, input: object): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path currentVersion } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: `k${++keys}`, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const query = async (as: Caller, document: string, variables: Record<string, unknown> = {}) =>
  (await server.ask(as, document, variables)).body;
const read = (as: Caller, selection: string) => query(as, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id: dunmore });

const ENTRY =
  'entry { id version narrative session { code module { name } } evidence { code } joint { name discipline { code } organisation { code } } concern { text urgent } miPractice { principles { code } changeTalk ownRating } triggers { trigger coping behaviour { code } } readings { engagement { code } observedOn capacityForChange movedSinceFirst movedSinceLast } amendments { number was reason by } }';
const entry = (extra: object = {}) => ({
  family: dunmore,
  module: 'Module 3',
  discipline: 'social-worker',
  sessionType: 'joint-home-visit',
  occurred: '2026-11-15T23:30:00.000Z',
  persons: [who('mother')],
  narrative: 'We looked at what sets her off.',
  ...extra,
});

describe('what an entry must be', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  it('names its faults', () => {
    const input = entry({
      evidence: ['x'],
      joint: [{ name: ' ', discipline: 'x' }],
      miPractice: { principles: ['empathy', 'empathy'], changeTalk: -1, ownRating: 6 },
      triggers: [{ person: 'P', trigger: '' }],
    });
    expect(checkEntry(input as never, now).map(({ path }) => path.join('.'))).toEqual([
      'joint.0.name',
      'triggers.0.trigger',
      'miPractice.principles',
      'miPractice.changeTalk',
      'miPractice.ownRating',
      'evidence',
    ]);
    expect(checkAmendment({ entry: 'E', expectedVersion: 1, reason: ' ' })).toHaveLength(2);
  });
  it('fits its session', () => {
    const session = { id: 1, module: { code: 'module-3', name: 'Module 3' }, evidence: new Map([['notes', 1]]) };
    const input = entry({ session: 's', evidence: ['notes'] }) as never;
    expect(checkSession(input, session)).toEqual([]);
    expect(checkSession({ ...(input as object), module: 'Module 4', evidence: ['other'] } as never, session)).toMatchObject([
      { path: ['module'] },
      { path: ['evidence', '0'] },
    ]);
    expect(checkSession(input, null)).toMatchObject([{ path: ['session'] }]);
  });
});

describe('the programme', () => {
  it('is the authority’s own: eight modules under neutral names, open to everybody', async () => {
    const { data } = await query(
      health,
      '{ workbookProgrammes { code version validFrom modules { name sessions { code evidence { code } } } } }',
    );
    expect(data.workbookProgrammes).toMatchObject([{ code: 'capacity-for-change', validFrom: '2020-11-01' }]);
    expect(data.workbookProgrammes[0].modules.map(({ name }: any) => name)).toEqual(Array.from({ length: 8 }, (_, i) => `Module ${i + 1}`));
    expect(data.workbookProgrammes[0].modules[2].sessions[1]).toEqual({
      code: 'module-3-session-2',
      evidence: [{ code: 'module-3-session-2-notes' }, { code: 'module-3-exercise' }],
    });
  });
});

describe('an entry', () => {
  let id: string;
  it('holds the session, who was there, the practice, triggers and what was left behind', async () => {
    const { entry: made, userErrors } = await run(
      county,
      'addWorkbookEntry',
      ENTRY,
      entry({
        session: 'module-3-session-2',
        evidence: ['module-3-exercise'],
        joint: [{ discipline: 'mental-health', name: 'Niamh Carroll', organisation: teamId }],
        miPractice: { principles: ['empathy', 'self-efficacy'], changeTalk: 7, sustainTalk: 2, ownRating: 4 },
        triggers: [{ person: who('mother'), behaviour: 'alcohol', trigger: 'A quarrel', coping: 'Rings her sister' }],
        readings: [
          { person: who('mother'), behaviour: 'alcohol', stageOfChange: 'ACTION', capacityForChange: 3, engagement: 'asking-for-more' },
        ],
      }),
    );
    expect(userErrors).toEqual([]);
    expect(made).toMatchObject({
      version: 1,
      session: { code: 'module-3-session-2', module: { name: 'Module 3' } },
      evidence: [{ code: 'module-3-exercise' }],
      joint: [{ name: 'Niamh Carroll', discipline: { code: 'mental-health' }, organisation: { code: 'team-07' } }],
      concern: null,
      miPractice: { principles: [{ code: 'empathy' }, { code: 'self-efficacy' }], changeTalk: 7, ownRating: 4 },
      triggers: [{ trigger: 'A quarrel', coping: 'Rings her sister', behaviour: { code: 'alcohol' } }],
      // Half past eleven at night in November is the same day in England.
      readings: [{ engagement: { code: 'asking-for-more' }, observedOn: '2026-11-15' }],
      amendments: [],
    });
    id = made.id;
  });
  it('names codes, sessions and organisations that there are not', async () => {
    const { userErrors } = await run(
      county,
      'addWorkbookEntry',
      ENTRY,
      entry({
        session: 'module-9-session-1',
        joint: [{ discipline: 'astrology', name: 'X', organisation: encodeId('Organisation', 9_999) }],
        miPractice: { principles: ['magic'] },
        readings: [{ person: who('mother'), behaviour: 'alcohol', stageOfChange: 'ACTION', engagement: 'bored' }],
      }),
    );
    expect(userErrors.map((e: any) => e.path.join('.')).sort()).toEqual([
      'joint.0.discipline',
      'joint.0.organisation',
      'miPractice.principles.0',
      'readings.0.engagement',
      'session',
    ]);
  });
  it('with a concern is a task of the lead practitioner at once, kept from whom the entry is kept from', async () => {
    const tasks = async (as: Caller) =>
      (
        await read(as, 'tasks(first: 100) { nodes { kind { code } title worker assigned { code } dueOn doneOn } }')
      ).data.family.tasks.nodes.filter((t: any) => t.kind.code === 'concern');
    const today = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/London' }).format(new Date());
    const { entry: made } = await run(
      team('niamh.carroll'),
      'addWorkbookEntry',
      ENTRY,
      entry({ concern: { text: 'He has a key again.', urgent: true }, keptFrom: [who('partner')] }),
    );
    expect(made.concern).toEqual({ text: 'He has a key again.', urgent: true });
    expect(await tasks(county)).toEqual([
      {
        kind: { code: 'concern' },
        title: 'Urgent concern raised in the Workbook',
        worker: 'marcus.oyelaran',
        assigned: { code: 'occ' },
        dueOn: today,
        doneOn: null,
      },
    ]);
    expect(await tasks(team('ruth.ellery'))).toEqual([]);
    const { entry: second } = await run(
      county,
      'addWorkbookEntry',
      ENTRY,
      entry({ concern: { text: 'She looked tired.', urgent: false } }),
    );
    expect(second.concern.urgent).toBe(false);
    expect((await tasks(county)).find((t: any) => t.title.startsWith('Concern')).dueOn > today).toBe(true);
  });
  it('is amended by who wrote it, and keeps what it said', async () => {
    const amend = {
      entry: id,
      expectedVersion: 1,
      narrative: 'We looked at what sets her off, and what helps.',
      reason: 'The end was missing.',
    };
    expect((await run(team('niamh.carroll'), 'amendWorkbookEntry', ENTRY, amend)).userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['entry'] },
    ]);
    expect(await run(health, 'amendWorkbookEntry', ENTRY, amend)).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => run(county, 'amendWorkbookEntry', ENTRY, amend)));
    const won = answers.filter(({ entry: made }) => made);
    expect(won).toHaveLength(1);
    expect(won[0].entry).toMatchObject({
      version: 2,
      narrative: amend.narrative,
      amendments: [{ number: 1, was: 'We looked at what sets her off.', reason: 'The end was missing.', by: 'Marcus Oyelaran' }],
    });
    for (const { userErrors } of answers.filter(({ entry: made }) => !made))
      expect(userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
  });
  it('of a team is amended by its own writer, and stays kept from the same', async () => {
    const { entry: made } = await run(team('niamh.carroll'), 'addWorkbookEntry', ENTRY, entry({ keptFrom: [who('partner')] }));
    const amend = { entry: made.id, expectedVersion: 1, module: 'Module 4', reason: 'It was the next module.' };
    expect((await run(team('jonah.pryce'), 'amendWorkbookEntry', ENTRY, amend)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect((await run(team('niamh.carroll'), 'amendWorkbookEntry', ENTRY, amend)).entry.version).toBe(2);
    const sql = await sqlAs('elmore-perpetrators', false, ownerUrl);
    const key = made.id.split('-')[1];
    for (const table of ['workbook_entry_version', 'workbook_concern', 'workbook_joint', 'workbook_trigger'])
      expect((await sql.query(`select from fsp.${table} where entry = $1`, [key])).rowCount, table).toBe(0);
    await sql.end();
    const { rows } = await owner.query('select kept_from from fsp.workbook_entry_version where entry = $1', [key]);
    expect(rows).toEqual([{ kept_from: [String(storyPerson(3, 'partner'))] }]);
  });
});

describe('capacity for change', () => {
  const reading = (on: string, capacityForChange: number | null, extra: object = {}) =>
    run(
      county,
      'addWorkbookEntry',
      ENTRY,
      entry({
        occurred: `${on}T10:00:00.000Z`,
        persons: [who('partner')],
        readings: [{ person: who('partner'), behaviour: 'gambling', stageOfChange: 'CONTEMPLATION', capacityForChange }],
        ...extra,
      }),
    );
  let behaviour: string;
  beforeAll(async () => {
    // A behaviour of which nobody has read anything of him yet.
    const { rows } = await owner.query(
      "select code from fsp.code where list = 'behaviour' and code not in (select behaviour from fsp.workbook_reading where person = $1) order by code limit 1",
      [storyPerson(3, 'partner')],
    );
    behaviour = rows[0].code;
    const of = (capacityForChange: number | null) => ({
      readings: [{ person: who('partner'), behaviour, stageOfChange: 'CONTEMPLATION', capacityForChange, engagement: 'obliged' }],
    });
    for (const [on, value] of [
      ['2026-09-01', 1],
      ['2026-10-01', 2],
      ['2026-10-20', null],
      ['2026-11-02', 4],
    ] as const)
      expect((await reading(on, value, of(value))).userErrors).toEqual([]);
  });
  const COURSE = 'nodes { observedOn capacityForChange movedSinceFirst movedSinceLast engagement { code } person { givenName } }';
  it('is read per person and behaviour over time, latest first, with how far it moved', async () => {
    const { data } = await query(
      county,
      `query($id: ID!, $person: ID, $behaviour: String) { family(id: $id) { capacityForChange(person: $person, behaviour: $behaviour) { ${COURSE} totalCount { value } } all: capacityForChange(first: 1) { totalCount { value } } } }`,
      { id: dunmore, person: who('partner'), behaviour },
    );
    expect(
      data.family.capacityForChange.nodes.map((r: any) => [r.observedOn, r.capacityForChange, r.movedSinceFirst, r.movedSinceLast]),
    ).toEqual([
      ['2026-11-02', 4, 3, 2],
      ['2026-10-20', null, null, null],
      ['2026-10-01', 2, 1, 1],
      ['2026-09-01', 1, 0, null],
    ]);
    expect(data.family.all.totalCount.value).toBeGreaterThan(data.family.capacityForChange.totalCount.value);
  });
  it('tells whose moved since a day, across families, as far as the caller sees', async () => {
    const moved = async (as: Caller, since: string) =>
      (
        await query(
          as,
          'query($since: Date!, $filter: CapacityFilter) { capacityMoved(since: $since, filter: $filter, first: 100) { nodes { observedOn capacityForChange person { id } family { id } } } }',
          {
            since,
            filter: { behaviour, team: teamId },
          },
        )
      ).data.capacityMoved.nodes;
    const his = (nodes: any[]) => nodes.filter(({ person }) => person?.id === who('partner'));
    expect(his(await moved(county, '2026-10-15'))).toEqual([
      { observedOn: '2026-11-02', capacityForChange: 4, person: { id: who('partner') }, family: { id: dunmore } },
    ]);
    expect(his(await moved(county, '2026-11-03'))).toEqual([]);
    expect(his(await moved(team('ruth.ellery'), '2026-10-15'))).toHaveLength(1);
    // Another team, and an agency without a decision, see none.
    expect(his(await moved(caller('team-02-workbook', 'lorna.beckett'), '2026-10-15'))).toEqual([]);
    expect(his(await moved(health, '2026-10-15'))).toEqual([]);
  });
  it('is not for the police', async () => {
    const { errors } = await query(
      { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' },
      '{ capacityMoved(since: "2026-01-01") { totalCount { value } } }',
    );
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', field: 'Query.capacityMoved', reason: 'NOT_SHARED_WITH_AGENCY' } }]);
  });
});
