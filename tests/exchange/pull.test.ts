/** A feed pulled into the directory, however it behaves: what was good is in, what was not is named, nothing is lost. */
import type { ServerResponse } from 'node:http';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addFeed } from '../../src/db/provision.ts';
import { checkAddress, fetchJson, isPublic } from '../../src/exchange/open-referral/fetch.ts';
import { uuidOf } from '../../src/exchange/open-referral/profile.ts';
import type { Ask } from '../../src/exchange/open-referral/publish.ts';
import { checkFeed, pullFeed, type Report } from '../../src/exchange/open-referral/pull.ts';
import { madeService, type TestFeed, testFeed } from '../support/feed.ts';
import { ownDatabase, sqlAsOwner } from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let feed: TestFeed;
let known: { id: number; code: string; url: string };
let made = 0;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_pull');
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await owner.end();
});
/** Each test has a feed of its own. */
beforeEach(async () => {
  feed = await testFeed();
  const code = `made-${++made}`;
  await addFeed(owner, { code, organisation: 'cherwell', url: feed.url, district: 'E07000177' });
  known = (await owner.query('select id, code, url from fsp.service_feed where code = $1', [code])).rows[0];
  return async () => {
    await feed.close();
    // Another test's feed may be given the same port.
    await owner.query('update fsp.service_feed set url = null where id = $1', [known.id]);
  };
});

const ask: Ask = async (text, values) => (await owner.query(text, values)).rows[0];
const options = () => ({ privateHosts: [feed.host], pause: async () => {}, seconds: 1 });
const pull = (through: Ask = ask): Promise<Report> => pullFeed(through, known, options());
const inDirectory = async () =>
  (await owner.query('select source_id, name, retired_at is not null as retired from fsp.service where feed = $1 order by id', [known.id]))
    .rows;
const live = async () => (await inDirectory()).filter(({ retired }) => !retired).map(({ source_id: id }) => id);
const ids = () => feed.services.map(({ id }) => id);
const rulesOf = ({ lines }: Report) => lines.flatMap(({ line, faults }) => faults.map(({ path, rule }) => `${line} ${path} ${rule}`));

describe('a feed that does as it should', () => {
  it('is pulled page by page, and again without a second effect', async () => {
    feed.services = Array.from({ length: 250 }, (_, i) => madeService(i));
    expect(await pull()).toMatchObject({ services: 250, pages: 3, created: 250, failed: 0, complete: true, fault: null });
    expect(await live()).toEqual(ids());
    const { rows: before } = await owner.query(
      'select xmin::text, * from fsp.service_document where service in (select id from fsp.service where feed = $1) order by service',
      [known.id],
    );
    expect(await pull()).toMatchObject({ created: 0, updated: 0, unchanged: 250, complete: true });
    const { rows: after } = await owner.query(
      'select xmin::text, * from fsp.service_document where service in (select id from fsp.service where feed = $1) order by service',
      [known.id],
    );
    expect(after).toEqual(before);
  });
  it('brings what changed, retires what vanished, and takes it back', async () => {
    feed.services = Array.from({ length: 12 }, (_, i) => madeService(i));
    await pull();
    const gone = feed.services.pop();
    feed.services[0] = madeService(0, { name: 'Another name' });
    expect(await pull()).toMatchObject({ updated: 1, unchanged: 10, complete: true });
    expect(await live()).toEqual(ids());
    expect((await inDirectory()).filter(({ retired }) => retired).map(({ source_id: id }) => id)).toEqual([gone?.id]);
    feed.services.push(gone as any);
    expect(await pull()).toMatchObject({ updated: 1, unchanged: 11 });
    expect((await inDirectory()).length).toBe(12);
    expect((await live()).length).toBe(12);
  });
  it('whose list is short has each service’s record fetched', async () => {
    feed.services = [
      madeService(1, { schedules: [{ id: madeService(9).id, freq: 'WEEKLY', byday: 'MO', opens_at: '09:00', closes_at: '17:00' }] }),
    ];
    feed.envelope = (page) => ({ ...page, contents: (page.contents as any[]).map(({ schedules: _schedules, ...short }) => short) });
    await pull();
    expect(feed.asked).toContain(`/api/services/${ids()[0]}`);
    const { rows } = await owner.query(
      'select days, opens from fsp.service_schedule where service in (select id from fsp.service where feed = $1)',
      [known.id],
    );
    expect(rows).toEqual([{ days: ['MO'], opens: '09:00:00' }]);
  });
  it('keeps what nobody understands as it came', async () => {
    feed.services = [madeService(1, { 'x-own': { deep: [1, null, 'a'] }, eligibility: 'anybody' })];
    await pull();
    const { rows } = await owner.query(
      'select source from fsp.service_document where service in (select id from fsp.service where feed = $1)',
      [known.id],
    );
    expect(rows[0].source).toEqual(feed.services[0]);
  });
});

