/**
 * A second, slow way to the same answers: graphql-js with a resolver for each field, small queries on the
 * organisation's own login, and the rules about purpose and user in plain code. Types that have no resolver here are read
 * by their bindings. It shares with `src/read` how an id is written and how a binding is, and none of its SQL, so that
 * what both say alike is likely to be right.
 */

import { getTableColumns } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import {
  type DocumentNode,
  execute,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getArgumentValues,
  getNamedType,
  getVariableValues,
  isAbstractType,
  isInputObjectType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import { collectFields, collectSubfields } from 'graphql/execution/collectFields.js';
import pg from 'pg';
import { AGREEMENT, PURPOSES, type Purpose, type PurposeRule, ROLE_CLOSES, ROLES_FOR } from '../../src/access/agreement.ts';
import { type Agency, CLASS_BIT, type DataClass, PERSONAL_CLASSES, type PersonalClass } from '../../src/access/classes.ts';
import { openTo } from '../../src/access/view.ts';
import { classifiedTables, classOf, type TableClass } from '../../src/db/classified.ts';
import { addDays, today } from '../../src/modules/clock/calendar.ts';
import { BINDINGS, ROOTS } from '../../src/modules/index.ts';
import {
  type Binding,
  fieldTable,
  type Member,
  membersOf,
  type On,
  type Order,
  type RootBinding,
  type RootFilter,
  type Stream,
  type Subquery,
  type UnionField,
} from '../../src/read/binding.ts';
import { decodeId, encodeId } from '../../src/read/ids.ts';
import { productSchema } from '../../src/server.ts';

type Row = Record<string, any>;
type Query = (sql: string, values?: unknown[]) => Promise<Row[]>;

/** Who asks, as far as the rules read it. */
export type Asker = {
  client: string;
  organisation: { id: number; code: string; name: string };
  agency: Agency;
  login: number;
  user: string | null;
  purpose: Purpose;
  purposes: Purpose[];
  scopes: Set<string>;
  query: Query;
  /** Persons to whom the answer is handed on, below each object that says so: what is kept from all of them is not in it. */
  shownTo?: string[][];
  /** As the database's owner: facts that a rule tests and the login may not read (a family's stage). */
  facts: Query;
};

export type Refused = { field: string; reason: string; at: string };

/** Stands where an answer holds a cursor: cursors are opaque, so any will do. */
export const CURSOR = '(a cursor)';

/** Small queries on a login; equal ones are asked once, because nothing changes meanwhile. */
export function queries(sql: pg.Client): Query {
  const asked = new Map<string, Promise<Row[]>>();
  const plainDates = {
    getTypeParser: (oid: number, format?: never) => (oid === 1082 ? (text: string) => text : pg.types.getTypeParser(oid, format)),
  };
  // One after the other: a connection answers one query at a time.
  let before: Promise<unknown> = Promise.resolve();
  return (text, values = []) => {
    const key = JSON.stringify([text, values]);
    let rows = asked.get(key);
    if (!rows) {
      const run = () => sql.query({ text, values, types: plainDates as never }).then((result) => result.rows as Row[]);
      rows = before.then(run, run);
      before = rows;
      asked.set(key, rows);
    }
    return rows;
  };
}

// ---------------------------------------------------------------------------------------------------------------
// The agreement, restated

const levelOf = (asker: Asker, dataClass: DataClass) => (dataClass === 'STRUCTURE' ? 'A' : AGREEMENT[dataClass].levels[asker.agency]);
const isPersonal = (dataClass: DataClass): dataClass is PersonalClass => dataClass in CLASS_BIT;
const bit = (dataClass: PersonalClass) => 1n << BigInt(CLASS_BIT[dataClass]);
const maskOf = (classes: PersonalClass[]) => classes.reduce((mask, dataClass) => mask | bit(dataClass), 0n);
const classesIn = (mask: bigint) => PERSONAL_CLASSES.filter((dataClass) => (mask & bit(dataClass)) !== 0n);
const ofLevel = (asker: Asker, ...levels: string[]) => maskOf(PERSONAL_CLASSES.filter((c) => levels.includes(levelOf(asker, c))));
const ruleOf = (asker: Asker): PurposeRule => PURPOSES[asker.purpose];

/** A team or provider sees of its own rows those of the user. */
const narrowed = (asker: Asker) => (asker.agency === 'TEAM' || asker.agency === 'PROVIDER') && asker.purpose !== 'GOVERNANCE';

type Opening = 'in full' | 'own rows' | { closed: string };

/** What a request may see of a class: the agreement's level, then roles, then the purpose. */
export function opening(asker: Asker, dataClass: DataClass): Opening {
  if (dataClass === 'STRUCTURE' || dataClass === 'DIRECTORY') return 'in full';
  const level = levelOf(asker, dataClass);
  if (level === 'N') return { closed: 'NOT_SHARED_WITH_AGENCY' };
  const roles = [...asker.scopes].filter((scope) => scope.startsWith('role:')).map((scope) => scope.slice(5));
  if (level === 'R' && !roles.some((role) => ROLES_FOR[dataClass]?.includes(role))) return { closed: 'NOT_FOR_THIS_ROLE' };
  if (roles.some((role) => ROLE_CLOSES[role]?.(dataClass))) return { closed: 'NOT_FOR_THIS_ROLE' };
  if (!isPersonal(dataClass)) return 'in full';
  if (!asker.scopes.has('family:read')) return { closed: 'NOT_FOR_THIS_ROLE' };
  const rule = ruleOf(asker);
  if (rule.role && !roles.includes(rule.role)) return { closed: 'NOT_FOR_THIS_ROLE' };
  if (rule.opens.includes(dataClass)) return level === 'O' ? 'own rows' : 'in full';
  if (rule.ownRows.includes(dataClass) && level !== 'D') return 'own rows';
  return { closed: 'NOT_FOR_THIS_PURPOSE' };
}

const isClosed = (asker: Asker, dataClass: DataClass) => typeof opening(asker, dataClass) === 'object';
const nothingOpen = (asker: Asker) => PERSONAL_CLASSES.every((dataClass) => isClosed(asker, dataClass));

// ---------------------------------------------------------------------------------------------------------------
// Grants

const familyGrant = async ({ query }: Asker, family: string) =>
  (await query('select * from fsp.family_grant where family = $1 and period @> now()', [family]))[0];
const personGrant = async ({ query }: Asker, person: string) =>
  (await query('select * from fsp.person_grant where person = $1 and period @> now()', [person]))[0];

/** The classes that the grants of a family, a person, or a person in a family open, by agreement and decisions. */
function opened(asker: Asker, family: Row | undefined, person: Row | undefined): bigint {
  const both = (of: 'shared' | 'withheld') =>
    BigInt(family?.[of] ?? 0) | BigInt(person?.[of] ?? 0) | (family ? 0n : BigInt(person?.[`family_${of}`] ?? 0));
  return (ofLevel(asker, 'A', 'R') | (both('shared') & ofLevel(asker, 'D', 'O/D'))) & ~both('withheld');
}

const covers = (mask: bigint, needed: bigint) => (mask & needed) === needed;

/** A team's family is there for the people named in the team. */
async function namedInTeam(asker: Asker): Promise<boolean> {
  if (asker.agency !== 'TEAM' || !narrowed(asker)) return true;
  const rows = await asker.query(
    `select from fsp.team_member where organisation = $1 and subject = $2 and "from" <= now() and (until is null or until > now())`,
    [asker.organisation.id, asker.user],
  );
  return rows.length > 0;
}

/** At the county a practitioner has the families of their own teams, and those that name them; the front door has all. */
async function inHands({ agency, scopes, user, facts, organisation: { id } }: Asker, families: string[]): Promise<boolean> {
  const has = (...roles: string[]) => roles.some((role) => scopes.has(`role:${role}`));
  if (agency !== 'LA' || !has('practitioner', 'team-manager') || has('front-door')) return true;
  const rows = await facts(
    `select from fsp.family f where f.id = any ($1::bigint[]) and (
       f.restricted or exists (select from fsp.family_restriction r where r.family = f.id and r.organisation = $3 and r.until is null)
       or exists (select from fsp.involvement i left join fsp.team_member m on m.organisation = i.organisation and m.subject = $2
           and m."from" <= now() and (m.until is null or m.until > now())
         where i.family = f.id and i."from" <= now() and (i.until is null or i.until > now())
           and (m.subject is not null or i.organisation = $3 and i.worker = $2)))`,
    [families, user, id],
  );
  return rows.length > 0;
}

/** Whether one of these families stands where the purpose wants it. */
function atStage(asker: Asker, families: Row[]): boolean {
  const rule = ruleOf(asker).stages;
  if (!rule || rule.exempt.includes(asker.agency)) return true;
  return families.some(
    ({ stage, marac }) => (rule.only as readonly string[]).includes(stage ?? 'EARLY_HELP') || (rule.marac && marac === true),
  );
}

const stageOfFamily = ({ facts }: Asker, family: string) => facts('select stage, marac from fsp.family_stage where family = $1', [family]);

/** The families in which the login sees a person, with their stages. */
const familiesOfPerson = ({ facts, login }: Asker, id: string) =>
  facts(
    `select m.family, s.stage, s.marac from (select family, person from fsp.membership union select family, person from fsp.unborn_membership) m
     join fsp.family_grant g on g.family = m.family and g.login = $2 and g.period @> now() and (g.only_with is null or m.person = any (g.only_with))
     left join fsp.family_stage s on s.family = m.family where m.person = $1`,
    [id, login],
  );

/** A family, if it is there for this request. */
async function family(asker: Asker, id: string): Promise<Row | null> {
  const grant = await familyGrant(asker, id);
  if (!grant || !(await namedInTeam(asker)) || !atStage(asker, await stageOfFamily(asker, id)) || !(await inHands(asker, [id])))
    return null;
  return { __typename: 'Family', family: id };
}

/** Whether what a person needs besides (an unborn child: CLINICAL) is open under this purpose, where a decision could open it. */
function needsOpen(asker: Asker, grant: Row | undefined): boolean {
  if (!grant || !['D', 'O/D'].includes(levelOf(asker, 'CLINICAL')) || opening(asker, 'CLINICAL') === 'in full') return true;
  return classesIn(BigInt(grant.needs)).every((dataClass) => opening(asker, dataClass) === 'in full');
}

/** A person, if they are there for this request. */
async function person(asker: Asker, id: string | null): Promise<Row | null> {
  if (id === null) return null;
  const grant = await personGrant(asker, id);
  if (!grant || !(await namedInTeam(asker))) return null;
  if (!covers(opened(asker, undefined, grant), BigInt(grant.needs)) || !needsOpen(asker, grant)) return null;
  const families = await familiesOfPerson(asker, id);
  if (
    !atStage(asker, families) ||
    !(await inHands(
      asker,
      families.map((each) => each.family),
    ))
  )
    return null;
  if (ruleOf(asker).agreedOnly && !grant.agreed) return null;
  return { __typename: 'Person', person: id };
}

// ---------------------------------------------------------------------------------------------------------------
// Rows

type Table = {
  is: PersonalClass;
  /** Columns that name an organisation whose row it is. */
  own: string[];
  /** The link that says whose row it is besides. */
  link?: { table: string; key: string; from: string; columns: string[] };
  /** The same in the table's own words, asked of the row: for tables that are not written out here. */
  through?: TableClass['own'] & object;
  /** Column with the user whose row it is. */
  user?: string;
  people?: TableClass['people'];
};

const interventionLink = (from: string) => ({ table: 'intervention_link', key: 'intervention', from, columns: ['provider', 'assigned'] });
const ofController = (is: PersonalClass): Table => ({ is, own: ['controller'] });

const TABLES = {
  family_name: ofController('FAMILY'),
  family_stage: ofController('CASE'),
  membership: ofController('FAMILY'),
  unborn_membership: ofController('CLINICAL'),
  household: ofController('WHEREABOUTS'),
  household_member: ofController('WHEREABOUTS'),
  involvement: { is: 'INVOLVEMENT', own: ['organisation', 'controller'] },
  person_identity: ofController('IDENTITY'),
  person_expected: ofController('CLINICAL'),
  person_nhs_number: ofController('NHS_NUMBER'),
  person_upn: ofController('UPN'),
  person_equality: ofController('EQUALITY'),
  plan: ofController('CASE'),
  plan_category: ofController('ASSESSMENT'),
  plan_review: ofController('CASE'),
  workbook_entry: ofController('WORKBOOK'),
  workbook_entry_person: ofController('WORKBOOK'),
  workbook_reading: ofController('WORKBOOK'),
  workbook_child_words: ofController('CHILD_VOICE'),
  workbook_parent_words: ofController('ADULT_VOICE'),
  intervention: { is: 'INVOLVEMENT', own: ['controller'], link: interventionLink('id') },
  intervention_link: { is: 'INVOLVEMENT', own: ['controller', 'provider', 'assigned'] },
  intervention_progress: { is: 'PROGRESS', own: ['controller'], link: interventionLink('intervention') },
  service_offer: {
    is: 'OFFER',
    own: ['controller'],
    link: { table: 'service_offer_link', key: 'offer', from: 'id', columns: ['provider'] },
  },
  service_offer_link: { is: 'OFFER', own: ['controller', 'provider'] },
  clock: { is: 'CASE', own: ['controller', 'assigned'] },
  task: { is: 'WORKBOOK', own: ['controller', 'assigned'] },
} as const satisfies Record<string, Table>;

/** A table by its name: as it is written out above, or as it was classified. */
type TableName = string;

const CLASSIFIED = new Map(classifiedTables().map((entry) => [entry.name, entry]));

function tableNamed(name: TableName): Table {
  const written = (TABLES as Record<string, Table>)[name];
  if (written) return written;
  const { dataClass, own, people } = CLASSIFIED.get(name) as TableClass;
  return {
    is: dataClass as PersonalClass,
    own: own?.columns ?? [],
    ...(own?.through ? { through: own } : {}),
    ...(own?.user ? { user: own.user } : {}),
    ...(people ? { people } : {}),
  };
}

/** Where a row of a query stands: its table, and its place in it. */
const PLACE = '@place';

const blind = new Set(classifiedTables().flatMap((table) => (table.blind ? [table.name] : [])));
/** The column that says it: PostgreSQL's own, but of a table of which a login is given none of these. */
const placeOf = (name: string): [column: string, type: string] => (blind.has(name) ? ['id', 'bigint'] : ['ctid', 'tid']);
function isAt(name: string, alias: string, value: string): string {
  const [column, type] = placeOf(name);
  return `${alias}.${column} = ${value}::${type}`;
}
function isAmong(name: string, alias: string, places: string[]): string {
  const [column, type] = placeOf(name);
  return `${alias}.${column} = any ('{${places.map((place) => `"${place}"`).join(',')}}'::${type}[])`;
}

/** Rows of a table that the login sees and the request may. */
const visible = (asker: Asker, name: TableName, rest: string, values: unknown[]): Promise<Row[]> =>
  visibleOf(asker, name, `from fsp.${name} c where ${rest}`, values);

/** The same, given the query from its `from` on, in which the table is `c`. */
async function visibleOf(asker: Asker, name: TableName, from: string, values: unknown[]): Promise<Row[]> {
  const { is } = tableNamed(name);
  if (isPersonal(is) && isClosed(asker, is)) return [];
  const rows = await asker.query(`select c.*, c.${placeOf(name)[0]}::text as "${PLACE}" ${from}`, values);
  if (!isPersonal(is)) return rows;
  const allowed = await Promise.all(rows.map((row) => mayShow(asker, name, row)));
  return rows.filter((_, index) => allowed[index]);
}

/** The rules that a login cannot know: purpose, user, consent. The login's policies have opened the row already. */
async function mayShow(asker: Asker, name: TableName, row: Row): Promise<boolean> {
  const mine = await isMine(asker, name, row);
  const granted = await opensByGrant(asker, name, row);
  const { is } = tableNamed(name);
  if (opening(asker, is) === 'own rows' && !mine) return false;
  if (narrowed(asker) && !mine && !granted) return false;
  if (!rowClassesOpen(asker, row, mine, granted)) return false;
  if (await isKeptFrom(asker, row)) return false;
  const kept = (row.kept_from ?? []) as string[];
  if (asker.shownTo?.some((persons) => persons.length > 0 && persons.every((each) => kept.includes(each)))) return false;
  for (const each of [row.person, row.other]) if (each && !needsOpen(asker, await personGrant(asker, each))) return false;
  return !ruleOf(asker).agreedOnly || (await someoneAgreed(asker, name, row));
}

/** Every further class of the row is open: in full, or the row is the caller's own, or a decision opens it to the caller. */
function rowClassesOpen(asker: Asker, row: Row, mine: boolean, granted: boolean): boolean {
  return classesIn(BigInt(row.row_mask ?? 0)).every((dataClass) => {
    const open = opening(asker, dataClass);
    if (typeof open === 'object') return false;
    if (mine) return true;
    if (open === 'own rows') return false;
    return !narrowed(asker) || levelOf(asker, dataClass) !== 'O/D' || granted;
  });
}

/** The row is the organisation's own, by the agreement; for a team or provider, the user's. */
async function isMine(asker: Asker, name: TableName, row: Row): Promise<boolean> {
  const table = tableNamed(name);
  const org = asker.organisation.id;
  const owning = ofLevel(asker, 'A', 'R', 'O', 'O/D');
  // A person's own tables tell of no family: there only the levels that speak of own rows count.
  const levels = 'family' in row || !('person' in row) ? owning : ofLevel(asker, 'O', 'O/D');
  if (!covers(levels, bit(table.is)) || !covers(owning, BigInt(row.row_mask ?? 0))) return false;
  let own = table.own.some((column) => row[column] === org);
  if (!own && table.link) {
    const { table: link, key, from, columns } = table.link;
    const links = await asker.query(`select * from fsp.${link} where ${key} = $1`, [row[from]]);
    own = links.some((found) => columns.some((column) => found[column] === org));
  }
  if (!own && table.through) own = (await ofRow(asker, name, row, `${table.through.through?.('c', String(org))} as own`)).own === true;
  return own && (!narrowed(asker) || (asker.user !== null && row[table.user ?? 'worker'] === asker.user));
}

/** Something that SQL says of one row, in which the row is `c`. */
const ofRow = async (asker: Asker, name: TableName, row: Row, columns: string): Promise<Row> =>
  (await asker.query(`select ${columns} from fsp.${name} c where ${isAt(name, 'c', '$1')}`, [row[PLACE]]))[0] as Row;

/** A row that names neither family nor person is seen by the organisations that it names. */
const isBetween = (row: Row) => !('family' in row) && !('person' in row);

/** A grant of today opens the row: the family's, and the person's where it is about one. */
async function opensByGrant(asker: Asker, name: TableName, row: Row): Promise<boolean> {
  if (isBetween(row) || row.family === null) return false;
  const ofFamily = row.family ? await familyGrant(asker, row.family) : undefined;
  const ofPerson = row.person ? await personGrant(asker, row.person) : undefined;
  if ((row.family && !ofFamily) || (row.person && !ofPerson)) return false;
  const needed = bit(tableNamed(name).is) | BigInt(row.row_mask ?? 0) | BigInt(ofPerson?.needs ?? 0);
  if (!covers(opened(asker, ofFamily, ofPerson), needed)) return false;
  // A row about two people is there for those who see both.
  if (row.other) {
    const ofOther = await personGrant(asker, row.other);
    const both = bit(tableNamed(name).is) | BigInt(ofOther?.needs ?? 0);
    if (!ofOther || !covers(opened(asker, ofFamily, ofOther), both)) return false;
  }
  const only = ofFamily?.only_with as string[] | null | undefined;
  return !(row.kept_from && only?.every((each) => row.kept_from.includes(each)));
}

/** Kept from the only persons whom the user works with. Without a user nobody can say whom that is. */
async function isKeptFrom(asker: Asker, row: Row): Promise<boolean> {
  const from = (row.kept_from ?? []) as string[];
  if (from.length === 0) return false;
  if (asker.user === null) return asker.purpose !== 'RECORD_SYNC';
  const focus = (
    await asker.query('select * from fsp.user_focus where subject = $1 and starts <= now() and ends > now()', [asker.user])
  ).filter(
    // A row between organisations names no family: whom the user works with, in whichever family, decides.
    ({ family }) => isBetween(row) || family === row.family,
  );
  return focus.some(({ only_with }) => (only_with as string[]).every((each) => from.includes(each)));
}

/** The person the row is about agreed to this organisation; of a household, somebody who lives there. */
async function someoneAgreed(asker: Asker, name: TableName, row: Row): Promise<boolean> {
  if (isBetween(row)) return true;
  const { people } = tableNamed(name);
  const about =
    name === 'household'
      ? (await asker.query('select person from fsp.household_member where household = $1', [row.id])).map((each) => each.person)
      : row.person
        ? [row.person]
        : people
          ? (await ofRow(asker, name, row, `array(select g.person from fsp.person_grant g where g.person in ${people('c')}) as persons`))
              .persons
          : [];
  const grants = await Promise.all(about.map((each: string) => personGrant(asker, each)));
  return grants.some((grant) => grant?.agreed === true);
}

/** A row reached by its id: its family is there, or the row is the caller's own. Every row is the county's: it asks by family. */
async function entered(asker: Asker, name: TableName, id: string): Promise<Row | null> {
  const [row] = await visible(asker, name, 'id = $1', [id]);
  return row && (await isEntered(asker, name, row)) ? row : null;
}

async function isEntered(asker: Asker, name: TableName, row: Row): Promise<boolean> {
  if (!('family' in row)) return true;
  if (row.family === null ? asker.agency === 'LA' : await family(asker, row.family)) return true;
  return asker.agency !== 'LA' && (await namedInTeam(asker)) && (await isMine(asker, name, row));
}

// ---------------------------------------------------------------------------------------------------------------
// Types

const typed =
  (__typename: string) =>
  (row: Row): Row => ({ ...row, __typename });
const list = async (type: string, rows: Promise<Row[]>) => (await rows).map(typed(type));
const first = async (type: string, rows: Promise<Row[]>) => (await list(type, rows))[0] ?? null;
const present = <T>(values: (T | null)[]): T[] => values.filter((value): value is T => value !== null);
const ordered = (rows: Row[], key: string) => [...rows].sort((a, b) => Number(BigInt(a[key]) - BigInt(b[key])));

const RUNNING = `"from" <= now() and (until is null or until > now())`;

const directory = (asker: Asker, type: string, table: string, column: string, value: unknown) =>
  first(type, asker.query(`select *, ctid::text as "${PLACE}" from fsp.${table} where ${column} = $1`, [value]));
const organisation = (asker: Asker, id: number | null) => directory(asker, 'Organisation', 'organisation', 'id', id);
const district = (asker: Asker, value: string | null) => directory(asker, 'District', 'district', 'code', value);
const codeOf = (asker: Asker, list: string, value: string | null) =>
  first('Code', asker.query('select * from fsp.code where list = $1 and code = $2 order by version desc limit 1', [list, value]));

/** A connection over all its rows: the first so many of them. */
function page(rows: Row[], args: Row): Row {
  if (args.after != null) throw new Error('The reference does not page; it gives the whole list.');
  const nodes = rows.slice(0, args.first);
  const end = nodes.length > 0 ? CURSOR : null;
  return {
    rows,
    nodes,
    edges: nodes.map((node) => ({ cursor: CURSOR, node })),
    pageInfo: { hasNextPage: rows.length > nodes.length, hasPreviousPage: false, startCursor: end, endCursor: end, of: nodes },
    totalCount: { value: Math.min(rows.length, 10_000), atLeast: rows.length > 10_000 },
  };
}

/** Values that stand in a table beside the object's own: who may not see that table's row has none of them. */
const BESIDE: Record<string, Record<string, { table: TableName; key: string; of: string }>> = {
  Family: beside('family', 'family', {
    family_name: ['reference', 'name'],
    family_stage: ['stage', 'openMarac'],
  }),
  Person: beside('person', 'person', {
    person_identity: ['givenName', 'familyName', 'dateOfBirth', 'sex'],
    person_expected: ['expectedDate'],
    person_nhs_number: ['nhsNumber'],
    person_upn: ['upn'],
    person_equality: ['ethnicity'],
  }),
  Plan: beside('plan', 'id', { plan_category: ['categoryOfAbuse'] }),
  Intervention: beside('intervention', 'id', {
    intervention_link: ['programme', 'provider'],
    intervention_progress: ['status', 'requested', 'started', 'ended', 'sessions', 'outcome'],
  }),
  ServiceOffer: beside('offer', 'id', { service_offer_link: ['service'] }),
};

function beside(key: string, of: string, tables: Partial<Record<TableName, string[]>>) {
  return Object.fromEntries(
    Object.entries(tables).flatMap(([table, fields]) =>
      (fields as string[]).map((field) => [field, { table: table as TableName, key, of }]),
    ),
  );
}

function besideOf(type: string, field: string) {
  const binding = BINDINGS.get(type);
  const bound = binding?.fields[field];
  const table = bound && fieldTable(bound);
  const key = binding?.sides?.find(([side]) => side === table)?.[1];
  return BESIDE[type]?.[field] ?? (table && key ? { table: classOf(table).name, key: key.name, of: binding?.id ?? 'id' } : undefined);
}

/** The row beside an object in which a field's value stands, if the caller sees it. */
async function rowBeside(asker: Asker, row: Row, field: string): Promise<Row | undefined> {
  const at = besideOf(row.__typename, field);
  if (!at) throw new Error(`${row.__typename}.${field} stands in the object's own row.`);
  return (await visible(asker, at.table, `${at.key} = $1`, [row[at.of]]))[0];
}

type Resolver = (row: Row, asker: Asker, args: Row, field: string) => unknown;

const column =
  (name: string): Resolver =>
  (row) =>
    row[name];
const moment =
  (name: string): Resolver =>
  (row) =>
    row[name] === null ? null : (row[name] as Date).toISOString();
const aside =
  (name: string): Resolver =>
  async (row, asker, _args, field) =>
    (await rowBeside(asker, row, field))?.[name] ?? null;
const coded =
  (list: string, name: string): Resolver =>
  (row, asker) =>
    codeOf(asker, list, row[name]);
const id =
  (key = 'id'): Resolver =>
  (row) =>
    encodeId(row.__typename, row[key]);
const itsPerson: Resolver = (row, asker) => person(asker, row.person);
const itsFamily: Resolver = (row, asker) => family(asker, row.family);
const itsOrganisation =
  (name: string): Resolver =>
  (row, asker) =>
    organisation(asker, row[name]);

/** A list of rows of a family or entry. */
const rowsOf =
  (type: string, table: TableName, where: string, key = 'id'): Resolver =>
  (row, asker) =>
    list(type, visible(asker, table, where, [row[key]]));
const pageOf =
  (type: string, table: TableName, order: string): Resolver =>
  async (row, asker, args) =>
    page(await list(type, visible(asker, table, `family = $1 order by ${order}`, [row.family])), args);

const persons = async (asker: Asker, ids: string[]) =>
  ordered(present(await Promise.all([...new Set(ids)].map((each) => person(asker, each)))), 'person');

/** How something stands today, by its days. */
function stateOf(due: string, soon: string, met: string | null, ended: string | null): string {
  if (met !== null) return met > due ? 'MET_LATE' : 'MET';
  if (ended !== null) return 'ENDED';
  const now = today(new Date());
  return now > due ? 'LATE' : now < soon ? 'IN_TIME' : 'DUE_SOON';
}

const RESOLVERS: Record<string, Record<string, Resolver>> = {
  Query: {
    node: (_row, asker, args) => nodeById(asker, args.id),
    family: (_row, asker, args) => {
      const { type, key } = decodeId(args.id);
      return type === 'Family' ? family(asker, key) : null;
    },
    familyByReference: async (_row, asker, args) => {
      const [named] = await visible(asker, 'family_name', 'reference = $1', [args.reference]);
      return named ? family(asker, named.family) : null;
    },
    families: async (_row, asker, args) => page(await families(asker, args), args),
    districts: (_row, { query }) => list('District', query(`select *, ctid::text as "${PLACE}" from fsp.district order by code`)),
    timescales: (_row, { query }) => list('Timescale', query('select * from fsp.timescale order by code, version')),
    organisations: async (_row, { query }, args) =>
      page(
        await list(
          'Organisation',
          query(`select *, ctid::text as "${PLACE}" from fsp.organisation where $1::text is null or agency = $1 order by id`, [
            args.agency ?? null,
          ]),
        ),
        args,
      ),
    services: async (_row, { query }, args) =>
      page(
        await list(
          'Service',
          query(
            // The whole directory is measured, and sorted afterwards: no index and no box.
            `select * from (
               select s.*, s.ctid::text as "${PLACE}",
                 (select min(fsp.metres(p[1], p[2], l.latitude, l.longitude))::integer from fsp.service_location l where l.service = s.id) as metres
               from fsp.service s left join fsp.point_of($7::jsonb) p on true
               where s.retired_at is null and ($1::text is null or s.district = $1) and ($2::text is null or s.kind = $2)
                 and ($3::text is null or exists (select from fsp.service_document d where d.service = s.id and d.search @@ websearch_to_tsquery('english', $3)))
                 and ($4::int is null or (s.minimum_age is null or s.minimum_age <= $4) and (s.maximum_age is null or s.maximum_age >= $4))
                 and ($5::boolean is null or (s.free or s.discounted) = $5)
                 and ($6::timestamptz is null or exists (select from fsp.service_schedule o where o.service = s.id and fsp.open_at(o, $6::timestamptz at time zone 'Europe/London')))
             ) found where $7::jsonb is null or metres <= ($7::jsonb ->> 'within')::int
             order by case when $7::jsonb is not null then metres end, id`,
            [
              args.filter?.district ?? null,
              args.filter?.kind ?? null,
              args.filter?.text ?? null,
              args.filter?.age ?? null,
              args.filter?.freeOrDiscounted ?? null,
              args.filter?.openAt ?? null,
              args.filter?.near ? JSON.stringify(args.filter.near) : null,
            ],
          ),
        ),
        args,
      ),
    programmes: async (_row, { query }, args) =>
      page(await list('Programme', query(`select *, ctid::text as "${PLACE}" from fsp.programme order by id`)), args),
    outcomeIndicators: async (_row, { query }, args) =>
      page(
        await list(
          'OutcomeIndicator',
          query(`select *, ctid::text as "${PLACE}" from fsp.outcome_indicator where $1::text is null or factor_group = $1 order by id`, [
            args.factorGroup ?? null,
          ]),
        ),
        args,
      ),
  },
  Family: {
    id: id('family'),
    reference: aside('reference'),
    name: aside('name'),
    stage: aside('stage'),
    openMarac: aside('marac'),
    leadPractitioner: (row, asker) =>
      first('Involvement', visible(asker, 'involvement', `family = $1 and lead and ${RUNNING} order by id`, [row.family])),
    team: async (row, asker) => {
      const working = await visible(asker, 'involvement', `family = $1 and ${RUNNING}`, [row.family]);
      const found = present(await Promise.all(working.map((each) => organisation(asker, each.organisation))));
      return (
        ordered(
          found.filter(({ agency }) => agency === 'TEAM'),
          'id',
        )[0] ?? null
      );
    },
    involvements: rowsOf('Involvement', 'involvement', `family = $1 and ${RUNNING} order by id`, 'family'),
    members: async (row, asker) => {
      const born = await visible(asker, 'membership', 'family = $1', [row.family]);
      const unborn = await visible(asker, 'unborn_membership', 'family = $1', [row.family]);
      return ordered(ordered([...born, ...unborn], 'id'), 'person').map(typed('FamilyMember'));
    },
    households: rowsOf('Household', 'household', 'family = $1 order by id', 'family'),
    plans: rowsOf('Plan', 'plan', 'family = $1 order by id', 'family'),
    workbook: pageOf('WorkbookEntry', 'workbook_entry', 'occurred_at desc, id desc'),
    interventions: pageOf('Intervention', 'intervention', 'id'),
    offers: pageOf('ServiceOffer', 'service_offer', 'id'),
    clocks: pageOf('Clock', 'clock', 'due_on, id'),
    tasks: pageOf('Task', 'task', 'due_on, id'),
  },
  FamilyMember: { role: coded('family-role', 'role'), person: itsPerson },
  Household: {
    district: (row, asker) => district(asker, row.district),
    members: rowsOf('HouseholdMember', 'household_member', 'household = $1 order by id'),
  },
  HouseholdMember: { person: itsPerson },
  Involvement: {
    id: id(),
    organisation: itsOrganisation('organisation'),
    role: coded('involvement-role', 'role'),
    person: itsPerson,
    from: moment('from'),
    until: moment('until'),
  },
  Person: {
    id: id('person'),
    givenName: aside('given_name'),
    familyName: aside('family_name'),
    dateOfBirth: aside('date_of_birth'),
    expectedDate: aside('expected_date'),
    sex: async (row, asker) => codeOf(asker, 'sex', (await rowBeside(asker, row, 'sex'))?.sex ?? null),
    ethnicity: async (row, asker) => codeOf(asker, 'ethnicity', (await rowBeside(asker, row, 'ethnicity'))?.ethnicity ?? null),
    nhsNumber: aside('nhs_number'),
    upn: aside('upn'),
  },
  Plan: {
    id: id(),
    person: itsPerson,
    categoryOfAbuse: async (row, asker) =>
      codeOf(asker, 'category-of-abuse', (await rowBeside(asker, row, 'categoryOfAbuse'))?.category ?? null),
    nextReviewDue: column('next_review_due'),
    reviews: rowsOf('PlanReview', 'plan_review', 'plan = $1 order by id'),
    family: itsFamily,
  },
  PlanReview: {},
  WorkbookEntry: {
    id: id(),
    discipline: coded('discipline', 'discipline'),
    sessionType: coded('session-type', 'session_type'),
    occurred: moment('occurred_at'),
    organisation: itsOrganisation('controller'),
    persons: async (row, asker) =>
      persons(
        asker,
        (await visible(asker, 'workbook_entry_person', 'entry = $1', [row.id])).map((about) => about.person),
      ),
    keptFrom: (row, asker) => persons(asker, row.kept_from),
    readings: rowsOf('WorkbookReading', 'workbook_reading', 'entry = $1 order by id'),
    childWords: rowsOf('ChildWords', 'workbook_child_words', 'entry = $1 order by id'),
    parentWords: rowsOf('ParentWords', 'workbook_parent_words', 'entry = $1 order by id'),
    family: itsFamily,
  },
  WorkbookReading: {
    id: id(),
    family: itsFamily,
    person: itsPerson,
    behaviour: coded('behaviour', 'behaviour'),
    stageOfChange: column('stage_of_change'),
    capacityForChange: column('capacity_for_change'),
  },
  ChildWords: { person: itsPerson },
  ParentWords: { person: itsPerson },
  Intervention: {
    id: id(),
    person: itsPerson,
    programme: async (row, asker) =>
      directory(asker, 'Programme', 'programme', 'id', (await rowBeside(asker, row, 'programme'))?.programme ?? null),
    provider: async (row, asker) => organisation(asker, (await rowBeside(asker, row, 'provider'))?.provider ?? null),
    status: aside('status'),
    requested: aside('requested'),
    started: aside('started'),
    ended: aside('ended'),
    sessions: aside('sessions'),
    outcome: aside('outcome'),
    family: itsFamily,
  },
  ServiceOffer: {
    id: id(),
    person: itsPerson,
    service: async (row, asker) => directory(asker, 'Service', 'service', 'id', (await rowBeside(asker, row, 'service'))?.service ?? null),
    offeredBy: itsOrganisation('controller'),
    offered: column('offered_on'),
    takenUp: column('taken_up_on'),
    family: itsFamily,
  },
  Clock: {
    id: id(),
    rule: (row, asker) =>
      first('Timescale', asker.query('select * from fsp.timescale where code = $1 and version = $2', [row.rule, row.rule_version])),
    ruleVersion: column('rule_version'),
    family: itsFamily,
    person: itsPerson,
    assigned: itsOrganisation('assigned'),
    startedOn: column('started_on'),
    dueOn: column('due_on'),
    dueSoonOn: column('due_soon_on'),
    metOn: column('met_on'),
    endedOn: column('ended_on'),
    state: (row) => stateOf(row.due_on, row.due_soon_on, row.met_on, row.ended_on),
  },
  Task: {
    id: id(),
    kind: coded('task-kind', 'kind'),
    family: itsFamily,
    person: itsPerson,
    assigned: itsOrganisation('assigned'),
    organisation: itsOrganisation('controller'),
    dueOn: column('due_on'),
    doneOn: column('done_on'),
    doneBy: column('done_by'),
    state: (row) => stateOf(row.due_on, addDays(row.due_on, -1), row.done_on, null),
  },
  Timescale: {
    from: column('from_event'),
    to: column('to_event'),
    limit: column('amount'),
    dueSoon: column('due_soon'),
    countsFromNextDay: column('counts_from_next_day'),
    validFrom: column('valid_from'),
    validTo: column('valid_to'),
  },
  Programme: { id: id(), dataClass: column('data_class') },
  Service: {
    id: id(),
    organisation: itsOrganisation('organisation'),
    district: (row, asker) => district(asker, row.district),
    kind: coded('service-kind', 'kind'),
    minimumAge: column('minimum_age'),
    maximumAge: column('maximum_age'),
    publicId: column('public_id'),
    lastModified: column('last_modified'),
    retired: column('retired_at'),
    ...Object.fromEntries(
      ['provider', 'feed', 'locations', 'schedules', 'costs', 'areas', 'contacts', 'terms'].map((name) => [
        name,
        (row: Row, asker: Asker, args: Row) => bound(row, asker, args, name),
      ]),
    ),
  },
  Organisation: {
    id: id(),
    kind: coded('organisation-kind', 'kind'),
    parent: itsOrganisation('parent'),
    district: (row, asker) => district(asker, row.district),
    team: async (row, asker) => (await rowsOfType(asker, 'Team', 'c.organisation = $1', [row.id]))[0] ?? null,
  },
  District: {
    validFrom: column('valid_from'),
    validTo: column('valid_to'),
    successor: (row, asker) => district(asker, row.successor),
  },
  OutcomeIndicator: {
    id: id(),
    factorGroup: column('factor_group'),
    goodDirection: column('good_direction'),
    ownerAgency: column('owner_agency'),
    inCountyGift: column('in_county_gift'),
  },
};

const NODE_TABLES: Record<string, TableName> = {
  Plan: 'plan',
  Intervention: 'intervention',
  ServiceOffer: 'service_offer',
  Clock: 'clock',
  Task: 'task',
  WorkbookEntry: 'workbook_entry',
};
const NODE_DIRECTORY: Record<string, string> = {
  Programme: 'programme',
  Service: 'service',
  Organisation: 'organisation',
  OutcomeIndicator: 'outcome_indicator',
};

const isNodeOfPeople = (type: string) => type in NODE_TABLES || isOfPeople(type);

/** Under subject access one person is asked for, by the person. */
const onePersonOnly = (asker: Asker) => asker.purpose === 'SUBJECT_ACCESS';

/** Whether `node` can give this type to the caller at all. */
function nodeOpen(asker: Asker, type: string): boolean {
  if (!isNodeOfPeople(type)) return type in NODE_DIRECTORY || BINDINGS.get(type)?.id !== undefined;
  return !nothingOpen(asker) && (type === 'Person' || !onePersonOnly(asker));
}

async function nodeById(asker: Asker, text: string): Promise<Row | null> {
  const { type, key } = decodeId(text);
  if (!nodeOpen(asker, type)) return null;
  if (type === 'Family') return family(asker, key);
  if (type === 'Person') return person(asker, key);
  const table = NODE_TABLES[type];
  if (table) {
    const row = await entered(asker, table, key);
    return row && typed(type)(row);
  }
  if (type in NODE_DIRECTORY) return directory(asker, type, NODE_DIRECTORY[type] as string, 'id', key);
  const [found] = await rowsOfType(asker, type, `c.${BINDINGS.get(type)?.id} = $1`, [key], '', true);
  return found ?? null;
}

// ---------------------------------------------------------------------------------------------------------------
// Types without a resolver above: their bindings, read by one small query for each relation

const bindingOf = (type: string) => BINDINGS.get(type) as Binding;
const anchorsOf = ({ anchor }: Binding) => (typeof anchor === 'string' ? [] : [anchor].flat().map((table) => classOf(table)));
const isOfPeople = (type: string) => {
  const binding = BINDINGS.get(type);
  return binding !== undefined && (typeof binding.anchor === 'string' || anchorsOf(binding).some(({ dataClass }) => isPersonal(dataClass)));
};

/** Rows of a type for which SQL over `c` holds. `entered`: without their family. */
async function rowsOfType(
  asker: Asker,
  type: string,
  where: string,
  values: unknown[],
  rest = '',
  entered = false,
  from = '',
): Promise<Row[]> {
  const binding = bindingOf(type);
  if (binding.anchor === 'family' || binding.anchor === 'person') {
    const kind = binding.anchor;
    const found = await asker.query(
      `select c.${kind} from fsp.${kind}_grant c ${from} where c.period @> now() and ${where} ${rest}`,
      values,
    );
    return present(await Promise.all(found.map((each) => (kind === 'family' ? family(asker, each.family) : person(asker, each.person)))));
  }
  const found: Row[] = [];
  for (const { name } of anchorsOf(binding)) {
    const rows = await visibleOf(asker, name, `from fsp.${name} c ${from} where ${where} ${rest}`, values);
    const kept = await Promise.all(rows.map((row) => !entered || isEntered(asker, name, row)));
    found.push(...rows.filter((_, index) => kept[index]).map((row) => ({ ...row, __typename: type, __table: name })));
  }
  return found;
}

/** A row as `p` in a query, given the place of its value among the parameters. */
function asParent(row: Row, table: PgTable | undefined, beside: Row | undefined): { from: string; value: unknown } {
  const { anchor } = bindingOf(row.__typename);
  if (table && beside) return { from: `fsp.${classOf(table).name} p on ${isAt(classOf(table).name, 'p', '$1')}`, value: beside[PLACE] };
  if (typeof anchor === 'string') return { from: `(select $1::bigint as ${anchor}) p on true`, value: row[anchor] };
  const name = row.__table ?? classOf([anchor].flat()[0] as PgTable).name;
  return { from: `fsp.${name} p on ${isAt(name, 'p', '$1')}`, value: row[PLACE] };
}

const keyText = ({ keys, descending }: Order, side: (table: PgTable) => string) =>
  `order by ${keys.map(({ column: name, table }) => `${table ? side(table) : 'c'}."${name}"${descending ? ' desc' : ''}`).join(', ')}`;

/** Rows of a type in an order, of which a key may stand beside them: who may not see that takes no part. */
async function inOrder(
  asker: Asker,
  type: string,
  order: Order | undefined,
  where: string,
  values: unknown[],
  entered: boolean,
  parent = '',
): Promise<Row[]> {
  const binding = bindingOf(type);
  const sides = (order?.keys ?? []).flatMap(({ table }) => (table ? [table] : []));
  const keyOf = (table: PgTable) => (binding.sides as [PgTable, PgColumn][]).find(([side]) => side === table)?.[1].name as string;
  const joins = sides
    .map((table, i) => `join fsp.${classOf(table).name} s${i} on s${i}.${keyOf(table)} = c.${binding.id ?? 'id'}`)
    .join(' ');
  const rest = order ? keyText(order, (table) => `s${sides.indexOf(table)}`) : '';
  const rows = await rowsOfType(asker, type, where, values, rest, entered, `${joins} ${parent}`);
  const shown = await Promise.all(
    rows.map(async (row) => {
      const beside = await Promise.all(
        sides.map((table) => visible(asker, classOf(table).name, `${keyOf(table)} = $1`, [row[binding.id ?? 'id']])),
      );
      return beside.every((found) => found.length > 0);
    }),
  );
  const kept = rows.filter((_, index) => shown[index]);
  // Each of several tables came in its own order.
  if (anchorsOf(binding).length < 2 || !order) return kept;
  const compare = (a: Row, b: Row) => order.keys.reduce((found, { column: name }) => found || Number(BigInt(a[name]) - BigInt(b[name])), 0);
  return [...kept].sort(compare);
}

/**
 * SQL that reads other tables through `sub`, with the rows that the asker sees of them in their place: what they are is
 * asked first.
 */
async function withSub(asker: Asker, write: (sub: Subquery) => string): Promise<string> {
  const read = new Set<PgTable>();
  write((table, name) => {
    read.add(table);
    return `from fsp.${classOf(table).name} ${name} where true`;
  });
  const seen = new Map<PgTable, string[]>();
  for (const table of read)
    seen.set(
      table,
      (await visible(asker, classOf(table).name, 'true', [])).map((row) => row[PLACE]),
    );
  return write((table, name) => {
    const places = seen.get(table) as string[];
    if (places.length > 0) return `from fsp.${classOf(table).name} ${name} where ${isAmong(classOf(table).name, name, places)}`;
    const none = (Object.values(getTableColumns(table)) as PgColumn[]).map((c) => `null::${c.getSQLType()} as "${c.name}"`).join(', ');
    return `from (select ${none}) ${name} where false`;
  });
}

const plain = (value: unknown) => (value instanceof Date ? value.toISOString() : (value ?? null));

/** A field by its binding. */
async function bound(row: Row, asker: Asker, args: Row, field: string): Promise<unknown> {
  const type = row.__typename as string;
  const binding = bindingOf(type);
  if (field === 'id') return encodeId(type, row[binding.id as string]);
  const found = binding.fields[field];
  if (!found) throw new Error(`${type}.${field} has no binding.`);
  const table = fieldTable(found);
  const isBeside = besideOf(type, field) !== undefined;
  const holder = isBeside ? await rowBeside(asker, row, field) : row;
  if (found.kind === 'column') return plain(holder?.[found.column.name]);
  if (found.kind === 'code') return codeOf(asker, found.list, holder?.[found.column.name] ?? null);
  if (found.kind === 'computed') {
    if (!holder) return null;
    const sql = await withSub(asker, (sub) => found.sql('c', sub));
    const { value } = await ofRow(asker, classOf(found.table).name, holder, `(${sql}) as value`);
    return plain(value);
  }
  if (found.kind === 'union') return page(await stream(asker, found, args, row), args);
  if (isBeside && !holder) return null;
  const { from, value } = asParent(row, table, isBeside ? holder : undefined);
  const { among } = found;
  const values: unknown[] = [value];
  const wheres = [found.on('p', 'c'), ...(among ? [await withSub(asker, (sub) => among('c', sub, 'p'))] : [])];
  for (const [path, filter] of Object.entries(found.filters ?? {})) {
    if (at(args, path) != null) wheres.push(await filterText(asker, filter, at(args, path), values));
  }
  const rows = await inOrder(asker, found.to, found.order, wheres.join(' and '), values, false, `join ${from}`);
  if (found.kind === 'one') return rows[0] ?? null;
  return found.kind === 'page' ? page(rows, args) : rows;
}

/** The types of a stream that are asked for. */
const chosenMembers = (of: Stream, args: Row): Member[] =>
  membersOf(BINDINGS, of).filter(
    ({ type }) => args.types == null || args.types.some((name: string) => name.replaceAll('_', '').toLowerCase() === type.toLowerCase()),
  );

/** The rows of a stream: gathered, sorted, cut to the days. */
async function stream(asker: Asker, of: Stream & Partial<Pick<UnionField, 'on' | 'since'>>, args: Row, parent: Row | null): Promise<Row[]> {
  const all: { moment: string; type: string; id: bigint; row: Row }[] = [];
  const given = membersOf(BINDINGS, of)
    .flatMap(({ filters }) => Object.keys(filters ?? {}))
    .filter((path) => at(args, path) != null);
  const { since } = of;
  const sinceDay =
    parent && since && args[since.argument]
      ? (
          await asker.query(
            `select (${await withSub(asker, (sub) => since.day('p', sub))})::text as day from (select $1::bigint as family) p`,
            [parent.family],
          )
        )[0]?.day
      : null;
  for (const member of chosenMembers(of, args)) {
    const { type, at: when, filters = {}, on = of.on } = member;
    if (!given.every((path) => filters[path])) continue;
    const binding = bindingOf(type);
    const values: unknown[] = [];
    const up = parent && asParent(parent, undefined, undefined);
    if (up) values.push(up.value);
    const wheres = up ? [(on as On)('p', 'c')] : ['true'];
    for (const path of new Set(given)) wheres.push(await filterText(asker, filters[path] as RootFilter, at(args, path), values));
    const rows = await rowsOfType(asker, type, wheres.join(' and '), values, '', parent === null, up ? `join ${up.from}` : '');
    for (const row of rows) {
      const side = binding.sides?.find(([table]) => table === when.table);
      const holder = side ? (await visible(asker, classOf(side[0]).name, `${side[1].name} = $1`, [row[binding.id as string]]))[0] : row;
      const value = holder?.[when.name];
      if (value == null) continue;
      const moment = value instanceof Date ? value.toISOString() : `${value}T00:00:00.000Z`;
      if (sinceDay != null && moment.slice(0, 10) < sinceDay) continue;
      if (args.from != null && moment.slice(0, 10) < args.from) continue;
      if (args.to != null && moment.slice(0, 10) > args.to) continue;
      all.push({ moment, type, id: BigInt(row[binding.id as string]), row });
    }
  }
  const way = of.descending ? -1 : 1;
  const compare = <T>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);
  all.sort((a, b) => way * (compare(a.moment, b.moment) || compare(a.type, b.type) || compare(a.id, b.id)));
  return all.map(({ row }) => row);
}

