import { type Binding, byId, code, column, type FieldBinding, list, type Order, one, page, type RootBinding } from '../../read/binding.ts';
import {
  conflictOfInterest,
  disclosureElsewhere,
  emergencyAccess,
  familyRestriction,
  sharingDecision,
  whereaboutsProtection,
} from './ledger.ts';
import { code as codeTable, organisation } from './tables.ts';

const latest: Order = { keys: [{ column: 'id', type: 'bigint' }], descending: true };
const sameFamily = { sameFamily: true } as const;

export const bindings: Binding[] = [
  {
    type: 'Organisation',
    anchor: organisation,
    id: 'id',
    fields: {
      code: column(organisation.code),
      name: column(organisation.name),
      agency: column(organisation.agency),
      kind: code('organisation-kind', organisation.kind),
      parent: one('Organisation', organisation.parent, 'id'),
      district: one('District', organisation.district, 'code'),
      phone: column(organisation.phone),
    },
  },
  {
    type: 'Code',
    anchor: codeTable,
    fields: {
      list: column(codeTable.list),
      code: column(codeTable.code),
      label: column(codeTable.label),
      version: column(codeTable.version),
      source: column(codeTable.source),
      validFrom: column(codeTable.validFrom),
      validTo: column(codeTable.validTo),
    },
  },
  {
    type: 'SharingDecision',
    anchor: sharingDecision,
    id: 'id',
    fields: {
      effect: column(sharingDecision.effect),
      classes: column(sharingDecision.dataClasses),
      bundle: column(sharingDecision.bundle),
      person: one('Person', sharingDecision.person, 'person', { samePerson: true }),
      organisation: one('Organisation', sharingDecision.organisation, 'id'),
      agency: column(sharingDecision.agency),
      gateway: code('sharing-gateway', sharingDecision.gateway),
      harm: column(sharingDecision.harm),
      told: column(sharingDecision.told),
      reason: column(sharingDecision.reason),
      decidedBy: column(sharingDecision.decidedBy),
      controller: one('Organisation', sharingDecision.controller, 'id'),
      from: column(sharingDecision.from),
      until: column(sharingDecision.until),
      withdrawnAt: column(sharingDecision.withdrawnAt),
      withdrawnBy: column(sharingDecision.withdrawnBy),
      withdrawnFor: column(sharingDecision.withdrawnFor),
      agreementVersion: column(sharingDecision.agreementVersion),
      family: one('Family', sharingDecision.family, 'family', sameFamily),
    },
  },
  {
    type: 'DisclosureElsewhere',
    anchor: disclosureElsewhere,
    id: 'id',
    fields: {
      recipient: column(disclosureElsewhere.recipient),
      classes: column(disclosureElsewhere.dataClasses),
      gateway: code('sharing-gateway', disclosureElsewhere.gateway),
      what: column(disclosureElsewhere.what),
      reason: column(disclosureElsewhere.reason),
      person: one('Person', disclosureElsewhere.person, 'person', { samePerson: true }),
      on: column(disclosureElsewhere.disclosedOn),
      disclosedBy: column(disclosureElsewhere.disclosedBy),
      controller: one('Organisation', disclosureElsewhere.controller, 'id'),
      family: one('Family', disclosureElsewhere.family, 'family', sameFamily),
    },
  },
  {
    type: 'WhereaboutsProtection',
    anchor: whereaboutsProtection,
    id: 'id',
    fields: {
      person: one('Person', whereaboutsProtection.person, 'person', { samePerson: true }),
      reason: column(whereaboutsProtection.reason),
      from: column(whereaboutsProtection.from),
      until: column(whereaboutsProtection.until),
      endedFor: column(whereaboutsProtection.endedFor),
      controller: one('Organisation', whereaboutsProtection.controller, 'id'),
    },
  },
  {
    type: 'FamilyRestriction',
    anchor: familyRestriction,
    id: 'id',
    fields: {
      cause: column(familyRestriction.cause),
      reason: column(familyRestriction.reason),
      organisation: one('Organisation', familyRestriction.organisation, 'id'),
      from: column(familyRestriction.from),
      until: column(familyRestriction.until),
      liftedFor: column(familyRestriction.liftedFor),
    },
  },
  {
    type: 'ConflictOfInterest',
    anchor: conflictOfInterest,
    id: 'id',
    fields: {
      user: column(conflictOfInterest.subject),
      reason: column(conflictOfInterest.reason),
      from: column(conflictOfInterest.from),
      until: column(conflictOfInterest.until),
      organisation: one('Organisation', conflictOfInterest.controller, 'id'),
    },
  },
  {
    type: 'EmergencyAccess',
    anchor: emergencyAccess,
    id: 'id',
    fields: {
      classes: column(emergencyAccess.dataClasses),
      reasonCode: code('emergency-reason', emergencyAccess.reasonCode),
      reason: column(emergencyAccess.reason),
      user: column(emergencyAccess.worker),
      organisation: one('Organisation', emergencyAccess.controller, 'id'),
      from: column(emergencyAccess.from),
      until: column(emergencyAccess.until),
      reviewedAt: column(emergencyAccess.reviewedAt),
      reviewedBy: column(emergencyAccess.reviewedBy),
      finding: code('emergency-finding', emergencyAccess.finding),
      findings: column(emergencyAccess.findings),
      family: one('Family', emergencyAccess.family, 'family', sameFamily),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    sharingDecisions: page('SharingDecision', 'family', 'family', latest, sameFamily),
    disclosuresElsewhere: list('DisclosureElsewhere', 'family', 'family', latest, sameFamily),
    whereaboutsProtections: list('WhereaboutsProtection', 'family', 'family', byId, sameFamily),
    restrictions: list('FamilyRestriction', 'family', 'family', byId, sameFamily),
    conflictsOfInterest: list('ConflictOfInterest', 'family', 'family', byId, sameFamily),
    emergencyAccesses: list('EmergencyAccess', 'family', 'family', latest, sameFamily),
  },
};

export const roots: Record<string, RootBinding> = {
  emergencyAccesses: {
    kind: 'page',
    to: 'EmergencyAccess',
    order: () => latest,
    filters: {
      'filter.reviewed': { decode: 'text', where: (e, p) => `(${e}.reviewed_at is not null) = ${p}::boolean` },
      'filter.organisation': { decode: 'id', type: 'Organisation', where: (e, p) => `${e}.controller = ${p}::bigint` },
    },
  },
  codes: {
    kind: 'list',
    to: 'Code',
    order: {
      keys: [
        { column: 'list', type: 'text' },
        { column: 'code', type: 'text' },
        { column: 'version', type: 'text' },
      ],
    },
    filters: { list: { decode: 'text', where: (c, p) => `${c}.list = ${p}` } },
  },
  organisations: {
    kind: 'page',
    to: 'Organisation',
    order: () => ({ keys: [{ column: 'id', type: 'integer' }] }),
    filters: { agency: { decode: 'text', where: (o, p) => `${o}.agency = ${p}` } },
  },
};
