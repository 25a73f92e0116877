/**
 * Random documents, asked of the compiler and of the reference (`tests/support/reference.ts`): the same answers, the
 * same refusals. `FC_SEED` and `FC_RUNS` choose other documents and more of them, `FC_EACH` more objects.
 */
import { randomUUID } from 'node:crypto';
import { getTableColumns } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import fc from 'fast-check';
import {
  type GraphQLAbstractType,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Purpose } from '../../src/access/agreement.ts';
import { AGENCIES, type Agency, CLASS_BIT, isPersonal, PERSONAL_CLASSES } from '../../src/access/classes.ts';
import { classifiedTables, classOf } from '../../src/db/classified.ts';
import { CLIENTS, PERSONAS } from '../../src/db/personas.ts';
import { BINDINGS, ROOTS } from '../../src/modules/index.ts';
import { BREAKDOWNS } from '../../src/modules/outcome/breakdowns.ts';
import { membersOf } from '../../src/read/binding.ts';
import { type Asker, answer, CURSOR, queries, schema } from '../support/reference.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const seed = Number(process.env.FC_SEED ?? 20261121);
const runs = Number(process.env.FC_RUNS ?? 25);
/** Of those who ask for the first of everything, a half, by the seed; `FC_ALL=1`: all. */
const isAsked = (place: number) => process.env.FC_ALL === '1' || (place + seed) % 2 === 0;
/** How many objects of each type every caller is asked for, from another place of the list for each. */
const each = Number(process.env.FC_EACH ?? 1);
const settings = { seed, ...(process.env.FC_PATH ? { path: process.env.FC_PATH } : {}) };

type Known = Caller & { purpose: Purpose };

/** Other people than the personas: other roles of the county, no user, own rows of other organisations. */
const OTHERS: [client: string, user: string | null][] = [
  ['occ-social-care', null],
  ['occ-social-care', 'marcus.oyelaran'],
  ['occ-record-system', null],
  ['occ-analyst', 'philippa.nunn'],
  ['occ-governance', 'gideon.marlowe'],
  ['team-07-workbook', null],
  ['team-07-workbook', 'ruth.ellery'],
  ['team-07-workbook', 'niamh.carroll'],
  ['team-02-workbook', 'lorna.beckett'],
  ['oxford-health-visiting', 'felicity.garside'],
  ['school-larch-hollow-pastoral', 'priscilla.dean'],
  ['turning-point-casework', 'moira.fenwick'],
  ['elmore-perpetrators-casework', 'vincent.hale'],
  ['elmore-victims-casework', 'saira.bhatt'],
  ['oxfordshire-mind-casework', 'isolde.marsh'],
  ['connections-support-casework', null],
];

const clientOf = (id: string) => {
  const found = CLIENTS.find((client) => client.id === id);
  if (!found) throw new Error(`There is no client ${id}.`);
  return found;
};

/** Everybody, under every purpose that is theirs. */
const CALLERS: Known[] = [...Object.values(PERSONAS).map(({ client, user }) => [client, user] as const), ...OTHERS].flatMap(
  ([client, user]) =>
    clientOf(client)
      .purposes.filter((purpose) => purpose !== 'EMERGENCY')
      .map((purpose) => ({ client, user, purpose })),
);

let server: TestServer;
let owner: Sql;
const connections: { end(): Promise<void> }[] = [];
const askers = new Map<string, Asker>();
/** Ids by type: those that a client's organisation sees, and all there are. */
const seen = new Map<string, Map<string, string[]>>();
const everything = new Map<string, string[]>();

/** Where the ids of each type stand. */
const ID_TABLES: Record<string, [table: string, column: string][]> = Object.fromEntries(
  [...BINDINGS.values()].flatMap(({ type, anchor, id }) => {
    if (!id) return [];
    if (typeof anchor === 'string') return [[type, [[anchor, 'id']]]];
    return [[type, [anchor].flat().map((table) => [classOf(table).name, id])]];
  }),
);

async function idsOf(query: (sql: string) => Promise<Record<string, unknown>[]>): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const [type, tables] of Object.entries(ID_TABLES)) {
    const ids: string[] = [];
    for (const [table, column] of tables) {
      // An agency may have no right to the table at all.
      const rows = await query(`select ${column} as id from fsp.${table} order by 1`).catch(() => []);
      ids.push(...rows.map(({ id }) => encodeId(type, String(id))));
    }
    found.set(type, ids);
  }
  return found;
}

/** Short texts and days that stand in the tables, by their columns' names as arguments have them. */
const texts = new Map<string, string[]>();
const days: string[] = [];

async function readValues(owner: Sql): Promise<void> {
  for (const { name: table, table: of } of classifiedTables()) {
    for (const column of Object.values(getTableColumns(of)) as PgColumn[]) {
      const type = column.getSQLType();
      if (type !== 'text' && type !== 'date') continue;
      const { rows } = await owner.query(
        `select distinct "${column.name}"::text as value from fsp.${table} where length("${column.name}"::text) < 40 order by 1 limit 6`,
      );
      const values = rows.map(({ value }) => value as string);
      if (type === 'date') days.push(...values);
      else {
        const argument = column.name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
        texts.set(argument, [...(texts.get(argument) ?? []), ...values]);
      }
    }
  }
}

type Sql = Awaited<ReturnType<typeof sqlAsOwner>>;

