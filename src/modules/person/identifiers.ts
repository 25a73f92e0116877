/** The numbers by which a person is known elsewhere, and what makes a text no such number. Pure. */

/** Letters of a UPN, in the order of their values 0 to 22 (Department for Education). */
const UPN_LETTERS = 'ABCDEFGHJKLMNPQRTUVWXYZ';

/** An NHS number as it is kept: ten digits without the spaces that people write. */
export const plainNhsNumber = (value: string): string => value.replace(/\s/g, '');

/** Why ten digits are no NHS number; null for one. Modulus 11: weights 10 to 2, a check digit of 10 is none. */
export function nhsNumberFault(value: string): string | null {
  const plain = plainNhsNumber(value);
  if (!/^\d{10}$/.test(plain)) return 'An NHS number has ten digits.';
  const sum = [...plain.slice(0, 9)].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === Number(plain[9]) ? null : 'The last digit does not fit the others (modulus 11): a digit is wrong.';
}

/** What is wrong with a unique pupil number, with the census rule that it breaks; null for a right one. */
export function upnFault(value: string): { rule: string; message: string } | null {
  if (value.length !== 13) return { rule: '1510', message: 'A unique pupil number is a check letter and twelve characters.' };
  if (!/^\d{3}$/.test(value.slice(1, 4))) return { rule: '1530', message: 'Characters 2 to 4 are the three digits of an authority.' };
  if (!/^\d{8}$/.test(value.slice(4, 12))) return { rule: '1540', message: 'Characters 5 to 12 are digits.' };
  const last = value[12] as string;
  const lastValue = /\d/.test(last) ? Number(last) : UPN_LETTERS.indexOf(last);
  if (lastValue === -1) return { rule: '1550', message: 'Character 13 is a digit, or a letter that stands in for one.' };
  const values = [...[...value.slice(1, 12)].map(Number), lastValue];
  const letter = UPN_LETTERS[values.reduce((total, each, index) => total + each * (index + 2), 0) % 23];
  return value[0] === letter ? null : { rule: '1510', message: 'The check letter does not fit the rest: a character is wrong.' };
}
