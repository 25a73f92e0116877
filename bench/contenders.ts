/** Who is measured, how each is started, and how each is asked. */
import { encodeId } from '../src/read/ids.ts';
import { type Entry, SAYS } from './entries.ts';
import type { Position } from './positions.ts';
import { ADD_ENTRY, FAMILY, FLAT, PAGE } from './queries.ts';
import { FAMILY_OF_PEER, FLAT_OF_PEER, PAGE_OF_PEER } from './queries-postgraphile.ts';

export type Name = 'ours' | 'ours without disclosure' | 'limit' | 'PostGraphile' | 'usual stack';

/** One question: where to, and what with for a key (a family's, or a place in the list). */
export type Asking = { path: string; body(key: string): string };

/** A question for a page; `takes` says which form of a place the server takes. */
export type Paging = Asking & { takes: keyof Position };

export type Contender = {
  name: Name;
  /** Module of the server, and arguments after its settings. */
  module: string;
  args: string[];
  family: Asking;
  page: Paging;
  flat: Paging;
  /** How it is told of a Workbook entry, where it can be. */
  entry?: { path: string; body(entry: Entry): string };
};

const graphql = (query: string, variable: string, value: (key: string) => string): Asking => {
  const [before, after] = JSON.stringify({ query, variables: { [variable]: '\0' } }).split('"\\u0000"') as [string, string];
  return { path: '', body: (key) => `${before}${JSON.stringify(value(key))}${after}` };
};
const itself = (key: string) => key;

function addEntry({ idempotencyKey, family, person, occurred }: Entry): string {
  const { behaviour, stageOfChange, capacityForChange, ...said } = SAYS;
  const about = encodeId('Person', person);
  const readings = [{ person: about, behaviour, stageOfChange, capacityForChange }];
  const input = { idempotencyKey, family: encodeId('Family', family), ...said, occurred, persons: [about], readings };
  return JSON.stringify({ query: ADD_ENTRY, variables: { input } });
}

const ours = {
  module: 'servers/ours.ts',
  family: graphql(FAMILY, 'id', (key) => encodeId('Family', key)),
  page: { ...graphql(PAGE, 'after', itself), takes: 'cursor' as const },
  flat: { ...graphql(FLAT, 'after', itself), takes: 'cursor' as const },
};
const byKey = (path: string) => ({ path, body: (key: string) => JSON.stringify({ key }), takes: 'key' as const });

export const CONTENDERS: Contender[] = [
  { name: 'ours', ...ours, args: [], entry: { path: '', body: addEntry } },
  { name: 'ours without disclosure', ...ours, args: ['--no-disclosure'] },
  {
    name: 'limit',
    module: 'servers/limit.ts',
    args: [],
    family: byKey('/family'),
    page: byKey('/page'),
    flat: byKey('/flat'),
    entry: { path: '/entry', body: (entry) => JSON.stringify({ ...entry, ...SAYS }) },
  },
  {
    name: 'PostGraphile',
    module: 'servers/postgraphile.ts',
    args: [],
    family: graphql(FAMILY_OF_PEER, 'id', itself),
    page: { ...graphql(PAGE_OF_PEER, 'after', itself), takes: 'peer' },
    flat: { ...graphql(FLAT_OF_PEER, 'after', itself), takes: 'peer' },
  },
  {
    name: 'usual stack',
    module: 'servers/usual.ts',
    args: [],
    family: ours.family,
    page: { ...ours.page, takes: 'key' },
    flat: { ...ours.flat, takes: 'key' },
  },
];
