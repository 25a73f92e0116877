/** The modules of the product. A new noun is one line in each of these lists. */
import type { Command } from '../change/command.ts';
import type { Binding, FieldBinding, RootBinding } from '../read/binding.ts';
import * as assessment from './assessment/binding.ts';
import * as assessmentCommands from './assessment/commands.ts';
import * as chronology from './chronology/binding.ts';
import * as circumstance from './circumstance/binding.ts';
import * as circumstanceCommands from './circumstance/commands.ts';
import * as clock from './clock/binding.ts';
import * as clockCommands from './clock/commands.ts';
import * as contact from './contact/binding.ts';
import * as contactContacts from './contact/contacts.ts';
import * as contactInformation from './contact/information.ts';
import * as contactReferrals from './contact/referrals.ts';
import * as dispute from './dispute/binding.ts';
import * as disputeCommands from './dispute/commands.ts';
import * as district from './district/binding.ts';
import * as districtCommands from './district/commands.ts';
import * as districtPlaces from './district/places.ts';
import * as districtPublishing from './district/publishing.ts';
import * as evidence from './evidence/binding.ts';
import * as evidenceCommands from './evidence/commands.ts';
import * as extract from './extract/binding.ts';
import * as extractCommands from './extract/commands.ts';
import * as family from './family/binding.ts';
import * as familyCommands from './family/commands.ts';
import * as housing from './housing/binding.ts';
import * as housingCommands from './housing/commands.ts';
import * as housingDuty from './housing/duty.ts';
import * as intervention from './intervention/binding.ts';
import * as interventionCommands from './intervention/commands.ts';
import * as mastery from './mastery/binding.ts';
import * as meeting from './meeting/binding.ts';
import * as meetingCommands from './meeting/commands.ts';
import * as meetingDecisions from './meeting/decisions.ts';
import * as merge from './merge/binding.ts';
import * as mergeCommands from './merge/commands.ts';
import * as mirror from './mirror/binding.ts';
import * as mirrorCommands from './mirror/commands.ts';
import * as money from './money/binding.ts';
import * as need from './need/binding.ts';
import * as outcome from './outcome/binding.ts';
import * as outcomeCommands from './outcome/commands.ts';
import * as papers from './papers/binding.ts';
import * as person from './person/binding.ts';
import * as personCommands from './person/commands.ts';
import * as plan from './plan/binding.ts';
import * as planIndex from './plan/commands/index.ts';
import * as record from './record/binding.ts';
import * as recordCommands from './record/commands.ts';
import * as retraction from './retraction/binding.ts';
import * as retractionCommands from './retraction/commands.ts';
import * as rights from './rights/binding.ts';
import * as rightsErasure from './rights/erasure.ts';
import * as rightsRequests from './rights/requests.ts';
import * as rightsSubjectAccess from './rights/subject-access.ts';
import * as rightsTold from './rights/told.ts';
import * as safety from './safety/binding.ts';
import * as safetyCommands from './safety/commands.ts';
import * as sharing from './sharing/binding.ts';
import * as sharingClosures from './sharing/closures.ts';
import * as sharingDecisions from './sharing/decide.ts';
import * as sharingInvolvements from './sharing/involvements.ts';
import * as supervision from './supervision/binding.ts';
import * as supervisionCommands from './supervision/commands.ts';
import * as team from './team/binding.ts';
import * as teamCommands from './team/commands.ts';
import * as tool from './tool/binding.ts';
import * as toolCommands from './tool/commands.ts';
import * as trajectory from './trajectory/binding.ts';
import * as voice from './voice/binding.ts';
import * as voiceCommands from './voice/commands.ts';
import * as voucher from './voucher/binding.ts';
import * as voucherCommands from './voucher/commands.ts';
import * as webhook from './webhook/binding.ts';
import * as webhookCommands from './webhook/commands.ts';
import * as workbookAmend from './workbook/amend.ts';
import * as workbook from './workbook/binding.ts';
import * as workbookCommands from './workbook/commands.ts';
import './tables.ts';

/** `extensions`: fields that a module adds to types of other modules. */
type Module = { bindings: Binding[]; roots?: Record<string, RootBinding>; extensions?: Record<string, Record<string, FieldBinding>> };

const modules: Module[] = [
  assessment,
  circumstance,
  clock,
  contact,
  dispute,
  district,
  evidence,
  extract,
  family,
  housing,
  intervention,
  mastery,
  meeting,
  merge,
  mirror,
  money,
  need,
  outcome,
  papers,
  person,
  plan,
  retraction,
  record,
  rights,
  safety,
  sharing,
  supervision,
  team,
  tool,
  trajectory,
  voice,
  webhook,
  voucher,
  workbook,
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

const commands: Record<string, Command>[] = [
  assessmentCommands,
  circumstanceCommands,
  clockCommands,
  contactContacts,
  contactInformation,
  contactReferrals,
  disputeCommands,
  districtCommands,
  districtPlaces,
  districtPublishing,
  evidenceCommands,
  extractCommands,
  familyCommands,
  housingCommands,
  housingDuty,
  interventionCommands,
  meetingCommands,
  meetingDecisions,
  mergeCommands,
  mirrorCommands,
  outcomeCommands,
  personCommands,
  planIndex,
  retractionCommands,
  recordCommands,
  rightsErasure,
  rightsRequests,
  rightsSubjectAccess,
  rightsTold,
  retractionCommands,
  recordCommands,
  safetyCommands,
  sharingClosures,
  sharingDecisions,
  sharingInvolvements,
  supervisionCommands,
  teamCommands,
  toolCommands,
  voiceCommands,
  webhookCommands,
  voucherCommands,
  workbookAmend,
  workbookCommands,
];

/** Mutation field → command. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(commands.flatMap((of) => Object.entries(of)));
