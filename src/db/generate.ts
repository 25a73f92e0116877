/** Generated families of a realistic shape, and the writer of whole families that the demonstration shares. */
import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import districtFile from '../../reference/oxfordshire/districts.json' with { type: 'json' };
import programmeFile from '../../reference/oxfordshire/programmes.json' with { type: 'json' };
import serviceFile from '../../reference/oxfordshire/services.json' with { type: 'json' };
import { AGREEMENT_VERSION, type Stage } from '../access/agreement.ts';
import { maskOf, type PersonalClass } from '../access/classes.ts';
import { serviceOffer, serviceOfferLink } from '../modules/district/tables.ts';
import {
  family,
  familyName,
  familyStage,
  household,
  householdMember,
  involvement,
  membership,
  relationship,
  unbornMembership,
} from '../modules/family/tables.ts';
import { intervention, interventionLink, interventionProgress } from '../modules/intervention/tables.ts';
import { person, personEquality, personExpected, personIdentity, personNhsNumber, personUpn } from '../modules/person/tables.ts';
import { plan, planCategory, planReview } from '../modules/plan/tables.ts';
import { sharingDecision } from '../modules/sharing/ledger.ts';
import {
  workbookChildWords,
  workbookEntry,
  workbookEntryPerson,
  workbookParentWords,
  workbookReading,
} from '../modules/workbook/tables.ts';
import { inTeam, organisationId, organisationsOf, PRACTITIONERS, type Practitioner } from './personas.ts';

/** The tables that a family's record is spread over, in the order in which they are written. */
const TABLES = {
  person,
  family,
  familyStage,
  personIdentity,
  personExpected,
  personNhsNumber,
  personUpn,
  personEquality,
  familyName,
  membership,
  unbornMembership,
  relationship,
  household,
  householdMember,
  plan,
  planCategory,
  planReview,
  intervention,
  interventionLink,
  interventionProgress,
  workbookEntry,
  workbookEntryPerson,
  workbookReading,
  workbookChildWords,
  workbookParentWords,
  serviceOffer,
  serviceOfferLink,
  sharingDecision,
  involvement,
};

type Tables = typeof TABLES;

/** Everything that is written about one family, table by table. */
export type FamilyRows = { [T in keyof Tables]: Tables[T]['$inferInsert'][] };

export function noRows(): FamilyRows {
  return Object.fromEntries(Object.keys(TABLES).map((name) => [name, []])) as unknown as FamilyRows;
}

/** A stable id: the n-th row (below 100) of a table about a family. */
export const rowId = (familyId: number, n: number) => familyId * 100 + n;

/**
 * The NHS number with these six digits in the range 999, which is kept for tests; null where the check digit (modulus
 * 11) would be 10, because such a number is never issued.
 */
export function nhsNumber(sixDigits: number): string | null {
  const digits = `999${String(sixDigits).padStart(6, '0')}`;
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (10 - index), 0);
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? null : `${digits}${check}`;
}

const CHECK_LETTERS = 'ABCDEFGHJKLMNPQRTUVWXYZ';

/** The unique pupil number with these nine digits, of local authority 931 (Oxfordshire), with its check letter. */
export function upn(nineDigits: number): string {
  const digits = `931${String(nineDigits).padStart(9, '0')}`;
  const sum = [...digits].reduce((total, digit, index) => total + Number(digit) * (index + 2), 0);
  return `${CHECK_LETTERS[sum % 23]}${digits}`;
}

/** A property reference number that no property has. */
export const uprn = (householdId: number) => `999${String(householdId).padStart(9, '0')}`;

const services = new Map(serviceFile.entries.map((entry) => [entry.code, entry]));
const programmes = new Map(programmeFile.entries.map((entry) => [entry.code, entry]));

/** A service of the directory as an offer's link needs it. */
export function serviceLink(code: string, offeredBy: number): { service: number; provider: number; rowMask: number } {
  const entry = services.get(code);
  if (!entry) throw new Error(`There is no service ${code}.`);
  return {
    service: entry.id,
    provider: entry.kind === 'leisure' ? offeredBy : organisationId(entry.organisation),
    rowMask: mask(entry.dataClass as PersonalClass),
  };
}

/** A programme of the catalogue as an intervention's link needs it. */
export function programmeLink(code: string): { programme: number; rowMask: number } {
  const entry = programmes.get(code);
  if (!entry) throw new Error(`There is no programme ${code}.`);
  return { programme: entry.id, rowMask: mask(entry.dataClass as PersonalClass) };
}

const mask = (...classes: PersonalClass[]) => Number(maskOf(classes));

const TELLING: Record<string, PersonalClass> = {
  'turning-point': 'CLINICAL',
  'oxfordshire-mind': 'CLINICAL',
  'elmore-victims': 'VICTIM',
  'elmore-perpetrators': 'OFFENCE',
};

/** The classes that naming an organisation tells about the person it works with. */
export function involvementMask(organisation: string): number {
  const tells = TELLING[organisation];
  return tells ? mask(tells) : 0;
}

// Writing

