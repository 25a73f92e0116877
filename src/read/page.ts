/** Connections: keyset cursors, pageInfo, totalCount. */
import type { PgTable } from 'drizzle-orm/pg-core';
import type { FieldNode, GraphQLField, GraphQLObjectType } from 'graphql';
import { classOf } from '../db/classified.ts';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Order } from './binding.ts';
import { alias, argumentsOf, type Context, parameter, selection, type Variables } from './context.ts';
import { cursorKey, cursorSql, decodeCursor } from './ids.ts';
import { rowPredicates } from './predicates.ts';
import { momentSql, quoted } from './scalar.ts';
import {
  and,
  bindingOf,
  compileObject,
  disclose,
  type Entity,
  namedObject,
  objectSub,
  orderBy,
  type Sub,
  seenSql,
  sourceOf,
} from './select.ts';

export type Page = Entity & {
  parentType: string;
  field: string;
  order: Order;
  on: (row: string) => string;
  /** Values of the arguments that choose the rows, for the cursor to be bound to. */
  bound?: (args: Record<string, unknown>) => unknown;
};

/** `first`, checked. @throws PublicError BAD_USER_INPUT outside 1 to 100. */
export function firstOf(args: Record<string, unknown>): number {
  const first = args.first === undefined ? LIMITS.firstDefault : args.first;
  if (typeof first !== 'number' || !Number.isInteger(first) || first < 1 || first > LIMITS.first) {
    throw new PublicError('BAD_USER_INPUT', `first must be a whole number from 1 to ${LIMITS.first}.`);
  }
  return first;
}

