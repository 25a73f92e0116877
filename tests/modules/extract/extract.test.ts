/** The evaluator's extract: who makes it, who lets it out, what of it is seen by whom, and what is never in it. */
import { readFileSync } from 'node:fs';
import { Kind, parse } from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eraseFamily } from '../../../src/db/erasing.ts';
import { CLIENTS, organisationId, organisations, PERSONAS } from '../../../src/db/personas.ts';
import { CHECK, DICTIONARY, type Facts, followUp, pseudonymOf, rowsOf, spellsOf } from '../../../src/modules/extract/rules.ts';
import { csv } from '../../../src/portal/csv.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;

const OTHER_EVALUATOR = 9001;
/** Children of the demonstration are referred over two years, so that there are many of some kinds and few of others. */
const REFER = `
  insert into fsp.episode (family, person, controller, source, referred_on, closed_on)
  select m.family, m.person, f.controller, '1A', date '2024-01-03' + (m.person % 40)::int, case when m.person % 3 = 0 then date '2025-06-01' end
  from fsp.membership m join fsp.family f on f.id = m.family join fsp.person_identity i on i.person = m.person
  where i.date_of_birth between '2008-01-01' and '2023-12-31'`;

beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_extract');
  owner = await sqlAsOwner(ownerUrl);
  await owner.query(
    `insert into fsp.organisation (id, code, name, agency, kind) select $1, 'other-university', 'Another university', agency, kind from fsp.organisation where id = $2`,
    [OTHER_EVALUATOR, organisationId('oxford-university')],
  );
  await owner.query(REFER);
  await owner.query(`insert into fsp.plan (family, person, controller, kind, status, started, ended)
    select e.family, e.person, e.controller, case when e.person % 4 = 0 then 'CHILD_PROTECTION' else 'CHILD_IN_NEED' end, 'ENDED', e.referred_on + 20, e.referred_on + 200
    from fsp.episode e where e.person % 2 = 0`);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const governance = (user: string): Caller => ({ client: 'occ-governance', user, purpose: 'GOVERNANCE' });
const first = governance('gideon.marlowe');
const second = governance('philippa.nunn');
const university: Caller = { client: 'oxford-university-evaluation', user: null, purpose: 'EVALUATION' };

