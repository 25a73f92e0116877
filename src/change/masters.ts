/**
 * One master for each noun: which system owns it stands in the authority's `masters.json`. What is mastered elsewhere is a copy here, and
 * is written by that system alone.
 */
import { inArray } from 'drizzle-orm';
import type { Client } from '../access/client.ts';
import type { Transaction } from '../db/transactions.ts';
import { nounMaster } from '../modules/mastery/tables.ts';
import type { UserError } from './command.ts';

export type Noun = {
  noun: string;
  what: string;
  /** The GraphQL types whose rows are of it; the first is the noun's own. */
  types: readonly [string, ...string[]];
};

/** Every noun that may have another master. A row of any other kind is this platform's. */
export const NOUNS: readonly Noun[] = [
  { noun: 'family', what: 'that a family is there: its name, number, members and relationships', types: ['Family', 'Relationship'] },
  { noun: 'person', what: 'who a person is: names, dates, numbers', types: ['Person', 'PersonMerge'] },
  { noun: 'contact', what: 'what reached the front door, and what was decided on it', types: ['Contact'] },
  { noun: 'assessment', what: 'assessments and their findings', types: ['Assessment', 'SpecialistAssessment'] },
  {
    noun: 'plan',
    what: 'plans, and the legal path of which they are part',
    types: [
      'Plan',
      'FamilyPlan',
      'FamilyGoal',
      'FamilyAction',
      'StepEvent',
      'StrategyDiscussion',
      'Section47',
      'Conference',
      'PreProceedings',
      'PreparatoryAssessment',
      'FamilyGroup',
      'Marac',
    ],
  },
  {
    noun: 'placement',
    what: 'where a looked-after child lives',
    types: ['Placement', 'Episode', 'ContactArrangement', 'ReturnHome', 'ReturnStage'],
  },
  { noun: 'visit', what: 'statutory visits', types: ['Visit'] },
  { noun: 'meeting', what: 'meetings, their minutes and actions', types: ['Meeting', 'MeetingAction', 'MeetingMinutes'] },
  { noun: 'workbook-entry', what: 'the Workbook', types: ['WorkbookEntry', 'WorkbookReading'] },
  { noun: 'intervention', what: 'programmes of work with a person', types: ['Intervention', 'InterventionSession', 'InterventionOutcome'] },
  { noun: 'service-offer', what: 'services offered, and what came of it', types: ['ServiceOffer'] },
];

/** Commands that write rows of more than the type that they name. */
const ALSO: Record<string, readonly string[]> = {
  registerFamily: ['Person'],
  addFamilyMember: ['Family'],
  recordUnbornChild: ['Family'],
  recordBirth: ['Family'],
  endMembership: ['Family'],
  upsertFamilies: ['Family', 'Person'],
  upsertPersons: ['Person'],
  upsertWorkbookEntries: ['WorkbookEntry'],
};

/** The noun of which a type's rows are; null: of none that could be mastered elsewhere. */
export const nounOf = (type: string): Noun | null => NOUNS.find(({ types }) => types.includes(type)) ?? null;

/**
 * Whether what a command wrote is another system's to write.
 *
 * @param type the type of the row that it wrote.
 * @returns what the caller can mend: writing it there. Null: it is written here, or by its master.
 */
export async function masteredElsewhere(tx: Transaction, client: Client, command: string, type: string): Promise<UserError | null> {
  const nouns = [type, ...(ALSO[command] ?? [])].flatMap((each) => nounOf(each)?.noun ?? []);
  if (nouns.length === 0) return null;
  const masters = await tx.select().from(nounMaster).where(inArray(nounMaster.noun, nouns));
  const other = masters.find(({ client: master }) => master !== null && !(master === client.id && client.purpose === 'RECORD_SYNC'));
  if (!other) return null;
  const message = `${other.system ?? other.client} is the master of this (${other.what}). Write it there; it comes here from there.`;
  return { code: 'RULE', message, path: [], rule: 'MASTERED_ELSEWHERE' };
}
