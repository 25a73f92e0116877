/** Where the public directory comes from: feeds of Open Referral UK, what each brought, and what its services hang on. */
import { sql } from 'drizzle-orm';
import { boolean, customType, doublePrecision, index, integer, jsonb, text, unique, uuid } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment } from '../../db/classified.ts';
import { organisation } from '../sharing/tables.ts';

export const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });

/** A name counts for more than what is said of it. */
/** It tells of a refuge or of a secret address, and does not go out. The database sets it (`fsp.is_secret_place`). */
export const secret = () => boolean('secret').notNull().default(false);

export const SEARCH = sql`setweight(to_tsvector('english', coalesce(document ->> 'name', '')), 'A') || setweight(to_tsvector('english', coalesce(left(document ->> 'description', 20000), '')), 'D')`;

/** A feed that an organisation registered: pulled from its address, or without one pushed in by `publishServices`. */
export const serviceFeed = classify(
  fsp.table('service_feed', {
    id: integer('id').primaryKey().generatedByDefaultAsIdentity(),
    code: text('code').notNull().unique(),
    /** Whose feed it is; takes offers of its services. */
    organisation: integer('organisation')
      .notNull()
      .references(() => organisation.id),
    /** ONS code of the district in which its services are; null: the county's. */
    district: text('district'),
    url: text('url').unique(),
    enabled: boolean('enabled').notNull().default(true),
    /** The operator wrote its address down: only then it may be one of the hosts inside the network (`FEED_HOSTS`). */
    byOperator: boolean('by_operator').notNull().default(false),
    registeredAt: moment('registered_at').notNull().defaultNow(),
  }),
  'DIRECTORY',
);

/** One pull of a feed, or one push into it. */
export const serviceRun = classify(
  fsp.table(
    'service_run',
    {
      id: id(),
      feed: integer('feed')
        .notNull()
        .references(() => serviceFeed.id),
      startedAt: moment('started_at').notNull().defaultNow(),
      /** Null: it is under way, or was broken off. */
      endedAt: moment('ended_at'),
      /** Everything the feed has was seen: only then what was not there is retired. */
      complete: boolean('complete').notNull().default(false),
      created: integer('created').notNull().default(0),
      updated: integer('updated').notNull().default(0),
      unchanged: integer('unchanged').notNull().default(0),
      failed: integer('failed').notNull().default(0),
      retired: integer('retired').notNull().default(0),
      /** Why it is not complete. */
      fault: text('fault'),
    },
    (t) => [index('service_run_feed').on(t.feed, t.id)],
  ),
  'DIRECTORY',
);

/** What was said of one service of a run: what became of it, or what was wrong with it, and where. */
export const serviceRunLine = classify(
  fsp.table(
    'service_run_line',
    {
      id: id(),
      run: key('run')
        .notNull()
        .references(() => serviceRun.id),
      /** Its place among those of the run, from 1. */
      line: integer('line').notNull(),
      /** Null of what must not be pointed at: a place that is kept secret. */
      sourceId: text('source_id'),
      result: text('result').notNull(),
      path: text('path'),
      rule: text('rule'),
      message: text('message'),
    },
    (t) => [index('service_run_line_run').on(t.run, t.id)],
  ),
  'DIRECTORY',
);

/** Who gives a service, as a feed names them: the `organization` of Open Referral UK. */
export const serviceProvider = classify(
  fsp.table(
    'service_provider',
    {
      id: uuid('id').primaryKey(),
      feed: integer('feed').references(() => serviceFeed.id),
      sourceId: text('source_id'),
      name: text('name').notNull(),
      description: text('description'),
      website: text('website'),
      email: text('email'),
      lastSeen: moment('last_seen').notNull().defaultNow(),
    },
    (t) => [unique('service_provider_of_feed').on(t.feed, t.sourceId)],
  ),
  'DIRECTORY',
);

export const directoryTaxonomy = classify(
  fsp.table('directory_taxonomy', {
    id: uuid('id').primaryKey(),
    /** The first that brought it. */
    feed: integer('feed').references(() => serviceFeed.id),
    name: text('name').notNull(),
    document: jsonb('document').notNull(),
    secret: secret(),
    lastSeen: moment('last_seen').notNull().defaultNow(),
  }),
  'DIRECTORY',
);

export const directoryTerm = classify(
  fsp.table(
    'directory_term',
    {
      id: uuid('id').primaryKey(),
      feed: integer('feed').references(() => serviceFeed.id),
      taxonomy: uuid('taxonomy')
        .notNull()
        .references(() => directoryTaxonomy.id),
      parent: uuid('parent'),
      name: text('name').notNull(),
      description: text('description'),
      uri: text('uri'),
      document: jsonb('document').notNull(),
      secret: secret(),
      lastSeen: moment('last_seen').notNull().defaultNow(),
    },
    (t) => [index('directory_term_taxonomy').on(t.taxonomy)],
  ),
  'DIRECTORY',
);

/** The middle of each postcode area (`OX16`), from which is measured how far a service is. */
export const postcodeArea = classify(
  fsp.table('postcode_area', {
    outward: text('outward').primaryKey(),
    name: text('name').notNull(),
    latitude: doublePrecision('latitude').notNull(),
    longitude: doublePrecision('longitude').notNull(),
    district: text('district'),
  }),
  'DIRECTORY',
);