let keys = 0;
const REPORT = 'report { k children smallestGroup uniqueChildren generalised withheldChildren leastVariety passed }';
const EXTRACT = `id status purpose recipient { code } enteredFrom enteredUntil asAt preparedBy releasedBy withdrawnFor ${REPORT}`;
const PERIOD = { enteredFrom: '2024-01-01', enteredUntil: '2024-03-31' };
async function command(as: Caller, name: string, input: Record<string, unknown>) {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${name}(input: $input) { extract { ${EXTRACT} } userErrors { code rule message path } } }`;
  const reply = await server.ask(as, document, { input: { idempotencyKey: `extract-${keys++}`, ...input } });
  return {
    ...reply,
    payload: reply.body.data?.[name],
    rules: reply.body.data?.[name]?.userErrors.map(({ rule, code }: any) => rule ?? code),
  };
}
const prepare = (more: Record<string, unknown> = {}, as = first) =>
  command(as, 'prepareExtract', {
    recipient: encodeId('Organisation', organisationId('oxford-university')),
    purpose: 'The evaluation.',
    ...PERIOD,
    ...more,
  });
const release = (extract: string, as = second) => command(as, 'releaseExtract', { extract });
const withdraw = (extract: string, as = second) => command(as, 'withdrawExtract', { extract, reason: 'It was of the wrong year.' });
const made = async (more: Record<string, unknown> = {}): Promise<string> => {
  const { payload, text } = await prepare(more);
  expect(payload?.userErrors, text).toEqual([]);
  return payload.extract.id;
};
const released = async (more: Record<string, unknown> = {}): Promise<string> => {
  const id = await made(more);
  expect((await release(id)).payload.userErrors).toEqual([]);
  return id;
};
const keyOf = (id: string) => id.split('-')[1] as string;
const LISTED = '{ extracts { id status } }';
const ROWS =
  'query($extract: ID!, $kind: ExtractKind!, $after: String) { extractRows(extract: $extract, kind: $kind, first: 100, after: $after) { nodes { child kind born } pageInfo { hasNextPage endCursor } totalCount { value } } }';
async function pull(name: string, extract: string, accept: string, as: Caller = university, more = '') {
  const headers = { authorization: `Bearer ${await server.token(as)}`, 'x-purpose-of-use': as.purpose as string, accept };
  return server.app.inject({ method: 'GET', url: `/operations/extract-${name}?extract=${extract}${more}`, headers });
}
const nodesOf = (body: string): Record<string, unknown>[] =>
  body
    .trimEnd()
    .split('\n')
    .flatMap((line) => JSON.parse(line).node ?? []);
const NDJSON = 'application/x-ndjson';
const kinds = ['children', 'spells', 'events'];
const records = async () =>
  (await owner.query('select records from fsp.disclosure order by at, sequence')).rows.flatMap((row) => JSON.parse(row.records));
const rowsIn = async (extract: string) =>
  (await owner.query('select * from fsp.extract_row where extract = $1 order by id', [keyOf(extract)])).rows as Record<string, any>[];

describe('who may not', () => {
  const others: [string, Caller][] = [
    ...Object.values(PERSONAS).map(({ key, client, user, purpose }): [string, Caller] => [key, { client, user, purpose }]),
    ...CLIENTS.filter(({ organisation, id }) => organisation === 'occ' && id !== 'occ-governance').map(
      ({ id, defaultPurpose }): [string, Caller] => [
        id,
        { client: id, user: id === 'occ-record-system' ? null : 'gideon.marlowe', purpose: defaultPurpose },
      ],
    ),
    ...CLIENTS.filter(({ id }) => id.endsWith('-governance') && id !== 'occ-governance')
      .filter(({ organisation }, index, all) => {
        const agency = (code: string) => organisations.find((each) => each.code === code)?.agency;
        return all.findIndex((each) => agency(each.organisation) === agency(organisation)) === index;
      })
      .map(({ id }): [string, Caller] => [id, { client: id, purpose: 'GOVERNANCE' }]),
  ];
  it.each(others)('%s prepares none, releases none, takes none back', async (_who, caller) => {
    const scopes = [...(CLIENTS.find(({ id }) => id === caller.client)?.scopes ?? []), 'governance:write'];
    for (const [name, input] of [
      ['prepareExtract', { recipient: 'Organisation-1', purpose: 'x', ...PERIOD }],
      ['releaseExtract', { extract: 'Extract-1' }],
      ['withdrawExtract', { extract: 'Extract-1', reason: 'x' }],
    ] as const) {
      const { payload, body } = await command({ ...caller, scopes }, name, input);
      expect(payload).toBeNull();
      expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field: `Mutation.${name}`, class: 'RESEARCH' });
    }
  });
  it.each(others.filter(([, { client }]) => client !== university.client))('%s reads none', async (_who, caller) => {
    const { body } = await server.ask(caller, `{ extracts { id } extractRows(extract: "Extract-1", kind: CHILD) { nodes { child } } }`);
    expect(body.data).toEqual({ extracts: null, extractRows: null });
    const county = CLIENTS.find(({ id }) => id === caller.client)?.organisation === 'occ';
    for (const { extensions } of body.errors ?? [])
      expect(extensions).toMatchObject({
        code: 'FORBIDDEN',
        class: 'RESEARCH',
        reason: county ? 'NOT_FOR_THIS_ROLE' : 'NOT_SHARED_WITH_AGENCY',
      });
    expect((await server.ask(caller, '{ dataDictionary { name } }')).body.data.dataDictionary.length).toBe(DICTIONARY.length);
  });
  it('governance that is not in that role, or asks for something else', async () => {
    const scopes = ['family:read', 'governance:write'];
    expect((await prepare({}, { ...first, scopes })).body.errors?.[0].extensions).toMatchObject({ reason: 'NOT_FOR_THIS_ROLE' });
    expect((await prepare({}, { ...first, purpose: 'SUBJECT_ACCESS' })).body.errors?.[0].extensions).toMatchObject({
      reason: 'NOT_FOR_THIS_PURPOSE',
    });
    const { body } = await server.ask({ ...first, scopes }, '{ extracts { id } }');
    expect(body.errors?.[0].extensions).toMatchObject({ reason: 'NOT_FOR_THIS_ROLE' });
  });
  it('and nobody by plain SQL: the functions ask whose login it is', async () => {
    const calls = [
      "extract_facts('2024-01-01', '2024-03-31', 364, 0, 10)",
      "release_extract(1, 'x', 'x')",
      "withdraw_extract(1, 'x', 'x')",
    ];
    for (const organisation of ['team-07', 'oxford-health', 'thames-valley-police', 'oxford-university']) {
      const login = await sqlAs(organisation, 'daily', ownerUrl);
      try {
        for (const call of calls) await expect(login.query(`select fsp.${call}`), organisation).rejects.toThrow('permission denied');
        if (organisation !== 'oxford-university')
          for (const table of ['extract', 'extract_row'])
            await expect(login.query(`select from fsp.${table}`)).rejects.toThrow('permission denied');
      } finally {
        await login.end();
      }
    }
    const emergency = await sqlAs('occ', 'emergency', ownerUrl);
    try {
      await expect(emergency.query(`select fsp.${calls[0]}`)).rejects.toThrow("Extracts are the county's to make.");
    } finally {
      await emergency.end();
    }
  });
});

describe('what is wrong with what is asked for', () => {
  it.each<[string, Record<string, unknown>, string[]]>([
    ['nobody to give it to', { recipient: 'Organisation-99999' }, ['NOT_FOUND']],
    ['somebody who evaluates nothing', { recipient: 'Organisation-1' }, ['EXTRACT_RECIPIENT']],
    ['no purpose', { purpose: ' ' }, ['INVALID']],
    ['a period that ends before it begins', { enteredFrom: '2024-04-01' }, ['PERIOD']],
    ['days to come', { enteredUntil: '2099-01-01' }, ['INVALID']],
  ])('%s', async (_what, more, rules) => {
    expect((await prepare(more)).rules).toEqual(rules);
  });
  it('an application without anybody', async () => {
    expect((await prepare({}, { ...first, user: null })).rules).toEqual(['EXTRACT_BY_PEOPLE']);
  });
});

describe('from the making to the end', () => {
  let id: string;
  /** Every way by which a recipient could see it. */
  async function seen(as = university) {
    const listed = (await server.ask(as, LISTED)).body.data.extracts.map((each: any) => each.id);
    const node = (await server.ask(as, `query($id: ID!) { node(id: $id) { id ... on Extract { purpose } } }`, { id })).body.data.node;
    const asked = (await server.ask(as, ROWS, { extract: id, kind: 'CHILD' })).body.data.extractRows;
    const lines = (await Promise.all(kinds.map((kind) => pull(kind, id, NDJSON, as)))).flatMap(({ body }) => nodesOf(body));
    const tables = (await Promise.all(kinds.map((kind) => pull(kind, id, 'text/csv', as)))).flatMap(({ body }) =>
      body.trimEnd().split('\r\n').slice(1),
    );
    const login = await sqlAs('oxford-university', 'daily', ownerUrl);
    const { rows } = await login.query(
      'select (select count(*) from fsp.extract where id = $1)::int as extracts, (select count(*) from fsp.extract_row where extract = $1)::int as rows',
      [keyOf(id)],
    );
    await login.end();
    return {
      listed: listed.includes(id),
      node: node !== null,
      asked: asked.nodes.length + asked.totalCount.value,
      lines: lines.length,
      tables: tables.length,
      ...rows[0],
    };
  }
  const UNSEEN = { listed: false, node: false, asked: 0, lines: 0, tables: 0, extracts: 0, rows: 0 };

  it('it is prepared and checked, and its recipient sees nothing of it', async () => {
    const { payload, text } = await prepare();
    expect(payload?.userErrors, text).toEqual([]);
    id = payload.extract.id;
    expect(payload.extract).toMatchObject({
      status: 'PREPARED',
      recipient: { code: 'oxford-university' },
      ...PERIOD,
      preparedBy: 'Gideon Marlowe',
      releasedBy: null,
      report: { k: 5, passed: true },
    });
    expect(payload.extract.report.smallestGroup).toBeGreaterThanOrEqual(5);
    expect(payload.extract.report.children).toBeGreaterThan(50);
    expect(await seen()).toEqual(UNSEEN);
    expect((await server.ask(first, LISTED)).body.data.extracts[0]).toEqual({ id, status: 'PREPARED' });
  });
  it('who prepared it does not release it, by whatever way', async () => {
    expect((await release(id, first)).rules).toEqual(['EXTRACT_SECOND_PERSON']);
    expect((await release(id, { ...second, user: null })).rules).toEqual(['EXTRACT_SECOND_PERSON']);
    const login = await sqlAs('occ', 'daily', ownerUrl);
    try {
      const { rows } = await login.query("select fsp.release_extract($1, 'x', 'gideon.marlowe') as done", [keyOf(id)]);
      expect(rows[0].done).toEqual({ refused: 'EXTRACT_SECOND_PERSON' });
      await expect(login.query(`update fsp.extract set status = 'RELEASED'`)).rejects.toThrow('permission denied');
      await expect(login.query('select fsp.fill_extract($1, $2)', [keyOf(id), '[]'])).rejects.toThrow(
        'Nothing is added to an extract that stands.',
      );
    } finally {
      await login.end();
    }
    expect(await seen()).toEqual(UNSEEN);
  });
  it('a second person releases it, on record with everybody it is of', async () => {
    const rows = await rowsIn(id);
    const { payload } = await release(id);
    expect(payload).toMatchObject({ extract: { status: 'RELEASED', releasedBy: 'Philippa Nunn' }, userErrors: [] });
    const [record] = (await records())
      .filter(({ user, fields }) => user === 'philippa.nunn' && fields.includes('Extract.releasedBy'))
      .slice(-1);
    const sorted = (all: unknown[]) => [...new Set(all.map(Number))].sort((a, b) => a - b);
    expect(record).toMatchObject({ purpose: 'GOVERNANCE', category: 'ALTERATION' });
    expect(record.classes).toContain('RESEARCH');
    expect(sorted(record.families)).toEqual(sorted(rows.map(({ family }) => family)));
    expect(sorted(record.persons)).toEqual(sorted(rows.map(({ person }) => person)));
    expect((await release(id)).rules).toEqual(['EXTRACT_STATUS']);
    // Also where the answer shows nothing of it.
    const other = await made();
    const bare = 'mutation($input: ReleaseExtractInput!) { releaseExtract(input: $input) { userErrors { rule } } }';
    await server.ask(second, bare, { input: { idempotencyKey: 'bare', extract: other } });
    const last = (await records()).at(-1);
    expect([last.families.length, last.persons.length]).toEqual([record.families.length, record.persons.length]);
    await withdraw(other);
  });
  it('then its recipient reads it all, each page on record with the families and persons behind it', async () => {
    const all = await rowsIn(id);
    const of = (kind: string) => all.filter((row) => row.kind === kind);
    const before = (await records()).length;
    const read: any[] = [];
    for (let after: string | null = null; ; ) {
      const { body } = await server.ask(university, ROWS, { extract: id, kind: 'CHILD', after });
      read.push(...body.data.extractRows.nodes);
      if (!body.data.extractRows.pageInfo.hasNextPage) break;
      after = body.data.extractRows.pageInfo.endCursor;
    }
    expect(read.map(({ child }) => child)).toEqual(of('CHILD').map(({ child }) => child));
    const pages = (await records()).slice(before);
    expect(pages.length).toBe(Math.ceil(of('CHILD').length / 100));
    for (const page of pages)
      expect(page).toMatchObject({
        organisation: 'oxford-university',
        purpose: 'EVALUATION',
        category: 'DISCLOSURE',
        classes: ['RESEARCH'],
      });
    expect(pages.flatMap(({ persons }) => persons.map(Number)).sort()).toEqual(
      of('CHILD')
        .map(({ person }) => Number(person))
        .sort(),
    );
    expect(new Set(pages.flatMap(({ families }) => families.map(Number)))).toEqual(
      new Set(of('CHILD').map(({ family }) => Number(family))),
    );
    expect(await seen()).toEqual({
      listed: true,
      node: true,
      asked: 100 + of('CHILD').length,
      lines: all.length,
      tables: all.length,
      extracts: 1,
      rows: all.length,
    });
  });
  it('the same as lines and as a table, by the names of the dictionary', async () => {
    for (const [index, name] of kinds.entries()) {
      const lines = await pull(name, id, NDJSON);
      const table = await pull(name, id, 'text/csv');
      const nodes = nodesOf(lines.body);
      const columns = DICTIONARY.filter(({ kind }) => kind === ['CHILD', 'SPELL', 'EVENT'][index]).map((each) => each.name);
      expect(Object.keys(nodes[0] ?? {})).toEqual(columns);
      expect([table.statusCode, table.headers['content-type'], table.headers['content-disposition']]).toEqual([
        200,
        'text/csv; charset=utf-8',
        `attachment; filename="extract-${name}.csv"`,
      ]);
      expect(table.body).toBe(csv(columns, nodes));
      expect(nodes.length).toBeGreaterThan(20);
    }
    const { headers, statusCode } = await pull('children', id, 'application/json');
    expect([statusCode, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
  });
  it('k children have in common what may be known of each, and the pseudonyms say nothing', async () => {
    const children = (await rowsIn(id)).filter(({ kind }) => kind === 'CHILD');
    const groups = Map.groupBy(children, (row) =>
      CHECK.known.map((name) => String(row[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)])).join(),
    );
    expect(Math.min(...[...groups.values()].map(({ length }) => length))).toBeGreaterThanOrEqual(5);
    expect(children.map(({ child }) => child)).toEqual(children.map(({ child }) => child).sort());
    for (const { child } of children) expect(child).toMatch(/^[0-9a-f]{32}$/);
  });
  it('nothing in it is anybody’s name, day of birth, number or address', async () => {
    const { rows } = await owner.query(`
      select unnest(array[given_name, family_name, date_of_birth::text]) as value from fsp.person_identity
      union select unnest(array[address, postcode, uprn]) from fsp.household union select unnest(array[name, reference]) from fsp.family_name
      union select nhs_number from fsp.person_nhs_number union select upn from fsp.person_upn
      union select id::text from fsp.person where id > 9999 union select id::text from fsp.family where id > 9999`);
    const known = new Set(rows.flatMap(({ value }) => (value ? [value.toLowerCase()] : [])));
    expect(known.size).toBeGreaterThan(500);
    const told = [...(await Promise.all(kinds.map((kind) => pull(kind, id, NDJSON)))).flatMap(({ body }) => nodesOf(body))];
    const values = told.flatMap((node) => Object.values(node).flat()).map((value) => String(value).toLowerCase());
    expect(values.filter((value) => known.has(value))).toEqual([]);
    // Of the calendar there is the month of entry alone.
    expect(new Set(values.filter((value) => /\d{4}-\d\d/.test(value)).map((value) => value.slice(7)))).toEqual(new Set(['-01']));
    const persons = new Set((await rowsIn(id)).map(({ person }) => Number(person)));
    expect(persons.size).toBeGreaterThan(50);
  });
  it('withdrawn, it is not there any more', async () => {
    expect((await withdraw(id)).payload).toMatchObject({
      extract: { status: 'WITHDRAWN', withdrawnFor: 'It was of the wrong year.' },
      userErrors: [],
    });
    expect(await seen()).toEqual(UNSEEN);
    expect((await withdraw(id)).rules).toEqual(['EXTRACT_STATUS']);
    expect((await release(id)).rules).toEqual(['EXTRACT_STATUS']);
    expect((await server.ask(first, LISTED)).body.data.extracts).toContainEqual({ id, status: 'WITHDRAWN' });
  });
  it('another evaluator’s is nobody else’s', async () => {
    id = await released({ recipient: encodeId('Organisation', OTHER_EVALUATOR) });
    expect(await seen()).toEqual(UNSEEN);
  });
});

describe('pseudonyms', () => {
  it('are the same for one recipient, and never meet those of another', async () => {
    const of = async (id: string) => new Map((await rowsIn(id)).map(({ person, child }) => [Number(person), child as string]));
    const [one, again, other] = [
      await of(await made()),
      await of(await made()),
      await of(await made({ recipient: encodeId('Organisation', OTHER_EVALUATOR) })),
    ];
    const both = [...one].filter(([person]) => again.has(person));
    expect(both.length).toBeGreaterThan(50);
    for (const [person, child] of both) expect(again.get(person)).toBe(child);
    const theirs = new Set(other.values());
    expect([...one.values(), ...again.values()].filter((child) => theirs.has(child))).toEqual([]);
  });
  it('depend on the key alone, which is nowhere in the database', () => {
    const key = Buffer.alloc(32, 1);
    expect(pseudonymOf(key, 7)).toBe(pseudonymOf(key, 7));
    expect(new Set([pseudonymOf(key, 7), pseudonymOf(key, 8), pseudonymOf(Buffer.alloc(32, 2), 7)]).size).toBe(3);
  });
});

describe('what does not pass the check', () => {
  it('is not released: nobody is in it', async () => {
    const { payload } = await prepare({ enteredFrom: '1999-01-01', enteredUntil: '1999-01-31' });
    expect(payload.extract.report).toMatchObject({ children: 0, smallestGroup: 0, passed: false });
    expect((await release(payload.extract.id)).rules).toEqual(['EXTRACT_CHECK']);
  });
  it('nor what was filed as if it had: the database counts again', async () => {
    const login = await sqlAs('occ', 'daily', ownerUrl);
    try {
      const report = { k: 1, children: 1, smallestGroup: 1, unique: 1, generalised: [], withheldRows: 0, leastVariety: 1, passed: true };
      await login.query('begin');
      const { rows } = await login.query(
        `select fsp.file_extract($1, 'x', '2024-01-01', '2024-03-31', '2026-01-01', 637, $2, 'x', 'x') as id`,
        [organisationId('oxford-university'), report],
      );
      const row = { family: 1, person: 1001, kind: 'CHILD', child: 'a', born: 2015, sex: 'F', entered: '2024-01-01' };
      const { rows: someone } = await owner.query('select person from fsp.membership where family = 1 limit 1');
      await login.query('select fsp.fill_extract($1, $2)', [rows[0].id, JSON.stringify([{ ...row, person: Number(someone[0].person) }])]);
      await login.query('commit');
      expect((await release(encodeId('Extract', rows[0].id))).rules).toEqual(['EXTRACT_CHECK']);
    } finally {
      await login.end();
    }
  });
});

describe('two extracts for one recipient, laid beside each other', () => {
  it('have k children in common as well, and are of the same days or of others: who is missing of one would be told by the other', async () => {
    const recipient = encodeId('Organisation', 9002);
    await owner.query(
      `insert into fsp.organisation (id, code, name, agency, kind) select 9002, 'third-university', 'A third university', agency, kind from fsp.organisation where id = $1`,
      [OTHER_EVALUATOR],
    );
    const overlap = { recipient, enteredFrom: '2024-01-24' };
    const early = await made(overlap);
    const one = await released({ recipient });
    expect((await release(early)).rules).toEqual(['EXTRACT_OVERLAP']);
    expect((await prepare(overlap)).rules).toEqual(['EXTRACT_OVERLAP']);
    const other = await released({ recipient });
    const columns = CHECK.known.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    const told = async (id: string) =>
      new Map(
        (await rowsIn(id))
          .filter(({ kind }) => kind === 'CHILD')
          .map((row) => [row.child as string, columns.map((name) => String(row[name])).join()]),
      );
    const [before, after] = [await told(one), await told(other)];
    expect(after.size).toBeGreaterThan(20);
    const groups = Map.groupBy(after, ([child, row]) => `${row} & ${before.get(child)}`);
    expect(Math.min(...[...groups.values()].map(({ length }) => length))).toBeGreaterThanOrEqual(5);
  });
});

describe('who is left out', () => {
  /** Somebody of the extract, each of another family. */
  const somebody = async (id: string) => {
    const seen = new Map(
      (await rowsIn(id)).filter(({ kind }) => kind === 'CHILD').map(({ family, person }) => [Number(family), Number(person)]),
    );
    return [...seen].map(([family, person]) => ({ family, person }));
  };
  it('restricted families, protected whereabouts, restricted data and objections; and of how many nothing is told', async () => {
    const before = await made();
    const [restricted, guarded, limited, objects, refused] = (await somebody(before)) as { family: number; person: number }[];
    const of = (who: typeof restricted) => [who?.family, who?.person];
    const county = organisationId('occ');
    await owner.query('update fsp.family set restricted = true where id = $1', [restricted?.family]);
    await owner.query(
      `insert into fsp.whereabouts_protection (family, person, controller, reason, "from") values ($1, (select max(m.person) from fsp.membership m where m.family = $1 and m.person <> $2), $3, 'x', now() - interval '1 day')`,
      [...of(guarded), county],
    );
    await owner.query(
      `insert into fsp.processing_restriction (family, person, controller, data_class, ground, reason, "from", decisions) values ($1, $2, $3, 'CASE', 'accuracy', 'x', '2026-01-01', '{}')`,
      [...of(limited), county],
    );
    const OBJECTION = `insert into fsp.rights_request (family, person, controller, kind, data_class, statement, asked_on, outcome, decided_on) values ($1, $2, $3, 'OBJECTION', 'CASE', 'x', '2026-01-01', $4, $5)`;
    await owner.query(OBJECTION, [...of(objects), county, null, null]);
    await owner.query(OBJECTION, [...of(refused), county, 'REFUSED', '2026-01-02']);
    // What was prepared before is out of date.
    expect((await release(before)).rules).toEqual(['EXTRACT_STALE']);
    const after = await rowsIn(await made());
    for (const who of [restricted, objects, limited]) expect(after.filter(({ person }) => Number(person) === who?.person)).toEqual([]);
    expect(after.filter(({ family }) => [restricted?.family, guarded?.family].includes(Number(family)))).toEqual([]);
    expect(after.some(({ person }) => Number(person) === refused?.person)).toBe(true);
    // No number of the report counts them: it is as if they never were.
    const { payload } = await prepare();
    const { rows } =
      await owner.query(`select count(distinct e.person)::int as n from fsp.episode e where not exists (select from fsp.left_out_of_extracts() x (person) where x.person = e.person)
      and e.referred_on between '2024-01-01' and '2024-03-31'`);
    const { children, withheldChildren } = payload.extract.report;
    expect(children + withheldChildren).toBe(rows[0].n);
  });
  it('who is erased goes from every extract', async () => {
    const id = await released();
    const [who] = await somebody(id);
    await owner.query('begin');
    await eraseFamily(owner, String(who?.family));
    await owner.query('commit');
    expect((await rowsIn(id)).filter(({ family, person }) => Number(family) === who?.family || Number(person) === who?.person)).toEqual([]);
  });
});

describe('a child’s rows', () => {
  const facts: Facts = {
    person: 12,
    family: 3,
    born: '2015-06-17',
    sex: 'F',
    ethnicGroup: 'W',
    disabled: 'UNKNOWN',
    district: 'E07000177',
    entered: '2024-01-20',
    until: '2024-11-20',
    knownBefore: false,
    concerns: ['SUBSTANCE_MISUSE', 'DOMESTIC_ABUSE'],
    spells: [
      { status: 'IN_CARE', from: '2024-03-01', until: '2024-03-20' },
      { status: 'IN_CARE', from: '2024-03-20', until: '2024-04-30' },
      { status: 'IN_NEED', from: '2023-11-01', until: '2024-02-10' },
      { status: 'IN_CARE', from: '2024-09-01', until: null },
      { status: 'ON_PLAN', from: '2023-11-01', until: '2024-01-20' },
    ],
    events: [
      { event: 'REFERRAL', on: '2024-01-20' },
      { event: 'STEP_UP', on: '2024-02-28' },
      { event: 'STEP_DOWN', on: '2024-12-24' },
    ],
  };
  it('tell of the calendar the month of entry, and months since', () => {
    expect(spellsOf(facts).map(({ status, from, until }) => [status, from, until])).toEqual([
      ['IN_NEED', '2024-01-20', '2024-02-10'],
      ['IN_CARE', '2024-03-01', '2024-04-30'],
      ['IN_CARE', '2024-09-01', null],
    ]);
    const child = pseudonymOf(Buffer.alloc(32), 12);
    const of = { family: 3, person: 12, child };
    expect(rowsOf(facts, Buffer.alloc(32))).toEqual([
      {
        ...of,
        kind: 'CHILD',
        born: 2015,
        sex: 'F',
        ethnicGroup: 'W',
        disabled: 'UNKNOWN',
        district: 'E07000177',
        entered: '2024-01-01',
        knownBefore: false,
        concerns: ['DOMESTIC_ABUSE', 'SUBSTANCE_MISUSE'],
        highest: 'IN_CARE',
        daysInNeed: 21,
        daysOnPlan: 0,
        daysPreProceedings: 0,
        // 60 and 80 days.
        daysInCare: 140,
        referrals: 1,
        stepsUp: 1,
        stepsDown: 0,
      },
      { ...of, kind: 'SPELL', status: 'IN_NEED', startMonth: 0, endMonth: 1 },
      { ...of, kind: 'SPELL', status: 'IN_CARE', startMonth: 2, endMonth: 3 },
      { ...of, kind: 'SPELL', status: 'IN_CARE', startMonth: 8, endMonth: null },
      { ...of, kind: 'EVENT', event: 'REFERRAL', month: 0 },
      { ...of, kind: 'EVENT', event: 'STEP_UP', month: 1 },
    ]);
  });
  it('are of everybody for as long, so that nothing open tells when it began', () => {
    expect([followUp('2024-01-31', '2024-02-13'), followUp('2024-01-31', '2024-02-14'), followUp('2024-11-21', '2024-11-21')]).toEqual([
      7, 14, 0,
    ]);
    // A day's shift of all that is known of a child shows in nothing but the day of entry.
    const shifted = (days: number) => {
      const day = (given: string) => new Date(Date.parse(given) + days * 86_400_000).toISOString().slice(0, 10);
      return rowsOf(
        {
          ...facts,
          entered: day('2024-03-01'),
          until: day('2024-12-31'),
          spells: [{ status: 'IN_NEED', from: day('2024-03-01'), until: null }],
          events: [],
        },
        Buffer.alloc(32),
      ).map(({ entered: _entered, ...row }) => row);
    };
    for (const days of [1, 10, 100, 300]) expect(shifted(days)).toEqual(shifted(0));
  });
  it('have the columns that the dictionary and the published documents name', async () => {
    const { body } = await server.ask(university, '{ dataDictionary { kind name type meaning coarsened checked } }');
    expect(body.data.dataDictionary).toEqual(DICTIONARY.map(({ id: _id, ...column }) => column));
    for (const [index, name] of kinds.entries()) {
      const [operation] = parse(readFileSync(new URL(`../../../operations/extract-${name}.graphql`, import.meta.url), 'utf8')).definitions;
      if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error(name);
      const [root] = operation.selectionSet.selections as any[];
      const nodes = root.selectionSet.selections.find((each: any) => each.name.value === 'nodes');
      expect(nodes.selectionSet.selections.map((each: any) => each.name.value)).toEqual(
        DICTIONARY.filter(({ kind }) => kind === ['CHILD', 'SPELL', 'EVENT'][index]).map((each) => each.name),
      );
    }
    const page = readFileSync(new URL('../../../docs/evaluation.md', import.meta.url), 'utf8');
    for (const { kind, name, meaning, coarsened, checked } of DICTIONARY)
      expect(page).toContain(`| ${kind} | \`${name}\` | ${meaning} | ${coarsened ?? '–'} | ${checked ? 'yes' : ''} |`);
    expect(CHECK).toMatchObject({ k: 5, known: ['born', 'sex', 'ethnicGroup', 'disabled', 'district', 'entered'] });
  });
});

