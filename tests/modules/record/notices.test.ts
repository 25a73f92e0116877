/** Access notices: who is told that somebody from outside looked, when, and who is not. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { recordText } from '../../../src/disclosure/record.ts';
import { createRecorder } from '../../../src/disclosure/recorder.ts';
import { createStore } from '../../../src/disclosure/store.ts';
import { checkDelay } from '../../../src/modules/record/rules.ts';
import {
  type Caller,
  encodeId,
  LOGIN_SECRET,
  ownDatabase,
  type PersonaName,
  serverOf,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_notices');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});
beforeEach(() => owner.query('delete from fsp.access_notice; delete from fsp.access_look; delete from fsp.notice_delay'));

const FAMILY = encodeId('Family', 1);
const LEAD: PersonaName = 'socialWorker';
const NOTICES =
  '{ accessNotices { nodes { id family { id } organisation { code } kind day count firstAt lastAt purposes emergency acknowledgedAt version } } }';
const look = (who: PersonaName | Caller, id = FAMILY) =>
  server.ask(who, 'query($id: ID!) { family(id: $id) { name members { person { givenName } } } }', { id });
const notices = async (who: PersonaName | Caller = LEAD) => {
  const { body } = await server.ask(who, NOTICES);
  expect(body.errors).toBeUndefined();
  return body.data.accessNotices.nodes as any[];
};
/** The day ends on which the looks were. */
const dayEnds = async () => {
  await notices();
  await owner.query("update fsp.access_look set due = now() - interval '1 second' where kind = 'DAILY'");
};
/** A look under an emergency, as a server would put it on record. */
const inEmergency = async (organisation: string, user: string, family = 1, emergency: string | null = 'Emergency-1') => {
  const store = createStore(serverOf(ownerUrl), LOGIN_SECRET, false);
  const client = { organisation: { code: organisation }, agency: 'HEALTH', id: 'x', user, purpose: 'EMERGENCY', emergency };
  await createRecorder(store).record(
    recordText(client as never, '"classes":["FAMILY"],"fields":["Family.name"]', { families: [String(family)], persons: [] }),
  );
  await store.end();
};

