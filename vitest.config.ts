import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const { resolve } = createRequire(import.meta.url);

// The commands that are tried start hundreds of processes: what one has compiled, the next one finds.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/node', import.meta.url));

const patience = { testTimeout: 60_000, hookTimeout: 120_000 };

/** It imports folders, which Vite resolves and Node does not. */
const APOLLO = 'tests/suites/apollo-integration.test.ts';

/** They put something in a module's place, change the clock, or leave a folder behind: each has a process of its own. */
const ALONE = [
  'tests/access/{identity-provider,tokens}.test.ts',
  'tests/attacks/timing.test.ts',
  'tests/bin/**/*.test.ts',
  'tests/db/prepare.test.ts',
  'tests/docs/handbook.test.ts',
  'tests/modules/sharing-explain/explain.test.ts',
];

// Node reads our TypeScript by itself, in half the time that Vite's own runner takes.
const native = { experimental: { viteModuleRunner: false } };

export default defineConfig({
  test: {
    globalSetup: ['tests/support/global.ts'],
    // Two cores: more would only wait for PostgreSQL.
    maxWorkers: 2,
    reporters: ['default', 'tests/support/closing-line.ts'],
    projects: [
      {
        // All others share what they import, which takes longer than most of them.
        test: { ...patience, ...native, name: 'tests', isolate: false, include: ['tests/**/*.test.ts'], exclude: [APOLLO, ...ALONE] },
      },
      { test: { ...patience, ...native, name: 'alone', include: ALONE } },
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
