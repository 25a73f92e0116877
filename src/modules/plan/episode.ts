/** Opening a child's episode of need: what every way into statutory help calls. */
import type { Client } from '../../access/client.ts';
import { checkCodes } from '../../change/codes.ts';
import type { UserError } from '../../change/command.ts';
import { notFound } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { addMonths } from '../clock/calendar.ts';
import { historyOf, isLenient, membersOf, NEW, pathOf } from './history.ts';
import { episode, episodeNeed } from './legal.ts';
import { judge } from './rules.ts';
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

/** Where in an input a rule of the census finds its fault. */
const FIELDS = { 8610: 'primaryNeed', 8815: 'person', 8750: 'person', '8525Q': 'person' };

/** Whether a referral on a day follows another episode of the child within twelve months. */
export function isReReferral(on: string, others: { referredOn: string }[]): boolean {
  const from = addMonths(on, -RE_REFERRAL_MONTHS);
  return others.some(({ referredOn }) => referredOn >= from && referredOn < on);
}

/**
 * Opens an episode of a child and says what is wrong where it may not be opened. It checks that the caller sees the child
 * in the family; `restage` is the caller's to call when all its rows are written.
 */
export async function openEpisode(tx: Transaction, client: Client, given: OpenEpisode): Promise<Opened> {
  const { family, person, on, source, primaryNeed, noFurtherAction = false } = given;
  if (!(await membersOf(tx, family, [person], client)).has(person)) return { errors: [notFound('member of this family', 'person')] };
  await oneAtATime(tx, 'person', person);
  const errors = await checkCodes(tx, on, [
    { list: 'referral-source', value: source, path: ['source'] },
    { list: 'primary-need', value: primaryNeed, path: ['primaryNeed'] },
  ]);
  const history = await historyOf(tx, client, person);
  const { episodes } = history;
  const made = { id: NEW, on, closed: null, reason: null, noFurtherAction, primaryNeed: primaryNeed ?? null };
  const said = judge(
    history,
    { ...history, episodes: [...episodes, made] },
    { lenient: isLenient(client, given), path: pathOf(FIELDS, 'on') },
  );
  errors.push(...said.errors);
  if (errors.length > 0) return { errors };
  const owned = { family, person, controller: client.organisation.id };
  const [row] = await tx
    .insert(episode)
    .values({
      ...owned,
      source,
      referredOn: on,
      noFurtherAction,
      reReferral: isReReferral(
        on,
        episodes.map((each) => ({ referredOn: each.on })),
      ),
    })
    .returning({ id: episode.id });
  const id = (row as { id: number }).id;
  if (primaryNeed) await tx.insert(episodeNeed).values({ ...owned, episode: id, primaryNeed });
  return { id, warnings: said.warnings };
}
