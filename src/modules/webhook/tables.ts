/** Webhooks: places of the change feed that are kept for a client, and what of each is still to be sent. Written by functions alone (`src/access/webhook.sql`). */
import { sql } from 'drizzle-orm';
import { bigint, boolean, customType, index, integer, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment } from '../../db/classified.ts';
import { client, organisation } from '../sharing/tables.ts';

const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

/** What one client is told of, under one purpose, and where. */
export const webhook = classify(
  fsp.table(
    'webhook',
    {
      id: id(),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      client: text('client')
        .notNull()
        .references(() => client.id),
      purpose: text('purpose').notNull(),
      url: text('url').notNull(),
      /** Values of `ChangeType`; null: all. */
      types: text('types').array(),
      enabled: boolean('enabled').notNull().default(true),
      /** Why nothing is sent, or the last sending failed. */
      fault: text('fault'),
      /** Secrets are made of it and of the server's own, and stand nowhere. */
      salt: uuid('salt').notNull().defaultRandom(),
      generation: integer('generation').notNull().default(1),
      /** Until when the generation before signs as well. */
      previousUntil: moment('previous_until'),
      /** Where the feed was when it was registered, until there is a cursor. */
      begun: xid8('begun').notNull().default(sql`pg_snapshot_xmin(pg_current_snapshot())`),
      cursor: text('cursor'),
      registeredAt: moment('registered_at').notNull().defaultNow(),
      delivered: bigint('delivered', { mode: 'number' }).notNull().default(0),
      deliveredAt: moment('delivered_at'),
      /** Rounds that failed one after the other, and until when the next waits. */
      failures: integer('failures').notNull().default(0),
      pausedUntil: moment('paused_until'),
    },
    (t) => [index('webhook_organisation').on(t.organisation, t.id)],
  ),
  'OPERATION',
);

/** What is still to be sent, and what could not be: which row changed, and never what it says. Whether it is told is asked when it is sent. */
export const webhookEvent = classify(
  fsp.table(
    'webhook_event',
    {
      id: id(),
      organisation: integer('organisation').notNull(),
      webhook: key('webhook')
        .notNull()
        .references(() => webhook.id, { onDelete: 'cascade' }),
      /** The `webhook-id`: the same at every try. */
      message: uuid('message').notNull().defaultRandom(),
      /** The GraphQL type and key of the row; an empty type: the feed begins anew. */
      type: text('type').notNull(),
      key: key('key').notNull(),
      /** What is sent one after the other: the family, or of a person without one the negative key. */
      lane: key('lane').notNull(),
      /** To be told as gone where its reader does not see it. */
      gone: boolean('gone').notNull(),
      at: moment('at').notNull().defaultNow(),
      attempts: integer('attempts').notNull().default(0),
      nextAt: moment('next_at').notNull().defaultNow(),
      triedAt: moment('tried_at'),
      /** The HTTP status of the last answer. */
      status: integer('status'),
      fault: text('fault'),
      /** No more tries: until it is replayed. */
      deadAt: moment('dead_at'),
    },
    (t) => [
      index('webhook_event_lane').on(t.webhook, t.lane, t.id).where(sql`dead_at is null`),
      index('webhook_event_dead').on(t.webhook, t.id).where(sql`dead_at is not null`),
      // A change of a row whose event still waits to be sent for the first time is told by that one.
      uniqueIndex('webhook_event_waiting').on(t.webhook, t.type, t.key).where(sql`dead_at is null and attempts = 0`),
    ],
  ),
  'OPERATION',
);
