/**
 * Replays a family's story as commands through the API, and says after each what became of the family: its stage, its
 * clocks, its chronology, and what every agency sees of what was written.
 */
import { getTableConfig } from 'drizzle-orm/pg-core';
import { type GraphQLObjectType, getNamedType, isLeafType, isObjectType } from 'graphql';
import type pg from 'pg';
import type { Agency } from '../../src/access/classes.ts';
import { viewFor } from '../../src/access/view.ts';
import { organisationId, PERSONAS, type Persona } from '../../src/db/personas.ts';
import { BINDINGS } from '../../src/modules/index.ts';
import { productSchema } from '../../src/server.ts';
import { type Caller, encodeId, type TestServer } from '../support/server.ts';

/** Ids of what a step names. */
export type Names = {
  family: string;
  /** By the short name in the story. */
  person: (who: string) => string;
  /** What an earlier step wrote under this name. */
  made: (name: string) => string;
  organisation: (code: string) => string;
  programme: (code: string) => string;
};

/** What is so after a step. Of clocks and events: those that the step started, changed or added. */
export type After = {
  stage?: string | null;
  /** Rule, state and last day. */
  clocks?: string[];
  /** Type and day. */
  events?: string[];
  /** What each agency is shown of what the step wrote: `all`, or but for classes; an agency that is not named: nothing of it. */
  sees?: Record<string, string>;
  /** What who sent the first referral reads of it. */
  referrer?: string;
};

export type Step = {
  /** The day in the story. */
  on: string;
  as: Caller;
  /** Field of `Mutation`. */
  do: string;
  input: (names: Names) => Record<string, unknown>;
  /** The field that names what is changed, and its id: the version that stands is expected. */
  amends?: (names: Names) => [field: string, id: string];
  /** The name of what it writes. */
  name?: string;
  /** Before it: work with the family opens or ends, for which there is no command yet. */
  before?: Involve[];
  after?: After;
};

export type Involve = {
  organisation: string;
  role: string;
  worker: string;
  person?: string;
  agreed?: boolean;
  from: string;
  until?: string;
};

export type Story = { title: string; people: string[]; steps: Step[] };

/** Who looks at each step. */
export const AGENCIES: Record<string, Persona> = {
  county: PERSONAS.socialWorker,
  team: PERSONAS.teamSpecialist,
  health: PERSONAS.healthVisitor,
  school: PERSONAS.school,
  police: PERSONAS.police,
  housing: PERSONAS.housingDesk,
  provider: PERSONAS.provider,
};

const { schema, classes } = productSchema();
/** The schema of each of them; to make one takes a while. */
const VIEWS = new Map(Object.values(AGENCIES).map(({ agency }) => [agency, viewFor(schema, classes, agency)]));

/** The payload's field that holds what was written, and its type. */
function payloadOf(field: string): { entity: string; type: string } {
  const payload = getNamedType(schema.getMutationType()?.getFields()[field]?.type as never) as unknown as GraphQLObjectType;
  const found = Object.values(payload.getFields()).find(({ name }) => name !== 'userErrors' && name !== 'warnings');
  return { entity: found?.name as string, type: String(getNamedType(found?.type as never)) };
}

/** The fields of a type that an agency's schema has and that are values; null: it has no such type. */
function selectionFor(type: string, agency: Agency): string | null {
  const found = VIEWS.get(agency)?.getType(type);
  if (!found || !isObjectType(found)) return null;
  return Object.values(found.getFields())
    .filter(({ args, name }) => args.length === 0 && name !== 'withheld')
    .map(({ name, type: of }) => {
      const value = getNamedType(of);
      if (isLeafType(value)) return name;
      // A part of the row itself, without an id of its own: what an assessment found.
      return isObjectType(of) && !('id' in of.getFields()) && !/Connection$/.test(of.name) ? `${name} { __typename }` : '';
    })
    .join(' ');
}

