/** What an authority ships with: districts, organisations, programmes, services, indicators, code lists, timescales. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type pg from 'pg';
import { z } from 'zod';
import { AGENCIES, PERSONAL_CLASSES } from '../access/classes.ts';
import { NOUNS } from '../change/masters.ts';
import { uuidOf } from '../exchange/open-referral/profile.ts';
import { costsOf } from '../exchange/open-referral/rows.ts';
import { CONCERNS, TRIO_VARIANTS } from '../modules/assessment/concerns.ts';
import { type Calendar, calendarOf } from '../modules/clock/calendar.ts';
import { UNITS } from '../modules/clock/rules.ts';
import { timescaleFault } from '../modules/clock/timescales.ts';
import { DICTIONARY } from '../modules/extract/rules.ts';
import { cohortsToSet, INDICATOR, OUTCOME_FILES, outcomeFault, outcomeRows } from '../modules/outcome/reference.ts';
import { toolFault } from '../modules/tool/scoring.ts';
import { loadPapers, PAPER_FILES, type PaperFile, type Papers, paperFault } from './papers.ts';
import { day, key, longSlug, slug, text } from './shapes.ts';
import { upsert } from './upsert.ts';

const root = new URL('../../reference/', import.meta.url);

/** The folder of what is the same for every authority: the law's timescales, the bank holidays, the shared code lists. */
const NATIONAL = 'england';

const dataClass = z.enum(PERSONAL_CLASSES as [(typeof PERSONAL_CLASSES)[number], ...typeof PERSONAL_CLASSES]);
const decimal = z.string().regex(/^\d{1,4}\.\d{2}$/, 'must be a number with two decimals');
const agency = z.enum(AGENCIES, `must be one of ${AGENCIES.join(', ')}`);

const timescaleCode = z.string().regex(/^[A-Z][A-Z0-9_]{1,39}$/, 'must be at most 40 of A-Z, 0-9 and _');
const named = { code: longSlug, name: text };

