/** Assessments through the API: who may write them, the census' rules, what each agency sees, and what stays on record. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { encodeId, ownDatabase, type PersonaName, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let url: string;
beforeAll(async () => {
  url = await ownDatabase('fsp_assessment');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const person = (who: string) => encodeId('Person', storyPerson(1, who));
const [mother, father, maisie, callum, poppy] = ['mother', 'father', 'maisie', 'callum', 'poppy'].map(person) as [
  string,
  string,
  string,
  string,
  string,
];
const problems = 'userErrors { code message path rule currentVersion } warnings { code path rule }';
const findings = `findings { childSeen seenAlone analysis outcomes { outcome { code } } factors { factor { code label } person { givenName } }
  context { fact { code } value } aces { person { givenName } count band { code } }
  triggerTrio { variant substanceMisuse domesticAbuse parentalMentalHealth count } triggerTrioOfParents { variant substanceMisuse domesticAbuse parentalMentalHealth count } }`;
const assessed = `assessment { id version status kind { code } person { givenName } referred started authorisedOn cancelledOn team { code } ${findings} }`;
const mutation = (name: string) =>
  `mutation($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { ${assessed} ${problems} } }`;

let keys = 0;
async function run(name: string, input: object, who: Parameters<TestServer['ask']>[0] = 'socialWorker') {
  const { body } = await server.ask(who, mutation(name), { input: { idempotencyKey: `k${++keys}`, ...input } });
  expect(body.errors).toBeUndefined();
  return body.data[name];
}
const rules = (errors: any[]) => errors.map(({ rule, path }) => rule ?? path.join('.'));
const start = (extra: object = {}) =>
  run('startAssessment', { family, person: maisie, referred: '2026-09-01', started: '2026-09-02', ...extra });
const found = (extra: object = {}) => ({
  authorisedOn: '2026-10-15',
  childSeen: true,
  seenAlone: true,
  outcomes: ['child-in-need-plan', 'specialist-assessment'],
  factors: [{ code: '3A' }, { code: '4B', person: mother }, { code: '1C' }],
  ...extra,
});
const complete = (assessment: { id: string; version: number }, extra: object = {}) =>
  run('completeAssessment', { assessment: assessment.id, expectedVersion: assessment.version, ...found(extra) });

describe('an assessment of a child', () => {
  let one: any;
  it('starts with its clock of 45 working days from the referral', async () => {
    const team = (await owner.query("select id from fsp.organisation where code = 'team-07'")).rows[0].id;
    const { assessment: given } = await start({ team: encodeId('Organisation', team) });
    one = given;
    expect(given).toMatchObject({ status: 'OPEN', version: 1, person: { givenName: 'Maisie' }, referred: '2026-09-01', findings: null });
    const { rows } = await owner.query(
      "select rule, started_on::text, due_on::text, met_on from fsp.clock where subject_type = 'Assessment' order by id desc limit 1",
    );
    expect(rows[0]).toMatchObject({ rule: 'CFA_COMPLETE', started_on: '2026-09-01', due_on: '2026-11-03', met_on: null });
  });
  it('is the only open one of the child (8896), also where it is only put on record, which warns', async () => {
    const again = await start();
    expect(rules(again.userErrors)).toEqual(['8896']);
    const late = await start({ historical: true, started: '2026-09-03' });
    expect(late.userErrors).toEqual([]);
    expect(rules(late.warnings)).toEqual(['8896']);
    const { assessment } = await run('cancelAssessment', {
      assessment: late.assessment.id,
      expectedVersion: 1,
      on: '2026-09-04',
    });
    expect(assessment).toMatchObject({ status: 'CANCELLED', cancelledOn: '2026-09-04' });
  });
  it('has no factors before it is completed (8614)', async () => {
    const early = await run('amendAssessment', { assessment: one.id, expectedVersion: one.version, factors: [{ code: '3A' }] });
    expect(rules(early.userErrors)).toEqual(['8614']);
  });
  it('is not completed with factors twice (8898), with 21 beside others (8869), before it started (8608), or with unknown codes', async () => {
    const factors = [{ code: '21' }, { code: '3A' }, { code: '3A' }];
    const wrong = await complete(one, { factors, authorisedOn: '2026-09-01', outcomes: ['wish'], seenAlone: true, childSeen: false });
    expect(rules(wrong.userErrors).sort()).toEqual(['8608', '8869', '8898', 'outcomes.0', 'seenAlone'].sort());
    expect(wrong.assessment).toBeNull();
  });
  it('is completed: who was seen, what was found, the trio worked out, the clock met', async () => {
    const { assessment, userErrors, warnings } = await complete(one, {
      context: [{ code: 'school-exclusion', value: 'UNKNOWN' }],
      aces: [
        { person: mother, count: 4 },
        { person: father, count: 3 },
      ],
      analysis: 'What was found.',
    });
    expect(userErrors).toEqual([]);
    expect(warnings).toEqual([]);
    expect(assessment).toMatchObject({
      status: 'COMPLETED',
      version: 2,
      authorisedOn: '2026-10-15',
      findings: {
        childSeen: true,
        seenAlone: true,
        analysis: 'What was found.',
        outcomes: [{ outcome: { code: 'child-in-need-plan' } }, { outcome: { code: 'specialist-assessment' } }],
        factors: [
          { factor: { code: '3A' }, person: null },
          { factor: { code: '4B' }, person: { givenName: 'Rachel' } },
          { factor: { code: '1C' }, person: null },
        ],
        context: [{ fact: { code: 'school-exclusion' }, value: 'UNKNOWN' }],
        aces: [
          { person: { givenName: 'Rachel' }, count: 4, band: { code: '4+' } },
          { person: { givenName: 'Glenn' }, count: 3, band: { code: '2-3' } },
        ],
        triggerTrio: { substanceMisuse: true, domesticAbuse: true, parentalMentalHealth: true, count: 3 },
        triggerTrioOfParents: { substanceMisuse: false, domesticAbuse: false, parentalMentalHealth: true, count: 1 },
      },
    });
    const { rows } = await owner.query("select met_on::text from fsp.clock where subject_type = 'Assessment' order by id limit 1");
    expect(rows[0].met_on).toBe('2026-10-15');
    one = assessment;
  });
  it('is amended under its version; a factor taken back stays on record and leaves the trio', async () => {
    const stale = await run('amendAssessment', { assessment: one.id, expectedVersion: 1, analysis: 'Else.' });
    expect(stale.userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
    const { assessment } = await run('amendAssessment', {
      assessment: one.id,
      expectedVersion: 2,
      factors: [{ code: '3A' }, { code: '2A' }],
    });
    expect(assessment.version).toBe(3);
    expect(assessment.findings.factors.map((f: any) => f.factor.code)).toEqual(['3A', '2A']);
    // 2A is the child's own drug use: no concern of the trio.
    expect(assessment.findings.triggerTrio).toMatchObject({ substanceMisuse: false, domesticAbuse: true, count: 1 });
    expect(assessment.findings.analysis).toBe('What was found.');
    const kept = await owner.query('select code from fsp.assessment_factor where withdrawn order by code');
    expect(kept.rows.map(({ code }) => code)).toEqual(['1C', '4B']);
    one = assessment;
  });
  it('counts for the family with the latest of every other child', async () => {
    const { assessment: other } = await start({ person: callum });
    await complete(other, { factors: [{ code: '2B', person: father }] });
    const ask = () =>
      server.ask(
        'socialWorker',
        'query($id: ID!) { family(id: $id) { triggerTrio { substanceMisuse domesticAbuse parentalMentalHealth count } triggerTrioOfParents { count } } }',
        { id: family },
      );
    expect((await ask()).body.data.family).toEqual({
      triggerTrio: { substanceMisuse: true, domesticAbuse: true, parentalMentalHealth: false, count: 2 },
      triggerTrioOfParents: { count: 1 },
    });
    const { assessment: later } = await start({ person: callum, started: '2026-10-16', referred: '2026-10-16' });
    const { warnings } = await complete(later, { factors: [], authorisedOn: '2026-10-30' });
    expect(rules(warnings)).toEqual(['8897Q']);
    expect((await ask()).body.data.family.triggerTrio).toEqual({
      substanceMisuse: false,
      domesticAbuse: true,
      parentalMentalHealth: false,
      count: 1,
    });
  });
  it('warns of a replaced factor (8945Q) and of more than 45 working days (8670Q)', async () => {
    const { assessment } = await start({ person: poppy, referred: '2026-07-01', started: '2026-07-02' });
    const { warnings, userErrors } = await complete(assessment, { factors: [{ code: '18A' }], authorisedOn: '2026-11-02' });
    expect(userErrors).toEqual([]);
    expect(rules(warnings).sort()).toEqual(['8670Q', '8945Q']);
  });
  it('of the whole family needs the day of its referral, and never starts before it (1103)', async () => {
    const whole = await run('startAssessment', { family, started: '2026-11-02' });
    expect(rules(whole.userErrors)).toEqual(['referred']);
    const early = await run('startAssessment', { family, started: '2026-10-01', referred: '2026-10-02' });
    expect(rules(early.userErrors)).toEqual(['1103']);
  });
});

describe('episodes of need', () => {
  beforeAll(async () => {
    const children = (await owner.query('select person from fsp.membership where family = 3 order by person')).rows.map((r) =>
      Number(r.person),
    );
    const add = (child: number, on: string, nfa: boolean, closed: string | null, reason: string | null) =>
      owner.query(
        `insert into fsp.episode (family, person, controller, source, referred_on, no_further_action, closed_on, closure_reason)
         select 3, $1, controller, '6', $2, $3, $4, $5 from fsp.family where id = 3`,
        [child, on, nfa, closed, reason],
      );
    await add(children[0] as number, '2026-05-01', true, null, null);
    await add(children[1] as number, '2026-05-01', false, '2026-07-01', 'RC8');
    await add(children[2] as number, '2026-05-01', false, '2026-07-01', 'RC7');
  });
  const third = encodeId('Family', 3);
  const child = async (place: number) =>
    encodeId(
      'Person',
      Number((await owner.query('select person from fsp.membership where family = 3 order by person')).rows[place].person),
    );
  it.each([
    [0, '8831'],
    [1, '2990'],
    [2, '8565'],
  ])('forbid an assessment after their end: child %i breaks %s', async (place, rule) => {
    const input = { family: third, person: await child(place), started: '2026-08-03' };
    const { userErrors } = await run('startAssessment', input);
    expect(rules(userErrors)).toEqual([rule]);
    const late = await run('startAssessment', { ...input, historical: true });
    expect(rules(late.warnings)).toEqual([rule]);
    expect(late.assessment).toMatchObject({ referred: '2026-05-01' });
  });
});

describe('who may write and read', () => {
  it.each(['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as PersonaName[])(
    '%s assesses nobody',
    async (name) => {
      const input = { idempotencyKey: `no-${name}`, family, person: maisie, referred: '2026-09-01', started: '2026-09-02' };
      const { body } = await server.ask(name, mutation('startAssessment'), { input });
      expect(body.data).toEqual({ startAssessment: null });
      expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
    },
  );
  it('a stranger’s family reads as one that never was', async () => {
    const never = await run('startAssessment', { family: encodeId('Family', 999_999), started: '2026-09-02', referred: '2026-09-01' });
    expect(never.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['family'] }]);
  });
  it('one effect for one key', async () => {
    const input = { idempotencyKey: 'once', family, referred: '2026-11-02', started: '2026-11-03' };
    const twice = await Promise.all([1, 2].map(() => server.ask('socialWorker', mutation('startAssessment'), { input })));
    expect(twice[0]?.text).toBe(twice[1]?.text);
  });
  it('the team reads the findings; police, school and health visitor read that there is one, and no finding', async () => {
    const document = `query($id: ID!) { family(id: $id) { assessments { nodes { status findings { childSeen factors { factor { code } } } } } triggerTrio { count } } }`;
    const ask = async (name: PersonaName) => (await server.ask(name, document, { id: family })).body.data?.family;
    expect((await ask('teamSpecialist')).triggerTrio).toEqual({ count: 1 });
    for (const name of ['police', 'healthVisitor'] as PersonaName[]) {
      const seen = await ask(name);
      expect(seen.assessments.nodes.length, name).toBeGreaterThan(0);
      expect(
        seen.assessments.nodes.every((node: any) => node.findings === null),
        name,
      ).toBe(true);
      expect(seen.triggerTrio, name).toBeNull();
    }
    expect((await ask('school'))?.assessments?.nodes ?? []).toEqual([]);
  });
  it('by plain SQL, no other organisation writes one, and the county writes none in another’s name', async () => {
    const insert = (controller: string) =>
      `insert into fsp.assessment (family, controller, kind, status, referred, started) select 1, ${controller}, 'child-and-family', 'OPEN', '2026-09-01', '2026-09-01'`;
    for (const code of ['team-07', 'thames-valley-police', 'oxford-health']) {
      const client = await sqlAs(code, false, url);
      await expect(client.query(insert('(select id from fsp.organisation where code = current_user)'))).rejects.toMatchObject({
        code: '42501',
      });
      await client.end();
    }
    const county = await sqlAs('occ', false, url);
    await expect(county.query(insert("(select id from fsp.organisation where code = 'team-07')"))).rejects.toMatchObject({ code: '42501' });
    await county.end();
  });
});

describe('specialist assessments', () => {
  const fields =
    'specialistAssessment { id version kind { code dataClass } person { givenName } orderedOn assessorName receivedOn conclusion }';
  const order = (extra: object, who: PersonaName = 'socialWorker') =>
    server.ask(
      who,
      `mutation($input: OrderSpecialistAssessmentInput!) { orderSpecialistAssessment(input: $input) { ${fields} ${problems} } }`,
      {
        input: {
          idempotencyKey: `s${++keys}`,
          family,
          person: mother,
          kind: 'hair-strand',
          orderedOn: '2026-10-01',
          assessorName: 'A laboratory',
          ...extra,
        },
      },
    );
  it('are ordered and received; what one of a health kind says is its organisation’s own', async () => {
    const { body } = await order({});
    const ordered = body.data.orderSpecialistAssessment;
    expect(ordered).toMatchObject({
      specialistAssessment: { kind: { code: 'hair-strand', dataClass: 'CLINICAL' }, receivedOn: null, version: 1 },
      userErrors: [],
    });
    const receive = `mutation($input: ReceiveSpecialistAssessmentInput!) { receiveSpecialistAssessment(input: $input) { ${fields} ${problems} } }`;
    const input = { specialistAssessment: ordered.specialistAssessment.id, expectedVersion: 1, conclusion: 'Nothing found.' };
    const early = await server.ask('socialWorker', receive, { input: { idempotencyKey: 'r0', ...input, receivedOn: '2026-09-30' } });
    expect(rules(early.body.data.receiveSpecialistAssessment.userErrors)).toEqual(['receivedOn']);
    const came = await server.ask('socialWorker', receive, { input: { idempotencyKey: 'r1', ...input, receivedOn: '2026-10-20' } });
    expect(came.body.data.receiveSpecialistAssessment.specialistAssessment).toMatchObject({
      receivedOn: '2026-10-20',
      conclusion: 'Nothing found.',
    });
    const stale = await server.ask('socialWorker', receive, { input: { idempotencyKey: 'r2', ...input, receivedOn: '2026-10-20' } });
    expect(stale.body.data.receiveSpecialistAssessment.userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
  });
  it('a viability assessment of a relative is seen by the team; a hair strand test is not', async () => {
    await order({ kind: 'relative-viability', person: person('aunt') });
    const list = `query($id: ID!) { family(id: $id) { specialistAssessments { nodes { kind { code } } } } }`;
    const kinds = async (who: PersonaName) =>
      (await server.ask(who, list, { id: family })).body.data.family.specialistAssessments.nodes.map((n: any) => n.kind.code).sort();
    expect(await kinds('socialWorker')).toEqual(['hair-strand', 'relative-viability']);
    expect(await kinds('teamSpecialist')).toEqual(['relative-viability']);
  });
  it('need a kind that there is, and somebody who makes them', async () => {
    const { body } = await order({ kind: 'tarot', assessorName: null });
    expect(rules(body.data.orderSpecialistAssessment.userErrors).sort()).toEqual(['assessorName', 'kind']);
  });
});

describe('reference data', () => {
  it('gives the mapping of factors and the printed multipliers', async () => {
    const { body } = await server.ask(
      'evaluator',
      '{ factorConcerns { factor concern variant validFrom } aceAssociations { code times band } specialistKinds { code } }',
    );
    const of = (variant: string) =>
      body.data.factorConcerns
        .filter((row: any) => row.variant === variant)
        .map((row: any) => row.factor)
        .sort();
    expect(of('ANY_IN_HOUSEHOLD')).toEqual(['1B', '1C', '2B', '2C', '3A', '3B', '3C', '4B', '4C']);
    expect(of('PARENT_ONLY')).toEqual(['1B', '2B', '3B', '4B']);
    expect(body.data.aceAssociations.map((row: any) => row.times)).toEqual([4, 6, 6, 6, 11, 14, 15, 16, 20]);
  });
});
