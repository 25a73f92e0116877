/**
 * `npm run import:workbook -- --file answers.csv [--since "2026-10-25T00:30"]`: answers of LiquidLogic forms come into the Workbook, by the
 * authority's map (`reference/<authority>/liquidlogic-workbook.json`, or `--map`). `--system` names the record system (`liquidlogic`), `--client` the
 * application that asks. Says of each form what could not be read or written, and from where the next pull goes on. Exit code 1 where
 * anything failed. Safe to stop and run again.
 */
import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { readConfig } from '../config.ts';
import { readCsv } from '../exchange/csv.ts';
import { readForms } from '../exchange/liquidlogic/forms.ts';
import { mapOf, readMap } from '../exchange/liquidlogic/map.ts';
import { pushAll, RECORD_SYSTEM } from '../exchange/record-system.ts';
import { commandAsClient } from './asking.ts';
import { command } from './command.ts';

await command(async () => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { file: text, map: text, since: text, client: text, system: text } });
  if (!values.file) throw new Error('Say which file: --file answers.csv');
  const map = readMap(values.map ?? mapOf(readConfig(process.env).authority));
  const rows = readCsv(createReadStream(values.file, 'utf8'));
  const { entries, faults, forms, passedOver, mark } = await readForms(rows, map, values.since ?? null);
  const counts = { CREATED: 0, UPDATED: 0, UNCHANGED: 0, FAILED: 0 };
  const said = faults.map(({ form, path, rule, message }) => `  form ${form} ${path} [${rule}] ${message}`);
  let last = 0;
  let whole = false;
  try {
    await commandAsClient(process.env, { client: values.client, purpose: 'RECORD_SYNC' }, (ask) =>
      pushAll(ask, 'upsertWorkbookEntries', 'entries', values.system ?? RECORD_SYSTEM, entries, (lines) => {
        for (const { line, sourceId, result, path, rule, message } of lines) {
          if (line !== last) counts[result]++;
          last = line;
          if (message) said.push(`  ${result === 'FAILED' ? 'failed' : 'said of'} ${sourceId} ${path || '/'} [${rule}] ${message}`);
        }
      }),
    );
    whole = true;
  } finally {
    const { CREATED, UPDATED, UNCHANGED, FAILED } = counts;
    console.log(
      `${forms} forms, ${passedOver} passed over: ${CREATED} created, ${UPDATED} updated, ${UNCHANGED} unchanged, ${FAILED} failed.`,
    );
    if (said.length > 0) console.log(said.join('\n'));
    // What was not asked, or failed, is behind the mark: it comes again from where this pull began.
    if (whole && FAILED > 0) console.log(`What failed comes again ${values.since ? `with --since ${values.since}` : 'without --since'}.`);
    if (whole && mark) console.log(`Go on with --since ${mark}`);
    if (FAILED > 0 || faults.length > 0) process.exitCode = 1;
  }
});