/** A value as an element of PostgreSQL's array literal. */
function element(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  const text = value instanceof Date ? value.toISOString() : Array.isArray(value) ? literal(value) : String(value);
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

const literal = (values: unknown[]): string => `{${values.map(element).join(',')}}`;

/** Inserts rows as one statement, with one array for each column; an array's arrays travel as text, as unnest flattens. */
async function insertRows(client: pg.Client, table: PgTable, rows: Record<string, unknown>[]): Promise<void> {
  const columns = Object.entries(getTableColumns(table)).filter(([key]) => rows.some((row) => row[key] !== undefined));
  const names = columns.map(([, column]) => `"${column.name}"`).join(', ');
  const types = columns.map(([, column]) => column.getSQLType());
  const parameters = types.map((type, index) => `$${index + 1}::${type.endsWith('[]') ? 'text' : type}[]`).join(', ');
  const selected = columns.map(([, column], index) => {
    const type = types[index] as string;
    return type.endsWith('[]') ? `u."${column.name}"::${type}` : `u."${column.name}"`;
  });
  await client.query(
    `insert into fsp.${getTableName(table)} (${names}) select ${selected.join(', ')} from unnest(${parameters}) as u (${names})`,
    columns.map(([key]) => literal(rows.map((row) => row[key]))),
  );
}

/** Above some hundreds of families the time that their grants take grows faster than their number. */
const GRANTS_AT_ONCE = 400;

/**
 * Writes whole families within the caller's transaction, as the database's owner. The grants are made once at the end
 * instead of after each statement.
 */
export async function writeFamilies(client: pg.Client, families: FamilyRows[]): Promise<void> {
  await client.query("select set_config('fsp.defer_grants', 'on', true)");
  for (const name of Object.keys(TABLES) as (keyof Tables)[]) {
    const rows = families.flatMap((rowsOfFamily) => rowsOfFamily[name] as Record<string, unknown>[]);
    if (rows.length > 0) await insertRows(client, TABLES[name], rows);
  }
  await client.query("select set_config('fsp.defer_grants', 'off', true)");
  const ids = families.flatMap((rowsOfFamily) => rowsOfFamily.family.map(({ id }) => id));
  for (let from = 0; from < ids.length; from += GRANTS_AT_ONCE) {
    await client.query('select fsp.rebuild_grants($1::bigint[])', [literal(ids.slice(from, from + GRANTS_AT_ONCE))]);
  }
}

/** Puts the identity sequences behind the ids that were written. */
export async function advanceSequences(client: pg.Client): Promise<void> {
  for (const table of Object.values(TABLES)) {
    const column = getTableColumns(table) as Record<string, { generatedIdentity?: unknown }>;
    if (!column.id?.generatedIdentity) continue;
    const name = `fsp.${getTableName(table)}`;
    await client.query(`select setval(pg_get_serial_sequence('${name}', 'id'), greatest((select max(id) from ${name}), 1))`);
  }
}

// Generating

/** A small generator of numbers (mulberry32): the same family from the same seed, in whatever order. */
function randomFrom(seed: number, familyId: number) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(familyId, 0x85ebca6b)) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x100000000;
  };
  return {
    /** A whole number from `low` to `high`, both included. */
    between: (low: number, high: number) => low + Math.floor(next() * (high - low + 1)),
    chance: (probability: number) => next() < probability,
    pick: <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T,
    /** A value by its weight. */
    weighted: <T extends string>(weights: Record<T, number>): T => {
      const entries = Object.entries(weights) as [T, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [value, weight] of entries) {
        left -= weight;
        if (left < 0) return value;
      }
      return (entries[0] as [T, number])[0];
    },
  };
}

type Random = ReturnType<typeof randomFrom>;

/** The day on which generated families stand; nothing in them is later. */
const TODAY = Date.UTC(2026, 10, 1);
const DAY = 86_400_000;

const day = (offset: number) => new Date(TODAY + offset * DAY).toISOString().slice(0, 10);
const moment = (offset: number, hour = 9, minute = 0) => new Date(TODAY + offset * DAY + hour * 3_600_000 + minute * 60_000);

const STAGE_WEIGHTS: Record<Stage, number> = {
  EARLY_HELP: 12,
  ASSESSMENT: 14,
  CHILD_IN_NEED: 28,
  STRATEGY_DISCUSSION: 4,
  SECTION_47: 6,
  CHILD_PROTECTION: 16,
  PRE_PROCEEDINGS: 4,
  LOOKED_AFTER: 8,
  CLOSED: 8,
};
const POLICE_STAGES: Stage[] = ['STRATEGY_DISCUSSION', 'SECTION_47', 'CHILD_PROTECTION', 'PRE_PROCEEDINGS', 'LOOKED_AFTER'];

/** Kind of plan and whether it is still open, by stage; the last is the newest. */
const PLANS: Record<Stage, [kind: string, open: boolean][]> = {
  EARLY_HELP: [['EARLY_HELP', true]],
  ASSESSMENT: [['EARLY_HELP', false]],
  CHILD_IN_NEED: [['CHILD_IN_NEED', true]],
  STRATEGY_DISCUSSION: [['CHILD_IN_NEED', true]],
  SECTION_47: [['CHILD_IN_NEED', true]],
  CHILD_PROTECTION: [
    ['CHILD_IN_NEED', false],
    ['CHILD_PROTECTION', true],
  ],
  PRE_PROCEEDINGS: [
    ['CHILD_PROTECTION', true],
    ['PRE_PROCEEDINGS', true],
  ],
  LOOKED_AFTER: [
    ['CHILD_PROTECTION', false],
    ['LOOKED_AFTER', true],
  ],
  CLOSED: [['CHILD_IN_NEED', false]],
};

