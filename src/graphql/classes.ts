/** What the schema says of each field: its data class, read from `@classified`. */
import {
  type DirectiveNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  getDirectiveValues,
  getNamedType,
  type InputValueDefinitionNode,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import type { DataClass } from '../access/classes.ts';

export type Classified = {
  /** Class of an output field. */
  fieldClass(type: string, field: string): DataClass;
  /** The field's row has a class of its own besides. */
  rowClass(type: string, field: string): boolean;
  /** Class of an argument; its own, or its field's. */
  argumentClass(type: string, field: string, argument: string): DataClass;
  /** Class of a field of an input type. */
  inputClass(type: string, field: string): DataClass;
  /** Every output field, `Type.field`, with its class. */
  all: { type: string; field: string; dataClass: DataClass; rowClass: boolean }[];
};

type Directed = { directives?: readonly DirectiveNode[] | undefined };

/**
 * Reads the classes of a schema.
 *
 * @throws when a field, argument or input field has no class, naming all of them.
 */
export function readClasses(schema: GraphQLSchema): Classified {
  const directive = schema.getDirective('classified');
  if (!directive) throw new Error('The schema has no directive @classified.');
  const on = (...nodes: (Directed | null | undefined)[]) => {
    for (const node of nodes) {
      const values = node ? getDirectiveValues(directive, node) : undefined;
      if (values) return { as: values.as as DataClass, rowClass: values.rowClass === true };
    }
    return null;
  };
  const output = new Map<string, { as: DataClass; rowClass: boolean }>();
  const input = new Map<string, DataClass>();
  const missing: string[] = [];
  const all: Classified['all'] = [];

  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    const whole = on(type.astNode, ...(type.extensionASTNodes ?? []));
    if (isObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        const name = `${type.name}.${field.name}`;
        const found = on(field.astNode as FieldDefinitionNode) ?? whole;
        if (!found) {
          missing.push(name);
          continue;
        }
        output.set(name, found);
        all.push({ type: type.name, field: field.name, dataClass: found.as, rowClass: found.rowClass });
        for (const argument of field.args) {
          // An argument without a class has its field's; a filter names its own, field by field.
          const own = on(argument.astNode as InputValueDefinitionNode);
          const nested = isInputObjectType(getNamedType(argument.type));
          input.set(`${name}(${argument.name})`, own?.as ?? (nested ? 'STRUCTURE' : found.as));
        }
      }
    } else if (isInputObjectType(type)) {
      for (const field of Object.values(type.getFields())) {
        const found = on(field.astNode as InputValueDefinitionNode) ?? whole;
        if (!found) missing.push(`${type.name}.${field.name}`);
        else input.set(`${type.name}.${field.name}`, found.as);
      }
    } else if (isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        if (!on(field.astNode as FieldDefinitionNode)) missing.push(`${type.name}.${field.name}`);
      }
    }
  }
  if (missing.length > 0) throw new Error(`Fields without a data class (@classified): ${missing.join(', ')}.`);
  const get = <T>(map: Map<string, T>, name: string): T => {
    const value = map.get(name);
    if (value === undefined) throw new Error(`There is no field ${name}.`);
    return value;
  };
  return {
    fieldClass: (type, field) => get(output, `${type}.${field}`).as,
    rowClass: (type, field) => get(output, `${type}.${field}`).rowClass,
    argumentClass: (type, field, argument) => get(input, `${type}.${field}(${argument})`),
    inputClass: (type, field) => get(input, `${type}.${field}`),
    all,
  };
}

/** A type's name as an enum gives it: `WORKBOOK_ENTRY`. */
export const enumName = (type: string): string => type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase();
