/** The scalars' input side. Output is written by SQL, in `read/scalar.ts`. */
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const MOMENT = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** A day of the calendar between 1900 and 2100. */
function isDate(text: string): boolean {
  const match = DATE.exec(text);
  if (!match) return false;
  const year = Number(match[1]);
  const date = new Date(`${text}T00:00:00Z`);
  return year >= 1900 && year <= 2100 && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function scalar(name: string, description: string, parse: (text: string) => string | null, example: string): GraphQLScalarType {
  const fail = () => new GraphQLError(`${name} must be one that there is, written like ${example}.`);
  const read = (value: unknown): string => {
    const parsed = typeof value === 'string' ? parse(value) : null;
    if (parsed === null) throw fail();
    return parsed;
  };
  return new GraphQLScalarType({
    name,
    description,
    serialize: (value) => value,
    parseValue: read,
    parseLiteral: (node: ValueNode) => {
      if (node.kind !== Kind.STRING) throw fail();
      return read(node.value);
    },
  });
}

export const scalars = {
  Date: scalar('Date', 'A calendar date, ISO 8601.', (text) => (isDate(text) ? text : null), '2026-11-21'),
  DateTime: scalar(
    'DateTime',
    'A moment in UTC with milliseconds.',
    (text) => {
      const match = MOMENT.exec(text);
      return match && isDate(match[1] as string) ? new Date(text).toISOString() : null;
    },
    '2026-11-21T09:30:00.000Z',
  ),
};
