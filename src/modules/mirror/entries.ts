/** Workbook entries as a record system tells of them. */
import { and, eq, isNull } from 'drizzle-orm';
import type { DataClass } from '../../access/classes.ts';
import { faults } from '../../change/errors.ts';
import { bornKeptFrom, keepFrom, together } from '../../change/kept-from.ts';
import { familyVisible, notFound, visibleMembers, visibleRow, visibleRows } from '../../change/visible.ts';
import type { StageOfChange, WorkbookEntryRecordInput } from '../../graphql/generated.ts';
import { encodeId } from '../../read/ids.ts';
import { membership } from '../family/tables.ts';
import { amendWorkbookEntry } from '../workbook/amend.ts';
import { checkEntry, type EntryInput } from '../workbook/rules.ts';
import { workbookChildWords, workbookEntry, workbookEntryPerson, workbookParentWords, workbookReading } from '../workbook/tables.ts';
import { entryCodes, writeEntry } from '../workbook/writing.ts';
import { digestOf, OLDER, type Pushing, perform, personOf, plain, recordOf, refuse, refuseIf, standing, takeRecord } from './lines.ts';

const ENTITY = 'WorkbookEntry';

type Line = WorkbookEntryRecordInput;

/**
 * What a record says, apart from when it said so: in the same order, however its parts came. Without what stays as it came first, whatever a
 * later state says of it: whose family it is, who wrote it, when it was.
 */
function contentOf({
  sourceId: _id,
  changed: _changed,
  version: _version,
  family: _family,
  author: _author,
  occurred: _occurred,
  persons,
  keptFrom,
  readings,
  childWords,
  parentWords,
  ...said
}: Line) {
  const sorted = <T>(list: readonly T[] | null | undefined) =>
    list && [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  const parts = { persons: sorted(persons), keptFrom: sorted(keptFrom), readings: sorted(readings) };
  return { ...said, ...parts, childWords: sorted(childWords), parentWords: sorted(parentWords) };
}

/** Whom a line names, by their ids in the record system, and where. */
function namedIn(line: Line): [string, string[]][] {
  return [
    ...line.persons.map((id, i): [string, string[]] => [id, ['persons', String(i)]]),
    ...(line.keptFrom ?? []).map((id, i): [string, string[]] => [id, ['keptFrom', String(i)]]),
    ...(['readings', 'childWords', 'parentWords'] as const).flatMap((field) =>
      (line[field] ?? []).map(({ person }, i): [string, string[]] => [person, [field, String(i), 'person']]),
    ),
  ];
}

/** Every person that a line names, by their ids in the record system. @throws where one of them is nobody. */
async function personsOf(to: Pushing, line: Line): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const [id, path] of namedIn(line)) {
    if (found.has(id)) continue;
    const known = await personOf(to, id);
    if (!known) refuse(notFound('person', ...path));
    found.set(id, known.person);
  }
  return found;
}

/** The family that the line names, or the one to which whom it is about belongs. */
async function familyOf(to: Pushing, line: Line, persons: ReadonlyMap<string, number>): Promise<number> {
  const { tx, client } = to;
  if (line.family) {
    const known = await recordOf(to, 'Family', line.family);
    if (!known) refuse(notFound('family', 'family'));
    return known.family;
  }
  const about = persons.get(line.persons[0] ?? '');
  if (about === undefined) refuse({ code: 'INVALID', message: 'An entry is about at least one member of the family.', path: ['persons'] });
  const open = and(eq(membership.person, about), isNull(membership.until));
  const families = [...new Set((await visibleRows(tx, membership, open, client)).map(({ family }) => family))];
  const [only] = families;
  if (only === undefined) refuse(notFound('person', 'persons', '0'));
  if (families.length > 1) refuse({ code: 'INVALID', message: 'The person belongs to several families: say which.', path: ['family'] });
  return only;
}

