import { gideon, grace, type Step } from './step.ts';

/** What the first family was told about its data, whom it was not safe to tell, and that the mother asked for hers. */
export const RIGHTS_RECORD: Step[] = [
  {
    on: '2026-04-30',
    as: grace,
    do: 'recordToldFamily',
    input: (n) => ({
      family: n.family,
      notice: 'first-contact',
      persons: [n.person('mother'), n.person('maisie')],
      on: '2026-04-30',
      how: 'in-person',
    }),
  },
  {
    on: '2026-04-30',
    as: grace,
    do: 'recordToldFamily',
    input: (n) => ({
      family: n.family,
      notice: 'before-sharing',
      persons: [n.person('father')],
      on: '2026-04-30',
      whyNot: 'He would have learnt of the referral before she was safe.',
    }),
  },
  {
    on: '2026-11-02',
    as: gideon,
    do: 'requestSubjectAccess',
    name: ['SubjectAccess', 'request'],
    input: (n) => ({ person: n.person('mother'), requester: 'SELF', received: '2026-10-30', identityChecked: '2026-11-02' }),
  },
  {
    on: '2026-11-04',
    as: gideon,
    do: 'prepareSubjectAccess',
    amends: (n) => ['request', n.made('request')],
    input: () => ({}),
  },
  {
    on: '2026-10-05',
    as: grace,
    do: 'requestRectification',
    name: ['RightsRequest', 'date'],
    input: (n) => ({
      family: n.family,
      person: n.person('mother'),
      fact: n.base('WorkbookEntry', 0),
      statement: 'I was not ready that week, and I said why. It does not say why.',
      asked: '2026-10-05',
    }),
  },
  {
    on: '2026-10-12',
    as: grace,
    do: 'decideRectification',
    amends: (n) => ['request', n.made('date')],
    input: () => ({ outcome: 'COMPLETED', on: '2026-10-12' }),
  },
  {
    on: '2026-10-05',
    as: grace,
    do: 'restrictProcessing',
    name: ['ProcessingRestriction', 'equality'],
    input: (n) => ({
      family: n.family,
      person: n.person('mother'),
      class: 'EQUALITY',
      ground: 'accuracy',
      reason: 'She says that her religion was never asked.',
      from: '2026-10-05',
    }),
  },
  {
    on: '2026-10-12',
    as: grace,
    do: 'liftProcessingRestriction',
    amends: (n) => ['restriction', n.made('equality')],
    input: () => ({ on: '2026-10-12', reason: 'It was asked, and put right.' }),
  },
  {
    on: '2026-11-04',
    as: { ...gideon, purpose: 'GOVERNANCE' },
    do: 'placeHold',
    input: (n) => ({
      family: n.family,
      cause: 'subject-access',
      reason: 'She asked for her data: nothing is erased before she has it.',
      on: '2026-11-04',
    }),
  },
];
