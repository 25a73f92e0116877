/** A family's stage: the most intensive of what is open for any of its members, worked out from the rows. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { Stage } from '../../access/agreement.ts';
import type { Client } from '../../access/client.ts';
import { visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { assessment } from '../assessment/tables.ts';
import { today } from '../clock/calendar.ts';
import { endClock } from '../clock/service.ts';
import { familyStage } from '../family/tables.ts';
import { episode, marac, placement, preProceedings, section47, strategyDiscussion } from './legal.ts';
import { plan } from './tables.ts';

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

/** What is open for a family, as the caller sees it. */
export async function openFacts(tx: Transaction, client: Client, family: number): Promise<OpenFacts> {
  const count = async (table: typeof episode | typeof section47 | typeof placement, open: Parameters<typeof and>) =>
    (await visibleRows(tx, table, and(eq(table.family, family), ...open), client)).length;
  return {
    plans: (await visibleRows(tx, plan, and(eq(plan.family, family), eq(plan.status, 'OPEN')), client)).map(({ kind }) => kind),
    episodes: await count(episode, [isNull(episode.closedOn), eq(episode.noFurtherAction, false)]),
    assessments: await count(assessment as never, [eq(assessment.status, 'OPEN')]),
    strategyDiscussions: await count(strategyDiscussion as never, [isNull(strategyDiscussion.decidedOn)]),
    sections47: await count(section47, [isNull(section47.endedOn)]),
    preProceedings: await count(preProceedings as never, [isNull(preProceedings.endedOn)]),
    placements: await count(placement, [isNull(placement.endedOn)]),
  };
}

/**
 * Writes the family's stage from what is open now. The grants of every organisation follow it by the database's own hand:
 * a stage decides for which purposes the family is there at all.
 *
 * Call it after the rows are written, as the last thing of a command.
 *
 * @returns the stage it stands at.
 */
export async function restage(tx: Transaction, client: Client, family: number, now: Date): Promise<Stage> {
  await oneAtATime(tx, 'family', family);
  const stage = stageOf(await openFacts(tx, client, family));
  const open = await visibleRows(tx, marac, and(eq(marac.family, family), isNull(marac.closedOn)), client);
  const told = { stage, marac: open.length > 0 };
  const [stands] = await tx.select().from(familyStage).where(eq(familyStage.family, family));
  if (!stands) await tx.insert(familyStage).values({ family, controller: client.organisation.id, ...told, since: now });
  else if (stands.stage !== stage || stands.marac !== told.marac) {
    const since = stands.stage === stage ? stands.since : now;
    await tx
      .update(familyStage)
      .set({ ...told, since })
      .where(eq(familyStage.family, family));
  }
  // Nothing is due any more about a family that nobody works with.
  if (stage === 'CLOSED' && !told.marac) await endClock(tx, { subject: { type: 'Family', id: family }, on: today(now) });
  return stage;
}
