/**
 * What limits and checks cost a request: each is timed by itself, in one process with the product, for every published
 * document, beside a whole request. Apollo Server keeps the verdict on each document's text, so the rule about
 * documents is paid the first time alone.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as GraphQL from 'graphql';
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import pino from 'pino';
import { authenticate } from '../src/access/authenticate.ts';
import { type Budget, costOfAnswer, createBudgets, rateLimitHeaders } from '../src/access/budget.ts';
import { createGate } from '../src/access/gate.ts';
import { deriveRules } from '../src/access/rules.ts';
import { developmentIssuer } from '../src/access/tokens.ts';
import { parseDatabaseServer } from '../src/config.ts';
import { documentLimits } from '../src/graphql/limits.ts';
import { coerceVariables } from '../src/graphql/values.ts';
import { LIMITS } from '../src/limits.ts';
import { BINDINGS, ROOTS } from '../src/modules/index.ts';
import { encodeId } from '../src/read/ids.ts';
import { createPlanner } from '../src/read/plan.ts';
import { createServer, productSchema } from '../src/server.ts';
import { COUNTY, headersOf, visibleFamilies } from './callers.ts';
import { type Dataset, LOGIN_SECRET, openDataset } from './data.ts';
import { SAYS } from './entries.ts';
import { PAGE } from './queries.ts';
import { table, targetsTable } from './report.ts';
import { median } from './size.ts';

// The product's own: a schema is known to that copy of graphql-js alone which made it.
const { parse, validate, specifiedRules } = createRequire(new URL('../package.json', import.meta.url))('graphql') as typeof GraphQL;

const OPERATIONS = new URL('../operations/', import.meta.url);
/** As the servers of the bench: the load is one client's. */
const BUDGET: Budget = { units: 1e9, restorePerSecond: 1e9 };
const ROUNDS = 15;
const ROUND_MS = 10;
const WARM = 200;
const WHOLE = 200;
const WHOLE_FIRST = 40;

/** Microseconds of one call, in so many calls. */
function timed(calls: number, call: (i: number) => unknown): number {
  const since = performance.now();
  for (let i = 0; i < calls; i++) call(i);
  return ((performance.now() - since) * 1000) / calls;
}

/** Microseconds of one call of each, once they are warm: medians of rounds, in which each has its turn. */
function microseconds(...calls: (() => unknown)[]): number[] {
  for (const call of calls) timed(WARM, call);
  const many = calls.map((call) => Math.max(1, Math.ceil((ROUND_MS * 1000) / Math.max(timed(WARM, call), 0.05))));
  const rounds = Array.from({ length: ROUNDS }, () => calls.map((call, i) => timed(many[i] as number, call)));
  return calls.map((_, i) => median(rounds.map((round) => round[i] as number)));
}

/** Microseconds of a request, but for the answer's length. */
export type Limited = {
  document: string;
  /** Parsing and validation without our limits, and with them; the rule about documents by itself. The first time a text is seen. */
  bare: number;
  limited: number;
  rule: number;
  /** Variables of a document seen for the first time, whose literals are looked at with them; and of one that is known. */
  variablesFirst: number;
  variables: number;
  /** What the operation may cost; the budget taken, settled and told in headers. */
  cost: number;
  counting: number;
  answerBytes: number;
  /** A whole request with a text never seen, and with one that is known. */
  wholeFirst: number;
  whole: number;
};

/** Variables of the published documents. The two that write are told of a family that is not there, so that nothing is left of them. */
function variablesOf(document: string, family: string): Record<string, unknown> {
  const [nobody, nothing] = [encodeId('Person', 1), encodeId('Family', 1)];
  const { behaviour, stageOfChange, capacityForChange, ...said } = SAYS;
  const occurred = new Date().toISOString();
  const readings = [{ person: nobody, behaviour, stageOfChange, capacityForChange }];
  const known: Record<string, Record<string, unknown>> = {
    'add-workbook-entry': {
      input: { idempotencyKey: `bench-${randomUUID()}`, family: nothing, ...said, occurred, persons: [nobody], readings },
    },
    families: { first: LIMITS.firstDefault },
    'offer-service': {
      input: {
        idempotencyKey: `bench-${randomUUID()}`,
        family: nothing,
        person: nobody,
        service: encodeId('Service', 1),
        offered: occurred.slice(0, 10),
      },
    },
    'one-family': { id: family },
    'outcome-indicators': { first: LIMITS.firstDefault },
    services: { first: LIMITS.firstDefault },
    'side-by-side': { id: family },
  };
  return known[document] ?? {};
}

export async function measureLimits(folder: string, families: number, say: (line: string) => void): Promise<Limited[]> {
  const dataset = await openDataset(folder, families, say);
  try {
    return await measureIn(dataset, say);
  } finally {
    await dataset.embedded.stop();
  }
}

