/** Asking an organisation for what it knows, being answered; and looking up whom to ring. */
import { eq, inArray } from 'drizzle-orm';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, visibleMembers, visibleRow } from '../../change/visible.ts';
import type { AnswerInformationRequestInput, LookUpInput, RequestInformationInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { dueOn, meetClock, startClock } from '../clock/service.ts';
import { plainNhsNumber } from '../person/identifiers.ts';
import { personIdentity } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { checkAnswer, checkLookUp, checkRequest } from './rules.ts';
import { contact, informationAnswer, informationRequest, informationRequestPerson, lookUp as lookUpTable } from './tables.ts';

const RULE = 'INFORMATION_REQUEST';

export const requestInformation: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RequestInformationInput, 'idempotencyKey'>;
  const askedKey = keyOf('Organisation', input.organisation);
  const [asked] = askedKey === null ? [] : await tx.select().from(organisation).where(eq(organisation.id, askedKey));
  const day = today(now);
  const errors: UserError[] = checkRequest(input, asked ?? null, day, now);
  if (!asked) errors.push(notFound('organisation', 'organisation'));
  const family = input.family ? keyOf('Family', input.family) : null;
  if (input.family && (family === null || !(await familyVisible(tx, family, client))))
    return { userErrors: [...errors, notFound('family', 'family')] };
  const from = input.contact ? await visibleRow(tx, contact, keyOf('Contact', input.contact), client) : null;
  if (input.contact && !from) errors.push(notFound('contact', 'contact'));
  const keys = (input.persons ?? []).map((id) => keyOf('Person', id));
  const known = keys.filter((key): key is number => key !== null);
  const members = family === null ? new Set<number>() : await visibleMembers(tx, family, known);
  if (family !== null)
    keys.forEach((key, i) => {
      if (key === null || !members.has(key)) errors.push(notFound('member of this family', 'persons', String(i)));
    });
  const identities = known.length > 0 ? await tx.select().from(personIdentity).where(inArray(personIdentity.person, known)) : [];
  const namesOf = new Map(identities.map((row) => [row.person, row]));
  keys.forEach((key, i) => {
    const names = key !== null && members.has(key) ? namesOf.get(key) : null;
    const { invalid, errors: nameless } = faults();
    if (key !== null && members.has(key) && !(names?.givenName && names.familyName)) invalid('Has no name yet; name them.', 'persons', i);
    errors.push(...nameless);
  });
  if (errors.length > 0 || !asked) return { userErrors: errors };

  const aboutFamily = family ?? from?.family ?? null;
  const due = input.dueOn ?? (await dueOn(tx, RULE, day));
  const between = { sender: client.organisation.id, addressee: asked.id, recipient: input.recipient ?? null };
  const [made] = await tx
    .insert(informationRequest)
    .values({
      ...between,
      worker: client.user,
      aboutFamily,
      contact: from?.id ?? null,
      purpose: input.purpose,
      question: input.question,
      askedOn: day,
      dueOn: due ?? day,
    })
    .returning({ id: informationRequest.id });
  const id = (made as { id: number }).id;
  const persons = [
    ...known.map((aboutPerson) => {
      const { givenName, familyName, dateOfBirth } = namesOf.get(aboutPerson) as typeof personIdentity.$inferSelect;
      return { aboutPerson, givenName: givenName as string, familyName: familyName as string, dateOfBirth };
    }),
    ...(input.named ?? []).map(({ givenName, familyName, dateOfBirth }) => ({
      aboutPerson: null,
      givenName,
      familyName,
      dateOfBirth: dateOfBirth ?? null,
    })),
  ];
  await tx.insert(informationRequestPerson).values(persons.map((person) => ({ ...between, request: id, ...person })));
  await startClock(tx, client, {
    rule: RULE,
    family: aboutFamily,
    subject: { type: 'InformationRequest', id },
    from: day,
    assigned: asked.id,
    worker: input.recipient ?? null,
  });
  return {
    change: {
      action: 'requestInformation',
      entity: 'InformationRequest',
      id,
      family: aboutFamily,
      persons: known,
      dataClasses: ['CASE', 'IDENTITY'],
    },
  };
};

export const answerInformationRequest: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<AnswerInformationRequestInput, 'idempotencyKey'>;
  const errors: UserError[] = checkAnswer(input);
  const row = await visibleRow(tx, informationRequest, keyOf('InformationRequest', input.request), client);
  if (!row || row.addressee !== client.organisation.id) return { userErrors: [...errors, notFound('request', 'request')] };
  const day = today(now);
  errors.push(
    ...(await checkCodes(tx, day, [{ list: 'refusal-reason', value: input.refusal?.reasonCode, path: ['refusal', 'reasonCode'] }])),
  );
  const keys = (input.keptFrom ?? []).map((id) => keyOf('Person', id));
  const known = keys.filter((key): key is number => key !== null);
  const members = row.aboutFamily === null ? new Set<number>() : await visibleMembers(tx, row.aboutFamily, known);
  keys.forEach((key, i) => {
    if (key === null || !members.has(key)) errors.push(notFound('person', 'keptFrom', String(i)));
  });
  if (errors.length > 0) return { userErrors: errors };
  const answered = await tx
    .insert(informationAnswer)
    .values({
      request: row.id,
      sender: client.organisation.id,
      addressee: row.sender,
      worker: client.user,
      keptFrom: known,
      answer: input.answer ?? null,
      refusalReason: input.refusal?.reasonCode ?? null,
      reason: input.refusal?.reason ?? null,
      answeredOn: day,
      answeredBy: client.userName ?? client.id,
    })
    .onConflictDoNothing();
  if (answered.rowCount === 0) {
    const { invalid, errors: twice } = faults();
    invalid('It has been answered already.', 'request');
    return { userErrors: twice };
  }
  await meetClock(tx, { rule: RULE, subject: { type: 'InformationRequest', id: row.id }, on: day });
  return {
    change: {
      action: 'answerInformationRequest',
      entity: 'InformationRequest',
      id: row.id,
      family: null,
      persons: [],
      dataClasses: ['CASE'],
    },
  };
};

/** Asks; the database answers as the row is written, in as many statements whatever it finds. */
export const lookUp: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<LookUpInput, 'idempotencyKey'>;
  const errors = checkLookUp(input, client.agency);
  if (errors.length > 0) return { userErrors: errors };
  const [made] = await tx
    .insert(lookUpTable)
    .values({
      sender: client.organisation.id,
      worker: client.user,
      identifier: input.nhsNumber ? 'NHS_NUMBER' : 'UPN',
      asked: input.nhsNumber ? plainNhsNumber(input.nhsNumber) : (input.upn ?? null),
      reason: input.reason,
    })
    .returning({ id: lookUpTable.id });
  const id = (made as { id: number }).id;
  return { change: { action: 'lookUp', entity: 'LookUp', id, family: null, persons: [], dataClasses: ['CASE'] } };
};
