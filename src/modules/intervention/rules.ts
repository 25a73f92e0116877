/** How an intervention may go on, and what its records must be. Days are `YYYY-MM-DD`. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  InterventionStatus,
  MoveInterventionInput,
  RecordInterventionOutcomeInput,
  RecordInterventionSessionInput,
  RecordInterventionTestInput,
  RecordOnwardActivityInput,
  RecordRelapseInput,
  RequestInterventionInput,
} from '../../graphql/generated.ts';

type Without<T> = Omit<T, 'idempotencyKey'>;
export type RequestInput = Without<RequestInterventionInput>;
export type MoveInput = Without<MoveInterventionInput>;
export type SessionInput = Without<RecordInterventionSessionInput>;
export type RelapseInput = Without<RecordRelapseInput>;
export type OutcomeInput = Without<RecordInterventionOutcomeInput>;
export type OnwardInput = Without<RecordOnwardActivityInput>;
export type TestInput = Without<RecordInterventionTestInput>;

/** An intervention as far as the rules ask. */
export type Standing = {
  status: InterventionStatus;
  requested: string;
  accepted: string | null;
  started: string | null;
  ended: string | null;
};

/** What is the matter, and what has to be looked at though it stands. */
export type Checked = { errors: UserError[]; warnings: UserError[] };

const LONGEST = { reason: 2_000, note: 5_000, outcome: 1_000, name: 200, worker: 100 };

const NEXT: Record<InterventionStatus, readonly InterventionStatus[]> = {
  REQUESTED: ['ACCEPTED', 'WAITING', 'STARTED', 'DECLINED', 'WITHDRAWN'],
  ACCEPTED: ['WAITING', 'STARTED', 'DECLINED', 'WITHDRAWN'],
  WAITING: ['STARTED', 'DECLINED', 'WITHDRAWN'],
  STARTED: ['COMPLETED', 'ENDED_EARLY'],
  COMPLETED: [],
  ENDED_EARLY: [],
  WITHDRAWN: [],
  DECLINED: [],
};

const ENDS: readonly InterventionStatus[] = ['COMPLETED', 'ENDED_EARLY', 'WITHDRAWN', 'DECLINED'];
const NEED_WHY: readonly InterventionStatus[] = ['ENDED_EARLY', 'WITHDRAWN', 'DECLINED'];

export const isEnd = (status: InterventionStatus): boolean => ENDS.includes(status);

/** Whether a step answers the request: then the provider's clock is met. */
export const answers = (status: InterventionStatus): boolean => ['ACCEPTED', 'WAITING', 'STARTED', 'DECLINED'].includes(status);

const words = (all: readonly string[]) => (all.length > 1 ? `${all.slice(0, -1).join(', ')} or ${all.at(-1)}` : all.join(''));

/** What a request must be. @param gives whether the provider gives the programme on that day. */
export function checkRequest(input: RequestInput, gives: boolean, now: Date): Checked {
  const hard = faults();
  const { errors, text, past } = hard;
  const look = faults();
  text(input.reason, LONGEST.reason, 'reason');
  text(input.worker, LONGEST.worker, 'worker');
  past(input.requested, now, 'requested');
  const words = 'The organisation does not give this programme on that day; Programme.providers says who does.';
  if (!gives) (input.historical ? look : hard).invalid(words, 'provider');
  if (!input.agreed) look.invalid('The person has not agreed; the reason has to say why it is asked for all the same.', 'agreed');
  return { errors, warnings: look.errors };
}

/** Whether an intervention may be moved so. What was entered after the event warns where it would be refused. */
export function checkMove(input: MoveInput, at: Standing, now: Date): Checked {
  const hard = faults();
  const { errors, text, past, invalid } = hard;
  const look = faults();
  text(input.note, LONGEST.note, 'note');
  text(input.outcome, LONGEST.outcome, 'outcome');
  text(input.worker, LONGEST.worker, 'worker');
  past(input.on, now, 'on');
  const next = NEXT[at.status];
  if (!next.includes(input.to)) {
    const can =
      next.length > 0 ? `from ${at.status} it can become ${words(next)}` : `${at.status} is an end: ask for a new intervention instead`;
    // An end is an end, whoever enters it when.
    const soft = input.historical && !isEnd(at.status) && input.to !== 'REQUESTED';
    (soft ? look : hard).rule('INTERVENTION_STEP', `It cannot become ${input.to}: ${can}.`, 'to');
  }
  const latest = [at.requested, at.accepted, at.started]
    .filter((day) => day !== null)
    .sort()
    .at(-1) as string;
  if (input.on < latest) (input.historical ? look : hard).rule('INTERVENTION_ORDER', `The step before it was on ${latest}.`, 'on');
  if (NEED_WHY.includes(input.to) && !input.note) invalid('Say why: it is what the referrer is told.', 'note');
  if (input.outcome && !isEnd(input.to)) invalid('An outcome is said at the end.', 'outcome');
  return { errors, warnings: look.errors };
}

