/**
 * The agreement as SQL: agency roles, table grants, row-level security. Written to `drizzle/access.sql` by
 * `npm run db:generate`, applied after the table migrations, and compared with the database at every start.
 * `{{db}}` and `{{owner}}` stand for the database's name and its owner: role names belong to the whole cluster.
 */
import { readFileSync } from 'node:fs';
import { getTableConfig } from 'drizzle-orm/pg-core';
import { hasId, keyTo, ownKey } from '../db/belonging.ts';
import { classifiedTables, classOf, isBetweenOrganisations, type TableClass } from '../db/classified.ts';
import { snake } from '../db/upsert.ts';
import { LIMITS } from '../limits.ts';
import { CHECK, DICTIONARY } from '../modules/extract/rules.ts';
import { DIMENSIONS } from '../outcome/dimensions.ts';
import {
  ACTS,
  AGREEMENT_VERSION,
  AT_RISK,
  BUNDLES,
  DECIDES,
  LEAK_GROUP,
  type Level,
  levelOf,
  PURPOSE_NAMES,
  purposeRule,
  stageBit,
  WRITERS,
} from './agreement.ts';
import { AGENCIES, type Agency, CLASS_BIT, isOfNobody, isPersonal, maskOf, PERSONAL_CLASSES } from './classes.ts';
import { DISPUTABLE } from './disputable.ts';
import { FED, FED_TYPES, feedings } from './fed.ts';
import { gathering } from './gathering.ts';
import { inboxes, inboxTypes } from './inbox.ts';
import { bitOf, grantProbe, isNow, ownableMask, ownProbe } from './masks.ts';
import { RETRACTABLE, STAND_BY_THEMSELVES, typeOfTable } from './retractable.ts';
import { inSql, type WORDS } from './secret-places.ts';

/** The session's login and organisation, as the policies ask for them. */
export const LOGIN = '(select fsp.current_login())';
export const ORGANISATION = '(select fsp.current_organisation())';

/** The role of an agency, of which each of its organisations' logins is a member. */
export const agencyRole = (agency: Agency) => `"{{db}}_agency_${agency.toLowerCase()}"`;

const everyAgency = AGENCIES.map(agencyRole).join(', ');
const othersThanTheCounty = AGENCIES.filter((agency) => agency !== 'LA')
  .map(agencyRole)
  .join(', ');

/** Agencies that may write anything at all. */
const writers = AGENCIES.filter((agency) =>
  [...Object.values(WRITERS), ...Object.values(ACTS)].some(({ agencies }) => agencies.includes(agency)),
)
  .map(agencyRole)
  .join(', ');

/** A table as if its rows had no class of their own. */
function withoutRowClass(table: TableClass): TableClass {
  const { rowMask: _rowMask, ...rest } = table;
  return rest;
}

/** Which rows of a table the policy of an agency gives; null: none, and the table may not be named. */
export function selectPredicate(table: TableClass, agency: Agency): string | null {
  const level = levelOf(table.dataClass, agency);
  // An agency that is given nothing about people is not told that there are any.
  if (level === 'N' || PERSONAL_CLASSES.every((dataClass) => levelOf(dataClass, agency) === 'N')) return null;
  const ways: string[] = [];
  if (level !== 'O' && !isBetweenOrganisations(table) && !(table.ownOnly && agency !== 'LA'))
    ways.push(grantProbe(table, table.name, agency, null));
  // The county has a grant on every family there is: what its grant does not open is not opened by being its own.
  const always = level === 'A' || level === 'R';
  const own = ownProbe(table, table.name, agency, ORGANISATION);
  const byGrantAlone = agency === 'LA' && always && !isBetweenOrganisations(table);
  if (own && !byGrantAlone) ways.push(own);
  else if (own && table.familyOptional) ways.push(`(${table.name}.${table.family} is null and ${own})`);
  // The grant opens the table's class; for the class of a row of its own the county needs no decision.
  if (own && byGrantAlone && table.ownRows) ways.push(`(${own} and ${grantProbe(withoutRowClass(table), table.name, agency, null)})`);
  if (ways.length > 0) return ways.join('\n    or ');
  // What comes by decision for a family only: of rows that name no family there is none, nor of those that a decision opens to nobody, and
  // to ask is no fault.
  return isBetweenOrganisations(table) || table.ownOnly ? 'false' : null;
}

