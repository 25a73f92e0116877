import { rowId } from '../../generate.ts';
import { dilys, frontDoor, type Step, type Teller } from './step.ts';

const bruno: Teller = { client: 'occ-social-care', user: 'bruno.inskip', purpose: 'SAFEGUARDING' };
const bethan: Teller = { client: 'occ-front-door', user: 'bethan.rowe', purpose: 'SAFEGUARDING' };
const anneka: Teller = { client: 'occ-team-management', user: 'anneka.wetherby', purpose: 'SAFEGUARDING' };
const historical = true;

/** Of the told families none comes before the court; this is one of the generated ones, whose first person is a child in care. */
export const COURT_FAMILY = 15;

export const COURT_RECORD: Step[] = [
  {
    on: '2025-06-10',
    as: bruno,
    do: 'startPreProceedings',
    name: ['PreProceedings', 'pre-proceedings'],
    input: (n) => ({ family: n.family, person: n.person('0'), started: '2025-06-10', historical }),
  },
  {
    on: '2025-08-08',
    as: bruno,
    do: 'recordPreProceedings',
    amends: (n) => ['preProceedings', n.made('pre-proceedings')],
    input: () => ({
      letterSent: '2025-06-16',
      familyGroupOffered: true,
      familyGroupFacilitated: false,
      firstMeeting: '2025-06-30',
      reviewMeetings: 1,
      stepDecision: '2025-08-07',
      ended: '2025-08-07',
      outcome: 'A',
      outcomeReasons: 'The letter was not answered, and nothing changed.',
      historical,
    }),
  },
  {
    on: '2026-02-20',
    as: bruno,
    do: 'recordCourtApplication',
    amends: (n) => ['preProceedings', n.made('pre-proceedings')],
    input: () => ({
      applied: '2025-08-14',
      letterSent: '2025-08-15',
      reference: 'OX25C00315',
      finalOrder: '2026-02-20',
      papers: 'Social work evidence template; chronology; care plan.',
      historical,
    }),
  },
  // A mother of two families, who was taken for two. They are different teams' families, which the front door alone sees both.
  {
    on: '2026-03-02',
    as: frontDoor,
    do: 'proposeMerge',
    name: ['PersonMerge', 'one mother'],
    input: (n) => ({
      survivor: n.id('Person', rowId(16, 1)),
      merged: n.id('Person', rowId(17, 1)),
      reason: 'The same date of birth; she moved and took her maiden name again.',
    }),
  },
  { on: '2026-03-03', as: bethan, do: 'mergePersons', amends: (n) => ['merge', n.made('one mother')], input: () => ({}) },
  // A home that was sought without a name, found, and kept: what the council was shown of who it is has ended with it.
  {
    on: '2026-03-09',
    as: bruno,
    do: 'askForHousing',
    name: ['HousingNeed', 'a home'],
    input: (n) => ({
      family: n.family,
      person: n.person('1'),
      council: n.organisation('cherwell-housing'),
      need: 'threatened',
      within: '56-days',
    }),
  },
  {
    on: '2026-03-11',
    as: dilys,
    do: 'answerHousingNeed',
    name: ['HousingAnswer', 'a tenancy'],
    input: (n) => ({
      need: n.made('a home'),
      answer: 'OFFERED',
      kind: 'private-tenancy',
      service: n.id('Service', 102),
      bedrooms: 3,
      availableFrom: '2026-04-01',
      heldUntil: '2026-03-25',
      note: 'A landlord who has let to families before.',
    }),
  },
  {
    on: '2026-03-13',
    as: bruno,
    do: 'acceptHousingOffer',
    amends: (n) => ['answer', n.made('a tenancy')],
    input: () => ({ agreed: '2026-03-12', contactAgreed: true }),
  },
  {
    on: '2026-04-02',
    as: dilys,
    do: 'recordHousingAnswer',
    amends: (n) => ['answer', n.made('a tenancy')],
    input: () => ({ status: 'TAKEN_UP' }),
  },
  {
    on: '2026-06-30',
    as: dilys,
    do: 'recordHousingAnswer',
    amends: (n) => ['answer', n.made('a tenancy')],
    input: () => ({ status: 'ENDED', reason: 'need-met' }),
  },
  // A code that is none, as it was read over the telephone.
  { on: '2026-04-09', as: dilys, do: 'redeemVoucher', input: () => ({ code: 'K7QM-2V9D-4TFW-81RN' }) },
  // The duty to refer, with consent; the council helped, and what it was shown has ended.
  {
    on: '2026-07-06',
    as: bruno,
    do: 'referForHousing',
    name: ['HousingReferral', 'threatened'],
    input: (n) => ({
      family: n.family,
      person: n.person('1'),
      council: n.organisation('cherwell-housing'),
      opinion: 'THREATENED',
      consent: { on: '2026-07-06', how: 'in-person' },
      contact: '07700 900173',
    }),
  },
  {
    on: '2026-07-08',
    as: dilys,
    do: 'answerHousingReferral',
    amends: (n) => ['referral', n.made('threatened')],
    input: () => ({ status: 'ACCEPTED' }),
  },
  {
    on: '2026-09-02',
    as: dilys,
    do: 'answerHousingReferral',
    amends: (n) => ['referral', n.made('threatened')],
    input: () => ({ status: 'ENDED', reason: 'need-met' }),
  },
  // And without it, a manager's decision.
  {
    on: '2026-09-14',
    as: anneka,
    do: 'referForHousing',
    name: ['HousingReferral', 'without consent'],
    input: (n) => ({
      family: n.family,
      person: n.person('1'),
      council: n.organisation('cherwell-housing'),
      opinion: 'HOMELESS',
      withoutConsent: {
        gateway: 'CA2004-s11',
        reason: 'She has left the tenancy and is not reached; the children are due to visit her on Friday.',
      },
    }),
  },
  {
    on: '2026-09-15',
    as: dilys,
    do: 'answerHousingReferral',
    amends: (n) => ['referral', n.made('without consent')],
    input: () => ({ status: 'ACCEPTED' }),
  },
  {
    on: '2026-10-12',
    as: dilys,
    do: 'answerHousingReferral',
    amends: (n) => ['referral', n.made('without consent')],
    input: () => ({ status: 'ENDED', reason: 'need-met' }),
  },
];
