/**
 * The demonstration: who may ask, three families told after the stories that were presented to Oxfordshire's People
 * Overview & Scrutiny Committee on 11 November 2021 (pages 26 to 47), and 200 generated ones. Names, addresses and
 * numbers are invented; the stories' dates are moved on by five years, so that they are of today.
 */
import type pg from 'pg';
import { AGREEMENT_VERSION, type Stage } from '../access/agreement.ts';
import { type Agency, maskOf, type PersonalClass } from '../access/classes.ts';
import {
  advanceSequences,
  type FamilyRows,
  generatedFamilies,
  involvementMask,
  NHS_RESERVED,
  nhsNumber,
  noRows,
  programmeLink,
  rowId,
  serviceLink,
  upn,
  uprn,
  writeFamilies,
} from './generate.ts';
import { CLIENTS, organisationId, practitioner, TEAMS, USERS } from './personas.ts';

type PersonPart = {
  given: string;
  surname: string;
  sex: 'F' | 'M';
  born: string;
  role: string;
  ethnicity?: string;
  /** The child has a unique pupil number. */
  pupil?: boolean;
};

type HouseholdPart = {
  address: string;
  postcode: string;
  district: string;
  from: string;
  members: { who: string; from: string; until?: string }[];
};

type InvolvementPart = {
  by: string;
  role: string;
  /** Subject of the practitioner. */
  worker?: string;
  with?: string;
  lead?: boolean;
  agreed?: boolean;
  from: string;
  until?: string;
};

type PlanPart = {
  of: string;
  kind: string;
  started: string;
  ended?: string;
  category?: string;
  nextReviewDue?: string;
  reviews?: { due: string; held?: string; outcome?: string }[];
};

type InterventionPart = {
  of: string;
  programme: string;
  provider: string;
  /** The team whose own practitioner delivers it. */
  assigned?: string;
  worker: string;
  status: string;
  requested: string;
  started?: string;
  ended?: string;
  sessions?: number;
  /** Read by people who may not know the programme, so it never tells which it is. */
  outcome?: string;
};

type EntryPart = {
  at: string;
  by: { organisation: string; worker: string };
  module: string;
  discipline: string;
  session: string;
  about: string[];
  keptFrom?: string[];
  narrative?: string;
  readings?: [who: string, behaviour: string, stageOfChange: string, capacityForChange: number][];
  childWords?: [who: string, words: string][];
  parentWords?: [who: string, words: string][];
};

type OfferPart = {
  to: string;
  service: string;
  by: { organisation: string; worker: string };
  on: string;
  status: string;
  takenUp?: string;
  outcome?: string;
};

type DecisionPart = {
  effect: 'SHARE' | 'WITHHOLD';
  dataClass: PersonalClass;
  about?: string;
  organisation?: string;
  agency?: Agency;
  gateway: string;
  reason: string;
  by: { organisation: string; worker: string };
  from: string;
};

/** A family as it is told: people by a short name, organisations by code, everything in the order of its ids. */
export type Story = {
  id: number;
  name: string;
  since: string;
  stage: Stage;
  stageSince: string;
  people: Record<string, PersonPart>;
  /** Known to its controller alone, and to whom that controller decides to tell. */
  unborn?: { name: string; expected: string; controller: string; since: string };
  households: HouseholdPart[];
  involvements: InvolvementPart[];
  plans: PlanPart[];
  interventions: InterventionPart[];
  workbook: EntryPart[];
  offers: OfferPart[];
  decisions: DecisionPart[];
};

const grace = { organisation: 'occ', worker: 'grace.whitlock' };
const marcus = { organisation: 'occ', worker: 'marcus.oyelaran' };
const jonah = { organisation: 'team-07', worker: 'jonah.pryce' };
const niamh = { organisation: 'team-07', worker: 'niamh.carroll' };
const ruth = { organisation: 'team-07', worker: 'ruth.ellery' };
const lorna = { organisation: 'team-02', worker: 'lorna.beckett' };

const CHERWELL = 'E07000177';
const OXFORD = 'E07000178';

