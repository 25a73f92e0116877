/** `GET /subject-access/<id>`: what goes out to somebody who asked for their own data, as a page to be printed. */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import type { SubjectAccessQuery } from '../graphql/operations/graphql.ts';
import { PAGE_HEADERS, type PageOptions } from './evidence-pack.ts';
import { page } from './evidence-page.ts';
import { type Html, html } from './html.ts';

type Request = Extract<NonNullable<SubjectAccessQuery['node']>, { received: unknown }>;
type Item = NonNullable<NonNullable<Request['items']>['nodes']>[number];

/** At most so many pages of a hundred rows: a whole family's ten years have a tenth of it. */
const MOST_PAGES = 200;

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
const on = (date: string | null): string | null => date && day.format(new Date(date.length > 10 ? date : `${date}T00:00:00Z`));
const capital = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}`;

/** What is held back of an item leaves no trace: that a text named somebody tells of them. */
function article({ fields }: Item): Html | null {
  const shown = (fields ?? []).filter(({ heldBack, value }) => heldBack === false && value !== null);
  if (shown.length === 0) return null;
  return html`<article class="short"><dl>${shown.map(({ name, value }) => html`<dt>${capital(name ?? '')}</dt><dd>${value}</dd>`)}</dl></article>\n`;
}

function sections(items: Item[]): Html[] {
  const nouns = new Map<string, Html[]>();
  for (const item of items) {
    const shown = article(item);
    const noun = item.section?.noun;
    if (shown && noun) nouns.set(noun, [...(nouns.get(noun) ?? []), shown]);
  }
  return [...nouns].map(([noun, articles]) => html`<section><h2>${capital(noun)}</h2>${articles}</section>\n`);
}

/** The whole page. The words about what is left out are the same for everybody: what they were about would tell. */
export function subjectAccessPage(request: Request, items: Item[]): string {
  const { person, organisation } = request;
  const facts: [string, string | null][] = [
    ['About', [person?.givenName, person?.familyName].filter(Boolean).join(' ') || null],
    [
      'Asked for by',
      request.requester === 'SELF' ? 'the person themself' : request.requester === 'PARENT' ? 'a parent' : request.requesterName,
    ],
    ['Request received', on(request.received)],
    ['Held by', [organisation?.name, organisation?.phone].filter(Boolean).join(', ') || null],
    ['Signed', request.signedAt && [request.signedBy, on(request.signedAt)].filter(Boolean).join(', ')],
  ];
  const others = (request.notices ?? [])
    .map(({ addressee }) => [addressee?.name, addressee?.phone].filter(Boolean).join(', '))
    .filter(Boolean);
  const title = 'Your data';
  return page(
    title,
    html`<header><h1>${title}</h1><dl>${facts.map(([label, value]) => value && html`<dt>${label}</dt><dd>${value}</dd>`)}</dl>
${!request.signedAt && html`<p class="note">Not signed: a draft, which does not go out.</p>`}
<p class="note">You may ask to have put right what is wrong, object to its use, and complain to the Information Commissioner (ico.org.uk).
The law lets some data be left out: what is about other people, what was said in confidence, what a court holds, and what could harm
somebody. Whether any was left out here is not said, because to say so can do the same harm.</p>
${others.length > 0 && html`<p class="note">Others who work with you hold data of their own, and were told that you asked: ${others.join('; ')}.</p>`}</header>
<main>${sections(items)}</main>`,
  );
}

const missing = (): string => page('Not found', html`<main><h1>Not found</h1><p>There is no such request for you.</p></main>`);

export function addSubjectAccessPages(app: FastifyInstance, { onRequest, onSend, ask }: PageOptions): void {
  const document = readFileSync(new URL('../../operations/subject-access.graphql', import.meta.url), 'utf8');
  app.get<{ Params: { id: string } }>(
    '/subject-access/:id',
    { exposeHeadRoute: false, onRequest, onSend: async (request, reply) => onSend(request, reply) },
    async (request, reply) => {
      let first: Request | null = null;
      const items: Item[] = [];
      let after: string | null = null;
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const { status, headers, text } = await ask(request, document, { id: request.params.id, ...(after ? { after } : {}) });
        const { data, errors = [] } = JSON.parse(text) as { data?: SubjectAccessQuery; errors?: { extensions: { code: string } }[] };
        const unknown = errors.some(({ extensions }) => extensions.code === 'BAD_ID');
        if (status !== 200 && !unknown) return reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
        const found: Request | null = data?.node && 'received' in data.node && data.node.items ? (data.node as Request) : null;
        if (!found?.items) break;
        first ??= found;
        items.push(...(found.items.nodes ?? []));
        after = found.items.pageInfo.endCursor;
        if (!found.items.pageInfo.hasNextPage || !after) break;
      }
      return reply
        .code(first ? 200 : 404)
        .headers(PAGE_HEADERS)
        .type('text/html; charset=utf-8')
        .send(first ? subjectAccessPage(first, items) : missing());
    },
  );
}
