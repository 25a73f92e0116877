/** The published documents as an OpenAPI 3.1 description, made of the schema and of what each document asks for. */
import {
  type FragmentDefinitionNode,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
} from 'graphql';
import { PURPOSE_NAMES } from '../access/agreement.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Published } from './published.ts';

type Json = Record<string, unknown>;

/** JSON Schema (2020-12) of a leaf. */
function leaf(name: string): Json {
  switch (name) {
    case 'Int':
      return { type: 'integer' };
    case 'Float':
      return { type: 'number' };
    case 'Boolean':
      return { type: 'boolean' };
    case 'Date':
      return { type: 'string', format: 'date' };
    case 'DateTime':
      return { type: 'string', format: 'date-time' };
    default:
      return { type: 'string' };
  }
}

const orNull = (schema: Json): Json =>
  schema.enum
    ? { ...schema, enum: [...(schema.enum as unknown[]), null], type: ['string', 'null'] }
    : { ...schema, type: [schema.type, 'null'] };

function inputSchema(type: GraphQLInputType): Json {
  if (isNonNullType(type)) return inputSchema(type.ofType as GraphQLInputType);
  if (isListType(type)) return { type: 'array', items: inputSchema(type.ofType as GraphQLInputType) };
  if (isEnumType(type)) return { type: 'string', enum: type.getValues().map(({ name }) => name) };
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const required = fields.filter((field) => isNonNullType(field.type) && field.defaultValue === undefined).map(({ name }) => name);
    return {
      type: 'object',
      properties: Object.fromEntries(
        fields.map((field) => [
          field.name,
          { ...inputSchema(field.type), ...(field.description ? { description: field.description } : {}) },
        ]),
      ),
      ...(required.length > 0 ? { required } : {}),
    };
  }
  return leaf(type.name);
}

/** What an answer holds, selection by selection. */
function outputSchema(
  schema: GraphQLSchema,
  type: GraphQLOutputType,
  selections: readonly SelectionNode[],
  fragments: Map<string, FragmentDefinitionNode>,
): Json {
  if (isNonNullType(type)) {
    const inner = outputSchema(schema, type.ofType as GraphQLOutputType, selections, fragments);
    const types = inner.type as unknown[];
    return {
      ...inner,
      type: Array.isArray(types) ? types[0] : types,
      ...(inner.enum ? { enum: (inner.enum as unknown[]).filter((each) => each !== null) } : {}),
    };
  }
  if (isListType(type))
    return orNull({ type: 'array', items: outputSchema(schema, type.ofType as GraphQLOutputType, selections, fragments) });
  if (isEnumType(type)) return orNull({ type: 'string', enum: type.getValues().map(({ name }) => name) });
  const named = getNamedType(type);
  if (!isObjectType(named) && !isAbstractType(named)) return orNull(leaf(named.name));
  const properties: Json = {};
  const gather = (of: typeof named, inner: readonly SelectionNode[], sure: boolean): string[] =>
    inner.flatMap((each) => {
      if (each.kind === Kind.FIELD) {
        const key = (each.alias ?? each.name).value;
        const field = 'getFields' in of ? of.getFields()[each.name.value] : undefined;
        const found =
          each.name.value === '__typename'
            ? { type: 'string' }
            : field
              ? outputSchema(schema, field.type, each.selectionSet?.selections ?? [], fragments)
              : { type: ['string', 'null'] };
        const known = properties[key] as Json | undefined;
        // Types of a union may each have a field of this name.
        properties[key] =
          known && JSON.stringify(known) !== JSON.stringify(found) ? { anyOf: [...((known.anyOf as Json[]) ?? [known]), found] } : found;
        return sure && !each.directives?.length ? [key] : [];
      }
      const fragment = each.kind === Kind.FRAGMENT_SPREAD ? fragments.get(each.name.value) : each;
      if (!fragment) return [];
      const on = fragment.typeCondition ? schema.getType(fragment.typeCondition.name.value) : of;
      if (!isObjectType(on) && !isAbstractType(on)) return [];
      return gather(on, fragment.selectionSet.selections, sure && on === of && !each.directives?.length);
    });
  const required = [...new Set(gather(named, selections, true))];
  return orNull({ type: 'object', properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false });
}

const REF = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const failures = (...codes: ErrorCode[]): Json => {
  const byStatus = new Map<number, string[]>();
  for (const code of codes)
    byStatus.set(ERRORS[code].status, [...(byStatus.get(ERRORS[code].status) ?? []), `${code}: ${ERRORS[code].words}`]);
  return Object.fromEntries(
    [...byStatus].map(([status, words]) => [
      String(status),
      { description: words.join(' '), content: { 'application/json': { schema: REF('Failure') } } },
    ]),
  );
};

