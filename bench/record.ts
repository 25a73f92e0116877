/**
 * What the disclosure record costs behind the answers: records are made readable (`fsp.index_disclosures`) in the background. So many
 * answers are given while that is held back; then it is done at once, and timed.
 */
import pg from 'pg';
import pino from 'pino';
import { developmentIssuer } from '../src/access/tokens.ts';
import { parseDatabaseServer } from '../src/config.ts';
import { encodeId } from '../src/read/ids.ts';
import { createServer } from '../src/server.ts';
import { COUNTY, drawn, headersOf, visibleFamilies } from './callers.ts';
import { LOGIN_SECRET, openDataset } from './data.ts';
import { FAMILY } from './queries.ts';
import { table } from './report.ts';

const ANSWERS = 2000;
const AT_ONCE = 10;
/** The lock that a pass of `fsp.index_disclosures` takes. */
const PASS = 7_246_337_003;

export type Recorded = { answers: number; records: number; answerMs: number; recordMs: number };

export async function measureRecord(folder: string, families: number, say: (line: string) => void, decisions: boolean): Promise<Recorded> {
  const dataset = await openDataset(folder, families, say, decisions);
  const server = parseDatabaseServer(dataset.ownerUrl);
  const issuer = await developmentIssuer(dataset.dataDir);
  const headers = await headersOf(dataset.dataDir, COUNTY);
  const owner = new pg.Client({ connectionString: dataset.ownerUrl });
  await owner.connect();
  const product = await createServer({
    database: { server, loginSecret: LOGIN_SECRET },
    verify: issuer.verify,
    log: pino({ level: 'error' }),
    budget: { units: 1e9, restorePerSecond: 1e9 },
    familyBudget: { perUser: 1e9, perSync: 1e9 },
  });
  try {
    const { keys } = await visibleFamilies(dataset);
    const ask = async (key: string) => {
      const payload = { query: FAMILY, variables: { id: encodeId('Family', key) } };
      const { statusCode, body } = await product.app.inject({
        method: 'POST',
        url: '/graphql',
        headers: { host: 'bench', ...headers },
        payload,
      });
      if (statusCode !== 200) throw new Error(`A request was refused: ${body.slice(0, 500)}`);
    };
    for (const key of drawn(keys, 200)) await ask(key);
    const drain = async () => {
      while ((await owner.query('select fsp.index_disclosures() as more')).rows[0].more);
    };
    await drain();
    const entries = async () => Number((await owner.query('select count(*) as n from fsp.disclosure_entry')).rows[0].n);
    const before = await entries();
    await owner.query('select pg_advisory_lock($1)', [PASS]);
    const asked = drawn(keys, ANSWERS);
    const since = performance.now();
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, at) => {
        for (let i = at; i < asked.length; i += AT_ONCE) await ask(asked[i] as string);
      }),
    );
    const answered = performance.now();
    await drain();
    const indexed = performance.now();
    const records = (await entries()) - before;
    await owner.query('select pg_advisory_unlock($1)', [PASS]);
    return { answers: ANSWERS, records, answerMs: (answered - since) / ANSWERS, recordMs: (indexed - answered) / Math.max(1, records) };
  } finally {
    await product.close();
    await owner.end();
    await dataset.embedded.stop();
  }
}

export function recordReport({ answers, records, answerMs, recordMs }: Recorded): string {
  return `What the disclosure record costs in the background.\n\n${table(
    ['answers', 'records', 'ms an answer', 'ms to make a record readable', 'share'],
    [[String(answers), String(records), answerMs.toFixed(2), recordMs.toFixed(3), `${((100 * recordMs) / answerMs).toFixed(1)} %`]],
  )}`;
}
