/** A fact of the police is never written, nor shown, without its basis, the person's part and what came of it; intelligence is none. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { checkIncident } from '../../../src/modules/safety/rules.ts';
import { encodeId, ownDatabase, PERSONAS, type PersonaName, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const family = encodeId('Family', 1);
const father = encodeId('Person', storyPerson(1, 'father'));
const FACT = 'id kind { code } basis part outcome { code } person { id }';
const fact = { family, person: father, kind: 'arrest', basis: 'RECORDED', part: 'SUSPECT', outcome: 'no-further-action', on: '2026-11-10' };
const shown = {
  kind: { code: 'arrest' },
  basis: 'RECORDED',
  part: 'SUSPECT',
  outcome: { code: 'no-further-action' },
  person: { id: father },
};

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_police_facts');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
const record = (as: PersonaName, input: object, selection = FACT) =>
  server.ask(
    as,
    `mutation($input: RecordIncidentInput!) { recordIncident(input: $input) { incident { ${selection} } userErrors { code path rule } } }`,
    {
      input: { idempotencyKey: `k${++keys}`, ...input },
    },
  );

describe('written', () => {
  it.each(['basis', 'part', 'outcome', 'kind'])('not without its %s', async (name) => {
    const { [name as keyof typeof fact]: _left, ...rest } = fact;
    const reply = await record('police', rest);
    expect(reply.status).toBe(400);
    const insert = (given: Record<string, unknown>) =>
      owner.query(`insert into fsp.incident select * from jsonb_populate_record(null::fsp.incident, $1) returning id`, [
        {
          id: 999_999,
          family: 1,
          person: storyPerson(1, 'father'),
          controller: organisationId('thames-valley-police'),
          kept_from: [],
          version: 1,
          kind: 'arrest',
          basis: 'RECORDED',
          part: 'SUSPECT',
          outcome: 'arrest',
          happened_on: '2026-11-10',
          created_at: new Date(),
          updated_at: new Date(),
          ...given,
        },
      ]);
    // By nobody, also not by the owner: not without it, and not as something else.
    for (const value of [null, '', 'INTELLIGENCE', 'intelligence'])
      await expect(insert({ [name]: value }), `${name}: ${value}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(23502|23514)$/),
      });
  });
  it('not of a suspect who is not named, or is not the suspect', () => {
    const now = new Date('2026-11-20T12:00:00Z');
    const rules = (extra: object) => checkIncident({ ...fact, ...extra } as never, 'POLICE', now).map(({ rule, path }) => [rule, ...path]);
    expect(rules({})).toEqual([]);
    for (const kind of ['arrest', 'bail', 'caution', 'charge', 'prosecution', 'conviction']) {
      expect(rules({ kind, part: 'VICTIM' })).toEqual([['INCIDENT_SUSPECT', 'part']]);
      expect(rules({ kind, person: null, part: 'NOT_KNOWN' })).toEqual([['INCIDENT_SUSPECT', 'person']]);
    }
    expect(rules({ kind: 'call-out', part: 'WITNESS' })).toEqual([]);
    expect(rules({ kind: 'allegation', person: null, part: 'NOT_KNOWN' })).toEqual([]);
  });
  it('not as intelligence, by the police or anybody else', async () => {
    const { rows } = await owner.query(
      `select code from fsp.code where list like 'incident-%' and (code ~* 'intel' or label ~* 'intelligence')`,
    );
    expect(rows).toEqual([]);
    expect((await record('police', { ...fact, kind: 'intelligence' })).body.data.recordIncident).toMatchObject({
      incident: null,
      userErrors: [{ code: 'INVALID', path: ['kind'] }],
    });
    for (const login of ['thames-valley-police', 'occ', 'team-07']) {
      const sql = await sqlAs(login, false, ownerUrl);
      await expect(
        sql.query(
          `insert into fsp.incident (family, person, controller, kind, basis, part, outcome, happened_on) values (1, $1, $2, 'intelligence', 'REPORTED', 'SUSPECT', 'not-known', '2026-11-01')`,
          [storyPerson(1, 'father'), organisationId(login)],
        ),
      ).rejects.toMatchObject({ code: '23514' });
      await sql.end();
    }
  });
  it.each(['school', 'healthVisitor', 'housingDesk', 'provider', 'evaluator'] as const)('not by %s', async (as) => {
    expect((await record(as, fact)).body.errors?.[0]?.extensions).toMatchObject({
      code: 'FORBIDDEN',
      field: 'Mutation.recordIncident',
      reason: 'NOT_YOURS_TO_WRITE',
    });
  });
});

describe('shown', () => {
  it('with all of it, in the payload, the list, by its id and in the chronology, to everybody who sees it', async () => {
    const { body } = await record('police', fact);
    const { id, ...rest } = body.data.recordIncident.incident;
    expect(rest).toEqual(shown);
    const document = `query($family: ID!, $id: ID!) {
      family(id: $family) {
        incidents(first: 50) { nodes { ${FACT} } }
        callOuts { count noFurtherAction }
        chronology(types: [INCIDENT], first: 50) { nodes { ... on Incident { ${FACT} } } }
      }
      node(id: $id) { ... on Incident { ${FACT} } }
    }`;
    const seen: string[] = [];
    for (const as of Object.keys(PERSONAS) as PersonaName[]) {
      const { body: told } = await server.ask(as, document, { family, id });
      const paths = [told.data?.family?.incidents?.nodes, told.data?.family?.chronology?.nodes, told.data?.node ? [told.data.node] : null];
      const all = paths.flatMap((nodes) => nodes ?? []);
      if (all.some((each: any) => each.id === id)) seen.push(as);
      for (const each of all) {
        if (each.id === undefined || each.id === null) continue;
        expect([each.kind, each.basis, each.part, each.outcome], `${as}: ${each.id}`).not.toContain(null);
      }
      if (told.data?.node?.id) expect(told.data.node).toEqual({ id, ...shown });
    }
    expect(seen).toEqual(['socialWorker', 'teamSpecialist', 'police']);
  });
  it('by plain SQL too: it is one row, which is there whole or not at all', async () => {
    for (const login of ['occ', 'team-07', 'thames-valley-police', 'school-tansy-bridge']) {
      const sql = await sqlAs(login, false, ownerUrl);
      expect((await sql.query('select 1 from fsp.incident where basis is null or part is null or outcome is null')).rowCount).toBe(0);
      await sql.end();
    }
  });
  it('with what came to nothing beside what was counted', async () => {
    await record('police', {
      family,
      kind: 'call-out',
      basis: 'RECORDED',
      part: 'NOT_KNOWN',
      outcome: 'no-further-action',
      on: '2026-11-09',
    });
    await record('police', { family, kind: 'call-out', basis: 'RECORDED', part: 'NOT_KNOWN', outcome: 'advice', on: '2026-11-10' });
    const { body } = await server.ask('police', 'query($family: ID!) { family(id: $family) { callOuts { count noFurtherAction } } }', {
      family,
    });
    expect(body.data.family.callOuts).toEqual({ count: 2, noFurtherAction: 1 });
  });
});
