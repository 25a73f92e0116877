/** Having something put right, objecting, and having data restricted. */
import { sql } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { AGREEMENT_VERSION, DECIDES, levelOf } from '../../access/agreement.ts';
import { AGENCIES } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Change, Command, Decision, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { bornKeptFrom, together } from '../../change/kept-from.ts';
import { each, keysOf, membersNamed, one } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type {
  DecideObjectionInput,
  DecideRectificationInput,
  LiftProcessingRestrictionInput,
  RecordObjectionInput,
  RequestRectificationInput,
  RestrictProcessingInput,
} from '../../graphql/generated.ts';
import { decodeId } from '../../read/ids.ts';
import { meetClock, startClock } from '../clock/service.ts';
import { EVIDENCE } from '../meeting/evidence.ts';
import { checkAsked, checkDecided, checkRestriction } from './rules.ts';
import { processingRestriction, rightsRequest } from './tables.ts';

type Input<T> = Omit<T, 'idempotencyKey'>;
type Asked = { family: string; person: string; keptFrom?: readonly string[] | null };

const by = (client: Client): string => client.userName ?? client.id;

const changed = (action: string, entity: string, row: { id: number; family: number; person: number }): Change => ({
  action,
  entity,
  id: row.id,
  family: row.family,
  persons: [row.person],
  dataClasses: ['SHARING'],
});

/** The family and the member of whom the input speaks; what of them is not there joins `errors`. */
async function ofMember(tx: Transaction, client: Client, input: Asked, errors: UserError[]) {
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) {
    errors.push(notFound('family', 'family'));
    return null;
  }
  const members = await membersNamed(tx, family, [...one('person', input.person), ...each('keptFrom', input.keptFrom)], errors);
  const person = members.get(input.person);
  if (errors.length > 0 || person === undefined) return null;
  return { family, person, keptFrom: together(keysOf(members, input.keptFrom), await bornKeptFrom(tx, family, [person])) };
}

/** A fact of a family that has an id, with its version where it has one; null for what is not there for the caller. */
async function factOf(tx: Transaction, client: Client, type: string, key: number | null, family: number) {
  const table = Object.hasOwn(EVIDENCE, type) ? EVIDENCE[type] : undefined;
  if (!table) return null;
  const row = (await visibleRow(tx, table as PgTable & { id: PgColumn }, key, client)) as {
    id: number;
    family: number;
    version?: number;
  } | null;
  return row && row.family === family ? { id: row.id, version: row.version ?? null } : null;
}

/** Writes that somebody asked; a month runs. */
async function ask(
  tx: Transaction,
  client: Client,
  action: string,
  of: { family: number; person: number; keptFrom: number[] },
  values: Pick<
    typeof rightsRequest.$inferInsert,
    'kind' | 'statement' | 'askedOn' | 'subjectType' | 'subjectId' | 'subjectVersion' | 'dataClass'
  >,
): Promise<Decision> {
  const [made] = await tx
    .insert(rightsRequest)
    .values({ ...of, ...values, controller: client.organisation.id, worker: client.user })
    .returning({ id: rightsRequest.id });
  const { id } = made as { id: number };
  await startClock(tx, client, { rule: 'RIGHTS_REQUEST', ...of, subject: { type: 'RightsRequest', id }, from: values.askedOn });
  return { change: changed(action, 'RightsRequest', { id, ...of }) };
}

export const requestRectification: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RequestRectificationInput>;
  const errors = checkAsked(input, now);
  const of = await ofMember(tx, client, input, errors);
  if (!of) return { userErrors: errors };
  const { type } = decodeId(input.fact);
  const fact = await factOf(tx, client, type, keyOf(type, input.fact), of.family);
  if (!fact) return { userErrors: [notFound('fact of this family', 'fact')] };
  return ask(tx, client, 'requestRectification', of, {
    kind: 'RECTIFICATION',
    statement: input.statement,
    askedOn: input.asked,
    subjectType: type,
    subjectId: fact.id,
    subjectVersion: fact.version,
  });
};

export const recordObjection: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordObjectionInput>;
  const errors = checkAsked(input, now);
  const of = await ofMember(tx, client, input, errors);
  if (!of) return { userErrors: errors };
  return ask(tx, client, 'recordObjection', of, {
    kind: 'OBJECTION',
    statement: input.statement,
    askedOn: input.asked,
    dataClass: input.class as never,
  });
};

