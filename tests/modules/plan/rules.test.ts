/** The pure rules of plans and of the census. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isReReferral } from '../../../src/modules/plan/episode.ts';
import {
  broken,
  direction,
  type History,
  isQuorate,
  judge,
  NO_HISTORY,
  newlyBroken,
  nextReviewRule,
  nextVisitRule,
  onlyAsks,
  previousPlans,
} from '../../../src/modules/plan/rules.ts';
import { type OpenFacts, STAGES_BY_INTENSITY, stageOf } from '../../../src/modules/plan/stage.ts';
import { brokenByText } from './census.ts';

const NOTHING: OpenFacts = {
  plans: [],
  episodes: 0,
  assessments: 0,
  strategyDiscussions: 0,
  sections47: 0,
  preProceedings: 0,
  placements: 0,
};
const child = { born: '2017-01-01', expected: null, unborn: false, sex: 'F' };
const episode = (extra: object = {}) => ({
  id: 1,
  on: '2026-01-05',
  closed: null,
  reason: null,
  noFurtherAction: false,
  primaryNeed: 'N1',
  ...extra,
});
const plan = (kind: string, started: string, ended: string | null = null, id = 1) => ({ id, kind, started, ended, category: 'NEG' });
const conference = (held: string, id = 1) => ({ id, kind: 'INITIAL', held, target: null });
const history = (extra: Partial<History>): History => ({ ...NO_HISTORY, child, episodes: [episode()], ...extra });
const codes = (h: History) =>
  broken(h)
    .filter((each) => !onlyAsks(each))
    .map(({ rule }) => rule);

describe('stageOf', () => {
  it.each<[string, Partial<OpenFacts>]>([
    ['CLOSED', {}],
    ['EARLY_HELP', { plans: ['EARLY_HELP'] }],
    ['ASSESSMENT', { plans: ['EARLY_HELP'], episodes: 1 }],
    ['ASSESSMENT', { assessments: 1 }],
    ['CHILD_IN_NEED', { plans: ['CHILD_IN_NEED'], episodes: 1 }],
    ['STRATEGY_DISCUSSION', { plans: ['CHILD_IN_NEED'], strategyDiscussions: 1 }],
    ['SECTION_47', { strategyDiscussions: 1, sections47: 1 }],
    ['CHILD_PROTECTION', { plans: ['CHILD_PROTECTION'], sections47: 1 }],
    ['PRE_PROCEEDINGS', { plans: ['CHILD_PROTECTION'], preProceedings: 1 }],
    ['LOOKED_AFTER', { preProceedings: 1, placements: 1 }],
  ])('is %s', (stage, open) => {
    expect(stageOf({ ...NOTHING, ...open })).toBe(stage);
  });
  it('never falls when more is open', () => {
    const facts = fc.record({
      plans: fc.subarray(['EARLY_HELP', 'CHILD_IN_NEED', 'CHILD_PROTECTION', 'LOOKED_AFTER', 'PRE_PROCEEDINGS']),
      episodes: fc.nat(2),
      assessments: fc.nat(2),
      strategyDiscussions: fc.nat(2),
      sections47: fc.nat(2),
      preProceedings: fc.nat(2),
      placements: fc.nat(2),
    });
    const rank = (f: OpenFacts) => STAGES_BY_INTENSITY.indexOf(stageOf(f));
    fc.assert(
      fc.property(facts, facts, (a, b) => {
        const all: OpenFacts = { ...a, plans: [...a.plans, ...b.plans] };
        for (const key of ['episodes', 'assessments', 'strategyDiscussions', 'sections47', 'preProceedings', 'placements'] as const)
          all[key] = a[key] + b[key];
        return rank(all) === Math.max(rank(a), rank(b));
      }),
    );
  });
});

describe('the census’ rules', () => {
  it.each<[string, string, Partial<History>]>([
    ['4015', 'a child in need plan before the referral', { plans: [plan('CHILD_IN_NEED', '2026-01-04')] }],
    [
      '4000',
      'a plan on a referral without further action',
      { episodes: [episode({ noFurtherAction: true })], plans: [plan('CHILD_IN_NEED', '2026-01-06')] },
    ],
    [
      '4004',
      'two open child in need plans',
      { plans: [plan('CHILD_IN_NEED', '2026-01-06'), plan('CHILD_IN_NEED', '2026-01-07', null, 2)] },
    ],
    ['4011', 'an end before the start', { plans: [plan('CHILD_IN_NEED', '2026-01-10', '2026-01-08')] }],
    [
      '4014',
      'two that overlap',
      { plans: [plan('CHILD_IN_NEED', '2026-01-06', '2026-02-06'), plan('CHILD_IN_NEED', '2026-02-01', '2026-03-01', 2)] },
    ],
    [
      '4001',
      'both open',
      {
        plans: [plan('CHILD_IN_NEED', '2026-01-06'), plan('CHILD_PROTECTION', '2026-01-12', null, 2)],
        conferences: [conference('2026-01-12')],
      },
    ],
    [
      '4016',
      'the one open from before the end of the other',
      {
        plans: [plan('CHILD_IN_NEED', '2026-01-20'), plan('CHILD_PROTECTION', '2026-01-12', '2026-01-21', 2)],
        conferences: [conference('2026-01-12')],
      },
    ],
    [
      '4017',
      'the one ended during the other',
      {
        plans: [plan('CHILD_IN_NEED', '2026-01-06', '2026-01-13'), plan('CHILD_PROTECTION', '2026-01-12', null, 2)],
        conferences: [conference('2026-01-12')],
      },
    ],
    [
      '2885',
      'a plan on another day than the conference',
      { plans: [plan('CHILD_PROTECTION', '2026-01-13')], conferences: [conference('2026-01-12')] },
    ],
    [
      '8840',
      'a protection plan of one day',
      { plans: [plan('CHILD_PROTECTION', '2026-01-12', '2026-01-12')], conferences: [conference('2026-01-12')] },
    ],
    [
      '8841',
      'a review on the day on which it began',
      {
        plans: [plan('CHILD_PROTECTION', '2026-01-12')],
        conferences: [conference('2026-01-12')],
        reviews: [{ plan: 1, held: '2026-01-12' }],
      },
    ],
    ['8875', 'a conference on a Saturday', { conferences: [conference('2026-01-10')] }],
    ['8805', 'closed without a reason', { episodes: [episode({ closed: '2026-02-02' })] }],
    ['8810', 'a reason without being closed', { episodes: [episode({ reason: 'RC7' })] }],
    [
      '8867',
      'closed with an open assessment',
      { episodes: [episode({ closed: '2026-02-02', reason: 'RC7' })], assessments: [{ id: 1, started: '2026-01-06', authorised: null }] },
    ],
    [
      '8868',
      'closed with an enquiry that is not completed',
      {
        episodes: [episode({ closed: '2026-02-02', reason: 'RC7' })],
        sections47: [
          { id: 1, started: '2026-01-06', ended: '2026-01-09', conferenceNotRequired: false, conferenceOn: null, conferenceTarget: null },
        ],
      },
    ],
    [
      '2990',
      'a plan in an episode closed after assessment',
      { episodes: [episode({ closed: '2026-02-02', reason: 'RC8' })], plans: [plan('CHILD_IN_NEED', '2026-01-06', '2026-01-30')] },
    ],
    [
      '8565',
      'a plan that goes on after closure',
      { episodes: [episode({ closed: '2026-02-02', reason: 'RC7' })], plans: [plan('CHILD_IN_NEED', '2026-01-06')] },
    ],
    ['8606', 'a referral more than 40 weeks before birth', { child: { born: null, expected: '2026-12-01', unborn: true, sex: 'U' } }],
    ['8750', 'an unborn child of a sex', { child: { born: null, expected: '2026-05-01', unborn: true, sex: 'M' } }],
  ])('%s: %s', (code, _words, extra) => {
    expect(codes(history(extra))).toContain(code);
  });
  it('lets a protection plan end on the day on which the child in need plan begins, and be reviewed that day', () => {
    const h = history({
      plans: [plan('CHILD_PROTECTION', '2026-01-12', '2026-06-01'), plan('CHILD_IN_NEED', '2026-06-01', null, 2)],
      conferences: [conference('2026-01-12')],
      reviews: [{ plan: 1, held: '2026-06-01' }],
    });
    expect(codes(h)).toEqual([]);
  });
  it('blames nobody for what was broken before, and only warns of facts of the past and of queries', () => {
    const before = history({ plans: [plan('CHILD_IN_NEED', '2026-01-04')] });
    expect(newlyBroken(before, before)).toEqual([]);
    const after = history({ ...before, episodes: [episode(), episode({ id: 2, on: '2026-02-02' })] });
    const path = () => ['on'];
    expect(judge(before, after, { lenient: false, path }).errors.map(({ rule }) => rule)).toEqual(['8815', '8816']);
    expect(judge(before, after, { lenient: true, path })).toMatchObject({ errors: [], warnings: [{ rule: '8815' }, { rule: '8816' }] });
    const oneDay = judge(history({}), history({ plans: [plan('CHILD_IN_NEED', '2026-01-06', '2026-01-06')] }), { lenient: false, path });
    expect(oneDay).toMatchObject({ errors: [], warnings: [{ rule: '4012Q' }] });
  });
});

/** What may be asked of the pure state machine: each a change of the history. */
type Move = (h: History, on: string, id: number) => History;
const endOpen =
  (kind: string): Move =>
  (h, on) => ({ ...h, plans: h.plans.map((p) => (p.kind === kind && !p.ended ? { ...p, ended: on } : p)) });
