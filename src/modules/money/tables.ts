/** Money: what the change costs and saves by year, what a unit of work costs, and what each partner gains. In pounds. */
import { sql } from 'drizzle-orm';
import { boolean, check, date, integer, numeric, primaryKey, text } from 'drizzle-orm/pg-core';
import type { Agency } from '../../access/classes.ts';
import { classify, fsp } from '../../db/classified.ts';
import type { CostCase, Counts, Part } from './rules.ts';

/** A line of a printed table. Costs are above nought, savings below, as they are printed. */
export const moneyLine = classify(
  fsp.table('money_line', {
    code: text('code').primaryKey(),
    position: integer('position').notNull(),
    part: text('part').$type<Part>().notNull(),
    name: text('name').notNull(),
    total: integer('total'),
    /** How it counts in the business case; null: it is part of a line that does, or stands beside it. */
    counts: text('counts').$type<Counts>(),
    funding: text('funding'),
    note: text('note'),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);

export const moneyAmount = classify(
  fsp.table(
    'money_amount',
    {
      line: text('line')
        .notNull()
        .references(() => moneyLine.code),
      year: text('year').notNull(),
      amount: integer('amount').notNull(),
    },
    (t) => [primaryKey({ columns: [t.line, t.year] })],
  ),
  'DIRECTORY',
);

/** A financial year of the business case; made of the lines by the loader. */
export const businessYear = classify(
  fsp.table('business_year', {
    year: text('year').primaryKey(),
    oneOff: integer('one_off').notNull(),
    ongoing: integer('ongoing').notNull(),
    savings: integer('savings').notNull(),
    cumulative: integer('cumulative').notNull(),
    cumulativeWithOngoing: integer('cumulative_with_ongoing').notNull(),
    brokenEven: boolean('broken_even').notNull(),
    brokenEvenWithOngoing: boolean('broken_even_with_ongoing').notNull(),
  }),
  'DIRECTORY',
);

/** What one unit (a week of placement, a call-out) costs a partner, from a day on. */
export const unitCost = classify(
  fsp.table(
    'unit_cost',
    {
      code: text('code').notNull(),
      name: text('name').notNull(),
      partner: text('partner').$type<Agency>().notNull(),
      per: text('per').notNull(),
      priceYear: text('price_year').notNull(),
      low: numeric('low', { precision: 12, scale: 2 }).notNull(),
      central: numeric('central', { precision: 12, scale: 2 }).notNull(),
      high: numeric('high', { precision: 12, scale: 2 }).notNull(),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
      status: text('status').notNull(),
      source: text('source').notNull(),
    },
    (t) => [
      primaryKey({ columns: [t.code, t.validFrom] }),
      check('unit_cost_order', sql`${t.low} >= 0 and ${t.low} <= ${t.central} and ${t.central} <= ${t.high}`),
    ],
  ),
  'DIRECTORY',
);

/** A year of the cost–benefit of one partner, or of all of them together; made by the loader. */
export const costBenefit = classify(
  fsp.table(
    'cost_benefit',
    {
      costCase: text('cost_case').$type<CostCase>().notNull(),
      position: integer('position').notNull(),
      year: text('year').notNull(),
      /** Null: all partners together. */
      partner: text('partner').$type<Agency>(),
      cost: integer('cost').notNull(),
      benefit: integer('benefit').notNull(),
      net: integer('net').notNull(),
      cumulative: integer('cumulative').notNull(),
      brokenEven: boolean('broken_even').notNull(),
      /** Something that is to count in the year has no number yet. */
      incomplete: boolean('incomplete').notNull(),
    },
    (t) => [primaryKey({ columns: [t.costCase, t.position] })],
  ),
  'DIRECTORY',
);