const SURNAMES =
  'Abery Baxendale Calloway Dashwood Eastbrook Fenner Garland Hibbert Iveson Jarrold Kirkbride Lovegrove Mabey Nettleton Oakden Paxman Quaife Rudge Sheldrake Tolley Upjohn Varley Wragg Yelland Adeyemi Begum Costa Dhillon Farah Haque Ionescu Khan Lewandowski Mensah Nowak Patel Rahman Silva Tesfaye Wong'.split(
    ' ',
  );
const WOMEN =
  'Abigail Becky Chantelle Donna Emma Frances Gemma Hayley Isla Jodie Kirsty Lauren Michaela Nadia Paige Roxanne Shannon Tara Vicky Zainab Aisha Beata Ming Oluchi'.split(
    ' ',
  );
const MEN =
  'Aaron Ben Carl Darren Elliot Frank Gavin Harry Ian Jamie Kyle Lee Mark Nick Oliver Paul Ryan Scott Tony Wayne Ahmed Chidi Piotr Rajan'.split(
    ' ',
  );
const GIRLS = 'Amelia Bella Chloe Daisy Eva Freya Grace Holly Ivy Jasmine Kiera Lily Maya Nora Ruby Sofia Tilly Willow Zara Amina'.split(
  ' ',
);
const BOYS =
  'Alfie Bobby Charlie Dylan Ethan Finley George Harvey Isaac Jack Kai Logan Mason Noah Oscar Reuben Stanley Theo Tyler Yusuf'.split(' ');
const ROADS =
  'Alder Bramble Cowslip Damson Elder Foxglove Gorse Hazel Ivy Juniper Lavender Mallow Nettle Orchard Primrose Rowan Sorrel Teasel Willow Yarrow'.split(
    ' ',
  );
const ROAD_KINDS = ['Close', 'Road', 'Way', 'Lane', 'Court', 'Gardens'];

/** Towns by district, with the outward part of their postcodes. */
const TOWNS: Record<string, [town: string, outward: string][]> = {
  E07000177: [
    ['Banbury', 'OX16'],
    ['Bicester', 'OX26'],
    ['Kidlington', 'OX5'],
  ],
  E07000178: [
    ['Oxford', 'OX3'],
    ['Oxford', 'OX4'],
    ['Oxford', 'OX2'],
  ],
  E07000179: [
    ['Didcot', 'OX11'],
    ['Thame', 'OX9'],
    ['Henley-on-Thames', 'RG9'],
  ],
  E07000180: [
    ['Abingdon', 'OX14'],
    ['Wantage', 'OX12'],
    ['Faringdon', 'SN7'],
  ],
  E07000181: [
    ['Witney', 'OX28'],
    ['Carterton', 'OX18'],
    ['Chipping Norton', 'OX7'],
  ],
};
const COUNCILS: Record<string, string> = {
  E07000177: 'cherwell',
  E07000178: 'oxford',
  E07000179: 'south-oxfordshire',
  E07000180: 'vale-of-white-horse',
  E07000181: 'west-oxfordshire',
};
const DISTRICT_WEIGHTS: Record<string, number> = { E07000177: 25, E07000178: 28, E07000179: 18, E07000180: 16, E07000181: 13 };
const LEISURE_DISTRICT = 'E07000181';

const ETHNICITY_WEIGHTS = { WBRI: 70, WOTH: 8, AIND: 2, APKN: 4, ABAN: 2, AOTH: 2, BAFR: 4, BCRB: 2, MWBC: 3, MWAS: 2, CHNE: 1, NOBT: 4 };

const districtCodes = districtFile.entries.map(({ code }) => code);
const byDistrict = <T>(of: (district: string) => T): Record<string, T> => Object.fromEntries(districtCodes.map((code) => [code, of(code)]));
const TEAMS_OF = byDistrict((code) => organisationsOf('TEAM', code));
const SCHOOLS_OF = byDistrict((code) => organisationsOf('EDUCATION', code));
const SERVICES_OF = byDistrict((code) =>
  serviceFile.entries.filter(({ district }) => district === code || district === null).map((s) => s.code),
);
const SOCIAL_WORKERS = new Map(organisationsOf('TEAM').map((code) => [code, inTeam(code, 'social-worker')]));
const FAMILY_WORKERS = new Map(organisationsOf('TEAM').map((code) => [code, inTeam(code, 'family-support', 'social-worker')]));

type Adult = { id: number; role: string; sex: 'F' | 'M'; given: string; surname: string; age: number };
type Child = { id: number; age: number };

/** What the parts of a family's record are written from. */
type Context = {
  id: number;
  random: Random;
  rows: FamilyRows;
  stage: Stage;
  district: string;
  council: string;
  team: string;
  lead: Practitioner;
  /** Days before today when the work began. */
  since: number;
  adults: Adult[];
  kin: Adult | null;
  children: Child[];
  county: number;
  teamId: number;
};

