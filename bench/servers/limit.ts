/**
 * The limit: no GraphQL at all. Fastify, a token check, one hand-written statement for each question and for the write
 * (which so is one transaction), and PostgreSQL's JSON text passed on as it came, on the same login with the same
 * settings as the product.
 */
import { createHash, randomUUID } from 'node:crypto';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import postgres from 'postgres';
import { type Claims, developmentIssuer } from '../../src/access/tokens.ts';
import { loginName } from '../../src/db/logins.ts';
import { USERS } from '../../src/db/personas.ts';
import { clientOptions } from '../../src/db/pools.ts';
import { encodeId } from '../../src/read/ids.ts';
import type { Entry, SAYS } from '../entries.ts';
import { CONNECTIONS, serve } from './child.ts';
import { entrySql, familySql, flatSql, pageSql, writtenSql } from './limit-sql.ts';

/** What is checked of an entry before the database is asked. */
const ENTRY = {
  type: 'object',
  required: ['idempotencyKey', 'family', 'person', 'module', 'discipline', 'sessionType', 'occurred', 'behaviour', 'stageOfChange'],
  properties: {
    idempotencyKey: { type: 'string', minLength: 1, maxLength: 200 },
    family: { type: 'string', pattern: '^[0-9]{1,18}$' },
    person: { type: 'string', pattern: '^[0-9]{1,18}$' },
    module: { type: 'string', minLength: 1, maxLength: 200 },
    occurred: { type: 'string', format: 'date-time' },
    narrative: { type: 'string', maxLength: 20_000 },
    stageOfChange: { enum: ['PRECONTEMPLATION', 'CONTEMPLATION', 'PREPARATION', 'ACTION', 'MAINTENANCE', 'RELAPSE'] },
    capacityForChange: { type: 'integer', minimum: 1, maximum: 5 },
  },
};

/** Names of those who may write, by their tokens' subject; held in memory, as the product holds them. */
const NAMES = new Map(USERS.map(({ subject, name }) => [subject, name]));

await serve(async ({ server, loginSecret, organisation, loginId, dataDir }) => {
  const issuer = await developmentIssuer(dataDir);
  const sql = postgres(clientOptions(server, loginName(server.database, organisation, 'daily'), loginSecret, CONNECTIONS));
  const run = <R extends object>(statement: string, parameters: string[]) => sql.unsafe<R[]>(statement, parameters, { prepare: true });
  const app = Fastify({ logger: false });
  const checked = async (request: FastifyRequest, reply: FastifyReply): Promise<Claims | null> => {
    const claims = await issuer.verify((request.headers.authorization ?? '').slice('Bearer '.length));
    if (!claims) await reply.code(401).send();
    return claims;
  };

  const [family, page, flat] = [familySql(loginId), pageSql(loginId), flatSql(loginId)];
  const questions: Record<string, (user: string, key: string) => [string, string[]]> = {
    family: (user, key) => [family, [user, key]],
    page: (user, key) => [page, [user, key]],
    flat: (_, key) => [flat, [key]],
  };
  for (const [name, question] of Object.entries(questions)) {
    app.post(`/${name}`, async (request, reply) => {
      const claims = await checked(request, reply);
      if (!claims) return reply;
      const [row] = await run<{ j: string }>(...question(claims.subject, (request.body as { key: string }).key));
      return reply.type('application/json; charset=utf-8').send(`{"data":{${row?.j ?? '"family":null'}}}`);
    });
  }

  const add = entrySql(loginId);
  app.post('/entry', { schema: { body: ENTRY } }, async (request, reply) => {
    const claims = await checked(request, reply);
    if (!claims) return reply;
    const { idempotencyKey, ...said } = request.body as Entry & typeof SAYS;
    const { clientId, subject } = claims;
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([subject, said]))
      .digest('hex');
    const { module, discipline, sessionType, occurred, narrative, behaviour, stageOfChange, capacityForChange } = said;
    const entry = [subject, module, discipline, sessionType, occurred, NAMES.get(subject) ?? clientId, narrative, said.family, said.person];
    const reading = [behaviour, stageOfChange, String(capacityForChange)];
    const purpose = String(request.headers['x-purpose-of-use']);
    const told = [clientId, purpose, randomUUID(), idempotencyKey, fingerprint];
    const [row] = await run<{ id: string }>(add, [...entry, ...reading, ...told]).catch((error) => {
      if ((error as { code?: string }).code !== '23505') throw error;
      return run<{ id: string }>(writtenSql, [clientId, idempotencyKey, fingerprint]);
    });
    if (!row) return reply.code(422).send();
    return { data: { addWorkbookEntry: { entry: { id: encodeId('WorkbookEntry', row.id) }, userErrors: [] } } };
  });

  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    async close() {
      await app.close();
      await sql.end({ timeout: 5 });
    },
  };
});