const FILES = {
  districts: z.strictObject({
    code: z.string().regex(/^E\d{8}$/, 'must be an ONS code'),
    name: text,
    validFrom: day,
    validTo: day.nullable(),
    successor: z.string().nullable(),
  }),
  organisations: z.strictObject({
    id: key,
    code: slug,
    name: text,
    agency,
    kind: text,
    parent: z.string().nullable(),
    district: z.string().nullable(),
    phone: text.nullable().default(null),
    validFrom: day.nullable(),
    validTo: day.nullable(),
  }),
  programmes: z.strictObject({
    id: key,
    code: longSlug,
    name: text,
    dataClass,
    minimumAge: z.int().min(0).max(25).nullable().default(null),
    maximumAge: z.int().min(0).max(25).nullable().default(null),
  }),
  contracts: z.strictObject({
    id: key,
    code: longSlug,
    name: text,
    lead: z.string(),
    partners: z.array(z.string()),
    validFrom: day,
    validTo: day.nullable(),
    source: text,
  }),
  'programme-providers': z.strictObject({
    programme: z.string(),
    organisation: z.string(),
    contract: z.string().nullable(),
    validFrom: day,
    validTo: day.nullable(),
  }),
  'group-programmes': z.strictObject({
    id: key,
    code: longSlug,
    name: text,
    programme: z.string(),
    provider: z.string(),
    starts: day,
    ends: day,
    sessions: z.array(z.strictObject({ id: key, number: key, heldOn: day, topic: text.nullable() })),
  }),
  rollout: z.strictObject({
    district: z.string(),
    kind: z.string(),
    state: z.enum(['PLANNED', 'LIVE']),
    since: day.nullable(),
    note: text.nullable(),
    healthyPlaces: text.nullable(),
  }),
  masters: z.strictObject({ noun: z.string(), client: z.string().nullable(), system: text.nullable(), since: day.nullable() }),
  'service-indicators': z.strictObject({ kind: z.string(), indicator: z.string(), source: text }),
  services: z.strictObject({
    id: key,
    code: longSlug,
    name: text,
    description: text.nullable(),
    organisation: z.string(),
    district: z.string().nullable(),
    kind: text,
    minimumAge: z.int().min(0).max(120).nullable(),
    maximumAge: z.int().min(0).max(120).nullable(),
    cost: text.nullable(),
    dataClass,
    active: z.boolean(),
  }),
  'postcode-areas': z.strictObject({
    outward: z.string().regex(/^[A-Z]{1,2}\d[A-Z\d]?$/, 'must be the outward part of a postcode, like OX16'),
    name: text,
    latitude: z.number().min(49).max(61),
    longitude: z.number().min(-9).max(2),
    district: z.string().nullable(),
  }),
  indicators: INDICATOR,
  ...OUTCOME_FILES,
  codes: z.strictObject({ list: text, code: text, version: text, label: text, source: text, validFrom: day, validTo: day.nullable() }),
  timescales: z.strictObject({
    code: timescaleCode,
    version: text,
    from: text,
    to: text,
    limit: z.int().min(0).max(400).nullable(),
    unit: z.enum(UNITS, `must be one of ${UNITS.join(', ')}`).nullable(),
    dueSoon: z.int().min(0),
    countsFromNextDay: z.boolean(),
    kind: z.enum(['STATUTORY', 'LOCAL']),
    status: z.enum(['verified', 'believed', 'local']),
    source: text,
    validFrom: day,
    validTo: day.nullable(),
  }),
  'factor-concerns': z.strictObject({
    factor: text,
    concern: z.enum(CONCERNS, `must be one of ${CONCERNS.join(', ')}`),
    variant: z.enum(TRIO_VARIANTS, `must be one of ${TRIO_VARIANTS.join(', ')}`),
    source: text,
    validFrom: day,
    validTo: day.nullable(),
  }),
  'ace-associations': z.strictObject({ code: longSlug, label: text, band: text, times: z.int().positive(), source: text }),
  'specialist-kinds': z.strictObject({ id: key, code: longSlug, name: text, dataClass }),
  retention: z.strictObject({
    code: timescaleCode,
    version: text,
    name: text,
    years: z.int().positive().nullable(),
    from: z.enum(['ADOPTION_ORDER', 'BIRTH', 'CLOSURE', 'REQUEST']),
    status: z.enum(['verified', 'authority']),
    source: text,
    validFrom: day,
    validTo: day.nullable(),
  }),
  tools: z.strictObject({
    id: key,
    code: z.string().regex(/^[A-Z][A-Z0-9_]{1,39}$/, 'must be at most 40 of A-Z, 0-9 and _'),
    name: text,
    edition: text,
    scoring: z.enum(['ANSWERS', 'TOTAL', 'DOMAINS']),
    about: z.enum(['PERSON', 'FAMILY', 'EITHER']),
    items: z.int().positive().nullable(),
    itemMinimum: z.int().nullable(),
    itemMaximum: z.int().nullable(),
    minimum: z.int().nullable(),
    maximum: z.int().nullable(),
    minimumAge: z.int().min(0).max(120).nullable(),
    maximumAge: z.int().min(0).max(120).nullable(),
    higher: z.enum(['BETTER', 'WORSE']),
    threshold: z.int().nullable(),
    thresholdMeaning: text.nullable(),
    reckonedOn: z.enum(['TOTAL', 'METRIC']),
    changeAtLeast: decimal.nullable(),
    changeRule: text.nullable(),
    licence: text,
    licenceRequired: z.boolean(),
    dataClass,
    status: z.enum(['verified', 'believed', 'local']),
    source: text,
    bands: z.array(z.strictObject({ code: longSlug, label: text, lowest: decimal, highest: decimal })),
    domains: z.array(z.strictObject({ code: longSlug, label: text, parent: z.string().nullable(), position: key })),
    metric: z.array(z.strictObject({ raw: z.int(), metric: decimal })),
  }),
  'tool-licences': z.strictObject({ tool: z.string(), held: z.boolean() }),
  'meeting-kinds': z.strictObject({
    id: key,
    code: slug,
    name: text,
    dataClass,
    meets: z.array(timescaleCode),
    starts: timescaleCode.nullable(),
    source: text,
  }),
  workbook: z.strictObject({
    id: key.max(99),
    code: slug,
    version: text,
    name: text,
    source: text,
    validFrom: day,
    validTo: day.nullable(),
    modules: z
      .array(
        z.strictObject({
          ...named,
          sessions: z.array(z.strictObject({ ...named, evidence: z.array(z.strictObject(named)).max(99) })).max(99),
        }),
      )
      .max(99),
  }),
  'team-types': z.strictObject({
    code: longSlug,
    name: text,
    description: text,
    posts: z.array(
      z.strictObject({
        id: key,
        discipline: z.string(),
        posts: z.int().min(0),
        fte: z.number().min(0),
        shared: z.boolean(),
        caseload: z.int().positive().nullable(),
      }),
    ),
  }),
  teams: z.strictObject({
    organisation: z.string(),
    teamType: z.string(),
    area: text,
    location: text.nullable(),
    gpNetwork: text.nullable(),
    colocatedWith: text.nullable(),
  }),
  'bank-holidays': z.strictObject({ day, status: z.enum(['verified', 'believed']) }),
  ...PAPER_FILES,
};

