/** The disclosure budget: whoever opens more families than one person can work with is stopped, and somebody hears of it. */
import { Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createFamilies, openedBy } from '../../src/disclosure/budget.ts';
import { createLog } from '../../src/watch.ts';
import { type Caller, encodeId, FRONT_DOOR, ownDatabase, type TestServer, testServer } from '../support/server.ts';

const user = (name: string | null, purpose = 'SAFEGUARDING') => ({ organisation: { id: 1 }, id: 'a-client', user: name, purpose }) as never;
const MINUTE = 60_000;

describe('a budget of three families an hour', () => {
  const at = { now: 0 };
  const three = () => {
    at.now = 0;
    return createFamilies({ perUser: 3, perSync: 5 }, () => at.now);
  };
  it('counts each family once within the hour, and gives it back an hour after it was last opened', () => {
    const families = three();
    const ann = user('ann');
    expect(families.open(ann, ['1', '2'])).toBe(0);
    at.now = 20 * MINUTE;
    expect(families.open(ann, ['2', '3'])).toBe(0);
    expect(families.spent(ann)).toBe(40 * 60);
    // The first is an hour ago in forty minutes, the others in an hour.
    expect(families.open(ann, ['4'])).toBe(40 * 60);
    expect(families.open(ann, ['4', '5'])).toBe(60 * 60);
    expect(families.open(ann, ['1', '2', '3'])).toBe(0);
    at.now = 79 * MINUTE;
    expect(families.open(ann, ['4'])).toBe(60);
    at.now = 80 * MINUTE;
    expect(families.open(ann, ['4'])).toBe(0);
    expect(families.spent(ann)).toBe(0);
  });
  it('counts nothing of what it refuses', () => {
    const families = three();
    expect(families.open(user('ann'), ['1', '2', '3', '4'])).toBeGreaterThan(0);
    expect(families.spent(user('ann'))).toBe(0);
    expect(families.open(user('ann'), ['5', '6', '7'])).toBe(0);
  });
  it('is of a user, of a client without one, and larger for a record system', () => {
    const families = three();
    expect(families.open(user('ann'), ['1', '2', '3'])).toBe(0);
    expect(families.open(user('bob'), ['1', '2', '3'])).toBe(0);
    expect(families.open(user(null), ['1', '2', '3'])).toBe(0);
    expect(families.open(user(null), ['4'])).toBeGreaterThan(0);
    expect(families.open(user('ann', 'RECORD_SYNC'), ['1', '2', '3', '4', '5'])).toBe(0);
    expect(families.open(user('ann', 'RECORD_SYNC'), ['6'])).toBeGreaterThan(0);
  });
  it('lets what was written be read back, and counts it', () => {
    const families = three();
    families.note(user('ann'), ['1', '2', '3', '4']);
    expect(families.spent(user('ann'))).toBeGreaterThan(0);
    expect(families.open(user('ann'), ['4'])).toBe(0);
    expect(families.open(user('ann'), ['5'])).toBeGreaterThan(0);
  });
});

it('persons who come without a family count as families', () => {
  const persons = (n: number) => Array.from({ length: n }, (_, i) => String(i));
  expect(openedBy({ families: ['1'], persons: persons(20) })).toEqual(['1']);
  expect(openedBy({ families: ['1'], persons: persons(22) })).toEqual(['1', 'person 20', 'person 21']);
  expect(openedBy({ families: [], persons: persons(2) })).toEqual(['person 0', 'person 1']);
});

it('is changed by FAMILY_BUDGET', () => {
  expect(readConfig({}).familyBudget).toBeNull();
  expect(readConfig({ FAMILY_BUDGET: '50/1000' }).familyBudget).toEqual({ perUser: 50, perSync: 1000 });
  expect(() => readConfig({ FAMILY_BUDGET: '50' })).toThrow('FAMILY_BUDGET: must be families an hour');
});

const grace: Caller = { ...FRONT_DOOR, user: 'grace.whitlock' };

describe('a user beyond it', () => {
  const lines: any[] = [];
  let server: TestServer;
  beforeAll(async () => {
    const destination = new Writable({
      write(chunk, _encoding, done) {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    const log = createLog('warn', destination);
    server = await testServer(await ownDatabase('fsp_budget'), { familyBudget: { perUser: 2, perSync: 1000 }, log });
  });
  afterAll(() => server.close());

  it('is shown nothing, which is on record with an alert, in the log and among the figures', async () => {
    const ask = (id: number) => server.ask(grace, 'query One($id: ID!) { family(id: $id) { name } }', { id: encodeId('Family', id) });
    expect([(await ask(1)).status, (await ask(2)).status, (await ask(1)).status]).toEqual([200, 200, 200]);
    const { status, headers, body } = await ask(3);
    expect([status, body.errors?.[0].extensions.code, body.data]).toEqual([429, 'DISCLOSURE_BUDGET', undefined]);
    expect(Number(headers['retry-after'])).toBeGreaterThan(3500);
    expect((await ask(2)).status).toBe(200);
    expect((await server.ask('police', 'query One($id: ID!) { family(id: $id) { name } }', { id: encodeId('Family', 3) })).status).toBe(
      200,
    );

    const governance: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
    const { body: read } = await server.ask(
      governance,
      '{ disclosures(filter: { alertsOnly: true }) { nodes { user alert failed operation families { id } fields } } }',
    );
    expect(read.data.disclosures.nodes).toEqual([
      { user: 'grace.whitlock', alert: 'DISCLOSURE_BUDGET', failed: 'DISCLOSURE_BUDGET', operation: 'One', families: [], fields: [] },
    ]);
    const [line] = lines.filter(({ alert }) => alert === 'DISCLOSURE_BUDGET');
    expect(line).toMatchObject({ level: 40, client: 'occ-front-door', organisation: 'occ' });
    expect(await server.metrics.registry.getSingleMetricAsString('fsp_alerts_total')).toContain(
      'fsp_alerts_total{alert="DISCLOSURE_BUDGET"} 1',
    );
  });
  it('does not write either: what is written is read back', async () => {
    const { status, body } = await server.ask(
      grace,
      'mutation($input: AcknowledgeNoticeInput!) { acknowledgeNotice(input: $input) { userErrors { code } } }',
      { input: { idempotencyKey: 'k', notice: encodeId('AccessNotice', 1), expectedVersion: 1 } },
    );
    expect([status, body.errors?.[0].extensions.code]).toEqual([429, 'DISCLOSURE_BUDGET']);
  });
});
