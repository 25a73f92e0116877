/** What an assessment must be. Each rule of the CIN census that holds here bears its code. */
import type { UserError } from '../../change/command.ts';
import { type Faults, faults } from '../../change/errors.ts';
import type {
  AmendAssessmentInput,
  CancelAssessmentInput,
  CompleteAssessmentInput,
  OrderSpecialistAssessmentInput,
  ReceiveSpecialistAssessmentInput,
  StartAssessmentInput,
} from '../../graphql/generated.ts';

type Input<T> = Omit<T, 'idempotencyKey'>;
export type StartInput = Input<StartAssessmentInput>;
export type CompleteInput = Input<CompleteAssessmentInput>;
export type AmendInput = Input<AmendAssessmentInput>;
export type CancelInput = Input<CancelAssessmentInput>;
export type OrderInput = Input<OrderSpecialistAssessmentInput>;
export type ReceiveInput = Input<ReceiveSpecialistAssessmentInput>;

const LONGEST = { analysis: 20_000, question: 5_000, conclusion: 20_000, name: 200, list: 60, persons: 50 };
const MOST_ACES = 10;

/** What breaks rules: refused where it is decided here, and warned of where it is only put on record. */
export type Verdict = { errors: UserError[]; warnings: UserError[] };

/** Rules whose code ends in Q only ever warn; the others do where what happened is put on record late, or mirrored. */
export function verdict(broken: UserError[], lenient: boolean): Verdict {
  const warns = ({ rule }: UserError) => rule !== undefined && (lenient || rule.endsWith('Q'));
  return { errors: broken.filter((each) => !warns(each)), warnings: broken.filter(warns) };
}

/** An episode of need, as far as it decides whether a child may be assessed. */
export type OfEpisode = { id: number; referredOn: string; noFurtherAction: boolean; closedOn: string | null; closureReason: string | null };

/**
 * The episode that an assessment is of: the one of the day of referral that was given, else the open one, else the latest.
 */
export function episodeOf(episodes: OfEpisode[], referred: string | null | undefined): OfEpisode | null {
  const latest = [...episodes].sort((a, b) => (a.referredOn < b.referredOn ? 1 : -1));
  if (referred) return latest.find(({ referredOn }) => referredOn === referred) ?? null;
  return latest.find(({ closedOn, noFurtherAction }) => closedOn === null && !noFurtherAction) ?? latest[0] ?? null;
}

/** What is wrong with starting an assessment. `open`: assessments of the same child (or family) that are not completed. */
export function checkStart(
  input: Pick<StartInput, 'started' | 'referred'>,
  facts: { referred: string | null; episode: OfEpisode | null; open: { started: string }[] },
  now: Date,
): UserError[] {
  const { errors, invalid, rule, past } = faults();
  past(input.started, now, 'started');
  past(input.referred, now, 'referred');
  const { referred, episode, open } = facts;
  if (referred === null) invalid('There is no open episode of need here: give the day of the referral.', 'referred');
  else if (input.started < referred)
    rule('1103', `An assessment starts no earlier than its referral, which was on ${referred}.`, 'started');
  if (episode?.noFurtherAction) {
    rule('8831', 'The referral led to no further action: there is nothing to assess. Record a new referral first.', 'person');
  }
  if (episode?.closedOn && input.started > episode.closedOn) {
    const code = episode.closureReason === 'RC8' || episode.closureReason === 'RC9' ? '2990' : '8565';
    rule(code, `The episode was closed on ${episode.closedOn}; an assessment after that is one of a new referral.`, 'started');
  }
  if (open.length > 0) rule('8896', `An assessment started on ${open[0]?.started} is open; complete or cancel it first.`, 'person');
  return errors;
}

type Found = Pick<AmendInput, 'childSeen' | 'seenAlone' | 'outcomes' | 'factors' | 'context' | 'aces' | 'analysis'>;

