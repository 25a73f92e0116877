/** The product as it is served, with its disclosure record or (`--no-disclosure`) without. */
import pino from 'pino';
import { developmentIssuer } from '../../src/access/tokens.ts';
import { createServer } from '../../src/server.ts';
import { serve } from './child.ts';

await serve(async ({ server, loginSecret, dataDir }) => {
  const issuer = await developmentIssuer(dataDir);
  const made = await createServer({
    database: { server, loginSecret },
    verify: issuer.verify,
    log: pino({ level: 'error' }),
    // The load is one client's.
    budget: { units: 1e9, restorePerSecond: 1e9 },
    familyBudget: { perUser: 1e9, perSync: 1e9 },
    disclosure: !process.argv.includes('--no-disclosure'),
  });
  const url = await made.listen({ host: '127.0.0.1', port: 0 });
  return { url: `${url}/graphql`, close: () => made.close() };
});
