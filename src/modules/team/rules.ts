/** What posts, their shares and what is said of them must be. Pure. */
import type { UserError } from '../../change/command.ts';
import { type Faults, faults } from '../../change/errors.ts';
import type {
  FillPostInput,
  PlanPostsInput,
  PostShareInput,
  RecordConfidenceInput,
  RecordPostInput,
  RecordTrainingInput,
} from '../../graphql/generated.ts';

type Input<T> = Omit<T, 'idempotencyKey'>;

const LONGEST = { name: 100, shares: 40 };

/** Full-time equivalents in hundredths, so that sums are exact; null for what is no such decimal. */
export function hundredths(fte: string): number | null {
  return /^\d{1,3}(\.\d{1,2})?$/.test(fte) ? Math.round(Number(fte) * 100) : null;
}

function checkFte(fte: string, { invalid }: Faults, ...path: (string | number)[]): number {
  const value = hundredths(fte);
  if (value === null || value === 0) invalid('A decimal above 0 of at most two places, as 0.45.', ...path);
  return value ?? 0;
}

/** Parts of a post: each team once, and together not more than the post. */
export function checkShares(shares: readonly PostShareInput[], whole: number, found: Faults): void {
  found.list(shares, LONGEST.shares, 'shares');
  if (shares.length === 0) found.invalid('A post is in at least one team.', 'shares');
  const parts = shares.map(({ fte }, index) => checkFte(fte, found, 'shares', index, 'fte'));
  const teams = shares.map(({ team }) => team);
  teams.forEach((team, index) => {
    if (teams.indexOf(team) < index) found.invalid('A team is named twice.', 'shares', index, 'team');
  });
  const sum = parts.reduce((total, part) => total + part, 0);
  if (sum > whole) found.invalid(`The shares add up to ${(sum / 100).toFixed(2)}; the post has ${(whole / 100).toFixed(2)}.`, 'shares');
}

export function checkPost(input: Input<RecordPostInput>): UserError[] {
  const found = faults();
  checkShares(input.shares, checkFte(input.fte, found, 'fte'), found);
  if (input.until && input.until < input.from) found.invalid('Ends before it begins.', 'until');
  if (input.fundedFrom && input.fundedUntil && input.fundedUntil < input.fundedFrom) found.invalid('Ends before it begins.', 'fundedUntil');
  if (input.backfill && !input.seconded) found.invalid('Nobody stands in where nobody is seconded.', 'backfill');
  return found.errors;
}

export function checkPlan(input: Input<PlanPostsInput>): UserError[] {
  const found = faults();
  if (input.posts < 0 || input.posts > 100) found.invalid('Must be from 0 to 100.', 'posts');
  if (hundredths(input.fte) === null) found.invalid('A decimal of at most two places, as 0.45.', 'fte');
  if (input.caseload !== null && input.caseload !== undefined && (input.caseload < 1 || input.caseload > 200))
    found.invalid('Must be from 1 to 200.', 'caseload');
  return found.errors;
}

export function checkHolding(input: Input<FillPostInput>): UserError[] {
  const found = faults();
  found.text(input.name, LONGEST.name, 'name');
  found.text(input.holder, LONGEST.name, 'holder');
  return found.errors;
}

export function checkTraining(input: Input<RecordTrainingInput>, now: Date): UserError[] {
  const found = faults();
  found.text(input.trainee, LONGEST.name, 'trainee');
  found.past(input.completed, now, 'completed');
  return found.errors;
}

export function checkConfidence(input: Input<RecordConfidenceInput>, now: Date): UserError[] {
  const found = faults();
  if ((input.discipline ? 1 : 0) + (input.partner ? 1 : 0) !== 1)
    found.invalid('Say either the discipline of own staff or the partner whose staff answered.', 'discipline');
  if (input.score < 1 || input.score > 5) found.invalid('Must be from 1 to 5.', 'score');
  found.past(input.answered, now, 'answered');
  return found.errors;
}
