/**
 * The directory as Open Referral UK 3.0, for anybody: no token, any origin, within a budget for each address. It is read on the
 * login of the gate, over connections of its own.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import postgres from 'postgres';
import { type Budget, createBudgets, rateLimitHeaders } from '../../access/budget.ts';
import type { DatabaseServer } from '../../config.ts';
import { machineLogin } from '../../db/logins.ts';
import { clientOptions } from '../../db/pools.ts';
import { PublicError } from '../../errors.ts';
import { sendError } from '../../http.ts';
import { LIMITS } from '../../limits.ts';
import { isSecretPlace } from './guard.ts';
import { isUuid, type Json } from './profile.ts';

export const PUBLIC_BUDGET: Budget = { units: LIMITS.publicBudget, restorePerSecond: LIMITS.publicRestore };

/** Members of a service that a list leaves out. */
const NESTED = "array['schedules','service_areas','service_at_locations','languages','funding','cost_options','contacts','attributes']";

type Query = Record<string, string>;

/** A statement being put together: conditions with their values. */
type Conditions = { where: string[]; values: string[]; value(text: string): string };

function conditions(...where: string[]): Conditions {
  const values: string[] = [];
  return { where, values, value: (text) => `$${values.push(text)}` };
}

const bad = (name: string, must: string) => new PublicError('BAD_REQUEST', `${name} must be ${must}.`);

function wholeNumber(query: Query, name: string, least: number, most: number, otherwise: number): number {
  const written = query[name];
  if (written === undefined || written === '') return otherwise;
  const value = Number(written);
  if (!/^\d{1,9}$/.test(written) || value < least || value > most) throw bad(name, `a whole number from ${least} to ${most}`);
  return value;
}

const given = (query: Query, name: string): string | null => {
  const written = query[name];
  return written === undefined || written === '' ? null : written;
};

const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
const NAMES = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY'];

/** The profile's filters of services; they all hold. */
function serviceFilters(query: Query, { where, value }: Conditions): void {
  const search = given(query, 'search');
  if (search !== null)
    where.push(
      `s.id = any (array(select f.service from fsp.service_document f where f.search @@ websearch_to_tsquery('english', ${value(search.slice(0, 500))})))`,
    );
  for (const [name, sign] of [
    ['minimum_age', '>='],
    ['maximum_age', '<='],
  ] as const) {
    const age = given(query, name);
    if (age === null) continue;
    if (!/^\d{1,3}(\.\d{1,3})?$/.test(age)) throw bad(name, 'an age in years');
    where.push(`s.${name} ${sign} ${value(age)}::numeric`);
  }
  for (const [name, column] of [
    ['taxonomy_term_id', 't.id'],
    ['taxonomy_id', 't.taxonomy'],
  ] as const) {
    const id = given(query, name);
    if (id === null) continue;
    if (!isUuid(id)) throw bad(name, 'a UUID');
    where.push(
      `(select true from fsp.service_term h join fsp.directory_term t on t.id = h.term where h.service = s.id and ${column} = ${value(id)}::uuid limit 1)`,
    );
  }
  // Of one schedule: one that is open on Mondays at some time does not make one of Tuesdays.
  const schedule: string[] = [];
  for (const [name, column, sign] of [
    ['start_time', 'opens', '>='],
    ['end_time', 'closes', '<='],
  ] as const) {
    const time = given(query, name);
    if (time === null) continue;
    if (!/^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(time)) throw bad(name, 'a time like 09:30');
    schedule.push(`c.${column} ${sign} ${value(time)}::time`);
  }
  const day = given(query, 'day');
  if (day !== null) {
    const asked = day.toUpperCase();
    const code = DAYS.includes(asked) ? asked : DAYS[NAMES.indexOf(asked)];
    if (code === undefined) throw bad('day', `one of ${DAYS.join(', ')}`);
    schedule.push(`(c.days && array[${['', '1', '2', '3', '4', '5', '-1'].map((n) => `'${n}${code}'`).join(', ')}])`);
  }
  if (schedule.length > 0)
    where.push(`(select true from fsp.service_schedule c where c.service = s.id and ${schedule.join(' and ')} limit 1)`);
}

/** A statement's pieces: what is listed, from where, in which order. */
type Listed = {
  item: string;
  /** What is looked at before it goes out: the service that it is of, the taxonomy, or the term. */
  whole: string;
  from: string;
  order: string;
  conditions: Conditions;
};

/** What is in the directory and goes out: what does not is not counted either. */
const OUT = 's.retired_at is null and not d.secret';

function services(query: Query): Listed {
  const found = conditions(OUT);
  serviceFilters(query, found);
  return { item: `d.document - ${NESTED}`, whole: 'd.document', from: SERVICES, order: 's.id', conditions: found };
}

const SERVICES = 'fsp.service s join fsp.service_document d on d.service = s.id';
const AT_LOCATIONS = `fsp.service_location a join ${SERVICES} on s.id = a.service`;

