/** The commands of plans and the legal path through the API. */
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { type History, NO_HISTORY } from '../../../src/modules/plan/rules.ts';
import { encodeId, ownDatabase, type PersonaName, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';
import { brokenByText } from './census.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_plan_commands');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const RETURNS: Record<string, [string, string]> = {
  openEpisode: [
    'episode',
    'id version referred closed noFurtherAction reReferral source { code } primaryNeed { code } closureReason { code }',
  ],
  closeEpisode: ['episode', 'id version closed closureReason { code }'],
  startPlan: ['plan', 'id version kind status started nextReviewDue previousPlans repeat categoryOfAbuse { code }'],
  amendPlan: ['plan', 'id version nextReviewDue categoryOfAbuse { code } initialCategoryOfAbuse { code }'],
  endPlan: ['plan', 'id version status ended endReason { code }'],
  recordReview: ['plan', 'id version nextReviewDue reviews { held quorate attended participation { code } continues outcome }'],
  stepUp: [
    'step',
    'id direction from to on reason { code } decision evidence { id } ended { status endReason { code } } started { id version kind status }',
  ],
  stepDown: [
    'step',
    'id direction from to on reason { code } decision evidence { id } ended { status } started { id version kind status started }',
  ],
  recordStrategyDiscussion: ['strategyDiscussion', 'id version held decided outcome { code } reasons'],
  decideStrategyDiscussion: ['strategyDiscussion', 'id version decided outcome { code }'],
  startSection47: ['section47', 'id version started conferenceTarget strategyDiscussion { id }'],
  endSection47: ['section47', 'id version ended conferenceNotRequired outcome { code }'],
  recordConference: [
    'conference',
    'id kind held target chair attended quorate outcome { code } chairsView section47 { conferenceOn ended }',
  ],
  recordVisit: ['visit', 'id kind visited seen seenAlone bedroomSeen practitioner place { code }'],
  startPreProceedings: ['preProceedings', 'id version started'],
  recordPreProceedings: [
    'preProceedings',
    'id version letterSent familyGroupOffered familyGroupFacilitated firstMeeting reviewMeetings stepDecision ended outcome { code } outcomeReasons',
  ],
  recordCourtApplication: ['preProceedings', 'id version courtApplied courtReference careProceedingsLetterSent courtPapers finalOrder'],
  askPreparatoryAssessment: ['assessment', 'id version kind { code } asked received'],
  receivePreparatoryAssessment: ['assessment', 'id version received'],
  offerFamilyGroup: ['familyGroup', 'id version offered preProceedings { id }'],
  recordFamilyGroup: ['familyGroup', 'id version accepted held planAgreed familyPlan facilitator'],
  openMarac: ['marac', 'id version opened referrer { code } reasons'],
  closeMarac: ['marac', 'id version closed actions'],
  startPlacement: [
    'placement',
    'id version started lookedAfterSince legalStatus { code } placementType { code } carer { givenName } address district { code } visitRule',
  ],
  endPlacement: ['placement', 'id version ended endReason { code }'],
  arrangeContact: ['contactArrangement', 'id version with { givenName } mode supervision outOfHome frequency venue'],
  endContactArrangement: ['contactArrangement', 'id version ended'],
  planReturnHome: ['returnHome', 'id version stages { id version what starts until reviewOn protector { givenName } }'],
  moveReturnStage: ['returnStage', 'id version until'],
  completeReturnHome: ['returnHome', 'id completed'],
  openFamilyPlan: ['familyPlan', 'id version opened nextReviewDue familySaid plans { kind }'],
  endFamilyPlan: ['familyPlan', 'id ended'],
  addGoal: ['goal', 'id version goal person { givenName }'],
  reachGoal: ['goal', 'id reached'],
  addAction: ['action', 'id version action due organisation { code } person { givenName } service { code } offer { id }'],
  completeAction: ['action', 'id version done'],
  reviewFamilyPlan: ['familyPlan', 'id version nextReviewDue reviews { reviewed outcome attended familySaid }'],
};

let keys = 0;
type Answer = { row: any; errors: any[]; warnings: any[]; body: any };
/** Sends a command of this module. */
async function send(
  field: string,
  input: object,
  as: PersonaName | Parameters<TestServer['ask']>[0] = 'socialWorker',
  key = `k${keys++}`,
): Promise<Answer> {
  const [name, selection] = RETURNS[field] as [string, string];
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${name} { ${selection} } userErrors { code message path rule currentVersion } warnings { code message path rule } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: key, ...input } });
  const payload = body.data?.[field];
  // Why there is no payload belongs to what a failing test shows.
  if (payload === undefined || (payload === null && as === 'socialWorker')) throw new Error(`${field}: ${JSON.stringify(body)}`);
  return { row: payload?.[name], errors: payload?.userErrors ?? [], warnings: payload?.warnings ?? [], body };
}
const rules = (all: any[]) => all.map((each) => each.rule ?? `${each.code} ${each.path.join('.')}`);
/** Sends a command that has to succeed. */
async function must(field: string, input: object): Promise<any> {
  const { row, errors, body } = await send(field, input);
  expect(errors, `${field} ${JSON.stringify(input)}`).toEqual([]);
  expect(body.errors, JSON.stringify(body.errors)).toBeUndefined();
  expect(row).not.toBeNull();
  return row;
}
const stageOf = async (family: number) =>
  (await owner.query('select stage, marac from fsp.family_stage where family = $1', [family])).rows[0];

