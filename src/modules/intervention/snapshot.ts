/** A provider's month as figures: SQL over the records that the caller may see. */
import type { PgTable } from 'drizzle-orm/pg-core';
import { computed, type Subquery } from '../../read/binding.ts';
import {
  interventionLink,
  interventionOutcome,
  interventionProgress,
  interventionSession,
  interventionTest,
  providerMonth,
  providerMonthTests,
} from './tables.ts';

const integer = { type: 'integer' } as const;

/** The first day of the month after a row's. */
const next = (row: string) => `(${row}.month + interval '1 month')::date`;
const within = (row: string, day: string) => `${day} >= ${row}.month and ${day} < ${next(row)}`;

/** Looked at last: the days before it choose the few rows whose rules have to be asked. */
const ofProvider = (row: string, sub: Subquery, intervention: string) =>
  `(select true ${sub(interventionLink, 'k')} and k.intervention = ${intervention} and k.provider = ${row}.provider)`;

/** Interventions of the provider whose progress (`p`) fits. */
const cases = (row: string, sub: Subquery, fits: string) =>
  `(select count(*)::int ${sub(interventionProgress, 'p')} and ${fits} and ${ofProvider(row, sub, 'p.intervention')})`;

/** Rows of the provider's interventions (`t`), in the month. */
const done = (row: string, sub: Subquery, table: PgTable, day: string, fits = 'true') =>
  `(select count(*)::int ${sub(table, 't')} and ${within(row, `t.${day}`)} and ${fits} and ${ofProvider(row, sub, 't.intervention')})`;

const of = (fits: (row: string) => string) => computed(providerMonth, (row, sub) => cases(row, sub, fits(row)), integer);
const sessions = (fits: string) =>
  computed(providerMonth, (row, sub) => done(row, sub, interventionSession, 'held_on', `t.attendance = 'ATTENDED' and ${fits}`), integer);
const tests = (kind: string) =>
  computed(providerMonthTests, (row, sub) => done(row, sub, interventionTest, 'taken_on', `t.kind = '${kind}'`), integer);
const outcomes = (months: number) =>
  computed(providerMonth, (row, sub) => done(row, sub, interventionOutcome, 'observed_on', `t.months = ${months}`), integer);

const asked = (row: string) => within(row, 'p.requested');

export const snapshotFields = {
  open: of((row) => `p.started < ${next(row)} and coalesce(p.ended, 'infinity') >= ${next(row)}`),
  completed: of((row) => `p.status = 'COMPLETED' and ${within(row, 'p.ended')}`),
  requests: of(asked),
  accepted: of((row) => `${asked(row)} and (p.accepted is not null or p.started is not null)`),
  begun: of((row) => `${asked(row)} and p.started is not null`),
  begunPercent: computed(
    providerMonth,
    (row, sub) =>
      `round(100.0 * ${cases(row, sub, `${asked(row)} and p.started is not null`)} / nullif(${cases(row, sub, asked(row))}, 0))::int`,
    integer,
  ),
  waiting: of(
    (row) =>
      `p.requested < ${next(row)} and coalesce(p.started, 'infinity') >= ${next(row)} and coalesce(p.ended, 'infinity') >= ${next(row)}`,
  ),
  oneToOnes: sessions(`t.kind = 'ONE_TO_ONE'`),
  groupAttendances: sessions(`t.kind = 'GROUP'`),
  jointVisits: sessions(`t.kind = 'JOINT_VISIT'`),
  outcomesAtSixMonths: outcomes(6),
  outcomesAtTwelveMonths: outcomes(12),
  drugTests: tests('DRUG'),
  breathalysers: tests('BREATHALYSER'),
  hairStrandTests: tests('HAIR_STRAND'),
  activities: computed(
    providerMonthTests,
    (row, sub) =>
      `${done(row, sub, interventionSession, 'held_on', `t.attendance = 'ATTENDED'`)} + ${done(row, sub, interventionTest, 'taken_on')}`,
    integer,
  ),
};
