import { type Binding, code, column, list } from '../../read/binding.ts';
import { personDisability, personEquality, personExpected, personIdentity, personNhsNumber, personUpn } from './tables.ts';

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
      version: column(personIdentity.version),
    },
  },
  {
    type: 'Disability',
    anchor: personDisability,
    fields: { disability: code('disability', personDisability.disability), since: column(personDisability.since) },
  },
];
