/** Somebody's right to their own data: from the request to what is sent. */
import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import type { Change, Command, Decision, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound, personVisible, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type {
  CloseSubjectAccessInput,
  ConfirmSubjectAccessIdentityInput,
  ExtendSubjectAccessInput,
  PrepareSubjectAccessInput,
  RecordHealthOpinionInput,
  RequestSubjectAccessInput,
  ReviewSubjectAccessItemsInput,
  SendSubjectAccessInput,
  SignSubjectAccessInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { dueOf } from '../clock/rules.ts';
import { calendarIn, endClock, meetClock, startClock, timescaleInForce } from '../clock/service.ts';
import { clock } from '../clock/tables.ts';
import { membership, relationship } from '../family/tables.ts';
import { personIdentity } from '../person/tables.ts';
import { checkRequest, checkStep, parentsRequest, type Step } from './rules.ts';
import { subjectAccess, subjectAccessField, subjectAccessItem } from './tables.ts';

const LONGEST = { text: 20_000, name: 200, list: 100 };
/** The months that an extension adds: UK GDPR article 12(3). */
const EXTENSION_MONTHS = 2;

type Row = typeof subjectAccess.$inferSelect;
type Input<T> = Omit<T, 'idempotencyKey'>;

const changed = (action: string, { id, person }: { id: number; person: number }): Change => ({
  action,
  entity: 'SubjectAccess',
  id,
  family: null,
  persons: [person],
  dataClasses: ['OPERATION'],
});

const by = (client: Client): string => client.userName ?? client.id;

/** The clock names nobody: whose request it is stands with the request. Null where nobody can say when it is due. */
async function begin(tx: Transaction, client: Client, id: number, from: string): Promise<string | null> {
  const { dueOn } = await startClock(tx, client, { rule: 'SAR', family: null, subject: { type: 'SubjectAccess', id }, from });
  return dueOn;
}

/** Whether two persons belong to one family that the caller sees; and what is known of them as child and parent. */
async function asChild(tx: Transaction, child: number, parent: number) {
  const families = await tx.select({ family: membership.family }).from(membership).where(eq(membership.person, child));
  const keys = families.map(({ family }) => family);
  if (keys.length === 0) return null;
  const together = await tx
    .select({ id: membership.id })
    .from(membership)
    .where(and(eq(membership.person, parent), inArray(membership.family, keys)));
  if (together.length === 0) return null;
  const [identity] = await tx.select({ born: personIdentity.dateOfBirth }).from(personIdentity).where(eq(personIdentity.person, child));
  const responsible = await tx
    .select({ id: relationship.id })
    .from(relationship)
    .where(and(eq(relationship.person, parent), eq(relationship.other, child), eq(relationship.parentalResponsibility, true)));
  return { born: identity?.born ?? null, parentalResponsibility: responsible.length > 0 };
}

export const requestSubjectAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RequestSubjectAccessInput>;
  const errors = checkRequest(input, now);
  const warnings: UserError[] = [];
  const person = keyOf('Person', input.person);
  if (person === null || !(await personVisible(tx, person, client))) return { userErrors: [...errors, notFound('person', 'person')] };
  const requesterPerson = input.requesterPerson ? keyOf('Person', input.requesterPerson) : null;
  if (input.requesterPerson) {
    const known = requesterPerson === null ? null : await asChild(tx, person, requesterPerson);
    if (!known) errors.push(notFound('member of their family', 'requesterPerson'));
    else {
      const met = parentsRequest(known, input.received);
      errors.push(...met.errors);
      warnings.push(...met.warnings);
    }
  }
  if (errors.length > 0) return { userErrors: errors };
  const [made] = await tx
    .insert(subjectAccess)
    .values({
      person,
      controller: client.organisation.id,
      requester: input.requester,
      requesterPerson,
      requesterName: input.requesterName ?? null,
      receivedOn: input.received,
      identityOn: input.identityChecked ?? null,
    })
    .returning({ id: subjectAccess.id });
  const { id } = made as { id: number };
  // Time runs from the day on which it is known who asks.
  if (input.identityChecked) {
    const dueOn = await begin(tx, client, id, input.identityChecked);
    await tx.update(subjectAccess).set({ dueOn }).where(eq(subjectAccess.id, id));
  }
  return { change: changed('requestSubjectAccess', { id, person }), warnings };
};

/** A step of a request that stands: loads it, holds it against the rules, changes it. */
async function step(
  tx: Transaction,
  client: Client,
  action: string,
  input: { request: string; expectedVersion?: number },
  kind: Step,
  errors: UserError[],
  work: (row: Row) => Promise<Partial<Row> | { userErrors: UserError[] } | null>,
): Promise<Decision> {
  const row = await visibleRow(tx, subjectAccess, keyOf('SubjectAccess', input.request), client);
  if (!row) return { userErrors: [...errors, notFound('request', 'request')] };
  errors.push(...checkStep(kind, row, client.user));
  if (errors.length > 0) return { userErrors: errors };
  const set = await work(row);
  if (set && 'userErrors' in set) return set;
  if (set) {
    const what = { name: 'request', path: ['request'] };
    const refused = await amend(tx, client, subjectAccess, row.id, input.expectedVersion ?? row.version, set, what);
    if (refused) return { userErrors: [refused] };
  }
  return { change: changed(action, row) };
}

export const confirmSubjectAccessIdentity: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<ConfirmSubjectAccessIdentityInput>;
  const { errors, invalid, past } = faults();
  past(input.on, now, 'on');
  return step(tx, client, 'confirmSubjectAccessIdentity', input, 'confirm', errors, async ({ id, receivedOn }) => {
    if (input.on < receivedOn) {
      invalid(`Must not be before ${receivedOn}, when the request came.`, 'on');
      return { userErrors: errors };
    }
    return { identityOn: input.on, dueOn: await begin(tx, client, id, input.on) };
  });
};

