/**
 * A record system's copy of the Workbook, kept up to date from the change feed: one SQLite file, no dependencies.
 *
 *     URL=http://localhost:4000 TOKEN="$(npm run -s token -- --client occ-record-system)" node examples/record-system/sync.ts workbook.sqlite
 *
 * It may be stopped at any byte and run again. Whoever shows what is in the copy keeps the promise that the operator wrote down for the
 * client: an entry with `kept_from` does not exist for those who work only with one of these persons, and a family whose
 * `restrictions` say WHEREABOUTS_PROTECTED is shown without anything that may tell where somebody is.
 */
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

type Line = {
  node?: {
    cursor: string;
    kind: 'CURRENT' | 'GONE';
    id: string;
    classes: string[];
    keptFrom: string[];
    restrictions: string[];
    entry: Entry;
  };
  cursor?: string;
  end?: true;
  errors?: { message: string; extensions: { code: string } }[];
};
type Entry = { family: { id: string } | null; occurred: string; author: string; narrative: string | null; version: number };

/** Opens the copy; a new file is an empty one. */
export function openCopy(file: string): DatabaseSync {
  const copy = new DatabaseSync(file);
  copy.exec(`
    pragma journal_mode = wal;
    create table if not exists entry (
      id text primary key, family text, occurred text, author text, narrative text, version integer,
      kept_from text not null, classes text not null, restrictions text not null, whole text not null) strict;
    create table if not exists place (one integer primary key check (one = 1), cursor text not null) strict;`);
  return copy;
}

/**
 * Reads what has changed since the last time, to the end.
 *
 * @param token gives an access token that is good now: it is asked for anew at every request.
 * @returns how many changes were put into the copy.
 * @throws what the server says, in its words; what was read until then is in the copy.
 */
export async function sync(url: string, token: () => Promise<string>, copy: DatabaseSync): Promise<number> {
  const put = copy.prepare(`insert into entry values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (id) do update set family = excluded.family, occurred = excluded.occurred, author = excluded.author,
      narrative = excluded.narrative, version = excluded.version, kept_from = excluded.kept_from, classes = excluded.classes,
      restrictions = excluded.restrictions, whole = excluded.whole`);
  const remove = copy.prepare('delete from entry where id = ?');
  const note = copy.prepare('insert into place values (1, ?) on conflict (one) do update set cursor = excluded.cursor');
  let changes = 0;
  /** A change and the place behind it are written together, or not at all. */
  const take = (lines: Line[]): void => {
    copy.exec('begin');
    try {
      for (const { node, cursor } of lines) {
        if (node?.kind === 'GONE') remove.run(node.id);
        else if (node) {
          const { entry, id, keptFrom, classes, restrictions } = node;
          const [kept, of, restricted] = [keptFrom, classes, restrictions].map((list) => JSON.stringify(list)) as [string, string, string];
          const { family, occurred, author, narrative, version } = entry;
          put.run(id, family?.id ?? null, occurred, author, narrative, version, kept, of, restricted, JSON.stringify(entry));
        }
        if (node) changes++;
        const place = node?.cursor ?? cursor;
        if (place) note.run(place);
      }
      copy.exec('commit');
    } catch (error) {
      copy.exec('rollback');
      throw error;
    }
  };
  for (;;) {
    const place = copy.prepare('select cursor from place').get() as { cursor: string } | undefined;
    const query = place ? `?after=${encodeURIComponent(place.cursor)}` : '';
    const response = await fetch(`${url}/operations/workbook-changes${query}`, {
      headers: { authorization: `Bearer ${await token()}`, accept: 'application/x-ndjson' },
    });
    if (response.status === 429 || response.status === 503) {
      await new Promise((resolve) => setTimeout(resolve, Number(response.headers.get('retry-after') ?? 5) * 1000));
      continue;
    }
    const { ended, failure } = await readLines(response, take);
    if (ended) return changes;
    // A token that ended on the way is replaced; a line that broke off is asked for again.
    if (failure && failure !== 'UNAUTHENTICATED') throw new Error(failure);
    if (failure && !response.ok) throw new Error('The token is not taken.');
  }
}

/** Takes an answer's lines as they come. A last line without its end is left. */
async function readLines(response: Response, take: (lines: Line[]) => void): Promise<{ ended: boolean; failure: string | null }> {
  const decoder = new TextDecoder();
  let rest = '';
  let ended = false;
  let failure: string | null = null;
  try {
    for await (const bytes of response.body ?? []) {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = parts.pop() as string;
      const lines = parts.map((part) => JSON.parse(part) as Line);
      for (const { end, errors } of lines) {
        ended ||= end === true;
        // What is refused of a field stands beside the rows; what refuses the whole stands alone.
        const [error] = errors ?? [];
        if (error && error.extensions.code !== 'FORBIDDEN') failure = error.extensions.code;
      }
      take(lines.filter(({ node, cursor }) => node || cursor));
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // The connection was lost: from the last place on.
  }
  if (!ended && !failure && rest.startsWith('{"errors"')) failure = (JSON.parse(rest) as Line).errors?.[0]?.extensions.code ?? null;
  return { ended, failure };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { URL: url = 'http://localhost:4000', TOKEN = '' } = process.env;
  const copy = openCopy(process.argv[2] ?? 'workbook.sqlite');
  try {
    const changes = await sync(url, async () => TOKEN, copy);
    const { n } = copy.prepare('select count(*) as n from entry').get() as { n: number };
    console.log(`${changes} changes; the copy holds ${n} entries.`);
  } catch (error) {
    // What `fetch` throws where nobody answers, or the address is none.
    console.error(
      error instanceof TypeError ? `Nobody answers at ${url}: set URL to the address of the server.` : (error as Error).message,
    );
    process.exitCode = 1;
  }
  copy.close();
}
