/** Webhooks: whatever the receiver does, each change is told at least once, in order, signed, by ids and types, and to who may know of it. */
import { createServer, type Server as Http, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { verify } from '../../examples/webhooks/verify.ts';
import { addressFault, postJson } from '../../src/exchange/post.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const governance: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const HEALTH = 'oxford-health';

type Message = { headers: Record<string, string | undefined>; body: string; id: string; kind: string; about: string };
type Answer = (message: Message, response: ServerResponse, tries: number) => void;

const ok: Answer = (_message, response) => void response.writeHead(204).end();
const code =
  (status: number, headers = {}): Answer =>
  (_message, response) =>
    void response.writeHead(status, headers).end();

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let receiver: Http;
let url: string;
let answer: Answer = ok;
/** All that came, and what of it was taken. */
let came: Message[] = [];
let taken: Message[] = [];
let organisations: Map<string, number>;
/** Families with whom the trust does not work. */
let quiet: number;
let other: number;

const OPTIONS = { named: ['127.0.0.1'], seconds: 0.6, roundSeconds: 0.05, waits: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1] };
const start = (waits = OPTIONS.waits) => testServer(ownerUrl, { webhooks: { ...OPTIONS, waits } });
const org = (name: string) => organisations.get(name) as number;

beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_webhooks');
  owner = await sqlAsOwner(ownerUrl);
  organisations = new Map((await owner.query('select code, id from fsp.organisation')).rows.map(({ code, id }) => [code, id]));
  const { rows } = await owner.query('select id from fsp.family where id > 3 and not restricted order by id desc limit 2');
  [quiet, other] = rows.map(({ id }) => Number(id)) as [number, number];
  await owner.query('update fsp.involvement set until = least("from", now()) where organisation = $1 and family = any ($2)', [
    org(HEALTH),
    [quiet, other],
  ]);
  await owner.query("update fsp.family_stage set stage = 'CHILD_PROTECTION' where family = any ($1)", [[quiet, other]]);
  receiver = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { type, data } = JSON.parse(body);
    const headers = request.headers as Record<string, string | undefined>;
    const message = { headers, body, id: headers['webhook-id'] as string, kind: type, about: data.id };
    came.push(message);
    response.on('finish', () => {
      if (response.statusCode < 300 && !response.destroyed) taken.push(message);
    });
    answer(message, response, came.filter(({ id }) => id === message.id).length);
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  server = await start();
});
afterAll(async () => {
  answer = ok;
  await server.close();
  receiver.closeAllConnections();
  receiver.close();
  await owner.end();
});
afterEach(async () => {
  answer = ok;
  receiver.closeAllConnections();
  await owner.query('delete from fsp.webhook');
});

let keys = 0;
async function command(as: Caller, name: string, input: Record<string, unknown>) {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const { body, text } = await server.ask(
    as,
    `mutation($input: ${type}!) { ${name}(input: $input) { webhook { id client purpose url types enabled fault } userErrors { code message path } } }`,
    { input: { idempotencyKey: `hook-${keys++}`, ...input } },
  );
  return { ...body.data?.[name], errors: body.errors, text } as { webhook: any; userErrors: any[]; errors?: any[]; text: string };
}

/** A webhook that goes to the receiver, which the operator's configuration names. */
async function hook(
  client: string,
  purpose: string,
  types: string[] | null = null,
  as: Caller = governance,
): Promise<{ id: string; key: number }> {
  const made = await command(as, 'createWebhook', { client, purpose, url: 'https://receiver.example/hook', types });
  expect(made.webhook, made.text).toMatchObject({ client, purpose, enabled: true });
  const key = Number(made.webhook.id.split('-')[1]);
  await owner.query('update fsp.webhook set url = $2 where id = $1', [key, url]);
  came = [];
  taken = [];
  return { id: made.webhook.id, key };
}
const ofHealth: Caller = { client: `${HEALTH}-governance`, user: null, purpose: 'GOVERNANCE' };
const sync = (types: string[] | null = ['WORKBOOK_ENTRY']) => hook('occ-record-system', 'RECORD_SYNC', types);
const visiting = (types: string[] | null = ['WORKBOOK_ENTRY']) => hook('oxford-health-visiting', 'SAFEGUARDING', types, ofHealth);