/** The line as an entry that is written here. */
function entryOf(line: Line, family: number, persons: ReadonlyMap<string, number>): EntryInput {
  const id = (sourceId: string) => encodeId('Person', persons.get(sourceId) as number);
  const about = <T extends { person: string }>(list: readonly T[] | null | undefined) =>
    list?.map((each) => ({ ...each, person: id(each.person) })) ?? null;
  return {
    family: encodeId('Family', family),
    module: line.module,
    discipline: line.discipline,
    sessionType: line.sessionType,
    occurred: new Date(line.occurred).toISOString(),
    persons: line.persons.map(id),
    keptFrom: line.keptFrom?.map(id) ?? null,
    narrative: line.narrative ?? null,
    readings: about(line.readings)?.map((each) => ({ ...each, stageOfChange: each.stageOfChange as StageOfChange })) ?? null,
    childWords: about(line.childWords),
    parentWords: about(line.parentWords),
  };
}

const STAGES: ReadonlySet<string> = new Set(['PRECONTEMPLATION', 'CONTEMPLATION', 'PREPARATION', 'ACTION', 'MAINTENANCE', 'RELAPSE']);

/** Puts an entry on record, or brings it up to date; what it said before is kept. */
export async function upsertEntry(to: Pushing, line: Line) {
  const { tx, client, now } = to;
  const digest = digestOf(contentOf(line));
  const known = await recordOf(to, ENTITY, line.sourceId);
  if (known && !(await familyVisible(tx, known.family, client))) refuse(notFound('entry', 'sourceId'));
  const stands = standing(known, line, digest);
  const done = (result: 'CREATED' | 'UPDATED' | 'UNCHANGED', id: number, family: number) => ({ result, type: ENTITY, id, family });
  if (known && stands !== 'newer') {
    if (stands === 'older' && known.digest !== digest) to.notes.push(OLDER);
    if (stands === 'same') await takeRecord(to, known, { ...known, what: 'entry' }, line, digest);
    return done('UNCHANGED', known.entityId, known.family);
  }
  const { errors, invalid } = faults();
  (line.readings ?? []).forEach(({ stageOfChange }, i) => {
    if (!STAGES.has(stageOfChange)) invalid(`A stage of change is one of ${[...STAGES].join(', ')}.`, 'readings', i, 'stageOfChange');
  });
  refuseIf(errors);
  const persons = await personsOf(to, line);
  const family = known?.family ?? (await familyOf(to, line, persons));
  const input = entryOf(line, family, persons);
  if (!known) {
    const author = line.author?.slice(0, 200) || to.system;
    const written = await perform(to, () => writeEntry(tx, input, client, now, author), {});
    await takeRecord(to, undefined, { family, entity: ENTITY, entityId: written.id, what: 'entry' }, line, digest);
    return done('CREATED', written.id, family);
  }
  await bringUpToDate(to, known.entityId, family, input, line, persons);
  await takeRecord(to, known, { ...known, what: 'entry' }, line, digest);
  return done(to.wrote ? 'UPDATED' : 'UNCHANGED', known.entityId, family);
}

const STAYS = (what: string, ...path: string[]) => plain(`${what} is not in the record any more; here it stays.`, 'STAYS', ...path);