/** A family that nobody has decided anything about yet: a mother and a child, with whom team 07 works. */
async function bareFamily(nth: number): Promise<{ number: number; family: string; child: string; parent: string; childKey: number }> {
  const { rows } = await owner.query(
    "select max(id) filter (where code = 'occ') as occ, max(id) filter (where code = 'team-07') as team from fsp.organisation",
  );
  const { occ, team } = rows[0];
  const make = async (sql: string, values: unknown[]) => Number((await owner.query(`${sql} returning id`, values)).rows[0].id);
  const number = await make('insert into fsp.family (controller) values ($1)', [occ]);
  const member = async (role: string, given: string, born: string) => {
    const person = await make('insert into fsp.person (controller) values ($1)', [occ]);
    await owner.query(
      "insert into fsp.person_identity (person, controller, given_name, family_name, date_of_birth, sex) values ($1, $2, $3, 'Larkspur', $4, 'F')",
      [person, occ, given, born],
    );
    await make('insert into fsp.membership (family, person, controller, role, "from") values ($1, $2, $3, $4, \'2026-01-01\')', [
      number,
      person,
      occ,
      role,
    ]);
    return person;
  };
  const parent = await member('mother', `Nerys ${nth}`, '1994-04-04');
  const child = await member('child', `Ida ${nth}`, '2017-05-05');
  await make(
    "insert into fsp.involvement (family, controller, organisation, role, \"from\") values ($1, $2, $3, 'social-worker', '2026-01-01')",
    [number, occ, team],
  );
  return {
    number,
    family: encodeId('Family', number),
    child: encodeId('Person', child),
    parent: encodeId('Person', parent),
    childKey: child,
  };
}
type Bare = Awaited<ReturnType<typeof bareFamily>>;
const of = ({ family, child }: Bare) => ({ family, person: child });
const THREE = ['childrens-social-care', 'police', 'school'];

const entryIn = async (bare: Bare) => {
  const { body } = await server.ask(
    'socialWorker',
    'mutation($input: AddWorkbookEntryInput!) { addWorkbookEntry(input: $input) { entry { id } userErrors { message } } }',
    {
      input: {
        idempotencyKey: `e${keys++}`,
        family: bare.family,
        module: 'Module 1',
        discipline: 'social-worker',
        sessionType: 'individual',
        occurred: '2026-10-01T10:00:00.000Z',
        persons: [bare.parent],
        narrative: 'The household is calmer.',
      },
    },
  );
  return body.data.addWorkbookEntry.entry.id as string;
};

