/** What agencies report for the outcome framework, and the county's targets. */
import { eq, sql } from 'drizzle-orm';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound } from '../../change/visible.ts';
import type { ObservationLine, RecordObservationsInput, SetTargetInput } from '../../graphql/generated.ts';
import { LIMITS } from '../../limits.ts';
import { today } from '../clock/calendar.ts';
import { district } from '../district/tables.ts';
import { indicatorTarget } from './framework.ts';
import { outcomeIndicator } from './tables.ts';

/** A key that no row has: what an id of another type names. */
const NOBODY = 0;

/** A line as `fsp.record_observations` takes it. */
const lineOf = ({ family, person, correctionReason, sourceRef, ...line }: ObservationLine) => ({
  ...line,
  family: family ? (keyOf('Family', family) ?? NOBODY) : null,
  person: person ? (keyOf('Person', person) ?? NOBODY) : null,
  reason: correctionReason,
  ref: sourceRef,
});

type Fault = { line: number; path: string; code: UserError['code']; rule: string | null; message: string };

/** The database holds every line against the framework and the caller's grants, whoever asks it, so it is asked alone. */
export const recordObservations: Command = async (tx, raw, client, now) => {
  const { lines } = raw as unknown as Omit<RecordObservationsInput, 'idempotencyKey'>;
  const { errors, invalid, list } = faults();
  if (lines.length === 0) invalid('Must not be empty.', 'lines');
  list(lines, LIMITS.observationLines, 'lines');
  // A key that an exporter forgot takes nothing back.
  for (const [at, { count }] of lines.entries())
    if (count === undefined)
      errors.push({ code: 'INVALID', message: 'Must be given; null takes back.', path: ['lines', String(at), 'count'] });
  if (errors.length > 0) return { userErrors: errors };
  const { rows } = await tx.execute<{ done: { run: number } | { faults: Fault[] } }>(
    sql`select fsp.record_observations(${JSON.stringify(lines.map(lineOf))}::jsonb, ${client.user}, ${today(now)}::date) as done`,
  );
  const done = rows[0]?.done as { run: number } | { faults: Fault[] };
  if ('faults' in done)
    return {
      userErrors: done.faults.map(({ line, path, code, rule, message }) => ({
        code,
        message,
        path: ['lines', String(line), path],
        ...(rule === null ? {} : { rule }),
      })),
    };
  const change = { entity: 'ObservationRun', id: done.run, family: null, persons: [], dataClasses: ['CASE' as const] };
  return { change: { action: 'recordObservations', ...change } };
};

const DECIMAL = /^-?\d{1,9}(\.\d{1,4})?$/;

export const setTarget: Command = async (tx, raw, client) => {
  const input = raw as unknown as Omit<SetTargetInput, 'idempotencyKey'>;
  const { errors, invalid, rule, text } = faults();
  const [indicator] = await tx.select().from(outcomeIndicator).where(eq(outcomeIndicator.code, input.indicator));
  if (!indicator) errors.push(notFound('indicator', 'indicator'));
  const area = input.area ?? null;
  if (area !== null) {
    const found = await tx.select().from(district).where(eq(district.code, area));
    if (found.length === 0) errors.push(notFound('district', 'area'));
  }
  if (input.from > input.to) rule('PERIOD', 'The period ends before it begins.', 'to');
  if (!DECIMAL.test(input.value)) invalid('Must be a decimal of at most four places.', 'value');
  text(input.reason, 500, 'reason');
  const adjusts = input.adjusts ? (keyOf('IndicatorTarget', input.adjusts) ?? NOBODY) : null;
  if (adjusts !== null) {
    if (!input.reason) rule('REASON', 'Say why the target is adjusted.', 'reason');
    const [target] = await tx.select().from(indicatorTarget).where(eq(indicatorTarget.id, adjusts));
    if (!target || target.adjusts !== null || target.indicator !== indicator?.id || target.area !== area)
      errors.push(notFound('target of this indicator and area', 'adjusts'));
    else if (input.from < target.starts || input.to > target.ends)
      rule('PERIOD', 'An adjustment is of days of the target that it adjusts.', 'from');
  }
  if (errors.length > 0 || !indicator) return { userErrors: errors };
  const { rows } = await tx.execute<{ id: string | null }>(
    sql`select fsp.set_target(${indicator.id}, ${area}, ${input.from}::date, ${input.to}::date, ${input.value}::numeric,
      ${input.reason ?? null}, ${adjusts}::bigint, ${client.user}) as id`,
  );
  const id = rows[0]?.id ?? null;
  if (id === null) {
    const message = 'Another target of this indicator and area stands for some of these days: adjust that one.';
    return { userErrors: [{ code: 'CONFLICT', message, path: ['from'], rule: 'OVERLAP' }] };
  }
  const change = { entity: 'IndicatorTarget', id: Number(id), family: null, persons: [], dataClasses: ['DIRECTORY' as const] };
  return { change: { action: 'setTarget', ...change } };
};
