/** Writing what a council knows of a home, and a school of a child. */

import { and, eq, sql } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { membersNamed, one } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { HousingDuty } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { endClock, meetClock, startClock } from '../clock/service.ts';
import {
  type AmendHousingInput,
  type AmendSchoolInput,
  checkHome,
  checkTerm,
  clockOf,
  type HousingInput,
  type SchoolInput,
} from './rules.ts';
import { housingSituation, schoolRecord } from './tables.ts';

const idOf = (rows: { id: number }[]) => (rows[0] as { id: number }).id;

type Duty = { duty: HousingDuty; dutyAccepted: string | null };

/** Stops the clock of the duty that was owed, and starts that of the one that is. */
async function followDuty(
  tx: Transaction,
  client: Client,
  id: number,
  family: number,
  was: Duty | null,
  is: Duty,
  now: Date,
): Promise<void> {
  if (was?.duty === is.duty) return;
  const subject = { type: 'HousingSituation', id };
  const before = was && clockOf(was.duty);
  const rule = clockOf(is.duty);
  // The next duty begins with a review of the one before; where none follows, the clock is no longer to be met.
  if (before && is.duty === 'NONE') await endClock(tx, { rule: before, subject, on: today(now) });
  else if (before) await meetClock(tx, { rule: before, subject, on: is.dutyAccepted as string });
  if (rule) await startClock(tx, client, { rule, family, subject, from: is.dutyAccepted as string });
}

/** A council's desk sees persons, and not who belongs to which family: its own grant says whom it works with. */
async function isGranted(tx: Transaction, person: number | null): Promise<boolean> {
  if (person === null) return false;
  const found = await tx.execute(sql`select from fsp.person_grant g where g.person = ${person} and g.starts <= now() and g.ends > now()`);
  return found.rowCount === 1;
}

export const recordHousingSituation: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as HousingInput;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors = checkHome(input, input.from, null, now);
  const person = input.person ? keyOf('Person', input.person) : null;
  if (input.person && !(await isGranted(tx, person))) errors.push(notFound('person', 'person'));
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'tenure', value: input.tenure, path: ['tenure'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const is = { duty: input.duty, dutyAccepted: input.dutyAccepted ?? null };
  const id = idOf(
    await tx
      .insert(housingSituation)
      .values({
        family,
        person,
        controller: client.organisation.id,
        worker: client.user,
        ...is,
        tenure: input.tenure,
        arrears: input.arrears ?? null,
        atRisk: input.atRisk,
        from: input.from,
        note: input.note ?? null,
      })
      .returning({ id: housingSituation.id }),
  );
  await followDuty(tx, client, id, family, null, is, now);
  const persons = person === null ? [] : [person];
  return { change: { action: 'recordHousingSituation', entity: 'HousingSituation', id, family, persons, dataClasses: ['HOUSING'] } };
};

export const amendHousingSituation: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as AmendHousingInput;
  const what = { name: 'record of a home', path: ['situation'] };
  const key = keyOf('HousingSituation', input.situation);
  const row = await visibleRow(tx, housingSituation, key, client);
  if (!row) return { userErrors: [notFound(what.name, ...what.path)] };
  const errors = checkHome(input, row.from, input.until, now);
  if (errors.length > 0) return { userErrors: errors };
  const is = { duty: input.duty, dutyAccepted: input.dutyAccepted ?? null };
  const { arrears = null, atRisk, until = null, note = row.note } = input;
  const refused = await amend(tx, client, housingSituation, key, input.expectedVersion, { ...is, arrears, atRisk, until, note }, what);
  if (refused) return { userErrors: [refused] };
  const { id, family, person } = row;
  await followDuty(tx, client, id, family, row as unknown as Duty, is, now);
  const persons = person === null ? [] : [person];
  return { change: { action: 'amendHousingSituation', entity: 'HousingSituation', id, family, persons, dataClasses: ['HOUSING'] } };
};

export const recordSchoolRecord: Command = async (tx, raw, client) => {
  const input = raw as unknown as SchoolInput;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors = checkTerm(input);
  const person = (await membersNamed(tx, family, one('person', input.person), errors)).get(input.person);
  if (errors.length > 0 || person === undefined) return { userErrors: errors };
  const { term, possibleSessions, attendedSessions, exclusion, excludedDays } = input;
  const owned = { family, person, controller: client.organisation.id, worker: client.user };
  const same = and(
    eq(schoolRecord.controller, client.organisation.id),
    eq(schoolRecord.family, family),
    eq(schoolRecord.person, person),
    eq(schoolRecord.term, term),
  );
  const [known] = await visibleRows(tx, schoolRecord, same, client);
  if (known) {
    const message = 'You have this term on record already: change that record.';
    return { userErrors: [{ code: 'RULE', rule: 'SCHOOL_TERM', message, path: ['term'], currentVersion: known.version }] };
  }
  const id = idOf(
    await tx
      .insert(schoolRecord)
      .values({ ...owned, term, possibleSessions, attendedSessions, exclusion, excludedDays })
      .returning({ id: schoolRecord.id }),
  );
  return { change: { action: 'recordSchoolRecord', entity: 'SchoolRecord', id, family, persons: [person], dataClasses: ['EDUCATION'] } };
};

export const amendSchoolRecord: Command = async (tx, raw, client) => {
  const input = raw as unknown as AmendSchoolInput;
  const what = { name: 'record of a term', path: ['record'] };
  const errors = checkTerm(input);
  if (errors.length > 0) return { userErrors: errors };
  const key = keyOf('SchoolRecord', input.record);
  const row = await visibleRow(tx, schoolRecord, key, client);
  if (!row) return { userErrors: [notFound(what.name, ...what.path)] };
  const { possibleSessions, attendedSessions, exclusion, excludedDays } = input;
  const set = { possibleSessions, attendedSessions, exclusion, excludedDays };
  const refused = await amend(tx, client, schoolRecord, key, input.expectedVersion, set, what);
  if (refused) return { userErrors: [refused] };
  const { id, family, person } = row;
  return { change: { action: 'amendSchoolRecord', entity: 'SchoolRecord', id, family, persons: [person], dataClasses: ['EDUCATION'] } };
};
