/** What is done with access notices. */
import { sql } from 'drizzle-orm';
import { conflict } from '../../change/amend.ts';
import type { Command } from '../../change/command.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { AcknowledgeNoticeInput, DelayAccessNoticesInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { checkDelay } from './rules.ts';
import { accessNotice } from './tables.ts';

export const acknowledgeNotice: Command = async (tx, raw, client) => {
  const input = raw as unknown as AcknowledgeNoticeInput;
  const key = keyOf('AccessNotice', input.notice);
  const row = await visibleRow(tx, accessNotice, key, client);
  // The county reads the notices of its families; only whom one is for says that it was read.
  if (!row || row.addressee !== client.organisation.id || row.worker !== client.user)
    return { userErrors: [notFound('notice of yours', 'notice')] };
  const { rows } = await tx.execute<{ done: boolean }>(
    sql`select fsp.acknowledge_notice(${row.id}::bigint, ${client.user}::text, ${input.expectedVersion}::integer) as done`,
  );
  if (!rows[0]?.done) return { userErrors: [conflict(row.version)] };
  return {
    change: {
      action: 'acknowledgeNotice',
      entity: 'AccessNotice',
      id: row.id,
      family: row.family,
      persons: [],
      dataClasses: ['SHARING'],
    },
  };
};

export const delayAccessNotices: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as DelayAccessNoticesInput;
  const errors = checkDelay(input, today(now));
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  if (errors.length > 0) return { userErrors: errors };
  await tx.execute(
    sql`select fsp.delay_notices(${family}::bigint, (${input.until}::date + 1)::timestamp at time zone 'Europe/London', ${input.reason}::text, ${client.user ?? client.id}::text)`,
  );
  return {
    change: { action: 'delayAccessNotices', entity: 'Family', id: family, family, persons: [], dataClasses: ['SHARING'] },
  };
};
