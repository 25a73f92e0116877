import { type Binding, column, type FieldBinding, one, type RootBinding } from '../../read/binding.ts';
import { voucher, voucherRedemption } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'Voucher',
    anchor: voucher,
    id: 'id',
    fields: {
      offer: one('ServiceOffer', voucher.offer, 'id', { sameFamily: true, samePerson: true }),
      status: column(voucher.status),
      issued: column(voucher.issuedOn),
      expires: column(voucher.expiresOn),
      redeemed: column(voucher.redeemedOn),
      version: column(voucher.version),
    },
  },
  {
    type: 'VoucherRedemption',
    anchor: voucherRedemption,
    id: 'id',
    fields: {
      result: column(voucherRedemption.result),
      service: one('Service', voucherRedemption.service, 'id'),
      expires: column(voucherRedemption.expiresOn),
      tried: column(voucherRedemption.triedOn),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  ServiceOffer: {
    vouchers: {
      kind: 'list',
      to: 'Voucher',
      on: (o, v) => `${v}.offer = ${o}.id`,
      order: {
        keys: [
          { column: 'issued_on', type: 'date' },
          { column: 'id', type: 'bigint' },
        ],
      },
      sameFamily: true,
      samePerson: true,
    },
  },
};

export const roots: Record<string, RootBinding> = {
  voucherRedemptions: {
    kind: 'page',
    to: 'VoucherRedemption',
    order: () => ({
      keys: [
        { column: 'tried_on', type: 'date' },
        { column: 'id', type: 'bigint' },
      ],
      descending: true,
    }),
    filters: {},
  },
};
