/**
 * What is hidden and what never was are asked of the database in the same words, as often, and planned alike: how long an answer takes
 * says as little as the answer. (The times themselves are the bench's: `npm run bench -- --hidden`.)
 */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { type Caller, encodeId, ownDatabase, PERSONAS, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

type Asked = { login: string; sql: string; parameters: (string | null)[] };
const { asked } = vi.hoisted(() => ({ asked: [] as Asked[] }));
vi.mock('../../src/db/pools.ts', async (original) => {
  const actual = await original<typeof import('../../src/db/pools.ts')>();
  return {
    ...actual,
    createPools: (...options: Parameters<typeof actual.createPools>) => {
      const pools = actual.createPools(...options);
      return {
        ...pools,
        of(login: string) {
          const pool = pools.of(login);
          return {
            ...pool,
            query(sql: string, parameters: (string | null)[], ...rest: unknown[]) {
              asked.push({ login, sql, parameters });
              return (pool.query as (...all: unknown[]) => Promise<unknown>)(sql, parameters, ...rest);
            },
          };
        },
      };
    },
  };
});

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_timing');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  await owner.query('update fsp.family set restricted = true where id = 1');
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const NEVER = 99_999_999;
const DOCUMENTS: [string, string, string, number][] = [
  [
    'family',
    'query($id: ID!) { family(id: $id) { id name stage members { person { givenName familyName } } plans { kind } } }',
    'Family',
    1,
  ],
  ['node of a family', 'query($id: ID!) { node(id: $id) { id ... on Family { name stage } } }', 'Family', 1],
  [
    'node of a person',
    'query($id: ID!) { node(id: $id) { id ... on Person { givenName nhsNumber newNames { familyName } } } }',
    'Person',
    storyPerson(1, 'mother'),
  ],
  ['node of a plan', 'query($id: ID!) { node(id: $id) { id ... on Plan { kind status } } }', 'Plan', 0],
  ['node of a Workbook entry', 'query($id: ID!) { node(id: $id) { id ... on WorkbookEntry { narrative } } }', 'WorkbookEntry', 0],
];
const CALLERS: [string, Caller, string][] = [
  ['the county', PERSONAS.socialWorker, 'occ'],
  ['a team', PERSONAS.teamSpecialist, 'team-07'],
  ['health', PERSONAS.healthVisitor, 'oxford-health'],
  ['police', PERSONAS.police, 'thames-valley-police'],
  ['a council', PERSONAS.housingDesk, 'cherwell-housing'],
];

/** A statement without the word of its run, and with the key that was asked for by name. */
const plain = ({ login, sql, parameters }: Asked, key: number) => ({
  login,
  sql,
  parameters: parameters.map((value) => (value === String(key) ? 'the key' : /^\d+-\d+$/.test(value ?? '') ? 'the run' : value)),
});

describe.each(DOCUMENTS)('%s', (_name, document, type, key) => {
  it.each(CALLERS)('is asked alike for %s', async (_caller, who, organisation) => {
    const table = type === 'Plan' ? 'plan' : 'workbook_entry';
    const hidden = key || Number((await owner.query(`select id from fsp.${table} where family = 1 order by id limit 1`)).rows[0].id);
    const probe = async (of: number) => {
      asked.length = 0;
      const { text } = await server.ask(who, document, { id: encodeId(type, of) });
      return { text: text.replaceAll(encodeId(type, of), ''), asked: [...asked] };
    };
    await probe(NEVER - 1);
    const [one, other] = [await probe(hidden), await probe(NEVER)];
    expect(one.text).toBe(other.text);
    expect(one.asked.map((each) => plain(each, hidden))).toEqual(other.asked.map((each) => plain(each, NEVER)));
    expect(one.asked.length).toBe(1);
    // And PostgreSQL makes the same of both: one plan, for whatever key.
    const client = await sqlAs(organisation, false, ownerUrl);
    expect((await client.query('show plan_cache_mode')).rows[0]).toEqual({ plan_cache_mode: 'force_generic_plan' });
    await client.query(`prepare probe as ${(one.asked[0] as Asked).sql}`);
    const explained = async ({ parameters }: Asked) => {
      const given = parameters.map((value) => (value === null ? 'null' : client.escapeLiteral(value))).join(', ');
      return (await client.query(`explain (costs off) execute probe (${given})`)).rows;
    };
    expect(await explained(one.asked[0] as Asked)).toEqual(await explained(other.asked[0] as Asked));
    await client.end();
  });
});
