/** Secrets and signatures after Standard Webhooks (https://www.standardwebhooks.com), version 1 of the symmetric scheme. */
import { createHmac } from 'node:crypto';

/**
 * The secret of a webhook, `whsec_` and 32 bytes in base64: made of the server's own secret, so that none stands in the database.
 *
 * @param salt of the webhook, drawn when it was registered. @param generation from 1, one more at each rotation.
 */
export function webhookSecret(secret: string, salt: string, generation: number): string {
  return `whsec_${createHmac('sha256', secret).update(`webhook:${salt}:${generation}`).digest('base64')}`;
}

/** A message's headers. @param secrets each signs; the newest first. @param at seconds since 1970. */
export function webhookHeaders(id: string, at: number, body: string, secrets: readonly string[]): Record<string, string> {
  const sign = (secret: string) =>
    `v1,${createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
      .update(`${id}.${at}.${body}`)
      .digest('base64')}`;
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': secrets.map(sign).join(' ') };
}
