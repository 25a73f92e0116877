/** Putting families on record, and what becomes of who belongs to them. */

import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { DataClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { amend, conflict } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import {
  familyVisible,
  keyOf,
  notFound,
  personVisible,
  visibleMembers,
  visibleRow,
  visibleRows,
  whereaboutsOpen,
} from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type {
  AddFamilyMemberInput,
  AmendRelationshipInput,
  EndMembershipInput,
  MoveHouseholdInput,
  NewMemberInput,
  RecordBirthInput,
  RecordRelationshipInput,
  RecordUnbornChildInput,
  RegisterFamilyInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { district } from '../district/tables.ts';

import { personExpected, personIdentity } from '../person/tables.ts';
import { classesOf, makeFamily, memberFaults, writeMember } from './making.ts';
import { checkAddition, checkBirth, checkFamily, checkMove, checkRelationship, checkUnborn, relationshipOfRole } from './rules.ts';
import { familyName, household, householdMember, membership, relationship, unbornMembership } from './tables.ts';

type Input<T> = Omit<T, 'idempotencyKey'>;

async function districtFaults(tx: Transaction, code: string, ...path: string[]): Promise<UserError[]> {
  const [found] = await tx.select().from(district).where(eq(district.code, code));
  return found ? [] : [notFound('district', ...path)];
}

export const registerFamily: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RegisterFamilyInput>;
  const day = today(now);
  const since = input.since ?? day;
  const errors = checkFamily(input, now);
  for (const [index, member] of input.members.entries()) errors.push(...(await memberFaults(tx, member, client, day, 'members', index)));
  if (input.household) errors.push(...(await districtFaults(tx, input.household.district, 'household', 'district')));
  if (input.reference && (await visibleRows(tx, familyName, eq(familyName.reference, input.reference), client)).length > 0)
    errors.push({ code: 'CONFLICT', message: 'A family that you see has this reference.', path: ['reference'] });
  if (errors.length > 0) return { userErrors: errors };

  const family = await makeFamily(tx, client, input, now);
  const owned = { family, controller: client.organisation.id };
  const persons: number[] = [];
  for (const member of input.members) persons.push(await writeMember(tx, family, member, since, client));

  const children = input.members.flatMap(({ role }, index) => (role === 'child' ? [persons[index] as number] : []));
  const responsible = input.members.flatMap(({ role, parentalResponsibility }, index) =>
    parentalResponsibility ? children.map((other) => ({ person: persons[index] as number, other, kind: relationshipOfRole(role) })) : [],
  );
  const between = responsible.filter(({ person, other }) => person !== other);
  if (between.length > 0)
    await tx
      .insert(relationship)
      .values(between.map((row) => ({ ...owned, worker: client.user, parentalResponsibility: true, from: since, ...row })));
  if (input.household) {
    const { members, ...place } = input.household;
    await writeHousehold(
      tx,
      owned,
      place,
      members.map((position) => persons[position] as number),
    );
  }
  const dataClasses: DataClass[] = [...classesOf(input.members), 'CASE', ...(input.household ? (['WHEREABOUTS'] as const) : [])];
  return { change: { action: 'registerFamily', entity: 'Family', id: family, family, persons, dataClasses } };
};

type Place = { address: string; postcode: string; uprn?: string | null; district: string; from: string };

async function writeHousehold(
  tx: Transaction,
  owned: { family: number; controller: number },
  { address, postcode, uprn, district: code, from }: Place,
  persons: number[],
): Promise<void> {
  const [made] = await tx
    .insert(household)
    .values({ ...owned, address, postcode, uprn: uprn ?? null, district: code, from })
    .returning({ id: household.id });
  if (persons.length > 0)
    await tx.insert(householdMember).values(persons.map((person) => ({ ...owned, household: (made as { id: number }).id, person, from })));
}

export const addFamilyMember: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<AddFamilyMemberInput>;
  const day = today(now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors = checkAddition(input, now);
  const known = input.person ? keyOf('Person', input.person) : null;
  if (input.person) {
    if (known === null || !(await personVisible(tx, known, client))) errors.push(notFound('person', 'person'));
    else {
      const open = and(eq(membership.family, family), eq(membership.person, known), isNull(membership.until));
      if ((await visibleRows(tx, membership, open, client)).length > 0)
        errors.push({ code: 'CONFLICT', message: 'The person belongs to the family already.', path: ['person'] });
    }
    errors.push(...(await checkCodes(tx, day, [{ list: 'family-role', value: input.role, path: ['role'] }])));
    if (input.role === 'unborn-child')
      errors.push({
        code: 'RULE',
        rule: '8525Q',
        message: 'A child who is not born yet is put on record by recordUnbornChild.',
        path: ['role'],
      });
  }
  if (input.member) errors.push(...(await memberFaults(tx, input.member, client, day, 'member')));
  if (errors.length > 0) return { userErrors: errors };
  const member = input.member as NewMemberInput;
  if (known === null) {
    const person = await writeMember(tx, family, member, input.from, client);
    return {
      change: { action: 'addFamilyMember', entity: 'Person', id: person, family, persons: [person], dataClasses: classesOf([member]) },
    };
  }
  const row = { family, person: known, controller: client.organisation.id, role: input.role as string, from: input.from };
  await tx.insert(membership).values(row);
  return { change: { action: 'addFamilyMember', entity: 'Person', id: known, family, persons: [known], dataClasses: ['FAMILY'] } };
};

export const endMembership: Command = async (tx, raw, client) => {
  const input = raw as unknown as Input<EndMembershipInput>;
  const family = keyOf('Family', input.family);
  const person = keyOf('Person', input.person);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const open = and(eq(membership.family, family), eq(membership.person, person ?? -1), isNull(membership.until));
  const [row] = await visibleRows(tx, membership, open, client);
  if (!row || person === null) return { userErrors: [notFound('member of this family', 'person')] };
  if (row.from && input.until < row.from)
    return { userErrors: [{ code: 'INVALID', message: `Belongs to the family since ${row.from}.`, path: ['until'] }] };
  const set = { until: input.until };
  const refused = await amend(tx, client, membership, row.id, input.expectedVersion, set, { name: 'member', path: ['person'] });
  if (refused) return { userErrors: [refused] };
  return { change: { action: 'endMembership', entity: 'Family', id: family, family, persons: [person], dataClasses: ['FAMILY'] } };
};

export const recordUnbornChild: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordUnbornChildInput>;
  if (client.agency !== 'LA' && client.agency !== 'HEALTH') {
    const message = 'An unborn child is put on record by the county, or by those who treat the mother.';
    return { userErrors: [{ code: 'INVALID', message, path: [] }] };
  }
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const { errors, warnings } = checkUnborn(input, now);
  if (errors.length > 0) return { userErrors: errors };
  const made = await tx.execute<{ person: string }>(
    sql`select fsp.new_member(${family}::bigint, 'unborn-child', ${today(now)}::date, true) as person`,
  );
  const person = Number(made.rows[0]?.person);
  await tx.insert(personExpected).values({ person, controller: client.organisation.id, expectedDate: input.expectedDate });
  const change = { action: 'recordUnbornChild', entity: 'Person', id: person, family, persons: [person] };
  return { change: { ...change, dataClasses: ['CLINICAL'] }, warnings };
};