/** What an organisation is asked for, wherever it is written: in a file, or at a command line. */
export const ORGANISATION = FILES.organisations;

type FileName = keyof typeof FILES;
type Entry<F extends FileName> = z.infer<(typeof FILES)[F]>;

/** An authority's reference data as its files give it: other entries are named by their codes. */
export type ReferenceData = { [F in Exclude<FileName, NationalFile>]: Entry<F>[] };

type NationalFile = 'retention' | 'bank-holidays' | 'factor-concerns' | 'ace-associations' | 'specialist-kinds' | 'tools' | 'meeting-kinds';

/** What every authority in England has beside its own. */
export type NationalData = {
  timescales: Entry<'timescales'>[];
  bankHolidays: Entry<'bank-holidays'>[];
  calendar: Calendar;
  factorConcerns: Entry<'factor-concerns'>[];
  aceAssociations: Entry<'ace-associations'>[];
  specialistKinds: Entry<'specialist-kinds'>[];
  tools: Entry<'tools'>[];
  meetingKinds: Entry<'meeting-kinds'>[];
  retention: Entry<'retention'>[];
};

const File = z.strictObject({ source: text, licence: text, entries: z.array(z.unknown()).min(1) });

/** Authorities that have a folder of reference data. */
export function authorities(): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== NATIONAL)
    .map((entry) => entry.name)
    .sort();
}

/** What is wrong with a value, on one line. */
export const problems = (error: z.ZodError) =>
  error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message)).join('; ');

/** How a message names an entry: its place, and its code where it has one. */
function place(file: FileName, index: number, entry: unknown): string {
  const code = (entry as { code?: unknown } | null)?.code;
  return `${file}.json, entry ${index + 1}${typeof code === 'string' ? ` (${code})` : ''}`;
}

function readFile<F extends FileName>(folder: URL, file: F): Entry<F>[] {
  const url = new URL(`${file}.json`, folder);
  if (!existsSync(url)) throw new Error(`${file}.json is missing from the reference data.`);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(url, 'utf8'));
  } catch (error) {
    throw new Error(`${file}.json is not JSON: ${(error as Error).message}`);
  }
  const parsed = File.safeParse(content);
  if (!parsed.success) throw new Error(`${file}.json: ${problems(parsed.error)}.`);
  return parsed.data.entries.map((entry, index) => {
    const checked = FILES[file].safeParse(entry);
    if (!checked.success) throw new Error(`${place(file, index, entry)}: ${problems(checked.error)}.`);
    return checked.data as Entry<F>;
  });
}

/** A file that an authority may do without. */
const readOptional = <F extends FileName>(folder: URL, file: F): Entry<F>[] =>
  existsSync(new URL(`${file}.json`, folder)) ? readFile(folder, file) : [];

/** Throws where an entry's value is not among those that exist. */
function mustBeKnown<F extends keyof ReferenceData>(
  data: ReferenceData,
  file: F,
  field: keyof Entry<F> & string,
  known: Set<unknown>,
  what: string,
) {
  for (const [index, entry] of (data[file] as Entry<F>[]).entries()) {
    const value = entry[field];
    if (value !== null && !known.has(value)) throw new Error(`${place(file, index, entry)}: ${field}: there is no ${what} "${value}".`);
  }
}

function mustBeUnique<F extends keyof ReferenceData>(data: ReferenceData, file: F, of: (entry: Entry<F>) => string | number, what: string) {
  const seen = new Set<string | number>();
  for (const [index, entry] of (data[file] as Entry<F>[]).entries()) {
    if (seen.has(of(entry))) throw new Error(`${place(file, index, entry)}: another entry has the ${what} ${of(entry)}.`);
    seen.add(of(entry));
  }
}

