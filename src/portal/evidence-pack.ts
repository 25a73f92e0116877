/** `GET /evidence-packs/<id>`: an evidence pack as a page to be printed, asked as any client asks, with the reader's own token. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EvidencePackQuery } from '../graphql/operations/graphql.ts';
import { CONTENT_POLICY, evidencePage, missingPage, type Pack, type Refused } from './evidence-page.ts';

/** What the pages need from the server they are part of. */
export type PageOptions = {
  /** Says who asks, or answers that it cannot be said. */
  onRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  onSend: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  /** Asks a document as the request's caller, the way of every document: rules, budget, disclosure record. */
  ask: (
    request: FastifyRequest,
    query: string,
    variables: Record<string, unknown>,
  ) => Promise<{ status: number; headers: Record<string, string>; text: string }>;
};

/** A page of people's data: nothing keeps it, frames it or learns where it stood. */
export const PAGE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': `${CONTENT_POLICY}; frame-ancestors 'none'`,
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

type AnswerBody = {
  data?: EvidencePackQuery;
  errors?: { extensions: { code: string; field?: string; at?: string } }[];
};

export function addEvidencePages(app: FastifyInstance, { onRequest, onSend, ask }: PageOptions): void {
  const document = readFileSync(new URL('../../operations/evidence-pack.graphql', import.meta.url), 'utf8');
  app.get<{ Params: { id: string } }>(
    '/evidence-packs/:id',
    { exposeHeadRoute: false, onRequest, onSend: async (request, reply) => onSend(request, reply) },
    async (request, reply) => {
      const { status, headers, text } = await ask(request, document, { id: request.params.id });
      const { data, errors = [] } = JSON.parse(text) as AnswerBody;
      // What is no id, what is another thing's, a hidden pack's and nobody's have one answer.
      const unknown = errors.some(({ extensions }) => extensions.code === 'BAD_ID');
      if (status !== 200 && !unknown) return reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
      const pack = data?.node && 'plans' in data.node ? (data.node as Pack) : null;
      const refused = errors.flatMap(({ extensions: { field, at } }): Refused[] =>
        field && at?.startsWith('node.') ? [{ field, at }] : [],
      );
      return reply
        .code(pack ? 200 : 404)
        .headers(PAGE_HEADERS)
        .type('text/html; charset=utf-8')
        .send(pack ? evidencePage(pack, refused, new Date()) : missingPage());
    },
  );
}