export const recordBirth: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordBirthInput>;
  const person = keyOf('Person', input.person);
  if (person === null || !(await personVisible(tx, person, client))) return { userErrors: [notFound('unborn child', 'person')] };
  const errors = [...checkBirth(input, now), ...(await checkCodes(tx, today(now), [{ list: 'sex', value: input.sex, path: ['sex'] }]))];
  const awaited = and(eq(unbornMembership.person, person), isNull(unbornMembership.until));
  const [row] = await visibleRows(tx, unbornMembership, awaited, client);
  if (!row) errors.push(notFound('unborn child', 'person'));
  if (errors.length > 0 || !row) return { userErrors: errors };
  await tx.execute(sql`select fsp.record_birth(${person}::bigint, 'child', ${input.dateOfBirth}::date)`);
  const { dateOfBirth, sex, givenName, familyName: surname } = input;
  await tx.update(personIdentity).set({ dateOfBirth, sex, givenName, familyName: surname }).where(eq(personIdentity.person, person));
  const change = { action: 'recordBirth', entity: 'Person', id: person, family: row.family, persons: [person] };
  return { change: { ...change, dataClasses: ['FAMILY', 'IDENTITY'] } };
};

export const moveHousehold: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<MoveHouseholdInput>;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors = [...checkMove(input, now), ...(await districtFaults(tx, input.district, 'district'))];
  // Whoever does not see the home that is left would leave it open.
  if (!(await whereaboutsOpen(tx, 'family', family, client)))
    errors.push({
      code: 'RULE',
      rule: 'WHEREABOUTS_PROTECTED',
      message: 'Where somebody of this family is, is protected: who is named with them says where they move.',
      path: ['family'],
    });
  const keys = input.members.map((id) => keyOf('Person', id));
  const persons = [...new Set(keys.flatMap((key) => (key === null ? [] : [key])))];
  const members = await visibleMembers(tx, family, persons);
  for (const [index, key] of keys.entries())
    if (key === null || !members.has(key)) errors.push(notFound('member of this family', 'members', String(index)));
  const open = and(eq(householdMember.family, family), inArray(householdMember.person, persons), isNull(householdMember.until));
  const left = persons.length === 0 ? [] : await visibleRows(tx, householdMember, open, client);
  const later = left.find(({ from }) => from > input.from);
  if (later) errors.push({ code: 'INVALID', message: `Somebody moved on ${later.from}: the move is later than that.`, path: ['from'] });
  if (errors.length > 0) return { userErrors: errors };
  for (const row of left) {
    const same = and(eq(householdMember.id, row.id), eq(householdMember.version, row.version));
    const ended = await tx.update(householdMember).set({ until: input.from }).where(same);
    if (ended.rowCount !== 1)
      return {
        userErrors: [
          row.controller === client.organisation.id
            ? // Somebody moved the same person at the same moment.
              conflict(row.version + 1)
            : {
                code: 'RULE',
                rule: 'NOT_YOURS',
                message: 'Where somebody lives is on another organisation’s record, which alone says that they moved.',
                path: ['members'],
              },
        ],
      };
  }
  // A household that nobody of the family lives in any more has ended.
  for (const id of new Set(left.map((row) => row.household))) {
    const staying = and(eq(householdMember.household, id), isNull(householdMember.until));
    if ((await visibleRows(tx, householdMember, staying, client)).length === 0)
      await tx
        .update(household)
        .set({ until: input.from })
        .where(and(eq(household.id, id), isNull(household.until)));
  }
  await writeHousehold(tx, { family, controller: client.organisation.id }, input, persons);
  return { change: { action: 'moveHousehold', entity: 'Family', id: family, family, persons, dataClasses: ['WHEREABOUTS'] } };
};

