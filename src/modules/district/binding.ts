import { type Binding, code, column, one, type RootBinding } from '../../read/binding.ts';
import { district, service, serviceOffer, serviceOfferLink } from './tables.ts';

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
    },
  },
  {
    type: 'Service',
    anchor: service,
    id: 'id',
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
      family: one('Family', serviceOffer.family, 'family'),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  districts: { kind: 'list', to: 'District', order: { keys: [{ column: 'code', type: 'text' }] }, filters: {} },
  services: {
    kind: 'page',
    to: 'Service',
    order: () => ({ keys: [{ column: 'id', type: 'integer' }] }),
    filters: {
      'filter.district': { decode: 'text', where: (s, p) => `${s}.district = ${p}` },
      'filter.kind': { decode: 'text', where: (s, p) => `${s}.kind = ${p}` },
    },
  },
};
