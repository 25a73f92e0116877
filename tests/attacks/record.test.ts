/** What an organisation's login might try on the whole family record by plain SQL, beside what the API asks of the database. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { organisationId } from '../../src/db/personas.ts';
import { sqlAs, sqlAsOwner } from '../support/server.ts';

const NEVER = 99_999_999;

let owner: pg.Client;
const logins = new Map<string, pg.Client>();
const login = (code: string) => logins.get(code) as pg.Client;

beforeAll(async () => {
  owner = await sqlAsOwner();
  for (const code of [
    'team-02',
    'team-07',
    'oxford-health',
    'turning-point',
    'cherwell-housing',
    'school-tansy-bridge',
    'thames-valley-police',
  ])
    logins.set(code, await sqlAs(code));
});
afterAll(async () => {
  for (const client of [owner, ...logins.values()]) await client.end();
});

/** Runs as somebody, and undoes it. Gives the rows, or how it was refused. */
async function tried(client: pg.Client, ...statements: [text: string, values?: unknown[]][]): Promise<unknown> {
  await client.query('begin');
  try {
    let rows: unknown[] = [];
    for (const [text, values] of statements) rows = (await client.query(text, values)).rows;
    return rows;
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message}`;
  } finally {
    await client.query('rollback');
  }
}

const REFUSED = '42501 No such row.';
const today = 'starts <= now() and ends > now()';
const oneOf = async (client: pg.Client, text: string, values: unknown[] = []) => (await client.query(text, values)).rows[0];

describe('who belongs to a family', () => {
  it('is not for a health service to say by leaving open whether a child is born', async () => {
    const health = login('oxford-health');
    const { family } = await oneOf(health, `select min(family) as family from fsp.family_grant where ${today}`);
    for (const unborn of [null, false])
      expect(await tried(health, ['select fsp.new_member($1, $2, current_date, $3)', [family, 'aunt', unborn]])).toBe(
        '42501 No such family.',
      );
  });

  it.each(['team-02', 'oxford-health', 'turning-point'])('%s makes nobody an unborn member', async (code) => {
    const { family, person } = await oneOf(
      owner,
      'select m.family, m.person from fsp.membership m join fsp.involvement i on i.family = m.family and i.organisation = $1 and i.until is null limit 1',
      [organisationId(code)],
    );
    expect(
      await tried(login(code), [
        `insert into fsp.unborn_membership (family, person, controller, role, "from") values ($1, $2, $3, 'unborn-child', current_date)`,
        [family, person, organisationId(code)],
      ]),
    ).toMatch(/^42501 permission denied/);
  });
});

it('a request for help opens nothing of a family or person that the asker does not see, and does not tell one from none', async () => {
  const team = login('team-07');
  const hidden = await oneOf(
    owner,
    `select m.family, m.person from fsp.membership m where not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
      where l.organisation = $1 and g.family = m.family) order by 1 limit 1`,
    [organisationId('team-07')],
  );
  const { person } = await oneOf(team, `select min(person) as person from fsp.person_grant where ${today}`);
  const provider = organisationId('turning-point');
  const ask = (family: number, whom: number) =>
    tried(team, [
      `insert into fsp.intervention_link (intervention, family, person, controller, row_mask, programme, provider)
        values (1, $1, $2, $3, 0, (select programme from fsp.programme_provider where organisation = $4 limit 1), $4)`,
      [family, whom, organisationId('team-07'), provider],
    ]);
  const none = await ask(NEVER, NEVER);
  expect(none).toMatch(/^42501 new row violates row-level security/);
  for (const [family, whom] of [
    [hidden.family, hidden.person],
    [hidden.family, NEVER],
    [NEVER, person],
    [hidden.family, person],
  ])
    expect(await ask(family, whom)).toBe(none);
});

describe('clocks', () => {
  const start = (client: pg.Client, organisation: number, subject: [type: string, id: number], person: number | null = null) =>
    tried(client, [
      `insert into fsp.clock (person, controller, assigned, subject_type, subject_id, due_on, rule, rule_version, started_on, due_soon_on)
        select $1, $2, $2, $3, $4, '2099-01-01', code, version, current_date, '2099-01-01' from fsp.timescale where code = 'CP_VISIT' limit 1`,
      [person, organisation, ...subject],
    ]);

  it.each(['turning-point', 'cherwell-housing', 'school-tansy-bridge', 'team-07'])(
    '%s starts none for what is not its own: it would keep the county’s from running, and tell that it runs',
    async (code) => {
      const running = await oneOf(
        owner,
        `select subject_id from fsp.clock where subject_type = 'Plan' and met_on is null and ended_on is null limit 1`,
      );
      for (const id of [Number(running.subject_id), NEVER])
        expect(await start(login(code), organisationId(code), ['Plan', id])).toBe(REFUSED);
      const { person } = await oneOf(owner, 'select max(id) as person from fsp.person');
      for (const whom of [Number(person), NEVER])
        expect(await start(login(code), organisationId(code), ['Referral', NEVER], whom)).toBe(REFUSED);
    },
  );

  it('an unborn child’s are not stopped, nor counted, by a team that does not know of the child', async () => {
    const { family, person } = await oneOf(owner, 'select family, person from fsp.unborn_membership where until is null limit 1');
    const plan = NEVER;
    const { id } = await oneOf(
      owner,
      `insert into fsp.clock (family, person, controller, assigned, subject_type, subject_id, due_on, rule, rule_version, started_on, due_soon_on)
        select $1, $2, $3, $3, 'Plan', $4, '2099-01-01', code, version, current_date, '2099-01-01' from fsp.timescale where code = 'CP_VISIT' limit 1
        returning id`,
      [family, person, organisationId('occ'), plan],
    );
    try {
      const stopped = await tried(login('team-02'), [`select fsp.stop_clocks(null, 'Plan', $1, null, current_date) as n`, [plan]]);
      expect(stopped).toEqual([{ n: 0 }]);
    } finally {
      await owner.query('delete from fsp.clock where id = $1', [id]);
    }
  });
});

it('who harms whom is not told of strangers to the family', async () => {
  const police = login('thames-valley-police');
  const { family } = await oneOf(police, `select min(family) as family from fsp.family_grant where ${today}`);
  const { harming, harmed } = await oneOf(
    owner,
    `select a.person as harming, b.person as harmed from fsp.membership a, fsp.membership b
      where a.family = $1 and b.family <> $1 and not exists (select from fsp.membership m where m.family = $1 and m.person = b.person) limit 1`,
    [family],
  );
  await owner.query('begin');
  const { id } = await oneOf(
    owner,
    `insert into fsp.safety_condition (family, controller, kind, instruction, issuer, "from") values ($1, $2, 'no-contact', 'x', 'court', current_date) returning id`,
    [family, organisationId('occ')],
  );
  for (const [person, part] of [
    [harming, 'BOUND'],
    [harmed, 'PROTECTED'],
  ])
    await owner.query(`insert into fsp.safety_condition_person (condition, family, person, controller, part) values ($1, $2, $3, $4, $5)`, [
      id,
      family,
      person,
      organisationId('occ'),
      part,
    ]);
  await owner.query('commit');
  try {
    expect(await tried(police, ['select fsp.recorded_as_harming($1, $2) as told', [family, [harmed]]])).toEqual([{ told: [] }]);
  } finally {
    await owner.query('delete from fsp.safety_condition_person where condition = $1', [id]);
    await owner.query('delete from fsp.safety_condition where id = $1', [id]);
  }
});

it('89 a row stays with the row that it belongs to, and what is hidden and what never was are refused alike', async () => {
  const police = login('thames-valley-police');
  const me = organisationId('thames-valley-police');
  const { family } = await oneOf(police, `select min(family) as family from fsp.family_grant where ${today}`);
  const { id: elsewhere } = await oneOf(owner, 'select id from fsp.safety_condition where family <> $1 limit 1', [family]);
  const move = (to: number) =>
    tried(
      police,
      [
        `insert into fsp.incident (family, controller, kind, basis, part, outcome, happened_on)
          values ($1, $2, 'call-out', 'RECORDED', 'NOT_KNOWN', 'not-known', current_date)`,
        [family, me],
      ],
      [`update fsp.incident set breaches = $1 where controller = $2 and family = $3 and breaches is null`, [to, me, family]],
    );
  expect(await move(Number(elsewhere))).toBe(REFUSED);
  expect(await move(NEVER)).toBe(REFUSED);
  const named = (person: number) =>
    tried(
      police,
      [
        `insert into fsp.incident (family, controller, kind, basis, part, outcome, happened_on)
          values ($1, $2, 'call-out', 'RECORDED', 'NOT_KNOWN', 'not-known', current_date)`,
        [family, me],
      ],
      [`update fsp.incident set person = $1 where controller = $2 and family = $3 and person is null`, [person, me, family]],
    );
  const { person } = await oneOf(
    owner,
    `select p.id as person from fsp.person p where not exists (select from fsp.person_grant g join fsp.login l on l.id = g.login
      where l.organisation = $1 and g.person = p.id) limit 1`,
    [me],
  );
  for (const whom of [Number(person), NEVER]) expect(await named(whom)).toBe(REFUSED);
});

it.each(['team-02', 'thames-valley-police'])('a family group about an unborn child is not there for %s', async (code) => {
  const { family, person } = await oneOf(owner, 'select family, person from fsp.unborn_membership where until is null limit 1');
  const { id } = await oneOf(
    owner,
    'insert into fsp.family_group (family, person, controller, offered_on) values ($1, $2, $3, current_date) returning id',
    [family, person, organisationId('occ')],
  );
  try {
    expect(await tried(login(code), ['select id from fsp.family_group where id = $1', [id]])).toEqual([]);
  } finally {
    await owner.query('delete from fsp.family_group where id = $1', [id]);
  }
});
