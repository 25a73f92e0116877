/**
 * Subscriptions over WebSockets (protocol `graphql-transport-ws`): from the upgrade to the event. Who connects is recognised as in HTTP,
 * and again with every event; what an event shows is read by the same compiler. An operation keeps no events, only how far it has come:
 * who reads slowly is told later, and who does not read at all is cut off.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, MessageType, parseMessage } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Asking, correlationIdOf, PurposeRefused, requestIdOf } from './access/authenticate.ts';
import type { Client } from './access/client.ts';
import { type Batch, type Follower, isBeyond, type News, type NewsChange, type Place } from './change/news.ts';
import type { Asker } from './db/pools.ts';
import { formatError, PublicError, Unauthenticated } from './errors.ts';
import { addressFault, refuseRaw } from './http.ts';
import { LIMITS } from './limits.ts';
import { type Event, newEvent, type Subscribed } from './read/event.ts';
import type { Metrics } from './watch.ts';

/** Codes of RFC 6455 and its registry, beside those of the protocol. */
const CLOSE = { serviceRestart: 1012, tryAgainLater: 1013 } as const;

const WORDS = {
  token: 'A valid access token is needed.',
  unread: 'Messages are not read.',
  closing: 'The service restarts: connect again, and go on from the last cursor.',
};

/** What is not there and what is not the caller's are told in the same words, and so is what was. */
const NOTHING = new PublicError('NOT_FOUND', 'There is nothing here for you, or not any more.');

/** Whether a family is there for the caller. */
const STANDING = 'query Standing($id: ID!) { family(id: $id) { id } }';

export type Payload = { query: string; variables?: Record<string, unknown> | null | undefined; operationName?: string | null | undefined };

export type Answered = { status: number; retryAfter: number | null; text: string };

export type SocketOptions = {
  news: News;
  log: Logger;
  metrics: Metrics;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  /** Who connects; counted and put on record where nobody is recognised. @throws PublicError */
  recognise(asking: Asking, requestId: string): Promise<Client>;
  /** Who it is now. @throws PublicError */
  again(asking: Asking, requestId: string): Promise<Client>;
  /** Takes one unit from the client's budget. @throws PublicError BUDGET_SPENT */
  charge(client: Client): void;
  /** Asks the compiler. */
  ask(client: Client, asker: Asker, payload: Payload, event: Event): Promise<Answered>;
  /** Told to tell whenever who stands where may have changed. */
  onStanding(told: () => void): void;
};

type Connection = {
  socket: WebSocket;
  asking: Asking;
  requestId: string;
  /** Null until it is said who asks. */
  client: Client | null;
  operations: Map<string, { end: () => void; planKey: string; look: () => void }>;
  /** One message at a time is made and sent. */
  turn: Promise<void>;
  closed: boolean;
};

