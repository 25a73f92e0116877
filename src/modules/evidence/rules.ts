/** What makes an order for an evidence pack whole. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { PrepareEvidencePackInput } from '../../graphql/generated.ts';

const LONGEST_NAME = 200;

export function checkPack({ recipient, from, to }: PrepareEvidencePackInput): UserError[] {
  const { errors, invalid, text } = faults();
  const named = [recipient.organisation, recipient.person, recipient.name].filter((each) => each !== null && each !== undefined);
  if (named.length !== 1) invalid('Name one recipient: an organisation, a person of the family, or somebody else by name.', 'recipient');
  text(recipient.name, LONGEST_NAME, 'recipient', 'name');
  if (from && to && to < from) invalid(`Must not be before ${from}, where the period begins.`, 'to');
  return errors;
}
