/** Clocks and tasks: started, met and ended by those whose they are, and how they stand today. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../../src/access/client.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { createTransactions, type Transaction, type Transactions } from '../../../src/db/transactions.ts';
import { addDays, today } from '../../../src/modules/clock/calendar.ts';
import {
  type AddTask,
  addTask,
  endClock,
  meetClock,
  placeClocks,
  type StartClock,
  startClock,
  timescaleInForce,
} from '../../../src/modules/clock/service.ts';
import { encodeId, LOGIN_SECRET, loginAt, ownDatabase, serverOf, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let transactions: Transactions;
let ownerUrl: string;
const organisations = new Map<string, Client['organisation']>();

beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_clocks');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
  transactions = createTransactions(serverOf(ownerUrl), LOGIN_SECRET);
  const { rows } = await owner.query('select id, code, name from fsp.organisation');
  for (const row of rows) organisations.set(row.code, row);
});
afterAll(async () => {
  await transactions.end();
  await server.close();
  await owner.end();
});

const clientOf = (code: string) => ({ organisation: organisations.get(code), user: 'somebody' }) as unknown as Client;
const idOf = (code: string) => (organisations.get(code) as Client['organisation']).id;
/** In one transaction on an organisation's own login. */
const as = <T>(code: string, work: (tx: Transaction, client: Client) => Promise<T>) =>
  transactions.run(loginAt(ownerUrl, code), (tx) => work(tx, clientOf(code)));
const now = () => today(new Date());
const subject = (id: number) => ({ type: 'Plan', id });
const start = (given: Partial<StartClock> & Pick<StartClock, 'rule' | 'subject'>, code = 'occ') =>
  as(code, (tx, client) => startClock(tx, client, { family: 1, from: now(), ...given }));
const clocksOf = async (id: number) => {
  const document = `{ family(id: "${encodeId('Family', 1)}") { clocks(first: 100) { nodes { id rule { code version authority } ruleVersion startedOn dueOn metOn endedOn state assigned { code } person { id } } } } }`;
  const { body } = await server.ask('socialWorker', document);
  expect(body.errors).toBeUndefined();
  const { rows } = await owner.query("select id from fsp.clock where subject_type = 'Plan' and subject_id = $1 order by id", [id]);
  const ids = rows.map((row) => encodeId('Clock', Number(row.id)));
  return body.data.family.clocks.nodes.filter((node: { id: string }) => ids.includes(node.id));
};