function check(data: ReferenceData): void {
  const codes = (entries: { code: string }[]) => new Set<unknown>(entries.map(({ code }) => code));
  const list = (name: string) => codes(data.codes.filter(({ list: of }) => of === name));
  const districts = codes(data.districts);
  const organisations = codes(data.organisations);
  mustBeKnown(data, 'districts', 'successor', districts, 'district');
  mustBeKnown(data, 'organisations', 'parent', organisations, 'organisation');
  mustBeKnown(data, 'organisations', 'district', districts, 'district');
  mustBeKnown(data, 'organisations', 'kind', list('organisation-kind'), 'code of the list organisation-kind');
  mustBeKnown(data, 'services', 'organisation', organisations, 'organisation');
  mustBeKnown(data, 'services', 'district', districts, 'district');
  mustBeKnown(data, 'postcode-areas', 'district', districts, 'district');
  mustBeKnown(data, 'services', 'kind', list('service-kind'), 'code of the list service-kind');
  const programmes = codes(data.programmes);
  const contracts = codes(data.contracts);
  mustBeKnown(data, 'contracts', 'lead', organisations, 'organisation');
  mustBeKnown(data, 'programme-providers', 'programme', programmes, 'programme');
  mustBeKnown(data, 'programme-providers', 'organisation', organisations, 'organisation');
  mustBeKnown(data, 'programme-providers', 'contract', contracts, 'contract');
  mustBeKnown(data, 'group-programmes', 'programme', programmes, 'programme');
  mustBeKnown(data, 'group-programmes', 'provider', organisations, 'organisation');
  mustBeKnown(data, 'masters', 'noun', new Set(NOUNS.map(({ noun }) => noun)), 'noun');
  mustBeKnown(data, 'rollout', 'district', districts, 'district');
  mustBeKnown(data, 'rollout', 'kind', list('service-kind'), 'code of the list service-kind');
  mustBeKnown(data, 'service-indicators', 'kind', list('service-kind'), 'code of the list service-kind');
  mustBeKnown(data, 'service-indicators', 'indicator', codes(data.indicators), 'indicator');
  mustBeKnown(data, 'benchmarks', 'indicator', codes(data.indicators), 'indicator');
  mustBeKnown(data, 'populations', 'area', districts, 'district');
  const fault = outcomeFault(data);
  if (fault) throw new Error(`${place(fault.file, fault.index, data[fault.file][fault.index])}: ${fault.words}`);
  for (const [index, entry] of data.contracts.entries())
    for (const partner of entry.partners)
      if (!organisations.has(partner))
        throw new Error(`${place('contracts', index, entry)}: partners: there is no organisation "${partner}".`);
  for (const file of ['organisations', 'programmes', 'contracts', 'group-programmes', 'services', 'indicators'] as const) {
    mustBeUnique(data, file, (entry) => entry.id, 'id');
    mustBeUnique(data, file, (entry) => entry.code, 'code');
  }
  mustBeUnique(data, 'districts', ({ code }) => code, 'code');
  mustBeKnown(data, 'teams', 'organisation', organisations, 'organisation');
  mustBeKnown(data, 'teams', 'teamType', codes(data['team-types']), 'team type');
  mustBeUnique(data, 'team-types', ({ code }) => code, 'code');
  mustBeUnique(data, 'teams', ({ organisation }) => organisation, 'organisation');
  const disciplines = list('discipline');
  const shapes = new Set<number>();
  for (const [index, type] of data['team-types'].entries()) {
    for (const { id, discipline } of type.posts) {
      const where = place('team-types', index, type);
      if (!disciplines.has(discipline)) throw new Error(`${where}: there is no code of the list discipline "${discipline}".`);
      if (shapes.has(id)) throw new Error(`${where}: another entry has the id ${id}.`);
      shapes.add(id);
    }
  }
  checkPapers(data, districts);
}

/** Throws where an authority's papers do not add up. */
export function checkPapers(papers: Papers, districts: ReadonlySet<unknown>): void {
  const fault = paperFault(papers, districts as ReadonlySet<string>);
  if (fault) throw new Error(`${place(fault.file, fault.index, papers[fault.file][fault.index])}: ${fault.words}`);
}