const at = (values: Row, path: string) => path.split('.').reduce<any>((value, key) => value?.[key], values);

/** A filter's predicate on `c`; its value joins the parameters. */
async function filterText(asker: Asker, { decode, type, where }: RootFilter, value: unknown, values: unknown[]): Promise<string> {
  const id = decode === 'id' ? decodeId(String(value)) : null;
  values.push(id ? (id.type === type ? id.key : null) : decode === 'json' ? JSON.stringify(value) : String(value));
  return withSub(asker, (sub) => where('c', decode === 'id' ? `$${values.length}` : `$${values.length}::text`, sub));
}

/** A root by its binding. */
async function boundRoot(asker: Asker, field: string, args: Row): Promise<unknown> {
  const root = ROOTS.get(field) as RootBinding;
  if (root.kind === 'union') return page(await stream(asker, root, args, null), args);
  const values: unknown[] = [];
  const wheres: string[] = ['true'];
  if (root.kind === 'entity') {
    for (const match of root.match(args)) wheres.push(await filterText(asker, match, at(args, match.path.join('.')), values));
    return (await rowsOfType(asker, root.to, wheres.join(' and '), values, '', true))[0] ?? null;
  }
  if (root.kind === 'page' && root.standing) wheres.push(root.standing('c'));
  for (const [path, filter] of Object.entries(root.filters)) {
    if (at(args, path) != null) wheres.push(await filterText(asker, filter, at(args, path), values));
  }
  const rows = await inOrder(asker, root.to, root.kind === 'page' ? root.order(args) : root.order, wheres.join(' and '), values, true);
  return root.kind === 'page' ? page(rows, args) : rows;
}

