/**
 * `npm run export:ssd -- --out <folder>`: the Standard Safeguarding Dataset, and the lists of Ofsted's Annex A from it, as the county's record
 * system reads the record (`RECORD_SYNC`): rules, limits and disclosure record are those of every application. `--system` names the record
 * system whose ids stand for families and persons (`liquidlogic`), `--client` the application that asks.
 */
import { parseArgs } from 'node:util';
import { RECORD_SYSTEM } from '../exchange/record-system.ts';
import { exportDataset } from '../exchange/ssd/export.ts';
import { today } from '../modules/clock/calendar.ts';
import { commandAsClient } from './asking.ts';
import { command } from './command.ts';

await command(async () => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { out: text, client: text, system: text } });
  const { out } = values;
  if (!out) throw new Error('Say where to: --out <folder>');
  const { families, rows, odd, refused } = await commandAsClient(process.env, { client: values.client, purpose: 'RECORD_SYNC' }, (ask) =>
    exportDataset(ask, out, values.system ?? RECORD_SYSTEM, today(new Date())),
  );
  const filled = [...rows].filter(([, count]) => count > 0);
  console.log(`${families} families: ${rows.size} files in ${out}, ${filled.length} of them with rows.`);
  for (const [name, count] of filled) console.log(`  ${name}.csv ${count}`);
  for (const field of refused) console.log(`Not shared with this application, and empty: ${field}`);
  for (const words of odd) console.error(words);
});
