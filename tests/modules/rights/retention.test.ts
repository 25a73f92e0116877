/** How long records are kept, what holds them back, who decides, and that what is erased is gone and nothing else. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifiedTables, type TableClass } from '../../../src/db/classified.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { erasing, erasingFaults } from '../../../src/db/erasing.ts';
import { readNational } from '../../../src/db/reference.ts';
import { dueOn, type RecordFacts, recordKind, yearsAfter } from '../../../src/modules/rights/retention.ts';
import { eraseApproved, proposeErasures, sweep } from '../../../src/modules/rights/retention-job.ts';
import { checkErasureDecision } from '../../../src/modules/rights/rules.ts';
import '../../../src/modules/tables.ts';
import { whileIndexing } from '../../support/indexing.ts';
import {
  type Caller,
  encodeId,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_retention', true);
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
  // The demonstration's own.
  await owner.query('update fsp.retention_hold set lifted_on = current_date');
  await stage('CLOSED');
}, 180_000);
afterAll(async () => {
  await server.close();
  await owner.end();
});

const gideon: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const agnes: Caller = { ...gideon, user: 'agnes.thorley' };
const family = encodeId('Family', 1);
const stage = (is: string) => owner.query('update fsp.family_stage set stage = $1 where family = 1', [is]);
let keys = 0;
async function does(as: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const name = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${name}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const HOLD = 'hold { id version cause { code } lifted family { id } }';
const PROPOSAL = 'proposal { id version status rule { code years } dueOn proposedBy decidedBy family { id } }';

describe('rules', () => {
  const facts: RecordFacts = {
    closedOn: '2020-03-01',
    adoptedOn: [],
    lookedAfter: false,
    childProtection: false,
    childInNeed: false,
    births: ['2010-01-01', '2016-02-29'],
  };
  const rules = readNational().retention.map(({ from, ...rule }) => ({ ...rule, fromEvent: from }));
  const due = (given: Partial<RecordFacts>) => {
    const all = { ...facts, ...given };
    return dueOn(rules.find(({ code }) => code === recordKind(all)) as (typeof rules)[number], all);
  };
  it('the longest that any child’s record is kept', () => {
    expect(yearsAfter('2016-02-29', 25)).toBe('2041-03-01');
    expect([due({}), due({ childInNeed: true }), due({ childInNeed: true, childProtection: true })]).toEqual([
      '2026-03-01',
      '2041-03-01',
      '2041-03-01',
    ]);
    expect(due({ lookedAfter: true, childProtection: true })).toBe('2091-03-01');
    expect(due({ adoptedOn: ['2019-05-01'], lookedAfter: true })).toBe('2119-05-01');
  });
  it('nothing is due of what is open, of an unknown birth, and before work with the family ended', () => {
    expect([
      due({ closedOn: null }),
      due({ lookedAfter: true, births: ['2016-02-29', null] }),
      due({ childInNeed: true, births: [] }),
    ]).toEqual([null, null, null]);
    expect(due({ childInNeed: true, births: ['1990-01-01'] })).toBe('2020-03-01');
  });
  it('each has a source, and is the authority’s to set where none is found', () => {
    for (const { source, status } of rules) expect(source.length, status).toBeGreaterThan(20);
    expect(rules.filter(({ status }) => status === 'authority').map(({ code }) => code)).toEqual([
      'CHILD_PROTECTION',
      'CHILD_IN_NEED',
      'EARLY_HELP',
    ]);
  });
  it('a second person approves, and may still stop it', () => {
    const rule = (...given: Parameters<typeof checkErasureDecision>) => checkErasureDecision(...given).map((error) => error.rule);
    const proposed = { status: 'PROPOSED', proposedUser: 'a' };
    expect([rule(proposed, true, 'a'), rule(proposed, true, 'b'), rule(proposed, true, null), rule(proposed, false, 'a')]).toEqual([
      ['ERASURE_SECOND_PERSON'],
      [],
      ['ERASURE_PERSON'],
      [],
    ]);
    const approved = { ...proposed, status: 'APPROVED' };
    expect([rule(approved, true, 'b'), rule(approved, false, 'b'), rule({ ...proposed, status: 'REJECTED' }, false, 'b')]).toEqual([
      ['ERASURE_DECIDED'],
      [],
      ['ERASURE_DECIDED'],
    ]);
  });
});

describe('what is erased of each table', () => {
  const all = classifiedTables();
  it('is said of every table', () => expect(erasingFaults()).toEqual([]));
  it('a table that is forgotten is named', () => {
    const forgotten = { ...all.find(({ name }) => name === 'look_up'), name: 'letter_to_somebody' } as TableClass;
    expect(erasingFaults([...all, forgotten])).toEqual([expect.stringMatching(/^letter_to_somebody: nothing says/)]);
    expect(() => erasing([...all, forgotten])).toThrow('letter_to_somebody');
    expect(erasingFaults(all.filter(({ name }) => name !== 'outbox'))).toEqual([expect.stringMatching(/^outbox: there is no such table/)]);
  });
});

describe('holds', () => {
  it('are governance’s, of a family or of everybody', async () => {
    const hold = { family, cause: 'inquiry', reason: 'Asked to keep it.', on: '2026-11-02' };
    expect(await does('socialWorker', 'placeHold', hold, HOLD)).toMatchObject({ refused: { reason: 'NOT_FOR_THIS_ROLE' } });
    expect(await does('police', 'placeHold', hold, HOLD)).toMatchObject({ refused: { reason: 'NOT_YOURS_TO_WRITE' } });
    const placed = await does(gideon, 'placeHold', hold, HOLD);
    expect(placed).toMatchObject({ userErrors: [], hold: { cause: { code: 'inquiry' }, family: { id: family }, lifted: null } });
    const proposal = { family, rule: 'ERASURE_REQUEST', reason: 'She asked for it.' };
    expect((await does(gideon, 'proposeErasure', proposal, PROPOSAL)).userErrors).toMatchObject([{ rule: 'ERASURE_HELD' }]);
    const lift = { hold: placed.hold.id, expectedVersion: 1, reason: 'It has reported.', on: '2026-11-10' };
    expect((await does(gideon, 'liftHold', lift, HOLD)).hold.lifted).toBe('2026-11-10');
    expect((await does(gideon, 'liftHold', { ...lift, expectedVersion: 2 }, HOLD)).userErrors).toMatchObject([{ rule: 'HOLD_LIFTED' }]);
    expect(
      (await does(gideon, 'placeHold', { ...hold, cause: 'x', family: encodeId('Family', 99_999_999) }, HOLD)).userErrors,
    ).toMatchObject([{ path: ['cause'] }, { code: 'NOT_FOUND', path: ['family'] }]);
    const login = await sqlAs('oxford-health', false, ownerUrl);
    expect((await login.query('select * from fsp.retention_hold')).rows).toEqual([]);
    await expect(login.query(`update fsp.retention_hold set lifted_on = '2026-11-02'`)).rejects.toMatchObject({ code: '42501' });
    await login.end();
  });
});

describe('the job', () => {
  it('proposes closed records that are due, once, and none that is held', async () => {
    const id = (await owner.query(`select max(id) as id from fsp.family`)).rows[0].id;
    await owner.query(`update fsp.family_stage set stage = 'CLOSED', since = '1990-01-01' where family = $1`, [id]);
    await owner.query(
      `update fsp.person_identity i set date_of_birth = '1975-06-01' from fsp.membership m where m.person = i.person and m.family = $1`,
      [id],
    );
    const of = async () =>
      (await owner.query('select rule, due_on::text, status, proposed_user from fsp.erasure_proposal where family = $1', [id])).rows;
    await does(gideon, 'placeHold', { family: encodeId('Family', Number(id)), cause: 'litigation', reason: 'x', on: '2026-11-02' }, HOLD);
    await proposeErasures(owner, '2060-01-01');
    expect(await of()).toEqual([]);
    await owner.query('update fsp.retention_hold set lifted_on = current_date');
    expect(await proposeErasures(owner, '2060-01-01')).toBeGreaterThan(0);
    expect(await of()).toMatchObject([{ status: 'PROPOSED', proposed_user: null }]);
    expect(await proposeErasures(owner, '2060-01-01')).toBe(0);
    const { body } = await server.ask(
      gideon,
      '{ erasureProposals(first: 100) { nodes { proposedBy rule { code source } family { id } } } }',
    );
    expect(body.data.erasureProposals.nodes).toContainEqual(
      expect.objectContaining({ proposedBy: 'the retention job', family: { id: encodeId('Family', Number(id)) } }),
    );
    expect((await server.ask('socialWorker', '{ erasureProposals { nodes { id } } }')).body.data.erasureProposals).toBeNull();
    await owner.query('delete from fsp.erasure_proposal');
  });

  it('sweeps spent keys and expired tokens, and no others', async () => {
    await owner.query(`insert into fsp.idempotency (organisation, client, key, fingerprint, result, at) values
      (1, 'occ-social-care', 'old', '', '{}', now() - interval '26 hours'), (1, 'occ-social-care', 'new', '', '{}', now() - interval '24 hours')`);
    await owner.query(
      `insert into fsp.revoked_token (jti, expires) values ('gone', now() - interval '2 hours'), ('stands', now() + interval '1 hour')`,
    );
    expect(await sweep(owner)).toEqual({ keys: 1, tokens: 1 });
    expect((await owner.query(`select key from fsp.idempotency where key in ('old', 'new')`)).rows).toEqual([{ key: 'new' }]);
    expect((await owner.query('select jti from fsp.revoked_token')).rows).toEqual([{ jti: 'stands' }]);
  });
});

describe('an erasure', () => {
  /** Every row of every table as JSON, by table. */
  const world = async () => {
    const tables = new Map<string, Record<string, unknown>[]>();
    for (const { name, dataClass } of classifiedTables())
      if (dataClass !== 'DIRECTORY')
        tables.set(
          name,
          (await owner.query(`select to_jsonb(r) as row from fsp.${name} r`)).rows.map(({ row }) => row),
        );
    return tables;
  };
  // Of the feed keys alone: who was shown a row is told that it is gone.
  const FEED = ['feed_change', 'feed_seen'];
  const STAYS = new Set(['disclosure', 'disclosure_entry', 'disclosure_family', 'disclosure_chain', 'erasure', 'idempotency', ...FEED]);
  const erasureOf = () => does(gideon, 'proposeErasure', { family, rule: 'ERASURE_REQUEST', reason: 'She asked for it.' }, PROPOSAL);

  it('is proposed where somebody asked for it, of a family with whom work has ended', async () => {
    const rulesOf = async (input: object) =>
      (await does(gideon, 'proposeErasure', { family, rule: 'ERASURE_REQUEST', reason: 'x', ...input }, PROPOSAL)).userErrors.map(
        ({ rule }: { rule: string }) => rule,
      );
    expect(await rulesOf({ rule: 'CHILD_PROTECTION' })).toEqual(['ERASURE_BY_RULE']);
    expect(await rulesOf({ family: encodeId('Family', 2) })).toEqual(['ERASURE_OPEN']);
  });
  it('waits for a second person, for every hold, and for work that has begun again', async () => {
    const { proposal } = await erasureOf();
    expect(proposal).toMatchObject({ status: 'PROPOSED', rule: { code: 'ERASURE_REQUEST', years: null } });
    expect((await erasureOf()).userErrors).toMatchObject([{ rule: 'ERASURE_PROPOSED' }]);
    const decide = { proposal: proposal.id, expectedVersion: proposal.version };
    expect((await does(gideon, 'approveErasure', decide, PROPOSAL)).userErrors).toMatchObject([{ rule: 'ERASURE_SECOND_PERSON' }]);
    expect(await eraseApproved(owner)).toEqual({ erased: 0, held: 0 });
    const approved = await does(agnes, 'approveErasure', decide, PROPOSAL);
    expect(approved.proposal).toMatchObject({ status: 'APPROVED', decidedBy: 'Agnes Thorley' });
    // A hold that is placed after the approval still holds.
    const { hold } = await does(gideon, 'placeHold', { cause: 'inquiry', reason: 'All of it.', on: '2026-11-02' }, HOLD);
    expect(await eraseApproved(owner)).toEqual({ erased: 0, held: 1 });
    expect((await does(gideon, 'liftHold', { hold: hold.id, expectedVersion: 1, reason: 'x', on: '2026-11-03' }, HOLD)).userErrors).toEqual(
      [],
    );
    await stage('ASSESSMENT');
    expect(await eraseApproved(owner)).toEqual({ erased: 0, held: 1 });
    await stage('CLOSED');
    const stopped = await does(agnes, 'rejectErasure', { ...decide, expectedVersion: 2, reason: 'She withdrew it.' }, PROPOSAL);
    expect(stopped).toMatchObject({ userErrors: [], proposal: { status: 'REJECTED' } });
    expect(await eraseApproved(owner)).toEqual({ erased: 0, held: 0 });
  });

  it('leaves nothing of the family and its persons, all of everybody else, the disclosure record, and a record of itself', async () => {
    // Somebody who belongs to another family, too, is not gone with this one.
    const aunt = storyPerson(1, 'aunt');
    await owner.query(`insert into fsp.membership (family, person, controller, role, "from") values (2, $1, 1, 'aunt', '2026-01-01')`, [
      aunt,
    ]);
    const persons = (await owner.query('select distinct person from fsp.membership where family = 1 and person <> $1', [aunt])).rows.map(
      ({ person }) => Number(person),
    );
    const names = ['14 Larkrise Close', '9999904009'];
    const before = await world();
    const looks = before.get('disclosure')?.length as number;

    const { proposal } = await erasureOf();
    await does(agnes, 'approveErasure', { proposal: proposal.id, expectedVersion: proposal.version }, PROPOSAL);
    expect(await whileIndexing(ownerUrl, owner, 1, () => eraseApproved(owner))).toEqual({ erased: 1, held: 0 });
    // Done once, it is done.
    expect(await eraseApproved(owner)).toEqual({ erased: 0, held: 0 });

    const after = await world();
    const ofPersons = (value: unknown): boolean =>
      Array.isArray(value) ? value.some(ofPersons) : typeof value === 'number' && persons.includes(value);
    const PERSON = new Set([
      'person',
      'other',
      'about',
      'with',
      'carer',
      'protector',
      'speaker',
      'about_person',
      'recipient_person',
      'requester_person',
    ]);
    const left: string[] = [];
    for (const [name, rows] of after) {
      if (STAYS.has(name)) continue;
      for (const row of rows) {
        if (row.family === 1 || (name === 'family' && row.id === 1) || (name === 'person' && ofPersons(row.id)))
          left.push(`${name} ${JSON.stringify(row)}`);
        for (const [column, value] of Object.entries(row))
          if ((PERSON.has(column) || (Array.isArray(value) && !['decisions', 'teams'].includes(column))) && ofPersons(value))
            left.push(`${name}.${column}`);
        if (names.some((each) => JSON.stringify(row).includes(each))) left.push(`${name}: a name`);
      }
    }
    expect(left).toEqual([]);

    // Whatever went, belonged to it; whatever stays, is as it was.
    const grants = new Set(['family_grant', 'person_grant', 'user_focus', 'user_rule']);
    const moved: string[] = [];
    for (const [name, rows] of before) {
      if (grants.has(name) || STAYS.has(name)) continue;
      const now = new Set((after.get(name) ?? []).map((row) => JSON.stringify(row)));
      for (const row of rows) {
        const others = typeof row.family === 'number' && row.family !== 1;
        if (others && !now.has(JSON.stringify(row))) moved.push(`${name} ${JSON.stringify(row)}`);
      }
    }
    expect(moved).toEqual([]);
    expect(after.get('disclosure')?.length).toBeGreaterThanOrEqual(looks);
    expect(after.get('person_identity')?.some(({ person }) => person === aunt)).toBe(true);
    expect(after.get('person_grant')?.some(({ person }) => person === aunt)).toBe(true);

    const [record] = after.get('erasure') as Record<string, any>[];
    expect(record).toMatchObject({ rule: 'ERASURE_REQUEST', approved_by: 'Agnes Thorley', proposal: Number(proposal.id.split('-')[1]) });
    expect(record?.rows).toBeGreaterThan(100);
    expect(record?.tables.workbook_entry).toBeGreaterThan(5);
    expect(JSON.stringify(record)).not.toMatch(/Hartwell|Rachel|"family"/);
    const { body } = await server.ask(gideon, '{ erasures { nodes { rows approvedBy rule { code } } } }');
    expect(body.data.erasures.nodes).toEqual([{ rows: record?.rows, approvedBy: 'Agnes Thorley', rule: { code: 'ERASURE_REQUEST' } }]);
    expect((await server.ask('socialWorker', 'query($id: ID!) { family(id: $id) { id } }', { id: family })).body.data.family).toBeNull();
  }, 60_000);
});