/** Assessments with their findings, specialists' assessments and readings of tools, some kept from somebody. */
async function addAssessments(owner: Sql): Promise<void> {
  const members = `(select m.family, m.person, f.controller, row_number() over (order by m.family, m.person)::int as n
    from fsp.membership m join fsp.family f on f.id = m.family where m.family <= 12)`;
  const kept = `case when m.n % 4 = 1 then array[(select max(o.person) from fsp.membership o where o.family = m.family)] else '{}'::bigint[] end`;
  await owner.query(`insert into fsp.assessment (family, person, controller, kind, status, referred, started, authorised_on)
    select m.family, case when m.n % 5 = 0 then null else m.person end, m.controller, 'child-and-family',
      case when m.n % 3 = 0 then 'OPEN' else 'COMPLETED' end, '2026-01-05', date '2026-01-06' + m.n, case when m.n % 3 = 0 then null else date '2026-03-02' + m.n end
    from ${members} m`);
  const found = `(select a.id as assessment, a.family, a.person, a.controller, a.authorised_on, a.id as n from fsp.assessment a where a.status = 'COMPLETED')`;
  await owner.query(`insert into fsp.assessment_finding (assessment, family, person, controller, kept_from, authorised_on, child_seen)
    select m.assessment, m.family, m.person, m.controller, ${kept}, m.authorised_on, true from ${found} m`);
  for (const [table, column, values] of [
    ['assessment_factor', 'code', ['1B', '3A', '4B', '18A', '2C']],
    ['assessment_outcome', 'code', ['child-in-need-plan', 'other']],
    ['context_fact', 'value, code', ["UNKNOWN', 'school-exclusion"]],
  ] as const) {
    for (const [index, value] of values.entries()) {
      await owner.query(`insert into fsp.${table} (assessment, family, person, controller, kept_from, ${column})
        select m.assessment, m.family, m.person, m.controller, ${kept}, '${value}' from ${found} m where (m.n + ${index}) % 3 <> 0`);
    }
  }
  await owner.query(`insert into fsp.assessment_ace (assessment, family, person, controller, about, count)
    select m.assessment, m.family, m.person, m.controller, (select min(o.person) from fsp.membership o where o.family = m.family), m.n % 6 from ${found} m`);
  await owner.query(`insert into fsp.trio (family, person, controller, assessment, variant)
    select m.family, m.person, m.controller, m.assessment, v from ${found} m, unnest(array['ANY_IN_HOUSEHOLD', 'PARENT_ONLY']) v
    union all select distinct m.family, null::bigint, m.controller, null::bigint, v from ${found} m, unnest(array['ANY_IN_HOUSEHOLD', 'PARENT_ONLY']) v`);
  const mask = (table: string) =>
    `(select (1::bigint << (${JSON.stringify(CLASS_BIT).replace(/^(.*)$/, "'$1'")}::jsonb ->> t.data_class)::int) from fsp.${table} t where t.id = `;
  await owner.query(`insert into fsp.specialist_assessment (family, person, controller, assessor, kept_from, row_mask, specialist_kind, ordered_on)
    select m.family, m.person, m.controller, case when m.n % 2 = 0 then o.id end, ${kept}, ${mask('specialist_kind')} 1 + m.n % 6), 1 + m.n % 6, date '2026-04-01' + m.n
    from ${members} m, fsp.organisation o where o.code = 'team-07'`);
  await owner.query(`insert into fsp.tool_reading (family, person, controller, worker, kept_from, row_mask, tool, read_on, author, edition, completed_by, total, metric, band)
    select m.family, m.person, case when round = 1 then o.id else m.controller end, case when round = 1 then 'jonah.pryce' end, ${kept}, ${mask('tool')} 1 + m.n % 8), 1 + m.n % 8,
      date '2026-02-01' + m.n * round, 'Somebody', '1', 'self', m.n % 20 + round, case when m.n % 8 = 0 then 20.5 + round end, null
    from ${members} m, fsp.organisation o, generate_series(1, 3) round where o.code = 'team-07'`);
  await owner.query(`insert into fsp.tool_score (family, person, controller, worker, kept_from, row_mask, tool, reading, domain, score)
    select r.family, r.person, r.controller, r.worker, r.kept_from, r.row_mask, r.tool, r.id, d.code, 3 from fsp.tool_reading r join fsp.tool_domain d on d.tool = r.tool where d.position < 4`);
}

/**
 * What the demonstration has few of: decisions both ways about families and persons, work that has ended, entries that
 * are kept from somebody, restricted families. The same at every run.
 */