async function addEntry(family: number, by: pg.Client = owner): Promise<string> {
  const { rows } = await by.query(
    `insert into fsp.workbook_entry (family, controller, module, discipline, session_type, occurred_at, author, narrative)
     values ($1, $2, 'Engagement', 'social-work', 'home-visit', now(), 'A. Writer', 'Words that no message holds.') returning id`,
    [family, org('occ')],
  );
  return encodeId('WorkbookEntry', rows[0].id);
}
const until = <T>(what: () => T, timeout = 20_000) => expect.poll(what, { timeout, interval: 25 });
const ids = (of: Message[]) => of.map(({ about }) => about);
/** Everything that had ended by now is told, or never will be. */
async function settled(key: number) {
  const { rows } = await owner.query('select pg_snapshot_xmax(pg_current_snapshot())::text as x');
  await until(
    async () => (await owner.query('select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as ended', [rows[0].x])).rows[0].ended,
  ).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 400));
  await until(async () =>
    Number((await owner.query('select count(*) from fsp.webhook_event where webhook = $1 and dead_at is null', [key])).rows[0].count),
  ).toBe(0);
}
const secrets = async (id: string, as: Caller = governance): Promise<string[]> =>
  (await server.ask(as, 'query($id: ID!) { webhookSecrets(webhook: $id) }', { id })).body.data?.webhookSecrets;
const letters = async (as: Caller = governance) =>
  (
    await server.ask(
      as,
      '{ webhooks { id url enabled fault delivered deadLetters { nodes { id message type attempts status fault webhook { id } } totalCount { value } } } }',
    )
  ).body.data?.webhooks;

