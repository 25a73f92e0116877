/** Commands that ask as an application of the authority's asks: the same rules, limits and disclosure record, inside this process. */
import pino from 'pino';
import type { Purpose } from '../access/agreement.ts';
import { createGate } from '../access/gate.ts';
import type { Claims } from '../access/tokens.ts';
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import type { Answered, AskAs } from '../exchange/record-system.ts';
import { createServer } from '../server.ts';

const LONGEST_WAIT_SECONDS = 3_600;
const HOUR_OF_A_JOB = 24 * 3_600;

/**
 * Runs a command's work as a client of the database, whether or not a server is running on it.
 *
 * @param caller the client's id; without one the only client there is that has the purpose.
 */
export async function commandAsClient<T>(
  env: NodeJS.ProcessEnv,
  caller: { client: string | undefined; purpose: Purpose },
  work: (ask: AskAs) => Promise<T>,
): Promise<T> {
  const config = readConfig(env);
  const database = await openDatabase(config, true);
  const log = pino({ level: 'error' }, pino.destination(2));
  try {
    const gate = createGate(database.server, database.loginSecret);
    const known = (await gate.clients().finally(() => gate.end())).filter(({ purposes }) => purposes.includes(caller.purpose));
    const named = caller.client === undefined ? known : known.filter(({ id }) => id === caller.client);
    const [client] = named;
    if (!client)
      throw new Error(`There is no ${caller.client === undefined ? '' : `client ${caller.client} `}that may ask with ${caller.purpose}.`);
    if (named.length > 1) throw new Error(`Say as which: --client ${named.map(({ id }) => id).join(' | ')}`);
    const claims: Claims = {
      jti: 'command-line',
      subject: client.id,
      clientId: client.id,
      organisation: client.organisation.code,
      scopes: client.scopes,
      expires: Math.floor(Date.now() / 1000) + HOUR_OF_A_JOB,
    };
    const server = await createServer({
      database,
      verify: async () => claims,
      log,
      prepare: config.prepare,
      // What an operator starts is bounded by its work; the families that it opens are counted all the same.
      budget: { units: 1e9, restorePerSecond: 1e9 },
      ...(config.familyBudget ? { familyBudget: config.familyBudget } : {}),
    });
    try {
      return await work(async <Data>(query: string, variables: Record<string, unknown>): Promise<Answered<Data>> => {
        for (;;) {
          const { statusCode, headers, body } = await server.app.inject({
            method: 'POST',
            url: '/graphql',
            headers: { authorization: 'Bearer command-line', 'content-type': 'application/json', 'x-purpose-of-use': caller.purpose },
            payload: JSON.stringify({ query, variables }),
          });
          const wait = Number(headers['retry-after'] ?? 0);
          if ((statusCode === 429 || statusCode === 503) && wait > 0 && wait <= LONGEST_WAIT_SECONDS) {
            await new Promise((resolve) => setTimeout(resolve, wait * 1000));
            continue;
          }
          const { data = null, errors = [] } = JSON.parse(body) as Partial<Answered<Data>>;
          if (statusCode !== 200) throw new Error(`It was refused: ${errors[0]?.message ?? `status ${statusCode}`}`);
          return { data, errors };
        }
      });
    } finally {
      await server.close();
    }
  } finally {
    await database.stop();
  }
}