describe('a feed that lies about its pages', () => {
  const twelve = () => Array.from({ length: 12 }, (_, i) => madeService(i));
  it('and gives fewer than it says: nothing is retired', async () => {
    feed.services = twelve();
    await pull();
    feed.services.pop();
    feed.envelope = (page) => ({ ...page, total_items: 12 });
    const report = await pull();
    expect(report).toMatchObject({ complete: false, fault: expect.stringContaining('says it has 12 services, and gave 11') });
    expect((await live()).length).toBe(12);
  });
  it('and gives more than it says: all are in', async () => {
    feed.services = twelve();
    feed.envelope = (page) => ({ ...page, total_items: 3 });
    expect(await pull()).toMatchObject({ created: 12, complete: true, fault: expect.stringContaining('gave 12') });
  });
  it('and says that every page is the last', async () => {
    feed.services = Array.from({ length: 150 }, (_, i) => madeService(i));
    feed.envelope = (page) => ({ ...page, last_page: true });
    expect(await pull()).toMatchObject({ created: 150, complete: true });
  });
  it('and does not page at all: it is broken off, and nothing is retired', async () => {
    feed.services = twelve();
    await pull();
    feed.services.pop();
    feed.envelope = (page) => ({ ...page, total_items: 500, total_pages: 50, last_page: false });
    feed.instead = (url, response) => {
      if (url.searchParams.get('page') === '1' || !url.searchParams.has('page')) return false;
      response.writeHead(302, { location: '/api/services?page=1' }).end();
      return true;
    };
    expect(await pull()).toMatchObject({ complete: false, fault: expect.stringContaining('does not page') });
    expect((await live()).length).toBe(12);
  });
  it('and has no end', async () => {
    feed.instead = (url, response) => {
      const page = Number(url.searchParams.get('page'));
      response.end(JSON.stringify({ contents: [madeService(page)] }));
      return true;
    };
    const report = await pullFeed(ask, known, { ...options(), pages: 20 });
    expect(report).toMatchObject({ pages: 20, created: 20, complete: false, fault: expect.stringContaining('has no end') });
  });
  it('and is empty all at once, or has lost most of what it had', async () => {
    feed.services = twelve();
    await pull();
    const all = feed.services;
    feed.services = [];
    expect(await pull()).toMatchObject({ complete: false, fault: expect.stringContaining('empty') });
    expect((await live()).length).toBe(12);
    feed.services = all.slice(0, 3);
    await pull();
    expect((await live()).length).toBe(12);
    const { rows } = await owner.query('select complete, fault from fsp.service_run where feed = $1 order by id desc limit 1', [known.id]);
    expect(rows[0]).toEqual({ complete: false, fault: '9 of 12 services have gone from the feed: nothing was retired' });
  });
});

