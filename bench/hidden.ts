/**
 * Whether the time of an answer tells what is hidden from what never was: ids of families and persons that the caller may not see, and ids
 * that nobody has, asked in turn through `family` and `node`, in one process with the product. What PostgreSQL makes of both must be the same
 * text; the medians are told with their ratio.
 */

import { createRequire } from 'node:module';
import type * as GraphQL from 'graphql';
import type { OperationDefinitionNode } from 'graphql';
import pg from 'pg';
import pino from 'pino';
import { authenticate } from '../src/access/authenticate.ts';
import { createGate } from '../src/access/gate.ts';
import { deriveRules } from '../src/access/rules.ts';
import { developmentIssuer } from '../src/access/tokens.ts';
import { parseDatabaseServer } from '../src/config.ts';
import { loginName, loginPassword } from '../src/db/logins.ts';
import { coerceVariables } from '../src/graphql/values.ts';
import { BINDINGS, ROOTS } from '../src/modules/index.ts';
import { encodeId } from '../src/read/ids.ts';
import { createPlanner } from '../src/read/plan.ts';
import { createServer, productSchema } from '../src/server.ts';
import { COUNCIL, headersOf } from './callers.ts';
import { DATABASE, type Dataset, LOGIN_SECRET, openDataset } from './data.ts';
import { table } from './report.ts';
import { median } from './size.ts';

// The product's own: a schema is known to that copy of graphql-js alone which made it.
const { parse } = createRequire(new URL('../package.json', import.meta.url))('graphql') as typeof GraphQL;

const BUDGET = { units: 1e9, restorePerSecond: 1e9 };
const PROBES = 1000;
const WARM = 200;

const QUESTIONS: [string, 'Family' | 'Person', string][] = [
  ['family', 'Family', 'query($id: ID!) { family(id: $id) { id name stage members { person { givenName familyName } } } }'],
  ['node, a family', 'Family', 'query($id: ID!) { node(id: $id) { id ... on Family { name stage } } }'],
  ['node, a person', 'Person', 'query($id: ID!) { node(id: $id) { id ... on Person { givenName familyName } } }'],
];

/** Microseconds, medians over all probes; `same`: PostgreSQL plans both alike, and the answers are the same bytes. */
export type Probed = { question: string; hidden: number; absent: number; same: boolean };

export async function measureHidden(folder: string, families: number, say: (line: string) => void): Promise<Probed[]> {
  const dataset = await openDataset(folder, families, say);
  try {
    return await measureIn(dataset, say);
  } finally {
    await dataset.embedded.stop();
  }
}

/** Keys that there are and that the desk does not see, and as many that there are not, spread alike. */
async function keysOf(owner: pg.Client, desk: pg.Client, type: 'Family' | 'Person'): Promise<{ hidden: string[]; absent: string[] }> {
  const name = type.toLowerCase();
  const column = type === 'Family' ? 'family' : 'person';
  const { rows: mine } = await desk.query<{ key: string }>(`select distinct ${column} as key from fsp.${name}_grant`);
  const { rows: hidden } = await owner.query<{ key: string }>(
    `select id as key from fsp.${name} where id <> all ($1::bigint[]) order by md5(id::text) limit $2`,
    [mine.map(({ key }) => key), PROBES],
  );
  const { rows: last } = await owner.query<{ key: string }>(`select max(id) as key from fsp.${name}`);
  const keys = hidden.map(({ key }) => key);
  return { hidden: keys, absent: keys.map((_, i) => String(Number(last[0]?.key) + 1 + i)) };
}

