/** What supervision and audit must be, whoever writes them. */
import type { UserError } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import type { ContributeToSupervisionInput, RecordCaseAuditInput, RecordGroupSupervisionInput } from '../../graphql/generated.ts';

type Without<T> = Omit<T, 'idempotencyKey'>;

const LONGEST = { name: 200, text: 20_000, what: 2_000, list: 50 };

export function checkGroupSupervision(input: Without<RecordGroupSupervisionInput>, now: Date): UserError[] {
  const { errors, invalid, text, list, past } = faults();
  past(input.heldOn, now, 'heldOn');
  text(input.ledBy, LONGEST.name, 'ledBy');
  text(input.summary, LONGEST.text, 'summary');
  if (input.participants.length < 2) invalid('Group supervision is of at least two people.', 'participants');
  list(input.participants, LONGEST.list, 'participants');
  input.participants.forEach(({ name }, i) => text(name, LONGEST.name, 'participants', i, 'name'));
  list(input.actions, LONGEST.list, 'actions');
  (input.actions ?? []).forEach(({ what, who, dueOn }, i) => {
    text(what, LONGEST.what, 'actions', i, 'what');
    text(who, LONGEST.name, 'actions', i, 'who');
    if (dueOn < input.heldOn) invalid('Must not be before the supervision.', 'actions', i, 'dueOn');
  });
  return errors;
}

export function checkContribution(input: Without<ContributeToSupervisionInput>): UserError[] {
  const { errors, text } = faults();
  text(input.text, LONGEST.text, 'text');
  return errors;
}

export function checkAudit(input: Without<RecordCaseAuditInput>, now: Date): UserError[] {
  const { errors, text, past } = faults();
  past(input.on, now, 'on');
  text(input.auditor, LONGEST.name, 'auditor');
  text(input.findings, LONGEST.text, 'findings');
  return errors;
}
