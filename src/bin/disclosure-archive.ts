/**
 * `npm run disclosure:archive -- --month 2026-05 --to <folder>` writes a month of the disclosure record to a file, proves
 * the file by reading it back, and drops the month from the database. Not the month that it is.
 */
import { parseArgs } from 'node:util';
import { archiveMonth } from '../disclosure/archive.ts';
import { command } from './command.ts';
import { commandAsOwner } from './owner.ts';

const USAGE = 'Say which month, and where to: --month 2026-05 --to <folder>.';

await command(async () => {
  const { values } = parseArgs({ options: { month: { type: 'string' }, to: { type: 'string' } } });
  const { month, to } = values;
  if (month === undefined || to === undefined || !/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) throw new Error(USAGE);
  await commandAsOwner(process.env, async (client) => {
    const { file, chains, batches, records } = await archiveMonth(client, `${month}-01`, to);
    console.log(`${file} holds ${records} records in ${batches} batches of ${chains} chains; the database no longer does.`);
  });
});
