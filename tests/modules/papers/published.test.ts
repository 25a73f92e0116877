/**
 * The published papers: a transcription of all their figures (tests/support/published-figures.json), made by itself, is
 * walked from end to end, and every number of it is found again through the API. And what loading refuses, by its name.
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAPER_FILES, type PaperFile } from '../../../src/db/papers.ts';
import { checkPapers, readReference } from '../../../src/db/reference.ts';
import { type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const transcription = JSON.parse(readFileSync(new URL('../../support/published-figures.json', import.meta.url), 'utf8'));

type Leaf = { path: string; value: unknown };
const leaves = (value: unknown, path = ''): Leaf[] =>
  value !== null && typeof value === 'object'
    ? Object.entries(value).flatMap(([name, part]) => leaves(part, path === '' ? name : `${path}.${name}`))
    : [{ path, value }];

/** Words of the transcription: which paper, what a row or a column is. No figure is written as a word but in the notes. */
const WORDS = [
  /(^|\.)source$/,
  /^_notes\./,
  /\.columns\.\d+$/,
  /^impact\.periods\.\d+$/,
  /^risk_factors_2017_18\.rows\.\d+\.0$/,
  /^adult_snapshot_2021_06\.rows\.\d+\.[01]$/,
  /^trigger_trio_by_district\.(districts\.\d+|county_key)$/,
];

const ASKED = `{
  trajectories { measure points { at asIs fsm2 reduction target actual variation adjustedTarget adjustedVariation } }
  triggerTrioNeed { code value share district { code } }
  moneyLines { code total years { year amount } }
  publishedFigures { code value }
  aceAssociations { code times }
}`;