async function addHistory(owner: Sql): Promise<void> {
  const { rows } = await owner.query(
    'select family, min(person) as first, max(person) as last from fsp.membership group by family order by family',
  );
  const decisions = rows.flatMap(({ family, first, last }, index) =>
    Array.from({ length: index < 6 ? 14 : 4 }, (_, n) => {
      const number = index * 31 + n * 17;
      const dataClass = PERSONAL_CLASSES[(number + n) % PERSONAL_CLASSES.length] as (typeof PERSONAL_CLASSES)[number];
      return {
        family,
        person: [null, null, first, last][(index + n) % 4],
        data_class: dataClass,
        mask: String(1n << BigInt(PERSONAL_CLASSES.indexOf(dataClass))),
        effect: (index + n) % 3 === 0 ? 'WITHHOLD' : 'SHARE',
        agency: AGENCIES[(number >> 1) % AGENCIES.length],
      };
    }),
  );
  // Of what is withheld from a whole team or provider, the writer's own rows alone are left.
  for (const dataClass of ['WORKBOOK', 'INVOLVEMENT', 'CASE'] as const) {
    const mask = String(1n << BigInt(PERSONAL_CLASSES.indexOf(dataClass)));
    for (const [family, agency] of [
      [1, 'PROVIDER'],
      [2, 'TEAM'],
      [3, 'PROVIDER'],
      [3, 'TEAM'],
    ] as const) {
      decisions.push({ family, person: null, data_class: dataClass, mask, effect: 'WITHHOLD', agency });
    }
  }
  await owner.query(
    `insert into fsp.sharing_decision (family, person, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
     select family, person, array[data_class], mask, effect, agency, 'Children Act 1989 s.47', 'For the tests.', 'grace.whitlock',
       (select id from fsp.organisation where code = 'occ'), now() - interval '1 day', 'tests'
     from json_to_recordset($1::json) as given (family bigint, person bigint, data_class text, mask bigint, effect text, agency text)`,
    [JSON.stringify(decisions)],
  );
  await owner.query(
    `update fsp.involvement set until = now() - interval '1 hour' where "from" < now() - interval '1 day' and id % 9 = 4 and not lead`,
  );
  await owner.query(
    `update fsp.workbook_entry e set kept_from = array[(select min(person) from fsp.membership m where m.family = e.family)] where id % 5 = 3`,
  );
  for (const table of ['workbook_entry_person', 'workbook_reading', 'workbook_child_words', 'workbook_parent_words']) {
    await owner.query(`update fsp.${table} part set kept_from = e.kept_from from fsp.workbook_entry e where e.id = part.entry`);
  }
  await owner.query(
    `insert into fsp.sealed_user (organisation, subject)
     select id, subject from fsp.organisation join (values ('occ', 'marcus.oyelaran'), ('team-07', 'niamh.carroll')) as named (code, subject) using (code)`,
  );
  // Events of one day: plans and offers on the day on which help was asked for.
  await owner.query(
    `update fsp.plan set started = day from (select family as of, max(requested) as day from fsp.intervention_progress group by family) asked where family = asked.of and id % 2 = 0`,
  );
  await owner.query(
    `update fsp.service_offer set offered_on = day from (select family as of, max(requested) as day from fsp.intervention_progress group by family) asked where family = asked.of`,
  );
  await addAssessments(owner);
  await owner.query('update fsp.family set restricted = true where id % 25 = 3');
  await owner.query('select fsp.rebuild_grants(array(select id from fsp.family))');
}

beforeAll(async () => {
  const url = await ownDatabase('fsp_differential');
  owner = await sqlAsOwner(url);
  await addHistory(owner);
  await readValues(owner);
  server = await testServer(url);
  for (const [type, ids] of await idsOf(async (sql) => (await owner.query(sql)).rows)) everything.set(type, ids);
  const { rows: sealed } = await owner.query('select organisation, subject from fsp.sealed_user');
  const { rows: logins } = await owner.query(
    'select o.id, o.code, o.name, o.agency, l.id as login, l.sealed from fsp.organisation o join fsp.login l on l.organisation = o.id',
  );
  connections.push(owner);
  const facts = queries(owner);
  const asks = new Map<string, ReturnType<typeof queries>>();
  for (const caller of CALLERS) {
    const client = clientOf(caller.client);
    const organisation = logins.find(({ code }) => code === client.organisation);
    const isSealed = sealed.some((named) => named.organisation === organisation.id && named.subject === caller.user);
    const login = logins.find(({ id, sealed: of }) => id === organisation.id && of === isSealed);
    let query = asks.get(`${login.login}`);
    if (!query) {
      const sql = await sqlAs(client.organisation, isSealed, url);
      connections.push(sql);
      query = queries(sql);
      asks.set(`${login.login}`, query);
      if (!isSealed) seen.set(client.organisation, await idsOf(query));
    }
    askers.set(JSON.stringify(caller), {
      client: client.id,
      organisation: { id: organisation.id, code: organisation.code, name: organisation.name },
      agency: organisation.agency as Agency,
      login: login.login,
      user: caller.user ?? null,
      purpose: caller.purpose,
      purposes: client.purposes,
      scopes: new Set(client.scopes),
      query,
      facts,
    });
  }
});
afterAll(async () => {
  await server?.close();
  await Promise.all(connections.map((connection) => connection.end()));
});

const askerOf = (caller: Known) => askers.get(JSON.stringify(caller)) as Asker;

// ---------------------------------------------------------------------------------------------------------------
// Documents

/** Numbers that decide everything about a document; where they run out it is 0, the least that can be chosen. */
class Choices {
  private readonly numbers: readonly number[];
  private at = 0;
  constructor(numbers: readonly number[]) {
    this.numbers = numbers;
  }
  /** A whole number below `count`. */
  below(count: number): number {
    return (this.numbers[this.at++] ?? 0) % count;
  }
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
  /** No number is left: every further choice would be the first of what there is. */
  get spent(): boolean {
    return this.at >= this.numbers.length;
  }
  /** True once in so many times. */
  once(inSoMany: number): boolean {
    return this.below(inSoMany) === inSoMany - 1;
  }
}

