/**
 * What the CIN census holds of one child's history: each rule with its code and words, checked over all that is known of
 * the child. A command makes the history as it would be and may break nothing that was not broken before.
 *
 * Days are ISO; null: not yet. Text of the rules: Department for Education, CIN census validation rules 2022-23 to 2026-27.
 */
import type { UserError } from '../../change/command.ts';
import { daysBetween } from '../clock/calendar.ts';

export type EpisodeFact = {
  id: number;
  on: string;
  closed: string | null;
  reason: string | null;
  noFurtherAction: boolean;
  /** Undefined where the caller may not know. */
  primaryNeed?: string | null | undefined;
};
export type PlanFact = { id: number; kind: string; started: string; ended: string | null; category?: string | null | undefined };
export type ReviewFact = { plan: number; held: string };
export type Section47Fact = {
  id: number;
  started: string;
  ended: string | null;
  conferenceNotRequired: boolean;
  conferenceOn: string | null;
  conferenceTarget: string | null;
};
export type ConferenceFact = { id: number; kind: string; held: string; target: string | null };
export type AssessmentFact = { id: number; started: string; authorised: string | null };
export type PreProceedingsFact = {
  id: number;
  started: string;
  letterSent: string | null;
  fgdmOffered: boolean | null;
  fgdmFacilitated: boolean | null;
  firstMeeting: string | null;
  reviewMeetings: number | null;
  stepDecision: string | null;
  outcome: string | null;
  courtApplied: string | null;
  courtLetter: string | null;
};

/** A child's whole history, as far as it concerns the census. */
export type History = {
  child: { born: string | null; expected: string | null; unborn: boolean; sex: string | null };
  episodes: EpisodeFact[];
  plans: PlanFact[];
  reviews: ReviewFact[];
  sections47: Section47Fact[];
  conferences: ConferenceFact[];
  assessments: AssessmentFact[];
  preProceedings: PreProceedingsFact[];
};

export const NO_HISTORY: History = {
  child: { born: null, expected: null, unborn: false, sex: null },
  episodes: [],
  plans: [],
  reviews: [],
  sections47: [],
  conferences: [],
  assessments: [],
  preProceedings: [],
};

/** A rule that is broken, and by which rows: the same break has the same words and rows however often it is looked for. */
export type Break = { rule: string; message: string; by: string };

const FOREVER = '9999-12-31';
const end = (day: string | null) => day ?? FOREVER;
const pairs = <T>(all: T[]): [T, T][] => all.flatMap((one, i) => all.slice(i + 1).map((other): [T, T] => [one, other]));
const isWeekend = (day: string) => [0, 6].includes(new Date(`${day}T00:00:00Z`).getUTCDay());

/** Two periods share more than the day on which one ends and the other begins. */
const overlap = (a: { started: string; ended: string | null }, b: { started: string; ended: string | null }) =>
  a.started < end(b.ended) && b.started < end(a.ended);

const ofKind = (kind: string) => (h: History) => h.plans.filter((plan) => plan.kind === kind);
const cin = ofKind('CHILD_IN_NEED');
const cp = ofKind('CHILD_PROTECTION');
const acted = (h: History) => h.episodes.filter(({ noFurtherAction }) => !noFurtherAction);
/** Conferences on which a child protection plan may begin. */
const initial = (h: History) => h.conferences.filter(({ kind }) => kind !== 'REVIEW');

type Kind = 'CIN' | 'CP' | 'S47' | 'ASSESSMENT' | 'CONFERENCE';
type Activity = { kind: Kind; id: number; from: string; until: string | null };

/** Everything that belongs into an episode. */
const activities = (h: History): Activity[] => [
  ...cin(h).map((p): Activity => ({ kind: 'CIN', id: p.id, from: p.started, until: p.ended })),
  ...cp(h).map((p): Activity => ({ kind: 'CP', id: p.id, from: p.started, until: p.ended })),
  ...h.sections47.map((s): Activity => ({ kind: 'S47', id: s.id, from: s.started, until: s.ended })),
  ...h.assessments.map((a): Activity => ({ kind: 'ASSESSMENT', id: a.id, from: a.started, until: a.authorised })),
  ...initial(h).map((c): Activity => ({ kind: 'CONFERENCE', id: c.id, from: c.held, until: c.held })),
];

/** The episode that an activity belongs to: the latest that had begun by then, before those that came to nothing. */
function episodeOf(h: History, { from }: { from: string }): EpisodeFact | undefined {
  const begun = h.episodes
    .filter(({ on }) => on <= from)
    // Of two of one day, the one that stands longer.
    .sort((a, b) => (a.on === b.on ? (end(a.closed) < end(b.closed) ? 1 : -1) : a.on < b.on ? 1 : -1));
  return begun.find(({ noFurtherAction }) => !noFurtherAction) ?? begun[0];
}

