/** That evidence about a family was put together for somebody: for what, for whom, over which time. What it shows is read anew. */
import { sql } from 'drizzle-orm';
import { bigint, date, index, integer, text } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey } from '../family/tables.ts';
import { person } from '../person/tables.ts';
import { organisation } from '../sharing/tables.ts';

export type EvidencePurpose = 'CONFERENCE' | 'REVIEW' | 'PRE_PROCEEDINGS' | 'COURT';

export const evidencePack = classify(
  fsp.table(
    'evidence_pack',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      purpose: text('purpose').$type<EvidencePurpose>().notNull(),
      /** One of the three. */
      recipientOrganisation: integer('recipient_organisation').references(() => organisation.id),
      recipientPerson: key('recipient_person').references(() => person.id),
      recipientName: text('recipient_name'),
      /** For whom the recipient stands; written by the database (`fsp.know_recipient`). Empty: for nobody of the family. */
      recipientPersons: bigint('recipient_persons', { mode: 'number' }).array().notNull().default(sql`'{}'::bigint[]`),
      periodFrom: date('period_from'),
      periodTo: date('period_to'),
      preparedBy: text('prepared_by').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [index('evidence_pack_family').on(t.family, t.createdAt, t.id)],
  ),
  'CASE',
  // To whom the county gives papers is for the county to know.
  { ownOnly: true, amendedBy: [] },
);
