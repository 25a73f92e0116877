/** A service of Open Referral UK as rows of the directory: what is searched by. Everything else stays in its document. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Fault, isObject, isUuid, type Json, storable, uuidOf } from './profile.ts';

type Kind = { kind: string; dataClass: string; words: string[] };

const KINDS = (
  JSON.parse(readFileSync(new URL('../../../reference/england/open-referral/kinds.json', import.meta.url), 'utf8')) as { entries: Kind[] }
).entries;

const text = (value: unknown): string | null => (typeof value === 'string' && value.trim() !== '' ? value.slice(0, 20_000) : null);
const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const list = (value: unknown): string[] =>
  (Array.isArray(value) ? value.map(String) : String(value ?? '').split(/[,;\s]+/))
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** The words of a text, for which kinds are looked up. */
const wordsOf = (...texts: unknown[]): Set<string> =>
  new Set(
    texts
      .map((each) => text(each)?.toLowerCase() ?? '')
      .join(' ')
      .split(/[^a-z]+/),
  );

const kindBy = (words: Set<string>): Kind | undefined => KINDS.find((kind) => kind.words.some((word) => words.has(word)));

/** Of which kind of ours a service is, and what it tells of somebody that it was offered to them: by its terms, then its name. */
export function kindOf(document: Json): { kind: string; dataClass: string } {
  const terms = objects(document.attributes).map(({ taxonomy_term: term }) => (isObject(term) ? term.name : null));
  const byName = kindBy(wordsOf(document.name));
  const found = kindBy(wordsOf(...terms)) ?? byName ?? { kind: 'family-support', dataClass: 'OFFER' };
  // A term may say "community" where the name says "alcohol": of two classes the one that tells more.
  const { dataClass } = byName && found.dataClass === 'OFFER' ? byName : found;
  return { kind: found.kind, dataClass };
}

/** Counts the changes of what is read from a record: what came before is then written anew. */
const READING = 1;

/** The same for the same members in any order: a list and a record give them in two. */
const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : isObject(value)
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, inner]) => [name, sorted(inner)]),
        )
      : value;

const MONTHS = 12;

