/** Scoring, against what is published: every threshold at its edge, and what holds for any answers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNational } from '../../../src/db/reference.ts';
import { ageOn, checkReading, type ReadingInput } from '../../../src/modules/tool/rules.ts';
import { type Answers, answerFaults, bandOf, domainScores, raised, score, toolFault } from '../../../src/modules/tool/scoring.ts';

const tools = new Map(readNational().tools.map((tool) => [tool.code, tool]));
const tool = (code: string) => {
  const found = tools.get(code);
  if (!found) throw new Error(`There is no ${code}.`);
  return found;
};
const ANSWERED = ['SWEMWBS', 'PHQ9', 'GAD7', 'AUDIT_C'] as const;
const answersOf = (code: string) => {
  const { items, itemMinimum, itemMaximum } = tool(code);
  return fc.array(fc.integer({ min: itemMinimum as number, max: itemMaximum as number }), {
    minLength: items as number,
    maxLength: items as number,
  });
};
/** Answers that add up to a total. */
function adding(code: string, total: number): number[] {
  const { items, itemMinimum, itemMaximum } = tool(code);
  const answers = Array.from({ length: items as number }, () => itemMinimum as number);
  for (let left = total - answers.reduce((a, b) => a + b, 0), i = 0; left > 0; i++) {
    const step = Math.min(left, (itemMaximum as number) - (itemMinimum as number));
    answers[i] = (answers[i] as number) + step;
    left -= step;
  }
  return answers;
}
const at = (code: string, total: number) => score(tool(code), { answers: adding(code, total) });
const checks = (yes: number) => Array.from({ length: 24 }, (_, i) => (i < yes ? 'YES' : i % 2 ? 'NO' : 'UNKNOWN'));

describe.each(ANSWERED)('%s, for any answers', (code) => {
  const { minimum, maximum, bands } = tool(code);
  it('totals within its range, in a band, and is right by hand', () => {
    fc.assert(
      fc.property(answersOf(code), (answers) => {
        const { total, band } = score(tool(code), { answers });
        expect(answerFaults(tool(code), { answers })).toEqual([]);
        expect(total).toBe(answers.reduce((sum, answer) => sum + answer, 0));
        expect(total).toBeGreaterThanOrEqual(minimum as number);
        expect(total).toBeLessThanOrEqual(maximum as number);
        expect(bands.map((each) => each.code)).toContain(band);
      }),
    );
  });
  it('never falls when an answer rises', () => {
    fc.assert(
      fc.property(answersOf(code), fc.nat(), (answers, at) => {
        const i = at % answers.length;
        if ((answers[i] as number) >= (tool(code).itemMaximum as number)) return;
        const more = answers.map((answer, j) => (j === i ? answer + 1 : answer));
        const [before, after] = [score(tool(code), { answers }), score(tool(code), { answers: more })];
        expect(after.total).toBe((before.total as number) + 1);
        if (before.metric !== null) expect(Number(after.metric)).toBeGreaterThan(Number(before.metric));
        const place = (band: string | null) => bands.findIndex((each) => each.code === band);
        expect(place(after.band)).toBeGreaterThanOrEqual(place(before.band));
      }),
    );
  });
  it('says of a wrong number of answers, and of one out of range, where it is', () => {
    const answers = adding(code, maximum as number);
    expect(answerFaults(tool(code), { answers: answers.slice(1) }).map(({ path }) => path)).toEqual([['answers']]);
    const high = (tool(code).itemMaximum as number) + 1;
    expect(answerFaults(tool(code), { answers: [...answers.slice(1), high] }).map(({ path }) => path)).toEqual([
      ['answers', answers.length - 1],
    ]);
    expect(answerFaults(tool(code), { total: 3 }).map(({ path }) => path)).toEqual([['total'], ['answers']]);
  });
});

