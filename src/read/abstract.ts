/** Connections over several tables: the rows of a union's or an interface's types as one stream. */
import { mayRead } from '../access/decide.ts';
import { classOf, type TableClass } from '../db/classified.ts';
import { enumName } from '../graphql/classes.ts';
import { type Binding, type Member, membersOf, type On, type Stream as Streamed, tableOf, type UnionField } from './binding.ts';
import { type Arguments, alias, type Context, parameter, type Times, type Variables } from './context.ts';
import { type Stream, showsKey } from './page.ts';
import { quoted } from './scalar.ts';
import {
  and,
  bindingOf,
  disclose,
  type Entity,
  filterSql,
  isAnchor,
  isGiven,
  rows,
  seenSql,
  sideJoin,
  sourceOf,
  subquery,
} from './select.ts';

/**
 * The rows of several types, each under its own class and rules. A type that is closed to the request takes no part;
 * only its fields are refused, where the document names them.
 *
 * @param parent the alias of the parent's row, where there is one.
 * @param on how the rows belong to the parent; without one they are entered at the root, each for itself.
 */
export function unionStream(
  ctx: Context,
  page: Entity,
  stream: Streamed & Pick<Partial<UnionField>, 'since'>,
  on?: (row: string, other?: On) => string,
  parent?: string,
) {
  return (row: string, args: Arguments): Stream => {
    const { descending } = stream;
    const way = descending ? ' desc' : '';
    const all = membersOf(ctx.catalogue.bindings, stream);
    const chosen = isGiven(args, 'types') ? all.filter(({ type }) => (args.now.types as unknown[]).includes(enumName(type))) : all;
    const open = chosen.filter((member) => !isClosed(member));
    const paths = new Set(all.flatMap(({ filters }) => Object.keys(filters ?? {})).filter((path) => isGiven(args, path)));
    const since = sinceDay(args);
    const branches = open.filter(({ filters }) => [...paths].every((path) => filters?.[path])).map(branch);
    const seen = branches.some((each) => each.seen.length > 0);
    ctx.costs.push((variables) => page.times(variables) * branches.length);
    const united = (each: string[], columns: string) => (each.length > 0 ? each.join(' union all ') : `select ${columns} where false`);
    const key = (type: string, moment: string, id: string) => [moment, `${type}::text collate "C"`, `${id}::bigint`];
    return {
      keys: ['timestamptz', 'text', 'bigint'],
      descending,
      seen: seen ? [`${row}.d`] : [],
      limited: (after, limit) => {
        const parts = branches.map(({ from, where, at, asMoment, fromMoment, type, id, seen }) => {
          const values = key(`'${type}'`, asMoment(at), id);
          const [moment] = after ?? [];
          // The first of the two is implied; it is what an index can use.
          const keyset = after
            ? [`${at} ${descending ? '<=' : '>='} ${fromMoment(moment as string)}`, `(${values}) ${descending ? '<' : '>'} (${after})`]
            : [];
          const columns = [...values.map((value, i) => `${value} as o${i}`), `${seen.length > 0 ? seenSql(seen) : 'null::text'} as d`];
          return `(select ${columns} from ${from} where ${and([...where, ...keyset])} order by ${at}${way}, ${id}${way} limit ${limit})`;
        });
        const none = key('null', 'null::timestamptz', 'null').map((value, i) => `${value} as o${i}`);
        return `${since?.given ?? ''}select * from (${united(parts, `${none}, null::text as d`)}) u order by u.o0${way}, u.o1${way}, u.o2${way} limit ${limit}`;
      },
      counted: (limit) => {
        const parts = branches.map(({ from, where }) => `(select 1 from ${from} where ${and(where)} limit ${limit})`);
        return `${since?.given ?? ''}select 1 from (${united(parts, '1')}) u limit ${limit}`;
      },
      node: (nodes, at, times, shown) => {
        const object = (within: Context, { type }: Member) => {
          const own = alias(ctx, 'm');
          const id = `${own}.${quoted(bindingOf(ctx, type).id as string)}`;
          const where = [`${row}.o1 = '${type}'`, `${id} = ${row}.o2`, ...shown];
          return rows(within, { ...page, type, nodes, at, times }, own, { where });
        };
        for (const member of chosen.filter(isClosed)) object(aside(), member);
        const { costs } = ctx;
        const made = open.map((member) => {
          ctx.costs = [];
          return { ...object(ctx, member), costs: ctx.costs };
        });
        const total = (of: Times[], variables: Variables) => of.reduce((sum, cost) => sum + cost(variables), 0);
        // Each row is of one type: at most all are of the heaviest.
        ctx.costs = [...costs, (variables) => Math.max(0, ...made.map((each) => total(each.costs, variables)))];
        const discloses = made.some((each) => each.discloses);
        const seen = (own: boolean) => (!discloses ? '' : own ? ', m.d' : ', null::text as d');
        const parts = made.map((each) => `select m.j${seen(each.discloses)} from (${each.sql}) m`);
        return { sql: united(parts, 'null::json as j'), discloses };
      },
    };

    /** One type's rows, and what of them the stream is sorted by. */
    function branch({ type, at: column, filters, on: other }: Member) {
      const binding = bindingOf(ctx, type);
      const table = tableOf(column);
      const name = alias(ctx, 'k');
      const source = sourceOf(ctx, binding, name, on === undefined, page.scope.known);
      const beside = isAnchor(binding, table) ? null : sideJoin(ctx, binding, table, name, page.scope.known);
      const at = `${beside?.name ?? name}.${quoted(column.name)}`;
      const isDay = column.getSQLType() === 'date';
      const asMoment = (value: string) => (isDay ? `(${value}::timestamp at time zone 'UTC')` : value);
      const fromMoment = (value: string) => (isDay ? `(${value} at time zone 'UTC')::date` : value);
      const day = (path: string) => `${parameter(ctx, (run) => String(args.at(run.variables)[path]))}::date`;
      const within = (value: string) => (isDay ? value : `(${value}::timestamp at time zone 'UTC')`);
      const where = [
        ...(on ? [on(name, other)] : []),
        ...source.where,
        `${at} is not null`,
        ...(since ? [`${at} >= ${within(`(select day from ${since.name})`)}`] : []),
        ...(isGiven(args, 'from') ? [`${at} >= ${within(day('from'))}`] : []),
        ...(isGiven(args, 'to') ? [`${at} < ${within(`(${day('to')} + 1)`)}`] : []),
        ...[...paths].map((path) => filterSql(ctx, args, path, (filters as NonNullable<Member['filters']>)[path] as never, name)),
      ];
      const seen: string[] = [];
      disclose(ctx, binding, name, page.scope, seen);
      for (const { dataClass } of classesOf(binding)) ctx.classes.add(dataClass);
      showsKey(ctx, binding, table, column.name);
      const from = beside ? `${source.from} join ${beside.join}` : source.from;
      return { type, from, where, at, asMoment, fromMoment, id: `${name}.${quoted(binding.id as string)}`, seen };
    }
  };

  /** The day before which nothing is asked for, worked out once. */
  function sinceDay(args: Arguments): { name: string; given: string } | null {
    const { since } = stream;
    if (!since || parent === undefined || !isGiven(args, since.argument)) return null;
    const name = alias(ctx, 'w');
    const wanted = parameter(ctx, (run) => String(args.at(run.variables)[since.argument]));
    const day = `coalesce(case when ${wanted}::text::boolean then (${since.day(parent, subquery(ctx))}) end, '-infinity'::date)`;
    return { name, given: `with ${name} as materialized (select ${day} as day) ` };
  }

  function classesOf({ anchor }: Binding) {
    return typeof anchor === 'string' ? [] : [anchor].flat().map(classOf);
  }

  /** Whether the request sees no row of a type, or not when it was. */
  function isClosed({ type, at }: Member): boolean {
    const closed = ({ dataClass }: TableClass) => mayRead(ctx.client, dataClass).open === false;
    const own = classesOf(bindingOf(ctx, type));
    return closed(classOf(tableOf(at))) || (own.length > 0 && own.every(closed));
  }

  /** A compilation of which nothing but its refusals is kept. */
  function aside(): Context {
    return { ...ctx, parameters: [...ctx.parameters], fields: new Set(), classes: new Set(), costs: [] };
  }
}
