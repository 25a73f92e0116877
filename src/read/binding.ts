/** The vocabulary in which a module says how its GraphQL types are read from its tables. */
import { getTableColumns } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';

export type SortKey = {
  column: string;
  type: 'bigint' | 'integer' | 'text' | 'date' | 'timestamptz';
  table?: PgTable;
  /** What it is sorted by, where that is no column; `value` gives an argument of the field, by its dotted path, as JSON text. */
  sql?: (row: string, value: (path: string) => string) => string;
};

/** How rows of a list stand; all keys in the same direction, the last one unique, none ever null. */
export type Order = { keys: SortKey[]; descending?: boolean };

/** A column of the type's own table or of one of its side tables. */
export type ColumnField = { kind: 'column'; column: PgColumn };

/** A value of a code list, shown with its label, version and source. */
export type CodeField = { kind: 'code'; column: PgColumn; list: string };

/** Join of a relation: SQL from the parent's alias and the child's. */
export type On = (parent: string, child: string) => string;

export type RelationField = {
  kind: 'one' | 'list' | 'page';
  to: string;
  on: On;
  /** Table whose row the join reads, where it is a side table of the parent. */
  from?: PgTable;
  order?: Order;
  /** A further predicate on the child's row, that may ask other tables, under the plan's rules. */
  among?: (child: string, sub: Subquery, parent: string) => string;
  /** One row of several: the first by `order`. */
  first?: boolean;
  /** Of a list or page: arguments of the field by dotted path that choose among its rows. */
  filters?: Record<string, RootFilter>;
  /** Of a list: how many rows its arguments ask for. @throws PublicError where they ask for what is not to be had. */
  rows?: (args: Record<string, unknown>) => number;
  /** Column of the parent's row that is the child's key. */
  column?: string;
  /** Columns of the parent that already name the child's family or person: the child adds nothing to the disclosure. */
  sameFamily?: boolean;
  samePerson?: boolean;
};

/**
 * A scalar that SQL works out from a row of one table, and is of that table's class. What it reads of other tables it
 * reads through `sub`, under their own rules.
 */
export type ComputedField = { kind: 'computed'; table: PgTable; sql: (row: string, sub: Subquery) => string; type: string };

/** A type of a union or interface whose rows take part in a stream. */
export type Member = {
  type: string;
  /** When it happened, or is due: a date (the midnight, UTC, that it begins with) or a moment; a row without it takes no part. */
  at: PgColumn;
  /** Arguments of the field by dotted path; where one is given that a member does not know, it takes no part. */
  filters?: Record<string, RootFilter>;
  /** How its rows belong to the parent, where they do otherwise than the stream says. */
  on?: On;
};

/**
 * A connection of the rows of several types in one order: by their moment, the type's name and the id. It knows the
 * arguments `types` (an enum of the members' names, `WORKBOOK_ENTRY`), `from` and `to` (days, both included).
 */
export type Stream = {
  kind: 'union';
  /** The union or interface. */
  to: string;
  /** `events`: every type whose binding says `event`. */
  members: Member[] | 'events';
  descending?: boolean;
};

export type UnionField = Stream & {
  on: On;
  sameFamily?: boolean;
  samePerson?: boolean;
  from?: PgTable;
  /** An argument that, where it is true, leaves out what was before a day of the parent's; null: from the beginning. */
  since?: { argument: string; day: (parent: string, sub: Subquery) => string };
};

export type FieldBinding = ColumnField | CodeField | ComputedField | RelationField | UnionField;

/** The table whose row a field's value stands in, or whose row its join reads. */
export const fieldTable = (field: FieldBinding): PgTable | undefined =>
  field.kind === 'column' || field.kind === 'code' ? tableOf(field.column) : field.kind === 'computed' ? field.table : field.from;

