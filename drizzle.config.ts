import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: [
    './src/modules/*/tables.ts',
    './src/modules/plan/{legal,care,family-plan}.ts',
    './src/modules/district/directory.ts',
    './src/modules/sharing/ledger.ts',
    './src/modules/outcome/{framework,observations,figures}.ts',
    './src/change/tables.ts',
    './src/disclosure/tables.ts',
  ],
  out: './drizzle',
  schemaFilter: ['fsp'],
});