/** A location as its service's document has it; `nested` with its addresses and accessibility. */
const located = (nested: boolean) =>
  `jsonb_build_object('id', a.public_id, 'location', (select (x -> 'location')${nested ? '' : " - array['addresses','accessibility','attributes']"} from jsonb_array_elements(d.document -> 'service_at_locations') x where x ->> 'id' = a.public_id::text limit 1), 'service', d.document${nested ? " - 'service_at_locations'" : ` - ${NESTED}`})`;

const WITH_LOCATION = `jsonb_path_exists(d.document, '$.service_at_locations[*] ? (@.id == $id && exists (@.location))', jsonb_build_object('id', a.public_id))`;

async function atLocations(query: Query, ask: Ask): Promise<Listed> {
  const found = conditions(OUT, WITH_LOCATION);
  serviceFilters(query, found);
  const postcode = given(query, 'postcode');
  const proximity = given(query, 'proximity');
  if (proximity !== null && (postcode === null || !/^\d{1,7}(\.\d{1,3})?$/.test(proximity)))
    throw bad('proximity', 'metres from a postcode');
  if (postcode !== null) {
    const [area] = await ask('select a.latitude, a.longitude, a.district from fsp.postcode_area a where a.outward = fsp.outward_of($1)', [
      postcode.slice(0, 20),
    ]);
    if (!area) throw bad('postcode', 'one of this area');
    if (proximity === null) {
      // The profile asks for services whose area has the postcode; areas are words, districts are known.
      found.where.push(`(s.district is null or s.district = ${found.value(String(area.district))})`);
    } else {
      const [latitude, longitude, within] = [area.latitude, area.longitude, proximity].map(
        (each) => `${found.value(String(each))}::float8`,
      );
      found.where.push(
        `a.latitude between ${latitude} - ${within} / 111195 and ${latitude} + ${within} / 111195`,
        `fsp.metres(${latitude}, ${longitude}, a.latitude, a.longitude) <= ${within}`,
      );
    }
  }
  return { item: located(false), whole: 'd.document', from: AT_LOCATIONS, order: 'a.id', conditions: found };
}

// A taxonomy, or a term, that no service has any more is not listed.
const USED = `not t.secret and exists (select from fsp.service_term h join ${SERVICES} on s.id = h.service where h.term = t.id and ${OUT})`;

const taxonomies = (): Listed => ({
  item: 'x.document',
  whole: 'x.document',
  from: 'fsp.directory_taxonomy x',
  order: 'x.id',
  conditions: conditions(`not x.secret and exists (select from fsp.directory_term t where t.taxonomy = x.id and ${USED})`),
});

const terms = (): Listed => ({
  item: 't.document',
  whole: 't.document',
  from: 'fsp.directory_term t',
  order: 't.id',
  conditions: conditions(USED),
});

type Ask = (text: string, values: string[]) => Promise<Record<string, unknown>[]>;

/** Who a budget is of: an address; of IPv6 a household's network (/64), however its zeros are written. */
export function payerOf(address: string): string {
  if (address.includes('.')) return address;
  const [before = '', after] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [first, last] = [groups(before), groups(after ?? '')];
  const zeros = after === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  return [...first, ...Array<string>(zeros).fill('0'), ...last]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

export type OpenReferralOptions = {
  server: DatabaseServer;
  secret: string;
  budget?: Budget | undefined;
  /** Told of what would have gone out and must not. */
  withheld(id: unknown): void;
};

const withoutNulls = (value: Json): Json => Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null));

