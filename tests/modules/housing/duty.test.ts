/** The duty to refer: with consent, to the council that the person chose; or refused. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisationId } from '../../../src/db/personas.ts';
import { checkReferral, checkReferralStep } from '../../../src/modules/housing/rules.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let url: string;
const someone = { family: '', person: '' };
const atRisk = { family: '', person: '' };
beforeAll(async () => {
  url = await ownDatabase('fsp_duty');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
  const find = async (into: typeof someone, stages: string[]) => {
    const { rows } = await owner.query(
      `select m.family, m.person from fsp.membership m join fsp.person_identity i on i.person = m.person join fsp.family_stage s on s.family = m.family
       where m.family > 3 and m.role <> 'child' and m.until is null and s.stage = any ($2) and not s.marac
         and not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login where g.family = m.family and l.organisation = any ($1))
       order by 1, 2 limit 1`,
      [[organisationId('cherwell-housing'), organisationId('oxford-housing')], stages],
    );
    into.family = encodeId('Family', rows[0].family);
    into.person = encodeId('Person', rows[0].person);
  };
  await find(someone, ['CHILD_IN_NEED', 'EARLY_HELP', 'ASSESSMENT']);
  await find(atRisk, ['CHILD_PROTECTION', 'SECTION_47']);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const CHERWELL = encodeId('Organisation', organisationId('cherwell-housing'));
const desk = (purpose: string): Caller => ({ client: 'cherwell-housing-desk', user: 'dilys.penrose', purpose });
const today = new Date().toISOString().slice(0, 10);
const consent = { on: today, how: 'in-person' };
let keys = 0;
const SHOWN =
  'id status version consented consentedHow { code } gateway { code } whyWithout contact person { id givenName } family { id } council { code }';
const does = async (who: PersonaName | Caller, name: string, input: object) => {
  const { body } = await server.ask(
    who,
    `mutation($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { housingReferral { ${SHOWN} } userErrors { code path rule } } }`,
    { input: { idempotencyKey: `duty-${keys++}`, ...input } },
  );
  return { ...(body.data?.[name] ?? { housingReferral: null, userErrors: [] }), errors: body.errors };
};
const referral = (of = someone, more: object = {}) => ({ ...of, council: CHERWELL, opinion: 'THREATENED', ...more });
const node = async (who: PersonaName | Caller, id: string) =>
  (await server.ask(who, `query($id: ID!) { node(id: $id) { ... on HousingReferral { ${SHOWN} } } }`, { id })).body.data.node;
/** Answers for the record, and works with every team. */
const manager = (): Caller => ({ client: 'occ-adoption', user: 'agnes.thorley', purpose: 'SAFEGUARDING' });

