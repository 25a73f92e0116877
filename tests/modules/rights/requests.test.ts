/** Putting right, objecting, restricting: who asks, who decides, and what a restriction does. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { checkDecided, checkRestriction } from '../../../src/modules/rights/rules.ts';
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
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_rights_requests');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const governance: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
let keys = 0;
async function does(as: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const name = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${name}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const REQUEST = 'request { id version kind fact statement outcome reason decided decidedBy }';
const RESTRICTION = 'restriction { id version class ground { code } lifted }';
const entry = async () =>
  encodeId('WorkbookEntry', Number((await owner.query('select min(id) as id from fsp.workbook_entry where family = 1')).rows[0].id));

describe('rules', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const asked = { askedOn: '2026-11-02', decidedOn: null };
  it('what was corrected has been amended, and who is refused is told why', () => {
    const decided = (outcome: string, fact: { was: number; is: number } | null, reason?: string) =>
      checkDecided({ outcome, on: '2026-11-10', reason: reason ?? null }, asked, fact, now).map(({ rule }) => rule);
    expect([decided('CORRECTED', { was: 1, is: 1 }), decided('CORRECTED', { was: 1, is: 2 }), decided('CORRECTED', null)]).toEqual([
      ['RIGHTS_NOT_CORRECTED'],
      [],
      [],
    ]);
    expect([decided('REFUSED', null), decided('REFUSED', null, 'It is what she said.')]).toEqual([['RIGHTS_REASON'], []]);
    expect(checkDecided({ outcome: 'COMPLETED', on: '2026-11-01' }, { ...asked, decidedOn: '2026-11-05' }, null, now).length).toBe(2);
  });
  it('what keeps people safe is never restricted, nor what others master', () => {
    const input = { family, person: mother, class: 'EQUALITY' as const, ground: 'accuracy', reason: 'x', from: '2026-11-02' };
    expect(checkRestriction(input, true, now)).toEqual([]);
    expect(checkRestriction({ ...input, class: 'SAFETY' }, true, now)).toMatchObject([{ rule: 'RESTRICTION_SAFETY' }]);
    expect(checkRestriction({ ...input, class: 'OFFENCE' }, false, now)).toMatchObject([{ rule: 'RESTRICTION_DECIDES' }]);
  });
});

describe('putting right', () => {
  const asking = async () => ({ family, person: mother, fact: await entry(), statement: 'I did not say that.', asked: '2026-11-02' });

  it('runs for a month, is decided when the fact was amended, and stands beside the family', async () => {
    const { request } = await does('socialWorker', 'requestRectification', await asking(), REQUEST);
    expect(request).toMatchObject({ kind: 'RECTIFICATION', fact: await entry(), outcome: null });
    const clock = async () =>
      (
        await owner.query(`select due_on::text, met_on::text from fsp.clock where rule = 'RIGHTS_REQUEST' and subject_id = $1`, [
          request.id.split('-')[1],
        ])
      ).rows[0];
    expect(await clock()).toEqual({ due_on: '2026-12-02', met_on: null });
    const decide = (outcome: string) =>
      does(
        'socialWorker',
        'decideRectification',
        { request: request.id, expectedVersion: request.version, outcome, on: '2026-11-12' },
        REQUEST,
      );
    expect((await decide('CORRECTED')).userErrors).toMatchObject([{ rule: 'RIGHTS_NOT_CORRECTED' }]);
    const amended = { entry: await entry(), expectedVersion: 1, narrative: 'She did not say that.', reason: 'Put right.' };
    expect((await does('socialWorker', 'amendWorkbookEntry', amended, 'entry { id }')).userErrors).toEqual([]);
    expect((await decide('CORRECTED')).request).toMatchObject({ outcome: 'CORRECTED', decided: '2026-11-12' });
    expect(await clock()).toMatchObject({ met_on: '2026-11-12' });
    expect((await decide('COMPLETED')).userErrors).toMatchObject([{ rule: 'RIGHTS_DECIDED' }]);
  });

  it('the refusal’s reason is found by the fact; who may not see the fact is not told which it is', async () => {
    const { request } = await does('socialWorker', 'requestRectification', await asking(), REQUEST);
    const refusal = {
      request: request.id,
      expectedVersion: request.version,
      outcome: 'REFUSED',
      reason: 'Two people heard it.',
      on: '2026-11-12',
    };
    expect((await does('socialWorker', 'decideRectification', refusal, REQUEST)).userErrors).toEqual([]);
    const ofFact = async (as: PersonaName | Caller) =>
      (
        await server.ask(
          as,
          'query($id: ID!, $fact: String) { family(id: $id) { rightsRequests(fact: $fact) { nodes { id fact reason } } } }',
          {
            id: family,
            fact: await entry(),
          },
        )
      ).body.data.family.rightsRequests.nodes;
    expect(await ofFact('socialWorker')).toContainEqual({ id: request.id, fact: await entry(), reason: 'Two people heard it.' });
    expect(await ofFact(governance)).toEqual([]);
    const { body } = await server.ask(governance, 'query($id: ID!) { family(id: $id) { rightsRequests { nodes { fact reason } } } }', {
      id: family,
    });
    expect(body.data.family.rightsRequests.nodes).toContainEqual({ fact: null, reason: 'Two people heard it.' });
    for (const as of ['teamSpecialist', 'healthVisitor', 'police'] as const) expect(await ofFact(as)).toEqual([]);
  });

  it('of a fact that is hidden, another family’s, or none, in the same words', async () => {
    const words = async (fact: string) =>
      (await does('socialWorker', 'requestRectification', { ...(await asking()), fact }, REQUEST)).userErrors;
    const other = (await owner.query('select min(id) as id from fsp.workbook_entry where family = 2')).rows[0].id;
    expect(await words(encodeId('WorkbookEntry', Number(other)))).toEqual(await words(encodeId('WorkbookEntry', 99_999_999)));
    expect(await words(encodeId('Organisation', 1))).toMatchObject([{ code: 'NOT_FOUND', path: ['fact'] }]);
  });

  it('is the county’s', async () => {
    for (const as of ['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)
      expect(await does(as, 'requestRectification', await asking(), REQUEST)).toMatchObject({ refused: { reason: 'NOT_YOURS_TO_WRITE' } });
    const login = await sqlAs('team-07', false, ownerUrl);
    await expect(
      login.query(
        `insert into fsp.rights_request (family, person, controller, kind, statement, asked_on) values (1, $1, 107, 'OBJECTION', 'x', '2026-11-02')`,
        [storyPerson(1, 'mother')],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await login.end();
  });
});

it('an objection is decided within a month', async () => {
  const objection = { family, person: mother, class: 'WORKBOOK', statement: 'I do not want the school to have it.', asked: '2026-11-02' };
  const { request } = await does('socialWorker', 'recordObjection', objection, REQUEST);
  expect(request).toMatchObject({ kind: 'OBJECTION', fact: null });
  const rectification = { request: request.id, expectedVersion: 1, outcome: 'COMPLETED', on: '2026-11-10' };
  expect((await does('socialWorker', 'decideRectification', rectification, REQUEST)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
  const decided = await does('socialWorker', 'decideObjection', { ...rectification, outcome: 'UPHELD' }, REQUEST);
  expect(decided.request).toMatchObject({ outcome: 'UPHELD', decided: '2026-11-10' });
});

describe('a restriction', () => {
  const restrict = { family, person: mother, class: 'EQUALITY', ground: 'accuracy', reason: 'Disputed.', from: '2026-11-02' };
  const ethnicity = async (as: PersonaName | Caller) =>
    (
      await server.ask(as, 'query($id: ID!) { node(id: $id) { ... on Person { ethnicity { code } withheld { field reason } } } }', {
        id: mother,
      })
    ).body.data.node;

  it('withholds the class about the person from everybody, until it is lifted', async () => {
    expect((await ethnicity('socialWorker')).ethnicity).toEqual({ code: 'WBRI' });
    const { restriction, userErrors } = await does('socialWorker', 'restrictProcessing', restrict, RESTRICTION);
    expect(userErrors).toEqual([]);
    const hidden = await ethnicity('socialWorker');
    expect(hidden.ethnicity).toBeNull();
    expect(hidden.withheld).toContainEqual({ field: 'ethnicity', reason: 'DECISION_WITHHOLDS' });
    const lift = { restriction: restriction.id, expectedVersion: restriction.version, reason: 'Put right.', on: '2026-11-10' };
    expect((await does('socialWorker', 'liftProcessingRestriction', lift, RESTRICTION)).restriction.lifted).toBe('2026-11-10');
    expect((await ethnicity('socialWorker')).ethnicity).toEqual({ code: 'WBRI' });
    expect(
      (await does('socialWorker', 'liftProcessingRestriction', { ...lift, expectedVersion: 2 }, RESTRICTION)).userErrors,
    ).toMatchObject([{ rule: 'RESTRICTION_LIFTED' }]);
  });

  it('the county may go on, for the protection of somebody else', async () => {
    const { userErrors } = await does('socialWorker', 'restrictProcessing', { ...restrict, countyExcepted: true }, RESTRICTION);
    expect(userErrors).toEqual([]);
    expect((await ethnicity('socialWorker')).ethnicity).toEqual({ code: 'WBRI' });
    const { rows } = await owner.query(
      `select distinct agency from fsp.sharing_decision where gateway = 'UKGDPR-a18' and withdrawn_at is null order by 1`,
    );
    expect(rows.map(({ agency }) => agency)).toEqual(['DISTRICT', 'EDUCATION', 'HEALTH', 'PROVIDER', 'TEAM']);
  });

  it('is the county’s alone, of members whom it sees, with a ground of the list', async () => {
    expect(await does('healthVisitor', 'restrictProcessing', restrict, RESTRICTION)).toMatchObject({
      refused: { reason: 'NOT_YOURS_TO_WRITE' },
    });
    expect((await does('socialWorker', 'restrictProcessing', { ...restrict, ground: 'x' }, RESTRICTION)).userErrors).toMatchObject([
      { path: ['ground'] },
    ]);
    const stranger = { ...restrict, person: encodeId('Person', storyPerson(2, 'mother')) };
    expect((await does('socialWorker', 'restrictProcessing', stranger, RESTRICTION)).userErrors).toMatchObject([
      { code: 'NOT_FOUND', path: ['person'] },
    ]);
  });
});
