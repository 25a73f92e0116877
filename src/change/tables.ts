/** What was changed, by whom; and the keys under which a client may ask again without a second effect. */
import { sql } from 'drizzle-orm';
import { customType, index, integer, jsonb, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment } from '../db/classified.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
/** A transaction's number, which never begins again: a place among all that was ever committed. */
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

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

/**
 * Which rows were touched in which transaction, and whose rights changed; written by the database itself (`fsp.note_change`,
 * `fsp.note_rights`), whoever wrote the row. Says that something changed, never what it says. Told in the order of (`xid`, `id`),
 * as far as no transaction is still under way.
 */
export const feedChange = classify(
  fsp.table(
    'feed_change',
    {
      id: id(),
      xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
      at: moment('at').notNull().defaultNow(),
      /** Whose rights changed; 0: the row itself changed. */
      login: key('login').notNull().default(0),
      type: text('type').notNull(),
      key: key('key').notNull(),
      family: key('family'),
      /** The classes that touched rows need, each row's as one mask: who reads none of them wholly is told nothing. Of rights: none. */
      masks: key('masks').array().notNull().default(sql`'{}'::bigint[]`),
    },
    (t) => [
      index('feed_change_place').on(t.xid, t.id),
      index('feed_change_at').on(t.at),
      unique('feed_change_once').on(t.xid, t.login, t.type, t.key),
    ],
  ),
  'OPERATION',
);

/** A client under one purpose, as a reader of the feed. */
export const feedReader = classify(
  fsp.table('feed_reader', { id: id(), client: text('client').notNull(), purpose: text('purpose').notNull() }, (t) => [
    unique('feed_reader_once').on(t.client, t.purpose),
  ]),
  'OPERATION',
);

/** What a reader of the feed was shown, so that it is told when that is gone, and is never told of anything else. */
export const feedSeen = classify(
  fsp.table(
    'feed_seen',
    {
      reader: key('reader').notNull(),
      type: text('type').notNull(),
      key: key('key').notNull(),
      family: key('family'),
      /** When it was last shown: no later than it was read. */
      shown: xid8('shown').notNull(),
      /** The transaction that noted it. */
      noted: xid8('noted').notNull().default(sql`pg_current_xact_id()`),
      /** From when on its reader knows that it is gone; null: it stands. */
      gone: xid8('gone'),
    },
    (t) => [primaryKey({ columns: [t.reader, t.type, t.key] }), index('feed_seen_family').on(t.reader, t.family)],
  ),
  'OPERATION',
);

/** One row: until when the ends and beginnings of rights are told, and up to where changes were swept away. */
export const feedState = classify(
  fsp.table('feed_state', { id: integer('id').primaryKey(), until: moment('until').notNull(), swept: xid8('swept') }),
  'OPERATION',
);
