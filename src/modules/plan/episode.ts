/** Opening a child's episode of need: what every way into statutory help calls. */
import { eq } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import { checkCodes } from '../../change/codes.ts';
import type { UserError } from '../../change/command.ts';
import { notFound, visibleMembers, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { episode, episodeNeed } from './legal.ts';
import { oneAtATime } from './stage.ts';

/** `on`: the day of the referral, ISO. `source`, `primaryNeed`: codes of the lists `referral-source` and `primary-need`. */
export type OpenEpisode = {
  family: number;
  person: number;
  on: string;
  source: string;
  primaryNeed?: string | null;
  noFurtherAction?: boolean;
  /** Entered late, or mirrored from the record system: what breaks a census rule warns and is written all the same. */
  historical?: boolean;
};

export type Opened = { errors: UserError[] } | { id: number; warnings: UserError[] };

const RE_REFERRAL_MONTHS = 12;

/** What of an episode to open breaks the census' rules, beside the child's other episodes. */
export function episodeFaults(
  given: Pick<OpenEpisode, 'on' | 'noFurtherAction' | 'primaryNeed'>,
  others: { referredOn: string; closedOn: string | null; noFurtherAction: boolean }[],
): UserError[] {
  const errors: UserError[] = [];
  const rule = (code: string, message: string, ...path: string[]) => errors.push({ code: 'RULE', message, path, rule: code });
  if (given.noFurtherAction) return errors;
  if (!given.primaryNeed) rule('8610', 'A referral that leads to further action has a primary need: N1 to N9, or N0.', 'primaryNeed');
  const acted = others.filter(({ noFurtherAction }) => !noFurtherAction);
  if (acted.some(({ closedOn }) => closedOn === null))
    rule('8815', 'The child has an open episode; close it first, or record this in it.', 'person');
  else if (acted.some(({ closedOn }) => closedOn !== null && closedOn > given.on))
    rule('8820', 'The referral is before the end of another episode of this child.', 'on');
  return errors;
}

/** Whether a referral on a day follows another episode of the child within twelve months. */
export function isReReferral(on: string, others: { referredOn: string }[]): boolean {
  const since = new Date(`${on}T00:00:00Z`);
  since.setUTCMonth(since.getUTCMonth() - RE_REFERRAL_MONTHS);
  const from = since.toISOString().slice(0, 10);
  return others.some(({ referredOn }) => referredOn >= from && referredOn < on);
}

/**
 * Opens an episode of a child and says what is wrong where it may not be opened. It checks that the caller sees the child
 * in the family; `restage` is the caller's to call when all its rows are written.
 */
export async function openEpisode(tx: Transaction, client: Client, given: OpenEpisode): Promise<Opened> {
  const { family, person, on, source, primaryNeed, noFurtherAction = false } = given;
  if (!(await visibleMembers(tx, family, [person])).has(person)) return { errors: [notFound('member of this family', 'person')] };
  await oneAtATime(tx, 'person', person);
  const errors = await checkCodes(tx, on, [
    { list: 'referral-source', value: source, path: ['source'] },
    { list: 'primary-need', value: primaryNeed, path: ['primaryNeed'] },
  ]);
  const others = await visibleRows(tx, episode, eq(episode.person, person), client);
  const broken = episodeFaults(given, others);
  const lenient = given.historical === true || client.purpose === 'RECORD_SYNC';
  if (!lenient) errors.push(...broken);
  if (errors.length > 0) return { errors };
  const owned = { family, person, controller: client.organisation.id };
  const [made] = await tx
    .insert(episode)
    .values({ ...owned, source, referredOn: on, noFurtherAction, reReferral: isReReferral(on, others) })
    .returning({ id: episode.id });
  const id = (made as { id: number }).id;
  if (primaryNeed) await tx.insert(episodeNeed).values({ ...owned, episode: id, primaryNeed });
  return { id, warnings: lenient ? broken : [] };
}
