/**
 * Delivers webhooks. A webhook is a place of the change feed that is kept here for a client: what may be told after it is put into a queue
 * in one transaction with the next place, and whether the client sees it is asked of the compiler when it is sent, at every try.
 * One server of those at a database delivers: whoever has the lock.
 */
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { standingClient } from '../access/authenticate.ts';
import type { Client } from '../access/client.ts';
import { FED_TYPES } from '../access/fed.ts';
import type { Gate } from '../access/gate.ts';
import type { DatabaseServer } from '../config.ts';
import { loginPassword, machineLogin } from '../db/logins.ts';
import { postJson } from '../exchange/post.ts';
import { enumName } from '../graphql/classes.ts';
import { LIMITS } from '../limits.ts';
import type { Candidate, Feed, FeedReader } from './feed.ts';
import { webhookHeaders, webhookSecret } from './standard-webhooks.ts';

/** One deliverer at a database. */
const LOCK = 7246337005;

/** Seconds until the next try, as Standard Webhooks recommends them; each is moved by up to a fifth, so that not all come at once. */
const WAITS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** Answers of who stands before a receiver that is not there, or cannot take more. */
const AWAY: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What is sent of a row: asked like any other document, by the client that is told. */
const DOCUMENT =
  'query Webhook($first: Int!, $types: [ChangeType!]) { changes(first: $first, types: $types) { nodes { cursor kind type id } } }';

export type WebhookOptions = {
  /** Hosts inside the network, `name` or `name:port`. */
  named: readonly string[];
  /** In place of those of the table of limits, and of the waits between tries. */
  seconds?: number;
  roundSeconds?: number;
  waits?: readonly number[];
};

type Webhook = {
  id: number;
  organisation: number;
  client: string;
  purpose: string;
  url: string;
  types: string[] | null;
  salt: string;
  generation: number;
  previous: boolean;
  begun: string;
  cursor: string | null;
  failures: number;
  waiting: number;
};

type Event = {
  id: number;
  message: string;
  type: string;
  key: number;
  family: number | null;
  gone: boolean;
  at: string;
  attempts: number;
};

type Told = { cursor: string; kind: 'CURRENT' | 'GONE'; type: string; id: string };

type Result = { e: number; sent: boolean; done: boolean; status?: number | null; fault?: string | null; wait?: number | null };

type Parts = {
  database: { server: DatabaseServer; loginSecret: string };
  gate: Gate;
  feed: Feed;
  /** Of some types those of which a client may see rows at all. */
  open(client: Client, types: readonly string[]): readonly string[];
  /** Asks a document as a client, with a feed of the caller's own. @returns the members of `data`; null where anything was refused, or failed. */
  ask(client: Client, document: string, variables: Record<string, unknown>, feed: Feed): Promise<Record<string, unknown> | null>;
  log(error: unknown, webhook: number | null): void;
  /** Told what became of an event: `delivered`, `failed`, `dead`, `dropped`. */
  told(outcome: string): void;
};

export type Deliverer = {
  /** Sends nothing more, when what is under way has been answered. */
  end(): Promise<void>;
};

const pause = (seconds: number, signal: AbortSignal) => setTimeout(seconds * 1000, undefined, { signal }).catch(() => {});

const jittered = (seconds: number) => seconds * (0.8 + Math.random() * 0.4);

