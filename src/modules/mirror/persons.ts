/** Persons as a record system tells of them. */
import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { notFound, personVisible, visibleRows } from '../../change/visible.ts';
import type { PersonRecordInput } from '../../graphql/generated.ts';
import { encodeId } from '../../read/ids.ts';
import { today } from '../clock/calendar.ts';
import { classesOf, memberFaults, writeMember } from '../family/making.ts';
import { checkBirth, checkMember, checkUnborn, type MemberSaid } from '../family/rules.ts';
import { membership } from '../family/tables.ts';
import { correctPerson, recordDisabilities } from '../person/commands.ts';
import { plainNhsNumber } from '../person/identifiers.ts';
import { personDisability, personEquality, personExpected, personIdentity, personNhsNumber, personUpn } from '../person/tables.ts';
import {
  changeRow,
  digestOf,
  OLDER,
  type Pushing,
  perform,
  personOf,
  type Result,
  refuse,
  refuseIf,
  standing,
  takePerson,
} from './lines.ts';
import { personSource } from './tables.ts';

/** The family that somebody new comes into, and as what. */
export type Into = { family: number; role: string | null | undefined; from: string; isNew: boolean };

export const UNBORN = 'unborn-child';

/** What a record says of a person, apart from when it said so. */
const contentOf = ({ sourceId: _id, changed: _changed, version: _version, disabilities, ...said }: PersonRecordInput) => ({
  ...said,
  disabilities: disabilities && [...disabilities].sort(),
});

/**
 * Puts somebody on record, or brings what is known of them up to date.
 *
 * @param into null: somebody whom the system has not told of is nobody here.
 * @param at where the record stands in the line.
 * @returns null for nobody.
 */
export async function upsertPerson(
  to: Pushing,
  record: PersonRecordInput,
  into: Into | null,
  ...at: string[]
): Promise<{ person: number; result: Result } | null> {
  const { tx, client, now } = to;
  const { errors, text, past } = faults();
  text(record.sourceId, 100, ...at, 'sourceId');
  past(record.changed, now, ...at, 'changed');
  refuseIf(errors);
  const digest = digestOf(contentOf(record));
  const known = await personOf(to, record.sourceId);
  const stands = standing(known, record, digest);
  if (known) {
    if (!(await personVisible(tx, known.person, client))) refuse(notFound('person', ...at, 'sourceId'));
    if (stands === 'older' && known.digest !== digest) to.notes.push({ ...OLDER, path: [...at, 'changed'] });
    // What others of the line wrote is not this person's.
    const before = to.wrote;
    to.wrote = false;
    if (stands === 'newer') await bringUpToDate(to, known.person, record, at);
    const result: Result = to.wrote ? 'UPDATED' : 'UNCHANGED';
    to.wrote ||= before;
    if (stands !== 'older') await takePerson(to, known, known.person, record, digest, ...at);
    return { person: known.person, result };
  }
  if (!into) return null;
  const there = into.isNew ? null : await alreadyThere(to, into.family, record);
  if (there !== null) {
    await bringUpToDate(to, there, record, at);
    await takePerson(to, undefined, there, record, digest, ...at);
    return { person: there, result: 'UPDATED' };
  }
  const person = await putOnRecord(to, record, into, at);
  await takePerson(to, undefined, person, record, digest, ...at);
  return { person, result: 'CREATED' };
}

/** A member of the family who is on record already, and of whom no record of this system tells: by a number, else by name and birth. */
async function alreadyThere(to: Pushing, family: number, record: PersonRecordInput): Promise<number | null> {
  const { tx, client } = to;
  const open = and(eq(membership.family, family), isNull(membership.until));
  const members = (await visibleRows(tx, membership, open, client)).map(({ person }) => person);
  if (members.length === 0) return null;
  const own = and(eq(personSource.controller, client.organisation.id), eq(personSource.system, to.system));
  const told = await visibleRows(tx, personSource, and(own, inArray(personSource.person, members)), client);
  const untold = members.filter((member) => !told.some(({ person }) => person === member));
  if (untold.length === 0) return null;
  const by = async (rows: Promise<{ person: number }[]>) => {
    const found = new Set((await rows).map(({ person }) => person));
    return found.size === 1 ? ([...found][0] as number) : null;
  };
  const { nhsNumber, upn, givenName, familyName, dateOfBirth } = record;
  if (nhsNumber) {
    const same = and(inArray(personNhsNumber.person, untold), eq(personNhsNumber.nhsNumber, plainNhsNumber(nhsNumber)));
    const found = await by(visibleRows(tx, personNhsNumber, same, client));
    if (found !== null) return found;
  }
  if (upn) {
    const same = and(inArray(personUpn.person, untold), eq(personUpn.upn, upn));
    const found = await by(visibleRows(tx, personUpn, same, client));
    if (found !== null) return found;
  }
  if (!givenName || !familyName || !dateOfBirth) return null;
  const same = and(
    inArray(personIdentity.person, untold),
    eq(personIdentity.givenName, givenName),
    eq(personIdentity.familyName, familyName),
    eq(personIdentity.dateOfBirth, dateOfBirth),
  );
  return by(visibleRows(tx, personIdentity, same, client));
}

