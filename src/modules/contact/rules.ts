/** What the front door is told, decides and says back must be. Pure: everything comes as an argument. */
import type { Agency } from '../../access/classes.ts';
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  AnswerInformationRequestInput,
  DecideContactInput,
  GiveFeedbackInput,
  LookUpInput,
  MakeReferralInput,
  RecordContactInput,
  RequestInformationInput,
} from '../../graphql/generated.ts';
import { addMonths } from '../clock/calendar.ts';
import { nhsNumberFault, upnFault } from '../person/identifiers.ts';

type Given<T> = Omit<T, 'idempotencyKey'>;

export const LONGEST = {
  concern: 20_000,
  reason: 5_000,
  comment: 2_000,
  /** What a referrer is told: the outcome and the next step, no more. There is no room for a case. */
  nextStep: 300,
  name: 200,
  place: 500,
  phone: 40,
  children: 20,
  persons: 50,
};

/** Outcomes of the list `contact-outcome` on which this code acts; an authority may have others beside them. */
export const REFERRAL_TAKEN = 'REFERRAL';
export const STRATEGY_DISCUSSION = 'STRATEGY_DISCUSSION';
export const EARLY_HELP = 'EARLY_HELP';
export const SIGNPOSTED = 'SIGNPOSTED';

/** Outcomes by which a family comes into statutory help: an episode of need is opened. */
export const isTaken = (outcome: string | null): boolean => outcome === REFERRAL_TAKEN || outcome === STRATEGY_DISCUSSION;

/** Sources of the census that are somebody of the public and not the family itself: theirs to have kept. */
const PRIVATE_SOURCES = ['1A', '1B', '1D', '9'];

export const isPrivateSource = (source: string): boolean => PRIVATE_SOURCES.includes(source);

const REPEAT_MONTHS = 12;

/**
 * Whether what was received on a day follows, within twelve months, a referral that was taken or an episode that ended.
 *
 * @param earlier days on which a referral of the family was taken, or an episode of one of its children closed; ISO.
 */
export function isRepeat(receivedOn: string, earlier: string[]): boolean {
  const since = addMonths(receivedOn, -REPEAT_MONTHS);
  return earlier.some((day) => day >= since && day <= receivedOn);
}

/** A child's or adult's name as told. */
type Named = { givenName: string; familyName: string; dateOfBirth?: string | null };

function checkNamed(named: readonly Named[], field: string, now: Date, { text, past }: ReturnType<typeof faults>): void {
  named.forEach(({ givenName, familyName, dateOfBirth }, i) => {
    text(givenName, LONGEST.name, field, i, 'givenName');
    text(familyName, LONGEST.name, field, i, 'familyName');
    past(dateOfBirth, now, field, i, 'dateOfBirth');
  });
}

/** Everything that is wrong with a referral. */
export function checkReferral(input: Given<MakeReferralInput>, now: Date): UserError[] {
  const found = faults();
  const { errors, invalid, text, list, past } = found;
  past(input.madeOn, now, 'madeOn');
  text(input.concern, LONGEST.concern, 'concern');
  text(input.whyNotTold, LONGEST.reason, 'whyNotTold');
  text(input.phone, LONGEST.phone, 'phone');
  if (input.familyKnows !== 'TOLD' && !input.whyNotTold) invalid('Say why the family does not know of the referral.', 'whyNotTold');
  if (input.agreed && input.familyKnows !== 'TOLD') invalid('A family that does not know of it has not agreed.', 'agreed');
  if (input.children.length === 0) invalid('A referral is about at least one child.', 'children');
  list(input.children, LONGEST.children, 'children');
  checkNamed(input.children, 'children', now, found);
  input.children.forEach(({ address, school }, i) => {
    text(address, LONGEST.place, 'children', i, 'address');
    text(school, LONGEST.place, 'children', i, 'school');
  });
  return errors;
}

/** Everything that is wrong with a contact, but for what must be looked up. */
export function checkContact(input: Given<RecordContactInput>, now: Date): UserError[] {
  const found = faults();
  const { errors, invalid, text, list, past } = found;
  const children = input.children ?? [];
  past(input.receivedOn, now, 'receivedOn');
  text(input.concern, LONGEST.concern, 'concern');
  list(children, LONGEST.children, 'children');
  checkNamed(children, 'children', now, found);
  list(input.keptFrom, LONGEST.persons, 'keptFrom');
  if (!input.referral) {
    if (!input.receivedOn) invalid('Say on which day it reached the county.', 'receivedOn');
    if (!input.concern) invalid('Say what the worry is.', 'concern');
    if (children.length === 0) invalid('A contact is about at least one child.', 'children');
  } else if (input.informant) invalid('Who sent a referral stands in the referral.', 'informant');
  if (!input.family) {
    if (input.keptFrom?.length) invalid('Of a contact without a family it is not known yet whom it is kept from.', 'keptFrom');
    children.forEach(({ person }, i) => {
      if (person) invalid('Of a contact without a family it is not known yet who the child is.', 'children', i, 'person');
    });
  }
  if (input.informant) {
    const { name, phone, relation, anonymous } = input.informant;
    text(name, LONGEST.name, 'informant', 'name');
    text(phone, LONGEST.phone, 'informant', 'phone');
    text(relation, LONGEST.name, 'informant', 'relation');
    if (!anonymous && input.source === '9') invalid('The source 9 is an anonymous informant.', 'informant', 'anonymous');
  }
  return errors;
}

