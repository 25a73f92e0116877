/** Doing what is due. */
import { amend } from '../../change/amend.ts';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { CompleteTaskInput } from '../../graphql/generated.ts';
import { today } from './calendar.ts';
import { task } from './tables.ts';

const LONGEST_OUTCOME = 5_000;

export const completeTask: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Omit<CompleteTaskInput, 'idempotencyKey'>;
  const { errors, invalid, text } = faults();
  text(input.outcome, LONGEST_OUTCOME, 'outcome');
  const key = keyOf('Task', input.task);
  const row = await visibleRow(tx, task, key, client);
  if (!row) return { userErrors: [...errors, notFound('task', 'task')] };
  // Of a row that has moved on, the caller is told so first: it may be done by now.
  if (row.doneOn !== null && row.version === input.expectedVersion) invalid(`It was done on ${row.doneOn}.`, 'task');
  if (errors.length > 0) return { userErrors: errors };
  const refused = await amend(
    tx,
    client,
    task,
    key,
    input.expectedVersion,
    { doneOn: today(now), doneBy: client.userName ?? client.id, outcome: input.outcome ?? null },
    { name: 'task', path: ['task'] },
  );
  if (refused) return { userErrors: [refused] };
  return {
    change: {
      action: 'completeTask',
      entity: 'Task',
      id: row.id,
      family: row.family,
      persons: row.person === null ? [] : [row.person],
      dataClasses: ['WORKBOOK'],
    },
  };
};
