/** Money: the printed tables to the pound, break-even on printed numbers, and cost–benefit of an authority's own figures. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPapers } from '../../../src/db/papers.ts';
import { checkPapers, readReference } from '../../../src/db/reference.ts';
import { ownDatabase, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
beforeAll(async () => {
  const url = await ownDatabase('fsp_money');
  [server, owner] = await Promise.all([testServer(url), sqlAsOwner(url)]);
});
afterAll(async () => {
  await Promise.all([server.close(), owner.end()]);
});

const ask = async (document: string) => {
  const { body } = await server.ask('evaluator', document);
  expect(body.errors).toBeUndefined();
  return body.data;
};
const lines = async () => {
  const { moneyLines } = await ask('{ moneyLines { code part name total counts years { year amount } } }');
  return new Map<string, any>(moneyLines.map((line: any) => [line.code, line]));
};
const amounts = ({ years }: any) => years.map(({ amount }: any) => amount);

describe('the printed tables', () => {
  it('are printed to the pound', async () => {
    const of = await lines();
    const row = (code: string) => [...amounts(of.get(code)), of.get(code).total];
    expect(row('project-training')).toEqual([259_000, 259_000, 518_000]);
    expect(row('project-team')).toEqual([363_000, 384_250, 747_250]);
    expect(row('project-technology')).toEqual([200_000, 70_000, 270_000]);
    expect(row('project-evaluation')).toEqual([0, 30_000, 30_000]);
    expect(row('project-costs')).toEqual([822_000, 743_250, 1_565_250]);
    expect(row('system-posts')).toEqual([0, 1_455_000, 727_500, 2_182_500]);
    expect(row('project-requirement')).toEqual([822_000, 2_198_250, 727_500, 3_747_750]);
    expect(row('service-savings')).toEqual([-446_000, -444_000, -445_000, -445_000, -1_780_000]);
    expect(row('placement-savings')).toEqual([0, -250_000, ...Array(5).fill(-500_000), -2_750_000]);
    expect(row('total-savings')).toEqual([0, -250_000, -500_000, -946_000, -944_000, -945_000, -945_000, -4_530_000]);
    expect(row('planned-savings')).toEqual([-940_000, -800_000, -500_000, -500_000, -2_740_000]);
    expect(row('savings-outside')).toEqual([200_000, 300_000, 500_000]);
    expect(row('net-change')).toEqual([740_000, 250_000, 0, -446_000, -944_000, -945_000, -945_000, -2_290_000]);
  });
  it('break even in 2025/26 on what is spent once, and not yet with the teams of every year', async () => {
    const { businessCase } = await ask(
      '{ businessCase { year oneOff ongoing savings cumulative cumulativeWithOngoing brokenEven brokenEvenWithOngoing } }',
    );
    expect(businessCase.map((of: any) => [of.year, of.cumulative, of.brokenEven])).toEqual([
      ['2019/20', 822_000, false],
      ['2020/21', 2_770_250, false],
      ['2021/22', 2_997_750, false],
      ['2022/23', 2_051_750, false],
      ['2023/24', 1_107_750, false],
      ['2024/25', 162_750, false],
      ['2025/26', -782_250, true],
    ]);
    expect(businessCase.at(-1)).toMatchObject({ cumulativeWithOngoing: 4_017_750, brokenEvenWithOngoing: false });
  });
  it('have no unit cost and no cost–benefit beside them: no paper prints any', async () => {
    expect(await ask('{ unitCosts { code } costBenefit { year } }')).toEqual({ unitCosts: [], costBenefit: [] });
  });
});

describe('an authority’s own unit costs', () => {
  const papers = readReference('oxfordshire');
  const cost = (of: object) => ({
    per: 'one',
    priceYear: '2020/21',
    validTo: null,
    status: 'illustrative' as const,
    source: 'Of this test',
    ...of,
  });
  const share = { low: 50, central: 80, high: 100 };
  const own = {
    ...papers,
    'unit-costs': [
      cost({
        code: 'placement',
        name: 'A year of placement',
        partner: 'LA',
        low: '40000.00',
        central: '50000.50',
        high: '60000.00',
        validFrom: '2019-04-01',
      }),
      cost({
        code: 'call-out',
        name: 'Call-out',
        partner: 'POLICE',
        low: '500.00',
        central: '600.00',
        high: '700.00',
        validFrom: '2019-04-01',
        validTo: '2021-03-31',
      }),
      cost({
        code: 'call-out',
        name: 'Call-out',
        partner: 'POLICE',
        low: '510.00',
        central: '612.00',
        high: '714.00',
        validFrom: '2021-04-01',
      }),
    ] as any,
    benefits: [
      // 846 expected, 784 came: 62 fewer on 31 March 2021.
      {
        unitCost: 'placement',
        year: '2020/21',
        avoided: null,
        measure: 'LOOKED_AFTER' as const,
        unitsEach: 1,
        share,
        source: 'Of this test',
      },
      { unitCost: 'call-out', year: '2021/22', avoided: 1_000, measure: null, unitsEach: 1, share, source: 'Of this test' },
      // Nobody has an actual number of open cases.
      {
        unitCost: 'placement',
        year: '2022/23',
        avoided: null,
        measure: 'OPEN_CASES' as const,
        unitsEach: 1,
        share,
        source: 'Of this test',
      },
    ],
  };
  const FIELDS = 'case year partner cost benefit net cumulative brokenEven incomplete';
  const rows = async (args: string) =>
    (await ask(`{ costBenefit${args} { ${FIELDS} } }`)).costBenefit.map((of: any) => [
      of.year,
      of.cost,
      of.benefit,
      of.cumulative,
      of.brokenEven,
    ]);

  it('give cost and benefit by partner, low, central and high', async () => {
    checkPapers(own, new Set(papers.districts.map(({ code }) => code)));
    await loadPapers(owner, own);
    const central = (await rows('(partner: LA)')) as any[];
    expect(central.slice(0, 3)).toEqual([
      ['2019/20', 822_000, 0, 822_000, false],
      ['2020/21', 2_998_250, Math.round(62 * 50_000.5 * 0.8), 822_000 + 2_998_250 - 2_480_025, false],
      ['2021/22', 1_527_500, 0, 2_867_725, false],
    ]);
    expect((await rows('(case: LOW, partner: LA)'))[1][2]).toBe(62 * 40_000 * 0.5);
    expect((await rows('(case: HIGH, partner: LA)'))[1][2]).toBe(62 * 60_000);
    // The price is that of the year's first day; a partner that bears nothing has gained from its first benefit on.
    expect((await rows('(partner: POLICE)'))[2]).toEqual(['2021/22', 0, 489_600, -489_600, true]);
    const { costBenefit } = await ask(`{ costBenefit { ${FIELDS} } }`);
    const whole = costBenefit.filter(({ partner }: any) => partner === null);
    expect(whole.map(({ year }: any) => year)).toEqual(['2019/20', '2020/21', '2021/22', '2022/23', '2023/24', '2024/25', '2025/26']);
    for (const all of whole) {
      const parts = costBenefit.filter(({ year, partner }: any) => year === all.year && partner !== null);
      for (const sum of ['cost', 'benefit', 'net', 'cumulative'])
        expect(parts.reduce((total: number, part: any) => total + part[sum], 0)).toBe(all[sum]);
    }
    expect(whole.filter(({ incomplete }: any) => incomplete).map(({ year }: any) => year)).toEqual(['2022/23']);
  });
  it('are dated: each day has one price', async () => {
    const on = async (day: string) => (await ask(`{ unitCosts(on: "${day}") { code central } }`)).unitCosts;
    expect(await on('2021-03-31')).toContainEqual({ code: 'call-out', central: '600.00' });
    expect(await on('2021-04-01')).toEqual([
      { code: 'call-out', central: '612.00' },
      { code: 'placement', central: '50000.50' },
    ]);
  });
  it('go again with the file that had them', async () => {
    await loadPapers(owner, papers);
    expect(await ask('{ unitCosts { code } costBenefit { year } }')).toEqual({ unitCosts: [], costBenefit: [] });
    expect((await lines()).get('total-savings').total).toBe(-4_530_000);
  });
});
