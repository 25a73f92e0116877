/**
 * Families made for asking who sees what of them: every class of data has rows that are none of the asking organisations' own and
 * rows that are one's own, and what decides on sharing is written to the database and to the model's state alike.
 */
import type pg from 'pg';
import { BUNDLES, type Purpose, type Stage } from '../../src/access/agreement.ts';
import { type Agency, maskOf, type PersonalClass } from '../../src/access/classes.ts';
import { callersOf } from '../../src/db/callers.ts';
import { loadCallers } from '../../src/db/demonstration/load.ts';
import { CLIENTS, organisationId, organisations, USERS } from '../../src/db/personas.ts';
import { encodeId } from '../../src/read/ids.ts';
import { type Caller as Asking, preparedDatabase, sqlAsOwner, type TestServer } from './server.ts';
import { type Caller, changeStage, type Fact, type Organisation, type State } from './sharing-model.ts';

/** Who is asked about: each organisation has its three logins. */
export const ASKED: Organisation[] = [
  'occ',
  'team-07',
  'oxford-health',
  'oxford-university-hospitals',
  'school-tansy-bridge',
  'thames-valley-police',
  'cherwell-housing',
  'cherwell-leisure',
  'turning-point',
  'oxford-university',
].map((code) => ({ id: organisationId(code), code, agency: organisations.find((o) => o.code === code)?.agency as Agency }));

export const organisation = (code: string): Organisation => {
  const found = ASKED.find((each) => each.code === code);
  if (!found) throw new Error(`${code} is not asked about.`);
  return found;
};

/** Whose the rows are that are nobody's own. */
const ELSEWHERE = organisationId('connections-support');

export const FAMILIES = [1, 2, 3];
/** Two of them belong to two families: households that split. */
export const PERSONS = [11, 12, 13, 14, 15];
export const MEMBERS = [
  { family: 1, person: 11 },
  { family: 1, person: 12 },
  { family: 2, person: 12 },
  { family: 2, person: 13 },
  { family: 2, person: 14 },
  { family: 3, person: 14 },
  { family: 3, person: 15 },
];
/** Memberships that are not there at first; facts in their family are about them all the same. */
export const JOINING = [
  { family: 3, person: 11 },
  { family: 1, person: 15 },
];

const userAt = (code: string, index = 0) => {
  const found = USERS.filter((user) => user.organisation === code)[index];
  if (!found) throw new Error(`Nobody works at ${code}.`);
  return found.subject;
};

/** A user of each organisation by whose name its own rows are. */
export const WORKER: Record<string, string> = {
  occ: 'marcus.oyelaran',
  'team-07': 'jonah.pryce',
  'oxford-health': 'amara.osei',
  'oxford-university-hospitals': userAt('oxford-university-hospitals'),
  'school-tansy-bridge': 'owen.lathbury',
  'thames-valley-police': 'harriet.coyle',
  'cherwell-housing': 'dilys.penrose',
  'cherwell-leisure': userAt('cherwell-leisure'),
  'turning-point': 'callum.strand',
  'oxford-university': 'cornelius.bright',
};

/** Named users of restricted records. Of every organisation there are two, so that its sealed login has grants. */
const SEALED: Record<string, string> = {
  occ: 'bethan.rowe',
  'oxford-health': 'felicity.garside',
  'thames-valley-police': userAt('thames-valley-police', 1),
};

type Values = Record<string, unknown>;
type Table = {
  name: string;
  dataClass: PersonalClass;
  /** About whom its rows are. */
  of: 'family' | 'person' | 'both';
  /** One row for each, or besides it one of every organisation's own. */
  single?: true;
  values?: (id: number) => Values;
  /** It has the rows of another table, by this column. */
  partOf?: [table: string, column: string];
  worker?: true;
};

const day = '2026-01-01';

