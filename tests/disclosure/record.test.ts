/** The disclosure record: before the first byte, whole, chained, insert-only. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Batch, createRecorder } from '../../src/disclosure/recorder.ts';
import { verifyDisclosures } from '../../src/disclosure/verify.ts';
import { operation } from '../../src/portal/demonstration.ts';
import { encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_disclosure');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const records = async (): Promise<any[]> =>
  (await owner.query('select records from fsp.disclosure order by at, chain, sequence')).rows.flatMap(({ records }) => JSON.parse(records));
const personIds = (value: unknown, found = new Set<string>()): Set<string> => {
  if (value && typeof value === 'object') for (const inner of Object.values(value)) personIds(inner, found);
  else if (typeof value === 'string') {
    if (/^Person-\d+$/.test(value)) found.add(value.slice(7));
  }
  return found;
};

describe('an answer', () => {
  it('is on record with every family and person in it, from every level, and no value', async () => {
    const { body } = await server.ask(
      'socialWorker',
      operation('one-family'),
      { id: encodeId('Family', 1) },
      { 'x-correlation-id': 'visit-7', 'x-request-id': '0b9ac7a5-6f0e-4a3c-9c0e-2f6d1a1b2c3d' },
    );
    const record = (await records()).at(-1);
    expect(record).toMatchObject({
      organisation: 'occ',
      client: 'occ-social-care',
      user: 'grace.whitlock',
      purpose: 'SAFEGUARDING',
      operation: 'OneFamily',
      request: '0b9ac7a5-6f0e-4a3c-9c0e-2f6d1a1b2c3d',
      correlation: 'visit-7',
      category: 'CONSULTATION',
      families: [1],
      refused: [],
    });
    expect(record.fields).toContain('Person.nhsNumber');
    expect(record.classes).toContain('NHS_NUMBER');
    for (const person of personIds(body.data)) expect(record.persons.map(String)).toContain(person);
    expect(JSON.stringify(record)).not.toMatch(/Rachel|Hartwell|99999/);
  });
  it('names persons who are shown without an id, and those of nested lists', async () => {
    await server.ask('socialWorker', 'query($id: ID!) { family(id: $id) { workbook(first: 100) { nodes { childWords { words } } } } }', {
      id: encodeId('Family', 1),
    });
    const record = (await records()).at(-1);
    const { rows } = await owner.query('select distinct person from fsp.workbook_child_words where family = 1');
    expect(record.persons.map(String).sort()).toEqual(rows.map(({ person }) => person).sort());
    expect(record.families).toEqual([1]);
  });
  it('of the directory leaves no record; a refusal does', async () => {
    const before = (await records()).length;
    await server.ask('socialWorker', '{ districts { name } }');
    expect(await records()).toHaveLength(before);
    await server.ask('police', 'query($id: ID!) { node(id: $id) { ... on Family { workbook { nodes { id } } } } }', {
      id: encodeId('Family', 999),
    });
    expect((await records()).at(-1)).toMatchObject({
      organisation: 'thames-valley-police',
      families: [],
      refused: [{ field: 'Family.workbook', reason: 'NOT_SHARED_WITH_AGENCY' }],
    });
  });
  it('for a purpose that is not the client’s is refused, and on record', async () => {
    const { status, body } = await server.ask('police', '{ viewer { client } }', {}, { 'x-purpose-of-use': 'HOUSING_DUTY' });
    expect([status, body.errors?.[0].extensions.code]).toEqual([403, 'PURPOSE_NOT_ALLOWED']);
    expect((await records()).at(-1)).toMatchObject({
      client: 'thames-valley-police-protection',
      refused: [{ reason: 'NOT_FOR_THIS_PURPOSE' }],
    });
  });
  it('does not leave when it cannot be recorded', async () => {
    await owner.query('revoke insert on fsp.disclosure from fsp_disclosure_recorder');
    const { status, text } = await server.ask('socialWorker', operation('one-family'), { id: encodeId('Family', 1) });
    expect(status).toBe(503);
    expect(JSON.parse(text)).toEqual({ errors: [{ message: expect.any(String), extensions: { code: 'UNAVAILABLE' } }] });
    expect((await server.app.inject('/readyz')).statusCode).toBe(503);
    await owner.query('grant insert on fsp.disclosure to fsp_disclosure_recorder');
    expect((await server.ask('socialWorker', operation('one-family'), { id: encodeId('Family', 1) })).status).toBe(200);
    expect((await server.app.inject('/readyz')).statusCode).toBe(200);
  });
});

describe('the record', () => {
  it('can only be added to by the recorder', async () => {
    const recorder = await sqlAs('recorder', false, ownerUrl);
    for (const statement of [
      'select * from fsp.disclosure',
      'update fsp.disclosure set count = 0',
      'delete from fsp.disclosure',
      'truncate fsp.disclosure',
    ]) {
      await expect(recorder.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
    await recorder.end();
  });
  it('proves itself, and names the first batch that does not fit', async () => {
    await Promise.all(Array.from({ length: 30 }, () => server.ask('socialWorker', operation('one-family'), { id: encodeId('Family', 2) })));
    const good = await verifyDisclosures(owner);
    expect(good.fault).toBeNull();
    expect(good.records).toBe((await records()).length);
    const { rows } = await owner.query('select chain, sequence, records from fsp.disclosure where sequence = 1 limit 1');
    const { chain, records: text } = rows[0];
    const change = (sql: string, values: unknown[]) => owner.query(sql, values);
    await change('update fsp.disclosure set records = $3 where chain = $1 and sequence = $2', [chain, 1, text.replace('occ', 'xxx')]);
    expect((await verifyDisclosures(owner)).fault).toMatchObject({ chain, sequence: 1, what: 'was changed after it was written' });
    await change('update fsp.disclosure set records = $3 where chain = $1 and sequence = $2', [chain, 1, text]);
    await change('begin', []);
    await change('delete from fsp.disclosure where chain = $1 and sequence = $2', [chain, 1]);
    expect((await verifyDisclosures(owner)).fault).toMatchObject({ chain, sequence: 2 });
    await change('rollback', []);
    const last = good.heads.find((head) => head.chain === chain) as { sequence: number };
    await change('begin', []);
    await change('delete from fsp.disclosure where chain = $1 and sequence = $2', [chain, last.sequence]);
    expect((await verifyDisclosures(owner)).fault).toBeNull();
    expect((await verifyDisclosures(owner, good.heads)).fault).toMatchObject({ chain, sequence: last.sequence });
    await change('rollback', []);
  });
  it('does not fork when it is not known whether a batch was committed', async () => {
    const written = new Map<string, Batch>();
    let calls = 0;
    const recorder = createRecorder(
      async (batch) => {
        const key = `${batch.chain}/${batch.sequence}`;
        if (!written.has(key)) written.set(key, batch);
        // The first try is committed, and its answer lost.
        if (calls++ === 0) throw new Error('connection lost');
      },
      async () => {},
    );
    await Promise.all([recorder.record('{"a":1}'), recorder.record('{"a":2}')]);
    await recorder.record('{"a":3}');
    const batches = [...written.values()];
    expect(batches.map(({ sequence }) => sequence)).toEqual([0, 1]);
    expect(batches[1]?.previous).toEqual(batches[0]?.hash);
    expect(batches.flatMap(({ records }) => JSON.parse(records))).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });
});
