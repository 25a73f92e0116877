/** Selection set → SQL: one subquery for each object, giving its JSON and the families and persons in it. */

import type { PgTable } from 'drizzle-orm/pg-core';
import { type FieldNode, type GraphQLField, GraphQLObjectType, getNamedType } from 'graphql';
import { levelOf } from '../access/agreement.ts';
import { isPersonal } from '../access/classes.ts';
import { mayRead } from '../access/decide.ts';
import { ownProbe } from '../access/masks.ts';
import { familyEntry, type Known, notBarred, personEntry, rowEntry, rowPredicates, unguarded } from '../access/predicates.ts';
import { classOf, type TableClass } from '../db/classified.ts';
import { checkSameField } from '../graphql/limits.ts';
import { LIMITS } from '../limits.ts';
import { unionStream } from './abstract.ts';
import {
  type Binding,
  type CodeField,
  type ComputedField,
  columnNames,
  type FieldBinding,
  type On,
  type Order,
  type RelationField,
  type RootFilter,
  tableColumns,
  tableOf,
  type UnionField,
} from './binding.ts';
import {
  type Arguments,
  alias,
  argumentsOf,
  type Context,
  mayShow,
  parameter,
  selection,
  type Times,
  type Variables,
  valueAt,
} from './context.ts';
import { decodeId, idSql } from './ids.ts';
import { compilePage, tableStream } from './page.ts';
import { quoted, scalarSql, valueSql } from './scalar.ts';
import { compileWithheld, Grants } from './withheld.ts';

/** What the enclosing object has already put into the disclosure. */
type Seen = { familySeen: boolean; personSeen: boolean };

/** That, and what it knows of the family and the person whom the object is about as well. */
export type Scope = Seen & { known: Known };

export const ROOT_SCOPE: Scope = { familySeen: false, personSeen: false, known: {} };

export type Entity = {
  type: string;
  nodes: readonly FieldNode[];
  scope: Scope;
  /** Response path without list positions. */
  at: string;
  /** How many of it the answer may hold. */
  times: Times;
};

/** Rows of a type: what stands in `from` under an alias, and the plan's predicates on it. */
export type Source = { from: string; where: string[] };

/** @param entered the row is reached without its family (by id): the rules of entry stand on it. */
export function sourceOf(ctx: Context, binding: Binding, row: string, entered: boolean, known: Known): Source {
  const { client } = ctx;
  if (binding.fresh) ctx.fresh = true;
  if (binding.anchor === 'family') return { from: `fsp.family_grant ${row}`, where: familyEntry(client, row, ctx.barred) };
  if (binding.anchor === 'person') return { from: `fsp.person_grant ${row}`, where: personEntry(client, row, ctx.barred) };
  if (Array.isArray(binding.anchor)) {
    const [first] = binding.anchor as [PgTable, ...PgTable[]];
    const columns = columnNames(first).map(quoted).join(', ');
    const branches = binding.anchor.flatMap((table) => {
      const entry = classOf(table);
      if (mayRead(client, entry.dataClass).open === false) return [];
      return `select ${columns} from fsp.${entry.name} b where ${and(shownRows(ctx, entry, 'b', known))}`;
    });
    return { from: `(${branches.join(' union all ')}) ${row}`, where: [] };
  }
  const source = tableSource(ctx, binding.anchor, row, known);
  if (entered) source.where.push(...rowEntry(classOf(binding.anchor), row, client, ctx.barred));
  return source;
}

/** What the request's rules say of a row, and whether it is kept from those to whom the answer is handed on. */
function shownRows({ client, shownTo, barred }: Context, entry: TableClass, row: string, known: Known): string[] {
  const handedOn = entry.keptFrom ? shownTo.map((persons) => `(${persons} = '{}' or not ${persons} <@ ${row}.${entry.keptFrom})`) : [];
  return [...rowPredicates(entry, row, client, known, barred), ...handedOn];
}

/** The rows of one table that the request may see. */
function tableSource(ctx: Context, table: PgTable, row: string, known: Known = {}): Source {
  const { client } = ctx;
  const entry = classOf(table);
  const from = `fsp.${entry.name} ${row}`;
  // A table of a class that is closed to the request is not even named: its agency, or who asks in it, has no right to it.
  if (mayRead(client, entry.dataClass).open === false) return { from: `(${noRows(table)}) ${row}`, where: [] };
  if (!isPersonal(entry.dataClass)) return { from, where: entry.purposes?.includes(client.purpose) === false ? ['false'] : [] };
  return { from, where: shownRows(ctx, entry, row, known) };
}

