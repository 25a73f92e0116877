/** Assessing a child or a family, and asking specialists. */
import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core';
import { maskOf } from '../../access/classes.ts';
import type { Client } from '../../access/client.ts';
import { amend, conflict } from '../../change/amend.ts';
import { type Coded, checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { each, eachOf, keysOf, membersNamed, one } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow, visibleRows } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { dueOn, endClock, meetClock, startClock } from '../clock/service.ts';
import { startFeedbackClocks } from '../contact/feedback.ts';
import { episode } from '../plan/legal.ts';
import { oneAtATime, restage } from '../plan/stage.ts';
import { organisation } from '../sharing/tables.ts';
import { workbookEntry } from '../workbook/tables.ts';
import { TRIO_VARIANTS } from './concerns.ts';
import {
  type AmendInput,
  type CancelInput,
  type CompleteInput,
  checkAmend,
  checkCancel,
  checkComplete,
  checkOrder,
  checkReceive,
  checkStart,
  episodeOf,
  type OrderInput,
  REPLACED,
  type ReceiveInput,
  type StartInput,
  verdict,
} from './rules.ts';
import {
  assessment,
  assessmentAce,
  assessmentFactor,
  assessmentFinding,
  assessmentOutcome,
  contextFact,
  specialistAssessment,
  specialistKind,
  trio,
} from './tables.ts';

const CLOCK = 'CFA_COMPLETE';
const NAMED = { name: 'assessment', path: ['assessment'] };

type Row = typeof assessment.$inferSelect;

/** What was put on record late, or is mirrored from the record system, is never refused by a census rule. */
const isLenient = (client: Client, historical: boolean | null | undefined) => historical === true || client.purpose === 'RECORD_SYNC';

const personsOf = ({ person }: { person: number | null }) => (person === null ? [] : [person]);

export const startAssessment: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as StartInput;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const errors: UserError[] = [];
  const members = await membersNamed(tx, family, one('person', input.person), errors);
  if (errors.length > 0) return { userErrors: errors };
  const person = input.person ? (members.get(input.person) as number) : null;
  await oneAtATime(tx, person === null ? 'family' : 'person', person ?? family);
  const team = input.team ? keyOf('Organisation', input.team) : null;
  if (input.team) {
    const [found] = team === null ? [] : await tx.select().from(organisation).where(eq(organisation.id, team));
    if (found?.agency !== 'TEAM') errors.push(notFound('team', 'team'));
  }
  errors.push(...(await checkCodes(tx, input.started, [{ list: 'assessment-kind', value: input.kind, path: ['kind'] }])));

  const episodes =
    person === null ? [] : await visibleRows(tx, episode, and(eq(episode.family, family), eq(episode.person, person)), client);
  const of = episodeOf(episodes, input.referred);
  const referred = input.referred ?? of?.referredOn ?? null;
  const same = and(eq(assessment.family, family), person === null ? isNull(assessment.person) : eq(assessment.person, person));
  const open = await visibleRows(tx, assessment, and(same, eq(assessment.status, 'OPEN')), client);
  const lenient = isLenient(client, input.historical);
  const said = verdict(checkStart(input, { referred, episode: of, open }, now), lenient);
  errors.push(...said.errors);
  if (errors.length > 0 || referred === null) return { userErrors: errors };

  const [row] = await tx
    .insert(assessment)
    .values({
      family,
      person,
      controller: client.organisation.id,
      worker: client.user,
      episode: of?.id ?? null,
      kind: input.kind ?? 'child-and-family',
      status: 'OPEN',
      referred,
      started: input.started,
      team,
    })
    .returning({ id: assessment.id });
  const id = (row as { id: number }).id;
  await startClock(tx, client, { rule: CLOCK, family, person, subject: { type: 'Assessment', id }, from: referred });
  await restage(tx, family, now);
  return {
    change: { action: 'startAssessment', entity: 'Assessment', id, family, persons: personsOf({ person }), dataClasses: ['CASE'] },
    warnings: said.warnings,
  };
};

