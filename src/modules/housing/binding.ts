import { type Binding, code, column, type FieldBinding, type Order, one, type RootBinding } from '../../read/binding.ts';
import {
  housingAnswer,
  housingIntroduction,
  housingNeed,
  housingOrigin,
  housingReferral,
  housingReferralContact,
  housingReferralWhy,
} from './tables.ts';

const byWeek: Order = {
  keys: [
    { column: 'week', type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
};

export const bindings: Binding[] = [
  {
    type: 'HousingNeed',
    anchor: housingNeed,
    id: 'id',
    sides: [[housingOrigin, housingOrigin.need]],
    fields: {
      askedBy: one('Organisation', housingNeed.sender, 'id'),
      council: one('Organisation', housingNeed.addressee, 'id'),
      need: code('housing-need', housingNeed.need),
      within: code('housing-within', housingNeed.within),
      adults: column(housingNeed.adults),
      children: column(housingNeed.children),
      aged0To4: column(housingNeed.aged0To4),
      aged5To10: column(housingNeed.aged5To10),
      aged11To15: column(housingNeed.aged11To15),
      aged16To17: column(housingNeed.aged16To17),
      area: column(housingNeed.area),
      week: column(housingNeed.week),
      status: column(housingNeed.status),
      reason: code('offer-reason', housingNeed.reason),
      answers: {
        kind: 'list',
        to: 'HousingAnswer',
        on: (n, a) => `${a}.need = ${n}.id`,
        order: {
          keys: [
            { column: 'answered_on', type: 'date' },
            { column: 'id', type: 'bigint' },
          ],
        },
      },
      introduction: { kind: 'one', to: 'HousingIntroduction', on: (n, i) => `${i}.need = ${n}.id` },
      family: one('Family', housingOrigin.family, 'family'),
      person: one('Person', housingOrigin.person, 'person'),
      version: column(housingNeed.version),
    },
  },
  {
    type: 'HousingAnswer',
    anchor: housingAnswer,
    id: 'id',
    fields: {
      need: one('HousingNeed', housingAnswer.need, 'id'),
      status: column(housingAnswer.status),
      kind: code('housing-offer', housingAnswer.kind),
      service: one('Service', housingAnswer.service, 'id'),
      bedrooms: column(housingAnswer.bedrooms),
      availableFrom: column(housingAnswer.availableFrom),
      heldUntil: column(housingAnswer.heldUntil),
      note: column(housingAnswer.note),
      reason: code('offer-reason', housingAnswer.reason),
      answered: column(housingAnswer.answeredOn),
      version: column(housingAnswer.version),
    },
  },
  {
    type: 'HousingIntroduction',
    anchor: housingIntroduction,
    fields: {
      person: one('Person', housingIntroduction.aboutPerson, 'person'),
      family: one('Family', housingIntroduction.aboutFamily, 'family'),
      agreed: column(housingIntroduction.agreedOn),
      contactAgreed: column(housingIntroduction.contactAgreed),
      introduced: column(housingIntroduction.introducedOn),
    },
  },
  {
    type: 'HousingReferral',
    anchor: housingReferral,
    id: 'id',
    sides: [
      [housingReferralContact, housingReferralContact.referral],
      [housingReferralWhy, housingReferralWhy.referral],
    ],
    fields: {
      referrer: one('Organisation', housingReferral.sender, 'id'),
      council: one('Organisation', housingReferral.addressee, 'id'),
      opinion: column(housingReferral.opinion),
      made: column(housingReferral.madeOn),
      consented: column(housingReferral.consentedOn),
      consentedHow: code('told-how', housingReferral.consentedHow),
      gateway: code('sharing-gateway', housingReferral.gateway),
      whyWithout: column(housingReferralWhy.whyWithout),
      contact: column(housingReferralContact.contact),
      person: one('Person', housingReferral.aboutPerson, 'person'),
      family: one('Family', housingReferral.aboutFamily, 'family'),
      status: column(housingReferral.status),
      reason: code('offer-reason', housingReferral.reason),
      version: column(housingReferral.version),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    housingNeeds: {
      kind: 'page',
      to: 'HousingNeed',
      on: () => 'true',
      among: (n, sub, f) => `${n}.id = any (array(select whose.need ${sub(housingOrigin, 'whose')} and whose.family = ${f}.family))`,
      order: byWeek,
    },
  },
};

export const roots: Record<string, RootBinding> = {
  housingReferrals: {
    kind: 'page',
    to: 'HousingReferral',
    order: () => ({
      keys: [
        { column: 'made_on', type: 'date' },
        { column: 'id', type: 'bigint' },
      ],
    }),
    filters: {
      'filter.open': { decode: 'text', where: (r, p) => `(${r}.status not in ('DECLINED', 'ENDED', 'WITHDRAWN')) = ${p}::boolean` },
    },
  },
  housingNeeds: {
    kind: 'page',
    to: 'HousingNeed',
    order: () => byWeek,
    filters: { 'filter.open': { decode: 'text', where: (n, p) => `(${n}.status = 'OPEN') = ${p}::boolean` } },
  },
};
