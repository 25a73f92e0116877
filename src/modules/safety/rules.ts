/** What a condition and an incident must be. Days are `YYYY-MM-DD`. */
import type { Agency } from '../../access/classes.ts';
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  EndSafetyConditionInput,
  RecordIncidentInput,
  RecordIncidentOutcomeInput,
  RecordSafetyConditionInput,
  ReviewSafetyConditionInput,
} from '../../graphql/generated.ts';

type Without<T> = Omit<T, 'idempotencyKey'>;
export type ConditionInput = Without<RecordSafetyConditionInput>;
export type ReviewInput = Without<ReviewSafetyConditionInput>;
export type EndInput = Without<EndSafetyConditionInput>;
export type IncidentInput = Without<RecordIncidentInput>;
export type IncidentOutcomeInput = Without<RecordIncidentOutcomeInput>;

const LONGEST = { instruction: 1_000, issuer: 200, reason: 5_000, account: 10_000, informant: 500, persons: 30 };

/** Kinds of incident that say that a condition was broken. */
const BREACHES = ['breach-of-bail', 'breach-of-condition'];

/** What the police and the courts do with a suspect. It is of that person, and shown as no less and no more. */
const OF_SUSPECT = ['arrest', 'bail', 'caution', 'charge', 'prosecution', 'conviction'];

export function checkCondition(input: ConditionInput): UserError[] {
  const { errors, invalid, text, list } = faults();
  text(input.instruction, LONGEST.instruction, 'instruction');
  text(input.issuer, LONGEST.issuer, 'issuer');
  text(input.offenceReason, LONGEST.reason, 'offenceReason');
  text(input.victimReason, LONGEST.reason, 'victimReason');
  list(input.persons, LONGEST.persons, 'persons');
  list(input.keptFrom, LONGEST.persons, 'keptFrom');
  if (input.persons.length === 0) invalid('A condition binds or protects at least one member of the family.', 'persons');
  if (input.until && input.until < input.from) invalid('Must not be before it begins.', 'until');
  return errors;
}

/** A condition as far as the rules ask. */
export type Condition = { from: string; until: string | null; endedOn: string | null };

export function checkReview(input: ReviewInput, at: Condition, now: Date): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  text(input.instruction, LONGEST.instruction, 'instruction');
  past(input.on, now, 'on');
  if (at.endedOn !== null) rule('CONDITION_ENDED', `It ended on ${at.endedOn}; record a new one.`, 'condition');
  if (input.on < at.from) invalid(`It began on ${at.from}.`, 'on');
  if (input.until && input.until < at.from) invalid('Must not be before it begins.', 'until');
  return errors;
}

export function checkEnd(input: EndInput, at: Condition, now: Date): UserError[] {
  const { errors, invalid, rule, past } = faults();
  past(input.on, now, 'on');
  if (at.endedOn !== null) rule('CONDITION_ENDED', `It ended on ${at.endedOn} already.`, 'condition');
  if (input.on < at.from) invalid(`It began on ${at.from}.`, 'on');
  return errors;
}

/** @param agency of the caller: what the police record, others report. */
export function checkIncident(input: IncidentInput, agency: Agency, now: Date): UserError[] {
  const { errors, invalid, rule, text, list, past } = faults();
  text(input.account, LONGEST.account, 'account');
  text(input.informant, LONGEST.informant, 'informant');
  list(input.keptFrom, LONGEST.persons, 'keptFrom');
  past(input.on, now, 'on');
  if (input.basis === 'RECORDED' && agency !== 'POLICE')
    rule('INCIDENT_BASIS', 'Only the police record; what others are told is REPORTED.', 'basis');
  if (BREACHES.includes(input.kind) && !input.person) invalid('A breach is somebody’s: say whose.', 'person');
  if (input.breaches && !BREACHES.includes(input.kind)) invalid('Only a breach breaks a condition.', 'breaches');
  if (OF_SUSPECT.includes(input.kind) && !(input.person && input.part === 'SUSPECT'))
    rule('INCIDENT_SUSPECT', 'It is of the suspect: name the person, as SUSPECT.', input.person ? 'part' : 'person');
  else if (!input.person && input.part !== 'NOT_KNOWN') invalid('A part is one person’s: name the person.', 'part');
  return errors;
}
