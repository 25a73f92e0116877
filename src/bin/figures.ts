/**
 * `npm run figures`, as the database's owner, once a night: counts the outcome framework's figures anew. `--reported`, every few minutes:
 * only those of which something was reported or corrected since. `--since 2019-04-01` counts everything from the year of that day on. `--edition` makes an edition of the
 * quarters that are over as well: what everybody but the county's analysts reads. Once after each quarter is enough.
 */
import { parseArgs } from 'node:util';
import { countFigures } from '../outcome/count.ts';
import { publishEdition, quarterBefore } from '../outcome/edition.ts';
import { command } from './command.ts';
import { commandAsOwner } from './owner.ts';

await command(async () => {
  const { values } = parseArgs({
    options: { since: { type: 'string' }, reported: { type: 'boolean', default: false }, edition: { type: 'boolean', default: false } },
  });
  if (values.since !== undefined && !/^\d{4}-\d\d-\d\d$/.test(values.since)) throw new Error('--since is a day, as 2019-04-01.');
  await commandAsOwner(process.env, async (client) => {
    // Two runs at once would wait for each other's rows; this one waits for the other's end.
    await client.query("select pg_advisory_lock(hashtext('fsp.figures'))");
    const today = new Date().toISOString().slice(0, 10);
    const { years, figures } = await countFigures(client, today, { since: values.since ?? null, reported: values.reported });
    console.log(`Counted ${figures} figures in ${years} years of indicators.`);
    if (!values.edition) return;
    const made = await publishEdition(client, quarterBefore(today));
    console.log(`Edition ${made.edition}, as at ${made.asAt}: ${made.cells} figures, ${made.withheld} of them withheld.`);
  });
});