type Findings = Pick<AmendInput, 'outcomes' | 'factors' | 'context' | 'aces'> & { keptFrom?: CompleteInput['keptFrom'] };

/** Codes and persons that must be there; codes that others have replaced are warned of. */
async function checkNamed(tx: Transaction, family: number, day: string, found: Findings): Promise<UserError[]> {
  const factors = (found.factors ?? []).map(
    ({ code }, i): Coded => ({ list: 'assessment-factor', value: code, path: ['factors', String(i), 'code'] }),
  );
  const isReplaced = ({ value }: Coded) => Object.hasOwn(REPLACED, value ?? '');
  const errors = await checkCodes(tx, day, [
    ...factors.filter((factor) => !isReplaced(factor)),
    ...(found.outcomes ?? []).map((value, i) => ({ list: 'assessment-outcome', value, path: ['outcomes', String(i)] })),
    ...(found.context ?? []).map(({ code }, i) => ({ list: 'context-fact', value: code, path: ['context', String(i), 'code'] })),
  ]);
  for (const factor of factors.filter(isReplaced)) {
    const [ended] = await checkCodes(tx, day, [factor]);
    const code = factor.value as string;
    const message = `${code} was replaced by ${code.slice(0, 2)}B (by a child) and ${code.slice(0, 2)}C (by an adult).`;
    if (ended) errors.push({ code: 'RULE', rule: REPLACED[code] as string, message, path: factor.path });
  }
  const named = [...eachOf('factors', found.factors), ...eachOf('aces', found.aces), ...each('keptFrom', found.keptFrom)];
  await membersNamed(tx, family, named, errors);
  return errors;
}

type FindingTable = PgTable & { id: PgColumn; assessment: PgColumn; withdrawn: PgColumn };
type Owned = Pick<typeof assessmentFinding.$inferInsert, 'assessment' | 'family' | 'person' | 'controller' | 'keptFrom'>;

/** Makes the rows of a list what is wanted: what is no longer there is withdrawn, never deleted. */
async function replaceRows<V extends object>(tx: Transaction, table: FindingTable, owned: Owned, wanted: V[]): Promise<void> {
  const there = await tx
    .select()
    .from(table as PgTable)
    .where(and(eq(table.assessment, owned.assessment), eq(table.withdrawn, false)));
  const same = (row: Record<string, unknown>, value: V) => Object.entries(value).every(([name, each]) => row[name] === each);
  const gone = there.filter((row) => !wanted.some((value) => same(row, value)));
  if (gone.length > 0) {
    const ids = gone.map((row) => row.id as number);
    await tx
      .update(table as PgTable)
      .set({ withdrawn: true } as never)
      .where(inArray(table.id, ids));
  }
  const fresh = wanted.filter((value) => !there.some((row) => same(row, value)));
  if (fresh.length > 0) await tx.insert(table).values(fresh.map((value) => ({ ...owned, ...value })) as never);
}

const aboutKey = (person: string | null | undefined) => (person ? keyOf('Person', person) : null);

/** Each once: a factor that a mirrored record names twice is one factor. */
const once = <T>(values: readonly T[], of: (value: T) => string) => [...new Map(values.map((value) => [of(value), value])).values()];

async function writeLists(tx: Transaction, owned: Owned, found: Findings): Promise<void> {
  const { outcomes, factors, context, aces } = found;
  if (outcomes)
    await replaceRows(
      tx,
      assessmentOutcome,
      owned,
      outcomes.map((code) => ({ code })),
    );
  if (factors) {
    const each = once(factors, ({ code }) => code).map(({ code, person }) => ({ code, about: aboutKey(person) }));
    await replaceRows(tx, assessmentFactor, owned, each);
  }
  if (context)
    await replaceRows(
      tx,
      contextFact,
      owned,
      context.map(({ code, value }) => ({ code, value })),
    );
  if (aces)
    await replaceRows(
      tx,
      assessmentAce,
      owned,
      aces.map(({ person, count }) => ({ about: aboutKey(person), count })),
    );
}

const changed = (action: string, row: Row, dataClasses: ('CASE' | 'ASSESSMENT')[]) => ({
  action,
  entity: 'Assessment',
  id: row.id,
  family: row.family,
  persons: personsOf(row),
  dataClasses,
});

