/**
 * The disclosure record as it can be read: who looked, at what, and who is told of it. Written by the database itself from
 * the batches of `src/disclosure/` (`fsp.index_disclosures`), and by nobody else.
 */
import { bigint, boolean, customType, date, index, integer, primaryKey, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, familyKey } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const texts = (name: string) => text(name).array().notNull();

/** One record: an answer, a refusal, a failure. Its time is the database's. */
export const disclosureEntry = classify(
  fsp.table(
    'disclosure_entry',
    {
      id: id(),
      chain: uuid('chain').notNull(),
      sequence: bigint('sequence', { mode: 'number' }).notNull(),
      /** Its place in the batch, from 1. */
      position: integer('position').notNull(),
      at: moment('at').notNull(),
      /** Null: nobody was recognised. */
      organisation: integer('organisation'),
      client: text('client'),
      subject: text('subject'),
      purpose: text('purpose'),
      category: text('category'),
      operation: text('operation'),
      document: text('document'),
      classes: texts('classes'),
      fields: texts('fields'),
      /** Fields refused, each with the reason. */
      refused: texts('refused'),
      families: key('families').array().notNull(),
      persons: key('persons').array().notNull(),
      emergency: text('emergency'),
      failed: text('failed'),
      alert: text('alert'),
      /** Why nobody was recognised. */
      reason: text('reason'),
      /** How many of the same within a minute, where they are counted. */
      count: integer('count').notNull(),
      agreement: text('agreement'),
      request: text('request'),
      correlation: text('correlation'),
      /** It is about restricted families, and no other. */
      restricted: boolean('restricted').notNull(),
      /** What stood in the batch, so that a batch changed later can be told where. */
      digest: bytea('digest').notNull(),
    },
    (t) => [
      unique('disclosure_entry_place').on(t.chain, t.sequence, t.position),
      index('disclosure_entry_at').on(t.at, t.id),
      index('disclosure_entry_organisation').on(t.organisation, t.at, t.id),
    ],
  ),
  'OPERATION',
);

/** The families that a record is about: those it names, and those of persons shown without one. */
export const disclosureFamily = classify(
  fsp.table(
    'disclosure_family',
    {
      family: key('family').notNull(),
      entry: key('entry').notNull(),
      organisation: integer('organisation'),
      restricted: boolean('restricted').notNull(),
    },
    (t) => [primaryKey({ columns: [t.family, t.entry] }), index('disclosure_family_entry').on(t.entry)],
  ),
  'OPERATION',
);

/** Who looked at what of which family, and who is to hear of it: what makes two of them one notice. */
const looks = () => ({
  family: familyKey(),
  /** The organisation of whoever is told; the user is `worker`. */
  addressee: integer('addressee')
    .notNull()
    .references(() => organisation.id),
  worker: text('worker').notNull(),
  /** Who looked. */
  organisation: integer('organisation')
    .notNull()
    .references(() => organisation.id),
  /** `IMMEDIATE`: of an emergency, or of a restricted family. */
  kind: text('kind').$type<'DAILY' | 'IMMEDIATE'>().notNull(),
  /** The day in England. */
  day: date('day').notNull(),
  count: integer('count').notNull(),
  firstAt: moment('first_at').notNull(),
  lastAt: moment('last_at').notNull(),
  purposes: texts('purposes'),
  emergency: text('emergency'),
});

/** Looks from outside that nobody has been told of yet: the day is not over, or the police have asked for a delay. */
export const accessLook = classify(
  fsp.table('access_look', { ...looks(), due: moment('due').notNull() }, (t) => [
    primaryKey({ columns: [t.family, t.addressee, t.worker, t.organisation, t.kind, t.day] }),
    index('access_look_due').on(t.due),
  ]),
  'OPERATION',
);

/** Tells the family's lead worker that somebody from outside has looked: who, when, how often, for what. Never what of. */
export const accessNotice = classify(
  fsp.table(
    'access_notice',
    {
      id: id(),
      controller: controller(),
      /** What it tells that this organisation works with the family. */
      rowMask: key('row_mask').notNull().default(0),
      ...looks(),
      acknowledgedAt: moment('acknowledged_at'),
      version: version(),
      ...times(),
    },
    (t) => [
      uniqueIndex('access_notice_of').on(t.family, t.addressee, t.worker, t.organisation, t.kind, t.day),
      index('access_notice_worker').on(t.worker, t.lastAt, t.id),
    ],
  ),
  'SHARING',
  { own: { columns: ['addressee'], user: 'worker', ofOthers: true }, sealed: true },
);

/** Until when nobody is told that this organisation looks at a family, and why; of the police alone. */
export const noticeDelay = classify(
  fsp.table(
    'notice_delay',
    {
      id: id(),
      family: familyKey(),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      until: moment('until').notNull(),
      reason: text('reason').notNull(),
      decidedBy: text('decided_by').notNull(),
      at: moment('at').notNull().defaultNow(),
    },
    (t) => [index('notice_delay_family').on(t.family, t.organisation)],
  ),
  'OPERATION',
);
