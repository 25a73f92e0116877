/** Housing without a name: what a council reads before an offer is accepted, that nothing joins it to a family, and what it reads then. */
import { GraphQLObjectType } from 'graphql';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifiedTables } from '../../../src/db/classified.ts';
import { storyPerson } from '../../../src/db/demonstration/rows.ts';
import { organisationId } from '../../../src/db/personas.ts';
import { checkAcceptance, checkAnswer, checkStep, mondayOf } from '../../../src/modules/housing/rules.ts';
import { productSchema } from '../../../src/server.ts';
import {
  type Caller,
  encodeId,
  FRONT_DOOR,
  ownDatabase,
  type PersonaName,
  type Reply,
  sqlAs,
  sqlAsOwner,
  type TestServer,
  testServer,
} from '../../support/server.ts';

const { schema } = productSchema();
let server: TestServer;
let owner: pg.Client;
let url: string;
/** The council's own login. */
let desk: pg.Client;
beforeAll(async () => {
  url = await ownDatabase('fsp_blind');
  server = await testServer(url);
  owner = await sqlAsOwner(url);
  desk = await sqlAs('cherwell-housing', false, url);
});
afterAll(async () => {
  await desk.end();
  await server.close();
  await owner.end();
});

const CHERWELL = encodeId('Organisation', organisationId('cherwell-housing'));
const OXFORD = encodeId('Organisation', organisationId('oxford-housing'));
const mother = encodeId('Person', storyPerson(1, 'mother'));
const family = encodeId('Family', 1);
const oxfordDesk: Caller = { client: 'oxford-housing-desk', purpose: 'HOUSING_DUTY' };
const key = (id: string) => id.split('-')[1] as string;

let keys = 0;
const capital = (name: string) => `${name[0]?.toUpperCase()}${name.slice(1)}`;
const does = async (who: PersonaName | Caller, name: string, input: object, shown = 'id status version') => {
  const what = name === 'askForHousing' || name === 'closeHousingNeed' ? 'housingNeed' : 'housingAnswer';
  const { body } = await server.ask(
    who,
    `mutation($input: ${capital(name)}Input!) { ${name}(input: $input) { row: ${what} { ${shown} } userErrors { code message path rule } } }`,
    { input: { idempotencyKey: `blind-${keys++}`, ...input } },
  );
  return body.data?.[name] ?? { row: null, userErrors: [], errors: body.errors };
};
const asking = (of: { family: string; person: string }, council = CHERWELL) => ({ ...of, council, need: 'overcrowded', within: '56-days' });
const first = { family, person: mother };
const ask = async (of = first, council = CHERWELL, who: PersonaName | Caller = FRONT_DOOR) => {
  const { row, userErrors } = await does(who, 'askForHousing', asking(of, council));
  expect(userErrors).toEqual([]);
  return row.id as string;
};
const later = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10);
const now = new Date().toISOString().slice(0, 10);
const offered = (need: string) => ({ need, answer: 'OFFERED', kind: 'private-tenancy', bedrooms: 3, heldUntil: later });
const offer = async (need: string, who: PersonaName | Caller = 'housingDesk') => {
  const { row, userErrors } = await does(who, 'answerHousingNeed', offered(need));
  expect(userErrors).toEqual([]);
  return row.id as string;
};
const accepted = (answer: string, expectedVersion = 1) => ({ answer, expectedVersion, agreed: now, contactAgreed: true });
const close = async (need: string) => {
  const { rows } = await owner.query('select version from fsp.housing_need where id = $1', [key(need)]);
  return does(FRONT_DOOR, 'closeHousingNeed', { need, expectedVersion: rows[0].version, reason: 'met-otherwise' });
};
const NEED = `id askedBy { code } council { code } need { code } within { code } adults children aged0To4 aged5To10 aged11To15 aged16To17 area
  week status reason { code } answers { status } introduction { person { id givenName } family { id } agreed introduced } family { id } person { id } version withheld { field reason }`;
const read = async (who: PersonaName | Caller, id: string): Promise<Reply> =>
  server.ask(who, `query($id: ID!) { node(id: $id) { ... on HousingNeed { ${NEED} } } }`, { id });