/** Every number that the API prints of the papers, under the path at which the transcription has it. */
function printed(data: any): Map<string, number | null> {
  const homes = new Map<string, number | null>();
  const slug = (text: string) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const put = (path: string, value: number | null | undefined) => {
    if (value !== undefined) homes.set(path, value);
  };

  const measures = { lac: 'LOOKED_AFTER', cp: 'PROTECTION_PLANS', open_cases: 'OPEN_CASES' };
  const years: number[] = [2020, 2023, 2025, 2030];
  const days = ['2020-03-31', '2021-03-31', '2021-06-30'];
  for (const [key, measure] of Object.entries(measures)) {
    const points: any[] = data.trajectories.find((one: any) => one.measure === measure).points;
    const on = (at: string) => points.find((point) => point.at === at);
    years.forEach((year, i) => {
      const point = on(`${year}-03-31`);
      put(`projections.years.${i}`, point && year);
      put(`projections.${key}.as_is.${i}`, point.asIs);
      put(`projections.${key}.fsm2.${i}`, point.fsm2);
      put(`projections.${key}.reduction.${i}`, point.reduction);
    });
    if (key === 'open_cases') continue;
    days.forEach((day, i) => {
      const point = on(day);
      put(`impact.${key}.as_is.${i}`, point.asIs);
      put(`impact.${key}.fsp_target.${i}`, point.target);
      put(`impact.${key}.actual.${i}`, point.actual);
      put(`impact.${key}.variation_pct.${i}`, point.variation);
      put(`impact.${key}.covid_adjusted_target.${i}`, point.adjustedTarget);
      put(`impact.${key}.adjusted_variation_pct.${i}`, point.adjustedVariation);
    });
  }

  const trio = 'trigger_trio_by_district';
  const districts: string[] = transcription[trio].districts;
  const need: any[] = data.triggerTrioNeed;
  for (const group of ['estimates', 'service_activity'])
    for (const key of Object.keys(transcription[trio][group])) {
      const of = need.filter(({ code }) => code === key.replaceAll('_', '-'));
      put(`${trio}.${group}.${key}.1`, of.find(({ district }) => district === null)?.value);
      for (const { district, value } of of) if (district) put(`${trio}.${group}.${key}.0.${districts.indexOf(district.code)}`, value);
    }
  for (const key of Object.keys(transcription[trio].social_care_cases)) {
    const found = need.find(({ code }) => code === `social-care-${key.replaceAll('_', '-')}`);
    put(`${trio}.social_care_cases.${key}.0`, found?.value);
    put(`${trio}.social_care_cases.${key}.1`, found?.share);
  }

  const line = (code: string) => data.moneyLines.find((one: any) => one.code === code);
  const amounts = (path: string, code: string, from = 0) =>
    line(code).years.forEach(({ amount }: { amount: number }, i: number) => {
      put(`${path}.${from + i}`, amount);
    });
  for (const part of ['training', 'team', 'technology', 'evaluation']) amounts(`finance.project_costs.${part}`, `project-${part}`);
  put('finance.project_costs.total', line('project-costs').total);
  amounts('finance.system_posts', 'system-posts');
  amounts('finance.project_requirement', 'project-requirement');
  put('finance.project_requirement.3', line('project-requirement').total);
  amounts('finance.savings_by_year_2019_20_to_2025_26', 'total-savings');
  put('finance.service_savings_total', line('service-savings').total);
  put('finance.placement_savings_total', line('placement-savings').total);
  put('finance.savings_total', line('total-savings').total);
  put('finance.mtfp.current_plan_total', line('planned-savings').total);
  put('finance.mtfp.delivered_outside_fsp', line('savings-outside').total);
  put('finance.mtfp.net_change_total', line('net-change').total);

  const figures = new Map<string, number>(data.publishedFigures.map(({ code, value }: any) => [code, Number(value)]));
  transcription.risk_factors_2017_18.rows.forEach(([factor]: [string], i: number) => {
    ['plans', 'plans-percent', 'assessments', 'led-to-plan-percent'].forEach((column, j) => {
      put(`risk_factors_2017_18.rows.${i}.${j + 1}`, figures.get(`${slug(factor)}-${column}`));
    });
  });
  transcription.adult_snapshot_2021_06.rows.forEach(([provider]: [string], i: number) => {
    put(`adult_snapshot_2021_06.rows.${i}.2`, figures.get(`snapshot-${slug(provider)}-open`));
    put(`adult_snapshot_2021_06.rows.${i}.3`, figures.get(`snapshot-${slug(provider)}-completed`));
  });
  for (const share of Object.keys(transcription.aces.prevalence_pct))
    put(`aces.prevalence_pct.${share}`, figures.get(`ace-prevalence-${share.replace('+', '-or-more')}`));
  for (const what of Object.keys(transcription.aces.odds_4plus))
    put(
      `aces.odds_4plus.${what}`,
      data.aceAssociations.find(({ code }: any) => code === slug(what).replace(/^cannabis$/, 'smoked-cannabis'))?.times,
    );
  // Of all others the path is the figure's code.
  const topics = { hertfordshire_after_18_months: 'hertfordshire', adult_snapshot_2021_06: 'snapshot' } as Record<string, string>;
  for (const { path } of leaves(transcription)) {
    if (homes.has(path)) continue;
    const [topic, ...rest] = path.split('.') as [string, ...string[]];
    // Of Somerset's pairs the percentage stands first.
    const code = [topics[topic] ?? topic, ...rest].join('-').replaceAll('_', '-');
    put(path, figures.get(topic === 'somerset' ? code.replace(/-0$/, '-pct').replace(/-1$/, '') : code));
  }
  return homes;
}

