/** Posts and who holds them, trainings, and what a survey said. */

import { and, eq, inArray, isNull } from 'drizzle-orm';
import { amend, conflict } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Change, Command, Decision, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound, visibleRow, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type {
  FillPostInput,
  LeavePostInput,
  PlanPostsInput,
  PostShareInput,
  RecordConfidenceInput,
  RecordPostInput,
  RecordTrainingInput,
  SharePostInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { organisation } from '../sharing/tables.ts';
import { checkConfidence, checkHolding, checkPlan, checkPost, checkShares, checkTraining, hundredths } from './rules.ts';
import { confidenceAnswer, establishment, post, postHolding, postShare, team, training } from './tables.ts';

type Input<T> = Omit<T, 'idempotencyKey'>;

const written = (action: string, entity: string, id: number | undefined): Decision => {
  const change: Change = { action, entity, id: id as number, family: null, persons: [], dataClasses: ['STAFF'] };
  return { change };
};

/** The keys of organisations by their ids; a fault for each that is none. `teams`: they must be teams of the directory. */
async function organisations(
  tx: Transaction,
  named: { id: string; path: (string | number)[] }[],
  teams: boolean,
): Promise<{ keys: number[]; errors: UserError[] }> {
  const keys = named.map(({ id }) => keyOf('Organisation', id) ?? -1);
  const known = teams
    ? (await tx.select({ id: team.organisation }).from(team).where(inArray(team.organisation, keys))).map(({ id }) => id)
    : (await tx.select({ id: organisation.id }).from(organisation).where(inArray(organisation.id, keys))).map(({ id }) => id);
  const errors = named.flatMap(({ path }, index) =>
    known.includes(keys[index] as number) ? [] : [notFound(teams ? 'team' : 'organisation', ...path.map(String))],
  );
  return { keys, errors };
}

const teamsOf = (shares: readonly PostShareInput[]) => shares.map(({ team: id }, index) => ({ id, path: ['shares', index, 'team'] }));

export const planPosts: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<PlanPostsInput>;
  const { keys, errors: unknown } = await organisations(tx, [{ id: input.team, path: ['team'] }], true);
  const errors = [
    ...checkPlan(input),
    ...unknown,
    ...(await checkCodes(tx, today(now), [{ list: 'discipline', value: input.discipline, path: ['discipline'] }])),
  ];
  if (errors.length > 0) return { userErrors: errors };
  const of = { team: keys[0] as number, discipline: input.discipline };
  const set = { posts: input.posts, fte: input.fte, caseload: input.caseload ?? null };
  const [known] = await visibleRows(
    tx,
    establishment,
    and(eq(establishment.team, of.team), eq(establishment.discipline, of.discipline)),
    client,
  );
  if (known) {
    const refused = await amend(tx, client, establishment, known.id, input.expectedVersion, set, { name: 'plan', path: ['team'] });
    return refused ? { userErrors: [refused] } : written('planPosts', 'TeamDiscipline', known.id);
  }
  if (input.expectedVersion !== 0) return { userErrors: [notFound('plan for this discipline', 'discipline')] };
  const [row] = await tx
    .insert(establishment)
    .values({ ...of, ...set, controller: client.organisation.id, worker: client.user })
    .onConflictDoNothing()
    .returning({ id: establishment.id });
  return row ? written('planPosts', 'TeamDiscipline', row.id) : { userErrors: [conflict(1)] };
};

async function writeShares(
  tx: Transaction,
  id: number,
  shares: readonly PostShareInput[],
  keys: number[],
  owned: { controller: number; worker: string | null },
  from: string,
) {
  await tx.insert(postShare).values(shares.map(({ fte }, index) => ({ ...owned, post: id, team: keys[index] as number, fte, from })));
}

export const recordPost: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordPostInput>;
  const bodies = [{ id: input.employer, path: ['employer'] }, ...(input.funder ? [{ id: input.funder, path: ['funder'] }] : [])];
  const who = await organisations(tx, bodies, false);
  const where = await organisations(tx, teamsOf(input.shares), true);
  const errors = [
    ...checkPost(input),
    ...who.errors,
    ...where.errors,
    ...(await checkCodes(tx, today(now), [{ list: 'discipline', value: input.discipline, path: ['discipline'] }])),
  ];
  if (errors.length > 0) return { userErrors: errors };
  const owned = { controller: client.organisation.id, worker: client.user };
  const [row] = await tx
    .insert(post)
    .values({
      ...owned,
      discipline: input.discipline,
      employer: who.keys[0] as number,
      funder: who.keys[1] ?? null,
      fundedFrom: input.fundedFrom ?? null,
      fundedUntil: input.fundedUntil ?? null,
      fte: input.fte,
      seconded: input.seconded ?? false,
      backfill: input.backfill ?? false,
      from: input.from,
      until: input.until ?? null,
    })
    .returning({ id: post.id });
  const { id } = row as { id: number };
  await writeShares(tx, id, input.shares, where.keys, owned, input.from);
  return written('recordPost', 'Post', id);
};