const ADULT_SHAPES = { 'mother father': 55, mother: 18, 'mother stepfather': 14, 'mother partner': 8, father: 5 };

/** How many people of one family can have an NHS number: six digits are shared by all families. */
const NHS_SLOTS = 4;
/** Six-digit parts of NHS numbers from here on are kept for people of the told stories. */
export const NHS_RESERVED = 990_000;

function writePerson(
  c: Context,
  id: number,
  n: number,
  who: { given: string; surname: string; sex: string; born: string; school: boolean },
) {
  const { rows, random, county: controller } = c;
  rows.person.push({ id, controller });
  rows.personIdentity.push({ person: id, controller, givenName: who.given, familyName: who.surname, dateOfBirth: who.born, sex: who.sex });
  const slot = c.id * NHS_SLOTS + n;
  const number = n < NHS_SLOTS && slot < NHS_RESERVED ? nhsNumber(slot) : null;
  if (number) rows.personNhsNumber.push({ person: id, controller, nhsNumber: number });
  if (who.school) rows.personUpn.push({ person: id, controller, upn: upn(id) });
  if (random.chance(0.9)) rows.personEquality.push({ person: id, controller, ethnicity: random.weighted(ETHNICITY_WEIGHTS) });
}

/** Children come first, so that they are the ones who have an NHS number. */
function writePeople(c: Context): void {
  const { id, random, rows, county: controller } = c;
  const surname = random.pick(SURNAMES);
  rows.familyName.push({ family: id, controller, reference: `FSP-${String(id).padStart(7, '0')}`, name: surname });
  let n = 0;
  const member = (personId: number, role: string) => {
    rows.membership.push({ id: rowId(id, n), family: id, person: personId, controller, role, from: day(-c.since), until: null });
  };
  const childCount = Number(random.weighted({ '1': 30, '2': 36, '3': 22, '4': 12 }));
  for (let index = 0; index < childCount; index++) {
    const girl = random.chance(0.5);
    const age = random.between(0, 16);
    const personId = rowId(id, n);
    const given = random.pick(girl ? GIRLS : BOYS);
    writePerson(c, personId, n, {
      given,
      surname,
      sex: girl ? 'F' : 'M',
      born: day(-age * 365 - random.between(1, 360)),
      school: age >= 5,
    });
    member(personId, 'child');
    c.children.push({ id: personId, age });
    n++;
  }
  const grown = (role: string, age: number): Adult => {
    const sex = role === 'mother' || role === 'grandmother' || role === 'aunt' ? 'F' : 'M';
    const given = random.pick(sex === 'F' ? WOMEN : MEN);
    const adult: Adult = {
      id: rowId(id, n),
      role,
      sex,
      given,
      surname: role === 'father' || random.chance(0.5) ? surname : random.pick(SURNAMES),
      age,
    };
    writePerson(c, adult.id, n, { given, surname: adult.surname, sex, born: day(-age * 365 - random.between(1, 360)), school: false });
    member(adult.id, role);
    n++;
    return adult;
  };
  const eldest = Math.max(...c.children.map(({ age }) => age));
  for (const role of random.weighted(ADULT_SHAPES).split(' ')) c.adults.push(grown(role, eldest + random.between(18, 32)));
  if (c.stage === 'LOOKED_AFTER' || c.stage === 'PRE_PROCEEDINGS' || random.chance(0.08)) {
    c.kin = random.chance(0.6) ? grown('grandmother', eldest + random.between(42, 55)) : grown('aunt', eldest + random.between(20, 35));
  }
}

function writeHouseholds(c: Context): void {
  const { id, random, rows, county: controller } = c;
  const since = c.since + random.between(30, 2000);
  let members = 0;
  const move = (householdId: number, personId: number, from: number, until: number | null) => {
    const period = { from: day(-from), until: until === null ? null : day(-until) };
    rows.householdMember.push({ id: rowId(id, members++), household: householdId, family: id, person: personId, controller, ...period });
  };
  const home = (n: number): number => {
    const [town, outward] = random.pick(TOWNS[c.district] as [string, string][]);
    const householdId = rowId(id, n);
    // No postcode ends in these letters, so that none of these addresses is somebody's.
    const postcode = `${outward} ${random.between(1, 9)}${random.pick(['CV', 'IK', 'MO', 'OK', 'VC'])}`;
    const address = `${random.between(1, 140)} ${random.pick(ROADS)} ${random.pick(ROAD_KINDS)}, ${town}`;
    rows.household.push({
      id: householdId,
      family: id,
      controller,
      address,
      postcode,
      uprn: uprn(householdId),
      district: c.district,
      from: day(-since),
      until: null,
    });
    return householdId;
  };
  const first = home(0);
  const awayWithKin = c.kin !== null && c.stage === 'LOOKED_AFTER';
  const parted = c.adults.length > 1 && c.kin === null && random.chance(0.4);
  for (const [index, adult] of c.adults.entries()) {
    move(first, adult.id, since, parted && index === 1 ? c.since : null);
  }
  for (const child of c.children) move(first, child.id, Math.min(since, child.age * 365 + 1), awayWithKin ? Math.floor(c.since / 2) : null);
  if (parted) move(home(1), (c.adults[1] as Adult).id, c.since, null);
  if (c.kin) {
    const second = home(1);
    move(second, c.kin.id, since, null);
    if (awayWithKin) for (const child of c.children) move(second, child.id, Math.floor(c.since / 2), null);
  }
}

