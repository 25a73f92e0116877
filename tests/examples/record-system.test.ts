/** The sample of a record system: its copy is what the feed says, wherever it was stopped. */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server as Http } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCopy, sync } from '../../examples/record-system/sync.ts';
import { inherited } from '../support/inherited.ts';
import { encodeId, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const recordSystem = { client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC' };

let owner: pg.Client;
let server: TestServer;
let url: string;
/** Stands between, and cuts answers off. */
let wire: Http;
let cut: number | null = null;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_sample');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  await server.listen({ host: '127.0.0.1', port: 0 });
  const at = server.app.server.address() as AddressInfo;
  wire = createServer(async (request, response) => {
    const answer = await fetch(`http://127.0.0.1:${at.port}${request.url}`, {
      headers: { authorization: request.headers.authorization as string, accept: request.headers.accept as string },
    });
    const text = await answer.text();
    response.writeHead(answer.status, { 'content-type': 'application/x-ndjson' });
    if (cut === null) return void response.end(text);
    const part = text.slice(0, cut);
    cut = null;
    response.write(part, () => response.destroy());
  });
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(wire.address() as AddressInfo).port}`;
});
afterAll(async () => {
  wire.closeAllConnections();
  wire.close();
  await server.close();
  await owner.end();
});

const token = () => server.token(recordSystem);

it('is less than 150 lines', () => {
  expect(readFileSync(new URL('../../examples/record-system/sync.ts', import.meta.url), 'utf8').split('\n').length).toBeLessThan(150);
});

it('says in one line that nobody answers, or that the token is not taken', async () => {
  const at = server.app.server.address() as AddressInfo;
  const ran = (URL: string, TOKEN: string) =>
    new Promise<{ code: unknown; out: string; err: string }>((done) => {
      const args = [fileURLToPath(new globalThis.URL('../../examples/record-system/sync.ts', import.meta.url)), ':memory:'];
      const env = { ...inherited(), NODE_NO_WARNINGS: '1', URL, TOKEN };
      execFile(process.execPath, args, { env }, (error, out, err) => done({ code: error?.code ?? 0, out, err }));
    });
  const url = `http://127.0.0.1:${at.port}`;
  expect(await ran('http://127.0.0.1:9', await token())).toEqual({
    code: 1,
    out: '',
    err: 'Nobody answers at http://127.0.0.1:9: set URL to the address of the server.\n',
  });
  expect(await ran(url, 'none')).toEqual({ code: 1, out: '', err: 'The token is not taken.\n' });
  expect(await ran(url, await token())).toEqual({
    code: 0,
    out: expect.stringMatching(/^\d+ changes; the copy holds \d+ entries\.\n$/),
    err: '',
  });
});

it('keeps a copy of the Workbook, however often its line breaks', async () => {
  const copy = openCopy(':memory:');
  const ids = () => (copy.prepare('select id from entry order by id').all() as { id: string }[]).map(({ id }) => id);
  const there = async () =>
    (await owner.query('select w.id from fsp.workbook_entry w join fsp.family f on f.id = w.family where not f.restricted')).rows
      .map(({ id }) => encodeId('WorkbookEntry', id))
      .sort();
  const settled = async () => {
    const { rows } = await owner.query('select pg_snapshot_xmax(pg_current_snapshot())::text as x');
    await expect
      .poll(
        async () => (await owner.query('select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as ended', [rows[0].x])).rows[0].ended,
      )
      .toBe(true);
  };
  for (const bytes of [1, 700, 2000, 5000]) {
    cut = bytes;
    await sync(url, token, copy);
  }
  expect(ids()).toEqual(await there());
  expect(await sync(url, token, copy)).toBe(0);

  const { rows } = await owner.query(
    `insert into fsp.workbook_entry (family, controller, kept_from, module, discipline, session_type, occurred_at, author, narrative)
     select m.family, f.controller, array[m.person], 'Engagement', 'social-work', 'home-visit', now(), 'A. Writer', 'new'
     from fsp.membership m join fsp.family f on f.id = m.family where m.family = 12 order by m.person limit 1 returning id, kept_from[1] as kept`,
  );
  const gone = await owner.query(
    `insert into fsp.workbook_entry (family, controller, module, discipline, session_type, occurred_at, author, narrative)
     select f.id, f.controller, 'Engagement', 'social-work', 'home-visit', now(), 'A. Writer', 'soon gone' from fsp.family f where f.id = 12 returning id`,
  );
  await settled();
  await sync(url, token, copy);
  expect(ids()).toEqual(await there());
  expect(copy.prepare('select narrative, kept_from from entry where id = ?').get(encodeId('WorkbookEntry', rows[0].id))).toEqual({
    narrative: 'new',
    kept_from: JSON.stringify([encodeId('Person', rows[0].kept)]),
  });
  await owner.query('delete from fsp.workbook_entry where id = $1', [gone.rows[0].id]);
  await owner.query('update fsp.family set restricted = true where id = 1');
  await settled();
  await sync(url, token, copy);
  expect(ids()).toEqual(await there());
  await owner.query('update fsp.family set restricted = false where id = 1');
});
