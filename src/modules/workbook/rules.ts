/** What a Workbook entry must be, whoever writes it. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { AddWorkbookEntryInput, AmendWorkbookEntryInput } from '../../graphql/generated.ts';

/** The input of `addWorkbookEntry` without its idempotency key. */
export type EntryInput = Omit<AddWorkbookEntryInput, 'idempotencyKey'>;

const LONGEST = { module: 200, narrative: 20_000, words: 5_000, name: 200, list: 50 };

/** Everything the caller can mend, each with where it is. Pure: what must be looked up is checked by the command. */
export function checkEntry(input: EntryInput, now: Date): UserError[] {
  const { errors, invalid, text, list, past } = faults();
  text(input.module, LONGEST.module, 'module');
  text(input.narrative, LONGEST.narrative, 'narrative');
  past(input.occurred, now, 'occurred');
  if (input.persons.length === 0) invalid('An entry is about at least one member of the family.', 'persons');
  for (const field of ['persons', 'keptFrom', 'readings', 'childWords', 'parentWords', 'joint', 'triggers', 'evidence'] as const) {
    list(input[field], LONGEST.list, field);
  }
  (input.readings ?? []).forEach(({ capacityForChange }, i) => {
    const known = capacityForChange !== null && capacityForChange !== undefined;
    if (known && (capacityForChange < 1 || capacityForChange > 5)) invalid('Must be from 1 to 5.', 'readings', i, 'capacityForChange');
  });
  for (const field of ['childWords', 'parentWords'] as const) {
    (input[field] ?? []).forEach(({ words }, i) => text(words, LONGEST.words, field, i, 'words'));
  }
  (input.joint ?? []).forEach(({ name }, i) => text(name, LONGEST.name, 'joint', i, 'name'));
  text(input.concern?.text, LONGEST.words, 'concern', 'text');
  (input.triggers ?? []).forEach(({ trigger, coping }, i) => {
    text(trigger, LONGEST.words, 'triggers', i, 'trigger');
    text(coping, LONGEST.words, 'triggers', i, 'coping');
  });
  if (input.miPractice) {
    const { principles, changeTalk, sustainTalk, ownRating } = input.miPractice;
    list(principles, LONGEST.list, 'miPractice', 'principles');
    if (new Set(principles).size < principles.length) invalid('Name each principle once.', 'miPractice', 'principles');
    for (const [field, count] of [
      ['changeTalk', changeTalk],
      ['sustainTalk', sustainTalk],
    ] as const) {
      if (count !== null && count !== undefined && (count < 0 || count > 1_000)) invalid('Must be from 0 to 1,000.', 'miPractice', field);
    }
    if (ownRating !== null && ownRating !== undefined && (ownRating < 1 || ownRating > 5))
      invalid('Must be from 1 to 5.', 'miPractice', 'ownRating');
  }
  if (input.evidence?.length && !input.session) invalid('Evidence is left behind by a session of the programme: say which.', 'evidence');
  return errors;
}

/** The input of `amendWorkbookEntry` without its idempotency key. */
export type AmendmentInput = Omit<AmendWorkbookEntryInput, 'idempotencyKey'>;

/** What an amendment must be. Pure. */
export function checkAmendment(input: AmendmentInput): UserError[] {
  const { errors, invalid, text } = faults();
  text(input.reason, LONGEST.words, 'reason');
  text(input.narrative, LONGEST.narrative, 'narrative');
  text(input.module, LONGEST.module, 'module');
  const changed = [input.narrative, input.module, input.sessionType].some((value) => value !== null && value !== undefined);
  if (!changed) invalid('Say what is different.', 'narrative');
  return errors;
}

/** A session as the programme in force has it: its module's code and name, and the evidence it asks for, by code. */
export type SessionInForce = { id: number; module: { code: string; name: string }; evidence: Map<string, number> };

/** Whether module and evidence fit the session. Pure. @param session null: there is none of this code in force. */
export function checkSession(input: EntryInput, session: SessionInForce | null): UserError[] {
  const { errors, invalid } = faults();
  if (!input.session) return errors;
  if (!session) invalid('No programme in force on that day has this session.', 'session');
  else {
    const { code, name } = session.module;
    if (input.module !== code && input.module !== name) invalid(`The session is of the module ${name}.`, 'module');
    (input.evidence ?? []).forEach((each, i) => {
      if (!session.evidence.has(each)) invalid('The session does not ask for this evidence.', 'evidence', i);
    });
  }
  return errors;
}
