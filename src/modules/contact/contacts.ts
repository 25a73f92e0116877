/** The front door: what reached it, whose it is, what is decided on it. */
import { and, asc, eq, isNotNull, isNull, ne } from 'drizzle-orm';
import { maskOf } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { bornKeptFrom, keepFrom, together } from '../../change/kept-from.ts';
import { each, eachOf, keysOf, membersNamed } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { AnswerEarlyHelpInput, DecideContactInput, MatchContactInput, RecordContactInput } from '../../graphql/generated.ts';
import { meetClock, placeClocks, startClock } from '../clock/service.ts';
import { membership } from '../family/tables.ts';
import { personIdentity } from '../person/tables.ts';
import { openEpisode } from '../plan/episode.ts';
import { episode } from '../plan/legal.ts';
import { restage } from '../plan/stage.ts';
import { tell } from './feedback.ts';
import { checkContact, checkDecision, EARLY_HELP, isPrivateSource, isRepeat, isTaken } from './rules.ts';
import { contact, contactChild, contactConcern, contactInformant, contactSource, referral, referralChild } from './tables.ts';

const RULE = 'REF_DECISION';
const subjectOf = (id: number) => ({ type: 'Contact', id });

/** Days of a family's earlier referrals taken, and of the ends of its children's episodes. */
async function earlierDays(tx: Transaction, family: number, but: number | null): Promise<string[]> {
  const contacts = await tx
    .select({ day: contact.decidedOn, outcome: contact.outcome })
    .from(contact)
    .where(and(eq(contact.family, family), isNotNull(contact.decidedOn), but === null ? undefined : ne(contact.id, but)));
  const episodes = await tx
    .select({ day: episode.closedOn })
    .from(episode)
    .where(and(eq(episode.family, family), isNotNull(episode.closedOn)));
  return [...contacts.filter(({ outcome }) => isTaken(outcome)), ...episodes].map(({ day }) => day as string);
}

/** A name and day of birth as they are compared: exactly, but for capitals. */
const asCompared = (name: { givenName: string | null; familyName: string | null; dateOfBirth: string | null }) =>
  [name.givenName, name.familyName, name.dateOfBirth].map((part) => (part ?? '').trim().toLowerCase()).join('|');

/** Members of a family by name and day of birth, as far as the caller sees them. */
async function membersByName(tx: Transaction, family: number): Promise<Map<string, number>> {
  const rows = await tx
    .select({
      person: personIdentity.person,
      givenName: personIdentity.givenName,
      familyName: personIdentity.familyName,
      dateOfBirth: personIdentity.dateOfBirth,
    })
    .from(personIdentity)
    .innerJoin(membership, eq(membership.person, personIdentity.person))
    .where(and(eq(membership.family, family), isNotNull(personIdentity.dateOfBirth)));
  return new Map(rows.map((row) => [asCompared(row), row.person]));
}

type Child = { givenName: string; familyName: string; dateOfBirth: string | null; person: number | null };