const begin =
  (kind: string): Move =>
  (h, on, id) => ({ ...h, plans: [...h.plans, plan(kind, on, null, id)] });
const MOVES: Record<string, Move> = {
  refer: (h, on, id) => ({ ...h, episodes: [...h.episodes, episode({ id, on })] }),
  referNoAction: (h, on, id) => ({ ...h, episodes: [...h.episodes, episode({ id, on, noFurtherAction: true })] }),
  close: (h, on) => ({ ...h, episodes: h.episodes.map((e) => (e.closed || e.noFurtherAction ? e : { ...e, closed: on, reason: 'RC7' })) }),
  closeAfterAssessment: (h, on) => ({
    ...h,
    episodes: h.episodes.map((e) => (e.closed || e.noFurtherAction ? e : { ...e, closed: on, reason: 'RC8' })),
  }),
  closeWithoutReason: (h, on) => ({ ...h, episodes: h.episodes.map((e) => (e.closed ? e : { ...e, closed: on })) }),
  startNeed: begin('CHILD_IN_NEED'),
  startProtection: begin('CHILD_PROTECTION'),
  endNeed: endOpen('CHILD_IN_NEED'),
  endProtection: endOpen('CHILD_PROTECTION'),
  stepDown: (h, on, id) => begin('CHILD_IN_NEED')(endOpen('CHILD_PROTECTION')(h, on, id), on, id),
  stepUp: (h, on, id) => begin('CHILD_PROTECTION')(endOpen('CHILD_IN_NEED')(h, on, id), on, id),
  review: (h, on) => ({ ...h, reviews: [...h.reviews, ...h.plans.filter((p) => !p.ended).map((p) => ({ plan: p.id, held: on }))] }),
  confer: (h, on, id) => ({ ...h, conferences: [...h.conferences, conference(on, id)] }),
  conferAndProtect: (h, on, id) => {
    const held = { ...h, conferences: [...h.conferences, conference(on, id)] };
    return begin('CHILD_PROTECTION')(endOpen('CHILD_IN_NEED')(held, on, id), on, id);
  },
  enquire: (h, on, id) => ({
    ...h,
    sections47: [
      ...h.sections47,
      { id, started: on, ended: null, conferenceNotRequired: false, conferenceOn: null, conferenceTarget: null },
    ],
  }),
  endEnquiry: (h, on) => ({ ...h, sections47: h.sections47.map((s) => (s.ended ? s : { ...s, ended: on, conferenceNotRequired: true })) }),
};

