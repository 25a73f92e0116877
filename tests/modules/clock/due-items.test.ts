/** What is due, of every kind, as one list: for a team, by state, and for each agency what it may see of it. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { maskOf } from '../../../src/access/classes.ts';
import { addDays, today } from '../../../src/modules/clock/calendar.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
  ownDatabase,
  type PersonaName,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
const organisations = new Map<string, number>();
const day = (n: number) => addDays(today(new Date()), n);

beforeAll(async () => {
  const url = await ownDatabase('fsp_due_items');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
  for (const { id, code } of (await owner.query('select id, code from fsp.organisation')).rows) organisations.set(code, id);
  // The demonstration's own would stand among them.
  await owner.query('delete from fsp.clock');
  await owner.query('delete from fsp.task');
  const county = organisations.get('occ') as number;
  const clock = (family: number, rule: string, due: number, met: number | null) =>
    owner.query(
      `insert into fsp.clock (family, controller, assigned, rule, rule_version, subject_type, subject_id, started_on, due_on, due_soon_on, met_on)
       select $1, $2, $2, t.code, t.version, 'Plan', $3, $4, $5, $6, $7 from fsp.timescale t where t.code = $8 order by t.authority = 'england', t.version desc limit 1`,
      [family, county, Math.abs(due) + family * 1000, day(-60), day(due), day(due - 5), met === null ? null : day(met), rule],
    );
  await clock(1, 'CFA_COMPLETE', -3, null);
  await clock(1, 'CORE_NEXT', 2, null);
  await clock(1, 'LAC_REVIEW1', -20, -21);
  await clock(2, 'CFA_COMPLETE', -9, null);
  const task = (title: string, due: number, mask: bigint) =>
    owner.query(
      `insert into fsp.task (family, controller, assigned, worker, row_mask, kind, title, due_on, subject_type, subject_id)
       values (1, $1, $2, 'jonah.pryce', $3, 'follow-up', $4, $5, 'ToolReading', 1)`,
      [mask === 0n ? county : organisations.get('team-07'), organisations.get('team-07'), String(mask), title, day(due)],
    );
  await task('Ask how she is today.', -1, maskOf(['CLINICAL']));
  await task('Ring the school.', 1, 0n);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const DUE = `query Due($filter: DueFilter, $types: [DueItemType!], $first: Int = 20, $after: String) {
  dueItems(filter: $filter, types: $types, first: $first, after: $after) {
    totalCount { value } pageInfo { hasNextPage endCursor }
    nodes { __typename id dueOn state family { id } ... on Clock { rule { code } } ... on Task { title } }
  }
}`;
const due = async (who: PersonaName | Caller, variables: Record<string, unknown> = {}) => {
  const { body } = await server.ask(who, DUE, variables);
  return { ...body.data.dueItems, errors: body.errors };
};
const told = (nodes: { rule?: { code: string }; title?: string }[]) => nodes.map(({ rule, title }) => rule?.code ?? title);

describe('what is due', () => {
  it('is one list of clocks and tasks, the longest due first', async () => {
    const { nodes, totalCount, errors } = await due(FRONT_DOOR);
    expect(errors).toBeUndefined();
    expect(told(nodes)).toEqual(['LAC_REVIEW1', 'CFA_COMPLETE', 'CFA_COMPLETE', 'Ring the school.', 'CORE_NEXT']);
    expect(totalCount.value).toBe(5);
    expect(nodes.map(({ state }: { state: string }) => state)).toEqual(['MET', 'LATE', 'LATE', 'DUE_SOON', 'DUE_SOON']);
  });
  it('can be asked by team and by how it stands', async () => {
    const filter = { team: encodeId('Organisation', organisations.get('team-07') as number), state: 'LATE' };
    expect(told((await due(FRONT_DOOR, { filter })).nodes)).toEqual(['CFA_COMPLETE']);
    expect(told((await due(FRONT_DOOR, { filter: { state: 'LATE' } })).nodes)).toEqual(['CFA_COMPLETE', 'CFA_COMPLETE']);
    expect(told((await due(FRONT_DOOR, { types: ['TASK'] })).nodes)).toEqual(['Ring the school.']);
  });
  it('is paged over both kinds without a gap', async () => {
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const { nodes, pageInfo } = await due(FRONT_DOOR, { first: 2, after });
      seen.push(...nodes.map(({ id }: { id: string }) => id));
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    expect(seen).toHaveLength(5);
    expect(new Set(seen).size).toBe(5);
  });
  it('shows each agency its own classes only', async () => {
    // The specialist's own task, of a class that the county has by decision alone.
    expect(told((await due('teamSpecialist')).nodes)).toContain('Ask how she is today.');
    const police = await due('police');
    expect(police.nodes.every(({ __typename }: { __typename: string }) => __typename === 'Clock')).toBe(true);
    expect(told((await due('housingDesk')).nodes ?? [])).toEqual([]);
    const evaluator = await server.ask('evaluator', '{ dueItems { nodes { id } } }');
    expect(evaluator.body.data.dueItems).toBeNull();
    expect(evaluator.body.errors?.[0].extensions.code).toBe('FORBIDDEN');
  });
});
