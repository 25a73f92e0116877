/** The modules of the product. A new noun is one line in each of these lists. */
import type { Command } from '../change/command.ts';
import type { Binding, FieldBinding, RootBinding } from '../read/binding.ts';
import * as assessment from './assessment/binding.ts';
import {
  amendAssessment,
  cancelAssessment,
  completeAssessment,
  orderSpecialistAssessment,
  receiveSpecialistAssessment,
  startAssessment,
} from './assessment/commands.ts';
import * as chronology from './chronology/binding.ts';
import * as circumstance from './circumstance/binding.ts';
import { amendHousingSituation, amendSchoolRecord, recordHousingSituation, recordSchoolRecord } from './circumstance/commands.ts';
import * as clock from './clock/binding.ts';
import { completeTask } from './clock/commands.ts';
import * as contact from './contact/binding.ts';
import { answerEarlyHelp, decideContact, matchContact, recordContact } from './contact/contacts.ts';
import { answerInformationRequest, lookUp, requestInformation } from './contact/information.ts';
import { answerFeedback, giveFeedback, makeReferral } from './contact/referrals.ts';
import * as district from './district/binding.ts';
import { offerService, recordOfferOutcome } from './district/commands.ts';
import * as family from './family/binding.ts';
import * as intervention from './intervention/binding.ts';
import {
  moveIntervention,
  recordAbstinence,
  recordInterventionOutcome,
  recordInterventionSession,
  recordInterventionTest,
  recordLapse,
  recordOnwardActivity,
  recordRelapse,
  requestIntervention,
} from './intervention/commands.ts';
import * as outcome from './outcome/binding.ts';
import * as person from './person/binding.ts';
import * as plan from './plan/binding.ts';
import * as safety from './safety/binding.ts';
import {
  endSafetyCondition,
  recordIncident,
  recordIncidentOutcome,
  recordSafetyCondition,
  reviewSafetyCondition,
} from './safety/commands.ts';
import * as sharing from './sharing/binding.ts';
import * as tool from './tool/binding.ts';
import { recordToolReading, withdrawToolReading } from './tool/commands.ts';
import * as workbook from './workbook/binding.ts';
import { addWorkbookEntry } from './workbook/commands.ts';
import './tables.ts';

/** `extensions`: fields that a module adds to types of other modules. */
type Module = { bindings: Binding[]; roots?: Record<string, RootBinding>; extensions?: Record<string, Record<string, FieldBinding>> };

const modules: Module[] = [
  sharing,
  family,
  person,
  plan,
  workbook,
  intervention,
  district,
  outcome,
  clock,
  assessment,
  tool,
  contact,
  safety,
  circumstance,
  chronology,
];

export const BINDINGS: ReadonlyMap<string, Binding> = boundTypes(modules);

/** The bindings of all modules, each with the fields that other modules add to it. */
export function boundTypes(all: Module[]): ReadonlyMap<string, Binding> {
  const bound = new Map(
    all.flatMap(({ bindings }) => bindings.map((binding) => [binding.type, { ...binding, fields: { ...binding.fields } }])),
  );
  for (const [type, fields] of all.flatMap(({ extensions }) => Object.entries(extensions ?? {}))) {
    const binding = bound.get(type);
    if (!binding) throw new Error(`${type}: fields are added to a type that has no binding.`);
    for (const [name, field] of Object.entries(fields)) {
      if (Object.hasOwn(binding.fields, name)) throw new Error(`${type}.${name}: two modules bind the field.`);
      binding.fields[name] = field;
    }
  }
  return bound;
}

export const ROOTS: ReadonlyMap<string, RootBinding> = new Map(modules.flatMap(({ roots }) => Object.entries(roots ?? {})));

/** Mutation field → command. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({
    addWorkbookEntry,
    amendAssessment,
    amendHousingSituation,
    amendSchoolRecord,
    answerEarlyHelp,
    answerFeedback,
    answerInformationRequest,
    cancelAssessment,
    completeAssessment,
    completeTask,
    decideContact,
    endSafetyCondition,
    giveFeedback,
    lookUp,
    makeReferral,
    matchContact,
    moveIntervention,
    offerService,
    orderSpecialistAssessment,
    receiveSpecialistAssessment,
    recordAbstinence,
    recordContact,
    recordHousingSituation,
    recordIncident,
    recordIncidentOutcome,
    recordInterventionOutcome,
    recordInterventionSession,
    recordInterventionTest,
    recordLapse,
    recordOfferOutcome,
    recordOnwardActivity,
    recordRelapse,
    recordSafetyCondition,
    recordSchoolRecord,
    recordToolReading,
    requestInformation,
    requestIntervention,
    reviewSafetyCondition,
    startAssessment,
    withdrawToolReading,
  }),
);
