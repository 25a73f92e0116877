/** Home and school: written by the council and the school. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { checkHome, checkTerm, clockOf } from '../../../src/modules/circumstance/rules.ts';
import { encodeId, ownDatabase, type PersonaName, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_circumstance');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const maisie = encodeId('Person', storyPerson(1, 'maisie'));
const capital = (field: string) => `${field[0]?.toUpperCase()}${field.slice(1)}`;
let keys = 0;
async function does(who: PersonaName, field: string, input: object, selection: string): Promise<any> {
  const document = `mutation($input: ${capital(field)}Input!) { ${field}(input: $input) { ${selection} userErrors { code path rule currentVersion } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}

describe('rules', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  it('a duty runs from the day on which it was accepted', () => {
    expect(checkHome({ duty: 'PREVENTION', dutyAccepted: '2026-11-01' }, '2026-11-01', null, now)).toEqual([]);
    expect(checkHome({ duty: 'RELIEF' }, '2026-11-01', '2026-10-01', now).map(({ path }) => path[0])).toEqual(['dutyAccepted', 'until']);
    expect(
      checkHome({ duty: 'NONE', dutyAccepted: '2026-11-01', arrears: -1 }, '2026-11-01', null, now).map(({ path }) => path[0]),
    ).toEqual(['arrears', 'dutyAccepted']);
    expect([clockOf('PREVENTION'), clockOf('RELIEF'), clockOf('MAIN'), clockOf('NONE')]).toEqual([
      'HOMELESS_PREVENTION',
      'HOMELESS_RELIEF',
      null,
      null,
    ]);
  });
  it('nobody attends more than there was', () => {
    const term = { possibleSessions: 100, attendedSessions: 101, exclusion: 'NONE' as const, excludedDays: 2 };
    expect(checkTerm(term).map(({ path }) => path[0])).toEqual(['attendedSessions', 'excludedDays']);
  });
});

describe('a home', () => {
  const HOME = 'situation { id version duty dutyAccepted arrears tenure { code } }';
  const home = {
    family,
    person: mother,
    tenure: 'social-rented',
    duty: 'PREVENTION',
    dutyAccepted: '2026-11-02',
    arrears: 640,
    atRisk: true,
    from: '2026-11-02',
  };
  it('is written by the council’s desk, and its duty has 56 days', async () => {
    const made = await does('housingDesk', 'recordHousingSituation', home, HOME);
    expect(made).toMatchObject({ situation: { duty: 'PREVENTION', arrears: 640, version: 1 }, userErrors: [] });
    const { id } = made.situation;
    const clocks = async () =>
      (
        await owner.query(
          "select rule, due_on::text, met_on::text from fsp.clock where subject_type = 'HousingSituation' and subject_id = $1 order by id",
          [id.split('-')[1]],
        )
      ).rows;
    expect(await clocks()).toEqual([{ rule: 'HOMELESS_PREVENTION', due_on: '2026-12-28', met_on: null }]);
    const change = { situation: id, expectedVersion: 1, duty: 'RELIEF', dutyAccepted: '2026-11-20', atRisk: true };
    expect((await does('housingDesk', 'amendHousingSituation', change, HOME)).situation).toMatchObject({ duty: 'RELIEF', version: 2 });
    expect((await does('housingDesk', 'amendHousingSituation', change, HOME)).userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: 2 },
    ]);
    expect((await clocks()).map(({ rule, met_on }) => [rule, met_on])).toEqual([
      ['HOMELESS_PREVENTION', '2026-11-20'],
      ['HOMELESS_RELIEF', null],
    ]);
  });
  it('is not the county’s to write, and the police do not see it', async () => {
    for (const name of ['socialWorker', 'teamSpecialist', 'healthVisitor', 'school', 'police', 'provider', 'evaluator'] as const)
      expect(await does(name, 'recordHousingSituation', home, HOME), name).toMatchObject({
        refused: { code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' },
      });
    const seen = async (who: PersonaName) =>
      (await server.ask(who, '{ family(id: "Family-1") { housing { duty } } }')).body.data.family.housing;
    expect([await seen('socialWorker'), await seen('teamSpecialist')]).toEqual([[{ duty: 'RELIEF' }], [{ duty: 'RELIEF' }]]);
    expect([await seen('police'), await seen('healthVisitor')]).toEqual([null, null]);
  });
});

describe('a term at school', () => {
  const TERM = 'record { id version attendancePercent exclusion school { code } }';
  const term = {
    family,
    person: maisie,
    term: '2026-27 autumn',
    possibleSessions: 120,
    attendedSessions: 90,
    exclusion: 'SUSPENSION',
    excludedDays: 2,
  };
  it('is written by the school, once, and amended', async () => {
    const made = await does('school', 'recordSchoolRecord', term, TERM);
    expect(made).toMatchObject({ record: { attendancePercent: 75, school: { code: 'school-tansy-bridge' }, version: 1 }, userErrors: [] });
    expect((await does('school', 'recordSchoolRecord', term, TERM)).userErrors).toMatchObject([{ rule: 'SCHOOL_TERM', currentVersion: 1 }]);
    const { family: _f, person: _p, term: _t, ...rest } = term;
    const change = { ...rest, record: made.record.id, expectedVersion: 1, attendedSessions: 96 };
    expect((await does('school', 'amendSchoolRecord', change, TERM)).record).toMatchObject({ attendancePercent: 80, version: 2 });
    expect((await does('school', 'amendSchoolRecord', change, TERM)).userErrors).toMatchObject([{ code: 'CONFLICT', currentVersion: 2 }]);
  });
  it('is nobody else’s to write', async () => {
    for (const name of ['socialWorker', 'healthVisitor', 'police', 'housingDesk', 'provider'] as const)
      expect(await does(name, 'recordSchoolRecord', term, TERM), name).toMatchObject({ refused: { code: 'FORBIDDEN' } });
    const school = await sqlAs('school-larch-hollow', false, ownerUrl);
    await expect(
      school.query(
        "insert into fsp.school_record (family, person, controller, term, possible_sessions, attended_sessions, exclusion) values (1, $1, $2, 'x', 1, 1, 'NONE')",
        [storyPerson(1, 'maisie'), organisationId('school-larch-hollow')],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await school.end();
    const seen = async (who: PersonaName) =>
      (await server.ask(who, '{ family(id: "Family-1") { schoolRecords { attendancePercent } } }')).body.data.family.schoolRecords;
    expect([await seen('socialWorker'), await seen('school'), await seen('police')]).toEqual([
      [{ attendancePercent: 80 }],
      [{ attendancePercent: 80 }],
      null,
    ]);
  });
});
