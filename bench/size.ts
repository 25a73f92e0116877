/** One size: its database, all servers, the check that they answer alike, and the rounds. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { parseDatabaseServer } from '../src/config.ts';
import { COUNCIL, COUNTY, drawn, headersOf, visibleFamilies } from './callers.ts';
import { CONTENDERS, type Contender, type Name } from './contenders.ts';
import { familyMs, processMs } from './cpu.ts';
import { LOGIN_SECRET, openDataset } from './data.ts';
import { checkWritten, forgetWritten, verifySameWritten } from './entries.ts';
import { askedIn, type Drawn, firstPage, jobOf, SCENARIOS, type Scenario } from './jobs.ts';
import type { Measured } from './load.ts';
import type { Options } from './options.ts';
import { learnPositions } from './positions.ts';
import { type Process, startLoad, startServer } from './processes.ts';
import { type Question, verifySame } from './verify.ts';

export type Result = {
  families: number;
  connections: number;
  scenario: Scenario;
  name: Name;
  requests: number;
  failed: number;
  p50: number;
  p99: number;
  bytes: number;
  peakBytes: number;
  /** Processor time of a request, in milliseconds. */
  serverMs: number;
  databaseMs: number;
};

const SAMPLE = 12;

export const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

export async function measureSize(families: number, options: Options, say: (line: string) => void): Promise<Result[]> {
  const dataset = await openDataset(options.folder, families, say, options.decisions);
  const { made } = dataset;
  say(
    `${families.toLocaleString('en')} families: ${Math.round(made.bytes / 2 ** 20).toLocaleString('en')} MB, written in ${made.seconds} s`,
  );
  const running = new Map<Name, Process>();
  const postmaster = Number(readFileSync(path.join(dataset.dataDir, 'postgresql', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const load = startLoad();
  const owner = new pg.Client({ connectionString: dataset.ownerUrl });
  try {
    await owner.connect();
    const { loginId, keys, members } = await visibleFamilies(dataset);
    const settings = {
      server: parseDatabaseServer(dataset.ownerUrl),
      loginSecret: LOGIN_SECRET,
      organisation: COUNTY.organisation,
      loginId,
      dataDir: dataset.dataDir,
    };
    const county = await headersOf(dataset.dataDir, COUNTY);
    const council = await headersOf(dataset.dataDir, COUNCIL);
    for (const contender of CONTENDERS) running.set(contender.name, await startServer(contender, settings));
    const post = async (name: Name, path: string, body: string, headers = county): Promise<string> => {
      const { url } = running.get(name) as Process;
      const response = await fetch(new URL(url.pathname.replace(/\/$/, '') + path, url), {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
      });
      return response.text();
    };
    const places = await learnPositions(
      (path, body) => post('ours', path, body),
      (path, body) => post('PostGraphile', path, body),
    );
    const ofPlaces = (kind: 'page' | 'flat'): Question[] =>
      drawn(places, SAMPLE).map((place) => (contender) => {
        const { path, body, takes } = contender[kind];
        return { path, body: body(place[takes]) };
      });
    const ofFamilies = drawn(keys, SAMPLE).map(
      (key): Question =>
        ({ family: { path, body } }) => ({ path, body: body(key) }),
    );
    const ask = ({ name }: Contender, path: string, body: string) => post(name, path, body);
    await verifySame(CONTENDERS, [...ofFamilies, ...ofPlaces('page'), ...ofPlaces('flat')], ask);
    await verifySameWritten(owner, CONTENDERS, members[0] as Drawn['members'][number], ask);
    const first = JSON.parse(await post('ours', '', firstPage(CONTENDERS[0] as Contender).body, council));
    say(
      `  All servers answer alike (${SAMPLE} families, ${SAMPLE} pages, ${SAMPLE} flat pages), who writes writes alike; the council's desk sees ${first.data.families.nodes.length} families on its first page`,
    );
    return await measure(families, options, { load, running, postmaster, owner, keys, members, places, county, council, say });
  } finally {
    load.stop();
    await owner.end();
    await Promise.all([...running.values()].map((server) => server.stop()));
    await dataset.embedded.stop();
  }
}

type Spent = Measured & { serverMs: number; databaseMs: number };

type Setting = Drawn & {
  load: ReturnType<typeof startLoad>;
  running: Map<Name, Process>;
  /** Process of the database server. */
  postmaster: number;
  owner: pg.Client;
  say: (line: string) => void;
};

/** Rounds of one scenario, one server after the other in each; the first is not counted. What they wrote is there, and then gone. */
async function rounds(
  scenario: Scenario,
  contenders: Contender[],
  connections: number,
  options: Options,
  setting: Setting,
): Promise<Map<Name, Spent[]>> {
  const measured = new Map<Name, Spent[]>(contenders.map(({ name }) => [name, []]));
  let writes = 0;
  try {
    for (let round = 0; round <= options.rounds; round++) {
      for (const contender of contenders) {
        const { pid, url } = setting.running.get(contender.name) as Process;
        const job = jobOf(scenario, contender, url, round === 0 ? options.warmUp : options.seconds, setting);
        const before = { server: processMs(pid), database: familyMs(setting.postmaster) };
        const found = await setting.load.run({ ...job, connections });
        const spent = {
          serverMs: (processMs(pid) - before.server) / found.requests,
          databaseMs: (familyMs(setting.postmaster) - before.database) / found.requests,
        };
        if (found.failed > 0) throw new Error(`${contender.name} failed ${found.failed} of ${found.requests} requests.`);
        writes += found.writes;
        if (round > 0) measured.get(contender.name)?.push({ ...found, ...spent });
      }
    }
    if (scenario === 'mix') {
      await checkWritten(setting.owner, writes);
      setting.say(`  mix, ${connections} connections: ${writes.toLocaleString('en')} writes answered, as many entries found`);
    }
    return measured;
  } finally {
    if (scenario === 'mix') await forgetWritten(setting.owner);
  }
}

async function measure(families: number, options: Options, setting: Setting): Promise<Result[]> {
  const results: Result[] = [];
  for (const connections of options.connections) {
    for (const scenario of SCENARIOS) {
      const contenders = CONTENDERS.filter((contender) => (options.only?.includes(contender.name) ?? true) && askedIn(scenario, contender));
      if (contenders.length === 0) continue;
      const measured = await rounds(scenario, contenders, connections, options, setting);
      for (const [name, found] of measured) {
        const of = (value: (m: Spent) => number) => median(found.map(value));
        const peakBytes = await (setting.running.get(name) as Process).peakBytes();
        const result = {
          families,
          connections,
          scenario,
          name,
          requests: of((m) => m.requests / m.seconds),
          failed: 0,
          p50: of((m) => m.p50),
          p99: of((m) => m.p99),
          bytes: of((m) => m.bytes),
          peakBytes,
          serverMs: of((m) => m.serverMs),
          databaseMs: of((m) => m.databaseMs),
        };
        results.push(result);
        setting.say(
          `  ${scenario}, ${connections} connections, ${name}: ${Math.round(result.requests)} requests/s, p50 ${result.p50} µs, ${result.serverMs.toFixed(2)} + ${result.databaseMs.toFixed(2)} ms of processor`,
        );
      }
    }
  }
  return results;
}
