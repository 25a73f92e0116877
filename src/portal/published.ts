/** The documents in `operations/`, each by its file's name: what it asks, with which variables, and whether it goes page by page. */
import { readdirSync, readFileSync } from 'node:fs';
import {
  type FieldNode,
  type GraphQLInputType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
  typeFromAST,
} from 'graphql';
import { PublicError } from '../errors.ts';

/** Where an answer's rows stand, and how one goes on from them. `columns`: of rows that fit a table, what they show; null: they have parts. */
export type Paged = {
  key: string;
  nodes: string;
  columns: string[] | null;
  of: (list: Record<string, unknown>) => { cursor: string | null; more: boolean };
};

export type Published = {
  name: string;
  source: string;
  /** The lines above it. */
  about: string;
  operation: OperationDefinitionNode;
  /** A mutation is sent, and not got. */
  writes: boolean;
  variables: Map<string, GraphQLInputType>;
  /** Null: it is one answer. */
  paged: Paged | null;
};

const folder = new URL('../../operations/', import.meta.url);

/** @throws where a file holds no one operation, or one of a type that is not in the schema. */
export function publishedDocuments(schema: GraphQLSchema): ReadonlyMap<string, Published> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.graphql'));
  return new Map(
    files.sort().map((file) => {
      const name = file.replace(/\.graphql$/, '');
      const source = readFileSync(new URL(file, folder), 'utf8');
      const operations = parse(source).definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
      const [operation] = operations;
      if (!operation || operations.length > 1) throw new Error(`operations/${file}: a file holds one operation.`);
      const variables = new Map(
        (operation.variableDefinitions ?? []).map(({ variable, type }) => [
          variable.name.value,
          typeFromAST(schema, type as never) as GraphQLInputType,
        ]),
      );
      const about = [...source.matchAll(/^# ?(.*)$/gm)].map(([, line]) => line).join(' ');
      const writes = operation.operation === 'mutation';
      return [name, { name, source, about, operation, writes, variables, paged: writes ? null : pagedOf(operation) }];
    }),
  );
}

const fieldsOf = (selections: readonly SelectionNode[] | undefined): FieldNode[] =>
  (selections ?? []).flatMap((each) => (each.kind === Kind.FIELD ? [each] : []));

const keyOf = ({ alias, name }: FieldNode) => (alias ?? name).value;

/** A document goes page by page where its one root takes `$after` and says how to go on. */
function pagedOf({ selectionSet }: OperationDefinitionNode): Paged | null {
  const [root, ...more] = fieldsOf(selectionSet.selections);
  if (!root || more.length > 0) return null;
  const takesAfter = root.arguments?.some(
    ({ name, value }) => name.value === 'after' && value.kind === Kind.VARIABLE && value.name.value === 'after',
  );
  const fields = fieldsOf(root.selectionSet?.selections);
  const key = (name: string, of = fields) => {
    const found = of.find((each) => each.name.value === name);
    return found ? keyOf(found) : undefined;
  };
  const nodes = key('nodes');
  if (!takesAfter || nodes === undefined) return null;
  const shown = fields.find((each) => keyOf(each) === nodes)?.selectionSet?.selections ?? [];
  const columns =
    fieldsOf(shown).some(({ selectionSet }) => selectionSet) || shown.some(({ kind }) => kind !== Kind.FIELD)
      ? null
      : fieldsOf(shown).map(keyOf);
  const [cursor, hasMore] = [key('cursor'), key('hasMore')];
  if (cursor !== undefined && hasMore !== undefined)
    return { key: keyOf(root), nodes, columns, of: (list) => ({ cursor: list[cursor] as string, more: list[hasMore] === true }) };
  const info = fields.find((each) => each.name.value === 'pageInfo');
  const inner = fieldsOf(info?.selectionSet?.selections);
  const [end, next] = [key('endCursor', inner), key('hasNextPage', inner)];
  if (!info || end === undefined || next === undefined) return null;
  return {
    key: keyOf(root),
    nodes,
    columns,
    of: (list) => {
      const told = list[keyOf(info)] as Record<string, unknown>;
      return { cursor: (told[end] as string | null) ?? null, more: told[next] === true };
    },
  };
}

/**
 * The variables of a query string. Lists are repeated, fields of an input stand behind a dot (`filter.stage=CLOSED`).
 *
 * @throws PublicError BAD_USER_INPUT naming the parameter.
 */
export function variablesOf(of: Published, search: URLSearchParams): Record<string, unknown> {
  const variables: Record<string, unknown> = {};
  for (const path of new Set(search.keys())) {
    const given = search.getAll(path);
    const [first, ...rest] = path.split('.') as [string, ...string[]];
    const type = rest.reduce<GraphQLInputType | undefined>(fieldType, of.variables.get(first));
    if (!type) throw new PublicError('BAD_USER_INPUT', 'A parameter is none of this document: /openapi.json has them.');
    let into = variables;
    for (const name of [first, ...rest].slice(0, -1)) {
      if (!Object.hasOwn(into, name)) into[name] = {};
      into = into[name] as Record<string, unknown>;
    }
    into[rest.at(-1) ?? first] = parameterValue(path, type, given);
  }
  return variables;
}

const bare = (type: GraphQLInputType): GraphQLInputType => (isNonNullType(type) ? (type.ofType as GraphQLInputType) : type);

function fieldType(type: GraphQLInputType | undefined, name: string): GraphQLInputType | undefined {
  const of = type && bare(type);
  if (!isInputObjectType(of)) return undefined;
  const fields = of.getFields();
  return Object.hasOwn(fields, name) ? fields[name]?.type : undefined;
}

function parameterValue(path: string, type: GraphQLInputType, given: string[]): unknown {
  const of = bare(type);
  if (isListType(of)) return given.map((each) => parameterValue(path, of.ofType as GraphQLInputType, [each]));
  const [text, ...more] = given as [string, ...string[]];
  const fault = (words: string) => new PublicError('BAD_USER_INPUT', `${path}: ${words}`);
  if (more.length > 0) throw fault('it is given more than once.');
  if (isInputObjectType(of)) throw fault(`give its fields, as ${path}.${Object.keys(of.getFields())[0]}.`);
  if (isEnumType(of)) return text;
  if (of.name === 'Int') {
    if (!/^-?\d{1,9}$/.test(text)) throw fault('it is a whole number.');
    return Number(text);
  }
  if (of.name === 'Boolean') {
    if (text !== 'true' && text !== 'false') throw fault('it is true or false.');
    return text === 'true';
  }
  return text;
}