/** Families with a member in a home of today, each with one of those who live there. */
const homes = async (): Promise<{ family: string; person: string; district: string }[]> =>
  (
    await owner.query(
      `select distinct on (h.family) h.family, m.person, h.district from fsp.household h join fsp.household_member m on m.household = h.id
       where coalesce(h.until, 'infinity') > current_date and coalesce(m.until, 'infinity') > current_date order by h.family, h.id desc, m.person`,
    )
  ).rows;

describe('what is said of a household', () => {
  /** Every home of today, counted here by other means. */
  const everyHome = async () => {
    const { rows } = await owner.query(
      `select h.id, h.postcode, h.district, array_agg(i.date_of_birth::text) as born from fsp.household h join fsp.household_member m on m.household = h.id
       left join fsp.person_identity i on i.person = m.person
       where coalesce(h.until, 'infinity') > current_date and coalesce(m.until, 'infinity') > current_date group by h.id`,
    );
    const age = (born: string | null) => {
      if (born === null) return 18;
      const years = Number(now.slice(0, 4)) - Number(born.slice(0, 4));
      return now.slice(5) < born.slice(5) ? years - 1 : years;
    };
    return rows.map(({ id, postcode, district, born }) => {
      const ages: number[] = born.map(age);
      const between = (from: number, to: number) => ages.filter((each) => each >= from && each <= to).length;
      return {
        id: id as string,
        outward: postcode.split(' ')[0] as string,
        district: district as string,
        adults: between(18, 200),
        children: between(0, 17),
        aged_0_4: between(0, 4),
        aged_5_10: between(5, 10),
        aged_11_15: between(11, 15),
        aged_16_17: between(16, 17),
      };
    });
  };
  it('is said in the same words of six households or more, and no less is said than may be', async () => {
    const all = await everyHome();
    const county = await sqlAs('occ', false, url);
    const { rows: lived } = await owner.query<{ id: string; family: string; person: string }>(
      `select distinct on (l.id) l.* from (select distinct on (h.family, m.person) h.id, h.family, m.person
         from fsp.household h join fsp.household_member m on m.household = h.id
         where coalesce(h.until, 'infinity') > current_date and coalesce(m.until, 'infinity') > current_date
         order by h.family, m.person, h.id desc) l order by l.id, l.person`,
    );
    expect(lived).toHaveLength(all.length);
    const answers = async () => {
      const groups = new Map<string, string[]>();
      for (const { id, family, person } of lived) {
        const { rows } = await county.query('select * from fsp.housing_profile($1, $2)', [family, person]);
        expect(rows).toHaveLength(1);
        const told = JSON.stringify(rows[0]);
        groups.set(told, [...(groups.get(told) ?? []), id]);
      }
      return groups;
    };
    const nothing = (told: string) => Object.values(JSON.parse(told)).every((each) => each === null);
    const protectedHomes = async (): Promise<Set<string>> => {
      const { rows } = await owner.query(
        `select distinct m.household as id from fsp.whereabouts_protection w join fsp.household_member m on m.person = w.person
         where w."from" <= now() and coalesce(w.until, 'infinity') > now()`,
      );
      return new Set(rows.map(({ id }) => id));
    };
    /** Whatever is said is said of six who are not protected: no words are a mark of those who are. */
    const check = async (groups: Map<string, string[]>) => {
      const hidden = await protectedHomes();
      for (const [told, ids] of groups) {
        if (nothing(told)) continue;
        expect(ids.filter((id) => !hidden.has(id)).length, told).toBeGreaterThanOrEqual(6);
        if (ids.some((id) => hidden.has(id))) expect(JSON.parse(told), told).toMatchObject({ area: null, aged_0_4: null });
      }
    };
    const protect = async (ids: string[]) => {
      for (const id of ids) {
        const { family, person } = lived.find((each) => each.id === id) as (typeof lived)[number];
        await owner.query(
          `insert into fsp.whereabouts_protection (family, person, controller, worker, reason, "from") values ($1, $2, 1, 'six', 'x', now() - interval '1 day')`,
          [family, person],
        );
      }
    };
    const open = await answers();
    await check(open);
    // Each kind of answer is there: ages and place, heads and place, heads alone or nothing.
    const kinds = [...open.keys()].map((told) => {
      const { aged_0_4, adults, area } = JSON.parse(told);
      return [aged_0_4, adults, area].map((each) => each !== null).join();
    });
    expect(new Set(kinds).size).toBeGreaterThanOrEqual(3);
    // Of those of which nothing is said, no six who are not protected have as many heads.
    const closed = await protectedHomes();
    const silent = new Set([...open].filter(([told]) => nothing(told)).flatMap(([, ids]) => ids));
    const heads = new Map<string, number>();
    for (const { id, adults, children } of all) {
      if (!silent.has(id) || closed.has(id)) continue;
      heads.set(`${adults} ${children}`, (heads.get(`${adults} ${children}`) ?? 0) + 1);
    }
    for (const [of, count] of heads) expect(count, of).toBeLessThan(6);
    // Homes that are alike, and all protected, are no six: of heads that have a place with all others, nothing is said without one.
    const words = [...open].filter(([told]) => !nothing(told)).map(([told, ids]) => ({ ...JSON.parse(told), ids }));
    const same = (one: { adults: number; children: number }, other: typeof one) =>
      one.adults === other.adults && one.children === other.children;
    const alike = words.find((each) => each.area !== null && !words.some((other) => other.area === null && same(each, other)));
    expect(alike).toBeDefined();
    await protect(alike.ids);
    // One of six is protected: neither it nor the other five stand out.
    const others = words.filter((each) => !same(each, alike));
    await protect(others.slice(0, 4).map(({ ids }) => ids[0] as string));
    const after = await answers();
    await check(after);
    for (const id of alike.ids) expect([...after].find(([, ids]) => ids.includes(id))?.[0], id).toSatisfy(nothing);
    await owner.query(`delete from fsp.whereabouts_protection where worker = 'six'`);
    await county.end();
  });
  it('has no place and no age where somebody’s whereabouts are protected', async () => {
    const [home] = (await homes()).filter(({ family: each }) => Number(each) > 3);
    const county = await sqlAs('occ', false, url);
    const told = async () => (await county.query('select * from fsp.housing_profile($1, $2)', [home?.family, home?.person])).rows[0];
    await owner.query(
      `insert into fsp.whereabouts_protection (family, person, controller, worker, reason, "from") values ($1, $2, 1, 'x', 'x', now() - interval '1 day')`,
      [home?.family, home?.person],
    );
    expect(await told()).toMatchObject({ area: null, aged_0_4: null, aged_5_10: null, aged_11_15: null, aged_16_17: null });
    await owner.query('delete from fsp.whereabouts_protection where family = $1', [home?.family]);
    await county.end();
  });
  it('is said to the county alone', async () => {
    for (const code of ['cherwell-housing', 'oxford-housing', 'team-07', 'thames-valley-police']) {
      const client = await sqlAs(code, false, url);
      expect((await client.query('select * from fsp.housing_profile(1, $1)', [key(mother)])).rows).toEqual([]);
      await expect(client.query('select * from fsp.households_in(null)')).rejects.toMatchObject({ code: '42501' });
      await client.end();
    }
  });
});