/** Whether an agency writes rows of a table: as a writer of its class, or by one of its acts. */
const writes = (table: TableClass, agency: Agency, acts = table.acts): boolean =>
  !table.sealed && [WRITERS[table.dataClass], ...acts.map((name) => ACTS[name])].some((writers) => writers?.agencies.includes(agency));

/** The tables of people to whose rows a table's rows belong, by the one column that says so. */
function parentsOf(table: TableClass): { column: string; parent: TableClass }[] {
  return getTableConfig(table.table).foreignKeys.flatMap((foreign) => {
    const { columns, foreignTable } = foreign.reference();
    const parent = classOf(foreignTable);
    // A key of several columns says itself whose the row may be.
    if (columns.length !== 1 || !isPersonal(parent.dataClass)) return [];
    return [{ column: (columns[0] as { name: string }).name, parent }];
  });
}

/**
 * A row hangs on one that its writer sees, in the same family. The foreign key alone would tell a hidden row from one
 * that never was.
 */
function parentProbe(table: TableClass, { column, parent }: { column: string; parent: TableClass }): string {
  const key = `${table.name}.${column}`;
  const together = table.family && parent.family ? ` and p.${parent.family} is not distinct from ${table.name}.${table.family}` : '';
  const id = getTableConfig(parent.table).columns.find(({ primary }) => primary)?.name ?? 'id';
  return `(${key} is null or (select true from fsp.${parent.name} p where p.${id} = ${key}${together}))`;
}

/**
 * A row is written by the organisation that it names as its writer, into a family and about persons that it sees. Of a
 * class whose own rows the agreement gives it, it writes without being given others' rows by a decision.
 */
function insertPredicate(table: TableClass, agency: Agency): string | null {
  if (!writes(table, agency)) return null;
  const parts = [`${table.name}.${table.writer} = ${ORGANISATION}`];
  if (!isBetweenOrganisations(table)) {
    const ways = [grantProbe(table, table.name, agency, null, 'writer')];
    if (table.familyOptional) ways.unshift(`${table.name}.${table.family} is null`);
    if (table.writtenThrough && table.own?.through)
      ways.push(`(${table.own.through(table.name, ORGANISATION)} and fsp.own_open(${table.name}.${table.family}))`);
    parts.push(ways.length > 1 ? `(${ways.join(' or ')})` : (ways[0] as string));
  }
  if (table.rowMask && table.writtenThrough) parts.push(`(${table.name}.${table.rowMask} & ~${ownableMask(agency)}::bigint) = 0`);
  return [...parts, ...parentsOf(table).map((parent) => parentProbe(table, parent))].join('\n    and ');
}

/** A row is changed by the organisation whose it is. What it was before is kept (`fsp.amend`). */
function updatePredicate(table: TableClass, agency: Agency): string | null {
  if (!writes(table, agency, [...table.acts, ...table.amendingActs])) return null;
  const ways = table.amendedBy.map((column) => `${table.name}.${column} = ${ORGANISATION}`);
  if (table.amendedThrough && table.own?.through) ways.push(table.own.through(table.name, ORGANISATION));
  if (ways.length === 0) return null;
  const own = ways.length > 1 ? `(${ways.join(' or ')})` : (ways[0] as string);
  if (isBetweenOrganisations(table)) return own;
  if (!table.family) return `${own} and ${grantProbe(table, table.name, agency, null)}`;
  const open = `fsp.own_open(${table.name}.${table.family})`;
  return `${own} and ${table.familyOptional ? `(${table.name}.${table.family} is null or ${open})` : open}`;
}

const policy = (table: string, name: string, verb: string, role: string, using: string | null, check: string | null) =>
  `create policy ${name} on fsp.${table} for ${verb} to ${role}` +
  `${using ? `\n  using (${using})` : ''}${check ? `\n  with check (${check})` : ''};`;

/** Tables whose rows are opened by grants: one permissive policy for each role and verb. */
function personalTable(table: TableClass): string[] {
  const lines: string[] = [];
  const columns = getTableConfig(table.table).columns.map(({ name }) => `"${name}"`);
  const named = table.blind ? ` (${columns.join(', ')})` : '';
  for (const agency of AGENCIES) {
    const role = agencyRole(agency);
    const name = agency.toLowerCase();
    const select = selectPredicate(table, agency);
    if (select) {
      lines.push(`grant select${named} on fsp.${table.name} to ${role};`);
      lines.push(policy(table.name, `${name}_select`, 'select', role, select, null));
    }
    const insert = insertPredicate(table, agency);
    if (insert) {
      lines.push(`grant insert on fsp.${table.name} to ${role};`);
      lines.push(policy(table.name, `${name}_insert`, 'insert', role, null, insert));
    }
    const update = updatePredicate(table, agency);
    if (update) {
      const changing = table.amendedColumns ? ` (${table.amendedColumns.join(', ')})` : '';
      lines.push(`grant update${changing} on fsp.${table.name} to ${role};`);
      lines.push(policy(table.name, `${name}_update`, 'update', role, update, update));
    }
  }
  return lines;
}

