/** The tools people are asked with: what they are, as data, and what a reading of one gave. Answers are never kept. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, index, integer, numeric, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';

/** A tool. `dataClass` is what its having been used tells about a person. */
export const tool = classify(
  fsp.table('tool', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    edition: text('edition').notNull(),
    /** How its scores come about: ANSWERS (counted here), TOTAL (given), DOMAINS (a score for each). */
    scoring: text('scoring').notNull(),
    /** Whom it is about: PERSON, FAMILY or EITHER. */
    about: text('about').notNull(),
    items: integer('items'),
    itemMinimum: integer('item_minimum'),
    itemMaximum: integer('item_maximum'),
    minimum: integer('minimum'),
    maximum: integer('maximum'),
    minimumAge: integer('minimum_age'),
    maximumAge: integer('maximum_age'),
    /** What a higher score means: BETTER or WORSE. */
    higher: text('higher').notNull(),
    /** From which total on it counts as a case, or as positive. */
    threshold: integer('threshold'),
    thresholdMeaning: text('threshold_meaning'),
    /** What bands and changes are reckoned on: TOTAL or METRIC. */
    reckonedOn: text('reckoned_on').notNull(),
    /** The least difference between the first and the latest reading that means something. */
    changeAtLeast: numeric('change_at_least', { precision: 6, scale: 2 }),
    changeRule: text('change_rule'),
    licence: text('licence').notNull(),
    licenceRequired: boolean('licence_required').notNull(),
    /** Whether the authority holds the licence that the tool requires. */
    licenceHeld: boolean('licence_held').notNull().default(false),
    dataClass: text('data_class').$type<PersonalClass>().notNull(),
    status: text('status').notNull(),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);

const toolKey = () =>
  integer('tool')
    .notNull()
    .references(() => tool.id);

/** A band of a tool's scores; both ends are in it. */
export const toolBand = classify(
  fsp.table(
    'tool_band',
    {
      tool: toolKey(),
      code: text('code').notNull(),
      label: text('label').notNull(),
      lowest: numeric('lowest', { precision: 6, scale: 2 }).notNull(),
      highest: numeric('highest', { precision: 6, scale: 2 }).notNull(),
    },
    (t) => [primaryKey({ columns: [t.tool, t.code] })],
  ),
  'DIRECTORY',
);

/** A part of a tool that has a score of its own; one with a `parent` is scored, and the worst drives the parent. */
export const toolDomain = classify(
  fsp.table(
    'tool_domain',
    {
      tool: toolKey(),
      code: text('code').notNull(),
      label: text('label').notNull(),
      parent: text('parent'),
      position: integer('position').notNull(),
    },
    (t) => [primaryKey({ columns: [t.tool, t.code] })],
  ),
  'DIRECTORY',
);

/** The metric score of a raw total. */
export const toolMetric = classify(
  fsp.table(
    'tool_metric',
    { tool: toolKey(), raw: integer('raw').notNull(), metric: numeric('metric', { precision: 5, scale: 2 }).notNull() },
    (t) => [primaryKey({ columns: [t.tool, t.raw] })],
  ),
  'DIRECTORY',
);

/** What stands on a reading and on each of its scores alike. */
const guarded = () => ({
  id: id(),
  family: familyKey(),
  person: key('person').references(() => person.id),
  controller: controller(),
  worker: text('worker'),
  rowMask: key('row_mask').notNull(),
  keptFrom: bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`),
  tool: toolKey(),
});

const ofTool = { rowClassOf: 'tool', ownRows: true };

export const toolReading = classify(
  fsp.table(
    'tool_reading',
    {
      ...guarded(),
      readOn: date('read_on').notNull(),
      author: text('author').notNull(),
      edition: text('edition').notNull(),
      /** From the code list `tool-completed-by`. */
      completedBy: text('completed_by').notNull(),
      total: integer('total'),
      metric: numeric('metric', { precision: 5, scale: 2 }),
      /** The band that counts. */
      band: text('band'),
      /** The band that the score alone gives. */
      scoredBand: text('scored_band'),
      /** What raised the band: JUDGEMENT or ESCALATION. */
      raisedBy: text('raised_by'),
      /** Whether the threshold of the tool is reached. */
      atThreshold: boolean('at_threshold'),
      /** Taken back, because it was of another person, or wrong. */
      withdrawn: boolean('withdrawn').notNull().default(false),
      version: version(),
      ...times(),
    },
    (t) => [
      index('tool_reading_family').on(t.family, t.readOn, t.id),
      index('tool_reading_series').on(t.family, t.tool, t.person, t.readOn, t.id),
    ],
  ),
  'WORKBOOK',
  ofTool,
);

export const toolScore = classify(
  fsp.table(
    'tool_score',
    {
      ...guarded(),
      reading: key('reading')
        .notNull()
        .references(() => toolReading.id),
      domain: text('domain').notNull(),
      score: integer('score').notNull(),
    },
    (t) => [unique('tool_score_once').on(t.reading, t.domain)],
  ),
  'WORKBOOK',
  ofTool,
);
