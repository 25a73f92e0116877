/**
 * Writes the disclosure record: an answer waits here until its record is durable. Records that come while a batch is
 * being written make up the next one.
 */
import { createHash, randomUUID } from 'node:crypto';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

export type Batch = {
  /** First day of the month that the chain belongs to, by the database's clock. */
  month: string;
  chain: string;
  sequence: number;
  previous: Buffer;
  hash: Buffer;
  count: number;
  records: string;
};

/** Where batches are written. */
export type BatchStore = {
  /** Begins a chain; gives the month that it belongs to. */
  begin(chain: string): Promise<string>;
  /** The month that it is. */
  month(): Promise<string>;
  /** Writes one batch; resolves when it is durable. */
  write(batch: Batch): Promise<void>;
};

export type RecorderOptions = {
  pause?: (milliseconds: number) => Promise<void>;
  /** Milliseconds of a clock that never goes back. */
  now?: () => number;
  /** Told of each batch that is durable. */
  durable?: (batch: Batch) => void;
};

export type Recorder = {
  /** Resolves when the record (JSON text of one object) is durable. @throws PublicError UNAVAILABLE when it cannot be. */
  record(json: string): Promise<void>;
  /** Waits for what is under way. */
  end(): Promise<void>;
};

const ATTEMPTS = 5;

/** The hash that chains a batch to the one before: SHA-256(previous ‖ records). */
export function chainHash(previous: Buffer, records: string): Buffer {
  return createHash('sha256').update(previous).update(records).digest();
}

/**
 * A chain is one process's life within one month; its first batch follows 32 zero bytes. A process that was idle over
 * the end of a month asks before it writes, so that no batch comes long after its month.
 */
export function createRecorder(store: BatchStore, options: RecorderOptions = {}): Recorder {
  const { pause = (ms) => new Promise((r) => setTimeout(r, ms)), now = () => performance.now(), durable = () => {} } = options;
  type Waiting = { json: string; done: () => void; failed: (error: Error) => void };
  type Chain = { chain: string; month: string; sequence: number; previous: Buffer };
  let current: Chain | null = null;
  /** When the database was last asked what month it is. */
  let asked = 0;
  let waiting: Waiting[] = [];
  let running: Promise<void> | null = null;

  const begin = async (): Promise<Chain> => {
    const chain = randomUUID();
    const month = await attempt(() => store.begin(chain));
    asked = now();
    return { chain, month, sequence: 0, previous: Buffer.alloc(32) };
  };
  const chainOfToday = async (): Promise<Chain> => {
    if (current && now() - asked < LIMITS.monthAskedSeconds * 1000) return current;
    if (!current || (await attempt(store.month)) !== current.month) return begin();
    asked = now();
    return current;
  };
  const drain = async () => {
    // One turn of the event loop lets the answers that are ready together be recorded together.
    await null;
    while (waiting.length > 0) {
      const taken = waiting.slice(0, LIMITS.disclosuresPerBatch);
      waiting = waiting.slice(LIMITS.disclosuresPerBatch);
      const records = `[${taken.map(({ json }) => json).join(',')}]`;
      try {
        current = await chainOfToday();
        const batch = { ...current, hash: chainHash(current.previous, records), count: taken.length, records };
        await attempt(() => store.write(batch));
        current = { ...current, sequence: batch.sequence + 1, previous: batch.hash };
        durable(batch);
        for (const { done } of taken) done();
      } catch {
        // Whether the batch was written is not known: the chain ends here, and another begins.
        current = null;
        for (const { failed } of taken) failed(new PublicError('UNAVAILABLE'));
      }
    }
    running = null;
  };
  // The same batch again, under the same key: if its first try was committed after all, the second changes nothing.
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    for (let left = ATTEMPTS - 1; ; left--) {
      try {
        return await work();
      } catch (error) {
        if (left === 0) throw error;
        await pause(50 * (ATTEMPTS - left));
      }
    }
  };
  return {
    record(json) {
      if (waiting.length >= LIMITS.disclosuresWaiting) return Promise.reject(new PublicError('UNAVAILABLE'));
      return new Promise((done, failed) => {
        waiting.push({ json, done, failed });
        running ??= drain();
      });
    },
    async end() {
      while (running) await running;
    },
  };
}
