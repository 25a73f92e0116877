/** Writing what keeps people safe, and what happened. */

import type { DataClass } from '../../access/classes.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { bornKeptFrom, keptFromNamed, together } from '../../change/kept-from.ts';
import { eachOf, keysOf, membersNamed, one } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import { today } from '../clock/calendar.ts';
import { endClock, meetClock, startClock } from '../clock/service.ts';
import {
  type ConditionInput,
  checkCondition,
  checkEnd,
  checkIncident,
  checkReview,
  type EndInput,
  type IncidentInput,
  type IncidentOutcomeInput,
  type ReviewInput,
} from './rules.ts';
import { incident, incidentInformant, safetyCondition, safetyConditionPerson, safetyOffenceReason, safetyVictimReason } from './tables.ts';

const REVIEW_CLOCK = 'SAFETY_REVIEW';
const idOf = (rows: { id: number }[]) => (rows[0] as { id: number }).id;
const ofCondition = (id: number) => ({ type: 'SafetyCondition', id });

export const recordSafetyCondition: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as ConditionInput;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors = checkCondition(input);
  const members = await membersNamed(tx, family, eachOf('persons', input.persons), errors);
  const keptFrom = await keptFromNamed(tx, family, input.keptFrom, errors);
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'safety-condition', value: input.kind, path: ['kind'] }])));
  if (errors.length > 0) return { userErrors: errors };

  const owned = { family, controller: client.organisation.id, worker: client.user, keptFrom };
  const { kind, instruction, issuer, from } = input;
  const id = idOf(
    await tx
      .insert(safetyCondition)
      .values({ ...owned, kind, instruction, issuer, from, until: input.until ?? null })
      .returning({ id: safetyCondition.id }),
  );
  const persons = input.persons.map(({ person, part }) => ({ person: members.get(person) as number, part }));
  await tx.insert(safetyConditionPerson).values(persons.map((each) => ({ ...owned, condition: id, ...each })));
  // What to do is for everybody; what the victim tells is kept from those it binds, by the rows just written, and from others on record.
  const victims = persons.filter(({ part }) => part === 'PROTECTED').map(({ person }) => person);
  const dataClasses: DataClass[] = ['SAFETY'];
  for (const [reason, table, dataClass] of [
    [input.offenceReason, safetyOffenceReason, 'OFFENCE'],
    [input.victimReason, safetyVictimReason, 'VICTIM'],
  ] as const) {
    if (!reason) continue;
    const kept = table === safetyVictimReason ? together(keptFrom, await bornKeptFrom(tx, family, victims)) : keptFrom;
    await tx.insert(table).values({ ...owned, keptFrom: kept, condition: id, reason });
    dataClasses.push(dataClass);
  }
  await startClock(tx, client, { rule: REVIEW_CLOCK, family, subject: ofCondition(id), from: today(now) });
  return {
    change: {
      action: 'recordSafetyCondition',
      entity: 'SafetyCondition',
      id,
      family,
      persons: keysOf(members, [...members.keys()]),
      dataClasses,
    },
  };
};

const condition = { name: 'condition', path: ['condition'] };

export const reviewSafetyCondition: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as ReviewInput;
  const key = keyOf('SafetyCondition', input.condition);
  const row = await visibleRow(tx, safetyCondition, key, client);
  if (!row) return { userErrors: [notFound(condition.name, ...condition.path)] };
  const errors = row.version === input.expectedVersion ? checkReview(input, row, now) : [];
  if (errors.length > 0) return { userErrors: errors };
  const set = {
    reviewedOn: input.on,
    ...(input.instruction ? { instruction: input.instruction } : {}),
    ...(input.until === undefined ? {} : { until: input.until }),
  };
  const refused = await amend(tx, client, safetyCondition, key, input.expectedVersion, set, condition);
  if (refused) return { userErrors: [refused] };
  const { id, family } = row;
  await meetClock(tx, { rule: REVIEW_CLOCK, subject: ofCondition(id), on: input.on });
  await startClock(tx, client, { rule: REVIEW_CLOCK, family, subject: ofCondition(id), from: input.on });
  return { change: { action: 'reviewSafetyCondition', entity: 'SafetyCondition', id, family, persons: [], dataClasses: ['SAFETY'] } };
};