describe('a feed with faulty services', () => {
  it('loses none of the good ones, and each fault is put on record by line, path and rule', async () => {
    feed.services = [
      madeService(1),
      madeService(1, { name: 'The same id again' }),
      { name: 'No id', status: 'active', schedules: [] },
      madeService(4, { status: 'open' }),
      madeService(5, { description: 'x'.repeat(5_000_000) }),
      madeService(6, { url: 'nowhere' }),
      'no service' as any,
      madeService(8, { name: 'The women’s refuge' }),
      madeService(9),
    ];
    const report = await pull();
    expect(rulesOf(report)).toEqual([
      '2 /id DUPLICATE',
      '3 /id required',
      '4 /status enum',
      '5  TOO_LONG',
      '6 /url format',
      '7  NOT_AN_OBJECT',
      '8  SECRET_PLACE',
    ]);
    expect(report).toMatchObject({ created: 3, failed: 6 });
    expect((await inDirectory()).map(({ name }) => name)).toEqual(['Made service 1', 'Made service 6', 'Made service 9']);
    const { rows } = await owner.query(
      'select l.line, l.source_id, l.result, l.rule from fsp.service_run_line l join fsp.service_run r on r.id = l.run where r.feed = $1 order by l.id',
      [known.id],
    );
    expect(rows.map(({ line, result, rule }) => `${line} ${result} ${rule}`)).toEqual([
      '2 FAILED DUPLICATE',
      '3 FAILED required',
      '4 FAILED enum',
      '5 FAILED TOO_LONG',
      '6 CREATED format',
      '7 FAILED NOT_AN_OBJECT',
      '8 FAILED SECRET_PLACE',
    ]);
    // Of a refuge nothing is repeated, in no table.
    expect(rows[6].source_id).toBeNull();
    const { rows: told } = await owner.query(
      "select from fsp.service_document where source::text ilike '%refuge%' or document::text ilike '%refuge%'",
    );
    expect(told).toEqual([]);
  });
  it('that were in before stay as they were', async () => {
    feed.services = [madeService(1), madeService(2)];
    await pull();
    feed.services[0] = madeService(1, { status: 'faulty' });
    expect(await pull()).toMatchObject({ failed: 1, unchanged: 1, complete: true });
    expect((await live()).length).toBe(2);
  });
  it('of which one turns out to be a refuge: it goes at once, and its place with it', async () => {
    const at = { id: madeService(7).id, location: { id: madeService(7).id, location_type: 'physical', latitude: 51.7, longitude: -1.2 } };
    feed.services = [madeService(1, { service_at_locations: [at] }), madeService(2)];
    await pull();
    feed.services[0] = madeService(1, { service_at_locations: [at], description: 'A refuge.' });
    feed.envelope = (page) => ({ ...page, total_items: 100 });
    expect(await pull()).toMatchObject({ complete: false });
    expect((await live()).length).toBe(1);
    const { rows } = await owner.query(
      'select s.description, d.source, d.document, (select count(*)::int from fsp.service_location l where l.service = s.id) as places from fsp.service s join fsp.service_document d on d.service = s.id where s.feed = $1 and s.retired_at is not null',
      [known.id],
    );
    expect(rows).toEqual([
      { description: null, source: null, document: { id: expect.any(String), name: 'Made service 1', status: 'defunct' }, places: 0 },
    ]);
  });
  it('of which the database does not take one: the others come in, and it stays as it was', async () => {
    feed.services = [madeService(1), madeService(2)];
    await pull();
    await owner.query("alter table fsp.service add constraint made_refusal check (name <> 'Unwritable')");
    feed.services = [madeService(1, { name: 'Unwritable' }), madeService(2), madeService(3)];
    const report = await pull();
    await owner.query('alter table fsp.service drop constraint made_refusal');
    expect(rulesOf(report)).toEqual(['1  UNWRITABLE']);
    expect(report).toMatchObject({ created: 1, unchanged: 1, failed: 1, complete: true });
    expect((await live()).length).toBe(3);
  });
  it('with a year 0, halves of characters and null bytes in names: they come in without these', async () => {
    feed.services = [
      madeService(1, {
        last_modified: '0000-01-01T00:00:00Z',
        schedules: [{ id: madeService(9).id, freq: 'WEEKLY', byday: 'MO', dtstart: '0000-01-03', valid_from: '0000-01-01' }],
      }),
      madeService(2, { 'x-\0a': 'b', 'x-\ud800': 'c', name: 'Made\0 service 2' }),
    ];
    expect(await pull()).toMatchObject({ created: 2, failed: 0, complete: true });
  });
  it('whose id, and the one it would have instead, are taken: it has a third', async () => {
    const one = madeService(701);
    const own = uuidOf('service', known.code, String(one.id));
    feed.services = [one, madeService(702)];
    await owner.query(
      'insert into fsp.service (code, name, organisation, kind, data_class, active, public_id, status) select code || $2, name, organisation, kind, data_class, active, $1::uuid, status from fsp.service limit 1',
      [one.id, ':a'],
    );
    await owner.query(
      'insert into fsp.service (code, name, organisation, kind, data_class, active, public_id, status) select code || $2, name, organisation, kind, data_class, active, $1::uuid, status from fsp.service limit 1',
      [own, ':b'],
    );
    expect(await pull()).toMatchObject({ created: 2, failed: 0 });
    const { rows } = await owner.query('select public_id from fsp.service where feed = $1 and source_id = $2', [known.id, one.id]);
    expect([one.id, own]).not.toContain(rows[0].public_id);
  });
  it('an id that another feed has already is published under another', async () => {
    const one = madeService(1);
    feed.services = [one];
    await pull();
    await addFeed(owner, { code: `${known.code}-b`, organisation: 'oxford', url: `${feed.url}/b` });
    const { rows: other } = await owner.query('select id, code, url from fsp.service_feed where code = $1', [`${known.code}-b`]);
    await pullFeed(ask, other[0], options());
    const { rows } = await owner.query(
      'select public_id, document ->> $2 as id from fsp.service s join fsp.service_document d on d.service = s.id where source_id = $1 and s.feed = any ($3)',
      [one.id, 'id', [known.id, other[0].id]],
    );
    expect(rows.length).toBe(2);
    expect(new Set(rows.map(({ public_id: id }) => id)).size).toBe(2);
    for (const row of rows) expect(row.id).toBe(row.public_id);
  });
});

