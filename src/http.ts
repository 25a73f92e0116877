/** HTTP, from the first byte to the route: sizes and times, hosts and origins, content types, headers, the form of errors. */
import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import helmet from '@fastify/helmet';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { correlationIdOf, requestIdOf } from './access/authenticate.ts';
import type { Client } from './access/client.ts';
import type { Asker } from './db/pools.ts';
import { type ErrorCode, errorBody, formatError, PublicError } from './errors.ts';
import { LIMITS } from './limits.ts';
import { type Metrics, nothingTold, type Told } from './watch.ts';

export type HttpOptions = {
  log: Logger;
  metrics?: Metrics;
  /** Names, with or without a port, that requests may be addressed to; empty: any. */
  allowedHosts?: string[];
  /** Origins whose pages may ask; empty: none. */
  allowedOrigins?: string[];
};

/** A request on its way: who asks and whose budget pays once that is known, and what will be said of it in the log. */
export type Identified = FastifyRequest & {
  requestId: string;
  correlationId: string | null;
  client?: Client;
  payer?: string;
  asker: Asker;
  told: Told;
};

const HOST = /^[A-Za-z0-9.-]{1,253}(:\d{1,5})?$|^\[[0-9a-fA-F:]{2,45}\](:\d{1,5})?$/;
const JSON_TYPE = /^application\/(?:graphql\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?$/i;

/** Answers with one error, in the form of all of them. */
export function sendError(request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply {
  const { status, ...shown } = formatError(error);
  (request as Identified).told?.codes.push(shown.extensions.code as string);
  if (error instanceof PublicError) for (const [name, value] of Object.entries(error.headers)) void reply.header(name, value);
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(errorBody([shown]));
}

/** What Node's HTTP parser says of a request that it refuses; anything else is malformed. */
const PARSER_CODES: Record<string, ErrorCode> = { HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE', ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT' };

/** Fastify's errors are for its own readers; the status is all that is kept of them. */
function publicError(error: unknown): unknown {
  if (error instanceof PublicError) return error;
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  if (status === 413) return new PublicError('PAYLOAD_TOO_LARGE');
  if (status === 415) return new PublicError('UNSUPPORTED_MEDIA_TYPE');
  if (status >= 400 && status < 500) return new PublicError('BAD_REQUEST');
  if (status === 503) return new PublicError('UNAVAILABLE');
  return error;
}

/** What every request has, however it ends: its ids, who asks, what will be told of it; and headers of every answer. */
function begin(request: FastifyRequest, reply: FastifyReply): void {
  const asking = request as Identified;
  asking.requestId = requestIdOf(request.headers);
  asking.correlationId = correlationIdOf(request.headers);
  asking.told = nothingTold();
  const asker: Asker = { who: '', gone: false, leave: null };
  asking.asker = asker;
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) return;
    asker.gone = true;
    asker.leave?.();
  });
  void reply.header('x-request-id', asking.requestId);
  if (asking.correlationId) void reply.header('x-correlation-id', asking.correlationId);
  void reply.header('cache-control', 'no-store');
  void reply.header('vary', 'Authorization, Origin');
}

/** Why a request is not for this server, before anything else of it is read; null: it may be. */
export function addressFault(url: string, host: string, allowedHosts: readonly string[]): PublicError | null {
  // Of a proxy one asks for whole addresses, whose host would go before the header's; this is none.
  if (!url.startsWith('/')) return new PublicError('BAD_REQUEST', 'Ask for a path.');
  if (!HOST.test(host) || !URL.canParse(`http://${host}`)) return new PublicError('BAD_REQUEST', 'The Host header is not a host.');
  const allowed = allowedHosts.length === 0 || allowedHosts.includes(host.replace(/:\d+$/, '')) || allowedHosts.includes(host);
  return allowed ? null : new PublicError('MISDIRECTED');
}

