/** Writing the Workbook. */
import type { Command } from '../../change/command.ts';
import type { EntryInput } from './rules.ts';
import { writeEntry } from './writing.ts';

export const addWorkbookEntry: Command = (tx, raw, client, now) =>
  writeEntry(tx, raw as unknown as EntryInput, client, now, client.userName ?? client.id);
