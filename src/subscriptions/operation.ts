/**
 * One operation of a connection, from its beginning to its end: what it follows is asked, what there is is shown, and what comes is read
 * anew by the compiler as who is connected then.
 */
import { createHash } from 'node:crypto';
import { MessageType } from 'graphql-ws';
import type { Logger } from 'pino';
import type { Client } from '../access/client.ts';
import type { Batch, News, Place } from '../change/news.ts';
import type { Asker } from '../db/pools.ts';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { type Event, newEvent, type Subscribed } from '../read/event.ts';
import type { Metrics } from '../watch.ts';
import { type Answered, answerOf, errorsOf, paid, shownError } from './asking.ts';
import { messageOf } from './messages.ts';
import { createWay, type Way } from './way.ts';

/** What is not there and what is not the caller's are told in the same words, and so is what was. */
const NOTHING = new PublicError('NOT_FOUND', 'There is nothing here for you, or not any more.');

/** Whether a family is there for the caller. */
const STANDING = 'query Standing($id: ID!) { family(id: $id) { id } }';

export type Payload = { query: string; variables?: Record<string, unknown> | null | undefined; operationName?: string | null | undefined };

/** What every operation is made with. */
export type OperationParts = {
  news: News;
  log: Logger;
  metrics: Metrics;
  /** Takes one unit from the client's budget. @throws PublicError BUDGET_SPENT */
  charge(client: Client): void;
  /** Asks the compiler. */
  ask(client: Client, asker: Asker, payload: Payload, event: Event): Promise<Answered>;
};

/** The connection, as an operation needs it. */
export type Line = {
  requestId: string;
  /** Who was connected when it was last asked. */
  client(): Client;
  /** Who is connected now; null: nobody is any more. */
  standing(): Promise<Client | null>;
  /** Sends what is made when it is this connection's turn, and waits until it has gone. */
  inTurn(make: () => Promise<string | null>): Promise<void>;
};

export type Operation = {
  /** Which rights it was last read under. */
  planKey: string;
  end(): void;
  /** Looks whether the family is still there. */
  look(): void;
};