/** @returns closes every connection with a reason. */
export function addSubscriptions(app: FastifyInstance, options: SocketOptions): { close(): Promise<void> } {
  const { news, log, metrics } = options;
  const connections = new Set<Connection>();
  let closing = false;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: LIMITS.bodyBytes,
    // What is packed could be small and become large.
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(GRAPHQL_TRANSPORT_WS_PROTOCOL) ? GRAPHQL_TRANSPORT_WS_PROTOCOL : false),
  });

  /** A page of an origin that may not ask over HTTP does not here; its own pages may. */
  const originFault = ({ origin, host }: IncomingHttpHeaders): PublicError | null =>
    origin === undefined || options.allowedOrigins.includes(origin) || (URL.canParse(origin) && new URL(origin).host === host)
      ? null
      : new PublicError('ORIGIN_NOT_ALLOWED');

  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const fault = closing
      ? new PublicError('UNAVAILABLE')
      : (addressFault(request.url ?? '', request.headers.host ?? '', options.allowedHosts) ??
        (request.url?.split('?', 1)[0] === '/graphql' ? originFault(request.headers) : new PublicError('NOT_FOUND')));
    if (fault) return refuseRaw(socket, fault);
    server.handleUpgrade(request, socket, head, (accepted) => connected(accepted, request));
  });

  /** Closes, and does not wait for long until the other side has closed too. */
  const close = (connection: Connection, code: number, reason: string) => {
    if (connection.closed) return;
    connection.socket.close(code, reason);
    setTimeout(() => connection.socket.terminate(), LIMITS.closingSeconds * 1000).unref();
    left(connection, code);
  };
  const left = (connection: Connection, code: number) => {
    if (connection.closed) return;
    connection.closed = true;
    connections.delete(connection);
    const { client, operations, requestId } = connection;
    for (const { end } of [...operations.values()]) end();
    metrics.sockets(connections.size);
    const asked = correlationIdOf(connection.asking.headers);
    log.info(
      {
        request: requestId,
        correlation: asked,
        client: client?.id ?? null,
        organisation: client?.organisation.code ?? null,
        purpose: client?.purpose ?? null,
        code,
      },
      'disconnected',
    );
  };
  const refused = (connection: Connection, error: unknown) => {
    if (error instanceof Unauthenticated) close(connection, CloseCode.Unauthorized, WORDS.token);
    else if (error instanceof PurposeRefused) close(connection, CloseCode.Forbidden, error.message);
    else if (error instanceof PublicError && error.status !== 500) close(connection, CLOSE.tryAgainLater, error.message);
    else close(connection, CloseCode.InternalServerError, formatError(error).message);
  };

  /** Who is connected, today. Where that cannot be asked it is asked again; nothing is shown meanwhile. */
  const standing = async (connection: Connection): Promise<Client | null> => {
    try {
      const client = await options.again(connection.asking, connection.requestId);
      if (connection.closed) return null;
      connection.client = client;
      return client;
    } catch (error) {
      if (error instanceof Unauthenticated || error instanceof PurposeRefused) refused(connection, error);
      else throw error;
      return null;
    }
  };
  const standings = () => {
    for (const connection of connections) {
      if (!connection.client) continue;
      void standing(connection).then(
        (client) => {
          for (const operation of connection.operations.values()) if (client && operation.planKey !== client.planKey) operation.look();
        },
        () => {},
      );
    }
  };
  options.onStanding(standings);
  const recognising = setInterval(standings, LIMITS.standingSeconds * 1000).unref();

  function connected(socket: WebSocket, request: IncomingMessage): void {
    const { headers } = request;
    const connection: Connection = {
      socket,
      asking: { headers: {}, address: request.socket.remoteAddress ?? '' },
      requestId: requestIdOf(headers),
      client: null,
      operations: new Map(),
      turn: Promise.resolve(),
      closed: false,
    };
    connections.add(connection);
    metrics.sockets(connections.size);
    socket.on('error', () => {});
    socket.once('close', (code) => {
      clearTimeout(waiting);
      clearInterval(pinging);
      left(connection, code);
    });
    const waiting = setTimeout(
      () => close(connection, CloseCode.ConnectionInitialisationTimeout, 'Say who asks.'),
      LIMITS.initSeconds * 1000,
    ).unref();
    let heard = true;
    const pinging = setInterval(() => {
      if (!heard) return socket.terminate();
      heard = false;
      socket.ping();
    }, LIMITS.pingSeconds * 1000).unref();
    socket.on('pong', () => {
      heard = true;
    });
    if (socket.protocol !== GRAPHQL_TRANSPORT_WS_PROTOCOL) {
      close(connection, CloseCode.SubprotocolNotAcceptable, 'Ask for graphql-transport-ws.');
      return;
    }

    let begun = false;
    let messages = 0;
    let since = performance.now();
    socket.on('message', (data, isBinary) => {
      if (connection.closed) return;
      if (performance.now() - since > 10_000) {
        since = performance.now();
        messages = 0;
      }
      if (++messages > LIMITS.messages) return close(connection, CloseCode.TooManyInitialisationRequests, 'Too many messages.');
      if (socket.bufferedAmount > LIMITS.unreadBytes) return close(connection, CLOSE.tryAgainLater, WORDS.unread);
      const message = isBinary ? null : readMessage(String(data));
      if (message === null) return close(connection, CloseCode.BadRequest, 'This is no message of the protocol.');
      switch (message.type) {
        case MessageType.ConnectionInit:
          if (begun) return close(connection, CloseCode.TooManyInitialisationRequests, 'It was said who asks.');
          begun = true;
          clearTimeout(waiting);
          connection.asking = { ...connection.asking, headers: headersOf(message.payload) };
          return void recognised(connection);
        case MessageType.Ping:
          return socket.send(JSON.stringify({ type: MessageType.Pong, ...(message.payload ? { payload: message.payload } : {}) }));
        case MessageType.Pong:
          return;
        case MessageType.Subscribe:
          if (!connection.client) return close(connection, CloseCode.Unauthorized, WORDS.token);
          if (connection.operations.has(message.id))
            return close(connection, CloseCode.SubscriberAlreadyExists, 'There is an operation of this id.');
          return begin(connection, message.id, message.payload as Payload);
        case MessageType.Complete:
          return connection.operations.get(message.id)?.end();
        default:
          return close(connection, CloseCode.BadRequest, 'This is no message for a server.');
      }
    });
  }

  async function recognised(connection: Connection): Promise<void> {
    try {
      const client = await options.recognise(connection.asking, connection.requestId);
      if (connection.closed) return;
      const same = [...connections].filter((other) => other.client?.id === client.id);
      const tooMany =
        same.length >= LIMITS.socketsPerClient ||
        (client.user !== null && same.filter((other) => other.client?.user === client.user).length >= LIMITS.socketsPerUser);
      if (tooMany) return close(connection, CloseCode.TooManyInitialisationRequests, 'Too many connections.');
      connection.client = client;
      connection.socket.send(JSON.stringify({ type: MessageType.ConnectionAck }));
    } catch (error) {
      refused(connection, error);
    }
  }

  /** Sends what is made when it is this connection's turn, and waits until it has gone. */
  const inTurn = async (connection: Connection, make: () => Promise<string | null>): Promise<void> => {
    const before = connection.turn;
    let done = () => {};
    connection.turn = new Promise((resolve) => {
      done = resolve;
    });
    await before;
    try {
      const text = connection.closed ? null : await make();
      if (text === null || connection.closed) return;
      await new Promise<void>((sent) => {
        const unread = setTimeout(() => {
          close(connection, CLOSE.tryAgainLater, WORDS.unread);
          sent();
        }, LIMITS.unreadSeconds * 1000).unref();
        connection.socket.send(text, () => {
          clearTimeout(unread);
          sent();
        });
      });
    } finally {
      done();
    }
  };

  /** One operation, from its beginning to its end. */
  function begin(connection: Connection, id: string, payload: Payload): void {
    const { operations } = connection;
    const client = connection.client as Client;
    const asker: Asker = { who: `${client.id} ${client.user ?? ''}`, gone: false, leave: null };
    let subscribed: Subscribed | null = null;
    let place: Place | null = null;
    /** Changes to go through; `behind`: more than these, to be read anew. */
    let next: Batch | 'behind' | null = null;
    /** The family as it was last shown: that something changed which the caller does not see is not told. */
    let last: string | null = null;
    let joined = false;
    let wake = () => {};
    const said = (type: MessageType, more: string) => `{"id":${JSON.stringify(id)},"type":"${type}"${more}}`;

    const follower: Follower = {
      following: () => ({ login: connection.client?.login.id ?? client.login.id, family: subscribed?.family ?? null }),
      told(batch) {
        if (!busy && next === null && relevant(batch).length === 0) place = furthest(batch.end);
        else {
          next = busy || next !== null ? 'behind' : batch;
          wake();
        }
      },
      missed(end) {
        if (place === null || !isBeyond(end, place)) return;
        next = 'behind';
        wake();
      },
    };
    let busy = true;
    const furthest = (end: Place): Place => (place !== null && isBeyond(place, end) ? place : end);
    /** What of some changes it follows, and has not been told. */
    const relevant = ({ changes }: Batch): NewsChange[] => {
      const { login, family } = follower.following();
      const inbox = (change: NewsChange) => change.login === login && change.families.length === 0;
      const ofFamily = (change: NewsChange) => (change.login === 0 || change.login === login) && change.families.includes(family as string);
      return changes.filter(
        (change) => (place === null || isBeyond(change.place, place)) && (family === null ? inbox(change) : ofFamily(change)),
      );
    };
    const operation = {
      planKey: client.planKey,
      end() {
        if (operations.get(id) !== operation) return;
        operations.delete(id);
        metrics.subscriptions(-1);
        news.leave(follower);
        clearInterval(looking);
        asker.gone = true;
        asker.leave?.();
        wake();
      },
      /** Looks whether the family is still there. */
      look() {
        looked = true;
        wake();
      },
    };
    let looked = false;
    const looking = setInterval(operation.look, LIMITS.visibleSeconds * 1000).unref();
    const ended = () => operations.get(id) !== operation;

    /** Ends it with an error. */
    const fail = async (errors: unknown[]) => {
      if (ended()) return;
      operation.end();
      await inTurn(connection, async () => said(MessageType.Error, `,"payload":${JSON.stringify(errors)}`));
    };
    const failWith = (error: unknown) => {
      const { status: _, ...shown } = formatError(error);
      return fail([shown]);
    };

    /**
     * Asks, as who is connected now. What is spent or cannot be had is waited for; what is refused ends the operation.
     *
     * @returns null where there is no answer and will be none.
     */
    const ask = async (made: () => Event, asked: Payload, patient: boolean): Promise<{ event: Event; text: string } | null> => {
      for (let tries = 1; !ended() && !connection.closed; tries++) {
        const event = made();
        if (tries > 1) event.shared = null;
        let answered: Answered;
        try {
          const now = await standing(connection);
          if (!now || ended()) return null;
          operation.planKey = now.planKey;
          if (!event.probe || event.first) options.charge(now);
          answered = await options.ask(now, asker, asked, event);
        } catch (error) {
          const { status, ...shown } = formatError(error);
          const wait = error instanceof PublicError ? Number(error.headers['retry-after'] ?? Number.NaN) : Number.NaN;
          answered = { status, retryAfter: Number.isNaN(wait) ? null : wait, text: JSON.stringify({ errors: [shown] }) };
        }
        if (ended()) return null;
        if (answered.status === 200) return { event, text: answered.text };
        const spent = answered.status === 429 && answered.retryAfter !== null && answered.retryAfter <= LIMITS.requestSeconds;
        if (patient && spent) await pause((answered.retryAfter as number) * 1000, undefined, { ref: false });
        else if (patient && answered.status === 503 && tries < LIMITS.tries) await pause(100 * 4 ** tries, undefined, { ref: false });
        else {
          void fail((JSON.parse(answered.text) as { errors: unknown[] }).errors);
          return null;
        }
      }
      return null;
    };

    /** Shows one row, a family only where it differs from what was shown of it; false: it is not there for the caller. */
    const show = async (of: NonNullable<Event['of']>, cursor: Place, shared: Event['shared']): Promise<boolean> => {
      let there = true;
      await inTurn(connection, async () => {
        const at = news.cursor(connection.client as Client, cursor);
        const found = await ask(() => newEvent({ of, cursor: at, shared }), payload, true);
        if (!found) return null;
        if (found.event.outcome === 'refused') {
          void fail((JSON.parse(found.text) as { errors: unknown[] }).errors);
          return null;
        }
        there = found.event.outcome === 'shown';
        if (!there) return null;
        if (subscribed?.field === 'familyChanged') {
          const digest = createHash('sha256').update(found.event.data).digest('base64url').slice(0, 16);
          if (digest === last) return null;
          last = digest;
        }
        metrics.told();
        return said(MessageType.Next, `,"payload":${found.text}`);
      });
      return there;
    };
    const stands = async (family: string, shared: Event['shared'], first = false): Promise<boolean> => {
      const asked = { query: STANDING, variables: { id: `Family-${family}` } };
      const found = await ask(() => newEvent({ probe: true, first, shared }), asked, true);
      return found === null || found.event.outcome === 'shown';
    };

    /** What was missed is read for one alone, and is paid; what is spent is waited for. @throws PublicError BUDGET_SPENT */
    const missed = async (from: Place): Promise<Batch | null> => {
      while (!ended()) {
        try {
          options.charge(connection.client as Client);
          return await news.read(from, follower.following());
        } catch (error) {
          const wait = error instanceof PublicError && error.code === 'BUDGET_SPENT' ? Number(error.headers['retry-after']) : Number.NaN;
          if (!(wait <= LIMITS.requestSeconds)) throw error;
          await pause(wait * 1000, undefined, { ref: false });
        }
      }
      return null;
    };

    /** Goes through changes. */
    const go = async (batch: Batch): Promise<void> => {
      const changes = relevant(batch);
      const shared = batch.shared as Event['shared'];
      const { field, family } = subscribed as Subscribed;
      if (field === 'familyChanged') {
        if (changes.length > 0 && !(await show({ type: 'Family', key: family as string }, batch.end, shared))) return failWith(NOTHING);
      } else if (family === null) {
        const latest = new Map(changes.map((change) => [`${change.type} ${change.key}`, change]));
        for (const change of changes) {
          if (latest.get(`${change.type} ${change.key}`) !== change) continue;
          await show(change, change.place, shared);
          if (ended()) return;
          place = furthest(change.place);
        }
      } else {
        for (const change of changes) {
          if (!change.added || change.login !== 0) continue;
          await show(change, change.place, shared);
          if (ended()) return;
          place = furthest(change.place);
        }
        if (changes.some(({ login, type }) => login !== 0 || type === 'Family') && !(await stands(family, shared)))
          return failWith(NOTHING);
      }
      place = furthest(batch.end);
    };

    const run = async (): Promise<void> => {
      const first = newEvent();
      const begun = await ask(() => first, payload, false);
      if (!begun) return;
      if (first.outcome === 'refused' || !first.subscribed) return fail((JSON.parse(begun.text) as { errors: unknown[] }).errors);
      subscribed = first.subscribed;
      const { key, field, family, after } = subscribed;
      place = after === null ? await news.now() : await news.placeOf(connection.client as Client, after);
      if (family === '') return failWith(NOTHING);
      if (field === 'familyChanged') {
        // As it stands, whatever happened: whether something did which the caller does not see is not to be learnt from a cursor.
        if (after !== null) place = await news.now();
        if (!(await show({ type: 'Family', key: family as string }, place, null))) return failWith(NOTHING);
      } else {
        if (family !== null && !(await stands(family, null, true))) return failWith(NOTHING);
        if (after === null) {
          const cursor = JSON.stringify(news.cursor(connection.client as Client, place));
          const empty = `{"data":{${JSON.stringify(key)}:null},"extensions":{"cursor":${cursor}}}`;
          await inTurn(connection, async () => said(MessageType.Next, `,"payload":${empty}`));
        }
      }
      while (!ended()) {
        if (next === 'behind') {
          news.leave(follower);
          joined = false;
          next = null;
        }
        if (looked) {
          looked = false;
          if (subscribed.family !== null && !(await stands(subscribed.family, null))) return failWith(NOTHING);
        } else if (next !== null) {
          const batch: Batch = next;
          next = null;
          await go(batch);
        } else if (!joined) {
          joined = news.join(follower, place);
          const batch = joined ? null : await missed(place);
          if (batch) await go(batch);
        } else {
          busy = false;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          busy = true;
        }
      }
    };

    const limit =
      payload.query.length > LIMITS.documentCharacters
        ? 'documentCharacters'
        : JSON.stringify(payload.variables ?? {}).length > LIMITS.keptVariables
          ? 'keptVariables'
          : null;
    if (limit !== null && id.length <= LIMITS.operationIdCharacters) {
      const words = `An operation may have ${LIMITS[limit]} characters here.`;
      const { status: _, ...shown } = formatError(new PublicError('OPERATION_TOO_LARGE', words, { limit }));
      clearInterval(looking);
      void inTurn(connection, async () => said(MessageType.Error, `,"payload":${JSON.stringify([shown])}`));
      return;
    }
    operations.set(id, operation);
    metrics.subscriptions(1);
    if (id.length > LIMITS.operationIdCharacters) {
      close(connection, CloseCode.BadRequest, 'The id of an operation is too long.');
      return;
    }
    if (operations.size > LIMITS.subscriptions) {
      const words = `A connection may have ${LIMITS.subscriptions} operations.`;
      void failWith(new PublicError('OPERATION_TOO_LARGE', words, { limit: 'subscriptions' }));
      return;
    }
    run().catch((error) => {
      if (!(error instanceof PublicError))
        log.error({ err: error, request: connection.requestId, client: client.id }, 'subscription failed');
      else if (error.cause && !ended())
        log.error({ err: error.cause, request: connection.requestId, client: client.id }, 'subscription failed');
      void failWith(error);
    });
  }

  return {
    async close() {
      closing = true;
      clearInterval(recognising);
      const open = [...connections];
      const gone = open.map(({ socket }) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
      for (const connection of open) close(connection, CLOSE.serviceRestart, WORDS.closing);
      await Promise.all(gone);
      server.close();
    },
  };
}

type Message = ReturnType<typeof parseMessage>;

/** A message of the protocol; null: it is none. */
function readMessage(text: string): Message | null {
  try {
    return parseMessage(text, (key, value) => {
      if (key === '__proto__') throw new Error('not a name');
      return value;
    });
  } catch {
    return null;
  }
}

/** What a connection says of who asks, under the names of the headers that say it in HTTP. */
function headersOf(payload: Record<string, unknown> | undefined): IncomingHttpHeaders {
  const given = Object.entries(payload ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const known = given.filter(([name, value]) => SAID.has(name) && typeof value === 'string' && value.length <= LIMITS.headerBytes);
  // Two of one name are none, as in HTTP.
  return Object.fromEntries(known.filter(([name]) => known.filter(([other]) => other === name).length === 1)) as IncomingHttpHeaders;
}

const SAID = new Set(['authorization', 'x-purpose-of-use', 'x-correlation-id']);
