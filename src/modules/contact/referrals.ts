/** A partner's referral, and what is said back on it. */
import { and, asc, eq } from 'drizzle-orm';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { AnswerFeedbackInput, GiveFeedbackInput, MakeReferralInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { meetClock } from '../clock/service.ts';
import { organisation } from '../sharing/tables.ts';
import { checkFeedback, checkReferral, LONGEST } from './rules.ts';
import { referral, referralChild, referralChildPlace, referralFeedback, referralFeedbackAnswer } from './tables.ts';

/** The county to which referrals go: the one named, or the one there is. */
async function countyOf(tx: Transaction, named: number | null): Promise<number | null> {
  const [found] = await tx
    .select({ id: organisation.id })
    .from(organisation)
    .where(and(eq(organisation.agency, 'LA'), named === null ? undefined : eq(organisation.id, named)))
    .orderBy(asc(organisation.id))
    .limit(1);
  return found?.id ?? null;
}

export const makeReferral: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<MakeReferralInput, 'idempotencyKey'>;
  const errors: UserError[] = checkReferral(input, now);
  errors.push(...(await checkCodes(tx, input.madeOn, [{ list: 'primary-need', value: input.need, path: ['need'] }])));
  const named = input.addressee ? keyOf('Organisation', input.addressee) : null;
  const addressee = input.addressee && named === null ? null : await countyOf(tx, named);
  if (addressee === null) errors.push(notFound('county', 'addressee'));
  if (errors.length > 0 || addressee === null) return { userErrors: errors };

  const between = { sender: client.organisation.id, addressee, worker: client.user };
  const [made] = await tx
    .insert(referral)
    .values({
      ...between,
      madeOn: input.madeOn,
      need: input.need ?? null,
      concern: input.concern,
      familyKnows: input.familyKnows,
      agreed: input.agreed,
      whyNotTold: input.whyNotTold ?? null,
      referrer: client.userName ?? client.id,
      phone: input.phone,
    })
    .returning({ id: referral.id });
  const id = (made as { id: number }).id;
  for (const { givenName, familyName, dateOfBirth, address, school } of input.children) {
    const [child] = await tx
      .insert(referralChild)
      .values({ ...between, referral: id, givenName, familyName, dateOfBirth: dateOfBirth ?? null })
      .returning({ id: referralChild.id });
    await tx.insert(referralChildPlace).values({
      ...between,
      child: (child as { id: number }).id,
      referral: id,
      address: address ?? null,
      school: school ?? null,
    });
  }
  return {
    change: { action: 'makeReferral', entity: 'Referral', id, family: null, persons: [], dataClasses: ['CASE', 'IDENTITY', 'WHEREABOUTS'] },
  };
};

/** What is told: the outcome and the next step, and nothing else. */
export type Feedback = { kind: 'DECISION' | 'AFTER_ASSESSMENT'; outcome: string; nextStep: string | null; givenOn: string };

/** Tells the sender of a referral. @returns the feedback's key; null where it has been told of this already. */
export async function tell(tx: Transaction, about: typeof referral.$inferSelect, given: Feedback): Promise<number | null> {
  const [told] = await tx
    .insert(referralFeedback)
    .values({ referral: about.id, controller: about.addressee, recipient: about.sender, worker: about.worker, ...given })
    .onConflictDoNothing()
    .returning({ id: referralFeedback.id });
  return told?.id ?? null;
}

export const giveFeedback: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<GiveFeedbackInput, 'idempotencyKey'>;
  const about = await visibleRow(tx, referral, keyOf('Referral', input.referral), client);
  if (!about || about.addressee !== client.organisation.id) return { userErrors: [notFound('referral', 'referral')] };
  const errors = checkFeedback(input, about.madeOn, now);
  errors.push(...(await checkCodes(tx, input.givenOn, [{ list: 'contact-outcome', value: input.outcome, path: ['outcome'] }])));
  const { errors: order, invalid } = faults();
  if (about.status !== 'DECIDED') invalid('Decide on its contact first; that is told by itself.', 'referral');
  errors.push(...order);
  if (errors.length > 0) return { userErrors: errors };
  const given = { kind: input.kind, outcome: input.outcome, nextStep: input.nextStep ?? null, givenOn: input.givenOn };
  const id = await tell(tx, about, given);
  if (id === null) {
    invalid('The referrer has been told of this already.', 'kind');
    return { userErrors: order };
  }
  await meetClock(tx, { rule: 'FEEDBACK_ASSESSMENT', subject: { type: 'Referral', id: about.id }, on: input.givenOn });
  return { change: { action: 'giveFeedback', entity: 'ReferralFeedback', id, family: null, persons: [], dataClasses: ['CASE'] } };
};

export const answerFeedback: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<AnswerFeedbackInput, 'idempotencyKey'>;
  const { errors, invalid, text } = faults();
  text(input.comment, LONGEST.comment, 'comment');
  const about = await visibleRow(tx, referralFeedback, keyOf('ReferralFeedback', input.feedback), client);
  if (!about || about.recipient !== client.organisation.id) return { userErrors: [...errors, notFound('feedback', 'feedback')] };
  if (errors.length > 0) return { userErrors: errors };
  const answered = await tx
    .insert(referralFeedbackAnswer)
    .values({
      feedback: about.id,
      referral: about.referral,
      sender: client.organisation.id,
      addressee: about.controller,
      worker: client.user,
      useful: input.useful,
      comment: input.comment ?? null,
      answeredOn: today(now),
    })
    .onConflictDoNothing();
  if (answered.rowCount === 0) {
    invalid('It has been answered already.', 'feedback');
    return { userErrors: errors };
  }
  return {
    change: { action: 'answerFeedback', entity: 'ReferralFeedback', id: about.id, family: null, persons: [], dataClasses: ['CASE'] },
  };
};