const BEFORE_REFERRAL: Record<Kind, string> = { CIN: '4015', CP: '1105', S47: '2889', ASSESSMENT: '1103', CONFERENCE: '1104' };
const ON_NO_ACTION: Record<Kind, string> = { CIN: '4000', CP: '8832', S47: '8831', ASSESSMENT: '8831', CONFERENCE: '8831' };
const CALLED: Record<Kind, string> = {
  CIN: 'child in need plan',
  CP: 'child protection plan',
  S47: 'section 47 enquiry',
  ASSESSMENT: 'assessment',
  CONFERENCE: 'conference',
};

type Rule = { code: string; says: string; of: (h: History) => string[] };
const rule = (code: string, says: string, of: Rule['of']): Rule => ({ code, says, of });
const ids = (all: { id: number }[]) => all.map(({ id }) => String(id));
const both = (all: [{ id: number }, { id: number }][]) => all.map(([a, b]) => `${a.id} ${b.id}`);
/** Several open rows at once, as one break of all of them. */
const several = (open: { id: number }[]) => (open.length > 1 ? [ids(open).join(' ')] : []);

/** Rules of one code; the order is the order in which errors are named. */
export const RULES: Rule[] = [
  // Episodes.
  rule('8610', 'A referral that leads to further action has a primary need.', (h) =>
    ids(acted(h).filter(({ primaryNeed }) => primaryNeed === null)),
  ),
  rule('8606', 'The referral is more than 40 weeks before the (expected) date of birth.', (h) => {
    const birth = h.child.born ?? h.child.expected;
    return birth === null ? [] : ids(h.episodes.filter(({ on }) => daysBetween(on, birth) > 280));
  }),
  rule('8750', 'The sex of an unborn child is U.', (h) =>
    h.child.unborn && h.child.sex !== null && h.child.sex !== 'U' ? ids(h.episodes) : [],
  ),
  rule('8525Q', 'A child has a date of birth, an unborn child an expected one, and none has both.', (h) =>
    (h.child.born === null) === (h.child.expected === null) ? ids(h.episodes) : [],
  ),
  rule('8805', 'An episode that is closed has a reason for closure: RC1 to RC9.', (h) =>
    ids(h.episodes.filter(({ closed, reason }) => closed !== null && reason === null)),
  ),
  rule('8810', 'A reason for closure stands only on an episode that is closed.', (h) =>
    ids(h.episodes.filter(({ closed, reason }) => closed === null && reason !== null)),
  ),
  rule('8630', 'An episode does not close before its referral.', (h) =>
    ids(h.episodes.filter(({ on, closed }) => closed !== null && closed < on)),
  ),
  rule('8815', 'The child has more than one open episode; close the one that stands, or record this in it.', (h) =>
    several(acted(h).filter(({ closed }) => closed === null)),
  ),
  rule('8816', 'An open episode is the child’s latest.', (h) =>
    ids(acted(h).filter((one) => one.closed === null && acted(h).some((other) => other !== one && other.on > one.on))),
  ),
  rule('8820', 'Episodes of one child do not overlap.', (h) =>
    both(
      pairs(acted(h)).filter(
        ([a, b]) =>
          (a.closed !== null || b.closed !== null) && overlap({ started: a.on, ended: a.closed }, { started: b.on, ended: b.closed }),
      ),
    ),
  ),
  // What belongs into an episode.
  ...(['CIN', 'CP', 'S47', 'ASSESSMENT', 'CONFERENCE'] as const).flatMap((kind) => [
    rule(BEFORE_REFERRAL[kind], `There is no referral of the child on or before the day on which the ${CALLED[kind]} begins.`, (h) =>
      ids(activities(h).filter((each) => each.kind === kind && !episodeOf(h, each))),
    ),
    rule(ON_NO_ACTION[kind], `The referral led to no further action; there is no ${CALLED[kind]} on it.`, (h) =>
      ids(activities(h).filter((each) => each.kind === kind && episodeOf(h, each)?.noFurtherAction)),
    ),
    rule('8565', `The episode is closed before the ${CALLED[kind]} begins or ends.`, (h) =>
      activities(h)
        .filter((each) => {
          const closed = each.kind === kind ? episodeOf(h, each)?.closed : null;
          // What has no end yet at the closure is named by the rules of the closure itself, plans here.
          const until = each.until ?? (kind === 'CIN' || kind === 'CP' ? FOREVER : each.from);
          return closed !== null && closed !== undefined && until > closed;
        })
        .map(({ id }) => `${kind} ${id}`),
    ),
  ]),
  rule('8867', 'An assessment of the episode is not completed: authorise it, or leave the episode open.', (h) =>
    ids(h.assessments.filter((each) => each.authorised === null && episodeOf(h, { from: each.started })?.closed)),
  ),
  rule('8868', 'A section 47 enquiry of the episode is completed neither by a conference nor by needing none.', (h) =>
    ids(
      h.sections47.filter(
        (each) => each.conferenceOn === null && !each.conferenceNotRequired && episodeOf(h, { from: each.started })?.closed,
      ),
    ),
  ),
  rule('2990', 'An episode closed after assessment (RC8, RC9) has no plan, enquiry or conference.', (h) =>
    activities(h)
      .filter((each) => each.kind !== 'ASSESSMENT' && ['RC8', 'RC9'].includes(episodeOf(h, each)?.reason ?? ''))
      .map(({ kind, id }) => `${kind} ${id}`),
  ),
  rule('8825Q', 'An episode closed after assessment (RC8, RC9) has an assessment.', (h) =>
    ids(
      h.episodes.filter(
        (one) => ['RC8', 'RC9'].includes(one.reason ?? '') && !h.assessments.some((each) => episodeOf(h, { from: each.started }) === one),
      ),
    ),
  ),
  rule('2991Q', 'An episode with a section 47 enquiry has an assessment.', (h) =>
    ids(
      h.sections47.filter((enquiry) => {
        const one = episodeOf(h, { from: enquiry.started });
        return one && !h.assessments.some((each) => episodeOf(h, { from: each.started }) === one);
      }),
    ),
  ),
  // Child in need plans.
  rule('4011', 'A child in need plan does not end before it begins.', (h) =>
    ids(cin(h).filter(({ started, ended }) => ended !== null && ended < started)),
  ),
  rule('4012Q', 'The child in need plan begins and ends on one day.', (h) => ids(cin(h).filter(({ started, ended }) => started === ended))),
  rule('4004', 'The child has more than one open child in need plan.', (h) => several(cin(h).filter(({ ended }) => ended === null))),
  rule('4014', 'Child in need plans of one child do not overlap.', (h) =>
    both(pairs(cin(h)).filter(([a, b]) => (a.ended !== null || b.ended !== null) && overlap(a, b))),
  ),
  // The one plan and the other.
  rule('4001', 'A child in need plan does not run beside a child protection plan: step the child up or down.', (h) =>
    both(
      cin(h).flatMap((a) =>
        cp(h)
          .filter((b) => a.ended === null && b.ended === null)
          .map((b): [PlanFact, PlanFact] => [a, b]),
      ),
    ),
  ),
  rule('4016', 'The child in need plan is open from before the end of a child protection plan.', (h) =>
    both(
      cin(h).flatMap((a) =>
        cp(h)
          .filter((b) => a.ended === null && b.ended !== null && overlap(a, b))
          .map((b): [PlanFact, PlanFact] => [a, b]),
      ),
    ),
  ),
  rule('4017', 'The child in need plan was open at the same time as a child protection plan.', (h) =>
    both(
      cin(h).flatMap((a) =>
        cp(h)
          .filter((b) => a.ended !== null && overlap(a, b))
          .map((b): [PlanFact, PlanFact] => [a, b]),
      ),
    ),
  ),
  rule('4003', 'A child protection plan is not reviewed while a child in need plan is open.', (h) =>
    h.reviews
      .filter(
        ({ plan, held }) => cp(h).some(({ id }) => id === plan) && cin(h).some((each) => each.started < held && held < end(each.ended)),
      )
      .map(({ plan, held }) => `${plan} ${held}`),
  ),
  // Child protection plans.
  rule('8925', 'A child protection plan does not end before it begins.', (h) =>
    ids(cp(h).filter(({ started, ended }) => ended !== null && ended < started)),
  ),
  rule('8840', 'A child protection plan does not begin and end on one day.', (h) =>
    ids(cp(h).filter(({ started, ended }) => started === ended)),
  ),
  rule('8935', 'The child has more than one open child protection plan.', (h) => several(cp(h).filter(({ ended }) => ended === null))),
  rule('8940', 'Child protection plans of one child do not overlap.', (h) =>
    both(pairs(cp(h)).filter(([a, b]) => (a.ended !== null || b.ended !== null) && overlap(a, b))),
  ),
  rule('8841', 'A review is held after the day on which the child protection plan began.', (h) =>
    h.reviews
      .filter(({ plan, held }) => cp(h).some(({ id, started }) => id === plan && held <= started))
      .map(({ plan, held }) => `${plan} ${held}`),
  ),
  rule('2885', 'A child protection plan begins on the day of an initial conference of the child.', (h) =>
    ids(cp(h).filter(({ started }) => !initial(h).some(({ held }) => held === started))),
  ),
  rule('2883', 'There are more child protection plans than initial conferences.', (h) =>
    cp(h).length > initial(h).length ? [ids(cp(h)).join(' ')] : [],
  ),
  rule('8905', 'A child protection plan has a category of abuse: NEG, PHY, SAB, EMO or MUL.', (h) =>
    ids(cp(h).filter(({ category }) => category === null)),
  ),
  // Enquiries and conferences.
  rule('8839', 'The child has more than one open section 47 enquiry.', (h) => several(h.sections47.filter(({ ended }) => ended === null))),
  rule('8890', 'A section 47 enquiry begins while another is open.', (h) =>
    both(pairs(h.sections47).filter(([a, b]) => (a.ended !== null || b.ended !== null) && overlap(a, b))),
  ),
  rule('8615', 'A section 47 enquiry does not begin after its conference.', (h) =>
    ids(h.sections47.filter(({ started, conferenceOn }) => conferenceOn !== null && started > conferenceOn)),
  ),
  rule('8870Q', 'The target date of a conference should not be on a weekend.', (h) =>
    ids(h.conferences.filter(({ kind, target }) => kind !== 'REVIEW' && target !== null && isWeekend(target))),
  ),
  rule('8875', 'An initial conference is not on a weekend.', (h) => ids(initial(h).filter(({ held }) => isWeekend(held)))),
  // Assessments.
  rule('8896', 'The episode has more than one open assessment.', (h) =>
    several(h.assessments.filter(({ authorised }) => authorised === null)),
  ),
  rule('8863Q', 'An assessment begins while another is open.', (h) =>
    both(
      pairs(h.assessments.map((each) => ({ ...each, ended: each.authorised }))).filter(
        ([a, b]) => (a.ended !== null || b.ended !== null) && overlap(a, b),
      ),
    ),
  ),
  // Module 5.
  rule('9006', 'The letter before proceedings is sent on or after the day on which pre-proceedings began.', (h) =>
    ids(h.preProceedings.filter(({ started, letterSent }) => letterSent !== null && letterSent < started)),
  ),
  rule('9007', 'A letter before proceedings was sent: say whether it offered a family group decision making meeting.', (h) =>
    ids(h.preProceedings.filter(({ letterSent, fgdmOffered }) => letterSent !== null && fgdmOffered === null)),
  ),
  rule('9008', 'The first pre-proceedings meeting is not before pre-proceedings began.', (h) =>
    ids(h.preProceedings.filter(({ started, firstMeeting }) => firstMeeting !== null && firstMeeting < started)),
  ),
  rule('9009', 'The decision to step up or down is on or after the day on which pre-proceedings began.', (h) =>
    ids(h.preProceedings.filter(({ started, stepDecision }) => stepDecision !== null && stepDecision < started)),
  ),
  rule('9010Q', 'A family group decision making meeting was offered: say whether one was facilitated.', (h) =>
    ids(h.preProceedings.filter(({ fgdmOffered, fgdmFacilitated }) => fgdmOffered === true && fgdmFacilitated === null)),
  ),
  rule('9012', 'The court application is on or after the decision to step up.', (h) =>
    ids(
      h.preProceedings.filter(
        ({ courtApplied, stepDecision }) => courtApplied !== null && (stepDecision === null || courtApplied < stepDecision),
      ),
    ),
  ),
  rule('9013', 'The letter that care proceedings begin is sent on or after the court application.', (h) =>
    ids(
      h.preProceedings.filter(
        ({ courtLetter, courtApplied }) => courtLetter !== null && (courtApplied === null || courtLetter < courtApplied),
      ),
    ),
  ),
  rule('9015Q', 'Meetings to review followed the first one: say how many.', (h) =>
    ids(h.preProceedings.filter((each) => each.firstMeeting !== null && each.stepDecision !== null && each.reviewMeetings === null)),
  ),
];

