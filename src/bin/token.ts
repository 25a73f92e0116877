/** `npm run token -- --client <id> [--user <subject>]` prints a development token; `--list` names clients and users. */
import { parseArgs } from 'node:util';
import { developmentIssuer } from '../access/tokens.ts';
import { readConfig } from '../config.ts';
import { defaultDataDir } from '../db/embedded.ts';
import { CLIENTS, USERS } from '../db/personas.ts';
import { demonstrationToken } from '../portal/demonstration.ts';
import { command } from './command.ts';

await command(async () => {
  const { values } = parseArgs({ options: { client: { type: 'string' }, user: { type: 'string' }, list: { type: 'boolean' } } });
  const config = readConfig(process.env);
  if (config.production || config.identity) throw new Error('Development tokens are refused here: the identity provider issues tokens.');
  if (values.list) {
    for (const client of CLIENTS) {
      const users = USERS.filter(({ organisation }) => organisation === client.organisation).map(({ subject }) => subject);
      console.log(
        `${client.id}  (${client.organisation}; ${client.purposes.join(' ')})${users.length > 0 ? `\n    users: ${users.join(' ')}` : ''}`,
      );
    }
    return;
  }
  if (!values.client) throw new Error('Say for which client: npm run token -- --client occ-social-care --user grace.whitlock (or --list).');
  const issuer = await developmentIssuer(config.dataDir ?? defaultDataDir());
  console.log(await demonstrationToken(issuer, values.client, values.user ?? null));
});
