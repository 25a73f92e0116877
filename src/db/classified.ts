/**
 * Tables that know what kind of data they hold. A table has one class: it holds keys and the columns of that class,
 * so that a cell which may not be seen is a row which row-level security does not give.
 */
import { bigint, getTableConfig, integer, type PgTable, pgSchema, timestamp } from 'drizzle-orm/pg-core';
import type { ActName, Purpose } from '../access/agreement.ts';
import { type DataClass, isPersonal } from '../access/classes.ts';

/** Everything of the product lives in one schema of the database. */
export const fsp = pgSchema('fsp');

/** `column` names an organisation whose a row is only as long as the row of `table` that `key` names is in none of the states `over`. */
export type Standing = { column: string; table: string; key: string; over: readonly string[] };

/** SQL that a row (by its alias) is an organisation's as `Standing` says; `fsp.<table>_stands` is asked, for the organisation need not read that table. */
export const standing = ({ column, table, key }: Standing, alias: string, organisation: string): string =>
  `(${alias}.${column} = ${organisation} and fsp.${table}_stands(${alias}.${key}))`;

/** How a row comes to be an organisation's own. */
export type Own = {
  /** Columns that name an organisation: a row is own where one of them is the asking organisation. */
  columns: string[];
  /** A column that names whose a row is only while the row that it belongs to stands; `through` asks it by `standing`. */
  standing?: Standing;
  /** SQL for a row (by its alias) that is own through another table, `$org` standing for the organisation. */
  through?: (alias: string, organisation: string) => string;
  /** The column that names the user the row belongs to (its writer, or whom it was given to). */
  user?: string;
  /** A row that names no user yet is any user's of the organisation: somebody has to take it up. */
  unassigned?: true;
  /** SQL for a row (by its alias) that is a user's through another table: a meeting is of those who attended. */
  userThrough?: (alias: string, user: string) => string;
  /** It tells of others, to whom it is sent: where whereabouts are protected it is as closed as what others wrote. */
  ofOthers?: true;
  /** SQL for the families (`family`) that a row between organisations has turned out to be about. */
  families?: (alias: string) => string;
};

export type TableClass = {
  table: PgTable;
  name: string;
  dataClass: DataClass;
  /** Column that names the family the row belongs to. */
  family?: string;
  /** Rows may name no family yet: until they do, they are their own organisations' alone. */
  familyOptional?: boolean;
  /** Column that names the person the row is about. */
  person?: string;
  /** Column that names a second person, who must be seen as well: a row about both tells those who see one of the other. */
  other?: string;
  /** Rows may name no person: then the family's grant alone opens them. */
  personOptional?: boolean;
  /** Column with the mask of further classes that the row needs. */
  rowMask?: string;
  /** Column with the persons whom the row is kept from. */
  keptFrom?: string;
  own?: Own;
  /** SQL for the persons a row without a person column is about (a household's members). */
  people?: (alias: string) => string;
  /** Column with the organisation that writes the row. */
  writer: string;
  /** No login writes it, whoever writes its class: who sees a family follows from it. */
  sealed: boolean;
  /** Acts of the agreement that write the table besides the writers of its class. */
  acts: ActName[];
  /** Acts that change rows of the table and make none. */
  amendingActs: ActName[];
  /** Columns that name the organisations which may change the row; `through`: also those to which it is own through another. */
  amendedBy: string[];
  amendedThrough: boolean;
  /** The columns that they may change, where it is not every one. The database counts the version. */
  amendedColumns?: readonly string[];
  /** Whether organisations to which the row would be own through another may write it, also where no grant opens the family. */
  writtenThrough: boolean;
  /** Column with the key of a directory row (`service`, `programme`) whose data class the row's mask is. */
  rowClassOf?: string;
  /** Nobody sees a row but whose own it is and the county, whatever the agreement gives others of its class. */
  ownOnly: boolean;
  /** The purposes under which its rows are there at all, where they are there under some alone. */
  purposes?: readonly Purpose[];
  /** Its readers are given its columns and not PostgreSQL's own, which say in which transaction a row was written, and so beside which others. */
  blind: boolean;
  /** The county has a row of its own although no decision opens the row's class, of which the agreement gives it own rows. */
  ownRows: boolean;
};

