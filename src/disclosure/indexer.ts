/**
 * Makes readable what was put on record: now and then, and before anybody reads it, so that a reader misses nothing. One pass
 * at a time, on one connection: the others are for what is being put on record.
 */
import { LIMITS } from '../limits.ts';

export type Indexer = {
  /** Resolves when all that was on record before the call can be read. */
  fresh(): Promise<void>;
  /** Something was put on record. */
  noted(): void;
  /** Stops, after a last pass where there is something to do. */
  end(): Promise<void>;
};

/** A notice whose time has come waits no longer than this where nothing is put on record. */
const IDLE_MILLISECONDS = 60_000;

/** The part of its time that a server gives to it, while nobody waits for it. */
const SHARE = 0.2;

/**
 * @param step makes some of it readable; gives whether there is more.
 * @param failed told why a pass in the background failed; the next one goes on where it was.
 */
export function createIndexer(
  step: () => Promise<boolean>,
  failed: (error: unknown) => void,
  now: () => number = () => performance.now(),
): Indexer {
  let dirty = true;
  let last = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const pass = async (until: number) => {
    dirty = false;
    last = now();
    try {
      while (await step()) {
        if (now() < until) continue;
        dirty = true;
        return;
      }
    } catch (error) {
      dirty = true;
      throw error;
    }
  };
  const run = (until = Number.POSITIVE_INFINITY): Promise<void> => {
    running = pass(until).finally(() => {
      running = null;
    });
    return running;
  };
  const fresh = (): Promise<void> => {
    if (!running) return run();
    // What runs may have begun before the caller's question: another pass begins when it ends, for all who wait.
    next ??= running
      .catch(() => {})
      .then(() => {
        next = null;
        return run();
      });
    return next;
  };
  const timer = setInterval(() => {
    if (!running && (dirty || now() - last > IDLE_MILLISECONDS)) run(now() + LIMITS.indexSeconds * SHARE * 1000).catch(failed);
  }, LIMITS.indexSeconds * 1000);
  timer.unref();
  return {
    fresh,
    noted() {
      dirty = true;
    },
    async end() {
      clearInterval(timer);
      if (dirty) await fresh().catch(failed);
      else await running?.catch(() => {});
    },
  };
}
