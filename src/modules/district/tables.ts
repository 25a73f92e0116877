/** District councils: the public directory of services, and what was offered to a family. */
import { sql } from 'drizzle-orm';
import {
  boolean,
  check,
  date,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  primaryKey,
  text,
  time,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, moment, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { outcomeIndicator } from '../outcome/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { directoryTerm, SEARCH, secret, serviceFeed, serviceProvider, tsvector } from './directory.ts';

/** Districts by their ONS code; they end and are followed by others. */
export const district = classify(
  fsp.table('district', {
    code: text('code').primaryKey(),
    name: text('name').notNull(),
    validFrom: text('valid_from').notNull(),
    validTo: text('valid_to'),
    successor: text('successor'),
  }),
  'DIRECTORY',
);

export const service = classify(
  fsp.table(
    'service',
    {
      /** Reference data says its own, which is small; of a feed they are counted from a million on. */
      id: integer('id').primaryKey().generatedByDefaultAsIdentity({ startWith: 1_000_000 }),
      code: text('code').notNull().unique(),
      name: text('name').notNull(),
      description: text('description'),
      /** Whose desk takes offers of it: of a feed's services whose feed it is. */
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      district: text('district').references(() => district.code),
      kind: text('kind').notNull(),
      minimumAge: integer('minimum_age'),
      maximumAge: integer('maximum_age'),
      cost: text('cost'),
      /** What knowing that it was offered to somebody tells about them. */
      dataClass: text('data_class').$type<PersonalClass>().notNull(),
      active: boolean('active').notNull().default(true),
      /** Its id in Open Referral UK: the publisher's, where that is a UUID and nobody else's. */
      publicId: uuid('public_id').notNull().unique().defaultRandom(),
      /** Null: reference data of the authority. */
      feed: integer('feed').references(() => serviceFeed.id),
      /** Its id as the feed writes it. */
      sourceId: text('source_id'),
      /** As Open Referral UK has it: active, inactive, defunct, temporarily closed. */
      status: text('status').notNull().default('active'),
      url: text('url'),
      email: text('email'),
      fees: text('fees'),
      alert: text('alert'),
      accreditations: text('accreditations'),
      free: boolean('free').notNull().default(false),
      discounted: boolean('discounted').notNull().default(false),
      /** Given to whoever brings a code, so that its desk never learns who sent them: every service of leisure. */
      byVoucher: boolean('by_voucher').notNull().generatedAlwaysAs(sql`kind = 'leisure'`),
      /** Who gives it, as the feed names them. */
      provider: uuid('provider').references(() => serviceProvider.id),
      /** When the publisher says that it changed. */
      lastModified: moment('last_modified'),
      lastSeen: moment('last_seen'),
      /** It has gone from its feed. The row stays, because offers point to it. */
      retiredAt: moment('retired_at'),
      /** Fingerprint of the record as it came: what is the same is not written again. */
      digest: text('digest'),
    },
    (t) => [
      index('service_district').on(t.district, t.id),
      index('service_kind').on(t.kind, t.id),
      unique('service_of_feed').on(t.feed, t.sourceId),
    ],
  ),
  'DIRECTORY',
);

/** A service as it came, and as it goes out: whole, so that nothing is lost that no column has. */
export const serviceDocument = classify(
  fsp.table(
    'service_document',
    {
      service: integer('service')
        .primaryKey()
        .references(() => service.id),
      /** As it came, with what nobody here understands. Null: reference data. */
      source: jsonb('source'),
      /** In the shape of the UK profile, valid by its schemas. */
      document: jsonb('document').notNull(),
      secret: secret(),
      search: tsvector('search').notNull().generatedAlwaysAs(SEARCH),
    },
    (t) => [index('service_document_search').using('gin', t.search)],
  ),
  'DIRECTORY',
);

const ofService = () =>
  integer('service')
    .notNull()
    .references(() => service.id);

/** Where a service is given. */
export const serviceLocation = classify(
  fsp.table(
    'service_location',
    {
      id: id(),
      service: ofService(),
      /** Ids of Open Referral UK: of the service at the location, and of the location. */
      publicId: uuid('public_id').notNull(),
      location: uuid('location'),
      locationType: text('location_type'),
      name: text('name'),
      address: text('address'),
      city: text('city'),
      postcode: text('postcode'),
      /** WGS 84; where the feed says no point, the middle of the postcode's area. */
      latitude: doublePrecision('latitude'),
      longitude: doublePrecision('longitude'),
      approximate: boolean('approximate').notNull().default(false),
      accessibility: text('accessibility'),
    },
    (t) => [
      index('service_location_service').on(t.service),
      index('service_location_point').on(t.latitude, t.longitude),
      index('service_location_public').on(t.publicId),
    ],
  ),
  'DIRECTORY',
);

/** When a service is open: the rule of RFC 5545, as far as the profile has it. */
export const serviceSchedule = classify(
  fsp.table(
    'service_schedule',
    {
      id: id(),
      service: ofService(),
      validFrom: date('valid_from'),
      validTo: date('valid_to'),
      starts: date('starts'),
      frequency: text('frequency'),
      every: integer('every').notNull().default(1),
      /** `MO`, or in a month `2MO`, `-1MO`. */
      days: text('days').array().notNull().default([]),
      monthDays: integer('month_days').array().notNull().default([]),
      opens: time('opens'),
      closes: time('closes'),
      note: text('note'),
    },
    (t) => [index('service_schedule_service').on(t.service)],
  ),
  'DIRECTORY',
);

export const serviceCost = classify(
  fsp.table(
    'service_cost',
    {
      id: id(),
      service: ofService(),
      option: text('option'),
      amount: numeric('amount'),
      description: text('description'),
      validFrom: date('valid_from'),
      validTo: date('valid_to'),
    },
    (t) => [index('service_cost_service').on(t.service)],
  ),
  'DIRECTORY',
);

/** Where people may live who use a service, in the publisher's words. */
export const serviceArea = classify(
  fsp.table(
    'service_area',
    { id: id(), service: ofService(), name: text('name'), extent: text('extent'), extentType: text('extent_type'), uri: text('uri') },
    (t) => [index('service_area_service').on(t.service)],
  ),
  'DIRECTORY',
);

/** Whom to ask about a service, as its publisher made public. */
export const serviceContact = classify(
  fsp.table(
    'service_contact',
    { id: id(), service: ofService(), name: text('name'), title: text('title'), email: text('email'), phone: text('phone') },
    (t) => [index('service_contact_service').on(t.service)],
  ),
  'DIRECTORY',
);

/** Which terms of which taxonomies say what a service is. */
export const serviceTerm = classify(
  fsp.table(
    'service_term',
    {
      service: ofService(),
      term: uuid('term')
        .notNull()
        .references(() => directoryTerm.id),
    },
    (t) => [primaryKey({ columns: [t.service, t.term] }), index('service_term_term').on(t.term)],
  ),
  'DIRECTORY',
);

/** How far a district has come with each kind of service of the model. */
export const districtRollout = classify(
  fsp.table(
    'district_rollout',
    {
      district: text('district')
        .notNull()
        .references(() => district.code),
      kind: text('kind').notNull(),
      state: text('state').notNull(),
      since: date('since'),
      note: text('note'),
      /** The programme of healthy places that it belongs to. */
      healthyPlaces: text('healthy_places'),
    },
    (t) => [primaryKey({ columns: [t.district, t.kind] })],
  ),
  'DIRECTORY',
);

/** How many places a service has, said by who gives it; a service without one does not count them. */
export const serviceCapacity = classify(
  fsp.table(
    'service_capacity',
    {
      service: integer('service')
        .primaryKey()
        .references(() => service.id),
      places: integer('places').notNull(),
    },
    () => [check('service_capacity_is_some', sql`places >= 0`)],
  ),
  'DIRECTORY',
);

/** Who holds a place: an offer, an answer to a need of housing, a voucher. Written by the database alone (`fsp.follow_place`), read by nobody. */
export const servicePlace = classify(
  fsp.table(
    'service_place',
    {
      id: id(),
      service: ofService(),
      /** The table and key of what holds it. */
      heldBy: text('held_by').notNull(),
      heldKey: key('held_key').notNull(),
      /** The last day; null: until it is given back. */
      until: date('until'),
    },
    (t) => [unique('service_place_holder').on(t.heldBy, t.heldKey), index('service_place_service').on(t.service)],
  ),
  'OPERATION',
);

/** Which indicators a service is meant to move, where who gives it has said so; else its kind's are. */
export const serviceOwnIndicator = classify(
  fsp.table(
    'service_own_indicator',
    {
      service: ofService(),
      indicator: integer('indicator')
        .notNull()
        .references(() => outcomeIndicator.id),
    },
    (t) => [primaryKey({ columns: [t.service, t.indicator] })],
  ),
  'DIRECTORY',
);

/** Which indicator each kind of service is expected to move. */
export const serviceIndicator = classify(
  fsp.table(
    'service_indicator',
    {
      kind: text('kind').notNull(),
      indicator: integer('indicator')
        .notNull()
        .references(() => outcomeIndicator.id),
      source: text('source').notNull(),
    },
    (t) => [primaryKey({ columns: [t.kind, t.indicator] })],
  ),
  'DIRECTORY',
);

const throughService = (alias: string, offer: string, org: string) =>
  `(select true from fsp.service_offer_link own_link where own_link.offer = ${alias}.${offer} and own_link.provider = ${org})`;

export const serviceOffer = classify(
  fsp.table(
    'service_offer',
    {
      id: id(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      offeredOn: date('offered_on').notNull(),
      status: text('status').notNull(),
      takenUpOn: date('taken_up_on'),
      outcome: text('outcome'),
      /** Why it is not, or no longer, to be had: code list `offer-reason`. */
      reason: text('reason'),
      /** The day of its latest step. */
      answeredOn: date('answered_on'),
      /** The last day on which an accepted place waits to be taken up. */
      heldUntil: date('held_until'),
      version: version(),
      ...times(),
    },
    (t) => [index('service_offer_family').on(t.family, t.id), unique('service_offer_of_writer').on(t.id, t.family, t.person, t.controller)],
  ),
  'OFFER',
  {
    own: { columns: ['controller'], through: (alias, org) => throughService(alias, 'id', org), unassigned: true },
    amendingActs: ['recordOfferOutcome'],
    amendedThrough: true,
  },
);

/** Which service was offered, and on whose desk it is (of what is given by voucher, on nobody's but who offered it); needs the service's own class as well. */
export const serviceOfferLink = classify(
  fsp.table(
    'service_offer_link',
    {
      offer: key('offer').primaryKey(),
      family: familyKey(),
      person: personKey(),
      controller: controller(),
      worker: text('worker'),
      rowMask: key('row_mask').notNull(),
      service: integer('service')
        .notNull()
        .references(() => service.id),
      provider: integer('provider')
        .notNull()
        .references(() => organisation.id),
    },
    (t) => [
      index('service_offer_link_provider').on(t.provider),
      index('service_offer_link_family').on(t.family),
      foreignKey({
        name: 'service_offer_link_of_offer',
        columns: [t.offer, t.family, t.person, t.controller],
        foreignColumns: [serviceOffer.id, serviceOffer.family, serviceOffer.person, serviceOffer.controller],
      }),
    ],
  ),
  'OFFER',
  { own: { columns: ['controller', 'provider'], unassigned: true }, rowClassOf: 'service' },
);
