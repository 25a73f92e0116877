/** Rows that are given away: whoever knows a person from elsewhere finds at least five of them, or nobody. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnonymityRules, anonymise, type Row } from '../../src/outcome/anonymity.ts';

const RULES: AnonymityRules = {
  k: 5,
  person: 'child',
  known: ['born', 'sex', 'ethnicity', 'district', 'cohort', 'entered'],
  learnt: 'highest',
  ladder: [
    { column: 'entered', to: 'QUARTER' },
    { column: 'entered', to: 'YEAR' },
    { column: 'district', to: 'VALUE', value: 'E10000025' },
    { column: 'ethnicity', to: 'VALUE', value: null },
    { column: 'born', to: 'BAND', width: 3 },
  ],
  leaveOut: 0.05,
};
const child = fc.record({
  child: fc.integer({ min: 1, max: 120 }),
  born: fc.integer({ min: 2006, max: 2024 }),
  sex: fc.constantFrom('F', 'M', null),
  ethnicity: fc.constantFrom('WHITE', 'ASIAN', 'BLACK', null),
  district: fc.constantFrom('E07000177', 'E07000178', 'E07000179'),
  cohort: fc.constantFrom('BEFORE', 'AFTER'),
  entered: fc
    .integer({ min: 0, max: 35 })
    .map((month) => `20${20 + Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`),
  highest: fc.constantFrom('CIN', 'CP', 'LAC'),
});
const FEW = { minLength: 0, maxLength: 300 };

/** What somebody knows of each child, of all its rows. */
const known = (rows: Row[]) =>
  [...Map.groupBy(rows, (row) => row.child).values()].map((own) =>
    own
      .map((row) => RULES.known.map((column) => String(row[column])).join('|'))
      .sort()
      .join(' & '),
  );

describe('rows that are given away', () => {
  it('have each child in common with four others, whatever is known of it', () => {
    fc.assert(
      fc.property(fc.array(child, FEW), (rows) => {
        const { rows: given, report } = anonymise(rows, RULES);
        const sizes = [...Map.groupBy(known(given), (each) => each).values()].map(({ length }) => length);
        expect(Math.min(5, ...sizes)).toBe(5);
        expect(report).toMatchObject({ smallestGroup: sizes.length === 0 ? 0 : Math.min(...sizes), passed: given.length > 0 });
        expect(given.length + report.withheldRows).toBe(rows.length);
        // Nobody is given in part, and what is not to be coarser is as it was.
        const children = new Set(given.map((row) => row.child));
        expect(given.map((row) => row.highest)).toEqual(rows.filter((row) => children.has(row.child)).map((row) => row.highest));
      }),
    );
  });

  it('are as coarse as they need be, and no coarser', () => {
    const alike = [...Array(40).keys()].map((index) => ({
      child: index,
      born: 2015,
      sex: 'F',
      ethnicity: null,
      district: 'E07000177',
      cohort: 'AFTER',
      entered: `2022-0${1 + (index % 9)}-01`,
      highest: index % 9 < 3 ? 'CIN' : 'CP',
    }));
    const { rows, report } = anonymise(alike, RULES);
    expect(report).toEqual({
      smallestGroup: 12,
      unique: 0,
      generalised: ['entered QUARTER'],
      withheldRows: 0,
      leastVariety: 1,
      passed: true,
    });
    expect(new Set(rows.map(({ entered }) => entered))).toEqual(new Set(['2022-01-01', '2022-04-01', '2022-07-01']));
    expect(anonymise(rows as Row[], RULES)).toEqual({ rows, report: { ...report, generalised: [] } });
  });

  it('leave out one who is like nobody, rather than make all coarser for it', () => {
    const usual = [...Array(99).keys()].map((index) => ({ child: index, born: 2015, sex: 'M', entered: '2022-05-01', highest: 'CIN' }));
    const { rows, report } = anonymise([...usual, { ...usual[0], child: 99, born: 2007 } as Row], RULES);
    expect(rows).toEqual(usual);
    expect(report).toMatchObject({ unique: 1, withheldRows: 1, generalised: [], smallestGroup: 99, passed: true });
    // Twice the one that everybody else is once: known for having two.
    expect(anonymise([...usual, usual[0] as Row], RULES).report).toMatchObject({ unique: 1, withheldRows: 2 });
  });

  it('pass at nobody as little as at four, and refuse a step that does not fit', () => {
    expect(anonymise([], RULES).report).toMatchObject({ smallestGroup: 0, passed: false });
    const four = [1, 2, 3, 4].map((each) => ({ child: each, born: 2015 + each, entered: '2022-05-01' }));
    expect(anonymise(four, RULES)).toMatchObject({ rows: [], report: { withheldRows: 4, passed: false, generalised: { length: 5 } } });
    expect(() => anonymise([{ child: 1, entered: 'May' }], RULES)).toThrow(/entered holds no day/);
  });
});
