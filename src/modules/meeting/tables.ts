/** Meetings, and what was decided: by whom, why, on what evidence. */
import { date, foreignKey, index, integer, type PgColumn, text, unique } from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { plan } from '../plan/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { keptFrom } from '../workbook/tables.ts';

/** The kinds of meeting, each with what knowing of one tells, and the clocks that it meets and starts. */
export const meetingKind = classify(
  fsp.table('meeting_kind', {
    id: integer('id').primaryKey(),
    code: text('code').notNull().unique(),
    name: text('name').notNull(),
    dataClass: text('data_class').$type<PersonalClass>().notNull(),
    /** Timescales of the plans it is about that it meets. */
    meets: text('meets').array().notNull(),
    /** The timescale until the next one. */
    starts: text('starts'),
    source: text('source').notNull(),
  }),
  'DIRECTORY',
);

const kindKey = () =>
  integer('meeting_kind')
    .notNull()
    .references(() => meetingKind.id);

const attendedBy = (meeting: string) => (alias: string, organisation: string) =>
  `(select true from fsp.meeting_attendance there where there.meeting = ${alias}.${meeting} and there.organisation = ${organisation} limit 1)`;

const attendedByUser = (meeting: string) => (alias: string, user: string) =>
  `(select true from fsp.meeting_attendance there where there.meeting = ${alias}.${meeting} and there.worker = ${user} limit 1)`;

/** Own: of the county that called it, and of those who were asked to come or came. */
const ofThoseThere = (meeting: string) => ({
  columns: ['controller'],
  through: attendedBy(meeting),
  userThrough: attendedByUser(meeting),
});

export const meeting = classify(
  fsp.table(
    'meeting',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      rowMask: key('row_mask').notNull(),
      meetingKind: kindKey(),
      status: text('status').notNull(),
      meetsAt: moment('meets_at').notNull(),
      chair: text('chair'),
      plan: key('plan').references(() => plan.id),
      notes: text('notes'),
      version: version(),
      ...times(),
    },
    (t) => [
      index('meeting_family').on(t.family, t.meetsAt, t.id),
      unique('meeting_of_writer').on(t.id, t.family, t.controller, t.meetingKind),
    ],
  ),
  'CASE',
  { rowClassOf: 'meeting_kind', own: ofThoseThere('id') },
);

/** Keys of what belongs to a meeting; it tells as much as the meeting's kind does, and needs its class too. */
const ofMeeting = () => ({
  id: id(),
  meeting: key('meeting').notNull(),
  family: familyKey(),
  controller: controller(),
  worker: text('worker'),
  rowMask: key('row_mask').notNull(),
  meetingKind: kindKey(),
});

const withMeeting = (
  name: string,
  t: { id: PgColumn; meeting: PgColumn; family: PgColumn; controller: PgColumn; meetingKind: PgColumn },
) => [
  index(`${name}_meeting`).on(t.meeting as never, t.id as never),
  foreignKey({
    name: `${name}_of_meeting`,
    columns: [t.meeting as never, t.family as never, t.controller as never, t.meetingKind as never],
    foreignColumns: [meeting.id, meeting.family, meeting.controller, meeting.meetingKind],
  }),
];

const ofKind = { rowClassOf: 'meeting_kind' };

export const meetingPlace = classify(
  fsp.table('meeting_place', { ...ofMeeting(), place: text('place') }, (t) => [
    ...withMeeting('meeting_place', t),
    unique('meeting_place_once').on(t.meeting),
  ]),
  'WHEREABOUTS',
  { ...ofKind, own: ofThoseThere('meeting') },
);

export const meetingPerson = classify(
  fsp.table('meeting_person', { ...ofMeeting(), person: personKey() }, (t) => withMeeting('meeting_person', t)),
  'CASE',
  { ...ofKind, own: ofThoseThere('meeting') },
);

/**
 * Who was asked, and who came: an organisation's practitioner, or a member of the family. `worker`: the practitioner's user,
 * to whom the meeting is shown as an own one.
 */