/** Whether a table's columns are those of the type's own row. */
export const isAnchor = ({ anchor }: Binding, table: PgTable): boolean =>
  anchor === table || (Array.isArray(anchor) && anchor.includes(table));

/** The row of a side table beside a row, as what stands in a join. */
export function sideJoin(ctx: Context, binding: Binding, table: PgTable, row: string, known: Known): { name: string; join: string } {
  const key = binding.sides?.find(([t]) => t === table)?.[1].name;
  const entry = classOf(table);
  if (!key) throw new Error(`Type ${binding.type} has no side table ${entry.name}.`);
  const name = alias(ctx, 's');
  const on = [`${name}.${quoted(key)} = ${row}.${quoted(binding.id ?? 'id')}`, ...shownRows(ctx, entry, name, known)];
  return { name, join: `fsp.${entry.name} ${name} on ${and(on)}` };
}

/** A table's columns without its rows: the agency may have no right to the table itself. */
function noRows(table: PgTable): string {
  return `select ${tableColumns(table)
    .map((c) => `null::${c.getSQLType()} as ${quoted(c.name)}`)
    .join(', ')} where false`;
}

/** `from … where …` over one table with the plan's predicates: for filters and matches. `entered`: and with the rules of entry. */
export function subquery(ctx: Context) {
  return (table: PgTable, row: string, entered = false): string => {
    const source = tableSource(ctx, table, row);
    if (entered) source.where.push(...rowEntry(classOf(table), row, ctx.client, ctx.barred));
    return `from ${source.from} where ${and(source.where)}`;
  };
}

export const and = (predicates: string[]): string => (predicates.length > 0 ? predicates.join(' and ') : 'true');

/** SQL value of an id argument: its key, or null where it names another type. */
export function idParameter(ctx: Context, type: string, read: (variables: Variables) => unknown): string {
  return parameter(ctx, (run) => {
    const id = decodeId(String(read(run.variables)));
    return id.type === type ? id.key : null;
  });
}

/** The predicate of an argument that chooses rows. */
export function filterSql(ctx: Context, args: Arguments, path: string, { decode, type, where }: RootFilter, row: string): string {
  const value = (variables: Variables) => valueAt(args.at(variables), path);
  if (decode === 'id') return where(row, idParameter(ctx, type as string, value), subquery(ctx));
  const written = decode === 'json' ? (given: unknown) => JSON.stringify(given) : String;
  return where(row, `${parameter(ctx, (run) => written(value(run.variables)))}::text`, subquery(ctx));
}

/** Whether an argument is given, and not null. */
export const isGiven = (args: Arguments, path: string): boolean => (valueAt(args.now, path) ?? null) !== null;

/** Sort of a list as SQL. */
export function orderBy({ keys, descending }: Order, row: string): string {
  return keys.map(({ column }) => `${row}.${quoted(column)}${descending ? ' desc' : ''}`).join(', ');
}

export function bindingOf(ctx: Context, type: string): Binding {
  const binding = ctx.catalogue.bindings.get(type);
  if (!binding) throw new Error(`Type ${type} has no binding.`);
  return binding;
}

/** A subquery that gives JSON as `j` and, where it names families or persons, those as `d`. */
export type Sub = { sql: string; discloses: boolean };

/** The columns, joins and disclosures of one object whose row stands under an alias. */
export type Shape = { columns: string[]; joins: string[]; seen: string[] };

/**
 * Compiles one object.
 *
 * @param row the alias of its anchor's row.
 */
