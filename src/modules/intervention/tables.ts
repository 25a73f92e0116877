/** Help for one person of the family: that it exists, what it is, and how it goes are three tables of three classes. */
import { date, foreignKey, index, integer, text, unique } from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';

/** The catalogue. `dataClass` is what knowing that somebody is in the programme tells about them. */
export const programme = classify(
  fsp.table('programme', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    dataClass: text('data_class').$type<PersonalClass>().notNull(),
  }),
  'DIRECTORY',
);

export const intervention = classify(
  fsp.table(
    'intervention',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      version: version(),
      ...times(),
    },
    (t) => [index('intervention_family').on(t.family, t.id), unique('intervention_of_writer').on(t.id, t.family, t.person, t.controller)],
  ),
  'INVOLVEMENT',
  {
    own: {
      columns: ['controller'],
      through: (alias, org) =>
        `(select true from fsp.intervention_link own_link where own_link.intervention = ${alias}.id and (own_link.provider = ${org} or own_link.assigned = ${org}))`,
    },
  },
);

const interventionKey = () =>
  key('intervention')
    .primaryKey()
    .references(() => intervention.id);

/** The telling link: which programme, by whom. Needs the programme's own class as well (`row_mask`). */
export const interventionLink = classify(
  fsp.table(
    'intervention_link',
    {
      intervention: key('intervention').primaryKey(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      rowMask: key('row_mask').notNull(),
      programme: integer('programme')
        .notNull()
        .references(() => programme.id),
      provider: integer('provider')
        .notNull()
        .references(() => organisation.id),
      /** The team whose own practitioner delivers it. */
      assigned: integer('assigned').references(() => organisation.id),
    },
    (t) => [
      index('intervention_link_provider').on(t.provider),
      // Of all four: the intervention's policy asks this table, so this one's cannot ask the intervention's.
      foreignKey({
        name: 'intervention_link_of_intervention',
        columns: [t.intervention, t.family, t.person, t.controller],
        foreignColumns: [intervention.id, intervention.family, intervention.person, intervention.controller],
      }),
    ],
  ),
  'INVOLVEMENT',
  { own: { columns: ['controller', 'provider', 'assigned'] }, rowClassOf: 'programme' },
);

export const interventionProgress = classify(
  fsp.table('intervention_progress', {
    intervention: interventionKey(),
    family: familyKey(),
    person: personKey(),
    controller: controller(),
    worker: text('worker'),
    status: text('status').notNull(),
    requested: date('requested').notNull(),
    started: date('started'),
    ended: date('ended'),
    sessions: integer('sessions').notNull().default(0),
    outcome: text('outcome'),
  }),
  'PROGRESS',
  {
    own: {
      columns: ['controller'],
      through: (alias, org) =>
        `(select true from fsp.intervention_link own_link where own_link.intervention = ${alias}.intervention and (own_link.provider = ${org} or own_link.assigned = ${org}))`,
    },
    amendedThrough: true,
  },
);