describe('a message', () => {
  it('tells of every change in order, by its kind, type and id, and holds nothing else', async () => {
    const { id, key } = await sync();
    const entries: string[] = [];
    for (const family of [quiet, other, quiet, other, quiet]) entries.push(await addEntry(family));
    await until(() => ids(taken).length).toBe(5);
    expect(ids(taken).filter((entry) => [entries[0], entries[2], entries[4]].includes(entry))).toEqual([
      entries[0],
      entries[2],
      entries[4],
    ]);
    expect(ids(taken).filter((entry) => [entries[1], entries[3]].includes(entry))).toEqual([entries[1], entries[3]]);
    for (const { body, headers } of taken) {
      const parsed = JSON.parse(body);
      expect(Object.keys(parsed)).toEqual(['type', 'timestamp', 'data']);
      expect(parsed).toMatchObject({ type: 'change.current', data: { type: 'WORKBOOK_ENTRY' } });
      expect(Object.keys(parsed.data)).toEqual(['type', 'id']);
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': expect.stringMatching(/^msg_[0-9a-f-]{36}$/) });
    }
    await owner.query('delete from fsp.workbook_entry where id = $1', [entries[4]?.split('-')[1]]);
    await until(() => taken.at(-1)).toMatchObject({ kind: 'change.gone', about: entries[4] });
    await settled(key);
    expect(taken.length).toBe(6);
    expect((await letters())[0]).toMatchObject({ id, delivered: 6, fault: null, deadLetters: { nodes: [] } });
  });
  it('134 is signed: the documented sample takes it with either live secret, and neither what is altered nor what is old', async () => {
    const { id } = await sync();
    const [first] = await secrets(id);
    expect(first).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect((await command(governance, 'rotateWebhookSecret', { webhook: id, overlapHours: 1 })).webhook.id).toBe(id);
    const [second, previous] = await secrets(id);
    expect(previous).toBe(first);
    expect(second).not.toBe(first);
    await addEntry(quiet);
    await until(() => taken.length).toBe(1);
    const { headers, body } = taken[0] as Message;
    for (const secret of [first, second] as string[]) expect(verify(headers, body, secret)).toBe(headers['webhook-id']);
    expect(() => verify(headers, `${body} `, second as string)).toThrow('not ours');
    expect(() => verify(headers, body, `whsec_${Buffer.alloc(32).toString('base64')}`)).toThrow('not ours');
    expect(() =>
      verify({ ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) }, body, second as string),
    ).toThrow('not ours');
    expect(() => verify(headers, body, second as string, Date.now() / 1000 + 400)).toThrow('too old');
    expect(() => verify({ ...headers, 'webhook-signature': undefined }, body, second as string)).toThrow('not signed');
    // No overlap: the secret before is worth nothing from now on.
    await command(governance, 'rotateWebhookSecret', { webhook: id, overlapHours: 0 });
    expect((await secrets(id)).length).toBe(1);
    await addEntry(quiet);
    await until(() => taken.length).toBe(2);
    const last = taken[1] as Message;
    expect(() => verify(last.headers, last.body, second as string)).toThrow('not ours');
    expect(verify(last.headers, last.body, (await secrets(id))[0] as string)).toBe(last.id);
    const { rows } = await owner.query('select to_jsonb(w)::text as row from fsp.webhook w');
    for (const secret of await secrets(id)) expect(rows[0].row).not.toContain(secret.slice(6, 20));
  });
  it('of a change of rights as a whole says once that the feed begins anew', async () => {
    const { key } = await sync();
    await addEntry(quiet);
    await until(() => taken.length).toBe(1);
    await owner.query("update fsp.client set scopes = scopes || '{role:front-door}'::text[] where id = 'occ-record-system'");
    try {
      await until(() => taken.at(-1)).toMatchObject({ kind: 'feed.anew' });
      expect(JSON.parse(taken.at(-1)?.body as string).data).toEqual({});
      const entry = await addEntry(quiet);
      await until(() => ids(taken)).toContain(entry);
      await settled(key);
      expect(taken.length).toBe(3);
    } finally {
      await owner.query("update fsp.client set scopes = array_remove(scopes, 'role:front-door') where id = 'occ-record-system'");
    }
  });
});

