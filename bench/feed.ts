/**
 * `npm --prefix bench run feed`: the whole Workbook as lines, 200,000 entries of it, over a socket: how many a second, and how much memory
 * the server has at the tenths of the way.
 */
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { withOwnServer } from './own-server.ts';

const ENTRIES = Number(process.argv[2] ?? 200_000);

/** Entries of 600 characters, in the families that are open to the county's daily work. */
const MAKE = `
  with open as (
    select id, controller, row_number() over (order by id) - 1 as i, count(*) over () as n from fsp.family where not restricted
  )
  insert into fsp.workbook_entry (family, controller, module, discipline, session_type, occurred_at, author, narrative)
  select o.id, o.controller, 'Engagement', 'social-work', 'home-visit', now(), 'A. Writer', repeat('She came, and said how it was. ', 20)
  from generate_series(1, $1) g join open o on o.i = g % o.n`;

const fill = async (owner: pg.Client) => {
  await owner.query(MAKE, [ENTRIES]);
  await owner.query('vacuum analyze');
};

await withOwnServer('feed', fill, async (server, issuer) => {
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.app.server.address() as AddressInfo;
  const token = await issuer.sign({ clientId: 'occ-record-system', organisation: 'occ', scopes: ['family:read'], user: null });
  const response = await fetch(`http://127.0.0.1:${port}/operations/workbook-changes`, {
    headers: { authorization: `Bearer ${token}`, 'x-purpose-of-use': 'RECORD_SYNC', accept: 'application/x-ndjson' },
  });
  if (!response.ok || !response.body) throw new Error(await response.text());
  const since = performance.now();
  const rows: string[] = [];
  let lines = 0;
  let bytes = 0;
  let last = '';
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    const text = Buffer.from(part).toString('utf8');
    bytes += part.length;
    lines += text.split('\n').length - 1;
    last = `${last}${text}`.slice(-200);
    if (lines >= ((rows.length + 1) * ENTRIES) / 10) {
      const { heapUsed, rss } = process.memoryUsage();
      const seconds = (performance.now() - since) / 1000;
      rows.push(
        `| ${lines} | ${seconds.toFixed(1)} | ${(bytes / 2 ** 20).toFixed(0)} | ${(heapUsed / 2 ** 20).toFixed(0)} | ${(rss / 2 ** 20).toFixed(0)} |`,
      );
      console.log(rows.at(-1));
    }
  }
  if (!/"end":true/.test(last)) throw new Error(`It broke off: ${last}`);
  console.log(`\n${lines} lines\n\n| lines | s | MB sent | heap MB | resident MB |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}`);
});
