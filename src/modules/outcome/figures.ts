/**
 * The framework's figures. A job counts what was touched (`figure_exact`, for the county's analysts) and makes an edition of it (`figure`),
 * in which small figures, and what they could be worked out from, are not there at all: whatever reads `figure` has no more to give.
 */
import { sql } from 'drizzle-orm';
import { bigint, boolean, check, date, index, integer, numeric, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, moment } from '../../db/classified.ts';
import { suppressionRule } from './framework.ts';
import { outcomeIndicator } from './tables.ts';

/**
 * Which cell it is: of which indicator, by what, of which period. `breakdown` is a fixed one (`breakdowns.ts`), and `first` and `second`
 * are the categories of its dimensions, empty where it has none.
 */
const cell = () => ({
  indicator: integer('indicator')
    .notNull()
    .references(() => outcomeIndicator.id),
  breakdown: text('breakdown').notNull(),
  grain: text('grain').notNull(),
  starts: date('starts').notNull(),
  first: text('first').notNull().default(''),
  second: text('second').notNull().default(''),
});

/** Figures as they are. Only a login of the county can name this table, and there the API shows it to analysts alone. */
export const figureExact = classify(
  fsp.table(
    'figure_exact',
    {
      id: id(),
      ...cell(),
      numerator: numeric('numerator'),
      denominator: numeric('denominator'),
      /** How many people or families are behind it: behind what of it the fewest are. */
      units: integer('units'),
      /** The same, behind each of its layers (`protect.ts`). */
      behind: integer('behind').array(),
      value: numeric('value'),
      countedAt: moment('counted_at').notNull().defaultNow(),
    },
    (t) => [unique('figure_exact_cell').on(t.indicator, t.breakdown, t.grain, t.starts, t.first, t.second)],
  ),
  'EXACT',
  { purposes: ['PERFORMANCE', 'GOVERNANCE'] },
);

/** One time that the figures were made for everybody. */
export const figureEdition = classify(
  fsp.table('figure_edition', {
    id: id(),
    madeAt: moment('made_at').notNull().defaultNow(),
    /** The last day that it counts. */
    asAt: date('as_at').notNull(),
    rule: text('rule')
      .notNull()
      .references(() => suppressionRule.code),
    indicators: integer('indicators').notNull(),
    cells: integer('cells').notNull(),
    withheldCells: integer('withheld_cells').notNull(),
  }),
  'MEASURE',
);

/** The figures of the latest edition. */
export const figure = classify(
  fsp.table(
    'figure',
    {
      /** That of the exact cell. */
      id: bigint('id', { mode: 'number' }).primaryKey(),
      ...cell(),
      numerator: numeric('numerator'),
      denominator: numeric('denominator'),
      value: numeric('value'),
      /** Why there is no value: the rule's marker where it is withheld, `z` where there is nothing to reckon, `:` where it is not known. */
      marker: text('marker'),
      edition: bigint('edition', { mode: 'number' })
        .notNull()
        .references(() => figureEdition.id),
    },
    (t) => [
      index('figure_cell').on(t.indicator, t.breakdown, t.grain, t.starts),
      check('figure_withheld', sql`marker is null or (value is null and numerator is null)`),
    ],
  ),
  'MEASURE',
);

/** By which key the order goes in which categories cover for others: no login reads it, and it never changes. */
export const figureKey = classify(
  fsp.table('figure_key', { one: boolean('one').primaryKey().default(true), key: text('key').notNull() }, () => [
    check('figure_key_one', sql`one`),
  ]),
  'OPERATION',
);

/** How far the figures are: one row. */
export const figureState = classify(
  fsp.table(
    'figure_state',
    {
      one: boolean('one').primaryKey().default(true),
      /** Everything that was written before is counted. */
      countedAt: moment('counted_at'),
      /** Since when something waits to be counted. */
      waitingSince: moment('waiting_since'),
      edition: bigint('edition', { mode: 'number' }).references(() => figureEdition.id),
    },
    () => [check('figure_state_one', sql`one`)],
  ),
  'MEASURE',
);