describe('a child’s way from referral to protection and back', () => {
  let bare: Bare;
  beforeAll(async () => {
    bare = await bareFamily(0);
  });
  it('refuses a plan, an enquiry and a conference without a referral, by the census’ rules', async () => {
    expect(rules((await send('startPlan', { ...of(bare), kind: 'CHILD_IN_NEED', started: '2026-09-01' })).errors)).toEqual(['4015']);
    expect(rules((await send('startSection47', { ...of(bare), started: '2026-09-01' })).errors)).toEqual(['2889']);
    expect(rules((await send('startPlan', { ...of(bare), kind: 'CHILD_PROTECTION', started: '2026-09-01' })).errors).sort()).toEqual([
      '1105',
      '2883',
      '2885',
      '8905',
    ]);
  });
  it('opens an episode once, with its need', async () => {
    expect(rules((await send('openEpisode', { ...of(bare), referred: '2026-08-03', source: '1A' })).errors)).toEqual(['8610']);
    expect(rules((await send('openEpisode', { ...of(bare), referred: '2026-08-03', source: '99', primaryNeed: 'N1' })).errors)).toEqual([
      'INVALID source',
    ]);
    const episode = await must('openEpisode', { ...of(bare), referred: '2026-08-03', source: '6', primaryNeed: 'N1' });
    expect(episode).toMatchObject({ source: { code: '6' }, primaryNeed: { code: 'N1' }, reReferral: false });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'ASSESSMENT' });
    expect(rules((await send('openEpisode', { ...of(bare), referred: '2026-08-10', source: '6', primaryNeed: 'N1' })).errors)).toEqual([
      '8815',
      '8816',
    ]);
  });
  it('goes from a child in need plan by strategy discussion, enquiry and conference to protection, one plan at a time', async () => {
    const need = await must('startPlan', { ...of(bare), kind: 'CHILD_IN_NEED', started: '2026-08-20' });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'CHILD_IN_NEED' });
    const discussion = await must('recordStrategyDiscussion', { ...of(bare), held: '2026-09-01' });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'STRATEGY_DISCUSSION' });
    const enquiry = await must('startSection47', { ...of(bare), strategyDiscussion: discussion.id, started: '2026-09-01' });
    // Fifteen working days from the first of September.
    expect(enquiry.conferenceTarget).toBe('2026-09-22');
    await must('decideStrategyDiscussion', {
      strategyDiscussion: discussion.id,
      expectedVersion: discussion.version,
      decided: '2026-09-01',
      outcome: 'section-47-joint',
    });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'SECTION_47' });
    expect(rules((await send('startSection47', { ...of(bare), started: '2026-09-02' })).errors)).toEqual(['8839']);
    expect(rules((await send('recordConference', conferenceOf(bare, { held: '2026-09-19', category: 'NEG' }))).errors)).toEqual(['8875']);
    const { row, errors, warnings } = await send(
      'recordConference',
      conferenceOf(bare, { held: '2026-09-18', category: 'NEG', section47: enquiry.id }),
    );
    expect(errors).toEqual([]);
    expect(warnings).toEqual([]);
    expect(row).toMatchObject({
      quorate: true,
      section47: { conferenceOn: '2026-09-18', ended: '2026-09-18' },
      outcome: { code: 'child-protection-plan' },
    });
    const plans = await owner.query('select kind, status, started, ended from fsp.plan where person = $1 order by id', [bare.childKey]);
    expect(plans.rows.map((p) => [p.kind, p.status])).toEqual([
      ['CHILD_IN_NEED', 'ENDED'],
      ['CHILD_PROTECTION', 'OPEN'],
    ]);
    expect(need.id).toBeTruthy();
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'CHILD_PROTECTION' });
    const clocks = await owner.query('select rule from fsp.clock where person = $1 and met_on is null and ended_on is null order by rule', [
      bare.childKey,
    ]);
    expect(clocks.rows.map(({ rule }) => rule)).toEqual(['CP_VISIT', 'ICPC_TO_CORE', 'ICPC_TO_RCPC1']);
  });
  it('refuses a child in need plan beside it, and a review before it began', async () => {
    const plan = await openPlan(bare, 'CHILD_PROTECTION');
    expect(rules((await send('startPlan', { ...of(bare), kind: 'CHILD_IN_NEED', started: '2026-10-01' })).errors)).toEqual(['4001']);
    const review = {
      plan: plan.id,
      expectedVersion: plan.version,
      outcome: 'continue',
      attended: THREE,
      participation: 'PN1',
      continues: true,
    };
    expect(rules((await send('recordReview', { ...review, held: '2026-09-18' })).errors)).toEqual(['8841']);
    expect(
      rules((await send('recordReview', { ...review, held: '2026-11-02', attended: ['a'], participation: 'PN9' })).errors).sort(),
    ).toEqual(['INVALID attended.0', 'INVALID participation']);
    expect(
      rules((await send('endPlan', { plan: plan.id, expectedVersion: plan.version, ended: '2026-09-18', reason: 'goals-met' })).errors),
    ).toEqual(['8840']);
  });
  it('records a review with who was there, and reckons the next', async () => {
    const plan = await openPlan(bare, 'CHILD_PROTECTION');
    const { row, warnings } = await send('recordReview', {
      plan: plan.id,
      expectedVersion: plan.version,
      held: '2026-11-02',
      outcome: 'continue',
      attended: ['childrens-social-care', 'police'],
      participation: 'PN1',
      continues: true,
    });
    expect(row).toMatchObject({
      nextReviewDue: '2027-05-02',
      reviews: [{ held: '2026-11-02', quorate: false, participation: { code: 'PN1' } }],
    });
    expect(warnings[0].path).toEqual(['attended']);
  });
  it('records visits; the clock of the next runs when the child was seen alone', async () => {
    const plan = await openPlan(bare, 'CHILD_PROTECTION');
    const visit = {
      ...of(bare),
      kind: 'CHILD_PROTECTION',
      plan: plan.id,
      visited: '2026-09-24',
      seen: true,
      bedroomSeen: true,
      place: 'home',
    };
    expect(rules((await send('recordVisit', { ...visit, seen: false, seenAlone: true })).errors)).toEqual(['INVALID seenAlone']);
    expect(await must('recordVisit', { ...visit, seenAlone: true })).toMatchObject({
      place: { code: 'home' },
      practitioner: 'Grace Whitlock',
    });
    const { rows } = await owner.query(
      "select started_on::text, met_on::text from fsp.clock where person = $1 and rule = 'CP_VISIT' order by id",
      [bare.childKey],
    );
    expect(rows).toEqual([
      { started_on: '2026-09-18', met_on: '2026-09-24' },
      { started_on: '2026-09-24', met_on: null },
    ]);
  });
  it('steps down: the protection plan ends on the day on which the child in need plan begins, resting on the Workbook', async () => {
    const plan = await openPlan(bare, 'CHILD_PROTECTION');
    const entry = await entryIn(bare);
    const down = {
      ...of(bare),
      plan: plan.id,
      expectedVersion: plan.version,
      to: 'CHILD_IN_NEED',
      on: '2026-11-10',
      reason: 'risk-reduced',
      decision: 'Risk is down.',
    };
    expect(rules((await send('stepDown', { ...down, evidence: [] })).errors)).toEqual(['INVALID evidence']);
    expect(rules((await send('stepUp', { ...down, evidence: [entry] })).errors)).toEqual(['INVALID to']);
    const step = await must('stepDown', { ...down, evidence: [entry] });
    expect(step).toMatchObject({
      direction: 'DOWN',
      from: 'CHILD_PROTECTION',
      to: 'CHILD_IN_NEED',
      evidence: [{ id: entry }],
      ended: { status: 'ENDED' },
      started: { status: 'OPEN', started: '2026-11-10' },
    });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'CHILD_IN_NEED' });
  });
  it('finds the repeat of a child protection plan', async () => {
    const { row, errors } = await send('recordConference', conferenceOf(bare, { held: '2026-11-19', category: 'EMO' }));
    expect(errors).toEqual([]);
    expect(row).not.toBeNull();
    const plan = await openPlan(bare, 'CHILD_PROTECTION');
    const { body } = await server.ask(
      'socialWorker',
      `{ node(id: "${plan.id}") { ... on Plan { repeat previousPlans initialCategoryOfAbuse { code } } } }`,
    );
    expect(body.data.node).toEqual({ repeat: true, previousPlans: 1, initialCategoryOfAbuse: { code: 'EMO' } });
  });
  it('closes the episode with its reason, when nothing is open in it', async () => {
    const { rows } = await owner.query('select id, version from fsp.episode where person = $1', [bare.childKey]);
    const close = { episode: encodeId('Episode', rows[0].id), expectedVersion: rows[0].version };
    expect(rules((await send('closeEpisode', { ...close, closed: '2026-11-20', reason: 'RC7' })).errors)).toEqual(['8565']);
    const plan = await openPlan(bare, 'CHILD_PROTECTION');
    await must('endPlan', { plan: plan.id, expectedVersion: plan.version, ended: '2026-11-20', reason: 'moved-away' });
    expect(rules((await send('closeEpisode', { ...close, closed: '2026-11-20' })).errors)).toEqual(['8805']);
    expect(rules((await send('closeEpisode', { ...close, closed: '2026-11-20', reason: 'RC8' })).errors)).toEqual(['2990']);
    expect(await must('closeEpisode', { ...close, closed: '2026-11-20', reason: 'RC5' })).toMatchObject({ closureReason: { code: 'RC5' } });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'CLOSED' });
  });
  it('warns only of what the record system mirrors, and of what is entered late', async () => {
    const other = await bareFamily(1);
    const late = await send('startPlan', { ...of(other), kind: 'CHILD_IN_NEED', started: '2025-01-10', historical: true });
    expect(late.errors).toEqual([]);
    expect(rules(late.warnings)).toEqual(['4015']);
  });
});

