/** What children and adults say outside a session, who hears of it, and what was done. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { checkAnswer, checkFeedback, checkVoice } from '../../../src/modules/voice/rules.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const caller = (client: string, user: string): Caller => ({ client, user, purpose: 'CHILD_IN_NEED' });
const county = caller('occ-social-care', 'marcus.oyelaran');
const team = (user: string) => caller('team-07-workbook', user);
const health = caller('oxford-health-visiting', 'amara.osei');
const school = caller('school-larch-hollow-pastoral', 'priscilla.dean');

const dunmore = encodeId('Family', 3);
const who = (name: string, family = 3) => encodeId('Person', storyPerson(family, name));

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_voice');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(as: Caller, field: string, selection: string, input: object, key = `k${++keys}`): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule currentVersion } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: key, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const read = async (as: Caller, selection: string) =>
  (await server.ask(as, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id: dunmore })).body;
const node = async (as: Caller, id: string) => (await server.ask(as, 'query($id: ID!) { node(id: $id) { id } }', { id })).body.data.node;

const VOICE = 'voice { id words medium { code } on heardBy wants answers { done } keptFrom { givenName } }';
const said = (extra: object = {}) => ({
  family: dunmore,
  person: who('daughter'),
  words: 'I am very proud of my mummy.',
  medium: 'letter',
  on: '2026-11-09',
  wants: 'That nobody shouts.',
  ...extra,
});

it('what a voice, its answer and feedback must be', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  expect(
    checkVoice({ family: 'F', person: 'P', words: ' ', medium: 'said', on: '2026-12-01' }, now).map(({ path }) => path.join('.')),
  ).toEqual(['on', 'words']);
  expect(checkAnswer({ voice: 'V', done: 'x', on: '2026-11-01' }, '2026-11-09', now)).toMatchObject([{ path: ['on'] }]);
  expect(checkFeedback({ family: 'F', person: 'P', about: 'A', on: '2026-11-01' }, now)).toMatchObject([{ path: ['words'] }]);
  expect(checkFeedback({ family: 'F', person: 'P', about: 'A', on: '2026-11-01', knewMe: false }, now)).toEqual([]);
});

describe('a child’s voice', () => {
  let kept: string;
  it('is written by county and team, and answered', async () => {
    const { voice, userErrors } = await run(county, 'recordChildVoice', VOICE, said(), 'once');
    expect(userErrors).toEqual([]);
    expect(voice).toMatchObject({
      words: 'I am very proud of my mummy.',
      medium: { code: 'letter' },
      heardBy: 'Marcus Oyelaran',
      wants: 'That nobody shouts.',
      answers: [],
    });
    expect((await run(county, 'recordChildVoice', VOICE, said(), 'once')).voice.id).toBe(voice.id);
    const done = { voice: voice.id, done: 'Her letter was read out at the review.', on: '2026-11-12' };
    expect((await run(team('niamh.carroll'), 'answerChildVoice', 'answer { done by }', done)).answer).toEqual({
      done: done.done,
      by: 'Niamh Carroll',
    });
    expect((await run(county, 'answerChildVoice', 'answer { done }', { ...done, on: '2026-11-01' })).userErrors).toMatchObject([
      { path: ['on'] },
    ]);
    expect(
      (await run(county, 'answerChildVoice', 'answer { done }', { ...done, voice: encodeId('ChildVoice', 99_999) })).userErrors,
    ).toMatchObject([{ code: 'NOT_FOUND' }]);
    const { data } = await read(county, 'childVoices { nodes { words answers { done } } }');
    expect(data.family.childVoices.nodes).toEqual([{ words: 'I am very proud of my mummy.', answers: [{ done: done.done }] }]);
  });
  it('names what can be mended', async () => {
    const { userErrors } = await run(
      county,
      'recordChildVoice',
      VOICE,
      said({ medium: 'telepathy', person: who('maisie', 1), keptFrom: [who('partner'), who('mother', 1)] }),
    );
    expect(userErrors.map((e: any) => [e.code, e.path.join('.')])).toEqual([
      ['INVALID', 'medium'],
      ['NOT_FOUND', 'person'],
      ['NOT_FOUND', 'keptFrom.1'],
    ]);
  });
  it.each([
    ['health', health],
    ['school', school],
    ['provider', caller('elmore-perpetrators-casework', 'vincent.hale')],
  ])('is not written by %s', async (_name, as) => {
    expect(await run(as, 'recordChildVoice', VOICE, said())).toMatchObject({
      code: 'FORBIDDEN',
      field: 'Mutation.recordChildVoice',
      reason: 'NOT_YOURS_TO_WRITE',
    });
  });
  it('is closed to agencies without a decision', async () => {
    expect((await read(health, 'childVoices { nodes { words } }')).data.family.childVoices).toBeNull();
    const sql = await sqlAs('elmore-perpetrators', false, ownerUrl);
    expect((await sql.query('select from fsp.child_voice')).rowCount).toBe(0);
    await sql.end();
  });
  it('in confidence does not exist for who works only with the person it is kept from', async () => {
    const { voice } = await run(county, 'recordChildVoice', VOICE, said({ words: 'He came back.', keptFrom: [who('partner')] }));
    kept = voice.id;
    expect(voice.keptFrom).toEqual([{ givenName: 'Craig' }]);
    expect(await node(team('niamh.carroll'), kept)).toEqual({ id: kept });
    expect(await node(team('ruth.ellery'), kept)).toBeNull();
    expect((await read(team('ruth.ellery'), 'childVoices { totalCount { value } }')).data.family.childVoices.totalCount.value).toBe(1);
    expect((await read(county, 'childVoices { totalCount { value } }')).data.family.childVoices.totalCount.value).toBe(2);
    // What was done about it is kept from the same, and not answered by who does not know of it.
    expect(
      (await run(team('ruth.ellery'), 'answerChildVoice', 'answer { id }', { voice: kept, done: 'x', on: '2026-11-12' })).userErrors,
    ).toMatchObject([{ code: 'NOT_FOUND' }]);
    const { answer } = await run(county, 'answerChildVoice', 'answer { id }', {
      voice: kept,
      done: 'The locks were changed.',
      on: '2026-11-10',
    });
    expect(await node(team('ruth.ellery'), answer.id)).toBeNull();
  });
  it('takes part in the chronology', async () => {
    const types = 'chronology(types: [CHILD_VOICE]) { nodes { ... on ChildVoice { words } } }';
    expect((await read(county, types)).data.family.chronology.nodes).toHaveLength(2);
    expect((await read(team('ruth.ellery'), types)).data.family.chronology.nodes).toHaveLength(1);
  });
  it('is not moved to another writer by plain SQL', async () => {
    const sql = await sqlAs('team-07', false, ownerUrl);
    expect((await sql.query("update fsp.child_voice set words = 'x'")).rowCount).toBe(0);
    await expect(
      sql.query(
        "insert into fsp.child_voice (family, person, controller, words, medium, said_on, heard_by) select 1, $1, id, 'x', 'said', current_date, 'x' from fsp.organisation where code = 'occ'",
        [storyPerson(1, 'maisie')],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await sql.end();
  });
});

describe('an adult’s voice', () => {
  it('has a class of its own', async () => {
    const input = said({ person: who('mother'), words: 'You believed me.', medium: 'text-message' });
    const { voice } = await run(team('niamh.carroll'), 'recordAdultVoice', VOICE, input);
    expect(voice).toMatchObject({ words: 'You believed me.', heardBy: 'Niamh Carroll' });
    expect(
      (await run(county, 'answerAdultVoice', 'answer { done }', { voice: voice.id, done: 'Thanked her.', on: '2026-11-10' })).userErrors,
    ).toEqual([]);
    expect((await read(county, 'adultVoices { nodes { words } }')).data.family.adultVoices.nodes).toEqual([{ words: 'You believed me.' }]);
    expect((await read(school, 'adultVoices { nodes { words } }')).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN', reason: 'NOT_SHARED_WITH_AGENCY' } },
    ]);
  });
});

describe('whom a child trusts, and how a worker was', () => {
  it('a trusted adult is chosen, and ends', async () => {
    const input = { family: dunmore, person: who('daughter'), name: 'Mrs Aldous', role: 'Designated teacher', from: '2026-09-07' };
    const { trustedAdult } = await run(county, 'nameTrustedAdult', 'trustedAdult { id version name role }', input);
    expect(trustedAdult).toMatchObject({ version: 1, name: 'Mrs Aldous' });
    const end = { trustedAdult: trustedAdult.id, expectedVersion: 1, on: '2026-11-02' };
    // Another organisation's row is not the team's to change.
    expect((await run(team('niamh.carroll'), 'endTrustedAdult', 'trustedAdult { until }', end)).userErrors).toMatchObject([
      { code: 'NOT_FOUND' },
    ]);
    expect((await run(county, 'endTrustedAdult', 'trustedAdult { until }', { ...end, on: '2026-01-01' })).userErrors).toMatchObject([
      { path: ['on'] },
    ]);
    expect((await run(county, 'endTrustedAdult', 'trustedAdult { until version }', end)).trustedAdult).toEqual({
      until: '2026-11-02',
      version: 2,
    });
    expect((await run(county, 'endTrustedAdult', 'trustedAdult { until }', end)).userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: 2 },
    ]);
  });
  it('feedback answers the four things that young people named', async () => {
    const input = {
      family: dunmore,
      person: who('daughter'),
      about: 'Marcus Oyelaran',
      listened: true,
      comfortable: true,
      knewMe: false,
      on: '2026-11-10',
    };
    expect(
      (await run(team('niamh.carroll'), 'recordRelationshipFeedback', 'feedback { listened comfortable independence knewMe }', input))
        .feedback,
    ).toEqual({
      listened: true,
      comfortable: true,
      independence: null,
      knewMe: false,
    });
    expect((await read(county, 'relationshipFeedback { about } trustedAdults { name }')).data.family).toEqual({
      relationshipFeedback: [{ about: 'Marcus Oyelaran' }],
      trustedAdults: [{ name: 'Mrs Aldous' }],
    });
  });
});
