/** A person's statement is seen exactly as far as the fact it stands beside; a dissent wherever the decision stands. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLASS_BIT } from '../../../src/access/classes.ts';
import { DISPUTABLE } from '../../../src/access/disputable.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const caller = (client: string, user: string, purpose = 'SAFEGUARDING'): Caller => ({ client, user, purpose });
const county = caller('occ-social-care', 'grace.whitlock');
const manager = caller('occ-team-management', 'bethan.rowe');
const team = caller('team-07-workbook', 'jonah.pryce');
const niamh = caller('team-07-workbook', 'niamh.carroll', 'CHILD_IN_NEED');
/** Works with the mother's partner of the third family, and with nobody else of it. */
const ruth = caller('team-07-workbook', 'ruth.ellery', 'CHILD_IN_NEED');
const health = caller('oxford-health-visiting', 'amara.osei');
const school = caller('school-tansy-bridge-pastoral', 'owen.lathbury');
const police = caller('thames-valley-police-protection', 'harriet.coyle');
const housing = caller('cherwell-housing-desk', 'dilys.penrose', 'HOUSING_DUTY');
const evaluator = caller('oxford-university-evaluation', 'cornelius.bright', 'EVALUATION');

const hartwell = encodeId('Family', 1);
const key = (id: string) => id.split('-').at(-1) as string;
const who = (name: string, family = 1) => encodeId('Person', storyPerson(family, name));
const WORDS = 'I was not there that night';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_dispute');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(as: Caller, field: string, selection: string, input: object, of = `k${++keys}`): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: of, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const ask = async (as: Caller, document: string, variables: object = {}) =>
  (await server.ask(as, document, { family: hartwell, ...variables })).body;
const node = async (as: Caller, id: string, selection = 'id') =>
  (await ask(as, `query($id: ID!) { node(id: $id) { ${selection} } }`, { id })).data.node;
const dispute = (as: Caller, subject: string, extra: object = {}, of?: string) =>
  run(
    as,
    'disputeFact',
    'dispute { id statement how { code } on person { givenName } subject }',
    {
      subject,
      person: who('father'),
      statement: WORDS,
      how: 'said',
      on: '2026-11-18',
      ...extra,
    },
    of,
  );
async function decide(
  effect: 'SHARE' | 'WITHHOLD',
  dataClass: keyof typeof CLASS_BIT,
  agency: string,
  person: number | null = null,
): Promise<string> {
  const { rows } = await owner.query(
    `insert into fsp.sharing_decision (family, person, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
     select 1, $1, array[$2], 1::bigint << $3::int, $4, $5, 'test', 'test', 'test', id, now() - interval '1 minute', 'test' from fsp.organisation where code = 'occ' returning id`,
    [person, dataClass, CLASS_BIT[dataClass], effect, agency],
  );
  return rows[0].id;
}
const withdraw = (id: string) => owner.query('update fsp.sharing_decision set withdrawn_at = now() where id = $1', [id]);

