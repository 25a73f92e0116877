/** Document × client → plan: one SQL statement, its parameters, what was refused. Made once for each shape of a request. */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isLeafType,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { collectFields } from 'graphql/execution/collectFields.js';
import { purposeRule } from '../access/agreement.ts';
import { type DataClass, isPersonal } from '../access/classes.ts';
import type { Client } from '../access/client.ts';
import { mayRead, mayWrite, requestMasks } from '../access/decide.ts';
import { inboxTypes } from '../access/inbox.ts';
import { barredRow, USER } from '../access/predicates.ts';
import type { Rules } from '../access/rules.ts';
import { classOf } from '../db/classified.ts';
import { PublicError } from '../errors.ts';
import { namedFields } from '../graphql/named.ts';
import type { AssembledSchema } from '../graphql/schema.ts';
import { PERSONAL_STATICS, STATIC_ROOTS, staticFields } from '../graphql/statics.ts';
import { shapeOf } from '../graphql/values.ts';
import { LIMITS } from '../limits.ts';
import { unionStream } from './abstract.ts';
import { type Binding, membersOf, type RootBinding } from './binding.ts';
import {
  alias,
  argumentClasses,
  argumentsOf,
  type Catalogue,
  type Context,
  mayShow,
  type Parameter,
  parameter,
  type Refused,
  refuse,
  selection,
  type Variables,
} from './context.ts';
import { SUBSCRIPTIONS, type Subscribed } from './event.ts';
import { compileFeed, FEED_ROOTS, type FeedRoot } from './feed.ts';
import { decodeId } from './ids.ts';
import { compilePage, tableStream } from './page.ts';
import { and, filterSql, idParameter, isGiven, listOf, namedObject, orderBy, ROOT_SCOPE, rows, type Sub } from './select.ts';

/** One root field of the answer, in the order of the document; `row` names its row of the statement's result. */
export type Part =
  | { kind: 'sql'; key: string; row: string }
  | { kind: 'text'; key: string; json: string }
  | { kind: 'static'; key: string }
  | { kind: 'payload'; key: string; parts: PayloadPart[] };

export type PayloadPart =
  | { kind: 'sql'; key: string; row: string }
  | { kind: 'text'; key: string; json: string }
  | { kind: 'once'; key: string; name: string }
  | { kind: 'userErrors' | 'warnings'; key: string; fields: { key: string; name: string }[] };

export type Command = { field: string; input: (variables: Variables) => Record<string, unknown> };

export type Plan = {
  sql: string | null;
  parameters: Parameter[];
  parts: Part[];
  refused: Refused[];
  /** How many objects the answer may hold, at most and about: what the operation may cost. */
  cost: (variables: Variables) => number;
  /** Asks of people: its answer is put on record, also when it names nobody. */
  personal: boolean;
  /** Reads what is made from the disclosure record, which has to be read up first. */
  fresh: boolean;
  /** Personal fields in the answer, and their classes. */
  fields: string[];
  classes: DataClass[];
  /** Response keys that graphql-js answers. */
  staticKeys: string[];
  command: Command | null;
  /** Its roots of the change feed: what may be told next is asked for first. */
  feeds: FeedRoot[];
  /** Of a subscription: what it follows. */
  subscribed: ((variables: Variables) => Subscribed) | null;
  /** How often it was run: a plan seen often is prepared. */
  runs: number;
};

export type PlannerOptions = {
  /** False where there is no disclosure record to list families and persons for. */
  discloses?: boolean;
  /** Told whether a plan was made or found. */
  planned?: (made: boolean) => void;
};

export type Planner = {
  /** @param about of a subscription's event: the type of the row that it is of. */
  plan(document: DocumentNode, operation: OperationDefinitionNode, client: Client, variables: Variables, about?: string): Promise<Plan>;
};

