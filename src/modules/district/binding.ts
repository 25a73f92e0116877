import { type Binding, byId, code, column, computed, list, one, page, type RootBinding } from '../../read/binding.ts';
import { directoryTaxonomy, directoryTerm, serviceFeed, serviceProvider, serviceRun, serviceRunLine } from './directory.ts';
import {
  district,
  districtRollout,
  service,
  serviceArea,
  serviceCapacity,
  serviceContact,
  serviceCost,
  serviceDocument,
  serviceLocation,
  serviceOffer,
  serviceOfferLink,
  serviceSchedule,
} from './tables.ts';

/** SQL of the point to measure from, once a statement. */
const from = (near: string) => `(select fsp.point_of(${near}::jsonb))`;

/** SQL of how far a service's nearest place is, in whole metres; a billion where it has none. */
const distance = (row: string, near: string) =>
  `coalesce((select min(fsp.metres((${from(near)})[1], (${from(near)})[2], l.latitude, l.longitude))::integer from fsp.service_location l where l.service = ${row}.id), 1000000000)`;

/** A degree of latitude is 111.2 km; one of longitude that, times the cosine of the latitude. */
const DEGREE = 111_195;

export const bindings: Binding[] = [
  {
    type: 'District',
    anchor: district,
    fields: {
      code: column(district.code),
      name: column(district.name),
      validFrom: column(district.validFrom),
      validTo: column(district.validTo),
      successor: one('District', district.successor, 'code'),
      rollout: list('DistrictRollout', 'district', 'code', { keys: [{ column: 'kind', type: 'text' }] }),
    },
  },
  {
    type: 'DistrictRollout',
    anchor: districtRollout,
    fields: {
      kind: code('service-kind', districtRollout.kind),
      state: column(districtRollout.state),
      since: column(districtRollout.since),
      note: column(districtRollout.note),
      healthyPlaces: column(districtRollout.healthyPlaces),
    },
  },
  {
    type: 'Service',
    anchor: service,
    id: 'id',
    sides: [[serviceCapacity, serviceCapacity.service]],
    fields: {
      code: column(service.code),
      name: column(service.name),
      description: column(service.description),
      organisation: one('Organisation', service.organisation, 'id'),
      district: one('District', service.district, 'code'),
      kind: code('service-kind', service.kind),
      minimumAge: column(service.minimumAge),
      maximumAge: column(service.maximumAge),
      cost: column(service.cost),
      active: column(service.active),
      publicId: column(service.publicId),
      status: column(service.status),
      url: column(service.url),
      email: column(service.email),
      fees: column(service.fees),
      free: column(service.free),
      discounted: column(service.discounted),
      byVoucher: column(service.byVoucher),
      places: column(serviceCapacity.places),
      placesLeft: computed(service, (s) => `fsp.places_left(${s}.id)`, { type: 'integer' }),
      alert: column(service.alert),
      accreditations: column(service.accreditations),
      lastModified: column(service.lastModified),
      retired: column(service.retiredAt),
      provider: one('ServiceProvider', service.provider, 'id'),
      feed: one('ServiceFeed', service.feed, 'id'),
      locations: list('ServiceLocation', 'service', 'id', byId),
      schedules: list('ServiceSchedule', 'service', 'id', byId),
      costs: list('ServiceCost', 'service', 'id', byId),
      areas: list('ServiceArea', 'service', 'id', byId),
      contacts: list('ServiceContact', 'service', 'id', byId),
      terms: {
        kind: 'list',
        to: 'ServiceTerm',
        on: (s, t) => `${t}.id in (select has.term from fsp.service_term has where has.service = ${s}.id)`,
        order: { keys: [{ column: 'id', type: 'text' }] },
      },
      expectedToMove: {
        kind: 'list',
        to: 'OutcomeIndicator',
        on: (s, i) =>
          `${i}.id in (select own.indicator from fsp.service_own_indicator own where own.service = ${s}.id union all select moved.indicator from fsp.service_indicator moved where moved.kind = ${s}.kind and not exists (select from fsp.service_own_indicator own where own.service = ${s}.id))`,
        order: { keys: [{ column: 'id', type: 'integer' }] },
      },
    },
  },
  {
    type: 'ServiceProvider',
    anchor: serviceProvider,
    fields: {
      name: column(serviceProvider.name),
      description: column(serviceProvider.description),
      website: column(serviceProvider.website),
      email: column(serviceProvider.email),
    },
  },
  {
    type: 'ServiceLocation',
    anchor: serviceLocation,
    fields: {
      name: column(serviceLocation.name),
      address: column(serviceLocation.address),
      city: column(serviceLocation.city),
      postcode: column(serviceLocation.postcode),
      latitude: column(serviceLocation.latitude),
      longitude: column(serviceLocation.longitude),
      approximate: column(serviceLocation.approximate),
      accessibility: column(serviceLocation.accessibility),
    },
  },
  {
    type: 'ServiceSchedule',
    anchor: serviceSchedule,
    fields: {
      validFrom: column(serviceSchedule.validFrom),
      validTo: column(serviceSchedule.validTo),
      starts: column(serviceSchedule.starts),
      frequency: column(serviceSchedule.frequency),
      every: column(serviceSchedule.every),
      days: column(serviceSchedule.days),
      monthDays: column(serviceSchedule.monthDays),
      opens: column(serviceSchedule.opens),
      closes: column(serviceSchedule.closes),
      note: column(serviceSchedule.note),
    },
  },
  {
    type: 'ServiceCost',
    anchor: serviceCost,
    fields: {
      option: column(serviceCost.option),
      amount: column(serviceCost.amount),
      description: column(serviceCost.description),
      validFrom: column(serviceCost.validFrom),
      validTo: column(serviceCost.validTo),
    },
  },
  {
    type: 'ServiceArea',
    anchor: serviceArea,
    fields: {
      name: column(serviceArea.name),
      extent: column(serviceArea.extent),
      extentType: column(serviceArea.extentType),
      uri: column(serviceArea.uri),
    },
  },
  {
    type: 'ServiceContact',
    anchor: serviceContact,
    fields: {
      name: column(serviceContact.name),
      title: column(serviceContact.title),
      email: column(serviceContact.email),
      phone: column(serviceContact.phone),
    },
  },
  {
    type: 'ServiceTerm',
    anchor: directoryTerm,
    fields: {
      name: column(directoryTerm.name),
      description: column(directoryTerm.description),
      uri: column(directoryTerm.uri),
      taxonomy: computed(directoryTerm, (t, sub) => `select x.name ${sub(directoryTaxonomy, 'x')} and x.id = ${t}.taxonomy`),
    },
  },
  {
    type: 'ServiceFeed',
    anchor: serviceFeed,
    id: 'id',
    fields: {
      code: column(serviceFeed.code),
      organisation: one('Organisation', serviceFeed.organisation, 'id'),
      district: one('District', serviceFeed.district, 'code'),
      url: column(serviceFeed.url),
      enabled: column(serviceFeed.enabled),
      registered: column(serviceFeed.registeredAt),
      runs: page('ServiceRun', 'feed', 'id', { ...byId, descending: true }),
    },
  },
  {
    type: 'ServiceRun',
    anchor: serviceRun,
    id: 'id',
    fields: {
      feed: one('ServiceFeed', serviceRun.feed, 'id'),
      started: column(serviceRun.startedAt),
      ended: column(serviceRun.endedAt),
      complete: column(serviceRun.complete),
      created: column(serviceRun.created),
      updated: column(serviceRun.updated),
      unchanged: column(serviceRun.unchanged),
      failed: column(serviceRun.failed),
      retired: column(serviceRun.retired),
      fault: column(serviceRun.fault),
      lines: page('ServiceRunLine', 'run', 'id', byId),
    },
  },
  {
    type: 'ServiceRunLine',
    anchor: serviceRunLine,
    fields: {
      line: column(serviceRunLine.line),
      sourceId: column(serviceRunLine.sourceId),
      result: column(serviceRunLine.result),
      path: column(serviceRunLine.path),
      rule: column(serviceRunLine.rule),
      message: column(serviceRunLine.message),
    },
  },
  {
    type: 'ServiceOffer',
    anchor: serviceOffer,
    id: 'id',
    sides: [[serviceOfferLink, serviceOfferLink.offer]],
    event: { at: serviceOffer.offeredOn },
    fields: {
      person: one('Person', serviceOffer.person, 'person', { samePerson: true }),
      service: one('Service', serviceOfferLink.service, 'id'),
      offeredBy: one('Organisation', serviceOffer.controller, 'id'),
      offered: column(serviceOffer.offeredOn),
      status: column(serviceOffer.status),
      takenUp: column(serviceOffer.takenUpOn),
      outcome: column(serviceOffer.outcome),
      reason: code('offer-reason', serviceOffer.reason),
      answered: column(serviceOffer.answeredOn),
      heldUntil: column(serviceOffer.heldUntil),
      version: column(serviceOffer.version),
      family: one('Family', serviceOffer.family, 'family'),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  serviceFeeds: { kind: 'list', to: 'ServiceFeed', order: { keys: [{ column: 'id', type: 'integer' }] }, filters: {} },
  offers: {
    kind: 'page',
    to: 'ServiceOffer',
    // Those of which the asking organisation gives the service, found by their links, which are few: of all others none is asked.
    standing: (o) =>
      `${o}.id = any (array(select given.offer from fsp.service_offer_link given where given.provider = (select fsp.current_organisation())))`,
    order: () => ({
      keys: [
        { column: 'offered_on', type: 'date' },
        { column: 'id', type: 'bigint' },
      ],
    }),
    filters: {
      'filter.open': { decode: 'text', where: (o, p) => `(${o}.status in ('OFFERED', 'WAITING', 'ACCEPTED', 'TAKEN_UP')) = ${p}::boolean` },
      'filter.status': { decode: 'text', where: (o, p) => `${o}.status = ${p}` },
    },
  },
  districts: { kind: 'list', to: 'District', order: { keys: [{ column: 'code', type: 'text' }] }, filters: {} },
  services: {
    kind: 'page',
    to: 'Service',
    standing: (s) => `${s}.retired_at is null`,
    order: ({ filter }) => {
      const byKey = { column: 'id', type: 'integer' } as const;
      const near = (filter as { near?: unknown } | null | undefined)?.near;
      if (!near) return { keys: [byKey] };
      return { keys: [{ column: 'distance', type: 'integer', sql: (row, value) => distance(row, value('filter.near')) }, byKey] };
    },
    filters: {
      // Found by the index first, whatever order is asked for: few services hold a word.
      'filter.text': {
        decode: 'text',
        where: (s, p, sub) =>
          `${s}.id = any (array(select d.service ${sub(serviceDocument, 'd')} and d.search @@ websearch_to_tsquery('english', ${p})))`,
      },
      'filter.age': {
        decode: 'text',
        where: (s, p) => `coalesce(${s}.minimum_age, 0) <= ${p}::integer and coalesce(${s}.maximum_age, 1000) >= ${p}::integer`,
      },
      'filter.near': {
        decode: 'json',
        where: (s, p, sub) => {
          const [latitude, longitude] = [`(${from(p)})[1]`, `(${from(p)})[2]`];
          const within = `(${p}::jsonb ->> 'within')::double precision`;
          const aside = `${within} / ${DEGREE} / greatest(cos(radians(${latitude})), 0.01)`;
          const box =
            `l.latitude between ${latitude} - ${within} / ${DEGREE} and ${latitude} + ${within} / ${DEGREE}` +
            ` and l.longitude between ${longitude} - ${aside} and ${longitude} + ${aside}`;
          return `${s}.id = any (array(select l.service ${sub(serviceLocation, 'l')} and ${box} and fsp.metres(${latitude}, ${longitude}, l.latitude, l.longitude) <= ${within}))`;
        },
      },
      'filter.openAt': {
        decode: 'text',
        where: (s, p, sub) =>
          `(select true ${sub(serviceSchedule, 'o')} and o.service = ${s}.id and fsp.open_at(o, ${p}::timestamptz at time zone 'Europe/London') limit 1)`,
      },
      'filter.freeOrDiscounted': { decode: 'text', where: (s, p) => `(${s}.free or ${s}.discounted) = ${p}::boolean` },
      'filter.district': { decode: 'text', where: (s, p) => `${s}.district = ${p}` },
      'filter.kind': { decode: 'text', where: (s, p) => `${s}.kind = ${p}` },
    },
  },
};
