/**
 * `npm --prefix bench run outcomes [-- families observations]`: the outcome framework with 200,000 families and 2,000,000 observations: how long a
 * year of it takes to be read, 10,000 observations to be recorded, and everything to be counted and made an edition of; what memory that takes.
 * Over the whole of the product but the socket: token, plan, statement, answer.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import pino from 'pino';
import { developmentIssuer } from '../src/access/tokens.ts';
import { parseDatabaseServer } from '../src/config.ts';
import { loginName } from '../src/db/logins.ts';
import { CLIENTS } from '../src/db/personas.ts';
import { countFigures } from '../src/outcome/count.ts';
import { publishEdition, quarterBefore } from '../src/outcome/edition.ts';
import { encodeId } from '../src/read/ids.ts';
import { createServer } from '../src/server.ts';
import { DATABASE, LOGIN_SECRET, openDataset } from './data.ts';

const [FAMILIES = 200_000, OBSERVATIONS = 2_000_000] = process.argv.slice(2).map(Number);
const SINCE = '2020-04-01';
const ASKED = 200;
const BATCHES = 10;
const LINES = 1_000;
const UNLIMITED = { units: 1e9, restorePerSecond: 1e9 };

/** Months of the past that are over, as many as there are figures of. */
const PAST = `generate_series($2::date, date_trunc('month', now() - interval '1 month')::date, interval '1 month')`;

/**
 * Observations of the indicators that are reported of families and persons, each family's in a month of its own of every year, so that
 * every month has as many.
 */
const MAKE = `
  with run as (
    insert into fsp.observation_run (organisation, lines, created, corrected, unchanged)
    select id, $1, $1, 0, 0 from fsp.organisation where code = 'occ' returning id
  ), who as (
    select m.family, min(m.person) as person, row_number() over (order by m.family) as n from fsp.membership m group by m.family
  ), what as (
    select i.*, o.id as organisation, count(*) over () as indicators from fsp.outcome_indicator i
      cross join lateral (select min(o.id) as id from fsp.organisation o where o.agency = i.owner_agency) o
    where i.observed_by in ('PERSON', 'FAMILY') and i.grain = 'MONTH' and not i.derived
  ), months as (
    select m::date as month, count(*) over () as months from ${PAST} m
  ), sizes as (
    select ceil($1::numeric / ((select max(indicators) from what) * (select max(months) from months))) as each, (select count(*) from who) as families
  )
  insert into fsp.observation (run, indicator, family, person, controller, row_mask, starts, count, base)
  select run.id, what.id, who.family, case when what.observed_by = 'PERSON' then who.person end, what.organisation, 1, months.month,
    case when what.kind = 'PROPORTION' then 20 - who.n % 7 else who.n % 4 end, case when what.kind = 'PROPORTION' then 20 end
  from run, what, sizes, months join who on true
  where (who.n + 7919 * extract(epoch from months.month)::bigint / 86400) % sizes.families < sizes.each`;

const QUESTIONS: Record<string, string> = {
  'a year by month and district, reported':
    'indicator(code: "parental-arrests") { series(by: [DISTRICT], period: MONTH, from: "2025-04-01", to: "2026-03-31") { @ } }',
  'a year by month and district, counted':
    'indicator(code: "protection-plan-rate") { series(by: [DISTRICT], period: MONTH, from: "2025-04-01", to: "2026-03-31") { @ } }',
  'five years by quarter and sex':
    'indicator(code: "protection-plans") { series(by: [SEX], period: QUARTER, from: "2021-04-01", to: "2026-03-31") { @ } }',
  'every indicator, a year by month and district':
    'outcomeIndicators(first: 60) { nodes { code name series(by: [DISTRICT], period: MONTH, from: "2025-04-01", to: "2026-03-31") { @ } } }',
};
const FIGURE = 'from first firstLabel value numerator denominator marker target fromTarget yearBefore changePercent';

