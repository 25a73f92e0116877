import { type Binding, byId, column, type FieldBinding, list, one, page, type RootBinding } from '../../read/binding.ts';
import { personSource, recordRun, recordRunLine, recordSource } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'RecordId',
    anchor: recordSource,
    fields: {
      system: column(recordSource.system),
      entity: column(recordSource.entity),
      sourceId: column(recordSource.sourceId),
      changed: column(recordSource.changedAt),
    },
  },
  {
    type: 'PersonRecordId',
    anchor: personSource,
    fields: {
      system: column(personSource.system),
      sourceId: column(personSource.sourceId),
      changed: column(personSource.changedAt),
    },
  },
  {
    type: 'RecordRun',
    anchor: recordRun,
    id: 'id',
    fields: {
      system: column(recordRun.system),
      at: column(recordRun.at),
      created: column(recordRun.created),
      updated: column(recordRun.updated),
      unchanged: column(recordRun.unchanged),
      failed: column(recordRun.failed),
      lines: page('RecordRunLine', 'run', 'id', byId),
    },
  },
  {
    type: 'RecordRunLine',
    anchor: recordRunLine,
    fields: {
      line: column(recordRunLine.line),
      sourceId: column(recordRunLine.sourceId),
      result: column(recordRunLine.result),
      record: column(recordRunLine.record),
      family: one('Family', recordRunLine.family, 'family', { sameFamily: true }),
      path: column(recordRunLine.path),
      rule: column(recordRunLine.rule),
      message: column(recordRunLine.message),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: { recordIds: page('RecordId', 'family', 'family', byId, { sameFamily: true }) },
  Person: { recordIds: list('PersonRecordId', 'person', 'person', byId) },
};

export const roots: Record<string, RootBinding> = {
  recordRuns: { kind: 'page', to: 'RecordRun', order: () => ({ ...byId, descending: true }), filters: {} },
};