/** An answer to what never becomes a request of Fastify's, and the end of its connection. */
export function refuseRaw(socket: Duplex, error: PublicError): void {
  const { status, ...shown } = formatError(error);
  const body = errorBody([shown]);
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json; charset=utf-8\r\ncache-control: no-store\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** A Fastify application with everything that stands before a route. */
export async function createHttp({ log, metrics, allowedHosts = [], allowedOrigins = [] }: HttpOptions): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: LIMITS.bodyBytes,
    // Whoever stands in front may not say where a request comes from: nothing here depends on it.
    trustProxy: false,
    logger: false,
    routerOptions: { maxParamLength: 200 },
    // While closing we answer ourselves, in the form of all errors.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestTimeout: LIMITS.requestSeconds * 1000,
    connectionTimeout: LIMITS.stalledSeconds * 1000,
    keepAliveTimeout: LIMITS.keepAliveSeconds * 1000,
    // Node's own answer to a missing Host has no body; ours is below.
    http: {
      requireHostHeader: false,
      // Two tokens are one header that is none: the first would win, which somebody in front may have put there.
      joinDuplicateHeaders: true,
      maxHeaderSize: LIMITS.headerBytes,
      // Whoever asks for another protocol than this one is answered in HTTP.
      shouldUpgradeCallback: ({ method, headers }) => method === 'GET' && /^websocket$/i.test(headers.upgrade ?? ''),
      headersTimeout: LIMITS.headersSeconds * 1000,
      connectionsCheckingInterval: 5_000,
    },
    // What the HTTP parser refuses never becomes a request.
    clientErrorHandler(error, socket) {
      if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
      refuseRaw(socket, new PublicError(PARSER_CODES[error.code] ?? 'BAD_REQUEST'));
    },
    frameworkErrors(error, request, reply) {
      begin(request, reply);
      void sendError(request, reply, publicError(error));
    },
  });
  // An expectation that is none we know is no reason for an answer without a body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.server.maxConnections = LIMITS.connections;
  // An API has no page to protect: of helmet's headers those that say so, each of which is written for every answer.
  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginOpenerPolicy: false,
    dnsPrefetchControl: false,
    frameguard: false,
    ieNoOpen: false,
    originAgentCluster: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false,
  });

  // JSON in UTF-8 and nothing else: a decoder that mends broken text would change what was asked for.
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    // Nothing is unpacked: a small body could become a large one.
    const packed = !/^(?:identity)?$/i.test(request.headers['content-encoding'] ?? '');
    if (packed || !JSON_TYPE.test(request.headers['content-type'] ?? '')) return done(new PublicError('UNSUPPORTED_MEDIA_TYPE'), undefined);
    if (!isUtf8(body as Buffer)) return done(new PublicError('BAD_REQUEST', 'The body is not UTF-8.'), undefined);
    return parseJson(request, body.toString('utf8'), done);
  });

  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onRequest', async (request, reply) => {
    begin(request, reply);
    if (closing) return sendError(request, reply, new PublicError('UNAVAILABLE'));
    const host = request.headers.host ?? '';
    const fault = addressFault(request.url, host, allowedHosts);
    if (fault) return sendError(request, reply, fault);
    const { origin } = request.headers;
    if (origin && allowedOrigins.includes(origin)) {
      void reply
        .header('access-control-allow-origin', origin)
        .header('access-control-expose-headers', 'x-request-id, x-correlation-id, ratelimit, ratelimit-policy, retry-after');
      if (request.method === 'OPTIONS') {
        return reply
          .code(204)
          .header('access-control-allow-methods', 'POST')
          .header('access-control-allow-headers', 'authorization, content-type, x-purpose-of-use, x-request-id, x-correlation-id')
          .header('access-control-max-age', '600')
          .send();
      }
    }
  });
  app.addHook('onResponse', async (request, reply) => {
    const { told, requestId, correlationId, client, asker } = request as Identified;
    if (!told) return;
    const seconds = reply.elapsedTime / 1000;
    metrics?.answered(told, reply.statusCode, seconds);
    log.info(
      {
        request: requestId,
        correlation: correlationId,
        client: client?.id ?? null,
        organisation: client?.organisation.code ?? null,
        purpose: client?.purpose ?? null,
        method: request.method,
        // The part after `?` may hold a document with values in it.
        path: request.url.split('?', 1)[0]?.slice(0, 100),
        operation: told.operation?.slice(0, LIMITS.operationNameCharacters) ?? null,
        status: reply.statusCode,
        codes: told.codes,
        ...(told.why === null ? {} : { why: told.why }),
        cost: told.cost,
        milliseconds: Math.round(seconds * 10_000) / 10,
        ...(asker.gone ? { gone: true } : {}),
      },
      'answered',
    );
  });
  app.setNotFoundHandler((request, reply) => sendError(request, reply, new PublicError('NOT_FOUND')));
  app.setErrorHandler((error, request, reply) => {
    const shown = publicError(error);
    if (!(shown instanceof PublicError)) {
      const { requestId, correlationId } = request as Identified;
      log.error({ err: error, request: requestId, correlation: correlationId }, 'request failed');
    }
    return sendError(request, reply, shown);
  });
  return app;
}
