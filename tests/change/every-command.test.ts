/**
 * What holds for every command of the schema: its shape, who may perform it and give which of its fields, and that it answers the
 * same of what is hidden and of what never was.
 */
import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { purposesOf, writersOf } from '../../src/access/agreement.ts';
import { AGENCIES, type Agency, type DataClass } from '../../src/access/classes.ts';
import { classOf } from '../../src/db/classified.ts';
import { storyPerson } from '../../src/db/demonstration/rows.ts';
import { CLIENTS, PERSONAS } from '../../src/db/personas.ts';
import { BINDINGS } from '../../src/modules/index.ts';
import { productSchema } from '../../src/server.ts';
import { type Caller, encodeId, ownDatabase, sqlAsOwner, type TestServer, testServer } from '../support/server.ts';

const { schema, classes } = productSchema();
const mutations = Object.values((schema.getMutationType() as GraphQLObjectType).getFields());
const names = mutations.map(({ name }) => name);
const field = (name: string) => mutations.find((each) => each.name === name) as (typeof mutations)[number];
const inputOf = (name: string) => getNamedType(field(name).args[0]?.type as GraphQLInputType) as GraphQLInputObjectType;
const payloadOf = (name: string) => getNamedType(field(name).type) as GraphQLObjectType;
/** The fields of a payload that give what was written. */
const written = (name: string) =>
  Object.values(payloadOf(name).getFields()).filter(
    (each) => each.name !== 'userErrors' && each.name !== 'warnings' && !isLeafType(getNamedType(each.type)),
  );

/** Restated from the agreement. */
const mayWrite = (agency: Agency, dataClass: DataClass, command: string) =>
  dataClass === 'STRUCTURE' || writersOf(dataClass, command).some(({ agencies }) => agencies.includes(agency));

const ofAgency = new Map(Object.values(PERSONAS).map((persona) => [persona.agency as Agency, persona]));
const allScopes = [...new Set(CLIENTS.flatMap(({ scopes }) => scopes))];
/** An agency's caller with every scope there is: what is refused is refused to the agency. */
const caller = (agency: Agency): Caller => ({ ...(ofAgency.get(agency) as Caller), scopes: allScopes });

const NEVER = 99_999_999;

/** Names of fields with ids whose type has another name than the field. */
const ID_TYPES: Record<string, string> = {
  action: 'FamilyAction',
  answer: 'HousingAnswer',
  council: 'Organisation',
  addressee: 'Organisation',
  assessor: 'Organisation',
  breaches: 'SafetyCondition',
  carer: 'Person',
  condition: 'SafetyCondition',
  conflict: 'ConflictOfInterest',
  emergency: 'EmergencyAccess',
  employer: 'Organisation',
  entry: 'WorkbookEntry',
  evidence: 'WorkbookEntry',
  feedback: 'ReferralFeedback',
  funder: 'Organisation',
  goal: 'FamilyGoal',
  hold: 'RetentionHold',
  holding: 'PostHolding',
  keptFrom: 'Person',
  letters: 'DeadLetter',
  members: 'Person',
  merge: 'PersonMerge',
  need: 'HousingNeed',
  merged: 'Person',
  minutesKeptFrom: 'Person',
  of: 'WorkbookEntry',
  partner: 'Organisation',
  offer: 'ServiceOffer',
  other: 'Person',
  persons: 'Person',
  proposal: 'ErasureProposal',
  protector: 'Person',
  protection: 'WhereaboutsProtection',
  provider: 'Organisation',
  reading: 'ToolReading',
  recipient: 'Organisation',
  record: 'SchoolRecord',
  referrer: 'Organisation',
  request: 'InformationRequest',
  requesterPerson: 'Person',
  restriction: 'FamilyRestriction',
  situation: 'HousingSituation',
  subject: 'WorkbookEntry',
  supervision: 'GroupSupervision',
  survivor: 'Person',
  team: 'Organisation',
  with: 'Person',
};
/** Where a command's own name says more than its field's. */
const OF_COMMAND: Record<string, Record<string, string>> = {
  acknowledgeNotice: { notice: 'AccessNotice' },
  acknowledgeRecall: { notice: 'RecallNotice' },
  completeMeetingAction: { action: 'MeetingAction' },
  completeSupervisionAction: { action: 'SupervisionAction' },
  answerChildVoice: { voice: 'ChildVoice' },
  answerAdultVoice: { voice: 'AdultVoice' },
  ...Object.fromEntries(
    names.filter((name) => purposesOf(name)?.includes('SUBJECT_ACCESS')).map((name) => [name, { request: 'SubjectAccess' }]),
  ),
  ...Object.fromEntries(['decideRectification', 'decideObjection'].map((name) => [name, { request: 'RightsRequest' }])),
  liftProcessingRestriction: { restriction: 'ProcessingRestriction' },
  requestRectification: { fact: 'Plan' },
  reviewSubjectAccessItems: { request: 'SubjectAccess', items: 'SubjectAccessItem', fields: 'SubjectAccessField' },
  answerHousingReferral: { referral: 'HousingReferral' },
  withdrawHousingReferral: { referral: 'HousingReferral' },
  setTarget: { adjusts: 'IndicatorTarget' },
  withdrawSharingDecision: { decision: 'SharingDecision' },
  receivePreparatoryAssessment: { assessment: 'PreparatoryAssessment' },
};
const capital = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;
const typeOf = (command: string, name: string): string => {
  const type = OF_COMMAND[command]?.[name] ?? ID_TYPES[name] ?? capital(name);
  if (!schema.getType(type)) throw new Error(`${command}: say in ID_TYPES of which type the id in "${name}" is.`);
  return type;
};

