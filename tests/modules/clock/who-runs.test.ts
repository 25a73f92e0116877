/** Every timescale has commands that start its clock and stop it, or a reason why not: what is started is met or ended by somebody. */
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readNational } from '../../../src/db/reference.ts';
import { COMMANDS } from '../../../src/modules/index.ts';

type Runs = { starts: string[]; meets: string[]; ends: string[] } | { none: string };

const plan = (kind: 'startPlan' | 'review', ...meets: string[]): Runs => ({
  starts: ['startPlan', 'stepUp', 'stepDown', 'recordConference', ...(kind === 'review' ? ['recordReview'] : [])],
  meets,
  ends: ['endPlan', 'stepUp', 'stepDown', 'recordConference'],
});
const placement = (first: boolean): Runs => ({
  starts: first ? ['startPlacement', 'recordVisit'] : ['recordVisit'],
  meets: ['recordVisit'],
  ends: ['endPlacement', 'startPlacement'],
});
const proceedings = (starts: string): Runs => ({ starts: [starts], meets: ['recordPreProceedings'], ends: ['recordPreProceedings'] });
const home: Runs = {
  starts: ['recordHousingSituation', 'amendHousingSituation'],
  meets: ['amendHousingSituation'],
  ends: ['amendHousingSituation'],
};

const RUNS: Record<string, Runs> = {
  REF_DECISION: { starts: ['recordContact'], meets: ['decideContact'], ends: [] },
  FEEDBACK_DECISION: { none: 'decideContact tells the referrer itself' },
  FEEDBACK_ASSESSMENT: { starts: ['completeAssessment'], meets: ['giveFeedback'], ends: [] },
  INFORMATION_REQUEST: { starts: ['requestInformation'], meets: ['answerInformationRequest'], ends: [] },
  CFA_COMPLETE: { starts: ['startAssessment'], meets: ['completeAssessment'], ends: ['cancelAssessment', 'closeEpisode'] },
  STRAT_TO_ICPC: { starts: ['startSection47'], meets: ['recordConference'], ends: ['endSection47', 'closeEpisode'] },
  ICPC_TO_CORE: plan('startPlan', 'recordMeeting'),
  CORE_NEXT: { starts: ['recordMeeting'], meets: ['recordMeeting'], ends: ['endPlan', 'stepUp', 'stepDown'] },
  ICPC_TO_RCPC1: plan('startPlan', 'recordReview'),
  RCPC_NEXT: { starts: ['recordReview'], meets: ['recordReview'], ends: ['endPlan', 'stepUp', 'stepDown'] },
  CP_VISIT: plan('startPlan', 'recordVisit'),
  CIN_VISIT: plan('startPlan', 'recordVisit'),
  CIN_FIRST_MEETING: plan('startPlan', 'recordMeeting'),
  CIN_REVIEW: plan('review', 'recordReview'),
  FAMILY_PLAN_REVIEW: { starts: ['openFamilyPlan', 'reviewFamilyPlan'], meets: ['reviewFamilyPlan'], ends: ['endFamilyPlan'] },
  LAC_VISIT_FIRST: placement(true),
  LAC_VISIT_Y1: placement(false),
  LAC_VISIT_LATER: placement(false),
  LAC_VISIT_TO_18: placement(false),
  LAC_VISIT_REG19: placement(true),
  LAC_VISIT_REG19_LATER: placement(false),
  LAC_VISIT_ICO_PARENT: placement(true),
  LAC_VISIT_ICO_PARENT_LATER: placement(false),
  LAC_VISIT_REG24: placement(true),
  LAC_VISIT_REG24_LATER: placement(false),
  LAC_VISIT_CARE_ORDER_HOME: placement(true),
  LAC_VISIT_CARE_ORDER_HOME_LATER: placement(false),
  LAC_REVIEW1: plan('startPlan', 'recordReview'),
  LAC_REVIEW2: { starts: ['recordReview'], meets: ['recordReview'], ends: ['endPlan', 'stepUp', 'stepDown'] },
  LAC_REVIEW3: { starts: ['recordReview'], meets: ['recordReview'], ends: ['endPlan', 'stepUp', 'stepDown'] },
  CARE_PROCEEDINGS: { starts: ['recordCourtApplication'], meets: ['recordCourtApplication'], ends: ['recordCourtApplication'] },
  PRE_PROCEEDINGS: proceedings('startPreProceedings'),
  PRE_PROCEEDINGS_LETTER: proceedings('startPreProceedings'),
  PRE_PROCEEDINGS_MEETING: proceedings('recordPreProceedings'),
  HOMELESS_PREVENTION: home,
  HOMELESS_RELIEF: home,
  SAR: {
    starts: ['requestSubjectAccess', 'confirmSubjectAccessIdentity'],
    meets: ['sendSubjectAccess'],
    ends: ['closeSubjectAccess'],
  },
  RIGHTS_REQUEST: {
    starts: ['requestRectification', 'recordObjection'],
    meets: ['decideRectification', 'decideObjection'],
    ends: [],
  },
  GROUP_SUPERVISION: { starts: ['recordGroupSupervision'], meets: ['recordGroupSupervision'], ends: ['closeEpisode', 'endPlan'] },
  RESTRICTED_REVIEW: { none: 'a record is restricted by the operator; there is no command for it yet' },
  SAFETY_REVIEW: {
    starts: ['recordSafetyCondition', 'reviewSafetyCondition', 'agreeSafeWorking'],
    meets: ['reviewSafetyCondition', 'agreeSafeWorking'],
    ends: ['endSafetyCondition'],
  },
  PHQ9_ITEM9: { none: 'recordToolReading gives a task, which completeTask ends' },
  INTERVENTION_REQUEST: { starts: ['requestIntervention'], meets: ['moveIntervention'], ends: ['moveIntervention'] },
};

/** Rules that are named by data, not by code: a kind of meeting says which clocks it meets and starts. */
const byData = JSON.parse(readFileSync('reference/england/meeting-kinds.json', 'utf8')) as {
  entries: { meets: string[]; starts: string | null }[];
};
const source = [
  ...globSync('src/modules/**/*.ts').map((file) => readFileSync(file, 'utf8')),
  ...byData.entries.flatMap(({ meets, starts }) => [...meets, starts].map((rule) => `'${rule}'`)),
].join('\n');

it('names every timescale, and no other', () => {
  expect(Object.keys(RUNS).sort()).toEqual(
    readNational()
      .timescales.map(({ code }) => code)
      .sort(),
  );
});
it.each(Object.entries(RUNS))('%s', (rule, runs) => {
  const named = new RegExp(`'${rule}'`).test(source);
  if ('none' in runs) {
    expect(runs.none).not.toBe('');
    // A task or rule may bear its name; no clock does.
    expect(source).not.toMatch(new RegExp(`(start|run)Clock\\([^;]*'${rule}'`));
    return;
  }
  expect(named, `${rule} is named by no command`).toBe(true);
  expect(runs.starts.length, 'started by').toBeGreaterThan(0);
  expect(runs.meets.length, 'met by').toBeGreaterThan(0);
  for (const command of [...runs.starts, ...runs.meets, ...runs.ends]) expect([...COMMANDS.keys()], command).toContain(command);
});