/** Every rule that a history breaks. */
export function broken(history: History): Break[] {
  return RULES.flatMap(({ code, says, of }) => of(history).map((by): Break => ({ rule: code, message: says, by })));
}

/** Rules ending in Q ask; they never refuse. */
export const onlyAsks = ({ rule: code }: { rule: string }) => code.endsWith('Q');

/** What a change of a history breaks that was not broken before it. */
export function newlyBroken(before: History, after: History): Break[] {
  const stood = new Set(broken(before).map(({ rule: code, by }) => `${code} ${by}`));
  const seen = new Set<string>();
  return broken(after).filter(({ rule: code, by }) => {
    const known = `${code} ${by}`;
    if (stood.has(known) || seen.has(known)) return false;
    seen.add(known);
    return true;
  });
}

/** Whether the change may be made, and what to say of it. `lenient`: facts of the past, and of the record system, only warn. */
export function judge(
  before: History,
  after: History,
  { lenient, path }: { lenient: boolean; path: (rule: string) => string[] },
): { errors: UserError[]; warnings: UserError[] } {
  const said = newlyBroken(before, after).map((each): UserError & { rule: string } => ({
    code: 'RULE',
    message: each.message,
    path: path(each.rule),
    rule: each.rule,
  }));
  const unique = [...new Map(said.map((each) => [each.rule, each])).values()];
  return {
    errors: lenient ? [] : unique.filter((each) => !onlyAsks(each)),
    warnings: lenient ? unique : unique.filter(onlyAsks),
  };
}

