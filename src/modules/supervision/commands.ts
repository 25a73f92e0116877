/** Supervision and audit on record. */

import { inArray } from 'drizzle-orm';
import { amend } from '../../change/amend.ts';
import { checkCodes } from '../../change/codes.ts';
import type { Command } from '../../change/command.ts';
import { faults } from '../../change/errors.ts';
import { familyVisible, keyOf, notFound, visibleRow } from '../../change/visible.ts';
import type {
  CompleteSupervisionActionInput,
  ContributeToSupervisionInput,
  RecordCaseAuditInput,
  RecordGroupSupervisionInput,
  RecordIndividualSupervisionInput,
} from '../../graphql/generated.ts';
import { today } from '../clock/calendar.ts';
import { meetClock, startClock } from '../clock/service.ts';
import { organisation } from '../sharing/tables.ts';
import { checkAudit, checkContribution, checkGroupSupervision } from './rules.ts';
import {
  caseAudit,
  groupSupervision,
  groupSupervisionAction,
  groupSupervisionContribution,
  groupSupervisionParticipant,
  individualSupervision,
} from './tables.ts';

type Without<T> = Omit<T, 'idempotencyKey'>;

export const recordGroupSupervision: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Without<RecordGroupSupervisionInput>;
  const errors = checkGroupSupervision(input, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  const named: [string, string[]][] = [
    [input.team, ['team']],
    ...input.participants.map(({ organisation: id }, i): [string, string[]] => [id, ['participants', String(i), 'organisation']]),
    ...(input.actions ?? []).flatMap(({ organisation: id }, i): [string, string[]][] =>
      id ? [[id, ['actions', String(i), 'organisation']]] : [],
    ),
  ];
  const keys = new Map(named.map(([id]) => [id, keyOf('Organisation', id)]));
  const wanted = [...keys.values()].filter((key) => key !== null);
  const rows = wanted.length === 0 ? [] : await tx.select().from(organisation).where(inArray(organisation.id, wanted));
  for (const [id, path] of named) {
    const found = rows.find((row) => row.id === keys.get(id));
    if (!found) errors.push(notFound('organisation', ...path));
    else if (path[0] === 'team' && found.agency !== 'TEAM') errors.push({ code: 'INVALID', message: 'Must be a team.', path });
  }
  errors.push(
    ...(await checkCodes(tx, input.heldOn, [
      { list: 'supervision-kind', value: input.kind, path: ['kind'] },
      ...input.participants.map(({ discipline }, i) => ({
        list: 'discipline',
        value: discipline,
        path: ['participants', String(i), 'discipline'],
      })),
    ])),
  );
  if (errors.length > 0) return { userErrors: errors };

  const owned = { family, controller: client.organisation.id };
  const [held] = await tx
    .insert(groupSupervision)
    .values({
      ...owned,
      worker: client.user,
      team: keys.get(input.team) as number,
      kind: input.kind as string,
      heldOn: input.heldOn,
      ledBy: input.ledBy,
      summary: input.summary ?? null,
    })
    .returning({ id: groupSupervision.id });
  const id = (held as { id: number }).id;
  await tx.insert(groupSupervisionParticipant).values(
    input.participants.map(({ organisation: of, user, name, discipline }) => ({
      ...owned,
      supervision: id,
      organisation: keys.get(of) as number,
      worker: user ?? null,
      name,
      discipline,
    })),
  );
  if (input.actions?.length) {
    await tx.insert(groupSupervisionAction).values(
      input.actions.map(({ what, who, organisation: of, user, dueOn }) => ({
        ...owned,
        supervision: id,
        what,
        who,
        organisation: of ? (keys.get(of) as number) : null,
        worker: user ?? null,
        dueOn,
      })),
    );
  }
  const clock = { rule: 'GROUP_SUPERVISION', subject: { type: 'Family', id: family } };
  await meetClock(tx, { ...clock, on: input.heldOn });
  await startClock(tx, client, { ...clock, family, from: input.heldOn });
  return {
    change: { action: 'recordGroupSupervision', entity: 'GroupSupervision', id, family, persons: [], dataClasses: ['SUPERVISION'] },
  };
};

