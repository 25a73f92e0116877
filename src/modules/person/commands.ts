/** Correcting who somebody is, and what is known about them. */

import { and, eq, isNull, sql } from 'drizzle-orm';
import type { DataClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { conflict } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { keyOf, notFound, personVisible, visibleRows, whereaboutsOpen } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { CorrectPersonInput, RecordDisabilitiesInput, RecordNewNameInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { checkCorrection, checkDisabilities, checkNewName } from '../family/rules.ts';
import { plainNhsNumber } from './identifiers.ts';
import { takenNumbers } from './numbers.ts';
import { NOT_OBTAINED, personDisability, personEquality, personIdentity, personNewName, personNhsNumber, personUpn } from './tables.ts';

/** A person's identity as the caller sees it; null for who is hidden and who never was. */
async function identityOf(tx: Transaction, key: number | null, client: Client) {
  if (key === null || !(await personVisible(tx, key, client))) return null;
  const [row] = await visibleRows(tx, personIdentity, eq(personIdentity.person, key), client);
  return row ?? null;
}

/** Whether whereabouts are protected of somebody with whom the person belongs together: a child's new name tells of the mother. */
async function isGuarded(tx: Transaction, person: number, client: Client): Promise<boolean> {
  const { rowCount } = await tx.execute(
    sql`select from fsp.user_rule r where r.login = ${client.login.id} and r.kind = 'guarded' and r.person = ${person}
      and r.starts <= now() and r.ends > now() limit 1`,
  );
  return rowCount === 1;
}

export const correctPerson: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<CorrectPersonInput, 'idempotencyKey'>;
  const identity = await identityOf(tx, keyOf('Person', input.person), client);
  if (!identity) return { userErrors: [notFound('person', 'person')] };
  const { person } = identity;
  const errors = [
    ...checkCorrection(input, identity.dateOfBirth !== null, now),
    ...(await takenNumbers(tx, input, person, client)),
    ...(await checkCodes(tx, today(now), [
      { list: 'sex', value: input.sex, path: ['sex'] },
      { list: 'ethnicity', value: input.ethnicity, path: ['ethnicity'] },
      { list: 'religion', value: input.religion, path: ['religion'] },
    ])),
  ];
  if (input.familyName && input.familyName !== identity.familyName && !input.familyNameWasWrong && (await isGuarded(tx, person, client))) {
    const message = 'Whereabouts are protected here: a name taken since is recorded by recordNewName; a mistake is said to be one.';
    errors.push({ code: 'RULE', rule: 'WHEREABOUTS_PROTECTED', message, path: ['familyName'] });
  }
  if (errors.length > 0) return { userErrors: errors };

  // What cannot be empty is left as it is by null; what can be is emptied.
  const set = {
    ...(input.givenName ? { givenName: input.givenName } : {}),
    ...(input.familyName ? { familyName: input.familyName } : {}),
    ...(input.dateOfBirth ? { dateOfBirth: input.dateOfBirth } : {}),
    ...(input.sex ? { sex: input.sex } : {}),
    ...(input.interpreter !== undefined ? { interpreter: input.interpreter } : {}),
    ...(input.accessNeeds !== undefined ? { accessNeeds: input.accessNeeds } : {}),
  };
  // The version is of the whole person: a number that is corrected counts as well.
  const changed = await tx
    .update(personIdentity)
    .set(Object.keys(set).length > 0 ? set : { sex: identity.sex })
    .where(and(eq(personIdentity.person, person), eq(personIdentity.version, input.expectedVersion)));
  if (changed.rowCount !== 1) {
    const [current] = await visibleRows(tx, personIdentity, eq(personIdentity.person, person), client);
    const mine = current && current.version !== input.expectedVersion;
    return { userErrors: [mine ? conflict(current.version) : notFound('person of yours', 'person')] };
  }
  const dataClasses: DataClass[] = ['IDENTITY'];
  const owned = { person, controller: client.organisation.id };
  const written = async (rowCount: number | null, insert: () => Promise<unknown>, dataClass: DataClass) => {
    if (rowCount === 0) await insert();
    dataClasses.push(dataClass);
  };
  if (input.nhsNumber) {
    const nhsNumber = plainNhsNumber(input.nhsNumber);
    const { rowCount } = await tx.update(personNhsNumber).set({ nhsNumber }).where(eq(personNhsNumber.person, person));
    await written(rowCount, () => tx.insert(personNhsNumber).values({ ...owned, nhsNumber }), 'NHS_NUMBER');
  }
  if (input.upn) {
    const { upn } = input;
    const { rowCount } = await tx.update(personUpn).set({ upn }).where(eq(personUpn.person, person));
    await written(rowCount, () => tx.insert(personUpn).values({ ...owned, upn }), 'UPN');
  }
  if (input.ethnicity || input.religion) {
    const equality = {
      ...(input.ethnicity ? { ethnicity: input.ethnicity } : {}),
      ...(input.religion ? { religion: input.religion } : {}),
    };
    const { rowCount } = await tx.update(personEquality).set(equality).where(eq(personEquality.person, person));
    await written(rowCount, () => tx.insert(personEquality).values({ ...owned, ethnicity: NOT_OBTAINED, ...equality }), 'EQUALITY');
  }
  return { change: { action: 'correctPerson', entity: 'Person', id: person, family: null, persons: [person], dataClasses } };
};

export const recordNewName: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordNewNameInput, 'idempotencyKey'>;
  const person = keyOf('Person', input.person);
  if (person === null || !(await personVisible(tx, person, client))) return { userErrors: [notFound('person', 'person')] };
  const identity = await identityOf(tx, person, client);
  const errors = checkNewName(input, identity?.familyName ?? null, now);
  if (!(await whereaboutsOpen(tx, 'person', person, client))) {
    const message = 'Their whereabouts are protected: somebody who is named with this person does this.';
    errors.push({ code: 'RULE', rule: 'WHEREABOUTS_PROTECTED', message, path: ['person'] });
  }
  if (errors.length > 0) return { userErrors: errors };
  const borne = await visibleRows(tx, personNewName, and(eq(personNewName.person, person), isNull(personNewName.until)), client);
  if (borne.some(({ since, familyName }) => since > input.since || familyName === input.familyName)) {
    const message = 'A new name that is on record is the same, or was taken later.';
    return { userErrors: [{ code: 'CONFLICT', message, path: ['familyName'] }] };
  }
  for (const row of borne) await tx.update(personNewName).set({ until: input.since }).where(eq(personNewName.id, row.id));
  await tx.insert(personNewName).values({
    person,
    controller: client.organisation.id,
    worker: client.user,
    familyName: input.familyName,
    since: input.since,
  });
  return {
    change: { action: 'recordNewName', entity: 'Person', id: person, family: null, persons: [person], dataClasses: ['WHEREABOUTS'] },
  };
};

