/** What a client may ask within a time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOfAnswer, createBudgets, rateLimitHeaders } from '../../src/access/budget.ts';

describe('what an answer cost', () => {
  it('is one for the asking and one for each object', () => {
    expect(costOfAnswer('"a":null', 9)).toBe(1);
    expect(costOfAnswer('"a":{"b":[{"c":1},{"c":2}],"d":{}}', 9)).toBe(5);
  });
  it('is never more than was asked for, though a text in it look like objects', () => {
    expect(costOfAnswer(`"a":{"b":"${',{'.repeat(1000)}"}`, 3)).toBe(3);
  });
});

describe('a budget', () => {
  it('is taken from, says how long to wait when it is spent, and fills again', () => {
    let now = 0;
    const budgets = createBudgets({ units: 100, restorePerSecond: 10 }, () => now);
    expect(budgets.take('a', 90)).toEqual({ granted: true, remaining: 10, wait: 0 });
    expect(budgets.take('a', 45)).toEqual({ granted: false, remaining: 10, wait: 4 });
    expect(budgets.take('b', 100)).toEqual({ granted: true, remaining: 0, wait: 0 });
    now = 3_500;
    expect(budgets.take('a', 45)).toEqual({ granted: true, remaining: 0, wait: 0 });
  });
  it('gives back what an operation did not use, and takes what it used beyond', () => {
    const budgets = createBudgets({ units: 100, restorePerSecond: 10 }, () => 0);
    budgets.take('a', 60);
    expect(budgets.settle('a', 60, 10)).toBe(90);
    budgets.take('a', 10);
    expect(budgets.settle('a', 10, 120)).toBe(0);
    expect(budgets.take('a', 1)).toEqual({ granted: false, remaining: 0, wait: 4 });
  });
  it('never holds more than its size, whatever is taken and given back, and lets no more through than its size and its time', () => {
    const step = fc.record({ wait: fc.nat(2_000), units: fc.integer({ min: 1, max: 120 }), cost: fc.nat(120) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 0;
        let through = 0;
        const budgets = createBudgets({ units: 100, restorePerSecond: 10 }, () => now);
        for (const { wait, units, cost } of steps) {
          now += wait;
          const { granted, remaining } = budgets.take('a', units);
          expect(remaining).toBeLessThanOrEqual(100);
          if (!granted) continue;
          // An operation costs what it asked for, or less.
          const spent = Math.min(cost, units);
          through += spent;
          expect(budgets.settle('a', units, spent)).toBeLessThanOrEqual(100);
        }
        expect(through).toBeLessThanOrEqual(100 + (now / 1000) * 10 + 1e-6);
      }),
    );
  });
  it('is told as the draft standard says', () => {
    expect(rateLimitHeaders({ units: 100, restorePerSecond: 10 }, 60)).toEqual({
      'ratelimit-policy': '"client";q=100;w=10',
      ratelimit: '"client";r=60;t=4',
    });
  });
});
