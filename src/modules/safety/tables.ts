/** What everybody with the family must do to keep people safe, and the incidents of which the police and others tell. */
import { sql } from 'drizzle-orm';
import { bigint, check, date, foreignKey, index, type PgColumn, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';

/** The persons from whom a row is kept; see SHARING, kept from. */
const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);

/** What to do, and not why. The persons whom it binds and protects are rows of their own. */
export const safetyCondition = classify(
  fsp.table(
    'safety_condition',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      kind: text('kind').notNull(),
      instruction: text('instruction').notNull(),
      issuer: text('issuer').notNull(),
      from: date('from').notNull(),
      until: date('until'),
      reviewedOn: date('reviewed_on'),
      endedOn: date('ended_on'),
      version: version(),
      ...times(),
    },
    (t) => [index('safety_condition_family').on(t.family, t.id), unique('safety_condition_of_writer').on(t.id, t.family, t.controller)],
  ),
  'SAFETY',
  { people: (alias) => `(select named.person from fsp.safety_condition_person named where named.condition = ${alias}.id)` },
);

/** A condition's rows are of its family and its writer, so that nobody hangs one on a condition that is not theirs. */
const withCondition = (name: string, t: { condition: PgColumn; family: PgColumn; controller: PgColumn }) =>
  foreignKey({
    name: `${name}_of_condition`,
    columns: [t.condition as never, t.family as never, t.controller as never],
    foreignColumns: [safetyCondition.id, safetyCondition.family, safetyCondition.controller],
  });

export const safetyConditionPerson = classify(
  fsp.table(
    'safety_condition_person',
    {
      id: id(),
      condition: key('condition').notNull(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      part: text('part').notNull(),
    },
    (t) => [
      index('safety_condition_person_condition').on(t.condition, t.id),
      index('safety_condition_person_person').on(t.person),
      withCondition('safety_condition_person', t),
    ],
  ),
  'SAFETY',
);

const reason = () => ({
  condition: key('condition').primaryKey(),
  family: familyKey(),
  controller: controller(),
  worker: text('worker'),
  keptFrom: keptFrom(),
  reason: text('reason').notNull(),
});

/** Why, where it tells of an offence. */
export const safetyOffenceReason = classify(
  fsp.table('safety_offence_reason', reason(), (t) => [
    index('safety_offence_reason_family').on(t.family),
    withCondition('safety_offence_reason', t),
  ]),
  'OFFENCE',
);

/** Why, where it tells of who was harmed. */
export const safetyVictimReason = classify(
  fsp.table('safety_victim_reason', reason(), (t) => [
    index('safety_victim_reason_family').on(t.family),
    withCondition('safety_victim_reason', t),
  ]),
  'VICTIM',
);

/** A call-out, an arrest, a notification, a breach. Shown only with its basis, the person's part and what came of it. */
export const incident = classify(
  fsp.table(
    'incident',
    {
      id: id(),
      family: familyKey(),
      /** Null: about the whole family. */
      person: key('person').references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      kind: text('kind').notNull(),
      reason: text('reason'),
      /** `RECORDED` by the police, who alone can; `REPORTED` by everybody else. The database sees to it. */
      basis: text('basis').notNull(),
      part: text('part').notNull(),
      outcome: text('outcome').notNull(),
      happenedOn: date('happened_on').notNull(),
      account: text('account'),
      /** The condition that it breaks. */
      breaches: key('breaches').references(() => safetyCondition.id),
      version: version(),
      ...times(),
    },
    (t) => [
      index('incident_family').on(t.family, t.happenedOn, t.id),
      index('incident_person').on(t.person),
      unique('incident_of_writer').on(t.id, t.family, t.controller),
      check('incident_basis', sql`basis in ('RECORDED', 'REPORTED')`),
      check('incident_part', sql`part in ('SUSPECT', 'VICTIM', 'WITNESS', 'NOT_KNOWN')`),
      check('incident_of_a_person', sql`person is not null or part = 'NOT_KNOWN'`),
      check(
        'incident_of_suspect',
        sql`kind not in ('arrest', 'bail', 'caution', 'charge', 'prosecution', 'conviction') or (person is not null and part = 'SUSPECT')`,
      ),
    ],
  ),
  'OFFENCE',
);

/** Who told of it, where it was a neighbour, a relative or nobody who gave a name. */
export const incidentInformant = classify(
  fsp.table(
    'incident_informant',
    {
      incident: key('incident').primaryKey(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      informant: text('informant').notNull(),
    },
    (t) => [
      index('incident_informant_family').on(t.family),
      foreignKey({
        name: 'incident_informant_of_incident',
        columns: [t.incident, t.family, t.controller],
        foreignColumns: [incident.id, incident.family, incident.controller],
      }),
    ],
  ),
  'INFORMANT',
);
