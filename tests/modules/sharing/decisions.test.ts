/** Deciding to share and to withhold: who may, what it opens and closes at once, and when it ends. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLES, DECIDES } from '../../../src/access/agreement.ts';
import { AGENCIES, PERSONAL_CLASSES } from '../../../src/access/classes.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import {
  type Caller,
  encodeId,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let second: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_decisions');
  server = await testServer(ownerUrl);
  second = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await second.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const organisation = (code: string) => encodeId('Organisation', organisationId(code));
const governance: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string, on = server): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await on.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const ofFamily = async (who: PersonaName | Caller, selection: string, on = server) =>
  (await on.ask(who, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id: family })).body.data?.family;

const share = {
  family,
  effect: 'SHARE',
  classes: ['ASSESSMENT'],
  agency: 'POLICE',
  gateway: 'CA1989-s47',
  harm: 'SHARING_HARMS_LESS',
  told: 'The parents were told on the telephone.',
  reason: 'The police plan the arrest and need to know what the children have seen.',
};
const withhold = { ...share, effect: 'WITHHOLD', classes: ['WHEREABOUTS'], harm: undefined, reason: 'A relative works there.' };
const decide = (who: PersonaName | Caller, input: object, on = server) => does(who, 'recordSharingDecision', input, 'decision { id }', on);
const withdraw = (who: PersonaName | Caller, decision: string) =>
  does(who, 'withdrawSharingDecision', { decision, reason: 'It is over.' }, 'decision { id withdrawnBy withdrawnFor }');
const assessments = async (organisationCode: string) => {
  const client = await sqlAs(organisationCode, false, ownerUrl);
  const { rows } = await client.query('select count(*)::int as n from fsp.plan_end where family = 1');
  await client.end();
  return rows[0].n;
};

describe('a decision to share', () => {
  it('opens the class to whom it names by the next request on any server, and closes it when withdrawn', async () => {
    expect(await ofFamily('police', 'withheld { field class reason }')).toMatchObject({
      withheld: expect.arrayContaining([expect.objectContaining({ class: 'ASSESSMENT', reason: 'NOT_AVAILABLE' })]),
    });
    expect(await assessments('thames-valley-police')).toBe(0);
    const { decision, userErrors } = await decide('socialWorker', share);
    expect(userErrors).toEqual([]);
    expect(await assessments('thames-valley-police')).toBeGreaterThan(0);
    for (const on of [server, second])
      expect((await ofFamily('police', 'withheld { class }', on)).withheld.map((each: any) => each.class)).not.toContain('ASSESSMENT');
    // To nobody else.
    expect(await assessments('oxford-health')).toBe(0);
    expect(await withdraw('socialWorker', decision.id)).toMatchObject({ decision: { withdrawnBy: 'Grace Whitlock' }, userErrors: [] });
    expect(await assessments('thames-valley-police')).toBe(0);
    expect((await withdraw('socialWorker', decision.id)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
  it('about one person shows what is told of them in the lists of the family, and of nobody else', async () => {
    const voices = 'childVoices { nodes { person { id } } } withheld { field }';
    const son = storyPerson(1, 'callum');
    const daughter = storyPerson(1, 'maisie');
    for (const child of [son, daughter])
      await owner.query(
        `insert into fsp.child_voice (family, person, controller, words, medium, said_on, heard_by) values (1, $1, $2, 'x', 'x', '2026-01-01', 'x')`,
        [child, organisationId('occ')],
      );
    expect((await ofFamily('healthVisitor', voices)).childVoices).toBeNull();
    const { decision } = await decide('socialWorker', {
      ...share,
      classes: ['CHILD_VOICE'],
      agency: 'HEALTH',
      person: encodeId('Person', daughter),
    });
    const seen = await ofFamily('healthVisitor', voices);
    expect(seen.childVoices.nodes).toEqual([{ person: { id: encodeId('Person', daughter) } }]);
    expect(seen.withheld).toContainEqual({ field: 'childVoices' });
    await withdraw('socialWorker', decision.id);
    expect((await ofFamily('healthVisitor', voices)).childVoices).toBeNull();
    await owner.query("delete from fsp.child_voice where words = 'x'");
  });
  it('stands in the ledger of the family, for the county and who checks it, and for nobody else', async () => {
    const { decision } = await decide('socialWorker', { ...share, person: mother });
    const ledger =
      'sharingDecisions(first: 1) { nodes { id effect classes harm gateway { code label } person { id } agency decidedBy agreementVersion } }';
    const shown = {
      id: decision.id,
      effect: 'SHARE',
      classes: ['ASSESSMENT'],
      harm: 'SHARING_HARMS_LESS',
      gateway: { code: 'CA1989-s47', label: 'Children Act 1989 s.47: enquiries into significant harm' },
      agency: 'POLICE',
      decidedBy: 'Grace Whitlock',
    };
    expect((await ofFamily('socialWorker', ledger)).sharingDecisions.nodes).toMatchObject([{ ...shown, person: { id: mother } }]);
    expect((await ofFamily(governance, ledger.replace('person { id } ', ''))).sharingDecisions.nodes).toMatchObject([shown]);
    for (const who of ['teamSpecialist', 'healthVisitor', 'school', 'police', 'provider'] as const) {
      expect((await ofFamily(who, ledger))?.sharingDecisions?.nodes ?? [], who).toEqual([]);
      const node = await server.ask(who, 'query($id: ID!) { node(id: $id) { id } }', { id: decision.id });
      expect(node.body.data?.node, who).toBeNull();
    }
    await withdraw('socialWorker', decision.id);
  });
  it('is not made of what is never shared, would harm more, or has passed', async () => {
    const paths = async (input: object) =>
      (await decide('socialWorker', { ...share, ...input })).userErrors.map((e: any) => [e.path[0], e.rule ?? e.code]);
    expect(await paths({ classes: ['WORKBOOK'] })).toEqual([['classes', 'NEVER']]);
    expect(await paths({ harm: 'SHARING_HARMS_MORE' })).toEqual([['harm', 'HARM']]);
    expect(await paths({ harm: null })).toEqual([['harm', 'INVALID']]);
    expect(await paths({ classes: ['CLINICAL'], agency: 'HEALTH' })).toEqual([['classes', 'DECIDES']]);
    expect(await paths({ classes: ['DIRECTORY'] })).toEqual([['classes', 'INVALID']]);
    expect(await paths({ classes: null })).toEqual([['classes', 'INVALID']]);
    expect(await paths({ organisation: organisation('oxford-health') })).toEqual([['organisation', 'INVALID']]);
    expect(await paths({ agency: null })).toEqual([['organisation', 'INVALID']]);
    expect(await paths({ gateway: 'x' })).toEqual([['gateway', 'INVALID']]);
    expect(await paths({ reason: ' ' })).toEqual([['reason', 'INVALID']]);
    expect(await paths({ from: '2020-01-01T00:00:00.000Z' })).toEqual([['from', 'INVALID']]);
    expect(await paths({ until: '2020-01-01T00:00:00.000Z' })).toEqual([['until', 'INVALID']]);
    expect(await paths({ family: encodeId('Family', 99_999_999) })).toEqual([['family', 'NOT_FOUND']]);
    expect(await paths({ person: encodeId('Person', storyPerson(3, 'mother')) })).toEqual([['person', 'NOT_FOUND']]);
  });
  it('begins and ends in its time', async () => {
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    const { decision } = await decide('socialWorker', { ...share, from: soon });
    expect(await assessments('thames-valley-police')).toBe(0);
    await owner.query(`update fsp.sharing_decision set "from" = now() - interval '2 hours' where id = $1`, [decision.id.split('-')[1]]);
    expect(await assessments('thames-valley-police')).toBeGreaterThan(0);
    await owner.query(`update fsp.sharing_decision set until = now() - interval '1 second' where id = $1`, [decision.id.split('-')[1]]);
    expect(await assessments('thames-valley-police')).toBe(0);
  });
});

describe('a decision to withhold', () => {
  it('wins over the agreement and over every decision to share; twenty at once lose none', async () => {
    const classes = [
      'IDENTITY',
      'FAMILY',
      'WHEREABOUTS',
      'CASE',
      'INVOLVEMENT',
      'NHS_NUMBER',
      'SAFETY',
      'EQUALITY',
      'ASSESSMENT',
      'WORKBOOK',
    ];
    const to = ['HEALTH', 'EDUCATION'];
    const all = await Promise.all(
      classes.flatMap((dataClass) => to.map((agency) => decide('socialWorker', { ...withhold, classes: [dataClass], agency }))),
    );
    expect(all.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    const mask = classes.reduce((sum, each) => sum | (1 << PERSONAL_CLASSES.indexOf(each as never)), 0);
    const { rows } = await owner.query(
      `select l.name, g.withheld from fsp.family_grant g join fsp.login l on l.id = g.login join fsp.organisation o on o.id = l.organisation
       where g.family = 1 and o.agency in ('HEALTH', 'EDUCATION') and not l.emergency and g.ends > now() and g.starts <= now()`,
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { name, withheld } of rows) expect(Number(withheld) & mask, name).toBe(mask);
    expect(await ofFamily('healthVisitor', 'name stage')).toEqual({ name: null, stage: null });
    for (const { decision } of all) await withdraw('socialWorker', decision.id);
    expect((await ofFamily('healthVisitor', 'name')).name).toBe('Hartwell');
  });
});

describe('who decides', () => {
  it('is the county, and on what others master they alone', () => {
    for (const dataClass of PERSONAL_CLASSES) expect(DECIDES[dataClass].length, dataClass).toBeGreaterThan(0);
    expect(DECIDES.CLINICAL).not.toContain('LA');
    expect(DECIDES.OFFENCE).toEqual(['POLICE']);
  });
  it('is a partner of rows of its own, not of others’', async () => {
    const offence = { ...share, classes: ['OFFENCE'], agency: 'HEALTH' };
    const health = { ...share, classes: ['CLINICAL'], agency: undefined, organisation: organisation('occ'), gateway: 'CONSENT' };
    expect((await decide('police', offence)).userErrors).toMatchObject([{ rule: 'DECIDES', path: ['classes'] }]);
    const incident = { family, kind: 'call-out', basis: 'RECORDED', part: 'NOT_KNOWN', outcome: 'not-known', on: '2026-11-02' };
    expect((await does('police', 'recordIncident', incident, 'incident { id }')).userErrors).toEqual([]);
    expect((await decide('police', offence)).userErrors).toEqual([]);
    expect((await decide('healthVisitor', offence)).userErrors).toMatchObject([{ rule: 'DECIDES' }]);
    // The school holds nothing clinical; what a trust holds nothing of, it decides nothing on.
    expect((await decide('school', health)).userErrors).toMatchObject([{ rule: 'DECIDES' }]);
    const strangers = await owner.query(
      "select count(*)::int as n from fsp.involvement where family = 1 and organisation = (select id from fsp.organisation where code = 'oxford-university-hospitals')",
    );
    expect(strangers.rows[0].n).toBe(0);
    const other: Caller = { client: 'oxford-university-hospitals-safeguarding', user: null, purpose: 'SAFEGUARDING' };
    expect((await decide(other, health)).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['family'] }]);
  });
  it('is refused to a team and an evaluator by name', async () => {
    for (const who of ['teamSpecialist', 'evaluator'] as const)
      expect((await decide(who, share)).refused, who).toMatchObject({ code: 'FORBIDDEN', field: 'Mutation.recordSharingDecision' });
  });
  it('withdraws its own decisions alone', async () => {
    const { decision } = await decide('socialWorker', share);
    for (const who of ['police', 'healthVisitor'] as const)
      expect((await withdraw(who, decision.id)).userErrors, who).toMatchObject([{ code: 'NOT_FOUND' }]);
    await withdraw('socialWorker', decision.id);
  });
  it('cannot be played by plain SQL: what is not the login’s to decide the database refuses', async () => {
    const call = (login: pg.Client, classes: string, familyKey = 1) =>
      login.query(
        `select fsp.decide(${familyKey}, null, '{${classes}}', 'SHARE', null, null, 'POLICE', 'x', null, 'x', 'x', 'x', 'x', now(), null, 'x')`,
      );
    const health = await sqlAs('oxford-health', false, ownerUrl);
    await expect(call(health, 'ASSESSMENT')).rejects.toMatchObject({ code: '42501' });
    // Hidden and never there in the same words.
    const school = await sqlAs('school-tansy-bridge', false, ownerUrl);
    const words: string[] = [];
    for (const key of [3, 99_999_999]) words.push(await call(school, 'EDUCATION', key).catch((error) => error.message));
    expect(words[0]).toBe(words[1]);
    await school.end();
    await expect(health.query('select fsp.withdraw_decision(1, $1, $2)', ['x', 'x'])).resolves.toMatchObject({
      rows: [{ withdraw_decision: false }],
    });
    await expect(health.query('insert into fsp.sharing_decision (family) values (1)')).rejects.toMatchObject({ code: '42501' });
    await health.end();
    const police = await sqlAs('thames-valley-police', false, ownerUrl);
    await expect(call(police, 'ASSESSMENT')).rejects.toMatchObject({ code: '42501' });
    await police.end();
  });
});

describe('a bundle', () => {
  it('is chosen while its event lasts, and ends with it', async () => {
    const stageOf = async () => (await owner.query('select stage, marac from fsp.family_stage where family = 1')).rows[0];
    const before = await stageOf();
    await owner.query("update fsp.family_stage set stage = 'CHILD_IN_NEED', marac = false where family = 1");
    const bundle = { ...share, classes: undefined, bundle: 'CHILD_PROTECTION_PLAN', agency: 'HEALTH' };
    expect((await decide('socialWorker', bundle)).userErrors).toMatchObject([{ rule: 'BUNDLE', path: ['bundle'] }]);
    await owner.query("update fsp.family_stage set stage = 'CHILD_PROTECTION' where family = 1");
    const { decision, userErrors } = await decide('socialWorker', bundle);
    expect(userErrors).toEqual([]);
    expect(await assessments('oxford-health')).toBeGreaterThan(0);
    await owner.query("update fsp.family_stage set stage = 'PRE_PROCEEDINGS' where family = 1");
    expect(await assessments('oxford-health')).toBeGreaterThan(0);
    await owner.query("update fsp.family_stage set stage = 'CHILD_IN_NEED' where family = 1");
    expect(await assessments('oxford-health')).toBe(0);
    // It does not come again with the next plan.
    await owner.query("update fsp.family_stage set stage = 'CHILD_PROTECTION' where family = 1");
    expect(await assessments('oxford-health')).toBe(0);
    const { rows } = await owner.query('select until from fsp.sharing_decision where id = $1', [decision.id.split('-')[1]]);
    expect(rows[0].until).not.toBeNull();
    await owner.query('update fsp.family_stage set stage = $1, marac = $2 where family = 1', [before.stage, before.marac]);
  });
  it('holds what the county may decide', () => {
    for (const [name, { classes }] of Object.entries(BUNDLES)) for (const each of classes) expect(DECIDES[each], name).toContain('LA');
    expect(AGENCIES).toContain('LA');
  });
});

describe('a disclosure by other means', () => {
  const input = {
    family,
    recipient: 'Family Court at Oxford',
    classes: ['CASE'],
    gateway: 'COURT-ORDER',
    what: 'The chronology.',
    reason: 'The court ordered it.',
    on: '2026-11-02',
  };
  it('is put on record by who made it, and read by them and the county', async () => {
    const made = await does('healthVisitor', 'recordDisclosureElsewhere', input, 'disclosure { id recipient classes disclosedBy }');
    expect(made).toMatchObject({ disclosure: { recipient: 'Family Court at Oxford', classes: ['CASE'], disclosedBy: 'Amara Osei' } });
    const read = (who: PersonaName) => ofFamily(who, 'disclosuresElsewhere { id }');
    const there = expect.arrayContaining([{ id: made.disclosure.id }]);
    expect((await read('healthVisitor')).disclosuresElsewhere).toEqual(there);
    expect((await read('socialWorker')).disclosuresElsewhere).toEqual(there);
    expect((await read('school')).disclosuresElsewhere ?? []).toEqual([]);
    const wrong = await does(
      'healthVisitor',
      'recordDisclosureElsewhere',
      { ...input, on: '2027-11-02', what: ' ', gateway: 'x' },
      'disclosure { id }',
    );
    expect(wrong.userErrors.map(({ path }: any) => path[0])).toEqual(['what', 'on', 'gateway']);
  });
});