/** Compiles a connection to a subquery with one row: its JSON, and the families and persons in it. */
export function compilePage(ctx: Context, page: Page): Sub {
  const connection = namedObject(ctx, page.parentType, page.field) as GraphQLObjectType;
  const field = (ctx.schema.getType(page.parentType) as GraphQLObjectType).getFields()[page.field] as GraphQLField<unknown, unknown>;
  const args = argumentsOf(ctx, field, page.nodes[0] as FieldNode);
  firstOf(args.now);
  ctx.costs.push(page.times);
  const timesOfRow = (variables: Variables) => page.times(variables) * firstOf(args.at(variables));
  const binding = bindingOf(ctx, page.type);
  const { keys, descending } = page.order;

  const keyOf = (run: { variables: Record<string, unknown>; cursorSecret: Buffer; client: { id: string } }) =>
    cursorKey(
      run.cursorSecret,
      run.client.id,
      `${page.parentType}.${page.field} ${JSON.stringify(page.bound?.(args.at(run.variables)) ?? null)}`,
    );

  // The rows, driven and limited before anything is built from them.
  const row = alias(ctx, 'k');
  const source = sourceOf(ctx, binding, row, false);
  const sorted = new Map<PgTable, string>();
  for (const { table } of keys) {
    if (!table || sorted.has(table)) continue;
    const name = alias(ctx, 's');
    const key = binding.sides?.find(([t]) => t === table)?.[1].name as string;
    sorted.set(table, name);
    // An inner join: rows that withhold the sort key take no part.
    const entry = classOf(table);
    source.from += ` join fsp.${entry.name} ${name} on ${and([`${name}.${quoted(key)} = ${row}.${quoted(binding.id ?? 'id')}`, ...rowPredicates(entry, name, ctx.client)])}`;
  }
  const sortAlias = (table?: PgTable) => (table ? (sorted.get(table) as string) : row);
  const where = [page.on(row), ...source.where];
  const sortColumns = keys.map(({ column, table }, i) => `${sortAlias(table)}.${quoted(column)} as o${i}`);

  const keyset: string[] = [];
  const after = args.now.after;
  if (after !== undefined && after !== null) {
    const values = keys.map((key, i) => {
      const value = parameter(ctx, (run) => decodeCursor(String(args.at(run.variables).after), keyOf(run), keys.length)[i] as string);
      return `${value}::${key.type}`;
    });
    const left = keys.map(({ column, table }) => `${sortAlias(table)}.${quoted(column)}`);
    keyset.push(`(${left.join(', ')}) ${descending ? '<' : '>'} (${values.join(', ')})`);
  }

  const firstSql = `${parameter(ctx, (run) => String(firstOf(args.at(run.variables))))}::int`;
  let cursorParameter: string | null = null;
  const cursorOf = (): string => {
    cursorParameter ??= parameter(ctx, (run) => keyOf(run).toString('hex'));
    const values = keys.map((key, i) => (key.type === 'timestamptz' ? momentSql(`${row}.o${i}`) : `${row}.o${i}`));
    return cursorSql(cursorParameter, values);
  };

  // Built for each row (`perRow`), gathered over the rows (`gathered`), shown (`columns`).
  const perRow: string[] = [];
  const gathered: string[] = [];
  const laterals: string[] = [];
  const seen: string[] = [];
  // Whether there are more is told by one row beyond the page; only then are rows numbered.
  const beyond = asksForMore();
  const shown = beyond ? `p.n <= ${firstSql}` : null;
  // A cursor or an edge tells of its row as the row's own fields would.
  const rowSeen: string[] = [];
  disclose(ctx, binding, row, page.scope, rowSeen);
  for (const { table } of keys) if (table) discloseSortKey(table);
  const direction = descending ? ' desc' : '';
  const sorting = (prefix: string, suffix: string) => keys.map((_, i) => `${prefix}.o${i}${suffix}`).join(', ');

  const columns = [...selection(ctx, connection, page.nodes)].map(([key, nodes]) => {
    const name = (nodes[0] as FieldNode).name.value;
    return `${part(name, nodes, `${page.at}.${key}`)} as ${quoted(key)}`;
  });

  const limited = `select ${[`${row}.*`, ...sortColumns].join(', ')} from ${source.from} where ${and([...where, ...keyset])} order by ${orderBy(page.order, row, sortAlias)} limit ${beyond ? `${firstSql} + 1` : firstSql}`;
  const numbered = beyond
    ? `select ${row}.*, row_number() over (order by ${sorting(row, direction)})::int as n from (${limited}) ${row}`
    : limited;
  const disclosing = seenOfRow();
  const discloses = disclosing.length > 0;
  const built = `select ${[...(beyond ? [`${row}.n`] : []), sorting(row, ''), ...perRow, ...(discloses ? [`${seenSql(disclosing)} as d`] : [])].join(', ')} from (${numbered}) ${row} ${laterals.join(' ')}`;
  const whole = `select ${['count(*) as n', ...(discloses ? [`string_agg(p.d, '') as d`] : []), ...gathered].join(', ')} from (${built}) p`;
  const sql = `select row_to_json(o.*) as j${discloses ? ', x.d' : ''} from (${whole}) x cross join lateral (select ${columns.join(', ')}) o`;
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
        return ofType(
          'TotalCount',
          nodes,
          (field) => (field === 'value' ? `least(q.n, ${LIMITS.countedRows})::int` : `q.n > ${LIMITS.countedRows}`),
          countSql(),
        );
      default:
        throw new Error(`A connection has no field ${name}.`);
    }
  }

  /** A value of each row as one array over the rows. */
  function gather(value: string): string {
    const name = alias(ctx, 'a');
    perRow.push(`${value} as ${name}`);
    gathered.push(`coalesce(array_to_json(${gatherSql(name, direction)}), '[]'::json) as ${name}`);
    return `x.${name}`;
  }

  /** What each row discloses: its own family or person, and what its nodes add. The row beyond the page is not shown. */
  function seenOfRow(): string[] {
    if (perRow.length === 0 || rowSeen.length === 0) return seen;
    const own = rowSeen.length === 1 ? (rowSeen[0] as string) : `concat(${rowSeen.join(', ')})`;
    return [...seen, beyond ? `case when ${row}.n <= ${firstSql} then ${own} end` : own];
  }

  /** The sort key stands in the cursors. */
  function discloseSortKey(table: PgTable): void {
    const sorted = Object.entries(binding.fields).find(
      ([, f]) => f.kind === 'column' && f.column.table === table && keys.some(({ column }) => column === f.column.name),
    );
    if (!sorted) return;
    ctx.fields.add(`${binding.type}.${sorted[0]}`);
    ctx.classes.add(ctx.catalogue.classes.fieldClass(binding.type, sorted[0]));
  }

  /** A column of the rows shown, in their order or the other way round. */
  function gatherSql(name: string, way: string): string {
    return `array_agg(p.${name} order by ${sorting('p', way)})${shown ? ` filter (where ${shown})` : ''}`;
  }

  function asksForMore(): boolean {
    const infos = [...selection(ctx, connection, page.nodes).values()].filter(([node]) => node?.name.value === 'pageInfo');
    const type = ctx.schema.getType('PageInfo') as GraphQLObjectType;
    return infos.some((nodes) => [...selection(ctx, type, nodes).values()].some(([node]) => node?.name.value === 'hasNextPage'));
  }

  /** The row's object; the row that only tells whether there are more is not built. */
  function nodeSql(nodes: readonly FieldNode[], at: string): string {
    const shape = compileObject(ctx, { ...page, nodes, at, times: timesOfRow }, row);
    const sub = objectSub(shape, '(select) one', beyond ? `where ${row}.n <= ${firstSql}` : '');
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
      return `${name === 'cursor' ? cursorOf() : nodeSql(fields, `${at}.${key}`)} as ${quoted(key)}`;
    });
    return `(select row_to_json(e.*) from (select ${parts.join(', ')}) e)`;
  }

  function pageInfoSql(name: string): string {
    if (name === 'hasPreviousPage') return keyset.length > 0 ? 'true' : 'false';
    if (name === 'hasNextPage') return `x.n > ${firstSql}`;
    const cursor = alias(ctx, 'a');
    perRow.push(`${cursorOf()} as ${cursor}`);
    const backwards = descending ? '' : ' desc';
    gathered.push(`(${gatherSql(cursor, name === 'endCursor' ? backwards : direction)})[1] as ${cursor}`);
    return `x.${cursor}`;
  }

  function countSql(): string {
    return `from (select count(*) as n from (select from ${source.from} where ${and(where)} limit ${LIMITS.countedRows + 1}) t) q`;
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