/** All families of a list, in its order. Rows that withhold what is filtered or ordered by take no part. */
async function families(asker: Asker, args: Row): Promise<Row[]> {
  const ids =
    args.orderBy === 'NAME'
      ? await visible(asker, 'family_name', 'true order by name, family', [])
      : await asker.query('select family from fsp.family_grant where period @> now() order by family');
  const found = present(await Promise.all(ids.map((each) => family(asker, each.family))));
  const kept = await Promise.all(found.map((each) => inFilter(asker, each.family, args.filter ?? {})));
  return found.filter((_, index) => kept[index]);
}

async function inFilter(asker: Asker, of: string, { stage, district: within, team }: Row): Promise<boolean> {
  if (stage != null && (await visible(asker, 'family_stage', 'family = $1 and stage = $2', [of, stage])).length === 0) return false;
  if (within != null) {
    const home = `family = $1 and district = $2 and "from" <= current_date and (until is null or until > current_date)`;
    if ((await visible(asker, 'household', home, [of, within])).length === 0) return false;
  }
  if (team == null) return true;
  const { type, key } = decodeId(team);
  if (type !== 'Organisation' || (await organisation(asker, Number(key)))?.agency !== 'TEAM') return false;
  return (await visible(asker, 'involvement', `family = $1 and organisation = $2 and ${RUNNING}`, [of, key])).length > 0;
}