function conferenceOf(bare: Bare, extra: object) {
  return {
    ...of(bare),
    kind: 'INITIAL',
    chair: 'Imogen Farrant',
    attended: THREE,
    outcome: 'child-protection-plan',
    chairsView: 'The network holds.',
    ...extra,
  };
}
async function openPlan(bare: Bare, kind: string): Promise<{ id: string; version: number }> {
  const { rows } = await owner.query("select id, version from fsp.plan where person = $1 and kind = $2 and status = 'OPEN'", [
    bare.childKey,
    kind,
  ]);
  return { id: encodeId('Plan', rows[0].id), version: rows[0].version };
}

describe('pre-proceedings, care and the way home', () => {
  let bare: Bare;
  beforeAll(async () => {
    bare = await bareFamily(2);
  });
  it('keeps module 5 of the census as it goes, and the court’s part apart', async () => {
    await must('openEpisode', { ...of(bare), referred: '2026-03-02', source: '6', primaryNeed: 'N1' });
    const started = await must('startPreProceedings', { ...of(bare), started: '2026-06-01' });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'PRE_PROCEEDINGS' });
    const pp = { preProceedings: started.id, expectedVersion: started.version };
    expect(rules((await send('recordPreProceedings', { ...pp, letterSent: '2026-05-30' })).errors).sort()).toEqual(['9006', '9007']);
    expect(rules((await send('recordPreProceedings', { ...pp, stepDecision: '2026-05-30' })).errors)).toEqual(['9009']);
    const letter = await send('recordPreProceedings', { ...pp, letterSent: '2026-06-05', familyGroupOffered: true });
    expect(letter.errors).toEqual([]);
    expect(rules(letter.warnings)).toEqual(['9010Q']);
    const next = { preProceedings: started.id, expectedVersion: letter.row.version };
    expect(rules((await send('recordCourtApplication', { ...next, applied: '2026-09-20' })).errors)).toEqual(['9012']);
    expect(rules((await send('recordPreProceedings', { ...next, stepDecision: '2026-09-01', outcome: 'Z' })).errors)).toEqual(['9011']);
    const decided = await must('recordPreProceedings', {
      ...next,
      firstMeeting: '2026-06-12',
      familyGroupFacilitated: true,
      reviewMeetings: 2,
      stepDecision: '2026-09-01',
      outcome: 'B',
      outcomeReasons: 'Change was not enough.',
    });
    const court = { preProceedings: started.id, expectedVersion: decided.version, applied: '2026-09-20' };
    expect(rules((await send('recordCourtApplication', { ...court, letterSent: '2026-09-19' })).errors)).toEqual(['9013']);
    expect(
      await must('recordCourtApplication', { ...court, letterSent: '2026-09-21', reference: 'OX26C00123', papers: 'Evidence pack.' }),
    ).toMatchObject({
      courtApplied: '2026-09-20',
      courtReference: 'OX26C00123',
    });
    const asked = await must('askPreparatoryAssessment', { preProceedings: started.id, kind: 'viability', asked: '2026-06-13' });
    expect(
      await must('receivePreparatoryAssessment', { assessment: asked.id, expectedVersion: asked.version, received: '2026-07-13' }),
    ).toMatchObject({ received: '2026-07-13' });
    // A health visitor is shown the dates, and neither court nor outcome.
    const { body } = await server.ask(
      'police',
      `{ node(id: "${started.id}") { ... on PreProceedings { started courtReference outcome { code } } } }`,
    );
    expect(body.data.node === null || (body.data.node.courtReference === null && body.data.node.outcome === null)).toBe(true);
  });
  it('offers family group decision making and holds what the family agreed', async () => {
    const offered = await must('offerFamilyGroup', { family: bare.family, offered: '2026-06-05' });
    const group = { familyGroup: offered.id, expectedVersion: offered.version };
    expect(rules((await send('recordFamilyGroup', { ...group, held: '2026-06-20' })).errors)).toEqual(['INVALID accepted']);
    expect(
      await must('recordFamilyGroup', {
        ...group,
        accepted: true,
        held: '2026-06-20',
        facilitator: 'Odette Lyle',
        planAgreed: true,
        familyPlan: 'The aunt is there each evening.',
      }),
    ).toMatchObject({ planAgreed: true });
  });
  it('places a child with a relative under police protection, then section 20; each with its clock', async () => {
    const placed = await must('startPlacement', {
      ...of(bare),
      legalStatus: 'L1',
      placementType: 'U3',
      visitRule: 'TEMPORARY_APPROVAL',
      started: '2026-09-22',
      carer: bare.parent,
      address: '4 Quarry Rise',
    });
    expect(placed).toMatchObject({ legalStatus: { code: 'L1' }, lookedAfterSince: '2026-09-22', address: '4 Quarry Rise' });
    expect(await stageOf(bare.number)).toMatchObject({ stage: 'LOOKED_AFTER' });
    const change = { ...of(bare), legalStatus: 'V2', placementType: 'U3', started: '2026-09-25' };
    expect(rules((await send('startPlacement', change)).errors)).toEqual(['INVALID changeReason']);
    const second = await must('startPlacement', { ...change, changeReason: 'CARPL' });
    expect(second).toMatchObject({ lookedAfterSince: '2026-09-22' });
    await must('recordVisit', {
      ...of(bare),
      kind: 'LOOKED_AFTER',
      placement: second.id,
      visited: '2026-09-30',
      seen: true,
      seenAlone: true,
      bedroomSeen: true,
      place: 'placement',
    });
    const { rows } = await owner.query(
      "select rule, met_on::text, ended_on::text from fsp.clock where person = $1 and rule like 'LAC_VISIT%' order by id",
      [bare.childKey],
    );
    expect(rows).toEqual([
      { rule: 'LAC_VISIT_REG24', met_on: null, ended_on: '2026-09-25' },
      { rule: 'LAC_VISIT_FIRST', met_on: '2026-09-30', ended_on: null },
      { rule: 'LAC_VISIT_Y1', met_on: null, ended_on: null },
    ]);
    const contact = await must('arrangeContact', {
      ...of(bare),
      with: bare.parent,
      mode: 'DIRECT',
      supervision: 'SUPERVISED',
      outOfHome: true,
      frequency: 'Twice a week',
      started: '2026-09-23',
      venue: 'Marlborough Road centre',
    });
    await must('endContactArrangement', { contactArrangement: contact.id, expectedVersion: contact.version, ended: '2026-11-01' });
    const back = await must('planReturnHome', {
      ...of(bare),
      decided: '2026-10-01',
      stages: [
        { what: 'Weekends at home', starts: '2026-10-03', until: '2026-10-30', protector: bare.parent },
        { what: 'Home on school days', starts: '2026-10-31' },
      ],
    });
    expect(back.stages).toHaveLength(2);
    await must('moveReturnStage', { returnStage: back.stages[1].id, expectedVersion: back.stages[1].version, until: '2026-11-15' });
    await must('completeReturnHome', { returnHome: back.id, expectedVersion: back.version, completed: '2026-11-15' });
    expect(
      await must('endPlacement', { placement: second.id, expectedVersion: second.version, ended: '2026-11-15', reason: 'E4A' }),
    ).toMatchObject({ endReason: { code: 'E4A' } });
  });
  it('opens and closes a MARAC beside the stage', async () => {
    const open = await must('openMarac', { family: bare.family, opened: '2026-10-05', reasons: 'High risk.' });
    expect(await stageOf(bare.number)).toMatchObject({ marac: true });
    expect(rules((await send('openMarac', { family: bare.family, opened: '2026-10-06' })).errors)).toEqual(['INVALID family']);
    await must('closeMarac', { marac: open.id, expectedVersion: open.version, closed: '2026-10-20', actions: 'Alarm fitted.' });
    expect(await stageOf(bare.number)).toMatchObject({ marac: false });
  });
});