/** A conference, or a review of a child protection plan, counts with children's social care and two other agencies there. */
export const QUORUM = { always: 'childrens-social-care', others: 2 };

export function isQuorate(attended: string[]): boolean {
  const there = new Set(attended);
  return there.has(QUORUM.always) && there.size > QUORUM.others;
}

/** How many child protection plans a child had before a day; with 1 or more the new one is a repeat. */
export function previousPlans(plans: PlanFact[], on: string): number {
  return plans.filter(({ kind, started }) => kind === 'CHILD_PROTECTION' && started < on).length;
}

/** From the least intensive plan to the most: which step is up and which is down. */
export const INTENSITY = ['EARLY_HELP', 'CHILD_IN_NEED', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'];

export const direction = (from: string | null, to: string): 'UP' | 'DOWN' | null => {
  const step = INTENSITY.indexOf(to) - (from === null ? -1 : INTENSITY.indexOf(from));
  return step > 0 ? 'UP' : step < 0 ? 'DOWN' : null;
};

/** The timescales of a placement's visits (Care Planning Regulations 2010, regulation 28). */
export const VISIT_RULES: Record<string, { first: string; next: string; later?: string }> = {
  STANDARD: { first: 'LAC_VISIT_FIRST', next: 'LAC_VISIT_Y1', later: 'LAC_VISIT_LATER' },
  TO_18: { first: 'LAC_VISIT_FIRST', next: 'LAC_VISIT_Y1', later: 'LAC_VISIT_TO_18' },
  WITH_PARENT_UNASSESSED: { first: 'LAC_VISIT_REG19', next: 'LAC_VISIT_REG19', later: 'LAC_VISIT_REG19_LATER' },
  INTERIM_ORDER_WITH_PARENT: { first: 'LAC_VISIT_ICO_PARENT', next: 'LAC_VISIT_ICO_PARENT', later: 'LAC_VISIT_ICO_PARENT_LATER' },
  TEMPORARY_APPROVAL: { first: 'LAC_VISIT_REG24', next: 'LAC_VISIT_REG24', later: 'LAC_VISIT_REG24_LATER' },
  CARE_ORDER_WITH_PARENT: { first: 'LAC_VISIT_CARE_ORDER_HOME', next: 'LAC_VISIT_CARE_ORDER_HOME_LATER' },
};

/** Clock of the next visit. `reviewed`: the first review of the child's care was held; for other rules a year decides. */
export function nextVisitRule(visitRule: string, startedOn: string, visitedOn: string, reviewed: boolean): string {
  const { next, later } = VISIT_RULES[visitRule] ?? (VISIT_RULES.STANDARD as (typeof VISIT_RULES)[string]);
  if (!later) return next;
  const ofYear = visitRule === 'STANDARD' || visitRule === 'TO_18';
  const anniversary = `${Number(startedOn.slice(0, 4)) + 1}${startedOn.slice(4)}`;
  return (ofYear ? visitedOn >= anniversary : reviewed) ? later : next;
}

/** Which timescale the next review of a plan has, after so many that were held. Null: the authority or law sets none. */
export function nextReviewRule(kind: string, held: number): string | null {
  if (kind === 'CHILD_PROTECTION') return held === 0 ? 'ICPC_TO_RCPC1' : 'RCPC_NEXT';
  if (kind === 'LOOKED_AFTER') return held === 0 ? 'LAC_REVIEW1' : held === 1 ? 'LAC_REVIEW2' : 'LAC_REVIEW3';
  if (kind === 'CHILD_IN_NEED') return 'CIN_REVIEW';
  return null;
}
