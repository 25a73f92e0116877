/** Cases 129 to 132: the record of what was shown, when it is away, when somebody is at it, and whether it is whole. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyDisclosures } from '../../src/disclosure/verify.ts';
import { operation } from '../../src/portal/demonstration.ts';
import {
  encodeId,
  FRONT_DOOR,
  ownDatabase,
  PERSONAS,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_audit');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const FAMILY = encodeId('Family', 1);
const recorded = async (): Promise<any[]> =>
  (await owner.query('select records from fsp.disclosure')).rows.flatMap(({ records }) => JSON.parse(records));
const recordOf = async (request: string) => (await recorded()).find((record) => record.request === request);

/** The ids of a type anywhere in an answer. */
function idsOf(type: string, value: unknown, found = new Set<string>()): Set<string> {
  if (value && typeof value === 'object') for (const inner of Object.values(value)) idsOf(type, inner, found);
  else if (typeof value === 'string' && value.startsWith(`${type}-`)) found.add(value.slice(type.length + 1));
  return found;
}

describe('the store of the record', () => {
  it('129 away, or full: nothing is shown, nor done', async () => {
    await server.ask('socialWorker', operation('one-family'), { id: FAMILY });
    // As on a full disk: the batch is refused.
    await owner.query("alter table fsp.disclosure add constraint full_disk check (records = '') not valid");
    try {
      for (const [name, persona] of Object.entries(PERSONAS)) {
        if (persona.agency === 'EVALUATOR') continue;
        const { status, body } = await server.ask(name as PersonaName, operation('one-family'), { id: FAMILY });
        expect([name, status, body]).toEqual([
          name,
          503,
          { errors: [{ message: expect.any(String), extensions: { code: 'UNAVAILABLE' } }] },
        ]);
      }
      expect((await server.ask('socialWorker', '{ districts { name } }')).status).toBe(200);
    } finally {
      await owner.query('alter table fsp.disclosure drop constraint full_disk');
    }
    expect((await server.ask('socialWorker', operation('one-family'), { id: FAMILY })).status).toBe(200);
    expect((await verifyDisclosures(owner)).fault).toBeNull();
  });
  it('130 is changed by no login, by the owner not while the guard stands, and afterwards the record is named', async () => {
    const statements = [
      "update fsp.disclosure set records = '[]'",
      'delete from fsp.disclosure',
      'truncate fsp.disclosure',
      'update fsp.disclosure set sequence = sequence + 1',
    ];
    for (const login of ['occ', 'thames-valley-police', 'recorder', 'gate']) {
      const client = await sqlAs(login, false, ownerUrl);
      for (const statement of statements)
        await expect(client.query(statement), `${login}: ${statement}`).rejects.toMatchObject({ code: '42501' });
      await client.end();
    }
    for (const statement of statements) await expect(owner.query(statement), statement).rejects.toMatchObject({ code: '42501' });
    await server.ask('police', operation('one-family'), { id: FAMILY });
    const governance = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
    await server.ask(governance, '{ disclosures(first: 1) { nodes { at } } }');
    const { rows } = await owner.query(
      "select chain, sequence::int, records from fsp.disclosure where records like '%harriet.coyle%' limit 1",
    );
    const [{ chain, sequence, records }] = rows;
    const position = (JSON.parse(records) as any[]).findIndex(({ user }) => user === 'harriet.coyle') + 1;
    await owner.query('begin');
    await owner.query('alter table fsp.disclosure disable trigger guard');
    await owner.query('update fsp.disclosure set records = $3 where chain = $1 and sequence = $2', [
      chain,
      sequence,
      records.replace('harriet.coyle', 'somebody.else'),
    ]);
    const { fault } = await verifyDisclosures(owner);
    await owner.query('rollback');
    expect(fault).toEqual({ chain, sequence, records: [position], what: 'was changed after it was written' });
  });
  it('131 has one record of every answer, which names everybody in it and every field', async () => {
    for (const name of Object.keys(PERSONAS) as PersonaName[]) {
      for (const [document, variables] of [
        [operation('one-family'), { id: FAMILY }],
        [operation('families'), {}],
        [
          'query Two($id: ID!) { a: node(id: $id) { id ... on Family { members { person { id givenName } } } } b: families { nodes { id name } } }',
          { id: FAMILY },
        ],
      ] as const) {
        const request = randomUUID();
        const { status, body } = await server.ask(name, document, variables, { 'x-request-id': request });
        if (!body.data) expect([name, status]).not.toEqual([name, 200]);
        const records = (await recorded()).filter((record) => record.request === request);
        expect(records.length, `${name}: ${document}`).toBe(1);
        const [record] = records;
        for (const [type, among] of [
          ['Family', record.families],
          ['Person', record.persons],
        ] as const)
          for (const id of idsOf(type, body.data)) expect(among.map(String), `${name}: ${type}-${id}`).toContain(id);
        if (idsOf('Person', body.data).size > 0) expect(record.fields.some((field: string) => field.startsWith('Person.'))).toBe(true);
      }
    }
  });
  it('132 holds what a caller wrote as a value, whatever it looks like', async () => {
    const forged = 'ann","user":"somebody.else","families":[2],"x":"\\n{';
    await owner.query(
      "insert into fsp.app_user (organisation, subject, name) select id, $1, 'Ann' from fsp.organisation where code = 'occ'",
      [forged],
    );
    const { headers } = await server.ask({ ...FRONT_DOOR, user: forged }, '{ family(id: "Family-1") { name } }');
    expect(await recordOf(headers['x-request-id'] as string)).toMatchObject({ user: forged, families: [1] });
    const governance = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
    const { body } = await server.ask(
      governance,
      'query($user: String) { disclosures(filter: { user: $user }) { nodes { user families { id } } } }',
      {
        user: forged,
      },
    );
    expect(body.data.disclosures.nodes).toEqual([{ user: forged, families: [{ id: FAMILY }] }]);
    // What of a request stands in a record is an id, a name of GraphQL's, or made here: an id that is none is not taken.
    for (const correlation of [forged, 'a\nb', '{"a":1}', `x'); drop table fsp.disclosure; --`]) {
      const request = randomUUID();
      await server.ask(
        'socialWorker',
        'query Named { family(id: "Family-1") { name } }',
        {},
        {
          'x-request-id': request,
          'x-correlation-id': correlation.replaceAll('\n', ' '),
        },
      );
      expect(await recordOf(request)).toMatchObject({ correlation: null, user: 'grace.whitlock', families: [1], operation: 'Named' });
    }
    expect((await verifyDisclosures(owner)).fault).toBeNull();
  });
});