// ---------------------------------------------------------------------------------------------------------------
// What is withheld

const { schema, classes } = productSchema();
for (const type of Object.values(schema.getTypeMap())) if (isAbstractType(type)) type.resolveType = (row) => (row as Row).__typename;

/** The class that an object's own row proves: who sees the row sees that class here. */
const PROVES: Record<string, PersonalClass> = {
  FamilyMember: 'FAMILY',
  Household: 'WHEREABOUTS',
  HouseholdMember: 'WHEREABOUTS',
  Involvement: 'INVOLVEMENT',
  Plan: 'CASE',
  PlanReview: 'CASE',
  WorkbookEntry: 'WORKBOOK',
  WorkbookReading: 'WORKBOOK',
  ChildWords: 'CHILD_VOICE',
  ParentWords: 'ADULT_VOICE',
  Intervention: 'INVOLVEMENT',
  ServiceOffer: 'OFFER',
  Clock: 'CASE',
  Task: 'WORKBOOK',
};

/** Whether an object's own row is of a class. */
const isProved = (type: string, dataClass: DataClass) =>
  PROVES[type] === dataClass || anchorsOf(bindingOf(type)).some((table) => table.dataClass === dataClass);

async function grantsOf(asker: Asker, row: Row): Promise<{ family: Row | undefined; person: Row | undefined; whole: boolean }> {
  const ofFamily = row.family ? await familyGrant(asker, row.family) : undefined;
  const ofPerson = row.person ? await personGrant(asker, row.person) : undefined;
  // A row about a person in a family needs both grants.
  return { family: ofFamily, person: ofPerson, whole: row.family !== null && !(row.family && !ofFamily) && !(row.person && !ofPerson) };
}

