/** Connections: keyset cursors, pageInfo, totalCount. */
import type { PgTable } from 'drizzle-orm/pg-core';
import type { FieldNode, GraphQLField, GraphQLObjectType } from 'graphql';
import { type DataClass, isPersonal } from '../access/classes.ts';
import { classOf } from '../db/classified.ts';
import { firstOf } from '../graphql/values.ts';
import { LIMITS } from '../limits.ts';
import type { Binding, Order, SortKey } from './binding.ts';
import {
  type Arguments,
  alias,
  argumentClasses,
  argumentsOf,
  type Context,
  parameter,
  type Run,
  selection,
  type Times,
  type Variables,
  valueAt,
} from './context.ts';
import { cursorKey, cursorSql, decodeCursor } from './ids.ts';
import { momentSql, quoted } from './scalar.ts';
import {
  and,
  bindingOf,
  compileObject,
  disclose,
  type Entity,
  namedObject,
  objectSub,
  type Sub,
  seenSql,
  sideJoin,
  sourceOf,
} from './select.ts';

export type Page = Entity & {
  parentType: string;
  field: string;
  /** What it is a page of, when the alias of its rows is known. */
  stream: (row: string, args: Arguments) => Stream;
};

/** Rows in an order: how they are found, and how one of them is built. */
export type Stream = {
  /** SQL types of what they are sorted by, which stands with each row as `o0`, `o1`, …; the last one unique. */
  keys: SortKey['type'][];
  descending?: boolean | undefined;
  /** SQL of the first of them, or of those after a place in the order. */
  limited: (after: string[] | null, limit: string) => string;
  /** SQL with a row for each of them. */
  counted: (limit: number) => string;
  /** Classes of side tables that it is sorted by: a row that withholds one has no place in it. */
  sortedBy?: DataClass[];
  /** What a row discloses by standing there: a cursor or an edge tells of it as its own fields would. */
  seen: string[];
  node: (nodes: readonly FieldNode[], at: string, times: Times, where: string[]) => Sub;
};

/**
 * The rows of one type.
 *
 * @param entered they stand at the root, without their families: the rules of entry stand on each of them.
 */
export function tableStream(ctx: Context, entity: Entity, { keys, descending }: Order, on: (row: string) => string, entered = false) {
  return (row: string, args?: Arguments): Stream => {
    const binding = bindingOf(ctx, entity.type);
    const source = sourceOf(ctx, binding, row, entered, entity.scope.known);
    const sides = new Map<PgTable, string>();
    for (const { table, column } of keys) {
      if (!table || sides.has(table)) continue;
      // An inner join: rows that withhold the sort key take no part.
      const { name, join } = sideJoin(ctx, binding, table, row, entity.scope.known);
      sides.set(table, name);
      source.from += ` join ${join}`;
      showsKey(ctx, binding, table, column);
    }
    const values = new Map<string, string>();
    const argumentSql = (path: string): string => {
      if (!args) throw new Error(`${entity.type} is sorted by an argument where there is none.`);
      let sql = values.get(path);
      if (!sql) {
        sql = `${parameter(ctx, (run) => JSON.stringify(valueAt(args.at(run.variables), path)))}::text`;
        values.set(path, sql);
      }
      return sql;
    };
    const sorted = keys.map(({ column, table, sql }) =>
      sql ? sql(row, argumentSql) : `${table ? sides.get(table) : row}.${quoted(column)}`,
    );
    const where = and([on(row), ...source.where]);
    const seen: string[] = [];
    disclose(ctx, binding, row, entity.scope, seen);
    return {
      keys: keys.map(({ type }) => type),
      descending,
      sortedBy: [...sides.keys()].map((table) => classOf(table).dataClass),
      limited: (after, limit) => {
        const keyset = after ? ` and (${sorted.join(', ')}) ${descending ? '<' : '>'} (${after.join(', ')})` : '';
        const order = sorted.map((key) => (descending ? `${key} desc` : key)).join(', ');
        return `select ${row}.*, ${sorted.map((key, i) => `${key} as o${i}`).join(', ')} from ${source.from} where ${where}${keyset} order by ${order} limit ${limit}`;
      },
      counted: (limit) => `select from ${source.from} where ${where} limit ${limit}`,
      seen,
      node: (nodes, at, times, shown) =>
        objectSub(compileObject(ctx, { ...entity, nodes, at, times }, row), '(select) one', `where ${and(shown)}`),
    };
  };
}

/** Notes that a column stands in the cursors. */
export function showsKey(ctx: Context, { type, fields }: Binding, table: PgTable, column: string): void {
  const shown = Object.entries(fields).find(([, f]) => f.kind === 'column' && f.column.table === table && f.column.name === column);
  if (shown) ctx.fields.add(`${type}.${shown[0]}`);
  ctx.classes.add(classOf(table).dataClass);
}