/** An organisation's own row about a person whom its login sees today: a restricted one is the sealed login's alone. */
const ownAndSeen = (table: string): string =>
  `${table}.controller = ${ORGANISATION} and (select true from fsp.person_grant pg where pg.person = ${table}.person and ${isNow('pg')})`;

/** An organisation's own row about a family that its login sees today, or about none. */
function ofFamilyOrAll(table: string): string[] {
  const seen = `(${table}.family is null or (select true from fsp.family_grant fg where fg.family = ${table}.family and ${isNow('fg')}))`;
  const own = `${table}.controller = ${ORGANISATION} and ${seen}`;
  return [
    `grant select on fsp.${table} to ${everyAgency};`,
    policy(table, 'own_select', 'select', everyAgency, own, null),
    `grant insert, update on fsp.${table} to ${agencyRole('LA')};`,
    policy(table, 'own_insert', 'insert', agencyRole('LA'), null, own),
    policy(table, 'own_update', 'update', agencyRole('LA'), own, own),
  ];
}

/** And every family is that this request of theirs was gathered from: of one that is restricted since, or was then, nothing is told. */
const everyFamilySeen = (table: string): string =>
  `(select true from unnest(${table}.families) gathered (family) where (select true from fsp.family_grant fg where fg.family = gathered.family and ${isNow('fg')}) is null limit 1) is null`;

/** Rows gathered for a request: read with it, and of them only what is named changes, until it is signed. */
const gatheredRows =
  (...changing: string[]) =>
  (table: string): string[] => {
    const own = `${ownAndSeen(table)} and (select true from fsp.subject_access q where q.id = ${table}.request)`;
    const unsigned = `(select q.signed_at is null from fsp.subject_access q where q.id = ${table}.request)`;
    return [
      `grant select on fsp.${table} to ${everyAgency};`,
      policy(table, 'own_select', 'select', everyAgency, own, null),
      ...(changing.length > 0
        ? [
            `grant update (${changing.join(', ')}) on fsp.${table} to ${agencyRole('LA')};`,
            policy(table, 'own_update', 'update', agencyRole('LA'), `${own} and ${unsigned}`, own),
          ]
        : []),
    ];
  };

