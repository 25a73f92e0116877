/** The schema as one agency sees it: what it introspects and downloads. */
import { MapperKind, mapSchema, pruneSchema } from '@graphql-tools/utils';
import {
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isObjectType,
} from 'graphql';
import { type Classified, enumName } from '../graphql/classes.ts';
import { type Level, levelOf, writersOf } from './agreement.ts';
import { type Agency, type DataClass, PERSONAL_CLASSES } from './classes.ts';

export type Openness = {
  /** Whether anything of an object type is left. */
  type(type: string): boolean;
  /** Whether a field is in the agency's schema. */
  field(type: string, field: string): boolean;
  argument(type: string, field: string, argument: string): boolean;
  inputField(type: string, field: string): boolean;
};

/** The level of a class for an agency: the agreement's, or that of an agreement that might be. */
export type Levels = (dataClass: DataClass, agency: Agency) => Level;

const cache = new WeakMap<GraphQLSchema, Map<Agency, Openness>>();

/**
 * What of a schema is open to an agency. A type of which nothing but structure is left is closed, and so is every
 * field that leads to it.
 */
export function openTo(schema: GraphQLSchema, classes: Classified, agency: Agency, levels: Levels = levelOf): Openness {
  if (levels !== levelOf) return compute(schema, classes, agency, levels);
  const known = cache.get(schema) ?? new Map<Agency, Openness>();
  cache.set(schema, known);
  const found = known.get(agency) ?? compute(schema, classes, agency, levels);
  known.set(agency, found);
  return found;
}

function compute(schema: GraphQLSchema, classes: Classified, agency: Agency, levels: Levels): Openness {
  const shared = (dataClass: DataClass) => levels(dataClass, agency) !== 'N';
  const writable = (dataClass: DataClass, command: string) =>
    dataClass === 'STRUCTURE' || (shared(dataClass) && writersOf(dataClass, command).some(({ agencies }) => agencies.includes(agency)));
  const objects = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !type.name.startsWith('__'));
  const mutation = schema.getMutationType()?.name;
  // Closed until something in it is open; types without any class (PageInfo) are never closed.
  const open = new Map<string, boolean>();
  const neutral = new Set<string>();
  /** The object types that a field may give; null for a scalar. */
  const leadsTo = (type: string, field: string): string[] | null => {
    const object = schema.getType(type);
    const definition = isObjectType(object) ? object.getFields()[field] : undefined;
    const named = definition ? getNamedType(definition.type) : null;
    if (isAbstractType(named)) return schema.getPossibleTypes(named).map(({ name }) => name);
    return isObjectType(named) ? [named.name] : null;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const type of objects) {
      if (!isObjectType(type) || neutral.has(type.name)) continue;
      const plain = Object.keys(type.getFields()).every((field) => {
        const to = leadsTo(type.name, field);
        return (
          classes.fieldClass(type.name, field) === 'STRUCTURE' &&
          (to === null || to.every((each) => each === type.name || neutral.has(each)))
        );
      });
      if (plain) {
        neutral.add(type.name);
        changed = true;
      }
    }
  }
  const isOpen = (name: string) => neutral.has(name) || open.get(name) === true;
  // An agency that is given nothing about people has no operations on their records either.
  const blind = PERSONAL_CLASSES.every((dataClass) => !shared(dataClass));
  const fieldOpen = (type: string, field: string): boolean => {
    const dataClass = classes.fieldClass(type, field);
    if (type === mutation) return writable(dataClass, field);
    if (!shared(dataClass) || (blind && dataClass === 'OPERATION')) return false;
    const to = leadsTo(type, field);
    return to === null || to.some(isOpen);
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const type of objects) {
      if (!isObjectType(type) || isOpen(type.name)) continue;
      const something = Object.keys(type.getFields()).some((field) => {
        const to = leadsTo(type.name, field);
        const carries = classes.fieldClass(type.name, field) !== 'STRUCTURE' || (to !== null && !to.every((each) => neutral.has(each)));
        return carries && fieldOpen(type.name, field);
      });
      if (something) {
        open.set(type.name, true);
        changed = true;
      }
    }
  }
  return {
    type: isOpen,
    field: (type, field) => fieldOpen(type, field),
    argument: (type, field, argument) => shared(classes.argumentClass(type, field, argument)),
    inputField: (type, field) => {
      const dataClass = classes.inputClass(type, field);
      const commands = commandsWith(schema, type);
      return commands.length > 0 ? commands.some((command) => writable(dataClass, command)) : shared(dataClass);
    },
  };
}