export const endSafetyCondition: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as EndInput;
  const key = keyOf('SafetyCondition', input.condition);
  const row = await visibleRow(tx, safetyCondition, key, client);
  if (!row) return { userErrors: [notFound(condition.name, ...condition.path)] };
  const errors = row.version === input.expectedVersion ? checkEnd(input, row, now) : [];
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(tx, client, safetyCondition, key, input.expectedVersion, { endedOn: input.on }, condition);
  if (refused) return { userErrors: [refused] };
  const { id, family } = row;
  await endClock(tx, { rule: REVIEW_CLOCK, subject: ofCondition(id), on: input.on });
  return { change: { action: 'endSafetyCondition', entity: 'SafetyCondition', id, family, persons: [], dataClasses: ['SAFETY'] } };
};

export const recordIncident: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as IncidentInput;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors = checkIncident(input, client.agency, now);
  const members = await membersNamed(tx, family, one('person', input.person), errors);
  const person = input.person ? (members.get(input.person) ?? null) : null;
  const named = await keptFromNamed(tx, family, input.keptFrom, errors);
  const broken = input.breaches ? await visibleRow(tx, safetyCondition, keyOf('SafetyCondition', input.breaches), client) : null;
  if (input.breaches && broken?.family !== family) errors.push(notFound('condition of this family', 'breaches'));
  errors.push(
    ...(await checkCodes(tx, today(now), [
      { list: 'incident-kind', value: input.kind, path: ['kind'] },
      { list: 'incident-reason', value: input.reason, path: ['reason'] },
      { list: 'incident-outcome', value: input.outcome, path: ['outcome'] },
    ])),
  );
  if (errors.length > 0) return { userErrors: errors };

  const victims = person !== null && input.part === 'VICTIM' ? [person] : [];
  const keptFrom = together(named, await bornKeptFrom(tx, family, victims));
  const owned = { family, controller: client.organisation.id, worker: client.user, keptFrom };
  const id = idOf(
    await tx
      .insert(incident)
      .values({
        ...owned,
        person,
        kind: input.kind,
        reason: input.reason ?? null,
        basis: input.basis,
        part: input.part,
        outcome: input.outcome,
        happenedOn: input.on,
        account: input.account ?? null,
        breaches: broken?.id ?? null,
      })
      .returning({ id: incident.id }),
  );
  if (input.informant) await tx.insert(incidentInformant).values({ ...owned, incident: id, informant: input.informant });
  const dataClasses: DataClass[] = input.informant ? ['OFFENCE', 'INFORMANT'] : ['OFFENCE'];
  return { change: { action: 'recordIncident', entity: 'Incident', id, family, persons: person === null ? [] : [person], dataClasses } };
};

export const recordIncidentOutcome: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as IncidentOutcomeInput;
  const what = { name: 'incident', path: ['incident'] };
  const key = keyOf('Incident', input.incident);
  const row = await visibleRow(tx, incident, key, client);
  if (!row) return { userErrors: [notFound(what.name, ...what.path)] };
  const errors = await checkCodes(tx, today(now), [{ list: 'incident-outcome', value: input.outcome, path: ['outcome'] }]);
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(tx, client, incident, key, input.expectedVersion, { outcome: input.outcome }, what);
  if (refused) return { userErrors: [refused] };
  const { id, family, person } = row;
  const persons = person === null ? [] : [person];
  return { change: { action: 'recordIncidentOutcome', entity: 'Incident', id, family, persons, dataClasses: ['OFFENCE'] } };
};
