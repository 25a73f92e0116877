/** What a meeting and a decision must be, whoever writes them. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  AgreeSafeWorkingInput,
  CallMeetingInput,
  MeetingGuestInput,
  OverseeDecisionInput,
  RecordDecisionInput,
  RecordMeetingInput,
} from '../../graphql/generated.ts';
import { addMonths } from '../clock/calendar.ts';

type Without<T> = Omit<T, 'idempotencyKey'>;

export type CallInput = Without<CallMeetingInput>;
export type RecordInput = Without<RecordMeetingInput>;
export type DecisionInput = Without<RecordDecisionInput>;

const LONGEST = { name: 200, place: 500, notes: 20_000, what: 2_000, list: 50 };

type Faults = ReturnType<typeof faults>;

/** Guests are practitioners of an organisation, or members of the family; never both, nor neither. */
function checkGuests({ invalid, text, list }: Faults, guests: readonly MeetingGuestInput[] | null | undefined, field: string): void {
  list(guests, LONGEST.list, field);
  (guests ?? []).forEach(({ organisation, user, name, person }, i) => {
    if ((organisation === null || organisation === undefined) === (person === null || person === undefined))
      invalid('Name either an organisation or a member of the family.', field, i);
    if (person && user) invalid('A user is of an organisation.', field, i, 'user');
    text(name, LONGEST.name, field, i, 'name');
    text(user, LONGEST.name, field, i, 'user');
  });
}

export function checkCall(input: CallInput): UserError[] {
  const found = faults();
  const { errors, invalid, text, list } = found;
  if (input.persons.length === 0) invalid('A meeting is about at least one member of the family.', 'persons');
  list(input.persons, LONGEST.list, 'persons');
  text(input.place, LONGEST.place, 'place');
  text(input.chair, LONGEST.name, 'chair');
  checkGuests(found, input.invited, 'invited');
  return errors;
}

/** @param meeting as it stands; @param now when it is recorded. */
export function checkRecord(input: RecordInput, meeting: { meetsAt: Date; status: string }, now: Date): UserError[] {
  const found = faults();
  const { errors, invalid, text, list, past } = found;
  if (meeting.status === 'HELD') invalid('It is on record already as held.', 'meeting');
  past(input.at ?? meeting.meetsAt.toISOString(), now, 'at');
  text(input.chair, LONGEST.name, 'chair');
  text(input.notes, LONGEST.notes, 'notes');
  text(input.minutes, LONGEST.notes, 'minutes');
  list(input.minutesKeptFrom, LONGEST.list, 'minutesKeptFrom');
  if (input.attended.length === 0) invalid('Say who came.', 'attended');
  checkGuests(found, input.attended, 'attended');
  checkGuests(found, input.apologies, 'apologies');
  list(input.actions, LONGEST.list, 'actions');
  const held = (input.at ?? meeting.meetsAt.toISOString()).slice(0, 10);
  (input.actions ?? []).forEach(({ what, who, dueOn }, i) => {
    text(what, LONGEST.what, 'actions', i, 'what');
    text(who, LONGEST.name, 'actions', i, 'who');
    if (dueOn < held) invalid('Must not be before the meeting.', 'actions', i, 'dueOn');
  });
  if (input.minutesKeptFrom?.length && !input.minutes) invalid('There are no minutes to keep from anybody.', 'minutesKeptFrom');
  return errors;
}

/** What to do is reviewed within six months. */
export function checkSafeWorking(input: Without<AgreeSafeWorkingInput>, kind: string | null): UserError[] {
  const { errors, invalid, rule, text } = faults();
  text(input.whatToDo, LONGEST.what, 'whatToDo');
  if (kind !== null && kind !== 'restorative') invalid('Safe working is agreed in a restorative meeting.', 'meeting');
  if (input.reviewOn <= input.from) invalid('Must be after it begins.', 'reviewOn');
  if (input.reviewOn > addMonths(input.from, 6))
    rule('SAFETY_REVIEW', `Must be at most six months after it begins: by ${addMonths(input.from, 6)}.`, 'reviewOn');
  return errors;
}

export function checkDecision(input: DecisionInput, now: Date): UserError[] {
  const { errors, invalid, text, list, past } = faults();
  past(input.on, now, 'on');
  text(input.decidedBy, LONGEST.name, 'decidedBy');
  text(input.role, LONGEST.name, 'role');
  text(input.what, LONGEST.what, 'what');
  text(input.reason, LONGEST.what, 'reason');
  list(input.evidence, LONGEST.list, 'evidence');
  list(input.keptFrom, LONGEST.list, 'keptFrom');
  if (input.kind === 'kept-from-lifted') invalid('Use liftKeptFrom: it lifts what it decides.', 'kind');
  return errors;
}

/** Who looks at a decision is a team manager, and not the one who made it. */
export function checkOversight(
  input: Without<OverseeDecisionInput>,
  decision: { worker: string | null; overseenOn: string | null; version: number },
  caller: { user: string | null; isManager: boolean },
): UserError[] {
  const { errors, invalid, rule, text } = faults();
  text(input.comment, LONGEST.what, 'comment');
  if (!caller.isManager) rule('TEAM_MANAGER', 'Only a team manager oversees a decision.', 'decision');
  else if (caller.user !== null && caller.user === decision.worker)
    rule('OWN_DECISION', 'Another manager than the one who decided must look at it.', 'decision');
  if (decision.overseenOn !== null && decision.version === input.expectedVersion)
    invalid(`It was looked at on ${decision.overseenOn}.`, 'decision');
  return errors;
}