describe('a clock', () => {
  it('is started under the timescale in force, and tells it', async () => {
    expect(await start({ rule: 'STRAT_TO_ICPC', subject: subject(1), from: '2026-03-23' })).toEqual({ dueOn: '2026-04-15' });
    expect(await clocksOf(1)).toEqual([
      expect.objectContaining({
        rule: { code: 'STRAT_TO_ICPC', version: '2026-11', authority: 'england' },
        startedOn: '2026-03-23',
        dueOn: '2026-04-15',
        state: 'LATE',
        assigned: { code: 'occ' },
        person: null,
      }),
    ]);
  });
  it("is the authority's own before England's", async () => {
    expect(await start({ rule: 'ICPC_TO_CORE', subject: subject(2), from: '2026-12-18' })).toEqual({ dueOn: '2026-12-28' });
    expect((await clocksOf(2))[0].rule).toEqual({ code: 'ICPC_TO_CORE', version: 'oxfordshire-2026-11', authority: 'oxfordshire' });
  });
  it('does not begin anew where it runs, and does once it was met', async () => {
    const first = await start({ rule: 'CP_VISIT', subject: subject(3), from: '2026-11-02' });
    expect(await start({ rule: 'CP_VISIT', subject: subject(3), from: '2026-11-09' })).toEqual(first);
    expect(await clocksOf(3)).toHaveLength(1);
    await as('occ', async (tx, client) => {
      expect(await meetClock(tx, { rule: 'CP_VISIT', subject: subject(3), on: '2026-11-10' })).toBe(true);
      expect(await meetClock(tx, { rule: 'CP_VISIT', subject: subject(3), on: '2026-11-11' })).toBe(false);
      await startClock(tx, client, { rule: 'CP_VISIT', family: 1, subject: subject(3), from: '2026-11-10' });
    });
    expect((await clocksOf(3)).map(({ metOn }: { metOn: string }) => metOn).sort()).toEqual(['2026-11-10', null]);
  });
  it('of twenty who start it at once is started once', async () => {
    const given = { rule: 'LAC_REVIEW1', subject: subject(4) };
    const all = await Promise.all(Array.from({ length: 20 }, () => start(given)));
    expect(new Set(all.map(({ dueOn }) => dueOn)).size).toBe(1);
    expect(await clocksOf(4)).toHaveLength(1);
  });
  it('does not run where nobody has set a limit', async () => {
    expect(await start({ rule: 'CIN_REVIEW', subject: subject(5) })).toEqual({ dueOn: null });
    expect(await clocksOf(5)).toEqual([]);
  });
  it('of no such rule is an error', async () => {
    await expect(start({ rule: 'NONE', subject: subject(6), from: '2026-11-02' })).rejects.toThrow('There is no timescale NONE.');
  });
  it.each(['2027-12-01', '2012-12-03', '1999-01-04'])('does not run from %s, of which nobody knows when it is due', async (from) => {
    expect(await start({ rule: 'CFA_COMPLETE', subject: subject(6), from })).toEqual({ dueOn: null });
    expect(await clocksOf(6)).toEqual([]);
  });
  it('stands as its dates say today in England', async () => {
    const day = (n: number) => addDays(now(), n);
    const from = { rule: 'HOMELESS_PREVENTION' };
    const cases: [number, string, string | null, string | null, string][] = [
      [10, day(0), null, null, 'IN_TIME'],
      [11, day(-41), null, null, 'IN_TIME'],
      [12, day(-42), null, null, 'DUE_SOON'],
      [13, day(-56), null, null, 'DUE_SOON'],
      [14, day(-57), null, null, 'LATE'],
      [15, day(-60), day(-4), null, 'MET'],
      [16, day(-60), day(-3), null, 'MET_LATE'],
      [17, day(-60), null, day(-20), 'ENDED'],
    ];
    for (const [id, began, met, ended] of cases) {
      await start({ ...from, subject: subject(id), from: began });
      await as('occ', async (tx) => {
        if (met) await meetClock(tx, { ...from, subject: subject(id), on: met });
        if (ended) await endClock(tx, { subject: subject(id), on: ended });
      });
    }
    for (const [id, , , , state] of cases) expect((await clocksOf(id))[0], `Plan ${id}`).toMatchObject({ state });
  });
  it('ends with what it is about, whatever its rule, unless one is named', async () => {
    for (const rule of ['CORE_NEXT', 'RCPC_NEXT', 'CP_VISIT']) await start({ rule, subject: subject(20) });
    await as('occ', (tx) => endClock(tx, { rule: 'CP_VISIT', subject: subject(20), on: now() }));
    const states = async () => (await clocksOf(20)).map(({ rule, state }: any) => `${rule.code} ${state}`).sort();
    expect(await states()).toEqual(['CORE_NEXT IN_TIME', 'CP_VISIT ENDED', 'RCPC_NEXT IN_TIME']);
    await as('occ', (tx) => endClock(tx, { subject: subject(20), on: now() }));
    expect(await states()).toEqual(['CORE_NEXT ENDED', 'CP_VISIT ENDED', 'RCPC_NEXT ENDED']);
  });
  it('that a partner starts for the county waits there for its family', async () => {
    const { rows } = await owner.query(
      `insert into fsp.referral (sender, addressee, made_on, concern, family_knows, agreed, referrer, phone)
        values ($1, $2, current_date, 'x', 'TOLD', true, 'x', '07700 900000') returning id`,
      [idOf('thames-valley-police'), idOf('occ')],
    );
    const referral = { type: 'Referral', id: Number(rows[0].id) };
    const given = { rule: 'REF_DECISION', subject: referral, family: null, assigned: idOf('occ') };
    const { dueOn } = await start(given, 'thames-valley-police');
    expect(dueOn).not.toBeNull();
    const seen = async () => (await owner.query("select family, worker from fsp.clock where subject_type = 'Referral'")).rows;
    expect(await seen()).toEqual([{ family: null, worker: null }]);
    await as('occ', (tx) => placeClocks(tx, { subject: referral, family: 1 }));
    expect(await seen()).toEqual([{ family: '1', worker: null }]);
    await as('occ', async (tx) => expect(await meetClock(tx, { rule: 'REF_DECISION', subject: referral, on: now() })).toBe(true));
  });
  it('is not for a school to meet, nor for whoever is neither its starter nor its owner', async () => {
    await start({ rule: 'CORE_NEXT', subject: subject(30) });
    await as('thames-valley-police', async (tx) =>
      expect(await meetClock(tx, { rule: 'CORE_NEXT', subject: subject(30), on: now() })).toBe(false),
    );
    expect((await clocksOf(30))[0]).toMatchObject({ state: 'IN_TIME', metOn: null });
  });
  it('takes the version of the timescale that was in force on its day', async () => {
    await owner.query("update fsp.timescale set valid_to = '2026-01-01' where code = 'SAR'");
    await owner.query(
      `insert into fsp.timescale select code, '2026', authority, from_event, to_event, 20, 'WD', 5, true, kind, status, source, '2026-01-01', null from fsp.timescale where code = 'SAR'`,
    );
    const inForce = (on: string) => as('occ', (tx) => timescaleInForce(tx, 'SAR', on));
    expect(await inForce('2025-12-31')).toMatchObject({ version: '2026-11', limit: 1, unit: 'months' });
    expect(await inForce('2026-01-01')).toMatchObject({ version: '2026', limit: 20, unit: 'WD' });
  });
});

