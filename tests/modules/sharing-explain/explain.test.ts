/** Who may have another's access explained, of which families, and what stands on record of it; and what a change of the agreement would do. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENCIES, OPEN_CLASSES } from '../../../src/access/classes.ts';
import { matrixRows } from '../../../src/access/matrix.ts';
import { changedLevels, documentChanges, fieldChanges, publishedDocuments } from '../../../src/access/simulate.ts';
import { namesIn, viewFor } from '../../../src/access/view.ts';
import { schemaFaults } from '../../../src/graphql/check.ts';
import { BINDINGS, COMMANDS, ROOTS } from '../../../src/modules/index.ts';
import { productSchema } from '../../../src/server.ts';
import { oneLine, root, run } from '../../support/command.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const lead: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const policeLead: Caller = { client: 'thames-valley-police-governance', user: 'harriet.coyle', purpose: 'GOVERNANCE' };
const officer = { client: 'thames-valley-police-protection', user: 'harriet.coyle' };
const family = encodeId('Family', 1);

let ownerUrl: string;
let server: TestServer;
let owner: pg.Client;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_explain');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
}, 180_000);
afterAll(async () => {
  await server?.close();
  await owner?.end();
});

const EXPLAIN = `query($client: String!, $user: String, $purpose: String, $family: ID!, $person: ID, $field: String!, $row: ID) {
  explainAccess(client: $client, user: $user, purpose: $purpose, family: $family, person: $person, field: $field, row: $row) {
    verdict alike class organisation agency purpose agreementVersion steps { rule verdict words from until } } }`;
const explained = async (caller: Caller, variables: Record<string, unknown>) =>
  (await server.ask(caller, EXPLAIN, { ...officer, family, field: 'Person.nhsNumber', ...variables })).body;
const rules = (body: any) => body.data.explainAccess.steps.map((step: any) => `${step.rule} ${step.verdict}`);

describe('who may ask', () => {
  it('nobody without the role: refused by name, and the refusal is on record', async () => {
    for (const caller of ['socialWorker', 'police', 'evaluator'] as const) {
      const { body } = await server.ask(caller, EXPLAIN, { ...officer, family, field: 'Person.nhsNumber' });
      expect(body.data).toEqual({ explainAccess: null });
      expect(body.errors).toHaveLength(1);
      expect(body.errors?.[0].extensions).toMatchObject({ field: 'Query.explainAccess', class: 'OPERATION', reason: 'NOT_FOR_THIS_ROLE' });
    }
    const view = await server.ask('socialWorker', `{ agencyView(agency: POLICE, family: "${family}") { there } }`);
    expect(view.body.errors?.[0].extensions.field).toBe('Query.agencyView');
    const simulated = await server.ask('police', '{ simulateAgreement(changes: []) { opens } }');
    expect(simulated.body.errors?.[0].extensions.field).toBe('Query.simulateAgreement');
  });

  it('another organisation asks of its own clients, and of others it is told what it is told of none', async () => {
    expect((await explained(policeLead, {})).data.explainAccess).toMatchObject({ verdict: 'WITHHELD', agency: 'POLICE' });
    const foreign = await server.ask(policeLead, EXPLAIN, { client: 'oxford-health-visiting', family, field: 'Person.nhsNumber' });
    const none = await server.ask(policeLead, EXPLAIN, { client: 'there-is-none', family, field: 'Person.nhsNumber' });
    expect(foreign.body.data).toEqual({ explainAccess: null });
    expect(foreign.body.data).toEqual(none.body.data);
    expect(foreign.body.errors).toBeUndefined();
    const { body } = await server.ask(policeLead, `{ agencyView(agency: HEALTH, family: "${family}") { client } }`);
    expect(body.data).toEqual({ agencyView: null });
  });

  it('of a family that is hidden from who asks it says what it says of none', async () => {
    const hidden = (
      await owner.query(
        `select f.id from fsp.family f where not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login
         join fsp.organisation o on o.id = l.organisation where g.family = f.id and o.code = 'thames-valley-police') limit 1`,
      )
    ).rows[0].id;
    const never = 999_999_999;
    for (const id of [hidden, never])
      expect((await explained(policeLead, { family: encodeId('Family', id) })).data).toEqual({ explainAccess: null });
    await owner.query('update fsp.family set restricted = true where id = 2');
    const restricted = await server.ask(lead, EXPLAIN, { ...officer, family: encodeId('Family', 2), field: 'Family.name' });
    const absent = await server.ask(lead, EXPLAIN, { ...officer, family: encodeId('Family', never), field: 'Family.name' });
    expect(restricted.body.data).toEqual(absent.body.data);
    await owner.query('update fsp.family set restricted = false where id = 2');
    // A person of another family is nobody here.
    const stranger = (await owner.query('select min(person) as person from fsp.membership where family = 3')).rows[0].person;
    expect((await explained(lead, { person: encodeId('Person', stranger) })).data).toEqual({ explainAccess: null });
    expect((await explained(lead, { family: encodeId('Person', 1) })).data).toEqual({ explainAccess: null });
  });

  it('by plain SQL a login is told of its own grants, and the county of those on the families that it controls', async () => {
    const login = async (code: string) =>
      (
        await owner.query(
          'select l.id from fsp.login l join fsp.organisation o on o.id = l.organisation where o.code = $1 and not l.sealed',
          [code],
        )
      ).rows[0].id;
    const [police, health, county] = await Promise.all(['thames-valley-police', 'oxford-health', 'occ'].map(login));
    const asPolice = await sqlAs('thames-valley-police', false, ownerUrl);
    const asCounty = await sqlAs('occ', false, ownerUrl);
    const count = async (client: pg.Client, of: string) =>
      (await client.query('select from fsp.explain_family_grant(1, $1)', [of])).rowCount;
    try {
      expect(await count(asPolice, police)).toBe(1);
      for (const other of [health, county]) {
        expect(await count(asPolice, other)).toBe(0);
        for (const name of ['explain_person_grant', 'explain_involvement'])
          expect((await asPolice.query(`select from fsp.${name}(1, $1)`, [other])).rowCount).toBe(0);
      }
      expect(await count(asCounty, police)).toBe(1);
      expect((await asCounty.query(`select from fsp.explain_family_grant(999999999, $1)`, [police])).rowCount).toBe(0);
      await expect(asPolice.query('select fsp.may_explain(1, 1)')).rejects.toThrow(/permission denied/);
    } finally {
      await asPolice.end();
      await asCounty.end();
    }
  });

  it('the asking is on record: who, of which family and person, and never what was answered', async () => {
    const person = (await owner.query('select min(person) as person from fsp.membership where family = 1')).rows[0].person;
    await explained(lead, { person: encodeId('Person', person) });
    const { rows } = await owner.query('select records from fsp.disclosure');
    const records = rows.flatMap((row) => JSON.parse(row.records));
    const mine = records.filter((record) => record.user === 'gideon.marlowe' && record.persons.length === 1);
    expect(mine.at(-1)).toMatchObject({ families: [1], persons: [Number(person)], classes: ['OPERATION'], purpose: 'GOVERNANCE' });
    expect(mine.at(-1).fields).toContain('Query.explainAccess');
    expect(JSON.stringify(mine)).not.toContain('WITHHELD');
    const refused = records.filter((record) => record.refused.some(({ field }: any) => field === 'Query.explainAccess'));
    expect(refused.length).toBeGreaterThan(0);
  });
});

describe('the reasons', () => {
  it('stand in their order, from the class to the verdict', async () => {
    const body = await explained(lead, {});
    expect(rules(body)).toEqual([
      'CLIENT NEUTRAL',
      'FIELD_CLASS NEUTRAL',
      'AGREEMENT NEUTRAL',
      'ROLE OPENS',
      'PURPOSE OPENS',
      'INVOLVEMENT NEUTRAL',
      'INVOLVEMENT OPENS',
      'STAGE OPENS',
      'USER OPENS',
      'PERSON OPENS',
      'DECISION CLOSES',
      'OWN_ROWS NEUTRAL',
      'VERDICT CLOSES',
    ]);
    expect(body.data.explainAccess.steps.at(-1).words).toBe(
      'Person.nhsNumber: it is withheld. A decision to share NHS_NUMBER, made by the county, would open it.',
    );
  });

  it('name whose decision would open it, and none where none would', async () => {
    const last = async (variables: Record<string, unknown>) => (await explained(lead, variables)).data.explainAccess.steps.at(-1).words;
    expect(await last({ client: 'oxford-health-visiting', user: 'amara.osei', field: 'InterventionTest.result' })).toContain(
      'A decision to share CLINICAL, made by health or providers of their own rows, would open it.',
    );
    // For this purpose own rows alone are opened, whatever is decided.
    expect(
      await last({ client: 'oxford-health-visiting', user: 'amara.osei', purpose: 'CHILD_IN_NEED', field: 'InterventionTest.result' }),
    ).not.toContain('would open it');
    expect(await last({ field: 'Family.workbook' })).not.toContain('would open it');
    expect(await last({ field: 'Family.name' })).not.toContain('would open it');
  });

  it('of a field whose rows may have a class of their own never say flatly that it is seen, and of one row say which it is', async () => {
    const school = { client: 'school-tansy-bridge-pastoral', user: 'owen.lathbury', field: 'Intervention.programme' };
    const { steps, verdict } = (await explained(lead, school)).data.explainAccess;
    expect(verdict).toBe('SEEN');
    expect(steps.at(-1).words).toBe('Intervention.programme: it is seen, where the row’s own class is open to them, too.');
    expect(steps.find((step: any) => step.rule === 'ROW_CLASS').words).toMatch(/Closed to them: .*CLINICAL/);
    const { rows } = await owner.query(
      'select min(intervention) as id, row_mask = 0 or (row_mask & (1 << 15)) = 0 as plain from fsp.intervention_link where family = 1 group by 2',
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { id, plain } of rows) {
      const one = (await explained(lead, { ...school, row: encodeId('Intervention', id) })).data.explainAccess;
      if (!plain) expect(one.verdict).toBe('WITHHELD');
      if (!plain) expect(one.steps.find((step: any) => step.rule === 'ROW_CLASS').verdict).toBe('CLOSES');
      // Which class it is, is not told: it would tell what the help is for.
      expect(JSON.stringify(one.steps.filter((step: any) => step.rule === 'ROW_CLASS'))).not.toMatch(/CLINICAL|VICTIM/);
    }
    // Of another family, of another type, and of none there is nothing.
    const elsewhere = (await owner.query('select min(id) as id from fsp.intervention where family <> 1')).rows[0].id;
    for (const row of [encodeId('Intervention', elsewhere), 'Intervention-999999999', 'Meeting-1'])
      expect((await explained(lead, { ...school, row })).data).toEqual({ explainAccess: null });
    // Nor does a login learn the class of a row by plain SQL, but the county's of its own families.
    const asSchool = await sqlAs('school-tansy-bridge', false, ownerUrl);
    const told = await asSchool.query("select fsp.explain_row_mask(1, 'intervention_link', $1) as mask", [rows[0].id]);
    await asSchool.end();
    expect(told.rows[0].mask).toBeNull();
  });

  it('end where it closes', async () => {
    expect(rules(await explained(lead, { field: 'Family.workbook' }))).toEqual([
      'CLIENT NEUTRAL',
      'FIELD_CLASS NEUTRAL',
      'AGREEMENT CLOSES',
      'VERDICT CLOSES',
    ]);
    expect(rules(await explained(lead, { purpose: 'CRIME_PREVENTION', field: 'Family.name' }))).toContain('PURPOSE CLOSES');
    expect(rules(await explained(lead, { purpose: 'HOUSING_DUTY' }))).toEqual([
      'CLIENT NEUTRAL',
      'CLIENT CLOSES',
      'FIELD_CLASS NEUTRAL',
      'VERDICT CLOSES',
    ]);
    expect(rules(await explained(lead, { user: 'nobody.here' }))).toContain('CLIENT CLOSES');
    const unnamed = await explained(lead, { client: 'team-07-workbook', user: null, field: 'Family.name' });
    expect(rules(unnamed)).toContain('USER CLOSES');
    expect(unnamed.data.explainAccess.verdict).toBe('NOT_SHARED');
    const analyst = await explained(lead, { client: 'occ-analyst', user: 'philippa.nunn', field: 'Family.name' });
    expect(rules(analyst)).toContain('ROLE CLOSES');
  });

  it('name a decision: what, by whom, under which gateway, from when until when', async () => {
    const worked = (body: any) =>
      body.data.explainAccess.steps
        .filter((step: any) => step.rule === 'INVOLVEMENT')
        .map(({ words, from, until }: any) => [words, from, until]);
    const before = worked(await explained(lead, {}));
    await owner.query(
      `insert into fsp.sharing_decision (family, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", until, agreement_version)
       select 1, '{NHS_NUMBER}', 16, 'SHARE', 'POLICE', 'Children Act 1989 s.47', 'For the test.', 'grace.whitlock', id, now() - interval '1 day', now() + interval '1 day', 'tests'
       from fsp.organisation where code = 'occ'`,
    );
    const body = await explained(lead, {});
    expect(body.data.explainAccess.verdict).toBe('SEEN');
    // They work with the family since when they did, whatever is decided.
    expect(worked(body)).toEqual(before);
    expect(before.every(([, from]: any) => from !== null)).toBe(true);
    const decided = body.data.explainAccess.steps.filter((step: any) => step.rule === 'DECISION');
    expect(decided.map(({ verdict }: any) => verdict)).toEqual(['NEUTRAL', 'OPENS']);
    expect(decided[0].words).toBe('Decided to share for the family, by grace.whitlock, under Children Act 1989 s.47.');
    expect(Date.parse(decided[0].until)).toBeGreaterThan(Date.now());
    // The police are told that there is one, by the masks of their own grant; not by whom, which is the county's.
    const theirs = await explained(policeLead, {});
    expect(theirs.data.explainAccess.verdict).toBe('SEEN');
    expect(JSON.stringify(theirs)).not.toContain('grace.whitlock');
  });

  it('what is no field, and no id, is said in words', async () => {
    for (const field of ['Person', 'Person.none', 'Nothing.at', 'Query.family', 'Person.nhsNumber.more'])
      expect((await explained(lead, { field })).errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
    expect((await explained(lead, { field: 'Person.ethnicty' })).errors?.[0].message).toContain('Person.ethnicity');
    for (const [argument, id] of [
      ['family', 'FSP-0000001x'],
      ['person', 'nonsense'],
      ['row', '12'],
    ] as const) {
      const [error] = (await explained(lead, { [argument]: id })).errors ?? [];
      expect(error.extensions.code).toBe('BAD_ID');
      expect(error.message).toContain(`: ${argument}. Ids are like`);
    }
    const both = await server.ask(lead, `{ agencyView(client: "occ-analyst", agency: LA, family: "${family}") { there } }`);
    expect(both.body.errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
  });
});

describe('agencyView', () => {
  it('takes an agency for an organisation of it that works with the family', async () => {
    const { body } = await server.ask(
      lead,
      `{ agencyView(agency: POLICE, family: "${family}") { client there fields { type field verdict } steps { rule } } }`,
    );
    expect(body.data.agencyView).toMatchObject({ client: 'thames-valley-police-protection', there: true });
    const workbook = body.data.agencyView.fields.filter((one: any) => one.type === 'WorkbookEntry');
    expect(new Set(workbook.map((one: any) => one.verdict))).toEqual(new Set(['NOT_SHARED']));
  });

  it('shows no value, whatever stands in the record', async () => {
    const { text } = await server.ask(
      lead,
      `{ agencyView(agency: LA, family: "${family}") { client organisation fields { type field class verdict alike } steps { words } } }`,
    );
    const { rows } = await owner.query(
      'select given_name, family_name from fsp.person_identity where person in (select person from fsp.membership where family = 1)',
    );
    for (const { given_name, family_name } of rows)
      for (const name of [given_name, family_name]) if (name) expect(text).not.toContain(name);
  });
});

describe('simulateAgreement', () => {
  const { schema, classes } = productSchema();

  it('says what a change opens and closes, by field and document, and changes nothing', async () => {
    const document = `{ simulateAgreement(changes: [{ class: CASE, agency: POLICE, level: NEVER }, { class: WORKBOOK, agency: POLICE, level: BY_DECISION }]) {
      opens closes fields { name class agency before after direction } documents { document agency opens narrows blinds } } }`;
    const { data } = (await server.ask(lead, document)).body;
    const { fields, documents, opens, closes } = data.simulateAgreement;
    expect(opens).toBeGreaterThan(0);
    expect(closes).toBeGreaterThan(0);
    expect(fields).toContainEqual({ name: 'Plan.kind', class: 'CASE', agency: 'POLICE', before: 'A', after: 'N', direction: 'CLOSES' });
    expect(fields).toContainEqual({
      name: 'WorkbookEntry.narrative',
      class: 'WORKBOOK',
      agency: 'POLICE',
      before: 'N',
      after: 'D',
      direction: 'OPENS',
    });
    expect(new Set(fields.map((one: any) => one.agency))).toEqual(new Set(['POLICE']));
    const oneFamily = documents.find((one: any) => one.document === 'operations/one-family.graphql');
    expect(oneFamily.blinds).toContain('Family.stage');
    expect(oneFamily.opens).toContain('Family.workbook');
    const { data: after } = (await server.ask('police', `{ family(id: "${family}") { stage } }`)).body;
    expect(after.family.stage).not.toBeNull();
  });

  it('refuses what has no level, and a cell that is changed twice', async () => {
    for (const changes of [
      '[{ class: STRUCTURE, agency: POLICE, level: NEVER }]',
      '[{ class: CASE, agency: POLICE, level: NEVER }, { class: CASE, agency: POLICE, level: ALWAYS }]',
    ])
      expect((await server.ask(lead, `{ simulateAgreement(changes: ${changes}) { opens } }`)).body.errors?.[0].extensions.code).toBe(
        'BAD_USER_INPUT',
      );
  });

  it('reads each agency’s schema as it is made for download', () => {
    for (const agency of AGENCIES) {
      const view = viewFor(schema, classes, agency);
      const there = new Set<string>();
      for (const type of Object.values(view.getTypeMap())) {
        if (type.name.startsWith('__') || !('getFields' in type) || 'resolveType' in type) continue;
        for (const field of Object.values(type.getFields())) {
          there.add(`${type.name}.${field.name}`);
          for (const argument of ('args' in field ? field.args : []) as { name: string }[])
            there.add(`${type.name}.${field.name}(${argument.name})`);
        }
      }
      expect([...namesIn(schema, classes, agency)].sort(), agency).toEqual([...there].sort());
    }
  });

  it('an agreement that is as it was opens and closes nothing', () => {
    const rows = matrixRows(schema, classes);
    const same = fieldChanges(rows, matrixRows(schema, classes, changedLevels([])));
    expect(same).toEqual([]);
    expect(documentChanges(schema, publishedDocuments(), same)).toEqual([]);
  });

  it('stands in the build: what opens is an exit code', async () => {
    const simulate = (...args: string[]) => run('simulate', args);
    const closing = await simulate('--change', 'CASE:POLICE=N', '--fail-on-opening');
    expect(closing.code).toBe(0);
    expect(closing.out).toContain('Plan.kind for POLICE (A → N)');
    expect(closing.out).toMatch(/operations\/one-family\.graphql for POLICE\n(?: {4}.*\n)* {4}goes blind to: .*Family\.stage/);
    const opening = await simulate('--change', 'WORKBOOK:POLICE=O/D', '--fail-on-opening');
    expect(opening.code).toBe(2);
    const same = await simulate('--against', `${root}/docs/sharing-matrix.md`, '--fail-on-opening');
    expect(same).toMatchObject({ code: 0 });
    expect(same.out).toContain('Nothing opens and nothing closes.');
    expect(await simulate('--change', 'CASE:POLICE')).toMatchObject({ code: 1, out: '', err: oneLine });
  }, 120_000);
});

it('every type with a field about people says what it withholds', () => {
  const assembled = productSchema();
  expect(schemaFaults(assembled, BINDINGS, ROOTS, COMMANDS)).toEqual([]);
  const without = [...BINDINGS.keys()].filter((type) => {
    const fields = assembled.classes.all.filter((one) => one.type === type);
    const personal = fields.some(({ dataClass }) => !(OPEN_CLASSES as readonly string[]).includes(dataClass));
    return personal !== fields.some(({ field }) => field === 'withheld');
  });
  expect(without).toEqual([]);
});
