/** Schema, loaders and resolvers of the usual stack: one loader for each level, one statement for each loader. */
import DataLoader from 'dataloader';
import type postgres from 'postgres';
import { decodeId, encodeId } from '../../src/read/ids.ts';

export type Caller = { user: string; scopes: Set<string> };

export const typeDefs = `
type Query {
  family(id: ID!): Family
  families(first: Int = 20, after: String): FamilyConnection
}
type PageInfo { hasNextPage: Boolean! endCursor: String }
type FamilyConnection { nodes: [Family!] pageInfo: PageInfo! }
type Family {
  id: ID!
  reference: String
  name: String
  stage: String
  members: [FamilyMember!]
  plans: [Plan!]
  workbook(first: Int = 20): WorkbookEntryConnection
  interventions(first: Int = 20): InterventionConnection
}
type FamilyMember { person: Person from: String }
type Person { id: ID! givenName: String familyName: String dateOfBirth: String }
type Plan { id: ID! kind: String status: String started: String nextReviewDue: String person: Person }
type WorkbookEntryConnection { nodes: [WorkbookEntry!] }
type WorkbookEntry { id: ID! module: String occurred: String author: String narrative: String readings: [WorkbookReading!] }
type WorkbookReading { stageOfChange: String capacityForChange: Int person: Person }
type InterventionConnection { nodes: [Intervention!] }
type Intervention { id: ID! programme: Programme provider: Organisation status: String sessions: Int }
type Programme { code: String name: String }
type Organisation { name: String }
`;

type Row = Record<string, any>;

const array = (keys: readonly (string | number)[]) => `{${keys.join(',')}}`;

/** Loaders of one request. */
export function loadersFor(sql: postgres.Sql) {
  const run = (text: string, parameters: unknown[]) =>
    sql.unsafe(text, parameters as never[], { prepare: true }) as unknown as Promise<Row[]>;
  const one = (text: string) =>
    new DataLoader<string, Row | null>(async (keys) => {
      const found = new Map((await run(text, [array(keys)])).map((row) => [String(row.key), row]));
      return keys.map((key) => found.get(key) ?? null);
    });
  const many = (text: string) =>
    new DataLoader<string, Row[]>(async (keys) => {
      const found = new Map<string, Row[]>(keys.map((key) => [key, []]));
      for (const row of await run(text, [array(keys)])) found.get(String(row.key))?.push(row);
      return keys.map((key) => found.get(key) as Row[]);
    });
  return {
    // The number stands in the text: the logins' plans are generic, and would know nothing of a parameter's.
    families: (after: string, count: number) =>
      run(`select f.id from fsp.family f where f.id > $1::bigint order by f.id limit ${count}`, [after]),
    family: one(
      'select f.id as key, f.id, n.reference, n.name, s.stage from fsp.family f left join fsp.family_name n on n.family = f.id left join fsp.family_stage s on s.family = f.id where f.id = any ($1::bigint[])',
    ),
    members: many(
      'select * from (select m.family as key, m.person, m."from"::text, m.id from fsp.membership m where m.family = any ($1::bigint[]) union all select m.family, m.person, m."from"::text, m.id from fsp.unborn_membership m where m.family = any ($1::bigint[])) m order by person, id',
    ),
    person: one(
      'select person as key, person as id, given_name, family_name, date_of_birth::text from fsp.person_identity where person = any ($1::bigint[])',
    ),
    plans: many(
      'select family as key, id, kind, status, started::text, next_review_due::text, person from fsp.plan where family = any ($1::bigint[]) order by id',
    ),
    workbook: new DataLoader<{ family: string; first: number }, Row[], string>(
      async (keys) => {
        const rows = await run(
          `select w.*, w.family as key from unnest($1::bigint[]) f cross join lateral (
             select e.family, e.id, e.module, e.occurred_at, e.author, e.narrative from fsp.workbook_entry e where e.family = f
             order by e.occurred_at desc, e.id desc limit $2::int) w`,
          [array(keys.map(({ family }) => family)), String(keys[0]?.first)],
        );
        const found = new Map<string, Row[]>(keys.map(({ family }) => [family, []]));
        for (const row of rows) found.get(String(row.key))?.push(row);
        return keys.map(({ family }) => found.get(family) as Row[]);
      },
      { cacheKeyFn: ({ family, first }) => `${family} ${first}` },
    ),
    readings: many(
      'select entry as key, stage_of_change, capacity_for_change, person from fsp.workbook_reading where entry = any ($1::bigint[]) order by id',
    ),
    interventions: many('select family as key, id from fsp.intervention where family = any ($1::bigint[]) order by id'),
    link: one('select intervention as key, programme, provider from fsp.intervention_link where intervention = any ($1::bigint[])'),
    progress: one('select intervention as key, status, sessions from fsp.intervention_progress where intervention = any ($1::bigint[])'),
    programme: one('select id as key, code, name from fsp.programme where id = any ($1::int[])'),
    organisation: one('select id as key, name from fsp.organisation where id = any ($1::int[])'),
  };
}