/** Response keys that mean something to SQL or to JavaScript. */
const HARD_KEYS = [
  'o',
  'e',
  'i',
  'p',
  'q',
  'x',
  'n',
  'j',
  'd',
  'k0',
  'l1',
  'r0',
  't2',
  's3',
  'select',
  'Order',
  'null',
  'constructor',
  'toString',
  'data',
  'json',
  'seen',
];

const times = (count: number, ...names: string[]) => Array.from({ length: count }, () => names).flat();

/** The roots, those of people more often; those of the directories are many, and say little. */
const ROOT_FIELDS = [
  ...times(8, 'family'),
  ...times(6, 'node'),
  ...times(4, 'families'),
  ...times(2, 'familyByReference'),
  ...[...ROOTS].filter(([, root]) => root.kind === 'union').flatMap(([name]) => times(3, name)),
  // What is worked out and not read is held against the API in tests/modules/sharing-explain; the feed in tests/change/feed.test.ts.
  ...Object.keys(schema.getQueryType()?.getFields() ?? {}).filter(
    (name) => !/^(explainAccess|agencyView|simulateAgreement|changes|workbookChanges|emergencyFigures|webhookSecrets)$/.test(name),
  ),
  '__typename',
];

const DEPTH = 7;
const FIELDS = 60;

/** Types that lead nowhere much; the others are chosen more often. */
const PLAIN = new Set(['Organisation', 'District', 'Code', 'PageInfo', 'TotalCount', 'ViewerClass', 'SharingRule']);

type Made = { query: string; variables: Record<string, unknown> };

/** The type that an argument of a root names, as its binding says; of any type where it says none. */
function idType(field: string, path: string): string | null {
  const root = ROOTS.get(field);
  if (!root) return null;
  if (root.kind === 'entity') return root.match({}).find((match) => match.path.join('.') === path)?.type ?? null;
  const filters = root.kind === 'union' ? membersOf(BINDINGS, root).map((member) => member.filters ?? {}) : [root.filters];
  return filters.find((of) => of[path])?.[path]?.type ?? null;
}

/** Makes one document out of numbers. `apart`: every field under a key of its own, which no rule of merging forbids. */
class Maker {
  private readonly choices: Choices;
  private readonly caller: Known;
  private readonly apart: boolean;
  private readonly definitions: string[] = [];
  private readonly values: Record<string, unknown> = {};
  private readonly fragments: { name: string; type: string; text: string; height: number }[] = [];
  private readonly bare = new Set<string>();
  private keys = 0;
  private names = 0;
  private fields = 0;

  constructor(choices: Choices, caller: Known, apart: boolean) {
    this.choices = choices;
    this.caller = caller;
    this.apart = apart;
  }

  document(): Made {
    const root = schema.getQueryType() as GraphQLObjectType;
    const count = 1 + this.choices.below(4);
    const selections = Array.from({ length: count }, () => this.rootField(root));
    if (this.choices.once(5)) selections.push(`... on Query ${this.directives()} { ${this.rootField(root)} }`);
    const query = [
      `query Random${this.definitions.length > 0 ? `(${this.definitions.join(', ')})` : ''} { ${selections.join(' ')} }`,
      ...this.fragments.map(({ name, type, text }) => `fragment ${name} on ${type} { ${text} }`),
    ].join('\n');
    return { query, variables: this.values };
  }

  private rootField(root: GraphQLObjectType): string {
    const name = this.choices.of(ROOT_FIELDS);
    return name === '__typename' ? '__typename' : this.field(root, name, 1);
  }

  /** What stands between the braces for an object of a type. */
  private selection(type: GraphQLObjectType | GraphQLAbstractType, depth: number): string {
    if (isAbstractType(type)) return this.selectionOfAny(type, depth);
    const names = Object.keys(type.getFields());
    const leaves = names.filter((name) => !isCompositeType(getNamedType(type.getFields()[name]?.type)));
    const deep = names.filter((name) => !leaves.includes(name) && !PLAIN.has(getNamedType(type.getFields()[name]?.type)?.name ?? ''));
    const parts: string[] = [];
    const count = 1 + this.choices.below(depth < 4 ? 6 : 4);
    // Without choices the same field would stand again and again, more often than an object may hold it.
    for (let made = 0; made < count && this.fields < FIELDS && !this.choices.spent; made++) {
      const kind = this.choices.below(12);
      if (kind === 11 && depth < DEPTH) parts.push(this.inline(type, depth));
      else if (kind === 10 && depth < DEPTH) parts.push(this.spread(type, depth));
      else if (kind === 9) parts.push(this.choices.once(2) ? `${this.key()}: __typename` : '__typename');
      else {
        const pool = depth >= DEPTH ? leaves : kind < 5 && deep.length > 0 ? deep : names;
        parts.push(pool.length === 0 ? '__typename' : this.field(type, this.choices.of(pool), depth));
      }
    }
    return parts.length > 0 ? parts.join(' ') : '__typename';
  }

  /** Of an object that may be of several types: fragments on some of them, and what all of them have. */
  private selectionOfAny(type: GraphQLAbstractType, depth: number): string {
    const common = isInterfaceType(type)
      ? Object.keys(type.getFields()).filter((name) => isLeafType(getNamedType(type.getFields()[name]?.type)))
      : [];
    const parts = [this.choices.once(2) ? `${this.key()}: __typename` : '__typename', ...common.filter(() => this.choices.once(2))];
    for (const member of schema.getPossibleTypes(type)) {
      if (!this.choices.once(2) || this.fields >= FIELDS) continue;
      parts.push(`... on ${member.name} ${this.directives()} { ${depth < DEPTH ? this.selection(member, depth + 1) : '__typename'} }`);
    }
    return parts.join(' ');
  }

