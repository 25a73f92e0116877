/**
 * Vouchers: what is given at a desk that must not learn who sent somebody. The county's side names the person; the desk's side, a row of
 * its own for each code that it tries, names nobody. No key leads from one to the other.
 */
import { sql } from 'drizzle-orm';
import { date, index, integer, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { classify, fsp, key, moment, version } from '../../db/classified.ts';
import { service, serviceOffer } from '../district/tables.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { drawn } from '../housing/tables.ts';
import { organisation } from '../sharing/tables.ts';

export const voucher = classify(
  fsp.table(
    'voucher',
    {
      id: drawn(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      offer: key('offer')
        .notNull()
        .references(() => serviceOffer.id),
      /** SHA-256 of the code, in hexadecimal. The code is shown once and kept nowhere. */
      codeHash: text('code_hash').notNull(),
      status: text('status').$type<'ISSUED' | 'REDEEMED' | 'VOID'>().notNull(),
      issuedOn: date('issued_on').notNull(),
      expiresOn: date('expires_on').notNull(),
      redeemedOn: date('redeemed_on'),
      version: version(),
    },
    (t) => [
      uniqueIndex('voucher_code').on(t.codeHash),
      index('voucher_family').on(t.family, t.id),
      index('voucher_offer').on(t.offer),
      // One that is good at a time.
      uniqueIndex('voucher_issued').on(t.offer).where(sql`status = 'ISSUED'`),
    ],
  ),
  'OFFER',
);

/** What a desk was told of a code. Written by `fsp.redeem_voucher` alone. */
export const voucherRedemption = classify(
  fsp.table(
    'voucher_redemption',
    {
      id: drawn(),
      sender: integer('sender')
        .notNull()
        .references(() => organisation.id),
      worker: text('worker'),
      /** Null: the code is not known here. */
      service: integer('service').references(() => service.id),
      result: text('result').$type<'ACCEPTED' | 'USED' | 'EXPIRED' | 'NOT_KNOWN'>().notNull(),
      expiresOn: date('expires_on'),
      triedOn: date('tried_on').notNull(),
      at: moment('at').notNull().defaultNow(),
    },
    (t) => [index('voucher_redemption_sender').on(t.sender, t.at)],
  ),
  'OFFER',
  { own: { columns: ['sender'] }, writer: 'sender', sealed: true, amendedBy: [] },
);
