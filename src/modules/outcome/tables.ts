/** The partnership's outcome indicators: their definitions. */
import { boolean, integer, text } from 'drizzle-orm/pg-core';
import type { Agency } from '../../access/classes.ts';
import { classify, fsp } from '../../db/classified.ts';

export const outcomeIndicator = classify(
  fsp.table('outcome_indicator', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    factorGroup: text('factor_group').notNull(),
    unit: text('unit').notNull(),
    goodDirection: text('good_direction').notNull(),
    ownerAgency: text('owner_agency').$type<Agency>().notNull(),
    /** Whether the county itself controls what moves it. */
    inCountyGift: boolean('in_county_gift').notNull(),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);