export type Binding = {
  type: string;
  /**
   * Where its rows come from. `family` and `person` are entered through their grants; several tables (all with the
   * same columns) are read as one.
   */
  anchor: 'family' | 'person' | PgTable | PgTable[];
  /** The column that is the id of `node(id)`; absent for a type without an id of its own. */
  id?: string;
  /** Other tables with at most one row for each row of the anchor: table and its column that equals the anchor's key. */
  sides?: [PgTable, PgColumn][];
  /**
   * The column with the persons to whom what stands below an object is handed on: at any depth, rows that are kept from
   * all of them are not there. Empty: nothing more is held back than from the reader.
   */
  shownTo?: PgColumn;
  /** Its rows are made from the disclosure record, which is read up before they are read. */
  fresh?: true;
  /** Its place in a family's chronology, where it has one. */
  event?: Omit<Member, 'type' | 'filters'>;
  fields: Record<string, FieldBinding>;
};

/** A list at the root of Query. */
export type RootBinding =
  | Stream
  | { kind: 'entity'; to: string; match: (args: Record<string, unknown>) => RootMatch[] }
  | {
      kind: 'page';
      to: string;
      order: (args: Record<string, unknown>) => Order;
      filters: Record<string, RootFilter>;
      mine?: Mine;
      /** SQL of the rows that are there at all; the others are found by their id alone. */
      standing?: (row: string) => string;
    }
  | { kind: 'list'; to: string; order: Order; filters: Record<string, RootFilter>; mine?: Mine };

/** The columns that name whose a row is: a list of the asking user's own, and of nobody's where there is no user. */
export type Mine = { user: string; organisation: string };

/** An argument that picks the one row: the SQL of the match, given the parameter's SQL. */
export type RootMatch = {
  path: string[];
  decode: 'id' | 'text';
  type?: string;
  where: (alias: string, parameter: string, sub: Subquery) => string;
};

/** Turns a filter's value into a predicate. `sub` gives a class-checked table for a subquery. */
export type RootFilter = {
  /** How the value of the argument (its dotted path: `filter.stage`) comes: `json` is the text of an input object. */
  decode: 'id' | 'text' | 'json';
  type?: string;
  where: (alias: string, parameter: string, sub: Subquery) => string;
};

/** `from` and `where` of a subquery over a table, with the plan's predicates on it. */
export type Subquery = (table: PgTable, alias: string, entered?: boolean) => string;

export const column = (c: PgColumn): ColumnField => ({ kind: 'column', column: c });
export const code = (list: string, c: PgColumn): CodeField => ({ kind: 'code', list, column: c });

/** @param type the SQL type of the value, which is written as a column of that type would be. */
export function computed(
  table: PgTable,
  sql: ComputedField['sql'],
  { type = 'text' }: { type?: 'text' | 'boolean' | 'integer' | 'bigint' | 'numeric' | 'date' | 'timestamptz' | 'json' } = {},
): ComputedField {
  return { kind: 'computed', table, sql, type };
}

/** A relation to the one row whose key is in a column of this row. */
export function one(to: string, c: PgColumn, target: string, extra: Partial<RelationField> = {}): RelationField {
  return {
    kind: 'one',
    to,
    from: c.table as PgTable,
    column: c.name,
    on: (parent, child) => `${child}.${target} = ${parent}.${c.name}`,
    ...extra,
  };
}

/** A plain list of the rows whose column holds this row's key. */
export function list(to: string, c: string, key: string, order: Order, extra: Partial<RelationField> = {}): RelationField {
  return { kind: 'list', to, on: (parent, child) => `${child}.${c} = ${parent}.${key}`, order, ...extra };
}

/** A connection of the rows whose column holds this row's key. */
export function page(to: string, c: string, key: string, order: Order, extra: Partial<RelationField> = {}): RelationField {
  return { ...list(to, c, key, order, extra), kind: 'page' };
}

export const membersOf = (bindings: ReadonlyMap<string, Binding>, { members }: Stream): Member[] =>
  members === 'events' ? [...bindings.values()].flatMap(({ type, event }) => (event ? [{ type, ...event }] : [])) : members;

export const byId: Order = { keys: [{ column: 'id', type: 'bigint' }] };

/** The table a column belongs to. */
export const tableOf = (c: PgColumn): PgTable => c.table as PgTable;

/** A table's columns, in their order. */
export const tableColumns = (table: PgTable): PgColumn[] => Object.values(getTableColumns(table)) as PgColumn[];

/** Names of a table's columns, in their order. */
export const columnNames = (table: PgTable): string[] => tableColumns(table).map(({ name }) => name);