function writePlans(c: Context): void {
  const { id, random, rows, county: controller } = c;
  const kinds = PLANS[c.stage];
  let reviews = 0;
  for (const [index, [kind, open]] of kinds.entries()) {
    const started = Math.max(c.since - 20 - index * 90, 10);
    const ended = open ? null : Math.max(started - 80, 5);
    const child = random.pick(c.children);
    const row = { family: id, person: child.id, controller };
    const planId = rowId(id, index);
    rows.plan.push({
      id: planId,
      ...row,
      kind,
      status: open ? 'OPEN' : 'ENDED',
      started: day(-started),
      ended: ended === null ? null : day(-ended),
      nextReviewDue: open ? day(random.between(7, 150)) : null,
    });
    if (kind === 'CHILD_PROTECTION') {
      rows.planCategory.push({ plan: planId, ...row, category: random.weighted({ NEG: 48, EMO: 36, PHY: 8, SAB: 4, MUL: 4 }) });
    }
    for (let due = started - 70; due > (ended ?? 0) && reviews < 6; due -= 90) {
      const outcome = random.pick(['The plan goes on.', 'The plan goes on; there is progress.', 'The plan goes on with changes.']);
      rows.planReview.push({
        id: rowId(id, reviews++),
        plan: planId,
        ...row,
        due: day(-due),
        held: day(-due + random.between(0, 5)),
        outcome,
      });
    }
  }
}

type Programme = { code: string; of: 'adult' | 'child' | 'kin' | 'victim' | 'perpetrator'; provider: string | null; specialist?: string };

/** Whom a programme is for and who gives it; no provider: the team itself. */
const PROGRAMMES: Programme[] = [
  { code: 'drug-alcohol-recovery', of: 'adult', provider: 'turning-point', specialist: 'substance-misuse' },
  { code: 'drug-alcohol-testing', of: 'adult', provider: 'turning-point', specialist: 'substance-misuse' },
  { code: 'recovery-groups', of: 'adult', provider: 'turning-point' },
  { code: 'adult-mental-health', of: 'adult', provider: 'oxfordshire-mind', specialist: 'mental-health' },
  { code: 'psychological-assessment', of: 'adult', provider: 'oxford-health' },
  { code: 'domestic-abuse-recovery', of: 'victim', provider: 'elmore-victims', specialist: 'domestic-abuse' },
  { code: 'domestic-abuse-perpetrators', of: 'perpetrator', provider: 'elmore-perpetrators' },
  { code: 'structured-parenting-assessment', of: 'adult', provider: null },
  { code: 'parenting-0-5', of: 'adult', provider: null },
  { code: 'parenting-5-12', of: 'adult', provider: null },
  { code: 'parenting-teenagers', of: 'adult', provider: null },
  { code: 'childrens-resilience', of: 'child', provider: null },
  { code: 'foundations-of-change', of: 'adult', provider: null },
  { code: 'relative-carer-assessment', of: 'kin', provider: null },
  { code: 'homelessness-prevention', of: 'adult', provider: 'connections-support' },
];

/** Neutral words: progress is shown to people who may not know which programme it is. */
const OUTCOMES = [
  'Came to every session.',
  'Stopped coming; may come back.',
  'Reached what was agreed.',
  'Reached part of what was agreed.',
];

type Given = { person: number; provider: string; worker: Practitioner };

function personFor(c: Context, programme: Programme): number | null {
  const [first, second] = c.adults;
  switch (programme.of) {
    case 'child':
      return c.random.pick(c.children).id;
    case 'kin':
      return c.kin?.id ?? null;
    case 'perpetrator':
      return second?.id ?? null;
    case 'victim':
      return second && first ? first.id : null;
    default:
      return c.random.pick(c.adults).id;
  }
}

