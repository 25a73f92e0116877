/** Districts' services: roll-out, what they are expected to move, and what came of an offer. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import type { ServiceOfferStatus } from '../../../src/graphql/generated.ts';
import { checkOfferOutcome } from '../../../src/modules/district/rules.ts';
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
  ownerUrl = await ownDatabase('fsp_offers');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

describe('the steps of an offer', () => {
  const now = new Date('2026-11-20T12:00:00Z');
  const all: ServiceOfferStatus[] = ['OFFERED', 'ACCEPTED', 'WAITING', 'TAKEN_UP', 'DECLINED', 'COMPLETED', 'NOT_AVAILABLE'];
  const first = { offeredOn: '2026-10-01', takenUpOn: null, answeredOn: null };
  it.each([
    ['OFFERED', 'ACCEPTED WAITING TAKEN_UP DECLINED NOT_AVAILABLE'],
    ['WAITING', 'ACCEPTED TAKEN_UP DECLINED NOT_AVAILABLE'],
    ['ACCEPTED', 'TAKEN_UP DECLINED NOT_AVAILABLE'],
    ['TAKEN_UP', 'DECLINED COMPLETED NOT_AVAILABLE'],
    ['DECLINED', ''],
    ['COMPLETED', ''],
    ['NOT_AVAILABLE', ''],
  ] as const)('from %s', (status, expected) => {
    const at = { status, ...first, gives: true };
    const input = (to: ServiceOfferStatus) => ({
      offer: 'ServiceOffer-1',
      expectedVersion: 1,
      status: to,
      on: '2026-10-02',
      reason: 'other',
    });
    const steps = (gives: boolean) => all.filter((to) => checkOfferOutcome(input(to), { ...at, gives }, now).length === 0).join(' ');
    expect(steps(true)).toBe(expected);
    // Who offers it promises nobody a place.
    expect(steps(false)).toBe(expected.replace('ACCEPTED ', '').replace('WAITING ', ''));
  });
  it('keeps the days in order and asks why not', () => {
    const at = { status: 'OFFERED' as const, ...first, gives: true };
    const input = { offer: 'ServiceOffer-1', expectedVersion: 1, status: 'DECLINED' as const, on: '2026-09-01' };
    expect(checkOfferOutcome(input, at, now).map(({ path, rule }) => [path[0], rule])).toEqual([
      ['on', 'OFFER_ORDER'],
      ['reason', undefined],
    ]);
    const late = { ...at, status: 'WAITING' as const, answeredOn: '2026-10-09' };
    expect(checkOfferOutcome({ ...input, status: 'ACCEPTED', on: '2026-10-08' }, late, now)).toMatchObject([{ rule: 'OFFER_ORDER' }]);
  });
});

describe('recordOfferOutcome', () => {
  const mother = encodeId('Person', storyPerson(1, 'mother'));
  const RECORD =
    'mutation($input: RecordOfferOutcomeInput!) { recordOfferOutcome(input: $input) { offer { status takenUp outcome version } userErrors { code path rule currentVersion } } }';
  let leisure: Caller;
  let keys = 0;
  const record = async (who: PersonaName | Caller, input: object) =>
    (await server.ask(who, RECORD, { input: { idempotencyKey: `outcome-${keys++}`, ...input } })).body;
  const offer = async (service: string): Promise<string> => {
    const { rows } = await owner.query('select id from fsp.service where code = $1', [service]);
    const { body } = await server.ask(
      'socialWorker',
      'mutation($input: OfferServiceInput!) { offerService(input: $input) { offer { id } userErrors { message } } }',
      {
        input: {
          idempotencyKey: `offer-${keys++}`,
          family: encodeId('Family', 1),
          person: mother,
          service: encodeId('Service', rows[0].id),
          offered: '2026-11-02',
        },
      },
    );
    return body.data.offerService.offer.id;
  };
  beforeAll(async () => {
    const { rows } = await owner.query(
      "select u.subject from fsp.app_user u join fsp.organisation o on o.id = u.organisation where o.code = 'cherwell-leisure' limit 1",
    );
    leisure = { client: 'cherwell-leisure-desk', user: rows[0].subject, purpose: 'EARLY_HELP' };
  });

  it('is said by the desk that gives the service, step by step', async () => {
    const id = await offer('cherwell-healthy-eating');
    const taken = await record(leisure, { offer: id, expectedVersion: 1, status: 'TAKEN_UP', on: '2026-11-04' });
    expect(taken.data.recordOfferOutcome).toEqual({
      offer: { status: 'TAKEN_UP', takenUp: '2026-11-04', outcome: null, version: 2 },
      userErrors: [],
    });
    const stale = await record('socialWorker', { offer: id, expectedVersion: 1, status: 'COMPLETED', on: '2026-11-10' });
    expect(stale.data.recordOfferOutcome).toEqual({
      offer: null,
      userErrors: [{ code: 'CONFLICT', path: ['expectedVersion'], rule: null, currentVersion: 2 }],
    });
    const done = await record('socialWorker', {
      offer: id,
      expectedVersion: 2,
      status: 'COMPLETED',
      on: '2026-11-10',
      outcome: 'She swims.',
    });
    expect(done.data.recordOfferOutcome.offer).toMatchObject({ status: 'COMPLETED', outcome: 'She swims.', version: 3 });
    const again = await record(leisure, { offer: id, expectedVersion: 3, status: 'TAKEN_UP', on: '2026-11-12' });
    expect(again.data.recordOfferOutcome.userErrors).toMatchObject([{ code: 'RULE', rule: 'OFFER_STEP', path: ['status'] }]);
  });
  it('is missing for another desk, and refused to agencies whose act it is not', async () => {
    const id = await offer('cherwell-healthy-eating');
    const input = { offer: id, expectedVersion: 1, status: 'TAKEN_UP', on: '2026-11-04' };
    const housing = await record('housingDesk', input);
    const never = await record('housingDesk', { ...input, offer: encodeId('ServiceOffer', 999_999) });
    expect(housing).toEqual(never);
    expect(housing.data.recordOfferOutcome.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['offer'] }]);
    for (const name of ['healthVisitor', 'school', 'police', 'evaluator'] as const)
      expect((await record(name, input)).errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
    const desk = await sqlAs('cherwell-housing', false, ownerUrl);
    const changed = await desk.query("update fsp.service_offer set status = 'COMPLETED' where id = $1", [id.split('-')[1]]);
    expect(changed.rowCount).toBe(0);
    await desk.end();
  });
  it('goes from accepted or waiting to its end, with a reason by code', async () => {
    const id = await offer('cherwell-holiday-club');
    const early = await record('socialWorker', { offer: id, expectedVersion: 1, status: 'ACCEPTED', on: '2026-11-03' });
    expect(early.data.recordOfferOutcome.userErrors).toMatchObject([{ code: 'RULE', rule: 'OFFER_STEP', path: ['status'] }]);
    const waits = await record(leisure, { offer: id, expectedVersion: 1, status: 'WAITING', on: '2026-11-03' });
    expect(waits.data.recordOfferOutcome.offer).toMatchObject({ status: 'WAITING', takenUp: null });
    const given = await record(leisure, { offer: id, expectedVersion: 2, status: 'ACCEPTED', on: '2026-11-05' });
    expect(given.data.recordOfferOutcome.offer).toMatchObject({ status: 'ACCEPTED' });
    const no = { offer: id, expectedVersion: 3, status: 'DECLINED', on: '2026-11-06' };
    const unsaid = await record(leisure, no);
    expect(unsaid.data.recordOfferOutcome.userErrors).toMatchObject([{ code: 'INVALID', path: ['reason'] }]);
    const uncoded = await record(leisure, { ...no, reason: 'because' });
    expect(uncoded.data.recordOfferOutcome.userErrors).toMatchObject([{ code: 'INVALID', path: ['reason'] }]);
    const declined = await record(leisure, { ...no, reason: 'no-contact' });
    expect(declined.data.recordOfferOutcome.offer).toMatchObject({ status: 'DECLINED' });
    const { body } = await server.ask(
      'socialWorker',
      'query($id: ID!) { node(id: $id) { ... on ServiceOffer { reason { code label } answered } } }',
      { id },
    );
    expect(body.data.node).toEqual({ reason: { code: 'no-contact', label: 'The family could not be reached' }, answered: '2026-11-06' });
  });
  it('is said by a provider’s user of a service that it gives', async () => {
    const id = await offer('mutual-aid-meetings');
    const taken = await record('provider', { offer: id, expectedVersion: 1, status: 'TAKEN_UP', on: '2026-11-04' });
    expect(taken.data.recordOfferOutcome.offer).toMatchObject({ status: 'TAKEN_UP' });
  });
});

describe('the inbox of a desk', () => {
  const INBOX = `query($filter: OfferFilter, $first: Int, $after: String) { offers(filter: $filter, first: $first, after: $after) {
    nodes { id status offered service { organisation { code } } person { id } family { id } } pageInfo { hasNextPage endCursor } totalCount { value } } }`;
  const deskOf = async (code: string): Promise<Caller> => {
    const { rows } = await owner.query(
      'select u.subject from fsp.app_user u join fsp.organisation o on o.id = u.organisation where o.code = $1 order by 1 limit 1',
      [code],
    );
    return { client: `${code}-desk`, user: rows[0].subject, purpose: 'EARLY_HELP' };
  };
  const inbox = async (who: PersonaName | Caller, filter: object | null = null) =>
    (await server.ask(who, INBOX, { filter, first: 100 })).body.data.offers;
  /** As the database has them. */
  const given = async (desk: string, where = 'true') =>
    (
      await owner.query(
        `select 'ServiceOffer-' || f.id as id from fsp.service_offer f join fsp.service_offer_link l on l.offer = f.id
         join fsp.service s on s.id = l.service join fsp.organisation o on o.id = s.organisation
         where o.code = $1 and s.data_class <> 'VICTIM' and ${where} order by f.offered_on, f.id`,
        [desk],
      )
    ).rows.map(({ id }) => id);

  it.each(['cherwell-housing', 'cherwell-safety', 'oxford-housing'])('of %s has its own services’ offers and no other’s', async (code) => {
    const desk = await deskOf(code);
    const all = await inbox(desk);
    const expected = await given(code);
    expect(expected.length).toBeGreaterThan(0);
    expect(all.nodes.map(({ id }: any) => id)).toEqual(expected);
    expect(all.totalCount.value).toBe(expected.length);
    for (const { service } of all.nodes) expect(service.organisation.code).toBe(code);
    const open = await inbox(desk, { open: true });
    expect(open.nodes.map(({ id }: any) => id)).toEqual(await given(code, `f.status in ('OFFERED', 'WAITING', 'ACCEPTED', 'TAKEN_UP')`));
    const declined = await inbox(desk, { status: 'DECLINED' });
    expect(declined.nodes.map(({ id }: any) => id)).toEqual(await given(code, `f.status = 'DECLINED'`));
    // A page after the other gives the same.
    const paged: string[] = [];
    for (let after: string | null = null; ; ) {
      const { body } = await server.ask(desk, INBOX, { first: 2, after });
      paged.push(...body.data.offers.nodes.map(({ id }: any) => id));
      if (!body.data.offers.pageInfo.hasNextPage) break;
      after = body.data.offers.pageInfo.endCursor;
    }
    expect(paged).toEqual(expected);
  });
  it('names nobody whose family the desk does not work with', async () => {
    const desk = await deskOf('oxford-housing');
    const granted = new Set(
      (
        await owner.query(
          `select g.family from fsp.family_grant g join fsp.login l on l.id = g.login join fsp.organisation o on o.id = l.organisation
           where o.code = 'oxford-housing' and not l.sealed and g.starts <= now() and g.ends > now()`,
        )
      ).rows.map(({ family }) => encodeId('Family', family)),
    );
    const { nodes } = await inbox(desk);
    for (const { family, person } of nodes) {
      if (family === null) expect(person).toBeNull();
      else expect(granted).toContain(family.id);
    }
    expect(nodes.some(({ family }: any) => family === null)).toBe(true);
  });
  it('is there for every service of the demonstration; where nobody reads one, the offer says so', async () => {
    const offer = async (service: number) =>
      (
        await server.ask(
          'socialWorker',
          'mutation($input: OfferServiceInput!) { offerService(input: $input) { offer { status } userErrors { message } warnings { rule path } } }',
          {
            input: {
              idempotencyKey: `unread-${Math.random()}`,
              family: encodeId('Family', 1),
              person: encodeId('Person', storyPerson(1, 'mother')),
              service: encodeId('Service', service),
              offered: '2026-11-02',
            },
          },
        )
      ).body.data.offerService;
    const { rows } = await owner.query('select id, by_voucher from fsp.service where active order by id');
    for (const { id } of rows) expect(await offer(id), id).toEqual({ offer: { status: 'OFFERED' }, userErrors: [], warnings: [] });
    await owner.query(
      "update fsp.service set organisation = (select id from fsp.organisation where code = 'cherwell') where id = any ($1)",
      [[rows.find(({ by_voucher }) => by_voucher).id, 113]],
    );
    expect((await offer(113)).warnings).toEqual([{ rule: 'NO_INBOX', path: ['service'] }]);
    // What is given by voucher is in no inbox.
    expect((await offer(rows.find(({ by_voucher }) => by_voucher).id)).warnings).toEqual([]);
    await owner.query(
      "update fsp.service set organisation = (select id from fsp.organisation where code = 'cherwell-leisure') where id = any ($1)",
      [[rows.find(({ by_voucher }) => by_voucher).id, 113]],
    );
  });
  it('is refused to agencies that give no services, and empty for who gives none', async () => {
    for (const who of ['school', 'police', 'evaluator'] as const)
      expect((await server.ask(who, INBOX)).body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field: 'Query.offers' });
    const sanctuary = await deskOf('west-oxfordshire-leisure');
    expect((await inbox(sanctuary, { status: 'WAITING' })).nodes).toEqual([]);
  });
});

