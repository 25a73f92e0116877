/** Who is measured, how each is started, and how each is asked. */
import { encodeId } from '../src/read/ids.ts';
import type { Position } from './positions.ts';
import { FAMILY, PAGE } from './queries.ts';
import { FAMILY_OF_PEER, PAGE_OF_PEER } from './queries-postgraphile.ts';

export type Name = 'ours' | 'ours without disclosure' | 'limit' | 'PostGraphile' | 'usual stack';

/** One question: where to, and what with for a key (a family's, or a place in the list). */
export type Asking = { path: string; body(key: string): string };

export type Contender = {
  name: Name;
  /** Module of the server, and arguments after its settings. */
  module: string;
  args: string[];
  family: Asking;
  /** The same for a page; `takes` says which form of a place the server takes. */
  page: Asking & { takes: keyof Position };
};

const graphql = (query: string, variable: string, value: (key: string) => string): Asking => {
  const [before, after] = JSON.stringify({ query, variables: { [variable]: '\0' } }).split('"\\u0000"') as [string, string];
  return { path: '', body: (key) => `${before}${JSON.stringify(value(key))}${after}` };
};
const itself = (key: string) => key;
const ours = {
  module: 'servers/ours.ts',
  family: graphql(FAMILY, 'id', (key) => encodeId('Family', key)),
  page: { ...graphql(PAGE, 'after', itself), takes: 'cursor' as const },
};

export const CONTENDERS: Contender[] = [
  { name: 'ours', ...ours, args: [] },
  { name: 'ours without disclosure', ...ours, args: ['--no-disclosure'] },
  {
    name: 'limit',
    module: 'servers/limit.ts',
    args: [],
    family: { path: '/family', body: (key) => JSON.stringify({ key }) },
    page: { path: '/page', body: (key) => JSON.stringify({ key }), takes: 'key' },
  },
  {
    name: 'PostGraphile',
    module: 'servers/postgraphile.ts',
    args: [],
    family: graphql(FAMILY_OF_PEER, 'id', itself),
    page: { ...graphql(PAGE_OF_PEER, 'after', itself), takes: 'peer' },
  },
  {
    name: 'usual stack',
    module: 'servers/usual.ts',
    args: [],
    family: ours.family,
    page: { ...graphql(PAGE, 'after', itself), takes: 'key' },
  },
];
