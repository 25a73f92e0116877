/** One master for each noun: what another system owns is written by it alone, and says that it is a copy. */
import { readFileSync } from 'node:fs';
import { isObjectType } from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NOUNS } from '../../src/change/masters.ts';
import { COMMANDS } from '../../src/modules/index.ts';
import { productSchema } from '../../src/server.ts';
import { type Caller, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const county: Caller = { client: 'occ-front-door', user: 'philippa.nunn', purpose: 'SAFEGUARDING' };
const recordSystem: Caller = { client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC' };

let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_masters');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const master = (noun: string, client: string | null) =>
  owner.query('update fsp.noun_master set client = $2, system = $3 where noun = $1', [noun, client, client && 'LiquidLogic']);

let keys = 0;
async function register(as: Caller): Promise<any> {
  const member = { givenName: 'Bo', familyName: 'Lark', dateOfBirth: '2019-01-01', sex: 'F', role: 'child' };
  const { body, text } = await server.ask(
    as,
    'mutation($input: RegisterFamilyInput!) { registerFamily(input: $input) { family { id } userErrors { code rule message path } } }',
    { input: { idempotencyKey: `k${++keys}`, name: 'Lark', members: [member] } },
  );
  expect(body.data?.registerFamily, text).toBeTruthy();
  return body.data.registerFamily;
}

describe('the table', () => {
  it('has every noun once, and in Oxfordshire all of them are mastered here', async () => {
    const { entries } = JSON.parse(readFileSync(new URL('../../reference/oxfordshire/masters.json', import.meta.url), 'utf8'));
    expect(entries.map(({ noun }: any) => noun)).toEqual(NOUNS.map(({ noun }) => noun));
    const { body } = await server.ask(recordSystem, '{ masters { noun what client mirrored } }');
    expect(body.data.masters.map(({ noun }: any) => noun)).toEqual(NOUNS.map(({ noun }) => noun).sort());
    expect(body.data.masters.every(({ client, mirrored }: any) => client === null && mirrored === false)).toBe(true);
  });
  it('names types that there are, each of one noun, and the schema says so', () => {
    const { schema } = productSchema();
    const types = NOUNS.flatMap(({ types }) => types);
    expect(new Set(types).size).toBe(types.length);
    for (const { noun, types } of NOUNS) {
      for (const type of types) expect(isObjectType(schema.getType(type)), type).toBe(true);
      expect(schema.getType(types[0])?.description, noun).toContain(`Noun \`${noun}\``);
    }
    expect(COMMANDS.has('registerFamily')).toBe(true);
  });
});

describe('a noun that is mastered elsewhere', () => {
  it.each(['family', 'person'])('%s: is refused in words, and nothing of it is written', async (noun) => {
    await master(noun, 'occ-record-system');
    try {
      const before = await owner.query('select (select count(*) from fsp.family) as f, (select count(*) from fsp.person) as p');
      const { family, userErrors } = await register(county);
      expect(family).toBeNull();
      expect(userErrors).toEqual([
        {
          code: 'RULE',
          rule: 'MASTERED_ELSEWHERE',
          path: [],
          message: expect.stringMatching(/^LiquidLogic is the master of this .+ Write it there/),
        },
      ]);
      const after = await owner.query('select (select count(*) from fsp.family) as f, (select count(*) from fsp.person) as p');
      expect(after.rows).toEqual(before.rows);
      // Its master writes it, as what it is and as nothing else.
      expect((await register(recordSystem)).userErrors).toEqual([]);
    } finally {
      await master(noun, null);
    }
    expect((await register(county)).userErrors).toEqual([]);
  });
  it('says of each row that it is a copy', async () => {
    const ask = async () =>
      (await server.ask(county, '{ family(id: "Family-1") { master { mirrored system } members { person { master { mirrored } } } } }'))
        .body.data.family;
    await master('family', 'occ-record-system');
    const { master: of, members } = await ask();
    expect([of, members[0].person.master]).toEqual([{ mirrored: true, system: 'LiquidLogic' }, { mirrored: false }]);
    await master('family', null);
    expect((await ask()).master).toEqual({ mirrored: false, system: null });
  });
});