/** One representative table of each class, and those that they hang from. */
export const TABLES: Table[] = [
  {
    name: 'family_name',
    dataClass: 'FAMILY',
    of: 'family',
    single: true,
    values: (id) => ({ reference: `R-${id}`, name: `Family ${id}` }),
  },
  {
    name: 'family_stage',
    dataClass: 'CASE',
    of: 'family',
    single: true,
    values: () => ({ stage: 'EARLY_HELP', marac: false, since: day }),
  },
  { name: 'person_identity', dataClass: 'IDENTITY', of: 'person', single: true, values: (id) => ({ sex: 'F', given_name: `Given ${id}` }) },
  { name: 'person_nhs_number', dataClass: 'NHS_NUMBER', of: 'person', single: true, values: (id) => ({ nhs_number: `99900000${id}` }) },
  { name: 'person_upn', dataClass: 'UPN', of: 'person', single: true, values: (id) => ({ upn: `A00000000000${id}` }) },
  { name: 'person_disability', dataClass: 'EQUALITY', of: 'person', single: true, values: () => ({ disability: 'HEAR', since: day }) },
  { name: 'episode', dataClass: 'CASE', of: 'both', values: () => ({ source: '1A', referred_on: day }) },
  {
    name: 'household',
    dataClass: 'WHEREABOUTS',
    of: 'family',
    values: (id) => ({ address: '1 Test Street', postcode: `${id}`, district: 'E07000177', from: day }),
  },
  {
    name: 'safety_condition',
    dataClass: 'SAFETY',
    of: 'family',
    worker: true,
    values: () => ({ kind: 'x', instruction: 'x', issuer: 'x', from: day }),
  },
  {
    name: 'safety_victim_reason',
    dataClass: 'VICTIM',
    of: 'family',
    worker: true,
    partOf: ['safety_condition', 'condition'],
    values: () => ({ reason: 'x' }),
  },
  { name: 'intervention', dataClass: 'INVOLVEMENT', of: 'both', worker: true },
  {
    name: 'intervention_progress',
    dataClass: 'PROGRESS',
    of: 'both',
    worker: true,
    partOf: ['intervention', 'intervention'],
    values: () => ({ status: 'STARTED', requested: day, sessions: 0 }),
  },
  {
    name: 'decision',
    dataClass: 'ASSESSMENT',
    of: 'both',
    worker: true,
    values: () => ({ kind: 'x', decided_on: day, decided_by: 'x', role: 'x', what: 'x', reason: 'x' }),
  },
  {
    name: 'workbook_entry',
    dataClass: 'WORKBOOK',
    of: 'family',
    worker: true,
    values: () => ({ module: 'x', discipline: 'x', session_type: 'x', occurred_at: day, author: 'x' }),
  },
  {
    name: 'group_supervision',
    dataClass: 'SUPERVISION',
    of: 'family',
    worker: true,
    values: () => ({ team: organisationId('team-07'), kind: 'x', held_on: day, led_by: 'x', summary: 'x' }),
  },
  {
    name: 'child_voice',
    dataClass: 'CHILD_VOICE',
    of: 'both',
    worker: true,
    values: () => ({ words: 'x', medium: 'x', said_on: day, heard_by: 'x' }),
  },
  {
    name: 'adult_voice',
    dataClass: 'ADULT_VOICE',
    of: 'both',
    worker: true,
    values: () => ({ words: 'x', medium: 'x', said_on: day, heard_by: 'x' }),
  },
  { name: 'abstinence', dataClass: 'CLINICAL', of: 'both', worker: true, values: () => ({ substance: 'alcohol', since: day }) },
  {
    name: 'incident',
    dataClass: 'OFFENCE',
    of: 'both',
    worker: true,
    values: () => ({ kind: 'call-out', basis: 'REPORTED', part: 'NOT_KNOWN', outcome: 'not-known', happened_on: day }),
  },
  {
    name: 'incident_informant',
    dataClass: 'INFORMANT',
    of: 'family',
    worker: true,
    partOf: ['incident', 'incident'],
    values: () => ({ informant: 'x' }),
  },
  { name: 'pre_proceedings', dataClass: 'CASE', of: 'both', values: () => ({ started_on: day, review_meetings: 0 }) },
  {
    name: 'pre_proceedings_court',
    dataClass: 'COURT',
    of: 'both',
    partOf: ['pre_proceedings', 'pre_proceedings'],
    values: () => ({ applied_on: day }),
  },
  {
    name: 'school_record',
    dataClass: 'EDUCATION',
    of: 'both',
    worker: true,
    values: () => ({ term: 'x', possible_sessions: 10, attended_sessions: 9, exclusion: 'NONE' }),
  },
  {
    name: 'housing_situation',
    dataClass: 'HOUSING',
    of: 'both',
    worker: true,
    values: () => ({ tenure: 'x', duty: 'NONE', at_risk: false, from: day }),
  },
  { name: 'service_offer', dataClass: 'OFFER', of: 'both', worker: true, values: () => ({ offered_on: day, status: 'OFFERED' }) },
  {
    name: 'disclosure_elsewhere',
    dataClass: 'SHARING',
    of: 'both',
    worker: true,
    values: () => ({ recipient: 'x', data_classes: ['CASE'], gateway: 'x', what: 'x', reason: 'x', disclosed_on: day, disclosed_by: 'x' }),
  },
  {
    name: 'case_audit',
    dataClass: 'STAFF',
    of: 'family',
    values: () => ({ auditor: 'x', audited_on: day, judgement: 'x', findings: 'x' }),
  },
];

