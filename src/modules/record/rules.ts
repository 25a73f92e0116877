/** How long the police may have others wait for a notice. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { DelayAccessNoticesInput } from '../../graphql/generated.ts';

const LONGEST_REASON = 2_000;
const LONGEST_DAYS = 90;

/** @param today the day in England. */
export function checkDelay({ until, reason }: Pick<DelayAccessNoticesInput, 'until' | 'reason'>, today: string): UserError[] {
  const { errors, invalid, text } = faults();
  text(reason, LONGEST_REASON, 'reason');
  const days = (Date.parse(until) - Date.parse(today)) / 86_400_000;
  if (days < 0) invalid('Must not be before today.', 'until');
  if (days > LONGEST_DAYS) invalid(`Must be at most ${LONGEST_DAYS} days ahead; it can be delayed again.`, 'until');
  return errors;
}
