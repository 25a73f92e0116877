/**
 * What agencies report for the framework: of a family or somebody in it, or of an area. No login writes these tables: a batch is taken
 * in whole, or not at all, by `fsp.record_observations`. A correction is a row of its own, and what stood before stays.
 */
import { sql } from 'drizzle-orm';
import { boolean, check, date, index, integer, numeric, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, version } from '../../db/classified.ts';
import { district } from '../district/tables.ts';
import { controller, familyKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { outcomeIndicator } from './tables.ts';

/** One batch: who reported, and what became of its lines. Nobody is in it; an organisation sees its own. */
export const observationRun = classify(
  fsp.table('observation_run', {
    id: id(),
    organisation: integer('organisation')
      .notNull()
      .references(() => organisation.id),
    at: moment('at').notNull().defaultNow(),
    lines: integer('lines').notNull(),
    created: integer('created').notNull(),
    corrected: integer('corrected').notNull(),
    unchanged: integer('unchanged').notNull(),
  }),
  'MEASURE',
);

/** What an observation says, whatever it is of. */
const said = () => ({
  run: key('run')
    .notNull()
    .references(() => observationRun.id),
  indicator: integer('indicator')
    .notNull()
    .references(() => outcomeIndicator.id),
  /** The first day of its period, of which the indicator has one length. */
  starts: date('starts').notNull(),
  /** Null: what was reported is taken back. */
  count: numeric('count'),
  /** Of so many: sessions that were possible, people who were asked. */
  base: numeric('base'),
  sourceRef: text('source_ref'),
  version: version(),
  current: boolean('current').notNull().default(true),
  supersedes: key('supersedes'),
  correctionReason: text('correction_reason'),
  recordedAt: moment('recorded_at').notNull().defaultNow(),
});

const numbers = (name: string) => [
  check(`${name}_counted`, sql`count >= 0`),
  check(`${name}_of_some`, sql`base > 0`),
  check(`${name}_corrected`, sql`supersedes is null or correction_reason is not null`),
];

/**
 * Of a family, or of a person in it. It is read by whose it is, and by the county where the class of what it tells is open to it
 * (`row_mask`): a single attendance at A&E by a decision only.
 */
export const observation = classify(
  fsp.table(
    'observation',
    {
      id: id(),
      family: familyKey(),
      person: key('person').references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      rowMask: key('row_mask').notNull(),
      ...said(),
    },
    (t) => [
      ...numbers('observation'),
      uniqueIndex('observation_once').on(t.indicator, t.starts, t.family, sql`coalesce(person, 0)`, t.controller).where(sql`current`),
      index('observation_family').on(t.family),
      index('observation_person').on(t.person).where(sql`person is not null`),
      index('observation_controller').on(t.controller, t.id),
    ],
  ),
  'CASE',
  { sealed: true, ownOnly: true },
);

/** Of an area. Nobody is named in it; an organisation sees what it reported itself, and others the framework's figures. */
export const observationArea = classify(
  fsp.table(
    'observation_area',
    {
      id: id(),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      area: text('area')
        .notNull()
        .references(() => district.code),
      /** How many people are behind the count, where it is known. */
      persons: integer('persons'),
      ...said(),
    },
    (t) => [
      ...numbers('observation_area'),
      check('observation_area_persons', sql`persons >= 0`),
      uniqueIndex('observation_area_once').on(t.indicator, t.starts, t.area, t.organisation).where(sql`current`),
      index('observation_area_organisation').on(t.organisation, t.id),
    ],
  ),
  'MEASURE',
);

/** The months of which an indicator is to be counted anew; written by the database, emptied by the job that counts. */
export const figureDirty = classify(
  fsp.table('figure_dirty', { id: id(), indicator: integer('indicator').notNull(), month: date('month').notNull() }, (t) => [
    index('figure_dirty_month').on(t.indicator, t.month),
  ]),
  'OPERATION',
);
