/**
 * What costs its caller nothing is counted, and put on record once a minute for each kind: tokens that are none, requests
 * beyond a budget. Else whoever sends many of them would make the disk work.
 */
import { LIMITS } from '../limits.ts';

export type Tally = {
  /** @param text the record of so many. */
  note(kind: string, text: (count: number) => string): void;
  /** Writes down what was counted so far. */
  flush(): Promise<void>;
};

export function createTally(record: (json: string) => Promise<void>, seconds: number = LIMITS.talliedSeconds): Tally {
  let counted = new Map<string, { count: number; text: (count: number) => string }>();
  let timer: NodeJS.Timeout | null = null;
  const flush = async () => {
    if (timer) clearTimeout(timer);
    timer = null;
    const due = [...counted.values()];
    counted = new Map();
    // Nothing was shown to any of them: a record that cannot be written holds nothing back.
    await Promise.all(due.map(({ count, text }) => record(text(count)).catch(() => {})));
  };
  return {
    note(kind, text) {
      const known = counted.get(kind);
      if (known) known.count++;
      else counted.set(kind, { count: 1, text });
      timer ??= setTimeout(() => void flush(), seconds * 1000).unref();
    },
    flush,
  };
}
