/**
 * `npm run token -- --client <id> [--user <subject>]` prints a development token, of the demonstration's clients or of
 * those that were added; `--list` names the demonstration's clients and users, `--agency HEALTH` those of one agency.
 */
import { parseArgs } from 'node:util';
import { AGENCIES, type Agency } from '../access/classes.ts';
import { developmentIssuer } from '../access/tokens.ts';
import { readConfig } from '../config.ts';
import { type Callers, callersOf } from '../db/callers.ts';
import { defaultDataDir } from '../db/embedded.ts';
import { demonstrationToken } from '../portal/demonstration.ts';
import { agencyNamed, command } from './command.ts';
import { commandAsOwner } from './owner.ts';

/** Users named in the list of all agencies, of each organisation; the list of one agency names every one. */
const FIRST_USERS = 4;

/** Prints the clients and users of agencies, organisation by organisation. */
function list(callers: Callers, agencies: readonly Agency[], firstUsers: number): void {
  for (const agency of agencies) {
    const organisations = callers.organisations(agency);
    const clients = callers.clients.filter(({ organisation }) => organisations.includes(organisation));
    console.log(`${agency} (organisations: ${organisations.length}, clients: ${clients.length})`);
    for (const organisation of organisations) {
      console.log(`  ${organisation}`);
      for (const { id, purposes } of clients.filter((client) => client.organisation === organisation))
        console.log(`    client ${id} (${purposes.join(' ')})`);
      const users = callers.users.filter((user) => user.organisation === organisation).map(({ subject }) => subject);
      const more = users.length > firstUsers ? ` and ${users.length - firstUsers} more (--agency ${agency})` : '';
      if (users.length > 0) console.log(`    users ${users.slice(0, firstUsers).join(' ')}${more}`);
    }
  }
}

await command(async () => {
  const { values } = parseArgs({
    options: { client: { type: 'string' }, user: { type: 'string' }, list: { type: 'boolean' }, agency: { type: 'string' } },
  });
  const config = readConfig(process.env);
  if (config.production || config.identity) throw new Error('Development tokens are refused here: the identity provider issues tokens.');
  const callers = callersOf(config.authority);
  if (values.agency !== undefined) return list(callers, [agencyNamed(values.agency)], Number.POSITIVE_INFINITY);
  if (values.list) {
    console.log('Any user of an organisation works through any of its clients.\n');
    return list(callers, AGENCIES, FIRST_USERS);
  }
  const [first] = callers.personas;
  if (!values.client)
    throw new Error(`Say for which client: npm run token -- --client ${first?.client} --user ${first?.user} (or --list).`);
  const { client: clientId, user = null } = values;
  const issuer = await developmentIssuer(config.dataDir ?? defaultDataDir());
  if (callers.clients.some(({ id }) => id === clientId))
    return console.log(await demonstrationToken(issuer, clientId, user, config.authority));
  const found = await commandAsOwner(process.env, async (owner) => {
    const text = 'select o.code, c.scopes from fsp.client c join fsp.organisation o on o.id = c.organisation where c.id = $1';
    return (await owner.query<{ code: string; scopes: string[] }>(text, [clientId])).rows[0];
  });
  if (!found)
    throw new Error(`There is no client ${clientId}; "npm run token -- --list" and "npm run organisation -- client list" name them.`);
  console.log(await issuer.sign({ clientId, organisation: found.code, scopes: found.scopes, user }));
});