/** Begins to deliver, as soon as no other server does. */
export function createDeliverer(parts: Parts, options: WebhookOptions): Deliverer {
  const { gate, feed, log } = parts;
  const { server, loginSecret } = parts.database;
  const waits = options.waits ?? WAITS;
  const stopping = new AbortController();
  const working = new Map<number, Promise<void>>();
  /** When the place of each was last written down. */
  const stood = new Map<number, number>();

  /** A connection that holds the lock: what is written of deliveries goes over it, so that who lost the lock writes nothing. */
  const holding = async () => {
    const user = machineLogin(server, 'gate');
    const holder = new pg.Client({
      host: server.host,
      port: server.port,
      database: server.database,
      user,
      password: loginPassword(loginSecret, user),
      ssl: server.tls,
      keepAlive: true,
    });
    // What ends it fails the next statement.
    holder.on('error', () => {});
    await holder.connect();
    // One statement after the other, for whichever webhook.
    let last: Promise<unknown> = Promise.resolve();
    const call = <T>(sql: string, parameters: unknown[] = []): Promise<T> => {
      const asked = last.then(async () => (await holder.query(`select ${sql} as j`, parameters)).rows[0].j as T);
      last = asked.catch(() => {});
      return asked;
    };
    return {
      call,
      end: () => holder.end().catch(() => {}),
    };
  };
  type Holder = Awaited<ReturnType<typeof holding>>;

  /**
   * Puts what the feed gives behind a webhook's place into its queue.
   *
   * @param open those of the types of which the client may see rows.
   * @returns the reader that the client is.
   */
  const queue = async (
    holder: Holder,
    webhook: Webhook,
    client: Client,
    types: readonly string[],
    open: readonly string[],
  ): Promise<FeedReader> => {
    const asked = { field: 'changes', types };
    const go = async (becomes: string, events: unknown[]) => {
      const { cursor } = webhook;
      const went = await holder.call<boolean>('fsp.webhook_queue($1, $2, $3, $4::jsonb)', [
        webhook.id,
        cursor,
        becomes,
        JSON.stringify(events),
      ]);
      if (!went) throw new Error('Somebody else has gone on.');
      webhook.cursor = becomes;
      webhook.waiting += events.length;
    };
    if (webhook.cursor === null) await go(await feed.fromNow(client, asked, webhook.begun), []);
    if (webhook.waiting >= LIMITS.webhookWaiting) return feed.reader(client);
    for (;;) {
      const page = await feed.next(client, { ...asked, open, after: webhook.cursor, first: LIMITS.first });
      if (page.anew) {
        // Its rights changed as a whole, or it stood still for too long: everything would be told again, which its own reading of the feed does.
        await go(await feed.fromNow(client, asked), [{ n: 0, t: '', k: 0, f: null, g: false, at: null }]);
        return page;
      }
      const events = page.candidates.map(({ n, type, key, family, gone, at }) => ({ n, t: type, k: Number(key), f: family, g: gone, at }));
      // Where nothing is told the place moves on now and then, not to look again through what others wrote.
      const moved = stood.get(webhook.id) ?? 0;
      if (events.length > 0 || page.more || performance.now() - moved > 30_000) {
        await go(page.cursor, events);
        stood.set(webhook.id, performance.now());
      }
      if (!page.more || webhook.waiting >= LIMITS.webhookWaiting || stopping.signal.aborted) return page;
    }
  };

  /** Which of these events may be told today, and how: by the message's id. */
  const tellable = async (
    webhook: Webhook,
    client: Client,
    types: readonly string[],
    { reader, horizon, next }: FeedReader,
    events: Event[],
  ): Promise<Map<string, Told> | null> => {
    const of = events.filter(({ type }) => types.includes(type));
    if (of.length === 0) return new Map();
    const candidates: Candidate[] = of.map(({ message, type, key, family, gone, at }, n) => ({
      n,
      cursor: message,
      at,
      type,
      key: String(key),
      gone,
      quiet: false,
      family,
    }));
    const waiting: Feed = { ...feed, next: async () => ({ reader, horizon, next, candidates, cursor: '', more: false, anew: false }) };
    const data = await parts.ask(client, DOCUMENT, { first: of.length, types: webhook.types }, waiting);
    const nodes = (data?.changes as { nodes: Told[] } | null | undefined)?.nodes;
    return nodes ? new Map(nodes.map((node) => [node.cursor, node])) : null;
  };

  /** Sends one event. @param told null: the feed begins anew. */
  const send = async (
    webhook: Webhook,
    { id: e, message, at, attempts }: Event,
    told: Told | null,
  ): Promise<Result & { hint: number | null }> => {
    const secrets = [webhook.generation, ...(webhook.previous ? [webhook.generation - 1] : [])].map((generation) =>
      webhookSecret(loginSecret, webhook.salt, generation),
    );
    const body = JSON.stringify(
      told
        ? { type: `change.${told.kind.toLowerCase()}`, timestamp: at, data: { type: told.type, id: told.id } }
        : { type: 'feed.anew', timestamp: at, data: {} },
    );
    const headers = webhookHeaders(`msg_${message}`, Math.floor(Date.now() / 1000), body, secrets);
    const { named, seconds = LIMITS.webhookSeconds } = options;
    const { status, fault, wait: hint } = await postJson(webhook.url, headers, body, { named, seconds });
    if (fault === null) return { e, sent: true, done: true, hint: null };
    const next = waits[attempts];
    return { e, sent: false, done: false, status, fault, wait: next === undefined ? null : jittered(next), hint };
  };

  /** Seconds until a webhook is tried again of which nothing got through. */
  const backOff = ({ failures }: Webhook) => jittered(Math.min((waits[0] ?? 5) * 2 ** Math.min(failures, 20), LIMITS.webhookPauseSeconds));

  /** Writes down what became of events. @param wait seconds until the next try of any. @param why it is disabled. */
  const sent = (holder: Holder, { id }: Webhook, results: Result[], wait: number | null, why: string | null): Promise<void> =>
    holder.call('fsp.webhook_sent($1, $2::jsonb, $3, $4)::text', [id, JSON.stringify(results), wait, why]);

  /** One round of a webhook: what is new, then what is due, until nothing is. */
  const work = async (holder: Holder, webhook: Webhook): Promise<void> => {
    while (!stopping.signal.aborted) {
      // Who it is, and what it may, is asked anew each time: who is disabled is sent nothing, and finds it waiting when enabled again.
      const client = await standingClient(gate, webhook.client, webhook.organisation, webhook.purpose, 'webhook');
      if (!client) return;
      const types = FED_TYPES.filter((type) => webhook.types === null || webhook.types.includes(enumName(type))).toSorted();
      const open = parts.open(client, types);
      const reader = await queue(holder, webhook, client, types, open);
      const most = webhook.failures > 0 ? 1 : LIMITS.webhookAtOnce;
      const events = await holder.call<Event[]>('fsp.webhook_next($1, $2)', [webhook.id, most]);
      if (events.length === 0 && open.length > 0) return;
      const telling = events.length > 0 ? await tellable(webhook, client, types, reader, events) : null;
      if (telling === null) {
        // It may read nothing of these types today, or its budget is spent: each asking would be on record for nothing.
        const refused: Result[] = [{ e: 0, sent: false, done: false, fault: 'REFUSED', wait: 0 }];
        return sent(holder, webhook, refused, backOff(webhook), null);
      }
      const results = await Promise.all(
        events.map(async (event): Promise<Result & { hint: number | null }> => {
          const told = telling.get(event.message) ?? null;
          return told || event.type === '' ? send(webhook, event, told) : { e: event.id, sent: false, done: true, hint: null };
        }),
      );
      for (const { sent, done, wait } of results) parts.told(sent ? 'delivered' : done ? 'dropped' : wait === null ? 'dead' : 'failed');
      const gone = results.some(({ status }) => status === 410);
      const got = results.some(({ sent }) => sent);
      // Where nobody is there, one event at a time asks whether the receiver is back. What it answers to one says nothing of the others.
      const away = !got && results.some(({ done, status = null }) => !done && (status === null || AWAY.has(status)));
      const wait = Math.max(away ? backOff(webhook) : 0, ...results.map(({ hint }) => hint ?? 0)) || null;
      await sent(holder, webhook, results, wait, gone ? 'ANSWERED_410' : null);
      if (wait !== null || gone) return;
      if (got) webhook.failures = 0;
      webhook.waiting = Math.max(0, webhook.waiting - results.filter(({ done }) => done).length);
    }
  };

  const round = async (holder: Holder) => {
    for (const webhook of await holder.call<Webhook[]>('fsp.webhooks_due()')) {
      if (working.has(webhook.id) || stopping.signal.aborted) continue;
      const worked = work(holder, webhook)
        .catch((error) => log(error, webhook.id))
        .finally(() => working.delete(webhook.id));
      working.set(webhook.id, worked);
    }
  };

  const run = async () => {
    const { roundSeconds = LIMITS.webhookRoundSeconds } = options;
    while (!stopping.signal.aborted) {
      let holder: Holder | null = null;
      try {
        holder = await holding();
        while (!stopping.signal.aborted && !(await holder.call<boolean>('pg_try_advisory_lock($1)', [LOCK])))
          await pause(5 * roundSeconds, stopping.signal);
        while (!stopping.signal.aborted) {
          await round(holder);
          await pause(roundSeconds, stopping.signal);
        }
      } catch (error) {
        // The connection was lost, and the lock with it.
        if (!stopping.signal.aborted) log(error, null);
        await pause(roundSeconds, stopping.signal);
      }
      await Promise.all(working.values());
      await holder?.end();
    }
  };
  const running = run();
  return {
    async end() {
      stopping.abort();
      await running;
    },
  };
}
