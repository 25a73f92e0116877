/** Time between a child and those who are not with the child, and the way back home. */
import { boolean, date, index, text } from 'drizzle-orm/pg-core';
import { classify, fsp, key } from '../../db/classified.ts';
import { person } from '../person/tables.ts';
import { keptFrom, ofChild, sideOfChild } from './legal.ts';

/** How a child and a parent or relative spend time together. That they may not is a safety condition, not this. */
export const contactArrangement = classify(
  fsp.table(
    'contact_arrangement',
    {
      ...ofChild(),
      keptFrom: keptFrom(),
      /** Whom the child has time with. */
      with: key('with')
        .notNull()
        .references(() => person.id),
      mode: text('mode').notNull(),
      supervision: text('supervision').notNull(),
      outOfHome: boolean('out_of_home').notNull(),
      frequency: text('frequency').notNull(),
      startedOn: date('started_on').notNull(),
      endedOn: date('ended_on'),
    },
    (t) => [index('contact_arrangement_family').on(t.family, t.startedOn, t.id)],
  ),
  'CASE',
);

/** Where it takes place: a venue tells where the child is. */
export const contactPlace = classify(
  fsp.table('contact_place', {
    arrangement: key('arrangement')
      .primaryKey()
      .references(() => contactArrangement.id),
    ...sideOfChild(),
    keptFrom: keptFrom(),
    venue: text('venue').notNull(),
  }),
  'WHEREABOUTS',
);

/** A child's gradual return home. */
export const returnHome = classify(
  fsp.table(
    'return_home',
    {
      ...ofChild(),
      keptFrom: keptFrom(),
      decidedOn: date('decided_on').notNull(),
      /** In which stage it stands: the day the child was home for good, or that it was given up. */
      completedOn: date('completed_on'),
      abandonedOn: date('abandoned_on'),
    },
    (t) => [index('return_home_family').on(t.family, t.decidedOn, t.id)],
  ),
  'CASE',
);

/** One stage of it, and which relative protects the child in it. */
export const returnStage = classify(
  fsp.table(
    'return_stage',
    {
      ...ofChild(),
      keptFrom: keptFrom(),
      returnHome: key('return_home')
        .notNull()
        .references(() => returnHome.id),
      what: text('what').notNull(),
      startsOn: date('starts_on').notNull(),
      until: date('until'),
      reviewOn: date('review_on'),
      protector: key('protector').references(() => person.id),
    },
    (t) => [index('return_stage_of').on(t.returnHome, t.startsOn, t.id)],
  ),
  'CASE',
);
