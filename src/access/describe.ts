/** The agreement in words, for people who read the schema. */
import { AGREEMENT, type Level } from './agreement.ts';
import { AGENCIES, type Agency, type DataClass } from './classes.ts';

export const AGENCY_NAME: Record<Agency, string> = {
  LA: 'the county',
  TEAM: "the family's team",
  HEALTH: 'health',
  EDUCATION: 'schools',
  POLICE: 'the police',
  DISTRICT: 'district councils',
  PROVIDER: 'providers',
  EVALUATOR: 'evaluators',
};

/** The levels by the names the schema gives them. */
export const LEVEL_NAME: Record<Level, string> = {
  A: 'ALWAYS',
  D: 'BY_DECISION',
  O: 'OWN_ROWS',
  'O/D': 'OWN_ROWS_OR_BY_DECISION',
  R: 'BY_ROLE',
  N: 'NEVER',
};

const IN_WORDS: [Level, string][] = [
  ['A', ''],
  ['O/D', 'own rows, others by decision: '],
  ['O', 'own rows: '],
  ['D', 'by decision: '],
  ['R', 'by role: '],
];

/** "Shared with: …", as it stands in a field's description. */
export function sharedWith(dataClass: DataClass, rowClass: boolean): string {
  if (dataClass === 'STRUCTURE') return 'Shared with: everyone who sees the object.';
  const { levels } = AGREEMENT[dataClass];
  const parts = IN_WORDS.flatMap(([level, words]) => {
    const agencies = AGENCIES.filter((agency) => levels[agency] === level).map((agency) => AGENCY_NAME[agency]);
    return agencies.length > 0 ? [words + agencies.join(', ')] : [];
  });
  const everyone = AGENCIES.every((agency) => levels[agency] === 'A');
  const whom = everyone ? 'everyone' : parts.length > 0 ? parts.join('; ') : 'nobody';
  return `Shared with: ${whom}${rowClass ? '; and only where the row’s own class is shared too' : ''}. (${dataClass})`;
}

/** The level that the schema gives this name. */
export function levelNamed(name: string): Level {
  const found = (Object.entries(LEVEL_NAME) as [Level, string][]).find(([, known]) => known === name)?.[0];
  if (!found) throw new Error(`There is no level ${name}.`);
  return found;
}
