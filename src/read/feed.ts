/**
 * The change feed's statement: of what may be told next, each row that the reader sees today as it may see it, and of what it was
 * shown before and does not see that it is gone.
 */
import type { PgTable } from 'drizzle-orm/pg-core';
import { type FieldNode, type GraphQLField, type GraphQLObjectType, getNamedType } from 'graphql';
import { CLASS_BIT } from '../access/classes.ts';
import type { Client } from '../access/client.ts';
import { mayRead } from '../access/decide.ts';
import { FED_TYPES } from '../access/fed.ts';
import { isNow } from '../access/masks.ts';
import { familyEntry, whereaboutsProtected } from '../access/predicates.ts';
import type { FeedPage, FeedShown } from '../change/feed.ts';
import { classOf } from '../db/classified.ts';
import { enumName } from '../graphql/classes.ts';
import { firstOf } from '../graphql/values.ts';
import type { Binding } from './binding.ts';
import { type Arguments, alias, type Context, mayShow, parameter, type Run, selection, type Times, type Variables } from './context.ts';
import { quoted } from './scalar.ts';
import { and, bindingOf, compileObject, disclose, ROOT_SCOPE, type Sub, seenSql, sourceOf } from './select.ts';

/** What a page says of itself. */
const SCALARS: ReadonlySet<string> = new Set(['__typename', 'cursor', 'hasMore']);

/** The roots, each with the types that it tells of; null: those of the argument `types`, or all. */
export const FEED_ROOTS: ReadonlyMap<string, readonly string[] | null> = new Map([
  ['changes', null],
  ['workbookChanges', ['WorkbookEntry']],
]);

/** A root of the feed in a plan: what it asks for at each run. */
export type FeedRoot = {
  key: string;
  field: string;
  types: readonly string[];
  /** Those of them of which the reader may see rows at all. */
  open: readonly string[];
  after: (variables: Variables) => string | null;
  first: (variables: Variables) => number;
};

const pageOf = (run: Run, key: string): FeedPage => run.feeds?.get(key) as FeedPage;

/**
 * Numbers of the candidates that are there, and of the last that a full page came to, as they stand among what an answer discloses:
 * `v<root>.<n>,` and `w<root>.<n>,`.
 *
 * @param roots how many there are.
 */
export function seenOfFeeds(seen: string, roots: number): { rest: string; shown: FeedShown[] } {
  const shown = Array.from({ length: roots }, () => ({ there: new Set<number>(), last: null as number | null }));
  const rest = seen.replaceAll(/([vw])(\d+)\.(\d+),/g, (_, what: string, root: string, n: string) => {
    const of = shown[Number(root)] as (typeof shown)[number];
    if (what === 'v') of.there.add(Number(n));
    else of.last = Number(n);
    return '';
  });
  return { rest, shown };
}

