/** A batch from a record system: each line by itself, and what became of it put on record. */
import { and, eq, sql } from 'drizzle-orm';
import type { DataClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { type Change, type Command, type Decision, fingerprint, type UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { notFound, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { LIMITS } from '../../limits.ts';
import { encodeId } from '../../read/ids.ts';
import { personSource, recordRun, recordRunLine, recordSource } from './tables.ts';

export type Result = 'CREATED' | 'UPDATED' | 'UNCHANGED' | 'FAILED';

/** What became of one line. `notes`: why it failed, or what is to be said of what was written. */
export type Told = { result: Result; type: string; id: number | null; family: number | null; changes: Change[]; notes: UserError[] };

/** A line on its way. `wrote`: something of the record is another than before, apart from when its system last told of it. */
export type Pushing = { tx: Transaction; client: Client; now: Date; system: string; changes: Change[]; notes: UserError[]; wrote: boolean };

/** One state of a record, as its system says: what it is, when it was changed there, and the count of its changes. */
export type State = { sourceId: string; changed: string; version?: number | null };

class LineFailed extends Error {
  readonly errors: UserError[];
  constructor(errors: UserError[]) {
    super('The line was refused.');
    this.errors = errors;
  }
}

/** Refuses the line: nothing of it remains. */
export function refuse(...errors: UserError[]): never {
  throw new LineFailed(errors);
}

/** Refuses the line where anything is wrong, each thing with where it is. */
export function refuseIf(errors: readonly UserError[], ...at: string[]): void {
  if (errors.length > 0) refuse(...errors.map((error) => ({ ...error, path: [...at, ...error.path] })));
}

/** Changes a row that the caller sees. Refuses the line where it is another's to change: the database passes over such a row without a word. */
export async function changeRow(to: Pushing, update: PromiseLike<{ rowCount: number | null }>, ...path: string[]): Promise<void> {
  to.wrote = true;
  if ((await update).rowCount === 0) refuse(plain('It is another organisation’s to change.', 'NOT_YOURS', ...path));
}

/** Does what a command does, as a part of the line. */
export async function perform(to: Pushing, command: Command, input: Record<string, unknown>, ...at: string[]): Promise<Change> {
  const decision = await command(to.tx, input, to.client, to.now);
  if ('userErrors' in decision) {
    refuseIf(decision.userErrors, ...at);
    throw new Error('A command refused and said nothing.');
  }
  to.wrote = true;
  to.changes.push(decision.change);
  to.notes.push(...(decision.warnings ?? []).map((warning) => ({ ...warning, path: [...at, ...warning.path] })));
  return decision.change;
}

const codeOf = (error: unknown): string => {
  const { code, cause } = error as { code?: string; cause?: unknown };
  return code ?? (cause ? codeOf(cause) : '');
};

/** What the database says of what it is given: a value that it cannot hold, a rule of its own, a row that is not there for the writer. */
const OF_THE_LINE = /^(?:22|23|42501|P0001|FS)/;

/** Does something so that nothing of it remains where it fails; what came before it stays. */
export async function apart(tx: Transaction, work: () => Promise<Told>): Promise<Told> {
  await tx.execute(sql`savepoint line`);
  try {
    const told = await work();
    await tx.execute(sql`release savepoint line`);
    return told;
  } catch (error) {
    const failed = error instanceof LineFailed;
    // A connection that is lost, or two that wait for each other, are the whole batch's trouble.
    if (!failed && !OF_THE_LINE.test(codeOf(error))) throw error;
    await tx.execute(sql`rollback to savepoint line`);
    const refused: UserError = { code: 'RULE', rule: 'REFUSED', message: 'The database refused it.', path: [] };
    return { result: 'FAILED', type: '', id: null, family: null, changes: [], notes: failed ? error.errors : [refused] };
  }
}

export const plain = (message: string, rule: string, ...path: string[]): UserError => ({ code: 'RULE', rule, message, path });

const DAYS = new Set(['dateOfBirth', 'expectedDate', 'from', 'until']);
const MOMENTS = new Set(['changed', 'occurred']);
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;
const isDay = (text: string) =>
  /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
const isMoment = (text: string) => MOMENT.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text));

/** Every day and moment of a line that is none. */
function timeFaults(value: unknown, path: string[] = []): UserError[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]): UserError[] => {
    const at = [...path, name];
    if (typeof inner !== 'string') return timeFaults(inner, at);
    if (DAYS.has(name) && !isDay(inner)) return [{ code: 'INVALID', message: 'It is no day of the calendar: 2026-11-21.', path: at }];
    if (MOMENTS.has(name) && !isMoment(inner))
      return [{ code: 'INVALID', message: 'It is no moment with its zone: 2026-11-21T09:30:00Z.', path: at }];
    return [];
  });
}

