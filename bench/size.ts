/** One size: its database, all servers, the check that they answer alike, and the rounds. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { developmentIssuer } from '../src/access/tokens.ts';
import { parseDatabaseServer } from '../src/config.ts';
import { loginName, loginPassword } from '../src/db/logins.ts';
import { CLIENTS, PERSONAS, PRACTITIONERS } from '../src/db/personas.ts';
import { familyMs, processMs } from './cpu.ts';
import { CONTENDERS, type Contender, type Name } from './contenders.ts';
import { DATABASE, type Dataset, LOGIN_SECRET, openDataset } from './data.ts';
import type { Job, Measured } from './load.ts';
import type { Options } from './options.ts';
import { learnPositions, type Position } from './positions.ts';
import { type Process, startLoad, startServer } from './processes.ts';
import { verifySame } from './verify.ts';

export type Scenario = 'one family' | 'page' | 'council first page';

export type Result = { families: number; connections: number; scenario: Scenario; name: Name; requests: number; failed: number; p50: number; p99: number; bytes: number; peakBytes: number; /** Processor time of a request, in milliseconds. */ serverMs: number; databaseMs: number };

type Caller = { organisation: string; client: string; user: string; purpose: string };

const COUNTY: Caller = { organisation: 'occ', client: 'occ-social-care', user: PERSONAS.socialWorker.user, purpose: 'SAFEGUARDING' };
const DESK = 'west-oxfordshire-leisure';
const COUNCIL: Caller = { organisation: DESK, client: `${DESK}-desk`, user: PRACTITIONERS[DESK]?.[0]?.subject ?? '', purpose: 'EARLY_HELP' };

/** Most requests of one round, so that a round ends even where time does not. */
const MAX_REQUESTS = 200_000;
const SAMPLE = 12;
const BODIES = 5000;

async function headersOf(dataDir: string, caller: Caller): Promise<Record<string, string>> {
  const issuer = await developmentIssuer(dataDir);
  const scopes = CLIENTS.find(({ id }) => id === caller.client)?.scopes ?? [];
  const token = await issuer.sign({ clientId: caller.client, organisation: caller.organisation, scopes, user: caller.user });
  return { authorization: `Bearer ${token}`, 'x-purpose-of-use': caller.purpose };
}

/** Keys of all families that the county's own login sees. */
async function visibleFamilies(dataset: Dataset): Promise<{ keys: string[]; loginId: number }> {
  const { host, port } = parseDatabaseServer(dataset.ownerUrl);
  const user = loginName(DATABASE, COUNTY.organisation, false);
  const client = new pg.Client({ host, port, database: DATABASE, user, password: loginPassword(LOGIN_SECRET, user) });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>('select id from fsp.family order by id');
    const { rows: logins } = await client.query<{ id: number }>('select fsp.current_login() as id');
    return { keys: rows.map(({ id }) => id), loginId: logins[0]?.id ?? 0 };
  } finally {
    await client.end();
  }
}

/** The same sequence in every run. */
function drawn<T>(values: T[], count: number): T[] {
  let state = 12345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return values[Math.floor((state / 2 ** 32) * values.length)] as T;
  });
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