export const completeAssessment: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as CompleteInput;
  const row = await visibleRow(tx, assessment, keyOf('Assessment', input.assessment), client);
  if (!row) return { userErrors: [notFound('assessment', 'assessment')] };
  if (row.version !== input.expectedVersion) return { userErrors: [conflict(row.version)] };
  const said = verdict(
    [
      ...checkComplete(input, { started: row.started, dueOn: await dueOn(tx, CLOCK, row.referred) }, now),
      ...(await checkNamed(tx, row.family, input.authorisedOn, input)),
    ],
    isLenient(client, input.historical),
  );
  if (typeof input.childSeen !== 'boolean' && !isLenient(client, input.historical))
    said.errors.push({ code: 'INVALID', message: 'Say whether the child was seen.', path: ['childSeen'] });
  if (row.status !== 'OPEN') said.errors.push({ code: 'INVALID', message: 'It is no longer open.', path: ['assessment'] });
  if (said.errors.length > 0) return { userErrors: said.errors };
  const set = { status: 'COMPLETED', authorisedOn: input.authorisedOn };
  const refused = await amend(tx, client, assessment, row.id, input.expectedVersion, set, NAMED);
  if (refused) return { userErrors: [refused] };
  const keptFrom = [...new Set((input.keptFrom ?? []).map((person) => keyOf('Person', person) as number))];
  const owned: Owned = { assessment: row.id, family: row.family, person: row.person, controller: row.controller, keptFrom };
  await tx.insert(assessmentFinding).values({
    ...owned,
    authorisedOn: input.authorisedOn,
    childSeen: input.childSeen ?? null,
    seenAlone: input.seenAlone ?? null,
    analysis: input.analysis ?? null,
  });
  await writeLists(tx, owned, input);
  const { family, controller } = row;
  for (const of of [
    { assessment: row.id, person: row.person },
    { assessment: null, person: null },
  ]) {
    await tx
      .insert(trio)
      .values(TRIO_VARIANTS.map((variant) => ({ ...of, family, controller, variant })))
      .onConflictDoNothing();
  }
  await meetClock(tx, { rule: CLOCK, subject: { type: 'Assessment', id: row.id }, on: input.authorisedOn });
  await startFeedbackClocks(tx, client, row.family, input.authorisedOn);
  await restage(tx, row.family, now);
  return { change: changed('completeAssessment', row, ['CASE', 'ASSESSMENT']), warnings: said.warnings };
};

export const amendAssessment: Command = async (tx, raw, client) => {
  const input = raw as unknown as AmendInput;
  const row = await visibleRow(tx, assessment, keyOf('Assessment', input.assessment), client);
  if (!row) return { userErrors: [notFound('assessment', 'assessment')] };
  if (row.version !== input.expectedVersion) return { userErrors: [conflict(row.version)] };
  const [finding] = await visibleRows(tx, assessmentFinding, eq(assessmentFinding.assessment, row.id), client);
  const day = finding?.authorisedOn ?? row.started;
  const said = verdict(
    [...checkAmend(input, { status: row.status }), ...(await checkNamed(tx, row.family, day, input))],
    isLenient(client, input.historical) && finding !== undefined,
  );
  if (said.errors.length > 0) return { userErrors: said.errors };
  // Completed, and its findings are kept from this user.
  if (!finding) return { userErrors: [notFound('assessment', 'assessment')] };
  const refused = await amend(tx, client, assessment, row.id, input.expectedVersion, { status: 'COMPLETED' }, NAMED);
  if (refused) return { userErrors: [refused] };
  await tx
    .update(assessmentFinding)
    .set({
      childSeen: input.childSeen ?? finding.childSeen,
      seenAlone: input.seenAlone === undefined ? finding.seenAlone : input.seenAlone,
      analysis: input.analysis === undefined ? finding.analysis : input.analysis,
    })
    .where(eq(assessmentFinding.id, finding.id));
  const { keptFrom } = finding;
  await writeLists(tx, { assessment: row.id, family: row.family, person: row.person, controller: row.controller, keptFrom }, input);
  return { change: changed('amendAssessment', row, ['ASSESSMENT']), warnings: said.warnings };
};