/** A day of the calendar, from a date or a moment; null where there is none. */
function day(value: unknown): string | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})(?:$|[T ])/.exec(text(value) ?? '');
  if (!found || found[1] === '0000' || Number(found[2]) > MONTHS) return null;
  const written = found[0].slice(0, 10);
  const date = new Date(`${written}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(written) ? written : null;
}

/** A moment of the years 1 to 9999; null where there is none. */
function momentOf(written: string | null): string | null {
  const moment = written === null || Number.isNaN(Date.parse(written)) ? null : new Date(written).toISOString();
  return moment !== null && /^(?!0000)\d{4}-/.test(moment) ? moment : null;
}

/** A time of the day, local; null where there is none. */
function clock(value: unknown): string | null {
  const found = /^([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d)?/.exec(text(value) ?? '');
  return found && (Number(found[1]) < 24 || found[2] === '00') ? `${(found[1] as string).padStart(2, '0')}:${found[2]}` : null;
}

const DAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

function scheduleOf(schedule: Json) {
  const starts = day(schedule.dtstart);
  const frequency = schedule.freq === 'WEEKLY' || schedule.freq === 'MONTHLY' ? schedule.freq : null;
  const monthly = frequency === 'MONTHLY';
  const days = list(schedule.byday)
    .map((each) => each.toUpperCase())
    .filter((each) => /^(?:-1|[1-5])?(?:MO|TU|WE|TH|FR|SA|SU)$/.test(each))
    .map((each) => (monthly ? each : each.slice(-2)));
  // Every week without a weekday is on that of its beginning.
  if (frequency === 'WEEKLY' && days.length === 0 && starts) days.push(DAYS[(new Date(starts).getUTCDay() + 6) % 7] as string);
  const every =
    typeof schedule.interval === 'number' && schedule.interval >= 1 && schedule.interval <= 100 ? Math.floor(schedule.interval) : 1;
  return {
    valid_from: day(schedule.valid_from),
    valid_to: day(schedule.valid_to),
    starts,
    frequency,
    every,
    days: [...new Set(days)],
    // A week has no days of the month; the publisher's own example has both.
    month_days: monthly
      ? list(schedule.bymonthday)
          .map(Number)
          .filter((each) => Number.isInteger(each) && each >= 1 && each <= 31)
      : [],
    opens: clock(schedule.opens_at),
    closes: clock(schedule.closes_at),
    note: text(schedule.notes) ?? text(schedule.description),
  };
}

/** WGS 84; null where there is none, or none that can be. */
function pointOf({ latitude, longitude }: Json): { latitude: number; longitude: number } | null {
  if (typeof latitude !== 'number' || typeof longitude !== 'number') return null;
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180 || (latitude === 0 && longitude === 0)) return null;
  return { latitude, longitude };
}

function locationOf(at: Json, index: number, owner: string, faults: Fault[]) {
  const location = isObject(at.location) ? at.location : {};
  const point = pointOf(location);
  if (!point && (location.latitude !== undefined || location.longitude !== undefined)) {
    const message = 'It is no point of the earth in degrees; the service is not found by it.';
    faults.push({ path: `/service_at_locations/${index}/location/latitude`, rule: 'NO_POINT', message });
  }
  const addresses = objects(location.addresses);
  const address = addresses.find(({ address_type: type }) => type === 'physical') ?? addresses[0] ?? {};
  return {
    public_id: isUuid(at.id) ? at.id : uuidOf(owner, 'at', String(index)),
    location: isUuid(location.id) ? location.id : null,
    location_type: text(location.location_type),
    name: text(location.name),
    address: text(address.address_1),
    city: text(address.city),
    postcode: text(address.postal_code)?.slice(0, 20) ?? null,
    latitude: point?.latitude ?? null,
    longitude: point?.longitude ?? null,
    accessibility:
      objects(location.accessibility)
        .map(({ accessibility, description }) => text(accessibility) ?? text(description))
        .filter((each) => each !== null)
        .join('\n')
        .slice(0, 20_000) || null,
  };
}

const FREE = /\b(?:free(?! (?:for|to|if|where|when|with))|no (?:charge|cost|fee))\b/i;
const DISCOUNTED =
  /\b(?:free (?:for|to|if|where|when|with)|discount\w*|concession\w*|reduced|reductions?|subsidi[sz]ed|bursar\w*|half[ -]price|low[ -]income|benefits?)\b/i;

/** Whether a service costs nothing, and whether it costs some people less: by its amounts, and by what is said of them. */
export function costsOf(document: Json): { free: boolean; discounted: boolean } {
  const costs = objects(document.cost_options);
  const words = [document.fees, ...costs.flatMap(({ option, amount_description: description }) => [option, description])]
    .map(text)
    .filter((each) => each !== null);
  const amounts = costs.map(({ amount }) => amount).filter((amount) => typeof amount === 'number');
  const nothing = amounts.some((amount) => amount === 0);
  const something = amounts.some((amount) => (amount as number) > 0);
  return {
    free: !something && (nothing || words.some((each) => FREE.test(each) && !DISCOUNTED.test(each))),
    discounted: (nothing && something) || words.some((each) => DISCOUNTED.test(each)),
  };
}

const age = (value: unknown): number | null => (typeof value === 'number' && value >= 0 && value <= 150 ? Math.floor(value) : null);

function termsOf(document: Json, feed: string) {
  const taxonomies = new Map<string, Json>();
  const terms = objects(document.attributes).flatMap(({ taxonomy_term: term }) => {
    if (!isObject(term) || !isUuid(term.id)) return [];
    // The profile names a taxonomy in words, or by its id.
    const name = text(term.taxonomy) ?? 'Terms without a taxonomy';
    const taxonomy = isUuid(term.taxonomy_id) ? term.taxonomy_id : uuidOf('taxonomy', text(term.taxonomy) ? name : feed);
    taxonomies.set(taxonomy, { id: taxonomy, name, document: { id: taxonomy, name, description: name } });
    return [
      {
        id: term.id,
        taxonomy,
        parent: isUuid(term.parent_id) ? term.parent_id : null,
        name: text(term.name) ?? '',
        description: text(term.description),
        uri: text(term.term_uri),
        document: { ...term, taxonomy: name, taxonomy_id: taxonomy },
      },
    ];
  });
  return { taxonomies: [...taxonomies.values()], terms };
}

/**
 * What `fsp.write_service` takes.
 *
 * @param document valid by the profile.
 * @param read the same before its faulty parts were taken out.
 * @param raw as it came.
 * @param faults what is found wrong is added.
 */
export function serviceRows(feed: string, sourceId: string, document: Json, read: Json, raw: unknown, faults: Fault[]): Json {
  const ownId = uuidOf('service', feed, sourceId);
  const organization = isObject(document.organization) ? document.organization : null;
  const at = objects(read.service_at_locations);
  const { kind, dataClass } = kindOf(document);
  const costs = objects(document.cost_options);
  // An organisation is a feed's own: two feeds that name one by the same id do not write each other's.
  const provider = organization && {
    id: uuidOf('provider', feed, String(organization.id)),
    source_id: String(organization.id),
    name: text(organization.name) ?? '',
    description: text(organization.description),
    website: text(organization.website),
    email: text(organization.email),
  };
  return {
    sourceId,
    publicId: document.id,
    ownId,
    digest: createHash('sha256')
      .update(`${READING} ${JSON.stringify(sorted(raw))}`)
      .digest('base64url'),
    source: storable(raw),
    document,
    provider,
    row: {
      name: document.name,
      description: text(document.description),
      kind,
      data_class: dataClass,
      minimum_age: age(document.minimum_age),
      maximum_age: age(document.maximum_age),
      cost: text(document.fees) ?? text(costs[0]?.option) ?? null,
      active: document.status === 'active',
      status: document.status,
      url: text(document.url),
      email: text(document.email),
      fees: text(document.fees),
      alert: text(document.alert),
      accreditations: text(document.accreditations),
      ...costsOf(document),
      last_modified: momentOf(text(document.last_modified)),
    },
    locations: at.map((each, i) => locationOf(each, i, ownId, faults)),
    schedules: objects(document.schedules).map(scheduleOf),
    costs: costs.map((cost) => ({
      option: text(cost.option),
      amount: typeof cost.amount === 'number' && Math.abs(cost.amount) < 1e9 ? cost.amount : null,
      description: text(cost.amount_description),
      valid_from: day(cost.valid_from),
      valid_to: day(cost.valid_to),
    })),
    areas: objects(document.service_areas).map((area) => ({
      name: text(area.name) ?? text(area.service_area),
      extent: text(area.extent),
      extent_type: text(area.extent_type),
      uri: text(area.uri),
    })),
    contacts: objects(document.contacts).map((contact) => ({
      name: text(contact.name),
      title: text(contact.title),
      email: text(contact.email),
      phone: text(objects(contact.phones)[0]?.number),
    })),
    ...termsOf(document, feed),
  };
}
