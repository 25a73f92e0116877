/** Fails if the tables in the code are not what the migrations in `drizzle/` make. */

import { globSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import config from '../../drizzle.config.ts';
import { classifiedTables } from '../db/classified.ts';
import { command } from './command.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** What drizzle-kit wrote with the newest migration. */
function newestSnapshot(): Parameters<typeof generateMigration>[0] {
  const folder = path.join(root, 'drizzle/meta');
  const newest = readdirSync(folder)
    .filter((file) => file.endsWith('_snapshot.json'))
    .sort()
    .at(-1);
  return JSON.parse(readFileSync(path.join(folder, newest as string), 'utf8'));
}

/** The tables that the server and the access SQL know: those that `src/modules/tables.ts` imports. */
async function registeredTables(): Promise<Set<unknown>> {
  await import('../modules/tables.ts');
  return new Set(classifiedTables().map(({ table }) => table));
}

await command(async () => {
  const registered = await registeredTables();
  const files = globSync(config.schema as string[], { cwd: root });
  const modules = await Promise.all(files.map((file) => import(path.join(root, file))));
  // A table that one file hands on from another is one table.
  const tables = Object.fromEntries([...new Set(modules.flatMap((module) => Object.values(module)))].map((table, i) => [`t${i}`, table]));
  const forgotten = classifiedTables().find(({ table }) => !registered.has(table));
  if (forgotten) throw new Error(`The table ${forgotten.name} is in no file that src/modules/tables.ts imports: add its file there.`);
  const before = newestSnapshot();
  const statements = await generateMigration(before, generateDrizzleJson(tables, before.id, config.schemaFilter as string[]));
  if (statements.length > 0) {
    const first = (statements[0] as string).replace(/\s+/g, ' ').slice(0, 120);
    throw new Error(
      `The tables are not what drizzle/ makes: run "npm run db:generate". It would write, first of ${statements.length}: ${first}`,
    );
  }
});