/** @param place the root's number in the plan. */
export function compileFeed(
  ctx: Context,
  root: GraphQLObjectType,
  key: string,
  nodes: readonly FieldNode[],
  args: Arguments,
  place: number,
): { sub: Sub; feed: FeedRoot } {
  const field = root.getFields()[nodes[0]?.name.value as string] as GraphQLField<unknown, unknown>;
  const page = getNamedType(field.type) as GraphQLObjectType;
  const first = (variables: Variables) => firstOf(args.at(variables));
  first(ctx.variables);
  // What is fed goes into a copy.
  const outer = ctx.client;
  ctx.client = { ...outer, copies: true };
  const chosen = args.now.types as string[] | null | undefined;
  const types = (FEED_ROOTS.get(field.name) ?? FED_TYPES.filter((type) => !chosen || chosen.includes(enumName(type)))).toSorted();
  const feed: FeedRoot = {
    key,
    field: field.name,
    types,
    open: openTypes(ctx.catalogue.bindings, ctx.client, types),
    after: (variables) => (args.at(variables).after as string | null | undefined) ?? null,
    first,
  };
  ctx.costs.push(() => 1);
  const laterals: string[] = [];
  const seen: string[] = [];
  const most = `${parameter(ctx, (run) => String(first(run.variables)))}::int`;
  const selected = [...selection(ctx, page, nodes)];
  const asked = ([, [node]]: (typeof selected)[number]) => (node as FieldNode).name.value;
  const lists = new Map(
    selected.filter((each) => !SCALARS.has(asked(each))).map(([name, inner]) => [name, listSql(inner, `${key}.${name}`)]),
  );
  // Where a page ends follows from what is shown, also where nothing of it is asked for.
  const [list = listSql([], key)] = lists.values();
  const columns = selected.map((each) => {
    const [name] = each;
    const made = lists.get(name);
    const ofPage = (value: (page: FeedPage) => string) => parameter(ctx, (run) => value(pageOf(run, key)));
    const value = made
      ? `${made}.j`
      : asked(each) === '__typename'
        ? `'${page.name}'::text`
        : asked(each) === 'cursor'
          ? `case when ${list}.more then ${list}.cursor else ${ofPage(({ cursor }) => cursor)}::text end`
          : `(${list}.more or ${ofPage(({ more }) => String(more))}::text::boolean)`;
    return `${value} as ${quoted(name)}`;
  });
  ctx.client = outer;
  const sql = `select row_to_json(o.*) as j, concat(${['null', ...seen].join(', ')}) as d from (select) one ${laterals.join(' ')} cross join lateral (select ${columns.join(', ')}) o`;
  return { sub: { sql, discloses: true }, feed };

  /** The page's changes; joined, for what they disclose. @returns the alias of what was gathered of them. */
  function listSql(inner: readonly FieldNode[], at: string): string {
    const candidates = parameter(ctx, (run) => JSON.stringify(pageOf(run, key).candidates));
    const change = getNamedType(page.getFields().nodes?.type) as GraphQLObjectType;
    const selected = inner.length > 0 ? [...selection(ctx, change, inner)] : [];
    const rowKeys = selected.filter(([, [node]]) => node?.name.value === 'node' || node?.name.value === 'entry');
    const shownRows = rowKeys.filter(([name, [node]]) => mayShow(ctx, change.name, (node as FieldNode).name.value, `${at}.${name}`));
    const made = types.map((type) => memberSql(type, shownRows, at));
    const members = made.flatMap(({ sql }) => (sql === null ? [] : [sql]));
    // Each change is of one type: at most all are of the heaviest.
    ctx.costs.push((variables) =>
      Math.max(first(variables), ...made.map(({ costs }) => costs.reduce((sum, cost) => sum + cost(variables), 0))),
    );
    const value = (name: string, asked: string): string => {
      switch (asked) {
        case '__typename':
          return `'${change.name}'::text`;
        case 'cursor':
          return 'c.cursor';
        case 'at':
          return 'c.at';
        case 'kind':
          return `case when v.there then 'CURRENT' else 'GONE' end`;
        case 'type':
          return `(case c.type ${types.map((type) => `when '${type}' then '${enumName(type)}'`).join(' ')} end)`;
        case 'id':
          return `(c.type || '-' || c.key)`;
        case 'classes':
        case 'keptFrom':
        case 'restrictions':
          return `v.${quoted(asked)}`;
        default: {
          const place = shownRows.findIndex(([each]) => each === name);
          return place === -1 ? 'null::json' : `v.j${place}`;
        }
      }
    };
    const parts = selected.map(([name, [node]]) => `${value(name, (node as FieldNode).name.value)} as ${quoted(name)}`);
    const none = [
      ...shownRows.map((_, i) => `null::json as j${i}`),
      'true as there, null::json as "classes", null::json as "keptFrom", null::json as "restrictions", null::text as d',
    ].join(', ');
    const union = members.length > 0 ? members.join(' union all ') : `select ${none} where false`;
    const list = alias(ctx, 'l');
    // One more than the page holds tells whether there is more: by what is shown, never by what is not.
    const rows =
      `select c.n, c.cursor, row_to_json(e.*) as j, v.there and c.quiet as mute, concat(case when not c.quiet then v.d end, case when v.there then 'v${place}.' || c.n || ',' end) as d ` +
      `from (select * from json_to_recordset(${candidates}::json) as r (n integer, cursor text, at text, type text, key bigint, gone boolean, quiet boolean) order by r.n) c ` +
      `left join lateral (${union}) v on true cross join lateral (select ${parts.join(', ')}) e ` +
      `where v.there or c.gone order by c.n limit ${most} + 1`;
    const gathered = [
      `coalesce(json_agg(p.j order by p.n) filter (where p.mute is not true and p.place <= ${most}), '[]'::json) as j`,
      `string_agg(p.d, '') filter (where p.place <= ${most}) as d`,
      `count(*) > ${most} as more`,
      `max(p.n) filter (where p.place <= ${most}) as last`,
      `max(p.cursor) filter (where p.place = ${most}) as cursor`,
    ].join(', ');
    laterals.push(
      `cross join lateral (select ${gathered} from (select i.*, row_number() over (order by i.n) as place from (${rows}) i) p) ${list}`,
    );
    seen.push(`${list}.d`, `case when ${list}.more then 'w${place}.' || ${list}.last || ',' end`);
    return list;
  }

  /** The row of one type that a candidate is, where the reader sees it. */
  function memberSql(type: string, rowKeys: [string, readonly FieldNode[]][], at: string): { sql: string | null; costs: Times[] } {
    const binding = bindingOf(ctx, type);
    const closed = !feed.open.includes(type);
    const own = alias(ctx, 'k');
    const object = (within: Context) =>
      rowKeys.map(([name, nodes]) => compileObject(within, { type, nodes, scope: ROOT_SCOPE, at: `${at}.${name}`, times: first }, own));
    if (closed) {
      // Nothing is kept of it but what it refuses.
      object({ ...ctx, parameters: [...ctx.parameters], fields: new Set(), classes: new Set(), costs: [] });
      return { sql: null, costs: [] };
    }
    const { costs } = ctx;
    ctx.costs = [];
    const source = sourceOf(ctx, binding, own, false, ROOT_SCOPE.known);
    const seenHere: string[] = [];
    disclose(ctx, binding, own, ROOT_SCOPE, seenHere);
    const shapes = object(ctx);
    const made = ctx.costs;
    ctx.costs = costs;
    const where = [`c.type = '${type}'`, `${own}.${quoted(binding.id as string)} = c.key`, ...source.where];
    const family = familyOf(binding);
    // The feed is of the families that are open to its reader; what is its own of others it asks for by its id.
    if (family && typeof binding.anchor !== 'string')
      where.push(
        `(select true from fsp.family_grant entry where ${familyEntry(ctx.client, 'entry', ctx.barred).join(' and ')} and entry.family = ${own}.${family})`,
      );
    const columns = [
      ...shapes.map((_, i) => `row_to_json(o${i}.*) as j${i}`),
      'true as there',
      `${classesSql(binding, own)} as "classes"`,
      `${keptFromSql(binding, own)} as "keptFrom"`,
      `${restrictionsSql(binding, own)} as "restrictions"`,
      `${seenSql(['null', ...seenHere, ...shapes.flatMap(({ seen }) => seen)])} as d`,
    ];
    const objects = shapes.map(({ columns, joins }, i) => `${joins.join(' ')} cross join lateral (select ${columns.join(', ')}) o${i}`);
    return { sql: `select ${columns.join(', ')} from ${source.from} ${objects.join(' ')} where ${and(where)}`, costs: made };
  }

  function classesSql({ anchor }: Binding, row: string): string {
    if (typeof anchor === 'string') return `'["${anchor === 'family' ? 'FAMILY' : 'IDENTITY'}"]'::json`;
    const { dataClass, rowMask } = classOf([anchor].flat()[0] as PgTable);
    if (!rowMask) return `'["${dataClass}"]'::json`;
    const bits = Object.entries(CLASS_BIT)
      .map(([name, bit]) => `('${name}', ${1n << BigInt(bit)}::bigint)`)
      .join(', ');
    return `array_to_json(array(select '${dataClass}' union select b.name from (values ${bits}) b (name, bit) where (${row}.${rowMask} & b.bit) <> 0 order by 1))`;
  }

  function keptFromSql({ anchor }: Binding, row: string): string {
    const table = typeof anchor === 'string' ? undefined : classOf([anchor].flat()[0] as PgTable);
    if (!table?.keptFrom) return `'[]'::json`;
    return `(select coalesce(json_agg(distinct 'Person-' || known.person), '[]'::json) from fsp.person_grant known where known.login = ${ctx.client.login.id} and ${isNow('known')} and known.person = any (${row}.${table.keptFrom}))`;
  }

  function restrictionsSql(binding: Binding, row: string): string {
    const family = familyOf(binding);
    const isProtected = family
      ? whereaboutsProtected(ctx.client, 'family', `${row}.${family}`)
      : whereaboutsProtected(ctx.client, 'person', `${row}.person`);
    const parts = [
      ...(family ? [`case when (select f.restricted from fsp.family f where f.id = ${row}.${family}) then 'RESTRICTED' end`] : []),
      ...(isProtected ? [`case when ${isProtected} then 'WHEREABOUTS_PROTECTED' end`] : []),
    ];
    return parts.length > 0 ? `array_to_json(array_remove(array[${parts.join(', ')}]::text[], null))` : `'[]'::json`;
  }
}

/** The column of a type's row that names its family. */
function familyOf({ anchor }: Binding): string | undefined {
  if (typeof anchor === 'string') return anchor === 'family' ? 'family' : undefined;
  return classOf([anchor].flat()[0] as PgTable).family;
}

/** Of some types those of which a reader of the feed may see rows at all. */
export function openTypes(bindings: ReadonlyMap<string, Binding>, client: Client, types: readonly string[]): string[] {
  const copying: Client = { ...client, copies: true };
  return types.filter((type) => {
    const { anchor } = bindings.get(type) as Binding;
    return typeof anchor === 'string' || [anchor].flat().some((table) => mayRead(copying, classOf(table).dataClass).open !== false);
  });
}
