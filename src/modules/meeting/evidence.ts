/** What a decision may rest on, and what may be kept from somebody: types that have ids, and their tables. */
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { task } from '../clock/tables.ts';
import { serviceOffer } from '../district/tables.ts';
import { intervention } from '../intervention/tables.ts';
import { plan } from '../plan/tables.ts';
import { adultVoice, childVoice } from '../voice/tables.ts';
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

export const KEPT_FROM: Record<string, Keyed & { keptFrom: PgColumn }> = {
  WorkbookEntry: workbookEntry,
  MeetingMinutes: meetingMinutes,
  Decision: decision,
  ChildVoice: childVoice,
  AdultVoice: adultVoice,
  Task: task,
};
