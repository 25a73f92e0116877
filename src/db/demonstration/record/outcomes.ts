import type { Names, Step, Teller } from './step.ts';

const performance = (client: string, user: string): Teller => ({ client, user, purpose: 'PERFORMANCE' });
const analyst = performance('occ-analyst', 'agnes.thorley');

/** What the agencies that help the first family report of it, month by month and quarter by quarter. */
const REPORTED: [
  as: Teller,
  indicator: string,
  person: string | null,
  lines: [from: string, to: string, count: string, base?: string][],
][] = [
  [
    performance('thames-valley-police-performance', 'harriet.coyle'),
    'domestic-abuse-incidents',
    null,
    [
      ['2025-11-01', '2025-11-30', '2'],
      ['2025-12-01', '2025-12-31', '1'],
      ['2026-01-01', '2026-01-31', '0'],
    ],
  ],
  [performance('thames-valley-police-performance', 'harriet.coyle'), 'parental-arrests', 'father', [['2025-11-01', '2025-11-30', '2']]],
  [
    performance('school-tansy-bridge-performance', 'owen.lathbury'),
    'school-attendance',
    'maisie',
    [
      ['2025-11-01', '2025-11-30', '29', '40'],
      ['2026-10-01', '2026-10-31', '38', '40'],
    ],
  ],
  [performance('oxford-health-performance', 'amara.osei'), 'parental-ae-attendance', 'mother', [['2025-11-01', '2025-11-30', '1']]],
  [performance('cherwell-housing-performance', 'dilys.penrose'), 'families-without-a-home', null, [['2026-07-01', '2026-09-30', '1']]],
  [performance('turning-point-performance', 'callum.strand'), 'substance-misuse', 'mother', [['2026-07-01', '2026-09-30', '1', '1']]],
];

const lines = (n: Names, [, indicator, person, reported]: (typeof REPORTED)[number]) =>
  reported.map(([from, to, count, base]) => ({
    indicator,
    family: n.family,
    ...(person ? { person: n.person(person) } : {}),
    from,
    to,
    count,
    ...(base ? { base } : {}),
  }));

/** Children educated at home, by the district's code. */
const AT_HOME: [area: string, children: string][] = [
  ['E07000177', '212'],
  ['E07000178', '143'],
  ['E07000179', '168'],
  ['E07000180', '151'],
  ['E07000181', '134'],
];

/** What is reported of the first family and of the districts, one of it corrected, and a target with its adjustment. */
export const OUTCOMES_RECORD: Step[] = [
  ...REPORTED.map((each): Step => ({ on: '2026-11-02', as: each[0], do: 'recordObservations', input: (n) => ({ lines: lines(n, each) }) })),
  {
    on: '2026-11-09',
    as: performance('thames-valley-police-performance', 'harriet.coyle'),
    do: 'recordObservations',
    input: (n) => ({
      lines: [
        {
          indicator: 'parental-arrests',
          family: n.family,
          person: n.person('father'),
          from: '2025-11-01',
          to: '2025-11-30',
          count: '1',
          correctionReason: 'One arrest was counted twice.',
        },
      ],
    }),
  },
  {
    on: '2026-11-02',
    as: analyst,
    do: 'recordObservations',
    input: () => ({
      lines: AT_HOME.map(([area, count]) => ({
        indicator: 'elective-home-education',
        area,
        from: '2026-07-01',
        to: '2026-09-30',
        count,
        persons: Number(count),
      })),
    }),
  },
  {
    on: '2026-03-20',
    as: analyst,
    do: 'setTarget',
    name: ['IndicatorTarget', 'attendance'],
    input: () => ({ indicator: 'school-attendance', from: '2026-04-01', to: '2027-03-31', value: '92.5' }),
  },
  {
    on: '2026-09-14',
    as: analyst,
    do: 'setTarget',
    input: (n) => ({
      indicator: 'school-attendance',
      from: '2026-09-01',
      to: '2027-03-31',
      value: '91',
      reason: 'Schools were closed for a week after the floods.',
      adjusts: n.made('attendance'),
    }),
  },
];
