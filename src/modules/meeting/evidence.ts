/** What a decision may rest on, and what may be kept from somebody: types that have ids, and their tables. */
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { assessment, specialistAssessment } from '../assessment/tables.ts';
import { task } from '../clock/tables.ts';
import { contact } from '../contact/tables.ts';
import { serviceOffer } from '../district/tables.ts';
import { intervention, interventionEvent } from '../intervention/tables.ts';
import { contactArrangement, returnHome } from '../plan/care.ts';
import { familyAction, familyGoal, familyPlan } from '../plan/family-plan.ts';
import { conference, marac, preProceedings, section47, strategyDiscussion } from '../plan/legal.ts';
import { plan, stepEvent } from '../plan/tables.ts';
import { incident, safetyCondition } from '../safety/tables.ts';
import { toolReading } from '../tool/tables.ts';
import { adultVoice, childVoice, relationshipFeedback, trustedAdult } from '../voice/tables.ts';
import { workbookEntry, workbookReading } from '../workbook/tables.ts';
import { decision, meeting, meetingMinutes } from './tables.ts';

type Keyed = PgTable & { id: PgColumn; family: PgColumn };

export const EVIDENCE: Record<string, Keyed> = {
  WorkbookEntry: workbookEntry,
  WorkbookReading: workbookReading,
  Meeting: meeting,
  Plan: plan,
  Intervention: intervention,
  ServiceOffer: serviceOffer,
  Decision: decision,
  ChildVoice: childVoice,
  AdultVoice: adultVoice,
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