/** Adds `/open-referral/`. @returns what ends its connections. */
export function addOpenReferral(app: FastifyInstance, { server, secret, budget = PUBLIC_BUDGET, withheld }: OpenReferralOptions) {
  const sql = postgres(clientOptions(server, machineLogin(server, 'gate'), secret, LIMITS.publicConnections));
  const budgets = createBudgets(budget);
  let running = 0;
  const ask: Ask = async (text, values) => {
    // postgres.js would let them wait without an end.
    if (running >= LIMITS.publicConnections * 25) throw new PublicError('UNAVAILABLE');
    running++;
    try {
      return (await sql.unsafe(text, values)) as unknown as Record<string, unknown>[];
    } finally {
      running--;
    }
  };

  const begin = async (request: FastifyRequest, reply: FastifyReply) => {
    void reply
      .header('access-control-allow-origin', '*')
      .header('access-control-expose-headers', 'x-request-id, x-correlation-id, ratelimit, ratelimit-policy, retry-after')
      .header('cross-origin-resource-policy', 'cross-origin');
    const payer = payerOf(request.ip);
    const { granted, wait } = budgets.take(payer, 1);
    void reply.headers(rateLimitHeaders(budget, budgets.left(payer)));
    if (!granted) {
      return sendError(
        request,
        reply,
        new PublicError(
          'BUDGET_SPENT',
          'This address has asked for more than it may within a time; wait as Retry-After says.',
          {},
          { 'retry-after': String(wait) },
        ),
      );
    }
  };
  /** What would tell of a refuge does not go out, however it came in: the whole service is looked at, whatever is shown of it. */
  const open = ({ whole }: Record<string, unknown>): boolean => {
    if (!whole || !isSecretPlace(whole as Json)) return true;
    withheld((whole as Json).id);
    return false;
  };
  const send = (reply: FastifyReply, body: unknown) =>
    reply.header('cache-control', 'public, max-age=60').type('application/json; charset=utf-8').send(JSON.stringify(body));

  const route = (url: string, handler: (query: Query, id: string) => Promise<unknown>) => {
    app.get(url, {
      onRequest: begin,
      handler: async (request, reply) => {
        const asked = request.query as Record<string, unknown>;
        const repeated = Object.entries(asked).find(
          ([, value]) => typeof value !== 'string' || value.includes('\0') || !value.isWellFormed(),
        );
        if (repeated)
          return sendError(request, reply, bad(repeated[0].slice(0, 50).replace(/[^\w]/g, ''), 'said once, in readable characters'));
        try {
          return send(reply, await handler(asked as Query, (request.params as { id?: string }).id ?? ''));
        } catch (error) {
          if (error instanceof PublicError) return sendError(request, reply, error);
          throw error;
        }
      },
    });
    app.options(url, {
      onRequest: begin,
      handler: async (_request, reply) =>
        reply
          .code(204)
          .header('access-control-allow-methods', 'GET')
          .header('access-control-allow-headers', 'x-request-id, x-correlation-id')
          .header('access-control-max-age', '86400')
          .send(),
    });
  };

  const page = async (query: Query, { item, whole, from, order, conditions: { where, values } }: Listed) => {
    const size = wholeNumber(query, 'per_page', 1, LIMITS.publicPage, 50);
    const number = wholeNumber(query, 'page', 1, 1_000_000, 1);
    const matching = `from ${from} where ${where.join(' and ')}`;
    const [[counted], rows] = await Promise.all([
      ask(`select count(*)::int as n ${matching}`, values),
      ask(
        `select ${item} as document, ${whole} as whole ${matching} order by ${order} limit ${size} offset ${(number - 1) * size}`,
        values,
      ),
    ]);
    const total = Number(counted?.n);
    const pages = Math.max(1, Math.ceil(total / size));
    const contents = rows.filter(open).map(({ document }) => withoutNulls(document as Json));
    return {
      total_items: total,
      total_pages: pages,
      page_number: number,
      size: contents.length,
      first_page: number === 1,
      last_page: number >= pages,
      empty: contents.length === 0,
      contents,
    };
  };

  const one = async (id: string, text: string) => {
    const [row] = isUuid(id) ? await ask(text, [id]) : [];
    if (!row || !open(row)) throw new PublicError('NOT_FOUND');
    const document = withoutNulls(row.document as Json);
    const terms = document.taxonomy_terms;
    return Array.isArray(terms) ? { ...document, taxonomy_terms: terms.filter((whole) => open({ whole })) } : document;
  };

  const about = {
    version: 'HSDS-UK-3.0',
    profile: 'https://docs.openreferraluk.org/',
    openapi_url: 'https://raw.githubusercontent.com/OpenReferralUK/uk-profile/main/schema/openapi.json',
  };
  route('/open-referral', async () => about);
  route('/open-referral/', async () => about);
  route('/open-referral/services', async (query) => page(query, services(query)));
  route('/open-referral/services/:id', async (_query, id) =>
    one(id, `select d.document, d.document as whole from ${SERVICES} where s.public_id = $1::uuid and ${OUT}`),
  );
  route('/open-referral/service_at_locations', async (query) => page(query, await atLocations(query, ask)));
  route('/open-referral/service_at_locations/:id', async (_query, id) =>
    one(
      id,
      `select ${located(true)} as document, d.document as whole from ${AT_LOCATIONS} where a.public_id = $1::uuid and ${OUT} and ${WITH_LOCATION} order by a.id limit 1`,
    ),
  );
  route('/open-referral/taxonomies', async (query) => page(query, taxonomies()));
  route('/open-referral/taxonomies/:id', async (_query, id) =>
    one(
      id,
      `select x.document || jsonb_build_object('taxonomy_terms', (select jsonb_agg(t.document order by t.id) from fsp.directory_term t where t.taxonomy = x.id and ${USED})) as document, x.document as whole from fsp.directory_taxonomy x where x.id = $1::uuid and not x.secret and exists (select from fsp.directory_term t where t.taxonomy = x.id and ${USED})`,
    ),
  );
  route('/open-referral/taxonomy_terms', async (query) => page(query, terms()));
  route('/open-referral/taxonomy_terms/:id', async (_query, id) =>
    one(id, `select t.document, t.document as whole from fsp.directory_term t where t.id = $1::uuid and ${USED}`),
  );
  return { end: () => sql.end({ timeout: 5 }) };
}
