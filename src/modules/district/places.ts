/** How many places a service has and what it is meant to move, said by who gives it; and the words for when none is free. */
import { inArray, sql } from 'drizzle-orm';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { keyOf, notFound } from '../../change/visible.ts';
import type { SetServiceIndicatorsInput, SetServicePlacesInput } from '../../graphql/generated.ts';
import { outcomeIndicator } from '../outcome/tables.ts';

/** A service with more has no need to count. */
const MOST_PLACES = 100_000;

export const setServicePlaces: Command = async (tx, raw) => {
  const input = raw as unknown as Omit<SetServicePlacesInput, 'idempotencyKey'>;
  const { errors, invalid } = faults();
  const places = input.places ?? null;
  if (places !== null && (places < 0 || places > MOST_PLACES)) invalid(`0 to ${MOST_PLACES}.`, 'places');
  if (errors.length > 0) return { userErrors: errors };
  const key = keyOf('Service', input.service);
  const { rows } = await tx.execute<{ set: boolean }>(sql`select fsp.set_places(${key}::integer, ${places}::integer) as set`);
  if (key === null || !rows[0]?.set) return { userErrors: [notFound('service of yours', 'service')] };
  return { change: { action: 'setServicePlaces', entity: 'Service', id: key, family: null, persons: [], dataClasses: ['DIRECTORY'] } };
};

export const setServiceIndicators: Command = async (tx, raw) => {
  const input = raw as unknown as Omit<SetServiceIndicatorsInput, 'idempotencyKey'>;
  const { errors, invalid, list } = faults();
  list(input.indicators, 20, 'indicators');
  const known = new Set(
    (
      await tx
        .select({ code: outcomeIndicator.code })
        .from(outcomeIndicator)
        .where(inArray(outcomeIndicator.code, ['', ...input.indicators]))
    ).map(({ code }) => code),
  );
  input.indicators.forEach((code, i) => {
    if (!known.has(code)) invalid('Not the code of an indicator: outcomeIndicators { code name } has them.', 'indicators', i);
  });
  if (errors.length > 0) return { userErrors: errors };
  const key = keyOf('Service', input.service);
  const codes = sql`array(select jsonb_array_elements_text(${JSON.stringify(input.indicators)}::jsonb))`;
  const { rows } = await tx.execute<{ set: boolean }>(sql`select fsp.set_indicators(${key}::integer, ${codes}) as set`);
  if (key === null || !rows[0]?.set) return { userErrors: [notFound('service of yours', 'service')] };
  return { change: { action: 'setServiceIndicators', entity: 'Service', id: key, family: null, persons: [], dataClasses: ['DIRECTORY'] } };
};
