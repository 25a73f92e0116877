/** What everybody must do, and what happened: who writes it, and who sees what of it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import {
  type ConditionInput,
  checkCondition,
  checkEnd,
  checkIncident,
  checkReview,
  type IncidentInput,
} from '../../../src/modules/safety/rules.ts';
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
  ownerUrl = await ownDatabase('fsp_safety');
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
const frontDoor: Caller = { client: 'occ-front-door', user: 'grace.whitlock', purpose: 'SAFEGUARDING' };
const vincent: Caller = { client: 'elmore-perpetrators-casework', user: 'vincent.hale', purpose: 'SAFEGUARDING' };
const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
async function does(who: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code message path rule currentVersion } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const ofFamily = async (who: PersonaName | Caller, selection: string) =>
  (await server.ask(who, `query($id: ID!) { family(id: $id) { ${selection} } }`, { id: family })).body;

const noContact: ConditionInput = {
  family,
  kind: 'no-contact',
  instruction: 'No contact with the mother, by whatever means.',
  issuer: "Magistrates' court",
  persons: [
    { person: father, part: 'BOUND' },
    { person: mother, part: 'PROTECTED' },
  ],
  from: '2026-11-01',
};
const CONDITION =
  'condition { id version live kind { code } instruction persons { person { givenName } part } reviewed ended offenceReason victimReason }';

describe('rules', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const at = { from: '2026-11-01', until: null, endedOn: null };
  const incident: IncidentInput = {
    family,
    kind: 'call-out',
    basis: 'REPORTED',
    part: 'NOT_KNOWN',
    outcome: 'not-known',
    on: '2026-11-01',
  };
  it('a condition binds or protects somebody, and ends after it begins', () => {
    expect(checkCondition(noContact)).toEqual([]);
    expect(checkCondition({ ...noContact, persons: [], until: '2026-01-01' }).map(({ path }) => path[0])).toEqual(['persons', 'until']);
  });
  it('what has ended is neither reviewed nor ended again', () => {
    const input = { condition: 'SafetyCondition-1', expectedVersion: 1, on: '2026-11-10' };
    expect([checkReview(input, at, now), checkEnd(input, at, now)]).toEqual([[], []]);
    for (const check of [checkReview, checkEnd])
      expect(check(input, { ...at, endedOn: '2026-11-05' }, now)).toMatchObject([{ rule: 'CONDITION_ENDED', path: ['condition'] }]);
  });
  it('the police record; others report', () => {
    expect(checkIncident({ ...incident, basis: 'RECORDED' }, 'POLICE', now)).toEqual([]);
    expect(checkIncident({ ...incident, basis: 'RECORDED' }, 'LA', now)).toMatchObject([{ rule: 'INCIDENT_BASIS', path: ['basis'] }]);
  });
  it('a breach is somebody’s, and a part is one person’s', () => {
    expect(checkIncident({ ...incident, kind: 'breach-of-bail' }, 'LA', now)).toMatchObject([{ path: ['person'] }]);
    expect(checkIncident({ ...incident, part: 'SUSPECT', breaches: 'SafetyCondition-1' }, 'LA', now).map(({ path }) => path[0])).toEqual([
      'breaches',
      'part',
    ]);
  });
});

describe('safety conditions', () => {
  let id: string;
  it('are recorded by the county or the police, with a clock to look at them again', async () => {
    const payload = await does('police', 'recordSafetyCondition', { ...noContact, offenceReason: 'Assault in April.' }, CONDITION);
    expect(payload).toMatchObject({
      condition: { live: true, version: 1, kind: { code: 'no-contact' }, offenceReason: 'Assault in April.', victimReason: null },
      userErrors: [],
    });
    expect(payload.condition.persons.map(({ part }: any) => part)).toEqual(['BOUND', 'PROTECTED']);
    id = payload.condition.id;
    const { rows } = await owner.query("select rule from fsp.clock where subject_type = 'SafetyCondition' and subject_id = $1", [
      id.split('-')[1],
    ]);
    expect(rows).toEqual([{ rule: 'SAFETY_REVIEW' }]);
    const warns = await does(
      'socialWorker',
      'recordSafetyCondition',
      {
        ...noContact,
        kind: 'visit-in-pairs',
        instruction: 'Two workers at every visit.',
        issuer: 'County council',
        persons: [{ person: father, part: 'BOUND' }],
      },
      CONDITION,
    );
    expect(warns.userErrors).toEqual([]);
  });
  it('say to every agency with the family what to do; why is for those who may know', async () => {
    for (const who of ['socialWorker', 'teamSpecialist', 'healthVisitor', 'school', 'police', 'provider'] as const) {
      const { data } = await ofFamily(who, 'safety { instruction kind { code } live }');
      expect(
        data.family.safety.map(({ kind }: any) => kind.code),
        who,
      ).toEqual(['no-contact', 'visit-in-pairs']);
    }
    const why = async (who: PersonaName) =>
      (await ofFamily(who, 'safety { offenceReason }')).data?.family.safety?.[0]?.offenceReason ?? null;
    expect([await why('socialWorker'), await why('police'), await why('healthVisitor'), await why('provider')]).toEqual([
      'Assault in April.',
      'Assault in April.',
      null,
      null,
    ]);
  });
  it('do not exist for whom they are kept from', async () => {
    const secret = {
      ...noContact,
      kind: 'safe-contact',
      instruction: 'Ring her at work, before noon.',
      persons: [{ person: mother, part: 'PROTECTED' }],
      keptFrom: [father],
    };
    expect((await does('socialWorker', 'recordSafetyCondition', secret, CONDITION)).userErrors).toEqual([]);
    const kinds = async (who: PersonaName | Caller) =>
      (await ofFamily(who, 'safety { kind { code } }')).data.family.safety.map(({ kind }: any) => kind.code);
    expect(await kinds('healthVisitor')).toContain('safe-contact');
    expect(await kinds(vincent)).not.toContain('safe-contact');
  });
  it('are looked at again and ended by whose they are', async () => {
    const review = (who: PersonaName, expectedVersion: number) =>
      does(who, 'reviewSafetyCondition', { condition: id, expectedVersion, on: '2026-11-10', until: '2027-11-01' }, CONDITION);
    expect((await review('socialWorker', 1)).userErrors).toMatchObject([
      { code: 'NOT_FOUND', message: 'There is no such condition of yours for you.' },
    ]);
    expect((await review('police', 1)).condition).toMatchObject({ reviewed: '2026-11-10', version: 2 });
    expect((await review('police', 1)).userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
    const { rows } = await owner.query(
      "select met_on::text, started_on::text from fsp.clock where subject_type = 'SafetyCondition' and subject_id = $1 order by id",
      [id.split('-')[1]],
    );
    expect(rows.map(({ met_on }) => met_on)).toEqual(['2026-11-10', null]);
    const ended = await does('police', 'endSafetyCondition', { condition: id, expectedVersion: 2, on: '2026-11-15' }, CONDITION);
    expect(ended.condition).toMatchObject({ ended: '2026-11-15', live: false });
    const { data } = await ofFamily('healthVisitor', 'safety { id } safetyHistory { nodes { id } }');
    expect(data.family.safety.map((c: any) => c.id)).not.toContain(id);
    expect(data.family.safetyHistory.nodes.map((c: any) => c.id)).toContain(id);
  });
  it.each(['teamSpecialist', 'healthVisitor', 'school', 'housingDesk', 'provider', 'evaluator'] as const)(
    'are not written by %s',
    async (name) => {
      expect(await does(name, 'recordSafetyCondition', noContact, CONDITION)).toMatchObject({
        refused: { code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' },
      });
    },
  );
  it('name only members of the family', async () => {
    const bad = await does(
      'police',
      'recordSafetyCondition',
      { ...noContact, kind: 'magic', persons: [{ person: encodeId('Person', 401), part: 'BOUND' }] },
      CONDITION,
    );
    expect(bad.userErrors.map((e: any) => [e.code, e.path.join('.')])).toEqual([
      ['NOT_FOUND', 'persons.0.person'],
      ['INVALID', 'kind'],
    ]);
  });
});

describe('incidents', () => {
  const callOut = {
    family,
    kind: 'call-out',
    reason: 'domestic-abuse',
    part: 'NOT_KNOWN',
    outcome: 'safeguarding-notified',
    on: '2026-10-30',
  };
  const INCIDENT = 'incident { id version basis part outcome { code } kind { code } reason { code } person { givenName } informant }';
  it('are recorded by the police and reported by others', async () => {
    const recorded = await does('police', 'recordIncident', { ...callOut, basis: 'RECORDED' }, INCIDENT.replace(' informant', ''));
    expect(recorded).toMatchObject({ incident: { basis: 'RECORDED', reason: { code: 'domestic-abuse' } }, userErrors: [] });
    const reported = await does(
      'teamSpecialist',
      'recordIncident',
      { ...callOut, basis: 'REPORTED', on: '2025-01-10' },
      INCIDENT.replace(' informant', ''),
    );
    expect(reported.incident.basis).toBe('REPORTED');
    const wrong = await does('socialWorker', 'recordIncident', { ...callOut, basis: 'RECORDED' }, INCIDENT.replace(' informant', ''));
    expect(wrong.userErrors).toMatchObject([{ code: 'RULE', rule: 'INCIDENT_BASIS' }]);
  });
  it('are recorded by nobody but the police in the database either', async () => {
    const county = await sqlAs('occ', false, ownerUrl);
    const insert = (basis: string) =>
      county.query(
        "insert into fsp.incident (family, controller, kind, basis, part, outcome, happened_on) values (1, $1, 'call-out', $2, 'NOT_KNOWN', 'not-known', '2026-01-01') returning id",
        [organisationId('occ'), basis],
      );
    await expect(insert('RECORDED')).rejects.toMatchObject({ code: '42501' });
    await county.query('begin');
    const { rows } = await insert('REPORTED');
    const changed = await county.query("update fsp.incident set basis = 'RECORDED' where id = $1 returning basis", [rows[0].id]);
    expect(changed.rows).toEqual([{ basis: 'REPORTED' }]);
    await county.query('rollback');
    await county.end();
  });
  it('hide the neighbour who told from all but the front door', async () => {
    const told = await does(
      frontDoor,
      'recordIncident',
      { ...callOut, kind: 'neighbour-report', basis: 'REPORTED', informant: 'The neighbour at number 16.' },
      INCIDENT,
    );
    expect(told.incident).toMatchObject({ informant: 'The neighbour at number 16.' });
    const { body } = await server.ask('police', `{ node(id: "${told.incident.id}") { ... on Incident { kind { code } informant } } }`);
    expect(body.data.node).toEqual({ kind: { code: 'neighbour-report' }, informant: null });
    expect(
      await does('socialWorker', 'recordIncident', { ...callOut, basis: 'REPORTED', informant: 'Somebody.' }, 'incident { id }'),
    ).toMatchObject({ refused: { code: 'FORBIDDEN' } });
  });
  it('tell of bail and its breach, with the condition that it breaks', async () => {
    const condition = (await does('police', 'recordSafetyCondition', { ...noContact, kind: 'bail-condition' }, 'condition { id }'))
      .condition.id;
    const bail = await does(
      'police',
      'recordIncident',
      { ...callOut, kind: 'bail', basis: 'RECORDED', person: father, part: 'SUSPECT', outcome: 'released-on-bail' },
      'incident { id version }',
    );
    const breach = await does(
      'police',
      'recordIncident',
      {
        ...callOut,
        kind: 'breach-of-bail',
        basis: 'RECORDED',
        person: father,
        part: 'SUSPECT',
        outcome: 'arrest',
        breaches: condition,
        on: '2026-11-05',
      },
      'incident { id breaches { id kind { code } } }',
    );
    expect(breach.incident.breaches).toMatchObject({ id: condition, kind: { code: 'bail-condition' } });
    const outcome = (who: PersonaName, expectedVersion: number) =>
      does(
        who,
        'recordIncidentOutcome',
        { incident: bail.incident.id, expectedVersion, outcome: 'no-further-action' },
        'incident { version outcome { code } }',
      );
    expect((await outcome('socialWorker', 1)).userErrors).toMatchObject([{ code: 'NOT_FOUND' }]);
    expect((await outcome('police', 1)).incident).toEqual({ version: 2, outcome: { code: 'no-further-action' } });
    expect((await outcome('police', 1)).userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
  });
  it('are counted for those who see them', async () => {
    const { data } = await ofFamily(
      'police',
      'callOuts { since count lastTwelveMonths } incidents(first: 2) { totalCount { value } nodes { on basis part outcome { code } } }',
    );
    expect(data.family.callOuts).toEqual({ since: '2025-01-10', count: 2, lastTwelveMonths: 1 });
    expect(data.family.incidents.nodes.map(({ on }: any) => on)).toEqual(['2026-11-05', '2026-10-30']);
    const nurse = await ofFamily('healthVisitor', 'callOuts { count } incidents { nodes { on } }');
    expect(nurse.data.family).toEqual({ callOuts: null, incidents: null });
    const { data: chronology } = await ofFamily(
      'police',
      'chronology(types: [INCIDENT, SAFETY_CONDITION], first: 50) { nodes { __typename } }',
    );
    expect(new Set(chronology.family.chronology.nodes.map((n: any) => n.__typename))).toEqual(new Set(['Incident', 'SafetyCondition']));
  });
});
