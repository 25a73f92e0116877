/** An entry on its way into the Workbook: by hand, or as another system tells of it. */
import { and, eq, gt, inArray, isNull, lte, or } from 'drizzle-orm';
import type { DataClass } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Decision, UserError } from '../../change/command.ts';
import { bornKeptFrom, together } from '../../change/kept-from.ts';
import { each, eachOf, keysOf, membersNamed } from '../../change/members.ts';
import { familyVisible, keyOf, notFound } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { today } from '../clock/calendar.ts';
import { addTask, nextWorkingDay } from '../clock/service.ts';
import { involvement } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';
import { checkEntry, checkSession, type EntryInput, type SessionInForce } from './rules.ts';
import {
  workbookChildWords,
  workbookConcern,
  workbookDelivered,
  workbookEntry,
  workbookEntryPerson,
  workbookEvidence,
  workbookJoint,
  workbookMiPractice,
  workbookModule,
  workbookParentWords,
  workbookProgramme,
  workbookReading,
  workbookSession,
  workbookTrigger,
} from './tables.ts';

/** Writes an entry. @param author name of the practitioner whose entry it is. */
export async function writeEntry(tx: Transaction, input: EntryInput, client: Client, now: Date, author: string): Promise<Decision> {
  const errors: UserError[] = checkEntry(input, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };

  const members = await membersNamed(
    tx,
    family,
    [
      ...each('persons', input.persons),
      ...each('keptFrom', input.keptFrom),
      ...(['readings', 'childWords', 'parentWords', 'triggers'] as const).flatMap((field) => eachOf(field, input[field])),
    ],
    errors,
  );

  errors.push(...(await entryCodes(tx, input, now)));
  const observedOn = today(new Date(input.occurred));
  const session = input.session ? await sessionInForce(tx, input.session, observedOn) : null;
  errors.push(...checkSession(input, session));
  const bodies = new Map((input.joint ?? []).flatMap(({ organisation: id }) => (id ? [[id, keyOf('Organisation', id)] as const] : [])));
  const known = await organisationsThere(tx, [...bodies.values()]);
  (input.joint ?? []).forEach(({ organisation: id }, i) => {
    if (id && !known.has(bodies.get(id) as number)) errors.push(notFound('organisation', 'joint', String(i), 'organisation'));
  });
  if (errors.length > 0) return { userErrors: errors };

  const person = (id: string) => members.get(id) as number;
  const about = keysOf(members, input.persons);
  const words = [...(input.childWords ?? []), ...(input.parentWords ?? []), ...(input.triggers ?? [])].map((told) => person(told.person));
  const keptFrom = together(keysOf(members, input.keptFrom), await bornKeptFrom(tx, family, together(about, words)));
  const owned = { family, controller: client.organisation.id, worker: client.user, keptFrom };
  const [entry] = await tx
    .insert(workbookEntry)
    .values({
      ...owned,
      module: input.module,
      session: session?.id ?? null,
      discipline: input.discipline,
      sessionType: input.sessionType,
      occurredAt: new Date(input.occurred),
      author,
      narrative: input.narrative ?? null,
    })
    .returning({ id: workbookEntry.id });
  const id = (entry as { id: number }).id;
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
        engagement: reading.engagement ?? null,
        observedOn,
      })),
    );
  }
  for (const [field, table, dataClass] of [
    ['childWords', workbookChildWords, 'CHILD_VOICE'],
    ['parentWords', workbookParentWords, 'ADULT_VOICE'],
  ] as const) {
    const words = input[field];
    if (!words?.length) continue;
    await tx.insert(table).values(words.map((told) => ({ ...owned, entry: id, person: person(told.person), words: told.words })));
    dataClasses.push(dataClass);
  }
  const of = { ...owned, entry: id };
  if (input.joint?.length) {
    await tx.insert(workbookJoint).values(
      input.joint.map(({ discipline, name, organisation: by }) => ({
        ...of,
        discipline,
        name,
        organisation: by ? (bodies.get(by) as number) : null,
      })),
    );
  }
  if (input.miPractice) {
    const { principles, changeTalk, sustainTalk, ownRating } = input.miPractice;
    await tx.insert(workbookMiPractice).values({
      ...of,
      principles: [...principles],
      changeTalk: changeTalk ?? null,
      sustainTalk: sustainTalk ?? null,
      ownRating: ownRating ?? null,
    });
  }
  if (input.triggers?.length) {
    await tx.insert(workbookTrigger).values(
      input.triggers.map(({ person: of_, behaviour, trigger, coping }) => ({
        ...of,
        person: person(of_),
        behaviour: behaviour ?? null,
        sign: trigger,
        coping: coping ?? null,
      })),
    );
  }
  if (session && input.evidence?.length) {
    const codes = [...new Set(input.evidence)];
    await tx.insert(workbookDelivered).values(codes.map((code) => ({ ...of, evidence: session.evidence.get(code) as number })));
  }
  if (input.concern) {
    await tx.insert(workbookConcern).values({ ...of, concern: input.concern.text, urgent: input.concern.urgent });
    await raise(tx, client, { family, entry: id, urgent: input.concern.urgent, keptFrom }, now);
  }
  return { change: { action: 'addWorkbookEntry', entity: 'WorkbookEntry', id, family, persons: about, dataClasses } };
}

