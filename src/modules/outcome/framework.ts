/** What figures are held against: targets, others' published results, how many people there are, and how small figures are kept. */
import { sql } from 'drizzle-orm';
import { boolean, check, date, index, integer, numeric, text, unique, uniqueIndex } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment } from '../../db/classified.ts';
import { district } from '../district/tables.ts';
import { outcomeIndicator } from './tables.ts';

const indicatorKey = () => integer('indicator').references(() => outcomeIndicator.id);
/** Null: the whole county. */
const area = () => text('area').references(() => district.code);

/**
 * A target, or the adjustment of one with its reason; of a day the latest adjustment holds. Targets of one indicator and area do not
 * overlap (`drizzle/0001_no_overlap.sql`). No login writes it: the county sets it (`fsp.set_target`), and what stood is kept.
 */
export const indicatorTarget = classify(
  fsp.table(
    'indicator_target',
    {
      id: id(),
      indicator: indicatorKey().notNull(),
      area: area(),
      starts: date('starts').notNull(),
      /** The last day. */
      ends: date('ends').notNull(),
      value: numeric('value').notNull(),
      reason: text('reason'),
      adjusts: key('adjusts'),
      setBy: text('set_by'),
      setAt: moment('set_at').notNull().defaultNow(),
    },
    (t) => [
      check('indicator_target_days', sql`starts <= ends`),
      check('indicator_target_reason', sql`adjusts is null or reason is not null`),
      index('indicator_target_indicator').on(t.indicator, t.starts),
      index('indicator_target_adjusts').on(t.adjusts),
    ],
  ),
  'DIRECTORY',
);

/** What was published of others, as it was printed; where two papers print two figures, both stand. */
export const indicatorBenchmark = classify(
  fsp.table(
    'indicator_benchmark',
    {
      id: integer('id').primaryKey(),
      /** Null: of something for which the framework has no indicator. */
      indicator: indicatorKey(),
      body: text('body').notNull(),
      measure: text('measure').notNull(),
      changePercent: numeric('change_percent'),
      value: numeric('value'),
      unit: text('unit').notNull(),
      asPrinted: text('as_printed').notNull(),
      edition: text('edition').notNull(),
      period: text('period').notNull(),
      source: text('source').notNull(),
    },
    (t) => [unique('indicator_benchmark_once').on(t.body, t.measure, t.edition), index('indicator_benchmark_indicator').on(t.indicator)],
  ),
  'DIRECTORY',
);

/** How many people there are: what rates are reckoned on. The bases of one group never overlap (`drizzle/0001_no_overlap.sql`). */
export const population = classify(
  fsp.table(
    'population',
    {
      id: integer('id').primaryKey(),
      area: area(),
      ageFrom: integer('age_from').notNull(),
      /** The last year of age. */
      ageTo: integer('age_to').notNull(),
      /** Null: everybody. */
      sex: text('sex'),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
      value: integer('value').notNull(),
      source: text('source').notNull(),
      /** Made up, for the demonstration. */
      invented: boolean('invented').notNull().default(false),
    },
    () => [check('population_some', sql`value > 0`), check('population_ages', sql`age_from between 0 and age_to`)],
  ),
  'DIRECTORY',
);

/**
 * Who came when: children are followed from the first day in a window on which they came (`src/outcome/cohorts.ts`). Windows do not overlap
 * (`drizzle/0001_no_overlap.sql`); who comes again in another one is in both.
 */
export const cohort = classify(
  fsp.table(
    'cohort',
    {
      code: text('code').primaryKey(),
      name: text('name').notNull(),
      enteredFrom: date('entered_from'),
      /** The last day; null: it goes on, or is to be set. */
      enteredUntil: date('entered_until'),
      followUpMonths: integer('follow_up_months'),
      source: text('source').notNull(),
      /** `to-set`: the authority has to say, and nothing is counted. `authority`, `demonstration`: who said. */
      status: text('status').notNull(),
    },
    () => [
      check('cohort_set', sql`status = 'to-set' or (entered_from is not null and follow_up_months > 0)`),
      check('cohort_days', sql`entered_from <= entered_until`),
    ],
  ),
  'DIRECTORY',
);

/** How a publisher keeps small figures from telling of somebody, and how it is done here; one of them is chosen. */
export const suppressionRule = classify(
  fsp.table(
    'suppression_rule',
    {
      code: text('code').primaryKey(),
      name: text('name').notNull(),
      /** What stands where a figure is withheld. */
      marker: text('marker').notNull(),
      lowest: integer('lowest').notNull(),
      highest: integer('highest').notNull(),
      zeroShown: boolean('zero_shown').notNull(),
      /** Whether its publisher also withholds what a withheld figure could be worked out from. */
      secondary: boolean('secondary').notNull(),
      /** Whether that is done here. */
      cover: boolean('cover').notNull(),
      /** What is left is rounded to the nearest of these. */
      roundTo: integer('round_to'),
      decimals: integer('decimals').notNull(),
      note: text('note'),
      source: text('source').notNull(),
      chosen: boolean('chosen').notNull(),
    },
    (t) => [
      check('suppression_rule_range', sql`lowest between 1 and highest`),
      uniqueIndex('suppression_rule_chosen').on(t.chosen).where(sql`chosen`),
    ],
  ),
  'DIRECTORY',
);
