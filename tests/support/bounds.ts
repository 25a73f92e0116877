/** What can be known of sums of counts, from other sums: the bounds of a linear program (HiGHS). */
import { createRequire } from 'node:module';
import type { Highs, Model } from 'highs';

const highs: Highs = await createRequire(import.meta.url)('highs')();

/** A sum of unknown counts, less some others. */
export type Sum = { of: number[]; less?: number[] };
/** What a reader knows: that such a sum lies between two numbers. No count is below 0. */
export type Fact = Sum & { least: number; most: number };

/** The bounds of sums of unknown counts, by all facts together. */
export function boundsOf(unknowns: number, facts: Fact[]): { bounds(sum: Sum): [number, number]; done(): void } {
  const matrix = {
    format: 'csr' as const,
    numRows: facts.length,
    numCols: unknowns,
    starts: [0],
    indices: facts.flatMap(({ of, less = [] }) => [...of, ...less]),
    values: facts.flatMap(({ of, less = [] }) => [...of.map(() => 1), ...less.map(() => -1)]),
  };
  for (const { of, less = [] } of facts) matrix.starts.push((matrix.starts.at(-1) as number) + of.length + less.length);
  const model: Model = highs.createModel({
    numCols: unknowns,
    numRows: facts.length,
    colCost: new Array(unknowns).fill(0),
    colLower: new Array(unknowns).fill(0),
    colUpper: new Array(unknowns).fill(1e6),
    rowLower: facts.map(({ least }) => least),
    rowUpper: facts.map(({ most }) => Math.min(most, 1e8)),
    matrix,
  });
  model.options.set('output_flag', false);
  const extreme = ({ of, less = [] }: Sum, sign: number) => {
    for (const index of of) model.changeColCost(index, sign);
    for (const index of less) model.changeColCost(index, -sign);
    model.run();
    // What is true is possible; an attacker who finds nothing possible has mistaken the facts.
    if (model.getModelStatus() !== highs.constants.modelStatus.optimal) throw new Error(`no solution: ${model.getModelStatus()}`);
    const value = sign * model.getObjectiveValue();
    for (const index of [...of, ...less]) model.changeColCost(index, 0);
    return value;
  };
  return { bounds: (sum) => [extreme(sum, 1), extreme(sum, -1)], done: () => model.dispose() };
}
