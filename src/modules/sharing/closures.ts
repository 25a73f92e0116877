/** Closing a family, or what tells where somebody is, to those who must not know; and opening one in an emergency. */
import { sql } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Change, Command, Decision, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type {
  EndConflictOfInterestInput,
  EndWhereaboutsProtectionInput,
  LiftRestrictionInput,
  OpenEmergencyAccessInput,
  ProtectWhereaboutsInput,
  RecordConflictOfInterestInput,
  RestrictFamilyInput,
  ReviewEmergencyAccessInput,
  ReviewRestrictionInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { endClock, meetClock, startClock } from '../clock/service.ts';
import { conflictOfInterest, emergencyAccess, familyRestriction, whereaboutsProtection } from './ledger.ts';
import { agencyOf, answersForRecord, memberOf, words } from './named.ts';
import { checkEmergency, LONGEST } from './rules.ts';

type Given<T> = Omit<T, 'idempotencyKey'>;

const REVIEW = 'RESTRICTED_REVIEW';

const written = (action: string, entity: string, id: number, family: number | null, persons: number[] = []): { change: Change } => ({
  change: { action, entity, id, family, persons, dataClasses: ['SHARING'] },
});

function because(reason: string): UserError[] {
  const { errors, text } = faults();
  text(reason, LONGEST.reason, 'reason');
  return errors;
}

/** A moment that is to come. */
function ahead(until: string | null | undefined, now: Date): UserError[] {
  if (!until || new Date(until).getTime() > now.getTime()) return [];
  return [{ code: 'INVALID', message: 'Must be in the future.', path: ['until'] }];
}

function answers(client: Client): UserError[] {
  if (answersForRecord(client)) return [];
  return [
    { code: 'RULE', rule: 'TEAM_MANAGER', message: 'A team manager or the information governance lead does this.', path: ['reason'] },
  ];
}

async function key(tx: Transaction, call: ReturnType<typeof sql>): Promise<number | null> {
  const { rows } = await tx.execute<{ value: string | null }>(call);
  const value = rows[0]?.value ?? null;
  return value === null ? null : Number(value);
}

async function done(tx: Transaction, call: ReturnType<typeof sql>): Promise<boolean> {
  const { rows } = await tx.execute<{ value: boolean }>(call);
  return rows[0]?.value === true;
}

export const protectWhereabouts: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<ProtectWhereaboutsInput>;
  const errors = [...because(input.reason), ...ahead(input.until, now)];
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const person = await memberOf(tx, family, input.person, client);
  if (person === null) errors.push(notFound('member of this family', 'person'));
  if (client.user === null)
    errors.push({ code: 'RULE', rule: 'USER', message: 'Somebody protects it who is then named with the person.', path: ['person'] });
  if (errors.length > 0 || person === null) return { userErrors: errors };
  const id = await key(
    tx,
    sql`select fsp.protect_whereabouts(${family}::bigint, ${person}::bigint, ${client.user}::text, ${client.userName ?? client.id}::text, ${input.reason}::text, ${input.until ?? null}::timestamptz) as value`,
  );
  return written('protectWhereabouts', 'WhereaboutsProtection', id as number, family, [person]);
};

export const endWhereaboutsProtection: Command = async (tx, raw, client) => {
  const input = raw as unknown as Given<EndWhereaboutsProtectionInput>;
  const errors = because(input.reason);
  const row = await visibleRow(tx, whereaboutsProtection, keyOf('WhereaboutsProtection', input.protection), client);
  if (!row) return { userErrors: [...errors, notFound('protection', 'protection')] };
  if (errors.length > 0) return { userErrors: errors };
  if (!(await done(tx, sql`select fsp.end_protection(${row.id}::bigint, ${input.reason}::text) as value`)))
    return { userErrors: [notFound('protection that stands', 'protection')] };
  return written('endWhereaboutsProtection', 'WhereaboutsProtection', row.id, row.family, [row.person]);
};

export const restrictFamily: Command = async (tx, raw, client, now): Promise<Decision> => {
  const input = raw as unknown as Given<RestrictFamilyInput>;
  const errors = [...because(input.reason), ...answers(client)];
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const partner = await agencyOf(tx, input.organisation);
  if (input.organisation && !partner) errors.push(notFound('organisation', 'organisation'));
  if (errors.length > 0) return { userErrors: errors };
  // Before it, because afterwards the family is not there for who restricts it, unless they are a named user.
  await startClock(tx, client, { rule: REVIEW, family, subject: { type: 'Family', id: family }, from: today(now) });
  const id = await key(
    tx,
    sql`select fsp.restrict_family(${family}::bigint, ${partner?.key ?? null}::integer, ${input.cause}::text, ${input.reason}::text, ${client.user}::text) as value`,
  );
  if (id === null) {
    const message = 'Two users must be named first, one of them on the out-of-hours rota: else nobody could be asked about the family.';
    return { userErrors: [{ code: 'RULE', rule: 'NAMED_USERS', message, path: ['organisation'] }] };
  }
  return written('restrictFamily', 'FamilyRestriction', id, family);
};

