/**
 * The published papers as reference data: what their files must be, what must add up in them, and their rows. An
 * authority may do without any of them. Nothing points at these rows, so what a file no longer has goes from the database.
 */
import type pg from 'pg';
import { z } from 'zod';
import { AGENCIES } from '../access/classes.ts';
import { CONCERNS } from '../modules/assessment/concerns.ts';
import { benefitFault, businessYears, COUNTS, costBenefits, moneyFault, PARTS, unitCostFault } from '../modules/money/rules.ts';
import { LEVELS, needFault, needRows } from '../modules/need/rules.ts';
import { FIGURE_UNITS, figureFault, STATEMENT_KINDS } from '../modules/papers/rules.ts';
import { completed, pointFault } from '../modules/trajectory/rules.ts';
import { continueTrajectories } from '../outcome/continuing.ts';
import { inTransaction } from './owner.ts';
import { day, key, longSlug, month, text } from './shapes.ts';
import { snake, upsert } from './upsert.ts';

const count = z.int().min(0);
const optional = <T extends z.ZodType>(type: T) => type.nullable().default(null);
const measure = z.enum(['LOOKED_AFTER', 'PROTECTION_PLANS', 'OPEN_CASES']);
const percent = z.int().min(0).max(100);
const price = z.string().regex(/^\d{1,9}\.\d{2}$/, 'must be pounds and pence, like 107.00');
const range = <T extends z.ZodType>(type: T) => ({ low: type, central: type, high: type });
const byDistrict = <T extends z.ZodType>(type: T) => z.record(z.string(), type).default({});

export const PAPER_FILES = {
  trajectories: z.strictObject({
    measure,
    at: day,
    asIs: optional(count),
    fsm1: optional(count),
    fsm2: optional(count),
    reduction: optional(z.int()),
    target: optional(key),
    actual: optional(count),
    variation: optional(z.int()),
    adjustedTarget: optional(key),
    adjustedReason: optional(text),
    adjustedVariation: optional(z.int()),
    children: optional(z.int().positive('must not be a population of zero')),
    neighboursRate: optional(z.number().positive()),
    source: text,
  }),
  need: z.strictObject({
    concern: z.enum(CONCERNS),
    code: longSlug,
    name: text,
    level: z.enum(LEVELS),
    total: z.int().positive('must not be a population of zero'),
    pictured: z.boolean().default(false),
    rounded: optional(key),
    share: optional(percent.min(1)),
    districts: byDistrict(count),
    shares: byDistrict(percent),
    starts: optional(day),
    ends: optional(day),
    period: text,
    method: text,
    source: text,
  }),
  money: z.strictObject({
    code: longSlug,
    part: z.enum(PARTS),
    name: text,
    years: z.record(z.string(), z.int()),
    total: optional(z.int()),
    adds: z.array(z.string()).default([]),
    takes: z.array(z.string()).default([]),
    counts: optional(z.enum(COUNTS)),
    funding: optional(text),
    note: optional(text),
    source: text,
  }),
  'unit-costs': z.strictObject({
    code: longSlug,
    name: text,
    partner: z.enum(AGENCIES, `must be one of ${AGENCIES.join(', ')}`),
    per: text,
    priceYear: text,
    ...range(price),
    validFrom: day,
    validTo: day.nullable(),
    status: z.enum(['verified', 'authority', 'illustrative']),
    source: text,
  }),
  benefits: z.strictObject({
    unitCost: z.string(),
    year: z.string(),
    avoided: optional(z.int()),
    measure: optional(measure),
    unitsEach: key.default(1),
    share: z.strictObject(range(percent)),
    source: text,
  }),
  statements: z.strictObject({
    code: longSlug,
    kind: z.enum(STATEMENT_KINDS),
    text,
    since: optional(z.union([month, z.string().regex(/^\d{4}$/, 'must be a year or a month')])),
    answer: optional(text),
    source: text,
  }),
  milestones: z.strictObject({ code: longSlug, name: text, planned: optional(month), actual: optional(month), source: text }),
  published: z.strictObject({
    code: longSlug,
    topic: longSlug,
    label: text,
    value: z.number(),
    asPrinted: text,
    unit: z.enum(FIGURE_UNITS),
    count: optional(count),
    base: optional(z.int().positive('must not be a population of zero')),
    period: optional(text),
    area: text,
    illustrative: z.boolean().default(false),
    note: optional(text),
    source: text,
  }),
};

export type PaperFile = keyof typeof PAPER_FILES;
export type Papers = { [F in PaperFile]: z.infer<(typeof PAPER_FILES)[F]>[] };