describe('the whole family’s plan', () => {
  let bare: Bare;
  beforeAll(async () => {
    bare = await bareFamily(3);
  });
  it('is one, with goals, actions and reviews', async () => {
    const plan = await must('openFamilyPlan', { family: bare.family, opened: '2026-09-01', familySaid: 'We want the shouting to stop.' });
    expect(plan).toMatchObject({ nextReviewDue: '2026-12-01' });
    expect(rules((await send('openFamilyPlan', { family: bare.family, opened: '2026-09-02' })).errors)).toEqual(['INVALID family']);
    const goal = await must('addGoal', { familyPlan: plan.id, person: bare.child, goal: 'In school each day' });
    const services = await server.ask('socialWorker', '{ services(first: 1) { nodes { id code } } }');
    const service = services.body.data.services.nodes[0];
    const action = await must('addAction', {
      goal: goal.id,
      organisation: encodeId('Organisation', 1),
      practitioner: 'Grace Whitlock',
      action: 'Breakfast club',
      due: '2026-10-01',
      service: service.id,
    });
    expect(action).toMatchObject({ service: { code: service.code } });
    expect(rules((await send('addAction', { goal: goal.id, action: 'Nobody', due: '2026-10-01' })).errors)).toEqual(['INVALID person']);
    await must('completeAction', { action: action.id, expectedVersion: action.version, done: '2026-10-02' });
    await must('reachGoal', { goal: goal.id, expectedVersion: goal.version, reached: '2026-11-02' });
    const reviewed = await must('reviewFamilyPlan', {
      familyPlan: plan.id,
      expectedVersion: plan.version,
      reviewed: '2026-11-03',
      outcome: 'It goes on.',
      attended: THREE,
      familySaid: 'It is quieter.',
    });
    expect(reviewed).toMatchObject({ nextReviewDue: '2027-02-03', reviews: [{ outcome: 'It goes on.' }] });
    await must('endFamilyPlan', { familyPlan: plan.id, expectedVersion: reviewed.version, ended: '2026-11-20' });
  });
});