export const recordContact: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordContactInput, 'idempotencyKey'>;
  const errors: UserError[] = checkContact(input, now);
  const family = input.family ? keyOf('Family', input.family) : null;
  if (input.family && (family === null || !(await familyVisible(tx, family, client)))) errors.push(notFound('family', 'family'));
  const sent = input.referral ? await visibleRow(tx, referral, keyOf('Referral', input.referral), client) : null;
  if (input.referral && sent?.addressee !== client.organisation.id) errors.push(notFound('referral', 'referral'));
  const receivedOn = input.receivedOn ?? sent?.madeOn ?? '';
  if (errors.length > 0) return { userErrors: errors };

  const { invalid, errors: wrong } = faults();
  if (sent && receivedOn < sent.madeOn) invalid(`The referral was made on ${sent.madeOn}, after this day.`, 'receivedOn');
  const members = await membersNamed(tx, family, [...each('keptFrom', input.keptFrom), ...eachOf('children', input.children)], wrong);
  wrong.push(
    ...(await checkCodes(tx, receivedOn, [
      { list: 'contact-channel', value: input.channel, path: ['channel'] },
      { list: 'referral-source', value: input.source, path: ['source'] },
    ])),
  );
  if (wrong.length > 0) return { userErrors: wrong };

  const children = await childrenOf(tx, input, sent?.id ?? null, family);
  // What is told of a child at the front door is kept from whoever harms the child, as what the child tells is.
  const known = children.flatMap(({ person }) => person ?? []);
  const born = family === null ? [] : await bornKeptFrom(tx, family, known);
  const keptFrom = together(keysOf(members, input.keptFrom), born);
  const owned = { family, controller: client.organisation.id, worker: client.user, keptFrom };
  const repeat = family !== null && isRepeat(receivedOn, await earlierDays(tx, family, null));
  const [made] = await tx
    .insert(contact)
    .values({ ...owned, receivedOn, channel: input.channel, referral: sent?.id ?? null, repeat })
    .onConflictDoNothing()
    .returning({ id: contact.id });
  if (!made) {
    invalid('There is a contact for this referral already.', 'referral');
    return { userErrors: wrong };
  }
  const id = made.id;
  const rowMask = isPrivateSource(input.source) ? Number(maskOf(['INFORMANT'])) : 0;
  await tx.insert(contactSource).values({ ...owned, contact: id, source: input.source, rowMask });
  await tx.insert(contactConcern).values({ ...owned, contact: id, concern: input.concern ?? (sent?.concern as string) });
  if (input.informant) {
    const { name, phone, relation, anonymous } = input.informant;
    await tx
      .insert(contactInformant)
      .values({ ...owned, contact: id, name: name ?? null, phone: phone ?? null, relation: relation ?? null, anonymous });
  }
  await tx.insert(contactChild).values(children.map((child) => ({ ...owned, contact: id, ...child })));
  // What was long decided on is not late today.
  if (!isLenient(client, input)) await startClock(tx, client, { rule: RULE, family, subject: subjectOf(id), from: receivedOn });
  return {
    change: {
      action: 'recordContact',
      entity: 'Contact',
      id,
      family,
      persons: known,
      dataClasses: ['CASE', 'ASSESSMENT', 'IDENTITY', ...(input.informant || rowMask ? (['INFORMANT'] as const) : [])],
    },
  };
};

/** Entered late, or mirrored from the record system. */
const isLenient = (client: Client, { historical }: { historical?: boolean | null }): boolean =>
  historical === true || client.purpose === 'RECORD_SYNC';

/** The children that a contact names, or its referral; each with who it is, where that is certain. */
async function childrenOf(
  tx: Transaction,
  input: Omit<RecordContactInput, 'idempotencyKey'>,
  sent: number | null,
  family: number | null,
): Promise<Child[]> {
  const named: Child[] = input.children?.length
    ? input.children.map(({ givenName, familyName, dateOfBirth, person }) => ({
        givenName,
        familyName,
        dateOfBirth: dateOfBirth ?? null,
        person: person ? keyOf('Person', person) : null,
      }))
    : (
        await tx
          .select()
          .from(referralChild)
          .where(eq(referralChild.referral, sent as number))
          .orderBy(asc(referralChild.id))
      ).map(({ givenName, familyName, dateOfBirth }) => ({ givenName, familyName, dateOfBirth, person: null }));
  if (family === null) return named;
  const members = await membersByName(tx, family);
  return named.map((child) => ({ ...child, person: child.person ?? members.get(asCompared(child)) ?? null }));
}

export const matchContact: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<MatchContactInput, 'idempotencyKey'>;
  const key = keyOf('Contact', input.contact);
  const family = keyOf('Family', input.family);
  const row = await visibleRow(tx, contact, key, client);
  const errors: UserError[] = [];
  if (!row) errors.push(notFound('contact', 'contact'));
  if (family === null || !(await familyVisible(tx, family, client))) errors.push(notFound('family', 'family'));
  if (errors.length > 0 || !row || family === null) return { userErrors: errors };
  // Of a row that has moved on, the caller is told so first: it may be matched by now.
  if (row.family !== null && row.version === input.expectedVersion) {
    const { invalid, errors: wrong } = faults();
    invalid('It is known already which family it is of.', 'contact');
    return { userErrors: wrong };
  }
  const repeat = isRepeat(row.receivedOn, await earlierDays(tx, family, row.id));
  const refused = await amend(
    tx,
    client,
    contact,
    key,
    input.expectedVersion,
    { family, repeat },
    {
      name: 'contact',
      path: ['contact'],
    },
  );
  if (refused) return { userErrors: [refused] };
  for (const table of [contactSource, contactConcern, contactInformant])
    await tx.update(table).set({ family }).where(eq(table.contact, row.id));
  await tx.update(contactChild).set({ family }).where(eq(contactChild.contact, row.id));
  const members = await membersByName(tx, family);
  const persons: number[] = [];
  for (const child of await tx
    .select()
    .from(contactChild)
    .where(and(eq(contactChild.contact, row.id), isNull(contactChild.person)))) {
    const person = members.get(asCompared(child));
    if (person === undefined) continue;
    await tx.update(contactChild).set({ person }).where(eq(contactChild.id, child.id));
    persons.push(person);
  }
  await keepFrom(tx, contact, row.id, await bornKeptFrom(tx, family, persons));
  await placeClocks(tx, { subject: subjectOf(row.id), family });
  return {
    change: { action: 'matchContact', entity: 'Contact', id: row.id, family, persons, dataClasses: ['CASE', 'ASSESSMENT', 'IDENTITY'] },
  };
};