/** Tables of the machinery, each with its own short word on who may do what. */
const MACHINERY: Record<string, (table: string) => string[]> = {
  family_grant: ownLogin,
  person_grant: ownLogin,
  user_focus: ownLogin,
  user_rule: ownLogin,
  team_member: (t) => [
    `grant select on fsp.${t} to ${everyAgency}, "{{db}}_gate";`,
    policy(t, 'own_select', 'select', othersThanTheCounty, `${t}.organisation = ${ORGANISATION}`, null),
    // The county knows who is in its teams: its practitioners see the families of their own.
    policy(
      t,
      'la_select',
      'select',
      agencyRole('LA'),
      `(select true from fsp.organisation team where team.id = ${t}.organisation and team.parent = ${ORGANISATION})`,
      null,
    ),
    policy(t, 'gate_select', 'select', '"{{db}}_gate"', 'true', null),
  ],
  client: gateOnly,
  app_user: gateOnly,
  revoked_token: gateOnly,
  sealed_user: gateOnly,
  outbox: (t) => [
    `grant insert on fsp.${t} to ${writers};`,
    policy(t, 'own_insert', 'insert', writers, null, `${t}.organisation = ${ORGANISATION}`),
  ],
  // Of the feed no login reads a row: the gate asks the functions of src/access/feed.sql, which answer with keys.
  feed_change: () => [],
  feed_reader: () => [],
  feed_seen: () => [],
  feed_state: () => [],
  // What is to be counted anew is the job's to know; who reported what of an area, or how much at once, the organisation's own.
  figure_dirty: () => [],
  figure_key: () => [],
  observation_run: ownOrganisation('true'),
  observation_area: ownOrganisation('true'),
  // A county's own, and to their recipient what was released; of rows of which there is no extract for the asker there are none.
  extract: (t) => [
    `grant select on fsp.${t} to ${agencyRole('LA')}, ${agencyRole('EVALUATOR')};`,
    policy(t, 'la_select', 'select', agencyRole('LA'), `${t}.controller = ${ORGANISATION}`, null),
    policy(t, 'evaluator_select', 'select', agencyRole('EVALUATOR'), `${t}.recipient = ${ORGANISATION} and ${t}.status = 'RELEASED'`, null),
  ],
  extract_row: (t) => [
    `grant select on fsp.${t} to ${agencyRole('LA')}, ${agencyRole('EVALUATOR')};`,
    policy(
      t,
      'own_select',
      'select',
      `${agencyRole('LA')}, ${agencyRole('EVALUATOR')}`,
      `${t}.extract in (select seen.id from fsp.extract seen)`,
      null,
    ),
  ],
  webhook: ownOrganisation('true'),
  // What waits may be what its reader is never told; a dead letter was told, and did not arrive.
  webhook_event: ownOrganisation('webhook_event.dead_at is not null'),
  idempotency: (t) => [
    `grant select, insert on fsp.${t} to ${writers};`,
    policy(t, 'own_select', 'select', writers, `${t}.organisation = ${ORGANISATION} and ${t}.login = ${LOGIN}`, null),
    policy(t, 'own_insert', 'insert', writers, null, `${t}.organisation = ${ORGANISATION}`),
    // A key's result is written once, by the transaction that claimed it.
    `grant update (result) on fsp.${t} to ${writers};`,
    policy(
      t,
      'own_update',
      'update',
      writers,
      `${t}.organisation = ${ORGANISATION} and ${t}.login = ${LOGIN} and ${t}.result = '{}'`,
      `${t}.organisation = ${ORGANISATION}`,
    ),
  ],
  // Who holds a place: the database's own, of which `fsp.places_left` tells how many.
  service_place: () => [],
  // What a row was before a change: for an inquiry, by the owner; no login reads it.
  earlier: () => [],
  kept_from_lift: () => [],
  // What was taken out as wrong: for whose it was, whose governance alone the API lets read it.
  retraction: (t) => [
    `grant select on fsp.${t} to ${everyAgency};`,
    policy(t, 'own_select', 'select', everyAgency, `${t}.controller = ${ORGANISATION} and fsp.retraction_open(${t}.id)`, null),
  ],
  merge_kept_from: () => [],
  adoption: () => [],
  // That a number is on two rows: said to a county's login that sees both. To another it would tell of one that it may not see.
  match_candidate: (t) => [
    `grant select on fsp.${t} to ${everyAgency};`,
    policy(
      t,
      'la_select',
      'select',
      agencyRole('LA'),
      `case when ${t}.subject_table = 'family_name'
    then ${bothSeen(t, 'family')}
    else ${bothSeen(t, 'person')} end`,
      null,
    ),
  ],
  subject_access: (t) => [
    `grant select on fsp.${t} to ${everyAgency};`,
    policy(t, 'own_select', 'select', everyAgency, `${ownAndSeen(t)} and ${everyFamilySeen(t)}`, null),
    `grant insert, update on fsp.${t} to ${agencyRole('LA')};`,
    policy(t, 'own_insert', 'insert', agencyRole('LA'), null, ownAndSeen(t)),
    policy(
      t,
      'own_update',
      'update',
      agencyRole('LA'),
      `${ownAndSeen(t)} and ${everyFamilySeen(t)} and ${t}.sent_on is null`,
      ownAndSeen(t),
    ),
  ],
  retention_hold: ofFamilyOrAll,
  erasure_proposal: ofFamilyOrAll,
  erasure: (t) => [
    `grant select on fsp.${t} to ${everyAgency};`,
    policy(t, 'own_select', 'select', everyAgency, `${t}.controller = ${ORGANISATION}`, null),
  ],
  subject_access_section: gatheredRows(),
  subject_access_item: gatheredRows('status', 'exemption', 'reason', 'decided_by', 'decided_at'),
  subject_access_field: gatheredRows('held'),
  subject_access_exclusion: gatheredRows(),
  disclosure: (t) => [
    `grant insert on fsp.${t} to "{{db}}_recorder";`,
    // Its time is the database's, and so is its month, which a batch may miss by a moment.
    policy(
      t,
      'recorder_insert',
      'insert',
      '"{{db}}_recorder"',
      null,
      `${t}.at = now()::timestamptz(3)\n    and ${t}.month in (${monthOf('now()')}, ${monthOf("now() - interval '1 hour'")})`,
    ),
  ],
  // Written by `fsp.begin_chain`, and the rest of what can be read of the record by `fsp.index_disclosures`.
  disclosure_chain: () => [],
  disclosure_entry: (t) => {
    const granted = `(select true from fsp.disclosure_family about join fsp.family_grant fg on fg.family = about.family where about.entry = ${t}.id and fg.login = ${LOGIN} and ${isNow('fg')} limit 1)`;
    return looks(t, granted);
  },
  disclosure_family: (t) =>
    looks(t, `(select true from fsp.family_grant fg where fg.login = ${LOGIN} and fg.family = ${t}.family and ${isNow('fg')})`),
  access_look: () => [],
  notice_delay: () => [],
};