describe('a receiver', () => {
  it('that refuses what is of one family holds back that family alone, and gets it in order', async () => {
    const { key } = await sync();
    const bad: string[] = [];
    answer = (message, response, tries) => void response.writeHead(bad.includes(message.about) && tries < 4 ? 500 : 200).end();
    const slow = [await addEntry(quiet)];
    bad.push(slow[0] as string);
    slow.push(await addEntry(quiet));
    const quick = [await addEntry(other), await addEntry(other)];
    await settled(key);
    const order = ids(taken);
    expect(order.filter((id) => slow.includes(id))).toEqual(slow);
    expect(order.filter((id) => quick.includes(id))).toEqual(quick);
    expect(order.indexOf(quick[1] as string)).toBeLessThan(order.indexOf(slow[0] as string));
    expect(new Set(came.filter(({ about }) => about === slow[0]).map(({ id }) => id)).size).toBe(1);
  });
  it.each<[string, Answer]>([
    ['hangs', (_m, response, tries) => void (tries < 3 ? null : response.writeHead(200).end())],
    ['answers late', (_m, response, tries) => void setTimeout(() => response.writeHead(200).end(), tries < 3 ? 900 : 0)],
    ['closes the connection', (_m, response, tries) => void (tries < 3 ? response.destroy() : response.writeHead(200).end())],
    [
      'closes it in the middle of its answer',
      (_m, response, tries) => {
        response.writeHead(200, { 'content-length': 100 });
        if (tries < 3) response.write('{', () => response.destroy());
        else response.end('x'.repeat(100));
      },
    ],
    ['cannot take more', (m, response, tries) => (tries < 3 ? code(429, { 'retry-after': '0.2' }) : ok)(m, response, tries)],
    ['leads elsewhere', (m, response, tries) => (tries < 3 ? code(307, { location: '/elsewhere' }) : ok)(m, response, tries)],
    ['answers without end', (_m, response) => void response.writeHead(200).write('x'.repeat(200_000))],
  ])('that %s gets every message, and gets it again until it has answered', async (_what, behaviour) => {
    const { key } = await sync();
    answer = behaviour;
    const entries = [await addEntry(quiet), await addEntry(other), await addEntry(quiet)];
    await settled(key);
    expect(new Set(ids(came))).toEqual(new Set(entries));
    const firsts = [...new Set(ids(came))];
    expect(firsts.filter((id) => id !== entries[1])).toEqual([entries[0], entries[2]]);
    expect((await letters())[0].deadLetters.nodes).toEqual([]);
  });
  it('that answers 410 is sent nothing more until it is enabled, and then what waits', async () => {
    const { id } = await sync();
    answer = code(410);
    const entry = await addEntry(quiet);
    await until(async () => (await letters())[0].enabled).toBe(false);
    expect((await letters())[0].fault).toBe('ANSWERED_410');
    answer = ok;
    const later = await addEntry(other);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(taken).toEqual([]);
    await command(governance, 'updateWebhook', { webhook: id, enabled: true });
    await until(() => ids(taken).toSorted()).toEqual([entry, later].toSorted());
  });
  it('that takes nothing leaves dead letters, which are looked at and sent again', async () => {
    const { id, key } = await sync();
    answer = code(500);
    const entry = await addEntry(quiet);
    await until(async () => (await letters())[0].deadLetters.totalCount.value).toBe(1);
    const [letter] = (await letters())[0].deadLetters.nodes;
    expect(letter).toMatchObject({ type: 'WORKBOOK_ENTRY', attempts: 8, status: 500, fault: 'ANSWERED_500', webhook: { id } });
    expect(new Set(came.map(({ id }) => id))).toEqual(new Set([`msg_${letter.message}`]));
    answer = ok;
    // Those behind it do not wait for it.
    const next = await addEntry(quiet);
    await until(() => ids(taken)).toEqual([next]);
    await command(governance, 'replayDeadLetters', { webhook: id, letters: [letter.id] });
    await until(() => ids(taken)).toEqual([next, entry]);
    expect(taken[1]?.id).toBe(`msg_${letter.message}`);
    await settled(key);
    expect((await letters())[0].deadLetters.totalCount.value).toBe(0);
  });
  it('gets a dead letter no more, once its row may not be told of', async () => {
    const { id, key } = await visiting();
    const involvement = await involve(quiet);
    answer = code(500);
    await owner.query(
      `insert into fsp.workbook_entry (family, controller, module, discipline, session_type, occurred_at, author, narrative)
       values ($1, $2, 'Engagement', 'health', 'home-visit', now(), 'A. Writer', 'own')`,
      [quiet, org(HEALTH)],
    );
    await until(async () => (await letters(ofHealth))[0].deadLetters.totalCount.value).toBe(1);
    await owner.query('update fsp.involvement set until = now() where id = $1', [involvement]);
    answer = ok;
    await settled(key);
    const before = taken.length;
    await command(ofHealth, 'replayDeadLetters', { webhook: id });
    await settled(key);
    // It was sent as there once, so that it is gone may be said; that it is there is not.
    expect(taken.slice(before).filter(({ kind }) => kind !== 'change.gone')).toEqual([]);
  });
});

async function involve(family: number): Promise<number> {
  const { rows } = await owner.query(
    `insert into fsp.involvement (family, controller, organisation, role, agreed, "from") values ($1, $2, $3, 'health-visitor', false, now() - interval '1 hour') returning id`,
    [family, org('occ'), org(HEALTH)],
  );
  return Number(rows[0].id);
}