export const contributeToSupervision: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Without<ContributeToSupervisionInput>;
  const errors = checkContribution(input);
  const row = await visibleRow(tx, groupSupervision, keyOf('GroupSupervision', input.supervision), client);
  if (!row) return { userErrors: [...errors, notFound('supervision', 'supervision')] };
  const day = today(now);
  errors.push(...(await checkCodes(tx, day, [{ list: 'discipline', value: input.discipline, path: ['discipline'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const [added] = await tx
    .insert(groupSupervisionContribution)
    .values({
      supervision: row.id,
      family: row.family,
      controller: client.organisation.id,
      worker: client.user,
      discipline: input.discipline,
      author: client.userName ?? client.id,
      contribution: input.text,
    })
    .returning({ id: groupSupervisionContribution.id });
  return {
    change: {
      action: 'contributeToSupervision',
      entity: 'SupervisionContribution',
      id: (added as { id: number }).id,
      family: row.family,
      persons: [],
      dataClasses: ['SUPERVISION'],
    },
  };
};

export const completeSupervisionAction: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Without<CompleteSupervisionActionInput>;
  const { errors, invalid, text, past } = faults();
  past(input.on, now, 'on');
  text(input.outcome, 2_000, 'outcome');
  const key = keyOf('SupervisionAction', input.action);
  const row = await visibleRow(tx, groupSupervisionAction, key, client);
  if (!row) return { userErrors: [...errors, notFound('action', 'action')] };
  if (row.doneOn !== null && row.version === input.expectedVersion) invalid(`It was done on ${row.doneOn}.`, 'action');
  if (errors.length > 0) return { userErrors: errors };
  const set = { doneOn: input.on, outcome: input.outcome ?? null };
  const what = { name: 'action', path: ['action'] };
  const refused = await amend(tx, client, groupSupervisionAction, key, input.expectedVersion, set, what);
  if (refused) return { userErrors: [refused] };
  return {
    change: {
      action: 'completeSupervisionAction',
      entity: 'SupervisionAction',
      id: row.id,
      family: row.family,
      persons: [],
      dataClasses: ['SUPERVISION'],
    },
  };
};

export const recordIndividualSupervision: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Without<RecordIndividualSupervisionInput>;
  const { errors, invalid, text, past } = faults();
  past(input.heldOn, now, 'heldOn');
  text(input.worker, 200, 'worker');
  text(input.supervisor, 200, 'supervisor');
  if (input.worker === client.user) invalid('Supervision is put on record by somebody else than the worker.', 'worker');
  errors.push(...(await checkCodes(tx, input.heldOn, [{ list: 'supervision-kind', value: input.kind, path: ['kind'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const [held] = await tx
    .insert(individualSupervision)
    .values({
      controller: client.organisation.id,
      worker: input.worker,
      supervisor: input.supervisor,
      kind: input.kind as string,
      heldOn: input.heldOn,
      sameProfession: input.sameProfession,
    })
    .returning({ id: individualSupervision.id });
  const id = (held as { id: number }).id;
  return {
    change: {
      action: 'recordIndividualSupervision',
      entity: 'IndividualSupervision',
      id,
      family: null,
      persons: [],
      dataClasses: ['STAFF'],
    },
  };
};

export const recordCaseAudit: Command = async (tx, raw, client, now) => {
  const input = raw as unknown as Without<RecordCaseAuditInput>;
  const errors = checkAudit(input, now);
  const family = keyOf('Family', input.family);
  if (family === null || !(await familyVisible(tx, family, client))) return { userErrors: [...errors, notFound('family', 'family')] };
  errors.push(...(await checkCodes(tx, input.on, [{ list: 'audit-judgement', value: input.judgement, path: ['judgement'] }])));
  if (errors.length > 0) return { userErrors: errors };
  const [made] = await tx
    .insert(caseAudit)
    .values({
      family,
      controller: client.organisation.id,
      auditor: input.auditor,
      auditedOn: input.on,
      judgement: input.judgement,
      findings: input.findings,
    })
    .returning({ id: caseAudit.id });
  const id = (made as { id: number }).id;
  return { change: { action: 'recordCaseAudit', entity: 'CaseAudit', id, family, persons: [], dataClasses: ['STAFF'] } };
};
