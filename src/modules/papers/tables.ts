/** What the public papers say of the model: its statements, its milestones, and every figure that has no table of its own. */
import { boolean, integer, numeric, text } from 'drizzle-orm/pg-core';
import { classify, fsp } from '../../db/classified.ts';

/** A sentence of the papers on which the programme stands: a name, an element of the model, a risk. */
export const modelStatement = classify(
  fsp.table('model_statement', {
    code: text('code').primaryKey(),
    position: integer('position').notNull(),
    kind: text('kind').notNull(),
    text: text('text').notNull(),
    /** Month or year: `2020-11`, `2018`. */
    since: text('since'),
    answer: text('answer'),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);

export const milestone = classify(
  fsp.table('milestone', {
    code: text('code').primaryKey(),
    position: integer('position').notNull(),
    name: text('name').notNull(),
    /** Months, `2020-06`; null: the papers do not say. */
    planned: text('planned'),
    actual: text('actual'),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);

/** One printed number. */
export const publishedFigure = classify(
  fsp.table('published_figure', {
    code: text('code').primaryKey(),
    position: integer('position').notNull(),
    topic: text('topic').notNull(),
    label: text('label').notNull(),
    value: numeric('value').notNull(),
    asPrinted: text('as_printed').notNull(),
    unit: text('unit').notNull(),
    /** Of a percentage: how many of how many, where both are printed or follow. */
    count: integer('count'),
    base: integer('base'),
    period: text('period'),
    area: text('area').notNull(),
    /** The paper itself says that it only illustrates. */
    illustrative: boolean('illustrative').notNull(),
    note: text('note'),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);
