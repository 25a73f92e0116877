/** Families as a record system tells of them: what they are called, who belongs to them, where they live. */
import { and, eq, inArray, isNull } from 'drizzle-orm';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, notFound, visibleRows, whereaboutsOpen } from '../../change/visible.ts';
import type { FamilyRecordInput, HouseholdRecordInput, MemberRecordInput } from '../../graphql/generated.ts';
import { encodeId } from '../../read/ids.ts';
import { today } from '../clock/calendar.ts';
import { addFamilyMember, amendRelationship, endMembership, moveHousehold, recordRelationship } from '../family/commands.ts';
import { makeFamily } from '../family/making.ts';
import { checkNamed, relationshipOfRole } from '../family/rules.ts';
import { familyName, household, householdMember, membership, relationship, unbornMembership } from '../family/tables.ts';
import {
  changeRow,
  digestOf,
  OLDER,
  type Pushing,
  perform,
  plain,
  type Result,
  recordOf,
  refuse,
  refuseIf,
  standing,
  takeRecord,
} from './lines.ts';
import { UNBORN, upsertPerson } from './persons.ts';
import { recordSource } from './tables.ts';

const ENTITY = 'Family';

const dayOf = (moment: string): string => today(new Date(moment));

/** What a record says of a family, apart from when it said so and from what its members' own records say. */
const contentOf = ({ name, reference, household: home, members }: FamilyRecordInput) => ({
  name,
  reference,
  household: home,
  members: members
    .map(({ role, from, until, parentalResponsibility, person: { sourceId } }) => ({ role, from, until, parentalResponsibility, sourceId }))
    .sort((a, b) => (a.sourceId < b.sourceId ? -1 : 1)),
});

/** Puts a family on record, or brings it up to date, with its members. */
export async function upsertFamily(to: Pushing, line: FamilyRecordInput) {
  const { tx, client, now } = to;
  const found = faults();
  checkNamed(line, found);
  found.list(line.members, 30, 'members');
  const ids = line.members.map(({ person }) => person.sourceId);
  ids.forEach((id, i) => {
    if (ids.indexOf(id) < i) found.invalid('Somebody is named twice.', 'members', i, 'person', 'sourceId');
  });
  refuseIf(found.errors);
  const digest = digestOf(contentOf(line));
  const known = await recordOf(to, ENTITY, line.sourceId);
  if (known && !(await familyVisible(tx, known.family, client))) refuse(notFound('family', 'sourceId'));
  const stands = standing(known, line, digest);
  if (known && stands === 'older' && known.digest !== digest) to.notes.push(OLDER);
  const there = known ? known.family : await byReference(to, line);
  if (there === null && line.members.length === 0)
    refuse({ code: 'INVALID', message: 'A family has at least one member.', path: ['members'] });
  const family = there ?? (await makeFamily(tx, client, { name: line.name, reference: line.reference ?? line.sourceId }, now));
  // First of all: an id that is taken by what the caller does not see ends the line.
  if (stands !== 'older') await takeRecord(to, known, { family, entity: ENTITY, entityId: family, what: 'family' }, line, digest);
  const told = stands === 'new' || stands === 'newer';
  if (told && there !== null) await rename(to, family, line);

  const persons = new Map<string, number>();
  for (const [i, { person: record, role, from }] of line.members.entries()) {
    // Whom only an older state names may have left since.
    const into = told ? { family, role, from: from ?? dayOf(line.changed), isNew: there === null } : null;
    const done = await upsertPerson(to, record, into, 'members', String(i), 'person');
    if (!done) continue;
    persons.set(record.sourceId, done.person);
    if (told) await belong(to, family, { ...(line.members[i] as MemberRecordInput), from: from ?? dayOf(line.changed) }, done.person, i);
  }
  if (told) {
    await answerFor(to, family, line.members, persons);
    if (line.household) await live(to, family, line.household, line.members, persons);
    if (to.wrote)
      to.changes.push({
        action: 'upsertFamilies',
        entity: ENTITY,
        id: family,
        family,
        persons: [...persons.values()],
        dataClasses: ['FAMILY', ...(there === null ? (['CASE'] as const) : []), 'NHS_NUMBER'],
      });
  }
  const result: Result = there === null ? 'CREATED' : to.wrote ? 'UPDATED' : 'UNCHANGED';
  return { result, type: ENTITY, id: family, family };
}

/** A family that is on record already by its number, and of which no record of this system tells. */
async function byReference(to: Pushing, { reference, sourceId }: FamilyRecordInput): Promise<number | null> {
  const { tx, client } = to;
  const rows = await visibleRows(tx, familyName, eq(familyName.reference, reference ?? sourceId), client);
  const [row] = rows;
  if (!row || !(await familyVisible(tx, row.family, client))) return null;
  const own = and(eq(recordSource.controller, client.organisation.id), eq(recordSource.system, to.system));
  const named = and(eq(recordSource.entity, ENTITY), eq(recordSource.entityId, row.family));
  if (rows.length > 1 || (await visibleRows(tx, recordSource, and(own, named), client)).length > 0)
    refuse({ code: 'CONFLICT', message: 'A family that you see has this reference.', path: ['reference'] });
  return row.family;
}

