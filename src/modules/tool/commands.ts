/** Recording what a tool gave. Answers are scored and forgotten: neither rows nor the record of changes hold them. */
import { asc, eq } from 'drizzle-orm';
import { maskOf } from '../../access/classes.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { bornKeptFrom, together } from '../../change/kept-from.ts';
import { each, keysOf, membersNamed, one } from '../../change/members.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { WithdrawToolReadingInput } from '../../graphql/generated.ts';
import { addTask } from '../clock/service.ts';
import { personIdentity } from '../person/tables.ts';
import { checkReading, type ReadingInput, type ReadingRules } from './rules.ts';
import { raised, score } from './scoring.ts';
import { tool, toolBand, toolDomain, toolMetric, toolReading, toolScore } from './tables.ts';

type Loaded = typeof tool.$inferSelect & ReadingRules;

/** A tool with all that its scoring needs. */
async function loadTool(tx: Transaction, code: string): Promise<Loaded | null> {
  const [found] = await tx.select().from(tool).where(eq(tool.code, code));
  if (!found) return null;
  return {
    ...found,
    bands: await tx.select().from(toolBand).where(eq(toolBand.tool, found.id)).orderBy(asc(toolBand.lowest)),
    domains: await tx.select().from(toolDomain).where(eq(toolDomain.tool, found.id)).orderBy(asc(toolDomain.position)),
    metric: await tx.select().from(toolMetric).where(eq(toolMetric.tool, found.id)).orderBy(asc(toolMetric.raw)),
  } as Loaded;
}

export const recordToolReading: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as ReadingInput;
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const rules = await loadTool(tx, input.tool);
  if (!rules) return { userErrors: [{ code: 'INVALID', message: `There is no tool ${input.tool}.`, path: ['tool'] }] };

  const errors: UserError[] = [];
  const members = await membersNamed(tx, family, [...one('person', input.person), ...each('keptFrom', input.keptFrom)], errors);
  const person = input.person ? (members.get(input.person) ?? null) : null;
  const [identity] =
    person === null || errors.length > 0 ? [] : await tx.select().from(personIdentity).where(eq(personIdentity.person, person));
  const broken = checkReading(input, rules, { born: identity?.dateOfBirth ?? null }, now);
  const lenient = input.historical === true || client.purpose === 'RECORD_SYNC';
  const warnings = lenient ? broken.filter(({ rule }) => rule !== undefined) : [];
  errors.push(...broken.filter((each) => !warnings.includes(each)));
  errors.push(...(await checkCodes(tx, input.on, [{ list: 'tool-completed-by', value: input.completedBy, path: ['completedBy'] }])));
  if (errors.length > 0) return { userErrors: errors };

  const scored = score(rules, input);
  const level = scored.band === null ? { band: null, raisedBy: null } : raised(rules.bands, scored.band, input.raise ?? null);
  if (!level) {
    const message = `The score alone gives ${scored.band}: judgement and escalation raise a level, and never lower it.`;
    return { userErrors: [{ code: 'RULE', rule: 'DASH_RAISE_ONLY', message, path: ['raise', 'band'] }] };
  }
  const highest = rules.bands.at(-1)?.code;
  const keptFrom = together(keysOf(members, input.keptFrom), await bornKeptFrom(tx, family, person === null ? [] : [person]));
  const owned = {
    family,
    person,
    controller: client.organisation.id,
    worker: client.user,
    keptFrom,
    tool: rules.id,
    rowMask: Number(maskOf([rules.dataClass])),
  };
  const [row] = await tx
    .insert(toolReading)
    .values({
      ...owned,
      readOn: input.on,
      author: client.userName ?? client.id,
      edition: input.edition ?? rules.edition,
      completedBy: input.completedBy ?? 'together',
      total: scored.total,
      metric: scored.metric,
      band: level.band,
      scoredBand: scored.band,
      raisedBy: level.raisedBy,
      // A level raised to the highest is as good as the score that gives it.
      atThreshold: scored.atThreshold === null ? null : scored.atThreshold || (level.raisedBy !== null && level.band === highest),
    })
    .returning({ id: toolReading.id });
  const id = (row as { id: number }).id;
  if (scored.domains.length > 0) {
    await tx
      .insert(toolScore)
      .values(scored.domains.map(({ code, score: value }) => ({ ...owned, reading: id, domain: code, score: value })));
  }
  if (scored.alert && lenient) {
    const message = 'The ninth item was answered with more than "not at all". It is entered late, so nobody is given a task.';
    warnings.push({ code: 'RULE', rule: 'PHQ9_ITEM9', message, path: ['answers', '8'] });
  } else if (scored.alert) {
    await addTask(tx, client, {
      family,
      person,
      assigned: { organisation: client.organisation.id, worker: client.user },
      kind: 'risk-today',
      title: 'Talk with the person today about an answer to PHQ-9 (item 9)',
      dueOn: input.on,
      subject: { type: 'ToolReading', id },
      classes: [rules.dataClass],
      keptFrom,
    });
  }
  const persons = person === null ? [] : [person];
  const dataClasses = [...new Set(['WORKBOOK' as const, rules.dataClass])];
  return { change: { action: 'recordToolReading', entity: 'ToolReading', id, family, persons, dataClasses }, warnings };
};

export const withdrawToolReading: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<WithdrawToolReadingInput, 'idempotencyKey'>;
  const row = await visibleRow(tx, toolReading, keyOf('ToolReading', input.reading), client);
  if (!row || (row.withdrawn && row.version === input.expectedVersion)) return { userErrors: [notFound('reading', 'reading')] };
  const what = { name: 'reading', path: ['reading'] };
  const refused = await amend(tx, client, toolReading, row.id, input.expectedVersion, { withdrawn: true }, what);
  if (refused) return { userErrors: [refused] };
  return {
    change: {
      action: 'withdrawToolReading',
      entity: 'ToolReading',
      id: row.id,
      family: row.family,
      persons: row.person === null ? [] : [row.person],
      dataClasses: ['WORKBOOK'],
    },
  };
};
