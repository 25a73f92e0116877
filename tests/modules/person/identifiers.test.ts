/** The numbers by which people are known elsewhere. */
import { describe, expect, it } from 'vitest';
import { nhsNumberFault, upnFault } from '../../../src/modules/person/identifiers.ts';

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
  it('has none for nine digits whose check digit would be 10', () => {
    const right = (nine: string) =>
      Array.from({ length: 10 }, (_, last) => `${nine}${last}`).filter((value) => nhsNumberFault(value) === null);
    expect(right('999999948')).toHaveLength(1);
    expect(right('999000000')).toEqual([]);
  });
});

describe('unique pupil number', () => {
  it.each([
    ['A931000000', '1510'],
    ['AX31000000001', '1530'],
    ['A9310000X0001', '1540'],
    ['A93100000000I', '1550'],
  ])('refuses %s by rule %s', (value, rule) => expect(upnFault(value)?.rule).toBe(rule));
  it.each(['A801200001001', 'H80120000100', 'h801200001001', 'I801200001001'])('refuses %s, where H801200001001 is one', (value) => {
    expect(upnFault('H801200001001')).toBeNull();
    expect(upnFault(value)?.rule).toBe('1510');
  });
  it('has one right check letter of 23', () => {
    for (const rest of ['931200012345', '93120001234A']) {
      const right = [...'ABCDEFGHJKLMNPQRTUVWXYZ'].filter((letter) => upnFault(letter + rest) === null);
      expect(right).toHaveLength(1);
    }
  });
});