export function createPlanner(
  assembled: AssembledSchema,
  bindings: ReadonlyMap<string, Binding>,
  roots: ReadonlyMap<string, RootBinding>,
  rules: Rules,
  options: PlannerOptions = {},
): Planner {
  const { discloses = true, planned = () => {} } = options;
  const catalogue: Catalogue = { bindings, roots, classes: assembled.classes };
  const plans = new WeakMap<DocumentNode, Map<string, Promise<Plan>>>();
  return {
    plan(document, operation, client, variables, about) {
      let known = plans.get(document);
      if (!known) {
        known = new Map();
        plans.set(document, known);
      }
      const key = `${operation.name?.value ?? ''}|${client.planKey}|${shapeOf(assembled.schema, operation, variables)}|${about ?? ''}`;
      const found = known.get(key);
      planned(!found);
      if (found) return found;
      if (known.size >= LIMITS.plansPerDocument) known.clear();
      const made = compile(assembled, catalogue, rules, document, operation, client, variables, discloses, about);
      known.set(key, made);
      made.catch(() => known.delete(key));
      return made;
    },
  };
}

/** The alias of what the user is barred from, in every root's statement. */
const BARRED = 'barred';

/** Asks graphql-shield's rule of every field that the document names, once. */
async function askRules({ schema }: AssembledSchema, rules: Rules, document: DocumentNode, client: Client): Promise<Map<string, boolean>> {
  const answers = namedFields(schema, document).map(
    async ([type, field]) => [`${type}.${field}`, await rules.ask(type, field, client)] as const,
  );
  return new Map(await Promise.all(answers));
}

async function compile(
  assembled: AssembledSchema,
  catalogue: Catalogue,
  rules: Rules,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  client: Client,
  variables: Variables,
  discloses: boolean,
  about?: string,
): Promise<Plan> {
  const { schema } = assembled;
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  const barredFrom = barredRow(client);
  const ctx: Context = {
    client,
    schema,
    catalogue,
    fragments,
    variables,
    parameters: [(run) => run.client.user],
    barred: barredFrom === null ? null : { family: `${BARRED}.family`, person: `${BARRED}.person` },
    refused: new Map(),
    fields: new Set(),
    classes: new Set(),
    discloses,
    shownTo: [],
    costs: [],
    personal: false,
    fresh: false,
    allowed: await askRules(assembled, rules, document, client),
    next: 0,
  };
  const root = schema.getRootType(operation.operation) as GraphQLObjectType;
  const collected = collectFields(schema, fragments, variables, root, operation.selectionSet);
  if (operation.operation === 'mutation' && [...collected].filter(([, [n]]) => n?.name.value !== '__typename').length > 1) {
    throw new PublicError('MULTIPLE_MUTATIONS');
  }
  // Validation counts the fields as they are written; which of them stand there directives say.
  if (operation.operation === 'subscription' && [...collected.values()].some(([node]) => !SUBSCRIPTIONS.has(node?.name.value ?? '')))
    throw new PublicError('GRAPHQL_VALIDATION_FAILED');
  if (operation.operation === 'subscription' && collected.size !== 1) throw new PublicError('GRAPHQL_VALIDATION_FAILED');

  // Each root is a row of its own: PostgreSQL plans them one by one, where joined it would look for their best order.
  const branches: string[] = [];
  const asked = parameter(ctx, (run) => run.asked);
  const add = ({ sql, discloses }: Sub): string => {
    const name = alias(ctx, 'r');
    // Whatever it begins with: what names families or persons is put on record.
    if (discloses) ctx.personal = true;
    // `$1` is the user in every plan; it is named once, so that it has a type where no rule reads it.
    const user = branches.length === 0 ? ' where ($1::text is null or true)' : '';
    const from = barredFrom !== null ? `(${barredFrom}) ${BARRED} cross join lateral (${sql}) q` : `(${sql}) q`;
    branches.push(
      `select '${name}'::text as part, ${asked}::text as asked, q.j, ${discloses ? 'q.d' : 'null::text as d'} from ${from}${user}`,
    );
    return name;
  };
  const parts: Part[] = [];
  const staticKeys: string[] = [];
  /** Those of them that have hundreds of rows. */
  const heavy = new Set<string>();
  let command: Command | null = null;
  const feeds: FeedRoot[] = [];
  let subscribed: Plan['subscribed'] = null;

  for (const [key, nodes] of collected) {
    const node = nodes[0] as FieldNode;
    const name = node.name.value;
    if (name === '__typename') parts.push({ kind: 'text', key, json: JSON.stringify(root.name) });
    else if (STATIC_ROOTS.has(name)) {
      if (!name.startsWith('__') && !staticAllowed(ctx, root, key, node)) {
        parts.push({ kind: 'text', key, json: 'null' });
        continue;
      }
      if (PERSONAL_STATICS.has(name)) ctx.personal = true;
      parts.push({ kind: 'static', key });
      staticKeys.push(key);
      if (name !== 'viewer') heavy.add(key);
    } else if (operation.operation === 'mutation') {
      const made = compileCommand(ctx, root, key, nodes, add);
      parts.push(made.part);
      command = made.command;
    } else if (operation.operation === 'subscription') {
      const made = compileEvent(ctx, root, key, nodes, about, add);
      subscribed = made.subscribed;
      parts.push(made.row ? { kind: 'sql', key, row: made.row } : { kind: 'text', key, json: 'null' });
    } else if (FEED_ROOTS.has(name)) {
      const made = feedAllowed(ctx, root, key, nodes, feeds.length);
      if (made) feeds.push(made.feed);
      parts.push(made ? { kind: 'sql', key, row: add(made.sub) } : { kind: 'text', key, json: 'null' });
    } else {
      const row = compileRoot(ctx, root, key, nodes, add);
      parts.push(row ? { kind: 'sql', key, row } : { kind: 'text', key, json: 'null' });
    }
  }
  const statics = heavy.size === 0 ? 0 : staticFields(document, operation, heavy) * LIMITS.costOfStatic;
  return {
    sql: branches.length === 0 ? null : branches.join(' union all '),
    parameters: ctx.parameters,
    parts,
    refused: [...ctx.refused.values()],
    cost: (variables) => Math.ceil(ctx.costs.reduce((sum, times) => sum + times(variables), 1 + staticKeys.length + statics)),
    // Reading who looked is a look as well, and so is a figure that may tell of somebody.
    personal: ctx.personal || ctx.classes.has('OPERATION') || ctx.classes.has('EXACT') || ctx.classes.has('RESEARCH'),
    fresh: ctx.fresh,
    fields: [...ctx.fields].sort(),
    classes: [...ctx.classes].sort(),
    staticKeys,
    command,
    feeds,
    subscribed,
    runs: 0,
  };
}