const SYSTEM = /^[a-z][a-z0-9-]{1,59}$/;
const LONGEST_ID = 100;

export type Batch<T> = {
  action: string;
  system: string;
  /** Name of the list in the input. */
  of: string;
  lines: readonly T[];
  state: (line: T) => State;
  dataClasses: DataClass[];
  /** Number of the first line. */
  first?: number;
  /** Told of each line, when it is decided. */
  told?: (line: number, sourceId: string, told: Told) => void;
};

/**
 * Takes in a batch. Two batches of a system come one after the other, so that none says that the other's are not there.
 *
 * @param upsert refuses its line by `refuse`.
 */
export async function takeIn<T>(
  tx: Transaction,
  client: Client,
  now: Date,
  batch: Batch<T>,
  upsert: (to: Pushing, line: T) => Promise<Pick<Told, 'result' | 'type' | 'id' | 'family'>>,
): Promise<Decision> {
  const { errors, list, invalid } = faults();
  list(batch.lines, LIMITS.listItems, batch.of);
  if (!SYSTEM.test(batch.system)) invalid('A name has 2 to 60 of a-z, 0-9 and -, and begins with a letter.', 'system');
  if (errors.length > 0) return { userErrors: errors };
  const { system } = batch;
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`push ${client.organisation.id} ${system}`}, 0))`);
  const told: { line: number; sourceId: string; told: Told }[] = [];
  for (const [i, line] of batch.lines.entries()) {
    const state = batch.state(line);
    const to: Pushing = { tx, client, now, system, changes: [], notes: [], wrote: false };
    const became = await apart(tx, async () => {
      refuseIf(timeFaults(line));
      const { errors: wrong, text, past } = faults();
      text(state.sourceId, LONGEST_ID, 'sourceId');
      past(state.changed, now, 'changed');
      refuseIf(wrong);
      const done = await upsert(to, line);
      return { ...done, changes: to.changes, notes: to.notes };
    });
    const at = { line: (batch.first ?? 1) + i, sourceId: state.sourceId.slice(0, LONGEST_ID) };
    told.push({ ...at, told: became });
    batch.told?.(at.line, at.sourceId, became);
  }
  const count = (result: Result) => told.filter((each) => each.told.result === result).length;
  const owned = { controller: client.organisation.id };
  const [run] = await tx
    .insert(recordRun)
    .values({
      ...owned,
      system,
      created: count('CREATED'),
      updated: count('UPDATED'),
      unchanged: count('UNCHANGED'),
      failed: count('FAILED'),
    })
    .returning({ id: recordRun.id });
  const { id } = run as { id: number };
  const rows = told.flatMap(({ line, sourceId, told: { result, type, id: key, family, notes } }) => {
    const own = { ...owned, run: id, line, sourceId, result, family, record: key === null ? null : encodeId(type, key) };
    const said = notes.map(({ path, rule, code, message }) => ({ ...own, path: pointer(path), rule: rule ?? code, message }));
    return said.length > 0 ? said : [own];
  });
  if (rows.length > 0) await tx.insert(recordRunLine).values(rows);
  const also = told.flatMap((each) => each.told.changes);
  return {
    change: { action: batch.action, entity: 'RecordRun', id, family: null, persons: [], dataClasses: batch.dataClasses },
    also,
  };
}

/** JSON pointer (RFC 6901). */
const pointer = (path: readonly string[]): string => path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** What a record says, as one short text: the same for the same in any order of its members. */
export const digestOf = (content: unknown): string => fingerprint('record', null, { content }).toString('base64url');

type Taken = { sourceVersion: number; changedAt: Date; digest: string };

/**
 * How a state stands to the one that was taken last: `same` also where only its time is another.
 *
 * @throws where it says other things under the version that is here: which of the two counts nobody can say.
 */
export function standing(known: Taken | undefined, state: State, digest: string): 'new' | 'newer' | 'same' | 'older' {
  if (!known) return 'new';
  const order = (state.version ?? 0) - known.sourceVersion || new Date(state.changed).getTime() - known.changedAt.getTime();
  if (digest === known.digest) return order < 0 ? 'older' : 'same';
  if (order === 0) refuse(plain('This version is here with other content: a later version says what counts.', 'SAME_VERSION', 'changed'));
  return order > 0 ? 'newer' : 'older';
}

/** Columns of a state that is taken. */
export const stateOf = (to: Pushing, state: State, digest: string) => ({
  controller: to.client.organisation.id,
  system: to.system,
  sourceId: state.sourceId,
  sourceVersion: state.version ?? 0,
  changedAt: new Date(state.changed),
  digest,
});

const isLater = (known: Taken, state: State) =>
  (state.version ?? 0) !== known.sourceVersion || new Date(state.changed).getTime() !== known.changedAt.getTime();

/** What the caller's system calls by this id; the caller sees it. */
export async function recordOf(to: Pushing, entity: string, sourceId: string) {
  const { controller, system } = recordSource;
  const own = and(eq(controller, to.client.organisation.id), eq(system, to.system));
  const named = and(eq(recordSource.entity, entity), eq(recordSource.sourceId, sourceId));
  return (await visibleRows(to.tx, recordSource, and(own, named), to.client))[0];
}

/** The person whom the caller's system calls by this id; the caller sees them. */
export async function personOf(to: Pushing, sourceId: string) {
  const own = and(eq(personSource.controller, to.client.organisation.id), eq(personSource.system, to.system));
  return (await visibleRows(to.tx, personSource, and(own, eq(personSource.sourceId, sourceId)), to.client))[0];
}

/** Puts on record that a state of it is taken. An id that stands for something hidden is refused as what never was. */
export async function takeRecord(
  to: Pushing,
  known: (Taken & { id: number }) | undefined,
  of: { family: number; entity: string; entityId: number; what: string },
  state: State,
  digest: string,
): Promise<void> {
  const taken = stateOf(to, state, digest);
  if (known) {
    if (isLater(known, state)) await to.tx.update(recordSource).set(taken).where(eq(recordSource.id, known.id));
    return;
  }
  to.wrote = true;
  const { family, entity, entityId } = of;
  const made = await to.tx
    .insert(recordSource)
    .values({ family, entity, entityId, ...taken })
    .onConflictDoNothing();
  if (made.rowCount === 0) refuse(notFound(of.what, 'sourceId'));
}

/** The same of a person. */
export async function takePerson(
  to: Pushing,
  known: (Taken & { id: number }) | undefined,
  person: number,
  state: State,
  digest: string,
  ...at: string[]
): Promise<void> {
  const taken = stateOf(to, state, digest);
  if (known) {
    if (isLater(known, state)) await to.tx.update(personSource).set(taken).where(eq(personSource.id, known.id));
    return;
  }
  to.wrote = true;
  const made = await to.tx
    .insert(personSource)
    .values({ person, ...taken })
    .onConflictDoNothing();
  if (made.rowCount === 0) refuse(notFound('person', ...at, 'sourceId'));
}

/** What is said of a state that came after a newer one. */
export const OLDER: UserError = { code: 'RULE', rule: 'OLDER_VERSION', message: 'A newer version is here; it stays.', path: ['changed'] };
