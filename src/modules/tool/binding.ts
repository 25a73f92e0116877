import {
  type Binding,
  byId,
  code,
  column,
  computed,
  type FieldBinding,
  type Order,
  one,
  page,
  type RelationField,
  type RootBinding,
} from '../../read/binding.ts';
import { changeSql, directionSql, isLatest, meaningfulSql, ruleSql } from './change.ts';
import { tool, toolBand, toolDomain, toolReading, toolScore } from './tables.ts';

/** The first reading of the same tool and person. */
const firstOfSeries: RelationField = {
  kind: 'one',
  to: 'ToolReading',
  on: (row, other) =>
    `${other}.family = ${row}.family and ${other}.tool = ${row}.tool and ${other}.person is not distinct from ${row}.person and not ${other}.withdrawn`,
  order: {
    keys: [
      { column: 'read_on', type: 'date' },
      { column: 'id', type: 'bigint' },
    ],
  },
  first: true,
  sameFamily: true,
  samePerson: true,
};

const band = (of: 'band' | 'scored_band'): RelationField => ({
  kind: 'one',
  to: 'ToolBand',
  on: (row, b) => `${b}.tool = ${row}.tool and ${b}.code = ${row}.${of}`,
});

export const bindings: Binding[] = [
  {
    type: 'Tool',
    anchor: tool,
    fields: {
      code: column(tool.code),
      name: column(tool.name),
      edition: column(tool.edition),
      scoring: column(tool.scoring),
      about: column(tool.about),
      items: column(tool.items),
      itemMinimum: column(tool.itemMinimum),
      itemMaximum: column(tool.itemMaximum),
      minimum: column(tool.minimum),
      maximum: column(tool.maximum),
      minimumAge: column(tool.minimumAge),
      maximumAge: column(tool.maximumAge),
      higher: column(tool.higher),
      threshold: column(tool.threshold),
      thresholdMeaning: column(tool.thresholdMeaning),
      reckonedOn: column(tool.reckonedOn),
      changeAtLeast: computed(tool, (row) => `${row}.change_at_least::text`),
      changeRule: column(tool.changeRule),
      bands: {
        kind: 'list',
        to: 'ToolBand',
        on: (t, b) => `${b}.tool = ${t}.id`,
        order: { keys: [{ column: 'lowest', type: 'integer' }] },
      },
      domains: {
        kind: 'list',
        to: 'ToolDomain',
        on: (t, d) => `${d}.tool = ${t}.id`,
        order: { keys: [{ column: 'position', type: 'integer' }] },
      },
      licence: column(tool.licence),
      licenceRequired: column(tool.licenceRequired),
      licenceHeld: column(tool.licenceHeld),
      dataClass: column(tool.dataClass),
      status: column(tool.status),
      source: column(tool.source),
    },
  },
  {
    type: 'ToolBand',
    anchor: toolBand,
    fields: {
      code: column(toolBand.code),
      label: column(toolBand.label),
      lowest: computed(toolBand, (row) => `${row}.lowest::text`),
      highest: computed(toolBand, (row) => `${row}.highest::text`),
    },
  },
  {
    type: 'ToolDomain',
    anchor: toolDomain,
    fields: { code: column(toolDomain.code), label: column(toolDomain.label), parent: column(toolDomain.parent) },
  },
  {
    type: 'ToolReading',
    anchor: toolReading,
    id: 'id',
    event: { at: toolReading.readOn },
    fields: {
      tool: one('Tool', toolReading.tool, 'id'),
      person: one('Person', toolReading.person, 'person', { samePerson: true }),
      on: column(toolReading.readOn),
      author: column(toolReading.author),
      organisation: one('Organisation', toolReading.controller, 'id'),
      edition: column(toolReading.edition),
      completedBy: code('tool-completed-by', toolReading.completedBy),
      total: column(toolReading.total),
      metric: computed(toolReading, (row) => `${row}.metric::text`),
      band: band('band'),
      scoredBand: band('scored_band'),
      raisedBy: column(toolReading.raisedBy),
      atThreshold: column(toolReading.atThreshold),
      domains: {
        kind: 'list',
        to: 'ToolScore',
        on: (reading, score) => `${score}.reading = ${reading}.id`,
        order: byId,
        sameFamily: true,
        samePerson: true,
      },
      first: firstOfSeries,
      family: one('Family', toolReading.family, 'family'),
      version: column(toolReading.version),
    },
  },
  {
    type: 'ToolScore',
    anchor: toolScore,
    fields: {
      domain: { kind: 'one', to: 'ToolDomain', on: (score, d) => `${d}.tool = ${score}.tool and ${d}.code = ${score}.domain` },
      score: column(toolScore.score),
    },
  },
  {
    type: 'ToolChange',
    anchor: toolReading,
    fields: {
      tool: one('Tool', toolReading.tool, 'id'),
      person: one('Person', toolReading.person, 'person', { samePerson: true }),
      first: firstOfSeries,
      latest: {
        kind: 'one',
        to: 'ToolReading',
        on: (row, other) => `${other}.id = ${row}.id`,
        sameFamily: true,
        samePerson: true,
      },
      change: computed(toolReading, changeSql),
      direction: computed(toolReading, directionSql),
      meaningful: computed(toolReading, meaningfulSql, { type: 'boolean' }),
      rule: computed(toolReading, ruleSql),
    },
  },
];

const latestFirst: Order = {
  keys: [
    { column: 'read_on', type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
};

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    toolReadings: page('ToolReading', 'family', 'family', latestFirst, {
      on: (f, reading) => `${reading}.family = ${f}.family and not ${reading}.withdrawn`,
      sameFamily: true,
    }),
    toolChanges: {
      kind: 'list',
      to: 'ToolChange',
      on: (f, reading) => `${reading}.family = ${f}.family and not ${reading}.withdrawn`,
      among: (reading, sub) => isLatest(reading, sub),
      order: {
        keys: [
          { column: 'tool', type: 'integer' },
          { column: 'id', type: 'bigint' },
        ],
      },
      sameFamily: true,
    },
  },
};

export const roots: Record<string, RootBinding> = {
  tools: { kind: 'list', to: 'Tool', order: { keys: [{ column: 'id', type: 'integer' }] }, filters: {} },
};
