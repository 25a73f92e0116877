/**
 * What a plan adds to the database's policies: rules about purpose and user, which a login cannot know. Every
 * predicate of the plan is written here.
 */
import { isBetweenOrganisations, type TableClass } from '../db/classified.ts';
import { ADOPTION_ROLE, LEAK_GROUP, levelOf, PURPOSES, type PurposeRule, stageBit } from './agreement.ts';
import { type DataClass, maskOf, PERSONAL_CLASSES } from './classes.ts';
import { type Client, hasRole } from './client.ts';
import { copiesUnpromised, mayRead, narrowedToUser, ownFamiliesOnly, requestMasks } from './decide.ts';
import { bitOf, effectiveMask, grantProbe, isNow, openableMask, ownProbe } from './masks.ts';

/** The user is bound in every statement, always as the first parameter. */
export const USER = '$1::text';

const CLINICAL = maskOf(['CLINICAL']);

/** SQL that a grant is of today and of the plan's login; the literal tells PostgreSQL how many rows it has. */
export const ofLogin = (client: Client, grant: string) => `${grant}.login = ${client.login.id} and ${isNow(grant)}`;

const purposeOf = (client: Client): PurposeRule => PURPOSES[client.purpose];

/** SQL that a grant's family, or one of its person's families, stands at the stages of this purpose; empty: at every stage. */
function atStages(client: Client, grant: string): string[] {
  const { stages } = purposeOf(client);
  return stages && !stages.exempt.includes(client.agency) ? [`(${grant}.purposes & ${stageBit(client.purpose)}) <> 0`] : [];
}

/** A rule of the database about users (`fsp.user_rule`) of one family, or of one person in whichever family. */
const userRule = (client: Client, kind: string, of: 'family' | 'person', key: string, more = '') =>
  `(select true from fsp.user_rule r where r.login = ${client.login.id} and r.kind = '${kind}' and r.${of} = ${key}${of === 'family' ? ' and r.person is null' : ''} and ${isNow('r')}${more} limit 1)`;

const MINE = ` and ${USER} = any (r.subjects)`;

/** SQL arrays of the families and the persons from whom the user is barred by a conflict of interest, where a statement has looked them up. */
export type Barred = Record<'family' | 'person', string>;

/** SQL of a row with both arrays, `family` and `person`, for a statement to look up once. Null: nobody is barred who is nobody. */
export function barredRow(client: Client): string | null {
  if (client.user === null) return null;
  const keys = (of: string, only: string) => `coalesce(array_agg(r.${of}) filter (where ${only}), '{}') as ${of}`;
  return `select ${keys('family', 'r.person is null')}, ${keys('person', 'r.person is not null')} from fsp.user_rule r where r.login = ${client.login.id} and r.kind = 'barred' and ${isNow('r')}${MINE}`;
}

/** Who has a conflict of interest does not see the family, nor anybody who ever belonged to it, in whichever other family. */
export function notBarred(client: Client, of: 'family' | 'person', key: string, barred?: Barred | null): string[] {
  if (client.user === null) return [];
  return [barred ? `(${key} = any (${barred[of]})) is not true` : `${userRule(client, 'barred', of, key, MINE)} is null`];
}

/** The record of a child before an adoption is there for the adoption role alone; restricted, it is on a sealed login at all. */
const beforeAdoption = (client: Client, of: 'family' | 'person', key: string): string[] =>
  client.login.sealed && !hasRole(client, ADOPTION_ROLE) ? [`${userRule(client, 'adoption', of, key)} is null`] : [];

/**
 * What stands at an entry because of the user: no conflict of interest, the role for what was before an adoption, and an emergency that
 * is the user's own.
 */
function ofUser(client: Client, of: 'family' | 'person', key: string, barred?: Barred | null): string[] {
  return [
    ...notBarred(client, of, key, barred),
    ...beforeAdoption(client, of, key),
    ...(purposeOf(client).opened ? [userRule(client, 'opened', of, key, MINE)] : []),
  ];
}

