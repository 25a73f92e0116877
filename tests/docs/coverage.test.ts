/** docs/coverage.md: every item once, and what it names is there: in the schema, among the codes and rules, in the tests. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isEnumType, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { productSchema } from '../../src/server.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const { schema } = productSchema();

type Row = { item: number; what: string; where: string; tests: string };

const rows: Row[] = read('docs/coverage.md')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))
  .map((line) => {
    const [item, what, where, tests] = line.split('|').slice(1, -1) as [string, string, string, string];
    return { item: Number(item), what: what.trim(), where: where.trim(), tests: tests.trim() };
  });

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Apostrophes of whichever kind. */
const plain = (text: string) => text.replaceAll("\\'", "'").replaceAll('’', "'");

/** Words in backticks that name a field, as `Type.field`, a type, or a root. */
const named = (text: string) =>
  [...text.matchAll(/`([^`]+)`/g)].flatMap(([, inside]) => (inside as string).match(/\b[A-Z][A-Za-z0-9]+\.[a-z][A-Za-z]+\b/g) ?? []);

describe('docs/coverage.md', () => {
  it('has each item of the sections once', () => {
    expect(rows.map(({ item }) => item)).toEqual([...range(1, 140), 147]);
  });
  it.each(rows.map((row) => [row.item, row] as const))('%s: what it names is there', (_item, { where, tests }) => {
    for (const name of named(where)) {
      const [type, field] = name.split('.') as [string, string];
      const found = schema.getType(type);
      const fields = isObjectType(found) || isInterfaceType(found) ? Object.keys(found.getFields()) : [];
      expect(fields, name).toContain(field);
    }
    for (const [, file] of where.matchAll(/`(reference\/[^`]+)`/g))
      expect(existsSync(path.join(root, (file as string).replace('<authority>', 'oxfordshire'))), file).toBe(true);
    if (tests === '–') {
      // What no test names says why it is not here.
      expect(where).toMatch(/not here|not held|not built yet|not a noun|not a record/);
      return;
    }
    const named_ = [...tests.matchAll(/`(tests\/[^`]+\.test\.ts)`(?: › ([^;]+))?/g)];
    expect(named_.length).toBeGreaterThan(0);
    for (const [, file, words] of named_) {
      expect(existsSync(path.join(root, file as string)), file).toBe(true);
      if (words) expect(plain(read(file as string)).includes(plain(words.trim())), `${file}: ${words}`).toBe(true);
    }
  });
  it('names every module’s tests', () => {
    const text = read('docs/coverage.md');
    const modules = readdirSync(path.join(root, 'tests/modules'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of modules) if (name !== 'clock') expect(text, name).toContain(`tests/modules/${name}/`);
  });
  it('speaks of enums that the schema has', () => {
    for (const [, name] of read('docs/coverage.md').matchAll(/enum `([A-Za-z]+)`/g))
      expect(isEnumType(schema.getType(name as string)), name).toBe(true);
  });
});
