/**
 * The data classes. Each has one bit in the masks of the grant tables; a bit is written once and never reused,
 * because the masks are stored.
 */
export const CLASS_BIT = {
  SAFETY: 0,
  INVOLVEMENT: 1,
  IDENTITY: 2,
  FAMILY: 3,
  NHS_NUMBER: 4,
  UPN: 5,
  EQUALITY: 6,
  WHEREABOUTS: 7,
  CASE: 8,
  ASSESSMENT: 9,
  WORKBOOK: 10,
  SUPERVISION: 11,
  PROGRESS: 12,
  CHILD_VOICE: 13,
  ADULT_VOICE: 14,
  CLINICAL: 15,
  VICTIM: 16,
  OFFENCE: 17,
  COURT: 18,
  EDUCATION: 19,
  HOUSING: 20,
  OFFER: 21,
  INFORMANT: 22,
  STAFF: 23,
  SHARING: 24,
} as const;

/** A class whose rows concern people and are opened family by family. */
export type PersonalClass = keyof typeof CLASS_BIT;

/** Classes that concern nobody in particular and carry no bit. */
export const OPEN_CLASSES = ['STRUCTURE', 'DIRECTORY', 'MEASURE', 'EXACT', 'RESEARCH', 'OPERATION'] as const;

/** Classes of tables in which there is nobody: what services there are, and figures about groups. */
export const isOfNobody = (dataClass: DataClass): boolean => dataClass === 'DIRECTORY' || dataClass === 'MEASURE' || dataClass === 'EXACT';

export type DataClass = PersonalClass | (typeof OPEN_CLASSES)[number];

export const PERSONAL_CLASSES = Object.keys(CLASS_BIT) as PersonalClass[];

export const AGENCIES = ['LA', 'TEAM', 'HEALTH', 'EDUCATION', 'POLICE', 'DISTRICT', 'PROVIDER', 'EVALUATOR'] as const;

export type Agency = (typeof AGENCIES)[number];

/** Whether a class is opened by grants (and so has a bit) rather than being the same for everyone. */
export function isPersonal(dataClass: DataClass): dataClass is PersonalClass {
  return dataClass in CLASS_BIT;
}

/** The mask of a set of classes, as the grant tables store it. */
export function maskOf(classes: Iterable<PersonalClass>): bigint {
  let mask = 0n;
  for (const dataClass of classes) mask |= 1n << BigInt(CLASS_BIT[dataClass]);
  return mask;
}