const DAY_ONE = Date.UTC(2026, 0, 5);
const dayAfter = (n: number) => new Date(DAY_ONE + n * 86_400_000).toISOString().slice(0, 10);
const moves = fc.array(fc.record({ move: fc.constantFrom(...Object.keys(MOVES)), on: fc.nat(60) }), { minLength: 1, maxLength: 30 });

describe('whatever is asked, in whatever order', () => {
  it('never comes to rows that the census forbids', () => {
    let accepted = 0;
    fc.assert(
      fc.property(moves, (asked) => {
        let h: History = { ...NO_HISTORY, child };
        for (const [i, { move, on }] of asked.entries()) {
          const after = (MOVES[move] as Move)(h, dayAfter(on), i + 1);
          if (judge(h, after, { lenient: false, path: () => [] }).errors.length > 0) continue;
          h = after;
          accepted += 1;
        }
        expect(brokenByText(h)).toEqual([]);
      }),
      { numRuns: 1500 },
    );
    // The machine is not so strict that it does nothing.
    expect(accepted).toBeGreaterThan(1500);
  });
  it('finds what a second reading of the rules finds, in any rows', () => {
    fc.assert(
      fc.property(moves, (asked) => {
        let h: History = { ...NO_HISTORY, child };
        for (const [i, { move, on }] of asked.entries()) h = (MOVES[move] as Move)(h, dayAfter(on), i + 1);
        const ours = new Set(codes(h));
        for (const rule of brokenByText(h)) expect(ours, JSON.stringify(h)).toContain(rule);
      }),
      { numRuns: 1500 },
    );
  });
});