export function compileObject(ctx: Context, entity: Entity, row: string): Shape {
  const binding = bindingOf(ctx, entity.type);
  const type = ctx.schema.getType(entity.type) as GraphQLObjectType;
  const shape: Shape = { columns: [], joins: [], seen: [] };
  const known = knownOf(ctx, binding, row, entity.scope.known, shape.joins);
  const grants = new Grants(ctx, binding, row, shape.joins, known);
  const sides = new Map<PgTable, string>();
  const scope = disclose(ctx, binding, row, entity.scope, shape.seen);

  const side = (table: PgTable): string => {
    if (isAnchor(binding, table)) return row;
    let name = sides.get(table);
    if (!name) {
      const beside = sideJoin(ctx, binding, table, row, known);
      name = beside.name;
      sides.set(table, name);
      shape.joins.push(`left join ${beside.join}`);
    }
    return name;
  };

  const selected = selection(ctx, type, entity.nodes);
  checkSameField(selected);
  const weight = 1 + selected.size / LIMITS.fieldsPerUnit;
  ctx.costs.push((variables) => entity.times(variables) * weight);
  for (const [key, nodes] of selected) {
    const node = nodes[0] as FieldNode;
    const name = node.name.value;
    const at = entity.at === '' ? key : `${entity.at}.${key}`;
    shape.columns.push(`${fieldSql(name, nodes, at)} as ${quoted(key)}`);
  }
  return shape;

  function fieldSql(name: string, nodes: readonly FieldNode[], at: string): string {
    if (name === '__typename') return `'${entity.type}'::text`;
    if (!mayShow(ctx, entity.type, name, at)) return 'null::json';
    if (!binding.shownTo) return boundSql(name, nodes, at);
    const outer = ctx.shownTo;
    ctx.shownTo = [...outer, `${row}.${quoted(binding.shownTo.name)}`];
    const sql = boundSql(name, nodes, at);
    ctx.shownTo = outer;
    return sql;
  }

  function boundSql(name: string, nodes: readonly FieldNode[], at: string): string {
    if (name === 'id') return idSql(entity.type, `${row}.${quoted(binding.id ?? 'id')}`);
    if (name === 'withheld') {
      ctx.costs.push(entity.times);
      return compileWithheld(ctx, binding, nodes, grants, side);
    }
    const field = binding.fields[name] as FieldBinding;
    if (field.kind === 'column') return scalarSql(field.column, side(tableOf(field.column)));
    if (field.kind === 'code') return codeSql(field, nodes, at);
    if (field.kind === 'computed') return computedSql(field);
    return relationSql(name, field, nodes, at);
  }

  /** Where the side's row is not there for the caller, nothing is worked out from it: a count would be 0. */
  function computedSql({ table, sql, type }: ComputedField): string {
    const from = side(table);
    const value = valueSql(type, `(${sql(from, subquery(ctx))})`);
    const key = binding.sides?.find(([t]) => t === table)?.[1].name;
    return key ? `case when ${from}.${quoted(key)} is not null then ${value} end` : value;
  }

  function codeSql(field: CodeField, nodes: readonly FieldNode[], at: string): string {
    const child = alias(ctx, 'c');
    const value = `${side(tableOf(field.column))}.${quoted(field.column.name)}`;
    const found = rows(ctx, { type: 'Code', nodes, scope: { ...scope, known: {} }, at, times: entity.times }, child, {
      where: [`${child}.list = '${field.list}'`, `${child}.code = ${value}`],
      tail: `order by ${child}.version desc limit 1`,
    });
    return jsonOf(found);
  }

  function relationSql(name: string, field: RelationField | UnionField, nodes: readonly FieldNode[], at: string): string {
    const child = alias(ctx, 't');
    const inner: Scope = {
      familySeen: scope.familySeen && field.sameFamily === true,
      personSeen: scope.personSeen && field.samePerson === true,
      known: {
        ...(field.sameFamily && known.family && { family: known.family }),
        ...(field.samePerson && known.person && { person: known.person }),
      },
    };
    const given = argumentsOf(ctx, type.getFields()[name] as GraphQLField<unknown, unknown>, nodes[0] as FieldNode);
    const rowsOf = field.kind === 'list' && field.rows ? field.rows : () => LIMITS.costOfList;
    const many = (variables: Variables) => entity.times(variables) * rowsOf(given.at(variables));
    const next: Entity = { type: field.to, nodes, scope: inner, at, times: field.kind === 'list' ? many : entity.times };
    const parent = field.from ? side(field.from) : row;
    const joinOf = (each: string) =>
      and([field.on(parent, each), ...(field.kind !== 'union' && field.among ? [field.among(each, subquery(ctx), parent)] : [])]);
    const join = joinOf(child);
    if (field.kind === 'one') {
      if (provesPerson(ctx, binding, field, nodes)) return jsonOf(personOf(next, `${parent}.${quoted(field.column as string)}`, child));
      const tail = field.first && field.order ? `order by ${orderBy(field.order, child)} limit 1` : '';
      const json = jsonOf(rows(ctx, next, child, { where: [join], tail }));
      // One row of several is closed as the list of them would be.
      const open = field.first ? grants.listGate(entity.type, name) : null;
      return open ? `case when ${open} then ${json} end` : json;
    }
    const open = grants.listGate(entity.type, name);
    const on = (member: string, other?: On) => (other ?? field.on)(parent, member);
    if (field.kind === 'union') {
      const json = jsonOf(
        compilePage(ctx, { ...next, parentType: entity.type, field: name, stream: unionStream(ctx, next, field, on, parent) }),
      );
      return open ? `case when ${open} then ${json} end` : json;
    }
    // Although the class is closed here as a whole, some of the rows may be shown: then the list is.
    const counted = open !== null && mayShowSome(name, field.to);
    if (field.kind === 'list') {
      const where = [join, ...chosen(field, given, child)];
      const each = rows(ctx, next, child, { where, tail: `order by ${orderBy(field.order as Order, child)}` });
      return gated(open, listOf(each, counted), counted);
    }
    // What is asked of a page may leave out what else there is.
    const narrowed = counted && Object.keys(given.now).some((argument) => argument !== 'first' && isGiven(given, argument));
    const stream = (member: string, args: Arguments) =>
      tableStream(ctx, next, field.order as Order, (each) => and([joinOf(each), ...chosen(field, args, each)]))(member, args);
    const page = compilePage(ctx, { ...next, parentType: entity.type, field: name, stream }, counted && !narrowed);
    return narrowed ? `case when ${open} or ${someShown(next, joinOf)} then ${jsonOf(page)} end` : gated(open, page, counted);
  }

  /** A list's JSON where its class is open, or, counted, where it has rows. */
  function gated(open: string | null, sub: Sub, counted: boolean): string {
    if (!counted) return open ? `case when ${open} then ${jsonOf(sub)} end` : jsonOf(sub);
    const name = joined(sub);
    return `case when ${open} or ${name}.n > 0 then ${name}.j end`;
  }

  /** Whether some rows of a list may be shown although its class is closed: what a decision opens of one person, what is the organisation's own. */
  function mayShowSome(name: string, to: string): boolean {
    const { anchor } = bindingOf(ctx, to);
    if (typeof anchor === 'string' || Array.isArray(anchor)) return false;
    const table = classOf(anchor);
    const { agency, organisation } = ctx.client;
    if (table.dataClass !== ctx.catalogue.classes.fieldClass(entity.type, name)) return false;
    const ofPersons = table.person !== undefined && levelOf(table.dataClass, agency) === 'D';
    return ofPersons || ownProbe(table, 'own', agency, String(organisation.id)) !== null;
  }

  /** SQL that there are rows of it that are shown. */
  function someShown({ type, scope }: Entity, joinOf: (each: string) => string): string {
    const each = alias(ctx, 't');
    const source = sourceOf(ctx, bindingOf(ctx, type), each, false, scope.known);
    return `(select true from ${source.from} where ${and([joinOf(each), ...source.where])} limit 1)`;
  }

  /** What the arguments of a list or page choose among its rows. */
  function chosen({ filters }: RelationField, args: Arguments, each: string): string[] {
    const given = Object.entries(filters ?? {}).filter(([path]) => isGiven(args, path));
    return given.map(([path, filter]) => filterSql(ctx, args, path, filter, each));
  }

  /** The person of a row that has proved the person's grant already; whether this very user may see them it has not. */
  function personOf(person: Entity, key: string, name: string): Sub {
    const shape = compileObject(ctx, person, name);
    const where = [`${name}.person is not null`, ...notBarred(ctx.client, 'person', `${name}.person`, ctx.barred)];
    return objectSub(shape, `(select ${key} as person) ${name}`, `where ${and(where)}`);
  }

  /**
   * A subquery's JSON as an expression. Only one that discloses has to be joined, for its second column: as a value
   * PostgreSQL looks it up for each row, where it might hash a join's whole table, and plans it by itself.
   */
  function jsonOf(sub: Sub): string {
    return sub.discloses ? `${joined(sub)}.j` : `(${sub.sql})`;
  }

  /** The alias of a subquery that is joined beside the row. */
  function joined(sub: Sub): string {
    const name = alias(ctx, 'l');
    shape.joins.push(`left join lateral (${sub.sql}) ${name} on true`);
    if (sub.discloses) shape.seen.push(`${name}.d`);
    return name;
  }
}

