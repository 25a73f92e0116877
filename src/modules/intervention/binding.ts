import { type Binding, column, one, type RootBinding } from '../../read/binding.ts';
import { intervention, interventionLink, interventionProgress, programme } from './tables.ts';

export const bindings: Binding[] = [
  {
    type: 'Programme',
    anchor: programme,
    id: 'id',
    fields: {
      code: column(programme.code),
      name: column(programme.name),
      dataClass: column(programme.dataClass),
    },
  },
  {
    type: 'Intervention',
    anchor: intervention,
    id: 'id',
    sides: [
      [interventionLink, interventionLink.intervention],
      [interventionProgress, interventionProgress.intervention],
    ],
    event: { at: interventionProgress.requested },
    fields: {
      person: one('Person', intervention.person, 'person', { samePerson: true }),
      programme: one('Programme', interventionLink.programme, 'id'),
      provider: one('Organisation', interventionLink.provider, 'id'),
      status: column(interventionProgress.status),
      requested: column(interventionProgress.requested),
      started: column(interventionProgress.started),
      ended: column(interventionProgress.ended),
      sessions: column(interventionProgress.sessions),
      outcome: column(interventionProgress.outcome),
      family: one('Family', intervention.family, 'family'),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  programmes: { kind: 'page', to: 'Programme', order: () => ({ keys: [{ column: 'id', type: 'integer' }] }), filters: {} },
};
