/** Putting evidence together for somebody. */
import { eq } from 'drizzle-orm';
import type { Command } from '../../change/command.ts';
import { familyVisible, keyOf, notFound, visibleMembers } from '../../change/visible.ts';
import type { PrepareEvidencePackInput } from '../../graphql/generated.ts';
import { organisation } from '../sharing/tables.ts';
import { checkPack } from './rules.ts';
import { evidencePack } from './tables.ts';

export const prepareEvidencePack: Command = async (tx, raw, client) => {
  const input = raw as unknown as PrepareEvidencePackInput;
  const errors = checkPack(input);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const { recipient } = input;
  const recipientOrganisation = recipient.organisation ? keyOf('Organisation', recipient.organisation) : null;
  if (recipient.organisation) {
    const known =
      recipientOrganisation !== null &&
      (await tx.select({ id: organisation.id }).from(organisation).where(eq(organisation.id, recipientOrganisation))).length === 1;
    if (!known) errors.push(notFound('organisation', 'recipient', 'organisation'));
  }
  const recipientPerson = recipient.person ? keyOf('Person', recipient.person) : null;
  if (recipient.person && (recipientPerson === null || !(await visibleMembers(tx, family, [recipientPerson])).has(recipientPerson)))
    errors.push(notFound('member of this family', 'recipient', 'person'));
  if (errors.length > 0) return { userErrors: errors };
  const [pack] = await tx
    .insert(evidencePack)
    .values({
      family,
      controller: client.organisation.id,
      worker: client.user,
      purpose: input.purpose,
      recipientOrganisation,
      recipientPerson,
      recipientName: recipient.name ?? null,
      periodFrom: input.from ?? null,
      periodTo: input.to ?? null,
      preparedBy: client.userName ?? client.id,
    })
    .returning({ id: evidencePack.id });
  return {
    change: {
      action: 'prepareEvidencePack',
      entity: 'EvidencePack',
      id: (pack as { id: number }).id,
      family,
      persons: recipientPerson === null ? [] : [recipientPerson],
      dataClasses: ['CASE'],
    },
  };
};
