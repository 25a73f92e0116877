/** `npm run bench`: measures the platform beside its peers and prints a table. Everything is on this machine; it stops by itself. */
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hiddenReport, measureHidden } from './hidden.ts';
import { limitsReport, measureLimits } from './limits.ts';
import { readOptions } from './options.ts';
import { measureRecord, recordReport } from './record.ts';
import { resultsTable, targets, targetsTable } from './report.ts';
import { measureSize, type Result } from './size.ts';

const here = path.dirname(fileURLToPath(import.meta.url));
const options = readOptions(process.argv.slice(2), path.join(here, '.data'));
const say = (line: string) => console.log(line);

const started = Date.now();
const day = new Date().toISOString().slice(0, 10);
const machine = `${day}, ${os.availableParallelism()} cores, Node.js ${process.versions.node}`;

/** Prints a report and keeps it. */
function hand(report: string, name: string): void {
  mkdirSync(path.join(here, 'results'), { recursive: true });
  writeFileSync(path.join(here, 'results', name), report);
  console.log(`\n${report}\n${Math.round((Date.now() - started) / 1000)} s in all; this report is in bench/results/${name}`);
}

if (options.hidden) {
  const measured = await measureHidden(options.folder, options.sizes[0] as number, say);
  hand(`${machine}. ${hiddenReport(measured)}\n`, 'hidden.md');
} else if (options.record) {
  const measured = await measureRecord(options.folder, options.sizes[0] as number, say, options.decisions);
  hand(`${machine}. ${recordReport(measured)}\n`, 'record.md');
} else if (options.limits) {
  const measured = await measureLimits(options.folder, options.sizes[0] as number, say);
  hand(`${machine}. ${limitsReport(measured)}\n`, 'limits.md');
} else {
  const results: Result[] = [];
  for (const families of options.sizes) results.push(...(await measureSize(families, options, say)));
  const arm = options.decisions ? ' Decisions and protected whereabouts on every tenth family.' : '';
  const head = `${machine}, ${options.rounds} rounds of ${options.seconds} s each; medians of the rounds.${arm}`;
  hand(`${head}\n\n${resultsTable(results)}\n\n${targetsTable(targets(results))}\n`, `${options.decisions ? 'decisions' : 'last'}.md`);
  writeFileSync(path.join(here, 'results', `${options.decisions ? 'decisions' : 'last'}.json`), JSON.stringify(results, null, 1));
}
