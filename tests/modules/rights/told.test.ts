/** What a family was told: who says it, who sees it, and from whom it is kept. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { checkTold } from '../../../src/modules/rights/rules.ts';
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
  ownerUrl = await ownDatabase('fsp_told');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const father = encodeId('Person', storyPerson(1, 'father'));
let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const name = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${name}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const TOLD =
  'told { id notice { code } persons { person { givenName } } on by how { code } whyNot keptFrom { id } withheld { field } family { id } }';
const told = { family, notice: 'first-contact', persons: [mother], on: '2026-11-02', how: 'in-person' };
const toldOf = async (who: PersonaName | Caller) =>
  (await server.ask(who, 'query($id: ID!) { family(id: $id) { told { totalCount { value } nodes { id } } } }', { id: family })).body;

describe('rules', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  it('somebody was told, or there is a reason why not', () => {
    expect(checkTold(told, now)).toEqual([]);
    expect(checkTold({ ...told, how: null, whyNot: 'Not safe.' }, now)).toEqual([]);
    expect(checkTold({ ...told, how: null }, now)).toMatchObject([{ rule: 'TOLD_OR_NOT', path: ['how'] }]);
    expect(checkTold({ ...told, whyNot: 'Not safe.' }, now)).toMatchObject([{ rule: 'TOLD_OR_NOT', path: ['whyNot'] }]);
    expect(checkTold({ ...told, how: null, whyNot: ' ' }, now)).toMatchObject([{ path: ['whyNot'] }]);
    expect(checkTold({ ...told, on: '2026-12-01', persons: [] }, now).map(({ path }) => path[0])).toEqual(['on', 'persons']);
    expect(checkTold({ ...told, persons: [mother, mother] }, now)).toMatchObject([{ path: ['persons'] }]);
  });
});

describe('recordToldFamily', () => {
  it('is on record with whom it was for, and is shown once however often it is sent', async () => {
    const input = { ...told, idempotencyKey: 'told once' };
    const first = await does('socialWorker', 'recordToldFamily', input, TOLD);
    expect(first).toMatchObject({
      userErrors: [],
      told: {
        notice: { code: 'first-contact' },
        persons: [{ person: { givenName: 'Rachel' } }],
        how: { code: 'in-person' },
        whyNot: null,
      },
    });
    expect((await does('socialWorker', 'recordToldFamily', input, TOLD)).told.id).toBe(first.told.id);
    expect((await owner.query('select count(*)::int as n from fsp.told_family')).rows[0].n).toBe(1);
  });

  it('why it was not safe is kept from whoever is recorded as harming somebody of the family', async () => {
    const condition = {
      family,
      kind: 'no-contact',
      instruction: 'No contact.',
      issuer: 'Court',
      from: '2026-11-01',
      persons: [
        { person: father, part: 'BOUND' },
        { person: mother, part: 'PROTECTED' },
      ],
    };
    expect((await does('socialWorker', 'recordSafetyCondition', condition, 'condition { id }')).userErrors).toEqual([]);
    const notTold = { ...told, notice: 'before-sharing', persons: [father], how: null, whyNot: 'He would find her.' };
    const said = await does('socialWorker', 'recordToldFamily', notTold, TOLD);
    expect(said.told).toMatchObject({ how: null, whyNot: 'He would find her.', keptFrom: [{ id: father }] });
    const { rows } = await owner.query('select distinct kept_from from fsp.told_family_person where told = $1', [
      said.told.id.split('-')[1],
    ]);
    expect(rows).toEqual([{ kept_from: [String(storyPerson(1, 'father'))] }]);
    // What was told is kept from nobody but those who are named.
    expect((await does('socialWorker', 'recordToldFamily', told, TOLD)).told.keptFrom).toEqual([]);
    // A user who works with the father alone does not see it, and it is not counted for them.
    const [before] = [(await toldOf('socialWorker')).data.family.told.totalCount.value];
    await owner.query(
      `insert into fsp.involvement (family, person, controller, organisation, role, worker, "from")
       values (1, $1, $2, $2, 'social-worker', 'marcus.oyelaran', now() - interval '1 day')`,
      [storyPerson(1, 'father'), organisationId('occ')],
    );
    await owner.query(`delete from fsp.involvement where family = 1 and worker = 'marcus.oyelaran' and person is distinct from $1`, [
      storyPerson(1, 'father'),
    ]);
    const marcus = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
    expect((await toldOf(marcus)).data.family.told.totalCount.value).toBe(before - 1);
  });

  it('each organisation sees what it said itself; the county sees all', async () => {
    const mine = await does('healthVisitor', 'recordToldFamily', { ...told, notice: 'rights' }, TOLD);
    expect(mine.userErrors).toEqual([]);
    expect((await toldOf('healthVisitor')).data.family.told.nodes).toEqual([{ id: mine.told.id }]);
    expect((await toldOf('socialWorker')).data.family.told.nodes).toContainEqual({ id: mine.told.id });
    expect((await toldOf('teamSpecialist')).data.family.told.nodes).toEqual([]);
    expect((await toldOf('police')).data.family.told.nodes).toEqual([]);
  });

  it('is refused to the evaluator, and of a family or person that is not there', async () => {
    expect(await does('evaluator', 'recordToldFamily', told, TOLD)).toMatchObject({ refused: { reason: 'NOT_YOURS_TO_WRITE' } });
    const stranger = await does('socialWorker', 'recordToldFamily', { ...told, family: encodeId('Family', 99_999) }, TOLD);
    expect(stranger.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['family'] }]);
    const nobody = await does(
      'socialWorker',
      'recordToldFamily',
      { ...told, persons: [encodeId('Person', storyPerson(2, 'mother'))] },
      TOLD,
    );
    expect(nobody.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['persons', '0'] }]);
    const wrong = await does('socialWorker', 'recordToldFamily', { ...told, notice: 'x', how: 'y' }, TOLD);
    expect(wrong.userErrors.map(({ path }: any) => path[0])).toEqual(['notice', 'how']);
  });

  it('by plain SQL nobody says it for somebody else, and nobody changes it', async () => {
    const login = await sqlAs('oxford-health', false, ownerUrl);
    await expect(
      login.query(
        `insert into fsp.told_family (family, controller, notice, told_on, told_by, how) values (1, $1, 'rights', '2026-11-02', 'x', 'letter')`,
        [organisationId('occ')],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await expect(login.query(`update fsp.told_family set why_not = 'x'`)).rejects.toMatchObject({ code: '42501' });
    await login.end();
  });
});
