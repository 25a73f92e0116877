/** `npm run db:migrate`: migrations, access policies, reference data and logins, as the database's owner. */
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import { prepareDatabase } from '../db/prepare.ts';
import { command } from './command.ts';

await command(async () => {
  const config = readConfig(process.env);
  const database = await openDatabase(config);
  try {
    if (!database.ownerUrl) throw new Error('DATABASE_URL is not set: migrations need the address of the database’s owner.');
    await prepareDatabase(database.ownerUrl, { authority: config.authority, loginSecret: database.loginSecret, demonstration: false });
    const { host, port, database: name } = database.server;
    console.log(`${name} on ${host}:${port} is at this version: tables, policies, reference data of ${config.authority}, logins.`);
  } finally {
    await database.stop();
  }
});