async function bringUpToDate(
  to: Pushing,
  id: number,
  family: number,
  input: EntryInput,
  line: Line,
  persons: ReadonlyMap<string, number>,
): Promise<void> {
  const { tx, client, now } = to;
  const row = await visibleRow(tx, workbookEntry, id, client);
  // Taken out as wrong since: another state of it does not bring it back.
  if (!row) refuse(notFound('entry', 'sourceId'));
  refuseIf([...checkEntry(input, now), ...(await entryCodes(tx, input, now))]);
  const members = await visibleMembers(tx, family, [...persons.values()]);
  for (const [each, path] of namedIn(line))
    if (!members.has(persons.get(each) as number)) refuse(notFound('member of this family', ...path));
  const changed = (['module', 'sessionType', 'narrative'] as const).filter((field) => {
    const said = line[field];
    return said !== null && said !== undefined && said !== row[field];
  });
  if (changed.length > 0) {
    const said = Object.fromEntries(changed.map((field) => [field, line[field]]));
    const entry = { entry: encodeId(ENTITY, id), expectedVersion: row.version, reason: `Changed in ${to.system}.` };
    await perform(to, amendWorkbookEntry, { ...entry, ...said });
  }
  if (new Date(line.occurred).getTime() !== row.occurredAt.getTime())
    to.notes.push(plain('When it was stays as it came first.', 'STAYS', 'occurred'));

  const about = line.persons.map((each) => persons.get(each) as number);
  const words = [...(line.childWords ?? []), ...(line.parentWords ?? [])].map(({ person }) => persons.get(person) as number);
  const kept = together(
    row.keptFrom,
    (line.keptFrom ?? []).map((each) => persons.get(each) as number),
    await bornKeptFrom(tx, family, together(about, words)),
  );
  const owned = { family, controller: client.organisation.id, worker: client.user, keptFrom: kept, entry: id };
  const named = await visibleRows(tx, workbookEntryPerson, eq(workbookEntryPerson.entry, id), client);
  const added = about.filter((key) => !named.some(({ person }) => person === key));
  const write = async (statement: PromiseLike<unknown>) => {
    to.wrote = true;
    await statement;
  };
  if (added.length > 0) await write(tx.insert(workbookEntryPerson).values(added.map((person) => ({ ...owned, person }))));
  if (named.some(({ person }) => !about.includes(person))) to.notes.push(STAYS('Somebody', 'persons'));

  const dataClasses: DataClass[] = ['WORKBOOK'];
  if (line.readings) {
    const readings = await visibleRows(tx, workbookReading, eq(workbookReading.entry, id), client);
    const left = new Set(readings.map((reading) => reading.id));
    const observedOn = readings[0]?.observedOn;
    for (const { person, behaviour, stageOfChange, capacityForChange = null, engagement = null } of line.readings) {
      const key = persons.get(person) as number;
      const said = { stageOfChange, capacityForChange, engagement };
      const is = readings.find((each) => each.person === key && each.behaviour === behaviour && left.has(each.id));
      if (!is) {
        const day = observedOn ?? row.occurredAt.toLocaleDateString('en-CA', { timeZone: 'Europe/London' });
        await write(tx.insert(workbookReading).values({ ...owned, person: key, behaviour, ...said, observedOn: day }));
        continue;
      }
      left.delete(is.id);
      if ((Object.keys(said) as (keyof typeof said)[]).some((field) => is[field] !== said[field]))
        await write(tx.update(workbookReading).set(said).where(eq(workbookReading.id, is.id)));
    }
    if (left.size > 0) to.notes.push(STAYS('A reading', 'readings'));
  }
  for (const [field, table, dataClass] of [
    ['childWords', workbookChildWords, 'CHILD_VOICE'],
    ['parentWords', workbookParentWords, 'ADULT_VOICE'],
  ] as const) {
    const said = line[field];
    if (!said) continue;
    dataClasses.push(dataClass);
    const told = (await visibleRows(tx, table, eq(table.entry, id), client)).sort((a, b) => a.id - b.id);
    for (const { person, words: spoken } of said) {
      const key = persons.get(person) as number;
      const at = told.findIndex((each) => each.person === key);
      if (at === -1) {
        await write(tx.insert(table).values({ ...owned, person: key, words: spoken }));
        continue;
      }
      const [is] = told.splice(at, 1) as [(typeof told)[number]];
      if (is.words !== spoken) await write(tx.update(table).set({ words: spoken }).where(eq(table.id, is.id)));
    }
    if (told.length > 0) to.notes.push(STAYS('What somebody said', field));
  }
  if (kept.some((key) => !row.keptFrom.includes(key))) to.wrote = true;
  // A line that says nothing else than what is here leaves no change behind, and the feed tells of none.
  if (!to.wrote) return;
  await keepFrom(tx, workbookEntry, id, kept);
  to.changes.push({ action: 'upsertWorkbookEntries', entity: ENTITY, id, family, persons: about, dataClasses });
}