/** Interventions; gives back which provider works with whom. */
function writeInterventions(c: Context): Given[] {
  const { id, random, rows, county: controller } = c;
  const given: Given[] = [];
  const count = random.between(1, 3);
  const offset = random.between(0, PROGRAMMES.length - 1);
  for (let n = 0, tried = 0; n < count && tried < PROGRAMMES.length; tried++) {
    const programme = PROGRAMMES[(offset + tried * 4) % PROGRAMMES.length] as Programme;
    const personId = personFor(c, programme);
    if (personId === null) continue;
    const provider = programme.provider ?? c.team;
    const bySpecialist = programme.specialist !== undefined && random.chance(0.3);
    const inTheTeam = programme.provider === null || bySpecialist;
    const people = bySpecialist
      ? inTeam(c.team, programme.specialist as string)
      : programme.provider === null
        ? (FAMILY_WORKERS.get(c.team) as Practitioner[])
        : (PRACTITIONERS[provider] as Practitioner[]);
    const worker = random.pick(people);
    const row = { family: id, person: personId, controller, worker: worker.subject };
    const key = rowId(id, n);
    const requested = random.between(20, Math.max(c.since, 21));
    const status = random.weighted({ REQUESTED: 10, WAITING: 12, STARTED: 45, COMPLETED: 25, ENDED_EARLY: 8 });
    const started = status === 'REQUESTED' || status === 'WAITING' ? null : Math.max(requested - 14, 6);
    const ended = status === 'COMPLETED' || status === 'ENDED_EARLY' ? Math.max((started ?? 6) - 100, 2) : null;
    rows.intervention.push({ id: key, ...row });
    rows.interventionLink.push({
      intervention: key,
      ...row,
      ...programmeLink(programme.code),
      provider: organisationId(provider),
      assigned: inTheTeam ? c.teamId : null,
    });
    rows.interventionProgress.push({
      intervention: key,
      ...row,
      status,
      requested: day(-requested),
      started: started === null ? null : day(-started),
      ended: ended === null ? null : day(-ended),
      sessions: started === null ? 0 : random.between(1, 16),
      outcome: ended === null ? null : random.pick(OUTCOMES),
    });
    if (bySpecialist) given.push({ person: personId, provider: c.team, worker });
    if (programme.provider) {
      const own = bySpecialist ? random.pick(PRACTITIONERS[provider] as Practitioner[]) : worker;
      given.push({ person: personId, provider, worker: own });
    }
    n++;
  }
  return given;
}

const MODULES = ['Getting started', 'What I want to change', 'Impact on the children', 'Keeping safe', 'Family plan', 'Looking ahead'];
const BEHAVIOURS = [
  'alcohol',
  'drugs',
  'domestic-abuse',
  'parental-conflict',
  'mental-wellbeing',
  'parenting',
  'home-conditions',
  'boundaries',
  'engagement',
];
const STAGES_OF_CHANGE = ['PRECONTEMPLATION', 'CONTEMPLATION', 'PREPARATION', 'ACTION', 'MAINTENANCE', 'RELAPSE'];
const NARRATIVES = [
  'Talked about what a good day at home looks like, and what gets in the way of it.',
  'Went through the last week day by day; two things went better than before.',
  'Came, though it was hard. We agreed what to try until next time.',
  'Did not want to talk about change today. Listened, and left the door open.',
  'Routines at bedtime hold. School mornings are still rushed.',
  'Visited together. The children showed their drawings of the family.',
  'Looked back at where this began; could name what has changed.',
  'A difficult week. We went over what helped last time.',
];
const CHILD_WORDS = [
  'I like it when nobody shouts.',
  'I want to stay at my school.',
  'Mum plays with me again.',
  'I worry at night.',
  'I want us to go swimming together.',
];
const PARENT_WORDS = [
  'I want them to have it better than I had.',
  'I did not see what it did to them.',
  'Some days I just cannot.',
  'It helps that somebody asks.',
  'I am proud of this week.',
];
const DISCIPLINES = ['mental-health', 'domestic-abuse', 'substance-misuse', 'family-support'];

/** Workbook entries; what a victim tells alone is kept from the person recorded as doing harm. */
function writeWorkbook(c: Context, given: Given[]): void {
  const { id, random, rows } = c;
  const perpetrator = given.find(({ provider }) => provider === 'elmore-perpetrators')?.person;
  const victim = given.find(({ provider }) => provider === 'elmore-victims')?.person;
  const counts = { persons: 0, readings: 0, child: 0, parent: 0 };
  const entries = random.between(3, 9);
  for (let n = 0; n < entries; n++) {
    const byTeam = random.chance(0.4);
    const discipline = byTeam ? random.pick(DISCIPLINES) : 'social-worker';
    const author = byTeam ? random.pick(inTeam(c.team, discipline)) : c.lead;
    const adult = random.pick(c.adults);
    const child = random.chance(0.5) ? random.pick(c.children) : null;
    const told = adult.id === victim && perpetrator !== undefined && random.chance(0.5);
    const keptFrom = told ? [perpetrator as number] : [];
    const entry = rowId(id, n);
    const controller = byTeam ? c.teamId : c.county;
    const own = { family: id, controller, worker: author.subject, keptFrom };
    const at = moment(
      -Math.max(Math.floor((c.since * (entries - n)) / entries) - random.between(0, 6), 1),
      random.between(9, 17),
      random.pick([0, 15, 30, 45]),
    );
    rows.workbookEntry.push({
      id: entry,
      ...own,
      module: MODULES[Math.min(Math.floor((n * MODULES.length) / entries), MODULES.length - 1)] as string,
      discipline,
      sessionType: random.pick(['individual', 'individual', 'family', 'home-visit', 'joint-home-visit', 'group', 'telephone']),
      occurredAt: at,
      author: author.name,
      narrative: random.pick(NARRATIVES),
    });
    rows.workbookEntryPerson.push({ id: rowId(id, counts.persons++), entry, person: adult.id, ...own });
    if (child) rows.workbookEntryPerson.push({ id: rowId(id, counts.persons++), entry, person: child.id, ...own });
    if (random.chance(0.8)) {
      rows.workbookReading.push({
        id: rowId(id, counts.readings++),
        entry,
        person: adult.id,
        ...own,
        behaviour: random.pick(BEHAVIOURS),
        stageOfChange: random.pick(STAGES_OF_CHANGE),
        observedOn: at.toISOString().slice(0, 10),
        capacityForChange: random.chance(0.9) ? Math.min(5, 1 + Math.floor((n * 4) / entries) + random.between(0, 1)) : null,
      });
    }
    if (child && child.age >= 4 && random.chance(0.4)) {
      rows.workbookChildWords.push({ id: rowId(id, counts.child++), entry, person: child.id, ...own, words: random.pick(CHILD_WORDS) });
    }
    if (random.chance(0.25)) {
      rows.workbookParentWords.push({ id: rowId(id, counts.parent++), entry, person: adult.id, ...own, words: random.pick(PARENT_WORDS) });
    }
  }
}

