import { type Binding, byId, code, column, type FieldBinding, list, one, page } from '../../read/binding.ts';
import { keptFrom, latestBy } from '../meeting/binding.ts';
import { toldFamily, toldFamilyPerson } from './tables.ts';

const sameFamily = { sameFamily: true };

export const bindings: Binding[] = [
  {
    type: 'ToldFamily',
    anchor: toldFamily,
    id: 'id',
    event: { at: toldFamily.toldOn },
    fields: {
      notice: code('privacy-notice', toldFamily.notice),
      persons: list('ToldFamilyPerson', 'told', 'id', byId, sameFamily),
      on: column(toldFamily.toldOn),
      by: column(toldFamily.toldBy),
      how: code('told-how', toldFamily.how),
      whyNot: column(toldFamily.whyNot),
      keptFrom,
      organisation: one('Organisation', toldFamily.controller, 'id'),
      family: one('Family', toldFamily.family, 'family'),
    },
  },
  {
    type: 'ToldFamilyPerson',
    anchor: toldFamilyPerson,
    fields: { person: one('Person', toldFamilyPerson.person, 'person', { samePerson: true }) },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: { told: page('ToldFamily', 'family', 'family', latestBy('told_on', 'date'), sameFamily) },
};