/** Codes of an entry that are in no list today. */
export const entryCodes = (tx: Transaction, input: EntryInput, now: Date): Promise<UserError[]> =>
  checkCodes(tx, today(now), [
    { list: 'discipline', value: input.discipline, path: ['discipline'] },
    { list: 'session-type', value: input.sessionType, path: ['sessionType'] },
    ...(input.readings ?? []).map(({ behaviour }, i) => ({
      list: 'behaviour',
      value: behaviour,
      path: ['readings', String(i), 'behaviour'],
    })),
    ...(input.readings ?? []).map(({ engagement }, i) => ({
      list: 'engagement',
      value: engagement,
      path: ['readings', String(i), 'engagement'],
    })),
    ...(input.triggers ?? []).map(({ behaviour }, i) => ({
      list: 'behaviour',
      value: behaviour,
      path: ['triggers', String(i), 'behaviour'],
    })),
    ...(input.joint ?? []).map(({ discipline }, i) => ({
      list: 'discipline',
      value: discipline,
      path: ['joint', String(i), 'discipline'],
    })),
    ...(input.miPractice?.principles ?? []).map((value, i) => ({
      list: 'mi-principle',
      value,
      path: ['miPractice', 'principles', String(i)],
    })),
  ]);

/** The session of this code in the programme in force on a day. */
async function sessionInForce(tx: Transaction, code: string, day: string): Promise<SessionInForce | null> {
  const [found] = await tx
    .select({ id: workbookSession.id, module: { code: workbookModule.code, name: workbookModule.name } })
    .from(workbookSession)
    .innerJoin(workbookModule, eq(workbookModule.id, workbookSession.parent))
    .innerJoin(workbookProgramme, eq(workbookProgramme.id, workbookModule.parent))
    .where(
      and(
        eq(workbookSession.code, code),
        lte(workbookProgramme.validFrom, day),
        or(isNull(workbookProgramme.validTo), gt(workbookProgramme.validTo, day)),
      ),
    )
    .limit(1);
  if (!found) return null;
  const evidence = await tx.select().from(workbookEvidence).where(eq(workbookEvidence.parent, found.id));
  return { ...found, evidence: new Map(evidence.map((left) => [left.code, left.id])) };
}

async function organisationsThere(tx: Transaction, keys: (number | null)[]): Promise<Set<number>> {
  const wanted = keys.filter((key) => key !== null);
  if (wanted.length === 0) return new Set();
  const rows = await tx.select({ id: organisation.id }).from(organisation).where(inArray(organisation.id, wanted));
  return new Set(rows.map(({ id }) => id));
}

/**
 * A concern does not wait for a meeting: it is a task of the lead practitioner, today's where it is urgent; where nobody
 * leads, of anybody of the writer's own organisation. The title says nothing of it: the entry does.
 */
async function raise(
  tx: Transaction,
  client: Client,
  { family, entry, urgent, keptFrom }: { family: number; entry: number; urgent: boolean; keptFrom: number[] },
  now: Date,
): Promise<void> {
  const [lead] = await tx
    .select({ organisation: involvement.organisation, worker: involvement.worker })
    .from(involvement)
    .where(
      and(
        eq(involvement.family, family),
        eq(involvement.lead, true),
        lte(involvement.from, now),
        or(isNull(involvement.until), gt(involvement.until, now)),
      ),
    )
    .orderBy(involvement.id)
    .limit(1);
  await addTask(tx, client, {
    family,
    assigned: lead ?? { organisation: client.organisation.id, worker: null },
    kind: 'concern',
    title: urgent ? 'Urgent concern raised in the Workbook' : 'Concern raised in the Workbook',
    dueOn: urgent ? today(now) : await nextWorkingDay(tx, today(now)),
    subject: { type: 'WorkbookEntry', id: entry },
    keptFrom,
  });
}
