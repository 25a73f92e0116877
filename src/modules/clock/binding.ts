import {
  type Binding,
  code,
  column,
  computed,
  type FieldBinding,
  type Order,
  one,
  page,
  type RootBinding,
  type RootFilter,
} from '../../read/binding.ts';
import { ofTeam } from '../family/binding.ts';
import { clockState, taskState } from './rules.ts';
import { clock, task, timescale } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'Timescale',
    anchor: timescale,
    fields: {
      code: column(timescale.code),
      version: column(timescale.version),
      authority: column(timescale.authority),
      from: column(timescale.fromEvent),
      to: column(timescale.toEvent),
      limit: column(timescale.amount),
      unit: column(timescale.unit),
      dueSoon: column(timescale.dueSoon),
      countsFromNextDay: column(timescale.countsFromNextDay),
      kind: column(timescale.kind),
      status: column(timescale.status),
      source: column(timescale.source),
      validFrom: column(timescale.validFrom),
      validTo: column(timescale.validTo),
    },
  },
  {
    type: 'Clock',
    anchor: clock,
    id: 'id',
    fields: {
      rule: one('Timescale', clock.rule, 'code', { on: (c, t) => `${t}.code = ${c}.rule and ${t}.version = ${c}.rule_version` }),
      ruleVersion: column(clock.ruleVersion),
      family: one('Family', clock.family, 'family'),
      person: one('Person', clock.person, 'person', { samePerson: true }),
      assigned: one('Organisation', clock.assigned, 'id'),
      startedOn: column(clock.startedOn),
      dueOn: column(clock.dueOn),
      dueSoonOn: column(clock.dueSoonOn),
      metOn: column(clock.metOn),
      endedOn: column(clock.endedOn),
      state: computed(clock, clockState),
    },
  },
  {
    type: 'Task',
    anchor: task,
    id: 'id',
    fields: {
      kind: code('task-kind', task.kind),
      title: column(task.title),
      family: one('Family', task.family, 'family'),
      person: one('Person', task.person, 'person', { samePerson: true }),
      assigned: one('Organisation', task.assigned, 'id'),
      worker: column(task.worker),
      organisation: one('Organisation', task.controller, 'id'),
      dueOn: column(task.dueOn),
      doneOn: column(task.doneOn),
      doneBy: column(task.doneBy),
      outcome: column(task.outcome),
      state: computed(task, taskState),
      version: column(task.version),
    },
  },
];

const longestDue: Order = {
  keys: [
    { column: 'due_on', type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
};

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    clocks: page('Clock', 'family', 'family', longestDue, { sameFamily: true }),
    tasks: page('Task', 'family', 'family', longestDue, { sameFamily: true }),
  },
};

const dueFilters = (state: (row: string) => string): Record<string, RootFilter> => ({
  'filter.team': ofTeam,
  'filter.state': { decode: 'text', where: (row, p) => `${state(row)} = ${p}` },
  'filter.assigned': { decode: 'id', type: 'Organisation', where: (row, p) => `${row}.assigned = ${p}::bigint` },
});

export const roots: Record<string, RootBinding> = {
  timescales: {
    kind: 'list',
    to: 'Timescale',
    order: {
      keys: [
        { column: 'code', type: 'text' },
        { column: 'version', type: 'text' },
      ],
    },
    filters: {},
  },
  dueItems: {
    kind: 'union',
    to: 'DueItem',
    members: [
      { type: 'Clock', at: clock.dueOn, filters: dueFilters(clockState) },
      { type: 'Task', at: task.dueOn, filters: dueFilters(taskState) },
    ],
  },
};
