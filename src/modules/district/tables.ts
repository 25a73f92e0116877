/** District councils: the public directory of services, and what was offered to a family. */
import { boolean, date, foreignKey, index, integer, primaryKey, text, unique } from 'drizzle-orm/pg-core';
import type { PersonalClass } from '../../access/classes.ts';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { outcomeIndicator } from '../outcome/tables.ts';
import { organisation } from '../sharing/tables.ts';

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
      id: integer('id').primaryKey(),
      code: text('code').notNull().unique(),
      name: text('name').notNull(),
      description: text('description'),
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
    },
    (t) => [index('service_district').on(t.district, t.id), index('service_kind').on(t.kind, t.id)],
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

/** Which service was offered, and by whom it is given; needs the service's own class as well. */
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
