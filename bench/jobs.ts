/** What is asked in each scenario, in each server's words. */
import { drawn } from './callers.ts';
import type { Contender } from './contenders.ts';
import { newEntry } from './entries.ts';
import type { Ask, Job } from './load.ts';
import type { Position } from './positions.ts';

export const SCENARIOS = ['one family', 'page', 'flat page', 'council first page', 'mix'] as const;
export type Scenario = (typeof SCENARIOS)[number];

/** Whom a scenario is asked of. The council's question is about the product's growth; only two of us write. */
export function askedIn(scenario: Scenario, { name, entry }: Contender): boolean {
  if (scenario === 'council first page') return name === 'ours';
  return scenario !== 'mix' || entry !== undefined;
}

export type Drawn = {
  /** Of families, and of one member of each, that the county sees. */
  keys: string[];
  members: { family: string; person: string }[];
  places: Position[];
  county: Record<string, string>;
  council: Record<string, string>;
};

/** Most requests of one round, so that a round ends even where time does not. */
const MAX_REQUESTS = 200_000;
/** So many different questions are asked again and again. */
const DIFFERENT = 5000;
/** Those of the mix are never asked again, as a write's key is used once: a round that has asked them all is over. */
const MIX_PER_SECOND = 3000;
const MIX_MOST = 30_000;
/** Ten requests of the mix: seven families, two pages, one write. */
const MIX = ['family', 'family', 'page', 'family', 'family', 'family', 'write', 'family', 'family', 'page'] as const;

/** The first page of all. */
export const firstPage = ({ page }: Contender): Ask => ({ path: page.path, body: page.body('').replace('"after":""', '"after":null') });

function asksOf(scenario: Scenario, contender: Contender, seconds: number, { keys, members, places }: Drawn): Ask[] {
  const { family, page, flat, entry } = contender;
  const families = (count: number) => drawn(keys, count).map((key): Ask => ({ path: family.path, body: family.body(key) }));
  const pages = (count: number) => drawn(places, count).map((place): Ask => ({ path: page.path, body: page.body(place[page.takes]) }));
  if (scenario === 'one family') return families(DIFFERENT);
  if (scenario === 'page') return pages(DIFFERENT);
  if (scenario === 'flat page') return drawn(places, DIFFERENT).map((place) => ({ path: flat.path, body: flat.body(place[flat.takes]) }));
  if (scenario === 'council first page' || !entry) return [firstPage(contender)];
  const tens = Math.min(MIX_PER_SECOND * seconds, MIX_MOST) / MIX.length;
  const ofKind = {
    family: families(tens * 7),
    page: pages(tens * 2),
    write: drawn(members, tens).map((about): Ask => ({ path: entry.path, body: entry.body(newEntry(about)), write: true })),
  };
  return Array.from({ length: tens }, () => MIX.map((kind) => ofKind[kind].pop() as Ask)).flat();
}

/** A job at a server's address. */
export function jobOf(scenario: Scenario, contender: Contender, url: URL, seconds: number, all: Drawn): Omit<Job, 'connections'> {
  const base = url.pathname.replace(/\/$/, '');
  const asks = asksOf(scenario, contender, seconds, all).map((ask) => ({ ...ask, path: base + ask.path }));
  const headers = scenario === 'council first page' ? all.council : all.county;
  const maxRequests = scenario === 'mix' ? asks.length : MAX_REQUESTS;
  return { host: url.hostname, port: Number(url.port), headers, asks, seconds, maxRequests };
}
