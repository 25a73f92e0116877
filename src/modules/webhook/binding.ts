import { type Binding, byId, column, computed, one, page, type RootBinding } from '../../read/binding.ts';
import { webhook, webhookEvent } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'Webhook',
    anchor: webhook,
    id: 'id',
    fields: {
      client: column(webhook.client),
      purpose: column(webhook.purpose),
      url: column(webhook.url),
      types: column(webhook.types),
      enabled: column(webhook.enabled),
      fault: column(webhook.fault),
      registered: column(webhook.registeredAt),
      delivered: computed(webhook, (row) => `least(${row}.delivered, 2147483647)`, { type: 'integer' }),
      lastDelivered: column(webhook.deliveredAt),
      pausedUntil: computed(webhook, (row) => `case when ${row}.paused_until > now() then ${row}.paused_until end`, {
        type: 'timestamptz',
      }),
      previousSecretUntil: computed(webhook, (row) => `case when ${row}.previous_until > now() then ${row}.previous_until end`, {
        type: 'timestamptz',
      }),
      deadLetters: page('DeadLetter', 'webhook', 'id', byId),
    },
  },
  {
    type: 'DeadLetter',
    anchor: webhookEvent,
    id: 'id',
    fields: {
      webhook: one('Webhook', webhookEvent.webhook, 'id'),
      message: computed(webhookEvent, (row) => `${row}.message::text`),
      type: computed(webhookEvent, (row) => `nullif(upper(regexp_replace(${row}.type, '([a-z0-9])([A-Z])', '\\1_\\2', 'g')), '')`),
      attempts: column(webhookEvent.attempts),
      lastTried: column(webhookEvent.triedAt),
      status: column(webhookEvent.status),
      fault: column(webhookEvent.fault),
      died: column(webhookEvent.deadAt),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  webhooks: { kind: 'list', to: 'Webhook', order: byId, filters: {} },
};
