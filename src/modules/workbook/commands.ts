/** Writing the Workbook. */
import type { DataClass } from '../../access/classes.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { familyVisible, keyOf, notFound, visibleMembers } from '../../change/visible.ts';
import { checkEntry, type EntryInput } from './rules.ts';
import { workbookChildWords, workbookEntry, workbookEntryPerson, workbookParentWords, workbookReading } from './tables.ts';

export const addWorkbookEntry: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as EntryInput;
  const errors: UserError[] = checkEntry(input, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };

  const named: [string, string[]][] = [
    ...input.persons.map((id, i): [string, string[]] => [id, ['persons', String(i)]]),
    ...(input.keptFrom ?? []).map((id, i): [string, string[]] => [id, ['keptFrom', String(i)]]),
    ...(['readings', 'childWords', 'parentWords'] as const).flatMap((field) =>
      (input[field] ?? []).map(({ person }, i): [string, string[]] => [person, [field, String(i), 'person']]),
    ),
  ];
  const keys = named.map(([id, path]) => [keyOf('Person', id), path] as const);
  const members = await visibleMembers(
    tx,
    family,
    keys.flatMap(([key]) => (key === null ? [] : [key])),
  );
  for (const [key, path] of keys) if (key === null || !members.has(key)) errors.push(notFound('member of this family', ...path));

  errors.push(
    ...(await checkCodes(tx, now.toISOString().slice(0, 10), [
      { list: 'discipline', value: input.discipline, path: ['discipline'] },
      { list: 'session-type', value: input.sessionType, path: ['sessionType'] },
      ...(input.readings ?? []).map(({ behaviour }, i) => ({
        list: 'behaviour',
        value: behaviour,
        path: ['readings', String(i), 'behaviour'],
      })),
    ])),
  );
  if (errors.length > 0) return { userErrors: errors };

  const person = (id: string) => keyOf('Person', id) as number;
  const keptFrom = [...new Set((input.keptFrom ?? []).map(person))];
  const owned = { family, controller: client.organisation.id, worker: client.user, keptFrom };
  const [entry] = await tx
    .insert(workbookEntry)
    .values({
      ...owned,
      module: input.module,
      discipline: input.discipline,
      sessionType: input.sessionType,
      occurredAt: new Date(input.occurred),
      author: client.userName ?? client.id,
      narrative: input.narrative ?? null,
    })
    .returning({ id: workbookEntry.id });
  const id = (entry as { id: number }).id;
  const about = [...new Set(input.persons.map(person))];
  await tx.insert(workbookEntryPerson).values(about.map((key) => ({ ...owned, entry: id, person: key })));
  const dataClasses: DataClass[] = ['WORKBOOK'];
  if (input.readings?.length) {
    await tx.insert(workbookReading).values(
      input.readings.map((reading) => ({
        ...owned,
        entry: id,
        person: person(reading.person),
        behaviour: reading.behaviour,
        stageOfChange: reading.stageOfChange,
        capacityForChange: reading.capacityForChange ?? null,
      })),
    );
  }
  for (const [field, table, dataClass] of [
    ['childWords', workbookChildWords, 'CHILD_VOICE'],
    ['parentWords', workbookParentWords, 'ADULT_VOICE'],
  ] as const) {
    const words = input[field];
    if (!words?.length) continue;
    await tx.insert(table).values(words.map((each) => ({ ...owned, entry: id, person: person(each.person), words: each.words })));
    dataClasses.push(dataClass);
  }
  return { change: { action: 'addWorkbookEntry', entity: 'WorkbookEntry', id, family, persons: about, dataClasses } };
};
