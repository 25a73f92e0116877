/** The tables and fields of the Standard Safeguarding Dataset, in their order: `reference/england/ssd/fields.csv`. */
import { readFileSync } from 'node:fs';

/** Fields by table. */
export const SSD_FIELDS: ReadonlyMap<string, readonly string[]> = (() => {
  const [, ...lines] = readFileSync(new URL('../../../reference/england/ssd/fields.csv', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const tables = new Map<string, string[]>();
  for (const line of lines) {
    const [table, , field] = line.split(',') as [string, string, string];
    tables.set(table, [...(tables.get(table) ?? []), field]);
  }
  return tables;
})();