/** Whether rows name neither family nor person: they are seen by the organisations that they name, and by nobody else. */
export const isBetweenOrganisations = (table: TableClass): boolean => !table.family && !table.person && isPersonal(table.dataClass);

const registry = new Map<PgTable, TableClass>();

/** Columns that every table may carry, whatever its class: keys, who controls the row, its version, its times. */
export const STRUCTURE_COLUMNS = new Set([
  'id',
  'family',
  'person',
  'controller',
  'worker',
  'version',
  'created_at',
  'updated_at',
  'row_mask',
  'kept_from',
]);

export type ClassifyOptions = {
  own?: Own;
  family?: string;
  person?: string;
  other?: string;
  people?: (alias: string) => string;
  writer?: string;
  sealed?: boolean;
  acts?: ActName[];
  amendingActs?: ActName[];
  amendedBy?: string[];
  amendedThrough?: boolean;
  amendedColumns?: readonly string[];
  writtenThrough?: boolean;
  rowClassOf?: string;
  ownRows?: boolean;
  ownOnly?: boolean;
  blind?: boolean;
  purposes?: readonly Purpose[];
};

/**
 * Registers a table's class. Which keys it carries is read from its columns: `family`, `person`, `row_mask`,
 * `kept_from`, `controller` mean the same in every table.
 */
export function classify<T extends PgTable>(table: T, dataClass: DataClass, options: ClassifyOptions = {}): T {
  const config = getTableConfig(table);
  const has = (name: string) => config.columns.some((column) => column.name === name);
  const named = has('family') || has('person');
  const own = options.own ?? (has('controller') && (has('family') || !named) ? { columns: ['controller'] } : undefined);
  const entry: TableClass = {
    table,
    name: config.name,
    dataClass,
    writer: options.writer ?? 'controller',
    sealed: options.sealed ?? false,
    acts: options.acts ?? [],
    amendingActs: options.amendingActs ?? [],
    amendedBy: options.amendedBy ?? ['controller'],
    amendedThrough: options.amendedThrough ?? false,
    ownRows: options.ownRows ?? false,
    ownOnly: options.ownOnly ?? false,
    blind: options.blind ?? false,
    writtenThrough: options.writtenThrough ?? false,
  };
  if (options.amendedColumns) entry.amendedColumns = options.amendedColumns;
  if (options.rowClassOf) entry.rowClassOf = options.rowClassOf;
  const family = options.family ?? (has('family') ? 'family' : undefined);
  const person = options.person ?? (has('person') ? 'person' : undefined);
  if (family) {
    entry.family = family;
    if (config.columns.some((column) => column.name === family && !column.notNull && !column.primary)) entry.familyOptional = true;
  }
  if (person) {
    entry.person = person;
    if (family && config.columns.some((column) => column.name === person && !column.notNull)) entry.personOptional = true;
  }
  if (options.other) entry.other = options.other;
  if (options.purposes) entry.purposes = options.purposes;
  if (options.people) entry.people = options.people;
  if (has('row_mask')) entry.rowMask = 'row_mask';
  if (has('kept_from')) entry.keptFrom = 'kept_from';
  if (own) entry.own = own.user || own.userThrough || !has('worker') ? own : { ...own, user: 'worker' };
  registry.set(table, entry);
  return table;
}

/** The class of a table; throws for a table that nobody classified. */
export function classOf(table: PgTable): TableClass {
  const entry = registry.get(table);
  if (!entry) throw new Error(`Table ${getTableConfig(table).name} has no data class.`);
  return entry;
}

/** All classified tables, in the order in which they were declared. */
export function classifiedTables(): TableClass[] {
  return [...registry.values()];
}

/** A bigint primary key. */
export const id = () => bigint('id', { mode: 'number' }).primaryKey().generatedByDefaultAsIdentity();

/** A bigint key column. */
export const key = (name: string) => bigint(name, { mode: 'number' });

/** A timestamp with time zone; the API speaks of it in UTC milliseconds. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });

/** When a row was written and last changed, by the database's clock. */
export const times = () => ({
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
});

/** Optimistic concurrency: counts the changes of a row. */
export const version = () => integer('version').notNull().default(1);