type Ids = (command: string, name: string) => number;

/** The smallest value of an input's type. */
function smallest(command: string, name: string, type: GraphQLInputType, ids: Ids): unknown {
  if (isNonNullType(type)) return smallest(command, name, type.ofType, ids);
  if (isListType(type)) return [smallest(command, name, type.ofType, ids)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) return smallestInput(command, type, ids);
  switch (type.name) {
    case 'ID':
      return encodeId(typeOf(command, name), ids(command, name));
    case 'Date':
      return '2026-11-02';
    case 'DateTime':
      return '2026-11-02T10:00:00.000Z';
    case 'Boolean':
      return true;
    case 'String':
      return 'x';
    default:
      return 1;
  }
}

/** Only what must be there; `also` names fields that are given beside it. */
function smallestInput(command: string, type: GraphQLInputObjectType, ids: Ids, also: readonly string[] = []): Record<string, unknown> {
  return Object.fromEntries(
    Object.values(type.getFields())
      .filter((each) => (isNonNullType(each.type) && each.defaultValue === undefined) || also.includes(each.name))
      .map((each) => [each.name, smallest(command, each.name, each.type, ids)]),
  );
}

let ownerUrl: string;
let owner: pg.Client;
let server: TestServer;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_every_command');
  owner = await sqlAsOwner(ownerUrl);
  server = await testServer(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

let keys = 0;
const documentOf = (name: string) =>
  `mutation($input: ${inputOf(name).name}!) { ${name}(input: $input) { ${written(name)
    .map((each) => (isObjectType(getNamedType(each.type)) ? `${each.name} { __typename }` : each.name))
    .join(' ')} userErrors { code message path } warnings { code } } }`;
const ask = (as: Caller, name: string, input: Record<string, unknown>) =>
  server.ask(as, documentOf(name), { input: { ...input, idempotencyKey: `every-${keys++}` } });
const never: Ids = () => NEVER;
const count = async (table: string) => Number((await owner.query(`select count(*) as n from fsp.${table}`)).rows[0].n);

describe.each(names)('%s', (name) => {
  it('has one input, a key, and a payload that says what can be mended and what looks wrong', () => {
    expect(field(name).args.map((argument) => `${argument.name}: ${argument.type}`)).toEqual([`input: ${capital(name)}Input!`]);
    expect(String(inputOf(name).getFields().idempotencyKey?.type)).toBe('String!');
    const { userErrors, warnings } = payloadOf(name).getFields();
    expect([String(userErrors?.type), String(warnings?.type)]).toEqual(['[UserError!]!', '[UserError!]!']);
    expect(payloadOf(name).name).toBe(`${capital(name)}Payload`);
    expect(written(name).length).toBe(1);
    expect(isNonNullType(written(name)[0]?.type)).toBe(false);
  });
  it('gives the version that the next amendment expects', () => {
    if (!inputOf(name).getFields().expectedVersion) return;
    const entity = getNamedType((written(name)[0] as { type: GraphQLOutputType }).type) as GraphQLObjectType;
    // What ends one thing and begins another, or belongs to a person or family, shows the version where that stands.
    if (!ELSEWHERE.has(name)) expect(Object.keys(entity.getFields()), `${entity.name}.version`).toContain('version');
  });
});

/** Commands that expect the version of another row than the one that their payload gives. */
const ELSEWHERE = new Set(['stepUp', 'stepDown', 'endMembership', 'retractEntry']);

describe.each(AGENCIES)('%s', (agency) => {
  it('102 performs what the agreement lets it write, and is refused everything else by name', async () => {
    const before = [await count('outbox'), await count('idempotency')];
    const refused: string[] = [];
    for (const { name } of mutations) {
      if (mayWrite(agency, classes.fieldClass('Mutation', name), name)) continue;
      const { body } = await ask(caller(agency), name, smallestInput(name, inputOf(name), never));
      expect(body.data?.[name], name).toBeNull();
      expect(
        body.errors?.map(({ extensions }) => extensions),
        name,
      ).toContainEqual(expect.objectContaining({ code: 'FORBIDDEN', field: `Mutation.${name}`, reason: 'NOT_YOURS_TO_WRITE' }));
      refused.push(name);
    }
    if (agency === 'EVALUATOR') expect(refused).toEqual(names);
    expect([await count('outbox'), await count('idempotency')]).toEqual(before);
  });
  it('is refused each field of an input that it may not give, and nothing is written', async () => {
    const before = await count('outbox');
    for (const { name } of mutations) {
      if (!mayWrite(agency, classes.fieldClass('Mutation', name), name)) continue;
      const type = inputOf(name);
      for (const each of Object.values(type.getFields())) {
        const dataClass = classes.inputClass(type.name, each.name);
        if (mayWrite(agency, dataClass, name)) continue;
        const { body } = await ask(caller(agency), name, smallestInput(name, type, never, [each.name]));
        expect(body.data?.[name], `${type.name}.${each.name}`).toBeNull();
        expect(body.errors?.map(({ extensions }) => extensions)).toContainEqual(
          expect.objectContaining({
            code: 'FORBIDDEN',
            field: `${type.name}.${each.name}`,
            class: dataClass,
            reason: 'NOT_YOURS_TO_WRITE',
          }),
        );
      }
    }
    expect(await count('outbox')).toBe(before);
  });
});

it('the evaluator’s schema has no mutation at all', async () => {
  const { body } = await server.ask('evaluator', '{ __schema { mutationType { name } } }');
  expect(body.data.__schema.mutationType).toBeNull();
});

describe('what is hidden and what never was', () => {
  /** A row of each type in the first family, by the owner's sight. */
  const there = new Map<string, number>([['Family', 1]]);
  beforeAll(async () => {
    const who = (name: string) => encodeId('Person', storyPerson(1, name));
    const family = encodeId('Family', 1);
    const of = { family, person: who('maisie') };
    const on = '2026-11-02';
    const historical = true;
    const rows: [string, Record<string, unknown>][] = [
      ['recordChildVoice', { ...of, words: 'x', medium: 'said', on }],
      ['recordAdultVoice', { family, person: who('mother'), words: 'x', medium: 'said', on }],
      ['nameTrustedAdult', { ...of, name: 'x', role: 'x', from: on }],
      ['recordIncident', { family, kind: 'call-out', basis: 'REPORTED', part: 'NOT_KNOWN', outcome: 'not-known', on }],
      [
        'recordSafetyCondition',
        { family, kind: 'no-contact', instruction: 'x', issuer: 'x', from: on, persons: [{ person: who('mother'), part: 'PROTECTED' }] },
      ],
      ['openMarac', { family, opened: on }],
      ['openEpisode', { ...of, referred: '2026-10-01', source: '6', primaryNeed: 'N1', historical }],
      ['recordStrategyDiscussion', { ...of, held: on }],
      ['startSection47', { ...of, started: on, historical }],
      ['startAssessment', { ...of, started: on, historical }],
      ['startPreProceedings', { ...of, started: on, historical }],
      ['openFamilyPlan', { family, opened: on }],
      ['offerFamilyGroup', { family, offered: on }],
      ['callMeeting', { family, kind: 'core-group', at: '2026-11-10T10:00:00.000Z', persons: [who('mother')], invited: [] }],
      ['recordDecision', { family, kind: 'other', on, role: 'social-worker', what: 'x', reason: 'x' }],
      ['recordToolReading', { ...of, person: who('mother'), tool: 'AUDIT_C', on, answers: [1, 1, 1] }],
    ];
    for (const [name, input] of rows) {
      const { body } = await ask({ ...caller('LA'), purpose: 'SAFEGUARDING' }, name, input);
      expect(body.data?.[name]?.userErrors, `${name}: ${JSON.stringify(body.errors)}`).toEqual([]);
    }
    for (const { type, anchor, id } of BINDINGS.values()) {
      if (typeof anchor === 'string' || Array.isArray(anchor) || !id || type === 'Family') continue;
      const entry = classOf(anchor);
      const column = type === 'Person' ? 'person' : id;
      const where = entry.family
        ? 'where family = 1'
        : type === 'Person'
          ? 'where person in (select person from fsp.membership where family = 1)'
          : null;
      if (where === null) continue;
      const { rows } = await owner.query(`select ${column} as id from fsp.${entry.name} ${where} order by 1 limit 1`);
      if (rows[0]) there.set(type, Number(rows[0].id));
    }
    // Of a restricted family nothing is there for anybody but the named users.
    await owner.query('update fsp.family set restricted = true where id = 1');
  });
  it('there are rows of many types to ask for', () => expect(there.size).toBeGreaterThan(15));

  it.each(names)('78 %s answers in the same words', async (name) => {
    const agency = AGENCIES.find((each) => mayWrite(each, classes.fieldClass('Mutation', name), name)) as Agency;
    const who = caller(agency);
    // What is governance's to do is done by its own client, under its own purpose.
    const governs = ['OPERATION', 'RESEARCH'].includes(classes.fieldClass('Mutation', name));
    const purpose = purposesOf(name)?.[0] ?? 'GOVERNANCE';
    const governor = { client: 'occ-governance', user: 'gideon.marlowe', scopes: allScopes, purpose };
    // And what the framework is told, by an analyst's.
    const reports = writersOf(classes.fieldClass('Mutation', name), name).some(({ scope }) => scope === 'outcome:write');
    const asker = governs
      ? governor
      : reports
        ? { client: 'occ-analyst', user: 'agnes.thorley', scopes: allScopes, purpose: 'PERFORMANCE' }
        : agency === 'LA'
          ? { ...who, client: 'occ-team-management', user: 'bethan.rowe', purpose: 'SAFEGUARDING' }
          : who;
    const type = inputOf(name);
    const optional = Object.values(type.getFields())
      .filter((each) => getNamedType(each.type).name === 'ID')
      .map((each) => each.name);
    const base = smallestInput(name, type, never);
    const { body } = await ask(asker, name, base);
    expect(body.errors, JSON.stringify(body.errors)).toBeUndefined();
    const missing = body.data[name].userErrors.filter(({ code }: any) => code === 'NOT_FOUND');
    for (const { message } of missing) expect(message).toMatch(/^There is no such .+ for you\.$/);
    for (const each of optional) {
      const of = typeOf(name, each);
      const hidden = there.get(of);
      if (hidden === undefined || of === 'Organisation') continue;
      const input = (key: number) => smallestInput(name, type, (_command, at) => (at === each ? key : NEVER), [each]);
      const [one, other] = [await ask(asker, name, input(hidden)), await ask(asker, name, input(NEVER))];
      expect(one.text, each).toBe(other.text);
      expect(one.body.data[name].userErrors.length, each).toBeGreaterThan(0);
    }
  });
});