describe('a referral', () => {
  it('is refused without consent, and nothing is opened', async () => {
    for (const more of [
      {},
      { contact: '07700 900111' },
      { consent },
      { consent, contact: ' ' },
      { consent: { ...consent, on: '2999-01-01' }, contact: 'x' },
    ]) {
      const { housingReferral, userErrors, errors = [] } = await does(FRONT_DOOR, 'referForHousing', referral(someone, more));
      expect(housingReferral).toBeNull();
      expect(userErrors.length + errors.length, JSON.stringify(more)).toBeGreaterThan(0);
    }
    const none = await does(FRONT_DOOR, 'referForHousing', referral());
    expect(none.userErrors).toMatchObject([{ code: 'RULE', rule: 'HA1996-s213B', path: ['consent'] }]);
    expect(
      (await server.ask(desk('SAFEGUARDING'), '{ housingReferrals { totalCount { value } } }')).body.data.housingReferrals.totalCount.value,
    ).toBe(0);
    const { rows } = await owner.query('select count(*)::int as n from fsp.housing_referral');
    expect(rows[0].n).toBe(0);
  });
  it('with consent goes to the council that was chosen, and to no other; its desk sees the person until it ends', async () => {
    const { housingReferral: made, userErrors } = await does(
      FRONT_DOOR,
      'referForHousing',
      referral(someone, { consent, contact: '07700 900111' }),
    );
    expect(userErrors).toEqual([]);
    expect(made).toMatchObject({ status: 'SENT', consented: today, gateway: { code: 'HA1996-s213B' }, whyWithout: null });
    const seen = await node('housingDesk', made.id);
    expect(seen).toMatchObject({
      contact: '07700 900111',
      person: { id: someone.person },
      family: { id: someone.family },
      consentedHow: { code: 'in-person' },
    });
    const inbox = await server.ask('housingDesk', '{ housingReferrals(filter: { open: true }) { nodes { id } } }');
    expect(inbox.body.data.housingReferrals.nodes).toEqual([{ id: made.id }]);
    // Every other desk, of this council too, and every partner: nothing, by the API and by plain SQL.
    for (const code of ['oxford-housing', 'cherwell-leisure', 'cherwell-safety', 'west-oxfordshire-housing'])
      expect(await node({ client: `${code}-desk`, purpose: 'EARLY_HELP' }, made.id), code).toBeNull();
    for (const code of [
      'oxford-housing',
      'cherwell-leisure',
      'cherwell',
      'team-07',
      'thames-valley-police',
      'oxford-health',
      'turning-point',
    ])
      for (const table of ['housing_referral', 'housing_referral_contact']) {
        const client = await sqlAs(code, false, url);
        const { rows } = await client.query(`select * from fsp.${table}`).catch(({ code: refused }) => {
          expect(refused).toBe('42501');
          return { rows: [] };
        });
        expect(rows, `${code} ${table}`).toEqual([]);
        await client.end();
      }
    const twice = await does(FRONT_DOOR, 'referForHousing', referral(someone, { consent, contact: 'x' }));
    expect(twice.userErrors).toMatchObject([{ rule: 'HOUSING_REFERRED' }]);
    const early = await does('housingDesk', 'answerHousingReferral', { referral: made.id, expectedVersion: 1, status: 'TAKEN_UP' });
    expect(early.userErrors).toMatchObject([{ rule: 'HOUSING_STEP' }]);
    const taken = await does('housingDesk', 'answerHousingReferral', { referral: made.id, expectedVersion: 1, status: 'ACCEPTED' });
    expect(taken.housingReferral).toMatchObject({ status: 'ACCEPTED', version: 2 });
    const foreign = await does({ client: 'oxford-housing-desk', purpose: 'HOUSING_DUTY' }, 'answerHousingReferral', {
      referral: made.id,
      expectedVersion: 2,
      status: 'ENDED',
      reason: 'other',
    });
    expect(foreign.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['referral'] }]);
    await does('housingDesk', 'answerHousingReferral', { referral: made.id, expectedVersion: 2, status: 'ENDED', reason: 'need-met' });
    expect(await node('housingDesk', made.id)).toMatchObject({ status: 'ENDED', person: null, family: null });
  });
  it('ends when the person agrees no longer', async () => {
    const { housingReferral: made } = await does(FRONT_DOOR, 'referForHousing', referral(someone, { consent, contact: 'x@example.org' }));
    expect((await node('housingDesk', made.id)).person.id).toBe(someone.person);
    const input = { referral: made.id, expectedVersion: 1, reason: 'family-declined' };
    expect((await does('housingDesk', 'withdrawHousingReferral', input)).errors?.[0].extensions.reason).toBe('NOT_YOURS_TO_WRITE');
    expect((await does(FRONT_DOOR, 'withdrawHousingReferral', input)).housingReferral.status).toBe('WITHDRAWN');
    expect(await node('housingDesk', made.id)).toMatchObject({ status: 'WITHDRAWN', person: null, contact: null });
    // Nor how to reach them, by plain SQL; the county has what it wrote.
    const client = await sqlAs('cherwell-housing', false, url);
    const id = made.id.split('-')[1];
    expect((await client.query('select from fsp.housing_referral where id = $1', [id])).rowCount).toBe(1);
    expect((await client.query('select * from fsp.housing_referral_contact')).rows).toEqual([]);
    await client.end();
    expect((await node(FRONT_DOOR, made.id)).contact).toBe('x@example.org');
  });
  it('of two at once one is made, and nothing of it but how it stands is the council’s to change', async () => {
    const asked = await Promise.all(
      [1, 2, 3, 4].map(() => does(FRONT_DOOR, 'referForHousing', referral(someone, { consent, contact: 'y@example.org' }))),
    );
    const made = asked.filter(({ housingReferral }) => housingReferral);
    expect(made).toHaveLength(1);
    for (const { housingReferral, userErrors } of asked)
      if (!housingReferral) expect(userErrors).toMatchObject([{ rule: 'HOUSING_REFERRED' }]);
    const client = await sqlAs('cherwell-housing', false, url);
    const [{ housingReferral: one }] = made as [{ housingReferral: { id: string; version: number } }];
    const { id, version } = one;
    const key = id.split('-')[1];
    for (const [column, value] of Object.entries({
      about_family: 1,
      about_person: 1,
      consented_on: null,
      gateway: 'x',
      opinion: 'x',
      worker: 'x',
      version: 9,
    }))
      await expect(
        client.query(`update fsp.housing_referral set ${column} = $2 where id = $1`, [key, value]),
        column,
      ).rejects.toMatchObject({
        code: '42501',
      });
    for (const table of ['housing_need', 'housing_answer'])
      await expect(client.query(`update fsp.${table} set version = 9`), table).rejects.toMatchObject({ code: '42501' });
    await client.end();
    const done = await does(FRONT_DOOR, 'withdrawHousingReferral', { referral: id, expectedVersion: version, reason: 'family-declined' });
    expect(done.housingReferral).toMatchObject({ status: 'WITHDRAWN', version: version + 1 });
  });
  it('without consent is for a manager, where a child may come to significant harm, on a ground of safeguarding', async () => {
    const withoutConsent = { gateway: 'CA2004-s11', reason: 'The children sleep in a car tonight.' };
    const refused = await does(FRONT_DOOR, 'referForHousing', referral(atRisk, { withoutConsent }));
    expect(refused.userErrors).toMatchObject([{ rule: 'HA1996-s213B', path: ['withoutConsent'] }]);
    const early = await does(manager(), 'referForHousing', referral(someone, { withoutConsent }));
    expect(early.userErrors).toMatchObject([{ rule: 'HA1996-s213B' }]);
    const ground = await does(
      manager(),
      'referForHousing',
      referral(atRisk, { withoutConsent: { ...withoutConsent, gateway: 'CONSENT' } }),
    );
    expect(ground.userErrors).toMatchObject([{ path: ['withoutConsent', 'gateway'] }]);
    const { housingReferral: made, userErrors } = await does(manager(), 'referForHousing', referral(atRisk, { withoutConsent }));
    expect(userErrors).toEqual([]);
    expect(made).toMatchObject({ consented: null, gateway: { code: 'CA2004-s11' }, whyWithout: withoutConsent.reason });
    // Who did not agree is not shown under the housing duty; under safeguarding they are.
    expect(await node(desk('HOUSING_DUTY'), made.id)).toMatchObject({ status: 'SENT', person: null, contact: null });
    expect((await node(desk('SAFEGUARDING'), made.id)).person.id).toBe(atRisk.person);
    // Why is the county's record: the council reads the ground and not the words, while the referral stands and after, and learns by no
    // list of what is withheld whether there are any.
    const key = made.id.split('-')[1];
    const told = async () => {
      const clients = await Promise.all(['cherwell-housing', 'oxford-housing', 'team-07', 'occ'].map((code) => sqlAs(code, false, url)));
      const rows = [];
      for (const client of clients) {
        rows.push((await client.query('select * from fsp.housing_referral_why').catch(({ code }) => ({ rows: [code] }))).rows);
        await client.end();
      }
      return rows;
    };
    const county = [{ referral: key, sender: 1, why_without: withoutConsent.reason }];
    const withheld = async (id: string) =>
      (
        await server.ask(
          desk('SAFEGUARDING'),
          'query($id: ID!) { node(id: $id) { ... on HousingReferral { whyWithout withheld { field reason } } } }',
          { id },
        )
      ).body.data.node;
    const { housingReferral: agreed } = await does(FRONT_DOOR, 'referForHousing', referral(someone, { consent, contact: 'z' }));
    expect(await withheld(made.id)).toEqual(await withheld(agreed.id));
    expect((await withheld(made.id)).whyWithout).toBeNull();
    expect(await told()).toEqual([[], [], [], county]);
    const ended = await does(manager(), 'withdrawHousingReferral', { referral: made.id, expectedVersion: 1, reason: 'other' });
    expect(ended.housingReferral).toMatchObject({ status: 'WITHDRAWN', whyWithout: withoutConsent.reason });
    expect(await node(desk('SAFEGUARDING'), made.id)).toMatchObject({
      status: 'WITHDRAWN',
      gateway: { code: 'CA2004-s11' },
      whyWithout: null,
    });
    expect(await told()).toEqual([[], [], [], county]);
    // Nor is it changed, or written by another, for anybody.
    for (const code of ['occ', 'cherwell-housing', 'team-07']) {
      const client = await sqlAs(code, false, url);
      await expect(client.query(`update fsp.housing_referral_why set why_without = 'x'`), code).rejects.toMatchObject({ code: '42501' });
      if (code !== 'occ')
        await expect(
          client.query(`insert into fsp.housing_referral_why (referral, sender, why_without) values ($1, $2, 'x')`, [
            agreed.id.split('-')[1],
            organisationId(code),
          ]),
          code,
        ).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|23503)$/) });
      await client.end();
    }
  });
});

