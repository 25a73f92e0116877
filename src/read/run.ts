/**
 * Runs a plan and answers. The Apollo plugin takes the operation over after validation and hands the finished text to
 * `stringify`; it never throws, because a thrown error would be formatted elsewhere.
 */

import { createHash } from 'node:crypto';
import type { ApolloServerPlugin, GraphQLRequestContext, GraphQLResponse } from '@apollo/server';
import {
  type DefinitionNode,
  type DocumentNode,
  type ExecutionResult,
  execute,
  type FieldNode,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  visit,
} from 'graphql';
import type { Agency } from '../access/classes.ts';
import type { Client } from '../access/client.ts';
import type { CommandResult } from '../change/command.ts';
import { databaseError, type Pools } from '../db/pools.ts';
import { planRecord, readShown, recordText } from '../disclosure/record.ts';
import type { Recorder } from '../disclosure/recorder.ts';
import { errorBody, formatError, PublicError } from '../errors.ts';
import type { Run, Variables } from './context.ts';
import type { PayloadPart, Plan, Planner } from './plan.ts';

/** What a request carries through Apollo Server; new for each, frozen. */
export type RequestContext = { client: Client };

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
  cursorSecret: Buffer;
  prepare: boolean;
  /** The guarded schema of an agency, for what graphql-js answers itself. */
  staticSchema(agency: Agency): GraphQLSchema;
  command(field: string, input: Record<string, unknown>, client: Client): Promise<CommandResult>;
  log(error: unknown, client: Client): void;
};

/** What a statement found: the JSON of each row of its result by name, and the families and persons in all of them. */
type Found = { json: Record<string, string | null>; seen: string };

const NOTHING: Found = { json: {}, seen: '' };

/** A plan is prepared when it was seen this often, and as long as its login has fewer prepared than this. */
const PREPARE_AFTER = 2;
const MAX_PREPARED = 100;

