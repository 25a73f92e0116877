import { type Binding, code, column, list, type Order, one } from '../../read/binding.ts';
import { personDisability, personEquality, personExpected, personIdentity, personNewName, personNhsNumber, personUpn } from './tables.ts';

const latestName: Order = {
  keys: [
    { column: 'since', type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
};

export const bindings: Binding[] = [
  {
    type: 'Person',
    anchor: 'person',
    id: 'person',
    sides: [
      [personIdentity, personIdentity.person],
      [personExpected, personExpected.person],
      [personNhsNumber, personNhsNumber.person],
      [personUpn, personUpn.person],
      [personEquality, personEquality.person],
    ],
    fields: {
      givenName: column(personIdentity.givenName),
      familyName: column(personIdentity.familyName),
      dateOfBirth: column(personIdentity.dateOfBirth),
      expectedDate: column(personExpected.expectedDate),
      sex: code('sex', personIdentity.sex),
      ethnicity: code('ethnicity', personEquality.ethnicity),
      nhsNumber: column(personNhsNumber.nhsNumber),
      upn: column(personUpn.upn),
      interpreter: column(personIdentity.interpreter),
      accessNeeds: column(personIdentity.accessNeeds),
      religion: code('religion', personEquality.religion),
      disabilities: {
        ...list('Disability', 'person', 'person', { keys: [{ column: 'id', type: 'bigint' }] }, { samePerson: true }),
        on: (p, d) => `${d}.person = ${p}.person and ${d}.until is null`,
      },
      newNames: list('NewName', 'person', 'person', latestName, { samePerson: true }),
      version: column(personIdentity.version),
    },
  },
  {
    type: 'NewName',
    anchor: personNewName,
    fields: {
      familyName: column(personNewName.familyName),
      since: column(personNewName.since),
      until: column(personNewName.until),
      recordedAt: column(personNewName.createdAt),
      recordedBy: column(personNewName.worker),
      controller: one('Organisation', personNewName.controller, 'id'),
    },
  },
  {
    type: 'Disability',
    anchor: personDisability,
    fields: { disability: code('disability', personDisability.disability), since: column(personDisability.since) },
  },
];
