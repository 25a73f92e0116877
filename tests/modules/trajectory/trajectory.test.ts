/** Trajectories: the printed rows through the API, and the arithmetic of an authority's own years. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completed, continued, type Point, type Printed, variationOf } from '../../../src/modules/trajectory/rules.ts';
import { type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const FIELDS =
  'at asIs fsm1 fsm2 reduction target actual variation adjustedTarget adjustedReason adjustedVariation computed printed marker children source';
const pointsOf = async (measure: string) => {
  const { body } = await server.ask(
    'evaluator',
    `query($m: TrajectoryMeasure) { trajectories(measure: $m) { name points { ${FIELDS} } } }`,
    {
      m: measure,
    },
  );
  expect(body.errors).toBeUndefined();
  expect(body.data.trajectories.length).toBe(1);
  return body.data.trajectories[0].points as any[];
};
const points = async (measure: string) => (await pointsOf(measure)).filter(({ printed }) => printed);
const rows = (of: any[], ...fields: string[]) => of.map((point) => fields.map((field) => point[field]));

describe('printed trajectories', () => {
  it('print looked-after children with both variations, to the percent', async () => {
    const printed = (await points('LOOKED_AFTER')).filter(({ actual }) => actual !== null);
    expect(rows(printed, 'at', 'asIs', 'target', 'actual', 'variation', 'adjustedTarget', 'adjustedVariation', 'computed')).toEqual([
      ['2020-03-31', 810, 756, 767, 1, 756, 1, []],
      ['2021-03-31', 846, 736, 784, 7, 788, -1, []],
      ['2021-06-30', 855, 729, 786, 8, 797, -1, []],
    ]);
    expect(printed.every(({ adjustedReason }) => adjustedReason.includes('ceasing care'))).toBe(true);
    expect(printed[0].source).toMatch(/Cabinet report.*; People Overview/);
  });
  it('print all twelve differences', async () => {
    const differences = await Promise.all(
      ['LOOKED_AFTER', 'PROTECTION_PLANS', 'OPEN_CASES'].map(async (measure) =>
        rows(
          (await points(measure)).filter(({ fsm2 }) => fsm2 !== null),
          'asIs',
          'fsm2',
          'reduction',
        ),
      ),
    );
    expect(differences).toEqual([
      [
        [810, 756, 54],
        [919, 697, 222],
        [990, 682, 308],
        [1143, 727, 416],
      ],
      [
        [658, 587, 71],
        [854, 581, 273],
        [1008, 606, 402],
        [1459, 654, 805],
      ],
      [
        [5372, 5103, 269],
        [5737, 4560, 1177],
        [5940, 4543, 1397],
        [6210, 4841, 1369],
      ],
    ]);
  });
  it('say what no paper prints, and print no FSM 1, of which the graph is lost', async () => {
    const plans = (await points('PROTECTION_PLANS')).filter(({ actual }) => actual !== null);
    expect(rows(plans, 'actual', 'target', 'variation', 'computed')).toEqual([
      [541, 587, -8, ['variation']],
      [451, 585, -23, ['variation']],
      [510, 585, -13, ['variation']],
    ]);
    for (const measure of ['LOOKED_AFTER', 'PROTECTION_PLANS', 'OPEN_CASES'])
      expect((await points(measure)).filter(({ fsm1 }) => fsm1 !== null)).toEqual([]);
  });
});

describe('the arithmetic', () => {
  const day = (at: string, given: Partial<Printed> = {}): Printed => ({
    at,
    asIs: null,
    fsm1: null,
    fsm2: null,
    reduction: null,
    target: null,
    actual: null,
    variation: null,
    adjustedTarget: null,
    adjustedReason: null,
    adjustedVariation: null,
    children: null,
    neighboursRate: null,
    ...given,
  });
  it('rounds halves away from zero, as no floating point does', () => {
    expect([variationOf(201, 200), variationOf(199, 200), variationOf(203, 200), variationOf(197, 200), variationOf(200, 200)]).toEqual([
      1, -1, 2, -2, 0,
    ]);
    fc.assert(
      fc.property(fc.nat(20_000), fc.integer({ min: 1, max: 20_000 }), (actual, target) => {
        const exact = (100 * (actual - target)) / target;
        const rounded = variationOf(actual, target);
        expect(Math.abs(rounded - exact)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(rounded).toBe(-variationOf(2 * target - actual, target) + 0);
      }),
    );
  });
  it('works FSM 1 and FSM 2 out for an authority’s own years: 5 % a year, with the population, and no lower than the neighbours', () => {
    const own = completed([
      day('2026-03-31', { actual: 800, asIs: 820, children: 150_000, neighboursRate: 50 }),
      day('2027-03-31', { asIs: 840, children: 150_000, neighboursRate: 50 }),
      day('2029-03-31', { asIs: 900, children: 153_000, neighboursRate: 50 }),
      day('2030-03-31', { asIs: 910 }),
    ]);
    expect(own.map(({ fsm1, fsm2, reduction, computed }) => ({ fsm1, fsm2, reduction, computed }))).toEqual([
      { fsm1: 800, fsm2: 800, reduction: 20, computed: ['fsm1', 'fsm2', 'reduction'] },
      { fsm1: 760, fsm2: 760, reduction: 80, computed: ['fsm1', 'fsm2', 'reduction'] },
      // 760 × 0.95² × 1.02, kept unrounded on the way; the neighbours' rate gives 765.
      { fsm1: 700, fsm2: 765, reduction: 135, computed: ['fsm1', 'fsm2', 'reduction'] },
      { fsm1: null, fsm2: null, reduction: null, computed: [] },
    ]);
  });
  it('goes on with own numbers after the last printed one, and stands back where a paper speaks', () => {
    const printed = (at: string, given: Partial<Printed> = {}): Point => ({
      ...day(at, given),
      marker: null,
      printed: true,
      source: 'a paper',
    });
    const own = (at: string, actual: number | null) => ({ at, actual, marker: actual === null ? 'c' : null, source: 'own' });
    const points = continued(
      [
        printed('2020-03-31', { asIs: 810, target: 756, actual: 767, variation: 1 }),
        printed('2021-06-30', { asIs: 855, target: 729, actual: 786, variation: 8 }),
        printed('2025-03-31', { asIs: 990, fsm2: 682, reduction: 308, neighboursRate: 50 }),
      ],
      [own('2021-06-30', 1), own('2021-03-31', 2), own('2025-03-31', 801), own('2025-04-30', 797), own('2026-03-31', null)],
      (at) => ({
        target: at > '2025-03-31' ? 750 : null,
        adjustedTarget: at > '2025-03-31' ? 800 : null,
        adjustedReason: at > '2025-03-31' ? 'slower' : null,
        children: at < '2025-01-01' ? 140_000 : 154_000,
      }),
    );
    expect(
      points.map(({ at, actual, marker, variation, adjustedVariation, printed: of }) => [
        at,
        actual,
        marker,
        variation,
        adjustedVariation,
        of,
      ]),
    ).toEqual([
      ['2020-03-31', 767, null, 1, null, true],
      ['2021-06-30', 786, null, 8, null, true],
      ['2025-03-31', 801, null, null, null, true],
      ['2025-04-30', 797, null, 6, 0, false],
      ['2026-03-31', null, 'c', null, null, false],
    ]);
    // 767 × 0.95⁶ × 154 ÷ 140, of which no printed day shows anything; fifty of 10,000 are 770.
    expect(points.map(({ fsm1, fsm2 }) => [fsm1, fsm2])).toEqual([
      [null, null],
      [null, null],
      [null, 682],
      [650, 770],
      [620, 770],
    ]);
    expect(points.map(({ computed }) => computed)).toEqual([
      [],
      [],
      ['actual'],
      ['actual', 'fsm1', 'fsm2', 'variation', 'adjustedVariation'],
      ['fsm1', 'fsm2'],
    ]);
  });
  it('leaves every printed number as it is, whatever would be worked out', () => {
    const number = fc.option(fc.integer({ min: 1, max: 2_000 }), { nil: null });
    const given = fc.record({
      asIs: number,
      fsm1: number,
      fsm2: number,
      target: number,
      actual: number,
      reduction: number,
      variation: number,
    });
    const peopled = fc.record({ children: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: null }), neighboursRate: number });
    fc.assert(
      fc.property(fc.array(fc.tuple(given, peopled), { minLength: 1, maxLength: 5 }), (years) => {
        const days = years.map(([numbers, people], i) => day(`${2020 + i}-03-31`, { ...numbers, ...people }));
        completed(days).forEach((point, i) => {
          for (const [field, value] of Object.entries(days[i] as Printed)) if (value !== null) expect((point as any)[field]).toBe(value);
          for (const field of point.computed) expect((days[i] as any)[field]).toBeNull();
          if (point.computed.includes('fsm2')) expect(point.fsm2).toBeGreaterThanOrEqual(point.fsm1 as number);
        });
      }),
    );
  });
});
