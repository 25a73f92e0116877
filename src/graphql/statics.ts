/** The part of a document that graphql-js answers by itself: introspection, and roots that need no table. */
import {
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  visit,
} from 'graphql';

/** The document with only those root fields that graphql-js answers. */
export function staticDocument(document: DocumentNode, operation: OperationDefinitionNode, keys: Set<string>): DocumentNode {
  const keep = (node: FieldNode) => keys.has(node.alias?.value ?? node.name.value);
  const prune = (selections: OperationDefinitionNode['selectionSet']): OperationDefinitionNode['selectionSet'] => ({
    ...selections,
    selections: selections.selections.flatMap((selected): SelectionNode[] => {
      if (selected.kind === Kind.FIELD) return keep(selected) ? [selected] : [];
      if (selected.kind === Kind.INLINE_FRAGMENT) return [{ ...selected, selectionSet: prune(selected.selectionSet) }];
      const fragment = document.definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === selected.name.value);
      return fragment && fragment.kind === Kind.FRAGMENT_DEFINITION
        ? [{ kind: Kind.INLINE_FRAGMENT as const, directives: selected.directives ?? [], selectionSet: prune(fragment.selectionSet) }]
        : [];
    }),
  });
  const selectionSet = prune(operation.selectionSet);
  const used = variablesIn(document, selectionSet);
  // The agency's schema may lack the types of the other variables.
  const variableDefinitions = (operation.variableDefinitions ?? []).filter(({ variable }) => used.has(variable.name.value));
  return {
    ...document,
    definitions: document.definitions.flatMap((definition): DefinitionNode[] =>
      definition === operation
        ? [{ ...operation, variableDefinitions, selectionSet }]
        : definition.kind === Kind.FRAGMENT_DEFINITION
          ? [definition]
          : [],
    ),
  };
}

/** Names of the variables in a selection and in the fragments that it leads to. */
function variablesIn(document: DocumentNode, selectionSet: OperationDefinitionNode['selectionSet']): Set<string> {
  const used = new Set<string>();
  const entered = new Set<string>();
  const enter = (node: OperationDefinitionNode['selectionSet']): void => {
    visit(node, {
      Variable: ({ name }) => void used.add(name.value),
      FragmentSpread: ({ name }) => {
        if (entered.has(name.value)) return;
        entered.add(name.value);
        const fragment = document.definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === name.value);
        if (fragment?.kind === Kind.FRAGMENT_DEFINITION) enter(fragment.selectionSet);
      },
    });
  };
  enter(selectionSet);
  return used;
}

/** Whether nothing but the schema is asked for: the answer is the same for every caller of an agency. */
export function onlyIntrospection(document: DocumentNode): boolean {
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  return (
    operation?.kind === Kind.OPERATION_DEFINITION &&
    operation.selectionSet.selections.every((s) => s.kind === Kind.FIELD && s.name.value.startsWith('__'))
  );
}
