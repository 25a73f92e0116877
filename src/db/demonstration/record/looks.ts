/** Who looked at the told families, as a server puts it on record, and what their lead workers are told of it. */
import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Client } from '../../../access/client.ts';
import { planRecord, recordText } from '../../../disclosure/record.ts';
import { createRecorder } from '../../../disclosure/recorder.ts';
import type { Store } from '../../../disclosure/store.ts';
import type { Teller } from './step.ts';

const DOCUMENT = 'query OneFamily($id: ID!) { family(id: $id) { name } }';

const LOOKS: [as: Teller, family: number][] = [
  [{ client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' }, 1],
  [{ client: 'thames-valley-police-protection', user: 'harriet.coyle', purpose: 'SAFEGUARDING' }, 2],
  [{ client: 'school-tansy-bridge-pastoral', user: 'owen.lathbury', purpose: 'SAFEGUARDING' }, 1],
  [{ client: 'turning-point-casework', user: 'callum.strand', purpose: 'SAFEGUARDING' }, 1],
];

/** Puts the looks on record, and lets the day end on which they were. Told once. */
export async function tellLooks(owner: pg.Client, store: Store, clientOf: (as: Teller) => Promise<Client>): Promise<void> {
  if ((await owner.query('select from fsp.access_notice limit 1')).rowCount) return;
  const recorder = createRecorder(store);
  const plan = planRecord('OneFamily', createHash('sha256').update(DOCUMENT).digest('hex'), ['FAMILY'], ['Family.name'], []);
  for (const [as, family] of LOOKS)
    await recorder.record(recordText(await clientOf(as), plan, { families: [String(family)], persons: [] }));
  await recorder.end();
  while (await store.index());
  await owner.query('update fsp.access_look set due = now()');
  await owner.query('select fsp.tell_looks()');
}