/** SQL that both rows of a match are of families, or persons, that the login sees today. */
const bothSeen = (table: string, kind: 'family' | 'person') =>
  ['row_key', 'other']
    .map((column) => `(select true from fsp.${kind}_grant g where g.${kind} = ${table}.${column} and ${isNow('g')} limit 1)`)
    .join(' and ');

/**
 * An organisation reads of its own users' looks, and the county also of everybody's at the families that are its own, and
 * of callers whom nobody knows. Of a restricted family it is the sealed login that reads.
 *
 * @param granted SQL that a family which the row is about is granted to the login.
 */
function looks(table: string, granted: string): string[] {
  const own = `${table}.organisation = ${ORGANISATION}`;
  return [
    `grant select on fsp.${table} to ${everyAgency};`,
    policy(table, 'own_select', 'select', othersThanTheCounty, `${own} and (not ${table}.restricted or ${granted})`, null),
    policy(table, 'la_select', 'select', agencyRole('LA'), `(coalesce(${own}, true) and not ${table}.restricted) or ${granted}`, null),
  ];
}

const monthOf = (moment: string) => `date_trunc('month', (${moment}) at time zone 'UTC')::date`;

function ownLogin(table: string): string[] {
  return [
    `grant select on fsp.${table} to ${everyAgency};`,
    policy(table, 'own_select', 'select', everyAgency, `${table}.login = ${LOGIN}`, null),
  ];
}

/** Rows of the asking organisation, as far as `where` goes; written by functions alone. */
function ownOrganisation(where: string): (table: string) => string[] {
  return (table) => [
    `grant select on fsp.${table} to ${everyAgency};`,
    policy(table, 'own_select', 'select', everyAgency, `${table}.organisation = ${ORGANISATION} and ${where}`, null),
  ];
}

function gateOnly(table: string): string[] {
  return [`grant select on fsp.${table} to "{{db}}_gate";`, policy(table, 'gate_select', 'select', '"{{db}}_gate"', 'true', null)];
}

/** A table in which there is nobody, for the agencies to which the agreement gives its class. */
function openTable({ name, dataClass }: TableClass): string[] {
  const readers = AGENCIES.filter((agency) => levelOf(dataClass, agency) !== 'N')
    .map(agencyRole)
    .join(', ');
  return [`grant select on fsp.${name} to ${readers};`, policy(name, 'all_select', 'select', readers, 'true', null)];
}

function tableSection(table: TableClass): string[] {
  const head = `\n-- ${table.name}: ${table.dataClass}`;
  if (table.dataClass === 'DIRECTORY') {
    return [head, `grant select on fsp.${table.name} to ${everyAgency}, "{{db}}_gate", "{{db}}_recorder";`];
  }
  const machinery = MACHINERY[table.name];
  const rules = machinery
    ? machinery(table.name)
    : isPersonal(table.dataClass) || table.dataClass === 'STRUCTURE'
      ? personalTable(table)
      : isOfNobody(table.dataClass)
        ? openTable(table)
        : null;
  if (!rules) throw new Error(`Table ${table.name} of class ${table.dataClass} has no policy.`);
  return [
    head,
    `alter table fsp.${table.name} enable row level security;`,
    `alter table fsp.${table.name} force row level security;`,
    // Force binds the owner too; migrations, triggers and jobs work as the owner.
    policy(table.name, 'owner_all', 'all', '"{{owner}}"', 'true', 'true'),
    ...rules,
  ];
}

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(', ');

