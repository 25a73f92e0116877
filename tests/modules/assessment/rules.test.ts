/** The census' rules about assessments, each by its code; and the factors as data. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNational, readReference } from '../../../src/db/reference.ts';
import {
  type CompleteInput,
  checkAmend,
  checkComplete,
  checkOrder,
  checkStart,
  episodeOf,
  type OrderInput,
  verdict,
} from '../../../src/modules/assessment/rules.ts';

const now = new Date('2026-11-21T12:00:00Z');
const rules = (errors: { rule?: string; path: string[] }[]) => errors.map(({ rule, path }) => rule ?? path.join('.'));
const open = { id: 1, referredOn: '2026-09-01', noFurtherAction: false, closedOn: null, closureReason: null };
const codes = readReference('oxfordshire').codes.filter(({ list }) => list === 'assessment-factor');

describe('starting', () => {
  const start = (input: object, facts: object = {}) =>
    rules(checkStart({ started: '2026-09-02', ...input }, { referred: '2026-09-01', episode: open, open: [], ...facts }, now));
  it('is on the day of the referral or after it (1103)', () => {
    expect(start({ started: '2026-09-01' })).toEqual([]);
    expect(start({ started: '2026-08-31' })).toEqual(['1103']);
  });
  it('needs a referral that led to action (8831) and an episode that is not over (2990, 8565)', () => {
    expect(start({}, { episode: { ...open, noFurtherAction: true } })).toEqual(['8831']);
    for (const [closureReason, rule] of [
      ['RC8', '2990'],
      ['RC9', '2990'],
      ['RC7', '8565'],
    ] as const) {
      const episode = { ...open, closedOn: '2026-09-01', closureReason };
      expect(start({}, { episode })).toEqual([rule]);
      expect(start({ started: '2026-09-01' }, { episode })).toEqual([]);
    }
  });
  it('waits for the one that is open (8896), and is not in the future', () => {
    expect(start({}, { open: [{ started: '2026-08-01' }] })).toEqual(['8896']);
    expect(start({ started: '2026-12-01' })).toEqual(['started']);
    expect(start({}, { referred: null, episode: null })).toEqual(['referred']);
  });
  it('is of the episode whose referral was named, else of the open one, else of the latest', () => {
    const closed = { ...open, id: 2, referredOn: '2026-10-01', closedOn: '2026-10-20', closureReason: 'RC7' };
    expect(episodeOf([open, closed], null)?.id).toBe(1);
    expect(episodeOf([open, closed], '2026-10-01')?.id).toBe(2);
    expect(episodeOf([{ ...open, closedOn: '2026-09-30' }, closed], undefined)?.id).toBe(2);
    expect(episodeOf([open], '2026-01-01')).toBeNull();
  });
});

describe('completing', () => {
  const input = (extra: object = {}) =>
    ({ authorisedOn: '2026-10-01', childSeen: true, outcomes: ['other'], factors: [{ code: '3B' }], ...extra }) as unknown as CompleteInput;
  const complete = (extra: object = {}, dueOn: string | null = '2026-11-03') =>
    rules(checkComplete(input(extra), { started: '2026-09-02', dueOn }, now));
  it('passes what is whole, and names each rule that is broken', () => {
    expect(complete()).toEqual([]);
    expect(complete({ authorisedOn: '2026-09-01' })).toEqual(['8608']);
    expect(complete({ authorisedOn: '2026-11-03' })).toEqual([]);
    expect(complete({ authorisedOn: '2026-11-04' })).toEqual(['8670Q']);
    expect(complete({ authorisedOn: '2026-11-04' }, null)).toEqual([]);
    expect(complete({ factors: [] })).toEqual(['8897Q']);
    expect(complete({ factors: [{ code: '21' }] })).toEqual([]);
    expect(complete({ outcomes: [] })).toEqual(['outcomes']);
    expect(complete({ aces: [{ person: 'a', count: 11 }] })).toEqual(['aces.0.count']);
  });
  it('whatever the factors: a repeat is 8898, 21 beside another is 8869, none is a warning alone', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...codes.map(({ code }) => code)), { maxLength: 8 }), (given) => {
        const broken = complete({ factors: given.map((code) => ({ code })) });
        const { errors } = verdict(
          checkComplete(input({ factors: given.map((code) => ({ code })) }), { started: '2026-09-02', dueOn: null }, now),
          false,
        );
        expect(broken.includes('8898')).toBe(new Set(given).size < given.length);
        expect(broken.includes('8869')).toBe(given.includes('21') && given.length > 1);
        expect(broken.includes('8897Q')).toBe(given.length === 0);
        expect(errors.length > 0).toBe(broken.includes('8898') || broken.includes('8869'));
      }),
    );
  });
  it('warns and never refuses what is put on record late; a query only ever warns', () => {
    const broken = checkComplete(
      input({ factors: [{ code: '21' }, { code: '21' }], authorisedOn: '2026-11-04', outcomes: [] }),
      { started: '2026-09-02', dueOn: '2026-11-03' },
      now,
    );
    expect(rules(verdict(broken, false).errors).sort()).toEqual(['8869', '8898', 'outcomes']);
    expect(rules(verdict(broken, false).warnings)).toEqual(['8670Q']);
    expect(rules(verdict(broken, true).errors)).toEqual(['outcomes']);
  });
});

it('factors are of completed assessments (8614)', () => {
  const amend = (status: string, extra: object) => rules(checkAmend(extra as never, { status }));
  expect(amend('OPEN', { factors: [{ code: '3A' }] })).toEqual(['8614']);
  expect(amend('CANCELLED', { analysis: 'x' })).toEqual(['assessment']);
  expect(amend('COMPLETED', { factors: [{ code: '3A' }] })).toEqual([]);
});

it('a specialist assessment is somebody’s to make', () => {
  const order = { family: 'f', person: 'p', kind: 'parenting', orderedOn: '2026-10-01' } as unknown as OrderInput;
  expect(rules(checkOrder(order, now))).toEqual(['assessorName']);
  expect(rules(checkOrder({ ...order, assessorName: 'Dr A' }, now))).toEqual([]);
});

describe('factors as data', () => {
  it('are the census’ codes; 18A and 19A ended, 22A to 24A are newer', () => {
    expect(codes).toHaveLength(44);
    expect(codes.filter(({ validTo }) => validTo !== null).map(({ code }) => code)).toEqual(['18A', '19A']);
    for (const code of ['18B', '18C', '19B', '19C', '22A', '23A', '24A']) {
      expect(codes.find((each) => each.code === code)?.validFrom).toBe('2021-04-01');
    }
  });
  it('map to the trio by variant; the parents’ own are among everybody’s', () => {
    const { factorConcerns } = readNational();
    const of = (variant: string) =>
      factorConcerns.filter((row) => row.variant === variant).map(({ factor, concern }) => `${factor} ${concern}`);
    expect(of('ANY_IN_HOUSEHOLD')).toEqual(expect.arrayContaining(of('PARENT_ONLY')));
    expect(factorConcerns.every(({ factor }) => codes.some(({ code }) => code === factor))).toBe(true);
    expect(of('PARENT_ONLY')).not.toContain('3A DOMESTIC_ABUSE');
  });
});