export const recordDisabilities: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordDisabilitiesInput, 'idempotencyKey'>;
  const day = today(now);
  const person = keyOf('Person', input.person);
  if (person === null || !(await personVisible(tx, person, client))) return { userErrors: [notFound('person', 'person')] };
  const errors = [
    ...checkDisabilities(input),
    ...(await checkCodes(
      tx,
      day,
      input.disabilities.map((value, index) => ({ list: 'disability', value, path: ['disabilities', String(index)] })),
    )),
  ];
  if (errors.length > 0) return { userErrors: errors };
  const known = await visibleRows(tx, personDisability, and(eq(personDisability.person, person), isNull(personDisability.until)), client);
  for (const row of known.filter(({ disability }) => !input.disabilities.includes(disability))) {
    const ended = await tx.update(personDisability).set({ until: day }).where(eq(personDisability.id, row.id));
    if (ended.rowCount === 0) {
      const message = `${row.disability} is on another organisation’s record, which alone can end it: leave it in the list.`;
      return { userErrors: [{ code: 'RULE', rule: 'NOT_YOURS', message, path: ['disabilities'] }] };
    }
  }
  const added = input.disabilities.filter((code) => !known.some(({ disability }) => disability === code));
  if (added.length > 0)
    await tx
      .insert(personDisability)
      .values(added.map((disability) => ({ person, controller: client.organisation.id, worker: client.user, disability, since: day })));
  return {
    change: { action: 'recordDisabilities', entity: 'Person', id: person, family: null, persons: [person], dataClasses: ['EQUALITY'] },
  };
};
