/** Supervision: of the family by the whole team, of the worker by a manager; and the audit of a case. */
import { boolean, date, foreignKey, index, integer, text, unique } from 'drizzle-orm/pg-core';
import { classify, fsp, id, key, times, version } from '../../db/classified.ts';
import { controller, familyKey } from '../family/tables.ts';
import { organisation } from '../sharing/tables.ts';

/**
 * One family as the team spoke of it. A session that speaks of five families is five rows, so that nothing of one family
 * stands with another. Own: of who wrote it and of those who took part.
 */
export const groupSupervision = classify(
  fsp.table(
    'group_supervision',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      worker: text('worker'),
      /** The team that met. */
      team: integer('team')
        .notNull()
        .references(() => organisation.id),
      kind: text('kind').notNull(),
      heldOn: date('held_on').notNull(),
      ledBy: text('led_by').notNull(),
      summary: text('summary'),
      version: version(),
      ...times(),
    },
    (t) => [
      index('group_supervision_family').on(t.family, t.heldOn, t.id),
      unique('group_supervision_of_writer').on(t.id, t.family, t.controller),
    ],
  ),
  'SUPERVISION',
  {
    own: {
      columns: ['controller'],
      through: (alias, org) =>
        `(select true from fsp.group_supervision_participant there where there.supervision = ${alias}.id and there.organisation = ${org} limit 1)`,
      user: 'worker',
      userThrough: (alias, user) =>
        `(select true from fsp.group_supervision_participant there where there.supervision = ${alias}.id and there.worker = ${user} limit 1)`,
    },
  },
);

const ofSupervision = () => ({
  id: id(),
  supervision: key('supervision')
    .notNull()
    .references(() => groupSupervision.id),
  family: familyKey(),
  controller: controller(),
  worker: text('worker'),
});

/** Who took part; `worker` is their user. */
export const groupSupervisionParticipant = classify(
  fsp.table(
    'group_supervision_participant',
    {
      ...ofSupervision(),
      supervision: key('supervision').notNull(),
      organisation: integer('organisation')
        .notNull()
        .references(() => organisation.id),
      name: text('name').notNull(),
      discipline: text('discipline').notNull(),
    },
    (t) => [
      // Of all three: the supervision's policy asks this table, so this one's cannot ask the supervision's.
      foreignKey({
        name: 'group_supervision_participant_of_supervision',
        columns: [t.supervision, t.family, t.controller],
        foreignColumns: [groupSupervision.id, groupSupervision.family, groupSupervision.controller],
      }),
      index('group_supervision_participant_supervision').on(t.supervision, t.id),
      index('group_supervision_participant_organisation').on(t.organisation, t.supervision),
    ],
  ),
  'SUPERVISION',
  { own: { columns: ['controller', 'organisation'] } },
);

/** What one discipline has to say of the family; the row of whoever says it. */
export const groupSupervisionContribution = classify(
  fsp.table(
    'group_supervision_contribution',
    {
      ...ofSupervision(),
      discipline: text('discipline').notNull(),
      author: text('author').notNull(),
      contribution: text('contribution').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [index('group_supervision_contribution_supervision').on(t.supervision, t.id)],
  ),
  'SUPERVISION',
);

/** `worker`: whose it is to do. Whose it is says that it is done, whoever put it on record. */
export const groupSupervisionAction = classify(
  fsp.table(
    'group_supervision_action',
    {
      ...ofSupervision(),
      what: text('what').notNull(),
      who: text('who').notNull(),
      organisation: integer('organisation').references(() => organisation.id),
      dueOn: date('due_on').notNull(),
      doneOn: date('done_on'),
      outcome: text('outcome'),
      version: version(),
      ...times(),
    },
    (t) => [index('group_supervision_action_supervision').on(t.supervision, t.id)],
  ),
  'SUPERVISION',
  { own: { columns: ['controller', 'organisation'] }, amendedBy: ['controller', 'organisation'] },
);

/** That a worker had supervision, and with whom. What was said there is not held. Between organisations: no family is named. */
export const individualSupervision = classify(
  fsp.table(
    'individual_supervision',
    {
      id: id(),
      controller: controller(),
      worker: text('worker').notNull(),
      supervisor: text('supervisor').notNull(),
      kind: text('kind').notNull(),
      heldOn: date('held_on').notNull(),
      /** The supervisor is of the worker's own profession. */
      sameProfession: boolean('same_profession').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [index('individual_supervision_worker').on(t.worker, t.heldOn), index('individual_supervision_held').on(t.heldOn, t.id)],
  ),
  'STAFF',
);

/** How well a family's case was worked: a judgement of named people's practice, so it is the managers' alone. */
export const caseAudit = classify(
  fsp.table(
    'case_audit',
    {
      id: id(),
      family: familyKey(),
      controller: controller(),
      auditor: text('auditor').notNull(),
      auditedOn: date('audited_on').notNull(),
      judgement: text('judgement').notNull(),
      findings: text('findings').notNull(),
      version: version(),
      ...times(),
    },
    (t) => [index('case_audit_family').on(t.family, t.auditedOn, t.id)],
  ),
  'STAFF',
);
