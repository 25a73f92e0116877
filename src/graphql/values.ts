/** Values that callers send: their limits, and their coercion by the schema, as graphql-js would have coerced them. */
import {
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getVariableValues,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  visit,
} from 'graphql';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { decodeId } from '../read/ids.ts';

/** Strings that PostgreSQL, or a person, cannot read back as they were sent. */
function checkText(text: string): void {
  if (text.includes('\0')) throw new PublicError('BAD_USER_INPUT', 'A text holds a null byte.');
  if (!text.isWellFormed()) throw new PublicError('BAD_USER_INPUT', 'A text is not well-formed Unicode.');
}

/**
 * Size and text of a variable's value, before anything walks through it.
 *
 * @param most how many items a list in it may have.
 * @throws PublicError BAD_USER_INPUT
 */
function checkValue(value: unknown, most: number, depth = 0): void {
  if (typeof value === 'string') {
    if (value.length > LIMITS.textCharacters) {
      throw new PublicError('BAD_USER_INPUT', `A text has at most ${LIMITS.textCharacters.toLocaleString('en')} characters.`);
    }
    checkText(value);
  } else if (value !== null && typeof value === 'object') {
    if (depth > LIMITS.valueDepth) throw new PublicError('BAD_USER_INPUT', `Values may stand ${LIMITS.valueDepth} deep in each other.`);
    const inner = Object.values(value);
    if (inner.length > most) {
      const words = `A list has at most ${most.toLocaleString('en')} items; this has ${inner.length.toLocaleString('en')}.`;
      throw new PublicError('BAD_USER_INPUT', words);
    }
    for (const item of inner) checkValue(item, most, depth + 1);
  }
}

/** Inputs whose lists may be longer than others': batches that a system sends. */
const LONGER: Record<string, number> = { RecordObservationsInput: LIMITS.observationLines };

const checkedDocuments = new WeakSet<DocumentNode>();

/**
 * The operation's variables by name. Literal texts of the document are checked with them; their size was checked when
 * the document was validated.
 *
 * @throws PublicError BAD_USER_INPUT naming the variable.
 */
export function coerceVariables(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  given: Record<string, unknown>,
): Record<string, unknown> {
  if (!checkedDocuments.has(document)) {
    visit(document, { StringValue: ({ value }) => checkText(value) });
    checkedDocuments.add(document);
  }
  // Every variable counts as a list's item only within its own value.
  const longer = new Map(
    (operation.variableDefinitions ?? []).flatMap(({ variable, type }) => {
      const named = getNamedType(typeFromAST(schema, type as never) as GraphQLInputType | undefined)?.name;
      return named && Object.hasOwn(LONGER, named) ? [[variable.name.value, LONGER[named] as number]] : [];
    }),
  );
  for (const [name, value] of Object.entries(given)) checkValue(value, longer.get(name) ?? LIMITS.listItems);
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given, { maxErrors: LIMITS.errors });
  if (errors) throw new PublicError('BAD_USER_INPUT', scrub(errors[0]?.message ?? 'A variable is not of its type.'));
  return coerced as Record<string, unknown>;
}

/** graphql-js proposes names that are near to what was asked; they may be of what the caller cannot see. */
export function scrub(message: string): string {
  return message.replace(/ ?Did you mean[\s\S]*$/, '').replace(/ ?Or did you mean[\s\S]*$/i, '');
}

/**
 * What of the variables the SQL depends on: which are there, which are null, the values of enums and booleans, and the
 * type that an id names.
 */
export function shapeOf(schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Record<string, unknown>): string {
  const shape = (type: GraphQLInputType, value: unknown): unknown => {
    if (value === null) return null;
    if (isNonNullType(type)) return shape(type.ofType as GraphQLInputType, value);
    if (isListType(type)) return Array.isArray(value) && isEnumType(getNamedType(type)) ? value : '[]';
    if (isInputObjectType(type)) {
      const fields = type.getFields();
      return Object.fromEntries(
        Object.entries(value as object).map(([name, inner]) => [name, shape((fields[name] as { type: GraphQLInputType }).type, inner)]),
      );
    }
    if (typeof value === 'boolean' || isEnumType(type)) return value;
    if (type.name === 'ID') {
      try {
        return decodeId(String(value)).type;
      } catch {
        return '?';
      }
    }
    return '*';
  };
  const parts: Record<string, unknown> = {};
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (!(name in variables)) continue;
    const inputType = typeFromAST(schema, type as never) as GraphQLInputType | undefined;
    parts[name] = inputType ? shape(inputType, variables[name]) : '?';
  }
  return JSON.stringify(parts);
}

/** `first`, checked. @throws PublicError BAD_USER_INPUT outside 1 to 100. */
export function firstOf(args: Record<string, unknown>): number {
  const first = args.first === undefined ? LIMITS.firstDefault : args.first;
  if (typeof first !== 'number' || !Number.isInteger(first) || first < 1 || first > LIMITS.first) {
    throw new PublicError('BAD_USER_INPUT', `first must be a whole number from 1 to ${LIMITS.first}.`);
  }
  return first;
}