describe('the published figures', () => {
  it('are printed again, every one of them, to a caller who may see nobody’s record', async () => {
    const { body } = await server.ask('evaluator', ASKED);
    expect(body.errors).toBeUndefined();
    const homes = printed(body.data);
    const figures = leaves(transcription).filter(({ path }) => !WORDS.some((word) => word.test(path)));
    expect(figures.length).toBeGreaterThan(250);
    expect(figures.filter(({ value }) => typeof value !== 'number')).toEqual([]);
    expect(
      figures.filter(({ path }) => !homes.has(path)).map(({ path }) => path),
      'figures without a home',
    ).toEqual([]);
    expect(figures.map(({ path }) => [path, homes.get(path)])).toEqual(figures.map(({ path, value }) => [path, value]));
  });
  it('say where they stand, and what is only illustrative or does not fit', async () => {
    const { body } = await server.ask('evaluator', '{ publishedFigures { code asPrinted count base illustrative note area source } }');
    const of = (code: string) => body.data.publishedFigures.find((figure: any) => figure.code === code);
    for (const { source } of body.data.publishedFigures) expect(source).toMatch(/20\d\d, \S/);
    expect(of('parent-domestic-violence-plans-percent')).toMatchObject({ asPrinted: '58.9%', count: 455, base: 773 });
    expect(of('potential-looked-after')).toMatchObject({ illustrative: true, asPrinted: '350 fewer' });
    expect(of('snapshot-mind-pct-meaningful-improvement').note).toContain('37 of 41');
    expect(of('hertfordshire-cp-plans-reduction-pct')).toMatchObject({ area: 'Hertfordshire', note: expect.stringContaining('49 %') });
    expect(of('commitment-2019').note).toContain('do not reconcile');
  });
  it('have beside them what the model is, its milestones and its risks', async () => {
    const { body } = await server.ask('evaluator', '{ modelStatements { kind text since answer } milestones { code planned actual } }');
    const of = (kind: string) => body.data.modelStatements.filter((one: any) => one.kind === kind);
    expect(of('ELEMENT').length).toBe(4);
    expect(of('INGREDIENT').length).toBe(6);
    expect(of('AMBITION').length).toBe(7);
    expect(of('DECISION').map(({ text }: any) => text.slice(0, 3))).toEqual(['(a)', '(b)', '(c)', '(d)']);
    expect(of('NAME').find(({ since }: any) => since === '2020-11').text).toBe('Family Solutions Plus');
    expect(of('RISK').every(({ answer }: any) => answer !== null)).toBe(true);
    expect(body.data.milestones.find(({ code }: any) => code === 'go-live')).toMatchObject({ planned: '2020-06', actual: '2020-11' });
    expect(body.data.milestones.map(({ planned }: any) => planned)).toEqual(body.data.milestones.map(({ planned }: any) => planned).sort());
  });
});

