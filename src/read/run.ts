/**
 * Runs a plan and answers. The Apollo plugin takes the operation over after validation and hands the finished text to
 * `stringify`; it never throws, because a thrown error would be formatted elsewhere.
 */

import type { ApolloServerPlugin, GraphQLRequestContext, GraphQLResponse } from '@apollo/server';
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { type Budgets, costOfAnswer } from '../access/budget.ts';
import type { Agency } from '../access/classes.ts';
import type { Client } from '../access/client.ts';
import type { CommandResult, Disclosed } from '../change/command.ts';
import type { Feed, FeedPage, FeedShown } from '../change/feed.ts';
import { type Asker, databaseError, type Pools } from '../db/pools.ts';
import { createPreparing } from '../db/preparing.ts';
import { type Families, openedBy } from '../disclosure/budget.ts';
import { type Alert, answerRecords, codeOf, NOBODY, planRecord, readShown, recordText, type Shown } from '../disclosure/record.ts';
import type { Recorder } from '../disclosure/recorder.ts';
import type { Tally } from '../disclosure/tally.ts';
import { ERRORS, type ErrorCode, errorBody, formatError, PublicError } from '../errors.ts';
import { executeStatics, onlyIntrospection, staticDocument } from '../graphql/statics.ts';
import { coerceVariables } from '../graphql/values.ts';
import { LIMITS } from '../limits.ts';
import type { Sources } from '../modules/explain/explain.ts';
import type { Told } from '../watch.ts';
import type { Run, Variables } from './context.ts';
import type { Event } from './event.ts';
import { seenOfFeeds } from './feed.ts';
import type { PayloadPart, Plan, Planner } from './plan.ts';

/**
 * What a request carries through Apollo Server; new for each, frozen. `feed`: of a webhook, whose candidates wait already; `event`: what a
 * subscription is read for.
 */
export type RequestContext = { client: Client; asker: Asker; told: Told; feed?: Feed; event?: Event };

