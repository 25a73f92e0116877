import {
  type Binding,
  byId,
  code,
  column,
  computed,
  type FieldBinding,
  list,
  type Order,
  one,
  page,
  type RelationField,
  type RootBinding,
} from '../../read/binding.ts';
import {
  contact,
  contactChild,
  contactConcern,
  contactInformant,
  contactSource,
  informationAnswer,
  informationRequest,
  informationRequestPerson,
  lookUp,
  lookUpReceipt,
  referral,
  referralChild,
  referralChildPlace,
  referralFeedback,
  referralFeedbackAnswer,
} from './tables.ts';

const LOOK_UPS_SHOWN = 25;

const latest = (column: string): Order => ({
  keys: [
    { column, type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
});

const keptFrom: RelationField = {
  kind: 'list',
  to: 'Person',
  on: (row, p) => `${p}.person = any (${row}.kept_from)`,
  order: { keys: [{ column: 'person', type: 'bigint' }] },
};

export const bindings: Binding[] = [
  {
    type: 'Referral',
    anchor: referral,
    id: 'id',
    fields: {
      sender: one('Organisation', referral.sender, 'id'),
      addressee: one('Organisation', referral.addressee, 'id'),
      madeOn: column(referral.madeOn),
      need: code('primary-need', referral.need),
      concern: column(referral.concern),
      familyKnows: column(referral.familyKnows),
      agreed: column(referral.agreed),
      whyNotTold: column(referral.whyNotTold),
      referrer: column(referral.referrer),
      phone: column(referral.phone),
      children: list('ReferralChild', 'referral', 'id', byId),
      status: column(referral.status),
      outcome: code('contact-outcome', referral.outcome),
      nextStep: column(referral.nextStep),
      feedback: list('ReferralFeedback', 'referral', 'id', byId),
      contact: { kind: 'one', to: 'Contact', on: (r, c) => `${c}.referral = ${r}.id` },
      version: column(referral.version),
    },
  },
  {
    type: 'ReferralChild',
    anchor: referralChild,
    sides: [[referralChildPlace, referralChildPlace.child]],
    fields: {
      givenName: column(referralChild.givenName),
      familyName: column(referralChild.familyName),
      dateOfBirth: column(referralChild.dateOfBirth),
      address: column(referralChildPlace.address),
      school: column(referralChildPlace.school),
    },
  },
  {
    type: 'ReferralFeedback',
    anchor: referralFeedback,
    id: 'id',
    fields: {
      kind: column(referralFeedback.kind),
      outcome: code('contact-outcome', referralFeedback.outcome),
      nextStep: column(referralFeedback.nextStep),
      givenOn: column(referralFeedback.givenOn),
      answer: { kind: 'one', to: 'ReferralFeedbackAnswer', on: (f, a) => `${a}.feedback = ${f}.id` },
      referral: one('Referral', referralFeedback.referral, 'id'),
    },
  },
  {
    type: 'ReferralFeedbackAnswer',
    anchor: referralFeedbackAnswer,
    fields: {
      useful: column(referralFeedbackAnswer.useful),
      comment: column(referralFeedbackAnswer.comment),
      answeredOn: column(referralFeedbackAnswer.answeredOn),
    },
  },
  {
    type: 'Contact',
    anchor: contact,
    id: 'id',
    sides: [
      [contactSource, contactSource.contact],
      [contactConcern, contactConcern.contact],
    ],
    event: { at: contact.receivedOn },
    fields: {
      receivedOn: column(contact.receivedOn),
      channel: code('contact-channel', contact.channel),
      source: code('referral-source', contactSource.source),
      referral: one('Referral', contact.referral, 'id'),
      concern: column(contactConcern.concern),
      children: list('ContactChild', 'contact', 'id', byId, { sameFamily: true }),
      informant: { kind: 'one', to: 'ContactInformant', on: (c, i) => `${i}.contact = ${c}.id`, sameFamily: true },
      repeat: column(contact.repeat),
      outcome: code('contact-outcome', contact.outcome),
      decidedOn: column(contact.decidedOn),
      nextStep: column(contact.nextStep),
      signpostedTo: column(contact.signpostedTo),
      earlyHelp: column(contact.earlyHelp),
      reason: column(contactConcern.reason),
      keptFrom,
      family: one('Family', contact.family, 'family'),
      version: column(contact.version),
    },
  },
  {
    type: 'ContactChild',
    anchor: contactChild,
    fields: {
      givenName: column(contactChild.givenName),
      familyName: column(contactChild.familyName),
      dateOfBirth: column(contactChild.dateOfBirth),
      person: one('Person', contactChild.person, 'person', { samePerson: true }),
    },
  },
  {
    type: 'ContactInformant',
    anchor: contactInformant,
    fields: {
      name: column(contactInformant.name),
      phone: column(contactInformant.phone),
      relation: column(contactInformant.relation),
      anonymous: column(contactInformant.anonymous),
    },
  },
  {
    type: 'InformationRequest',
    anchor: informationRequest,
    id: 'id',
    fields: {
      sender: one('Organisation', informationRequest.sender, 'id'),
      addressee: one('Organisation', informationRequest.addressee, 'id'),
      purpose: column(informationRequest.purpose),
      question: column(informationRequest.question),
      askedOn: column(informationRequest.askedOn),
      dueOn: column(informationRequest.dueOn),
      status: computed(
        informationRequest,
        (r, sub) =>
          `coalesce((select case when told.answer is null then 'REFUSED' else 'ANSWERED' end ${sub(informationAnswer, 'told')} and told.request = ${r}.id), 'OPEN')`,
      ),
      persons: list('InformationRequestPerson', 'request', 'id', byId),
      answer: { kind: 'one', to: 'InformationAnswer', on: (r, a) => `${a}.request = ${r}.id` },
      family: one('Family', informationRequest.aboutFamily, 'family'),
      contact: one('Contact', informationRequest.contact, 'id'),
    },
  },
  {
    type: 'InformationRequestPerson',
    anchor: informationRequestPerson,
    fields: {
      givenName: column(informationRequestPerson.givenName),
      familyName: column(informationRequestPerson.familyName),
      dateOfBirth: column(informationRequestPerson.dateOfBirth),
      person: one('Person', informationRequestPerson.aboutPerson, 'person'),
    },
  },
  {
    type: 'InformationAnswer',
    anchor: informationAnswer,
    id: 'id',
    fields: {
      organisation: one('Organisation', informationAnswer.sender, 'id'),
      answer: column(informationAnswer.answer),
      refusal: code('refusal-reason', informationAnswer.refusalReason),
      reason: column(informationAnswer.reason),
      answeredOn: column(informationAnswer.answeredOn),
      answeredBy: column(informationAnswer.answeredBy),
      keptFrom,
    },
  },
  {
    type: 'LookUp',
    anchor: lookUp,
    id: 'id',
    fields: {
      childProtectionPlan: column(lookUp.childProtectionPlan),
      lookedAfter: column(lookUp.lookedAfter),
      unbornPlan: column(lookUp.unbornPlan),
      ring: column(lookUp.ring),
      at: column(lookUp.at),
    },
  },
  {
    type: 'LookUpReceipt',
    anchor: lookUpReceipt,
    fields: { organisation: one('Organisation', lookUpReceipt.organisation, 'id'), at: column(lookUpReceipt.at) },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    contacts: page('Contact', 'family', 'family', latest('received_on'), { sameFamily: true }),
    lookUps: {
      kind: 'list',
      to: 'LookUpReceipt',
      on: (f, r) =>
        `${r}.family = ${f}.family and ${r}.id in (select late.id from fsp.look_up_receipt late where late.family = ${f}.family order by late.id desc limit ${LOOK_UPS_SHOWN})`,
      order: { keys: [{ column: 'id', type: 'bigint' }], descending: true },
      sameFamily: true,
    },
  },
};

/** Whether there is such a row, as the filter asks: yes for `true`, no for `false`. */
const there = (exists: string, wanted: string) => `(exists (select ${exists})) = (${wanted})::boolean`;

const between = (day: string) => ({
  'filter.from': { decode: 'text' as const, where: (row: string, p: string) => `${row}.${day} >= ${p}::date` },
  'filter.to': { decode: 'text' as const, where: (row: string, p: string) => `${row}.${day} <= ${p}::date` },
});

export const roots: Record<string, RootBinding> = {
  referrals: {
    kind: 'page',
    to: 'Referral',
    order: () => latest('made_on'),
    filters: {
      'filter.withoutFeedback': {
        decode: 'text',
        where: (r, p, sub) => there(`${sub(referralFeedback, 'said')} and said.referral = ${r}.id`, `not ${p}::boolean`),
      },
      'filter.withoutContact': {
        decode: 'text',
        where: (r, p, sub) => there(`${sub(contact, 'made')} and made.referral = ${r}.id`, `not ${p}::boolean`),
      },
      ...between('made_on'),
    },
  },
  contacts: {
    kind: 'page',
    to: 'Contact',
    order: () => latest('received_on'),
    filters: {
      'filter.undecided': { decode: 'text', where: (c, p) => `(${c}.decided_on is null) = ${p}::boolean` },
      'filter.repeat': { decode: 'text', where: (c, p) => `${c}.repeat = ${p}::boolean` },
      'filter.source': {
        decode: 'text',
        where: (c, p, sub) => `${c}.id in (select from_whom.contact ${sub(contactSource, 'from_whom')} and from_whom.source = ${p})`,
      },
      ...between('received_on'),
    },
  },
  informationRequests: {
    kind: 'page',
    to: 'InformationRequest',
    order: () => ({
      keys: [
        { column: 'due_on', type: 'date' },
        { column: 'id', type: 'bigint' },
      ],
    }),
    filters: {
      'filter.open': {
        decode: 'text',
        where: (r, p, sub) => there(`${sub(informationAnswer, 'told')} and told.request = ${r}.id`, `not ${p}::boolean`),
      },
    },
  },
};
