/** When no place of a service is free. */
import type { UserError } from '../../change/command.ts';

/** The state that `fsp.take_place` raises. */
const NO_PLACE = 'FSP01';

/**
 * Writes what takes a place.
 *
 * @returns what `write` does, or the words for who finds none free.
 */
export async function takingPlace<T>(write: () => Promise<T>, ...path: string[]): Promise<T | UserError> {
  try {
    return await write();
  } catch (error) {
    const code = (error as { code?: string }).code ?? (error as { cause?: { code?: string } }).cause?.code;
    if (code !== NO_PLACE) throw error;
    return { code: 'RULE', rule: 'NO_PLACE', message: 'No place of this service is free: placesLeft says how many are.', path };
  }
}