/** Columns that are not null and have a value of their own by default, which a row written whole must name. */
const STAMPED: Record<string, Values> = {
  kept_from: { kept_from: [] },
  version: { version: 1 },
  created_at: { created_at: day },
  updated_at: { updated_at: day },
  no_further_action: { no_further_action: false },
  re_referral: { re_referral: false },
};

/** The column by which a row of a table is known here. */
const keyOf = ({ of, single, partOf, name }: Table) =>
  partOf ? partOf[1] : single && name !== 'person_disability' ? (of === 'family' ? 'family' : 'person') : 'id';

async function insert(owner: pg.Client, table: string, rows: Values[]): Promise<void> {
  const { rows: there } = await owner.query(
    "select column_name as name from information_schema.columns where table_schema = 'fsp' and table_name = $1 and is_nullable = 'NO' and is_generated = 'NEVER'",
    [table],
  );
  const stamped = Object.assign({}, ...there.map(({ name }) => STAMPED[name] ?? {}));
  const whole = rows.map((row) => ({ ...stamped, ...row }));
  const columns = Object.keys(whole[0] as Values)
    .map((name) => `"${name}"`)
    .join(', ');
  await owner.query(
    `insert into fsp.${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::fsp.${table}, $1::jsonb)`,
    [JSON.stringify(whole)],
  );
}

/** Every row that is told of in the comparison. */
export type World = { owner: pg.Client; ownerUrl: string; facts: Fact[] };

/** A database with these families and nothing decided about them. */
export async function sharingWorld(name: string): Promise<World> {
  const ownerUrl = await preparedDatabase(name, false);
  const owner = await sqlAsOwner(ownerUrl);
  await loadCallers(owner, callersOf('oxfordshire'));
  await insert(
    owner,
    'sealed_user',
    ASKED.flatMap(({ id, code }) => [
      { organisation: id, subject: SEALED[code] ?? 'sealed.one', on_rota: true },
      { organisation: id, subject: 'sealed.two', on_rota: false },
    ]),
  );
  const county = organisationId('occ');
  await insert(
    owner,
    'family',
    FAMILIES.map((id) => ({ id, controller: county, restricted: false })),
  );
  await insert(
    owner,
    'person',
    PERSONS.map((id) => ({ id, controller: county })),
  );
  await join(owner, MEMBERS);
  const facts: Fact[] = MEMBERS.map(({ family, person }, i) => ({
    table: 'membership',
    id: i + 1,
    dataClass: 'FAMILY',
    family,
    person,
    controller: county,
    worker: null,
  }));
  const byTable = new Map<string, Fact[]>();
  let next = 1000;
  for (const table of TABLES) {
    const { name: of, dataClass } = table;
    const about: { family: number | null; person: number | null }[] =
      table.of === 'family'
        ? FAMILIES.map((family) => ({ family, person: null }))
        : table.of === 'person'
          ? PERSONS.map((person) => ({ family: null, person }))
          : [...MEMBERS, ...JOINING];
    const made: Fact[] = [];
    const row = (at: { family: number | null; person: number | null }, controller: number, code?: string) =>
      made.push({
        table: of,
        id: table.of === 'person' ? (at.person as number) : table.single ? (at.family as number) : next++,
        dataClass,
        ...at,
        controller,
        worker: (table.worker && code && WORKER[code]) || null,
      });
    const parents = table.partOf && byTable.get(table.partOf[0]);
    if (parents)
      for (const parent of parents) made.push({ ...parent, table: of, dataClass, person: table.of === 'family' ? null : parent.person });
    else {
      for (const at of about) row(at, ELSEWHERE);
      if (!table.single)
        for (const [i, { id, code }] of ASKED.entries())
          for (const family of FAMILIES) {
            const there = about.filter((at) => at.family === family);
            row(there[i % there.length] as (typeof about)[number], id, code);
          }
    }
    byTable.set(of, made);
    facts.push(...made);
    await insert(
      owner,
      of,
      made.map((fact) => ({
        [keyOf(table)]: fact.id,
        ...(fact.family === null ? {} : { family: fact.family }),
        ...(fact.person === null ? {} : { person: fact.person }),
        controller: fact.controller,
        ...(table.worker ? { worker: fact.worker } : {}),
        ...table.values?.(fact.id),
      })),
    );
  }
  await owner.query('analyze');
  return { owner, ownerUrl, facts };
}

