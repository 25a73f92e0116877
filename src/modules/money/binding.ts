import { type Binding, column, list, type RootBinding } from '../../read/binding.ts';
import { businessYear, costBenefit, moneyAmount, moneyLine, unitCost } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'MoneyLine',
    anchor: moneyLine,
    fields: {
      code: column(moneyLine.code),
      part: column(moneyLine.part),
      name: column(moneyLine.name),
      years: list('MoneyAmount', 'line', 'code', { keys: [{ column: 'year', type: 'text' }] }),
      total: column(moneyLine.total),
      counts: column(moneyLine.counts),
      funding: column(moneyLine.funding),
      note: column(moneyLine.note),
      source: column(moneyLine.source),
    },
  },
  { type: 'MoneyAmount', anchor: moneyAmount, fields: { year: column(moneyAmount.year), amount: column(moneyAmount.amount) } },
  {
    type: 'BusinessYear',
    anchor: businessYear,
    fields: {
      year: column(businessYear.year),
      oneOff: column(businessYear.oneOff),
      ongoing: column(businessYear.ongoing),
      savings: column(businessYear.savings),
      cumulative: column(businessYear.cumulative),
      cumulativeWithOngoing: column(businessYear.cumulativeWithOngoing),
      brokenEven: column(businessYear.brokenEven),
      brokenEvenWithOngoing: column(businessYear.brokenEvenWithOngoing),
    },
  },
  {
    type: 'UnitCost',
    anchor: unitCost,
    fields: {
      code: column(unitCost.code),
      name: column(unitCost.name),
      partner: column(unitCost.partner),
      per: column(unitCost.per),
      priceYear: column(unitCost.priceYear),
      low: column(unitCost.low),
      central: column(unitCost.central),
      high: column(unitCost.high),
      validFrom: column(unitCost.validFrom),
      validTo: column(unitCost.validTo),
      status: column(unitCost.status),
      source: column(unitCost.source),
    },
  },
  {
    type: 'CostBenefitYear',
    anchor: costBenefit,
    fields: {
      case: column(costBenefit.costCase),
      year: column(costBenefit.year),
      partner: column(costBenefit.partner),
      cost: column(costBenefit.cost),
      benefit: column(costBenefit.benefit),
      net: column(costBenefit.net),
      cumulative: column(costBenefit.cumulative),
      brokenEven: column(costBenefit.brokenEven),
      incomplete: column(costBenefit.incomplete),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  moneyLines: {
    kind: 'list',
    to: 'MoneyLine',
    order: { keys: [{ column: 'position', type: 'integer' }] },
    filters: { part: { decode: 'text', where: (m, p) => `${m}.part = ${p}` } },
  },
  businessCase: { kind: 'list', to: 'BusinessYear', order: { keys: [{ column: 'year', type: 'text' }] }, filters: {} },
  unitCosts: {
    kind: 'list',
    to: 'UnitCost',
    order: {
      keys: [
        { column: 'code', type: 'text' },
        { column: 'valid_from', type: 'date' },
      ],
    },
    filters: {
      on: {
        decode: 'text',
        where: (u, p) => `${u}.valid_from <= ${p}::date and coalesce(${u}.valid_to, 'infinity') >= ${p}::date`,
      },
    },
  },
  costBenefit: {
    kind: 'list',
    to: 'CostBenefitYear',
    order: { keys: [{ column: 'position', type: 'integer' }] },
    filters: {
      case: { decode: 'text', where: (c, p) => `${c}.cost_case = ${p}` },
      partner: { decode: 'text', where: (c, p) => `${c}.partner = ${p}` },
    },
  },
};
