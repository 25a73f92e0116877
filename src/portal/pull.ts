/**
 * The published documents over plain HTTP, for integration engines: `GET /operations/<name>?variables`. Each is asked as it would be at
 * `/graphql`, with the caller's own token, purpose, budget and record; a document that goes page by page can be had as lines of JSON, and one
 * whose rows fit a table as CSV, each page of it asked anew.
 */
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody, formatError, PublicError } from '../errors.ts';
import type { AssembledSchema } from '../graphql/schema.ts';
import { type Identified, sendError } from '../http.ts';
import { LIMITS } from '../limits.ts';
import { csv, csvRows } from './csv.ts';
import type { PageOptions } from './evidence-pack.ts';
import { openApi } from './openapi.ts';
import { type Paged, type Published, publishedDocuments, variablesOf } from './published.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const LINES_TYPE = 'application/x-ndjson';
const CSV_TYPE = 'text/csv';
const ACCEPTS = /(?:^|[\s,])(?:\*\/\*|application\/(?:\*|json|graphql-response\+json))\s*(?:[;,]|$)/i;
const ACCEPTS_LINES = /(?:^|[\s,])application\/(?:x-)?ndjson\s*(?:[;,]|$)/i;
const ACCEPTS_CSV = /(?:^|[\s,])text\/csv\s*(?:[;,]|$)/i;

export type PullOptions = PageOptions & {
  /** Asks again who asks: a token may have ended, or been revoked, since the last page. @throws PublicError UNAUTHENTICATED */
  again(request: FastifyRequest): Promise<void>;
};

type Page = { rows: Record<string, unknown>[]; cursor: string | null; more: boolean; errors: unknown[] | undefined };
type Part = Page | { refused: Awaited<ReturnType<PageOptions['ask']>> };

/** How pages are written. `whole`: a page of which something is refused is not written at all. */
type Written = { whole: boolean; first(page: Page): string; page(page: Page): string; refused(text: string): string };

/** A line for each row; behind each page one with the cursor to go on from, at the end one that says that it is the end. */
function linesOf({ rows, cursor, more, errors }: Page): string {
  const lines = rows.map((row) => JSON.stringify({ node: row }));
  lines.push(JSON.stringify({ ...(cursor === null ? {} : { cursor }), ...(errors ? { errors } : {}), ...(more ? {} : { end: true }) }));
  return `${lines.join('\n')}\n`;
}

const LINES: Written = { whole: false, first: linesOf, page: linesOf, refused: (text) => `${text}\n` };

/** A table has no place to say that it breaks off, so that the answer breaks off with it: what has come to its end is whole. */
function tableOf(columns: string[]): Written {
  const broken = (): never => {
    throw new Error('A table broke off.');
  };
  return {
    whole: true,
    first: ({ rows }) => csv(columns, rows),
    page: ({ rows }) => csvRows(columns, rows),
    refused: broken,
  };
}

type Answered = { data?: Record<string, Record<string, unknown> | null> | null; errors?: unknown[] };

