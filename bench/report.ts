/** The results as Markdown: the table, and each target with what was measured. */
import type { Name } from './contenders.ts';
import type { Scenario } from './jobs.ts';
import type { Result } from './size.ts';

const number = (value: number) => Math.round(value).toLocaleString('en');
export const table = (head: string[], rows: string[][]) =>
  [head, head.map((_, i) => (i < 2 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

export function resultsTable(results: Result[]): string {
  return table(
    [
      'scenario',
      'server',
      'families',
      'connections',
      'requests/s',
      'p50 µs',
      'p99 µs',
      'server ms',
      'database ms',
      'response KB',
      'peak memory MB',
    ],
    results.map((r) => [
      r.scenario,
      r.name,
      number(r.families),
      String(r.connections),
      number(r.requests),
      number(r.p50),
      number(r.p99),
      r.serverMs.toFixed(2),
      r.databaseMs.toFixed(2),
      (r.bytes / 1024).toFixed(1),
      number(r.peakBytes / 2 ** 20),
    ]),
  );
}

/** `wanted` is null where nothing is aimed at, and the figure is only shown. */
export type Target = { what: string; measured: number; wanted: number | null; least: boolean };

/** Every target for which there is a measurement. */
export function targets(results: Result[]): Target[] {
  const found: Target[] = [];
  const get = (families: number, connections: number, scenario: Scenario, name: Name) =>
    results.find((r) => r.families === families && r.connections === connections && r.scenario === scenario && r.name === name);
  const add = (what: string, measured: number | undefined, wanted: number | null, least: boolean) => {
    if (measured !== undefined && Number.isFinite(measured)) found.push({ what, measured, wanted, least });
  };
  const sizes = [...new Set(results.map((r) => r.families))];
  const levels = [...new Set(results.map((r) => r.connections))];
  const ratio = (families: number, connections: number, scenario: Scenario, a: Name, b: Name) => {
    const [x, y] = [get(families, connections, scenario, a), get(families, connections, scenario, b)];
    return x && y ? x.requests / y.requests : undefined;
  };
  for (const families of sizes) {
    for (const connections of levels) {
      const at = `${number(families)} families, ${connections} connections`;
      const ratioOf = (scenario: Scenario, a: Name, b: Name, wanted: number | null) =>
        add(`${scenario}, ${a} / ${b} (${at})`, ratio(families, connections, scenario, a, b), wanted, true);
      for (const scenario of ['one family', 'page'] as const) {
        ratioOf(scenario, 'ours', 'PostGraphile', connections >= 50 ? 2 : 1.8);
        ratioOf(scenario, 'ours', 'usual stack', scenario === 'page' ? 4 : null);
        ratioOf(scenario, 'ours without disclosure', 'limit', 0.9);
      }
      ratioOf('flat page', 'ours', 'PostGraphile', null);
      ratioOf('flat page', 'ours', 'usual stack', null);
      ratioOf('flat page', 'ours without disclosure', 'limit', null);
      ratioOf('mix', 'ours', 'limit', null);
    }
  }
  const [small, large] = [sizes[0] as number, sizes.at(-1) as number];
  for (const connections of small === large ? [] : levels) {
    for (const scenario of ['one family', 'council first page'] as const) {
      const [a, b] = [get(small, connections, scenario, 'ours'), get(large, connections, scenario, 'ours')];
      add(
        `${scenario}, growth of p50 from ${number(small)} to ${number(large)} (${connections} connections)`,
        a && b && b.p50 / a.p50,
        1.2,
        false,
      );
    }
  }
  const memory = results.filter((r) => r.name === 'ours').map((r) => r.peakBytes / 2 ** 20);
  add('memory of our server at its peak, MB', Math.max(...memory), 450, false);
  return found;
}

export function targetsTable(found: Target[]): string {
  return table(
    ['target', '', 'measured', 'wanted'],
    found.map(({ what, measured, wanted, least }) => {
      const shown = measured.toFixed(measured > 20 ? 0 : 2);
      if (wanted === null) return [what, '', shown, ''];
      const met = least ? measured >= wanted : measured < wanted;
      return [what, met ? 'met' : '**missed**', shown, `${least ? '≥' : '<'} ${wanted}`];
    }),
  );
}
