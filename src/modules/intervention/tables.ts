/** Help for one person of the family: that it exists, what it is, and how it goes are tables of different classes. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, foreignKey, index, integer, type PgColumn, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, type Own, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';

/** The catalogue. `dataClass` is what knowing that somebody is in the programme tells about them. */
export const programme = classify(
  fsp.table('programme', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    dataClass: text('data_class').$type<PersonalClass>().notNull(),
    /** Ages of the children it is for, or for whose parents. */
    minimumAge: integer('minimum_age'),
    maximumAge: integer('maximum_age'),
  }),
  'DIRECTORY',
);

/** What an authority has contracted: a lead provider, its partners beside it. */
export const contract = classify(
  fsp.table('contract', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    lead: integer('lead')
      .notNull()
      .references(() => organisation.id),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to'),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);

export const contractPartner = classify(
  fsp.table(
    'contract_partner',
    {
      contract: integer('contract')
        .notNull()
        .references(() => contract.id),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
    },
    (t) => [primaryKey({ columns: [t.contract, t.organisation] })],
  ),
  'DIRECTORY',
);

/** Who gives which programme, and when. */
export const programmeProvider = classify(
  fsp.table(
    'programme_provider',
    {
      programme: integer('programme')
        .notNull()
        .references(() => programme.id),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      contract: integer('contract').references(() => contract.id),
      validFrom: date('valid_from').notNull(),
      validTo: date('valid_to'),
    },
    (t) => [
      primaryKey({ columns: [t.programme, t.organisation, t.validFrom] }),
      index('programme_provider_organisation').on(t.organisation),
    ],
  ),
  'DIRECTORY',
);

/** A run of a programme for a group; who comes is in the sessions of each person's intervention. */
export const groupProgramme = classify(
  fsp.table('group_programme', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    programme: integer('programme')
      .notNull()
      .references(() => programme.id),
    provider: integer('provider')
      .notNull()
      .references(() => organisation.id),
    starts: date('starts').notNull(),
    ends: date('ends').notNull(),
  }),
  'DIRECTORY',
);

export const groupSession = classify(
  fsp.table(
    'group_session',
    {
      id: integer('id').primaryKey(),
      groupProgramme: integer('group_programme')
        .notNull()
        .references(() => groupProgramme.id),
      number: integer('number').notNull(),
      heldOn: date('held_on').notNull(),
      topic: text('topic'),
    },
    (t) => [unique('group_session_number').on(t.groupProgramme, t.number)],
  ),
  'DIRECTORY',
);

/** Keys of a month of a provider's work, whose figures are worked out as they are asked for. */
const ofMonth = () => ({
  id: id(),
  controller: controller(),
  provider: integer('provider')
    .notNull()
    .references(() => organisation.id),
  worker: text('worker'),
  month: date('month').notNull(),
});

/** Between the county and the provider: nobody else asks for their casework figures. */
const betweenThem = { own: { columns: ['controller', 'provider'], unassigned: true as const }, sealed: true };

export const providerMonth = classify(
  fsp.table('provider_month', ofMonth(), (t) => [unique('provider_month_once').on(t.provider, t.month)]),
  'PROGRESS',
  betweenThem,
);

/** The same month, for what only those see who see tests. */
export const providerMonthTests = classify(
  fsp.table('provider_month_tests', ofMonth(), (t) => [unique('provider_month_tests_once').on(t.provider, t.month)]),
  'CLINICAL',
  betweenThem,
);

/** The persons from whom a row is kept; see SHARING, kept from. */
const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);

/** Own is what a provider, or the team assigned, is asked for; until somebody takes it up it is anybody's there. */
const throughLink = (keyColumn: string, columns = ['controller']): Own => ({
  columns,
  unassigned: true,
  through: (alias, org) =>
    `(select true from fsp.intervention_link own_link where own_link.intervention = ${alias}.${keyColumn} and (own_link.provider = ${org} or own_link.assigned = ${org}))`,
});

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
    (t) => [
      index('intervention_family').on(t.family, t.id),
      unique('intervention_of_writer').on(t.id, t.family, t.person, t.controller),
      unique('intervention_of_person').on(t.id, t.family, t.person),
    ],
  ),
  'INVOLVEMENT',
  { own: throughLink('id') },
);

const interventionKey = () =>
  key('intervention')
    .notNull()
    .references(() => intervention.id);

/** The telling link: which programme, by whom, and why it was asked for. Needs the programme's own class as well (`row_mask`). */
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
      reason: text('reason'),
      /** Whether the person agreed to be helped by them. */
      agreed: boolean('agreed'),
      /** What the request opened the family by; the database writes it. */
      involvement: key('involvement'),
    },
    (t) => [
      index('intervention_link_provider').on(t.provider),
      index('intervention_link_family').on(t.family),
      index('intervention_link_involvement').on(t.involvement),
      // Of all four: the intervention's policy asks this table, so this one's cannot ask the intervention's.
      foreignKey({
        name: 'intervention_link_of_intervention',
        columns: [t.intervention, t.family, t.person, t.controller],
        foreignColumns: [intervention.id, intervention.family, intervention.person, intervention.controller],
      }),
    ],
  ),
  'INVOLVEMENT',
  { own: { columns: ['controller', 'provider', 'assigned'], unassigned: true }, rowClassOf: 'programme' },
);

