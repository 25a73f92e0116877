/** The fields that a document names. */
import { type DocumentNode, type GraphQLSchema, isAbstractType, TypeInfo, visit, visitWithTypeInfo } from 'graphql';

/** Each once, as its type and its name; a field of an interface for each type that it may turn out to be. */
export function namedFields(schema: GraphQLSchema, document: DocumentNode): [type: string, field: string][] {
  const named = new Map<string, [string, string]>();
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Field() {
        const parent = info.getParentType();
        const field = info.getFieldDef();
        if (!parent || !field || field.name.startsWith('__')) return;
        const possible = isAbstractType(parent) ? schema.getPossibleTypes(parent) : [parent];
        for (const { name } of possible) named.set(`${name}.${field.name}`, [name, field.name]);
      },
    }),
  );
  return [...named.values()];
}