export const recordRelationship: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordRelationshipInput>;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors = checkRelationship(input, now);
  const [person, other] = [keyOf('Person', input.person), keyOf('Person', input.other)];
  const seen = await membersOf(tx, family, client);
  if (person === null || !seen.has(person)) errors.push(notFound('member of this family', 'person'));
  if (other === null || !seen.has(other)) errors.push(notFound('member of this family', 'other'));
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'relationship', value: input.kind, path: ['kind'] }])));
  if (errors.length > 0 || person === null || other === null) return { userErrors: errors };
  const [row] = await tx
    .insert(relationship)
    .values({
      family,
      person,
      other,
      controller: client.organisation.id,
      worker: client.user,
      kind: input.kind,
      parentalResponsibility: input.parentalResponsibility ?? false,
      protective: input.protective ?? false,
      from: input.from ?? null,
    })
    .returning({ id: relationship.id });
  const change = { action: 'recordRelationship', entity: 'Relationship', id: (row as { id: number }).id, family, persons: [person, other] };
  return { change: { ...change, dataClasses: ['FAMILY'] } };
};

/** Everybody of the family whom the caller sees, born or not. */
async function membersOf(tx: Transaction, family: number, client: Client): Promise<Set<number>> {
  const rows = [
    ...(await visibleRows(tx, membership, eq(membership.family, family), client)),
    ...(await visibleRows(tx, unbornMembership, eq(unbornMembership.family, family), client)),
  ];
  return new Set(rows.map(({ person }) => person));
}

export const amendRelationship: Command = async (tx, raw, client) => {
  const input = raw as unknown as Input<AmendRelationshipInput>;
  const key = keyOf('Relationship', input.relationship);
  const row = await visibleRow(tx, relationship, key, client);
  if (!row) return { userErrors: [notFound('relationship', 'relationship')] };
  if (input.until && row.from && input.until < row.from)
    return { userErrors: [{ code: 'INVALID', message: `It has been so since ${row.from}.`, path: ['until'] }] };
  const set = {
    parentalResponsibility: input.parentalResponsibility ?? row.parentalResponsibility,
    protective: input.protective ?? row.protective,
    until: input.until === undefined ? row.until : input.until,
  };
  const refused = await amend(tx, client, relationship, key, input.expectedVersion, set, { name: 'relationship', path: ['relationship'] });
  if (refused) return { userErrors: [refused] };
  const { id, family, person, other } = row;
  return { change: { action: 'amendRelationship', entity: 'Relationship', id, family, persons: [person, other], dataClasses: ['FAMILY'] } };
};
