/** How Apollo Server is switched, and what becomes of the errors that it makes by itself. */
import type { GraphQLError, GraphQLFormattedError } from 'graphql';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { isOfLimit } from './limits.ts';
import { scrub } from './values.ts';

/** Switches that hold for every server: nothing is kept for callers, nothing is told of the inside. */
export const APOLLO_SWITCHES = {
  introspection: true,
  persistedQueries: false,
  allowBatchedHttpRequests: false,
  csrfPrevention: true,
  includeStacktraceInErrorResponses: false,
  hideSchemaDetailsFromClientErrors: true,
  stopOnTerminationSignals: false,
  maxRecursiveSelections: LIMITS.selections,
  parseOptions: { maxTokens: LIMITS.tokens },
  // That there are more is an error as well.
  validationOptions: { maxErrors: LIMITS.errors - 1 },
  nodeEnv: 'production',
} as const;

/** What Apollo Server says about HTTP, by its status. */
const HTTP_CODES: Record<number, ErrorCode> = { 405: 'METHOD_NOT_ALLOWED', 406: 'NOT_ACCEPTABLE', 415: 'UNSUPPORTED_MEDIA_TYPE' };

/** Codes whose errors speak of the caller's document, in graphql-js's words; of everything else we speak in our own. */
const OF_DOCUMENTS: ReadonlySet<ErrorCode> = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);

/** An error that Apollo Server made (parse, validation, HTTP), with nothing in it that names what the caller cannot see. */
export function apolloError({ extensions, message, locations }: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const where = locations ? { locations } : {};
  if (isOfLimit(extensions)) return { message, extensions: { code: 'OPERATION_TOO_LARGE', limit: extensions?.limit }, ...where };
  const { status } = ((error as GraphQLError).extensions?.http ?? {}) as { status?: number };
  const given = HTTP_CODES[status ?? 0] ?? extensions?.code;
  const code = typeof given === 'string' && Object.hasOwn(ERRORS, given) ? (given as ErrorCode) : 'INTERNAL';
  return { message: OF_DOCUMENTS.has(code) ? scrub(message) : ERRORS[code].words, extensions: { code }, ...where };
}