export async function measureSize(families: number, options: Options, say: (line: string) => void): Promise<Result[]> {
  const dataset = await openDataset(options.folder, families, say);
  const { made } = dataset;
  say(`${families.toLocaleString('en')} families: ${Math.round(made.bytes / 2 ** 20).toLocaleString('en')} MB, written in ${made.seconds} s`);
  const running = new Map<Name, Process>();
  const postmaster = Number(readFileSync(path.join(dataset.dataDir, 'postgresql', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const load = startLoad();
  try {
    const { keys, loginId } = await visibleFamilies(dataset);
    const settings = { server: parseDatabaseServer(dataset.ownerUrl), loginSecret: LOGIN_SECRET, organisation: COUNTY.organisation, loginId, dataDir: dataset.dataDir };
    const county = await headersOf(dataset.dataDir, COUNTY);
    const council = await headersOf(dataset.dataDir, COUNCIL);
    for (const contender of CONTENDERS) running.set(contender.name, await startServer(contender, settings));
    const post = async (name: Name, path: string, body: string, headers = county): Promise<string> => {
      const { url } = running.get(name) as Process;
      const response = await fetch(new URL(url.pathname.replace(/\/$/, '') + path, url), { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body });
      return response.text();
    };
    const places = await learnPositions((path, body) => post('ours', path, body), (path, body) => post('PostGraphile', path, body));
    const familyQuestions = drawn(keys, SAMPLE).map((key) => ({ family: { path, body } }: Contender) => ({ path, body: body(key) }));
    const pageQuestions = drawn(places, SAMPLE).map((place) => ({ page: { path, body, takes } }: Contender) => ({ path, body: body(place[takes]) }));
    await verifySame(CONTENDERS, [...familyQuestions, ...pageQuestions], ({ name }, path, body) => post(name, path, body));
    const first = JSON.parse(await post('ours', '', CONTENDERS[0]?.page.body('').replace('"after":""', '"after":null') ?? '', council));
    say(`  All servers answer alike (${SAMPLE} families, ${SAMPLE} pages); the council's desk sees ${first.data.families.nodes.length} families on its first page`);
    return await measure(families, options, { load, running, postmaster, keys, places, county, council, say });
  } finally {
    load.stop();
    await Promise.all([...running.values()].map((server) => server.stop()));
    await dataset.embedded.stop();
  }
}

type Spent = Measured & { serverMs: number; databaseMs: number };

type Setting = {
  load: ReturnType<typeof startLoad>;
  running: Map<Name, Process>;
  /** Process of the database server. */
  postmaster: number;
  keys: string[];
  places: Position[];
  county: Record<string, string>;
  council: Record<string, string>;
  say: (line: string) => void;
};

function jobOf(scenario: Scenario, contender: Contender, { running, keys, places, county, council }: Setting): Omit<Job, 'connections' | 'seconds'> {
  const { url } = running.get(contender.name) as Process;
  const { family, page } = contender;
  const { path } = scenario === 'one family' ? family : page;
  const bodies =
    scenario === 'one family'
      ? drawn(keys, BODIES).map((key) => family.body(key))
      : scenario === 'page'
        ? drawn(places, BODIES).map((place) => page.body(place[page.takes]))
        : [page.body('').replace('"after":""', '"after":null')];
  const headers = scenario === 'council first page' ? council : county;
  return { host: url.hostname, port: Number(url.port), path: url.pathname.replace(/\/$/, '') + path, headers, bodies, maxRequests: MAX_REQUESTS };
}

async function measure(families: number, options: Options, setting: Setting): Promise<Result[]> {
  const results: Result[] = [];
  for (const connections of options.connections) {
    for (const scenario of ['one family', 'page', 'council first page'] as const) {
      // The council's question is about the product's growth; its peers are not asked.
      const contenders = CONTENDERS.filter(({ name }) => (options.only?.includes(name) ?? true) && (scenario !== 'council first page' || name === 'ours'));
      const measured = new Map<Name, Spent[]>(contenders.map(({ name }) => [name, []]));
      for (let round = 0; round <= options.rounds; round++) {
        for (const contender of contenders) {
          const seconds = round === 0 ? options.warmUp : options.seconds;
          const { pid } = setting.running.get(contender.name) as Process;
          const before = { server: processMs(pid), database: familyMs(setting.postmaster) };
          const found = await setting.load.run({ ...jobOf(scenario, contender, setting), connections, seconds });
          const spent = { serverMs: (processMs(pid) - before.server) / found.requests, databaseMs: (familyMs(setting.postmaster) - before.database) / found.requests };
          if (found.failed > 0) throw new Error(`${contender.name} failed ${found.failed} of ${found.requests} requests.`);
          if (round > 0) measured.get(contender.name)?.push({ ...found, ...spent });
        }
      }
      for (const [name, rounds] of measured) {
        const of = (value: (m: Spent) => number) => median(rounds.map(value));
        const peakBytes = await (setting.running.get(name) as Process).peakBytes();
        const result = { families, connections, scenario, name, requests: of((m) => m.requests / m.seconds), failed: 0, p50: of((m) => m.p50), p99: of((m) => m.p99), bytes: of((m) => m.bytes), peakBytes, serverMs: of((m) => m.serverMs), databaseMs: of((m) => m.databaseMs) };
        results.push(result);
        setting.say(`  ${scenario}, ${connections} connections, ${name}: ${Math.round(result.requests)} requests/s, p50 ${result.p50} µs, ${result.serverMs.toFixed(2)} + ${result.databaseMs.toFixed(2)} ms of processor`);
      }
    }
  }
  return results;
}