async function isOpened(asker: Asker, row: Row, dataClass: PersonalClass): Promise<boolean> {
  // What names no family, or none yet, is its own organisations' alone, with all that belongs to it.
  if (isBetween(row) || row.family === null) return true;
  const grants = await grantsOf(asker, row);
  return grants.whole && covers(opened(asker, grants.family, grants.person), bit(dataClass));
}

async function decisionWithholds(asker: Asker, row: Row, dataClass: PersonalClass): Promise<boolean> {
  const { family: ofFamily, person: ofPerson, whole } = await grantsOf(asker, row);
  const masks = [ofFamily?.withheld, ofPerson?.withheld, ofFamily ? 0 : ofPerson?.family_withheld];
  return whole && masks.some((mask) => (BigInt(mask ?? 0) & bit(dataClass)) !== 0n);
}

/** Why a field of this object is withheld; null where it is not. */
async function whyWithheld(asker: Asker, row: Row, field: string): Promise<string | null> {
  const type = row.__typename as string;
  const dataClass = classes.fieldClass(type, field);
  const open = opening(asker, dataClass);
  if (!isPersonal(dataClass) || typeof open === 'object') return null;
  const isBeside = besideOf(type, field) !== undefined;
  const inRow = !BESIDE[type] && bindingOf(type).fields[field];
  if (!isBeside && (isProved(type, dataClass) || (inRow && fieldTable(inRow)))) return null;
  const ownOnly = open === 'own rows';
  const cannotKnow = ownOnly || classes.rowClass(type, field) || !(await isOpened(asker, row, dataClass));
  if (!cannotKnow || (isBeside && (await rowBeside(asker, row, field)))) return null;
  if (asker.agency !== 'LA' && asker.agency !== 'TEAM') return 'NOT_AVAILABLE';
  if (ownOnly || (!isBeside && levelOf(asker, dataClass) === 'O/D')) return 'NOT_OWN';
  return (await decisionWithholds(asker, row, dataClass)) ? 'DECISION_WITHHOLDS' : 'NO_DECISION';
}

