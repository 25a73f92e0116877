/**
 * What belongs to the told plans' beginnings and ends: conferences, steps, reasons. The plans are rows of the first part,
 * and a command would begin and end them anew.
 */
import type pg from 'pg';
import { rowId } from '../generate.ts';
import { organisationId } from '../personas.ts';
import { storyPerson } from './rows.ts';

type Told = { family: number; of: string; kind: 'INITIAL' | 'PRE_BIRTH'; on: string; chair: string; attended: string[]; view: string };

const ASHDOWN = { family: 2, chair: 'Rosalind Keane' };
const CONFERENCES: Told[] = [
  ...['jade', 'liam'].map((of) => ({
    ...ASHDOWN,
    of,
    kind: 'INITIAL' as const,
    on: '2025-02-10',
    attended: ['childrens-social-care', 'school', 'health-visiting', 'police'],
    view: 'The children have looked after themselves and their mother; they need somebody who looks after them.',
  })),
  {
    ...ASHDOWN,
    of: 'unborn',
    kind: 'PRE_BIRTH',
    on: '2026-07-20',
    attended: ['childrens-social-care', 'health-visiting', 'substance-misuse'],
    view: 'What was done in the last months gives hope; the plan is there from before the birth, so that nobody has to hurry.',
  },
  ...['daughter', 'younger'].map((of) => ({
    family: 3,
    chair: 'Edmund Tarrant',
    of,
    kind: 'INITIAL' as const,
    on: '2026-06-03',
    attended: ['childrens-social-care', 'school', 'health-visiting', 'mental-health', 'police'],
    view: 'Nobody can say yet how the child was hurt. Their mother asked for help herself, and has it.',
  })),
];

const ENDS = [
  { family: 1, plan: 0, of: 'maisie', reason: 'consent-withdrawn' },
  { family: 3, plan: 0, of: 'daughter', reason: 'stepped-down' },
  { family: 3, plan: 1, of: 'younger', reason: 'stepped-down' },
];

/** The entry on which the step of October rests, by its place in the story. */
const STEP_EVIDENCE = 7;

/** Writes the rows, as the database's owner. */
export async function loadTurns(client: pg.Client): Promise<void> {
  const controller = organisationId('occ');
  // A restriction that is over: of one that stands nothing would be there to be told.
  await client.query(
    `insert into fsp.family_restriction (family, controller, worker, organisation, cause, reason, "from", until, lifted_for)
     values (1, $1, 'bethan.rowe', $2, 'PARTNER_STAFF', 'The mother worked at the police station’s front desk.', '2025-09-01T09:00:00Z',
       '2025-12-01T09:00:00Z', 'She has left that work.')`,
    [controller, organisationId('thames-valley-police')],
  );
  for (const { family, of, kind, on, chair, attended, view } of CONFERENCES) {
    const person = storyPerson(family, of);
    const { rows } = await client.query<{ id: string }>(
      `insert into fsp.conference (family, person, controller, kind, target_on, held_on, chair, attended, quorate)
       values ($1, $2, $3, $4, $5, $5, $6, $7, true) returning id`,
      [family, person, controller, kind, on, chair, attended],
    );
    await client.query(
      `insert into fsp.conference_view (conference, family, person, controller, outcome, chairs_view)
       values ($1, $2, $3, $4, 'child-protection-plan', $5)`,
      [rows[0]?.id, family, person, controller, view],
    );
  }
  for (const { family, plan, of, reason } of ENDS)
    await client.query('insert into fsp.plan_end (plan, family, person, controller, reason) values ($1, $2, $3, $4, $5)', [
      rowId(family, plan),
      family,
      storyPerson(family, of),
      controller,
      reason,
    ]);
  for (const [index, of] of ['daughter', 'younger'].entries()) {
    const owned = [3, storyPerson(3, of), controller];
    const { rows } = await client.query<{ id: string }>(
      `insert into fsp.step_event (family, person, controller, direction, "from", "to", stepped_on, ended, started)
       values ($1, $2, $3, 'DOWN', 'CHILD_PROTECTION', 'CHILD_IN_NEED', '2026-10-14', $4, $5) returning id`,
      [...owned, rowId(3, index), rowId(3, 2 + index)],
    );
    const step = rows[0]?.id;
    await client.query(
      `insert into fsp.step_reason (family, person, controller, step, reason, decision, kept_from)
       values ($1, $2, $3, $4, 'change-sustained', 'She set boundaries and has held them for four months.', $5)`,
      [...owned, step, [storyPerson(3, 'partner')]],
    );
    await client.query('insert into fsp.step_evidence (family, person, controller, step, entry) values ($1, $2, $3, $4, $5)', [
      ...owned,
      step,
      rowId(3, STEP_EVIDENCE),
    ]);
  }
}
