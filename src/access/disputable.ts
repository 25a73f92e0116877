import type { PersonalClass } from './classes.ts';

/**
 * Tables whose rows are facts that a person can dispute, each with the classes, beside its own, that what is said of it may
 * tell: a row says that there was an assessment, and other tables what it found. A noun is added by its line here.
 */
export const DISPUTABLE: Record<string, readonly PersonalClass[]> = {
  adult_voice: [],
  assessment: ['ASSESSMENT'],
  child_voice: [],
  conference: ['ASSESSMENT'],
  contact: ['ASSESSMENT'],
  decision: [],
  housing_situation: [],
  incident: [],
  plan: ['ASSESSMENT'],
  safety_condition: ['OFFENCE'],
  school_record: [],
  section47: ['ASSESSMENT'],
  strategy_discussion: ['ASSESSMENT'],
  tool_reading: [],
  workbook_entry: [],
};