/** Begins one. @param ended told once, when it has ended by itself or was. */
export function beginOperation(parts: OperationParts, line: Line, id: string, payload: Payload, ended: () => void): Operation {
  const { news, log, metrics } = parts;
  const client = line.client();
  const asker: Asker = { who: `${client.id} ${client.user ?? ''}`, gone: false, leave: null };
  let over = false;
  let toLook = false;
  /** The family as it was last shown: that something changed which the caller does not see is not told. */
  let last: string | null = null;
  /** Null until it is known what it follows. */
  let way: Way | null = null;

  const operation: Operation = {
    planKey: client.planKey,
    end() {
      if (over) return;
      over = true;
      ended();
      way?.leave();
      clearInterval(looking);
      asker.gone = true;
      asker.leave?.();
      way?.wake();
    },
    look() {
      toLook = true;
      way?.wake();
    },
  };
  const looking = setInterval(operation.look, LIMITS.visibleSeconds * 1000).unref();
  run().catch((error) => {
    const fault = error instanceof PublicError ? (over ? undefined : error.cause) : error;
    if (fault) log.error({ err: fault, request: line.requestId, client: client.id }, 'subscription failed');
    void fail([shownError(error)]);
  });
  return operation;

  /** Ends it with errors. Not waited for by what is sent in turn: it waits for its own. */
  async function fail(errors: unknown[]): Promise<void> {
    if (over) return;
    operation.end();
    await line.inTurn(async () => messageOf(id, MessageType.Error, JSON.stringify(errors)));
  }

  /**
   * Asks, as who is connected now. What is refused ends the operation.
   *
   * @returns null where there is no answer and will be none.
   */
  async function ask(made: () => Event, asked: Payload, patient: boolean): Promise<{ event: Event; text: string } | null> {
    let event = made();
    const answered = await answerOf(patient, async (tries) => {
      if (over) return null;
      if (tries > 1) event = { ...made(), shared: null };
      const now = await line.standing();
      if (!now || over) return null;
      operation.planKey = now.planKey;
      if (event.probe ? event.first : event.of === null) parts.charge(now);
      return parts.ask(now, asker, asked, event);
    });
    if (answered === null || over) return null;
    if (answered.status === 200) return { event, text: answered.text };
    void fail(errorsOf(answered.text));
    return null;
  }

  /** Shows one row, a family only where it differs from what was shown of it; false: it is not there for the caller. */
  async function show(of: NonNullable<Event['of']>, cursor: Place, shared: Event['shared'], field: string): Promise<boolean> {
    let there = true;
    await line.inTurn(async () => {
      const at = news.cursor(line.client(), cursor);
      let digest: string | null = null;
      const same = (data: string): boolean => {
        digest = createHash('sha256').update(data).digest('base64url').slice(0, 16);
        return digest === last;
      };
      const found = await ask(() => newEvent({ of, cursor: at, shared, same: field === 'familyChanged' ? same : null }), payload, true);
      if (!found) return null;
      if (found.event.outcome === 'refused') {
        void fail(errorsOf(found.text));
        return null;
      }
      there = found.event.outcome !== 'nothing';
      if (found.event.outcome !== 'shown') return null;
      last = digest;
      metrics.told();
      return messageOf(id, MessageType.Next, found.text);
    });
    return there;
  }

  /** Whether a family is there for the caller. @param first on record as a look at it. */
  async function stands(family: string, shared: Event['shared'], first = false): Promise<boolean> {
    const asked = { query: STANDING, variables: { id: `Family-${family}` } };
    const found = await ask(() => newEvent({ probe: true, first, shared }), asked, true);
    return found === null || found.event.outcome === 'shown';
  }

  /** What it follows, and from where; null: it has ended. What there is already is shown. */
  async function begin(): Promise<{ subscribed: Subscribed; from: Place } | null> {
    const first = newEvent();
    const begun = await ask(() => first, payload, false);
    if (!begun) return null;
    const { subscribed, outcome } = first;
    if (outcome === 'refused' || !subscribed) {
      await fail(errorsOf(begun.text));
      return null;
    }
    const { key, field, family, after } = subscribed;
    const reached = after === null ? null : await news.placeOf(line.client(), after);
    // A family as it stands, whatever happened: whether something did which the caller does not see is not to be learnt from a cursor.
    const from = reached === null || field === 'familyChanged' ? await news.now() : reached;
    if (family === '') throw NOTHING;
    if (field === 'familyChanged') {
      if (!(await show({ type: 'Family', key: family as string }, from, null, field))) throw NOTHING;
    } else {
      if (family !== null && !(await stands(family, null, true))) throw NOTHING;
      if (after === null) {
        const cursor = JSON.stringify(news.cursor(line.client(), from));
        const empty = `{"data":{${JSON.stringify(key)}:null},"extensions":{"cursor":${cursor}}}`;
        await line.inTurn(async () => messageOf(id, MessageType.Next, empty));
      }
    }
    return { subscribed, from };
  }

  /** Goes through changes. */
  async function go({ field, family }: Subscribed, on: Way, batch: Batch): Promise<void> {
    const changes = on.relevant(batch);
    const shared = batch.shared as Event['shared'];
    if (field === 'familyChanged') {
      if (changes.length > 0 && !(await show({ type: 'Family', key: family as string }, batch.end, shared, field))) throw NOTHING;
    } else {
      const latest = new Map(changes.map((change) => [`${change.type} ${change.key}`, change]));
      for (const change of changes) {
        // Of what came for an organisation the row as it stands is shown once; of a family each entry that was added.
        const told = family === null ? latest.get(`${change.type} ${change.key}`) === change : change.added && change.login === 0;
        if (!told) continue;
        await show(change, change.place, shared, field);
        if (over) return;
        on.came(change.place);
      }
      const mayBeGone = family !== null && changes.some(({ login, type }) => login !== 0 || type === 'Family');
      if (mayBeGone && !(await stands(family, shared))) throw NOTHING;
    }
    on.came(batch.end);
  }

  async function run(): Promise<void> {
    const begun = await begin();
    if (begun === null) return;
    const { subscribed, from } = begun;
    const { family } = subscribed;
    const following = () => ({ login: line.client().login.id, family });
    const on = createWay(news, from, following, async (place, asked) =>
      // What it missed is read for it alone, and is paid.
      (await paid(
        () => parts.charge(line.client()),
        () => over,
      ))
        ? news.read(place, asked)
        : null,
    );
    way = on;
    while (!over) {
      if (toLook) {
        toLook = false;
        if (family !== null && !(await stands(family, null))) throw NOTHING;
      } else {
        const batch = await on.next();
        if (batch) await go(subscribed, on, batch);
      }
    }
  }
}
