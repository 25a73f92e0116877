/**
 * What a suite written for Jest imports, given by Vitest. npm links this folder as `jest` and `@jest/globals`, which such
 * a suite asks for as peers: Jest itself would be a second test runner of 250 packages that nothing here runs.
 */
import { afterEach as afterEachOfVitest, vi } from 'vitest';

export { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';

/** Vitest passes a hook its context where Jest passes `done`. */
export function afterEach(hook: (done?: () => void) => unknown): void {
  afterEachOfVitest(async () => {
    await (hook.length === 0 ? hook() : new Promise<void>((done) => hook(done)));
  });
}

export const jest = vi;
