/** Somebody asks for their own data: what is gathered, what never is, who reads and signs it, and by when. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gathering, gatheringFaults } from '../../../src/access/gathering.ts';
import { classifiedTables, type TableClass } from '../../../src/db/classified.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { ageOn, checkRequest, checkStep, parentsRequest, type Standing } from '../../../src/modules/rights/rules.ts';
import '../../../src/modules/tables.ts';
import {
  type Caller,
  encodeId,
  ownDatabase,
  PERSONAS,
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
  ownerUrl = await ownDatabase('fsp_subject_access', true);
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
}, 180_000);
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const key = (name: string) => storyPerson(1, name);
const who = (name: string) => encodeId('Person', key(name));
const gideon: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'SUBJECT_ACCESS' };
const agnes: Caller = { ...gideon, user: 'agnes.thorley' };
let keys = 0;
async function does(as: PersonaName | Caller, field: string, input: object, selection: string): Promise<any> {
  const name = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${name}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } warnings { rule } } }`;
  const { body } = await server.ask(as, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const REQUEST = 'request { id version status dueOn person { id } }';
const ALL = `request { id version status healthOpinion
  sections { table class exclusions { exemption { code } } }
  notices { addressee { code } person { id } }
  items(first: 100) { totalCount { value } } }`;

/** A request whose asker is known, gathered by Gideon. */
async function gathered(input: object): Promise<any> {
  const made = await does(gideon, 'requestSubjectAccess', { received: '2026-11-02', identityChecked: '2026-11-03', ...input }, REQUEST);
  expect(made.userErrors).toEqual([]);
  const { id, version } = made.request;
  const prepared = await does(gideon, 'prepareSubjectAccess', { request: id, expectedVersion: version }, ALL);
  expect(prepared.userErrors).toEqual([]);
  return prepared.request;
}
/** Every item of a request with its table, its class and its values, by the owner's sight. */
const itemsOf = async (request: string) =>
  (
    await owner.query(
      `select s.source, s.data_class, i.id, i.source_key, i.status, i.several, jsonb_object_agg(f.name, f.value) as fields,
         array_remove(array_agg(case when f.held then f.name end), null) as held
       from fsp.subject_access_item i join fsp.subject_access_section s on s.id = i.section join fsp.subject_access_field f on f.item = i.id
       where i.request = $1 group by 1, 2, 3, 4, 5, 6 order by i.id`,
      [request.split('-')[1]],
    )
  ).rows;
const exemptionsOf = (request: any): Record<string, string[]> =>
  Object.fromEntries(request.sections.map((each: any) => [each.table, each.exclusions.map((e: any) => e.exemption.code).sort()]));

describe('what gathers each table', () => {
  const all = classifiedTables();
  it('is said of every table', () => expect(gatheringFaults()).toEqual([]));
  it('a table that is forgotten is named', () => {
    const [some] = all as [TableClass];
    const between = { ...all.find(({ name }) => name === 'information_answer'), name: 'letter_to_somebody' } as TableClass;
    const machinery = { ...some, name: 'machine', dataClass: 'OPERATION' } as TableClass;
    expect(gatheringFaults([...all, between, machinery])).toEqual([
      expect.stringMatching(/^letter_to_somebody: nothing says/),
      expect.stringMatching(/^machine: nothing says/),
    ]);
    expect(() => gathering([...all, between])).toThrow('letter_to_somebody');
  });
  it('and words about a table that is not there', () => {
    expect(gatheringFaults(all.filter(({ name }) => name !== 'child_voice'))).toContainEqual(
      expect.stringMatching(/^child_voice: there is no/),
    );
  });
});

