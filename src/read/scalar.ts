/** One SQL expression for each scalar, so that a value reads the same wherever it is selected. */
import type { PgColumn } from 'drizzle-orm/pg-core';

/** SQL for a column's value in the JSON answer. */
export function scalarSql(column: PgColumn, alias: string): string {
  return valueSql(column.getSQLType(), `${alias}.${quoted(column.name)}`);
}

/** SQL for a value of an SQL type in the JSON answer. */
export function valueSql(type: string, value: string): string {
  if (type.startsWith('timestamp')) return momentSql(value);
  // 64-bit integers and decimals would lose digits as JSON numbers.
  if (type === 'bigint' || type.startsWith('numeric')) return `${value}::text`;
  return value;
}

/** UTC with milliseconds and `Z`. */
export function momentSql(value: string): string {
  return `to_char(${value} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** A column's name as SQL takes it. */
export function quoted(name: string): string {
  return `"${name}"`;
}
