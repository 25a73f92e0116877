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
  type Subquery,
} from '../../read/binding.ts';
import { keptFrom, latestBy } from '../meeting/binding.ts';
import { EVIDENCE } from '../meeting/evidence.ts';
import {
  erasure,
  erasureProposal,
  processingRestriction,
  retentionHold,
  retentionRule,
  rightsRequest,
  subjectAccess,
  subjectAccessExclusion,
  subjectAccessField,
  subjectAccessItem,
  subjectAccessNotice,
  subjectAccessSection,
  toldFamily,
  toldFamilyPerson,
} from './tables.ts';

const sameFamily = { sameFamily: true };
const samePerson = { samePerson: true };

const ruleOf = (table: typeof erasure | typeof erasureProposal): RelationField =>
  one('RetentionRule', table.rule, 'code', { on: (row, rule) => `${rule}.code = ${row}.rule and ${rule}.version = ${row}.rule_version` });

/** SQL that the fact of a request is there for the caller, too: its id tells what kind of thing there is. */
const factSeen = (r: string, sub: Subquery) =>
  Object.entries(EVIDENCE)
    .map(([type, table]) => `(${r}.subject_type = '${type}' and (select true ${sub(table, 'seen')} and seen.id = ${r}.subject_id))`)
    .join(' or ');

/** SQL of where a request stands. */
const state = (r: string) => `case
  when ${r}.closed_as is not null then ${r}.closed_as
  when ${r}.sent_on is not null then 'SENT'
  when ${r}.signed_at is not null then 'SIGNED'
  when ${r}.prepared_at is not null then 'PREPARED'
  when ${r}.identity_on is not null then 'RUNNING'
  else 'RECEIVED' end`;

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
    fields: { person: one('Person', toldFamilyPerson.person, 'person', samePerson) },
  },
  {
    type: 'SubjectAccess',
    anchor: subjectAccess,
    id: 'id',
    fields: {
      person: one('Person', subjectAccess.person, 'person', samePerson),
      requester: column(subjectAccess.requester),
      requesterPerson: one('Person', subjectAccess.requesterPerson, 'person'),
      requesterName: column(subjectAccess.requesterName),
      received: column(subjectAccess.receivedOn),
      identityChecked: column(subjectAccess.identityOn),
      dueOn: column(subjectAccess.dueOn),
      extended: column(subjectAccess.extendedOn),
      extensionReason: column(subjectAccess.extensionReason),
      status: computed(subjectAccess, state),
      preparedAt: column(subjectAccess.preparedAt),
      preparedBy: column(subjectAccess.preparedBy),
      healthOpinion: column(subjectAccess.opinion),
      healthOpinionBy: column(subjectAccess.opinionBy),
      healthOpinionOn: column(subjectAccess.opinionOn),
      signedAt: column(subjectAccess.signedAt),
      signedBy: column(subjectAccess.signedBy),
      sent: column(subjectAccess.sentOn),
      sentHow: column(subjectAccess.sentHow),
      closed: column(subjectAccess.closedOn),
      closureReason: column(subjectAccess.closureReason),
      organisation: one('Organisation', subjectAccess.controller, 'id'),
      sections: list('SubjectAccessSection', 'request', 'id', byId, samePerson),
      items: page('SubjectAccessItem', 'request', 'id', byId, {
        ...samePerson,
        filters: { status: { decode: 'text', where: (item, p) => `${item}.status = ${p}` } },
      }),
      exclusions: list('SubjectAccessExclusion', 'request', 'id', byId, samePerson),
      notices: list('SubjectAccessNotice', 'request', 'id', byId, samePerson),
      version: column(subjectAccess.version),
    },
  },
  {
    type: 'SubjectAccessSection',
    anchor: subjectAccessSection,
    id: 'id',
    fields: {
      table: column(subjectAccessSection.source),
      noun: column(subjectAccessSection.noun),
      class: column(subjectAccessSection.dataClass),
      items: page('SubjectAccessItem', 'section', 'id', byId, samePerson),
      exclusions: list('SubjectAccessExclusion', 'section', 'id', byId, samePerson),
    },
  },
  {
    type: 'SubjectAccessItem',
    anchor: subjectAccessItem,
    id: 'id',
    fields: {
      section: one('SubjectAccessSection', subjectAccessItem.section, 'id', samePerson),
      status: column(subjectAccessItem.status),
      aboutOthers: column(subjectAccessItem.several),
      exemption: code('subject-access-exemption', subjectAccessItem.exemption),
      reason: column(subjectAccessItem.reason),
      decidedBy: column(subjectAccessItem.decidedBy),
      decidedAt: column(subjectAccessItem.decidedAt),
      fields: list('SubjectAccessField', 'item', 'id', byId, samePerson),
    },
  },
  {
    type: 'SubjectAccessField',
    anchor: subjectAccessField,
    id: 'id',
    fields: {
      name: column(subjectAccessField.name),
      value: column(subjectAccessField.value),
      heldBack: column(subjectAccessField.held),
    },
  },
  {
    type: 'SubjectAccessExclusion',
    anchor: subjectAccessExclusion,
    fields: {
      section: one('SubjectAccessSection', subjectAccessExclusion.section, 'id', samePerson),
      exemption: code('subject-access-exemption', subjectAccessExclusion.exemption),
    },
  },
  {
    type: 'SubjectAccessNotice',
    anchor: subjectAccessNotice,
    id: 'id',
    fields: {
      person: one('Person', subjectAccessNotice.person, 'person', samePerson),
      family: one('Family', subjectAccessNotice.family, 'family'),
      asked: column(subjectAccessNotice.askedOn),
      organisation: one('Organisation', subjectAccessNotice.controller, 'id'),
      addressee: one('Organisation', subjectAccessNotice.assigned, 'id'),
    },
  },
  {
    type: 'RightsRequest',
    anchor: rightsRequest,
    id: 'id',
    event: { at: rightsRequest.askedOn },
    fields: {
      kind: column(rightsRequest.kind),
      person: one('Person', rightsRequest.person, 'person', samePerson),
      fact: computed(rightsRequest, (r, sub) => `case when ${factSeen(r, sub)} then ${r}.subject_type || '-' || ${r}.subject_id end`),
      class: column(rightsRequest.dataClass),
      statement: column(rightsRequest.statement),
      asked: column(rightsRequest.askedOn),
      outcome: column(rightsRequest.outcome),
      reason: column(rightsRequest.reason),
      decided: column(rightsRequest.decidedOn),
      decidedBy: column(rightsRequest.decidedBy),
      keptFrom,
      organisation: one('Organisation', rightsRequest.controller, 'id'),
      family: one('Family', rightsRequest.family, 'family'),
      version: column(rightsRequest.version),
    },
  },
  {
    type: 'ProcessingRestriction',
    anchor: processingRestriction,
    id: 'id',
    event: { at: processingRestriction.from },
    fields: {
      person: one('Person', processingRestriction.person, 'person', samePerson),
      class: column(processingRestriction.dataClass),
      ground: code('restriction-ground', processingRestriction.ground),
      reason: column(processingRestriction.reason),
      from: column(processingRestriction.from),
      lifted: column(processingRestriction.liftedOn),
      liftedBy: column(processingRestriction.liftedBy),
      liftedFor: column(processingRestriction.liftedFor),
      organisation: one('Organisation', processingRestriction.controller, 'id'),
      family: one('Family', processingRestriction.family, 'family'),
      version: column(processingRestriction.version),
    },
  },
  {
    type: 'RetentionRule',
    anchor: retentionRule,
    fields: {
      code: column(retentionRule.code),
      version: column(retentionRule.version),
      name: column(retentionRule.name),
      years: column(retentionRule.years),
      from: column(retentionRule.fromEvent),
      status: column(retentionRule.status),
      source: column(retentionRule.source),
      validFrom: column(retentionRule.validFrom),
      validTo: column(retentionRule.validTo),
    },
  },
  {
    type: 'RetentionHold',
    anchor: retentionHold,
    id: 'id',
    fields: {
      family: one('Family', retentionHold.family, 'family'),
      cause: code('retention-hold', retentionHold.cause),
      reason: column(retentionHold.reason),
      placed: column(retentionHold.placedOn),
      placedBy: column(retentionHold.placedBy),
      lifted: column(retentionHold.liftedOn),
      liftedBy: column(retentionHold.liftedBy),
      liftedFor: column(retentionHold.liftedFor),
      organisation: one('Organisation', retentionHold.controller, 'id'),
      version: column(retentionHold.version),
    },
  },
  {
    type: 'ErasureProposal',
    anchor: erasureProposal,
    id: 'id',
    fields: {
      family: one('Family', erasureProposal.family, 'family'),
      rule: ruleOf(erasureProposal),
      dueOn: column(erasureProposal.dueOn),
      reason: column(erasureProposal.reason),
      proposed: column(erasureProposal.proposedOn),
      proposedBy: column(erasureProposal.proposedBy),
      status: column(erasureProposal.status),
      decided: column(erasureProposal.decidedOn),
      decidedBy: column(erasureProposal.decidedBy),
      decidedFor: column(erasureProposal.decidedFor),
      organisation: one('Organisation', erasureProposal.controller, 'id'),
      version: column(erasureProposal.version),
    },
  },
  {
    type: 'Erasure',
    anchor: erasure,
    id: 'id',
    fields: {
      rule: ruleOf(erasure),
      dueOn: column(erasure.dueOn),
      approved: column(erasure.approvedOn),
      approvedBy: column(erasure.approvedBy),
      erasedAt: column(erasure.erasedAt),
      rows: column(erasure.rows),
      organisation: one('Organisation', erasure.controller, 'id'),
    },
  },
];

