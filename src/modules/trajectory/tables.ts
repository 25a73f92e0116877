/** Trajectories: how many there were expected to be, were meant to be, and were, as the papers print it, and as it goes on. */
import { boolean, date, integer, numeric, primaryKey, text } from 'drizzle-orm/pg-core';
import { classify, fsp } from '../../db/classified.ts';
import type { Worked } from './rules.ts';

export const trajectory = classify(
  fsp.table('trajectory', {
    measure: text('measure').primaryKey(),
    name: text('name').notNull(),
    /** Code of the indicator whose published figures go on where the printed ones end. */
    continuedBy: text('continued_by'),
  }),
  'DIRECTORY',
);

/**
 * One day of a measure, as the loader completes it, or an edition goes on with it (`rules.ts`). Null: nobody has printed it, and it cannot be
 * worked out. Own numbers are those that everybody is shown: what is withheld is not here either.
 */
export const trajectoryPoint = classify(
  fsp.table(
    'trajectory_point',
    {
      measure: text('measure')
        .notNull()
        .references(() => trajectory.measure),
      at: date('at').notNull(),
      asIs: integer('as_is'),
      fsm1: integer('fsm1'),
      fsm2: integer('fsm2'),
      reduction: integer('reduction'),
      target: integer('target'),
      actual: integer('actual'),
      /** Where there is an own number that is withheld: the rule's marker. */
      marker: text('marker'),
      /** Whole percent, as every variation. */
      variation: integer('variation'),
      adjustedTarget: integer('adjusted_target'),
      adjustedReason: text('adjusted_reason'),
      adjustedVariation: integer('adjusted_variation'),
      children: integer('children'),
      neighboursRate: numeric('neighbours_rate'),
      computed: text('computed').$type<Worked>().array().notNull(),
      /** False: no paper has the day. */
      printed: boolean('printed').notNull(),
      source: text('source').notNull(),
    },
    (t) => [primaryKey({ columns: [t.measure, t.at] })],
  ),
  'MEASURE',
);
