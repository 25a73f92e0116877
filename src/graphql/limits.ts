/** Limits of a document as a validation rule: Apollo Server keeps the verdict for each text, so it is asked once. */
import {
  type ASTVisitor,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValueNode,
  visit,
} from 'graphql';
import { PublicError } from '../errors.ts';
import { LIMITS, type LimitName } from '../limits.ts';

/** An error of this rule names its limit, by which it is told from what the schema does not have. */
const tooMuch = (limit: LimitName, message: string) => new GraphQLError(message, { extensions: { limit } });

/** Whether an error's extensions are those of a limit. */
export const isOfLimit = (extensions: Record<string, unknown> | undefined): boolean =>
  typeof extensions?.limit === 'string' && Object.hasOwn(LIMITS, extensions.limit);

/** The validation rule: depth, root fields, directives, alias and operation names, and the size of literal values. */
export function documentLimits(context: ValidationContext): ASTVisitor {
  return {
    Document(document) {
      for (const error of excesses(document)) context.reportError(error);
    },
  };
}

function* excesses(document: DocumentNode): Generator<GraphQLError> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const depths = new Map<string, number>();
  /** Levels of fields that have fields. A fragment that is being entered counts for nothing: cycles are refused elsewhere. */
  const depthOf = (selections: SelectionSetNode): number => {
    let deepest = 0;
    for (const selected of selections.selections) {
      if (selected.kind === Kind.FIELD) {
        if (selected.selectionSet) deepest = Math.max(deepest, 1 + depthOf(selected.selectionSet));
      } else if (selected.kind === Kind.INLINE_FRAGMENT) deepest = Math.max(deepest, depthOf(selected.selectionSet));
      else deepest = Math.max(deepest, depthOfFragment(selected.name.value));
    }
    return deepest;
  };
  const depthOfFragment = (name: string): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    depths.set(name, 0);
    const fragment = fragments.get(name);
    const depth = fragment ? depthOf(fragment.selectionSet) : 0;
    depths.set(name, depth);
    return depth;
  };
  const rootKeys = (selections: SelectionSetNode, keys: Set<string>, entered: Set<string>): Set<string> => {
    for (const selected of selections.selections) {
      if (selected.kind === Kind.FIELD) keys.add(selected.alias?.value ?? selected.name.value);
      else if (selected.kind === Kind.INLINE_FRAGMENT) rootKeys(selected.selectionSet, keys, entered);
      else if (!entered.has(selected.name.value)) {
        entered.add(selected.name.value);
        const fragment = fragments.get(selected.name.value);
        if (fragment) rootKeys(fragment.selectionSet, keys, entered);
      }
    }
    return keys;
  };

  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const depth = depthOf(definition.selectionSet);
    if (depth > LIMITS.depth) yield tooMuch('depth', `Fields may stand ${LIMITS.depth} deep; these stand ${depth} deep.`);
    const roots = rootKeys(definition.selectionSet, new Set(), new Set()).size;
    if (roots > LIMITS.rootFields)
      yield tooMuch('rootFields', `An operation may have ${LIMITS.rootFields} root fields; this has ${roots}.`);
    if ((definition.name?.value.length ?? 0) > LIMITS.operationNameCharacters) {
      yield tooMuch('operationNameCharacters', `An operation's name has at most ${LIMITS.operationNameCharacters} characters.`);
    }
  }
  let directives = 0;
  let longAlias = false;
  let badValue: GraphQLError | null = null;
  const look = (value: ValueNode) => {
    badValue ??= excessOfLiteral(value);
    return false as const;
  };
  visit(document, {
    Directive: () => void directives++,
    Field: ({ alias }) => {
      if (alias && alias.value.length > LIMITS.aliasCharacters) longAlias = true;
    },
    ListValue: look,
    ObjectValue: look,
    StringValue: look,
  });
  if (directives > LIMITS.directives)
    yield tooMuch('directives', `A document may have ${LIMITS.directives} directives; this has ${directives}.`);
  if (longAlias) yield tooMuch('aliasCharacters', `An alias has at most ${LIMITS.aliasCharacters} characters.`);
  if (badValue) yield badValue;
}

function excessOfLiteral(value: ValueNode, depth = 0): GraphQLError | null {
  if (depth > LIMITS.valueDepth) return tooMuch('valueDepth', `Values may stand ${LIMITS.valueDepth} deep in each other.`);
  if (value.kind === Kind.STRING) {
    return value.value.length > LIMITS.textCharacters
      ? tooMuch('textCharacters', `A text has at most ${LIMITS.textCharacters.toLocaleString('en')} characters.`)
      : null;
  }
  const inner = value.kind === Kind.LIST ? value.values : value.kind === Kind.OBJECT ? value.fields.map((field) => field.value) : [];
  if (inner.length > LIMITS.listItems)
    return tooMuch('listItems', `A list has at most ${LIMITS.listItems} items; this has ${inner.length}.`);
  for (const item of inner) {
    const excess = excessOfLiteral(item, depth + 1);
    if (excess) return excess;
  }
  return null;
}

/** @throws PublicError OPERATION_TOO_LARGE where an object holds one field under too many aliases. */
export function checkSameField(selected: ReadonlyMap<string, readonly FieldNode[]>): void {
  const times = new Map<string, number>();
  for (const [node] of selected.values()) {
    const name = (node as FieldNode).name.value;
    times.set(name, (times.get(name) ?? 0) + 1);
    if ((times.get(name) as number) <= LIMITS.sameField) continue;
    const words = `An object may hold one field ${LIMITS.sameField} times, under several aliases; ${name} stands there more often.`;
    throw new PublicError('OPERATION_TOO_LARGE', words, { limit: 'sameField' });
  }
}
