/** Start-up refuses what was forgotten, by its name. */
import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { isPersonal } from '../../src/access/classes.ts';
import { accessSql } from '../../src/access/policies.ts';
import { classifiedTables } from '../../src/db/classified.ts';
import { schemaFaults } from '../../src/graphql/check.ts';
import { readClasses } from '../../src/graphql/classes.ts';
import { readSdl } from '../../src/graphql/schema.ts';
import { familyName, familyStage } from '../../src/modules/family/tables.ts';
import { BINDINGS, boundTypes, COMMANDS, ROOTS } from '../../src/modules/index.ts';
import { type Binding, column, computed } from '../../src/read/binding.ts';

const sdl = readSdl();
const faultsOf = (text: string, bindings = BINDINGS, roots = ROOTS) => {
  const schema = buildSchema(text);
  return schemaFaults({ schema, classes: readClasses(schema) }, bindings, roots, COMMANDS);
};
const without = <V>(map: ReadonlyMap<string, V>, key: string) => new Map([...map].filter(([name]) => name !== key));

describe('the schema', () => {
  it('as it is has no fault', () => expect(faultsOf(sdl)).toEqual([]));
  it.each([
    ['a field without a class', sdl.replace('reference: String @classified(as: FAMILY)', 'reference: String'), 'Family.reference'],
    [
      'an input field without a class',
      sdl
        .replace('input FamilyFilter @classified(as: STRUCTURE)', 'input FamilyFilter')
        .replace('stage: FamilyStage @classified(as: CASE)\n  "ONS', 'stage: FamilyStage\n  "ONS'),
      'FamilyFilter.stage',
    ],
  ])('with %s does not start', (_what, text, name) => {
    expect(text).not.toBe(sdl);
    expect(() => faultsOf(text)).toThrow(name);
  });
  it.each([
    [
      'a class of another table',
      sdl.replace('name: String @classified(as: FAMILY)', 'name: String @classified(as: CASE)'),
      'Family.name: class CASE, but its table family_name is of class FAMILY: it wants a table of its own class among the sides (docs/engineers.md, Adding a field).',
    ],
    [
      'a maskable field that is non-null',
      sdl.replace('name: String @classified(as: FAMILY)', 'name: String! @classified(as: FAMILY)'),
      'Family.name: a field of class FAMILY can be withheld, so it must be nullable.',
    ],
    [
      'a field without a binding',
      sdl.replace('name: String @classified(as: FAMILY)', 'name: String @classified(as: FAMILY)\n  motto: String @classified(as: FAMILY)'),
      'Family.motto: the field has no binding.',
    ],
    [
      'a type without a binding',
      `${sdl}\ntype Pet @classified(as: DIRECTORY) { name: String }\nextend type Query { pets: [Pet!] @classified(as: DIRECTORY) }`,
      "Pet: the type has no binding; add one in its module's binding.ts.",
    ],
    [
      'a root that is non-null',
      sdl.replace('family(id: ID!): Family\n', 'family(id: ID!): Family!\n'),
      'Query.family: a root field must be nullable.',
    ],
    [
      'a union of what has no id',
      `${sdl}\nunion Anything = Family | PlanReview`,
      'Anything: its type PlanReview has no binding with an id.',
    ],
    [
      'a union that stands without a connection',
      `${sdl}\nextend type Family { latest: ChronologyEvent @classified(as: STRUCTURE) }`,
      'Family.latest: of the abstract types, Node alone stands without a connection.',
    ],
    [
      'an event that is none',
      `${sdl}\nextend union ChronologyEvent = Person`,
      'ChronologyEvent: its type Person takes no part in Family.chronology.',
    ],
    [
      'an event that the union does not know',
      sdl.replace('extend union ChronologyEvent = ServiceOffer', ''),
      'ChronologyEvent: ServiceOffer takes part in Family.chronology and is not of this type.',
    ],
    ['an event without its name', sdl.replace('  SERVICE_OFFER\n', '  OFFER\n'), 'ChronologyType: the value SERVICE_OFFER is missing.'],
    [
      'personal fields and no `withheld`',
      sdl.replace(
        'outcome: String @classified(as: CASE)\n  withheld: [Withheld!]! @classified(as: STRUCTURE)',
        'outcome: String @classified(as: CASE)',
      ),
      'PlanReview: a type with personal fields needs the field "withheld: [Withheld!]!".',
    ],
    [
      'a class without a row in the agreement',
      sdl
        .replace('  OPERATION\n}', '  OPERATION\n  WEATHER\n}')
        .replace('uprn: String @classified(as: WHEREABOUTS)', 'uprn: String @classified(as: WEATHER)'),
      'Household.uprn: the class WEATHER has no row in the agreement.',
    ],
  ])('with %s does not start', (_what, text, fault) => {
    expect(text).not.toBe(sdl);
    expect(faultsOf(text)).toContain(fault);
  });
  it('with a field that two modules bind does not load', () => {
    const fields = { name: column(familyName.name) };
    const family = BINDINGS.get('Family') as Binding;
    expect(() => boundTypes([{ bindings: [family], extensions: { Family: fields } }])).toThrow('Family.name: two modules bind the field.');
    expect(() => boundTypes([{ bindings: [family], extensions: { Pet: fields } }])).toThrow('Pet: fields are added to a type');
  });
  it('with a computed value of another table’s class does not start', () => {
    const family = BINDINGS.get('Family') as Binding;
    const bindings = new Map(BINDINGS).set('Family', { ...family, fields: { ...family.fields, name: computed(familyStage, () => `'x'`) } });
    expect(faultsOf(sdl, bindings)).toContain(
      'Family.name: class FAMILY, but its table family_stage is of class CASE: it wants a table of its own class among the sides (docs/engineers.md, Adding a field).',
    );
  });
  it('with a binding taken away does not start', () => {
    expect(faultsOf(sdl, without(BINDINGS, 'Plan')).join('\n')).toContain('Plan: the type has no binding');
    expect(faultsOf(sdl, BINDINGS, without(ROOTS, 'families'))).toContain('Query.families: the root field has no binding.');
  });
});

describe('the access SQL', () => {
  const sql = accessSql();
  it('forces row-level security on every table but the directory’s, with a policy for the owner', () => {
    for (const { name, dataClass } of classifiedTables()) {
      const forced = sql.includes(`alter table fsp.${name} force row level security;`);
      expect(forced, name).toBe(dataClass !== 'DIRECTORY');
      if (forced) expect(sql, name).toContain(`create policy owner_all on fsp.${name} for all`);
    }
  });
  it('gives no agency more than one policy for a table and verb', () => {
    const seen = [...sql.matchAll(/create policy \S+ on (\S+) for (\S+) to (.+)/g)].flatMap(([, table, verb, roles]) =>
      (roles as string).split(', ').map((role) => `${table} ${verb} ${role}`),
    );
    expect(seen.filter((each, i) => seen.indexOf(each) !== i)).toEqual([]);
  });
  it('probes by scalar subqueries, never by exists', () => {
    for (const [policy] of sql.matchAll(/create policy (?!owner_all)[\s\S]*?;\n/g)) expect(policy).not.toMatch(/\bexists\b/);
  });
  it('has a table for every personal class that a field has', () => {
    const tables = new Set(classifiedTables().map(({ dataClass }) => dataClass));
    for (const { dataClass } of readClasses(buildSchema(sdl)).all) if (isPersonal(dataClass)) expect(tables).toContain(dataClass);
  });
});
