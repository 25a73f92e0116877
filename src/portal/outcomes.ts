/**
 * `GET /outcomes`: the outcome framework in pictures, and `/outcomes/<picture>.svg` and `.csv`, each by itself. All of it is what one published
 * document answers the reader's own token: the pages can hold nothing that the client may not have.
 */
import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { csvLine, sheetText } from '../exchange/csv.ts';
import { quarterBefore } from '../outcome/edition.ts';
import type { PageOptions } from './evidence-pack.ts';
import { type Asked, type Cell, type OutcomesForm, type Picture, sectionsOf } from './outcome-pictures.ts';
import { CONTENT_POLICY, EMPTY, formPage, noSuchPicturePage, noTokenPage, outcomesPage, quarterEnds } from './outcomes-page.ts';
import { pageHeaders } from './page.ts';
import { fromOwnPage } from './playground.ts';
import type { SharingReaders } from './sharing.ts';

const PAGE_HEADERS = pageHeaders(CONTENT_POLICY);

/** What is kept as a file: it is not shown in the place of a page, and runs nothing where it is. */
const FILE_HEADERS = pageHeaders("default-src 'none'; frame-ancestors 'none'; sandbox");

const LENGTHS = { MONTH: 24, QUARTER: 72, YEAR: 120 } as const;
const YEARS = 120;

/** The first day of the months before and with one. */
function monthsBack(last: string, months: number): string {
  return new Date(Date.UTC(Number(last.slice(0, 4)), Number(last.slice(5, 7)) - months, 1)).toISOString().slice(0, 10);
}

const lastDay = (month: string): string =>
  new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5, 7)), 0)).toISOString().slice(0, 10);

/** What the address asks for, or a sentence that says what is wrong with it. */
function formOf(query: unknown, latest: string): OutcomesForm | string {
  const given = query as Record<string, unknown>;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(EMPTY, name)) return `This page has no such parameter; it has ${Object.keys(EMPTY).join(', ')}.`;
    if (typeof value !== 'string') return `${name} is given more than once.`;
  }
  const { period = '', district = '', until = '', as = '' } = given as Record<string, string>;
  if (period !== '' && !Object.hasOwn(LENGTHS, period)) return `The period is one of ${Object.keys(LENGTHS).join(', ')}.`;
  if (!/^(?:[A-Z]\d{8})?$/.test(district)) return 'A district is named by its ONS code, as E07000178.';
  if (until !== '' && !quarterEnds(latest).includes(until))
    return 'Until names the last month of a quarter that is over, of the last six years, as 2026-03.';
  return { period: (period || 'MONTH') as OutcomesForm['period'], district, until, as: as.slice(0, 200) };
}

/** A cell of a file: what a spreadsheet would take for a formula is text, and numbers stay numbers. */
const csvCell = (cell: Cell): string => (typeof cell === 'string' ? sheetText(cell) : cell.number);

/** A picture's table as a file (RFC 4180, UTF-8). */
export const csvOf = ({ head, rows }: Pick<Picture, 'head' | 'rows'>): string =>
  [head, ...rows].map((row) => csvLine(row.map(csvCell))).join('');

type Answer = Awaited<ReturnType<PageOptions['ask']>>;

