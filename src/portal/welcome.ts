/** What a newcomer reads after the first start: what to try next. */
import { PERSONAS } from '../db/personas.ts';
import { DEMONSTRATION_FAMILY } from './demonstration.ts';

/** Prints the playground's address and one line for each agency that fetches its view of one family. */
export function printWelcome(address: string, playground: boolean, dataDir: string | null = null): void {
  const at = address.replace('0.0.0.0', 'localhost').replace('127.0.0.1', 'localhost').replace('[::1]', 'localhost');
  const query = `{"query":"query($id: ID!) { family(id: $id) { name stage members { role { label } person { givenName } } withheld { field reason } } }","variables":{"id":"${DEMONSTRATION_FAMILY}"}}`;
  // The key that signs tokens is in the data folder.
  const where = dataDir === null ? '' : `DATA_DIR=${dataDir} `;
  const lines = [
    '',
    `Serving ${at}/graphql`,
    ...(playground ? [`Playground ${at}/playground — switch between the agencies and see the same family change`] : []),
    '',
    'The same family, as each agency sees it (in another terminal, in this folder):',
  ];
  for (const { label, client, user, purpose } of Object.values(PERSONAS)) {
    lines.push(
      `\n# ${label}`,
      `curl -s ${at}/graphql -H "Authorization: Bearer $(${where}npm run -s token -- --client ${client} --user ${user})" -H 'X-Purpose-Of-Use: ${purpose}' -H 'Content-Type: application/json' -d '${query}'`,
    );
  }
  lines.push('', `All of them side by side: ${where}npm run demo`, '');
  console.log(lines.join('\n'));
}