describe('the directory', () => {
  it('shows how far each district is: Cherwell live first, offers in all five', async () => {
    const { body } = await server.ask('evaluator', '{ districts { code name rollout { kind { code } state since healthyPlaces } } }');
    expect(body.data.districts).toHaveLength(5);
    for (const { name, rollout } of body.data.districts) {
      expect(rollout.map(({ kind }: any) => kind.code)).toEqual([
        'community-safety',
        'employment',
        'healthy-living',
        'holiday-club',
        'housing',
        'leisure',
      ]);
      expect(new Set(rollout.map(({ state }: any) => state))).toEqual(new Set([name === 'Cherwell' ? 'LIVE' : 'PLANNED']));
    }
    expect(body.data.districts[0].rollout.find(({ kind }: any) => kind.code === 'healthy-living').healthyPlaces).toContain('Bicester');
    const { rows } = await owner.query('select district, count(*)::int as n from fsp.service where district is not null group by 1');
    expect(rows).toHaveLength(5);
  });
  it('says what a service is expected to move', async () => {
    const moved = async (kind: string) => {
      const { body } = await server.ask(
        'evaluator',
        `{ services(filter: { kind: "${kind}" }, first: 1) { nodes { expectedToMove { code } } } }`,
      );
      return body.data.services.nodes[0].expectedToMove.map(({ code }: any) => code);
    };
    expect(await moved('housing')).toEqual(['home-environment']);
    expect(await moved('leisure')).toEqual(['child-emotional-wellbeing']);
    expect(await moved('community-safety')).toEqual(['parental-arrests']);
  });
});