async function rename(to: Pushing, family: number, { name, reference }: FamilyRecordInput): Promise<void> {
  const { tx, client } = to;
  const [is] = await visibleRows(tx, familyName, eq(familyName.family, family), client);
  if (!is) return;
  const set = { name, reference: reference ?? is.reference };
  if (set.name === is.name && set.reference === is.reference) return;
  const taken = await visibleRows(tx, familyName, eq(familyName.reference, set.reference), client);
  if (taken.some((row) => row.family !== family))
    refuse({ code: 'CONFLICT', message: 'A family that you see has this reference.', path: ['reference'] });
  await changeRow(to, tx.update(familyName).set(set).where(eq(familyName.family, family)), set.name === is.name ? 'reference' : 'name');
}

/** Whether, as what, and until when somebody belongs to the family. */
async function belong(to: Pushing, family: number, { role, from, until }: MemberRecordInput, person: number, index: number): Promise<void> {
  const { tx, client, now } = to;
  const at = ['members', String(index)];
  const open = and(eq(membership.family, family), eq(membership.person, person), isNull(membership.until));
  const [row] = await visibleRows(tx, membership, open, client);
  const of = { family: encodeId('Family', family), person: encodeId('Person', person) };
  if (row && until) {
    await perform(to, endMembership, { ...of, expectedVersion: row.version, until }, ...at);
  } else if (row && role && role !== row.role && role !== UNBORN) {
    refuseIf(await checkCodes(tx, today(now), [{ list: 'family-role', value: role, path: ['role'] }]), ...at);
    const refused = await amend(tx, client, membership, row.id, row.version, { role }, { name: 'member', path: ['role'] });
    if (refused) refuseIf([refused], ...at);
    to.wrote = true;
  } else if (!row && !until) {
    const awaited = and(eq(unbornMembership.family, family), eq(unbornMembership.person, person), isNull(unbornMembership.until));
    if ((await visibleRows(tx, unbornMembership, awaited, client)).length > 0) return;
    await perform(to, addFamilyMember, { ...of, role, from }, ...at);
  }
}

/** Parental responsibility of those of whom it is said, for each child named with them. */
async function answerFor(
  to: Pushing,
  family: number,
  members: readonly MemberRecordInput[],
  persons: ReadonlyMap<string, number>,
): Promise<void> {
  const { tx, client } = to;
  const children = members.filter(({ role, until }) => role === 'child' && !until);
  const keyOf = ({ person }: MemberRecordInput) => persons.get(person.sourceId) as number;
  for (const [i, member] of members.entries()) {
    const { parentalResponsibility, role, until } = member;
    if (until || parentalResponsibility === null || parentalResponsibility === undefined) continue;
    const person = keyOf(member);
    const open = and(eq(relationship.family, family), eq(relationship.person, person), isNull(relationship.until));
    const ties = await visibleRows(tx, relationship, open, client);
    for (const child of children) {
      const other = keyOf(child);
      if (other === person) continue;
      const tie = ties.find((row) => row.other === other);
      const at = ['members', String(i), 'parentalResponsibility'];
      if (tie && tie.parentalResponsibility !== parentalResponsibility) {
        const relationshipId = encodeId('Relationship', tie.id);
        await perform(to, amendRelationship, { relationship: relationshipId, expectedVersion: tie.version, parentalResponsibility }, ...at);
      } else if (!tie && parentalResponsibility) {
        await perform(
          to,
          recordRelationship,
          {
            family: encodeId('Family', family),
            person: encodeId('Person', person),
            kind: relationshipOfRole(role ?? ''),
            other: encodeId('Person', other),
            parentalResponsibility,
            from: member.from ?? null,
          },
          ...at,
        );
      }
    }
  }
}

/** Where they live, if that is not where they live already. What is known better here stays, and costs the line nothing else. */
async function live(
  to: Pushing,
  family: number,
  { persons: named, ...place }: HouseholdRecordInput,
  members: readonly MemberRecordInput[],
  persons: ReadonlyMap<string, number>,
): Promise<void> {
  const { tx, client } = to;
  const ids = named ?? members.filter(({ until, role }) => !until && role !== UNBORN).map(({ person }) => person.sourceId);
  ids.forEach((id, i) => {
    if (!persons.has(id)) refuse(notFound('member of the line', 'household', 'persons', String(i)));
  });
  const keys = ids.map((id) => persons.get(id) as number);
  if (keys.length === 0) return;
  const open = and(eq(householdMember.family, family), inArray(householdMember.person, keys), isNull(householdMember.until));
  const living = await visibleRows(tx, householdMember, open, client);
  const homes = await visibleRows(tx, household, eq(household.family, family), client);
  const isThere = (key: number) =>
    living.some((row) => {
      const home = homes.find(({ id }) => id === row.household);
      return row.person === key && home?.address === place.address && home.postcode === place.postcode;
    });
  if (keys.every(isThere)) return;
  const stays = (message: string, ...path: string[]) => void to.notes.push(plain(message, 'STAYS', 'household', ...path));
  if (!(await whereaboutsOpen(tx, 'family', family, client)))
    return stays('Where somebody of this family is, is protected: who is named with them says where they move.');
  const later = living.find(({ from }) => from > place.from);
  if (later) return stays(`Somebody moved on ${later.from}, which is later; that stays.`, 'from');
  if (living.some(({ controller }) => controller !== client.organisation.id))
    return stays('Another organisation says where somebody of them lives; that stays.');
  const input = { ...place, family: encodeId('Family', family), members: keys.map((key) => encodeId('Person', key)) };
  await perform(to, moveHousehold, input, 'household');
}