async function measureIn(dataset: Dataset, say: (line: string) => void): Promise<Limited[]> {
  const server = parseDatabaseServer(dataset.ownerUrl);
  const issuer = await developmentIssuer(dataset.dataDir);
  const headers = await headersOf(dataset.dataDir, COUNTY);
  const gate = createGate(server, LOGIN_SECRET);
  const product = await createServer({
    database: { server, loginSecret: LOGIN_SECRET },
    verify: issuer.verify,
    log: pino({ level: 'error' }),
    budget: BUDGET,
  });
  try {
    const client = await authenticate({ headers, address: '127.0.0.1' }, issuer.verify, gate, randomUUID());
    const assembled = productSchema();
    const { schema } = assembled;
    const planner = createPlanner(assembled, BINDINGS, ROOTS, deriveRules(schema, assembled.classes));
    const budgets = createBudgets(BUDGET);
    const ask = async (query: string, variables: Record<string, unknown>): Promise<string> => {
      const payload = { query, variables };
      const { statusCode, body } = await product.app.inject({
        method: 'POST',
        url: '/graphql',
        headers: { host: 'bench', ...headers },
        payload,
      });
      if (statusCode !== 200) throw new Error(`A request was refused: ${body.slice(0, 500)}`);
      return body;
    };
    /** Microseconds of each of so many whole requests, one after the other: their median. */
    const asked = async (count: number, text: (i: number) => string, variables: Record<string, unknown>): Promise<number> => {
      const each: number[] = [];
      for (let i = 0; i < count; i++) {
        const since = performance.now();
        await ask(text(i), variables);
        each.push((performance.now() - since) * 1000);
      }
      return median(each);
    };

    const measure = async (document: string, source: string, variables: Record<string, unknown>): Promise<Limited> => {
      const operationOf = ({ definitions }: DocumentNode) =>
        definitions.find((d) => d.kind === 'OperationDefinition') as OperationDefinitionNode;
      const ast = parse(source);
      const coerce = (known: DocumentNode) => coerceVariables(schema, known, operationOf(known), variables);
      const coerced = coerce(ast);
      const plan = await planner.plan(ast, operationOf(ast), client, coerced);
      const answer = await ask(source, variables);
      // As the server has it in hand: the members of `data`, and nothing after them.
      const data = answer.slice(answer.indexOf('"data":{') + '"data":{'.length, answer.lastIndexOf('},"extensions":{"cost":'));
      const { requested, actual } = JSON.parse(answer).extensions.cost as { requested: number; actual: number };
      if (requested !== plan.cost(coerced) || actual !== costOfAnswer(data, requested))
        throw new Error(`The cost of ${document} is counted otherwise by the product.`);

      const { Document: rule } = documentLimits({ reportError() {} } as never) as { Document(document: DocumentNode): void };
      const [bare, limited, alone] = microseconds(
        () => validate(schema, parse(source), specifiedRules),
        () =>
          validate(schema, parse(source, { maxTokens: LIMITS.tokens }), [...specifiedRules, documentLimits], { maxErrors: LIMITS.errors }),
        () => rule(ast),
      ) as [number, number, number];
      const pay = () => {
        budgets.take(client.id, 1);
        const most = plan.cost(coerced);
        budgets.take(client.id, most - 1);
        budgets.settle(client.id, most, actual);
        rateLimitHeaders(budgets.budget, budgets.left(client.id));
      };
      const [known, cost, counting] = microseconds(
        () => coerce(ast),
        pay,
        () => costOfAnswer(data, requested),
      ) as [number, number, number];
      const unseen = Array.from({ length: ROUNDS }, () => {
        const documents = Array.from({ length: 50 }, () => parse(source));
        return timed(documents.length, (i) => coerce(documents[i] as DocumentNode));
      });

      await asked(WHOLE / 4, () => source, variables);
      const whole = await asked(WHOLE, () => source, variables);
      const wholeFirst = await asked(WHOLE_FIRST, (i) => `${source}\n# ${i}`, variables);
      const measured = {
        document,
        bare,
        limited,
        rule: alone,
        variablesFirst: median(unseen),
        variables: known,
        cost,
        counting,
        answerBytes: Buffer.byteLength(data),
        wholeFirst,
        whole,
      };
      say(`  ${document}: ${steady(measured).toFixed(1)} of ${whole.toFixed(0)} µs`);
      return measured;
    };

    const { keys } = await visibleFamilies(dataset);
    const family = encodeId('Family', keys[Math.floor(keys.length / 2)] as string);
    const found: Limited[] = [];
    for (const file of readdirSync(OPERATIONS)
      .filter((name) => name.endsWith('.graphql'))
      .sort()) {
      const document = file.replace('.graphql', '');
      found.push(await measure(document, readFileSync(new URL(file, OPERATIONS), 'utf8'), variablesOf(document, family)));
    }
    found.push(await measure("the bench's page", PAGE, {}));
    return found;
  } finally {
    await product.close();
    await gate.end();
  }
}

/** What a request with a known document pays. */
const steady = ({ variables, cost, counting }: Limited) => variables + cost + counting;

/** What a request with a new document pays. */
const first = ({ rule, variablesFirst, cost, counting }: Limited) => rule + variablesFirst + cost + counting;

export function limitsReport(found: Limited[]): string {
  const shown = (value: number) => value.toFixed(value < 100 ? 1 : 0);
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  const known = table(
    ['document', 'answer KB', 'variables', 'cost and budget', 'counting', 'sum', 'whole request', 'share'],
    found.map((f) => [
      f.document,
      (f.answerBytes / 1024).toFixed(1),
      ...[f.variables, f.cost, f.counting, steady(f), f.whole].map(shown),
      share(steady(f), f.whole),
    ]),
  );
  const unseen = table(
    [
      'document',
      'parse + validate',
      'with limits',
      'the rule',
      'variables',
      'cost and budget',
      'counting',
      'sum of limits',
      'whole request',
      'share',
    ],
    found.map((f) => [
      f.document,
      ...[f.bare, f.limited, f.rule, f.variablesFirst, f.cost, f.counting, first(f), f.wholeFirst].map(shown),
      share(first(f), f.wholeFirst),
    ]),
  );
  const most = Math.max(...found.map((f) => (100 * steady(f)) / f.whole));
  const target = targetsTable([{ what: 'limits and checks, largest share of a request, %', measured: most, wanted: 5, least: false }]);
  return `What limits and checks cost, in µs a request.\n\nA document that is known:\n\n${known}\n\nA document seen for the first time:\n\n${unseen}\n\n${target}`;
}
