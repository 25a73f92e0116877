/**
 * The disclosure budget: how many families one user may open within an hour. Whoever works with families opens some dozens
 * in a day; who copies the record opens all of them. Each server counts for itself, in memory, before an answer leaves.
 */
import type { Client } from '../access/client.ts';
import { LIMITS } from '../limits.ts';
import type { Shown } from './record.ts';

/** Families an hour: of a user, and of a client that keeps another system in step. */
export type FamilyBudget = { perUser: number; perSync: number };

export const DEFAULT_FAMILY_BUDGET: FamilyBudget = { perUser: LIMITS.familiesPerHour, perSync: LIMITS.familiesPerHourSync };

const HOUR = 3_600_000;

/** Persons who may come with each family; of more each counts as a family: by their own ids they name none. */
const PERSONS_OF_A_FAMILY = 20;

/** What of an answer counts as families opened. */
export function openedBy({ families, persons }: Shown): readonly string[] {
  const alone = persons.length - families.length * PERSONS_OF_A_FAMILY;
  return alone <= 0 ? families : [...families, ...persons.slice(-alone).map((person) => `person ${person}`)];
}

export type Families = {
  /**
   * Counts the families of an answer.
   *
   * @returns 0 where they are within the budget; else the seconds until they would be, and none of them is counted.
   */
  open(client: Client, families: readonly string[]): number;
  /** Counts families that are shown whatever the budget says: of what was written and is read back. */
  note(client: Client, families: readonly string[]): void;
  /** Seconds until the user may open another family; 0: now. */
  spent(client: Client): number;
};

/** @param now milliseconds of a clock that never goes back. */
export function createFamilies(budget: FamilyBudget = DEFAULT_FAMILY_BUDGET, now: () => number = () => performance.now()): Families {
  /** By user: when each family was last opened, the longest ago first. */
  const opened = new Map<string, Map<string, number>>();
  // Of an extract an evaluator's own application reads thousands of pseudonymised rows; nobody is opened by it.
  const isCopying = ({ purpose, user }: Client) => purpose === 'RECORD_SYNC' || (purpose === 'EVALUATION' && user === null);
  const most = (client: Client) => (isCopying(client) ? budget.perSync : budget.perUser);
  const of = (client: Client): Map<string, number> => {
    const key = `${client.organisation.id} ${client.user ?? `client ${client.id}`}`;
    let known = opened.get(key);
    if (!known) {
      if (opened.size >= LIMITS.budgets) forgetIdle();
      known = new Map();
      opened.set(key, known);
    }
    return known;
  };
  /** Forgets what is more than an hour ago. */
  const prune = (families: Map<string, number>) => {
    const since = now() - HOUR;
    for (const [family, at] of families) {
      if (at > since) return;
      families.delete(family);
    }
  };
  const forgetIdle = () => {
    for (const [key, families] of opened) {
      prune(families);
      if (families.size === 0) opened.delete(key);
    }
  };
  const count = (known: Map<string, number>, families: readonly string[]) => {
    const at = now();
    for (const family of families) {
      known.delete(family);
      known.set(family, at);
    }
  };
  /** Seconds until so many of those that are known are an hour ago. */
  const wait = (known: Map<string, number>, tooMany: number): number => {
    let left = tooMany;
    for (const at of known.values()) if (--left <= 0) return Math.max(1, Math.ceil((at + HOUR - now()) / 1000));
    return HOUR / 1000;
  };
  return {
    open(client, families) {
      if (families.length === 0) return 0;
      const known = of(client);
      prune(known);
      let more = known.size;
      for (const family of families) if (!known.has(family)) more++;
      const tooMany = more - most(client);
      if (tooMany > 0 && more > known.size) return wait(known, tooMany);
      count(known, families);
      return 0;
    },
    note: (client, families) => count(of(client), families),
    spent(client) {
      const known = of(client);
      prune(known);
      return known.size < most(client) ? 0 : wait(known, known.size - most(client) + 1);
    },
  };
}