/** What is wrong with what an assessment found, whether for the first time or amended. */
function checkFound(found: Found, { invalid, rule, text, list }: Faults): void {
  text(found.analysis, LONGEST.analysis, 'analysis');
  for (const field of ['outcomes', 'factors', 'context', 'aces'] as const) list(found[field], LONGEST.list, field);
  if (found.seenAlone && found.childSeen !== true && found.childSeen !== undefined)
    invalid('A child that was not seen was not seen alone.', 'seenAlone');
  if (found.outcomes) {
    if (found.outcomes.length === 0) invalid('A completed assessment has at least one outcome.', 'outcomes');
    twice(found.outcomes, (code, i) => invalid(`${code} is given twice.`, 'outcomes', i));
  }
  if (found.factors) {
    const codes = found.factors.map(({ code }) => code);
    if (codes.length === 0) rule('8897Q', 'A completed assessment names its factors; where there are none, that is 21.', 'factors');
    twice(codes, (code, i) => rule('8898', `${code} is given twice; a factor is named once.`, 'factors', i, 'code'));
    if (codes.includes('21') && codes.length > 1) {
      rule('8869', '21 says that there are no factors: it stands alone, or is left out.', 'factors', codes.indexOf('21'), 'code');
    }
  }
  twice(
    (found.context ?? []).map(({ code }) => code),
    (code, i) => invalid(`${code} is given twice.`, 'context', i, 'code'),
  );
  twice(
    (found.aces ?? []).map(({ person }) => person),
    (_person, i) => invalid('One count for each person.', 'aces', i, 'person'),
  );
  (found.aces ?? []).forEach(({ count }, i) => {
    if (count < 0 || count > MOST_ACES) invalid(`Must be from 0 to ${MOST_ACES}.`, 'aces', i, 'count');
  });
}

/** Each value that was there before, with its place. */
function twice(values: readonly string[], say: (value: string, index: number) => void): void {
  values.forEach((value, i) => {
    if (values.indexOf(value) !== i) say(value, i);
  });
}

/**
 * What is wrong with completing an assessment.
 *
 * @param dueOn the last day that was in time; null where nobody can say.
 */
export function checkComplete(input: CompleteInput, facts: { started: string; dueOn: string | null }, now: Date): UserError[] {
  const found = faults();
  found.past(input.authorisedOn, now, 'authorisedOn');
  if (input.authorisedOn < facts.started) {
    found.rule('8608', `It is authorised no earlier than it started, on ${facts.started}.`, 'authorisedOn');
  }
  if (facts.dueOn !== null && input.authorisedOn > facts.dueOn) {
    found.rule('8670Q', `It took longer than 45 working days from the referral: it was due on ${facts.dueOn}.`, 'authorisedOn');
  }
  found.list(input.keptFrom, LONGEST.persons, 'keptFrom');
  checkFound(input, found);
  return found.errors;
}

/** What is wrong with amending an assessment. */
export function checkAmend(input: AmendInput, facts: { status: string }): UserError[] {
  const found = faults();
  if (facts.status !== 'COMPLETED') {
    if (input.factors) found.rule('8614', 'Factors belong to a completed assessment: complete it with them.', 'factors');
    else found.invalid('Only a completed assessment has findings to amend.', 'assessment');
  }
  checkFound(input, found);
  return found.errors;
}

/** What is wrong with cancelling an assessment. */
export function checkCancel(input: CancelInput, facts: { started: string }, now: Date): UserError[] {
  const { errors, invalid, past } = faults();
  past(input.on, now, 'on');
  if (input.on < facts.started) invalid(`It started on ${facts.started}.`, 'on');
  return errors;
}

/** Factors that were replaced by others, and the query that says so. */
export const REPLACED: Readonly<Record<string, string>> = { '18A': '8945Q', '19A': '8950Q' };

export function checkOrder(input: OrderInput, now: Date): UserError[] {
  const { errors, invalid, text, list, past } = faults();
  past(input.orderedOn, now, 'orderedOn');
  text(input.assessorName, LONGEST.name, 'assessorName');
  text(input.question, LONGEST.question, 'question');
  list(input.keptFrom, LONGEST.persons, 'keptFrom');
  if (!input.assessor && !input.assessorName) invalid('Say who makes it: an organisation of the platform, or a name.', 'assessorName');
  return errors;
}

export function checkReceive(input: ReceiveInput, facts: { orderedOn: string; receivedOn: string | null }, now: Date): UserError[] {
  const { errors, invalid, text, past } = faults();
  past(input.receivedOn, now, 'receivedOn');
  text(input.conclusion, LONGEST.conclusion, 'conclusion');
  if (input.receivedOn < facts.orderedOn) invalid(`It was ordered on ${facts.orderedOn}.`, 'receivedOn');
  return errors;
}

/** SQL for the band of a count of adverse childhood experiences, of the code list `ace-band`. */
export const ACE_BAND = (count: string): string =>
  `case when ${count} >= 4 then '4+' when ${count} >= 2 then '2-3' else ${count}::text end`;