/** Adds a root's subquery to the statement; gives the name of its part. */
type Add = (sub: Sub) => string;

/** What stands at a root stands there once. */
const once = () => 1;

/** Checks a field and its arguments. A forbidden argument nulls the field it stands on. */
function fieldAllowed(
  ctx: Context,
  root: GraphQLObjectType,
  key: string,
  field: GraphQLField<unknown, unknown>,
  args: Record<string, unknown>,
): boolean {
  if (!mayShow(ctx, root.name, field.name, key)) return false;
  let allowed = true;
  const check = (path: string, dataClass: DataClass) => {
    const access = mayRead(ctx.client, dataClass);
    const name = `${root.name}.${field.name}(${path})`;
    if (access.open === false) {
      refuse(ctx, name, dataClass, access.reason, key);
      allowed = false;
    } else if (isPersonal(dataClass)) {
      // Which rows came, and how many, tells of what they were chosen by.
      ctx.fields.add(name);
      ctx.classes.add(dataClass);
    }
  };
  for (const [path, dataClass] of argumentClasses(ctx, root.name, field, args)) check(path, dataClass);
  // A sort key has the class of the field it names.
  const binding = ctx.catalogue.roots.get(field.name);
  if (binding?.kind === 'page') {
    for (const { table } of binding.order(args).keys) {
      if (!table) continue;
      const sorted = Object.entries(ctx.catalogue.bindings.get(binding.to)?.fields ?? {}).find(
        ([, f]) => f.kind === 'column' && f.column.table === table,
      );
      if (sorted) check('orderBy', ctx.catalogue.classes.fieldClass(binding.to, sorted[0]));
    }
  }
  return allowed;
}

