/** What was decided, and a manager's part in it. */
import { sql } from 'drizzle-orm';
import { hasRole } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { together } from '../../change/kept-from.ts';
import { each, keysOf, membersNamed, one } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import { classOf } from '../../db/classified.ts';
import type { LiftKeptFromInput, OverseeDecisionInput } from '../../graphql/generated.ts';
import { decodeId } from '../../read/ids.ts';
import { today } from '../clock/calendar.ts';
import { EVIDENCE, KEPT_FROM } from './evidence.ts';
import { checkDecision, checkOversight, type DecisionInput } from './rules.ts';
import { decision, decisionEvidence } from './tables.ts';

export const recordDecision: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as DecisionInput;
  const errors = checkDecision(input, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const members = await membersNamed(tx, family, [...one('person', input.person), ...each('keptFrom', input.keptFrom)], errors);
  errors.push(...(await checkCodes(tx, input.on, [{ list: 'decision-kind', value: input.kind, path: ['kind'] }])));
  const evidence: { subjectType: string; subjectId: number }[] = [];
  for (const [i, id] of (input.evidence ?? []).entries()) {
    const { type } = decodeId(id);
    const table = Object.hasOwn(EVIDENCE, type) ? EVIDENCE[type] : undefined;
    const key = keyOf(type, id);
    const row = table ? ((await visibleRow(tx, table, key, client)) as { family: number } | null) : null;
    if (key === null || row?.family !== family) errors.push(notFound('evidence in this family', 'evidence', String(i)));
    else evidence.push({ subjectType: type, subjectId: key });
  }
  if (errors.length > 0) return { userErrors: errors };

  const person = input.person ? (members.get(input.person) as number) : null;
  const owned = {
    family,
    controller: client.organisation.id,
    keptFrom: keysOf(members, input.keptFrom),
  };
  const [made] = await tx
    .insert(decision)
    .values({
      ...owned,
      person,
      worker: client.user,
      kind: input.kind,
      decidedOn: input.on,
      decidedBy: input.decidedBy ?? client.userName ?? client.id,
      role: input.role,
      what: input.what,
      reason: input.reason,
    })
    .returning({ id: decision.id });
  const id = (made as { id: number }).id;
  if (evidence.length > 0) await tx.insert(decisionEvidence).values(evidence.map((each) => ({ ...owned, ...each, decision: id })));
  return {
    change: {
      action: 'recordDecision',
      entity: 'Decision',
      id,
      family,
      persons: person === null ? [] : [person],
      dataClasses: ['ASSESSMENT'],
    },
  };
};

export const overseeDecision: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<OverseeDecisionInput, 'idempotencyKey'>;
  const key = keyOf('Decision', input.decision);
  const row = await visibleRow(tx, decision, key, client);
  if (!row) return { userErrors: [notFound('decision', 'decision')] };
  const errors = checkOversight(input, row, { user: client.user, isManager: hasRole(client, 'team-manager') });
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    decision,
    key,
    input.expectedVersion,
    { overseenBy: client.userName ?? client.id, overseenOn: today(now), oversight: input.comment },
    { name: 'decision', path: ['decision'] },
  );
  if (refused) return { userErrors: [refused] };
  return {
    change: {
      action: 'overseeDecision',
      entity: 'Decision',
      id: row.id,
      family: row.family,
      persons: row.person === null ? [] : [row.person],
      dataClasses: ['ASSESSMENT'],
    },
  };
};

/**
 * The decision is kept from whomever the row was kept from, the person among them: why it may be known now is for the
 * professionals.
 */
export const liftKeptFrom: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<LiftKeptFromInput, 'idempotencyKey'>;
  const { errors, rule, text } = faults();
  text(input.reason, 2_000, 'reason');
  if (!hasRole(client, 'team-manager')) rule('TEAM_MANAGER', 'Only a team manager lifts it.', 'of');
  const { type } = decodeId(input.of);
  const table = Object.hasOwn(KEPT_FROM, type) ? KEPT_FROM[type] : undefined;
  const key = keyOf(type, input.of);
  const row = table ? ((await visibleRow(tx, table, key, client)) as { id: number; family: number; keptFrom?: number[] } | null) : null;
  if (!table || !row) return { userErrors: [...errors, notFound('row that can be kept from somebody', 'of')] };
  const person = (await membersNamed(tx, row.family, one('person', input.person), errors)).get(input.person);
  if (errors.length > 0 || person === undefined) return { userErrors: errors };

  const owned = { family: row.family, controller: client.organisation.id, keptFrom: together(row.keptFrom ?? [], [person]) };
  const [made] = await tx
    .insert(decision)
    .values({
      ...owned,
      person,
      worker: client.user,
      kind: 'kept-from-lifted',
      decidedOn: today(now),
      decidedBy: client.userName ?? client.id,
      role: 'team-manager',
      what: 'Kept from this person no longer.',
      reason: input.reason,
    })
    .returning({ id: decision.id });
  const id = (made as { id: number }).id;
  if (Object.hasOwn(EVIDENCE, type))
    await tx.insert(decisionEvidence).values({ ...owned, decision: id, subjectType: type, subjectId: row.id });
  const { rows } = await tx.execute<{ lifted: boolean }>(
    sql`select fsp.lift_kept_from(${classOf(table).name}, ${row.id}, ${person}, ${id}) as lifted`,
  );
  if (!rows[0]?.lifted) return { userErrors: [{ code: 'INVALID', message: 'It is not kept from this person.', path: ['person'] }] };
  return {
    change: { action: 'liftKeptFrom', entity: 'Decision', id, family: row.family, persons: [person], dataClasses: ['ASSESSMENT'] },
  };
};
