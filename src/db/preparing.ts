/** Which statements are prepared: those that are asked again, as long as their login has room. */
import { LIMITS } from '../limits.ts';

/** A statement is prepared when it was seen this often. */
const PREPARE_AFTER = 2;

/** Tells of each run of a plan whether it is prepared; counts what each login has prepared. */
export function createPreparing(enabled: boolean): (plan: { runs: number }, login: string) => boolean {
  const prepared = new Map<string, { count: number; since: number }>();
  return (plan, login) => {
    if (!enabled) return false;
    plan.runs++;
    if (plan.runs < PREPARE_AFTER) return false;
    if (plan.runs === PREPARE_AFTER) {
      let known = prepared.get(login);
      // What was prepared on a connection goes with it, after this time at the latest.
      if (!known || performance.now() - known.since > LIMITS.lifeSeconds * 1000) {
        known = { count: 0, since: performance.now() };
        prepared.set(login, known);
      }
      if (known.count >= LIMITS.preparedPerLogin) plan.runs = 0;
      else known.count++;
    }
    return plan.runs >= PREPARE_AFTER;
  };
}
