/** A name that somebody took later tells where they are: it is told to those alone who may know that. */
import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEAK_GROUP } from '../../../src/access/agreement.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { productSchema } from '../../../src/server.ts';
import { type Caller, encodeId, ownDatabase, PERSONAS, sqlAs, sqlAsOwner, type TestServer, testServer } from '../../support/server.ts';

let server: TestServer;
let owner: pg.Client;
let ownerUrl: string;
beforeAll(async () => {
  ownerUrl = await ownDatabase('fsp_new_name');
  server = await testServer(ownerUrl);
  owner = await sqlAsOwner(ownerUrl);
});
afterAll(async () => {
  await server.close();
  await owner.end();
});

const { schema } = productSchema();
const family = encodeId('Family', 1);
const mother = encodeId('Person', storyPerson(1, 'mother'));
const maisie = encodeId('Person', storyPerson(1, 'maisie'));
const grace: Caller = PERSONAS.socialWorker;
const marcus: Caller = { client: 'occ-social-care', user: 'marcus.oyelaran', purpose: 'SAFEGUARDING' };
/** In every word that is told below, and in no other. */
const TELLS = 'Quillmoor';

let keys = 0;
async function does(who: Caller, field: string, input: object, selection: string): Promise<any> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
  const document = `mutation($input: ${type}!) { ${field}(input: $input) { ${selection} userErrors { code message path rule } } }`;
  const { body } = await server.ask(who, document, { input: { idempotencyKey: `key-${keys++}`, ...input } });
  return body.data?.[field] ?? { refused: body.errors?.[0]?.extensions };
}
const NAMES = 'person { familyName newNames { familyName since until recordedBy controller { code } } }';
const rename = (who: Caller, familyName: string, since: string, person = mother) =>
  does(who, 'recordNewName', { person, familyName, since }, NAMES);
const shown = async (who: Caller) =>
  (
    await server.ask(
      who,
      'query($id: ID!) { node(id: $id) { ... on Person { familyName newNames { familyName } withheld { field reason } } } }',
      { id: mother },
    )
  ).body.data?.node;

