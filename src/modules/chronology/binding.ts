/** What happened in a family: a stream over every type that says `event` in its binding. */
import type { Binding, FieldBinding } from '../../read/binding.ts';
import { lastReview } from '../plan/binding.ts';

export const bindings: Binding[] = [];

export const extensions: Record<string, Record<string, FieldBinding>> = {
  Family: {
    chronology: {
      kind: 'union',
      to: 'ChronologyEvent',
      members: 'events',
      descending: true,
      on: (family, event) => `${event}.family = ${family}.family`,
      since: { argument: 'sinceLastReview', day: lastReview },
      sameFamily: true,
    },
  },
};
