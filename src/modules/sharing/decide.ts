/** Deciding to share and to withhold, and saying what was told by other means. */
import { eq, sql } from 'drizzle-orm';
import { AGREEMENT_VERSION } from '../../access/agreement.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { RecordDisclosureElsewhereInput, RecordSharingDecisionInput, WithdrawSharingDecisionInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { familyStage } from '../family/tables.ts';
import { disclosureElsewhere, sharingDecision } from './ledger.ts';
import { agencyOf, memberOf, words } from './named.ts';
import { bundleFault, checkDisclosureElsewhere, checkSharingDecision, classesOf, LONGEST } from './rules.ts';

type Given<T> = Omit<T, 'idempotencyKey'>;

export const recordSharingDecision: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<RecordSharingDecisionInput>;
  const recipient = await agencyOf(tx, input.organisation);
  const errors = checkSharingDecision(input, client.agency, recipient?.agency ?? null, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  if (input.organisation && !recipient) errors.push(notFound('organisation', 'organisation'));
  const person = await memberOf(tx, family, input.person, client);
  if (input.person && person === null) errors.push(notFound('member of this family', 'person'));
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'sharing-gateway', value: input.gateway, path: ['gateway'] }])));
  if (input.bundle) {
    const [stage] = await tx.select().from(familyStage).where(eq(familyStage.family, family));
    const fault = bundleFault(input.bundle, stage?.stage ?? 'EARLY_HELP', stage?.marac ?? false);
    if (fault) errors.push({ code: 'RULE', rule: 'BUNDLE', message: fault, path: ['bundle'] });
  }
  const classes = classesOf(input);
  if (errors.length > 0) return { userErrors: errors };
  if (client.agency !== 'LA') {
    const { rows } = await tx.execute<{ held: boolean }>(
      sql`select fsp.holds_own(${family}::bigint, ${person}::bigint, ${words(classes)}) as held`,
    );
    if (!rows[0]?.held)
      return {
        userErrors: [
          {
            code: 'RULE',
            rule: 'DECIDES',
            message: 'You decide on rows of your own: of these classes you have none here.',
            path: ['classes'],
          },
        ],
      };
  }
  const made = await tx.execute<{ id: string }>(sql`select fsp.decide(${family}::bigint, ${person}::bigint, ${words(classes)},
    ${input.effect}::text, ${input.bundle ?? null}::text, ${recipient?.key ?? null}::integer, ${input.agency ?? null}::text,
    ${input.gateway}::text, ${input.harm ?? null}::text, ${input.told}::text, ${input.reason}::text, ${client.user}::text,
    ${client.userName ?? client.id}::text, ${input.from ?? now.toISOString()}::timestamptz, ${input.until ?? null}::timestamptz,
    ${AGREEMENT_VERSION}::text) as id`);
  return {
    change: {
      action: 'recordSharingDecision',
      entity: 'SharingDecision',
      id: Number(made.rows[0]?.id),
      family,
      persons: person === null ? [] : [person],
      dataClasses: ['SHARING'],
    },
  };
};

export const withdrawSharingDecision: Command = async (tx, raw, client) => {
  const input = raw as unknown as Given<WithdrawSharingDecisionInput>;
  const row = await visibleRow(tx, sharingDecision, keyOf('SharingDecision', input.decision), client);
  if (!row) return { userErrors: [notFound('decision', 'decision')] };
  if (input.reason.trim() === '' || input.reason.length > LONGEST.reason)
    return { userErrors: [{ code: 'INVALID', message: `Must have 1 to ${LONGEST.reason} characters.`, path: ['reason'] }] };
  const { rows } = await tx.execute<{ ended: boolean }>(
    sql`select fsp.withdraw_decision(${row.id}::bigint, ${input.reason}::text, ${client.userName ?? client.id}::text) as ended`,
  );
  if (!rows[0]?.ended) return { userErrors: [notFound('decision of yours that stands', 'decision')] };
  return {
    change: {
      action: 'withdrawSharingDecision',
      entity: 'SharingDecision',
      id: row.id,
      family: row.family,
      persons: row.person === null ? [] : [row.person],
      dataClasses: ['SHARING'],
    },
  };
};

export const recordDisclosureElsewhere: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<RecordDisclosureElsewhereInput>;
  const errors = checkDisclosureElsewhere(input, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const person = await memberOf(tx, family, input.person, client);
  if (input.person && person === null) errors.push(notFound('member of this family', 'person'));
  errors.push(...(await checkCodes(tx, input.on, [{ list: 'sharing-gateway', value: input.gateway, path: ['gateway'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const [made] = await tx
    .insert(disclosureElsewhere)
    .values({
      family,
      person,
      controller: client.organisation.id,
      worker: client.user,
      recipient: input.recipient,
      dataClasses: [...input.classes],
      gateway: input.gateway,
      what: input.what,
      reason: input.reason,
      disclosedOn: input.on,
      disclosedBy: client.userName ?? client.id,
    })
    .returning({ id: disclosureElsewhere.id });
  return {
    change: {
      action: 'recordDisclosureElsewhere',
      entity: 'DisclosureElsewhere',
      id: (made as { id: number }).id,
      family,
      persons: person === null ? [] : [person],
      dataClasses: ['SHARING'],
    },
  };
};
