/** What one request may see of a class of data: the agreement, the purpose, the roles and the scopes together. */
import {
  ACTS,
  COPIED_BY_PROMISE,
  levelOf,
  OWN_FAMILIES,
  PURPOSES,
  type PurposeRule,
  purposesOf,
  ROLE_CLOSES,
  ROLES_FOR,
  writersOf,
} from './agreement.ts';
import { type DataClass, isPersonal, maskOf, PERSONAL_CLASSES, type PersonalClass } from './classes.ts';
import { type Client, hasRole } from './client.ts';

/** Why a field is refused; public words of the API. */
export type Refusal = 'NOT_SHARED_WITH_AGENCY' | 'NOT_FOR_THIS_PURPOSE' | 'NOT_FOR_THIS_ROLE' | 'NOT_YOURS_TO_WRITE';

/**
 * - `all`: every row that the database opens.
 * - `own`: own rows only, by the agreement's level; the database sees to it.
 * - `own-by-purpose`: own rows only, because the purpose opens no more; the plan sees to it.
 */
export type Access = { open: 'all' | 'own' | 'own-by-purpose' } | { open: false; reason: Refusal };

const refused = (reason: Refusal): Access => ({ open: false, reason });

/**
 * Whether what is shown goes into a system that has not declared that it keeps it from those from whom it is kept here: a record
 * system's copy, or the feed's.
 */
export const copiesUnpromised = (client: Pick<Client, 'purpose' | 'honoursRestrictions' | 'copies'>): boolean =>
  !client.honoursRestrictions && (client.copies === true || client.purpose === 'RECORD_SYNC');

/** Whether the organisation's own rows are narrowed to those of the user: who checks it, checks what all of its users did. */
export const narrowedToUser = (client: Client): boolean =>
  (client.agency === 'TEAM' || client.agency === 'PROVIDER') && client.purpose !== 'GOVERNANCE';

/** Whether inside the county the user's role opens only the families of their own teams, and those that name them. */
export const ownFamiliesOnly = (client: Pick<Client, 'agency' | 'scopes'>): boolean =>
  client.agency === 'LA' &&
  OWN_FAMILIES.roles.some((role) => hasRole(client, role)) &&
  !OWN_FAMILIES.except.some((role) => hasRole(client, role));

/** What a request may read of a class. */
export function mayRead(client: Client, dataClass: DataClass): Access {
  if (dataClass === 'STRUCTURE' || dataClass === 'DIRECTORY') return { open: 'all' };
  const level = levelOf(dataClass, client.agency);
  if (level === 'N') return refused('NOT_SHARED_WITH_AGENCY');
  if (level === 'R' && !(ROLES_FOR[dataClass] ?? []).some((role) => hasRole(client, role))) return refused('NOT_FOR_THIS_ROLE');
  for (const [role, closes] of Object.entries(ROLE_CLOSES)) {
    if (hasRole(client, role) && closes(dataClass)) return refused('NOT_FOR_THIS_ROLE');
  }
  if (!isPersonal(dataClass)) return { open: 'all' };
  if (!client.scopes.has('family:read')) return refused('NOT_FOR_THIS_ROLE');
  if (COPIED_BY_PROMISE.includes(dataClass) && copiesUnpromised(client)) return refused('NOT_FOR_THIS_ROLE');
  const rule: PurposeRule = PURPOSES[client.purpose];
  if (rule.role && !hasRole(client, rule.role)) return refused('NOT_FOR_THIS_ROLE');
  if (rule.opens.includes(dataClass)) return { open: level === 'O' ? 'own' : 'all' };
  // "Own" of a class that comes only by decision is nothing: the agreement gives it no own rows.
  if (rule.ownRows.includes(dataClass) && level !== 'D') return { open: 'own-by-purpose' };
  return refused('NOT_FOR_THIS_PURPOSE');
}

/**
 * Whether a request may write a class by a command. An act between organisations is open to whom it is for: they need
 * not be able to read the class of everything that they say by it. What is never for their agency they do not say either.
 */
export function mayWrite(client: Client, dataClass: DataClass, command: string): Access {
  if (dataClass === 'STRUCTURE') return { open: 'all' };
  const writers = writersOf(dataClass, command).filter(({ agencies }) => agencies.includes(client.agency));
  if (writers.length === 0) return refused('NOT_YOURS_TO_WRITE');
  if (!writers.some(({ scope }) => client.scopes.has(scope))) return refused('NOT_FOR_THIS_ROLE');
  if (purposesOf(command)?.includes(client.purpose) === false) return refused('NOT_FOR_THIS_PURPOSE');
  // What is done under some purposes alone is done by those whose purposes they are.
  const { role } = PURPOSES[client.purpose] as PurposeRule;
  if (purposesOf(command) && role && !hasRole(client, role)) return refused('NOT_FOR_THIS_ROLE');
  if (Object.hasOwn(ACTS, command)) return levelOf(dataClass, client.agency) === 'N' ? refused('NOT_SHARED_WITH_AGENCY') : { open: 'all' };
  const read = mayRead(client, dataClass);
  return read.open === false ? read : { open: 'all' };
}

/** The masks a plan needs for rows that carry a class of their own. */
export type Masks = { all: bigint; own: bigint };

/** Classes open in full, and classes of which own rows are open, for a request. */
export function requestMasks(client: Client): Masks {
  const all: PersonalClass[] = [];
  const own: PersonalClass[] = [];
  for (const dataClass of PERSONAL_CLASSES) {
    const access = mayRead(client, dataClass);
    if (access.open === 'all') all.push(dataClass);
    else if (access.open !== false) own.push(dataClass);
  }
  return { all: maskOf(all), own: maskOf(own) };
}
