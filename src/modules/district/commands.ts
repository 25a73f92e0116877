/** Offering a district's services to a family. */
import { eq } from 'drizzle-orm';
import { maskOf } from '../../access/classes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { familyVisible, keyOf, notFound, visibleMembers } from '../../change/visible.ts';
import { checkOffer, type OfferInput } from './rules.ts';
import { service, serviceOffer, serviceOfferLink } from './tables.ts';

export const offerService: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as OfferInput;
  const errors: UserError[] = [];
  const family = keyOf('Family', input.family);
  const person = keyOf('Person', input.person);
  const serviceKey = keyOf('Service', input.service);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [notFound('family', 'family')] };
  const members = await visibleMembers(tx, family, person === null ? [] : [person]);
  if (person === null || !members.has(person)) errors.push(notFound('member of this family', 'person'));
  const [offered] = serviceKey === null ? [] : await tx.select().from(service).where(eq(service.id, serviceKey));
  if (!offered) errors.push(notFound('service', 'service'));
  else errors.push(...checkOffer(input, offered, now));
  if (errors.length > 0 || !offered || person === null) return { userErrors: errors };

  const owned = { family, person, controller: client.organisation.id, worker: client.user };
  const [row] = await tx
    .insert(serviceOffer)
    .values({ ...owned, offeredOn: input.offered, status: 'OFFERED' })
    .returning({ id: serviceOffer.id });
  const id = (row as { id: number }).id;
  await tx.insert(serviceOfferLink).values({
    ...owned,
    offer: id,
    service: offered.id,
    provider: offered.organisation,
    rowMask: Number(maskOf([offered.dataClass])),
  });
  return { change: { action: 'offerService', entity: 'ServiceOffer', id, family, persons: [person], dataClasses: ['OFFER'] } };
};
