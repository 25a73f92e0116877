/** What a record of a home, or of a term at school, must be. Days are `YYYY-MM-DD`. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  AmendHousingSituationInput,
  AmendSchoolRecordInput,
  HousingDuty,
  RecordHousingSituationInput,
  RecordSchoolRecordInput,
} from '../../graphql/generated.ts';

type Without<T> = Omit<T, 'idempotencyKey'>;
export type HousingInput = Without<RecordHousingSituationInput>;
export type AmendHousingInput = Without<AmendHousingSituationInput>;
export type SchoolInput = Without<RecordSchoolRecordInput>;
export type AmendSchoolInput = Without<AmendSchoolRecordInput>;

type Home = Pick<AmendHousingInput, 'duty' | 'dutyAccepted' | 'arrears' | 'note'>;

/** The clock of a duty: 56 days each for prevention and relief. */
export const clockOf = (duty: HousingDuty): string | null =>
  duty === 'PREVENTION' ? 'HOMELESS_PREVENTION' : duty === 'RELIEF' ? 'HOMELESS_RELIEF' : null;

export function checkHome(input: Home, from: string, until: string | null | undefined, now: Date): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  text(input.note, 5_000, 'note');
  past(from, now, 'from');
  past(input.dutyAccepted, now, 'dutyAccepted');
  if (input.arrears !== null && input.arrears !== undefined && input.arrears < 0) invalid('Must not be less than nothing.', 'arrears');
  if (input.duty !== 'NONE' && !input.dutyAccepted)
    rule('HOMELESS_DUTY', 'A duty runs from the day on which it was accepted: give it.', 'dutyAccepted');
  if (input.duty === 'NONE' && input.dutyAccepted) rule('HOMELESS_DUTY', 'Where no duty is owed none was accepted.', 'dutyAccepted');
  if (until && until < from) invalid('Must not be before it began.', 'until');
  return errors;
}

export function checkTerm(input: Omit<AmendSchoolInput, 'record' | 'expectedVersion'> & { term?: string }): UserError[] {
  const { errors, invalid, text } = faults();
  text(input.term, 60, 'term');
  for (const field of ['possibleSessions', 'attendedSessions', 'excludedDays'] as const) {
    if (input[field] < 0 || input[field] > 1_000) invalid('Must be from 0 to 1000.', field);
  }
  if (input.attendedSessions > input.possibleSessions) invalid('Nobody attends more than there was.', 'attendedSessions');
  if (input.exclusion === 'NONE' && input.excludedDays > 0) invalid('Days of no exclusion.', 'excludedDays');
  return errors;
}