/**
 * Compiles a connection to a subquery with one row: its JSON, and the families and persons in it.
 *
 * @param counted and as `n` how many rows were found, 0 where there is none.
 */
export function compilePage(ctx: Context, page: Page, counted = false): Sub {
  const connection = namedObject(ctx, page.parentType, page.field) as GraphQLObjectType;
  const field = (ctx.schema.getType(page.parentType) as GraphQLObjectType).getFields()[page.field] as GraphQLField<unknown, unknown>;
  const args = argumentsOf(ctx, field, page.nodes[0] as FieldNode);
  firstOf(args.now);
  ctx.costs.push(page.times);
  const timesOfRow = (variables: Variables) => page.times(variables) * firstOf(args.at(variables));
  const keyOf = (run: Run) => {
    // A cursor is bound to the arguments that choose the rows.
    const { first: _first, after: _after, ...chosen } = args.at(run.variables);
    return cursorKey(run.cursorSecret, run.client.id, `${page.parentType}.${page.field} ${JSON.stringify(chosen)}`);
  };

  // The rows, driven and limited before anything is built from them.
  const row = alias(ctx, 'k');
  const { keys, descending, ...stream } = page.stream(row, args);
  const after =
    args.now.after === undefined || args.now.after === null
      ? null
      : keys.map((type, i) => {
          const value = (run: Run) => decodeCursor(String(args.at(run.variables).after), keyOf(run), keys.length)[i] as string;
          return `${parameter(ctx, value)}::${type}`;
        });

  const firstSql = `${parameter(ctx, (run) => String(firstOf(args.at(run.variables))))}::int`;
  let cursorParameter: string | null = null;
  /** @param values SQL of a row's sort keys. */
  const cursorOf = (values: string[]): string => {
    cursorParameter ??= parameter(ctx, (run) => keyOf(run).toString('hex'));
    return cursorSql(
      cursorParameter,
      values.map((value, i) => (keys[i] === 'timestamptz' ? momentSql(value) : value)),
    );
  };

  // Built for each row (`perRow`), gathered over the rows (`gathered`), shown (`columns`).
  const perRow: string[] = [];
  const gathered: string[] = [];
  const laterals: string[] = [];
  const seen: string[] = [];
  /** Whether something of each row is shown, be it its place. */
  let tellsOfRows = false;
  // Whether there are more is told by one row beyond the page; only then are rows numbered.
  const beyond = asksForMore();
  const filter = beyond ? ` filter (where p.n <= ${firstSql})` : '';
  const direction = descending ? ' desc' : '';
  const sorting = (prefix: string, suffix: string) => keys.map((_, i) => `${prefix}.o${i}${suffix}`).join(', ');

  const columns = [...selection(ctx, connection, page.nodes)].map(([key, nodes]) => {
    const name = (nodes[0] as FieldNode).name.value;
    return `${part(name, nodes, `${page.at}.${key}`)} as ${quoted(key)}`;
  });

  const limited = stream.limited(after, beyond ? `${firstSql} + 1` : firstSql);
  const numbered = beyond
    ? `select ${row}.*, row_number() over (order by ${sorting(row, direction)})::int as n from (${limited}) ${row}`
    : limited;
  const disclosing = seenOfRow();
  const discloses = disclosing.length > 0;
  const built = `select ${[...(beyond ? [`${row}.n`] : []), sorting(row, ''), ...perRow, ...(discloses ? [`${seenSql(disclosing)} as d`] : [])].join(', ')} from (${numbered}) ${row} ${laterals.join(' ')}`;
  const whole = `select ${['count(*) as n', ...(discloses ? [`string_agg(p.d, '') as d`] : []), ...gathered].join(', ')} from (${built}) p`;
  const sql = `select row_to_json(o.*) as j${discloses ? ', x.d' : ''}${counted ? ', x.n' : ''} from (${whole}) x cross join lateral (select ${columns.join(', ')}) o`;
  return { sql, discloses };

  function part(name: string, nodes: readonly FieldNode[], at: string): string {
    switch (name) {
      case '__typename':
        return `'${connection.name}'::text`;
      case 'nodes':
        return gather(nodeSql(nodes, at));
      case 'edges':
        return gather(edgeSql(nodes, at));
      case 'pageInfo':
        return ofType('PageInfo', nodes, pageInfoSql);
      case 'totalCount':
        ctx.costs.push((variables) => page.times(variables) * LIMITS.costOfCount);
        return ofType('TotalCount', nodes, totalCountSql, countSql());
      default:
        throw new Error(`A connection has no field ${name}.`);
    }
  }

  /** A value of each row as one array over the rows. */
  function gather(value: string): string {
    const name = alias(ctx, 'a');
    perRow.push(`${value} as ${name}`);
    gathered.push(`coalesce(array_to_json(${gatherSql(name)}), '[]'::json) as ${name}`);
    tellsOfRows = true;
    return `x.${name}`;
  }

  /** What each row discloses: its own family or person, and what its nodes add. The row beyond the page is not shown. */
  function seenOfRow(): string[] {
    if (!tellsOfRows || stream.seen.length === 0) return seen;
    const own = seenSql(stream.seen);
    return [...seen, beyond ? `case when ${row}.n <= ${firstSql} then ${own} end` : own];
  }

  /** A column of the rows shown, in their order. */
  function gatherSql(name: string): string {
    return `array_agg(p.${name} order by ${sorting('p', direction)})${filter}`;
  }

  function asksForMore(): boolean {
    const infos = [...selection(ctx, connection, page.nodes).values()].filter(([node]) => node?.name.value === 'pageInfo');
    const type = ctx.schema.getType('PageInfo') as GraphQLObjectType;
    return infos.some((nodes) => [...selection(ctx, type, nodes).values()].some(([node]) => node?.name.value === 'hasNextPage'));
  }

  /** The row's object; the row that only tells whether there are more is not built. */
  function nodeSql(nodes: readonly FieldNode[], at: string): string {
    const sub = stream.node(nodes, at, timesOfRow, beyond ? [`${row}.n <= ${firstSql}`] : []);
    if (!sub.discloses) return `(${sub.sql})`;
    const inner = alias(ctx, 'l');
    laterals.push(`left join lateral (${sub.sql}) ${inner} on true`);
    seen.push(`${inner}.d`);
    return `${inner}.j`;
  }

  function edgeSql(nodes: readonly FieldNode[], at: string): string {
    const edge = namedObject(ctx, connection.name, 'edges') as GraphQLObjectType;
    const parts = [...selection(ctx, edge, nodes)].map(([key, fields]) => {
      const name = (fields[0] as FieldNode).name.value;
      if (name === '__typename') return `'${edge.name}'::text as ${quoted(key)}`;
      return `${name === 'cursor' ? cursorOf(keys.map((_, i) => `${row}.o${i}`)) : nodeSql(fields, `${at}.${key}`)} as ${quoted(key)}`;
    });
    return `(select row_to_json(e.*) from (select ${parts.join(', ')}) e)`;
  }

  function pageInfoSql(name: string): string {
    if (name === 'hasPreviousPage') return after ? 'true' : 'false';
    if (name === 'hasNextPage') return `x.n > ${firstSql}`;
    // Made of one row's keys alone: a cursor for each row would cost as much as the rows.
    const place = name === 'endCursor' ? `count(*)${filter}` : '1';
    const ends = keys.map((_, i) => {
      const end = alias(ctx, 'a');
      gathered.push(`(${gatherSql(`o${i}`)})[${place}] as ${end}`);
      return `x.${end}`;
    });
    tellsOfRows = true;
    return `case when ${ends.at(-1)} is not null then ${cursorOf(ends)} end`;
  }

  function totalCountSql(name: string): string {
    if (name === 'value') return `least(q.n, ${LIMITS.countedRows})::int`;
    return name === 'atLeast' ? `q.n > ${LIMITS.countedRows}` : `'${coverage()}'::text`;
  }

  /** By what is asked alone, so that it tells of no row. */
  function coverage(): 'ALL' | 'WHERE_SHARED' {
    const { anchor } = ctx.catalogue.bindings.get(page.type) ?? {};
    const own = typeof anchor === 'object' ? [anchor].flat().map((table) => classOf(table as PgTable).dataClass) : [];
    const chosenBy = [
      ...argumentClasses(ctx, page.parentType, field, args.now).map(([, dataClass]) => dataClass),
      ...(stream.sortedBy ?? []),
    ];
    return chosenBy.some((dataClass) => isPersonal(dataClass) && !own.includes(dataClass)) ? 'WHERE_SHARED' : 'ALL';
  }

  function countSql(): string {
    return `from (select count(*) as n from (${stream.counted(LIMITS.countedRows + 1)}) t) q`;
  }

  /** An object whose fields need no table of their own. */
  function ofType(type: string, nodes: readonly FieldNode[], value: (field: string) => string, from = ''): string {
    const parts = [...selection(ctx, ctx.schema.getType(type) as GraphQLObjectType, nodes)].map(([key, fields]) => {
      const name = (fields[0] as FieldNode).name.value;
      return `${name === '__typename' ? `'${type}'::text` : value(name)} as ${quoted(key)}`;
    });
    return `(select row_to_json(i.*) from (select ${parts.join(', ')} ${from}) i)`;
  }
}
