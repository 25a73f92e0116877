/** What an offer of a service must be. */
import type { UserError } from '../../change/command.ts';
import type { OfferServiceInput } from '../../graphql/generated.ts';

/** The input of `offerService` without its idempotency key. */
export type OfferInput = Omit<OfferServiceInput, 'idempotencyKey'>;

/** Everything the caller can mend about an offer of this service. Pure. */
export function checkOffer(input: OfferInput, service: { active: boolean }, now: Date): UserError[] {
  const errors: UserError[] = [];
  const invalid = (message: string, field: string) => errors.push({ code: 'INVALID', message, path: [field] });
  if (!service.active) invalid('This service is not given at present.', 'service');
  if (input.offered > now.toISOString().slice(0, 10)) invalid('Must not be in the future.', 'offered');
  return errors;
}
