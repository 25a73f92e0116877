import { print } from 'graphql';
import pino from 'pino';
import { developmentIssuer } from '../access/tokens.ts';
import { readConfig } from '../config.ts';
import { openDatabase } from '../db/database.ts';
import { prepareDatabase } from '../db/prepare.ts';
import { PERSONAS } from '../db/personas.ts';
import { demonstrationToken, DEMONSTRATION_FAMILY, operation } from '../portal/demonstration.ts';
import { createServer } from '../server.ts';
const config = readConfig(process.env);
console.time('open');
const database = await openDatabase(config);
console.timeEnd('open');
await prepareDatabase(database.ownerUrl!, { authority: config.authority, loginSecret: database.loginSecret, demonstration: true });
console.timeEnd('open');
const issuer = await developmentIssuer(database.dataDir);
const server = await createServer({ database, verify: issuer.verify, log: pino({ level: 'info' }, pino.destination(2)) });
for (const p of Object.values(PERSONAS)) {
  const r = await server.app.inject({ method: 'POST', url: '/graphql', headers: { authorization: `Bearer ${await demonstrationToken(issuer, p.client, p.user)}`, 'x-purpose-of-use': p.purpose, 'content-type': 'application/json' }, payload: { query: operation('side-by-side'), variables: { id: DEMONSTRATION_FAMILY } } });
  console.log('=====', p.key, r.statusCode); console.log(JSON.stringify(JSON.parse(r.body), null, 1));
}
await server.close(); await database.stop();
