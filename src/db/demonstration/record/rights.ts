import { grace, type Step } from './step.ts';

/** What the first family was told about its data, and whom it was not safe to tell. */
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
];