describe('a new name', () => {
  it('is the county’s to record', async () => {
    for (const name of ['teamSpecialist', 'healthVisitor', 'school', 'police', 'housingDesk', 'provider', 'evaluator'] as const)
      expect((await rename(PERSONAS[name], 'x', '2026-01-01')).refused, name).toMatchObject({
        code: 'FORBIDDEN',
        field: 'Mutation.recordNewName',
        reason: 'NOT_YOURS_TO_WRITE',
      });
  });
  it('stands beside the name by which they are known, with its history', async () => {
    expect((await rename(grace, ' ', '2027-01-01')).userErrors).toMatchObject([{ path: ['familyName'] }, { path: ['since'] }]);
    expect((await rename(grace, 'Hartwell', '2026-01-01')).userErrors).toMatchObject([{ path: ['familyName'] }]);
    expect((await rename(grace, 'Ashe', '2025-03-01')).userErrors).toEqual([]);
    expect((await rename(grace, 'Ashe', '2025-04-01')).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
    expect((await rename(grace, 'Birch', '2025-02-01')).userErrors).toMatchObject([{ code: 'CONFLICT' }]);
    const { person, userErrors } = await rename(grace, 'Birch', '2025-06-01');
    expect(userErrors).toEqual([]);
    expect(person).toEqual({
      familyName: 'Hartwell',
      newNames: [
        { familyName: 'Birch', since: '2025-06-01', until: null, recordedBy: 'grace.whitlock', controller: { code: 'occ' } },
        { familyName: 'Ashe', since: '2025-03-01', until: '2025-06-01', recordedBy: 'grace.whitlock', controller: { code: 'occ' } },
      ],
    });
  });
  it('of a stranger reads as of nobody', async () => {
    await owner.query('update fsp.family set restricted = true where id = 6');
    const { rows } = await owner.query('select person from fsp.membership where family = 6 limit 1');
    const hidden = await rename(grace, 'Birch', '2026-01-01', encodeId('Person', Number(rows[0].person)));
    expect(hidden).toEqual(await rename(grace, 'Birch', '2026-01-01', encodeId('Person', 888_888_888)));
    await owner.query('update fsp.family set restricted = false where id = 6');
  });
  it('is told where whereabouts are, and nowhere else', async () => {
    expect(LEAK_GROUP).toContain('WHEREABOUTS');
    expect((await shown(PERSONAS.healthVisitor)).newNames.length).toBe(2);
    const provider = await shown(PERSONAS.provider);
    expect(provider?.newNames ?? null).toBeNull();
    // By plain SQL an evaluator has no right to the table, and nobody but the county writes it.
    const evaluator = await sqlAs('oxford-university', false, ownerUrl);
    await expect(evaluator.query('select * from fsp.person_new_name')).rejects.toMatchObject({ code: '42501' });
    await evaluator.end();
    const health = await sqlAs('oxford-health', false, ownerUrl);
    await expect(health.query("update fsp.person_new_name set family_name = 'x'")).rejects.toMatchObject({ code: '42501' });
    await health.end();
  });
});

/** Every leaf of a type, and of what hangs on it so many levels deep, where no argument must be given. */
function everything(type: GraphQLNamedType, depth: number): string {
  if (isAbstractType(type))
    return `__typename ${schema
      .getPossibleTypes(type)
      .map((each, index) => `... on ${each.name} { ${aliased(each, 0, `u${index}_`)} }`)
      .join(' ')}`;
  return isObjectType(type) ? aliased(type, depth, '') : '';
}
function aliased(type: GraphQLObjectType, depth: number, alias: string): string {
  const parts: string[] = ['__typename'];
  for (const field of Object.values(type.getFields())) {
    if (field.args.some(isRequiredArgument)) continue;
    const inner = getNamedType(field.type);
    const name = alias ? `${alias}${field.name}: ${field.name}` : field.name;
    if (isLeafType(inner)) parts.push(name);
    else if (depth > 0) parts.push(`${name} { ${everything(inner, depth - 1)} }`);
  }
  return parts.join(' ');
}

/** One document for each field that a family or person has, with what hangs on it. */
function documents(): string[] {
  const found: string[] = [];
  const add = (type: string, wrap: (selection: string) => string) => {
    for (const field of Object.values((schema.getType(type) as GraphQLObjectType).getFields())) {
      if (field.args.some(isRequiredArgument)) continue;
      const inner = getNamedType(field.type);
      if (isLeafType(inner)) found.push(wrap(field.name));
      else
        for (const depth of [4, 3, 2, 1, 0]) {
          const document = wrap(`${field.name} { ${everything(inner, depth)} }`);
          if ((document.match(/\w+/g)?.length ?? 0) > 120) continue;
          found.push(document);
          break;
        }
    }
  };
  add('Family', (selection) => `query($family: ID!) { family(id: $family) { ${selection} } }`);
  add('Person', (selection) => `query($mother: ID!) { node(id: $mother) { ... on Person { ${selection} } } }`);
  found.push('{ families(first: 50) { nodes { id name members { person { familyName newNames { familyName } } } } } }');
  return found;
}

describe('where whereabouts are protected', () => {
  /** Everything that each caller is answered, in one text. */
  const told = async (who: Caller): Promise<string> => {
    const texts: string[] = [];
    for (const document of documents()) {
      const variables = { ...(document.includes('$family') ? { family } : {}), ...(document.includes('$mother') ? { mother } : {}) };
      const { text, body } = await server.ask(who, document, variables);
      const code = body.errors?.[0]?.extensions?.code;
      expect(['undefined', 'FORBIDDEN', 'PURPOSE_NOT_ALLOWED'], `${document}: ${text.slice(0, 300)}`).toContain(String(code));
      texts.push(text);
    }
    return texts.join('\n');
  };
  let named: number[];
  beforeAll(async () => {
    const protectedNow = await does(
      grace,
      'protectWhereabouts',
      { family, person: mother, reason: 'He looks for her.' },
      'protection { id }',
    );
    expect(protectedNow.userErrors).toEqual([]);
    named = (
      await owner.query('select distinct organisation from fsp.involvement where person = $1 and coalesce(until, $2) > now()', [
        storyPerson(1, 'mother'),
        'infinity',
      ])
    ).rows.map(({ organisation }) => organisation);
    for (const [field, input, selection] of [
      ['recordNewName', { person: mother, familyName: TELLS, since: '2026-10-01' }, 'person { id }'],
      ['recordNewName', { person: maisie, familyName: TELLS, since: '2026-10-01' }, 'person { id }'],
      [
        'moveHousehold',
        {
          family,
          address: `3 ${TELLS} Close`,
          postcode: 'OX16 5QQ',
          district: 'E07000177',
          from: '2026-10-01',
          members: [mother, maisie],
        },
        'family { id }',
      ],
      [
        'callMeeting',
        { family, kind: 'core-group', at: '2026-12-10T10:00:00.000Z', place: `${TELLS} School`, persons: [mother], invited: [] },
        'meeting { id }',
      ],
      ['recordAdultVoice', { family, person: mother, words: `We are in ${TELLS} now.`, medium: 'said', on: '2026-10-02' }, 'voice { id }'],
      [
        'openInvolvement',
        { family, organisation: encodeId('Organisation', organisationId('occ')), role: 'family-team', practitioner: `Ann ${TELLS}` },
        'involvement { id }',
      ],
    ] as const) {
      const made = await does(grace, field, input, selection);
      expect(made.userErrors, `${field}: ${JSON.stringify(made)}`).toEqual([]);
    }
  });

  it('a new name is recorded by who is named with that person; the known one is not changed by mistake for it', async () => {
    expect((await rename(marcus, 'Birch', '2026-11-01')).userErrors).toMatchObject([{ rule: 'WHEREABOUTS_PROTECTED', path: ['person'] }]);
    const { rows } = await owner.query('select version from fsp.person_identity where person = $1', [storyPerson(1, 'mother')]);
    const correct = (more: object) =>
      does(grace, 'correctPerson', { person: mother, expectedVersion: rows[0].version, ...more }, 'person { familyName }');
    expect((await correct({ familyName: 'Birch' })).userErrors).toMatchObject([{ rule: 'WHEREABOUTS_PROTECTED', path: ['familyName'] }]);
    expect((await correct({ familyName: 'Hartwel', familyNameWasWrong: true })).userErrors).toEqual([]);
    expect((await correct({ familyName: 'Hartwell' })).userErrors.length).toBeGreaterThan(0);
    await owner.query("update fsp.person_identity set family_name = 'Hartwell' where person = $1", [storyPerson(1, 'mother')]);
  });
  it('who is named with her is told it; to others she has the name by which she was known', async () => {
    expect((await shown(grace)).newNames[0]).toEqual({ familyName: TELLS });
    const colleague = await shown(marcus);
    expect(colleague).toMatchObject({ familyName: 'Hartwell', newNames: null });
    expect(colleague.withheld).toContainEqual({ field: 'newNames', reason: 'WHEREABOUTS_PROTECTED' });
    const health = await shown(PERSONAS.healthVisitor);
    expect(health).toMatchObject({ familyName: 'Hartwell', newNames: null });
    expect(health.withheld).toContainEqual({ field: 'newNames', reason: 'NOT_AVAILABLE' });
  });
  it('no document rebuilds it: to who is named it is told in many', async () => {
    expect(documents().length).toBeGreaterThan(60);
    expect((await told(grace)).split(TELLS).length).toBeGreaterThan(5);
  });
  it.each([
    ['a colleague', marcus, 'occ'],
    ['health', PERSONAS.healthVisitor, 'oxford-health'],
    ['a school', PERSONAS.school, 'school-tansy-bridge'],
    ['the police', PERSONAS.police, 'thames-valley-police'],
  ] as const)('no document rebuilds it for %s', async (_name, who, organisation) => {
    if (organisation !== 'occ') expect(named).not.toContain(organisationId(organisation));
    expect(await told(who)).not.toContain(TELLS);
  });
  it('nor does plain SQL of an organisation that is not named', async () => {
    const { rows: tables } = await owner.query(
      "select c.relname as name from pg_class c where c.relnamespace = 'fsp'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition",
    );
    const { rows: organisations } = await owner.query(
      `select distinct o.id, o.code from fsp.organisation o join fsp.login l on l.organisation = o.id join fsp.family_grant g on g.login = l.id
       where o.agency <> 'LA' and g.family = 1 and g.starts <= now() and g.ends > now() order by o.id`,
    );
    let asked = 0;
    for (const { id, code } of organisations) {
      if (named.includes(id)) continue;
      const client = await sqlAs(code, false, ownerUrl);
      for (const { name } of tables) {
        const found = await client
          .query(`select count(*)::int as n from fsp.${name} t where t::text like $1`, [`%${TELLS}%`])
          .catch((error: { code: string }) => {
            expect(error.code, `${code} ${name}`).toBe('42501');
            return null;
          });
        if (found) asked += 1;
        expect(found?.rows[0].n ?? 0, `${code} ${name}`).toBe(0);
      }
      await client.end();
    }
    expect(asked).toBeGreaterThan(200);
  });
});

it('is the same of who is the same person under another id: a user who is not named with that id is not told', async () => {
  // Somebody else takes the other record for hers; the other record has a user named of its own.
  const other = storyPerson(3, 'mother');
  await owner.query(
    `insert into fsp.involvement (family, person, controller, worker, organisation, role, practitioner, "from")
     values (3, $1, $2, 'grace.whitlock', $2, 'named-practitioner', 'Grace Whitlock', now() - interval '1 day')`,
    [other, organisationId('occ')],
  );
  const households = async (who: Caller) =>
    (
      await server.ask({ ...who, purpose: 'CHILD_IN_NEED' }, 'query($id: ID!) { family(id: $id) { households { address } } }', {
        id: encodeId('Family', 3),
      })
    ).body.data.family.households;
  expect(await households(marcus)).not.toBeNull();
  const proposed = await does(
    grace,
    'proposeMerge',
    { survivor: mother, merged: encodeId('Person', other), reason: 'One woman.' },
    'merge { id version }',
  );
  const manager: Caller = { client: 'occ-team-management', user: 'bethan.rowe', purpose: 'SAFEGUARDING' };
  const merged = await does(manager, 'mergePersons', { merge: proposed.merge.id, expectedVersion: proposed.merge.version }, 'merge { id }');
  expect(merged.userErrors).toEqual([]);
  expect(await households(grace)).not.toBeNull();
  expect(await households(marcus)).toBeNull();
});
