/** Evidence packs: prepared on record, read anew, and never more than their recipient may be given. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLASS_BIT } from '../../../src/access/classes.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { checkPack } from '../../../src/modules/evidence/rules.ts';
import { operation } from '../../../src/portal/demonstration.ts';
import { type Caller, encodeId, ownDatabase, PERSONAS, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const county: Caller = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
const FAMILY = 3;
const family = encodeId('Family', FAMILY);
const key = (name: string) => storyPerson(FAMILY, name);
const who = (name: string) => encodeId('Person', key(name));

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
let organisations: Map<string, number>;
/** Children of the family, and what the mother told that is kept from her partner. */
let child: string;
let secrets: { id: string; narrative: string }[];
let entries: number;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_evidence');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  const { rows } = await owner.query('select id, code from fsp.organisation');
  organisations = new Map(rows.map(({ id, code }) => [code, id]));
  const all = (await owner.query('select id, narrative, kept_from from fsp.workbook_entry where family = $1', [FAMILY])).rows;
  entries = all.length;
  secrets = all.filter((row) => row.kept_from.includes(String(key('partner'))));
  expect(secrets.length).toBeGreaterThan(3);
  const [first] = (
    await owner.query("select person from fsp.membership where family = $1 and role = 'child' order by person limit 1", [FAMILY])
  ).rows;
  child = encodeId('Person', first.person);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(caller: Caller, field: string, selection: string, input: object, idempotencyKey = `k${++keys}`): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path } } }`;
  const { body } = await server.ask(caller, document, { input: { idempotencyKey, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
/** The same of a command that is to succeed. */
async function done(field: string, selection: string, input: object): Promise<any> {
  const payload = await run(county, field, selection, input);
  expect(payload.userErrors, JSON.stringify(payload)).toEqual([]);
  return payload;
}
const PACK = 'pack { id purpose from to preparedBy organisation { code } recipient { organisation { code } person { givenName } name } }';
const court = { name: 'The Family Court at Oxford' };
const order = (recipient: object, extra: object = {}) => ({ family, purpose: 'COURT', recipient, ...extra });
async function prepared(recipient: object, extra: object = {}): Promise<string> {
  const payload = await run(county, 'prepareEvidencePack', PACK, order(recipient, extra));
  expect(payload.userErrors, JSON.stringify(payload)).toEqual([]);
  return payload.pack.id;
}
const read = async (id: string, selection: string, caller: Caller = county) => {
  const { body } = await server.ask(caller, `query($id: ID!) { node(id: $id) { ... on EvidencePack { ${selection} } } }`, { id });
  expect(body.errors, JSON.stringify(body.errors)).toBeUndefined();
  return body.data.node;
};
const whole = async (id: string, caller: Caller = county) => {
  const { body } = await server.ask(caller, operation('evidence-pack'), { id });
  return body.data.node;
};
const page = async (id: string, caller: Caller = county) =>
  server.app.inject({
    method: 'GET',
    url: `/evidence-packs/${id}`,
    headers: { authorization: `Bearer ${await server.token(caller)}`, 'x-purpose-of-use': caller.purpose as string },
  });
const disclosed = async () => {
  const { rows } = await owner.query('select records from fsp.disclosure order by at desc, sequence desc limit 1');
  return (JSON.parse(rows[0].records) as any[]).at(-1);
};

describe('an order for a pack', () => {
  const input = { idempotencyKey: 'k', family: 'F', purpose: 'COURT' as const };
  it('names one recipient, and a period that ends after it begins', () => {
    expect(checkPack({ ...input, recipient: court })).toEqual([]);
    const wrong = [{}, { name: 'A', person: 'P' }, { name: ' ' }];
    expect(wrong.map((recipient) => checkPack({ ...input, recipient })[0]?.path.join('.'))).toEqual([
      'recipient',
      'recipient',
      'recipient.name',
    ]);
    expect(checkPack({ ...input, recipient: court, from: '2026-02-01', to: '2026-01-31' })).toMatchObject([
      { code: 'INVALID', path: ['to'] },
    ]);
  });
});

describe('prepareEvidencePack', () => {
  it('puts on record who prepared it, for whom and for what, and is read back by the county', async () => {
    const payload = await run(county, 'prepareEvidencePack', PACK, order(court, { from: '2025-01-01', to: '2026-12-31' }), 'once');
    expect(payload).toMatchObject({
      pack: {
        purpose: 'COURT',
        from: '2025-01-01',
        to: '2026-12-31',
        preparedBy: 'Marcus Oyelaran',
        organisation: { code: 'occ' },
        recipient: { organisation: null, person: null, name: 'The Family Court at Oxford' },
      },
      userErrors: [],
    });
    const { rows } = await owner.query('select * from fsp.outbox order by id desc limit 1');
    expect(rows[0]).toMatchObject({
      action: 'prepareEvidencePack',
      entity: 'EvidencePack',
      family: String(FAMILY),
      subject: 'marcus.oyelaran',
    });
    const again = await run(county, 'prepareEvidencePack', PACK, order(court, { from: '2025-01-01', to: '2026-12-31' }), 'once');
    expect(again).toEqual(payload);
    const { body } = await server.ask(
      county,
      'query($id: ID!) { family(id: $id) { evidencePacks { totalCount { value } nodes { id } } } }',
      {
        id: family,
      },
    );
    expect(body.data.family.evidencePacks).toEqual({ totalCount: { value: 1 }, nodes: [{ id: payload.pack.id }] });
  });
  it('says what is wrong, in the same words for what is hidden and what never was', async () => {
    const errors = async (input: object) =>
      (await run(county, 'prepareEvidencePack', PACK, input)).userErrors.map((e: any) => [e.code, e.path.join('.')]);
    expect(await errors(order({}))).toEqual([['INVALID', 'recipient']]);
    expect(await errors(order(court, { family: encodeId('Family', 999_999) }))).toEqual([['NOT_FOUND', 'family']]);
    expect(await errors(order({ person: encodeId('Person', storyPerson(2, 'mother')) }))).toEqual([['NOT_FOUND', 'recipient.person']]);
    expect(await errors(order({ organisation: encodeId('Organisation', 999_999) }))).toEqual([['NOT_FOUND', 'recipient.organisation']]);
  });
  it.each(['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)(
    'is not for %s, who does not read one either',
    async (name) => {
      const refused = await run(PERSONAS[name], 'prepareEvidencePack', PACK, order(court));
      expect(refused).toMatchObject({ code: 'FORBIDDEN', field: 'Mutation.prepareEvidencePack', reason: 'NOT_YOURS_TO_WRITE' });
      const id = await prepared(court);
      const node = async (of: string) => (await server.ask(name, 'query($id: ID!) { node(id: $id) { id } }', { id: of })).text;
      expect(await node(id)).toBe(await node(encodeId('EvidencePack', 999_999)));
      const hidden = await page(id, PERSONAS[name]);
      expect([hidden.statusCode, hidden.body]).toEqual([404, (await page(encodeId('EvidencePack', 999_999), PERSONAS[name])).body]);
      const { body } = await server.ask(name, 'query($id: ID!) { family(id: $id) { evidencePacks { totalCount { value } } } }', {
        id: family,
      });
      expect(body.data.family?.evidencePacks?.totalCount.value ?? 0).toBe(0);
    },
  );
  it('is no agency’s by plain SQL, and nobody says for whom a recipient stands but the database', async () => {
    const id = Number((await prepared({ person: who('partner') })).split('-')[1]);
    for (const organisation of ['team-07', 'oxford-health', 'thames-valley-police', 'turning-point']) {
      const sql = await sqlAs(organisation, false, ownerUrl);
      expect((await sql.query('select id from fsp.evidence_pack')).rows).toEqual([]);
      await expect(
        sql.query(
          `insert into fsp.evidence_pack (family, controller, purpose, recipient_name, prepared_by) values (${FAMILY}, ${organisations.get(organisation)}, 'COURT', 'x', 'x')`,
        ),
      ).rejects.toMatchObject({ code: '42501' });
      await sql.end();
    }
    const sql = await sqlAs('occ', false, ownerUrl);
    const { rows } = await sql.query(
      `insert into fsp.evidence_pack (family, controller, purpose, recipient_person, recipient_persons, prepared_by) values (${FAMILY}, ${organisations.get('occ')}, 'COURT', ${key('partner')}, '{}', 'x') returning recipient_persons`,
    );
    expect(rows[0].recipient_persons).toEqual([String(key('partner'))]);
    await expect(sql.query(`update fsp.evidence_pack set recipient_persons = '{}' where id = ${id}`)).rejects.toMatchObject({
      code: '42501',
    });
    await sql.end();
  });
});

/** Something of every kind that can be kept from the partner, each with a word of its own. */
const SECRET = /pebble-\d+/;
async function keepSecrets() {
  const from = `'{${key('partner')}}'`;
  const at = `${FAMILY}, ${key('mother')}, ${organisations.get('occ')}`;
  const insert = async (table: string, columns: string, values: string) =>
    (await owner.query(`insert into fsp.${table} (${columns}) values (${values}) returning *`)).rows[0];
  const talk = await insert('strategy_discussion', 'family, person, controller, held_on', `${at}, '2026-11-01'`);
  await insert(
    'strategy_outcome',
    'discussion, family, person, controller, kept_from, outcome, reasons',
    `${talk.id}, ${at}, ${from}, (select code from fsp.code where list = 'strategy-outcome' limit 1), 'pebble-1'`,
  );
  await done('recordChildVoice', 'voice { id }', {
    family,
    person: child,
    words: 'pebble-2',
    medium: 'said',
    on: '2026-11-02',
    keptFrom: [who('partner')],
  });
  await done('addWorkbookEntry', 'entry { id }', {
    family,
    module: 'Getting started',
    discipline: 'social-worker',
    sessionType: 'individual',
    occurred: '2026-11-03T10:00:00.000Z',
    persons: [who('mother')],
    keptFrom: [who('partner')],
    narrative: 'pebble-3',
    childWords: [{ person: child, words: 'pebble-4' }],
    readings: [{ person: who('mother'), behaviour: 'alcohol', stageOfChange: 'ACTION', capacityForChange: 4 }],
  });
  const plan = await insert('family_plan', 'family, controller, opened_on', `${FAMILY}, ${organisations.get('occ')}, '2026-09-01'`);
  const goal = await insert(
    'family_goal',
    'family, controller, family_plan, goal',
    `${FAMILY}, ${organisations.get('occ')}, ${plan.id}, 'A quiet home.'`,
  );
  await insert(
    'family_action',
    'family, controller, kept_from, goal, action, due_on',
    `${FAMILY}, ${organisations.get('occ')}, ${from}, ${goal.id}, 'pebble-5', '2026-12-01'`,
  );
  await done('recordDecision', 'decision { id }', {
    family,
    kind: (await owner.query("select code from fsp.code where list = 'decision-kind' limit 1")).rows[0].code,
    on: '2026-11-04',
    role: 'social worker',
    what: 'pebble-6',
    reason: 'She said so.',
    evidence: [],
    keptFrom: [who('partner')],
  });
}

/** While a decision withholds the children's words in this family, from the county itself. */
async function withheldFromCounty(meanwhile: () => Promise<void>): Promise<void> {
  const { rows } = await owner.query(
    `insert into fsp.sharing_decision (family, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
     values ($1, '{CHILD_VOICE}', 1 << $2::int, 'WITHHOLD', 'LA', 'NONE', 'for the test', 'test', $3, now() - interval '1 hour', 'test') returning id`,
    [FAMILY, CLASS_BIT.CHILD_VOICE, organisations.get('occ')],
  );
  await meanwhile();
  await owner.query('update fsp.sharing_decision set withdrawn_at = now() where id = $1', [rows[0].id]);
}

describe('what a pack shows', () => {
  beforeAll(keepSecrets);

  it('to a court is what its reader sees', async () => {
    const pack = await whole(await prepared(court));
    expect(new Set(JSON.stringify(pack).match(new RegExp(SECRET, 'g')))).toEqual(new Set([1, 2, 3, 4, 5, 6].map((n) => `pebble-${n}`)));
    expect(pack.workbook.totalCount.value).toBe(entries + 1);
    expect(pack.plans.length).toBeGreaterThan(0);
    expect(pack.interventions.totalCount.value).toBeGreaterThan(0);
  });
  it('to the partner holds nothing that is kept from him: not in any list, not beside anything, not in a count', async () => {
    const id = await prepared({ person: who('partner') });
    const pack = await whole(id);
    expect(JSON.stringify(pack)).not.toMatch(SECRET);
    for (const { narrative } of secrets) expect(JSON.stringify(pack)).not.toContain(narrative);
    expect(pack.workbook.totalCount.value).toBe(entries - secrets.length);
    expect(pack.workbook.nodes).toHaveLength(entries - secrets.length);
    expect(pack.childVoices.totalCount.value).toBe(0);
    expect(pack.decisions.nodes.map((n: any) => n.what)).not.toContain('pebble-6');
    expect(pack.strategyDiscussions).toEqual([expect.objectContaining({ held: '2026-11-01', outcome: null, reasons: null })]);
    expect(pack.familyPlans.at(-1).goals).toEqual([expect.objectContaining({ goal: 'A quiet home.', actions: [] })]);
  });
  it('holds as little of it on any way round', async () => {
    const around =
      'family { workbook(first: 100) { totalCount { value } nodes { id narrative } } chronology(first: 100) { totalCount { value } nodes { ... on WorkbookEntry { narrative } ... on ChildVoice { words } ... on Decision { what } } } evidencePacks { nodes { workbook { totalCount { value } } } } }';
    const forHim = await read(await prepared({ person: who('partner') }), around);
    expect(forHim.family.workbook.totalCount.value).toBe(entries - secrets.length);
    expect(JSON.stringify(forHim)).not.toMatch(SECRET);
    // A pack within a pack is for both recipients.
    for (const inner of forHim.family.evidencePacks.nodes) expect(inner.workbook.totalCount.value).toBe(entries - secrets.length);
    const forCourt = await read(await prepared(court), around);
    expect(forCourt.family.chronology.totalCount.value - forHim.family.chronology.totalCount.value).toBeGreaterThanOrEqual(
      secrets.length + 3,
    );
  });
  it('to the mother holds what she told; to a child what is kept from nobody or from others', async () => {
    expect(JSON.stringify(await whole(await prepared({ person: who('mother') })))).toMatch(SECRET);
    expect(JSON.stringify(await whole(await prepared({ person: child })))).toMatch(SECRET);
  });
  it('keeps a child’s confidence from the parent from whom it is kept', async () => {
    await done('recordChildVoice', 'voice { id }', {
      family,
      person: child,
      words: 'I am not to say it to Mum.',
      medium: 'said',
      on: '2026-11-05',
      keptFrom: [who('mother')],
    });
    const of = async (recipient: object) =>
      (await read(await prepared(recipient), 'childVoices { totalCount { value } nodes { words } }')).childVoices;
    expect(JSON.stringify(await of({ person: who('mother') }))).not.toContain('not to say it');
    expect(JSON.stringify(await of({ person: who('partner') }))).toContain('not to say it');
    expect((await of({ person: who('mother') })).totalCount.value).toBe(1);
  });
  it('to an organisation that works only with him is as to him, even if its work is hidden from who prepares it', async () => {
    const id = await prepared({ organisation: encodeId('Organisation', organisations.get('elmore-perpetrators') as number) });
    expect(JSON.stringify(await whole(id))).not.toMatch(SECRET);
    const { rows } = await owner.query('select recipient_persons from fsp.evidence_pack order by id desc limit 1');
    expect(rows[0].recipient_persons).toEqual([String(key('partner'))]);
    const team = await prepared({ organisation: encodeId('Organisation', organisations.get('team-07') as number) });
    expect(JSON.stringify(await whole(team))).toMatch(SECRET);
  });
  it('is cut to its period', async () => {
    const months =
      'workbook(first: 100) { totalCount { value } nodes { occurred } } strategyDiscussions { held } childVoices { nodes { on } } decisions { nodes { on } } capacityForChange(first: 100) { nodes { observedOn } } plans { started ended } interventions { totalCount { value } }';
    const november = await read(await prepared(court, { from: '2026-11-01', to: '2026-11-30' }), months);
    expect(november.strategyDiscussions).toEqual([{ held: '2026-11-01' }]);
    for (const { occurred } of november.workbook.nodes) expect(occurred.slice(0, 7)).toBe('2026-11');
    for (const { observedOn } of november.capacityForChange.nodes) expect(observedOn.slice(0, 7)).toBe('2026-11');
    expect(november.workbook.totalCount.value).toBe(november.workbook.nodes.length);
    for (const { started, ended } of november.plans)
      expect(started <= '2026-11-30' && (ended === null || ended >= '2026-11-01')).toBe(true);
    const before = await read(await prepared(court, { to: '1999-12-31' }), months);
    expect(before).toEqual({
      workbook: { totalCount: { value: 0 }, nodes: [] },
      strategyDiscussions: [],
      childVoices: { nodes: [] },
      decisions: { nodes: [] },
      capacityForChange: { nodes: [] },
      plans: [],
      interventions: { totalCount: { value: 0 } },
    });
  });
  it('is a disclosure each time, and read under the rights of that time', async () => {
    const id = await prepared(court);
    await whole(id);
    const record = await disclosed();
    expect(record).toMatchObject({ operation: 'EvidencePack', families: [FAMILY], user: 'marcus.oyelaran' });
    expect(record.persons).toContain(key('mother'));
    expect(record.classes).toEqual(expect.arrayContaining(['CASE', 'WORKBOOK', 'ASSESSMENT', 'CHILD_VOICE']));
    expect(JSON.stringify(await whole(id))).toContain('pebble-2');
    await withheldFromCounty(async () => {
      const now = await whole(id);
      expect(now.childVoices).toBeNull();
      expect(now.withheld).toContainEqual(expect.objectContaining({ field: 'childVoices', reason: 'DECISION_WITHHOLDS' }));
      expect(JSON.stringify(now)).not.toContain('pebble-2');
    });
  });
});

describe('the page', () => {
  it('shows what the published document answers, as text that cannot be anything else', async () => {
    const hostile = '</style><script>alert("pack")</script><img src=x onerror=alert(1)> & “quoted”';
    await done('addWorkbookEntry', 'entry { id }', {
      family,
      module: 'Getting started',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: '2026-11-06T10:00:00.000Z',
      persons: [who('mother')],
      narrative: hostile,
    });
    const id = await prepared({ name: '<b>Court</b>' });
    const { statusCode, headers, body } = await page(id);
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'$/);
    expect(body).toContain(
      '&lt;/style&gt;&lt;script&gt;alert(&quot;pack&quot;)&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt; &amp; “quoted”',
    );
    expect(body).toContain('&lt;b&gt;Court&lt;/b&gt;');
    expect(body.match(/<(script|img|b)\b/g)).toBeNull();
    expect(body.match(/<\/style>/g)).toHaveLength(1);
    for (const words of [
      'Evidence pack',
      'Marcus Oyelaran',
      'Oxfordshire County Council',
      'Nothing of it is withheld',
      '@page',
      'pebble-3',
    ])
      expect(body).toContain(words);
    expect(await disclosed()).toMatchObject({ operation: 'EvidencePack', families: [FAMILY] });
    const titles = [...body.matchAll(/<h2>([^<]+)<\/h2>/g)].map(([, title]) => title);
    expect(titles).toEqual([
      'Safety',
      'Plans and reviews',
      'The family’s own plan',
      'Steps up and down',
      'Strategy discussions',
      'Section 47 enquiries',
      'Conferences',
      'Pre-proceedings',
      'Assessments',
      'Specialist assessments',
      'Capacity for change',
      'Workbook',
      'Change by tools',
      'Readings of tools',
      'Interventions',
      'Meetings',
      'Decisions',
      'Children’s voices',
      'Adults’ voices',
    ]);
  });
  it('for the partner holds nothing that is kept from him', async () => {
    const { body } = await page(await prepared({ person: who('partner') }));
    expect(body).not.toMatch(SECRET);
    for (const { narrative } of secrets) expect(body).not.toContain(narrative.slice(0, 40));
    expect((await page(await prepared({ person: who('mother') }))).body).toMatch(SECRET);
  });
  it('says what is withheld from its reader', async () => {
    const id = await prepared(court);
    await withheldFromCounty(async () => {
      const { body } = await page(id);
      expect(body).toMatch(/Withheld from who read it for this page: [^<]*child voices \(ask the lead practitioner\)/);
      expect(body).toContain('<h2>Children’s voices</h2><p class="note">Withheld.</p>');
      expect(body).not.toContain('pebble-2');
    });
  });
  it('of a pack that is hidden, of none, of another thing and of no id is one and the same', async () => {
    const outsider: Caller = { client: 'occ-social-care', user: 'grace.whitlock', purpose: 'PERFORMANCE' };
    const pages = [
      await page(encodeId('EvidencePack', 999_999)),
      await page(family),
      await page('nonsense'),
      await page(await prepared(court), PERSONAS.healthVisitor),
    ];
    expect(new Set(pages.map(({ statusCode, body }) => `${statusCode} ${body}`)).size).toBe(1);
    expect(pages[0]?.statusCode).toBe(404);
    expect(pages[0]?.headers['cache-control']).toBe('no-store');
    expect((await page(await prepared(court), outsider)).statusCode).not.toBe(200);
  });
  it('asks who is there as everything does', async () => {
    const without = await server.app.inject({ method: 'GET', url: `/evidence-packs/${await prepared(court)}` });
    expect([without.statusCode, without.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect((await server.app.inject({ method: 'HEAD', url: '/evidence-packs/EvidencePack-1' })).statusCode).toBe(404);
    expect((await server.app.inject({ method: 'POST', url: '/evidence-packs/EvidencePack-1' })).statusCode).toBe(404);
  });
});
