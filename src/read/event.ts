/** Subscriptions: the row that an event is of, read as any other. */
import type { Found } from './run.ts';

/** The root fields, each with the argument that names a family; null: it follows what comes for the caller's organisation. */
export const SUBSCRIPTIONS: ReadonlyMap<string, { family: string | null }> = new Map([
  ['familyChanged', { family: 'id' }],
  ['workbookEntryAdded', { family: 'family' }],
  ['inboxChanged', { family: null }],
]);

/** What a subscription asks for. */
export type Subscribed = {
  /** The key of its field in `data`. */
  key: string;
  field: string;
  /** Null: what comes for the caller's organisation. An empty key is nobody's. */
  family: string | null;
  after: string | null;
};

/** Why a subscription, or what stands before it, is read; and what came of it. */
export type Event = {
  /** The row that it is of; null: nothing is shown yet. */
  of: { type: string; key: string } | null;
  /** Where to go on after it. */
  cursor: string | null;
  /** Reads for the same changes. */
  shared: Map<string, Promise<Found>> | null;
  /** Only whether there is something: nothing of it is shown, paid or put on record. */
  probe: boolean;
  /** Of a probe: the first of its operation. That something is there is told by it, so it is paid, counted and put on record as a look. */
  first: boolean;
  /** Whether what it would show was shown before: then nothing is shown, paid or put on record, as if nothing had happened. */
  same: ((data: string) => boolean) | null;
  /** Told when the operation is known. */
  subscribed: Subscribed | null;
  /** `nothing`: there is no such row for the caller, or not any more. */
  outcome: 'shown' | 'same' | 'nothing' | 'refused';
};

export const newEvent = (more: Partial<Event> = {}): Event => ({
  of: null,
  cursor: null,
  shared: null,
  probe: false,
  first: false,
  same: null,
  subscribed: null,
  outcome: 'nothing',
  ...more,
});
