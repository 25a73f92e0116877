/** What is said over a connection (protocol `graphql-transport-ws`), and with which codes and words it is closed. */
import type { IncomingHttpHeaders } from 'node:http';
import { type MessageType, parseMessage } from 'graphql-ws';
import { LIMITS } from '../limits.ts';

/** Codes of RFC 6455 and its registry, beside those of the protocol. */
export const CLOSE = { serviceRestart: 1012, tryAgainLater: 1013 } as const;

export const WORDS = {
  token: 'A valid access token is needed.',
  unread: 'Messages are not read.',
  closing: 'The service restarts: connect again, and go on from the last cursor.',
};

export type Message = ReturnType<typeof parseMessage>;

/** A message of the protocol; null: it is none. */
export function readMessage(text: string): Message | null {
  try {
    return parseMessage(text, (key, value) => {
      if (key === '__proto__') throw new Error('not a name');
      return value;
    });
  } catch {
    return null;
  }
}

/** What is said of one operation. @param payload as JSON text. */
export const messageOf = (id: string, type: MessageType, payload: string): string =>
  `{"id":${JSON.stringify(id)},"type":"${type}","payload":${payload}}`;

/** What a connection says of who asks, under the names of the headers that say it in HTTP. */
export function headersOf(payload: Record<string, unknown> | undefined): IncomingHttpHeaders {
  const given = Object.entries(payload ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const known = given.filter(([name, value]) => SAID.has(name) && typeof value === 'string' && value.length <= LIMITS.headerBytes);
  // Two of one name are none, as in HTTP.
  return Object.fromEntries(known.filter(([name]) => known.filter(([other]) => other === name).length === 1)) as IncomingHttpHeaders;
}

const SAID = new Set(['authorization', 'x-purpose-of-use', 'x-correlation-id']);
