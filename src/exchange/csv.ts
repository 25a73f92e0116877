/** Comma-separated values (RFC 4180), a record at a time. */

/** A table that is none: a quote that does not end, a row of another width, a field beyond all measure. */
export class CsvError extends Error {}

/** The longest field: what is longer is a quote that was never closed. */
const LONGEST_FIELD = 1_000_000;

/**
 * Reads records, each by the names of the first line. A byte order mark is passed over; lines end as they will.
 *
 * @throws CsvError naming the line.
 */
export async function* readCsv(chunks: AsyncIterable<string>): AsyncGenerator<Record<string, string>> {
  let names: string[] | null = null;
  for await (const { line, fields } of records(chunks)) {
    if (!names) {
      names = fields.map((name) => name.trim());
      continue;
    }
    if (fields.length === 1 && fields[0] === '') continue;
    if (fields.length !== names.length) throw new CsvError(`Line ${line} has ${fields.length} fields; the first has ${names.length}.`);
    yield Object.fromEntries(names.map((name, i) => [name, fields[i] as string]));
  }
}

async function* records(chunks: AsyncIterable<string>): AsyncGenerator<{ line: number; fields: string[] }> {
  let fields: string[] = [];
  let field = '';
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  let line = 1;
  let begins = 1;
  let first = true;
  let afterReturn = false;
  const end = () => {
    fields.push(field);
    field = '';
    state = 'start';
  };
  for await (const chunk of chunks) {
    for (const letter of first ? chunk.replace(/^\uFEFF/, '') : chunk) {
      first = false;
      const newLine = letter === '\n' || letter === '\r';
      const isPair = letter === '\n' && afterReturn;
      afterReturn = letter === '\r';
      if (newLine && !isPair) line++;
      if (state === 'quoted') {
        if (letter === '"') state = 'closed';
        else field += letter;
      } else if (isPair && state === 'start' && fields.length === 0) {
        // The line ended at its carriage return.
      } else if (letter === '"' && state === 'closed') {
        field += '"';
        state = 'quoted';
      } else if (letter === '"' && state === 'start') state = 'quoted';
      else if (letter === ',') end();
      else if (newLine) {
        end();
        yield { line: begins, fields };
        fields = [];
        begins = line;
      } else if (state === 'closed') throw new CsvError(`Line ${line}: something stands behind a closing quote.`);
      else {
        field += letter;
        state = 'plain';
      }
      if (field.length > LONGEST_FIELD) throw new CsvError(`Line ${begins}: a field has more than ${LONGEST_FIELD} characters.`);
    }
  }
  if (state === 'quoted') throw new CsvError(`Line ${begins}: a quote does not end.`);
  if (field !== '' || fields.length > 0) {
    end();
    yield { line: begins, fields };
  }
}

/** One record as it is written: with a line end, quoted where it has to be. */
export const csvLine = (values: readonly (string | number | boolean | null | undefined)[]): string =>
  `${values
    .map((value) => {
      const text = value === null || value === undefined ? '' : String(value);
      return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    })
    .join(',')}\r\n`;

/** What a spreadsheet takes for a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/;

/** A text as people's spreadsheets may open it: what would be a formula stands behind an apostrophe. */
export const sheetText = (text: string): string => (FORMULA.test(text) ? `'${text}` : text);
