/**
 * The agreement as SQL: agency roles, table grants, row-level security. Written to `drizzle/access.sql` by
 * `npm run db:generate`, applied after the table migrations, and compared with the database at every start.
 * `{{db}}` and `{{owner}}` stand for the database's name and its owner: role names belong to the whole cluster.
 */
import { readFileSync } from 'node:fs';
import { classifiedTables, type TableClass } from '../db/classified.ts';
import { AGREEMENT_VERSION, type Level, levelOf, PURPOSE_NAMES, purposeRule, stageBit, WRITERS } from './agreement.ts';
import { AGENCIES, type Agency, CLASS_BIT, isPersonal, PERSONAL_CLASSES } from './classes.ts';
import { grantProbe, ownProbe } from './masks.ts';

const LOGIN = '(select fsp.current_login())';
const ORGANISATION = '(select fsp.current_organisation())';

/** The role of an agency, of which each of its organisations' logins is a member. */
export const agencyRole = (agency: Agency) => `"{{db}}_agency_${agency.toLowerCase()}"`;

const everyAgency = AGENCIES.map(agencyRole).join(', ');

/** Agencies that may write anything at all. */
const writers = AGENCIES.filter((agency) => Object.values(WRITERS).some((writer) => writer.agencies.includes(agency)))
  .map(agencyRole)
  .join(', ');

function selectPredicate(table: TableClass, agency: Agency): string | null {
  const level = levelOf(table.dataClass, agency);
  // An agency that is given nothing about people is not told that there are any.
  if (level === 'N' || PERSONAL_CLASSES.every((dataClass) => levelOf(dataClass, agency) === 'N')) return null;
  const ways: string[] = [];
  if (level !== 'O') ways.push(grantProbe(table, table.name, agency, null));
  // The county has a grant on every family there is: what its grant does not open is not opened by being its own.
  const always = level === 'A' || level === 'R';
  const own = agency === 'LA' && always ? null : ownProbe(table, table.name, agency, ORGANISATION);
  if (own) ways.push(own);
  return ways.length > 0 ? ways.join('\n    or ') : null;
}

/** A row is written by the organisation that controls it, into a family and about persons that it sees. */
function insertPredicate(table: TableClass, agency: Agency): string | null {
  const writers = WRITERS[table.dataClass];
  if (!writers?.agencies.includes(agency) || !table.family) return null;
  const { keptFrom: _keptFrom, ...seen } = table;
  return `${table.name}.controller = ${ORGANISATION}\n    and ${grantProbe(seen, table.name, agency, null)}`;
}

const policy = (table: string, name: string, verb: string, role: string, using: string | null, check: string | null) =>
  `create policy ${name} on fsp.${table} for ${verb} to ${role}` +
  `${using ? `\n  using (${using})` : ''}${check ? `\n  with check (${check})` : ''};`;

/** Tables whose rows are opened by grants: one permissive policy for each role and verb. */
function personalTable(table: TableClass): string[] {
  const lines: string[] = [];
  for (const agency of AGENCIES) {
    const role = agencyRole(agency);
    const name = agency.toLowerCase();
    const select = selectPredicate(table, agency);
    if (select) {
      lines.push(`grant select on fsp.${table.name} to ${role};`);
      lines.push(policy(table.name, `${name}_select`, 'select', role, select, null));
    }
    const insert = insertPredicate(table, agency);
    if (insert) {
      lines.push(`grant insert on fsp.${table.name} to ${role};`);
      lines.push(policy(table.name, `${name}_insert`, 'insert', role, null, insert));
    }
  }
  return lines;
}

/** Tables of the machinery, each with its own short word on who may do what. */
const MACHINERY: Record<string, (table: string) => string[]> = {
  family_grant: ownLogin,
  person_grant: ownLogin,
  user_focus: ownLogin,
  team_member: (t) => [
    `grant select on fsp.${t} to ${everyAgency}, "{{db}}_gate";`,
    policy(t, 'own_select', 'select', everyAgency, `${t}.organisation = ${ORGANISATION}`, null),
    policy(t, 'gate_select', 'select', '"{{db}}_gate"', 'true', null),
  ],
  client: gateOnly,
  app_user: gateOnly,
  revoked_token: gateOnly,
  sealed_user: gateOnly,
  sharing_decision: () => [],
  outbox: (t) => [
    `grant insert on fsp.${t} to ${writers};`,
    policy(t, 'own_insert', 'insert', writers, null, `${t}.organisation = ${ORGANISATION}`),
  ],
  idempotency: (t) => [
    `grant select, insert on fsp.${t} to ${writers};`,
    policy(t, 'own_select', 'select', writers, `${t}.organisation = ${ORGANISATION}`, null),
    policy(t, 'own_insert', 'insert', writers, null, `${t}.organisation = ${ORGANISATION}`),
    // A key's result is written once, by the transaction that claimed it.
    `grant update (result) on fsp.${t} to ${writers};`,
    policy(
      t,
      'own_update',
      'update',
      writers,
      `${t}.organisation = ${ORGANISATION} and ${t}.result = '{}'`,
      `${t}.organisation = ${ORGANISATION}`,
    ),
  ],
  disclosure: (t) => [
    `grant insert on fsp.${t} to "{{db}}_recorder";`,
    policy(t, 'recorder_insert', 'insert', '"{{db}}_recorder"', null, 'true'),
  ],
};

function ownLogin(table: string): string[] {
  return [
    `grant select on fsp.${table} to ${everyAgency};`,
    policy(table, 'own_select', 'select', everyAgency, `${table}.login = ${LOGIN}`, null),
  ];
}

function gateOnly(table: string): string[] {
  return [`grant select on fsp.${table} to "{{db}}_gate";`, policy(table, 'gate_select', 'select', '"{{db}}_gate"', 'true', null)];
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

/** Puts into the written SQL what follows from the agencies and the agreement. */
function fillIn(sql: string): string {
  const agencies = (...levels: Level[]) => quoted(AGENCIES.filter((agency) => levels.includes(levelOf('CLINICAL', agency)))) || 'null';
  const stages = PURPOSE_NAMES.flatMap((name) => {
    const { stages } = purposeRule(name);
    if (!stages) return [];
    const at = `coalesce(stage.stage, 'EARLY_HELP') in (${quoted(stages.only)})${stages.marac ? ' or coalesce(stage.marac, false)' : ''}`;
    return [`case when ${at} then ${stageBit(name)} else 0 end`];
  });
  return sql
    .replaceAll('{{agency_names}}', quoted(AGENCIES.map((agency) => agency.toLowerCase())))
    .replaceAll('{{everyone}}', `${everyAgency}, "{{db}}_gate", "{{db}}_recorder"`)
    .replaceAll('{{stage_purposes}}', `(${stages.join(' | ')})`)
    .replaceAll('{{clinical_always}}', agencies('A', 'R'))
    .replaceAll('{{clinical_open}}', agencies('D', 'O/D'))
    .replaceAll('{{class_bits}}', `'${JSON.stringify(CLASS_BIT)}'::jsonb`);
}

/** The whole access SQL, the same text for the same agreement and tables. */
export function accessSql(): string {
  const functions = readFileSync(new URL('./grants.sql', import.meta.url), 'utf8');
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