function parametersOf({ variables }: Published): Json[] {
  const one = (name: string, type: GraphQLInputType, required: boolean): Json[] => {
    const of = isNonNullType(type) ? (type.ofType as GraphQLInputType) : type;
    if (isInputObjectType(of)) return Object.values(of.getFields()).flatMap((field) => one(`${name}.${field.name}`, field.type, false));
    return [{ name, in: 'query', required, schema: inputSchema(of), ...(isListType(of) ? { style: 'form', explode: true } : {}) }];
  };
  return [...variables].flatMap(([name, type]) => one(name, type, isNonNullType(type)));
}

function pathOf(schema: GraphQLSchema, of: Published): Json {
  const { operation, paged, writes, about, source, variables } = of;
  const fragments = new Map(
    parse(source).definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each] as const] : [])),
  );
  const root = (writes ? schema.getMutationType() : schema.getQueryType()) as GraphQLOutputType;
  const data = outputSchema(schema, root, (operation as OperationDefinitionNode).selectionSet.selections, fragments);
  const row = paged && (((data.properties as Json)[paged.key] as Json).properties as Json)[paged.nodes];
  const lines = {
    'application/x-ndjson': {
      schema: {
        type: 'string',
        description:
          'Lines of JSON: { "node" } for each row, behind each page { "cursor" } to go on from as `after`, at the end { "end": true }.',
      },
      ...(row
        ? { 'x-line': { type: 'object', properties: { node: (row as Json).items, cursor: { type: 'string' }, end: { type: 'boolean' } } } }
        : {}),
    },
  };
  const table = paged?.columns
    ? {
        'text/csv': {
          schema: { type: 'string', description: `A table (RFC 4180) of ${paged.columns.join(', ')}; lists have a space between items.` },
        },
      }
    : {};
  const answer = {
    type: 'object',
    properties: { data, errors: { type: 'array', items: REF('Problem') }, extensions: { type: 'object' } },
  };
  return {
    operationId: operation.name?.value ?? of.name,
    summary: about,
    parameters: [{ $ref: '#/components/parameters/purpose' }, ...(writes ? [] : parametersOf(of))],
    ...(writes
      ? {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: Object.fromEntries([...variables].map(([name, type]) => [name, inputSchema(type)])),
                  required: [...variables].flatMap(([name, type]) => (isNonNullType(type) ? [name] : [])),
                },
              },
            },
          },
        }
      : {}),
    responses: {
      200: {
        description: 'The answer, as /graphql gives it: what is refused is null, and named among the errors.',
        headers: { RateLimit: { schema: { type: 'string' } }, 'RateLimit-Policy': { schema: { type: 'string' } } },
        content: { 'application/json': { schema: answer }, ...(paged ? lines : {}), ...table },
      },
      ...failures('BAD_USER_INPUT', 'UNAUTHENTICATED', 'PURPOSE_NOT_ALLOWED', 'NOT_ACCEPTABLE', 'BUDGET_SPENT', 'UNAVAILABLE'),
    },
  };
}

/** The description: OpenAPI 3.1.0, of every published document. */
export function openApi(schema: GraphQLSchema, documents: ReadonlyMap<string, Published>): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Family Solutions Plus',
      version: '1',
      description: `The published documents over plain HTTP. Rights, limits and the record are those of /graphql; a page has at most ${LIMITS.first} rows.`,
    },
    security: [{ token: [] }],
    paths: Object.fromEntries(
      [...documents].map(([name, of]) => [`/operations/${name}`, { [of.writes ? 'post' : 'get']: pathOf(schema, of) }]),
    ),
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'at+jwt' } },
      parameters: {
        purpose: {
          name: 'X-Purpose-Of-Use',
          in: 'header',
          required: false,
          description: "For what one asks; without it the client's own purpose.",
          schema: { type: 'string', enum: PURPOSE_NAMES },
        },
      },
      schemas: {
        Problem: {
          type: 'object',
          properties: {
            message: { type: 'string' },
            extensions: { type: 'object', properties: { code: { type: 'string', enum: Object.keys(ERRORS) } }, required: ['code'] },
          },
          required: ['message', 'extensions'],
        },
        Failure: { type: 'object', properties: { errors: { type: 'array', items: REF('Problem') } }, required: ['errors'] },
      },
    },
  };
}
