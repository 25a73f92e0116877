/**
 * Path × state: whatever way a client takes to a row (select, filter, sort, count, cursor, node, payload, evidence pack), in whatever
 * state the sharing of its family is, it comes to the same rows, which are those that the agreement and the state come to
 * (`tests/support/sharing-model.ts`). A path that told more would tell what select does not.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGREEMENT, type Purpose } from '../../src/access/agreement.ts';
import { PERSONAL_CLASSES, type PersonalClass } from '../../src/access/classes.ts';
import { organisationId } from '../../src/db/personas.ts';
import { type Caller as Asking, encodeId, type TestServer, testServer } from '../support/server.ts';
import { type Caller, type Fact, model, type State } from '../support/sharing-model.ts';
import {
  ASKED,
  asking,
  CALLERS,
  type Event,
  FAMILIES,
  HANGS,
  happen,
  reset,
  rowsOfFamily,
  SHOWN,
  sharingWorld,
  tell,
  type World,
} from '../support/sharing-world.ts';

/** Every client pages through a sixth of the lists in each state, another in the next; `PATHS_SHARE=1`: through all. */
const share = Number(process.env.PATHS_SHARE ?? 6);

/** The family whose sharing is decided on; the others stay as they are. */
const FAMILY = 1;
const id = encodeId('Family', FAMILY);

