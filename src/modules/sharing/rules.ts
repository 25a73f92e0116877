/** What may be decided on sharing, and said in an emergency. Pure. */
import { AGREEMENT, BUNDLES, type Bundle, DECIDES, levelOf } from '../../access/agreement.ts';
import { type Agency, type DataClass, isPersonal, type PersonalClass } from '../../access/classes.ts';
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type {
  OpenEmergencyAccessInput,
  OpenInvolvementInput,
  RecordDisclosureElsewhereInput,
  RecordSharingDecisionInput,
} from '../../graphql/generated.ts';

type Given<T> = Omit<T, 'idempotencyKey'>;

export const LONGEST = { reason: 2_000, name: 200, minutes: 240 };

/** Families of classes that may be decided on: personal ones. */
const personal = (classes: readonly DataClass[] | null | undefined): PersonalClass[] => [
  ...new Set((classes ?? []).filter((each): each is PersonalClass => isPersonal(each))),
];

/** The classes that an input names, by themselves or by its bundle. */
export const classesOf = (input: Pick<Given<RecordSharingDecisionInput>, 'classes' | 'bundle'>): PersonalClass[] =>
  input.bundle ? [...(BUNDLES[input.bundle] as Bundle).classes] : personal(input.classes as DataClass[] | null | undefined);

/**
 * Everything that is wrong with a decision.
 *
 * @param recipient the agency of the organisation named; null where none is, or none by that id.
 */
export function checkSharingDecision(
  input: Given<RecordSharingDecisionInput>,
  decider: Agency,
  recipient: Agency | null,
  now: Date,
): UserError[] {
  const { errors, invalid, rule, text } = faults();
  text(input.reason, LONGEST.reason, 'reason');
  text(input.told, LONGEST.reason, 'told');
  if (Boolean(input.classes?.length) === Boolean(input.bundle)) invalid('Name classes, or a bundle of them.', 'classes');
  if (Boolean(input.organisation) === Boolean(input.agency)) invalid('Name one organisation, or an agency.', 'organisation');
  for (const [i, each] of (input.classes ?? []).entries())
    if (!isPersonal(each as DataClass)) invalid('This class is not decided on family by family.', 'classes', i);
  const classes = classesOf(input);
  for (const dataClass of classes) {
    if (!DECIDES[dataClass].includes(decider))
      rule(
        'DECIDES',
        `${dataClass} is decided on by ${DECIDES[dataClass].join(', ')}, each of rows of its own.`,
        input.bundle ? 'bundle' : 'classes',
      );
    const to = (input.agency as Agency | null | undefined) ?? recipient;
    // A bundle is the same for every agency; what of it one can never have, it does not get.
    if (input.effect === 'SHARE' && to && !input.bundle && levelOf(dataClass, to) === 'N')
      rule(
        'NEVER',
        `${AGREEMENT[dataClass].what} are never shared with ${to} here; record what the law required by other means.`,
        'classes',
      );
  }
  if (input.effect === 'SHARE' && !input.harm) invalid('Say whether sharing would harm the child more than not sharing.', 'harm');
  if (input.effect === 'SHARE' && input.harm === 'SHARING_HARMS_MORE')
    rule('HARM', 'What would harm the child more than not sharing it is not shared.', 'harm');
  const from = input.from ? new Date(input.from).getTime() : now.getTime();
  // The past has been answered already: it cannot be opened or closed any more.
  if (from < now.getTime() - 5 * 60_000) invalid('Must not be in the past.', 'from');
  if (input.until && new Date(input.until).getTime() <= Math.max(from, now.getTime())) invalid('Must be after its beginning.', 'until');
  return errors;
}

/** Whether a bundle may be chosen at a stage. */
export function bundleFault(name: string, stage: string, marac: boolean): string | null {
  const { what, stages, marac: byMarac } = BUNDLES[name] as Bundle;
  const open = (stages as readonly string[]).includes(stage) || (byMarac === true && marac);
  return open ? null : `There is no such event now: the bundle is for ${what}.`;
}

export function checkDisclosureElsewhere(input: Given<RecordDisclosureElsewhereInput>, now: Date): UserError[] {
  const { errors, invalid, text, past } = faults();
  text(input.reason, LONGEST.reason, 'reason');
  text(input.what, LONGEST.reason, 'what');
  text(input.recipient, LONGEST.name, 'recipient');
  past(input.on, now, 'on');
  if (input.classes.length === 0) invalid('Name what kind of data it was.', 'classes');
  return errors;
}

/** Agencies that work with one person of a family, not with the family. */
const WITH_ONE_PERSON: readonly Agency[] = ['EDUCATION', 'DISTRICT', 'PROVIDER'];

/**
 * Everything that is wrong with an involvement.
 *
 * @param agency of the organisation; null where there is none by that id.
 * @param atRisk whether a child of the family may come to significant harm, or a MARAC is open.
 */
export function checkInvolvement(input: Given<OpenInvolvementInput>, agency: Agency | null, atRisk: boolean, now: Date): UserError[] {
  const { errors, invalid, rule, text } = faults();
  text(input.practitioner, LONGEST.name, 'practitioner');
  text(input.user, LONGEST.name, 'user');
  if (input.until && new Date(input.until).getTime() <= now.getTime()) invalid('Must be in the future.', 'until');
  if (!agency) return errors;
  if (agency === 'EVALUATOR') invalid('Evaluators see figures, never families.', 'organisation');
  if (WITH_ONE_PERSON.includes(agency) && !input.person) invalid('Name the person that it is with.', 'person');
  if (agency === 'DISTRICT' && !input.agreed) rule('S213B', 'A council is chosen by the person, or asked with their consent.', 'agreed');
  if (agency === 'POLICE' && !atRisk)
    rule(
      'PROCESS',
      'The police are there for a strategy discussion, an enquiry, a protection plan or a MARAC; there is none.',
      'organisation',
    );
  if (input.lead && agency !== 'LA' && agency !== 'TEAM') invalid('The county or the team leads the work.', 'lead');
  return errors;
}

export function checkEmergency(input: Given<OpenEmergencyAccessInput>, agency: Agency, user: string | null): UserError[] {
  const { errors, invalid, rule, text } = faults();
  text(input.reason, LONGEST.reason, 'reason');
  if (!input.reason.trim()) invalid('Must not be empty.', 'reason');
  if (user === null) rule('USER', 'An emergency is a person’s: a client that works without one cannot declare it.', 'reason');
  if (Boolean(input.family) === Boolean(input.reference)) invalid('Name the family by its id, or by its reference.', 'family');
  const minutes = input.minutes ?? 60;
  if (minutes < 1 || minutes > LONGEST.minutes) invalid(`Must be 1 to ${LONGEST.minutes}.`, 'minutes');
  if (input.classes.length === 0) invalid('Name what is needed.', 'classes');
  for (const [i, each] of input.classes.entries()) {
    if (!isPersonal(each as DataClass)) invalid('This class is not opened family by family.', 'classes', i);
    else if (levelOf(each as DataClass, agency) === 'N') rule('NEVER', `${each} is never for ${agency}, in no emergency.`, 'classes', i);
  }
  return errors;
}
