import { type Binding, column, type RootBinding } from '../../read/binding.ts';
import { outcomeIndicator } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'OutcomeIndicator',
    anchor: outcomeIndicator,
    id: 'id',
    fields: {
      code: column(outcomeIndicator.code),
      name: column(outcomeIndicator.name),
      factorGroup: column(outcomeIndicator.factorGroup),
      unit: column(outcomeIndicator.unit),
      goodDirection: column(outcomeIndicator.goodDirection),
      ownerAgency: column(outcomeIndicator.ownerAgency),
      inCountyGift: column(outcomeIndicator.inCountyGift),
      source: column(outcomeIndicator.source),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  outcomeIndicators: {
    kind: 'page',
    to: 'OutcomeIndicator',
    order: () => ({ keys: [{ column: 'id', type: 'integer' }] }),
    filters: { factorGroup: { decode: 'text', where: (i, p) => `${i}.factor_group = ${p}` } },
  },
};
