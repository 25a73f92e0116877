/** What the gate keeps, when what it kept changes at that very moment. */
import { randomUUID } from 'node:crypto';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, inject, it, onTestFinished } from 'vitest';
import { createGate } from '../../src/access/gate.ts';
import { type DatabaseServer, parseDatabaseServer } from '../../src/config.ts';
import { LOGIN_SECRET, sqlAsOwner } from '../support/server.ts';

/**
 * A way to the database that passes everything on, and holds back what `hold` says until it is released. `seen`
 * comes true when the database has sent a text, whether or not it was held back.
 */
async function wayTo({ host, port }: DatabaseServer) {
  const held: (() => void)[] = [];
  const waiting: { text: string; come: () => void }[] = [];
  const way = { hold: '', port: 0, release: () => held.splice(0).forEach((pass) => pass()), seen };
  function seen(text: string): Promise<void> {
    return new Promise((come) => waiting.push({ text, come }));
  }
  const proxy = createServer((near) => {
    const far = connect(port, host);
    near.pipe(far);
    far.on('data', (data) => {
      if (way.hold !== '' && data.includes(way.hold)) held.push(() => near.write(data));
      else near.write(data);
      for (const { text, come } of waiting) if (data.includes(text)) come();
    });
    far.on('close', () => near.destroy()).on('error', () => near.destroy());
    near.on('close', () => far.destroy()).on('error', () => far.destroy());
  });
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void proxy.close());
  way.port = (proxy.address() as AddressInfo).port;
  return way;
}

// Not yet: the gate keeps an answer that was read before the notification and comes after it.
it('121 an answer that was on its way when its token was revoked is not kept', async () => {
  const database = parseDatabaseServer(inject('ownerUrl'));
  const owner = await sqlAsOwner();
  const way = await wayTo(database);
  const listens = way.seen('LISTEN');
  const gate = createGate({ ...database, host: '127.0.0.1', port: way.port }, LOGIN_SECRET);
  onTestFinished(async () => {
    await Promise.all([gate.end(), owner.end()]);
  });
  const jti = randomUUID();
  const ask = (id: string) => gate.standing('occ-record-system', null, id);
  await listens;
  await ask(randomUUID());

  way.hold = 'Record system';
  const read = way.seen('Record system');
  const early = ask(jti);
  await read;
  const told = way.seen('fsp_gate');
  await owner.query("insert into fsp.revoked_token (jti, expires) values ($1, now() + interval '1 hour')", [jti]);
  await told;
  way.hold = '';
  // What the notification clears is cleared before the answer goes on.
  setTimeout(way.release, 50);
  await early;
  expect((await ask(jti)).revoked).toBe(true);
});
