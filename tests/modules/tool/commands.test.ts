/** Readings of tools through the API: who may record them, who sees them, what is kept, and what a change means. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
  ownDatabase,
  type PersonaName,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let url: string;
beforeAll(async () => {
  url = await ownDatabase('fsp_tool');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const family = encodeId('Family', 1);
const person = (who: string) => encodeId('Person', storyPerson(1, who));
const [mother, father, maisie, poppy] = ['mother', 'father', 'maisie', 'poppy'].map(person) as [string, string, string, string];
const fields = `reading { id version tool { code dataClass } person { givenName } on author organisation { code } edition completedBy { code }
  total metric band { code label } scoredBand { code } raisedBy atThreshold domains { domain { code } score } first { on total } }`;
const document = `mutation($input: RecordToolReadingInput!) { recordToolReading(input: $input) { ${fields} userErrors { code message path rule } warnings { rule } } }`;
let keys = 0;
async function record(input: object, who: Parameters<TestServer['ask']>[0] = 'socialWorker') {
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `t${++keys}`, family, on: '2026-11-01', ...input } });
  expect(body.errors).toBeUndefined();
  return body.data.recordToolReading;
}
const paths = (errors: any[]) => errors.map(({ path, rule }) => rule ?? path.join('.'));
const phq = (total: number, ninth = 0) => {
  const answers = Array.from({ length: 9 }, (_, i) => (i === 8 ? ninth : 0));
  for (let left = total - ninth, i = 0; left > 0; i++) {
    answers[i] = Math.min(3, left);
    left -= 3;
  }
  return answers;
};

describe('recordToolReading', () => {
  it('scores SWEMWBS to its metric, and reads it back', async () => {
    const { reading, userErrors } = await record({ tool: 'SWEMWBS', person: mother, answers: [3, 3, 3, 3, 4, 4, 4], completedBy: 'self' });
    expect(userErrors).toEqual([]);
    expect(reading).toMatchObject({
      tool: { code: 'SWEMWBS', dataClass: 'CLINICAL' },
      person: { givenName: 'Rachel' },
      on: '2026-11-01',
      author: 'Grace Whitlock',
      organisation: { code: 'occ' },
      edition: '2009',
      completedBy: { code: 'self' },
      total: 24,
      metric: '21.54',
      band: { code: 'average' },
      atThreshold: null,
      first: { on: '2026-11-01', total: 24 },
    });
  });
  it('keeps of PHQ-9 total, band and day, and no answer anywhere', async () => {
    const { reading } = await record({ tool: 'PHQ9', person: mother, answers: phq(16) });
    expect(reading).toMatchObject({ total: 16, band: { code: 'moderately-severe' }, atThreshold: true });
    const told = JSON.stringify([
      (await owner.query("select * from fsp.tool_reading r join fsp.tool t on t.id = r.tool where t.code = 'PHQ9'")).rows,
      (await owner.query("select * from fsp.outbox where action = 'recordToolReading'")).rows,
      (await owner.query('select result from fsp.idempotency')).rows,
      (await owner.query('select * from fsp.tool_score')).rows,
    ]);
    expect(told).not.toMatch(/answers|3,\s*3,\s*3/);
  });
  it('gives the practitioner who asked a task of the same day where item 9 is above 0, for those alone who may know', async () => {
    const before = Number((await owner.query('select count(*) as n from fsp.task')).rows[0].n);
    const { reading } = await record({ tool: 'PHQ9', person: father, on: '2026-11-20', answers: phq(5, 1) });
    expect(reading.total).toBe(5);
    const { rows } = await owner.query('select *, due_on::text as due from fsp.task order by id desc limit 1');
    expect(Number((await owner.query('select count(*) as n from fsp.task')).rows[0].n)).toBe(before + 1);
    expect(rows[0]).toMatchObject({ kind: 'risk-today', due: '2026-11-20', worker: 'grace.whitlock', row_mask: String(1 << 15) });
    const tasks = async (who: PersonaName) =>
      (
        await server.ask(who, 'query($id: ID!) { family(id: $id) { tasks { nodes { title kind { code } } } } }', { id: family })
      ).body.data.family.tasks.nodes.filter((task: any) => task.kind.code === 'risk-today').length;
    expect(await tasks('socialWorker')).toBe(1);
    expect(await tasks('teamSpecialist')).toBe(0);
  });
  it('gives no task of today for what is entered late, and says so', async () => {
    const before = (await owner.query('select count(*) as n from fsp.task')).rows[0].n;
    const { warnings } = await record({ tool: 'PHQ9', person: father, on: '2025-03-02', answers: phq(15, 2), historical: true });
    expect(paths(warnings)).toEqual(['PHQ9_ITEM9']);
    expect((await owner.query('select count(*) as n from fsp.task')).rows[0].n).toBe(before);
  });
  it('raises the level of DASH and never lowers it', async () => {
    const checks = Array.from({ length: 24 }, (_, i) => (i < 10 ? 'YES' : 'UNKNOWN'));
    const medium = await record({ tool: 'DASH', person: mother, checks, keptFrom: [father] });
    expect(medium.reading).toMatchObject({ total: 10, band: { code: 'medium' }, raisedBy: null, atThreshold: false });
    const raise = { band: 'high', by: 'JUDGEMENT' };
    const high = await record({ tool: 'DASH', person: mother, checks, raise, keptFrom: [father] });
    expect(high.reading).toMatchObject({
      band: { code: 'high' },
      scoredBand: { code: 'medium' },
      raisedBy: 'JUDGEMENT',
      atThreshold: true,
    });
    const low = await record({ tool: 'DASH', person: mother, checks, raise: { band: 'standard', by: 'JUDGEMENT' } });
    expect(low.userErrors).toMatchObject([{ code: 'RULE', rule: 'DASH_RAISE_ONLY', path: ['raise', 'band'] }]);
  });
  it('works the area of the Graded Care Profile out from its worst part', async () => {
    const domains = [
      { code: 'physical-1', score: 2 },
      { code: 'physical-3', score: 4 },
    ];
    const { reading } = await record({ tool: 'GCP2', person: maisie, domains }, 'teamSpecialist');
    expect(reading.organisation).toEqual({ code: 'team-07' });
    expect(reading.domains).toContainEqual({ domain: { code: 'physical' }, score: 4 });
    expect(reading.total).toBeNull();
  });
  it('refuses what cannot be, each with its place', async () => {
    expect(paths((await record({ tool: 'PHQ9', person: mother, answers: [1, 2, 9] })).userErrors)).toEqual(['answers', 'answers.2']);
    expect(paths((await record({ tool: 'ASTROLOGY', total: 3 })).userErrors)).toEqual(['tool']);
    expect(paths((await record({ tool: 'SDQ', person: poppy, total: 12 })).userErrors)).toEqual(['person']);
    expect(paths((await record({ tool: 'SDQ', person: maisie, total: 12, completedBy: 'nobody' })).userErrors)).toEqual(['completedBy']);
    expect(paths((await record({ tool: 'HOME_ENVIRONMENT', person: maisie, total: 4 })).userErrors)).toEqual(['person']);
    expect(paths((await record({ tool: 'MY_STAR', person: maisie, domains: [{ code: 'area-1', score: 3 }] })).userErrors)).toEqual([
      'TOOL_LICENCE',
    ]);
    expect(paths((await record({ tool: 'PHQ9', person: encodeId('Person', 401), answers: phq(3) })).userErrors)).toEqual(['person']);
    expect(paths((await record({ tool: 'PHQ9', family: encodeId('Family', 999_999), answers: phq(3) })).userErrors)).toEqual(['family']);
  });
  it.each(['healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as PersonaName[])('is not for %s', async (name) => {
    const input = { idempotencyKey: `no-${name}`, family, person: mother, tool: 'PHQ9', on: '2026-11-01', answers: phq(3) };
    const { body } = await server.ask(name, document, { input });
    expect(body.data).toEqual({ recordToolReading: null });
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
  });
});

describe('who sees a reading', () => {
  const codes = async (who: Parameters<TestServer['ask']>[0]) => {
    const { body } = await server.ask(
      who,
      'query($id: ID!) { family(id: $id) { toolReadings(first: 50) { nodes { tool { code } organisation { code } } } } }',
      { id: family },
    );
    return (body.data?.family?.toolReadings?.nodes ?? []).map((node: any) => `${node.tool.code} ${node.organisation.code}`) as string[];
  };
  beforeAll(async () => {
    await record({ tool: 'AUDIT_C', person: father, answers: [4, 1, 0] }, 'teamSpecialist');
    await record({ tool: 'HOME_ENVIRONMENT', total: 4 });
  });
  it('the county: its own, and those of the family’s tools; not another’s of health', async () => {
    const seen = await codes('socialWorker');
    expect(seen).toEqual(expect.arrayContaining(['PHQ9 occ', 'SWEMWBS occ', 'DASH occ', 'HOME_ENVIRONMENT occ', 'GCP2 team-07']));
    expect(seen).not.toContain('AUDIT_C team-07');
  });
  it('the team’s practitioner: their own, and those of the family’s tools', async () => {
    const seen = await codes('teamSpecialist');
    expect(seen).toEqual(expect.arrayContaining(['AUDIT_C team-07', 'GCP2 team-07', 'HOME_ENVIRONMENT occ']));
    expect(seen.filter((each) => /(PHQ9|SWEMWBS|DASH) occ/.test(each))).toEqual([]);
  });
  it('nobody else', async () => {
    for (const who of ['healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as PersonaName[]) {
      expect(await codes(who), who).toEqual([]);
    }
  });
  it('not who works only with a person from whom it is kept', async () => {
    const third = encodeId('Family', 3);
    await record({ family: third, tool: 'FAMILY_RELATIONSHIP', total: 3, keptFrom: [encodeId('Person', storyPerson(3, 'partner'))] });
    const count = async (user: string) =>
      (
        await server.ask(
          { client: 'team-07-workbook', user, purpose: 'CHILD_IN_NEED' },
          'query($id: ID!) { family(id: $id) { toolReadings { totalCount { value } } } }',
          { id: third },
        )
      ).body.data.family.toolReadings.totalCount.value;
    expect([await count('niamh.carroll'), await count('ruth.ellery')]).toEqual([1, 0]);
  });
  it('by id, one that is hidden reads as one that never was', async () => {
    const id = (await owner.query("select r.id from fsp.tool_reading r join fsp.tool t on t.id = r.tool where t.code = 'DASH' limit 1"))
      .rows[0].id;
    const ask = (key: number) =>
      server.ask('teamSpecialist', 'query($id: ID!) { node(id: $id) { ... on ToolReading { total } } }', {
        id: encodeId('ToolReading', key),
      });
    expect((await ask(Number(id))).body.data).toEqual({ node: null });
    expect((await ask(Number(id))).text).toBe((await ask(999_999)).text);
  });
  it('by plain SQL, the police read and write none; a team writes none in the county’s name', async () => {
    const insert = `insert into fsp.tool_reading (family, person, controller, tool, row_mask, read_on, author, edition, completed_by)
      values (1, $1, (select id from fsp.organisation where code = 'occ'), 2, 0, '2026-11-01', 'x', '9', 'self')`;
    for (const code of ['thames-valley-police', 'team-07']) {
      const client = await sqlAs(code, false, url);
      await expect(client.query(insert, [storyPerson(1, 'mother')])).rejects.toMatchObject({ code: '42501' });
      await client.end();
    }
    const police = await sqlAs('thames-valley-police', false, url);
    await expect(police.query('select from fsp.tool_reading')).rejects.toMatchObject({ code: '42501' });
    await police.end();
    // Whatever mask is written, the row has that of its tool.
    const county = await sqlAs('occ', false, url);
    await county.query(insert, [storyPerson(1, 'aunt')]);
    await county.end();
    const { rows } = await owner.query('select row_mask from fsp.tool_reading where person = $1', [storyPerson(1, 'aunt')]);
    expect(rows).toEqual([{ row_mask: String(1 << 15) }]);
  });
});

describe('toolChanges', () => {
  const ask = async (name: PersonaName | Caller = FRONT_DOOR, id = encodeId('Family', 2)) =>
    (
      await server.ask(
        name,
        'query($id: ID!) { family(id: $id) { toolChanges { tool { code } person { givenName } first { on total } latest { id version on total } change direction meaningful rule } } }',
        { id },
      )
    ).body.data.family.toolChanges;
  const second = encodeId('Family', 2);
  let who = '';
  beforeAll(async () => {
    const { rows } = await owner.query(
      "select m.person from fsp.membership m join fsp.person_identity i on i.person = m.person where m.family = 2 and m.role = 'mother'",
    );
    who = encodeId('Person', Number(rows[0].person));
  });
  const reading = (tool: string, on: string, input: object) => record({ family: second, person: who, tool, on, ...input }, FRONT_DOOR);

  it('has nothing of one reading, and a pair of two, with the rule it goes by', async () => {
    await reading('PHQ9', '2026-01-10', { answers: phq(18) });
    expect(await ask()).toEqual([]);
    await reading('PHQ9', '2026-06-10', { answers: phq(13) });
    expect(await ask()).toMatchObject([
      {
        tool: { code: 'PHQ9' },
        first: { on: '2026-01-10', total: 18 },
        latest: { on: '2026-06-10', total: 13 },
        change: '-5',
        direction: 'BETTER',
        meaningful: false,
        rule: expect.stringContaining('6 points'),
      },
    ]);
  });
  it('means something from the stated difference on, of the first and the latest alone', async () => {
    await reading('PHQ9', '2026-09-10', { answers: phq(12) });
    expect((await ask())[0]).toMatchObject({ change: '-6', meaningful: true, latest: { total: 12 } });
    await reading('PHQ9', '2026-03-10', { answers: phq(27) });
    expect((await ask())[0]).toMatchObject({ change: '-6', first: { total: 18 }, latest: { total: 12 } });
  });
  it('reckons SWEMWBS on its metric', async () => {
    await reading('SWEMWBS', '2026-01-10', { answers: [2, 2, 2, 2, 2, 2, 3] });
    await reading('SWEMWBS', '2026-06-10', { answers: [3, 3, 3, 3, 3, 3, 3] });
    const [, swemwbs] = (await ask()).sort((a: any, b: any) => (a.tool.code < b.tool.code ? -1 : 1));
    // 15.84 and 19.25.
    expect(swemwbs).toMatchObject({ tool: { code: 'SWEMWBS' }, change: '3.41', direction: 'BETTER', meaningful: true });
  });
  it('works out no figure where no rule is stated', async () => {
    await reading('AUDIT_C', '2026-01-10', { answers: [4, 4, 4] });
    await reading('AUDIT_C', '2026-06-10', { answers: [0, 0, 0] });
    const audit = (await ask()).find(({ tool }: any) => tool.code === 'AUDIT_C');
    expect(audit).toMatchObject({
      first: { total: 12 },
      latest: { total: 0 },
      change: null,
      direction: null,
      meaningful: null,
      rule: null,
    });
  });
  it('leaves a reading out that was taken back', async () => {
    const withdraw =
      'mutation($input: WithdrawToolReadingInput!) { withdrawToolReading(input: $input) { userErrors { code currentVersion } } }';
    const { latest } = (await ask()).find(({ tool }: any) => tool.code === 'PHQ9');
    const input = { reading: latest.id, expectedVersion: latest.version };
    const { body } = await server.ask(FRONT_DOOR, withdraw, { input: { idempotencyKey: 'w1', ...input } });
    expect(body.data.withdrawToolReading.userErrors).toEqual([]);
    const again = await server.ask(FRONT_DOOR, withdraw, { input: { idempotencyKey: 'w2', ...input } });
    expect(again.body.data.withdrawToolReading.userErrors).toEqual([{ code: 'CONFLICT', currentVersion: 2 }]);
    expect((await ask()).find(({ tool }: any) => tool.code === 'PHQ9')).toMatchObject({ latest: { total: 13 }, change: '-5' });
  });
  it('pairs only what the caller may see', async () => {
    await record({ tool: 'PHQ9', person: father, on: '2026-05-01', answers: phq(20) }, 'teamSpecialist');
    await record({ tool: 'PHQ9', person: father, on: '2026-06-01', answers: phq(10) }, 'teamSpecialist');
    const pair = async (name: PersonaName | Caller) => {
      const changes = await ask(name, family);
      const { first, latest, change } = changes.find(({ tool, person: of }: any) => tool.code === 'PHQ9' && of.givenName === 'Glenn');
      return [first.total, latest.total, change];
    };
    expect(await pair('teamSpecialist')).toEqual([20, 10, '-10']);
    expect(await pair(FRONT_DOOR)).toEqual([15, 5, '-10']);
  });
});
