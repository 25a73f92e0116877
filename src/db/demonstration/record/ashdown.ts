import { TEAMS, USERS } from '../../personas.ts';
import { felicity, lorna, type Names, type Step, type Teller } from './step.ts';

const subject = (discipline: string) => TEAMS['team-02']?.find((member) => member.discipline === discipline)?.subject as string;
const worker: Teller = { client: 'occ-social-care', user: subject('social-worker'), purpose: 'SAFEGUARDING' };
const manager: Teller = { client: 'occ-team-management', user: subject('team-manager'), purpose: 'SAFEGUARDING' };
const nameOf = (user: string) => USERS.find((each) => each.subject === user)?.name as string;
const historical = true;
const THERE = ['childrens-social-care', 'school', 'health-visiting', 'substance-misuse'];
const guest = (n: Names, code: string, user: string) => ({ organisation: n.organisation(code), user, name: nameOf(user) });

/** Pages 34 to 40. What tells of the unborn child is about the unborn child, or of a class that tells of health. */
export const ASHDOWN_RECORD: Step[] = [
  ...['jade', 'liam'].flatMap((child, index): Step[] => [
    {
      on: '2025-01-20',
      as: worker,
      do: 'openEpisode',
      input: (n) => ({ family: n.family, person: n.person(child), referred: '2025-01-20', source: '2A', primaryNeed: 'N1', historical }),
    },
    {
      on: '2025-01-22',
      as: worker,
      do: 'startAssessment',
      name: ['Assessment', child],
      input: (n) => ({
        family: n.family,
        person: n.person(child),
        kind: 'child-and-family',
        started: '2025-01-22',
        team: n.organisation('team-02'),
        historical,
      }),
    },
    {
      on: '2025-03-14',
      as: worker,
      do: 'completeAssessment',
      amends: (n) => ['assessment', n.made(child)],
      input: (n) => ({
        authorisedOn: '2025-03-14',
        childSeen: true,
        seenAlone: true,
        outcomes: ['conference'],
        factors: [{ code: '1B', person: n.person('mother') }, { code: '16A' }],
        analysis: 'The children’s needs came second for a long time.',
        historical,
      }),
    },
    {
      on: '2026-11-05',
      as: worker,
      do: 'recordConference',
      input: (n) => ({
        family: n.family,
        person: n.person(child),
        kind: 'REVIEW',
        held: '2026-11-05',
        chair: 'Rosalind Keane',
        attended: THERE,
        outcome: 'plan-continues',
        chairsView: 'Good social work in evidence: an honest, trusting relationship with clear safeguarding messages.',
        historical,
      }),
    },
    {
      on: '2026-11-09',
      as: worker,
      do: 'recordVisit',
      input: (n) => ({
        family: n.family,
        person: n.person(child),
        kind: 'CHILD_PROTECTION',
        plan: n.base('Plan', index),
        visited: '2026-11-09',
        seen: true,
        seenAlone: true,
        bedroomSeen: true,
        place: 'home',
      }),
    },
  ]),
  {
    on: '2026-02-12',
    as: worker,
    do: 'arrangeContact',
    input: (n) => ({
      family: n.family,
      person: n.person('jade'),
      with: n.person('mother'),
      mode: 'DIRECT',
      supervision: 'NONE',
      outOfHome: false,
      frequency: 'Every Saturday',
      started: '2026-02-14',
      venue: 'At the grandmother’s',
    }),
  },
  {
    on: '2026-07-21',
    as: felicity,
    do: 'recordAbstinence',
    input: (n) => ({ family: n.family, person: n.person('mother'), substance: 'cigarettes', since: '2026-07-01' }),
  },
  {
    on: '2025-12-15',
    as: lorna,
    do: 'recordAbstinence',
    input: (n) => ({ family: n.family, person: n.person('mother'), substance: 'alcohol', since: '2025-12-01' }),
  },
  ...[
    ['2026-02-18', 'NEGATIVE'],
    ['2026-06-10', 'NEGATIVE'],
  ].map(
    ([on, result]): Step => ({
      on: on as string,
      as: lorna,
      do: 'recordInterventionTest',
      input: (n) => ({ intervention: n.base('Intervention', 1), kind: 'BREATHALYSER', substance: 'alcohol', result, on }),
    }),
  ),
  {
    on: '2026-02-18',
    as: lorna,
    do: 'recordInterventionSession',
    input: (n) => ({
      intervention: n.base('Intervention', 1),
      on: '2026-02-18',
      kind: 'JOINT_VISIT',
      attendance: 'ATTENDED',
      jointWith: nameOf(worker.user),
      ownVolition: true,
      motivation: 4,
    }),
  },
  ...(
    [
      ['mutual-aid', 'Mutual aid meetings', '2026-01-13'],
      ['voluntary-work', 'Community café', '2026-06-01'],
    ] as const
  ).map(
    ([kind, name, from]): Step => ({
      on: '2026-07-09',
      as: lorna,
      do: 'recordOnwardActivity',
      input: (n) => ({ intervention: n.base('Intervention', 1), kind, name, from }),
    }),
  ),
  {
    on: '2026-06-10',
    as: worker,
    do: 'recordInterventionOutcome',
    input: (n) => ({
      intervention: n.base('Intervention', 0),
      months: 6,
      on: '2026-06-10',
      result: 'SUSTAINED',
      note: 'She says that she understands herself better.',
    }),
  },
  {
    on: '2026-03-19',
    as: lorna,
    do: 'addWorkbookEntry',
    name: ['WorkbookEntry', 'visit'],
    input: (n) => ({
      family: n.family,
      module: 'module-2',
      session: 'module-2-session-2',
      evidence: ['module-2-exercise'],
      discipline: 'substance-misuse',
      sessionType: 'joint-home-visit',
      occurred: '2026-03-19T10:00:00.000Z',
      persons: [n.person('mother')],
      narrative: 'What a good week looks like.',
      joint: [{ discipline: 'social-worker', name: nameOf(worker.user), organisation: n.organisation('occ') }],
      concern: { text: 'The kitchen window does not close.', urgent: false },
      miPractice: { principles: ['empathy', 'self-efficacy'], changeTalk: 6, sustainTalk: 2, ownRating: 4 },
      triggers: [{ person: n.person('mother'), behaviour: 'alcohol', trigger: 'Sunday evenings alone', coping: 'Rings her sponsor' }],
    }),
  },
  {
    on: '2026-03-20',
    as: worker,
    do: 'completeTask',
    amends: () => ['task', 'last Task'],
    input: () => ({ outcome: 'The landlord was rung.' }),
  },
  {
    on: '2026-03-23',
    as: lorna,
    do: 'amendWorkbookEntry',
    amends: (n) => ['entry', n.made('visit')],
    input: () => ({ narrative: 'What a good week looks like: five mornings out of seven.', reason: 'The number was left out.' }),
  },
  {
    on: '2026-09-25',
    as: manager,
    do: 'recordGroupSupervision',
    name: ['GroupSupervision', 'supervision'],
    input: (n) => ({
      family: n.family,
      team: n.organisation('team-02'),
      kind: 'reflective-group',
      heldOn: '2026-09-24',
      ledBy: 'Agnes Thorley',
      summary: 'Consistent, firm and balanced.',
      participants: [
        { organisation: n.organisation('occ'), user: worker.user, name: nameOf(worker.user), discipline: 'social-worker' },
        { organisation: n.organisation('team-02'), user: 'lorna.beckett', name: 'Lorna Beckett', discipline: 'substance-misuse' },
        { organisation: n.organisation('turning-point'), user: 'moira.fenwick', name: 'Moira Fenwick', discipline: 'substance-misuse' },
      ],
    }),
  },
  {
    on: '2026-10-05',
    as: manager,
    do: 'recordCaseAudit',
    input: (n) => ({
      family: n.family,
      auditor: 'Gideon Marlowe',
      on: '2026-10-05',
      judgement: 'good',
      findings: 'Plans are clear and the children’s words are in them.',
    }),
  },
  {
    on: '2026-11-05',
    as: worker,
    do: 'recordDecision',
    name: ['Decision', 'no change'],
    input: (n) => ({
      family: n.family,
      kind: 'no-change',
      on: '2026-11-05',
      role: 'social-worker',
      what: 'The children’s plans go on.',
      reason: 'What has changed should hold over the winter.',
      evidence: [n.base('WorkbookEntry', 6)],
    }),
  },
  {
    on: '2026-11-06',
    as: manager,
    do: 'overseeDecision',
    amends: (n) => ['decision', n.made('no change')],
    input: () => ({ comment: 'Agreed; look again in the new year.' }),
  },
  {
    on: '2026-10-15',
    as: worker,
    do: 'callMeeting',
    name: ['Meeting', 'core'],
    input: (n) => ({
      family: n.family,
      kind: 'core-group',
      at: '2026-10-22T14:00:00.000Z',
      place: 'Marigold Lock school',
      plan: n.base('Plan', 0),
      persons: ['mother', 'jade', 'liam', 'grandmother'].map(n.person),
      invited: [{ person: n.person('grandmother') }, guest(n, 'oxford-health', 'felicity.garside'), guest(n, 'team-02', 'lorna.beckett')],
    }),
  },
  {
    on: '2026-10-22',
    as: worker,
    do: 'recordMeeting',
    amends: (n) => ['meeting', n.made('core')],
    input: (n) => ({
      attended: [{ person: n.person('grandmother') }, guest(n, 'oxford-health', 'felicity.garside')],
      apologies: [guest(n, 'team-02', 'lorna.beckett')],
      minutes: 'The grandmother needs a weekend to herself.',
      minutesKeptFrom: [n.person('father')],
    }),
  },
  {
    on: '2026-10-20',
    as: worker,
    do: 'recordChildVoice',
    input: (n) => ({
      family: n.family,
      person: n.person('liam'),
      words: 'Mum laughed at the pictures.',
      medium: 'said',
      on: '2026-10-19',
      heardBy: 'Maureen Ashdown',
    }),
  },
  {
    on: '2025-05-02',
    as: manager,
    do: 'recordDisabilities',
    input: (n) => ({ person: n.person('liam'), disabilities: ['COMM'] }),
  },
];
