/**
 * Writes the disclosure record: an answer waits here until its record is durable. Records that come while a batch is
 * being written make up the next one.
 */
import { createHash, randomUUID } from 'node:crypto';
import { PublicError } from '../errors.ts';
import { LIMITS } from '../limits.ts';

/** Writes one batch; resolves when it is durable. */
export type WriteBatch = (batch: Batch) => Promise<void>;

export type Batch = { chain: string; sequence: number; previous: Buffer; hash: Buffer; count: number; records: string };

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

/** A chain is one process's life; its first batch follows 32 zero bytes. */
export function createRecorder(
  write: WriteBatch,
  pause: (milliseconds: number) => Promise<void> = (ms) => new Promise((r) => setTimeout(r, ms)),
): Recorder {
  type Waiting = { json: string; done: () => void; failed: (error: Error) => void };
  let chain = randomUUID() as string;
  let sequence = 0;
  let previous: Buffer = Buffer.alloc(32);
  let waiting: Waiting[] = [];
  let running: Promise<void> | null = null;

  const drain = async () => {
    // One turn of the event loop lets the answers that are ready together be recorded together.
    await null;
    while (waiting.length > 0) {
      const taken = waiting.slice(0, LIMITS.disclosuresPerBatch);
      waiting = waiting.slice(LIMITS.disclosuresPerBatch);
      const records = `[${taken.map(({ json }) => json).join(',')}]`;
      const batch = { chain, sequence, previous, hash: chainHash(previous, records), count: taken.length, records };
      try {
        await attempt(batch);
        sequence++;
        previous = batch.hash;
        for (const { done } of taken) done();
      } catch {
        // Whether the batch was written is not known: the chain ends here, and another begins.
        chain = randomUUID();
        sequence = 0;
        previous = Buffer.alloc(32);
        for (const { failed } of taken) failed(new PublicError('UNAVAILABLE'));
      }
    }
    running = null;
  };
  // The same batch again, under the same key: if its first try was committed after all, the second changes nothing.
  const attempt = async (batch: Batch) => {
    for (let left = ATTEMPTS - 1; ; left--) {
      try {
        return await write(batch);
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
