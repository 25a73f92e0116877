/** Offering a district's services to a family, and what came of it. */
import { eq, sql } from 'drizzle-orm';
import { maskOf } from '../../access/classes.ts';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command, UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, visibleMembers, visibleRow } from '../../change/visible.ts';
import type { Transaction } from '../../db/transactions.ts';
import type { ServiceOfferStatus } from '../../graphql/generated.ts';
import { organisation } from '../sharing/tables.ts';
import { takingPlace } from './full.ts';
import { checkOffer, checkOfferOutcome, type OfferInput, type OutcomeInput } from './rules.ts';
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

  const [giver] = await tx.select().from(organisation).where(eq(organisation.id, offered.organisation));
  // A provider's people see what is theirs to do: until one of them takes the offer up it is anybody's there.
  const worker = giver?.agency === 'PROVIDER' ? null : client.user;
  const owned = { family, person, controller: client.organisation.id, worker };
  const [row] = await tx
    .insert(serviceOffer)
    .values({ ...owned, offeredOn: input.offered, status: 'OFFERED' })
    .returning({ id: serviceOffer.id });
  const id = (row as { id: number }).id;
  await tx.insert(serviceOfferLink).values({
    ...owned,
    offer: id,
    service: offered.id,
    provider: offered.byVoucher ? client.organisation.id : offered.organisation,
    rowMask: Number(maskOf([offered.dataClass])),
  });
  return {
    change: { action: 'offerService', entity: 'ServiceOffer', id, family, persons: [person], dataClasses: ['OFFER'] },
    warnings: offered.byVoucher ? [] : await unread(tx, offered.organisation),
  };
};

/** What is to be said of an offer to an organisation of which no application reads offers: a council that publishes and has no desk for it. */
async function unread(tx: Transaction, giver: number): Promise<UserError[]> {
  const { rows } = await tx.execute<{ read: boolean }>(sql`select fsp.offers_are_read(${giver}::integer) as read`);
  if (rows[0]?.read) return [];
  const { errors, rule } = faults();
  rule('NO_INBOX', 'Who gives this service has no application that reads offers: nobody answers here, so tell them yourself.', 'service');
  return errors;
}

export const recordOfferOutcome: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as OutcomeInput;
  const what = { name: 'offer', path: ['offer'] };
  const key = keyOf('ServiceOffer', input.offer);
  const offer = await visibleRow(tx, serviceOffer, key, client);
  if (!offer) return { userErrors: [notFound(what.name, ...what.path)] };
  // Of an offer that has moved on meanwhile the caller is told so, and not what its step would have broken.
  const [link] = await tx.select().from(serviceOfferLink).where(eq(serviceOfferLink.offer, offer.id));
  const gives = link?.provider === client.organisation.id;
  const errors =
    offer.version === input.expectedVersion
      ? checkOfferOutcome(input, { ...offer, status: offer.status as ServiceOfferStatus, gives }, now)
      : [];
  errors.push(...(await checkCodes(tx, input.on, [{ list: 'offer-reason', value: input.reason, path: ['reason'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const set = {
    status: input.status,
    answeredOn: input.on,
    ...(input.status === 'TAKEN_UP' ? { takenUpOn: input.on } : {}),
    ...(input.outcome ? { outcome: input.outcome } : {}),
    ...(input.reason ? { reason: input.reason } : {}),
    ...(input.heldUntil ? { heldUntil: input.heldUntil } : {}),
  };
  const refused = await takingPlace(() => amend(tx, client, serviceOffer, key, input.expectedVersion, set, what), 'status');
  if (refused) return { userErrors: [refused] };
  const { id, family, person } = offer;
  return { change: { action: 'recordOfferOutcome', entity: 'ServiceOffer', id, family, persons: [person], dataClasses: ['OFFER'] } };
};
