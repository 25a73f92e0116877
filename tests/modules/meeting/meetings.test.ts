/** Meetings and decisions: called, held, sent round; decided, looked at, lifted. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { inTeam, USERS } from '../../../src/db/personas.ts';
import { checkCall, checkOversight, checkRecord, checkSafeWorking } from '../../../src/modules/meeting/rules.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const inTheirTeam = (discipline: string) => inTeam('team-02', discipline)[0]?.subject as string;
const county: Caller = { client: 'occ-social-care', user: inTheirTeam('social-worker'), purpose: 'SAFEGUARDING' };
const manager: Caller = { client: 'occ-team-management', user: inTheirTeam('team-manager'), purpose: 'SAFEGUARDING' };
const nameOf = ({ user }: Caller) => USERS.find(({ subject }) => subject === user)?.name as string;
const police: Caller = { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' };
const provider = (user: string): Caller => ({ client: 'turning-point-casework', user, purpose: 'SAFEGUARDING' });
let school: Caller;
const otherSchool: Caller = { client: 'school-tansy-bridge-pastoral', user: 'owen.lathbury', purpose: 'SAFEGUARDING' };

const ashdown = encodeId('Family', 2);
const who = (name: string, family = 2) => encodeId('Person', storyPerson(family, name));

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let organisations: Map<string, string>;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_meetings');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  const { rows } = await owner.query('select id, code from fsp.organisation');
  organisations = new Map(rows.map(({ id, code }) => [code, encodeId('Organisation', id)]));
  const { rows: users } = await owner.query(
    "select u.subject from fsp.app_user u join fsp.organisation o on o.id = u.organisation where o.code = 'school-marigold-lock'",
  );
  school = { client: 'school-marigold-lock-pastoral', user: users[0].subject, purpose: 'SAFEGUARDING' };
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
/** Runs a command with a key of its own; gives the payload, or the errors of the answer. */
async function run(caller: Caller, field: string, selection: string, input: object, key = `k${++keys}`): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule currentVersion } } }`;
  const { body } = await server.ask(caller, document, { input: { idempotencyKey: key, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const query = async (caller: Caller, document: string, variables: object = {}) =>
  (await server.ask(caller, document, variables as never)).body;
const node = async (caller: Caller, id: string, selection: string) =>
  (await query(caller, `query($id: ID!) { node(id: $id) { ${selection} } }`, { id })).data.node;

const MEETING =
  'meeting { id version status kind { code } place chair persons { givenName } attendance { organisation { code } person { givenName } status } actions { id version what dueOn } minutes { id text author keptFrom { givenName } } circulated { organisation { code } on } }';
const coreGroup = (extra: object = {}) => ({
  family: ashdown,
  kind: 'core-group',
  at: '2026-11-10T10:00:00.000Z',
  place: 'Family centre',
  chair: nameOf(county),
  persons: [who('jade'), who('liam')],
  invited: [
    { organisation: organisations.get('school-marigold-lock'), user: school.user, name: 'Pastoral lead' },
    { organisation: organisations.get('thames-valley-police'), user: 'harriet.coyle' },
    { organisation: organisations.get('turning-point'), user: 'moira.fenwick', name: 'Moira Fenwick' },
    { person: who('mother') },
  ],
  ...extra,
});

describe('what a meeting and a decision must be', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  it('names persons, and guests who are one thing', () => {
    const errors = checkCall({
      ...(coreGroup.length ? {} : {}),
      family: 'F',
      kind: 'x',
      at: '2026-11-10T10:00:00Z',
      persons: [],
      invited: [{}, { organisation: 'O', person: 'P', user: 'u' }],
    } as never);
    expect(errors.map(({ path }) => path.join('.'))).toEqual(['persons', 'invited.0', 'invited.1', 'invited.1.user']);
  });
  it('is held when it has come, once, with actions that follow it', () => {
    const input = {
      meeting: 'M',
      expectedVersion: 1,
      attended: [{ person: 'P' }],
      actions: [{ what: 'a', who: 'b', dueOn: '2026-11-09' }],
      minutesKeptFrom: ['P'],
    };
    const found = checkRecord(input as never, { meetsAt: new Date('2026-11-10T10:00:00Z'), status: 'HELD' }, now);
    expect(found.map(({ path }) => path.join('.'))).toEqual(['meeting', 'actions.0.dueOn', 'minutesKeptFrom']);
    expect(
      checkRecord(
        { meeting: 'M', expectedVersion: 1, attended: [] } as never,
        { meetsAt: new Date('2026-12-10T10:00:00Z'), status: 'CALLED' },
        now,
      ),
    ).toMatchObject([{ path: ['at'] }, { path: ['attended'] }]);
  });
  it('of safe working is agreed in a restorative meeting and reviewed within six months', () => {
    const input = { meeting: 'M', whatToDo: 'Two workers.', from: '2026-08-31', reviewOn: '2027-03-01' };
    expect(checkSafeWorking(input, 'core-group')).toMatchObject([{ path: ['meeting'] }, { rule: 'SAFETY_REVIEW', path: ['reviewOn'] }]);
    expect(checkSafeWorking({ ...input, reviewOn: '2027-02-28' }, 'restorative')).toEqual([]);
  });
  it('is overseen by a manager who did not make it, once', () => {
    const decided = { worker: 'a', overseenOn: null, version: 1 };
    const input = { decision: 'D', expectedVersion: 1, comment: 'Agreed.' };
    expect(checkOversight(input, decided, { user: 'b', isManager: true })).toEqual([]);
    expect(checkOversight(input, decided, { user: 'a', isManager: true })).toMatchObject([{ rule: 'OWN_DECISION' }]);
    expect(checkOversight(input, decided, { user: 'b', isManager: false })).toMatchObject([{ rule: 'TEAM_MANAGER' }]);
    expect(checkOversight(input, { ...decided, overseenOn: '2026-11-01' }, { user: 'b', isManager: true })).toMatchObject([
      { code: 'INVALID' },
    ]);
  });
});

describe('a core group', () => {
  let id: string;
  it('is called by the county, and read back', async () => {
    const { meeting, userErrors } = await run(county, 'callMeeting', MEETING, coreGroup(), 'call-1');
    expect(userErrors).toEqual([]);
    expect(meeting).toMatchObject({
      version: 1,
      status: 'CALLED',
      kind: { code: 'core-group' },
      place: 'Family centre',
      persons: [{ givenName: 'Jade' }, { givenName: 'Liam' }],
      attendance: [
        { organisation: { code: 'school-marigold-lock' }, status: 'INVITED' },
        { organisation: { code: 'thames-valley-police' } },
        { organisation: { code: 'turning-point' } },
        { organisation: null, person: { givenName: 'Kerry' } },
      ],
      minutes: null,
    });
    id = meeting.id;
    expect((await run(county, 'callMeeting', MEETING, coreGroup(), 'call-1')).meeting.id).toBe(id);
  });
  it.each(['police', 'school', 'provider', 'team'])('is not called by %s', async (name) => {
    const callers: Record<string, Caller> = {
      police,
      school,
      provider: provider('moira.fenwick'),
      team: { client: 'team-02-workbook', user: 'lorna.beckett', purpose: 'SAFEGUARDING' },
    };
    const refused = await run(callers[name] as Caller, 'callMeeting', MEETING, coreGroup());
    expect(refused).toMatchObject({ code: 'FORBIDDEN', field: 'Mutation.callMeeting', reason: 'NOT_YOURS_TO_WRITE' });
  });
  it('names what can be mended, and a family that is not there', async () => {
    const { userErrors } = await run(
      county,
      'callMeeting',
      MEETING,
      coreGroup({ kind: 'seance', persons: [who('mother', 3)], invited: [{ organisation: encodeId('Organisation', 9_999) }] }),
    );
    expect(userErrors.map((e: any) => [e.code, e.path.join('.')])).toEqual([
      ['INVALID', 'kind'],
      ['NOT_FOUND', 'persons.0'],
      ['NOT_FOUND', 'invited.0.organisation'],
    ]);
    const gone = await run(county, 'callMeeting', MEETING, coreGroup({ family: encodeId('Family', 999_999) }));
    expect(gone.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['family'] }]);
  });
  it('is an own one of those who were asked, and of nobody else outside', async () => {
    const selection = '... on Meeting { status kind { code } attendance { organisation { code } } }';
    expect(await node(school, id, selection)).toMatchObject({
      kind: { code: 'core-group' },
      attendance: [{ organisation: { code: 'school-marigold-lock' } }],
    });
    expect(await node(provider('moira.fenwick'), id, selection)).toMatchObject({ kind: { code: 'core-group' } });
    expect(await node(provider('callum.strand'), id, selection)).toBeNull();
    expect(await node(otherSchool, id, selection)).toBeNull();
    const sql = await sqlAs('school-tansy-bridge', false, ownerUrl);
    for (const table of ['meeting', 'meeting_attendance', 'meeting_action', 'meeting_person']) {
      expect((await sql.query(`select from fsp.${table}`)).rowCount, table).toBe(0);
    }
    await sql.end();
  });
  it('is recorded once: who came, what is to be done, the minutes', async () => {
    const input = {
      meeting: id,
      expectedVersion: 1,
      attended: [{ organisation: organisations.get('school-marigold-lock') }, { person: who('mother') }, { person: who('grandmother') }],
      apologies: [{ organisation: organisations.get('thames-valley-police') }],
      notes: 'All agree on the plan.',
      actions: [
        {
          what: 'Breakfast club for Jade',
          who: 'Pastoral lead',
          organisation: organisations.get('school-marigold-lock'),
          dueOn: '2026-11-30',
        },
      ],
      minutes: 'Jade goes to school every day.',
      minutesKeptFrom: [who('father')],
    };
    const [one, two] = await Promise.all([run(county, 'recordMeeting', MEETING, input), run(county, 'recordMeeting', MEETING, input)]);
    const [done, late] = one.meeting ? [one, two] : [two, one];
    expect(late.userErrors).toMatchObject([{ code: 'CONFLICT', path: ['expectedVersion'], currentVersion: 2 }]);
    expect(done.meeting).toMatchObject({
      version: 2,
      status: 'HELD',
      attendance: [
        { organisation: { code: 'school-marigold-lock' }, status: 'ATTENDED' },
        { organisation: { code: 'thames-valley-police' }, status: 'APOLOGIES' },
        { organisation: { code: 'turning-point' }, status: 'ABSENT' },
        { person: { givenName: 'Kerry' }, status: 'ATTENDED' },
        { person: { givenName: 'Maureen' }, status: 'ATTENDED' },
      ],
      actions: [{ what: 'Breakfast club for Jade', dueOn: '2026-11-30' }],
      minutes: { text: 'Jade goes to school every day.', author: nameOf(county), keptFrom: [{ givenName: 'Dean' }] },
    });
    expect((await run(county, 'recordMeeting', MEETING, { ...input, expectedVersion: 2 })).userErrors).toMatchObject([
      { code: 'INVALID', path: ['meeting'] },
    ]);
  });
  it('starts the clock until the next for each plan, which meets it', async () => {
    const clocks = async () =>
      (
        await query(
          county,
          'query($id: ID!) { family(id: $id) { clocks(first: 50) { nodes { rule { code } person { givenName } startedOn metOn } } } }',
          { id: ashdown },
        )
      ).data.family.clocks.nodes.filter((clock: any) => clock.rule.code === 'CORE_NEXT');
    expect(await clocks()).toMatchObject([
      { person: { givenName: 'Jade' }, startedOn: '2026-11-10', metOn: null },
      { person: { givenName: 'Liam' }, startedOn: '2026-11-10', metOn: null },
    ]);
    const next = (await run(county, 'callMeeting', MEETING, coreGroup({ at: '2026-11-18T10:00:00.000Z' }))).meeting;
    await run(county, 'recordMeeting', MEETING, { meeting: next.id, expectedVersion: 1, attended: [{ person: who('mother') }] });
    const after = await clocks();
    expect(after.filter((clock: any) => clock.metOn === '2026-11-18')).toHaveLength(2);
    expect(after.filter((clock: any) => clock.startedOn === '2026-11-18')).toHaveLength(2);
  });
  it('has minutes for who came and for whom they are sent to', async () => {
    const read = async (caller: Caller) =>
      (await node(caller, id, '... on Meeting { minutes { text } actions { what } }'))?.minutes ?? null;
    expect(await read(school)).toEqual({ text: 'Jade goes to school every day.' });
    // Asked, and not there.
    expect(await read(provider('moira.fenwick'))).toBeNull();
    const { meeting, userErrors } = await run(county, 'circulateMinutes', MEETING, {
      meeting: id,
      to: [{ organisation: organisations.get('turning-point'), user: 'moira.fenwick' }],
      on: '2026-11-12',
    });
    expect(userErrors).toEqual([]);
    expect(meeting.circulated).toEqual([{ organisation: { code: 'turning-point' }, on: '2026-11-12' }]);
    expect(await read(provider('moira.fenwick'))).toEqual({ text: 'Jade goes to school every day.' });
    expect(await read(provider('callum.strand'))).toBeNull();
  });
  it('has actions that are done once', async () => {
    const [action] = (await node(county, id, '... on Meeting { actions { id version } }')).actions;
    const input = { action: action.id, expectedVersion: 1, on: '2026-11-19', outcome: 'She goes.' };
    expect((await run(county, 'completeMeetingAction', 'action { state doneOn outcome version }', input)).action).toEqual({
      state: 'MET',
      doneOn: '2026-11-19',
      outcome: 'She goes.',
      version: 2,
    });
    expect((await run(county, 'completeMeetingAction', 'action { state }', input)).userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: 2 },
    ]);
  });
});

describe('the kind of a meeting', () => {
  it('tells as much as the meeting: a MARAC is for those who may know of abuse', async () => {
    const { meeting } = await run(
      county,
      'callMeeting',
      MEETING,
      coreGroup({
        kind: 'marac',
        persons: [who('mother')],
        invited: [
          { organisation: organisations.get('turning-point'), user: 'moira.fenwick' },
          { organisation: organisations.get('school-marigold-lock'), user: school.user },
        ],
      }),
    );
    expect(meeting.kind.code).toBe('marac');
    const selection = '... on Meeting { kind { code } place }';
    // Open to the police by decision or as an own row: they were not asked. Own rows of the provider's are its own here too.
    expect(await node(police, meeting.id, selection)).toBeNull();
    expect(await node(school, meeting.id, selection)).toBeNull();
    expect(await node(provider('moira.fenwick'), meeting.id, selection)).toMatchObject({ kind: { code: 'marac' }, place: null });
    const sql = await sqlAs('thames-valley-police', false, ownerUrl);
    const key = meeting.id.split('-')[1];
    for (const table of ['meeting_place', 'meeting_person', 'meeting_attendance'])
      expect((await sql.query(`select from fsp.${table} where meeting = $1`, [key])).rowCount, table).toBe(0);
    // Nor is a meeting made to look like one of another kind.
    await expect(
      sql.query(
        "insert into fsp.meeting (family, controller, row_mask, meeting_kind, status, meets_at) select 2, id, 0, 4, 'CALLED', now() from fsp.organisation where code = 'thames-valley-police'",
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await sql.end();
  });
  it('is in the directory', async () => {
    const { data } = await query(otherSchool, '{ meetingKinds { code name next dataClass } }');
    expect(data.meetingKinds).toContainEqual({ code: 'core-group', name: 'Core group', next: 'CORE_NEXT', dataClass: 'CASE' });
  });
});

describe('a restorative meeting', () => {
  it('agrees how staff work safely, which every agency at work sees', async () => {
    const called = (await run(county, 'callMeeting', MEETING, coreGroup({ kind: 'restorative', persons: [who('father')], invited: [] })))
      .meeting;
    const input = { meeting: called.id, whatToDo: 'Visits by two workers, at the office.', from: '2026-11-10', reviewOn: '2027-05-10' };
    const { agreement, userErrors } = await run(county, 'agreeSafeWorking', 'agreement { id whatToDo reviewOn }', input);
    expect(userErrors).toEqual([]);
    expect(agreement.whatToDo).toBe(input.whatToDo);
    for (const caller of [school, police, provider('moira.fenwick')]) {
      const { data } = await query(caller, 'query($id: ID!) { family(id: $id) { safeWorking { whatToDo } } }', { id: ashdown });
      expect(data.family.safeWorking).toEqual([{ whatToDo: input.whatToDo }]);
    }
    // The police write what to do, but this meeting is the county's.
    expect(await run(police, 'agreeSafeWorking', 'agreement { id }', input)).toMatchObject({
      code: 'FORBIDDEN',
      field: 'AgreeSafeWorkingInput.meeting',
    });
    const core = await run(county, 'callMeeting', MEETING, coreGroup());
    expect((await run(county, 'agreeSafeWorking', 'agreement { id }', { ...input, meeting: core.meeting.id })).userErrors).toMatchObject([
      { path: ['meeting'] },
    ]);
  });
});

const DECISION = 'decision { id version kind { code } decidedBy role reason evidence overseenBy oversight keptFrom { givenName } }';

describe('a decision', () => {
  let id: string;
  let entry: string;
  beforeAll(async () => {
    const { rows } = await owner.query('select id from fsp.workbook_entry where family = 2 order by id limit 1');
    entry = encodeId('WorkbookEntry', rows[0].id);
  });
  const input = (extra: object = {}) => ({
    family: ashdown,
    kind: 'step-down',
    on: '2026-11-12',
    role: 'social-worker',
    what: 'The plan is reduced.',
    reason: 'Five months of steady work.',
    evidence: [entry],
    ...extra,
  });
  it('stands with its reason and its evidence', async () => {
    const { decision, userErrors } = await run(county, 'recordDecision', DECISION, input());
    expect(userErrors).toEqual([]);
    expect(decision).toMatchObject({ kind: { code: 'step-down' }, decidedBy: nameOf(county), evidence: [entry], overseenBy: null });
    id = decision.id;
  });
  it('rests on what is in the family alone', async () => {
    const other = encodeId('WorkbookEntry', (await owner.query('select id from fsp.workbook_entry where family = 1 limit 1')).rows[0].id);
    const { userErrors } = await run(
      county,
      'recordDecision',
      DECISION,
      input({ evidence: [entry, other, encodeId('WorkbookEntry', 99_999_999), ashdown], kind: 'whim' }),
    );
    expect(userErrors.map((e: any) => e.path.join('.')).sort()).toEqual(['evidence.1', 'evidence.2', 'evidence.3', 'kind']);
    expect((await run(county, 'recordDecision', DECISION, input({ kind: 'kept-from-lifted' }))).userErrors).toMatchObject([
      { path: ['kind'] },
    ]);
  });
  it.each(['police', 'team'])('is not recorded by %s', async (name) => {
    const caller = name === 'police' ? police : { client: 'team-02-workbook', user: 'lorna.beckett', purpose: 'SAFEGUARDING' };
    expect(await run(caller, 'recordDecision', DECISION, input())).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
  });
  it('shows of its evidence what the reader may see', async () => {
    // The police get assessments by decision, and no Workbook.
    expect(await node(police, id, '... on Decision { reason }')).toBeNull();
    await owner.query(
      `insert into fsp.sharing_decision (family, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
       select 2, '{ASSESSMENT}', 512, 'SHARE', 'POLICE', 's.47', 'For the test.', 'x', id, now() - interval '1 day', 'x' from fsp.organisation where code = 'occ'`,
    );
    expect(await node(police, id, '... on Decision { reason evidence }')).toEqual({ reason: 'Five months of steady work.', evidence: [] });
    expect(
      await node({ client: 'team-02-workbook', user: 'lorna.beckett', purpose: 'SAFEGUARDING' }, id, '... on Decision { evidence }'),
    ).toEqual({ evidence: [entry] });
  });
  it('is overseen by another, a team manager', async () => {
    const oversee = { decision: id, expectedVersion: 1, comment: 'I agree.' };
    expect((await run(county, 'overseeDecision', DECISION, oversee)).userErrors).toMatchObject([{ code: 'RULE', rule: 'TEAM_MANAGER' }]);
    expect((await run({ ...manager, user: county.user as string }, 'overseeDecision', DECISION, oversee)).userErrors).toMatchObject([
      { rule: 'OWN_DECISION' },
    ]);
    const { decision } = await run(manager, 'overseeDecision', DECISION, oversee);
    expect(decision).toMatchObject({ version: 2, overseenBy: nameOf(manager), oversight: 'I agree.' });
    expect((await run(manager, 'overseeDecision', DECISION, oversee)).userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
  });
});

describe('what is kept from somebody', () => {
  const marcus: Caller = { ...county, user: 'marcus.oyelaran' };
  const bethan: Caller = { ...manager, user: 'bethan.rowe' };
  const dunmore = encodeId('Family', 3);
  const partner = who('partner', 3);
  const ruth: Caller = { client: 'team-07-workbook', user: 'ruth.ellery', purpose: 'CHILD_IN_NEED' };
  const inNeed = (caller: Caller): Caller => ({ ...caller, purpose: 'CHILD_IN_NEED' });
  const LIFT = 'decision { id kind { code } reason person { givenName } evidence keptFrom { givenName } }';
  let entry: string;
  let of: string;
  beforeAll(async () => {
    const { rows } = await owner.query(
      "select e.id, o.code from fsp.workbook_entry e join fsp.organisation o on o.id = e.controller where family = 3 and kept_from <> '{}' order by o.code desc, e.id limit 1",
    );
    entry = rows[0].id;
    of = encodeId('WorkbookEntry', entry);
    expect(rows[0].code).toBe('team-07');
  });
  it('is lifted by a team manager, with a reason, whoever wrote it', async () => {
    const lift = { of, person: partner, reason: 'She has told him herself.' };
    expect(await node(ruth, of, 'id')).toBeNull();
    expect((await run(inNeed(marcus), 'liftKeptFrom', LIFT, lift)).userErrors).toMatchObject([{ code: 'RULE', rule: 'TEAM_MANAGER' }]);
    expect(await run(ruth, 'liftKeptFrom', LIFT, lift)).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
    expect(await node(ruth, of, 'id')).toBeNull();
    const { decision, userErrors } = await run(inNeed(bethan), 'liftKeptFrom', LIFT, lift);
    expect(userErrors).toEqual([]);
    expect(decision).toMatchObject({
      kind: { code: 'kept-from-lifted' },
      person: { givenName: 'Craig' },
      evidence: [of],
      keptFrom: [{ givenName: 'Craig' }],
    });
    expect(await node(ruth, of, 'id')).toEqual({ id: of });
    const parts = ['workbook_entry_person', 'workbook_reading', 'workbook_child_words', 'workbook_parent_words'];
    for (const part of parts) {
      expect((await owner.query(`select from fsp.${part} where entry = $1 and kept_from <> '{}'`, [entry])).rowCount, part).toBe(0);
    }
    const { rows } = await owner.query(
      "select was -> 'kept_from' as was from fsp.earlier where subject_table = 'workbook_entry' and row_key = $1",
      [entry],
    );
    expect(rows).toEqual([{ was: [storyPerson(3, 'partner')] }]);
    expect((await run(inNeed(bethan), 'liftKeptFrom', LIFT, lift)).userErrors).toMatchObject([{ code: 'INVALID', path: ['person'] }]);
    expect(
      (await run(inNeed(bethan), 'liftKeptFrom', LIFT, { ...lift, of: encodeId('WorkbookEntry', 99_999_999) })).userErrors,
    ).toMatchObject([{ code: 'NOT_FOUND', path: ['of'] }]);
  });
  it('is lifted by no login without a decision made with it', async () => {
    const { rows } = await owner.query("select id from fsp.workbook_entry where family = 3 and kept_from <> '{}' order by id limit 1");
    const left = rows[0].id;
    const old = (await owner.query("select id from fsp.decision where kind = 'kept-from-lifted'")).rows[0].id;
    for (const login of ['occ', 'team-07', 'elmore-perpetrators']) {
      const sql = await sqlAs(login, false, ownerUrl);
      await expect(
        sql.query("select fsp.lift_kept_from('workbook_entry', $1, $2, $3)", [left, storyPerson(3, 'partner'), old]),
        login,
      ).rejects.toMatchObject({ code: '42501' });
      if (login !== 'elmore-perpetrators')
        await sql.query("update fsp.workbook_entry set kept_from = '{}' where id = $1", [left]).catch(() => {});
      await sql.end();
    }
    expect((await owner.query('select kept_from from fsp.workbook_entry where id = $1', [left])).rows[0].kept_from).toEqual([
      String(storyPerson(3, 'partner')),
    ]);
  });
  it('may be a decision or minutes too', async () => {
    const input = {
      family: dunmore,
      kind: 'other',
      on: '2026-11-12',
      role: 'social-worker',
      what: 'A place in a refuge is sought.',
      reason: 'She asked.',
      keptFrom: [partner],
    };
    const { decision } = await run(inNeed(marcus), 'recordDecision', DECISION, input);
    expect(await node(ruth, decision.id, 'id')).toBeNull();
    expect(await node({ ...ruth, user: 'niamh.carroll' }, decision.id, 'id')).toEqual({ id: decision.id });
    const meeting = (
      await run(inNeed(marcus), 'callMeeting', MEETING, {
        family: dunmore,
        kind: 'family-progress',
        at: '2026-11-10T10:00:00.000Z',
        persons: [who('mother', 3)],
        invited: [],
      })
    ).meeting;
    const held = await run(inNeed(marcus), 'recordMeeting', MEETING, {
      meeting: meeting.id,
      expectedVersion: 1,
      attended: [{ person: who('mother', 3) }],
      minutes: 'What she told.',
      minutesKeptFrom: [partner],
    });
    expect(held.meeting.minutes.text).toBe('What she told.');
    expect(await node(ruth, meeting.id, '... on Meeting { minutes { text } }')).toEqual({ minutes: null });
  });
});

describe('the chronology', () => {
  it('has meetings and decisions, each under its own class', async () => {
    const document =
      'query($id: ID!) { family(id: $id) { chronology(types: [MEETING, DECISION], first: 50) { nodes { __typename ... on Meeting { at } ... on Decision { on } } } } }';
    const types = async (caller: Caller) =>
      [...new Set((await query(caller, document, { id: ashdown })).data.family.chronology.nodes.map((n: any) => n.__typename))].sort();
    expect(await types(county)).toEqual(['Decision', 'Meeting']);
    expect(await types(school)).toEqual(['Meeting']);
  });
});