describe('loading', () => {
  const papers = readReference('oxfordshire');
  const districts = new Set(papers.districts.map(({ code }) => code));
  const unit = {
    code: 'call-out',
    name: 'Call-out',
    partner: 'POLICE',
    per: 'call-out',
    priceYear: '2021/22',
    low: '1.00',
    central: '2.00',
    high: '3.00',
    validFrom: '2021-04-01',
    validTo: null,
    status: 'illustrative',
    source: 's',
  } as const;
  const benefit = {
    unitCost: 'call-out',
    year: '2021/22',
    avoided: 1,
    measure: null,
    unitsEach: 1,
    share: { low: 0, central: 50, high: 100 },
    source: 's',
  };
  const changed = (change: (of: any) => void) => {
    const copy = structuredClone(papers);
    change(copy);
    return () => checkPapers(copy, districts);
  };
  const [first] = papers.need;

  it('takes what is shipped, and of an authority without papers what there is', () => {
    expect(changed(() => {})).not.toThrow();
    const other = readReference('somerset');
    expect([other.trajectories, other.need, other.money, other['unit-costs'], other.benefits]).toEqual([[], [], [], [], []]);
    expect(other.statements.filter(({ kind }) => kind === 'RISK').length).toBe(3);
    expect(other.published.map(({ topic }) => topic)).toContain('somerset');
    // No paper prints a unit cost, a population of the county's children or its neighbours' rate: none is made up.
    expect([papers['unit-costs'], papers.benefits]).toEqual([[], []]);
    expect(papers.trajectories.filter(({ children, neighboursRate, fsm1 }) => children ?? neighboursRate ?? fsm1)).toEqual([]);
  });

  it.each([
    ['trajectories.json, entry 4: LOOKED_AFTER on 2023-03-31: reduction: 223', (of) => (of.trajectories[3].reduction = 223)],
    ['trajectories.json, entry 2: LOOKED_AFTER on 2021-03-31: variation: 6 is printed, and 7', (of) => (of.trajectories[1].variation = 6)],
    ['trajectories.json, entry 2: LOOKED_AFTER on 2020-03-31: another entry', (of) => (of.trajectories[1].at = '2020-03-31')],
    ['an adjusted target has a reason', (of) => (of.trajectories[0].adjustedReason = null)],
    [
      'need.json, entry 1 (common-mental-disorder): districts: there is no district "E07000999"',
      (of) => (of.need[0].districts.E07000999 = 1),
    ],
    ['need.json, entry 8 (dv-notifications): shares: 28 % is printed for E07000177', (of) => (of.need[7].shares.E07000177 = 28)],
    ['need.json, entry 14 (common-mental-disorder): starts: the period overlaps that of entry 1', (of) => of.need.push({ ...first })],
    ['need.json, entry 14 (other): pictured: entry 9 is', (of) => of.need.push({ ...of.need[8], code: 'other' })],
    ['money.json, entry 1 (project-training): total: 518000', (of) => (of.money[0].years['2020/21'] = 260000)],
    [
      'money.json, entry 5 (project-costs): years: 2019/20 is 822000, and its lines add up to 563000',
      (of) => (of.money[0].years = { '2020/21': 259000, '2021/22': 259000 }),
    ],
    ['(project-costs): adds: there is no line "nothing"', (of) => of.money[4].adds.push('nothing')],
    ['2019/21 is no financial year', (of) => (of.money[0].years = { '2019/21': 518000 })],
    [
      'unit-costs.json, entry 2 (call-out): validFrom: the period overlaps that of entry 1',
      (of) => of['unit-costs'].push(unit, { ...unit, validFrom: '2022-04-01' }),
    ],
    ['unit-costs.json, entry 1 (call-out): low, central and high must not fall', (of) => of['unit-costs'].push({ ...unit, low: '4.00' })],
    ['benefits.json, entry 1: unitCost: there is no "call-out" that is valid on 2021-04-01', (of) => of.benefits.push(benefit)],
    [
      'benefits.json, entry 1: avoided or measure: one of the two',
      (of) => Object.assign(of, { 'unit-costs': [unit], benefits: [{ ...benefit, avoided: null }] }),
    ],
    [
      'published.json, entry 2 (parent-domestic-violence-plans-percent): value: 58.9 % is printed, and 454 of 773',
      (of) => (of.published[1].count = 454),
    ],
    ['published.json, entry 2 (parent-domestic-violence-plans): another entry', (of) => (of.published[1].code = of.published[0].code)],
  ] as [string, (of: any) => void][])('refuses: %s', (words, change) => {
    expect(changed(change)).toThrow(words);
  });

  it.each([
    ['trajectories', { children: 0 }, /population of zero/],
    ['trajectories', { actual: -1 }, /actual/],
    ['need', { total: 0 }, /population of zero/],
    ['need', { districts: { E07000177: -1 } }, /districts/],
    ['published', { base: 0 }, /population of zero/],
    ['unit-costs', { central: '1' }, /pounds and pence/],
  ] as [PaperFile, object, RegExp][])('refuses of %s %j', (file, wrong, words) => {
    const whole = (file === 'unit-costs' ? unit : papers[file][0]) as object;
    expect(PAPER_FILES[file].safeParse(whole).error).toBeUndefined();
    expect(PAPER_FILES[file].safeParse({ ...whole, ...wrong }).error?.message).toMatch(words);
  });
});