/** Pages 26 to 33: conflict and abuse between G and R, the children with their aunt, then step by step home. */
const HARTWELL: Story = {
  id: 1,
  name: 'Hartwell',
  since: '2025-02-03',
  stage: 'PRE_PROCEEDINGS',
  stageSince: '2026-06-08T09:00:00Z',
  people: {
    mother: { given: 'Rachel', surname: 'Hartwell', sex: 'F', born: '1991-05-22', role: 'mother', ethnicity: 'WBRI' },
    father: { given: 'Glenn', surname: 'Hartwell', sex: 'M', born: '1988-11-09', role: 'father', ethnicity: 'WBRI' },
    maisie: { given: 'Maisie', surname: 'Hartwell', sex: 'F', born: '2016-09-14', role: 'child', ethnicity: 'WBRI', pupil: true },
    callum: { given: 'Callum', surname: 'Hartwell', sex: 'M', born: '2019-03-02', role: 'child', ethnicity: 'WBRI', pupil: true },
    poppy: { given: 'Poppy', surname: 'Hartwell', sex: 'F', born: '2023-07-30', role: 'child', ethnicity: 'WBRI' },
    aunt: { given: 'Denise', surname: 'Hartwell', sex: 'F', born: '1984-01-17', role: 'aunt' },
  },
  households: [
    {
      address: '14 Larkrise Close, Banbury',
      postcode: 'OX16 4CV',
      district: CHERWELL,
      from: '2017-06-01',
      members: [
        { who: 'mother', from: '2017-06-01' },
        { who: 'father', from: '2017-06-01', until: '2026-04-17' },
        { who: 'maisie', from: '2017-06-01', until: '2026-04-16' },
        { who: 'callum', from: '2019-03-04', until: '2026-04-16' },
        { who: 'poppy', from: '2023-08-01', until: '2026-04-16' },
      ],
    },
    {
      address: '3 Weavers Yard, Banbury',
      postcode: 'OX16 7IK',
      district: CHERWELL,
      from: '2015-09-12',
      members: [
        { who: 'aunt', from: '2015-09-12' },
        { who: 'maisie', from: '2026-04-17' },
        { who: 'callum', from: '2026-04-17' },
        { who: 'poppy', from: '2026-04-17' },
      ],
    },
    {
      address: 'Flat 2, 60 Tooley Court, Banbury',
      postcode: 'OX16 2MO',
      district: CHERWELL,
      from: '2026-04-17',
      members: [{ who: 'father', from: '2026-04-17' }],
    },
  ],
  involvements: [
    { by: 'occ', role: 'lead-practitioner', worker: 'grace.whitlock', lead: true, from: '2026-04-16T10:00:00Z' },
    { by: 'team-07', role: 'family-team', from: '2026-04-16T10:00:00Z' },
    { by: 'team-07', role: 'adult-facing-practitioner', worker: 'jonah.pryce', with: 'mother', from: '2026-05-11T09:00:00Z' },
    { by: 'oxford-health', role: 'health-visitor', worker: 'amara.osei', from: '2023-08-02T09:00:00Z' },
    { by: 'school-tansy-bridge', role: 'school-safeguarding-lead', worker: 'owen.lathbury', from: '2025-02-03T09:00:00Z' },
    { by: 'thames-valley-police', role: 'police-officer', worker: 'harriet.coyle', from: '2026-04-16T02:30:00Z' },
    {
      by: 'cherwell-housing',
      role: 'housing-officer',
      worker: 'dilys.penrose',
      with: 'mother',
      agreed: true,
      from: '2026-07-06T09:00:00Z',
    },
    { by: 'turning-point', role: 'provider-practitioner', worker: 'callum.strand', with: 'mother', from: '2026-05-11T09:00:00Z' },
    { by: 'elmore-perpetrators', role: 'provider-practitioner', worker: 'vincent.hale', with: 'father', from: '2026-05-18T09:00:00Z' },
    { by: 'elmore-victims', role: 'provider-practitioner', worker: 'saira.bhatt', with: 'mother', from: '2026-05-18T09:00:00Z' },
  ],
  plans: [
    // Earlier help, in which the services had not managed to engage the parents.
    {
      of: 'maisie',
      kind: 'CHILD_IN_NEED',
      started: '2025-02-10',
      ended: '2025-09-19',
      reviews: [{ due: '2025-05-12', held: '2025-05-12', outcome: 'The parents did not come.' }],
    },
    ...['maisie', 'callum', 'poppy'].map((of) => ({
      of,
      kind: 'LOOKED_AFTER',
      started: '2026-04-17',
      nextReviewDue: '2027-01-18',
      reviews: [
        { due: '2026-05-15', held: '2026-05-14', outcome: 'Stays with the paternal aunt, with the agreement of both parents.' },
        { due: '2026-08-14', held: '2026-08-13', outcome: 'Stays with the aunt; time with the parents is supported.' },
      ],
    })),
    ...['maisie', 'callum', 'poppy'].map((of) => ({
      of,
      kind: 'PRE_PROCEEDINGS',
      started: '2026-06-08',
      nextReviewDue: '2026-12-07',
      reviews: [
        { due: '2026-07-20', held: '2026-07-20', outcome: 'The parents keep to the plan; both say what they want to change.' },
        {
          due: '2026-10-19',
          held: '2026-10-20',
          outcome: 'Both parents made significant progress. The children come home step by step, with the aunt at their side.',
        },
      ],
    })),
  ],
  interventions: [
    {
      of: 'mother',
      programme: 'drug-alcohol-testing',
      provider: 'occ',
      worker: 'grace.whitlock',
      status: 'COMPLETED',
      requested: '2026-06-08',
      started: '2026-06-15',
      ended: '2026-07-03',
      sessions: 1,
    },
    {
      of: 'father',
      programme: 'drug-alcohol-testing',
      provider: 'occ',
      worker: 'grace.whitlock',
      status: 'COMPLETED',
      requested: '2026-06-08',
      started: '2026-06-15',
      ended: '2026-07-03',
      sessions: 1,
    },
    {
      of: 'father',
      programme: 'psychological-assessment',
      provider: 'occ',
      worker: 'grace.whitlock',
      status: 'COMPLETED',
      requested: '2026-06-08',
      started: '2026-06-29',
      ended: '2026-07-24',
      sessions: 3,
    },
    {
      of: 'aunt',
      programme: 'relative-carer-assessment',
      provider: 'team-07',
      assigned: 'team-07',
      worker: 'grace.whitlock',
      status: 'COMPLETED',
      requested: '2026-04-20',
      started: '2026-04-22',
      ended: '2026-06-05',
      sessions: 5,
      outcome: 'She is able to care for the children.',
    },
    {
      of: 'mother',
      programme: 'structured-parenting-assessment',
      provider: 'team-07',
      assigned: 'team-07',
      worker: 'grace.whitlock',
      status: 'STARTED',
      requested: '2026-06-08',
      started: '2026-06-16',
      sessions: 9,
    },
    {
      of: 'father',
      programme: 'structured-parenting-assessment',
      provider: 'team-07',
      assigned: 'team-07',
      worker: 'grace.whitlock',
      status: 'STARTED',
      requested: '2026-06-08',
      started: '2026-06-18',
      sessions: 8,
    },
    {
      of: 'mother',
      programme: 'drug-alcohol-recovery',
      provider: 'turning-point',
      assigned: 'team-07',
      worker: 'jonah.pryce',
      status: 'STARTED',
      requested: '2026-05-06',
      started: '2026-05-11',
      sessions: 21,
      outcome: 'Comes to every session; the goal that was agreed is held.',
    },
    {
      of: 'mother',
      programme: 'recovery-groups',
      provider: 'turning-point',
      worker: 'callum.strand',
      status: 'STARTED',
      requested: '2026-06-22',
      started: '2026-07-01',
      sessions: 14,
    },
    {
      of: 'father',
      programme: 'domestic-abuse-perpetrators',
      provider: 'elmore-perpetrators',
      worker: 'vincent.hale',
      status: 'STARTED',
      requested: '2026-05-06',
      started: '2026-05-27',
      sessions: 17,
      outcome: 'Came at first because he had to; asks for further sessions now.',
    },
    {
      of: 'mother',
      programme: 'domestic-abuse-recovery',
      provider: 'elmore-victims',
      worker: 'saira.bhatt',
      status: 'STARTED',
      requested: '2026-05-06',
      started: '2026-05-20',
      sessions: 15,
    },
  ],
  // Call-outs, bail, test results and the police's account are of classes of their own and not retold in the Workbook.
  workbook: [
    {
      at: '2026-04-20T14:00:00Z',
      by: grace,
      module: 'Getting started',
      discipline: 'social-worker',
      session: 'home-visit',
      about: ['mother'],
      narrative: 'Rachel is ambivalent. Deep down she knows that there is something to resolve, but she is not ready for it.',
      readings: [
        ['mother', 'alcohol', 'CONTEMPLATION', 2],
        ['mother', 'engagement', 'PRECONTEMPLATION', 1],
      ],
    },
    {
      at: '2026-04-24T15:30:00Z',
      by: grace,
      module: 'Impact on the children',
      discipline: 'social-worker',
      session: 'family',
      about: ['maisie', 'callum', 'aunt'],
      narrative: 'With the children at their aunt’s. They say plainly what they want to be different at home.',
      childWords: [
        ['maisie', 'I want Mum to stop drinking.'],
        ['callum', 'I want Dad to stop shouting at Mum when she is drunk.'],
      ],
    },
    {
      at: '2026-05-06T10:00:00Z',
      by: grace,
      module: 'Keeping safe',
      discipline: 'social-worker',
      session: 'meeting',
      about: ['father'],
      narrative:
        'Restorative meeting after Glenn had encouraged the dog to growl at practitioners. Agreed how his sessions go ahead safely for everybody.',
      readings: [['father', 'domestic-abuse', 'PRECONTEMPLATION', 1]],
      parentWords: [['father', 'I have done an anger management course in prison, there is nothing you can teach me.']],
    },
    {
      // What a victim tells is born kept from the person recorded as doing harm.
      at: '2026-05-19T11:00:00Z',
      by: grace,
      module: 'Keeping safe',
      discipline: 'social-worker',
      session: 'individual',
      about: ['mother'],
      keptFrom: ['father'],
      narrative: 'Rachel spoke alone and for the first time about what it was like at home, and about what would let her feel safe.',
      readings: [['mother', 'boundaries', 'CONTEMPLATION', 2]],
      parentWords: [['mother', 'I want to know beforehand when he is told anything.']],
    },
    {
      at: '2026-06-15T13:00:00Z',
      by: grace,
      module: 'Family plan',
      discipline: 'social-worker',
      session: 'meeting',
      about: ['mother', 'father', 'maisie', 'callum', 'poppy', 'aunt'],
      narrative: 'Plan made with the whole family. The aunt cares for the children; time with their parents is supported and safe.',
      readings: [
        ['mother', 'engagement', 'PREPARATION', 2],
        ['father', 'engagement', 'CONTEMPLATION', 2],
      ],
      parentWords: [['father', 'I will attend because I have to.']],
    },
    {
      at: '2026-07-08T09:30:00Z',
      by: jonah,
      module: 'What I want to change',
      discipline: 'substance-misuse',
      session: 'joint-home-visit',
      about: ['mother'],
      narrative: 'Together with the social worker. Rachel sees how a bereavement in the family and the drinking belong together.',
      readings: [['mother', 'alcohol', 'ACTION', 3]],
    },
    {
      at: '2026-08-12T16:00:00Z',
      by: grace,
      module: 'Impact on the children',
      discipline: 'social-worker',
      session: 'family',
      about: ['mother', 'father', 'maisie'],
      narrative: 'Both parents could hear what the children had said. Glenn listened to the end.',
      readings: [
        ['mother', 'parenting', 'ACTION', 3],
        ['father', 'parental-conflict', 'PREPARATION', 3],
      ],
      childWords: [
        [
          'maisie',
          "Mum and Dad, I understand that you're both having a hard time but keep pulling through and we'll be back with you both sooner.",
        ],
      ],
    },
    {
      at: '2026-09-16T10:30:00Z',
      by: grace,
      module: 'What I want to change',
      discipline: 'social-worker',
      session: 'individual',
      about: ['father'],
      narrative:
        'A marked difference in how Glenn speaks and behaves. He comes of his own accord and puts the children’s needs before his own.',
      readings: [
        ['father', 'domestic-abuse', 'ACTION', 3],
        ['father', 'engagement', 'ACTION', 4],
      ],
    },
    {
      at: '2026-10-07T09:30:00Z',
      by: jonah,
      module: 'Looking ahead',
      discipline: 'substance-misuse',
      session: 'individual',
      about: ['mother'],
      narrative: 'Rachel does not drink. She knows what she will do on a bad day.',
      readings: [['mother', 'alcohol', 'MAINTENANCE', 4]],
    },
    {
      at: '2026-10-21T16:00:00Z',
      by: grace,
      module: 'Looking ahead',
      discipline: 'social-worker',
      session: 'family',
      about: ['mother', 'father', 'maisie', 'callum', 'poppy', 'aunt'],
      narrative: 'First days at home with time for each other. Their aunt goes on helping to look after the children.',
      readings: [
        ['mother', 'parenting', 'ACTION', 4],
        ['father', 'parental-conflict', 'ACTION', 4],
      ],
    },
  ],
  offers: [
    {
      to: 'mother',
      service: 'cherwell-homelessness-prevention',
      by: grace,
      on: '2026-07-01',
      status: 'TAKEN_UP',
      takenUp: '2026-07-06',
      outcome: 'She keeps the tenancy.',
    },
    {
      to: 'mother',
      service: 'cherwell-sanctuary-scheme',
      by: grace,
      on: '2026-05-20',
      status: 'COMPLETED',
      takenUp: '2026-05-26',
      outcome: 'Done.',
    },
    { to: 'maisie', service: 'cherwell-leisure-pass', by: grace, on: '2026-09-28', status: 'TAKEN_UP', takenUp: '2026-10-10' },
  ],
  decisions: [],
};

