/** What becomes of a field, from what the rules said of the rows and classes that it is read from. */
import type { GraphQLSchema } from 'graphql';
import { levelOf } from '../../access/agreement.ts';
import { type DataClass, isPersonal, PERSONAL_CLASSES, type PersonalClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { type Access, mayRead } from '../../access/decide.ts';
import { bitOf } from '../../access/masks.ts';
import { openTo } from '../../access/view.ts';
import { classOf, isBetweenOrganisations, type TableClass } from '../../db/classified.ts';
import type { Classified } from '../../graphql/classes.ts';
import { type Binding, fieldTable } from '../../read/binding.ts';
import { isAnchor } from '../../read/select.ts';
import type { Facts, RowPart } from './facts.ts';

export type Catalogue = { schema: GraphQLSchema; classes: Classified; bindings: ReadonlyMap<string, Binding> };

export type Verdict = 'SEEN' | 'OWN_ROWS_ONLY' | 'WITHHELD' | 'NOT_SHARED';

/** From the narrowest to the widest. */
const WIDTH: Verdict[] = ['NOT_SHARED', 'WITHHELD', 'OWN_ROWS_ONLY', 'SEEN'];
const narrowest = (verdicts: Verdict[]): Verdict => WIDTH.find((verdict) => verdicts.includes(verdict)) ?? 'NOT_SHARED';
const widest = (verdicts: Verdict[]): Verdict => WIDTH.findLast((verdict) => verdicts.includes(verdict)) ?? 'NOT_SHARED';

export type FieldVerdict = { verdict: Verdict; alike: boolean };

/** The tables that a type's own row may stand in; none for a family's or person's, which are entered through their grants. */
const anchors = ({ anchor }: Binding): TableClass[] =>
  typeof anchor === 'string' ? [] : (Array.isArray(anchor) ? anchor : [anchor]).map((table) => classOf(table));

/** The table of which a field's value, or the row that leads on from it, is a column beside the type's own row. */
export function sideOf(binding: Binding, field: string): TableClass | null {
  const bound = binding.fields[field];
  const from = bound && fieldTable(bound);
  return from && !isAnchor(binding, from) ? classOf(from) : null;
}

/** The table of a type's own rows and the sides of some fields, each with the column that has a row's key; none of a family or person. */
export function partsOf(binding: Binding, fields: string[]): { whole: RowPart[]; sides: RowPart[] } {
  const { id, sides = [] } = binding;
  const named = new Set(fields.flatMap((field) => sideOf(binding, field)?.table ?? []));
  return {
    whole: id === undefined ? [] : anchors(binding).map((table) => ({ table, key: id })),
    sides: sides.flatMap(([table, column]) => (named.has(table) ? [{ table: classOf(table), key: column.name }] : [])),
  };
}

/** Tables of personal data that a type is read from. */
export function tablesOf(binding: Binding, fields: string[]): TableClass[] {
  const sides = fields.flatMap((field) => sideOf(binding, field) ?? []);
  return [...new Map([...anchors(binding), ...sides].map((table) => [table.name, table])).values()].filter(({ dataClass }) =>
    isPersonal(dataClass),
  );
}

/** Whether a field leads to other rows, or to a row of a table that has a class of its own besides the object's. */
function isGated(binding: Binding, field: string, dataClass: DataClass): boolean {
  const bound = binding.fields[field];
  if (!bound || !isPersonal(dataClass)) return false;
  const from = fieldTable(bound);
  if (from && !isAnchor(binding, from)) return false;
  if (from && (bound.kind === 'column' || bound.kind === 'code' || bound.kind === 'computed')) return false;
  return !anchors(binding).some((table) => table.dataClass === dataClass);
}

/** About whom an object of a type may be: `null` stands for the family as a whole. */
function subjects(binding: Binding, facts: Facts): (string | null)[] {
  if (facts.row) return [facts.row.person];
  const people = facts.members.map(({ person }) => person);
  if (binding.anchor === 'family') return [null];
  if (binding.anchor === 'person') return people;
  const tables = anchors(binding);
  if (tables.every(({ person, personOptional }) => person && !personOptional)) return people;
  return tables.some(({ person }) => person) ? [null, ...people] : [null];
}

/** Whether the request may read a field at all; asked as graphql-shield's rule asks it. */
export function requestOpens({ schema, classes }: Catalogue, asked: Client, type: string, field: string): Access {
  const access = mayRead(asked, classes.fieldClass(type, field));
  if (access.open === false) return access;
  return openTo(schema, classes, asked.agency).field(type, field) ? access : { open: false, reason: 'NOT_SHARED_WITH_AGENCY' };
}

/** Whether the family is there: every rule of entry is met. */
export const isThere = ({ entry }: Facts): boolean => entry.every(({ open }) => open);

export function verdictOf(catalogue: Catalogue, asked: Client, facts: Facts, type: string, field: string): FieldVerdict {
  const binding = catalogue.bindings.get(type) as Binding;
  const dataClass = catalogue.classes.fieldClass(type, field);
  const access = requestOpens(catalogue, asked, type, field);
  const tables = anchors(binding);
  const sure = (verdict: Verdict): FieldVerdict => ({ verdict, alike: true });
  if (access.open === false) return sure('NOT_SHARED');
  if (tables.some((table) => isPersonal(table.dataClass)) && tables.every((table) => mayRead(asked, table.dataClass).open === false))
    return sure('NOT_SHARED');
  const personal =
    typeof binding.anchor === 'string' || tables.some((table) => isPersonal(table.dataClass) || table.dataClass === 'STRUCTURE');
  if (!personal) return sure('SEEN');
  const between = tables.length > 0 && tables.every(isBetweenOrganisations);
  if (!between && !isThere(facts)) return sure('NOT_SHARED');
  const each = subjects(binding, facts).map((person) => of(person));
  return { verdict: widest(each), alike: new Set(each).size < 2 };

  function of(person: string | null): Verdict {
    const member = facts.members.find((one) => one.person === person);
    if (member && !member.there) return 'NOT_SHARED';
    const own = tables.length === 0 ? 'SEEN' : widest(tables.map((table) => rowVerdict(table, person)));
    const side = sideOf(binding, field);
    const parts: Verdict[] = [own];
    if (side && isPersonal(side.dataClass)) parts.push(rowVerdict(side, person));
    if (isGated(binding, field, dataClass)) parts.push(between ? 'SEEN' : classVerdict(person));
    return narrowest(parts);
  }

  /** Of a row of a table: whether others' would be seen, or the organisation's own alone. */
  function rowVerdict(table: TableClass, person: string | null): Verdict {
    if (!isPersonal(table.dataClass)) return 'SEEN';
    const about = table.person ? person : null;
    const seen = (facts.rows.get(table.name) ?? []).filter((row) => row.person === about && row.seen);
    return seen.some(({ mine }) => !mine) ? 'SEEN' : seen.length > 0 ? 'OWN_ROWS_ONLY' : 'WITHHELD';
  }

  /** Of the rows that a field leads to: by the grants behind the object. */
  function classVerdict(person: string | null): Verdict {
    if (access.open === 'own' || access.open === 'own-by-purpose') return 'OWN_ROWS_ONLY';
    const bit = bitOf(dataClass);
    const has = (maskBehind(binding, facts, person) & bit) === bit;
    return has ? 'SEEN' : levelOf(dataClass, asked.agency) === 'O/D' ? 'OWN_ROWS_ONLY' : 'WITHHELD';
  }
}

/** Of which classes a client sees none of these rows, and of which its own alone. `person`: about whom; null: about anybody of the family. */
export function closedClasses(asked: Client, facts: Facts, person: string | null): { closed: PersonalClass[]; ownOnly: PersonalClass[] } {
  const members = facts.members.filter((one) => one.there && (person === null || one.person === person));
  const masks = members.length > 0 ? members.map(({ both }) => both) : [facts.grant?.mask ?? 0n];
  const of = (dataClass: PersonalClass): 'open' | 'own' | 'closed' => {
    const access = mayRead(asked, dataClass);
    if (access.open === false) return 'closed';
    if (access.open !== 'all') return 'own';
    const bit = bitOf(dataClass);
    if (masks.every((mask) => (mask & bit) === bit)) return 'open';
    return levelOf(dataClass, asked.agency) === 'O/D' ? 'own' : 'closed';
  };
  const ways = Map.groupBy(PERSONAL_CLASSES, of);
  return { closed: ways.get('closed') ?? [], ownOnly: ways.get('own') ?? [] };
}

/** The classes that the grants behind an object open. */
function maskBehind(binding: Binding, facts: Facts, person: string | null): bigint {
  const member = facts.members.find((one) => one.person === person);
  if (!member) return facts.grant?.mask ?? 0n;
  const family = binding.anchor !== 'person' && anchors(binding).some((table) => table.family);
  return family ? member.both : member.mask;
}

/** The types whose fields have a verdict: those that are read from rows. */
export function explainedTypes({ bindings }: Catalogue): Binding[] {
  return [...bindings.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}
