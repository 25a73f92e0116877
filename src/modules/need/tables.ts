/** Need, provision and gap: how many there are thought to be, how many a service sees, how many social care knows. */
import { boolean, date, integer, numeric, text } from 'drizzle-orm/pg-core';
import { classify, fsp } from '../../db/classified.ts';
import type { Concern } from '../assessment/concerns.ts';
import { district } from '../district/tables.ts';
import type { Level } from './rules.ts';

/** One printed number; `id` is made of its places in the file, so that it is the same at every loading. */
export const needFigure = classify(
  fsp.table('need_figure', {
    id: integer('id').primaryKey(),
    concern: text('concern').$type<Concern>().notNull(),
    code: text('code').notNull(),
    name: text('name').notNull(),
    level: text('level').$type<Level>().notNull(),
    /** Null: the whole county, as it is printed, whatever its districts add up to. */
    district: text('district').references(() => district.code),
    value: integer('value').notNull(),
    /** It stands in the paper's picture of need, provision and gap. */
    pictured: boolean('pictured').notNull(),
    /** The number as a picture of the same paper rounds it. */
    rounded: integer('rounded'),
    /** Whole percent, as it is printed. */
    share: integer('share'),
    /** The whole numbers of which the printed share can be a share. */
    baseLowest: integer('base_lowest'),
    baseHighest: integer('base_highest'),
    districtsSum: integer('districts_sum'),
    gapToNext: integer('gap_to_next'),
    nextPercent: numeric('next_percent'),
    starts: date('starts'),
    ends: date('ends'),
    period: text('period').notNull(),
    method: text('method').notNull(),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);