/**
 * SQL that, where somebody's whereabouts are protected, the user is named with that very person. The database has asked the same of
 * the organisation. A record system holds the record whole.
 */
export function unguarded(client: Client, dataClass: DataClass, of: 'family' | 'person', key: string): string | null {
  if (!(LEAK_GROUP as readonly DataClass[]).includes(dataClass) || client.purpose === 'RECORD_SYNC') return null;
  const named = `select from fsp.user_rule n where n.login = r.login and n.kind = 'named' and n.family = r.family and n.person is null and n.about = r.about and (n.subjects = '{}' or ${USER} = any (n.subjects)) and ${isNow('n')}`;
  return `${userRule(client, 'guarded', of, key, ` and not exists (${named})`)} is null`;
}

/** SQL that somebody's whereabouts are protected in a family, or of a person; null where the agency is not told why it sees less. */
export const whereaboutsProtected = (client: Client, of: 'family' | 'person', key: string): string | null =>
  client.agency === 'LA' || client.agency === 'TEAM' ? userRule(client, 'guarded', of, key) : null;

/**
 * SQL that the user's own emergencies in a family, or in one of a person's families, open these classes: on its login stands what
 * colleagues opened as well. Null: the purpose asks for none.
 */
export function openedHere(client: Client, of: 'family' | 'person', key: string, classes: string): string | null {
  if (!purposeOf(client).opened) return null;
  const mine = `from fsp.user_rule r where r.login = ${client.login.id} and r.kind = 'opened' and r.${of} = ${key}${of === 'family' ? ' and r.person is null' : ''} and ${isNow('r')}${MINE}`;
  return `((select coalesce(bit_or(r.mask), 0) ${mine}) & ${classes}) = ${classes}`;
}

/** What closes a family to the user closes the rows between organisations that have turned out to be about it. */
function aboutOpen(table: TableClass, alias: string, client: Client, barred?: Barred | null): string[] {
  const families = table.own?.families;
  if (!families) return [];
  const closed = [
    ...notBarred(client, 'family', 'about.family', barred),
    // At the county alone: others know what they said, and were told.
    ...(client.agency === 'LA' ? [unguarded(client, table.dataClass, 'family', 'about.family')] : []),
  ].filter((rule) => rule !== null);
  return closed.length === 0 ? [] : [`(select true from ${families(alias)} about where not (${closed.join(' and ')}) limit 1) is null`];
}

/** Rules about the user that stand at every entry: a team's user must be named in the team, but for who checks what the team does. */
function userEntry(client: Client): string[] {
  if (client.agency !== 'TEAM' || !narrowedToUser(client)) return [];
  return [
    `(select true from fsp.team_member named where named.organisation = ${client.organisation.id} and named.subject = ${USER} and named."from" <= now() and coalesce(named.until, 'infinity') > now() limit 1)`,
  ];
}

/** What an entry of the county asks of a practitioner: the family is their team's, or names them. The teams are looked up once a statement. */
function inHands(client: Client, grant: string): string[] {
  if (!ownFamiliesOnly(client)) return [];
  const teams = `(select array_agg(mine.organisation) from fsp.team_member mine where mine.subject = ${USER} and mine."from" <= now() and coalesce(mine.until, 'infinity') > now())`;
  return [`(${grant}.teams is null or ${grant}.teams && ${teams} or ${USER} = any (${grant}.workers))`];
}

/** A family is entered through its grant: the predicates on that grant's row. */
export function familyEntry(client: Client, grant: string, barred?: Barred | null): string[] {
  return [
    ofLogin(client, grant),
    ...userEntry(client),
    ...inHands(client, grant),
    ...atStages(client, grant),
    ...ofUser(client, 'family', `${grant}.family`, barred),
  ];
}