/**
 * Pages 34 to 40: the older children live with their grandmother; a pregnancy is a window of hope.
 * That there is an unborn child stands in CLINICAL tables only. No narrative, review or stage may tell it: the older
 * children have protection plans of their own, so that the family's stage does not.
 */
const ASHDOWN: Story = {
  id: 2,
  name: 'Ashdown',
  since: '2025-01-20',
  stage: 'CHILD_PROTECTION',
  stageSince: '2025-02-10T09:00:00Z',
  people: {
    mother: { given: 'Kerry', surname: 'Ashdown', sex: 'F', born: '1992-02-11', role: 'mother', ethnicity: 'WBRI' },
    father: { given: 'Dean', surname: 'Fowler', sex: 'M', born: '1990-08-03', role: 'partner', ethnicity: 'WBRI' },
    jade: { given: 'Jade', surname: 'Ashdown', sex: 'F', born: '2013-04-19', role: 'child', ethnicity: 'WBRI', pupil: true },
    liam: { given: 'Liam', surname: 'Ashdown', sex: 'M', born: '2016-01-08', role: 'child', ethnicity: 'WBRI', pupil: true },
    grandmother: { given: 'Maureen', surname: 'Ashdown', sex: 'F', born: '1966-10-30', role: 'grandmother', ethnicity: 'WBRI' },
  },
  unborn: { name: 'unborn', expected: '2027-01-18', controller: 'oxford-health', since: '2026-06-22' },
  households: [
    {
      address: '27 Sorrel Way, Oxford',
      postcode: 'OX4 6VC',
      district: OXFORD,
      from: '2020-03-14',
      members: [
        { who: 'mother', from: '2020-03-14' },
        { who: 'father', from: '2025-11-01' },
        { who: 'jade', from: '2020-03-14', until: '2025-03-07' },
        { who: 'liam', from: '2020-03-14', until: '2025-03-07' },
      ],
    },
    {
      address: '5 Teasel Gardens, Oxford',
      postcode: 'OX4 8OK',
      district: OXFORD,
      from: '2001-05-01',
      members: [
        { who: 'grandmother', from: '2001-05-01' },
        { who: 'jade', from: '2025-03-07' },
        { who: 'liam', from: '2025-03-07' },
      ],
    },
  ],
  involvements: [
    { by: 'occ', role: 'lead-practitioner', worker: 'SOCIAL_WORKER', lead: true, from: '2025-01-20T09:00:00Z' },
    { by: 'team-02', role: 'family-team', from: '2025-01-20T09:00:00Z' },
    { by: 'team-02', role: 'adult-facing-practitioner', worker: 'lorna.beckett', with: 'mother', from: '2025-11-03T09:00:00Z' },
    { by: 'oxford-health', role: 'health-visitor', worker: 'felicity.garside', from: '2025-01-27T09:00:00Z' },
    { by: 'school-marigold-lock', role: 'school-safeguarding-lead', worker: 'SCHOOL', from: '2025-01-20T09:00:00Z' },
    { by: 'thames-valley-police', role: 'police-officer', worker: 'harriet.coyle', from: '2025-02-10T09:00:00Z' },
    { by: 'turning-point', role: 'provider-practitioner', worker: 'moira.fenwick', with: 'mother', from: '2025-11-03T09:00:00Z' },
  ],
  plans: [
    ...['jade', 'liam'].map((of) => ({
      of,
      kind: 'CHILD_PROTECTION',
      started: '2025-02-10',
      category: 'NEG',
      nextReviewDue: '2027-02-15',
      reviews: [
        { due: '2025-05-09', held: '2025-05-08', outcome: 'Safe with the grandmother. The plan goes on.' },
        { due: '2025-11-07', held: '2025-11-10', outcome: 'The plan goes on; the mother asked for help.' },
        { due: '2026-05-08', held: '2026-05-07', outcome: 'The plan goes on. Progress is seen and praised.' },
        // The view of the conference's chair.
        {
          due: '2026-11-06',
          held: '2026-11-05',
          outcome:
            'Good social work in evidence: an honest, trusting relationship with clear safeguarding messages, in which the mother came to her own decisions.',
        },
      ],
    })),
    {
      of: 'unborn',
      kind: 'CHILD_PROTECTION',
      started: '2026-07-20',
      category: 'NEG',
      nextReviewDue: '2027-04-05',
      reviews: [{ due: '2026-10-19', held: '2026-10-15', outcome: 'The plan goes on.' }],
    },
  ],
  interventions: [
    {
      of: 'mother',
      programme: 'psychological-assessment',
      provider: 'occ',
      worker: 'SOCIAL_WORKER',
      status: 'COMPLETED',
      requested: '2025-10-06',
      started: '2025-10-27',
      ended: '2025-12-01',
      sessions: 3,
    },
    {
      of: 'mother',
      programme: 'drug-alcohol-recovery',
      provider: 'turning-point',
      assigned: 'team-02',
      worker: 'lorna.beckett',
      status: 'STARTED',
      requested: '2025-10-27',
      started: '2025-11-03',
      sessions: 46,
      outcome: 'Growing confidence; reflects on her own and comes to every visit.',
    },
    {
      of: 'mother',
      programme: 'recovery-groups',
      provider: 'turning-point',
      worker: 'moira.fenwick',
      status: 'STARTED',
      requested: '2025-12-08',
      started: '2026-01-12',
      sessions: 31,
    },
    {
      of: 'mother',
      programme: 'structured-parenting-assessment',
      provider: 'team-02',
      assigned: 'team-02',
      worker: 'SOCIAL_WORKER',
      status: 'STARTED',
      requested: '2026-06-29',
      started: '2026-07-07',
      sessions: 10,
    },
  ],
  workbook: [
    {
      at: '2025-02-20T15:00:00Z',
      by: { organisation: 'occ', worker: 'SOCIAL_WORKER' },
      module: 'Impact on the children',
      discipline: 'social-worker',
      session: 'individual',
      about: ['jade', 'liam'],
      narrative:
        'Jade has looked after her mother and her brother when the drinking was at its worst. Both children are disappointed and angry.',
      childWords: [['jade', 'I was the one who looked after her.']],
    },
    {
      at: '2025-11-03T10:00:00Z',
      by: lorna,
      module: 'Getting started',
      discipline: 'substance-misuse',
      session: 'joint-home-visit',
      about: ['mother'],
      narrative: 'First joint visit. Working with Kerry instead of doing to her: what does she want to be different?',
      readings: [['mother', 'alcohol', 'CONTEMPLATION', 2]],
    },
    {
      at: '2025-12-15T10:00:00Z',
      by: lorna,
      module: 'What I want to change',
      discipline: 'substance-misuse',
      session: 'joint-home-visit',
      about: ['mother'],
      narrative:
        'No drink since the beginning of the month. Being visited at home gives a sense of how the days go, and what worries us is said in the moment.',
      readings: [['mother', 'alcohol', 'ACTION', 3]],
      parentWords: [['mother', 'I could see that there was a light at the end of the tunnel.']],
    },
    {
      at: '2026-04-16T13:30:00Z',
      by: { organisation: 'occ', worker: 'SOCIAL_WORKER' },
      module: 'Impact on the children',
      discipline: 'social-worker',
      session: 'individual',
      about: ['mother'],
      narrative: 'A challenging and tender conversation about what the children lived with.',
      readings: [['mother', 'parenting', 'PREPARATION', 3]],
    },
    {
      at: '2026-07-09T14:00:00Z',
      by: lorna,
      module: 'Looking ahead',
      discipline: 'substance-misuse',
      session: 'individual',
      about: ['mother'],
      narrative:
        'Kerry goes to mutual aid meetings, volunteers and is out and about with others. One of the first things that disappears with heavy drinking is a sense of self-worth; it is coming back.',
      readings: [['mother', 'alcohol', 'MAINTENANCE', 4]],
    },
    {
      at: '2026-09-24T11:00:00Z',
      by: { organisation: 'occ', worker: 'TEAM_MANAGER' },
      module: 'Family plan',
      discipline: 'team-manager',
      session: 'meeting',
      about: ['mother', 'father', 'jade', 'liam'],
      narrative:
        'Key here were the practitioner for the parent and the social worker together, restorative and strength-based practice, group supervision, and an approach that is consistent, firm and balanced.',
    },
    {
      at: '2026-10-29T10:00:00Z',
      by: { organisation: 'occ', worker: 'SOCIAL_WORKER' },
      module: 'Looking ahead',
      discipline: 'social-worker',
      session: 'family',
      about: ['mother', 'father'],
      narrative:
        'Coming up to eleven months without alcohol. Kerry presents as more confident and reflective; this family has gone from strength to strength.',
      readings: [
        ['mother', 'alcohol', 'MAINTENANCE', 5],
        ['mother', 'parenting', 'ACTION', 4],
      ],
    },
  ],
  offers: [
    { to: 'mother', service: 'mutual-aid-meetings', by: lorna, on: '2026-01-05', status: 'TAKEN_UP', takenUp: '2026-01-13' },
    { to: 'mother', service: 'recovery-volunteering', by: lorna, on: '2026-05-11', status: 'TAKEN_UP', takenUp: '2026-06-01' },
    {
      to: 'jade',
      service: 'young-carers',
      by: { organisation: 'occ', worker: 'SOCIAL_WORKER' },
      on: '2025-03-10',
      status: 'COMPLETED',
      takenUp: '2025-03-24',
      outcome: 'Has friends there.',
    },
    {
      to: 'liam',
      service: 'oxford-holiday-club',
      by: { organisation: 'occ', worker: 'SOCIAL_WORKER' },
      on: '2026-07-01',
      status: 'COMPLETED',
      takenUp: '2026-07-27',
      outcome: 'Wants to come again.',
    },
  ],
  decisions: [
    {
      // About the unborn child alone: the mother's treatment stays with those who treat her.
      effect: 'SHARE',
      dataClass: 'CLINICAL',
      about: 'unborn',
      organisation: 'occ',
      gateway: 'Children Act 1989 s.47',
      reason: 'The unborn child may be at risk of significant harm; the county plans protection before the birth.',
      by: { organisation: 'oxford-health', worker: 'felicity.garside' },
      from: '2026-06-29T12:00:00Z',
    },
    {
      effect: 'SHARE',
      dataClass: 'WORKBOOK',
      organisation: 'turning-point',
      gateway: 'Children Act 1989 s.47',
      reason: 'Turning Point and the team visit together and read the same record.',
      by: { organisation: 'occ', worker: 'SOCIAL_WORKER' },
      from: '2025-11-03T12:00:00Z',
    },
  ],
};