  private inline(type: GraphQLObjectType, depth: number): string {
    const isNode = type.getInterfaces().some(({ name }) => name === 'Node');
    const kind = this.choices.below(isNode ? 3 : 2);
    const body = kind === 2 ? 'id ... on Node { __typename }' : this.selection(type, depth + 1);
    return `...${['', ` on ${type.name}`, ' on Node'][kind]} ${this.directives()} { ${body} }`;
  }

  private spread(type: GraphQLObjectType, depth: number): string {
    const known = this.fragments.filter((fragment) => fragment.type === type.name && fragment.height + depth <= DEPTH);
    if (known.length > 0 && this.choices.once(2)) return `...${this.choices.of(known).name} ${this.directives()}`;
    const text = this.selection(type, depth + 1);
    const name = `F${this.fragments.length}`;
    this.fragments.push({ name, type: type.name, text, height: DEPTH - depth });
    return `...${name} ${this.directives()}`;
  }

  private field(type: GraphQLObjectType, name: string, depth: number): string {
    this.fields++;
    const field = type.getFields()[name] as ReturnType<GraphQLObjectType['getFields']>[string];
    const named = getNamedType(field.type);
    const args = field.args.map((argument) => this.argument(type.name, name, argument)).filter((text) => text !== '');
    const written = args.length > 0 ? `(${args.join(', ')})` : '';
    // Two fields with arguments merge only where the arguments are the same.
    const plain = !this.apart && (field.args.length === 0 ? !this.choices.once(4) : !this.bare.has(name) && this.choices.once(2));
    if (plain) this.bare.add(name);
    const head = `${plain ? '' : `${this.key()}: `}${name}${written} ${this.directives()}`;
    if (type.name === 'Query' && name === 'node') return `${head} { ${this.nodeSelection(depth)} }`;
    return isCompositeType(named) ? `${head} { ${this.selection(named, depth + 1)} }` : head;
  }

  private nodeSelection(depth: number): string {
    const types = Object.keys(ID_TABLES).filter(() => this.choices.once(5));
    const asked = this.lastNode && ID_TABLES[this.lastNode] ? [this.lastNode, ...types] : types;
    const parts = [...new Set(asked)]
      .slice(0, 3)
      .map((type) => `... on ${type} { ${this.selection(schema.getType(type) as GraphQLObjectType, depth + 1)} }`);
    return ['__typename', ...(this.choices.once(2) ? ['id'] : []), ...parts].join(' ');
  }
  private lastNode = '';

  private key(): string {
    const hard = this.choices.once(3) ? HARD_KEYS[this.keys % HARD_KEYS.length] : undefined;
    this.keys++;
    return hard && this.keys <= HARD_KEYS.length ? hard : `a${this.keys}`;
  }

  private directives(): string {
    if (!this.choices.once(6)) return '';
    const name = this.choices.of(['include', 'skip']);
    const value = this.choices.once(4) ? name === 'skip' : name === 'include';
    const kind = this.choices.below(3);
    if (kind === 0) return `@${name}(if: ${value})`;
    return `@${name}(if: ${this.variable('Boolean!', value, kind === 2 ? String(value) : undefined)})`;
  }

  /** A new variable with a value, or (`written`) with its default alone. */
  private variable(type: string, value: unknown, written?: string): string {
    const name = `v${this.names++}`;
    this.definitions.push(`$${name}: ${type}${written === undefined ? '' : ` = ${written}`}`);
    if (written === undefined) this.values[name] = value;
    return `$${name}`;
  }

  private argument(type: string, field: string, { name, type: argumentType }: GraphQLArgument): string {
    if (name === 'after') return this.choices.once(5) ? `after: ${this.choices.once(2) ? 'null' : this.variable('String', null)}` : '';
    if (name === 'first') return this.first(type, field);
    if (!isNonNullType(argumentType)) {
      if (this.choices.once(2)) return '';
      if (this.choices.once(8)) return `${name}: null`;
    }
    return `${name}: ${this.input(argumentType, type === 'Query' ? field : '', name)}`;
  }

  /** A value for an argument or a field of an input, as it stands in the document or as a variable. */
  private input(type: GraphQLInputType, field: string, path: string): string {
    const named = getNamedType(type);
    const plain = isNonNullType(type) ? type.ofType : type;
    if (isInputObjectType(named)) {
      const given = Object.values(named.getFields()).filter((inner) => isNonNullType(inner.type) || this.choices.once(2));
      if (this.choices.once(2))
        return this.variable(
          String(type),
          Object.fromEntries(given.map((inner) => [inner.name, this.inputValue(inner.type, field, `${path}.${inner.name}`)])),
        );
      return `{ ${given.map((inner) => `${inner.name}: ${this.input(inner.type, field, `${path}.${inner.name}`)}`).join(', ')} }`;
    }
    const value = this.inputValue(type, field, path);
    if (value === null) return 'null';
    if (!isListType(plain)) return this.value(String(type), value, isEnumType(named));
    const literal = `[${(value as unknown[]).map((each) => (isEnumType(named) ? each : JSON.stringify(each))).join(', ')}]`;
    return this.choices.once(2) ? this.variable(String(type), value) : literal;
  }