describe('a table', () => {
  it('keeps its cells together, and gives a spreadsheet no formula', () => {
    expect(
      csv(
        ['a', 'b,c'],
        [
          { a: '=1+1', 'b,c': 'x "y"\n' },
          { a: '-5.5', 'b,c': ['p', 'q'] },
          { a: -3, 'b,c': null },
          { a: '@x', 'b,c': true },
        ],
      ),
    ).toBe(`a,"b,c"\r\n'=1+1,"x ""y""\n"\r\n-5.5,p q\r\n-3,\r\n'@x,true\r\n`);
  });
  it('is not made of rows that have parts, nor of one answer', async () => {
    for (const name of ['families', 'viewer']) {
      const headers = { authorization: `Bearer ${await server.token('socialWorker')}`, accept: 'text/csv' };
      expect((await server.app.inject({ method: 'GET', url: `/operations/${name}`, headers })).statusCode).toBe(406);
    }
  });
  it('of which something is refused is not made: the refusal is told', async () => {
    const { headers, body } = await pull('children', 'Extract-1', 'text/csv', {
      client: 'occ-analyst',
      user: 'agnes.thorley',
      purpose: 'PERFORMANCE',
    });
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
    expect(JSON.parse(body).errors[0].extensions.code).toBe('FORBIDDEN');
  });
});
