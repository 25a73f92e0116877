/** Writes `drizzle/access.sql` from the agreement and the tables. `--check`: fails if the file is not what would be written. */
import { readFileSync, writeFileSync } from 'node:fs';
import { accessSql } from '../access/policies.ts';
import '../modules/tables.ts';

const file = new URL('../../drizzle/access.sql', import.meta.url);
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== accessSql()) {
    console.error('drizzle/access.sql is not what the agreement and the tables say: run "npm run db:generate".');
    process.exit(1);
  }
} else writeFileSync(file, accessSql());