/**
 * Whether a row that is shown proves that its person is there too. For the county it does: it has a grant on every
 * family, so no row is shown for being its own alone, and the row's policy has probed the person's grant. `withheld`
 * and lists need the grant's masks and go the long way.
 */
function provesPerson(ctx: Context, parent: Binding, field: RelationField, nodes: readonly FieldNode[]): boolean {
  if (ctx.client.agency !== 'LA' || field.to !== 'Person' || !field.samePerson || !field.column || typeof parent.anchor === 'string')
    return false;
  const asked = selection(ctx, ctx.schema.getType('Person') as GraphQLObjectType, nodes);
  const { fields } = bindingOf(ctx, 'Person');
  return [...asked.values()].every(([node]) => {
    const name = node?.name.value as string;
    return name !== 'withheld' && fields[name]?.kind !== 'list' && fields[name]?.kind !== 'page';
  });
}

/** A subquery's rows as one JSON array and one list of disclosures, and if it is to be counted their number as `n`. */
export function listOf({ sql, discloses }: Sub, counted = false): Sub {
  return {
    sql: `select coalesce(array_to_json(array_agg(n.j)), '[]'::json) as j${discloses ? `, string_agg(n.d, '') as d` : ''}${counted ? ', count(*) as n' : ''} from (${sql}) n`,
    discloses,
  };
}