/** A person is entered through the person's grant; `needs` is tested here as the policies test it. */
export function personEntry(client: Client, grant: string, barred?: Barred | null): string[] {
  const predicates = [
    ofLogin(client, grant),
    ...userEntry(client),
    ...inHands(client, grant),
    ...atStages(client, grant),
    ...ofUser(client, 'person', `${grant}.person`, barred),
    `(${effectiveMask(client.agency, undefined, grant)} & ${grant}.needs) = ${grant}.needs`,
  ];
  if (purposeOf(client).agreedOnly) predicates.push(`${grant}.agreed`);
  if (closesNeeds(client)) predicates.push(`(${grant}.needs & ~${requestMasks(client).all}::bigint) = 0`);
  return predicates;
}

/** Whether an unborn child, opened by decision, is closed by this purpose. */
function closesNeeds(client: Client): boolean {
  return (openableMask(client.agency) & CLINICAL) !== 0n && (requestMasks(client).all & CLINICAL) === 0n;
}

/** A row that is the organisation's own and, for a team or provider, the user's. */
function ownRow(table: TableClass, alias: string, client: Client): string {
  const own = ownProbe(table, alias, client.agency, String(client.organisation.id));
  if (!own) return 'false';
  if (!narrowedToUser(client)) return own;
  const ways: string[] = [];
  if (table.own?.user) {
    const user = `${alias}.${table.own.user}`;
    ways.push(`${table.own.unassigned ? `coalesce(${user}, ${USER})` : user} = ${USER}`);
  }
  if (table.own?.userThrough) ways.push(table.own.userThrough(alias, USER));
  return ways.length > 0 ? `(${own} and (${ways.join(' or ')}))` : 'false';
}

/** SQL of `unguarded` that the statement has worked out already for a row's family or person; called only where it is needed. */
export type Known = Partial<Record<'family' | 'person', () => string>>;

/**
 * What the request's purpose, roles and user say of the rows of a table of personal data.
 *
 * @param known of the family or person that these rows are known to be about.
 */
export function rowPredicates(table: TableClass, alias: string, client: Client, known: Known = {}, barred?: Barred | null): string[] {
  const access = mayRead(client, table.dataClass);
  if (access.open === false) return ['false'];
  const predicates: string[] = [];
  const narrowed = narrowedToUser(client);
  const byGrant = () => grantProbe(table, alias, client.agency, String(client.login.id));
  if (access.open === 'own-by-purpose') predicates.push(ownRow(table, alias, client));
  else if (narrowed && access.open === 'own') predicates.push(ownRow(table, alias, client));
  // The policy opens the organisation's own rows beside the grant, also where a decision withholds the class: of these
  // the user sees their own.
  else if (narrowed && ownProbe(table, alias, client.agency, String(client.organisation.id)))
    predicates.push(`(${byGrant()} or ${ownRow(table, alias, client)})`);

  if (table.rowMask) {
    const { all, own } = requestMasks(client);
    const column = `${alias}.${table.rowMask}`;
    const within = (mask: bigint) => `(${column} & ~${mask}::bigint) = 0`;
    // Of a narrowed agency's classes, those with own rows are open by decision, or as the user's own.
    const byDecision = narrowed ? maskOf(PERSONAL_CLASSES.filter((c) => levelOf(c, client.agency) === 'O/D')) & all : 0n;
    const ways = [within(all & ~byDecision), `(${within(all | own)} and ${ownRow(table, alias, client)})`];
    if (byDecision !== 0n) ways.push(`(${within(all)} and ${byGrant()})`);
    // Where the purpose closes nothing and nobody is narrowed, the policy has said it all.
    if (narrowed || all !== maskOf(PERSONAL_CLASSES)) predicates.push(`(${ways.join(' or ')})`);
  }
  // Of others' rows; of its own an organisation knows what they say. At the county, whose every row is its own, the user counts.
  const of = table.family ? 'family' : 'person';
  const about = table.family ?? table.person;
  const rule = about ? unguarded(client, table.dataClass, of, `${alias}.${about}`) : null;
  const guarded = rule && (known[of]?.() ?? rule);
  if (guarded) predicates.push(client.agency === 'LA' || table.own?.ofOthers ? guarded : `(${guarded} or ${ownRow(table, alias, client)})`);
  const classes = table.rowMask ? `(${bitOf(table.dataClass)} | ${alias}.${table.rowMask})` : bitOf(table.dataClass).toString();
  const opened =
    (table.family && openedHere(client, 'family', `${alias}.${table.family}`, classes)) ||
    (table.person && openedHere(client, 'person', `${alias}.${table.person}`, classes));
  if (opened) predicates.push(client.agency === 'LA' ? opened : `(${opened} or ${ownRow(table, alias, client)})`);
  predicates.push(...aboutOpen(table, alias, client, barred));
  // Who asks in an emergency works on families, not on what passes between organisations.
  if (purposeOf(client).opened && isBetweenOrganisations(table)) return ['false'];
  if (table.keptFrom && (table.family || isBetweenOrganisations(table))) predicates.push(...keptFromUser(table, alias, client));
  // Nor is anything told of whoever belongs to a family that the user is barred from.
  for (const person of [table.person, table.other])
    if (table.family && person) predicates.push(...notBarred(client, 'person', `${alias}.${person}`, barred));
  if (purposeOf(client).agreedOnly) predicates.push(...agreedOnly(table, alias, client));
  if (closesNeeds(client)) {
    for (const person of [table.person, table.other]) {
      if (!person) continue;
      predicates.push(
        `coalesce((select (closed.needs & ~${requestMasks(client).all}::bigint) = 0 from fsp.person_grant closed where ${ofLogin(client, 'closed')} and closed.person = ${alias}.${person}), true)`,
      );
    }
  }
  return predicates;
}

