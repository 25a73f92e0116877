/** Supervision of the family by the whole team, of the worker by a manager; the audit of a case. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkAudit, checkGroupSupervision } from '../../../src/modules/supervision/rules.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const county: Caller = { client: 'occ-social-care', user: 'grace.whitlock', purpose: 'SAFEGUARDING' };
const manager: Caller = { client: 'occ-team-management', user: 'bethan.rowe', purpose: 'SAFEGUARDING' };
const team = (user: string): Caller => ({ client: 'team-07-workbook', user, purpose: 'SAFEGUARDING' });
const health: Caller = { client: 'oxford-health-visiting', user: 'amara.osei', purpose: 'SAFEGUARDING' };
const police: Caller = { client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' };
const hartwell = encodeId('Family', 1);

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let organisations: Map<string, string>;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_supervision');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  const { rows } = await owner.query('select id, code from fsp.organisation');
  organisations = new Map(rows.map(({ id, code }) => [code, encodeId('Organisation', id)]));
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(caller: Caller, field: string, selection: string, input: object): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule currentVersion } } }`;
  const { body } = await server.ask(caller, document, { input: { idempotencyKey: `k${++keys}`, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const query = async (caller: Caller, document: string, variables: Record<string, unknown> = {}) =>
  (await server.ask(caller, document, variables)).body;
const ofFamily = (selection: string) => `query($id: ID!) { family(id: $id) { ${selection} } }`;

const HELD =
  'supervision { id heldOn kind { code } team { code } participants { name discipline { code } } contributions { text } actions { id version what state } }';
const session = (extra: object = {}) => ({
  family: hartwell,
  team: organisations.get('team-07'),
  heldOn: '2026-11-05',
  ledBy: 'Agnes Thorley',
  summary: 'The children are on their way home.',
  participants: [
    { organisation: organisations.get('occ'), user: 'grace.whitlock', name: 'Grace Whitlock', discipline: 'social-worker' },
    { organisation: organisations.get('team-07'), user: 'jonah.pryce', name: 'Jonah Pryce', discipline: 'substance-misuse' },
    { organisation: organisations.get('oxford-health'), user: 'amara.osei', name: 'Amara Osei', discipline: 'mental-health' },
  ],
  actions: [
    {
      what: 'Test with the mother',
      who: 'Jonah Pryce',
      organisation: organisations.get('team-07'),
      user: 'jonah.pryce',
      dueOn: '2026-11-30',
    },
    {
      what: 'Talk with the school',
      who: 'Grace Whitlock',
      organisation: organisations.get('occ'),
      user: 'grace.whitlock',
      dueOn: '2026-11-12',
    },
  ],
  ...extra,
});

it('what supervision and audit must be', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const input = {
    family: 'F',
    team: 'T',
    heldOn: '2026-12-01',
    ledBy: ' ',
    participants: [],
    actions: [{ what: 'a', who: 'b', dueOn: '2026-11-01' }],
  };
  expect(checkGroupSupervision(input as never, now).map(({ path }) => path.join('.'))).toEqual([
    'heldOn',
    'ledBy',
    'participants',
    'actions.0.dueOn',
  ]);
  expect(checkAudit({ family: 'F', auditor: 'A', on: '2026-11-20', judgement: 'good', findings: '' }, now)).toMatchObject([
    { path: ['findings'] },
  ]);
});

describe('group supervision', () => {
  let id: string;
  let actions: { id: string; version: number }[];
  it('is put on record by the county, and starts the month until the next', async () => {
    const { supervision, userErrors } = await run(county, 'recordGroupSupervision', HELD, session());
    expect(userErrors).toEqual([]);
    expect(supervision).toMatchObject({
      kind: { code: 'group' },
      team: { code: 'team-07' },
      participants: [{ name: 'Grace Whitlock' }, { name: 'Jonah Pryce' }, {}],
      contributions: [],
    });
    id = supervision.id;
    actions = supervision.actions;
    const clocks = async () =>
      (
        await query(county, ofFamily('clocks(first: 50) { nodes { rule { code } startedOn dueOn metOn } }'), { id: hartwell })
      ).data.family.clocks.nodes.filter((clock: any) => clock.rule.code === 'GROUP_SUPERVISION');
    expect(await clocks()).toEqual([{ rule: { code: 'GROUP_SUPERVISION' }, startedOn: '2026-11-05', dueOn: '2026-12-05', metOn: null }]);
    await run(county, 'recordGroupSupervision', HELD, session({ heldOn: '2026-11-19', kind: 'reflective-group', actions: [] }));
    expect((await clocks()).map((clock: any) => [clock.startedOn, clock.metOn])).toEqual([
      ['2026-11-05', '2026-11-19'],
      ['2026-11-19', null],
    ]);
  });
  it('is refused by name to those who do not write it, and without a team', async () => {
    expect(await run(team('jonah.pryce'), 'recordGroupSupervision', HELD, session())).toMatchObject({
      code: 'FORBIDDEN',
      field: 'RecordGroupSupervisionInput.heldOn',
      reason: 'NOT_YOURS_TO_WRITE',
    });
    for (const caller of [health, police])
      expect(await run(caller, 'recordGroupSupervision', HELD, session())).toMatchObject({
        code: 'FORBIDDEN',
        field: 'Mutation.recordGroupSupervision',
      });
    expect((await run(county, 'recordGroupSupervision', HELD, session({ team: organisations.get('occ') }))).userErrors).toMatchObject([
      { path: ['team'] },
    ]);
    expect((await run(county, 'recordGroupSupervision', HELD, session({ family: encodeId('Family', 999_999) }))).userErrors).toMatchObject([
      { code: 'NOT_FOUND' },
    ]);
  });
  it('takes what each discipline has to say, from those who took part', async () => {
    const input = { supervision: id, discipline: 'substance-misuse', text: 'Eleven weeks without cocaine.' };
    expect((await run(team('jonah.pryce'), 'contributeToSupervision', 'contribution { text author }', input)).contribution).toEqual({
      text: input.text,
      author: 'Jonah Pryce',
    });
    expect(
      (
        await run(county, 'contributeToSupervision', 'contribution { text }', {
          ...input,
          discipline: 'social-worker',
          text: 'The aunt is steady.',
        })
      ).userErrors,
    ).toEqual([]);
    // Named in the team, and not there.
    expect((await run(team('ruth.ellery'), 'contributeToSupervision', 'contribution { text }', input)).userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['supervision'] },
    ]);
    expect(await run(health, 'contributeToSupervision', 'contribution { text }', input)).toMatchObject({ code: 'FORBIDDEN' });
  });
  it('is seen whole by the county, by each who took part as far as it is theirs, and by nobody else', async () => {
    const document = ofFamily('groupSupervisions { nodes { id summary contributions { text } actions { what } } }');
    const read = async (caller: Caller) =>
      (await query(caller, document, { id: hartwell })).data.family.groupSupervisions?.nodes.find((n: any) => n.id === id);
    expect((await read(county)).contributions).toHaveLength(2);
    expect(await read(team('jonah.pryce'))).toEqual({
      id,
      summary: 'The children are on their way home.',
      contributions: [{ text: 'Eleven weeks without cocaine.' }],
      actions: [{ what: 'Test with the mother' }],
    });
    expect(await read(team('ruth.ellery'))).toBeUndefined();
    expect(await read(health)).toMatchObject({ id, contributions: [] });
    const refused = await query(police, document, { id: hartwell });
    expect(refused.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', field: 'Family.groupSupervisions' } }]);
    const sql = await sqlAs('turning-point', false, ownerUrl);
    expect((await sql.query('select from fsp.group_supervision')).rowCount).toBe(0);
    await sql.end();
  });
  it('has actions that those who wrote them see done, once', async () => {
    const [first] = actions as [{ id: string; version: number }];
    const input = { action: first.id, expectedVersion: first.version, on: '2026-11-19' };
    expect((await run(county, 'completeSupervisionAction', 'action { state version }', input)).action).toEqual({
      state: 'MET',
      version: 2,
    });
    expect((await run(county, 'completeSupervisionAction', 'action { state }', input)).userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: 2 },
    ]);
  });
  it('is written by plain SQL under nobody’s name but one’s own', async () => {
    const sql = await sqlAs('team-07', false, ownerUrl);
    const insert = (code: string) =>
      sql.query(
        "insert into fsp.group_supervision_contribution (supervision, family, controller, worker, discipline, author, contribution) select $1, 1, id, 'jonah.pryce', 'x', 'x', 'x' from fsp.organisation where code = $2",
        [id.split('-')[1], code],
      );
    await expect(insert('occ')).rejects.toMatchObject({ code: '42501' });
    await sql.end();
    const stranger = await sqlAs('team-02', false, ownerUrl);
    await expect(
      stranger.query(
        "insert into fsp.group_supervision_contribution (supervision, family, controller, discipline, author, contribution) select $1, 1, id, 'x', 'x', 'x' from fsp.organisation where code = 'team-02'",
        [id.split('-')[1]],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await stranger.end();
  });
});

describe('individual supervision', () => {
  const held = { worker: 'grace.whitlock', supervisor: 'Agnes Thorley', heldOn: '2026-11-03', sameProfession: true };
  const document =
    '{ individualSupervisions(filter: { worker: "grace.whitlock" }) { nodes { worker supervisor heldOn sameProfession kind { code } } totalCount { value } } }';
  it('is date and supervisor only, for managers', async () => {
    expect((await run(manager, 'recordIndividualSupervision', 'supervision { worker heldOn }', held)).supervision).toEqual({
      worker: 'grace.whitlock',
      heldOn: '2026-11-03',
    });
    expect((await query(manager, document)).data.individualSupervisions).toEqual({
      nodes: [
        { worker: 'grace.whitlock', supervisor: 'Agnes Thorley', heldOn: '2026-11-03', sameProfession: true, kind: { code: 'individual' } },
      ],
      totalCount: { value: 1 },
    });
    expect(
      (await run(manager, 'recordIndividualSupervision', 'supervision { worker }', { ...held, worker: manager.user, kind: 'chat' }))
        .userErrors,
    ).toMatchObject([{ path: ['worker'] }, { path: ['kind'] }]);
  });
  it('is nobody else’s, in the county or out of it', async () => {
    expect(await run(county, 'recordIndividualSupervision', 'supervision { worker }', held)).toMatchObject({
      code: 'FORBIDDEN',
      reason: 'NOT_FOR_THIS_ROLE',
    });
    expect((await query(county, document)).errors).toMatchObject([{ extensions: { reason: 'NOT_FOR_THIS_ROLE' } }]);
    expect((await query(team('jonah.pryce'), document)).errors).toMatchObject([{ extensions: { reason: 'NOT_SHARED_WITH_AGENCY' } }]);
    const sql = await sqlAs('team-07', false, ownerUrl);
    await expect(sql.query('select from fsp.individual_supervision')).rejects.toMatchObject({ code: '42501' });
    await sql.end();
  });
});

describe('an audit', () => {
  const audit = {
    family: hartwell,
    auditor: 'Agnes Thorley',
    on: '2026-11-16',
    judgement: 'good',
    findings: 'The plan is the family’s own.',
  };
  const document = ofFamily('audits { nodes { judgement { code } findings } }');
  it('is the managers’ alone', async () => {
    expect((await run(manager, 'recordCaseAudit', 'audit { judgement { code } findings }', audit)).audit).toEqual({
      judgement: { code: 'good' },
      findings: audit.findings,
    });
    expect((await query(manager, document, { id: hartwell })).data.family.audits.nodes).toHaveLength(1);
    expect(await run(county, 'recordCaseAudit', 'audit { findings }', audit)).toMatchObject({
      code: 'FORBIDDEN',
      reason: 'NOT_FOR_THIS_ROLE',
    });
    for (const caller of [county, team('jonah.pryce'), police])
      expect((await query(caller, document, { id: hartwell })).errors).toMatchObject([
        { extensions: { code: 'FORBIDDEN', field: 'Family.audits' } },
      ]);
    expect((await run(manager, 'recordCaseAudit', 'audit { findings }', { ...audit, judgement: 'splendid' })).userErrors).toMatchObject([
      { path: ['judgement'] },
    ]);
  });
});