describe('whatever is asked through the API, in whatever order', () => {
  it('never comes to rows that the census forbids', async () => {
    const bare = await bareFamily(20);
    const open = async (table: string, type: string, where: string) => {
      const { rows } = await owner.query(`select id, version from fsp.${table} where person = $1 and ${where} order by id desc limit 1`, [
        bare.childKey,
      ]);
      return rows[0] ? { id: encodeId(type, rows[0].id), expectedVersion: rows[0].version } : null;
    };
    const entry = await entryIn(bare);
    const asks: Record<string, (on: string) => Promise<Answer | null>> = {
      refer: (on) => send('openEpisode', { ...of(bare), referred: on, source: '6', primaryNeed: 'N1' }),
      close: async (on) => {
        const found = await open('episode', 'Episode', 'closed_on is null');
        return found && send('closeEpisode', { episode: found.id, expectedVersion: found.expectedVersion, closed: on, reason: 'RC7' });
      },
      need: (on) => send('startPlan', { ...of(bare), kind: 'CHILD_IN_NEED', started: on }),
      protect: (on) => send('startPlan', { ...of(bare), kind: 'CHILD_PROTECTION', started: on, category: 'NEG' }),
      end: async (on) => {
        const found = await open('plan', 'Plan', "status = 'OPEN'");
        return found && send('endPlan', { plan: found.id, expectedVersion: found.expectedVersion, ended: on, reason: 'other' });
      },
      confer: (on) => send('recordConference', conferenceOf(bare, { held: on, category: 'EMO' })),
      down: async (on) => {
        const found = await open('plan', 'Plan', "status = 'OPEN' and kind = 'CHILD_PROTECTION'");
        const step = { ...of(bare), to: 'CHILD_IN_NEED', on, reason: 'risk-reduced', decision: 'Down.', evidence: [entry] };
        return found && send('stepDown', { ...step, plan: found.id, expectedVersion: found.expectedVersion });
      },
      review: async (on) => {
        const found = await open('plan', 'Plan', "status = 'OPEN'");
        const review = { held: on, outcome: 'continue', attended: THREE, participation: 'PN1', continues: true };
        return found && send('recordReview', { ...review, plan: found.id, expectedVersion: found.expectedVersion });
      },
      enquire: (on) => send('startSection47', { ...of(bare), started: on }),
      endEnquiry: async (on) => {
        const found = await open('section47', 'Section47', 'ended_on is null');
        const ended = { ended: on, conferenceNotRequired: true, outcome: 'unsubstantiated' };
        return found && send('endSection47', { ...ended, section47: found.id, expectedVersion: found.expectedVersion });
      },
    };
    const asked = fc.sample(fc.tuple(fc.constantFrom(...Object.keys(asks)), fc.nat(4)), { numRuns: 70, seed: 47 });
    let accepted = 0;
    for (const [i, [what, jump]] of asked.entries()) {
      const on = new Date(Date.UTC(2026, 1, 2) + (i * 2 + jump) * 86_400_000).toISOString().slice(0, 10);
      const answer = await (asks[what] as (on: string) => Promise<Answer | null>)(on);
      if (answer && answer.errors.length === 0) accepted++;
    }
    expect(accepted).toBeGreaterThan(10);
    const rows = async (sql: string) => (await owner.query(sql, [bare.childKey])).rows;
    const told: History = {
      ...NO_HISTORY,
      episodes: await rows(
        'select e.id, referred_on::text as "on", closed_on::text as closed, closure_reason as reason, no_further_action as "noFurtherAction", n.primary_need as "primaryNeed" from fsp.episode e left join fsp.episode_need n on n.episode = e.id where e.person = $1',
      ),
      plans: await rows(
        'select p.id, kind, started::text, ended::text, c.category from fsp.plan p left join fsp.plan_category c on c.plan = p.id where p.person = $1',
      ),
      reviews: await rows('select plan, held::text from fsp.plan_review where person = $1'),
      conferences: await rows('select id, kind, held_on::text as held, target_on::text as target from fsp.conference where person = $1'),
      sections47: await rows(
        'select id, started_on::text as started, ended_on::text as ended, conference_not_required as "conferenceNotRequired", conference_on::text as "conferenceOn" from fsp.section47 where person = $1',
      ),
    };
    expect(brokenByText(told)).toEqual([]);
  });
});