export function addPulledDocuments(app: FastifyInstance, { schema }: AssembledSchema, options: PullOptions): void {
  const { onRequest, onSend, ask, again } = options;
  const documents = publishedDocuments(schema);
  let described: string | null = null;
  app.get('/openapi.json', { exposeHeadRoute: false }, async (_request, reply) => {
    described ??= JSON.stringify(openApi(schema, documents));
    return reply.type(JSON_TYPE).send(described);
  });

  const hooks = { onRequest, onSend: async (request: FastifyRequest, reply: FastifyReply) => onSend(request, reply) };
  const answer = async (request: FastifyRequest, reply: FastifyReply, { source }: Published, variables: Record<string, unknown>) => {
    const { status, headers, text } = await ask(request, source, variables);
    return reply.code(status).headers(headers).type(JSON_TYPE).send(text);
  };
  app.get<{ Params: { name: string } }>('/operations/:name', { exposeHeadRoute: false, ...hooks }, async (request, reply) => {
    const found = documents.get(request.params.name);
    if (!found) return sendError(request, reply, new PublicError('NOT_FOUND'));
    if (found.writes) return sendError(request, reply, new PublicError('METHOD_NOT_ALLOWED', undefined, {}, { allow: 'POST' }));
    const accept = request.headers.accept || '*/*';
    const lines = ACCEPTS_LINES.test(accept);
    const table = !lines && ACCEPTS_CSV.test(accept);
    if (!lines && !table && !ACCEPTS.test(accept)) return sendError(request, reply, new PublicError('NOT_ACCEPTABLE'));
    const variables = variablesOf(found, new URLSearchParams(request.url.split('?').slice(1).join('?')));
    if (!lines && !table) return answer(request, reply, found, variables);
    if (!found.paged)
      return sendError(request, reply, new PublicError('NOT_ACCEPTABLE', 'This document is one answer: ask for application/json.'));
    const { columns } = found.paged;
    if (table && !columns)
      return sendError(
        request,
        reply,
        new PublicError('NOT_ACCEPTABLE', 'Its rows have parts and fit no table: ask for application/x-ndjson.'),
      );
    const written = table ? tableOf(columns as string[]) : LINES;
    const pages = pagesOf(request, found, found.paged, variables, written.whole);
    // What is refused at once is refused with its status; what fails later ends the lines.
    const first = await pages.next();
    if (first.done) return reply;
    if ('refused' in first.value) {
      const { status, headers, text } = first.value.refused;
      return reply.code(status).headers(headers).type(JSON_TYPE).send(text);
    }
    const head = first.value;
    async function* whole() {
      yield written.first(head);
      for await (const each of pages) yield 'refused' in each ? written.refused(each.refused.text) : written.page(each);
    }
    if (table) void reply.header('content-disposition', `attachment; filename="${found.name}.csv"`);
    // Read as fast as the caller takes it: the next page is asked for when this one has gone.
    return reply
      .type(`${table ? CSV_TYPE : LINES_TYPE}; charset=utf-8`)
      .send(Readable.from(whole(), { objectMode: false, highWaterMark: 1 }));
  });
  app.post<{ Params: { name: string } }>('/operations/:name', hooks, async (request, reply) => {
    const found = documents.get(request.params.name);
    if (!found) return sendError(request, reply, new PublicError('NOT_FOUND'));
    if (!found.writes) return sendError(request, reply, new PublicError('METHOD_NOT_ALLOWED', 'Send a GET.', {}, { allow: 'GET' }));
    if (!ACCEPTS.test(request.headers.accept || '*/*')) return sendError(request, reply, new PublicError('NOT_ACCEPTABLE'));
    const { body } = request;
    if (body === null || typeof body !== 'object' || Array.isArray(body))
      return sendError(request, reply, new PublicError('BAD_USER_INPUT', 'The body is a JSON object: the variables by their names.'));
    return answer(request, reply, found, body as Record<string, unknown>);
  });

  /** A document's pages, one by one. A budget that is spent is waited for. @param whole of a page of which something is refused, nothing is given. */
  async function* pagesOf(
    request: FastifyRequest,
    of: Published,
    { key, nodes, of: told }: Paged,
    given: Record<string, unknown>,
    whole: boolean,
  ): AsyncGenerator<Part> {
    const { asker } = request as Identified;
    const variables: Record<string, unknown> = { ...(of.variables.has('first') ? { first: LIMITS.first } : {}), ...given };
    for (let begun = false; !asker.gone; ) {
      if (begun) {
        const refused = await again(request).then(
          () => null,
          (error: unknown) => (error instanceof PublicError ? error : new PublicError('INTERNAL')),
        );
        if (refused) {
          const { status, ...shown } = formatError(refused);
          yield { refused: { status, headers: {}, text: errorBody([shown]) } };
          return;
        }
      }
      const answered = await ask(request, of.source, variables);
      const wait = Number(answered.headers['retry-after'] ?? Number.NaN);
      if (begun && answered.status === 429 && wait <= LIMITS.requestSeconds) {
        await pause(wait * 1000);
        continue;
      }
      begun = true;
      const { data, errors } = JSON.parse(answered.text) as Answered;
      const list = data?.[key];
      if (answered.status !== 200 || !list || (whole && errors)) {
        yield { refused: answered };
        return;
      }
      const rows = (list[nodes] as Record<string, unknown>[] | null) ?? [];
      const { cursor, more } = told(list);
      yield { rows, cursor, more, errors };
      if (!more || cursor === null) return;
      variables.after = cursor;
    }
  }
}