async function join(owner: pg.Client, members: { family: number; person: number }[]): Promise<void> {
  await owner.query(
    `insert into fsp.membership (id, family, person, controller, role, "from")
     select coalesce((select max(id) from fsp.membership), 0) + row_number() over (order by m.at), m.family, m.person, $2, 'child', $3
     from jsonb_to_recordset($1::jsonb) as m(family bigint, person bigint, at integer)`,
    [JSON.stringify(members.map((member, at) => ({ ...member, at }))), organisationId('occ'), day],
  );
}

/** Nothing decided, nobody at work, at early help. */
export function freshState(): State {
  return {
    clock: 0,
    organisations: ASKED,
    families: new Map(FAMILIES.map((id) => [id, { controller: organisationId('occ'), stage: 'EARLY_HELP' as Stage, marac: false }])),
    members: MEMBERS.map((member) => ({ ...member })),
    decisions: [],
    involvements: [],
    protections: [],
    restrictions: [],
    conflicts: [],
    emergencies: [],
  };
}

/** The tables of what decides on sharing, with their columns of time. */
const DATED: [table: string, columns: string[]][] = [
  ['sharing_decision', ['from', 'until', 'withdrawn_at']],
  ['involvement', ['from', 'until']],
  ['whereabouts_protection', ['from', 'until']],
  ['conflict_of_interest', ['from', 'until']],
  ['emergency_access', ['from', 'until']],
];

/** Takes everything decided back. */
export async function reset({ owner }: World): Promise<State> {
  for (const table of [...DATED.map(([name]) => name), 'family_restriction']) await owner.query(`delete from fsp.${table}`);
  await owner.query('delete from fsp.membership where id > $1', [MEMBERS.length]);
  await owner.query('update fsp.membership set until = null where until is not null');
  await owner.query('update fsp.family set restricted = false where restricted');
  await owner.query("update fsp.family_stage set stage = 'EARLY_HELP', marac = false");
  return freshState();
}

/**
 * What happens to a family's record. Times are hours from the moment at which it happens. The `nth` of what stands already is meant
 * by its number, modulo how many there are.
 */
export type Event =
  | {
      kind: 'decide';
      effect: 'SHARE' | 'WITHHOLD';
      family: number;
      person: number | null;
      classes: PersonalClass[];
      bundle: string | null;
      organisation: string | null;
      agency: Agency;
      from: number;
      until: number | null;
    }
  /** The opposite of a decision, for the same people and to the same. */
  | { kind: 'contradict'; nth: number }
  | { kind: 'withdraw'; nth: number }
  | {
      kind: 'involve';
      family: number;
      person: number | null;
      organisation: string;
      worker: string | null;
      agreed: boolean;
      from: number;
      until: number | null;
    }
  | { kind: 'leave'; nth: number; in: number }
  | { kind: 'stage'; family: number; stage: Stage; marac: boolean }
  | { kind: 'protect'; family: number; person: number; from: number; until: number | null }
  | { kind: 'unprotect'; nth: number }
  | { kind: 'restrict'; family: number; organisation: string | null }
  | { kind: 'lift'; nth: number }
  | { kind: 'conflict'; family: number; organisation: string; subject: string; from: number; until: number | null }
  | { kind: 'emergency'; family: number; organisation: string; subject: string; classes: PersonalClass[]; from: number; until: number }
  | { kind: 'join'; family: number; person: number }
  | { kind: 'end-membership'; nth: number }
  | { kind: 'pass'; hours: number };

