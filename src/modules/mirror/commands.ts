/** What record systems push in, by their own ids. */
import { and, eq, isNull } from 'drizzle-orm';
import type { Command } from '../../change/command.ts';
import { familyVisible, notFound, visibleRows } from '../../change/visible.ts';
import type { UpsertFamiliesInput, UpsertPersonsInput, UpsertWorkbookEntriesInput } from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { membership, unbornMembership } from '../family/tables.ts';
import { upsertEntry } from './entries.ts';
import { upsertFamily } from './families.ts';
import { recordOf, refuse, takeIn } from './lines.ts';
import { upsertPerson } from './persons.ts';

export const upsertFamilies: Command = (tx, raw, client, now) => {
  const { system, families } = raw as unknown as UpsertFamiliesInput;
  const batch = { action: 'upsertFamilies', system, of: 'families', lines: families, state: (line: (typeof families)[number]) => line };
  return takeIn(tx, client, now, { ...batch, dataClasses: ['FAMILY', 'IDENTITY', 'NHS_NUMBER'] }, upsertFamily);
};

export const upsertPersons: Command = (tx, raw, client, now) => {
  const { system, persons } = raw as unknown as UpsertPersonsInput;
  const state = ({ person }: (typeof persons)[number]) => person;
  const batch = { action: 'upsertPersons', system, of: 'persons', lines: persons, state };
  return takeIn(tx, client, now, { ...batch, dataClasses: ['IDENTITY', 'NHS_NUMBER'] }, async (to, line) => {
    const known = line.family ? await recordOf(to, 'Family', line.family) : undefined;
    if (line.family && !(known && (await familyVisible(tx, known.family, client)))) refuse(notFound('family', 'family'));
    const into = known
      ? { family: known.family, role: line.role, from: line.from ?? today(new Date(line.person.changed)), isNew: false }
      : null;
    const done = await upsertPerson(to, line.person, into, 'person');
    if (!done) refuse(notFound('person', 'person', 'sourceId'));
    const belongs = async (table: typeof membership | typeof unbornMembership) =>
      visibleRows(tx, table, and(eq(table.person, done.person), isNull(table.until)), client);
    const [member] = known ? [known] : [...(await belongs(membership)), ...(await belongs(unbornMembership))];
    return { result: done.result, type: 'Person', id: done.person, family: member?.family ?? null };
  });
};

export const upsertWorkbookEntries: Command = (tx, raw, client, now) => {
  const { system, entries } = raw as unknown as UpsertWorkbookEntriesInput;
  const batch = { action: 'upsertWorkbookEntries', system, of: 'entries', lines: entries, state: (line: (typeof entries)[number]) => line };
  return takeIn(tx, client, now, { ...batch, dataClasses: ['WORKBOOK', 'NHS_NUMBER'] }, upsertEntry);
};