/** An authority's papers, none of which it must have; figures of elsewhere, for comparison, are every authority's. */
const readPapers = (folder: URL): Papers => ({
  ...(Object.fromEntries((Object.keys(PAPER_FILES) as PaperFile[]).map((file) => [file, readOptional(folder, file)])) as Papers),
  published: [...readOptional(folder, 'published'), ...readFile(new URL(`${NATIONAL}/`, root), 'published')],
});

/** An authority's own lists and codes stand beside England's, and none is said twice. */
function joinCodes(national: Entry<'codes'>[], own: Entry<'codes'>[]): Entry<'codes'>[] {
  const seen = new Map<string, string>();
  for (const [folder, entries] of [[`${NATIONAL}/`, national] as const, ['', own] as const]) {
    for (const [index, entry] of entries.entries()) {
      const name = `${entry.list} ${entry.code} ${entry.version}`;
      const where = `${folder}${place('codes', index, entry)}`;
      const other = seen.get(name);
      if (other) throw new Error(`${where}: another entry has the list, code and version ${name}: ${other}.`);
      seen.set(name, where);
    }
  }
  return [...national, ...own];
}

/** Throws where England's timescales, or an authority's own beside them, are not what timescales must be. */
export function checkTimescales(national: Pick<NationalData, 'timescales' | 'calendar'>, own: Entry<'timescales'>[]): void {
  const fault = timescaleFault(national.timescales, own, national.calendar);
  if (!fault) return;
  const index = own.indexOf(fault.entry as Entry<'timescales'>);
  const where =
    index === -1
      ? `${NATIONAL}/${place('timescales', national.timescales.indexOf(fault.entry as Entry<'timescales'>), fault.entry)}`
      : place('timescales', index, fault.entry);
  throw new Error(`${where}: ${fault.words}`);
}

/** Reads and checks what is England's. @throws an error that names the file and the entry. */
export function readNational(): NationalData {
  const folder = new URL(`${NATIONAL}/`, root);
  const bankHolidays = readFile(folder, 'bank-holidays');
  const calendar = calendarOf(bankHolidays.map((holiday) => holiday.day));
  const tools = readFile(folder, 'tools');
  for (const [index, entry] of tools.entries()) {
    const fault = toolFault(entry);
    if (fault) throw new Error(`${NATIONAL}/${place('tools', index, entry)}: ${fault}`);
  }
  const timescales = readFile(folder, 'timescales');
  const meetingKinds = readFile(folder, 'meeting-kinds');
  const rules = new Set(timescales.map(({ code }) => code));
  for (const [index, { meets, starts }] of meetingKinds.entries()) {
    const unknown = [...meets, ...(starts ? [starts] : [])].find((rule) => !rules.has(rule));
    if (unknown) throw new Error(`${NATIONAL}/${place('meeting-kinds', index, meetingKinds[index])}: there is no timescale "${unknown}".`);
  }
  return {
    timescales,
    bankHolidays,
    calendar,
    factorConcerns: readFile(folder, 'factor-concerns'),
    aceAssociations: readFile(folder, 'ace-associations'),
    specialistKinds: readFile(folder, 'specialist-kinds'),
    tools,
    meetingKinds,
    retention: readFile(folder, 'retention'),
  };
}

/**
 * Reads and checks an authority's reference data.
 *
 * @throws an error that names the file and the entry, or the authorities there are.
 */
export function readReference(authority: string): ReferenceData {
  if (!authorities().includes(authority)) {
    throw new Error(`There is no reference data for the authority "${authority}"; there is for: ${authorities().join(', ')}.`);
  }
  const folder = new URL(`${authority}/`, root);
  const data: ReferenceData = {
    districts: readFile(folder, 'districts'),
    organisations: readFile(folder, 'organisations'),
    programmes: readFile(folder, 'programmes'),
    contracts: readOptional(folder, 'contracts'),
    'programme-providers': readOptional(folder, 'programme-providers'),
    'group-programmes': readOptional(folder, 'group-programmes'),
    masters: readOptional(folder, 'masters'),
    rollout: readOptional(folder, 'rollout'),
    'service-indicators': readOptional(folder, 'service-indicators'),
    services: readFile(folder, 'services'),
    'postcode-areas': readOptional(folder, 'postcode-areas'),
    indicators: readFile(folder, 'indicators'),
    benchmarks: readOptional(folder, 'benchmarks'),
    populations: readOptional(folder, 'populations'),
    cohorts: readOptional(folder, 'cohorts'),
    'suppression-rules': existsSync(new URL('suppression-rules.json', folder))
      ? readFile(folder, 'suppression-rules')
      : readFile(new URL(`${NATIONAL}/`, root), 'suppression-rules'),
    codes: joinCodes(readFile(new URL(`${NATIONAL}/`, root), 'codes'), readOptional(folder, 'codes')),
    timescales: readOptional(folder, 'timescales'),
    'tool-licences': readOptional(folder, 'tool-licences'),
    workbook: readOptional(folder, 'workbook'),
    'team-types': readOptional(folder, 'team-types'),
    teams: readOptional(folder, 'teams'),
    ...readPapers(folder),
  };
  check(data);
  const national = readNational();
  checkTimescales(national, data.timescales);
  mustBeKnown(data, 'tool-licences', 'tool', new Set(national.tools.map(({ code }) => code)), 'tool');
  return data;
}

