/** What stands beside a fact or a decision and is nobody else's to change: a person's statement, a professional's dissent. */
import { date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey } from '../family/tables.ts';
import { decision } from '../meeting/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { keptFrom } from '../workbook/tables.ts';

/**
 * A statement is seen exactly as far as the fact is. Its family, the person whom the fact is about, the classes it needs
 * (`row_mask`), whom it is kept from and whose the fact is (`holder`, `worker`) are the fact's own, written by the database
 * (`fsp.copy_fact`). Who disputes it (`speaker`) must be seen as well.
 */
export const dispute = classify(
  fsp.table(
    'dispute',
    {
      id: id(),
      family: familyKey(),
      person: key('person').references(() => person.id),
      speaker: key('speaker')
        .notNull()
        .references(() => person.id),
      controller: controller(),
      holder: integer('holder')
        .notNull()
        .references(() => organisation.id),
      worker: text('worker'),
      rowMask: key('row_mask').notNull().default(0),
      keptFrom: keptFrom(),
      subjectType: text('subject_type').notNull(),
      subjectId: key('subject_id').notNull(),
      statement: text('statement').notNull(),
      /** Code list `voice-medium`. */
      how: text('how').notNull(),
      saidOn: date('said_on').notNull(),
      recordedBy: text('recorded_by').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [index('dispute_subject').on(t.subjectType, t.subjectId, t.id), index('dispute_family').on(t.family, t.saidOn, t.id)],
  ),
  'IDENTITY',
  { other: 'speaker', own: { columns: ['holder'], user: 'worker' }, acts: ['disputeFact'], amendedBy: [] },
);

/** Stands wherever the decision stands: family, person and whom it is kept from are the decision's (`fsp.copy_decision`). */
export const disagreement = classify(
  fsp.table(
    'disagreement',
    {
      id: id(),
      family: familyKey(),
      person: key('person').references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      decision: key('decision')
        .notNull()
        .references(() => decision.id),
      by: text('by').notNull(),
      role: text('role').notNull(),
      reason: text('reason').notNull(),
      wanted: text('wanted'),
      saidOn: date('said_on').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [index('disagreement_decision').on(t.decision, t.id), index('disagreement_family').on(t.family, t.id)],
  ),
  'ASSESSMENT',
  { acts: ['recordDisagreement'], amendedBy: [] },
);