export const extendSubjectAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<ExtendSubjectAccessInput>;
  const { errors, rule, text } = faults();
  text(input.reason, LONGEST.text, 'reason');
  return step(tx, client, 'extendSubjectAccess', input, 'extend', errors, async (row) => {
    const day = today(now);
    if (row.extendedOn) rule('SAR_EXTENDED', 'It has been extended already; it is extended once.', 'request');
    else if (row.dueOn && day > row.dueOn)
      rule('SAR_EXTENDED', `It was due on ${row.dueOn}: it is extended, and who asked is told, before then.`, 'request');
    const inForce = row.identityOn ? await timescaleInForce(tx, 'SAR', row.identityOn) : null;
    if (errors.length > 0 || !row.identityOn || !inForce || inForce.limit === null) return { userErrors: errors };
    const due = dueOf({ ...inForce, limit: inForce.limit + EXTENSION_MONTHS }, row.identityOn, await calendarIn(tx));
    if (due)
      await tx
        .update(clock)
        .set(due)
        .where(and(eq(clock.subjectType, 'SubjectAccess'), eq(clock.subjectId, row.id), eq(clock.rule, 'SAR')));
    return { extendedOn: day, extensionReason: input.reason, dueOn: due?.dueOn ?? row.dueOn };
  });
};

export const prepareSubjectAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<PrepareSubjectAccessInput>;
  return step(tx, client, 'prepareSubjectAccess', input, 'prepare', [], async ({ id }) => {
    const { rows } = await tx.execute<{ families: string[] }>(
      sql`select fsp.gather_subject_access(${id}::bigint, ${client.user}::text)::text[] as families`,
    );
    return { families: (rows[0]?.families ?? []).map(Number), preparedAt: now, preparedBy: by(client), preparedUser: client.user };
  });
};

export const recordHealthOpinion: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordHealthOpinionInput>;
  const { errors, text, past } = faults();
  text(input.by, LONGEST.name, 'by');
  past(input.on, now, 'on');
  return step(tx, client, 'recordHealthOpinion', input, 'review', errors, async ({ id }) => {
    const harm = input.opinion === 'SERIOUS_HARM';
    await tx
      .update(subjectAccessItem)
      .set({
        status: harm ? 'EXCLUDED' : sql`case when ${subjectAccessItem.several} then 'REVIEW' else 'INCLUDED' end`,
        exemption: harm ? 'health' : null,
        reason: harm ? `In the opinion of ${input.by}.` : null,
        decidedBy: by(client),
        decidedAt: now,
      })
      .where(and(eq(subjectAccessItem.request, id), eq(subjectAccessItem.status, 'AWAITS_OPINION')));
    return { opinion: input.opinion, opinionBy: input.by, opinionOn: input.on };
  });
};

