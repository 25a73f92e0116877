import {
  type Binding,
  byId,
  code,
  column,
  computed,
  type FieldBinding,
  list,
  type Order,
  one,
  page,
  type RelationField,
  type RootBinding,
} from '../../read/binding.ts';
import { taskState } from '../clock/rules.ts';
import { EVIDENCE } from './evidence.ts';
import {
  decision,
  decisionEvidence,
  meeting,
  meetingAction,
  meetingAttendance,
  meetingCirculation,
  meetingKind,
  meetingMinutes,
  meetingPlace,
  safeWorkingAgreement,
} from './tables.ts';

const sameFamily = { sameFamily: true };
const ofMeeting = (to: string): RelationField => list(to, 'meeting', 'id', byId, sameFamily);

const byPerson: Order = { keys: [{ column: 'person', type: 'bigint' }] };

/** The persons named in a row's `kept_from`. */
export const keptFrom: RelationField = {
  kind: 'list',
  to: 'Person',
  on: (row, p) => `${p}.person = any (${row}.kept_from)`,
  order: byPerson,
};

/** Latest first, by this column. */
export const latestBy = (name: string, type: 'date' | 'timestamptz'): Order => ({
  keys: [
    { column: name, type },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
});

export const bindings: Binding[] = [
  {
    type: 'MeetingKind',
    anchor: meetingKind,
    fields: {
      code: column(meetingKind.code),
      name: column(meetingKind.name),
      dataClass: column(meetingKind.dataClass),
      next: column(meetingKind.starts),
      source: column(meetingKind.source),
    },
  },
  {
    type: 'Meeting',
    anchor: meeting,
    id: 'id',
    sides: [[meetingPlace, meetingPlace.meeting]],
    event: { at: meeting.meetsAt },
    fields: {
      kind: one('MeetingKind', meeting.meetingKind, 'id'),
      status: column(meeting.status),
      at: column(meeting.meetsAt),
      place: column(meetingPlace.place),
      chair: column(meeting.chair),
      plan: one('Plan', meeting.plan, 'id', sameFamily),
      persons: {
        kind: 'list',
        to: 'Person',
        on: (m, p) => `${p}.person in (select about.person from fsp.meeting_person about where about.meeting = ${m}.id)`,
        order: byPerson,
      },
      attendance: ofMeeting('MeetingAttendance'),
      notes: column(meeting.notes),
      actions: ofMeeting('MeetingAction'),
      minutes: { kind: 'one', to: 'MeetingMinutes', on: (m, minutes) => `${minutes}.meeting = ${m}.id`, ...sameFamily },
      circulated: ofMeeting('MeetingCirculation'),
      family: one('Family', meeting.family, 'family'),
      version: column(meeting.version),
    },
  },
  {
    type: 'MeetingAttendance',
    anchor: meetingAttendance,
    fields: {
      organisation: one('Organisation', meetingAttendance.organisation, 'id'),
      name: column(meetingAttendance.name),
      person: one('Person', meetingAttendance.person, 'person', { samePerson: true }),
      status: column(meetingAttendance.status),
    },
  },
  {
    type: 'MeetingAction',
    anchor: meetingAction,
    id: 'id',
    fields: {
      what: column(meetingAction.what),
      who: column(meetingAction.who),
      organisation: one('Organisation', meetingAction.organisation, 'id'),
      dueOn: column(meetingAction.dueOn),
      doneOn: column(meetingAction.doneOn),
      outcome: column(meetingAction.outcome),
      state: computed(meetingAction, taskState),
      version: column(meetingAction.version),
    },
  },
  {
    type: 'MeetingMinutes',
    anchor: meetingMinutes,
    id: 'id',
    fields: { text: column(meetingMinutes.minutes), author: column(meetingMinutes.author), keptFrom },
  },
  {
    type: 'MeetingCirculation',
    anchor: meetingCirculation,
    fields: { organisation: one('Organisation', meetingCirculation.organisation, 'id'), on: column(meetingCirculation.sentOn) },
  },
  {
    type: 'SafeWorkingAgreement',
    anchor: safeWorkingAgreement,
    id: 'id',
    event: { at: safeWorkingAgreement.from },
    fields: {
      whatToDo: column(safeWorkingAgreement.whatToDo),
      from: column(safeWorkingAgreement.from),
      reviewOn: column(safeWorkingAgreement.reviewOn),
      until: column(safeWorkingAgreement.until),
      organisation: one('Organisation', safeWorkingAgreement.controller, 'id'),
      family: one('Family', safeWorkingAgreement.family, 'family'),
    },
  },
  {
    type: 'Decision',
    anchor: decision,
    id: 'id',
    event: { at: decision.decidedOn },
    fields: {
      kind: code('decision-kind', decision.kind),
      on: column(decision.decidedOn),
      decidedBy: column(decision.decidedBy),
      role: column(decision.role),
      person: one('Person', decision.person, 'person', { samePerson: true }),
      what: column(decision.what),
      reason: column(decision.reason),
      evidence: computed(
        decision,
        (row, sub) => {
          const seen = Object.entries(EVIDENCE).map(
            ([type, table]) => `(named.subject_type = '${type}' and (select true ${sub(table, 'seen')} and seen.id = named.subject_id))`,
          );
          return `select coalesce(json_agg(named.subject_type || '-' || named.subject_id order by named.id), '[]') ${sub(decisionEvidence, 'named')} and named.decision = ${row}.id and (${seen.join(' or ')})`;
        },
        { type: 'json' },
      ),
      overseenBy: column(decision.overseenBy),
      overseenOn: column(decision.overseenOn),
      oversight: column(decision.oversight),
      keptFrom,
      family: one('Family', decision.family, 'family'),
      version: column(decision.version),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    meetings: page('Meeting', 'family', 'family', latestBy('meets_at', 'timestamptz'), sameFamily),
    decisions: page('Decision', 'family', 'family', latestBy('decided_on', 'date'), sameFamily),
    safeWorking: list('SafeWorkingAgreement', 'family', 'family', byId, sameFamily),
  },
};

export const roots: Record<string, RootBinding> = {
  meetingKinds: { kind: 'list', to: 'MeetingKind', order: { keys: [{ column: 'id', type: 'integer' }] }, filters: {} },
};
