/** One command of the demonstration's record. */

/** Who gives it: a client of the demonstration and its user. */
export type Teller = { client: string; user: string; purpose: string };

/** Ids of what a command names. */
export type Names = {
  family: string;
  /** By the short name in the story. */
  person: (who: string) => string;
  /** The n-th row of a type in the story's first part. */
  base: (type: string, n: number) => string;
  /** What an earlier step made under this name. */
  made: (name: string) => string;
  organisation: (code: string) => string;
  programme: (code: string) => string;
  id: (type: string, key: number) => string;
};

export type Step = {
  /** The day, ISO: the command is given at six in the evening. */
  on: string;
  as: Teller;
  /** Field of `Mutation`. */
  do: string;
  input: (names: Names) => Record<string, unknown>;
  /** The field of the input that names what is changed, and its id, or `last Task`: the version that stands is expected. */
  amends?: (names: Names) => [field: string, id: string];
  /** Type and name of what it makes, where a later step speaks of it. */
  name?: [type: string, name: string];
};

const teller = (client: string, user: string, purpose = 'SAFEGUARDING'): Teller => ({ client, user, purpose });

export const grace = teller('occ-social-care', 'grace.whitlock');
export const marcus = teller('occ-social-care', 'marcus.oyelaran');
export const frontDoor = teller('occ-front-door', 'philippa.nunn');
export const gideon = teller('occ-governance', 'gideon.marlowe', 'SUBJECT_ACCESS');
export const recordSystem = teller('occ-record-system', 'grace.whitlock', 'RECORD_SYNC');
export const jonah = teller('team-07-workbook', 'jonah.pryce');
export const niamh = teller('team-07-workbook', 'niamh.carroll');
export const ruth = teller('team-07-workbook', 'ruth.ellery');
export const lorna = teller('team-02-workbook', 'lorna.beckett');
export const felicity = teller('oxford-health-visiting', 'felicity.garside');
export const owen = teller('school-tansy-bridge-pastoral', 'owen.lathbury');
export const priscilla = teller('school-larch-hollow-pastoral', 'priscilla.dean', 'CHILD_IN_NEED');
export const harriet = teller('thames-valley-police-protection', 'harriet.coyle');
export const dilys = teller('cherwell-housing-desk', 'dilys.penrose', 'HOUSING_DUTY');
export const callum = teller('turning-point-casework', 'callum.strand');
export const saira = teller('elmore-victims-casework', 'saira.bhatt');
export const vincent = teller('elmore-perpetrators-casework', 'vincent.hale');
export const isolde = teller('oxfordshire-mind-casework', 'isolde.marsh', 'CHILD_IN_NEED');