const publicId = (code: string) => uuidOf('service', 'reference', code);

/** A service of the reference data in the shape of Open Referral UK. */
function profileOf({ code, name, description, organisation, cost, minimumAge, maximumAge, active }: Entry<'services'>, by: string) {
  return {
    id: publicId(code),
    name,
    ...(description === null ? {} : { description }),
    status: active ? 'active' : 'inactive',
    ...(cost === null ? {} : { fees: cost }),
    ...(minimumAge === null ? {} : { minimum_age: minimumAge }),
    ...(maximumAge === null ? {} : { maximum_age: maximumAge }),
    organization: { id: uuidOf('provider', 'reference', organisation), name: by, description: by },
  };
}

/** What each team is to have, by its type. The county may say otherwise later; what it said stands (`do nothing`). */
async function loadEstablishment(client: pg.Client, data: ReferenceData, idOf: (code: string | null) => number | null | undefined) {
  const county = data.organisations.find(({ agency: of }) => of === 'LA')?.code ?? null;
  const types = new Map(data['team-types'].map((type) => [type.code, type]));
  const rows = data.teams.flatMap(({ organisation, teamType }) =>
    (types.get(teamType)?.posts ?? []).map(({ discipline, posts, fte, caseload }) => ({
      controller: idOf(county),
      team: idOf(organisation),
      discipline,
      posts,
      fte,
      caseload,
    })),
  );
  await client.query(
    `insert into fsp.establishment (controller, team, discipline, posts, fte, caseload)
     select controller, team, discipline, posts, fte, caseload from jsonb_populate_recordset(null::fsp.establishment, $1::jsonb)
     on conflict (team, discipline) do nothing`,
    [JSON.stringify(rows)],
  );
}

async function loadTeams(client: pg.Client, data: ReferenceData, idOf: (code: string | null) => number | null | undefined): Promise<void> {
  if (data.teams.length === 0) return;
  const types = data['team-types'];
  await upsert(
    client,
    'team_type',
    ['code'],
    types.map(({ posts: _posts, ...type }) => type),
  );
  const shapes = types.flatMap(({ code: teamType, posts }) => posts.map(({ caseload: _caseload, ...shape }) => ({ teamType, ...shape })));
  await upsert(client, 'team_shape', ['id'], shapes);
  await upsert(
    client,
    'team',
    ['organisation'],
    data.teams.map((entry) => ({ ...entry, organisation: idOf(entry.organisation) })),
  );
  await loadEstablishment(client, data, idOf);
}

/** Rows point at ids, logins are named by codes: neither may come to mean another organisation than before. */
async function mustKeepIds(client: pg.Client, organisations: Entry<'organisations'>[]): Promise<void> {
  const { rows } = await client.query<{ code: string; id: number; known: string; under: number }>(
    `select w.code, w.id, o.code as known, o.id as under
     from jsonb_to_recordset($1::jsonb) as w (id integer, code text)
     join fsp.organisation o on (o.code = w.code) <> (o.id = w.id) order by w.id limit 1`,
    [JSON.stringify(organisations.map(({ id, code }) => ({ id, code })))],
  );
  const met = rows[0];
  if (met) throw new Error(`organisations.json: ${met.code} has the id ${met.id}; the database has ${met.known} with the id ${met.under}.`);
}

/** Months of which a provider's figures can be asked. */
const FIGURES = { from: '2019-01-01', until: '2040-12-01' };

