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
} from '../../read/binding.ts';
import { incident, incidentInformant, safetyCondition, safetyConditionPerson, safetyOffenceReason, safetyVictimReason } from './tables.ts';

const TODAY = `(now() at time zone 'Europe/London')::date`;

/** SQL that a condition is in force today. */
const live = (c: string) =>
  `(${c}."from" <= ${TODAY} and coalesce(${c}.until, 'infinity') >= ${TODAY} and coalesce(${c}.ended_on, 'infinity') > ${TODAY})`;

const keptFrom: RelationField = {
  kind: 'list',
  to: 'Person',
  on: (row, p) => `${p}.person = any (${row}.kept_from)`,
  order: { keys: [{ column: 'person', type: 'bigint' }] },
};
const sameFamily = { sameFamily: true };
const latest: Order = {
  keys: [
    { column: 'happened_on', type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
};
const callOut = (i: string) => `${i}.kind = 'call-out'`;
const countOf = (when: (i: string) => string) =>
  computed(
    incident,
    (first, sub) =>
      `(select count(*)::int ${sub(incident, 'each')} and each.family = ${first}.family and ${callOut('each')} and ${when('each')})`,
    {
      type: 'integer',
    },
  );

export const bindings: Binding[] = [
  {
    type: 'SafetyCondition',
    anchor: safetyCondition,
    id: 'id',
    sides: [
      [safetyOffenceReason, safetyOffenceReason.condition],
      [safetyVictimReason, safetyVictimReason.condition],
    ],
    event: { at: safetyCondition.from },
    fields: {
      kind: code('safety-condition', safetyCondition.kind),
      instruction: column(safetyCondition.instruction),
      issuer: column(safetyCondition.issuer),
      persons: list('SafetyConditionPerson', 'condition', 'id', byId, sameFamily),
      from: column(safetyCondition.from),
      until: column(safetyCondition.until),
      reviewed: column(safetyCondition.reviewedOn),
      ended: column(safetyCondition.endedOn),
      live: computed(safetyCondition, live, { type: 'boolean' }),
      organisation: one('Organisation', safetyCondition.controller, 'id'),
      offenceReason: column(safetyOffenceReason.reason),
      victimReason: column(safetyVictimReason.reason),
      keptFrom,
      family: one('Family', safetyCondition.family, 'family'),
      version: column(safetyCondition.version),
    },
  },
  {
    type: 'SafetyConditionPerson',
    anchor: safetyConditionPerson,
    fields: {
      person: one('Person', safetyConditionPerson.person, 'person', { samePerson: true }),
      part: column(safetyConditionPerson.part),
    },
  },
  {
    type: 'Incident',
    anchor: incident,
    id: 'id',
    sides: [[incidentInformant, incidentInformant.incident]],
    event: { at: incident.happenedOn },
    fields: {
      kind: code('incident-kind', incident.kind),
      reason: code('incident-reason', incident.reason),
      basis: column(incident.basis),
      person: one('Person', incident.person, 'person', { samePerson: true }),
      part: column(incident.part),
      outcome: code('incident-outcome', incident.outcome),
      on: column(incident.happenedOn),
      account: column(incident.account),
      breaches: one('SafetyCondition', incident.breaches, 'id', sameFamily),
      informant: column(incidentInformant.informant),
      organisation: one('Organisation', incident.controller, 'id'),
      keptFrom,
      family: one('Family', incident.family, 'family'),
      version: column(incident.version),
    },
  },
  {
    type: 'CallOutHistory',
    anchor: incident,
    fields: {
      since: column(incident.happenedOn),
      count: countOf(() => 'true'),
      noFurtherAction: countOf((i) => `${i}.outcome = 'no-further-action'`),
      lastTwelveMonths: countOf((i) => `${i}.happened_on > ${TODAY} - interval '12 months'`),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    safety: {
      kind: 'list',
      to: 'SafetyCondition',
      on: (f, c) => `${c}.family = ${f}.family and ${live(c)}`,
      order: byId,
      ...sameFamily,
    },
    safetyHistory: page('SafetyCondition', 'family', 'family', byId, sameFamily),
    incidents: page('Incident', 'family', 'family', latest, sameFamily),
    callOuts: {
      kind: 'one',
      to: 'CallOutHistory',
      on: (f, i) => `${i}.family = ${f}.family and ${callOut(i)}`,
      order: { ...latest, descending: false },
      first: true,
      ...sameFamily,
    },
  },
};
