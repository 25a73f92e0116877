/** Registering webhooks, and what is done with what could not be delivered. The functions see to it that each is the organisation's own. */
import { type SQL, sql } from 'drizzle-orm';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { addressFault } from '../../exchange/post.ts';
import type {
  CreateWebhookInput,
  DeleteWebhookInput,
  ReplayDeadLettersInput,
  RotateWebhookSecretInput,
  UpdateWebhookInput,
} from '../../graphql/generated.ts';
import { LIMITS } from '../../limits.ts';

const unknown = (): { userErrors: UserError[] } => ({ userErrors: [notFound('webhook', 'webhook')] });

/** What a function says, of a webhook that is the caller's; null or false: it is none of theirs. */
async function asked(tx: Transaction, call: SQL): Promise<unknown> {
  const { rows } = await tx.execute(sql`select ${call} as done`);
  return (rows[0] as { done: unknown }).done;
}

const wrote = (action: string, id: number) => ({
  change: { action, entity: 'Webhook', id, family: null, persons: [], dataClasses: ['OPERATION' as const] },
});

/** A list of types as PostgreSQL reads it, each once. */
const typesOf = (types: readonly string[] | null | undefined) => (types ? `{${[...new Set(types)].toSorted().join(',')}}` : null);

/** Who stands inside the network is the operator's to name: an address of theirs is taken by its name, over HTTPS, and looked at when it is asked. */
function checkUrl(url: string | null | undefined, invalid: ReturnType<typeof faults>['invalid']): void {
  const fault = url === null || url === undefined ? null : addressFault(url, []);
  if (fault) invalid(fault, 'url');
}

export const createWebhook: Command = async (tx, raw, client) => {
  const input = raw as unknown as CreateWebhookInput;
  const { errors, invalid } = faults();
  checkUrl(input.url, invalid);
  if (errors.length > 0) return { userErrors: errors };
  const made = await asked(
    tx,
    sql`fsp.create_webhook(${client.organisation.id}, ${input.client}, ${input.purpose}, ${input.url}, ${typesOf(input.types)}::text[])`,
  );
  if (made === null) {
    const message = `Your organisation has no such client with this purpose, or ${LIMITS.webhooks} webhooks already.`;
    return { userErrors: [{ code: 'INVALID', message, path: ['client'] }] };
  }
  return wrote('createWebhook', Number(made));
};

export const updateWebhook: Command = async (tx, raw) => {
  const { webhook, url, types, enabled } = raw as unknown as UpdateWebhookInput;
  const { errors, invalid } = faults();
  checkUrl(url, invalid);
  if (errors.length > 0) return { userErrors: errors };
  const id = keyOf('Webhook', webhook);
  const done =
    id !== null && (await asked(tx, sql`fsp.change_webhook(${id}, ${url ?? null}, ${typesOf(types)}::text[], ${enabled ?? null})`));
  return done ? wrote('updateWebhook', id) : unknown();
};

export const rotateWebhookSecret: Command = async (tx, raw) => {
  const { webhook, overlapHours } = raw as unknown as RotateWebhookSecretInput;
  const { errors, invalid } = faults();
  const hours = overlapHours ?? 24;
  if (hours < 0 || hours > LIMITS.webhookOverlapHours) invalid(`From 0 to ${LIMITS.webhookOverlapHours} hours.`, 'overlapHours');
  if (errors.length > 0) return { userErrors: errors };
  const id = keyOf('Webhook', webhook);
  const done = id !== null && (await asked(tx, sql`fsp.rotate_webhook(${id}, ${hours})`));
  return done ? wrote('rotateWebhookSecret', id) : unknown();
};

export const deleteWebhook: Command = async (tx, raw) => {
  const id = keyOf('Webhook', (raw as unknown as DeleteWebhookInput).webhook);
  const done = id !== null && (await asked(tx, sql`fsp.delete_webhook(${id})`));
  return done ? wrote('deleteWebhook', id) : unknown();
};

export const replayDeadLetters: Command = async (tx, raw) => {
  const { webhook, letters } = raw as unknown as ReplayDeadLettersInput;
  const { errors, list } = faults();
  list(letters, LIMITS.listItems, 'letters');
  if (errors.length > 0) return { userErrors: errors };
  const id = keyOf('Webhook', webhook);
  const keys = letters?.map((letter) => keyOf('DeadLetter', letter)).filter((key) => key !== null);
  const done = id === null ? null : await asked(tx, sql`fsp.replay_dead_letters(${id}, ${keys ? `{${keys.join(',')}}` : null}::bigint[])`);
  return id !== null && done !== null ? wrote('replayDeadLetters', id) : unknown();
};
