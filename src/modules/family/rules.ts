/** What a family, its members and what ties them must be. Pure: what must be looked up is checked by the command. */
import type { UserError } from '../../change/command.ts';
import { type Faults, faults } from '../../change/errors.ts';
import type {
  AddFamilyMemberInput,
  CorrectPersonInput,
  MoveHouseholdInput,
  NewHouseholdInput,
  NewMemberInput,
  RecordBirthInput,
  RecordDisabilitiesInput,
  RecordNewNameInput,
  RecordRelationshipInput,
  RecordUnbornChildInput,
  RegisterFamilyInput,
} from '../../graphql/generated.ts';
import { daysBetween, today } from '../clock/calendar.ts';
import { nhsNumberFault, plainNhsNumber, upnFault } from '../person/identifiers.ts';

const LONGEST = { name: 100, reference: 48, words: 500, address: 300, members: 30 };

/** Forty weeks: how long before a birth a child can be referred. */
const LONGEST_BEFORE_BIRTH = 280;
/** A pregnancy that ended this long ago has been followed by a birth, or by none. */
const OVERDUE = 28;

/** A new member as another system tells of them: it may not know their names. */
export type MemberSaid = Omit<NewMemberInput, 'givenName' | 'familyName'> & { givenName?: string | null; familyName?: string | null };

type Numbers = { nhsNumber?: string | null; upn?: string | null };

function checkNumbers({ nhsNumber, upn }: Numbers, { invalid, rule }: Faults, ...path: (string | number)[]): void {
  const nhs = nhsNumber ? nhsNumberFault(nhsNumber) : null;
  if (nhs) invalid(nhs, ...path, 'nhsNumber');
  const pupil = upn ? upnFault(upn) : null;
  if (pupil) rule(pupil.rule, pupil.message, ...path, 'upn');
}

export function checkMember(member: MemberSaid, now: Date, found: Faults, ...path: (string | number)[]): void {
  found.text(member.givenName, LONGEST.name, ...path, 'givenName');
  found.text(member.familyName, LONGEST.name, ...path, 'familyName');
  found.text(member.interpreter, LONGEST.name, ...path, 'interpreter');
  found.text(member.accessNeeds, LONGEST.words, ...path, 'accessNeeds');
  found.past(member.dateOfBirth, now, ...path, 'dateOfBirth');
  if (member.dateOfBirth < '1900-01-01') found.invalid('Nobody was born so long ago.', ...path, 'dateOfBirth');
  if (member.role === 'unborn-child')
    found.rule('8525Q', 'A child who is not born yet is put on record by recordUnbornChild.', ...path, 'role');
  checkNumbers(member, found, ...path);
}

function checkPlace(place: Omit<NewHouseholdInput, 'members'>, found: Faults, ...path: string[]): void {
  found.text(place.address, LONGEST.address, ...path, 'address');
  if (!/^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$/.test(place.postcode)) found.invalid('A postcode is written as OX1 1AA.', ...path, 'postcode');
  if (place.uprn && !/^\d{1,12}$/.test(place.uprn)) found.invalid('A UPRN has at most twelve digits.', ...path, 'uprn');
}

/** What a family is called, and by which number. */
export function checkNamed(input: { name: string; reference?: string | null }, found: Faults): void {
  found.text(input.name, LONGEST.name, 'name');
  found.text(input.reference, LONGEST.reference, 'reference');
}

/** The number, among those of one input, that two members have. */
function repeated(members: readonly NewMemberInput[], field: 'nhsNumber' | 'upn'): number | null {
  const values = members.map((member) => (member[field] ? plainNhsNumber(member[field]) : null));
  const index = values.findIndex((value, at) => value !== null && values.indexOf(value) < at);
  return index === -1 ? null : index;
}

/** The input of a command without its idempotency key. */
type Input<T> = Omit<T, 'idempotencyKey'>;

/** Everything the caller can mend about a family that is to be put on record. */
export function checkFamily(input: Input<RegisterFamilyInput>, now: Date): UserError[] {
  const found = faults();
  checkNamed(input, found);
  if (input.members.length === 0) found.invalid('A family has at least one member.', 'members');
  found.list(input.members, LONGEST.members, 'members');
  for (const [index, member] of input.members.entries()) checkMember(member, now, found, 'members', index);
  for (const field of ['nhsNumber', 'upn'] as const) {
    const index = repeated(input.members, field);
    if (index !== null)
      found.rule(field === 'upn' ? '1520' : 'NHS_NUMBER', 'Another member of this input has the same number.', 'members', index, field);
  }
  if (input.household) {
    checkPlace(input.household, found, 'household');
    found.past(input.household.from, now, 'household', 'from');
    for (const [index, position] of input.household.members.entries())
      if (position < 0 || position >= input.members.length)
        found.invalid('There is no member at this position of `members`, counted from 0.', 'household', 'members', index);
    if (new Set(input.household.members).size !== input.household.members.length)
      found.invalid('Somebody is named twice.', 'household', 'members');
  }
  return found.errors;
}

