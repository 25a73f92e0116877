/** `npm run sdl -- --agency HEALTH` prints the schema as that agency sees it; without an agency, the whole. */

import { parseArgs } from 'node:util';
import { printSchema } from 'graphql';
import { AGENCIES, type Agency } from '../access/classes.ts';
import { viewFor } from '../access/view.ts';
import { productSchema } from '../server.ts';
import { command } from './command.ts';

await command(async () => {
  const { values } = parseArgs({ options: { agency: { type: 'string' } } });
  const { schema, classes } = productSchema();
  const agency = values.agency?.toUpperCase();
  if (agency !== undefined && !AGENCIES.includes(agency as Agency))
    throw new Error(`There is no agency ${agency}; there are ${AGENCIES.join(', ')}.`);
  console.log(printSchema(agency === undefined ? schema : viewFor(schema, classes, agency as Agency)));
});
