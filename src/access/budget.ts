/**
 * What a client may ask within a time, in units of cost: a bucket for each client that fills steadily. Each server
 * counts for itself, so that no answer waits for a counter elsewhere; with n servers a client has n budgets.
 */
import { LIMITS } from '../limits.ts';

export type Budget = { units: number; restorePerSecond: number };

export type Taken = {
  granted: boolean;
  /** Units left, rounded down. */
  remaining: number;
  /** Seconds until what was asked for is there; 0 where it was granted. */
  wait: number;
};

export type Budgets = {
  readonly budget: Budget;
  /** Takes units, if there are so many. */
  take(client: string, units: number): Taken;
  /** Corrects what was taken by what it really cost, more or less; gives what is left. */
  settle(client: string, taken: number, cost: number): number;
  /** Units left. */
  left(client: string): number;
};

export const DEFAULT_BUDGET: Budget = { units: LIMITS.budget, restorePerSecond: LIMITS.budgetRestore };

/** @param now milliseconds of a clock that never goes back. */
export function createBudgets(budget: Budget = DEFAULT_BUDGET, now: () => number = () => performance.now()): Budgets {
  const buckets = new Map<string, { units: number; at: number }>();
  const bucketOf = (client: string) => {
    const at = now();
    let bucket = buckets.get(client);
    if (!bucket) {
      if (buckets.size >= LIMITS.budgets) forgetFull(at);
      bucket = { units: budget.units, at };
      buckets.set(client, bucket);
    }
    bucket.units = Math.min(budget.units, bucket.units + ((at - bucket.at) / 1000) * budget.restorePerSecond);
    bucket.at = at;
    return bucket;
  };
  /** A bucket that is full again is as good as none. */
  const forgetFull = (at: number) => {
    for (const [client, bucket] of buckets) {
      if (bucket.units + ((at - bucket.at) / 1000) * budget.restorePerSecond >= budget.units) buckets.delete(client);
    }
  };
  return {
    budget,
    take(client, units) {
      const bucket = bucketOf(client);
      if (bucket.units < units) {
        return { granted: false, remaining: remainingOf(bucket.units), wait: Math.ceil((units - bucket.units) / budget.restorePerSecond) };
      }
      bucket.units -= units;
      return { granted: true, remaining: remainingOf(bucket.units), wait: 0 };
    },
    settle(client, taken, cost) {
      const bucket = bucketOf(client);
      bucket.units = Math.min(budget.units, bucket.units + taken - cost);
      return remainingOf(bucket.units);
    },
    left: (client) => remainingOf(bucketOf(client).units),
  };
}

const remainingOf = (units: number) => Math.max(0, Math.floor(units));

/**
 * What an answer cost: one unit for the asking and one for each object in its JSON, and never more than was asked for. A
 * text that looks like objects is counted with them, and whoever wrote it is not who pays.
 */
export function costOfAnswer(json: string, requested: number): number {
  let cost = 1;
  for (let at = json.indexOf('{'); at !== -1 && cost < requested; at = json.indexOf('{', at + 1)) {
    if (':[,'.includes(json.charAt(at - 1))) cost++;
  }
  return cost;
}

/** Fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4); quota in units of cost. */
export function rateLimitHeaders({ units, restorePerSecond }: Budget, remaining: number): Record<string, string> {
  const full = Math.ceil((units - remaining) / restorePerSecond);
  return {
    'ratelimit-policy': `"client";q=${units};w=${Math.ceil(units / restorePerSecond)}`,
    ratelimit: `"client";r=${remaining};t=${full}`,
  };
}
