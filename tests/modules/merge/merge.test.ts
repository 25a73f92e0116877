/** Two records of one person: restrictions of either count for both, what opens one opens the other to nobody, and it can be undone. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLASS_BIT } from '../../../src/access/classes.ts';
import { classifiedTables } from '../../../src/db/classified.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { PERSONAS } from '../../../src/db/personas.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const caller = (client: string, user: string, purpose = 'SAFEGUARDING'): Caller => ({ client, user, purpose });
const grace = caller('occ-social-care', 'grace.whitlock');
const bethan = caller('occ-team-management', 'bethan.rowe');
const school = caller('school-tansy-bridge-pastoral', 'owen.lathbury');
const governance = caller('occ-governance', 'gideon.marlowe', 'GOVERNANCE');
const niamh = caller('team-07-workbook', 'niamh.carroll', 'CHILD_IN_NEED');
/** Works with the partner of the third family, and with nobody else of it. */
const ruth = caller('team-07-workbook', 'ruth.ellery', 'CHILD_IN_NEED');

const A = storyPerson(1, 'father');
const B = storyPerson(3, 'partner');
const idA = encodeId('Person', A);
const idB = encodeId('Person', B);
const key = (id: string) => id.split('-').at(-1) as string;
const who = (name: string, family = 1) => encodeId('Person', storyPerson(family, name));

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_merge');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function run(as: Caller, field: string, selection: string, input: object, of = `k${++keys}`): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule currentVersion } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: of, ...input } });
  return body.data?.[field] ?? body.errors?.[0]?.extensions;
}
const ask = async (as: Caller, document: string, variables: object = {}) => (await server.ask(as, document, variables as never)).body;
const node = async (as: Caller, id: string, selection = 'id') =>
  (await ask(as, `query($id: ID!) { node(id: $id) { ${selection} } }`, { id })).data.node;
const MERGE = 'merge { id status version proposedBy confirmedBy survivor { id } merged { id } }';
const SAME = 'id ... on Person { sameAs { id } }';

/** Whom every row is kept from. */
async function keptRows(): Promise<Map<string, string>> {
  const rows = new Map<string, string>();
  for (const { name, keptFrom, table } of classifiedTables()) {
    if (!keptFrom || !table) continue;
    const { rows: found } = await owner.query(
      `select (to_jsonb(t) - 'kept_from' - 'version' - 'updated_at')::text as row, t.kept_from from fsp.${name} t`,
    );
    for (const { row, kept_from } of found) rows.set(`${name} ${row}`, [...kept_from].map(Number).sort().join(','));
  }
  return rows;
}
const grants = async () =>
  (
    await owner.query(`select 'f' as of, login, family as about, period::text, shared, withheld, only_with::text from fsp.family_grant
      union all select 'p', login, person, period::text, shared | family_shared, withheld | family_withheld, null from fsp.person_grant order by 1, 2, 3, 4`)
  ).rows.map((row) => JSON.stringify(row));
const voice = async (family: number, person: string, keptFrom: string[]) =>
  (
    await run(family === 1 ? grace : { ...grace, user: 'marcus.oyelaran', purpose: 'CHILD_IN_NEED' }, 'recordChildVoice', 'voice { id }', {
      family: encodeId('Family', family),
      person,
      words: 'x',
      medium: 'said',
      on: '2026-11-10',
      keptFrom,
    })
  ).voice.id as string;
const keptFrom = async (id: string) =>
  (await owner.query('select kept_from from fsp.child_voice where id = $1', [key(id)])).rows[0].kept_from.map(Number).sort();
const both = [A, B].sort((a, b) => a - b);

