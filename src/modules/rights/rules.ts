/** What makes it whole that somebody was told, or asked. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  RecordObjectionInput,
  RecordToldFamilyInput,
  RequestRectificationInput,
  RequestSubjectAccessInput,
  RestrictProcessingInput,
} from '../../graphql/generated.ts';

const LONGEST = { text: 20_000, name: 200, list: 50 };

/** @param input.how and `whyNot`: one of the two. Who was not told has a reason on record. */
export function checkTold(input: Omit<RecordToldFamilyInput, 'idempotencyKey'>, now: Date): UserError[] {
  const { errors, invalid, rule, text, list, past } = faults();
  const { how, whyNot } = input;
  past(input.on, now, 'on');
  text(whyNot, LONGEST.text, 'whyNot');
  text(input.by, LONGEST.name, 'by');
  list(input.persons, LONGEST.list, 'persons');
  if (input.persons.length === 0) invalid('Name whom it was for.', 'persons');
  if (new Set(input.persons).size < input.persons.length) invalid('Name each person once.', 'persons');
  if (how && whyNot) rule('TOLD_OR_NOT', 'Say how they were told, or why they were not; not both.', 'whyNot');
  if (!how && !whyNot) rule('TOLD_OR_NOT', 'Say how they were told, or why it was not safe to tell them.', 'how');
  return errors;
}

type Requested = Omit<RequestSubjectAccessInput, 'idempotencyKey'>;

/** Who asks, for whom, and when it came. */
export function checkRequest(input: Requested, now: Date): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  const { requester, requesterPerson, requesterName, received, identityChecked } = input;
  past(received, now, 'received');
  past(identityChecked, now, 'identityChecked');
  text(requesterName, LONGEST.name, 'requesterName');
  if (requester === 'PARENT' ? !requesterPerson : requesterPerson)
    rule('SAR_REQUESTER', 'A parent who asks for a child is named, and nobody else is.', 'requesterPerson');
  if (requester === 'REPRESENTATIVE' ? !requesterName : requesterName)
    rule('SAR_REQUESTER', 'A representative is named, and nobody else is.', 'requesterName');
  if (requesterPerson && requesterPerson === input.person) invalid('Who asks for themselves is not their own parent.', 'requesterPerson');
  if (identityChecked && identityChecked < received) invalid(`Must not be before ${received}, when the request came.`, 'identityChecked');
  return errors;
}

/** Full years on a day; days are ISO. */
export function ageOn(born: string, day: string): number {
  const years = Number(day.slice(0, 4)) - Number(born.slice(0, 4));
  return day.slice(5) < born.slice(5) ? years - 1 : years;
}

const GROWN = 18;
/** From about this age a child can be expected to understand the right, and to use it themselves. */
const UNDERSTANDS = 12;

/**
 * What a parent's asking for a child meets.
 *
 * @param child.born null: not known.
 */
export function parentsRequest(
  child: { born: string | null; parentalResponsibility: boolean },
  day: string,
): { errors: UserError[]; warnings: UserError[] } {
  const { errors, rule } = faults();
  const warned = faults();
  const age = child.born === null ? null : ageOn(child.born, day);
  if (age !== null && age >= GROWN) rule('SAR_ADULT', 'This person is of age, and asks for themselves.', 'requester');
  if (!child.parentalResponsibility)
    warned.rule('SAR_RESPONSIBILITY', 'No parental responsibility of this person for the child is on record.', 'requesterPerson');
  if (age !== null && age >= UNDERSTANDS && age < GROWN)
    warned.rule('SAR_CHILD_UNDERSTANDS', 'A child of this age may well ask for themselves: say why their parent does.', 'requester');
  return { errors, warnings: warned.errors };
}

/** Where a request stands; what a step needs of it. */
export type Standing = {
  identityOn: string | null;
  preparedAt: Date | null;
  preparedUser: string | null;
  signedAt: Date | null;
  sentOn: string | null;
  closedOn: string | null;
};

export type Step = 'confirm' | 'extend' | 'prepare' | 'review' | 'sign' | 'send' | 'close';

