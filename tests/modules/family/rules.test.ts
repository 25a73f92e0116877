/** The pure rules about people and their numbers. */
import { describe, expect, it } from 'vitest';
import {
  checkAddition,
  checkBirth,
  checkCorrection,
  checkDisabilities,
  checkUnborn,
  nhsNumberFault,
  relationshipOfRole,
  upnFault,
} from '../../../src/modules/family/rules.ts';

const now = new Date('2026-11-21T10:00:00Z');

describe('NHS number', () => {
  it.each(['9999999484', '999 999 9484', '9999999999', '9990000050'])('takes %s', (value) => expect(nhsNumberFault(value)).toBeNull());
  it.each(['9999999485', '943476591', '99999999990', '94347659I9', ''])('refuses %s', (value) =>
    expect(nhsNumberFault(value)).not.toBeNull(),
  );
  it('refuses every number that differs in one digit', () => {
    const right = '9999999484';
    for (let place = 0; place < 10; place++)
      for (let digit = 0; digit < 10; digit++) {
        const value = right.slice(0, place) + digit + right.slice(place + 1);
        if (value !== right) expect(nhsNumberFault(value), value).not.toBeNull();
      }
  });
});

describe('unique pupil number', () => {
  it.each([
    ['A931000000', '1510'],
    ['AX31000000001', '1530'],
    ['A9310000X0001', '1540'],
    ['A93100000000I', '1550'],
  ])('refuses %s by rule %s', (value, rule) => expect(upnFault(value)?.rule).toBe(rule));
  it('has one right check letter of 23', () => {
    for (const rest of ['931200012345', '93120001234A']) {
      const right = [...'ABCDEFGHJKLMNPQRTUVWXYZ'].filter((letter) => upnFault(letter + rest) === null);
      expect(right).toHaveLength(1);
    }
  });
});

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
