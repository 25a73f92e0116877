/**
 * The usual stack: Apollo Server, resolvers, DataLoader, a graphql-shield rule on every field, plain SQL for each
 * level, on the organisation's own login.
 */
import { createRequire } from 'node:module';
import util from 'node:util';
import { ApolloServer } from '@apollo/server';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import { makeExecutableSchema } from '@graphql-tools/schema';
import Fastify from 'fastify';
import type { GraphQLSchema } from 'graphql';
import type * as Middleware from 'graphql-middleware';
import type * as Shield from 'graphql-shield';
import postgres from 'postgres';
import { developmentIssuer } from '../../src/access/tokens.ts';
import { loginName } from '../../src/db/logins.ts';
import { clientOptions } from '../../src/db/pools.ts';
import { CONNECTIONS, serve } from './child.ts';
import { type Caller, loadersFor, resolvers, typeDefs } from './usual-schema.ts';

// graphql-shield's ESM build imports what Node 23 removed; the CommonJS build works once it is put back.
const load = createRequire(import.meta.url);
(util as unknown as { isUndefined: (value: unknown) => boolean }).isUndefined ??= (value) => value === undefined;
const { shield, rule, deny } = load('graphql-shield') as typeof Shield;
const { applyMiddleware } = load('graphql-middleware') as typeof Middleware;

/** A rule for each field, asked whenever the field is resolved; contextual caching spares it within a request. */
function guarded(schema: GraphQLSchema): GraphQLSchema {
  const mayRead = rule('mayRead', { cache: 'contextual' })((_parent, _args, { caller }: { caller: Caller }) =>
    caller.scopes.has('family:read'),
  );
  const tree: Record<string, Record<string, unknown>> = {};
  for (const [name, type] of Object.entries(schema.getTypeMap())) {
    if (name.startsWith('__') || !('getFields' in type) || !('isTypeOf' in type)) continue;
    tree[name] = Object.fromEntries(Object.keys(type.getFields()).map((field) => [field, mayRead]));
  }
  return applyMiddleware(
    schema as never,
    shield(tree as never, { fallbackRule: deny, allowExternalErrors: true }) as never,
  ) as unknown as GraphQLSchema;
}

await serve(async ({ server, loginSecret, organisation, dataDir }) => {
  const issuer = await developmentIssuer(dataDir);
  const { types: _text, ...options } = clientOptions(server, loginName(server.database, organisation, 'daily'), loginSecret, CONNECTIONS);
  const sql = postgres(options);
  const apollo = new ApolloServer({
    schema: guarded(makeExecutableSchema({ typeDefs, resolvers })),
    introspection: false,
    nodeEnv: 'production',
    stopOnTerminationSignals: false,
  });
  await apollo.start();
  const app = Fastify({ logger: false });
  app.route({
    method: 'POST',
    url: '/graphql',
    handler: fastifyApolloHandler(
      apollo as never,
      {
        context: async (request: { headers: Record<string, unknown> }) => {
          const claims = await issuer.verify(String(request.headers.authorization ?? '').slice('Bearer '.length));
          if (!claims) throw new Error('Unauthenticated');
          return { caller: { user: claims.subject, scopes: new Set(claims.scopes) }, loaders: loadersFor(sql) };
        },
      } as never,
    ) as never,
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url: `${url}/graphql`,
    async close() {
      await app.close();
      await apollo.stop();
      await sql.end({ timeout: 5 });
    },
  };
});
