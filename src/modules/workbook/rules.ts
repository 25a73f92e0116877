/** What a Workbook entry must be, whoever writes it. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { AddWorkbookEntryInput } from '../../graphql/generated.ts';

/** The input of `addWorkbookEntry` without its idempotency key. */
export type EntryInput = Omit<AddWorkbookEntryInput, 'idempotencyKey'>;

const LONGEST = { module: 200, narrative: 20_000, words: 5_000, list: 50 };

/** Everything the caller can mend, each with where it is. Pure: what must be looked up is checked by the command. */
export function checkEntry(input: EntryInput, now: Date): UserError[] {
  const { errors, invalid, text, list, past } = faults();
  text(input.module, LONGEST.module, 'module');
  text(input.narrative, LONGEST.narrative, 'narrative');
  past(input.occurred, now, 'occurred');
  if (input.persons.length === 0) invalid('An entry is about at least one member of the family.', 'persons');
  for (const field of ['persons', 'keptFrom', 'readings', 'childWords', 'parentWords'] as const) {
    list(input[field], LONGEST.list, field);
  }
  (input.readings ?? []).forEach(({ capacityForChange }, i) => {
    const known = capacityForChange !== null && capacityForChange !== undefined;
    if (known && (capacityForChange < 1 || capacityForChange > 5)) invalid('Must be from 1 to 5.', 'readings', i, 'capacityForChange');
  });
  for (const field of ['childWords', 'parentWords'] as const) {
    (input[field] ?? []).forEach(({ words }, i) => text(words, LONGEST.words, field, i, 'words'));
  }
  return errors;
}
