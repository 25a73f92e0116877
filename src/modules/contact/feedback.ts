/** What is said back to who sent a referral: written here alone, whichever command brings it about. */
import { and, eq, inArray, isNotNull } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import type { Transaction } from '../../db/transactions.ts';
import { startClock } from '../clock/service.ts';
import { contact, type referral, referralFeedback } from './tables.ts';

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

/** Outcomes by which a family came into statutory help on a partner's referral: who sent it waits for an assessment. */
async function referralsTaken(tx: Transaction, family: number): Promise<number[]> {
  const rows = await tx
    .select({ referral: contact.referral })
    .from(contact)
    .where(and(eq(contact.family, family), isNotNull(contact.referral), inArray(contact.outcome, ['REFERRAL', 'STRATEGY_DISCUSSION'])));
  return rows.map((row) => row.referral as number);
}

/**
 * Starts the clock of the feedback that is due after an assessment, for each referral from which the family's present
 * episode came and whose sender has not been told. Called where an assessment is authorised.
 */
export async function startFeedbackClocks(tx: Transaction, client: Client, family: number, on: string): Promise<void> {
  for (const id of await referralsTaken(tx, family)) {
    const told = await tx
      .select({ id: referralFeedback.id })
      .from(referralFeedback)
      .where(and(eq(referralFeedback.referral, id), eq(referralFeedback.kind, 'AFTER_ASSESSMENT')));
    if (told.length === 0)
      await startClock(tx, client, { rule: 'FEEDBACK_ASSESSMENT', family, subject: { type: 'Referral', id }, from: on });
  }
}
