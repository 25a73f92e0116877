/** Tables as comma-separated values (RFC 4180), safe to open in a spreadsheet. */
import { csvLine, sheetText } from '../exchange/csv.ts';

const NUMBER = /^-?\d+(\.\d+)?$/;

/** A value as a cell: items of a list with a space between; a text that would be a formula behind an apostrophe. */
function cell(value: unknown): string | number | boolean | null {
  if (Array.isArray(value)) return cell(value.join(' '));
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const text = String(value);
  return NUMBER.test(text) ? text : sheetText(text);
}

/** Rows without a heading: those of a later page. */
export const csvRows = (columns: readonly string[], rows: readonly Record<string, unknown>[]): string =>
  rows.map((row) => csvLine(columns.map((name) => cell(row[name])))).join('');

/** A table: the names of its columns, then its rows. */
export const csv = (columns: readonly string[], rows: readonly Record<string, unknown>[]): string =>
  csvLine(columns.map(cell)) + csvRows(columns, rows);
