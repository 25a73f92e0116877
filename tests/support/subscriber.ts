/** Subscribers over real sockets: the published client of the protocol, and one that sends bytes as it is told. */
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Caller, callerOf, type PersonaName, type TestServer } from './server.ts';

export type Told = { data?: any; errors?: any[]; extensions?: any };

/** What somebody is told by one operation, and how it ended: `complete`, a close of the connection, or the errors. */
export type Subscribed = {
  told: Told[];
  ended: { code?: number; reason?: string; errors?: any[]; complete?: true } | null;
  /** Unsubscribes. */
  stop(): void;
};

/** Who says who asks. */
export async function params(server: TestServer, who: PersonaName | Caller): Promise<Record<string, string>> {
  const { purpose } = callerOf(who);
  return { authorization: `Bearer ${await server.token(who)}`, ...(purpose ? { 'x-purpose-of-use': purpose } : {}) };
}

export const socketUrl = (address: string): string => `${address.replace(/^http/, 'ws')}/graphql`;

/** A connection of the client library; it does not connect again by itself. */
export const connect = (address: string, connectionParams: Record<string, unknown>): Client =>
  createClient({ url: socketUrl(address), webSocketImpl: WebSocket, connectionParams, retryAttempts: 0, lazyCloseTimeout: 0 });

/** @param each told of each event as it comes. */
export function subscribe(
  client: Client,
  query: string,
  variables: Record<string, unknown> = {},
  each: (told: Told, subscribed: Subscribed) => void = () => {},
): Subscribed {
  const subscribed: Subscribed = { told: [], ended: null, stop: () => {} };
  subscribed.stop = client.subscribe(
    { query, variables },
    {
      next(value) {
        subscribed.told.push(value as Told);
        each(value as Told, subscribed);
      },
      error(error: any) {
        subscribed.ended = Array.isArray(error) ? { errors: error } : { code: error.code, reason: error.reason };
      },
      complete() {
        subscribed.ended ??= { complete: true };
      },
    },
  );
  return subscribed;
}

export type Raw = {
  socket: WebSocket;
  received: any[];
  closed: Promise<{ code: number; reason: string }>;
  send(message: unknown): void;
};

/** A socket of which every message is written by hand. @throws with the HTTP status where it is not accepted */
export function raw(address: string, headers: Record<string, string> = {}, protocol: string | null = 'graphql-transport-ws'): Promise<Raw> {
  const socket = new WebSocket(socketUrl(address), protocol === null ? [] : [protocol], { headers });
  const received: any[] = [];
  socket.on('message', (data) => received.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: String(reason) })),
  );
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.once('end', () => reject(Object.assign(new Error(text), { status: response.statusCode })));
    });
    socket.on('error', reject);
    socket.once('open', () =>
      resolve({
        socket,
        received,
        closed,
        send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
      }),
    );
  });
}

/** The same, recognised. */
export async function recognised(server: TestServer, address: string, who: PersonaName | Caller): Promise<Raw> {
  const made = await raw(address);
  made.send({ type: 'connection_init', payload: await params(server, who) });
  await new Promise<void>((resolve) => {
    const look = () => (made.received.some(({ type }) => type === 'connection_ack') ? resolve() : setTimeout(look, 5));
    look();
  });
  return made;
}
