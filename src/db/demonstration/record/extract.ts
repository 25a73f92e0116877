import type { Step, Teller } from './step.ts';

const governance = (user: string): Teller => ({ client: 'occ-governance', user, purpose: 'GOVERNANCE' });

/** The university's extract: of those who came in one year, followed for another, prepared by one and released by another. */
export const EXTRACT_RECORD: Step[] = [
  {
    on: '2026-11-16',
    as: governance('gideon.marlowe'),
    do: 'prepareExtract',
    name: ['Extract', 'extract'],
    input: (n) => ({
      recipient: n.organisation('oxford-university'),
      purpose: 'Days in need, on plan and in care after entry, for the evaluation of the model.',
      enteredFrom: '2024-11-01',
      enteredUntil: '2025-10-31',
    }),
  },
  {
    on: '2026-11-18',
    as: governance('philippa.nunn'),
    do: 'releaseExtract',
    input: (n) => ({ extract: n.made('extract') }),
  },
];
