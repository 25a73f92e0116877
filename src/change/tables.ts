/** What was changed, by whom; and the keys under which a client may ask again without a second effect. */
import { customType, index, integer, jsonb, primaryKey, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment } from '../db/classified.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** One row for each change, written in its transaction. Says that something changed, never what it says. */
export const outbox = classify(
  fsp.table(
    'outbox',
    {
      id: id(),
      at: moment('at').notNull().defaultNow(),
      organisation: integer('organisation').notNull(),
      client: text('client').notNull(),
      subject: text('subject'),
      purpose: text('purpose').notNull(),
      requestId: text('request_id').notNull(),
      action: text('action').notNull(),
      entity: text('entity').notNull(),
      entityId: key('entity_id').notNull(),
      family: key('family'),
      persons: key('persons').array().notNull(),
      dataClasses: text('data_classes').array().notNull(),
    },
    (t) => [index('outbox_family').on(t.family)],
  ),
  'OPERATION',
);

/** What a row was before somebody changed it; written by the database itself (`fsp.amend`). */
export const earlier = classify(
  fsp.table(
    'earlier',
    {
      id: id(),
      at: moment('at').notNull().defaultNow(),
      organisation: integer('organisation').notNull(),
      subjectTable: text('subject_table').notNull(),
      rowKey: text('row_key'),
      was: jsonb('was').notNull(),
    },
    (t) => [index('earlier_row').on(t.subjectTable, t.rowKey)],
  ),
  'OPERATION',
);

/** Whom a row is kept from no longer, and by which decision; written by the database itself (`fsp.lift_kept_from`). */
export const keptFromLift = classify(
  fsp.table(
    'kept_from_lift',
    {
      id: id(),
      at: moment('at').notNull().defaultNow(),
      organisation: integer('organisation').notNull(),
      subjectTable: text('subject_table').notNull(),
      rowKey: key('row_key').notNull(),
      person: key('person').notNull(),
      decision: key('decision').notNull(),
    },
    (t) => [index('kept_from_lift_row').on(t.subjectTable, t.rowKey)],
  ),
  'OPERATION',
);

/** The key stores what the command did (its result and ids), not the body that was sent back. */
export const idempotency = classify(
  fsp.table(
    'idempotency',
    {
      organisation: integer('organisation').notNull(),
      /** Under which login it was used, written by the database: what named users did is not for the others to count. */
      login: key('login').notNull().default(0),
      client: text('client').notNull(),
      key: text('key').notNull(),
      fingerprint: bytea('fingerprint').notNull(),
      result: jsonb('result').notNull(),
      at: moment('at').notNull().defaultNow(),
    },
    (t) => [primaryKey({ columns: [t.organisation, t.client, t.key] })],
  ),
  'OPERATION',
);