function staticAllowed(ctx: Context, root: GraphQLObjectType, key: string, node: FieldNode): boolean {
  const field = root.getFields()[node.name.value] as GraphQLField<unknown, unknown>;
  return fieldAllowed(ctx, root, key, field, argumentsOf(ctx, field, node).now);
}

function compileRoot(ctx: Context, root: GraphQLObjectType, key: string, nodes: readonly FieldNode[], add: Add): string | null {
  const node = nodes[0] as FieldNode;
  const field = root.getFields()[node.name.value] as GraphQLField<unknown, unknown>;
  const args = argumentsOf(ctx, field, node);
  if (!fieldAllowed(ctx, root, key, field, args.now)) return null;
  if (field.name === 'node') return compileNode(ctx, key, nodes, args, add);
  const binding = ctx.catalogue.roots.get(field.name);
  if (!binding) throw new Error(`Query.${field.name} has no binding.`);
  const types = binding.kind === 'union' ? membersOf(ctx.catalogue.bindings, binding).map(({ type }) => type) : [binding.to];
  const personal = types.some((type) => isPersonalType(ctx, type));
  if (purposeRule(ctx.client.purpose).singleRecord && personal) {
    refuse(ctx, `${root.name}.${field.name}`, 'STRUCTURE', 'NOT_FOR_THIS_PURPOSE', key);
    return null;
  }
  if (types.every((type) => showsNothing(ctx, type))) {
    const access = mayRead(ctx.client, 'IDENTITY');
    refuse(ctx, `${root.name}.${field.name}`, 'STRUCTURE', access.open === false ? access.reason : 'NOT_FOR_THIS_PURPOSE', key);
    return null;
  }
  if (personal || types.some((type) => namesPeople(ctx, type))) ctx.personal = true;
  if (binding.kind === 'entity') {
    const row = alias(ctx, 'k');
    const where = binding.match(args.now).map((match) => filterSql(ctx, args, match.path.join('.'), match, row));
    return add(rows(ctx, { type: binding.to, nodes, scope: ROOT_SCOPE, at: key, times: once }, row, { where, entered: true }));
  }
  const page = { type: binding.to, nodes, scope: ROOT_SCOPE, at: key, times: once };
  const connection = { ...page, parentType: root.name, field: field.name };
  if (binding.kind === 'union') return add(compilePage(ctx, { ...connection, stream: unionStream(ctx, page, binding) }));
  const given = Object.entries(binding.filters).filter(([path]) => isGiven(args, path));
  const { mine } = binding;
  const standing = binding.kind === 'page' ? binding.standing : undefined;
  const on = (row: string) =>
    and([
      ...(standing ? [standing(row)] : []),
      ...given.map(([path, filter]) => filterSql(ctx, args, path, filter, row)),
      ...(mine ? [`${row}.${mine.user} = ${USER}`, `${row}.${mine.organisation} = ${ctx.client.organisation.id}`] : []),
    ]);
  if (binding.kind === 'list') {
    const row = alias(ctx, 'k');
    const tail = `order by ${orderBy(binding.order, row)}`;
    return add(listOf(rows(ctx, { ...page, times: () => LIMITS.costOfList }, row, { where: [on(row)], tail, entered: true })));
  }
  return add(compilePage(ctx, { ...connection, stream: tableStream(ctx, page, binding.order(args.now), on, true) }));
}