/** SQL that the organisation `org` has a row of its own about the family or person `asked`. */
function ownRows(kind: 'family' | 'person'): string {
  const tables = classifiedTables().filter((t) => t.own && isPersonal(t.dataClass) && t[kind] && (kind === 'family' || !t.family));
  return tables
    .map(({ name, own, [kind]: key }) => {
      const columns = (own?.columns ?? []).map((column) => `r.${column}`);
      const mine = columns.length > 1 ? `org in (${columns.join(', ')})` : `${columns[0]} = org`;
      return `exists (select from fsp.${name} r where r.${key} = asked and ${mine})`;
    })
    .join('\n      or ');
}

/**
 * What `fsp.lift_kept_from` and `fsp.keep_from` change together: a row, and the rows that are nothing without it, as far as they
 * name whom they are kept from. A row may name nobody itself and have a side that does: a conference and the chair's view.
 *
 * @returns table of the row, table of the part, the part's column with the row's key, and the part's own key.
 */
function keptFromParts(): [whole: string, part: string, key: string, own: string][] {
  const tables = classifiedTables().filter(({ family }) => family);
  const kept = tables.filter(({ keptFrom }) => keptFrom);
  return tables.filter(hasId).flatMap((whole): [string, string, string, string][] => [
    ...(whole.keptFrom ? [[whole.name, whole.name, 'id', 'id'] as [string, string, string, string]] : []),
    ...kept.flatMap((part) => {
      const belongs = part.table === whole.table ? undefined : keyTo(part, whole);
      return belongs ? [[whole.name, part.name, belongs, ownKey(part)] as [string, string, string, string]] : [];
    }),
  ]);
}

/** Tables whose rows belong to an intervention and name its worker, who changes with it; its own two are followed by name. */
const ofIntervention = (): string[] =>
  classifiedTables()
    .filter(({ table, name }) => {
      const columns = new Set(getTableConfig(table).columns.map((column) => column.name));
      return columns.has('intervention') && columns.has('worker') && name !== 'intervention_link' && name !== 'intervention_progress';
    })
    .map(({ name }) => name);

/** Tables beside a row whose rows have a class of their own, of a class that is the county's: name, key of the row, bit of the class. */
const rowClassSides = (): string =>
  classifiedTables()
    .filter((table) => table.rowMask && table.family && !hasId(table) && levelOf(table.dataClass, 'LA') === 'A')
    .map((table) => `('${table.name}', '${ownKey(table)}', ${bitOf(table.dataClass)}::bigint)`)
    .join(', ');

/** The columns by which rows belong to rows of other tables of people, as JSON by table: whoever changes a row does not move it. */
function heldBy(tables: TableClass[]): string {
  const held = tables.flatMap((table): [string, unknown][] => {
    const required = new Set(
      getTableConfig(table.table).columns.flatMap(({ name, notNull, primary }) => (notNull || primary ? [name] : [])),
    );
    const columns = parentsOf(table)
      .filter(
        ({ column, parent }) =>
          column !== table.person && column !== table.family && (required.has(column) || (table.family && parent.family)),
      )
      .map(({ column, parent }) => ({ column, parent: parent.name, key: ownKey(parent), required: required.has(column) }));
    return columns.length > 0 ? [[table.name, columns]] : [];
  });
  return jsonb(Object.fromEntries(held));
}

