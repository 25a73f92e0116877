import {
  type Binding,
  byId,
  code,
  column,
  computed,
  type FieldBinding,
  type Order,
  one,
  page,
  type RelationField,
  type RootBinding,
} from '../../read/binding.ts';
import type { TrioVariant } from './concerns.ts';
import { ACE_BAND } from './rules.ts';
import {
  aceAssociation,
  assessment,
  assessmentAce,
  assessmentFactor,
  assessmentFinding,
  assessmentOutcome,
  contextFact,
  factorConcern,
  specialistAssessment,
  specialistKind,
  trio,
} from './tables.ts';
import { concernCount, hasConcern } from './trio.ts';

/** What a completed assessment found, and has not taken back since. */
const found = (to: string): RelationField => ({
  kind: 'list',
  to,
  on: (finding, row) => `${row}.assessment = ${finding}.assessment and not ${row}.withdrawn`,
  order: byId,
  sameFamily: true,
  samePerson: true,
});

const trioOf = (on: RelationField['on'], extra: Partial<RelationField> = {}): RelationField => ({
  kind: 'one',
  to: 'TriggerTrio',
  on,
  sameFamily: true,
  ...extra,
});

/** A family's trio is there where the request may see something that it is worked out from: else it would say that there is none. */
const ofFamily = (variant: TrioVariant) =>
  trioOf((f, row) => `${row}.family = ${f}.family and ${row}.assessment is null and ${row}.variant = '${variant}'`, {
    among: (row, sub) => `exists (select ${sub(assessmentFinding, 'known')} and known.family = ${row}.family)`,
  });

const latest = (day: string): Order => ({
  keys: [
    { column: day, type: 'date' },
    { column: 'id', type: 'bigint' },
  ],
  descending: true,
});