describe('what else is reckoned', () => {
  it('a meeting is quorate with children’s social care and two other agencies', () => {
    expect(isQuorate(['childrens-social-care', 'police', 'school'])).toBe(true);
    expect(isQuorate(['childrens-social-care', 'police', 'police'])).toBe(false);
    expect(isQuorate(['police', 'school', 'housing'])).toBe(false);
  });
  it('a second plan of protection is a repeat', () => {
    expect(previousPlans([plan('CHILD_PROTECTION', '2024-01-08', '2024-09-02'), plan('CHILD_IN_NEED', '2025-01-06')], '2026-01-12')).toBe(
      1,
    );
  });
  it('a referral within twelve months of another is a re-referral', () => {
    expect(isReReferral('2026-03-01', [{ referredOn: '2025-03-01' }])).toBe(true);
    expect(isReReferral('2026-03-02', [{ referredOn: '2025-03-01' }])).toBe(false);
  });
  it('steps go up and down the ladder of plans', () => {
    expect(direction(null, 'EARLY_HELP')).toBe('UP');
    expect(direction('CHILD_PROTECTION', 'CHILD_IN_NEED')).toBe('DOWN');
    expect(direction('CHILD_PROTECTION', 'CHILD_PROTECTION')).toBeNull();
  });
  it.each([
    ['STANDARD', '2026-01-05', '2026-03-01', false, 'LAC_VISIT_Y1'],
    ['STANDARD', '2026-01-05', '2027-01-05', false, 'LAC_VISIT_LATER'],
    ['TO_18', '2026-01-05', '2027-02-05', true, 'LAC_VISIT_TO_18'],
    ['TEMPORARY_APPROVAL', '2026-01-05', '2026-01-12', false, 'LAC_VISIT_REG24'],
    ['TEMPORARY_APPROVAL', '2026-01-05', '2026-03-12', true, 'LAC_VISIT_REG24_LATER'],
    ['INTERIM_ORDER_WITH_PARENT', '2026-01-05', '2026-03-12', true, 'LAC_VISIT_ICO_PARENT_LATER'],
    ['CARE_ORDER_WITH_PARENT', '2026-01-05', '2026-01-10', false, 'LAC_VISIT_CARE_ORDER_HOME_LATER'],
  ])('after a visit in a placement of %s the clock is %5$s', (rule, started, visited, reviewed, next) => {
    expect(nextVisitRule(rule, started, visited, reviewed)).toBe(next);
  });
  it('reviews follow the law’s intervals', () => {
    expect([0, 1, 2].map((held) => nextReviewRule('LOOKED_AFTER', held))).toEqual(['LAC_REVIEW1', 'LAC_REVIEW2', 'LAC_REVIEW3']);
    expect([0, 1].map((held) => nextReviewRule('CHILD_PROTECTION', held))).toEqual(['ICPC_TO_RCPC1', 'RCPC_NEXT']);
    expect(nextReviewRule('EARLY_HELP', 0)).toBeNull();
  });
});
