/** Says what is wrong with the schema, by file and name, before anything is generated from it. */
import { GraphQLError } from 'graphql';
import { gatheringFaults } from '../access/gathering.ts';
import { erasingFaults } from '../db/erasing.ts';
import { productSchema } from '../server.ts';

try {
  productSchema();
  // A table that a person's rights would forget.
  const faults = [...gatheringFaults(), ...erasingFaults()];
  if (faults.length > 0) throw new Error(faults.join('\n'));
} catch (error) {
  // A GraphQL error's own text has the file, the line and the place.
  console.error(error instanceof GraphQLError ? String(error) : (error as Error).message);
  process.exitCode = 1;
}
