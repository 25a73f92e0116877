/** How a family's story is told before it becomes rows, and who tells it. */
import type { Stage } from '../../access/agreement.ts';
import type { Agency, PersonalClass } from '../../access/classes.ts';

export type PersonPart = {
  given: string;
  surname: string;
  sex: 'F' | 'M';
  born: string;
  role: string;
  ethnicity?: string;
  /** The child has a unique pupil number. */
  pupil?: boolean;
};

export type HouseholdPart = {
  address: string;
  postcode: string;
  district: string;
  from: string;
  members: { who: string; from: string; until?: string }[];
};

export type InvolvementPart = {
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

export type PlanPart = {
  of: string;
  kind: string;
  started: string;
  ended?: string;
  category?: string;
  nextReviewDue?: string;
  reviews?: { due: string; held?: string; outcome?: string }[];
};

export type InterventionPart = {
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

export type EntryPart = {
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

export type OfferPart = {
  to: string;
  service: string;
  by: { organisation: string; worker: string };
  on: string;
  status: string;
  takenUp?: string;
  outcome?: string;
};

export type DecisionPart = {
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

/** Who works with the told families: county, team 7, team 2. */
export const grace = { organisation: 'occ', worker: 'grace.whitlock' };
export const marcus = { organisation: 'occ', worker: 'marcus.oyelaran' };
export const jonah = { organisation: 'team-07', worker: 'jonah.pryce' };
export const niamh = { organisation: 'team-07', worker: 'niamh.carroll' };
export const ruth = { organisation: 'team-07', worker: 'ruth.ellery' };
export const lorna = { organisation: 'team-02', worker: 'lorna.beckett' };

export const CHERWELL = 'E07000177';
export const OXFORD = 'E07000178';