export const reviewSubjectAccessItems: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<ReviewSubjectAccessItemsInput>;
  const { errors, invalid, text, list } = faults();
  text(input.reason, LONGEST.text, 'reason');
  const { items = [], fields = [] } = { items: input.items ?? [], fields: input.fields ?? [] };
  list(items, LONGEST.list, 'items');
  list(fields, LONGEST.list, 'fields');
  if (items.length + fields.length === 0) invalid('Name what it is about: items, or fields of items.', 'items');
  return step(tx, client, 'reviewSubjectAccessItems', input, 'review', errors, async ({ id }) => {
    const known = async (table: typeof subjectAccessItem | typeof subjectAccessField, type: string, at: string, ids: readonly string[]) => {
      const keys = ids.map((each) => keyOf(type, each));
      const named = keys.filter((each) => each !== null);
      const rows =
        named.length === 0
          ? []
          : await tx
              .select({ id: table.id })
              .from(table)
              .where(and(eq(table.request, id), inArray(table.id, named)));
      const there = new Set(rows.map((row) => row.id));
      for (const [i, key] of keys.entries())
        if (key === null || !there.has(key)) errors.push(notFound(`${at.slice(0, -1)} of this request`, at, String(i)));
      return [...there];
    };
    const itemKeys = await known(subjectAccessItem, 'SubjectAccessItem', 'items', items);
    const fieldKeys = await known(subjectAccessField, 'SubjectAccessField', 'fields', fields);
    if (errors.length > 0) return { userErrors: errors };
    if (itemKeys.length > 0) {
      const of = and(eq(subjectAccessItem.request, id), inArray(subjectAccessItem.id, itemKeys));
      const waiting = await tx
        .select({ id: subjectAccessItem.id })
        .from(subjectAccessItem)
        .where(and(of, eq(subjectAccessItem.status, 'AWAITS_OPINION')));
      if (waiting.length > 0 && input.include)
        return {
          userErrors: [
            {
              code: 'RULE',
              rule: 'SAR_HEALTH_OPINION',
              message: 'Data about health goes out when a health professional has said that it would cause no serious harm.',
              path: ['items'],
            },
          ],
        };
      await tx
        .update(subjectAccessItem)
        .set({
          status: input.include ? 'INCLUDED' : 'EXCLUDED',
          exemption: input.include ? null : 'reviewer',
          reason: input.reason,
          decidedBy: by(client),
          decidedAt: now,
        })
        .where(of);
    }
    if (fieldKeys.length > 0)
      await tx
        .update(subjectAccessField)
        .set({ held: !input.include })
        .where(and(eq(subjectAccessField.request, id), inArray(subjectAccessField.id, fieldKeys)));
    return null;
  });
};

export const signSubjectAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<SignSubjectAccessInput>;
  return step(tx, client, 'signSubjectAccess', input, 'sign', [], async ({ id }) => {
    const open = await tx
      .select({ status: subjectAccessItem.status })
      .from(subjectAccessItem)
      .where(and(eq(subjectAccessItem.request, id), inArray(subjectAccessItem.status, ['REVIEW', 'AWAITS_OPINION'])))
      .limit(1);
    const [first] = open;
    if (first) {
      const message =
        first.status === 'REVIEW'
          ? 'Something in it is about others as well, and nobody has read it yet.'
          : 'Something in it waits for a health professional’s opinion.';
      return { userErrors: [{ code: 'RULE', rule: 'SAR_REVIEWED', message, path: ['request'] }] };
    }
    return { signedAt: now, signedBy: by(client) };
  });
};

export const sendSubjectAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<SendSubjectAccessInput>;
  const { errors, text, past } = faults();
  past(input.on, now, 'on');
  text(input.how, LONGEST.name, 'how');
  return step(tx, client, 'sendSubjectAccess', input, 'send', errors, async ({ id }) => {
    await meetClock(tx, { rule: 'SAR', subject: { type: 'SubjectAccess', id }, on: input.on });
    return { sentOn: input.on, sentHow: input.how };
  });
};

export const closeSubjectAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<CloseSubjectAccessInput>;
  const { errors, text, past } = faults();
  past(input.on, now, 'on');
  text(input.reason, LONGEST.text, 'reason');
  return step(tx, client, 'closeSubjectAccess', input, 'close', errors, async ({ id }) => {
    await endClock(tx, { rule: 'SAR', subject: { type: 'SubjectAccess', id }, on: input.on });
    return { closedOn: input.on, closedAs: input.as, closureReason: input.reason };
  });
};