/** An answer whose text is finished; it travels as `data`, and the server's `stringifyResult` prints it. */
export class Answer {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Executor = {
  pools: Pools;
  planner: Planner;
  schema: GraphQLSchema;
  /** Null: the disclosure record is off, which only the bench may ask for. */
  recorder: Recorder | null;
  tally: Tally;
  /** Makes all that is on record readable. */
  fresh(): Promise<void>;
  /** Where readers of the change feed stand. */
  feed: Feed;
  budgets: Budgets;
  families: Families;
  /** Tells the operator of something to look into. */
  alert(alert: Alert, client: Client): void;
  cursorSecret: Buffer;
  prepare: boolean;
  /** The guarded schema of an agency, for what graphql-js answers itself. */
  staticSchema(agency: Agency): GraphQLSchema;
  command(field: string, input: Record<string, unknown>, client: Client): Promise<CommandResult>;
  /** What the roots that graphql-js answers read. */
  sources(asker: Asker): Sources;
  log(error: unknown, client: Client): void;
};

/** What a statement found: the JSON of each row of its result by name, and the families and persons in all of them. */
export type Found = { json: Record<string, string | null>; seen: string };

/** Runs of plans so far. */
let runs = 0;

const NOTHING: Found = { json: {}, seen: '' };

/** A page of the feed, and what is shown of it. */
type FeedRead = { page: FeedPage; shown: FeedShown };

/** Whether a page is neither full nor the last. */
const isShort = ({ page, shown }: FeedRead) => page.more && shown.last === null;

/** The plugin. */
export function compiledReads(executor: Executor): ApolloServerPlugin<RequestContext> {
  const mayPrepare = createPreparing(executor.prepare);
  const records = answerRecords(executor.recorder);
  const introspection = new WeakMap<Plan, Record<string, string>>();

  const read = async (plan: Plan, run: Run, asker: Asker): Promise<Found> => {
    const { client } = run;
    if (plan.fresh)
      await executor.fresh().catch((error) => {
        throw databaseError(error);
      });
    const parameters = plan.parameters.map((parameter) => parameter(run));
    const rows = await executor.pools
      .of(client.login.name)
      .query(plan.sql as string, parameters, mayPrepare(plan, client.login.name), asker)
      .catch((error) => {
        throw databaseError(error);
      });
    const found: Found = { json: {}, seen: '' };
    let bytes = 0;
    for (const { part, asked, j, d } of rows) {
      // A driver that mixes up answers must not show one caller another's.
      if (asked !== run.asked) throw new Error('The database answered another question.');
      found.json[part as string] = j as string | null;
      bytes += j?.length ?? 0;
      if (d) found.seen += d;
    }
    if (bytes > LIMITS.answerBytes) {
      const words = `An answer may have ${LIMITS.answerBytes} bytes; this has ${bytes}. Ask for shorter pages.`;
      throw new PublicError('OPERATION_TOO_LARGE', words, { limit: 'answerBytes' });
    }
    return found;
  };

  type Asked = { document: DocumentNode; operation: OperationDefinitionNode; source: string };

  /** Takes what the operation may cost from the client's budget. @param before of it taken already: one unit, when the request came. */
  const pay = (client: Client, requested: number, before = 1): void => {
    const { budget } = executor.budgets;
    const most = Math.min(LIMITS.cost, budget.units);
    if (requested > most) {
      const words = `The operation may cost ${requested} units; at most ${most} are allowed. Ask for shorter pages or fewer lists within lists.`;
      throw new PublicError('OPERATION_TOO_LARGE', words, { limit: 'cost', cost: { requested, restoreRate: budget.restorePerSecond } });
    }
    const { granted, remaining, wait } = executor.budgets.take(client.id, requested - before);
    if (!granted) throw budgetSpent(wait, { cost: { requested, remaining, restoreRate: budget.restorePerSecond } });
  };

  /** @param found told the plan as soon as there is one. */
  const answer = async (context: GraphQLRequestContext<RequestContext>, found: (plan: Plan) => void): Promise<string> => {
    const { document, operation, request, source } = context as typeof context & Partial<Asked> & Omit<Asked, 'operation'>;
    // graphql-js validates nothing below a root type that the schema does not have.
    if (!operation) throw new PublicError('OPERATION_RESOLUTION_FAILURE');
    const { client, asker, told, event } = context.contextValue;
    if ((operation.operation === 'subscription') !== (event !== undefined && !event.probe))
      throw new PublicError('OPERATION_RESOLUTION_FAILURE', event ? ONLY_SUBSCRIPTIONS : NO_SUBSCRIPTIONS);
    told.operation = operation.name?.value ?? null;
    const variables = coerceVariables(executor.schema, document, operation, request.variables ?? {});
    const plan = await executor.planner.plan(document, operation, client, variables, event?.of?.type);
    if (event) event.subscribed = plan.subscribed?.(variables) ?? null;
    if (event?.first) found(plan);
    if (event?.probe) return probe(plan, { document, operation, source }, request.variables, variables, context.contextValue as Probing);
    found(plan);
    const share = event?.shared && event.of ? shareKey(client, source, request, event.of) : null;
    // What others have read of the same changes is no more work.
    const requested = share !== null && event?.shared?.has(share) ? 1 : plan.cost(variables);
    // What comes by itself is paid when it is shown: whether something happened that the caller does not see is not to be learnt from what is left.
    const later = event?.of !== undefined && event.of !== null;
    if (!later) pay(client, requested);
    let actual = 1;
    let remaining = 0;
    let data: string;
    try {
      const paidLater = later ? (text: string) => pay(client, costOfAnswer(text, requested), 0) : null;
      data = await dataOf(plan, { document, operation, source }, variables, context.contextValue, share, paidLater);
      actual = costOfAnswer(data, requested);
    } catch (error) {
      // What was worked for and not finished costs as much as if it had been; what failed for our reasons only its asking.
      if (asker.gone || (error instanceof PublicError && LABOURED.has(error.code))) actual = requested;
      throw error;
    } finally {
      remaining = later ? executor.budgets.left(client.id) : executor.budgets.settle(client.id, requested, actual);
      told.cost = { requested, actual };
    }
    const { budget } = executor.budgets;
    const errors = plan.refused.map(({ field, class: dataClass, reason, at }) => ({
      message: reason === 'NOT_YOURS_TO_WRITE' ? 'This is not yours to write.' : ERRORS.FORBIDDEN.words,
      extensions: { code: 'FORBIDDEN', field, class: dataClass, reason, at },
    }));
    for (const { extensions } of errors) told.codes.push(extensions.code);
    const errorsJson = errors.length > 0 ? `"errors":${JSON.stringify(errors)},` : '';
    const cost = { requested, actual, remaining, restoreRate: budget.restorePerSecond };
    const cursor = event?.cursor ? `"cursor":${JSON.stringify(event.cursor)},` : '';
    return `{${errorsJson}"data":{${data}},"extensions":{${cursor}"cost":${JSON.stringify(cost)}}}`;
  };

  /** What is read for the same changes by those who may see the same, and ask the same, is read once. */
  const readOnce = (plan: Plan, run: Run, asker: Asker, shared: Event['shared'], share: string | null): Promise<Found> => {
    if (!shared || share === null) return read(plan, run, asker);
    const known = shared.get(share) ?? read(plan, run, asker);
    shared.set(share, known);
    return known;
  };

  type Probing = RequestContext & { event: Event };

  /** Whether there is something: nothing else of it leaves. */
  const probe = async (
    plan: Plan,
    { document, operation, source }: Asked,
    given: Record<string, unknown> | undefined,
    variables: Variables,
    { client, asker, event }: Probing,
  ): Promise<string> => {
    const run: Run = { variables, client, cursorSecret: executor.cursorSecret, written: null, asked: `${process.pid}-${++runs}` };
    const share = shareKey(client, source, { variables: given }, { type: '', key: '' });
    const { json, seen } = plan.sql ? await readOnce(plan, run, asker, event.shared, share) : NOTHING;
    event.outcome = Object.values(json).some((found) => found !== null) ? 'shown' : 'nothing';
    if (event.first && event.outcome === 'shown') {
      const shown = readShown(seen);
      overFamilies(client, executor.families.open(client, openedBy(shown)));
      await records.answer(plan, client, { document, source, name: operation.name?.value ?? null }, shown, false);
    }
    return '{}';
  };

  /** @param wait seconds until the user may open what was asked for; 0: now. */
  const overFamilies = (client: Client, wait: number) => {
    if (wait === 0) return;
    executor.alert('DISCLOSURE_BUDGET', client);
    throw new PublicError('DISCLOSURE_BUDGET', undefined, {}, { 'retry-after': String(wait) });
  };

  /** The members of `data` as JSON text, on record when it is returned. @param paidLater takes what it costs, before it is. */
  const dataOf = async (
    plan: Plan,
    { document, operation, source }: Asked,
    variables: Variables,
    { client, asker, event, feed = executor.feed }: RequestContext,
    share: string | null,
    paidLater: ((data: string) => void) | null,
  ) => {
    const run: Run = { variables, client, cursorSecret: executor.cursorSecret, written: null, asked: `${process.pid}-${++runs}` };
    let written: CommandResult | null = null;
    if (plan.command) {
      // Before it has its effect: what is read back of it is shown, and counts.
      overFamilies(client, executor.families.spent(client));
      written = await executor.command(plan.command.field, plan.command.input(variables), client);
      run.written = written.id;
    }
    if (event?.of) run.written = event.of.key;
    const needsRow = plan.command !== null || event !== undefined;
    const readNow = async () =>
      plan.sql && (!needsRow || run.written !== null) ? await readOnce(plan, run, asker, event?.shared ?? null, share) : NOTHING;
    const fed = plan.feeds.length > 0 ? await readFeeds(feed, plan, run, readNow) : { ...(await readNow()), noted: [] };
    const { json: found, seen } = fed;
    if (event) {
      event.outcome = plan.refused.some(({ at }) => at === event.subscribed?.key) ? 'refused' : eventOutcome(plan, found);
      // Of what is not there for the caller nothing was shown.
      if (event.outcome === 'nothing') return `${JSON.stringify(event.subscribed?.key)}:null`;
    }
    const statics =
      plan.staticKeys.length > 0 ? await answerStatics(plan, document, operation, variables, client, asker) : { texts: {}, seen: '' };
    const data = plan.parts
      .map((part) => {
        const json =
          part.kind === 'sql'
            ? (found[part.row] ?? 'null')
            : part.kind === 'text'
              ? part.json
              : part.kind === 'static'
                ? ((statics.texts as Record<string, string>)[part.key] ?? 'null')
                : payloadJson(part.parts, found, written as CommandResult);
        return `${JSON.stringify(part.key)}:${json}`;
      })
      .join(',');
    if (event?.same?.(data)) {
      event.outcome = 'same';
      return data;
    }
    paidLater?.(data);
    const asked = { document, source, name: operation.name?.value ?? null };
    const shown = readShown(seen + statics.seen);
    if (plan.command) executor.families.note(client, openedBy(shown));
    else overFamilies(client, executor.families.open(client, openedBy(shown)));
    for (const { page, shown } of fed.noted) await feed.noted(page, shown);
    const told = (written as CommandResult | null)?.disclosed;
    await records.answer(
      told ? { ...plan, personal: true } : plan,
      client,
      asked,
      told ? alsoShown(shown, told) : shown,
      plan.command !== null && run.written !== null,
    );
    return data;
  };

  /**
   * Reads what the roots of the change feed may tell next. A page that is neither full nor the last goes on from where it came to, with what is
   * shown of it and more candidates: where it ends is not to tell how many there are that the reader does not see.
   */
  const readFeeds = async (feed: Feed, plan: Plan, run: Run, readNow: () => Promise<Found>): Promise<Found & { noted: FeedRead[] }> => {
    const pages = new Map<string, FeedPage>();
    run.feeds = pages;
    let noted: FeedRead[] = [];
    for (let most: number = LIMITS.feedCandidates; ; most *= 8) {
      for (const [place, { key, field, types, open, after, first }] of plan.feeds.entries()) {
        const before = noted[place];
        if (before && !isShort(before)) continue;
        const from = before ? before.page.cursor : after(run.variables);
        const next = await feed.next(run.client, { field, types, open, after: from, first: Math.max(first(run.variables), most) });
        const kept = before?.page.candidates.filter(({ n, gone }) => gone || before.shown.there.has(n)) ?? [];
        const candidates = [...kept, ...next.candidates].map((candidate, n) => ({ ...candidate, n }));
        pages.set(key, { ...next, candidates, anew: (before?.page ?? next).anew });
      }
      const { json, seen } = await readNow();
      const { rest, shown } = seenOfFeeds(seen, plan.feeds.length);
      noted = plan.feeds.map(({ key }, place) => ({ page: pages.get(key) as FeedPage, shown: shown[place] as FeedShown }));
      if (most >= LIMITS.feedCandidatesMost || !noted.some(isShort)) return { json, seen: rest, noted };
    }
  };

  /** Introspection is the same for every run of a plan; the rest is asked each time. */
  const answerStatics = async (
    plan: Plan,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
    client: Client,
    asker: Asker,
  ) => {
    const known = introspection.get(plan);
    if (known) return { texts: known, seen: '' };
    const only = staticDocument(document, operation, new Set(plan.staticKeys));
    const answered = await executeStatics(executor.staticSchema(client.agency), only, operation, variables, {
      client,
      sources: executor.sources(asker),
    });
    if (!operation.variableDefinitions?.length && onlyIntrospection(only)) introspection.set(plan, answered.texts);
    return answered;
  };

  const recordFailure = async (context: GraphQLRequestContext<RequestContext>, plan: Plan | null, error: unknown) => {
    const { document, operation, source, contextValue } = context as typeof context & { document: DocumentNode; source: string };
    const { client } = contextValue;
    const failed = codeOf(error);
    // It cost nothing to ask, and could be asked without end.
    if (failed === 'BUDGET_SPENT') executor.tally.note(`${failed} ${client.id} ${client.user}`, (count) => spentRecord(client, count));
    else
      await records.failure(
        plan,
        client,
        { document, source, name: operation?.name?.value ?? null },
        failed === 'DISCLOSURE_BUDGET' ? { failed, alert: failed } : { failed },
        error,
      );
  };

  return {
    async requestDidStart() {
      return {
        async responseForOperation(context): Promise<GraphQLResponse | null> {
          const { http } = context.response;
          let plan: Plan | null = null;
          try {
            const text = await answer(context as never, (found) => {
              plan = found;
            });
            return { http, body: { kind: 'single', singleResult: { data: new Answer(text) as never } } };
          } catch (error) {
            const { client, asker, told } = context.contextValue;
            // A fault of the database comes in our words, with its own as the cause.
            if (!(error instanceof PublicError)) executor.log(error, client);
            else if (error.cause && !asker.gone) executor.log(error.cause, client);
            const { status, ...shown } = formatError(error);
            http.status = status;
            if (error instanceof PublicError) for (const [name, value] of Object.entries(error.headers)) http.headers.set(name, value);
            told.codes.push(shown.extensions.code as string);
            await recordFailure(context as never, plan, error);
            return { http, body: { kind: 'single', singleResult: { data: new Answer(errorBody([shown])) as never } } };
          }
        },
        /** What Apollo Server refused by itself, before there was a plan: the status is our table's, and so is the caching. */
        async willSendResponse({ response, contextValue }) {
          if (response.body.kind !== 'single' || !response.body.singleResult.errors) return;
          response.http.headers.delete('cache-control');
          for (const { extensions } of response.body.singleResult.errors) {
            const code = extensions?.code as ErrorCode;
            response.http.status = ERRORS[code].status;
            contextValue.told.codes.push(code);
          }
        },
      };
    },
  };
}

/** Who is in an answer, and whom its command told somebody else of. */
const alsoShown = ({ families, persons }: Shown, told: Disclosed): Shown => ({
  families: [...new Set([...families, ...told.families.map(String)])],
  persons: [...new Set([...persons, ...told.persons.map(String)])],
});

const NO_SUBSCRIPTIONS = 'Subscriptions are asked for over a WebSocket.';
const ONLY_SUBSCRIPTIONS = 'Over a WebSocket only subscriptions are asked for.';

/** Two who agree in it are shown the same: the same application, user and rights, which ask the same of the same row. */
const shareKey = (
  client: Client,
  source: string,
  { variables, operationName }: { variables?: unknown; operationName?: unknown },
  of: { type: string; key: string },
) => JSON.stringify([client.id, client.user, client.planKey, source, operationName, variables, of.type, of.key]);

/** Whether the row of an event is there. */
const eventOutcome = ({ parts }: Plan, json: Found['json']): Event['outcome'] =>
  parts.some((part) => part.kind === 'sql' && (json[part.row] ?? null) !== null) ? 'shown' : 'nothing';

function payloadJson(parts: PayloadPart[], found: Found['json'], written: CommandResult): string {
  const members = parts.map((part) => {
    const json =
      part.kind === 'sql'
        ? (found[part.row] ?? 'null')
        : part.kind === 'text'
          ? part.json
          : part.kind === 'once'
            ? JSON.stringify(written.once?.[part.name] ?? null)
            : JSON.stringify(
                written[part.kind].map((error) =>
                  Object.fromEntries(
                    part.fields.map(({ key, name }) => [
                      key,
                      name === '__typename' ? 'UserError' : (error[name as keyof typeof error] ?? null),
                    ]),
                  ),
                ),
              );
    return `${JSON.stringify(part.key)}:${json}`;
  });
  return `{${members.join(',')}}`;
}

/** The record of requests beyond a client's budget. */
export const spentRecord = (client: Client, count: number): string =>
  recordText(client, planRecord(null, '', [], [], []), NOBODY, { failed: 'BUDGET_SPENT', count });

/** Errors of operations that had their share of the database's time. */
const LABOURED: ReadonlySet<ErrorCode> = new Set(['TIMEOUT', 'OPERATION_TOO_LARGE', 'DISCLOSURE_BUDGET']);

/** @param wait seconds until there is enough again. */
export const budgetSpent = (wait: number, extensions: Record<string, unknown> = {}): PublicError =>
  new PublicError('BUDGET_SPENT', undefined, extensions, { 'retry-after': String(wait) });
