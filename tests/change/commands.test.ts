/** The write path: rules, idempotency, what is recorded, what comes back. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { encodeId, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
let owner: pg.Client;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_commands');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const child = encodeId('Person', storyPerson(1, 'mother') + 2);
const add = `mutation($input: AddWorkbookEntryInput!) { addWorkbookEntry(input: $input) { entry { id module narrative author persons { givenName } readings { behaviour { code } stageOfChange } childWords { words } organisation { code } } userErrors { code message path } } }`;
const offer = `mutation($input: OfferServiceInput!) { offerService(input: $input) { offer { id status service { code } person { givenName } offered } userErrors { code message path } } }`;
const entry = (idempotencyKey: string, extra: object = {}) => ({
  input: {
    idempotencyKey,
    family,
    module: 'Getting started',
    discipline: 'social-worker',
    sessionType: 'individual',
    occurred: '2026-11-01T10:00:00.000Z',
    persons: [mother],
    narrative: 'A first talk.',
    ...extra,
  },
});
const rowsOf = async (table: string) => Number((await owner.query(`select count(*) as n from fsp.${table}`)).rows[0].n);

describe('addWorkbookEntry', () => {
  it('101 writes the entry, what belongs to it and who changed what, and reads it back through the rules', async () => {
    const before = await rowsOf('outbox');
    const { body } = await server.ask(
      'socialWorker',
      add,
      entry('k1', {
        readings: [{ person: mother, behaviour: 'alcohol', stageOfChange: 'ACTION', capacityForChange: 3 }],
        childWords: [{ person: child, words: 'I like it at home.' }],
      }),
    );
    expect(body.errors).toBeUndefined();
    expect(body.data.addWorkbookEntry).toMatchObject({
      entry: {
        module: 'Getting started',
        narrative: 'A first talk.',
        author: 'Grace Whitlock',
        persons: [{ givenName: 'Rachel' }],
        readings: [{ behaviour: { code: 'alcohol' }, stageOfChange: 'ACTION' }],
        childWords: [{ words: 'I like it at home.' }],
        organisation: { code: 'occ' },
      },
      userErrors: [],
    });
    expect(await rowsOf('outbox')).toBe(before + 1);
    const { rows } = await owner.query('select * from fsp.outbox order by id desc limit 1');
    expect(rows[0]).toMatchObject({
      action: 'addWorkbookEntry',
      entity: 'WorkbookEntry',
      family: '1',
      client: 'occ-social-care',
      subject: 'grace.whitlock',
      data_classes: ['WORKBOOK', 'CHILD_VOICE'],
    });
    expect(JSON.stringify(rows[0])).not.toContain('A first talk');
  });
  it('133 has one effect for one key, however often and however much at once it is sent', async () => {
    const before = await rowsOf('workbook_entry');
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.ask('socialWorker', add, entry('same-key'))));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.body.data.addWorkbookEntry.entry.id).toEqual(expect.any(String));
    expect(await rowsOf('workbook_entry')).toBe(before + 1);
  });
  it('answers CONFLICT to other input under the same key', async () => {
    const { body } = await server.ask('socialWorker', add, entry('k1', { narrative: 'Something else.' }));
    expect(body.data.addWorkbookEntry).toMatchObject({ entry: null, userErrors: [{ code: 'CONFLICT', path: ['idempotencyKey'] }] });
  });
  it('93 takes another client’s key for a key of its own', async () => {
    const { body } = await server.ask('teamSpecialist', add, entry('k1'));
    expect(body.data.addWorkbookEntry).toMatchObject({
      entry: { author: 'Jonah Pryce', organisation: { code: 'team-07' } },
      userErrors: [],
    });
  });
  it('names everything that can be mended, and writes nothing', async () => {
    const before = [await rowsOf('workbook_entry'), await rowsOf('idempotency'), await rowsOf('outbox')];
    const { body } = await server.ask(
      'socialWorker',
      add,
      entry('bad', {
        module: ' ',
        discipline: 'astrology',
        occurred: '2099-01-01T00:00:00Z',
        persons: [encodeId('Person', 401)],
        readings: [{ person: mother, behaviour: 'alcohol', stageOfChange: 'ACTION', capacityForChange: 9 }],
      }),
    );
    expect(body.data.addWorkbookEntry.entry).toBeNull();
    expect(body.data.addWorkbookEntry.userErrors.map((e: any) => [e.code, e.path.join('.')]).sort()).toEqual([
      ['INVALID', 'discipline'],
      ['INVALID', 'module'],
      ['INVALID', 'occurred'],
      ['INVALID', 'readings.0.capacityForChange'],
      ['NOT_FOUND', 'persons.0'],
    ]);
    expect([await rowsOf('workbook_entry'), await rowsOf('idempotency'), await rowsOf('outbox')]).toEqual(before);
  });
  it('says the same of a family that is hidden and one that never was', async () => {
    const team = { client: 'team-01-workbook', user: 'none', purpose: 'SAFEGUARDING' };
    const member = (
      await owner.query(
        "select subject from fsp.team_member tm join fsp.organisation o on o.id = tm.organisation where o.code = 'team-01' limit 1",
      )
    ).rows[0].subject;
    const ask = (id: string) => server.ask({ ...team, user: member }, add, entry(`hidden-${id}`, { family: id }));
    const [hidden, never] = [await ask(family), await ask(encodeId('Family', 999_999))];
    expect(hidden.text).toBe(never.text);
    expect(hidden.body.data.addWorkbookEntry.userErrors[0]).toMatchObject({ code: 'NOT_FOUND', path: ['family'] });
  });
  it.each(['healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)('is not for %s', async (name) => {
    const before = await rowsOf('workbook_entry');
    const { body } = await server.ask(name, add, entry(`no-${name}`));
    expect(body.data).toEqual({ addWorkbookEntry: null });
    expect(body.errors?.[0].extensions).toMatchObject({
      code: 'FORBIDDEN',
      field: 'Mutation.addWorkbookEntry',
      reason: 'NOT_YOURS_TO_WRITE',
    });
    expect(await rowsOf('workbook_entry')).toBe(before);
  });
  it('asks for the scope', async () => {
    const { body } = await server.ask(
      { client: 'occ-social-care', user: 'grace.whitlock', scopes: ['family:read'], purpose: 'SAFEGUARDING' },
      add,
      entry('no-scope'),
    );
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_FOR_THIS_ROLE' });
  });
  it('takes one mutation field to an operation', async () => {
    const { status, body } = await server.ask(
      'socialWorker',
      'mutation($input: AddWorkbookEntryInput!) { a: addWorkbookEntry(input: $input) { userErrors { code } } b: addWorkbookEntry(input: $input) { userErrors { code } } }',
      entry('two'),
    );
    expect(status).toBe(400);
    expect(body.errors?.[0].extensions.code).toBe('MULTIPLE_MUTATIONS');
  });
});

describe('offerService', () => {
  it('offers a service of the directory and reads the offer back', async () => {
    const services = (
      await server.ask('socialWorker', '{ services(filter: { district: "E07000177", kind: "holiday-club" }) { nodes { id code } } }')
    ).body.data.services.nodes;
    const { body } = await server.ask('socialWorker', offer, {
      input: { idempotencyKey: 'o1', family, person: child, service: services[0].id, offered: '2026-11-02' },
    });
    expect(body.data.offerService).toMatchObject({
      offer: { status: 'OFFERED', offered: '2026-11-02', service: { code: services[0].code } },
      userErrors: [],
    });
    // The desk that gives it has it as a row of its own, and no family with it.
    const desk = await server.ask(
      {
        client: 'cherwell-leisure-desk',
        user: (
          await owner.query(
            "select u.subject from fsp.app_user u join fsp.organisation o on o.id = u.organisation where o.code = 'cherwell-leisure' limit 1",
          )
        ).rows[0].subject,
        purpose: 'EARLY_HELP',
      },
      'query($id: ID!) { node(id: $id) { ... on ServiceOffer { status service { code } family { id } person { id } } } }',
      { id: body.data.offerService.offer.id },
    );
    expect(desk.body.data.node).toMatchObject({ status: 'OFFERED', service: { code: services[0].code } });
    const other = await server.ask('housingDesk', 'query($id: ID!) { node(id: $id) { ... on ServiceOffer { status } } }', {
      id: body.data.offerService.offer.id,
    });
    expect(other.body.data.node).toBeNull();
  });
  it('refuses a day to come and a service that is none', async () => {
    const { body } = await server.ask('socialWorker', offer, {
      input: { idempotencyKey: 'o2', family, person: mother, service: encodeId('Service', 999_999), offered: '2026-11-02' },
    });
    expect(body.data.offerService.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['service'] }]);
  });
});
