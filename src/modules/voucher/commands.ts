/** Vouchers: issued by who offers a service, redeemed by the desk that gives it. */
import { and, eq, sql } from 'drizzle-orm';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { IssueVoucherInput, RedeemVoucherInput, ServiceOfferStatus } from '../../graphql/generated.ts';
import { LIMITS } from '../../limits.ts';
import { addDays, today } from '../clock/calendar.ts';
import { takingPlace } from '../district/full.ts';
import { service, serviceOffer, serviceOfferLink } from '../district/tables.ts';
import { fingerprintOf, newCode, readCode } from './codes.ts';
import { voucher } from './tables.ts';

/** A voucher is good for a year at most. */
const LONGEST_DAYS = 366;

const GOOD: readonly ServiceOfferStatus[] = ['OFFERED', 'WAITING', 'ACCEPTED'];

export const issueVoucher: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<IssueVoucherInput, 'idempotencyKey'>;
  const day = today(now);
  const { errors, invalid, rule } = faults();
  if (input.expires < day) invalid('Must not be in the past.', 'expires');
  if (input.expires > addDays(day, LONGEST_DAYS)) invalid('A year at most.', 'expires');
  const offer = await visibleRow(tx, serviceOffer, keyOf('ServiceOffer', input.offer), client);
  const [given] = offer
    ? await tx
        .select({ byVoucher: service.byVoucher })
        .from(serviceOfferLink)
        .innerJoin(service, eq(service.id, serviceOfferLink.service))
        .where(eq(serviceOfferLink.offer, offer.id))
    : [];
  if (!offer || !given || offer.controller !== client.organisation.id)
    return { userErrors: [...errors, notFound('offer of yours', 'offer')] };
  // As it stands now and until this is written: an offer that is declined meanwhile has no voucher after it.
  const [held] = await tx
    .select({ status: serviceOffer.status })
    .from(serviceOffer)
    .where(eq(serviceOffer.id, offer.id))
    .for('no key update');
  const status = (held?.status ?? offer.status) as ServiceOfferStatus;
  if (!given.byVoucher) invalid('This service is not given by voucher: its desk has the offer in its inbox.', 'offer');
  else if (!GOOD.includes(status)) rule('OFFER_STEP', `The offer is ${status}.`, 'offer');
  if (errors.length > 0) return { userErrors: errors };

  const code = newCode();
  const owned = { family: offer.family, person: offer.person, controller: client.organisation.id, worker: client.user };
  // The one before is good no more: it was lost, or the time was too short.
  await tx
    .update(voucher)
    .set({ status: 'VOID' })
    .where(and(eq(voucher.offer, offer.id), eq(voucher.status, 'ISSUED')));
  const written = await takingPlace(
    () =>
      tx
        .insert(voucher)
        .values({
          ...owned,
          offer: offer.id,
          codeHash: fingerprintOf(readCode(code) as string),
          status: 'ISSUED',
          issuedOn: day,
          expiresOn: input.expires,
        })
        .onConflictDoNothing()
        .returning({ id: voucher.id }),
    'offer',
  );
  if ('code' in written) return { userErrors: [written] };
  const [made] = written;
  if (!made) return { userErrors: [{ code: 'CONFLICT', message: 'Another was issued at the same moment.', path: ['offer'] }] };
  return {
    change: {
      action: 'issueVoucher',
      entity: 'Voucher',
      id: made.id,
      family: offer.family,
      persons: [offer.person],
      dataClasses: ['OFFER'],
    },
    once: { code },
  };
};

/** What is no code at all is looked for like any other, and found as little. */
const NO_CODE = 'none';

export const redeemVoucher: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<RedeemVoucherInput, 'idempotencyKey'>;
  const code = readCode(input.code);
  const fingerprint = code === null ? NO_CODE : fingerprintOf(code);
  const { rows } = await tx.execute<{ id: string | null }>(
    sql`select fsp.redeem_voucher(${fingerprint}::text, ${client.user}::text) as id`,
  );
  const id = rows[0]?.id ?? null;
  if (id === null) {
    const { rule, errors } = faults();
    rule(
      'VOUCHER_TRIES',
      `More than ${LIMITS.voucherTries} codes of the last hour were none of this desk's. Try again in an hour.`,
      'code',
    );
    return { userErrors: errors };
  }
  return {
    change: { action: 'redeemVoucher', entity: 'VoucherRedemption', id: Number(id), family: null, persons: [], dataClasses: ['OFFER'] },
  };
};