describe('published thresholds', () => {
  it.each([
    ['PHQ9', 4, 'minimal'],
    ['PHQ9', 5, 'mild'],
    ['PHQ9', 9, 'mild'],
    ['PHQ9', 10, 'moderate'],
    ['PHQ9', 14, 'moderate'],
    ['PHQ9', 15, 'moderately-severe'],
    ['PHQ9', 19, 'moderately-severe'],
    ['PHQ9', 20, 'severe'],
    ['PHQ9', 27, 'severe'],
    ['GAD7', 4, 'minimal'],
    ['GAD7', 5, 'mild'],
    ['GAD7', 9, 'mild'],
    ['GAD7', 10, 'moderate'],
    ['GAD7', 14, 'moderate'],
    ['GAD7', 15, 'severe'],
    ['AUDIT_C', 4, 'lower-risk'],
    ['AUDIT_C', 5, 'positive'],
    // Metric 19.25 and 19.98; 27.03 and 28.13.
    ['SWEMWBS', 21, 'low'],
    ['SWEMWBS', 22, 'average'],
    ['SWEMWBS', 30, 'average'],
    ['SWEMWBS', 31, 'high'],
  ])('%s at %i is %s', (code, total, band) => expect(at(code, total).band).toBe(band));
  it.each([
    ['PHQ9', 9, 10],
    ['GAD7', 7, 8],
    ['AUDIT_C', 4, 5],
  ])('%s reaches its threshold between %i and %i', (code, below, reached) => {
    expect(at(code, below).atThreshold).toBe(false);
    expect(at(code, reached).atThreshold).toBe(true);
  });
  it('SWEMWBS turns every raw total into its metric score, from 7.00 to 35.00', () => {
    expect(at('SWEMWBS', 7).metric).toBe('7.00');
    expect(at('SWEMWBS', 24).metric).toBe('21.54');
    expect(at('SWEMWBS', 35).metric).toBe('35.00');
    for (let raw = 7; raw <= 35; raw++) expect(at('SWEMWBS', raw).metric).toMatch(/^\d{1,2}\.\d{2}$/);
  });
  it('PHQ-9 raises the alarm at any answer above 0 to its ninth item, and at no other', () => {
    for (let item = 0; item < 9; item++) {
      const answers = Array.from({ length: 9 }, (_, i) => (i === item ? 1 : 0));
      expect(score(tool('PHQ9'), { answers }).alert).toBe(item === 8);
    }
  });
});

describe('DASH', () => {
  const dash = (yes: number) => score(tool('DASH'), { checks: checks(yes) });
  it.each([
    [0, 'standard', false],
    [1, 'standard', false],
    [9, 'standard', false],
    [10, 'medium', false],
    [13, 'medium', false],
    [14, 'high', true],
    [24, 'high', true],
  ])('%i times yes is %s', (yes, band, marac) => expect(dash(yes)).toMatchObject({ total: yes, band, atThreshold: marac }));
  it('counts unknown as no yes', () => {
    expect(score(tool('DASH'), { checks: Array.from({ length: 24 }, () => 'UNKNOWN') }).total).toBe(0);
    expect(answerFaults(tool('DASH'), { checks: checks(3).slice(1) })[0]?.path).toEqual(['checks']);
  });
  it('is raised by judgement or escalation, and never lowered', () => {
    const { bands } = tool('DASH');
    const order = bands.map(({ code }) => code);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 24 }),
        fc.constantFrom(...order),
        fc.constantFrom('JUDGEMENT' as const, 'ESCALATION' as const),
        (yes, to, by) => {
          const scored = dash(yes).band as string;
          const level = raised(bands, scored, { band: to, by });
          if (order.indexOf(to) < order.indexOf(scored)) expect(level).toBeNull();
          else expect(level).toEqual({ band: to, raisedBy: to === scored ? null : by });
        },
      ),
    );
  });
});

describe('domains', () => {
  it('the worst part drives the area of the Graded Care Profile', () => {
    const given = [
      { code: 'physical-1', score: 2 },
      { code: 'physical-4', score: 4 },
      { code: 'safety-1', score: 1 },
    ];
    expect(domainScores(tool('GCP2'), given)).toEqual(
      expect.arrayContaining([
        { code: 'physical', score: 4 },
        { code: 'safety', score: 1 },
      ]),
    );
    expect(domainScores(tool('GCP2'), given).map(({ code }) => code)).not.toContain('emotional');
    expect(answerFaults(tool('GCP2'), { domains: [{ code: 'physical', score: 2 }] })[0]?.path).toEqual(['domains', 0, 'code']);
    expect(answerFaults(tool('GCP2'), { domains: [{ code: 'safety-1', score: 6 }] })[0]?.path).toEqual(['domains', 0, 'score']);
  });
  it('the Stars have their number of areas and their range', () => {
    expect(tool('FAMILY_STAR_PLUS').domains).toHaveLength(10);
    expect(tool('MY_STAR').domains).toHaveLength(8);
    const twice = [
      { code: 'area-1', score: 10 },
      { code: 'area-1', score: 0 },
    ];
    expect(answerFaults(tool('FAMILY_STAR_PLUS'), { domains: twice }).map(({ path }) => path)).toEqual([
      ['domains', 1, 'code'],
      ['domains', 1, 'score'],
    ]);
    expect(answerFaults(tool('FAMILY_STAR_PLUS'), { domains: [] })[0]?.path).toEqual(['domains']);
  });
});