type Context = { caller: Caller; loaders: ReturnType<typeof loadersFor> };
type Resolver = (parent: Row, args: Row, context: Context) => unknown;

const id =
  (type: string): Resolver =>
  ({ id: key }) =>
    encodeId(type, key);
const field =
  (name: string): Resolver =>
  (row) =>
    row[name];

export const resolvers: Record<string, Record<string, Resolver>> = {
  Query: {
    family: (_, args, { loaders }) => loaders.family.load(decodeId(args.id).key),
    families: async (_, args, { loaders }) => {
      const rows = await loaders.families(args.after ?? '0', args.first + 1);
      const shown = rows.slice(0, args.first);
      return {
        nodes: shown.map((row) => loaders.family.load(String(row.id))),
        pageInfo: { hasNextPage: rows.length > args.first, endCursor: String(shown.at(-1)?.id) },
      };
    },
  },
  Family: {
    id: id('Family'),
    members: (family, _, { loaders }) => loaders.members.load(family.id),
    plans: (family, _, { loaders }) => loaders.plans.load(family.id),
    workbook: async (family, { first }, { loaders }) => ({ nodes: await loaders.workbook.load({ family: family.id, first }) }),
    interventions: async (family, { first }, { loaders }) => ({ nodes: (await loaders.interventions.load(family.id)).slice(0, first) }),
  },
  FamilyMember: { person: async (row, _, { loaders }) => (await loaders.person.load(row.person)) ?? { id: row.person } },
  Person: { id: id('Person'), givenName: field('given_name'), familyName: field('family_name'), dateOfBirth: field('date_of_birth') },
  Plan: { id: id('Plan'), nextReviewDue: field('next_review_due'), person: (row) => ({ id: row.person }) },
  WorkbookEntry: {
    id: id('WorkbookEntry'),
    occurred: (row) => (row.occurred_at as Date).toISOString(),
    readings: (row, _, { loaders }) => loaders.readings.load(row.id),
  },
  WorkbookReading: {
    stageOfChange: field('stage_of_change'),
    capacityForChange: field('capacity_for_change'),
    person: (row) => ({ id: row.person }),
  },
  Intervention: {
    id: id('Intervention'),
    programme: async (row, _, { loaders }) => {
      const link = await loaders.link.load(row.id);
      return link && loaders.programme.load(String(link.programme));
    },
    provider: async (row, _, { loaders }) => {
      const link = await loaders.link.load(row.id);
      return link && loaders.organisation.load(String(link.provider));
    },
    status: async (row, _, { loaders }) => (await loaders.progress.load(row.id))?.status,
    sessions: async (row, _, { loaders }) => (await loaders.progress.load(row.id))?.sessions,
  },
};