describe('rules', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const request = { person: who('mother'), requester: 'SELF' as const, received: '2026-11-02' };
  it('says who asks', () => {
    expect(checkRequest(request, now)).toEqual([]);
    expect(checkRequest({ ...request, requester: 'PARENT' }, now)).toMatchObject([{ rule: 'SAR_REQUESTER', path: ['requesterPerson'] }]);
    expect(checkRequest({ ...request, requesterName: 'A solicitor' }, now)).toMatchObject([{ path: ['requesterName'] }]);
    expect(checkRequest({ ...request, identityChecked: '2026-11-01' }, now)).toMatchObject([{ path: ['identityChecked'] }]);
  });
  it('a parent asks for a child, not for somebody of age', () => {
    expect([ageOn('2008-11-03', '2026-11-02'), ageOn('2008-11-02', '2026-11-02')]).toEqual([17, 18]);
    expect(parentsRequest({ born: '2008-11-02', parentalResponsibility: true }, '2026-11-02').errors).toMatchObject([
      { rule: 'SAR_ADULT' },
    ]);
    const rules = (born: string, parentalResponsibility: boolean) =>
      parentsRequest({ born, parentalResponsibility }, '2026-11-02').warnings.map(({ rule }) => rule);
    expect([rules('2020-01-01', true), rules('2020-01-01', false), rules('2013-01-01', true)]).toEqual([
      [],
      ['SAR_RESPONSIBILITY'],
      ['SAR_CHILD_UNDERSTANDS'],
    ]);
  });
  it('its steps come in their order, and a second person signs', () => {
    const at: Standing = { identityOn: null, preparedAt: null, preparedUser: null, signedAt: null, sentOn: null, closedOn: null };
    const ruleOf = (...given: Parameters<typeof checkStep>) => checkStep(...given).map(({ rule }) => rule);
    expect([ruleOf('prepare', at, 'a'), ruleOf('confirm', at, 'a')]).toEqual([['SAR_STEP'], []]);
    const known = { ...at, identityOn: '2026-11-03' };
    expect([ruleOf('prepare', known, 'a'), ruleOf('prepare', known, null), ruleOf('sign', known, 'b')]).toEqual([
      [],
      ['SAR_PERSON'],
      ['SAR_STEP'],
    ]);
    const prepared = { ...known, preparedAt: now, preparedUser: 'a' };
    expect([ruleOf('sign', prepared, 'a'), ruleOf('sign', prepared, 'b'), ruleOf('send', prepared, 'b')]).toEqual([
      ['SAR_SECOND_PERSON'],
      [],
      ['SAR_STEP'],
    ]);
    const signed = { ...prepared, signedAt: now };
    expect([ruleOf('review', signed, 'a'), ruleOf('send', signed, 'a'), ruleOf('send', { ...signed, sentOn: 'x' }, 'a')]).toEqual([
      ['SAR_STEP'],
      [],
      ['SAR_STEP'],
    ]);
  });
});

describe('who may', () => {
  it('is the county’s governance, for this purpose alone', async () => {
    const input = { person: who('mother'), requester: 'SELF', received: '2026-11-02' };
    for (const [as, reason] of [
      ['socialWorker', 'NOT_FOR_THIS_ROLE'],
      ['healthVisitor', 'NOT_YOURS_TO_WRITE'],
      [{ client: 'oxford-health-governance', user: 'amara.osei', purpose: 'GOVERNANCE' }, 'NOT_YOURS_TO_WRITE'],
      [{ ...gideon, purpose: 'GOVERNANCE' }, 'NOT_FOR_THIS_PURPOSE'],
    ] as [PersonaName | Caller, string][])
      expect(await does(as, 'requestSubjectAccess', input, REQUEST)).toMatchObject({ refused: { code: 'FORBIDDEN', reason } });
    expect((await server.ask('socialWorker', '{ subjectAccessRequests { nodes { id } } }')).body.errors?.[0].extensions).toMatchObject({
      reason: 'NOT_FOR_THIS_ROLE',
    });
    const nobody = await does(gideon, 'requestSubjectAccess', { ...input, person: encodeId('Person', 99_999_999) }, REQUEST);
    expect(nobody.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['person'] }]);
    const stranger = await does(
      gideon,
      'requestSubjectAccess',
      { ...input, person: who('maisie'), requester: 'PARENT', requesterPerson: encodeId('Person', storyPerson(2, 'mother')) },
      REQUEST,
    );
    expect(stranger.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['requesterPerson'] }]);
  });

  it('by plain SQL no other agency gathers or reads, and what was gathered is not written', async () => {
    const { id } = await gathered({ person: who('aunt'), requester: 'SELF' });
    const request = id.split('-')[1];
    const health = await sqlAs('oxford-health', false, ownerUrl);
    await expect(health.query('select fsp.gather_subject_access($1, null)', [request])).rejects.toMatchObject({ code: '42501' });
    expect((await health.query('select * from fsp.subject_access')).rows).toEqual([]);
    expect((await health.query('select * from fsp.subject_access_field')).rows).toEqual([]);
    await health.end();
    const county = await sqlAs('occ', false, ownerUrl);
    // Once, of an own request.
    await expect(county.query('select fsp.gather_subject_access($1, null)', [request])).rejects.toMatchObject({ code: '42501' });
    await expect(county.query('select fsp.gather_subject_access(99999999, null)')).rejects.toMatchObject({ code: '42501' });
    await expect(county.query(`update fsp.subject_access_field set value = 'x'`)).rejects.toMatchObject({ code: '42501' });
    await expect(county.query(`update fsp.subject_access_item set source_key = 'x'`)).rejects.toMatchObject({ code: '42501' });
    await expect(county.query('delete from fsp.subject_access_item')).rejects.toMatchObject({ code: '42501' });
    await expect(
      county.query(`insert into fsp.subject_access_exclusion (request, section, person, controller, exemption) values (1, 1, 1, 1, 'x')`),
    ).rejects.toMatchObject({ code: '42501' });
    await county.end();
  });
});

