/**
 * PostGraphile 5 on the organisation's own login: the same roles and row-level security; no settings per request, so no
 * transaction per request. It checks no token and writes no record.
 */
import { createServer } from 'node:http';
import pg from 'pg';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { loginName, loginPassword } from '../../src/db/logins.ts';
import { CONNECTIONS, serve } from './child.ts';

await serve(async ({ server, loginSecret, organisation }) => {
  const user = loginName(server.database, organisation, 'daily');
  const pool = new pg.Pool({
    host: server.host,
    port: server.port,
    database: server.database,
    user,
    password: loginPassword(loginSecret, user),
    max: CONNECTIONS,
  });
  pool.on('error', () => {});
  const instance = postgraphile({
    extends: [PostGraphileAmberPreset],
    // It leaves out relations whose foreign key has an index on its first column only, as that of an entry's rows has.
    disablePlugins: ['PgIndexBehaviorsPlugin'],
    pgServices: [makePgService({ pool, schemas: ['fsp'] })],
    grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false },
    grafast: { explain: false },
  } as never);
  const http = createServer();
  const serving = instance.createServ(grafserv as never) as unknown as { addTo(target: unknown): Promise<void> };
  await serving.addTo(http);
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    async close() {
      http.close();
      http.closeAllConnections();
      await (instance as unknown as { release(): Promise<void> }).release();
      await pool.end();
    },
  };
});