/** Pages 41 to 47: a mother's mental health, a partner who brings alcohol, a relapse, and a plan that was reduced. */
const DUNMORE: Story = {
  id: 3,
  name: 'Dunmore',
  since: '2026-05-18',
  stage: 'CHILD_IN_NEED',
  stageSince: '2026-10-14T11:00:00Z',
  people: {
    mother: { given: 'Shelley', surname: 'Dunmore', sex: 'F', born: '1994-12-01', role: 'mother', ethnicity: 'WOTH' },
    partner: { given: 'Craig', surname: 'Pell', sex: 'M', born: '1991-06-25', role: 'father', ethnicity: 'WBRI' },
    daughter: { given: 'Tia', surname: 'Dunmore', sex: 'F', born: '2018-11-27', role: 'child', ethnicity: 'WBRI', pupil: true },
    younger: { given: 'Ella', surname: 'Dunmore', sex: 'F', born: '2023-09-05', role: 'child', ethnicity: 'WBRI' },
  },
  households: [
    {
      address: '88 Rowan Road, Banbury',
      postcode: 'OX16 9CV',
      district: CHERWELL,
      from: '2021-02-20',
      members: [
        { who: 'mother', from: '2021-02-20' },
        { who: 'daughter', from: '2021-02-20' },
        { who: 'younger', from: '2023-09-06' },
      ],
    },
    {
      address: '11 Gorse Court, Banbury',
      postcode: 'OX16 1IK',
      district: CHERWELL,
      from: '2024-01-15',
      members: [{ who: 'partner', from: '2024-01-15' }],
    },
  ],
  involvements: [
    { by: 'occ', role: 'lead-practitioner', worker: 'marcus.oyelaran', lead: true, from: '2026-05-18T09:00:00Z' },
    { by: 'team-07', role: 'family-team', from: '2026-05-18T09:00:00Z' },
    { by: 'team-07', role: 'adult-facing-practitioner', worker: 'niamh.carroll', with: 'mother', from: '2026-05-21T09:00:00Z' },
    { by: 'team-07', role: 'adult-facing-practitioner', worker: 'ruth.ellery', with: 'partner', from: '2026-06-15T09:00:00Z' },
    { by: 'oxford-health', role: 'health-visitor', worker: 'amara.osei', from: '2023-09-07T09:00:00Z' },
    { by: 'school-larch-hollow', role: 'school-safeguarding-lead', worker: 'priscilla.dean', from: '2026-05-18T09:00:00Z' },
    {
      by: 'thames-valley-police',
      role: 'police-officer',
      worker: 'harriet.coyle',
      from: '2026-05-19T09:00:00Z',
      until: '2026-10-14T11:00:00Z',
    },
    { by: 'oxfordshire-mind', role: 'provider-practitioner', worker: 'isolde.marsh', with: 'mother', from: '2026-05-21T09:00:00Z' },
    { by: 'elmore-perpetrators', role: 'provider-practitioner', worker: 'vincent.hale', with: 'partner', from: '2026-06-22T09:00:00Z' },
  ],
  plans: [
    ...['daughter', 'younger'].map((of) => ({
      of,
      kind: 'CHILD_PROTECTION',
      started: '2026-06-03',
      ended: '2026-10-14',
      category: 'PHY',
      reviews: [
        { due: '2026-09-02', held: '2026-09-01', outcome: 'The plan goes on; the mother keeps to it.' },
        { due: '2026-10-14', held: '2026-10-14', outcome: 'Reduced to a child in need plan.' },
      ],
    })),
    ...['daughter', 'younger'].map((of) => ({ of, kind: 'CHILD_IN_NEED', started: '2026-10-14', nextReviewDue: '2027-01-13' })),
  ],
  interventions: [
    {
      of: 'mother',
      programme: 'adult-mental-health',
      provider: 'oxfordshire-mind',
      assigned: 'team-07',
      worker: 'niamh.carroll',
      status: 'COMPLETED',
      requested: '2026-05-19',
      started: '2026-05-28',
      ended: '2026-10-02',
      sessions: 12,
      outcome: 'Knows what sets her off, and what helps. One step back on the way, and on again.',
    },
    {
      of: 'mother',
      programme: 'adult-mental-health',
      provider: 'oxfordshire-mind',
      worker: 'isolde.marsh',
      status: 'STARTED',
      requested: '2026-10-05',
      started: '2026-10-12',
      sessions: 3,
    },
    {
      of: 'partner',
      programme: 'domestic-abuse-perpetrators',
      provider: 'elmore-perpetrators',
      worker: 'vincent.hale',
      status: 'STARTED',
      requested: '2026-06-15',
      started: '2026-07-01',
      sessions: 8,
    },
  ],
  workbook: [
    {
      at: '2026-05-21T13:00:00Z',
      by: niamh,
      module: 'Getting started',
      discipline: 'mental-health',
      session: 'joint-home-visit',
      about: ['mother'],
      keptFrom: ['partner'],
      narrative: 'Joint visit with the social worker. Shelley had asked for support herself and agreed to a programme of sessions.',
      readings: [['mother', 'engagement', 'PREPARATION', 2]],
    },
    {
      at: '2026-05-28T10:00:00Z',
      by: niamh,
      module: 'Impact on the children',
      discipline: 'mental-health',
      session: 'individual',
      about: ['mother', 'daughter', 'younger'],
      keptFrom: ['partner'],
      narrative:
        'First session. Low in mood and in what she thinks of herself. We looked at what negative thoughts do to the children, and she wants to change that.',
      readings: [['mother', 'mental-wellbeing', 'CONTEMPLATION', 2]],
    },
    {
      at: '2026-06-18T10:00:00Z',
      by: niamh,
      module: 'What I want to change',
      discipline: 'mental-health',
      session: 'individual',
      about: ['mother'],
      keptFrom: ['partner'],
      narrative: 'Shelley named what sets her off. We began with ways of coping with her thoughts.',
      readings: [['mother', 'mental-wellbeing', 'PREPARATION', 3]],
    },
    {
      // She tells it about him: whoever works with him alone must not come to know that she did.
      at: '2026-07-02T10:00:00Z',
      by: niamh,
      module: 'Keeping safe',
      discipline: 'mental-health',
      session: 'individual',
      about: ['mother'],
      keptFrom: ['partner'],
      narrative:
        'Shelley says that her partner comes to the home to see the children and brings alcohol, although she has asked him not to.',
      readings: [['mother', 'boundaries', 'PREPARATION', 2]],
      parentWords: [['mother', 'I asked him not to bring it. He brings it anyway.']],
    },
    {
      at: '2026-07-07T09:00:00Z',
      by: ruth,
      module: 'What I want to change',
      discipline: 'domestic-abuse',
      session: 'individual',
      about: ['partner'],
      narrative: 'Craig talked about what kind of father he wants to be.',
      readings: [['partner', 'parenting', 'CONTEMPLATION', 2]],
    },
    {
      at: '2026-07-23T10:00:00Z',
      by: marcus,
      module: 'Family plan',
      discipline: 'social-worker',
      session: 'meeting',
      about: ['mother', 'partner', 'daughter', 'younger'],
      narrative: 'The children see their father out of the home; their mother feels that this is best for them.',
    },
    {
      at: '2026-08-20T10:00:00Z',
      by: niamh,
      module: 'Keeping safe',
      discipline: 'mental-health',
      session: 'telephone',
      about: ['mother'],
      keptFrom: ['partner'],
      narrative: 'A relapse. Shelley is very remorseful, and grateful that nobody gives up on her. She will start to go to AA.',
      readings: [
        ['mother', 'alcohol', 'RELAPSE', 2],
        ['mother', 'drugs', 'RELAPSE', 2],
      ],
    },
    {
      at: '2026-09-24T15:45:00Z',
      by: niamh,
      module: 'Looking ahead',
      discipline: 'mental-health',
      session: 'home-visit',
      about: ['mother', 'daughter'],
      keptFrom: ['partner'],
      narrative:
        'Greeted at the door by her daughter. Shelley feels good; things with her daughter get much better and they plan a “girly day” out. She manages her feelings better, and will refer herself to a course when she is ready.',
      readings: [
        ['mother', 'mental-wellbeing', 'ACTION', 4],
        ['mother', 'boundaries', 'ACTION', 4],
      ],
      childWords: [['daughter', 'I am very proud of my mummy.']],
    },
    {
      at: '2026-11-06T17:20:00Z',
      by: niamh,
      module: 'Looking ahead',
      discipline: 'mental-health',
      session: 'telephone',
      about: ['mother', 'daughter', 'younger'],
      keptFrom: ['partner'],
      narrative: 'A message from Shelley. She is in contact with her own mother for the first time in years.',
      readings: [
        ['mother', 'drugs', 'ACTION', 4],
        ['mother', 'alcohol', 'ACTION', 4],
        ['mother', 'smoking', 'ACTION', 4],
      ],
      parentWords: [
        [
          'mother',
          "Hi N, it's Shelley, just wanted to check in and let you know how things are going. First off, we miss you and I hope you are well. Tia will be 8 this month and is loving year 3. Ella has started nursery and loves it, and we are potty training. We saw the health visitor last week and she is way above average height. The child protection plan has been reduced to a child in need plan. I am 77 days clean from cocaine, 50 days clean of alcohol and cannabis and 35 days since I gave up cigarettes. We miss you.",
        ],
      ],
    },
  ],
  offers: [
    { to: 'mother', service: 'managing-strong-emotions', by: niamh, on: '2026-09-24', status: 'OFFERED' },
    {
      to: 'daughter',
      service: 'cherwell-holiday-club',
      by: marcus,
      on: '2026-07-13',
      status: 'COMPLETED',
      takenUp: '2026-07-27',
      outcome: 'Came every day.',
    },
  ],
  decisions: [
    {
      // He is helped by two services that must say the same; everything his partner told is kept from both.
      effect: 'SHARE',
      dataClass: 'WORKBOOK',
      organisation: 'elmore-perpetrators',
      gateway: 'Children Act 1989 s.47',
      reason: 'Work with the father goes together with the team’s; the entries that are kept from him stay closed.',
      by: marcus,
      from: '2026-06-22T09:30:00Z',
    },
    {
      // Below the threshold of protection her wish decides: the school knows its own part and whom to call.
      effect: 'WITHHOLD',
      dataClass: 'INVOLVEMENT',
      organisation: 'school-larch-hollow',
      gateway: 'Children Act 1989 s.17',
      reason: 'The mother does not agree that the school learns which services work with her, and the plan does not need it.',
      by: marcus,
      from: '2026-10-14T11:30:00Z',
    },
  ],
};

