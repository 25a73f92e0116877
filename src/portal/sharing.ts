/**
 * `GET /sharing` and `/sharing/fields`: the agreement, for everybody. `GET /sharing/family`: what a client would see of a family, asked as
 * any client asks, with the reader's own token.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { matrixRows } from '../access/matrix.ts';
import type { AgencyView, Viewer } from '../graphql/generated.ts';
import type { AssembledSchema } from '../graphql/schema.ts';
import type { PageOptions } from './evidence-pack.ts';
import { agreementPage, CONTENT_POLICY, type FamilyForm, familyPage, fieldsPage, notForYouPage } from './sharing-page.ts';

const VIEWER = 'query SharingReader { viewer { scopes } }';

const VIEW = `query SharingFamily($client: String, $agency: Agency, $user: String, $purpose: String, $family: ID!, $person: ID) {
  agencyView(client: $client, agency: $agency, user: $user, purpose: $purpose, family: $family, person: $person) {
    client organisation agency user purpose agreementVersion there
    steps { words from until }
    fields { type field class verdict alike }
  }
}`;

type Answered<T> = { data?: T; errors?: { message: string; extensions: { code: string } }[] };

const FIELDS = ['family', 'person', 'client', 'agency', 'user', 'purpose'] as const;

/** What was filled in; each once, and no longer than an id or a name is. */
function formOf(query: unknown): FamilyForm {
  const given = query as Record<string, unknown>;
  return Object.fromEntries(
    FIELDS.map((name) => [name, typeof given[name] === 'string' ? (given[name] as string).trim().slice(0, 200) : '']),
  ) as FamilyForm;
}

const send = (reply: FastifyReply, status: number, page: string) =>
  reply
    .code(status)
    .headers({
      'cache-control': 'no-store',
      'content-security-policy': CONTENT_POLICY,
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    .type('text/html; charset=utf-8')
    .send(page);

export function addSharingPages(app: FastifyInstance, { schema, classes }: AssembledSchema, options: PageOptions): void {
  const { onRequest, onSend, ask } = options;
  let agreement: string | null = null;
  let fields: string | null = null;
  app.get('/sharing', { exposeHeadRoute: false }, async (_request, reply) => {
    agreement ??= agreementPage();
    return send(reply, 200, agreement);
  });
  app.get('/sharing/fields', { exposeHeadRoute: false }, async (_request, reply) => {
    fields ??= fieldsPage(matrixRows(schema, classes));
    return send(reply, 200, fields);
  });
  app.get(
    '/sharing/family',
    { exposeHeadRoute: false, onRequest, onSend: async (request, reply) => onSend(request, reply) },
    async (request, reply) => {
      const form = formOf(request.query);
      if (form.family === '') {
        const { status, headers, text } = await ask(request, VIEWER, {});
        if (status !== 200) return reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
        const { data } = JSON.parse(text) as Answered<{ viewer: Viewer }>;
        return data?.viewer.scopes.includes('role:information-governance')
          ? send(reply, 200, familyPage(form, null, null))
          : send(reply, 403, notForYouPage());
      }
      const variables = Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''));
      const { status, headers, text } = await ask(request, VIEW, variables);
      const { data, errors = [] } = JSON.parse(text) as Answered<{ agencyView: AgencyView | null }>;
      const code = errors[0]?.extensions.code;
      if (code === 'FORBIDDEN') return send(reply, 403, notForYouPage());
      if (code === 'BAD_USER_INPUT' || code === 'BAD_ID') return send(reply, 400, familyPage(form, errors[0]?.message as string, null));
      if (status !== 200) return reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
      const view = data?.agencyView ?? null;
      const fault = view ? null : 'There is no such family, person or client, or it is not yours to ask about.';
      return send(reply, view ? 200 : 404, familyPage(form, fault, view));
    },
  );
}
