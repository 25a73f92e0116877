/**
 * What is explained is what happens: the verdict of every field of every type, for every caller of the demonstration under their purposes,
 * against what the API answers them about real rows of real families.
 */
import { type GraphQLObjectType, getNamedType, isCompositeType, isNonNullType } from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGREEMENT, type Purpose, purposeRule } from '../../../src/access/agreement.ts';
import { CLASS_BIT, isPersonal, type PersonalClass } from '../../../src/access/classes.ts';
import { classOf, type TableClass } from '../../../src/db/classified.ts';
import { CLIENTS, organisationId, PERSONAS } from '../../../src/db/personas.ts';
import { BINDINGS } from '../../../src/modules/index.ts';
import { type Binding, fieldTable } from '../../../src/read/binding.ts';
import { productSchema } from '../../../src/server.ts';
import { type Caller, encodeId, ownDatabase, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

const { schema, classes } = productSchema();
const lead: Caller = { client: 'occ-governance', user: 'gideon.marlowe', purpose: 'GOVERNANCE' };
const FAMILIES = [1, 2, 3];
/** Rows of each type and family that every caller is asked of; the families have others. */
const EACH = 1;

type Known = { client: string; user: string | null; purpose: Purpose };

const WHO: [client: string, user: string | null][] = [
  ...Object.values(PERSONAS).map(({ client, user }): [string, string] => [client, user]),
  ['team-07-workbook', null],
  ['team-07-workbook', 'ruth.ellery'],
  ['elmore-victims-casework', 'saira.bhatt'],
  ['occ-analyst', 'philippa.nunn'],
];

/** Everybody, under every purpose that asks of families in lists. */
const CALLERS: Known[] = WHO.flatMap(([client, user]) =>
  (CLIENTS.find(({ id }) => id === client)?.purposes ?? [])
    .filter((purpose) => purpose !== 'EMERGENCY' && !purposeRule(purpose).singleRecord)
    .map((purpose) => ({ client, user, purpose })),
);

/**
 * Of the first family everybody under their usual purpose, and a third of them under each other one; of the others every fourth of those who ask:
 * the rules are the same, and the rows differ. `FC_ALL=1`: all.
 */
function sampled(family: number): Known[] {
  const usual = CALLERS.filter(({ client, user }, i) => CALLERS.findIndex((c) => c.client === client && c.user === user) === i);
  return family === 1
    ? CALLERS.filter((caller, i) => usual.includes(caller) || i % 3 === 0)
    : usual.filter((_caller, i) => i % 4 === family % 4);
}

let server: TestServer;
let owner: pg.Client;
let county: pg.Client;
beforeAll(async () => {
  const ownerUrl = await ownDatabase('fsp_explain_verdicts', true);
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
  county = await sqlAs('occ', false, ownerUrl);
  await addDecisions();
}, 300_000);
afterAll(async () => {
  await server?.close();
  await owner?.end();
  await county?.end();
});

/** Decisions both ways, about families and about one member. */
async function addDecisions(): Promise<void> {
  const decided: [family: number, member: boolean, dataClass: PersonalClass, effect: string, agency: string][] = [
    [1, false, 'ASSESSMENT', 'SHARE', 'POLICE'],
    [1, true, 'NHS_NUMBER', 'SHARE', 'POLICE'],
    [1, false, 'WORKBOOK', 'SHARE', 'HEALTH'],
    [1, false, 'CASE', 'WITHHOLD', 'EDUCATION'],
    [1, true, 'WHEREABOUTS', 'WITHHOLD', 'HEALTH'],
    [1, false, 'PROGRESS', 'WITHHOLD', 'TEAM'],
    [2, false, 'WORKBOOK', 'WITHHOLD', 'TEAM'],
    [2, false, 'IDENTITY', 'WITHHOLD', 'POLICE'],
    [3, false, 'CASE', 'WITHHOLD', 'LA'],
    [3, true, 'IDENTITY', 'WITHHOLD', 'TEAM'],
  ];
  for (const [family, member, dataClass, effect, agency] of decided)
    await owner.query(
      `insert into fsp.sharing_decision (family, person, data_classes, mask, effect, agency, gateway, reason, decided_by, controller, "from", agreement_version)
       values ($1, case when $2 then (select min(person) from fsp.membership where family = $1) end, array[$3], $4, $5, $6, 'Children Act 1989 s.47', 'For the test.', 'grace.whitlock', $7, now() - interval '1 day', 'tests')`,
      [family, member, dataClass, String(1n << BigInt(CLASS_BIT[dataClass])), effect, agency, organisationId('occ')],
    );
}

type Row = { id: string; person: string | null; plain: boolean; row: Record<string, unknown> };

const tableOfType = ({ anchor }: Binding): TableClass[] =>
  typeof anchor === 'string' ? [] : [anchor].flat().map((table) => classOf(table as never));

/** Rows of a type in a family, of different persons as far as there are, the same at every run. */
async function rowsOf(binding: Binding, family: number, each = EACH): Promise<Row[]> {
  if (binding.anchor === 'family') return [{ id: encodeId('Family', family), person: null, plain: true, row: {} }];
  if (binding.anchor === 'person') {
    const { rows } = await owner.query('select person from fsp.membership where family = $1 order by person', [family]);
    return rows.map(({ person }) => ({ id: encodeId('Person', person), person, plain: true, row: {} }));
  }
  const found: Row[] = [];
  for (const { name, family: column, person, other, keptFrom, rowMask } of tableOfType(binding)) {
    if (!column || !binding.id) continue;
    const born = person ? `and (${person} is null or ${person} not in (select person from fsp.unborn_membership))` : '';
    const { rows } = await owner.query(`select * from fsp.${name} where ${column} = $1 ${born} order by ${binding.id}`, [family]);
    // What is about two persons is there where both are.
    const plain = (row: Record<string, any>) => !other && (!keptFrom || row[keptFrom].length === 0) && (!rowMask || row[rowMask] === '0');
    // A person who is not born is nobody whom the lead could name.
    for (const row of rows)
      found.push({ id: encodeId(binding.type, row[binding.id]), person: person ? row[person] : null, plain: plain(row), row });
  }
  const step = Math.max(1, Math.floor(found.length / each));
  return found.filter((_, index) => index % step === 0).slice(0, each);
}

/** A type's fields that can be asked for without more. */
const fieldsOf = (type: string) =>
  classes.all
    .filter((one) => one.type === type && one.dataClass !== 'STRUCTURE')
    .flatMap((one) => {
      const field = (schema.getType(type) as GraphQLObjectType).getFields()[one.field];
      if (!field || field.args.some((argument) => isNonNullType(argument.type))) return [];
      return [{ ...one, selected: isCompositeType(getNamedType(field.type)) ? `${one.field} { __typename }` : one.field }];
    });

type Explained = { verdict: string; alike: boolean; class: string; steps: { rule: string; verdict: string; words: string }[] };

const EXPLAIN = `query($client: String!, $user: String, $purpose: String, $family: ID!, $person: ID, $field: String!) {
  explainAccess(client: $client, user: $user, purpose: $purpose, family: $family, person: $person, field: $field) { verdict alike class steps { rule verdict words } } }`;
const VIEW = `query($client: String!, $user: String, $purpose: String, $family: ID!, $person: ID) {
  agencyView(client: $client, user: $user, purpose: $purpose, family: $family, person: $person) { there fields { type field class verdict alike } } }`;

const explanations = new Map<string, Promise<Explained>>();
function explain(caller: Known, family: number, person: string | null, field: string): Promise<Explained> {
  const variables = { ...caller, family: encodeId('Family', family), person: person && encodeId('Person', person), field };
  const key = JSON.stringify(variables);
  const found =
    explanations.get(key) ??
    server.ask(lead, EXPLAIN, variables).then(({ body }) => {
      if (!body.data?.explainAccess) throw new Error(`${key}: ${JSON.stringify(body)}`);
      return body.data.explainAccess as Explained;
    });
  explanations.set(key, found);
  return found;
}

type Verdicts = Map<string, { verdict: string; alike: boolean }>;

const views = new Map<string, Promise<Verdicts>>();
function view(caller: Known, family: number, person: string | null): Promise<Verdicts> {
  const variables = { ...caller, family: encodeId('Family', family), person: person && encodeId('Person', person) };
  const key = JSON.stringify(variables);
  const found =
    views.get(key) ??
    server.ask(lead, VIEW, variables).then(({ body }): Verdicts => {
      return new Map(body.data.agencyView.fields.map((one: any) => [`${one.type}.${one.field}`, one]));
    });
  views.set(key, found);
  return found;
}

const label = ({ client, user, purpose }: Known) => `${client} ${user ?? '(nobody)'} for ${purpose}`;

describe.each(FAMILIES)('family %i', (family) => {
  const samples = new Map<string, Row[]>();
  beforeAll(async () => {
    for (const binding of BINDINGS.values()) {
      const types = tableOfType(binding);
      if (!binding.id || (types.length > 0 && types.every(({ dataClass }) => !isPersonal(dataClass)))) continue;
      const rows = await rowsOf(binding, family);
      if (rows.length > 0) samples.set(binding.type, rows);
    }
    expect(samples.size).toBeGreaterThan(10);
  });

  const asking = process.env.FC_ALL === '1' ? CALLERS : sampled(family);
  it.each(asking.map((caller) => [label(caller), caller] as const))('%s', async (_label, caller) => {
    const verdicts = await view(caller, family, null);
    expect(verdicts.size).toBeGreaterThan(500);
    const told = new Set<string>();
    const organisation = organisationId(CLIENTS.find(({ id }) => id === caller.client)?.organisation as string);
    const tellsWhy = caller.client.startsWith('occ-') || caller.client.startsWith('team-');
    const wrong: string[] = [];
    for (const [type, rows] of samples) {
      const fields = fieldsOf(type);
      const binding = BINDINGS.get(type) as Binding;
      const document = `query(${rows.map((_, i) => `$i${i}: ID!`).join(', ')}) { ${rows
        .map(
          (_, i) =>
            `n${i}: node(id: $i${i}) { ... on ${type} { withheld { field class reason ask } ${fields.map((f) => f.selected).join(' ')} } }`,
        )
        .join(' ')} }`;
      const { body } = await server.ask(caller, document, Object.fromEntries(rows.map(({ id }, i) => [`i${i}`, id])));
      for (const [i, row] of rows.entries()) {
        const object = body.data[`n${i}`];
        const refused = new Set(
          (body.errors ?? []).filter((e: any) => e.extensions.at.startsWith(`n${i}.`)).map((e: any) => e.extensions.field),
        );
        const own = tableOfType(binding).map(({ own: of }) => of);
        const isOwn = own.some((of) => of?.through || of?.userThrough || of?.columns.some((column) => row.row[column] === organisation));
        for (const { field, dataClass } of fields) {
          const name = `${type}.${field}`;
          const known = verdicts.get(name) as { verdict: string; alike: boolean };
          const verdict = known.alike ? known.verdict : (await view(caller, family, row.person)).get(name)?.verdict;
          const entry = object?.withheld.find((one: any) => one.field === field);
          const bound = binding.fields[field];
          const side = bound && fieldTable(bound);
          const masked =
            side !== undefined && (classOf(side).rowMask || classOf(side).keptFrom) && !tableOfType(binding).some((t) => t.table === side);
          const complain = (words: string) =>
            wrong.push(`${name} (${dataClass}) of ${row.id}: ${verdict}, but ${words}${entry ? ` (${entry.reason})` : ''}`);
          const closed = object === null || refused.has(name);
          if (verdict === 'NOT_SHARED' && !closed && !isOwn) complain('it is answered');
          if (verdict === 'SEEN' && row.plain && closed) complain(object === null ? 'the row is not there' : 'it is refused');
          if (verdict === 'SEEN' && row.plain && entry && !masked) complain('it is among the withheld');
          if (verdict === 'WITHHELD' && !closed && !isOwn && !entry) complain('nothing says that it is withheld');
          if (verdict === 'WITHHELD' && refused.has(name)) complain('it is refused');
          if (verdict === 'OWN_ROWS_ONLY' && !closed && !isOwn && !entry) complain('others’ rows are answered');
          if (verdict === 'OWN_ROWS_ONLY' && refused.has(name)) complain('it is refused');
          if (!entry) continue;
          // Each entry is right by itself: its field, its class, its reason, whom to ask.
          if (entry.class !== dataClass || entry.ask !== AGREEMENT[dataClass as PersonalClass].ask)
            complain('the entry is of another class');
          if (!tellsWhy && entry.reason !== 'NOT_AVAILABLE') complain('the entry says why');
          // The reasons once for each field and word.
          if (!tellsWhy || object === null || told.has(`${name} ${entry.reason} ${verdict}`)) continue;
          told.add(`${name} ${entry.reason} ${verdict}`);
          const { steps } = await explain(caller, family, row.person, name);
          const decided = steps.some(
            (step) => step.rule === 'DECISION' && step.verdict === 'CLOSES' && step.words.includes(`${dataClass} is withheld`),
          );
          const rowClass = steps.some((step) => step.rule === 'ROW_CLASS' && step.words.includes('a class of its own'));
          const none = steps.some((step) => step.rule === 'DECISION' && step.verdict === 'CLOSES' && step.words.startsWith('No decision'));
          const ownOnly = steps.some((step) => ['AGREEMENT', 'PURPOSE'].includes(step.rule) && step.words.includes('own rows'));
          if (entry.reason === 'DECISION_WITHHOLDS' && !decided) complain('no reason says that a decision withholds it');
          if (entry.reason === 'NO_DECISION' && !none && !(masked && rowClass)) complain('no reason says that there is no decision');
          if (entry.reason === 'NOT_OWN' && !ownOnly) complain('no reason speaks of own rows');
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('of one row', () => {
  const EXPLAIN_ROW = (asks: { name: string; row: string }[]) =>
    `query($client: String!, $user: String, $purpose: String, $family: ID!) { ${asks
      .map(
        ({ name, row }, i) =>
          `e${i}: explainAccess(client: $client, user: $user, purpose: $purpose, family: $family, field: "${name}", row: "${row}") { verdict steps { rule verdict words } }`,
      )
      .join(' ')} }`;

  /** Every field that needs its row's own class, and one field of each other type whose rows may have one or are kept from somebody. */
  const asked = [...BINDINGS.values()].flatMap((binding) => {
    const fields = fieldsOf(binding.type).filter(({ dataClass }) => isPersonal(dataClass));
    const own = fields.filter(({ rowClass }) => rowClass);
    if (own.length > 0) return [{ binding, fields: own }];
    const some = tableOfType(binding).some(({ rowMask, keptFrom }) => rowMask || keptFrom);
    const anchored = fields.filter(({ field }) => sideless(binding, field));
    return some && binding.id ? [{ binding, fields: anchored.slice(0, 1) }] : [];
  });

  function sideless(binding: Binding, field: string): boolean {
    const bound = binding.fields[field];
    const from = bound && fieldTable(bound);
    return from !== undefined && tableOfType(binding).some(({ table }) => table === from);
  }

  it('has the fields that need their row’s own class', () => {
    const names = asked.flatMap(({ binding, fields }) =>
      fields.filter(({ rowClass }) => rowClass).map(({ field }) => `${binding.type}.${field}`),
    );
    expect(names).toEqual(expect.arrayContaining(['Intervention.programme', 'Intervention.reason']));
    expect(names).toHaveLength(classes.all.filter(({ rowClass }) => rowClass).length);
  });

  const personas = CALLERS.filter(({ client, user }, i) => CALLERS.findIndex((c) => c.client === client && c.user === user) === i);
  it.each(personas.map((caller) => [label(caller), caller] as const))(
    '%s',
    async (_label, caller) => {
      const wrong: string[] = [];
      for (const family of FAMILIES) {
        for (const { binding, fields } of asked) {
          const rows = await rowsOf(binding, family, fields.some(({ rowClass }) => rowClass) ? Number.POSITIVE_INFINITY : 1);
          for (const row of rows) {
            const asks = fields.map(({ field }) => ({ name: `${binding.type}.${field}`, row: row.id }));
            const explained = (await server.ask(lead, EXPLAIN_ROW(asks), { ...caller, family: encodeId('Family', family) })).body;
            const { body } = await server.ask(
              caller,
              `query($id: ID!) { node(id: $id) { ... on ${binding.type} { ${'family' in binding.fields ? 'family { __typename } ' : ''}withheld { field } ${fields.map((f) => f.selected).join(' ')} } } }`,
              { id: row.id },
            );
            const refused = new Set((body.errors ?? []).map((error: any) => error.extensions.field));
            const object = body.data.node;
            for (const [i, { field }] of fields.entries()) {
              const complain = (words: string) => wrong.push(`${binding.type}.${field} of ${row.id}: ${words}`);
              const told = explained.data?.[`e${i}`];
              if (told == null) {
                // A row that is hidden from the county's own login is none to its lead.
                const table = tableOfType(binding)[0] as TableClass;
                const { rowCount } = await county.query(`select from fsp.${table.name} where ${binding.id} = $1`, [
                  row.row[binding.id as string],
                ]);
                if (rowCount !== 0 || explained.errors) complain(`nothing is told, ${JSON.stringify(explained.errors ?? null)}`);
                continue;
              }
              const withheld = object?.withheld.some((entry: any) => entry.field === field) === true;
              const answered = object !== null && !refused.has(`${binding.type}.${field}`) && !withheld;
              if (told.verdict === 'SEEN' && !answered) complain(`SEEN, but ${object === null ? 'the row is not there' : 'withheld'}`);
              if (told.verdict === 'WITHHELD' && answered) complain('WITHHELD, but it is answered');
              // An own row may be read by its id, with no family named.
              if (told.verdict === 'NOT_SHARED' && answered && object.family) complain('NOT_SHARED, but it is answered');
              const own = told.steps.find((step: any) => step.rule === 'ROW_CLASS' && step.words.startsWith('This row'));
              if (own?.verdict === 'CLOSES' && told.verdict === 'SEEN') complain('SEEN, though its class is closed');
            }
          }
        }
      }
      expect(wrong).toEqual([]);
    },
    120_000,
  );
});
