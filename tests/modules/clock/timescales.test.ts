/** Every timescale with worked dates, what a file of timescales may not say, and the authority's own. */
import { describe, expect, it } from 'vitest';
import { checkTimescales, readNational, readReference } from '../../../src/db/reference.ts';
import { OutsideCalendar } from '../../../src/modules/clock/calendar.ts';
import { dueOf } from '../../../src/modules/clock/rules.ts';

const national = readNational();
const oxfordshire = readReference('oxfordshire').timescales;
const { calendar } = national;

type Timescale = (typeof national.timescales)[number];
const named = (list: Timescale[], code: string) => list.find((entry) => entry.code === code) as Timescale;
const due = (code: string, from: string, list = national.timescales) => dueOf(named(list, code), from, calendar);

describe('every timescale, from a day to the last that is in time', () => {
  const WORKED: [code: string, from: string, dueOn: string, why: string][] = [
    ['REF_DECISION', '2026-04-02', '2026-04-07', 'Maundy Thursday: after Easter Monday'],
    ['FEEDBACK_DECISION', '2026-12-24', '2026-12-29', 'Christmas Eve: Boxing Day is kept on the Monday'],
    ['FEEDBACK_ASSESSMENT', '2026-11-20', '2026-11-27', 'a week of working days'],
    ['INFORMATION_REQUEST', '2026-11-20', '2026-11-23', 'Friday to Monday'],
    ['CFA_COMPLETE', '2026-11-02', '2027-01-07', '45 working days over Christmas and New Year'],
    ['STRAT_TO_ICPC', '2026-03-23', '2026-04-15', '15 working days over Easter'],
    ['ICPC_TO_CORE', '2026-12-18', '2027-01-06', '10 working days over Christmas and New Year'],
    ['ICPC_TO_RCPC1', '2026-11-30', '2027-02-28', 'three months after a 30th'],
    ['RCPC_NEXT', '2026-08-31', '2027-02-28', 'six months after a 31st'],
    ['CORE_NEXT', '2026-11-20', '2027-01-01', 'six weeks, whatever day it falls on'],
    ['CP_VISIT', '2026-03-30', '2026-04-15', '10 working days over Easter'],
    ['FAMILY_PLAN_REVIEW', '2026-11-21', '2027-02-21', 'three months'],
    ['LAC_VISIT_FIRST', '2026-12-24', '2026-12-31', 'a week knows no holidays'],
    ['LAC_VISIT_Y1', '2026-03-25', '2026-05-06', 'six weeks over the change of the clocks'],
    ['LAC_VISIT_LATER', '2026-10-20', '2026-12-01', 'six weeks over the other change'],
    ['LAC_VISIT_TO_18', '2026-11-30', '2027-02-28', 'three months'],
    ['LAC_VISIT_REG19', '2026-11-21', '2026-11-28', 'weekly until the first review'],
    ['LAC_VISIT_REG19_LATER', '2026-11-21', '2027-01-02', 'then six weeks'],
    ['LAC_VISIT_ICO_PARENT', '2026-11-21', '2026-11-28', 'weekly until the first review'],
    ['LAC_VISIT_ICO_PARENT_LATER', '2026-11-21', '2026-12-19', 'then four weeks'],
    ['LAC_VISIT_REG24', '2026-11-21', '2026-11-28', 'weekly until the first review'],
    ['LAC_VISIT_REG24_LATER', '2026-11-21', '2026-12-19', 'then four weeks'],
    ['LAC_VISIT_CARE_ORDER_HOME', '2026-11-21', '2026-11-28', 'within a week'],
    ['LAC_VISIT_CARE_ORDER_HOME_LATER', '2026-11-21', '2027-01-02', 'then six weeks'],
    ['LAC_REVIEW1', '2026-12-05', '2027-01-06', '20 working days from a Saturday, over Christmas'],
    ['LAC_REVIEW2', '2024-11-30', '2025-02-28', 'three months after a 30th'],
    ['LAC_REVIEW3', '2023-08-29', '2024-02-29', 'six months into a leap year'],
    ['CARE_PROCEEDINGS', '2026-11-21', '2027-05-22', '26 weeks'],
    ['PRE_PROCEEDINGS', '2026-11-21', '2027-03-13', '16 weeks'],
    ['PRE_PROCEEDINGS_LETTER', '2026-11-21', '2026-11-26', '5 days'],
    ['PRE_PROCEEDINGS_MEETING', '2026-11-26', '2026-12-03', '7 days'],
    ['HOMELESS_PREVENTION', '2026-11-21', '2027-01-16', '56 days'],
    ['HOMELESS_RELIEF', '2024-01-15', '2024-03-11', '56 days over 29 February'],
    ['SAR', '2027-01-31', '2027-02-28', 'a month after a 31st'],
    ['RIGHTS_REQUEST', '2027-01-31', '2027-02-28', 'a month after a 31st'],
    ['GROUP_SUPERVISION', '2026-10-31', '2026-11-30', 'a month'],
    ['RESTRICTED_REVIEW', '2026-11-21', '2027-02-19', '90 days'],
    ['SAFETY_REVIEW', '2026-08-31', '2027-02-28', 'six months'],
    ['PHQ9_ITEM9', '2026-11-21', '2026-11-21', 'the same day, on a Saturday too'],
    ['INTERVENTION_REQUEST', '2026-05-20', '2026-05-28', '5 working days over the spring bank holiday'],
  ];
  it.each(WORKED)('%s from %s is due on %s: %s', (code, from, dueOn) => expect(due(code, from)?.dueOn).toBe(dueOn));
  it('is here, or has no national figure', () => {
    const without = national.timescales.filter(({ limit }) => limit === null).map(({ code }) => code);
    expect(without).toEqual(['CIN_FIRST_MEETING', 'CIN_REVIEW', 'CIN_VISIT']);
    expect([...WORKED.map(([code]) => code), ...without].sort()).toEqual(national.timescales.map(({ code }) => code).sort());
    for (const code of without) expect(due(code, '2026-11-21')).toBeNull();
  });
  it('is due soon before it is due, and never before it began', () => {
    for (const entry of [...national.timescales, ...oxfordshire]) {
      const found = dueOf(entry, '2026-11-20', calendar);
      if (!found) continue;
      expect(found.dueSoonOn <= found.dueOn).toBe(true);
      expect(found.dueSoonOn >= '2026-11-20').toBe(true);
    }
    expect(due('STRAT_TO_ICPC', '2026-03-23')).toEqual({ dueOn: '2026-04-15', dueSoonOn: '2026-04-08' });
    expect(due('PRE_PROCEEDINGS', '2026-11-21')?.dueSoonOn).toBe('2027-02-13');
    const short = { limit: 2, unit: 'days' as const, dueSoon: 9, countsFromNextDay: true };
    expect(dueOf(short, '2026-11-20', calendar)).toEqual({ dueOn: '2026-11-22', dueSoonOn: '2026-11-20' });
  });
  it('may count the day it starts as the first', () => {
    const from = (limit: number, unit: 'WD' | 'days' | 'weeks' | 'months', start: string) =>
      dueOf({ limit, unit, dueSoon: 0, countsFromNextDay: false }, start, calendar)?.dueOn;
    expect(from(1, 'WD', '2026-11-20')).toBe('2026-11-20');
    expect(from(2, 'WD', '2026-11-20')).toBe('2026-11-23');
    expect(from(1, 'WD', '2026-11-21')).toBe('2026-11-23');
    expect(from(56, 'days', '2026-11-21')).toBe('2027-01-15');
    expect(from(1, 'weeks', '2026-11-21')).toBe('2026-11-27');
    expect(from(3, 'months', '2026-11-30')).toBe('2027-02-27');
    expect(from(1, 'months', '2027-01-01')).toBe('2027-01-31');
  });
  it('in working days, is not guessed where the bank holidays are not known', () => {
    expect(() => due('CFA_COMPLETE', '2027-11-20')).toThrow(OutsideCalendar);
    expect(due('CARE_PROCEEDINGS', '2027-11-20')?.dueOn).toBe('2028-05-20');
  });
});

