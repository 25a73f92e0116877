/** `npm run sdl -- --agency HEALTH` prints the schema as that agency sees it; without an agency, the whole. */

import { parseArgs } from 'node:util';
import { printSchema } from 'graphql';
import { viewFor } from '../access/view.ts';
import { productSchema } from '../server.ts';
import { agencyNamed, command } from './command.ts';

await command(async () => {
  const { values } = parseArgs({ options: { agency: { type: 'string' } } });
  const { schema, classes } = productSchema();
  const agency = values.agency === undefined ? undefined : agencyNamed(values.agency);
  console.log(printSchema(agency === undefined ? schema : viewFor(schema, classes, agency)));
});
