/**
 * `npm run agreement:simulate` prints what a change opens and closes, field by field, and what becomes of each published document.
 * `--against <git ref or file>` compares this copy's agreement and schema with the matrix that stood there; `--change
 * CLASS:AGENCY=LEVEL` (as often as wanted) tries a cell without editing the agreement. `--fail-on-opening`: exit code 2 when something opens.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AGREEMENT, type Level } from '../access/agreement.ts';
import { LEVEL_NAME } from '../access/describe.ts';
import { type MatrixRow, matrixRows, parseMatrix } from '../access/matrix.ts';
import { type CellChange, changedLevels, changeWords, documentChanges, fieldChanges, publishedDocuments } from '../access/simulate.ts';
import { productSchema } from '../server.ts';
import { agencyNamed, command } from './command.ts';

const PAGE = 'docs/sharing-matrix.md';
const LEVELS = Object.keys(LEVEL_NAME) as Level[];

/** The matrix of a file, or of a commit, branch or tag. @throws when it is neither */
function matrixAt(against: string): MatrixRow[] {
  const text = existsSync(against) ? readFileSync(against, 'utf8') : shownBy(against);
  const rows = parseMatrix(text);
  if (rows.length === 0) throw new Error(`${against} holds no sharing matrix.`);
  return rows;
}

function shownBy(ref: string): string {
  // A ref that begins like an option would be one.
  if (!/^[A-Za-z0-9_][\w./~^@{}-]*$/.test(ref)) throw new Error(`${ref} is neither a file nor the name of a commit.`);
  try {
    return execFileSync('git', ['show', `${ref}:${PAGE}`], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    throw new Error(`${ref} is neither a file nor a commit that has ${PAGE}.`);
  }
}

/** `CASE:POLICE=N` */
function cellOf(text: string): CellChange {
  const [, name = '', agency = '', level = ''] = /^([A-Z_]+):([A-Z]+)=([A-Z/]+)$/i.exec(text) ?? [];
  const dataClass = Object.keys(AGREEMENT).find((known) => known === name.toUpperCase());
  const found = LEVELS.find((known) => known === level.toUpperCase());
  if (!dataClass || !found)
    throw new Error(
      `${text} is no change: write it as CASE:POLICE=N. Levels are ${LEVELS.join(', ')}; classes ${Object.keys(AGREEMENT).join(', ')}.`,
    );
  return { class: dataClass as CellChange['class'], agency: agencyNamed(agency), level: found };
}

await command(async () => {
  const { values } = parseArgs({
    options: {
      against: { type: 'string' },
      change: { type: 'string', multiple: true },
      'fail-on-opening': { type: 'boolean' },
    },
  });
  if (values.against === undefined && values.change === undefined)
    throw new Error('Say what to compare with: --against <git ref or file>, --change CLASS:AGENCY=LEVEL, or both.');
  const { schema, classes } = productSchema();
  const now = matrixRows(schema, classes);
  const before = values.against === undefined ? now : matrixAt(values.against);
  const after = values.change === undefined ? now : matrixRows(schema, classes, changedLevels(values.change.map(cellOf)));
  const fields = fieldChanges(before, after);
  process.stdout.write(changeWords(fields, documentChanges(schema, publishedDocuments(), fields)));
  if (values['fail-on-opening'] && fields.some(({ direction }) => direction === 'OPENS')) process.exitCode = 2;
});