describe('the mother asks', () => {
  let request: any;
  let items: any[];
  beforeAll(async () => {
    request = await gathered({ person: who('mother'), requester: 'SELF' });
    items = await itemsOf(request.id);
  });

  it('and is given her own, of the county’s', async () => {
    expect(request.status).toBe('PREPARED');
    const identity = items.find(({ source }) => source === 'person_identity');
    expect(identity).toMatchObject({ status: 'INCLUDED', fields: { 'given name': 'Rachel' } });
    expect(new Set(items.map(({ source }) => source)).size).toBeGreaterThan(10);
    // Nothing that is about somebody else, or another's words.
    for (const { source, source_key } of items.filter(({ several }) => !several)) {
      const column = (
        await owner.query(
          `select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
        where i.indrelid = ('fsp.' || $1)::regclass and i.indisprimary`,
          [source],
        )
      ).rows[0].attname;
      const { rows } = await owner.query(`select person, controller from fsp.${source} where ${column} = $1`, [source_key]);
      expect(rows, source).toEqual([{ person: String(key('mother')), controller: 1 }]);
    }
  });

  it('never who told, nor the court’s papers', () => {
    expect(items.filter(({ data_class }) => ['INFORMANT', 'COURT'].includes(data_class))).toEqual([]);
  });

  it('what names others is held back, and what is about others as well waits to be read', async () => {
    const { rows } = await owner.query('select given_name from fsp.person_identity where person = any ($1)', [
      ['father', 'maisie', 'callum'].map(key),
    ]);
    const names = new RegExp(`\\b(${rows.map(({ given_name }) => given_name).join('|')})\\b`, 'i');
    const naming = items.flatMap(({ fields, held }) =>
      Object.entries<string>(fields).filter(([name, value]) => names.test(value) && !held.includes(name)),
    );
    expect(naming).toEqual([]);
    expect(items.filter(({ several, status }) => several && status === 'INCLUDED')).toEqual([]);
    expect(items.some(({ status }) => status === 'REVIEW')).toBe(true);
  });

  it('health waits for an opinion', () => {
    expect(items.filter(({ data_class, status }) => data_class === 'CLINICAL' && status !== 'AWAITS_OPINION')).toEqual([]);
  });

  it('others’ rows are theirs to give: each is told, and sees it', async () => {
    const told = request.notices.map((each: any) => each.addressee.code);
    expect(told).toContain('team-07');
    expect(told).not.toContain('occ');
    expect(request.notices.every((each: any) => each.person.id === who('mother'))).toBe(true);
    const { body } = await server.ask('teamSpecialist', '{ subjectAccessNotices { nodes { person { id } asked organisation { code } } } }');
    expect(body.data.subjectAccessNotices.nodes).toContainEqual({
      person: { id: who('mother') },
      asked: '2026-11-02',
      organisation: { code: 'occ' },
    });
    const police = (await server.ask('police', '{ subjectAccessNotices { nodes { id addressee { code } } } }')).body.data
      .subjectAccessNotices;
    expect(police.nodes.every((each: any) => each.addressee.code === 'thames-valley-police')).toBe(true);
  });

  it('is not read under another purpose, and each look is on record', async () => {
    const ask = (as: Caller) =>
      server.ask(
        as,
        'query($id: ID!) { node(id: $id) { ... on SubjectAccess { status sections { noun } items { totalCount { value } } } } }',
        {
          id: request.id,
        },
      );
    expect((await ask(gideon)).body.data.node.items.totalCount.value).toBe(items.length);
    expect((await ask({ ...gideon, purpose: 'GOVERNANCE' })).body.data.node).toEqual({
      status: 'PREPARED',
      sections: [],
      items: { totalCount: { value: 0 } },
    });
    const { rows } = await owner.query(`select records from fsp.disclosure where records like '%SubjectAccess%' order by at desc limit 1`);
    expect(rows[0].records).toContain(String(key('mother')));
  });
});