export const decideContact: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<DecideContactInput, 'idempotencyKey'>;
  const key = keyOf('Contact', input.contact);
  const row = await visibleRow(tx, contact, key, client);
  if (!row) return { userErrors: [notFound('contact', 'contact')] };
  const historical = isLenient(client, input);
  // Of a row that has moved on, the caller is told so first: it may be decided by now.
  const stands = row.version === input.expectedVersion ? row : { ...row, decidedOn: null };
  const { errors, warnings } = checkDecision({ ...input, historical }, stands, now);
  errors.push(...(await checkCodes(tx, input.decidedOn, [{ list: 'contact-outcome', value: input.outcome, path: ['outcome'] }])));
  const members = await membersNamed(tx, row.family, eachOf('children', input.children), errors);
  if (errors.length > 0) return { userErrors: errors };
  const children = (input.children ?? []).map(({ person, primaryNeed }) => ({ person: members.get(person) as number, primaryNeed }));

  const refused = await amend(
    tx,
    client,
    contact,
    key,
    input.expectedVersion,
    {
      outcome: input.outcome,
      decidedOn: input.decidedOn,
      nextStep: input.nextStep,
      signpostedTo: input.signpostedTo ?? null,
      earlyHelp: input.outcome === EARLY_HELP ? (input.earlyHelp ?? 'OFFERED') : null,
    },
    { name: 'contact', path: ['contact'] },
  );
  if (refused) return { userErrors: [refused] };
  await tx.update(contactConcern).set({ reason: input.reason }).where(eq(contactConcern.contact, row.id));
  await meetClock(tx, { rule: RULE, subject: subjectOf(row.id), on: input.decidedOn });

  if (isTaken(input.outcome) && row.family !== null) {
    const [from] = await tx.select().from(contactSource).where(eq(contactSource.contact, row.id));
    for (const [i, { person, primaryNeed }] of children.entries()) {
      const opened = await openEpisode(tx, client, {
        family: row.family,
        person,
        on: row.receivedOn,
        source: from?.source ?? '10',
        primaryNeed,
        historical,
      });
      const within = (found: UserError[]) => found.map((each) => ({ ...each, path: ['children', String(i), ...each.path] }));
      if ('errors' in opened) return { userErrors: within(opened.errors) };
      warnings.push(...within(opened.warnings));
    }
  }
  if (row.referral !== null) {
    const [about] = await tx.select().from(referral).where(eq(referral.id, row.referral));
    if (about) {
      const told = { outcome: input.outcome, nextStep: input.nextStep };
      await tell(tx, about, { kind: 'DECISION', ...told, givenOn: input.decidedOn });
      await tx
        .update(referral)
        .set({ status: 'DECIDED', ...told })
        .where(eq(referral.id, about.id));
    }
  }
  if (isTaken(input.outcome) && row.family !== null) await restage(tx, row.family, now);
  return {
    change: {
      action: 'decideContact',
      entity: 'Contact',
      id: row.id,
      family: row.family,
      persons: children.map(({ person }) => person),
      dataClasses: ['CASE', 'ASSESSMENT'],
    },
    warnings,
  };
};

export const answerEarlyHelp: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<AnswerEarlyHelpInput, 'idempotencyKey'>;
  const key = keyOf('Contact', input.contact);
  const row = await visibleRow(tx, contact, key, client);
  if (!row) return { userErrors: [notFound('contact', 'contact')] };
  if (row.earlyHelp === null && row.version === input.expectedVersion) {
    const { invalid, errors } = faults();
    invalid('No early help was offered on it.', 'contact');
    return { userErrors: errors };
  }
  const set = { earlyHelp: input.accepted ? ('ACCEPTED' as const) : ('DECLINED' as const) };
  const refused = await amend(tx, client, contact, key, input.expectedVersion, set, { name: 'contact', path: ['contact'] });
  if (refused) return { userErrors: [refused] };
  return { change: { action: 'answerEarlyHelp', entity: 'Contact', id: row.id, family: row.family, persons: [], dataClasses: ['CASE'] } };
};
