/** An id that no row can have is nobody's, whatever the width of its table's key: never a fault of the database. */
import { expect, it } from 'vitest';
import { keyOf } from '../../src/change/visible.ts';
import { BINDINGS } from '../../src/modules/index.ts';
import { tableColumns } from '../../src/read/binding.ts';
import { encodeId } from '../../src/read/ids.ts';

const widths = [...BINDINGS.values()].flatMap(({ type, anchor, id }) => {
  const table = [anchor].flat()[0];
  if (!id || !table || typeof table === 'string') return [];
  return [
    {
      type,
      width:
        tableColumns(table)
          .find(({ name }) => name === id)
          ?.getSQLType() ?? '',
    },
  ];
});
const small = widths.filter(({ width }) => width === 'integer');

it('knows the 32-bit keys', () => {
  expect(small.length).toBeGreaterThan(3);
  for (const { type } of small) {
    expect(keyOf(type, encodeId(type, 2 ** 31 - 1)), type).toBe(2 ** 31 - 1);
    expect(keyOf(type, encodeId(type, 2 ** 31)), type).toBeNull();
  }
});

it('takes every other whole that is exact', () => {
  const exact = widths.filter(({ width }) => width.startsWith('big'));
  expect(exact.length).toBeGreaterThan(30);
  for (const { type } of exact) expect(keyOf(type, encodeId(type, 2 ** 31)), type).toBe(2 ** 31);
});
