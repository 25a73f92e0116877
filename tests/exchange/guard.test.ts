/** What is in no directory, and what only sounds like it. */
import { describe, expect, it } from 'vitest';
import { isSecretPlace } from '../../src/exchange/open-referral/guard.ts';

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
    ['beside a postcode in small letters', service({ description: 'Our refuge is near ox16 5qd.' })],
  ])('%s', (_name, record) => expect(isSecretPlace(record)).toBe(true));
});

describe('what only sounds like it', () => {
  it.each([
    ['help for refugees', service({ name: 'Refugee resource', description: 'Advice for refugees and asylum seekers.', ...place })],
    [
      'a helpline that tells of refuges, and is nowhere',
      service({ name: 'Domestic abuse helpline', description: 'We can find a refuge for you.' }),
    ],
    ['a confidential talk', service({ description: 'Free and confidential counselling.', ...place })],
    ['a mark that says no', service({ address_confidential: false, ...place })],
    ['a web page', service({ description: 'Find a refuge.', service_at_locations: [{ location: { location_type: 'virtual' } }] })],
  ])('%s', (_name, record) => expect(isSecretPlace(record)).toBe(false));
});