export const cancelAssessment: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as CancelInput;
  const row = await visibleRow(tx, assessment, keyOf('Assessment', input.assessment), client);
  if (!row) return { userErrors: [notFound('assessment', 'assessment')] };
  if (row.version !== input.expectedVersion) return { userErrors: [conflict(row.version)] };
  const errors = checkCancel(input, row, now);
  if (row.status !== 'OPEN') errors.push({ code: 'INVALID', message: 'It is no longer open.', path: ['assessment'] });
  if (errors.length > 0) return { userErrors: errors };
  const set = { status: 'CANCELLED', cancelledOn: input.on };
  const refused = await amend(tx, client, assessment, row.id, input.expectedVersion, set, NAMED);
  if (refused) return { userErrors: [refused] };
  await endClock(tx, { subject: { type: 'Assessment', id: row.id }, on: input.on });
  await restage(tx, row.family, now);
  return { change: changed('cancelAssessment', row, ['CASE']) };
};

export const orderSpecialistAssessment: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as OrderInput;
  const errors = checkOrder(input, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const members = await membersNamed(tx, family, [...one('person', input.person), ...each('keptFrom', input.keptFrom)], errors);
  const person = members.get(input.person);
  const [kind] = await tx.select().from(specialistKind).where(eq(specialistKind.code, input.kind));
  if (!kind) errors.push({ code: 'INVALID', message: `There is no kind of specialist assessment ${input.kind}.`, path: ['kind'] });
  const assessor = input.assessor ? keyOf('Organisation', input.assessor) : null;
  if (input.assessor) {
    const [found] = assessor === null ? [] : await tx.select().from(organisation).where(eq(organisation.id, assessor));
    if (!found) errors.push(notFound('organisation', 'assessor'));
  }
  if (errors.length > 0 || !kind || person === undefined) return { userErrors: errors };
  const [row] = await tx
    .insert(specialistAssessment)
    .values({
      family,
      person,
      controller: client.organisation.id,
      worker: client.user,
      rowMask: Number(maskOf([kind.dataClass])),
      keptFrom: keysOf(members, input.keptFrom),
      specialistKind: kind.id,
      orderedOn: input.orderedOn,
      assessor,
      assessorName: input.assessorName ?? null,
      question: input.question ?? null,
    })
    .returning({ id: specialistAssessment.id });
  const id = (row as { id: number }).id;
  const dataClasses = [...new Set(['ASSESSMENT' as const, kind.dataClass])];
  return { change: { action: 'orderSpecialistAssessment', entity: 'SpecialistAssessment', id, family, persons: [person], dataClasses } };
};

export const receiveSpecialistAssessment: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as ReceiveInput;
  const row = await visibleRow(tx, specialistAssessment, keyOf('SpecialistAssessment', input.specialistAssessment), client);
  if (!row) return { userErrors: [notFound('specialist assessment', 'specialistAssessment')] };
  const errors = checkReceive(input, row, now);
  const entry = input.workbookEntry ? keyOf('WorkbookEntry', input.workbookEntry) : null;
  if (input.workbookEntry) {
    const found = await visibleRow(tx, workbookEntry, entry, client);
    if (found?.family !== row.family) errors.push(notFound('entry of this family', 'workbookEntry'));
  }
  if (errors.length > 0) return { userErrors: errors };
  const set = { receivedOn: input.receivedOn, conclusion: input.conclusion, ...(entry === null ? {} : { entry }) };
  const what = { name: 'specialist assessment', path: ['specialistAssessment'] };
  const refused = await amend(tx, client, specialistAssessment, row.id, input.expectedVersion, set, what);
  if (refused) return { userErrors: [refused] };
  return {
    change: {
      action: 'receiveSpecialistAssessment',
      entity: 'SpecialistAssessment',
      id: row.id,
      family: row.family,
      persons: [row.person],
      dataClasses: ['ASSESSMENT'],
    },
  };
};
