/** What a newcomer reads after the first start: what to try next. */
import { callersOf, DEMONSTRATION_AUTHORITY } from '../db/callers.ts';
import type { Persona } from '../db/personas.ts';
import { DEMONSTRATION_FAMILY } from './demonstration.ts';

/**
 * Prints the playground's address and one line for each agency: to fetch its view of one family of the demonstration, or
 * where there is none to ask who one is and what one may see.
 */
export function printWelcome(
  address: string,
  playground: boolean,
  dataDir: string | null = null,
  authority: string = DEMONSTRATION_AUTHORITY,
): void {
  const told = authority === DEMONSTRATION_AUTHORITY;
  const at = address.replace('0.0.0.0', 'localhost').replace('127.0.0.1', 'localhost').replace('[::1]', 'localhost');
  const family = `{"query":"query($id: ID!) { family(id: $id) { name stage members { role { label } person { givenName } } workbook { totalCount { value } } } }","variables":{"id":"${DEMONSTRATION_FAMILY}"}}`;
  const why = `{"query":"query($id: ID!) { explainAccess(client: \\"thames-valley-police-protection\\", user: \\"harriet.coyle\\", family: $id, field: \\"Family.workbook\\") { verdict steps { words } } }","variables":{"id":"${DEMONSTRATION_FAMILY}"}}`;
  const viewer = `{"query":"{ viewer { organisationName agency purposes classes { class level } } }"}`;
  const query = told ? family : viewer;
  // The key that signs tokens is in the data folder.
  const where = `${told ? '' : `AUTHORITY=${authority} `}${dataDir === null ? '' : `DATA_DIR=${dataDir} `}`;
  const port = new URL(at).port;
  const lines = [
    '',
    `Serving ${at}/graphql`,
    ...(playground ? [`Playground ${at}/playground — switch between the agencies${told ? ' and see the same family change' : ''}`] : []),
    `Agreement  ${at}/sharing — who is given what, to read; ${at}/sharing/family: what would they see of a family?`,
    `Outcomes   ${at}/outcomes — the outcome framework in pictures, as each client may see it`,
    '',
    told
      ? 'The same family, as each agency sees it (in another terminal, in this folder):'
      : 'The record is empty; the first of these callers can put a family on it (registerFamily). In another terminal, in this folder:',
  ];
  const { personas, governance } = callersOf(authority);
  const curl = ({ label, client, user, purpose }: Persona, asking: string) =>
    lines.push(
      `\n# ${label}`,
      `curl -s ${at}/graphql -H "Authorization: Bearer $(${where}npm run -s token -- --client ${client} --user ${user})" -H 'X-Purpose-Of-Use: ${purpose}' -H 'Content-Type: application/json' -d '${asking}'`,
    );
  for (const persona of personas) curl(persona, query);
  const [lead] = governance;
  if (lead) curl(lead, told ? why : viewer);
  lines.push(
    '',
    told
      ? `All of them side by side: ${port === '4000' ? '' : `PORT=${port} `}${where}npm run demo`
      : `Every client and user: ${where}npm run token -- --list`,
    '',
  );
  console.log(lines.join('\n'));
}