async function withheld(asker: Asker, row: Row): Promise<Row[]> {
  const type = schema.getType(row.__typename) as GraphQLObjectType;
  const entries = await Promise.all(
    Object.keys(type.getFields()).map(async (field) => {
      const reason = await whyWithheld(asker, row, field);
      const dataClass = classes.fieldClass(type.name, field) as keyof typeof AGREEMENT;
      return reason && { __typename: 'Withheld', field, class: dataClass, reason, ask: AGREEMENT[dataClass].ask };
    }),
  );
  return entries.filter((entry) => entry !== null) as Row[];
}

/** A list whose rows are of the class that the list has. */
function isListOfItsClass(type: string, field: string): boolean {
  const found = BINDINGS.get(type)?.fields[field];
  if (!found || (found.kind !== 'list' && found.kind !== 'page')) return false;
  const { anchor } = bindingOf(found.to);
  return typeof anchor !== 'string' && !Array.isArray(anchor) && classOf(anchor).dataClass === classes.fieldClass(type, field);
}

/** A list of which nothing may be seen is null; one that is cut to own rows stays a list. */
async function isWholeListClosed(asker: Asker, row: Row, field: string): Promise<boolean> {
  const dataClass = classes.fieldClass(row.__typename, field);
  if (!isPersonal(dataClass) || isProved(row.__typename, dataClass)) return false;
  if (opening(asker, dataClass) !== 'in full' || levelOf(asker, dataClass) === 'O/D') return false;
  return !(await isOpened(asker, row, dataClass));
}

