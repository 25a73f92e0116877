/** The pure rules about people and households. */
import { describe, expect, it } from 'vitest';
import {
  checkAddition,
  checkBirth,
  checkCorrection,
  checkDisabilities,
  checkUnborn,
  relationshipOfRole,
} from '../../../src/modules/family/rules.ts';

const now = new Date('2026-11-21T10:00:00Z');

describe('an unborn child', () => {
  it('is at most 40 weeks away (8606)', () => {
    expect(checkUnborn({ family: 'f', expectedDate: '2027-08-28' }, now).errors).toEqual([]);
    expect(checkUnborn({ family: 'f', expectedDate: '2027-08-29' }, now).errors).toMatchObject([{ rule: '8606' }]);
  });
  it('has the sex U (8750), and a query where the day is long past (8525Q)', () => {
    expect(checkUnborn({ family: 'f', expectedDate: '2027-01-01', sex: 'M' }, now).errors).toMatchObject([{ rule: '8750' }]);
    expect(checkUnborn({ family: 'f', expectedDate: '2026-10-01' }, now).warnings).toMatchObject([{ rule: '8525Q' }]);
    expect(checkUnborn({ family: 'f', expectedDate: '2026-11-01' }, now).warnings).toEqual([]);
  });
  it('is not corrected into being born', () => {
    const input = { person: 'p', expectedVersion: 1, dateOfBirth: '2026-11-01', sex: 'F' };
    expect(checkCorrection(input, false, now).map(({ rule }) => rule)).toEqual(['8525Q', '8750']);
    expect(checkCorrection(input, true, now)).toEqual([]);
  });
  it('is born today at the latest', () => {
    const birth = { person: 'p', sex: 'F', givenName: 'A', familyName: 'B' };
    expect(checkBirth({ ...birth, dateOfBirth: '2026-11-21' }, now)).toEqual([]);
    expect(checkBirth({ ...birth, dateOfBirth: '2026-11-22' }, now)).toHaveLength(1);
  });
});

describe('disabilities', () => {
  it('stand alone as NONE (8790) and do not repeat (8794)', () => {
    const rules = (...disabilities: string[]) => checkDisabilities({ person: 'p', disabilities }).map(({ rule }) => rule);
    expect(rules()).toEqual([]);
    expect(rules('NONE')).toEqual([]);
    expect(rules('LD', 'AUT')).toEqual([]);
    expect(rules('LD', 'LD')).toEqual(['8794']);
    expect(rules('LD', 'NONE')).toEqual(['8790']);
  });
});

it('wants somebody new or somebody known, not both', () => {
  expect(checkAddition({ family: 'f', from: '2026-01-01' }, now)).toMatchObject([{ path: ['person'] }]);
  expect(checkAddition({ family: 'f', from: '2026-01-01', person: 'p' }, now)).toMatchObject([{ path: ['role'] }]);
});

it('knows what a role in the family is to its children', () => {
  expect([relationshipOfRole('mother'), relationshipOfRole('aunt'), relationshipOfRole('partner')]).toEqual([
    'parent',
    'aunt-or-uncle',
    'other-relative',
  ]);
});