describe('tools as data', () => {
  it('have bands that part their range, and tables that cover it', () => {
    for (const each of tools.values()) {
      expect(toolFault(each)).toBeNull();
      if (each.bands.length === 0 || each.reckonedOn === 'METRIC') continue;
      for (let total = each.minimum as number; total <= (each.maximum as number); total++) {
        expect(each.bands.filter(({ lowest, highest }) => total >= Number(lowest) && total <= Number(highest))).toHaveLength(1);
      }
    }
  });
  it('are refused with a gap between bands, a short table, or a change without a rule', () => {
    const phq = tool('PHQ9');
    expect(toolFault({ ...phq, bands: phq.bands.slice(1) })).toContain('cover its range');
    expect(toolFault({ ...phq, bands: phq.bands.filter((_, i) => i !== 2) })).toContain('gap');
    expect(toolFault({ ...phq, changeRule: null })).toContain('rule');
    const swemwbs = tool('SWEMWBS');
    expect(toolFault({ ...swemwbs, metric: swemwbs.metric.filter((_, i) => i !== 5) })).toContain('every total');
    expect(bandOf(phq.bands, 99)).toBeNull();
  });
  it('state a pair rule with a threshold, or work out no change', () => {
    const rules = [...tools.values()].flatMap(({ code, changeAtLeast }) => (changeAtLeast ? [[code, changeAtLeast]] : []));
    expect(rules).toEqual([
      ['SWEMWBS', '3.00'],
      ['PHQ9', '6.00'],
      ['GAD7', '4.00'],
    ]);
  });
});

describe('a reading', () => {
  const reading = (extra: Partial<ReadingInput> & Answers = {}): ReadingInput =>
    ({ family: 'f', person: 'p', tool: 'SDQ', on: '2026-11-01', total: 17, completedBy: 'parent', historical: false, ...extra }) as never;
  const now = new Date('2026-11-21T12:00:00Z');
  const rulesOf = (code: string, licenceHeld = true) => ({ ...tool(code), licenceHeld });
  const paths = (code: string, input: ReadingInput, born: string | null = null, held = true) =>
    checkReading(input, rulesOf(code, held), { born }, now).map(({ path, rule }) => rule ?? path.join('.'));
  it('of SDQ is of a person of 4 to 16 years', () => {
    expect(paths('SDQ', reading(), '2022-11-01')).toEqual([]);
    expect(paths('SDQ', reading(), '2022-11-02')).toEqual(['person']);
    expect(paths('SDQ', reading(), '2009-11-02')).toEqual([]);
    expect(paths('SDQ', reading(), '2009-11-01')).toEqual(['person']);
    expect(paths('SDQ', reading({ total: 41 }))).toEqual(['total']);
    expect(paths('SDQ', reading({ total: 40 }))).toEqual([]);
    expect(ageOn('2020-02-29', '2026-02-28')).toBe(5);
  });
  it('is about whom the tool is about', () => {
    expect(paths('PHQ9', reading({ person: null, total: null, answers: adding('PHQ9', 3) }))).toEqual(['person']);
    expect(paths('HOME_ENVIRONMENT', reading({ total: 5 }))).toEqual(['person']);
    expect(paths('HOME_ENVIRONMENT', reading({ total: 11, person: null }))).toEqual(['total']);
  });
  it('needs the licence, and is not in the future; only DASH is raised', () => {
    const star = reading({ total: null, domains: [{ code: 'area-1', score: 5 }] });
    expect(paths('FAMILY_STAR_PLUS', star, null, false)).toEqual(['TOOL_LICENCE']);
    expect(paths('FAMILY_STAR_PLUS', star)).toEqual([]);
    expect(paths('SDQ', reading({ on: '2026-11-23' }))).toEqual(['on']);
    expect(paths('SDQ', reading({ raise: { band: 'high', by: 'JUDGEMENT' } }))).toEqual(['raise']);
  });
});
