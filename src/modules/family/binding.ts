import { type Binding, byId, code, column, computed, list, one, page, type RootBinding, type RootFilter } from '../../read/binding.ts';
import {
  familyName,
  familyStage,
  household,
  householdMember,
  involvement,
  involvementContact,
  membership,
  relationship,
  unbornMembership,
} from './tables.ts';

const current = (alias: string) => `${alias}."from" <= now() and (${alias}.until is null or ${alias}.until > now())`;
const sameFamily = { sameFamily: true };

export const bindings: Binding[] = [
  {
    type: 'Family',
    anchor: 'family',
    id: 'family',
    sides: [
      [familyName, familyName.family],
      [familyStage, familyStage.family],
    ],
    fields: {
      reference: column(familyName.reference),
      name: column(familyName.name),
      stage: column(familyStage.stage),
      openMarac: column(familyStage.marac),
      leadPractitioner: {
        kind: 'one',
        to: 'Involvement',
        on: (f, i) => `${i}.family = ${f}.family and ${i}.lead and ${current(i)}`,
        order: byId,
        first: true,
        ...sameFamily,
      },
      team: {
        kind: 'one',
        to: 'Organisation',
        on: (f, o) =>
          `${o}.agency = 'TEAM' and ${o}.id in (select working.organisation from fsp.involvement working where working.family = ${f}.family and ${current('working')})`,
        order: { keys: [{ column: 'id', type: 'integer' }] },
        first: true,
      },
      involvements: {
        kind: 'list',
        to: 'Involvement',
        on: (f, i) => `${i}.family = ${f}.family and ${current(i)}`,
        order: byId,
        ...sameFamily,
      },
      members: list(
        'FamilyMember',
        'family',
        'family',
        {
          keys: [
            { column: 'person', type: 'bigint' },
            { column: 'id', type: 'bigint' },
          ],
        },
        sameFamily,
      ),
      relationships: list('Relationship', 'family', 'family', byId, sameFamily),
      households: list('Household', 'family', 'family', byId, sameFamily),
      plans: list('Plan', 'family', 'family', byId, sameFamily),
      workbook: page(
        'WorkbookEntry',
        'family',
        'family',
        {
          keys: [
            { column: 'occurred_at', type: 'timestamptz' },
            { column: 'id', type: 'bigint' },
          ],
          descending: true,
        },
        sameFamily,
      ),
      interventions: page('Intervention', 'family', 'family', byId, sameFamily),
      offers: page('ServiceOffer', 'family', 'family', byId, sameFamily),
    },
  },
  {
    type: 'FamilyMember',
    anchor: [membership, unbornMembership],
    fields: {
      role: code('family-role', membership.role),
      person: one('Person', membership.person, 'person', { samePerson: true }),
      from: column(membership.from),
      until: column(membership.until),
      version: column(membership.version),
    },
  },
  {
    type: 'Relationship',
    anchor: relationship,
    id: 'id',
    fields: {
      person: one('Person', relationship.person, 'person', { samePerson: true }),
      kind: code('relationship', relationship.kind),
      other: one('Person', relationship.other, 'person'),
      parentalResponsibility: column(relationship.parentalResponsibility),
      protective: column(relationship.protective),
      from: column(relationship.from),
      until: column(relationship.until),
      family: one('Family', relationship.family, 'family'),
      version: column(relationship.version),
    },
  },
  {
    type: 'Household',
    anchor: household,
    fields: {
      address: column(household.address),
      postcode: column(household.postcode),
      uprn: column(household.uprn),
      district: one('District', household.district, 'code'),
      members: list('HouseholdMember', 'household', 'id', byId, sameFamily),
      from: column(household.from),
      until: column(household.until),
    },
  },
  {
    type: 'HouseholdMember',
    anchor: householdMember,
    fields: {
      person: one('Person', householdMember.person, 'person', { samePerson: true }),
      from: column(householdMember.from),
      until: column(householdMember.until),
    },
  },
  {
    type: 'Involvement',
    anchor: involvement,
    id: 'id',
    sides: [[involvementContact, involvementContact.involvement]],
    fields: {
      organisation: one('Organisation', involvement.organisation, 'id'),
      role: code('involvement-role', involvement.role),
      practitioner: column(involvement.practitioner),
      person: one('Person', involvement.person, 'person', { samePerson: true }),
      // A lead follows another: their rows in order, and the one before is somebody else's.
      leadPractitionerChanges: computed(
        involvement,
        (row, sub) =>
          `case when ${row}.lead then (select count(*) from (select coalesce(by.worker, by.practitioner) as who, lag(coalesce(by.worker, by.practitioner)) over (order by by."from", by.id) as before, row_number() over (order by by."from", by.id) as nth ${sub(involvement, 'by')} and by.family = ${row}.family and by.lead and (by."from", by.id) <= (${row}."from", ${row}.id)) led where led.nth > 1 and led.who is distinct from led.before)::integer end`,
        { type: 'integer' },
      ),
      lastContactMonth: computed(involvementContact, (row) => `to_char(${row}.month, 'YYYY-MM')`),
      from: column(involvement.from),
      until: column(involvement.until),
    },
  },
];

/** Rows of families with which a team works today. */
export const ofTeam: RootFilter = {
  decode: 'id',
  type: 'Organisation',
  where: (row, p, sub) =>
    `(select true ${sub(involvement, 'by')} and by.family = ${row}.family and by.organisation = ${p}::bigint and ${current('by')} and exists (select from fsp.organisation team where team.id = by.organisation and team.agency = 'TEAM') limit 1)`,
};

export const roots: Record<string, RootBinding> = {
  family: {
    kind: 'entity',
    to: 'Family',
    match: () => [{ path: ['id'], decode: 'id', type: 'Family', where: (f, p) => `${f}.family = ${p}::bigint` }],
  },
  familyByReference: {
    kind: 'entity',
    to: 'Family',
    match: () => [
      {
        path: ['reference'],
        decode: 'text',
        where: (f, p, sub) =>
          `${f}.family = (select named.family ${sub(familyName, 'named')} and named.reference = ${p} order by named.family limit 1)`,
      },
    ],
  },
  families: {
    kind: 'page',
    to: 'Family',
    order: (args) =>
      args.orderBy === 'NAME'
        ? {
            keys: [
              { column: 'name', type: 'text', table: familyName },
              { column: 'family', type: 'bigint' },
            ],
          }
        : { keys: [{ column: 'family', type: 'bigint' }] },
    filters: {
      'filter.stage': {
        decode: 'text',
        where: (f, p, sub) => `(select true ${sub(familyStage, 'at')} and at.family = ${f}.family and at.stage = ${p})`,
      },
      'filter.district': {
        decode: 'text',
        where: (f, p, sub) =>
          `(select true ${sub(household, 'home')} and home.family = ${f}.family and home.district = ${p} and home."from" <= current_date and (home.until is null or home.until > current_date) limit 1)`,
      },
      'filter.team': ofTeam,
    },
  },
};
