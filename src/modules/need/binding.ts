import { type Binding, column, one, type RootBinding } from '../../read/binding.ts';
import { needFigure } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'NeedFigure',
    anchor: needFigure,
    fields: {
      concern: column(needFigure.concern),
      code: column(needFigure.code),
      name: column(needFigure.name),
      level: column(needFigure.level),
      district: one('District', needFigure.district, 'code'),
      value: column(needFigure.value),
      pictured: column(needFigure.pictured),
      rounded: column(needFigure.rounded),
      share: column(needFigure.share),
      baseLowest: column(needFigure.baseLowest),
      baseHighest: column(needFigure.baseHighest),
      districtsSum: column(needFigure.districtsSum),
      gapToNext: column(needFigure.gapToNext),
      nextPercent: column(needFigure.nextPercent),
      starts: column(needFigure.starts),
      ends: column(needFigure.ends),
      period: column(needFigure.period),
      method: column(needFigure.method),
      source: column(needFigure.source),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  triggerTrioNeed: {
    kind: 'list',
    to: 'NeedFigure',
    order: { keys: [{ column: 'id', type: 'integer' }] },
    filters: {
      concern: { decode: 'text', where: (n, p) => `${n}.concern = ${p}` },
      district: { decode: 'text', where: (n, p) => `${n}.district = ${p}` },
    },
  },
};
