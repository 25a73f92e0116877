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
  type RootBinding,
} from '../../read/binding.ts';
import { snapshotFields } from './snapshot.ts';
import {
  abstinence,
  contract,
  groupProgramme,
  groupSession,
  intervention,
  interventionEvent,
  interventionLink,
  interventionOutcome,
  interventionProgress,
  interventionSession,
  interventionTest,
  onwardActivity,
  programme,
  programmeProvider,
  providerMonth,
  providerMonthTests,
  relapseDetail,
} from './tables.ts';

const TODAY = `(now() at time zone 'Europe/London')::date`;

const byDay = (day: string, descending = false): Order => ({
  keys: [
    { column: day, type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
  descending,
});
const byNumber: Order = { keys: [{ column: 'id', type: 'integer' }] };
/** Rows of an intervention are about its person, in its family. */
const ofIt = { sameFamily: true, samePerson: true };

export const bindings: Binding[] = [
  {
    type: 'Programme',
    anchor: programme,
    id: 'id',
    fields: {
      code: column(programme.code),
      name: column(programme.name),
      dataClass: column(programme.dataClass),
      minimumAge: column(programme.minimumAge),
      maximumAge: column(programme.maximumAge),
      providers: list('ProgrammeProvider', 'programme', 'id', {
        keys: [
          { column: 'organisation', type: 'integer' },
          { column: 'valid_from', type: 'date' },
        ],
      }),
    },
  },
  {
    type: 'ProgrammeProvider',
    anchor: programmeProvider,
    fields: {
      programme: one('Programme', programmeProvider.programme, 'id'),
      organisation: one('Organisation', programmeProvider.organisation, 'id'),
      contract: one('Contract', programmeProvider.contract, 'id'),
      validFrom: column(programmeProvider.validFrom),
      validTo: column(programmeProvider.validTo),
    },
  },
  {
    type: 'Contract',
    anchor: contract,
    fields: {
      code: column(contract.code),
      name: column(contract.name),
      lead: one('Organisation', contract.lead, 'id'),
      partners: {
        kind: 'list',
        to: 'Organisation',
        on: (c, o) => `${o}.id in (select beside.organisation from fsp.contract_partner beside where beside.contract = ${c}.id)`,
        order: byNumber,
      },
      validFrom: column(contract.validFrom),
      validTo: column(contract.validTo),
      source: column(contract.source),
    },
  },
  {
    type: 'GroupProgramme',
    anchor: groupProgramme,
    id: 'id',
    fields: {
      code: column(groupProgramme.code),
      name: column(groupProgramme.name),
      programme: one('Programme', groupProgramme.programme, 'id'),
      provider: one('Organisation', groupProgramme.provider, 'id'),
      starts: column(groupProgramme.starts),
      ends: column(groupProgramme.ends),
      sessions: list('GroupSession', 'group_programme', 'id', byNumber),
    },
  },
  {
    type: 'GroupSession',
    anchor: groupSession,
    id: 'id',
    fields: {
      number: column(groupSession.number),
      held: column(groupSession.heldOn),
      topic: column(groupSession.topic),
      group: one('GroupProgramme', groupSession.groupProgramme, 'id'),
    },
  },
  {
    type: 'Intervention',
    anchor: intervention,
    id: 'id',
    sides: [
      [interventionLink, interventionLink.intervention],
      [interventionProgress, interventionProgress.intervention],
    ],
    event: { at: interventionProgress.requested },
    fields: {
      person: one('Person', intervention.person, 'person', { samePerson: true }),
      programme: one('Programme', interventionLink.programme, 'id'),
      provider: one('Organisation', interventionLink.provider, 'id'),
      team: one('Organisation', interventionLink.assigned, 'id'),
      worker: column(interventionLink.worker),
      reason: column(interventionLink.reason),
      agreed: column(interventionLink.agreed),
      status: column(interventionProgress.status),
      requested: column(interventionProgress.requested),
      accepted: column(interventionProgress.accepted),
      started: column(interventionProgress.started),
      ended: column(interventionProgress.ended),
      waitedDays: computed(interventionProgress, (p) => `coalesce(${p}.started, ${p}.ended, ${TODAY}) - ${p}.requested`, {
        type: 'integer',
      }),
      sessions: computed(
        interventionProgress,
        (p, sub) =>
          `${p}.sessions + (select count(*)::int ${sub(interventionSession, 'met')} and met.intervention = ${p}.intervention and met.attendance = 'ATTENDED')`,
        { type: 'integer' },
      ),
      outcome: column(interventionProgress.outcome),
      events: list('InterventionEvent', 'intervention', 'id', byDay('happened_on'), ofIt),
      attendance: page('InterventionSession', 'intervention', 'id', byDay('held_on', true), ofIt),
      outcomes: list('InterventionOutcome', 'intervention', 'id', byId, ofIt),
      onward: list('OnwardActivity', 'intervention', 'id', byId, ofIt),
      tests: list('InterventionTest', 'intervention', 'id', byDay('taken_on'), ofIt),
      family: one('Family', intervention.family, 'family'),
      version: column(interventionProgress.version),
    },
  },
  {
    type: 'InterventionEvent',
    anchor: interventionEvent,
    id: 'id',
    sides: [[relapseDetail, relapseDetail.event]],
    event: { at: interventionEvent.happenedOn },
    fields: {
      intervention: one('Intervention', interventionEvent.intervention, 'id', ofIt),
      person: one('Person', interventionEvent.person, 'person', { samePerson: true }),
      kind: column(interventionEvent.kind),
      on: column(interventionEvent.happenedOn),
      note: column(interventionEvent.note),
      substance: code('substance', relapseDetail.substance),
      detail: column(relapseDetail.detail),
      organisation: one('Organisation', interventionEvent.controller, 'id'),
      family: one('Family', interventionEvent.family, 'family'),
    },
  },
  {
    type: 'InterventionSession',
    anchor: interventionSession,
    id: 'id',
    fields: {
      intervention: one('Intervention', interventionSession.intervention, 'id', ofIt),
      on: column(interventionSession.heldOn),
      kind: column(interventionSession.kind),
      attendance: column(interventionSession.attendance),
      group: one('GroupSession', interventionSession.groupSession, 'id'),
      jointWith: column(interventionSession.jointWith),
      ownVolition: column(interventionSession.ownVolition),
      motivation: column(interventionSession.motivation),
      version: column(interventionSession.version),
    },
  },
  {
    type: 'InterventionOutcome',
    anchor: interventionOutcome,
    id: 'id',
    fields: {
      intervention: one('Intervention', interventionOutcome.intervention, 'id', ofIt),
      months: column(interventionOutcome.months),
      on: column(interventionOutcome.observedOn),
      result: column(interventionOutcome.result),
      note: column(interventionOutcome.note),
    },
  },
  {
    type: 'OnwardActivity',
    anchor: onwardActivity,
    id: 'id',
    fields: {
      intervention: one('Intervention', onwardActivity.intervention, 'id', ofIt),
      kind: code('onward-activity', onwardActivity.kind),
      name: column(onwardActivity.name),
      from: column(onwardActivity.from),
      until: column(onwardActivity.until),
    },
  },
  {
    type: 'InterventionTest',
    anchor: interventionTest,
    id: 'id',
    event: { at: interventionTest.takenOn },
    fields: {
      intervention: one('Intervention', interventionTest.intervention, 'id', ofIt),
      person: one('Person', interventionTest.person, 'person', { samePerson: true }),
      kind: column(interventionTest.kind),
      substance: code('substance', interventionTest.substance),
      result: column(interventionTest.result),
      on: column(interventionTest.takenOn),
      detail: column(interventionTest.detail),
      organisation: one('Organisation', interventionTest.controller, 'id'),
      family: one('Family', interventionTest.family, 'family'),
    },
  },
  {
    type: 'Abstinence',
    anchor: abstinence,
    id: 'id',
    event: { at: abstinence.since },
    fields: {
      person: one('Person', abstinence.person, 'person', { samePerson: true }),
      substance: code('substance', abstinence.substance),
      since: column(abstinence.since),
      lapsedOn: column(abstinence.lapsedOn),
      days: computed(abstinence, (a) => `coalesce(${a}.lapsed_on, ${TODAY}) - ${a}.since`, { type: 'integer' }),
      family: one('Family', abstinence.family, 'family'),
      version: column(abstinence.version),
    },
  },
  {
    type: 'ProviderSnapshot',
    anchor: providerMonth,
    sides: [[providerMonthTests, providerMonthTests.id]],
    fields: {
      provider: one('Organisation', providerMonth.provider, 'id'),
      month: column(providerMonth.month),
      ...snapshotFields,
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: { abstinences: list('Abstinence', 'family', 'family', byId, { sameFamily: true }) },
};

export const roots: Record<string, RootBinding> = {
  programmes: { kind: 'page', to: 'Programme', order: () => byNumber, filters: {} },
  contracts: { kind: 'list', to: 'Contract', order: byNumber, filters: {} },
  groupProgrammes: {
    kind: 'page',
    to: 'GroupProgramme',
    order: () => ({
      keys: [
        { column: 'starts', type: 'date' },
        { column: 'id', type: 'integer' },
      ],
    }),
    filters: {},
  },
  interventions: {
    kind: 'page',
    to: 'Intervention',
    order: (args) =>
      args.orderBy === 'WAITING_LONGEST'
        ? {
            keys: [
              { column: 'requested', type: 'date', table: interventionProgress },
              { column: 'id', type: 'bigint' },
            ],
          }
        : byId,
    filters: {
      'filter.status': {
        decode: 'text',
        where: (v, p, sub) =>
          `(select true ${sub(interventionProgress, 'at')} and at.intervention = ${v}.id and at.status = any (string_to_array(${p}, ',')))`,
      },
      'filter.provider': {
        decode: 'id',
        type: 'Organisation',
        where: (v, p, sub) => `(select true ${sub(interventionLink, 'by')} and by.intervention = ${v}.id and by.provider = ${p}::bigint)`,
      },
      'filter.waiting': {
        decode: 'text',
        where: (v, p, sub) =>
          `(select (at.started is null and at.ended is null) = ${p}::boolean ${sub(interventionProgress, 'at')} and at.intervention = ${v}.id)`,
      },
      'filter.requestedBy': {
        decode: 'text',
        where: (v, p, sub) =>
          `(select true ${sub(interventionProgress, 'at')} and at.intervention = ${v}.id and at.requested <= ${p}::date)`,
      },
    },
  },
  providerSnapshot: {
    kind: 'entity',
    to: 'ProviderSnapshot',
    match: () => [
      { path: ['provider'], decode: 'id', type: 'Organisation', where: (m, p) => `${m}.provider = ${p}::bigint` },
      { path: ['month'], decode: 'text', where: (m, p) => `${m}.month = date_trunc('month', ${p}::date)::date` },
    ],
  },
};
