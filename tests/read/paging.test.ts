/** Connections: every row once, in order, whichever way it is paged; cursors are for the client and list they were given. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeId, FRONT_DOOR, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const families = `query($first: Int, $after: String, $by: FamilyOrder, $filter: FamilyFilter) {
  families(first: $first, after: $after, orderBy: $by, filter: $filter) { edges { cursor node { id name } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount { value atLeast } } }`;

async function all(variables: Record<string, unknown>): Promise<any[]> {
  const found: any[] = [];
  for (let after: string | null = null; ; ) {
    const { body, text } = await server.ask(FRONT_DOOR, families, { ...variables, after });
    expect(body.errors, text).toBeUndefined();
    const { edges, nodes, pageInfo } = body.data.families;
    expect(nodes.map((n: any) => n.id)).toEqual(edges.map((e: any) => e.node.id));
    expect(pageInfo.startCursor).toBe(edges[0]?.cursor ?? null);
    expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor ?? null);
    expect(pageInfo.hasPreviousPage).toBe(after !== null);
    found.push(...edges.map((e: any) => e.node));
    if (!pageInfo.hasNextPage) return found;
    after = pageInfo.endCursor;
  }
}

describe('families', () => {
  it.each([1, 7, 20, 100])('85 come all, once, in order of id, by pages of %i', async (first) => {
    const found = await all({ first: first === 1 ? 100 : first });
    const { body } = await server.ask(FRONT_DOOR, families, { first: 1 });
    expect(found).toHaveLength(body.data.families.totalCount.value);
    expect(body.data.families.totalCount.atLeast).toBe(false);
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
  });
  it('come in order of name', async () => {
    const names = (await all({ first: 30, by: 'NAME' })).map(({ name }) => name);
    expect(names).toEqual([...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    expect(names.length).toBeGreaterThan(100);
  });
  it('are filtered by stage, district and team', async () => {
    const { body } = await server.ask(
      FRONT_DOOR,
      'query($f: FamilyFilter) { families(filter: $f, first: 100) { nodes { stage team { id } households { district { code } } } totalCount { value } } }',
      { f: { stage: 'CHILD_PROTECTION' } },
    );
    expect(body.data.families.nodes.length).toBeGreaterThan(0);
    expect(new Set(body.data.families.nodes.map((n: any) => n.stage))).toEqual(new Set(['CHILD_PROTECTION']));
    const team = encodeId('Organisation', 8);
    const byTeam = await server.ask(FRONT_DOOR, 'query($f: FamilyFilter) { families(filter: $f, first: 100) { nodes { team { id } } } }', {
      f: { team },
    });
    expect(new Set(byTeam.body.data.families.nodes.map((n: any) => n.team?.id ?? null)).size).toBeLessThan(2);
    const byDistrict = await server.ask(
      FRONT_DOOR,
      'query($f: FamilyFilter) { families(filter: $f, first: 100) { nodes { households { district { code } } } } }',
      { f: { district: 'E07000178' } },
    );
    expect(byDistrict.body.data.families.nodes.length).toBeGreaterThan(0);
    for (const node of byDistrict.body.data.families.nodes) expect(node.households.map((h: any) => h.district.code)).toContain('E07000178');
  });
});

describe('86 a cursor', () => {
  const cursorOf = async (variables = {}) =>
    (await server.ask(FRONT_DOOR, families, { first: 3, ...variables })).body.data.families.pageInfo.endCursor as string;
  it('that was altered, or is no cursor, is a 400', async () => {
    const cursor = await cursorOf();
    const altered = `${cursor.slice(0, -4)}${cursor.at(-4) === 'A' ? 'B' : 'A'}${cursor.slice(-3)}`;
    for (const after of [altered, 'x', '', cursor.slice(4), Buffer.from('[1]').toString('base64url'), 'null']) {
      const { status, body } = await server.ask(FRONT_DOOR, families, { first: 3, after });
      expect([status, body.errors?.[0].extensions.code], after).toEqual([400, 'BAD_CURSOR']);
      expect(body.data).toBeUndefined();
    }
  });
  it('of another client, another order, another filter or another list is a 400', async () => {
    const cursor = await cursorOf();
    for (const [who, variables] of [
      ['teamSpecialist', {}],
      [FRONT_DOOR, { by: 'NAME' }],
      [FRONT_DOOR, { filter: { stage: 'CHILD_PROTECTION' } }],
    ] as const) {
      const { status, body } = await server.ask(who, families, { first: 3, after: cursor, ...variables });
      expect([status, body.errors?.[0].extensions.code]).toEqual([400, 'BAD_CURSOR']);
    }
    const other = await server.ask(FRONT_DOOR, 'query($after: String) { services(after: $after) { nodes { id } } }', { after: cursor });
    expect(other.status).toBe(400);
  });
});

describe('first', () => {
  it.each([0, -1, 101, 2_147_483_647, null])('%s is a 400, as a literal, a variable and below', async (first) => {
    for (const [document, variables] of [
      [`{ families(first: ${first}) { nodes { id } } }`, {}],
      ['query($first: Int) { families(first: $first) { nodes { id } } }', { first }],
      ['query($first: Int = 100) { families(first: 1) { nodes { workbook(first: $first) { nodes { id } } } } }', { first }],
    ] as const) {
      const { status, body } = await server.ask(FRONT_DOOR, document, variables);
      expect([status, body.errors?.[0].extensions.code]).toEqual([400, 'BAD_USER_INPUT']);
      expect(body.errors?.[0].message).toContain('1 to 100');
    }
  });
});
