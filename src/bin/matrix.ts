/**
 * `npm run matrix` writes `docs/sharing-matrix.md` and prints what the change opens and closes, and which published
 * documents it blinds for whom. `--check` writes nothing and fails if the page is not what would be written.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parse } from 'graphql';
import { blindedDocuments, inputGaps, matrixChanges, matrixMarkdown, matrixRows, parseMatrix } from '../access/matrix.ts';
import { productSchema } from '../server.ts';
import { command } from './command.ts';

const page = new URL('../../docs/sharing-matrix.md', import.meta.url);
const operations = new URL('../../operations/', import.meta.url);

const list = (head: string, lines: string[]) => (lines.length > 0 ? `${head}\n${lines.map((line) => `  ${line}`).join('\n')}\n` : '');

await command(async () => {
  const { values } = parseArgs({ options: { check: { type: 'boolean' } } });
  const { schema, classes } = productSchema();
  const rows = matrixRows(schema, classes);
  const text = matrixMarkdown(rows);
  const committed = existsSync(page) ? readFileSync(page, 'utf8') : '';
  if (text === committed) {
    console.log('docs/sharing-matrix.md is what the schema and the agreement say.');
    return;
  }
  const before = parseMatrix(committed);
  if (before.length > 0) {
    const documents = new Map(
      readdirSync(operations)
        .filter((file) => file.endsWith('.graphql'))
        .sort()
        .map((file) => [`operations/${file}`, parse(readFileSync(new URL(file, operations), 'utf8'))] as const),
    );
    const changes = matrixChanges(before, rows);
    const words =
      list('The change opens and closes:', changes) +
      list('Of these inputs some may send less than the command:', inputGaps(schema, before, rows)) +
      list('It blinds these documents:', blindedDocuments(schema, documents, before, rows));
    process.stdout.write(words || 'No field opens or closes; the page’s other words change.\n');
  }
  if (values.check)
    throw new Error('docs/sharing-matrix.md is not what the schema and the agreement say: run "npm run matrix" and read what it prints.');
  writeFileSync(page, text);
  console.log('docs/sharing-matrix.md is written.');
});