/** What is kept from a person does not exist for a user who works with that person only. */
function keptFromUser(table: TableClass, alias: string, client: Client): string[] {
  const column = `${alias}.${table.keptFrom}`;
  if (copiesUnpromised(client)) return [`${column} = '{}'`];
  if (client.user === null) {
    // Without a user nobody can say whom they work with; a record system holds the record whole.
    return client.purpose === 'RECORD_SYNC' ? [] : [`${column} = '{}'`];
  }
  // A row between organisations names no family: whom the user works with, in whichever family, decides.
  const sameFamily = table.family ? ` and focus.family = ${alias}.${table.family}` : '';
  return [
    `(${column} = '{}' or (select true from fsp.user_focus focus where focus.login = ${client.login.id} and focus.subject = ${USER}${sameFamily} and ${isNow('focus')} and focus.only_with <@ ${column} limit 1) is null)`,
  ];
}

function agreedOnly(table: TableClass, alias: string, client: Client): string[] {
  if (!table.person && !table.people) return table.family ? ['false'] : [];
  const about = table.person ? `= ${alias}.${table.person}` : `in ${table.people?.(alias)}`;
  return [
    `(select true from fsp.person_grant consent where ${ofLogin(client, 'consent')} and consent.person ${about} and consent.agreed limit 1)`,
  ];
}

/**
 * A row of a family entered without the family (by `node(id)`, in a payload): its family is there for this purpose, or
 * the row is the caller's own.
 */
export function rowEntry(table: TableClass, alias: string, client: Client, barred?: Barred | null): string[] {
  // An extract's rows are there with the extract: who reads them is never told of whom they are.
  if (table.dataClass === 'RESEARCH') return [];
  // Nor is there anything about somebody whom the user must not meet; of a family's rows the rows' own predicates say it.
  if (!table.family)
    return [table.person, table.other].flatMap((person) => (person ? notBarred(client, 'person', `${alias}.${person}`, barred) : []));
  const inFamily = `(select true from fsp.family_grant entry where ${familyEntry(client, 'entry', barred).join(' and ')} and entry.family = ${alias}.${table.family})`;
  // Every family is the county's: to it, a row's being its own says nothing of the family's stage.
  if (client.agency === 'LA') return [table.familyOptional ? `(${alias}.${table.family} is null or ${inFamily})` : inFamily];
  const own = [...userEntry(client), ...ofUser(client, 'family', `${alias}.${table.family}`, barred), ownRow(table, alias, client)];
  return [`(${inFamily} or (${own.join(' and ')}))`];
}
