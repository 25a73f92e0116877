/** What children and adults of the family say outside a session, and what was done about it. */
import { boolean, date, index, type PgColumn, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey, personKey } from '../family/tables.ts';
import { keptFrom } from '../workbook/tables.ts';

const own = () => ({
  id: id(),
  family: familyKey(),
  person: personKey(),
  controller: controller(),
  worker: text('worker'),
  keptFrom: keptFrom(),
  version: version(),
  ...times(),
});

const voice = () => ({
  ...own(),
  words: text('words').notNull(),
  medium: text('medium').notNull(),
  saidOn: date('said_on').notNull(),
  heardBy: text('heard_by').notNull(),
  /** What they want to be different in the family. */
  wants: text('wants'),
});

type VoiceKeys = { id: PgColumn; family: PgColumn; saidOn: PgColumn };

const ofVoice = (name: string) => (t: VoiceKeys) => [index(`${name}_family`).on(t.family as never, t.saidOn as never, t.id as never)];

export const childVoice = classify(
  fsp.table(
    'child_voice',
    {
      ...voice(),
      /** Who, as the child said, may know of it: the team, unless they agreed to more. */
      mayKnow: text('may_know').notNull().default('team'),
    },
    ofVoice('child_voice'),
  ),
  'CHILD_VOICE',
);
export const adultVoice = classify(fsp.table('adult_voice', voice(), ofVoice('adult_voice')), 'ADULT_VOICE');

/** What was done about it; the row of whoever did it, and kept from the same persons. */
const answer = (to: () => PgColumn) => ({
  ...own(),
  voice: key('voice').notNull().references(to),
  done: text('done').notNull(),
  doneOn: date('done_on').notNull(),
  doneBy: text('done_by').notNull(),
});

const ofAnswer = (name: string) => (t: { voice: PgColumn; id: PgColumn }) => [index(`${name}_voice`).on(t.voice as never, t.id as never)];

export const childVoiceAnswer = classify(
  fsp.table(
    'child_voice_answer',
    answer(() => childVoice.id),
    ofAnswer('child_voice_answer'),
  ),
  'CHILD_VOICE',
);
export const adultVoiceAnswer = classify(
  fsp.table(
    'adult_voice_answer',
    answer(() => adultVoice.id),
    ofAnswer('adult_voice_answer'),
  ),
  'ADULT_VOICE',
);

/** Whom a child chose to trust. */
export const trustedAdult = classify(
  fsp.table(
    'trusted_adult',
    { ...own(), name: text('name').notNull(), role: text('role').notNull(), from: date('from').notNull(), until: date('until') },
    (t) => [index('trusted_adult_family').on(t.family, t.id)],
  ),
  'CHILD_VOICE',
);

/** What a young person says of working with somebody, by the four things that young people named. */
export const relationshipFeedback = classify(
  fsp.table(
    'relationship_feedback',
    {
      ...own(),
      about: text('about').notNull(),
      listened: boolean('listened'),
      comfortable: boolean('comfortable'),
      independence: boolean('independence'),
      knewMe: boolean('knew_me'),
      words: text('words'),
      saidOn: date('said_on').notNull(),
    },
    (t) => [index('relationship_feedback_family').on(t.family, t.id)],
  ),
  'CHILD_VOICE',
);