/** People of the second story who have no part in the others and bear the name that the list of users gives them. */
const OF_TEAM_02: Record<string, () => string> = {
  SOCIAL_WORKER: () => subjectOf('team-02', 'social-worker'),
  TEAM_MANAGER: () => subjectOf('team-02', 'team-manager'),
  SCHOOL: () => subjectAt('school-marigold-lock'),
};

function subjectOf(team: string, discipline: string): string {
  const found = TEAMS[team]?.find((member) => member.discipline === discipline);
  if (!found) throw new Error(`There is no ${discipline} in ${team}.`);
  return found.subject;
}

function subjectAt(organisation: string): string {
  const found = USERS.find((user) => user.organisation === organisation);
  if (!found) throw new Error(`Nobody works at ${organisation}.`);
  return found.subject;
}

/** The three told families. */
export const STORIES: Story[] = [HARTWELL, ASHDOWN, DUNMORE];

/** A user of an organisation by the subject, or by the part in the story. */
function someone(organisation: string, worker: string): { subject: string; name: string } {
  const subject = OF_TEAM_02[worker]?.() ?? worker;
  const user = USERS.find((candidate) => candidate.organisation === organisation && candidate.subject === subject);
  return user ?? practitioner(organisation, subject);
}

function peopleOf(story: Story): Map<string, number> {
  const names = [...Object.keys(story.people), ...(story.unborn ? [story.unborn.name] : [])];
  return new Map(names.map((name, index) => [name, rowId(story.id, index)]));
}

