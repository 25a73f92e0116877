/** Pushing batches in, as a record system does: by the published commands, and no other way. */
import { createHash } from 'node:crypto';
import { LIMITS } from '../limits.ts';

/** What the record system is called where nobody says: one name for every command, so that what one brings in the others find by its ids. */
export const RECORD_SYSTEM = 'liquidlogic';

export type Answered<Data> = { data: Data | null; errors: { message: string; extensions: { code: string; field?: string } }[] };

/** Asks a document. What is beyond the hour's families waits; what cannot be asked at all is an error in words. */
export type AskAs = <Data>(query: string, variables: Record<string, unknown>) => Promise<Answered<Data>>;

export type PushedLine = {
  line: number;
  sourceId: string;
  result: 'CREATED' | 'UPDATED' | 'UNCHANGED' | 'FAILED';
  record: string | null;
  path: string | null;
  rule: string | null;
  message: string | null;
};

type Run = {
  lines: { nodes: PushedLine[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
};

const LINES =
  'lines(first: 100, after: $after) { nodes { line sourceId result record path rule message } pageInfo { hasNextPage endCursor } }';
/** Room for the document and what stands around the lines. */
const BATCH_BYTES = LIMITS.bodyBytes - 16_384;

const capital = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}`;

/**
 * Pushes lines in, in batches that a request holds. What was pushed stays where it is broken off, and comes again without effect.
 *
 * @param field `upsertFamilies`, `upsertPersons`, `upsertWorkbookEntries`.
 * @param of the list's name in the input.
 * @returns what became of each line; a line has a row for each thing that is to be said of it.
 */
export async function pushAll(
  ask: AskAs,
  field: string,
  of: string,
  system: string,
  lines: AsyncIterable<unknown> | Iterable<unknown>,
  told: (lines: PushedLine[]) => void,
): Promise<void> {
  const push = async (batch: string[], first: number) => {
    const text = `[${batch.join(',')}]`;
    const input = {
      idempotencyKey: createHash('sha256').update(`${field} ${system} ${first} ${Date.now()} ${text}`).digest('base64url'),
      system,
      [of]: JSON.parse(text),
    };
    const document = `mutation Push($input: ${capital(field)}Input!, $after: String) { ${field}(input: $input) { run { id ${LINES} } userErrors { message } } }`;
    type Done = Record<string, { run: (Run & { id: string }) | null; userErrors: { message: string }[] } | null>;
    const { data, errors } = await ask<Done>(document, { input });
    const done = data?.[field];
    const refused = errors[0] ?? done?.userErrors[0];
    if (refused || !done?.run) throw new Error(`The batch from line ${first} on was refused: ${refused?.message ?? 'without a reason'}`);
    let { run } = done as { run: Run & { id: string } };
    const { id } = run;
    for (;;) {
      told(run.lines.nodes.map((line) => ({ ...line, line: line.line + first - 1 })));
      const { hasNextPage, endCursor } = run.lines.pageInfo;
      if (!hasNextPage) break;
      const more = `query Lines($id: ID!, $after: String) { node(id: $id) { ... on RecordRun { ${LINES} } } }`;
      const next = await ask<{ node: Run | null }>(more, { id, after: endCursor });
      if (!next.data?.node) throw new Error(`What became of the batch from line ${first} on cannot be read.`);
      run = { ...next.data.node, id };
    }
  };
  let batch: string[] = [];
  let bytes = 0;
  let first = 1;
  for await (const line of lines) {
    const text = JSON.stringify(line);
    const size = Buffer.byteLength(text) + 1;
    if (batch.length > 0 && (batch.length === LIMITS.listItems || bytes + size > BATCH_BYTES)) {
      await push(batch, first);
      first += batch.length;
      batch = [];
      bytes = 0;
    }
    batch.push(text);
    bytes += size;
  }
  if (batch.length > 0) await push(batch, first);
}