describe('the rules', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const agreed = { on: '2026-11-20', how: 'phone' };
  it('want consent and a way to reach the person, or a ground', () => {
    const faults = (input: object, at = { atRisk: true, manager: true }) =>
      checkReferral(input as never, at, now).map(({ path }) => path[0]);
    expect(faults({ consent: agreed, contact: 'x' })).toEqual([]);
    expect(faults({ consent: agreed, contact: 'x', withoutConsent: { gateway: 'CA2004-s11', reason: 'x' } })).toEqual(['withoutConsent']);
    expect(faults({ withoutConsent: { gateway: 'VITAL-INTERESTS', reason: 'x' } })).toEqual([]);
    expect(faults({ withoutConsent: { gateway: 'HA1996-s213B', reason: ' ' } }, { atRisk: false, manager: false })).toHaveLength(4);
  });
  it('go forward alone', () => {
    const all = ['SENT', 'ACCEPTED', 'WAITING', 'TAKEN_UP', 'DECLINED', 'ENDED', 'WITHDRAWN'] as const;
    expect(all.map((from) => all.filter((to) => checkReferralStep(from, to, 'other').length === 0).join(' '))).toEqual([
      'ACCEPTED WAITING DECLINED WITHDRAWN',
      'TAKEN_UP DECLINED ENDED WITHDRAWN',
      'ACCEPTED DECLINED WITHDRAWN',
      'ENDED WITHDRAWN',
      '',
      '',
      '',
    ]);
    expect(checkReferralStep('SENT', 'DECLINED', null)).toHaveLength(1);
  });
});