describe('before an offer is accepted', () => {
  /** Everything that a login can read by plain SQL, row by row. */
  const everything = async (client: pg.Client) => {
    const rows = new Map<string, string[]>();
    for (const { name } of classifiedTables()) {
      // Its own looks.
      if (name.startsWith('disclosure_')) continue;
      const found = await client.query(`select * from fsp."${name}"`).catch((error) => {
        if (error.code !== '42501') throw error;
        return null;
      });
      if (found) rows.set(name, found.rows.map((row) => JSON.stringify(row)).sort());
    }
    return rows;
  };
  const differences = (before: Map<string, string[]>, after: Map<string, string[]>) =>
    [...after].flatMap(([name, rows]) => {
      const known = new Set(before.get(name));
      const still = new Set(rows);
      return [
        ...rows.filter((row) => !known.has(row)).map((row) => ({ name, row: JSON.parse(row) })),
        ...[...known].filter((row) => !still.has(row)).map((row) => ({ name, gone: JSON.parse(row) })),
      ];
    });
  const families = async () => {
    const { rows } = await owner.query(
      `select g.family from fsp.family_grant g join fsp.login l on l.id = g.login join fsp.organisation o on o.id = l.organisation
       where o.code = 'cherwell-housing' and not l.sealed and not l.emergency and g.starts <= now() and g.ends > now()`,
    );
    return rows.map((each) => Number(each.family));
  };

  it('the council’s login gains one row by plain SQL, in which nothing is anybody’s', async () => {
    // The hardest case: a family that the council works with already.
    expect(await families()).toContain(1);
    const before = await everything(desk);
    const id = await ask();
    const found = differences(before, await everything(desk));
    expect(found.map(({ name }) => name)).toEqual(['housing_need']);
    const { row } = found[0] as { row: Record<string, unknown> };
    expect(Object.keys(row).sort()).toEqual(
      'addressee adults aged_0_4 aged_11_15 aged_16_17 aged_5_10 area children id need reason sender status version week within'.split(' '),
    );
    expect(String(row.id)).toBe(key(id));
    // No key of a family or person, no user, no moment: a day of the week that is always the same.
    expect(new Date(row.week as string).getDay()).toBe(new Date(`${mondayOf(now)}T00:00:00`).getDay());
    expect(Number(row.id)).toBeGreaterThan(1_000_000);
    await close(id);
  });
  it('nor when, and after which other row, it was written', async () => {
    const id = await ask();
    for (const column of ['xmin', 'ctid', 'cmin', 'tableoid', 'xmax'])
      await expect(desk.query(`select ${column} from fsp.housing_need`), column).rejects.toMatchObject({ code: '42501' });
    expect((await desk.query('select count(*) as n from fsp.housing_need where id = $1', [key(id)])).rows[0].n).toBe('1');
    await close(id);
  });
  it('nothing else that it asks is answered otherwise: the family, its lists, counts, chronology, notices, its own looks', async () => {
    const documents: [PersonaName | Caller, string][] = [
      ...(['HOUSING_DUTY', 'EARLY_HELP', 'CHILD_IN_NEED', 'SAFEGUARDING'] as const).map((purpose): [Caller, string] => [
        { client: 'cherwell-housing-desk', user: 'dilys.penrose', purpose },
        `query($family: ID!, $person: ID!) {
          family(id: $family) { ${scalarsAndLists('Family')} housingNeeds { nodes { id } totalCount { value } }
            chronology(first: 100) { nodes { __typename } totalCount { value } } withheld { field reason } }
          person: node(id: $person) { ... on Person { ${scalarsAndLists('Person')} withheld { field reason } } }
          families { nodes { id } totalCount { value } } offers(first: 100) { nodes { id version } totalCount { value } }
          dueItems(first: 100) { nodes { __typename } totalCount { value } } }`,
      ]),
      [
        { client: 'cherwell-housing-governance', user: 'dilys.penrose', purpose: 'GOVERNANCE' },
        'query($family: ID!) { family(id: $family) { disclosures(first: 5) { totalCount { value } } } }',
      ],
    ];
    const answers = async () => {
      const texts: string[] = [];
      for (const [who, document] of documents.slice(0, 4)) {
        const { text, body } = await server.ask(who, document, { family, person: mother });
        expect(body.data, text.slice(0, 500)).toBeDefined();
        texts.push(text.replace(/"extensions":\{"cost".*$/s, ''));
      }
      return texts;
    };
    const before = await answers();
    const id = await ask();
    expect(await answers()).toEqual(before);
    const seen = (await read('housingDesk', id)).body.data.node;
    expect(seen).toMatchObject({ status: 'OPEN', introduction: null, family: null, person: null, answers: [], reason: null });
    expect(await answers()).toEqual(before);
    await close(id);
  });
  it('the record of what it was shown names nobody', async () => {
    const id = await ask();
    const index = async () => {
      while ((await owner.query('select fsp.index_disclosures() as more')).rows[0].more);
    };
    await index();
    const { rows: last } = await owner.query('select coalesce(max(id), 0) as id from fsp.disclosure_entry');
    await read('housingDesk', id);
    await server.ask('housingDesk', '{ housingNeeds { nodes { id area adults } totalCount { value } } }');
    await index();
    const { rows } = await owner.query(
      `select count(*) as n, count(f.family) as named from fsp.disclosure_entry e left join fsp.disclosure_family f on f.entry = e.id
       where e.id > $1 and e.organisation = $2`,
      [last[0].id, organisationId('cherwell-housing')],
    );
    expect(Number(rows[0].n)).toBeGreaterThan(0);
    expect(Number(rows[0].named)).toBe(0);
    // Nor does the record of changes put need and family side by side, for whatever is made of it.
    const { rows: told } = await owner.query(`select family, persons from fsp.outbox where entity = 'HousingNeed'`);
    for (const each of told) expect(each).toEqual({ family: null, persons: [] });
    await close(id);
  });
  it('two councils asked for one family have ids that have nothing to do with each other, and see each its own', async () => {
    const [here, there] = [await ask(), await ask(first, OXFORD)];
    expect(Math.abs(Number(key(here)) - Number(key(there)))).toBeGreaterThan(1_000);
    expect((await read('housingDesk', here)).body.data.node.id).toBe(here);
    const foreign = await read(oxfordDesk, here);
    const never = await read(oxfordDesk, encodeId('HousingNeed', 123_456_789));
    expect(foreign.text).toBe(never.text);
    expect(foreign.body.data.node).toBeNull();
    const list = (await server.ask(oxfordDesk, '{ housingNeeds { nodes { id } totalCount { value } } }')).body.data.housingNeeds;
    expect(list).toEqual({ nodes: [{ id: there }], totalCount: { value: 1 } });
    const words = async (need: string) => JSON.stringify(await does(oxfordDesk, 'answerHousingNeed', offered(need)));
    expect(await words(here)).toBe(await words(encodeId('HousingNeed', 123_456_789)));
    await close(here);
    await close(there);
  });
  it('of a restricted family it is asked by the named users, and reads to the council as any other', async () => {
    await owner.query('update fsp.family set restricted = true where id = 2');
    await owner.query(`insert into fsp.sealed_user (organisation, subject) values (1, 'grace.whitlock') on conflict do nothing`);
    const person = encodeId('Person', storyPerson(2, 'mother'));
    const of = { family: encodeId('Family', 2), person };
    const hidden = await does(FRONT_DOOR, 'askForHousing', asking(of));
    expect(hidden.userErrors).toMatchObject([{ code: 'NOT_FOUND', path: ['family'] }]);
    const sealed = await sqlAs('occ', true, url);
    const { rows } = await sealed.query(
      `insert into fsp.housing_need (sender, addressee, need, within, week) values (1, $1, 'move', 'now', $2) returning id`,
      [organisationId('cherwell-housing'), mondayOf(now)],
    );
    const id = rows[0].id;
    await sealed.query('insert into fsp.housing_origin (need, family, person, controller) values ($1, 2, $2, 1)', [id, key(person)]);
    const daily = await sqlAs('occ', false, url);
    expect((await daily.query('select id from fsp.housing_need where id = $1', [id])).rows).toEqual([]);
    expect((await desk.query('select id from fsp.housing_need where id = $1', [id])).rows).toHaveLength(1);
    // What the council answers is there for the named users, and for nobody else of the county.
    const answer = await offer(encodeId('HousingNeed', id));
    expect((await daily.query('select id from fsp.housing_answer where id = $1', [key(answer)])).rows).toEqual([]);
    expect((await sealed.query('select id from fsp.housing_answer where id = $1', [key(answer)])).rows).toHaveLength(1);
    const refused = await does(FRONT_DOOR, 'acceptHousingOffer', accepted(answer));
    const unknown = await does(FRONT_DOOR, 'acceptHousingOffer', accepted(encodeId('HousingAnswer', 99_999_999)));
    expect(refused).toEqual(unknown);
    await Promise.all([sealed.end(), daily.end()]);
    await owner.query('delete from fsp.housing_answer where need = $1', [id]);
    await owner.query('delete from fsp.housing_origin where need = $1', [id]);
    await owner.query('delete from fsp.housing_need where id = $1', [id]);
    await owner.query('update fsp.family set restricted = false where id = 2');
  });
  it('nobody but the county reads whose need it is, whatever a decision opens', async () => {
    const id = await ask();
    await owner.query(
      `update fsp.family_grant set shared = 9223372036854775807 where family = 1 and login in (select l.id from fsp.login l join fsp.organisation o on o.id = l.organisation where o.agency <> 'LA')`,
    );
    for (const code of ['cherwell-housing', 'team-07', 'oxford-health', 'turning-point', 'thames-valley-police', 'school-tansy-bridge']) {
      const client = await sqlAs(code, false, url);
      const origin = await client.query('select * from fsp.housing_origin').catch((error) => ({ rows: [], code: error.code }));
      expect(origin.rows, code).toEqual([]);
      const needs = await client.query('select id from fsp.housing_need').catch((error) => ({ rows: [], code: error.code }));
      if (code !== 'cherwell-housing') expect(needs.rows, code).toEqual([]);
      await client.end();
    }
    const mine = (await read('socialWorker', id)).body.data.node;
    expect(mine).toMatchObject({ family: { id: family }, person: { id: mother } });
    await close(id);
  });
  it('the council’s login writes no introduction, no need, no answer to another’s, and changes no need', async () => {
    const [here, there] = [await ask(), await ask(first, OXFORD)];
    const answer = await offer(here);
    const us = organisationId('cherwell-housing');
    const introduction = `insert into fsp.housing_introduction (answer, need, sender, addressee, about_family, about_person, involvement, agreed_on, contact_agreed, introduced_on)
      values ($1, $2, $3, $4, 1, 1, 1, current_date, true, current_date)`;
    await expect(desk.query(introduction, [key(answer), key(here), 1, us])).rejects.toMatchObject({ code: '42501' });
    await expect(desk.query(introduction, [key(answer), key(here), us, us])).rejects.toMatchObject({ code: '42501' });
    await expect(
      desk.query(`insert into fsp.housing_need (sender, addressee, need, within, week) values ($1, $1, 'move', 'now', current_date)`, [us]),
    ).rejects.toMatchObject({ code: '42501' });
    const to = (need: string) =>
      desk.query(
        `insert into fsp.housing_answer (need, sender, addressee, status, answered_on) values ($1, $2, 1, 'WAITING', current_date)`,
        [key(need), us],
      );
    // Another council's need and one that never was are refused in the same words.
    const [foreign, never] = await Promise.all(
      [there, encodeId('HousingNeed', 123_456_789)].map((need) => to(need).then(String, (error) => `${error.code} ${error.message}`)),
    );
    expect(foreign).toBe(never);
    expect(foreign).toContain('23503');
    await expect(desk.query(`update fsp.housing_need set status = 'ACCEPTED' where id = $1`, [key(here)])).rejects.toMatchObject({
      code: '42501',
    });
    // It may say of its own answer what it likes: nobody is introduced by it.
    await desk.query(`update fsp.housing_answer set status = 'ACCEPTED' where id = $1`, [key(answer)]);
    expect((await read('housingDesk', here)).body.data.node).toMatchObject({ introduction: null, family: null, person: null });
    await close(here);
    await close(there);
  });
});

describe('when an offer is accepted', () => {
  const unknown = { family: '', person: '' };
  beforeAll(async () => {
    // A family that the council does not know, and whose team does not bar the front door.
    const { rows } = await owner.query(
      `select h.family, m.person from fsp.household h join fsp.household_member m on m.household = h.id join fsp.person_identity i on i.person = m.person
       where h.district = 'E07000177' and h.family > 3 and i.date_of_birth < '2000-01-01'
         and not exists (select from fsp.family_grant g join fsp.login l on l.id = g.login where g.family = h.family and l.organisation = $1)
       order by 1, 2 limit 1`,
      [organisationId('cherwell-housing')],
    );
    unknown.family = encodeId('Family', rows[0].family);
    unknown.person = encodeId('Person', rows[0].person);
  });

  it('the council learns who it is, and loses sight of them when it ends', async () => {
    const need = await ask(unknown);
    expect((await does(FRONT_DOOR, 'askForHousing', asking(unknown))).userErrors).toMatchObject([{ rule: 'HOUSING_ASKED' }]);
    const answer = await offer(need);
    const family = async () =>
      (await server.ask('housingDesk', 'query($id: ID!) { family(id: $id) { id members { person { id } } } }', { id: unknown.family })).body
        .data.family;
    expect(await family()).toBeNull();
    const { row, userErrors } = await does(FRONT_DOOR, 'acceptHousingOffer', accepted(answer), 'status need { status }');
    expect(userErrors).toEqual([]);
    expect(row).toEqual({ status: 'ACCEPTED', need: { status: 'ACCEPTED' } });
    const shown = (await read('housingDesk', need)).body.data.node;
    expect(shown).toMatchObject({ status: 'ACCEPTED', family: null, person: null, introduction: { agreed: now, introduced: now } });
    expect(shown.introduction.person.id).toBe(unknown.person);
    expect((await family()).id).toBe(unknown.family);
    // The other council, and the other desks of this one, learn nothing of it.
    for (const client of ['oxford-housing-desk', 'cherwell-leisure-desk', 'cherwell-safety-desk'])
      expect((await read({ client, purpose: 'EARLY_HELP' }, need)).body.data.node).toBeNull();
    const taken = await does('housingDesk', 'recordHousingAnswer', { answer, expectedVersion: 2, status: 'TAKEN_UP' });
    expect(taken.row).toMatchObject({ status: 'TAKEN_UP' });
    const unsaid = await does('housingDesk', 'recordHousingAnswer', { answer, expectedVersion: 3, status: 'ENDED' });
    expect(unsaid.userErrors).toMatchObject([{ path: ['reason'] }]);
    await does('housingDesk', 'recordHousingAnswer', { answer, expectedVersion: 3, status: 'ENDED', reason: 'need-met' });
    expect(await family()).toBeNull();
    const after = (await read('housingDesk', need)).body.data.node;
    expect(after).toMatchObject({ status: 'ENDED', introduction: { person: null, family: null } });
  });
  it('of two askings of one council at once one stands', async () => {
    const asked = await Promise.all([1, 2, 3, 4].map(() => does(FRONT_DOOR, 'askForHousing', asking(first))));
    const made = asked.filter(({ row }) => row);
    expect(made).toHaveLength(1);
    for (const { row, userErrors } of asked) if (!row) expect(userErrors).toMatchObject([{ rule: 'HOUSING_ASKED' }]);
    await close(made[0]?.row.id);
  });
  it('of two acceptances at once one stands', async () => {
    const need = await ask(unknown);
    const answers = [await offer(need), await offer(need), await offer(need)];
    const results = await Promise.all(answers.map((answer) => does(FRONT_DOOR, 'acceptHousingOffer', accepted(answer))));
    expect(results.filter(({ row }) => row?.status === 'ACCEPTED')).toHaveLength(1);
    for (const { row, userErrors } of results) if (!row) expect(userErrors).toMatchObject([{ rule: 'HOUSING_STEP' }]);
    const { rows } = await owner.query('select count(*)::int as n from fsp.housing_introduction where need = $1', [key(need)]);
    expect(rows[0].n).toBe(1);
    await close(need);
    const { rows: open } = await owner.query(
      `select count(*)::int as n from fsp.involvement i where i.organisation = $1 and i.family = $2 and i.until is null`,
      [organisationId('cherwell-housing'), key(unknown.family)],
    );
    expect(open[0].n).toBe(0);
  });
  it('is refused without agreement, too late, of what is no offer, and to those whose act it is not', async () => {
    const need = await ask(unknown);
    const waiting = await does('housingDesk', 'answerHousingNeed', { need, answer: 'WAITING' });
    expect((await does(FRONT_DOOR, 'acceptHousingOffer', accepted(waiting.row.id))).userErrors).toMatchObject([{ rule: 'HOUSING_STEP' }]);
    const answer = await offer(need);
    const { agreed: _, ...without } = accepted(answer);
    expect((await does(FRONT_DOOR, 'acceptHousingOffer', without)).errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
    await owner.query(`update fsp.housing_answer set held_until = current_date - 1 where id = $1`, [key(answer)]);
    expect((await does(FRONT_DOOR, 'acceptHousingOffer', accepted(answer))).userErrors).toMatchObject([{ rule: 'HOUSING_HELD' }]);
    for (const who of ['housingDesk', 'teamSpecialist', 'provider', 'police'] as const)
      expect((await does(who, 'acceptHousingOffer', accepted(answer))).errors?.[0].extensions).toMatchObject({
        reason: 'NOT_YOURS_TO_WRITE',
      });
    const refused = await does(FRONT_DOOR, 'refuseHousingOffer', { answer, expectedVersion: 1, reason: 'not-safe' });
    expect(refused.row).toMatchObject({ status: 'REFUSED' });
    expect((await read('housingDesk', need)).body.data.node).toMatchObject({ introduction: null });
    await close(need);
    expect((await does('housingDesk', 'answerHousingNeed', offered(need))).userErrors).toMatchObject([{ rule: 'HOUSING_STEP' }]);
  });
  it('is asked of housing desks alone', async () => {
    for (const code of ['cherwell-leisure', 'cherwell', 'turning-point', 'connections-support'])
      expect(
        (await does(FRONT_DOOR, 'askForHousing', asking(unknown, encodeId('Organisation', organisationId(code))))).userErrors,
      ).toMatchObject([{ code: 'NOT_FOUND', path: ['council'] }]);
  });
});

describe('the rules', () => {
  it('weeks begin on Mondays', () => {
    expect(['2026-11-16', '2026-11-22', '2026-11-23', '2027-01-01'].map(mondayOf)).toEqual([
      '2026-11-16',
      '2026-11-16',
      '2026-11-23',
      '2026-12-28',
    ]);
  });
  it('an answer offers something, or does not', () => {
    const faults = (input: object) =>
      checkAnswer({ need: 'x', answer: 'OFFERED', ...input } as never, '2026-11-20').map(({ path }) => path[0]);
    expect(faults({ kind: 'temporary', heldUntil: '2026-11-20' })).toEqual([]);
    expect(faults({ heldUntil: '2026-11-19', bedrooms: 13, note: ' ' })).toEqual(['note', 'kind', 'heldUntil', 'bedrooms']);
    expect(faults({ answer: 'DECLINED', kind: 'temporary' })).toEqual(['kind', 'reason']);
    expect(faults({ answer: 'WAITING' })).toEqual([]);
  });
  it('goes forward alone', () => {
    const steps = ['TAKEN_UP', 'WITHDRAWN', 'ENDED'] as const;
    const from = (status: never) => steps.filter((step) => checkStep(step, status, 'other').length === 0).join(' ');
    expect(
      ['OFFERED', 'WAITING', 'ACCEPTED', 'TAKEN_UP', 'REFUSED', 'WITHDRAWN', 'ENDED', 'DECLINED'].map((status) => from(status as never)),
    ).toEqual(['WITHDRAWN', 'WITHDRAWN', 'TAKEN_UP WITHDRAWN ENDED', 'ENDED', '', '', '', '']);
    const at = { status: 'OFFERED', heldUntil: '2026-11-20', need: 'OPEN' } as const;
    const day = new Date('2026-11-20T12:00:00Z');
    expect(checkAcceptance({ agreed: '2026-11-20' }, at, day, '2026-11-20')).toEqual([]);
    expect(checkAcceptance({ agreed: '2026-11-21' }, { ...at, need: 'ENDED' }, day, '2026-11-20')).toHaveLength(2);
  });
});

/** Every scalar of a type, and of every list of its own the type's name: what is there, and how many. */
function scalarsAndLists(name: 'Family' | 'Person'): string {
  const type = schema.getType(name) as GraphQLObjectType;
  return Object.values(type.getFields())
    .filter((each) => each.args.length === 0 && !['withheld', 'housingNeeds', 'chronology'].includes(each.name))
    .map((each) => {
      const inner = String(each.type).replace(/[[\]!]/g, '');
      const of = schema.getType(inner);
      return of instanceof GraphQLObjectType ? `${each.name} { __typename }` : 'getTypes' in (of ?? {}) ? '' : each.name;
    })
    .join(' ');
}
