/** A service held against the profile of Open Referral UK: what is good comes in, what is not is named. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { faultsOf, holdService, uuidOf } from '../../src/exchange/open-referral/profile.ts';
import { costsOf, kindOf, serviceRows } from '../../src/exchange/open-referral/rows.ts';

const example = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../reference/england/open-referral/examples/${name}.json`, import.meta.url), 'utf8'));
const id = 'ac148810-d857-441c-9679-408f346de14b';
const least = { id, name: 'Swimming', status: 'active' };
const rules = (raw: unknown) => holdService(raw, 'feed').faults.map(({ path, rule }) => `${path} ${rule}`);

describe('the publisher’s own examples', () => {
  it('of a service comes in whole', () => {
    const { document, faults } = holdService(example('service_full'), 'feed');
    expect(faults).toEqual([]);
    expect(document).toMatchObject({ name: 'Community Counselling', minimum_age: 12 });
  });
  it.each(['taxonomy', 'taxonomy_term'] as const)('of a %s are valid', (type) => {
    expect(faultsOf(type, example(type))).toEqual([]);
    for (const each of example(`${type}_list`).contents) expect(faultsOf(type, each)).toEqual([]);
  });
  it('has a point that is none on earth: it is said, and the service is not found by it', () => {
    const raw = example('service_full');
    const { document, read, faults } = holdService(raw, 'feed');
    const rows = serviceRows('feed', raw.id, document as never, read, raw, faults) as any;
    expect(faults).toEqual([expect.objectContaining({ path: '/service_at_locations/0/location/latitude', rule: 'NO_POINT' })]);
    expect(rows.locations[0]).toMatchObject({ latitude: null, longitude: null, postcode: 'ABC 1234' });
    expect(rows.schedules[0]).toMatchObject({ frequency: 'WEEKLY', days: ['TH', 'FR'], opens: '10:00', closes: '18:00', month_days: [] });
  });
});

describe('what costs the service', () => {
  it.each([
    ['no object', 'x', ' NOT_AN_OBJECT'],
    ['no id', { name: 'x', status: 'active' }, '/id required'],
    ['no name', { id, status: 'active' }, ' required'],
    ['a status that there is not', { ...least, status: 'open' }, '/status enum'],
    ['five megabytes in one field', { ...least, description: 'x'.repeat(5_000_000) }, ' TOO_LONG'],
    ['what is nested without an end', { ...least, more: JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) }, ' TOO_LONG'],
  ])('%s', (_name, raw, fault) => {
    expect(holdService(raw, 'feed').document).toBeNull();
    expect(rules(raw)).toEqual([fault]);
  });
  it('a refuge, of which not even the id is said', () => {
    const held = holdService({ ...least, name: 'The refuge' }, 'feed');
    expect(held).toMatchObject({ sourceId: null, document: null, faults: [{ path: '', rule: 'SECRET_PLACE' }] });
  });
});

describe('what costs a part', () => {
  it('is named by path and rule, and the rest is valid', () => {
    const raw = {
      ...least,
      url: 'not an address',
      minimum_age: '4',
      schedules: [{ id, freq: 'DAILY' }, { id, freq: 'WEEKLY', byday: 'MO' }, 'never'],
      service_at_locations: [
        {
          id,
          location: { id, location_type: 'physical', latitude: 52.06, longitude: -1.34, addresses: [{ id, postal_code: 'OX16 5QD' }] },
        },
      ],
    };
    const { document, read, faults } = holdService(raw, 'feed');
    expect(faults.map(({ path, rule }) => `${path} ${rule}`).sort()).toEqual(
      [
        '/minimum_age type',
        '/schedules/0/freq enum',
        '/schedules/2 type',
        ...['address_1', 'city', 'state_province', 'country', 'address_type'].map(
          () => '/service_at_locations/0/location/addresses/0 required',
        ),
        '/url format',
      ].sort(),
    );
    expect(faultsOf('service', document)).toEqual([]);
    expect((document as any).schedules).toEqual([{ id }, { id, freq: 'WEEKLY', byday: 'MO' }]);
    // An address without a county is not valid, and still says where it is.
    const rows = serviceRows('feed', id, document as never, read, raw, []) as any;
    expect(rows.locations[0]).toMatchObject({ postcode: 'OX16 5QD', latitude: 52.06 });
  });
  it('says no value that was sent', () => {
    expect(JSON.stringify(holdService({ ...least, url: 'SECRET WORDS' }, 'feed').faults)).not.toContain('SECRET WORDS');
  });
  it('nulls say nothing, and what nobody understands stays', () => {
    const { document, faults } = holdService({ ...least, url: null, eligibility: 'all', 'x-own': { deep: [1, null] } }, 'feed');
    expect(faults).toEqual([]);
    expect(document).toEqual({ ...least, eligibility: 'all', 'x-own': { deep: [1] } });
  });
  it('an id that is no UUID is published under one made of it, the same every time and in every place', () => {
    const raw = { id: 17, name: 'x', status: 'active', organization: { id: 'org', name: 'y', description: 'z' }, organization_id: 'org' };
    const { sourceId, document, faults } = holdService(raw, 'feed');
    expect(sourceId).toBe('17');
    expect(document).toMatchObject({
      id: uuidOf('feed', '17'),
      organization_id: uuidOf('feed', 'org'),
      organization: { id: uuidOf('feed', 'org') },
    });
    expect(faults.map(({ rule }) => rule)).toEqual(['ID_NOT_UUID']);
    expect(faultsOf('service', document)).toEqual([]);
    expect(uuidOf('feed', '17')).not.toBe(uuidOf('other', '17'));
  });
  it('texts that PostgreSQL does not take are mended', () => {
    const { document } = holdService({ ...least, description: 'a\u0000b\ud800' }, 'feed');
    expect((document as any).description).toBe('ab\ufffd');
  });
});

describe('what is read out of it', () => {
  it.each([
    [{ fees: 'Free' }, true, false],
    [{ fees: 'free for families who are referred' }, false, true],
    [{ fees: 'reduced price' }, false, true],
    [{ fees: '£5 a session' }, false, false],
    [{ cost_options: [{ id, amount: 0 }] }, true, false],
    [
      {
        cost_options: [
          { id, amount: 0, option: 'Under 5s' },
          { id, amount: 4 },
        ],
      },
      false,
      true,
    ],
    [{ cost_options: [{ id, amount: 4, amount_description: 'concessions £2' }] }, false, true],
    [{}, false, false],
  ])('what it costs: %j', (document, free, discounted) => expect(costsOf(document)).toEqual({ free, discounted }));
  it.each([
    ['Swimming for families', [], 'leisure', 'OFFER'],
    ['Drop-in', ['Alcohol and drugs'], 'recovery', 'CLINICAL'],
    ['Alcohol support', ['Community'], 'recovery', 'CLINICAL'],
    ['Moving on from abuse', [], 'recovery', 'VICTIM'],
    ['Toy library', [], 'family-support', 'OFFER'],
  ])('of which kind %s is, and what it tells', (name, terms, kind, dataClass) => {
    const attributes = terms.map((term) => ({ id, taxonomy_term: { id, name: term } }));
    expect(kindOf({ name, attributes })).toEqual({ kind, dataClass });
  });
});
