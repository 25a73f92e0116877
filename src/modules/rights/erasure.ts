/** Holding records back from erasure, and deciding on what is proposed. The owner's job erases (src/modules/rights/retention-job.ts). */
import { and, desc, eq, gt, isNull, lte, ne, or } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Change, Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type {
  ApproveErasureInput,
  LiftHoldInput,
  PlaceHoldInput,
  ProposeErasureInput,
  RejectErasureInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { familyStage } from '../family/tables.ts';
import { checkErasureDecision } from './rules.ts';
import { erasureProposal, retentionHold, retentionRule } from './tables.ts';

type Input<T> = Omit<T, 'idempotencyKey'>;

const LONGEST = 20_000;
const by = (client: Client): string => client.userName ?? client.id;
const changed = (action: string, entity: string, id: number, family: number | null): Change => ({
  action,
  entity,
  id,
  family,
  persons: [],
  dataClasses: ['OPERATION'],
});

export const placeHold: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<PlaceHoldInput>;
  const { errors, text, past } = faults();
  text(input.reason, LONGEST, 'reason');
  past(input.on, now, 'on');
  errors.push(...(await checkCodes(tx, input.on, [{ list: 'retention-hold', value: input.cause, path: ['cause'] }])));
  const family = input.family ? keyOf('Family', input.family) : null;
  if (input.family && (family === null || !(await familyVisible(tx, family, client)))) errors.push(notFound('family', 'family'));
  if (errors.length > 0) return { userErrors: errors };
  const [made] = await tx
    .insert(retentionHold)
    .values({
      family,
      controller: client.organisation.id,
      cause: input.cause,
      reason: input.reason,
      placedOn: input.on,
      placedBy: by(client),
    })
    .returning({ id: retentionHold.id });
  return { change: changed('placeHold', 'RetentionHold', (made as { id: number }).id, family) };
};

export const liftHold: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<LiftHoldInput>;
  const { errors, rule, text, past } = faults();
  text(input.reason, LONGEST, 'reason');
  past(input.on, now, 'on');
  const row = await visibleRow(tx, retentionHold, keyOf('RetentionHold', input.hold), client);
  if (!row) return { userErrors: [...errors, notFound('hold', 'hold')] };
  if (row.liftedOn) rule('HOLD_LIFTED', `It was lifted on ${row.liftedOn}.`, 'hold');
  if (errors.length > 0) return { userErrors: errors };
  const set = { liftedOn: input.on, liftedBy: by(client), liftedFor: input.reason };
  const refused = await amend(tx, client, retentionHold, row.id, input.expectedVersion, set, { name: 'hold', path: ['hold'] });
  return refused ? { userErrors: [refused] } : { change: changed('liftHold', 'RetentionHold', row.id, row.family) };
};

/** Whether a hold stands over a family, or over everybody. */
async function isHeld(tx: Transaction, family: number): Promise<boolean> {
  const held = await tx
    .select({ id: retentionHold.id })
    .from(retentionHold)
    .where(and(isNull(retentionHold.liftedOn), or(isNull(retentionHold.family), eq(retentionHold.family, family))))
    .limit(1);
  return held.length > 0;
}

const heldBack = (path: string): UserError => ({
  code: 'RULE',
  rule: 'ERASURE_HELD',
  message: 'A hold stands over this record: nothing of it is erased until it is lifted.',
  path: [path],
});

export const proposeErasure: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<ProposeErasureInput>;
  const { errors, rule, text } = faults();
  text(input.reason, LONGEST, 'reason');
  const day = today(now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const [known] = await tx
    .select({ version: retentionRule.version, fromEvent: retentionRule.fromEvent })
    .from(retentionRule)
    .where(
      and(
        eq(retentionRule.code, input.rule),
        lte(retentionRule.validFrom, day),
        or(isNull(retentionRule.validTo), gt(retentionRule.validTo, day)),
      ),
    )
    .orderBy(desc(retentionRule.validFrom))
    .limit(1);
  if (!known) errors.push(notFound('retention rule', 'rule'));
  else if (known.fromEvent !== 'REQUEST')
    rule('ERASURE_BY_RULE', 'What time makes due the retention job proposes; a person proposes what somebody asked for.', 'rule');
  const [stands] = await tx.select({ stage: familyStage.stage }).from(familyStage).where(eq(familyStage.family, family));
  if (stands?.stage !== 'CLOSED') rule('ERASURE_OPEN', 'Work with this family has not ended: nothing of it is erased.', 'family');
  const open = await tx
    .select({ id: erasureProposal.id })
    .from(erasureProposal)
    .where(and(eq(erasureProposal.family, family), ne(erasureProposal.status, 'REJECTED')));
  if (open.length > 0) rule('ERASURE_PROPOSED', 'It has been proposed already.', 'family');
  if (await isHeld(tx, family)) errors.push(heldBack('family'));
  if (client.user === null) rule('ERASURE_PERSON', 'This is a person’s to do: the application has to say who.', 'family');
  if (errors.length > 0 || !known) return { userErrors: errors };
  const [made] = await tx
    .insert(erasureProposal)
    .values({
      family,
      controller: client.organisation.id,
      rule: input.rule,
      ruleVersion: known.version,
      dueOn: day,
      reason: input.reason,
      proposedOn: day,
      proposedBy: by(client),
      proposedUser: client.user,
      status: 'PROPOSED',
    })
    .returning({ id: erasureProposal.id });
  return { change: changed('proposeErasure', 'ErasureProposal', (made as { id: number }).id, family) };
};

const decide =
  (action: 'approveErasure' | 'rejectErasure'): Command =>
  async (tx, raw, client, now) => {
    const input = raw as unknown as Input<ApproveErasureInput & RejectErasureInput>;
    const approves = action === 'approveErasure';
    const { errors, text } = faults();
    text(input.reason, LONGEST, 'reason');
    const row = await visibleRow(tx, erasureProposal, keyOf('ErasureProposal', input.proposal), client);
    if (!row) return { userErrors: [...errors, notFound('proposal', 'proposal')] };
    errors.push(...checkErasureDecision(row, approves, client.user));
    if (approves && (await isHeld(tx, row.family))) errors.push(heldBack('proposal'));
    if (errors.length > 0) return { userErrors: errors };
    const set = {
      status: approves ? ('APPROVED' as const) : ('REJECTED' as const),
      decidedOn: today(now),
      decidedBy: by(client),
      decidedFor: input.reason ?? null,
    };
    const refused = await amend(tx, client, erasureProposal, row.id, input.expectedVersion, set, { name: 'proposal', path: ['proposal'] });
    return refused ? { userErrors: [refused] } : { change: changed(action, 'ErasureProposal', row.id, row.family) };
  };

export const approveErasure = decide('approveErasure');
export const rejectErasure = decide('rejectErasure');