describe('an unborn child', () => {
  it('has an episode and a conference before birth; the sex is U and the referral not too early', async () => {
    const bare = await bareFamily(4);
    const county = (await owner.query("select id from fsp.organisation where code = 'occ'")).rows[0].id;
    // Held by those who treat the mother alone: the county does not know of it, and cannot write about it.
    const health = (await owner.query("select id from fsp.organisation where code = 'oxford-health'")).rows[0].id;
    const theirs = (await owner.query('insert into fsp.person (controller) values ($1) returning id', [health])).rows[0].id;
    await owner.query(
      "insert into fsp.unborn_membership (family, person, controller, role, \"from\") values ($1, $2, $3, 'unborn-child', '2026-10-01')",
      [bare.number, theirs, health],
    );
    const hidden = { family: bare.family, person: encodeId('Person', theirs), referred: '2026-11-02', source: '3D', primaryNeed: 'N1' };
    expect(rules((await send('openEpisode', hidden)).errors)).toEqual(['NOT_FOUND person']);
    const made = (await owner.query('insert into fsp.person (controller) values ($1) returning id', [county])).rows[0].id;
    await owner.query("insert into fsp.person_identity (person, controller, sex) values ($1, $2, 'F')", [made, county]);
    await owner.query("insert into fsp.person_expected (person, controller, expected_date) values ($1, $2, '2027-03-01')", [made, county]);
    await owner.query(
      "insert into fsp.unborn_membership (family, person, controller, role, \"from\") values ($1, $2, $3, 'unborn-child', '2026-10-01')",
      [bare.number, made, county],
    );
    const unborn = { family: bare.family, person: encodeId('Person', made) };
    const wrongSex = await send('openEpisode', { ...unborn, referred: '2026-10-05', source: '3D', primaryNeed: 'N1' });
    expect(rules(wrongSex.errors)).toEqual(['8750']);
    await owner.query("update fsp.person_identity set sex = 'U' where person = $1", [made]);
    expect(rules((await send('openEpisode', { ...unborn, referred: '2026-05-01', source: '3D', primaryNeed: 'N1' })).errors)).toEqual([
      '8606',
    ]);
    await must('openEpisode', { ...unborn, referred: '2026-10-05', source: '3D', primaryNeed: 'N1' });
    const { errors } = await send('recordConference', {
      ...unborn,
      kind: 'PRE_BIRTH',
      held: '2026-11-02',
      chair: 'Imogen Farrant',
      attended: THREE,
      outcome: 'child-protection-plan',
      category: 'NEG',
    });
    expect(errors).toEqual([]);
    // Who may not know of an unborn child sees none of it: the plan is about a person who is not there for them.
    const { body } = await server.ask('police', `{ family(id: "${bare.family}") { plans { kind person { id } } conferences { id } } }`);
    const shown = JSON.stringify(body.data.family ?? null);
    expect(shown).not.toContain(unborn.person);
    expect(body.data.family?.conferences ?? []).toEqual([]);
  });
});

