/** Writes the Standard Safeguarding Dataset and the lists of Annex A, a family at a time, as files of comma-separated values. */
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readdirSync, renameSync, rmSync, type WriteStream } from 'node:fs';
import path from 'node:path';
import { csvLine, sheetText } from '../csv.ts';
import type { AskAs } from '../record-system.ts';
import { ANNEX_A, annexA } from './annex-a.ts';
import { readFamilies } from './read.ts';
import { type Export, familyRows, type Row, type Value } from './rows.ts';
import { SSD_FIELDS } from './spec.ts';

export type Exported = {
  families: number;
  /** Rows by file. */
  rows: Map<string, number>;
  /** Codes that were none on their day, and were left out. */
  odd: string[];
  /** Fields that the asker may not read, and that are empty. */
  refused: string[];
};

/**
 * A spreadsheet takes a text that begins so for a formula. The lists of Annex A are opened by people, so theirs begin with an apostrophe; the
 * dataset's files are read by programs, and their values stand as they are.
 */
export const forPeople = (value: Value): Value => (typeof value === 'string' ? sheetText(value) : value);

/**
 * Writes the files. A file has its name when it is whole: what is broken off leaves parts, which the next export writes anew.
 *
 * @param folder new, or with nothing but an earlier export's files in it.
 * @param system whose ids stand for families and persons, where it knows them.
 * @param day ISO date: codes of persons are those of this day, and so are ages.
 */
export async function exportDataset(ask: AskAs, folder: string, system: string, day: string): Promise<Exported> {
  const files = new Map<string, readonly string[]>([...SSD_FIELDS, ...Object.entries(ANNEX_A)]);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const others = readdirSync(folder).filter((name) => !files.has(name.replace(/\.csv(\.part)?$/, '')));
  if (others.length > 0) throw new Error(`${folder} has other files in it (${others[0]}): say a folder of its own.`);
  const exported: Exported = { families: 0, rows: new Map([...files.keys()].map((name) => [name, 0])), odd: [], refused: [] };
  const open = new Map<string, WriteStream>();
  let failed: Error | null = null;
  const at = (name: string) => path.join(folder, `${name}.csv`);
  try {
    for (const [name, fields] of files) {
      // An earlier export's part goes, and a link is not followed: what is written is a new file, for its owner alone.
      rmSync(`${at(name)}.part`, { force: true });
      const stream = createWriteStream(`${at(name)}.part`, { mode: 0o600, flags: 'wx' });
      stream.on('error', (error) => {
        failed ??= error;
      });
      stream.write(csvLine(fields));
      open.set(name, stream);
    }
    const lines = (name: string, values: readonly Value[]) => {
      exported.rows.set(name, (exported.rows.get(name) ?? 0) + 1);
      open.get(name)?.write(csvLine(values));
    };
    /** Rows of the family that is being written, by table. */
    let rows = new Map<string, Row[]>();
    const persons = new Map<string, Row>();
    const to: Export = {
      system,
      day,
      persons: new Set(),
      professionals: new Map(),
      departments: new Set(),
      put(table, row) {
        const fields = SSD_FIELDS.get(table) ?? [];
        const unknown = Object.keys(row).find((field) => !fields.includes(field));
        if (unknown) throw new Error(`${table} has no field ${unknown}.`);
        rows.set(table, [...(rows.get(table) ?? []), row]);
        lines(
          table,
          fields.map((field) => row[field] ?? null),
        );
      },
      odd: (table, field, id, code, on) => exported.odd.push(`${table} ${id} ${field}: ${code} was no code on ${on}; it is left out.`),
    };
    for await (const family of readFamilies(ask, (field) => exported.refused.push(field))) {
      if (failed) throw failed;
      rows = new Map();
      familyRows(family, to);
      for (const row of rows.get('ssd_person') ?? []) persons.set(String(row.pers_person_id), row);
      annexA(rows, { persons, professionals: to.professionals }, day, (list, values) => lines(list, values.map(forPeople)));
      exported.families++;
      for (const stream of open.values()) if (stream.writableNeedDrain) await once(stream, 'drain');
    }
  } finally {
    await Promise.all([...open.values()].map((stream) => new Promise((resolve) => stream.end(resolve))));
  }
  if (failed) throw failed;
  for (const name of files.keys()) renameSync(`${at(name)}.part`, at(name));
  return exported;
}