export function addOutcomesPages(app: FastifyInstance, { onRequest, onSend, ask }: PageOptions, readers?: SharingReaders): void {
  const document = readFileSync(new URL('../../operations/outcomes-page.graphql', import.meta.url), 'utf8');
  const latest = () => quarterBefore(new Date().toISOString().slice(0, 10));
  const send = (reply: FastifyReply, status: number, page: string) =>
    reply.code(status).headers(PAGE_HEADERS).type('text/html; charset=utf-8').send(page);
  const nobody = (form: OutcomesForm, fault: string | null) =>
    formPage(form, fault, { latest: latest(), districts: [], readers: readers?.people ?? [] });

  /** Asks for all of it: the indicators page by page. @returns the first answer that is none. */
  async function all(request: FastifyRequest, form: OutcomesForm): Promise<Asked | Answer> {
    const to = form.until === '' ? latest() : lastDay(form.until);
    const variables = {
      by: form.district === '' ? [] : ['DISTRICT'],
      months: form.period === 'MONTH',
      quarters: form.period !== 'YEAR',
      from: monthsBack(to, LENGTHS[form.period]),
      since: monthsBack(to, YEARS),
      to,
    };
    let asked = null as Asked | null;
    for (let after: string | null | undefined; after !== null; ) {
      const told = await ask(request, document, { ...variables, ...(after === undefined ? {} : { after }) });
      const { data } = JSON.parse(told.text) as { data?: Asked | null };
      if (told.status !== 200 || !data) return told;
      asked = asked === null ? data : { ...asked, outcomeIndicators: together(asked, data) };
      const { hasNextPage, endCursor } = data.outcomeIndicators?.pageInfo ?? { hasNextPage: false, endCursor: null };
      after = hasNextPage ? endCursor : null;
    }
    return asked as Asked;
  }

  const hooks = {
    exposeHeadRoute: false,
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      if (readers && request.headers.authorization === undefined) {
        const form = formOf(request.query, latest());
        if (typeof form === 'string') return send(reply, 400, nobody(EMPTY, form));
        const token = fromOwnPage(request) && form.as !== '' ? await readers.token(form.as) : null;
        // Nobody has been chosen yet: the empty form asks nothing of anybody.
        if (token === null) return send(reply, 200, nobody(form, null));
        request.headers.authorization = `Bearer ${token}`;
      }
      return onRequest(request, reply);
    },
    onSend: async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
      await onSend(request, reply);
      // A person is told in a page what a program is told in JSON.
      if (reply.statusCode !== 401 || !/\btext\/html\b/.test(request.headers.accept ?? '')) return payload;
      void reply.headers(PAGE_HEADERS).type('text/html; charset=utf-8').removeHeader('content-length');
      return noTokenPage();
    },
  };

  /** Answers with the pictures, or with what is wrong. */
  async function answer(request: FastifyRequest, reply: FastifyReply, shown: (form: OutcomesForm, asked: Asked) => Promise<unknown>) {
    const form = formOf(request.query, latest());
    if (typeof form === 'string') return send(reply, 400, nobody(EMPTY, form));
    const asked = await all(request, form);
    if ('status' in asked) return reply.code(asked.status).headers(asked.headers).type('application/json; charset=utf-8').send(asked.text);
    if (form.district !== '' && !asked.districts?.some(({ code }) => code === form.district))
      return send(reply, 400, nobody(EMPTY, 'There is no district of this code.'));
    return shown(form, asked);
  }

  app.get('/outcomes', hooks, async (request, reply) =>
    answer(request, reply, async (form, asked) => {
      const sections = sectionsOf(asked, form);
      const svg = new Map<string, string>();
      for (const picture of sections.flatMap(({ groups }) => groups.flatMap(({ pictures }) => pictures)))
        svg.set(picture.name, await picture.draw());
      const people = form.as === '' ? [] : (readers?.people ?? []);
      return send(reply, 200, outcomesPage(form, asked, sections, svg, { latest: latest(), readers: people }));
    }),
  );
  app.get<{ Params: { file: string } }>('/outcomes/:file', hooks, async (request, reply) =>
    answer(request, reply, async (form, asked) => {
      const [, name, kind] = /^([A-Za-z0-9-]+)\.(svg|csv)$/.exec(request.params.file) ?? [];
      const picture = sectionsOf(asked, form)
        .flatMap(({ groups }) => groups.flatMap(({ pictures }) => pictures))
        .find((each) => each.name === name);
      if (!picture) return send(reply, 404, noSuchPicturePage());
      return reply
        .headers(FILE_HEADERS)
        .header('content-disposition', `attachment; filename="${name}.${kind}"`)
        .type(kind === 'svg' ? 'image/svg+xml; charset=utf-8' : 'text/csv; charset=utf-8')
        .send(kind === 'svg' ? await picture.draw() : csvOf(picture));
    }),
  );
}

const together = (first: Asked, next: Asked): Asked['outcomeIndicators'] =>
  next.outcomeIndicators && {
    ...next.outcomeIndicators,
    nodes: [...(first.outcomeIndicators?.nodes ?? []), ...(next.outcomeIndicators.nodes ?? [])],
  };
