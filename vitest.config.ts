import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const { resolve } = createRequire(import.meta.url);

export default defineConfig({
  // Node takes graphql's CommonJS build; a second, ESM copy would have classes of its own.
  resolve: { alias: [{ find: /^graphql$/, replacement: resolve('graphql') }] },
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // It imports folders, which Vite resolves and Node does not.
    server: { deps: { inline: ['@apollo/server-integration-testsuite'] } },
    // Two cores: more would only wait for PostgreSQL.
    maxWorkers: 2,
    reporters: ['default', 'tests/support/closing-line.ts'],
  },
});