export const meetingAttendance = classify(
  fsp.table(
    'meeting_attendance',
    {
      ...ofMeeting(),
      person: key('person').references(() => person.id),
      organisation: integer('organisation').references(() => organisation.id),
      name: text('name'),
      status: text('status').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [...withMeeting('meeting_attendance', t), index('meeting_attendance_organisation').on(t.organisation, t.meeting)],
  ),
  'CASE',
  { ...ofKind, own: { columns: ['controller', 'organisation'] } },
);

export const meetingAction = classify(
  fsp.table(
    'meeting_action',
    {
      ...ofMeeting(),
      what: text('what').notNull(),
      who: text('who').notNull(),
      organisation: integer('organisation').references(() => organisation.id),
      dueOn: date('due_on').notNull(),
      doneOn: date('done_on'),
      outcome: text('outcome'),
      version: version(),
      ...times(),
    },
    (t) => withMeeting('meeting_action', t),
  ),
  'CASE',
  { ...ofKind, own: { ...ofThoseThere('meeting'), columns: ['controller', 'organisation'] } },
);

/** What was said: for those who came, and those to whom it was sent. At most one to a meeting. */
export const meetingMinutes = classify(
  fsp.table(
    'meeting_minutes',
    {
      ...ofMeeting(),
      keptFrom: keptFrom(),
      minutes: text('minutes').notNull(),
      author: text('author').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [...withMeeting('meeting_minutes', t), unique('meeting_minutes_once').on(t.meeting)],
  ),
  'CASE',
  {
    ...ofKind,
    own: {
      columns: ['controller'],
      through: (alias, org) =>
        `(select true from (select a.meeting from fsp.meeting_attendance a where a.organisation = ${org} and a.status = 'ATTENDED' union all select c.meeting from fsp.meeting_circulation c where c.organisation = ${org}) read where read.meeting = ${alias}.meeting limit 1)`,
      userThrough: (alias, user) =>
        `(select true from (select a.meeting from fsp.meeting_attendance a where a.worker = ${user} and a.status = 'ATTENDED' union all select c.meeting from fsp.meeting_circulation c where c.worker = ${user}) read where read.meeting = ${alias}.meeting limit 1)`,
    },
  },
);

/** To whom the minutes were sent: an organisation, and a user of it where one is named (`worker`). */
export const meetingCirculation = classify(
  fsp.table(
    'meeting_circulation',
    {
      ...ofMeeting(),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      sentOn: date('sent_on').notNull(),
    },
    (t) => withMeeting('meeting_circulation', t),
  ),
  'CASE',
  { ...ofKind, own: { columns: ['controller', 'organisation'] } },
);

/** How staff may safely work with the family after somebody was intimidated: what to do, not why. */
export const safeWorkingAgreement = classify(
  fsp.table(
    'safe_working_agreement',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      meeting: key('meeting')
        .notNull()
        .references(() => meeting.id),
      whatToDo: text('what_to_do').notNull(),
      from: date('from').notNull(),
      reviewOn: date('review_on').notNull(),
      until: date('until'),
      version: version(),
      ...times(),
    },
    (t) => [index('safe_working_agreement_family').on(t.family, t.id)],
  ),
  'SAFETY',
);

/** What was decided, and whether a manager has looked at it. */
export const decision = classify(
  fsp.table(
    'decision',
    {
      id: id(),
      family: familyKey(),
      person: key('person').references(() => person.id),
      controller: controller(),
      worker: text('worker'),
      keptFrom: keptFrom(),
      kind: text('kind').notNull(),
      decidedOn: date('decided_on').notNull(),
      decidedBy: text('decided_by').notNull(),
      role: text('role').notNull(),
      what: text('what').notNull(),
      reason: text('reason').notNull(),
      overseenBy: text('overseen_by'),
      overseenOn: date('overseen_on'),
      oversight: text('oversight'),
      version: version(),
      ...times(),
    },
    (t) => [index('decision_family').on(t.family, t.decidedOn, t.id), unique('decision_of_writer').on(t.id, t.family, t.controller)],
  ),
  'ASSESSMENT',
);

/** A row that a decision rests on: its GraphQL type and its key. Who may not see the row does not see that it is named. */
export const decisionEvidence = classify(
  fsp.table(
    'decision_evidence',
    {
      id: id(),
      decision: key('decision').notNull(),
      family: familyKey(),
      controller: controller(),
      keptFrom: keptFrom(),
      subjectType: text('subject_type').notNull(),
      subjectId: key('subject_id').notNull(),
    },
    (t) => [
      index('decision_evidence_decision').on(t.decision, t.id),
      foreignKey({
        name: 'decision_evidence_of_decision',
        columns: [t.decision, t.family, t.controller],
        foreignColumns: [decision.id, decision.family, decision.controller],
      }),
    ],
  ),
  'ASSESSMENT',
);
