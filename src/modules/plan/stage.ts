/** A family's stage: the most intensive of what is open for any of its members, worked out from the rows. */
import { sql } from 'drizzle-orm';
import type { Stage } from '../../access/agreement.ts';
import type { Transaction } from '../../db/transactions.ts';
import { today } from '../clock/calendar.ts';
import { endClock } from '../clock/service.ts';

/** What is open for a family. `plans`: the kinds of its open plans. */
export type OpenFacts = {
  plans: string[];
  episodes: number;
  assessments: number;
  strategyDiscussions: number;
  sections47: number;
  preProceedings: number;
  placements: number;
};

/** From the least intensive to the most; each with whether it is open. */
const LADDER: [Stage, (facts: OpenFacts) => boolean][] = [
  ['EARLY_HELP', ({ plans }) => plans.includes('EARLY_HELP')],
  // An open referral that has no plan yet is being assessed; so is a family whose assessment came without a referral.
  ['ASSESSMENT', ({ episodes, assessments }) => episodes > 0 || assessments > 0],
  ['CHILD_IN_NEED', ({ plans }) => plans.includes('CHILD_IN_NEED')],
  ['STRATEGY_DISCUSSION', ({ strategyDiscussions }) => strategyDiscussions > 0],
  ['SECTION_47', ({ sections47 }) => sections47 > 0],
  ['CHILD_PROTECTION', ({ plans }) => plans.includes('CHILD_PROTECTION')],
  ['PRE_PROCEEDINGS', (facts) => facts.plans.includes('PRE_PROCEEDINGS') || facts.preProceedings > 0],
  ['LOOKED_AFTER', (facts) => facts.plans.includes('LOOKED_AFTER') || facts.placements > 0],
];

/** The stages from the least intensive to the most. */
export const STAGES_BY_INTENSITY: Stage[] = LADDER.map(([stage]) => stage);

/** The stage of a family with these open. */
export function stageOf(facts: OpenFacts): Stage {
  return LADDER.findLast(([, open]) => open(facts))?.[0] ?? 'CLOSED';
}

/**
 * Held to the end of the transaction: what is decided about one family, or one child, is decided one after the other, so
 * that two commands at once cannot each see the other's rows missing.
 */
export async function oneAtATime(tx: Transaction, what: 'family' | 'person', key: number): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${what}:${key}`}, 0))`);
}

/** What is open for a family: all of it, also what is closed to who asks. The stage is everybody's. */
async function openFacts(tx: Transaction, family: number): Promise<OpenFacts & { maracs: number }> {
  const { rows } = await tx.execute<{ facts: OpenFacts & { maracs: number } }>(sql`select fsp.open_facts(${family}::bigint) as facts`);
  return (rows[0] as { facts: OpenFacts & { maracs: number } }).facts;
}

/**
 * Writes the family's stage from what is open now. The grants of every organisation follow it by the database's own hand:
 * a stage decides for which purposes the family is there at all.
 *
 * Call it after the rows are written, as the last thing of a command.
 *
 * @returns the stage it stands at.
 */
export async function restage(tx: Transaction, family: number, now: Date): Promise<Stage> {
  await oneAtATime(tx, 'family', family);
  const facts = await openFacts(tx, family);
  const stage = stageOf(facts);
  const marac = facts.maracs > 0;
  await tx.execute(sql`select fsp.write_stage(${family}::bigint, ${stage}::text, ${marac}::boolean, ${now.toISOString()}::timestamptz)`);
  // Nothing is due any more about a family that nobody works with.
  if (stage === 'CLOSED' && !marac) await endClock(tx, { subject: { type: 'Family', id: family }, on: today(now) });
  return stage;
}
