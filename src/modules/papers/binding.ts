import { type Binding, column, type Order, type RootBinding } from '../../read/binding.ts';
import { milestone, modelStatement, publishedFigure } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'ModelStatement',
    anchor: modelStatement,
    fields: {
      code: column(modelStatement.code),
      kind: column(modelStatement.kind),
      text: column(modelStatement.text),
      since: column(modelStatement.since),
      answer: column(modelStatement.answer),
      source: column(modelStatement.source),
    },
  },
  {
    type: 'Milestone',
    anchor: milestone,
    fields: {
      code: column(milestone.code),
      name: column(milestone.name),
      planned: column(milestone.planned),
      actual: column(milestone.actual),
      source: column(milestone.source),
    },
  },
  {
    type: 'PublishedFigure',
    anchor: publishedFigure,
    fields: {
      code: column(publishedFigure.code),
      topic: column(publishedFigure.topic),
      label: column(publishedFigure.label),
      value: column(publishedFigure.value),
      asPrinted: column(publishedFigure.asPrinted),
      unit: column(publishedFigure.unit),
      count: column(publishedFigure.count),
      base: column(publishedFigure.base),
      period: column(publishedFigure.period),
      area: column(publishedFigure.area),
      illustrative: column(publishedFigure.illustrative),
      note: column(publishedFigure.note),
      source: column(publishedFigure.source),
    },
  },
];

const printed: Order = {
  keys: [
    { column: 'position', type: 'integer' },
    { column: 'code', type: 'text' },
  ],
};

export const roots: Record<string, RootBinding> = {
  modelStatements: {
    kind: 'list',
    to: 'ModelStatement',
    order: printed,
    filters: { kind: { decode: 'text', where: (s, p) => `${s}.kind = ${p}` } },
  },
  milestones: { kind: 'list', to: 'Milestone', order: printed, filters: {} },
  publishedFigures: {
    kind: 'list',
    to: 'PublishedFigure',
    order: printed,
    filters: { topic: { decode: 'text', where: (f, p) => `${f}.topic = ${p}` } },
  },
};
