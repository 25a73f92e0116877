/**
 * `npm run import:cin -- --file census.xml`: the children of a Children in Need census come in as families, with what happened to them. What
 * is wrong with a child is said by line, path and rule, and the rest of it taken. `--system` names the record system whose ids the census has
 * (`liquidlogic`, as for `import:workbook` and `export:ssd`), `--client` the application that asks. Exit code 1 where a child failed or the file broke off. Safe to stop and run again.
 */
import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { importCensus } from '../exchange/cin-census/import.ts';
import { RECORD_SYSTEM } from '../exchange/record-system.ts';
import { commandAsClient } from './asking.ts';
import { command } from './command.ts';

await command(async () => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ options: { file: text, client: text, system: text } });
  const { file } = values;
  if (!file) throw new Error('Say which file: --file census.xml');
  const counts = { CREATED: 0, UPDATED: 0, UNCHANGED: 0, FAILED: 0 };
  try {
    await commandAsClient(process.env, { client: values.client, purpose: 'RECORD_SYNC' }, (ask) =>
      importCensus(ask, createReadStream(file, 'utf8'), values.system ?? RECORD_SYSTEM, ({ line, id, result, faults }) => {
        counts[result]++;
        console.log(`line ${line} ${id ?? 'a child without an id'}: ${result.toLowerCase()}`);
        for (const fault of faults) console.log(`  line ${fault.line} ${fault.path || '/'} [${fault.rule}] ${fault.message}`);
      }),
    );
  } finally {
    const { CREATED, UPDATED, UNCHANGED, FAILED } = counts;
    console.log(`${CREATED} created, ${UPDATED} updated, ${UNCHANGED} unchanged, ${FAILED} failed.`);
    if (FAILED > 0) process.exitCode = 1;
  }
});
