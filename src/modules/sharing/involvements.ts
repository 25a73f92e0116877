/** Who works with a family. */
import { eq, sql } from 'drizzle-orm';
import { AT_RISK, type Stage } from '../../access/agreement.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { familyVisible, keyOf, notFound } from '../../change/visible.ts';
import type { EndInvolvementInput, OpenInvolvementInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { familyStage, involvement } from '../family/tables.ts';
import { agencyOf, maySayWho, memberOf } from './named.ts';
import { checkInvolvement } from './rules.ts';

type Given<T> = Omit<T, 'idempotencyKey'>;

export const openInvolvement: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<OpenInvolvementInput>;
  const family = keyOf('Family', input.family);
  const seen = family !== null && (await familyVisible(tx, family, client));
  const [stage] = seen ? await tx.select().from(familyStage).where(eq(familyStage.family, family)) : [];
  const organisation = await agencyOf(tx, input.organisation);
  const atRisk = AT_RISK.includes((stage?.stage ?? 'EARLY_HELP') as Stage) || stage?.marac === true;
  const errors = checkInvolvement(input, organisation?.agency ?? null, atRisk, now);
  if (!seen) return { userErrors: [...errors, notFound('family', 'family')] };
  if (!organisation) errors.push(notFound('organisation', 'organisation'));
  const person = await memberOf(tx, family, input.person, client);
  if (input.person && person === null) errors.push(notFound('member of this family', 'person'));
  else if (!(await maySayWho(tx, client, family, person)))
    errors.push({
      code: 'RULE',
      rule: 'WHEREABOUTS_PROTECTED',
      message: 'Where this person is, is protected: who else works with them is said by who is named with them, or by a manager.',
      path: ['person'],
    });
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'involvement-role', value: input.role, path: ['role'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const made = await tx.execute<{ id: string }>(sql`select fsp.open_involvement(${family}::bigint, ${person}::bigint,
    ${organisation?.key ?? null}::integer, ${input.role}::text, ${input.practitioner ?? null}::text, ${input.user ?? null}::text,
    ${input.lead ?? false}::boolean, ${input.agreed ?? false}::boolean, ${now.toISOString()}::timestamptz,
    ${input.until ?? null}::timestamptz) as id`);
  return {
    change: {
      action: 'openInvolvement',
      entity: 'Involvement',
      id: Number(made.rows[0]?.id),
      family,
      persons: person === null ? [] : [person],
      dataClasses: ['INVOLVEMENT'],
    },
  };
};

export const endInvolvement: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Given<EndInvolvementInput>;
  const key = keyOf('Involvement', input.involvement);
  const at = input.at ?? now.toISOString();
  if (new Date(at).getTime() < now.getTime() - 5 * 60_000)
    return { userErrors: [{ code: 'INVALID', message: 'Must not be in the past: what was seen was seen.', path: ['at'] }] };
  // As far as the organisation may read it: whom it is with.
  const [of] = key === null ? [] : await tx.select().from(involvement).where(eq(involvement.id, key));
  if (of && !(await maySayWho(tx, client, of.family, of.person)))
    return { userErrors: [notFound('involvement that would last longer', 'involvement')] };
  const { rows } = await tx.execute<{ family: string | null }>(
    sql`select fsp.end_involvement(${key}::bigint, ${at}::timestamptz) as family`,
  );
  const family = rows[0]?.family ?? null;
  // Refused, and so undone, where the family is hidden from this very user.
  if (key === null || family === null || !(await familyVisible(tx, Number(family), client)))
    return { userErrors: [notFound('involvement that would last longer', 'involvement')] };
  return {
    change: { action: 'endInvolvement', entity: 'Involvement', id: key, family: Number(family), persons: [], dataClasses: ['INVOLVEMENT'] },
  };
};