export const interventionProgress = classify(
  fsp.table(
    'intervention_progress',
    {
      intervention: interventionKey().primaryKey(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      status: text('status').notNull(),
      requested: date('requested').notNull(),
      accepted: date('accepted'),
      started: date('started'),
      ended: date('ended'),
      /** Sessions attended that are not recorded one by one. */
      sessions: integer('sessions').notNull().default(0),
      outcome: text('outcome'),
      version: version(),
      ...times(),
    },
    (t) => [index('intervention_progress_waiting').on(t.requested, t.intervention), index('intervention_progress_family').on(t.family)],
  ),
  'PROGRESS',
  { own: throughLink('intervention'), amendedThrough: true },
);

/** Keys of a row of an intervention; one whose person is the intervention's. */
const ofIntervention = () => ({
  id: id(),
  intervention: interventionKey(),
  family: familyKey(),
  person: personKey(),
  controller: controller(),
  worker: text('worker'),
});

const withIntervention = (name: string, t: Record<'intervention' | 'family' | 'person' | 'id', PgColumn>) => [
  index(`${name}_intervention`).on(t.intervention as never, t.id as never),
  index(`${name}_family`).on(t.family as never),
  foreignKey({
    name: `${name}_of_intervention`,
    columns: [t.intervention as never, t.family as never, t.person as never],
    foreignColumns: [intervention.id, intervention.family, intervention.person],
  }),
];

/** Written by whoever works on the intervention, also after the family is closed to them: what came of it half a year later. */
const byItsWorkers = { own: throughLink('intervention'), writtenThrough: true };

/** Every step of an intervention, and a relapse, which ends nothing. */
export const interventionEvent = classify(
  fsp.table(
    'intervention_event',
    {
      ...ofIntervention(),
      keptFrom: keptFrom(),
      kind: text('kind').notNull(),
      happenedOn: date('happened_on').notNull(),
      note: text('note'),
      version: version(),
      ...times(),
    },
    (t) => withIntervention('intervention_event', t),
  ),
  'PROGRESS',
  byItsWorkers,
);

/** What a relapse was, as whoever treats knows it. */
export const relapseDetail = classify(
  fsp.table(
    'relapse_detail',
    {
      event: key('event')
        .primaryKey()
        .references(() => interventionEvent.id),
      intervention: interventionKey(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      substance: text('substance'),
      detail: text('detail'),
    },
    (t) => [index('relapse_detail_family').on(t.family)],
  ),
  'CLINICAL',
  byItsWorkers,
);

export const interventionSession = classify(
  fsp.table(
    'intervention_session',
    {
      ...ofIntervention(),
      heldOn: date('held_on').notNull(),
      kind: text('kind').notNull(),
      attendance: text('attendance').notNull(),
      /** The meeting of a group at which it was. */
      groupSession: integer('group_session').references(() => groupSession.id),
      /** Name of who came along: the social worker of a joint visit. */
      jointWith: text('joint_with'),
      ownVolition: boolean('own_volition'),
      motivation: integer('motivation'),
      version: version(),
      ...times(),
    },
    (t) => [...withIntervention('intervention_session', t), index('intervention_session_group').on(t.groupSession)],
  ),
  'PROGRESS',
  byItsWorkers,
);

export const interventionOutcome = classify(
  fsp.table(
    'intervention_outcome',
    {
      ...ofIntervention(),
      months: integer('months').notNull(),
      observedOn: date('observed_on').notNull(),
      result: text('result').notNull(),
      note: text('note'),
      version: version(),
      ...times(),
    },
    (t) => [...withIntervention('intervention_outcome', t), unique('intervention_outcome_months').on(t.intervention, t.months)],
  ),
  'PROGRESS',
  byItsWorkers,
);

/** What a person goes on with by themselves: mutual aid, voluntary work, a course they referred themselves to. */
export const onwardActivity = classify(
  fsp.table(
    'onward_activity',
    {
      ...ofIntervention(),
      kind: text('kind').notNull(),
      name: text('name').notNull(),
      from: date('from').notNull(),
      until: date('until'),
      version: version(),
      ...times(),
    },
    (t) => withIntervention('onward_activity', t),
  ),
  'PROGRESS',
  byItsWorkers,
);

export const interventionTest = classify(
  fsp.table(
    'intervention_test',
    {
      ...ofIntervention(),
      kind: text('kind').notNull(),
      substance: text('substance').notNull(),
      result: text('result').notNull(),
      takenOn: date('taken_on').notNull(),
      detail: text('detail'),
      version: version(),
      ...times(),
    },
    (t) => withIntervention('intervention_test', t),
  ),
  'CLINICAL',
  byItsWorkers,
);

/** A time without one substance. Days are counted when they are asked for. */
export const abstinence = classify(
  fsp.table(
    'abstinence',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      substance: text('substance').notNull(),
      since: date('since').notNull(),
      lapsedOn: date('lapsed_on'),
      version: version(),
      ...times(),
    },
    (t) => [index('abstinence_family').on(t.family, t.id), index('abstinence_person').on(t.person)],
  ),
  'CLINICAL',
);
