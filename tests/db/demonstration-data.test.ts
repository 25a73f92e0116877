import { describe, expect, it } from 'vitest';
import { CLASS_BIT, isPersonal } from '../../src/access/classes.ts';
import { classifiedTables } from '../../src/db/classified.ts';
import { GENERATED } from '../../src/db/demonstration/load.ts';
import { STORIES, storyPerson, storyRows } from '../../src/db/demonstration/rows.ts';
import {
  type FamilyRows,
  familyRows,
  generatedFamilies,
  isLeisureFamily,
  LEISURE_FAMILIES,
  nhsNumber,
  upn,
} from '../../src/db/generate.ts';
import { CLIENTS, organisationId, PERSONAS, TEAMS, USERS } from '../../src/db/personas.ts';
import { readReference } from '../../src/db/reference.ts';
import '../../src/modules/tables.ts';
import { sqlAsOwner } from '../support/server.ts';

const stories = STORIES.map(storyRows);
const generated = generatedFamilies(GENERATED, 0, GENERATED.families);
const everyone = [...stories, ...generated];
const reference = readReference('oxfordshire');
const all = <T extends keyof FamilyRows>(table: T) => everyone.flatMap((rows) => rows[table] as FamilyRows[T][number][]);

describe('numbers of people', () => {
  it('NHS numbers have the check digit of modulus 11 and are of the range kept for tests', () => {
    const numbers = all('personNhsNumber').map(({ nhsNumber: number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) {
      const digits = [...number].map(Number);
      const weighted = digits.slice(0, 9).reduce((sum, digit, index) => sum + digit * (10 - index), 0);
      expect(number).toMatch(/^999\d{7}$/);
      expect((weighted + (digits[9] as number)) % 11).toBe(0);
    }
  });

  it('a number whose check digit would be 10 is never issued', () => {
    const issued = Array.from({ length: 1000 }, (_, n) => nhsNumber(n)).filter((number) => number !== null);
    expect(issued.length).toBeLessThan(1000);
    expect(issued.every((number) => number.length === 10)).toBe(true);
  });

  it('pupil numbers have the right check letter and are of Oxfordshire', () => {
    expect(upn(0)).toBe(`${'ABCDEFGHJKLMNPQRTUVWXYZ'[(9 * 2 + 3 * 3 + 1 * 4) % 23]}931000000000`);
    const numbers = all('personUpn').map(({ upn: number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const number of numbers) {
      const sum = [...number.slice(1)].reduce((total, digit, index) => total + Number(digit) * (index + 2), 0);
      expect(number[0]).toBe('ABCDEFGHJKLMNPQRTUVWXYZ'[sum % 23]);
      expect(number.slice(1, 4)).toBe('931');
    }
  });
});

describe('generated families', () => {
  it('are the same for the same id and seed, in whatever order', () => {
    expect(familyRows(77, 5)).toEqual(familyRows(77, 5));
    expect(familyRows(77, 5)).not.toEqual(familyRows(77, 6));
    expect(generatedFamilies({ families: 300, seed: 5, firstId: 1 }, 76, 77)).toEqual([
      familyRows(77, 5, { leisureDesk: isLeisureFamily(76, 300) }),
    ]);
  });

  it('have ids of their own in every table', () => {
    for (const table of Object.keys(generated[0] as FamilyRows) as (keyof FamilyRows)[]) {
      const ids = all(table).flatMap((row) => ('id' in row ? [row.id] : []));
      expect(new Set(ids).size, table).toBe(ids.length);
    }
  });

  it.each([200, 777, 20_000])('of %i, West Oxfordshire leisure works with exactly 50, spread evenly', (families) => {
    const chosen = Array.from({ length: families }, (_, index) => index).filter((index) => isLeisureFamily(index, families));
    expect(chosen.length).toBe(LEISURE_FAMILIES);
    const gaps = chosen.slice(1).map((index, n) => index - (chosen[n] as number));
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThanOrEqual(1);
  });

  it('involve that desk where the even spread says so and nowhere else', () => {
    const desk = organisationId('west-oxfordshire-leisure');
    const involved = all('involvement').filter(({ organisation }) => organisation === desk);
    expect(new Set(involved.map(({ family }) => family)).size).toBe(LEISURE_FAMILIES);
    expect(involved.every(({ agreed, person, until }) => agreed && person !== null && until === null)).toBe(true);
  });

  it('reach every stage and every district', () => {
    expect(new Set(all('familyStage').map(({ stage }) => stage)).size).toBe(9);
    expect(new Set(all('household').map(({ district }) => district)).size).toBe(5);
  });
});

describe('the record', () => {
  it('uses codes of the code lists', () => {
    const list = (name: string) => new Set(reference.codes.filter((code) => code.list === name).map(({ code }) => code));
    const expectAll = (values: Iterable<string>, name: string) =>
      expect(
        [...new Set(values)].filter((value) => !list(name).has(value)),
        name,
      ).toEqual([]);
    expectAll(
      all('personIdentity').map(({ sex }) => sex),
      'sex',
    );
    expectAll(
      all('personEquality').map(({ ethnicity }) => ethnicity),
      'ethnicity',
    );
    expectAll(
      all('planCategory').map(({ category }) => category),
      'category-of-abuse',
    );
    expectAll(
      [...all('membership'), ...all('unbornMembership')].map(({ role }) => role),
      'family-role',
    );
    expectAll(
      all('involvement').map(({ role }) => role),
      'involvement-role',
    );
    expectAll(
      all('workbookEntry').map(({ discipline }) => discipline),
      'discipline',
    );
    expectAll(
      all('workbookEntry').map(({ sessionType }) => sessionType),
      'session-type',
    );
    expectAll(
      all('workbookReading').map(({ behaviour }) => behaviour),
      'behaviour',
    );
    expectAll(
      Object.values(TEAMS).flatMap((team) => team.map(({ discipline }) => discipline)),
      'discipline',
    );
  });

  it('has one lead of the county and one row of a team for every family', () => {
    const county = organisationId('occ');
    for (const rows of everyone) {
      expect(rows.involvement.filter(({ lead }) => lead).map(({ organisation }) => organisation)).toEqual([county]);
      expect(rows.involvement.filter(({ role }) => role === 'family-team').length).toBe(1);
    }
  });

  it('names workers who have a user where they work', () => {
    const users = new Set(USERS.map(({ organisation, subject }) => `${organisationId(organisation)} ${subject}`));
    for (const { organisation, worker } of all('involvement')) {
      if (worker) expect(users.has(`${organisation} ${worker}`), `${organisation} ${worker}`).toBe(true);
    }
    for (const { controller, worker } of all('workbookEntry')) expect(users.has(`${controller} ${worker}`)).toBe(true);
  });

  it('keeps an entry from nobody whom it is about', () => {
    const kept = new Map(all('workbookEntry').map(({ id, keptFrom }) => [id, keptFrom ?? []]));
    for (const { entry, person } of all('workbookEntryPerson')) expect(kept.get(entry)).not.toContain(person);
  });
});

describe('the stories', () => {
  it('show each side of domestic abuse to its own organisation alone', () => {
    const with_ = (organisation: string) =>
      stories[0]?.involvement.filter((row) => row.organisation === organisationId(organisation)).map(({ person }) => person);
    expect(with_('elmore-victims')).toEqual([storyPerson(1, 'mother')]);
    expect(with_('elmore-perpetrators')).toEqual([storyPerson(1, 'father')]);
    expect(with_('turning-point')).toEqual([storyPerson(1, 'mother')]);
  });

  it('tell of the unborn child in its own rows only', () => {
    const rows = stories[1] as FamilyRows;
    const unborn = storyPerson(2, 'unborn');
    expect(rows.membership.map(({ person }) => person)).not.toContain(unborn);
    expect(rows.unbornMembership.map(({ person }) => person)).toEqual([unborn]);
    const others = {
      workbook: rows.workbookEntry,
      words: [rows.workbookChildWords, rows.workbookParentWords],
      progress: rows.interventionProgress,
      involvement: rows.involvement,
    };
    const reviews = rows.planReview.filter(({ person }) => person !== unborn);
    expect(JSON.stringify([others, reviews])).not.toMatch(/pregnan|unborn|baby|midwi|birth/i);
    expect(rows.sharingDecision[0]).toMatchObject({
      effect: 'SHARE',
      person: unborn,
      mask: 1n << BigInt(CLASS_BIT.CLINICAL),
      organisation: organisationId('occ'),
    });
  });

  it('keep what the mother tells about her partner from him', () => {
    const rows = stories[2] as FamilyRows;
    const entry = rows.workbookEntry.find(({ narrative }) => narrative?.includes('brings alcohol'));
    expect(entry?.keptFrom).toEqual([storyPerson(3, 'partner')]);
  });
});

describe('who asks', () => {
  it('every persona has a client, a user and a purpose that the client may use', () => {
    for (const persona of Object.values(PERSONAS)) {
      const client = CLIENTS.find(({ id }) => id === persona.client);
      expect(client?.purposes).toContain(persona.purpose);
      expect(USERS.some(({ organisation, subject }) => organisation === client?.organisation && subject === persona.user)).toBe(true);
    }
  });

  it('every organisation has a client and nobody is two people', () => {
    expect(reference.organisations.filter(({ code }) => !CLIENTS.some(({ organisation }) => organisation === code))).toEqual([]);
    const names = new Map(USERS.map(({ subject, name }) => [subject, name]));
    expect(USERS.filter(({ subject, name }) => names.get(subject) !== name)).toEqual([]);
  });
});

describe('reference data', () => {
  it('has 22 teams, five districts and the sixteen indicators of Table 2', () => {
    expect(reference.organisations.filter(({ agency }) => agency === 'TEAM').length).toBe(22);
    expect(reference.districts.length).toBe(5);
    expect(reference.indicators.filter(({ source }) => source.includes('Table 2')).length).toBe(16);
    expect(new Set(reference.services.map(({ district }) => district)).size).toBe(6);
  });

  it('lists no refuge', () => {
    expect(JSON.stringify(reference.services)).not.toMatch(/refuge/i);
  });

  it('says which authorities there are', () => {
    expect(() => readReference('somewhere')).toThrow(/"somewhere".*oxfordshire/);
  });
});

describe('the record as commands tell it', () => {
  it('has rows in every table of people', async () => {
    const owner = await sqlAsOwner();
    const empty: string[] = [];
    for (const { name } of classifiedTables().filter(({ dataClass }) => isPersonal(dataClass))) {
      const { rows } = await owner.query(`select from fsp.${name} limit 1`);
      if (rows.length === 0) empty.push(name);
    }
    await owner.end();
    expect(empty, 'tables of people that the demonstration has no row of: tell some in src/db/demonstration/record/').toEqual([]);
  });

  it('leaves every told family at the stage that its rows say', async () => {
    const owner = await sqlAsOwner();
    const { rows } = await owner.query('select family, stage from fsp.family_stage where family <= 3 order by family');
    await owner.end();
    expect(rows.map(({ stage }) => stage)).toEqual(stories.map(({ familyStage }) => familyStage[0]?.stage));
  });
});