  private inputValue(type: GraphQLInputType, field: string, path: string): unknown {
    if (!isNonNullType(type) && path.includes('.') && this.choices.once(8)) return null;
    const plain = isNonNullType(type) ? type.ofType : type;
    // Figures are shown by what is fixed, and refused by all else.
    if (path === 'by') return this.choices.of(BREAKDOWNS.filter(({ grains }) => grains.length === 3)).dimensions;
    if (isListType(plain)) return Array.from({ length: this.choices.below(4) }, () => this.scalar(getNamedType(type), field, path));
    if (isInputObjectType(plain))
      return Object.fromEntries(
        Object.values(plain.getFields()).map((inner) => [inner.name, this.inputValue(inner.type, field, `${path}.${inner.name}`)]),
      );
    return this.scalar(getNamedType(type), field, path);
  }

  private scalar(type: GraphQLNamedInputType, field: string, path: string): unknown {
    const name = path.split('.').at(-1) as string;
    if (isEnumType(type)) return this.choices.of(type.getValues()).name;
    if (type.name === 'ID') return this.id(idType(field, path));
    // Degrees, and metres around them: some of the county is there.
    if (name === 'within') return 30_000;
    if (type.name === 'Float') return name === 'latitude' ? 51.7 : -1.3;
    if (type.name === 'Int') return this.choices.below(40);
    if (type.name === 'Boolean') return this.choices.once(2);
    if (type.name === 'Date') return this.choices.of(days);
    if (type.name === 'DateTime') return `${this.choices.of(days)}T12:00:00.000Z`;
    if (type.name === 'String') {
      const known = texts.get(name) ?? [];
      return this.choices.of(known.length > 0 ? known : [...texts.values()].flat());
    }
    throw new Error(`No values of ${type.name} for ${field}(${path}).`);
  }

  private first(type: string, field: string): string {
    // Lists within lists stay short.
    const most = type === 'Query' ? (field === 'families' ? 8 : 30) : 6;
    const value = this.choices.once(12) && type === 'Query' && field === 'families' ? 60 : 1 + this.choices.below(most);
    if (type === 'Family' && this.choices.once(4)) return '';
    return `first: ${this.value('Int', value)}`;
  }

  /** A value as it stands in the document, or as a variable. */
  private value(type: string, value: unknown, isEnum = false): string {
    const literal = isEnum ? String(value) : JSON.stringify(value);
    const kind = this.choices.below(3);
    if (kind === 0) return literal;
    return this.variable(type, value, kind === 2 ? literal : undefined);
  }

  /** An id of a type, or of any: one the caller's organisation sees, one of the first, any there is, one of nothing. */
  private id(asked: string | null): string {
    const type = asked === null || this.choices.once(12) ? this.choices.of(Object.keys(ID_TABLES)) : asked;
    this.lastNode = type;
    const there = everything.get(type) ?? [];
    const all = there.length > 0 ? there : [encodeId(type, 1)];
    const own = seen.get(clientOf(this.caller.client).organisation)?.get(type) ?? [];
    const kind = this.choices.below(8);
    if (all.length === 0) return encodeId(type, 999_999_999);
    if (kind < 1) return all[this.choices.below(Math.min(4, all.length))] as string;
    if (kind < 4 && own.length > 0) return own[this.choices.below(Math.min(4, own.length))] as string;
    if (kind < 6 && own.length > 0) return this.choices.of(own);
    if (kind < 7) return this.choices.of(all);
    return this.choices.of([encodeId(type, 999_999_999), encodeId('Code', 1), encodeId('District', 1), encodeId('Nothing', 1)]);
  }
}

/** A valid document; where fields cannot be merged, the same with a key for each. */
function documentOf(numbers: readonly number[], caller: Known): Made {
  const made = new Maker(new Choices(numbers), caller, false).document();
  if (validate(schema, parse(made.query)).length === 0) return made;
  const apart = new Maker(new Choices(numbers), caller, true).document();
  const faults = validate(schema, parse(apart.query));
  if (faults.length > 0) throw new Error(`Not a valid document: ${faults[0]?.message}\n${apart.query}`);
  return apart;
}

const callers = fc.constantFrom(...CALLERS);
const numbers = fc.array(fc.noBias(fc.nat({ max: 5040 * 11 })), { minLength: 60, maxLength: 400, size: 'max' });

// ---------------------------------------------------------------------------------------------------------------
// Comparison

/** The answer with its cursors as the reference writes them, where the reference has one. */
function withoutCursors(value: any, expected: any): any {
  if (expected === CURSOR) return typeof value === 'string' && /^[A-Za-z0-9_-]{24,}$/.test(value) ? CURSOR : value;
  if (Array.isArray(value)) return value.map((each, index) => withoutCursors(each, expected?.[index]));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        withoutCursors(inner, Object.hasOwn(expected ?? {}, key) ? expected[key] : undefined),
      ]),
    );
  }
  return value;
}

const byPlace = (refused: { field: string; reason: string; at: string }[]) =>
  refused.map(({ field, reason, at }) => `${at} ${field} ${reason}`).sort();

