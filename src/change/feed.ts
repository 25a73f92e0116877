/**
 * Where a reader of the change feed stands, and what comes next. The gate's login answers with types and keys (`src/access/feed.sql`);
 * the compiler reads each of them on the organisation's own login, under the reader's rights of today (`src/read/feed.ts`).
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { AGREEMENT_VERSION } from '../access/agreement.ts';
import type { Client } from '../access/client.ts';
import { requestMasks } from '../access/decide.ts';
import type { Gate } from '../access/gate.ts';
import { databaseError } from '../db/pools.ts';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { cursorKey } from '../read/ids.ts';

/**
 * The parts of the way. First what is there, family by family; then what the reader was shown in an earlier
 * reading and may not keep; from then on what changes.
 */
const PHASES = ['families', 'before', 'log'] as const;

type Phase = (typeof PHASES)[number];

type Place = {
  phase: Phase;
  /** Family (of `families`), or the change's number within its transaction (of `log`). */
  at: number;
  /** The change's transaction. */
  xid: string;
  type: string;
  key: number;
  /** The transaction that was the first under way when the reading began: what it and later ones change is told afterwards. */
  begun: string;
  /** How far the reader knows what is gone. */
  since: string;
};

/** A place as a cursor holds it: its parts in order, behind what the reader's rights were. */
type Sealed = [rights: string, ...Place[keyof Place][]];

/** What may be told next: whether the reader sees it is for the statement to say. */
export type Candidate = {
  n: number;
  cursor: string;
  at: string | null;
  type: string;
  key: string;
  /** To be told as gone where the reader does not see it. */
  gone: boolean;
  /** Only then: that it is there was told already. */
  quiet: boolean;
  family: number | null;
};

/** A client as a reader, and when it began to read: the first transaction under way, and the first that had not begun. */
export type FeedReader = { reader: string; horizon: string; next: string };

export type FeedPage = FeedReader & {
  candidates: Candidate[];
  cursor: string;
  more: boolean;
  /** It could not be gone on from the cursor: what there is comes again. */
  anew: boolean;
};

/** Of a page's candidates: those that are there for the reader, and the last that a full page came to; null: it is not full. */
export type FeedShown = { there: ReadonlySet<number>; last: number | null };

/**
 * What a root of the feed asks.
 *
 * - `types`: GraphQL types in the order of their names.
 * - `open`: those of which the reader may see rows at all; all, where it is not said.
 * - `first`: how many candidates.
 */
export type FeedAsked = { field: string; types: readonly string[]; open?: readonly string[]; after: string | null; first: number };

export type Feed = {
  /**
   * The next page's candidates. It may come short though there is `more`: families that have nothing of the types are gone through in parts.
   *
   * @throws PublicError BAD_CURSOR for a foreign or altered cursor.
   */
  next(client: Client, asked: FeedAsked): Promise<FeedPage>;
  /** A cursor for who is told of nothing but what changes from now on, or from a transaction (the oldest that was under way). */
  fromNow(client: Client, asked: Omit<FeedAsked, 'after' | 'first' | 'open'>, begun?: string): Promise<string>;
  /** Which reader a client is: asked before what is noted for it is read. */
  reader(client: Client): Promise<FeedReader>;
  /** Notes what of a page is shown, and what is told as gone, by their numbers: before the answer leaves. */
  noted(page: FeedPage, shown: FeedShown): Promise<void>;
};

type Row = { a?: number; x?: string; e?: number; f?: number | null; t: string; k: number; g?: boolean; at?: string };

/** Asks for the one value `j` of a statement of the feed. @throws PublicError */
export const askingFeed =
  (gate: Pick<Gate, 'ask'>) =>
  async <T>(sql: string, parameters: string[]): Promise<T> => {
    const rows = await gate.ask(sql, parameters).catch((error) => {
      throw databaseError(error);
    });
    return rows[0]?.j as T;
  };

/**
 * Whether it can be gone on from a transaction: what changed after it is kept. One from beyond the last is of another database than
 * this one was restored from.
 */
