/** What a reading of a tool must be, beside its scores. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { RecordToolReadingInput } from '../../graphql/generated.ts';
import { answerFaults, type ToolRules } from './scoring.ts';

export type ReadingInput = Omit<RecordToolReadingInput, 'idempotencyKey'>;

/** What of a tool a reading must agree with. */
export type ReadingRules = ToolRules & {
  about: string;
  minimumAge: number | null;
  maximumAge: number | null;
  licenceRequired: boolean;
  licenceHeld: boolean;
};

const LONGEST = { edition: 60, list: 60 };

/** Whole years from a birth to a day, both ISO. */
export function ageOn(born: string, day: string): number {
  const years = Number(day.slice(0, 4)) - Number(born.slice(0, 4));
  return day.slice(5) < born.slice(5) ? years - 1 : years;
}

/** What is wrong with a reading. @param born the person's date of birth, where it is known. */
export function checkReading(input: ReadingInput, tool: ReadingRules, facts: { born: string | null }, now: Date): UserError[] {
  const { errors, invalid, rule, text, list, past } = faults();
  past(input.on, now, 'on');
  text(input.edition, LONGEST.edition, 'edition');
  for (const field of ['answers', 'checks', 'domains', 'keptFrom'] as const) list(input[field], LONGEST.list, field);
  if (tool.about === 'PERSON' && !input.person) invalid(`${tool.code} is about one person: say whom.`, 'person');
  if (tool.about === 'FAMILY' && input.person) invalid(`${tool.code} is about the whole family: leave the person out.`, 'person');
  if (facts.born !== null && tool.minimumAge !== null && tool.maximumAge !== null) {
    const age = ageOn(facts.born, input.on);
    if (age < tool.minimumAge || age > tool.maximumAge) {
      invalid(`${tool.code} is for ages ${tool.minimumAge} to ${tool.maximumAge}; the person was ${age}.`, 'person');
    }
  }
  if (tool.licenceRequired && !tool.licenceHeld) {
    rule('TOOL_LICENCE', `${tool.code} needs a licence that the authority does not hold.`, 'tool');
  }
  for (const { message, path } of answerFaults(tool, input)) invalid(message, ...path);
  if (input.raise) {
    if (tool.code !== 'DASH') invalid('Only the level of DASH is raised by judgement or escalation.', 'raise');
    else if (!tool.bands.some(({ code }) => code === input.raise?.band)) {
      invalid(`Must be one of ${tool.bands.map(({ code }) => code).join(', ')}.`, 'raise', 'band');
    }
  }
  return errors;
}
