/** The part of a document that graphql-js answers by itself: introspection, and roots that need no table. */
import {
  type DefinitionNode,
  type DocumentNode,
  execute,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  visit,
} from 'graphql';
import type { Client } from '../access/client.ts';
import { PublicError } from '../errors.ts';
import type { Shown, Sources } from '../modules/explain/explain.ts';

/** Of the roots that graphql-js answers itself those that are about people: that they were asked is on record. */
export const PERSONAL_STATICS: ReadonlySet<string> = new Set(['explainAccess', 'agencyView']);

/** Roots that graphql-js answers itself. */
export const STATIC_ROOTS: ReadonlySet<string> = new Set([
  'viewer',
  'sharingMatrix',
  'simulateAgreement',
  'emergencyFigures',
  'webhookSecrets',
  ...PERSONAL_STATICS,
  '__schema',
  '__type',
]);

/** What the roots that graphql-js answers are given. */
export type StaticContext = {
  client: Client;
  sources: Sources;
  /** Told whom an answer is about. */
  shown(of: Shown): void;
  /** Told why there is no answer: what a resolver throws, graphql-shield would call a refusal. */
  failed(error: unknown): void;
};

function fragmentOf({ definitions }: DocumentNode, name: string): FragmentDefinitionNode | undefined {
  return definitions.find((d): d is FragmentDefinitionNode => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === name);
}

/** The document with only those root fields that graphql-js answers. */
export function staticDocument(document: DocumentNode, operation: OperationDefinitionNode, keys: Set<string>): DocumentNode {
  const keep = (node: FieldNode) => keys.has(node.alias?.value ?? node.name.value);
  const prune = (selections: OperationDefinitionNode['selectionSet']): OperationDefinitionNode['selectionSet'] => ({
    ...selections,
    selections: selections.selections.flatMap((selected): SelectionNode[] => {
      if (selected.kind === Kind.FIELD) return keep(selected) ? [selected] : [];
      if (selected.kind === Kind.INLINE_FRAGMENT) return [{ ...selected, selectionSet: prune(selected.selectionSet) }];
      const fragment = fragmentOf(document, selected.name.value);
      return fragment
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
        const fragment = fragmentOf(document, name.value);
        if (fragment) enter(fragment.selectionSet);
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

/** How many fields are asked of graphql-js, fragments flattened. */
export function staticFields(document: DocumentNode, operation: OperationDefinitionNode, keys: Set<string>): number {
  const only = staticDocument(document, operation, keys);
  const known = new Map<string, number>();
  const count = (selections: OperationDefinitionNode['selectionSet']): number =>
    selections.selections.reduce((sum, selected) => {
      if (selected.kind === Kind.FIELD) return sum + 1 + (selected.selectionSet ? count(selected.selectionSet) : 0);
      if (selected.kind === Kind.INLINE_FRAGMENT) return sum + count(selected.selectionSet);
      return sum + ofFragment(selected.name.value);
    }, 0);
  const ofFragment = (name: string): number => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const fragment = fragmentOf(only, name);
    const fields = fragment ? count(fragment.selectionSet) : 0;
    known.set(name, fields);
    return fields;
  };
  return only.definitions.reduce((sum, d) => (d.kind === Kind.OPERATION_DEFINITION ? sum + count(d.selectionSet) : sum), 0);
}

/**
 * Has graphql-js answer what it answers itself.
 *
 * @returns JSON by response key, and whom it is about as a statement lists them (`f12,p34,`).
 * @throws PublicError what a resolver said of its arguments; INTERNAL
 */
export async function executeStatics(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variableValues: Record<string, unknown>,
  { client, sources }: Pick<StaticContext, 'client' | 'sources'>,
): Promise<{ texts: Record<string, string>; seen: string }> {
  const operationName = operation.name?.value ?? null;
  const failures: unknown[] = [];
  let seen = '';
  const contextValue: StaticContext = {
    client,
    sources,
    shown: ({ family, person }) => {
      seen += `f${family},${person === null ? '' : `p${person},`}`;
    },
    failed: (error) => void failures.push(error),
  };
  const { errors, data } = await execute({ schema, document, contextValue, variableValues, operationName });
  if (failures.length > 0) throw failures[0];
  if (errors) throw new PublicError('INTERNAL', undefined, {});
  return { texts: Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, JSON.stringify(value)])), seen };
}
