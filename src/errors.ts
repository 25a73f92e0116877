/** The table of errors: code, HTTP status and public words. Nothing else is ever said to a client. */
export const ERRORS = {
  UNAUTHENTICATED: { status: 401, words: 'A valid access token is needed.' },
  PURPOSE_REQUIRED: { status: 403, words: 'Say for what purpose you ask, in the header X-Purpose-Of-Use.' },
  PURPOSE_NOT_ALLOWED: { status: 403, words: 'This client may not ask for that purpose.' },
  ORIGIN_NOT_ALLOWED: { status: 403, words: 'Pages of this origin may not connect.' },
  FORBIDDEN: { status: 200, words: 'This field is not shared with you.' },
  BAD_REQUEST: { status: 400, words: 'This is not a GraphQL request: POST a JSON object with "query", and "variables" if there are any.' },
  BAD_USER_INPUT: { status: 400, words: 'A value is not one that is allowed here.' },
  BAD_ID: { status: 400, words: 'This is not an id that this API has given.' },
  BAD_CURSOR: { status: 400, words: 'This cursor was not given to you for this list.' },
  OPERATION_TOO_LARGE: { status: 400, words: 'The operation is too large.' },
  GRAPHQL_PARSE_FAILED: { status: 400, words: 'The document is not GraphQL.' },
  GRAPHQL_VALIDATION_FAILED: { status: 400, words: 'The document does not fit the schema.' },
  OPERATION_RESOLUTION_FAILURE: { status: 400, words: 'The document does not say which operation to run.' },
  PERSISTED_QUERY_NOT_SUPPORTED: { status: 400, words: 'Persisted queries are not kept here: send the document.' },
  MULTIPLE_MUTATIONS: { status: 400, words: 'One mutation field per operation.' },
  NOT_FOUND: { status: 404, words: 'There is nothing here.' },
  METHOD_NOT_ALLOWED: { status: 405, words: 'Send a POST.' },
  NOT_ACCEPTABLE: { status: 406, words: 'Answers are application/json or application/graphql-response+json.' },
  REQUEST_TIMEOUT: { status: 408, words: 'The request took too long to come.' },
  MISDIRECTED: { status: 421, words: 'This host is not served here.' },
  BUDGET_SPENT: { status: 429, words: 'This client has asked for more than it may within a time; wait as Retry-After says.' },
  DISCLOSURE_BUDGET: {
    status: 429,
    words: 'You have opened more families within an hour than one person may; wait as Retry-After says, or ask your manager.',
  },
  HEADERS_TOO_LARGE: { status: 431, words: 'The headers are too large.' },
  PAYLOAD_TOO_LARGE: { status: 413, words: 'The request is too large.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, words: 'Send application/json.' },
  UNAVAILABLE: { status: 503, words: 'The service cannot answer now; try again.' },
  TIMEOUT: { status: 503, words: 'The answer took too long; ask for less.' },
  INTERNAL: { status: 500, words: 'Something went wrong here; it was written down under this request id.' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** An error whose words may be shown to a client. */
export class PublicError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly extensions: Record<string, unknown>;
  /** Headers that go with it. */
  readonly headers: Record<string, string>;
  constructor(
    code: ErrorCode,
    message: string = ERRORS[code].words,
    extensions: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(message);
    this.name = 'PublicError';
    this.code = code;
    this.status = ERRORS[code].status;
    this.extensions = extensions;
    this.headers = headers;
  }
}

/** Who asks is not known; why is for the operator's log alone. */
export class Unauthenticated extends PublicError {
  readonly why: string;
  constructor(why: string) {
    super('UNAUTHENTICATED');
    this.why = why;
  }
}

export type FormattedError = { message: string; extensions: Record<string, unknown> };

/** An error as the API shows it: the words of the table, or our own; never a stack or another library's text. */
export function formatError(error: unknown): FormattedError & { status: number } {
  const known = error instanceof PublicError ? error : new PublicError('INTERNAL');
  return { message: known.message, extensions: { code: known.code, ...known.extensions }, status: known.status };
}

/** The body of an answer that has errors and no data. */
export function errorBody(errors: FormattedError[]): string {
  return JSON.stringify({ errors: errors.map(({ message, extensions }) => ({ message, extensions })) });
}
