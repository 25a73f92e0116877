/** Services on their way into the directory: held against the profile, written, and what became of each noted. */
import { type Fault, holdService } from './profile.ts';
import { serviceRows } from './rows.ts';

/** Runs a statement on whichever login publishes, and gives its first row. */
export type Ask = (text: string, values: unknown[]) => Promise<Record<string, unknown> | undefined>;

export type Result = 'CREATED' | 'UPDATED' | 'UNCHANGED' | 'FAILED';

/** What became of one service. `faults`: why it failed, or which of its parts were left out. */
export type Line = { line: number; sourceId: string | null; result: Result; faults: Fault[] };

export type Feed = { id: number; code: string };

/** Begins a run; ends with `endRun`. One that is broken off leaves what it has written, and the next one goes on. */
export async function beginRun(ask: Ask, feed: Feed): Promise<number> {
  return Number((await ask('select fsp.begin_service_run($1) as run', [feed.id]))?.run);
}

/**
 * Writes services of a run. A faulty one never fails the others: it is reported, and if it was in before it stays as it was.
 *
 * @param services `undefined`: it could not be read, and has its line elsewhere.
 * @param seen ids of this run; what comes a second time is left out.
 * @param first line number of the first of them.
 */
export async function publish(ask: Ask, feed: Feed, run: number, services: unknown[], seen: Set<string>, first: number): Promise<Line[]> {
  const lines: Line[] = [];
  const kept: string[] = [];
  for (const [i, raw] of services.entries()) {
    if (raw === undefined) continue;
    const { sourceId, document, read, faults, secret } = holdService(raw, feed.code);
    if (secret !== undefined) await ask('select fsp.retire_services($1, $2)', [run, [secret]]);
    const line = (result: Result, more: Fault[] = faults) => lines.push({ line: first + i, sourceId, result, faults: more });
    if (sourceId !== null && seen.has(sourceId)) {
      line('FAILED', [{ path: '/id', rule: 'DUPLICATE', message: 'The id was there before; the first of them counts.' }]);
      continue;
    }
    if (sourceId !== null) seen.add(sourceId);
    if (!document || sourceId === null) {
      line('FAILED');
      if (sourceId !== null) kept.push(sourceId);
      continue;
    }
    const rows = serviceRows(feed.code, sourceId, document, read, raw, faults);
    const written = (await ask('select fsp.try_write_service($1, $2) as done', [run, JSON.stringify(rows)]))?.done as string;
    if (written === 'unwritable') {
      line('FAILED', [{ path: '', rule: 'UNWRITABLE', message: 'It has a value that the directory cannot hold.' }]);
      kept.push(sourceId);
      continue;
    }
    line(written.toUpperCase() as Result);
  }
  if (kept.length > 0) await ask('select fsp.keep_services($1, $2)', [run, kept]);
  return lines;
}

/** Puts on record what became of services: all of them, or those of which there is something to say. */
export async function note(ask: Ask, run: number, lines: Line[], all: boolean): Promise<void> {
  const failed = lines.filter(({ result }) => result === 'FAILED').length;
  const told = lines.flatMap(({ line, sourceId, result, faults }) => {
    const own = { line, source_id: sourceId?.slice(0, 200) ?? null, result };
    return faults.length > 0 ? faults.map((fault) => ({ ...own, ...fault })) : all ? [own] : [];
  });
  if (told.length === 0 && failed === 0) return;
  await ask('select fsp.note_service_lines($1, $2, $3)', [run, JSON.stringify(told), failed]);
}

/** @param whole everything that the feed has was seen: what was not there is retired. */
export async function endRun(ask: Ask, run: number, whole: boolean, fault: string | null): Promise<void> {
  await ask('select fsp.end_service_run($1, $2, $3)', [run, whole, fault]);
}