describe('who finds that two are one', () => {
  const propose = (as: Caller, extra: object = {}, of?: string) =>
    run(as, 'proposeMerge', MERGE, { survivor: idA, merged: idB, reason: 'The same man under two names.', ...extra }, of);
  it.each(
    Object.values(PERSONAS)
      .filter(({ agency }) => agency !== 'LA')
      .map((persona) => [persona.agency, persona] as const),
  )('not %s', async (_agency, as) => {
    for (const [field, input] of [
      ['proposeMerge', { survivor: idA, merged: idB, reason: 'x' }],
      ['mergePersons', { merge: encodeId('PersonMerge', 1), expectedVersion: 1 }],
      ['unmergePersons', { merge: encodeId('PersonMerge', 1), expectedVersion: 1, reason: 'x' }],
    ] as const)
      expect(await run(as, field, 'merge { id }', input)).toMatchObject({
        code: 'FORBIDDEN',
        field: `Mutation.${field}`,
        reason: 'NOT_YOURS_TO_WRITE',
      });
  });
  it('a person who is hidden reads as one who never was', async () => {
    await owner.query('update fsp.family set restricted = true where id = 3');
    const hidden = await propose(grace);
    expect(hidden.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['merged'] }]);
    expect(await propose(grace, { merged: encodeId('Person', 99_999_999) })).toEqual(hidden);
    const sql = await sqlAs('occ', false, ownerUrl);
    for (const person of [B, 99_999_999])
      await expect(sql.query(`select fsp.propose_merge($1, $2, 'x', 'x', 'x')`, [A, person])).rejects.toMatchObject({
        code: '42501',
        message: 'No such row.',
      });
    await sql.end();
    await owner.query('update fsp.family set restricted = false where id = 3');
  });
  it('needs two people, and a user each', async () => {
    expect((await propose(grace, { merged: idA })).userErrors).toMatchObject([{ path: ['merged'] }]);
    expect((await propose({ ...grace, client: 'occ-record-system', user: null, purpose: 'RECORD_SYNC' })).userErrors).toMatchObject([
      { rule: 'TWO_PEOPLE' },
    ]);
    const made = await propose(grace, {}, 'once');
    expect(made.userErrors, JSON.stringify(made)).toEqual([]);
    expect(made.merge).toMatchObject({
      status: 'PROPOSED',
      version: 1,
      proposedBy: 'Grace Whitlock',
      confirmedBy: null,
      survivor: { id: idA },
      merged: { id: idB },
    });
    expect((await propose(grace, {}, 'once')).merge.id).toBe(made.merge.id);
    expect((await propose(bethan, { survivor: idB, merged: idA })).userErrors).toMatchObject([{ rule: 'MERGE_ONCE' }]);
    const merge = made.merge.id;
    expect((await run(grace, 'mergePersons', MERGE, { merge, expectedVersion: 1 })).userErrors).toMatchObject([{ rule: 'TWO_PEOPLE' }]);
    expect((await run(bethan, 'mergePersons', MERGE, { merge, expectedVersion: 2 })).userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: 1 },
    ]);
    expect((await run(bethan, 'unmergePersons', MERGE, { merge, expectedVersion: 1, reason: 'x' })).userErrors).toMatchObject([
      { rule: 'NOT_MERGED' },
    ]);
    // A proposal alone is nothing yet.
    expect(await node(grace, idA, SAME)).toEqual({ id: idA, sameAs: [] });
    const sql = await sqlAs('occ', false, ownerUrl);
    for (const user of ['grace.whitlock', 'nobody', null])
      await expect(sql.query('select fsp.merge_persons($1, $2, $2)', [key(merge), user])).rejects.toMatchObject({ code: '42501' });
    await expect(sql.query('update fsp.person_merge set confirmed_at = now()')).rejects.toMatchObject({ code: '42501' });
    await expect(sql.query('insert into fsp.person_same (person, other, controller) values ($1, $2, 1)', [A, B])).rejects.toMatchObject({
      code: '42501',
    });
    await expect(sql.query('select * from fsp.same_persons(array[$1::bigint])', [A])).rejects.toMatchObject({ code: '42501' });
    await sql.end();
    await expect(owner.query(`update fsp.person_merge set confirmed_by = proposed_by, confirmed_at = now()`)).rejects.toMatchObject({
      code: '23514',
    });
  });
});