export const isKept = (xid: string, { next, swept }: { next: string; swept: string }): boolean =>
  BigInt(xid) > BigInt(swept) && BigInt(xid) <= BigInt(next);

/** @param secret of cursors: a client's cannot be read, altered, or used by another. */
export function createFeed(gate: Pick<Gate, 'ask'>, secret: Buffer): Feed {
  const ask = askingFeed(gate);
  /** How places of a client are sealed, under the rights that it has. */
  const sealing = (client: Client, { field, types }: Omit<FeedAsked, 'after' | 'first' | 'open'>) => {
    const key = feedKey(secret, client);
    const rights = createHash('sha256')
      .update(JSON.stringify([client.planKey, AGREEMENT_VERSION, field, types]))
      .digest('base64url')
      .slice(0, 12);
    return { key, rights, seal: (place: Place) => sealed(key, [rights, ...partsOf(place)]) };
  };
  const open = (client: Client) =>
    ask<{ reader: number; horizon: string; next: string; swept: string }>('select fsp.feed_open($1::text, $2::text) as j', [
      client.id,
      client.purpose,
    ]);
  return {
    async fromNow(client, asked, begun) {
      const at = begun ?? (await open(client)).horizon;
      return sealing(client, asked).seal({ phase: 'log', at: 0, xid: at, type: '', key: 0, begun: at, since: at });
    },
    reader: async (client) => {
      const { reader, horizon, next } = await open(client);
      return { reader: String(reader), horizon, next };
    },
    async next(client, { field, types, open: openTypes = types, after, first }) {
      const { key, rights, seal } = sealing(client, { field, types });
      const given = after === null ? null : opened(key, after);
      await ask('select fsp.feed_clock()::text as j', []);
      const { reader, horizon, next, swept } = await open(client);
      let place = goOn(given, rights, { horizon, next, swept });
      const anew = place !== given?.place;
      const { all, own } = requestMasks({ ...client, copies: true });
      const mask = String(all | own);
      const login = String(client.login.id);
      const of = `{${types.join(',')}}`;
      const ofOpen = `{${openTypes.join(',')}}`;
      const candidates: Candidate[] = [];
      let more = true;
      const take = (rows: Row[], make: (row: Row) => Place, quiet: boolean) => {
        for (const row of rows) {
          place = make(row);
          candidates.push({
            n: candidates.length,
            cursor: seal(place),
            at: row.at ?? null,
            type: row.t,
            key: String(row.k),
            gone: row.g ?? false,
            quiet,
            family: row.f ?? null,
          });
        }
      };
      while (candidates.length < first) {
        const wanted = String(first - candidates.length);
        const { at, xid, type, key: last, begun, since } = place;
        if (place.phase === 'log') {
          const found = await ask<{ rows: Row[]; more: boolean; x?: string; e?: number }>(
            'select fsp.feed_log($1::bigint, $2::bigint, $3::text[], $4::xid8, $5::bigint, $6::text, $7::bigint, $8::integer, $9::text[], $10::bigint) as j',
            [login, String(reader), of, xid, String(at), type, String(last), wanted, ofOpen, mask],
          );
          take(found.rows, (row) => ({ ...place, at: row.e ?? 0, xid: row.x ?? xid, type: row.t, key: row.k }), false);
          if (found.x !== undefined) place = { ...place, xid: found.x, at: found.e ?? 0, type: '', key: 0 };
          more = found.more;
          break;
        }
        if (place.phase === 'families') {
          const found = await ask<{ rows: Row[]; a: number | null }>(
            'select fsp.feed_families($1::bigint, $2::text[], $3::bigint, $4::text, $5::bigint, $6::integer, $7::integer) as j',
            [login, ofOpen, String(at), type, String(last), wanted, String(LIMITS.feedFamilies)],
          );
          take(found.rows, (row) => ({ ...place, at: row.a ?? 0, type: row.t, key: row.k }), false);
          if (found.a) {
            place = { ...place, at: found.a, type: '', key: 0 };
            break;
          }
        } else {
          const rows = await ask<Row[]>(
            'select fsp.feed_before($1::bigint, $2::text[], $3::xid8, $4::xid8, $5::text, $6::bigint, $7::integer) as j',
            [String(reader), of, begun, since, type, String(last), wanted],
          );
          take(rows, (row) => ({ ...place, type: row.t, key: row.k }), true);
        }
        if (candidates.length < first) {
          const phase = PHASES[PHASES.indexOf(place.phase) + 1] as Phase;
          place = { ...place, phase, at: 0, xid: begun, type: '', key: 0 };
        }
      }
      return { reader: String(reader), horizon, next, candidates, cursor: seal(place), more, anew };
    },
    async noted({ reader, horizon, next, candidates }, { there: shown, last }) {
      const named = (of: Candidate[]) => JSON.stringify(of.map(({ type, key, family }) => ({ t: type, k: key, f: family })));
      const gone = candidates.filter(({ n, gone }) => gone && (last === null || n <= last) && !shown.has(n));
      const there = candidates.filter(({ n }) => shown.has(n));
      if (gone.length + there.length === 0) return;
      await ask('select fsp.feed_noted($1::bigint, $2::text::jsonb, $3::text::jsonb, $4::xid8, $5::xid8)::text as j', [
        reader,
        named(there),
        named(gone),
        horizon,
        next,
      ]);
    },
  };
}

