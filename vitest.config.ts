import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/global.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more would only wait for PostgreSQL.
    maxWorkers: 2,
    reporters: ['default', 'tests/support/closing-line.ts'],
  },
});
