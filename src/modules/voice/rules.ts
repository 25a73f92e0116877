/** What a voice must be, whoever heard it. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  AnswerChildVoiceInput,
  NameTrustedAdultInput,
  RecordChildVoiceInput,
  RecordRelationshipFeedbackInput,
} from '../../graphql/generated.ts';

type Without<T> = Omit<T, 'idempotencyKey'>;

/** A child's or an adult's: they are the same but for their class. */
export type VoiceInput = Without<RecordChildVoiceInput>;
export type AnswerInput = Without<AnswerChildVoiceInput>;

const LONGEST = { name: 200, words: 5_000, list: 50 };

export function checkVoice(input: VoiceInput, now: Date): UserError[] {
  const { errors, text, list, past } = faults();
  past(input.on, now, 'on');
  text(input.words, LONGEST.words, 'words');
  text(input.wants, LONGEST.words, 'wants');
  text(input.heardBy, LONGEST.name, 'heardBy');
  list(input.keptFrom, LONGEST.list, 'keptFrom');
  return errors;
}

/** @param saidOn the day of what is answered. */
export function checkAnswer(input: AnswerInput, saidOn: string, now: Date): UserError[] {
  const { errors, invalid, text, past } = faults();
  past(input.on, now, 'on');
  text(input.done, LONGEST.words, 'done');
  if (input.on < saidOn) invalid(`Must not be before it was said, on ${saidOn}.`, 'on');
  return errors;
}

export function checkTrusted(input: Without<NameTrustedAdultInput>, now: Date): UserError[] {
  const { errors, text, list, past } = faults();
  past(input.from, now, 'from');
  text(input.name, LONGEST.name, 'name');
  text(input.role, LONGEST.name, 'role');
  list(input.keptFrom, LONGEST.list, 'keptFrom');
  return errors;
}

const CRITERIA = ['listened', 'comfortable', 'independence', 'knewMe'] as const;

export function checkFeedback(input: Without<RecordRelationshipFeedbackInput>, now: Date): UserError[] {
  const { errors, invalid, text, list, past } = faults();
  past(input.on, now, 'on');
  text(input.about, LONGEST.name, 'about');
  text(input.words, LONGEST.words, 'words');
  list(input.keptFrom, LONGEST.list, 'keptFrom');
  const answered = CRITERIA.some((field) => input[field] !== null && input[field] !== undefined);
  if (!answered && !input.words) invalid('Answer at least one of the four, or give the words.', 'words');
  return errors;
}