/** Who is contracted for which programme, the groups that run, and the months of each provider's work. */
async function loadProviders(
  client: pg.Client,
  data: ReferenceData,
  idOf: (code: string | null) => number | null | undefined,
): Promise<void> {
  const programmes = new Map(data.programmes.map(({ code, id }) => [code, id]));
  const contracts = new Map(data.contracts.map(({ code, id }) => [code, id]));
  await upsert(
    client,
    'contract',
    ['id'],
    data.contracts.map(({ partners: _partners, ...entry }) => ({ ...entry, lead: idOf(entry.lead) })),
  );
  await upsert(
    client,
    'contract_partner',
    ['contract', 'organisation'],
    data.contracts.flatMap(({ id, partners }) => partners.map((partner) => ({ contract: id, organisation: idOf(partner) }))),
  );
  await upsert(
    client,
    'programme_provider',
    ['programme', 'organisation', 'valid_from'],
    data['programme-providers'].map((entry) => ({
      ...entry,
      programme: programmes.get(entry.programme),
      organisation: idOf(entry.organisation),
      contract: entry.contract === null ? null : contracts.get(entry.contract),
    })),
  );
  const groups = data['group-programmes'];
  await upsert(
    client,
    'group_programme',
    ['id'],
    groups.map(({ sessions: _sessions, ...entry }) => ({
      ...entry,
      programme: programmes.get(entry.programme),
      provider: idOf(entry.provider),
    })),
  );
  await upsert(
    client,
    'group_session',
    ['id'],
    groups.flatMap(({ id, sessions }) => sessions.map((session) => ({ ...session, groupProgramme: id }))),
  );
  const county = data.organisations.find(({ agency: of, parent }) => of === 'LA' && parent === null)?.id;
  // One key for a provider's month in both tables.
  for (const table of ['provider_month', 'provider_month_tests']) {
    await client.query(
      `insert into fsp.${table} (id, controller, provider, month)
       select p.organisation::bigint * 10000 + extract(year from m) * 12 + extract(month from m) - 2019 * 12, $1, p.organisation, m::date
       from (select distinct organisation from fsp.programme_provider) p, generate_series($2::date, $3::date, interval '1 month') m
       on conflict do nothing`,
      [county, FIGURES.from, FIGURES.until],
    );
  }
}

/**
 * Loads the reference data of an authority (the name of a folder in `reference/`) as the database's owner. Loading
 * again changes what changed; nothing is deleted, because families' rows point here.
 */
