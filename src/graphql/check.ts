/** What stops the build and the start: whatever was forgotten, by its name. */

import type { PgTable } from 'drizzle-orm/pg-core';
import {
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { AGREEMENT } from '../access/agreement.ts';
import { type DataClass, isPersonal } from '../access/classes.ts';
import { FED_TYPES } from '../access/fed.ts';
import { inboxTypes } from '../access/inbox.ts';
import { classifiedTables, classOf, STRUCTURE_COLUMNS } from '../db/classified.ts';
import { type Binding, fieldTable, membersOf, type RootBinding, type Stream, tableOf } from '../read/binding.ts';
import { SUBSCRIPTIONS } from '../read/event.ts';
import { FEED_ROOTS } from '../read/feed.ts';
import { enumName } from './classes.ts';
import type { AssembledSchema } from './schema.ts';
import { STATIC_ROOTS } from './statics.ts';

/** Types that the compiler or graphql-js makes without a table of their own. */
const WITHOUT_BINDING = new Set([
  'PageInfo',
  'TotalCount',
  'Withheld',
  'UserError',
  'Viewer',
  'ViewerClass',
  'SharingRule',
  'AccessStep',
  'AccessExplanation',
  'AgencyView',
  'FieldView',
  'FieldChange',
  'DocumentChange',
  'AgreementSimulation',
  'Changes',
  'Change',
  'WorkbookChanges',
  'WorkbookChange',
  'EmergencyFigures',
  'EmergencyCount',
]);

/** Classes whose fields nothing withholds. */
const OPEN: DataClass[] = ['STRUCTURE', 'DIRECTORY', 'MEASURE'];

/**
 * Holds schema, classes, bindings and tables against each other.
 *
 * @returns every fault, in words that name what is missing; empty when all fits.
 */
export function schemaFaults(
  { schema, classes }: AssembledSchema,
  bindings: ReadonlyMap<string, Binding>,
  roots: ReadonlyMap<string, RootBinding>,
  commands: ReadonlyMap<string, unknown>,
): string[] {
  const faults: string[] = [];
  const operationTypes = new Set([schema.getQueryType()?.name, schema.getMutationType()?.name, schema.getSubscriptionType()?.name]);
  for (const { type, field, dataClass } of classes.all) {
    if (dataClass !== 'STRUCTURE' && !Object.hasOwn(AGREEMENT, dataClass))
      faults.push(`${type}.${field}: the class ${dataClass} has no row in the agreement.`);
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isAbstractType(type)) {
      for (const { name } of schema.getPossibleTypes(type))
        if (!bindings.get(name)?.id) faults.push(`${type.name}: its type ${name} has no binding with an id.`);
    }
    if (!isObjectType(type)) continue;
    const wrapper = type.name.endsWith('Connection') || type.name.endsWith('Edge') || type.name.endsWith('Payload');
    const binding = bindings.get(type.name);
    if (!operationTypes.has(type.name) && !wrapper && !WITHOUT_BINDING.has(type.name) && !binding) {
      faults.push(`${type.name}: the type has no binding; add one in its module's binding.ts.`);
    }
    let personal = false;
    for (const field of Object.values(type.getFields())) {
      const name = `${type.name}.${field.name}`;
      const dataClass = classes.fieldClass(type.name, field.name);
      const withheld = !OPEN.includes(dataClass);
      personal ||= isPersonal(dataClass);
      if (withheld && isNonNullType(field.type))
        faults.push(`${name}: a field of class ${dataClass} can be withheld, so it must be nullable.`);
      if (operationTypes.has(type.name)) {
        if (isNonNullType(field.type)) faults.push(`${name}: a root field must be nullable.`);
        const bound =
          type.name === schema.getMutationType()?.name
            ? commands.has(field.name)
            : type.name === schema.getSubscriptionType()?.name
              ? SUBSCRIPTIONS.has(field.name)
              : roots.has(field.name) || FEED_ROOTS.has(field.name) || STATIC_ROOTS.has(field.name) || field.name === 'node';
        if (!bound) faults.push(`${name}: the root field has no binding.`);
        continue;
      }
      const to = getNamedType(field.type);
      if (isObjectType(to) && bindings.has(to.name) && !isListType(field.type) && isNonNullType(field.type))
        faults.push(`${name}: a to-one relation must be nullable.`);
      // The feed's statement reads each of its rows as what it is (src/read/feed.ts).
      if (isAbstractType(to) && !wrapper && type.name !== 'Change')
        faults.push(`${name}: of the abstract types, Node alone stands without a connection.`);
      if (binding && field.name !== 'id' && field.name !== 'withheld' && !binding.fields[field.name])
        faults.push(`${name}: the field has no binding.`);
    }
    if (personal && !operationTypes.has(type.name) && !type.getFields().withheld)
      faults.push(`${type.name}: a type with personal fields needs the field "withheld: [Withheld!]!".`);
  }
  for (const binding of bindings.values()) faults.push(...bindingFaults(binding, schema.getType(binding.type) !== undefined, classes));
  faults.push(...tableFaults(bindings));
  faults.push(...feedFaults(schema, bindings));
  for (const name of inboxTypes()) if (!bindings.get(name)?.id) faults.push(`inboxChanged: ${name} has no binding with an id.`);
  for (const [name, root] of roots) if (root.kind === 'union') faults.push(...streamFaults(schema, bindings, 'Query', name, root));
  for (const { type, fields } of bindings.values()) {
    for (const [name, field] of Object.entries(fields))
      if (field.kind === 'union') faults.push(...streamFaults(schema, bindings, type, name, field));
  }
  return faults;
}

