/** Which system owns which noun, as the authority says in `reference/<authority>/masters.json`. */
import { date, text } from 'drizzle-orm/pg-core';
import { classify, fsp } from '../../db/classified.ts';

export const nounMaster = classify(
  fsp.table('noun_master', {
    noun: text('noun').primaryKey(),
    what: text('what').notNull(),
    /** The client by which the system asks here; null: this platform owns it. */
    client: text('client'),
    /** The system's name. */
    system: text('system'),
    since: date('since'),
  }),
  'DIRECTORY',
);
