/** Asking for somebody who only listens: what is spent, or cannot be had now, is waited for. */
import { setTimeout as pause } from 'node:timers/promises';
import { formatError, PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/** `retryAfter`: seconds, where a budget is spent; `text`: the body, with `data` or `errors`. */
export type Answered = { status: number; retryAfter: number | null; text: string };

/** Seconds that an error says to wait; null: it says nothing. */
const retryAfter = (error: unknown): number | null => {
  const wait = error instanceof PublicError ? Number(error.headers['retry-after'] ?? Number.NaN) : Number.NaN;
  return Number.isNaN(wait) ? null : wait;
};

const waited = (seconds: number) => pause(seconds * 1000, undefined, { ref: false });

/** An error as it is told of an operation. */
export function shownError(error: unknown) {
  const { status: _, ...shown } = formatError(error);
  return shown;
}

/** What an answer refuses. */
export const errorsOf = (text: string): unknown[] => (JSON.parse(text) as { errors: unknown[] }).errors;

/**
 * Asks; with patience again, until there is an answer or none is to be had.
 *
 * @param ask told which try it is, from 1; null: nobody waits for the answer any more. What it throws is an answer.
 */
export async function answerOf(patient: boolean, ask: (tries: number) => Promise<Answered | null>): Promise<Answered | null> {
  for (let tries = 1; ; tries++) {
    const answered = await ask(tries).catch(
      (error): Answered => ({
        status: formatError(error).status,
        retryAfter: retryAfter(error),
        text: JSON.stringify({ errors: [shownError(error)] }),
      }),
    );
    if (answered === null || !patient) return answered;
    if (answered.status === 429 && answered.retryAfter !== null && answered.retryAfter <= LIMITS.requestSeconds)
      await waited(answered.retryAfter);
    else if (answered.status === 503 && tries < LIMITS.tries) await waited(0.1 * 4 ** tries);
    else return answered;
  }
}

/** Takes what something costs, as soon as there is enough. False: nobody waits for it any more. @throws PublicError that may not be waited for */
export async function paid(charge: () => void, over: () => boolean): Promise<boolean> {
  while (!over()) {
    try {
      charge();
      return true;
    } catch (error) {
      const wait = retryAfter(error);
      if (wait === null || wait > LIMITS.requestSeconds || (error as PublicError).code !== 'BUDGET_SPENT') throw error;
      await waited(wait);
    }
  }
  return false;
}