describe('rights', () => {
  it('are asked when a message is sent, and at each try anew', async () => {
    const { key } = await visiting(['FAMILY', 'PERSON']);
    const involvement = await involve(quiet);
    await until(() => ids(taken)).toContain(encodeId('Family', quiet));
    await settled(key);
    // It fails, and before the next try the trust has no more to do with the family.
    answer = code(500);
    const before = came.length;
    await owner.query('update fsp.family_name set name = name where family = $1', [quiet]);
    await until(() => came.length).toBeGreaterThan(before);
    await owner.query('update fsp.involvement set until = now() where id = $1', [involvement]);
    await owner.query('update fsp.family_name set name = name where family = $1', [other]);
    answer = ok;
    const from = came.length;
    await settled(key);
    const after = came.slice(from).filter(({ about }) => about === encodeId('Family', quiet));
    expect(after.at(-1)?.kind).toBe('change.gone');
    expect(ids(came)).not.toContain(encodeId('Family', other));
    // What becomes of it afterwards is not told.
    const told = came.length;
    await owner.query('update fsp.family_name set name = name where family = $1', [quiet]);
    await settled(key);
    expect(came.length).toBe(told);
  });
  it('that end before anything was sent leave nothing: not even that it is gone', async () => {
    const { key } = await visiting(null);
    // In one transaction the trust is let in and sent away again.
    await owner.query('begin');
    const involvement = await involve(other);
    await owner.query('update fsp.involvement set until = "from" where id = $1', [involvement]);
    await owner.query('commit');
    await settled(key);
    expect(came.filter(({ about }) => about === encodeId('Family', other))).toEqual([]);
  });
  it('of a client that is disabled are none: nothing is sent until it is enabled', async () => {
    const { key } = await sync();
    await owner.query("update fsp.client set enabled = false where id = 'occ-record-system'");
    let entry: string;
    try {
      entry = await addEntry(quiet);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(came).toEqual([]);
    } finally {
      await owner.query("update fsp.client set enabled = true where id = 'occ-record-system'");
    }
    await until(() => ids(taken)).toEqual([entry]);
    await settled(key);
  });
  it('of a client that may read nothing of it any more are none either', async () => {
    const { key } = await sync();
    const { rows } = await owner.query("select scopes from fsp.client where id = 'occ-record-system'");
    await owner.query("update fsp.client set scopes = '{}' where id = 'occ-record-system'");
    let entry: string;
    try {
      entry = await addEntry(quiet);
      await until(async () => (await letters())[0].fault).toBe('REFUSED');
      expect(came.filter(({ kind }) => kind !== 'feed.anew')).toEqual([]);
    } finally {
      await owner.query("update fsp.client set scopes = $1 where id = 'occ-record-system'", [rows[0].scopes]);
    }
    await settled(key);
    // What it missed its own reading of the feed tells: that it begins anew was said, or it is told now.
    expect(ids(taken).includes(entry) || taken.some(({ kind }) => kind === 'feed.anew')).toBe(true);
  });
  it('that are closed as a whole put nothing into the queue, only to be dropped when it is sent', async () => {
    const dropped = async () =>
      ((await server.metrics.registry.getSingleMetric('fsp_webhook_messages_total')?.get())?.values ?? [])
        .filter(({ labels }) => labels.outcome === 'dropped')
        .reduce((sum, { value }) => sum + value, 0);
    await owner.query("update fsp.client set honours_restrictions = false where id = 'occ-record-system'");
    try {
      const { key } = await sync(['FAMILY', 'CHILD_VOICE']);
      const before = await dropped();
      await owner.query(
        `insert into fsp.child_voice (family, person, controller, words, medium, said_on, heard_by)
         select $1, m.person, $2, 'x', 'said', current_date, 'x' from fsp.membership m where m.family = $1 limit 1`,
        [quiet, org('occ')],
      );
      await owner.query('update fsp.family_name set name = name where family = $1', [quiet]);
      await until(() => ids(taken)).toContain(encodeId('Family', quiet));
      await settled(key);
      expect(await dropped()).toBe(before);
    } finally {
      await owner.query("update fsp.client set honours_restrictions = true where id = 'occ-record-system'");
    }
  });
  it('are on record, with the families told of', async () => {
    await sync();
    const entry = await addEntry(quiet);
    await until(() => ids(taken)).toEqual([entry]);
    const { rows } = await owner.query('select records from fsp.disclosure order by at');
    const record = rows
      .flatMap(({ records }) => JSON.parse(records))
      .findLast(({ operation, client }) => operation === 'Webhook' && client === 'occ-record-system');
    expect(record).toMatchObject({ purpose: 'RECORD_SYNC' });
    expect(record.families.map(String)).toContain(String(quiet));
  });
});