const place = (times: number[], part: number) => ([...times].sort((a, b) => a - b)[Math.floor(times.length * part)] as number).toFixed(1);
const resident = () => Math.round(process.memoryUsage().rss / 2 ** 20);

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '.data', 'outcomes');
const dataset = await openDataset(folder, FAMILIES, (line) => console.log(line));
const owner = new pg.Client({ connectionString: dataset.ownerUrl });
await owner.connect();
try {
  const report: string[] = [];
  const say = (line: string) => {
    report.push(line);
    console.log(line);
  };
  const timed = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const since = performance.now();
    return [await work(), (performance.now() - since) / 1000];
  };
  const { rows: before } = await owner.query<{ n: number }>('select count(*)::int as n from fsp.observation');
  if ((before[0]?.n ?? 0) < OBSERVATIONS * 0.9) {
    await owner.query(MAKE, [OBSERVATIONS, SINCE]);
    await owner.query('vacuum analyze');
  }
  const { rows: after } = await owner.query<{ n: number }>('select count(*)::int as n from fsp.observation');
  say(`${FAMILIES.toLocaleString('en')} families, ${after[0]?.n.toLocaleString('en')} observations.`);

  const today = new Date().toISOString().slice(0, 10);
  const [all, allSeconds] = await timed(() => countFigures(owner, today, { since: SINCE, reported: false }));
  say(`Counting everything since ${SINCE}: ${all.figures.toLocaleString('en')} figures in ${allSeconds.toFixed(1)} s.`);
  const [made, madeSeconds] = await timed(() => publishEdition(owner, quarterBefore(today)));
  say(
    `An edition: ${made.cells.toLocaleString('en')} figures, ${made.withheld.toLocaleString('en')} withheld, in ${madeSeconds.toFixed(1)} s.`,
  );
  await owner.query('vacuum analyze fsp.figure, fsp.figure_exact');

  const issuer = await developmentIssuer(null);
  const server = await createServer({
    database: { server: parseDatabaseServer(dataset.ownerUrl), loginSecret: LOGIN_SECRET },
    verify: issuer.verify,
    log: pino({ level: 'silent' }),
    budget: UNLIMITED,
    publicBudget: UNLIMITED,
    familyBudget: { perUser: 1e9, perSync: 1e9 },
  });
  try {
    const ask = async (client: string, query: string, variables: Record<string, unknown> = {}) => {
      const known = CLIENTS.find(({ id }) => id === client);
      if (!known) throw new Error(`There is no client ${client}.`);
      const token = await issuer.sign({ clientId: client, organisation: known.organisation, scopes: known.scopes, user: null });
      const since = performance.now();
      const answer = await server.app.inject({
        method: 'POST',
        url: '/graphql',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-purpose-of-use': 'PERFORMANCE' },
        payload: { query, variables },
      });
      const ms = performance.now() - since;
      const body = answer.json() as { data?: Record<string, unknown>; errors?: unknown };
      if (!body.data || body.errors) throw new Error(answer.body.slice(0, 500));
      return { ms, data: body.data, bytes: answer.body.length };
    };
    const rows = ['| question | KB | p50 ms | p95 ms |', '| --- | --- | --- | --- |'];
    const atFirst = resident();
    for (const [name, question] of Object.entries(QUESTIONS)) {
      const query = `query Framework { ${question.replace('@', FIGURE)} }`;
      const times: number[] = [];
      let bytes = 0;
      const times_ = name.startsWith('every') ? ASKED / 10 : ASKED;
      for (let i = 0; i < times_ + 10; i++) {
        const answer = await ask('thames-valley-police-performance', query);
        bytes = answer.bytes;
        if (i >= 10) times.push(answer.ms);
      }
      rows.push(`| ${name} | ${(bytes / 1024).toFixed(0)} | ${place(times, 0.5)} | ${place(times, 0.95)} |`);
    }
    say(`\n${rows.join('\n')}\n`);

    const { rows: seen } = await owner.query<{ family: string; person: string }>(
      `select g.family, min(m.person) as person from fsp.login l join fsp.family_grant g on g.login = l.id join fsp.membership m on m.family = g.family
       join fsp.person_grant p on p.login = l.id and p.person = m.person and p.starts <= now() and p.ends > now()
       where l.name = $1 and g.starts <= now() and g.ends > now() group by 1 order by 1 limit $2`,
      [loginName(DATABASE, 'thames-valley-police', 'daily'), BATCHES * LINES],
    );
    const month = new Date(`${today.slice(0, 7)}-01T00:00:00Z`);
    const lines = Array.from({ length: BATCHES * LINES }, (_, i) => {
      const one = seen[i % seen.length] as (typeof seen)[number];
      const back = 1 + Math.floor(i / seen.length);
      const from = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() - back, 1));
      const to = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() - back + 1, 0));
      return {
        indicator: 'parental-prosecutions',
        family: encodeId('Family', one.family),
        person: encodeId('Person', one.person),
        from: from.toISOString().slice(0, 10),
        to: to.toISOString().slice(0, 10),
        count: String(i % 5),
        correctionReason: 'The bench counts again.',
      };
    });
    const RECORD =
      'mutation Record($input: RecordObservationsInput!) { recordObservations(input: $input) { run { created corrected unchanged } userErrors { code message path } } }';
    let recorded = 0;
    for (let batch = 0; batch < BATCHES; batch++) {
      const input = { idempotencyKey: randomUUID(), lines: lines.slice(batch * LINES, (batch + 1) * LINES) };
      const { ms, data } = await ask('thames-valley-police-performance', RECORD, { input });
      const done = data.recordObservations as { run: unknown; userErrors: unknown[] };
      if (!done.run) throw new Error(JSON.stringify(done.userErrors.slice(0, 3)));
      recorded += ms;
    }
    say(
      `${(BATCHES * LINES).toLocaleString('en')} observations of ${seen.length.toLocaleString('en')} families recorded, ${LINES.toLocaleString('en')} a request: ${(recorded / 1000).toFixed(2)} s.`,
    );
    const [again, againSeconds] = await timed(() => countFigures(owner, today, { reported: true }));
    say(`Counted afterwards, what was reported alone: ${again.figures.toLocaleString('en')} figures in ${againSeconds.toFixed(1)} s.`);
    say(`Memory of the process: ${atFirst} MB when it began to answer, ${resident()} MB at the end.`);
    await owner.query(`delete from fsp.observation o using fsp.observation_run r where r.id = o.run and r.lines = ${LINES}`);
  } finally {
    await server.close();
  }
} finally {
  await owner.end();
  await dataset.embedded.stop();
}
