/**
 * The SQL by which a grant opens a row. The database's policies and the compiler's predicates are both written here, so
 * that they cannot say different things.
 */
import { isBetweenOrganisations, type TableClass } from '../db/classified.ts';
import { AGREEMENT, type Level, levelOf } from './agreement.ts';
import { type Agency, CLASS_BIT, isPersonal, maskOf, PERSONAL_CLASSES, type PersonalClass } from './classes.ts';

const ofLevel = (agency: Agency, ...levels: Level[]) =>
  PERSONAL_CLASSES.filter((dataClass) => levels.includes(AGREEMENT[dataClass].levels[agency]));

/** Classes an agency has without any decision. `R` counts: within the login the API asks for the role. */
export const alwaysMask = (agency: Agency): bigint => maskOf(ofLevel(agency, 'A', 'R'));

/** Classes that a decision can open to an agency. */
export const openableMask = (agency: Agency): bigint => maskOf(ofLevel(agency, 'D', 'O/D'));

/** Classes of which an agency may see rows that are its own. */
export const ownableMask = (agency: Agency): bigint => maskOf(ofLevel(agency, 'A', 'R', 'O', 'O/D'));

/** Names of the grant tables' rows within one predicate; they differ where predicates stand inside each other. */
type Aliases = { family: string; person: string };

const grants: Aliases = { family: 'fg', person: 'pg' };

/** The classes of family grant and person grant together, as one mask. Either alias may be absent. */
export function effectiveMask(agency: Agency, family: string | undefined, person: string | undefined): string {
  const shared: string[] = [];
  const withheld: string[] = [];
  if (family) {
    shared.push(`${family}.shared`);
    withheld.push(`${family}.withheld`);
  }
  if (person) {
    shared.push(`${person}.shared`);
    withheld.push(`${person}.withheld`);
    if (!family) {
      shared.push(`${person}.family_shared`);
      withheld.push(`${person}.family_withheld`);
    }
  }
  return `((${alwaysMask(agency)} | ((${shared.join(' | ')}) & ${openableMask(agency)})) & ~(${withheld.join(' | ')}))`;
}

/** SQL that a grant is of today: by its period's ends, which are compared in two thirds of the time that a range takes. */
export const isNow = (grant: string): string => `${grant}.starts <= now() and ${grant}.ends > now()`;

/** The bit of a class as a number for SQL; 0 for a class without one. */
export function bitOf(dataClass: TableClass['dataClass']): bigint {
  return isPersonal(dataClass) ? 1n << BigInt(CLASS_BIT[dataClass as PersonalClass]) : 0n;
}

/**
 * A scalar subquery that is true where a grant of today opens the row `alias`, else null. Scalar, so that it is an
 * index probe; `exists` may become a hash of the whole grant table.
 *
 * @param login the login's id, in a plan. In a policy it is left out: the grant tables' own policy, which is on the
 *   session's login, says it already, and to say it twice costs a tenth of a statement.
 * @param as `writer`: the row is to be the organisation's own, so that it needs no decision for classes of which the
 *   agreement gives it own rows. Nobody is kept from what they write themselves.
 */
export function grantProbe(
  table: TableClass,
  alias: string,
  agency: Agency,
  login: string | null,
  as: 'reader' | 'writer' = 'reader',
): string {
  if (isBetweenOrganisations(table)) return 'false';
  if (table.personOptional) {
    const { person: _person, personOptional: _optional, ...whole } = table;
    const named = { ...whole, person: table.person } as TableClass;
    return `(case when ${alias}.${table.person} is null then ${grantProbe(whole, alias, agency, login, as)} else ${grantProbe(named, alias, agency, login, as)} end)`;
  }
  const { family, person } = grants;
  const froms: string[] = [];
  const wheres: string[] = [];
  if (table.family) {
    froms.push(`fsp.family_grant ${family}`);
    if (login !== null) wheres.push(`${family}.login = ${login}`);
    wheres.push(`${family}.family = ${alias}.${table.family}`, isNow(family));
  }
  if (table.person) {
    froms.push(`fsp.person_grant ${person}`);
    if (login !== null) wheres.push(`${person}.login = ${login}`);
    wheres.push(`${person}.person = ${alias}.${table.person}`, isNow(person));
  }
  const mask = effectiveMask(agency, table.family && family, table.person && person);
  const has = (needs: string[], given: string) => {
    const need = needs.length > 1 ? `(${needs.join(' | ')})` : needs[0];
    if (need !== undefined && need !== '0') wheres.push(`(${given} & ${need}) = ${need}`);
  };
  const classes = [bitOf(table.dataClass).toString(), ...(table.rowMask ? [`${alias}.${table.rowMask}`] : [])];
  // An unborn child's row asks for its class of everybody, also of who would write it.
  const ofPerson = table.person ? [`${person}.needs`] : [];
  if (as === 'reader') has([...classes, ...ofPerson], mask);
  else {
    has(classes, `(${mask} | ${ownableMask(agency)})`);
    has(ofPerson, mask);
  }
  if (table.other) {
    const second = 'og';
    froms.push(`fsp.person_grant ${second}`);
    if (login !== null) wheres.push(`${second}.login = ${login}`);
    wheres.push(`${second}.person = ${alias}.${table.other}`, isNow(second));
    const of = `(${bitOf(table.dataClass)} | ${second}.needs)`;
    wheres.push(`(${effectiveMask(agency, table.family && family, second)} & ${of}) = ${of}`);
  }
  if (as === 'reader' && table.keptFrom && table.family) {
    wheres.push(`not coalesce(${family}.only_with <@ ${alias}.${table.keptFrom}, false)`);
  }
  return `(select true from ${froms.join(', ')} where ${wheres.join(' and ')})`;
}

/** A row that is the organisation's own, by the agreement's levels for the agency; null where the table knows no own. */
export function ownProbe(table: TableClass, alias: string, agency: Agency, organisation: string): string | null {
  const level = levelOf(table.dataClass, agency);
  if (!table.own || level === 'N' || level === 'D') return null;
  // A person's own tables say nothing of a family; what the grant does not open there only `O` can.
  if (!table.family && !isBetweenOrganisations(table) && level !== 'O' && level !== 'O/D') return null;
  const ways = table.own.columns.map((column) => `${alias}.${column} = ${organisation}`);
  if (table.own.through) ways.push(table.own.through(alias, organisation));
  const parts = [ways.length > 1 ? `(${ways.join(' or ')})` : (ways[0] as string)];
  if (table.rowMask) parts.push(`(${alias}.${table.rowMask} & ~${ownableMask(agency)}::bigint) = 0`);
  if (table.family) {
    const open = `fsp.own_open(${alias}.${table.family})`;
    parts.push(table.familyOptional ? `(${alias}.${table.family} is null or ${open})` : open);
    if (table.own.ofOthers)
      parts.push(
        `(select true from fsp.family_grant closed where closed.family = ${alias}.${table.family} and ${isNow('closed')} and closed.guarded limit 1) is null`,
      );
  } else if (table.person) parts.push(`fsp.own_open_person(${alias}.${table.person})`);
  return `(${parts.join(' and ')})`;
}