describe('a task', () => {
  const complete = `mutation($input: CompleteTaskInput!) { completeTask(input: $input) { task { id doneOn doneBy outcome state version } userErrors { code message path currentVersion } } }`;
  const give = (given: Partial<AddTask> = {}) =>
    as('occ', (tx, client) =>
      addTask(tx, client, {
        family: 1,
        person: storyPerson(1, 'mother'),
        assigned: { organisation: idOf('occ'), worker: 'grace.whitlock' },
        kind: 'risk-today',
        title: 'Talk through the answer of today.',
        dueOn: now(),
        subject: { type: 'Assessment', id: 1 },
        ...given,
      }),
    );
  const input = (key: string, id: number, expectedVersion = 1, outcome: string | null = 'Safe for tonight.') => ({
    input: { idempotencyKey: key, task: encodeId('Task', id), expectedVersion, outcome },
  });

  it('is done once, by whom it was given, at the version that they read', async () => {
    const id = await give();
    const done = await server.ask('socialWorker', complete, input('t1', id));
    expect(done.body.errors).toBeUndefined();
    expect(done.body.data.completeTask).toEqual({
      task: { id: encodeId('Task', id), doneOn: now(), doneBy: 'Grace Whitlock', outcome: 'Safe for tonight.', state: 'MET', version: 2 },
      userErrors: [],
    });
    expect((await server.ask('socialWorker', complete, input('t1', id))).body).toEqual(done.body);
    const again = await server.ask('socialWorker', complete, input('t2', id));
    expect(again.body.data.completeTask).toMatchObject({ task: null, userErrors: [{ code: 'CONFLICT', currentVersion: 2 }] });
    const known = await server.ask('socialWorker', complete, input('t3', id, 2));
    expect(known.body.data.completeTask.userErrors).toEqual([
      { code: 'INVALID', message: `It was done on ${now()}.`, path: ['task'], currentVersion: null },
    ]);
  });
  it('of twenty who do it at once is done by one', async () => {
    const id = await give();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => server.ask('socialWorker', complete, input(`race-${i}`, id, 1, `By ${i}.`))),
    );
    const results = answers.map(({ body }) => body.data.completeTask);
    expect(results.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
    expect(results.filter(({ userErrors }) => userErrors[0]?.code === 'CONFLICT' && userErrors[0].currentVersion === 2)).toHaveLength(19);
  });
  it('that is hidden and one that never was read alike', async () => {
    const id = await give();
    const [hidden, none] = await Promise.all([id, 10 ** 12].map((task) => server.ask('healthVisitor', complete, input(`h-${task}`, task))));
    expect(hidden?.body.data.completeTask.userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect(hidden?.text).toBe(none?.text);
  });
  it('is done by the organisation that it was given to, and by nobody who only sees it', async () => {
    const id = await give({ assigned: { organisation: idOf('team-07'), worker: 'jonah.pryce' } });
    const done = await server.ask('teamSpecialist', complete, input('own', id));
    expect(done.body.data.completeTask).toMatchObject({ task: { doneBy: 'Jonah Pryce', state: 'MET' }, userErrors: [] });
    const seen = await give();
    const refused = await server.ask('teamSpecialist', complete, input('seen', seen));
    expect(refused.body.data.completeTask).toMatchObject({ task: null, userErrors: [{ code: 'NOT_FOUND' }] });
  });
  it('is due soon from the day before, and late after it', async () => {
    const states = new Map<string, string>();
    for (const days of [2, 1, 0, -1]) {
      const id = await give({ dueOn: addDays(now(), days) });
      const { body } = await server.ask('socialWorker', `{ node(id: "${encodeId('Task', id)}") { ... on Task { state kind { label } } } }`);
      states.set(String(days), body.data.node.state);
    }
    expect(Object.fromEntries(states)).toEqual({ 2: 'IN_TIME', 1: 'DUE_SOON', 0: 'DUE_SOON', '-1': 'LATE' });
  });
});

it('the timescales are there for everybody who may ask anything', async () => {
  const { body } = await server.ask(
    'socialWorker',
    '{ timescales { code version authority from to limit unit dueSoon kind status source } }',
  );
  expect(body.errors).toBeUndefined();
  expect(body.data.timescales).toContainEqual({
    code: 'CIN_FIRST_MEETING',
    version: 'oxfordshire-2026-11',
    authority: 'oxfordshire',
    from: 'assessment authorised',
    to: 'first core group of the child in need plan',
    limit: 4,
    unit: 'weeks',
    dueSoon: 7,
    kind: 'LOCAL',
    status: 'local',
    source: "Oxfordshire children's services procedures, child in need plans",
  });
});