/** NHS numbers of the stories' people lie apart from the generated ones; a number that cannot be is passed over. */
function storyNhsNumber(personId: number): string {
  for (let digits = NHS_RESERVED + (personId % 1000) * 4; ; digits++) {
    const number = nhsNumber(digits);
    if (number) return number;
  }
}

type Builder = { story: Story; rows: FamilyRows; county: number; id: (who: string) => number };

function buildPeople({ story, rows, county, id }: Builder): void {
  const controller = county;
  for (const [index, [name, part]] of Object.entries(story.people).entries()) {
    const person = id(name);
    rows.person.push({ id: person, controller });
    rows.personIdentity.push({
      person,
      controller,
      givenName: part.given,
      familyName: part.surname,
      dateOfBirth: part.born,
      sex: part.sex,
    });
    rows.personNhsNumber.push({ person, controller, nhsNumber: storyNhsNumber(person) });
    if (part.pupil) rows.personUpn.push({ person, controller, upn: upn(person) });
    if (part.ethnicity) rows.personEquality.push({ person, controller, ethnicity: part.ethnicity });
    rows.membership.push({
      id: rowId(story.id, index),
      family: story.id,
      person,
      controller,
      role: part.role,
      from: story.since,
      until: null,
    });
  }
  if (story.unborn) buildUnborn({ story, rows, county, id }, story.unborn);
}

