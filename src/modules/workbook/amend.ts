/** Changing what one wrote in the Workbook. */

import { eq } from 'drizzle-orm';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { bornKeptFrom, keepFrom, together } from '../../change/kept-from.ts';
import { keyOf, notFound, visibleRow, visibleRows } from '../../change/visible.ts';
import { today } from '../clock/calendar.ts';
import { type AmendmentInput, checkAmendment } from './rules.ts';
import { workbookChildWords, workbookEntry, workbookEntryPerson, workbookEntryVersion, workbookParentWords } from './tables.ts';

/** Only the organisation that wrote it, and of a team only the user who did. What it said before stays, as guarded as the entry. */
export const amendWorkbookEntry: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as AmendmentInput;
  const errors = checkAmendment(input);
  const row = await visibleRow(tx, workbookEntry, keyOf('WorkbookEntry', input.entry), client);
  if (!row) return { userErrors: [...errors, notFound('entry', 'entry')] };
  const isOwn = row.controller === client.organisation.id && (client.agency !== 'TEAM' || row.worker === client.user);
  if (!isOwn) return { userErrors: [...errors, notFound('entry of yours', 'entry')] };
  const day = today(now);
  errors.push(...(await checkCodes(tx, day, [{ list: 'session-type', value: input.sessionType, path: ['sessionType'] }])));
  if (errors.length > 0) return { userErrors: errors };
  // Harm may have come on record since it was written.
  const tellers: number[] = [];
  for (const table of [workbookEntryPerson, workbookChildWords, workbookParentWords]) {
    const told = await visibleRows(tx, table, eq(table.entry, row.id), client);
    tellers.push(...told.map(({ person }) => person));
  }
  const kept = together(row.keptFrom, await bornKeptFrom(tx, row.family, tellers));
  const set = {
    keptFrom: kept,
    narrative: input.narrative ?? row.narrative,
    module: input.module ?? row.module,
    sessionType: input.sessionType ?? row.sessionType,
  };
  const what = { name: 'entry', path: ['entry'] };
  const refused = await amend(tx, client, workbookEntry, row.id, input.expectedVersion, set, what);
  if (refused) return { userErrors: [refused] };
  await tx.insert(workbookEntryVersion).values({
    entry: row.id,
    family: row.family,
    controller: row.controller,
    worker: client.user,
    keptFrom: kept,
    author: client.userName ?? client.id,
    reason: input.reason,
    numbered: row.version,
    module: row.module,
    sessionType: row.sessionType,
    narrative: row.narrative,
  });
  await keepFrom(tx, workbookEntry, row.id, kept);
  return {
    change: {
      action: 'amendWorkbookEntry',
      entity: 'WorkbookEntry',
      id: row.id,
      family: row.family,
      persons: [],
      dataClasses: ['WORKBOOK'],
    },
  };
};