/** Whether a step is next, and by this user. */
export function checkStep(step: Step, at: Standing, user: string | null): UserError[] {
  const { errors, rule } = faults();
  const not = (message: string) => rule('SAR_STEP', message, 'request');
  if (at.closedOn || at.sentOn) not('This request is closed.');
  else if (step === 'confirm' && at.identityOn) not('Who asks has been confirmed already.');
  else if (step !== 'confirm' && step !== 'close' && !at.identityOn) not('Who asks has to be confirmed first.');
  else if (step === 'prepare' && at.preparedAt) not('This request has been prepared already.');
  else if ((step === 'review' || step === 'sign' || step === 'send') && !at.preparedAt) not('This request has to be prepared first.');
  else if ((step === 'review' || step === 'sign') && at.signedAt) not('This request is signed: what goes out is settled.');
  else if (step === 'send' && !at.signedAt) not('A second person has to sign it first.');
  // The rule is about persons: an application without one can sign nothing, nor prepare what somebody else is to sign.
  if (errors.length === 0 && (step === 'prepare' || step === 'sign') && user === null)
    rule('SAR_PERSON', 'This is a person’s to do: the application has to say who.', 'request');
  if (errors.length === 0 && step === 'sign' && user === at.preparedUser)
    rule('SAR_SECOND_PERSON', 'Who prepared it does not sign it: a second person does.', 'request');
  return errors;
}

type Rectification = Omit<RequestRectificationInput, 'idempotencyKey'>;
type Objection = Omit<RecordObjectionInput, 'idempotencyKey'>;
type Restriction = Omit<RestrictProcessingInput, 'idempotencyKey'>;

/** That somebody asked, in their own words. */
export function checkAsked(input: Pick<Rectification | Objection, 'statement' | 'asked' | 'keptFrom'>, now: Date): UserError[] {
  const { errors, text, list, past } = faults();
  past(input.asked, now, 'asked');
  text(input.statement, LONGEST.text, 'statement');
  list(input.keptFrom, LONGEST.list, 'keptFrom');
  return errors;
}

/**
 * Whether a request can be decided so.
 *
 * @param fact version of the fact when it was disputed, and now; null: it has no versions, or is not seen any more.
 */
export function checkDecided(
  input: { outcome: string; reason?: string | null; on: string },
  request: { askedOn: string; decidedOn: string | null },
  fact: { was: number; is: number } | null,
  now: Date,
): UserError[] {
  const { errors, invalid, rule, text, past } = faults();
  past(input.on, now, 'on');
  text(input.reason, LONGEST.text, 'reason');
  if (request.decidedOn) rule('RIGHTS_DECIDED', `It was decided on ${request.decidedOn}.`, 'request');
  if (input.on < request.askedOn) invalid(`Must not be before ${request.askedOn}, when it was asked.`, 'on');
  if (input.outcome === 'REFUSED' && !input.reason) rule('RIGHTS_REASON', 'Who is refused is told why: say the reason.', 'reason');
  if (input.outcome === 'CORRECTED' && fact && fact.is <= fact.was)
    rule('RIGHTS_NOT_CORRECTED', 'Nothing was put right yet: amend the fact first, as always, and then say so here.', 'outcome');
  return errors;
}

/** Of these nobody is ever without: what keeps people safe, who they are, who belongs together, and this very record. */
const NOT_RESTRICTED: readonly string[] = ['SAFETY', 'IDENTITY', 'FAMILY', 'SHARING'];

/** @param decides whether the county decides on sharing this class: what others master, they restrict. */
export function checkRestriction(input: Restriction, decides: boolean, now: Date): UserError[] {
  const { errors, rule, text, past } = faults();
  past(input.from, now, 'from');
  text(input.reason, LONGEST.text, 'reason');
  if (NOT_RESTRICTED.includes(input.class))
    rule(
      'RESTRICTION_SAFETY',
      'What keeps people safe, and who they are, is needed for the protection of others: it is not restricted.',
      'class',
    );
  else if (!decides) rule('RESTRICTION_DECIDES', 'Another organisation masters data of this class, and restricts it.', 'class');
  return errors;
}

/** Whether a proposal to erase is this user's to approve, or to reject. What was approved can be stopped until it is done. */
export function checkErasureDecision(
  proposal: { status: string; proposedUser: string | null },
  approves: boolean,
  user: string | null,
): UserError[] {
  const { errors, rule } = faults();
  if (user === null) rule('ERASURE_PERSON', 'This is a person’s to do: the application has to say who.', 'proposal');
  else if (proposal.status === 'REJECTED' || (approves && proposal.status === 'APPROVED'))
    rule('ERASURE_DECIDED', 'It has been decided already.', 'proposal');
  else if (approves && user === proposal.proposedUser)
    rule('ERASURE_SECOND_PERSON', 'Who proposed it does not approve it: a second person does.', 'proposal');
  return errors;
}