/**
 * Where to go on. From the beginning: without a cursor, under other rights, or where the changes are no longer kept; then it is told
 * as well what is gone of what was shown before.
 */
function goOn(
  given: { rights: string; place: Place } | null,
  rights: string,
  now: { horizon: string; next: string; swept: string },
): Place {
  if (given) {
    const { place } = given;
    const reached = place.phase === 'log' ? place.xid : place.begun;
    if (given.rights === rights && isKept(reached, now)) return place;
  }
  const since = given === null ? '0' : given.place.phase === 'log' ? given.place.xid : given.place.since;
  return { phase: 'families', at: 0, xid: '0', type: '', key: 0, begun: now.horizon, since };
}

const partsOf = ({ phase, at, xid, type, key, begun, since }: Place) => [phase, at, xid, type, key, begun, since];

/** What is sealed is as long as this: its length would tell of the row that a cursor stands at. */
const SEALED = 256;

/** AES-256-GCM (NIST SP 800-38D) with 12 random bytes before it and 16 of proof behind: it shows nothing of how much happens here. */
export function sealed(key: Buffer, parts: Sealed | unknown[]): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const text = Buffer.concat([cipher.update(JSON.stringify(parts).padEnd(SEALED), 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url');
}

/** What a cursor holds. @throws PublicError BAD_CURSOR for a foreign or altered one. */
export function unsealed(key: Buffer, cursor: string): unknown[] {
  try {
    if (!/^[A-Za-z0-9_-]{40,600}$/.test(cursor)) throw new Error('not of its form');
    const bytes = Buffer.from(cursor, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(-16));
    return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')) as unknown[];
  } catch {
    throw new PublicError('BAD_CURSOR');
  }
}

/** @throws PublicError BAD_CURSOR */
function opened(key: Buffer, cursor: string): { rights: string; place: Place } {
  const [rights, phase, at, xid, type, last, begun, since] = unsealed(key, cursor) as [
    string,
    Phase,
    number,
    string,
    string,
    number,
    string,
    string,
  ];
  return { rights, place: { phase, at, xid, type, key: last, begun, since } };
}

/** The key of a client's cursors of the feed. */
const feedKey = (secret: Buffer, client: Client): Buffer => cursorKey(secret, client.id, `feed ${client.purpose}`);

/** How far a reader of the feed has come: the last of the changes that it need not be told. @throws PublicError BAD_CURSOR */
export function reached(secret: Buffer, client: Client, cursor: string): { xid: string; id: number } {
  const { place } = opened(feedKey(secret, client), cursor);
  // The change that a page ended within may not be told whole.
  return place.phase === 'log' ? { xid: place.xid, id: place.at - 1 } : { xid: place.begun, id: 0 };
}
