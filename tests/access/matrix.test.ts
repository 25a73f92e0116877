/**
 * Agency × type.field through the API: what the agreement and the purpose close is refused, by name and with the right
 * reason, through every place a field can stand; what they open answers.
 */
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  isRequiredArgument,
  isScalarType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGREEMENT, type Level, PURPOSES, type PurposeRule, ROLES_FOR, writersOf } from '../../src/access/agreement.ts';
import { type DataClass, isPersonal } from '../../src/access/classes.ts';
import { CLIENTS, type Persona } from '../../src/db/personas.ts';
import { productSchema } from '../../src/server.ts';
import { encodeId, PERSONAS, type PersonaName, type Reply, type TestServer, testServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

const { schema, classes } = productSchema();
const family = encodeId('Family', 1);

type Field = GraphQLField<unknown, unknown>;

/** Types that the compiler or graphql-js makes without a table of their own. */
const MADE =
  /^(Query|Mutation|Subscription|PageInfo|TotalCount|Withheld|UserError|Viewer|ViewerClass|SharingRule|AccessStep|AccessExplanation|AgencyView|FieldView|FieldChange|DocumentChange|AgreementSimulation|(Workbook)?Changes?|EmergencyFigures|EmergencyCount)$|(Connection|Edge|Payload)$/;

/** Types that only an odd way leads to. */
const ODD: Record<string, string> = {
  ObservationRun: '{ node(id: "ObservationRun-1") { ... on ObservationRun { … } } }',
  ExtractRow: '{ extractRows(extract: "Extract-1", kind: CHILD) { nodes { … } } }',
  LookUp: '{ node(id: "LookUp-1") { ... on LookUp { … } } }',
  ProviderSnapshot: `{ providerSnapshot(provider: "${encodeId('Organisation', 601)}", month: "2026-06-01") { … } }`,
  TeamDiscipline: `{ workforce(team: "${encodeId('Organisation', 107)}") { … } }`,
};

/** What a field leads to, through a connection's nodes, and what then stands in the document. */
function leadsTo({ name, type, args }: Field): [GraphQLObjectType, string][] {
  const head = name === 'family' && args.length > 0 ? 'family(id: "F")' : name;
  const named = getNamedType(type);
  if (!isObjectType(named)) return [];
  const nodes = named.name.endsWith('Connection') ? getNamedType(named.getFields().nodes?.type) : undefined;
  if (isAbstractType(nodes)) return schema.getPossibleTypes(nodes).map((each) => [each, `${head} { nodes { ... on ${each.name} { … } } }`]);
  return isObjectType(nodes) ? [[nodes, `${head} { nodes { … } }`]] : [[named, `${head} { … }`]];
}

/** A type's fields that can be asked for without more, those first that are closed to the fewest agencies. */
function open(type: GraphQLObjectType): Field[] {
  const closedTo = ({ name }: Field) => {
    const dataClass = classes.fieldClass(type.name, name);
    return dataClass === 'STRUCTURE' ? 0 : Object.values(AGREEMENT[dataClass].levels).filter((level) => level === 'N').length;
  };
  return Object.values(type.getFields())
    .filter(({ name, args }) => name === 'family' || !args.some(isRequiredArgument))
    .sort((a, b) => closedTo(a) - closedTo(b) || a.args.length - b.args.length);
}

/** The shortest way from the root to an object of each type: through the directories, a family, or what is left. */
function ways(): Record<string, string> {
  const found: Record<string, string> = { ...ODD };
  const roots = open(schema.getQueryType() as GraphQLObjectType);
  const isDirectory = ({ name }: Field) => ['DIRECTORY', 'MEASURE'].includes(classes.fieldClass('Query', name));
  const isFamily = ({ name }: Field) => name === 'family';
  for (const group of [roots.filter(isDirectory), roots.filter(isFamily), roots]) {
    const queue = group.map((field) => ({ field, way: '{ … }' }));
    for (let next = queue.shift(); next; next = queue.shift()) {
      for (const [type, step] of leadsTo(next.field)) {
        if (found[type.name] || MADE.test(type.name)) continue;
        const way = next.way.replace('…', step);
        found[type.name] = way;
        queue.push(...open(type).map((field) => ({ field, way })));
      }
    }
  }
  return found;
}

/** A way from the root to an object of each type, with `…` where its fields go. */
const WAY = ways();

/** A field with the smallest selection that is valid. */
function selected(type: string, field: string): string {
  const named = getNamedType((schema.getType(type) as GraphQLObjectType).getFields()[field]?.type as never);
  return isCompositeType(named) ? `${field} { __typename }` : field;
}

/** The word of the agreement's table and the purpose's, without the code that applies them. */
function expectation({ agency, purpose, client }: Persona, dataClass: DataClass): string | null {
  if (dataClass === 'STRUCTURE' || dataClass === 'DIRECTORY') return null;
  const level: Level = AGREEMENT[dataClass].levels[agency];
  if (level === 'N') return 'NOT_SHARED_WITH_AGENCY';
  const scopes = CLIENTS.find(({ id }) => id === client)?.scopes ?? [];
  if (level === 'R' && !ROLES_FOR[dataClass]?.some((role) => scopes.includes(`role:${role}`))) return 'NOT_FOR_THIS_ROLE';
  const rule: PurposeRule = PURPOSES[purpose];
  if (!isPersonal(dataClass) || rule.opens.includes(dataClass)) return null;
  return rule.ownRows.includes(dataClass) && level !== 'D' ? null : 'NOT_FOR_THIS_PURPOSE';
}

const fields = classes.all.filter(({ type }) => WAY[type]).map((field) => ({ ...field, name: `${field.type}.${field.field}` }));

it('has a way to every type that the database holds', () => {
  const types = [...new Set(classes.all.map(({ type }) => type))].filter((type) => !MADE.test(type));
  expect(types.sort()).toEqual(Object.keys(WAY).sort());
});

type Answered = { document: string; body: Reply['body'] };
const asked = new Map<string, Promise<Answered>>();

/** All fields of a type, asked by a persona as one document: each is refused by itself. */
function answered(name: PersonaName, type: string): Promise<Answered> {
  const key = `${name} ${type}`;
  const found = asked.get(key);
  if (found) return found;
  const all = fields.filter((field) => field.type === type).map(({ field }) => selected(type, field));
  const document = (WAY[type] as string).replace('"F"', `"${family}"`).replace('…', all.join(' '));
  const answer = server.ask(name, document).then(({ body }) => ({ document, body }));
  asked.set(key, answer);
  return answer;
}

const sameRights = (name: PersonaName): string => {
  const { agency, purpose, client } = PERSONAS[name];
  const roles = CLIENTS.find(({ id }) => id === client)?.scopes.filter((scope) => scope.startsWith('role:'));
  return [agency, purpose, ...(roles ?? [])].join(' ');
};

describe.each(Object.keys(PERSONAS) as PersonaName[])('74 %s', (name) => {
  const { agency } = PERSONAS[name];

  // The agreement knows agencies, purposes and roles: who has the same of these is told the same.
  const alike = (Object.keys(PERSONAS) as PersonaName[]).find((other) => sameRights(other) === sameRights(name));
  it.each(alike === name ? Object.keys(WAY) : ['Family'])('shows of %s what the agreement says', async (type) => {
    const { document, body } = await answered(name, type);
    expect(body.data ?? null, JSON.stringify(body.errors)).not.toBeNull();
    if (agency === 'EVALUATOR' && document.startsWith('{ family')) {
      // The evaluator's schema has no families: the first refusal is at the root.
      expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field: 'Query.family', reason: 'NOT_SHARED_WITH_AGENCY' });
      expect(body.data).toEqual({ family: null });
      return;
    }
    // By an id of personal data the evaluator is told what everybody is told of none.
    if (agency === 'EVALUATOR' && document.startsWith('{ node')) {
      expect(body).toMatchObject({ data: { node: null } });
      return;
    }
    const told = Map.groupBy(body.errors ?? [], ({ extensions }) => extensions.field as string);
    // A field on the way is refused: its own row of the matrix says so.
    if ([...told.keys()].some((field) => !field.startsWith(`${type}.`))) return;
    for (const { field, dataClass } of fields.filter((one) => one.type === type)) {
      const at = `${type}.${field} (${dataClass})`;
      const refused = told.get(`${type}.${field}`) ?? [];
      const reason = expectation(PERSONAS[name], dataClass);
      expect(refused, at).toHaveLength(reason === null ? 0 : 1);
      if (reason === null) continue;
      expect(refused[0], at).toMatchObject({
        message: 'This field is not shared with you.',
        extensions: { code: 'FORBIDDEN', reason, class: dataClass },
      });
      expect(refused[0], at).not.toHaveProperty('path');
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

  const refusedBy = async (asked: [string, DataClass, string][]) => {
    for (const [document, dataClass, field] of asked) {
      const { body } = await server.ask(name, document);
      const reason = expectation(PERSONAS[name], dataClass);
      if (agency === 'EVALUATOR') expect(body.errors?.[0].extensions.reason).toBe('NOT_SHARED_WITH_AGENCY');
      else if (reason === null) expect(body.errors).toBeUndefined();
      else {
        expect(Object.values(body.data)).toEqual([null]);
        expect(body.errors?.[0].extensions).toMatchObject({ code: 'FORBIDDEN', field, reason });
      }
    }
  };
  it('79 may not filter by what it may not read', () =>
    refusedBy([
      ['{ families(filter: { stage: CHILD_PROTECTION }) { totalCount { value } } }', 'CASE', 'Query.families(filter.stage)'],
      ['{ families(filter: { district: "E07000177" }) { totalCount { value } } }', 'WHEREABOUTS', 'Query.families(filter.district)'],
      [
        `{ families(filter: { team: "${encodeId('Organisation', 17)}" }) { totalCount { value } } }`,
        'INVOLVEMENT',
        'Query.families(filter.team)',
      ],
      ['{ familyByReference(reference: "FSP-0000001") { id } }', 'FAMILY', 'Query.familyByReference(reference)'],
    ]));
  it('80 may not sort by what it may not read', () =>
    refusedBy([['{ families(orderBy: NAME) { totalCount { value } } }', 'FAMILY', 'Query.families(orderBy)']]));
});

it('91 every scalar of a personal type is nullable', () => {
  for (const { type, field, dataClass } of classes.all.filter(({ dataClass }) => isPersonal(dataClass))) {
    const definition = (schema.getType(type) as GraphQLObjectType).getFields()[field];
    expect(isScalarType(definition?.type) || !String(definition?.type).endsWith('!'), `${type}.${field} ${dataClass}`).toBe(true);
  }
});