it('what stands in a family that the asker does not see is not gathered', async () => {
  await owner.query(`insert into fsp.membership (family, person, controller, role, "from") values (2, $1, 1, 'aunt', '2026-01-01')`, [
    key('aunt'),
  ]);
  await owner.query(
    `insert into fsp.adult_voice (family, person, controller, words, medium, said_on, heard_by) values (2, $1, 1, 'Said elsewhere.', 'said', '2026-11-02', 'x')`,
    [key('aunt')],
  );
  const text = async () => JSON.stringify(await itemsOf((await gathered({ person: who('aunt'), requester: 'SELF' })).id));
  expect(await text()).toContain('Said elsewhere.');
  await owner.query('update fsp.family set restricted = true where id = 2');
  expect(await text()).not.toContain('Said elsewhere.');
  await owner.query('update fsp.family set restricted = false where id = 2');
  // Nor does a user with a conflict of interest take it up.
  await owner.query(
    `insert into fsp.conflict_of_interest (family, controller, subject, reason, "from") values (2, 1, 'gideon.marlowe', 'A cousin.', now() - interval '1 hour')`,
  );
  const barred = { person: who('aunt'), requester: 'SELF', received: '2026-11-02' };
  expect((await does(gideon, 'requestSubjectAccess', barred, REQUEST)).userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['person'] }]);
  await owner.query('delete from fsp.conflict_of_interest where family = 2');
  await owner.query(`delete from fsp.adult_voice where words = 'Said elsewhere.'`);
  await owner.query('delete from fsp.membership where family = 2 and person = $1', [key('aunt')]);
});

describe('a parent asks for a child', () => {
  it('nothing that the child gave in confidence, unless they agreed', async () => {
    const said = (mayKnow?: string) =>
      does(
        'socialWorker',
        'recordChildVoice',
        {
          family,
          person: who('maisie'),
          words: mayKnow ? 'I like my new room.' : 'I am afraid at night.',
          medium: 'said',
          on: '2026-11-02',
          ...(mayKnow ? { mayKnow } : {}),
        },
        'voice { id mayKnow { code } }',
      );
    expect((await said()).voice.mayKnow.code).toBe('team');
    const agreed = (await said('parents')).voice;
    const asked = { person: who('maisie'), requester: 'PARENT', requesterPerson: who('mother') };
    const request = await gathered(asked);
    const items = await itemsOf(request.id);
    expect(
      items.filter(({ data_class }) => data_class === 'CHILD_VOICE').map(({ source, source_key }) => `${source} ${source_key}`),
    ).toEqual([`child_voice ${agreed.id.split('-')[1]}`]);
    expect(JSON.stringify(items)).not.toContain('afraid at night');
    expect(exemptionsOf(request).child_voice).toContain('child-confidence');
    // The child themself is given their own words.
    const own = await gathered({ person: who('maisie'), requester: 'SELF' });
    expect(JSON.stringify(await itemsOf(own.id))).toContain('afraid at night');
  });

  it('nothing that is kept from this parent', async () => {
    const kept = {
      family,
      person: who('maisie'),
      words: 'Do not tell Mum.',
      medium: 'said',
      on: '2026-11-02',
      mayKnow: 'parents',
      keptFrom: [who('mother')],
    };
    expect((await does('socialWorker', 'recordChildVoice', kept, 'voice { id }')).userErrors).toEqual([]);
    const request = await gathered({ person: who('maisie'), requester: 'PARENT', requesterPerson: who('mother') });
    expect(JSON.stringify(await itemsOf(request.id))).not.toContain('Do not tell Mum');
    expect(exemptionsOf(request).child_voice).toContain('kept-from');
  });
});

