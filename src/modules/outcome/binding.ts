import { UNKNOWN } from '../../outcome/dimensions.ts';
import { type Binding, column, computed, list, type Order, one, page, type RootBinding, type Subquery } from '../../read/binding.ts';
import { district } from '../district/tables.ts';
import { code, organisation } from '../sharing/tables.ts';
import { seriesRows } from './breakdowns.ts';
import { figure, figureEdition, figureExact, figureState } from './figures.ts';
import { cohort, indicatorBenchmark, indicatorTarget, population, suppressionRule } from './framework.ts';
import { observation, observationArea, observationRun } from './observations.ts';
import { indicatorVersion, outcomeIndicator } from './tables.ts';

const byNumber: Order = { keys: [{ column: 'id', type: 'integer' }] };
const byStart: Order = {
  keys: [
    { column: 'starts', type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
};

/** SQL of the day after a figure's period. */
const after = (f: string) => `fsp.period_end(${f}.grain, ${f}.starts)`;

/** SQL of the last day of an observation's period, of which its indicator has one length. */
const lastDay = (o: string, sub: Subquery) =>
  `(select fsp.period_end(i.grain, ${o}.starts) - 1 ${sub(outcomeIndicator, 'i')} and i.id = ${o}.indicator)`;

/** SQL of the same cell a year before: as it was published, too. */
const yearBefore = (f: string, sub: Subquery) =>
  `(select b.value ${sub(figure, 'b')} and b.indicator = ${f}.indicator and b.breakdown = ${f}.breakdown and b.grain = ${f}.grain and b.starts = (${f}.starts - interval '1 year')::date and b.first = ${f}.first and b.second = ${f}.second)`;

/** SQL of the target on the last day of a figure's period: of the county, or of the district that the figure is of. */
const targetOf = (f: string, sub: Subquery) =>
  `(select t.value ${sub(indicatorTarget, 't')} and t.indicator = ${f}.indicator and t.area is not distinct from nullif(${f}.first, '') and ${f}.breakdown in ('', 'DISTRICT') and t.starts < ${after(f)} and t.ends >= ${after(f)} - 1 order by t.adjusts is null, t.id desc limit 1)`;

/** The lists of codes that have the words for what a dimension's categories are. */
const LISTS = {
  AGE: 'age-band',
  SEX: 'sex',
  ETHNICITY: 'ethnic-group',
  DISABILITY: 'disabled',
  FACTOR: 'concern',
  REACHED: 'highest-intervention',
} as const;

/** SQL of the words for a figure's category: a place's, body's or cohort's name, or a list's; of a step both its ends. */
const labelOf = (column: 'first' | 'second', place: 1 | 2) => (f: string, sub: Subquery) => {
  const dimension = `split_part(${f}.breakdown, '+', ${place})`;
  const its = `${f}.${column}`;
  const list = Object.entries(LISTS).map(([name, list]) => `when '${name}' then '${list}'`);
  return `(case when ${its} = '${UNKNOWN}' then 'Not known' when ${its} <> '' then coalesce(case ${dimension}
    when 'DISTRICT' then (select d.name ${sub(district, 'd')} and d.code = ${its})
    when 'TEAM' then (select o.name ${sub(organisation, 'o')} and o.code = ${its})
    when 'COHORT' then (select g.name ${sub(cohort, 'g')} and g.code = ${its})
    when 'PROVIDER' then (select o.name ${sub(organisation, 'o')} and o.code = ${its})
    when 'FLOW' then replace(replace(lower(${its}), '>', ' to '), '_', ' ')
    else (select c.label ${sub(code, 'c')} and c.list = case ${dimension} ${list.join(' ')} end and c.code = ${its} order by c.version desc limit 1) end, ${its}) end)`;
};

const number = { type: 'numeric' } as const;

export const bindings: Binding[] = [
  {
    type: 'OutcomeIndicator',
    anchor: outcomeIndicator,
    id: 'id',
    fields: {
      code: column(outcomeIndicator.code),
      name: column(outcomeIndicator.name),
      factorGroup: column(outcomeIndicator.factorGroup),
      definition: column(outcomeIndicator.definition),
      unit: column(outcomeIndicator.unit),
      kind: column(outcomeIndicator.kind),
      stock: column(outcomeIndicator.stock),
      derived: column(outcomeIndicator.derived),
      counts: column(outcomeIndicator.counts),
      per: column(outcomeIndicator.per),
      observedBy: column(outcomeIndicator.observedBy),
      period: column(outcomeIndicator.grain),
      ingredient: column(outcomeIndicator.ingredient),
      concern: column(outcomeIndicator.concern),
      publicHealthOutcomes: column(outcomeIndicator.publicHealthOutcomes),
      goodDirection: column(outcomeIndicator.goodDirection),
      ownerAgency: column(outcomeIndicator.ownerAgency),
      inCountyGift: column(outcomeIndicator.inCountyGift),
      version: column(outcomeIndicator.version),
      validFrom: column(outcomeIndicator.validFrom),
      validTo: column(outcomeIndicator.validTo),
      source: column(outcomeIndicator.source),
      versions: list('IndicatorVersion', 'indicator', 'id', { keys: [{ column: 'valid_from', type: 'date' }] }),
      benchmarks: list('IndicatorBenchmark', 'indicator', 'id', byNumber),
      targets: list('IndicatorTarget', 'indicator', 'id', byStart),
      movedBy: page('Service', 'id', 'id', byNumber, {
        on: (i, s) =>
          `(${i}.id in (select own.indicator from fsp.service_own_indicator own where own.service = ${s}.id) or ${s}.kind in (select moved.kind from fsp.service_indicator moved where moved.indicator = ${i}.id) and not exists (select from fsp.service_own_indicator own where own.service = ${s}.id))`,
      }),
      series: list(
        'Figure',
        'indicator',
        'id',
        {
          keys: [
            { column: 'starts', type: 'date' },
            { column: 'first', type: 'text' },
            { column: 'second', type: 'text' },
          ],
        },
        {
          filters: {
            by: { decode: 'text', where: (f, p) => `${f}.breakdown = replace(${p}, ',', '+')` },
            period: {
              decode: 'text',
              // By the alphabet the longer comes later.
              where: (f, p, sub) => `${f}.grain = greatest(${p}, (select i.grain ${sub(outcomeIndicator, 'i')} and i.id = ${f}.indicator))`,
            },
            from: { decode: 'text', where: (f, p) => `${f}.starts >= ${p}::date` },
            to: { decode: 'text', where: (f, p) => `${f}.starts <= ${p}::date` },
          },
          rows: seriesRows,
        },
      ),
    },
  },
  {
    type: 'IndicatorVersion',
    anchor: indicatorVersion,
    fields: {
      version: column(indicatorVersion.version),
      definition: column(indicatorVersion.definition),
      unit: column(indicatorVersion.unit),
      validFrom: column(indicatorVersion.validFrom),
      validTo: column(indicatorVersion.validTo),
      source: column(indicatorVersion.source),
    },
  },
  {
    type: 'IndicatorBenchmark',
    anchor: indicatorBenchmark,
    fields: {
      indicator: one('OutcomeIndicator', indicatorBenchmark.indicator, 'id'),
      body: column(indicatorBenchmark.body),
      measure: column(indicatorBenchmark.measure),
      changePercent: column(indicatorBenchmark.changePercent),
      value: column(indicatorBenchmark.value),
      unit: column(indicatorBenchmark.unit),
      asPrinted: column(indicatorBenchmark.asPrinted),
      edition: column(indicatorBenchmark.edition),
      period: column(indicatorBenchmark.period),
      source: column(indicatorBenchmark.source),
    },
  },
  {
    type: 'IndicatorTarget',
    anchor: indicatorTarget,
    id: 'id',
    fields: {
      indicator: one('OutcomeIndicator', indicatorTarget.indicator, 'id'),
      area: one('District', indicatorTarget.area, 'code'),
      from: column(indicatorTarget.starts),
      to: column(indicatorTarget.ends),
      value: column(indicatorTarget.value),
      reason: column(indicatorTarget.reason),
      adjusts: one('IndicatorTarget', indicatorTarget.adjusts, 'id'),
      setAt: column(indicatorTarget.setAt),
    },
  },
  {
    type: 'Population',
    anchor: population,
    fields: {
      area: one('District', population.area, 'code'),
      ageFrom: column(population.ageFrom),
      ageTo: column(population.ageTo),
      sex: column(population.sex),
      value: column(population.value),
      validFrom: column(population.validFrom),
      validTo: column(population.validTo),
      source: column(population.source),
      invented: column(population.invented),
    },
  },
  {
    type: 'Cohort',
    anchor: cohort,
    fields: {
      code: column(cohort.code),
      name: column(cohort.name),
      enteredFrom: column(cohort.enteredFrom),
      enteredUntil: column(cohort.enteredUntil),
      followUpMonths: column(cohort.followUpMonths),
      source: column(cohort.source),
      status: column(cohort.status),
    },
  },
  {
    type: 'SuppressionRule',
    anchor: suppressionRule,
    fields: {
      code: column(suppressionRule.code),
      name: column(suppressionRule.name),
      marker: column(suppressionRule.marker),
      lowest: column(suppressionRule.lowest),
      highest: column(suppressionRule.highest),
      zeroShown: column(suppressionRule.zeroShown),
      secondary: column(suppressionRule.secondary),
      cover: column(suppressionRule.cover),
      roundTo: column(suppressionRule.roundTo),
      decimals: column(suppressionRule.decimals),
      note: column(suppressionRule.note),
      source: column(suppressionRule.source),
      chosen: column(suppressionRule.chosen),
    },
  },
  {
    type: 'Figure',
    anchor: figure,
    fields: {
      period: column(figure.grain),
      from: column(figure.starts),
      to: computed(figure, (f) => `${after(f)} - 1`, { type: 'date' }),
      first: column(figure.first),
      firstLabel: computed(figure, labelOf('first', 1)),
      second: column(figure.second),
      secondLabel: computed(figure, labelOf('second', 2)),
      value: column(figure.value),
      numerator: column(figure.numerator),
      denominator: column(figure.denominator),
      marker: column(figure.marker),
      target: computed(figure, targetOf, number),
      fromTarget: computed(figure, (f, sub) => `${f}.value - ${targetOf(f, sub)}`, number),
      yearBefore: computed(figure, yearBefore, number),
      changePercent: computed(figure, (f, sub) => `round(100 * (${f}.value / nullif(${yearBefore(f, sub)}, 0) - 1), 1)`, number),
      edition: one('FigureEdition', figure.edition, 'id'),
      exact: one('ExactFigure', figure.id, 'id'),
    },
  },
  {
    type: 'ExactFigure',
    anchor: figureExact,
    fields: {
      value: column(figureExact.value),
      numerator: column(figureExact.numerator),
      denominator: column(figureExact.denominator),
      units: column(figureExact.units),
      counted: column(figureExact.countedAt),
    },
  },
  {
    type: 'FigureEdition',
    anchor: figureEdition,
    id: 'id',
    fields: {
      made: column(figureEdition.madeAt),
      asAt: column(figureEdition.asAt),
      rule: one('SuppressionRule', figureEdition.rule, 'code'),
      indicators: column(figureEdition.indicators),
      cells: column(figureEdition.cells),
      withheldCells: column(figureEdition.withheldCells),
    },
  },
  {
    type: 'OutcomeFreshness',
    anchor: figureState,
    fields: {
      counted: column(figureState.countedAt),
      waitingSince: column(figureState.waitingSince),
      edition: one('FigureEdition', figureState.edition, 'id'),
    },
  },
  {
    type: 'Observation',
    anchor: observation,
    id: 'id',
    fields: {
      indicator: one('OutcomeIndicator', observation.indicator, 'id'),
      family: one('Family', observation.family, 'family', { sameFamily: true }),
      person: one('Person', observation.person, 'person', { samePerson: true }),
      organisation: one('Organisation', observation.controller, 'id'),
      from: column(observation.starts),
      to: computed(observation, lastDay, { type: 'date' }),
      count: column(observation.count),
      base: column(observation.base),
      sourceRef: column(observation.sourceRef),
      current: column(observation.current),
      correctionReason: column(observation.correctionReason),
      recorded: column(observation.recordedAt),
      earlier: {
        kind: 'list',
        to: 'Observation',
        on: (o, e) =>
          `${e}.indicator = ${o}.indicator and ${e}.starts = ${o}.starts and ${e}.family = ${o}.family and ${e}.person is not distinct from ${o}.person and ${e}.controller = ${o}.controller and ${e}.id < ${o}.id`,
        order: { keys: [{ column: 'id', type: 'bigint' }], descending: true },
        sameFamily: true,
        samePerson: true,
      },
    },
  },
  {
    type: 'AreaObservation',
    anchor: observationArea,
    id: 'id',
    fields: {
      indicator: one('OutcomeIndicator', observationArea.indicator, 'id'),
      area: one('District', observationArea.area, 'code'),
      from: column(observationArea.starts),
      to: computed(observationArea, lastDay, { type: 'date' }),
      count: column(observationArea.count),
      base: column(observationArea.base),
      persons: column(observationArea.persons),
      sourceRef: column(observationArea.sourceRef),
      current: column(observationArea.current),
      correctionReason: column(observationArea.correctionReason),
      recorded: column(observationArea.recordedAt),
    },
  },
  {
    type: 'ObservationRun',
    anchor: observationRun,
    id: 'id',
    fields: {
      at: column(observationRun.at),
      lines: column(observationRun.lines),
      created: column(observationRun.created),
      corrected: column(observationRun.corrected),
      unchanged: column(observationRun.unchanged),
    },
  },
];

const reported = {
  order: () => ({ keys: [{ column: 'id', type: 'bigint' as const }], descending: true }),
  filters: {
    'filter.indicator': {
      decode: 'text' as const,
      where: (o: string, p: string, sub: Subquery) => `${o}.indicator = (select i.id ${sub(outcomeIndicator, 'i')} and i.code = ${p})`,
    },
    'filter.current': { decode: 'text' as const, where: (o: string, p: string) => `${o}.current = ${p}::boolean` },
    'filter.from': { decode: 'text' as const, where: (o: string, p: string) => `${o}.starts >= ${p}::date` },
    'filter.to': { decode: 'text' as const, where: (o: string, p: string) => `${o}.starts <= ${p}::date` },
  },
};

export const roots: Record<string, RootBinding> = {
  outcomeIndicators: {
    kind: 'page',
    to: 'OutcomeIndicator',
    order: () => byNumber,
    filters: { factorGroup: { decode: 'text', where: (i, p) => `${i}.factor_group = ${p}` } },
  },
  indicator: {
    kind: 'entity',
    to: 'OutcomeIndicator',
    match: () => [{ path: ['code'], decode: 'text', where: (i, p) => `${i}.code = ${p}` }],
  },
  outcomeBenchmarks: { kind: 'list', to: 'IndicatorBenchmark', order: byNumber, filters: {} },
  populations: { kind: 'list', to: 'Population', order: byNumber, filters: {} },
  cohorts: { kind: 'list', to: 'Cohort', order: { keys: [{ column: 'code', type: 'text' }] }, filters: {} },
  suppressionRules: { kind: 'list', to: 'SuppressionRule', order: { keys: [{ column: 'code', type: 'text' }] }, filters: {} },
  outcomeFreshness: { kind: 'entity', to: 'OutcomeFreshness', match: () => [] },
  observations: { kind: 'page', to: 'Observation', ...reported },
  areaObservations: { kind: 'page', to: 'AreaObservation', ...reported },
};
