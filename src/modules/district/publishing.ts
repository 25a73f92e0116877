/** Publishing services: where an organisation's feed is, and services pushed into it. */
import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { notFound } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { checkAddress, FeedError } from '../../exchange/open-referral/fetch.ts';
import { type Ask, beginRun, endRun, note, publish } from '../../exchange/open-referral/publish.ts';
import type { PublishServicesInput, RegisterServiceFeedInput } from '../../graphql/generated.ts';
import { LIMITS } from '../../limits.ts';
import { serviceFeed } from './directory.ts';
import { district } from './tables.ts';

/** Statements of the directory's functions, inside the command's transaction. */
const asking =
  (tx: Transaction): Ask =>
  async (text, values) => {
    const parts = text.split(/\$(\d+)/).map((part, i): SQL => (i % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1])}`));
    const { rows } = await tx.execute(sql.join(parts));
    return rows[0] as Record<string, unknown> | undefined;
  };

const CODE = /^[a-z][a-z0-9-]{1,59}$/;

export const registerServiceFeed: Command = async (tx, raw, client) => {
  const input = raw as unknown as RegisterServiceFeedInput;
  const { errors, invalid } = faults();
  if (!CODE.test(input.code)) invalid('A code has 2 to 60 of a-z, 0-9 and -, and begins with a letter.', 'code');
  if (input.url) {
    try {
      // Who stands inside the network is the operator's to name.
      if (input.url.length > 500) throw new FeedError('An address has at most 500 characters.');
      checkAddress(input.url, []);
    } catch (error) {
      if (!(error instanceof FeedError)) throw error;
      invalid(error.message, 'url');
    }
  }
  if (input.district) {
    const found = await tx.select().from(district).where(eq(district.code, input.district));
    if (found.length === 0) errors.push(notFound('district', 'district'));
  }
  if (errors.length > 0) return { userErrors: errors };
  const made = await asking(tx)('select fsp.register_service_feed($1, $2, $3, $4) as id', [
    input.code,
    client.organisation.id,
    input.district ?? null,
    input.url ?? null,
  ]);
  const id = made?.id as number | null | undefined;
  if (id === null || id === undefined) {
    return { userErrors: [{ code: 'CONFLICT', message: 'The code, or the address, is that of another feed.', path: ['code'] }] };
  }
  return { change: { action: 'registerServiceFeed', entity: 'ServiceFeed', id, family: null, persons: [], dataClasses: ['DIRECTORY'] } };
};

/** A text as JSON; what is none is no service, and its line says so. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const publishServices: Command = async (tx, raw, client) => {
  const input = raw as unknown as PublishServicesInput;
  const { errors, list } = faults();
  list(input.services, LIMITS.listItems, 'services');
  list(input.withdraw, LIMITS.listItems, 'withdraw');
  if (errors.length > 0) return { userErrors: errors };
  const [feed] = await tx
    .select()
    .from(serviceFeed)
    .where(and(eq(serviceFeed.code, input.feed), eq(serviceFeed.organisation, client.organisation.id), eq(serviceFeed.enabled, true)));
  if (!feed) return { userErrors: [notFound('feed', 'feed')] };
  const ask = asking(tx);
  const run = await beginRun(ask, feed);
  const lines = await publish(ask, feed, run, input.services.map(parsed), new Set(), 1);
  await note(ask, run, lines, true);
  const withdrawn = (input.withdraw ?? []).filter((id): id is string => typeof id === 'string');
  if (withdrawn.length > 0) await ask('select fsp.retire_services($1, $2)', [run, withdrawn]);
  await endRun(ask, run, input.complete === true, null);
  return { change: { action: 'publishServices', entity: 'ServiceRun', id: run, family: null, persons: [], dataClasses: ['DIRECTORY'] } };
};
