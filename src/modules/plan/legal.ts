/** A child's way through the law: referral episodes, strategy discussions, section 47 enquiries, conferences, pre-proceedings, care. */
import { boolean, date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';

/** Keys of every row about one child that is changed through the API. */
const ofChild = () => ({ id: id(), family: familyKey(), person: personKey(), controller: controller(), version: version(), ...times() });

/** One referral of a child in need and what came of it: an episode of the CIN census. */
export const episode = classify(
  fsp.table(
    'episode',
    {
      ...ofChild(),
      /** Code list `referral-source`. */
      source: text('source').notNull(),
      referredOn: date('referred_on').notNull(),
      /** Referred, and no further action taken. */
      noFurtherAction: boolean('no_further_action').notNull().default(false),
      reReferral: boolean('re_referral').notNull().default(false),
      closedOn: date('closed_on'),
      /** Code list `closure-reason`: RC1 to RC9. */
      closureReason: text('closure_reason'),
    },
    (t) => [index('episode_family').on(t.family, t.referredOn, t.id), index('episode_person').on(t.person)],
  ),
  'CASE',
);

const episodeKey = () =>
  key('episode')
    .notNull()
    .references(() => episode.id);

/** Why the child is in need: a finding, not the episode's existence. */
export const episodeNeed = classify(
  fsp.table('episode_need', {
    episode: episodeKey().primaryKey(),
    family: familyKey(),
    person: personKey(),
    controller: controller(),
    /** Code list `primary-need`: N1 to N9, N0. */
    primaryNeed: text('primary_need').notNull(),
  }),
  'ASSESSMENT',
);

/** A strategy discussion about a child; it stands open until it is decided. */
export const strategyDiscussion = classify(
  fsp.table(
    'strategy_discussion',
    {
      ...ofChild(),
      heldOn: date('held_on').notNull(),
      decidedOn: date('decided_on'),
    },
    (t) => [index('strategy_discussion_family').on(t.family, t.heldOn, t.id), index('strategy_discussion_person').on(t.person)],
  ),
  'CASE',
);

/** An enquiry under section 47 of the Children Act 1989. */
export const section47 = classify(
  fsp.table(
    'section47',
    {
      ...ofChild(),
      strategyDiscussion: key('strategy_discussion').references(() => strategyDiscussion.id),
      startedOn: date('started_on').notNull(),
      endedOn: date('ended_on'),
      /** The enquiry ended without a need for an initial conference. */
      conferenceNotRequired: boolean('conference_not_required').notNull().default(false),
      conferenceTarget: date('conference_target'),
      /** The day of the initial conference that completed it. */
      conferenceOn: date('conference_on'),
    },
    (t) => [index('section47_family').on(t.family, t.startedOn, t.id), index('section47_person').on(t.person)],
  ),
  'CASE',
);

/** Pre-proceedings about a child: the dates that module 5 of the CIN census asks for. */
export const preProceedings = classify(
  fsp.table(
    'pre_proceedings',
    {
      ...ofChild(),
      /** PPStartDate: the legal planning meeting that decided to start. */
      startedOn: date('started_on').notNull(),
      /** LBPSentDate: the letter before proceedings. */
      letterSentOn: date('letter_sent_on'),
      /** FGDMMeetingOffer. */
      fgdmOffered: boolean('fgdm_offered'),
      /** FGDMMeetingFac. */
      fgdmFacilitated: boolean('fgdm_facilitated'),
      /** InitialPPMeetingDate. */
      firstMeetingOn: date('first_meeting_on'),
      /** ReviewMeetingsCount. */
      reviewMeetings: integer('review_meetings'),
      /** StepDecisionDate: stepped down, or up to court. */
      stepDecisionOn: date('step_decision_on'),
      endedOn: date('ended_on'),
    },
    (t) => [index('pre_proceedings_family').on(t.family, t.startedOn, t.id), index('pre_proceedings_person').on(t.person)],
  ),
  'CASE',
);

/** Where and under which law a looked-after child lives. */
export const placement = classify(
  fsp.table(
    'placement',
    {
      ...ofChild(),
      /** Code list `legal-status` (SSDA903): L1 police protection, V2 section 20, C1 interim order, … */
      legalStatus: text('legal_status').notNull(),
      /** Code list `placement-type` (SSDA903). */
      placementType: text('placement_type').notNull(),
      /** Which of regulation 28's intervals of visits it has. */
      visitRule: text('visit_rule').notNull().default('STANDARD'),
      /** Began when the child became looked after, not by a change of placement. */
      startedOn: date('started_on').notNull(),
      lookedAfterSince: date('looked_after_since').notNull(),
      endedOn: date('ended_on'),
      /** Code list `care-end-reason` (SSDA903): X1 where the child stays looked after elsewhere. */
      endReason: text('end_reason'),
      /** Code list `placement-change-reason` (SSDA903). */
      changeReason: text('change_reason'),
    },
    (t) => [index('placement_family').on(t.family, t.startedOn, t.id), index('placement_person').on(t.person)],
  ),
  'CASE',
);

/** A multi-agency risk assessment conference stands open for the family. Why is in `marac_content`. */
export const marac = classify(
  fsp.table(
    'marac',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      openedOn: date('opened_on').notNull(),
      closedOn: date('closed_on'),
      version: version(),
      ...times(),
    },
    (t) => [index('marac_family').on(t.family, t.openedOn, t.id)],
  ),
  'CASE',
);

export { episodeKey, ofChild };
