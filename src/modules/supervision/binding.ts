import {
  type Binding,
  byId,
  code,
  column,
  computed,
  type FieldBinding,
  list,
  one,
  page,
  type RelationField,
  type RootBinding,
} from '../../read/binding.ts';
import { taskState } from '../clock/rules.ts';
import { latestBy } from '../meeting/binding.ts';
import {
  caseAudit,
  groupSupervision,
  groupSupervisionAction,
  groupSupervisionContribution,
  groupSupervisionParticipant,
  individualSupervision,
} from './tables.ts';

const sameFamily = { sameFamily: true };
const ofSupervision = (to: string): RelationField => list(to, 'supervision', 'id', byId, sameFamily);

export const bindings: Binding[] = [
  {
    type: 'GroupSupervision',
    anchor: groupSupervision,
    id: 'id',
    event: { at: groupSupervision.heldOn },
    fields: {
      team: one('Organisation', groupSupervision.team, 'id'),
      kind: code('supervision-kind', groupSupervision.kind),
      heldOn: column(groupSupervision.heldOn),
      ledBy: column(groupSupervision.ledBy),
      summary: column(groupSupervision.summary),
      participants: ofSupervision('SupervisionParticipant'),
      contributions: ofSupervision('SupervisionContribution'),
      actions: ofSupervision('SupervisionAction'),
      family: one('Family', groupSupervision.family, 'family'),
      version: column(groupSupervision.version),
    },
  },
  {
    type: 'SupervisionParticipant',
    anchor: groupSupervisionParticipant,
    fields: {
      organisation: one('Organisation', groupSupervisionParticipant.organisation, 'id'),
      name: column(groupSupervisionParticipant.name),
      discipline: code('discipline', groupSupervisionParticipant.discipline),
    },
  },
  {
    type: 'SupervisionContribution',
    anchor: groupSupervisionContribution,
    id: 'id',
    fields: {
      discipline: code('discipline', groupSupervisionContribution.discipline),
      author: column(groupSupervisionContribution.author),
      organisation: one('Organisation', groupSupervisionContribution.controller, 'id'),
      text: column(groupSupervisionContribution.contribution),
    },
  },
  {
    type: 'SupervisionAction',
    anchor: groupSupervisionAction,
    id: 'id',
    fields: {
      what: column(groupSupervisionAction.what),
      who: column(groupSupervisionAction.who),
      organisation: one('Organisation', groupSupervisionAction.organisation, 'id'),
      dueOn: column(groupSupervisionAction.dueOn),
      doneOn: column(groupSupervisionAction.doneOn),
      outcome: column(groupSupervisionAction.outcome),
      state: computed(groupSupervisionAction, taskState),
      version: column(groupSupervisionAction.version),
    },
  },
  {
    type: 'IndividualSupervision',
    anchor: individualSupervision,
    id: 'id',
    fields: {
      worker: column(individualSupervision.worker),
      supervisor: column(individualSupervision.supervisor),
      kind: code('supervision-kind', individualSupervision.kind),
      heldOn: column(individualSupervision.heldOn),
      sameProfession: column(individualSupervision.sameProfession),
    },
  },
  {
    type: 'CaseAudit',
    anchor: caseAudit,
    id: 'id',
    fields: {
      auditor: column(caseAudit.auditor),
      on: column(caseAudit.auditedOn),
      judgement: code('audit-judgement', caseAudit.judgement),
      findings: column(caseAudit.findings),
      family: one('Family', caseAudit.family, 'family'),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    groupSupervisions: page('GroupSupervision', 'family', 'family', latestBy('held_on', 'date'), sameFamily),
    audits: page('CaseAudit', 'family', 'family', latestBy('audited_on', 'date'), sameFamily),
  },
};

export const roots: Record<string, RootBinding> = {
  individualSupervisions: {
    kind: 'page',
    to: 'IndividualSupervision',
    order: () => latestBy('held_on', 'date'),
    filters: { 'filter.worker': { decode: 'text', where: (s, p) => `${s}.worker = ${p}` } },
  },
};