/** A contact as it stands before a decision. */
export type Undecided = { receivedOn: string; family: number | null; decidedOn: string | null };

/**
 * Everything that is wrong with a decision. What is historical warns where it breaks an order of days.
 */
export function checkDecision(
  input: Given<DecideContactInput>,
  contact: Undecided,
  now: Date,
): { errors: UserError[]; warnings: UserError[] } {
  const { errors, invalid, text, list, past } = faults();
  const late = faults();
  past(input.decidedOn, now, 'decidedOn');
  text(input.nextStep, LONGEST.nextStep, 'nextStep');
  text(input.reason, LONGEST.reason, 'reason');
  text(input.signpostedTo, LONGEST.place, 'signpostedTo');
  list(input.children, LONGEST.children, 'children');
  if (contact.decidedOn !== null) invalid(`It was decided on ${contact.decidedOn}.`, 'contact');
  if (input.decidedOn < contact.receivedOn) {
    (input.historical ? late : { invalid }).invalid(`It was received on ${contact.receivedOn}, after this day.`, 'decidedOn');
  }
  if (isTaken(input.outcome)) {
    if (contact.family === null) invalid('Match the contact to its family first.', 'contact');
    if (!input.children?.length) invalid('Name the children of whom the referral is taken.', 'children');
  } else if (input.children?.length) invalid('Children are named where a referral is taken.', 'children');
  if (input.outcome === SIGNPOSTED && !input.signpostedTo) invalid('Say where the family was sent.', 'signpostedTo');
  if (input.earlyHelp && input.outcome !== EARLY_HELP) invalid('Early help was not the outcome.', 'earlyHelp');
  return { errors, warnings: late.errors };
}

/** Everything that is wrong with feedback. */
export function checkFeedback(input: Given<GiveFeedbackInput>, madeOn: string, now: Date): UserError[] {
  const { errors, invalid, text, past } = faults();
  text(input.nextStep, LONGEST.nextStep, 'nextStep');
  past(input.givenOn, now, 'givenOn');
  if (input.givenOn < madeOn) invalid(`The referral was made on ${madeOn}, after this day.`, 'givenOn');
  if (input.kind === 'DECISION') invalid('What was decided is told with the decision itself.', 'kind');
  return errors;
}

/** Everything that is wrong with what is asked of an organisation. */
export function checkRequest(
  input: Given<RequestInformationInput>,
  addressee: { agency: Agency } | null,
  today: string,
  now: Date,
): UserError[] {
  const found = faults();
  const { errors, invalid, text, list } = found;
  text(input.question, LONGEST.reason, 'question');
  text(input.recipient, LONGEST.name, 'recipient');
  list(input.persons, LONGEST.persons, 'persons');
  list(input.named, LONGEST.persons, 'named');
  checkNamed(input.named ?? [], 'named', now, found);
  if (!input.family && !input.contact) invalid('Say of which family or contact it is.', 'family');
  if (!input.persons?.length && !input.named?.length) invalid('Name at least one person whom it is about.', 'persons');
  if (input.persons?.length && !input.family) invalid('Members are named of a family.', 'persons');
  if (input.dueOn && input.dueOn < today) invalid('Must not be in the past.', 'dueOn');
  if (addressee && (addressee.agency === 'EVALUATOR' || addressee.agency === 'LA'))
    invalid('Information is asked of partners that work with families.', 'organisation');
  const toUsers = addressee?.agency === 'TEAM' || addressee?.agency === 'PROVIDER';
  if (toUsers && !input.recipient) invalid('A team or provider is asked by the name of a user.', 'recipient');
  return errors;
}

/** Everything that is wrong with an answer. */
export function checkAnswer(input: Given<AnswerInformationRequestInput>): UserError[] {
  const { errors, invalid, text, list } = faults();
  text(input.answer, LONGEST.concern, 'answer');
  text(input.refusal?.reason, LONGEST.reason, 'refusal', 'reason');
  list(input.keptFrom, LONGEST.persons, 'keptFrom');
  if (Boolean(input.answer) === Boolean(input.refusal)) invalid('Give an answer or a refusal, one of the two.', 'answer');
  return errors;
}

/** Who may ask by which identifier. */
const ASKS_BY: Record<'nhsNumber' | 'upn', Agency[]> = { nhsNumber: ['LA', 'HEALTH', 'POLICE'], upn: ['LA', 'EDUCATION'] };

/** Everything that is wrong with a look-up. It does not say whether the identifier is anybody's. */
export function checkLookUp(input: Given<LookUpInput>, agency: Agency): UserError[] {
  const { errors, invalid, rule, text } = faults();
  text(input.reason, LONGEST.reason, 'reason');
  const given = (['nhsNumber', 'upn'] as const).filter((name) => (input[name] ?? null) !== null);
  if (given.length !== 1) invalid('Give one identifier.', given[1] ?? 'nhsNumber');
  for (const name of given) if (!ASKS_BY[name].includes(agency)) invalid('Your organisation does not ask by this identifier.', name);
  const nhs = input.nhsNumber ? nhsNumberFault(input.nhsNumber) : null;
  if (nhs) invalid(nhs, 'nhsNumber');
  const pupil = input.upn ? upnFault(input.upn) : null;
  if (pupil) rule(pupil.rule, pupil.message, 'upn');
  return errors;
}
