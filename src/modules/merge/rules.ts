/** What a merge of two persons must be. Pure. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';

/** A merge as far as the rules ask. */
export type Merge = { proposedBy: string; confirmedAt: Date | null; unmergedAt: Date | null };

export function checkProposal(input: { survivor: string; merged: string; reason: string }, user: string | null): UserError[] {
  const { errors, invalid, rule, text } = faults();
  text(input.reason, 2_000, 'reason');
  if (input.survivor === input.merged) invalid('Name two persons.', 'merged');
  if (user === null) rule('TWO_PEOPLE', 'A user proposes it: sign in.', 'merged');
  return errors;
}

/** @param user who agrees; null: nobody is signed in. */
export function checkConfirmation(merge: Merge, user: string | null): UserError[] {
  const { errors, rule } = faults();
  if (merge.confirmedAt !== null) rule('MERGE_ONCE', 'It was agreed already.', 'merge');
  else if (user === null || user === merge.proposedBy) rule('TWO_PEOPLE', 'Somebody else than who proposed it agrees.', 'merge');
  return errors;
}

export function checkUnmerge(merge: Merge): UserError[] {
  const { errors, rule } = faults();
  if (merge.confirmedAt === null) rule('NOT_MERGED', 'Nobody has agreed to it: they are two.', 'merge');
  else if (merge.unmergedAt !== null) rule('NOT_MERGED', 'They are two again already.', 'merge');
  return errors;
}
