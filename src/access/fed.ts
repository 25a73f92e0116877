/**
 * What the change feed tells of: a noun is added by its line here, and by its value of the enum `ChangeType`. Which tables' rows
 * belong to it follows from their keys.
 */
import { getTableConfig } from 'drizzle-orm/pg-core';
import { keyTo } from '../db/belonging.ts';
import { classifiedTables, type TableClass } from '../db/classified.ts';
import { isPersonal } from './classes.ts';
import { bitOf } from './masks.ts';
import { typeOfTable } from './retractable.ts';

/** Tables whose rows have an id of their own and belong to a family; `family` and `person` themselves. */
export const FED = [
  'family',
  'person',
  'involvement',
  'workbook_entry',
  'plan',
  'family_plan',
  'assessment',
  'specialist_assessment',
  'intervention',
  'service_offer',
  'safety_condition',
  'incident',
  'meeting',
  'decision',
  'tool_reading',
  'child_voice',
  'adult_voice',
  'trusted_adult',
  'visit',
  'conference',
  'strategy_discussion',
  'section47',
  'episode',
  'placement',
  'marac',
  'housing_situation',
  'school_record',
  'step_event',
  'pre_proceedings',
  'preparatory_assessment',
  'family_group',
  'contact_arrangement',
  'return_home',
  'family_action',
  'relationship_feedback',
] as const;

/** What is shown with the family, and is not told of by itself. */
const OF_FAMILY: ReadonlySet<string> = new Set(['membership', 'unborn_membership', 'relationship', 'household', 'household_member']);

/** What is shown with the person, and is not told of by itself. */
const OF_PERSON: ReadonlySet<string> = new Set(['person_disability', 'person_new_name', 'person_same']);

/** GraphQL types that the feed tells of, in the order of the tables. */
export const FED_TYPES: readonly string[] = FED.map(typeOfTable);

export type Feeding = {
  table: string;
  /** The GraphQL type of the row that changes with a row of the table. */
  type: string;
  /** The column with that row's key. */
  key: string;
  /** The column with its family; a person is of no one family. */
  family: string | null;
  /** The bit of the table's class, and the column with those that a row needs besides. */
  classes: bigint;
  rowMask: string | null;
};

const primaryKey = ({ table }: TableClass) => getTableConfig(table).columns.filter(({ primary }) => primary);

/** Which rows of which tables are told as a change of what. */
export function feedings(all: TableClass[] = classifiedTables()): Feeding[] {
  const wholes = all.filter(({ name }) => (FED as readonly string[]).includes(name));
  return all.flatMap((table): Feeding[] => {
    const { name, dataClass, rowMask = null, family = null } = table;
    if (!isPersonal(dataClass) && !wholes.includes(table)) return [];
    const as = (type: string, key: string, of: string | null): Feeding => ({
      table: name,
      type,
      key,
      family: of,
      classes: bitOf(dataClass),
      rowMask,
    });
    if (name === 'family') return [as('Family', 'id', 'id')];
    if (name === 'person') return [as('Person', 'id', null)];
    if (wholes.includes(table)) return [as(typeOfTable(name), 'id', family)];
    const [own, ...more] = primaryKey(table);
    const alone = more.length === 0 ? own?.name : undefined;
    if (OF_FAMILY.has(name) || (alone !== undefined && alone === table.family)) return [as('Family', 'family', 'family')];
    if (OF_PERSON.has(name) || (alone !== undefined && alone === table.person)) return [as('Person', 'person', null)];
    return wholes.flatMap((whole): Feeding[] => {
      const key = ['family', 'person'].includes(whole.name) ? undefined : keyTo(table, whole);
      return key ? [as(typeOfTable(whole.name), key, family)] : [];
    });
  });
}