async function compare(caller: Known, made: Made): Promise<void> {
  const expected = await answer(askerOf(caller), parse(made.query), made.variables);
  const request = randomUUID();
  const { status, body } = await server.ask(caller, made.query, made.variables, { 'x-request-id': request });
  const said = `${JSON.stringify(caller)}\n${made.query}\n${JSON.stringify(made.variables)}`;
  // The limits that small documents come upon: one field too often in an object, lists within lists within lists.
  if (['sameField', 'cost'].includes(body.errors?.[0]?.extensions.limit)) return;
  expect(status, `${said}\n${JSON.stringify(body.errors)}`).toBe(200);
  const data = withoutCursors(body.data, expected.data);
  expect(data, said).toEqual(expected.data);
  // The order of the keys, too, is the document's.
  expect(JSON.stringify(data), said).toBe(JSON.stringify(expected.data));
  const errors = (body.errors ?? []).map(({ extensions }) => extensions);
  expect(
    errors.filter(({ code }) => code !== 'FORBIDDEN'),
    said,
  ).toEqual([]);
  expect(byPlace(errors), said).toEqual(byPlace(expected.refused));
  // A list that is closed as a whole may be on record as looked at; nothing that is shown may be missing.
  const recorded = await onRecord(request);
  expect(
    [...expected.shown].filter((each) => !recorded.has(each)),
    said,
  ).toEqual([]);
}

/** Families and persons that the record of a request names. */
async function onRecord(request: string): Promise<Set<string>> {
  const { rows } = await owner.query("select records from fsp.disclosure where at > now() - interval '1 minute' and records like $1", [
    `%${request}%`,
  ]);
  const records = rows.flatMap(({ records }) => JSON.parse(records)).filter((record) => record.request === request);
  return new Set(
    records.flatMap(({ families, persons }) => [...families.map((id: number) => `f${id}`), ...persons.map((id: number) => `p${id}`)]),
  );
}

// ---------------------------------------------------------------------------------------------------------------
// Pages

type Paged = { head: string; path: string[]; variables: Record<string, unknown> };

const PAGED = [
  'families',
  'byName',
  'inStage',
  'workbook',
  'interventions',
  'offers',
  'chronology',
  'organisations',
  'services',
  'programmes',
  'outcomeIndicators',
] as const;

/** A list as the start of a document, open at its arguments. */
function pagedList(kind: (typeof PAGED)[number], id: string): Paged {
  if (kind === 'families') return { head: 'list: families(', path: ['list'], variables: {} };
  if (kind === 'byName') return { head: 'list: families(orderBy: NAME, ', path: ['list'], variables: {} };
  if (kind === 'inStage')
    return { head: 'list: families(filter: $filter, ', path: ['list'], variables: { filter: { stage: 'CHILD_PROTECTION' } } };
  if (kind === 'workbook' || kind === 'interventions' || kind === 'offers' || kind === 'chronology')
    return { head: `in: family(id: $id) { list: ${kind}(`, path: ['in', 'list'], variables: { id } };
  return { head: `list: ${kind}(`, path: ['list'], variables: {} };
}

const ID = '... on Node { id }';

const pageQuery = ({ head, path, variables }: Paged) => {
  const declared = [
    '$first: Int',
    '$after: String',
    ...('id' in variables ? ['$id: ID!'] : []),
    ...('filter' in variables ? ['$filter: FamilyFilter'] : []),
  ];
  return `query (${declared.join(', ')}) { ${head}first: $first, after: $after) { nodes { ${ID} } edges { cursor node { ${ID} } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount { value } }${path.length > 1 ? ' }' : ''} }`;
};

const at = (data: any, path: string[]) => path.reduce((value, key) => value?.[key], data);

/** Everything of an object that grants, own rows and decisions bear upon. */
const WITHHELD = 'withheld { field class reason ask }';
const WHOLE: Record<string, string> = {
  Family: `name stage leadPractitioner { organisation { code } } team { code } involvements { organisation { code } person { id } }
    members { role { code } person { id } } households { address members { person { id } } } plans { id } workbook { nodes { id } }
    interventions { nodes { id } } offers { nodes { id } }
    chronology { nodes { __typename ... on Node { id } } edges { node { ... on Plan { kind } ... on WorkbookEntry { module narrative } } } totalCount { value } } ${WITHHELD}`,
  Person: `givenName expectedDate sex { code } ethnicity { code } nhsNumber upn ${WITHHELD}`,
  Plan: `kind categoryOfAbuse { code } person { id } reviews { due } family { id } ${WITHHELD}`,
  WorkbookEntry: `module persons { id } keptFrom { id } readings { person { id } } childWords { words person { id } }
    parentWords { words person { id } } family { id } ${WITHHELD}`,
  Intervention: `person { id } programme { code } provider { code } status family { id } ${WITHHELD}`,
  ServiceOffer: `person { id } service { code } status family { id } ${WITHHELD}`,
};

/** The same of a type that is not written out: all its scalars, and of each object in it the least. */
function wholeOf(type: string): string {
  const parts = Object.values((schema.getType(type) as GraphQLObjectType).getFields()).flatMap(({ name, type: of }) => {
    const named = getNamedType(of);
    if (isLeafType(named)) return [name];
    if (name === 'withheld') return [WITHHELD];
    if (!isObjectType(named)) return [];
    const { nodes, id } = named.getFields();
    return [nodes ? `${name} { nodes { __typename } totalCount { value } }` : `${name} { ${id ? 'id' : '__typename'} }`];
  });
  return parts.join(' ');
}

