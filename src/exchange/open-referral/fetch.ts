/**
 * Fetches JSON from an address that somebody else wrote down. It goes to public addresses over HTTPS alone: what stands inside the
 * network is asked only where the operator has named it. The address that was checked is the one that is connected to.
 */
import { lookup as resolve } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { LIMITS } from '../../limits.ts';

export class FeedError extends Error {
  /** Whether it may go better at another time. */
  readonly again: boolean;
  /** Seconds that the feed asks to wait. */
  readonly wait: number | null;
  constructor(message: string, again = false, wait: number | null = null) {
    super(message);
    this.name = 'FeedError';
    this.again = again;
    this.wait = wait;
  }
}

/** Networks that are nobody's on the public internet (RFC 6890 and its registries). */
// Two lists: one alone would take each IPv4 address for its IPv6 form, which is not public.
const CLOSED = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  CLOSED.ipv4.addSubnet(net, bits, 'ipv4');
// Of IPv6 2000::/3 is public, without documentation and what wraps an IPv4 address (6to4, Teredo).
for (const [net, bits] of [
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  CLOSED.ipv6.addSubnet(net, bits, 'ipv6');

/** Whether an address is on the public internet. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  return family !== 0 && !CLOSED[kind].check(address, kind);
}

/** `host` or `host:port` as the operator has named it. */
export const isNamed = (url: URL, named: readonly string[]) => named.includes(url.hostname) || named.includes(url.host);

/** @throws FeedError for an address that is not asked. */
export function checkAddress(address: string, named: readonly string[]): URL {
  if (!URL.canParse(address)) throw new FeedError('The address of the feed is none.');
  const url = new URL(address);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isNamed(url, named))) throw new FeedError('A feed is asked over HTTPS.');
  if (url.username !== '' || url.password !== '') throw new FeedError('A feed is public: its address has no user and no password.');
  const literal = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0 && !isPublic(literal) && !isNamed(url, named))
    throw new FeedError('The address of the feed is not a public one.');
  return url;
}

/** Looks a name up, and gives public addresses only. */
export const publicOnly: LookupFunction = (name, options, done) => {
  resolve(name, { ...options, all: true }, (error, found) => {
    if (error) return done(error, '', 0);
    const open = found.filter(({ address }) => isPublic(address));
    if (open.length === 0) return done(new FeedError('The address of the feed is not a public one.'), '', 0);
    const [first] = open as [(typeof open)[number]];
    return options.all ? (done as (e: null, all: typeof open) => void)(null, open) : done(null, first.address, first.family);
  });
};

type Page = { status: number; headers: http.IncomingHttpHeaders; body: string };

/** One request, with a bound on its time and its bytes. */
function once(url: URL, named: readonly string[], seconds: number): Promise<Page> {
  return new Promise((done, failed) => {
    const client = url.protocol === 'https:' ? https : http;
    const request = client.request(
      url,
      {
        agent: false,
        headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'family-solutions-plus directory' },
        ...(isNamed(url, named) ? {} : { lookup: publicOnly }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > LIMITS.feedPageBytes) {
            request.destroy(new FeedError(`A page is longer than ${LIMITS.feedPageBytes.toLocaleString('en')} bytes.`));
          } else chunks.push(chunk);
        });
        response.on('end', () => {
          clearTimeout(late);
          if (!response.complete) return failed(new FeedError('A page was broken off.', true));
          return done({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') });
        });
        response.on('error', (error) => {
          clearTimeout(late);
          failed(error instanceof FeedError ? error : new FeedError('A page was broken off.', true));
        });
      },
    );
    // From the first byte sent to the last one read: a feed that drips is as late as one that says nothing.
    const late = setTimeout(() => request.destroy(new FeedError(`A page took longer than ${seconds} s.`, true)), seconds * 1000);
    request.on('error', (error) => {
      clearTimeout(late);
      failed(
        error instanceof FeedError
          ? error
          : new FeedError(`The feed cannot be reached (${(error as { code?: string }).code ?? 'no answer'}).`, true),
      );
    });
    request.end();
  });
}

async function followed(start: URL, named: readonly string[], seconds: number): Promise<Page> {
  let url = start;
  for (let hop = 0; ; hop++) {
    const page = await once(url, named, seconds);
    if (![301, 302, 303, 307, 308].includes(page.status)) return page;
    const { location } = page.headers;
    if (!location || !URL.canParse(location, url.href)) throw new FeedError('The feed leads nowhere.');
    if (hop >= LIMITS.feedRedirects) throw new FeedError('The feed leads on and on.');
    // Each step is checked as the first was; a feed outside does not lead to what stands inside.
    url = checkAddress(new URL(location, url).toString(), isNamed(start, named) ? named : []);
  }
}

/** How long to wait before the next try, in seconds; a test passes its own. */
export type Pause = (seconds: number) => Promise<void>;

const pauseFor: Pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000).unref());

export type FetchOptions = {
  /** Hosts (`name` or `name:port`) that may be inside the network, and be asked without TLS. */
  privateHosts?: readonly string[];
  pause?: Pause;
  /** In place of those of the table of limits. */
  seconds?: number;
  runSeconds?: number;
  pages?: number;
};

/**
 * Fetches a JSON document; tries again what may go better.
 *
 * @throws FeedError in words that are the operator's to read.
 */
export async function fetchJson(
  address: string,
  { privateHosts = [], pause = pauseFor, seconds = LIMITS.feedSeconds }: FetchOptions,
): Promise<unknown> {
  const url = checkAddress(address, privateHosts);
  for (let attempt = 1; ; attempt++) {
    try {
      const { status, headers, body } = await followed(url, privateHosts, seconds);
      if (status === 429 || status >= 500) {
        const asked = Number(headers['retry-after']);
        throw new FeedError(`The feed answers ${status}.`, true, Number.isFinite(asked) && asked > 0 ? Math.min(asked, 30) : null);
      }
      if (status !== 200) throw new FeedError(`The feed answers ${status}.`);
      try {
        return JSON.parse(body.replace(/^\uFEFF/, ''));
      } catch {
        throw new FeedError('The feed answers with what is not JSON.');
      }
    } catch (error) {
      if (!(error instanceof FeedError) || !error.again || attempt >= LIMITS.feedTries) throw error;
      await pause(error.wait ?? 4 ** (attempt - 1));
    }
  }
}