/** Plays one story. `step` is told of each step's observed end. */
export function player(server: TestServer, owner: pg.Client, story: Story) {
  const made = new Map<string, string>();
  const programmes = new Map<string, number>();
  let family = '';
  let before: { clocks: Map<string, string>; events: Set<string>; told?: string | undefined } = { clocks: new Map(), events: new Set() };
  const named = (name: string): string => {
    const id = made.get(name);
    if (!id) throw new Error(`${story.title}: nothing was written as ${name} yet.`);
    return id;
  };
  const names = (): Names => ({
    family,
    person: named,
    made: named,
    organisation: (code) => encodeId('Organisation', organisationId(code)),
    programme: (code) => encodeId('Programme', programmes.get(code) as number),
  });

  /** As the owner: there is no command for who works with a family yet, but that an intervention which is asked for opens it. */
  async function involve({ organisation, role, worker, person, agreed, from, until }: Involve): Promise<void> {
    const [, key] = family.split('-');
    if (until)
      await owner.query('update fsp.involvement set until = $1 where family = $2 and organisation = $3 and worker = $4 and until is null', [
        until,
        key,
        organisationId(organisation),
        worker,
      ]);
    else
      await owner.query(
        `insert into fsp.involvement (family, person, controller, worker, row_mask, organisation, role, practitioner, lead, agreed, "from")
         values ($1, $2, $3, $4, 0, $5, $6, (select name from fsp.app_user where subject = $4 and organisation = $5), $7, $8, $9)`,
        [
          key,
          person ? named(person).split('-')[1] : null,
          organisationId('occ'),
          worker,
          organisationId(organisation),
          role,
          role === 'lead-practitioner',
          agreed ?? false,
          from,
        ],
      );
  }

  async function versionOf(id: string): Promise<number> {
    const [type, key] = id.split('-') as [string, string];
    const { rows } = await owner.query(
      type === 'Intervention'
        ? 'select version from fsp.intervention_progress where intervention = $1'
        : `select version from fsp.${getTableConfig(BINDINGS.get(type)?.anchor as never).name} where id = $1`,
      [key],
    );
    return rows[0].version;
  }

  /** Stage, clocks and chronology as the county reads them. */
  async function standing() {
    const { body } = await server.ask(
      'socialWorker',
      `query($id: ID!) { family(id: $id) { stage clocks(first: 100) { nodes { id rule { code } state dueOn } }
         chronology(first: 100) { nodes { __typename ... on Node { id } } } } }`,
      { id: family },
    );
    const found = body.data?.family;
    if (!found) throw new Error(`${story.title}: ${JSON.stringify(body.errors)}`);
    // A review of a safety condition is due from the day on which it is put on record: today.
    const clocks = new Map<string, string>(
      found.clocks.nodes.map(({ id, rule, state, dueOn }: any) => [
        id,
        `${rule.code} ${state}${rule.code === 'SAFETY_REVIEW' ? '' : ` ${dueOn}`}`,
      ]),
    );
    return { stage: found.stage as string | null, clocks, events: new Set<string>(found.chronology.nodes.map(({ id }: any) => id)) };
  }

  async function dayOf(id: string): Promise<string> {
    const [type, key] = id.split('-') as [string, string];
    const at = BINDINGS.get(type)?.event?.at as any;
    const table = getTableConfig(at.table);
    const by = table.columns.find(({ primary }) => primary)?.name;
    const { rows } = await owner.query(`select ("${at.name}"::date)::text as day from fsp.${table.name} where "${by}" = $1`, [key]);
    return `${type} ${rows[0].day}`;
  }

  async function seenBy(persona: Persona, id: string): Promise<string | null> {
    const type = id.split('-')[0] as string;
    const selection = selectionFor(type, persona.agency);
    if (!selection) return null;
    const { body } = await server.ask(
      persona,
      `query($id: ID!) { node(id: $id) { __typename ... on ${type} { ${selection} withheld { field class } } } }`,
      { id },
    );
    if (!body.data?.node) return null;
    const asked = selection.split(/[^A-Za-z0-9]+/);
    const closed = new Map<string, string>(
      body.data.node.withheld.filter(({ field }: any) => asked.includes(field)).map((each: any) => [each.class, 'withheld']),
    );
    for (const { message, extensions } of body.errors ?? []) {
      if (extensions?.code !== 'FORBIDDEN') throw new Error(`${id}: ${message}`);
      closed.set(extensions.class, 'forbidden');
    }
    const but = (kind: string) => [...closed].filter(([, how]) => how === kind).map(([dataClass]) => dataClass);
    const parts = ['withheld', 'forbidden'].flatMap((kind) => (but(kind).length > 0 ? [`${but(kind).sort().join(', ')} ${kind}`] : []));
    return parts.length > 0 ? `but ${parts.join('; ')}` : 'all';
  }

  /** What who sent the referral is told, and that is all of the family. */
  async function toldBack(): Promise<string | undefined> {
    const referral = made.get('referral');
    if (!referral) return undefined;
    const { body } = await server.ask(
      (story.steps[0] as Step).as,
      'query($id: ID!) { node(id: $id) { ... on Referral { status outcome { code } feedback { kind } } } }',
      { id: referral },
    );
    const { status, outcome, feedback } = body.data?.node ?? {};
    return [status, outcome?.code, ...(feedback ?? []).map(({ kind }: any) => kind)].filter(Boolean).join(' ');
  }

  return async function play(step: Step, index: number): Promise<{ userErrors: unknown[]; warnings: string[]; after: After }> {
    if (programmes.size === 0)
      for (const { code, id } of (await owner.query('select code, id from fsp.programme')).rows) programmes.set(code, id);
    for (const each of step.before ?? []) await involve(each);
    const { entity, type } = payloadOf(step.do);
    const input: Record<string, unknown> = { ...step.input(names()), idempotencyKey: `${story.title} ${index}` };
    if (step.amends) {
      const [field, id] = step.amends(names());
      input[field] = id;
      input.expectedVersion = await versionOf(id);
    }
    const inputType = schema.getMutationType()?.getFields()[step.do]?.args[0]?.type;
    const document = `mutation($input: ${inputType}) { ${step.do}(input: $input) { ${entity} { ${selectionOfId(type)} } userErrors { code message path rule } warnings { rule } } }`;
    const { body, text } = await server.ask(step.as, document, { input });
    const payload = body.data?.[step.do];
    if (!payload) throw new Error(`${story.title}, ${step.on} ${step.do}: ${text}`);
    if (payload.userErrors.length > 0) return { userErrors: payload.userErrors, warnings: [], after: {} };
    const id = payload[entity]?.id as string | undefined;
    if (step.name && id) made.set(step.name, id);
    if (step.do === 'registerFamily') {
      family = id as string;
      const { rows } = await owner.query('select person from fsp.membership where family = $1 order by id', [family.split('-')[1]]);
      for (const [at, who] of story.people.entries()) made.set(who, encodeId('Person', rows[at].person));
    }
    // The episode that a decision opens, and the plan that a conference begins, are written beside it.
    if (step.do === 'decideContact') {
      const { rows } = await owner.query('select max(id) as id from fsp.episode where family = $1', [family.split('-')[1]]);
      made.set('episode', encodeId('Episode', rows[0].id));
    }
    if (step.do === 'recordConference' && step.name === 'conference') {
      const { rows } = await owner.query('select max(id) as id from fsp.plan where family = $1', [family.split('-')[1]]);
      made.set('protection', encodeId('Plan', rows[0].id));
    }
    const sees: Record<string, string> = {};
    for (const [agency, persona] of Object.entries(AGENCIES)) {
      const shown = id ? await seenBy(persona, id) : null;
      if (shown) sees[agency] = shown;
    }
    const after: After = { sees };
    const told = await toldBack();
    if (told !== before.told) after.referrer = told as string;
    before.told = told;
    if (family) {
      const now = await standing();
      after.stage = now.stage;
      after.clocks = [...now.clocks]
        .filter(([key, said]) => before.clocks.get(key) !== said)
        .map(([, said]) => said)
        .sort();
      after.events = await Promise.all([...now.events].filter((each) => !before.events.has(each)).map(dayOf));
      after.events.sort();
      before = { ...now, told };
    }
    return { userErrors: [], warnings: payload.warnings.map(({ rule }: any) => rule), after };
  };
}

function selectionOfId(type: string): string {
  const found = schema.getType(type);
  return isObjectType(found) && 'id' in found.getFields() ? 'id' : '__typename';
}
