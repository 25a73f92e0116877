import { type Binding, byId, code, column, computed, type FieldBinding, list, one } from '../../read/binding.ts';
import { housingSituation, schoolRecord } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'HousingSituation',
    anchor: housingSituation,
    id: 'id',
    event: { at: housingSituation.from },
    fields: {
      person: one('Person', housingSituation.person, 'person', { samePerson: true }),
      tenure: code('tenure', housingSituation.tenure),
      duty: column(housingSituation.duty),
      dutyAccepted: column(housingSituation.dutyAccepted),
      arrears: column(housingSituation.arrears),
      atRisk: column(housingSituation.atRisk),
      from: column(housingSituation.from),
      until: column(housingSituation.until),
      note: column(housingSituation.note),
      organisation: one('Organisation', housingSituation.controller, 'id'),
      family: one('Family', housingSituation.family, 'family'),
      version: column(housingSituation.version),
    },
  },
  {
    type: 'SchoolRecord',
    anchor: schoolRecord,
    id: 'id',
    fields: {
      person: one('Person', schoolRecord.person, 'person', { samePerson: true }),
      school: one('Organisation', schoolRecord.controller, 'id'),
      term: column(schoolRecord.term),
      possibleSessions: column(schoolRecord.possibleSessions),
      attendedSessions: column(schoolRecord.attendedSessions),
      attendancePercent: computed(schoolRecord, (r) => `round(100.0 * ${r}.attended_sessions / nullif(${r}.possible_sessions, 0))::int`, {
        type: 'integer',
      }),
      exclusion: column(schoolRecord.exclusion),
      excludedDays: column(schoolRecord.excludedDays),
      family: one('Family', schoolRecord.family, 'family'),
      version: column(schoolRecord.version),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    housing: list('HousingSituation', 'family', 'family', byId, { sameFamily: true }),
    schoolRecords: list('SchoolRecord', 'family', 'family', byId, { sameFamily: true }),
  },
};
