/** How the first family reached the county, and who was asked about it: a school's referral, told back; one that waits; a request. */
import type pg from 'pg';
import { maskOf } from '../../access/classes.ts';
import { organisationId } from '../personas.ts';
import { storyPerson } from './rows.ts';

/** Writes the rows, as the database's owner. The sequences follow. */
export async function loadFrontDoor(client: pg.Client): Promise<void> {
  const county = organisationId('occ');
  const school = organisationId('school-tansy-bridge');
  const health = organisationId('oxford-health');
  const police = organisationId('thames-valley-police');
  const insert = async (table: string, rows: Record<string, unknown>[]) => {
    const columns = Object.keys(rows[0] as object)
      .map((name) => `"${name}"`)
      .join(', ');
    await client.query(
      `insert into fsp.${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::fsp.${table}, $1::jsonb)`,
      [JSON.stringify(rows)],
    );
    if (rows[0] && 'id' in rows[0])
      await client.query(`select setval(pg_get_serial_sequence('fsp.${table}', 'id'), max(id)) from fsp.${table}`);
  };
  const told = { family_knows: 'TOLD', agreed: true, phone: '07700 900140', addressee: county };
  await insert('referral', [
    {
      id: 1,
      sender: school,
      worker: 'owen.lathbury',
      made_on: '2025-01-31',
      need: 'N1',
      concern: 'Maisie says that she does not sleep because of the shouting; she was twice collected late.',
      referrer: 'Owen Lathbury',
      status: 'DECIDED',
      outcome: 'REFERRAL',
      next_step: 'A social worker will see the family and be in touch with the school.',
      version: 2,
      ...told,
    },
    {
      id: 2,
      sender: health,
      worker: 'amara.osei',
      made_on: '2026-11-19',
      need: 'N3',
      concern: 'The mother of a baby of ten weeks is not eating and cries when she is alone.',
      referrer: 'Amara Osei',
      status: 'RECEIVED',
      outcome: null,
      next_step: null,
      version: 1,
      ...told,
    },
  ]);
  const children = [
    {
      id: 1,
      referral: 1,
      sender: school,
      worker: 'owen.lathbury',
      given_name: 'Maisie',
      family_name: 'Hartwell',
      date_of_birth: '2016-09-14',
    },
    {
      id: 2,
      referral: 2,
      sender: health,
      worker: 'amara.osei',
      given_name: 'Rowan',
      family_name: 'Thistlewood',
      date_of_birth: '2026-09-10',
    },
  ].map((child) => ({ ...child, addressee: county }));
  await insert('referral_child', children);
  await insert(
    'referral_child_place',
    children.map(({ id, referral, sender, worker, addressee }) => ({
      child: id,
      referral,
      sender,
      addressee,
      worker,
      address: id === 1 ? '14 Larkrise Close, Banbury' : '8 Bindweed Court, Banbury',
      school: id === 1 ? 'Tansy Bridge' : null,
    })),
  );
  const feedback = { referral: 1, controller: county, recipient: school, worker: 'owen.lathbury', outcome: 'REFERRAL' };
  await insert('referral_feedback', [
    {
      id: 1,
      kind: 'DECISION',
      next_step: 'A social worker will see the family and be in touch with the school.',
      given_on: '2025-02-03',
      ...feedback,
    },
    {
      id: 2,
      kind: 'AFTER_ASSESSMENT',
      next_step: 'The family is being helped; the school will be asked to meetings.',
      given_on: '2025-03-28',
      ...feedback,
    },
  ]);
  await insert('referral_feedback_answer', [
    {
      id: 1,
      feedback: 1,
      referral: 1,
      sender: school,
      addressee: county,
      worker: 'owen.lathbury',
      useful: true,
      comment: "We knew what to tell Maisie's teacher.",
      answered_on: '2025-02-04',
    },
  ]);

  const of = { family: 1, controller: county, worker: 'philippa.nunn', kept_from: [] };
  await insert('contact', [
    {
      id: 1,
      received_on: '2025-01-31',
      channel: 'referral',
      referral: 1,
      repeat: false,
      outcome: 'REFERRAL',
      decided_on: '2025-02-03',
      next_step: 'A social worker will see the family and be in touch with the school.',
      version: 2,
      ...of,
    },
    {
      id: 2,
      received_on: '2026-04-14',
      channel: 'phone',
      referral: null,
      repeat: false,
      outcome: 'OPEN_CASE',
      decided_on: '2026-04-14',
      next_step: null,
      version: 2,
      ...of,
    },
  ]);
  const informant = Number(maskOf(['INFORMANT']));
  await insert('contact_source', [
    { contact: 1, row_mask: 0, source: '2A', ...of },
    { contact: 2, row_mask: informant, source: '1B', ...of },
  ]);
  await insert('contact_concern', [
    { contact: 1, concern: 'Shouting at night; a child who does not sleep.', reason: 'Police had been called to the house before.', ...of },
    {
      contact: 2,
      concern: 'Things were thrown in the garden; the children stood by.',
      reason: 'The social worker was told at once.',
      ...of,
    },
  ]);
  await insert('contact_informant', [
    { contact: 2, name: 'Winifred Stone', phone: '07700 900165', relation: 'neighbour', anonymous: true, ...of },
  ]);
  await insert(
    'contact_child',
    [1, 2].map((contact) => ({
      id: contact,
      contact,
      person: storyPerson(1, 'maisie'),
      given_name: 'Maisie',
      family_name: 'Hartwell',
      date_of_birth: '2016-09-14',
      ...of,
    })),
  );

  const asked = { sender: county, addressee: police, recipient: null };
  await insert('information_request', [
    {
      id: 1,
      worker: 'grace.whitlock',
      about_family: 1,
      contact: 1,
      purpose: 'MASH',
      question: 'How often were you called to the house, and for what?',
      asked_on: '2025-01-31',
      due_on: '2025-02-03',
      ...asked,
    },
  ]);
  await insert('information_request_person', [
    {
      id: 1,
      request: 1,
      about_person: storyPerson(1, 'father'),
      given_name: 'Glenn',
      family_name: 'Hartwell',
      date_of_birth: '1988-11-09',
      ...asked,
    },
  ]);
  await insert('information_answer', [
    {
      id: 1,
      request: 1,
      sender: police,
      addressee: county,
      worker: 'harriet.coyle',
      kept_from: [storyPerson(1, 'father')],
      answer: 'Three call-outs since August 2024, each for shouting; no further action was taken on any.',
      answered_on: '2025-02-03',
      answered_by: 'Harriet Coyle',
    },
  ]);

  await insert('look_up', [
    {
      id: 1,
      sender: health,
      worker: 'amara.osei',
      identifier: 'NHS_NUMBER',
      reason: 'A bruise seen at a visit.',
      child_protection_plan: false,
      looked_after: true,
      unborn_plan: false,
      ring: 'Grace Whitlock, Oxfordshire County Council, 01632 960000',
      at: '2026-10-06T09:12:00.000Z',
    },
  ]);
  await insert('look_up_receipt', [{ id: 1, family: 1, controller: county, organisation: health, at: '2026-10-06T09:12:00.000Z' }]);
}