/** An intervention's columns after a step. */
export function afterMove(to: InterventionStatus, on: string, at: Standing): Partial<Standing> {
  return {
    status: to,
    ...(['ACCEPTED', 'WAITING', 'STARTED'].includes(to) && at.accepted === null ? { accepted: on } : {}),
    ...(to === 'STARTED' ? { started: on } : {}),
    ...(isEnd(to) ? { ended: on } : {}),
  };
}

/** What a session must be. @param group the programme of the group's session; null where none is named. */
export function checkSession(input: SessionInput, at: Standing, group: { fits: boolean } | null, now: Date): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  past(input.on, now, 'on');
  text(input.jointWith, LONGEST.name, 'jointWith');
  const { motivation } = input;
  if (motivation !== null && motivation !== undefined && (motivation < 1 || motivation > 5)) invalid('Must be from 1 to 5.', 'motivation');
  if (input.groupSession && input.kind !== 'GROUP') invalid('Only a session of the kind GROUP is a meeting of a group.', 'groupSession');
  if (group && !group.fits) invalid('That meeting is of a group of another programme.', 'groupSession');
  if (input.kind === 'JOINT_VISIT' && !input.jointWith) invalid('Say who came along.', 'jointWith');
  if (input.jointWith && input.kind !== 'JOINT_VISIT') invalid('Only a joint visit has somebody who came along.', 'jointWith');
  if (input.on < at.requested) rule('INTERVENTION_ORDER', `It was asked for on ${at.requested}.`, 'on');
  if (at.ended !== null && input.on > at.ended) rule('INTERVENTION_ORDER', `It ended on ${at.ended}.`, 'on');
  return errors;
}

export function checkRelapse(input: RelapseInput, at: Standing, now: Date): UserError[] {
  const { errors, rule, text, past } = faults();
  text(input.note, LONGEST.note, 'note');
  text(input.detail, LONGEST.note, 'detail');
  past(input.on, now, 'on');
  if (at.status === 'DECLINED' || at.status === 'WITHDRAWN')
    rule('INTERVENTION_STEP', 'It never began: a relapse belongs to one that did, or to the Workbook.', 'intervention');
  return errors;
}

export function checkOutcome(input: OutcomeInput, at: Standing, again: boolean, now: Date): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  text(input.note, LONGEST.note, 'note');
  past(input.on, now, 'on');
  if (input.months !== 6 && input.months !== 12) invalid('Outcomes are looked at after 6 and after 12 months.', 'months');
  if (at.started === null || at.ended === null)
    rule('INTERVENTION_STEP', 'What has held is asked of an intervention that began and has ended.', 'intervention');
  else if (input.on <= at.ended) rule('INTERVENTION_ORDER', `It ended on ${at.ended}; what has held is seen later.`, 'on');
  if (again) rule('INTERVENTION_OUTCOME', `What has held after ${input.months} months is on record already.`, 'months');
  return errors;
}

export function checkOnward(input: OnwardInput, now: Date): UserError[] {
  const { errors, invalid, text, past } = faults();
  text(input.name, LONGEST.name, 'name');
  past(input.from, now, 'from');
  if (input.until && input.until < input.from) invalid('Must not be before it began.', 'until');
  return errors;
}

export function checkTest(input: TestInput, now: Date): UserError[] {
  const { errors, invalid, text, past } = faults();
  text(input.detail, LONGEST.note, 'detail');
  past(input.on, now, 'on');
  if (input.kind === 'BREATHALYSER' && input.substance !== 'alcohol') invalid('A breathalyser tests for alcohol.', 'substance');
  return errors;
}