export const reviewRestriction: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<ReviewRestrictionInput>;
  const errors = [...because(input.reason), ...answers(client)];
  const row = await visibleRow(tx, familyRestriction, keyOf('FamilyRestriction', input.restriction), client);
  if (!row || row.until) return { userErrors: [...errors, notFound('restriction that stands', 'restriction')] };
  if (errors.length > 0) return { userErrors: errors };
  const subject = { type: 'Family', id: row.family };
  await meetClock(tx, { rule: REVIEW, subject, on: today(now) });
  await startClock(tx, client, { rule: REVIEW, family: row.family, subject, from: today(now) });
  return written('reviewRestriction', 'FamilyRestriction', row.id, row.family);
};

export const liftRestriction: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<LiftRestrictionInput>;
  const errors = [...because(input.reason), ...answers(client)];
  const row = await visibleRow(tx, familyRestriction, keyOf('FamilyRestriction', input.restriction), client);
  if (!row) return { userErrors: [...errors, notFound('restriction', 'restriction')] };
  if (errors.length > 0) return { userErrors: errors };
  if (!(await done(tx, sql`select fsp.lift_restriction(${row.id}::bigint, ${input.reason}::text) as value`)))
    return { userErrors: [notFound('restriction that stands', 'restriction')] };
  await endClock(tx, { rule: REVIEW, subject: { type: 'Family', id: row.family }, on: today(now) });
  return written('liftRestriction', 'FamilyRestriction', row.id, row.family);
};

export const recordConflictOfInterest: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<RecordConflictOfInterestInput>;
  const errors = [...because(input.reason), ...ahead(input.until, now)];
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  if (!(await done(tx, sql`select fsp.has_user(${input.user}::text) as value`))) errors.push(notFound('user of your organisation', 'user'));
  if (errors.length > 0) return { userErrors: errors };
  const id = await key(
    tx,
    sql`select fsp.record_conflict(${family}::bigint, ${input.user}::text, ${input.reason}::text, ${input.until ?? null}::timestamptz) as value`,
  );
  return written('recordConflictOfInterest', 'ConflictOfInterest', id as number, family);
};

export const endConflictOfInterest: Command = async (tx, raw, client) => {
  const input = raw as unknown as Given<EndConflictOfInterestInput>;
  const row = await visibleRow(tx, conflictOfInterest, keyOf('ConflictOfInterest', input.conflict), client);
  if (!row || !(await done(tx, sql`select fsp.end_conflict(${row.id}::bigint) as value`)))
    return { userErrors: [notFound('conflict that stands', 'conflict')] };
  return written('endConflictOfInterest', 'ConflictOfInterest', row.id, row.family);
};

export const openEmergencyAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<OpenEmergencyAccessInput>;
  const errors = checkEmergency(input, client.agency, client.user);
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'emergency-reason', value: input.reasonCode, path: ['reasonCode'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const family = input.family ? keyOf('Family', input.family) : null;
  const id =
    input.family && family === null
      ? null
      : await key(
          tx,
          sql`select fsp.open_emergency(${family}::bigint, ${input.reference ?? null}::text, ${words([...input.classes])},
            ${client.user}::text, ${input.reasonCode}::text, ${input.reason}::text, ${input.minutes ?? 60}::integer) as value`,
        );
  if (id === null) return { userErrors: [notFound('family', input.family ? 'family' : 'reference')] };
  const row = await visibleRow(tx, emergencyAccess, id, client);
  return written('openEmergencyAccess', 'EmergencyAccess', id, row?.family ?? family);
};

export const reviewEmergencyAccess: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<ReviewEmergencyAccessInput>;
  const { errors, text } = faults();
  text(input.findings, LONGEST.reason, 'findings');
  const row = await visibleRow(tx, emergencyAccess, keyOf('EmergencyAccess', input.emergency), client);
  if (!row) return { userErrors: [...errors, notFound('emergency', 'emergency')] };
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'emergency-finding', value: input.finding, path: ['finding'] }])));
  if (client.user === null || row.worker === client.user)
    errors.push({ code: 'RULE', rule: 'SECOND_PERSON', message: 'Somebody else than who opened it looks at it.', path: ['emergency'] });
  if (row.reviewedAt) errors.push({ code: 'RULE', rule: 'REVIEWED', message: 'Somebody has looked at it already.', path: ['emergency'] });
  if (errors.length > 0) return { userErrors: errors };
  const reviewed = await done(
    tx,
    sql`select fsp.review_emergency(${row.id}::bigint, ${client.user}::text, ${client.userName ?? client.id}::text, ${input.finding}::text, ${input.findings}::text) as value`,
  );
  if (!reviewed) return { userErrors: [notFound('emergency that waits for it', 'emergency')] };
  return written('reviewEmergencyAccess', 'EmergencyAccess', row.id, row.family);
};
