/** A child's way through the law: referral episodes, strategy discussions, section 47 enquiries, conferences, pre-proceedings, care. */
import { sql } from 'drizzle-orm';
import { bigint, boolean, date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { plan } from './tables.ts';

/** Keys of every row about one child that is changed through the API. */
const ofChild = () => ({ id: id(), family: familyKey(), person: personKey(), controller: controller(), version: version(), ...times() });

/** The persons from whom a row is kept; see SHARING, kept from. */
const keptFrom = () => bigint('kept_from', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`);

/** Keys of a row that says more, under a class of its own, of one other row about the same child. */
const sideOfChild = () => ({ family: familyKey(), person: personKey(), controller: controller() });

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

export const strategyOutcome = classify(
  fsp.table('strategy_outcome', {
    discussion: key('discussion')
      .primaryKey()
      .references(() => strategyDiscussion.id),
    ...sideOfChild(),
    keptFrom: keptFrom(),
    /** Code list `strategy-outcome`. */
    outcome: text('outcome').notNull(),
    reasons: text('reasons'),
  }),
  'ASSESSMENT',
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

export const section47Outcome = classify(
  fsp.table('section47_outcome', {
    enquiry: key('enquiry')
      .primaryKey()
      .references(() => section47.id),
    ...sideOfChild(),
    keptFrom: keptFrom(),
    /** Code list `section47-outcome`. */
    outcome: text('outcome').notNull(),
    reasons: text('reasons'),
  }),
  'ASSESSMENT',
);

/** A child protection conference about one child. */
export const conference = classify(
  fsp.table(
    'conference',
    {
      ...ofChild(),
      kind: text('kind').notNull(),
      section47: key('section47').references(() => section47.id),
      targetOn: date('target_on'),
      heldOn: date('held_on').notNull(),
      chair: text('chair').notNull(),
      /** Codes of the list `attending-agency`. */
      attended: text('attended').array().notNull(),
      quorate: boolean('quorate').notNull(),
    },
    (t) => [index('conference_family').on(t.family, t.heldOn, t.id), index('conference_person').on(t.person)],
  ),
  'CASE',
);

/** What the conference decided, and how its chair sees it. */
export const conferenceView = classify(
  fsp.table('conference_view', {
    conference: key('conference')
      .primaryKey()
      .references(() => conference.id),
    ...sideOfChild(),
    keptFrom: keptFrom(),
    /** Code list `conference-outcome`. */
    outcome: text('outcome').notNull(),
    chairsView: text('chairs_view'),
  }),
  'ASSESSMENT',
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

/** What came of pre-proceedings. */
export const preProceedingsOutcome = classify(
  fsp.table('pre_proceedings_outcome', {
    preProceedings: key('pre_proceedings')
      .primaryKey()
      .references(() => preProceedings.id),
    ...sideOfChild(),
    keptFrom: keptFrom(),
    /** PPOutcome; code list `pre-proceedings-outcome`. */
    outcome: text('outcome').notNull(),
    reasons: text('reasons'),
  }),
  'ASSESSMENT',
);

/** The court's part of it: what was applied for, and under which reference. */
export const preProceedingsCourt = classify(
  fsp.table('pre_proceedings_court', {
    preProceedings: key('pre_proceedings')
      .primaryKey()
      .references(() => preProceedings.id),
    ...sideOfChild(),
    keptFrom: keptFrom(),
    /** CourtAppDate. */
    appliedOn: date('applied_on').notNull(),
    /** LetterInitCPDate: the letter to the parents that care proceedings begin. */
    letterSentOn: date('letter_sent_on'),
    reference: text('reference'),
    finalOrderOn: date('final_order_on'),
    /** They ended without an order. */
    withdrawnOn: date('withdrawn_on'),
    /** What was put before the court, by title. */
    papers: text('papers'),
  }),
  'COURT',
);

/** An assessment that was asked for so that proceedings may be avoided. */
export const preparatoryAssessment = classify(
  fsp.table(
    'preparatory_assessment',
    {
      ...ofChild(),
      preProceedings: key('pre_proceedings')
        .notNull()
        .references(() => preProceedings.id),
      /** Code list `preparatory-assessment`. */
      kind: text('kind').notNull(),
      askedOn: date('asked_on').notNull(),
      receivedOn: date('received_on'),
    },
    (t) => [index('preparatory_assessment_of').on(t.preProceedings, t.id)],
  ),
  'ASSESSMENT',
);

/** Family group decision making: offered, held, and what the family agreed. */
export const familyGroup = classify(
  fsp.table(
    'family_group',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      keptFrom: keptFrom(),
      /** With the letter before proceedings, as Children Act 1989 s.31ZA has it. */
      preProceedings: key('pre_proceedings').references(() => preProceedings.id),
      /** The child of those proceedings: who may not know of the child is not told of them by this. */
      person: key('person').references(() => person.id),
      offeredOn: date('offered_on').notNull(),
      accepted: boolean('accepted'),
      heldOn: date('held_on'),
      facilitator: text('facilitator'),
      planAgreed: boolean('plan_agreed'),
      familyPlan: text('family_plan'),
      version: version(),
      ...times(),
    },
    (t) => [index('family_group_family').on(t.family, t.offeredOn, t.id)],
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

/** Where a looked-after child lives and with whom: who the carer is tells where. */
export const placementPlace = classify(
  fsp.table('placement_place', {
    placement: key('placement')
      .primaryKey()
      .references(() => placement.id),
    ...sideOfChild(),
    /** A relative or friend of the family with whom the child lives. */
    carer: key('carer').references(() => person.id),
    address: text('address'),
    postcode: text('postcode'),
    district: text('district'),
  }),
  'WHEREABOUTS',
);

/** A visit to a child under a plan or in a placement. */
export const visit = classify(
  fsp.table(
    'visit',
    {
      ...ofChild(),
      kind: text('kind').notNull(),
      plan: key('plan').references(() => plan.id),
      placement: key('placement').references(() => placement.id),
      visitedOn: date('visited_on').notNull(),
      seen: boolean('seen').notNull(),
      seenAlone: boolean('seen_alone').notNull(),
      bedroomSeen: boolean('bedroom_seen').notNull(),
      practitioner: text('practitioner').notNull(),
    },
    (t) => [
      index('visit_family').on(t.family, t.visitedOn, t.id),
      index('visit_plan').on(t.plan),
      index('visit_placement').on(t.placement),
    ],
  ),
  'CASE',
);

export const visitPlace = classify(
  fsp.table('visit_place', {
    visit: key('visit')
      .primaryKey()
      .references(() => visit.id),
    ...sideOfChild(),
    /** Code list `visit-place`. */
    place: text('place').notNull(),
  }),
  'WHEREABOUTS',
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

/** Why a risk assessment conference was asked for, and by whom. */
export const maracContent = classify(
  fsp.table('marac_content', {
    marac: key('marac')
      .primaryKey()
      .references(() => marac.id),
    family: familyKey(),
    controller: controller(),
    keptFrom: keptFrom(),
    referrer: integer('referrer').references(() => organisation.id),
    reasons: text('reasons'),
    actions: text('actions'),
  }),
  'VICTIM',
);

export { keptFrom, ofChild, sideOfChild };