let world: World;
let server: TestServer;
let pack: string;
beforeAll(async () => {
  world = await sharingWorld('fsp_paths');
  server = await testServer(world.ownerUrl);
  const document =
    'mutation($input: PrepareEvidencePackInput!) { prepareEvidencePack(input: $input) { pack { id } userErrors { message } } }';
  const input = { idempotencyKey: 'pack', family: id, purpose: 'COURT', recipient: { name: 'The Family Court at Oxford' } };
  const { body } = await server.ask({ client: 'occ-front-door', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' }, document, { input });
  pack = body.data.prepareEvidencePack.pack.id;
});
afterAll(async () => {
  await server.close();
  await world.owner.end();
});

const partners = ASKED.filter(({ agency }) => agency !== 'LA' && agency !== 'EVALUATOR');
const involved = (families: number[]): Event[] =>
  families.flatMap((family) =>
    partners.map(
      ({ code }): Event => ({
        kind: 'involve',
        family,
        person: null,
        organisation: code,
        worker: null,
        agreed: false,
        from: -5,
        until: null,
      }),
    ),
  );
const atRisk = FAMILIES.map((family): Event => ({ kind: 'stage', family, stage: 'CHILD_PROTECTION', marac: true }));
const decided = (effect: 'SHARE' | 'WITHHOLD', until: number | null = null): Event[] =>
  ASKED.map(({ code, agency }) => ({
    kind: 'decide',
    effect,
    family: FAMILY,
    person: null,
    classes: [...PERSONAL_CLASSES],
    bundle: null,
    organisation: code,
    agency,
    from: -9,
    until,
  }));
const withdrawn = ASKED.flatMap((_, i): Event[] => [
  { kind: 'withdraw', nth: i },
  { kind: 'withdraw', nth: ASKED.length + i },
]);

/** What the agency asks with, and what is decided. */
const STATES: Record<string, Event[]> = {
  'by default': involved(FAMILIES),
  'with a decision to share': [...involved(FAMILIES), ...decided('SHARE')],
  'with a decision to withhold': [...involved(FAMILIES), ...decided('SHARE'), ...decided('WITHHOLD')],
  'with decisions that have ended': [...involved(FAMILIES), ...decided('SHARE', -2), ...decided('WITHHOLD', -2)],
  'with decisions that were withdrawn': [...involved(FAMILIES), ...decided('SHARE'), ...decided('WITHHOLD'), ...withdrawn],
  'with a decision about one person': [
    ...involved(FAMILIES),
    ...decided('SHARE').map((event): Event => ({ ...event, person: 12 }) as Event),
    ...decided('WITHHOLD').map((event): Event => ({ ...event, person: 11 }) as Event),
  ],
  'with protected whereabouts': [
    ...involved(FAMILIES),
    ...decided('SHARE'),
    { kind: 'involve', family: FAMILY, person: 11, organisation: 'occ', worker: 'grace.whitlock', agreed: false, from: -5, until: null },
    { kind: 'protect', family: FAMILY, person: 11, from: -1, until: null },
  ],
  'when it is restricted': [...involved(FAMILIES), ...decided('SHARE'), { kind: 'restrict', family: FAMILY, organisation: null }],
  'to who is not involved': [...involved([2, 3]), ...decided('SHARE')],
  'in an emergency': [
    ...involved([2, 3]),
    ...CALLERS.map(
      ({ organisation, user }): Event => ({
        kind: 'emergency',
        family: FAMILY,
        organisation: organisation.code,
        subject: user,
        classes: PERSONAL_CLASSES.filter((each) => AGREEMENT[each].levels[organisation.agency] !== 'N'),
        from: -1,
        until: 3,
      }),
    ),
  ],
};

/** One of every agency that sees families; who is named with the protected person, and a named user of restricted records. */
const WHO = [
  'occ-front-door marcus.oyelaran',
  'occ-front-door grace.whitlock',
  'occ-front-door bethan.rowe',
  'team-07-workbook jonah.pryce',
  'oxford-health-visiting amara.osei',
  'school-tansy-bridge-pastoral owen.lathbury',
  'thames-valley-police-protection harriet.coyle',
  'cherwell-housing-desk dilys.penrose',
  'turning-point-casework callum.strand',
].map((name) => {
  const found = CALLERS.find(({ client, user }) => `${client} ${user}` === name);
  if (!found) throw new Error(`${name} does not ask.`);
  return { ...found, name };
});

/** What a client of an agency that sees no families is told on every path. */
const NOBODY: Asking = { client: 'oxford-university-evaluation', user: 'cornelius.bright', purpose: 'EVALUATION' };

const TYPES: Record<string, string> = {
  decision: 'Decision',
  workbook_entry: 'WorkbookEntry',
  group_supervision: 'GroupSupervision',
  child_voice: 'ChildVoice',
  adult_voice: 'AdultVoice',
  abstinence: 'Abstinence',
  incident: 'Incident',
  pre_proceedings: 'PreProceedings',
  school_record: 'SchoolRecord',
  housing_situation: 'HousingSituation',
  service_offer: 'ServiceOffer',
  disclosure_elsewhere: 'DisclosureElsewhere',
  episode: 'Episode',
  safety_condition: 'SafetyCondition',
  intervention: 'Intervention',
  case_audit: 'CaseAudit',
};

const key = ({ table, id: row }: Fact) => `${table} ${row}`;
const number = (of: string) => Number(of.split('-')[1]);

/** What one client comes to on every path, beside what the model says; one line for each difference. */
class Walk {
  readonly found: string[] = [];
  private readonly shown: ReturnType<ReturnType<typeof model>['shows']>;
  private readonly who: Asking;
  private readonly caller: Caller;
  /** Which part of the lists is paged through. */
  private readonly part: number;
  constructor(who: Asking, caller: Caller, state: State, part: number) {
    this.part = part;
    this.who = who;
    this.caller = caller;
    this.shown = model(state).shows(caller);
  }

  say(path: string, got: unknown, wanted: unknown) {
    const [is, should] = [JSON.stringify(got), JSON.stringify(wanted)];
    if (is !== should) this.found.push(`${path}: ${is?.slice(0, 300)} instead of ${should?.slice(0, 300)}`);
  }
  ids(path: string, got: string[], wanted: string[]) {
    this.say(
      path,
      {
        more: got.filter((each) => !wanted.includes(each)),
        less: wanted.filter((each) => !got.includes(each)),
        twice: got.length - new Set(got).size,
      },
      { more: [], less: [], twice: 0 },
    );
  }
  async ask(document: string, variables: Record<string, unknown> = {}) {
    return (await server.ask(this.who, document, variables)).body;
  }

  /** The rows of a family that are shown in its lists. */
  expected(of = [FAMILY]): Fact[] {
    const seen = new Set(world.facts.filter((fact) => this.shown.fact(fact)).map(key));
    return world.facts.filter(
      (fact) =>
        fact.table !== 'membership' &&
        fact.family !== null &&
        of.includes(fact.family) &&
        seen.has(key(fact)) &&
        (!HANGS[fact.table] || seen.has(`${HANGS[fact.table]} ${fact.id}`)),
    );
  }
  /** The keys of a table's rows that are shown. */
  rowsOf(table: string, of = [FAMILY]) {
    return this.expected(of)
      .filter((fact) => fact.table === table)
      .map((fact) => String(fact.id));
  }

  /** The rows that are shown, and that what is not is refused or named among what is withheld, whether or not there is a value. */
  async select() {
    const { shown, data, errors } = await tell(server, this.who, [FAMILY]);
    const persons = world.facts.filter((fact) => fact.family === null && this.shown.fact(fact));
    this.ids('select', [...shown], [...this.expected(), ...persons].map(key));
    const family = data[`f${FAMILY}`];
    if (!family) return this.say('select, the family', this.shown.family(FAMILY), false);
    const entries = new Set(family.withheld.map((each: any) => each.field));
    const refused = new Set(errors.map((error: any) => error.extensions.field));
    const all = [...SHOWN, { field: 'stage', dataClass: 'CASE' as const }, { field: 'openMarac', dataClass: 'CASE' as const }];
    for (const { field, dataClass } of all) {
      const reach = this.shown.reach(dataClass);
      this.say(`refused ${field}`, refused.has(`Family.${field}`), reach === 'none');
      this.say(`withheld ${field}`, entries.has(field), reach !== 'none' && (reach === 'own' || !this.shown.whole(dataClass, FAMILY)));
      if (family[field] === null) this.say(`null ${field}`, refused.has(`Family.${field}`) || entries.has(field), true);
    }
    for (const { reason } of family.withheld)
      if (!['LA', 'TEAM'].includes(this.caller.organisation.agency)) this.say('reason', reason, 'NOT_AVAILABLE');
  }

  /** Families chosen and ordered by a class of theirs: those that show it, or nothing where it is refused. */
  async families(path: string, args: string, dataClass: PersonalClass, telling: (family: number) => boolean) {
    const document = `query($after: String) { families(${args} first: 2, after: $after) { totalCount { value } nodes { id } pageInfo { hasNextPage endCursor } } }`;
    const wanted = FAMILIES.filter((family) => this.shown.family(family) && telling(family)).map(String);
    const refused = this.shown.reach(dataClass) === 'none';
    const got: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 5; pages++) {
      const { data, errors } = await this.ask(document, { after });
      if (refused || !data?.families) {
        this.say(path, [data?.families ?? null, errors?.[0]?.extensions.code], [null, refused ? 'FORBIDDEN' : 'an answer']);
        return;
      }
      if (pages === 0) this.say(`${path}, counted`, data.families.totalCount.value, wanted.length);
      got.push(...data.families.nodes.map((each: any) => String(number(each.id))));
      if (!data.families.pageInfo.hasNextPage) break;
      after = data.families.pageInfo.endCursor;
    }
    this.ids(path, got, wanted);
  }
  async filter() {
    const has = (table: string) => (family: number) => this.rowsOf(table, [family]).length > 0;
    await this.families('filter by stage', 'filter: { stage: CHILD_PROTECTION }', 'CASE', has('family_stage'));
    await this.families('filter by another stage', 'filter: { stage: CLOSED }', 'CASE', () => false);
    await this.families('filter by district', 'filter: { district: "E07000177" }', 'WHEREABOUTS', has('household'));
    await this.interventions('filter by status', 'filter: { status: [STARTED] }', (fact) => this.progress(fact));
    await this.interventions('filter by another status', 'filter: { status: [COMPLETED] }', () => false);
  }
  async sort() {
    const named = (family: number) => this.rowsOf('family_name', [family]).length > 0;
    await this.families('sort by name', 'orderBy: NAME', 'FAMILY', named);
    await this.interventions('sort by waiting', 'orderBy: WAITING_LONGEST', (fact) => this.progress(fact));
  }
  progress({ id: row }: Fact) {
    return world.facts.some((fact) => fact.table === 'intervention_progress' && fact.id === row && this.shown.fact(fact, true));
  }
  /** Interventions of all families, chosen and ordered by PROGRESS: of those that withhold it none takes part. */
  async interventions(path: string, args: string, telling: (fact: Fact) => boolean) {
    const document = `{ interventions(${args} first: 100) { totalCount { value } nodes { id } } }`;
    const { data, errors } = await this.ask(document);
    if (this.shown.reach('PROGRESS') === 'none' || this.shown.reach('INVOLVEMENT') === 'none') {
      this.say(path, [data?.interventions ?? null, errors?.[0]?.extensions.code], [null, 'FORBIDDEN']);
      return;
    }
    const wanted = world.facts
      .filter((fact) => fact.table === 'intervention' && this.shown.fact(fact, true) && telling(fact))
      .map((fact) => String(fact.id));
    this.say(`${path}, counted`, data.interventions.totalCount.value, wanted.length);
    this.ids(
      path,
      data.interventions.nodes.map((each: any) => String(number(each.id))),
      wanted,
    );
  }

  /** Every page of every list of the family, and how many there are. */
  async pages() {
    const paged = SHOWN.filter((each) => each.paged).filter((_, i) => i % share === this.part % share);
    const seen = this.shown.family(FAMILY);
    for (const { field } of paged) {
      const document = `query($id: ID!, $after: String) { family(id: $id) { ${field}(first: 8, after: $after) { totalCount { value } nodes { id } pageInfo { hasNextPage endCursor } } } }`;
      const [table] = TABLE_OF[field] as [string];
      const wanted = this.rowsOf(table);
      const got: string[] = [];
      let after: string | null = null;
      for (let n = 0; n < 20; n++) {
        const { data } = await this.ask(document, { id, after });
        const page = data.family?.[field] ?? null;
        if (page === null) break;
        if (!seen) this.found.push(`cursor ${field}: the family is there`);
        if (n === 0) this.say(`count ${field}`, page.totalCount.value, wanted.length);
        got.push(...page.nodes.map((each: any) => String(number(each.id))));
        if (!page.pageInfo.hasNextPage) break;
        after = page.pageInfo.endCursor;
      }
      this.ids(`cursor ${field}`, got, wanted);
    }
  }

  /** Rows by their ids: those in the family's lists, and one's own also where the family is not there. */
  async node() {
    const rows = world.facts.filter((fact) => fact.family === FAMILY && TYPES[fact.table] && asked(fact, this.caller));
    const five = '$a: ID!, $b: ID!, $c: ID!, $d: ID!, $e: ID!';
    const got: string[] = [];
    const known = (fact: Fact) => encodeId(TYPES[fact.table] as string, fact.id);
    for (let i = 0; i < rows.length; i += 5) {
      const ids = [0, 1, 2, 3, 4].map((n) => (rows[i + n] ? known(rows[i + n] as Fact) : encodeId('Decision', 9_999_999)));
      const { data } = await this.ask(
        `query(${five}) { ${[...'abcde'].map((a) => `${a}: node(id: $${a}) { id }`).join(' ')} }`,
        Object.fromEntries(ids.map((each, n) => ['abcde'[n], each])),
      );
      got.push(...Object.values(data ?? {}).flatMap((each: any) => (each ? [each.id as string] : [])));
    }
    this.ids('node', got, rows.filter((fact) => this.shown.fact(fact, true)).map(known));
    const { data } = await this.ask('query($id: ID!) { node(id: $id) { id } }', { id });
    this.say('node of the family', data.node?.id ?? null, this.shown.family(FAMILY) ? id : null);
  }

  /** The rows of what stands in a family's short selection. */
  short(): Fact[] {
    const tables = new Set(['family_stage', 'family_name', ...SHORT.flatMap(({ field }) => TABLE_OF[field] ?? [])]);
    return this.expected().filter(({ table }) => tables.has(table));
  }

  /** What a command answers with. */
  async payload() {
    const document = `mutation($input: RecordDisclosureElsewhereInput!) { recordDisclosureElsewhere(input: $input) { disclosure { id family { ${IN_SHORT} } } userErrors { code path } } }`;
    const input = {
      idempotencyKey: `${this.who.user}-${keys++}`,
      family: id,
      recipient: 'A court',
      classes: ['CASE'],
      gateway: 'COURT-ORDER',
      what: 'x',
      reason: 'x',
      on: '2026-01-02',
    };
    const { data } = await this.ask(document, { input });
    const made = data?.recordDisclosureElsewhere;
    const { rows } = await world.owner.query("delete from fsp.disclosure_elsewhere where recipient = 'A court' returning id");
    if (!this.shown.family(FAMILY)) {
      this.say('payload', [made?.disclosure ?? null, made?.userErrors, rows.length], [null, [{ code: 'NOT_FOUND', path: ['family'] }], 0]);
      return;
    }
    // The county is not shown a row of a class that is closed to it; others' own rows are theirs whatever is decided.
    if (this.caller.organisation.agency === 'LA' && !this.shown.whole('SHARING', FAMILY)) {
      this.say('payload', made?.disclosure ?? null, null);
      return;
    }
    this.say('payload', [made?.userErrors, rows.length], [[], 1]);
    if (!made?.disclosure?.family) return;
    const wanted = this.short().map(key);
    this.ids('payload', rowsOfFamily(made.disclosure.family), wanted);
  }

  /** Papers for a court: the county's to read, and no more than it may read today. */
  async export() {
    const inPack = ['interventions', 'decisions', 'workbook', 'childVoices', 'adultVoices', 'preProceedings'];
    const lists = SHOWN.filter(({ field }) => inPack.includes(field));
    const document = `query($id: ID!) { node(id: $id) { ... on EvidencePack { id family { ${IN_SHORT} } ${lists.map(({ selection }) => selection).join(' ')} } } }`;
    const { data } = await this.ask(document, { id: pack });
    const shownPack = this.caller.organisation.agency === 'LA' && this.shown.fact(PACK);
    this.say('evidence pack', data?.node?.id ?? null, shownPack ? pack : null);
    if (!['LA', 'HEALTH'].includes(this.caller.organisation.agency)) return;
    const page = await server.app.inject({
      method: 'GET',
      url: `/evidence-packs/${pack}`,
      headers: { authorization: `Bearer ${await server.token(this.who)}`, 'x-purpose-of-use': this.who.purpose as string },
    });
    this.say('evidence page', page.statusCode, shownPack ? 200 : 404);
    if (!data?.node) return;
    const got = lists.flatMap(({ field, rows }) => rows(data.node[field])).map(([table, row]) => `${table} ${row}`);
    const tables = new Set(lists.flatMap(({ field }) => TABLE_OF[field] as string[]));
    this.ids(
      'evidence pack',
      got,
      this.expected()
        .filter(({ table }) => tables.has(table))
        .map(key),
    );
    this.ids('evidence pack, its family', rowsOfFamily(data.node.family), this.short().map(key));
  }
}
let keys = 0;

/** A few lists, of classes that are closed to most by default, and a family's own fields. */
const SHORT = SHOWN.filter(({ field }) => ['name', 'decisions', 'incidents', 'schoolRecords', 'housing'].includes(field));
const IN_SHORT = `id stage ${SHORT.map(({ selection }) => selection).join(' ')}`;

const TABLE_OF: Record<string, string[]> = Object.fromEntries(
  SHOWN.filter(({ field }) => !['name', 'households'].includes(field)).map(({ field, rows }) => {
    // Each list says itself whose rows it holds.
    const anything = new Proxy({ id: 'X-1' }, { get: (of, name) => (name in of ? of.id : 'x') });
    return [field, [...new Set(rows([anything]).map(([table]) => table))]];
  }),
);

/** The pack as a row: the county's own. */
const PACK: Fact = {
  table: 'evidence_pack',
  id: 0,
  dataClass: 'CASE',
  family: FAMILY,
  person: null,
  controller: organisationId('occ'),
  worker: null,
};

/** By its id each row is asked for that is nobody's own, or the caller's. */
const asked = (fact: Fact, { organisation }: Caller) =>
  fact.controller === organisation.id || !ASKED.some((each) => each.id === fact.controller);

describe.each(Object.entries(STATES))('%s', (name, events) => {
  let state: State;
  beforeAll(async () => {
    state = await reset(world);
    for (const event of [...atRisk, ...events]) await happen(world, state, event);
  });
  const purpose: Purpose = name === 'in an emergency' ? 'EMERGENCY' : 'SAFEGUARDING';

  // Who is named, and who is sealed, differ from their colleague where that matters.
  const who = WHO.filter(
    ({ sealed, user }) => (!sealed || name.includes('restricted')) && (user !== 'grace.whitlock' || name.includes('protected')),
  );
  it.each(who.map((each, i) => ({ ...each, i })))('$name comes to the same rows on every path', async (each) => {
    const walk = new Walk(asking(each, purpose), { ...each, purpose }, state, Object.keys(STATES).indexOf(name) + each.i);
    await walk.select();
    await walk.filter();
    await walk.sort();
    await walk.pages();
    await walk.node();
    await walk.payload();
    await walk.export();
    expect(walk.found.slice(0, 20).join('\n')).toBe('');
  });

  it('nobody is there for an evaluator, on any path', async () => {
    const ask = async (document: string) => (await server.ask(NOBODY, document)).body;
    for (const document of [
      `{ family(id: "${id}") { id } }`,
      '{ families { totalCount { value } } }',
      '{ interventions { totalCount { value } } }',
    ])
      expect(Object.values((await ask(document)).data), document).toEqual([null]);
    expect((await ask(`{ node(id: "${id}") { id } }`)).data).toEqual({ node: null });
  });
});
