/** What is in no directory, and what only sounds like it: by the guard of what comes and goes, and by that of the database. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WORDS } from '../../src/access/secret-places.ts';
import { isSecretPlace } from '../../src/exchange/open-referral/guard.ts';
import { storable } from '../../src/exchange/open-referral/profile.ts';
import { ownDatabase, sqlAsOwner } from '../support/server.ts';

let owner: pg.Client;
beforeAll(async () => {
  owner = await sqlAsOwner(await ownDatabase('fsp_guard'));
});
afterAll(() => owner.end());

/** What the database says of records as it would hold them. */
const inDatabase = async (records: unknown[]): Promise<boolean[]> =>
  (
    await owner.query('select fsp.is_secret_place(r) as secret from jsonb_array_elements($1::jsonb) with ordinality a (r, n) order by n', [
      JSON.stringify(records.map(storable)),
    ])
  ).rows.map(({ secret }) => secret);

const place = {
  service_at_locations: [
    { location: { location_type: 'physical', addresses: [{ address_1: '1 Larkrise Close', postal_code: 'OX16 5QD' }] } },
  ],
};
const service = (more: Record<string, unknown>) => ({ id: '1', name: 'A service', status: 'active', ...more });

describe('a refuge, or a place that is kept secret', () => {
  it.each([
    ['by its name, wherever it is', service({ name: 'Willow House Women’s Refuge' })],
    ['by its other name', service({ alternate_name: 'Banbury safe house' })],
    ['by its term', service({ attributes: [{ taxonomy_term: { name: 'Refuges' } }] })],
    ['by its words, beside a place', service({ description: 'Safe accommodation: a refuge for families.', ...place })],
    ['by its words, beside a postcode in them', service({ description: 'Our refuge is near OX16 5QD.' })],
    ['by a secret address', service({ description: 'The address is confidential.', ...place })],
    ['by what its location says', service({ ...place, alert: 'Please keep this a confidential location.' })],
    ['by a mark of its publisher', service({ address_confidential: true })],
    ['by a mark deep down', service({ service_at_locations: [{ location: { location_type: 'physical', is_confidential: 'yes' } }] })],
    ['as domestic abuse accommodation', service({ name: 'Domestic abuse accommodation, Oxfordshire' })],
    ['with a space that is not seen', service({ name: 'Safe\u200bhouse' })],
    ['with a hyphen that is not seen', service({ name: 'Willow re\u00adfuge' })],
    ['with underscores', service({ name: 'Women_refuge' })],
    ['with a space of HTML', service({ name: 'Domestic&nbsp;abuse accommodation' })],
    ['with a null byte', service({ name: 'Willow ref\0uge' })],
    ['in letters of another width', service({ name: 'Ｒｅｆｕｇｅ' })],
    ['with a word of its publisher beside it', service({ name: 'É-refuge' })],
    ['under a name in one piece', service({ description: 'Safe', fees: 'our safe house', ...place })],
    ['by a mark that is a list', service({ address_confidential: ['all of it'] })],
    ['beside a postcode in small letters', service({ description: 'Our refuge is near ox16 5qd.' })],
  ])('%s', async (_name, record) => {
    expect(isSecretPlace(record)).toBe(true);
    expect(await inDatabase([record])).toEqual([true]);
  });
});

describe('what only sounds like it', () => {
  it.each([
    ['help for refugees', service({ name: 'Refugee resource', description: 'Advice for refugees and asylum seekers.', ...place })],
    [
      'a helpline that tells of refuges, and is nowhere',
      service({ name: 'Domestic abuse helpline', description: 'We can find a refuge for you.' }),
    ],
    ['a confidential talk', service({ description: 'Free and confidential counselling.', ...place })],
    ['words of two texts', service({ name: 'Safe', alternate_name: 'House', description: 'Safe', fees: 'house', ...place })],
    ['a mark that says no in words', service({ address_confidential: 'No', is_undisclosed: 0, ...place })],
    ['a mark that says no', service({ address_confidential: false, ...place })],
    ['a web page', service({ description: 'Find a refuge.', service_at_locations: [{ location: { location_type: 'virtual' } }] })],
  ])('%s', async (_name, record) => {
    expect(isSecretPlace(record)).toBe(false);
    expect(await inDatabase([record])).toEqual([false]);
  });
});

it('both guards say the same of whatever is written', async () => {
  const piece = fc.constantFrom(
    ...['refuge', 'Safe', 'HOUSE', 'domestic', 'abuse', 'women’s', "women's", 'hostel', 'confidential', 'address', 'is', 'kept', 'secret'],
    ...[' ', '  ', '_', '-', '\u2010', '\u2212', '\u00a0', '\u1680', '\u2028', '\ufeff', '\u0085', '\t', '&nbsp;', '&shy;', '&#8203;'],
    ...[
      '\u200b',
      '\u00ad',
      '\u{e0001}',
      '\0',
      '\ud800',
      'ſ',
      'É',
      'ß',
      'İ',
      'Ｒ',
      'ﬁ',
      '\u0301',
      '|',
      '.',
      'ox16 5qd',
      'OX165QD',
      '5',
      'x',
      '😀',
    ],
  );
  const words = fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join(''));
  const record = fc.record(
    {
      name: words,
      alternate_name: words,
      description: words,
      attributes: fc.array(fc.record({ taxonomy_term: fc.record({ name: words }) }), { maxLength: 2 }),
      address_confidential: fc.oneof(words, fc.constantFrom(null, true, false, 0, 1, '', 'no', 'FALSE'), fc.constant([]), fc.constant({})),
      service_at_locations: fc.array(
        fc.record(
          {
            location: fc.record(
              {
                location_type: fc.constantFrom('virtual', 'physical', null),
                latitude: fc.constantFrom(null, 52),
                addresses: fc.constantFrom([], [{ city: 'Banbury' }]),
                external_identifier: fc.constantFrom(null, '1'),
              },
              { requiredKeys: [] },
            ),
          },
          { requiredKeys: [] },
        ),
        { maxLength: 2 },
      ),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(record, { minLength: 50, maxLength: 50 }), async (records) => {
      const said = await inDatabase(records);
      records.forEach((each, i) => {
        expect(said[i], JSON.stringify(each)).toBe(isSecretPlace(storable(each) as Record<string, unknown>));
      });
    }),
    { numRuns: 60 },
  );
});

it('the characters that are not seen are those of Unicode', () => {
  const [written, unicode] = [new RegExp(`^${WORDS.unseen}$`, 'u'), /^\p{Default_Ignorable_Code_Point}$/u];
  const odd = Array.from({ length: 0x110000 }, (_, code) => String.fromCodePoint(code)).filter(
    (one) => written.test(one) !== unicode.test(one),
  );
  expect(odd).toEqual([]);
});
