/** Says what is wrong with the schema, by file and name, before anything is generated from it. */
import { GraphQLError } from 'graphql';
import { productSchema } from '../server.ts';

try {
  productSchema();
} catch (error) {
  // A GraphQL error's own text has the file, the line and the place.
  console.error(error instanceof GraphQLError ? String(error) : (error as Error).message);
  process.exitCode = 1;
}
