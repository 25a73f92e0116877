/**
 * Pulls a feed of Open Referral UK into the directory: every page, and of each service its full record. Safe to stop anywhere: what
 * was written stays, nothing is retired, and the next run goes on.
 */
import { LIMITS } from '../../limits.ts';
import { checkAddress, FeedError, type FetchOptions, fetchJson } from './fetch.ts';
import { type Fault, holdService, isObject, type Json } from './profile.ts';
import { type Ask, beginRun, endRun, type Feed, type Line, note, publish } from './publish.ts';

export type Counts = { created: number; updated: number; unchanged: number; failed: number };

export type Report = Counts & {
  /** Services seen. */
  services: number;
  pages: number;
  retired: number;
  /** Everything the feed has was seen. */
  complete: boolean;
  /** Why not, or what is odd about the feed. */
  fault: string | null;
  /** What was wrong with services, the first of them; all are counted. */
  lines: Line[];
};

/** Members that a list leaves out and a single record has. */
const NESTED = ['schedules', 'service_at_locations', 'service_areas', 'cost_options', 'contacts', 'attributes', 'languages', 'funding'];

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null);

/** The address of a list or record below the feed's own; what its address asks besides is kept. */
function below(base: string, path: string, query: Record<string, string> = {}): string {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/services$/, '')}${path}`;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  url.hash = '';
  return url.href;
}

type Page = { services: unknown[]; last: boolean; says: number | null };

/** A page's envelope, read with suspicion: the end is where it says so twice, or where nothing more comes. */
function readPage(answer: unknown, page: number): Page {
  const contents = Array.isArray(answer) ? answer : isObject(answer) ? answer.contents : null;
  if (!Array.isArray(contents)) throw new FeedError(`Page ${page} has no contents.`);
  const envelope = isObject(answer) ? answer : {};
  const pages = number(envelope.total_pages);
  const noMore =
    envelope.last_page === true || Array.isArray(answer) || (envelope.last_page === undefined && pages !== null && page >= pages);
  return { services: contents, last: noMore && (pages === null || page >= pages), says: number(envelope.total_items) };
}

const idOf = (service: unknown): string | null =>
  isObject(service) && ['string', 'number'].includes(typeof service.id) ? String(service.id) : null;

/** What of a list's service is not yet the full record is fetched; one that cannot be had is no reason to stop. */
async function details(
  base: string,
  services: unknown[],
  options: FetchOptions,
  inTime: () => void,
): Promise<{ records: unknown[]; lost: Set<number> }> {
  const records = [...services];
  const lost = new Set<number>();
  const waiting = services.flatMap((service, i) =>
    isObject(service) && idOf(service) !== null && !NESTED.some((name) => name in service) ? [i] : [],
  );
  const worker = async () => {
    for (let i = waiting.shift(); i !== undefined; i = waiting.shift()) {
      inTime();
      const id = idOf(services[i]) as string;
      try {
        const record = await fetchJson(below(base, `/services/${encodeURIComponent(id)}`), options);
        // Another's record under this id would be written as this one.
        if (isObject(record) && idOf(record) === id) records[i] = { ...(services[i] as Json), ...record };
        else lost.add(i);
      } catch (error) {
        if (!(error instanceof FeedError)) throw error;
        // What the feed does not have at all it will not have tomorrow: the list's record is all there is.
        if (error.again) lost.add(i);
      }
    }
  };
  await Promise.all(Array.from({ length: LIMITS.feedDetailsAtOnce }, worker));
  return { records, lost };
}

/** Where services go: into the directory, or nowhere when a feed is only looked at. */
type Sink = {
  /** @param services `undefined` where one could not be read. */ write(
    services: unknown[],
    seen: Set<string>,
    first: number,
  ): Promise<Line[]>;
  lost(lines: Line[]): Promise<void>;
};

async function walk(base: string, options: FetchOptions, sink: Sink): Promise<Report> {
  const report: Report = {
    created: 0,
    updated: 0,
    unchanged: 0,
    failed: 0,
    services: 0,
    pages: 0,
    retired: 0,
    complete: false,
    fault: null,
    lines: [],
  };
  const seen = new Set<string>();
  const listed = new Set<string>();
  let says: number | null = null;
  const deadline = Date.now() + (options.runSeconds ?? LIMITS.feedRunSeconds) * 1000;
  /** A feed that answers, but slowly, would keep all others waiting. */
  const inTime = () => {
    if (Date.now() >= deadline) throw new FeedError('The feed took too long.');
  };
  const take = (lines: Line[]) => {
    for (const line of lines) {
      report[line.result.toLowerCase() as keyof Counts]++;
      if (line.faults.length > 0 && report.lines.length < LIMITS.feedLines) report.lines.push(line);
    }
  };
  try {
    for (let page = 1; ; page++) {
      const most = options.pages ?? LIMITS.feedPages;
      if (page > most) throw new FeedError(`The feed has no end: it was broken off after ${most} pages.`);
      inTime();
      const {
        services,
        last,
        says: now,
      } = readPage(await fetchJson(below(base, '/services', { page: String(page), per_page: '100' }), options), page);
      if (services.length > LIMITS.feedPageServices)
        throw new FeedError(`Page ${page} has more than ${LIMITS.feedPageServices.toLocaleString('en')} services.`);
      report.pages = page;
      says = now ?? says;
      const before = listed.size;
      for (const service of services) {
        const id = idOf(service);
        if (id !== null) listed.add(id);
      }
      // A feed that does not know of pages gives the first one for ever.
      if (services.length > 0 && page > 1 && listed.size === before) {
        if (says !== null && listed.size >= says) break;
        throw new FeedError(`Page ${page} has nothing that was not there before: the feed does not page.`);
      }
      const { records, lost } = await details(base, services, options, inTime);
      const first = report.services + 1;
      report.services += services.length;
      const whole = records.map((record, i) => (lost.has(i) ? undefined : record));
      take(await sink.write(whole, seen, first));
      if (lost.size > 0) {
        const unread: Fault[] = [{ path: '', rule: 'UNREADABLE', message: 'Its full record cannot be had; what is there of it stays.' }];
        const lines = [...lost].map((i): Line => ({ line: first + i, sourceId: idOf(services[i]), result: 'FAILED', faults: unread }));
        await sink.lost(lines);
        take(lines);
      }
      if (services.length === 0 || last) break;
    }
    report.complete = true;
    if (says !== null && says > listed.size) {
      report.complete = false;
      report.fault = `The feed says it has ${says} services, and gave ${listed.size}: nothing was retired.`;
    } else if (says !== null && says < listed.size) report.fault = `The feed says it has ${says} services, and gave ${listed.size}.`;
    if (listed.size === 0) {
      report.complete = false;
      report.fault = 'The feed is empty: nothing was retired.';
    }
  } catch (error) {
    if (!(error instanceof FeedError)) throw error;
    report.fault = error.message;
  }
  return report;
}

/**
 * Pulls a feed.
 *
 * @param ask as the database's owner, autocommit: each service is in when it is written.
 */
export async function pullFeed(ask: Ask, feed: Feed & { url: string }, options: FetchOptions): Promise<Report> {
  // One pull of a feed at a time: a second would say that the first one's are unchanged, and count them.
  const { free } = (await ask('select pg_try_advisory_lock($1, $2) as free', [LOCK, feed.id])) as { free: boolean };
  if (!free) throw new FeedError(`The feed ${feed.code} is being pulled already.`);
  try {
    // An organisation does not reach what is inside the network by registering its address, nor by a redirect to it.
    const { named } = (await ask('select by_operator as named from fsp.service_feed where id = $1', [feed.id])) as { named: boolean };
    const reach = named ? options : { ...options, privateHosts: [] };
    checkAddress(feed.url, reach.privateHosts ?? []);
    const run = await beginRun(ask, feed);
    let told = 0;
    const tell = async (lines: Line[]) => {
      const said = lines.map((line) => (line.faults.length > 0 && told++ >= LIMITS.feedLines ? { ...line, faults: [] } : line));
      await note(ask, run, said, false);
    };
    const report = await walk(feed.url, reach, {
      async write(services, seen, first) {
        const lines = await publish(ask, feed, run, services, seen, first);
        await tell(lines);
        return lines;
      },
      async lost(lines) {
        await ask('select fsp.keep_services($1, $2)', [run, lines.map(({ sourceId }) => sourceId)]);
        await tell(lines);
      },
    });
    await endRun(ask, run, report.complete, report.fault);
    const ended = (await ask('select complete, fault, retired from fsp.service_run where id = $1', [run])) as Pick<
      Report,
      'complete' | 'fault' | 'retired'
    >;
    return { ...report, ...ended };
  } finally {
    await ask('select pg_advisory_unlock($1, $2)', [LOCK, feed.id]);
  }
}

const LOCK = 724_634;

/** Looks at a feed without writing anything: what would be wrong with its services. `unchanged` counts those that are right. */
export function checkFeed(url: string, options: FetchOptions): Promise<Report> {
  return walk(url, options, {
    async write(services, seen, first) {
      return services.flatMap((raw, i): Line[] => {
        if (raw === undefined) return [];
        const { sourceId, document, faults } = holdService(raw, 'check');
        const twice = sourceId !== null && seen.has(sourceId);
        if (sourceId !== null) seen.add(sourceId);
        const duplicate: Fault[] = [{ path: '/id', rule: 'DUPLICATE', message: 'The id was there before; the first of them counts.' }];
        return [{ line: first + i, sourceId, result: document && !twice ? 'UNCHANGED' : 'FAILED', faults: twice ? duplicate : faults }];
      });
    },
    async lost() {},
  });
}