/** Holds what the change feed tells of against the enum that names it. */
function feedFaults(schema: GraphQLSchema, bindings: ReadonlyMap<string, Binding>): string[] {
  const named = schema.getType('ChangeType');
  const values = isEnumType(named) ? named.getValues().map(({ name }) => name) : [];
  return [
    ...difference(FED_TYPES.map(enumName), values, (missing) => `ChangeType: the value ${missing} is missing.`),
    ...difference(values, FED_TYPES.map(enumName), (missing) => `ChangeType: the feed tells nothing of ${missing}.`),
    ...FED_TYPES.filter((type) => !bindings.get(type)?.id).map((type) => `ChangeType: ${type} has no binding with an id.`),
  ];
}

/** Holds the members of a stream against its union or interface, and against the enum that names them. */
function streamFaults(schema: GraphQLSchema, bindings: ReadonlyMap<string, Binding>, type: string, name: string, stream: Stream): string[] {
  const field = (schema.getType(type) as GraphQLObjectType | undefined)?.getFields()[name];
  const to = schema.getType(stream.to);
  if (!field || !isAbstractType(to)) return [`${type}.${name}: the schema has no such field, or ${stream.to} is no union or interface.`];
  const members = membersOf(bindings, stream);
  const bound = members.map((member) => member.type);
  const known = schema.getPossibleTypes(to).map((possible) => possible.name);
  const faults = [
    ...difference(bound, known, (missing) => `${to.name}: ${missing} takes part in ${type}.${name} and is not of this type.`),
    ...difference(known, bound, (missing) => `${to.name}: its type ${missing} takes no part in ${type}.${name}.`),
  ];
  const connection = getNamedType(field.type);
  const nodes = isObjectType(connection) ? connection.getFields().nodes : undefined;
  if (!nodes || getNamedType(nodes.type) !== to) faults.push(`${type}.${name}: it is no connection of ${to.name}.`);
  const named = field.args.find((argument) => argument.name === 'types');
  const values = named ? getNamedType(named.type) : null;
  if (isEnumType(values)) {
    const given = values.getValues().map((value) => value.name);
    faults.push(
      ...difference(known.map(enumName), given, (missing) => `${values.name}: the value ${missing} is missing.`),
      ...difference(given, known.map(enumName), (missing) => `${values.name}: ${missing} is no type of ${to.name}.`),
    );
  }
  for (const { type: member, at, on } of members) {
    const binding = bindings.get(member);
    if (!binding) continue;
    if (!tablesOf(binding).includes(tableOf(at))) faults.push(`${member}: the table ${classOf(tableOf(at)).name} is not among its sides.`);
    if (!/^(date|timestamp)/.test(at.getSQLType())) faults.push(`${member}: ${at.name} is neither a date nor a moment.`);
    const [anchor] = tablesOf({ ...binding, sides: [] });
    if (type !== 'Query' && !on && anchor && !classOf(anchor).family)
      faults.push(`${member}: its table ${classOf(anchor).name} names no family.`);
  }
  return faults;
}

const difference = (of: string[], from: string[], fault: (missing: string) => string): string[] =>
  of.filter((each) => !from.includes(each)).map(fault);

/** The tables whose rows a binding joins; a grant's own columns are read without one. */
function tablesOf({ anchor, sides }: Binding): PgTable[] {
  return [...(typeof anchor === 'string' ? [] : Array.isArray(anchor) ? anchor : [anchor]), ...(sides ?? []).map(([table]) => table)];
}

function bindingFaults(binding: Binding, known: boolean, classes: AssembledSchema['classes']): string[] {
  if (!known) return [`${binding.type}: the binding is of a type that the schema does not have.`];
  const faults: string[] = [];
  const fields = new Set(classes.all.filter(({ type }) => type === binding.type).map(({ field }) => field));
  for (const [name, field] of Object.entries(binding.fields)) {
    if (!fields.has(name)) {
      faults.push(`${binding.type}.${name}: the binding is of a field that the schema does not have.`);
      continue;
    }
    const from = fieldTable(field);
    if (from && !tablesOf(binding).includes(from)) {
      faults.push(`${binding.type}.${name}: its table ${classOf(from).name} is not among the binding's sides.`);
    }
    if (!from || (field.kind !== 'column' && field.kind !== 'code' && field.kind !== 'computed')) continue;
    const table = classOf(from);
    const dataClass = classes.fieldClass(binding.type, name);
    if (table.dataClass !== dataClass && (field.kind === 'computed' || !STRUCTURE_COLUMNS.has(field.column.name))) {
      faults.push(
        `${binding.type}.${name}: class ${dataClass}, but its table ${table.name} is of class ${table.dataClass}: it wants a table of its own class among the sides (docs/engineers.md, Adding a field).`,
      );
    }
  }
  return faults;
}

/** A table has one class: columns bound to fields of two classes would be two. */
function tableFaults(bindings: ReadonlyMap<string, Binding>): string[] {
  const tables = new Set(classifiedTables().map(({ name }) => name));
  const bound = [...bindings.values()].flatMap(tablesOf);
  return bound.filter((table) => !tables.has(classOf(table).name)).map((table) => `${classOf(table).name}: the table has no class.`);
}
