/**
 * The only importer of graphql-shield. Its ESM build imports `isUndefined` from `util`, which Node 23 removed
 * (maticzav/graphql-shield 1561), so the CommonJS build is loaded, and graphql-middleware's with it: one of each kind
 * would be two copies of graphql-middleware. Only `rule`, `allow` and `deny` are used: `not` grants when a rule throws,
 * `chain` and `race` throw on Node 24, and `strict` caching lets two rules of one name share an answer.
 */
import { createRequire } from 'node:module';
import util from 'node:util';
import type * as Middleware from 'graphql-middleware';
import type * as Shield from 'graphql-shield';

const load = createRequire(import.meta.url);
(util as unknown as { isUndefined: (value: unknown) => boolean }).isUndefined ??= (value) => value === undefined;

const { shield, rule, allow, deny } = load('graphql-shield') as typeof Shield;
const { applyMiddleware } = load('graphql-middleware') as typeof Middleware;

/** A rule as the plan asks it. */
export type AskableRule = {
  resolve(parent: unknown, args: unknown, context: unknown, info: unknown, options: unknown): Promise<unknown>;
};

export { allow, applyMiddleware, deny, rule, shield };
