/** What a compilation carries: the operation, who asks, and what it has found so far. */
import {
  BREAK,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLInputObjectType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  visit,
} from 'graphql';
import { collectSubfields } from 'graphql/execution/collectFields.js';
import type { DataClass } from '../access/classes.ts';
import type { Client } from '../access/client.ts';
import { type Access, mayRead, type Refusal } from '../access/decide.ts';
import type { Barred } from '../access/predicates.ts';
import type { FeedPage } from '../change/feed.ts';
import type { Classified } from '../graphql/classes.ts';
import type { Binding, RootBinding } from './binding.ts';

export type Variables = Record<string, unknown>;

/**
 * What is known when a plan is run: the variables, who asks, for a payload the key of what was written, and a word that
 * no other run has, which comes back with every row.
 */
export type Run = {
  variables: Variables;
  client: Client;
  cursorSecret: Buffer;
  written: string | null;
  asked: string;
  /** By root: what the change feed may tell next. */
  feeds?: ReadonlyMap<string, FeedPage>;
};

/** How often something may stand in the answer; pages depend on variables. */
export type Times = (variables: Variables) => number;

/** A parameter's value, worked out anew for each run. */
export type Parameter = (run: Run) => string | null;

export type Refused = { field: string; class: DataClass; reason: Refusal; at: string };

/** The product's bindings, as the modules state them. */
export type Catalogue = { bindings: ReadonlyMap<string, Binding>; roots: ReadonlyMap<string, RootBinding>; classes: Classified };

export type Context = {
  client: Client;
  schema: GraphQLSchema;
  catalogue: Catalogue;
  fragments: Record<string, FragmentDefinitionNode>;
  variables: Variables;
  parameters: Parameter[];
  /** Whom the user is barred from, as every root's subquery finds it beside itself. */
  barred: Barred | null;
  refused: Map<string, Refused>;
  /** Fields of personal data in the answer, `Type.field`, and their classes: for the disclosure record. */
  fields: Set<string>;
  classes: Set<DataClass>;
  /** Whether the statement is to list the families and persons in the answer. */
  discloses: boolean;
  /** SQL of the persons to whom what is now compiled is handed on, for each object that does so: what is kept from all of them is not there. */
  shownTo: string[];
  /** Each kind of object asked for: how many of it there may be. Their sum is what the operation may cost. */
  costs: Times[];
  /** Whether anything of people is asked for. */
  personal: boolean;
  /** Whether it reads what is made from the disclosure record. */
  fresh: boolean;
  /** What graphql-shield said of each field of the document. */
  allowed: ReadonlyMap<string, boolean>;
  next: number;
};

/** A new alias, unique in the statement. */
export const alias = (ctx: Context, prefix: string): string => `${prefix}${ctx.next++}`;

/** Registers a parameter and gives its SQL. The first is the user. */
export function parameter(ctx: Context, value: Parameter): string {
  ctx.parameters.push(value);
  return `$${ctx.parameters.length}`;
}

/** A field's arguments: now (for the shape of the plan), and at each run. */
export type Arguments = { now: Record<string, unknown>; at: (variables: Variables) => Record<string, unknown> };

export function argumentsOf(ctx: Context, field: GraphQLField<unknown, unknown>, node: FieldNode): Arguments {
  const read = (variables: Variables) => getArgumentValues(field, node, variables) as Record<string, unknown>;
  const now = read(ctx.variables);
  return { now, at: hasVariable(node) ? read : () => now };
}

/** Whether an argument of a field is, or holds, a variable; without one its values are the same for every run. */
function hasVariable(node: FieldNode): boolean {
  let found = false;
  for (const argument of node.arguments ?? []) {
    visit(argument, {
      Variable: () => {
        found = true;
        return BREAK;
      },
    });
  }
  return found;
}

/** The classes of what an argument says: its own, and field by field those of a filter. */
export function argumentClasses(ctx: Context, type: string, field: GraphQLField<unknown, unknown>, args: Record<string, unknown>) {
  const { classes } = ctx.catalogue;
  const found: [path: string, dataClass: DataClass][] = [];
  for (const argument of field.args) {
    const value = args[argument.name];
    if (value === undefined || value === null) continue;
    found.push([argument.name, classes.argumentClass(type, field.name, argument.name)]);
    const named = getNamedType(argument.type);
    if (!(named instanceof GraphQLInputObjectType)) continue;
    for (const [name, inner] of (Array.isArray(value) ? value : [value]).flatMap((each) => Object.entries(each as object))) {
      if (inner !== null && inner !== undefined) found.push([`${argument.name}.${name}`, classes.inputClass(named.name, name)]);
    }
  }
  return found;
}

/** The value at a dotted path; undefined where something on the way is missing or null. */
export function valueAt(values: Record<string, unknown>, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], values);
}

/** The fields of a selection for one object type, by response key. */
export function selection(ctx: Context, type: GraphQLObjectType, nodes: readonly FieldNode[]): Map<string, readonly FieldNode[]> {
  return collectSubfields(ctx.schema, ctx.fragments, ctx.variables, type, nodes);
}

/**
 * Asks whether a field may be in the answer. A refusal is noted once for each response path.
 *
 * @returns true where it may.
 */
export function mayShow(ctx: Context, type: string, field: string, at: string): boolean {
  const name = `${type}.${field}`;
  const dataClass = ctx.catalogue.classes.fieldClass(type, field);
  const access: Access = mayRead(ctx.client, dataClass);
  if (access.open !== false && ctx.allowed.get(name) === true) {
    if (dataClass !== 'STRUCTURE' && dataClass !== 'DIRECTORY') {
      ctx.fields.add(name);
      ctx.classes.add(dataClass);
    }
    return true;
  }
  refuse(ctx, name, dataClass, access.open === false ? access.reason : 'NOT_SHARED_WITH_AGENCY', at);
  return false;
}

/** Notes a refusal. */
export function refuse(ctx: Context, field: string, dataClass: DataClass, reason: Refusal, at: string): void {
  ctx.refused.set(`${at} ${field}`, { field, class: dataClass, reason, at });
}
