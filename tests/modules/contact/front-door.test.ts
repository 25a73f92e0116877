/** From a partner's referral to the feedback on it; who sees what on the way. */
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { today } from '../../../src/modules/clock/calendar.ts';
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

const frontDoor: Caller = { client: 'occ-front-door', user: 'philippa.nunn', purpose: 'SAFEGUARDING' };
/** Named for restricted families; works in the same client. */
const named: Caller = { client: 'occ-front-door', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
/** The desk reads its own referrals for early help; the housing duty opens no CASE. */
const desk: Caller = { client: 'cherwell-housing-desk', user: 'dilys.penrose', purpose: 'EARLY_HELP' };
const PARTNERS: [string, Caller][] = [
  ['socialWorker', PERSONAS.socialWorker],
  ['teamSpecialist', PERSONAS.teamSpecialist],
  ['healthVisitor', PERSONAS.healthVisitor],
  ['school', PERSONAS.school],
  ['police', PERSONAS.police],
  ['housingDesk', desk],
  ['provider', PERSONAS.provider],
];
const RESTRICTED = 3;
const day = today(new Date());

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_contact');
  owner = await sqlAsOwner(ownerUrl);
  await owner.query("insert into fsp.sealed_user (organisation, subject) values ($1, 'marcus.oyelaran')", [organisationId('occ')]);
  await owner.query('update fsp.family set restricted = true where id = $1', [RESTRICTED]);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const errors = 'userErrors { code message path currentVersion } warnings { path }';
const documents = {
  makeReferral: `mutation($input: MakeReferralInput!) { makeReferral(input: $input) { referral { id status outcome { code } concern need { code } sender { code } addressee { code } referrer phone children { givenName dateOfBirth school address } feedback { id } contact { id } } ${errors} } }`,
  recordContact: `mutation($input: RecordContactInput!) { recordContact(input: $input) { contact { id version repeat source { code } concern referral { id } children { givenName person { id } } family { id } } ${errors} } }`,
  matchContact: `mutation($input: MatchContactInput!) { matchContact(input: $input) { contact { id version repeat family { id } children { person { id } } } ${errors} } }`,
  decideContact: `mutation($input: DecideContactInput!) { decideContact(input: $input) { contact { id version outcome { code } decidedOn reason earlyHelp signpostedTo } ${errors} } }`,
  answerEarlyHelp: `mutation($input: AnswerEarlyHelpInput!) { answerEarlyHelp(input: $input) { contact { id earlyHelp } ${errors} } }`,
  giveFeedback: `mutation($input: GiveFeedbackInput!) { giveFeedback(input: $input) { feedback { id kind nextStep } ${errors} } }`,
  answerFeedback: `mutation($input: AnswerFeedbackInput!) { answerFeedback(input: $input) { feedback { id answer { useful comment } } ${errors} } }`,
  requestInformation: `mutation($input: RequestInformationInput!) { requestInformation(input: $input) { request { id status dueOn } ${errors} } }`,
  answerInformationRequest: `mutation($input: AnswerInformationRequestInput!) { answerInformationRequest(input: $input) { request { id status answer { id answer refusal { code } reason answeredBy } } ${errors} } }`,
};
type Name = keyof typeof documents;
let keys = 0;
async function run(who: PersonaName | Caller, name: Name, input: object) {
  const { body } = await server.ask(who, documents[name], { input: { idempotencyKey: `k${++keys}`, ...input } });
  expect(body.errors, JSON.stringify(body.errors)).toBeUndefined();
  return body.data[name];
}
async function ok(who: PersonaName | Caller, name: Name, input: object) {
  const payload = await run(who, name, input);
  expect(payload.userErrors).toEqual([]);
  return Object.values(payload)[0] as any;
}
const refused = async (who: PersonaName | Caller, name: Name, input: object) =>
  (await run(who, name, input)).userErrors.map((e: any) => [e.code, e.path.join('.')]);

const worry = (more: object = {}) => ({
  madeOn: day,
  concern: 'She came to school hungry, again.',
  need: 'N1',
  familyKnows: 'TOLD',
  agreed: true,
  phone: '07700 900321',
  children: [{ givenName: 'Tilly', familyName: 'Marwood', dateOfBirth: '2017-04-04', school: 'Tansy Bridge', address: '1 Sorrel Way' }],
  ...more,
});
const contactFor = (referral: string, more: object = {}) => ({ referral, channel: 'referral', source: '2A', ...more });
const decision = (contact: any, more: object = {}) => ({
  contact: contact.id,
  expectedVersion: contact.version,
  outcome: 'NO_FURTHER_ACTION',
  nextStep: 'The school goes on as before.',
  reason: 'No sign of harm.',
  decidedOn: day,
  ...more,
});
const own =
  '{ referrals(first: 100) { nodes { id status outcome { code } nextStep feedback { kind nextStep answer { useful } } contact { id } } totalCount { value } } }';
const ownReferral = async (who: PersonaName | Caller, id: string) =>
  (await server.ask(who, own)).body.data.referrals.nodes.find((n: any) => n.id === id);

describe('a referral', () => {
  it.each(PARTNERS)('is sent by %s, who reads its own back and RECEIVED', async (name, who) => {
    const sent = await ok(who, 'makeReferral', worry());
    expect(sent).toMatchObject({
      status: 'RECEIVED',
      outcome: null,
      concern: 'She came to school hungry, again.',
      addressee: { code: 'occ' },
      phone: '07700 900321',
      feedback: [],
      contact: null,
    });
    // Where a child lives comes to providers by decision alone, also what they wrote themselves.
    const place = name === 'provider' ? { school: null, address: null } : { school: 'Tansy Bridge', address: '1 Sorrel Way' };
    expect(sent.children).toEqual([{ givenName: 'Tilly', dateOfBirth: '2017-04-04', ...place }]);
    const node = 'query($id: ID!) { node(id: $id) { ... on Referral { concern children { givenName } } } }';
    const seen = await Promise.all(
      PARTNERS.map(async ([each, caller]) => [each, (await server.ask(caller, node, { id: sent.id })).body.data.node !== null]),
    );
    expect(seen.filter(([, there]) => there).map(([each]) => each)).toEqual([...new Set(['socialWorker', name])]);
    expect((await server.ask(frontDoor, node, { id: sent.id })).body.data.node).not.toBeNull();
  });
  it('is not for the evaluator', async () => {
    const { body } = await server.ask('evaluator', documents.makeReferral, { input: { idempotencyKey: 'e', ...worry() } });
    expect(body.data).toEqual({ makeReferral: null });
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
  });
  it('is another school’s, or another user’s of a provider, to see as little as one that never was', async () => {
    const sent = await ok('school', 'makeReferral', worry());
    const node = 'query($id: ID!) { node(id: $id) { ... on Referral { concern } } }';
    const other: Caller = { client: 'school-larch-hollow-pastoral', user: 'priscilla.dean', purpose: 'SAFEGUARDING' };
    const hidden = await server.ask(other, node, { id: sent.id });
    expect(hidden.text).toBe((await server.ask(other, node, { id: encodeId('Referral', 999_999) })).text);
    const by = await ok('provider', 'makeReferral', worry());
    const colleague: Caller = { client: 'turning-point-casework', user: 'moira.fenwick', purpose: 'SAFEGUARDING' };
    expect((await server.ask(colleague, node, { id: by.id })).body.data.node).toBeNull();
  });
  it('has one effect for one key, and is refused in words', async () => {
    const input = { idempotencyKey: 'twice', ...worry() };
    const [one, two] = [
      await server.ask('school', documents.makeReferral, { input }),
      await server.ask('school', documents.makeReferral, { input }),
    ];
    expect(one.text).toBe(two.text);
    expect(await refused('school', 'makeReferral', worry({ need: 'N99', agreed: true, familyKnows: 'NOT_TOLD' }))).toEqual([
      ['INVALID', 'whyNotTold'],
      ['INVALID', 'agreed'],
      ['INVALID', 'need'],
    ]);
    expect(
      await refused('school', 'makeReferral', worry({ addressee: encodeId('Organisation', organisationId('oxford-health')) })),
    ).toEqual([['NOT_FOUND', 'addressee']]);
  });
  it('cannot be sent in another’s name by plain SQL, nor answered by its sender', async () => {
    const sent = await ok('school', 'makeReferral', worry());
    const school = await sqlAs('school-tansy-bridge', false, ownerUrl);
    await expect(
      school.query(
        `insert into fsp.referral (sender, addressee, made_on, concern, family_knows, agreed, referrer, phone) values ($1, $2, $3, 'x', 'TOLD', true, 'x', 'x')`,
        [organisationId('oxford-health'), organisationId('occ'), day],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    const { rowCount } = await school.query("update fsp.referral set status = 'DECIDED' where id = $1", [sent.id.split('-')[1]]);
    expect(rowCount).toBe(0);
    await expect(
      school.query(
        `insert into fsp.referral_feedback (referral, controller, recipient, kind, outcome, given_on) values ($1, $2, $2, 'DECISION', 'REFERRAL', $3)`,
        [sent.id.split('-')[1], organisationId('school-tansy-bridge'), day],
      ),
    ).rejects.toMatchObject({ code: '42501' });
    await school.end();
  });
});

describe('a contact', () => {
  it('of a referral takes its worry and its children, once', async () => {
    const sent = await ok('school', 'makeReferral', worry());
    const made = await ok(frontDoor, 'recordContact', contactFor(sent.id));
    expect(made).toMatchObject({
      concern: 'She came to school hungry, again.',
      referral: { id: sent.id },
      children: [{ givenName: 'Tilly', person: null }],
      family: null,
      repeat: false,
      source: { code: '2A' },
    });
    expect(await refused(frontDoor, 'recordContact', contactFor(sent.id))).toEqual([['INVALID', 'referral']]);
    const clock = await owner.query("select * from fsp.clock where subject_type = 'Contact' and subject_id = $1", [made.id.split('-')[1]]);
    expect(clock.rows).toMatchObject([{ rule: 'REF_DECISION', family: null, met_on: null }]);
    const { body } = await server.ask(frontDoor, '{ contacts(filter: { undecided: true, source: "2A" }, first: 100) { nodes { id } } }');
    expect(body.data.contacts.nodes).toContainEqual({ id: made.id });
    expect((await ownReferral('school', sent.id)).contact).toBeNull();
  });
  it.each(PARTNERS.slice(1))('is not for %s to write', async (_name, who) => {
    const { body } = await server.ask(who, documents.recordContact, { input: { idempotencyKey: 'no', channel: 'phone', source: '1A' } });
    expect(body.data).toEqual({ recordContact: null });
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
  });
  it('keeps who told to the roles for it, and that it was a neighbour', async () => {
    const family = encodeId('Family', 1);
    const made = await ok(frontDoor, 'recordContact', {
      family,
      receivedOn: day,
      channel: 'phone',
      source: '1B',
      concern: 'Shouting at night.',
      children: [{ givenName: 'Maisie', familyName: 'hartwell', dateOfBirth: '2016-09-14' }],
      informant: { name: 'Edna Croft', phone: '07700 900777', relation: 'neighbour', anonymous: true },
    });
    expect(made.children).toEqual([{ givenName: 'Maisie', person: { id: encodeId('Person', storyPerson(1, 'maisie')) } }]);
    const ask = (who: PersonaName | Caller) =>
      server.ask(
        who,
        'query($id: ID!) { node(id: $id) { ... on Contact { receivedOn source { code } concern informant { name } withheld { field } } } }',
        { id: made.id },
      );
    expect((await ask(frontDoor)).body.data.node).toMatchObject({ source: { code: '1B' }, informant: { name: 'Edna Croft' } });
    const worker = (await ask('socialWorker')).body;
    expect(worker.data.node).toMatchObject({ receivedOn: day, source: null, concern: 'Shouting at night.', informant: null });
    expect(worker.errors?.[0].extensions).toMatchObject({ field: 'Contact.informant', reason: 'NOT_FOR_THIS_ROLE' });
    for (const who of ['teamSpecialist', 'healthVisitor', 'police'] as const) {
      const { text, body } = await ask(who);
      expect(body.data.node, who).toMatchObject({ receivedOn: day, source: null, informant: null });
      expect(text).not.toContain('Edna');
      if (who !== 'teamSpecialist') expect(body.data.node.concern).toBeNull();
    }
    for (const who of ['school', 'provider'] as const) expect((await ask(who)).body.data.node, who).toBeNull();
    const chronology = await server.ask(
      'socialWorker',
      'query($id: ID!) { family(id: $id) { contacts { nodes { id } } chronology(types: [CONTACT]) { nodes { ... on Node { id } } } } }',
      { id: family },
    );
    expect(chronology.body.data.family.contacts.nodes).toContainEqual({ id: made.id });
    expect(chronology.body.data.family.chronology.nodes).toContainEqual({ id: made.id });
  });
  it('reads as missing where its family or referral is a stranger’s', async () => {
    expect(
      await refused(frontDoor, 'recordContact', { ...contactFor(encodeId('Referral', 999_999)), family: encodeId('Family', RESTRICTED) }),
    ).toEqual([
      ['NOT_FOUND', 'family'],
      ['NOT_FOUND', 'referral'],
    ]);
  });
});

describe('a decision', () => {
  it('is told to the referrer, and nothing else is; the loop closes', async () => {
    const sent = await ok('school', 'makeReferral', worry());
    const other = await ok('healthVisitor', 'makeReferral', worry());
    const made = await ok(frontDoor, 'recordContact', contactFor(sent.id));
    const filter = 'query($f: ReferralFilter) { referrals(filter: $f, first: 100) { nodes { id } } }';
    const waits = async (who: PersonaName | Caller, f: object) =>
      (await server.ask(who, filter, { f })).body.data.referrals.nodes.map(({ id }: any) => id);
    expect(await waits(frontDoor, { withoutFeedback: true, from: day, to: day })).toEqual(expect.arrayContaining([sent.id, other.id]));
    expect(await waits(frontDoor, { withoutContact: true })).toEqual(expect.arrayContaining([other.id]));
    expect(await waits(frontDoor, { withoutContact: true })).not.toContain(sent.id);

    const decided = await ok(frontDoor, 'decideContact', decision(made, { outcome: 'SIGNPOSTED', signpostedTo: 'Banbury family hub' }));
    expect(decided).toMatchObject({ outcome: { code: 'SIGNPOSTED' }, reason: 'No sign of harm.', signpostedTo: 'Banbury family hub' });
    const clock = await owner.query("select met_on from fsp.clock where subject_type = 'Contact' and subject_id = $1", [
      made.id.split('-')[1],
    ]);
    expect(clock.rows[0].met_on).not.toBeNull();

    const reply = await server.ask('school', own);
    expect(await ownReferral('school', sent.id)).toEqual({
      id: sent.id,
      status: 'DECIDED',
      outcome: { code: 'SIGNPOSTED' },
      nextStep: 'The school goes on as before.',
      feedback: [{ kind: 'DECISION', nextStep: 'The school goes on as before.', answer: null }],
      contact: null,
    });
    for (const secret of ['No sign of harm', 'Banbury family hub']) expect(reply.text).not.toContain(secret);
    expect(reply.body.data.referrals.nodes.map(({ id }: any) => id)).not.toContain(other.id);
    expect((await server.ask('school', '{ contacts { nodes { id } } }')).body.data.contacts.nodes).toEqual([]);
    expect(await waits(frontDoor, { withoutFeedback: true })).not.toContain(sent.id);
    expect(await waits('school', { withoutFeedback: false })).toContain(sent.id);

    const after = { referral: sent.id, kind: 'AFTER_ASSESSMENT', outcome: 'EARLY_HELP', nextStep: 'Early help began.', givenOn: day };
    const said = await ok(frontDoor, 'giveFeedback', after);
    expect(await refused(frontDoor, 'giveFeedback', after)).toEqual([['INVALID', 'kind']]);
    expect(await refused(frontDoor, 'giveFeedback', { ...after, referral: other.id })).toEqual([['INVALID', 'referral']]);
    expect(await refused('healthVisitor', 'answerFeedback', { feedback: said.id, useful: true })).toEqual([['NOT_FOUND', 'feedback']]);
    expect(await refused(frontDoor, 'answerFeedback', { feedback: said.id, useful: true })).toEqual([['NOT_FOUND', 'feedback']]);
    expect(await ok('school', 'answerFeedback', { feedback: said.id, useful: true, comment: 'We know where we stand.' })).toMatchObject({
      answer: { useful: true, comment: 'We know where we stand.' },
    });
    expect(await refused('school', 'answerFeedback', { feedback: said.id, useful: false })).toEqual([['INVALID', 'feedback']]);
    const seen = await server.ask(frontDoor, 'query($id: ID!) { node(id: $id) { ... on Referral { feedback { answer { useful } } } } }', {
      id: sent.id,
    });
    expect(seen.body.data.node.feedback).toEqual([{ answer: null }, { answer: { useful: true } }]);
  });
  it('is one of twenty at once', async () => {
    const sent = await ok('school', 'makeReferral', worry());
    const made = await ok(frontDoor, 'recordContact', contactFor(sent.id));
    const answers = await Promise.all(Array.from({ length: 20 }, () => run(frontDoor, 'decideContact', decision(made))));
    expect(answers.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
    const losers = answers.filter(({ userErrors }) => userErrors.length > 0).map(({ userErrors }) => userErrors[0]);
    expect(losers).toHaveLength(19);
    for (const each of losers) expect(each).toMatchObject({ code: 'CONFLICT', currentVersion: made.version + 1 });
  });
  it('offers early help, and writes what the family said', async () => {
    const made = await ok(frontDoor, 'recordContact', {
      receivedOn: day,
      channel: 'in-person',
      source: '1C',
      concern: 'I cannot cope.',
      children: [{ givenName: 'Kit', familyName: 'Orme' }],
    });
    const decided = await ok(frontDoor, 'decideContact', decision(made, { outcome: 'EARLY_HELP' }));
    expect(decided.earlyHelp).toBe('OFFERED');
    const answer = { contact: made.id, expectedVersion: decided.version, accepted: true };
    expect((await ok(frontDoor, 'answerEarlyHelp', answer)).earlyHelp).toBe('ACCEPTED');
    expect(await refused(frontDoor, 'answerEarlyHelp', answer)).toEqual([['CONFLICT', 'expectedVersion']]);
  });
  it('that takes a referral opens an episode, and the next contact is a repeat', async () => {
    // A family that no story is of, whose children have no open episode.
    const { rows } = await owner.query(
      `select m.family, m.person, i.given_name, i.family_name, i.date_of_birth::text from fsp.membership m join fsp.person_identity i on i.person = m.person
       where m.role = 'child' and m.family > 3 and i.date_of_birth is not null and not exists (select from fsp.episode e where e.family = m.family)
         and not exists (select from fsp.contact c where c.family = m.family) order by m.person limit 1`,
    );
    const { family, person, given_name, family_name, date_of_birth } = rows[0];
    const child = { givenName: given_name, familyName: family_name, dateOfBirth: date_of_birth };
    const first = await ok(frontDoor, 'recordContact', contactFor((await ok('school', 'makeReferral', worry({ children: [child] }))).id));
    expect(first.family).toBeNull();
    expect(
      await refused(
        frontDoor,
        'decideContact',
        decision(first, { outcome: 'REFERRAL', children: [{ person: encodeId('Person', person), primaryNeed: 'N1' }] }),
      ),
    ).toEqual(expect.arrayContaining([['INVALID', 'contact']]));
    const matched = await ok(frontDoor, 'matchContact', {
      contact: first.id,
      expectedVersion: first.version,
      family: encodeId('Family', family),
    });
    expect(matched).toMatchObject({
      repeat: false,
      family: { id: encodeId('Family', family) },
      children: [{ person: { id: encodeId('Person', person) } }],
    });
    expect(
      await refused(frontDoor, 'matchContact', { contact: first.id, expectedVersion: first.version, family: encodeId('Family', family) }),
    ).toEqual([['CONFLICT', 'expectedVersion']]);
    await ok(
      frontDoor,
      'decideContact',
      decision(matched, { outcome: 'REFERRAL', children: [{ person: encodeId('Person', person), primaryNeed: 'N1' }] }),
    );
    const episodes = await owner.query('select source from fsp.episode where person = $1', [person]);
    expect(episodes.rows).toEqual([{ source: '2A' }]);
    const second = await ok(frontDoor, 'recordContact', {
      ...contactFor((await ok('school', 'makeReferral', worry())).id),
      family: encodeId('Family', family),
    });
    expect(second.repeat).toBe(true);
    const { body } = await server.ask(frontDoor, '{ contacts(filter: { repeat: true }) { nodes { id } } }');
    expect(body.data.contacts.nodes).toContainEqual({ id: second.id });
  });
});

describe('a restricted family', () => {
  it('takes contact and referral from the county’s sight, and nothing from the referrer’s', async () => {
    const { rows } = await owner.query(
      `select i.given_name, i.family_name, i.date_of_birth::text from fsp.membership m join fsp.person_identity i on i.person = m.person
       where m.family = $1 and m.role = 'child' and i.date_of_birth is not null order by m.person limit 1`,
      [RESTRICTED],
    );
    const child = { givenName: rows[0].given_name, familyName: rows[0].family_name, dateOfBirth: rows[0].date_of_birth };
    const tasks = async () =>
      (
        await owner.query("select worker, subject_type from fsp.task where family = $1 and kind = 'restricted-match' order by id", [
          RESTRICTED,
        ])
      ).rows;
    const before = (await tasks()).length;
    const sent = await ok('school', 'makeReferral', worry({ children: [child] }));
    const plain = await ok('school', 'makeReferral', worry());
    expect((await tasks()).slice(before)).toEqual([{ worker: 'marcus.oyelaran', subject_type: 'Referral' }]);
    const made = await ok(frontDoor, 'recordContact', contactFor(sent.id));
    expect((await tasks()).length).toBe(before + 2);
    // Nobody but the named users is alerted: the task is a row of the restricted family.
    const ordinary = await sqlAs('occ', false, ownerUrl);
    const sealed = await sqlAs('occ', true, ownerUrl);
    const count = async (client: pg.Client, sql: string) => Number((await client.query(`select count(*) as n from ${sql}`)).rows[0].n);
    expect(await count(ordinary, "fsp.task where kind = 'restricted-match'")).toBe(0);
    expect(await count(sealed, "fsp.task where kind = 'restricted-match'")).toBe(before + 2);

    const match = { contact: made.id, expectedVersion: made.version, family: encodeId('Family', RESTRICTED) };
    expect(await refused(frontDoor, 'matchContact', match)).toEqual([['NOT_FOUND', 'family']]);
    const matched = await ok(named, 'matchContact', match);
    expect(matched.family).toEqual({ id: encodeId('Family', RESTRICTED) });

    const node = (type: string) => `query($id: ID!) { node(id: $id) { ... on ${type} { id } } }`;
    const gone = async (id: string, type: string) => {
      const hidden = await server.ask(frontDoor, node(type), { id });
      expect(hidden.text).toBe((await server.ask(frontDoor, node(type), { id: encodeId(type, 999_999) })).text);
      expect((await server.ask(named, node(type), { id })).body.data.node).toEqual({ id });
    };
    await gone(made.id, 'Contact');
    await gone(sent.id, 'Referral');
    expect(await ownReferral(frontDoor, sent.id)).toBeUndefined();
    const [contact, referral] = [made.id.split('-')[1], sent.id.split('-')[1]];
    for (const table of ['contact_source', 'contact_concern', 'contact_child']) {
      expect(await count(ordinary, `fsp.${table} where contact = ${contact}`), table).toBe(0);
      expect(await count(sealed, `fsp.${table} where contact = ${contact}`), table).toBe(1);
    }
    for (const table of ['referral_child', 'referral_child_place', 'referral_feedback'])
      expect(await count(ordinary, `fsp.${table} where referral = ${referral}`), table).toBe(0);
    expect(await refused(frontDoor, 'recordContact', contactFor(sent.id))).toEqual([['NOT_FOUND', 'referral']]);

    // The referrer sees of this referral what it sees of any other.
    const shape = async (id: string) => ({ ...(await ownReferral('school', id)), id: null });
    expect(await shape(sent.id)).toEqual(await shape(plain.id));
    await ok(named, 'decideContact', decision(matched));
    const open = await ok(frontDoor, 'recordContact', contactFor(plain.id));
    await ok(frontDoor, 'decideContact', decision(open));
    expect(await shape(sent.id)).toEqual(await shape(plain.id));
    expect(await shape(sent.id)).toMatchObject({ status: 'DECIDED', feedback: [{ kind: 'DECISION' }] });
    const feedback = await owner.query('select id from fsp.referral_feedback where referral = $1', [referral]);
    await ok('school', 'answerFeedback', { feedback: encodeId('ReferralFeedback', feedback.rows[0].id), useful: false });
    expect(await count(ordinary, `fsp.referral_feedback_answer where referral = ${referral}`)).toBe(0);
    expect(await count(sealed, `fsp.referral_feedback_answer where referral = ${referral}`)).toBe(1);
    await ordinary.end();
    await sealed.end();
  });
});

describe('a request for information', () => {
  const inbox =
    '{ informationRequests(filter: { open: true }, first: 100) { nodes { id question persons { givenName dateOfBirth person { id } } family { id } sender { code } } } }';
  const open = async (who: PersonaName | Caller) => (await server.ask(who, inbox)).body.data.informationRequests.nodes;
  const ask = (organisation: string, more: object = {}) => ({
    organisation: encodeId('Organisation', organisationId(organisation)),
    family: encodeId('Family', 1),
    persons: [encodeId('Person', storyPerson(1, 'maisie'))],
    purpose: 'MASH',
    question: 'What do you know of them since June?',
    ...more,
  });
  it('is in the inbox of whom it was sent to, with the names, and in nobody else’s', async () => {
    // A school that has no grant on the family.
    const made = await ok('socialWorker', 'requestInformation', ask('school-larch-hollow'));
    expect(made.status).toBe('OPEN');
    const addressee: Caller = { client: 'school-larch-hollow-pastoral', user: 'priscilla.dean', purpose: 'SAFEGUARDING' };
    expect(await open(addressee)).toEqual([
      {
        id: made.id,
        question: 'What do you know of them since June?',
        persons: [{ givenName: 'Maisie', dateOfBirth: '2016-09-14', person: null }],
        family: null,
        sender: { code: 'occ' },
      },
    ]);
    for (const [name, who] of PARTNERS.slice(1)) expect(await open(who), name).toEqual([]);
    expect((await open('socialWorker')).map(({ id }: any) => id)).toEqual([made.id]);
    const clock = await owner.query(
      "select assigned, met_on from fsp.clock where subject_type = 'InformationRequest' and subject_id = $1",
      [made.id.split('-')[1]],
    );
    expect(clock.rows).toEqual([{ assigned: organisationId('school-larch-hollow'), met_on: null }]);

    expect(await refused('socialWorker', 'answerInformationRequest', { request: made.id, answer: 'x' })).toEqual([
      ['NOT_FOUND', 'request'],
    ]);
    expect(await refused('school', 'answerInformationRequest', { request: made.id, answer: 'x' })).toEqual([['NOT_FOUND', 'request']]);
    expect(await ok(addressee, 'answerInformationRequest', { request: made.id, answer: 'She left us in 2024.' })).toMatchObject({
      status: 'ANSWERED',
      answer: { answer: 'She left us in 2024.', refusal: null, answeredBy: 'Priscilla Dean' },
    });
    expect(await refused(addressee, 'answerInformationRequest', { request: made.id, answer: 'Again.' })).toEqual([['INVALID', 'request']]);
    expect(await open(addressee)).toEqual([]);
    const met = await owner.query("select met_on from fsp.clock where subject_type = 'InformationRequest' and subject_id = $1", [
      made.id.split('-')[1],
    ]);
    expect(met.rows[0].met_on).not.toBeNull();
    const answer = 'query($id: ID!) { node(id: $id) { ... on InformationRequest { answer { answer } } } }';
    expect((await server.ask('socialWorker', answer, { id: made.id })).body.data.node.answer).toEqual({ answer: 'She left us in 2024.' });
    // Not even who works with the family sees what the two said.
    for (const [name, who] of PARTNERS.slice(1)) expect((await server.ask(who, answer, { id: made.id })).body.data.node, name).toBeNull();
  });
  it('is refused with a reason', async () => {
    const made = await ok('socialWorker', 'requestInformation', ask('oxford-health'));
    const refusal = { reasonCode: 'risk-of-harm', reason: 'It would lead him to her.' };
    expect(
      await refused('healthVisitor', 'answerInformationRequest', { request: made.id, refusal: { ...refusal, reasonCode: 'mood' } }),
    ).toEqual([['INVALID', 'refusal.reasonCode']]);
    expect(await ok('healthVisitor', 'answerInformationRequest', { request: made.id, refusal })).toMatchObject({
      status: 'REFUSED',
      answer: { answer: null, refusal: { code: 'risk-of-harm' }, reason: 'It would lead him to her.' },
    });
  });
  it('of a provider is its named user’s', async () => {
    const made = await ok('socialWorker', 'requestInformation', ask('turning-point', { recipient: 'callum.strand' }));
    expect((await open('provider')).map(({ id }: any) => id)).toEqual([made.id]);
    expect(await open({ client: 'turning-point-casework', user: 'moira.fenwick', purpose: 'SAFEGUARDING' })).toEqual([]);
    expect(await refused('socialWorker', 'requestInformation', ask('turning-point'))).toEqual([['INVALID', 'recipient']]);
  });
  it('is not there for those who work only with whom the answer is kept from', async () => {
    const father = storyPerson(1, 'father');
    const made = await ok('socialWorker', 'requestInformation', ask('thames-valley-police'));
    await ok('police', 'answerInformationRequest', { request: made.id, answer: 'She has moved.', keptFrom: [encodeId('Person', father)] });
    await owner.query(
      `insert into fsp.involvement (family, person, controller, worker, organisation, role, "from") values (1, $1, $2, 'philippa.nunn', $2, 'lead-practitioner', now() - interval '1 day')`,
      [father, organisationId('occ')],
    );
    const document = 'query($id: ID!) { node(id: $id) { ... on InformationRequest { answer { answer } } } }';
    expect((await server.ask('socialWorker', document, { id: made.id })).body.data.node.answer).toEqual({ answer: 'She has moved.' });
    expect((await server.ask(frontDoor, document, { id: made.id })).body.data.node.answer).toBeNull();
    await owner.query("delete from fsp.involvement where worker = 'philippa.nunn'");
  });
  it('about a restricted family is its named users’', async () => {
    expect(await refused('socialWorker', 'requestInformation', ask('oxford-health', { family: encodeId('Family', RESTRICTED) }))).toEqual([
      ['NOT_FOUND', 'family'],
    ]);
    const { rows } = await owner.query("select person from fsp.membership where family = $1 and role = 'child' order by person limit 1", [
      RESTRICTED,
    ]);
    const persons = [encodeId('Person', rows[0].person)];
    const made = await ok(named, 'requestInformation', ask('oxford-health', { family: encodeId('Family', RESTRICTED), persons }));
    expect((await open(named)).map(({ id }: any) => id)).toContain(made.id);
    expect((await open(frontDoor)).map(({ id }: any) => id)).not.toContain(made.id);
    expect((await open('healthVisitor')).map(({ id }: any) => id)).not.toContain(made.id);
  });
  it.each(PARTNERS.slice(1))('is not for %s to send', async (_name, who) => {
    const { body } = await server.ask(who, documents.requestInformation, { input: { idempotencyKey: 'no', ...ask('oxford-health') } });
    expect(body.data).toEqual({ requestInformation: null });
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
  });
});

describe('a look-up', () => {
  const document = `mutation($input: LookUpInput!) { lookUp(input: $input) { lookUp { childProtectionPlan lookedAfter unbornPlan ring } userErrors { path message } } }`;
  const look = (who: PersonaName | Caller, input: object) =>
    server.ask(who, document, { input: { idempotencyKey: `l${++keys}`, reason: 'At the desk.', ...input } });
  const nhs = async (person: number) =>
    (await owner.query('select nhs_number from fsp.person_nhs_number where person = $1', [person])).rows[0].nhs_number as string;
  const upn = async (person: number) =>
    (await owner.query('select upn from fsp.person_upn where person = $1', [person])).rows[0].upn as string;
  const receipts = async (family: number) =>
    Number((await owner.query('select count(*) as n from fsp.look_up_receipt where family = $1', [family])).rows[0].n);

  it('says what there is and whom to ring, and leaves a receipt with the family', async () => {
    const jade = storyPerson(2, 'jade');
    const { body } = await look('healthVisitor', { nhsNumber: await nhs(jade) });
    expect(body.data.lookUp).toMatchObject({
      lookUp: { childProtectionPlan: true, lookedAfter: false, unbornPlan: false },
      userErrors: [],
    });
    expect(body.data.lookUp.lookUp.ring).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+, .+, 01632 960\d{3}$/);
    expect((await look('school', { upn: await upn(jade) })).body.data.lookUp.lookUp.childProtectionPlan).toBe(true);
    const seen = await server.ask(frontDoor, 'query($id: ID!) { family(id: $id) { lookUps { organisation { code } at } } }', {
      id: encodeId('Family', 2),
    });
    expect(seen.body.data.family.lookUps.map((r: any) => r.organisation.code)).toEqual(['school-tansy-bridge', 'oxford-health']);
  });
  it('shows a plan for an unborn child by its mother’s identifier and by nobody else’s', async () => {
    expect((await look('police', { nhsNumber: await nhs(storyPerson(2, 'mother')) })).body.data.lookUp.lookUp.unbornPlan).toBe(true);
    expect((await look('police', { nhsNumber: await nhs(storyPerson(2, 'liam')) })).body.data.lookUp.lookUp.unbornPlan).toBe(false);
  });
  it('counts a plan on either of two records that have the number', async () => {
    const number = await nhs(storyPerson(2, 'liam'));
    const { rows } = await owner.query(
      "insert into fsp.person (controller) select id from fsp.organisation where code = 'occ' returning id",
    );
    const twin = rows[0].id;
    await owner.query(
      "insert into fsp.person_nhs_number (person, controller, nhs_number) select $1, id, $2 from fsp.organisation where code = 'occ'",
      [twin, number],
    );
    const { childProtectionPlan } = (await look('police', { nhsNumber: number })).body.data.lookUp.lookUp;
    await owner.query('delete from fsp.person_nhs_number where person = $1', [twin]);
    expect((await look('police', { nhsNumber: number })).body.data.lookUp.lookUp.childProtectionPlan).toBe(childProtectionPlan);
    expect(childProtectionPlan).toBe(true);
  });
  it('answers alike, byte for byte, of nobody’s identifier, of a child without a plan and of a restricted family', async () => {
    const { rows } = await owner.query("select person from fsp.membership where family = $1 and role = 'child' order by person limit 1", [
      RESTRICTED,
    ]);
    const restricted = await nhs(Number(rows[0].person));
    const without = await nhs(storyPerson(2, 'grandmother'));
    const before = await receipts(RESTRICTED);
    const alerts = async () =>
      Number(
        (await owner.query("select count(*) as n from fsp.task where family = $1 and subject_type = 'LookUp'", [RESTRICTED])).rows[0].n,
      );
    const [none, hidden, plain] = await Promise.all(
      ['9999999999', restricted, without].map((nhsNumber) => look('healthVisitor', { nhsNumber })),
    );
    expect(hidden?.text).toBe(none?.text);
    expect(plain?.text).toBe(none?.text);
    expect(none?.body.data.lookUp.lookUp).toEqual({
      childProtectionPlan: false,
      lookedAfter: false,
      unbornPlan: false,
      ring: 'Front door, Oxfordshire County Council, 01632 960000',
    });
    expect([hidden?.status, hidden?.headers['content-length']]).toEqual([none?.status, none?.headers['content-length']]);
    expect(await alerts()).toBe(1);
    expect(await receipts(RESTRICTED)).toBe(before + 1);
    const mine = (
      await server.ask(frontDoor, 'query($id: ID!) { family(id: $id) { lookUps { at } } }', { id: encodeId('Family', RESTRICTED) })
    ).body;
    expect(mine.data.family).toBeNull();
  });
  it('keeps no identifier, and takes none that cannot be', async () => {
    expect((await owner.query('select from fsp.look_up where asked is not null')).rowCount).toBe(0);
    const told = (await look('healthVisitor', { nhsNumber: '9999999998' })).body.data.lookUp;
    expect(told).toMatchObject({ lookUp: null, userErrors: [{ path: ['nhsNumber'] }] });
    expect((await look('school', { upn: 'A801200001001' })).body.data.lookUp.userErrors[0].path).toEqual(['upn']);
  });
  it.each(['teamSpecialist', 'provider', 'evaluator'] as const)('is not for %s', async (who) => {
    const { body } = await look(who, { nhsNumber: '9999999999' });
    expect(body.data).toEqual({ lookUp: null });
    expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'NOT_YOURS_TO_WRITE' });
  });
  it('is answered by the database alone: plain SQL of a school cannot ask by an NHS number, nor answer itself', async () => {
    const school = await sqlAs('school-tansy-bridge', false, ownerUrl);
    const write = (identifier: string, asked: string) =>
      school.query(
        `insert into fsp.look_up (sender, identifier, asked, reason, child_protection_plan, ring) values ($1, $2, $3, 'x', true, 'me') returning child_protection_plan as plan, ring, asked`,
        [organisationId('school-tansy-bridge'), identifier, asked],
      );
    await expect(write('NHS_NUMBER', '9999999999')).rejects.toMatchObject({ code: '42501' });
    expect((await write('UPN', 'H801200001001')).rows[0]).toMatchObject({
      plan: false,
      asked: null,
      ring: expect.stringMatching(/^Front door/),
    });
    await expect(school.query('select * from fsp.look_up_receipt where false')).resolves.toBeDefined();
    await expect(school.query('insert into fsp.look_up_receipt (family, controller, organisation) values (1, 1, 1)')).rejects.toMatchObject(
      { code: '42501' },
    );
    await school.end();
  });
});
