/**
 * The limit: no GraphQL at all. Fastify, a token check, one hand-written statement for each question, and PostgreSQL's
 * JSON text passed on as it came, on the same login with the same settings as the product.
 */
import Fastify from 'fastify';
import postgres from 'postgres';
import { developmentIssuer } from '../../src/access/tokens.ts';
import { clientOptions } from '../../src/db/pools.ts';
import { loginName } from '../../src/db/logins.ts';
import { CONNECTIONS, serve } from './child.ts';
import { familySql, pageSql } from './limit-sql.ts';

await serve(async ({ server, loginSecret, organisation, loginId, dataDir }) => {
  const issuer = await developmentIssuer(dataDir);
  const sql = postgres(clientOptions(server, loginName(server.database, organisation, false), loginSecret, CONNECTIONS));
  const statements = { family: familySql(loginId), page: pageSql(loginId) };
  const app = Fastify({ logger: false });
  for (const [name, statement] of Object.entries(statements)) {
    app.post(`/${name}`, async (request, reply) => {
      const claims = await issuer.verify((request.headers.authorization ?? '').slice('Bearer '.length));
      if (!claims) return reply.code(401).send();
      const { key } = request.body as { key: string };
      const [row] = await sql.unsafe<{ j: string }[]>(statement, [claims.subject, key], { prepare: true });
      return reply.type('application/json; charset=utf-8').send(`{"data":{${row?.j ?? '"family":null'}}}`);
    });
  }
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    async close() {
      await app.close();
      await sql.end({ timeout: 5 });
    },
  };
});