export const bindings: Binding[] = [
  {
    type: 'Assessment',
    anchor: assessment,
    id: 'id',
    event: { at: assessment.started },
    fields: {
      kind: code('assessment-kind', assessment.kind),
      status: column(assessment.status),
      person: one('Person', assessment.person, 'person', { samePerson: true }),
      referred: column(assessment.referred),
      started: column(assessment.started),
      authorisedOn: column(assessment.authorisedOn),
      cancelledOn: column(assessment.cancelledOn),
      team: one('Organisation', assessment.team, 'id'),
      findings: {
        kind: 'one',
        to: 'AssessmentFindings',
        on: (a, finding) => `${finding}.assessment = ${a}.id`,
        sameFamily: true,
        samePerson: true,
      },
      family: one('Family', assessment.family, 'family'),
      version: column(assessment.version),
    },
  },
  {
    type: 'AssessmentFindings',
    anchor: assessmentFinding,
    fields: {
      childSeen: column(assessmentFinding.childSeen),
      seenAlone: column(assessmentFinding.seenAlone),
      outcomes: found('AssessmentOutcome'),
      factors: found('AssessmentFactor'),
      context: found('ContextFact'),
      aces: found('AceCount'),
      triggerTrio: trioOf((finding, row) => `${row}.assessment = ${finding}.assessment and ${row}.variant = 'ANY_IN_HOUSEHOLD'`, {
        samePerson: true,
      }),
      triggerTrioOfParents: trioOf((finding, row) => `${row}.assessment = ${finding}.assessment and ${row}.variant = 'PARENT_ONLY'`, {
        samePerson: true,
      }),
      analysis: column(assessmentFinding.analysis),
    },
  },
  { type: 'AssessmentOutcome', anchor: assessmentOutcome, fields: { outcome: code('assessment-outcome', assessmentOutcome.code) } },
  {
    type: 'AssessmentFactor',
    anchor: assessmentFactor,
    fields: {
      factor: code('assessment-factor', assessmentFactor.code),
      person: one('Person', assessmentFactor.about, 'person'),
    },
  },
  {
    type: 'ContextFact',
    anchor: contextFact,
    fields: { fact: code('context-fact', contextFact.code), value: column(contextFact.value) },
  },
  {
    type: 'AceCount',
    anchor: assessmentAce,
    fields: {
      person: one('Person', assessmentAce.about, 'person'),
      count: column(assessmentAce.count),
      band: {
        kind: 'one',
        to: 'Code',
        on: (ace, band) => `${band}.list = 'ace-band' and ${band}.code = ${ACE_BAND(`${ace}.count`)}`,
        order: { keys: [{ column: 'version', type: 'text' }], descending: true },
        first: true,
      },
    },
  },
  {
    type: 'TriggerTrio',
    anchor: trio,
    fields: {
      variant: column(trio.variant),
      substanceMisuse: computed(trio, hasConcern('SUBSTANCE_MISUSE'), { type: 'boolean' }),
      domesticAbuse: computed(trio, hasConcern('DOMESTIC_ABUSE'), { type: 'boolean' }),
      parentalMentalHealth: computed(trio, hasConcern('PARENTAL_MENTAL_HEALTH'), { type: 'boolean' }),
      count: computed(trio, concernCount, { type: 'integer' }),
    },
  },
  {
    type: 'FactorConcern',
    anchor: factorConcern,
    fields: {
      factor: column(factorConcern.factor),
      concern: column(factorConcern.concern),
      variant: column(factorConcern.variant),
      source: column(factorConcern.source),
      validFrom: column(factorConcern.validFrom),
      validTo: column(factorConcern.validTo),
    },
  },
  {
    type: 'AceAssociation',
    anchor: aceAssociation,
    fields: {
      code: column(aceAssociation.code),
      label: column(aceAssociation.label),
      band: column(aceAssociation.band),
      times: column(aceAssociation.times),
      source: column(aceAssociation.source),
    },
  },
  {
    type: 'SpecialistKind',
    anchor: specialistKind,
    fields: { code: column(specialistKind.code), name: column(specialistKind.name), dataClass: column(specialistKind.dataClass) },
  },
  {
    type: 'SpecialistAssessment',
    anchor: specialistAssessment,
    id: 'id',
    event: { at: specialistAssessment.orderedOn },
    fields: {
      kind: one('SpecialistKind', specialistAssessment.specialistKind, 'id'),
      person: one('Person', specialistAssessment.person, 'person', { samePerson: true }),
      orderedOn: column(specialistAssessment.orderedOn),
      assessor: one('Organisation', specialistAssessment.assessor, 'id'),
      assessorName: column(specialistAssessment.assessorName),
      question: column(specialistAssessment.question),
      receivedOn: column(specialistAssessment.receivedOn),
      conclusion: column(specialistAssessment.conclusion),
      workbookEntry: one('WorkbookEntry', specialistAssessment.entry, 'id', { sameFamily: true }),
      family: one('Family', specialistAssessment.family, 'family'),
      version: column(specialistAssessment.version),
    },
  },
];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    assessments: page('Assessment', 'family', 'family', latest('started'), { sameFamily: true }),
    triggerTrio: ofFamily('ANY_IN_HOUSEHOLD'),
    triggerTrioOfParents: ofFamily('PARENT_ONLY'),
    specialistAssessments: page('SpecialistAssessment', 'family', 'family', latest('ordered_on'), { sameFamily: true }),
  },
};

export const roots: Record<string, RootBinding> = {
  factorConcerns: {
    kind: 'list',
    to: 'FactorConcern',
    order: {
      keys: [
        { column: 'variant', type: 'text' },
        { column: 'concern', type: 'text' },
        { column: 'factor', type: 'text' },
        { column: 'valid_from', type: 'date' },
      ],
    },
    filters: {},
  },
  aceAssociations: {
    kind: 'list',
    to: 'AceAssociation',
    order: {
      keys: [
        { column: 'times', type: 'integer' },
        { column: 'code', type: 'text' },
      ],
    },
    filters: {},
  },
  specialistKinds: { kind: 'list', to: 'SpecialistKind', order: { keys: [{ column: 'id', type: 'integer' }] }, filters: {} },
};
