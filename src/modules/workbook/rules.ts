/** What a Workbook entry must be, whoever writes it. */
import type { UserError } from '../../change/command.ts';
import type { AddWorkbookEntryInput } from '../../graphql/generated.ts';

/** The input of `addWorkbookEntry` without its idempotency key. */
export type EntryInput = Omit<AddWorkbookEntryInput, 'idempotencyKey'>;

const LONGEST = { module: 200, narrative: 20_000, words: 5_000, list: 50 };

/** A clock of another machine may run ahead by this much. */
const AHEAD_MILLISECONDS = 5 * 60_000;

/** Everything the caller can mend, each with where it is. Pure: what must be looked up is checked by the command. */
export function checkEntry(input: EntryInput, now: Date): UserError[] {
  const errors: UserError[] = [];
  const invalid = (message: string, ...path: string[]) => errors.push({ code: 'INVALID', message, path });
  const text = (value: string, longest: number, ...path: string[]) => {
    if (value.trim() === '') invalid('Must not be empty.', ...path);
    if (value.length > longest) invalid(`Must have at most ${longest} characters.`, ...path);
  };
  text(input.module, LONGEST.module, 'module');
  if (input.narrative !== null && input.narrative !== undefined) text(input.narrative, LONGEST.narrative, 'narrative');
  if (new Date(input.occurred).getTime() > now.getTime() + AHEAD_MILLISECONDS) invalid('Must not be in the future.', 'occurred');
  if (input.persons.length === 0) invalid('An entry is about at least one member of the family.', 'persons');
  for (const field of ['persons', 'keptFrom', 'readings', 'childWords', 'parentWords'] as const) {
    if ((input[field]?.length ?? 0) > LONGEST.list) invalid(`Must have at most ${LONGEST.list} items.`, field);
  }
  (input.readings ?? []).forEach(({ capacityForChange }, i) => {
    const known = capacityForChange !== null && capacityForChange !== undefined;
    if (known && (capacityForChange < 1 || capacityForChange > 5))
      invalid('Must be from 1 to 5.', 'readings', String(i), 'capacityForChange');
  });
  for (const field of ['childWords', 'parentWords'] as const) {
    (input[field] ?? []).forEach(({ words }, i) => text(words, LONGEST.words, field, String(i), 'words'));
  }
  return errors;
}
