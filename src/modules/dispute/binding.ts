import { type Binding, byId, code, column, computed, type FieldBinding, list, one, page } from '../../read/binding.ts';
import { latestBy } from '../meeting/binding.ts';
import { disagreement, dispute } from './tables.ts';

const sameFamily = { sameFamily: true };

/** The statements beside a fact of this type. */
const beside = (type: string): Record<string, FieldBinding> => ({
  disputes: {
    kind: 'list',
    to: 'Dispute',
    on: (fact, d) => `${d}.subject_type = '${type}' and ${d}.subject_id = ${fact}.id`,
    order: byId,
    ...sameFamily,
  },
});

export const bindings: Binding[] = [
  {
    type: 'Dispute',
    anchor: dispute,
    id: 'id',
    fields: {
      subject: computed(dispute, (row) => `${row}.subject_type || '-' || ${row}.subject_id`),
      person: one('Person', dispute.speaker, 'person'),
      statement: column(dispute.statement),
      how: code('voice-medium', dispute.how),
      on: column(dispute.saidOn),
      family: one('Family', dispute.family, 'family'),
    },
  },
  {
    type: 'Disagreement',
    anchor: disagreement,
    id: 'id',
    fields: {
      decision: one('Decision', disagreement.decision, 'id', sameFamily),
      by: column(disagreement.by),
      role: column(disagreement.role),
      reason: column(disagreement.reason),
      wanted: column(disagreement.wanted),
      on: column(disagreement.saidOn),
      family: one('Family', disagreement.family, 'family'),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: { disputes: page('Dispute', 'family', 'family', latestBy('said_on', 'date'), sameFamily) },
  WorkbookEntry: beside('WorkbookEntry'),
  Incident: beside('Incident'),
  Assessment: beside('Assessment'),
  Decision: { ...beside('Decision'), disagreements: list('Disagreement', 'decision', 'id', byId, sameFamily) },
  ChildVoice: beside('ChildVoice'),
  AdultVoice: beside('AdultVoice'),
  SchoolRecord: beside('SchoolRecord'),
  HousingSituation: beside('HousingSituation'),
  SafetyCondition: beside('SafetyCondition'),
};
