/** Need, provision and gap: the printed tables of the trio by district, through the API. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bases } from '../../../src/modules/need/rules.ts';
import { type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const ask = async (variables: Record<string, unknown> = {}) => {
  const { body } = await server.ask(
    'evaluator',
    `query($concern: TrioConcern, $district: String) { triggerTrioNeed(concern: $concern, district: $district) {
      concern code level district { name } value pictured rounded share baseLowest baseHighest districtsSum gapToNext nextPercent period starts ends method source } }`,
    variables,
  );
  expect(body.errors).toBeUndefined();
  return body.data.triggerTrioNeed as any[];
};

describe('need, provision and gap', () => {
  it('stands by the printed totals, where the districts fall short of them too', async () => {
    const county = (await ask()).filter(({ district }) => district === null);
    expect(county.filter(({ level }) => level === 'ESTIMATE').map(({ value, districtsSum }) => [value, districtsSum])).toEqual([
      [78_099, 78_061],
      [9_919, 9_915],
      [13_985, 13_980],
      [2_902, 2_901],
      [29_833, 29_819],
      [25_043, 25_030],
      [14_165, 14_156],
    ]);
    for (const { value, districtsSum } of county.filter(({ level }) => level === 'IN_SERVICE')) expect(districtsSum).toBe(value);
  });
  it('goes from the estimate by the services to social care, and says the gap where the paper pictures it', async () => {
    const county = (await ask()).filter(({ district, pictured }) => district === null && pictured);
    expect(county.map(({ code, value, rounded, gapToNext, nextPercent }) => [code, value, rounded, gapToNext, nextPercent])).toEqual([
      ['common-mental-disorder', 78_099, 78_000, 65_295, '16.4'],
      ['alcohol-dependency', 25_043, 25_000, 20_460, '18.3'],
      ['drug-dependency', 14_165, 14_000, 9_582, '32.4'],
      ['dv-notifications', 6_621, null, 5_184, '21.7'],
      ['mh-referrals', 12_804, 13_000, 11_234, '12.3'],
      ['drug-alcohol-attendees', 4_583, null, 3_386, '26.1'],
      ['social-care-mental-health', 1_570, null, null, null],
      ['social-care-drug-alcohol', 1_197, null, null, null],
      ['social-care-domestic-violence', 1_437, null, null, null],
    ]);
  });
  it('says of a district its part, and its own gap', async () => {
    const cherwell = await ask({ district: 'E07000177', concern: 'PARENTAL_MENTAL_HEALTH' });
    expect(new Set(cherwell.map(({ district }) => district.name))).toEqual(new Set(['Cherwell']));
    expect(cherwell.map(({ code, value, share, gapToNext }) => [code, value, share, gapToNext])).toEqual([
      ['common-mental-disorder', 16_706, null, 14_083],
      ['borderline-pd', 2_122, null, null],
      ['antisocial-pd', 2_973, null, null],
      ['psychotic', 620, null, null],
      ['psychiatric', 6_371, null, null],
      ['mh-referrals', 2_623, 20, null],
    ]);
  });
  it('gives each number its source, period and method, and of a share the bases that it can have', async () => {
    const all = await ask();
    for (const { source, period, method } of all) expect([source, period, method].every((words) => words.length > 3)).toBe(true);
    const [violence] = all.filter(({ code }) => code === 'dv-notifications');
    expect(violence).toMatchObject({ period: '2017/19 (heading: 17/18)', starts: '2017-04-01', ends: '2018-03-31' });
    const shares = all.filter(({ level }) => level === 'SOCIAL_CARE');
    expect(shares.map(({ share, baseLowest, baseHighest }) => [share, baseLowest, baseHighest])).toEqual([
      [39, 3_975, 4_077],
      [30, 3_925, 4_057],
      [37, 3_832, 3_936],
    ]);
    // No number of cases fits all three: none is printed, and none is made up.
    expect(Math.max(...shares.map((row) => row.baseLowest))).toBeGreaterThan(Math.min(...shares.map((row) => row.baseHighest)));
  });
  it('finds every base of which a share is the printed one, and no other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 99 }), (part, percent) => {
        const { lowest, highest } = bases(part, percent);
        const off = (base: number) => Math.abs((100 * part) / base - percent) <= 0.5 + 1e-12;
        if (lowest <= highest) expect([off(lowest), off(highest)]).toEqual([true, true]);
        expect([lowest > 1 && off(lowest - 1), off(highest + 1)]).toEqual([false, false]);
      }),
    );
  });
});
