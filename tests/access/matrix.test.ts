/**
 * Agency × type.field through the API: what the agreement and the purpose close is refused, by name and with the right
 * reason, through every place a field can stand; what they open answers.
 */
import { type GraphQLObjectType, getNamedType, isObjectType, isScalarType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGREEMENT, type Level, PURPOSES, type PurposeRule, writersOf } from '../../src/access/agreement.ts';
import { type Agency, type DataClass, isPersonal } from '../../src/access/classes.ts';
import { productSchema } from '../../src/server.ts';
import { encodeId, PERSONAS, type PersonaName, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const { schema, classes } = productSchema();
const family = encodeId('Family', 1);

/** A way from the root to an object of each type, with `…` where its fields go. */
const WAY: Record<string, string> = {
  Family: '{ family(id: "F") { … } }',
  FamilyMember: '{ family(id: "F") { members { … } } }',
  Person: '{ family(id: "F") { plans { person { … } } } }',
  Household: '{ family(id: "F") { households { … } } }',
  HouseholdMember: '{ family(id: "F") { households { members { … } } } }',
  Involvement: '{ family(id: "F") { involvements { … } } }',
  Plan: '{ family(id: "F") { plans { … } } }',
  PlanReview: '{ family(id: "F") { plans { reviews { … } } } }',
  WorkbookEntry: '{ family(id: "F") { workbook { nodes { … } } } }',
  WorkbookReading: '{ family(id: "F") { workbook { nodes { readings { … } } } } }',
  ChildWords: '{ family(id: "F") { workbook { nodes { childWords { … } } } } }',
  ParentWords: '{ family(id: "F") { workbook { nodes { parentWords { … } } } } }',
  Intervention: '{ family(id: "F") { interventions { nodes { … } } } }',
  ServiceOffer: '{ family(id: "F") { offers { nodes { … } } } }',
  Clock: '{ family(id: "F") { clocks { nodes { … } } } }',
  Task: '{ family(id: "F") { tasks { nodes { … } } } }',
  Timescale: '{ timescales { … } }',
  Organisation: '{ organisations { nodes { … } } }',
  Code: '{ services { nodes { kind { … } } } }',
  District: '{ districts { … } }',
  Service: '{ services { nodes { … } } }',
  Programme: '{ programmes { nodes { … } } }',
  OutcomeIndicator: '{ outcomeIndicators { nodes { … } } }',
};

/** A field with the smallest selection that is valid. */
function selected(type: string, field: string): string {
  const named = getNamedType((schema.getType(type) as GraphQLObjectType).getFields()[field]?.type as never);
  return isObjectType(named) ? `${field} { __typename }` : field;
}

/** The word of the agreement's table and the purpose's, without the code that applies them. */
function expectation(agency: Agency, purpose: keyof typeof PURPOSES, dataClass: DataClass): string | null {
  if (dataClass === 'STRUCTURE' || dataClass === 'DIRECTORY') return null;
  const level: Level = AGREEMENT[dataClass].levels[agency];
  if (level === 'N') return 'NOT_SHARED_WITH_AGENCY';
  const rule: PurposeRule = PURPOSES[purpose];
  if (!isPersonal(dataClass) || rule.opens.includes(dataClass)) return null;
  return rule.ownRows.includes(dataClass) && level !== 'D' ? null : 'NOT_FOR_THIS_PURPOSE';
}

const fields = classes.all.filter(({ type }) => WAY[type]).map((field) => ({ ...field, name: `${field.type}.${field.field}` }));

it('has a way to every type that the database holds', () => {
  const made = new Set(['Query', 'Mutation', 'PageInfo', 'TotalCount', 'Withheld', 'UserError', 'Viewer', 'ViewerClass', 'SharingRule']);
  const types = [...new Set(classes.all.map(({ type }) => type))].filter(
    (type) => !made.has(type) && !/(Connection|Edge|Payload)$/.test(type),
  );
  expect(types.sort()).toEqual(Object.keys(WAY).sort());
});

describe.each(Object.keys(PERSONAS) as PersonaName[])('%s', (name) => {
  const { agency, purpose } = PERSONAS[name];

  it.each(fields)('$name ($dataClass)', async ({ type, field, dataClass }) => {
    const document = (WAY[type] as string).replace('"F"', `"${family}"`).replace('…', selected(type, field));
    const { body } = await server.ask(name, document);
    expect(body.data ?? null, JSON.stringify(body.errors)).not.toBeNull();
    const refused = (body.errors ?? []).filter((error) => error.extensions.field === `${type}.${field}`);
    const reason = expectation(agency, purpose, dataClass);
    if (agency === 'EVALUATOR' && document.startsWith('{ family')) {
      // The evaluator's schema has no families: the first refusal is at the root.
      expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field: 'Query.family', reason: 'NOT_SHARED_WITH_AGENCY' });
      expect(body.data).toEqual({ family: null });
      return;
    }
    const above = (body.errors ?? []).some((error) => error.extensions.field !== `${type}.${field}`);
    if (above) return; // A field on the way is refused: its own row of the matrix says so.
    if (reason === null) expect(refused).toEqual([]);
    else {
      expect(refused).toHaveLength(1);
      expect(refused[0]).toMatchObject({
        message: 'This field is not shared with you.',
        extensions: { code: 'FORBIDDEN', reason, class: dataClass },
      });
      expect(refused[0]).not.toHaveProperty('path');
    }
  });

  it('is told the same by its own schema: what is never for it is not in it', async () => {
    const { body } = await server.ask(name, '{ __schema { types { name fields { name } inputFields { name } } } }');
    const types = new Map<string, any>(body.data.__schema.types.map((t: any) => [t.name, t]));
    for (const { type, field, dataClass } of classes.all) {
      const there = types.get(type)?.fields?.some((f: any) => f.name === field) ?? false;
      const never =
        type === 'Mutation'
          ? !writersOf(dataClass, field).some(({ agencies }) => agencies.includes(agency))
          : dataClass !== 'STRUCTURE' && AGREEMENT[dataClass].levels[agency] === 'N';
      if (never) expect(there, `${type}.${field}`).toBe(false);
      else if (agency !== 'EVALUATOR' && !/(Connection|Edge|Payload)$/.test(type))
        expect(there, `${type}.${field}`).toBe(dataClass === 'STRUCTURE' ? there : true);
    }
    if (agency === 'EVALUATOR')
      for (const gone of ['Family', 'Person', 'Plan', 'WorkbookEntry', 'Intervention']) expect(types.has(gone)).toBe(false);
  });

  it('may not filter or sort by what it may not read', async () => {
    const asked: [string, DataClass, string][] = [
      ['{ families(filter: { stage: CHILD_PROTECTION }) { totalCount { value } } }', 'CASE', 'Query.families(filter.stage)'],
      ['{ families(filter: { district: "E07000177" }) { totalCount { value } } }', 'WHEREABOUTS', 'Query.families(filter.district)'],
      [
        `{ families(filter: { team: "${encodeId('Organisation', 17)}" }) { totalCount { value } } }`,
        'INVOLVEMENT',
        'Query.families(filter.team)',
      ],
      ['{ families(orderBy: NAME) { totalCount { value } } }', 'FAMILY', 'Query.families(orderBy)'],
      ['{ familyByReference(reference: "FSP-0000001") { id } }', 'FAMILY', 'Query.familyByReference(reference)'],
    ];
    for (const [document, dataClass, field] of asked) {
      const { body } = await server.ask(name, document);
      const reason = expectation(agency, purpose, dataClass);
      if (agency === 'EVALUATOR') expect(body.errors?.[0].extensions.reason).toBe('NOT_SHARED_WITH_AGENCY');
      else if (reason === null) expect(body.errors).toBeUndefined();
      else {
        expect(Object.values(body.data)).toEqual([null]);
        expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field, reason });
      }
    }
  });
});

it('every scalar of a personal type is nullable', () => {
  for (const { type, field, dataClass } of classes.all.filter(({ dataClass }) => isPersonal(dataClass))) {
    const definition = (schema.getType(type) as GraphQLObjectType).getFields()[field];
    expect(isScalarType(definition?.type) || !String(definition?.type).endsWith('!'), `${type}.${field} ${dataClass}`).toBe(true);
  }
});