/** Counts a change of what hangs on a post, so that two who change it at once do not both. */
const touch = (tx: Transaction, client: Parameters<Command>[2], row: typeof post.$inferSelect, expectedVersion: number) =>
  amend(tx, client, post, row.id, expectedVersion, { fte: row.fte }, { name: 'post', path: ['post'] });

export const sharePost: Command = async (tx, raw, client) => {
  const input = raw as unknown as Input<SharePostInput>;
  const row = await visibleRow(tx, post, keyOf('Post', input.post), client);
  if (!row) return { userErrors: [notFound('post', 'post')] };
  const found = faults();
  checkShares(input.shares, hundredths(row.fte) ?? 0, found);
  const where = await organisations(tx, teamsOf(input.shares), true);
  const open = await visibleRows(tx, postShare, and(eq(postShare.post, row.id), isNull(postShare.until)), client);
  if (open.some(({ from }) => from > input.from) || row.from > input.from)
    found.invalid('It was shared out as it is now after that day.', 'from');
  const errors = [...found.errors, ...where.errors];
  if (errors.length > 0) return { userErrors: errors };
  const refused = await touch(tx, client, row, input.expectedVersion);
  if (refused) return { userErrors: [refused] };
  const ended = open.map(({ id }) => id);
  if (ended.length > 0) await tx.update(postShare).set({ until: input.from }).where(inArray(postShare.id, ended));
  await writeShares(tx, row.id, input.shares, where.keys, { controller: client.organisation.id, worker: client.user }, input.from);
  return written('sharePost', 'Post', row.id);
};

export const fillPost: Command = async (tx, raw, client) => {
  const input = raw as unknown as Input<FillPostInput>;
  const row = await visibleRow(tx, post, keyOf('Post', input.post), client);
  if (!row) return { userErrors: [notFound('post', 'post')] };
  const errors = checkHolding(input);
  const held = await visibleRows(tx, postHolding, eq(postHolding.post, row.id), client);
  const meanwhile = held.find(({ until }) => until === null || until > input.from);
  if (meanwhile)
    errors.push({
      code: 'INVALID',
      message: `${meanwhile.name} holds the post${meanwhile.until ? ` until ${meanwhile.until}` : ''}.`,
      path: ['from'],
    });
  if (input.from < row.from || (row.until && input.from >= row.until))
    errors.push({ code: 'INVALID', message: 'There is no such post on that day.', path: ['from'] });
  if (errors.length > 0) return { userErrors: errors };
  const refused = await touch(tx, client, row, input.expectedVersion);
  if (refused) return { userErrors: [refused] };
  const [made] = await tx
    .insert(postHolding)
    .values({
      controller: client.organisation.id,
      worker: client.user,
      post: row.id,
      holder: input.holder ?? null,
      name: input.name,
      locum: input.locum ?? false,
      from: input.from,
    })
    .returning({ id: postHolding.id });
  return written('fillPost', 'PostHolding', made?.id);
};

export const leavePost: Command = async (tx, raw, client) => {
  const input = raw as unknown as Input<LeavePostInput>;
  const row = await visibleRow(tx, postHolding, keyOf('PostHolding', input.holding), client);
  if (!row) return { userErrors: [notFound('holding', 'holding')] };
  if (input.until < row.from) return { userErrors: [{ code: 'INVALID', message: `Holds the post since ${row.from}.`, path: ['until'] }] };
  const set = { until: input.until };
  const refused = await amend(tx, client, postHolding, row.id, input.expectedVersion, set, { name: 'holding', path: ['holding'] });
  return refused ? { userErrors: [refused] } : written('leavePost', 'PostHolding', row.id);
};

export const recordTraining: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordTrainingInput>;
  const errors = [
    ...checkTraining(input, now),
    ...(await checkCodes(tx, today(now), [
      { list: 'training-programme', value: input.programme, path: ['programme'] },
      { list: 'training-level', value: input.level, path: ['level'] },
    ])),
  ];
  if (errors.length > 0) return { userErrors: errors };
  const { trainee, programme, level, completed: completedOn } = input;
  const [row] = await tx
    .insert(training)
    .values({ controller: client.organisation.id, worker: client.user, trainee, programme, level, completedOn })
    .returning({ id: training.id });
  return written('recordTraining', 'Training', row?.id);
};

export const recordConfidence: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Input<RecordConfidenceInput>;
  const partner = input.partner ? await organisations(tx, [{ id: input.partner, path: ['partner'] }], false) : { keys: [], errors: [] };
  const errors = [
    ...checkConfidence(input, now),
    ...partner.errors,
    ...(await checkCodes(tx, today(now), [
      { list: 'discipline', value: input.discipline, path: ['discipline'] },
      { list: 'need-area', value: input.needArea, path: ['needArea'] },
    ])),
  ];
  if (errors.length > 0) return { userErrors: errors };
  const [row] = await tx
    .insert(confidenceAnswer)
    .values({
      controller: client.organisation.id,
      discipline: input.discipline ?? null,
      partner: partner.keys[0] ?? null,
      needArea: input.needArea,
      score: input.score,
      answeredOn: input.answered,
    })
    .returning({ id: confidenceAnswer.id });
  return written('recordConfidence', 'ConfidenceAnswer', row?.id);
};