const inputs = new WeakMap<GraphQLSchema, Map<string, string[]>>();

/** The commands of whose input an input type is a part; none for a filter's. */
function commandsWith(schema: GraphQLSchema, name: string): string[] {
  const known = inputs.get(schema) ?? new Map<string, string[]>();
  inputs.set(schema, known);
  const found = known.get(name) ?? commandsReading(schema, name);
  known.set(name, found);
  return found;
}

function commandsReading(schema: GraphQLSchema, name: string): string[] {
  const within = (type: string, seen: Set<string>): boolean => {
    if (type === name) return true;
    if (seen.has(type)) return false;
    seen.add(type);
    const input = schema.getType(type);
    return isInputObjectType(input) && Object.values(input.getFields()).some((field) => within(getNamedType(field.type).name, seen));
  };
  return Object.values(schema.getMutationType()?.getFields() ?? {})
    .filter(({ args }) => args.some((argument) => within(getNamedType(argument.type).name, new Set())))
    .map((command) => command.name);
}

/**
 * What an agency's schema has, by `Type.field` and `Type.field(argument)`: the same as `viewFor` makes, in a hundredth of the time.
 * Of what is open, that which anything open leads to.
 */
export function namesIn(schema: GraphQLSchema, classes: Classified, agency: Agency, levels: Levels = levelOf): Set<string> {
  const open = openTo(schema, classes, agency, levels);
  const names = new Set<string>();
  const entered = new Set<string>();
  const enter = (type: GraphQLNamedType): void => {
    if (entered.has(type.name)) return;
    entered.add(type.name);
    if (isAbstractType(type)) for (const each of schema.getPossibleTypes(type)) if (open.type(each.name)) enter(each);
    if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        if (!open.inputField(type.name, field.name)) continue;
        names.add(`${type.name}.${field.name}`);
        enter(getNamedType(field.type));
      }
    }
    if (!isObjectType(type)) return;
    for (const each of type.getInterfaces()) enter(each);
    for (const field of Object.values(type.getFields())) {
      if (!open.field(type.name, field.name)) continue;
      names.add(`${type.name}.${field.name}`);
      enter(getNamedType(field.type));
      for (const argument of field.args) {
        if (!open.argument(type.name, field.name, argument.name)) continue;
        names.add(`${type.name}.${field.name}(${argument.name})`);
        enter(getNamedType(argument.type));
      }
    }
  };
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()])
    if (root && open.type(root.name)) enter(root);
  return names;
}

/** The enums whose values are names of types: what an argument `types` takes. */
function enumsOfTypes(schema: GraphQLSchema): Set<string> {
  const fields = Object.values(schema.getTypeMap()).flatMap((type) => (isObjectType(type) ? Object.values(type.getFields()) : []));
  const named = fields.flatMap(({ args }) => args.filter(({ name }) => name === 'types').map(({ type }) => getNamedType(type)));
  return new Set(named.filter(isEnumType).map(({ name }) => name));
}

/** The schema of an agency: fields, arguments and types that are never for it are not in it. */
export function viewFor(schema: GraphQLSchema, classes: Classified, agency: Agency, levels: Levels = levelOf): GraphQLSchema {
  const open = openTo(schema, classes, agency, levels);
  const closed = new Set(
    Object.keys(schema.getTypeMap())
      .filter((name) => isObjectType(schema.getType(name)) && !open.type(name))
      .map(enumName),
  );
  const naming = enumsOfTypes(schema);
  const mapped = mapSchema(schema, {
    // A closed type would stay as one that `Node` may turn out to be.
    [MapperKind.OBJECT_TYPE]: (type) => (open.type(type.name) || type.name.startsWith('__') ? type : null),
    [MapperKind.OBJECT_FIELD]: (config, field, type) => {
      if (!open.field(type, field)) return null;
      const args = Object.fromEntries(Object.entries(config.args ?? {}).filter(([argument]) => open.argument(type, field, argument)));
      return { ...config, args };
    },
    [MapperKind.ENUM_VALUE]: (config, type, _schema, value) => (naming.has(type) && closed.has(value) ? null : config),
    [MapperKind.INPUT_OBJECT_FIELD]: (config, field, type) => (open.inputField(type, field) ? config : null),
  });
  return pruneSchema(mapped, { skipPruning: (type) => type.name === 'DataClass' });
}