describe('somebody’s whereabouts are protected', () => {
  const protect = (name: string) =>
    owner.query(
      `insert into fsp.whereabouts_protection (family, person, controller, reason, "from") values (1, $1, 1, 'He looks for them.', now() - interval '1 hour')`,
      [key(name)],
    );
  const LEAK_FREE = ['SAFETY', 'IDENTITY', 'FAMILY', 'EQUALITY', 'SHARING'];
  afterAll(() => owner.query('delete from fsp.whereabouts_protection'));
  it('a parent who asks for that child is given nothing that may tell, nor that there is a protection', async () => {
    await protect('poppy');
    const request = await gathered({ person: who('poppy'), requester: 'PARENT', requesterPerson: who('father') });
    const items = await itemsOf(request.id);
    expect(items.filter(({ data_class }) => !LEAK_FREE.includes(data_class))).toEqual([]);
    expect(JSON.stringify(items)).not.toContain('He looks for them');
    expect(exemptionsOf(request).whereabouts_protection).toEqual(['safeguarding']);
  });
  it('what is about several goes to nobody else who belongs to the family', async () => {
    const items = await itemsOf((await gathered({ person: who('aunt'), requester: 'SELF' })).id);
    expect(items.filter(({ data_class, several }) => several && !LEAK_FREE.includes(data_class))).toEqual([]);
  });
});

describe('who is recorded as harming asks', () => {
  beforeAll(async () => {
    const condition = { family, kind: 'no-contact', instruction: 'No contact.', issuer: 'Court', from: '2026-11-01' };
    const persons = [
      { person: who('father'), part: 'BOUND' },
      { person: who('mother'), part: 'PROTECTED' },
    ];
    expect((await does('socialWorker', 'recordSafetyCondition', { ...condition, persons }, 'condition { id }')).userErrors).toEqual([]);
  });

  it('for himself: nothing that the victim told, nothing kept from him, not where she is', async () => {
    const request = await gathered({ person: who('father'), requester: 'SELF' });
    const items = await itemsOf(request.id);
    expect(items.filter(({ data_class, source }) => data_class === 'VICTIM' || source === 'marac')).toEqual([]);
    const { rows } = await owner.query('select address from fsp.household where family = 1');
    const text = JSON.stringify(items);
    for (const { address } of rows) expect(text).not.toContain(address);
    // What it was not safe to tell him is not told him by his own request.
    expect(text).not.toContain('He would have learnt of the referral');
    const { rows: kept } = await owner.query('select id from fsp.workbook_entry where family = 1 and $1 = any (kept_from)', [
      key('father'),
    ]);
    for (const { id } of kept) expect(items.some(({ source, source_key }) => source === 'workbook_entry' && source_key === id)).toBe(false);
  });

  it('for a child: nothing that tells where the child is', async () => {
    const request = await gathered({ person: who('maisie'), requester: 'PARENT', requesterPerson: who('father') });
    const items = await itemsOf(request.id);
    const leaks = ['WHEREABOUTS', 'HOUSING', 'EDUCATION', 'OFFER', 'INVOLVEMENT', 'VICTIM', 'CHILD_VOICE'];
    expect(items.filter(({ data_class, source }) => leaks.includes(data_class) && source !== 'child_voice')).toEqual([]);
    expect(Object.values(exemptionsOf(request)).flat()).toContain('whereabouts');
  });
});

