/**
 * What subscriptions follow: the feed's changes, read once for all that are connected to this server. It tells that something of a
 * family, or between organisations, may have changed, in the feed's order and as far as no transaction is still under way; what of it
 * a subscriber sees is read anew, under its rights of then.
 */
import type { Client } from '../access/client.ts';
import type { Gate } from '../access/gate.ts';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { cursorKey } from '../read/ids.ts';
import { askingFeed, isKept, reached, sealed, unsealed } from './feed.ts';

/** The last change that was told, or that need not be. */
export type Place = { xid: string; id: number };

export type NewsChange = {
  place: Place;
  /** Whose rights changed, or for whom it came; 0: the row itself changed. */
  login: number;
  type: string;
  key: string;
  families: readonly string[];
  /** A Workbook entry that this transaction wrote first. */
  added: boolean;
};

/** Changes up to a place. `shared` holds what is read for them, so that those who ask the same have it read once. */
export type Batch = { changes: NewsChange[]; end: Place; more: boolean; held: boolean; shared: Map<string, Promise<unknown>> };

/** What somebody follows: a family, or what comes for a login. */
export type Following = { login: number; family: string | null };

export type Follower = {
  following(): Following;
  told(batch: Batch): void;
  /** It was not among those for whom the changes up to a place were read. */
  missed(end: Place): void;
};

export type News = {
  /** Where following begins. */
  now(): Promise<Place>;
  cursor(client: Client, place: Place): string;
  /** The place of a cursor: of a subscription, or of the feed. @throws PublicError BAD_CURSOR */
  placeOf(client: Client, cursor: string): Promise<Place>;
  /** What one follower missed. */
  read(after: Place, following: Following): Promise<Batch>;
  /** Tells a follower of every change from a place on. False: others are further than that already, it has to read up to there first. */
  join(follower: Follower, from: Place): boolean;
  leave(follower: Follower): void;
  end(): void;
};

type Answered = {
  rows: { x: string; e: number; l: number; t: string; k: string; f: string[]; a: boolean }[];
  more: boolean;
  x: string;
  e: number;
  held: boolean;
};

/** Whether one place is beyond another. */
export const isBeyond = (a: Place, b: Place): boolean => (a.xid !== b.xid ? BigInt(a.xid) > BigInt(b.xid) : a.id > b.id);

/** @param failed told when the changes could not be read; they are tried again. */
export function createNews(gate: Pick<Gate, 'ask' | 'listen'>, secret: Buffer, failed: (error: unknown) => void): News {
  const ask = askingFeed(gate);
  const read = async (after: Place, logins: number[], families: string[], inbox: boolean): Promise<Batch> => {
    const { rows, more, x, e, held } = await ask<Answered>(
      'select fsp.feed_news($1::xid8, $2::bigint, $3::bigint[], $4::bigint[], $5::text::boolean, $6::integer) as j',
      [after.xid, String(after.id), `{${logins}}`, `{${families}}`, String(inbox), String(LIMITS.newsRows)],
    );
    const shared = new Map<string, Promise<unknown>>();
    const changes = rows.map((row) => ({
      place: { xid: row.x, id: row.e },
      login: row.l,
      type: row.t,
      key: row.k,
      families: row.f,
      added: row.a,
    }));
    // What was read is let go of: who is slow reads anew, and is not shown what was open a while ago.
    if (changes.length > 0) setTimeout(() => shared.clear(), LIMITS.newsSharedSeconds * 1000).unref();
    return { changes, end: { xid: x, id: e }, more, held, shared };
  };
  const state = () => ask<{ horizon: string; next: string; swept: string }>('select fsp.feed_now() as j', []);
  const keyOf = (client: Client) => cursorKey(secret, client.id, `news ${client.purpose} ${client.user ?? ''}`);

  const followers = new Set<Follower>();
  /** How far everybody was told; null where nobody follows. */
  let place: Place | null = null;
  let running = false;
  let again = false;
  let ended = false;
  let held = 0;
  let later: NodeJS.Timeout | null = null;
  const soon = (milliseconds: number) => {
    later ??= setTimeout(() => {
      later = null;
      void follow();
    }, milliseconds).unref();
  };
  const follow = async (): Promise<void> => {
    again = true;
    if (running) return;
    running = true;
    try {
      while (again && !ended && place !== null) {
        again = false;
        const from: Place = place;
        const among = new Set(followers);
        const following = [...among].map((follower) => follower.following());
        const batch = await read(
          from,
          [...new Set(following.map(({ login }) => login))],
          [...new Set(following.flatMap(({ family }) => (family === null ? [] : [family])))],
          following.some(({ family }) => family === null),
        );
        // Everybody left meanwhile, and others may have come who are somewhere else.
        if (place !== from) {
          again = true;
          continue;
        }
        place = batch.end;
        for (const follower of followers) {
          if (among.has(follower)) follower.told(batch);
          else follower.missed(batch.end);
        }
        if (batch.more) again = true;
        held = batch.held ? held + 1 : 0;
        // Nothing is said when a transaction ends that wrote nothing.
        if (batch.held) soon(Math.min(1000, 20 * 2 ** Math.min(held, 6)));
      }
    } catch (error) {
      if (!ended) failed(error);
      soon(1000);
    } finally {
      running = false;
    }
  };
  gate.listen('fsp_feed', () => {
    if (followers.size > 0) void follow();
  });
  // Rights also end by the clock alone, which nobody says.
  const slow = setInterval(() => {
    if (followers.size > 0)
      void ask('select fsp.feed_clock()::text as j', [])
        .catch(failed)
        .then(() => follow());
  }, LIMITS.newsSeconds * 1000).unref();
  return {
    async now() {
      return { xid: (await state()).horizon, id: 0 };
    },
    cursor: (client, { xid, id }) => sealed(keyOf(client), [xid, id]),
    async placeOf(client, cursor) {
      const now = await state();
      let at: Place;
      try {
        const [xid, id] = unsealed(keyOf(client), cursor) as [string, number];
        at = { xid, id };
      } catch {
        at = reached(secret, client, cursor);
      }
      if (!isKept(at.xid, now))
        throw new PublicError('BAD_CURSOR', 'This cursor is too old to go on from: read what there is, and begin without one.');
      return at;
    },
    read: (after, { login, family }) => read(after, [login], family === null ? [] : [family], family === null),
    join(follower, from) {
      if (place === null) place = from;
      else if (isBeyond(place, from)) return false;
      followers.add(follower);
      if (followers.size === 1) void follow();
      return true;
    },
    leave(follower) {
      followers.delete(follower);
      if (followers.size === 0) place = null;
    },
    end() {
      ended = true;
      clearInterval(slow);
      if (later) clearTimeout(later);
    },
  };
}
