/** The partnership's outcome indicators: what each means, since when, and how it is counted. */

import { sql } from 'drizzle-orm';
import { boolean, check, date, integer, primaryKey, text } from 'drizzle-orm/pg-core';
import type { Agency, PersonalClass } from '../../access/classes.ts';
import { classify, fsp } from '../../db/classified.ts';

/** How an indicator's value is made of its numerator and denominator. */
export const KINDS = ['COUNT', 'RATE', 'PROPORTION', 'MEAN'] as const;
/** The calendar's periods: months, quarters from January, and years from April. */
export const GRAINS = ['MONTH', 'QUARTER', 'YEAR'] as const;
/** What one observation is about. */
export const OBSERVED_BY = ['PERSON', 'FAMILY', 'AREA'] as const;
/** What is counted; a membership: a child, or a family, once for each cohort that it came in. */
export const COUNTED = ['CHILD', 'PARENT', 'FAMILY', 'EVENT', 'ANSWER', 'MEMBERSHIP'] as const;
/** The six ingredients that the evaluation names, by which fidelity to the model is measured. */
export const INGREDIENTS = [
  'MULTI_DISCIPLINARY_TEAM',
  'MOTIVATIONAL_INTERVIEWING',
  'ELECTRONIC_WORKBOOK',
  'GROUP_SUPERVISION',
  'CONTINUITY',
  'RELATIONSHIPS',
] as const;

export const outcomeIndicator = classify(
  fsp.table(
    'outcome_indicator',
    {
      id: integer('id').primaryKey(),
      code: text('code').notNull().unique(),
      name: text('name').notNull(),
      factorGroup: text('factor_group').notNull(),
      /** Of the version in force, or of the last. */
      definition: text('definition').notNull(),
      unit: text('unit').notNull(),
      kind: text('kind').$type<(typeof KINDS)[number]>().notNull(),
      /** At the end of the period, not during it. */
      stock: boolean('stock').notNull(),
      /** Worked out from the record, and never told by anybody. */
      derived: boolean('derived').notNull(),
      counts: text('counts').$type<(typeof COUNTED)[number]>().notNull(),
      /** Of so many children of the population; null: it is no rate. */
      per: integer('per'),
      observedBy: text('observed_by').$type<(typeof OBSERVED_BY)[number]>(),
      /** The shortest period of which there are figures; the one period that is reported. */
      grain: text('grain').$type<(typeof GRAINS)[number]>().notNull(),
      /** What an observation of it tells of somebody. */
      dataClass: text('data_class').$type<PersonalClass>(),
      ingredient: text('ingredient').$type<(typeof INGREDIENTS)[number]>(),
      concern: text('concern'),
      /** Of the Public Health Outcomes Framework, by their names there. */
      publicHealthOutcomes: text('public_health_outcomes').array().notNull(),
      goodDirection: text('good_direction').notNull(),
      ownerAgency: text('owner_agency').$type<Agency>().notNull(),
      /** Whether the county itself controls what moves it. */
      inCountyGift: boolean('in_county_gift').notNull(),
      version: text('version').notNull(),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
      source: text('source').notNull(),
    },
    () => [
      check('outcome_indicator_rate', sql`(kind = 'RATE') = (per is not null)`),
      check('outcome_indicator_observed', sql`derived = (observed_by is null)`),
      check('outcome_indicator_class', sql`(coalesce(observed_by, 'AREA') <> 'AREA') = (data_class is not null)`),
    ],
  ),
  'DIRECTORY',
);

/** What an indicator meant when; the periods of one never overlap (`drizzle/0001_no_overlap.sql`). */
export const indicatorVersion = classify(
  fsp.table(
    'indicator_version',
    {
      indicator: integer('indicator')
        .notNull()
        .references(() => outcomeIndicator.id),
      version: text('version').notNull(),
      definition: text('definition').notNull(),
      unit: text('unit').notNull(),
      validFrom: date('valid_from').notNull(),
      /** The day from which it is another's; null: it stands. */
      validTo: date('valid_to'),
      source: text('source').notNull(),
    },
    (t) => [primaryKey({ columns: [t.indicator, t.version] })],
  ),
  'DIRECTORY',
);
