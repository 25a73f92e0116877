/** Putting a person's statement beside a fact, and a dissent beside a decision. */
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { DISPUTABLE } from '../../access/disputable.ts';
import { typeOfTable } from '../../access/retractable.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { membersNamed, one } from '../../change/members.ts';
import { keyOf, notFound, visibleRow } from '../../change/visible.ts';
import { classifiedTables } from '../../db/classified.ts';
import type { DisputeFactInput, RecordDisagreementInput } from '../../graphql/generated.ts';
import { decodeId } from '../../read/ids.ts';
import { today } from '../clock/calendar.ts';
import { decision } from '../meeting/tables.ts';
import { disagreement, dispute } from './tables.ts';

type Fact = PgTable & { id: PgColumn };

/** What can be disputed, by its GraphQL type. */
const facts = (): Map<string, Fact> =>
  new Map(
    classifiedTables()
      .filter(({ name }) => Object.hasOwn(DISPUTABLE, name))
      .map(({ name, table }) => [typeOfTable(name), table as Fact]),
  );

export const disputeFact: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<DisputeFactInput, 'idempotencyKey'>;
  const { errors, text, past } = faults();
  text(input.statement, 10_000, 'statement');
  past(input.on, now, 'on');
  errors.push(...(await checkCodes(tx, today(now), [{ list: 'voice-medium', value: input.how, path: ['how'] }])));
  const { type } = decodeId(input.subject);
  const table = facts().get(type);
  const row = table
    ? ((await visibleRow(tx, table, keyOf(type, input.subject), client)) as {
        id: number;
        family: number | null;
        person?: number | null;
      } | null)
    : null;
  if (!row || row.family === null) return { userErrors: [...errors, notFound('fact that can be disputed', 'subject')] };
  const speaker = (await membersNamed(tx, row.family, one('person', input.person), errors)).get(input.person);
  if (errors.length > 0 || speaker === undefined) return { userErrors: errors };
  const [made] = await tx
    .insert(dispute)
    .values({
      family: row.family,
      person: row.person ?? null,
      speaker,
      controller: client.organisation.id,
      holder: client.organisation.id,
      subjectType: type,
      subjectId: row.id,
      statement: input.statement,
      how: input.how,
      saidOn: input.on,
      recordedBy: client.userName ?? client.id,
    })
    .returning({ id: dispute.id });
  const id = (made as { id: number }).id;
  return {
    change: { action: 'disputeFact', entity: 'Dispute', id, family: row.family, persons: [speaker], dataClasses: ['IDENTITY'] },
  };
};

export const recordDisagreement: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<RecordDisagreementInput, 'idempotencyKey'>;
  const { errors, text } = faults();
  text(input.role, 200, 'role');
  text(input.reason, 10_000, 'reason');
  text(input.wanted, 10_000, 'wanted');
  const row = await visibleRow(tx, decision, keyOf('Decision', input.decision), client);
  if (!row) return { userErrors: [...errors, notFound('decision', 'decision')] };
  if (errors.length > 0) return { userErrors: errors };
  const { family, person, keptFrom } = row;
  const [made] = await tx
    .insert(disagreement)
    .values({
      family,
      person,
      keptFrom,
      controller: client.organisation.id,
      worker: client.user,
      decision: row.id,
      by: client.userName ?? client.id,
      role: input.role,
      reason: input.reason,
      wanted: input.wanted ?? null,
      saidOn: today(now),
    })
    .returning({ id: disagreement.id });
  const id = (made as { id: number }).id;
  const persons = person === null ? [] : [person];
  return { change: { action: 'recordDisagreement', entity: 'Disagreement', id, family, persons, dataClasses: ['ASSESSMENT'] } };
};