/** Somebody new, or somebody who is on record already. */
export function checkAddition(input: Input<AddFamilyMemberInput>, now: Date): UserError[] {
  const found = faults();
  if ((input.person ? 1 : 0) + (input.member ? 1 : 0) !== 1)
    found.invalid('Say either who is on record already (`person`) or who is new (`member`).', 'person');
  if (input.member) checkMember(input.member, now, found, 'member');
  if (input.person && !input.role) found.invalid('Say as what the person belongs to the family.', 'role');
  found.past(input.from, now, 'from');
  return found.errors;
}

/** An unborn child's expected day lies within forty weeks; its sex is not known before birth. */
export function checkUnborn(input: Input<RecordUnbornChildInput>, now: Date): { errors: UserError[]; warnings: UserError[] } {
  const found = faults();
  const before = daysBetween(today(now), input.expectedDate);
  if (before > LONGEST_BEFORE_BIRTH)
    found.rule('8606', 'A child is put on record at most 40 weeks before the expected birth.', 'expectedDate');
  if (input.sex && input.sex !== 'U') found.rule('8750', 'The sex of an unborn child is U.', 'sex');
  const warnings: UserError[] =
    before < -OVERDUE
      ? [
          {
            code: 'RULE',
            rule: '8525Q',
            message: 'The expected day is past: record the birth, if the child is born.',
            path: ['expectedDate'],
          },
        ]
      : [];
  return { errors: found.errors, warnings };
}

export function checkBirth(input: Input<RecordBirthInput>, now: Date): UserError[] {
  const found = faults();
  found.past(input.dateOfBirth, now, 'dateOfBirth');
  found.text(input.givenName, LONGEST.name, 'givenName');
  found.text(input.familyName, LONGEST.name, 'familyName');
  return found.errors;
}

/** A name that somebody took later than the one by which they are known. */
export function checkNewName(input: Input<RecordNewNameInput>, known: string | null, now: Date): UserError[] {
  const found = faults();
  found.text(input.familyName, LONGEST.name, 'familyName');
  found.past(input.since, now, 'since');
  if (input.familyName === known) found.invalid('It is the name by which they are known.', 'familyName');
  return found.errors;
}

/** `before`: whether the person has been born, as the record has it. */
export function checkCorrection(input: Input<CorrectPersonInput>, born: boolean, now: Date): UserError[] {
  const found = faults();
  found.text(input.givenName, LONGEST.name, 'givenName');
  found.text(input.familyName, LONGEST.name, 'familyName');
  found.text(input.interpreter, LONGEST.name, 'interpreter');
  found.text(input.accessNeeds, LONGEST.words, 'accessNeeds');
  found.past(input.dateOfBirth, now, 'dateOfBirth');
  checkNumbers(input, found);
  if (!born && input.dateOfBirth) found.rule('8525Q', 'The child is not born yet: a birth is recorded by recordBirth.', 'dateOfBirth');
  if (!born && input.sex && input.sex !== 'U') found.rule('8750', 'The sex of an unborn child is U.', 'sex');
  return found.errors;
}

export function checkMove(input: Input<MoveHouseholdInput>, now: Date): UserError[] {
  const found = faults();
  checkPlace(input, found);
  found.past(input.from, now, 'from');
  if (input.members.length === 0) found.invalid('Somebody moves.', 'members');
  found.list(input.members, LONGEST.members, 'members');
  return found.errors;
}

export function checkRelationship(input: Input<RecordRelationshipInput>, now: Date): UserError[] {
  const found = faults();
  if (input.person === input.other) found.invalid('A relationship is between two people.', 'other');
  found.past(input.from, now, 'from');
  return found.errors;
}

/** Codes of disability: no repeats (8794), and NONE alone (8790). An empty list says that nothing is known. */
export function checkDisabilities(input: Input<RecordDisabilitiesInput>): UserError[] {
  const found = faults();
  const codes = input.disabilities;
  codes.forEach((code, index) => {
    if (codes.indexOf(code) < index) found.rule('8794', `${code} is named twice.`, 'disabilities', index);
  });
  if (codes.includes('NONE') && new Set(codes).size > 1) found.rule('8790', 'NONE stands alone.', 'disabilities', codes.indexOf('NONE'));
  return found.errors;
}

/** What a role in the family is as a relationship to a child of it. */
const AS_PARENT: Record<string, string> = {
  mother: 'parent',
  father: 'parent',
  stepmother: 'step-parent',
  stepfather: 'step-parent',
  grandmother: 'grandparent',
  grandfather: 'grandparent',
  aunt: 'aunt-or-uncle',
  uncle: 'aunt-or-uncle',
  sibling: 'sibling',
  carer: 'carer',
};

export const relationshipOfRole = (role: string): string => AS_PARENT[role] ?? 'other-relative';
