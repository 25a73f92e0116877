/** What the caller knows of one child, for the rules; and of whom a command speaks. */
import { and, eq, inArray } from 'drizzle-orm';
import type { Client } from '../../access/client.ts';
import type { UserError } from '../../change/command.ts';
import { familyVisible, keyOf, notFound, visibleMembers, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { assessment } from '../assessment/tables.ts';
import { addYears, today } from '../clock/calendar.ts';
import { membership, unbornMembership } from '../family/tables.ts';
import { personExpected, personIdentity } from '../person/tables.ts';
import { conference, episode, episodeNeed, preProceedings, preProceedingsCourt, preProceedingsOutcome, section47 } from './legal.ts';
import type { History } from './rules.ts';
import { plan, planCategory, planReview } from './tables.ts';

/** Those of these persons whom the caller sees in the family, born or unborn. */
export async function membersOf(tx: Transaction, family: number, persons: number[], client: Client): Promise<Set<number>> {
  const found = await visibleMembers(tx, family, persons);
  const unseen = persons.filter((person) => !found.has(person));
  if (unseen.length === 0) return found;
  const where = and(eq(unbornMembership.family, family), inArray(unbornMembership.person, unseen));
  for (const { person } of await visibleRows(tx, unbornMembership, where, client)) found.add(person);
  return found;
}

/** Roles in a family that a child may have. A child may be a parent as well. */
const ROLES_OF_CHILDREN = ['child', 'sibling', 'unborn-child', 'other-relative'];

/** Whether a member is a grown-up: by role, and by 18 years where the date of birth is known. */
async function isAdult(tx: Transaction, family: number, person: number, client: Client, now: Date): Promise<boolean> {
  const [identity] = await visibleRows(tx, personIdentity, eq(personIdentity.person, person), client);
  if (identity?.dateOfBirth) return addYears(identity.dateOfBirth, 18) <= today(now);
  const roles = await visibleRows(tx, membership, and(eq(membership.family, family), eq(membership.person, person)), client);
  return roles.length > 0 && roles.every(({ role }) => !ROLES_OF_CHILDREN.includes(role));
}

/** The child that an input names by `family` and `person`, or what to mend. What is put on record late may be of one who has grown up. */
export async function childIn(
  tx: Transaction,
  client: Client,
  input: { family: string; person: string; historical?: boolean | null | undefined },
  now: Date,
): Promise<{ family: number; person: number } | { userErrors: UserError[] }> {
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const person = keyOf('Person', input.person);
  if (person === null || !(await membersOf(tx, family, [person], client)).has(person))
    return { userErrors: [notFound('member of this family', 'person')] };
  if (!input.historical && client.purpose !== 'RECORD_SYNC' && (await isAdult(tx, family, person, client, now)))
    return {
      userErrors: [{ code: 'INVALID', message: 'This is about a child; this member of the family is an adult.', path: ['person'] }],
    };
  return { family, person };
}

/** Keys of the persons that an input names, each a member whom the caller sees; what is not goes to `errors`. */
export async function personsIn(
  tx: Transaction,
  client: Client,
  family: number,
  given: { id: string | null | undefined; path: (string | number)[] }[],
  errors: UserError[],
): Promise<(number | null)[]> {
  const keys = given.map(({ id }) => (id ? keyOf('Person', id) : null));
  const found = await membersOf(
    tx,
    family,
    keys.filter((key) => key !== null),
    client,
  );
  return keys.map((key, i) => {
    const { id, path } = given[i] as (typeof given)[number];
    if (!id) return null;
    if (key !== null && found.has(key)) return key;
    errors.push(notFound('member of this family', ...path.map(String)));
    return null;
  });
}

/** Everything about one child that the census' rules speak of, as the caller sees it. */
export async function historyOf(tx: Transaction, client: Client, person: number): Promise<History> {
  const rows = <T extends Parameters<typeof visibleRows>[1] & { person: never }>(table: T) =>
    visibleRows(tx, table, eq((table as unknown as typeof plan).person, person), client) as Promise<T['$inferSelect'][]>;
  const of = <T>(table: T) => rows(table as never) as unknown as Promise<T extends { $inferSelect: infer R } ? R[] : never>;
  const episodes = await of(episode);
  const needs = await of(episodeNeed);
  const plans = await of(plan);
  const categories = await of(planCategory);
  const reviews = await of(planReview);
  const enquiries = await of(section47);
  const conferences = await of(conference);
  const assessments = await of(assessment);
  const before = await of(preProceedings);
  const outcomes = await of(preProceedingsOutcome);
  const court = await of(preProceedingsCourt);
  const [identity] = await of(personIdentity);
  const [expected] = await of(personExpected);
  const unborn = await of(unbornMembership);
  return {
    child: {
      born: identity?.dateOfBirth ?? null,
      expected: expected?.expectedDate ?? null,
      unborn: unborn.length > 0 && !identity?.dateOfBirth,
      sex: identity?.sex ?? null,
    },
    episodes: episodes.map((row) => ({
      id: row.id,
      on: row.referredOn,
      closed: row.closedOn,
      reason: row.closureReason,
      noFurtherAction: row.noFurtherAction,
      primaryNeed: needs.find((need) => need.episode === row.id)?.primaryNeed ?? null,
    })),
    plans: plans.map((row) => ({
      id: row.id,
      kind: row.kind,
      started: row.started,
      ended: row.ended,
      category: categories.find((each) => each.plan === row.id)?.category ?? null,
    })),
    reviews: reviews.flatMap((row) => (row.held === null ? [] : [{ plan: row.plan, held: row.held }])),
    sections47: enquiries.map((row) => ({
      id: row.id,
      started: row.startedOn,
      ended: row.endedOn,
      conferenceNotRequired: row.conferenceNotRequired,
      conferenceOn: row.conferenceOn,
      conferenceTarget: row.conferenceTarget,
    })),
    conferences: conferences.map((row) => ({ id: row.id, kind: row.kind, held: row.heldOn, target: row.targetOn })),
    assessments: assessments
      .filter(({ status }) => status !== 'CANCELLED')
      .map((row) => ({ id: row.id, started: row.started, authorised: row.authorisedOn })),
    preProceedings: before.map((row) => {
      const told = court.find((each) => each.preProceedings === row.id);
      return {
        id: row.id,
        started: row.startedOn,
        letterSent: row.letterSentOn,
        fgdmOffered: row.fgdmOffered,
        fgdmFacilitated: row.fgdmFacilitated,
        firstMeeting: row.firstMeetingOn,
        reviewMeetings: row.reviewMeetings,
        stepDecision: row.stepDecisionOn,
        outcome: outcomes.find((each) => each.preProceedings === row.id)?.outcome ?? null,
        courtApplied: told?.appliedOn ?? null,
        courtLetter: told?.letterSentOn ?? null,
      };
    }),
  };
}

/** Facts of the past, and those mirrored from the record system, are written although they break a rule of the census. */
export const isLenient = (client: Client, input: { historical?: boolean | null }): boolean =>
  input.historical === true || client.purpose === 'RECORD_SYNC';

/** A row that a history would gain has no key yet. */
export const NEW = 0;

/** Where in an input the rules find their fault: the field that the command names for the rule, or the one for all others. */
export const pathOf =
  (fields: Record<string, string>, otherwise: string) =>
  (rule: string): string[] => [fields[rule] ?? otherwise];
