/** Signed heads outside the database: whatever the owner did to the record, whoever holds the heads finds it, and where. */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { createHeads, keptKey, readHeads, readPrivateKey } from '../../src/disclosure/heads.ts';
import { type Batch, chainHash, createRecorder } from '../../src/disclosure/recorder.ts';
import { createStore } from '../../src/disclosure/store.ts';
import { faultWords, verifyDisclosures } from '../../src/disclosure/verify.ts';
import { LOGIN_SECRET, ownDatabase, serverOf, sqlAsOwner, testServer } from '../support/server.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'fsp-heads-'));
const dir = path.join(folder, 'heads');
const { privateKey } = generateKeyPairSync('ed25519');

let ownerUrl: string;
let owner: pg.Client;
const batches: Batch[] = [];
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_heads');
  owner = await sqlAsOwner(ownerUrl);
  const heads = createHeads({ dir, key: privateKey }, () => {});
  const store = createStore(serverOf(ownerUrl), LOGIN_SECRET, false);
  const recorder = createRecorder(store, {
    durable(batch) {
      batches.push(batch);
      heads.durable(batch);
    },
  });
  const answer = (user: string) =>
    `{"organisation":"occ","client":"occ-social-care","user":"${user}","classes":[],"fields":[],"refused":[],"families":[1],"persons":[]}`;
  // Six batches of two records; a head is kept of the second, the fourth and the last.
  for (let i = 0; i < 6; i++) {
    await Promise.all([recorder.record(answer(`first-${i}`)), recorder.record(answer(`second-${i}`))]);
    if (i % 2 === 1) heads.end();
  }
  while (await store.index());
  await store.end();
});
afterAll(async () => {
  await owner.end();
  rmSync(folder, { recursive: true });
});

const kept = () => readHeads(dir);
const chain = () => (batches[0] as Batch).chain;

/** What verify says after the owner has dropped the guard and done something. */
async function tampered(...statements: [sql: string, values: unknown[]][]) {
  await owner.query('begin');
  try {
    await owner.query('alter table fsp.disclosure disable trigger guard');
    for (const statement of statements) await owner.query(...statement);
    return (await verifyDisclosures(owner, { signed: kept() })).fault;
  } finally {
    await owner.query('rollback');
  }
}

const one = (set: string) => `update fsp.disclosure set ${set} where chain = $1 and sequence = $2`;

/** Changes a batch and hashes it and all that follow anew, as whoever wants it not to show would. */
function rewritten(at: number, change: (text: string) => string): [string, unknown[]][] {
  let previous = batches[at]?.previous as Buffer;
  return batches.slice(at).map(({ sequence, records }) => {
    const text = sequence === at ? change(records) : records;
    const before = previous;
    previous = chainHash(previous, text);
    return [
      one('records = $3, previous = $4, hash = $5, count = $6'),
      [chain(), sequence, text, before, previous, JSON.parse(text).length],
    ];
  });
}

it('are kept of a chain now and then, and at its end', async () => {
  expect(batches).toHaveLength(6);
  expect(kept()).toMatchObject({ forged: [], heads: [{ sequence: 1 }, { sequence: 3 }, { sequence: 5 }] });
  expect(await verifyDisclosures(owner, { signed: kept() })).toMatchObject({ fault: null, forged: [], batches: 6, records: 12 });
});