function buildUnborn({ story, rows, id }: Builder, unborn: NonNullable<Story['unborn']>): void {
  const person = id(unborn.name);
  const controller = organisationId(unborn.controller);
  rows.person.push({ id: person, controller });
  rows.personIdentity.push({ person, controller, givenName: null, familyName: null, dateOfBirth: null, sex: 'U' });
  rows.personExpected.push({ person, controller, expectedDate: unborn.expected });
  rows.unbornMembership.push({
    id: rowId(story.id, 0),
    family: story.id,
    person,
    controller,
    role: 'unborn-child',
    from: unborn.since,
    until: null,
  });
}

function buildHouseholds({ story, rows, county: controller, id }: Builder): void {
  let members = 0;
  for (const [index, { members: people, ...part }] of story.households.entries()) {
    const household = rowId(story.id, index);
    rows.household.push({ id: household, family: story.id, controller, ...part, uprn: uprn(household), until: null });
    for (const { who, from, until } of people) {
      rows.householdMember.push({
        id: rowId(story.id, members++),
        household,
        family: story.id,
        person: id(who),
        controller,
        from,
        until: until ?? null,
      });
    }
  }
}

function buildInvolvements({ story, rows, county: controller, id }: Builder): void {
  for (const [index, part] of story.involvements.entries()) {
    const worker = part.worker ? someone(part.by, part.worker) : null;
    rows.involvement.push({
      id: rowId(story.id, index),
      family: story.id,
      person: part.with ? id(part.with) : null,
      controller,
      worker: worker?.subject ?? null,
      rowMask: involvementMask(part.by),
      organisation: organisationId(part.by),
      role: part.role,
      practitioner: worker?.name ?? null,
      lead: part.lead ?? false,
      agreed: part.agreed ?? false,
      from: new Date(part.from),
      until: part.until ? new Date(part.until) : null,
    });
  }
}

function buildPlans({ story, rows, county: controller, id }: Builder): void {
  let reviews = 0;
  for (const [index, part] of story.plans.entries()) {
    const plan = rowId(story.id, index);
    const row = { family: story.id, person: id(part.of), controller };
    const status = part.ended ? 'ENDED' : 'OPEN';
    rows.plan.push({
      id: plan,
      ...row,
      kind: part.kind,
      status,
      started: part.started,
      ended: part.ended ?? null,
      nextReviewDue: part.nextReviewDue ?? null,
    });
    if (part.category) rows.planCategory.push({ plan, ...row, category: part.category });
    for (const { due, held, outcome } of part.reviews ?? []) {
      rows.planReview.push({ id: rowId(story.id, reviews++), plan, ...row, due, held: held ?? null, outcome: outcome ?? null });
    }
  }
}

/** The organisation where an intervention's worker works: the team if it is assigned, else who provides it. */
const workplace = ({ provider, assigned }: InterventionPart) => assigned ?? provider;

function buildInterventions({ story, rows, county: controller, id }: Builder): void {
  for (const [index, part] of story.interventions.entries()) {
    const intervention = rowId(story.id, index);
    const { subject } = someone(workplace(part), part.worker);
    const row = { family: story.id, person: id(part.of), controller, worker: subject };
    rows.intervention.push({ id: intervention, ...row });
    rows.interventionLink.push({
      intervention,
      ...row,
      ...programmeLink(part.programme),
      provider: organisationId(part.provider),
      assigned: part.assigned ? organisationId(part.assigned) : null,
    });
    rows.interventionProgress.push({
      intervention,
      ...row,
      status: part.status,
      requested: part.requested,
      started: part.started ?? null,
      ended: part.ended ?? null,
      sessions: part.sessions ?? 0,
      outcome: part.outcome ?? null,
    });
  }
}

