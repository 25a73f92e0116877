/**
 * `npm run directory:pull`, as the database's owner, once a day: pulls every registered feed of services. `--feed <code>` pulls one;
 * `--url <address>` the one that is registered with this address, and of an address that nobody registered says what is wrong
 * with it, and writes nothing. Exit code 1 where a feed was not read to its end.
 */
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import type { Ask } from '../exchange/open-referral/publish.ts';
import { checkFeed, pullFeed, type Report } from '../exchange/open-referral/pull.ts';
import { command } from './command.ts';
import { commandAsOwner } from './owner.ts';

/** Lines of a report that are printed; the others are in the directory, and counted. */
const PRINTED = 50;

function report(
  name: string,
  { services, pages, created, updated, unchanged, failed, retired, complete, fault, lines }: Report,
  checked: boolean,
): string[] {
  const counts = checked
    ? `${unchanged} right, ${failed} not`
    : `${created} created, ${updated} updated, ${unchanged} unchanged, ${failed} failed, ${retired} retired`;
  const told = lines.flatMap(({ line, sourceId, result, faults }) =>
    faults.map(
      ({ path, rule, message }) =>
        `  ${result === 'FAILED' ? 'failed' : 'left out'}: service ${line}${sourceId ? ` (${sourceId})` : ''} ${path || '/'} [${rule}] ${message}`,
    ),
  );
  return [
    `${name}: ${services} services on ${pages} pages: ${counts}.${complete ? '' : ' Not complete.'}${fault ? ` ${fault}` : ''}`,
    ...told.slice(0, PRINTED),
    ...(told.length > PRINTED ? [`  … and ${told.length - PRINTED} more`] : []),
  ];
}

await command(async () => {
  const { values } = parseArgs({ options: { feed: { type: 'string' }, url: { type: 'string' } } });
  if (values.feed && values.url) throw new Error('Say --feed, or --url.');
  const options = { privateHosts: readConfig(process.env).feedHosts };
  await commandAsOwner(process.env, async (client) => {
    const ask: Ask = async (text, parameters) => (await client.query(text, parameters)).rows[0];
    const { rows: feeds } = await client.query<{ id: number; code: string; url: string }>(
      `select id, code, url from fsp.service_feed
       where enabled and url is not null and ($1::text is null or code = $1) and ($2::text is null or url = $2) order by code`,
      [values.feed ?? null, values.url ?? null],
    );
    if (feeds.length === 0 && values.url) {
      const looked = await checkFeed(values.url, options);
      console.log(report(values.url, looked, true).join('\n'));
      console.log('Nobody registered this address: nothing was written. npm run organisation -- feed add registers it.');
      if (!looked.complete || looked.failed > 0) process.exitCode = 1;
      return;
    }
    if (feeds.length === 0)
      throw new Error(values.feed ? `There is no enabled feed ${values.feed} with an address.` : 'No feed is registered.');
    for (const feed of feeds) {
      try {
        const pulled = await pullFeed(ask, feed, options);
        console.log(report(feed.code, pulled, false).join('\n'));
        if (!pulled.complete) process.exitCode = 1;
      } catch (error) {
        // One feed's trouble is not the next one's, whatever it is.
        console.error(`${feed.code}: ${error instanceof Error ? error.message : String(error)}`);
        process.exitCode = 1;
      }
    }
  });
});