export async function loadReference(client: pg.Client, authority: string): Promise<void> {
  const data = readReference(authority);
  const ids = new Map(data.organisations.map(({ code, id }) => [code, id]));
  const idOf = (code: string | null) => (code === null ? null : ids.get(code));
  await mustKeepIds(client, data.organisations);
  await upsert(client, 'district', ['code'], data.districts);
  await upsert(
    client,
    'organisation',
    ['id'],
    data.organisations.map((entry) => ({ ...entry, parent: idOf(entry.parent) })),
  );
  await upsert(client, 'programme', ['id'], data.programmes);
  await loadProviders(client, data, idOf);
  await upsert(client, 'postcode_area', ['outward'], data['postcode-areas']);
  const names = new Map(data.organisations.map(({ code, name }) => [code, name]));
  await upsert(
    client,
    'service',
    ['id'],
    data.services.map((entry) => ({
      ...entry,
      organisation: idOf(entry.organisation),
      publicId: publicId(entry.code),
      status: entry.active ? 'active' : 'inactive',
      fees: entry.cost,
      ...costsOf({ fees: entry.cost }),
    })),
  );
  await upsert(
    client,
    'service_document',
    ['service'],
    data.services.map((entry) => ({ service: entry.id, document: profileOf(entry, names.get(entry.organisation) ?? entry.organisation) })),
  );
  // Of the rules one alone is chosen, at every moment.
  await client.query('update fsp.suppression_rule set chosen = false where chosen');
  for (const { table, keys, rows } of outcomeRows(data)) await upsert(client, table, keys, rows);
  // What is still to be set takes nothing away from what was.
  await client.query(
    `insert into fsp.cohort select * from jsonb_populate_recordset(null::fsp.cohort, $1::jsonb) on conflict (code) do nothing`,
    [JSON.stringify(cohortsToSet(data))],
  );
  await upsert(client, 'extract_column', ['id'], DICTIONARY);
  await upsert(client, 'district_rollout', ['district', 'kind'], data.rollout);
  const masters = new Map(data.masters.map((master) => [master.noun, master]));
  await upsert(
    client,
    'noun_master',
    ['noun'],
    NOUNS.map(({ noun, what }) => ({ noun, what, client: null, system: null, since: null, ...masters.get(noun) })),
  );
  const indicators = new Map(data.indicators.map(({ code, id }) => [code, id]));
  await upsert(
    client,
    'service_indicator',
    ['kind', 'indicator'],
    data['service-indicators'].map((entry) => ({ ...entry, indicator: indicators.get(entry.indicator) })),
  );
  await upsert(client, 'code', ['list', 'code', 'version'], data.codes);
  await loadTeams(client, data, idOf);
  const national = readNational();
  await upsert(client, 'bank_holiday', ['day'], national.bankHolidays);
  await upsert(client, 'meeting_kind', ['id'], national.meetingKinds);
  for (const [table, rows] of workbookRows(data.workbook)) await upsert(client, table, ['id'], rows);
  const rows = (timescales: Entry<'timescales'>[], folder: string) =>
    timescales.map(({ from, to, limit, ...entry }) => ({ ...entry, authority: folder, fromEvent: from, toEvent: to, amount: limit }));
  await upsert(client, 'timescale', ['code', 'version'], [...rows(national.timescales, NATIONAL), ...rows(data.timescales, authority)]);
  await upsert(client, 'factor_concern', ['factor', 'concern', 'variant', 'valid_from'], national.factorConcerns);
  await upsert(client, 'ace_association', ['code'], national.aceAssociations);
  await upsert(client, 'specialist_kind', ['id'], national.specialistKinds);
  await upsert(
    client,
    'retention_rule',
    ['code', 'version'],
    national.retention.map(({ from, ...entry }) => ({ ...entry, fromEvent: from })),
  );
  await loadTools(client, national.tools, data['tool-licences']);
  await loadPapers(client, data);
}

async function loadTools(client: pg.Client, tools: Entry<'tools'>[], licences: Entry<'tool-licences'>[]): Promise<void> {
  const held = new Set(licences.flatMap((licence) => (licence.held ? [licence.tool] : [])));
  await upsert(
    client,
    'tool',
    ['id'],
    tools.map(({ bands: _bands, domains: _domains, metric: _metric, ...entry }) => ({
      ...entry,
      licenceHeld: !entry.licenceRequired || held.has(entry.code),
    })),
  );
  const parts = <P extends object>(of: (entry: Entry<'tools'>) => P[]) =>
    tools.flatMap((entry) => of(entry).map((part) => ({ tool: entry.id, ...part })));
  await upsert(
    client,
    'tool_band',
    ['tool', 'code'],
    parts(({ bands }) => bands),
  );
  await upsert(
    client,
    'tool_domain',
    ['tool', 'code'],
    parts(({ domains }) => domains),
  );
  await upsert(
    client,
    'tool_metric',
    ['tool', 'raw'],
    parts(({ metric }) => metric),
  );
}

/** A part of a programme: its id is made of the programme's and its place, so that it is the same at every loading. */
type PartRow = { id: number; parent: number; position: number; code: string; name: string };

/** The programmes of the Workbook as rows, the wholes before their parts. */
function workbookRows(programmes: Entry<'workbook'>[]): [table: string, rows: Record<string, unknown>[]][] {
  const part = (parent: number, index: number, { code, name }: { code: string; name: string }): PartRow => ({
    id: parent * 100 + index + 1,
    parent,
    position: index + 1,
    code,
    name,
  });
  const modules = programmes.flatMap((programme) =>
    programme.modules.map((each, index) => ({ row: part(programme.id, index, each), sessions: each.sessions })),
  );
  const sessions = modules.flatMap((module) =>
    module.sessions.map((each, index) => ({ row: part(module.row.id, index, each), evidence: each.evidence })),
  );
  const evidence = sessions.flatMap((session) => session.evidence.map((each, index) => part(session.row.id, index, each)));
  return [
    ['workbook_programme', programmes.map(({ modules: _modules, ...programme }) => programme)],
    ['workbook_module', modules.map(({ row }) => row)],
    ['workbook_session', sessions.map(({ row }) => row)],
    ['workbook_evidence', evidence],
  ];
}
