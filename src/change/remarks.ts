/** What a command's helpers have to say of what is written all the same: it joins the warnings of its decision. */
import type { Transaction } from '../db/transactions.ts';
import type { UserError } from './command.ts';

const said = new WeakMap<Transaction, UserError[]>();

/** Says something once, however often a command comes by. */
export function remark(tx: Transaction, warning: UserError): void {
  const before = said.get(tx) ?? [];
  if (!before.some(({ message }) => message === warning.message)) said.set(tx, [...before, warning]);
}

export const remarksOf = (tx: Transaction): UserError[] => said.get(tx) ?? [];
