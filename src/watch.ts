/** What operators see of the running server: one log line for each request, and figures for Prometheus. Never a person. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type DocumentNode, Kind, parse } from 'graphql';
import pino, { type DestinationStream, type Logger } from 'pino';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The log. An error of the database is logged without its statement and what stood in it. */
export function createLog(level: string, destination: DestinationStream = pino.destination(2)): Logger {
  return pino(
    { level, redact: { paths: ['err.query', 'err.parameters', 'err.args', 'err.detail', 'err.where'], remove: true } },
    destination,
  );
}

/** What a request is known by when it has been answered; filled in while it runs. */
export type Told = {
  operation: string | null;
  /** Codes of the errors in the answer. */
  codes: string[];
  cost: { requested: number; actual: number } | null;
  /** Why nobody was recognised in it. */
  why: string | null;
};

export const nothingTold = (): Told => ({ operation: null, codes: [], cost: null, why: null });

export type Metrics = ReturnType<typeof createMetrics>;

/** Names of the published operations: other names come from callers, and each would be a series of its own. */
function publishedOperations(): Set<string> {
  const folder = new URL('../operations/', import.meta.url);
  const documents: DocumentNode[] = readdirSync(folder)
    .filter((file) => file.endsWith('.graphql'))
    .map((file) => parse(readFileSync(new URL(file, folder), 'utf8')));
  return new Set(
    documents.flatMap(({ definitions }) =>
      definitions.flatMap((definition) =>
        definition.kind === Kind.OPERATION_DEFINITION && definition.name ? [definition.name.value] : [],
      ),
    ),
  );
}

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The figures of one server. @param load statements that run and wait, asked when the figures are. */
export function createMetrics(load: () => { running: number; waiting: number }) {
  const registry = new Registry();
  const registers = [registry];
  const published = publishedOperations();
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'fsp_request_seconds',
    help: 'Time from the last byte of a request to the last of its answer, by published operation (others: other) and HTTP status.',
    labelNames: ['operation', 'status'],
    buckets: SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'fsp_errors_total',
    help: 'Errors in answers, by code: refusals are FORBIDDEN, UNAUTHENTICATED, PURPOSE_…, BUDGET_SPENT.',
    labelNames: ['code'],
    registers,
  });
  const cost = new Counter({ name: 'fsp_cost_units_total', help: 'Units of cost answered.', registers });
  const plans = new Counter({
    name: 'fsp_plans_total',
    help: 'Plans of operations, by whether they were made or found.',
    labelNames: ['how'],
    registers,
  });
  const waits = new Histogram({
    name: 'fsp_pool_wait_seconds',
    help: 'Time that statements waited for a connection; those that did not wait are not counted.',
    buckets: SECONDS,
    registers,
  });
  new Gauge({
    name: 'fsp_pool_statements',
    help: 'Statements that run, and that wait for a connection, now.',
    labelNames: ['state'],
    registers,
    collect() {
      const { running, waiting } = load();
      this.set({ state: 'running' }, running);
      this.set({ state: 'waiting' }, waiting);
    },
  });
  const statements = new Counter({ name: 'fsp_statements_total', help: 'Statements that read for answers.', registers });
  const disclosures = new Counter({ name: 'fsp_disclosures_total', help: 'Disclosures put on record.', registers });
  const disclosureWrites = new Histogram({
    name: 'fsp_disclosure_write_seconds',
    help: 'Time to make a batch of disclosures durable; every answer waits for one.',
    buckets: SECONDS,
    registers,
  });
  const alerts = new Counter({
    name: 'fsp_alerts_total',
    help: 'What somebody should look into, by kind: DISCLOSURE_BUDGET is a user who opens more families than one person may.',
    labelNames: ['alert'],
    registers,
  });
  const webhooks = new Counter({
    name: 'fsp_webhook_messages_total',
    help: 'Tries of webhook messages, by what became of them: dead ones are sent again when somebody asks for it.',
    labelNames: ['outcome'],
    registers,
  });
  const sockets = new Gauge({ name: 'fsp_sockets', help: 'WebSockets that are open.', registers });
  const subscriptions = new Gauge({ name: 'fsp_subscriptions', help: 'Subscriptions under way.', registers });
  const events = new Counter({ name: 'fsp_events_total', help: 'Events told to subscriptions.', registers });
  const planMade = plans.labels('made');
  const planFound = plans.labels('found');
  const asked = (told: Told) => {
    for (const code of told.codes) errors.labels(code).inc();
    if (told.cost) cost.inc(told.cost.actual);
  };
  return {
    registry,
    answered(told: Told, status: number, seconds: number) {
      const operation = told.operation !== null && published.has(told.operation) ? told.operation : 'other';
      requests.labels(operation, String(status)).observe(seconds);
      asked(told);
    },
    asked,
    planned: (made: boolean) => (made ? planMade : planFound).inc(),
    ran: () => statements.inc(),
    waited: (seconds: number) => waits.observe(seconds),
    sockets: (open: number) => sockets.set(open),
    subscriptions: (more: number) => subscriptions.inc(more),
    told: () => events.inc(),
    alerted: (alert: string) => alerts.labels(alert).inc(),
    webhook: (outcome: string) => webhooks.labels(outcome).inc(),
    disclosed(records: number, seconds: number) {
      disclosures.inc(records);
      disclosureWrites.observe(seconds);
    },
  };
}

/** Serves the figures on a port of their own, so that no route of the API leads to them. */
export function serveMetrics({ registry }: Metrics, address: { host: string; port: number }): Promise<HttpServer> {
  const server = createHttpServer(async (request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': registry.contentType, 'cache-control': 'no-store' }).end(await registry.metrics());
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address.port, address.host, () => resolve(server));
  });
}