describe('what goes out, as a page', () => {
  const pageOf = async (id: string, as: PersonaName | Caller) => {
    const purpose = typeof as === 'string' ? PERSONAS[as].purpose : (as.purpose as string);
    const headers = { authorization: `Bearer ${await server.token(as)}`, 'x-purpose-of-use': purpose };
    const { statusCode, payload } = await server.app.inject({ method: 'GET', url: `/subject-access/${id}`, headers });
    return { statusCode, payload };
  };
  it('has what is given, and no trace of what is not', async () => {
    const request = await gathered({ person: who('mother'), requester: 'SELF' });
    const { statusCode, payload } = await pageOf(request.id, gideon);
    expect([statusCode, payload.includes('Not signed: a draft'), payload.includes('Rachel')]).toEqual([200, true, true]);
    const items = await itemsOf(request.id);
    const values = (of: any[]) => of.flatMap(({ fields }) => Object.values<string>(fields));
    const given = new Set(values(items.filter(({ status }) => status === 'INCLUDED')));
    const long = values(items.filter(({ status }) => status !== 'INCLUDED')).filter(
      (value) => /[a-z] .*[.?!]$/.test(value) && !given.has(value),
    );
    expect(long.length).toBeGreaterThan(3);
    for (const value of long) expect(payload).not.toContain(value);
    expect(payload).not.toMatch(/Maisie|third-party|excluded|<script/i);
  });
  it('is there for governance under its purpose alone; else it reads as one that never was', async () => {
    const { id } = await gathered({ person: who('mother'), requester: 'SELF' });
    const never = await pageOf(encodeId('SubjectAccess', 99_999_999), gideon);
    expect(never.statusCode).toBe(404);
    for (const as of ['socialWorker', 'police'] as const) expect(await pageOf(id, as)).toEqual(never);
    for (const as of ['socialWorker', 'police'] as const)
      expect((await server.ask(as, `{ node(id: "${id}") { id } }`)).body.data).toEqual({ node: null });
    expect((await pageOf(id, { ...gideon, purpose: 'GOVERNANCE' })).payload).not.toContain('<article');
  });
});