/** Ends the connection of whoever delivers, so that nothing of what is under way is written down. */
const KILL = `select pg_terminate_backend(l.pid) from pg_locks l join pg_database d on d.oid = l.database
  where l.locktype = 'advisory' and d.datname = 'fsp_webhooks' and l.granted and l.classid = 1 and l.objid = (7246337005 & 4294967295)::oid`;

describe('the deliverer', () => {
  it('that is killed in the midst of it loses nothing, and another goes on', async () => {
    const { key } = await sync();
    const second = await start();
    const admin = new pg.Client({ connectionString: inject('superuserUrl') });
    await admin.connect();
    let calls = 0;
    let killed = 0;
    // Every fifth is answered after its sender has lost its connections; every third not at all.
    answer = (_message, response, tries) => {
      calls++;
      if (calls % 5 === 0) {
        void admin.query(KILL).then(({ rowCount }) => {
          killed += rowCount ?? 0;
        });
        setTimeout(() => response.writeHead(200).end(), 50);
      } else if (calls % 3 === 0 && tries < 3) response.destroy();
      else response.writeHead(200).end();
    };
    const entries: string[] = [];
    for (let n = 0; n < 24; n++) entries.push(await addEntry(n % 3 === 0 ? quiet : other));
    await settled(key);
    await second.close();
    await admin.end();
    expect(killed).toBeGreaterThan(0);
    expect(new Set(ids(taken))).toEqual(new Set(entries));
    const firsts = [...new Set(ids(taken))];
    for (const nth of [(n: number) => n % 3 === 0, (n: number) => n % 3 !== 0]) {
      const lane = entries.filter((_, n) => nth(n));
      expect(firsts.filter((id) => lane.includes(id))).toEqual(lane);
    }
  });
  it('stops when what is under way was answered, and goes on where it was', async () => {
    const { key } = await sync();
    let open: ServerResponse | null = null;
    answer = (_message, response) => {
      open = response;
    };
    const first = await addEntry(quiet);
    const rest = await addEntry(quiet);
    await until(() => open).not.toBeNull();
    const closing = server.close();
    setTimeout(() => (open as unknown as ServerResponse).writeHead(200).end(), 100);
    await closing;
    expect(ids(taken)).toEqual([first]);
    answer = ok;
    server = await start();
    await until(() => ids(taken)).toEqual([first, rest]);
    await settled(key);
  });
});

