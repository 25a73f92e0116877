/** What an offer of a service must be. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { OfferServiceInput, RecordOfferOutcomeInput, ServiceOfferStatus } from '../../graphql/generated.ts';

/** The input of `offerService` without its idempotency key. */
export type OfferInput = Omit<OfferServiceInput, 'idempotencyKey'>;

/** Everything the caller can mend about an offer of this service. Pure. */
export function checkOffer(input: OfferInput, service: { active: boolean }, now: Date): UserError[] {
  const { errors, invalid, past } = faults();
  if (!service.active) invalid('This service is not given at present.', 'service');
  past(input.offered, now, 'offered');
  return errors;
}

/** The input of `recordOfferOutcome` without its idempotency key. */
export type OutcomeInput = Omit<RecordOfferOutcomeInput, 'idempotencyKey'>;

const NEXT: Record<ServiceOfferStatus, readonly ServiceOfferStatus[]> = {
  OFFERED: ['ACCEPTED', 'WAITING', 'TAKEN_UP', 'DECLINED', 'NOT_AVAILABLE'],
  WAITING: ['ACCEPTED', 'TAKEN_UP', 'DECLINED', 'NOT_AVAILABLE'],
  ACCEPTED: ['TAKEN_UP', 'DECLINED', 'NOT_AVAILABLE'],
  TAKEN_UP: ['COMPLETED', 'DECLINED', 'NOT_AVAILABLE'],
  DECLINED: [],
  NOT_AVAILABLE: [],
  COMPLETED: [],
};

/** Steps that promise a place, or one later: for who gives the service alone to take. */
const PROMISES: ReadonlySet<ServiceOfferStatus> = new Set(['ACCEPTED', 'WAITING']);

/** Steps of which has to be said why. */
const NEEDS_REASON: ReadonlySet<ServiceOfferStatus> = new Set(['DECLINED', 'NOT_AVAILABLE']);

/**
 * Whether an offer may come to stand so. Pure.
 *
 * @param at how it stands; `gives`: the caller's organisation gives the service.
 */
export function checkOfferOutcome(
  input: OutcomeInput,
  at: { status: ServiceOfferStatus; offeredOn: string; takenUpOn: string | null; answeredOn: string | null; gives: boolean },
  now: Date,
): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  text(input.outcome, 2_000, 'outcome');
  past(input.on, now, 'on');
  const next = NEXT[at.status];
  if (!next.includes(input.status)) {
    const can = next.length > 0 ? `it can become ${next.slice(0, -1).join(', ')} or ${next.at(-1)}` : 'that is an end: offer it anew';
    rule('OFFER_STEP', `An offer that is ${at.status} cannot become ${input.status}; ${can}.`, 'status');
  }
  if (input.heldUntil && input.status !== 'ACCEPTED') invalid('Only what is accepted waits to be taken up.', 'heldUntil');
  if (input.heldUntil && input.heldUntil < input.on) invalid('Must not be before it was accepted.', 'heldUntil');
  if (PROMISES.has(input.status) && !at.gives)
    rule('OFFER_STEP', 'Who gives the service accepts, or puts on the waiting list; it is not yours to promise.', 'status');
  const before = at.answeredOn ?? at.takenUpOn ?? at.offeredOn;
  if (input.on < before) rule('OFFER_ORDER', `The step before it was on ${before}.`, 'on');
  if (NEEDS_REASON.has(input.status) && !input.reason)
    invalid('Say why, by a code of the list offer-reason: codes(list: "offer-reason") { code label } has them.', 'reason');
  return errors;
}
