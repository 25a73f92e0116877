/** What a decision may rest on, and what may be kept from somebody: types that have ids, and their tables. */
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { assessment, specialistAssessment } from '../assessment/tables.ts';
import { housingSituation, schoolRecord } from '../circumstance/tables.ts';
import { task } from '../clock/tables.ts';
import { contact } from '../contact/tables.ts';
import { serviceOffer } from '../district/tables.ts';
import { intervention, interventionEvent, interventionTest } from '../intervention/tables.ts';
import { contactArrangement, returnHome } from '../plan/care.ts';
import { familyAction, familyGoal, familyPlan } from '../plan/family-plan.ts';
import { conference, episode, familyGroup, marac, placement, preProceedings, section47, strategyDiscussion, visit } from '../plan/legal.ts';
import { plan, stepEvent } from '../plan/tables.ts';
import { incident, safetyCondition } from '../safety/tables.ts';
import { groupSupervision } from '../supervision/tables.ts';
import { toolReading } from '../tool/tables.ts';
import { adultVoice, childVoice, relationshipFeedback, trustedAdult } from '../voice/tables.ts';
import { workbookEntry, workbookReading } from '../workbook/tables.ts';
import { decision, meeting, meetingMinutes } from './tables.ts';

type Keyed = PgTable & { id: PgColumn; family: PgColumn };

export const EVIDENCE: Record<string, Keyed> = {
  Contact: contact,
  Episode: episode,
  Assessment: assessment,
  SpecialistAssessment: specialistAssessment,
  ToolReading: toolReading,
  WorkbookEntry: workbookEntry,
  WorkbookReading: workbookReading,
  ChildVoice: childVoice,
  AdultVoice: adultVoice,
  RelationshipFeedback: relationshipFeedback,
  Visit: visit,
  Meeting: meeting,
  GroupSupervision: groupSupervision,
  Decision: decision,
  StrategyDiscussion: strategyDiscussion,
  Section47: section47,
  Conference: conference,
  Marac: marac,
  PreProceedings: preProceedings,
  FamilyGroup: familyGroup,
  Plan: plan,
  StepEvent: stepEvent,
  FamilyPlan: familyPlan,
  Placement: placement,
  ContactArrangement: contactArrangement,
  ReturnHome: returnHome,
  Intervention: intervention,
  InterventionEvent: interventionEvent,
  InterventionTest: interventionTest,
  ServiceOffer: serviceOffer,
  SafetyCondition: safetyCondition,
  Incident: incident,
  HousingSituation: housingSituation,
  SchoolRecord: schoolRecord,
};

/** Types whose rows, or what belongs to them, may be kept from somebody: of these a manager lifts it. */
export const KEPT_FROM: Record<string, Keyed> = {
  AdultVoice: adultVoice,
  Assessment: assessment,
  ChildVoice: childVoice,
  Conference: conference,
  Contact: contact,
  ContactArrangement: contactArrangement,
  Decision: decision,
  FamilyAction: familyAction,
  FamilyGoal: familyGoal,
  FamilyPlan: familyPlan,
  Incident: incident,
  InterventionEvent: interventionEvent,
  Marac: marac,
  MeetingMinutes: meetingMinutes,
  PreProceedings: preProceedings,
  RelationshipFeedback: relationshipFeedback,
  ReturnHome: returnHome,
  SafetyCondition: safetyCondition,
  Section47: section47,
  SpecialistAssessment: specialistAssessment,
  StepEvent: stepEvent,
  StrategyDiscussion: strategyDiscussion,
  Task: task,
  ToolReading: toolReading,
  TrustedAdult: trustedAdult,
  WorkbookEntry: workbookEntry,
};
