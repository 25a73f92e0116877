/** What holds of housing that is sought without a name. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { AnswerHousingNeedInput, HousingAnswerStep } from '../../graphql/generated.ts';
import type { AnswerStatus, NeedStatus } from './tables.ts';

/** The Monday of a day's week, both ISO dates. */
export function mondayOf(day: string): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
  return at.toISOString().slice(0, 10);
}

export type AnswerInput = Omit<AnswerHousingNeedInput, 'idempotencyKey'>;

const MOST_BEDROOMS = 12;
const LONGEST_NOTE = 1_000;

/** Everything a desk can mend about its answer. Pure. @param today ISO date, in England. */
export function checkAnswer(input: AnswerInput, today: string): UserError[] {
  const { errors, invalid, text } = faults();
  text(input.note, LONGEST_NOTE, 'note');
  if (input.answer === 'OFFERED') {
    if (!input.kind) invalid('Say what is offered, by a code of the list housing-offer.', 'kind');
    if (!input.heldUntil) invalid('Say until when it can be accepted.', 'heldUntil');
    if (input.heldUntil && input.heldUntil < today) invalid('Must not be in the past.', 'heldUntil');
    const { bedrooms } = input;
    if (typeof bedrooms === 'number' && (bedrooms < 0 || bedrooms > MOST_BEDROOMS)) invalid(`0 to ${MOST_BEDROOMS}.`, 'bedrooms');
  } else {
    for (const name of ['kind', 'service', 'bedrooms', 'availableFrom', 'heldUntil'] as const)
      if ((input[name] ?? null) !== null) invalid('Nothing is offered.', name);
  }
  if (input.answer === 'DECLINED' && !input.reason) invalid('Say why, by a code of the list offer-reason.', 'reason');
  return errors;
}

const STEPS: Record<HousingAnswerStep, readonly AnswerStatus[]> = {
  TAKEN_UP: ['ACCEPTED'],
  WITHDRAWN: ['OFFERED', 'WAITING', 'ACCEPTED'],
  ENDED: ['ACCEPTED', 'TAKEN_UP'],
};

/** Whether a desk's answer may come to stand so. Pure. */
export function checkStep(step: HousingAnswerStep, from: AnswerStatus, reason: string | null | undefined): UserError[] {
  const { errors, invalid, rule } = faults();
  if (!STEPS[step].includes(from)) rule('HOUSING_STEP', `An answer that is ${from} cannot become ${step}.`, 'status');
  if (step !== 'TAKEN_UP' && !reason) invalid('Say why, by a code of the list offer-reason.', 'reason');
  return errors;
}

/** Whether the county may accept an answer. Pure. @param today ISO date, in England. */
export function checkAcceptance(
  input: { agreed: string },
  at: { status: AnswerStatus; heldUntil: string | null; need: NeedStatus },
  now: Date,
  today: string,
): UserError[] {
  const { errors, rule, past } = faults();
  past(input.agreed, now, 'agreed');
  if (at.need !== 'OPEN') rule('HOUSING_STEP', `The need is ${at.need}: nothing more is accepted for it.`, 'answer');
  else if (at.status !== 'OFFERED') rule('HOUSING_STEP', `An answer that is ${at.status} is no offer to accept.`, 'answer');
  else if (at.heldUntil !== null && at.heldUntil < today) rule('HOUSING_HELD', `It was held until ${at.heldUntil}.`, 'answer');
  return errors;
}
