/** What was taken out of the record as wrong, and who was told that they were shown it. */
import { bigint, index, integer, jsonb, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, version } from '../../db/classified.ts';
import { organisation } from '../sharing/tables.ts';

export type RetractionReason = 'WRONG_PERSON' | 'WRONG_FAMILY' | 'UNSAFE';

/** A row and all that belonged to it, moved here whole. Written by the database alone (`fsp.retract`); an inquiry reads it. */
export const retraction = classify(
  fsp.table(
    'retraction',
    {
      id: id(),
      controller: integer('controller')
        .notNull()
        .references(() => organisation.id),
      /** Null: nobody knew yet which family it was of. */
      family: key('family'),
      /** GraphQL type and key of the row. */
      entity: text('entity').notNull(),
      entityId: key('entity_id').notNull(),
      reason: text('reason').$type<RetractionReason>().notNull(),
      explanation: text('explanation').notNull(),
      by: text('by').notNull(),
      subject: text('subject'),
      at: moment('at').notNull().defaultNow(),
      /** The rows, each with its table: `[{ table, row }]`; and the references to them that were emptied. */
      content: jsonb('content').notNull(),
      /** Organisations that were shown it, as the disclosure record has it, and those whose own it was. */
      shown: integer('shown').array().notNull(),
      persons: bigint('persons', { mode: 'number' }).array().notNull(),
    },
    (t) => [index('retraction_at').on(t.controller, t.at, t.id), index('retraction_family').on(t.family)],
  ),
  'OPERATION',
);

export type RecallKind = 'ENTRY_RETRACTED' | 'DECISION_WITHDRAWN' | 'FACT_DISPUTED';

/**
 * To one organisation: what it was shown no longer stands as it was. Its addressee's alone, whoever else was told: the list
 * of them would say who works with the family. Written by `fsp.recall`.
 */
export const recallNotice = classify(
  fsp.table(
    'recall_notice',
    {
      id: id(),
      addressee: integer('addressee')
        .notNull()
        .references(() => organisation.id),
      /** The user who has taken it up; whose it is until then is open. */
      worker: text('worker'),
      /** Whose row or decision it was. */
      origin: integer('origin')
        .notNull()
        .references(() => organisation.id),
      kind: text('kind').$type<RecallKind>().notNull(),
      entity: text('entity').notNull(),
      entityId: key('entity_id').notNull(),
      about: key('about'),
      words: text('words').notNull(),
      at: moment('at').notNull().defaultNow(),
      acknowledgedAt: moment('acknowledged_at'),
      acknowledgedBy: text('acknowledged_by'),
      version: version(),
    },
    (t) => [index('recall_notice_addressee').on(t.addressee, t.at, t.id), index('recall_notice_about').on(t.about)],
  ),
  'SHARING',
  {
    own: {
      columns: [],
      through: (row, org) => `(${row}.addressee = ${org} and fsp.recall_open(${row}.id))`,
      families: (row) => `(select ${row}.about as family)`,
      user: 'worker',
      unassigned: true,
    },
    writer: 'origin',
    sealed: true,
  },
);