/** Rows of the database behind the state's objects. */
const rowOf = new WeakMap<object, number>();

/** Hours lie between the clock's, so that nothing begins or ends at the moment at which it is asked about. */
const HALF = 0.5;

/** Does to the database and to the state what happened; what cannot happen now is passed over. */
export async function happen(world: World, state: State, event: Event): Promise<void> {
  const { owner } = world;
  const { clock } = state;
  const at = (hours: number) => clock + hours - HALF;
  const moment = (time: number | null) => (time === null ? null : `${Math.round((time - state.clock) * 60)} minutes`);
  const lasting = ({ from, until }: { from: number; until: number | null }) => ({
    from: at(from),
    until: until === null ? null : at(Math.max(until, from + 1)),
  });
  const made = async (object: object, sql: string, values: unknown[]) => {
    const { rows } = await owner.query(`${sql} returning id`, values);
    rowOf.set(object, Number(rows[0].id));
  };
  const nth = <T>(all: T[], n: number): T | undefined => all[n % Math.max(all.length, 1)];
  const idOf = (code: string | null) => (code === null ? null : organisationId(code));
  const county = organisationId('occ');
  const belongs = (family: number, person: number) => state.members.some((m) => m.family === family && m.person === person);
  switch (event.kind) {
    case 'decide': {
      if (event.person !== null && !belongs(event.family, event.person)) return;
      const bundle = event.bundle === null ? undefined : BUNDLES[event.bundle];
      const row = state.families.get(event.family) as { stage: Stage; marac: boolean };
      if (bundle && !bundle.stages.includes(row.stage) && !(bundle.marac && row.marac)) return;
      const decision = {
        family: event.family,
        person: event.person,
        classes: bundle ? [...bundle.classes] : event.classes,
        bundle: event.bundle,
        effect: event.effect,
        organisation: idOf(event.organisation),
        agency: event.organisation === null ? event.agency : null,
        ...lasting(event),
      };
      state.decisions.push(decision);
      return made(
        decision,
        `insert into fsp.sharing_decision (family, person, data_classes, mask, bundle, effect, organisation, agency, gateway, reason, decided_by, controller, "from", until, agreement_version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'x', 'x', 'x', $9, now() + $10::interval, now() + $11::interval, 'x')`,
        [
          decision.family,
          decision.person,
          decision.classes,
          maskOf(decision.classes).toString(),
          decision.bundle,
          decision.effect,
          decision.organisation,
          decision.agency,
          county,
          moment(decision.from),
          moment(decision.until),
        ],
      );
    }
    case 'contradict': {
      const decision = nth(state.decisions, event.nth);
      if (!decision) return;
      return happen(world, state, {
        kind: 'decide',
        effect: decision.effect === 'SHARE' ? 'WITHHOLD' : 'SHARE',
        family: decision.family,
        person: decision.person,
        classes: decision.classes,
        bundle: null,
        organisation: ASKED.find(({ id }) => id === decision.organisation)?.code ?? null,
        agency: decision.agency ?? 'EVALUATOR',
        from: -1,
        until: null,
      });
    }
    case 'withdraw': {
      const decision = nth(state.decisions, event.nth);
      if (!decision) return;
      decision.until = Math.min(decision.until ?? clock, clock);
      await owner.query("update fsp.sharing_decision set withdrawn_at = now(), withdrawn_by = 'x', withdrawn_for = 'x' where id = $1", [
        rowOf.get(decision),
      ]);
      return;
    }
    case 'involve': {
      if (event.person !== null && !belongs(event.family, event.person)) return;
      const row = state.families.get(event.family) as { stage: Stage; marac: boolean };
      const police = organisation(event.organisation).agency === 'POLICE';
      // The command opens a family to the police for a process alone.
      if (
        police &&
        !row.marac &&
        !['STRATEGY_DISCUSSION', 'SECTION_47', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'].includes(row.stage)
      )
        return;
      const involvement = {
        family: event.family,
        person: event.person,
        organisation: organisationId(event.organisation),
        worker: event.worker,
        agreed: event.agreed && event.person !== null,
        ...lasting(event),
      };
      state.involvements.push(involvement);
      return made(
        involvement,
        `insert into fsp.involvement (family, person, controller, worker, organisation, role, agreed, "from", until)
         values ($1, $2, $3, $4, $5, 'other', $6, now() + $7::interval, now() + $8::interval)`,
        [
          involvement.family,
          involvement.person,
          county,
          involvement.worker,
          involvement.organisation,
          involvement.agreed,
          moment(involvement.from),
          moment(involvement.until),
        ],
      );
    }
    case 'leave': {
      const involvement = nth(state.involvements, event.nth);
      if (!involvement || (involvement.until !== null && involvement.until < clock)) return;
      involvement.until = Math.max(at(event.in), involvement.from);
      await owner.query('update fsp.involvement set until = now() + $2::interval where id = $1', [
        rowOf.get(involvement),
        moment(involvement.until),
      ]);
      return;
    }
    case 'stage':
      changeStage(state, event.family, event.stage, event.marac);
      await owner.query('update fsp.family_stage set stage = $2, marac = $3 where family = $1', [event.family, event.stage, event.marac]);
      return;
    case 'protect': {
      if (!belongs(event.family, event.person)) return;
      const protection = { person: event.person, ...lasting(event) };
      state.protections.push(protection);
      return made(
        protection,
        `insert into fsp.whereabouts_protection (family, person, controller, reason, "from", until)
         values ($1, $2, $3, 'x', now() + $4::interval, now() + $5::interval)`,
        [event.family, event.person, county, moment(protection.from), moment(protection.until)],
      );
    }
    case 'unprotect': {
      const protection = nth(state.protections, event.nth);
      if (!protection) return;
      protection.until = Math.min(protection.until ?? clock, clock);
      await owner.query('update fsp.whereabouts_protection set until = least(until, now()) where id = $1', [rowOf.get(protection)]);
      return;
    }
    case 'restrict': {
      const restriction = { family: event.family, organisation: idOf(event.organisation), lifted: false };
      state.restrictions.push(restriction);
      await made(
        restriction,
        `insert into fsp.family_restriction (family, controller, organisation, cause, reason, "from") values ($1, $2, $3, 'HIGH_RISK', 'x', now() - interval '1 minute')`,
        [event.family, county, restriction.organisation],
      );
      if (restriction.organisation === null) await owner.query('update fsp.family set restricted = true where id = $1', [event.family]);
      return;
    }
    case 'lift': {
      const restriction = nth(state.restrictions, event.nth);
      if (!restriction || restriction.lifted) return;
      restriction.lifted = true;
      await owner.query('update fsp.family_restriction set until = now() where id = $1', [rowOf.get(restriction)]);
      if (!state.restrictions.some((r) => r.family === restriction.family && r.organisation === null && !r.lifted))
        await owner.query('update fsp.family set restricted = false where id = $1', [restriction.family]);
      return;
    }
    case 'conflict': {
      const conflict = { family: event.family, subject: event.subject, ...lasting(event) };
      state.conflicts.push(conflict);
      return made(
        conflict,
        `insert into fsp.conflict_of_interest (family, controller, subject, reason, "from", until)
         values ($1, $2, $3, 'x', now() + $4::interval, now() + $5::interval)`,
        [event.family, organisationId(event.organisation), event.subject, moment(conflict.from), moment(conflict.until)],
      );
    }
    case 'emergency': {
      const { from, until } = lasting(event);
      const emergency = {
        family: event.family,
        organisation: organisationId(event.organisation),
        subject: event.subject,
        classes: event.classes,
        from,
        until,
      };
      state.emergencies.push(emergency);
      return made(
        emergency,
        `insert into fsp.emergency_access (family, controller, worker, data_classes, mask, reason_code, reason, "from", until)
         values ($1, $2, $3, $4, $5, 'x', 'x', now() + $6::interval, now() + $7::interval)`,
        [
          emergency.family,
          emergency.organisation,
          emergency.subject,
          emergency.classes,
          maskOf(emergency.classes).toString(),
          moment(from),
          moment(until),
        ],
      );
    }
    case 'join': {
      if (belongs(event.family, event.person)) return;
      state.members.push({ family: event.family, person: event.person });
      return join(owner, [{ family: event.family, person: event.person }]);
    }
    case 'end-membership': {
      // What was known of a family's member stays known of it.
      const member = nth(state.members, event.nth);
      if (!member) return;
      await owner.query('update fsp.membership set until = current_date - 1 where family = $1 and person = $2', [
        member.family,
        member.person,
      ]);
      return;
    }
    case 'pass': {
      state.clock += event.hours;
      for (const [table, columns] of DATED)
        await owner.query(`update fsp.${table} set ${columns.map((column) => `"${column}" = "${column}" - $1::interval`).join(', ')}`, [
          `${event.hours} hours`,
        ]);
      return;
    }
  }
}

/** Who asks the API of the organisations asked about, as the model has them. */
const caller = (client: string, user: string, sealed = false): Omit<Caller, 'purpose'> & { client: string; purposes: Purpose[] } => {
  const found = CLIENTS.find(({ id }) => id === client);
  if (!found) throw new Error(`There is no client ${client}.`);
  return { client, purposes: found.purposes, organisation: organisation(found.organisation), user, scopes: found.scopes, sealed };
};

export const CALLERS = [
  caller('occ-front-door', 'marcus.oyelaran'),
  caller('occ-front-door', 'grace.whitlock'),
  caller('occ-front-door', 'bethan.rowe', true),
  caller('occ-governance', 'gideon.marlowe'),
  caller('team-07-workbook', 'jonah.pryce'),
  caller('oxford-health-visiting', 'amara.osei'),
  caller('oxford-health-visiting', 'felicity.garside', true),
  caller('oxford-university-hospitals-safeguarding', WORKER['oxford-university-hospitals'] as string),
  caller('school-tansy-bridge-pastoral', 'owen.lathbury'),
  caller('thames-valley-police-protection', 'harriet.coyle'),
  caller('thames-valley-police-protection', SEALED['thames-valley-police'] as string, true),
  caller('cherwell-housing-desk', 'dilys.penrose'),
  caller('cherwell-leisure-desk', WORKER['cherwell-leisure'] as string),
  caller('turning-point-casework', 'callum.strand'),
];

export const asking = ({ client, user }: (typeof CALLERS)[number], purpose: Purpose): Asking => ({ client, user, purpose });

/** What a family's document asks for: each selection, the tables whose rows it shows, and their keys in what came. */
type Shown = {
  field: string;
  dataClass: PersonalClass;
  paged: boolean;
  selection: string;
  rows: (value: any) => [table: string, id: number][];
};

const number = (id: string) => Number(id.split('-')[1]);
const nodes = (value: any): any[] => (Array.isArray(value) ? value : (value?.nodes ?? []));
const classOfTable = (table: string) => TABLES.find(({ name }) => name === table)?.dataClass as PersonalClass;

/** A list's rows; a row that is there without what stands in it is none. `side`: a field of another class, and its table. */
function listed(field: string, table: string, values: string, paged = false, side?: [fields: string, table: string]): Shown {
  const inner = `id ${values}${side ? ` ${side[0]}` : ''}`;
  const known = (node: any, fields: string) => fields.split(' ').every((each) => node[each.split('{')[0] as string] !== null);
  return {
    field,
    dataClass: classOfTable(table),
    paged,
    selection: paged ? `${field}(first: 100) { totalCount { value } nodes { ${inner} } }` : `${field} { ${inner} }`,
    rows: (value) =>
      nodes(value).flatMap((node): [string, number][] => [
        ...(known(node, values) ? [[table, number(node.id)] as [string, number]] : []),
        ...(side && known(node, side[0]) ? [[side[1], number(node.id)] as [string, number]] : []),
      ]),
  };
}

/** Two fields of each class at least, in the lists of a family. */
export const SHOWN: Shown[] = [
  {
    field: 'name',
    dataClass: 'FAMILY',
    paged: false,
    selection: 'name reference',
    rows: (value) => (value === null ? [] : [['family_name', Number(value.split(' ')[1])]]),
  },
  {
    field: 'households',
    dataClass: 'WHEREABOUTS',
    paged: false,
    selection: 'households { postcode address }',
    rows: (value) => (value ?? []).map((each: any) => ['household', Number(each.postcode)]),
  },
  listed('episodes', 'episode', 'referred noFurtherAction'),
  listed('safetyHistory', 'safety_condition', 'instruction issuer', true, ['victimReason', 'safety_victim_reason']),
  listed('interventions', 'intervention', '__typename', true, ['status requested', 'intervention_progress']),
  listed('decisions', 'decision', 'what reason', true),
  listed('workbook', 'workbook_entry', 'module author', true),
  listed('groupSupervisions', 'group_supervision', 'heldOn summary', true),
  listed('childVoices', 'child_voice', 'words heardBy', true),
  listed('adultVoices', 'adult_voice', 'words heardBy', true),
  listed('abstinences', 'abstinence', 'since days'),
  listed('incidents', 'incident', 'basis on', true, ['informant', 'incident_informant']),
  listed('preProceedings', 'pre_proceedings', 'started', false, ['courtApplied', 'pre_proceedings_court']),
  listed('schoolRecords', 'school_record', 'term possibleSessions'),
  listed('housing', 'housing_situation', 'duty atRisk'),
  listed('offers', 'service_offer', 'offered status', true),
  listed('disclosuresElsewhere', 'disclosure_elsewhere', 'recipient what'),
  listed('audits', 'case_audit', 'auditor findings', true),
];

/** A person's own tables in what came. */
const OF_PERSON: [field: string, table: string][] = [
  ['givenName', 'person_identity'],
  ['nhsNumber', 'person_nhs_number'],
  ['upn', 'person_upn'],
];

/** Tables that hang from another: a row shows only where that one does. */
export const HANGS: Record<string, string> = Object.fromEntries(TABLES.flatMap(({ name, partOf }) => (partOf ? [[name, partOf[0]]] : [])));

const FAMILY_SELECTION = `id stage openMarac ${SHOWN.map(({ selection }) => selection).join(' ')} withheld { field class reason }`;

const OF_ONE = 'givenName nhsNumber upn disabilities { since } withheld { field class reason }';

/** Every class of a family, and of everybody. The same few documents of every caller, so that they are planned once. */
const DOCUMENTS: [document: string, variables: Record<string, string>][] = [
  ...FAMILIES.map((id): [string, Record<string, string>] => [
    `query($id: ID!) { family(id: $id) { ${FAMILY_SELECTION} } }`,
    { id: encodeId('Family', id) },
  ]),
  [
    `query(${PERSONS.map((id) => `$p${id}: ID!`).join(' ')}) { ${PERSONS.map((id) => `p${id}: node(id: $p${id}) { ... on Person { ${OF_ONE} } }`).join(' ')} }`,
    Object.fromEntries(PERSONS.map((id) => [`p${id}`, encodeId('Person', id)])),
  ],
];

/** Everything that a caller is told of these families, and of everybody in any. */
export async function tell(
  server: TestServer,
  who: Asking,
  families = FAMILIES,
): Promise<{ shown: Set<string>; data: Record<string, any>; errors: any[] }> {
  const data: Record<string, any> = {};
  const errors: any[] = [];
  for (const [document, variables] of DOCUMENTS) {
    if (variables.id && !families.includes(number(variables.id))) continue;
    const { body } = await server.ask(who, document, variables);
    if (!body.data) throw new Error(`${who.client} ${who.user} ${who.purpose}: ${JSON.stringify(body.errors)}`);
    const { family, ...persons } = body.data;
    if (variables.id) data[`f${number(variables.id)}`] = family;
    Object.assign(data, persons);
    errors.push(...(body.errors ?? []));
  }
  return { shown: rowsShown(data), data, errors };
}

/** The rows that stand in what a family's selection came to, as `table id`. */
export function rowsOfFamily(family: any): string[] {
  const rows = SHOWN.flatMap(({ field, rows }) => rows(family[field] ?? null));
  return [...(family.stage === null ? [] : [`family_stage ${number(family.id)}`]), ...rows.map(([table, key]) => `${table} ${key}`)];
}

/** The rows that stand in an answer's data. */
function rowsShown(data: any): Set<string> {
  const found = new Set<string>();
  const add = (table: string, id: number) => found.add(`${table} ${id}`);
  for (const id of FAMILIES) for (const row of data[`f${id}`] ? rowsOfFamily(data[`f${id}`]) : []) found.add(row);
  for (const id of PERSONS) {
    const person = data[`p${id}`];
    if (!person) continue;
    for (const [field, table] of OF_PERSON) if (person[field] !== null) add(table, id);
    if (person.disabilities?.length > 0) add('person_disability', id);
  }
  return found;
}