function buildWorkbook({ story, rows, id }: Builder): void {
  const next = { persons: 0, readings: 0, child: 0, parent: 0 };
  const numbered = (of: keyof typeof next) => rowId(story.id, next[of]++);
  for (const [index, part] of story.workbook.entries()) {
    const entry = rowId(story.id, index);
    const author = someone(part.by.organisation, part.by.worker);
    const keptFrom = (part.keptFrom ?? []).map(id);
    const row = { family: story.id, controller: organisationId(part.by.organisation), worker: author.subject, keptFrom };
    const of = { entry, ...row };
    rows.workbookEntry.push({
      id: entry,
      ...row,
      module: part.module,
      discipline: part.discipline,
      sessionType: part.session,
      occurredAt: new Date(part.at),
      author: author.name,
      narrative: part.narrative ?? null,
    });
    for (const who of part.about) rows.workbookEntryPerson.push({ id: numbered('persons'), ...of, person: id(who) });
    for (const [who, behaviour, stageOfChange, capacityForChange] of part.readings ?? []) {
      rows.workbookReading.push({ id: numbered('readings'), ...of, person: id(who), behaviour, stageOfChange, capacityForChange });
    }
    for (const [who, words] of part.childWords ?? [])
      rows.workbookChildWords.push({ id: numbered('child'), ...of, person: id(who), words });
    for (const [who, words] of part.parentWords ?? [])
      rows.workbookParentWords.push({ id: numbered('parent'), ...of, person: id(who), words });
  }
}

function buildOffers({ story, rows, id }: Builder): void {
  for (const [index, part] of story.offers.entries()) {
    const offer = rowId(story.id, index);
    const { subject } = someone(part.by.organisation, part.by.worker);
    const row = { family: story.id, person: id(part.to), controller: organisationId(part.by.organisation), worker: subject };
    rows.serviceOffer.push({
      id: offer,
      ...row,
      offeredOn: part.on,
      status: part.status,
      takenUpOn: part.takenUp ?? null,
      outcome: part.outcome ?? null,
    });
    rows.serviceOfferLink.push({ offer, ...row, ...serviceLink(part.service) });
  }
}

function buildDecisions({ story, rows, id }: Builder): void {
  for (const [index, part] of story.decisions.entries()) {
    rows.sharingDecision.push({
      id: rowId(story.id, index),
      family: story.id,
      person: part.about ? id(part.about) : null,
      dataClass: part.dataClass,
      mask: maskOf([part.dataClass]),
      effect: part.effect,
      organisation: part.organisation ? organisationId(part.organisation) : null,
      agency: part.agency ?? null,
      gateway: part.gateway,
      reason: part.reason,
      decidedBy: someone(part.by.organisation, part.by.worker).subject,
      controller: organisationId(part.by.organisation),
      from: new Date(part.from),
      until: null,
      withdrawnAt: null,
      agreementVersion: AGREEMENT_VERSION,
    });
  }
}

/** A story as rows of the tables. */
export function storyRows(story: Story): FamilyRows {
  const people = peopleOf(story);
  const id = (who: string) => {
    const found = people.get(who);
    if (found === undefined) throw new Error(`There is no ${who} in family ${story.id}.`);
    return found;
  };
  const builder: Builder = { story, rows: noRows(), county: organisationId('occ'), id };
  const { rows, county: controller } = builder;
  rows.family.push({ id: story.id, controller, restricted: false });
  rows.familyName.push({ family: story.id, controller, reference: `FSP-${String(story.id).padStart(7, '0')}`, name: story.name });
  rows.familyStage.push({ family: story.id, controller, stage: story.stage, marac: false, since: new Date(story.stageSince) });
  for (const build of [
    buildPeople,
    buildHouseholds,
    buildInvolvements,
    buildPlans,
    buildInterventions,
    buildWorkbook,
    buildOffers,
    buildDecisions,
  ]) {
    build(builder);
  }
  return rows;
}

/** The id of a person of a told family, by the short name in the story. */
export function storyPerson(familyId: number, who: string): number {
  const story = STORIES.find(({ id }) => id === familyId);
  const found = story && peopleOf(story).get(who);
  if (found === undefined) throw new Error(`There is no ${who} in family ${familyId}.`);
  return found;
}

/** The generated families of the demonstration: ids 4 to 203. */
export const GENERATED = { families: 200, seed: 20211111, firstId: 4 };

/** The day on which everybody was named in their team: the model went live. */
const LIVE = '2020-11-01T00:00:00Z';

async function loadCallers(client: pg.Client): Promise<void> {
  const insert = (table: string, rows: Record<string, unknown>[], conflict: string) => {
    const columns = Object.keys(rows[0] as object)
      .map((name) => `"${name}"`)
      .join(', ');
    return client.query(
      `insert into fsp.${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::fsp.${table}, $1::jsonb) on conflict ${conflict}`,
      [JSON.stringify(rows)],
    );
  };
  await insert(
    'client',
    CLIENTS.map(({ id, name, organisation, scopes, purposes, defaultPurpose }) => ({
      id,
      name,
      organisation: organisationId(organisation),
      scopes,
      purposes,
      default_purpose: defaultPurpose,
      enabled: true,
    })),
    '(id) do nothing',
  );
  await insert(
    'app_user',
    USERS.map(({ organisation, subject, name }) => ({ organisation: organisationId(organisation), subject, name, enabled: true })),
    '(organisation, subject) do nothing',
  );
  const members = Object.entries(TEAMS).flatMap(([team, people]) =>
    people.map(({ subject, discipline }) => ({ organisation: organisationId(team), subject, discipline, from: LIVE })),
  );
  await insert('team_member', members, '(organisation, subject, "from") do nothing');
}

/** Families are granted to logins; without them the families would be there and nobody would see them. */
async function requireLogins(client: pg.Client): Promise<void> {
  const { rows } = await client.query('select from fsp.login limit 1');
  if (rows.length === 0) throw new Error('The demonstration needs the logins of the organisations: provision them first.');
}

/**
 * Loads the demonstration in one transaction, as the database's owner, into a database that has Oxfordshire's
 * reference data and its organisations' logins, and no families yet.
 */
export async function loadDemonstration(client: pg.Client): Promise<void> {
  await client.query('begin');
  try {
    await requireLogins(client);
    await loadCallers(client);
    await writeFamilies(client, [...STORIES.map(storyRows), ...generatedFamilies(GENERATED, 0, GENERATED.families)]);
    await advanceSequences(client);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}