// ---------------------------------------------------------------------------------------------------------------
// Refusals: once for each response path, also where no row comes

/** The types that a root may give. */
function typesOfRoot(name: string): string[] {
  const root = ROOTS.get(name);
  return !root ? [] : root.kind === 'union' ? membersOf(BINDINGS, root).map(({ type }) => type) : [root.to];
}

function refusals(asker: Asker, document: DocumentNode, operation: OperationDefinitionNode, variables: Row): Refused[] {
  const fragments = Object.fromEntries(
    document.definitions.filter((d): d is FragmentDefinitionNode => d.kind === Kind.FRAGMENT_DEFINITION).map((d) => [d.name.value, d]),
  );
  const refused: Refused[] = [];

  const walk = (type: GraphQLObjectType, fields: ReadonlyMap<string, readonly FieldNode[]>, above: string, among: string[] = []) => {
    for (const [key, nodes] of fields) {
      const node = nodes[0] as FieldNode;
      const name = node.name.value;
      if (name === '__typename' || name === 'viewer' || name === 'sharingMatrix') continue;
      const at = above ? `${above}.${key}` : key;
      const args = getArgumentValues(type.getFields()[name] as never, node, variables);
      const found = refusedHere(asker, type, name, args, at);
      refused.push(...found);
      if (found.length > 0) continue;
      const to = name === 'node' && type.name === 'Query' ? nodeType(asker, args.id as string) : getNamedType(type.getFields()[name]?.type);
      // Below a connection of several types: those that were chosen.
      const of = type.name === 'Query' ? ROOTS.get(name) : BINDINGS.get(type.name)?.fields[name];
      const members = of?.kind === 'union' ? chosenMembers(of, args).map((member) => member.type) : among;
      const possible = isObjectType(to)
        ? [to]
        : isAbstractType(to)
          ? members.map((member) => schema.getType(member) as GraphQLObjectType)
          : [];
      for (const each of possible) walk(each, collectSubfields(schema, fragments, variables, each, nodes), at, members);
    }
  };
  const query = schema.getQueryType() as GraphQLObjectType;
  walk(query, collectFields(schema, fragments, variables, query, operation.selectionSet), '');
  return refused;
}