async function putOnRecord(to: Pushing, record: PersonRecordInput, into: Into, at: string[]): Promise<number> {
  to.wrote = true;
  const { tx, client, now } = to;
  const { role } = into;
  const found = faults();
  const { invalid } = found;
  if (!role) invalid('Say as what the person belongs to the family.', ...at.slice(0, -1), 'role');
  if (role === UNBORN && !record.dateOfBirth) {
    if (!record.expectedDate) invalid('Say when the birth is expected.', ...at, 'expectedDate');
    refuseIf(found.errors);
    const expected = { idempotencyKey: '', family: '', expectedDate: record.expectedDate as string, sex: record.sex ?? 'U' };
    const { errors, warnings } = checkUnborn(expected, now);
    refuseIf(errors, ...at);
    to.notes.push(...warnings.map((warning) => ({ ...warning, path: [...at, ...warning.path] })));
    const made = await tx.execute<{ person: string }>(
      sql`select fsp.new_member(${into.family}::bigint, ${UNBORN}, ${into.from}::date, true) as person`,
    );
    const person = Number(made.rows[0]?.person);
    await tx.insert(personExpected).values({ person, controller: client.organisation.id, expectedDate: record.expectedDate as string });
    const change = { action: 'upsertPersons', entity: 'Person', id: person, family: into.family, persons: [person] };
    to.changes.push({ ...change, dataClasses: ['CLINICAL'] });
    return person;
  }
  // What was expected, and is told of when it is born, is a child.
  const as = role === UNBORN ? 'child' : role;
  if (!record.dateOfBirth) invalid('Say when the person was born.', ...at, 'dateOfBirth');
  if (!record.sex) invalid('Say of which sex the person is on record.', ...at, 'sex');
  refuseIf(found.errors);
  const { sourceId: _id, changed: _changed, version: _version, disabilities, expectedDate: _expected, ...said } = record;
  const member = { ...said, role: as } as MemberSaid;
  checkMember(member, now, found, ...at);
  refuseIf([...found.errors, ...(await memberFaults(tx, member, client, today(now), ...at))]);
  const person = await writeMember(tx, into.family, member, into.from, client);
  const change = { action: 'upsertPersons', entity: 'Person', id: person, family: into.family, persons: [person] };
  to.changes.push({ ...change, dataClasses: classesOf([member]) });
  if (disabilities) await perform(to, recordDisabilities, { person: encodeId('Person', person), disabilities }, ...at);
  return person;
}

async function bringUpToDate(to: Pushing, person: number, record: PersonRecordInput, at: string[]): Promise<void> {
  const { tx, client, now } = to;
  const identityNow = async () => (await visibleRows(tx, personIdentity, eq(personIdentity.person, person), client))[0];
  const identity = await identityNow();
  if (!identity) refuse(notFound('person', ...at, 'sourceId'));
  const { sourceId: _id, changed: _changed, version: _version, disabilities, expectedDate, ...said } = record;
  if (identity.dateOfBirth === null && said.dateOfBirth) {
    const birth = { idempotencyKey: '', person: '', dateOfBirth: said.dateOfBirth, sex: said.sex ?? '', givenName: 'x', familyName: 'x' };
    const errors: UserError[] = checkBirth(birth, now);
    if (!said.sex) errors.push({ code: 'INVALID', message: 'Say of which sex the child is.', path: ['sex'] });
    refuseIf(errors, ...at);
    await tx.execute(sql`select fsp.record_birth(${person}::bigint, 'child', ${said.dateOfBirth}::date)`);
    const born = tx.update(personIdentity).set({ dateOfBirth: said.dateOfBirth }).where(eq(personIdentity.person, person));
    await changeRow(to, born, ...at, 'dateOfBirth');
  } else if (identity.dateOfBirth === null && expectedDate) {
    const [awaited] = await visibleRows(tx, personExpected, eq(personExpected.person, person), client);
    const expected = tx.update(personExpected).set({ expectedDate }).where(eq(personExpected.person, person));
    if (awaited?.expectedDate !== expectedDate) await changeRow(to, expected, ...at, 'expectedDate');
  }
  const is = (await identityNow()) ?? identity;
  const different = await differences(to, person, said, is);
  if (Object.keys(different).length > 0)
    await perform(to, correctPerson, { ...different, person: encodeId('Person', person), expectedVersion: is.version }, ...at);
  if (disabilities && !(await areDisabilities(to, person, disabilities)))
    await perform(to, recordDisabilities, { person: encodeId('Person', person), disabilities }, ...at);
}

/** Whether these are what is on record, all of it. */
async function areDisabilities({ tx, client }: Pushing, person: number, said: readonly string[]): Promise<boolean> {
  const open = and(eq(personDisability.person, person), isNull(personDisability.until));
  const is = new Set((await visibleRows(tx, personDisability, open, client)).map(({ disability }) => disability));
  return is.size === new Set(said).size && said.every((code) => is.has(code));
}

type Said = Omit<PersonRecordInput, 'sourceId' | 'changed' | 'version' | 'disabilities' | 'expectedDate'>;

/** What a record says that is not on record so. */
async function differences({ tx, client }: Pushing, person: number, said: Said, identity: Partial<Said>): Promise<Said> {
  const [numbered] = await visibleRows(tx, personNhsNumber, eq(personNhsNumber.person, person), client);
  const [pupil] = await visibleRows(tx, personUpn, eq(personUpn.person, person), client);
  const [equality] = await visibleRows(tx, personEquality, eq(personEquality.person, person), client);
  const is: Said = { ...identity, ...numbered, ...pupil, ...equality };
  const plain = (field: string, value: unknown) => (field === 'nhsNumber' && typeof value === 'string' ? plainNhsNumber(value) : value);
  return Object.fromEntries(
    Object.entries(said).filter(([field, value]) => value !== undefined && plain(field, value) !== (is[field as keyof Said] ?? null)),
  );
}
