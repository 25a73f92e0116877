/** What an offer of a service must be. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { OfferServiceInput } from '../../graphql/generated.ts';

/** The input of `offerService` without its idempotency key. */
export type OfferInput = Omit<OfferServiceInput, 'idempotencyKey'>;

/** Everything the caller can mend about an offer of this service. Pure. */
export function checkOffer(input: OfferInput, service: { active: boolean }, now: Date): UserError[] {
  const { errors, invalid, past } = faults();
  if (!service.active) invalid('This service is not given at present.', 'service');
  past(input.offered, now, 'offered');
  return errors;
}