describe('a feed in trouble', () => {
  it('that takes too long as a whole is broken off, and nothing is retired', async () => {
    feed.services = [madeService(1)];
    await pull();
    expect(await pullFeed(ask, known, { ...options(), runSeconds: 0 })).toMatchObject({
      complete: false,
      fault: 'The feed took too long.',
    });
    expect((await live()).length).toBe(1);
  });
  it('that gives everything on one page is not read', async () => {
    feed.instead = (_url, response) => {
      response.end(JSON.stringify({ contents: Array.from({ length: 1_001 }, (_, i) => madeService(i)) }));
      return true;
    };
    expect(await pull()).toMatchObject({ complete: false, services: 0, fault: 'Page 1 has more than 1,000 services.' });
  });
  it('that fails twice is asked a third time', async () => {
    feed.services = [madeService(1)];
    let failures = 2;
    feed.instead = (_url, response) => {
      if (failures-- <= 0) return false;
      response.writeHead(503).end('no');
      return true;
    };
    expect(await pull()).toMatchObject({ created: 1, complete: true });
  });
  it.each([
    ['says nothing', () => {}, 'longer than 1 s'],
    ['answers with a page of HTML', (response: ServerResponse) => response.end('<html>'), 'not JSON'],
    [
      'breaks off in the middle',
      (response: ServerResponse) => {
        response.writeHead(200, { 'content-length': '999' });
        response.write('{"con', () => response.destroy());
      },
      'broken off',
    ],
    ['answers with an error', (response: ServerResponse) => response.writeHead(500).end(), 'answers 500'],
    ['has pages without contents', (response: ServerResponse) => response.end('{"total_items": 3}'), 'has no contents'],
  ] as const)('that %s', async (_name, instead, fault) => {
    feed.services = [madeService(1)];
    await pull();
    feed.instead = (_url, response) => {
      instead(response);
      return true;
    };
    expect(await pull()).toMatchObject({ complete: false, fault: expect.stringContaining(fault) });
    expect((await live()).length).toBe(1);
  });
  it('one of whose records cannot be had: the others come in, and it stays', async () => {
    feed.services = Array.from({ length: 12 }, (_, i) => madeService(i));
    await pull();
    feed.envelope = (page) => ({ ...page, contents: (page.contents as any[]).map(({ schedules: _schedules, ...short }) => short) });
    feed.instead = (url, response) => {
      if (!url.pathname.endsWith(String(ids()[3]))) return false;
      response.writeHead(500).end();
      return true;
    };
    const report = await pull();
    expect(rulesOf(report)).toEqual(['4  UNREADABLE']);
    expect(report).toMatchObject({ failed: 1, complete: true });
    expect((await live()).length).toBe(12);
  });
});

