/** The disclosure record: before the first byte, whole, chained, insert-only. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archiveMonth } from '../../src/disclosure/archive.ts';
import { type Batch, chainHash, createRecorder } from '../../src/disclosure/recorder.ts';
import { verifyDisclosures } from '../../src/disclosure/verify.ts';
import { operation } from '../../src/portal/demonstration.ts';
import { encodeId, preparedDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await preparedDatabase('fsp_disclosure');
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
  it('is changed by nobody, the owner included, while the guard stands', async () => {
    const { rows } = await owner.query("select inhrelid::regclass as name from pg_inherits where inhparent = 'fsp.disclosure'::regclass");
    for (const table of ['fsp.disclosure', ...rows.map(({ name }) => name)]) {
      for (const statement of [`update ${table} set count = 0`, `delete from ${table}`, `truncate ${table}`])
        await expect(owner.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
  });
  it('takes its time and its month from the database', async () => {
    const recorder = await sqlAs('recorder', false, ownerUrl);
    const insert = (columns: string, values: string) =>
      recorder.query(
        `insert into fsp.disclosure (chain, sequence, previous, hash, count, records, ${columns}) values (gen_random_uuid(), 0, '', '', 0, '[]', ${values})`,
      );
    await expect(insert('month, at', "date_trunc('month', now())::date, now() - interval '1 minute'")).rejects.toMatchObject({
      code: '42501',
    });
    await expect(insert('month', "(date_trunc('month', now()) + interval '1 month')::date")).rejects.toMatchObject({ code: '42501' });
    await recorder.end();
  });
  it('proves itself, and names the first batch that does not fit', async () => {
    await Promise.all(Array.from({ length: 30 }, () => server.ask('socialWorker', operation('one-family'), { id: encodeId('Family', 2) })));
    const good = await verifyDisclosures(owner);
    expect(good.fault).toBeNull();
    expect(good.records).toBe((await records()).length);
    const { rows } = await owner.query('select chain, sequence, records from fsp.disclosure where sequence = 1 limit 1');
    const { chain, records: text } = rows[0];
    const last = (good.heads.find((head) => head.chain === chain) as { sequence: number }).sequence;
    const verifyAfter = async (heads: typeof good.heads, ...statements: [sql: string, values: unknown[]][]) => {
      await owner.query('begin');
      await owner.query('alter table fsp.disclosure disable trigger guard');
      for (const statement of statements) await owner.query(...statement);
      const { fault } = await verifyDisclosures(owner, { heads });
      await owner.query('rollback');
      return fault;
    };
    const one = 'where chain = $1 and sequence = $2';
    // Altered.
    expect(await verifyAfter([], [`update fsp.disclosure set records = $3 ${one}`, [chain, 1, text.replace('occ', 'xxx')]])).toMatchObject({
      chain,
      sequence: 1,
      what: 'was changed after it was written',
    });
    // Removed.
    expect(await verifyAfter([], [`delete from fsp.disclosure ${one}`, [chain, 1]])).toMatchObject({
      chain,
      sequence: 2,
      what: 'follows 0: batch 1 is missing',
    });
    // Reordered.
    expect(
      await verifyAfter(
        [],
        [`update fsp.disclosure set sequence = 1000 ${one}`, [chain, 1]],
        [`update fsp.disclosure set sequence = 1 ${one}`, [chain, 2]],
        [`update fsp.disclosure set sequence = 2 ${one}`, [chain, 1000]],
      ),
    ).toMatchObject({ chain, sequence: 1, what: 'does not follow the batch before it' });
    // Its time moved, which the hash does not hold.
    expect(await verifyAfter([], [`update fsp.disclosure set at = at - interval '1 day' ${one}`, [chain, 1]])).toMatchObject({
      chain,
      sequence: 1,
      what: 'is of a time before the batch that it follows',
    });
    // Truncated: found by whoever kept the head.
    const truncated: [string, unknown[]][] = [
      [`delete from fsp.disclosure ${one}`, [chain, last]],
      ['update fsp.disclosure_chain set indexed = -1', []],
    ];
    expect(await verifyAfter([], ...truncated)).toBeNull();
    expect(await verifyAfter(good.heads, ...truncated)).toMatchObject({ chain, sequence: last });
    // Forged.
    expect(await verifyAfter([], ['update fsp.disclosure_chain set chain = gen_random_uuid() where chain = $1', [chain]])).toMatchObject({
      what: 'is of a chain that was never begun',
    });
  });
  const memory = (write: (batch: Batch) => Promise<void>, month = () => '2026-11-01') => ({
    begin: async () => month(),
    month: async () => month(),
    write,
  });
  it('does not fork when it is not known whether a batch was committed', async () => {
    const written = new Map<string, Batch>();
    let calls = 0;
    const recorder = createRecorder(
      memory(async (batch) => {
        const key = `${batch.chain}/${batch.sequence}`;
        if (!written.has(key)) written.set(key, batch);
        // The first try is committed, and its answer lost.
        if (calls++ === 0) throw new Error('connection lost');
      }),
      { pause: async () => {} },
    );
    await Promise.all([recorder.record('{"a":1}'), recorder.record('{"a":2}')]);
    await recorder.record('{"a":3}');
    const batches = [...written.values()];
    expect(batches.map(({ sequence }) => sequence)).toEqual([0, 1]);
    expect(batches[1]?.previous).toEqual(batches[0]?.hash);
    expect(batches.flatMap(({ records }) => JSON.parse(records))).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  });
  it('begins another chain when the database’s month is over, also after an idle time', async () => {
    const written: Batch[] = [];
    let month = '2026-11-01';
    let now = 0;
    const store = memory(
      async (batch) => void written.push(batch),
      () => month,
    );
    const recorder = createRecorder(store, { now: () => now });
    await recorder.record('{"a":1}');
    month = '2026-12-01';
    now += 30_000;
    await recorder.record('{"a":2}');
    now += 31_000;
    await recorder.record('{"a":3}');
    expect(written.map((batch) => [batch.month, batch.sequence])).toEqual([
      ['2026-11-01', 0],
      ['2026-11-01', 1],
      ['2026-12-01', 0],
    ]);
    expect(written[2]?.chain).not.toBe(written[0]?.chain);
    expect(written[2]?.previous).toEqual(Buffer.alloc(32));
  });
});

describe('a month', () => {
  const chain = '7b1c2d3e-0000-4000-8000-000000000001';
  const folder = mkdtempSync(path.join(tmpdir(), 'fsp-archive-'));
  const file = path.join(folder, 'disclosure-2026-05.ndjson');
  beforeAll(async () => {
    await owner.query("select fsp.make_disclosure_month('2026-05-01')");
    await owner.query("insert into fsp.disclosure_chain (chain, month) values ($1, '2026-05-01')", [chain]);
    let previous: Buffer = Buffer.alloc(32);
    for (let sequence = 0; sequence < 3; sequence++) {
      const text = `[{"at":"2026-05-11T09:00:00.000Z","organisation":"occ","client":"occ-social-care","families":[${sequence + 1}],"persons":[]}]`;
      const hash = chainHash(previous, text);
      await owner.query('insert into fsp.disclosure values ($1, $2, $3, $4, $5, $6, 1, $7)', [
        '2026-05-01',
        chain,
        sequence,
        `2026-05-11 09:0${sequence}`,
        previous,
        hash,
        text,
      ]);
      previous = hash;
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const partitions = async () =>
    (
      await owner.query("select inhrelid::regclass::text as name from pg_inherits where inhparent = 'fsp.disclosure'::regclass order by 1")
    ).rows.map(({ name }) => name);
  it('has a partition of its own, and so has the next one; a server goes on serving', async () => {
    expect(await partitions()).toHaveLength(3);
    expect((await server.app.inject('/readyz')).statusCode).toBe(200);
  });
  it('that is not over is not archived, nor one that is not whole', async () => {
    const { rows } = await owner.query("select to_char(now(), 'YYYY-MM-01') as month");
    await expect(archiveMonth(owner, rows[0].month, folder)).rejects.toThrow(/is not over/);
    await expect(archiveMonth(owner, '2020-01-01', folder)).rejects.toThrow('The database has no record of 2020-01.');
    const change = (count: number) =>
      owner.query(
        `alter table fsp.disclosure disable trigger guard; update fsp.disclosure set count = ${count} where chain = '${chain}' and sequence = 1; alter table fsp.disclosure enable trigger guard`,
      );
    await change(2);
    await expect(archiveMonth(owner, '2026-05-01', folder)).rejects.toThrow(
      `Chain ${chain}: batch 1 does not hold as many records as it says.`,
    );
    await change(1);
    expect(existsSync(file)).toBe(false);
    expect(await partitions()).toHaveLength(3);
  });
  it('is written to a file that proves itself, and dropped', async () => {
    const whole = await verifyDisclosures(owner);
    expect(await archiveMonth(owner, '2026-05-01', folder)).toEqual({ file, chains: 1, batches: 3, records: 3 });
    expect(await partitions()).toHaveLength(2);
    expect((await server.app.inject('/readyz')).statusCode).toBe(200);
    const { heads: _, ...rest } = whole;
    expect(await verifyDisclosures(owner, { heads: whole.heads, archives: [file] })).toMatchObject(rest);
    expect(await verifyDisclosures(owner, { heads: whole.heads })).toMatchObject({ fault: null, unread: 1 });
  });
  it('in a file is found out where somebody changed it', async () => {
    const text = readFileSync(file, 'utf8');
    const changedTo = async (changed: string) => {
      writeFileSync(file, changed);
      return verifyDisclosures(owner, { archives: [file] }).finally(() => writeFileSync(file, text));
    };
    expect((await changedTo(text.replace('occ-social-care', 'occ-somebodyels'))).fault).toMatchObject({
      chain,
      sequence: 0,
      what: 'was changed after it was written',
    });
    await expect(changedTo(text.split('\n').slice(0, 2).join('\n'))).rejects.toThrow('has lost its end');
    await expect(changedTo(`${text.split('\n').slice(0, 2).join('\n')}\n${text.split('\n')[3]}`)).rejects.toThrow(
      'does not hold the batches that its last line tells of',
    );
  });
});