const isOfPeople = (type: string) => {
  const anchor = BINDINGS.get(type)?.anchor;
  return typeof anchor === 'string' || (anchor !== undefined && [anchor].flat().some((table) => isPersonal(classOf(table).dataClass)));
};

/** So many of the first `among` of a list, beginning at another one for each place. */
const chosen = (list: string[] | undefined, among: number, place: number, count: number): string[] => {
  const first = (list ?? []).slice(0, among);
  return first.map((_, i) => first[(place + i) % first.length] as string).slice(0, count);
};

describe('the first objects of every type that an organisation sees', () => {
  it('are answered as the reference answers them, whoever asks for whatever purpose', async () => {
    for (const [place, caller] of CALLERS.entries()) {
      if (!isAsked(place)) continue;
      const types = Object.keys(ID_TABLES).filter(isOfPeople);
      const parts = types.flatMap((type) => {
        const whole = WHOLE[type] ?? wholeOf(type);
        const ids = chosen(seen.get(clientOf(caller.client).organisation)?.get(type), 4, place, each);
        return ids.map((id, index) => `${type}${index}: node(id: "${id}") { ... on ${type} { ${whole} } }`);
      });
      // One statement for all of them would be slow to plan, and for a family with its chronology most of all.
      const families = parts.filter((part) => part.startsWith('Family') && part.includes('chronology'));
      const rest = parts.filter((part) => !families.includes(part));
      const documents = [
        ...families,
        ...Array.from({ length: Math.ceil(rest.length / 9) }, (_, i) => rest.slice(i * 9, i * 9 + 9).join(' ')),
      ];
      for (const query of documents) await compare(caller, { query: `{ ${query} }`, variables: {} });
    }
  }, 900_000);
});

describe('the chronology of the first families that an organisation sees', () => {
  it('is cut, by pages of any length, where the reference cuts it, and its cursors put on record whom they tell of', async () => {
    const nodes = 'nodes { __typename ... on Node { id } }';
    for (const [place, caller] of CALLERS.entries()) {
      if (!isAsked(place)) continue;
      for (const id of chosen(seen.get(clientOf(caller.client).organisation)?.get('Family'), 2, place, each)) {
        const pages = [1, 4, 9].map((first) => `of${first}: chronology(first: ${first}) { ${nodes} }`);
        await compare(caller, { query: `{ family(id: "${id}") { ${pages.join(' ')} } }`, variables: {} });
        await compare(caller, { query: `{ family(id: "${id}") { chronology(first: 30) { edges { cursor } } } }`, variables: {} });
      }
    }
  }, 900_000);
});

describe('random documents', () => {
  it('are answered as the reference answers them', async () => {
    await fc.assert(
      fc.asyncProperty(callers, numbers, (caller, chosen) => compare(caller, documentOf(chosen, caller))),
      { ...settings, numRuns: runs },
    );
  }, 1_800_000);
});

describe('random pages', () => {
  it('followed to their end are the whole list', async () => {
    const cases = fc.record({
      caller: callers,
      kind: fc.constantFrom(...PAGED),
      first: fc.integer({ min: 1, max: 40 }),
      which: fc.nat(),
      byEdge: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ caller, kind, first, which, byEdge }) => {
        const own = seen.get(clientOf(caller.client).organisation)?.get('Family') ?? [];
        const ids = [...own.slice(0, 3), ...own, encodeId('Family', 1)];
        const paged = pagedList(kind, ids[which % ids.length] as string);
        const query = pageQuery(paged);
        const expected = at((await answer(askerOf(caller), parse(query), { ...paged.variables, first: 100_000 })).data, paged.path);
        const whole = expected?.nodes.map(({ id }: { id: string }) => id) ?? [];
        const followed: string[] = [];
        let after: string | null = null;
        for (;;) {
          const { status, body } = await server.ask(caller, query, { ...paged.variables, first, after });
          const page = at(body.data, paged.path);
          const said = JSON.stringify({ caller, query, variables: paged.variables, first, after });
          expect(status, said).toBe(200);
          if (!page) {
            expect(expected ?? null, said).toBeNull();
            return;
          }
          const nodes = page.nodes.map(({ id }: { id: string }) => id);
          followed.push(...nodes);
          expect(page.totalCount.value, said).toBe(whole.length);
          expect(
            page.edges.map(({ node }: { node: { id: string } }) => node.id),
            said,
          ).toEqual(nodes);
          expect(page.pageInfo.hasPreviousPage, said).toBe(after !== null);
          expect(page.pageInfo.hasNextPage, said).toBe(followed.length < whole.length);
          expect(page.pageInfo.startCursor, said).toBe(page.edges.at(0)?.cursor ?? null);
          expect(page.pageInfo.endCursor, said).toBe(page.edges.at(-1)?.cursor ?? null);
          // A cursor from the middle of a page goes on from there.
          const last = byEdge ? (page.edges.length - 1) >> 1 : page.edges.length - 1;
          if (byEdge) followed.splice(followed.length - nodes.length + last + 1);
          if (followed.length >= whole.length || nodes.length === 0) break;
          after = page.edges[last].cursor;
        }
        expect(followed, JSON.stringify({ caller, query, variables: paged.variables, first })).toEqual(whole);
      }),
      { ...settings, numRuns: Math.ceil(runs / 4) },
    );
  }, 1_800_000);
});
