/** What another agreement, or another schema, would open and close: field by field, and for each published document and agency. */
import { readdirSync, readFileSync } from 'node:fs';
import { type DocumentNode, type GraphQLSchema, parse } from 'graphql';
import { type Level, levelOf } from './agreement.ts';
import { AGENCIES, type Agency, type DataClass } from './classes.ts';
import { askedBy, type Cell, type MatrixRow, NOWHERE, WIDTH } from './matrix.ts';
import type { Levels } from './view.ts';

export type Direction = 'OPENS' | 'CLOSES' | 'CHANGES';

export type FieldChange = { name: string; class: DataClass; agency: Agency; before: Cell; after: Cell; direction: Direction };

export type DocumentChange = { document: string; agency: Agency; opens: string[]; narrows: string[]; blinds: string[] };

/** One cell of the agreement as it might be. */
export type CellChange = { class: Exclude<DataClass, 'STRUCTURE'>; agency: Agency; level: Level };

/** The agreement's levels with these changed. */
export function changedLevels(changes: readonly CellChange[]): Levels {
  const changed = new Map(changes.map((change) => [`${change.class} ${change.agency}`, change.level]));
  return (dataClass, agency) => changed.get(`${dataClass} ${agency}`) ?? levelOf(dataClass, agency);
}

const directionOf = (before: Cell, after: Cell): Direction =>
  WIDTH[after] > WIDTH[before] ? 'OPENS' : WIDTH[after] < WIDTH[before] ? 'CLOSES' : 'CHANGES';

/** Every cell of the matrix that is another than before, in the matrix's order; what is gone comes last. */
export function fieldChanges(before: MatrixRow[], after: MatrixRow[]): FieldChange[] {
  const old = new Map(before.map((row) => [row.name, row]));
  const now = new Map(after.map((row) => [row.name, row]));
  return [...new Set([...now.keys(), ...old.keys()])].flatMap((name) => {
    const [was, is] = [old.get(name), now.get(name)];
    return AGENCIES.flatMap((agency): FieldChange[] => {
      const [from, to] = [(was?.cells ?? NOWHERE)[agency], (is?.cells ?? NOWHERE)[agency]];
      if (from === to) return [];
      return [{ name, class: (is ?? (was as MatrixRow)).dataClass, agency, before: from, after: to, direction: directionOf(from, to) }];
    });
  });
}

/** What each published document is given more and less of, and loses, by agency; documents of which nothing changes are left out. */
export function documentChanges(
  schema: GraphQLSchema,
  documents: ReadonlyMap<string, DocumentNode>,
  changes: readonly FieldChange[],
): DocumentChange[] {
  return [...documents].flatMap(([document, node]) => {
    const names = askedBy(schema, node);
    return AGENCIES.flatMap((agency): DocumentChange[] => {
      const here = changes.filter((change) => change.agency === agency && names.has(change.name));
      const named = (test: (change: FieldChange) => boolean) => here.filter(test).map(({ name }) => name);
      const opens = named(({ direction }) => direction === 'OPENS');
      const blinds = named(({ after }) => after === 'N');
      const narrows = named(({ after, direction }) => after !== 'N' && direction !== 'OPENS');
      return here.length > 0 ? [{ document, agency, opens, narrows, blinds }] : [];
    });
  });
}

/** The published documents, by the names of their files. */
export function publishedDocuments(): Map<string, DocumentNode> {
  const folder = new URL('../../operations/', import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith('.graphql'));
  return new Map(files.sort().map((file) => [`operations/${file}`, parse(readFileSync(new URL(file, folder), 'utf8'))]));
}

/** The changes in words, for a terminal and a pull request. */
export function changeWords(fields: FieldChange[], documents: DocumentChange[]): string {
  const cell = ({ name, agency, before, after }: FieldChange) => `  ${name} for ${agency} (${before} → ${after})`;
  const part = (head: string, direction: Direction) => {
    const lines = fields.filter((change) => change.direction === direction).map(cell);
    return lines.length > 0 ? [`${head}: ${lines.length}`, ...lines] : [];
  };
  const list = (words: string, names: string[]) => (names.length > 0 ? [`    ${words}: ${names.join(', ')}`] : []);
  return [
    ...part('Opens', 'OPENS'),
    ...part('Closes', 'CLOSES'),
    ...part('Changes', 'CHANGES'),
    ...(documents.length > 0 ? ['Published documents:'] : []),
    ...documents.flatMap(({ document, agency, opens, narrows, blinds }) => [
      `  ${document} for ${agency}`,
      ...list('is given more of', opens),
      ...list('is given less of', narrows),
      ...list('goes blind to', blinds),
    ]),
    ...(fields.length === 0 ? ['Nothing opens and nothing closes.'] : []),
    '',
  ].join('\n');
}