describe('a statement beside an incident', () => {
  let incident: string;
  let id: string;
  beforeAll(async () => {
    const made = await run(police, 'recordIncident', 'incident { id }', {
      family: hartwell,
      person: who('father'),
      kind: 'arrest',
      basis: 'RECORDED',
      part: 'SUSPECT',
      outcome: 'no-further-action',
      on: '2026-11-10',
    });
    expect(made.userErrors, JSON.stringify(made)).toEqual([]);
    incident = made.incident.id;
  });
  it('is written by whoever sees the fact, once for a key', async () => {
    const first = await dispute(county, incident, {}, 'once');
    expect(first.userErrors, JSON.stringify(first)).toEqual([]);
    expect(first.dispute).toMatchObject({
      statement: WORDS,
      how: { code: 'said' },
      on: '2026-11-18',
      person: { givenName: 'Glenn' },
      subject: incident,
    });
    id = first.dispute.id;
    expect((await dispute(county, incident, {}, 'once')).dispute.id).toBe(id);
  });
  it.each([
    ['the school', school],
    ['health', health],
    ['the housing desk', housing],
    ['another team', caller('team-02-workbook', 'lorna.beckett')],
  ])('is not written by %s, which does not see it: hidden and absent read alike', async (_name, as) => {
    const hidden = await dispute(as, incident);
    expect(hidden.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['subject'] }]);
    expect(await dispute(as, encodeId('Incident', 99_999_999))).toEqual(hidden);
  });
  it('names what can be mended, and refuses the evaluator by name', async () => {
    expect(await dispute(evaluator, incident)).toMatchObject({
      code: 'FORBIDDEN',
      field: 'Mutation.disputeFact',
      reason: 'NOT_YOURS_TO_WRITE',
    });
    const { userErrors } = await dispute(county, incident, {
      statement: ' ',
      how: 'telepathy',
      on: '2027-01-01',
      person: who('partner', 3),
    });
    expect(userErrors.map(({ path }: any) => path[0]).sort()).toEqual(['how', 'on', 'person', 'statement']);
    expect((await dispute(county, encodeId('Task', 1))).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
  it('stands beside the fact on every path, for whoever sees the fact', async () => {
    const PATHS = `query($family: ID!, $id: ID!) {
      family(id: $family) {
        incidents { nodes { id disputes { id statement } } }
        disputes { totalCount { value } nodes { id } }
        chronology(types: [INCIDENT]) { nodes { ... on Incident { id disputes { id } } } }
      }
      node(id: $id) { id }
    }`;
    for (const as of [county, team, police]) {
      const { data } = await ask(as, PATHS, { id });
      expect(data.family.incidents.nodes.find((each: any) => each.id === incident).disputes).toEqual([{ id, statement: WORDS }]);
      expect(data.family.chronology.nodes.find((each: any) => each.id === incident).disputes).toEqual([{ id }]);
      expect(data.family.disputes.totalCount.value).toBe(1);
      expect(data.node).toEqual({ id });
    }
    for (const as of [school, health]) {
      const { body, text } = await server.ask(as, PATHS, { family: hartwell, id });
      expect(body.data.node).toBeNull();
      expect(body.data.family.disputes.totalCount.value).toBe(0);
      expect(text).not.toContain(WORDS);
    }
  });
  it('follows decisions about the fact and about its person', async () => {
    const shared = await decide('SHARE', 'OFFENCE', 'EDUCATION');
    expect(await node(school, id)).toEqual({ id });
    const withheld = await decide('WITHHOLD', 'OFFENCE', 'EDUCATION', storyPerson(1, 'father'));
    expect(await node(school, incident)).toBeNull();
    expect(await node(school, id)).toBeNull();
    // A statement of somebody else about the father's arrest is no way round it.
    const { dispute: others } = await dispute(county, incident, { person: who('mother') });
    expect(await node(school, others.id)).toBeNull();
    await withdraw(withheld);
    expect(await node(school, others.id)).toEqual({ id: others.id });
    await withdraw(shared);
    expect(await node(school, id)).toBeNull();
  });
  it('tells whose fact it is', async () => {
    const { data } = await ask(police, '{ recallNotices { nodes { kind subject words } } }');
    expect(data.recallNotices.nodes[0]).toMatchObject({ kind: 'FACT_DISPUTED', subject: incident });
    expect(JSON.stringify(data)).not.toContain(WORDS);
    expect((await ask(school, '{ recallNotices { totalCount { value } } }')).data.recallNotices.totalCount.value).toBe(0);
  });
  it('is changed by nobody, and says of itself nothing that the fact does not say', async () => {
    for (const login of ['occ', 'thames-valley-police', 'team-07']) {
      const sql = await sqlAs(login, false, ownerUrl);
      await expect(sql.query(`update fsp.dispute set statement = 'x'`)).rejects.toMatchObject({ code: '42501' });
      await expect(sql.query('delete from fsp.dispute')).rejects.toMatchObject({ code: '42501' });
      await sql.end();
    }
    const insert = `insert into fsp.dispute (family, person, speaker, controller, holder, row_mask, kept_from, subject_type, subject_id, statement, how, said_on, recorded_by)
      select 1, null, $1, id, id, 0, '{}', $2, $3, 'x', 'said', current_date, 'x' from fsp.organisation where code = $4 returning *`;
    const father = storyPerson(1, 'father');
    const sql = await sqlAs('occ', false, ownerUrl);
    await sql.query('begin');
    const { rows } = await sql.query(insert, [father, 'Incident', key(incident), 'occ']);
    await sql.query('rollback');
    expect(rows[0]).toMatchObject({ person: String(father), row_mask: String(1 << CLASS_BIT.OFFENCE) });
    await sql.end();
    const stranger = await sqlAs('school-tansy-bridge', false, ownerUrl);
    const refusals = [];
    for (const [type, of] of [
      ['Incident', key(incident)],
      ['Incident', 99_999_999],
      ['Family', 1],
      ['AppUser', 1],
    ])
      refusals.push(await stranger.query(insert, [father, type, of, 'school-tansy-bridge']).catch(({ code, message }) => [code, message]));
    for (const refusal of refusals) expect(refusal).toEqual(['42501', 'No such row.']);
    await stranger.end();
  });
  it('on every login the statements seen are those of facts seen', async () => {
    const facts: string[] = [incident];
    for (const [as, field, what, input] of [
      [county, 'recordChildVoice', 'voice', { family: hartwell, person: who('maisie'), words: 'x', medium: 'said', on: '2026-11-10' }],
      [county, 'recordAdultVoice', 'voice', { family: hartwell, person: who('mother'), words: 'x', medium: 'said', on: '2026-11-10' }],
      [
        county,
        'startAssessment',
        'assessment',
        {
          family: hartwell,
          person: who('maisie'),
          started: '2026-11-10',
          referred: '2026-11-09',
          historical: true,
        },
      ],
      [county, 'recordDecision', 'decision', { family: hartwell, kind: 'other', on: '2026-11-10', role: 'x', what: 'x', reason: 'x' }],
    ] as const) {
      const made = await run(as, field, `${what} { id }`, input);
      expect(made.userErrors, JSON.stringify(made)).toEqual([]);
      facts.push(made[what].id);
    }
    for (const { type, table } of [
      { type: 'WorkbookEntry', table: 'workbook_entry' },
      { type: 'Plan', table: 'plan' },
    ])
      facts.push(encodeId(type, (await owner.query(`select id from fsp.${table} where family = 1 order by id limit 1`)).rows[0].id));
    for (const fact of facts) expect((await dispute(county, fact, { person: who('mother') })).userErrors).toEqual([]);
    const { rows: all } = await owner.query('select id, subject_type, subject_id, speaker, row_mask from fsp.dispute');
    for (const login of [
      'occ',
      'team-07',
      'team-02',
      'oxford-health',
      'school-tansy-bridge',
      'thames-valley-police',
      'cherwell-housing',
      'turning-point',
    ]) {
      const sql = await sqlAs(login, false, ownerUrl);
      const seen = new Set((await sql.query('select id from fsp.dispute')).rows.map((row) => row.id));
      for (const each of all) {
        const table = each.subject_type.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
        const fact = await sql.query(`select true from fsp.${table} where id = $1`, [each.subject_id]).catch(() => ({ rowCount: 0 }));
        const speaker = await sql.query('select true from fsp.person where id = $1', [each.speaker]);
        const own = (DISPUTABLE[table] ?? []).length === 0;
        const expected = fact.rowCount === 1 && speaker.rowCount === 1;
        // Of what was found, and not only that somebody looked, fewer know.
        if (own) expect(seen.has(each.id), `${login}: ${each.subject_type}`).toBe(expected);
        else if (seen.has(each.id)) expect(expected).toBe(true);
      }
      await sql.end();
    }
  });
  it('goes with the fact when it is taken out', async () => {
    const done = await run(police, 'retractEntry', 'retraction { id }', {
      entry: incident,
      expectedVersion: 1,
      reason: 'WRONG_PERSON',
      explanation: 'A namesake.',
    });
    expect(done.userErrors).toEqual([]);
    expect(await node(county, id)).toBeNull();
    expect((await owner.query('select 1 from fsp.dispute where id = $1', [key(id)])).rowCount).toBe(0);
  });
});

describe('what is kept from somebody', () => {
  const dunmore = encodeId('Family', 3);
  const marcus = caller('occ-social-care', 'marcus.oyelaran', 'CHILD_IN_NEED');
  it('is kept with its statements, and lifted with them', async () => {
    const { voice } = await run(marcus, 'recordChildVoice', 'voice { id }', {
      family: dunmore,
      person: who('daughter', 3),
      words: 'x',
      medium: 'said',
      on: '2026-11-10',
      keptFrom: [who('partner', 3)],
    });
    const { dispute: made } = await dispute(marcus, voice.id, { person: who('mother', 3) });
    expect(await node(niamh, made.id)).toEqual({ id: made.id });
    expect(await node(ruth, made.id)).toBeNull();
    const lifted = await run({ ...manager, purpose: 'CHILD_IN_NEED' }, 'liftKeptFrom', 'decision { id }', {
      of: voice.id,
      person: who('partner', 3),
      reason: 'He knows.',
    });
    expect(lifted.userErrors).toEqual([]);
    expect(await node(ruth, made.id)).toEqual({ id: made.id });
  });
  it('a statement made before is kept as well', async () => {
    const { entry } = await run(marcus, 'addWorkbookEntry', 'entry { id }', {
      family: dunmore,
      module: 'Module 3',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: '2026-11-10T10:00:00.000Z',
      persons: [who('mother', 3)],
    });
    const { dispute: made } = await dispute(marcus, entry.id, { person: who('mother', 3) });
    expect(await node(ruth, made.id)).toEqual({ id: made.id });
    const sql = await sqlAs('occ', false, ownerUrl);
    await sql.query(`select fsp.keep_from('workbook_entry', $1, array[$2::bigint])`, [key(entry.id), storyPerson(3, 'partner')]);
    await sql.end();
    expect(await node(ruth, made.id)).toBeNull();
    expect(await node(niamh, made.id)).toEqual({ id: made.id });
  });
});

describe('a dissent', () => {
  let decision: string;
  let id: string;
  const dissent = (as: Caller, extra: object = {}, of?: string) =>
    run(
      as,
      'recordDisagreement',
      'disagreement { id by role reason wanted decision { id } }',
      {
        decision,
        role: 'Health visitor',
        reason: 'The baby loses weight.',
        wanted: 'A conference.',
        ...extra,
      },
      of,
    );
  beforeAll(async () => {
    const made = await run(county, 'recordDecision', 'decision { id }', {
      family: hartwell,
      kind: 'other',
      on: '2026-11-10',
      role: 'social-worker',
      what: 'Step down.',
      reason: 'All goes well.',
    });
    decision = made.decision.id;
  });
  it('is recorded by who sees the decision, and by nobody else', async () => {
    const hidden = await dissent(health);
    expect(hidden.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['decision'] }]);
    expect(await dissent(health, { decision: encodeId('Decision', 99_999_999) })).toEqual(hidden);
    for (const as of [housing, evaluator])
      expect(await dissent(as)).toMatchObject({ code: 'FORBIDDEN', field: 'Mutation.recordDisagreement', reason: 'NOT_YOURS_TO_WRITE' });
    await decide('SHARE', 'ASSESSMENT', 'HEALTH');
    const made = await dissent(health, {}, 'once');
    expect(made.userErrors, JSON.stringify(made)).toEqual([]);
    expect(made.disagreement).toMatchObject({
      by: 'Amara Osei',
      role: 'Health visitor',
      reason: 'The baby loses weight.',
      wanted: 'A conference.',
      decision: { id: decision },
    });
    id = made.disagreement.id;
    expect((await dissent(health, {}, 'once')).disagreement.id).toBe(id);
    expect((await dissent(health, { reason: ' ', role: '' })).userErrors.map(({ path }: any) => path[0])).toEqual(['role', 'reason']);
  });
  it('stands wherever the decision stands', async () => {
    const shown = 'id ... on Decision { disagreements { id } }';
    for (const as of [county, team, health]) {
      expect(await node(as, decision, shown)).toEqual({ id: decision, disagreements: [{ id }] });
      expect(await node(as, id)).toEqual({ id });
    }
    for (const as of [school, police, housing]) expect(await node(as, id)).toBeNull();
    for (const login of ['school-tansy-bridge', 'thames-valley-police', 'team-02']) {
      const sql = await sqlAs(login, false, ownerUrl);
      expect((await sql.query('select id from fsp.disagreement')).rows, login).toEqual([]);
      await sql.end();
    }
  });
  it('is kept from whom the decision is kept from, then and later', async () => {
    const dunmore = encodeId('Family', 3);
    const marcus = caller('occ-social-care', 'marcus.oyelaran', 'CHILD_IN_NEED');
    const { decision: made } = await run(marcus, 'recordDecision', 'decision { id }', {
      family: dunmore,
      kind: 'other',
      on: '2026-11-10',
      role: 'social-worker',
      what: 'x',
      reason: 'x',
      keptFrom: [who('partner', 3)],
    });
    const { disagreement } = await dissent(niamh, { decision: made.id });
    expect(await node(marcus, disagreement.id)).toEqual({ id: disagreement.id });
    expect(await node(ruth, disagreement.id)).toBeNull();
    expect((await dissent(ruth, { decision: made.id })).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });
  it('is nobody’s to change, and not the decider’s to hang elsewhere', async () => {
    const sql = await sqlAs('occ', false, ownerUrl);
    await expect(sql.query(`update fsp.disagreement set reason = 'x'`)).rejects.toMatchObject({ code: '42501' });
    await expect(sql.query('delete from fsp.disagreement')).rejects.toMatchObject({ code: '42501' });
    await sql.end();
    const insert = `insert into fsp.disagreement (family, controller, decision, by, role, reason, said_on)
      select 1, id, $1, 'x', 'x', 'x', current_date from fsp.organisation where code = 'school-tansy-bridge'`;
    const stranger = await sqlAs('school-tansy-bridge', false, ownerUrl);
    const [hidden, absent] = [
      await stranger.query(insert, [key(decision)]).catch(({ code }) => code),
      await stranger.query(insert, [99_999_999]).catch(({ code }) => code),
    ];
    expect([hidden, absent]).toEqual(['42501', '42501']);
    await stranger.end();
  });
});
