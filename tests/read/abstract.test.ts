/** Streams over several types: one order, each type under its own class, in one statement. */
import type { PgColumn } from 'drizzle-orm/pg-core';
import { buildSchema, type OperationDefinitionNode, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENCIES } from '../../src/access/classes.ts';
import { deriveRules } from '../../src/access/rules.ts';
import { viewFor } from '../../src/access/view.ts';
import { CLIENTS } from '../../src/db/personas.ts';
import { schemaFaults } from '../../src/graphql/check.ts';
import { readClasses } from '../../src/graphql/classes.ts';
import { readSdl } from '../../src/graphql/schema.ts';
import { BINDINGS, COMMANDS, ROOTS } from '../../src/modules/index.ts';
import { interventionProgress } from '../../src/modules/intervention/tables.ts';
import { plan } from '../../src/modules/plan/tables.ts';
import { type Binding, column, type Member, type RootBinding } from '../../src/read/binding.ts';
import { createPlanner } from '../../src/read/plan.ts';
import { productSchema } from '../../src/server.ts';
import { type Caller, encodeId, FRONT_DOOR, PERSONAS, sqlAs, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const { schema, classes } = productSchema();
const family = encodeId('Family', 1);
const EVENTS = `__typename ... on Plan { id at: started person { id } } ... on WorkbookEntry { id moment: occurred keptFrom { id } }
  ... on Intervention { id day: requested } ... on ServiceOffer { id on: offered }`;
const CHRONOLOGY = `query ($id: ID!, $types: [ChronologyType!], $from: Date, $to: Date, $first: Int, $after: String) {
  family(id: $id) { chronology(types: $types, from: $from, to: $to, first: $first, after: $after) {
    nodes { ${EVENTS} } edges { cursor node { ... on Node { id } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount { value atLeast } } } }`;

let server: TestServer;
let owner: Awaited<ReturnType<typeof sqlAsOwner>>;
beforeAll(async () => {
  server = await testServer();
  owner = await sqlAsOwner();
});
afterAll(async () => {
  await owner.end();
  await server.close();
});

type Persona = keyof typeof PERSONAS;
type Event = { __typename: string; id: string; at?: string; moment?: string; day?: string; on?: string };

/** The events that these tests compare with their lists; a family has others beside them. */
const FOUR = ['Plan', 'WorkbookEntry', 'Intervention', 'ServiceOffer'];
const isOfFour = ({ __typename }: Event) => FOUR.includes(__typename);

const chronology = async (who: Persona | Caller, variables: Record<string, unknown> = {}) => {
  // An agency's schema names the types that are ever for it, and no others.
  const types = who === 'socialWorker' ? { types: ['PLAN', 'WORKBOOK_ENTRY', 'INTERVENTION', 'SERVICE_OFFER'] } : {};
  const { body, text } = await server.ask(who, CHRONOLOGY, { id: family, first: 100, ...types, ...variables });
  return { page: body.data?.family?.chronology, errors: body.errors ?? [], text };
};
const momentOf = ({ at, moment, day, on }: Event) => moment ?? `${at ?? day ?? on}T00:00:00.000Z`;
const keyOf = (event: Event) => [momentOf(event), event.__typename, event.id.split('-')[1]?.padStart(20, '0')].join(' ');

describe('a family’s chronology', () => {
  it('comes latest first, then by the type’s name and the id', async () => {
    const { page, errors } = await chronology('socialWorker');
    expect(errors).toEqual([]);
    const keys = page.nodes.map(keyOf);
    expect(keys).toEqual([...keys].sort().reverse());
    expect(new Set(page.nodes.map((event: Event) => event.__typename))).toEqual(
      new Set(['Plan', 'WorkbookEntry', 'Intervention', 'ServiceOffer']),
    );
    expect(page.nodes).toHaveLength(page.totalCount.value);
    const { rows } = await owner.query(
      `select (select count(*) from fsp.plan where family = 1) + (select count(*) from fsp.workbook_entry where family = 1)
         + (select count(*) from fsp.intervention where family = 1) + (select count(*) from fsp.service_offer where family = 1) as n`,
    );
    expect(page.totalCount).toEqual({ value: Number(rows[0].n), atLeast: false });
  });

  it.each([1, 2, 7])('is the same by pages of %i, whichever types meet at a cursor', async (first) => {
    const whole = (await chronology('socialWorker')).page.nodes.map(({ id }: Event) => id);
    const found: string[] = [];
    for (let after: string | null = null; ; ) {
      const { page, text } = await chronology('socialWorker', { first, after });
      expect(page, text).toBeTruthy();
      expect(page.edges.map((edge: any) => edge.node.id)).toEqual(page.nodes.map(({ id }: Event) => id));
      expect(page.pageInfo).toMatchObject({ hasPreviousPage: after !== null, endCursor: page.edges.at(-1).cursor });
      expect(page.totalCount.value).toBe(whole.length);
      found.push(...page.nodes.map(({ id }: Event) => id));
      if (!page.pageInfo.hasNextPage) break;
      after = page.pageInfo.endCursor;
    }
    expect(found).toEqual(whole);
  });

  it('takes no cursor of another choice', async () => {
    const { page } = await chronology('socialWorker', { first: 2 });
    const { text } = await chronology('socialWorker', { first: 2, after: page.pageInfo.endCursor, types: ['PLAN'] });
    expect(text).toContain('BAD_CURSOR');
  });

  it('is chosen by types and by days, both included', async () => {
    const { page } = await chronology('socialWorker');
    const plans = await chronology('socialWorker', { types: ['PLAN', 'INTERVENTION'] });
    expect(plans.page.nodes).toEqual(
      page.nodes.filter((event: Event) => event.__typename === 'Plan' || event.__typename === 'Intervention'),
    );
    expect((await chronology('socialWorker', { types: [] })).page.totalCount.value).toBe(0);
    const days = page.nodes.map((event: Event) => momentOf(event).slice(0, 10));
    const [from, to] = [days[Math.floor(days.length * 0.7)], days[Math.floor(days.length * 0.3)]];
    const between = await chronology('socialWorker', { from, to });
    expect(between.page.nodes).toEqual(page.nodes.filter((_: Event, i: number) => days[i] >= from && days[i] <= to));
    expect(between.page.nodes.length).toBeGreaterThan(2);
  });

  it.each(Object.keys(PERSONAS) as Persona[])('shows %s the events whose lists they see, and no other', async (who) => {
    const { page, errors } = await chronology(who);
    const { body } = await server.ask(
      who,
      `query ($id: ID!) { family(id: $id) { plans { id } workbook(first: 100) { nodes { id } } interventions(first: 100) { nodes { id status } } offers(first: 100) { nodes { id } } } }`,
      { id: family },
    );
    const lists = body.data?.family;
    if (!lists) {
      expect(page ?? null).toBeNull();
      return;
    }
    const shown = [...(lists.plans ?? []), ...(lists.workbook?.nodes ?? []), ...(lists.offers?.nodes ?? [])];
    const seen = [...shown, ...(lists.interventions?.nodes ?? []).filter(({ status }: any) => status !== null)].map(({ id }) => id);
    const found = page.nodes.filter(isOfFour);
    expect(found.map(({ id }: Event) => id).sort()).toEqual(seen.sort());
    expect(page.totalCount.value).toBe(page.nodes.length);
    // A field of a type that is closed is refused once, by its own name.
    const refused = errors.map(({ extensions }: any) => `${extensions.at} ${extensions.field}`);
    expect(new Set(refused).size).toBe(refused.length);
    for (const { extensions } of errors) expect(extensions).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('keeps from those who work only with the partner what is kept from him', async () => {
    const id = encodeId('Family', 3);
    const of = async (user: string) => {
      const { page } = await chronology({ client: 'team-07-workbook', user, purpose: 'CHILD_IN_NEED' }, { id, types: ['WORKBOOK_ENTRY'] });
      return page;
    };
    const { rows } = await owner.query(`select id from fsp.workbook_entry where family = 3 and kept_from <> '{}'`);
    const kept = rows.map((row) => encodeId('WorkbookEntry', row.id));
    const [all, his] = [await of('niamh.carroll'), await of('ruth.ellery')];
    expect(kept.length).toBeGreaterThan(3);
    expect(all.totalCount.value - his.totalCount.value).toBe(kept.length);
    expect(his.nodes.filter(({ id }: Event) => kept.includes(id))).toEqual([]);
  });

  it('puts the family and every person of it on record, also where only cursors are asked for', async () => {
    const asked = async (name: string, selection: string) => {
      await server.ask(
        'socialWorker',
        `query ${name} { family(id: "${family}") { chronology(types: [PLAN], first: 100) { ${selection} } } }`,
      );
      const { rows } = await owner.query('select records from fsp.disclosure where records like $1', [`%"${name}"%`]);
      return rows.flatMap(({ records }) => JSON.parse(records)).find(({ operation }) => operation === name);
    };
    const persons = new Set((await owner.query('select person from fsp.plan where family = 1')).rows.map(({ person }) => String(person)));
    const whole = await asked('ChronologyOfPlans', 'nodes { ... on Plan { kind } }');
    const cursors = await asked('ChronologyOfCursors', 'edges { cursor }');
    for (const { families, persons: named } of [whole, cursors]) {
      expect(families.map(String)).toEqual(['1']);
      expect(new Set(named.map(String))).toEqual(persons);
    }
    expect(whole.classes).toEqual(['CASE']);
    expect(whole.fields).toEqual(['Plan.kind', 'Plan.started']);
    expect(cursors.fields).toEqual(['Plan.started']);
  });

  it('costs the first so many of its heaviest type', async () => {
    const cost = async (selection: string) => {
      const { body } = await server.ask('socialWorker', `{ family(id: "${family}") { chronology(first: 50) { nodes { ${selection} } } } }`);
      return (body as any).extensions.cost.requested;
    };
    const heavy = '... on WorkbookEntry { readings { person { id } } }';
    const both = await cost(`... on Plan { kind } ${heavy}`);
    expect(both).toBe(await cost(heavy));
    expect(both).toBeGreaterThan(await cost('... on Plan { kind }'));
  });
});

/** A worklist of several tables at the root: an interface whose field is another column in each type. */
describe('an interface at the root', () => {
  const sdl = `${readSdl()}
    interface Deadline { id: ID! @classified(as: STRUCTURE) dueOn: Date @classified(as: STRUCTURE) }
    extend type Plan implements Deadline { dueOn: Date @classified(as: CASE) }
    extend type Intervention implements Deadline { dueOn: Date @classified(as: PROGRESS) }
    input DeadlineFilter @classified(as: STRUCTURE) { family: ID, kind: String @classified(as: CASE) }
    type DeadlineConnection @classified(as: STRUCTURE) { edges: [DeadlineEdge!] nodes: [Deadline!] pageInfo: PageInfo! totalCount: TotalCount! }
    type DeadlineEdge @classified(as: STRUCTURE) { cursor: String! node: Deadline }
    extend type Query { deadlines(filter: DeadlineFilter, from: Date, to: Date, first: Int = 20, after: String): DeadlineConnection }`;
  const due = buildSchema(sdl);
  const assembled = { schema: due, classes: readClasses(due) };
  const ofFamily = { decode: 'id', type: 'Family', where: (row: string, p: string) => `${row}.family = ${p}::bigint` } as const;
  const withDue = (type: string, c: PgColumn): [string, Binding] => {
    const binding = BINDINGS.get(type) as Binding;
    return [type, { ...binding, fields: { ...binding.fields, dueOn: column(c) } }];
  };
  const bindings = new Map([...BINDINGS, withDue('Plan', plan.nextReviewDue), withDue('Intervention', interventionProgress.started)]);
  const members: Member[] = [
    {
      type: 'Plan',
      at: plan.nextReviewDue,
      filters: { 'filter.family': ofFamily, 'filter.kind': { decode: 'text', where: (row, p) => `${row}.kind = ${p}` } },
    },
    { type: 'Intervention', at: interventionProgress.started, filters: { 'filter.family': ofFamily } },
  ];
  const roots = new Map<string, RootBinding>([...ROOTS, ['deadlines', { kind: 'union', to: 'Deadline', members }]]);
  const planner = createPlanner(assembled, bindings, roots, deriveRules(due, assembled.classes));

  async function ask(persona: Persona | 'frontDoor', text: string) {
    const { client: id, user, purpose, agency } = persona === 'frontDoor' ? { ...PERSONAS.socialWorker, ...FRONT_DOOR } : PERSONAS[persona];
    const { organisation: code, scopes, purposes } = CLIENTS.find((each) => each.id === id) as (typeof CLIENTS)[number];
    const { rows } = await owner.query(
      'select l.id as login, o.id, o.code, o.name from fsp.login l join fsp.organisation o on o.id = l.organisation where o.code = $1 and not l.sealed',
      [code],
    );
    const client = {
      id,
      organisation: rows[0],
      agency,
      login: { id: rows[0].login },
      scopes: new Set(scopes),
      purposes,
      purpose,
      user,
      planKey: id,
    };
    const document = parse(text);
    const made = await planner.plan(document, document.definitions[0] as OperationDefinitionNode, client as never, {});
    const sql = await sqlAs(code);
    const run = { variables: {}, client: client as never, cursorSecret: Buffer.from('secret'), written: null, asked: 'x' };
    const found = made.sql
      ? await sql.query(
          made.sql,
          made.parameters.map((each) => each(run)),
        )
      : { rows: [] };
    await sql.end();
    return { made, page: found.rows[0]?.j ?? null, seen: found.rows[0]?.d as string | null };
  }

  it('fits its schema', () => expect(schemaFaults(assembled, bindings, roots, COMMANDS)).toEqual([]));

  it('is one statement over all members, first due first, with the families and persons in it', async () => {
    const { made, page, seen } = await ask(
      'frontDoor',
      '{ deadlines(first: 100, from: "2026-09-01") { nodes { __typename id dueOn } totalCount { value } } }',
    );
    expect(made.refused).toEqual([]);
    expect(made.sql).not.toContain(';');
    const keys = page.nodes.map(({ __typename, id, dueOn }: any) => `${dueOn} ${__typename} ${id.split('-')[1].padStart(20, '0')}`);
    expect(keys).toEqual([...keys].sort());
    expect(new Set(page.nodes.map(({ __typename }: any) => __typename))).toEqual(new Set(['Plan', 'Intervention']));
    const { rows } = await owner.query(
      'select count(*) from (select next_review_due from fsp.plan where next_review_due >= $1 union all select started from fsp.intervention_progress where started >= $1) t',
      ['2026-09-01'],
    );
    expect(page.totalCount.value).toBe(Number(rows[0].count));
    const plans = await owner.query('select family, person from fsp.plan where id = any ($1)', [
      page.nodes.filter(({ __typename }: any) => __typename === 'Plan').map(({ id }: any) => id.slice(5)),
    ]);
    for (const { family, person } of plans.rows) {
      expect(`,${seen}`).toContain(`,f${family},`);
      expect(`,${seen}`).toContain(`,p${person},`);
    }
  });

  it('takes in only the members that know a filter', async () => {
    const { page } = await ask('socialWorker', `{ deadlines(filter: { family: "${family}" }, first: 100) { nodes { __typename } } }`);
    expect(new Set(page.nodes.map(({ __typename }: any) => __typename))).toEqual(new Set(['Plan', 'Intervention']));
    const { page: plans } = await ask(
      'socialWorker',
      '{ deadlines(filter: { kind: "CHILD_PROTECTION" }, first: 100) { nodes { __typename } } }',
    );
    expect(new Set(plans.nodes.map(({ __typename }: any) => __typename))).toEqual(new Set(['Plan']));
  });

  it('asks the rule of each type for a field of the interface', async () => {
    const { made } = await ask('housingDesk', '{ deadlines { nodes { dueOn } } }');
    expect(made.refused.map(({ field, at }) => `${at} ${field}`)).toContain('deadlines.nodes.dueOn Plan.dueOn');
  });
});

describe('an agency’s schema', () => {
  it.each(AGENCIES)('of %s names the events that are ever for it', (agency) => {
    const view = viewFor(schema, classes, agency);
    const union = view.getType('ChronologyEvent') as any;
    const kinds = view.getType('ChronologyType') as any;
    if (agency === 'EVALUATOR') {
      expect([union, kinds]).toEqual([undefined, undefined]);
      return;
    }
    const members = union.getTypes().map(({ name }: any) => name);
    expect(members.length).toBeGreaterThan(0);
    expect(members.filter((name: string) => !view.getType(name))).toEqual([]);
    const named = kinds.getValues().map(({ name }: any) => name.replaceAll('_', ''));
    expect(named.sort()).toEqual(members.map((name: string) => name.toUpperCase()).sort());
  });
});