/** The plugin, with the counter of what each login has prepared. */
export function compiledReads(executor: Executor): ApolloServerPlugin<RequestContext> {
  const prepared = new Map<string, number>();
  const hashes = new WeakMap<DocumentNode, string>();
  const records = new WeakMap<Plan, string>();
  const introspection = new WeakMap<Plan, Record<string, string>>();

  /** Whether this run of the plan is prepared. */
  const mayPrepare = (plan: Plan, login: string): boolean => {
    if (!executor.prepare) return false;
    plan.runs++;
    if (plan.runs < PREPARE_AFTER) return false;
    if (plan.runs === PREPARE_AFTER) {
      const count = prepared.get(login) ?? 0;
      if (count >= MAX_PREPARED) plan.runs = Number.NEGATIVE_INFINITY;
      else prepared.set(login, count + 1);
    }
    return plan.runs >= PREPARE_AFTER;
  };

  const read = async (plan: Plan, run: Run): Promise<Found> => {
    const { client } = run;
    const parameters = plan.parameters.map((parameter) => parameter(run));
    const rows = await executor.pools
      .of(client.login.name)
      .query(plan.sql as string, parameters, mayPrepare(plan, client.login.name))
      .catch((error) => {
        executor.log(error, client);
        throw databaseError(error);
      });
    const found: Found = { json: {}, seen: '' };
    for (const { part, j, d } of rows) {
      found.json[part as string] = j as string | null;
      if (d) found.seen += d;
    }
    return found;
  };

  const record = async (plan: Plan, client: Client, document: DocumentNode, source: string, name: string | null, seen: string) => {
    if (!executor.recorder) return;
    const shown = readShown(seen);
    if (!plan.personal && plan.refused.length === 0) return;
    let hash = hashes.get(document);
    if (!hash) {
      hash = createHash('sha256').update(source).digest('hex');
      hashes.set(document, hash);
    }
    let fixed = records.get(plan);
    if (!fixed) {
      fixed = planRecord(name, hash, plan.classes, plan.fields, plan.refused);
      records.set(plan, fixed);
    }
    await executor.recorder.record(recordText(client, fixed, shown));
  };

  const answer = async (context: GraphQLRequestContext<RequestContext>): Promise<string> => {
    const { document, operation, request, source } = context as typeof context & {
      document: DocumentNode;
      operation: OperationDefinitionNode | undefined;
      source: string;
    };
    // graphql-js validates nothing below a root type that the schema does not have.
    if (!operation || operation.operation === 'subscription') throw new PublicError('OPERATION_RESOLUTION_FAILURE');
    const { client } = context.contextValue;
    const variables = coerce(executor.schema, document, operation, request.variables ?? {});
    const plan = await executor.planner.plan(document, operation, client, variables);
    const run: Run = { variables, client, cursorSecret: executor.cursorSecret, written: null };
    let written: CommandResult | null = null;
    if (plan.command) {
      written = await executor.command(plan.command.field, plan.command.input(variables), client);
      run.written = written.id;
    }
    const { json: found, seen } = plan.sql && (plan.command === null || run.written !== null) ? await read(plan, run) : NOTHING;
    const statics = plan.staticKeys.length > 0 ? await answerStatics(plan, document, operation, variables, client) : {};
    await record(plan, client, document, source, operation.name?.value ?? null, seen);
    const data = plan.parts.map((part) => {
      const json =
        part.kind === 'sql'
          ? (found[part.row] ?? 'null')
          : part.kind === 'text'
            ? part.json
            : part.kind === 'static'
              ? (statics[part.key] ?? 'null')
              : payloadJson(part.parts, found, written as CommandResult);
      return `${JSON.stringify(part.key)}:${json}`;
    });
    const errors = plan.refused.map(({ field, class: dataClass, reason, at }) => ({
      message: 'This field is not shared with you.',
      extensions: { code: 'FORBIDDEN', field, class: dataClass, reason, at },
    }));
    const errorsJson = errors.length > 0 ? `"errors":${JSON.stringify(errors)},` : '';
    return `{${errorsJson}"data":{${data.join(',')}}}`;
  };

  /** Introspection is the same for every run of a plan; the rest is asked each time. */
  const answerStatics = async (
    plan: Plan,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Variables,
    client: Client,
  ) => {
    const known = introspection.get(plan);
    if (known) return known;
    const only = staticDocument(document, operation, new Set(plan.staticKeys));
    const result = (await execute({
      schema: executor.staticSchema(client.agency),
      document: only,
      contextValue: { client },
      variableValues: variables,
      operationName: operation.name?.value ?? null,
    })) as ExecutionResult;
    if (result.errors) throw new PublicError('INTERNAL', undefined, {});
    const texts = Object.fromEntries(Object.entries(result.data ?? {}).map(([key, value]) => [key, JSON.stringify(value)]));
    if (!operation.variableDefinitions?.length && onlyIntrospection(only)) introspection.set(plan, texts);
    return texts;
  };

  return {
    async requestDidStart() {
      return {
        async responseForOperation(context): Promise<GraphQLResponse | null> {
          const { http } = context.response;
          try {
            const text = await answer(context as never);
            return { http, body: { kind: 'single', singleResult: { data: new Answer(text) as never } } };
          } catch (error) {
            if (!(error instanceof PublicError)) executor.log(error, context.contextValue.client);
            const { status, ...shown } = formatError(error);
            http.status = status;
            return { http, body: { kind: 'single', singleResult: { data: new Answer(errorBody([shown])) as never } } };
          }
        },
      };
    },
  };
}

function payloadJson(parts: PayloadPart[], found: Found['json'], written: CommandResult): string {
  const members = parts.map((part) => {
    const json =
      part.kind === 'sql'
        ? (found[part.row] ?? 'null')
        : part.kind === 'text'
          ? part.json
          : JSON.stringify(
              written.userErrors.map((error) =>
                Object.fromEntries(
                  part.fields.map(({ key, name }) => [key, name === '__typename' ? 'UserError' : error[name as keyof typeof error]]),
                ),
              ),
            );
    return `${JSON.stringify(part.key)}:${json}`;
  });
  return `{${members.join(',')}}`;
}

