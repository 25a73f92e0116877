/** What holds of housing that is sought without a name. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { AnswerHousingNeedInput, HousingAnswerStep, ReferForHousingInput } from '../../graphql/generated.ts';
import { type AnswerStatus, type NeedStatus, OVER, type ReferralStatus } from './tables.ts';

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

/** Grounds on which a council may be told without consent, to safeguard a child or an adult at risk (Homelessness Code of Guidance, chapter 4). */
const WITHOUT_CONSENT: ReadonlySet<string> = new Set(['CA1989-s47', 'CA2004-s11', 'CA2004-s16LA', 'DPA2018-sch1-18', 'VITAL-INTERESTS']);

const LONGEST_CONTACT = 200;
const LONGEST_REASON = 2_000;

/**
 * Whether the county may refer somebody. Pure.
 *
 * @param at `atRisk`: a child may come to significant harm; `manager`: who refers answers for the record.
 */
export function checkReferral(
  input: Pick<ReferForHousingInput, 'consent' | 'withoutConsent' | 'contact'>,
  at: { atRisk: boolean; manager: boolean },
  now: Date,
): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  text(input.contact, LONGEST_CONTACT, 'contact');
  const { consent, withoutConsent } = input;
  if (consent && withoutConsent) invalid('Either the person agreed, or it is done without.', 'withoutConsent');
  else if (consent) {
    past(consent.on, now, 'consent', 'on');
    if (!input.contact) rule('HA1996-s213B', 'Say how the person agreed to be reached: the council has to be told it.', 'contact');
  } else if (!withoutConsent)
    rule('HA1996-s213B', 'The person has to agree to be referred, and chooses the council (Housing Act 1996 s.213B).', 'consent');
  else {
    text(withoutConsent.reason, LONGEST_REASON, 'withoutConsent', 'reason');
    if (!WITHOUT_CONSENT.has(withoutConsent.gateway))
      rule('HA1996-s213B', `Without consent: ${[...WITHOUT_CONSENT].join(', ')}.`, 'withoutConsent', 'gateway');
    if (!at.atRisk)
      rule('HA1996-s213B', 'Without consent only where a child may come to significant harm: not at this stage.', 'withoutConsent');
    if (!at.manager) rule('HA1996-s213B', 'Without consent a manager decides.', 'withoutConsent');
  }
  return errors;
}

const FROM: Record<ReferralStatus, readonly ReferralStatus[]> = {
  SENT: ['ACCEPTED', 'WAITING', 'DECLINED', 'WITHDRAWN'],
  WAITING: ['ACCEPTED', 'DECLINED', 'WITHDRAWN'],
  ACCEPTED: ['TAKEN_UP', 'DECLINED', 'ENDED', 'WITHDRAWN'],
  TAKEN_UP: ['ENDED', 'WITHDRAWN'],
  DECLINED: [],
  ENDED: [],
  WITHDRAWN: [],
};

/** Whether a referral may come to stand so. Pure. */
export function checkReferralStep(from: ReferralStatus, to: ReferralStatus, reason: string | null | undefined): UserError[] {
  const { errors, invalid, rule } = faults();
  if (!FROM[from].includes(to)) rule('HOUSING_STEP', `A referral that is ${from} cannot become ${to}.`, 'referral');
  if (OVER.includes(to) && !reason) invalid('Say why, by a code of the list offer-reason.', 'reason');
  return errors;
}
