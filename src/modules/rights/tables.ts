/** What people were told about their data, and what they asked of those who hold it. */
import { sql } from 'drizzle-orm';
import { bigint, date, foreignKey, index, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';

/** The persons from whom a row is kept; see SHARING, kept from. */
const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);

/** That somebody of the family was told something about their data; or that it was not safe to tell them, and why. */
export const toldFamily = classify(
  fsp.table(
    'told_family',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      notice: text('notice').notNull(),
      /** The day on which they were told, or on which it was decided not to tell them. */
      toldOn: date('told_on').notNull(),
      toldBy: text('told_by').notNull(),
      /** Null: they were not told. */
      how: text('how'),
      whyNot: text('why_not'),
      version: version(),
      ...times(),
    },
    (t) => [index('told_family_family').on(t.family, t.toldOn, t.id), unique('told_family_of_writer').on(t.id, t.family, t.controller)],
  ),
  'SHARING',
  {
    acts: ['recordToldFamily'],
    amendedBy: [],
    people: (alias) => `(select named.person from fsp.told_family_person named where named.told = ${alias}.id)`,
  },
);

/** Whom it was for. */
export const toldFamilyPerson = classify(
  fsp.table(
    'told_family_person',
    {
      id: id(),
      told: key('told').notNull(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
    },
    (t) => [
      index('told_family_person_told').on(t.told, t.id),
      index('told_family_person_person').on(t.person),
      // Of its family and its writer, so that nobody hangs one on a row that is not theirs.
      foreignKey({
        name: 'told_family_person_of_told',
        columns: [t.told, t.family, t.controller],
        foreignColumns: [toldFamily.id, toldFamily.family, toldFamily.controller],
      }),
    ],
  ),
  'SHARING',
  { acts: ['recordToldFamily'], amendedBy: [] },
);