const decide =
  (kind: 'RECTIFICATION' | 'OBJECTION', action: string): Command =>
  async (tx, raw, client, now) => {
    const input = raw as unknown as Input<DecideRectificationInput & DecideObjectionInput>;
    const row = await visibleRow(tx, rightsRequest, keyOf('RightsRequest', input.request), client);
    if (!row || row.kind !== kind) return { userErrors: [notFound('request', 'request')] };
    const fact =
      row.subjectType !== null && row.subjectVersion !== null ? await factOf(tx, client, row.subjectType, row.subjectId, row.family) : null;
    const versions = fact && fact.version !== null && row.subjectVersion !== null ? { was: row.subjectVersion, is: fact.version } : null;
    const errors = checkDecided(input, row, versions, now);
    if (errors.length > 0) return { userErrors: errors };
    const what = { name: 'request', path: ['request'] };
    const set = { outcome: input.outcome, reason: input.reason ?? null, decidedOn: input.on, decidedBy: by(client) };
    const refused = await amend(tx, client, rightsRequest, row.id, input.expectedVersion, set, what);
    if (refused) return { userErrors: [refused] };
    await meetClock(tx, { rule: 'RIGHTS_REQUEST', subject: { type: 'RightsRequest', id: row.id }, on: input.on });
    return { change: changed(action, 'RightsRequest', row) };
  };

export const decideRectification = decide('RECTIFICATION', 'decideRectification');
export const decideObjection = decide('OBJECTION', 'decideObjection');

/**
 * Withholds a class about a person from every agency that could have it, by decisions of the ledger like any other. It is the
 * county's own decision about what it keeps, so the ledger's own function makes them, and asks again whose it is to decide.
 */
async function withhold(tx: Transaction, client: Client, of: { family: number; person: number }, input: Input<RestrictProcessingInput>) {
  const decisions: number[] = [];
  const dataClass = input.class as keyof typeof DECIDES;
  for (const agency of AGENCIES) {
    if (levelOf(dataClass, agency) === 'N' || (input.countyExcepted && agency === 'LA')) continue;
    const { rows } = await tx.execute<{ id: string }>(sql`select fsp.decide(${of.family}::bigint, ${of.person}::bigint,
      array[${dataClass}]::text[], 'WITHHOLD', null, null, ${agency}::text, 'UKGDPR-a18', null, 'told that it is restricted',
      ${input.reason}::text, ${client.user}::text, ${by(client)}::text, now(), null, ${AGREEMENT_VERSION}::text) as id`);
    decisions.push(Number(rows[0]?.id));
  }
  return decisions;
}

export const restrictProcessing: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RestrictProcessingInput>;
  const decides = DECIDES[input.class as keyof typeof DECIDES]?.includes(client.agency) ?? false;
  const errors = checkRestriction(input, decides, now);
  errors.push(...(await checkCodes(tx, input.from, [{ list: 'restriction-ground', value: input.ground, path: ['ground'] }])));
  const of = await ofMember(tx, client, input, errors);
  if (!of) return { userErrors: errors };
  const { family, person } = of;
  const [made] = await tx
    .insert(processingRestriction)
    .values({
      family,
      person,
      controller: client.organisation.id,
      worker: client.user,
      dataClass: input.class as never,
      ground: input.ground,
      reason: input.reason,
      from: input.from,
      decisions: await withhold(tx, client, of, input),
    })
    .returning({ id: processingRestriction.id });
  return { change: changed('restrictProcessing', 'ProcessingRestriction', { id: (made as { id: number }).id, family, person }) };
};

export const liftProcessingRestriction: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<LiftProcessingRestrictionInput>;
  const { errors, rule, text, past } = faults();
  past(input.on, now, 'on');
  text(input.reason, 20_000, 'reason');
  const row = await visibleRow(tx, processingRestriction, keyOf('ProcessingRestriction', input.restriction), client);
  if (!row) return { userErrors: [...errors, notFound('restriction', 'restriction')] };
  if (row.liftedOn) rule('RESTRICTION_LIFTED', `It was lifted on ${row.liftedOn}.`, 'restriction');
  if (errors.length > 0) return { userErrors: errors };
  const what = { name: 'restriction', path: ['restriction'] };
  const set = { liftedOn: input.on, liftedBy: by(client), liftedFor: input.reason };
  const refused = await amend(tx, client, processingRestriction, row.id, input.expectedVersion, set, what);
  if (refused) return { userErrors: [refused] };
  for (const decision of row.decisions)
    await tx.execute(sql`select fsp.withdraw_decision(${decision}::bigint, ${input.reason}::text, ${by(client)}::text)`);
  return { change: changed('liftProcessingRestriction', 'ProcessingRestriction', row) };
};
