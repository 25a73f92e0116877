import { type Binding, code, column } from '../../read/binding.ts';
import { personEquality, personExpected, personIdentity, personNhsNumber, personUpn } from './tables.ts';

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
    },
  },
];