async function measureIn(dataset: Dataset, say: (line: string) => void): Promise<Probed[]> {
  const server = parseDatabaseServer(dataset.ownerUrl);
  const issuer = await developmentIssuer(dataset.dataDir);
  const headers = await headersOf(dataset.dataDir, COUNCIL);
  const gate = createGate(server, LOGIN_SECRET);
  const user = loginName(DATABASE, COUNCIL.organisation, 'daily');
  const owner = new pg.Client({ connectionString: dataset.ownerUrl });
  const desk = new pg.Client({
    host: server.host,
    port: server.port,
    database: DATABASE,
    user,
    password: loginPassword(LOGIN_SECRET, user),
  });
  await Promise.all([owner.connect(), desk.connect()]);
  const product = await createServer({
    database: { server, loginSecret: LOGIN_SECRET },
    verify: issuer.verify,
    log: pino({ level: 'error' }),
    budget: BUDGET,
    familyBudget: { perUser: 1e9, perSync: 1e9 },
  });
  try {
    const client = await authenticate({ headers, address: '127.0.0.1' }, issuer.verify, gate, 'bench');
    const assembled = productSchema();
    const planner = createPlanner(assembled, BINDINGS, ROOTS, deriveRules(assembled.schema, assembled.classes));
    const found: Probed[] = [];
    for (const [question, type, query] of QUESTIONS) {
      const { hidden, absent } = await keysOf(owner, desk, type);
      const ask = async (key: string): Promise<{ text: string; micros: number }> => {
        const payload = { query, variables: { id: encodeId(type, key) } };
        const since = performance.now();
        const { statusCode, body } = await product.app.inject({
          method: 'POST',
          url: '/graphql',
          headers: { host: 'bench', ...headers },
          payload,
        });
        const micros = (performance.now() - since) * 1000;
        if (statusCode !== 200) throw new Error(`A request was refused: ${body.slice(0, 500)}`);
        return { text: body, micros };
      };
      /** What PostgreSQL makes of the statement, for one key. */
      const explained = async (key: string): Promise<string> => {
        const ast = parse(query);
        const operation = ast.definitions[0] as OperationDefinitionNode;
        const coerced = coerceVariables(assembled.schema, ast, operation, { id: encodeId(type, key) });
        const plan = await planner.plan(ast, operation, client, coerced);
        const run = { client, variables: coerced, asked: 'bench', written: null, cursorSecret: Buffer.alloc(32) };
        const parameters = plan.parameters.map((parameter) => parameter(run));
        const given = parameters.map((value) => (value === null ? 'null' : desk.escapeLiteral(value))).join(', ');
        // As the servers have it planned: once, for whatever key. The login's own setting says so.
        await desk.query(`prepare probe as ${plan.sql}`);
        const { rows } = await desk.query(`explain (costs off) execute probe (${given})`);
        await desk.query('deallocate probe');
        return rows.map((row) => row['QUERY PLAN']).join('\n');
      };
      const [one, other] = [hidden[0] as string, absent[0] as string];
      let same = (await explained(one)) === (await explained(other));
      for (let i = 0; i < WARM; i++) await ask((i % 2 === 0 ? hidden : absent)[i % hidden.length] as string);
      const times: [number[], number[]] = [[], []];
      for (let i = 0; i < hidden.length; i++) {
        // In turn, and each first as often as the other.
        const texts: string[] = [];
        for (const which of i % 2 === 0 ? [0, 1] : [1, 0]) {
          const { text, micros } = await ask((which === 0 ? hidden : absent)[i] as string);
          (times[which] as number[]).push(micros);
          texts.push(text);
        }
        same &&= texts[0] === texts[1];
      }
      const probed = { question, hidden: median(times[0]), absent: median(times[1]), same };
      say(`  ${question}: ${probed.hidden.toFixed(0)} and ${probed.absent.toFixed(0)} µs`);
      found.push(probed);
    }
    return found;
  } finally {
    await product.close();
    await gate.end();
    await Promise.all([owner.end(), desk.end()]);
  }
}

export function hiddenReport(found: Probed[]): string {
  return `What is hidden and what never was: medians of ${PROBES.toLocaleString('en')} probes of each, in µs, one after the other.\n\n${table(
    ['asked', 'plan and answer', 'hidden', 'never was', 'ratio'],
    found.map(({ question, hidden, absent, same }) => [
      question,
      same ? 'the same' : '**not the same**',
      hidden.toFixed(0),
      absent.toFixed(0),
      (hidden / absent).toFixed(3),
    ]),
  )}`;
}
