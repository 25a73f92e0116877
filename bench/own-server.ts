/** A server of the product over an embedded database of its own. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { type DevelopmentIssuer, developmentIssuer } from '../src/access/tokens.ts';
import { parseDatabaseServer } from '../src/config.ts';
import { startEmbedded } from '../src/db/embedded.ts';
import { prepareDatabase } from '../src/db/prepare.ts';
import { createServer, type Server } from '../src/server.ts';

const LOGIN_SECRET = 'the secret of the logins of a bench on loopback';
const UNLIMITED = { units: 1e9, restorePerSecond: 1e9 };

/**
 * Asks a server without budgets, with the demonstration in its database; both are gone when the work is done.
 *
 * @param fill adds what is measured, as the database's owner.
 */
export async function withOwnServer(
  name: string,
  fill: (owner: pg.Client) => Promise<unknown>,
  work: (server: Server, issuer: DevelopmentIssuer) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), `fsp-bench-${name}-`));
  // Run as root, PostgreSQL works as another account, which must get there.
  chmodSync(dataDir, 0o755);
  const embedded = await startEmbedded(dataDir, 'bench');
  try {
    await prepareDatabase(embedded.databaseUrl, {
      authority: 'oxfordshire',
      loginSecret: LOGIN_SECRET,
      demonstration: true,
      record: false,
    });
    const owner = new pg.Client({ connectionString: embedded.databaseUrl });
    await owner.connect();
    await fill(owner);
    await owner.end();
    const issuer = await developmentIssuer(null);
    const server = await createServer({
      database: { server: parseDatabaseServer(embedded.databaseUrl), loginSecret: LOGIN_SECRET },
      verify: issuer.verify,
      log: pino({ level: 'silent' }),
      budget: UNLIMITED,
      publicBudget: UNLIMITED,
      familyBudget: { perUser: 1e9, perSync: 1e9 },
    });
    await work(server, issuer);
    await server.close();
  } finally {
    await embedded.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