describe('two who are one', () => {
  let merge: string;
  let before: { kept: Map<string, string>; grants: string[] };
  let told: string;
  let shown: string;
  beforeAll(async () => {
    told = await voice(1, who('maisie'), [idA]);
    shown = await voice(3, who('daughter', 3), []);
    before = { kept: await keptRows(), grants: await grants() };
    merge = (await ask(grace, '{ personMerges(merged: false) { nodes { id } } }')).data.personMerges.nodes[0].id;
    const made = await run(bethan, 'mergePersons', MERGE, { merge, expectedVersion: 1 }, 'agreed');
    expect(made.userErrors, JSON.stringify(made)).toEqual([]);
    expect(made.merge).toMatchObject({ status: 'MERGED', confirmedBy: 'Bethan Rowe', version: 2 });
    expect(await run(bethan, 'mergePersons', MERGE, { merge, expectedVersion: 1 }, 'agreed')).toEqual(made);
    expect((await run(bethan, 'mergePersons', MERGE, { merge, expectedVersion: 1 })).userErrors).toMatchObject([
      { code: 'CONFLICT', currentVersion: 2 },
    ]);
  });
  it('the database knows them as the same, by every link', async () => {
    const { rows } = await owner.query('select person, same from fsp.same_persons(array[$1::bigint]) order by same', [A]);
    expect(rows.map(({ person, same }) => [Number(person), Number(same)])).toEqual(both.map((same) => [A, same]));
  });
  it('nobody sees one of them for seeing the other', async () => {
    expect(await grants()).toEqual(before.grants);
    expect(await node(school, idA, SAME)).toEqual({ id: idA, sameAs: [] });
    expect(await node(school, idB)).toBeNull();
    expect(await node(grace, idA, SAME)).toEqual({ id: idA, sameAs: [{ id: idB }] });
    expect(await node(grace, idB, SAME)).toEqual({ id: idB, sameAs: [{ id: idA }] });
    for (const login of ['school-tansy-bridge', 'thames-valley-police', 'oxford-health', 'cherwell-housing']) {
      const sql = await sqlAs(login, false, ownerUrl);
      const sees = (await sql.query('select id from fsp.person where id = any ($1)', [both])).rowCount;
      expect((await sql.query('select * from fsp.person_same')).rowCount, login).toBe(sees === 2 ? 2 : 0);
      expect((await sql.query('select * from fsp.person_merge')).rowCount, login).toBe(0);
      await sql.end();
    }
    // A merge of somebody in a restricted family is not there for who does not see that family.
    await owner.query('update fsp.family set restricted = true where id = 3');
    expect(await node(grace, idA, SAME)).toEqual({ id: idA, sameAs: [] });
    expect(await node(grace, merge)).toBeNull();
    expect((await run(grace, 'unmergePersons', MERGE, { merge, expectedVersion: 2, reason: 'x' })).userErrors).toMatchObject([
      { code: 'NOT_FOUND' },
    ]);
    await owner.query('update fsp.family set restricted = false where id = 3');
  });
  it('what is kept from one is kept from the other, also what is written later', async () => {
    expect(await keptFrom(told)).toEqual(both);
    expect(await keptFrom(await voice(1, who('maisie'), [idA]))).toEqual(both);
    expect(await keptFrom(await voice(3, who('daughter', 3), [idB]))).toEqual(both);
    // Ruth works with him under the one id; it is kept from him under the other.
    expect(await node(ruth, shown)).toEqual({ id: shown });
    const sql = await sqlAs('occ', false, ownerUrl);
    await sql.query(`select fsp.keep_from('child_voice', $1, array[$2::bigint])`, [key(shown), A]);
    await sql.end();
    expect(await keptFrom(shown)).toEqual(both);
    expect(await node(ruth, shown)).toBeNull();
    expect(await node(niamh, shown)).toEqual({ id: shown });
  });
  it('what a manager lifts from him is lifted under both ids', async () => {
    const lifted = await voice(3, who('daughter', 3), [idB]);
    expect(await node(ruth, lifted)).toBeNull();
    const done = await run({ ...bethan, purpose: 'CHILD_IN_NEED' }, 'liftKeptFrom', 'decision { id }', {
      of: lifted,
      person: idB,
      reason: 'He knows.',
    });
    expect(done.userErrors).toEqual([]);
    expect(await keptFrom(lifted)).toEqual([]);
    expect(await node(ruth, lifted)).toEqual({ id: lifted });
  });
  it('reading either id follows what is withheld about the other', async ({ skip }) => {
    const { rows } = await owner.query(`select prosrc from pg_proc where proname = 'rebuild_grants'`);
    if (!rows.some(({ prosrc }) => prosrc.includes('same_persons'))) skip();
    const decide = async (person: number, family: number) =>
      (
        await owner.query(
          `insert into fsp.sharing_decision (family, person, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
           select $1, $2, '{IDENTITY}', 1::bigint << $3::int, 'WITHHOLD', 'EDUCATION', 'test', 'test', 'test', id, now() - interval '1 minute', 'test' from fsp.organisation where code = 'occ' returning id`,
          [family, person, CLASS_BIT.IDENTITY],
        )
      ).rows[0].id;
    expect((await node(school, idA, 'id ... on Person { givenName }')).givenName).not.toBeNull();
    const id = await decide(B, 3);
    expect(await node(school, idA, 'id ... on Person { givenName }')).toEqual({ id: idA, givenName: null });
    await owner.query('update fsp.sharing_decision set withdrawn_at = now() where id = $1', [id]);
    expect((await node(school, idA, 'id ... on Person { givenName }')).givenName).not.toBeNull();
    // What opens one opens the other to nobody.
    await owner.query(
      `insert into fsp.sharing_decision (family, person, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
       select 3, $1, '{OFFENCE}', 1::bigint << $2::int, 'SHARE', 'EDUCATION', 'test', 'test', 'test', id, now() - interval '1 minute', 'test' from fsp.organisation where code = 'occ'`,
      [B, CLASS_BIT.OFFENCE],
    );
    const { rows: shared } = await owner.query(
      `select g.shared from fsp.person_grant g join fsp.login l on l.id = g.login where l.name like '%school-tansy-bridge' and g.person = $1 and g.starts <= now() and g.ends > now()`,
      [A],
    );
    for (const row of shared) expect(BigInt(row.shared) & (1n << BigInt(CLASS_BIT.OFFENCE))).toBe(0n);
    await owner.query(`update fsp.sharing_decision set withdrawn_at = now() where gateway = 'test'`);
  });
  it('undone, both are again as they were', async () => {
    const later = [await voice(1, who('maisie'), [idA]), await voice(3, who('daughter', 3), [idB])] as const;
    const { userErrors, merge: undone } = await run(grace, 'unmergePersons', MERGE, {
      merge,
      expectedVersion: 2,
      reason: 'Cousins of one name.',
    });
    expect(userErrors).toEqual([]);
    expect(undone).toMatchObject({ status: 'UNMERGED' });
    expect((await run(grace, 'unmergePersons', MERGE, { merge, expectedVersion: 3, reason: 'x' })).userErrors).toMatchObject([
      { rule: 'NOT_MERGED' },
    ]);
    expect(await node(grace, idA, SAME)).toEqual({ id: idA, sameAs: [] });
    expect((await owner.query('select 1 from fsp.person_same')).rowCount).toBe(0);
    expect(await grants()).toEqual(before.grants);
    expect(await keptFrom(later[0])).toEqual([A]);
    expect(await keptFrom(later[1])).toEqual([B]);
    const now = await keptRows();
    const moved = key(shown);
    for (const [row, kept] of before.kept) {
      // What somebody kept from him meanwhile stays kept, under the id that they named.
      const expected = row.startsWith('child_voice ') && JSON.parse(row.slice(12)).id === Number(moved) ? String(A) : kept;
      expect(now.get(row), row).toBe(expected);
    }
    expect((await owner.query('select 1 from fsp.merge_kept_from')).rowCount).toBe(0);
    expect((await owner.query('select 1 from fsp.kept_from_lift where decision = 0')).rowCount).toBe(0);
    // And can be found to be one again.
    expect((await run(bethan, 'proposeMerge', MERGE, { survivor: idA, merged: idB, reason: 'x' })).userErrors).toEqual([]);
  });
});

