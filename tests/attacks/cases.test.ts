/** docs/security.md against the code: every limit as it is, every case with the tests that it names. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LIMIT_TABLE } from '../../src/limits.ts';

const page = new URL('../../docs/security.md', import.meta.url);
const text = readFileSync(page, 'utf8');

/** Rows of the table under a heading, cell by cell. */
const rowsUnder = (heading: string): string[][] =>
  (text.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) => line.slice(2, -2).split(' | '));

/** Numbers at the beginning of a file's titles. */
const numbersIn = (file: string): number[] =>
  [...readFileSync(new URL(file, page), 'utf8').matchAll(/^\s*(?:it|test|describe)(?:\.each\(.*\))?\(\s*['"`](\d+) /gm)].map(([, number]) =>
    Number(number),
  );

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

it('the table of limits is the server’s', () => {
  const limits = Object.entries(LIMIT_TABLE).map(([name, { value, unit, why }]) => [
    `\`${name}\``,
    `${value.toLocaleString('en')} ${unit}`,
    why,
  ]);
  expect(rowsUnder('Limits'), 'the table of limits in docs/security.md, beside src/limits.ts').toEqual(limits);
});

describe('the table of cases', () => {
  const cases = rowsUnder('What is tried').map(([number, what, outcome, tests = '']) => ({
    number: Number(number),
    what,
    outcome,
    files: [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, file]) => file as string),
  }));
  it('leaves none out', () => {
    expect(cases.map(({ number }) => number)).toEqual(range(1, 134));
    for (const { number, what, outcome } of cases)
      expect([what, outcome], String(number)).toEqual([expect.stringMatching(/\S/), expect.stringMatching(/\S/)]);
  });
  it('names tests that are there, or says why the case cannot apply', () => {
    for (const { number, outcome, files } of cases) {
      if (files.length === 0) expect(outcome, String(number)).toMatch(/^cannot apply: \S/);
      for (const file of files) expect(numbersIn(file), `${number} in ${file}`).toContain(number);
    }
  });
  it('names every test that there is', () => {
    for (const file of new Set(cases.flatMap(({ files }) => files))) {
      const named = cases.filter(({ files }) => files.includes(file)).map(({ number }) => number);
      expect(
        [...new Set(numbersIn(file))].sort((a, b) => a - b),
        file,
      ).toEqual(named);
    }
  });
});
