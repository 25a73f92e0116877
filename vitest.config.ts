import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const { resolve } = createRequire(import.meta.url);

const patience = { testTimeout: 60_000, hookTimeout: 120_000 };

/** It imports folders, which Vite resolves and Node does not. */
const APOLLO = 'tests/suites/apollo-integration.test.ts';

export default defineConfig({
  test: {
    // Two cores: more would only wait for PostgreSQL.
    maxWorkers: 2,
    reporters: ['default', 'tests/support/closing-line.ts'],
    projects: [
      {
        test: {
          ...patience,
          name: 'tests',
          globalSetup: ['tests/support/global.ts'],
          include: ['tests/**/*.test.ts'],
          exclude: [APOLLO],
          // Node reads our TypeScript by itself, in half the time that Vite's own runner takes.
          experimental: { viteModuleRunner: false },
        },
      },
      {
        // Node takes graphql's CommonJS build; a second, ESM copy would have classes of its own.
        resolve: { alias: [{ find: /^graphql$/, replacement: resolve('graphql') }] },
        test: {
          ...patience,
          name: 'apollo',
          include: [APOLLO],
          server: { deps: { inline: ['@apollo/server-integration-testsuite'] } },
        },
      },
    ],
  },
});