describe('a lead worker', () => {
  it('is told of a day’s looks from outside when it is over: how many, when, what for, and not what of', async () => {
    await look('police');
    await look('police');
    await look('school');
    expect(await notices()).toEqual([]);
    await dayEnds();
    const told = await notices();
    expect(told.map(({ organisation, count }) => [organisation.code, count]).sort()).toEqual([
      ['school-tansy-bridge', 1],
      ['thames-valley-police', 2],
    ]);
    expect(told[0]).toMatchObject({
      family: { id: FAMILY },
      kind: 'DAILY',
      purposes: ['SAFEGUARDING'],
      emergency: null,
      acknowledgedAt: null,
      version: 1,
    });
    expect(Object.keys(told[0])).not.toContain('fields');
  });
  it('is not told of the county’s looks, nor of the family’s team’s', async () => {
    await look({ client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' });
    await look('teamSpecialist');
    await dayEnds();
    expect(await notices()).toEqual([]);
  });
  it('is not told that a service works with the family which may not be known to', async () => {
    await look('provider');
    await dayEnds();
    expect(await notices()).toEqual([]);
    const { rows } = await owner.query('select row_mask from fsp.access_notice');
    expect(rows).toEqual([{ row_mask: '32768' }]);
  });
  it('hears at once of an emergency, also of a colleague’s and not of their own', async () => {
    await inEmergency('oxford-health', 'amara.osei');
    await inEmergency('occ', 'marcus.oyelaran');
    await inEmergency('occ', 'grace.whitlock');
    const told = await notices();
    expect(told.map(({ organisation, kind, emergency }) => [organisation.code, kind, emergency]).sort()).toEqual([
      ['occ', 'IMMEDIATE', 'Emergency-1'],
      ['oxford-health', 'IMMEDIATE', 'Emergency-1'],
    ]);
    expect(told.find(({ organisation }) => organisation.code === 'occ').count).toBe(1);
  });
  it('alone is told: nobody else has it in their list, whoever may read it', async () => {
    await inEmergency('oxford-health', 'amara.osei');
    expect(await notices()).toHaveLength(1);
    for (const who of [
      'teamSpecialist',
      'police',
      { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' },
    ] as const)
      expect(await notices(who)).toEqual([]);
    expect(await notices({ client: 'occ-social-care', user: null, purpose: 'SAFEGUARDING' })).toEqual([]);
    const health = await sqlAs('oxford-health', false, ownerUrl);
    expect((await health.query('select * from fsp.access_notice')).rows).toEqual([]);
    await expect(health.query('update fsp.access_notice set count = 0')).rejects.toMatchObject({ code: '42501' });
    await health.end();
  });
  it('is not told where a conflict of interest hides the family from them', async () => {
    await owner.query(
      `insert into fsp.conflict_of_interest (family, controller, subject, reason, "from") select 1, id, 'grace.whitlock', 'a neighbour', now() from fsp.organisation where code = 'occ'`,
    );
    try {
      await inEmergency('oxford-health', 'amara.osei');
      await notices();
      expect((await owner.query('select from fsp.access_notice')).rowCount).toBe(0);
    } finally {
      await owner.query('delete from fsp.conflict_of_interest');
    }
  });
  it('hears of an emergency that is in the ledger, whatever the record says of it', async () => {
    const { rows } = await owner.query(
      `insert into fsp.emergency_access (family, controller, worker, data_classes, mask, reason_code, reason, "from", until)
       select 1, id, 'amara.osei', '{FAMILY}', 8, 'x', 'x', now(), now() + interval '1 hour' from fsp.organisation where code = 'oxford-health' returning id`,
    );
    await inEmergency('oxford-health', 'amara.osei', 1, null);
    expect(await notices()).toMatchObject([{ kind: 'IMMEDIATE', emergency: encodeId('EmergencyAccess', rows[0].id) }]);
  });
});

describe('a restricted family', () => {
  afterAll(() => owner.query("update fsp.family set restricted = false; delete from fsp.sealed_user where subject = 'agnes.thorley'"));
  it('is told of at once, to its named users alone', async () => {
    const named: Caller = { client: 'occ-social-care', user: 'agnes.thorley', purpose: 'SAFEGUARDING' };
    await owner.query(
      "insert into fsp.sealed_user (organisation, subject) select id, 'agnes.thorley' from fsp.organisation where code = 'occ'",
    );
    await owner.query('update fsp.family set restricted = true where id = 3');
    await inEmergency('oxford-health', 'amara.osei', 3);
    await expect
      .poll(async () => (await notices(named)).map(({ kind, family }) => [kind, family.id]))
      .toEqual([['IMMEDIATE', encodeId('Family', 3)]]);
    expect(await notices({ ...named, user: 'marcus.oyelaran' })).toEqual([]);
  });
});

describe('acknowledgeNotice', () => {
  const acknowledge = async (who: PersonaName | Caller, notice: string, expectedVersion = 1, idempotencyKey = randomUUID()) => {
    const { body } = await server.ask(
      who,
      'mutation($input: AcknowledgeNoticeInput!) { acknowledgeNotice(input: $input) { notice { acknowledgedAt version } userErrors { code path } } }',
      { input: { idempotencyKey, notice, expectedVersion } },
    );
    return body.errors ?? body.data.acknowledgeNotice;
  };
  it('is said by whom it is for, once, and undone by another look', async () => {
    await inEmergency('oxford-health', 'amara.osei');
    const [{ id }] = await notices();
    const colleague: Caller = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
    expect(await acknowledge(colleague, id)).toMatchObject({ notice: null, userErrors: [{ code: 'NOT_FOUND' }] });
    expect(await acknowledge(LEAD, encodeId('AccessNotice', 999))).toMatchObject({ notice: null, userErrors: [{ code: 'NOT_FOUND' }] });
    expect(await acknowledge('police', id)).toMatchObject([{ extensions: { reason: 'NOT_YOURS_TO_WRITE' } }]);
    const key = randomUUID();
    const said = await acknowledge(LEAD, id, 1, key);
    expect(said).toMatchObject({ notice: { acknowledgedAt: expect.any(String), version: 2 }, userErrors: [] });
    expect(await acknowledge(LEAD, id, 1, key)).toEqual(said);
    expect(await acknowledge(LEAD, id, 1)).toMatchObject({ userErrors: [{ code: 'CONFLICT' }] });
    await inEmergency('oxford-health', 'amara.osei');
    expect(await notices()).toMatchObject([{ id, count: 2, acknowledgedAt: null, version: 3 }]);
  });
});

describe('delayAccessNotices', () => {
  const until = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  const delay = async (who: PersonaName | Caller, input: Record<string, unknown> = {}) => {
    const { body } = await server.ask(
      who,
      'mutation($input: DelayAccessNoticesInput!) { delayAccessNotices(input: $input) { family { id } userErrors { code path message } } }',
      { input: { idempotencyKey: randomUUID(), family: FAMILY, until, reason: 'An arrest is planned.', ...input } },
    );
    return body.errors ?? body.data.delayAccessNotices;
  };
  it('has nobody told of the police’s looks before its day, and of others’ as ever', async () => {
    expect(await delay('police')).toEqual({ family: { id: FAMILY }, userErrors: [] });
    await look('police');
    await look('school');
    await dayEnds();
    expect((await notices()).map(({ organisation }) => organisation.code)).toEqual(['school-tansy-bridge']);
    const county = await sqlAs('occ', false, ownerUrl);
    await expect(county.query('select * from fsp.notice_delay')).rejects.toMatchObject({ code: '42501' });
    await county.end();
    await owner.query("update fsp.notice_delay set until = now() - interval '1 second'");
    expect((await notices()).map(({ organisation }) => organisation.code).sort()).toEqual(['school-tansy-bridge', 'thames-valley-police']);
  });
  it('is the police’s alone, of a family that they see, with a reason and within 90 days', async () => {
    expect((await delay('school'))[0]).toMatchObject({ extensions: { reason: 'NOT_YOURS_TO_WRITE' } });
    expect((await delay('socialWorker'))[0]).toMatchObject({ extensions: { reason: 'NOT_YOURS_TO_WRITE' } });
    expect(await delay('police', { family: encodeId('Family', 99_999) })).toMatchObject({
      userErrors: [{ code: 'NOT_FOUND', path: ['family'] }],
    });
    expect(await delay('police', { reason: ' ' })).toMatchObject({ userErrors: [{ path: ['reason'] }] });
    const refused = (day: string) => checkDelay({ until: day, reason: 'x' }, '2026-11-01').map(({ path }) => path);
    expect([refused('2026-10-31'), refused('2026-11-01'), refused('2027-01-30'), refused('2027-01-31')]).toEqual([
      [['until']],
      [],
      [],
      [['until']],
    ]);
    const health = await sqlAs('oxford-health', false, ownerUrl);
    await expect(health.query("select fsp.delay_notices(1, now(), 'x', 'x')")).rejects.toMatchObject({ code: '42501' });
    await health.end();
    const police = await sqlAs('thames-valley-police', false, ownerUrl);
    await expect(police.query("select fsp.delay_notices(99999, now(), 'x', 'x')")).rejects.toMatchObject({ code: '42501' });
    await police.end();
  });
});
