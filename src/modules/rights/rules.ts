/** What makes it whole that somebody was told, or asked. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { RecordToldFamilyInput } from '../../graphql/generated.ts';

const LONGEST = { text: 20_000, name: 200, list: 50 };

/** @param input.how and `whyNot`: one of the two. Who was not told has a reason on record. */
export function checkTold(input: Omit<RecordToldFamilyInput, 'idempotencyKey'>, now: Date): UserError[] {
  const { errors, invalid, rule, text, list, past } = faults();
  const { how, whyNot } = input;
  past(input.on, now, 'on');
  text(whyNot, LONGEST.text, 'whyNot');
  text(input.by, LONGEST.name, 'by');
  list(input.persons, LONGEST.list, 'persons');
  if (input.persons.length === 0) invalid('Name whom it was for.', 'persons');
  if (new Set(input.persons).size < input.persons.length) invalid('Name each person once.', 'persons');
  if (how && whyNot) rule('TOLD_OR_NOT', 'Say how they were told, or why they were not; not both.', 'whyNot');
  if (!how && !whyNot) rule('TOLD_OR_NOT', 'Say how they were told, or why it was not safe to tell them.', 'how');
  return errors;
}
