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
  type Subquery,
} from '../../read/binding.ts';
import { involvement } from '../family/tables.ts';
import {
  workbookChildWords,
  workbookConcern,
  workbookEntry,
  workbookEntryVersion,
  workbookEvidence,
  workbookJoint,
  workbookMiPractice,
  workbookModule,
  workbookParentWords,
  workbookProgramme,
  workbookReading,
  workbookSession,
  workbookTrigger,
} from './tables.ts';

/** At most one row for an entry. */
const oneOfEntry = (to: string): RelationField => ({ kind: 'one', to, on: (e, row) => `${row}.entry = ${e}.id`, sameFamily: true });

const parts = (to: string): RelationField =>
  list(to, 'parent', 'id', {
    keys: [
      { column: 'position', type: 'integer' },
      { column: 'id', type: 'integer' },
    ],
  });

const latestReading: Order = {
  keys: [
    { column: 'observed_on', type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
};

/** The capacities of the same person and behaviour as in a row, as far as the caller sees them. */
const course = (sub: Subquery, row: string, alias: string, where: string, rest: string) =>
  `select ${alias}.capacity_for_change ${sub(workbookReading, alias)} and ${alias}.family = ${row}.family and ${alias}.person = ${row}.person and ${alias}.behaviour = ${row}.behaviour and ${alias}.capacity_for_change is not null and ${where} ${rest}`;

const earliest = (alias: string) => `order by ${alias}.observed_on, ${alias}.id limit 1`;
const latest = (alias: string) => `order by ${alias}.observed_on desc, ${alias}.id desc limit 1`;

const ofEntry = (to: string): RelationField => list(to, 'entry', 'id', byId, { sameFamily: true });

export const bindings: Binding[] = [
  {
    type: 'WorkbookEntry',
    anchor: workbookEntry,
    id: 'id',
    event: { at: workbookEntry.occurredAt },
    fields: {
      module: column(workbookEntry.module),
      discipline: code('discipline', workbookEntry.discipline),
      sessionType: code('session-type', workbookEntry.sessionType),
      session: one('WorkbookSession', workbookEntry.session, 'id'),
      occurred: column(workbookEntry.occurredAt),
      author: column(workbookEntry.author),
      organisation: one('Organisation', workbookEntry.controller, 'id'),
      persons: {
        kind: 'list',
        to: 'Person',
        on: (e, p) => `${p}.person in (select about.person from fsp.workbook_entry_person about where about.entry = ${e}.id)`,
        order: { keys: [{ column: 'person', type: 'bigint' }] },
      },
      keptFrom: {
        kind: 'list',
        to: 'Person',
        on: (e, p) => `${p}.person = any (${e}.kept_from)`,
        order: { keys: [{ column: 'person', type: 'bigint' }] },
      },
      readings: ofEntry('WorkbookReading'),
      narrative: column(workbookEntry.narrative),
      childWords: ofEntry('ChildWords'),
      parentWords: ofEntry('ParentWords'),
      joint: ofEntry('JointPractitioner'),
      concern: oneOfEntry('WorkbookConcern'),
      miPractice: oneOfEntry('MiPractice'),
      triggers: ofEntry('WorkbookTrigger'),
      evidence: {
        kind: 'list',
        to: 'WorkbookEvidence',
        on: (e, evidence) =>
          `${evidence}.id in (select left_behind.evidence from fsp.workbook_delivered left_behind where left_behind.entry = ${e}.id)`,
        order: { keys: [{ column: 'id', type: 'integer' }] },
      },
      amendments: list('WorkbookAmendment', 'entry', 'id', { ...byId, descending: true }, { sameFamily: true }),
      version: column(workbookEntry.version),
      family: one('Family', workbookEntry.family, 'family'),
    },
  },
  {
    type: 'WorkbookReading',
    anchor: workbookReading,
    id: 'id',
    fields: {
      person: one('Person', workbookReading.person, 'person', { samePerson: true }),
      behaviour: code('behaviour', workbookReading.behaviour),
      stageOfChange: column(workbookReading.stageOfChange),
      capacityForChange: column(workbookReading.capacityForChange),
      engagement: code('engagement', workbookReading.engagement),
      observedOn: column(workbookReading.observedOn),
      movedSinceFirst: computed(
        workbookReading,
        (row, sub) => `${row}.capacity_for_change - (${course(sub, row, 'of', 'true', earliest('of'))})`,
        {
          type: 'integer',
        },
      ),
      movedSinceLast: computed(
        workbookReading,
        (row, sub) =>
          `${row}.capacity_for_change - (${course(sub, row, 'of', `(of.observed_on, of.id) < (${row}.observed_on, ${row}.id)`, latest('of'))})`,
        { type: 'integer' },
      ),
      family: one('Family', workbookReading.family, 'family'),
    },
  },
  {
    type: 'JointPractitioner',
    anchor: workbookJoint,
    fields: {
      discipline: code('discipline', workbookJoint.discipline),
      name: column(workbookJoint.name),
      organisation: one('Organisation', workbookJoint.organisation, 'id'),
    },
  },
  {
    type: 'WorkbookConcern',
    anchor: workbookConcern,
    fields: { text: column(workbookConcern.concern), urgent: column(workbookConcern.urgent) },
  },
  {
    type: 'MiPractice',
    anchor: workbookMiPractice,
    fields: {
      principles: {
        kind: 'list',
        to: 'Code',
        on: (mi, c) =>
          `${c}.list = 'mi-principle' and ${c}.code = any (${mi}.principles) and ${c}.version = (select max(newest.version) from fsp.code newest where newest.list = ${c}.list and newest.code = ${c}.code)`,
        order: { keys: [{ column: 'code', type: 'text' }] },
      },
      changeTalk: column(workbookMiPractice.changeTalk),
      sustainTalk: column(workbookMiPractice.sustainTalk),
      ownRating: column(workbookMiPractice.ownRating),
    },
  },
  {
    type: 'WorkbookTrigger',
    anchor: workbookTrigger,
    fields: {
      person: one('Person', workbookTrigger.person, 'person', { samePerson: true }),
      behaviour: code('behaviour', workbookTrigger.behaviour),
      trigger: column(workbookTrigger.sign),
      coping: column(workbookTrigger.coping),
    },
  },
  {
    type: 'WorkbookAmendment',
    anchor: workbookEntryVersion,
    fields: {
      at: column(workbookEntryVersion.at),
      by: column(workbookEntryVersion.author),
      reason: column(workbookEntryVersion.reason),
      number: column(workbookEntryVersion.numbered),
      module: column(workbookEntryVersion.module),
      sessionType: code('session-type', workbookEntryVersion.sessionType),
      was: column(workbookEntryVersion.narrative),
    },
  },
  {
    type: 'WorkbookProgramme',
    anchor: workbookProgramme,
    fields: {
      code: column(workbookProgramme.code),
      version: column(workbookProgramme.version),
      name: column(workbookProgramme.name),
      source: column(workbookProgramme.source),
      validFrom: column(workbookProgramme.validFrom),
      validTo: column(workbookProgramme.validTo),
      modules: parts('WorkbookModule'),
    },
  },
  {
    type: 'WorkbookModule',
    anchor: workbookModule,
    fields: { code: column(workbookModule.code), name: column(workbookModule.name), sessions: parts('WorkbookSession') },
  },
  {
    type: 'WorkbookSession',
    anchor: workbookSession,
    fields: {
      code: column(workbookSession.code),
      name: column(workbookSession.name),
      module: one('WorkbookModule', workbookSession.parent, 'id'),
      evidence: parts('WorkbookEvidence'),
    },
  },
  {
    type: 'WorkbookEvidence',
    anchor: workbookEvidence,
    fields: { code: column(workbookEvidence.code), name: column(workbookEvidence.name) },
  },
  {
    type: 'ChildWords',
    anchor: workbookChildWords,
    fields: {
      person: one('Person', workbookChildWords.person, 'person', { samePerson: true }),
      words: column(workbookChildWords.words),
    },
  },
  {
    type: 'ParentWords',
    anchor: workbookParentWords,
    fields: {
      person: one('Person', workbookParentWords.person, 'person', { samePerson: true }),
      words: column(workbookParentWords.words),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    capacityForChange: page('WorkbookReading', 'family', 'family', latestReading, {
      sameFamily: true,
      filters: {
        person: { decode: 'id', type: 'Person', where: (r, p) => `${r}.person = ${p}::bigint` },
        behaviour: { decode: 'text', where: (r, p) => `${r}.behaviour = ${p}` },
      },
    }),
  },
};

export const roots: Record<string, RootBinding> = {
  workbookProgrammes: { kind: 'list', to: 'WorkbookProgramme', order: { keys: [{ column: 'id', type: 'integer' }] }, filters: {} },
  capacityMoved: {
    kind: 'page',
    to: 'WorkbookReading',
    order: () => latestReading,
    filters: {
      since: {
        decode: 'text',
        where: (r, p, sub) => {
          const before = course(sub, r, 'was', `was.observed_on < ${p}::date`, latest('was'));
          const first = course(sub, r, 'begun', `begun.observed_on >= ${p}::date`, earliest('begun'));
          const later = course(sub, r, 'later', `(later.observed_on, later.id) > (${r}.observed_on, ${r}.id)`, 'limit 1');
          return `${r}.observed_on >= ${p}::date and (${later}) is null and ${r}.capacity_for_change <> coalesce((${before}), (${first}))`;
        },
      },
      'filter.team': {
        decode: 'id',
        type: 'Organisation',
        where: (r, p, sub) =>
          `(select true ${sub(involvement, 'by')} and by.family = ${r}.family and by.organisation = ${p}::bigint and by."from" <= now() and (by.until is null or by.until > now()) limit 1)`,
      },
      'filter.behaviour': { decode: 'text', where: (r, p) => `${r}.behaviour = ${p}` },
    },
  },
};
