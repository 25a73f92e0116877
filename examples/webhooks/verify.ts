/** How a receiver of webhooks knows that a message is ours and new (Standard Webhooks: https://www.standardwebhooks.com). */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds by which the clocks may differ; an older message may be one that somebody has kept, and sends again. */
const TOLERANCE = 300;

/**
 * @param headers of the request, their names in lower case. @param body its bytes as they came: parsed and printed anew they are others.
 * @param secret `whsec_…`; while it is changed a receiver may know the old one or the new one. @param now seconds since 1970.
 * @returns the message's id: one that was seen before has nothing new.
 * @throws where it is not ours, or not new: answer 401, and do nothing.
 */
export function verify(headers: Record<string, string | undefined>, body: string, secret: string, now = Date.now() / 1000): string {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signatures } = headers;
  if (!id || !at || !signatures || !/^\d+$/.test(at)) throw new Error('It is not signed.');
  if (Math.abs(now - Number(at)) > TOLERANCE) throw new Error('It is too old.');
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest();
  const ours = signatures.split(' ').some((signature) => {
    const [version, value = ''] = signature.split(',');
    const given = Buffer.from(value, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
  if (!ours) throw new Error('It is not ours.');
  return id;
}