describe('a request’s way', () => {
  it('from who asks, by a review and a second person, to what is sent; the clock is met', async () => {
    const made = await does(gideon, 'requestSubjectAccess', { person: who('aunt'), requester: 'SELF', received: '2026-11-02' }, REQUEST);
    expect(made.request).toMatchObject({ status: 'RECEIVED', dueOn: null });
    let { id, version } = made.request;
    const next = async (as: Caller, field: string, input: object) => {
      const said = await does(as, field, { request: id, expectedVersion: version, ...input }, REQUEST);
      if (said.request) version = said.request.version;
      return said;
    };
    expect((await next(gideon, 'prepareSubjectAccess', {})).userErrors).toMatchObject([{ rule: 'SAR_STEP' }]);
    const confirmed = await next(gideon, 'confirmSubjectAccessIdentity', { on: '2026-11-04' });
    expect(confirmed.request).toMatchObject({ status: 'RUNNING', dueOn: '2026-12-04' });
    const clock = async () =>
      (
        await owner.query(
          `select due_on::text, met_on::text, person from fsp.clock where subject_type = 'SubjectAccess' and subject_id = $1`,
          [id.split('-')[1]],
        )
      ).rows;
    // The clock of a request names nobody.
    expect(await clock()).toEqual([{ due_on: '2026-12-04', met_on: null, person: null }]);
    expect((await next(gideon, 'extendSubjectAccess', { reason: 'Three families, ten years.' })).request.dueOn).toBe('2027-02-04');
    expect(await clock()).toMatchObject([{ due_on: '2027-02-04' }]);
    expect((await next(gideon, 'extendSubjectAccess', { reason: 'Again.' })).userErrors).toMatchObject([{ rule: 'SAR_EXTENDED' }]);
    expect((await next(gideon, 'prepareSubjectAccess', {})).userErrors).toEqual([]);

    expect((await next(gideon, 'signSubjectAccess', {})).userErrors).toMatchObject([{ rule: 'SAR_SECOND_PERSON' }]);
    const open = (await itemsOf(id)).filter(({ status }) => status === 'REVIEW');
    if (open.length > 0) {
      expect((await next(agnes, 'signSubjectAccess', {})).userErrors).toMatchObject([{ rule: 'SAR_REVIEWED' }]);
      const items = open.map((each) => encodeId('SubjectAccessItem', Number(each.id)));
      const reviewed = await does(
        gideon,
        'reviewSubjectAccessItems',
        { request: id, items, include: false, reason: 'About the parents.' },
        REQUEST,
      );
      expect(reviewed.userErrors).toEqual([]);
    }
    const foreign = await does(
      gideon,
      'reviewSubjectAccessItems',
      { request: id, items: [encodeId('SubjectAccessItem', 99_999_999)], include: true, reason: 'x' },
      REQUEST,
    );
    expect(foreign.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['items', '0'] }]);
    const waiting = (await itemsOf(id)).some(({ status }) => status === 'AWAITS_OPINION');
    if (waiting) await next(gideon, 'recordHealthOpinion', { opinion: 'NO_SERIOUS_HARM', by: 'Dr Amara Osei', on: '2026-11-10' });
    expect((await does(agnes, 'signSubjectAccess', { request: id, expectedVersion: 1 }, REQUEST)).userErrors).toMatchObject([
      { code: 'CONFLICT' },
    ]);
    expect((await next(agnes, 'signSubjectAccess', {})).request).toMatchObject({ status: 'SIGNED' });
    expect(
      (
        await does(
          gideon,
          'reviewSubjectAccessItems',
          { request: id, items: [encodeId('SubjectAccessItem', 1)], include: true, reason: 'x' },
          REQUEST,
        )
      ).userErrors,
    ).toMatchObject([{ rule: 'SAR_STEP' }]);
    expect((await next(gideon, 'sendSubjectAccess', { on: '2026-11-20', how: 'by hand' })).request).toMatchObject({ status: 'SENT' });
    expect(await clock()).toMatchObject([{ met_on: '2026-11-20' }]);
    expect((await next(gideon, 'closeSubjectAccess', { on: '2026-11-20', as: 'WITHDRAWN', reason: 'x' })).userErrors).toMatchObject([
      { rule: 'SAR_STEP' },
    ]);
  });

  it('health goes out by an opinion alone, and stays in where it would do harm', async () => {
    const request = await gathered({ person: who('mother'), requester: 'SELF' });
    const awaiting = async () => (await itemsOf(request.id)).filter(({ status }) => status === 'AWAITS_OPINION');
    const first = await awaiting();
    if (first.length === 0) return;
    const items = first.map((each) => encodeId('SubjectAccessItem', Number(each.id)));
    const include = await does(gideon, 'reviewSubjectAccessItems', { request: request.id, items, include: true, reason: 'x' }, REQUEST);
    expect(include.userErrors).toMatchObject([{ rule: 'SAR_HEALTH_OPINION' }]);
    const opinion = {
      request: request.id,
      expectedVersion: request.version,
      opinion: 'SERIOUS_HARM',
      by: 'Dr Amara Osei',
      on: '2026-11-10',
    };
    expect((await does(gideon, 'recordHealthOpinion', opinion, REQUEST)).userErrors).toEqual([]);
    expect(await awaiting()).toEqual([]);
    expect((await itemsOf(request.id)).filter(({ data_class, status }) => data_class === 'CLINICAL' && status !== 'EXCLUDED')).toEqual([]);
  });

  it('a request that is withdrawn is closed, and its clock with it', async () => {
    const made = await does(
      gideon,
      'requestSubjectAccess',
      {
        person: who('mother'),
        requester: 'REPRESENTATIVE',
        requesterName: 'A solicitor',
        received: '2026-11-02',
        identityChecked: '2026-11-02',
      },
      REQUEST,
    );
    const { id, version } = made.request;
    const closed = await does(
      gideon,
      'closeSubjectAccess',
      { request: id, expectedVersion: version, as: 'WITHDRAWN', on: '2026-11-05', reason: 'Asked for it by word of mouth.' },
      REQUEST,
    );
    expect(closed.request.status).toBe('WITHDRAWN');
    const { rows } = await owner.query(`select ended_on::text from fsp.clock where subject_type = 'SubjectAccess' and subject_id = $1`, [
      id.split('-')[1],
    ]);
    expect(rows).toEqual([{ ended_on: '2026-11-05' }]);
  });
});