describe('a record that the owner', () => {
  it('altered is named', async () => {
    const text = (batches[2] as Batch).records.replace('second-2', 'somebody');
    expect(await tampered([one('records = $3'), [chain(), 2, text]])).toEqual({
      chain: chain(),
      sequence: 2,
      records: [2],
      what: 'was changed after it was written',
    });
  });
  it('altered, with all hashes made anew, is named too', async () => {
    const fault = await tampered(...rewritten(2, (text) => text.replace('first-2', 'somebody')));
    expect(fault).toEqual({ chain: chain(), sequence: 2, records: [1], what: 'was changed after it was written' });
    expect(faultWords(fault as never)).toBe(`Chain ${chain()}: batch 2 (record 1 of it) was changed after it was written.`);
  });
  it('altered where nothing can be read of it any more is between two heads', async () => {
    expect(
      await tampered(['delete from fsp.disclosure_entry', []], ...rewritten(2, (text) => text.replace('first-2', 'somebody'))),
    ).toMatchObject({
      sequence: 3,
      records: [],
      what: 'or one between it and the head before is not what was signed',
    });
  });
  it('took out of its batch is named', async () => {
    expect(await tampered(...rewritten(4, (text) => JSON.stringify((JSON.parse(text) as unknown[]).slice(0, 1))))).toMatchObject({
      sequence: 4,
      records: [2],
      what: 'was changed after it was written',
    });
  });
  it('removed with its batch is missing', async () => {
    expect(await tampered(['delete from fsp.disclosure where chain = $1 and sequence = $2', [chain(), 3]])).toMatchObject({
      sequence: 4,
      what: 'follows 2: batch 3 is missing',
    });
  });
  it('removed, the rest moved up and hashed anew, is not as signed', async () => {
    const closed = rewritten(3, () => (batches[4] as Batch).records);
    expect(await tampered(...closed)).toMatchObject({ sequence: 3, records: [1, 2], what: 'was changed after it was written' });
  });
  it('put in another order does not follow', async () => {
    const move = (from: number, to: number): [string, unknown[]] => [one('sequence = $3'), [chain(), from, to]];
    expect(await tampered(move(2, 99), move(3, 2), move(99, 3))).toMatchObject({
      sequence: 2,
      what: 'does not follow the batch before it',
    });
  });
  it('cut off from the end is missing, also where the database knows nothing of it', async () => {
    const cut: [string, unknown[]] = ['delete from fsp.disclosure where chain = $1 and sequence > $2', [chain(), 3]];
    expect(await tampered(cut)).toMatchObject({ sequence: 4, what: 'is missing: the chain was known to reach 5' });
    const forgotten: [string, unknown[]] = ['update fsp.disclosure_chain set indexed = 3', []];
    expect(await tampered(cut, forgotten)).toMatchObject({ sequence: 4, what: 'is missing: the chain was known to reach 5' });
    expect(await tampered(['delete from fsp.disclosure', []], ['delete from fsp.disclosure_chain', []])).toMatchObject({ sequence: 0 });
  });
  it('dated back is of a time before the one that it follows', async () => {
    expect(await tampered([one("at = at - interval '1 day'"), [chain(), 2]])).toMatchObject({
      sequence: 2,
      what: 'is of a time before the batch that it follows',
    });
  });
});

describe('a head', () => {
  const file = () => path.join(dir, readdirSync(dir).find((name) => name.endsWith('.ndjson')) as string);
  const changed = (change: (text: string) => string, keys: string[] = []) => {
    const text = readFileSync(file(), 'utf8');
    writeFileSync(file(), change(text));
    try {
      return readHeads(dir, keys);
    } finally {
      writeFileSync(file(), text);
    }
  };
  it('that was changed, or signed by another, is forged', () => {
    expect(changed((text) => text.replace('"sequence":5', '"sequence":4')).forged).toEqual([`line 3 of ${path.basename(file())}`]);
    expect(changed((text) => `${text}nonsense\n`).forged).toEqual([`line 4 of ${path.basename(file())}`]);
    const stranger = generateKeyPairSync('ed25519');
    const pem = stranger.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(readHeads(dir, [pem])).toMatchObject({ heads: [], forged: { length: 3 } });
  });
});

describe('a server', () => {
  it('keeps the heads of what it put on record when it ends', async () => {
    const own = path.join(folder, 'server');
    const server = await testServer(ownerUrl, { heads: { dir: own, key: keptKey(folder) } });
    await server.ask('police', '{ family(id: "Family-1") { workbook { totalCount { value } } } }');
    await server.close();
    expect(readHeads(own).heads).toHaveLength(readdirSync(own).length - 1);
    expect(await verifyDisclosures(owner, { signed: readHeads(own) })).toMatchObject({ fault: null });
    expect(keptKey(folder).export({ type: 'pkcs8', format: 'pem' })).toEqual(keptKey(folder).export({ type: 'pkcs8', format: 'pem' }));
  });
  it('does not start where they cannot be written', async () => {
    const inTheWay = path.join(folder, 'file');
    writeFileSync(inTheWay, '');
    await expect(testServer(ownerUrl, { heads: { dir: path.join(inTheWay, 'heads'), key: privateKey } })).rejects.toThrow(
      "The record's heads cannot be kept in",
    );
    expect(existsSync(path.join(inTheWay, 'heads'))).toBe(false);
  });
  it('in production has a key for them that is not its own', () => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(
      readPrivateKey(readConfig({ HEADS_DIR: '/heads', HEADS_KEY: pem.replaceAll('\n', '\\n') }).headsKey as string).asymmetricKeyType,
    ).toBe('ed25519');
    expect(() => readConfig({ HEADS_KEY: 'x' })).toThrow('HEADS_KEY: must be a private Ed25519 key');
    expect(() => readConfig({ NODE_ENV: 'production', HEADS_DIR: '/heads' })).toThrow('HEADS_DIR and HEADS_KEY: set both, or neither');
  });
});