describe('a number on two records', () => {
  const LIST = '{ matchCandidates { totalCount { value } nodes { kind persons { id } families { id } } } }';
  it('is not refused, and told to the county’s governance if it sees both', async () => {
    const number = '9990000018';
    const { version } = await node(grace, idA, '... on Person { version }');
    const done = await run(grace, 'correctPerson', 'person { id }', { person: idA, expectedVersion: version, nhsNumber: number });
    expect(done.userErrors, JSON.stringify(done)).toEqual([]);
    // Written where the first was not to be seen: by the record system of another county, say.
    await owner.query(
      `insert into fsp.person_nhs_number (person, controller, nhs_number) select id, controller, $2 from fsp.person where id = $1
       on conflict (person) do update set nhs_number = excluded.nhs_number`,
      [B, number],
    );
    const { data } = await ask(governance, LIST);
    expect(data.matchCandidates.nodes[0]).toEqual({
      kind: 'NHS_NUMBER',
      persons: both.map((person) => ({ id: encodeId('Person', person) })),
      families: [],
    });
    await owner.query('update fsp.family set restricted = true where id = 3');
    expect((await ask(governance, LIST)).data.matchCandidates.totalCount.value).toBe(data.matchCandidates.totalCount.value - 1);
    await owner.query('update fsp.family set restricted = false where id = 3');
    expect((await ask(grace, LIST)).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_FOR_THIS_ROLE' });
    for (const [client, user] of [
      ['oxford-health-governance', 'amara.osei'],
      ['thames-valley-police-governance', 'harriet.coyle'],
    ] as const)
      expect((await ask(caller(client, user, 'GOVERNANCE'), LIST)).data.matchCandidates.totalCount.value).toBe(0);
    const sql = await sqlAs('thames-valley-police', false, ownerUrl);
    expect((await sql.query('select * from fsp.match_candidate')).rowCount).toBe(0);
    await sql.end();
  });
});