/** A root of the change feed, where the request may read it: an application that keeps a copy, and nobody at a screen. */
function feedAllowed(ctx: Context, root: GraphQLObjectType, key: string, nodes: readonly FieldNode[], place: number) {
  const node = nodes[0] as FieldNode;
  const field = root.getFields()[node.name.value] as GraphQLField<unknown, unknown>;
  const args = argumentsOf(ctx, field, node);
  if (!fieldAllowed(ctx, root, key, field, args.now)) return null;
  const name = `${root.name}.${field.name}`;
  if (ctx.client.user !== null) {
    refuse(ctx, name, ctx.catalogue.classes.fieldClass(root.name, field.name), 'NOT_FOR_THIS_ROLE', key);
    return null;
  }
  const { all, own } = requestMasks(ctx.client);
  if (purposeRule(ctx.client.purpose).singleRecord || (all | own) === 0n) {
    refuse(ctx, name, 'STRUCTURE', 'NOT_FOR_THIS_PURPOSE', key);
    return null;
  }
  ctx.personal = true;
  return compileFeed(ctx, root, key, nodes, args, place);
}

/** Whether this request may see no class of a type's data: then its rows are not there either. */
function showsNothing(ctx: Context, type: string): boolean {
  const { all, own } = requestMasks(ctx.client);
  return isPersonalType(ctx, type) && (all | own) === 0n;
}

/** Whether a type's rows are opened by grants. */
function isPersonalType(ctx: Context, type: string): boolean {
  const anchor = ctx.catalogue.bindings.get(type)?.anchor;
  return typeof anchor === 'string' || Array.isArray(anchor) || (anchor !== undefined && isPersonal(classOf(anchor).dataClass));
}

/** Whether rows of a type name a family or person, whoever opens them: to show one is a disclosure. */
function namesPeople(ctx: Context, type: string): boolean {
  const anchor = ctx.catalogue.bindings.get(type)?.anchor;
  if (anchor === undefined || typeof anchor === 'string' || Array.isArray(anchor)) return false;
  const { family, person } = classOf(anchor);
  return family !== undefined || person !== undefined;
}

/** `node(id)`: the type is the id's, so it is part of the plan's shape. */
function compileNode(
  ctx: Context,
  key: string,
  nodes: readonly FieldNode[],
  args: ReturnType<typeof argumentsOf>,
  add: Add,
): string | null {
  const { type } = decodeId(String(args.now.id));
  const binding = ctx.catalogue.bindings.get(type);
  if (!binding?.id || showsNothing(ctx, type)) return null;
  // One person's own data is asked for by the person.
  if (purposeRule(ctx.client.purpose).singleRecord && isPersonalType(ctx, type) && binding.anchor !== 'person') return null;
  return entityById(
    ctx,
    binding,
    key,
    nodes,
    idParameter(ctx, type, (variables) => args.at(variables).id),
    add,
  );
}

/** A subscription's field: the row that the event is of, entered as by its id. Before there is one, what it asks for is judged all the same. */
function compileEvent(
  ctx: Context,
  root: GraphQLObjectType,
  key: string,
  nodes: readonly FieldNode[],
  about: string | undefined,
  add: Add,
): { row: string | null; subscribed: NonNullable<Plan['subscribed']> } {
  const node = nodes[0] as FieldNode;
  const field = root.getFields()[node.name.value] as GraphQLField<unknown, unknown>;
  const args = argumentsOf(ctx, field, node);
  const argument = SUBSCRIPTIONS.get(field.name)?.family ?? null;
  const subscribed = (variables: Variables): Subscribed => {
    const { [argument ?? '']: given, after } = args.at(variables);
    const id = argument === null ? null : decodeId(String(given));
    const family = id && (id.type === 'Family' ? id.key : '');
    return { key, field: field.name, family, after: (after as string | null | undefined) ?? null };
  };
  const named = getNamedType(field.type);
  const types = isAbstractType(named) ? inboxTypes() : [named.name];
  if (!fieldAllowed(ctx, root, key, field, args.now)) return { row: null, subscribed };
  if (purposeRule(ctx.client.purpose).singleRecord || types.every((type) => showsNothing(ctx, type))) {
    refuse(ctx, `${root.name}.${field.name}`, 'STRUCTURE', 'NOT_FOR_THIS_PURPOSE', key);
    return { row: null, subscribed };
  }
  const type = about ?? (types.length === 1 ? (types[0] as string) : null);
  const binding = type === null ? undefined : ctx.catalogue.bindings.get(type);
  if (!binding?.id || showsNothing(ctx, binding.type)) return { row: null, subscribed };
  const row = entityById(
    ctx,
    binding,
    key,
    nodes,
    parameter(ctx, (run) => run.written),
    add,
  );
  return { row, subscribed };
}

