/** Which organisation is a council's housing desk. */
import { and, eq } from 'drizzle-orm';
import { keyOf } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import { service } from '../district/tables.ts';
import { organisation } from '../sharing/tables.ts';

/** The key of a council's desk that gives housing services; null for any other organisation. */
export async function housingDesk(tx: Transaction, id: string): Promise<number | null> {
  const key = keyOf('Organisation', id);
  if (key === null) return null;
  const [desk] = await tx
    .select({ id: organisation.id })
    .from(organisation)
    .innerJoin(service, and(eq(service.organisation, organisation.id), eq(service.kind, 'housing'), eq(service.active, true)))
    .where(and(eq(organisation.id, key), eq(organisation.agency, 'DISTRICT')))
    .limit(1);
  return desk?.id ?? null;
}
