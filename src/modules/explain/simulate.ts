/** What a change of the agreement would open and close. Nothing is changed by asking. */
import { AGREEMENT_VERSION } from '../../access/agreement.ts';
import type { Agency, DataClass } from '../../access/classes.ts';
import { levelNamed } from '../../access/describe.ts';
import { matrixRows } from '../../access/matrix.ts';
import { type CellChange, changedLevels, documentChanges, fieldChanges, publishedDocuments } from '../../access/simulate.ts';
import { PublicError } from '../../errors.ts';
import type { Catalogue } from './verdict.ts';

export type LevelChange = { class: DataClass; agency: Agency; level: string };

let documents: ReturnType<typeof publishedDocuments> | null = null;

/** @throws PublicError BAD_USER_INPUT for STRUCTURE, which has no row in the agreement, and for a cell that is changed twice. */
export function simulate({ schema, classes }: Catalogue, changes: readonly LevelChange[]) {
  const cells = changes.map(({ class: dataClass, agency, level }): CellChange => {
    if (dataClass === 'STRUCTURE') throw new PublicError('BAD_USER_INPUT', 'STRUCTURE is as visible as the object; it has no level.');
    return { class: dataClass, agency, level: levelNamed(level) };
  });
  if (new Set(cells.map((cell) => `${cell.class} ${cell.agency}`)).size < cells.length)
    throw new PublicError('BAD_USER_INPUT', 'Each cell of the agreement can be changed once.');
  documents ??= publishedDocuments();
  const fields = fieldChanges(matrixRows(schema, classes), matrixRows(schema, classes, changedLevels(cells)));
  const count = (direction: string) => fields.filter((change) => change.direction === direction).length;
  return {
    agreementVersion: AGREEMENT_VERSION,
    opens: count('OPENS'),
    closes: count('CLOSES'),
    fields,
    documents: documentChanges(schema, documents, fields),
  };
}