describe('who registers', () => {
  it('is governance of the organisation, for its own clients, with an address that may be asked', async () => {
    const input = { client: 'occ-record-system', purpose: 'RECORD_SYNC', url: 'https://receiver.example/hook' };
    for (const bad of [
      'http://receiver.example/',
      'https://127.0.0.1/',
      'https://[::1]/',
      'https://a:b@receiver.example/',
      'ftp://receiver.example',
      'x',
      `https://receiver.example/${'x'.repeat(500)}`,
    ])
      expect((await command(governance, 'createWebhook', { ...input, url: bad })).userErrors, bad).toMatchObject([
        { code: 'INVALID', path: ['url'] },
      ]);
    for (const bad of [{ client: 'oxford-health-visiting' }, { client: 'nobody' }, { purpose: 'SAFEGUARDING' }])
      expect((await command(governance, 'createWebhook', { ...input, ...bad })).userErrors).toMatchObject([
        { code: 'INVALID', path: ['client'] },
      ]);
    const recordSystem = { client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC' };
    expect((await command(recordSystem, 'createWebhook', input)).errors?.[0].extensions).toMatchObject({
      code: 'FORBIDDEN',
      field: 'Mutation.createWebhook',
    });
    for (let n = 0; n < 20; n++) expect((await command(governance, 'createWebhook', input)).userErrors).toEqual([]);
    expect((await command(governance, 'createWebhook', input)).userErrors).toMatchObject([{ code: 'INVALID' }]);
  });
  it('of another organisation sees nothing of it and can do nothing to it', async () => {
    const { id, key } = await sync();
    answer = code(500);
    await addEntry(quiet);
    await until(async () => (await letters())[0].deadLetters.totalCount.value).toBe(1);
    const letter = (await letters())[0].deadLetters.nodes[0].id;
    expect(await letters(ofHealth)).toEqual([]);
    expect(await secrets(id, ofHealth)).toBeNull();
    for (const node of [id, letter])
      expect((await server.ask(ofHealth, 'query($id: ID!) { node(id: $id) { id } }', { id: node })).body.data.node).toBeNull();
    for (const [name, input] of [
      ['updateWebhook', { url: 'https://elsewhere.example/' }],
      ['rotateWebhookSecret', {}],
      ['deleteWebhook', {}],
      ['replayDeadLetters', {}],
      ['replayDeadLetters', { letters: [letter] }],
    ] as const) {
      const foreign = await command(ofHealth, name, { webhook: id, ...input });
      const never = await command(ofHealth, name, { webhook: 'Webhook-99999999', ...input });
      expect(foreign.userErrors, name).toMatchObject([{ code: 'NOT_FOUND', path: ['webhook'] }]);
      expect(foreign.text).toBe(never.text);
    }
    const foreign = await sqlAs(HEALTH, false, ownerUrl);
    expect((await foreign.query('select from fsp.webhook')).rowCount).toBe(0);
    expect((await foreign.query('select from fsp.webhook_event')).rowCount).toBe(0);
    expect((await foreign.query('select fsp.delete_webhook($1) as done', [key])).rows[0].done).toBe(false);
    for (const sql of ['select fsp.webhooks_due()', 'select fsp.webhook_next(1, 1)', 'delete from fsp.webhook'])
      await expect(foreign.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    await foreign.end();
    // Its own login sees what was sent and not taken, and nothing of what waits.
    answer = () => {};
    await addEntry(other);
    await until(async () => Number((await owner.query('select count(*) from fsp.webhook_event where dead_at is null')).rows[0].count)).toBe(
      1,
    );
    const own = await sqlAs('occ', false, ownerUrl);
    expect((await own.query('select from fsp.webhook_event')).rowCount).toBe(1);
    await own.end();
    expect((await owner.query('select url, generation from fsp.webhook where id = $1', [key])).rows).toEqual([{ url, generation: 1 }]);
    expect((await command(governance, 'deleteWebhook', { webhook: id })).webhook).toBeNull();
    expect(await letters()).toEqual([]);
  });
});

it('an address inside the network is asked only where it is named', async () => {
  expect(addressFault('http://127.0.0.1:1/', [])).not.toBeNull();
  expect(addressFault('http://127.0.0.1:1/', ['127.0.0.1'])).toBeNull();
  expect(await postJson(url, {}, '{}', { named: [], seconds: 1 })).toMatchObject({ status: null, fault: 'NOT_ALLOWED' });
  expect(await postJson('https://localhost/', {}, '{}', { named: [], seconds: 5 })).toMatchObject({ status: null, fault: 'NOT_ALLOWED' });
});
