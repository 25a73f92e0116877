/**
 * `GET /sharing` and `/sharing/fields`: the agreement, for everybody. `GET /sharing/family`: what a client would see of a family, asked as
 * any client asks, with the reader's own token.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { matrixRows } from '../access/matrix.ts';
import type { AccessExplanation, AgencyView, Viewer } from '../graphql/generated.ts';
import type { AssembledSchema } from '../graphql/schema.ts';
import type { PageOptions } from './evidence-pack.ts';
import { pageHeaders } from './page.ts';
import { fromOwnPage } from './playground.ts';
import {
  agreementPage,
  CONTENT_POLICY,
  type FamilyForm,
  familyPage,
  fieldsPage,
  noTokenPage,
  notForYouPage,
  type Reader,
} from './sharing-page.ts';

const VIEWER = 'query SharingReader { viewer { scopes } }';

const VIEW = `query SharingFamily($client: String, $agency: Agency, $user: String, $purpose: String, $family: ID!, $person: ID) {
  agencyView(client: $client, agency: $agency, user: $user, purpose: $purpose, family: $family, person: $person) {
    client organisation agency user purpose agreementVersion others there
    steps { words from until }
    fields { type field class verdict alike }
  }
}`;

type Answered<T> = { data?: T; errors?: { message: string; extensions: { code: string } }[] };

const WHY = `query SharingWhy($client: String!, $user: String, $purpose: String, $family: ID!, $person: ID, $field: String!, $row: ID) {
  explainAccess(client: $client, user: $user, purpose: $purpose, family: $family, person: $person, field: $field, row: $row) {
    field client organisation user purpose agreementVersion verdict
    steps { words from until }
  }
}`;

const FIELDS = ['family', 'person', 'client', 'agency', 'user', 'purpose', 'field', 'row', 'as'] as const;

/** As whom the page of who checks may be opened without a token: the demonstration's governance leads, in development alone. */
export type SharingReaders = {
  people: readonly Reader[];
  /** A token for one of them, by the client; null where it is none of them. */
  token(client: string): Promise<string | null>;
};

/** What was filled in; each once, and no longer than an id or a name is. */
function formOf(query: unknown): FamilyForm {
  const given = query as Record<string, unknown>;
  return Object.fromEntries(
    FIELDS.map((name) => [name, typeof given[name] === 'string' ? (given[name] as string).trim().slice(0, 200) : '']),
  ) as FamilyForm;
}

const PAGE_HEADERS = pageHeaders(CONTENT_POLICY);

const send = (reply: FastifyReply, status: number, page: string) =>
  reply.code(status).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page);

export function addSharingPages(
  app: FastifyInstance,
  { schema, classes }: AssembledSchema,
  options: PageOptions,
  readers?: SharingReaders,
): void {
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
  const answered = (reply: FastifyReply, { status, headers, text }: Awaited<ReturnType<typeof ask>>) =>
    reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
  app.get(
    '/sharing/family',
    {
      exposeHeadRoute: false,
      onRequest: async (request, reply) => {
        if (readers && request.headers.authorization === undefined) {
          const { as } = formOf(request.query);
          const token = fromOwnPage(request) && as !== '' ? await readers.token(as) : null;
          // Nobody has been chosen yet: the empty form asks nothing of anybody.
          if (token === null) return send(reply, 200, familyPage(formOf(request.query), null, null, readers.people));
          request.headers.authorization = `Bearer ${token}`;
        }
        return onRequest(request, reply);
      },
      onSend: async (request, reply, payload) => {
        await onSend(request, reply);
        // A person is told in a page what a program is told in JSON.
        if (reply.statusCode !== 401 || !/\btext\/html\b/.test(request.headers.accept ?? '')) return payload;
        void reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').removeHeader('content-length');
        return noTokenPage();
      },
    },
    async (request, reply) => {
      const form = formOf(request.query);
      const people = form.as === '' ? [] : (readers?.people ?? []);
      const page = (status: number, fault: string | null, view: Parameters<typeof familyPage>[2]) =>
        send(reply, status, familyPage(form, fault, view, people));
      if (form.family === '') {
        const told = await ask(request, VIEWER, {});
        if (told.status !== 200) return answered(reply, told);
        const { data } = JSON.parse(told.text) as Answered<{ viewer: Viewer }>;
        return data?.viewer.scopes.includes('role:information-governance') ? page(200, null, null) : send(reply, 403, notForYouPage());
      }
      const { field, row, as: _reader, ...asks } = form;
      const given = (of: Record<string, string>) => Object.fromEntries(Object.entries(of).filter(([, value]) => value !== ''));
      if (field !== '' && form.client === '') return page(400, 'The reasons of one field are of one client: name it.', null);
      const told = await (field === '' ? ask(request, VIEW, given(asks)) : ask(request, WHY, given({ ...asks, agency: '', field, row })));
      const { data, errors = [] } = JSON.parse(told.text) as Answered<{ agencyView?: AgencyView; explainAccess?: AccessExplanation }>;
      const code = errors[0]?.extensions.code;
      if (code === 'FORBIDDEN') return send(reply, 403, notForYouPage());
      if (code === 'BAD_USER_INPUT' || code === 'BAD_ID') return page(400, errors[0]?.message as string, null);
      if (told.status !== 200) return answered(reply, told);
      const view = data?.agencyView ?? data?.explainAccess ?? null;
      const fault = view ? null : 'There is no such family, person, client or row, or it is not yours to ask about.';
      return page(view ? 200 : 404, fault, view);
    },
  );
}

/** `GET /`: somebody typed the address alone. Where there is a playground that is what they look for, else the agreement. */
export function addFrontDoor(app: FastifyInstance, playground: boolean): void {
  app.get('/', { exposeHeadRoute: false }, async (_request, reply) => reply.redirect(playground ? '/playground' : '/sharing', 302));
}
