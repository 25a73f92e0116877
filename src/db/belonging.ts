/** How rows of one table belong to those of another: what is nothing without the row that it names. */
import { getTableConfig } from 'drizzle-orm/pg-core';
import type { TableClass } from './classified.ts';

/** The column by which rows of one table belong to those of another. One that may be empty only refers to them. */
export function keyTo(part: TableClass, whole: TableClass): string | undefined {
  for (const foreign of getTableConfig(part.table).foreignKeys) {
    const { columns, foreignColumns, foreignTable } = foreign.reference();
    const column = columns[foreignColumns.findIndex(({ name }) => name === 'id')];
    if (foreignTable === whole.table && column && (column.notNull || column.primary)) return column.name;
  }
  return undefined;
}

export const ownKey = ({ table }: TableClass): string => getTableConfig(table).columns.find(({ primary }) => primary)?.name ?? 'id';
export const hasId = ({ table }: TableClass): boolean => getTableConfig(table).columns.some(({ name }) => name === 'id');