describe("an authority's own", () => {
  it('are what Oxfordshire publishes: ten days to the core group, four weeks to the first meeting', () => {
    expect(due('ICPC_TO_CORE', '2026-12-18', oxfordshire)?.dueOn).toBe('2026-12-28');
    expect(due('CIN_FIRST_MEETING', '2026-11-21', oxfordshire)?.dueOn).toBe('2026-12-19');
  });

  const own = (code: string, change: Partial<Timescale>): Timescale => ({
    ...named(national.timescales, code),
    version: 'own-1',
    kind: 'LOCAL',
    ...change,
  });
  const refused = (...entries: Timescale[]) => expect(() => checkTimescales(national, entries));

  it.each([
    ['longer', { limit: 20 }, '20 WD is not shorter than the statutory 15 WD'],
    ['as long', {}, '15 WD is not shorter than the statutory 15 WD'],
    ['longer in another unit', { limit: 4, unit: 'weeks' }, '4 weeks is not shorter than the statutory 15 WD'],
    ['shorter on some days only', { limit: 22, unit: 'days' }, '22 days is not shorter than the statutory 15 WD'],
    ['none', { limit: null, unit: null }, 'no limit is not shorter than the statutory 15 WD'],
    ['longer by far', { limit: 14, unit: 'months' }, '14 months is not shorter'],
  ] as [string, Partial<Timescale>, string][])('may not be laxer than the law: %s', (_what, change, words) => {
    refused(own('STRAT_TO_ICPC', change)).toThrow(`timescales.json, entry 1 (STRAT_TO_ICPC): ${words}`);
  });
  it('may be stricter than the law, in any unit', () => {
    refused(own('STRAT_TO_ICPC', { limit: 10 })).not.toThrow();
    refused(own('STRAT_TO_ICPC', { limit: 14, unit: 'days' })).not.toThrow();
    refused(own('STRAT_TO_ICPC', { countsFromNextDay: false })).not.toThrow();
    refused(own('RCPC_NEXT', { limit: 20, unit: 'weeks' })).not.toThrow();
  });
  it('are free where nothing is statutory, and may be of matters that England does not name', () => {
    refused(own('CP_VISIT', { limit: 28, unit: 'days' }), own('CIN_REVIEW', { limit: 6, unit: 'months' })).not.toThrow();
    refused(own('CORE_NEXT', { code: 'A_LOCAL_MATTER' })).not.toThrow();
  });
  it('are not statutory, have versions of their own, and are one at a time', () => {
    refused(own('CP_VISIT', { kind: 'STATUTORY' })).toThrow("entry 1 (CP_VISIT): an authority's own timescale is LOCAL");
    refused(own('CP_VISIT', { version: named(national.timescales, 'CP_VISIT').version })).toThrow(
      'another entry has the code and version 2026-11',
    );
    refused(own('CP_VISIT', {}), own('CP_VISIT', { version: 'own-2' })).toThrow(
      'entry 2 (CP_VISIT): another version of it is valid at the same time',
    );
    refused(own('CP_VISIT', { validTo: '2026-01-01' }), own('CP_VISIT', { version: 'own-2', validFrom: '2026-01-01' })).not.toThrow();
  });
  it('have a limit with its unit, and an end after their beginning', () => {
    refused(own('CP_VISIT', { unit: null })).toThrow('limit and unit are given together, or neither');
    refused(own('CP_VISIT', { validTo: '2010-01-01' })).toThrow('validTo must be after validFrom');
  });
  it("England's are held to the same, and named by their folder", () => {
    const twice = { ...national, timescales: [...national.timescales, named(national.timescales, 'SAR')] };
    expect(() => checkTimescales(twice, [])).toThrow(/^england\/timescales\.json, entry \d+ \(SAR\): another version of it/);
  });
});