/** An object's subquery, given where its row comes from. */
export function objectSub({ columns, joins, seen }: Shape, from: string, rest: string): Sub {
  const disclosed = seen.length > 0 ? `, ${seenSql(seen)} as d` : '';
  const sql = `select row_to_json(o.*) as j${disclosed} from ${from} ${joins.join(' ')} cross join lateral (select ${columns.join(', ')}) o ${rest}`;
  return { sql, discloses: seen.length > 0 };
}

/** The rows of a type. */
export function rows(ctx: Context, entity: Entity, row: string, rest: { where: string[]; tail?: string; entered?: boolean }): Sub {
  const source = sourceOf(ctx, bindingOf(ctx, entity.type), row, rest.entered ?? false, entity.scope.known);
  const shape = compileObject(ctx, entity, row);
  return objectSub(shape, source.from, `where ${and([...rest.where, ...source.where])} ${rest.tail ?? ''}`);
}

/** The disclosures of an object's parts as one text. A function of PostgreSQL takes at most 100 arguments. */
export function seenSql(seen: string[]): string {
  if (seen.length <= 90) return `concat(${seen.join(', ')})`;
  const chunks = Array.from({ length: Math.ceil(seen.length / 90) }, (_, i) => seenSql(seen.slice(i * 90, (i + 1) * 90)));
  return seenSql(chunks);
}

/**
 * Whether the user may know where everybody is in the row's family, and where the row's person is: worked out once, beside the row, for all
 * below it that is about the same.
 *
 * @param above of the enclosing object, where that is about the same family or person.
 */
function knownOf(ctx: Context, { anchor }: Binding, row: string, above: Known, joins: string[]): Known {
  const once = (of: 'family' | 'person', column: string | undefined) => {
    if (!column || above[of]) return above[of];
    let name: string | null = null;
    return () => {
      if (name === null) {
        name = alias(ctx, 'u');
        // Without the offset PostgreSQL would write the rule out again wherever it is named.
        joins.push(
          `cross join lateral (select ${unguarded(ctx.client, 'WHEREABOUTS', of, `${row}.${column}`) ?? 'true'} as open offset 0) ${name}`,
        );
      }
      return `${name}.open`;
    };
  };
  const keys: { family?: string | undefined; person?: string | undefined } =
    typeof anchor === 'string' ? { [anchor]: anchor } : classOf(Array.isArray(anchor) ? (anchor[0] as PgTable) : anchor);
  const [family, person] = [once('family', keys.family), once('person', keys.person)];
  return { ...(family && { family }), ...(person && { person }) };
}

/** Adds what the row itself discloses, and says what its children need not add again. */
export function disclose(ctx: Context, binding: Binding, row: string, scope: Seen, seen: string[]): Seen {
  if (!ctx.discloses) return scope;
  if (binding.anchor === 'family') {
    if (!scope.familySeen) seen.push(`'f' || ${row}.family || ','`);
    return { familySeen: true, personSeen: false };
  }
  if (binding.anchor === 'person') {
    if (!scope.personSeen) seen.push(`'p' || ${row}.person || ','`);
    return { familySeen: scope.familySeen, personSeen: true };
  }
  const table = classOf(Array.isArray(binding.anchor) ? (binding.anchor[0] as PgTable) : binding.anchor);
  const family = table.family !== undefined;
  const person = table.person !== undefined;
  if (family && !scope.familySeen) seen.push(`'f' || ${row}.${table.family} || ','`);
  if (person && !scope.personSeen) seen.push(`'p' || ${row}.${table.person} || ','`);
  return { familySeen: scope.familySeen || family, personSeen: person };
}

/** The type that a field gives, or gives a list of. */
export function namedObject(ctx: Context, type: string, field: string): GraphQLObjectType | null {
  const parent = ctx.schema.getType(type);
  if (!(parent instanceof GraphQLObjectType)) return null;
  const definition = parent.getFields()[field];
  const named = definition ? getNamedType(definition.type) : null;
  return named instanceof GraphQLObjectType ? named : null;
}
