/** What was decided on sharing the third family's record, and who looked in need; all of it over by now. */
import { harriet, marcus, type Step } from './step.ts';

export const SHARING_RECORD: Step[] = [
  {
    on: '2026-06-04',
    as: marcus,
    do: 'recordDisclosureElsewhere',
    input: (n) => ({
      family: n.family,
      person: n.person('mother'),
      recipient: 'Family Court at Oxford',
      classes: ['CASE', 'VICTIM'],
      gateway: 'COURT-ORDER',
      what: 'The chronology of incidents, for the application of a non-molestation order.',
      reason: 'The court ordered it; the mother’s solicitor asked for it.',
      on: '2026-06-04',
    }),
  },
  {
    on: '2026-06-05',
    as: marcus,
    do: 'protectWhereabouts',
    name: ['WhereaboutsProtection', 'refuge'],
    input: (n) => ({ family: n.family, person: n.person('mother'), reason: 'She is in a refuge and he is looking for her.' }),
  },
  {
    on: '2026-06-12',
    as: marcus,
    do: 'recordNewName',
    input: (n) => ({ person: n.person('mother'), familyName: 'Sorrell', since: '2026-06-11' }),
  },
  {
    on: '2026-06-19',
    as: marcus,
    do: 'endWhereaboutsProtection',
    input: (n) => ({ protection: n.made('refuge'), reason: 'She is at home again; he is not let near it by a court’s order.' }),
  },
  {
    on: '2026-06-05',
    as: marcus,
    do: 'recordConflictOfInterest',
    name: ['ConflictOfInterest', 'cousin'],
    input: (n) => ({ family: n.family, user: 'agnes.thorley', reason: 'A cousin of the mother.' }),
  },
  {
    on: '2026-06-26',
    as: marcus,
    do: 'endConflictOfInterest',
    input: (n) => ({ conflict: n.made('cousin') }),
  },
  {
    on: '2026-06-07',
    as: { ...harriet, purpose: 'EMERGENCY' },
    do: 'openEmergencyAccess',
    input: (n) => ({
      family: n.family,
      classes: ['IDENTITY', 'WHEREABOUTS', 'SAFETY'],
      reasonCode: 'RISK_TO_LIFE',
      reason: 'A neighbour rang: shouting, then silence. Who lives there, and is there an order?',
      minutes: 1,
    }),
  },
];