type Fault = { file: PaperFile; index: number; words: string };

const MEASURES: Record<z.infer<typeof measure>, { name: string; continuedBy: string }> = {
  LOOKED_AFTER: { name: 'Looked-after children', continuedBy: 'looked-after-children' },
  PROTECTION_PLANS: { name: 'Children with a child protection plan', continuedBy: 'protection-plans' },
  OPEN_CASES: { name: 'Open cases', continuedBy: 'open-cases' },
};

/** The first thing that does not add up among an authority's papers; undefined where all does. */
export function paperFault(papers: Papers, districts: ReadonlySet<string>): Fault | undefined {
  const { trajectories, need, money, benefits, published } = papers;
  const inFile = (file: PaperFile, fault: { index: number; words: string } | undefined) => fault && { file, ...fault };
  const firstOf = <E>(file: PaperFile, entries: readonly E[], faultOf: (entry: E, index: number) => string | undefined) => {
    for (const [index, entry] of entries.entries()) {
      const words = faultOf(entry, index);
      if (words) return { file, index, words };
    }
    return undefined;
  };
  const twice = (file: 'statements' | 'milestones' | 'published') =>
    firstOf(file, papers[file] as { code: string }[], ({ code }, index) =>
      papers[file].findIndex((other) => other.code === code) < index ? `another entry has the code ${code}.` : undefined,
    );
  return (
    firstOf('trajectories', trajectories, (point, index) => {
      const named = `${point.measure} on ${point.at}: `;
      if (trajectories.findIndex((other) => other.measure === point.measure && other.at === point.at) < index)
        return `${named}another entry has the day.`;
      const words = pointFault(point);
      return words && named + words;
    }) ??
    inFile('need', needFault(need, districts)) ??
    inFile('money', moneyFault(money)) ??
    inFile('unit-costs', unitCostFault(papers['unit-costs'])) ??
    inFile('benefits', benefitFault(benefits, papers['unit-costs'], new Set(trajectories.map((point) => point.measure)))) ??
    firstOf('published', published, figureFault) ??
    twice('statements') ??
    twice('milestones') ??
    twice('published')
  );
}

type Table = [name: string, keys: string[], rows: Record<string, unknown>[]];

const placed = <E extends object>(entries: readonly E[]) => entries.map((entry, position) => ({ ...entry, position }));

/** The papers as rows, the wholes before their parts. */
function paperTables({ trajectories, need, money, benefits, ...papers }: Papers): Table[] {
  const measures = [...new Set(trajectories.map((point) => point.measure))];
  return [
    ['trajectory', ['measure'], measures.map((of) => ({ measure: of, ...MEASURES[of] }))],
    [
      'trajectory_point',
      ['measure', 'at'],
      measures
        .flatMap((of) => completed(trajectories.filter((point) => point.measure === of)))
        .map((point) => ({ ...point, marker: null, printed: true })),
    ],
    ['need_figure', ['id'], needRows(need)],
    ['money_line', ['code'], placed(money).map(({ years: _years, adds: _adds, takes: _takes, ...line }) => line)],
    [
      'money_amount',
      ['line', 'year'],
      money.flatMap(({ code, years }) => Object.entries(years).map(([year, amount]) => ({ line: code, year, amount }))),
    ],
    ['business_year', ['year'], businessYears(money)],
    ['unit_cost', ['code', 'valid_from'], papers['unit-costs']],
    ['cost_benefit', ['cost_case', 'position'], costBenefits(money, papers['unit-costs'], benefits, trajectories)],
    ['model_statement', ['code'], placed(papers.statements)],
    ['milestone', ['code'], placed(papers.milestones)],
    ['published_figure', ['code'], placed(papers.published)],
  ];
}

/** Writes the papers' rows, and takes away those that no file has any more: all of it, or nothing. */
export const loadPapers = (client: pg.Client, papers: Papers): Promise<void> =>
  inTransaction(client, async () => {
    const tables = paperTables(papers);
    for (const [table, keys, rows] of tables) await upsert(client, table, keys, rows);
    for (const [table, keys, rows] of tables.reverse()) {
      const kept = rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [snake(name), value])));
      const of = (alias: string) => `(${keys.map((name) => `${alias}.${name}`).join(', ')})`;
      await client.query(
        `delete from fsp.${table} gone
         where not exists (select from jsonb_populate_recordset(null::fsp.${table}, $1::jsonb) kept where ${of('kept')} = ${of('gone')})`,
        [JSON.stringify(kept)],
      );
    }
    await continueTrajectories(client);
  });
