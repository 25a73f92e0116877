import { inTeam } from '../../personas.ts';
import type { Step, Teller } from './step.ts';

const [manager] = inTeam('team-07', 'team-manager');
const as: Teller = { client: 'occ-team-management', user: manager?.subject as string, purpose: 'SAFEGUARDING' };

/** Who holds which post of the team in Banbury. The team's practitioners for parents are shared with the teams beside it. */
const HELD: [discipline: string, holder: string, name: string, employer: string][] = [
  ['social-worker', 'grace.whitlock', 'Grace Whitlock', 'occ'],
  ['social-worker', 'marcus.oyelaran', 'Marcus Oyelaran', 'occ'],
  ['family-support', 'bethan.rowe', 'Bethan Rowe', 'occ'],
  ['substance-misuse', 'jonah.pryce', 'Jonah Pryce', 'turning-point'],
  ['mental-health', 'niamh.carroll', 'Niamh Carroll', 'oxfordshire-mind'],
  ['domestic-abuse', 'ruth.ellery', 'Ruth Ellery', 'elmore-victims'],
];

/** The house of the county: the posts of one team and who holds them, trainings, supervision, the survey of confidence. */
export const TEAM_RECORD: Step[] = [
  ...HELD.flatMap(([discipline, holder, name, employer]): Step[] => [
    {
      on: '2020-11-02',
      as,
      do: 'recordPost',
      name: ['Post', holder],
      input: (n) => ({
        discipline,
        employer: n.organisation(employer),
        fte: '1.00',
        seconded: employer !== 'occ',
        from: '2020-11-01',
        shares:
          employer === 'occ'
            ? [{ team: n.organisation('team-07'), fte: '1.00' }]
            : [
                { team: n.organisation('team-07'), fte: '0.45' },
                { team: n.organisation('team-06'), fte: '0.45' },
              ],
      }),
    },
    {
      on: '2020-11-02',
      as,
      do: 'fillPost',
      amends: (n) => ['post', n.made(holder)],
      input: () => ({ holder, name, locum: false, from: '2020-11-01' }),
    },
  ]),
  {
    on: '2026-09-01',
    as,
    do: 'recordPost',
    input: (n) => ({
      discipline: 'social-worker',
      employer: n.organisation('occ'),
      fte: '1.00',
      from: '2026-09-01',
      shares: [{ team: n.organisation('team-07'), fte: '1.00' }],
    }),
  },
  ...HELD.map(
    ([, trainee]): Step => ({
      on: '2026-10-01',
      as,
      do: 'recordTraining',
      input: () => ({ trainee, programme: 'motivational-interviewing', level: 'practitioner', completed: '2026-03-20' }),
    }),
  ),
  ...(['grace.whitlock', 'marcus.oyelaran'] as const).map(
    (worker): Step => ({
      on: '2026-10-30',
      as,
      do: 'recordIndividualSupervision',
      input: () => ({ worker, supervisor: manager?.name, kind: 'individual', heldOn: '2026-10-30', sameProfession: true }),
    }),
  ),
  ...[3, 4, 4].map(
    (score): Step => ({
      on: '2026-10-15',
      as,
      do: 'recordConfidence',
      input: () => ({ discipline: 'social-worker', needArea: 'substance-misuse', score, answered: '2026-10-15' }),
    }),
  ),
  {
    on: '2026-10-15',
    as,
    do: 'recordConfidence',
    input: (n) => ({ partner: n.organisation('oxford-health'), needArea: 'domestic-abuse', score: 3, answered: '2026-10-15' }),
  },
];