describe('who may, and who wins', () => {
  const maisie = encodeId('Person', storyPerson(1, 'maisie'));
  it.each(['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)(
    'is not for %s',
    async (name) => {
      for (const field of ['startPlan', 'openEpisode', 'startPlacement', 'openFamilyPlan'] as const) {
        const inputs = {
          startPlan: { kind: 'CHILD_IN_NEED', started: '2026-11-01', person: maisie },
          openEpisode: { referred: '2026-11-01', source: '6', primaryNeed: 'N1', person: maisie },
          startPlacement: { legalStatus: 'V2', placementType: 'U3', started: '2026-11-01', person: maisie },
          openFamilyPlan: { opened: '2026-11-01' },
        };
        const { body } = await send(field, { family: encodeId('Family', 1), ...inputs[field] }, name);
        expect(body.data).toEqual({ [field]: null });
        expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
      }
    },
  );
  it('says the same of a family or plan that is hidden and one that never was', async () => {
    const never = await send('startPlan', {
      family: encodeId('Family', 999_999),
      person: maisie,
      kind: 'CHILD_IN_NEED',
      started: '2026-11-01',
    });
    expect(rules(never.errors)).toEqual(['NOT_FOUND family']);
    const plan = await send('endPlan', { plan: encodeId('Plan', 999_999_999), expectedVersion: 1, ended: '2026-11-01', reason: 'other' });
    expect(rules(plan.errors)).toEqual(['NOT_FOUND plan']);
  });
  it('has one effect for one key', async () => {
    const bare = await bareFamily(5);
    const input = { ...of(bare), referred: '2026-08-03', source: '6', primaryNeed: 'N1' };
    const first = await send('openEpisode', input, 'socialWorker', 'again');
    const second = await send('openEpisode', input, 'socialWorker', 'again');
    expect(second.row).toEqual(first.row);
    expect(first.row).not.toBeNull();
  });
  it('lets one of twenty writers win, and tells the others what stands now', async () => {
    const bare = await bareFamily(6);
    await must('openEpisode', { ...of(bare), referred: '2026-08-03', source: '6', primaryNeed: 'N1' });
    const plan = await must('startPlan', { ...of(bare), kind: 'CHILD_IN_NEED', started: '2026-08-20' });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        send('amendPlan', { plan: plan.id, expectedVersion: plan.version, nextReviewDue: `2026-12-${String(i + 1).padStart(2, '0')}` }),
      ),
    );
    const won = answers.filter(({ errors }) => errors.length === 0);
    expect(won).toHaveLength(1);
    for (const { errors } of answers.filter((each) => !won.includes(each)))
      expect(errors).toMatchObject([{ code: 'CONFLICT', path: ['expectedVersion'], currentVersion: plan.version + 1 }]);
    const { rows } = await owner.query('select next_review_due::text as due, version from fsp.plan where person = $1', [bare.childKey]);
    expect(rows[0]).toEqual({ due: won[0]?.row.nextReviewDue, version: plan.version + 1 });
  });
  it('lets one of ten openings of an episode at once stand', async () => {
    const bare = await bareFamily(7);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => send('openEpisode', { ...of(bare), referred: '2026-08-03', source: '6', primaryNeed: 'N1' })),
    );
    expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    expect(new Set(answers.flatMap(({ errors }) => rules(errors)))).toEqual(new Set(['8815']));
  });
  it('stands in the database without the API: an agency writes no plan and no stage', async () => {
    for (const organisation of ['oxford-health', 'thames-valley-police', 'team-07']) {
      const sql = await sqlAs(organisation, false, ownerUrl);
      try {
        await expect(
          sql.query(
            "insert into fsp.plan (family, person, controller, kind, status, started) values (1, $1, 1, 'CHILD_IN_NEED', 'OPEN', '2026-11-01')",
            [storyPerson(1, 'maisie')],
          ),
        ).rejects.toThrow(/permission denied|row-level security/);
        await expect(
          sql
            .query("update fsp.family_stage set stage = 'CLOSED' where family = 1")
            .then(({ rowCount }) => (rowCount === 0 ? Promise.reject(new Error('permission denied')) : rowCount)),
        ).rejects.toThrow(/permission denied/);
      } finally {
        await sql.end();
      }
    }
  });
  it('opens a family to the police with the stage, and closes it again', async () => {
    const bare = await bareFamily(8);
    const seen = async () =>
      (await server.ask('police', `{ family(id: "${bare.family}") { strategyDiscussions { held reasons outcome { code } } } }`)).body.data
        .family;
    await owner.query(
      "insert into fsp.involvement (family, controller, organisation, role, \"from\") select $1, o.id, p.id, 'police-officer', now() from fsp.organisation o, fsp.organisation p where o.code = 'occ' and p.code = 'thames-valley-police'",
      [bare.number],
    );
    expect(await seen()).toBeNull();
    const discussion = await must('recordStrategyDiscussion', { ...of(bare), held: '2026-11-02' });
    expect(await seen()).toMatchObject({ strategyDiscussions: [{ held: '2026-11-02', reasons: null, outcome: null }] });
    await must('decideStrategyDiscussion', {
      strategyDiscussion: discussion.id,
      expectedVersion: discussion.version,
      decided: '2026-11-03',
      outcome: 'no-further-action',
    });
    expect(await seen()).toBeNull();
  });
});
