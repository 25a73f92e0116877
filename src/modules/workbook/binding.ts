import { type Binding, byId, code, column, list, one, type RelationField } from '../../read/binding.ts';
import { workbookChildWords, workbookEntry, workbookParentWords, workbookReading } from './tables.ts';

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
      family: one('Family', workbookEntry.family, 'family'),
    },
  },
  {
    type: 'WorkbookReading',
    anchor: workbookReading,
    fields: {
      person: one('Person', workbookReading.person, 'person', { samePerson: true }),
      behaviour: code('behaviour', workbookReading.behaviour),
      stageOfChange: column(workbookReading.stageOfChange),
      capacityForChange: column(workbookReading.capacityForChange),
    },
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