function entityById(ctx: Context, binding: Binding, at: string, nodes: readonly FieldNode[], id: string, add: Add): string {
  if (isPersonalType(ctx, binding.type) || namesPeople(ctx, binding.type)) ctx.personal = true;
  const row = alias(ctx, 'k');
  const where = [`${row}.${binding.id} = ${id}::bigint`];
  return add(rows(ctx, { type: binding.type, nodes, scope: ROOT_SCOPE, at, times: once }, row, { where, entered: true }));
}

/** A mutation: its rule, its input's classes, and the payload's selection as a read of what was written. */
function compileCommand(
  ctx: Context,
  root: GraphQLObjectType,
  key: string,
  nodes: readonly FieldNode[],
  add: Add,
): { part: Part; command: Command | null } {
  const node = nodes[0] as FieldNode;
  const field = root.getFields()[node.name.value] as GraphQLField<unknown, unknown>;
  const args = argumentsOf(ctx, field, node);
  const { classes } = ctx.catalogue;
  const refusedBefore = ctx.refused.size;
  const check = (name: string, dataClass: DataClass) => {
    const access = mayWrite(ctx.client, dataClass, field.name);
    if (access.open === false) refuse(ctx, name, dataClass, access.reason, key);
  };
  check(`${root.name}.${field.name}`, classes.fieldClass(root.name, field.name));
  const input = (type: GraphQLInputType, value: unknown) => {
    const named = getNamedType(type);
    if (!(named instanceof GraphQLInputObjectType) || value === null || value === undefined) return;
    for (const each of Array.isArray(value) ? value : [value]) {
      for (const [name, inner] of Object.entries(each as object)) {
        check(`${named.name}.${name}`, classes.inputClass(named.name, name));
        input((named.getFields()[name] as { type: GraphQLInputType }).type, inner);
      }
    }
  };
  for (const argument of field.args) input(argument.type, args.now[argument.name]);
  if (ctx.allowed.get(`${root.name}.${field.name}`) !== true && ctx.refused.size === refusedBefore) {
    refuse(ctx, `${root.name}.${field.name}`, classes.fieldClass(root.name, field.name), 'NOT_YOURS_TO_WRITE', key);
  }
  if (ctx.refused.size > refusedBefore) return { part: { kind: 'text', key, json: 'null' }, command: null };

  const payload = getNamedType(field.type) as GraphQLObjectType;
  const parts = [...selection(ctx, payload, nodes)].map(([inner, innerNodes]): PayloadPart => {
    const name = (innerNodes[0] as FieldNode).name.value;
    if (name === '__typename') return { kind: 'text', key: inner, json: JSON.stringify(payload.name) };
    if (name === 'userErrors' || name === 'warnings') {
      const fields = [...selection(ctx, ctx.schema.getType('UserError') as GraphQLObjectType, innerNodes)];
      return { kind: name, key: inner, fields: fields.map(([k, [n]]) => ({ key: k, name: (n as FieldNode).name.value })) };
    }
    // What the command tells and no row holds.
    if (isLeafType(getNamedType((payload.getFields()[name] as GraphQLField<unknown, unknown>).type)))
      return { kind: 'once', key: inner, name };
    const at = `${key}.${inner}`;
    const entity = namedObject(ctx, payload.name, name);
    const binding = ctx.catalogue.bindings.get(entity?.name ?? '') as Binding;
    return {
      kind: 'sql',
      key: inner,
      row: entityById(
        ctx,
        binding,
        at,
        innerNodes,
        parameter(ctx, (run) => run.written),
        add,
      ),
    };
  });
  return {
    part: { kind: 'payload', key, parts },
    command: { field: field.name, input: (variables) => args.at(variables).input as Record<string, unknown> },
  };
}
