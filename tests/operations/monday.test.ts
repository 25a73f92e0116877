/** A team manager's Monday: one published document for each question, asked of a record that commands have written. */
import { readFileSync } from 'node:fs';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { addDays, today } from '../../src/modules/clock/calendar.ts';
import { operation } from '../../src/portal/demonstration.ts';
import { type Caller, encodeId, ownDatabase, PERSONAS, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const manager: Caller = { client: 'occ-team-management', user: 'bethan.rowe', purpose: 'SAFEGUARDING' };
const county: Caller = { client: 'occ-front-door', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
const police: Caller = { ...PERSONAS.police, purpose: 'SAFEGUARDING' };
const desk: Caller = PERSONAS.housingDesk;
const stranger: Caller = { client: 'school-larch-hollow-pastoral', user: 'priscilla.dean', purpose: 'SAFEGUARDING' };

const day = today(new Date());
const ago = (days: number) => addDays(day, -days);
const family = (key: number) => encodeId('Family', key);
const who = (key: number, name: string) => encodeId('Person', storyPerson(key, name));

let owner: pg.Client;
let server: TestServer;
let organisations: Map<string, string>;
let team: string;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_monday');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
  const { rows } = await owner.query('select id, code from fsp.organisation');
  organisations = new Map(rows.map(({ id, code }) => [code, encodeId('Organisation', id)]));
  team = organisations.get('team-07') as string;
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
async function done(caller: Caller, field: string, selection: string, input: object): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path } } }`;
  const { body } = await server.ask(caller, document, { input: { idempotencyKey: `k${++keys}`, ...input } });
  expect(body.errors, JSON.stringify(body.errors)).toBeUndefined();
  expect(body.data[field].userErrors).toEqual([]);
  return body.data[field];
}
const ask = async (name: string, variables: Record<string, unknown>, caller: Caller = manager) =>
  (await server.ask(caller, operation(name), variables)).body;
/** The answer of a document that nothing is refused of. */
async function answer(name: string, variables: Record<string, unknown>, caller: Caller = manager): Promise<any> {
  const { data, errors } = await ask(name, variables, caller);
  expect(errors, JSON.stringify(errors)).toBeUndefined();
  return Object.values(data)[0];
}
const refusedOf = (errors: any[] | undefined) => (errors ?? []).map(({ extensions }) => [extensions.code, extensions.field]);

describe('which families are late on what', () => {
  it('names family, thing and day, the longest late first, of one team', async () => {
    const assessment = (of: number, started: string) =>
      done(county, 'startAssessment', 'assessment { id }', { family: family(of), referred: started, started, historical: true });
    await assessment(1, '2026-05-01');
    await assessment(3, '2026-04-01');
    await assessment(2, '2026-03-02');
    await assessment(3, ago(1)).catch(() => undefined);
    const late = await answer('late-items', { team });
    const found = late.nodes.filter(({ rule }: any) => rule?.code === 'CFA_COMPLETE');
    expect(found.map((n: any) => n.family.id)).toEqual([family(3), family(1)]);
    expect(found[0]).toMatchObject({ family: { name: 'Dunmore' }, assigned: { name: expect.any(String) } });
    const days = late.nodes.map(({ dueOn }: any) => dueOn);
    expect(days).toEqual([...days].sort());
    expect(days.every((due: string) => due < day)).toBe(true);
    expect(late.totalCount.value).toBe(late.nodes.length);
  });
  it('is not asked by team from a council desk', async () => {
    const { data, errors } = await ask('late-items', { team }, desk);
    expect(data.dueItems).toBeNull();
    expect(refusedOf(errors)).toContainEqual(['FORBIDDEN', 'Query.dueItems(filter.team)']);
  });
});

describe('whose capacity for change moved', () => {
  const entry = (occurred: string, capacityForChange: number) =>
    done(county, 'addWorkbookEntry', 'entry { id }', {
      family: family(3),
      module: 'Getting started',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: `${occurred}T10:00:00.000Z`,
      persons: [who(3, 'mother')],
      readings: [{ person: who(3, 'mother'), behaviour: 'alcohol', stageOfChange: 'ACTION', capacityForChange }],
    });
  const hers = (moved: any) =>
    moved.nodes.filter((n: any) => n.person.givenName === givenName && n.behaviour.label === behaviour && n.family.id === family(3));
  let givenName: string;
  let behaviour: string;
  it('names the person, the behaviour and by how much, since a day', async () => {
    const { rows } = await owner.query('select given_name from fsp.person_identity where person = $1', [storyPerson(3, 'mother')]);
    givenName = rows[0].given_name;
    behaviour = (await owner.query("select label from fsp.code where list = 'behaviour' and code = 'alcohol'")).rows[0].label;
    await entry(ago(20), 2);
    await entry(ago(3), 5);
    expect(hers(await answer('capacity-moved', { since: ago(7), team, first: 100 }))).toMatchObject([
      { observedOn: ago(3), capacityForChange: 5, movedSinceLast: 1 },
    ]);
    expect(hers(await answer('capacity-moved', { since: ago(2), team, first: 100 }))).toEqual([]);
    expect(hers(await answer('capacity-moved', { since: ago(7), team: organisations.get('team-02') }))).toEqual([]);
  });
  it('is nothing for the police', async () => {
    const { data, errors } = await ask('capacity-moved', { since: ago(7), team }, police);
    expect(data.capacityMoved).toBeNull();
    expect(refusedOf(errors)).toContainEqual(['FORBIDDEN', 'Query.capacityMoved']);
  });
});

describe('which requests for an adult worker wait longest', () => {
  it('lists those that have not begun, the oldest first, with the days', async () => {
    const { rows } = await owner.query(
      `select p.id, pp.organisation from fsp.programme p join fsp.programme_provider pp on pp.programme = p.id join fsp.organisation o on o.id = pp.organisation
       where o.code = 'turning-point' and pp.valid_to is null order by p.id limit 1`,
    );
    const request = (of: number, requested: string) =>
      done(county, 'requestIntervention', 'intervention { id }', {
        family: family(of),
        person: who(of, 'mother'),
        programme: encodeId('Programme', rows[0].id),
        provider: encodeId('Organisation', rows[0].organisation),
        reason: 'She asked for it.',
        agreed: true,
        requested,
      });
    const [longer, shorter] = [await request(1, ago(300)), await request(3, ago(200))];
    const waiting = await answer('waiting-longest', { first: 100 });
    const ids = waiting.nodes.map(({ id }: any) => id);
    expect(ids.indexOf(longer.intervention.id)).toBeGreaterThanOrEqual(0);
    expect(ids.indexOf(shorter.intervention.id)).toBeGreaterThan(ids.indexOf(longer.intervention.id));
    const days = waiting.nodes.map(({ waitedDays }: any) => waitedDays);
    expect(days).toEqual([...days].sort((a, b) => b - a));
    expect(waiting.nodes.find(({ id }: any) => id === longer.intervention.id)).toMatchObject({
      family: { id: family(1), name: 'Hartwell' },
      waitedDays: 300,
    });
    for (const { status } of waiting.nodes) expect(['REQUESTED', 'ACCEPTED', 'WAITING']).toContain(status);
  });
  it('is nothing for a school', async () => {
    const { data, errors } = await ask('waiting-longest', {}, PERSONAS.school);
    expect(data.interventions).toBeNull();
    expect(refusedOf(errors)).toContainEqual(['FORBIDDEN', 'Query.interventions(filter.waiting)']);
  });
});

describe('what happened in this family since its last review', () => {
  const dayOf = (node: any) =>
    (node.occurred ?? node.at ?? node.on ?? node.visited ?? node.started ?? node.held ?? node.requested)?.slice(0, 10);
  it('gives the day of the review and what came from it on, in one answer', async () => {
    const { rows } = await owner.query('select max(held)::text as held from fsp.plan_review where family = 2');
    const since = rows[0].held;
    await done(county, 'addWorkbookEntry', 'entry { id }', {
      family: family(2),
      module: 'Getting started',
      discipline: 'social-worker',
      sessionType: 'individual',
      occurred: `${addDays(since, 2)}T10:00:00.000Z`,
      persons: [who(2, 'mother')],
      narrative: 'After the review.',
    });
    const found = await answer('since-last-review', { family: family(2), first: 100 }, county);
    expect(found).toMatchObject({ name: 'Ashdown', lastReview: since });
    expect(found.chronology.nodes).toContainEqual(expect.objectContaining({ narrative: 'After the review.' }));
    for (const node of found.chronology.nodes) if (dayOf(node)) expect(dayOf(node) >= since, JSON.stringify(node)).toBe(true);
    const count = async (args: string) =>
      (await server.ask(county, `query($id: ID!) { family(id: $id) { chronology${args} { totalCount { value } } } }`, { id: family(2) }))
        .body.data.family.chronology.totalCount.value;
    expect(found.chronology.totalCount.value).toBe(await count(`(from: "${since}")`));
    expect(await count('')).toBeGreaterThan(found.chronology.totalCount.value);
    expect(await count('(sinceLastReview: false)')).toBe(await count(''));
  });
  it('is paged without a gap, and counts a review of the whole family’s plan', async () => {
    const { familyPlan } = await done(county, 'openFamilyPlan', 'familyPlan { id version }', { family: family(1), opened: ago(90) });
    await done(county, 'reviewFamilyPlan', 'familyPlan { id }', {
      familyPlan: familyPlan.id,
      expectedVersion: familyPlan.version,
      reviewed: ago(30),
      outcome: 'It goes on.',
      attended: [],
    });
    const { rows } = await owner.query('select max(held)::text as held from fsp.plan_review where family = 1');
    const expected = [rows[0].held, ago(30)].filter(Boolean).sort().at(-1);
    const all = await answer('since-last-review', { family: family(1), first: 100 }, county);
    expect(all.lastReview).toBe(expected);
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const { chronology } = await answer('since-last-review', { family: family(1), first: 2, after }, county);
      seen.push(...chronology.nodes.map(({ id }: any) => id));
      if (!chronology.pageInfo.hasNextPage) break;
      after = chronology.pageInfo.endCursor;
    }
    expect(seen).toEqual(all.chronology.nodes.map(({ id }: any) => id));
  });
  it('is all of it for a family that was never reviewed', async () => {
    const { rows } = await owner.query(
      `select s.family from fsp.family_stage s where not exists (select from fsp.plan_review r where r.family = s.family)
        and exists (select from fsp.workbook_entry e where e.family = s.family) order by s.family limit 1`,
    );
    const id = family(rows[0].family);
    const found = await answer('since-last-review', { family: id }, county);
    expect(found.lastReview).toBeNull();
    const { body } = await server.ask(county, 'query($id: ID!) { family(id: $id) { chronology { totalCount { value } } } }', { id });
    expect(found.chronology.totalCount).toEqual(body.data.family.chronology.totalCount);
    expect(found.chronology.totalCount.value).toBeGreaterThan(0);
  });
  it('is nothing for a school of other children', async () => {
    expect((await ask('since-last-review', { family: family(2) }, stranger)).data.family).toBeNull();
  });
});

describe('which referrals have had no feedback', () => {
  it('lists them until somebody has said something back', async () => {
    const { referral } = await done(PERSONAS.school, 'makeReferral', 'referral { id }', {
      madeOn: day,
      concern: 'She came to school hungry, again.',
      familyKnows: 'TOLD',
      agreed: true,
      phone: '07700 900321',
      children: [{ givenName: 'Tilly', familyName: 'Marwood' }],
    });
    const listed = async () => (await answer('referrals-without-feedback', {})).nodes.find(({ id }: any) => id === referral.id);
    expect(await listed()).toMatchObject({
      sender: { name: expect.any(String) },
      phone: '07700 900321',
      status: 'RECEIVED',
      contact: null,
    });
    const frontDoor: Caller = { client: 'occ-front-door', user: 'philippa.nunn', purpose: 'SAFEGUARDING' };
    const { contact } = await done(frontDoor, 'recordContact', 'contact { id version }', {
      referral: referral.id,
      channel: 'referral',
      source: '2A',
    });
    expect(await listed()).toMatchObject({ contact: { id: contact.id, outcome: null } });
    await done(frontDoor, 'decideContact', 'contact { id }', {
      contact: contact.id,
      expectedVersion: contact.version,
      outcome: 'NO_FURTHER_ACTION',
      nextStep: 'The school goes on as before.',
      reason: 'No sign of harm.',
      decidedOn: day,
    });
    expect(await listed()).toBeUndefined();
    // Another agency is shown its own.
    const { data } = await ask('referrals-without-feedback', {}, police);
    expect(data.referrals.nodes.map(({ sender }: any) => sender.name)).not.toContain('Tansy Bridge');
    expect(data.referrals.nodes.every(({ sender }: any) => /Police/.test(sender.name))).toBe(true);
  });
});

it('each document says in its first line which question it answers', () => {
  for (const name of ['late-items', 'capacity-moved', 'waiting-longest', 'since-last-review', 'referrals-without-feedback'])
    expect(readFileSync(new URL(`../../operations/${name}.graphql`, import.meta.url), 'utf8')).toMatch(/^# Monday: .+\n(query|#)/);
});