describe('a pull that is stopped', () => {
  it('after any service leaves what it wrote, and the next one ends where an undisturbed one does', async () => {
    feed.services = Array.from({ length: 15 }, (_, i) => madeService(i));
    await pull();
    feed.services = [...feed.services.slice(2), ...Array.from({ length: 5 }, (_, i) => madeService(100 + i))];
    for (let stop = 1; stop <= 12; stop += 3) {
      feed.services[stop] = { ...feed.services[stop], description: `Changed before stop ${stop}.` };
      let writes = 0;
      const broken: Ask = (text, values) => {
        if (text.includes('write_service') && ++writes > stop) throw new Error('stopped');
        return ask(text, values);
      };
      await expect(pull(broken)).rejects.toThrow('stopped');
      // Nothing has gone because of it.
      expect((await live()).length).toBeGreaterThanOrEqual(15);
    }
    expect(await pull()).toMatchObject({ complete: true, failed: 0 });
    expect((await live()).sort()).toEqual(ids().sort());
    expect(await pull()).toMatchObject({ unchanged: feed.services.length });
  });
  it('does not keep another from pulling, but two at once are one too many', async () => {
    feed.services = [madeService(1)];
    const other = await sqlAsOwner(ownerUrl);
    await other.query('select pg_advisory_lock(724634, $1)', [known.id]);
    await expect(pull()).rejects.toThrow('is being pulled already');
    await other.end();
    expect(await pull()).toMatchObject({ created: 1 });
  });
});

describe('an address', () => {
  it.each(['8.8.8.8', '151.101.1.69', '2606:4700::1111'])('%s is public', (address) => expect(isPublic(address)).toBe(true));
  it.each([
    ...[
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...['::1', '::', 'fe80::1', 'fd00::1', '::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:a00:1::', '2001:db8::1', 'ff02::1', 'x'],
  ])('%s is not', (address) => expect(isPublic(address)).toBe(false));
  it.each([
    'http://example.org/',
    'ftp://example.org/',
    'file:///etc/passwd',
    'https://user:secret@example.org/',
    'https://127.0.0.1/',
    'https://[::1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'no address',
  ])('%s is not asked', (address) => expect(() => checkAddress(address, [])).toThrow());
  it('whose name leads inside is not asked either', async () => {
    await expect(fetchJson('https://localhost:1/', { pause: async () => {} })).rejects.toThrow('not a public one');
  });
  it.each(['https://169.254.169.254/latest/meta-data', 'http://127.0.0.1:1/', 'https://localhost:1/', 'file:///etc/passwd'])(
    'a feed that leads to %s is not followed',
    async (location) => {
      feed.instead = (_url, response) => {
        response.writeHead(302, { location }).end();
        return true;
      };
      expect(await pull()).toMatchObject({ complete: false, services: 0, fault: expect.stringMatching(/public|HTTPS/) });
    },
  );
  it('inside the network is asked for the operator, and for nobody else', async () => {
    feed.services = [madeService(1)];
    await owner.query('update fsp.service_feed set by_operator = false where id = $1', [known.id]);
    await expect(pull()).rejects.toThrow(/HTTPS|public/);
    expect(feed.asked).toEqual([]);
    await owner.query('update fsp.service_feed set by_operator = true where id = $1', [known.id]);
    expect(await pull()).toMatchObject({ created: 1 });
  });
  it('that leads on and on is left', async () => {
    feed.instead = (url, response) => {
      response.writeHead(302, { location: `${url.pathname}/on` }).end();
      return true;
    };
    expect(await pull()).toMatchObject({ complete: false, fault: 'The feed leads on and on.' });
  });
});

it('a feed that is only looked at says what is wrong, and writes nothing', async () => {
  feed.services = [madeService(1), madeService(2, { status: 'open' })];
  const report = await checkFeed(feed.url, options());
  expect(report).toMatchObject({ services: 2, unchanged: 1, failed: 1, complete: true });
  expect(rulesOf(report)).toEqual(['2 /status enum']);
  expect(await inDirectory()).toEqual([]);
});