/** Strings that PostgreSQL, or a person, cannot read back as they were sent. */
function checkText(value: unknown): void {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw new PublicError('BAD_USER_INPUT', 'A text holds a null byte.');
    if (!value.isWellFormed()) throw new PublicError('BAD_USER_INPUT', 'A text is not well-formed Unicode.');
  } else if (value !== null && typeof value === 'object') {
    for (const inner of Object.values(value)) checkText(inner);
  }
}

const checkedDocuments = new WeakSet<DocumentNode>();

/** Coerces the variables, as graphql-js would have. @throws PublicError BAD_USER_INPUT naming the variable. */
function coerce(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, given: Variables): Variables {
  if (!checkedDocuments.has(document)) {
    visit(document, { StringValue: ({ value }) => checkText(value) });
    checkedDocuments.add(document);
  }
  checkText(given);
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given, { maxErrors: 3 });
  if (errors) throw new PublicError('BAD_USER_INPUT', scrub(errors[0]?.message ?? 'A variable is not of its type.'));
  return coerced as Variables;
}

/** graphql-js proposes names that are near to what was asked; they may be of what the caller cannot see. */
export function scrub(message: string): string {
  return message.replace(/ ?Did you mean[\s\S]*$/, '').replace(/ ?Or did you mean[\s\S]*$/i, '');
}

/** The document with only those root fields that graphql-js answers. */
function staticDocument(document: DocumentNode, operation: OperationDefinitionNode, keys: Set<string>): DocumentNode {
  const keep = (node: FieldNode) => keys.has(node.alias?.value ?? node.name.value);
  const prune = (selections: OperationDefinitionNode['selectionSet']): OperationDefinitionNode['selectionSet'] => ({
    ...selections,
    selections: selections.selections.flatMap((selected): SelectionNode[] => {
      if (selected.kind === Kind.FIELD) return keep(selected) ? [selected] : [];
      if (selected.kind === Kind.INLINE_FRAGMENT) return [{ ...selected, selectionSet: prune(selected.selectionSet) }];
      const fragment = document.definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === selected.name.value);
      return fragment && fragment.kind === Kind.FRAGMENT_DEFINITION
        ? [{ kind: Kind.INLINE_FRAGMENT as const, directives: selected.directives ?? [], selectionSet: prune(fragment.selectionSet) }]
        : [];
    }),
  });
  const selectionSet = prune(operation.selectionSet);
  const used = variablesIn(document, selectionSet);
  // The agency's schema may lack the types of the other variables.
  const variableDefinitions = (operation.variableDefinitions ?? []).filter(({ variable }) => used.has(variable.name.value));
  return {
    ...document,
    definitions: document.definitions.flatMap((definition): DefinitionNode[] =>
      definition === operation
        ? [{ ...operation, variableDefinitions, selectionSet }]
        : definition.kind === Kind.FRAGMENT_DEFINITION
          ? [definition]
          : [],
    ),
  };
}

/** Names of the variables in a selection and in the fragments that it leads to. */
function variablesIn(document: DocumentNode, selectionSet: OperationDefinitionNode['selectionSet']): Set<string> {
  const used = new Set<string>();
  const entered = new Set<string>();
  const enter = (node: OperationDefinitionNode['selectionSet']): void => {
    visit(node, {
      Variable: ({ name }) => void used.add(name.value),
      FragmentSpread: ({ name }) => {
        if (entered.has(name.value)) return;
        entered.add(name.value);
        const fragment = document.definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === name.value);
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) enter(fragment.selectionSet);
      },
    });
  };
  enter(selectionSet);
  return used;
}

function onlyIntrospection(document: DocumentNode): boolean {
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  return (
    operation?.kind === Kind.OPERATION_DEFINITION &&
    operation.selectionSet.selections.every((s) => s.kind === Kind.FIELD && s.name.value.startsWith('__'))
  );
}
