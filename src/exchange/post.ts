/**
 * Sends JSON to an address that somebody else wrote down, by the same rules as feeds are fetched: over HTTPS, to public addresses (the one
 * that was looked up is the one that is connected to), and to what the operator has named. No redirect is followed.
 */
import http from 'node:http';
import https from 'node:https';
import { LIMITS } from '../limits.ts';
import { checkAddress, FeedError, isNamed, publicOnly } from './open-referral/fetch.ts';

/** What is wrong with an address, in words; null: nothing. */
export function addressFault(address: string, named: readonly string[]): string | null {
  if (address.length > 500) return 'An address has at most 500 characters.';
  try {
    checkAddress(address, named);
    return null;
  } catch (error) {
    if (!(error instanceof FeedError)) throw error;
    return 'A webhook goes to a public address over HTTPS, which has no user and no password; the operator names others in WEBHOOK_HOSTS.';
  }
}

/** What became of it. `status` null: there was no whole answer, and `fault` says why. `wait`: seconds that the receiver asks to wait. */
export type Posted = { status: number | null; fault: string | null; wait: number | null };

const failed = (fault: string): Posted => ({ status: null, fault, wait: null });

/** @param seconds from the first byte sent to the last one read. */
export function postJson(
  address: string,
  headers: Record<string, string>,
  body: string,
  { named, seconds }: { named: readonly string[]; seconds: number },
): Promise<Posted> {
  if (addressFault(address, named) !== null) return Promise.resolve(failed('NOT_ALLOWED'));
  const url = new URL(address);
  return new Promise((done) => {
    const client = url.protocol === 'https:' ? https : http;
    const end = (posted: Posted) => {
      clearTimeout(late);
      done(posted);
      request.destroy();
    };
    const request = client.request(
      url,
      {
        method: 'POST',
        agent: false,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'family-solutions-plus webhooks',
        },
        ...(isNamed(url, named) ? {} : { lookup: publicOnly }),
      },
      (response) => {
        const { statusCode: status = 0, headers: answered } = response;
        const asked = Number(answered['retry-after']);
        const whole = (): void =>
          end({
            status,
            fault: status >= 200 && status < 300 ? null : `ANSWERED_${status}`,
            wait: Number.isFinite(asked) && asked > 0 ? Math.min(asked, LIMITS.webhookPauseSeconds) : null,
          });
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > LIMITS.webhookAnswerBytes) whole();
        });
        response.on('end', () => (response.complete ? whole() : end(failed('BROKEN_OFF'))));
        response.on('error', () => end(failed('BROKEN_OFF')));
      },
    );
    const late = setTimeout(() => end(failed('TOO_LATE')), seconds * 1000);
    request.on('error', (error) => end(failed(error instanceof FeedError ? 'NOT_ALLOWED' : 'NOT_REACHED')));
    request.end(body);
  });
}