export const roots: Record<string, RootBinding> = {
  retentionRules: {
    kind: 'list',
    to: 'RetentionRule',
    order: {
      keys: [
        { column: 'code', type: 'text' },
        { column: 'version', type: 'text' },
      ],
    },
    filters: {},
  },
  retentionHolds: { kind: 'page', to: 'RetentionHold', order: () => latestBy('placed_on', 'date'), filters: {} },
  erasureProposals: {
    kind: 'page',
    to: 'ErasureProposal',
    order: () => ({ ...latestBy('due_on', 'date'), descending: false }),
    filters: { status: { decode: 'text', where: (r, p) => `${r}.status = ${p}` } },
  },
  erasures: { kind: 'page', to: 'Erasure', order: () => latestBy('erased_at', 'timestamptz'), filters: {} },
  subjectAccessRequests: {
    kind: 'page',
    to: 'SubjectAccess',
    order: () => latestBy('received_on', 'date'),
    filters: { status: { decode: 'text', where: (r, p) => `(${state(r)}) = ${p}` } },
  },
  subjectAccessNotices: { kind: 'page', to: 'SubjectAccessNotice', order: () => latestBy('asked_on', 'date'), filters: {} },
};

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    told: page('ToldFamily', 'family', 'family', latestBy('told_on', 'date'), sameFamily),
    rightsRequests: page('RightsRequest', 'family', 'family', latestBy('asked_on', 'date'), {
      ...sameFamily,
      filters: {
        fact: { decode: 'text', where: (r, p, sub) => `(${r}.subject_type || '-' || ${r}.subject_id = ${p} and (${factSeen(r, sub)}))` },
      },
    }),
    processingRestrictions: list('ProcessingRestriction', 'family', 'family', byId, sameFamily),
  },
};
