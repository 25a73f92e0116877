/**
 * Subscriptions over WebSockets (protocol `graphql-transport-ws`): from the upgrade to the close. Who connects is recognised as in HTTP,
 * and again with every event; whoever does not read at all is cut off.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, MessageType } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Asking, correlationIdOf, PurposeRefused, requestIdOf } from '../access/authenticate.ts';
import type { Client } from '../access/client.ts';
import { formatError, PublicError, Unauthenticated } from '../errors.ts';
import { addressFault, refuseRaw } from '../http.ts';
import { LIMITS, type LimitName } from '../limits.ts';
import { shownError } from './asking.ts';
import { CLOSE, headersOf, messageOf, readMessage, WORDS } from './messages.ts';
import { beginOperation, type Line, type Operation, type OperationParts, type Payload } from './operation.ts';

export type SubscriptionOptions = OperationParts & {
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  /** Who connects; counted and put on record where nobody is recognised. @throws PublicError */
  recognise(asking: Asking, requestId: string): Promise<Client>;
  /** Who it is now. @throws PublicError */
  again(asking: Asking, requestId: string): Promise<Client>;
  /** Told to tell whenever who stands where may have changed. */
  onStanding(told: () => void): void;
};

type Connection = {
  socket: WebSocket;
  asking: Asking;
  requestId: string;
  /** Null until it is said who asks. */
  client: Client | null;
  operations: Map<string, Operation>;
  /** One message at a time is made and sent. */
  turn: Promise<void>;
  closed: boolean;
};

/** @returns closes every connection with a reason. */
export function addSubscriptions(app: FastifyInstance, options: SubscriptionOptions): { close(): Promise<void> } {
  const { log, metrics } = options;
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

  /** Begins an operation, where there is room for it. */
  const begin = (connection: Connection, id: string, payload: Payload) => {
    const { operations, requestId } = connection;
    const refuse = (words: string, limit: LimitName) => {
      const error = shownError(new PublicError('OPERATION_TOO_LARGE', words, { limit }));
      void inTurn(connection, async () => messageOf(id, MessageType.Error, JSON.stringify([error])));
    };
    if (id.length > LIMITS.operationIdCharacters) return close(connection, CloseCode.BadRequest, 'The id of an operation is too long.');
    const limit =
      payload.query.length > LIMITS.documentCharacters
        ? 'documentCharacters'
        : JSON.stringify(payload.variables ?? {}).length > LIMITS.keptVariables
          ? 'keptVariables'
          : null;
    if (limit !== null) return refuse(`An operation may have ${LIMITS[limit]} characters here.`, limit);
    if (operations.size >= LIMITS.subscriptions)
      return refuse(`A connection may have ${LIMITS.subscriptions} operations.`, 'subscriptions');
    const line: Line = {
      requestId,
      client: () => connection.client as Client,
      standing: () => standing(connection),
      inTurn: (make) => inTurn(connection, make),
    };
    const ended = () => {
      operations.delete(id);
      metrics.subscriptions(-1);
    };
    metrics.subscriptions(1);
    operations.set(id, beginOperation(options, line, id, payload, ended));
  };

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