function writeOffers(c: Context): void {
  const { id, random, rows, county: controller } = c;
  const count = random.between(0, 2);
  for (let n = 0; n < count; n++) {
    const offered = random.between(5, Math.max(c.since, 6));
    const status = random.weighted({ OFFERED: 30, TAKEN_UP: 30, DECLINED: 15, COMPLETED: 20, NOT_AVAILABLE: 5 });
    const taken = status === 'TAKEN_UP' || status === 'COMPLETED';
    const personId = random.chance(0.5) ? random.pick(c.adults).id : random.pick(c.children).id;
    const row = { family: id, person: personId, controller, worker: c.lead.subject };
    const key = rowId(id, n);
    rows.serviceOffer.push({
      id: key,
      ...row,
      offeredOn: day(-offered),
      status,
      takenUpOn: taken ? day(-Math.max(offered - 10, 1)) : null,
      outcome: status === 'COMPLETED' ? 'Came to the end of it.' : null,
    });
    rows.serviceOfferLink.push({ offer: key, ...row, ...serviceLink(random.pick(SERVICES_OF[c.district] as string[]), controller) });
  }
}

function writeInvolvements(c: Context, given: Given[], leisureDesk: boolean): void {
  const { id, random, rows, county: controller } = c;
  const until = c.stage === 'CLOSED' ? moment(-3) : null;
  let n = 0;
  const involve = (
    organisation: string,
    role: string,
    worker: Practitioner | null,
    more: { person?: number; lead?: boolean; agreed?: boolean; from?: number } = {},
  ) => {
    rows.involvement.push({
      id: rowId(id, n++),
      family: id,
      person: more.person ?? null,
      controller,
      worker: worker?.subject ?? null,
      rowMask: involvementMask(organisation),
      organisation: organisationId(organisation),
      role,
      practitioner: worker?.name ?? null,
      lead: more.lead ?? false,
      agreed: more.agreed ?? false,
      from: moment(-(more.from ?? c.since)),
      until,
    });
  };
  const someone = (organisation: string) => random.pick(PRACTITIONERS[organisation] as Practitioner[]);
  involve('occ', 'lead-practitioner', c.lead, { lead: true });
  involve(c.team, 'family-team', null);
  involve('oxford-health', 'health-visitor', someone('oxford-health'));
  const school = random.pick(SCHOOLS_OF[c.district] as string[]);
  involve(school, 'school-safeguarding-lead', someone(school));
  if (POLICE_STAGES.includes(c.stage)) involve('thames-valley-police', 'police-officer', someone('thames-valley-police'));
  const seen = new Set<string>();
  for (const { person: personId, provider, worker } of given) {
    const key = `${provider} ${personId}`;
    if (provider === 'oxford-health' || seen.has(key)) continue;
    seen.add(key);
    const role = provider === c.team ? 'adult-facing-practitioner' : 'provider-practitioner';
    involve(provider, role, worker, { person: personId, from: Math.floor(c.since * 0.8) });
  }
  const chooser = (c.adults[0] as Adult).id;
  const agree = (desk: string, role: string) =>
    involve(desk, role, someone(desk), { person: chooser, agreed: true, from: Math.floor(c.since * 0.6) });
  if (random.chance(0.06)) agree(`${c.council}-housing`, 'housing-officer');
  const leisure = c.district === LEISURE_DISTRICT ? leisureDesk : random.chance(0.04);
  if (leisure) agree(`${c.council}-leisure`, 'leisure-officer');
}

/** Few decisions: the agreement is meant to suit most families as it stands. */
function writeDecisions(c: Context): void {
  const { id, random, rows, county: controller } = c;
  if (!random.chance(0.08)) return;
  const withhold = random.chance(0.2);
  const dataClass: PersonalClass = withhold ? 'WHEREABOUTS' : 'PROGRESS';
  rows.sharingDecision.push({
    id: rowId(id, 0),
    family: id,
    person: withhold ? random.pick(c.adults).id : null,
    dataClasses: [dataClass],
    mask: maskOf([dataClass]),
    effect: withhold ? 'WITHHOLD' : 'SHARE',
    organisation: null,
    agency: withhold ? 'EDUCATION' : 'HEALTH',
    gateway: 'CA1989-s17',
    reason: withhold ? 'The parent does not live with the children and asked for it.' : 'Health visitor and team plan the work together.',
    decidedBy: c.lead.subject,
    controller,
    from: moment(-Math.floor(c.since / 2)),
    until: null,
    withdrawnAt: null,
    agreementVersion: AGREEMENT_VERSION,
  });
}