/** JSON with a line for each entry, so that a change of one is read as a change of one. */
function jsonLines(value: object): string {
  const lines = Array.isArray(value)
    ? value.map((each) => JSON.stringify(each))
    : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${JSON.stringify(each)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${close}`;
}

const jsonb = (value: object): string => `'${jsonLines(value)}'::jsonb`;

/** Something of each of some things, as a JSON object in SQL. */
const asJson = <T>(of: readonly T[], name: (each: T) => string, value: (each: T) => unknown): string =>
  jsonb(Object.fromEntries(of.map((each) => [name(each), value(each)])));

/** Tables whose rows are about a row of another: its type and its key. */
function aboutRows(): TableClass[] {
  const has = (table: TableClass, name: string) => getTableConfig(table.table).columns.some((column) => column.name === name);
  return classifiedTables().filter(
    (table) => isPersonal(table.dataClass) && hasId(table) && has(table, 'subject_type') && has(table, 'subject_id'),
  );
}

/** When each bundle is still what it was chosen for. */
const bundleEnds = () => Object.fromEntries(Object.entries(BUNDLES).map(([name, { stages, marac = false }]) => [name, { stages, marac }]));

/** The tables of people whose rows an organisation controls in a family, each with its class and whether its rows name a person. */
const heldRows = (): string =>
  classifiedTables()
    .filter(
      ({ table, dataClass, family }) =>
        isPersonal(dataClass) && family === 'family' && getTableConfig(table).columns.some(({ name }) => name === 'controller'),
    )
    .map(({ dataClass, name, person }) => `('${dataClass}', '${name}', ${person === 'person'})`)
    .join(',\n      ');

/** Tables of the machinery that logins write and amend, as those of people. */
const STAMPED_MACHINERY = new Set(['subject_access', 'retention_hold', 'erasure_proposal']);

/** The states in which a row of a table is over, as a table says whose rows are somebody's only until then. */
function statesOver(name: string): readonly string[] {
  const found = classifiedTables().find(({ own }) => own?.standing?.table === name);
  if (!found?.own?.standing) throw new Error(`Nothing says when a row of ${name} is over.`);
  return found.own.standing.over;
}

/** Puts into the written SQL what follows from the agencies and the agreement. */
function fillIn(sql: string): string {
  // The machinery has words of its own: who writes its class writes none of it.
  const written = classifiedTables().filter(
    (table) =>
      STAMPED_MACHINERY.has(table.name) ||
      (!Object.hasOwn(MACHINERY, table.name) && AGENCIES.some((agency) => insertPredicate(table, agency) !== null)),
  );
  const rowClasses = jsonb(
    Object.fromEntries(classifiedTables().flatMap(({ name, rowClassOf }) => (rowClassOf ? [[name, rowClassOf]] : []))),
  );
  const agencies = (...levels: Level[]) => quoted(AGENCIES.filter((agency) => levels.includes(levelOf('CLINICAL', agency)))) || 'null';
  const stages = PURPOSE_NAMES.flatMap((name) => {
    const { stages } = purposeRule(name);
    if (!stages) return [];
    const at = `coalesce(stage.stage, 'EARLY_HELP') in (${quoted(stages.only)})${stages.marac ? ' or coalesce(stage.marac, false)' : ''}`;
    return [`case when ${at} then ${stageBit(name)} else 0 end`];
  });
  return sql
    .replace(/\{\{word:(\w+)\}\}/g, (_, name: keyof typeof WORDS) => inSql(name))
    .replaceAll('{{agency_names}}', quoted(AGENCIES.map((agency) => agency.toLowerCase())))
    .replaceAll('{{everyone}}', `${everyAgency}, "{{db}}_gate", "{{db}}_recorder"`)
    .replaceAll('{{voucher_tries}}', String(LIMITS.voucherTries))
    .replaceAll(/\{\{(\w+)_over\}\}/g, (_, name: string) => quoted(statesOver(name)))
    .replaceAll('{{stage_purposes}}', `(${stages.join(' | ')})`)
    .replaceAll('{{members}}', everyAgency)
    .replaceAll('{{own_family_rows}}', ownRows('family'))
    .replaceAll('{{own_person_rows}}', ownRows('person'))
    .replaceAll('{{written}}', quoted(['outbox', 'idempotency', ...written.map(({ name }) => name)]))
    .replaceAll('{{amended}}', quoted(written.map(({ name }) => name)))
    .replaceAll('{{row_classes}}', rowClasses)
    .replaceAll('{{held_by}}', heldBy(written))
    .replaceAll('{{kept_from_rows}}', quoted([...new Set(keptFromParts().map(([whole]) => whole))]))
    .replaceAll(
      '{{kept_from_parts}}',
      keptFromParts()
        .map((names) => `(${quoted(names)})`)
        .join(', '),
    )
    .replaceAll('{{row_class_sides}}', rowClassSides())
    .replaceAll('{{of_intervention}}', quoted(ofIntervention()))
    .replaceAll('{{decides}}', jsonb(DECIDES))
    .replaceAll('{{bundles}}', jsonb(bundleEnds()))
    .replaceAll('{{at_risk}}', quoted(AT_RISK))
    .replaceAll('{{held_rows}}', heldRows())
    .replaceAll('{{all_classes}}', String(maskOf(PERSONAL_CLASSES)))
    .replaceAll('{{leak_group}}', String(maskOf(LEAK_GROUP)))
    .replaceAll('{{clinical_always}}', agencies('A', 'R'))
    .replaceAll('{{clinical_open}}', agencies('D', 'O/D'))
    .replaceAll('{{retractable}}', quoted(RETRACTABLE))
    .replaceAll(
      '{{kept_from_tables}}',
      classifiedTables()
        .filter(({ keptFrom }) => keptFrom)
        .map((table) => `(${quoted([table.name, ownKey(table)])})`)
        .join(', '),
    )
    .replaceAll('{{disputable}}', quoted(Object.keys(DISPUTABLE)))
    .replaceAll(
      '{{dispute_masks}}',
      asJson(
        classifiedTables().filter(({ name }) => Object.hasOwn(DISPUTABLE, name)),
        ({ name }) => name,
        ({ name, dataClass }) => String(bitOf(dataClass) | maskOf(DISPUTABLE[name] ?? [])),
      ),
    )
    .replaceAll('{{stand_alone}}', quoted(STAND_BY_THEMSELVES))
    .replaceAll(
      '{{about_rows}}',
      aboutRows()
        .map(({ name }) => `('${name}')`)
        .join(', '),
    )
    .replaceAll(
      '{{table_classes}}',
      asJson(
        classifiedTables().filter(({ dataClass }) => isPersonal(dataClass)),
        ({ name }) => name,
        ({ dataClass }) => dataClass,
      ),
    )
    .replaceAll(
      '{{own_columns}}',
      asJson(
        classifiedTables().filter(({ own }) => own && own.columns.length > 0),
        ({ name }) => name,
        ({ own }) => own?.columns,
      ),
    )
    .replaceAll('{{feedings}}', () =>
      feedings()
        .map(
          ({ table, type, key, family, classes, rowMask }) =>
            `(${quoted([table, type, key, family ?? '', String(classes), rowMask ?? ''])})`,
        )
        .join(',\n      '),
    )
    .replaceAll('{{inboxes}}', () =>
      inboxes()
        .map(({ table, type, key, organisations }) => `(${quoted([table, type, key, organisations.join(' ')])})`)
        .join(',\n      '),
    )
    .replaceAll('{{inbox_types}}', () => quoted(inboxTypes()))
    .replaceAll('{{fed_types}}', quoted(FED_TYPES))
    .replaceAll('{{fed_rows}}', () =>
      FED.filter((name) => name !== 'family' && name !== 'person')
        .map(
          (name) =>
            `select '${typeOfTable(name)}', r.id from fsp.${name} r where r.family = asked and '${typeOfTable(name)}' = any (types)`,
        )
        .join('\n    union all '),
    )
    .replaceAll('{{webhooks}}', String(LIMITS.webhooks))
    .replace(/\{\{dimension:(\w+)\}\}/g, (_, name: string) => DIMENSIONS[name]?.sql as string)
    .replaceAll('{{extract_columns}}', ['family', 'person', 'kind', ...new Set(DICTIONARY.map(({ name }) => snake(name)))].join(', '))
    .replaceAll('{{extract_known}}', CHECK.known.map((name) => `r.${snake(name)}`).join(', '))
    .replaceAll('{{extract_k}}', String(CHECK.k))
    .replaceAll('{{gathering}}', () => jsonLines(gathering()))
    .replaceAll('{{class_bits}}', `'${JSON.stringify(CLASS_BIT)}'::jsonb`);
}

/** The whole access SQL, the same text for the same agreement and tables. */
export function accessSql(): string {
  const functions = [
    './grants.sql',
    './sharing.sql',
    './front-door.sql',
    './evidence.sql',
    './record.sql',
    './retraction.sql',
    './dispute.sql',
    './merge.sql',
    './incident.sql',
    './rights.sql',
    './explain.sql',
    './directory.sql',
    './feed.sql',
    './webhook.sql',
    './news.sql',
    './housing.sql',
    './voucher.sql',
    './places.sql',
    './outcome.sql',
    './extract.sql',
  ]
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8').trim())
    .join('\n\n');
  const sections = classifiedTables().flatMap(tableSection);
  return [
    '-- Generated by `npm run db:generate` from src/access/agreement.ts and the tables. Do not edit.',
    `-- Agreement ${AGREEMENT_VERSION}. {{db}} and {{owner}} are put in when it is applied.`,
    '',
    fillIn(readFileSync(new URL('./roles.sql', import.meta.url), 'utf8')).trim(),
    '',
    fillIn(functions).trim(),
    ...sections,
    '',
  ].join('\n');
}