function nodeType(asker: Asker, text: string) {
  const { type } = decodeId(text);
  return nodeOpen(asker, type) ? schema.getType(type) : undefined;
}

function refusedHere(asker: Asker, type: GraphQLObjectType, name: string, args: Row, at: string): Refused[] {
  const field = `${type.name}.${name}`;
  const own = opening(asker, classes.fieldClass(type.name, name));
  if (typeof own === 'object') return [{ field, reason: own.closed, at }];
  if (!openTo(schema, classes, asker.agency).field(type.name, name)) return [{ field, reason: 'NOT_SHARED_WITH_AGENCY', at }];
  if (type.name !== 'Query') return [];
  const types = typesOfRoot(name);
  const ofPeople = types.some(isOfPeople);
  const closedArguments = refusedArguments(asker, name, args).map((found) => ({ ...found, field: `${field}(${found.field})`, at }));
  if (closedArguments.length > 0 || !ofPeople) return closedArguments;
  if (onePersonOnly(asker)) return [{ field, reason: 'NOT_FOR_THIS_PURPOSE', at }];
  if (!nothingOpen(asker) || !types.every(isOfPeople)) return [];
  const names = opening(asker, 'IDENTITY') as { closed: string };
  return [{ field, reason: names.closed, at }];
}

/** Filters and sort keys have the class of the field that they name. */
function saidByArguments(of: GraphQLObjectType, name: string, args: Row): [string, DataClass][] {
  const found: [string, DataClass][] = [];
  for (const argument of of.getFields()[name]?.args ?? []) {
    const value = args[argument.name];
    if (value == null) continue;
    found.push([argument.name, classes.argumentClass(of.name, name, argument.name)]);
    const type = getNamedType(argument.type);
    if (!isInputObjectType(type)) continue;
    for (const [inner, given] of Object.entries(value)) {
      if (given != null) found.push([`${argument.name}.${inner}`, classes.inputClass((type as GraphQLInputObjectType).name, inner)]);
    }
  }
  const root = of.name === 'Query' ? ROOTS.get(name) : undefined;
  if (root?.kind === 'page') for (const { table } of root.order(args).keys) if (table) found.push(['orderBy', classOf(table).dataClass]);
  return found;
}

/** What rows are chosen or sorted by may be withheld for some of them, but for what the rows themselves are. */
function coverageOf({ parentType, fieldName, returnType }: GraphQLResolveInfo, args: Row): string {
  const connection = getNamedType(returnType) as GraphQLObjectType;
  const { anchor } = BINDINGS.get(String(getNamedType(connection.getFields().nodes?.type))) ?? {};
  const own = typeof anchor === 'object' ? [anchor].flat().map((table) => classOf(table as never).dataClass) : [];
  return saidByArguments(parentType, fieldName, args).some(([, said]) => isPersonal(said) && !own.includes(said)) ? 'WHERE_SHARED' : 'ALL';
}

function refusedArguments(asker: Asker, name: string, args: Row): { field: string; reason: string }[] {
  return saidByArguments(schema.getQueryType() as GraphQLObjectType, name, args).flatMap(([field, dataClass]) => {
    const open = opening(asker, dataClass);
    return typeof open === 'object' ? [{ field, reason: open.closed }] : [];
  });
}

// ---------------------------------------------------------------------------------------------------------------
// Execution

/** To whom what stands below an object is handed on. */
function handedOn(row: Row | undefined): string[][] {
  const column = BINDINGS.get(row?.__typename)?.shownTo;
  return [...((row?.[HANDED] as string[][] | undefined) ?? []), ...(column ? [(row as Row)[column.name] as string[]] : [])];
}

const HANDED = '@handed';

/** Says it of objects, lists and connections. */
function tag(value: unknown, handed: string[][]): void {
  if (Array.isArray(value)) for (const each of value) tag(each, handed);
  else if (value && typeof value === 'object' && !(HANDED in value)) {
    Object.assign(value, { [HANDED]: handed });
    const { nodes, edges, node } = value as Row;
    for (const each of [nodes, edges, node]) tag(each, handed);
  }
}

const pathOf = ({ path }: GraphQLResolveInfo): string => {
  const keys: string[] = [];
  for (let at: GraphQLResolveInfo['path'] | undefined = path; at; at = at.prev) if (typeof at.key === 'string') keys.unshift(at.key);
  return keys.join('.');
};

/** Lists, and the first of a list. */
function isOfList(type: string, field: string): boolean {
  const found = BINDINGS.get(type)?.fields[field];
  return found !== undefined && (found.kind === 'list' || found.kind === 'page' || (found.kind === 'one' && found.first === true));
}

/** `shown`: families and persons in the answer, as `f12` and `p34`: of every object, and of every row that a cursor tells of. */
export type Answered = { data: Row; refused: Refused[]; shown: Set<string> };

/** The product's schema, for documents to be made and validated with. */
export { schema };

/** Answers a document as the API should. The cursors in it are `CURSOR`. */
export async function answer(asker: Asker, document: DocumentNode, given: Row): Promise<Answered> {
  const operation = document.definitions.find(
    (d): d is OperationDefinitionNode => d.kind === Kind.OPERATION_DEFINITION,
  ) as OperationDefinitionNode;
  const { coerced, errors: faults } = getVariableValues(schema, operation.variableDefinitions ?? [], given);
  if (faults) throw faults[0];
  const refused = refusals(asker, document, operation, coerced as Row);
  const closed = new Set(refused.map(({ at, field }) => `${at} ${field.split('.')[0]}`));
  const shown = new Set<string>();
  const note = (value: unknown): void => {
    if (Array.isArray(value)) for (const each of value) note(each);
    const { __typename, node, family: ofFamily, person: ofPerson } = (value ?? {}) as Row;
    if (node) note(node);
    if (!__typename || !isOfPeople(__typename)) return;
    if (ofFamily) shown.add(`f${ofFamily}`);
    if (ofPerson) shown.add(`p${ofPerson}`);
  };
  const resolve = async (source: unknown, args: Row, info: GraphQLResolveInfo): Promise<unknown> => {
    const row = source as Row;
    const handed = handedOn(row);
    const found = await resolved(row, handed.length > 0 ? { ...asker, shownTo: handed } : asker, args, info);
    if (handed.length > 0) tag(found, handed);
    return found;
  };
  const resolved = async (row: Row, asker: Asker, args: Row, info: GraphQLResolveInfo): Promise<unknown> => {
    const { fieldName: field } = info;
    if (closed.has(`${pathOf(info)} ${info.parentType.name}`)) return null;
    if (field === 'withheld') return withheld(asker, row);
    const type = info.parentType.name;
    const value = (given: Row) => {
      const resolver = RESOLVERS[type]?.[field];
      if (resolver) return resolver(row, asker, given, field);
      if (type === 'Query' && ROOTS.has(field)) return boundRoot(asker, field, given);
      // Of a type that is written out here, what has its column's name is read as it is.
      const isWritten = RESOLVERS[type] !== undefined && field in (row ?? {});
      return BINDINGS.has(type) && !isWritten ? bound(row, asker, given, field) : row[field];
    };
    if (row?.__typename && isOfList(row.__typename, field) && (await isWholeListClosed(asker, row, field))) {
      // Of a closed class single rows may show all the same: the organisation's own, and what was decided of one person.
      const whole = (isListOfItsClass(type, field) ? await value({ first: 1 }) : []) as Row[] | { nodes: Row[] } | null;
      if (((Array.isArray(whole) ? whole : whole?.nodes) ?? []).length === 0) return null;
    }
    return value(args);
  };
  const result = await execute({
    schema,
    document,
    variableValues: given,
    contextValue: { client: clientOf(asker) },
    fieldResolver: async (source, args, _context, info) => {
      const value = await resolve(source, args, info);
      const { totalCount } = (value ?? {}) as Row;
      if (totalCount) totalCount.coverage = coverageOf(info, args);
      note(info.parentType.name === 'PageInfo' && info.fieldName.endsWith('Cursor') ? (source as Row).of : value);
      return value;
    },
  });
  if (result.errors) throw result.errors[0];
  return { data: JSON.parse(JSON.stringify(result.data)), refused, shown };
}

/** What `viewer` says is the product's own; here it need only be told who asks. */
const clientOf = (asker: Asker) => ({ ...asker, id: asker.client });
