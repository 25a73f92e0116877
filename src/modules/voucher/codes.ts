/** A voucher's code: 80 random bits in Crockford's base 32, in groups of four, as somebody reads it out at a counter. */
import { createHash, randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHARACTERS = 16;

/** @returns a new code: four groups of four, with hyphens between. */
export function newCode(): string {
  let bits = BigInt(`0x${randomBytes((CHARACTERS * 5) / 8).toString('hex')}`);
  let code = '';
  for (let n = 0; n < CHARACTERS; n++) {
    code = ALPHABET[Number(bits & 31n)] + code;
    bits >>= 5n;
  }
  return (code.match(/.{4}/g) as string[]).join('-');
}

/** A code as it was meant: case, spaces and hyphens do not count, and what is easily misread is read aright. Null for what can be none. */
export function readCode(given: string): string | null {
  const plain = given.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return plain.length === CHARACTERS && [...plain].every((character) => ALPHABET.includes(character)) ? plain : null;
}

/** What is kept of a code. 80 random bits need no salt: nobody has a list of them. @param code as `readCode` gives it. */
export const fingerprintOf = (code: string): string => createHash('sha256').update(`voucher ${code}`).digest('hex');