export type GenerateOptions = {
  /** West Oxfordshire's leisure desk works with this family, which then lives there and is not closed. */
  leisureDesk?: boolean;
};

/** One family's record: the same for the same id, seed and options. Ids derive from the family's. */
export function familyRows(id: number, seed: number, { leisureDesk = false }: GenerateOptions = {}): FamilyRows {
  const random = randomFrom(seed, id);
  const drawn = random.weighted(STAGE_WEIGHTS);
  const stage = leisureDesk && drawn === 'CLOSED' ? 'CHILD_IN_NEED' : drawn;
  const home = random.weighted(DISTRICT_WEIGHTS);
  const district = leisureDesk ? LEISURE_DISTRICT : home;
  const team = random.pick(TEAMS_OF[district] as string[]);
  const since = random.between(60, 700);
  const county = organisationId('occ');
  const c: Context = {
    id,
    random,
    rows: noRows(),
    stage,
    district,
    council: COUNCILS[district] as string,
    team,
    lead: random.pick(SOCIAL_WORKERS.get(team) as Practitioner[]),
    since,
    adults: [],
    kin: null,
    children: [],
    county,
    teamId: organisationId(team),
  };
  c.rows.family.push({ id, controller: county, restricted: false });
  const marac = (POLICE_STAGES.includes(stage) || stage === 'CHILD_IN_NEED') && random.chance(0.05);
  c.rows.familyStage.push({ family: id, controller: county, stage, marac, since: moment(-Math.floor(since / 2)) });
  writePeople(c);
  writeHouseholds(c);
  writePlans(c);
  const given = writeInterventions(c);
  writeWorkbook(c, given);
  writeOffers(c);
  writeInvolvements(c, given, leisureDesk);
  writeDecisions(c);
  return c.rows;
}

/** With how many families West Oxfordshire's leisure desk works, however many are generated (from 200). */
export const LEISURE_FAMILIES = 50;

/** Whether the leisure desk works with the index-th of so many families: spread evenly, the same number of any. */
export function isLeisureFamily(index: number, families: number): boolean {
  const before = (count: number) => Math.floor((count * LEISURE_FAMILIES) / families);
  return families >= 200 && before(index + 1) > before(index);
}

/** The rows of families `from` to `to` (not included) of those that the options describe. */
export function generatedFamilies(options: { families: number; seed: number; firstId: number }, from: number, to: number): FamilyRows[] {
  return Array.from({ length: to - from }, (_, n) =>
    familyRows(options.firstId + from + n, options.seed, { leisureDesk: isLeisureFamily(from + n, options.families) }),
  );
}

const BATCH = 2000;

async function writeBatch(client: pg.Client, batch: FamilyRows[]): Promise<void> {
  await client.query('begin');
  try {
    await writeFamilies(client, batch);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

/**
 * Writes generated families, each batch in a transaction of its own, as the database's owner; the organisations and
 * their logins must be there. The ids follow one another from `firstId`.
 *
 * @param options.helpers further connections of the owner, on which other batches are written at the same time; most
 *   of the time is the server's, so that one for each of its cores is worth having.
 */
export async function generateFamilies(
  client: pg.Client,
  options: { families: number; seed: number; firstId: number; onProgress?: (done: number) => void; helpers?: pg.Client[] },
): Promise<void> {
  let next = 0;
  let done = 0;
  const work = async (connection: pg.Client) => {
    while (next < options.families) {
      const from = next;
      next = Math.min(from + BATCH, options.families);
      const batch = generatedFamilies(options, from, next);
      await writeBatch(connection, batch);
      done += batch.length;
      options.onProgress?.(done);
    }
  };
  const results = await Promise.allSettled([client, ...(options.helpers ?? [])].map(work));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  await advanceSequences(client);
}

/**
 * Does bulk work without foreign keys and puts them back at the end, when PostgreSQL checks all rows at once instead of
 * one by one; it saves most of the time of writing. For a database that is being filled and that nobody else uses: a
 * process that dies in between leaves it without them. (The grants' exclusion constraints cost the same either way.)
 */
export async function withoutForeignKeys(client: pg.Client, work: () => Promise<void>): Promise<void> {
  const { rows } = await client.query<{ table: string; name: string; definition: string }>(
    `select conrelid::regclass::text as table, quote_ident(conname) as name, pg_get_constraintdef(oid) as definition
     from pg_constraint where connamespace = 'fsp'::regnamespace and contype = 'f' order by conrelid, conname`,
  );
  const alter = (action: (row: (typeof rows)[number]) => string) =>
    client.query(rows.map((row) => `alter table ${row.table} ${action(row)}`).join(';\n'));
  await alter(({ name }) => `drop constraint ${name}`);
  try {
    await work();
  } finally {
    await alter(({ name, definition }) => `add constraint ${name} ${definition}`);
  }
}
