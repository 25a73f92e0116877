/** Starts the product: configuration, database, server; and stops it in order. */
import type { AddressInfo } from 'node:net';
import { developmentIssuer, remoteVerifier } from './access/tokens.ts';
import { type Config, ConfigError, readConfig } from './config.ts';
import { type Database, openDatabase } from './db/database.ts';
import { prepareDatabase } from './db/prepare.ts';
import { type HeadKeeper, keptFolder, keptKey, readPrivateKey } from './disclosure/heads.ts';
import { addPlayground, demonstrationOutcomeReaders, demonstrationReaders } from './portal/demonstration.ts';
import { addFrontDoor } from './portal/sharing.ts';
import { printWelcome } from './portal/welcome.ts';
import { createServer } from './server.ts';
import { createLog, serveMetrics } from './watch.ts';

/** Where the record's heads are kept: on a desk in the data folder, in production where it says. */
function headKeeper({ production, headsDir, headsKey }: Config, { dataDir, server }: Database): HeadKeeper | null {
  if (production && !headsDir) return null;
  return { dir: headsDir ?? keptFolder(dataDir, server.database), key: headsKey ? readPrivateKey(headsKey) : keptKey(dataDir) };
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = createLog(config.logLevel);
  const database = await openDatabase(config);
  try {
    if (database.ownerUrl) {
      await prepareDatabase(database.ownerUrl, {
        authority: config.authority,
        loginSecret: database.loginSecret,
        demonstration: !config.production,
      });
    }
    const issuer = config.identity ? null : await developmentIssuer(database.dataDir);
    const verify = config.identity
      ? remoteVerifier(config.identity.jwksUrl, config.identity)
      : (issuer as NonNullable<typeof issuer>).verify;
    const heads = headKeeper(config, database);
    if (!heads) log.warn('HEADS_DIR is not set: who owns the database could change the disclosure record and nobody would know');
    const server = await createServer({
      database,
      verify,
      log,
      ...(heads ? { heads } : {}),
      webhooks: { named: config.webhookHosts },
      prepare: config.prepare,
      allowedHosts: config.allowedHosts,
      allowedOrigins: config.allowedOrigins,
      ...(config.clientBudget ? { budget: config.clientBudget } : {}),
      ...(config.familyBudget ? { familyBudget: config.familyBudget } : {}),
      ...(config.playground && issuer
        ? {
            readers: demonstrationReaders(issuer, config.authority),
            outcomeReaders: demonstrationOutcomeReaders(issuer, config.authority),
          }
        : {}),
    });
    addFrontDoor(server.app, config.playground);
    if (config.playground) await addPlayground(server.app, issuer, config.authority);
    const address = await server.listen({ host: config.host, port: config.port });
    const figures =
      config.metricsPort === null ? null : await serveMetrics(server.metrics, { host: config.host, port: config.metricsPort });
    if (figures) log.info({ port: (figures.address() as AddressInfo).port }, 'figures at /metrics');
    if (issuer) printWelcome(address, config.playground, config.dataDir, config.authority);
    else log.info({ address }, 'serving');

    let stopping = false;
    const stop = async (signal: string) => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      // What does not drain within this time is cut off, so that the database is always stopped in order.
      const hurry = setTimeout(() => process.exit(1), 20_000);
      hurry.unref();
      figures?.close();
      await server.close();
      await database.stop();
      process.exit(0);
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
    process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'));
  } catch (error) {
    await database.stop();
    throw error;
  }
}

main().catch((error: Error) => {
  console.error(error instanceof ConfigError ? error.message : `Cannot start: ${error.message}`);
  if (process.env.LOG_LEVEL === 'debug') console.error(error);
  process.exit(1);
});
